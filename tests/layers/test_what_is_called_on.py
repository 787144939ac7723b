"""Layers called on numbers, lists, tables of pandas and what is no input at all; copies of layers."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from minigrad.errors import DTypeError, GraphError, ShapeError
from minigrad.layers import Add, Dense, Embedding, Flatten, Input, Layer
from minigrad.models import Model


@pytest.mark.parametrize("values", [[[1.0, 2.0]], [[1, 2]], ((1, 2),), [np.array([1.0, 2.0])[None]][0].tolist()])
def test_lists_of_numbers_are_one_array(values):
    layer = Dense(3)
    assert np.array_equal(layer(values).numpy(), layer(np.array([[1.0, 2.0]])).numpy())


def test_lists_of_ids():
    table = Embedding(5, 2)
    assert np.array_equal(table([[1, 4]]).numpy(), table(np.array([[1, 4]])).numpy())
    assert table(3).shape == (2,)


def test_what_has_columns_like_a_table_of_pandas():
    class Table:
        shape = (2, 1)

        def __array__(self, dtype=None, copy=None):
            return np.array([[1.0], [2.0]], dtype)

    layer = Dense(3)
    assert np.array_equal(layer(Table()).numpy(), layer(np.array([[1.0], [2.0]])).numpy())


def test_a_model_takes_lists_by_name():
    a, b = Input((1,), name="a"), Input((2,), name="b")
    model = Model([a, b], Add()([a, Dense(1)(b)]))
    by_name = model({"a": [[1], [2]], "b": [[1.0, 2.0], [3.0, 4.0]]})
    assert np.array_equal(by_name.numpy(), model([np.array([[1], [2]]), np.array([[1.0, 2.0], [3.0, 4.0]])]).numpy())


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ("abc", DTypeError, r"layer dense \(Dense\): got 'abc', expected a tensor"),
        (None, DTypeError, r"layer dense \(Dense\): got None, expected a tensor"),
        ([["a"]], DTypeError, r"layer dense \(Dense\): got a list of dtype <U1"),
        (np.array([[1]], object), DTypeError, r"layer dense \(Dense\): got a ndarray of dtype object"),
        ([[1.0], [1.0, 2.0]], ShapeError, r"layer dense \(Dense\): the list does not make one array"),
        ([1.0], ShapeError, r"layer dense \(Dense\), called on \(1,\): expected at least 2 axes"),
        (1, ShapeError, r"layer dense \(Dense\), called on \(\): expected at least 2 axes"),
        ([np.ones((1, 2)), np.ones((1, 2))], ShapeError, r"expected one tensor, got a list of 2; merge them first"),
    ],
)
def test_what_is_no_input(values, error, message):
    layer = Dense(3)
    with pytest.raises(error, match=message):
        layer(values)
    assert not layer.built


def test_a_list_of_symbols_for_a_layer_of_one():
    with pytest.raises(ShapeError, match=r"flatten .*expected one tensor, got a list of 2"):
        Flatten()([Input((2,)), Input((2,))])


def test_a_constructor_that_forgets_the_base():
    class Forgetful(Layer):
        def __init__(self):
            self.factor = 2

        def call(self, inputs):
            return inputs * self.factor

    with pytest.raises(RuntimeError, match=r"Forgetful: its __init__ must begin with super\(\).__init__\(\)"):
        Forgetful()(np.ones(3))


def test_a_call_that_forgets_to_return():
    class Silent(Layer):
        def call(self, inputs):
            inputs * 2

    with pytest.raises(
        GraphError, match=r"layer silent \(Silent\), called on \(None, 2\): call\(\) returned a NoneType"
    ):
        Silent()(Input((2,)))


def test_a_misspelt_dtype():
    with pytest.raises(TypeError, match="dtype='flaot32'; expected one of NumPy's"):
        Input((2,), dtype="flaot32")


def test_set_weights_before_there_are_any():
    with pytest.raises(
        ValueError, match=r"dense: set_weights.. got 1 arrays, expected 0: it has no weights; it is not b"
    ):
        Dense(2).set_weights([np.ones((2, 2))])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])  # noqa: S301
def test_a_copy_of_a_layer_has_weights_of_its_own(copied):
    layer = Dense(2, activation="relu")
    x = Input((3,))
    layer(x)
    twin = copied(layer)
    assert np.array_equal(twin.get_weights()[0], layer.get_weights()[0])
    twin.set_weights([np.ones((3, 2)), np.ones(2)])
    assert not layer.get_weights()[1].any()
    assert Model(x, twin(x)).layers[1] is twin


def test_a_copy_of_a_model():
    x = Input((3,), name="x")
    model = Model(x, Dense(1, name="out")(Dense(4, activation="tanh", name="hidden")(x)))
    model.compile("adam", "mse")
    data = np.arange(12.0).reshape(4, 3)
    before = model.predict(data, verbose=0)
    twin = copy.deepcopy(model)
    assert np.array_equal(twin.predict(data, verbose=0), before)
    twin.fit(data, np.ones(4), verbose=0)
    assert np.array_equal(model.predict(data, verbose=0), before)
    inner = Model(twin.input, twin.get_layer("hidden").output)
    assert inner.get_layer("hidden") is twin.get_layer("hidden")


def test_the_output_of_an_input_layer_is_its_symbol():
    x = Input((3,))
    model = Model(x, Dense(2)(x))
    every = Model(model.input, [layer.output for layer in model.layers])
    first, second = every.predict(np.ones((1, 3)), verbose=0)
    assert np.array_equal(first, np.ones((1, 3)))
    assert np.array_equal(second, model.predict(np.ones((1, 3)), verbose=0))


def test_input_dim_as_in_keras_2():
    assert Dense(3, input_dim=4).batch_input_shape == (None, 4)
    with pytest.raises(ValueError, match="Dense: input_dim='4'"):
        Dense(3, input_dim="4")
