"""Reductions and scans that pass over NaN. Its places get no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.table import implements
from .families import Axes
from .reduction import mean, prod, sum
from .scan import cumprod, cumsum
from .shape import value

__all__ = ["nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar"]


def filled(a: Any, fill: float) -> Any:
    """`fill` in place of NaN; integers have none."""
    a = value(a)
    return np.where(np.isnan(a), fill, a) if a.dtype.kind == "f" else a


def count(a: Any, axis: Axes, dtype: Any) -> Any:
    """How many are not NaN, with the reduced axes kept, in the dtype of the sum that it divides."""
    return np.sum(~np.isnan(a), axis=axis, keepdims=True).astype(dtype)


def shaped(out: Any, axis: Axes, keepdims: bool) -> Any:
    """The result without the reduced axes, if they were kept only to compute it."""
    return out if keepdims else sum(out, axis)  # of one element each


@implements(np.nansum)
def nansum(a: Any, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The sum of what is not NaN (NumPy's np.nansum).

    >>> float(nansum(np.array([1.0, np.nan, 3.0])))
    4.0
    """
    return sum(filled(a, 0), axis, dtype, keepdims)


@implements(np.nanprod)
def nanprod(a: Any, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The product of what is not NaN (NumPy's np.nanprod)."""
    return prod(filled(a, 1), axis, dtype, keepdims)


@implements(np.nancumsum)
def nancumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The running sum, with NaN counted as 0 (NumPy's np.nancumsum)."""
    return cumsum(filled(a, 0), axis, dtype)


@implements(np.nancumprod)
def nancumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The running product, with NaN counted as 1 (NumPy's np.nancumprod)."""
    return cumprod(filled(a, 1), axis, dtype)


@implements(np.nanmax)
def nanmax(a: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """The largest of what is not NaN; NaN, without NumPy's warning, where all are (NumPy's np.nanmax)."""
    return nothing_is_nan(a, axis, keepdims, np.max(filled(a, -np.inf), axis=axis, keepdims=keepdims))


@implements(np.nanmin)
def nanmin(a: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """The smallest of what is not NaN; NaN, without NumPy's warning, where all are (NumPy's np.nanmin)."""
    return nothing_is_nan(a, axis, keepdims, np.min(filled(a, np.inf), axis=axis, keepdims=keepdims))


def nothing_is_nan(a: Any, axis: Axes, keepdims: bool, out: Any) -> Any:
    if out.dtype.kind != "f":
        return out
    return np.where(np.all(np.isnan(a), axis=axis, keepdims=keepdims), np.nan, out)


@implements(np.nanmean)
def nanmean(a: Any, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The mean of what is not NaN (NumPy's np.nanmean).

    >>> nanmean(np.array([[1.0, np.nan], [3.0, 5.0]]), axis=0)
    array([2., 5.])
    """
    if value(a).dtype.kind != "f":
        return mean(a, axis, dtype, keepdims)
    total = nansum(a, axis, dtype, keepdims=True)
    return shaped(total / count(a, axis, total.dtype), axis, keepdims)


@implements(np.nanvar)
def nanvar(a: Any, axis: Axes = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The variance of what is not NaN, with the divisor n - ddof (NumPy's np.nanvar)."""
    deviations = filled(a - nanmean(a, axis, dtype, keepdims=True), 0)
    total = sum(deviations * deviations, axis, keepdims=True)
    return shaped(total / (count(a, axis, total.dtype) - ddof), axis, keepdims)


@implements(np.nanstd)
def nanstd(a: Any, axis: Axes = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The standard deviation, as `nanvar`; the gradient of a constant's is 0 (NumPy's np.nanstd)."""
    variance = nanvar(a, axis, dtype, ddof, keepdims)
    constant = variance == 0
    return np.where(constant, 0, np.sqrt(np.where(constant, 1, variance)))
