"""Order statistics and covariances."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..core.spec import normal_axes
from ..core.table import implements
from ..errors import ShapeError
from .diagonals import diag
from .join import concatenate
from .shape import atleast_2d, moveaxis, reshape, squeeze, value
from .sort import sort

__all__ = ["corrcoef", "cov", "median", "percentile", "quantile"]

Axis = int | tuple[int, ...] | None


@implements(np.median)
def median(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The middle element in order, or the mean of the two middle ones; NaN where there is a NaN. As np.median.

    >>> median(np.array([[3.0, 1.0, 2.0, 10.0]]), axis=1)
    array([2.5])
    """
    a = value(a)
    lines, axes = sorted_lines(a, axis)
    n = lines.shape[-1]
    middle = lines[..., n // 2] if n % 2 else (lines[..., n // 2 - 1] + lines[..., n // 2]) / 2
    last = lines[..., -1]  # NaNs are sorted to the end
    out = np.where(np.isnan(last), last, middle) if last.dtype.kind == "f" else middle / 1
    return reshape(out, kept_shape(a.shape, axes)) if keepdims else out


@implements(np.quantile)
def quantile(a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """What a part q of the elements lies below, interpolated; NaN where there is a NaN. As np.quantile.

    q: a number or an array of numbers in [0, 1]; its axes come first in the result. No gradient goes to it.

    >>> quantile(np.array([0.0, 10.0, 20.0]), [0.25, 1.0])
    array([ 5., 20.])
    """
    if method != "linear":
        raise TypeError(f"quantile: method={method!r} is not supported on Tensors and Symbols, only 'linear'")
    a, q = value(a), np.asarray(q)
    if not ((q >= 0) & (q <= 1)).all():
        raise ValueError("quantile: q must lie in [0, 1] (a percentile's in [0, 100])")
    lines, axes = sorted_lines(a, axis)
    n = lines.shape[-1]
    low = np.floor(q * (n - 1)).astype(np.intp)
    start, end = lines[..., low], lines[..., np.minimum(low + 1, n - 1)]
    part = q * (n - 1) - low
    out = start + (end - start) * (part.item() if q.ndim == 0 else part)
    if out.dtype.kind == "f":
        last = lines[(..., -1, *(None,) * q.ndim)]
        out = np.where(np.isnan(last), last, out)
    if q.ndim:
        out = moveaxis(out, tuple(range(-q.ndim, 0)), tuple(range(q.ndim)))
    return reshape(out, (*q.shape, *kept_shape(a.shape, axes))) if keepdims else out


@implements(np.percentile)
def percentile(a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """`quantile` with q in [0, 100]. As np.percentile."""
    return quantile(a, q / 100 if isinstance(q, (int, float)) else np.true_divide(q, 100), axis, method=method,
                    keepdims=keepdims)


def kept_shape(shape: tuple, axes: tuple[int, ...]) -> tuple:
    """The shape with keepdims=True."""
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def sorted_lines(a: Any, axis: Axis) -> tuple[Any, tuple[int, ...]]:
    """All elements along some axes in order, as the last axis; and those axes, counted from the front."""
    axes = normal_axes(axis, a.ndim)
    kept = tuple(i for i in range(a.ndim) if i not in axes)
    if None in (a.shape[i] for i in axes):
        raise ShapeError(f"the order along axis={axis} of {a.shape} is not known while a size is open")
    n = prod(a.shape[i] for i in axes)
    if n == 0:
        raise ShapeError(f"there is nothing along axis={axis} of {a.shape}")
    return sort(reshape(moveaxis(a, axes, range(len(kept), a.ndim)), (*(a.shape[i] for i in kept), n))), axes


@implements(np.cov)
def cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None) -> Any:
    """The covariances of variables, one a row (rowvar=False: one a column), with the divisor n - 1 (bias=True: n;
    else n - ddof). As np.cov without weights.

    >>> cov(np.array([[1.0, 2.0, 3.0], [3.0, 1.0, -1.0]]))
    array([[ 1., -2.],
           [-2.,  4.]])
    """
    x = atleast_2d(m)
    x = x.T if not rowvar and x.shape[0] != 1 else x
    if y is not None:
        y = atleast_2d(y)
        x = concatenate([x, y.T if not rowvar and y.shape[0] != 1 else y])
    if x.shape[1] is None:
        raise ShapeError(f"cov: the number of observations in {x.shape} is still open")
    x = x - np.mean(x, axis=1, keepdims=True)
    return squeeze(x @ x.T / (x.shape[1] - ((0 if bias else 1) if ddof is None else ddof)))


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    """The correlations of variables, one a row (rowvar=False: one a column). As np.corrcoef."""
    c = atleast_2d(cov(x, y, rowvar))
    size = np.sqrt(diag(c))
    return squeeze(c / size[:, None] / size)
