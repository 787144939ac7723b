"""Stop when the loss is no number any more."""

from __future__ import annotations

import math

from ..errors import NonFiniteError
from .callback import Callback, Logs
from .displays import say

__all__ = ["TerminateOnNaN"]


class TerminateOnNaN(Callback):
    """Ends `fit` after the first batch that leaves the loss NaN or infinite.

    Source: `keras.callbacks.TerminateOnNaN`.

    Args:
        raise_error: whether to raise a `NonFiniteError` instead of a quiet end.
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        message = f"Batch {batch}: Invalid loss ({loss}), terminating training"
        if self.raise_error:
            raise NonFiniteError(message)
        say(message)
        self.model.stop_training = True
