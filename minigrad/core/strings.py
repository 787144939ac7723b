"""Arrays of strings, as inputs may be: NumPy's own (`<U5`), or arrays of objects that are all `str`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DTypeError, ShapeError

STRING = np.dtype(str)  # the dtype of a Symbol of strings, however long they are


def is_string(dtype: Any) -> bool:
    """Whether a dtype is that of strings."""
    return getattr(dtype, "kind", None) == "U"


def strings_in(values: Any) -> np.ndarray | None:
    """The array of strings that the values make; None if they begin with something else.

    Lists and pandas' columns become arrays of objects: NumPy's own dtype would give each string the room of the
    longest. Bytes are read as UTF-8. DTypeError, with the place, for a member that is no string (a missing one, say).

    >>> strings_in(["jan", "february"])
    array(['jan', 'february'], dtype=object)
    >>> strings_in([1, 2])
    """
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    array = values if isinstance(values, np.ndarray) else None
    if array is None:
        first = values
        while isinstance(first, (list, tuple)) and first:
            first = first[0]
        if not isinstance(first, (str, bytes)):
            return None
        try:
            array = np.array(values, dtype=object)
        except ValueError as error:
            raise ShapeError(f"the strings do not make one array: {error}") from None
    if array.dtype.kind == "U":
        return array
    if array.dtype.kind in "ST":
        return np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array.astype(object)
    if array.dtype.kind != "O" or not array.size or not isinstance(array.flat[0], (str, bytes)):
        return None
    flat = array.ravel().tolist()
    if set(map(type, flat)) == {str}:
        return array
    plain = [x.decode() if isinstance(x, bytes) else x for x in flat]
    for i, x in enumerate(plain):
        if not isinstance(x, str):
            at = [int(k) for k in np.unravel_index(i, array.shape)]
            raise DTypeError(f"{x!r} at {at} is a {type(x).__name__} among strings; expected strings only")
    out = np.empty(len(plain), object)
    out[:] = [str(x) for x in plain]
    return out.reshape(array.shape)
