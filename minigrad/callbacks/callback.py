"""The contract of a callback: hooks that `fit`, `evaluate` and `predict` call as they go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import unknown

__all__ = ["BATCH_HOOKS", "EPOCH_HOOKS", "RUN_HOOKS", "Callback", "LambdaCallback", "LazyLogs", "Logs"]

Logs = dict[str, Any]
LazyLogs = Logs | Callable[[], Logs]

_RUNS = ("train", "test", "predict")
RUN_HOOKS = tuple(f"on_{run}_{end}" for run in _RUNS for end in ("begin", "end"))
EPOCH_HOOKS = ("on_epoch_begin", "on_epoch_end")
BATCH_HOOKS = tuple(f"on_{run}_batch_{end}" for run in _RUNS for end in ("begin", "end"))


class Callback:
    """What watches or steers a model's runs. Override the hooks that matter; the others do nothing.

    Source: `keras.callbacks.Callback`. Batches and epochs count from 0. At a batch's end `logs` holds the
    running means of loss and metrics over the epoch so far; at an epoch's end the epoch's values, those of
    the validation under `val_` names. Setting `self.model.stop_training = True` ends `fit` after the
    running batch.

    Attributes:
        params: `verbose`, `epochs` and `steps` of the run (`steps` is None where it is not known).
        model: the model that runs.
        lazy_logs: True if the hooks of a batch want, in place of the logs, a function that gives them. Logs that no
            callback asks for are not computed.
    """

    # On the class, so that a callback works whose __init__ forgets ours. They are replaced, never changed.
    params: dict[str, Any] = {}
    model: Any = None
    lazy_logs = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Take note of the run's `verbose`, `epochs` and `steps`."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Take note of the model."""
        self.model = model

    # The whole of a run.
    def on_train_begin(self, logs: Logs | None = None) -> None: ...
    def on_train_end(self, logs: Logs | None = None) -> None: ...
    def on_test_begin(self, logs: Logs | None = None) -> None: ...
    def on_test_end(self, logs: Logs | None = None) -> None: ...
    def on_predict_begin(self, logs: Logs | None = None) -> None: ...
    def on_predict_end(self, logs: Logs | None = None) -> None: ...

    # An epoch of fit.
    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None: ...

    # A batch.
    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...

    # The older names of the two training hooks.
    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...


class LambdaCallback(Callback):
    """A callback made of functions, given by the names of the hooks they stand for.

    Source: `keras.callbacks.LambdaCallback`. Each function takes what its hook takes: `(epoch, logs)`,
    `(batch, logs)` or `(logs)`.

    >>> seen = []
    >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    >>> callback.on_epoch_end(0, {})
    >>> seen
    [0]
    """

    HOOKS = (*RUN_HOOKS, *EPOCH_HOOKS, *BATCH_HOOKS, "on_batch_begin", "on_batch_end")

    def __init__(self, **hooks: Callable[..., Any] | None) -> None:
        for name, function in hooks.items():
            if name not in self.HOOKS:
                raise unknown("hook", name, self.HOOKS)
            if function is None:
                continue
            if not callable(function):
                raise TypeError(f"LambdaCallback needs a function for {name}, got {function!r}.")
            setattr(self, name, function)
