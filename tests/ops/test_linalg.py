"""Linear algebra: values as NumPy's, gradients to second order, and the special cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.legacy import LEGACY
from minigrad.core.symbol import Symbol
from minigrad.errors import ShapeError

rng = np.random.default_rng(0)


def regular(*shape: int) -> np.ndarray:
    return rng.normal(size=shape) + 3 * np.eye(shape[-1])


def check(function: Any, *args: np.ndarray, order: int = 2) -> None:
    expected = function(*args)
    got = function(*map(mg.Tensor, args))
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-9, atol=1e-12)
    drawn = function(*(Symbol.of(a.shape, a.dtype) for a in args))
    assert drawn.shape == got.shape == np.shape(expected)
    mg.check_grads(function, args, order=order)


# -- norms


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("ord", [None, 1, 2, np.inf, -np.inf, 3, 1.5])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_vector_norms(ord: Any, axis: Any, keepdims: bool) -> None:
    x = rng.normal(size=5) if axis is None else rng.normal(size=(3, 4))
    check(lambda x: np.linalg.norm(x, ord, axis, keepdims), x)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("ord", [None, "fro", 1, -1, np.inf, -np.inf])
def test_matrix_norms(ord: Any, keepdims: bool) -> None:
    check(lambda x: np.linalg.norm(x, ord, keepdims=keepdims), rng.normal(size=(3, 4)))
    check(lambda x: np.linalg.norm(x, ord, (2, 0), keepdims), rng.normal(size=(3, 2, 4)))


def test_norms_of_everything_and_of_counting() -> None:
    check(lambda x: np.linalg.norm(x), rng.normal(size=(2, 3, 2)))
    check(lambda x: np.linalg.norm(x), np.array(-2.0))
    assert np.linalg.norm(mg.Tensor([0.0, 3.0, -1.0]), 0).item() == 2.0


def test_newer_norms() -> None:
    if hasattr(np.linalg, "vector_norm"):
        check(lambda x: np.linalg.vector_norm(x, axis=(0, 2)), rng.normal(size=(2, 3, 2)))
        check(lambda x: np.linalg.vector_norm(x, axis=(0, 2), keepdims=True, ord=1), rng.normal(size=(2, 3, 2)))
        check(lambda x: np.linalg.vector_norm(x, ord=np.inf), rng.normal(size=(2, 3)))
        check(lambda x: np.linalg.matrix_norm(x, ord=1), rng.normal(size=(2, 3, 4)))


@pytest.mark.parametrize("ord", [None, 1, 2, np.inf, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_gradient_of_a_norm_at_zero_is_zero(ord: Any, dtype: Any) -> None:  # reliability.md 1.3, row 1; A19
    x = mg.Tensor(np.zeros(3, dtype), requires_grad=True)
    np.testing.assert_array_equal(mg.grad(np.linalg.norm(x, ord), x), np.zeros(3, dtype), strict=True)
    rows = mg.Tensor(np.array([[0, 0], [3, 4]], dtype), requires_grad=True)
    g = mg.grad(np.linalg.norm(rows, axis=1).sum(), rows, create_graph=True)
    np.testing.assert_allclose(g.numpy(), [[0, 0], [0.6, 0.8]], rtol=1e-6)
    assert np.isfinite(mg.grad((g * g).sum(), rows)).all()


@pytest.mark.parametrize(
    ("ord", "axis", "words"),
    [
        ("nuc", None, "'nuc'"),
        (2, None, "ord=2"),
        (0.5, 0, "ord=0.5"),
        (1, (0, 0), "one axis"),
        ("fro", 0, "'fro'"),
        (None, 5, "axis=5"),
    ],
)
def test_norms_that_have_no_row(ord: Any, axis: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        np.linalg.norm(mg.Tensor(np.ones((2, 2))), ord, axis)


# -- solving


def test_inverse() -> None:
    check(np.linalg.inv, regular(3, 3))
    check(np.linalg.inv, regular(2, 2, 2))
    check(np.linalg.inv, regular(0, 2, 2))
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.inv(mg.Tensor(np.zeros((2, 2))))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3, 3), (3,)),
        ((3, 3), (3, 2)),
        ((2, 3, 3), (2, 3, 1)),
        ((3, 3), (2, 3, 1)),
        ((4, 2, 3, 3), (2, 3, 2)),
        ((2, 3, 3), (3, 4)),
    ],
    ids=str,
)
def test_solve(a: tuple, b: tuple) -> None:
    if LEGACY and len(b) == len(a) - 1 and len(b) > 1:
        pytest.skip("a stack of vectors there")
    check(np.linalg.solve, regular(*a), rng.normal(size=b))


# -- determinants


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (6, 6), (2, 3, 3)], ids=str)
def test_determinants(shape: tuple) -> None:
    check(np.linalg.det, regular(*shape))
    sign, size = np.linalg.slogdet(mg.Tensor(regular(*shape)))
    assert sign.shape == size.shape == shape[:-2]
    check(lambda x: np.linalg.slogdet(x)[1], regular(*shape))


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("lost", [1, 2])
def test_determinants_of_singular_matrices(n: int, lost: int) -> None:
    x = regular(n, n)
    x[:, :lost] = 0
    check(np.linalg.det, x)


def test_a_large_singular_matrix_says_so() -> None:
    x = mg.Tensor(np.zeros((5, 5)), requires_grad=True)
    with pytest.raises(np.linalg.LinAlgError):
        mg.grad(np.linalg.det(x), x)


def test_slogdet_gives_numpys_named_tuple() -> None:
    x = mg.Tensor(-np.eye(3), requires_grad=True)
    result = np.linalg.slogdet(x)
    assert result.sign.item() == -1
    assert not result.sign.requires_grad
    np.testing.assert_allclose(mg.grad(result.logabsdet, x), -np.eye(3))
    assert type(result) is type(np.linalg.slogdet(np.eye(2)))


# -- Cholesky, powers and chains


def test_cholesky() -> None:
    x = regular(2, 3, 3)
    a = x @ np.swapaxes(x, -1, -2)
    check(np.linalg.cholesky, a)
    check(lambda x: np.linalg.cholesky(x @ np.swapaxes(x, -1, -2)), x)
    upper = mg.ops.cholesky(mg.Tensor(a), upper=True)
    np.testing.assert_allclose((upper.mT @ upper).numpy(), a)
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.cholesky(mg.Tensor(-np.eye(2)))


@pytest.mark.parametrize("n", [-3, -1, 1, 2, 3, 5, 8])
def test_matrix_power(n: int) -> None:
    check(lambda x: np.linalg.matrix_power(x, n), regular(2, 2, 2) / 3)


def test_matrix_power_of_nothing_is_the_identity() -> None:
    np.testing.assert_array_equal(np.linalg.matrix_power(mg.Tensor(np.ones((2, 3, 3))), 0).numpy(), [np.eye(3)] * 2)


@pytest.mark.parametrize(
    "shapes",
    [
        [(2, 3), (3, 4)],
        [(2, 3), (3, 4), (4, 1), (1, 5)],
        [(3,), (3, 4), (4, 2)],
        [(2, 3), (3, 4), (4,)],
        [(3,), (3,)],
        [(3,), (3, 2), (2,)],
    ],
    ids=str,
)
def test_multi_dot(shapes: list) -> None:
    check(lambda *xs: np.linalg.multi_dot(xs), *(rng.normal(size=s) for s in shapes))


# -- what all have in common


@pytest.mark.parametrize(
    "function",
    [
        np.linalg.inv,
        np.linalg.det,
        np.linalg.cholesky,
        lambda x: np.linalg.slogdet(x)[1],
        lambda x: np.linalg.solve(x, x),
        lambda x: np.linalg.matrix_power(x, 3),
        np.linalg.norm,
    ],
)
def test_float32_stays(function: Any) -> None:
    x = mg.Tensor(2 * np.eye(3, dtype=np.float32), requires_grad=True)
    y = function(x)
    assert y.dtype == np.float32
    g = mg.grad(y.sum(), x, create_graph=True)
    assert g.dtype == mg.grad((g * g).sum(), x, allow_unused=True).dtype == np.float32


@pytest.mark.parametrize(
    "function",
    [
        np.linalg.inv,
        np.linalg.det,
        np.linalg.cholesky,
        np.linalg.slogdet,
        lambda x: np.linalg.solve(x, np.ones((2, 1))),
        lambda x: np.linalg.matrix_power(x, 2),
    ],
)
def test_matrices_must_be_square(function: Any) -> None:
    for x in (mg.Tensor(np.ones((2, 3))), Symbol.of((2, 3), np.float64)):
        with pytest.raises(ShapeError, match=r"square matrices .* \(2, 3\)"):
            function(x)


def test_right_sides_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="expected 2 rows"):
        np.linalg.solve(mg.Tensor(np.eye(2)), np.ones(3))
    with pytest.raises(ShapeError, match="multi_dot"):
        np.linalg.multi_dot([mg.Tensor(np.eye(2)), np.ones(2), np.eye(2)])


def test_functions_without_a_row_say_so() -> None:
    with pytest.raises(TypeError, match=r"svd.*no row"):
        np.linalg.svd(mg.Tensor(np.eye(2)))
