"""Picking by position, and finding the positions: NumPy's functions around x[ids]."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.operators import Operators
from ..core.spec import normal_axis
from ..core.symbol import Symbol
from ..core.table import implements
from ..core.tensor import Tensor, wrap
from ..errors import ShapeError, TracingError
from .index import UNKNOWN, getitem
from .shape import ravel, value

__all__ = ["argwhere", "compress", "delete", "extract", "flatnonzero", "nonzero", "take"]


@implements(np.take)
def take(a: Any, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Any:
    """Picked along an axis; without one, from the flattened array. As np.take.

    mode: what to do with an index out of range: "raise" an IndexError, "wrap" around, or "clip" to the range.

    >>> take(np.array([[1, 2, 3]]), [2, 0, 2], axis=1)
    array([[3, 1, 3]])
    """
    a = value(a)
    if axis is None:
        a, axis = ravel(a), 0
    axis = normal_axis(axis, a.ndim)
    ids = value(indices)
    if isinstance(ids, np.ndarray) and (ids.dtype == bool or not ids.size):
        ids = ids.astype(np.intp)  # np.take counts booleans as 0 and 1: no mask
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError(f"take: mode={mode!r} is none of 'raise', 'wrap', 'clip'")
    if mode != "raise":
        if a.shape[axis] is None:
            raise ShapeError(f"take: mode={mode!r} needs the size of axis {axis}, which is still open")
        ids = np.remainder(ids, a.shape[axis]) if mode == "wrap" else np.clip(ids, 0, a.shape[axis] - 1)
    return getitem(a, (*(slice(None),) * axis, ids))


@implements(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    """The slices along an axis where the condition, a vector of truth values, holds. As np.compress."""
    return take(a, flatnonzero(condition), axis)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """The elements where the condition, flattened like them, holds. As np.extract."""
    return compress(ravel(value(condition)), arr)


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """Without the slices at `obj` (an index, several, a slice or a mask) along an axis. As np.delete.

    >>> delete(np.array([10, 20, 30]), 1)
    array([10, 30])
    """
    arr = value(arr)
    if axis is None:
        arr, axis = ravel(arr), 0
    axis = normal_axis(axis, arr.ndim)
    if arr.shape[axis] is None:
        raise ShapeError(f"delete: the size of axis {axis} of {arr.shape} is still open")
    kept = np.delete(np.arange(arr.shape[axis]), obj.numpy() if isinstance(obj, Operators) else obj)
    return take(arr, kept, axis)


@implements(np.nonzero)
def nonzero(a: Any) -> tuple:
    """The places of the elements that are not zero, one vector for each axis. As np.nonzero; no gradient."""
    if isinstance(a, Symbol):
        raise TracingError(f"np.nonzero of a Symbol of shape {a.shape}: how many elements are not zero, and so the "
                           f"shape of the result, {UNKNOWN}")
    found = np.nonzero(a._data if isinstance(a, Tensor) else a)
    return tuple(map(wrap, found)) if isinstance(a, Tensor) else found


@implements(np.argwhere)
def argwhere(a: Any) -> Any:
    """The places of the elements that are not zero, one row for each. As np.argwhere; no gradient."""
    return np.transpose(np.stack(nonzero(a)))


@implements(np.flatnonzero)
def flatnonzero(a: Any) -> Any:
    """The places, in the flattened array, of the elements that are not zero. As np.flatnonzero; no gradient."""
    return nonzero(ravel(a))[0]
