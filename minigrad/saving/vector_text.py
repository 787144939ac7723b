"""Word vectors as text: GloVe's (a word and its numbers on each line), word2vec's and fastText's (a heading before).

Fields are parted by blanks or tabs, the bytes are UTF-8. GloVe's words may have blanks in them (". . ."): the last
`width` fields are the vector, and what stands before is the word.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NoReturn

import numpy as np

from .atomic import atomic_write
from .vector_source import Read, Rows, Source

__all__ = ["heading", "is_row", "read_glove", "read_word2vec", "write_word2vec"]

WIDEST = 1 << 20

_BLOCK = 4096  # rows written at a time
_HEADING = re.compile(rb"\s*(\d{1,15})[ \t]+(\d{1,15})\s*")

Lines = tuple[list[int], list[bytes]]  # and before them, their numbers


def read_glove(source: Source, limit: int | None) -> Read:
    """Read a text without a heading; its first line says how wide the vectors are."""
    lines = _lines(source)
    first = next(lines, ([1], [b""]))
    fields = first[1][0].split()
    if not is_row(first[1][0], len(fields) - 1):
        source.fail(f"line {first[0][0]}", f"expected a word and its vector, got {_shown(first[1][0])}")
    return _rows(source, chain([first], lines), len(fields) - 1, limit)


def read_word2vec(source: Source, limit: int | None) -> Read:
    """Read a text whose first line says how many words there are, and how wide their vectors."""
    lines = _lines(source)
    numbers, first = next(lines, ([1], [b""]))
    n, width = heading(source, first[0], least=2)
    return _rows(source, chain([(numbers[1:], first[1:])], lines), width, limit, n)


def write_word2vec(words: Sequence[str], matrix: np.ndarray, path: str | os.PathLike[str]) -> None:
    """Write such a text, atomically; nine digits bring every float32 back as it was."""
    encoded = [word.encode() for word in words]
    for word, raw in zip(words, encoded):
        if b"\n" in raw or (raw + b" 0").rsplit(None, 1)[0] != raw or _ends_in_number(raw):
            raise ValueError(
                f"The word {word!r:.80} cannot stand in a text of vectors (it is empty, has blanks or a line end where "
                "they would be lost, or ends in a blank and a number): save as .safetensors."
            )
    row = b"%b" + b" %.9g" * matrix.shape[1] + b"\n"
    with atomic_write(path) as file:
        file.write(b"%d %d\n" % matrix.shape)
        for begin in range(0, len(words), _BLOCK):
            vectors = matrix[begin : begin + _BLOCK].tolist()
            file.writelines(row % (word, *vector) for word, vector in zip(encoded[begin:], vectors))


def heading(source: Source, line: bytes, least: int) -> tuple[int, int]:
    """Return the number of words and the width that a first line announces; a number takes `least` bytes or more."""
    match = _HEADING.fullmatch(line)
    n, width = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (n and 0 < width <= WIDEST):
        source.fail("line 1", f"expected the number of words and the width of their vectors, got {_shown(line)}")
    if not source.is_packed and n > source.most_rows(n, width * least):
        source.fail("line 1", f"{n} words of {width} numbers are announced, {source.size} bytes cannot hold them")
    return n, width


def is_row(line: bytes, width: int) -> bool:
    """Whether a line is one word with so many numbers."""
    fields = line.split()
    return 0 < width == len(fields) - 1 and all(map(_is_number, fields[1:]))


def _lines(source: Source) -> Iterator[Lines]:
    """The lines that are not empty, many at a time, with their numbers."""
    number = 1
    for lines in source.lines():
        if number == 1 and lines:
            lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")  # a mark of UTF-8 that some editors leave
        numbers = list(range(number, number + len(lines)))
        number += len(lines)
        if b"" in lines or b"\r" in lines:
            filled = [i for i, line in enumerate(lines) if line not in (b"", b"\r")]
            numbers, lines = [numbers[i] for i in filled], [lines[i] for i in filled]
        if lines:
            yield numbers, lines


def _rows(source: Source, blocks: Iterator[Lines], width: int, limit: int | None, announced: int | None = None) -> Read:
    """Read the lines of words, as many as wanted; as many as announced there must be, if all are wanted."""
    partial = limit is not None and (announced is None or limit < announced)
    wanted = limit if partial else announced
    rows, seen, last = Rows(width, source.most_rows(announced or 0, 2 * width)), 0, 1
    for numbers, lines in blocks:
        if wanted is not None and seen + len(lines) > wanted:
            if not partial:
                source.fail(f"line {numbers[wanted - seen]}", f"more words than the {announced} that line 1 announces")
            numbers, lines = numbers[: wanted - seen], lines[: wanted - seen]
        if lines:
            rows.add(*_parsed(source, numbers, lines, width), (f"line {number}" for number in numbers))
            seen, last = seen + len(lines), numbers[-1]
        if partial and seen == wanted:
            break
    if announced is not None and seen < (wanted or 0):
        source.fail(f"line {last + 1}", f"the file ends after {seen} of the {announced} words that line 1 announces")
    source.finish()
    return rows.finished()


def _parsed(source: Source, numbers: list[int], lines: list[bytes], width: int) -> tuple[list[str], np.ndarray]:
    """Read many lines at once; if anything is wrong with one of them, look at each and say which it is."""
    heads: list[bytes] = []
    fields: list[bytes] = []
    for line in lines:
        head, *numerals = line.rsplit(None, width) or (b"",)
        heads.append(head)
        fields += numerals
    try:
        with np.errstate(over="ignore"):
            vectors = np.fromiter(map(float, fields), np.float32, len(fields)).reshape(len(lines), width)
        together = b"\n".join(heads)
        words = together.decode().split("\n")
    except ValueError:  # no number, no UTF-8, or too few fields
        _blame(source, numbers, lines, width)
    underscored = b"\n".join(lines).count(b"_") > together.count(b"_")  # in a number, where Python's float takes it
    if underscored or not np.isfinite(vectors).all() or any(map(_ends_in_number, heads)):
        _blame(source, numbers, lines, width)
    return words, vectors


def _blame(source: Source, numbers: list[int], lines: list[bytes], width: int) -> NoReturn:
    """Name the first line that is wrong, and what is wrong with it."""
    for number, line in zip(numbers, lines):
        place = f"line {number}"
        head, *fields = line.rsplit(None, width) or (b"",)
        if len(fields) < width:
            source.fail(place, f"{len(fields)} numbers, expected a word and {width}, in {_shown(line)}")
        for place_in_line, field in enumerate(fields, 1):
            if not _is_number(field):
                source.fail(place, f"number {place_in_line} of the vector is {_shown(field)}")
            with np.errstate(over="ignore"):
                if not np.isfinite(np.float32(field)):
                    source.fail(place, f"number {place_in_line} of the vector is {_shown(field)}, not a finite float32")
        if _ends_in_number(head):
            source.fail(place, f"more than {width} numbers, in {_shown(line)}")
        try:
            head.decode()
        except UnicodeDecodeError as error:
            source.fail(place, f"the word {_shown(head)} is not UTF-8 ({error.reason}, its byte {error.start + 1})")
    raise AssertionError("one of these lines was wrong")


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return b"_" not in field  # Python's float would take 1_000


def _ends_in_number(word: bytes) -> bool:
    """Whether a word with blanks in it ends in a number: then its line had one too many."""
    parts = word.split()
    return len(parts) > 1 and _is_number(parts[-1])


def _shown(line: bytes) -> str:
    text = ascii(line)[1:] if not line.isascii() else repr(line.decode())
    return text if len(text) <= 60 else text[:57] + "...'"
