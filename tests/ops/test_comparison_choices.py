"""Comparisons carry no gradient; `where` sends it to what was chosen."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import ops
from minigrad.core.autodiff import grad
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Tensor

x = Tensor(np.array([-1.0, 0.0, 2.0]), requires_grad=True)


@pytest.mark.parametrize(
    "f",
    [
        lambda t: t > 0,
        lambda t: t <= 0,
        lambda t: t == 0,
        lambda t: t != 0,
        np.isfinite,
        np.signbit,
        lambda t: np.logical_and(t, t > 0),
        lambda t: (t > 0) | (t < 0),
        lambda t: ~(t > 0),
        np.logical_not,
    ],
)
def test_comparisons_give_booleans_that_take_no_gradient(f):
    y = f(x)
    assert isinstance(y, Tensor)
    assert y.dtype == bool
    assert not y.requires_grad
    np.testing.assert_array_equal(y.numpy(), f(x.numpy()))


def test_a_mask_times_a_tensor_keeps_float32():
    t = Tensor([1.0, -2.0], requires_grad=True)
    y = t * (t > 0)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(grad(y.sum(), t), [1, 0])


def test_where_sends_the_gradient_to_what_was_chosen():
    a, b = (Tensor(np.array(v), requires_grad=True) for v in ([1.0, 2.0], 5.0))
    g, h = grad(np.where(np.array([[True, False], [True, True]]), a, b).sum(), [a, b])
    np.testing.assert_array_equal(g, [2, 1])
    assert h == 1


def test_where_with_numbers_keeps_float32():
    t = Tensor([1.0, -2.0])
    assert np.where(t > 0, t, 0).dtype == np.float32
    assert np.where(t > 0, 0.5, t).dtype == np.float32
    s = Symbol.of((None, 2), np.float32)
    assert np.where(s > 0, s, 0.5).dtype == np.float32
    assert np.where(s > 0, s, 0.5).shape == (None, 2)


def test_where_takes_a_condition_alone_or_with_both_choices():
    assert [places.tolist() for places in np.where(x > 1)] == [[2]]
    with pytest.raises(TypeError, match="both x and y, got 1"):
        ops.where(x > 1, x)
    with pytest.raises(TypeError, match="how many elements are not zero"):
        np.where(Symbol.of((None,), np.float32))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda t: ops.safe_where(t > 0, np.log, t), [0, 0, 0.5]),
        (lambda t: ops.safe_where(t > 0, np.sqrt, t, otherwise=t), [1, 1, 0.5 / np.sqrt(2)]),
        (lambda t: ops.safe_where(t != 0, lambda v: 1 / v, t, otherwise=0.0), [-1, 0, -0.25]),
        (lambda t: ops.safe_where(t > 1, np.arccosh, t, fill=3.0), [0, 0, 1 / np.sqrt(3)]),
    ],
)
def test_safe_where_keeps_the_other_branch_out_of_the_gradient(make, expected):
    np.testing.assert_allclose(grad(make(x).sum(), x), expected)
