"""Joining and splitting along an axis."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from ..core.op import Op
from ..core.samples import Draw
from ..core.spec import Spec, normal_axis, result_dtype
from ..core.table import implements
from ..errors import ShapeError
from .shape import atleast_1d, atleast_2d, atleast_3d, moveaxis, ravel, reshape, value

__all__ = [
    "append", "apply_along_axis", "array_split", "block", "column_stack", "concatenate", "dsplit", "dstack",
    "hsplit", "hstack", "pack", "split", "stack", "unstack", "vsplit", "vstack",
]


def along(axis: int, place: Any) -> tuple:
    """The key that picks `place` along an axis (counted from the front) and all of those before it."""
    return (slice(None),) * axis + (place,)


# -- concatenate ----------------------------------------------------------------------------------------------------


def concatenate_kernel(*xs: Any, axis: int = 0, out: Any = None) -> Any:
    return np.concatenate(xs, axis, out)


def concatenate_spec(*xs: Spec, axis: int = 0) -> Spec:
    first = xs[0].shape
    for i, x in enumerate(xs):
        if x.ndim != len(first) or any(n != m for a, (n, m) in enumerate(zip(x.shape, first)) if a != axis):
            raise ShapeError(f"operand {i} has shape {x.shape}, operand 0 has {first}: apart from axis {axis}, along "
                             "which they are joined, the sizes must be equal")
    length = sum(x.shape[axis] for x in xs)
    return Spec((*first[:axis], length, *first[axis + 1:]), result_dtype(*(x.dtype for x in xs)))


def concatenate_rule(g: Any, position: int, shapes: list, axis: int) -> Any:
    start = sum(shape[axis] for shape in shapes[:position])
    return g[along(axis, slice(start, start + shapes[position][axis]))]


def concatenate_samples(draw: Draw) -> Any:
    shape = list(draw.shape(1, 3))
    axis = draw.integer(0, len(shape) - 1)
    xs = []
    for _ in range(draw.integer(1, 3)):
        shape[axis] = draw.integer(1, 3)
        xs.append(draw.array(tuple(shape)))
    return tuple(xs), {"axis": axis}


concatenate_row = Op(concatenate_kernel, name="concatenate", spec=concatenate_spec, vjp=concatenate_rule,
                     kind="movement", samples=concatenate_samples)


@implements(np.concatenate, getattr(np, "concat", np.concatenate))
def concatenate(arrays: Any, axis: int | None = 0) -> Any:
    """Joined along an axis that they have; with axis=None, flattened first. As np.concatenate.

    Raises ShapeError if another axis differs, naming the operand.

    >>> concatenate([np.zeros((2, 3)), np.ones((2, 1))], axis=1).shape
    (2, 4)
    """
    xs = several(arrays, "concatenate")
    if axis is None:
        xs, axis = [ravel(x) for x in xs], 0
    return concatenate_row(*xs, axis=normal_axis(axis, xs[0].ndim))


def several(arrays: Any, who: str) -> list:
    xs = [value(x) for x in arrays]
    if not xs:
        raise ShapeError(f"{who}: needs at least one array, got none")
    return xs


# -- pack -----------------------------------------------------------------------------------------------------------


def pack_kernel(*xs: Any, out: Any = None) -> Any:
    return np.concatenate([x.reshape(-1) for x in xs], 0, out)


def pack_spec(*xs: Spec) -> Spec:
    return Spec((sum(prod(x.shape) for x in xs),), result_dtype(*(x.dtype for x in xs)))


def pack_rule(g: Any, position: int, shapes: list) -> Any:
    start = sum(map(prod, shapes[:position]))
    return g[start:start + prod(shapes[position])].reshape(shapes[position])


def pack_samples(draw: Draw) -> Any:
    return tuple(draw.array(draw.shape(0, 2)) for _ in range(draw.integer(1, 3))), {}


pack = Op(pack_kernel, name="pack", spec=pack_spec, vjp=pack_rule, kind="movement", samples=pack_samples,
          doc="""Arrays of any shapes end to end in one flat array (np.concatenate of their ravel()s).

    A program's gradients lie so, for an optimizer to go over all weights at once.

    >>> pack(np.array([[1, 2], [3, 4]]), np.array(5))
    array([1, 2, 3, 4, 5])
    """)


# -- stack ----------------------------------------------------------------------------------------------------------


def stack_spec(*xs: Spec, axis: int = 0) -> Spec:
    first = xs[0].shape
    for i, x in enumerate(xs):
        if x.shape != first:
            raise ShapeError(f"operand {i} has shape {x.shape}, operand 0 has {first}; stacking needs equal shapes")
    return Spec((*first[:axis], len(xs), *first[axis:]), result_dtype(*(x.dtype for x in xs)))


def stack_samples(draw: Draw) -> Any:
    shape = draw.shape(0, 2)
    return tuple(draw.array(shape) for _ in range(draw.integer(1, 3))), {"axis": draw.integer(0, len(shape))}


stack_row = Op(lambda *xs, axis=0, out=None: np.stack(xs, axis, out), operands="*xs", name="stack", spec=stack_spec,
               kind="movement", samples=stack_samples, vjp=lambda g, position, axis: g[along(axis, position)])


@implements(np.stack)
def stack(arrays: Any, axis: int = 0) -> Any:
    """Joined along a new axis. As np.stack; raises ShapeError if the shapes differ."""
    xs = several(arrays, "stack")
    return stack_row(*xs, axis=normal_axis(axis, xs[0].ndim + 1))


# -- NumPy's other names for joining --------------------------------------------------------------------------------


@implements(np.vstack)
def vstack(tup: Any) -> Any:
    """Below each other, vectors as rows. As np.vstack."""
    return concatenate([atleast_2d(x) for x in tup], 0)


@implements(np.hstack)
def hstack(tup: Any) -> Any:
    """Beside each other: along axis 1, vectors along axis 0. As np.hstack."""
    xs = [atleast_1d(x) for x in several(tup, "hstack")]
    return concatenate(xs, 0 if xs[0].ndim == 1 else 1)


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    """Behind each other, along axis 2. As np.dstack."""
    return concatenate([atleast_3d(x) for x in tup], 2)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    """Beside each other, vectors as columns. As np.column_stack."""
    xs = several(tup, "column_stack")
    return concatenate([reshape(x, (-1, 1)) if x.ndim < 2 else x for x in xs], 1)


@implements(np.apply_along_axis)
def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """`func1d` of each vector along an axis, which its results take the place of. As np.apply_along_axis: slow."""
    arr = value(arr)
    axis = normal_axis(axis, arr.ndim)
    lines = moveaxis(arr, axis, -1)
    if None in lines.shape[:-1] or 0 in lines.shape[:-1]:
        raise ShapeError(f"apply_along_axis: there is no known number of vectors along axis {axis} of {arr.shape}")
    out = stack([func1d(line, *args, **kwargs) for line in reshape(lines, (-1, lines.shape[-1]))])
    made = out.ndim - 1
    out = reshape(out, (*lines.shape[:-1], *out.shape[1:]))
    return moveaxis(out, range(arr.ndim - 1, arr.ndim - 1 + made), range(axis, axis + made))


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """`values` behind `arr`, both flattened unless an axis is given. As np.append."""
    return concatenate([arr, values], axis)


@implements(np.block)
def block(arrays: Any) -> Any:
    """An array from nested lists of blocks: the innermost along the last axis. As np.block."""
    depth = nesting(arrays)

    def joined(blocks: Any, level: int) -> Any:
        if level == depth:
            return blocks
        return concatenate([joined(b, level + 1) for b in blocks], level - depth)

    ndim = max(depth, *(x.ndim for x in leaves(arrays)))
    return joined(padded(arrays, ndim), 0)


def nesting(blocks: Any) -> int:
    """How deep the lists go; they must all go equally deep."""
    if not isinstance(blocks, list):
        return 0
    depths = {nesting(b) for b in blocks}
    if len(depths) != 1:
        raise ValueError(f"block: the lists must be nested equally deep and not be empty, got depths {sorted(depths)}")
    return 1 + depths.pop()


def leaves(blocks: Any) -> list:
    return [x for b in blocks for x in leaves(b)] if isinstance(blocks, list) else [value(blocks)]


def padded(blocks: Any, ndim: int) -> Any:
    """The blocks with axes of size 1 in front, up to `ndim`."""
    if isinstance(blocks, list):
        return [padded(b, ndim) for b in blocks]
    x = value(blocks)
    return reshape(x, (1,) * (ndim - x.ndim) + x.shape)


# -- splitting ------------------------------------------------------------------------------------------------------


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list:
    """In so many parts, as equal as can be, or cut before these places. As np.array_split.

    >>> array_split(np.arange(5), 2)
    [array([0, 1, 2]), array([3, 4])]
    """
    ary = value(ary)
    axis = normal_axis(axis, ary.ndim)
    if np.ndim(indices_or_sections):
        cuts = [0, *indices_or_sections, None]
    else:
        n, parts = ary.shape[axis], int(indices_or_sections)
        if n is None:
            raise ShapeError(f"split: axis {axis} of {ary.shape} is still open; give the places to cut at, not a "
                             "number of parts")
        if parts <= 0:
            raise ValueError(f"split: the number of parts must be positive, got {parts}")
        cuts = [0]
        for i in range(parts):
            cuts.append(cuts[-1] + n // parts + (i < n % parts))
    return [ary[along(axis, slice(start, stop))] for start, stop in pairwise(cuts)]


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list:
    """In so many equal parts, or cut before these places. As np.split; ShapeError if the parts cannot be equal."""
    ary = value(ary)
    axis = normal_axis(axis, ary.ndim)
    n = ary.shape[axis]
    if not np.ndim(indices_or_sections) and n is not None and n % max(int(indices_or_sections), 1):
        raise ShapeError(f"split: axis {axis} of {ary.shape} does not divide into {indices_or_sections} equal parts; "
                         "np.array_split makes unequal ones")
    return array_split(ary, indices_or_sections, axis)


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list:
    """`split` along axis 1 (of a vector, axis 0). As np.hsplit."""
    return split(ary, indices_or_sections, 1 if value(ary).ndim > 1 else 0)


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list:
    """`split` along axis 0. As np.vsplit."""
    return split(ary, indices_or_sections, 0)


@implements(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list:
    """`split` along axis 2. As np.dsplit."""
    return split(ary, indices_or_sections, 2)


@implements(getattr(np, "unstack", "unstack"))
def unstack(x: Any, /, *, axis: int = 0) -> tuple:
    """The slices along an axis, without it: the opposite of `stack`. As np.unstack."""
    x = value(x)
    axis = normal_axis(axis, x.ndim)
    if x.shape[axis] is None:
        raise ShapeError(f"unstack: axis {axis} of {x.shape} is still open, so the number of slices is not known")
    return tuple(x[along(axis, i)] for i in range(x.shape[axis]))
