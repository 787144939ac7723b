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


def within_kernel(x: Any, *, limit: int, oov: str) -> np.ndarray:
    x = np.asarray(x)
    if oov == "raise":
        return check_ids(x, limit=limit)
    check_kind(x.dtype)
    if x.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            wrong = (x != np.floor(x)) | ((x >= beyond(x.dtype)) & (x < limit))
        if wrong.any():
            complain(np.where(wrong, x, 0), limit, "input_dim")
        ids = np.clip(x.astype(np.float64), -1, limit).astype(np.intp)
    elif x.dtype.kind == "i":
        ids = np.clip(x.astype(np.intp), -1, limit)
    else:
        ids = np.minimum(x.astype(np.uint64), limit).astype(np.intp)
    if oov == "clip":
        return np.clip(ids, 0, limit - 1)
    return np.where((ids < 0) | (ids == limit), limit - 1 if oov == "last" else -1, ids)


def within_spec(x: Spec, *, limit: int, oov: str) -> Spec:
    check_kind(np.dtype(x.dtype))
    return Spec(x.shape, np.dtype(np.intp))


def within_samples(draw: Draw) -> Any:
    oov, limit = draw.choice(["raise", "clip", "last", "zero"]), draw.integer(1, 7)
    ids = draw.ids(draw.shape(), limit + (0 if oov == "raise" else 3)) - (0 if oov == "raise" else 1)
    return (ids.astype(draw.choice([np.float32, np.int64])),), {"limit": limit, "oov": oov}


ids_within = Op(within_kernel, spec=within_spec, name="ids_within", kind="view", samples=within_samples, doc="""
Ids, whole numbers of any dtype, as integers from 0 to limit - 1. What becomes of those out of range is said by oov:

"raise": IdError. "clip": the nearest in range. "last": limit - 1. "zero": -1, for whoever leaves such ids out. IdError
for what is no whole number, or is too large to be exact in its dtype. There is no gradient.

>>> ids_within(np.array([-2, 3, 9]), limit=5, oov="clip"), ids_within(np.array([-2, 3, 9]), limit=5, oov="zero")
(array([0, 3, 4]), array([-1,  3, -1]))
""")


def occurrences_kernel(ids: Any, *, dtype: np.dtype, out: Any = None) -> Any:
    _, places, counts = np.unique(ids, return_inverse=True, return_counts=True)
    return np.positive(counts.astype(dtype)[places].reshape(np.shape(ids)), out=out)


occurrences = Op(occurrences_kernel, spec=lambda ids, *, dtype: Spec(ids.shape, np.dtype(dtype)), name="occurrences",
                 samples=lambda draw: ((draw.ids(draw.shape(0, 2), 4),), {"dtype": np.dtype(np.float32)}), doc="""
At each place of `ids` how often its id stands there, at all places together, as floats. There is no gradient.

>>> occurrences(np.array([7, 3, 7]), dtype=np.dtype(np.float32))
array([2., 1., 2.], dtype=float32)
""")


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
