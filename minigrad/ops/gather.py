"""Gather and scatter-add: rows of a table by their ids, and the other way round. What an embedding is made of.

Two more rows, gather_sum and counts, are what programs compute in their place where only sums over time are wanted.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..core.mode import MODE
from ..core.op import Op
from ..core.rows import Table
from ..core.rowsparse import RowSparse, add_rows
from ..core.samples import Draw
from ..core.spec import Shape, Spec
from ..core.symbol import Symbol
from ..core.tensor import Tensor
from ..errors import DTypeError, ShapeError
from .families import sum_dtype
from .ids import check_ids
from .shape import broadcast_to_row
from .spread import BLOCK, blocks, spread_gradient

__all__ = ["gather", "scatter_add"]


def checked(ids: Any, rows: int) -> np.ndarray:
    """The ids as indices, all of them integers from 0 up to, not including, `rows`."""
    ids = np.asarray(ids)
    check_integer(ids.dtype)
    return check_ids(ids, limit=rows)


def check_integer(dtype: Any) -> None:
    if np.dtype(dtype).kind not in "iu":
        raise DTypeError(f"ids must be integers, got {np.dtype(dtype)}; ops.ids_of checks and converts whole-number "
                         "floats")


class Lookup(Op):
    """A row of the op table that reads, of its first operand, only the rows that the second one names.

    Of a Table whose rows lag behind their optimizer, these alone are brought up to date.
    """

    def __call__(self, *operands: Any, **attrs: Any) -> Any:
        table, ids = operands[:2]
        runs = not isinstance(ids, Symbol) and MODE.get().tracing is None
        if not (runs and isinstance(table, Table) and table.lag is not None):
            return super().__call__(*operands, **attrs)
        table.catch_up(np.asarray(ids._data if isinstance(ids, Tensor) else ids))
        with table.as_it_is():
            return super().__call__(*operands, **attrs)


# -- gather ---------------------------------------------------------------------------------------------------------


def gather_kernel(table: Any, ids: Any, *, out: Any = None) -> Any:
    # After the check no id is clipped; "clip" only spares NumPy a second check and, with out, a copy.
    table = np.asarray(table)
    return table.take(checked(ids, table.shape[0]), 0, out, "clip")


def gather_spec(table: Spec, ids: Spec) -> Spec:
    check_integer(ids.dtype)
    if not table.shape:
        raise ShapeError("gather: a table needs rows; got a single number")
    return Spec(ids.shape + table.shape[1:], table.dtype)


def gather_samples(draw: Draw) -> Any:
    table = draw.array(draw.shape(1, 3))
    return (table, draw.ids(draw.shape(0, 2), table.shape[0])), {}


def row_sparse(g: Any, ids: Any, shape: Shape) -> Any:
    """The gradient of a table of that shape: g[k] belongs to row ids[k].

    For arrays only the rows are kept (RowSparse); for Tensors and Symbols it is `scatter_add`, which can be
    differentiated again.
    """
    return RowSparse(np.asarray(ids), g, shape) if isinstance(g, np.ndarray) else scatter_add(g, ids, shape=shape)


gather = Lookup(gather_kernel, name="gather", spec=gather_spec, kind="gather", samples=gather_samples,
                vjp=(lambda g, ids, table_shape: row_sparse(g, ids, table_shape), None),
                doc="""Rows of `table` (rows, *width) by their `ids` (...): (..., *width). What an Embedding does.

    The gradient of the table is a RowSparse: for each row, the sum over all places where its id stands. Raises IdError
    for an id that is negative or too large, DTypeError if the ids are no integers. (keras.ops.take along axis 0, which
    does not check; np.take)

    >>> gather(np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([1, 1, 0]))
    array([[2., 3.],
           [2., 3.],
           [0., 1.]])
    """)


# -- scatter-add ----------------------------------------------------------------------------------------------------


def scatter_kernel(rows: Any, ids: Any, *, shape: Shape, out: Any = None) -> Any:
    ids = checked(ids, shape[0])
    if rows.shape != ids.shape + tuple(shape[1:]):
        raise ValueError(f"rows of shape {rows.shape} for ids of shape {ids.shape}")
    if out is None:
        out = np.zeros(shape, rows.dtype)
    else:
        out.fill(0)
    add_rows(out, ids.reshape(-1), rows.reshape(ids.size, *shape[1:]))
    return out


def scatter_spec(rows: Spec, ids: Spec, *, shape: Shape) -> Spec:
    check_integer(ids.dtype)
    if rows.shape != ids.shape + tuple(shape[1:]):
        raise ShapeError(f"rows of shape {rows.shape} do not fit ids of shape {ids.shape} and a table of shape "
                         f"{shape}: expected {ids.shape + tuple(shape[1:])}")
    return Spec(tuple(shape), rows.dtype)


def scatter_samples(draw: Draw) -> Any:
    shape, places = draw.shape(1, 3), draw.shape(0, 2)
    return (draw.array(places + shape[1:]), draw.ids(places, shape[0])), {"shape": shape}


scatter_add = Op(scatter_kernel, name="scatter_add", spec=scatter_spec, kind="scatter", samples=scatter_samples,
                 vjp=(lambda g, ids: gather(g, ids), None),
                 doc="""Zeros of `shape` with rows[k] added to row ids[k], repeats included: the adjoint of `gather`.

    >>> scatter_add(np.array([1.0, 2.0, 4.0]), np.array([2, 0, 2]), shape=(3,))
    array([2., 0., 5.])
    """)


# -- sums over time ---------------------------------------------------------------------------------------------------


def gather_sum_kernel(table: Any, ids: Any, *, out: Any = None) -> Any:
    table, ids = np.asarray(table), checked(ids, np.shape(table)[0])
    bags, width = ids.reshape(prod(ids.shape[:-1]), ids.shape[-1]), prod(table.shape[1:])
    shape = (*ids.shape[:-1], *table.shape[1:])
    if bags.size * width <= BLOCK:
        return np.add.reduce(table.take(ids, 0), axis=ids.ndim - 1, out=out)
    sums = np.empty((len(bags), *table.shape[1:]), sum_dtype(table.dtype))
    for part in blocks(bags, width):
        np.add.reduce(table.take(bags[part], 0), axis=1, out=sums[part])
    return np.positive(sums.reshape(shape), out=out)


def gather_sum_spec(table: Spec, ids: Spec) -> Spec:
    if not ids.shape:
        raise ShapeError("gather_sum: ids need an axis to sum over; got a single number")
    return Spec(ids.shape[:-1] + gather_spec(table, ids).shape[ids.ndim:], sum_dtype(table.dtype))


def gather_sum_rule(g: Any, ids: Any, table_shape: Shape) -> Any:
    if isinstance(g, np.ndarray) and np.size(ids) * prod(table_shape[1:]) > BLOCK:
        return spread_gradient(g, ids, None, table_shape)
    g = g.reshape((*ids.shape[:-1], 1, *table_shape[1:]))
    return row_sparse(broadcast_to_row(g, shape=(*ids.shape, *table_shape[1:])), ids, table_shape)


def gather_sum_samples(draw: Draw) -> Any:
    table = draw.array(draw.shape(1, 3))
    return (table, draw.ids(draw.shape(1, 2), table.shape[0])), {}


gather_sum = Lookup(gather_sum_kernel, name="gather_sum", spec=gather_sum_spec, kind="gather",
                    samples=gather_sum_samples,
                    vjp=(gather_sum_rule, None), doc="""The sum of gather(table, ids) over the last axis of the ids.

    >>> gather_sum(np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[1, 1, 0]]))
    array([[4., 7.]])
    """)


def counts_kernel(ids: Any, *, rows: int, dtype: np.dtype, out: Any = None) -> Any:
    ids = checked(ids, rows)
    first = rows * np.arange(len(ids)).reshape(-1, 1)  # the places of each row of the result
    found = np.bincount((ids + first).reshape(-1), minlength=rows * len(ids)).reshape(len(ids), rows)
    return np.positive(found.astype(dtype), out=out)


def counts_spec(ids: Spec, *, rows: int, dtype: np.dtype) -> Spec:
    check_integer(ids.dtype)
    if ids.ndim != 2:
        raise ShapeError(f"counts: ids need two axes, (batch, time); got {ids.shape}")
    return Spec((ids.shape[0], rows), dtype)


counts = Op(counts_kernel, name="counts", spec=counts_spec, kind="other", doc="""
    How often each id from 0 to rows - 1 is in each row of ids (batch, time), as floats: (batch, rows).

    counts @ table is the sum of gather(table, ids) over time, and counts.T @ g its gradient. There is no gradient.

    >>> counts(np.array([[2, 0, 2]]), rows=3, dtype=np.dtype(np.float32))
    array([[1., 0., 2.]], dtype=float32)
    """, samples=lambda draw: ((draw.ids(draw.shape(2, 2), 5),), {"rows": 5, "dtype": np.dtype(np.float32)}))
