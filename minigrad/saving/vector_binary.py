"""Word vectors in word2vec's binary format: a heading `words width`, then each word, a blank and float32 numbers.

A line end may stand before a word (as word2vec writes) or not (as gensim does); the numbers are little-endian.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from .atomic import atomic_write
from .vector_source import Read, Rows, Source
from .vector_text import heading

__all__ = ["read_word2vec", "write_word2vec"]

LONGEST_WORD = 1 << 16


def read_word2vec(source: Source, limit: int | None) -> Read:
    """Read such a file, from a source; words and vectors alternate, so it cannot be memory-mapped."""
    chunks = source.chunks()
    line, _, content = next(chunks, b"").partition(b"\n")
    n, width = heading(source, line, least=4)
    wanted = n if limit is None else min(n, limit)
    rows, taken, position = Rows(width, source.most_rows(wanted, 4 * width)), 0, 0
    words: list[bytes] = []
    vectors: list[bytes] = []
    while True:
        while taken + len(words) < wanted:
            blank = content.find(b" ", position, position + LONGEST_WORD)
            end = blank + 1 + 4 * width
            if blank < 0 or end > len(content):
                break
            words.append(content[position:blank].lstrip(b"\n"))
            vectors.append(content[blank + 1 : end])
            position = end
        if words:
            _add(source, rows, words, vectors, taken)
            taken += len(words)
            words, vectors = [], []
        if taken == wanted:
            break
        content, position = content[position:], 0
        if len(content) > LONGEST_WORD and b" " not in content[:LONGEST_WORD]:
            source.fail(f"word {taken + 1}", f"no blank within {LONGEST_WORD} bytes ends it")
        more = next(chunks, b"")
        if not more:
            source.fail(
                f"word {taken + 1}", f"the file ends in or before this one of the {n} words that line 1 announces"
            )
        content += more
    if wanted == n and (content[position:].strip(b"\n") or any(chunk.strip(b"\n") for chunk in chunks)):
        source.fail(f"after word {n}", "there is more, though this is the last that line 1 announces")
    source.finish()
    return rows.finished()


def write_word2vec(words: Sequence[str], matrix: np.ndarray, path: str | os.PathLike[str]) -> None:
    """Write such a file, atomically, with a line end after each vector, as word2vec does."""
    encoded = [word.encode() for word in words]
    for word, raw in zip(words, encoded):
        if not raw or b" " in raw or raw.startswith(b"\n") or len(raw) >= LONGEST_WORD:
            raise ValueError(
                f"The word {word!r:.80} cannot stand in a binary file of vectors (it is empty, too long, has a blank "
                "or begins with a line end): save as .safetensors."
            )
    with atomic_write(path) as file:
        file.write(b"%d %d\n" % matrix.shape)
        for raw, vector in zip(encoded, matrix):
            file.write(raw + b" " + vector.astype("<f4", copy=False).tobytes() + b"\n")


def _add(source: Source, rows: Rows, words: list[bytes], vectors: list[bytes], before: int) -> None:
    """Check and take in words read after `before` others."""
    matrix = np.frombuffer(b"".join(vectors), "<f4").reshape(len(words), -1)
    decoded = []
    for number, word in enumerate(words, before + 1):
        if not word:
            source.fail(f"word {number}", "it is empty")
        try:
            decoded.append(word.decode())
        except UnicodeDecodeError as error:
            source.fail(f"word {number}", f"{word!r:.60} is not UTF-8 ({error.reason}, its byte {error.start + 1})")
    wrong = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if wrong.size:
        row = int(wrong[0])
        source.fail(f"word {before + row + 1}", f"the vector of {decoded[row]!r:.60} holds a NaN or an infinity")
    rows.add(decoded, matrix, (f"word {number}" for number in range(before + 1, before + 1 + len(words))))
