"""The summary, letter by letter as Keras 2.0 to 2.2 print it: columns cut to their width, rules between rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.node import Node
from ..core.symbol import Symbol
from ..core.tensor import Variable
from ..layers.layer import Layer
from .graph import variables

if TYPE_CHECKING:
    from .model import Model


class Row(NamedTuple):
    """One layer or op of a model, as a summary or a picture shows it."""

    name: str
    kind: str
    shape: str
    params: str
    connections: list[str]
    trainable: str
    level: int


def summary_rows(model: Model, expand_nested: bool = False, level: int = 0) -> Iterator[Row]:
    """The rows of a model's summary, in graph order; of a Sequential without its Input."""
    graph = model.graph
    if graph is None:
        for name, layer in model.named_sublayers().items():
            params = str(layer.count_params()) if layer.built else "unbuilt"
            yield Row(name, type(layer).__name__, "?", params, [], mark(layer.weights), level)
        return
    shown = graph.nodes if model.lists_inputs else [n for n in graph.nodes if n.inputs]
    calls = call_numbers(graph.nodes)
    for thing, nodes in by_thing(shown).items():
        weights = thing.weights if isinstance(thing, Layer) else variables(thing)
        connections = [f"{graph.name(p)}[{calls[p]}][{i}]" for n in nodes for p, i in graph.parents(n)]
        params = str(sum(v.size for v in weights))
        kind, shape = kind_of(nodes[0]), shape_text(nodes)
        yield Row(graph.names[thing], kind, shape, params, connections, mark(weights), level)
        if expand_nested and getattr(thing, "graph", None) is not None:
            yield from summary_rows(thing, True, level + 1)


def by_thing(nodes: list[Node]) -> dict[Any, list[Node]]:
    """The nodes of each layer in the order of its calls; an op's node is alone."""
    things: dict[Any, list[Node]] = {}
    for node in nodes:
        things.setdefault(node.fn if isinstance(node.fn, Layer) else node, []).append(node)
    return {thing: sorted(own, key=lambda n: n.tick) for thing, own in things.items()}


def call_numbers(nodes: list[Node]) -> dict[Node, int]:
    """For each node how many calls of the same layer came before it in this graph."""
    return {node: k for own in by_thing(nodes).values() for k, node in enumerate(own)}


def kind_of(node: Node) -> str:
    """The class name of a node's layer; of an op its name in the same style (`GetItem`)."""
    if isinstance(node.fn, Layer):
        return type(node.fn).__name__
    return "".join(word.capitalize() for word in node.fn.name.split("_"))


def output_shapes(node: Node) -> list[tuple]:
    """The shapes of a node's results, with None for an open axis."""
    return [x.shape for x in node.body] if node.body else [Symbol(node.out, node).shape]


def shape_text(nodes: list[Node]) -> str:
    texts = {str(shapes[0] if len(shapes) == 1 else shapes) for shapes in map(output_shapes, nodes)}
    return texts.pop() if len(texts) == 1 else "multiple"


def mark(weights: list[Variable]) -> str:
    """What the column Trainable says."""
    return "-" if not weights else "Y" if any(v.trainable for v in weights) else "N"


def is_linear(model: Model) -> bool:
    """Whether three columns say everything: one node at a depth, with one inbound layer, and no layer called twice."""
    graph = model.graph
    if graph is None:
        return True
    if any(len(own) > 1 for own in by_thing(graph.nodes).values()):
        return False
    return all(
        [p for p, _ in graph.parents(node)] == ([before] if before else [])
        for node, before in zip(graph.nodes, [None, *graph.nodes])
    )


def print_summary(
    model: Model,
    line_length: int | None,
    positions: list[float] | None,
    print_fn: Callable[[str], Any],
    expand_nested: bool,
    show_trainable: bool,
) -> None:
    """Print a model's summary, line by line."""
    linear = is_linear(model)
    titles = ["Layer (type)", "Output Shape", "Param #"] + ([] if linear else ["Connected to"])
    length = line_length or (65 if linear else 98)
    fractions = list(positions or ([0.45, 0.85, 1.0] if linear else [0.33, 0.55, 0.67, 1.0]))
    if len(fractions) != len(titles):
        raise ValueError(f"summary: positions has {len(fractions)} column ends, expected {len(titles)}")
    ends = [int(end * length if fractions[-1] <= 1 else end) for end in fractions]
    if show_trainable:
        titles.append("Trainable")
        ends.append(ends[-1] + 11)
        length += 11

    def write(fields: list[str]) -> None:
        line = ""
        for i, (text, end) in enumerate(zip(fields, ends, strict=True)):
            line = (line[:-1] + " " if i else "") + text
            line = line[:end].ljust(end)
        print_fn(line)

    print_fn("_" * length)
    write(titles)
    print_fn("=" * length)
    rows = list(summary_rows(model, expand_nested))
    for i, row in enumerate(rows):
        first = [f"{'| ' * row.level}{row.name} ({row.kind})", row.shape, row.params]
        tail = [row.trainable] if show_trainable else []
        if linear:
            write(first + tail)
        else:
            write([*first, *(row.connections[:1] or [""]), *tail])
            for connection in row.connections[1:]:
                write(["", "", "", connection, *([""] if show_trainable else [])])
        print_fn(("=" if i == len(rows) - 1 else "_") * length)
    trainable = sum(v.size for v in model.trainable_weights)
    frozen = sum(v.size for v in model.non_trainable_weights)
    print_fn(f"Total params: {trainable + frozen:,}")
    print_fn(f"Trainable params: {trainable:,}")
    print_fn(f"Non-trainable params: {frozen:,}")
    print_fn("_" * length)
