"""Text as a stream of word ids: read once, line by line, kept in a temporary file of four bytes a word.

So neither the text nor its ids need fit into memory; the vocabulary must. Word2vec and GloVe are trained from this.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from tempfile import TemporaryFile

import numpy as np

from ..errors import CorruptFile

__all__ = ["Corpus", "tokenize"]

LINE_END = -1  # stands among the ids behind the last word of each line
LEFT_OUT = -2  # what stands for a word that is too rare
PIECE = 1 << 20  # bytes of a line that are read at once: a whole book may be one line
_words = re.compile(r"[^\W\d_]+").findall


def tokenize(text: str) -> list[str]:
    """The words of a text: its runs of letters, in lower case. Digits, apostrophes and all else part words.

    >>> tokenize("It isn't 1984, Zoë!")
    ['it', 'isn', 't', 'zoë']
    """
    return _words(text.lower())


class Corpus:
    """A text as ids of words, the most frequent word 0. Close it, or use it in a `with`, to delete its file.

    text: the path of a file in UTF-8, or an iterable of lines. Words of different lines are never neighbours.
    min_count: how often a word must be there; what is rarer is left out, as if it had never been in the text.
    tokenize: what makes words of a line. progress: called with the number of bytes (or lines) read so far.

    Raises CorruptFile for a line that is not UTF-8, and ValueError if fewer than two different words are left.

    >>> with Corpus(["the cat", "the mat, the cat"], min_count=1) as corpus:
    ...     corpus.words, corpus.counts.tolist(), [ids.tolist() for ids in corpus.blocks()]
    (['the', 'cat', 'mat'], [3, 2, 1], [[0, 1, -1, 0, 2, 0, 1, -1]])
    """

    def __init__(
        self,
        text: str | os.PathLike[str] | Iterable[str],
        min_count: int = 5,
        tokenize: Callable[[str], list[str]] = tokenize,
        progress: Callable[[int], object] | None = None,
    ) -> None:
        self._file = TemporaryFile(prefix="minigrad-ids-")  # noqa: SIM115 (close() closes it)
        try:
            self._read(text, min_count, tokenize, progress or (lambda done: None))
        except BaseException:
            self.close()
            raise

    def _read(
        self,
        text: str | os.PathLike[str] | Iterable[str],
        min_count: int,
        tokenize: Callable[[str], list[str]],
        progress: Callable[[int], object],
    ) -> None:
        """Write the ids of all words, numbered as they came, and then rank the words by how often they came."""
        if min_count < 1:
            raise ValueError(f"min_count is a whole number from 1, got {min_count!r}")
        found: dict[str, int] = {}
        for done, piece, ends in pieces(text):
            ids = [found.setdefault(word, len(found)) for word in tokenize(piece)]
            if ends:
                ids.append(LINE_END)
            self._file.write(np.array(ids, np.int32).tobytes())
            progress(done)
        counts = np.zeros(len(found), np.int64)
        for block in self._raw_blocks(1 << 18):
            counts += np.bincount(block[block >= 0], minlength=len(found))
        order = np.argsort(-counts, kind="stable")
        order = order[counts[order] >= min_count]
        if len(order) < 2:
            raise ValueError(too_few(text, counts, min_count))
        names = list(found)
        self.words = [names[i] for i in order]
        self.counts = counts[order]
        self.read = int(counts.sum())  # words in the text, with those that are left out
        self._rank = np.full(len(found) + 1, LEFT_OUT, np.int32)
        self._rank[order] = np.arange(len(order))
        self._rank[LINE_END] = LINE_END  # its last place

    def __len__(self) -> int:
        """How many words the corpus has, without those that are left out."""
        return int(self.counts.sum())

    def blocks(self, size: int = 1 << 18) -> Iterator[np.ndarray]:
        """The ids in order, in arrays of at most `size`, with -1 behind the last word of each line."""
        for ids in self._raw_blocks(size):
            ids = self._rank[ids]
            yield ids[ids != LEFT_OUT]

    def _raw_blocks(self, size: int) -> Iterator[np.ndarray]:
        """What is in the file: numbers of words in the order in which they came first."""
        place = 0
        while True:
            self._file.seek(place)  # others may read between two blocks
            chunk = self._file.read(4 * size)
            if not chunk:
                return
            place += len(chunk)
            yield np.frombuffer(chunk, np.int32)

    def close(self) -> None:
        """Delete the temporary file."""
        self._file.close()

    def __enter__(self) -> Corpus:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Corpus: {len(self):,} words, {len(self.words):,} different ones>"


def pieces(text: str | os.PathLike[str] | Iterable[str]) -> Iterator[tuple[int, str, bool]]:
    """(bytes or lines read so far, a line or a part of one, whether the line ends with it)."""
    if not isinstance(text, (str, os.PathLike)):
        for number, piece in enumerate(text, 1):
            if not isinstance(piece, str):
                raise TypeError(
                    f"a corpus is a path or an iterable of lines; line {number} is a {type(piece).__name__}"
                )
            yield number, piece, True
        return
    with open(text, "rb") as file:
        line, rest = 1, b""
        while raw := file.readline(PIECE):
            ends = raw.endswith(b"\n")
            raw, rest = (rest + raw, b"") if ends else cut(rest + raw)
            yield file.tell(), decoded(raw, text, line), ends
            line += ends
        yield file.tell(), decoded(rest, text, line), True


def cut(raw: bytes) -> tuple[bytes, bytes]:
    """A part of a line up to its last space, so that no word is cut, and what comes behind it.

    In a script without spaces, or where a word has no end, it is at least no character that is cut.
    """
    end = raw.rfind(b" ") + 1
    if not end and len(raw) > 2 * PIECE:
        end = len(raw) - 1
        while raw[end] & 0xC0 == 0x80 and end > 0:  # a byte within a character
            end -= 1
    return raw[:end], raw[end:]


def decoded(raw: bytes, path: str | os.PathLike[str], line: int) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise CorruptFile(
            f"{os.fsdecode(path)}, line {line}: the byte {raw[error.start]:#04x} is no UTF-8 ({error.reason}); "
            "bring the text into UTF-8 first, for example with iconv"
        ) from None


def too_few(text: object, counts: np.ndarray, min_count: int) -> str:
    """What to say about a text from which no vocabulary comes."""
    name = os.fsdecode(text) if isinstance(text, (str, os.PathLike)) else "the text"
    if not counts.sum():
        return f"{name} has no words in it: it is empty, or without letters"
    often = int((counts >= min_count).sum())
    word = "no word is" if not often else "a single word is"
    return (
        f"{name} has {counts.sum():,} words, {np.count_nonzero(counts):,} different ones, but {word} there at least "
        f"min_count={min_count} times; a vocabulary takes two. Give more text, or a smaller min_count"
    )
