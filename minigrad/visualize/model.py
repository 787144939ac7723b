"""The first zoom, layers: one box a call, one arrow a value, and if wanted what is in the models inside."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

from ..core.tree import leaves
from ..errors import unknown
from ..layers.input import InputLayer
from ..layers.layer import Layer
from ..models.graph import variables
from ..models.summary import kind_of, output_shapes
from .drawing import Box, Drawing, Group, Link
from .graph import draw

if TYPE_CHECKING:
    from ..core.node import Node
    from ..models.graph import Graph
    from ..models.model import Model

Path = tuple["Node", ...]  # the calls of models around a node


def draw_model(model: Model, title: str | None = None) -> str:
    """The SVG of a functional model's layers, with output shapes and parameter counts. ValueError if it has no graph.

    >>> from minigrad.layers import Dense, Input
    >>> from minigrad.models import Model
    >>> x = Input((4,))
    >>> draw_model(Model(x, Dense(2)(x))).count('class="box"')
    2
    """
    return draw(layers(model, title or "", show_edges=False))


def layers(
    model: Model,
    title: str = "",
    *,
    show_shapes: bool = True,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    show_params: bool = True,
    show_edges: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    layer_range: Sequence[str] | None = None,
    measured: dict[Node, list[str]] | None = None,
) -> Drawing:
    """The drawing of a functional model's layers. measured: more lines for the box of a node."""
    graph = model.graph
    if graph is None:
        raise ValueError(f"{model.name} has no graph to draw: it has a call of its own, or no input shape yet")
    drawer = _Layers(expand_nested, show_edges and show_shapes)
    shown = {
        "names": show_layer_names, "shapes": show_shapes, "dtype": show_dtype, "params": show_params,
        "activations": show_layer_activations, "trainable": show_trainable,
    }  # fmt: skip
    drawer.add(graph, (), None, shown, measured or {}, within(graph, layer_range))
    return Drawing(title, drawer.boxes, drawer.links, drawer.groups, rankdir)


class _Layers:
    """Boxes, links and groups on their way into a drawing."""

    def __init__(self, expand: bool, label_edges: bool) -> None:
        self.expand, self.label_edges = expand, label_edges
        self.boxes: list[Box] = []
        self.links: list[Link] = []
        self.groups: list[Group] = []

    def add(
        self,
        graph: Graph,
        path: Path,
        group: Hashable,
        shown: dict[str, bool],
        measured: dict[Node, list[str]],
        nodes: list[Node],
    ) -> None:
        """Add the nodes of a graph, and of the models in it."""
        own = set(nodes)
        for node in nodes:
            inner = getattr(node.fn, "graph", None) if self.expand else None
            if inner is not None:
                key = (*path, node)
                self.groups.append(Group(key, graph.name(node), group, (kind_of(node),), "model"))
                self.add(inner, key, key, shown, {}, inner.nodes)
                for source, parent in zip(inner.sources.values(), graph.parents(node)):
                    self._link(graph, path, parent, (*key, source), own)
            else:
                self.boxes.append(box(graph, node, (*path, node), group, shown, measured.get(node, [])))
                for parent in graph.parents(node):
                    self._link(graph, path, parent, (*path, node), own)

    def _link(self, graph: Graph, path: Path, parent: tuple[Node, int], target: Path, own: set[Node]) -> None:
        node, index = parent
        if node in own:
            shapes = output_shapes(node)
            label = str(shapes[index]) if self.label_edges and index < len(shapes) else ""
            self.links.append(Link(self._maker(path, node, index), target, label))

    def _maker(self, path: Path, node: Node, index: int) -> Path:
        """The key of the box that makes a result: of a model that is drawn open, the one inside."""
        inner = getattr(node.fn, "graph", None) if self.expand else None
        if inner is None:
            return (*path, node)
        return self._maker((*path, node), *inner.made_by(inner.flat_outputs[index]))


def box(graph: Graph, node: Node, key: Hashable, group: Hashable, shown: dict[str, bool], more: list[str]) -> Box:
    """The box of one call: name, kind, output shape, how many parameters it uses, and what else is to be shown."""
    is_layer = isinstance(node.fn, Layer)
    shapes = output_shapes(node)
    kind, shape = kind_of(node), str(shapes[0] if len(shapes) == 1 else shapes)
    weights = node.fn.weights if is_layer else variables(node)
    count = sum(v.size for v in weights)
    lines = [kind] if shown["names"] else []
    if shown["activations"] and (activation := activation_of(node)):
        lines.append(f"activation: {activation}")
    if shown["shapes"]:
        lines.append(shape)
    if shown["dtype"]:
        lines.append(", ".join(dict.fromkeys(dtypes(node))))
    if count and shown["params"]:
        frozen = "" if any(v.trainable for v in weights) else ", frozen"
        lines.append(f"{count:,} parameter{'s' * (count != 1)}{frozen}")
    if shown["trainable"] and count:
        lines.append("trainable" if any(v.trainable for v in weights) else "not trainable")
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
    title = graph.name(node) if shown["names"] else kind
    return Box(key, title, [*lines, *more], colour, group=group, alike=(kind, shape, count))


def activation_of(node: Node) -> str:
    """The name of a layer's activation; empty if it has none."""
    activation: Any = getattr(node.fn, "activation", None)
    return getattr(activation, "__name__", None) or getattr(activation, "name", "") or ""


def dtypes(node: Node) -> list[str]:
    """The dtypes of a node's results."""
    return [str(x.dtype) for x in leaves(node.body)] if node.body else [str(node.out[0].dtype)]


def within(graph: Graph, layer_range: Sequence[str] | None) -> list[Node]:
    """The nodes of a graph from the first to the second layer of that name, or all."""
    if layer_range is None:
        return graph.nodes
    if isinstance(layer_range, str) or len(layer_range) != 2:
        raise ValueError(f"layer_range takes the names of two layers, the first and the last; got {layer_range!r}")
    names = [graph.name(node) for node in graph.nodes]
    for name in layer_range:
        if name not in names:
            raise unknown("layer in layer_range", name, names)
    start, stop = sorted(names.index(name) for name in layer_range)
    return graph.nodes[start : stop + 1]
