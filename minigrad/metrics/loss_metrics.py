"""Losses as metrics: the mean over all samples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from .. import losses
from ..losses import Loss
from ..losses.loss import fit_weights
from ..registry import construct, snake_case
from .metric import Mean, plain, registry

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "LossMetric",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "RootMeanSquaredError",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]

Self = TypeVar("Self", bound="LossMetric")


@registry.register()
class LossMetric(Mean):
    """The mean of a loss over all samples, in float64. Targets are checked as the loss does it."""

    def __init__(self, loss: Loss, name: str | None = None) -> None:
        super().__init__(name or loss.name)
        self.loss = loss

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """One value for each sample, from prepared targets."""
        return self.loss.per_sample(y_true, y_pred)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        y_pred = np.asarray(plain(y_pred), np.float64)
        y_true = self.loss.accept(plain(y_true), y_pred, self.name)
        values, mask = self.values(y_true, y_pred), self.loss.mask(y_true)
        if mask is not None:
            sample_weight = mask * (1.0 if sample_weight is None else fit_weights(plain(sample_weight), values))
        super().update_state(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {"loss": losses.serialize(self.loss), "name": self.name}

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        return construct(cls, {**config, "loss": losses.get(config["loss"])} if "loss" in config else config)


class _OfLoss(LossMetric):
    """A loss as a metric with a name of its own; takes the loss's arguments."""

    loss_class: type[Loss]

    def __init__(self, name: str | None = None, **arguments: Any) -> None:
        super().__init__(construct(self.loss_class, arguments), name or snake_case(type(self).__name__))

    def get_config(self) -> dict[str, Any]:
        arguments = {k: v for k, v in self.loss.get_config().items() if k not in ("name", "reduction")}
        return {"name": self.name, **arguments}


@registry.register("mse", "mean_squared_error")
class MeanSquaredError(_OfLoss):
    """The mean of the squared errors."""

    loss_class = losses.MeanSquaredError


@registry.register("rmse", "root_mean_squared_error")
class RootMeanSquaredError(_OfLoss):
    """The root of the mean of the squared errors.

    >>> RootMeanSquaredError()([[0.0], [0.0]], [[3.0], [4.0]])
    3.5355339
    """

    loss_class = losses.MeanSquaredError

    def result(self) -> float:
        return math.sqrt(super().result())


@registry.register("mae", "mean_absolute_error")
class MeanAbsoluteError(_OfLoss):
    """The mean of the sizes of the errors."""

    loss_class = losses.MeanAbsoluteError


@registry.register("mape", "mean_absolute_percentage_error")
class MeanAbsolutePercentageError(_OfLoss):
    """The mean of the sizes of the errors, in percent of the targets."""

    loss_class = losses.MeanAbsolutePercentageError


@registry.register("msle", "mean_squared_logarithmic_error")
class MeanSquaredLogarithmicError(_OfLoss):
    """The mean of the squared differences of logarithms."""

    loss_class = losses.MeanSquaredLogarithmicError


@registry.register("logcosh", "log_cosh")
class LogCoshError(_OfLoss):
    """The mean of the logarithms of the errors' hyperbolic cosines."""

    loss_class = losses.LogCosh

    def __init__(self, name: str | None = "logcosh") -> None:
        super().__init__(name)


@registry.register()
class CosineSimilarity(_OfLoss):
    """The mean of the cosines of the angles between targets and predictions: 1 for the same direction."""

    loss_class = losses.CosineSimilarity

    def values(self, y_true: Any, y_pred: Any) -> Any:
        return -super().values(y_true, y_pred)


@registry.register()
class Poisson(_OfLoss):
    """The mean of the Poisson loss."""

    loss_class = losses.Poisson


@registry.register("kld", "kl_divergence", "kullback_leibler_divergence")
class KLDivergence(_OfLoss):
    """The mean of the Kullback-Leibler divergences."""

    loss_class = losses.KLDivergence


@registry.register("bce", "binary_crossentropy")
class BinaryCrossentropy(_OfLoss):
    """The mean of the binary crossentropies; takes `from_logits` and `label_smoothing`."""

    loss_class = losses.BinaryCrossentropy


@registry.register()
class CategoricalCrossentropy(_OfLoss):
    """The mean of the categorical crossentropies; takes `from_logits`, `label_smoothing` and `axis`."""

    loss_class = losses.CategoricalCrossentropy


@registry.register()
class SparseCategoricalCrossentropy(_OfLoss):
    """The same for targets that are class numbers; takes `from_logits` and `ignore_class`."""

    loss_class = losses.SparseCategoricalCrossentropy


@registry.register()
class Hinge(_OfLoss):
    """The mean of the hinge loss."""

    loss_class = losses.Hinge


@registry.register()
class SquaredHinge(_OfLoss):
    """The mean of the squared hinge loss."""

    loss_class = losses.SquaredHinge


@registry.register()
class CategoricalHinge(_OfLoss):
    """The mean of the categorical hinge loss."""

    loss_class = losses.CategoricalHinge
