"""Word vectors as a matrix that lies in one piece, so that it can be memory-mapped: .npy and .safetensors.

The words are one a line, in UTF-8: beside `NAME.npy` in `NAME.words.txt`; in a safetensors file as the bytes of
its tensor `words`, or as `words` in its metadata.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import CorruptFile, DTypeError, ShapeError, UnsafeFile
from . import safetensors
from .atomic import atomic_write
from .vector_source import Read, bar

__all__ = ["read_npy", "read_safetensors", "words_path", "write_npy", "write_safetensors"]

Words = str | os.PathLike[str] | Sequence[str] | None

_BLOCK = 8192  # rows looked at at a time


def read_npy(path: str | os.PathLike[str], limit: int | None, progress: bool, words: Words) -> Read:
    """Read a matrix that NumPy saved, and the list of its words."""
    try:
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OverflowError) as error:
        if "object" in str(error).lower():
            raise UnsafeFile(f"{os.fsdecode(path)} holds Python objects, expected float32 numbers.") from None
        raise CorruptFile(f"{os.fsdecode(path)} is damaged or no .npy file: {error}.") from None
    return _table(path, matrix, words_path(path) if words is None else words, limit, progress)


def read_safetensors(path: str | os.PathLike[str], limit: int | None, progress: bool, words: Words) -> Read:
    """Read the one matrix of a safetensors file, and its words: from `words`, the file itself or the list beside it."""
    name = os.fsdecode(path)
    tensors = safetensors.load(path, mmap=True)
    text = tensors.pop("words", None)
    matrices = [tensor for tensor in tensors.values() if tensor.ndim == 2]
    if len(matrices) != 1:
        listed = ", ".join(f"{key} {tensor.shape}" for key, tensor in list(tensors.items())[:8])
        raise ShapeError(f"{name} must hold one matrix, with a row for each word; it holds: {listed or 'nothing'}.")
    if words is None:
        words = _words_inside(path, text) or words_path(path)
    return _table(path, matrices[0], words, limit, progress)


def write_npy(words: Sequence[str], matrix: np.ndarray, path: str | os.PathLike[str]) -> None:
    """Write the matrix to `NAME.npy` and its words to `NAME.words.txt`, each atomically."""
    text = _joined(words)
    with atomic_write(words_path(path)) as file:
        file.write(text)
    with atomic_write(path) as file:
        np.lib.format.write_array(file, np.ascontiguousarray(matrix, "<f4"), allow_pickle=False)


def write_safetensors(words: Sequence[str], matrix: np.ndarray, path: str | os.PathLike[str]) -> None:
    """Write both to one file, atomically: the tensors `vectors` and `words`."""
    safetensors.save({"vectors": matrix, "words": np.frombuffer(_joined(words), np.uint8)}, path)


def words_path(path: str | os.PathLike[str]) -> str:
    """Where the words of a matrix are that has none inside: `NAME.words.txt` for `NAME.npy`."""
    return os.path.splitext(os.fsdecode(path))[0] + ".words.txt"


def _table(path: str | os.PathLike[str], matrix: Any, words: Words, limit: int | None, progress: bool) -> Read:
    """Check a matrix and its words."""
    name = os.fsdecode(path)
    if matrix.dtype.kind != "f":
        raise DTypeError(f"{name} has dtype {matrix.dtype}, expected float32 (float16 and float64 are converted).")
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ShapeError(f"{name} has shape {matrix.shape}, expected (words, width) with one of each at least.")
    listed, source = _listed(words)
    if len(listed) != len(matrix):
        raise ShapeError(f"{name} has {len(matrix)} rows, but {source} {len(listed)} words.")
    matrix, listed = matrix[:limit], listed[:limit]
    with np.errstate(over="ignore"):
        matrix = matrix.astype(np.float32, copy=False)
    _check_finite(name, matrix, listed, progress)
    rows = {word: row for row, word in reversed(list(enumerate(listed)))}  # the first of each word
    if len(rows) == len(listed):
        return Read(listed, matrix, [])
    kept = sorted(rows.values())
    repeated = [f"{word!r:.80} (row {row})" for row, word in enumerate(listed) if rows[word] != row]
    return Read([listed[row] for row in kept], matrix[kept], repeated)


def _check_finite(name: str, matrix: np.ndarray, words: list[str], progress: bool) -> None:
    shown = bar(matrix.nbytes, progress)
    for begin in range(0, len(matrix), _BLOCK):
        block = matrix[begin : begin + _BLOCK]
        finite = np.isfinite(block).all(axis=1)
        if not finite.all():
            row = begin + int(np.flatnonzero(~finite)[0])
            raise CorruptFile(
                f"{name}, row {row} ({words[row]!r:.60}): the vector holds a NaN, an infinity or what is no float32."
            )
        shown.update((begin + len(block)) * matrix[0].nbytes >> 10)


def _listed(words: Words) -> tuple[list[str], str]:
    """The words, and what to call the place that they are from."""
    if words is None or isinstance(words, (str, os.PathLike)):
        place = os.fsdecode(words or "")
        try:
            with open(place, "rb") as file:
                return _split(file.read(), place), f"{place} has"
        except FileNotFoundError:
            raise FileNotFoundError(
                f"There is no list of words, {place}: put one there, a word on each line, or give it as words=."
            ) from None
    listed = list(words)
    for row, word in enumerate(listed):
        if not isinstance(word, str):
            raise TypeError(f"words must be strings, number {row} is {word!r:.60} (a {type(word).__name__}).")
    return listed, "there are"


def _words_inside(path: str | os.PathLike[str], text: np.ndarray | None) -> list[str] | None:
    """The words that a safetensors file holds, if it does."""
    if text is None:
        inside = safetensors.load_metadata(path).get("words")
        return None if inside is None else _split(inside.encode(), f"{os.fsdecode(path)}, words")
    if text.dtype != np.uint8 or text.ndim != 1:
        raise DTypeError(
            f"{os.fsdecode(path)}: the tensor words is {text.dtype} {text.shape}, expected uint8 in a row."
        )
    return _split(text.tobytes(), f"{os.fsdecode(path)}, words")


def _split(content: bytes, place: str) -> list[str]:
    lines = content.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\n").split(b"\n")
    words = []
    for number, line in enumerate(lines, 1):
        try:
            words.append(line.removesuffix(b"\r").decode())
        except UnicodeDecodeError as error:
            raise CorruptFile(
                f"{place}, line {number}: {line!r:.60} is not UTF-8 ({error.reason}, its byte {error.start + 1})."
            ) from None
    return words


def _joined(words: Sequence[str]) -> bytes:
    for word in words:
        if "\n" in word or "\r" in word:
            raise ValueError(f"The word {word!r:.80} cannot stand in a list of words: it has a line end in it.")
    if words[0].startswith("\ufeff"):
        raise ValueError(f"The word {words[0]!r:.80} cannot be the first of a list: it begins with a mark of UTF-8.")
    return "".join(f"{word}\n" for word in words).encode()
