"""Bags of rows: sums and maxima over time of a table's rows, without the tensor (batch, time, width).

Three rows are the slopes of one form, which is linear in each of its three parts, and so they are each other's rules:

    form(table, weights, x) = the sum over b and t of weights[b, t] * (table[ids[b, t]] . x[b])

`bag_sum` is its slope in x, `bag_scatter` in the table, and `bag_dot` in the weights. A maximum is an element that is
picked from one row: `bag_argmax` says from which one, and `bag_pick` and `bag_place` are a gather and its adjoint.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.op import Op
from ..core.rowsparse import RowSparse
from ..core.samples import Draw
from ..core.spec import Shape, Spec, result_dtype
from ..errors import ShapeError
from .gather import Lookup, check_integer, checked
from .spread import blocks, spread_gradient, spread_rows

__all__ = ["bag_argmax", "bag_dot", "bag_pick", "bag_place", "bag_scatter", "bag_sum"]


def check_bags(ids: Spec, *others: tuple[str, Spec, Shape]) -> None:
    """ShapeError unless ids are (batch, time), and each other operand, named, of the shape that goes with them."""
    check_integer(ids.dtype)
    if ids.ndim != 2:
        raise ShapeError(f"bags need ids of two axes, (batch, time); got {ids.shape}")
    for name, spec, shape in others:
        if spec.shape != shape:
            raise ShapeError(f"{name} of shape {spec.shape} for ids of shape {ids.shape}; expected {shape}")


def width_of(table: Spec) -> int:
    if table.ndim != 2:
        raise ShapeError(f"bags need a table of two axes, (rows, width); got {table.shape}")
    return table.shape[1]


# -- sums, with weights ---------------------------------------------------------------------------------------------


def bag_sum_kernel(table: Any, ids: Any, weights: Any, *, out: Any = None) -> Any:
    table, weights = np.asarray(table), np.asarray(weights)
    ids = checked(ids, table.shape[0])
    if out is None:
        out = np.empty((len(ids), table.shape[1]), np.result_type(table, weights))
    for part in blocks(ids, table.shape[1]):
        out[part] = np.matmul(weights[part, None, :], table.take(ids[part], 0))[:, 0]
    return out


def bag_sum_spec(table: Spec, ids: Spec, weights: Spec) -> Spec:
    check_bags(ids, ("weights", weights, ids.shape))
    return Spec((ids.shape[0], width_of(table)), result_dtype(table.dtype, weights.dtype))


def bag_samples(draw: Draw) -> Any:
    """A table, ids for it, and weights for each of them."""
    table = draw.array(draw.shape(2, 2))
    ids = draw.ids(draw.shape(2, 2), table.shape[0])
    return (table, ids, draw.array(ids.shape)), {}


def bag_gradient(x: Any, ids: Any, weights: Any, shape: Shape) -> Any:
    """The slope in the table: rows alone (RowSparse) from arrays, else `bag_scatter`, which can be differentiated."""
    if isinstance(x, np.ndarray) and isinstance(weights, np.ndarray):
        return spread_gradient(x, ids, weights, shape)
    return bag_scatter(x, ids, weights, shape=shape)


bag_sum: Op = Lookup(
    bag_sum_kernel, name="bag_sum", spec=bag_sum_spec, kind="gather", samples=bag_samples,
    vjp=(lambda g, ids, weights, table_shape: bag_gradient(g, ids, weights, table_shape), None,
         lambda g, table, ids: bag_dot(table, ids, g)), doc="""
    For each bag of ids (batch, time) the sum of its rows of the table, each times its weight: (batch, width).

    >>> bag_sum(np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[1, 1, 0]]), np.array([[1.0, 0.5, 7.0]]))
    array([[ 3. , 11.5]])
    """)


# -- the table's slope ----------------------------------------------------------------------------------------------


def bag_scatter_kernel(x: Any, ids: Any, weights: Any, *, shape: Shape, out: Any = None) -> Any:
    x, weights = np.asarray(x), np.asarray(weights)
    found, sums = spread_rows(x, checked(ids, shape[0]), weights, shape[0])
    if out is None:
        out = np.zeros(shape, np.result_type(x, weights))
    else:
        out.fill(0)
    out[found] = sums
    return out


def bag_scatter_spec(x: Spec, ids: Spec, weights: Spec, *, shape: Shape) -> Spec:
    check_bags(ids, ("weights", weights, ids.shape), ("rows", x, (ids.shape[0], *shape[1:])))
    return Spec(tuple(shape), result_dtype(x.dtype, weights.dtype))


def bag_scatter_samples(draw: Draw) -> Any:
    (table, ids, weights), _ = bag_samples(draw)
    return (draw.array((len(ids), table.shape[1])), ids, weights), {"shape": table.shape}


bag_scatter: Op = Op(
    bag_scatter_kernel, name="bag_scatter", spec=bag_scatter_spec, kind="scatter", samples=bag_scatter_samples,
    vjp=(lambda g, ids, weights: bag_sum(g, ids, weights), None, lambda g, x, ids: bag_dot(g, ids, x)), doc="""
    Zeros of `shape` with weights[b, t] * x[b] added to row ids[b, t], repeats included: the adjoint of `bag_sum`.
    """)


# -- the weights' slope ---------------------------------------------------------------------------------------------


def bag_dot_kernel(table: Any, ids: Any, x: Any, *, out: Any = None) -> Any:
    table, x = np.asarray(table), np.asarray(x)
    ids = checked(ids, table.shape[0])
    out = np.empty(ids.shape, np.result_type(table, x)) if out is None else out
    for part in blocks(ids, table.shape[1]):
        out[part] = np.matmul(table.take(ids[part], 0), x[part, :, None])[:, :, 0]
    return out


def bag_dot_spec(table: Spec, ids: Spec, x: Spec) -> Spec:
    check_bags(ids, ("rows", x, (ids.shape[0], width_of(table))))
    return Spec(ids.shape, result_dtype(table.dtype, x.dtype))


def bag_dot_samples(draw: Draw) -> Any:
    (table, ids, _), _ = bag_samples(draw)
    return (table, ids, draw.array((len(ids), table.shape[1]))), {}


bag_dot: Op = Lookup(
    bag_dot_kernel, name="bag_dot", spec=bag_dot_spec, kind="gather", samples=bag_dot_samples,
    vjp=(lambda g, ids, x, table_shape: bag_gradient(x, ids, g, table_shape), None,
         lambda g, table, ids: bag_sum(table, ids, g)),
    doc="At each place of ids (batch, time) the dot product of its row of the table and the bag's row of x.")


# -- maxima ---------------------------------------------------------------------------------------------------------


def bag_argmax_kernel(table: Any, ids: Any, *, out: Any = None) -> Any:
    table, ids = np.asarray(table), np.asarray(ids)
    own = ids.astype(np.intp)
    checked(np.maximum(own, 0), table.shape[0])
    out = np.empty((len(ids), table.shape[1]), np.intp) if out is None else out
    if not own.shape[1]:
        out.fill(-1)
    else:
        kind = table.dtype.kind
        lowest = -np.inf if kind == "f" else np.iinfo(table.dtype).min if kind in "iu" else False
        for part in blocks(own, table.shape[1]):
            rows = table.take(own[part], 0, mode="clip")
            np.copyto(rows, lowest, where=(own[part] < 0)[:, :, None])
            out[part] = np.take_along_axis(own[part], rows.argmax(1), 1)
    return out


def bag_argmax_spec(table: Spec, ids: Spec) -> Spec:
    check_bags(ids)
    return Spec((ids.shape[0], width_of(table)), np.dtype(np.intp))


def bag_argmax_samples(draw: Draw) -> Any:
    table = draw.spread(draw.shape(2, 2))
    return (table, draw.ids(draw.shape(2, 2), table.shape[0] + 1) - 1), {}


bag_argmax: Op = Lookup(
    bag_argmax_kernel, name="bag_argmax", spec=bag_argmax_spec, kind="gather", samples=bag_argmax_samples, doc="""
    For each bag of ids (batch, time) and each column the id whose row is the greatest there, the first of several.

    Places with id -1 are left out; where nothing else is in a bag the result is -1. There is no gradient.

    >>> bag_argmax(np.array([[5.0, 1.0], [2.0, 3.0]]), np.array([[1, 0, -1], [-1, -1, -1]]))
    array([[ 0,  1],
           [-1, -1]])
    """)


def bag_pick_kernel(table: Any, ids: Any, *, out: Any = None) -> Any:
    table, ids = np.asarray(table), np.asarray(ids)
    picked = np.take_along_axis(table, checked(np.maximum(ids, 0), table.shape[0]), 0)
    picked[ids < 0] = 0
    if out is not None:
        np.copyto(out, picked)
    return picked if out is None else out


def bag_pick_spec(table: Spec, ids: Spec) -> Spec:
    check_bags(ids)
    if ids.shape[1] != width_of(table):
        raise ShapeError(f"ids of shape {ids.shape} for a table of shape {table.shape}; expected one for each column")
    return Spec(ids.shape, table.dtype)


def bag_pick_samples(draw: Draw) -> Any:
    table = draw.array(draw.shape(2, 2))
    return (table, draw.ids((draw.integer(1, 4), table.shape[1]), table.shape[0] + 1) - 1), {}


def placed_rows(x: Any, ids: Any) -> tuple[np.ndarray, np.ndarray]:
    """(the distinct ids that are not negative, for each the sum of x over its places, column by column)."""
    width = x.shape[1]
    found, places = np.unique(ids, return_inverse=True)
    flat = places.reshape(ids.shape) * width + np.arange(width)
    sums = np.bincount(flat.reshape(-1), x.reshape(-1), len(found) * width).reshape(len(found), width)
    first = int(found.size > 0 and found[0] < 0)
    return found[first:], sums[first:].astype(x.dtype)


def picked_gradient(g: Any, ids: Any, shape: Shape) -> Any:
    """The gradient of the table: rows alone (RowSparse) from arrays, else `bag_place`."""
    if isinstance(g, np.ndarray):
        return RowSparse(*placed_rows(g, np.asarray(ids)), shape, unique=True)
    return bag_place(g, ids, shape=shape)


bag_pick: Op = Lookup(
    bag_pick_kernel, name="bag_pick", spec=bag_pick_spec, kind="gather", samples=bag_pick_samples,
    vjp=(lambda g, ids, table_shape: picked_gradient(g, ids, table_shape), None), doc="""
    table[ids[b, j], j] at each place [b, j], and 0 where the id is negative: what `bag_argmax` points to.
    """)


def bag_place_kernel(x: Any, ids: Any, *, shape: Shape, out: Any = None) -> Any:
    x, ids = np.asarray(x), np.asarray(ids)
    checked(np.maximum(ids, 0), shape[0])
    found, sums = placed_rows(x, ids)
    if out is None:
        out = np.zeros(shape, x.dtype)
    else:
        out.fill(0)
    out[found] = sums
    return out


def bag_place_spec(x: Spec, ids: Spec, *, shape: Shape) -> Spec:
    check_bags(ids, ("values", x, ids.shape))
    return Spec(tuple(shape), x.dtype)


def bag_place_samples(draw: Draw) -> Any:
    (table, ids), _ = bag_pick_samples(draw)
    return (draw.array(ids.shape), ids), {"shape": table.shape}


bag_place: Op = Op(
    bag_place_kernel, name="bag_place", spec=bag_place_spec, kind="scatter", samples=bag_place_samples,
    vjp=(lambda g, ids: bag_pick(g, ids), None),
    doc="Zeros of `shape` with x[b, j] added at [ids[b, j], j], but for negative ids: the adjoint of `bag_pick`.")
