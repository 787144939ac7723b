"""What a layer may be called on besides Tensors, Symbols and arrays: numbers, lists of numbers, tables of pandas."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.strings import strings_in
from ..core.symbol import Symbol
from ..core.tensor import Tensor
from ..core.tree import leaves
from ..errors import DTypeError, ShapeError


def as_values(inputs: Any, strings: bool = False) -> Any:
    """The first argument of a call, with one array for each list of numbers, table or number in it.

    Tensors, Symbols and arrays of numbers stay as they are, and so do the lists, tuples and dicts that hold some.
    strings: whether strings are welcome as well.

    >>> as_values({"a": [[1, 2], [3, 4]]})["a"].shape
    (2, 2)
    """
    if isinstance(inputs, (Tensor, Symbol)) or (isinstance(inputs, np.ndarray) and inputs.dtype.kind in "biufc"):
        return inputs
    if isinstance(inputs, dict):
        return {key: as_values(value, strings) for key, value in inputs.items()}
    if isinstance(inputs, (list, tuple)) and (
        not inputs or any(x is None or hasattr(x, "shape") for x in leaves(inputs))
    ):
        parts: list[Any] = [None if x is None else as_values(x, strings) for x in inputs]
        return type(inputs)(*parts) if hasattr(inputs, "_fields") else type(inputs)(parts)
    found = strings_in(inputs) if strings else None
    return as_array(inputs) if found is None or not found.ndim else found


def as_array(values: Any) -> np.ndarray:
    """What NumPy makes of the values; DTypeError if that is no array of numbers, ShapeError if the rows differ."""
    kind = type(values).__name__
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ShapeError(f"the {kind} does not make one array: {error}") from None
    if array.dtype.kind not in "biufc":
        what = repr(values) if values is None or isinstance(values, str) else f"a {kind} of dtype {array.dtype}"
        raise DTypeError(f"got {what}, expected a tensor, an array of numbers, or numbers in lists")
    return array
