"""Many callbacks behind the face of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from .callback import BATCH_HOOKS, EPOCH_HOOKS, RUN_HOOKS, Callback, Logs
from .history import History
from .progbar_logger import ProgbarLogger

__all__ = ["CallbackList"]


class CallbackList(Callback):
    """Calls the hooks of several callbacks in turn: the user's first, then the progress bar and the history.

    Source: `keras.callbacks.CallbackList`. Only hooks that a callback overrides are called, so a batch
    hook that nobody listens to costs next to nothing.

    Args:
        callbacks: a callback, an iterable of them, or None.
        add_history: whether to add a `History`, unless there is one; it becomes `model.history`.
        add_progbar: whether to add a `ProgbarLogger`, unless there is one.
        model: the model for all of them.
        **params: the run's `verbose`, `epochs` and `steps`.
    """

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
        for wanted, kind in ((add_progbar, ProgbarLogger), (add_history, History)):
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

    def _connect(self) -> None:
        """Put in place of each of this object's own hooks a call of those that do something."""
        for names, call in ((RUN_HOOKS, _call), (EPOCH_HOOKS + BATCH_HOOKS, _call_counted)):
            for name in names:
                hooks = [getattr(callback, name) for callback in self.callbacks if _listens(callback, name)]
                if hooks:
                    setattr(self, name, partial(call, hooks))


def _call(hooks: list[Callable[..., Any]], logs: Logs | None = None) -> None:
    logs = {} if logs is None else logs
    for hook in hooks:
        hook(logs)


def _call_counted(hooks: list[Callable[..., Any]], count: int, logs: Logs | None = None) -> None:
    logs = {} if logs is None else logs
    for hook in hooks:
        hook(count, logs)


def _listens(callback: Callback, name: str) -> bool:
    """Whether a callback (by its class, or as an attribute of its own) overrides a hook or its older name."""
    names = {name, name.replace("_train_batch_", "_batch_")}
    return any(getattr(getattr(callback, n), "__func__", None) is not getattr(Callback, n) for n in names)
