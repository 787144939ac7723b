"""What weights must never be: Keras's constraints, applied to a weight after each update.

A constraint is called with the values of a weight and returns those that are allowed. Any function of that
kind may stand for one.

>>> NonNeg()(np.array([-1.0, 2.0]))
array([0., 2.])
>>> get("max_norm").get_config()
{'max_value': 2.0, 'axis': 0}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import index
from typing import Any, TypeVar

import numpy as np

from . import config
from .registry import Registry, construct

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

Self = TypeVar("Self", bound="Constraint")


class Constraint:
    """The contract: `__call__(w)` returns allowed values of the same shape; `get_config` the arguments."""

    def __call__(self, w: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} needs a __call__(w) that returns allowed values.")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, as JSON can hold them."""
        return {}

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        """Return a constraint with the arguments in `config`; an unknown one is an error."""
        return construct(cls, config)


_registry: Registry[Constraint] = Registry("constraint", Constraint, callables=True)


@_registry.register()
class NonNeg(Constraint):
    """Negative weights become 0."""

    def __call__(self, w: Any) -> Any:
        return np.maximum(w, 0)


@_registry.register()
class MinMaxNorm(Constraint):
    """The norm along `axis` is brought between `min_value` and `max_value`.

    Args:
        min_value: the least norm.
        max_value: the greatest.
        rate: how much of the way is gone at each update: 1 for all of it.
        axis: an axis or several. Along 0, the weights into each unit of a `Dense` kernel; along 1, each
            row of an embedding.
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: int | Sequence[int] = 0,
    ) -> None:
        self.min_value, self.max_value, self.rate = float(min_value), float(max_value), float(rate)
        self.axis = _axes(axis)
        if not 0 <= self.min_value <= self.max_value:
            raise ValueError(f"MinMaxNorm needs 0 <= min_value <= max_value, got {min_value}, {max_value}.")

    def __call__(self, w: Any) -> Any:
        norm = _norm(w, self.axis)
        allowed = self.rate * np.clip(norm, self.min_value, self.max_value) + (1 - self.rate) * norm
        return w * (allowed / (config.epsilon() + norm))

    def get_config(self) -> dict[str, Any]:
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


@_registry.register()
class MaxNorm(Constraint):
    """The norm along `axis` is at most `max_value` (Srivastava et al., 2014)."""

    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0) -> None:
        self.max_value, self.axis = float(max_value), _axes(axis)
        if not self.max_value >= 0:
            raise ValueError(f"MaxNorm needs a max_value of zero or above, got {max_value}.")

    def __call__(self, w: Any) -> Any:
        norm = _norm(w, self.axis)
        return w * (np.clip(norm, 0, self.max_value) / (config.epsilon() + norm))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


@_registry.register()
class UnitNorm(Constraint):
    """The norm along `axis` is 1."""

    def __init__(self, axis: int | Sequence[int] = 0) -> None:
        self.axis = _axes(axis)

    def __call__(self, w: Any) -> Any:
        return w / (config.epsilon() + _norm(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


def get(identifier: Any) -> Any:
    """Return the constraint that a name, config, class, instance or callable stands for; None stays None."""
    return None if identifier is None else _registry.get(identifier)


def serialize(constraint: Any) -> Any:
    """Return `{'class_name': ..., 'config': {...}}` of a constraint, or the name of a function."""
    return _registry.serialize(constraint)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the constraint that `serialize` described; `custom_objects` adds the caller's own names."""
    return _registry.deserialize(config, custom_objects)


# Keras's second spelling of the classes, as in `constraints.max_norm(3)`.
max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm


def _norm(w: Any, axis: int | list[int]) -> Any:
    axes = axis if isinstance(axis, int) else tuple(axis)
    return np.sqrt(np.sum(np.square(w), axis=axes, keepdims=True))


def _axes(axis: int | Sequence[int]) -> int | list[int]:
    return [index(a) for a in axis] if isinstance(axis, Sequence) else index(axis)
