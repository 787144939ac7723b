"""The two judgements of word vectors, beside plain loops, and by files."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.embeddings import AnalogyScore, Vectors, evaluation, vectors
from minigrad.embeddings.evaluation import spearman
from minigrad.errors import CorruptFile, ShapeError

NUMBERS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12)


def slow_rank(x):
    return [sum(b < a for b in x) + (sum(b == a for b in x) + 1) / 2 for a in x]


@given(pairs=NUMBERS)
def test_spearman_is_the_correlation_of_mean_ranks(pairs):
    x, y = zip(*pairs)
    found = spearman(x, y)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(np.corrcoef(slow_rank(x), slow_rank(y))[0, 1], abs=1e-12)
        assert spearman(np.exp(x), y) == found  # only the order counts
        assert spearman([-a for a in x], y) == pytest.approx(-found)


def test_spearman_wants_two_of_one_length():
    with pytest.raises(ShapeError, match=r"got shapes \(3,\) and \(2,\)"):
        spearman([1, 2, 3], [1, 2])


# --- pairs ---

FOUR = Vectors(["apple", "Apple", "pear", "stone"], [[1, 0], [0, 1], [0.8, 0.6], [-1, 0]])


def test_pairs_are_ranked_as_people_rank_them():
    pairs = [("apple", "pear", 9), ("apple", "stone", 1), ("pear", "stone", 2), ("apple", "moon", 5)]
    assert FOUR.evaluate_similarity(pairs) == (pytest.approx(1), 3, 1)
    assert FOUR.evaluate_similarity([(a, b, -score) for a, b, score in pairs]) == (pytest.approx(-1), 3, 1)


def test_a_word_is_looked_up_as_it_is_and_then_in_any_case():
    # As written, Apple is far from apple; APPLE is the first of them, PEAR the only one.
    pairs = [("apple", "Apple", 1), ("apple", "APPLE", 3), ("apple", "PEAR", 2)]
    assert FOUR.evaluate_similarity(pairs) == (pytest.approx(1), 3, 0)


def test_a_restricted_vocabulary_is_the_first_words():
    pairs = [("apple", "Apple", 1), ("apple", "pear", 3), ("apple", "stone", 2)]
    assert FOUR.evaluate_similarity(pairs, restrict_vocab=3)[1:] == (2, 1)
    assert FOUR.evaluate_similarity(pairs, restrict_vocab=None)[1:] == (3, 0)
    for wrong in (0, 1.5, True):
        with pytest.raises(ValueError, match="restrict_vocab must be"):
            FOUR.evaluate_similarity(pairs, restrict_vocab=wrong)


@pytest.mark.parametrize("pairs", [[], [("apple", "pear", 1)], [("no", "word", 1)] * 3, [("apple", "pear", 1)] * 3])
def test_what_cannot_be_ranked_has_no_rho(pairs):
    assert math.isnan(FOUR.evaluate_similarity(pairs).rho)


def test_pairs_come_from_a_file(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("# pairs\napple\tpear\t9\napple\tstone\t1\npear\tstone\t2\n")
    assert FOUR.evaluate_similarity(path) == (pytest.approx(1), 3, 0)
    path.write_text("apple\tpear\n")
    with pytest.raises(CorruptFile, match=r"pairs\.tsv, line 1"):
        FOUR.evaluate_similarity(str(path))


# --- analogies ---


def slow_answer(held, a, b, c):
    """3CosAdd, one word after the other."""
    unit = {word: x / n if (n := np.linalg.norm(x)) else x for word, x in zip(held, held.matrix.astype(float))}
    aim = unit[b] - unit[a] + unit[c]
    return max((word for word in held if word not in (a, b, c)), key=lambda word: unit[word] @ aim)


@given(data=st.data(), n=st.integers(4, 9), block=st.integers(1, 4), questions=st.integers(1, 3))
def test_answers_are_those_of_a_plain_loop_in_whatever_blocks(data, n, block, questions):
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    held = Vectors([f"w{i}" for i in range(n)], random.standard_normal((n, 3)))
    asked = data.draw(st.lists(st.permutations(held.words).map(lambda words: tuple(words[:4])), min_size=1, max_size=7))
    expected = sum(slow_answer(held, a, b, c) == d for a, b, c, d in asked)
    kept = vectors.BLOCK, evaluation._QUESTIONS
    vectors.BLOCK, evaluation._QUESTIONS = block, questions
    try:
        assert held.evaluate_analogies({"s": asked}).total == (expected, len(asked), 0)
    finally:
        vectors.BLOCK, evaluation._QUESTIONS = kept


ROYAL = Vectors(["man", "woman", "king", "queen", "boat"], [[1, 2, 2], [1, -2, 2], [2, 2, 1], [2, -2, 1], [0, 0, 3]])


def test_analogies_are_counted_by_section(tmp_path):
    path = tmp_path / "questions-words.txt"
    path.write_text(
        ": family\nman woman king queen\nMan Woman King Queen\nman woman king boat\nman woman prince princess\n"
        ": nothing known\na b c d\n: family\nwoman man queen king\n"
    )
    result = ROYAL.evaluate_analogies(path)
    assert result.sections == {"family": AnalogyScore(3, 4, 1), "nothing known": AnalogyScore(0, 0, 1)}
    assert result.total == AnalogyScore(3, 4, 2)
    assert result.accuracy == result.sections["family"].accuracy == 0.75
    assert math.isnan(result.sections["nothing known"].accuracy)
    assert str(result).splitlines()[0] == "family          75.0%  3 of 4, 1 left out"
    assert str(result).splitlines()[-1] == "total           75.0%  3 of 4, 2 left out"


def test_only_the_first_words_are_asked_for_and_answer():
    asked = {"": [("man", "woman", "king", "queen")]}
    assert ROYAL.evaluate_analogies(asked, restrict_vocab=4).total == (1, 1, 0)
    assert ROYAL.evaluate_analogies(asked, restrict_vocab=3).total == (0, 0, 1)
    nearer = Vectors([*ROYAL.words, "duchess"], [*ROYAL.matrix, [4, -4, 2.1]])
    assert nearer.evaluate_analogies(asked, restrict_vocab=5).total == (1, 1, 0)
    better = Vectors([*ROYAL.words, "queens"], [*(ROYAL.matrix + [0, 0, 0.2]), [2, -2, 1.05]])
    assert better.evaluate_analogies(asked, restrict_vocab=None).total[1:] == (1, 0)


def test_no_form_of_a_word_asked_about_is_an_answer_and_any_form_of_the_right_one_is():
    held = Vectors(
        [*ROYAL.words, "KING", "Queen"], [*ROYAL.matrix[:3], [0, 0, 1], ROYAL.matrix[4], [2, -2, 1], [2, -2, 1]]
    )
    assert held.evaluate_analogies({"": [("man", "woman", "king", "queen")]}).total == (1, 1, 0)


def test_no_questions_have_no_accuracy():
    assert math.isnan(ROYAL.evaluate_analogies({}).accuracy)
