"""What several families of layers check or convert in the same way."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError, unknown
from .layer import Layer

Shape = tuple[int | None, ...]


class SingleInput(Layer):
    """Base of the layers that are called on one tensor, not on a list or dict of them."""

    def _run(self, args: tuple, kwargs: dict[str, Any], training: bool) -> Any:
        if args and isinstance(args[0], (list, tuple, dict)):
            raise ShapeError(
                f"expected one tensor, got a {type(args[0]).__name__} of {len(args[0])}; merge them first, as in "
                "Concatenate()([x, y])"
            )
        return super()._run(args, kwargs, training)


def whole_number(owner: Any, argument: str, value: Any, minimum: int = 1) -> int:
    """A constructor's argument that must be a whole number from `minimum` on."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < minimum:
        expected = "a positive whole number" if minimum == 1 else f"a whole number from {minimum}"
        raise ValueError(f"{type(owner).__name__}: {argument}={value!r}; expected {expected}")
    return int(value)


def one_of(owner: Any, argument: str, value: Any, known: tuple[str, ...]) -> str:
    """A constructor's argument that must be one of a few words."""
    if value not in known:
        raise unknown(f"{argument} of {type(owner).__name__}", value, known)
    return str(value)


def want_ndim(x: Any, ndim: int, axes: str) -> None:
    """ShapeError unless `x` has that many axes; `axes` says which."""
    if len(x.shape) != ndim:
        raise ShapeError(f"expected {ndim} axes {axes}, got {len(x.shape)}: {x.shape}")


def as_float(x: Any, dtype: np.dtype) -> Any:
    """Integers and booleans as floats of the layer's dtype; floats as they are."""
    return x if x.dtype.kind in "fc" else x.astype(dtype)
