"""Ids to vectors of zeros and ones, or of counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.tensor import Tensor
from ..errors import ShapeError
from ..layers.common import one_of, whole_number
from ..layers.layer import registry
from ..ops.ids import check_ids
from .encoding import encode, encoded_shape
from .host import HostLayer, Shape, as_numbers


@registry.register()
class CategoryEncoding(HostLayer):
    """Ids from 0 to num_tokens - 1 as vectors of length num_tokens.

    output_mode: 'one_hot', a vector for each id, (batch, time) -> (batch, time, num_tokens), or (batch, num_tokens) if
    time is 1; 'multi_hot', one for each row, with ones for the ids in it; 'count', with how often each is in it, or
    the sum of its `count_weights`. Raises IdError for an id that is out of range. There is no gradient. Keras
    counterpart: keras.layers.CategoryEncoding.

    >>> CategoryEncoding(num_tokens=4)([[0, 1], [2, 2]]).numpy()
    array([[1., 1., 0., 0.],
           [0., 0., 1., 0.]], dtype=float32)
    """

    input_dtype = "int64"

    def __init__(self, num_tokens: int, output_mode: str = "multi_hot", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_tokens = whole_number(self, "num_tokens", num_tokens)
        self.output_mode = one_of(self, "output_mode", output_mode, ("one_hot", "multi_hot", "count"))

    def accepted(self, values: Any) -> np.ndarray:
        return check_ids(as_numbers(values), limit=self.num_tokens, argument="num_tokens")

    def output_spec(self, shape: Shape) -> tuple[Shape, Any]:
        return encoded_shape(shape, self.num_tokens, self.output_mode), self.dtype

    def call(self, inputs: np.ndarray, count_weights: Any = None) -> np.ndarray:
        if count_weights is None:
            return encode(inputs, self.num_tokens, self.output_mode, self.dtype)
        if self.output_mode != "count":
            raise ValueError(f"{self.name}: count_weights= is for output_mode='count', not {self.output_mode!r}")
        weights = as_numbers(count_weights.numpy() if isinstance(count_weights, Tensor) else count_weights)
        if weights.shape != inputs.shape:
            raise ShapeError(f"count_weights has shape {weights.shape}, the ids {inputs.shape}")
        return encode(inputs, self.num_tokens, "count", self.dtype, weights)
