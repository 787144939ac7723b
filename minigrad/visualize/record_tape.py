"""What `minigrad.record` leaves: plain data, one event for each thing that happened to a value."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.rows import Table
from ..core.rowsparse import RowSparse
from ..core.tensor import Tensor
from .explain_words import clean
from .record_rules import rule_text
from .shown import Shown

PHASES = ("forward", "backward", "update")
PIECE = 1 << 18  # elements that are looked at at once
SHORT = 6  # numbers that a line of text shows in full


@dataclass(frozen=True, slots=True)
class Value:
    """What is kept of an array: its first numbers, and a few figures of the whole.

    norm, low, high and mean are of the finite elements, in float64; `bad` says how many are not finite. first: the
    first elements in C order. rows: of a row-sparse gradient, the rows that got something; else None.
    """

    shape: tuple[int, ...]
    dtype: str
    norm: float
    low: float
    high: float
    mean: float
    bad: int
    first: np.ndarray
    rows: int | None = None

    @classmethod
    def of(cls, x: Any, keep: int) -> Value:
        """The summary of an array, a Tensor, a RowSparse or a number.

        Rows of a Table that lag behind its optimizer are told as they lie there; of one in a file, no figures.
        """
        if isinstance(x, RowSparse):
            return cls._of_rows(x.merged(), keep)
        array = x._values if isinstance(x, Table) else x._data if isinstance(x, Tensor) else np.asarray(x)
        in_file = isinstance(x, Table) and x.storage is not None
        norm, low, high, mean, bad = (np.nan,) * 4 + (0,) if in_file else figures(array)
        return cls(array.shape, str(array.dtype), norm, low, high, mean, bad, array.reshape(-1)[:keep].copy())

    @classmethod
    def _of_rows(cls, g: RowSparse, keep: int) -> Value:
        """The summary of a merged row-sparse gradient: that of the dense one, which is not made."""
        norm, low, high, mean, bad = figures(g.rows)
        if len(g.ids) < g.shape[0]:  # the other rows are zero
            low, high, mean = min(0.0, low), max(0.0, high), mean * len(g.ids) / g.shape[0]
        few = min(g.shape[0], -(-keep // max(1, int(np.prod(g.shape[1:])))))
        first = np.zeros((few, *g.shape[1:]), g.dtype)
        first[g.ids[g.ids < few]] = g.rows[g.ids < few]
        return cls(tuple(g.shape), str(g.dtype), norm, low, high, mean, bad, first.reshape(-1)[:keep], len(g.ids))

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def array(self) -> np.ndarray | None:
        """The whole array, if so much was kept."""
        return self.first.reshape(self.shape) if len(self.first) == self.size else None

    def __str__(self) -> str:
        if self.size <= SHORT and self.array is not None:
            numbers = " ".join(short(v) for v in self.first.tolist())
            return numbers if not self.shape else f"{self.shape} [{numbers}]"
        rows = "" if self.rows is None else f", {self.rows} rows"
        return f"{self.shape}{rows} norm {short(self.norm)}" + (f", {self.bad} not finite" if self.bad else "")


@dataclass(frozen=True, slots=True)
class Operand:
    """What an op was called on. name: in the op's row. label: which weight, number or gradient it is, if that is known.
    made: the index of the event that made it; None for what came from outside.
    """

    name: str
    value: Value
    label: str = ""
    made: int | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a rule sent on to an operand.

    local: the derivative of the result in the operand: of an elementwise op, for each element; of others, if it is
    small, the whole matrix, (elements of the result, elements of the operand); else None.
    """

    name: str
    gradient: Value
    local: Value | None
    formula: Any = field(repr=False)
    label: str = ""
    made: int | None = None

    @property
    def rule(self) -> str:
        """The rule as text: what stands in the op's row."""
        return rule_text(self.formula)


@dataclass(slots=True)
class Event:
    """One thing that happened, and what is known of it.

    phase: 'forward', 'backward' or 'update'. op: its name; 'assign' where a variable is written. kind: the op's (see
    `minigrad.core.op`). layer: the path of the layer call that it is from, or of the weight that is updated. line,
    code: where in the user's own code it was called, `file:line`, and what stands there.
    operands, attrs, value: what the op was given, and its result. incoming, outgoing: the gradient of the result, and
    what the rules made of it; of a forward event they are there once the backward pass came by. partner: the index of
    the event that is the other way through the same call.
    """

    index: int
    phase: str
    op: str
    kind: str
    layer: str
    line: str = ""
    code: str = ""
    operands: tuple[Operand, ...] = ()
    attrs: dict[str, str] = field(default_factory=dict)
    value: Value | None = None
    incoming: Value | None = None
    outgoing: list[Outgoing] = field(default_factory=list)
    partner: int | None = None

    def __str__(self) -> str:
        head = f"{self.index:4}  {clean(self.op, 18):18} {clean(self.layer, 26):26} "
        if self.phase == "backward":
            sent = "; ".join(f"{named(o)} {o.gradient}{by(o.rule)}" for o in self.outgoing)
            return f"{head} {self.incoming} -> {sent}"
        given = ", ".join(o.label if o.label == str(o.value) else f"{named(o)} {o.value}" for o in self.operands)
        return f"{head} {given} -> {self.value}"


class Tape(Shown):
    """What `with minigrad.record() as tape:` wrote down. A sequence of `Event`s; print it, walk it, save it.

    events: the events, in order. lost: how many came after the limit.
    `save("step.html")` writes a page that walks it; '.txt' the text.

    >>> import minigrad as mg
    >>> w = mg.Variable([2.0, 3.0], name="w")
    >>> with mg.record() as tape:
    ...     g = mg.grad((w * w * 5.0).sum(), w)
    >>> [event.op for event in tape if event.phase == "forward"]
    ['multiply', 'multiply', 'sum']
    >>> first = tape[0]
    >>> first.value.array.tolist(), first.incoming.array.tolist()
    ([4.0, 9.0], [5.0, 5.0])
    >>> [(sent.label, sent.rule, sent.local.array.tolist()) for sent in first.outgoing]
    [('w', 'g * y', [2.0, 3.0]), ('w', 'g * x', [2.0, 3.0])]
    """

    title = "One step, op by op"

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.lost = 0

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __getitem__(self, index: Any) -> Any:
        return self.events[index]

    @property
    def layers(self) -> list[str]:
        """The paths of the layer calls that did something, in order."""
        return list(dict.fromkeys(event.layer for event in self.events if event.layer))

    def __str__(self) -> str:
        counts = Counter(event.phase for event in self.events)
        lines = [
            f"A tape of {len(self)} events: {', '.join(f'{counts[p]} {p}' for p in PHASES if counts[p]) or 'none'}"
        ]
        phase = ""
        for event in self.events:
            if event.phase != phase:
                phase = event.phase
                lines += ["", phase]
            lines.append(str(event))
        if self.lost:
            lines += ["", f"and {self.lost:,} more, which came after the limit of {len(self):,}"]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Tape: {len(self)} events>"

    def page(self) -> str:
        """The page that walks the tape, which stands alone."""
        from .view import View

        return View(self).page()

    def html(self) -> str:
        """The page in a frame, for a notebook."""
        from .view import View

        return View(self).html()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page ('.html') or the text ('.txt') to a file, atomically."""
        from .view import save

        save(path, self.page, self.__str__)


def figures(array: np.ndarray) -> tuple[float, float, float, float, int]:
    """(norm, least, greatest, mean) of the finite elements, zeros if there are none, and how many are not finite."""
    if array.dtype.kind not in "biuf":
        return 0.0, 0.0, 0.0, 0.0, 0
    squares, total, low, high, count = 0.0, 0.0, np.inf, -np.inf, 0
    flat = array.reshape(-1)
    for start in range(0, flat.size, PIECE):
        piece = flat[start : start + PIECE].astype(np.float64)
        piece = piece[np.isfinite(piece)]
        if piece.size:
            squares, total, count = squares + float(piece @ piece), total + float(piece.sum()), count + piece.size
            low, high = min(low, float(piece.min())), max(high, float(piece.max()))
    bad = flat.size - count
    return (float(np.sqrt(squares)), low, high, total / count, bad) if count else (0.0, 0.0, 0.0, 0.0, bad)


def named(x: Operand | Outgoing) -> str:
    """What an operand is called: `hidden/kernel`, or `x of 3` if event 3 made it."""
    return clean(x.label, 60) if x.label else x.name if x.made is None else f"{x.name} of {x.made}"


def by(rule: str) -> str:
    """A rule that fits on a line, in words."""
    return "" if "\n" in rule else f" = {clean(rule, 100)}"


def short(value: Any) -> str:
    """A number in four digits.

    >>> short(0.123456), short(3), short(float("nan"))
    ('0.1235', '3', 'nan')
    """
    return f"{value:.4g}" if isinstance(value, float) else str(value)
