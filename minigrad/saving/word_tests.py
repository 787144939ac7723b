"""Files that word vectors are judged by: pairs of words with scores, and analogies."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from typing import NoReturn

from ..errors import CorruptFile

__all__ = ["read_analogies", "read_similarities"]

_LARGEST = 64 << 20  # bytes; the largest in use have one


def read_similarities(path: str | os.PathLike[str]) -> list[tuple[str, str, float]]:
    """Return `(word, word, score)` for each line of a file in the manner of WordSim-353.

    Fields are parted by tabs, commas or blanks, the same all through; what follows the third is ignored. Lines that
    are empty or begin with `#` are no pairs; nor is the first line that is none of these, if its third field is no
    number (a heading). A CorruptFile names the first line that cannot be read.
    """
    pairs: list[tuple[str, str, float]] = []
    heading, part = False, None
    for number, line in _lines(path):
        if part is None:
            part = next(mark for mark in ("\t", ",", None) if mark is None or mark in line)
        fields = [field.strip() for field in line.split(part)]
        score = _number(fields[2]) if len(fields) > 2 else None
        if score is None and not pairs and not heading and len(fields) > 2:
            heading = True
        elif score is None or not (fields[0] and fields[1]):
            _fail(path, number, line, "two words and a number")
        else:
            pairs.append((fields[0], fields[1], score))
    if not pairs:
        raise CorruptFile(f"{os.fsdecode(path)} holds no pair of words with a score.")
    return pairs


def read_analogies(path: str | os.PathLike[str]) -> list[tuple[str, tuple[str, str, str, str]]]:
    """Return `(section, (a, b, c, d))` for each line of a file in the manner of questions-words.txt.

    A line `: name` begins a section; lines before the first have the section "". Empty lines are passed over. A
    CorruptFile names the first line that cannot be read.
    """
    section, questions = "", []
    for number, line in _lines(path, remarks=False):
        if line.startswith(":"):
            section = line[1:].strip()
            continue
        fields = line.split()
        if len(fields) != 4:
            _fail(path, number, line, "four words")
        questions.append((section, (fields[0], fields[1], fields[2], fields[3])))
    if not questions:
        raise CorruptFile(f"{os.fsdecode(path)} holds no analogy.")
    return questions


def _lines(path: str | os.PathLike[str], remarks: bool = True) -> Iterator[tuple[int, str]]:
    """The lines that say something, with their numbers."""
    with open(path, "rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise CorruptFile(f"{os.fsdecode(path)} is larger than {_LARGEST >> 20} MB: no file of questions about words.")
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            line = raw.decode().strip()
        except UnicodeDecodeError:
            _fail(path, number, ascii(raw)[2:-1], "text in UTF-8")
        if line and not (remarks and line.startswith("#")):
            yield number, line


def _number(text: str) -> float | None:
    if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text, re.ASCII):
        return None
    return value if math.isfinite(value := float(text)) else None


def _fail(path: str | os.PathLike[str], number: int, line: str, expected: str) -> NoReturn:
    raise CorruptFile(f"{os.fsdecode(path)}, line {number}: expected {expected}, got {line!r:.80}.")
