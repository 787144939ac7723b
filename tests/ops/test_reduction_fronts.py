"""NumPy's reductions on Tensors and Symbols: all their spellings, against NumPy, and their gradients in the corners."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import ops
from minigrad.core.autodiff import grad
from minigrad.core.legacy import LEGACY
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Tensor

EVERY = [
    np.sum,
    np.mean,
    np.prod,
    np.max,
    np.min,
    np.amax,
    np.amin,
    np.var,
    np.std,
    np.any,
    np.all,
    np.ptp,
    np.count_nonzero,
]


@st.composite
def arrays_and_axes(draw: Any) -> tuple[np.ndarray, Any]:
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=3)))
    x = np.random.default_rng(draw(st.integers(0, 99))).normal(size=shape).round(1)
    axes = draw(st.none() | st.lists(st.integers(0, len(shape) - 1), unique=True).map(tuple) if shape else st.none())
    if axes and len(axes) == 1 and draw(st.booleans()):
        axes = axes[0] - len(shape) * draw(st.integers(0, 1))
    return x, axes


@pytest.mark.parametrize("f", EVERY, ids=lambda f: f.__name__)
@given(case=arrays_and_axes(), keepdims=st.booleans())
def test_value_and_spec_are_numpys(f, case, keepdims):
    x, axis = case
    if LEGACY and f is np.count_nonzero and axis == ():
        return
    expected = np.asarray(f(x, axis=axis, keepdims=keepdims))
    y = f(Tensor(x), axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-12, atol=1e-12)
    assert y.shape == expected.shape
    assert y.dtype == expected.dtype
    s = f(Symbol.of(x.shape, x.dtype), axis=axis, keepdims=keepdims)
    assert (s.shape, s.dtype) == (expected.shape, expected.dtype)


@pytest.mark.parametrize(
    "ufunc",
    [np.add, np.multiply, np.maximum, np.minimum, np.logical_and, np.logical_or, np.logaddexp],
    ids=lambda u: u.__name__,
)
@pytest.mark.parametrize(
    "given_axis", [{}, {"axis": 1}, {"axis": None}, {"axis": (0, 1)}, {"axis": -1, "keepdims": True}], ids=str
)
def test_reduce_of_a_ufunc(ufunc, given_axis):
    x = np.array([[1.0, -2.0, 0.5], [3.0, 0.0, 2.0]])
    if ufunc is np.logaddexp and isinstance(given_axis.get("axis"), tuple):
        expected = ufunc.reduce(x.reshape(-1))  # NumPy says that logaddexp is not reorderable
    else:
        expected = ufunc.reduce(x, **given_axis)
    np.testing.assert_allclose(ufunc.reduce(Tensor(x), **given_axis).numpy(), expected, rtol=1e-14)


@pytest.mark.parametrize("f", [np.argmax, np.argmin])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_positions(f, axis):
    x = np.array([[1.0, 5.0, 5.0], [7.0, 0.0, 0.0]], np.float32)
    y = f(Tensor(x, requires_grad=True), axis=axis)
    assert not y.requires_grad
    np.testing.assert_array_equal(y.numpy(), f(x, axis=axis), strict=True)


def test_an_open_batch_stays_open():
    x = Symbol.of((None, 3), np.float32)
    assert np.sum(x, axis=-1).shape == (None,)
    assert np.max(x, axis=0).shape == (3,)
    assert np.prod(x, axis=1, keepdims=True).shape == (None, 1)
    assert np.mean(x).shape == ()
    assert x.std(axis=-1).dtype == np.float32


# -- dtypes


@pytest.mark.parametrize("f", [np.sum, np.mean, np.prod])
def test_the_dtype_argument_is_honoured(f):
    x = Tensor(np.array([1.5, 2.5], np.float32), requires_grad=True)
    y = f(x, dtype=np.float64)
    assert y.dtype == np.float64
    assert grad(y, x).dtype == np.float32


def test_sum_into_integers_takes_no_gradient():
    y = np.sum(Tensor([1.7, 1.7], requires_grad=True), dtype=np.int32)
    assert (y.item(), y.dtype, y.requires_grad) == (2, np.int32, False)


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.uint8, np.int64])
@pytest.mark.parametrize("f", [np.sum, np.prod, np.mean, np.var, np.max])
def test_integers_reduce_to_numpys_dtype(f, dtype):
    x = np.array([[1, 0, 1], [1, 1, 1]], dtype)
    expected = f(x, axis=1)
    y = f(Tensor(x), axis=1)
    np.testing.assert_allclose(y.numpy(), expected)
    assert y.dtype == expected.dtype
    assert f(Symbol.of(x.shape, dtype), axis=1).dtype == expected.dtype


def test_float16_is_summed_in_float32():
    ones = Tensor(np.ones((10_000, 2), np.float16))
    total = np.sum(ones, axis=0)  # one by one in float16 it stops at 2048
    assert total.dtype == np.float16
    np.testing.assert_array_equal(total.numpy(), [10_000, 10_000])
    average = np.mean(Tensor(np.full(100_000, 3.0, np.float16)))
    assert average.dtype == np.float16
    assert average.item() == 3


# -- gradients in the corners


@pytest.mark.parametrize(("x", "first"), [([2.0, 0.0, 3.0], [0, 6, 0]), ([0.0, 0.0, 3.0], [0, 0, 0]), ([0.0], [1])])
def test_prod_with_zeros(x, first):
    t = Tensor(np.array(x), requires_grad=True)
    g = grad(np.prod(t), t, create_graph=True)
    np.testing.assert_array_equal(g.numpy(), first)
    hessian = np.array([grad(g[i], t, retain_graph=True, allow_unused=True) for i in range(len(x))])
    others = [
        [np.prod([x[k] for k in range(len(x)) if k not in (i, j)]) if i != j else 0.0 for j in range(len(x))]
        for i in range(len(x))
    ]
    np.testing.assert_array_equal(hessian, others)


def test_prod_over_several_axes_is_differentiated():
    x = Tensor(np.array([[1.0, 2.0], [0.0, 4.0]]), requires_grad=True)
    np.testing.assert_array_equal(grad(np.prod(x), x), [[0, 0], [8, 0]])
    np.testing.assert_array_equal(grad(np.prod(x, axis=(0, 1), keepdims=True).sum(), x), [[0, 0], [8, 0]])


@pytest.mark.parametrize("f", [np.max, np.min])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_ties_of_an_extremum_share_a_mass_of_one(f, axis):
    x = Tensor(np.array([[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]], np.float32), requires_grad=True)
    y = f(x, axis=axis)
    g = grad(y.sum(), x)
    assert g.dtype == np.float32
    np.testing.assert_allclose(g, np.full((2, 3), y.size / 6), rtol=1e-6)


@pytest.mark.parametrize("axis", [None, -1])
def test_std_of_a_constant_has_gradient_zero(axis):
    """Of 0.7 as well, whose mean is not 0.7 to the last bit."""
    x = Tensor(np.full((2, 3), 0.7), requires_grad=True)
    np.testing.assert_array_equal(grad(np.std(x, axis=axis).sum(), x), np.zeros((2, 3)))


@pytest.mark.parametrize("f", [np.var, np.std])
def test_degrees_of_freedom_under_both_names(f):
    x = np.array([1.0, 2.0, 4.0, 8.0])
    assert f(Tensor(x), ddof=1).item() == f(x, ddof=1)
    assert getattr(ops, f.__name__)(Tensor(x), correction=1).item() == f(x, ddof=1)
    with pytest.warns(RuntimeWarning):
        assert np.isnan(f(Tensor(x), ddof=4).item()) or np.isinf(f(Tensor(x), ddof=4).item())


def test_logsumexp_far_out_and_of_nothing():
    x = np.array([[1000.0, 0.0], [-np.inf, -np.inf], [np.inf, 0.0], [-np.inf, 3.0]])
    np.testing.assert_array_equal(ops.logsumexp(x, axis=1), [1000, -np.inf, np.inf, 3])
    t = Tensor(x[[0, 1, 3]], requires_grad=True)
    np.testing.assert_array_equal(grad(ops.logsumexp(t, axis=1)[::2].sum(), t), [[1, 0], [0, 0], [0, 1]])
    np.testing.assert_array_equal(grad(ops.logsumexp(t, axis=1), t, np.ones(3)), [[1, 0], [0, 0], [0, 1]])


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 3.0], [[1.0, 0.0, 2.0], [1.0, 1.0, 1.0]]])
def test_average(weights):
    x = np.arange(6.0).reshape(2, 3)
    weights = None if weights is None else np.array(weights)
    y = np.average(Tensor(x), axis=1, weights=weights)
    np.testing.assert_allclose(y.numpy(), np.average(x, axis=1, weights=weights))


@pytest.mark.parametrize("extra", [{"out": np.zeros(())}, {"where": np.array([True, False])}, {"initial": 3.0}])
def test_arguments_without_a_meaning_here_are_refused(extra):
    with pytest.raises(TypeError, match=next(iter(extra))):
        np.sum(Tensor([1.0, 2.0]), **extra)
    with pytest.raises(TypeError, match=next(iter(extra))):
        np.add.reduce(Tensor([1.0, 2.0]), **extra)
