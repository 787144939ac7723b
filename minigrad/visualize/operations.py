"""The second zoom, ops: the autograd graph of tensors or a model, in groups by layer; dashed is what backward keeps."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.node import Node, Stub
from ..core.symbol import Symbol
from ..core.tensor import Tensor, Variable
from ..errors import GradientError
from ..layers.input import InputLayer
from .drawing import Box, Drawing, Group, Link

if TYPE_CHECKING:
    from ..models.model import Model

PLAIN = (bool, int, float, complex, str, type(None), np.generic)
Key = tuple[Any, ...]


def operations(
    roots: Iterable[Any],
    title: str = "",
    names: dict[Any, str] | None = None,
    rankdir: str = "TB",
    measured: dict[Any, list[str]] | None = None,
    show_shapes: bool = True,
    show_dtype: bool = False,
    within: Any = None,
    section: Callable[[Node], str] | None = None,
) -> Drawing:
    """The drawing of the ops that lead to some values.

    roots: Tensors or Symbols. names: of Variables, layers and the ids of symbols, what they are called here. measured:
    more lines for the box of a node. within: the layer that all of it belongs to. section: of a node outside of layers,
    the part of the step that it belongs to; "loss" is drawn as a group.

    >>> from minigrad import Tensor
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> [box.title for box in operations([(x * x).sum()]).boxes]
    ['tensor', 'multiply', 'sum']
    """
    drawer = _Ops(names or {}, measured or {}, show_shapes, show_dtype)
    drawer.within, drawer.section = within, section
    drawer.add([opened(x) for x in roots])
    return Drawing(title, drawer.boxes, drawer.links, drawer.groups, rankdir)


def opened(x: Any) -> Any:
    """A layer's symbol looked through, to what an op made."""
    while isinstance(x, Symbol) and x.node is not None and x.node.body:
        x = x.node.body[x.index]
    return x


class _Ops:
    """Boxes, links and groups on their way into a drawing."""

    def __init__(
        self, names: dict[Any, str], measured: dict[Any, list[str]], show_shapes: bool, show_dtype: bool
    ) -> None:
        self.names, self.measured = names, measured
        self.show_shapes, self.show_dtype = show_shapes, show_dtype
        self.within: Any = None
        self.section: Callable[[Node], str] | None = None
        self.boxes: list[Box] = []
        self.links: list[Link] = []
        self.groups: list[Group] = []
        self.specs: dict[Node, tuple[str, str]] = {}
        self.leaves: dict[Key, Box] = {}
        self.differentiable: dict[Key, bool] = {}  # whether some trainable leaf lies behind a value
        self.stack: list[tuple[Any, Hashable]] = []  # the layers whose calls are open, and their groups

    def add(self, roots: list[Any]) -> None:
        """Add the nodes behind the roots, oldest first, so that each group is one stretch of them."""
        for root in roots:
            if not is_op(root):
                self._leaf(root, None)
        nodes = sorted(nodes_behind(roots), key=lambda n: n.tick)
        for x in [*roots, *(opened(x) for node in nodes for x in node.inputs)]:
            if is_op(x):
                self.specs[x.node] = (str(x.shape), str(x.dtype))
        for node in nodes:
            self._node(node)

    def _node(self, node: Node) -> None:
        part = self.section(node) if self.section else ""
        group = self._group(node, part)
        needed, inline, sources = 0, [], []
        for i, x in enumerate(map(opened, node.inputs)):
            if is_inline(x):
                inline.append(short(x))
                continue
            key = self._key(x)
            if not is_op(x):
                self._leaf(x, group)
            if self.differentiable[key] and node.fn.rules and node.fn.rule(i):
                needed |= 1 << i
            sources.append((i, x, key))
        kept = node.fn._keep(needed, len(node.inputs)) if needed else None
        for i, x, key in sources:
            label = shape_of(x) if self.show_shapes else ""
            self.links.append(Link(key, ("op", node), label, bool(kept and kept.operands[i])))
        self.differentiable["op", node] = needed > 0
        said = ", ".join(
            [*inline, *(f"{k}={short(v)}" for k, v in node.attrs.items() if v is not None and v is not False)]
        )
        lines = [said] if said else []
        spec = self.specs[node]
        shown = [text for text, wanted in zip(spec, (self.show_shapes, self.show_dtype)) if wanted]
        lines += [" ".join(shown)] if shown else []
        alike, kind = (said, spec), "loss" if part == "loss" else "op"
        lines += self.measured.get(node, [])
        self.boxes.append(Box(("op", node), node.fn.name, lines, kind, bool(kept and kept.out), group, alike))

    def _leaf(self, x: Any, group: Hashable) -> None:
        key = self._key(x)
        if key in self.leaves:
            return
        trainable = bool(getattr(x, "requires_grad", False)) and not isinstance(x, Symbol)
        self.differentiable[key] = trainable
        if isinstance(x, Variable):
            count = f"{x.size:,} parameter{'s' * (x.size != 1)}{'' if trainable else ', frozen'}"
            title, kind, lines = self.names.get(x, x.name), "parameter", [shape_of(x), count]
        elif isinstance(x, Symbol):
            named = x.node is not None and isinstance(x.node.fn, InputLayer)
            title = self.names.get(id(x)) or (
                self.names.get(x.node.fn, x.node.fn.name) if named and x.node else "input"
            )
            kind, lines, group = "input", [shape_of(x)], None
        elif isinstance(x, Tensor):
            title, kind, lines = "tensor", "input" if trainable else "constant", [shape_of(x)]
            lines += ["requires_grad"] if trainable else []
        else:
            title, kind, lines = "constant", "constant", [shape_of(x)]
        if self.show_dtype and hasattr(x, "dtype"):
            lines.append(str(x.dtype))
        alike = tuple(lines)
        lines += self.measured.get(x, []) if isinstance(x, Variable) else []
        self.leaves[key] = box = Box(key, title, lines, kind, group=group, alike=alike)
        self.boxes.append(box)

    def _key(self, x: Any) -> Key:
        if is_op(x):
            return ("op", x.node)
        return ("leaf", x.node, x.index) if isinstance(x, Symbol) and x.node is not None else ("leaf", id(x))

    def _group(self, node: Node, part: str) -> Hashable:
        """The group for a layer's call; one that is open, or a new one."""
        path: list[Any] = []
        scope = node.scope
        while scope is not None:
            path.append(scope.layer)
            scope = scope.parent
        path.reverse()
        if path and path[0] is self.within:
            del path[0]
        if not path and part == "loss":
            path.append(part)
        common = 0
        while common < min(len(path), len(self.stack)) and path[common] is self.stack[common][0]:
            common += 1
        del self.stack[common:]
        for layer in path[common:]:
            key = ("layer", len(self.groups))
            parent = self.stack[-1][1] if self.stack else None
            if isinstance(layer, str):
                self.groups.append(Group(key, layer, parent, (), layer))
            else:
                kind = "weights" if getattr(layer, "weights", None) else "plain"
                name = self.names.get(layer) or layer.name
                self.groups.append(Group(key, name, parent, (type(layer).__name__,), kind))
            self.stack.append((layer, key))
        return self.stack[-1][1] if self.stack else None


def nodes_behind(roots: Iterable[Any]) -> set[Node]:
    """The op nodes that values come from. GradientError if a backward pass has freed them."""
    stack = [x.node for x in roots if is_op(x)]
    seen = set(stack)
    while stack:
        node = stack.pop()
        if node.freed:
            raise GradientError(
                f"graph: the graph behind {node.fn.name} was freed by backward(); draw it before, or call "
                "backward(retain_graph=True)"
            )
        for x in map(opened, node.inputs):
            if is_op(x) and x.node not in seen:
                seen.add(x.node)
                stack.append(x.node)
    return seen


def is_op(x: Any) -> bool:
    """Whether a value was made by an op that is drawn."""
    node = getattr(x, "node", None) if isinstance(x, (Tensor, Symbol, Stub)) else None
    return node is not None and not isinstance(node.fn, InputLayer)


def is_inline(x: Any) -> bool:
    """Whether an operand is said in its op's box: a number, or an array of one."""
    return isinstance(x, PLAIN) or (isinstance(x, np.ndarray) and x.ndim == 0) or isinstance(x, (list, tuple, slice))


def short(x: Any) -> str:
    """A constant or an attribute as a few characters."""
    if isinstance(x, (float, np.floating)):
        return f"{float(x):.4g}"
    if isinstance(x, np.ndarray):
        return short(x.item()) if x.ndim == 0 else f"array{x.shape}"
    if isinstance(x, PLAIN):
        return str(x)
    if isinstance(x, slice):
        return ":".join("" if part is None else str(part) for part in (x.start, x.stop, x.step)).removesuffix(":")
    if isinstance(x, (tuple, list)):
        inner = ", ".join(map(short, x[:4])) + (", …" if len(x) > 4 else "," * (len(x) == 1))
        return f"({inner})"
    if isinstance(x, np.dtype):
        return x.name
    return getattr(x, "__name__", type(x).__name__)


def shape_of(x: Any) -> str:
    """The shape of a value as text."""
    return str(x.shape) if hasattr(x, "shape") else str(np.shape(x))


def model_operations(model: Model, title: str = "", **options: Any) -> Drawing:
    """The drawing of the ops that a functional model's layers are made of. ValueError if it has no graph."""
    graph = model.graph
    if graph is None:
        raise ValueError(
            f"{model.name} has no graph to draw: it has a call of its own, or no input shape yet. "
            "Give a batch, plot(level='ops', x=...)"
        )
    return operations(graph.flat_outputs, title, names_in(model), **options)


def names_in(model: Model) -> dict[Any, str]:
    """What a model's weights and layers are called."""
    names: dict[Any, str] = {v: path for path, v in model.named_weights().items()}
    if model.graph is not None:
        names |= model.graph.names
    return names
