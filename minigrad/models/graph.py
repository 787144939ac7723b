"""The functional graph of a model: the nodes between its inputs and its outputs, in order, with their names."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from ..core.mode import Scope
from ..core.node import Node
from ..core.symbol import Symbol
from ..core.tensor import Variable
from ..core.tree import leaves, map_leaves
from ..errors import GraphError
from ..layers.input import InputLayer
from ..layers.layer import Layer, unique
from .host import Host, Prepared

Key = tuple[Node | None, int]


class Graph:
    """All nodes that lead from `inputs` to `outputs` (structures of Symbols), deepest first.

    `sources` are the nodes of the inputs, in their order. `layers` are the layers among the nodes' functions, each
    once; operators and NumPy functions are nodes as well. `names` says what each is called within this graph.
    `variables` are those that operators and functions use directly, and whether each is trainable.
    Raises GraphError if some output depends on an Input that is not among the inputs.
    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.inputs, self.outputs = inputs, outputs
        self.flat_inputs, self.flat_outputs = symbols(inputs, "inputs"), symbols(outputs, "outputs")
        if len({key(x) for x in self.flat_inputs}) != len(self.flat_inputs):
            raise GraphError("Model: the same symbol stands twice among the inputs")
        # An inner symbol may be an input as well; it then gets a source of its own.
        self.sources = {key(x): source(x) for x in self.flat_inputs}
        self.nodes = self._ordered()
        self.layers: list[Layer] = unique(n.fn for n in self.nodes if isinstance(n.fn, Layer))
        used = unique(v for n in self.nodes for v in variables(n))
        self.variables: list[tuple[Variable, bool]] = [(v, v.trainable) for v in used]
        self.names = named([*self.sources.values(), *self.nodes])
        self._refuse_strays()
        for layer in self.layers:
            layer._numbered = layer._numbered or self.names[layer]

    def name(self, node: Node) -> str:
        """The name of a node's layer, or of the op that it is."""
        return self.names[node.fn if isinstance(node.fn, Layer) else node]

    def parents(self, node: Node) -> list[tuple[Node, int]]:
        """(node, output index) of each input symbol of a node of this graph."""
        return [self.made_by(x) for x in node.inputs if isinstance(x, Symbol)]

    def made_by(self, x: Symbol) -> tuple[Node, int]:
        """(node, output index) behind a symbol, within this graph."""
        source = self.sources.get(key(x))
        if source is not None:
            return source, 0
        if x.node is None:
            raise GraphError(f"Model: the symbol of shape {x.shape} is neither an Input nor made from one")
        return x.node, x.index

    def _ordered(self) -> list[Node]:
        seen = dict.fromkeys([*self.sources.values(), *(self.made_by(x)[0] for x in self.flat_outputs)])
        stack = list(seen)
        while stack:
            node = stack.pop()
            for parent, _ in self.parents(node):
                if parent not in seen:
                    seen[parent] = None
                    stack.append(parent)
        given = set(self.sources.values())
        for node in seen:
            if isinstance(node.fn, InputLayer) and node not in given:
                self._disconnected(node, sorted(seen, key=lambda n: n.tick))
        return by_depth(list(seen), self.parents)

    def _disconnected(self, missing: Node, nodes: list[Node]) -> None:
        names = named([*self.sources.values(), *nodes])

        def told(node: Node) -> str:
            return names[node.fn if isinstance(node.fn, Layer) else node]

        for output in self.flat_outputs:
            path = line_between(missing, output, self.sources)
            if path:
                given = ", ".join(f"{told(n)} {n.fn.batch_shape}" for n in self.sources.values())
                raise GraphError(
                    f"Model: the graph is disconnected: the output made by {told(path[-1])} depends on {told(missing)} "
                    f"{missing.fn.batch_shape}, through {' -> '.join(map(told, path))}, but the inputs are only: "
                    f"{given}. Add that Input to inputs="
                )

    def _refuse_strays(self) -> None:
        for node in self.nodes:
            x = stray(node)
            if x is not None:
                made = next((f", made by {self.name(n)}," for n in self.nodes if n is x.node), "")
                raise GraphError(
                    f"Model: {self.name(node)} uses a symbol of shape {x.shape}{made} that it was not called on; "
                    "pass it as an argument, as in layer([x, y])"
                )

    @cached_property
    def host(self) -> Host:
        """The part that runs on arrays, before a program."""
        return Host(self)

    def evaluate(self, values: list[Any]) -> dict[Key, Any]:
        """All values of the graph, by (node, output index), from values for the inputs in order, or from Prepared."""
        if isinstance(values, Prepared):
            begin = {(n, i): x for (n, i, _), x in zip(self.host.begin, values, strict=True)}
            return self.evaluate_nodes(begin, self.host.rest)
        return self.evaluate_nodes({(n, 0): x for n, x in zip(self.sources.values(), values, strict=True)}, self.nodes)

    def evaluate_nodes(self, known: dict[Key, Any], nodes: list[Node]) -> dict[Key, Any]:
        """The known values, and those that nodes make of them."""

        def value_of(x: Any) -> Any:
            return self.look_up(x, known)

        for node in nodes:
            if (node, 0) not in known and not isinstance(node.fn, InputLayer):
                for i, result in enumerate(leaves(call(node, value_of))):
                    known[node, i] = result
        return known

    def look_up(self, x: Any, known: dict[Key, Any]) -> Any:
        """The known value of a symbol of this graph; anything else stands for itself."""
        if not isinstance(x, Symbol):
            return x
        return known[self.made_by(x)]

    def run(self, values: list[Any]) -> Any:
        """Compute the outputs, in their structure, from values for the inputs in order."""
        known = self.evaluate(values)
        return map_leaves(lambda x: self.look_up(x, known), self.outputs)


def call(node: Node, value_of: Any) -> Any:
    """Call a node's function again, on the values that `value_of` gives for its symbols."""
    if isinstance(node.fn, Layer):
        args, kwargs = map_leaves(value_of, (node.attrs["args"], node.attrs["kwargs"]))
        return node.fn(*args, **kwargs)
    return node.fn(*map(value_of, node.inputs), **node.attrs)


def key(x: Symbol) -> Key:
    return x.node, x.index


def source(x: Symbol) -> Node:
    """The node of an Input, or for an inner symbol an input layer that stands in its place."""
    if x.node is not None and isinstance(x.node.fn, InputLayer):
        return x.node
    return Node(InputLayer(x.shape, x.dtype), (), {"args": (), "kwargs": {}}, x.specs, (), None)


def symbols(structure: Any, what: str) -> list[Symbol]:
    """The symbols of a structure; GraphError, saying which, if something else is among them."""
    flat = list(leaves(structure))
    for i, x in enumerate(flat):
        if not isinstance(x, Symbol):
            raise GraphError(
                f"Model: {what}[{i}] is a {type(x).__name__}, expected a Symbol: what Input(...) or a layer called "
                "on it returns"
            )
    if not flat:
        raise GraphError(f"Model: {what} is empty")
    return flat


def by_depth(nodes: list[Node], parents: Any) -> list[Node]:
    """Nodes by their longest distance to an output, farthest first, then by age. (Keras's order.)"""
    depth = dict.fromkeys(nodes, 0)
    for node in sorted(nodes, key=lambda n: n.tick, reverse=True):
        for parent, _ in parents(node):
            depth[parent] = max(depth[parent], depth[node] + 1)
    return sorted(nodes, key=lambda n: (-depth[n], n.tick))


def line_between(start: Node, output: Symbol, stops: Iterable[Key]) -> list[Node]:
    """The nodes of one way from `start` to what made `output`; empty if there is none."""
    came_from: dict[Node, Node | None] = {output.node: None} if output.node else {}
    stack = list(came_from)
    while stack:
        node = stack.pop()
        for x in node.inputs:
            if isinstance(x, Symbol) and x.node and x.node not in came_from and key(x) not in stops:
                came_from[x.node] = node
                stack.append(x.node)
    path: list[Node] = []
    step: Node | None = start if start in came_from else None
    while step is not None:
        path.append(step)
        step = came_from[step]
    return path


def stray(node: Node) -> Symbol | None:
    """A symbol that a layer's call used although it neither was given it nor made it."""
    inputs = [x for x in node.inputs if isinstance(x, Symbol)]
    given = {key(x) for x in [*inputs, *(x.mask for x in inputs)] if isinstance(x, Symbol)}
    stack = [x for x in node.body if isinstance(x, Symbol)]
    seen = set()
    while stack:
        x = stack.pop()
        made = x.node
        if key(x) in given or made in seen:
            continue
        if made is None or not within(made.scope, node):
            return x
        seen.add(made)
        stack += [i for i in made.inputs if isinstance(i, Symbol)]
    return None


def within(scope: Scope | None, node: Node) -> bool:
    """Whether a scope is that of the layer call that made a node, or inside it."""
    while scope is not None and not (scope.layer is node.fn and scope.parent is node.scope):
        scope = scope.parent
    return scope is not None


def named(nodes: list[Node]) -> dict[Any, str]:
    """A name for each layer and each op node: the given one, or the stem and a number from 1, in graph order."""
    things = unique(n.fn if isinstance(n.fn, Layer) else n for n in nodes)
    names: dict[Any, str] = {}
    taken: set[str] = set()
    for layer in things:
        if isinstance(layer, Layer) and layer._name is not None:
            if layer._name in taken:
                raise GraphError(f"Model: two layers are named {layer._name!r}; names must be unique within a model")
            names[layer] = layer._name
            taken.add(layer._name)
    counts: dict[str, int] = {}
    for thing in things:
        if thing in names:
            continue
        stem = thing.name_stem if isinstance(thing, Layer) else thing.fn.name
        while True:
            counts[stem] = counts.get(stem, 0) + 1
            name = f"{stem}_{counts[stem]}"
            if name not in taken:
                break
        names[thing] = name
    return names


def variables(node: Node) -> list[Variable]:
    """The Variables that an op's node uses directly; a layer's are the layer's."""
    return [] if isinstance(node.fn, Layer) else [x for x in node.inputs if isinstance(x, Variable)]
