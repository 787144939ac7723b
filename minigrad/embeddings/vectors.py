"""Words and their vectors: looking up, neighbours, analogies, and what they are worth."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from ..errors import DTypeError, NonFiniteError, ShapeError, UnknownName, did_you_mean
from . import evaluation
from .alignment import Alignment, align
from .evaluation import AnalogyResult, SimilarityResult

__all__ = ["UnknownWord", "Vectors"]

BLOCK = 8192  # rows in hand at a time, so that a table in a file is read through and never copied whole
_MOST_COMPARED = 20_000  # words that a misspelt one is compared with: most files have the frequent ones first
_TINY = np.finfo(np.float32).smallest_subnormal


class UnknownWord(UnknownName, KeyError):
    """A word that has no vector."""

    __str__ = ValueError.__str__  # KeyError's would show the message in quotes


class Vectors:
    """Words with a vector each, as gensim's KeyedVectors: `vectors["word"]`, `in`, `len`, `for word in vectors`.

    Args:
        words: the words, each once; the frequent ones first, where it matters (`restrict_vocab`).
        matrix: (words, width); row i is the vector of word i. Float32 is not copied, and if it is memory-mapped it
            stays in its file: what is asked of it reads it through in blocks. Other numbers are made float32.

    Attributes: `words` (list), `matrix` (read-only), `index` (word -> row), `width`, `norms` (of the rows).
    A ShapeError, DTypeError, TypeError or ValueError says what is wrong with the arguments.

    >>> words = "man woman king queen boat".split()
    >>> vectors = Vectors(words, [[1, 2, 2], [1, -2, 2], [2, 2, 1], [2, -2, 1], [0, 0, 3]])
    >>> vectors
    <Vectors: 5 words, width 3>
    >>> "queen" in vectors, vectors["boat"].tolist(), round(vectors.similarity("man", "king"), 3)
    (True, [0.0, 0.0, 3.0], 0.889)
    >>> [word for word, cosine in vectors.nearest("king", n=2)]
    ['man', 'boat']
    >>> vectors.analogy("man", "woman", "king")
    [('queen', 1.0)]

    Such a matrix can be what an Embedding begins with, in the order of a model's own vocabulary:

    >>> from minigrad.layers import Embedding
    >>> matrix, found, missing = vectors.align(["", "queen", "king", "prince"], initializer="zeros")
    >>> found, missing
    (['queen', 'king'], ['', 'prince'])
    >>> layer = Embedding(4, 3, weights=matrix, trainable=False)
    >>> layer(np.array([[1, 0]])).numpy().tolist()
    [[[2.0, -2.0, 1.0], [0.0, 0.0, 0.0]]]
    """

    def __init__(self, words: Sequence[str], matrix: Any) -> None:
        self.words = _checked_words(words)
        self.matrix = _checked_matrix(matrix, len(self.words))
        self.index = {word: row for row, word in enumerate(self.words)}
        if len(self.index) < len(self.words):
            _refuse_duplicate(self.words, self.index)

    @property
    def width(self) -> int:
        """How many numbers a vector has."""
        return int(self.matrix.shape[1])

    @cached_property
    def norms(self) -> np.ndarray:
        """The lengths of the rows, float32; computed once. A NonFiniteError names a word whose vector has none."""
        norms = np.empty(len(self), np.float32)
        with np.errstate(over="ignore"):
            for rows, block in self.blocks():
                norms[rows] = np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64))
        if not np.isfinite(norms).all():
            row = int(np.flatnonzero(~np.isfinite(norms))[0])
            raise NonFiniteError(
                f"The vector of {self.words[row]!r} (row {row}) holds a NaN, an infinity or numbers too large."
            )
        return norms

    def blocks(self, stop: int | None = None) -> Iterator[tuple[slice, np.ndarray]]:
        """The matrix piece by piece, each with its place; only the first `stop` rows, if given."""
        stop = len(self) if stop is None else min(stop, len(self))
        for begin in range(0, stop, BLOCK):
            rows = slice(begin, min(begin + BLOCK, stop))
            yield rows, self.matrix[rows]

    def units(self, rows: slice | np.ndarray) -> np.ndarray:
        """Some rows, brought to length 1; a row of zeros stays as it is."""
        return self.matrix[rows] / np.maximum(self.norms[rows], _TINY)[:, None]

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.index

    def __getitem__(self, word: str | Sequence[str]) -> np.ndarray:
        """The vector of a word, (width,); or of each word of a list, (words, width)."""
        if isinstance(word, str):
            return self.matrix[self._row(word)]
        return self.matrix[[self._row(each) for each in word]]

    def __repr__(self) -> str:
        return f"<Vectors: {len(self):,} words, width {self.width}>"

    def similarity(self, a: str | np.ndarray, b: str | np.ndarray) -> float:
        """The cosine of the angle between two words (or vectors), from -1 to 1; 0 where one is all zeros.

        >>> round(Vectors(["a", "b"], [[1, 0], [3, 4]]).similarity("a", "b"), 6)
        0.6
        """
        return float(np.clip(self._direction(a) @ self._direction(b), -1, 1))

    def nearest(self, to: str | np.ndarray, n: int = 10) -> list[tuple[str, float]]:
        """The `n` words with the largest cosine to a word (which is left out) or a vector, the nearest first."""
        return self.most_similar([to], topn=n)

    def analogy(self, a: str, b: str, c: str, n: int = 1) -> list[tuple[str, float]]:
        """What is to `c` as `b` is to `a`: the `n` words nearest to b - a + c, these three left out.

        Source: 3CosAdd, on vectors of length 1; Mikolov, Yih, Zweig (2013), "Linguistic Regularities in Continuous
        Space Word Representations".
        """
        return self.most_similar([b, c], [a], n)

    def most_similar(
        self, positive: Iterable[str | np.ndarray], negative: Iterable[str | np.ndarray] = (), topn: int = 10
    ) -> list[tuple[str, float]]:
        """The words nearest to the sum of `positive` less `negative`, each at length 1; given words are left out.

        Counterpart: gensim's `KeyedVectors.most_similar`.
        """
        count = min(_checked_count(topn), len(self))
        positive, negative = _listed(positive), _listed(negative)
        aim = sum((self._direction(each) for each in positive), np.zeros(self.width))
        aim -= sum((self._direction(each) for each in negative), np.zeros(self.width))
        length = np.linalg.norm(aim)
        if length == 0:
            raise ValueError("Nothing is near to a vector of zeros: it points nowhere.")
        cosines = self._cosines((aim / length).astype(np.float32))
        cosines[[self.index[each] for each in [*positive, *negative] if isinstance(each, str)]] = -np.inf
        best = np.argpartition(-cosines, count - 1)[:count]
        best = best[np.lexsort((best, -cosines[best]))]
        return [(self.words[row], min(float(cosines[row]), 1.0)) for row in best if cosines[row] > -np.inf]

    def align(
        self, vocabulary: Sequence[str] | Mapping[str, int], initializer: Any = None, seed: int | None = None
    ) -> Alignment:
        """A matrix in the order of a vocabulary, for `Embedding(..., weights=matrix)`; see `alignment.align`."""
        return align(self, vocabulary, initializer, seed)

    def evaluate_similarity(
        self, pairs: str | os.PathLike[str] | Iterable[tuple[str, str, float]], restrict_vocab: int | None = 300_000
    ) -> SimilarityResult:
        """How well cosines rank pairs of words as people do; see `evaluation.evaluate_similarity`."""
        return evaluation.evaluate_similarity(self, pairs, restrict_vocab)

    def evaluate_analogies(
        self,
        analogies: str | os.PathLike[str] | Mapping[str, Iterable[Sequence[str]]],
        restrict_vocab: int | None = 300_000,
    ) -> AnalogyResult:
        """How many analogies come out right; see `evaluation.evaluate_analogies`."""
        return evaluation.evaluate_analogies(self, analogies, restrict_vocab)

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> None:
        """Write words and vectors to a file that `minigrad.embeddings.load` reads; see `minigrad.saving.vectors`."""
        from ..saving.vectors import save

        save(self.words, self.matrix, path, format)

    def _cosines(self, unit: np.ndarray) -> np.ndarray:
        """The cosine of every word to a vector of length 1."""
        cosines = np.empty(len(self), np.float32)
        for rows, block in self.blocks():
            np.matmul(block, unit, out=cosines[rows])
        cosines /= np.maximum(self.norms, _TINY)
        return cosines

    def _direction(self, of: str | np.ndarray) -> np.ndarray:
        """A word's vector, or a vector given, at length 1 and in float64; zeros stay zeros."""
        if isinstance(of, str):
            vector = self[of].astype(np.float64)
        else:
            vector = np.asarray(of)
            if vector.shape != (self.width,) or vector.dtype.kind not in "iuf":
                raise ShapeError(f"Expected a word or a vector of {self.width} numbers, got {_described(vector)}.")
            vector = vector.astype(np.float64)
        largest = np.max(np.abs(vector))  # by which we divide first: squares could overflow, or vanish
        if not np.isfinite(largest):
            raise NonFiniteError(f"The vector of {of!r:.80} holds a NaN or an infinity.")
        if largest == 0:
            return vector
        vector /= largest
        return vector / np.sqrt(vector @ vector)

    def _row(self, word: str) -> int:
        if not isinstance(word, str):
            raise TypeError(f"A word is a str, got {word!r:.60} (a {type(word).__name__}).")
        row = self.index.get(word)
        if row is None:
            raise UnknownWord(f"There is no vector for {word!r:.80}.{self._meant(word)}")
        return row

    def _meant(self, word: str) -> str:
        for other in (word.lower(), word.capitalize(), word.upper()):
            if other in self.index:
                return f" Did you mean {other!r}?"
        return did_you_mean(word, self.words[:_MOST_COMPARED])


def _checked_count(n: Any) -> int:
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"The number of words wanted must be a whole number from 1, got {n!r}.")
    return int(n)


def _listed(given: Any) -> list[Any]:
    return [given] if isinstance(given, str) or (isinstance(given, np.ndarray) and given.ndim == 1) else list(given)


def _checked_words(words: Any) -> list[str]:
    if isinstance(words, str):
        raise TypeError("The words must be a list of strings, got one string.")
    words = words.tolist() if isinstance(words, np.ndarray) else list(words)
    for row, word in enumerate(words):
        if not isinstance(word, str):
            raise TypeError(f"The words must be strings, number {row} is {word!r:.60} (a {type(word).__name__}).")
    if not words:
        raise ValueError("There must be at least one word.")
    return words


def _checked_matrix(matrix: Any, n: int) -> np.ndarray:
    """The matrix as float32, copied only if it is of another dtype, and closed for writing (`norms` are kept)."""
    matrix = np.asarray(matrix)
    if matrix.dtype.kind not in "iuf":
        raise DTypeError(f"The matrix of vectors must hold numbers, got dtype {matrix.dtype}.")
    if matrix.ndim != 2 or matrix.shape[0] != n or matrix.shape[1] == 0:
        raise ShapeError(f"The matrix of {n} words must have shape ({n}, width), got {matrix.shape}.")
    matrix = matrix.astype(np.float32, copy=False).view()
    matrix.flags.writeable = False
    return matrix


def _refuse_duplicate(words: list[str], index: dict[str, int]) -> NoReturn:
    word = next(word for row, word in enumerate(words) if index[word] != row)
    more = len(words) - len(index)
    raise ValueError(f"Each word may be there once, {word!r:.80} is there again ({more} rows too many).")


def _described(array: np.ndarray) -> str:
    return f"{array.dtype} {array.shape}"
