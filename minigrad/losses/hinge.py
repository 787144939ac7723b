"""Losses that ask for a margin: hinges."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import Shape, check_range
from .loss import SameShapeLoss, function_form, registry

__all__ = ["CategoricalHinge", "Hinge", "SquaredHinge", "categorical_hinge", "hinge", "squared_hinge"]


class _Hinge(SameShapeLoss):
    """What the hinges have in common: targets between -1 and 1."""

    def check_values(self, y_true: np.ndarray, y_pred_shape: Shape, where: str) -> None:
        super().check_values(y_true, y_pred_shape, where)
        check_range(y_true, where, -1, 1)


@registry.register()
class Hinge(_Hinge):
    """`mean(maximum(1 - y_true * y_pred, 0))` for targets -1 and 1; targets that are all 0 or 1 become these."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return np.mean(np.maximum(1 - plus_or_minus_one(y_true) * y_pred, 0), axis=-1)


@registry.register()
class SquaredHinge(_Hinge):
    """`mean(maximum(1 - y_true * y_pred, 0)**2)` for targets -1 and 1, or 0 and 1."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return np.mean(np.square(np.maximum(1 - plus_or_minus_one(y_true) * y_pred, 0)), axis=-1)


@registry.register()
class CategoricalHinge(_Hinge):
    """How little the right class leads: `maximum(best of the others - right one + 1, 0)`; one-hot targets."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        right = np.sum(y_true * y_pred, axis=-1)
        others = np.max((1 - y_true) * y_pred, axis=-1)
        return np.maximum(others - right + 1, 0)


hinge = function_form(Hinge)
squared_hinge = function_form(SquaredHinge)
categorical_hinge = function_form(CategoricalHinge)


def plus_or_minus_one(y_true: Any) -> Any:
    """Targets 0 and 1 as -1 and 1; if any is something else, all stay as they are."""
    binary = np.all((y_true == 0) | (y_true == 1))
    return np.where(binary, 2 * y_true - 1, y_true)
