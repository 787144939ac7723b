"""Pooling over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from .common import SingleInput, as_float, one_of, want_ndim
from .layer import registry
from .reshaping import FORMATS


class GlobalPooling1D(SingleInput):
    """What the two share: the axis of time."""

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = one_of(self, "data_format", data_format or "channels_last", FORMATS)
        self.keepdims = bool(keepdims)

    def time_axis(self, inputs: Any) -> int:
        """Where time is in `inputs`, which must have three axes."""
        first = self.data_format == "channels_first"
        want_ndim(inputs, 3, "(batch, features, time)" if first else "(batch, time, features)")
        return 2 if first else 1


@registry.register()
class GlobalAveragePooling1D(GlobalPooling1D):
    """The mean over time: (batch, time, features) -> (batch, features).

    data_format: "channels_first" for (batch, features, time). keepdims: keep the axis of time, with size 1.
    Keras counterpart: keras.layers.GlobalAveragePooling1D.

    >>> GlobalAveragePooling1D()(np.array([[[1.0], [3.0]]])).numpy()
    array([[2.]], dtype=float32)
    """

    def call(self, inputs: Any) -> Any:
        return np.mean(as_float(inputs, self.dtype), axis=self.time_axis(inputs), keepdims=self.keepdims)


@registry.register()
class GlobalMaxPooling1D(GlobalPooling1D):
    """The maximum over time: (batch, time, features) -> (batch, features).

    Arguments as of GlobalAveragePooling1D. Keras counterpart: keras.layers.GlobalMaxPooling1D.

    >>> GlobalMaxPooling1D(keepdims=True)(np.array([[[1.0], [3.0]]])).numpy()
    array([[[3.]]], dtype=float32)
    """

    def call(self, inputs: Any) -> Any:
        return np.max(inputs, axis=self.time_axis(inputs), keepdims=self.keepdims)
