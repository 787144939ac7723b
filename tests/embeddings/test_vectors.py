"""Word vectors held, looked up and compared, each result beside one written out by hand."""

from __future__ import annotations

import copy
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.embeddings import UnknownWord, Vectors, load, vectors
from minigrad.errors import DTypeError, NonFiniteError, ShapeError

WORDS = "man woman king queen boat".split()
MATRIX = np.array([[1, 2, 2], [1, -2, 2], [2, 2, 1], [2, -2, 1], [0, 0, 3]], np.float32)
SMALL = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 12), st.integers(1, 4)),
    elements=st.floats(-8, 8, width=16),  # of few digits, so that ties and zeros are common
)


@pytest.fixture
def small():
    return Vectors(WORDS, MATRIX)


def cosine(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    length = np.linalg.norm(x) * np.linalg.norm(y)
    return float(x @ y / length) if length else 0.0


def numbered(matrix):
    return Vectors([f"w{row}" for row in range(len(matrix))], matrix)


# --- holding ---


def test_words_and_rows_belong_together(small):
    assert len(small) == 5
    assert list(small) == small.words == WORDS
    assert small.width == 3
    assert small.index == {word: row for row, word in enumerate(WORDS)}
    assert "king" in small
    assert "prince" not in small
    assert small["king"].tolist() == [2, 2, 1]
    assert small[["boat", "king", "boat"]].tolist() == [[0, 0, 3], [2, 2, 1], [0, 0, 3]]
    assert repr(small) == "<Vectors: 5 words, width 3>"


def test_float32_is_not_copied_and_cannot_be_written_through():
    matrix = MATRIX.copy()
    held = Vectors(WORDS, matrix)
    assert np.shares_memory(held.matrix, matrix)
    with pytest.raises(ValueError, match="read-only"):
        held["king"][0] = 7
    matrix[0, 0] = 5  # whose it is may still write
    assert type(Vectors(WORDS, matrix.astype("f8")).matrix[0, 0]) is np.float32
    assert Vectors(np.array(WORDS), matrix.astype(int)).words == WORDS


def test_vectors_can_be_copied(small):
    assert copy.deepcopy(small)["boat"].tolist() == [0, 0, 3]


@pytest.mark.parametrize(("words", "matrix", "error", "what"), [
    ("abc", MATRIX, TypeError, "list of strings, got one string"),
    (["a", 7], MATRIX[:2], TypeError, "number 1 is 7"),
    ([], MATRIX[:0], ValueError, "at least one word"),
    (["a", "b", "a"], MATRIX[:3], ValueError, "Each word may be there once, 'a'"),
    (["a"], MATRIX, ShapeError, r"1 words must have shape \(1, width\), got \(5, 3\)"),
    (["a"], [1.0], ShapeError, r"got \(1,\)"),
    (["a"], [[]], ShapeError, r"got \(1, 0\)"),
    (["a"], [["x"]], DTypeError, "must hold numbers"),
    (["a"], [[1j]], DTypeError, "must hold numbers, got dtype complex128"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(words, matrix, error, what):
    with pytest.raises(error, match=what):
        Vectors(words, matrix)


@pytest.mark.parametrize(("word", "meant"), [
    ("King", "'king'"), ("kign", "'king'"), ("WOMAN", "'woman'"), ("banana", None),
])  # fmt: skip
def test_an_unknown_word_is_a_key_error_that_helps(small, word, meant):
    with pytest.raises(KeyError) as error:
        small[word]
    assert isinstance(error.value, UnknownWord)
    helped = f" Did you mean {meant}?" if meant else ""
    assert str(error.value) == f"There is no vector for {word!r}.{helped}"
    with pytest.raises(UnknownWord):
        small[["king", word]]


def test_a_word_is_a_string(small):
    with pytest.raises(TypeError, match="A word is a str, got 3"):
        small[[3]]


# --- comparing ---


@given(matrix=SMALL)
def test_norms_and_similarities_are_those_of_the_formula(matrix):
    held = numbered(matrix)
    np.testing.assert_allclose(held.norms, np.linalg.norm(matrix.astype(float), axis=1), rtol=1e-6)
    for row, x in zip(held, matrix):
        assert held.similarity("w0", row) == pytest.approx(cosine(matrix[0], x), abs=1e-12)
        assert held.similarity(matrix[0], x) == pytest.approx(cosine(matrix[0], x), abs=1e-12)


@given(matrix=SMALL, n=st.integers(1, 14), block=st.integers(1, 5))
def test_the_nearest_are_those_that_a_full_sort_finds(matrix, n, block):
    held = numbered(matrix)
    kept, vectors.BLOCK = vectors.BLOCK, block
    try:
        if not matrix[0].any():
            with pytest.raises(ValueError, match="points nowhere"):
                held.nearest("w0", n)
            return
        found, of_vector = held.nearest("w0", n), held.nearest(matrix[0], n)
    finally:
        vectors.BLOCK = kept
    expected = sorted((cosine(matrix[0], x) for x in matrix[1:]), reverse=True)[:n]
    assert [value for _, value in found] == pytest.approx(expected, abs=1e-6)
    assert all(value == pytest.approx(cosine(matrix[0], held[word]), abs=1e-6) for word, value in found)
    assert len({word for word, _ in found} - {"w0"}) == len(found)
    assert of_vector[0][1] == pytest.approx(1)  # a vector leaves no word out
    assert len(of_vector) == min(n, len(matrix))


def test_ties_come_in_the_order_of_the_words():
    held = Vectors(list("abcde"), [[1, 0], [0, 1], [2, 0], [3, 0], [0, 2]])
    assert [word for word, _ in held.nearest("a", 4)] == ["c", "d", "b", "e"]


def test_an_analogy_is_a_sum_of_units_without_its_own_words(small):
    assert small.analogy("man", "woman", "king") == [("queen", 1.0)]
    scaled = Vectors(WORDS, MATRIX * [[1], [7], [0.1], [3], [1]])
    assert [word for word, _ in scaled.analogy("man", "woman", "king", n=5)] == ["queen", "boat"]
    assert scaled.most_similar(["woman", "king"], "man", topn=1)[0][0] == "queen"
    found = scaled.most_similar([scaled["woman"], "king"], ["man"], topn=5)  # a vector is no word to leave out
    assert [word for word, _ in found] == ["queen", "woman", "boat"]


def test_vectors_of_extreme_length_have_directions():
    held = Vectors(["a", "b", "c"], np.array([[1e-30, 0], [3e18, 3e18], [0, 1e30]], np.float32))
    assert held.similarity("a", "b") == pytest.approx(0.5**0.5)
    assert [word for word, _ in held.nearest("a", 2)] == ["b", "c"]


def test_what_has_no_direction_is_refused(small):
    for zeros in (np.zeros(3), small["man"] - small["man"]):
        with pytest.raises(ValueError, match="points nowhere"):
            small.nearest(zeros)
    with pytest.raises(ValueError, match="points nowhere"):
        small.most_similar(["man"], ["man"])
    assert small.similarity(np.zeros(3), "man") == 0


@pytest.mark.parametrize("wrong", [np.ones(2), np.ones((1, 3)), np.array(["a", "b", "c"]), 1.0])
def test_a_vector_of_another_width_is_refused(small, wrong):
    with pytest.raises(ShapeError, match="Expected a word or a vector of 3 numbers, got"):
        small.similarity(wrong, "man")


def test_nans_are_named():
    held = Vectors(["a", "b"], [[1, 2], [np.nan, 1]])
    with pytest.raises(NonFiniteError, match="'b'"):
        held.nearest("a")
    with pytest.raises(NonFiniteError, match="NaN or an infinity"):
        held.similarity("a", np.array([np.inf, 0]))


@pytest.mark.parametrize("n", [0, -1, 2.0, True, "3"])
def test_the_number_of_words_wanted_is_checked(small, n):
    with pytest.raises(ValueError, match="whole number from 1"):
        small.nearest("man", n)


# --- in a file ---


def test_a_mapped_matrix_is_read_through_and_never_copied(tmp_path):
    matrix = np.random.default_rng(1).standard_normal((40_000, 50), np.float32)
    np.save(tmp_path / "v.npy", matrix)
    words = [f"w{row}" for row in range(len(matrix))]
    held = load(tmp_path / "v.npy", words=words, progress=False)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    found = held.nearest("w7", 3)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert peak < matrix.nbytes // 4
    assert found == Vectors(words, matrix).nearest("w7", 3)


@pytest.mark.parametrize("ending", [".txt", ".bin", ".npy", ".safetensors"])
def test_vectors_are_saved_and_loaded(tmp_path, small, ending):
    small.save(tmp_path / f"v{ending}")
    again = load(tmp_path / f"v{ending}")
    assert again.words == WORDS
    assert np.array_equal(again.matrix, MATRIX)
    small.save(tmp_path / "other", "word2vec")
    assert load(tmp_path / "other", limit=2).words == WORDS[:2]
