"""Scans: running sums and products along an axis.

No rule divides, so that zeros are no special case: the derivative of a running product is a linear recurrence, and
that of a linear recurrence is one in the other direction.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.op import Op
from ..core.samples import Draw, Sample
from ..core.table import ACCUMULATIONS, implements
from ..errors import ShapeError
from .creation import astype, full_like
from .families import clean_axis, common_spec, same_spec, scan
from .join import concatenate
from .shape import value

__all__ = ["cumprod", "cumsum", "cumulative_prod", "cumulative_sum"]


def running(ufunc: np.ufunc, x: Any, axis: int, reverse: bool, out: Any) -> Any:
    if not reverse:
        return ufunc.accumulate(x, axis=axis, out=out)
    return np.flip(ufunc.accumulate(np.flip(x, axis), axis=axis, out=out if out is None else np.flip(out, axis)), axis)


def directed(draw: Draw) -> Sample:
    x = draw.array(draw.shape(min_ndim=1))
    return (np.where(x < -2, 0, x),), {"axis": draw.axis(x.ndim), "reverse": draw.flag()}


# -- sums -------------------------------------------------------------------------------------------------------------


def cumsum_kernel(x: Any, *, axis: int, reverse: bool = False, out: Any = None) -> Any:
    return running(np.add, x, axis, reverse, out)


sums: Op = scan(cumsum_kernel, name="cumsum", samples=directed,
                vjp=lambda g, axis, reverse: sums(g, axis=axis, reverse=not reverse),
                doc="The running sum along an axis, from its front or, with reverse=True, from its back.")


# -- products ---------------------------------------------------------------------------------------------------------


def shift_kernel(x: Any, *, axis: int, by: int, fill: float = 0, out: Any = None) -> Any:
    out = np.empty_like(x) if out is None else out
    to, of = np.moveaxis(out, axis, 0), np.moveaxis(x, axis, 0)
    if by > 0:
        to[:by], to[by:] = fill, of[:-by]
    else:
        to[by:], to[:by] = fill, of[-by:]
    return out


def shift_samples(draw: Draw) -> Sample:
    x = draw.array(draw.shape(min_ndim=1))
    return (x,), {"axis": draw.axis(x.ndim), "by": draw.choice([-1, 1]), "fill": draw.flag()}


shifted: Op = Op(shift_kernel, spec=same_spec, name="shift", kind="movement", samples=shift_samples,
                 vjp=lambda g, axis, by: shifted(g, axis=axis, by=-by),
                 doc="Everything moved by one place (`by` is 1 or -1) along an axis; `fill` where nothing came from.")


def recurrence_kernel(a: Any, b: Any, *, axis: int, reverse: bool = False) -> Any:
    """h[k] = b[k] + a[k] h[k-1] by doubling: after each pass, every element has taken in twice as many before it."""
    a, h = np.moveaxis(np.array(a), axis, 0), np.moveaxis(np.array(b, np.result_type(a, b)), axis, 0)
    if reverse:
        a, h = a[::-1], h[::-1]
    step = 1
    while step < len(h):
        h[step:] += a[step:] * h[:-step]
        a[step:] = a[step:] * a[:-step]
        step *= 2
    return np.moveaxis(h[::-1] if reverse else h, 0, axis)


def towards(reverse: bool) -> int:
    """The step from one element to the next in the direction of a scan."""
    return -1 if reverse else 1


def recurrence_b(g: Any, a: Any, axis: int, reverse: bool) -> Any:
    """What reaches h[k] from g[k] and, through a[k+1], from everything later: the recurrence run backwards."""
    return recurrence(shifted(a, axis=axis, by=-towards(reverse)), g, axis=axis, reverse=not reverse)


def recurrence_a(g: Any, a: Any, out: Any, axis: int, reverse: bool) -> Any:
    return recurrence_b(g, a, axis, reverse) * shifted(out, axis=axis, by=towards(reverse))


def recurrence_samples(draw: Draw) -> Sample:
    (a,), attrs = directed(draw)
    return (a, draw.array(a.shape)), attrs


recurrence = scan(recurrence_kernel, name="recurrence", vjp=(recurrence_a, recurrence_b), samples=recurrence_samples,
                  spec=common_spec,
                  doc="h[k] = b[k] + a[k] h[k-1] along an axis, from its front or, with reverse=True, from its back.")


def cumprod_kernel(x: Any, *, axis: int, reverse: bool = False, out: Any = None) -> Any:
    return running(np.multiply, x, axis, reverse, out)


def cumprod_rule(g: Any, x: Any, out: Any, axis: int, reverse: bool) -> Any:
    """(product of all before k) * h[k], where h[k] = g[k] + x[k+1] h[k+1]."""
    before = shifted(out, axis=axis, by=towards(reverse), fill=1)
    return before * recurrence(shifted(x, axis=axis, by=-towards(reverse)), g, axis=axis, reverse=not reverse)


products = scan(cumprod_kernel, name="cumprod", vjp=cumprod_rule, samples=directed,
                doc="The running product along an axis, from its front or, with reverse=True, from its back.")


# -- NumPy's functions ------------------------------------------------------------------------------------------------


def along(row: Any, a: Any, axis: int | None, dtype: Any) -> Any:
    if dtype is not None:
        a = astype(a, dtype)
    if axis is None:
        a, axis = np.reshape(a, -1), 0
    out = row(a, axis=clean_axis(axis))
    return out if dtype is None else astype(out, dtype)


@implements(np.cumsum)
def cumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The running sum along an axis, or of the flattened array (NumPy's np.cumsum).

    >>> cumsum(np.array([1.0, 2.0, 3.0]))
    array([1., 3., 6.])
    """
    return along(sums, a, axis, dtype)


@implements(np.cumprod)
def cumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The running product along an axis, or of the flattened array; zeros are allowed (NumPy's np.cumprod).

    >>> cumprod(np.array([1.0, 2.0, 3.0]))
    array([1., 2., 6.])
    """
    return along(products, a, axis, dtype)


ACCUMULATIONS[np.add] = cumsum
ACCUMULATIONS[np.multiply] = cumprod


@implements(getattr(np, "cumulative_sum", "cumulative_sum"))
def cumulative_sum(x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Any:
    """The running sum along an axis; with include_initial=True it begins at 0 (NumPy's np.cumulative_sum)."""
    return cumulative(sums, x, axis, dtype, 0 if include_initial else None)


@implements(getattr(np, "cumulative_prod", "cumulative_prod"))
def cumulative_prod(x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Any:
    """The running product along an axis; with include_initial=True it begins at 1 (NumPy's np.cumulative_prod)."""
    return cumulative(products, x, axis, dtype, 1 if include_initial else None)


def cumulative(row: Any, x: Any, axis: int | None, dtype: Any, initial: int | None) -> Any:
    x = value(x)
    if axis is None and x.ndim > 1:
        raise ShapeError(f"{row.name}: a value of shape {x.shape} needs axis=; only of a vector it may be left out")
    axis = 0 if axis is None else axis
    out = along(row, x, axis, dtype)
    if initial is None:
        return out
    first = out[(slice(None),) * (axis % x.ndim) + (slice(1),)]
    return concatenate([full_like(first, initial), out], axis)
