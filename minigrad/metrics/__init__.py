"""What tells how good a model is: Keras's metrics, with its names, defaults and formulas.

A metric takes in batches and tells about all of them together, however they were cut.

>>> from minigrad.metrics import get
>>> mae = get("mae")
>>> mae.update_state([[1.0], [2.0]], [[1.5], [2.0]])
>>> mae.update_state([[1.0]], [[2.0]])
>>> mae.name, mae.result()
('mae', 0.5)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..losses import Loss
from .accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    resolve_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from .confusion import (
    AUC,
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from .f_score import F1Score, FBetaScore
from .loss_metrics import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    LossMetric,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from .metric import Mean, MeanMetricWrapper, Metric, Sum, registry
from .r2_score import R2Score

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "LossMetric",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Poisson",
    "Precision",
    "R2Score",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "categorical_accuracy",
    "deserialize",
    "get",
    "resolve_accuracy",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]

Shape = Sequence[int | None]


def get(
    identifier: Any,
    y_true_shape: Shape | None = None,
    y_pred_shape: Shape | None = None,
    loss: Loss | None = None,
) -> Metric:
    """Return the metric that a name, config, class, instance, function or loss stands for.

    A metric that is given by name is called as it was spelt: `'mse'` is `mse` in the history. A function
    `fn(y_true, y_pred)` becomes a `MeanMetricWrapper`, a loss a `LossMetric`. What `'accuracy'` and
    `'acc'` mean depends on the output: they need the two shapes, see `resolve_accuracy`.
    """
    if isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc"):
        if y_true_shape is None or y_pred_shape is None:
            raise ValueError(
                f"The meaning of {identifier!r} depends on the shapes of targets and predictions. Here, name "
                "one: 'binary_accuracy', 'categorical_accuracy' or 'sparse_categorical_accuracy'."
            )
        return resolve_accuracy(y_true_shape, y_pred_shape, loss)(name=identifier)
    if hasattr(identifier, "form_of"):  # mean_squared_error and its like, which stand for their class
        identifier = identifier.form_of()
    if isinstance(identifier, Loss):
        return LossMetric(identifier)
    found: Any = registry.get(identifier)
    if not isinstance(found, Metric):
        return MeanMetricWrapper(found)
    if isinstance(identifier, str) and identifier != type(found).__name__:
        found.name = identifier
    return found


def serialize(metric: Metric) -> Any:
    """Return `{'class_name': ..., 'config': {...}}` of a metric, without its state; of a function its name."""
    return registry.serialize(metric.fn if type(metric) is MeanMetricWrapper else metric)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Metric:
    """Return the metric that `serialize` described; `custom_objects` adds the caller's own names."""
    found: Any = registry.deserialize(config, custom_objects)
    return found if isinstance(found, Metric) else MeanMetricWrapper(found)
