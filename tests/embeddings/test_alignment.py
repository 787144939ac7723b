"""Vectors in the order of a model's vocabulary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.embeddings import Vectors
from minigrad.errors import IdError
from minigrad.layers import Embedding

WORDS = list("abcdef")
VECTORS = Vectors(WORDS, np.arange(12, dtype=np.float32).reshape(6, 2))


@given(vocabulary=st.lists(st.sampled_from([*WORDS, "", "x", "y"]), unique=True, min_size=1), seed=st.integers(0, 9))
def test_each_word_has_its_vector_where_its_id_says(vocabulary, seed):
    matrix, found, missing = VECTORS.align(vocabulary, seed=seed)
    assert matrix.shape == (len(vocabulary), 2)
    assert matrix.dtype == np.float32
    assert [word for word in vocabulary if word in WORDS] == found
    assert [word for word in vocabulary if word not in WORDS] == missing
    for row, word in zip(matrix, vocabulary):
        assert (row.tolist() in VECTORS.matrix.tolist()) == (word in WORDS)
        assert word in missing or np.array_equal(row, VECTORS[word])
    assert np.array_equal(matrix, VECTORS.align(vocabulary, seed=seed).matrix)


def test_a_mapping_says_the_ids_and_leaves_gaps_to_the_initializer():
    matrix, found, missing = VECTORS.align({"c": 2, "nowhere": 3, "a": np.int64(5)}, "ones")
    assert matrix.tolist() == [[1, 1], [1, 1], [4, 5], [1, 1], [1, 1], [0, 1]]
    assert (found, missing) == (["c", "a"], ["nowhere"])


def test_new_rows_are_spread_as_the_vectors_are():
    random = np.random.default_rng(1)
    spread = Vectors([f"w{i}" for i in range(25_000)], random.normal([0, 5, -1], [1, 0.1, 3], (25_000, 3)))
    matrix = spread.align([f"new{i}" for i in range(20_000)], seed=3).matrix
    np.testing.assert_allclose(matrix.mean(axis=0), [0, 5, -1], atol=0.1)
    np.testing.assert_allclose(matrix.std(axis=0), [1, 0.1, 3], rtol=0.05)


def test_the_draw_follows_the_global_seed():
    def drawn():
        mg.random.set_seed(5)
        return VECTORS.align(["new"]).matrix.tolist()

    assert drawn() == drawn()
    assert VECTORS.align(["new"]).matrix.tolist() != VECTORS.align(["new"]).matrix.tolist()


def test_an_initializer_object_serves():
    assert VECTORS.align(["x"], mg.initializers.Constant(0.5)).matrix.tolist() == [[0.5, 0.5]]
    with pytest.raises(mg.errors.UnknownName, match="zeros"):
        VECTORS.align(["x"], "zeroes")


def test_the_report_is_short():
    assert str(VECTORS.align(["a", "b"])) == "2 of 2 words found"
    many = VECTORS.align(["a", *(f"x{i}" for i in range(11))])
    assert str(many).startswith("1 of 12 words found; missing: 'x0', 'x1'")
    assert str(many).endswith("'x9', ...")


@pytest.mark.parametrize(("vocabulary", "error", "what"), [
    ("abc", TypeError, "got a string"),
    ([], ValueError, "empty"),
    ({}, ValueError, "empty"),
    (["a", 7], TypeError, "got 7 with the id 1"),
    (["a", "b", "a"], ValueError, "'a' stands in the vocabulary twice, as 0 and as 2"),
    ({"a": -1}, IdError, "the id of 'a' must be a whole number from 0, got -1"),
    ({"a": 1.0}, IdError, "got 1.0"),
    ({"a": True}, IdError, "got True"),
    ({"a": 1, "b": 1}, IdError, "'a' and 'b' have the same id, 1"),
])  # fmt: skip
def test_what_is_no_vocabulary_is_refused(vocabulary, error, what):
    with pytest.raises(error, match=f"(?i){what}"):
        VECTORS.align(vocabulary)


def test_an_embedding_begins_with_the_matrix_and_keeps_it_when_frozen():
    vocabulary = ["", "b", "x", "a"]
    matrix, _, missing = VECTORS.align(vocabulary, "zeros")
    assert missing == ["", "x"]
    x = mg.Input((2,), dtype="int32")
    embedded = Embedding(len(vocabulary), 2, weights=matrix, trainable=False)(x)
    y = mg.layers.Dense(1)(mg.layers.Flatten()(embedded))
    model = mg.Model(x, y)
    model.compile("sgd", "mse")
    ids = np.array([[3, 1], [0, 2]])
    assert mg.Model(x, embedded).predict(ids, verbose=0).tolist() == [[[0, 1], [2, 3]], [[0, 0], [0, 0]]]
    model.fit(ids, np.ones((2, 1)), epochs=2, verbose=0)
    assert mg.Model(x, embedded).predict(ids, verbose=0).tolist() == [[[0, 1], [2, 3]], [[0, 0], [0, 0]]]
