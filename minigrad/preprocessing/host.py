"""Layers that need values, of words perhaps: they run on arrays, before a model's program, and may learn from data."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from ..core.mode import MODE
from ..core.node import Node
from ..core.strings import is_string, strings_in
from ..core.symbol import Symbol
from ..core.tensor import Tensor, wrap
from ..core.tree import leaves
from ..errors import DTypeError, MinigradError, ShapeError, TracingError
from ..layers.blame import blame
from ..layers.layer import Layer

Shape = tuple[int | None, ...]


class Adapts:
    """What a layer that learns from data has: `adapt`, which calls the three methods that the layer writes."""

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn from the data, and from nothing before it.

        data: an array, a list, a table of pandas; or an iterable of batches of such, of which `steps` are read.
        """
        self.reset_state()
        for batch in batches(self, data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Take one batch into account."""
        raise NotImplementedError

    def finalize_state(self) -> None:
        """Make of all batches what calls need."""
        raise NotImplementedError

    def reset_state(self) -> None:
        """Forget the batches, and what was learned from them."""
        raise NotImplementedError


def batches(layer: Any, data: Any, steps: int | None) -> Iterator[Any]:
    """The batches of the data: one, if it is an array or what makes one."""
    whole = isinstance(data, (str, bytes, list, tuple, Tensor)) or np.isscalar(data) or hasattr(data, "__array__")
    if whole or hasattr(data, "to_numpy"):
        if steps is not None:
            raise ValueError(f"{layer.name}.adapt: steps={steps} is for an iterable of batches; an array is one")
        yield data
        return
    if not hasattr(data, "__iter__"):
        raise TypeError(f"{layer.name}.adapt: expected an array or an iterable of batches, got {data!r}")
    count = 0
    for count, batch in enumerate(islice(data, steps), 1):  # noqa: B007 (read below)
        yield batch
    if not count:
        raise ValueError(f"{layer.name}.adapt: the data has no batches")


class HostLayer(Layer):
    """Base of layers that look at values. A subclass writes `accepted`, `call` and `output_spec`.

    Called on values, it computes at once: numbers come out as a Tensor, strings as an array. Called on Symbols, it
    makes a node of the graph; a functional model runs such nodes as plain NumPy, and its program begins with what
    they made. There is no gradient.
    """

    on_host = True
    takes_strings = True
    input_dtype: Any = None  # of an Input for it, where it takes either strings or numbers, and not both

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = True

    def accepted(self, values: Any) -> np.ndarray:
        """The values as the array that `call` takes; DTypeError if they are of another kind."""
        raise NotImplementedError

    def output_spec(self, shape: Shape) -> tuple[Shape, Any]:
        """The shape, with None for open axes, and the dtype of the result for an input of that shape."""
        raise NotImplementedError

    def __call__(self, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        try:
            if any(isinstance(x, Symbol) for x in leaves((args, kwargs))):
                return self._draw(args, kwargs)
            inputs, *more = args
            result = self.call(self._accepted(inputs), *more, **kwargs)
        except MinigradError as error:
            blame(error, self, args)
            raise
        return result if result.dtype.kind in "UO" else wrap(result)

    def _accepted(self, inputs: Any) -> np.ndarray:
        return self.accepted(inputs.numpy() if isinstance(inputs, Tensor) else inputs)

    def _draw(self, args: tuple, kwargs: dict[str, Any]) -> Symbol:
        """The symbol of this call in a graph."""
        mode = MODE.get()
        if mode.tracing is not None:
            raise TracingError(
                f"{self.name} needs values and runs before a program. Here it is called within a model's own call, or "
                "on what layers with weights made; put it next to the Inputs of a functional model"
            )
        symbol = Symbol.of(*self.output_spec(self.shape_of(args[0])))
        inputs = tuple(x for x in leaves((args, kwargs)) if isinstance(x, Symbol))
        node = Node(self, inputs, {"args": args, "kwargs": kwargs}, symbol.specs, (), mode.scope)
        self._calls.add(node)
        return Symbol(symbol.specs, node)

    def shape_of(self, x: Any) -> Shape:
        """The shape of the symbol that the layer is called on; DTypeError if it is of another kind than it takes."""
        if not isinstance(x, Symbol):
            raise ShapeError(f"expected one symbol, got a {type(x).__name__}; call the layer on each")
        if self.input_dtype and is_string(x.dtype) != (self.input_dtype == "string"):
            wanted = "strings" if self.input_dtype == "string" else "numbers"
            raise DTypeError(
                f"expected {wanted}, got a symbol of dtype {x.dtype.name}"
                + ("; make it Input(..., dtype='string')" if wanted == "strings" else "")
            )
        return x.shape

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.output_spec(tuple(input_shape))[0]

    @property
    def output(self) -> Any:
        node = self._only_call("output")
        return Symbol(node.out, node)


def as_strings(values: Any) -> np.ndarray:
    """The values as an array of strings; DTypeError if they are none."""
    array = strings_in(values)
    if array is None:
        kind = getattr(values, "dtype", type(values).__name__)
        raise DTypeError(f"expected strings, got {kind}; numbers become strings with .astype(str)")
    return array


def as_numbers(values: Any) -> np.ndarray:
    """The values as an array of numbers; DTypeError if they are none."""
    array = np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"expected numbers, got dtype {array.dtype}")
    return array


def as_integers(values: Any) -> np.ndarray:
    """The values as an array of int64; DTypeError, with the place, for one that is no whole number."""
    array = as_numbers(values)
    with np.errstate(invalid="ignore"):  # NaN as an integer is no NaN, which comparing finds
        whole = array.astype(np.int64)
    if array.dtype.kind not in "bi" and not np.array_equal(whole, array):
        at = tuple(int(i) for i in np.argwhere(whole != array)[0])
        raise DTypeError(f"{array[at]} at {list(at)} is no whole number that int64 can hold")
    return whole
