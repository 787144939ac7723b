"""Running sums and products: NumPy's spellings, zeros, and both directions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.core.autodiff import grad
from minigrad.core.symbol import Symbol
from minigrad.core.table import ROWS
from minigrad.core.tensor import Tensor

ROWED = np.array([[1.0, 2.0, 0.0], [3.0, 0.5, 4.0]])


@pytest.mark.parametrize("f", [np.cumsum, np.cumprod])
@pytest.mark.parametrize("given_axis", [{}, {"axis": 0}, {"axis": -1}, {"axis": 1, "dtype": np.float32}], ids=str)
def test_values_are_numpys(f, given_axis):
    y = f(Tensor(ROWED), **given_axis)
    np.testing.assert_array_equal(y.numpy(), f(ROWED, **given_axis), strict=True)


@pytest.mark.parametrize("ufunc", [np.add, np.multiply])
def test_accumulate_of_a_ufunc_runs_along_the_first_axis(ufunc):
    np.testing.assert_array_equal(ufunc.accumulate(Tensor(ROWED)).numpy(), ufunc.accumulate(ROWED))
    np.testing.assert_array_equal(ufunc.accumulate(Tensor(ROWED), axis=1).numpy(), ufunc.accumulate(ROWED, axis=1))


def test_small_integers_widen_as_numpys_do():
    x = np.array([100, 100, 100], np.int8)
    np.testing.assert_array_equal(np.cumsum(Tensor(x)).numpy(), np.cumsum(x), strict=True)
    assert np.cumsum(Symbol.of((3,), np.int8)).dtype == np.cumsum(x).dtype


def test_an_open_batch_stays_open():
    assert np.cumsum(Symbol.of((None, 3), np.float32), axis=1).shape == (None, 3)
    assert np.diff(Symbol.of((None, 3), np.float32)).shape == (None, 2)


def test_cumprod_with_zeros_to_second_order():
    """y = a + ab + abc + abcd at (2, 0, 3, 4)."""
    x = Tensor(np.array([2.0, 0.0, 3.0, 4.0]), requires_grad=True)
    g = grad(np.cumprod(x).sum(), x, create_graph=True)
    np.testing.assert_array_equal(g.numpy(), [1, 32, 0, 0])
    a, b, c, d = 2.0, 0.0, 3.0, 4.0
    hessian = [grad(g[i], x, retain_graph=True) for i in range(4)]
    np.testing.assert_array_equal(
        hessian,
        [
            [0, 1 + c + c * d, b + b * d, b * c],
            [1 + c + c * d, 0, a + a * d, a * c],
            [b + b * d, a + a * d, 0, a * b],
            [b * c, a * c, a * b, 0],
        ],
    )


@pytest.mark.parametrize("f", [np.add, np.multiply])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_a_reverse_scan_is_the_scan_of_the_flipped(f, axis):
    row = ROWS[{np.add: "cumsum", np.multiply: "cumprod"}[f]]
    expected = np.flip(f.accumulate(np.flip(ROWED, axis), axis), axis)
    np.testing.assert_array_equal(row(ROWED, axis=axis, reverse=True), expected)


@given(st.integers(0, 40), st.booleans(), st.integers(0, 99))
def test_the_recurrence_by_doubling_is_the_plain_loop(n, reverse, seed):
    a, b = np.random.default_rng(seed).normal(size=(2, n))
    order = range(n)[::-1] if reverse else range(n)
    h, expected = 0.0, np.zeros(n)
    for k in order:
        h = expected[k] = b[k] + a[k] * h
    np.testing.assert_allclose(ROWS["recurrence"](a, b, axis=0, reverse=reverse), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("n", "axis"), [(1, -1), (2, 1), (1, 0), (0, 0)])
def test_diff(n, axis):
    x = Tensor(ROWED, requires_grad=True)
    y = np.diff(x, n, axis=axis)
    np.testing.assert_array_equal(y.numpy(), np.diff(ROWED, n, axis=axis))
    g = grad((y * y).sum(), x)
    eye = np.eye(6).reshape(6, 2, 3)
    expected = [(2 * np.diff(ROWED, n, axis=axis) * np.diff(e, n, axis=axis)).sum() for e in eye]
    np.testing.assert_allclose(g.reshape(-1), expected)
