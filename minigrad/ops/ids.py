"""Ids: numbers that choose rows of a table, checked before they do."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ..core.op import Op
from ..core.samples import Draw
from ..core.spec import Spec
from ..errors import DTypeError, IdError


def check_ids(x: Any, *, limit: int, argument: str = "input_dim") -> np.ndarray:
    """The ids in `x` as indices, checked: each must be a whole number from 0 to limit - 1.

    x: integers or floats (an `Input` is float32 unless told otherwise). argument: what the user calls the limit.
    Raises IdError: the first bad id, its place, how many are bad, the valid range, and the limit that would do.

    >>> check_ids(np.array([0.0, 12.0]), limit=13)
    array([ 0, 12])
    """
    x = np.asarray(x)
    ids = whole_numbers(x, limit=limit, argument=argument)
    # Seen as unsigned, a negative id is a huge one: one pass finds both.
    if np.maximum.reduce(ids.view(np.uintp), axis=None, initial=0) >= limit:
        complain(x, limit, argument)
    return ids


def whole_numbers(x: Any, *, limit: int, argument: str = "input_dim") -> np.ndarray:
    """The numbers in `x` as integers; IdError for a float that is no whole number, or not for certain the one meant."""
    x = np.asarray(x)
    check_kind(x.dtype)
    if x.dtype.kind != "f":
        return x.astype(np.intp, copy=False)
    with np.errstate(invalid="ignore"):  # NaN and huge numbers become some integer, which comparing finds
        ids = x.astype(np.int32 if limit <= 2**31 else np.int64)  # by way of int32: six times as fast
    exact = (ids.astype(x.dtype) == x).all()
    if not exact or (limit > beyond(x.dtype) and np.maximum.reduce(x, axis=None, initial=0) >= beyond(x.dtype)):
        complain(x, limit, argument)
    return ids.astype(np.intp, copy=False)


def beyond(dtype: np.dtype) -> int:
    """The first whole number that may stand for another one as well in that float dtype."""
    return 2 ** (int(np.finfo(dtype).nmant) + 1)


def complain(x: np.ndarray, limit: int, argument: str) -> NoReturn:
    """Say which id is wrong, and how."""
    floats = x.dtype.kind == "f"
    whole = x == np.floor(x) if floats else np.ones(x.shape, bool)
    bad = ~whole | (x < 0) | (x >= (min(limit, beyond(x.dtype)) if floats else limit))
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    value, count = x[index], int(bad.sum())
    valid = f"ids go from 0 to {limit - 1}"
    if not whole[index]:
        why = f"is not a whole number; {valid}"
    elif value < 0:
        why = f"is negative; {valid}"
    elif value >= limit:
        fit = f"; {argument}={int(x[whole & np.isfinite(x)].max()) + 1} would fit all" if np.isfinite(value) else ""
        why = f"is out of range: {argument} is {limit}, so {valid}{fit}"
    else:
        why = f"is too large for {x.dtype}, which skips numbers from {beyond(x.dtype)} on; use Input(dtype='int32')"
    where = f" at {list(index)}" if index else ""
    others = f" ({count} of {x.size} ids are wrong)" if count > 1 else ""
    shown = int(value) if whole[index] and np.isfinite(value) else value
    raise IdError(f"id {shown}{where} {why}{others}")


def check_kind(dtype: np.dtype) -> None:
    if dtype.kind not in "fiub":
        raise DTypeError(f"ids must be numbers, got dtype {dtype}")


def ids_spec(x: Spec, *, limit: int, argument: str = "input_dim") -> Spec:
    check_kind(np.dtype(x.dtype))
    return Spec(x.shape, np.dtype(np.intp))


def ids_samples(draw: Draw) -> Any:
    limit = draw.integer(1, 7)
    ids = draw.ids(draw.shape(), limit)
    return (ids.astype(draw.choice([np.float32, np.float64, np.int64, np.int32])),), {"limit": limit}


ids_of = Op(whole_numbers, spec=ids_spec, name="ids_of", kind="view", samples=ids_samples, doc="""
Floats that hold ids as the integers that `gather` takes, which checks that they are from 0 to limit - 1.

IdError for a float that is no whole number, or is too large to be exact. There is no gradient.

>>> ids_of(np.array([0.0, 12.0], np.float32), limit=13)
array([ 0, 12])
""")
