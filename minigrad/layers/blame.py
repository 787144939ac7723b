"""Says, in an error raised inside a layer, which layer it was and where its inputs came from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..core.symbol import Symbol
from ..core.tree import leaves

if TYPE_CHECKING:
    from .layer import Layer

LONGEST = 8  # links of a chain that are shown


def blame(error: Exception, layer: Layer, args: Any) -> None:
    """Put the layer's name and the chain of layers before it into the error's message, once: the innermost layer."""
    if getattr(error, "layer", None) is not None or not error.args:
        return
    error.layer = layer  # type: ignore[attr-defined]
    values = [x for x in leaves(args) if hasattr(x, "shape")]
    got = " and ".join(str(x.shape) for x in values)
    message = f"layer {layer.name} ({type(layer).__name__}){got and ', called on '}{got}: {error.args[0]}"
    for x in values:
        if isinstance(x, Symbol):
            message += f"\n  its input comes from {chain(x)}"
    for name, axis in dict.fromkeys(open_axes(values)):
        message += f"\n  axis {axis} of {name} is open: give that Input its size"
    error.args = (message, *error.args[1:])


def open_axes(values: list[Any]) -> Iterator[tuple[str, int]]:
    """(name of an Input behind the values, an axis of it other than the batch that has no size)."""
    stack, seen = [x for x in values if isinstance(x, Symbol)], set()
    while stack:
        x = stack.pop()
        if x in seen or x.node is None:
            continue
        seen.add(x)
        stack += [i for i in x.node.inputs if isinstance(i, Symbol)]
        if not x.node.inputs:
            yield from ((x.node.fn.name, axis) for axis, n in enumerate(x.shape) if axis and n is None)


def chain(symbol: Symbol) -> str:
    """`input (None, 4) -> embedding (None, 4, 3)`: a symbol's shortest line of descent, oldest first."""
    links = []
    x: Any = symbol
    while isinstance(x, Symbol):
        links.append(f"{x.node.fn.name if x.node else 'a free symbol'} {x.shape}")
        x = next((i for i in x.node.inputs if isinstance(i, Symbol)), None) if x.node else None
    if len(links) > LONGEST:
        links[LONGEST - 1 : -1] = ["..."]
    return " -> ".join(reversed(links))
