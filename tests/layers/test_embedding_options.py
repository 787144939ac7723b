"""What an Embedding has besides the lookup: each option against the formula with one-hot ids, written out in NumPy."""

from __future__ import annotations

import json
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import Input, Model, optimizers
from minigrad.core.autodiff import grad
from minigrad.core.check import check_grads
from minigrad.core.rowsparse import RowSparse
from minigrad.errors import IdError, ShapeError
from minigrad.layers import Dense, Embedding, GlobalAveragePooling1D

ROWS, WIDTH = 7, 3
TABLE = np.random.default_rng(5).normal(size=(ROWS, WIDTH))

drawings = st.tuples(st.integers(1, 3), st.integers(0, 6), st.integers(0, 2**16))


def built(table=TABLE, **arguments):
    layer = Embedding(*table.shape, dtype="float64", weights=table, **arguments)
    layer(np.zeros((1, 1), int))
    return layer


def drawn(drawing, low=0, high=ROWS):
    batch, time, seed = drawing
    rng = np.random.default_rng(seed)
    return rng.integers(low, high, (batch, time)), rng.normal(size=(batch, time, WIDTH))


def gradient(layer, ids, upstream):
    found = grad((layer(ids) * upstream).sum(), layer.embeddings)
    assert isinstance(found, RowSparse)
    return found.dense()


def one_hot(ids):
    """No id out of range has a one."""
    return (ids[..., None] == np.arange(ROWS)).astype(float)


# -- padding_idx ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("padding_idx", [0, 3, ROWS - 1, -1, -ROWS])
@given(drawings)
def test_padding_is_zero_and_gets_no_gradient(padding_idx, drawing):
    ids, upstream = drawn(drawing)
    layer, row = built(padding_idx=padding_idx), padding_idx % ROWS
    kept = (ids != row)[..., None]
    expected = TABLE.copy()
    expected[row] = 0
    np.testing.assert_array_equal(layer.get_weights()[0], expected)
    np.testing.assert_allclose(layer(ids).numpy(), np.where(kept, one_hot(ids) @ TABLE, 0), atol=1e-12)
    expected = np.einsum("btr,btw->rw", one_hot(ids), upstream * kept)
    np.testing.assert_allclose(gradient(layer, ids, upstream), expected, atol=1e-12)


def test_padding_is_zero_from_the_start_without_weights_too():
    layer = Embedding(4, 2, padding_idx=1)
    layer(np.zeros((1, 1)))
    assert (layer.get_weights()[0][1] == 0).all()
    assert (layer.get_weights()[0][0] != 0).all()


@pytest.mark.parametrize("value", [7.0, np.nan, np.inf])
def test_padding_stays_zero_whatever_is_assigned(value):
    layer = built(padding_idx=2)
    ids = np.array([[2, 1]])
    table = TABLE.copy()
    table[2] = value
    for write in (lambda: layer.set_weights([table]), lambda: layer.embeddings.assign(table)):
        write()
        np.testing.assert_array_equal(layer(ids).numpy()[0], [[0, 0, 0], TABLE[1]])
        np.testing.assert_array_equal(gradient(layer, ids, np.ones((1, 2, 3)))[2], 0)
        symbol = Input((2,))
        np.testing.assert_array_equal(Model(symbol, layer(symbol)).predict(ids, verbose=0)[0, 0], 0)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "adagrad", "rmsprop"])
def test_no_step_moves_padding(optimizer):
    """Not even one that decays weights, or whose penalty pulls at the row."""

    def pull(table):
        return np.sum(np.square(table - 1))

    for run_eagerly in (False, True):
        x = Input((3,))
        embedding = Embedding(ROWS, WIDTH, padding_idx=2, embeddings_regularizer=pull)
        model = Model(x, Dense(1)(GlobalAveragePooling1D()(embedding(x))))
        model.compile(optimizer, "mse", run_eagerly=run_eagerly)
        before = embedding.get_weights()[0]
        model.fit(np.array([[2, 2, 1], [4, 2, 2]]), np.ones((2, 1)), epochs=3, verbose=0)
        after = embedding.get_weights()[0]
        assert (after[2] == 0).all()
        assert (after[[1, 4]] != before[[1, 4]]).all()


# -- trainable_rows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "adagrad", "rmsprop"])
@pytest.mark.parametrize("rows", [[1, 4], np.arange(ROWS) % 3 == 1, (), np.ones(ROWS, bool)], ids=str)
def test_only_these_rows_move(optimizer, rows):
    for run_eagerly in (False, True):
        x = Input((4,))
        embedding = Embedding(ROWS, WIDTH, trainable_rows=rows)
        model = Model(x, Dense(1)(GlobalAveragePooling1D()(embedding(x))))
        model.compile(optimizer, "mse", run_eagerly=run_eagerly)
        before = embedding.get_weights()[0]
        model.fit(np.array([[0, 1, 2, 3], [4, 5, 6, 6]]), np.ones((2, 1)), epochs=3, verbose=0)
        moved = (embedding.get_weights()[0] != before).any(axis=1)
        assert moved.tolist() == [i in embedding.trainable_rows for i in range(ROWS)]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([1, 7], r"among them 7; expected ids of rows, from 0 to 6, or 7 booleans"),
        ([-1], "among them -1"),
        ([True, False], r"is bool of shape \(2,\)"),
        ([0.5], r"is float64 of shape \(1,\)"),
        ([[1, 2]], r"is int64 of shape \(1, 2\)"),
    ],
)
def test_wrong_trainable_rows(rows, words):
    with pytest.raises(ValueError, match="^Embedding: trainable_rows .*" + words):
        Embedding(7, 2, trainable_rows=rows)


# -- scale_grad_by_freq -----------------------------------------------------------------------------------------------


@given(drawings)
def test_gradients_are_divided_by_how_often_an_id_is_in_the_batch(drawing):
    ids, upstream = drawn(drawing)
    layer = built(scale_grad_by_freq=True)
    hot = one_hot(ids)
    counts = np.maximum(hot.sum((0, 1)), 1)
    np.testing.assert_allclose(layer(ids).numpy(), hot @ TABLE, atol=1e-12)
    expected = np.einsum("btr,btw->rw", hot, upstream) / counts[:, None]
    np.testing.assert_allclose(gradient(layer, ids, upstream), expected, atol=1e-12)


# -- max_norm ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0, np.inf])
def test_rows_that_a_step_touched_are_no_longer_than_max_norm(order):
    table = TABLE / np.abs(TABLE).sum(1, keepdims=True) * 0.9  # the longest that any order allows
    ids = np.array([[0, 2, 2], [5, 0, 6]])
    results = []
    for run_eagerly in (True, False):
        x = Input((3,), dtype="int32")
        embedding = Embedding(ROWS, WIDTH, weights=table, max_norm=1.0, norm_type=order)
        model = Model(x, embedding(x))
        model.compile(optimizers.SGD(30.0), "mse", run_eagerly=run_eagerly)
        model.train_on_batch(ids, np.ones((2, 3, WIDTH)))
        results.append(embedding.get_weights()[0])
    after, program = results
    hot = one_hot(ids)
    free = table - 30 * np.einsum("btr,btw->rw", hot, 2 * (hot @ table - 1) / ids.size / WIDTH)
    norms = np.linalg.norm(free, order, axis=1)
    assert (norms[[0, 2, 5, 6]] > 1).any()
    np.testing.assert_allclose(after, free * np.minimum(1, 1 / norms)[:, None], rtol=2e-5, atol=1e-6)
    np.testing.assert_array_equal(after, program)
    assert (after[[1, 3, 4]] == table.astype(np.float32)[[1, 3, 4]]).all()


def test_max_norm_comes_after_a_constraint():
    x = Input((1,))
    embedding = Embedding(3, 2, weights=[[[-3.0, 4.0], [0, 0], [0, 0]]], max_norm=1, embeddings_constraint="non_neg")
    model = Model(x, embedding(x))
    model.compile(optimizers.SGD(0.001), "mse")
    model.train_on_batch(np.array([[0]]), np.zeros((1, 1, 2)))
    np.testing.assert_allclose(embedding.get_weights()[0][0], [0, 1], atol=1e-6)


# -- oov --------------------------------------------------------------------------------------------------------------

WHERE = {
    "clip": lambda ids: np.clip(ids, 0, ROWS - 1),
    "last": lambda ids: np.where((ids < 0) | (ids >= ROWS), ROWS - 1, ids),
    "zero": lambda ids: ids,
}


@pytest.mark.parametrize("dtype", ["int64", "float32", "int8"])
@pytest.mark.parametrize("oov", WHERE)
@given(drawings)
def test_ids_out_of_range(oov, dtype, drawing):
    ids, upstream = drawn(drawing, -4, ROWS + 5)
    layer, hot = built(oov=oov), one_hot(WHERE[oov](ids))
    ids = ids.astype(dtype)
    np.testing.assert_allclose(layer(ids).numpy(), hot @ TABLE, atol=1e-12)
    expected = np.einsum("btr,btw->rw", hot, upstream)
    np.testing.assert_allclose(gradient(layer, ids, upstream), expected, atol=1e-12)
    x = Input(ids.shape[1:], dtype=dtype)
    np.testing.assert_allclose(Model(x, layer(x)).predict(ids, verbose=0), hot @ TABLE, atol=1e-12)


def test_by_default_they_are_an_error():
    with pytest.raises(IdError, match="id 7 at"):
        built()(np.array([[7]]))
    with pytest.raises(IdError, match=r"^layer embedding \(Embedding\).*id 1\.5 at \[0, 0\] is not a whole number"):
        built(oov="clip")(np.array([[1.5]]))


# -- together ---------------------------------------------------------------------------------------------------------


@given(drawings, st.integers(-ROWS, ROWS - 1), st.sampled_from(list(WHERE)), st.booleans())
def test_options_together(drawing, padding_idx, oov, by_frequency):
    ids, upstream = drawn(drawing, -2, ROWS + 2)
    layer = built(padding_idx=padding_idx, oov=oov, scale_grad_by_freq=by_frequency, mask_zero=True)
    row, found = padding_idx % ROWS, WHERE[oov](ids)
    hot = one_hot(found) * (found != row)[..., None]
    out = layer(ids)
    np.testing.assert_allclose(out.numpy(), hot @ TABLE, atol=1e-12)
    np.testing.assert_array_equal(out.mask.numpy(), ids != 0)
    counts = np.maximum(one_hot(found).sum((0, 1)), 1) if by_frequency else np.ones(ROWS)
    expected = np.einsum("btr,btw->rw", hot, upstream) / counts[:, None]
    np.testing.assert_allclose(gradient(layer, ids, upstream), expected, atol=1e-12)


def test_second_derivatives():
    ids = np.array([[1, 9, 1], [2, 0, 2]])
    layer = built(padding_idx=2, oov="zero")
    table = layer.embeddings

    def of(values):
        layer.embeddings = values
        try:
            return layer.call(mg.Tensor(ids)) ** 3
        finally:
            layer.embeddings = table

    check_grads(of, TABLE, order=2)


# -- attend -----------------------------------------------------------------------------------------------------------


def test_attend_is_the_product_with_every_row():
    layer = built()
    x = np.random.default_rng(0).normal(size=(2, 4, WIDTH))
    leaf, up = mg.Tensor(x, requires_grad=True), np.random.default_rng(1).normal(size=(2, 4, ROWS))
    np.testing.assert_allclose(layer.attend(x).numpy(), x @ TABLE.T)
    assert Embedding.from_pretrained(TABLE).attend(x).dtype == np.float32
    for_x, for_table = grad((layer.attend(leaf) * up).sum(), [leaf, layer.embeddings])
    np.testing.assert_allclose(for_x, up @ TABLE)
    np.testing.assert_allclose(for_table, np.einsum("btr,btw->rw", up, x))
    assert layer.attend(x[0, 0]).shape == (ROWS,)


def test_padding_is_attended_with_zero():
    layer = built(padding_idx=2)
    layer.embeddings.assign(TABLE)
    out = layer.attend(np.ones((1, WIDTH)))
    np.testing.assert_allclose(out.numpy()[0], np.where(np.arange(ROWS) == 2, 0, TABLE.sum(1)))
    assert (np.asarray(grad(out.sum(), layer.embeddings))[2] == 0).all()


@pytest.mark.parametrize("run_eagerly", [True, False])
def test_tied_weights_in_a_functional_model(run_eagerly):
    mg.utils.set_random_seed(1)
    x = Input((4,), dtype="int32")
    embedding = Embedding(ROWS, WIDTH, mask_zero=True)
    h = embedding(x)
    logits = embedding.attend(h * 2)
    model = Model(x, logits)
    assert (logits.shape, logits.node.fn) == ((None, 4, ROWS), embedding)
    assert [layer.name for layer in model.layers] == ["input_1", "embedding_1"]
    assert (model.count_params(), model.output_names) == (ROWS * WIDTH, ["embedding_1"])
    model.compile("adam", mg.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=run_eagerly)
    ids = np.array([[1, 2, 3, 4], [4, 5, 6, 0]])
    history = model.fit(ids, ids, epochs=2, verbose=0).history["loss"]
    assert history[1] < history[0]
    table = embedding.get_weights()[0]
    np.testing.assert_allclose(model.predict(ids, verbose=0), 2 * table[ids] @ table.T, rtol=1e-5, atol=1e-7)


def test_attend_passes_the_mask_of_its_input_on():
    ids = np.array([[1, 0]])
    layer = built(mask_zero=True)
    h = layer(ids)
    assert layer.attend(h).mask is h.mask
    assert layer.attend(h.numpy() * 0).mask is None
    drawn = layer.attend(Dense(WIDTH, dtype="float64")(layer(Input((2,)))))
    assert drawn.mask is not None


def test_attend_checks_the_width():
    with pytest.raises(ShapeError, match=r"layer embedding .*attend: expected a last axis of size output_dim=3, got"):
        built().attend(np.ones((2, 4)))


# -- from_pretrained --------------------------------------------------------------------------------------------------


def test_from_pretrained():
    layer = Embedding.from_pretrained(TABLE)
    np.testing.assert_array_equal(layer(np.array([3])).numpy(), TABLE[[3]].astype(np.float32))
    assert (layer.trainable, layer.input_dim, layer.output_dim, layer.trainable_weights) == (False, ROWS, WIDTH, [])
    other = Embedding.from_pretrained(mg.Tensor(TABLE), freeze=False, padding_idx=1, max_norm=2.0, name="words")
    other(np.array([0]))
    assert (other.name, other.padding_idx, len(other.trainable_weights)) == ("words", 1, 1)
    assert (other.get_weights()[0][1] == 0).all()


@pytest.mark.parametrize("table", [np.zeros(3), np.zeros((0, 3)), [["a", "b"]], np.zeros((2, 3, 4))])
def test_from_pretrained_needs_a_table(table):
    with pytest.raises(ShapeError, match=r"Embedding.from_pretrained: got .* expected a table of numbers, \(rows, wid"):
        Embedding.from_pretrained(table)


# -- arguments --------------------------------------------------------------------------------------------------------

WRONG = [
    ({"padding_idx": 7}, r"padding_idx=7; expected the number of a row, 0 to 6"),
    ({"padding_idx": -8}, "padding_idx=-8; expected a whole number from -7"),
    ({"padding_idx": 1.5}, "padding_idx=1.5; expected a whole number"),
    ({"max_norm": 0}, "max_norm=0; expected a number above zero"),
    ({"max_norm": "2"}, "max_norm='2'; expected a number above zero"),
    ({"norm_type": -1}, "norm_type=-1; expected a number above zero"),
    ({"input_length": -1}, "input_length=-1; expected a whole number from 0"),
    ({"input_length": (3, "4")}, "input_length='4'; expected a whole number from 0"),
    ({"oov": "drop"}, "Unknown oov of Embedding 'drop'"),
    ({"oov": "clipp"}, "Did you mean 'clip'"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=str)
def test_wrong_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        Embedding(7, 2, **arguments)


def test_all_of_it_survives_a_config():
    layer = Embedding(
        ROWS,
        WIDTH,
        "normal",
        "l2",
        embeddings_constraint="non_neg",
        mask_zero=True,
        input_length=(4, None),
        weights=TABLE,
        padding_idx=-1,
        max_norm=2,
        norm_type=1,
        scale_grad_by_freq=True,
        oov="zero",
        trainable_rows=np.arange(ROWS) > 3,
        trainable=False,
    )
    config = json.loads(json.dumps(layer.get_config()))
    assert "weights" not in config
    assert config["trainable_rows"] == [4, 5, 6]
    twin = Embedding.from_config(config)
    assert twin.get_config() == layer.get_config()
    assert (twin.padding_idx, twin.input_length, twin.batch_input_shape) == (ROWS - 1, (4, None), (None, 4, None))


def test_copies_keep_what_rows_are():
    layer = built(padding_idx=0, trainable_rows=[1, 2], max_norm=1.0)
    twin = deepcopy(layer)
    np.testing.assert_array_equal(twin(np.array([[0, 1]])).numpy(), layer(np.array([[0, 1]])).numpy())
    np.testing.assert_array_equal(twin.embeddings.frozen, layer.embeddings.frozen)


def test_where_nothing_is_asked_for_the_graph_is_a_gather():
    body = Embedding(ROWS, WIDTH)(Input((4,), dtype="int32")).node.body[0]
    assert body.node.fn.name == "gather"
    assert body.node.inputs[1].node.fn.name == "input"
