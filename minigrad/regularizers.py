"""What large weights cost: Keras's penalties, to be added to the loss.

A regularizer is called with a weight and returns a number to add. It is NumPy text, so on a Tensor the
penalty is differentiated, and on a Symbol drawn. Any function of that kind may stand for one.

>>> float(L2(0.5)(np.array([1.0, 2.0])))
2.5
>>> get("l1").get_config()
{'l1': 0.01}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from .registry import Registry, construct

__all__ = ["L1", "L1L2", "L2", "Regularizer", "deserialize", "get", "l1", "l1_l2", "l2", "serialize"]

Self = TypeVar("Self", bound="Regularizer")


class Regularizer:
    """The contract: `__call__(x)` returns a scalar in NumPy text; `get_config` the arguments."""

    def __call__(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} needs a __call__(x) that returns a penalty.")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, as JSON can hold them."""
        return {}

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        """Return a regularizer with the arguments in `config`; an unknown one is an error."""
        return construct(cls, config)


_registry: Registry[Regularizer] = Registry("regularizer", Regularizer, callables=True)


@_registry.register()
class L1(Regularizer):
    """`l1 * sum(abs(x))`: many weights become zero. Keras counterpart: keras.regularizers.L1.

    >>> float(L1(0.1)(np.array([1.0, -2.0])))
    0.30000000000000004
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _factor("l1", l1)

    def __call__(self, x: Any) -> Any:
        return self.l1 * np.sum(np.absolute(x))

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


@_registry.register()
class L2(Regularizer):
    """`l2 * sum(square(x))`: all weights become small. Keras counterpart: keras.regularizers.L2.

    >>> float(L2(0.5)(np.array([1.0, -2.0])))
    2.5
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _factor("l2", l2)

    def __call__(self, x: Any) -> Any:
        return self.l2 * np.sum(np.square(x))

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


@_registry.register("l1_l2")
class L1L2(Regularizer):
    """Both penalties. As in Keras, both factors are 0 unless given."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = _factor("l1", l1), _factor("l2", l2)

    def __call__(self, x: Any) -> Any:
        return self.l1 * np.sum(np.absolute(x)) + self.l2 * np.sum(np.square(x))

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


def get(identifier: Any) -> Any:
    """Return the regularizer that a name, config, class, instance or callable stands for; None stays None."""
    return None if identifier is None else _registry.get(identifier)


def serialize(regularizer: Any) -> Any:
    """Return `{'class_name': ..., 'config': {...}}` of a regularizer, or the name of a function."""
    return _registry.serialize(regularizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the regularizer that `serialize` described; `custom_objects` adds the caller's own names."""
    return _registry.deserialize(config, custom_objects)


# Keras's second spelling of the classes, as in `regularizers.l2(1e-4)`.
l1, l2, l1_l2 = L1, L2, L1L2


def _factor(name: str, value: Any) -> float:
    number = float(value)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"The factor {name} must be a finite number, zero or above, got {value!r}.")
    return number
