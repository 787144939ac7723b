"""How much of the targets' variance is explained."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import unknown
from ..losses.loss import fit_weights
from .confusion import ratio
from .metric import Metric, plain, registry, same_shape

__all__ = ["R2Score"]


@registry.register()
class R2Score(Metric):
    """What part of the targets' variance is explained: 1 for all; 0 for no better than their mean.

    Args:
        class_aggregation: what becomes of the scores of the last axis's places: `'uniform_average'`,
            `'variance_weighted_average'`, or None for an array of them.
        num_regressors: above 0, the adjusted score for that many independent variables.
        name: by default `'r2_score'`.

    Targets that are all equal have a score of 1 if they are met exactly, else 0.

    >>> R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])
    0.5714285
    """

    AGGREGATIONS = ("uniform_average", "variance_weighted_average")

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
    ) -> None:
        super().__init__(name)
        if class_aggregation is not None and class_aggregation not in self.AGGREGATIONS:
            raise unknown("class_aggregation", class_aggregation, self.AGGREGATIONS)
        if num_regressors < 0:
            raise ValueError(f"R2Score needs num_regressors of 0 or more, got {num_regressors}.")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.reset_state()

    def reset_state(self) -> None:
        self.samples = 0
        self.weight: Any = 0.0
        self.mean: Any = 0.0  # of the targets, like the spread an array over the last axis
        self.spread: Any = 0.0  # sum of squared distances from the mean
        self.residual: Any = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = (y.astype(np.float64) for y in same_shape(y_true, y_pred, self.name))
        if y_true.ndim == 1:
            y_true, y_pred = y_true[:, None], y_pred[:, None]
        weights: Any = np.ones(1) if sample_weight is None else fit_weights(plain(sample_weight), y_true)
        weights = np.broadcast_to(weights, y_true.shape)
        axes = tuple(range(y_true.ndim - 1))
        weight = np.sum(weights, axis=axes)
        mean = ratio(np.sum(y_true * weights, axis=axes), weight)
        spread = np.sum(np.square(y_true - mean) * weights, axis=axes)
        # Two sets of data as one (Chan et al., 1979); sums of squares would cancel each other out.
        total, apart = self.weight + weight, mean - self.mean
        self.spread = self.spread + spread + np.square(apart) * self.weight * ratio(weight, total)
        self.mean = self.mean + apart * ratio(weight, total)
        self.weight = total
        self.residual = self.residual + np.sum(np.square(y_true - y_pred) * weights, axis=axes)
        self.samples += y_true[..., 0].size

    def result(self) -> Any:
        if not self.samples:
            return 0.0
        flat = self.spread == 0
        scores = np.where(flat, self.residual == 0, 1 - ratio(self.residual, self.spread))
        if self.class_aggregation == "uniform_average":
            scores = np.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = np.mean(scores) if np.all(flat) else np.average(scores, weights=self.spread)
        if self.num_regressors:
            freedom = self.samples - self.num_regressors - 1
            if freedom <= 0:
                raise ValueError(
                    f"{self.name}: an adjusted score for {self.num_regressors} regressors needs more than "
                    f"{self.num_regressors + 1} samples, got {self.samples}."
                )
            scores = 1 - (1 - scores) * (self.samples - 1) / freedom
        return scores if self.class_aggregation is None else float(scores)

    def get_config(self) -> dict[str, Any]:
        return {
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
            "name": self.name,
        }
