"""What brings rows of whole arrays into a program's arguments, step after step, at the least cost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np

from .. import config
from ..core.mode import MODE
from ..core.tensor import Variable
from ..core.tree import leaves
from ..errors import DTypeError
from .data import ArrayData, Rows
from .programs import KINDS, StepProgram, given_arrays, lies_plainly, setting_names

compiled = attrgetter("_programs", "graph", "objective", "optimizer", "run_eagerly", "_jit_compile")


class Feed:
    """A program for batches of one size, and what takes each of its arguments from an array of the data.

    arrays: its arguments for one such batch, by name.
    """

    def __init__(self, model: Any, data: ArrayData, program: StepProgram, arrays: dict[str, np.ndarray]) -> None:
        self.program = program
        self.optimizer = model.optimizer if program.mode == "train" else None
        self._settings = attrgetter("_undecayed", *setting_names(self.optimizer)) if self.optimizer else None
        self.origin = self.state(model)
        read = program.mode != "predict" and model.objective.measures
        self._objective = model.objective if read else None  # that has metrics, which read outputs and targets
        self._targets, self._weights = (places(kind, arrays, len(list(leaves(program.outputs)))) for kind in KINDS)
        whole = given_arrays(model, data.take(slice(None)))
        self._takes = [
            # A metric may keep the targets and weights that it is given: for its sake they are fresh.
            taker(whole[name], array, data.shuffle, fresh=read and not name.startswith("x_"))
            for name, array in arrays.items()
        ]

    def state(self, model: Any) -> tuple:
        """What programs are made from. As long as it equals `origin`, this program is the one for such batches.

        Variable.revision tells of weights that were made, frozen or thawed.
        """
        settings = self._settings and self._settings(self.optimizer)
        told = MODE.get()
        return Variable.revision, told.anomaly, told.tape is None, config.snapshot(), compiled(model), settings

    def take(self, rows: Rows) -> list[np.ndarray]:
        """The program's arrays for these rows; the next call may fill the same ones anew."""
        return [take(rows) for take in self._takes]

    def measure(self, arrays: list[np.ndarray], values: list[np.ndarray]) -> None:
        """Take a step's outputs into the metrics, if there are any."""
        if self._objective is not None:
            ys, weights = ([None if k is None else arrays[k] for k in at] for at in (self._targets, self._weights))
            self._objective.measure_each(ys, leaves(self.program.outputs_of(values)), weights)


def places(kind: str, arrays: dict[str, np.ndarray], outputs: int) -> list[int | None]:
    """For each output, where its target (or weight) stands among a program's arrays; None if there is none."""
    names = list(arrays)
    return [names.index(name) if (name := f"{kind}_{i}") in arrays else None for i in range(outputs)]


def taker(source: np.ndarray, like: np.ndarray, shuffled: bool, fresh: bool) -> Callable[[Any], np.ndarray]:
    """What gives rows of `source` as the program takes them: of the shape, dtype and memory layout of `like`.

    shuffled: they are asked for by their numbers, not as a slice, which gives a view. fresh: each time in an array of
    its own; otherwise what is copied lies in the same buffer each time.
    """

    def room(dtype: np.dtype) -> np.ndarray | None:
        return None if fresh else np.empty_like(like, dtype)

    flags, as_it_is = source.flags, lies_plainly(source)
    source = source.reshape(len(source), *like.shape[1:])  # an axis of size 1 may be missing
    rows_of: Callable[[Any], np.ndarray] = source.__getitem__
    if shuffled and as_it_is and flags.c_contiguous:  # of any other array `take` would make a copy first, of all of it
        rows_of = gather(source, room(source.dtype))
    if as_it_is and source.dtype == like.dtype:
        return rows_of
    floats = source.dtype.kind == like.dtype.kind == "f"
    exact = not (floats or np.can_cast(source.dtype, like.dtype))
    return partial(copied, rows_of, like.dtype, room(like.dtype), exact)


def gather(source: np.ndarray, out: np.ndarray | None) -> Callable[[Any], np.ndarray]:
    """What gathers rows by their numbers, in `out`."""
    take = source.take
    return lambda rows: take(rows, 0, out, "clip")


def copied(
    rows_of: Callable[[Any], np.ndarray], dtype: np.dtype, buffer: np.ndarray | None, exact: bool, rows: Rows
) -> np.ndarray:
    """Rows in another dtype, or in plain memory; DTypeError where that would change numbers that matter."""
    part = rows_of(rows)
    array = np.empty(part.shape, dtype) if buffer is None else buffer
    if not exact:
        np.copyto(array, part, casting="unsafe")
        return array
    with np.errstate(invalid="ignore"):  # NaN as an integer is no NaN, which comparing finds
        np.copyto(array, part, casting="unsafe")
    if not np.array_equal(array, part):
        raise DTypeError(f"{dtype} cannot hold all of these values of {part.dtype}")  # the eager step says where
    return array
