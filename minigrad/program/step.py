"""A step: one op of a program, and where its result lies."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..core.legacy import kernel_of
from ..core.node import Node
from ..core.spec import Spec
from ..core.symbol import Symbol
from ..core.tensor import Variable
from .trace import Cell


class Buffer:
    """Bytes of the arena: from the line that first writes to them to the line that reads them last."""

    __slots__ = ("last_use", "nbytes", "offset")

    def __init__(self, nbytes: int, position: int) -> None:
        self.nbytes = nbytes
        self.last_use = position
        self.offset: int | None = None


class Step:
    """One op of a program. It fills a buffer of its own, or part of the buffer of a pack, or writes straight into
    `target`, the Variable or Cell whose new value it makes; or its op allocates, or its result is a view.
    """

    __slots__ = ("args", "borrowed", "buffer", "node", "owns", "position", "start", "target")

    def __init__(self, position: int, node: Node, args: tuple) -> None:
        self.position = position  # of its line: the steps of a loop share one
        self.node = node
        self.args = args  # Steps, Symbols without a node, Variables, constants
        self.owns = node.fn.fills and node.fn.kind != "view"
        # Of an op that fills no buffer those of its operands: it may be the user's own, and return one as it is.
        self.borrowed = () if self.owns else tuple({id(s): s for a in args for s in owners(a)}.values())
        self.target: Variable | Cell | None = None
        self.buffer = Buffer(self.nbytes, position)
        self.start = 0  # from where on in the buffer

    @property
    def packed(self) -> bool:
        """Whether the result is a part of a pack."""
        return self.buffer.nbytes != self.nbytes

    @property
    def offset(self) -> int | None:
        """Where in the arena the result lies."""
        return None if self.buffer.offset is None else self.buffer.offset + self.start

    @property
    def in_place(self) -> bool:
        """Whether the op may write over an operand: elementwise, each element is read before it is written."""
        return self.owns and self.node.fn.kind == "elementwise" and isinstance(kernel_of(self.node), np.ufunc)

    @property
    def spec(self) -> Spec:
        """The result's shape and dtype."""
        return self.node.out[0]

    @property
    def nbytes(self) -> int:
        """The result's size."""
        return prod(self.spec.shape) * np.dtype(self.spec.dtype).itemsize

    # -- a step as a line of the program, of one step ----------------------------------------------------------------

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of this line."""
        return (self,)

    @property
    def outputs(self) -> tuple[Step, ...]:
        """Those of them whose results other lines read."""
        return (self,)

    def may_overwrite(self, step: Step) -> bool:
        """Whether a step of this line may write over an operand of the same spec."""
        return self.in_place

    def writes_to(self, step: Step, place: Any) -> bool:
        """Whether a step of this line may write its result to that Variable or Cell, which the line may read."""
        return self.in_place


def owners(x: Any) -> tuple:
    """In whose memory a value may lie: that of steps, Variables, Symbols of inputs and cells, or constants."""
    return (x,) if not isinstance(x, Step) or x.owns else x.borrowed


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of an operand."""
    return x.spec.shape if isinstance(x, Step) else np.shape(x) if not hasattr(x, "shape") else x.shape


def places(cell: Variable | Cell) -> tuple[Variable | Symbol, ...]:
    """What stands for a Variable or a Cell among operands; of a Cell also the Variables that lie in it."""
    return (cell.symbol, *cell.covers) if isinstance(cell, Cell) else (cell,)


def identity(x: Any) -> Any:
    """What makes two operands or attributes the same: the object; of plain ones type and value (0.0 is not -0.0)."""
    if type(x) is tuple:
        return tuple(map(identity, x))
    if type(x) is slice:
        return (slice, *map(identity, (x.start, x.stop, x.step)))
    return (type(x), repr(x)) if type(x) in (bool, int, float, str) else id(x)
