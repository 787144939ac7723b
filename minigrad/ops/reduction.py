"""Reductions: sums, means, variances and products over some axes. The extrema have a file of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.op import Op
from ..core.samples import Draw, Sample
from ..core.spec import normal_axes
from ..core.table import implements
from .creation import astype
from .families import (
    Axes,
    clean_axis,
    float_dtype,
    float_scan_spec,
    floats,
    reduced_count,
    reduces,
    reduction,
    scan,
    sum_dtype,
    unreduced,
)
from .scan import products, shifted
from .shape import broadcast_to_row, value

__all__ = ["average", "count_nonzero", "logsumexp", "mean", "prod", "std", "sum", "var"]


# -- sums and means ---------------------------------------------------------------------------------------------------


def sum_kernel(x: Any, *, axis: Axes = None, keepdims: bool = False, out: Any = None) -> Any:
    """The sum over some axes."""
    x = np.asarray(x)
    if x.dtype.char == "e":  # float16: ten thousand ones would not add up: sum in float32
        total = sum_kernel(x.astype(np.float32), axis=axis, keepdims=keepdims)
        return total.astype(np.float16) if out is None else np.positive(total, out=out, casting="same_kind")
    return np.add.reduce(x, axis=axis, keepdims=keepdims, out=out)


def spread(g: Any, x_shape: Any, axis: Axes, keepdims: bool) -> Any:
    """The rule of a sum: each element gets the whole gradient of its result."""
    return broadcast_to_row(unreduced(g, x_shape, axis, keepdims), shape=x_shape)


total = reduction(sum_kernel, name="sum", dtype=sum_dtype, vjp=spread)


@reduces(np.add)
@implements(np.sum)
def sum(a: Any, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The sum over some axes, all by default (NumPy's np.sum). float16 is summed in float32.

    >>> sum(np.ones((2, 3)), axis=0)
    array([2., 2., 2.])
    """
    if dtype is not None:
        return astype(total(astype(a, dtype), axis=clean_axis(axis), keepdims=keepdims), dtype)
    return total(a, axis=clean_axis(axis), keepdims=keepdims)


def mean_kernel(x: Any, *, axis: Axes = None, keepdims: bool = False, out: Any = None) -> Any:
    """The mean over some axes."""
    x = np.asarray(x)
    if x.dtype.char == "e":
        mean = mean_kernel(x.astype(np.float32), axis=axis, keepdims=keepdims)
        return mean.astype(np.float16) if out is None else np.positive(mean, out=out, casting="same_kind")
    return np.true_divide(sum_kernel(x, axis=axis, keepdims=keepdims), reduced_count(x.shape, axis), out=out)


average_of = reduction(mean_kernel, name="mean", dtype=float_dtype, vjp=lambda g, x_shape, axis, keepdims: spread(
    g / reduced_count(x_shape, axis), x_shape, axis, keepdims))


@implements(np.mean)
def mean(a: Any, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The mean over some axes, all by default (NumPy's np.mean).

    >>> mean(np.array([[1.0, 3.0], [5.0, 7.0]]), axis=1)
    array([2., 6.])
    """
    if dtype is not None:
        a = astype(a, dtype)
    return average_of(a, axis=clean_axis(axis), keepdims=keepdims)


@implements(np.average)
def average(a: Any, axis: Axes = None, weights: Any = None, *, keepdims: bool = False) -> Any:
    """The mean, or with `weights` (of the shape of `a`, or 1-D along one axis) the weighted mean (NumPy's np.average).

    >>> float(average(np.array([1.0, 4.0]), weights=np.array([2.0, 1.0])))
    2.0
    """
    if weights is None:
        return mean(a, axis, keepdims=keepdims)
    a, weights = value(a), value(weights)
    if weights.shape != a.shape:
        if len(weights.shape) != 1 or not isinstance(axis, int):
            raise TypeError(f"average: weights of shape {weights.shape} for values of shape {a.shape}; weights of "
                            "another shape must be 1-D, with an integer axis")
        weights = np.reshape(weights, (-1,) + (1,) * (len(a.shape) - 1 - axis % len(a.shape)))
    return sum(a * weights, axis, keepdims=keepdims) / sum(weights + 0 * a, axis, keepdims=keepdims)


# -- variance ---------------------------------------------------------------------------------------------------------


def centered_kernel(x: Any, *, axis: Axes = None) -> Any:
    """x less its mean. First less one of its elements: so a constant comes out as 0, and std's gradient with it."""
    x = floats(x)
    axes = normal_axes(axis, x.ndim)
    x = x - x[tuple(slice(1) if i in axes else slice(None) for i in range(x.ndim))]
    return x - mean_kernel(x, axis=axis, keepdims=True)


def centered_samples(draw: Draw) -> Sample:
    x = draw.array(draw.shape())
    return (x,), {"axis": draw.axes(x.ndim)}


centered: Op = scan(centered_kernel, name="centered", spec=float_scan_spec, samples=centered_samples,
                    vjp=lambda g, axis: centered(g, axis=axis))


def var_kernel(x: Any, *, axis: Axes = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The variance over some axes."""
    x = floats(x)
    if x.dtype.char == "e":  # float16: its squares overflow
        return var_kernel(x.astype(np.float32), axis=axis, ddof=ddof, keepdims=keepdims).astype(np.float16)
    deviations = x - mean_kernel(x, axis=axis, keepdims=True)
    return sum_kernel(deviations * deviations, axis=axis, keepdims=keepdims) / freedom(x.shape, axis, ddof)


def freedom(shape: Any, axis: Axes, ddof: float) -> float:
    """n - ddof, the divisor; 0 where nothing is left, so that NumPy warns."""
    return max(reduced_count(shape, axis) - ddof, 0)


def var_rule(g: Any, x: Any, x_shape: Any, axis: Axes, ddof: float, keepdims: bool) -> Any:
    return unreduced(2 * g / freedom(x_shape, axis, ddof), x_shape, axis, keepdims) * centered(x, axis=axis)


def spread_samples(draw: Draw) -> Sample:
    x = draw.array(draw.shape(min_ndim=1, min_size=2))
    return (x,), {"axis": draw.choice([None, draw.axis(x.ndim)]), "ddof": draw.integer(0, 1), "keepdims": draw.flag()}


variance = reduction(var_kernel, name="var", dtype=float_dtype, vjp=var_rule, samples=spread_samples)


def std_kernel(x: Any, *, axis: Axes = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The standard deviation over some axes."""
    return np.sqrt(var_kernel(x, axis=axis, ddof=ddof, keepdims=keepdims))


def std_rule(g: Any, x: Any, x_shape: Any, out: Any, axis: Axes, ddof: float, keepdims: bool) -> Any:
    """The variance's rule over 2 * out; for a constant, where it is 0 / 0, the gradient is 0."""
    return var_rule(0.5 * g / np.where(out == 0, 1, out), x, x_shape, axis, ddof, keepdims)


deviation = reduction(std_kernel, name="std", dtype=float_dtype, vjp=std_rule, samples=spread_samples)


@implements(np.var)
def var(a: Any, axis: Axes = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False, *,
        correction: float | None = None) -> Any:
    """The variance over some axes; the divisor is n - ddof. `correction` is NumPy 2's name for ddof (NumPy's np.var).

    >>> float(var(np.array([1.0, 3.0]), ddof=1))
    2.0
    """
    a = a if dtype is None else astype(a, dtype)
    return variance(a, axis=clean_axis(axis), ddof=ddof if correction is None else correction, keepdims=keepdims)


@implements(np.std)
def std(a: Any, axis: Axes = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False, *,
        correction: float | None = None) -> Any:
    """The standard deviation, as `var`; the gradient of a constant's is 0 (NumPy's np.std)."""
    a = a if dtype is None else astype(a, dtype)
    return deviation(a, axis=clean_axis(axis), ddof=ddof if correction is None else correction, keepdims=keepdims)


# -- products ---------------------------------------------------------------------------------------------------------


def prod_kernel(x: Any, *, axis: int, keepdims: bool = False, out: Any = None) -> Any:
    """The product over one axis."""
    return np.multiply.reduce(x, axis=axis, keepdims=keepdims, out=out)


def prod_rule(g: Any, x: Any, x_shape: Any, axis: int, keepdims: bool) -> Any:
    """g times the product of all the others, as (product before) * (product after): right where elements are zero."""
    before = shifted(products(x, axis=axis), axis=axis, by=1, fill=1)
    after = shifted(products(x, axis=axis, reverse=True), axis=axis, by=-1, fill=1)
    return unreduced(g, x_shape, axis, keepdims) * before * after


def prod_samples(draw: Draw) -> Sample:
    x = draw.array(draw.shape(min_ndim=1))
    return (np.where(x < -2, 0, x),), {"axis": draw.axis(x.ndim), "keepdims": draw.flag()}


product = reduction(prod_kernel, name="prod", dtype=sum_dtype, vjp=prod_rule, samples=prod_samples)


@reduces(np.multiply)
@implements(np.prod)
def prod(a: Any, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The product over some axes, all by default; the gradient is right where there are zeros (NumPy's np.prod).

    >>> float(prod(np.array([[1.0, 2.0], [3.0, 4.0]])))
    24.0
    """
    a = a if dtype is None else astype(a, dtype)
    for one in reversed(normal_axes(axis, np.ndim(a))):
        a = product(a, axis=one, keepdims=keepdims)
    return a if dtype is None else astype(a, dtype)


# -- the logarithm of a sum of exponentials ---------------------------------------------------------------------------


def logsumexp_kernel(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) over some axes."""
    x = floats(x)
    finite = np.finfo(x.dtype)
    top = np.maximum.reduce(x, axis=axis, keepdims=True, initial=finite.min)
    shift = np.minimum(top, finite.max)  # neither -inf nor inf, for -inf - -inf is NaN
    terms = np.add.reduce(np.exp(x - shift), axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):  # all -inf: the log of 0 is meant
        out = np.log(terms) + shift
    return out if keepdims else out.reshape(total(x, axis=axis).shape)


def logsumexp_rule(g: Any, x: Any, x_shape: Any, out: Any, axis: Axes, keepdims: bool) -> Any:
    """g * softmax(x); where all elements are -inf, 0."""
    out = np.where(out == -np.inf, 0, out)
    return unreduced(g, x_shape, axis, keepdims) * np.exp(x - unreduced(out, x_shape, axis, keepdims))


logsumexp_row = reduction(logsumexp_kernel, name="logsumexp", dtype=float_dtype, vjp=logsumexp_rule)


@reduces(np.logaddexp)
def logsumexp(a: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """log(sum(exp(a))) without overflow (scipy.special.logsumexp, np.logaddexp.reduce).

    >>> logsumexp(np.array([1000.0, 1000.0]))
    array(1000.69314718)
    """
    return logsumexp_row(a, axis=clean_axis(axis), keepdims=keepdims)


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Axes = None, *, keepdims: bool = False) -> Any:
    """How many elements are not zero (NumPy's np.count_nonzero)."""
    return sum(a != 0, axis, keepdims=keepdims)
