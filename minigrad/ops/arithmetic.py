"""Arithmetic: the four operations, powers, extrema, and what rounds.

Where two operands of maximum, minimum, fmax or fmin are equal, each gets half of the gradient, as in JAX and PyTorch;
so maximum(x, x) has the gradient 1. Inside its bounds and on them, clip passes the whole gradient to x.
"""

from __future__ import annotations

from math import inf, log
from typing import Any

import numpy as np

from ..core.samples import Draw, Sample
from ..core.spec import Spec
from ..core.table import FUNCTIONS, implements
from .creation import astype
from .families import common_spec, elementwise, flat, same_spec
from .shape import value

__all__ = [
    "absolute", "add", "cbrt", "ceil", "clip", "conjugate", "copysign", "divide", "divmod", "fabs",
    "float_power", "floor", "floor_divide", "fmax", "fmin", "fmod", "frexp", "heaviside", "hypot", "ldexp",
    "maximum", "minimum", "mod", "modf", "multiply", "nan_to_num", "negative", "nextafter", "positive",
    "power", "reciprocal", "remainder", "rint", "round", "sign", "spacing", "sqrt", "square", "subtract",
    "true_divide", "trunc",
]

add = elementwise(np.add, vjp=(lambda g: g, lambda g: g))
subtract = elementwise(np.subtract, vjp=(lambda g: g, lambda g: -g))
multiply = elementwise(np.multiply, vjp=(lambda g, y: g * y, lambda g, x: g * x))
divide = true_divide = elementwise(np.divide, vjp=(lambda g, y: g / y, lambda g, y, out: -g * out / y), low=0.5)
negative = elementwise(np.negative, vjp=lambda g: -g)
positive = elementwise(np.positive, vjp=lambda g: g)
absolute = elementwise(np.absolute, vjp=lambda g, x: g * np.sign(x))
fabs = elementwise(np.fabs, vjp=lambda g, x: g * np.sign(x))
sign = elementwise(np.sign, vjp=flat)
square = elementwise(np.square, vjp=lambda g, x: 2 * g * x)
sqrt = elementwise(np.sqrt, vjp=lambda g, out: 0.5 * g / out, low=0.1)
cbrt = elementwise(np.cbrt, vjp=lambda g, out: g / (3 * out * out), low=0.1)
reciprocal = elementwise(np.reciprocal, vjp=lambda g, out: -g * out * out, low=0.5)


# -- powers -----------------------------------------------------------------------------------------------------------


def power_base(g: Any, x: Any, y: Any) -> Any:
    """g * y * x**(y - 1), but 0 for x**0, at x = 0 too. A plain number is part of the graph: it may be looked at."""
    if isinstance(y, (int, float)):
        return flat(g) if y == 0 else g if y == 1 else 2 * g * x if y == 2 else g * (y * x ** (y - 1))
    x = np.where((x == 0) & (y == 0), 1, x)
    return g * (y * x ** (y - 1))


def power_exponent(g: Any, x: Any, out: Any) -> Any:
    """g * out * log(x). The exponent cannot move where x <= 0 (the result would be complex); there it gets 0."""
    if isinstance(x, (int, float)):
        return g * out * log(x) if x > 0 else flat(g)
    safe = x > 0
    return g * np.where(safe, out, 0) * np.log(np.where(safe, x, 1))


power = elementwise(np.power, vjp=(power_base, power_exponent), low=0.3)


@implements(np.float_power)
def float_power(x1: Any, x2: Any) -> Any:
    """x1**x2 in float64 (NumPy's np.float_power)."""
    return power(astype(x1, np.float64), x2)


# -- the larger and the smaller ---------------------------------------------------------------------------------------


def share(g: Any, wins: Any, ties: Any) -> Any:
    """The gradient where an operand wins, half of it where there is a tie."""
    return g * wins + 0.5 * g * ties


maximum = elementwise(np.maximum, vjp=(lambda g, x, y: share(g, x > y, x == y),
                                       lambda g, x, y: share(g, y > x, x == y)))
minimum = elementwise(np.minimum, vjp=(lambda g, x, y: share(g, x < y, x == y),
                                       lambda g, x, y: share(g, y < x, x == y)))
fmax = elementwise(np.fmax, vjp=(lambda g, x, y: share(g, (x > y) | np.isnan(y), x == y),
                                 lambda g, x, y: share(g, (y > x) | np.isnan(x), x == y)))
fmin = elementwise(np.fmin, vjp=(lambda g, x, y: share(g, (x < y) | np.isnan(y), x == y),
                                 lambda g, x, y: share(g, (y < x) | np.isnan(x), x == y)))


def clip_kernel(x: Any, low: Any, high: Any, *, out: Any = None) -> Any:
    """x raised to low, then lowered to high."""
    return np.minimum(np.maximum(x, low, out=out), high, out=out)


def clip_samples(draw: Draw) -> Sample:
    x = draw.array(draw.shape())
    return (x, draw.array(draw.broadcastable(x.shape), -2, -1), draw.array(draw.broadcastable(x.shape), 1, 2)), {}


bounded = elementwise(clip_kernel, name="clip", spec=common_spec, samples=clip_samples, vjp=(
    lambda g, x, low, high: g * ((low <= x) & (x <= high)),
    lambda g, x, low, high: g * ((x < low) & (low <= high)),
    lambda g, x, low, high: g * ((x > high) | (low > high))))


@implements(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """Values below a_min raised to it, values above a_max lowered to it; None leaves that side open (NumPy's np.clip).

    `min` and `max` are NumPy 2's names of the same bounds.

    >>> clip(np.array([-2.0, 0.5, 9.0]), 0, 1)
    array([0. , 0.5, 1. ])
    """
    if (min is not None and a_min is not None) or (max is not None and a_max is not None):
        raise TypeError("clip: give a bound as a_min/a_max or as min/max, not as both")
    low, high = a_min if min is None else min, a_max if max is None else max
    if low is None and high is None:
        return positive(a)
    if getattr(a, "dtype", np.dtype(float)).kind != "f":  # no gradient, and no infinity to stand for an open side
        return minimum(a, high) if low is None else maximum(a, low) if high is None else bounded(a, low, high)
    return bounded(a, -inf if low is None else low, inf if high is None else high)


# -- remainders and the like ------------------------------------------------------------------------------------------


def between_steps(low: float, high: float) -> Any:
    """Samples with x between low and high; for (4.1, 5) the quotient x / y lies strictly between 2 and 3."""

    def samples(draw: Draw) -> Sample:
        shape = draw.shape()
        return (draw.array(shape, low, high), draw.array(draw.broadcastable(shape), 1.7, 1.95)), {}

    return samples


remainder = mod = elementwise(np.remainder, samples=between_steps(4.1, 5),
                              vjp=(lambda g: g, lambda g, x, y: -g * np.floor_divide(x, y)))
fmod = elementwise(np.fmod, samples=between_steps(-5, -4.1), vjp=(lambda g: g, lambda g, x, y: -g * np.trunc(x / y)))
floor_divide = elementwise(np.floor_divide, samples=between_steps(4.1, 5), vjp=(flat, flat))


@implements(np.divmod)
def divmod(x1: Any, x2: Any) -> tuple[Any, Any]:
    """The quotient rounded down, and the remainder (NumPy's np.divmod)."""
    return floor_divide(x1, x2), remainder(x1, x2)


@implements(np.modf)
def modf(x: Any) -> tuple[Any, Any]:
    """What is behind the point, and what is before it (NumPy's np.modf)."""
    x = value(x)
    x = x if x.dtype.kind == "f" else x / 1
    return fmod(np.where(np.isinf(x), 0, x), 1.0), trunc(x)


def power_samples(draw: Draw) -> Sample:
    x = draw.array(draw.shape())
    return (x, draw.ids(x.shape, 7) - 3), {}


ldexp = elementwise(np.ldexp, samples=power_samples, vjp=(lambda g, y: np.ldexp(g, y), None),
                    doc="x * 2**y for integers y (NumPy's np.ldexp).")


def exponent_kernel(x: Any) -> Any:
    return np.frexp(x)[1]


exponent = elementwise(exponent_kernel, name="frexp_exponent", spec=lambda x: Spec(x.shape, np.dtype(np.intc)),
                       doc="The y of x = m * 2**y with 0.5 <= |m| < 1.")


@implements(np.frexp)
def frexp(x: Any) -> tuple[Any, Any]:
    """The m and y of x = m * 2**y with 0.5 <= |m| < 1 (NumPy's np.frexp)."""
    y = exponent(x)
    return ldexp(x, -y), y


hypot = elementwise(np.hypot, low=0.3, vjp=(lambda g, x, out: g * (x / np.where(out == 0, 1, out)),
                                            lambda g, y, out: g * (y / np.where(out == 0, 1, out))))
copysign = elementwise(np.copysign, vjp=(lambda g, x, y: g * np.sign(x) * np.copysign(1.0, y), flat))
heaviside = elementwise(np.heaviside, vjp=(flat, lambda g, x: g * (x == 0)))


# -- steps: the gradient is zero --------------------------------------------------------------------------------------

floor = elementwise(np.floor, vjp=flat)
ceil = elementwise(np.ceil, vjp=flat)
trunc = elementwise(np.trunc, vjp=flat)
rint = elementwise(np.rint, vjp=flat)
if hasattr(np, "fix"):  # deprecated since NumPy 2.5
    FUNCTIONS[np.fix] = trunc
spacing = elementwise(np.spacing, vjp=flat, low=1.05, high=1.95)
nextafter = elementwise(np.nextafter, vjp=(lambda g: g, flat))
conjugate = elementwise(np.conjugate, vjp=lambda g: g)  # of real numbers, which alone have gradients


def round_kernel(x: Any, *, decimals: int = 0, out: Any = None) -> Any:
    """x rounded to that many decimals."""
    return np.round(x, decimals, out=out)


def round_spec(x: Spec, *, decimals: int = 0) -> Spec:
    """The spec of x; of booleans NumPy makes float16."""
    return Spec(x.shape, np.dtype(np.float16)) if x.dtype == bool else same_spec(x)


rounded = elementwise(round_kernel, name="round", spec=round_spec, vjp=flat)


@implements(np.round, np.around)
def round(a: Any, decimals: int = 0) -> Any:
    """Rounded to that many decimals, halves to the even neighbour; the gradient is zero (NumPy's np.round).

    >>> round(np.array([0.25, 1.5]), 1)
    array([0.2, 1.5])
    """
    return rounded(a, decimals=int(decimals))


def nan_to_num_kernel(x: Any, *, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """x with NaN and infinities replaced."""
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


finite = elementwise(nan_to_num_kernel, name="nan_to_num", spec=same_spec, vjp=lambda g, x: g * np.isfinite(x))


@implements(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: float | None = None,
               neginf: float | None = None) -> Any:
    """NaN and infinities replaced by numbers; no gradient flows there (NumPy's np.nan_to_num).

    >>> nan_to_num(np.array([np.nan, 1.0]))
    array([0., 1.])
    """
    if not copy:
        raise TypeError("nan_to_num with copy=False: Tensors are immutable; use the result instead")
    return finite(x, nan=nan, posinf=posinf, neginf=neginf)
