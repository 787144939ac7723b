"""Pooling over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from .common import SingleInput, as_float, one_of, want_ndim
from .layer import registry
from .reshaping import FORMATS


class GlobalPooling1D(SingleInput):
    """What the two share: the axis of time, and which time steps count."""

    supports_masking = True

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = one_of(self, "data_format", data_format or "channels_last", FORMATS)
        self.keepdims = bool(keepdims)

    def time_axis(self, inputs: Any) -> int:
        """Where time is in `inputs`, which must have three axes."""
        first = self.data_format == "channels_first"
        want_ndim(inputs, 3, "(batch, features, time)" if first else "(batch, time, features)")
        return 2 if first else 1

    def kept(self, mask: Any, inputs: Any) -> Any:
        """The mask (batch, time) with an axis for the features, which it is the same for."""
        axis = self.time_axis(inputs)
        steps = (inputs.shape[0], inputs.shape[axis])
        if len(mask.shape) != 2 or any(n != m for n, m in zip(mask.shape, steps) if None not in (n, m)):
            raise ShapeError(f"the mask has the shape {mask.shape}, expected (batch, time) = {steps}")
        return np.expand_dims(mask, 3 - axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None  # there is no time any more


@registry.register()
class GlobalAveragePooling1D(GlobalPooling1D):
    """The mean over time: (batch, time, features) -> (batch, features).

    data_format: "channels_first" for (batch, features, time). keepdims: keep the axis of time, with size 1.
    With a mask it is the mean over the steps that count, and 0 where none does.
    Keras counterpart: keras.layers.GlobalAveragePooling1D.

    >>> GlobalAveragePooling1D()(np.array([[[1.0], [3.0]]])).numpy()
    array([[2.]], dtype=float32)
    """

    def call(self, inputs: Any, mask: Any = None) -> Any:
        axis, inputs = self.time_axis(inputs), as_float(inputs, self.dtype)
        if mask is None:
            return np.mean(inputs, axis=axis, keepdims=self.keepdims)
        kept = self.kept(mask, inputs).astype(inputs.dtype)
        steps = np.maximum(np.sum(kept, axis=axis, keepdims=self.keepdims), 1)
        return np.sum(inputs * kept, axis=axis, keepdims=self.keepdims) / steps


@registry.register()
class GlobalMaxPooling1D(GlobalPooling1D):
    """The maximum over time: (batch, time, features) -> (batch, features).

    Arguments and masks as of GlobalAveragePooling1D. Keras counterpart: keras.layers.GlobalMaxPooling1D.

    >>> GlobalMaxPooling1D(keepdims=True)(np.array([[[1.0], [3.0]]])).numpy()
    array([[[3.]]], dtype=float32)
    """

    def call(self, inputs: Any, mask: Any = None) -> Any:
        axis = self.time_axis(inputs)
        if mask is None:
            return np.max(inputs, axis=axis, keepdims=self.keepdims)
        kept = self.kept(mask, inputs)
        lowest = -np.inf if inputs.dtype.kind == "f" else np.iinfo(inputs.dtype).min
        largest = np.max(np.where(kept, inputs, lowest), axis=axis, keepdims=self.keepdims)
        return np.where(np.any(kept, axis=axis, keepdims=self.keepdims), largest, 0)
