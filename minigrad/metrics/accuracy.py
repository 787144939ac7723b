"""How often predictions are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..losses import BinaryCrossentropy, BinaryFocalCrossentropy, Loss, SparseCategoricalCrossentropy
from ..losses.checks import check_labels
from .metric import MeanMetricWrapper, Metric, plain, registry, same_shape

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "accuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "resolve_accuracy",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]


# -- the formulas: one value for each sample -----------------------------------------------------------


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """What part of each sample's last axis is equal."""
    y_true, y_pred = same_shape(y_true, y_pred, "accuracy")
    right = y_true == y_pred
    return np.mean(right, axis=-1) if right.ndim > 1 else right


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """What part of each sample's last axis is on the right side of the threshold; targets are 0 and 1."""
    y_true, y_pred = same_shape(y_true, y_pred, "binary_accuracy")
    return accuracy(y_true, y_pred > threshold)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Whether the greatest prediction is that of the right class; targets are one-hot."""
    y_true, y_pred = same_shape(y_true, y_pred, "categorical_accuracy")
    return y_true.argmax(-1) == y_pred.argmax(-1)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Whether the greatest prediction is that of the right class; targets are class numbers."""
    labels, y_pred = _labels("sparse_categorical_accuracy", y_true, y_pred)
    return labels == y_pred.argmax(-1)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Whether the right class is among the k with the greatest predictions; targets are one-hot."""
    y_true, y_pred = same_shape(y_true, y_pred, "top_k_categorical_accuracy")
    return sparse_top_k_categorical_accuracy(np.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Whether the right class is among the k with the greatest predictions; targets are class numbers."""
    labels, y_pred = _labels("sparse_top_k_categorical_accuracy", y_true, y_pred)
    check_labels(labels, y_pred.shape[-1], "sparse_top_k_categorical_accuracy")
    own = np.take_along_axis(y_pred, labels.astype(np.intp)[..., None], axis=-1)
    return np.sum(y_pred > own, axis=-1) < k


def _labels(where: str, y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    y_true, y_pred = plain(y_true), plain(y_pred)
    labels = y_true[..., 0] if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1 else y_true
    if labels.shape != y_pred.shape[:-1]:
        raise ShapeError(
            f"{where}: labels of shape {y_true.shape} for predictions of shape {y_pred.shape}; expected "
            f"{y_pred.shape[:-1]}, one class number for each prediction."
        )
    return labels, y_pred


# -- the metrics -----------------------------------------------------------------------------------------


@registry.register()
class Accuracy(MeanMetricWrapper):
    """How often predictions equal the targets exactly.

    >>> Accuracy()([[1], [2], [3], [4]], [[0], [2], [3], [4]])
    0.75
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(accuracy, name)


@registry.register()
class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions are on the right side of `threshold`; targets are 0 and 1.

    For logits, the threshold that means a probability of one half is 0.
    """

    def __init__(self, name: str | None = None, threshold: float = 0.5) -> None:
        super().__init__(binary_accuracy, name, threshold=float(threshold))


@registry.register()
class CategoricalAccuracy(MeanMetricWrapper):
    """How often the greatest prediction is that of the right class; targets are one-hot."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(categorical_accuracy, name)


@registry.register()
class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the greatest prediction is that of the right class; targets are class numbers.

    >>> SparseCategoricalAccuracy()([2, 1], [[0.1, 0.6, 0.3], [0.05, 0.95, 0.0]])
    0.5
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(sparse_categorical_accuracy, name)


@registry.register()
class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the k with the greatest predictions; targets are one-hot."""

    def __init__(self, k: int = 5, name: str | None = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, k=k)


@registry.register()
class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the k with the greatest predictions; targets are class numbers."""

    def __init__(self, k: int = 5, name: str | None = None) -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, k=k)


def resolve_accuracy(
    y_true_shape: Sequence[int | None], y_pred_shape: Sequence[int | None], loss: Loss | None = None
) -> Callable[..., Metric]:
    """Return what makes the metric that `'accuracy'` means for an output: a class, to be called with a name.

    The loss decides where it can, else the shapes, as in Keras: one number for each prediction is binary; targets
    with fewer numbers than predictions are class numbers; the rest is one-hot. For a binary loss from logits the
    threshold is 0, where Keras compares logits with 0.5.

    >>> resolve_accuracy((32,), (32, 10)).__name__, resolve_accuracy((32, 10), (32, 10)).__name__
    ('SparseCategoricalAccuracy', 'CategoricalAccuracy')
    """
    one_number = len(y_pred_shape) < 2 or y_pred_shape[-1] == 1
    if isinstance(loss, (BinaryCrossentropy, BinaryFocalCrossentropy)) or one_number:
        return partial(BinaryAccuracy, threshold=0.0) if getattr(loss, "from_logits", False) else BinaryAccuracy
    fewer = len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1
    return (
        SparseCategoricalAccuracy if isinstance(loss, SparseCategoricalCrossentropy) or fewer else CategoricalAccuracy
    )
