"""Families: what ops of one kind share, so that a row is a line or two."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ..core.op import Op
from ..core.samples import Draw, Sample, Samples, elementwise_samples
from ..core.spec import Shape, Spec, broadcast, normal_axes, result_dtype
from ..core.table import REDUCTIONS, UFUNCS, Front

__all__ = ["elementwise", "reduction", "scan"]

Axes = int | tuple[int, ...] | None


# -- elementwise ------------------------------------------------------------------------------------------------------


def elementwise(kernel: Callable[..., Any], vjp: Any = None, *, spec: Callable[..., Spec] | None = None,
                low: float = -3.0, high: float = 3.0, samples: Samples | None = None, **columns: Any) -> Op:
    """A row for a function of single elements, with broadcasting: a ufunc, or a kernel that composes ufuncs.

    low, high: where the function and its derivative are finite and smooth, for the tests.
    """
    if isinstance(kernel, np.ufunc):
        spec = spec or ufunc_spec(kernel)
        columns.setdefault("doc", f"NumPy's np.{kernel.__name__}, on arrays, Tensors and Symbols.")
    op = Op(kernel, spec=spec or float_spec, vjp=vjp, kind="elementwise", **columns)
    op.samples = samples or elementwise_samples(len(op.operands), low, high)
    if isinstance(kernel, np.ufunc):
        UFUNCS[kernel] = op
    return op


def flat(g: Any) -> Any:
    """The rule of a function made of steps: no slope anywhere. (Not g * 0, which is NaN where g is not finite.)"""
    return np.zeros_like(g)


def ufunc_spec(ufunc: np.ufunc) -> Callable[..., Spec]:
    """Broadcast shape; the dtype that NumPy's own loops give."""

    def spec(*operands: Spec) -> Spec:
        dtypes = ufunc.resolve_dtypes((*(s.dtype for s in operands), None))
        return Spec(broadcast(*(s.shape for s in operands)), dtypes[-1])

    return spec


def float_spec(*operands: Spec, **attrs: Any) -> Spec:
    """Broadcast shape; the common dtype of the operands, in floats (see `floats`, which its kernels begin with)."""
    dtype = result_dtype(*(s.dtype for s in operands))
    return Spec(broadcast(*(s.shape for s in operands)), float_dtype(dtype))


def common_spec(*operands: Spec, **attrs: Any) -> Spec:
    """Broadcast shape, common dtype."""
    return Spec(broadcast(*(s.shape for s in operands)), result_dtype(*(s.dtype for s in operands)))


def same_spec(x: Spec, *others: Spec, **attrs: Any) -> Spec:
    """The spec of the first operand."""
    return Spec(x.shape, result_dtype(x.dtype))


# -- reductions -------------------------------------------------------------------------------------------------------


def reduction(kernel: Callable[..., Any], vjp: Any = None, *, dtype: Any = None, samples: Samples | None = None,
              **columns: Any) -> Op:
    """A row that reduces over the attribute `axis` (None, one or several), with `keepdims`.

    dtype: the result's, or a function that gives it from the operand's; None: the same.
    """

    def spec(x: Spec, *, axis: Axes = None, keepdims: bool = False, **others: Any) -> Spec:
        own = result_dtype(x.dtype)
        made = own if dtype is None else np.dtype(dtype) if isinstance(dtype, type) else dtype(own)
        return Spec(reduced_shape(x.shape, axis, keepdims), made)

    return Op(kernel, spec=spec, vjp=vjp, kind="reduction", samples=samples or reduction_samples, **columns)


def reduces(ufunc: np.ufunc) -> Callable[[Front], Front]:
    """Decorator: this front answers to the ufunc's reduce, np.add.reduce and its kin."""

    def register(front: Front) -> Front:
        REDUCTIONS[ufunc] = front
        return front

    return register


def clean_axis(axis: Any) -> Axes:
    """An axis argument as plain ints, so that attributes can be printed and compared."""
    if axis is None or axis.__class__ is int:
        return axis
    return tuple(int(a) for a in axis) if isinstance(axis, (tuple, list)) else axis.__index__()


def reduced_shape(shape: Shape, axis: Axes, keepdims: bool) -> Shape:
    """
    >>> reduced_shape((2, 3, 4), (0, -1), False), reduced_shape((2, 3, 4), 1, True)
    ((3,), (2, 1, 4))
    """
    axes = normal_axes(axis, len(shape))
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def reduced_count(shape: Shape, axis: Axes) -> int:
    """How many elements go into one result."""
    if axis is None:
        return prod(shape)
    return prod(shape[a] for a in normal_axes(axis, len(shape)))


def unreduced(g: Any, x_shape: Shape, axis: Axes, keepdims: bool) -> Any:
    """`g` with the reduced axes put back at size 1: it broadcasts against the operand again."""
    if keepdims or axis is None or not x_shape:
        return g
    if axis.__class__ is int:
        axis %= len(x_shape)
        return g.reshape(x_shape[:axis] + (1,) + x_shape[axis + 1:])
    return g.reshape(reduced_shape(x_shape, axis, True))


def floats(x: Any) -> np.ndarray:
    """x as an array of floats; integers and bools become float64."""
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(float_dtype(x.dtype))


def float_dtype(dtype: np.dtype) -> np.dtype:
    """Floats stay; integers and bools become float64, as in NumPy's mean."""
    return np.true_divide.resolve_dtypes((dtype, dtype, None))[2]


def sum_dtype(dtype: np.dtype) -> np.dtype:
    """Floats stay; small integers and bools become the platform's, as in NumPy's sum."""
    return np.add.reduce(np.zeros(0, dtype)).dtype


def reduction_samples(draw: Draw) -> Sample:
    x = draw.array(draw.shape())
    return (x,), {"axis": draw.axes(x.ndim), "keepdims": draw.flag()}


def one_axis_samples(draw: Draw) -> Sample:
    """For reductions over one axis, or over all."""
    x = draw.spread(draw.shape())
    axis = draw.axis(x.ndim) if x.ndim and draw.flag() else None
    return (x,), {"axis": axis, "keepdims": draw.flag()}


# -- scans: along one axis, same shape --------------------------------------------------------------------------------


def scan(kernel: Callable[..., Any], vjp: Any = None, *, spec: Callable[..., Spec] | None = None,
         samples: Samples | None = None, **columns: Any) -> Op:
    """A row that runs along the attribute `axis` and keeps the shape: running sums and products, softmax."""
    columns.setdefault("kind", "scan")
    return Op(kernel, spec=spec or scan_spec, vjp=vjp, samples=samples or scan_samples, **columns)


def scan_spec(*operands: Spec, axis: Axes = -1, **attrs: Any) -> Spec:
    shape = broadcast(*(s.shape for s in operands))
    normal_axes(axis, len(shape))
    return Spec(shape, sum_dtype(result_dtype(*(s.dtype for s in operands))))


def float_scan_spec(x: Spec, *, axis: Axes = -1) -> Spec:
    """The operand's shape, in floats; ShapeError if there is no such axis."""
    normal_axes(axis, x.ndim)
    return Spec(x.shape, float_dtype(result_dtype(x.dtype)))


def scan_samples(draw: Draw) -> Sample:
    x = draw.array(draw.shape(min_ndim=1))
    return (x,), {"axis": draw.axis(x.ndim)}
