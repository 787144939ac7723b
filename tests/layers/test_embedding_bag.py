"""EmbeddingBag: what pooling an Embedding gives, left-out ids, weights, and its errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import Input, Model
from minigrad.core.autodiff import grad
from minigrad.core.check import check_grads
from minigrad.core.rowsparse import RowSparse
from minigrad.errors import IdError, ShapeError, UnknownName
from minigrad.layers import Embedding, EmbeddingBag, GlobalAveragePooling1D, GlobalMaxPooling1D

ROWS, WIDTH = 7, 3
TABLE = np.random.default_rng(5).normal(size=(ROWS, WIDTH))
MODES = ["sum", "mean", "max"]

drawings = st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(0, 2**16))


def built(mode="mean", **arguments):
    layer = EmbeddingBag(ROWS, WIDTH, mode, dtype="float64", weights=TABLE, **arguments)
    layer(np.zeros((1, 1), int))
    return layer


def drawn(drawing, low=0, high=ROWS):
    batch, time, seed = drawing
    rng = np.random.default_rng(seed)
    return rng.integers(low, high, (batch, time)), rng.normal(size=(batch, WIDTH)), rng.normal(size=(batch, time))


def pooled(mode, ids, kept, weights=None):
    """(the result, its derivative: (batch, width, rows), how much of each row's element is in it)."""
    hot = (ids[..., None] == np.arange(ROWS)) * kept[..., None] * 1.0
    if mode == "max":
        slope = np.zeros((len(ids), WIDTH, ROWS))
        for b, j in np.ndindex(len(ids), WIDTH):
            own = ids[b][kept[b]]
            if own.size:
                slope[b, j, own[TABLE[own, j].argmax()]] = 1
    else:
        share = hot.sum(1) if weights is None else np.einsum("btr,bt->br", hot, weights)
        share = share / np.maximum(kept.sum(1, keepdims=True), 1) if mode == "mean" else share
        slope = np.repeat(share[:, None], WIDTH, 1)
    return np.einsum("bjr,rj->bj", slope, TABLE), slope


def check(layer, ids, kept, upstream, weights=None, given=None, **named):
    """Value and sparse gradient, eagerly and by a program."""
    given = ids if given is None else given
    expected, slope = pooled(layer.mode, ids, kept, weights)
    out = layer(given, **named)
    np.testing.assert_allclose(out.numpy(), expected, atol=1e-12)
    found = grad((out * upstream).sum(), layer.embeddings)
    assert isinstance(found, RowSparse)
    np.testing.assert_allclose(found.dense(), np.einsum("bj,bjr->rj", upstream, slope), atol=1e-12)
    if not named:
        x = Input(given.shape[1:], dtype="int32")
        np.testing.assert_allclose(Model(x, layer(x)).predict(given, verbose=0), expected, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@given(drawings)
def test_all_ids(mode, drawing):
    ids, upstream, _ = drawn(drawing)
    check(built(mode), ids, np.ones(ids.shape, bool), upstream)


@pytest.mark.parametrize("mode", MODES)
@given(drawings, st.sampled_from([None, 0, 3, -1]), st.booleans(), st.sampled_from(["raise", "zero", "clip", "last"]))
def test_ids_that_are_left_out(mode, drawing, padding_idx, mask_zero, oov):
    low, high = (0, ROWS) if oov == "raise" else (-2, ROWS + 2)
    given, upstream, _ = drawn(drawing, low, high)
    layer = built(mode, padding_idx=padding_idx, mask_zero=mask_zero, oov=oov)
    table = TABLE.copy()
    layer.embeddings.assign(table)  # whatever the row of the padding holds
    outside = (given < 0) | (given >= ROWS)
    ids = np.where(outside, ROWS - 1, given) if oov == "last" else np.clip(given, 0, ROWS - 1)
    kept = np.ones(ids.shape, bool)
    if oov == "zero":
        kept &= ~outside
    if mask_zero:
        kept &= given != 0
    if padding_idx is not None:
        kept &= ids != padding_idx % ROWS
    check(layer, ids, kept, upstream, given=given)


@pytest.mark.parametrize("mode", MODES)
@given(drawings)
def test_a_mask_leaves_ids_out(mode, drawing):
    ids, upstream, weights = drawn(drawing)
    check(built(mode), ids, weights > 0, upstream, mask=weights > 0)


@given(drawings, st.booleans())
def test_weights_of_each_place(drawing, mask_zero):
    ids, upstream, weights = drawn(drawing)
    kept = ids != 0 if mask_zero else np.ones(ids.shape, bool)
    layer = built("sum", mask_zero=mask_zero)
    check(layer, ids, kept, upstream, weights, per_sample_weights=weights)
    leaf = mg.Tensor(weights, requires_grad=True)
    found = grad((layer(ids, per_sample_weights=leaf) * upstream).sum(), leaf)
    np.testing.assert_allclose(found, np.einsum("btj,bj->bt", TABLE[ids], upstream) * kept, atol=1e-12)


def test_derivatives_of_second_order():
    ids = np.array([[1, 4, 1], [2, 0, 2]])
    for mode in MODES:
        layer = built(mode, mask_zero=True)
        table = layer.embeddings

        def of(values, layer=layer, table=table):
            layer.embeddings = values
            try:
                return layer.call(mg.Tensor(ids)) ** 3
            finally:
                layer.embeddings = table

        check_grads(of, TABLE, order=2)


@pytest.mark.parametrize(("mode", "pool"), [("mean", GlobalAveragePooling1D), ("max", GlobalMaxPooling1D)])
@pytest.mark.parametrize("time", [5, None])
def test_it_is_an_embedding_and_its_pooling(mode, pool, time):
    ids = np.random.default_rng(0).integers(0, ROWS, (4, 5)) * (np.arange(5) < 3)
    ids[2] = 0
    x = Input((time,), dtype="int32")
    table = Embedding(ROWS, WIDTH, mask_zero=True)
    bag = EmbeddingBag(ROWS, WIDTH, mode, mask_zero=True)
    model = Model(x, [pool()(table(x)), bag(x)])
    bag.set_weights(table.get_weights())
    one, other = model.predict(ids, verbose=0)
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)
    assert (other[2] == 0).all()
    assert model.output_shape == [(None, WIDTH)] * 2


@pytest.mark.parametrize("mode", MODES)
def test_bags_without_time(mode):
    np.testing.assert_array_equal(built(mode)(np.zeros((2, 0), int)).numpy(), np.zeros((2, WIDTH)))


def test_weights_may_be_a_second_input():
    x, w = Input((3,), dtype="int32"), Input((3,))
    layer = EmbeddingBag(ROWS, WIDTH, "sum")
    model = Model([x, w], layer(x, per_sample_weights=w))
    model.compile("sgd", "mse")
    ids, weights = np.array([[1, 2, 2]]), np.array([[1, 0.5, 2]], np.float32)
    table = layer.get_weights()[0]
    np.testing.assert_allclose(model.predict([ids, weights], verbose=0), [table[1] + 2.5 * table[2]], rtol=1e-5)
    model.fit([ids, weights], np.ones((1, WIDTH)), verbose=0)
    assert (layer.get_weights()[0] != table).any(1).tolist() == [False, True, True, *[False] * 4]


@pytest.mark.parametrize("mode", MODES)
def test_a_bad_id_is_named(mode):
    for ids, words in ((np.array([[1, 7]]), r"id 7 at \[0, 1\] is out of range"), (np.array([[-1]]), "is negative")):
        with pytest.raises(IdError, match=r"^layer words \(EmbeddingBag\), called on .*" + words):
            EmbeddingBag(7, 2, mode, name="words")(ids)


def test_wrong_arguments():
    with pytest.raises(UnknownName, match="Unknown mode of EmbeddingBag 'avg'"):
        EmbeddingBag(7, 2, "avg")
    with pytest.raises(TypeError, match="scale_grad_by_freq is for Embedding alone"):
        EmbeddingBag(7, 2, scale_grad_by_freq=True)
    with pytest.raises(ShapeError, match=r"expected 2 axes \(batch, time\), got 3"):
        built()(np.zeros((1, 2, 3), int))
    with pytest.raises(ValueError, match="per_sample_weights go with mode='sum'; the mode is 'max'"):
        built("max")(np.array([[1]]), per_sample_weights=np.ones((1, 1)))
    with pytest.raises(ShapeError, match=r"per_sample_weights has the shape \(1, 3\), expected that of the ids"):
        built("sum")(np.array([[1, 2]]), per_sample_weights=np.ones((1, 3)))


def test_its_config():
    layer = EmbeddingBag(ROWS, WIDTH, "max", mask_zero=True, padding_idx=-1, oov="clip", trainable_rows=[2], name="bag")
    config = layer.get_config()
    assert (config["mode"], config["padding_idx"], config["trainable_rows"]) == ("max", 6, [2])
    assert EmbeddingBag.from_config(config).get_config() == config


def test_attend_and_from_pretrained():
    layer = EmbeddingBag.from_pretrained(TABLE, mode="sum")
    np.testing.assert_allclose(layer(np.array([[1, 1]])).numpy(), 2 * TABLE[[1]], rtol=1e-6)
    np.testing.assert_allclose(layer.attend(np.ones((1, 3))).numpy(), TABLE.sum(1)[None], rtol=1e-5)
