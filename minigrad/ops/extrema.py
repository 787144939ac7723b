"""Extrema over some axes, where they are, and whether any or all elements are true.

Ties: where several elements share the maximum (or minimum), each gets an equal part of the gradient, as in JAX and
in PyTorch's amax; the parts add up to 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.samples import Draw, Sample
from ..core.table import implements
from .families import Axes, clean_axis, one_axis_samples, reduces, reduction, unreduced

__all__ = ["all", "amax", "amin", "any", "argmax", "argmin", "max", "min", "ptp"]



def reducing(ufunc: np.ufunc) -> Callable[..., Any]:
    def kernel(x: Any, *, axis: Axes = None, keepdims: bool = False, out: Any = None) -> Any:
        return ufunc.reduce(x, axis=axis, keepdims=keepdims, out=out)

    kernel.__doc__ = f"np.{ufunc.__name__} between all elements over some axes."
    return kernel


def extremum_rule(g: Any, x: Any, x_shape: Any, out: Any, axis: Axes, keepdims: bool) -> Any:
    """The gradient in equal parts for all that reach the extremum."""
    best = x == unreduced(out, x_shape, axis, keepdims)
    ties = np.add.reduce(best, axis=axis, keepdims=True).astype(g.dtype)
    return unreduced(g, x_shape, axis, keepdims) / ties * best


def distinct_samples(draw: Draw) -> Sample:
    x = draw.spread(draw.shape())
    return (x,), {"axis": draw.axes(x.ndim), "keepdims": draw.flag()}


largest = reduction(reducing(np.maximum), name="max", vjp=extremum_rule, samples=distinct_samples)
smallest = reduction(reducing(np.minimum), name="min", vjp=extremum_rule, samples=distinct_samples)


@reduces(np.maximum)
@implements(np.max, np.amax)
def max(a: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """The largest over some axes, all by default; ties share the gradient equally (NumPy's np.max).

    >>> max(np.array([[1.0, 5.0], [7.0, 2.0]]), axis=1)
    array([5., 7.])
    """
    return largest(a, axis=clean_axis(axis), keepdims=keepdims)


@reduces(np.minimum)
@implements(np.min, np.amin)
def min(a: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """The smallest over some axes, all by default; ties share the gradient equally (NumPy's np.min)."""
    return smallest(a, axis=clean_axis(axis), keepdims=keepdims)


amax, amin = max, min


@implements(np.ptp)
def ptp(a: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """The largest less the smallest (NumPy's np.ptp)."""
    return max(a, axis, keepdims) - min(a, axis, keepdims)


# -- what has no derivative -------------------------------------------------------------------------------------------


def argmax_kernel(x: Any, *, axis: int | None = None, keepdims: bool = False, out: Any = None) -> Any:
    """The position of the first largest element."""
    return np.argmax(x, axis=axis, keepdims=keepdims, out=out)


def argmin_kernel(x: Any, *, axis: int | None = None, keepdims: bool = False, out: Any = None) -> Any:
    """The position of the first smallest element."""
    return np.argmin(x, axis=axis, keepdims=keepdims, out=out)


any_row = reduction(reducing(np.logical_or), name="any", dtype=bool)
all_row = reduction(reducing(np.logical_and), name="all", dtype=bool)
argmax_row = reduction(argmax_kernel, name="argmax", dtype=np.intp, samples=one_axis_samples)
argmin_row = reduction(argmin_kernel, name="argmin", dtype=np.intp, samples=one_axis_samples)


@reduces(np.logical_or)
@implements(np.any)
def any(a: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """Whether any element is true (NumPy's np.any)."""
    return any_row(a, axis=clean_axis(axis), keepdims=keepdims)


@reduces(np.logical_and)
@implements(np.all)
def all(a: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """Whether all elements are true (NumPy's np.all)."""
    return all_row(a, axis=clean_axis(axis), keepdims=keepdims)


@implements(np.argmax)
def argmax(a: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """The position of the first largest element, along an axis or in the flattened array (NumPy's np.argmax)."""
    return argmax_row(a, axis=clean_axis(axis), keepdims=keepdims)


@implements(np.argmin)
def argmin(a: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """The position of the first smallest element, along an axis or in the flattened array (NumPy's np.argmin)."""
    return argmin_row(a, axis=clean_axis(axis), keepdims=keepdims)
