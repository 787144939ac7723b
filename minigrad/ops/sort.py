"""Sorting, and picking by position along an axis, which is what its derivative is made of."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..core.op import Op
from ..core.samples import Draw
from ..core.spec import Spec, broadcast, normal_axis
from ..core.table import implements
from ..errors import DTypeError, ShapeError
from .shape import ravel, value

__all__ = [
    "argpartition", "argsort", "digitize", "partition", "searchsorted", "sort", "take_along_axis", "top_k",
]


# -- take along an axis, and add along an axis ----------------------------------------------------------------------


def along_spec(x: Spec, ids: Spec, *, axis: int) -> Spec:
    if x.ndim != ids.ndim:
        raise ShapeError(f"values of shape {x.shape} and indices of shape {ids.shape} must have equally many axes")
    if ids.dtype.kind not in "iu":
        raise DTypeError(f"indices must be integers, got {ids.dtype}")
    others = broadcast(*((*s[:axis], 1, *s[axis + 1:]) for s in (x.shape, ids.shape)))
    return Spec((*others[:axis], ids.shape[axis], *others[axis + 1:]), x.dtype)


def add_along_kernel(x: Any, ids: Any, *, axis: int, size: int) -> Any:
    x, ids = np.moveaxis(x, axis, -1), np.moveaxis(np.broadcast_to(ids, x.shape), axis, -1)
    lines = x.shape[:-1]
    starts = np.arange(prod(lines)).reshape(*lines, 1) * size
    flat = np.zeros(prod(lines) * size, x.dtype)
    np.add.at(flat, (starts + ids % max(size, 1)).reshape(-1), x.reshape(-1))
    return np.moveaxis(flat.reshape(*lines, size), -1, axis)


def add_along_spec(x: Spec, ids: Spec, *, axis: int, size: int) -> Spec:
    if broadcast(ids.shape, x.shape) != x.shape or ids.shape[axis] != x.shape[axis]:
        raise ShapeError(f"indices of shape {ids.shape} do not fit values of shape {x.shape}")
    return Spec((*x.shape[:axis], size, *x.shape[axis + 1:]), x.dtype)


def along_samples(draw: Draw) -> Any:
    shape = draw.shape(1, 3)
    axis = draw.integer(0, len(shape) - 1)
    ids = draw.ids((*shape[:axis], draw.integer(1, 3), *shape[axis + 1:]), shape[axis])
    thin = tuple(1 if a != axis and draw.integer(0, 3) == 0 else n for a, n in enumerate(shape))
    return (draw.array(thin), ids), {"axis": axis}


def add_along_samples(draw: Draw) -> Any:
    (x, ids), attrs = along_samples(draw)
    return (draw.array(ids.shape), ids), {"size": x.shape[attrs["axis"]], **attrs}


take_along_axis_row: Op = Op(
    lambda x, ids, *, axis: np.take_along_axis(x, ids, axis), name="take_along_axis", kind="gather", spec=along_spec,
    samples=along_samples,
    vjp=(lambda g, ids, x_shape, axis: add_along_axis(g, ids, axis=axis, size=x_shape[axis]), None))

add_along_axis: Op = Op(
    add_along_kernel, name="add_along_axis", kind="scatter", spec=add_along_spec, samples=add_along_samples,
    vjp=(lambda g, ids, axis: take_along_axis_row(g, ids, axis=axis), None),
    doc="Zeros with x added at positions along an axis, repeats included: the adjoint of take_along_axis.")


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """At each place the element that `indices` names along the axis. As np.take_along_axis.

    >>> take_along_axis(np.array([[10, 20, 30], [40, 50, 60]]), np.array([[2], [0]]), axis=1)
    array([[30],
           [40]])
    """
    arr, indices = value(arr), value(indices)
    if axis is None:
        arr, axis = ravel(arr), 0
    return take_along_axis_row(arr, indices, axis=normal_axis(axis, arr.ndim))


# -- sorting --------------------------------------------------------------------------------------------------------


def distinct(draw: Draw) -> Any:
    x = draw.spread(draw.shape(1, 3))
    return (x,), {"axis": draw.integer(0, x.ndim - 1)}


def sort_rule(g: Any, x: Any, x_shape: tuple[int, ...], axis: int) -> Any:
    """Back to where each element came from."""
    return add_along_axis(g, argsort_row(x, axis=axis), axis=axis, size=x_shape[axis])


argsort_row = Op(lambda x, *, axis: np.argsort(x, axis, kind="stable"), name="argsort", kind="sort",
                 samples=distinct, spec=lambda x, *, axis: Spec(x.shape, np.dtype(np.intp)))

sort_row = Op(lambda x, *, axis: np.sort(x, axis, kind="stable"), name="sort", kind="sort", samples=distinct,
              spec=lambda x, *, axis: x, vjp=sort_rule)


def sortable(a: Any, axis: int | None, kind: str | None) -> tuple[Any, int]:
    if kind not in (None, "stable", "mergesort"):
        raise TypeError(f"sort: kind={kind!r} is not supported; the sort is always stable")
    a = value(a)
    return (ravel(a), 0) if axis is None else (a, normal_axis(axis, a.ndim))


@implements(np.sort)
def sort(a: Any, axis: int | None = -1, kind: str | None = None, *, stable: bool | None = None) -> Any:
    """In ascending order along an axis; with axis=None, flattened first. As np.sort with kind="stable"."""
    a, axis = sortable(a, axis, kind)
    return sort_row(a, axis=axis)


@implements(np.argsort)
def argsort(a: Any, axis: int | None = -1, kind: str | None = None, *, stable: bool | None = None) -> Any:
    """The positions that sort along an axis; equal elements keep their order. As np.argsort with kind="stable"."""
    a, axis = sortable(a, axis, kind)
    return argsort_row(a, axis=axis)


@implements(np.partition)
def partition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    """The element that sorting puts at `kth`, smaller ones before it and larger ones behind. As np.partition.

    All of them come sorted, which makes any `kth` right.
    """
    return sort(a, axis)


@implements(np.argpartition)
def argpartition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    """The positions of what `partition` gives. As np.argpartition."""
    return argsort(a, axis)


def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Any, Any]:
    """The k largest along the last axis, in descending order, and their positions; of equals, the first come first.

    sorted=False allows any order; it is descending all the same. (keras.ops.top_k)

    >>> top_k(np.array([1.0, 7.0, 5.0]), 2)
    (array([7., 5.]), array([1, 2]))
    """
    x = value(x)
    if not x.ndim or (x.shape[-1] is not None and not 0 <= k <= x.shape[-1]):
        raise ShapeError(f"top_k: k={k} does not fit the last axis of shape {x.shape}")
    positions = argsort(-x)[..., :k]
    return take_along_axis(x, positions, -1), positions


# -- searching ------------------------------------------------------------------------------------------------------


def search_samples(draw: Draw) -> Any:
    ordered = np.sort(draw.spread(draw.shape(1, 1)))
    return (ordered, draw.array(draw.shape(0, 2))), {"side": draw.choice(["left", "right"])}


def search_spec(x: Spec, y: Spec, *, side: str = "left") -> Spec:
    if x.ndim != 1:
        raise ShapeError(f"searchsorted: expected a sorted vector to search in, got shape {x.shape}")
    return Spec(y.shape, np.dtype(np.intp))


searchsorted_row = Op(lambda x, y, *, side="left": np.searchsorted(x, y, side), name="searchsorted", kind="other",
                      spec=search_spec, samples=search_samples)


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left") -> Any:
    """Where in the sorted vector `a` each element of `v` belongs. As np.searchsorted; no gradient."""
    return searchsorted_row(value(a), value(v), side=side)


@implements(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """The number of the bin, between ascending edges, that each element lies in. As np.digitize; no gradient."""
    return searchsorted(bins, x, "left" if right else "right")
