"""Losses for classes and probabilities: crossentropies and divergence."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import config
from ..errors import ShapeError
from ..ops.neural import (
    sigmoid,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
    sparse_softmax_cross_entropy,
)
from ..ops.probabilities import sparse_cross_entropy
from .checks import Shape, check_classes, check_labels, check_range, same_sizes
from .loss import Loss, SameShapeLoss, function_form, registry

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "KLDivergence",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "kl_divergence",
    "sparse_categorical_crossentropy",
]


class _Probabilities(SameShapeLoss):
    """What the losses have in common whose targets are probabilities, or 0 and 1."""

    def check_values(self, y_true: np.ndarray, y_pred_shape: Shape, where: str) -> None:
        super().check_values(y_true, y_pred_shape, where)
        check_range(y_true, where, 0, 1)


class _Crossentropy(_Probabilities):
    """What the crossentropies have in common."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"{self.name}: label_smoothing must be from 0 to 1, got {label_smoothing}.")
        self.from_logits, self.label_smoothing, self.axis = from_logits, float(label_smoothing), axis

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": self.axis,
        }


@registry.register("bce", "binary_crossentropy")
class BinaryCrossentropy(_Crossentropy):
    """`-log` of the probability given to the right answer of a yes-or-no question; the mean over `axis`.

    Args:
        from_logits: whether the predictions are logits (any numbers) in place of probabilities.
        label_smoothing: how far the targets 0 and 1 are moved towards 0.5: by half of this.
        axis: the axis to take the mean over.
        reduction, name: see `Loss`.

    Targets must lie between 0 and 1. Probabilities are kept epsilon away from 0 and 1, as in Keras.

    >>> float(BinaryCrossentropy()([[1.0], [0.0]], [[0.5], [0.5]]))
    0.693147
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_true = smooth_binary(y_true, self.label_smoothing)
        return np.mean(binary_values(y_true, y_pred, self.from_logits), axis=self.axis)


@registry.register()
class BinaryFocalCrossentropy(_Crossentropy):
    """Binary crossentropy times `(1 - p)**gamma`, `p` the right answer's probability (Lin et al., 2018).

    Args:
        apply_class_balancing: whether targets of 1 weigh `alpha`, and targets of 0 `1 - alpha`.
        alpha: see above.
        gamma: how much easy samples lose; 0 for nothing.
        from_logits, label_smoothing, axis: see `BinaryCrossentropy`.
        reduction, name: see `Loss`.
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name)
        self.apply_class_balancing, self.alpha, self.gamma = apply_class_balancing, float(alpha), float(gamma)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_true = smooth_binary(y_true, self.label_smoothing)
        p = sigmoid(y_pred) if self.from_logits else y_pred
        wrong = 1 - (y_true * p + (1 - y_true) * (1 - p))
        values = np.power(wrong, self.gamma) * binary_values(y_true, p, from_logits=False)
        if self.apply_class_balancing:
            values = values * (y_true * self.alpha + (1 - y_true) * (1 - self.alpha))
        return np.mean(values, axis=self.axis)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "apply_class_balancing": self.apply_class_balancing,
            "alpha": self.alpha,
            "gamma": self.gamma,
        }


@registry.register()
class CategoricalCrossentropy(_Crossentropy):
    """`-log` of the probability given to the right class, for targets that are one-hot or probabilities.

    Args:
        from_logits: whether the predictions are logits (any numbers) in place of probabilities.
        label_smoothing: what part of the targets is spread evenly over all classes.
        axis: the axis of the classes.
        reduction, name: see `Loss`.

    Probabilities are divided by their sum and kept epsilon away from 0 and 1, as in Keras.
    """

    def check_shape(self, y_true_shape: Shape, y_pred_shape: Shape, where: str) -> None:
        check_classes(y_pred_shape, self.axis, where, type(self).__name__)
        try:
            super().check_shape(y_true_shape, y_pred_shape, where)
        except ShapeError as error:
            raise ShapeError(f"{error} For class numbers, use SparseCategoricalCrossentropy.") from None

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if self.label_smoothing:
            y_true = y_true * (1 - self.label_smoothing) + self.label_smoothing / y_pred.shape[self.axis]
        if self.from_logits:
            return softmax_cross_entropy(y_pred, y_true, self.axis)
        p = clip_probability(y_pred / np.sum(y_pred, axis=self.axis, keepdims=True))
        return -np.sum(y_true * np.log(p), axis=self.axis)


@registry.register()
class SparseCategoricalCrossentropy(Loss):
    """Categorical crossentropy for targets that are class numbers, from 0.

    Args:
        from_logits: whether the predictions are logits (any numbers) in place of probabilities.
        ignore_class: a number, say -1 or 255, whose samples have no part in the loss.
        reduction, name: see `Loss`.

    Predictions have one axis more than the targets, the classes; a last axis of size 1 in the targets is dropped.
    A label that is no class is a `LabelError`.

    >>> loss = SparseCategoricalCrossentropy()
    >>> float(loss([1, 2], [[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]]))
    1.176939
    >>> loss([1, 3], [[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]])
    Traceback (most recent call last):
    minigrad.errors.LabelError: sparse_categorical_crossentropy: the label at [1] is 3; the predictions have ...
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(name, reduction)
        self.from_logits, self.ignore_class = from_logits, ignore_class

    def check_shape(self, y_true_shape: Shape, y_pred_shape: Shape, where: str) -> None:
        check_classes(y_pred_shape, -1, where, type(self).__name__)
        labels = y_true_shape
        if len(labels) == len(y_pred_shape) and labels[-1] == 1:
            labels = labels[:-1]
        if not same_sizes(labels, y_pred_shape[:-1]):
            raise ShapeError(
                f"{where}: labels of shape {y_true_shape} for predictions of shape {y_pred_shape}; expected "
                f"{y_pred_shape[:-1]}, one class number for each prediction. For targets that are one-hot, use "
                "CategoricalCrossentropy."
            )

    def check_values(self, y_true: np.ndarray, y_pred_shape: Shape, where: str) -> None:
        check_labels(y_true, y_pred_shape[-1], where, self.ignore_class)

    def prepare(self, y_true: Any, y_pred_shape: Shape, dtype: Any = None) -> Any:
        labels = y_true.astype(np.int64)
        return np.squeeze(labels, -1) if len(labels.shape) == len(y_pred_shape) else labels

    def example(self, y_pred_shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(y_pred_shape[:-1], np.int64)

    def mask(self, y_true: Any) -> Any:
        return None if self.ignore_class is None else y_true != self.ignore_class

    def call(self, y_true: Any, y_pred: Any) -> Any:
        valid = self.mask(y_true)
        labels = y_true if valid is None else np.where(valid, y_true, 0)
        if self.from_logits:
            values = sparse_softmax_cross_entropy(y_pred, labels)
        else:
            values = sparse_cross_entropy(y_pred, labels)
        return values if valid is None else np.where(valid, values, 0.0)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"from_logits": self.from_logits, "ignore_class": self.ignore_class}


@registry.register("kld", "kl_divergence", "kullback_leibler_divergence")
class KLDivergence(_Probabilities):
    """`sum(y_true * log(y_true / y_pred))` of two distributions; what is below epsilon counts as epsilon."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_true = np.clip(y_true, config.epsilon(), 1.0)
        y_pred = np.clip(y_pred, config.epsilon(), 1.0)
        return np.sum(y_true * np.log(y_true / y_pred), axis=-1)


binary_crossentropy = function_form(BinaryCrossentropy)
binary_focal_crossentropy = function_form(BinaryFocalCrossentropy)
categorical_crossentropy = function_form(CategoricalCrossentropy)
sparse_categorical_crossentropy = function_form(SparseCategoricalCrossentropy)
kl_divergence = function_form(KLDivergence)


def binary_values(y_true: Any, y_pred: Any, from_logits: bool) -> Any:
    """The binary crossentropy of each element."""
    if from_logits:
        return sigmoid_cross_entropy(y_pred, y_true)
    p = clip_probability(y_pred)
    return -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))


def smooth_binary(y_true: Any, label_smoothing: float) -> Any:
    """Targets moved towards 0.5."""
    return y_true * (1 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else y_true


def clip_probability(p: Any) -> Any:
    """Probabilities epsilon away from 0 and 1, so that their logarithms are finite."""
    return np.clip(p, config.epsilon(), 1 - config.epsilon())
