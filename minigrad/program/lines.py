"""Lines of a program that do several steps together: a nest of loops over elements, or a loop over blocks or rows.

With Numba, elementwise steps of one shape and the sums that end them are one nest of loops: each operand is read
once, and what only the nest needs is never stored. With NumPy alone, a long run of elementwise steps on flat arrays is
done block by block, so that what one step makes is still in the cache when the next one reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from ..core.spec import Shape
from .nest import loop_shape
from .step import Step
from .trace import RowUpdate

SMALL = 1_024  # elements: from about here on NumPy's own sum, which uses SIMD, is faster than a loop
BLOCK = 32_768  # elements: what a core's second cache holds of a handful of float32 arrays, and few calls of NumPy


class Nest:
    """Elementwise steps of one shape, and sums over some of its axes, in one nest of loops.

    steps: in order. outputs: those whose results other lines read; the others are never stored.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.steps: list[Step] = []
        self.outputs: list[Step] = []

    @property
    def pays(self) -> bool:
        """Whether the loops beat NumPy: for one op alone only if it is a small sum, which costs NumPy several calls."""
        return len(self.steps) > 1 or (self.steps[0].node.fn.kind == "reduction" and prod(self.shape) <= SMALL)

    def may_overwrite(self, step: Step) -> bool:
        """An element is written after all that has its indices was read."""
        return step.spec.shape == self.shape and step.node.fn.kind == "elementwise"

    def writes_to(self, step: Step, place: Any) -> bool:
        return self.may_overwrite(step)


class Blocks:
    """Elementwise steps on flat arrays of one size, done block by block. scratch: the offset of what holds, one after
    the other in `slots` pieces, blocks of the results that no other line reads; slot: by such a step, its piece.
    """

    def __init__(self, steps: list[Step], outputs: list[Step]) -> None:
        self.steps = steps
        self.outputs = outputs
        self.size = BLOCK  # elements of a block
        self.scratch = 0
        self.slot: dict[Step, int] = {}
        free: list[int] = []
        self.slots = 0
        last = {a: step for step in steps for a in step.args if isinstance(a, Step)}
        for step in steps:
            operands = dict.fromkeys(a for a in step.args if isinstance(a, Step))
            free += [self.slot[a] for a in operands if a in self.slot and last[a] is step]
            if step not in outputs:
                if not free:
                    free.append(self.slots)
                    self.slots += 1
                self.slot[step] = free.pop()

    @property
    def scratch_bytes(self) -> int:
        """The size of all pieces."""
        return self.slots * self.piece

    @property
    def piece(self) -> int:
        """The bytes of one piece."""
        return self.size * max(np.dtype(s.spec.dtype).itemsize for s in self.steps)

    def may_overwrite(self, step: Step) -> bool:
        return False

    def writes_to(self, step: Step, place: Any) -> bool:
        """If no later step of a block reads the old value."""
        return not any(a is place for s in self.steps[self.steps.index(step) + 1 :] for a in s.args)


class Touched:
    """The steps that make new rows of a table, and of its slots, for the distinct ids of a batch.

    How many there are is known when the program runs, so no result has a buffer: with Numba they are a nest of loops
    that reads and writes the arrays' rows where they lie, with NumPy alone a loop over blocks of ids.
    """

    def __init__(self, update: RowUpdate, steps: list[Step]) -> None:
        self.update = update
        self.steps = steps
        self.outputs: list[Step] = []
        self.shape = next(s.spec.shape for s in steps if s.spec.shape[0] == update.ids.spec.shape[0])
        self.block = max(1, BLOCK // self.shape[1])  # ids that NumPy takes at once
        own = set(steps)
        read = [a for s in steps for a in s.args] + [update.ids, *(new for _, new in update.writes)]
        self.operands = list(dict.fromkeys(a for a in read if isinstance(a, Step) and a not in own))

    def may_overwrite(self, step: Step) -> bool:
        return False

    def writes_to(self, step: Step, place: Any) -> bool:
        return False


def block(steps: list[Step], before: list[Step], after: list[Step]) -> list[Any]:
    """The steps in order, with runs of elementwise ones on long flat arrays, of the update, put into Blocks."""
    early = behind(before)
    outside = readers(steps)
    lines: list[Any] = []
    run: list[Step] = []

    def close() -> None:
        if len(run) > 1:
            ends = set(after)
            kept = [s for s in run if s in ends or not set(outside[s]) <= set(run)]
            lines.append(Blocks(list(run), kept))
        else:
            lines.extend(run)
        run.clear()

    for step in steps:
        size = step.spec.shape
        flat = step.in_place and len(size) == 1 and size[0] > BLOCK and step not in early
        if run and not (flat and size == run[0].spec.shape):
            close()
        if flat:
            run.append(step)
        else:
            lines.append(step)
    close()
    return lines


def fuse(steps: list[Step], before: list[Step], after: list[Step]) -> list[Any]:
    """The steps as lines: single ones, and Nests. before, after: whose results the program gives or checks, and which
    it writes when these were found finite; a Nest has no steps of both sides.
    """
    return Fusion(steps, before, after).lines()


class Fusion:
    """Steps on their way into Nests, from the last to the first: a step joins its readers where it can.

    A step that others read too, besides the Nest, is computed there all the same, unless one of these has to run
    before the Nest.
    """

    def __init__(self, steps: list[Step], before: list[Step], after: list[Step]) -> None:
        self.steps = steps
        self.ends = {*before, *after}
        self.early = behind(before)
        self.readers = readers(steps)
        self.earlier = drawn_in_order(steps)
        self.nest: dict[Step, Nest] = {}
        for step in reversed(steps):
            self._place(step)

    def _place(self, step: Step) -> None:
        shape = loop_shape(step)
        if shape is None:
            return
        own: Nest | None = None
        for nest in dict.fromkeys(self.nest[r] for r in self.readers[step] if r in self.nest):
            if nest.shape != shape or (nest.steps[0] in self.early) != (step in self.early):
                continue
            if own is None:
                if step.node.fn.kind == "elementwise" and not self._waits(nest, [step]):
                    own = self._join(step, nest)
            elif nest is not own and not self._waits(own, nest.steps) and not self._waits(nest, own.steps):
                for other in nest.steps:
                    self._join(other, own)
        if own is None:
            self._join(step, Nest(shape))

    def _join(self, step: Step, nest: Nest) -> Nest:
        nest.steps.append(step)
        self.nest[step] = nest
        return nest

    def _waits(self, nest: Nest, steps: Sequence[Step]) -> bool:
        """Whether a nest has to run after some of the steps, because of what lies between, or of their sums."""
        own, others = set(nest.steps), set(steps)
        first = min(s.position for s in steps)
        seen: set[Step] = set()
        stack = [a for s in nest.steps for a in self._needs(s) if a not in own]
        if any(a in others and a.node.fn.kind != "elementwise" for a in stack):
            return True
        stack = [a for a in stack if a not in others]
        while stack:
            step = stack.pop()
            together = self.nest[step].steps if step in self.nest else [step]
            for s in together:
                if s in others:
                    return True
                if s not in seen and s not in own:
                    seen.add(s)
                    stack += [a for a in self._needs(s) if a.position >= first or a in self.nest]
        return False

    def _needs(self, step: Step) -> list[Step]:
        return [*(a for a in step.args if isinstance(a, Step)), *self.earlier.get(step, ())]

    def lines(self) -> list[Any]:
        """The lines, each as late as its last step was, in an order in which each comes after what it needs."""
        nests = dict.fromkeys(self.nest.values())
        for nest in nests:
            nest.steps.sort(key=lambda s: s.position)
            own = set(nest.steps)
            nest.outputs = [s for s in nest.steps if s in self.ends or not set(self.readers[s]) <= own]
        line = {s: s for s in self.steps} | {s: n for s, n in self.nest.items() if n.pays}
        sorter = TopologicalSorter({line[s]: () for s in self.steps})
        for s in self.steps:
            sorter.add(line[s], *(line[a] for a in self._needs(s) if line[a] is not line[s]))
        return ordered(sorter, {each: each.steps[-1].position for each in line.values()})


def ordered(sorter: TopologicalSorter, when: dict[Any, int]) -> list[Any]:
    """The lines in an order that the sorter allows, each as near to `when` as can be."""
    sorter.prepare()
    out: list[Any] = []
    ready: list[tuple[int, Any]] = []
    while sorter.is_active():
        for each in sorter.get_ready():
            heappush(ready, (when[each], each))
        out.append(heappop(ready)[1])
        sorter.done(out[-1])
    return out


def readers(steps: Iterable[Step]) -> dict[Step, list[Step]]:
    """By step, the steps that read its result."""
    found: dict[Step, list[Step]] = {step: [] for step in steps}
    for step in steps:
        for a in step.args:
            if isinstance(a, Step):
                found[a].append(step)
    return found


def behind(ends: Iterable[Step]) -> set[Step]:
    """The steps that something is computed from, and itself."""
    seen = set(ends)
    stack = list(seen)
    while stack:
        new = {a for a in stack.pop().args if isinstance(a, Step)} - seen
        seen |= new
        stack += new
    return seen


def drawn_in_order(steps: Iterable[Step]) -> dict[Step, list[Step]]:
    """Random steps each after the one before, for they may draw from one stream."""
    random = [s for s in steps if s.node.fn.kind == "random"]
    return {later: [earlier] for earlier, later in pairwise(random)}
