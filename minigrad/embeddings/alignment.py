"""Vectors brought into the order of a model's vocabulary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import initializers
from ..errors import IdError
from ..random import Stream

if TYPE_CHECKING:
    from .vectors import Vectors

__all__ = ["Alignment", "align"]

_ROWS_MEASURED = 10_000


class Alignment(NamedTuple):
    """A matrix for an Embedding, and which words of the vocabulary have a vector in it, and which have not."""

    matrix: np.ndarray
    found: list[str]
    missing: list[str]

    def __str__(self) -> str:
        n = len(self.found) + len(self.missing)
        listed = ", ".join(repr(word) for word in self.missing[:10])
        more = ", ..." if len(self.missing) > 10 else ""
        return f"{len(self.found):,} of {n:,} words found" + (f"; missing: {listed}{more}" if listed else "")


def align(
    vectors: Vectors, vocabulary: Sequence[str] | Mapping[str, int], initializer: Any = None, seed: int | None = None
) -> Alignment:
    """Return `(matrix, found, missing)`: for each word of a vocabulary its vector, where its id says.

    Args:
        vectors: where the vectors come from.
        vocabulary: words in the order of their ids, from 0; or a mapping of words to ids, whose largest is the last
            row. Words are looked up as they are written.
        initializer: what fills the rows that no vector was found for (and ids without a word): an initializer or its
            name, such as "zeros". None draws each column from a normal distribution with the mean and the standard
            deviation that it has in `vectors`.
        seed: of that draw; None for the next of the streams that follow from the global seed.

    The matrix is (rows, width), float32. Raises ValueError, TypeError or IdError for what is no vocabulary.

    >>> from minigrad.embeddings import Vectors
    >>> aligned = align(Vectors(["a", "b"], [[1, 2], [3, 4]]), {"b": 1, "z": 3}, "zeros")
    >>> print(aligned)
    1 of 2 words found; missing: 'z'
    >>> aligned.matrix.tolist()
    [[0.0, 0.0], [3.0, 4.0], [0.0, 0.0], [0.0, 0.0]]
    """
    ids = _ids(vocabulary)
    shape = (max(ids.values()) + 1, vectors.width)
    if initializer is None:
        matrix = _like(vectors, shape, seed)
    else:
        matrix = np.array(initializers.get(initializer)(shape, "float32"), np.float32)
    found = [word for word in ids if word in vectors]
    if found:
        matrix[[ids[word] for word in found]] = vectors[found]
    return Alignment(matrix, found, [word for word in ids if word not in vectors])


def _ids(vocabulary: Sequence[str] | Mapping[str, int]) -> dict[str, int]:
    """The vocabulary as word -> id, checked."""
    if isinstance(vocabulary, str):
        raise TypeError("A vocabulary is a list of words or a mapping of words to ids, got a string.")
    pairs = vocabulary.items() if isinstance(vocabulary, Mapping) else ((w, i) for i, w in enumerate(vocabulary))
    ids: dict[str, int] = {}
    word: Any
    i: Any
    for word, i in pairs:
        if not isinstance(word, str):
            raise TypeError(f"A vocabulary's words are strings, got {word!r:.60} with the id {i!r:.20}.")
        if isinstance(i, bool) or not isinstance(i, (int, np.integer)) or i < 0:
            raise IdError(f"The id of {word!r:.60} must be a whole number from 0, got {i!r:.60}.")
        if word in ids:
            raise ValueError(f"The word {word!r:.60} stands in the vocabulary twice, as {ids[word]} and as {i}.")
        ids[str(word)] = int(i)
    if not ids:
        raise ValueError("The vocabulary is empty.")
    if len(set(ids.values())) < len(ids):
        _refuse_shared_id(ids)
    return ids


def _refuse_shared_id(ids: dict[str, int]) -> None:
    word_of: dict[int, str] = {}
    for word, i in ids.items():
        if i in word_of:
            raise IdError(f"The words {word_of[i]!r:.60} and {word!r:.60} have the same id, {i}.")
        word_of[i] = word


def _like(vectors: Vectors, shape: tuple[int, int], seed: int | None) -> np.ndarray:
    """New rows that are spread as the vectors are (as a sample of them, evenly taken, is)."""
    sample = vectors.matrix[:: -(-len(vectors) // _ROWS_MEASURED)].astype(np.float64)
    random = Stream(seed).generator
    matrix = random.standard_normal(shape, np.float32)
    matrix *= sample.std(axis=0).astype(np.float32)
    matrix += sample.mean(axis=0).astype(np.float32)
    return matrix
