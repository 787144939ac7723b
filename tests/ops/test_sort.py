"""Sorting and picking along an axis, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad.core.symbol import Symbol
from minigrad.errors import DTypeError, ShapeError


@st.composite
def arrays_and_axes(draw: Any, min_side: int = 0) -> tuple[np.ndarray, int | None]:
    shape = draw(hnp.array_shapes(max_dims=3, min_side=min_side, max_side=4))
    x = draw(hnp.arrays(np.float64, shape, elements=st.integers(-3, 3).map(float)))  # ties are likely
    return x, draw(st.one_of(st.none(), st.integers(-len(shape), len(shape) - 1)))


@given(arrays_and_axes())
def test_sort_and_argsort(case: tuple) -> None:
    x, axis = case
    t = mg.Tensor(x, requires_grad=True)
    order = np.argsort(t, axis=axis)
    np.testing.assert_array_equal(order.numpy(), np.argsort(x, axis=axis, kind="stable"), strict=True)
    y = np.sort(t, axis=axis)
    np.testing.assert_array_equal(y.numpy(), np.sort(x, axis=axis), strict=True)
    g = np.random.default_rng(0).normal(size=y.shape)
    back = np.zeros(x.shape if axis is not None else x.size)
    np.put_along_axis(back, order.numpy(), g, axis=axis if axis is not None else 0)
    np.testing.assert_array_equal(mg.grad(y, t, gradient=g), back.reshape(x.shape))


@given(arrays_and_axes(min_side=1), st.booleans())
def test_median(case: tuple, keepdims: bool) -> None:
    x, axis = case
    for axes in (axis, tuple(range(x.ndim)), (0,)):
        got = np.median(mg.Tensor(x), axis=axes, keepdims=keepdims)
        np.testing.assert_array_equal(got.numpy(), np.median(x, axis=axes, keepdims=keepdims))


def test_median_of_special_values() -> None:
    x = np.array([[1.0, np.nan, 2.0], [np.inf, 1.0, np.inf], [3.0, 1.0, 2.0]])
    np.testing.assert_array_equal(np.median(mg.Tensor(x), axis=1).numpy(), [np.nan, np.inf, 2.0])
    assert np.median(mg.Tensor([1, 2, 4, 5])).item() == 3.0
    x32 = mg.Tensor(np.float32([1, 5, 2, 7]), requires_grad=True)
    np.testing.assert_array_equal(mg.grad(np.median(x32), x32), np.float32([0, 0.5, 0.5, 0]), strict=True)
    mg.check_grads(lambda x: np.median(x, axis=(0, 2)) ** 2, np.random.default_rng(0).normal(size=(2, 3, 3)))


@given(data=st.data())
def test_take_along_axis(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=4))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    n, picks = shape[axis], list(shape)
    picks[axis] = data.draw(st.integers(0, 4))
    ids = data.draw(hnp.arrays(np.int64, tuple(picks), elements=st.integers(-n, n - 1)))
    x = np.random.default_rng(0).normal(size=shape)
    t = mg.Tensor(x, requires_grad=True)
    y = np.take_along_axis(t, ids, axis)
    np.testing.assert_array_equal(y.numpy(), np.take_along_axis(x, ids, axis), strict=True)
    mg.check_grads(lambda x: np.take_along_axis(x, ids, axis) ** 2, x)
    assert np.take_along_axis(Symbol.of(shape, np.float64), ids, axis).shape == y.shape


def test_take_along_axis_of_the_flattened_array() -> None:
    x = mg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = np.take_along_axis(x, np.array([3, 3, 0]), axis=None)
    np.testing.assert_array_equal(mg.grad(y.sum(), x), [[1, 0], [0, 2]])


def test_top_k() -> None:
    x = mg.Tensor([[1.0, 7.0, 5.0, 7.0], [4.0, 3.0, 2.0, 1.0]], requires_grad=True)
    values, positions = mg.ops.top_k(x, 3)
    np.testing.assert_array_equal(values.numpy(), [[7, 7, 5], [4, 3, 2]])
    np.testing.assert_array_equal(positions.numpy(), [[1, 3, 2], [0, 1, 2]])
    np.testing.assert_array_equal(mg.grad(values.sum(), x), [[0, 1, 1, 1], [1, 1, 1, 0]])
    assert mg.ops.top_k(x, 0)[0].shape == (2, 0)
    with pytest.raises(ShapeError, match="k=5"):
        mg.ops.top_k(x, 5)


def test_searchsorted() -> None:
    edges = np.array([0.0, 1.0, 2.0])
    for side in ("left", "right"):
        np.testing.assert_array_equal(
            np.searchsorted(mg.Tensor(edges), mg.Tensor([[1.0, 5.0]]), side).numpy(),
            np.searchsorted(edges, [[1.0, 5.0]], side),
        )
    assert not np.searchsorted(edges, mg.Tensor([1.0], requires_grad=True)).requires_grad
    with pytest.raises(ShapeError, match="sorted vector"):
        np.searchsorted(Symbol.of((2, 2), np.float32), np.ones(1, np.float32))


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (lambda x: np.sort(x, axis=2), ShapeError, "axis=2"),
        (lambda x: np.argsort(x, kind="heapsort"), TypeError, "heapsort"),
        (lambda x: np.take_along_axis(x, np.array([0]), 1), (ShapeError, ValueError), "axes|dimensions"),
        (lambda x: np.median(x, axis=5), ShapeError, "axis=5"),
    ],
)
def test_what_does_not_fit_is_named(function: Any, error: Any, words: str) -> None:
    for x in (mg.Tensor(np.zeros((2, 3))), Symbol.of((2, 3), np.float32)):
        with pytest.raises(error, match=words):
            function(x)


def test_indices_are_integers() -> None:
    with pytest.raises(DTypeError, match="integers"):
        np.take_along_axis(Symbol.of((2, 3), np.float32), Symbol.of((2, 3), np.float32), 1)
    with pytest.raises(ShapeError, match="open"):
        np.median(Symbol.of((None, 3), np.float32), axis=0)
    with pytest.raises(ShapeError, match="nothing along"):
        np.median(mg.Tensor(np.zeros((0, 3))), axis=0)
