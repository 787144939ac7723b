"""The one graph vocabulary: a node is a call, and its inputs are the values it was called on."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np

from .mode import Scope
from .spec import Shape

next_tick = count(1).__next__


class Node:
    """One call of `fn`, an op or a layer, on `inputs`.

    `inputs` are Tensors, Symbols, Stubs or plain constants; they point back only, so that a graph dies with its
    last reader. `live` are the positions whose inputs can take a gradient. `out` is what a rule may read of the
    result: the array, if some rule names it; on symbols, its specs. `tick` orders nodes in time. `scope` is the
    layer call that made the node, `body` (of a layer's node) the symbols that its `call` returned.
    """

    __slots__ = ("__weakref__", "attrs", "body", "extra", "fn", "inputs", "live", "out", "scope", "tick")

    def __init__(
        self,
        fn: Any,
        inputs: tuple,
        attrs: dict[str, Any],
        out: Any,
        live: tuple[int, ...],
        scope: Scope | None,
        body: tuple = (),
    ) -> None:
        self.fn = fn
        self.inputs = inputs
        self.attrs = attrs
        self.out = out
        self.live = live
        self.scope = scope
        self.body = body
        self.extra: dict[str, Any] | None = None  # hooks; masks; under detect_anomaly the user's line; gradient_of
        self.tick = next_tick()

    @property
    def freed(self) -> bool:
        return self.inputs is None

    def free(self) -> None:
        """Let go of everything a rule would need; a second backward then says so."""
        self.inputs = self.out = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Node {self.tick}: {self.fn.name}>"


class Stub:
    """What a node remembers of an input that no rule reads: its spec and where it came from, not its data."""

    __slots__ = ("dtype", "node", "requires_grad", "shape")

    def __init__(self, shape: Shape, dtype: np.dtype, node: Node | None) -> None:
        self.shape = shape
        self.dtype = dtype
        self.node = node
        self.requires_grad = node is not None

    def __repr__(self) -> str:
        return f"<Stub {self.shape} {self.dtype}>"
