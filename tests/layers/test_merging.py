"""Merging layers: broadcasting as in Keras, and what they say about inputs that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import layers
from minigrad.errors import ShapeError
from minigrad.layers import Add, Average, Concatenate, Dot, Input, Multiply, Subtract


def test_lower_case_functions_are_the_layers():
    x, y = np.array([[1.0, 2.0]]), np.array([[3.0, 1.0]])
    for name in ("add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate"):
        by_function = getattr(layers, name)([x, y])
        by_layer = getattr(layers, name.capitalize())()([x, y])
        np.testing.assert_array_equal(by_function.numpy(), by_layer.numpy())
    np.testing.assert_array_equal(layers.dot([x, y], axes=1).numpy(), [[5]])
    np.testing.assert_array_equal(layers.concatenate([x, y], axis=0).numpy(), [[1, 2], [3, 1]])


def test_a_function_takes_the_arguments_of_its_layer():
    assert layers.add([Input((2,)), Input((2,))], name="sum").node.fn.name == "sum"


def test_axes_of_size_one_are_repeated():
    assert Add()([Input((4, 1)), Input((1, 3))]).shape == (None, 4, 3)


def test_missing_axes_are_put_behind_the_batch():
    assert Multiply()([Input((3,)), Input((4, 3))]).shape == (None, 4, 3)
    x, y = np.arange(6.0).reshape(2, 3), np.arange(18.0).reshape(2, 3, 3)
    # NumPy alone would align the batch with time.
    np.testing.assert_array_equal(Add()([x, y]).numpy(), x[:, None, :] + y)


def test_an_open_axis_fits_any_size():
    assert Concatenate()([Input((None, 2)), Input((None, 3))]).shape == (None, None, 5)
    assert Dot(axes=2)([Input((None, 2)), Input((4, 2))]).shape == (None, None, 4)


def test_integers_among_floats_do_not_widen():
    ints, floats = np.ones((2, 3), np.int64), np.ones((2, 3), np.float32)
    for layer in (Add(), Average(), Concatenate(), Dot(1)):
        assert layer([ints, floats]).dtype == np.float32
    assert Add()([ints, ints]).dtype == np.int64
    assert Average()([ints, ints]).dtype == np.float32


def test_concatenating_along_the_batch():
    assert Concatenate(axis=0)([Input(batch_shape=(2, 3)), Input(batch_shape=(5, 3))]).shape == (7, 3)


TWO = r"the inputs have the shapes \(None, 4\) and \(None, 5\); "
BAD = [
    (Add(), [Input((4,)), Input((5,))], TWO + "along axis -1 the sizes are 4 and 5, but must be equal, or 1"),
    (Add(), [Input(batch_shape=(2, 4)), Input(batch_shape=(1, 4))], "the batch, axis 0, must be the same"),
    (Add(), [], r"expected a list of tensors, as in Add\(\)\(\[x, y\]\), got an empty one"),
    (Add(), Input((4,)), r"expected a list of tensors, as in Add\(\)\(\[x, y\]\), got Symbol"),
    (Subtract(), [Input((4,))], "Subtract takes exactly two inputs, got 1"),
    (Subtract(), [Input((4,))] * 3, "Subtract takes exactly two inputs, got 3"),
    (
        Concatenate(axis=1),
        [Input((4, 2)), Input((4, 3))],
        r"shapes \(None, 4, 2\) and \(None, 4, 3\); all sizes but those along axis=1 must be equal",
    ),
    (Concatenate(), [Input((4,)), Input((4, 3))], r"\(None, 4\) and \(None, 4, 3\); all sizes but those along axis=-1"),
    (Concatenate(axis=2), [Input((4,)), Input((4,))], "axis=2 is out of range: the value has 2 axes"),
    (Dot(axes=1), [Input((4,)), Input((5,))], TWO + "along axes=1 the sizes are 4 and 5, but must be equal"),
    (Dot(axes=1), [Input((4,))], "Dot takes exactly two inputs, got 1"),
    (Dot(axes=2), [Input((4,)), Input((4,))], "axes=2 is out of range"),
    (Dot(axes=0), [Input((4,)), Input((4,))], "axes=0 names axis 0 of an input, the batch"),
    (Dot(axes=(1, -2)), [Input((4,)), Input((4,))], r"axes=\(1, -2\) names axis 0 of an input, the batch"),
]


@pytest.mark.parametrize(("layer", "inputs", "message"), BAD)
def test_inputs_that_do_not_fit(layer, inputs, message):
    named = rf"layer {layer.name} \({type(layer).__name__}\)"
    with pytest.raises(ShapeError, match=rf"{named}(, called on.*)?: .*{message}"):
        layer(inputs)


def test_the_origin_of_each_input_is_told():
    x, y = Input((4,), name="left"), Input((5,), name="right")
    with pytest.raises(ShapeError, match=r"comes from left \(None, 4\)\n  its input comes from right \(None, 5\)$"):
        Add()([x, y])


@pytest.mark.parametrize("axes", [1.5, (1, 2, 3), (1, "2"), None])
def test_axes_of_dot_are_one_or_two_whole_numbers(axes):
    with pytest.raises(TypeError, match="axes"):
        Dot(axes)


def test_the_cosine_of_a_zero_vector_is_zero_and_has_a_finite_gradient():
    from minigrad.core.autodiff import grad
    from minigrad.core.tensor import Tensor

    x, y = Tensor(np.zeros((1, 3)), requires_grad=True), np.ones((1, 3))
    cosine = Dot(1, normalize=True, dtype="float64")([x, y])
    assert cosine.item() == 0
    assert np.isfinite(grad(cosine.sum(), x)).all()
