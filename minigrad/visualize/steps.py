"""The third zoom, the program: the lines of a training step, with their buffers, bytes and times."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.rows import Table
from ..core.tensor import Variable
from ..program.lines import Touched
from ..program.plan import Line, Plan
from ..program.source import Source
from ..program.step import Step
from ..program.trace import Cell
from .code import duration
from .drawing import Box, Drawing, Group, Link

if TYPE_CHECKING:
    from ..program.program import Program

KINDS = {"forward": "op", "loss": "loss", "backward": "backward", "clip": "backward", "update": "update"}
RUNS = 5  # of which the fastest counts, line by line


class Told(Source):
    """The source of a program, that remembers which text belongs to which line of the plan; `clocked`, the text calls
    `clock(k)` after the k-th of these."""

    def __init__(self, program: Program, fused: bool, clocked: bool = False) -> None:
        self.lines: list[tuple[Line, list[str]]] = []
        self.clocked = clocked
        title, names = program._words
        super().__init__(Plan(program._trace, fused), title, names, saved=clocked)

    def _texts(self, line: Line) -> Iterator[str]:
        texts = list(super()._texts(line))
        self.lines.append((line, texts))
        yield from texts
        if self.clocked:
            yield f"clock({len(self.lines) - 1})"


def program_drawing(
    program: Program, title: str = "", arguments: dict[str, np.ndarray] | None = None, rankdir: str = "TB"
) -> Drawing:
    """The drawing of a program's lines. arguments: its inputs, to measure how long each line takes.

    Nothing is changed: the measured runs work on copies of the weights. A fused program is drawn with its loops.
    """
    told = Told(program, is_fused(program))
    seconds = timed(program, arguments) if arguments is not None else {}
    drawer = _Lines(told, seconds)
    total = f", {duration(sum(seconds.values()))}" if seconds else ""
    facts = f"{len(told.lines)} lines, {program.memory:,} bytes of buffers{total}"
    return Drawing(f"{title}: {facts}" if title else facts, drawer.boxes, drawer.links, drawer.groups, rankdir, 460.0)


def is_fused(program: Program) -> bool:
    """Whether a program has compiled loops: its text is then that of a fused plan."""
    return program.source != Source(Plan(program._trace), *program._words).text


class _Lines:
    """Boxes, links and groups on their way into a drawing."""

    def __init__(self, told: Told, seconds: dict[int, float]) -> None:
        self.told = told
        self.boxes: list[Box] = []
        self.links: list[Link] = []
        self.groups: list[Group] = []
        self.made_by: dict[int, Hashable] = {}  # by identity of a step, the key of its line
        self.stands_for: dict[int, Any] = {}  # by identity of a step without a line, its operand
        self.part: dict[Hashable, str] = {}  # by key of a line
        self.places: set[Hashable] = set()
        self.inputs = {id(symbol) for symbol in told.arguments.values()}
        self.cells: dict[int, Variable | Cell] = {id(cell.symbol): cell for cell in told.plan.trace.cells}
        self.cells |= {id(symbol): place for update in told.plan.trace.row_updates for symbol, place in update.reads}
        titles = ["", *(title for _, title in told.plan.trace.sections)]
        section = ""
        for name, symbol in told.arguments.items():
            self.boxes.append(Box(("input", id(symbol)), name, [f"{symbol.shape} {symbol.dtype}"], "input"))
        for k, (line, texts) in enumerate(told.lines):
            begun = told.plan.trace.section(line.steps[0].node)
            if begun in titles and titles.index(begun) > titles.index(section):
                section = begun
                self.groups.append(Group(section, section, None, (), KINDS.get(section, "op")))
            self._line(k, line, texts, section, seconds.get(k))

    def _line(self, k: int, line: Line, texts: list[str], section: str, seconds: float | None) -> None:
        if not texts:  # a transpose, which is spelled where it is read
            self.stands_for |= {id(step): step.args[0] for step in line.steps}
            return
        key = ("line", k)
        own = {id(step) for step in line.steps}
        operands = [a for step in line.steps for a in step.args if id(a) not in own]
        operands += [line.update.ids] if isinstance(line, Touched) else []
        for a in {id(a): a for a in operands}.values():
            self._read(a, key, section)
        for step in line.steps:
            self.made_by[id(step)] = key
        self.part[key] = section
        made = list(line.outputs) or [step for step in line.steps if step.target is not None]
        names = [self.told.names[id(step)] for step in made if id(step) in self.told.names]
        if isinstance(line, Touched):
            names = [f"rows of {self.told.names[id(place)]}" for place, _ in line.update.writes]
        texts = [code(text) for text in texts if not text.startswith("#")]
        lines = [*texts[:3], *["…"] * (len(texts) > 3)]
        lines += [about(step) for step in made[:3]]
        if len(line.steps) > 1:
            lines.append(f"{len(line.steps)} ops in one loop")
        if seconds is not None:
            lines.append(duration(seconds))
        alike = (tuple(step.node.fn.name for step in line.steps), tuple(step.spec.shape for step in made))
        kind = KINDS.get(section, "op")
        shown = ", ".join(names[:3]) + ", …" * (len(names) > 3)
        self.boxes.append(Box(key, shown, lines, kind, False, section or None, alike))

    def _read(self, a: Any, key: Hashable, section: str) -> None:
        """A link from what makes an operand."""
        while id(a) in self.stands_for:
            a = self.stands_for[id(a)]
        if isinstance(a, Step):
            source = self.made_by[id(a)]
            kept = self.part.get(source) in ("forward", "loss") and section == "backward"
            if source != key:
                self.links.append(Link(source, key, str(a.spec.shape), kept))
            return
        if id(a) in self.inputs:
            self.links.append(Link(("input", id(a)), key, str(a.shape)))
            return
        place = a if isinstance(a, Variable) else self.cells.get(id(a))
        if place is None:
            return
        here = ("place", id(place), section)  # each part of the step shows the weights that it reads
        array = place if isinstance(place, Variable) else place.symbol
        if here not in self.places:
            self.places.add(here)
            nbytes = int(np.prod(array.shape, dtype=int)) * array.dtype.itemsize
            lines = [f"{array.shape} {array.dtype}", f"{nbytes:,} bytes"]
            title = self.told.names[id(place)]
            self.boxes.append(Box(here, title, lines, "parameter", group=section or None))
        self.links.append(Link(here, key, str(array.shape)))


def code(text: str) -> str:
    """A line of a program without its comment."""
    return text.partition("  # ")[0].strip() or text


def about(step: Step) -> str:
    """The shape, dtype and place of a result."""
    if step.target is not None:
        where = "written in place"
    elif step.owns and step.offset is not None:
        where = f"{step.nbytes:,} bytes at {step.offset:,}"
    else:
        where = "a view" if step.node.fn.kind == "view" else "its own array"
    return f"{step.spec.shape} {np.dtype(step.spec.dtype)}, {where}"


def timed(program: Program, arguments: dict[str, np.ndarray]) -> dict[int, float]:
    """How long each line takes, in seconds: the least of some runs on copies of all arrays."""
    from time import perf_counter

    from ..program import jit
    from ..program.halves import by_rows
    from ..program.nest import RowWriter

    told = Told(program, is_fused(program), clocked=True)
    namespace = told.namespace
    exec(compile(told.text, "<minigrad program, timed>", "exec"), namespace)  # noqa: S102 (every word of it is ours)
    for name, loop in told.loops.items():
        run = jit.compiled(loop.text, loop.name)
        namespace[name] = by_rows(run, *loop.halved()) if isinstance(loop, RowWriter) else run
    fastest: dict[int, float] = {}
    for _ in range(RUNS):
        namespace |= {name: copied(place) for name, place in told.bound.items()}
        ticks: list[tuple[int, float]] = []
        namespace["clock"] = lambda k, ticks=ticks: ticks.append((k, perf_counter()))
        before = perf_counter()
        namespace["step"](*[arguments[name] for name in program.inputs])
        for k, now in ticks:
            fastest[k] = min(fastest.get(k, np.inf), now - before)
            before = now
    return fastest


def copied(place: Variable | Cell) -> np.ndarray:
    """A copy of an array that a program reads and writes."""
    if isinstance(place, Cell):
        return place.find().copy()
    return np.array(place._values if isinstance(place, Table) else place._data)
