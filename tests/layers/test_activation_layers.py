"""Activation layers: names and functions, and what they say about their arguments."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import activations
from minigrad.errors import ShapeError, UnknownName
from minigrad.layers import ELU, Activation, Input, LeakyReLU, PReLU, ReLU, Softmax

X = np.linspace(-3, 3, 12, dtype=np.float32).reshape(3, 4)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh", "softmax", "softplus", "gelu", "elu", "linear"])
def test_a_name_stands_for_the_function(name):
    function = getattr(activations, name)
    np.testing.assert_array_equal(Activation(name)(X).numpy(), function(X))
    assert Activation(function).get_config()["activation"] == name


def test_a_function_of_ones_own():
    assert np.array_equal(Activation(lambda x: x * x)(X).numpy(), X * X)


def test_a_lambda_has_no_configuration():
    with pytest.raises(UnknownName, match="a lambda has no name"):
        Activation(lambda x: x * x).get_config()


def test_a_misspelt_name():
    with pytest.raises(UnknownName, match="Did you mean 'sigmoid'"):
        Activation("sigmiod")


def test_prelu_has_one_alpha_for_each_element_but_along_shared_axes():
    shapes = {None: (5, 4, 3), 1: (1, 4, 3), (1, 2): (1, 1, 3), (-1,): (5, 4, 1)}
    for shared, shape in shapes.items():
        layer = PReLU(shared_axes=shared)
        layer(Input((5, 4, 3)))
        assert layer.alpha.shape == shape
    assert np.array_equal(PReLU()(X).numpy(), np.maximum(X, 0))  # alpha begins at zero


def test_prelu_and_axes_that_cannot_be():
    with pytest.raises(ShapeError, match="shared_axes counts from 1; axis 0 is the batch"):
        PReLU(shared_axes=0)(Input((3,)))
    with pytest.raises(ShapeError, match="shared_axes=2 is out of range"):
        PReLU(shared_axes=[2])(Input((3,)))
    with pytest.raises(ShapeError, match="the weight alpha needs a known shape"):
        PReLU()(Input((None, 3)))
    assert PReLU(shared_axes=[1])(Input((None, 3))).shape == (None, None, 3)


@pytest.mark.parametrize("layer", [LeakyReLU, ELU, PReLU, Softmax])
def test_integers_become_floats_of_the_layer(layer):
    assert layer()(np.array([[-1, 2]])).dtype == np.float32


@pytest.mark.parametrize(
    ("layer", "argument"),
    [
        (ReLU, "max_value"),
        (ReLU, "negative_slope"),
        (ReLU, "threshold"),
        (LeakyReLU, "negative_slope"),
    ],
)
def test_negative_arguments_are_refused(layer, argument):
    with pytest.raises(ValueError, match=f"{layer.__name__}: {argument}=-1; expected a number from 0"):
        layer(**{argument: -1})


def test_softmax_along_an_axis_that_is_not_there():
    with pytest.raises(ShapeError, match=r"layer softmax \(Softmax\), called on \(None, 3\): .*axis"):
        Softmax(axis=5)(Input((3,)))
