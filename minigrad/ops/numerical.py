"""Functions given by their values: slopes, integrals, interpolation, convolution, polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.op import Op
from ..core.samples import Draw
from ..core.spec import Spec, normal_axis, result_dtype
from ..core.table import implements
from ..errors import ShapeError
from .creation import full_like
from .join import along, concatenate
from .shape import moveaxis, ravel, value
from .sort import searchsorted
from .take import take

__all__ = ["convolve", "correlate", "diff", "ediff1d", "gradient", "interp", "polyval", "trapezoid"]


# -- slopes and integrals ---------------------------------------------------------------------------------------------


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Each element less the one before it, n times (NumPy's np.diff).

    prepend, append: what to put before and behind `a` first: numbers, or arrays with the other axes of `a`.

    >>> diff(np.array([1.0, 4.0, 9.0]))
    array([3., 5.])
    """
    if n < 0:
        raise ValueError(f"diff: n={n} must not be negative")
    a = value(a)
    axis = normal_axis(axis, a.ndim)
    if prepend is not None or append is not None:
        ends = (x if x is a or x is None else slab(x, a, axis) for x in (prepend, a, append))
        a = concatenate([x for x in ends if x is not None], axis)
    later, earlier = along(axis, slice(1, None)), along(axis, slice(-1))
    for _ in range(n):
        a = np.not_equal(a[later], a[earlier]) if a.dtype == bool else a[later] - a[earlier]
    return a


def slab(x: Any, a: Any, axis: int) -> Any:
    """x as something to put before or behind `a`: a number as one element of each line along the axis."""
    if np.ndim(x):
        return value(x)
    dtype = result_dtype(a.dtype, type(x) if type(x) in (int, float) else value(x).dtype)
    return full_like(np.sum(a, axis=axis, keepdims=True), x, dtype)


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """The differences in the flattened array, with something before and behind them. As np.ediff1d."""
    ary = value(ary)
    parts = [ravel(value(x)).astype(ary.dtype) for x in (to_begin, diff(ravel(ary)), to_end) if x is not None]
    return concatenate(parts) if len(parts) > 1 else parts[0]


@implements(np.gradient)
def gradient(f: Any, *varargs: float, axis: int | tuple[int, ...] | None = None) -> Any:
    """The slope along each axis: half the difference of both neighbours, at the ends the difference to the only one.

    varargs: the distance of the points, one number for all axes or one for each. As np.gradient with edge_order=1; for
    points at uneven distances it has no counterpart. Several axes give a tuple (before NumPy 2, np.gradient a list).

    >>> gradient(np.array([1.0, 4.0, 9.0]))
    array([3., 4., 5.])
    """
    f = value(f)
    axes = range(f.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if any(np.ndim(h) for h in varargs) or len(varargs) not in (0, 1, len(axes)):
        raise TypeError(f"gradient: the distances must be one number, or one for each of {len(axes)} axes, on Tensors "
                        "and Symbols")
    steps = varargs * len(axes) if len(varargs) == 1 else varargs or (1.0,) * len(axes)
    out = tuple(slope(f, h, normal_axis(a, f.ndim)) for h, a in zip(steps, axes))
    return out[0] if len(out) == 1 else out


def slope(f: Any, h: float, axis: int) -> Any:
    if f.shape[axis] is not None and f.shape[axis] < 2:
        raise ShapeError(f"gradient: axis {axis} of {f.shape} has fewer than 2 points")
    rise = diff(f, axis=axis) / h
    first, last = rise[along(axis, slice(1))], rise[along(axis, slice(-1, None))]
    return concatenate([first, (rise[along(axis, slice(1, None))] + rise[along(axis, slice(-1))]) / 2, last], axis)


@implements(getattr(np, "trapezoid", "trapezoid"), getattr(np, "trapz", "trapz"))
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """The integral along an axis by the trapezoidal rule, over points x or at distances dx. As np.trapezoid.

    >>> float(trapezoid(np.array([0.0, 1.0, 4.0]), dx=0.5))
    1.5
    """
    y = moveaxis(value(y), axis, -1)
    if x is not None:
        x = value(x)
        dx = diff(x if x.ndim == 1 else moveaxis(x, axis, -1))
    return np.sum((y[..., 1:] + y[..., :-1]) * dx, axis=-1) / 2


# -- interpolation and polynomials ------------------------------------------------------------------------------------


@implements(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """At x, the straight lines through the points (xp, fp), whose xp ascend; beyond them fp's first and last value, or
    `left` and `right`. As np.interp, but floats keep their dtype.

    >>> interp(np.array([0.5, 9.0]), np.array([0.0, 1.0, 2.0]), np.array([0.0, 10.0, 40.0]))
    array([ 5., 40.])
    """
    x, xp, fp = value(x), value(xp), value(fp)
    if xp.ndim != 1 or xp.shape != fp.shape or xp.shape[0] is None or xp.shape[0] < 2:
        raise ShapeError(f"interp: expected vectors of as many points, two or more, got shapes {xp.shape}, {fp.shape}")
    i = np.clip(searchsorted(xp, x, "right"), 1, xp.shape[0] - 1)
    start, low = take(xp, i - 1), take(fp, i - 1)
    out = low + (x - start) * ((take(fp, i) - low) / (take(xp, i) - start))
    out = np.where(x < xp[0], fp[0] if left is None else left, out)
    return np.where(x > xp[-1], fp[-1] if right is None else right, out)


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """The polynomial with coefficients p, highest power first, at x. As np.polyval.

    >>> polyval([1.0, 0.0, -1.0], np.array([2.0, 3.0]))
    array([3., 8.])
    """
    x = value(x)
    y = np.zeros_like(x)
    for c in p:
        y = y * x + c
    return y


# -- convolution ------------------------------------------------------------------------------------------------------


def convolve_spec(x: Spec, y: Spec) -> Spec:
    if x.ndim != 1 or y.ndim != 1 or not x.shape[0] or not y.shape[0]:
        raise ShapeError(f"expected two vectors that are not empty, got shapes {x.shape} and {y.shape}")
    return Spec((x.shape[0] + y.shape[0] - 1,), result_dtype(x.dtype, y.dtype))


def convolve_rule(g: Any, other: Any, shape: tuple[int]) -> Any:
    """Convolved with the other one in reverse: what lies over the operand."""
    n = other.shape[0]
    return convolve_row(g, other[::-1])[n - 1:n - 1 + shape[0]]


def convolve_samples(draw: Draw) -> Any:
    return (draw.array(draw.shape(1, 1)), draw.array(draw.shape(1, 1))), {}


convolve_row: Op = Op(lambda x, y: np.convolve(x, y), name="convolve", spec=convolve_spec, kind="contraction",
                      samples=convolve_samples, vjp=(lambda g, y, x_shape: convolve_rule(g, y, x_shape),
                                                     lambda g, x, y_shape: convolve_rule(g, x, y_shape)))


def known_lengths(a: Any, v: Any) -> tuple[int, int]:
    if None in (*a.shape, *v.shape):
        raise ShapeError(f"convolve: the vectors' shapes {a.shape} and {v.shape} must be known")
    return a.shape[0], v.shape[0]


def trimmed(full: Any, shorter: int, mode: str, start: int) -> Any:
    """The part of a full convolution that the mode asks for; `start` is where "same" begins."""
    if mode == "full":
        return full
    n = full.shape[0]
    if mode == "valid":
        return full[shorter - 1:n - shorter + 1]
    if mode == "same":
        return full[start:start + n - shorter + 1]
    raise ValueError(f"mode={mode!r} is none of 'full', 'same', 'valid'")


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """Two vectors convolved: sums of products of `a` with `v` in reverse, at each shift. As np.convolve.

    >>> convolve(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0]))
    array([ 1., 12., 23., 30.])
    """
    a, v = value(a), value(v)
    full = convolve_row(a, v)
    shorter = min(known_lengths(a, v))
    return trimmed(full, shorter, mode, (shorter - 1) // 2)


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """Sums of products of `a` with `v` at each shift. As np.correlate."""
    a, v = value(a), value(v)
    full = convolve_row(a, v[::-1])
    n, m = known_lengths(a, v)
    return trimmed(full, min(n, m), mode, (m - 1) // 2 if m <= n else n - 1 - (n - 1) // 2)
