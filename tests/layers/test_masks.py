"""Masks: made, given to a call, passed on, used up, and told of where they are lost."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import Input, Model, Sequential
from minigrad.errors import DTypeError, ShapeError
from minigrad.layers import (
    ELU,
    Activation,
    Add,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Identity,
    Layer,
    LeakyReLU,
    PReLU,
    ReLU,
    Softmax,
)

IDS = np.array([[3, 1, 0, 0], [2, 0, 2, 5], [0, 0, 0, 0]])
KEPT = IDS != 0


def embedding(**more):
    return Embedding(6, 3, mask_zero=True, **more)


def values(seed=0, shape=(3, 4, 3)):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


class Reader(Layer):
    """Notes the masks that its calls were given."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen = []

    def call(self, inputs, mask=None):
        self.seen.append(mask)
        return inputs[0] if isinstance(inputs, list) else inputs * 1


# -- making -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float32"])
def test_mask_zero_says_where_the_ids_are_not_zero(dtype):
    out = embedding()(IDS.astype(dtype))
    np.testing.assert_array_equal(out.mask.numpy(), KEPT, strict=True)
    symbol = embedding()(Input((4,), dtype=dtype))
    assert (symbol.mask.shape, symbol.mask.dtype) == ((None, 4), bool)


def test_without_mask_zero_there_is_none():
    assert Embedding(6, 3)(IDS).mask is None
    assert Embedding(6, 3)(Input((4,))).mask is None
    assert Input((4,)).mask is None


def test_the_mask_of_a_layers_output_is_that_of_the_symbol_it_returned():
    layer = embedding()
    out = layer(Input((4,)))
    assert layer.output.mask is out.mask is not None


# -- passing on -------------------------------------------------------------------------------------------------------

PASSING = [
    lambda: Activation("tanh"),
    lambda: Dense(2),
    lambda: Dropout(0.5),
    Identity,
    ReLU,
    LeakyReLU,
    ELU,
    PReLU,
    Softmax,
]


@pytest.mark.parametrize("make", PASSING, ids=lambda make: type(make()).__name__)
def test_layers_that_keep_the_time_steps_pass_the_mask_on(make):
    ids = Input((4,), dtype="int32")
    drawn = make()(embedding()(ids))
    assert drawn.mask is drawn.node.inputs[0].mask is not None
    for training in (False, True):
        layer, h = make(), embedding()(IDS)
        assert layer(h, training=training).mask is h.mask
        assert layer(h.numpy(), training=training).mask is None


def test_a_softmax_over_time_does_not():
    with pytest.warns(UserWarning, match="softmax .* does not know masks"):
        assert Softmax(axis=1)(embedding()(IDS)).mask is None


def test_operators_and_functions_give_values_without_a_mask():
    h = embedding()(IDS)
    assert (h * 2).mask is np.tanh(h).mask is None


def test_an_output_that_is_an_input_leaves_that_input_alone():
    class Marked(Layer):
        def call(self, inputs):
            return inputs

        def compute_mask(self, inputs, mask=None):
            return np.any(inputs != 0, axis=-1)

    x = mg.Tensor(values(), requires_grad=True)
    y = Marked()(x)
    assert x.mask is None
    assert y.mask.numpy().all()
    np.testing.assert_array_equal(mg.grad(y.sum(), x), np.ones_like(x.numpy()))


# -- a layer's own ----------------------------------------------------------------------------------------------------


def test_a_call_that_takes_a_mask_is_given_the_inputs():
    layer, h = Reader(), embedding()(IDS)
    layer(h)
    layer(values())
    assert layer.seen[0] is h.mask
    assert layer.seen[1] is None


def test_of_several_inputs_it_is_given_theirs():
    layer, h = Reader(), embedding()(IDS)
    layer([h, mg.Tensor(values())])
    assert layer.seen == [[h.mask, None]]


@pytest.mark.parametrize("mask", [KEPT, KEPT.astype(int), KEPT.tolist(), mg.Tensor(KEPT.astype(np.float32))])
def test_a_mask_that_the_caller_gives_wins(mask):
    layer = Reader()
    layer(embedding()(np.ones_like(IDS)), mask=mask)
    np.testing.assert_array_equal(layer.seen[0].numpy(), KEPT, strict=True)
    passed = Activation("relu")(embedding()(np.ones_like(IDS)), mask=mask)
    np.testing.assert_array_equal(passed.mask.numpy(), KEPT, strict=True)


def test_it_may_be_given_by_position():
    layer = Reader()
    layer(embedding()(IDS), None)
    assert layer.seen == [None]


def test_a_mask_of_words_is_refused():
    with pytest.raises(DTypeError, match=r"layer reader \(Reader\).*mask='yes'; expected booleans"):
        Reader()(values(), mask="yes")


def test_a_layer_that_takes_no_mask_says_so():
    with pytest.raises(TypeError, match=r"flatten \(Flatten\) takes no mask; it would have no effect"):
        Flatten()(values(), mask=KEPT)


def test_a_layer_of_several_inputs_that_passes_masks_on_has_to_say_how():
    class Sum(Layer):
        supports_masking = True

        def call(self, inputs):
            return inputs[0] + inputs[1]

    h = embedding()(IDS)
    with pytest.raises(ShapeError, match=r"gave 2 masks for 1 outputs, .* compute_mask"):
        Sum()([h, h])


# -- losing -----------------------------------------------------------------------------------------------------------


def test_a_lost_mask_is_told_once_with_its_layer_and_where_it_came_from():
    layer = Flatten(name="flat")
    h = Dense(2)(Embedding(6, 3, mask_zero=True, name="words")(Input((4,))))
    with pytest.warns(UserWarning, match=r"^flat \(Flatten\) does not know masks, so the mask that came from words"):
        assert layer(h).mask is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(h)
    with pytest.warns(UserWarning, match="add"):
        Add()([h, h])


def test_a_layer_with_layers_inside_loses_none_by_itself():
    class Inside(Layer):
        def __init__(self):
            super().__init__()
            self.dense, self.pool = Dense(2), GlobalAveragePooling1D()

        def call(self, inputs):
            return self.pool(self.dense(inputs))

    h = embedding()(IDS)
    assert Inside()(h).mask is None
    assert Sequential([Dense(2), GlobalMaxPooling1D()])(h).mask is None


# -- pooling ----------------------------------------------------------------------------------------------------------


def mean_of_kept(x, kept):
    return np.stack([row[k].mean(0) if k.any() else np.zeros(x.shape[2]) for row, k in zip(x, kept)])


def max_of_kept(x, kept):
    return np.stack([row[k].max(0) if k.any() else np.zeros(x.shape[2]) for row, k in zip(x, kept)])


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("cls", "formula"), [(GlobalAveragePooling1D, mean_of_kept), (GlobalMaxPooling1D, max_of_kept)]
)
@given(st.integers(1, 4), st.integers(0, 5), st.integers(0, 2**16))
def test_pooling_takes_the_steps_that_count(cls, formula, keepdims, first, batch, time, seed):
    rng = np.random.default_rng(seed)
    x, kept = rng.normal(size=(batch, time, 2)), rng.random((batch, time)) < 0.5
    layer = cls(dtype="float64", keepdims=keepdims, data_format="channels_first" if first else None)
    if cls is GlobalMaxPooling1D and not time:
        return  # there is no greatest of none
    out = layer(x.swapaxes(1, 2) if first else x, mask=kept).numpy()
    expected = formula(x, kept)
    np.testing.assert_allclose(out, np.expand_dims(expected, 2 if first else 1) if keepdims else expected, atol=1e-12)


@pytest.mark.parametrize("cls", [GlobalAveragePooling1D, GlobalMaxPooling1D])
def test_padding_gets_no_gradient_from_pooling(cls):
    x = mg.Tensor(values(), requires_grad=True)
    g = mg.grad(cls()(x, mask=KEPT).sum(), x)
    assert (g[~KEPT] == 0).all()
    assert np.isfinite(g).all()
    np.testing.assert_allclose(g.sum((1, 2)), np.where(KEPT.any(1), 3, 0), rtol=1e-6)
    mg.check_grads(lambda x: cls(dtype="float64")(x, mask=KEPT) ** 2, values().astype(float), order=2)


def test_the_maximum_of_integers():
    x = np.array([[[-5], [7]], [[-5], [-7]]])
    out = GlobalMaxPooling1D()(x, mask=[[True, False], [True, True]])
    assert out.numpy().tolist() == [[-5], [-5]]
    assert out.dtype == x.dtype


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ShapeError, match=r"the mask has the shape \(3, 5\), expected \(batch, time\) = \(3, 4\)"):
        GlobalAveragePooling1D()(values(), mask=np.ones((3, 5), bool))


def test_pooling_uses_the_mask_up():
    assert GlobalAveragePooling1D()(embedding()(IDS)).mask is None
    assert GlobalMaxPooling1D(keepdims=True)(embedding()(Input((4,)))).mask is None


# -- graphs and models ------------------------------------------------------------------------------------------------


def pooled(table):
    return mean_of_kept(table[IDS], KEPT)


def test_a_functional_model_computes_masks_from_its_own_values():
    x = Input((4,), dtype="int32")
    h = embedding()(x)
    model = Model(x, [GlobalAveragePooling1D()(Dropout(0.5)(h)), h])
    mean, out = model(IDS)
    np.testing.assert_allclose(mean.numpy(), pooled(model.get_weights()[0]), rtol=1e-6)
    np.testing.assert_array_equal(out.mask.numpy(), KEPT)
    assert [layer.name for layer in model.layers] == [
        "input_1", "embedding_1", "dropout_1", "global_average_pooling1d_1",
    ]  # fmt: skip
    np.testing.assert_allclose(model.predict(IDS, verbose=0)[0], mean.numpy(), rtol=1e-6)


def test_a_mask_given_outright_is_part_of_the_graph():
    x, m = Input((4,)), Input((4,), dtype="bool")
    model = Model([x, m], GlobalAveragePooling1D()(embedding()(x), mask=m))
    other = KEPT[::-1]
    expected = mean_of_kept(model.get_weights()[0][IDS], other)
    np.testing.assert_allclose(model([IDS, other]).numpy(), expected, rtol=1e-6)
    h = embedding()(x)
    model = Model(x, GlobalMaxPooling1D()(Dense(2)(h * 2), mask=h.mask))
    twin = Model(x, GlobalMaxPooling1D()(model.layers[-2](model.layers[1](x) * 2)))
    assert not np.array_equal(model(IDS).numpy(), twin(IDS).numpy())


def test_masks_go_through_models_inside_models():
    x = Input((4,), dtype="int32")
    encoder = Model(x, Dense(3)(embedding()(x)))
    h = encoder(x)
    assert h.mask is not None
    outer = Model(x, Sequential([Dropout(0.1), GlobalAveragePooling1D()])(h))
    out = encoder(IDS)
    np.testing.assert_array_equal(out.mask.numpy(), KEPT)
    np.testing.assert_allclose(outer(IDS).numpy(), mean_of_kept(out.numpy(), KEPT), rtol=1e-5)


def test_a_subclassed_model():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.words, self.pool = embedding(), GlobalAveragePooling1D()

        def call(self, inputs):
            return self.pool(self.words(inputs))

    model = Own()
    out = model(IDS)
    np.testing.assert_allclose(out.numpy(), pooled(model.get_weights()[0]), rtol=1e-6)


def test_a_model_of_inner_symbols_and_copies_keep_the_mask():
    from copy import deepcopy

    x = Input((4,), dtype="int32")
    model = Model(x, GlobalAveragePooling1D()(embedding()(x)))
    for twin in (deepcopy(model), Model(model.input, model.layers[-1](model.layers[1].output))):
        np.testing.assert_allclose(twin(IDS).numpy(), model(IDS).numpy())
