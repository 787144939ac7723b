"""What holds while code runs: is the tape on, are values checked, which layer is being called.

One context variable carries all of it, so threads, tasks and callbacks cannot disturb each other.
"""

from __future__ import annotations

import inspect
import sys
from contextlib import ContextDecorator
from contextvars import ContextVar
from types import FrameType
from typing import Any, NamedTuple


class Scope(NamedTuple):
    """The layer whose `call` is running, the call around it, whether this is training, and whether it is drawn: called
    on symbols, now or further out.
    """

    layer: Any
    parent: Scope | None
    training: bool
    drawn: bool = False

    def path(self) -> str:
        """`outer/inner`, the names of the layers being called, outermost first."""
        names: list[str] = []
        scope: Scope | None = self
        while scope is not None:
            names.append(scope.layer.name)
            scope = scope.parent
        return "/".join(reversed(names))


class Mode(NamedTuple):
    pauses: tuple[no_grad, ...] = ()
    anomaly: bool = False
    scope: Scope | None = None
    # While a step is drawn for a program, what is computed from Variables is drawn, too: the values assigned so far.
    tracing: dict[Any, Any] | None = None
    tape: Any = None  # of `record`: what all that is computed, pulled back and updated is told to

    @property
    def recording(self) -> bool:
        return not any(pause.active for pause in self.pauses)


MODE: ContextVar[Mode] = ContextVar("minigrad_mode", default=Mode())  # noqa: B039 (a tuple: it cannot change)

_GENERATOR = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


class no_grad(ContextDecorator):
    """Inside, nothing is recorded: results need no gradient and hold no graph. Context manager and decorator.

    Safe in threads and async code (a context variable), and in generators: while a generator is suspended
    inside its `with no_grad():`, the code around it records as before.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True)
    >>> with mg.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __init__(self) -> None:
        self._frame: FrameType | None = None

    @property
    def active(self) -> bool:
        # A suspended generator has no caller; then its pause does not count for whoever runs now.
        return self._frame is None or self._frame.f_back is not None

    def _recreate_cm(self) -> no_grad:
        return no_grad()

    def __call__(self, func: Any) -> Any:
        if inspect.isgeneratorfunction(func) or inspect.iscoroutinefunction(func) or inspect.isasyncgenfunction(func):
            raise TypeError(
                f"no_grad cannot decorate {func.__name__}, whose body runs after the call returns; "
                "write `with no_grad():` inside it"
            )
        return super().__call__(func)

    def __enter__(self) -> no_grad:
        frame = sys._getframe(1)
        self._frame = frame if frame.f_code.co_flags & _GENERATOR else None
        mode = MODE.get()
        MODE.set(mode._replace(pauses=(*mode.pauses, self)))
        return self

    def __exit__(self, *exc: object) -> None:
        self._frame = None
        mode = MODE.get()
        MODE.set(mode._replace(pauses=tuple(p for p in mode.pauses if p is not self)))


class detect_anomaly:
    """Inside, the first value or gradient that is not finite raises NonFiniteError, which names the op, the
    layer and the line of your own code that made it. Slows everything down: for hunting, not for training.

    >>> import numpy as np, minigrad as mg
    >>> x = mg.Tensor([0.0, 1.0], requires_grad=True)
    >>> with np.errstate(divide="ignore"), mg.detect_anomaly():
    ...     np.log(x)
    Traceback (most recent call last):
        ...
    minigrad.errors.NonFiniteError: log gave -inf at [0]...
    """

    def __enter__(self) -> detect_anomaly:
        self._token = MODE.set(MODE.get()._replace(anomaly=True))
        return self

    def __exit__(self, *exc: object) -> None:
        MODE.reset(self._token)


def record(limit: int = 10_000, keep: int = 64) -> Any:
    """Inside `with record() as tape:`, what happens to Tensors is written down, op by op: forward, backward, update.

    The tape is a list of events to walk, print, and save as a page that walks it (see `minigrad.visualize.record`).
    Models run their steps eagerly meanwhile. What is kept of a value is its shape, its norm and some of its numbers.
    limit: how many events are kept, the first ones; the others are counted. keep: how many numbers of each value.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True)
    >>> with mg.record() as tape:
    ...     (x * x).sum().backward()
    >>> [(event.phase, event.op) for event in tape]
    [('forward', 'multiply'), ('forward', 'sum'), ('backward', 'sum'), ('backward', 'multiply')]
    """
    from ..visualize.record import Recording  # late: it draws

    return Recording(limit, keep)
