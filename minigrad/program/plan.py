"""A plan: the steps of a program in order, each result once, and a place in one arena for each buffer.

Common subexpressions are computed once, and what nothing needs not at all. A buffer lives from the step that fills it
to the last step that reads it or a view of it; then its bytes serve another. An elementwise step may write over
an operand that it is the last to read.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..core.legacy import kernel_of
from ..core.node import Node
from ..core.spec import Spec, spec_of
from ..core.symbol import Symbol
from ..core.tensor import Variable
from .trace import Cell, Trace, opened

ALIGNMENT = 64  # bytes: a cache line


class Step:
    """One op of a program. It fills a buffer of its own, or writes straight into `target`, the Variable or Cell whose
    new value it makes; or its op allocates, or its result is a view.
    """

    __slots__ = ("args", "borrowed", "last_use", "node", "offset", "owns", "position", "target")

    def __init__(self, position: int, node: Node, args: tuple) -> None:
        self.position = position
        self.node = node
        self.args = args  # Steps, Symbols without a node, Variables, constants
        self.owns = node.fn.fills and node.fn.kind != "view"
        # Of an op that fills no buffer those of its operands: it may be the user's own, and return one as it is.
        self.borrowed = () if self.owns else tuple({id(r): r for a in args for r in roots(a)}.values())
        self.target: Variable | Cell | None = None
        self.offset: int | None = None  # of its buffer in the arena
        self.last_use = position

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


class Plan:
    """The steps of a trace, in order.

    results, checks: the trace's, in terms of steps. check_at: before which step the checks are made. writes: before
    which step which value is copied where; other updates are made by their step itself. late: what must be copied
    before the first write, because it is read after a write to where it lies. memory: the arena's size in bytes.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.by_node: dict[Node, Step] = {}
        self.steps: list[Step] = []
        self._order()
        self.results = {name: self.value(x) for name, x in trace.results.items()}
        self.checks = [self.value(x) for x in trace.checks]
        self.updates = [(cell, self.value(x)) for cell, x in trace.updates]
        ends = [*self.results.values(), *self.checks]
        self.check_at = max((x.position + 1 for x in ends if isinstance(x, Step)), default=0) if self.checks else 0
        self.writes: list[tuple[int, Variable | Cell, Any]] = []
        written = {id(place(cell)) for cell, _ in self.updates}
        read_at_end = [*self.results.values(), *(new for _, new in self.updates)]
        self.late = [x for x in read_at_end if any(id(r) in written for r in roots(x))]
        self._lives()
        self.memory = self._place()

    def value(self, x: Any) -> Any:
        """What stands for a traced value: the step that makes it, or the argument or constant that it is."""
        x = opened(x)
        return self.by_node[x.node] if isinstance(x, Symbol) and x.node is not None else x

    def _order(self) -> None:
        known: dict[Any, Step] = {}
        for node in self.trace.nodes():
            args = tuple(map(self.value, node.inputs))
            same = (node.fn, identity(args), identity(tuple(node.attrs.items())))
            step = known.get(same)
            if step is None or node.fn.kind == "random":
                step = known[same] = Step(len(self.steps), node, args)
                self.steps.append(step)
            self.by_node[node] = step

    def _lives(self) -> None:
        """Find who reads each buffer last, and the earliest place for each update: after the checks, and after the last
        step that reads the old value.
        """
        end = len(self.steps)
        last: dict[int, int] = {}  # by the identity of a Variable or Symbol: the last step that reads it

        def read(x: Any, position: int) -> None:
            for root in roots(x):
                if isinstance(root, Step):
                    root.last_use = max(root.last_use, position)
                else:
                    last[id(root)] = max(last.get(id(root), -1), position)

        for step in self.steps:
            for a in step.args:
                read(a, step.position)
        for x in [*self.results.values(), *self.late]:
            read(x, end)
        for x in self.checks:
            read(x, self.check_at - 1)
        for cell, new in self.updates:
            made = new.position if isinstance(new, Step) else -1
            at = max(made + 1, self.check_at, last.get(id(place(cell)), -1) + 1)
            fits = isinstance(new, Step) and new.in_place and new.target is None and new.spec == spec_of(place(cell))
            if fits and at == made + 1:
                new.target = cell
            else:
                self.writes.append((min(at, end), cell, new))
                read(new, at - 1)

    def _place(self) -> int:
        """Give each buffer its bytes: those of an operand it may write over, else the best fit among the free ones."""
        arena = Arena()
        dying: dict[int, list[Step]] = {}
        for step in self.steps:
            if step.owns and step.target is None:
                victim = self._overwritten(step)
                if victim is not None:
                    step.offset = victim.offset
                    dying[victim.last_use].remove(victim)
                else:
                    step.offset = arena.take(step.nbytes)
                dying.setdefault(step.last_use, []).append(step)
            for dead in dying.pop(step.position, ()):
                assert dead.offset is not None
                arena.give(dead.offset, dead.nbytes)
        return arena.size

    def _overwritten(self, step: Step) -> Step | None:
        """An operand's buffer that this step may write its result to."""
        if step.in_place and step.last_use > step.position:
            for a in step.args:
                own = isinstance(a, Step) and a.offset is not None and a.last_use == step.position
                if own and a.spec == step.spec:
                    return a
        return None


def roots(x: Any) -> tuple:
    """In whose memory a value may lie: steps that own it, Variables, Symbols of inputs and cells, constants."""
    return (x,) if not isinstance(x, Step) or x.owns else x.borrowed


def place(cell: Variable | Cell) -> Variable | Symbol:
    """What stands for a Variable or a Cell among operands."""
    return cell.symbol if isinstance(cell, Cell) else cell


class Arena:
    """Bytes given out and taken back. `size` is how many were ever needed at once."""

    def __init__(self) -> None:
        self.size = 0
        self.free: list[tuple[int, int]] = []  # (offset, bytes), by offset

    def take(self, nbytes: int) -> int:
        """The offset of so many bytes: the tightest gap that holds them, or new ones at the end."""
        nbytes = rounded(nbytes)
        fitting = [gap for gap in self.free if gap[1] >= nbytes]
        if fitting:
            gap = min(fitting, key=lambda g: g[1])
            self.free.remove(gap)
            if gap[1] > nbytes:
                self.free.append((gap[0] + nbytes, gap[1] - nbytes))
                self.free.sort()
            return gap[0]
        offset = self.size
        if self.free and sum(self.free[-1]) == self.size:  # the last gap grows
            offset = self.free.pop()[0]
        self.size = offset + nbytes
        return offset

    def give(self, offset: int, nbytes: int) -> None:
        """Take bytes back, joined with the gaps beside them."""
        gaps = sorted([*self.free, (offset, rounded(nbytes))])
        joined = [gaps[0]]
        for start, size in gaps[1:]:
            if sum(joined[-1]) == start:
                joined[-1] = (joined[-1][0], joined[-1][1] + size)
            else:
                joined.append((start, size))
        self.free = joined


def rounded(nbytes: int) -> int:
    return max(1, -(-nbytes // ALIGNMENT)) * ALIGNMENT


def identity(x: Any) -> Any:
    """What makes two operands or attributes the same: the object; of plain ones type and value (0.0 is not -0.0)."""
    if type(x) is tuple:
        return tuple(map(identity, x))
    if type(x) is slice:
        return (slice, *map(identity, (x.start, x.stop, x.step)))
    return (type(x), repr(x)) if type(x) in (bool, int, float, str) else id(x)
