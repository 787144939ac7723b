"""What of a functional graph runs on arrays, before its program: it turns words and other columns into numbers."""

from __future__ import annotations

import copy
from math import prod
from typing import Any

import numpy as np

from ..core.mode import no_grad
from ..core.node import Node
from ..core.strings import is_string
from ..core.symbol import Symbol
from ..core.tensor import Tensor, Variable
from ..layers.input import InputLayer
from ..layers.layer import Layer
from .data import ArrayData, Batch, Data

Key = tuple[Node, int]
MOST_BYTES = 1 << 29  # of inputs that are prepared once, ahead of all batches


class Prepared(list):
    """Values that the rest of a graph begins with: inputs, and what was made of inputs on the host."""


class Host:
    """The nodes that run before the program of a graph: its layers that are `on_host`, and whatever they depend on.

    `nodes`: these, in order. `rest`: the others. `begin`: for each value that the rest takes, or that is an output, its
    node, its index and a symbol; first inputs, then what the host makes.
    A layer on host that depends on weights stays in the rest, for a program has to learn these; it has no program then.
    """

    def __init__(self, graph: Any) -> None:
        behind: dict[Node, None] = {}
        for node in graph.nodes:
            if on_host(node):
                found = ancestry(graph, node)
                if not any(has_weights(n) for n in found):
                    behind |= found
        self.nodes = [n for n in graph.nodes if n in behind and not isinstance(n.fn, InputLayer)]
        inside = {*self.nodes}
        self.rest = [n for n in graph.nodes if n not in inside]
        inputs = {(n, 0): x for n, x in zip(graph.sources.values(), graph.flat_inputs)}
        self.begin = [(*key, x) for key, x in (self._wanted(graph, inputs) if self.nodes else inputs).items()]
        self.symbols = [x for _, _, x in self.begin]

    def _wanted(self, graph: Any, inputs: dict[Key, Symbol]) -> dict[Key, Symbol]:
        """The inputs and the nodes' results that the rest takes, or that are outputs."""
        taken = [x for n in self.rest for x in n.inputs if isinstance(x, Symbol)] + graph.flat_outputs
        wanted = {graph.made_by(x): x for x in taken}
        places = {n: i for i, n in enumerate([*(n for n, _ in inputs), *self.nodes])}
        given = sorted((key for key in wanted if key[0] in places), key=lambda k: (places[k[0]], k[1]))
        return {key: wanted[key] for key in given}

    def names(self, graph: Any) -> list[str]:
        """What the values that the rest begins with are called."""
        return [graph.name(n) + (f"_{i}" if i else "") for n, i, _ in self.begin]


def on_host(node: Node) -> bool:
    return getattr(node.fn, "on_host", False)


def has_weights(node: Node) -> bool:
    """Whether a node's result may change with training, or by chance."""
    if isinstance(node.fn, Layer):
        return bool(node.fn.weights) or node.fn._takes_training()
    return any(isinstance(x, Variable) for x in node.inputs)


def ancestry(graph: Any, node: Node) -> dict[Node, None]:
    """A node and all that it depends on."""
    found, stack = {node: None}, [node]
    while stack:
        for parent, _ in graph.parents(stack.pop()):
            if parent not in found:
                found[parent] = None
                stack.append(parent)
    return found


def prepared(graph: Any, values: list[Any]) -> list[Any]:
    """Values for the inputs of a graph as what its rest begins with; as they are, if nothing runs on the host."""
    if not graph.host.nodes or any(isinstance(x, Symbol) for x in values):
        return values
    with no_grad():
        known = graph.evaluate_nodes(dict(zip(((n, 0) for n in graph.sources.values()), values)), graph.host.nodes)
    return Prepared(known[n, i] for n, i, _ in graph.host.begin)


def ahead(model: Any, mode: Any, data: Data) -> Data:
    """The data with its inputs prepared, all rows at once, where each batch would give the same and they fit in memory.

    Not so for steps of the user's own, which are given what the user gave; or where the rows of a batch are padded to
    the longest among them.
    """
    graph = model.graph
    if graph is None or not graph.host.nodes or not isinstance(data, ArrayData):
        return data
    if isinstance(data.batch.x, Prepared) or model.runs_eagerly(mode) or model.has_own_metrics():
        return data
    symbols = graph.host.symbols
    if not all(map(on_host, graph.host.nodes)):  # an op may look from row to row
        return data
    if any(None in x.shape[1:] or is_string(x.dtype) for x in symbols):
        return data
    if data.rows * sum(prod(x.shape[1:]) * x.dtype.itemsize for x in symbols) > MOST_BYTES:
        return data
    x = Prepared(plain(v) for v in model.in_order(data.batch.x))
    if any(v.shape[:1] != (data.rows,) for v in x):
        return data
    out = copy.copy(data)
    out.batch = Batch(x, *data.batch[1:])
    return out


def is_raw(model: Any, x: Any) -> bool:
    """Whether inputs still have to be prepared."""
    return model.graph is not None and bool(model.graph.host.nodes) and not isinstance(x, Prepared)


def plain(value: Any) -> np.ndarray:
    return value._data if isinstance(value, Tensor) else np.asarray(value)


def example(graph: Any, sized: Any) -> list[Any]:
    """Zeros for what a graph's program begins with; `sized` closes the open axes of a shape."""
    zeros = [np.zeros(sized(x.shape), x.dtype) for x in graph.host.symbols]
    return Prepared(zeros) if graph.host.nodes else zeros
