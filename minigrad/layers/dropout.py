"""Dropout."""

from __future__ import annotations

from typing import Any

from ..ops.random import dropout_mask
from ..random import Stream
from .common import SingleInput, as_float
from .layer import registry


@registry.register()
class Dropout(SingleInput):
    """In training, drops a random share `rate` of the inputs, and scales the rest by 1 / (1 - rate).

    Dropped is set to 0; outside training nothing happens.

    noise_shape: shape of the mask: 1 for an axis along which one draw serves all, None for an axis's own
    size. seed: of the layer's own stream of random numbers; None derives it from the global seed. (Srivastava
    et al., 2014.) Keras counterpart: keras.layers.Dropout.

    >>> import numpy as np
    >>> Dropout(0.5, seed=1)(np.ones((1, 4)), training=True).numpy()
    array([[0., 2., 2., 2.]], dtype=float32)
    """

    supports_masking = True

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(rate, bool) or not 0 <= rate <= 1:
            raise ValueError(f"Dropout: rate={rate!r}; expected a number from 0 to 1, the share to drop")
        self.rate = float(rate)
        self.noise_shape = None if noise_shape is None else list(noise_shape)
        self.seed = seed
        self.stream = Stream(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        inputs = as_float(inputs, self.dtype)
        noise_shape = None if self.noise_shape is None else tuple(self.noise_shape)
        return inputs * dropout_mask(inputs, rate=self.rate, stream=self.stream, noise_shape=noise_shape)
