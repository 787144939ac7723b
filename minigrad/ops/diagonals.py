"""Diagonals and triangles of matrices."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from ..core.op import Op
from ..core.samples import Draw
from ..core.spec import Shape, Spec, normal_axis
from ..core.table import implements
from ..errors import ShapeError
from .shape import ravel, value, view

__all__ = ["diag", "diagflat", "diagonal", "trace", "tril", "triu"]


def diagonal_spec(x: Spec, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Spec:
    kept = tuple(n for a, n in enumerate(x.shape) if a not in (axis1, axis2))
    return Spec((*kept, diagonal_size(x.shape[axis1], x.shape[axis2], offset)), x.dtype)


def diagonal_size(rows: int, columns: int, offset: int) -> int:
    return max(0, min(rows + min(offset, 0), columns - max(offset, 0)))


def place_diagonal(x: Any, *, shape: Shape, offset: int = 0, axis1: int = 0, axis2: int = 1, out: Any = None) -> Any:
    """Zeros of `shape`, but for x on a diagonal: the adjoint of `diagonal`."""
    if out is None:
        out = np.zeros(shape, x.dtype)
    else:
        out.fill(0)
    along = np.arange(diagonal_size(shape[axis1], shape[axis2], offset))
    matrices = np.moveaxis(out, (axis1, axis2), (-2, -1))
    matrices[..., along - min(offset, 0), along + max(offset, 0)] = x
    return out


def diagonal_samples(draw: Draw) -> Any:
    x = draw.array(draw.shape(2, 3))
    axis1, axis2 = draw.choice([(0, 1), (1, 0), (x.ndim - 1, 0)])
    return (x,), {"offset": draw.integer(-2, 2), "axis1": axis1, "axis2": axis2}


def place_samples(draw: Draw) -> Any:
    (x,), attrs = diagonal_samples(draw)
    return (draw.array(diagonal_spec(Spec(x.shape, x.dtype), **attrs).shape),), {"shape": x.shape, **attrs}


diagonal_row: Op = view(
    lambda x, *, offset=0, axis1=0, axis2=1: x.diagonal(offset, axis1, axis2), name="diagonal", spec=diagonal_spec,
    samples=diagonal_samples,
    vjp=lambda g, x_shape, offset, axis1, axis2: place_diagonal_row(
        g, shape=x_shape, offset=offset, axis1=axis1, axis2=axis2))

place_diagonal_row: Op = Op(
    place_diagonal, kind="movement", spec=lambda x, *, shape, **_: Spec(shape, x.dtype), samples=place_samples,
    vjp=lambda g, offset, axis1, axis2: diagonal_row(g, offset=offset, axis1=axis1, axis2=axis2))


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """A diagonal of two axes, as the last axis of the result. As np.diagonal."""
    a = value(a)
    axis1, axis2 = normal_axis(axis1, a.ndim, "axis1"), normal_axis(axis2, a.ndim, "axis2")
    if axis1 == axis2:
        raise ShapeError(f"diagonal: axis1 and axis2 are both {axis1}; they must differ")
    return diagonal_row(a, offset=index(offset), axis1=axis1, axis2=axis2)


@implements(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of a diagonal. As np.trace."""
    return np.add.reduce(diagonal(a, offset, axis1, axis2), axis=-1)


if hasattr(np.linalg, "diagonal"):  # NumPy 2: the last two axes by default

    @implements(np.linalg.diagonal)
    def matrix_diagonal(x: Any, /, *, offset: int = 0) -> Any:
        return diagonal(x, offset, -2, -1)

    @implements(np.linalg.trace)
    def matrix_trace(x: Any, /, *, offset: int = 0) -> Any:
        return trace(x, offset, -2, -1)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """The k-th diagonal of a matrix, or the matrix with a vector on its k-th diagonal. As np.diag.

    >>> diag(np.array([1, 2]), 1)
    array([[0, 1, 0],
           [0, 0, 2],
           [0, 0, 0]])
    """
    v = value(v)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1 or v.shape[0] is None:
        raise ShapeError(f"diag: expected a vector or a matrix of known size, got shape {v.shape}")
    n = v.shape[0] + abs(k)
    return place_diagonal_row(v, shape=(n, n), offset=index(k), axis1=0, axis2=1)


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix with all elements on its k-th diagonal. As np.diagflat."""
    return diag(ravel(v), k)


# -- triangles ------------------------------------------------------------------------------------------------------


def triangle_samples(draw: Draw) -> Any:
    return (draw.array(draw.shape(2, 3)),), {"k": draw.integer(-3, 3)}


tril_row: Op = Op(lambda x, *, k=0: np.tril(x, k), name="tril", kind="movement", samples=triangle_samples,
                  spec=lambda x, *, k=0: x, vjp=lambda g, k: tril_row(g, k=k))

triu_row: Op = Op(lambda x, *, k=0: np.triu(x, k), name="triu", kind="movement", samples=triangle_samples,
                  spec=lambda x, *, k=0: x, vjp=lambda g, k: triu_row(g, k=k))


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """The lower triangle, zeros above the k-th diagonal, of the last two axes. As np.tril."""
    return tril_row(matrices(m, "tril"), k=index(k))


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """The upper triangle, zeros below the k-th diagonal, of the last two axes. As np.triu."""
    return triu_row(matrices(m, "triu"), k=index(k))


def matrices(m: Any, who: str) -> Any:
    m = value(m)
    if m.ndim < 2:
        raise ShapeError(f"{who}: expected at least two axes, got shape {m.shape}")
    return m
