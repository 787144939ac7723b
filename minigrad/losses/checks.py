"""What targets are checked for, with errors that name the value and its place."""

from __future__ import annotations

import numpy as np

from ..errors import LabelError, NonFiniteError, ShapeError

__all__ = ["Shape", "check_classes", "check_finite", "check_labels", "check_range", "first_where", "same_sizes"]

Shape = tuple[int | None, ...]  # None for a size that is not known yet: the batch of a Symbol


def first_where(wrong: np.ndarray) -> list[int] | None:
    """The index of the first True, None if there is none."""
    return np.argwhere(wrong)[0].tolist() if wrong.any() else None


def same_sizes(one: Shape, other: Shape) -> bool:
    """Whether two shapes are equal as far as they are known."""
    return len(one) == len(other) and all(a == b or None in (a, b) for a, b in zip(one, other))


def check_finite(y_true: np.ndarray, where: str) -> None:
    """Raise a `NonFiniteError` if a target is NaN or infinite."""
    place = first_where(~np.isfinite(y_true))
    if place is not None:
        raise NonFiniteError(f"{where}: the target at {place} is {y_true[tuple(place)]}; expected finite numbers.")


def check_range(y_true: np.ndarray, where: str, low: float, high: float) -> None:
    """Raise a `LabelError` unless all targets are from `low` to `high`."""
    place = first_where((y_true < low) | (y_true > high))
    if place is not None:
        raise LabelError(
            f"{where}: the target at {place} is {y_true[tuple(place)]}; expected numbers from {low} to {high}."
        )


def check_labels(y_true: np.ndarray, classes: int | None, where: str, ignore_class: int | None = None) -> None:
    """Raise a `LabelError` unless all labels are whole numbers from 0 to below `classes`."""
    if y_true.dtype.kind == "f":
        place = first_where(~np.isfinite(y_true) | (y_true != np.floor(y_true)))
        if place is not None:
            raise LabelError(
                f"{where}: the label at {place} is {y_true[tuple(place)]}; expected whole numbers, the numbers "
                "of classes from 0."
            )
    if classes is None:
        return
    wrong = (y_true < 0) | (y_true >= classes)
    place = first_where(wrong if ignore_class is None else wrong & (y_true != ignore_class))
    if place is not None:
        most = int(y_true.max())
        advice = f" For the greatest label here the output layer needs {most + 1} units." if most >= classes else ""
        raise LabelError(
            f"{where}: the label at {place} is {int(y_true[tuple(place)])}; the predictions have {classes} classes, "
            f"so labels must be from 0 to {classes - 1}.{advice}"
        )


def check_classes(y_pred_shape: Shape, axis: int, where: str, loss: str) -> None:
    """Raise a `ShapeError` unless the predictions have two classes or more."""
    if len(y_pred_shape) < 2 or y_pred_shape[axis] == 1:
        raise ShapeError(
            f"{where}: predictions of shape {y_pred_shape} have one class; {loss} needs two or more. For yes or "
            "no in one number, use BinaryCrossentropy."
        )
