"""Where a graph begins."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import config
from ..core.node import Node
from ..core.strings import STRING, is_string
from ..core.symbol import Symbol
from .layer import Layer, registry


@registry.register()
class InputLayer(Layer):
    """The layer behind `Input`: it has no weights, and says what shape and dtype a model takes."""

    def __init__(self, batch_shape: tuple[int | None, ...], dtype: Any = None, name: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.batch_shape = tuple(batch_shape)
        self.built = True

    name_stem = "input"

    def _dtype_of(self, dtype: Any) -> np.dtype:
        return STRING if dtype in ("string", str) else super()._dtype_of(dtype)

    def symbol(self) -> Symbol:
        """A new symbol that this layer is the source of."""
        free = Symbol.of(self.batch_shape, self.dtype)
        node = Node(self, (), {"args": (), "kwargs": {}}, free.specs, (), None)
        self._calls.add(node)
        return Symbol(free.specs, node)

    @property
    def output(self) -> Symbol:
        """The symbol itself."""
        node = self._only_call("output")
        return Symbol(node.out, node)

    input = output

    def get_config(self) -> dict[str, Any]:
        dtype = "string" if is_string(self.dtype) else self.dtype.name
        return {"batch_shape": list(self.batch_shape), "dtype": dtype, "name": self.name}


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    name: str | None = None,
    batch_shape: Any = None,
) -> Symbol:
    """A symbol for what a model will be given: `(batch, *shape)`.

    shape: without the batch axis; None for an axis of open size. batch_shape: with it, in place of shape and
    batch_size. dtype: by default `config.floatx()`; "string" for words and texts, which a layer of
    `minigrad.preprocessing` turns into numbers. Keras counterpart: keras.Input.

    >>> Input((1000,))
    Symbol(shape=(None, 1000), dtype=float32, from=input)
    """
    if (shape is None) == (batch_shape is None):
        raise TypeError("Input: give either shape= (without the batch axis) or batch_shape= (with it)")
    if batch_shape is not None and batch_size is not None:
        raise TypeError("Input: batch_shape= has the batch size in it already; leave batch_size= out")
    argument, given = ("shape", shape) if batch_shape is None else ("batch_shape", batch_shape)
    if isinstance(given, (int, np.integer)):
        raise TypeError(f"Input: {argument}={given} is a number, expected a tuple: write {argument}=({given},)")
    sizes = tuple(given)
    for n in sizes:
        if n is not None and (isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0):
            raise TypeError(
                f"Input: {argument}={sizes} has {n!r} in it; each size must be a whole number from 0, or None"
            )
    if batch_shape is None:
        sizes = (batch_size, *sizes)
    sizes = tuple(None if n is None else int(n) for n in sizes)
    return InputLayer(sizes, dtype or config.floatx(), name).symbol()
