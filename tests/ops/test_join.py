"""Joining and splitting, as NumPy does them."""

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


def listed(out: Any) -> list:
    return list(out) if isinstance(out, (list, tuple)) else [out]


def check(function: Any, *arrays: np.ndarray, order: int = 2) -> None:
    """A function of several arrays that gives one array, or a list of them."""
    expected = listed(function(*arrays))
    got = listed(function(*map(mg.Tensor, arrays)))
    drawn = listed(function(*(Symbol.of(a.shape, a.dtype) for a in arrays)))
    assert len(got) == len(drawn) == len(expected)
    for e, g, d in zip(expected, got, drawn):
        np.testing.assert_array_equal(g.numpy(), e, strict=True)
        assert (d.shape, d.dtype) == (e.shape, e.dtype)
    for i, _ in enumerate(expected):
        mg.check_grads(lambda *xs, i=i: listed(function(*xs))[i], arrays, order=order)


def array(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape)


@given(data=st.data())
def test_concatenate_and_stack(data: Any) -> None:
    shape = list(data.draw(hnp.array_shapes(max_dims=3, min_side=0, max_side=3)))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    parts = []
    for n in data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=3)):
        shape[axis] = n
        parts.append(array(*shape))
    check(lambda *xs: np.concatenate(xs, axis=axis), *parts, order=1)
    check(lambda *xs: np.concatenate(xs, axis=None), *parts, order=1)
    check(lambda *xs: np.stack([*xs, *xs], axis=axis), parts[0], order=1)


@pytest.mark.parametrize("function", [np.vstack, np.hstack, np.dstack, np.column_stack], ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 2, 3)], ids=str)
def test_named_stacks(function: Any, shape: tuple) -> None:
    check(lambda *xs: function(xs), array(*shape), array(*shape))


def test_append_and_block() -> None:
    check(lambda a, b: np.append(a, b), array(2, 2), array(3))
    check(lambda a, b: np.append(a, b, axis=0), array(2, 2), array(1, 2))
    check(lambda a, b: np.block([[a, b], [b, a]]), array(2, 2), array(2, 2))
    check(lambda a, b: np.block([a, b, 1.0]), array(2), array(3))
    check(lambda a, b: np.block([[a], [b]]), array(2, 3), array(3))
    check(lambda a: np.block(a), array(2))


def test_operands_that_are_repeated_or_constant() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = np.concatenate([x, np.ones(1), x * 3, x])
    np.testing.assert_array_equal(mg.grad(y, x, gradient=np.arange(7.0)), [0 + 9 + 5, 1 + 12 + 6])


def test_dtypes_promote_and_gradients_go_back() -> None:
    x, y = mg.Tensor([1.0], requires_grad=True), mg.Tensor(np.ones(2), requires_grad=True)
    z = np.concatenate([x, y, np.array([1])])
    assert z.dtype == np.float64
    assert [g.dtype for g in mg.grad(z.sum(), [x, y])] == [np.float32, np.float64]


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda x: np.split(x, 3), (6, 2)),
        (lambda x: np.split(x, 2, axis=-1), (3, 4)),
        (lambda x: np.split(x, [1, 1, 4]), (5,)),
        (lambda x: np.array_split(x, 4), (6, 2)),
        (lambda x: np.array_split(x, 3, 1), (2, 2)),
        (lambda x: np.hsplit(x, 2), (4,)),
        (lambda x: np.hsplit(x, 2), (3, 4)),
        (lambda x: np.vsplit(x, [1]), (3, 4)),
        (lambda x: np.dsplit(x, 2), (1, 2, 4)),
        (lambda x: np.array_split(x, [2, -1]), (5,)),
    ],
)
def test_splits(function: Any, shape: tuple) -> None:
    check(function, array(*shape))


def test_unstack() -> None:
    if hasattr(np, "unstack"):
        check(lambda x: np.unstack(x, axis=1), array(2, 3))
    assert [x.shape for x in mg.ops.unstack(Symbol.of((None, 2), np.float32), axis=1)] == [(None,), (None,)]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.concatenate([x, np.zeros((2, 4))]), r"operand 1 has shape \(2, 4\), operand 0 has \(2, 3\)"),
        (lambda x: np.concatenate([x, x[0]]), "operand 1"),
        (lambda x: np.concatenate([x, x], axis=2), "axis=2 is out of range"),
        (lambda x: np.stack([x, x.T]), r"operand 1 has shape \(3, 2\)"),
        (lambda x: np.split(x, 2, axis=1), "does not divide into 2"),
        (lambda x: mg.ops.concatenate([]), "at least one"),
    ],
)
def test_what_does_not_fit_is_named(function: Any, words: str) -> None:
    for x in (mg.Tensor(np.zeros((2, 3))), Symbol.of((2, 3), np.float32)):
        with pytest.raises(ShapeError, match=words):
            function(x)


def test_blocks_nested_unequally() -> None:
    with pytest.raises(ValueError, match="equally deep"):
        np.block([[mg.Tensor(1.0)], mg.Tensor(2.0)])


def test_unsupported_arguments_are_refused() -> None:
    x = mg.Tensor([1.0])
    with pytest.raises(TypeError):
        np.concatenate([x, x], out=np.zeros(2))
    with pytest.raises(TypeError):
        np.stack([x, x], dtype=np.float64)


def test_an_open_batch_stays_open() -> None:
    x = Symbol.of((None, 4), np.float32)
    assert np.concatenate([x, x], axis=-1).shape == np.hstack([x, x]).shape == (None, 8)
    assert np.stack([x, x], axis=1).shape == (None, 2, 4)
    assert [p.shape for p in np.split(x, 2, axis=1)] == [(None, 2)] * 2
    with pytest.raises(ShapeError, match="still open"):
        np.array_split(x, 2)
