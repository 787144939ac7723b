"""What word vectors are worth: people's judgements of similarity, and analogies."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import ShapeError

if TYPE_CHECKING:
    from .vectors import Vectors

__all__ = ["AnalogyResult", "AnalogyScore", "SimilarityResult", "evaluate_analogies", "evaluate_similarity", "spearman"]

_QUESTIONS = 1024  # that meet a block of words at a time


class SimilarityResult(NamedTuple):
    """Spearman's rho between cosines and people's scores, over the pairs found, and how many were not found."""

    rho: float
    found: int
    missing: int


class AnalogyScore(NamedTuple):
    """How many of the analogies asked came out right; left out are those with a word that has no vector."""

    correct: int
    asked: int
    left_out: int

    @property
    def accuracy(self) -> float:
        """The part that came out right, from 0 to 1; NaN where nothing was asked."""
        return self.correct / self.asked if self.asked else float("nan")


class AnalogyResult(NamedTuple):
    """The score over all analogies and that of each section; printed, it is a table."""

    total: AnalogyScore
    sections: dict[str, AnalogyScore]

    @property
    def accuracy(self) -> float:
        """The part of all analogies asked that came out right."""
        return self.total.accuracy

    def __str__(self) -> str:
        rows = [*self.sections.items(), ("total", self.total)]
        width = max(len(name) for name, _ in rows)
        return "\n".join(
            f"{name:{width}}  {score.accuracy:6.1%}  {score.correct} of {score.asked}, {score.left_out} left out"
            for name, score in rows
        )


def evaluate_similarity(
    vectors: Vectors,
    pairs: str | os.PathLike[str] | Iterable[tuple[str, str, float]],
    restrict_vocab: int | None = 300_000,
) -> SimilarityResult:
    """Return `(rho, found, missing)`: Spearman's correlation of the cosines of pairs of words with people's scores.

    Args:
        vectors: the words and their vectors.
        pairs: a file in the manner of WordSim-353, each line two words and a score, between tabs, commas or blanks
            (`#` begins a remark, the first line may be a heading); or (word, word, score) in a list.
        restrict_vocab: only the first so many words count; None for all.

    A word is looked up as it is written, else without regard to case (the first such word). Pairs with a word that is
    not there are left out and counted. rho is NaN where fewer than two pairs are left, or nothing differs.
    Counterpart: gensim's `KeyedVectors.evaluate_word_pairs`.

    >>> from minigrad.embeddings import Vectors
    >>> vectors = Vectors(["a", "b", "c"], [[1, 0], [1, 1], [0, 1]])
    >>> evaluate_similarity(vectors, [("a", "b", 5), ("a", "c", 1), ("A", "a", 10), ("a", "x", 3)])
    SimilarityResult(rho=1.0, found=3, missing=1)
    """
    judged = list(_read(pairs, "similarities"))
    rows = _rows(vectors, {word for a, b, _ in judged for word in (a, b)}, restrict_vocab)
    found = [(rows[a][0], rows[b][0], score) for a, b, score in judged if a in rows and b in rows]
    rho = float("nan")
    if len(found) > 1:
        first, second = (vectors.units(np.array([pair[i] for pair in found])) for i in range(2))
        rho = spearman(np.einsum("ij,ij->i", first, second), [score for _, _, score in found])
    return SimilarityResult(rho, len(found), len(judged) - len(found))


def evaluate_analogies(
    vectors: Vectors,
    analogies: str | os.PathLike[str] | Mapping[str, Iterable[Sequence[str]]],
    restrict_vocab: int | None = 300_000,
) -> AnalogyResult:
    """Return how many analogies come out right, by section and in all: is the word nearest to b - a + c d?

    Args:
        vectors: the words and their vectors.
        analogies: a file in the manner of questions-words.txt, with a line `a b c d` for "a is to b as c is to d",
            in sections that begin with `: name`; or the sections as a mapping of names to (a, b, c, d).
        restrict_vocab: only the first so many words are looked up and are answers; None for all.

    As in `Vectors.analogy`, vectors count at length 1 and a, b and c are no answers. A word is looked up as it is
    written, else without regard to case, and an answer is right whatever its case. Analogies with a word that is not
    there are left out and counted. Counterpart: gensim's `KeyedVectors.evaluate_word_analogies`.

    >>> from minigrad.embeddings import Vectors
    >>> vectors = Vectors(["man", "woman", "king", "queen"], [[1, 1, 0], [1, -1, 0], [3, 1, 2], [3, -1, 2]])
    >>> questions = [("man", "woman", "king", "queen"), ("he", "she", "man", "woman")]
    >>> print(evaluate_analogies(vectors, {"family": questions}))
    family  100.0%  1 of 1, 1 left out
    total   100.0%  1 of 1, 1 left out
    """
    asked = [(name, tuple(words)) for name, words in _read(analogies, "analogies")]
    rows = _rows(vectors, {word for _, words in asked for word in words}, restrict_vocab)
    known = [question for question in asked if all(word in rows for word in question[1])]
    answers = _answers(vectors, [[rows[word] for word in words[:3]] for _, words in known], restrict_vocab)
    right = Counter(name for (name, words), answer in zip(known, answers) if answer in rows[words[3]])
    given, answered = Counter(name for name, _ in asked), Counter(name for name, _ in known)
    sections = {name: AnalogyScore(right[name], answered[name], given[name] - answered[name]) for name in given}
    return AnalogyResult(AnalogyScore(*(sum(column) for column in zip((0, 0, 0), *sections.values()))), sections)


def spearman(x: Any, y: Any) -> float:
    """Spearman's rank correlation of two sequences; equal values share the mean of their ranks. NaN where one is flat.

    >>> spearman([1, 2, 3, 4], [10, 20, 20, 40])
    0.948683
    """
    x, y = _ranks(x), _ranks(y)
    if x.shape != y.shape or x.ndim != 1:
        raise ShapeError(f"Spearman's rho is of two sequences of one length, got shapes {x.shape} and {y.shape}.")
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / scale) if scale > 0 else float("nan")


def _ranks(x: Any) -> np.ndarray:
    _, places, counts = np.unique(np.asarray(x, np.float64), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


def _read(given: Any, kind: str) -> list[Any]:
    """What a file holds, or what was given in its place, brought to the same form."""
    if isinstance(given, (str, os.PathLike)):
        from ..saving import word_tests

        return getattr(word_tests, f"read_{kind}")(given)
    if isinstance(given, Mapping):
        return [(name, words) for name, questions in given.items() for words in questions]
    return list(given)


def _rows(vectors: Vectors, words: set[str], limit: Any) -> dict[str, list[int]]:
    """For each word that is there, its row, followed by the rows of the same word in other cases."""
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise ValueError(f"restrict_vocab must be a whole number from 1, or None for all words, got {limit!r}.")
    same: dict[str, list[int]] = {word.upper(): [] for word in words}
    for row, word in enumerate(islice(vectors.words, limit)):
        if (form := word.upper()) in same:
            same[form].append(row)
    return {
        word: sorted(rows, key=lambda row: vectors.words[row] != word) for word in words if (rows := same[word.upper()])
    }


def _answers(vectors: Vectors, questions: list[list[list[int]]], limit: int | None) -> np.ndarray:
    """For each question (the rows of a, of b and of c) the row nearest to b - a + c that is none of them.

    All questions meet a block of the matrix at a time: two products of small matrices, nothing as large as either.
    """
    answers, best = np.full(len(questions), -1), np.full(len(questions), -np.inf, np.float32)
    if not questions:
        return answers
    a, b, c = (vectors.units(np.array([q[i][0] for q in questions])) for i in range(3))
    aims = b - a + c
    taken = np.array([(i, row) for i, q in enumerate(questions) for rows in q for row in rows])
    for rows, _ in vectors.blocks(limit):
        units = vectors.units(rows).T
        for begin in range(0, len(questions), _QUESTIONS):
            part = slice(begin, begin + _QUESTIONS)
            cosines = aims[part] @ units
            here = taken[_within(taken[:, 0], part) & _within(taken[:, 1], rows)]
            cosines[here[:, 0] - begin, here[:, 1] - rows.start] = -np.inf
            nearest = cosines.argmax(axis=1)
            value = cosines[np.arange(len(nearest)), nearest]
            better = value > best[part]
            best[part][better], answers[part][better] = value[better], (nearest + rows.start)[better]
    return answers


def _within(numbers: np.ndarray, place: slice) -> np.ndarray:
    return (place.start <= numbers) & (numbers < place.stop)
