"""Views: the same elements under another shape, in another order of axes, or repeated by broadcasting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from math import prod
from operator import index
from typing import Any

import numpy as np

from ..core.op import Op
from ..core.samples import Draw
from ..core.spec import Shape, Spec, broadcast, normal_axes, normal_axis
from ..core.table import implements
from ..errors import ShapeError

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_to", "expand_dims", "matrix_transpose",
    "meshgrid", "moveaxis", "ravel", "reshape", "rollaxis", "squeeze", "swapaxes", "transpose",
]

view = partial(Op, operands="x", kind="view")


def value(x: Any) -> Any:
    """x itself if it has axes to ask for, else the array that NumPy makes of it."""
    return x if hasattr(x, "ndim") else np.asarray(x)


# -- reshape --------------------------------------------------------------------------------------------------------


def reshape_spec(x: Spec, *, shape: Shape) -> Spec:
    have, known = prod(x.shape), prod(n for n in shape if n != -1)
    if -1 in shape:
        if not known or have % known:
            raise ShapeError(f"cannot reshape {x.shape} ({have} elements) into {shape}: {have} is no multiple of "
                             f"{known}")
        shape = tuple(have // known if n == -1 else n for n in shape)
    elif have != known:
        raise ShapeError(f"cannot reshape {x.shape} ({have} elements) into {shape} ({known} elements)")
    return Spec(shape, x.dtype)


def reshape_samples(draw: Draw) -> Any:
    old = draw.shape(0, 3)
    new = draw.choice([old[::-1], (prod(old),), (1, *old, 1), (-1, *old[1:])])
    return (draw.array(old),), {"shape": new}


reshape_row = view(lambda x, *, shape: x.reshape(shape), name="reshape", spec=reshape_spec, samples=reshape_samples,
                   vjp=lambda g, x_shape: g.reshape(x_shape))


@implements(np.reshape)
def reshape(a: Any, shape: Any, order: str = "C") -> Any:
    """The same elements in another shape. One size may be -1, or None (an open axis): what is left over. As np.reshape.

    Raises ShapeError if the numbers of elements differ.

    >>> reshape(np.arange(6), (2, -1)).shape
    (2, 3)
    """
    if order != "C":
        raise TypeError(f"reshape: order={order!r} is not supported, only 'C' (the last axis fastest)")
    a = value(a)
    sizes = tuple([-1 if n is None else index(n) for n in (shape if hasattr(shape, "__iter__") else (shape,))])
    if -1 in sizes[1:] and shape[0] is None and a.shape[:1] == (None,):
        from .batch import reshape_rows  # late: it is made of this room's view

        return reshape_rows(a, shape=sizes[1:])  # the open batch stays, and something else is left over
    if sizes.count(-1) > 1 or min(sizes, default=0) < -1:
        raise ShapeError(f"reshape: shape={shape} may leave one size open (-1 or None), and has no other negative ones")
    return reshape_row(a, shape=sizes)


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """All elements along one axis. As np.ravel."""
    return reshape(a, (-1,), order)


# -- the order of axes ----------------------------------------------------------------------------------------------


def inverse(order: Sequence[int]) -> tuple[int, ...]:
    """The permutation that undoes this one.

    >>> inverse((2, 0, 1))
    (1, 2, 0)
    """
    return tuple(sorted(range(len(order)), key=order.__getitem__))


def transpose_samples(draw: Draw) -> Any:
    x = draw.array(draw.shape(0, 3))
    order = tuple(int(i) for i in np.argsort(draw.spread((x.ndim,))))
    return (x,), {"axes": draw.choice([None, order])}


transpose_row = view(
    lambda x, *, axes=None: x.transpose(axes), name="transpose", samples=transpose_samples,
    spec=lambda x, *, axes=None: Spec(x.shape[::-1] if axes is None else tuple(x.shape[a] for a in axes), x.dtype),
    vjp=lambda g, axes: g.transpose(axes and inverse(axes)))


@implements(np.transpose, getattr(np, "permute_dims", np.transpose))
def transpose(a: Any, axes: Any = None) -> Any:
    """The axes in another order; in reverse without `axes`. As np.transpose."""
    a = value(a)
    if axes is not None:
        axes = tuple(normal_axis(i, a.ndim, "axes") for i in axes)
        if sorted(axes) != list(range(a.ndim)):
            raise ShapeError(f"transpose: axes={axes} must name each of the {a.ndim} axes of {a.shape} once")
    return transpose_row(a, axes=axes)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged. As np.swapaxes."""
    a = value(a)
    order = list(range(a.ndim))
    i, j = normal_axis(axis1, a.ndim, "axis1"), normal_axis(axis2, a.ndim, "axis2")
    order[i], order[j] = j, i
    return transpose_row(a, axes=tuple(order))


@implements(*(getattr(room, "matrix_transpose", "matrix_transpose") for room in (np, np.linalg)))
def matrix_transpose(x: Any) -> Any:
    """The last two axes exchanged. As np.matrix_transpose."""
    return swapaxes(x, -1, -2)


@implements(np.moveaxis)
def moveaxis(a: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """Some axes moved to new places, the others in the old order. As np.moveaxis."""
    a = value(a)
    from_, to = ([normal_axis(i, a.ndim, name) for i in ((axes,) if isinstance(axes, int) else axes)]
                 for name, axes in (("source", source), ("destination", destination)))
    if len(from_) != len(to) or len(set(from_)) != len(from_) or len(set(to)) != len(to):
        raise ShapeError(f"moveaxis: source={source} and destination={destination} must name as many axes, each once")
    order = [i for i in range(a.ndim) if i not in from_]
    for place, axis in sorted(zip(to, from_)):
        order.insert(place, axis)
    return transpose_row(a, axes=tuple(order))


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """One axis moved in front of the axis `start`. As np.rollaxis."""
    a = value(a)
    axis, start = normal_axis(axis, a.ndim), normal_axis(start, a.ndim + 1, "start")
    return moveaxis(a, axis, start - (start > axis))


# -- axes of size 1 -------------------------------------------------------------------------------------------------


def with_ones(shape: Iterable[int], axes: tuple[int, ...]) -> list[int]:
    out = list(shape)
    for axis in axes:
        out.insert(axis, 1)
    return out


def squeeze_spec(x: Spec, *, axis: tuple[int, ...]) -> Spec:
    for a in axis:
        if x.shape[a] != 1:
            raise ShapeError(f"axis {a} of {x.shape} has size {x.shape[a]}; only an axis of size 1 can be squeezed")
    return Spec(tuple(n for a, n in enumerate(x.shape) if a not in axis), x.dtype)


def expand_samples(draw: Draw) -> Any:
    x = draw.array(draw.shape(0, 2))
    return (x,), {"axis": draw.choice([(0,), (x.ndim,), (0, x.ndim + 1)])}


expand_dims_row = view(
    lambda x, *, axis: x.reshape(with_ones(x.shape, axis)), name="expand_dims", samples=expand_samples,
    spec=lambda x, *, axis: Spec(tuple(with_ones(x.shape, axis)), x.dtype),
    vjp=lambda g, axis: g.squeeze(axis))

squeeze_row = view(
    lambda x, *, axis: x.squeeze(axis), name="squeeze", spec=squeeze_spec,
    samples=lambda draw: ((draw.array((1, *draw.shape(0, 2), 1)),), {"axis": draw.choice([(0,), ()])}),
    vjp=lambda g, axis: expand_dims_row(g, axis=axis))


@implements(np.expand_dims)
def expand_dims(a: Any, axis: int | tuple[int, ...]) -> Any:
    """New axes of size 1, at these places of the result. As np.expand_dims."""
    a = value(a)
    extra = len(axis) if isinstance(axis, (tuple, list)) else 1
    return expand_dims_row(a, axis=normal_axes(axis, a.ndim + extra))


@implements(np.squeeze)
def squeeze(a: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """Without the axes of size 1, or without those named. As np.squeeze."""
    a = value(a)
    ones = tuple(i for i, n in enumerate(a.shape) if n == 1)
    return squeeze_row(a, axis=ones if axis is None else normal_axes(axis, a.ndim))


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """Numbers as vectors of one element. As np.atleast_1d; several arguments give a tuple."""
    return _each(lambda a: a if a.ndim else expand_dims(a, 0), arys)


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """With axes of size 1 in front until there are two. As np.atleast_2d."""
    return _each(lambda a: a if a.ndim >= 2 else expand_dims(a, tuple(range(2 - a.ndim))), arys)


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """With axes of size 1 until there are three: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1). As np.atleast_3d."""
    places: list[tuple[int, ...]] = [(0, 1, 2), (0, 2), (2,)]
    return _each(lambda a: a if a.ndim >= 3 else expand_dims(a, places[a.ndim]), arys)


def _each(function: Any, arrays: tuple) -> Any:
    out = tuple(function(value(a)) for a in arrays)
    return out[0] if len(out) == 1 else out


# -- broadcasting ---------------------------------------------------------------------------------------------------

SMALL = 4096  # elements: up to here filling an array is faster than np.broadcast_to, whose view costs 2.5 µs


def own_sizes(shape: tuple[int | None, ...], own: Shape) -> Shape:
    """None in the shape to broadcast to stands for the operand's own size."""
    if None not in shape:
        return shape  # type: ignore[return-value]
    offset = len(shape) - len(own)
    if None in shape[:max(offset, 0)]:
        raise ShapeError(f"cannot broadcast {own} to {shape}: a size of None means the operand's own, and "
                         "it has no such axis")
    return tuple(own[i - offset] if n is None else n for i, n in enumerate(shape))


def broadcast_kernel(x: Any, *, shape: Shape) -> Any:
    shape = own_sizes(shape, x.shape)
    if prod(shape) > SMALL:
        return np.broadcast_to(x, shape)
    out = np.empty(shape, x.dtype)
    if x.ndim > len(shape):  # assignment alone would drop leading axes of size 1
        raise ValueError(f"cannot broadcast {x.shape} to {shape}")
    out[...] = x
    return out


def broadcast_spec(x: Spec, *, shape: Shape) -> Spec:
    shape = own_sizes(shape, x.shape)
    if x.ndim > len(shape) or any(n not in (1, m) for n, m in zip(x.shape, shape[len(shape) - x.ndim:], strict=True)):
        raise ShapeError(f"cannot broadcast {x.shape} to {shape}: aligned at the right, each size must be equal or 1")
    return Spec(shape, x.dtype)


def broadcast_samples(draw: Draw) -> Any:
    shape = draw.shape()
    return (draw.array(draw.broadcastable(shape)),), {"shape": shape}


# Its adjoint, summing over the axes that were repeated, is what autodiff does to every gradient.
broadcast_to_row = view(broadcast_kernel, name="broadcast_to", spec=broadcast_spec, samples=broadcast_samples,
                        vjp=lambda g: g)


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any) -> Any:
    """Repeated along new axes and along axes of size 1. None keeps the array's own size. As np.broadcast_to.

    >>> broadcast_to(np.zeros((5, 1)), (None, 3)).shape
    (5, 3)
    """
    shape = tuple(n if n is None else index(n) for n in (shape if hasattr(shape, "__iter__") else (shape,)))
    return broadcast_to_row(value(array), shape=shape)


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any) -> tuple:
    """All of them broadcast to one shape. As np.broadcast_arrays."""
    arrays = [value(a) for a in args]
    # An open axis of a Symbol is longer than 1, and it fits no size but its own.
    shape = tuple(None if n == -1 else n for n in broadcast(*(
        tuple(-1 if n is None else n for n in a.shape) for a in arrays)))
    return tuple(a if a.shape == shape else broadcast_to(a, shape) for a in arrays)


@implements(np.meshgrid)
def meshgrid(*xi: Any, indexing: str = "xy", sparse: bool = False) -> tuple:
    """The coordinates of a grid from those along each axis; "xy" swaps the first two axes. As np.meshgrid.

    sparse: leave all but the own axis at size 1.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing={indexing!r} is neither 'xy' nor 'ij'")
    order = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        order[:2] = 1, 0
    lines = [reshape(x, (1,) * k + (-1,) + (1,) * (len(xi) - k - 1)) for k, x in zip(order, xi)]
    return tuple(lines) if sparse else broadcast_arrays(*lines)
