"""Diagonals and triangles, as NumPy has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad.core.symbol import Symbol
from minigrad.errors import ShapeError


def check(function: Any, *shape: int, order: int = 2) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    expected = function(x)
    np.testing.assert_allclose(function(mg.Tensor(x)).numpy(), expected, rtol=1e-12)
    assert function(Symbol.of(shape, np.float64)).shape == np.shape(expected)
    mg.check_grads(function, x, order=order)


@given(data=st.data())
def test_diagonals_and_triangles(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=4))
    k = data.draw(st.integers(-5, 5))
    axis1, axis2 = data.draw(st.permutations(range(-len(shape), 0)))[:2]
    check(lambda x: np.diagonal(x, k, axis1, axis2), *shape, order=1)
    check(lambda x: np.trace(x, k, axis1, axis2), *shape, order=1)
    check(lambda x: np.tril(x, k), *shape, order=1)
    check(lambda x: np.triu(x, k), *shape, order=1)


@pytest.mark.parametrize("k", [-2, 0, 1])
def test_diagonal_matrices_to_second_order(k: int) -> None:
    check(lambda x: np.diag(x, k), 3)
    check(lambda x: np.diag(x, k), 3, 4)
    check(lambda x: np.diagflat(x, k), 2, 2)
    check(lambda x: np.diagonal(x, k, 2, 0), 3, 2, 4)
    check(lambda x: x.diagonal(k), 3, 4)


def test_the_newer_functions_take_the_last_two_axes() -> None:
    if hasattr(np.linalg, "diagonal"):
        check(lambda x: np.linalg.diagonal(x, offset=1), 2, 3, 4)
        check(lambda x: np.linalg.trace(x), 2, 3, 4)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.tril(x), "at least two axes"),
        (lambda x: np.diagonal(x), "out of range"),
        (lambda x: np.diag(x[None, None]), "a vector or a matrix"),
        (lambda x: np.diagonal(x[None], 0, 1, -1), "must differ"),
    ],
)
def test_what_does_not_fit_is_named(function: Any, words: str) -> None:
    for x in (mg.Tensor(np.zeros(3)), Symbol.of((3,), np.float32)):
        with pytest.raises(ShapeError, match=words):
            function(x)
