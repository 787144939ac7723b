"""Gather and scatter-add: rows of a table by their ids, and the other way round. What an embedding is made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.op import Op
from ..core.rowsparse import RowSparse, add_rows
from ..core.samples import Draw
from ..core.spec import Shape, Spec
from ..errors import DTypeError, ShapeError
from .ids import check_ids

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


gather = Op(gather_kernel, name="gather", spec=gather_spec, kind="gather", samples=gather_samples,
            vjp=(lambda g, ids, table_shape: row_sparse(g, ids, table_shape), None),
            doc="""Rows of `table` (rows, *width) by their `ids` (...): the result is (..., *width). Embeddings do it.

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
