"""Copies and constants: the same values in another dtype or cut off from the graph, other values in the same shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.op import Op
from ..core.operators import Operators
from ..core.samples import Draw, Sample
from ..core.spec import Spec, broadcast
from ..core.table import FUNCTIONS, implements
from ..core.tensor import Variable
from ..errors import ShapeError
from .families import same_spec

__all__ = ["astype", "copy", "full_like", "ndim", "ones_like", "scale_gradient", "shape", "size", "stop_gradient",
           "zeros_like"]


def samples(draw: Draw) -> Sample:
    return (draw.array(draw.shape()),), {}


def cast_samples(dtypes: str) -> Any:
    return lambda draw: (samples(draw)[0], {"dtype": np.dtype(draw.choice(dtypes.split()))})


def cast_kernel(x: Any, *, dtype: np.dtype, out: Any = None) -> Any:
    """The values in another dtype."""
    if out is None:
        return np.asarray(x).astype(dtype)
    np.copyto(out, x, casting="unsafe")
    return out


def cast_spec(x: Spec, *, dtype: np.dtype) -> Spec:
    return Spec(x.shape, dtype)


# Two rows of one kernel: what is cast to integers or booleans takes no gradient and keeps no graph.
cast = Op(cast_kernel, name="cast", spec=cast_spec, vjp=lambda g: g, kind="elementwise",
          samples=cast_samples("float64"))
cast_to_integer = Op(cast_kernel, name="cast_to_integer", spec=cast_spec, kind="elementwise",
                     samples=cast_samples("int64 bool"))


def astype(x: Any, dtype: Any, copy: bool = True) -> Any:
    """x in another dtype. A gradient passes from one float dtype to another and stops at integers.

    What has the dtype already comes back as it is, if it cannot change; so `copy` makes no difference. (NumPy's
    np.astype and ndarray.astype)

    >>> astype(np.array([1.5, 2.5]), np.int64)
    array([1, 2])
    """
    dtype = np.dtype(dtype)
    if isinstance(x, Operators) and x.dtype == dtype and not isinstance(x, Variable):
        return x
    return cast(x, dtype=dtype) if dtype.kind == "f" else cast_to_integer(x, dtype=dtype)


FUNCTIONS["astype"] = astype
if hasattr(np, "astype"):
    FUNCTIONS[np.astype] = astype


def copy_kernel(x: Any, *, out: Any = None) -> Any:
    """The same values in new memory."""
    return np.positive(x, out=out) if out is not None else np.array(x)


duplicate = Op(copy_kernel, name="copy", spec=same_spec, vjp=lambda g: g, kind="elementwise", samples=samples)


@implements(np.copy)
def copy(a: Any) -> Any:
    """A copy, with the gradient passing through (NumPy's np.copy)."""
    return duplicate(a)


def stop_gradient_kernel(x: Any) -> Any:
    return np.asarray(x)


stop_gradient = FUNCTIONS["stop_gradient"] = Op(
    stop_gradient_kernel, name="stop_gradient", spec=same_spec, kind="view", samples=samples,
    doc="The same values as a constant: no gradient flows back through it. Shares memory with x.")


def scale_gradient_kernel(x: Any, scale: Any) -> Any:
    return np.asarray(x)


def scale_gradient_spec(x: Spec, scale: Spec) -> Spec:
    if broadcast(x.shape, scale.shape) != x.shape:
        raise ShapeError(f"a scale of shape {scale.shape} does not fit the shape {x.shape}")
    return same_spec(x)


def scale_gradient_samples(draw: Draw) -> Any:
    x = draw.array(draw.shape())
    return (x, np.ones(draw.broadcastable(x.shape))), {}  # with any other scale the derivative is not meant to be true


scale_gradient = Op(
    scale_gradient_kernel, name="scale_gradient", spec=scale_gradient_spec, kind="view", samples=scale_gradient_samples,
    vjp=(lambda g, scale: g * scale, None),
    doc="The same values, whose gradient is multiplied by `scale` on its way back. Shares memory with x.")


# -- constants in the shape of another value: rows, for on Symbols that shape may still be open -----------------------


def full_like_kernel(x: Any, *, value: Any, dtype: np.dtype | None = None, out: Any = None) -> Any:
    """One number everywhere, in the shape of x."""
    if out is None:
        return np.full(np.shape(x), value, dtype or x.dtype)
    out.fill(value)
    return out


def full_like_spec(x: Spec, *, value: Any, dtype: np.dtype | None = None) -> Spec:
    return Spec(x.shape, dtype or same_spec(x).dtype)


def full_like_samples(draw: Draw) -> Sample:
    return samples(draw)[0], {"value": draw.choice([0, 1, 2.5]), "dtype": draw.choice([None, np.dtype(np.float32)])}


filled = Op(full_like_kernel, name="full_like", spec=full_like_spec, kind="elementwise", samples=full_like_samples)


@implements(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None) -> Any:
    """The number `fill_value` in the shape and dtype of `a`; a Tensor gets its gradient (NumPy's np.full_like)."""
    if isinstance(fill_value, Operators):
        return zeros_like(a, dtype) + astype(fill_value, a.dtype if dtype is None else dtype)
    if np.ndim(fill_value):
        raise TypeError(f"full_like: fill_value has shape {np.shape(fill_value)}; it must be a number")
    return filled(a, value=fill_value, dtype=None if dtype is None else np.dtype(dtype))


@implements(np.zeros_like, np.empty_like)
def zeros_like(a: Any, dtype: Any = None) -> Any:
    """Zeros in the shape and dtype of `a` (NumPy's np.zeros_like)."""
    return filled(a, value=0, dtype=None if dtype is None else np.dtype(dtype))


@implements(np.ones_like)
def ones_like(a: Any, dtype: Any = None) -> Any:
    """Ones in the shape and dtype of `a` (NumPy's np.ones_like)."""
    return filled(a, value=1, dtype=None if dtype is None else np.dtype(dtype))


# -- what needs no data -----------------------------------------------------------------------------------------------


@implements(np.shape)
def shape(a: Any) -> tuple[int | None, ...]:
    """The sizes of the axes; of a Symbol, None where the size is open."""
    return a.shape if hasattr(a, "shape") else np.shape(a)


@implements(np.ndim)
def ndim(a: Any) -> int:
    """The number of axes."""
    return len(shape(a))


@implements(np.size)
def size(a: Any, axis: int | None = None) -> int | None:
    """The number of elements, or the size of one axis; of a Symbol, None where that is open."""
    if axis is not None:
        return shape(a)[axis]
    return a.size if hasattr(a, "size") else np.size(a)
