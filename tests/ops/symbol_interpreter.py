"""Run a graph of Symbols on arrays, node by node: the plainest possible program, to test all others against."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core.node import Node
from minigrad.core.rowsparse import RowSparse
from minigrad.core.spec import Spec
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Tensor


def evaluate(symbols: list[Symbol], feed: dict[Symbol, np.ndarray]) -> list[Any]:
    """The values of `symbols`, given those of the free ones. Each value must have the shape and dtype of its spec."""
    nodes: dict[Node, None] = {}
    stack = [s.node for s in symbols if s.node is not None]
    while stack:
        node = stack.pop()
        if node not in nodes:
            nodes[node] = None
            stack += [x.node for x in node.inputs if isinstance(x, Symbol) and x.node is not None]
    values: dict[Node, Any] = {}

    def value(x: Any) -> Any:
        if isinstance(x, Symbol):
            return feed[x] if x.node is None else values[x.node]
        return x.numpy() if isinstance(x, Tensor) else x

    for node in sorted(nodes, key=lambda n: n.tick):
        out = node.fn.kernel(*map(value, node.inputs), **node.attrs)
        out = out if isinstance(out, RowSparse) else np.asarray(out)
        spec = node.out[0]
        if spec != Spec(out.shape, out.dtype):
            raise AssertionError(f"{node.fn.name}: the spec says {spec}, the kernel gave {out.shape} {out.dtype}")
        values[node] = out
    return [value(s) for s in symbols]
