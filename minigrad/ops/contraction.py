"""Contractions: products of arrays, summed over the axes that they share."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any

import numpy as np

from ..core.op import Op
from ..core.samples import Draw
from ..core.spec import Shape, Spec, broadcast, normal_axis, result_dtype
from ..core.table import FUNCTIONS, UFUNCS, implements
from ..errors import ShapeError
from .shape import inverse, value

__all__ = ["cross", "dot", "inner", "kron", "matmul", "matvec", "outer", "tensordot", "vdot", "vecdot", "vecmat"]


# -- matmul ---------------------------------------------------------------------------------------------------------


def matmul_spec(x: Spec, y: Spec) -> Spec:
    if not x.shape or not y.shape:
        raise ShapeError(f"{x.shape} @ {y.shape}: both sides need an axis to sum over; to scale, write *")
    paired = y.shape[-2:][0]
    if x.shape[-1] != paired:
        raise ShapeError(f"{x.shape} @ {y.shape}: the last axis of the left has size {x.shape[-1]}, "
                         f"the {'last' if y.ndim == 1 else 'second to last'} axis of the right {paired}: not equal")
    columns = y.shape[-1:] if y.ndim > 1 else ()
    dtype = np.matmul.resolve_dtypes((x.dtype, y.dtype, None))[2]
    return Spec(broadcast(x.shape[:-2], y.shape[:-2]) + x.shape[-2:-1] + columns, dtype)


def matmul_left(g: Any, y: Any, x_shape: Shape) -> Any:
    if y.ndim == 1:
        return g[..., None] * y
    if len(x_shape) == 1:
        return y @ g if y.ndim == 2 else (y @ g[..., None])[..., 0]
    if len(x_shape) == 2 < y.ndim:  # one matrix for the whole batch: sum over the batch inside the product
        rest = (*range(g.ndim - 2), g.ndim - 1)
        return tensordot_row(g, y, axes=(rest, rest))
    return g @ y.swapaxes(-1, -2)


def matmul_right(g: Any, x: Any, y_shape: Shape) -> Any:
    if x.ndim == 1:
        return x * g if len(y_shape) == 1 else x[:, None] * g[..., None, :]
    if len(y_shape) == 1:
        return g @ x if x.ndim == 2 else (g[..., None, :] @ x)[..., 0, :]
    if len(y_shape) == 2 < x.ndim:
        rest = tuple(range(g.ndim - 1))
        return tensordot_row(x, g, axes=(rest, rest))
    return x.swapaxes(-1, -2) @ g


def matmul_samples(draw: Draw) -> Any:
    m, k, n = draw.shape(3, 3)
    batch = draw.shape(0, 2)
    x = (k,) if draw.integer(0, 3) == 0 else (*draw.broadcastable(batch), m, k)
    y = (k,) if draw.integer(0, 3) == 0 else (*draw.broadcastable(batch), k, n)
    return (draw.array(x), draw.array(y)), {}


matmul = Op(np.matmul, spec=matmul_spec, vjp=(matmul_left, matmul_right), kind="contraction", samples=matmul_samples,
            doc="NumPy's np.matmul, the operator @: vectors, matrices, and stacks of matrices that broadcast.")
UFUNCS[np.matmul] = matmul
if hasattr(np.linalg, "matmul"):  # NumPy 2
    FUNCTIONS[np.linalg.matmul] = matmul


# -- tensordot ------------------------------------------------------------------------------------------------------


def free(ndim: int, axes: Iterable[int]) -> tuple[int, ...]:
    """The axes that are not summed over."""
    return tuple(a for a in range(ndim) if a not in axes)


def tensordot_spec(x: Spec, y: Spec, *, axes: tuple) -> Spec:
    for i, j in zip(*axes, strict=True):
        if x.shape[i] != y.shape[j]:
            raise ShapeError(f"cannot sum axis {i} of {x.shape} with axis {j} of {y.shape}: sizes {x.shape[i]} "
                             f"and {y.shape[j]}")
    shape = tuple(x.shape[i] for i in free(x.ndim, axes[0])) + tuple(y.shape[j] for j in free(y.ndim, axes[1]))
    return Spec(shape, result_dtype(x.dtype, y.dtype))


def tensordot_left(g: Any, y: Any, x_shape: Shape, axes: tuple) -> Any:
    ours, theirs = axes
    kept = free(len(x_shape), ours)
    d = tensordot_row(g, y, axes=(tuple(range(len(kept), g.ndim)), free(y.ndim, theirs)))
    return d.transpose(inverse(kept + tuple(ours[theirs.index(j)] for j in sorted(theirs))))


def tensordot_right(g: Any, x: Any, y_shape: Shape, axes: tuple) -> Any:
    theirs, ours = axes
    kept = free(len(y_shape), ours)
    d = tensordot_row(x, g, axes=(free(x.ndim, theirs), tuple(range(g.ndim - len(kept)))))
    return d.transpose(inverse(tuple(ours[theirs.index(i)] for i in sorted(theirs)) + kept))


def tensordot_samples(draw: Draw) -> Any:
    shared, left, right = draw.shape(0, 2), draw.shape(0, 2), draw.shape(0, 2)
    axes = tuple(range(len(left), len(left) + len(shared))), tuple(reversed(range(len(shared))))
    return (draw.array(left + shared), draw.array(shared[::-1] + right)), {"axes": axes}


tensordot_row = Op(lambda x, y, *, axes: np.tensordot(x, y, axes), name="tensordot", spec=tensordot_spec,
                   vjp=(tensordot_left, tensordot_right), kind="contraction", samples=tensordot_samples)


@implements(np.tensordot, getattr(np.linalg, "tensordot", np.tensordot))
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Sum products over pairs of axes. As np.tensordot.

    axes: a number n (the last n of `a` with the first n of `b`), or two lists.

    >>> tensordot(np.ones((2, 3)), np.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    a, b = value(a), value(b)
    if isinstance(axes, (int, np.integer)):
        axes = range(a.ndim - axes, a.ndim), range(axes)
    ours, theirs = ((axis,) if isinstance(axis, (int, np.integer)) else axis for axis in axes)
    ours = tuple(normal_axis(index(i), a.ndim, "axes[0]") for i in ours)
    theirs = tuple(normal_axis(index(j), b.ndim, "axes[1]") for j in theirs)
    if len(ours) != len(theirs) or len(set(ours)) != len(ours) or len(set(theirs)) != len(theirs):
        raise ShapeError(f"tensordot: axes={ours, theirs} must pair different axes of a with different axes of b")
    return tensordot_row(a, b, axes=(ours, theirs))


# -- NumPy's other products, made of those two or of an elementwise one ---------------------------------------------


@implements(np.dot)
def dot(a: Any, b: Any) -> Any:
    """Sum over the last axis of `a` and the second to last of `b`; numbers scale. As np.dot."""
    a, b = value(a), value(b)
    if not (a.ndim and b.ndim):
        return np.multiply(a, b)
    return matmul(a, b) if b.ndim <= 2 or a.ndim == 1 else tensordot(a, b, (-1, -2))


@implements(np.inner)
def inner(a: Any, b: Any) -> Any:
    """Sum over the last axes of both; numbers scale. As np.inner."""
    a, b = value(a), value(b)
    return tensordot(a, b, (-1, -1)) if a.ndim and b.ndim else np.multiply(a, b)


@implements(np.outer, getattr(np.linalg, "outer", np.outer))
def outer(a: Any, b: Any) -> Any:
    """All products of an element of `a` with one of `b`, both flattened. As np.outer.

    >>> outer([1, 2], [3, 4, 5])
    array([[ 3,  4,  5],
           [ 6,  8, 10]])
    """
    return np.multiply(value(a).reshape(-1, 1), value(b).reshape(1, -1))


@implements(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    """The inner product of both, flattened (of real numbers). As np.vdot."""
    return matmul(value(a).reshape(-1), value(b).reshape(-1))


@implements(getattr(np, "vecdot", "vecdot"), getattr(np.linalg, "vecdot", "vecdot"))
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """The inner products along one axis, the others broadcast (of real numbers). As np.vecdot."""
    return np.add.reduce(np.multiply(x1, x2), axis=axis)


@implements(getattr(np, "matvec", "matvec"))
def matvec(x1: Any, x2: Any) -> Any:
    """Matrices times vectors, along the last axes. As np.matvec."""
    return matmul(x1, value(x2)[..., None])[..., 0]


@implements(getattr(np, "vecmat", "vecmat"))
def vecmat(x1: Any, x2: Any) -> Any:
    """Vectors times matrices, along the last axes (of real numbers). As np.vecmat."""
    return matmul(value(x1)[..., None, :], x2)[..., 0, :]


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """The Kronecker product: `b` times every element of `a`, laid out in blocks. As np.kron."""
    a, b = value(a), value(b)
    ndim = max(a.ndim, b.ndim)
    outer_shape, inner_shape = (1,) * (ndim - a.ndim) + a.shape, (1,) * (ndim - b.ndim) + b.shape
    blocks = np.multiply(np.reshape(a, [n for m in outer_shape for n in (m, 1)]),
                         np.reshape(b, [n for m in inner_shape for n in (1, m)]))
    return np.reshape(blocks, [None if None in pair else pair[0] * pair[1] for pair in zip(outer_shape, inner_shape)])


@implements(np.cross, getattr(np.linalg, "cross", np.cross))
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The cross product of vectors of length 3. As np.cross (without its deprecated vectors of length 2)."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(value(a), axisa, -1), np.moveaxis(value(b), axisb, -1)
    if a.shape[-1:] != (3,) or b.shape[-1:] != (3,):
        raise ShapeError(f"cross: expected vectors of length 3, got shapes {a.shape} and {b.shape} (vectors last)")
    c = np.roll(a, -1, -1) * np.roll(b, -2, -1) - np.roll(a, -2, -1) * np.roll(b, -1, -1)
    return np.moveaxis(c, -1, axisc)
