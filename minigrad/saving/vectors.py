"""Files of word vectors: read and written, in the formats that are about.

| format            | what it is                                                        | by            |
|-------------------|-------------------------------------------------------------------|---------------|
| `glove`           | text: a word and its numbers on each line                         | GloVe         |
| `word2vec`        | text: a heading `words width`, then the same                      | word2vec      |
| `fasttext`        | the same (`.vec`)                                                 | fastText      |
| `word2vec-binary` | the heading, then each word, a blank and little-endian float32    | word2vec      |
| `npy`             | a matrix (memory-mapped), its words in `NAME.words.txt` beside it | NumPy         |
| `safetensors`     | a matrix (memory-mapped) with its words in the same file          | us and others |

Sources: the READMEs and C sources of word2vec (2013), GloVe (2014) and fastText (2016). A file is untrusted: it is
checked throughout, and either all of it is returned or an error says where it is wrong.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import CorruptFile, ShapeError, UnsafeFile, unknown
from . import vector_binary, vector_tables, vector_text
from .vector_source import Source
from .vector_tables import Words

__all__ = ["FORMATS", "guess_format", "load", "save"]

Path = str | os.PathLike[str]

_STREAMS: dict[str, Callable[..., Any]] = {
    "glove": vector_text.read_glove,
    "word2vec": vector_text.read_word2vec,
    "fasttext": vector_text.read_word2vec,
    "word2vec-binary": vector_binary.read_word2vec,
}
_TABLES: dict[str, Callable[..., Any]] = {
    "npy": vector_tables.read_npy,
    "safetensors": vector_tables.read_safetensors,
}
_WRITERS: dict[str, Callable[..., None]] = {
    "word2vec": vector_text.write_word2vec,
    "fasttext": vector_text.write_word2vec,
    "word2vec-binary": vector_binary.write_word2vec,
    "npy": vector_tables.write_npy,
    "safetensors": vector_tables.write_safetensors,
}
FORMATS = (*_STREAMS, *_TABLES)

_SUFFIXES = {
    ".txt": "word2vec",
    ".vec": "fasttext",
    ".bin": "word2vec-binary",
    ".npy": "npy",
    ".safetensors": "safetensors",
}
_NOT_VECTORS = {
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"BZh": "packed by bzip2: unpack it first",
    b"\xfd7zXZ\0": "packed by xz: unpack it first",
    b"\xba\x16O/": "a fastText model: save its vectors as .vec",
    b"\x89HDF": "an HDF5 file: save its matrix as .npy",
}


def load(
    path: Path, format: str | None = None, limit: int | None = None, progress: bool = True, words: Words = None
) -> tuple[list[str], np.ndarray]:
    """Return `(words, matrix)` of a file of word vectors; the matrix is (words, width), float32.

    Args:
        path: the file. Text and word2vec's binary format may be packed by gzip; a matrix in a .npy or .safetensors
            file stays there and is mapped, if it is float32.
        format: one of the table above; None to tell from the content.
        limit: how many words to read, the first ones; None for all.
        progress: whether a file of more than a megabyte shows a bar.
        words: for .npy and .safetensors: the words, or the file that lists them, one on each line.

    Of a word that comes again the first vector is kept, and one warning tells of all of them. Errors: a CorruptFile
    with the line (or the number of the word or row) for what is malformed: another width, what is no number or not
    finite, broken UTF-8, more or fewer words than announced; a ShapeError, DTypeError or UnsafeFile for a matrix of
    another kind.
    """
    limit = _checked_limit(limit)
    with open(path, "rb") as file:
        source = Source(file, progress)
        format = guess_format(source) if format is None else _checked(format, FORMATS)
        if format in _STREAMS:
            if words is not None:
                raise ValueError(f"A file in the format {format!r} brings its own words: leave words= out.")
            read = _STREAMS[format](source, limit)
        elif source.is_packed:
            raise CorruptFile(f"{source.name} is packed: unpack it first, so that its matrix can be mapped.")
    if format in _TABLES:
        read = _TABLES[format](path, limit, progress, words)
    _warn_of_repeated(os.fsdecode(path), read.repeated)
    return read.words, read.matrix


def save(words: Sequence[str], matrix: np.ndarray, path: Path, format: str | None = None) -> None:
    """Write word vectors to a file, atomically: the old file or the new one, whole, whatever happens.

    Args:
        words: each once. A word that the format cannot hold is a ValueError (text: no blanks at its ends).
        matrix: (words, width) of finite numbers, written as float32.
        path: the file; with the format npy, there will be two.
        format: "word2vec", "fasttext" (the same text), "word2vec-binary", "npy" or "safetensors"; None for what the
            end of the name says: .txt, .vec, .bin, .npy or .safetensors.
    """
    if format is None:
        ending = os.path.splitext(os.fsdecode(path))[1].lower()
        if ending not in _SUFFIXES:
            raise ValueError(f"{os.fsdecode(path)} must end in {', '.join(_SUFFIXES)}, or give a format.")
        format = _SUFFIXES[ending]
    write = _WRITERS[_checked(format, _WRITERS)]
    with np.errstate(over="ignore"):
        matrix = np.asarray(matrix, np.float32)
    if not words or matrix.ndim != 2 or len(matrix) != len(words) or matrix.shape[1] == 0:
        raise ShapeError(f"{len(words)} words need a matrix of shape ({len(words)}, width), got {matrix.shape}.")
    if len(set(words)) != len(words):
        raise ValueError("A word stands there more than once: each may have one vector.")
    if not math.isfinite(float(matrix.min())) or not math.isfinite(float(matrix.max())):
        raise ValueError("The vectors hold a NaN, an infinity or what is no float32.")
    for word in words:
        _check_encodable(word)
    write(words, matrix, path)


def guess_format(source: Source) -> str:
    """Tell the format from a file's first megabyte, and where that leaves a doubt, from its name."""
    head = source.head
    for mark, what in _NOT_VECTORS.items():
        if head.startswith(mark):
            raise CorruptFile(f"{source.name} holds no word vectors, but is {what}.")
    if head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        raise UnsafeFile(f"{source.name} looks like a pickle, which is never read: it could run code.")
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head[5:9] == b"\0\0\0{":  # the end of a length in eight bytes, and a JSON object
        return "safetensors"
    first, _, rest = head.partition(b"\n")
    if len(fields := first.split()) != 2 or not all(field.isdigit() for field in fields):
        return "glove"
    if vector_text.is_row(rest.partition(b"\n")[0], int(fields[1])):
        return "word2vec"
    is_binary = any(byte < 9 or 13 < byte < 32 for byte in rest[: 1 << 16])
    return "word2vec-binary" if is_binary or source.name.lower().endswith((".bin", ".bin.gz")) else "word2vec"


def _checked_limit(limit: Any) -> int | None:
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, (int, np.integer)) or limit < 1):
        raise ValueError(f"limit must be a whole number from 1, or None for all words, got {limit!r}.")
    return None if limit is None else int(limit)


def _checked(format: str, known: Any) -> str:
    if format not in known:
        raise unknown("format of word vectors", format, known)
    return format


def _check_encodable(word: str) -> None:
    try:
        word.encode()
    except UnicodeEncodeError:
        raise ValueError(f"The word {word!r:.80} cannot be written: it is no text that UTF-8 has.") from None


def _warn_of_repeated(name: str, repeated: Sequence[str]) -> None:
    """Say, if there are any, which words came again."""
    if not repeated:
        return
    import warnings

    listed = ", ".join(repeated[:5]) + (", ..." if len(repeated) > 5 else "")
    warnings.warn(
        f"{name}: {len(repeated)} vectors were left out, their words had one before; the first of each word is kept. "
        f"Left out: {listed}.",
        stacklevel=4,  # who called minigrad.embeddings.load
    )
