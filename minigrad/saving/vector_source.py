"""What the readers of word vectors share: a file that is read once, from front to back, and rows that pile up."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np

from ..callbacks.progress import Progbar
from ..errors import CorruptFile

__all__ = ["Read", "Rows", "Source", "bar"]

CHUNK = 1 << 20  # bytes read at a time; a file of fewer has no bar
LONGEST_LINE = 1 << 24


class Read(NamedTuple):
    """What a reader returns: words, their matrix, and the words (with their places) that came again."""

    words: list[str]
    matrix: np.ndarray
    repeated: list[str]


class Source:
    """The bytes of a file, unpacked if they are packed by gzip; `head` is their beginning, to look at beforehand."""

    def __init__(self, raw: BinaryIO, progress: bool) -> None:
        self.name, self._raw = os.fsdecode(raw.name), raw
        self.size = os.fstat(raw.fileno()).st_size
        self._bar = bar(self.size, progress)
        self.is_packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        self._file: Any = raw
        if self.is_packed:
            from gzip import GzipFile

            self._file = GzipFile(fileobj=raw)
        self.head = self._read()

    def fail(self, place: str, what: str) -> NoReturn:
        raise CorruptFile(f"{self.name}, {place}: {what}.")

    def most_rows(self, wanted: int, least: int) -> int:
        """How many of the words wanted an unpacked file of this size can hold, each with more than `least` bytes."""
        return min(wanted, (self.size + 1) // (least + 1))

    def chunks(self) -> Iterator[bytes]:
        """The bytes, piece by piece."""
        chunk = self.head
        while chunk:
            yield chunk
            self._bar.update(self._raw.tell() >> 10, finalize=False)
            chunk = self._read()

    def finish(self) -> None:
        """Tell that all that is wanted has been read."""
        self._bar.update(self.size >> 10, finalize=True)

    def lines(self) -> Iterator[list[bytes]]:
        """The lines, many at a time, without their ends."""
        rest = b""
        for chunk in self.chunks():
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LONGEST_LINE:
                raise CorruptFile(f"{self.name} has a line of more than {LONGEST_LINE} bytes: no text of vectors.")
            yield lines
        yield [rest] if rest else []

    def _read(self) -> bytes:
        try:
            return self._file.read(CHUNK)
        except (EOFError, zlib.error) as error:
            raise CorruptFile(f"{self.name} is packed by gzip, and damaged or cut short: {error}.") from None
        except OSError as error:
            if self.is_packed and error.errno is None:  # gzip's own
                raise CorruptFile(f"{self.name} is packed by gzip, and damaged: {error}.") from None
            raise


class Rows:
    """Words and vectors as they come in; of a word that comes again, only the first vector is kept."""

    def __init__(self, width: int, expected: int = 0) -> None:
        self._matrix = np.empty((max(expected, 1), width), np.float32)
        self._index: dict[str, int] = {}
        self._repeated: list[str] = []

    def add(self, words: Sequence[str], vectors: np.ndarray, places: Iterable[str]) -> None:
        """Take in words, with a vector each; `places` say where they stand."""
        begin, new = len(self._index), []
        for i, (word, place) in enumerate(zip(words, places)):
            if word in self._index:
                self._repeated.append(f"{word!r:.80} ({place})")
            else:
                self._index[word] = len(self._index)
                new.append(i)
        if len(self._index) > len(self._matrix):
            self._resize(max(len(self._index), len(self._matrix) * 3 // 2))
        self._matrix[begin : len(self._index)] = vectors if len(new) == len(words) else vectors[new]

    def finished(self) -> Read:
        """Return words, matrix and what was left out."""
        self._resize(len(self._index))
        return Read(list(self._index), self._matrix, self._repeated)

    def _resize(self, rows: int) -> None:
        self._matrix.resize((rows, self._matrix.shape[1]), refcheck=False)


def bar(size: int, progress: bool) -> Progbar:
    """A bar for so many bytes, counted in kB; silent for what takes no time."""
    return Progbar(size >> 10, verbose=int(progress and size > CHUNK), unit_name="kB")
