"""The merging layers as functions: `add([x, y])` for `Add()([x, y])`."""

from __future__ import annotations

from typing import Any

from . import merging


def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of a list of tensors: `Add(**kwargs)(inputs)`."""
    return merging.Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The first of two tensors less the second: `Subtract(**kwargs)(inputs)`."""
    return merging.Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of a list of tensors, element by element: `Multiply(**kwargs)(inputs)`."""
    return merging.Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of a list of tensors: `Average(**kwargs)(inputs)`."""
    return merging.Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The larger of each element of a list of tensors: `Maximum(**kwargs)(inputs)`."""
    return merging.Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The smaller of each element of a list of tensors: `Minimum(**kwargs)(inputs)`."""
    return merging.Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """A list of tensors, one behind the other: `Concatenate(axis, **kwargs)(inputs)`."""
    return merging.Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any, normalize: bool = False, **kwargs: Any) -> Any:
    """The dot product of two tensors for each row of the batch: `Dot(axes, normalize, **kwargs)(inputs)`."""
    return merging.Dot(axes, normalize, **kwargs)(inputs)
