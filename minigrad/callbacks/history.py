"""What `fit` returns."""

from __future__ import annotations

import weakref
from typing import Any

from .callback import Callback, Logs

__all__ = ["History"]


class History(Callback):
    """The record of a training run.

    Source: `keras.callbacks.History`.

    Attributes:
        history: for each of `loss`, the metrics, and their `val_` twins, the list of its values by epoch.
        epoch: the numbers of the epochs, from 0.
        params: the run's `verbose`, `epochs` and `steps`.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def set_model(self, model: Any) -> None:
        """Become `model.history`; the way back is weak, so that a model dies with its last user."""
        model.history = self
        self.model = weakref.proxy(model)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.history, self.epoch = {}, []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from ..visualize.displays_of_models import of_history

        return of_history(self)
