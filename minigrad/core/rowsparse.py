"""The gradient of a table that was gathered from: the rows that got something, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

from .spec import Shape


class RowSparse:
    """An array of `shape` that is zero but for some rows: row `ids[k]` gets `rows[k]`, and repeated ids add up.

    ids: (n,) int. rows: (n, *shape[1:]). This is what a gather's rule gives for its table: one row for each place in
    (batch, time), in place of a dense array of the whole vocabulary. `np.asarray(g)` and `g.dense()` spell it out.

    >>> g = RowSparse(np.array([2, 0, 2]), np.array([[1.0], [5.0], [10.0]]), (4, 1))
    >>> g.dense().ravel()
    array([ 5.,  0., 11.,  0.])
    >>> (g * 2).merged()
    RowSparse(2 of 4 rows, shape=(4, 1), dtype=float64)
    """

    __slots__ = ("ids", "rows", "shape", "unique")
    __array_ufunc__ = None  # so that array + g asks g, and never becomes an object array

    def __init__(self, ids: np.ndarray, rows: np.ndarray, shape: Shape, unique: bool = False) -> None:
        """`unique`: the ids are known to be sorted and without repeats."""
        self.ids = ids.reshape(-1)
        self.rows = rows.reshape(self.ids.size, *shape[1:])
        self.rows.flags.writeable = False  # they may be a view of the gradient that another table got as well
        self.shape = shape
        self.unique = unique

    @property
    def dtype(self) -> np.dtype:
        """The element type."""
        return self.rows.dtype

    @property
    def ndim(self) -> int:
        """The number of axes of the array it stands for."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes held, to compare with the dense array's."""
        return self.ids.nbytes + self.rows.nbytes

    def merged(self) -> RowSparse:
        """The same array with each id once, in ascending order."""
        if self.unique:
            return self
        ids, rows = sum_rows(self.ids, self.rows, self.shape)
        return RowSparse(ids, rows, self.shape, unique=True)

    def dense(self) -> np.ndarray:
        """The whole array, zeros included."""
        out = np.zeros(self.shape, self.dtype)
        add_rows(out, self.ids, self.rows)
        return out

    def copy(self) -> RowSparse:
        """A copy that shares nothing."""
        return RowSparse(self.ids.copy(), self.rows.copy(), self.shape, self.unique)

    def astype(self, dtype: Any) -> RowSparse:
        """The same rows in another dtype."""
        return RowSparse(self.ids, self.rows.astype(dtype), self.shape, self.unique)

    def map(self, function: Any) -> RowSparse:
        """Apply an elementwise function that keeps zero at zero (clip, sign, ...) to the summed rows."""
        g = self.merged()
        return RowSparse(g.ids, function(g.rows), g.shape, unique=True)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.dense().astype(dtype or self.dtype, copy=False)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, RowSparse):
            if other.shape != self.shape:
                raise ValueError(f"RowSparse of shape {self.shape} + RowSparse of shape {other.shape}")
            ids = np.concatenate([self.ids, other.ids])
            return RowSparse(ids, np.concatenate([self.rows, other.rows]), self.shape)
        if np.ndim(other) == 0 and other == 0:  # so that sum([...]) works
            return self
        out = np.array(other, np.result_type(other, self.rows))
        if out.shape != self.shape:
            raise ValueError(f"RowSparse of shape {self.shape} + array of shape {out.shape}")
        add_rows(out, self.ids, self.rows)
        return out

    __radd__ = __add__

    def __mul__(self, scale: float) -> RowSparse:
        if np.ndim(scale):
            raise TypeError("a RowSparse is scaled by numbers only; use .dense() for the rest")
        return RowSparse(self.ids, self.rows * scale, self.shape, self.unique)

    __rmul__ = __mul__

    def __truediv__(self, scale: float) -> RowSparse:
        return self * (1 / scale)

    def __neg__(self) -> RowSparse:
        return self * -1

    def __repr__(self) -> str:
        touched = len(self.ids) if self.unique else len(np.unique(self.ids))
        return f"RowSparse({touched} of {self.shape[0]} rows, shape={self.shape}, dtype={self.dtype})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from ..visualize.displays import of_rowsparse

        return of_rowsparse(self)


def add_rows(out: np.ndarray, ids: np.ndarray, rows: np.ndarray) -> None:
    """out[ids[k]] += rows[k], repeats included: scatter-add, in place."""
    if len(ids):
        ids, rows = sum_rows(ids, rows, out.shape)
        out[ids] += rows


def sum_rows(ids: np.ndarray, rows: np.ndarray, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """(ids, rows) -> (the distinct ids in ascending order, the sum of the rows of each)."""
    width = int(np.prod(shape[1:], dtype=int))
    if width <= 32 and shape[0] <= 4 * len(ids):  # narrow rows: counting beats sorting
        flat = rows.reshape(len(ids), width)
        distinct = np.flatnonzero(np.bincount(ids, minlength=1))
        if width >= 4 and flat.size <= 2**18:  # all columns at once, each element in a place of its own
            places = ids[:, None] * width + np.arange(width)
            sums = np.bincount(places.reshape(-1), flat.reshape(-1)).reshape(-1, width)[distinct].astype(rows.dtype)
        else:
            sums = np.empty((len(distinct), width), rows.dtype)
            for column in range(width):
                sums[:, column] = np.bincount(ids, flat[:, column])[distinct]
        return distinct, sums.reshape(len(distinct), *shape[1:])
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(ids) else np.zeros(0, int)
    if len(first) == 0:
        return ordered, rows[:0]
    return ordered[first], np.add.reduceat(rows[order], first, axis=0)
