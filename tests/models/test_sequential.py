"""Stacks of layers, drawn at once or with the first data."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from minigrad import Input, Model, Sequential
from minigrad.errors import GraphError, ShapeError
from minigrad.layers import Dense, Dropout, Embedding, Flatten


def test_with_an_input_it_is_a_functional_model():
    model = Sequential([Input((4,)), Dense(3, activation="relu"), Dense(2)])
    kernel, bias, kernel_2, bias_2 = model.get_weights()
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    expected = np.maximum(x @ kernel + bias, 0) @ kernel_2 + bias_2
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5)
    assert [layer.name for layer in model.layers] == ["dense_1", "dense_2"]
    assert model.input_shape == (None, 4)
    assert Model(model.input, model.layers[0].output).output_shape == (None, 3)


@pytest.mark.parametrize("first", [{"input_shape": (4,)}, {"batch_input_shape": (None, 4)}])
def test_with_the_shape_told_by_the_first_layer(first):
    assert Sequential([Dense(3, **first), Dense(2)]).output_shape == (None, 2)


def test_with_an_embeddings_input_length():
    model = Sequential([Embedding(13, 3, input_length=10), Flatten(), Dense(1)])
    assert model.input_shape == (None, 10)
    assert model.output_shape == (None, 1)
    assert model.count_params() == 39 + 31


def test_without_a_shape_it_waits_for_data():
    model = Sequential([Dense(3), Dense(2)])
    assert not model.built
    assert model.weights == []
    model.compile("sgd", "mse")
    model.fit(np.ones((6, 4)), np.ones((6, 2)), verbose=0)
    assert model.built
    assert model.input_shape == (None, 4)
    assert list(model.named_weights()) == ["dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias"]
    with pytest.raises(ShapeError, match=r"input_1 expects \(None, 4\), got \(2, 5\)"):
        model(np.ones((2, 5)))


def test_build_by_hand():
    model = Sequential([Dense(3), Dense(2)])
    model.build((None, 4))
    assert model.count_params() == 15 + 8
    model.build((None, 4))
    assert model.count_params() == 15 + 8


def test_add_and_pop():
    model = Sequential()
    model.add(Input((4,)))
    model.add(Dense(3))
    model.add(Dense(2))
    kept = model.layers[0].weights
    assert model.output_shape == (None, 2)
    top = model.pop()
    assert model.output_shape == (None, 3)
    model.add(top)
    assert model.output_shape == (None, 2)
    assert model.layers[0].weights == kept
    assert model.predict(np.ones((2, 4)), verbose=0).shape == (2, 2)
    for _ in range(3):
        model.pop()
    with pytest.raises(ValueError, match="there is no layer to pop"):
        model.pop()


def test_popping_keeps_the_shape_that_data_told():
    model = Sequential([Dense(3), Dense(2)])
    model(np.ones((1, 4)))
    model.pop()
    assert model.output_shape == (None, 3)


def test_the_input_may_be_a_symbol_or_its_layer():
    x = Input((4,))
    for first in (x, x.node.fn):
        assert Sequential([first, Dense(3)]).output_shape == (None, 3)


def test_a_model_is_a_layer_of_it_and_it_of_a_model():
    inner = Sequential([Dense(3), Dropout(0.5)], name="inner")
    model = Sequential([Input((4,)), inner, Dense(2)])
    assert next(iter(model.named_weights())) == "inner/dense_1/kernel"
    assert model.get_layer("inner/dense_1") is inner.layers[0]
    x = Input((4,))
    outer = Model(x, model(x))
    a = np.ones((2, 4))
    np.testing.assert_array_equal(outer.predict(a, verbose=0), model.predict(a, verbose=0))


def test_what_cannot_be_added_leaves_the_stack_as_it_was():
    model = Sequential([Input((4,)), Dense(3, name="first")])
    with pytest.raises(TypeError, match="expected a layer, got int"):
        model.add(3)
    with pytest.raises(ValueError, match="the layer first is in the stack already"):
        model.add(model.layers[0])
    with pytest.raises(ValueError, match="an Input can only come first"):
        model.add(Input((3,)))
    with pytest.raises(ShapeError, match="input_length=7"):
        model.add(Embedding(5, 2, input_length=7))
    with pytest.raises(GraphError, match="two layers are named 'first'"):
        model.add(Dense(2, name="first"))
    assert [layer.name for layer in model.layers] == ["first"]
    assert model.predict(np.ones((1, 4)), verbose=0).shape == (1, 3)


def test_empty_and_input_alone():
    with pytest.raises(ValueError, match="there are no layers yet; add some first"):
        Sequential()(np.ones((1, 2)))
    assert Sequential([Input((2,))]).predict(np.ones((1, 2)), verbose=0).tolist() == [[1, 1]]


def test_frozen_from_the_start():
    model = Sequential([Input((4,)), Dense(3)], trainable=False)
    assert model.trainable_weights == []


def test_it_dies_with_its_last_user_although_data_drew_it():
    gc.collect()
    gc.disable()
    try:
        model = Sequential([Dense(3), Dense(2)])
        model(np.ones((2, 4)))
        model.pop()
        x = Input((4,))
        Model(x, model(x))
        gone = weakref.ref(model)
        del model, x
        assert gone() is None
        assert gc.collect() == 0
    finally:
        gc.enable()
