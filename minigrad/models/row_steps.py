"""Training steps that write a few rows of a table: when they are to, and how they are drawn for a program."""

from __future__ import annotations

from functools import partial, reduce
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.mode import MODE
from ..core.node import Node
from ..core.rows import Table
from ..core.symbol import Symbol
from ..core.table import ROWS
from ..core.tensor import Variable
from ..ops.bags import bag_scatter
from ..ops.distinct import distinct
from ..ops.gather import scatter_add
from ..optimizers.arena import is_elementwise
from ..optimizers.optimizer import FEW
from ..program import Cell, RowUpdate
from ..program.trace import opened

if TYPE_CHECKING:
    from ..optimizers.optimizer import Optimizer


SCATTERS = (scatter_add, bag_scatter)


def rows_of_gradient(optimizer: Optimizer, w: Variable, g: Any) -> tuple[Any, Any] | None:
    """Of the gradient of a table that rows were gathered from: (the distinct ids and then -1, (n, width) their rows and
    then zeros), if a step is to write these rows alone; else None.
    """
    parts = gathered(g, w.shape) if isinstance(w, Table) and len(w.shape) == 2 else None
    if not parts:
        optimizer.tell_of_regularizer(w)
        return None
    n = sum(part.inputs[1].size for part in parts)
    small = w.shape[0] <= FEW * n and optimizer.rows != "lazy"
    decay = optimizer.learning_rate * (optimizer.weight_decay or 0.0) if optimizer.decays(w) else None
    if small or not optimizer.moves_rows(w, n, decay) or w.constraint is not None:
        return None
    if optimizer.clips and isinstance(w, Table) and w.frozen is not None:
        return None  # gradients of frozen rows do not count in a norm
    if not is_elementwise(optimizer, {(n, w.shape[1])}, w.dtype, optimizer.decays(w)):
        return None
    token = MODE.set(MODE.get()._replace(scope=parts[0].scope))
    try:
        ids = [np.reshape(part.inputs[1], -1) for part in parts]
        found = distinct(np.concatenate(ids) if len(ids) > 1 else ids[0])
        terms: list[Any] = []
        start = 0
        for part, each in zip(parts, ids):
            places = np.reshape(found[0, start : start + each.size], part.inputs[1].shape)
            terms.append(part.fn(part.inputs[0], places, *part.inputs[2:], shape=(n, w.shape[1])))
            start += each.size
        rows = reduce(add, terms)
        rows.node.extra = {"gradient_of": w}
        return found[1], rows
    finally:
        MODE.reset(token)


def gathered(g: Any, shape: tuple[int, ...]) -> list[Node] | None:
    """A gradient as a sum of what adds rows to zeros, whose second inputs are ids; None if it is something else."""
    g = opened(g)
    node = g.node if isinstance(g, Symbol) else None
    if node is not None and node.fn in SCATTERS and tuple(node.attrs["shape"]) == shape:
        return [node]
    if node is not None and node.fn is ROWS["add"]:
        one, other = (gathered(x, shape) for x in node.inputs)
        return one + other if one and other else None
    return None


def row_update(
    optimizer: Optimizer, w: Variable, ids: Any, g: Any, scalars: dict[str, Any], decay: Any
) -> tuple[RowUpdate, list[Cell]]:
    """The update of a table's rows of these ids, and of theirs in the slots, and its cells. g: (n, width)."""
    held, lag = optimizer.slots(w), optimizer.lag_of(w, True)
    slots = {name: Cell(partial(held.__getitem__, name), f"{w.name}_{name}") for name in held}
    cells: list[Cell] = [*slots.values()]
    places: list[Variable | Cell] = [w, *cells]
    reads = [Symbol.of(g.shape, dtype) for dtype in (w.dtype, *(slot.dtype for slot in held.values()))]
    update = RowUpdate(ids, list(zip(reads, places)), [])
    frozen, is_frozen = w.frozen if isinstance(w, Table) else None, Symbol.of((g.shape[0], 1), bool)
    if frozen is not None:
        cells.append(Cell(lambda: frozen[:, None], f"{w.name}_frozen"))
        update.reads.append((is_frozen, cells[-1]))
        g = np.where(is_frozen, 0, g)
    new, *news = optimizer.advance(reads[0], g, dict(zip(slots, reads[1:])), scalars, decay)
    if frozen is not None:
        new = np.where(is_frozen, reads[0], new)
    update.writes = list(zip(places, [new, *news]))
    if lag is not None:
        update.seen = Cell(lambda: lag.seen, f"{w.name}_seen"), Cell(lambda: lag.clock, f"{w.name}_now")
        cells += update.seen
    return update, cells
