"""What training makes small: Keras's losses, with its names, defaults and formulas.

A loss is called with targets and predictions and gives one number. Targets are checked before they are used:
their shape (nothing is broadcast), their labels, whether they are finite.

>>> from minigrad.losses import get
>>> float(get("mse")([[1.0], [2.0]], [[1.0], [4.0]]))
2.0
>>> get("msee")
Traceback (most recent call last):
minigrad.errors.UnknownName: Unknown loss 'msee'. Did you mean 'mse'? Known: ...
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .crossentropy import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    KLDivergence,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    sparse_categorical_crossentropy,
)
from .hinge import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from .loss import FunctionLoss, Loss, registry
from .regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
)

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "FunctionLoss",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]


def get(identifier: Any) -> Loss:
    """Return the loss that a name, config, class, instance or function stands for.

    A function `fn(y_true, y_pred)` returns one value for each sample; it becomes a `FunctionLoss`.
    """
    found: Any = registry.get(getattr(identifier, "form_of", identifier))
    return found if isinstance(found, Loss) else FunctionLoss(found)


def serialize(loss: Loss) -> Any:
    """Return `{'class_name': ..., 'config': {...}}` of a loss, or the name of a function."""
    return registry.serialize(loss.fn if isinstance(loss, FunctionLoss) else loss)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Loss:
    """Return the loss that `serialize` described; `custom_objects` adds the caller's own names."""
    found: Any = registry.deserialize(config, custom_objects)
    return found if isinstance(found, Loss) else FunctionLoss(found)
