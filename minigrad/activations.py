"""What bends a layer's output: Keras's activation functions, on arrays, Tensors and Symbols.

Each is NumPy text or a row of the op table, so it is differentiated, drawn and compiled like everything else.

>>> relu(np.array([-1.0, 2.0]))
array([0., 2.])
>>> get("swish") is silu
True
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .ops import neural
from .ops.neural import (
    elu,
    gelu,
    hard_sigmoid,
    leaky_relu,
    log_softmax,
    mish,
    selu,
    softmax,
    softsign,
)
from .registry import Registry

__all__ = [
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]

_registry: Registry[Any] = Registry("activation")


@_registry.register()
def linear(x: Any) -> Any:
    """`x`, unchanged."""
    return x


@_registry.register()
def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """`maximum(x, 0)`, or with other arguments Keras's general form.

    That is `x` from `threshold` on, but at most `max_value`; below the threshold,
    `negative_slope * (x - threshold)`.
    """
    if negative_slope == 0.0 and threshold == 0.0:
        y = neural.relu(x)
    else:
        y = np.where(x >= threshold, x, negative_slope * (x - threshold))
    return y if max_value is None else np.minimum(y, max_value)


@_registry.register()
def relu6(x: Any) -> Any:
    """`x` between 0 and 6: `minimum(maximum(x, 0), 6)`."""
    return relu(x, max_value=6.0)


@_registry.register("silu", "swish")
def silu(x: Any) -> Any:
    """`x * sigmoid(x)`, also called swish (Ramachandran et al., 2017)."""
    return neural.silu(x)


@_registry.register()
def sigmoid(x: Any) -> Any:
    """`1 / (1 + exp(-x))`."""
    return neural.sigmoid(x)


@_registry.register()
def softplus(x: Any) -> Any:
    """`log(1 + exp(x))`."""
    return neural.softplus(x)


@_registry.register()
def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return np.tanh(x)


@_registry.register()
def exponential(x: Any) -> Any:
    """`exp(x)`."""
    return np.exp(x)


for _function in (elu, gelu, hard_sigmoid, leaky_relu, log_softmax, mish, selu, softmax, softsign):
    _registry.register()(_function)

swish = silu


def get(identifier: Any) -> Any:
    """Return the function that a name, config or callable stands for; None is `linear`."""
    return linear if identifier is None else _registry.get(identifier)


def serialize(activation: Any) -> Any:
    """Return the name of an activation function, or class name and config of an object that has one."""
    return _registry.serialize(activation)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the activation that `serialize` described; `custom_objects` adds the caller's own names."""
    return _registry.deserialize(config, custom_objects)
