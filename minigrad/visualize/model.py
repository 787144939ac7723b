"""A model's layer graph as a picture: one box a call, one arrow a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..layers.input import InputLayer
from ..layers.layer import Layer
from ..models.summary import kind_of, output_shapes
from .graph import Box, draw_graph

if TYPE_CHECKING:
    from ..core.node import Node
    from ..models.graph import Graph
    from ..models.model import Model


def draw_model(model: Model, title: str | None = None) -> str:
    """The SVG of a functional model's layers, with output shapes and parameter counts. ValueError if it has no graph.

    >>> from minigrad.layers import Dense, Input
    >>> from minigrad.models import Model
    >>> x = Input((4,))
    >>> draw_model(Model(x, Dense(2)(x))).count('class="box"')
    2
    """
    graph = model.graph
    if graph is None:
        raise ValueError(f"{model.name} has no graph to draw: it has a call of its own, or no input shape yet")
    edges = [(parent, node) for node in graph.nodes for parent, _ in graph.parents(node)]
    return draw_graph([box(graph, node) for node in graph.nodes], edges, title)


def box(graph: Graph, node: Node) -> Box:
    """The box of one call: name, kind, output shape, and how many parameters it uses."""
    is_layer = isinstance(node.fn, Layer)
    shapes = output_shapes(node)
    lines = [kind_of(node), str(shapes[0] if len(shapes) == 1 else shapes)]
    count = node.fn.count_params() if is_layer else 0
    if count:
        frozen = "" if node.fn.trainable_weights else ", frozen"
        lines.append(f"{count:,} parameter{'s' * (count != 1)}{frozen}")
    colour = (
        "op"
        if not is_layer
        else "input"
        if isinstance(node.fn, InputLayer)
        else "model"
        if getattr(node.fn, "graph", None)
        else "weights"
        if count
        else "plain"
    )
    return Box(node, graph.names[node.fn if is_layer else node], lines, colour)
