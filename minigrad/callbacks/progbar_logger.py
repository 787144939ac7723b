"""The progress bar of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from .callback import Callback, LazyLogs, Logs
from .displays import Display, Log, pick_display, verbosity
from .progress import Progbar

__all__ = ["ProgbarLogger"]


class ProgbarLogger(Callback):
    """Draws progress on standard output, as the run's `verbose` says.

    Source: `keras.callbacks.ProgbarLogger`. 0 is silent; 1 draws a bar for each epoch (the test batches
    of a `fit` have none of their own); 2 writes one line for each epoch; `'auto'` is 1 in a terminal or
    a notebook and 2 in a log.
    """

    lazy_logs = True  # it reads them when a drawing is due, some ten times a second

    def __init__(self) -> None:
        self._verbose = 0
        self._in_fit = False
        self._seen = 0
        self._display: Display = Log(None)
        self._bar = Progbar(None, verbose=0, display=self._display)

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        self._verbose = verbosity(params.get("verbose", 1))

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._in_fit = True
        self._display = pick_display(self._verbose)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._in_fit = False
        self._display.flush()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        title = f"Epoch {epoch + 1}/{self.params.get('epochs', '?')}"
        if self._verbose == 1:
            self._display.keep(title)
        self._begin(label=f"{title} - ")

    def on_train_batch_end(self, batch: int, logs: LazyLogs | None = None) -> None:
        self._seen = batch + 1
        if perf_counter() >= self._bar.due:
            self._tell(logs, finalize=False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._display.note(logs or {})
        self._tell(logs, finalize=True)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._display = pick_display(self._verbose)
            self._begin()

    def on_test_batch_end(self, batch: int, logs: LazyLogs | None = None) -> None:
        if not self._in_fit:
            self.on_train_batch_end(batch, logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._tell(logs, finalize=True)
            self._display.flush()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self.on_test_begin()

    def on_predict_batch_end(self, batch: int, logs: LazyLogs | None = None) -> None:
        self.on_test_batch_end(batch)  # its logs hold the outputs: nothing to show

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self.on_test_end()

    def _begin(self, label: str = "") -> None:
        self._seen = 0
        steps = self.params.get("steps")
        self._bar = Progbar(steps, verbose=self._verbose, label=label, display=self._display)

    def _tell(self, logs: LazyLogs | None, finalize: bool) -> None:
        values = (logs() if callable(logs) else logs) or {}
        self._bar.stateful_metrics.update(values)  # logs hold running means already
        self._bar.update(self._seen, values, finalize)
