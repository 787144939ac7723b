"""Stop when it gets no better."""

from __future__ import annotations

from typing import Any

from .callback import Callback, Logs
from .displays import say
from .monitor import Monitor

__all__ = ["EarlyStopping"]


class EarlyStopping(Callback):
    """Ends `fit` when the watched value has not got better for `patience` epochs.

    Source: `keras.callbacks.EarlyStopping`, with its arguments and defaults.

    Args:
        monitor: a name in the epoch's logs.
        min_delta: what a change must exceed to count.
        patience: how many epochs without improvement are borne.
        verbose: 1 to say when it stops.
        mode: `'auto'`, `'min'` or `'max'`.
        baseline: a value that must be beaten too; improvements short of it are not counted.
        restore_best_weights: whether the model ends with the weights of its best epoch, stopped or not.
        start_from_epoch: how many epochs to let pass before watching.

    After `fit`, `stopped_epoch` is the epoch (from 0) that it stopped in, or 0; `best` is the best
    value and `best_epoch` its epoch.

    >>> import numpy as np, minigrad as mg
    >>> model = mg.Sequential([mg.Input((1,)), mg.layers.Dense(1)])
    >>> model.compile(mg.optimizers.SGD(0.0), "mse")  # learns nothing, so it gets no better
    >>> stop = EarlyStopping("loss", patience=2)
    >>> len(model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=9, callbacks=[stop], verbose=0).epoch)
    3
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        self.monitor, self.patience, self.verbose, self.baseline = monitor, patience, verbose, baseline
        self._watch = Monitor(monitor, min_delta, mode, type(self).__name__)
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self.on_train_begin()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best: float | None = None
        self.best_weights: list[Any] | None = None
        self._watch.reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self._watch.value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        improved = self._watch.better(value, self.best)
        if improved:
            self.best, self.best_epoch = value, epoch
        if self.restore_best_weights and (improved or self.best_weights is None):
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if improved:
            if self.baseline is None or self._watch.better(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch and self.verbose:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                say(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)
