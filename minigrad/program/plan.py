"""A plan: the lines of a program in order, each result once, and a place in one arena for each buffer.

Common subexpressions are computed once, and what nothing needs not at all. A buffer lives from the line that fills it
to the last line that reads it or a view of it; then its bytes serve another. An elementwise step may write over
an operand that it is the last to read.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..core.node import Node
from ..core.rows import Table
from ..core.spec import spec_of
from ..core.symbol import Symbol
from ..core.tensor import Variable
from ..ops.gather import Lookup
from ..ops.join import pack
from .lines import Blocks, Nest, Touched, block, fuse, readers
from .memory import Memory
from .rewrite import rewrite
from .step import Buffer, Step, identity, owners, places, shape_of
from .trace import Cell, RowUpdate, Trace, mapped, opened

Line = Step | Nest | Blocks | Touched


class Plan:
    """The lines of a program, in order: steps, and loops that several steps were fused into.

    fused: whether steps are fused into loops. results, checks: the trace's, in terms of steps. check_at: before which
    line the checks are made. writes: before which line which value is copied where; other updates are made by their
    step itself. late: what must be copied before the first write, because it is read after a write to where it lies.
    memory: the arena's size in bytes.
    """

    def __init__(self, trace: Trace, fused: bool = False) -> None:
        self.trace = trace = rewrite(trace) if fused else trace
        self.fused = fused
        self.by_node: dict[Node, Step] = {}
        steps = self._each_once()
        touched = [self._touched(update, steps) for update in trace.row_updates]
        own = {step for line in touched for step in line.steps}
        steps = [step for step in steps if step not in own]
        self.results = {name: self.value(x) for name, x in trace.results.items()}
        self.checks = [self.value(x) for x in trace.checks]
        self.updates = [(cell, self.value(x)) for cell, x in trace.updates]
        before = [x for x in [*self.results.values(), *self.checks] if isinstance(x, Step)]
        after = [x for _, x in self.updates if isinstance(x, Step)] + [x for line in touched for x in line.operands]
        self.lines: list[Line] = fuse(steps, before, after) if fused else block(steps, before, after)
        self.lines += touched
        for position, line in enumerate(self.lines):
            for step in line.steps:
                step.position = position
        self.steps = [step for line in self.lines for step in line.steps]
        self.check_at = max((x.position + 1 for x in before), default=0) if self.checks else 0
        self.writes: list[tuple[int, Variable | Cell, Any]] = []
        cells = [*(cell for cell, _ in self.updates), *(cell for line in touched for cell, _ in line.update.writes)]
        written = {id(x) for cell in cells for x in places(cell)}
        read_at_end = [*self.results.values(), *(new for _, new in self.updates)]
        self.late = [x for x in read_at_end if any(id(owner) in written for owner in owners(x))]
        self._pack()
        self._lives()
        self.memory = self._place()

    def value(self, x: Any) -> Any:
        """What stands for a traced value: the step that makes it, or the argument or constant that it is."""
        x = opened(x)
        return self.by_node[x.node] if isinstance(x, Symbol) and x.node is not None else x

    def _each_once(self) -> list[Step]:
        """A step for each op; one and the same for ops that compute the same."""
        steps: list[Step] = []
        known: dict[Any, Step] = {}
        for node in self.trace.nodes():
            args = tuple(map(self.value, node.inputs))
            same = (node.fn, identity(args), identity(tuple(node.attrs.items())))
            step = known.get(same)
            if step is None or node.fn.kind == "random":
                step = known[same] = Step(len(steps), node, args)
                steps.append(step)
            self.by_node[node] = step
        return steps

    def _touched(self, update: RowUpdate, steps: list[Step]) -> Touched:
        """The line for a few rows of a table: the steps that read these, and elementwise ones that only they need."""
        update = mapped(update, self.value)
        reads = {id(symbol) for symbol, _ in update.reads}
        own: set[Step] = set()
        for step in steps:
            if any(id(a) in reads or (isinstance(a, Step) and a in own) for a in step.args):
                own.add(step)
        of, size = readers(steps), update.ids.spec.shape
        checked = {self.value(x) for x in self.trace.checks if isinstance(self.value(x), Step)}
        for step in reversed(steps):
            like = step.in_place and len(step.spec.shape) == 2 and step.spec.shape[:1] == size
            if like and of[step] and step not in checked and set(of[step]) <= own:
                own.add(step)
        return Touched(update, [step for step in steps if step in own])

    def _pack(self) -> None:
        """Let the operands of a pack be made where it wants them."""
        packed = {id(x) for x in self.late}
        for step in self.steps:
            if step.node.fn is pack:
                start = 0
                for a in step.args:
                    if isinstance(a, Step) and a.owns and a.node.fn is not pack and id(a) not in packed:
                        packed.add(id(a))
                        if a.spec.dtype == step.spec.dtype:
                            a.buffer, a.start = step.buffer, start
                    start += prod(shape_of(a)) * np.dtype(step.spec.dtype).itemsize

    def _lives(self) -> None:
        """Find who reads each buffer last, and the earliest place for each update: after the checks, and after the last
        line that reads the old value.
        """
        end = len(self.lines)
        last: dict[int, int] = {}  # by the identity of a Variable or Symbol: the last line that reads it

        def read(x: Any, position: int) -> None:
            for owner in owners(x):
                if isinstance(owner, Step):
                    owner.buffer.last_use = max(owner.buffer.last_use, position)
                else:
                    last[id(owner)] = max(last.get(id(owner), -1), position)

        for step in self.steps:
            step.buffer.last_use = step.position
        for line in self.lines:
            for step in line.steps:
                for a in step.args:
                    # A loop may write over what it reads, but not over what it sees through a view, in another order.
                    read(a, step.position + (line is not step and isinstance(a, Step) and not a.owns))
            if isinstance(line, Touched):
                read(line.update.ids, line.steps[0].position)
        for x in [*self.results.values(), *self.late]:
            read(x, end)
        for x in self.checks:
            read(x, self.check_at)
        for cell, new in self.updates:
            made = new.position if isinstance(new, Step) else -1
            at = max(made + 1, self.check_at, *(last.get(id(x), -1) + 1 for x in places(cell)))
            if isinstance(new, Step) and at == made + 1 and self._writes_to(new, cell):
                new.target = cell
            else:
                self.writes.append((min(at, end), cell, new))
                read(new, min(at, end))

    def _writes_to(self, step: Step, cell: Variable | Cell) -> bool:
        """Whether a step can make its result where it is to go."""
        line = self.lines[step.position]
        free = step.target is None and not step.packed and step.spec == spec_of(places(cell)[0])
        return free and line.writes_to(step, places(cell)[0])

    def _place(self) -> int:
        """Give each buffer its bytes: those of an operand it may write over, else the best fit among the free ones."""
        memory = Memory()
        dying: dict[int, list[Buffer]] = {}
        for position, line in enumerate(self.lines):
            for step in line.outputs:
                buffer = step.buffer
                if step.owns and step.target is None and buffer.offset is None:
                    victim = overwritten(step, line, dying.get(position, []))
                    if victim is not None:
                        buffer.offset = victim.offset
                        dying[position].remove(victim)
                    else:
                        buffer.offset = memory.take(buffer.nbytes)
                    dying.setdefault(buffer.last_use, []).append(buffer)
            if isinstance(line, Blocks):
                line.scratch = memory.take(line.scratch_bytes)
                memory.give(line.scratch, line.scratch_bytes)
            for dead in dying.pop(position, ()):
                assert dead.offset is not None
                memory.give(dead.offset, dead.nbytes)
        return memory.size


def tables_by_rows(plan: Plan) -> set[Table]:
    """The tables of which a program reads and writes only rows that are looked up by id."""
    tables = {a for step in plan.steps for a in step.args if isinstance(a, Table)}
    whole = [a for s in plan.steps for k, a in enumerate(s.args) if k or not isinstance(s.node.fn, Lookup)]
    whole += [*plan.results.values(), *plan.checks, *(x for pair in plan.updates for x in pair)]
    return tables - {x for x in whole if isinstance(x, Table)}


def overwritten(step: Step, line: Line, dying: list[Buffer]) -> Buffer | None:
    """Of the buffers that are not needed after this line, one that its step may write its result to."""
    if step.position < step.buffer.last_use and not step.packed and line.may_overwrite(step):
        for a in (a for s in line.steps for a in s.args):
            if isinstance(a, Step) and a.spec == step.spec and a.buffer in dying and not a.packed:
                return a.buffer
    return None
