"""The fully connected layer."""

from __future__ import annotations

from typing import Any

from .. import activations, constraints, initializers, regularizers
from ..errors import ShapeError
from .common import Shape, SingleInput, as_float, whole_number
from .layer import registry


@registry.register()
class Dense(SingleInput):
    """`activation(inputs @ kernel + bias)`: (batch, ..., features) -> (batch, ..., units).

    units: size of the new last axis. activation: a name, a function, or None for none. The weights are `kernel`
    (features, units) and, with use_bias, `bias` (units,). Raises ShapeError if the last axis is missing, open, or of
    another size than at first. `input_dim=4` stands for `input_shape=(4,)`, as in Keras 2. Keras counterpart:
    keras.layers.Dense.

    >>> import minigrad as mg
    >>> layer = Dense(3, activation="relu")
    >>> layer(mg.Input((4,))).shape, layer.count_params()
    ((None, 3), 15)
    """

    supports_masking = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        input_dim: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.input_dim = input_dim
        if input_dim is not None:
            kwargs["input_shape"] = (whole_number(self, "input_dim", input_dim),)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = whole_number(self, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        features = last_axis(input_shape)
        self.kernel = self.add_weight(
            (features, self.units),
            self.kernel_initializer,
            name="kernel",
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                name="bias",
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs: Any) -> Any:
        features = self.kernel.shape[0]
        if last_axis(inputs.shape) != features:
            raise ShapeError(
                f"expected a last axis of size {features}, for which the kernel {self.kernel.shape} "
                f"was made, got {inputs.shape[-1]}"
            )
        out = as_float(inputs, self.dtype) @ self.kernel
        if self.use_bias:
            out = out + self.bias
        return self.activation(out)


def last_axis(shape: Shape) -> int:
    """The number of features, the size of the last axis."""
    if len(shape) < 2:
        raise ShapeError(
            f"expected at least 2 axes (batch, ..., features), got {len(shape)}: {shape}. There is no "
            "axis of features to multiply with the kernel; give the Input one, as in Input((4,))"
        )
    features = shape[-1]
    if features is None:
        raise ShapeError(f"the last axis of {shape} is open, but the kernel needs its size")
    return features
