"""How often words are near each other: counted block by block, merged on the disk, shuffled for training.

A pair of words at distance d counts 1 / d. Each block of the text gives a run of pairs with their sums, in the order of
their scrambled keys; the runs are then merged one range of that order after another. So what must fit into memory is a
block or a range, and the order, which a range is a part of by chance alone, is already a shuffled one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from tempfile import TemporaryFile
from typing import Any, NamedTuple

import numpy as np

from .corpus import LINE_END, Corpus

__all__ = ["Cooccurrences", "Pairs"]

BLOCK = 1 << 20  # words of the text whose pairs are counted at once
RANGE = 1 << 22  # pairs that are merged at once, and that are in memory when they are trained on
SCRAMBLE = 0x9E3779B97F4A7C15  # 2**64 / golden ratio, made odd: times that, modulo 2**64, keys look random
UNSCRAMBLE = pow(SCRAMBLE, -1, 1 << 64)
RUN = np.dtype([("key", np.uint64), ("times", np.float64)])
PAIR = np.dtype([("first", np.int32), ("second", np.int32), ("times", np.float32)])


class Pairs(NamedTuple):
    """Pairs of different or equal words, each pair once, and how often they are near each other: three arrays."""

    first: np.ndarray
    second: np.ndarray
    times: np.ndarray


class Cooccurrences:
    """The pairs of words that are near each other in a corpus, in a temporary file. Close it to delete the file.

    window: how far apart two words may be. Words of different lines are never near each other.
    progress: called with the number of words counted so far.

    >>> with Corpus(["a b c", "b a"], min_count=1) as corpus, Cooccurrences(corpus, window=2) as pairs:
    ...     parts = [Pairs(*(a.tolist() for a in part)) for part in pairs]
    >>> [corpus.words[i] for i in parts[0].first], [corpus.words[i] for i in parts[0].second], parts[0].times
    (['b', 'a', 'a'], ['c', 'c', 'b'], [1.0, 0.5, 2.0])
    """

    def __init__(self, corpus: Corpus, window: int, progress: Callable[[int], object] = lambda done: None) -> None:
        self.vocabulary = len(corpus.words)
        self._pairs = TemporaryFile(prefix="minigrad-pairs-")  # noqa: SIM115 (close() closes it)
        try:
            with TemporaryFile(prefix="minigrad-runs-") as file:
                lengths = [write_run(file, *run) for run in self._count(corpus, window, progress)]
                file.flush()
                self._sizes = list(self._merge(file, lengths))
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        """How many different pairs there are."""
        return sum(self._sizes)

    @property
    def parts(self) -> int:
        """In how many parts they come."""
        return len(self._sizes)

    def __iter__(self) -> Iterator[Pairs]:
        return map(self.part, range(self.parts))

    def part(self, number: int) -> Pairs:
        """A part of the pairs: which pairs are in the same one is chance."""
        self._pairs.seek(PAIR.itemsize * sum(self._sizes[:number]))
        pairs = np.frombuffer(self._pairs.read(PAIR.itemsize * self._sizes[number]), PAIR)
        return Pairs(*(np.ascontiguousarray(pairs[name]) for name in Pairs._fields))

    def close(self) -> None:
        """Delete the temporary file."""
        self._pairs.close()

    def __enter__(self) -> Cooccurrences:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # -- counting -------------------------------------------------------------------------------------------------

    def _count(
        self, corpus: Corpus, window: int, progress: Callable[[int], object]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(keys, sums) of each block of the text."""
        words, lines = np.zeros(0, np.int32), np.zeros(0, np.int64)  # the last ones of the block before
        line = done = 0
        for ids in corpus.blocks(BLOCK):
            is_end = ids == LINE_END
            line_of = line + np.cumsum(is_end)
            line, fresh = int(line_of[-1]) if len(ids) else line, int(np.count_nonzero(~is_end))
            words = np.concatenate([words, ids[~is_end]])
            lines = np.concatenate([lines, line_of[~is_end]])
            if fresh:
                yield self._near(words, lines, fresh, window)
            words, lines = words[-window:], lines[-window:]
            done += fresh
            progress(done)

    def _near(self, words: np.ndarray, lines: np.ndarray, fresh: int, window: int) -> tuple[np.ndarray, np.ndarray]:
        """(keys, sums) of the pairs whose second word is one of the last, fresh ones."""
        words = words.astype(np.int64)
        codes = []
        for distance in range(1, min(window, len(words) - 1) + 1):
            start = max(len(words) - fresh, distance)
            before, after = words[start - distance : len(words) - distance], words[start:]
            alike = lines[start - distance : len(words) - distance] == lines[start:]
            keys = np.minimum(before, after) * self.vocabulary + np.maximum(before, after)
            codes.append(keys[alike] * (window + 1) + distance)
        code = np.sort(np.concatenate(codes or [np.zeros(0, np.int64)]))
        key, far = np.divmod(code, window + 1)
        return summed(key.astype(np.uint64), 1.0 / far)

    # -- merging ----------------------------------------------------------------------------------------------------

    def _merge(self, file: Any, lengths: list[int]) -> Iterator[int]:
        """Write the pairs of each range of scrambled keys, each pair once; how many there are."""
        if not sum(lengths):
            return
        runs = np.split(np.memmap(file, RUN, "r"), np.cumsum(lengths)[:-1])
        ranges = -(-sum(lengths) // RANGE)
        bounds = [[*np.searchsorted(run["key"], begins(ranges)), len(run)] for run in runs]
        for number in range(ranges):
            mine = np.concatenate([run[at[number] : at[number + 1]] for run, at in zip(runs, bounds)])
            order = np.argsort(mine["key"], kind="stable")
            keys, sums = summed(mine["key"][order], mine["times"][order])
            pairs = np.empty(len(keys), PAIR)
            pairs["first"], pairs["second"] = np.divmod(keys * np.uint64(UNSCRAMBLE), np.uint64(self.vocabulary))
            pairs["times"] = sums
            self._pairs.write(pairs.tobytes())
            yield len(pairs)


def write_run(file: Any, keys: np.ndarray, sums: np.ndarray) -> int:
    """Write keys, scrambled and in the order of that, and their sums; how many there are."""
    keys = keys * np.uint64(SCRAMBLE)
    order = np.argsort(keys)
    run = np.empty(len(keys), RUN)
    run["key"], run["times"] = keys[order], sums[order]
    file.write(run.tobytes())
    return len(run)


def begins(ranges: int) -> np.ndarray:
    """Where ranges of all numbers of 64 bits begin.

    >>> begins(2).tolist() == [0, 2**63]
    True
    """
    return np.array([n * (1 << 64) // ranges for n in range(ranges)], np.uint64)


def summed(keys: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted keys, each once, and the sum of the times of each.

    >>> summed(np.array([3, 3, 8]), np.array([1.0, 0.5, 1.0]))
    (array([3, 8]), array([1.5, 1. ]))
    """
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.zeros(0, int)
    return keys[first], np.add.reduceat(times, first) if len(first) else times
