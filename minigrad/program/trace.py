"""A trace: the op-level graph of a computation, with the places that its values come from and go to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from ..core.mode import Scope
from ..core.node import Node, next_tick
from ..core.symbol import Symbol
from ..core.tensor import Variable


class Cell:
    """A place of an array that a program reads and writes, and that is no Variable: an optimizer's slot, or the flat
    array that several Variables lie in.

    find: gives the array, at each run anew, before any Variable is read. covers: the Variables that lie in it.
    """

    __slots__ = ("covers", "find", "name", "symbol")

    def __init__(self, find: Callable[[], np.ndarray], name: str, covers: tuple[Variable, ...] = ()) -> None:
        self.find = find
        self.name = name
        self.covers = covers
        array = find()
        self.symbol = Symbol.of(array.shape, array.dtype)


@dataclass
class RowUpdate:
    """A step of a table's rows alone: those of `ids`, (n,) int, up to the first -1.

    reads: (symbol, array): what stands for the rows of these ids in an array. writes: (array, its new rows). seen: of a
    table whose other rows lag behind, (for each row the time when it was up to date, the time now).
    """

    ids: Any
    reads: list[tuple[Symbol, Variable | Cell]]
    writes: list[tuple[Variable | Cell, Any]]
    seen: tuple[Cell, Cell] | None = None


class Named(NamedTuple):
    """In place of a layer, its name."""

    name: str


@dataclass
class Trace:
    """What a program computes.

    inputs: by name, the symbols that each call is given values for. results: by name, what a call returns.
    checks: values that must be finite, or the call writes nothing. updates: (Variable or Cell, its new value).
    row_updates: of tables, a few of whose rows are written.
    """

    inputs: dict[str, Symbol]
    results: dict[str, Any]
    checks: list[Any] = field(default_factory=list)
    updates: list[tuple[Variable | Cell, Any]] = field(default_factory=list)
    row_updates: list[RowUpdate] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    sections: list[tuple[int, str]] = field(default_factory=list)  # from which tick on, title

    def begin(self, title: str) -> None:
        """What is drawn from now on belongs to this part of the program."""
        self.sections.append((next_tick(), title))

    def section(self, node: Node) -> str:
        """The part of the program that a node belongs to."""
        return next((title for tick, title in reversed(self.sections) if tick < node.tick), "")

    def alone(self) -> Trace:
        """The same trace, its nodes cut off from the layers and so from the model, but for their names."""
        scopes: dict[Scope, Scope] = {}
        nodes = self.nodes()
        own = set(nodes)
        for node in nodes:
            node.inputs = tuple(map(opened, node.inputs))
            node.scope = named(node.scope, scopes)
            source = (node.extra or {}).get("gradient_of")
            if isinstance(source, Node) and source not in own:
                node.extra = None
        return replace(
            self,
            results={name: opened(x) for name, x in self.results.items()},
            checks=list(map(opened, self.checks)),
            updates=[(cell, opened(x)) for cell, x in self.updates],
            row_updates=[mapped(update, opened) for update in self.row_updates],
        )

    def outputs(self) -> list[Any]:
        """All values that the trace is drawn for."""
        rows = [x for update in self.row_updates for x in (update.ids, *(new for _, new in update.writes))]
        return [*self.results.values(), *self.checks, *(value for _, value in self.updates), *rows]

    def nodes(self) -> list[Node]:
        """The op nodes behind the outputs, oldest first."""
        stack = [x.node for x in map(opened, self.outputs()) if isinstance(x, Symbol) and x.node is not None]
        seen = set(stack)
        while stack:
            for parent in parents(stack.pop()):
                if parent not in seen:
                    seen.add(parent)
                    stack.append(parent)
        return sorted(seen, key=lambda node: node.tick)


def named(scope: Scope | None, known: dict[Scope, Scope]) -> Scope | None:
    """A scope with names in place of layers."""
    if scope is not None and scope not in known:
        known[scope] = Scope(Named(scope.layer.name), named(scope.parent, known), scope.training)
    return scope and known[scope]


def opened(x: Any) -> Any:
    """A layer's symbol looked through, to the symbol (or constant) that an op made."""
    while isinstance(x, Symbol) and x.node is not None and x.node.body:
        x = x.node.body[x.index]
    return x


def mapped(update: RowUpdate, value: Callable[[Any], Any]) -> RowUpdate:
    """The same update, of the values that stand for its own."""
    return replace(update, ids=value(update.ids), writes=[(place, value(x)) for place, x in update.writes])


def parents(node: Node) -> Iterator[Node]:
    for x in map(opened, node.inputs):
        if isinstance(x, Symbol) and x.node is not None:
            yield x.node
