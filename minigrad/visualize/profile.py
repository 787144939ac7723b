"""Where the time goes: by line of the programs that ran, and by op of what ran eagerly."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import perf_counter
from types import CodeType, FrameType
from typing import Any, Self

from ..core.mode import MODE
from ..core.op import Op
from ..core.rule import pull
from ..core.symbol import Symbol
from .code import CODE_STYLE, duration, listing
from .page import paragraph, table
from .shown import Bundle, Shown, bundle
from .svg import shorten

OP_CALL = Op.__call__.__code__
PULLS = {code for code in pull.__code__.co_consts if isinstance(code, CodeType)}  # what calls the rules
MOST_KEPT = 32  # programs whose times are remembered for their own displays
MOST_OPS, MOST_LAYERS, MOST_BYTES = 15, 20, 40_000

Tracer = Callable[[FrameType, str, Any], Any]


@dataclass
class LineTimes:
    """The times of one program: by line of its text, in seconds, over all runs."""

    source: str = ""
    runs: int = 0
    seconds: dict[int, float] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What the program says that it is."""
        return self.source.partition("\n")[0].strip('"').partition(": ")[0]

    def by_layer(self) -> dict[tuple[str, str], float]:
        """By (part of the step, layer): what their lines took."""
        lines = self.source.split("\n")
        out: dict[tuple[str, str], float] = {}
        part = ""
        for number, line in enumerate(lines, start=1):
            if (found := re.fullmatch(r"    # (\w+)", line)) and not lines[number - 2].startswith("    "):
                part = found[1]  # at the top, or after an empty line
            if number in self.seconds:
                found = re.search(r"  # (.*?) ?\([\d, ]*\)$", line)
                key = part, found[1] if found else ""
                out[key] = out.get(key, 0.0) + self.seconds[number]
        return out


# The latest times of programs, by the file name of their code, which no two of them share.
LATEST: dict[str, LineTimes] = {}


class Profile(Shown):
    """Measures what runs inside `with`: each line of minigrad's programs, and each op and rule that ran eagerly.

    It traces the Python code of this thread, so all of it runs slower; the times of lines and ops are their own. Of
    ops that call other ops, both have the time. `programs`: LineTimes. `ops`: by (layer, op, "forward" or "backward")
    how often, and the seconds. `seconds`: of the whole.

    >>> import numpy as np, minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True)
    >>> with Profile() as profile:
    ...     np.tanh(x).sum().backward()
    >>> [count for (layer, op, way), (count, seconds) in profile.ops.items() if op == "tanh"]  # forward, backward
    [1, 1]
    """

    title = "Where the time went"

    def __init__(self) -> None:
        self._lines: dict[str, LineTimes] = {}
        self.ops: dict[tuple[str, str, str], tuple[int, float]] = {}
        self.seconds = 0.0

    @property
    def programs(self) -> list[LineTimes]:
        """What ran, those first that took longest."""
        return sorted(self._lines.values(), key=lambda one: -sum(one.seconds.values()))

    def __enter__(self) -> Self:
        self._before, self._start = sys.gettrace(), perf_counter()
        sys.settrace(self._called)
        return self

    def __exit__(self, *exc: object) -> None:
        sys.settrace(self._before)
        self.seconds += perf_counter() - self._start
        LATEST.update(self._lines)
        for name in list(LATEST)[:-MOST_KEPT]:
            del LATEST[name]

    # -- measuring ------------------------------------------------------------------------------------------------

    def _called(self, frame: FrameType, event: str, arg: Any) -> Tracer | None:
        """A function is called: what is to trace it, if it is one that we measure."""
        code = frame.f_code
        if code is OP_CALL:
            return self._op(frame)
        if code.co_filename.startswith("<minigrad program") and code.co_name == "step":
            return self._step(frame)
        return self._rule(frame) if code in PULLS else None

    def _step(self, frame: FrameType) -> Tracer:
        name = frame.f_code.co_filename
        if name not in self._lines:
            import linecache

            self._lines[name] = LineTimes("".join(linecache.getlines(name)))
        times = self._lines[name]
        times.runs += 1
        line, since = 0, perf_counter()

        def trace(frame: FrameType, event: str, arg: Any) -> Tracer:
            nonlocal line, since
            now = perf_counter()
            if line:
                times.seconds[line] = times.seconds.get(line, 0.0) + now - since
            line, since = frame.f_lineno, perf_counter()
            return trace

        return trace

    def _op(self, frame: FrameType) -> Tracer:
        frame.f_trace_lines = False
        name, scope, start = frame.f_locals["self"].name, MODE.get().scope, perf_counter()

        def trace(frame: FrameType, event: str, arg: Any) -> Tracer:
            if event == "return" and not isinstance(arg, Symbol):
                self._add((scope.path() if scope else "", name, "forward"), perf_counter() - start)
            return trace

        return trace

    def _rule(self, frame: FrameType) -> Tracer:
        frame.f_trace_lines = False
        node, start = frame.f_locals["node"], perf_counter()

        def trace(frame: FrameType, event: str, arg: Any) -> Tracer:
            if event == "return" and not isinstance(arg, Symbol):
                path = node.scope.path() if node.scope else ""
                self._add((path, node.fn.name, "backward"), perf_counter() - start)
            return trace

        return trace

    def _add(self, key: tuple[str, str, str], seconds: float) -> None:
        count, total = self.ops.get(key, (0, 0.0))
        self.ops[key] = count + 1, total + seconds

    # -- showing --------------------------------------------------------------------------------------------------

    def headlines(self) -> list[str]:
        """What ran, a sentence each."""
        out = [
            f"{one.title or 'a program'}: {counted(one.runs, 'run')}, {duration(sum(one.seconds.values()))}, "
            f"{duration(sum(one.seconds.values()) / one.runs)} each."
            for one in self.programs
        ]
        if self.ops:
            calls, seconds = (sum(column) for column in zip(*self.ops.values(), strict=True))
            out.append(f"Eagerly: {counted(int(calls), 'call')} of ops and rules, {duration(seconds)}.")
        return out or [f"No op of minigrad ran, in {duration(self.seconds)}."]

    def layers(self, one: LineTimes) -> list[tuple[str, str, str, str]]:
        """(part, layer, time, share) of a program, the largest first."""
        total = sum(one.seconds.values()) or 1.0
        return [
            (part, shorten(layer, 60), duration(seconds), f"{seconds / total:.0%}")
            for (part, layer), seconds in largest(one.by_layer().items(), MOST_LAYERS)
        ]

    def slowest_ops(self) -> list[tuple[str, str, str, str, str]]:
        """(layer, op, way, calls, time), those first that took longest."""
        return [
            (shorten(layer, 60), shorten(op, 60), way, f"{count:,}", duration(seconds))
            for (layer, op, way), (count, seconds) in largest(self.ops.items(), MOST_OPS)
        ]

    def html(self) -> str:
        out = [paragraph(line) for line in self.headlines()]
        room = MOST_BYTES
        for one in self.programs[:3]:
            out += [paragraph(f"By layer, {one.title}:"), table(self.layers(one), ("part", "layer", "time", "share"))]
            text, first = step_of(one.source)
            code, left_out = listing(text, one.seconds, first, room)
            room = max(room - len(code.encode()), 1000)
            out += [code, *([paragraph(f"{left_out:,} more lines: print(program).")] if left_out else [])]
        if self.ops:
            out.append(table(self.slowest_ops(), ("layer", "op", "way", "calls", "time")))
        return "\n".join(out)

    def svg(self) -> str:
        """The times by layer, or of the slowest ops, as bars."""
        from .bars import bars

        if self.programs:
            found = largest(self.programs[0].by_layer().items(), MOST_LAYERS)
            return bars([(f"{layer} {part}".strip(), s, duration(s)) for (part, layer), s in found], self.title)
        return bars([(f"{k[0]} {k[1]} {k[2]}", s, duration(s)) for k, (_, s) in largest(self.ops.items(), MOST_OPS)])

    def __str__(self) -> str:
        out = self.headlines()
        for one in self.programs:
            out += ["", *columns(("part", "layer", "time", "share"), self.layers(one))]
        if self.ops:
            out += ["", *columns(("layer", "op", "way", "calls", "time"), self.slowest_ops())]
        return "\n".join(out)

    def __repr__(self) -> str:
        return f"<Profile: {' '.join(self.headlines())}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Bundle:
        return bundle(str(self), self.html(), style=CODE_STYLE)


def step_of(source: str) -> tuple[str, int]:
    """The part of a program that runs at each call, and the number of its first line."""
    at = source.find("\ndef step(") + 1
    return source[at:], source[:at].count("\n") + 1


def largest(items: Iterable[tuple[Any, Any]], most: int) -> list[tuple[Any, Any]]:
    """Those whose number, or second number, is largest."""
    return sorted(items, key=lambda item: -(item[1][1] if isinstance(item[1], tuple) else item[1]))[:most]


def counted(n: int, thing: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{n:,} {thing}{'s' * (n != 1)}"


def columns(header: tuple[str, ...], rows: list[Any]) -> list[str]:
    """The lines of a table of text."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [header, *rows]]
