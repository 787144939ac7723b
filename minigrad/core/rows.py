"""A table: the Variable whose rows are looked up by id, and of which a step touches only a few."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, Self
from weakref import WeakSet

import numpy as np

from ..errors import ShapeError, StorageError
from .spec import Shape
from .tensor import Variable

__all__ = ["Lagging", "Stored", "Table"]

Fill = Callable[[np.ndarray], object]  # what writes the first values into an array


class Lagging(Protocol):
    """What knows how far the rows of a table are behind, and what they missed: an optimizer's (see deferred.py)."""

    @property
    def table(self) -> Table | None:
        """The table, while there is one."""

    @property
    def behind(self) -> bool:
        """Whether any row is."""

    def settle(self, ids: np.ndarray | None = None) -> None:
        """Bring the rows of these ids, or all, up to date: the table is written in place, and the slots."""


class Stored(Protocol):
    """The files that the arrays of a table lie in (see saving/storage.py)."""

    path: str
    closed: bool

    def array(self, name: str, shape: Shape, dtype: np.dtype, fill: Fill) -> np.ndarray:
        """The array in the file of this name, "" for the table's own; `fill` writes it if the file is new."""

    def mark(self, behind: bool) -> None:
        """Note in the folder whether rows may be behind, for whoever opens the files after a crash."""

    def advise(self, in_order: bool) -> None:
        """Say how the arrays are used next: from one end to the other, or by rows here and there."""

    def flush(self) -> None:
        """Bring what was written to the disk."""

    def close(self) -> None:
        """The same, and let others open the files."""


class Table(Variable):
    """A Variable, (rows, ...), whose rows may lag behind the optimizer that moves them.

    An optimizer with memory moves every row at each step, also those that a batch did not use. For a large table this
    is put off until somebody reads the row: `lag` then says what is due. A gather brings up to date the rows that it
    reads; whatever else looks at the values (`data`, `numpy`, an op on the whole table, a file) all of them. So the
    values are, whenever anybody looks, what they would be if all rows moved at each step.

    Its values, and its slots in an optimizer, may lie in files (see `filled`): `close` it then before the files are
    used otherwise. The end of the program, too, closes it.

    frozen: None, or for each row whether no step may move it. Other arguments are a Variable's.

    >>> table = Table(np.zeros((4, 2), np.float32), name="embeddings")
    >>> table.assign_rows(np.array([2]), [[1.0, 2.0]])
    >>> table.numpy()[2]
    array([1., 2.], dtype=float32)
    """

    __slots__ = ("_frozen", "_values", "lag", "storage")

    _values: np.ndarray

    def __init__(
        self,
        value: Any,
        trainable: bool = True,
        dtype: Any = None,
        name: str = "embeddings",
        regularizer: Callable | None = None,
        constraint: Callable | None = None,
        frozen: Any = None,
    ) -> None:
        self.lag: Lagging | None = None
        self.storage: Stored | None = None
        super().__init__(value, trainable, dtype, name, regularizer, constraint)
        self._frozen: np.ndarray | None = None
        if frozen is not None:
            self.frozen = frozen

    @classmethod
    def filled(cls, fill: Fill, shape: Shape, dtype: Any, *, storage: Any = None, **rest: Any) -> Self:
        """A table of that shape into whose array `fill` writes the first values: there is no other copy of them.

        storage: the path of a .npy file in which it lies, instead of in memory; values that are there already stay.
        Other arguments are those of the class.

        >>> Table.filled(lambda array: array.fill(7), (2, 3), np.float32).numpy()
        array([[7., 7., 7.],
               [7., 7., 7.]], dtype=float32)
        """
        dtype = np.dtype(dtype)
        table = cls(np.empty((0, *shape[1:]), dtype), **rest)  # which checks the arguments
        if storage is None:
            values = np.empty(shape, dtype)
            fill(values)
        else:
            from ..saving.storage import Storage  # late: who saves looks at that room, and nobody else

            files = Storage(storage)
            try:
                values = files.array("", shape, dtype, fill)
            except BaseException:
                files.close()
                raise
            table.storage = files
            _stored.add(table)
        table._values = values
        return table

    def like(self, name: str, value: float = 0.0) -> np.ndarray:
        """An array of this shape and dtype with one value everywhere, for a slot; beside the table's file, if any."""
        if self.storage is None:
            return np.full(self.shape, value, self.dtype) if value else np.zeros(self.shape, self.dtype)
        write = (lambda array: array.fill(value)) if value else (lambda array: None)  # a new file is of zeros
        return self.storage.array(name, self.shape, self.dtype, write)

    @property
    def _data(self) -> np.ndarray:  # a Tensor's is an attribute, which nothing is due on
        self._settle()
        self._ready()
        return self._values

    @_data.setter
    def _data(self, array: np.ndarray) -> None:
        self._settle()  # the slots, too, go on from here
        if self.storage is None:
            self._values = array
        else:
            self._ready()
            self._values[...] = array

    def _put(self, values: Any) -> None:
        self._settle()
        self._ready()
        if self._is_shared():
            self._values = np.array(values, self.dtype)
        else:
            self._values[...] = values  # a large table has no room for a second one

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return self._values.shape

    @property
    def dtype(self) -> np.dtype:
        """The element type."""
        return self._values.dtype

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._values.size

    @property
    def frozen(self) -> np.ndarray | None:
        """For each row whether no step may move it; None if all may be moved."""
        return self._frozen

    @frozen.setter
    def frozen(self, rows: Any) -> None:
        self.follow(None)
        frozen = None if rows is None else np.array(rows, bool)
        if frozen is not None and frozen.shape != self.shape[:1]:
            raise ShapeError(f"{self.name}: frozen has shape {frozen.shape}, expected one flag a row, {self.shape[:1]}")
        self._frozen = frozen
        Variable.revision += 1

    def catch_up(self, ids: np.ndarray) -> None:
        """Bring the rows of these ids up to date; ids out of range are whoever reads them to complain of."""
        self._ready(in_order=False)
        if self.lag is not None and self.lag.behind:
            self.own()
            self.lag.settle(ids)

    def _settle(self) -> None:
        if self.lag is not None and self.lag.behind:
            self.own()
            self._ready()
            self.lag.settle()

    @contextmanager
    def as_it_is(self) -> Iterator[None]:
        """Within it, the values are read without bringing rows up to date: for who has seen to those that it reads."""
        lag, self.lag = self.lag, None
        try:
            yield
        finally:
            self.lag = lag

    def follow(self, lag: Lagging | None) -> None:
        """Let the rows lag behind in this way from now on, or (None) not at all; all is brought up to date first."""
        if self.lag is not lag:
            self._settle()
            self.lag = lag
            if self.storage is not None:
                self.storage.mark(behind=lag is not None)
            Variable.revision += 1  # what was made from a table without a lag, or with another one, is old

    def own(self) -> None:
        """As a Variable's; but a table in a file stays there, and its views see what is written."""
        self._ready(in_order=False)
        if self._is_shared():
            self._values = self._values.copy()

    def _is_shared(self) -> bool:
        return self.storage is None and sys.getrefcount(self._values) > 2  # see Variable.own

    def assign_rows(self, ids: np.ndarray, rows: Any) -> None:
        """Write `rows[k]` to row `ids[k]`, for distinct ids: in place, at the price of these rows alone."""
        self.catch_up(ids)
        self.own()
        self._values[ids] = rows
        self.touch()

    # -- files ---------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Bring all rows up to date and, if the table lies in a file, what was written to the disk."""
        self._ready()
        self._settle()
        if self.storage is not None:
            self.storage.flush()

    def close(self) -> None:
        """Flush, and let go of the files: others may open them. The table cannot be used any more.

        Of a table in memory, and once it is closed, there is nothing to do.
        """
        if self.storage is None or self.storage.closed:
            return
        self.flush()
        self.follow(None)
        self.storage.mark(behind=False)
        self.storage.close()
        self._values = np.broadcast_to(np.zeros((), self.dtype), self.shape)  # it has a shape still

    def _ready(self, in_order: bool = True) -> None:
        """Before the values are used, all in order or by rows: StorageError if they lie in a file that was closed."""
        if self.storage is not None:
            if self.storage.closed:
                raise StorageError(
                    f"{self.name}: its file {self.storage.path} was closed; make the layer anew to go on"
                )
            self.storage.advise(in_order)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        storage = getattr(self, "storage", None)
        if storage is not None and not storage.closed:
            if self.lag is None or self.lag.table is self:
                self.close()
            else:  # garbage of a cycle, which its lag does not find any more: the mark stays
                storage.close()

    def __deepcopy__(self, memo: dict) -> Table:
        return Table(*self.__reduce__()[1])

    def __reduce__(self) -> tuple:
        return Table, (
            self._data, self.trainable, None, self.name, self.regularizer, self.constraint, self.frozen,
        )  # fmt: skip


_stored: WeakSet[Table] = WeakSet()


@atexit.register
def _close_all() -> None:
    for table in [*_stored]:
        table.close()
