"""Where progress is shown: a terminal, a notebook, or a log (a file, a pipe).

Each display has `show(line)` for a line that the next one replaces, `keep(line)` for one that stays, and
`note(figures)` for those of an epoch, of which a notebook draws the curves.
"""

from __future__ import annotations

import math
import os
import sys
from collections import deque
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Protocol, TextIO

import numpy as np

__all__ = ["Display", "Log", "Notebook", "Terminal", "clean", "pick_display", "say", "verbosity"]


class Display(Protocol):
    """What the three places have in common."""

    interval: float  # the seconds between two shows that the place bears

    @property
    def columns(self) -> int | None:
        """How much of a passing line there is room for; None for any length."""

    def show(self, line: str) -> None:
        """Show a line until the next one comes."""

    def keep(self, line: str) -> None:
        """Show a line for good."""

    def note(self, figures: Mapping[str, Any]) -> None:
        """Take the figures of an epoch."""

    def flush(self) -> None:
        """Bring out what was kept back."""


class Terminal:
    """Rewrites one line in place, with a carriage return and spaces: no escape codes."""

    interval = 0.1

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = 0  # columns of the passing line on the screen

    @property
    def columns(self) -> int:
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except (OSError, ValueError, AttributeError):
            columns = 0
        return (columns or 80) - 1  # some terminals do not know theirs and say 0

    def show(self, line: str) -> None:
        line = _cut(line, self.columns)
        self._write("\r" + line + " " * (self._shown - _width(line)))
        self._shown = _width(line)

    def keep(self, line: str) -> None:
        start = "\r" if self._shown else ""
        self._write(start + line + " " * (self._shown - _width(line)) + "\n")
        self._shown = 0

    def note(self, figures: Mapping[str, Any]) -> None:
        """Lines are all that there is."""

    def flush(self) -> None:
        """Nothing is kept back."""

    def _write(self, text: str) -> None:
        _write(self._stream, text)


class Log:
    """Writes plain lines. Passing ones come ever more rarely, so that a long epoch has a few of them."""

    columns = None

    def __init__(self, stream: TextIO | None, interval: float = 10.0) -> None:
        self._stream = stream
        self.interval = interval

    def show(self, line: str) -> None:
        self.interval *= 2
        _write(self._stream, line + "\n")

    def keep(self, line: str) -> None:
        _write(self._stream, line + "\n")

    def note(self, figures: Mapping[str, Any]) -> None:
        """Lines are all that there is."""

    def flush(self) -> None:
        """Nothing is kept back."""


class Notebook:
    """Keeps the latest lines, and the curves of all epochs, in one output, updated in place.

    Each update is a message to the browser, so what comes fast is held back for a moment; for longer, if drawing takes
    long, so that it has a tenth of the time at most.
    """

    columns = None

    def __init__(self, lines: int = 40) -> None:
        self.interval = 0.1
        self._lines: deque[str] = deque(maxlen=lines)
        self._history: dict[str, list[float]] = {}
        self._epochs = 0
        self._handle: Any = None
        self._due = 0.0

    def show(self, line: str) -> None:
        self._draw([*self._lines, line])

    def keep(self, line: str) -> None:
        self._lines.append(line)
        if perf_counter() >= self._due:
            self.flush()

    def note(self, figures: Mapping[str, Any]) -> None:
        for name, value in figures.items():
            if isinstance(value, (int, float, np.number)):
                curve = self._history.setdefault(clean(name), [])
                curve += [math.nan] * (self._epochs - len(curve))  # of a figure that not every epoch has
                curve.append(float(value))
        self._epochs += 1

    def flush(self) -> None:
        self._draw([*self._lines])

    def _draw(self, lines: list[str]) -> None:
        start = perf_counter()
        progress = _Progress(lines, self._history if self._epochs > 1 else {})
        if self._handle is None:
            from IPython.display import display

            show: Any = display
            self._handle = show(progress, display_id=True)
        else:
            self._handle.update(progress)
        end = perf_counter()
        self.interval = max(0.1, 10 * (end - start))
        self._due = end + self.interval


class _Progress:
    """Lines as a notebook shows them, over the curves; its text/plain form, the repr, is the lines."""

    def __init__(self, lines: list[str], history: dict[str, list[float]]) -> None:
        self._lines, self._history = lines, history

    def __repr__(self) -> str:
        return "\n".join(self._lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from ..visualize.displays_of_models import of_progress

        return of_progress(repr(self), self._history)


def pick_display(verbose: int) -> Display:
    """Return the display for what standard output is now; verbose 2 means plain lines anywhere."""
    if verbose == 1 and _in_notebook():
        return Notebook()
    if verbose == 1 and _in_terminal():
        return Terminal(sys.stdout)
    return Log(sys.stdout)


def verbosity(verbose: int | str) -> int:
    """Return 0 (silent), 1 (a bar) or 2 (a line an epoch); 'auto' is 1 where somebody looks, else 2."""
    if verbose == "auto":
        return 1 if _in_notebook() or _in_terminal() else 2
    if verbose not in (0, 1, 2):
        raise ValueError(f"verbose is 0 (silent), 1 (a bar), 2 (a line an epoch) or 'auto', got {verbose!r}.")
    return int(verbose)


def say(line: str) -> None:
    """Write a line to standard output."""
    _write(sys.stdout, line + "\n")


def clean(text: object) -> str:
    """Return the text without control characters: a name is data and must not steer a terminal.

    >>> clean("lo\\x1b[31mss\\n")
    'lo[31mss'
    """
    return "".join(char for char in str(text) if char.isprintable())


def _in_terminal() -> bool:
    isatty = getattr(sys.stdout, "isatty", None)
    return isatty is not None and isatty() and os.environ.get("TERM") != "dumb"


def _in_notebook() -> bool:
    """Whether a kernel runs us and its stream is our output. IPython is never imported to find out."""
    ipython = sys.modules.get("IPython")
    if ipython is None or "kernel" not in type(sys.stdout).__module__:
        return False
    return getattr(ipython.get_ipython(), "kernel", None) is not None


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # a program without a console has no standard output
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()


def _width(text: str) -> int:
    """At least the columns that the text takes: Asian characters and pictures take two."""
    return len(text) + sum(char >= "\u1100" for char in text)


def _cut(text: str, columns: int) -> str:
    while _width(text) > columns:
        text = text[:-1]
    return text
