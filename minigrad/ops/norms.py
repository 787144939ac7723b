"""Norms: the sizes of vectors and of matrices. Their gradients at 0 are 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.op import Op
from ..core.samples import Draw
from ..core.spec import Spec, normal_axes, normal_axis
from ..core.table import implements
from ..errors import ShapeError
from .families import float_dtype
from .shape import expand_dims, reshape, squeeze, value

__all__ = ["matrix_norm", "norm", "vector_norm"]


def norm_kernel(x: Any, *, axis: tuple[int, ...], out: Any = None) -> Any:
    return np.sqrt(np.add.reduce(x * x, axis=axis, keepdims=True), out=out)


def norm_spec(x: Spec, *, axis: tuple[int, ...]) -> Spec:
    return Spec(tuple(1 if a in axis else n for a, n in enumerate(x.shape)), float_dtype(x.dtype))


def norm_samples(draw: Draw) -> Any:
    x = draw.array(draw.shape())
    return (x,), {"axis": normal_axes(draw.axes(x.ndim), x.ndim)}


# x / |x|, and 0 where x is 0: there every direction goes up, and none down.
norm_row = Op(norm_kernel, name="norm", spec=norm_spec, kind="reduction", samples=norm_samples,
              vjp=lambda g, x, out: x * (g * (out > 0) / (out + (out == 0))))


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    """The size of vectors (one axis) or matrices (two axes). As np.linalg.norm; the gradient at 0 is 0.

    ord: for vectors None or 2 (Euclidean), 1, inf, -inf, 0 or any other p >= 1; for matrices None or "fro", 1, -1, inf,
        -inf. A matrix's 2-norm and nuclear norm need singular values, which have no row.

    >>> norm(np.array([[3.0, 4.0], [0.0, 0.0]]), axis=1)
    array([5., 0.])
    """
    x = value(x)
    if axis is None:
        axis = tuple(range(x.ndim))
    axes = tuple(normal_axis(a, x.ndim) for a in (axis if isinstance(axis, tuple) else (axis,)))
    if ord is None or (ord == 2 and len(axes) == 1) or (ord == "fro" and len(axes) == 2):
        out = norm_row(x, axis=tuple(sorted(axes)))
        return out if keepdims else squeeze(out, axes)
    if len(axes) == 1:
        return vector_size(x, ord, axes[0], keepdims)
    if len(axes) == 2 and len(set(axes)) == 2:
        return matrix_size(x, ord, *axes, keepdims)
    raise ShapeError(f"norm: ord={ord!r} needs one axis (vectors) or two (matrices), got axis={axis} of "
                     f"shape {x.shape}")


def vector_size(x: Any, ord: Any, axis: int, keepdims: bool) -> Any:
    if ord == np.inf:
        return np.max(np.absolute(x), axis=axis, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(np.absolute(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.not_equal(x, 0).astype(float_dtype(x.dtype)), axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.absolute(x), axis=axis, keepdims=keepdims)
    if isinstance(ord, str) or ord < 1:
        raise ValueError(f"norm: ord={ord!r} is not supported for vectors; expected None, 0, inf, -inf or any p >= 1")
    total = np.sum(np.absolute(x) ** ord, axis=axis, keepdims=keepdims)
    nothing = total == 0  # the root is steep at 0: there, the gradient is that of a constant
    return np.where(nothing, 0, np.where(nothing, 1, total) ** (1 / ord))


def matrix_size(x: Any, ord: Any, row: int, column: int, keepdims: bool) -> Any:
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError(f"norm: ord={ord!r} is not supported for matrices; expected None, 'fro', 1, -1, inf or -inf")
    along, over = (row, column) if ord in (1, -1) else (column, row)
    sums = np.add.reduce(np.absolute(x), axis=along, keepdims=True)
    out = (np.maximum if ord > 0 else np.minimum).reduce(sums, axis=over, keepdims=True)
    return out if keepdims else squeeze(out, (row, column))


@implements(getattr(np.linalg, "matrix_norm", "matrix_norm"))
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """`norm` over the last two axes. As np.linalg.matrix_norm."""
    return norm(x, ord, (-2, -1), keepdims)


@implements(getattr(np.linalg, "vector_norm", "vector_norm"))
def vector_norm(x: Any, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """`norm` of vectors: along one axis, along several taken as one, or of all elements. As np.linalg.vector_norm."""
    x = value(x)
    axes = normal_axes(axis, x.ndim)
    if ord == 2:
        out = norm_row(x, axis=axes)
        return out if keepdims else squeeze(out, axes)
    kept = [i for i in range(x.ndim) if i not in axes]
    flat = reshape(np.transpose(x, (*kept, *axes)), (*(x.shape[i] for i in kept), -1))
    out = vector_size(flat, ord, len(kept), False)
    return expand_dims(out, axes) if keepdims else out
