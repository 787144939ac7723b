"""Every row of the op table, with its own samples, against everything that a row must fulfil."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad.ops
from all_rows import NAMES, ROWS
from minigrad.core.check import check_grads
from minigrad.core.op import KINDS, Op
from minigrad.core.samples import Draw, seeded
from minigrad.core.tensor import Tensor
from row_checks import Case, check_row, gradient, gradients_are_right, wrap_leaf

integers = cache(st.integers)


@st.composite
def cases(draw: Any, op: Op) -> Case:
    operands, attrs = op.samples(Draw(lambda low, high: draw(integers(low, high))))
    return Case(op, operands, attrs, seed=draw(integers(0, 2**16)))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_row(name: str, data: st.DataObject) -> None:
    check_row(data.draw(cases(ROWS[name])))


@pytest.mark.parametrize("name", NAMES)
def test_row_says_what_it_is(name: str) -> None:
    op = ROWS[name]
    assert op.samples is not None, "every row needs samples"
    assert op.kind in KINDS
    assert op.name == name
    front = getattr(minigrad.ops, name, op)  # a row is documented by itself, or by the function that leads to it
    assert (op.__doc__ or front.__doc__ or "").strip()


# -- shapes at the edge

EDGES = [(), (0,), (1,), (3,), (2, 0, 3), (2, 1, 3)]


@pytest.mark.parametrize("shape", EDGES, ids=str)
@pytest.mark.parametrize("name", [n for n in NAMES if ROWS[n].kind == "elementwise"])
def test_elementwise_row_takes_any_shape(name: str, shape: tuple[int, ...]) -> None:
    op = ROWS[name]
    operands, attrs = op.samples(seeded(1))
    operands = tuple(np.resize(x, shape) if isinstance(x, np.ndarray) else x for x in operands)
    check_row(Case(op, operands, attrs, seed=0))


REDUCING = [
    np.sum,
    np.mean,
    np.prod,
    np.max,
    np.min,
    np.var,
    np.std,
    np.any,
    np.all,
    np.argmax,
    np.argmin,
    np.cumsum,
    np.cumprod,
    np.sort,
    np.argsort,
]


@pytest.mark.parametrize("shape", EDGES, ids=str)
@pytest.mark.parametrize("function", REDUCING, ids=lambda f: f.__name__)
def test_reducing_function_takes_any_shape_or_says_no(function: Callable, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).permutation(np.prod(shape, dtype=int)).reshape(shape) + 0.5
    for axis in (None, *range(-len(shape), len(shape)), 7, -8):
        try:
            expected = function(x, axis=axis)
        except RuntimeWarning:  # the mean of nothing is NaN, with a warning
            with pytest.raises(RuntimeWarning):
                function(Tensor(x), axis=axis)
        except (ValueError, IndexError):  # the maximum of nothing; no such axis
            with pytest.raises(ValueError):
                function(Tensor(x), axis=axis)
        else:
            leaf = wrap_leaf(x)
            y = function(leaf, axis=axis)
            assert (y.shape, y.dtype) == (expected.shape, expected.dtype)
            np.testing.assert_allclose(y.numpy(), expected, rtol=1e-15)
            if y.requires_grad:
                (g,) = gradient(y, [leaf], np.ones(y.shape))
                assert (type(g), g.shape, g.dtype) == (np.ndarray, shape, np.float64)
                check_grads(lambda x, axis=axis: function(x, axis=axis), x)


def test_most_rows_are_checked_by_the_complex_step() -> None:
    """The fall-back to differences must not swallow the sharper check."""
    exact = rough = 0
    for op in ROWS.values():
        case = Case(op, *op.samples(seeded(3)), seed=0)
        if case.live:
            gradients_are_right(case)
            exact, rough = exact + case.complex_step, rough + (not case.complex_step)
    assert exact > rough, (exact, rough)
