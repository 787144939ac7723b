"""Movement: elements in other places, reversed, repeated or padded."""

from __future__ import annotations

from functools import partial
from operator import index
from typing import Any

import numpy as np

from ..core.op import Op
from ..core.samples import Draw
from ..core.spec import Spec, normal_axes, normal_axis
from ..core.table import implements
from ..errors import ShapeError, unknown
from .shape import expand_dims, ravel, reshape, swapaxes, value, view
from .take import take

__all__ = ["flip", "fliplr", "flipud", "pad", "repeat", "roll", "rot90", "tile"]

movement = partial(Op, operands="x", kind="movement")


# -- reversing ------------------------------------------------------------------------------------------------------


def flip_samples(draw: Draw) -> Any:
    x = draw.array(draw.shape(1, 3))
    return (x,), {"axis": normal_axes(draw.axes(x.ndim), x.ndim)}


flip_row: Op = view(
    lambda x, *, axis: x[tuple(slice(None, None, -1 if a in axis else None) for a in range(x.ndim))], name="flip",
    spec=lambda x, *, axis: x, samples=flip_samples, vjp=lambda g, axis: flip_row(g, axis=axis))


@implements(np.flip)
def flip(m: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """In reverse order along these axes, or along all. As np.flip."""
    m = value(m)
    return flip_row(m, axis=normal_axes(axis, m.ndim))


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    """In reverse order along axis 1. As np.fliplr."""
    return flip(m, 1)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    """In reverse order along axis 0. As np.flipud."""
    return flip(m, 0)


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Turned k times by 90 degrees, from the first of the axes towards the second. As np.rot90."""
    m = value(m)
    i, j = normal_axis(axes[0], m.ndim, "axes"), normal_axis(axes[1], m.ndim, "axes")
    if i == j:
        raise ShapeError(f"rot90: axes={axes} must be two different axes")
    if k % 2 == 0:
        return flip(m, (i, j)) if k % 4 else m
    return swapaxes(flip(m, j), i, j) if k % 4 == 1 else flip(swapaxes(m, i, j), j)

# -- rolling --------------------------------------------------------------------------------------------------------


def roll_samples(draw: Draw) -> Any:
    x = draw.array(draw.shape(1, 3))
    axes = draw.choice([(0,), (x.ndim - 1, 0)])
    return (x,), {"shift": tuple(draw.integer(-4, 4) for _ in axes), "axis": axes}


roll_row: Op = movement(
    lambda x, *, shift, axis: np.roll(x, shift, axis), name="roll", spec=lambda x, *, shift, axis: x,
    samples=roll_samples, vjp=lambda g, shift, axis: roll_row(g, shift=tuple(-n for n in shift), axis=axis))


@implements(np.roll)
def roll(a: Any, shift: int | tuple[int, ...], axis: int | tuple[int, ...] | None = None) -> Any:
    """Moved along, what leaves at the end coming in at the front; without an axis, as if flattened. As np.roll.

    >>> roll(np.arange(5), 2)
    array([3, 4, 0, 1, 2])
    """
    a = value(a)
    if axis is None:
        return reshape(roll(ravel(a), shift, 0), a.shape)
    shifts, axes = (pair.ravel().tolist() for pair in np.broadcast_arrays(shift, axis))
    return roll_row(a, shift=tuple(shifts), axis=tuple(normal_axis(i, a.ndim) for i in axes))


# -- repeating ------------------------------------------------------------------------------------------------------


def repeat_spec(x: Spec, *, repeats: int, axis: int) -> Spec:
    return Spec((*x.shape[:axis], x.shape[axis] * repeats, *x.shape[axis + 1:]), x.dtype)


def repeat_rule(g: Any, x_shape: tuple[int, ...], repeats: int, axis: int) -> Any:
    return np.add.reduce(g.reshape((*x_shape[:axis + 1], repeats, *x_shape[axis + 1:])), axis=axis + 1)


def repeat_samples(draw: Draw) -> Any:
    x = draw.array(draw.shape(1, 3))
    return (x,), {"repeats": draw.integer(0, 3), "axis": draw.integer(0, x.ndim - 1)}


repeat_row = movement(lambda x, *, repeats, axis: np.repeat(x, repeats, axis), name="repeat", spec=repeat_spec,
                      samples=repeat_samples, vjp=repeat_rule)


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element so many times in a row; `repeats` is one number, or one for each place. As np.repeat.

    >>> repeat(np.array([7, 8, 9]), [2, 0, 1])
    array([7, 7, 9])
    """
    a = value(a)
    if axis is None:
        a, axis = ravel(a), 0
    axis = normal_axis(axis, a.ndim)
    counts = np.asarray(repeats)
    if counts.size == 1 and counts.ndim <= 1:
        return repeat_row(a, repeats=index(counts.item()), axis=axis)
    if counts.shape != (a.shape[axis],):
        raise ShapeError(f"repeat: repeats has shape {counts.shape}; expected one number, or one for each of the "
                         f"{a.shape[axis]} places along axis {axis} of {a.shape}")
    return take(a, np.repeat(np.arange(len(counts)), counts), axis)


def tile_spec(x: Spec, *, reps: tuple[int, ...]) -> Spec:
    return Spec(tuple(n * r for n, r in zip(x.shape, reps, strict=True)), x.dtype)


def tile_rule(g: Any, x_shape: tuple[int, ...], reps: tuple[int, ...]) -> Any:
    split = g.reshape([size for pair in zip(reps, x_shape) for size in pair])
    return np.add.reduce(split, axis=tuple(range(0, 2 * len(reps), 2)))


def tile_samples(draw: Draw) -> Any:
    x = draw.array(draw.shape(0, 3, max_size=3))
    return (x,), {"reps": tuple(draw.integer(0, 2) for _ in x.shape)}


tile_row = movement(lambda x, *, reps: np.tile(x, reps), name="tile", spec=tile_spec, samples=tile_samples,
                    vjp=tile_rule)


@implements(np.tile)
def tile(A: Any, reps: int | tuple[int, ...]) -> Any:
    """The whole array so many times along each axis. As np.tile."""
    A = value(A)
    counts = tuple(index(r) for r in (reps if isinstance(reps, (tuple, list, np.ndarray)) else (reps,)))
    if A.ndim < len(counts):
        A = expand_dims(A, tuple(range(len(counts) - A.ndim)))
    return tile_row(A, reps=(1,) * (A.ndim - len(counts)) + counts)


# -- padding --------------------------------------------------------------------------------------------------------

Widths = tuple[tuple[int, int], ...]


def within(pad_width: Widths) -> tuple[slice, ...]:
    """What lies between the padding."""
    return tuple(slice(before, -after or None) for before, after in pad_width)


def pad_kernel(x: Any, *, pad_width: Widths, constant_values: float = 0.0, out: Any = None) -> Any:
    if out is None:
        out = np.empty(tuple(n + before + after for n, (before, after) in zip(x.shape, pad_width)), x.dtype)
    out.fill(constant_values)
    out[within(pad_width)] = x
    return out


def pad_spec(x: Spec, *, pad_width: Widths, constant_values: float = 0.0) -> Spec:
    return Spec(tuple(n + before + after for n, (before, after) in zip(x.shape, pad_width, strict=True)), x.dtype)


def pad_samples(draw: Draw) -> Any:
    x = draw.array(draw.shape(0, 3))
    widths = tuple((draw.integer(0, 2), draw.integer(0, 2)) for _ in x.shape)
    return (x,), {"pad_width": widths, "constant_values": draw.choice([0.0, 1.5])}


pad_row = movement(pad_kernel, name="pad", spec=pad_spec, samples=pad_samples,
                   vjp=lambda g, pad_width: g[within(pad_width)])


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: float = 0.0) -> Any:
    """Wider at both ends of each axis. As np.pad.

    pad_width: ((before, after), ...) for each axis, one such pair, or one number for all.
    mode: "constant" (with constant_values, one number), or what is taken from the array itself: "edge", "reflect",
        "symmetric", "wrap". NumPy's other modes are computed from statistics and have no row.

    >>> pad(np.array([1, 2, 3]), (1, 2), mode="edge")
    array([1, 1, 2, 3, 3, 3])
    """
    array = value(array)
    widths = tuple((index(b), index(a)) for b, a in np.broadcast_to(pad_width, (array.ndim, 2)).tolist())
    if any(min(pair) < 0 for pair in widths):
        raise ShapeError(f"pad: pad_width={pad_width} must not be negative; to cut, slice")
    if mode == "constant":
        if np.ndim(constant_values):
            raise TypeError("pad: constant_values must be one number on Tensors and Symbols, not one for each side")
        return pad_row(array, pad_width=widths, constant_values=constant_values)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise unknown("pad mode", mode, ["constant", "edge", "reflect", "symmetric", "wrap"])
    for axis, pair in enumerate(widths):
        if pair != (0, 0):
            if array.shape[axis] is None:
                raise ShapeError(f"pad: mode={mode!r} needs the size of axis {axis}, which is still open")
            array = take(array, np.pad(np.arange(array.shape[axis]), pair, mode=mode), axis)  # type: ignore[call-overload]
    return array
