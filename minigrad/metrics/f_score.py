"""Precision and recall in one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError, unknown
from ..losses.loss import fit_weights
from .confusion import ratio
from .metric import Metric, plain, registry, same_shape

__all__ = ["F1Score", "FBetaScore"]


@registry.register("fbeta_score")
class FBetaScore(Metric):
    """The harmonic mean of precision and recall, in which recall counts `beta` times as much.

    Args:
        average: None for an array with one score for each class; `'micro'` for the score of all decisions
            together; `'macro'` for the mean over classes; `'weighted'` for the mean weighted by how many
            samples are of the class.
        beta: see above.
        threshold: predictions above it are positive; if None, the greatest of each sample is.
        name: by default `'fbeta_score'`.

    Targets are 0 and 1, of shape (batch, classes). A class that is neither there nor predicted has score 0.
    """

    AVERAGES = ("micro", "macro", "weighted")

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
    ) -> None:
        super().__init__(name)
        if average is not None and average not in self.AVERAGES:
            raise unknown("average", average, self.AVERAGES)
        if not beta > 0:
            raise ValueError(f"{self.name} needs a beta above zero, got {beta}.")
        self.average, self.beta, self.threshold = average, float(beta), threshold
        self.reset_state()

    def reset_state(self) -> None:
        self.true_positives: Any = 0.0  # an array over classes from the first batch on, like the others
        self.predicted: Any = 0.0
        self.actual: Any = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = same_shape(y_true, y_pred, self.name)
        if y_pred.ndim != 2:
            raise ShapeError(f"{self.name}: predictions of shape {y_pred.shape}; expected (batch, classes).")
        if self.threshold is None and y_pred.shape[1] == 1:
            raise ShapeError(f"{self.name}: the greatest of one prediction is always that one; give a threshold.")
        actual = y_true.astype(np.float64)
        if self.threshold is not None:
            predicted = y_pred > self.threshold
        else:
            predicted = (y_pred == y_pred.max(axis=-1, keepdims=True)) & (np.absolute(y_pred) > 1e-9)
        weights = 1.0 if sample_weight is None else fit_weights(plain(sample_weight), actual)
        self.true_positives = self.true_positives + np.sum(weights * actual * predicted, axis=0)
        self.predicted = self.predicted + np.sum(weights * predicted, axis=0)
        self.actual = self.actual + np.sum(weights * actual, axis=0)

    def result(self) -> Any:
        found, predicted, actual = self.true_positives, self.predicted, self.actual
        if self.average == "micro":
            found, predicted, actual = np.sum(found), np.sum(predicted), np.sum(actual)
        square = self.beta**2
        score = ratio((1 + square) * found, square * actual + predicted)
        if self.average == "weighted":
            return float(ratio(np.sum(score * actual), np.sum(actual)))
        return score if self.average is None else float(np.mean(score))

    def get_config(self) -> dict[str, Any]:
        return {"average": self.average, "beta": self.beta, "threshold": self.threshold, "name": self.name}


@registry.register()
class F1Score(FBetaScore):
    """The harmonic mean of precision and recall. For the arguments see `FBetaScore`.

    >>> y_true = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
    >>> F1Score(threshold=0.5)(y_true, [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]])
    array([0.5      , 0.8      , 0.6666667])
    """

    def __init__(
        self, average: str | None = None, threshold: float | None = None, name: str | None = "f1_score"
    ) -> None:
        super().__init__(average, 1.0, threshold, name)

    def get_config(self) -> dict[str, Any]:
        return {"average": self.average, "threshold": self.threshold, "name": self.name}
