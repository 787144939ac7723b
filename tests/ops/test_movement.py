"""Reversing, rolling, repeating and padding, as NumPy does them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad.core.symbol import Symbol
from minigrad.errors import ShapeError, UnknownName


def check(function: Any, *shape: int, order: int = 2) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    expected = function(x)
    np.testing.assert_array_equal(function(mg.Tensor(x)).numpy(), expected, strict=True)
    assert function(Symbol.of(shape, np.float64)).shape == expected.shape
    mg.check_grads(function, x, order=order)


@pytest.mark.parametrize(
    "function",
    [
        np.flip,
        np.fliplr,
        np.flipud,
        lambda x: np.flip(x, (0, -1)),
        np.rot90,
        lambda x: np.rot90(x, 2),
        lambda x: np.rot90(x, -1),
        lambda x: np.rot90(x, 0),
        lambda x: np.rot90(x, 3, (2, 0)),
        lambda x: np.rot90(x, 1, (-1, 1)),
        lambda x: np.roll(x, 2),
        lambda x: np.roll(x, -1, 1),
        lambda x: np.roll(x, (1, 5), (0, 2)),
        lambda x: np.roll(x, 1, (0, 0)),
        lambda x: np.roll(x, (1, 2), 1),
        lambda x: np.tile(x, 2),
        lambda x: np.tile(x, (2, 1, 3)),
        lambda x: np.tile(x, (2, 1, 1, 2)),
        lambda x: np.tile(x, 0),
        lambda x: np.repeat(x, 2),
        lambda x: np.repeat(x, 3, 1),
        lambda x: np.repeat(x, [2], -1),
        lambda x: np.repeat(x, [1, 0, 2], 1),
        lambda x: np.repeat(x, 0, 0),
        lambda x: x.repeat(2, axis=0),
        lambda x: np.pad(x, 1),
        lambda x: np.pad(x, (1, 2)),
        lambda x: np.pad(x, ((0, 1), (2, 0), (0, 0)), constant_values=1.5),
    ],
)
def test_like_numpy_to_second_order(function: Any) -> None:
    check(function, 2, 3, 4)


@given(data=st.data())
def test_pad(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=4))
    widths = data.draw(
        st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=len(shape), max_size=len(shape))
    )
    mode = data.draw(st.sampled_from(["constant", "edge", "reflect", "symmetric", "wrap"]))
    check(lambda x: np.pad(x, widths, mode=mode), *shape, order=1)


@given(data=st.data())
def test_tile_and_repeat(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    reps = tuple(data.draw(st.lists(st.integers(0, 3), max_size=4)))
    check(lambda x: np.tile(x, reps), *shape, order=1)
    axis = data.draw(st.one_of(st.none(), st.integers(-len(shape), len(shape) - 1))) if shape else None
    check(lambda x: np.repeat(x, 2, axis), *shape, order=1)


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (lambda x: np.pad(x, 1, mode="mean"), UnknownName, "'mean'"),
        (lambda x: np.pad(x, 1, mode="reflekt"), UnknownName, "reflect"),
        (lambda x: np.pad(x, -1), ShapeError, "must not be negative"),
        (lambda x: np.roll(x, 1, 7), ShapeError, "axis=7 is out of range"),
        (lambda x: np.pad(x, 1, constant_values=(1, 2)), TypeError, "one number"),
        (lambda x: np.flip(x, 5), ShapeError, "axis=5"),
        (lambda x: np.repeat(x, [1, 2, 3], 0), ShapeError, "2 places along axis 0"),
        (lambda x: np.rot90(x, 1, (0, 0)), ShapeError, "different"),
    ],
)
def test_what_does_not_fit_is_named(function: Any, error: type, words: str) -> None:
    for x in (mg.Tensor(np.zeros((2, 3))), Symbol.of((2, 3), np.float32)):
        with pytest.raises(error, match=words):
            function(x)


def test_an_open_batch_stays_open() -> None:
    x = Symbol.of((None, 3), np.float32)
    assert np.pad(x, ((0, 0), (1, 1)), mode="edge").shape == (None, 5)
    assert np.tile(x, (1, 2)).shape == np.repeat(x, 2, 1).shape == (None, 6)
    assert np.flip(x).shape == np.roll(x, 1, 0).shape == np.roll(x, 1).shape == (None, 3)
    with pytest.raises(ShapeError, match="still open"):
        np.pad(x, 1, mode="edge")
