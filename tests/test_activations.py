"""Activations: each against its formula, on arrays and on Tensors, and how they are named."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minigrad import activations
from minigrad.core.autodiff import grad
from minigrad.core.tensor import Tensor
from minigrad.errors import UnknownName

X = np.array([-7.3, -2.6, -1.1, -0.2, 0.3, 1.4, 2.7, 6.5])


def erf(x):
    return np.array([math.erf(v) for v in x])


FORMULAS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "selu": lambda x: 1.05070098 * np.where(x > 0, x, 1.67326324 * (np.exp(x) - 1)),
    "gelu": lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2))),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "mish": lambda x: x * np.tanh(np.log(1 + np.exp(x))),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "tanh": lambda x: np.sinh(x) / np.cosh(x),
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "exponential": lambda x: np.exp(x),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(),
    "log_softmax": lambda x: x - np.log(np.exp(x).sum()),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_value_is_that_of_the_formula(name):
    function = activations.get(name)
    np.testing.assert_allclose(function(X), FORMULAS[name](X), rtol=1e-7, atol=1e-12)
    assert function(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("name", FORMULAS)
def test_gradient_is_the_slope_of_the_formula(name):
    weights = np.linspace(0.5, 1.5, len(X))
    x = Tensor(X, requires_grad=True)
    g = grad((activations.get(name)(x) * weights).sum(), x)
    h = 1e-6
    for i in range(len(X)):
        step = h * (np.arange(len(X)) == i)
        slope = (FORMULAS[name](X + step) - FORMULAS[name](X - step)) / (2 * h)
        assert g[i] == pytest.approx(np.sum(slope * weights), abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "formula"),
    [
        ({"negative_slope": 0.1}, lambda x: x if x >= 0 else 0.1 * x),
        ({"max_value": 1.0}, lambda x: min(max(x, 0.0), 1.0)),
        ({"threshold": 1.0}, lambda x: x if x >= 1 else 0.0),
        (
            {"negative_slope": 0.5, "max_value": 2.0, "threshold": -1.0},
            lambda x: 2.0 if x >= 2 else x if x >= -1 else 0.5 * (x + 1),
        ),
    ],
)
def test_relu_has_the_general_form_of_keras(arguments, formula):
    np.testing.assert_allclose(activations.relu(X, **arguments), [formula(x) for x in X])


def test_softmax_takes_an_axis():
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(activations.softmax(x, axis=0).sum(axis=0), 1.0)
    np.testing.assert_allclose(activations.softmax(x).sum(axis=1), 1.0)


def test_gelu_has_the_approximate_form():
    expected = 0.5 * X * (1 + np.tanh(math.sqrt(2 / math.pi) * (X + 0.044715 * X**3)))
    np.testing.assert_allclose(activations.gelu(X, approximate=True), expected, atol=1e-12)


def test_names_functions_and_none():
    assert activations.get(None) is activations.linear
    assert activations.get("swish") is activations.silu is activations.get(activations.silu)
    for name in FORMULAS:
        function = activations.get(name)
        assert activations.deserialize(activations.serialize(function)) is function


def test_a_function_of_the_users_comes_back_with_custom_objects():
    def cubed(x):
        return x**3

    assert activations.get(cubed) is cubed
    assert activations.deserialize(activations.serialize(cubed), {"cubed": cubed}) is cubed


def test_a_misspelt_name_is_told():
    with pytest.raises(UnknownName, match="Did you mean 'sigmoid'"):
        activations.get("sigmod")
