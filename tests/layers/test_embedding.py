"""The embedding: lookup, checked ids, input_length, and the gradient of its table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.core.autodiff import grad
from minigrad.core.check import check_grads
from minigrad.core.rowsparse import RowSparse
from minigrad.errors import DTypeError, IdError, ShapeError
from minigrad.layers import Dense, Embedding, Input
from minigrad.ops import gather

ROWS, WIDTH = 7, 3

# Ids of every kind: repeated, missing, and both ends of the range.
ids_and_upstream = st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 2**16))


def drawn(batch: int, time: int, seed: int):
    rng = np.random.default_rng(seed)
    ids = rng.choice([0, 2, 3, ROWS - 1], (batch, time))
    return ids, rng.standard_normal((batch, time, WIDTH))


def embedding(**arguments):
    layer = Embedding(ROWS, WIDTH, dtype="float64", **arguments)
    layer(np.zeros((1, 1), int))
    layer.set_weights([np.random.default_rng(0).standard_normal((ROWS, WIDTH))])
    return layer


def table_gradient(layer, ids, upstream):
    return grad((layer(ids) * upstream).sum(), layer.embeddings)


# -- the gradient of the table -----------------------------------------------------------------------------------------


@given(ids_and_upstream)
def test_gradient_of_row_r_is_the_sum_over_all_places_of_id_r(drawing):
    ids, upstream = drawn(*drawing)
    gradient = table_gradient(embedding(), ids, upstream)
    expected = np.zeros((ROWS, WIDTH))
    for r in range(ROWS):
        for b in range(ids.shape[0]):
            for t in range(ids.shape[1]):
                if ids[b, t] == r:
                    expected[r] += upstream[b, t]
    assert isinstance(gradient, RowSparse)
    assert gradient.shape == (ROWS, WIDTH)
    np.testing.assert_allclose(gradient.dense(), expected, atol=1e-12)
    assert set(gradient.merged().ids.tolist()) == set(ids.ravel().tolist())


@given(ids_and_upstream)
def test_gradient_is_that_of_one_hot_and_dense_without_bias(drawing):
    ids, upstream = drawn(*drawing)
    layer = embedding()
    dense = Dense(WIDTH, use_bias=False, dtype="float64")
    one_hot = np.eye(ROWS)[ids]
    dense(one_hot)
    dense.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(ids).numpy(), dense(one_hot).numpy(), atol=1e-12)
    expected = grad((dense(one_hot) * upstream).sum(), dense.kernel)
    np.testing.assert_allclose(np.asarray(table_gradient(layer, ids, upstream)), expected, atol=1e-12)


@pytest.mark.parametrize("ids", [[[1, 1, 1]], [[0, ROWS - 1]], [[3], [3]], [[0, 5, 0], [5, 5, 2]], [[]]])
def test_gradient_is_the_numerical_one(ids):
    ids = np.array(ids, int)
    check_grads(lambda table: np.tanh(gather(table, ids)), embedding().get_weights())


def test_gradient_over_a_thousand_time_steps_and_all_batch_rows():
    rng = np.random.default_rng(3)
    ids, upstream = rng.integers(0, ROWS, (32, 1000)), rng.standard_normal((32, 1000, WIDTH))
    gradient = table_gradient(embedding(), ids, upstream)
    expected = np.stack([upstream[ids == r].sum(0) for r in range(ROWS)])
    np.testing.assert_allclose(gradient.dense(), expected, atol=1e-9)


def test_two_uses_of_one_table_add_up():
    layer = embedding()
    gradient = grad((layer(np.array([[1, 2]])).sum() + 10 * layer(np.array([[2]])).sum()), layer.embeddings)
    assert isinstance(gradient, RowSparse)
    np.testing.assert_array_equal(gradient.dense()[:, 0], [0, 1, 11, 0, 0, 0, 0])


def test_backward_leaves_the_gradient_with_the_table():
    layer = embedding()
    layer(np.array([[1, 1]])).sum().backward()
    assert isinstance(layer.embeddings.grad, RowSparse)
    np.testing.assert_array_equal(layer.embeddings.grad.dense()[1], [2, 2, 2])


# -- ids ---------------------------------------------------------------------------------------------------------------

BAD = [
    (
        np.array([[0, 7], [9, 1]]),
        r"id 7 at \[0, 1\] is out of range: input_dim is 7, so ids go from 0 to 6; input_dim=10 would fit all \(2 of",
    ),
    (np.array([[0, 1], [-1, 7]]), r"id -1 at \[1, 0\] is negative; ids go from 0 to 6 \(2 of 4 ids are wrong\)$"),
    (np.array([[0.0, 2.5]]), r"id 2\.5 at \[0, 1\] is not a whole number; ids go from 0 to 6$"),
    (np.array([[0.0, np.nan]]), r"id nan at \[0, 1\] is not a whole number; ids go from 0 to 6$"),
    (np.array([[0.0, np.inf]]), r"id inf at \[0, 1\] is out of range: input_dim is 7, so ids go from 0 to 6$"),
    (np.array([[-0.5]]), r"id -0\.5 at \[0, 0\] is not a whole number"),
    (np.array([[13.0]]), r"id 13 at \[0, 0\] is out of range: .* input_dim=14 would fit all$"),
    (np.array([[2.0**31]]), r"id 2147483648 at \[0, 0\] is out of range"),
    (np.array([[2**63]], np.uint64), r"id 9223372036854775808 at \[0, 0\] is out of range"),
    (np.array([[3.00000001]]), r"id 3\.00000001 at \[0, 0\] is not a whole number"),
]


@pytest.mark.parametrize(("ids", "message"), BAD)
def test_a_bad_id_is_named_with_its_layer_place_and_remedy(ids, message):
    layer = Embedding(7, 2, name="month")
    with pytest.raises(IdError, match=r"^layer month \(Embedding\), called on \S+ \S+: " + message):
        layer(ids)


def test_ids_that_float32_cannot_tell_apart_are_refused():
    with pytest.raises(IdError, match=r"id 16777216 at \[0, 0\] is too large for float32.* Input\(dtype='int32'\)"):
        Embedding(2**24 + 10, 1, embeddings_initializer="zeros")(np.array([[2**24 + 1]], np.float32))


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "uint8", "int32", "int64", "uint64", "bool"]
)
def test_ids_of_every_dtype(dtype):
    layer = embedding()
    result = layer(np.array([[0, 1], [1, 0]], dtype))
    np.testing.assert_array_equal(result.numpy(), layer.embeddings.numpy()[[[0, 1], [1, 0]]])


def test_complex_ids_are_refused():
    with pytest.raises(DTypeError, match="ids must be numbers"):
        Embedding(7, 2)(np.array([[1j]]))


def test_no_ids_at_all():
    assert Embedding(7, 2)(np.zeros((0, 5))).shape == (0, 5, 2)


# -- arguments ---------------------------------------------------------------------------------------------------------


def test_the_founding_example():
    out = Embedding(12 + 1, 3, input_length=1000)(Input(shape=(1000,)))
    assert out.shape == (None, 1000, 3)
    assert out.node.fn.count_params() == 39
    assert [w.name for w in out.node.fn.weights] == ["embeddings"]


def test_initial_values_are_uniform_as_in_keras():
    layer = Embedding(1000, 20)
    layer(np.zeros((1, 1)))
    values = layer.get_weights()[0]
    assert -0.05 <= values.min() < -0.049
    assert 0.049 < values.max() <= 0.05


@pytest.mark.parametrize("value", [0, -3, 2.5, True, None, "7"])
@pytest.mark.parametrize("argument", ["input_dim", "output_dim"])
def test_sizes_must_be_positive_whole_numbers(argument, value):
    sizes = {"input_dim": 7, "output_dim": 2, argument: value}
    with pytest.raises(ValueError, match=f"Embedding: {argument}={value!r}; expected a positive whole number"):
        Embedding(**sizes)


def test_wrong_input_length_is_told_at_graph_time():
    with pytest.raises(ShapeError) as caught:
        Embedding(7, 2, input_length=999)(Input((1000,)))
    assert str(caught.value) == (
        "layer embedding (Embedding), called on (None, 1000): input_length=999, but axis 1 of the input has size 1000: "
        "give the Input that length, or leave input_length out\n"
        "  its input comes from input (None, 1000)"
    )
    with pytest.raises(ShapeError, match=r"input_length=3 is for inputs of 2 axes .* has 3"):
        Embedding(7, 2, input_length=3)(Input((3, 3)))


def test_wrong_input_length_is_told_at_run_time():
    with pytest.raises(ShapeError, match="input_length=3, but axis 1 of the input has size 4"):
        Embedding(7, 2, input_length=3)(np.zeros((1, 4)))


def test_input_length_gives_a_sequential_its_input():
    assert Embedding(7, 2, input_length=5).batch_input_shape == (None, 5)
    assert Embedding(7, 2, input_length=(5, 2)).batch_input_shape == (None, 5, 2)
    assert Embedding(7, 2).batch_input_shape is None


@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: [m], lambda m: m.tolist()])
def test_weights_are_the_table_to_begin_with(wrap):
    matrix = np.arange(6.0).reshape(3, 2)
    layer = Embedding(3, 2, weights=wrap(matrix), trainable=False)
    np.testing.assert_array_equal(layer(np.array([[2]])).numpy(), [[[4, 5]]])
    assert layer.trainable_weights == []
    matrix[:] = 0
    np.testing.assert_array_equal(layer(np.array([[2]])).numpy(), [[[4, 5]]])


def test_weights_of_another_shape_are_refused():
    with pytest.raises(ShapeError, match=r"weights has shape \(3, 2\), expected \(input_dim.* = \(7, 2\)"):
        Embedding(7, 2, weights=np.zeros((3, 2)))


def test_regularizer_and_constraint_reach_the_weight():
    layer = Embedding(7, 2, embeddings_regularizer="l2", embeddings_constraint="non_neg")
    layer(np.zeros((1, 1)))
    assert layer.embeddings.regularizer is layer.embeddings_regularizer
    assert layer.embeddings.constraint is layer.embeddings_constraint
    np.testing.assert_allclose(layer.losses[0].numpy(), 0.01 * (layer.get_weights()[0] ** 2).sum(), rtol=1e-6)
