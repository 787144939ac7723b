"""Penalties: their formulas, on arrays and on Tensors, and how they are named."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import regularizers
from minigrad.core.autodiff import grad
from minigrad.core.tensor import Tensor
from minigrad.errors import UnknownName

X = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)
PENALTIES = [
    (regularizers.L1(0.1), 0.1 * 6.5, 0.1 * np.sign(X)),
    (regularizers.L2(0.1), 0.1 * 14.25, 0.2 * X),
    (regularizers.L1L2(0.1, 0.01), 0.1 * 6.5 + 0.01 * 14.25, 0.1 * np.sign(X) + 0.02 * X),
]


@pytest.mark.parametrize(("penalty", "value", "slope"), PENALTIES)
def test_value_and_gradient_are_those_of_the_formula(penalty, value, slope):
    assert penalty(X) == pytest.approx(value, rel=1e-6)
    x = Tensor(X, requires_grad=True)
    y = penalty(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(grad(y, x), slope, rtol=1e-6)


def test_defaults_are_those_of_keras():
    assert regularizers.get("l1").get_config() == {"l1": 0.01}
    assert regularizers.get("l2").get_config() == {"l2": 0.01}
    assert regularizers.get("l1_l2").get_config() == {"l1": 0.0, "l2": 0.0}
    assert regularizers.get(None) is None


@pytest.mark.parametrize("penalty", [p for p, _, _ in PENALTIES])
def test_config_round_trip(penalty):
    again = regularizers.deserialize(regularizers.serialize(penalty))
    assert type(again) is type(penalty)
    assert again.get_config() == penalty.get_config()


def test_a_function_may_stand_for_a_regularizer():
    def quartic(x):
        return np.sum(x**4)

    assert regularizers.get(quartic) is quartic


@pytest.mark.parametrize("factor", [-0.1, np.nan, np.inf])
def test_a_factor_is_finite_and_not_negative(factor):
    with pytest.raises(ValueError, match="factor l2"):
        regularizers.L2(factor)


def test_misspelt_names_and_arguments_are_told():
    with pytest.raises(UnknownName, match="Did you mean 'l1_l2'"):
        regularizers.get("l1_l3")
    with pytest.raises(UnknownName, match="Did you mean 'l2'"):
        regularizers.L2.from_config({"l22": 1.0})
