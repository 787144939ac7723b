"""Watching one number of the logs: shared by the callbacks that act when it gets better, or does not."""

from __future__ import annotations

import math
import re
import warnings

from ..errors import did_you_mean, unknown
from .callback import Logs

__all__ = ["Monitor"]

# Names of metrics of which more is better; of everything else, less is.
_MORE_IS_BETTER = ("acc", "accuracy", "auc", "precision", "recall", "score", "r2", "cosine_similarity", "iou")


class Monitor:
    """Watches one entry of the logs: what its value is, and whether a value is better than another.

    Args:
        monitor: the name in the logs.
        min_delta: differences up to this size are none.
        mode: `'min'`, `'max'` or `'auto'`: max for accuracies, AUC, precision, recall, scores, cosine
            similarity and IoU, min for all else.
        user: who watches, for the warning about a missing entry.
    """

    def __init__(self, monitor: str, min_delta: float, mode: str, user: str) -> None:
        if mode not in ("auto", "min", "max"):
            raise unknown("mode", mode, ("auto", "min", "max"))
        if mode == "auto":
            plain = re.sub(r"_\d+$", "", monitor)  # a second AUC is called auc_1
            mode = "max" if plain.endswith(_MORE_IS_BETTER) else "min"
        self.monitor, self.min_delta, self.mode, self.user = monitor, abs(min_delta), mode, user
        self._warned = False

    def reset(self) -> None:
        """Forget that a warning was given."""
        self._warned = False

    def value(self, logs: Logs | None) -> float | None:
        """Return the value in the logs; None, with a warning the first time, where there is none."""
        logs = logs or {}
        if self.monitor in logs:
            return float(logs[self.monitor])
        if not self._warned:
            self._warned = True
            hint = did_you_mean(self.monitor, logs)
            names = ", ".join(logs) or "none"
            warnings.warn(
                f"{self.user} watches {self.monitor!r}, which is not in the logs.{hint} There are: {names}.",
                stacklevel=3,
            )
        return None

    def better(self, value: float, than: float | None) -> bool:
        """Whether `value` is better by more than `min_delta`; NaN never is, all else beats None."""
        if than is None:
            return not math.isnan(value)
        return value + self.min_delta < than if self.mode == "min" else value - self.min_delta > than
