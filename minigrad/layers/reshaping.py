"""Layers that move elements within each row of the batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ops.batch import reshape_rows
from .common import SingleInput, one_of, want_ndim, whole_number
from .layer import registry


@registry.register()
class Flatten(SingleInput):
    """(batch, ...) -> (batch, the product of the rest). Keras counterpart: keras.layers.Flatten.

    data_format: "channels_first" puts axis 1 last before it flattens.

    >>> import minigrad as mg
    >>> Flatten()(mg.Input((4, 3))).shape
    (None, 12)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = one_of(self, "data_format", data_format or "channels_last", FORMATS)

    def call(self, inputs: Any) -> Any:
        if not inputs.shape:
            raise ShapeError("expected at least the batch axis, got a value without axes")
        if self.data_format == "channels_first" and len(inputs.shape) > 2:
            inputs = np.transpose(inputs, (0, *range(2, len(inputs.shape)), 1))
        return reshape_rows(inputs, shape=(-1,))


@registry.register()
class Reshape(SingleInput):
    """Gives each row of the batch another shape.

    target_shape: without the batch axis; one size may be -1: whatever is left. Keras counterpart:
    keras.layers.Reshape.

    >>> import minigrad as mg
    >>> Reshape((-1, 3))(mg.Input((12,))).shape
    (None, 4, 3)
    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        sizes = [target_shape] if isinstance(target_shape, (int, np.integer)) else target_shape
        self.target_shape = tuple(n if n == -1 else whole_number(self, "target_shape", n, 0) for n in sizes)
        if self.target_shape.count(-1) > 1:
            raise ValueError(
                f"Reshape: target_shape={self.target_shape} has more than one -1; only one size can be worked out"
            )

    def call(self, inputs: Any) -> Any:
        return reshape_rows(inputs, shape=self.target_shape)


@registry.register()
class Permute(SingleInput):
    """Reorders the axes after the batch.

    dims: axis i of the output is axis dims[i - 1] of the input, both counted from 1 (0 is the batch). Keras
    counterpart: keras.layers.Permute.

    >>> import minigrad as mg
    >>> Permute((2, 1))(mg.Input((4, 3))).shape
    (None, 3, 4)
    """

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"Permute: dims={self.dims}; expected each of 1 to {len(self.dims)} once (the batch, axis 0, stays)"
            )

    def call(self, inputs: Any) -> Any:
        want_ndim(inputs, len(self.dims) + 1, f"(the batch, and those that dims={self.dims} names)")
        return np.transpose(inputs, (0, *self.dims))


@registry.register()
class RepeatVector(SingleInput):
    """(batch, features) -> (batch, n, features). Keras counterpart: keras.layers.RepeatVector.

    >>> import minigrad as mg
    >>> RepeatVector(5)(mg.Input((3,))).shape
    (None, 5, 3)
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = whole_number(self, "n", n)

    def call(self, inputs: Any) -> Any:
        want_ndim(inputs, 2, "(batch, features)")
        return np.repeat(inputs[:, None, :], self.n, axis=1)


FORMATS = ("channels_last", "channels_first")
