"""Rewriting a trace before it is planned: what is drawn as several ops, in fewer that give the same result.

For now one thing: the sum or mean over time of rows that are gathered from a table, of (batch, time) of ids. The
tensor (batch, time, width) is not made. For a table of few rows it is counted how often each row is used, and the sums
and their gradient are two small matrix products.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..core.mode import MODE
from ..core.node import Node
from ..core.op import Op
from ..core.symbol import Symbol
from ..core.tree import map_leaves
from ..ops.gather import counts, gather, gather_sum, scatter_add
from ..ops.reduction import average_of, total
from ..ops.shape import broadcast_to_row, reshape_row
from .trace import Trace, mapped, opened, parents

Redraw = Callable[..., Any]  # draws a node anew, on its operands

FEW = 4  # rows of a table for each step of time, up to which counting is faster than adding up the rows


def rewrite(trace: Trace) -> Trace:
    """The trace, or another one that computes the same in fewer ops. The nodes of the given one stay as they are."""
    nodes = trace.nodes()
    readers: dict[Node, list[Node]] = {node: [] for node in nodes}
    for node in nodes:
        for parent in parents(node):
            readers[parent].append(node)
    ends = {x.node for x in map(opened, trace.outputs()) if isinstance(x, Symbol)}
    new = {n: r for n in nodes if (r := pooled(n, readers, ends) or spread(n))}
    return Redrawn(trace, new).trace if new else trace


class Redrawn:
    """A copy of a trace with some of its nodes drawn in another way."""

    def __init__(self, old: Trace, new: dict[Node, Redraw]) -> None:
        self.symbols: dict[Node, Any] = {}  # by old node
        self.trace = replace(old, sections=[])
        sections = list(old.sections)
        token = MODE.set(MODE.get())
        try:
            for node in old.nodes():
                while sections and sections[0][0] < node.tick:
                    self.trace.begin(sections.pop(0)[1])
                within(node)
                self.symbols[node] = self._draw(node, new.get(node))
        finally:
            MODE.reset(token)
        self.trace.results = map_leaves(self._value, old.results)
        self.trace.checks = list(map(self._value, old.checks))
        self.trace.updates = [(place, self._value(x)) for place, x in old.updates]
        self.trace.row_updates = [mapped(update, self._value) for update in old.row_updates]

    def _draw(self, node: Node, redraw: Redraw | None) -> Any:
        operands = tuple(map(self._value, node.inputs))
        if redraw:
            symbol = redraw(*operands)
            symbol.node.extra = node.extra
            return symbol
        copy = Node(node.fn, operands, node.attrs, node.out, node.live, node.scope)
        copy.extra = node.extra
        return Symbol(node.out, copy)

    def _value(self, x: Any) -> Any:
        """What stands for a value of the old trace in the new one."""
        x = opened(x)
        return self.symbols[x.node] if isinstance(x, Symbol) and x.node is not None else x


def within(node: Node) -> None:
    """What is drawn from now on belongs to the layer that drew this node."""
    MODE.set(MODE.get()._replace(scope=node.scope))


# -- gathers with pooling -------------------------------------------------------------------------------------------


def pooled(node: Node, readers: dict[Node, list[Node]], ends: set[Node | None]) -> Redraw | None:
    """For the sum or mean over time of a gather that only such sums read: the same without the gathered rows."""
    source = made_by(node.inputs[0], gather) if over_time(node) else None
    if source is None or source in ends or not all(map(over_time, readers[source])):
        return None
    table, ids = source.inputs
    if len(table.shape) != 2 or len(ids.shape) != 2:
        return None

    def redraw(rows: Any) -> Any:
        table, ids = rows.node.inputs
        within(source)
        few = is_small(table.shape, ids.shape)
        taken = counted(ids, table.shape, table.dtype) if few else gather_sum(table, ids)
        within(node)
        sums = np.matmul(taken, table) if few else taken
        return sums / ids.shape[1] if node.fn is average_of else sums

    return redraw


def spread(node: Node) -> Redraw | None:
    """For the gradient of that, which adds one row to the table for all ids of a batch's row: a matrix product."""
    shape: tuple[int, ...] = node.attrs["shape"] if node.fn is scatter_add else ()
    source = made_by(node.inputs[0], broadcast_to_row) if len(shape) == 2 else None
    ids = opened(node.inputs[-1])
    if source is None or len(ids.shape) != 2 or not is_small(shape, ids.shape):
        return None
    batch, width = ids.shape[0], shape[1]
    if source.inputs[0].shape != (batch, 1, width):
        return None

    def redraw(rows: Any, ids: Any) -> Any:
        one = rows.node.inputs[0]  # of shape (batch, 1, width), mostly made by a reshape
        before = made_by(one, reshape_row)
        flat = before.inputs[0] if before and before.inputs[0].shape == (batch, width) else one.reshape((batch, width))
        return np.matmul(counted(ids, shape, one.dtype).T, flat)

    return redraw


def counted(ids: Any, table_shape: tuple[int, ...], dtype: np.dtype) -> Any:
    """How often each row of ids has each row of the table; drawn twice, it is planned once."""
    return counts(ids, rows=table_shape[0], dtype=dtype)


def is_small(table_shape: tuple[int, ...], ids_shape: tuple[int, ...]) -> bool:
    """Whether counting is faster than adding up the rows."""
    return table_shape[0] <= FEW * ids_shape[1]


def over_time(node: Node) -> bool:
    """Whether a node is a sum or mean over the second axis, which it drops."""
    return node.fn in (total, average_of) and node.attrs["axis"] in (1, (1,)) and not node.attrs["keepdims"]


def made_by(x: Any, op: Op) -> Node | None:
    """The node that made a value, if it is of that op."""
    x = opened(x)
    return x.node if isinstance(x, Symbol) and x.node is not None and x.node.fn is op else None
