"""A trace: the op-level graph of a computation, with the places that its values come from and go to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.node import Node
from ..core.symbol import Symbol
from ..core.tensor import Variable


class Cell:
    """A place of an array that a program reads and writes, and that is no Variable: an optimizer's slot.

    find: gives the array, at each run anew.
    """

    __slots__ = ("find", "name", "symbol")

    def __init__(self, find: Callable[[], np.ndarray], name: str) -> None:
        self.find = find
        self.name = name
        array = find()
        self.symbol = Symbol.of(array.shape, array.dtype)


@dataclass
class Trace:
    """What a program computes.

    inputs: by name, the symbols that each call is given values for. results: by name, what a call returns.
    checks: values that must be finite, or the call writes nothing. updates: (Variable or Cell, its new value).
    """

    inputs: dict[str, Symbol]
    results: dict[str, Any]
    checks: list[Any] = field(default_factory=list)
    updates: list[tuple[Variable | Cell, Any]] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)

    def outputs(self) -> list[Any]:
        """All values that the trace is drawn for."""
        return [*self.results.values(), *self.checks, *(value for _, value in self.updates)]

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


def opened(x: Any) -> Any:
    """A layer's symbol looked through, to the symbol (or constant) that an op made."""
    while isinstance(x, Symbol) and x.node is not None and x.node.body:
        x = x.node.body[x.index]
    return x


def parents(node: Node) -> Iterator[Node]:
    for x in map(opened, node.inputs):
        if isinstance(x, Symbol) and x.node is not None:
            yield x.node
