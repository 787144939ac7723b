"""Losses for numbers: how far the predictions are from the targets, averaged over the last axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import config
from ..ops.neural import softplus
from .loss import SameShapeLoss, function_form, registry

__all__ = [
    "CosineSimilarity",
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "cosine_similarity",
    "huber",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
]


@registry.register("mse", "mean_squared_error")
class MeanSquaredError(SameShapeLoss):
    """`mean((y_true - y_pred)**2)`.

    >>> float(MeanSquaredError()([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]]))
    0.5
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return np.mean(np.square(y_true - y_pred), axis=-1)


@registry.register("mae", "mean_absolute_error")
class MeanAbsoluteError(SameShapeLoss):
    """`mean(abs(y_true - y_pred))`."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return np.mean(np.absolute(y_true - y_pred), axis=-1)


@registry.register("mape", "mean_absolute_percentage_error")
class MeanAbsolutePercentageError(SameShapeLoss):
    """`100 * mean(abs((y_true - y_pred) / y_true))`, where `abs(y_true)` counts as epsilon at least."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        size = np.maximum(np.absolute(y_true), config.epsilon())
        return 100.0 * np.mean(np.absolute((y_true - y_pred) / size), axis=-1)


@registry.register("msle", "mean_squared_logarithmic_error")
class MeanSquaredLogarithmicError(SameShapeLoss):
    """`mean((log(y_true + 1) - log(y_pred + 1))**2)`; what is below epsilon counts as epsilon."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        first = np.log(np.maximum(y_pred, config.epsilon()) + 1.0)
        second = np.log(np.maximum(y_true, config.epsilon()) + 1.0)
        return np.mean(np.square(first - second), axis=-1)


@registry.register()
class Huber(SameShapeLoss):
    """Half the squared error up to `delta`, from there on a straight line (Huber, 1964)."""

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        if not delta > 0:
            raise ValueError(f"Huber needs a delta above zero, got {delta}.")
        self.delta = float(delta)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        size = np.absolute(y_pred - y_true)
        near = np.minimum(size, self.delta)
        return np.mean(near * (size - 0.5 * near), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"delta": self.delta}


@registry.register("log_cosh", "logcosh")
class LogCosh(SameShapeLoss):
    """`mean(log(cosh(y_pred - y_true)))`: squares near zero, straight lines far from it."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        error = y_pred - y_true
        return np.mean(error + softplus(-2.0 * error) - math.log(2.0), axis=-1)


@registry.register()
class CosineSimilarity(SameShapeLoss):
    """Minus the cosine of the angle between targets and predictions: -1 for the same direction.

    A vector of zeros has no direction; its similarity is 0.
    """

    def __init__(self, axis: int = -1, reduction: str | None = "sum_over_batch_size", name: str | None = None) -> None:
        super().__init__(reduction, name)
        self.axis = axis

    def call(self, y_true: Any, y_pred: Any) -> Any:
        product = np.sum(y_true * y_pred, axis=self.axis)
        return -product / (self._length(y_true) * self._length(y_pred))

    def _length(self, y: Any) -> Any:
        squares = np.sum(np.square(y), axis=self.axis)
        return np.sqrt(np.where(squares == 0, 1, squares))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"axis": self.axis}


@registry.register()
class Poisson(SameShapeLoss):
    """`mean(y_pred - y_true * log(y_pred))`, for targets that are counts and predictions above zero."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return np.mean(y_pred - y_true * np.log(y_pred + config.epsilon()), axis=-1)


mean_squared_error = function_form(MeanSquaredError)
mean_absolute_error = function_form(MeanAbsoluteError)
mean_absolute_percentage_error = function_form(MeanAbsolutePercentageError)
mean_squared_logarithmic_error = function_form(MeanSquaredLogarithmicError)
huber = function_form(Huber)
log_cosh = function_form(LogCosh)
cosine_similarity = function_form(CosineSimilarity)
poisson = function_form(Poisson)
