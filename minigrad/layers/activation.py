"""Activation functions as layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import activations, constraints, initializers, regularizers
from ..core.spec import normal_axis
from ..errors import ShapeError
from .common import Shape, SingleInput, as_float
from .layer import registry


@registry.register()
class Activation(SingleInput):
    """Applies an activation function, given by name or as a function. Keras counterpart:
    keras.layers.Activation.

    >>> Activation("relu")(np.array([-1.0, 2.0])).numpy()
    array([0., 2.], dtype=float32)
    """

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)


@registry.register()
class ReLU(SingleInput):
    """`max(x, 0)`, or with other arguments Keras's general form.

    `x` from threshold on, but at most max_value; below it `negative_slope * (x - threshold)`. Keras
    counterpart: keras.layers.ReLU.

    >>> ReLU(max_value=6)(np.array([-1.0, 3.0, 9.0])).numpy()
    array([0., 3., 6.], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else not_negative(self, "max_value", max_value)
        self.negative_slope = not_negative(self, "negative_slope", negative_slope)
        self.threshold = not_negative(self, "threshold", threshold)

    def call(self, inputs: Any) -> Any:
        return activations.relu(
            inputs, negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold
        )


@registry.register()
class LeakyReLU(SingleInput):
    """`x` above zero, `negative_slope * x` below. Keras counterpart: keras.layers.LeakyReLU.

    >>> LeakyReLU()(np.array([-1.0, 2.0])).numpy()
    array([-0.3,  2. ], dtype=float32)
    """

    supports_masking = True

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = not_negative(self, "negative_slope", negative_slope)

    def call(self, inputs: Any) -> Any:
        return activations.leaky_relu(as_float(inputs, self.dtype), negative_slope=self.negative_slope)


@registry.register()
class ELU(SingleInput):
    """`x` above zero, `alpha * (exp(x) - 1)` below (Clevert et al., 2016). Keras counterpart:
    keras.layers.ELU.
    """

    supports_masking = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = float(alpha)

    def call(self, inputs: Any) -> Any:
        return activations.elu(as_float(inputs, self.dtype), alpha=self.alpha)


@registry.register()
class PReLU(SingleInput):
    """`x` above zero, `alpha * x` below, with a weight `alpha` for each element of a row (He et al., 2015).

    shared_axes: axes, counted from 1 (0 is the batch), along which one alpha serves all. Keras counterpart:
    keras.layers.PReLU.

    >>> layer = PReLU(alpha_initializer="ones", shared_axes=[1])
    >>> layer(np.full((1, 5, 2), -3.0)).shape, layer.alpha.shape
    ((1, 5, 2), (1, 2))
    """

    supports_masking = True

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        if isinstance(shared_axes, int):
            shared_axes = [shared_axes]
        self.shared_axes = None if shared_axes is None else list(shared_axes)

    def build(self, input_shape: Shape) -> None:
        shape = list(input_shape)
        for axis in self.shared_axes or ():
            if normal_axis(axis, len(shape), "shared_axes") == 0:
                raise ShapeError("shared_axes counts from 1; axis 0 is the batch, along which alpha is shared anyway")
            shape[axis] = 1
        self.alpha = self.add_weight(
            tuple(shape[1:]),
            self.alpha_initializer,
            name="alpha",
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )

    def call(self, inputs: Any) -> Any:
        inputs = as_float(inputs, self.dtype)
        return np.maximum(inputs, 0) + self.alpha * np.minimum(inputs, 0)


@registry.register()
class Softmax(SingleInput):
    """`exp(x) / sum(exp(x))` along an axis, or several. Keras counterpart: keras.layers.Softmax.

    >>> Softmax()(np.zeros((1, 4))).numpy()
    array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
    """

    def __init__(self, axis: int | list[int] | tuple[int, ...] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.supports_masking = self.axis in (-1, [-1])  # over time, padding would have its share

    def call(self, inputs: Any) -> Any:
        axis: Any = self.axis if isinstance(self.axis, int) else tuple(self.axis)
        return activations.softmax(as_float(inputs, self.dtype), axis=axis)


def not_negative(owner: SingleInput, argument: str, value: float) -> float:
    if not value >= 0:
        raise ValueError(f"{type(owner).__name__}: {argument}={value!r}; expected a number from 0")
    return float(value)
