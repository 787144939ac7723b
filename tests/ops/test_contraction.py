"""Products: NumPy's values for every combination of axes, and gradients to second order."""

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

rng = np.random.default_rng(0)


def array(*shape: int) -> np.ndarray:
    return rng.normal(size=shape)


def check(function: Any, *args: np.ndarray, order: int = 2) -> None:
    """Values as NumPy's, shapes on symbols too, and the gradients."""
    expected = function(*args)
    got = function(*map(mg.Tensor, args))
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12, atol=1e-12)
    assert got.shape == np.shape(expected)
    assert function(*(Symbol.of(a.shape, a.dtype) for a in args)).shape == np.shape(expected)
    mg.check_grads(function, args, order=order)


@given(data=st.data())
def test_matmul_with_any_axes(data: Any) -> None:
    m, k, n = (data.draw(st.integers(0, 3)) for _ in range(3))
    batches = data.draw(
        hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3, min_dims=0)
    ).input_shapes
    x = (k,) if data.draw(st.booleans()) else (*batches[0], m, k)
    y = (k,) if data.draw(st.booleans()) else (*batches[1], k, n)
    check(np.matmul, array(*x), array(*y), order=1)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 2, 3), (3,)),
        ((3,), (5, 3, 2)),
        ((2, 1, 2, 3), (4, 3, 2)),
    ],
)
def test_matmul_to_second_order(x: tuple, y: tuple) -> None:
    check(np.matmul, array(*x), array(*y))


def test_matmul_keeps_float32() -> None:
    x = mg.Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    y = np.ones((3, 4), np.float32) @ np.ones((4, 2), np.float32) @ x
    assert y.dtype == mg.grad(y.sum(), x).dtype == np.float32


def test_a_list_as_a_factor() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    np.testing.assert_array_equal(mg.grad(([[1.0, 3.0], [5.0, 7.0]] @ x).sum(), x), [6, 10])


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ((2, 3), (4, 5), "size 3, the second to last axis of the right 4"),
        ((2, 3), (4,), "the last axis of the right 4"),
        ((), (3,), "to scale"),
        ((2, 3, 3), (4, 3, 3), "do not broadcast"),
    ],
)
def test_factors_that_do_not_fit(x: tuple, y: tuple, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        mg.Tensor(np.zeros(x)) @ np.zeros(y)
    with pytest.raises(ShapeError, match=words):
        Symbol.of(x, np.float32) @ np.zeros(y, np.float32)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ((), (2, 3)),
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((2, 2, 3), (2, 3, 2)),
        ((3,), (2, 3, 2)),
        ((2, 2), ()),
    ],
)
def test_dot(x: tuple, y: tuple) -> None:
    check(np.dot, array(*x), array(*y))


@pytest.mark.parametrize(
    ("x", "y", "axes"),
    [
        ((2, 3), (3, 4), 1),
        ((2, 3), (2, 3), 2),
        ((2,), (3, 4), 0),
        ((2, 3, 4), (4, 5, 2), ([2, 0], [0, 2])),
        ((2, 3, 4), (3, 2), ([1, 0], [0, 1])),
        ((2, 3), (3, 2), (-1, 0)),
        ((2, 0), (0, 3), 1),
        ((2, 3), (3, 2), ((), ())),
    ],
    ids=str,
)
def test_tensordot(x: tuple, y: tuple, axes: Any) -> None:
    check(lambda a, b: np.tensordot(a, b, axes), array(*x), array(*y))


@pytest.mark.parametrize("axes", [([0], [0, 1]), ([0, 0], [0, 1]), ([5], [0])], ids=str)
def test_tensordot_axes_that_do_not_pair(axes: Any) -> None:
    with pytest.raises(ShapeError, match="axes"):
        np.tensordot(mg.Tensor(np.zeros((2, 2))), np.zeros((2, 2)), axes)


def test_tensordot_names_sizes_that_differ() -> None:
    with pytest.raises(ShapeError, match=r"axis 1 of \(2, 3\) with axis 0 of \(2, 3\)"):
        mg.ops.tensordot(mg.Tensor(np.zeros((2, 3))), np.zeros((2, 3)), 1)


@pytest.mark.parametrize("function", [np.inner, np.outer, np.vdot, np.kron], ids=lambda f: f.__name__)
@pytest.mark.parametrize(("x", "y"), [((2, 3), (2, 3)), ((3,), (3,)), ((), ())], ids=str)
def test_other_products(function: Any, x: tuple, y: tuple) -> None:
    check(function, array(*x), array(*y))


def test_kron_of_different_numbers_of_axes() -> None:
    check(np.kron, array(2), array(2, 3))
    check(np.kron, array(2, 1, 2), array(3))


@pytest.mark.parametrize("name", ["vecdot", "matvec", "vecmat"])
def test_newer_products(name: str) -> None:
    if not hasattr(np, name):
        pytest.skip("this NumPy does not have it")
    shapes = {"vecdot": ((4, 3), (3,)), "matvec": ((4, 2, 3), (3,)), "vecmat": ((4, 3), (3, 2))}
    check(getattr(np, name), *(array(*s) for s in shapes[name]))


def test_cross() -> None:
    check(np.cross, array(3), array(4, 3))
    check(lambda a, b: np.cross(a, b, axis=0), array(3, 2), array(3, 2))
    with pytest.raises(ShapeError, match="length 3"):
        np.cross(mg.Tensor([1.0, 2.0]), np.ones(2))


def test_unsupported_arguments_are_refused() -> None:
    x = mg.Tensor(np.ones((2, 2)))
    with pytest.raises(TypeError):
        np.dot(x, x, out=np.ones((2, 2)))
    with pytest.raises(TypeError):
        np.matmul(x, x, axes=[(0, 1), (0, 1), (0, 1)])
