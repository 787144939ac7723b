"""What labels tell: weights by class, and classes that training never sees."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.tree import leaves
from .data import Batch


def labels_of(y: np.ndarray) -> np.ndarray:
    """The class of each row: y is labels, (rows,) or (rows, 1), or one-hot rows, (rows, classes)."""
    return y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y))


def class_weighted(batch: Batch, class_weight: Mapping[int, float]) -> Batch:
    """The batch with each row's weight multiplied by that of its class. For a single output, one class a row."""
    if not isinstance(class_weight, Mapping):
        raise TypeError(f"class_weight must be a dict, class -> weight, got {class_weight!r:.60}")
    targets = list(leaves(batch.y))
    if len(targets) != 1 or targets[0] is None or targets[0].ndim > 2:
        raise ValueError(
            "class_weight needs a single output with one class for each row: labels or one-hot rows; in any other "
            "case use sample_weight"
        )
    classes, which = np.unique(labels_of(targets[0]), return_inverse=True)
    for k in classes.tolist():
        if k not in class_weight:
            raise ValueError(f"class_weight has no weight for class {k:g}; it has weights for {sorted(class_weight)}")
    weights = np.array([class_weight[k] for k in classes.tolist()], np.float32)[which]
    for given in leaves(batch.sample_weight):
        if given is not None:
            weights = given * weights.reshape(-1, *[1] * (given.ndim - 1))
    return batch._replace(sample_weight=weights)


def warn_of_unseen_classes(training: Any, held_out: Any) -> None:
    """UserWarning if rows held out by validation_split are of classes that the training rows do not have."""
    unseen = sorted(set(labels_of(held_out).tolist()) - set(labels_of(training).tolist()))
    if unseen:
        listed = ", ".join(f"{k:g}" for k in unseen[:5]) + (" ..." if len(unseen) > 5 else "")
        warnings.warn(
            f"validation_split takes the last rows as they stand, and here these have classes that the training rows "
            f"lack: {listed}. If the rows are sorted, shuffle them first, x and y alike",
            stacklevel=3,
        )
