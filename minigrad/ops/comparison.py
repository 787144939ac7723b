"""Comparisons, logic and bits, which have no derivative; and `where`, which has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.samples import Draw, Sample
from ..core.spec import Spec, result_dtype
from ..core.table import implements
from .families import common_spec, elementwise

__all__ = [
    "bitwise_and", "bitwise_or", "bitwise_xor", "equal", "gcd", "greater", "greater_equal", "invert", "isfinite",
    "isinf", "isnan", "lcm", "left_shift", "less", "less_equal", "logical_and", "logical_not", "logical_or",
    "logical_xor", "not_equal", "right_shift", "safe_where", "select", "signbit", "where",
]

equal = elementwise(np.equal)
not_equal = elementwise(np.not_equal)
less = elementwise(np.less)
less_equal = elementwise(np.less_equal)
greater = elementwise(np.greater)
greater_equal = elementwise(np.greater_equal)
logical_and = elementwise(np.logical_and)
logical_or = elementwise(np.logical_or)
logical_xor = elementwise(np.logical_xor)
logical_not = elementwise(np.logical_not)
isfinite = elementwise(np.isfinite)
isnan = elementwise(np.isnan)
isinf = elementwise(np.isinf)
signbit = elementwise(np.signbit)


def one_integer(draw: Draw) -> Sample:
    return (draw.ids(draw.shape(), 100),), {}


def two_integers(draw: Draw) -> Sample:
    shape = draw.shape()
    return (draw.ids(shape, 100), draw.ids(draw.broadcastable(shape), 100)), {}


bitwise_and = elementwise(np.bitwise_and, samples=two_integers)
bitwise_or = elementwise(np.bitwise_or, samples=two_integers)
bitwise_xor = elementwise(np.bitwise_xor, samples=two_integers)
invert = elementwise(np.invert, samples=one_integer)
left_shift = elementwise(np.left_shift, samples=two_integers)
right_shift = elementwise(np.right_shift, samples=two_integers)
gcd = elementwise(np.gcd, samples=two_integers)
lcm = elementwise(np.lcm, samples=two_integers)
if hasattr(np, "bitwise_count"):  # NumPy 2
    elementwise(np.bitwise_count, samples=one_integer)


# -- choosing ---------------------------------------------------------------------------------------------------------


def where_kernel(condition: Any, x: Any, y: Any, *, out: Any = None) -> Any:
    """x where the condition holds, y elsewhere."""
    if out is None:
        return np.where(condition, x, y)
    np.copyto(out, y)
    np.copyto(out, x, where=np.asarray(condition, bool))
    return out


def where_spec(condition: Spec, x: Spec, y: Spec) -> Spec:
    return Spec(common_spec(condition, x, y).shape, result_dtype(x.dtype, y.dtype))


def where_samples(draw: Draw) -> Sample:
    shape = draw.shape()
    x, y = draw.array(draw.broadcastable(shape)), draw.array(draw.broadcastable(shape))
    return (draw.ids(shape, 2).astype(bool), x, y), {}


choice = elementwise(where_kernel, name="where", spec=where_spec, samples=where_samples, vjp=(
    None,
    lambda g, condition: np.where(condition, g, 0),
    lambda g, condition: np.where(condition, 0, g)))


@implements(np.where)
def where(condition: Any, *choices: Any) -> Any:
    """`where(condition, x, y)`: x where the condition holds, y elsewhere, with broadcasting (NumPy's np.where).

    `where(condition)` alone gives the places where it holds, as np.nonzero. Each element's gradient goes to the one
    that was chosen. Both x and y are computed everywhere, and a NaN in the derivative of the one that was not chosen
    spoils the gradient: see `safe_where`.

    >>> where(np.array([True, False]), 1.0, 2.0)
    array([1., 2.])
    """
    if not choices:
        return np.nonzero(condition)
    if len(choices) != 2:
        raise TypeError(f"where(condition, x, y) needs both x and y, got {len(choices)} of them")
    return choice(condition, *choices)


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """At each place, from the choice of the first condition that holds; `default` where none does (NumPy's np.select).

    >>> x = np.array([-2.0, 0.5, 3.0])
    >>> select([x < 0, x > 1], [x * 10, x], 1.0)
    array([-20.,   1.,   3.])
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(f"select: {len(condlist)} conditions for {len(choicelist)} choices; expected one for each")
    for condition, chosen in zip(reversed(condlist), reversed(choicelist)):
        default = where(condition, chosen, default)
    return default


def safe_where(condition: Any, function: Callable[[Any], Any], x: Any, otherwise: Any = 0.0, fill: float = 1.0) -> Any:
    """`where(condition, function(x), otherwise)` with a gradient that is finite where the condition does not hold.

    The plain form computes function(x) everywhere; where its derivative is infinite or NaN, the chain rule's 0 * inf is
    NaN even though the value was not chosen. Here the function sees `fill` in those places.

    fill: a value at which the function and its derivative are finite.

    >>> from minigrad.core.autodiff import grad
    >>> from minigrad.core.tensor import Tensor
    >>> x = Tensor([0.0, 2.0], requires_grad=True)
    >>> grad(safe_where(x > 0, np.log, x).sum(), x)
    array([0. , 0.5], dtype=float32)
    """
    return choice(condition, function(choice(condition, x, fill)), otherwise)
