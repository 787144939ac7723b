"""What turns gradients into new weights: Keras's optimizers, with its names, defaults and formulas.

>>> from minigrad.optimizers import Adam, get
>>> get("adam").get_config() == Adam(learning_rate=0.001).get_config()
True
>>> get("adma")
Traceback (most recent call last):
minigrad.errors.UnknownName: Unknown optimizer 'adma'. Did you mean 'adam'? Known: adadelta, ...
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import schedules
from .adagrad import Adadelta, Adagrad
from .adam import Adam, Adamax, AdamW, LazyAdam, Nadam
from .lion import Lion
from .optimizer import Optimizer, registry
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "LazyAdam",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]


def get(identifier: Any) -> Optimizer:
    """Return the optimizer that a name, config, class or instance stands for."""
    return registry.get(identifier)


def serialize(optimizer: Optimizer) -> Any:
    """Return `{'class_name': ..., 'config': {...}}` of an optimizer; without its state."""
    return registry.serialize(optimizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
    """Return the optimizer that `serialize` described; `custom_objects` adds the caller's own names."""
    return registry.deserialize(config, custom_objects)
