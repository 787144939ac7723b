"""Views: NumPy's shapes and values, on Tensors and on Symbols with an open batch."""

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


def check(function: Any, *shape: int) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    expected = function(x)
    np.testing.assert_array_equal(function(mg.Tensor(x)).numpy(), expected, strict=True)
    assert function(Symbol.of(shape, np.float64)).shape == expected.shape
    mg.check_grads(function, x)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((2, 6), (3, 4)),
        ((2, 6), (-1, 4)),
        ((2, 6), -1),
        ((2, 6), [12]),
        ((), (1, 1)),
        ((1,), ()),
        ((0, 3), (-1,)),
        ((2, 0), (0, 5)),
        ((4,), np.int64(4)),
    ],
    ids=str,
)
def test_reshape(old: tuple, new: Any) -> None:
    check(lambda x: np.reshape(x, new), *old)


def test_reshape_as_a_method() -> None:
    x = mg.Tensor(np.arange(6.0))
    assert x.reshape(2, 3).shape == x.reshape((2, -1)).shape == x.reshape(2, 3).ravel().reshape(2, 3).shape == (2, 3)


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ((4, 2), r"\(6 elements\) into \(4, 2\) \(8 elements\)"),
        ((-1, 4), "no multiple of 4"),
        ((-1, -1), "one size open"),
        ((-2, 3), "one size open"),
        ((-1, 0), "no multiple of 0"),
    ],
)
def test_reshape_that_does_not_fit(new: tuple, words: str) -> None:
    for x in (mg.Tensor(np.zeros((2, 3))), Symbol.of((2, 3), np.float32)):
        with pytest.raises(ShapeError, match=words):
            x.reshape(new)


def test_reshape_in_another_order_is_refused() -> None:
    with pytest.raises(TypeError, match="order='F'"):
        np.reshape(mg.Tensor(np.zeros(4)), (2, 2), order="F")


def test_reshape_keeps_an_open_batch() -> None:
    x = Symbol.of((None, 4, 3), np.float32)
    assert x.reshape(-1, 12).shape == x.reshape((None, 12)).shape == x.reshape(x.shape[0], 12).shape == (None, 12)
    assert x.reshape(x.shape[0], -1).shape == (None, 12)
    assert x.reshape(-1).shape == (None,)
    assert Symbol.of((None, None, 3), np.float32).reshape(None, -1, 1).shape == (None, None, 1)
    with pytest.raises(ShapeError, match="one size open"):
        x.reshape(-1, -1)


@given(data=st.data())
def test_transpose(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
    order = data.draw(st.one_of(st.none(), st.permutations(range(len(shape)))))
    x = np.random.default_rng(0).normal(size=shape)
    leaf = mg.Tensor(x, requires_grad=True)
    y = np.transpose(leaf, order)
    np.testing.assert_array_equal(y.numpy(), np.transpose(x, order), strict=True)
    np.testing.assert_array_equal(mg.grad(y, leaf, gradient=np.transpose(x, order)), x)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.T,
        lambda x: np.transpose(x, (-1, 0, 1)),
        lambda x: np.swapaxes(x, 0, -1),
        lambda x: np.moveaxis(x, 0, -1),
        lambda x: np.moveaxis(x, (0, 1), (-1, 0)),
        lambda x: np.rollaxis(x, 2),
        lambda x: np.rollaxis(x, 0, 3),
        lambda x: np.rollaxis(x, -1, 1),
        lambda x: x.transpose(2, 0, 1),
        lambda x: x.swapaxes(0, 1),
        np.ravel,
        np.atleast_1d,
        np.atleast_2d,
        np.atleast_3d,
        lambda x: np.expand_dims(x, (0, -1)),
        lambda x: np.expand_dims(x, 1),
        lambda x: np.squeeze(np.expand_dims(x, (1, 2))),
        lambda x: np.squeeze(np.expand_dims(x, (1, 2)), 2),
        lambda x: np.broadcast_to(x, (2, *x.shape)),
        lambda x: np.broadcast_arrays(x, np.zeros((2, 1, 1, 1)))[0],
    ],
)
def test_other_views(function: Any) -> None:
    check(function, 2, 3, 4)


def test_newer_names() -> None:
    if hasattr(np, "permute_dims"):
        check(lambda x: np.permute_dims(x, (1, 0)), 2, 3)
        check(lambda x: np.matrix_transpose(x), 2, 3, 4)
        check(lambda x: np.linalg.matrix_transpose(x), 2, 3, 4)


@pytest.mark.parametrize("function", [np.atleast_1d, np.atleast_2d, np.atleast_3d], ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)], ids=str)
def test_atleast(function: Any, shape: tuple) -> None:
    check(function, *shape)
    assert [a.shape for a in function(mg.Tensor(np.zeros(shape)), np.zeros(()))] == [
        a.shape for a in function(np.zeros(shape), np.zeros(()))
    ]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.transpose(x, (0, 0)), "each of the 2 axes"),
        (lambda x: np.transpose(x, (0,)), "each of the 2 axes"),
        (lambda x: np.swapaxes(x, 0, 2), "axis2=2 is out of range"),
        (lambda x: np.moveaxis(x, (0, 1), 0), "as many axes"),
        (lambda x: np.squeeze(x, 1), "has size 3"),
        (lambda x: np.expand_dims(x, 5), "out of range"),
        (lambda x: np.broadcast_to(x, (2, 4)), r"cannot broadcast \(2, 3\) to \(2, 4\)"),
        (lambda x: np.broadcast_to(x, (3,)), r"cannot broadcast \(2, 3\)"),
        (lambda x: np.broadcast_arrays(x, np.zeros(2)), "do not broadcast"),
    ],
)
def test_what_does_not_fit_is_named(function: Any, words: str) -> None:
    for x in (mg.Tensor(np.zeros((2, 3))), Symbol.of((2, 3), np.float32)):
        with pytest.raises(ShapeError, match=words):
            function(x)


@given(hnp.mutually_broadcastable_shapes(num_shapes=2, min_dims=0, max_dims=3, min_side=0, max_side=3))
def test_broadcasting(shapes: Any) -> None:
    small, other = shapes.input_shapes
    x = np.random.default_rng(0).normal(size=small)
    leaf = mg.Tensor(x, requires_grad=True)
    y, _ = np.broadcast_arrays(leaf, np.zeros(other))
    np.testing.assert_array_equal(y.numpy(), np.broadcast_to(x, shapes.result_shape), strict=True)
    copies = y.size // x.size if x.size else 0
    np.testing.assert_allclose(mg.grad(y, leaf, gradient=np.ones(y.shape)), np.full(small, copies))


def test_large_arrays_are_broadcast_without_a_copy() -> None:
    x = mg.Tensor(np.ones((1, 300)), requires_grad=True)
    y = np.broadcast_to(x, (300, 300))
    assert y.numpy().strides[0] == 0
    np.testing.assert_array_equal(mg.grad(y.sum(), x), np.full((1, 300), 300.0))


def test_none_broadcasts_to_the_own_size() -> None:
    x = Symbol.of((None, 1, 3), np.float32)
    assert np.broadcast_to(x, (None, 5, 3)).shape == (None, 5, 3)
    assert {a.shape for a in np.broadcast_arrays(x, Symbol.of((None, 4, 1), np.float32))} == {(None, 4, 3)}
    with pytest.raises(ShapeError, match="has no such axis"):
        np.broadcast_to(Symbol.of((3,), np.float32), (None, 3))
