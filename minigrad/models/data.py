"""What `fit`, `evaluate` and `predict` are given, turned into batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .. import random
from ..core.strings import strings_in
from ..core.tensor import Tensor
from ..core.tree import leaves, map_leaves
from ..utils import pack_x_y_sample_weight, unpack_x_y_sample_weight


class Batch(NamedTuple):
    """One batch: inputs, targets and sample weights, each an array or a structure of arrays, or None."""

    x: Any
    y: Any = None
    sample_weight: Any = None

    @property
    def size(self) -> int:
        """The number of rows."""
        return int(next(leaves(self.x)).shape[0])

    @property
    def given(self) -> tuple:
        """Keras's form, what a `train_step` gets: `(x,)`, `(x, y)` or `(x, y, sample_weight)`."""
        return pack_x_y_sample_weight(*self)

    def take(self, index: Any) -> Batch:
        """The rows at that index."""
        return Batch(*(map_leaves(lambda a: None if a is None else a[index], part) for part in self))


Rows = slice | np.ndarray  # which rows of the arrays make a batch


class ArrayData:
    """Arrays, cut into batches; shuffled anew each epoch, by (seed, epoch) alone. `steps`: fewer than all batches."""

    def __init__(self, batch: Batch, batch_size: int | None = None, shuffle: bool = False, steps: int | None = None):
        self.batch = Batch(*(as_arrays(part, what) for what, part in zip(Batch._fields, batch)))
        self.rows = check_lengths(self.batch)
        self.batch_size = 32 if batch_size is None else whole(batch_size, "batch_size")
        self.shuffle = shuffle
        batches = -(-self.rows // self.batch_size)
        self.steps: int | None = batches if steps is None else whole(steps, "the number of steps")
        if self.steps > batches:
            raise ValueError(
                f"{steps} steps were asked for, but {self.rows} rows in batches of {self.batch_size} make {batches}"
            )

    def epoch(self, number: int) -> Iterator[Rows]:
        """The rows of each batch of that epoch."""
        order = self._order(number)
        for start in range(0, (self.steps or 0) * self.batch_size, self.batch_size):
            rows = slice(start, min(start + self.batch_size, self.rows))
            yield rows if order is None else order[rows]

    @property
    def reach(self) -> int:
        """How many rows, from the first on, an epoch may see."""
        return self.rows if self.shuffle else min(self.rows, (self.steps or 0) * self.batch_size)

    def take(self, rows: Any) -> Batch:
        """The batch of these rows."""
        return self.batch.take(rows)

    def row(self, epoch: int, step: int, k: int) -> int | None:
        """Which row of the arrays is row k of a batch, all counted from 0."""
        order = self._order(epoch)
        position = step * self.batch_size + k
        return position if order is None else int(order[position])

    def _order(self, epoch: int) -> np.ndarray | None:
        return random.permutation(self.rows, None, epoch) if self.shuffle else None

    def split(self, fraction: Any, batch_size: int | None, steps: int | None) -> tuple[Batch, ArrayData]:
        """(the first rows, the last `fraction` of them as data to validate on), before any shuffling, as in Keras."""
        if not isinstance(fraction, (int, float, np.number)) or not 0 < fraction < 1:
            raise ValueError(f"validation_split={fraction!r}; expected a fraction between 0 and 1")
        cut = int(self.rows * (1 - fraction))
        if cut in (0, self.rows):
            raise ValueError(
                f"validation_split={fraction} of {self.rows} rows leaves nothing to "
                f"{'train' if cut == 0 else 'validate'} on"
            )
        held_out = self.batch.take(slice(cut, None))
        return self.batch.take(slice(0, cut)), ArrayData(held_out, batch_size or self.batch_size, steps=steps)


class StreamData:
    """A generator, an iterable of batches, or an indexable of them (with `__len__`, such as Keras's PyDataset).

    An epoch is one pass. With `steps` it is that many batches, round again at the end; if it `goes_on`, from where the
    last epoch stopped. `shuffle` puts the batches of an indexable in a new order for each pass, by (seed, epoch).
    """

    def __init__(self, source: Any, steps: int | None = None, shuffle: bool = False, goes_on: bool = True) -> None:
        self.source, self.shuffle, self.goes_on = source, shuffle, goes_on
        self.indexable = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        self._limit = None if steps is None else whole(steps, "the number of steps")
        self.steps: int | None = self._limit or (len(source) if hasattr(source, "__len__") else None)
        self._iterator: Iterator[Any] | None = None

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of that epoch."""
        done = object()
        if self._iterator is None or self._limit is None or not self.goes_on:
            self._iterator = self._pass(number)
        count = 0
        while count != self._limit:
            item = next(self._iterator, done)
            if item is done:
                if count and self._limit is None:
                    break
                self._iterator = self._pass(number)
                item = next(self._iterator, done)
            if item is done:
                raise ValueError(
                    f"the data ran out in epoch {number + 1}, after {count} batches: a generator gives its batches "
                    "only once. Say how many an epoch has (steps_per_epoch=...), or give an iterable that starts anew"
                )
            yield unpack(item)
            count += 1
        if hasattr(self.source, "on_epoch_end"):
            self.source.on_epoch_end()

    def take(self, batch: Any) -> Batch:
        """The batch itself, which an epoch of a stream gives."""
        return batch

    def _pass(self, epoch: int) -> Iterator[Any]:
        if not self.indexable:
            return iter(self.source)
        n = len(self.source)
        order = random.permutation(n, None, epoch).tolist() if self.shuffle else range(n)
        return (self.source[i] for i in order)

    def row(self, epoch: int, step: int, k: int) -> int | None:
        """Nobody knows where a stream's rows come from."""
        return None


Data = ArrayData | StreamData


def data_from(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    shuffle: bool = False,
    steps: int | None = None,
) -> Data:
    """The data behind the arguments of fit, evaluate or predict."""
    if not isinstance(shuffle, (bool, np.bool_)):
        raise ValueError(f"shuffle must be True or False, got {shuffle!r}")
    if not is_stream(x):
        return ArrayData(Batch(x, y, sample_weight), batch_size, shuffle, steps)
    for name, value in (("y", y), ("sample_weight", sample_weight), ("batch_size", batch_size)):
        if value is not None:
            raise ValueError(
                f"{name}= does not go with a generator or an iterable of batches: it yields whole batches, "
                "(x, y) or (x, y, sample_weight)"
            )
    return StreamData(x, steps, shuffle)


def is_stream(x: Any) -> bool:
    """Whether x yields batches by itself: a generator, any iterable of tuples, or an indexable of batches."""
    if isinstance(x, (Tensor, list, tuple, dict, str)) or hasattr(x, "__array__") or hasattr(x, "to_numpy"):
        return False
    return hasattr(x, "__iter__") or hasattr(x, "__getitem__")


def unpack(item: Any) -> Batch:
    """What a stream yields as a Batch: x alone, (x, y) or (x, y, sample_weight)."""
    batch = Batch(*(as_arrays(part, what) for part, what in zip(unpack_x_y_sample_weight(item), Batch._fields)))
    check_lengths(batch)
    return batch


def as_arrays(structure: Any, what: str) -> Any:
    """The structure with an array at each leaf. A list of numbers is one leaf; a list of arrays is a structure."""
    if structure is None or (type(structure) is np.ndarray and structure.dtype.kind in "biuf" and structure.ndim):
        return structure
    if isinstance(structure, dict):
        return {k: as_arrays(v, f"{what}[{k!r}]") for k, v in structure.items()}
    if isinstance(structure, (list, tuple)) and structure and all(map(is_part, structure)):
        return [as_arrays(v, f"{what}[{i}]") for i, v in enumerate(structure)]
    return as_array(structure, what)


def is_part(value: Any) -> bool:
    """Whether a member of a list stands for an array of its own (or for none), and is not one row of an array."""
    return value is None or isinstance(value, dict) or bool(getattr(value, "shape", ()))


def as_array(values: Any, what: str) -> np.ndarray:
    """Numbers, and for inputs also strings, with a batch axis, as an array; TypeError or ValueError, saying `what`, if
    they are none.
    """
    if isinstance(values, Tensor):
        return as_array(values.numpy(), what)
    strings = strings_in(values) if what.startswith("x") else None
    if strings is not None and strings.ndim:
        return strings
    try:
        array = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    except ValueError as error:
        reason = str(error).rstrip(".")
        raise ValueError(
            f"{what}: the {type(values).__name__} does not make one array: {reason}. If its parts are several inputs, "
            "make an array of each"
        ) from None
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{what}: cannot compute with dtype {array.dtype} (from {type(values).__name__}); expected numbers. "
            "Turn words and categories into integer ids first; numbers that came as objects, with .astype(float)"
        )
    if array.ndim == 0:
        raise ValueError(f"{what}: got the single value {array}; expected an array with the batch as its first axis")
    return np.asarray(array)


def check_lengths(batch: Batch) -> int:
    """The common number of rows; ValueError, with all the lengths, if they differ."""
    if batch.x is None:
        raise ValueError("x is missing: give arrays, or an iterable of batches")
    lengths = {
        f"{what}{place}": len(array)
        for what, part in zip(Batch._fields, batch)
        for place, array in places(part)
        if array is not None
    }
    if len(set(lengths.values())) > 1:
        raise ValueError(
            "the inputs have different numbers of rows: " + ", ".join(f"{k} has {n}" for k, n in lengths.items())
        )
    rows = next(iter(lengths.values()), 0)
    if rows == 0:
        raise ValueError("the data has no rows")
    return rows


def places(structure: Any) -> Iterable[tuple[str, Any]]:
    """(`[0]['a']`, leaf) for each leaf."""
    if not isinstance(structure, (dict, list, tuple)):
        yield "", structure
        return
    for k, value in structure.items() if isinstance(structure, dict) else enumerate(structure):
        for place, leaf in places(value):
            yield f"[{k!r}]{place}", leaf


def whole(value: Any, what: str, minimum: int = 1) -> int:
    """A whole number from a minimum on; ValueError for anything else."""
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not is_number or not value >= minimum or value % 1:
        raise ValueError(f"{what} must be a whole number from {minimum}, got {value!r}")
    return int(value)
