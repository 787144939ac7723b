"""Many callbacks behind the face of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from .callback import BATCH_HOOKS, EPOCH_HOOKS, RUN_HOOKS, Callback, LazyLogs, Logs
from .displays import verbosity
from .history import History
from .progbar_logger import ProgbarLogger

__all__ = ["CallbackList"]


class CallbackList(Callback):
    """Calls the hooks of several callbacks in turn: the user's first, then the progress bar and the history.

    Source: `keras.callbacks.CallbackList`. Only hooks that a callback overrides are called, so a batch
    hook that nobody listens to costs next to nothing. The logs of a batch may be given as a function, which is called
    when a callback needs them.

    Args:
        callbacks: a callback, an iterable of them, or None.
        add_history: whether to add a `History`, unless there is one; it becomes `model.history`.
        add_progbar: whether to add a `ProgbarLogger`, unless there is one or `verbose` is 0.
        model: the model for all of them.
        **params: the run's `verbose`, `epochs` and `steps`.
    """

    lazy_logs = True

    def __init__(
        self,
        callbacks: Callback | Iterable[Callback] | None = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        given: list[Any] = [] if callbacks is None else [callbacks]
        if isinstance(callbacks, Iterable) and not isinstance(callbacks, (str, type)):
            given = list(callbacks)
        for callback in given:
            if not isinstance(callback, Callback):
                called = " It is a class: call it." if isinstance(callback, type) else ""
                raise TypeError(f"A callback is an instance of Callback, got {callback!r}.{called}")
        self.callbacks: list[Callback] = given
        speaks = add_progbar and verbosity(params.get("verbose", 1)) > 0
        for wanted, kind in ((speaks, ProgbarLogger), (add_history, History)):
            if wanted and not any(isinstance(callback, kind) for callback in self.callbacks):
                self.callbacks.append(kind())
        self._connect()
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def append(self, callback: Callback) -> None:
        """Add a callback; it learns the model and the run's parameters."""
        callback.set_params(self.params)
        if self.model is not None:
            callback.set_model(self.model)
        self.callbacks.append(callback)
        self._connect()

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    # The hooks of a training step, for as long as nobody listens.
    def on_train_batch_begin(self, batch: int, logs: LazyLogs | None = None) -> None: ...
    def on_train_batch_end(self, batch: int, logs: LazyLogs | None = None) -> None: ...
    def on_test_batch_end(self, batch: int, logs: LazyLogs | None = None) -> None: ...

    def _connect(self) -> None:
        """Put in place of each of this object's own hooks a call of those that do something."""
        if not self.callbacks:
            return
        for names, call in ((RUN_HOOKS, _call), (EPOCH_HOOKS, _call_epoch), (BATCH_HOOKS, _call_batch)):
            for name in names:
                hooks = [(getattr(c, name), c.lazy_logs) for c in self.callbacks if _listens(c, name)]
                if hooks:
                    setattr(self, name, partial(call, hooks))


Hooks = list[tuple[Callable[..., Any], bool]]  # with whether the callback has lazy_logs


def _call(hooks: Hooks, logs: Logs | None = None) -> None:
    logs = {} if logs is None else logs
    for hook, _ in hooks:
        hook(logs)


def _call_epoch(hooks: Hooks, epoch: int, logs: Logs | None = None) -> None:
    logs = {} if logs is None else logs
    for hook, _ in hooks:
        hook(epoch, logs)


def _call_batch(hooks: Hooks, batch: int, logs: LazyLogs | None = None) -> None:
    logs = {} if logs is None else logs
    for hook, lazy in hooks:
        if callable(logs) and not lazy:
            logs = logs()
        hook(batch, logs)


def _listens(callback: Callback, name: str) -> bool:
    """Whether a callback (by its class, or as an attribute of its own) overrides a hook or its older name."""
    names = {name, name.replace("_train_batch_", "_batch_")}
    return any(getattr(getattr(callback, n), "__func__", None) is not getattr(Callback, n) for n in names)
