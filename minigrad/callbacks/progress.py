"""The progress bar: `48/48 [==============================] - 0s 1ms/step - loss: 0.2886`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from time import perf_counter
from typing import Any

import numpy as np

from .displays import Display, clean, pick_display

__all__ = ["Progbar"]

Values = Mapping[str, Any] | Iterable[tuple[str, Any]]

_NARROWEST = 10  # what is left of the bar in a narrow terminal


class Progbar:
    """A bar that shows how far a loop is, the time left, and running values.

    Source: `keras.utils.Progbar`, with the look of Keras 2. It counts what its loop counts: in `fit`,
    steps. In a terminal it is drawn in place, in a notebook in one output, in a log as a few plain lines.

    Args:
        target: the number at which the loop ends; None where it is not known.
        width: of the bar, in characters; less where the terminal is narrow.
        verbose: 1 for the bar, 2 for the last line only, 0 for nothing.
        interval: the least number of seconds between two drawings; None for what suits the place.
        stateful_metrics: names of values to show as they come; of any other, the mean over the loop is shown.
        unit_name: what is counted, as in `1ms/step`.
        label: what stands before the last line when verbose is 2.
        display: where to draw, shared with other bars; None for a place of its own on standard output.

    `due` is the time (of `perf_counter`) before which an update would draw nothing: a fast loop that has
    no means to keep may skip it until then.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 30,
        verbose: int = 1,
        interval: float | None = None,
        stateful_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
        *,
        label: str = "",
        display: Display | None = None,
    ) -> None:
        self.target, self.width, self.verbose, self.interval = target, width, verbose, interval
        self.stateful_metrics = set(stateful_metrics or ())
        self.unit_name, self.label = unit_name, label
        self._owns_display = display is None
        self._display = display or pick_display(verbose)
        self._values: dict[str, tuple[float, int]] = {}  # name -> sum, count
        self._seen = 0
        self._start = perf_counter()
        self._first = (0, self._start)  # count and time after the first update, which may be a slow one
        self.due = self._next_due()

    def update(self, current: int, values: Values | None = None, finalize: bool | None = None) -> None:
        """Tell that the loop is at `current`, with the `values` of what was done since the last update.

        `finalize` says whether this is the end; None means when the target is reached.
        """
        for name, value in values.items() if isinstance(values, Mapping) else values or ():
            self._note(name, float(np.mean(value)), max(current - self._seen, 1))
        if self._seen == 0:
            self._first = (current, perf_counter())
        self._seen = current
        if finalize or (finalize is None and self.target is not None and current >= self.target):
            self._finish()
        elif perf_counter() >= self.due:
            self._display.show(self._passing_line())
            self.due = self._next_due()

    def add(self, n: int, values: Values | None = None) -> None:
        """Tell that the loop went `n` further."""
        self.update(self._seen + n, values)

    def _note(self, name: str, value: float, count: int) -> None:
        if name in self.stateful_metrics:
            self._values[name] = (value, 1)
        else:
            total, counted = self._values.get(name, (0.0, 0))
            self._values[name] = (total + value * count, counted + count)

    def _next_due(self) -> float:
        if self.verbose != 1:
            return math.inf
        return perf_counter() + (self._display.interval if self.interval is None else self.interval)

    def _passing_line(self) -> str:
        step = self._time_per_step()
        if self.target is None:
            spent = f"{perf_counter() - self._start:.0f}s {_step_time(step)}/{self.unit_name}"
            return f"{self._seen:7d}/Unknown - {spent}{self._values_text()}"
        rest = f" - ETA: {_clock(step * max(self.target - self._seen, 0))}{self._values_text()}"
        room = self._display.columns
        width = self.width
        if room is not None:
            needed = len(self._bar_text(self.target, width)) + len(rest)
            width = min(width, max(_NARROWEST, width - (needed - room)))
        return self._bar_text(self.target, width) + rest

    def _finish(self) -> None:
        self.due = math.inf
        spent = int(perf_counter() - self._start)
        rest = f" - {spent}s {_step_time(self._time_per_step())}/{self.unit_name}{self._values_text()}"
        target = self._seen if self.target is None else self.target
        if self.verbose == 1:
            self._display.keep(self._bar_text(target, self.width) + rest)
        elif self.verbose == 2:
            self._display.keep(f"{self.label}{self._seen}/{target}{rest}")
        if self._owns_display:
            self._display.flush()

    def _bar_text(self, target: int, width: int) -> str:
        done = min(width, int(width * self._seen / target)) if target else width
        head = "" if done == 0 else ">" if self._seen < target else "="
        bar = ("=" * (done - 1) + head).ljust(width, ".")
        return f"{self._seen:{len(str(target))}d}/{target} [{bar}]"

    def _values_text(self) -> str:
        means = {name: total / count for name, (total, count) in self._values.items()}
        return "".join(f" - {clean(name)}: {_number(mean)}" for name, mean in means.items())

    def _time_per_step(self) -> float:
        count, since = self._first if self._seen > self._first[0] else (0, self._start)
        return (perf_counter() - since) / max(self._seen - count, 1)


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def _clock(seconds: float) -> str:
    minutes, s = divmod(int(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}" if minutes else f"{s}s"


def _step_time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds * 1e6:.0f}us"
