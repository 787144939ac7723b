"""The distinct ids among many, in an array of a size that does not depend on how many there are."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.op import Op
from ..core.spec import Spec
from ..errors import IdError
from .gather import check_integer

__all__ = ["distinct"]


def distinct_kernel(ids: Any, *, out: Any = None) -> Any:
    ids = np.asarray(ids).reshape(-1)
    if np.minimum.reduce(ids, initial=0) < 0:
        raise IdError(f"distinct: the id {ids.min()} is negative")
    found, first, places = np.unique(ids, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    out = np.empty((2, ids.size), np.intp) if out is None else out
    out[0] = rank[places.reshape(-1)]
    out[1, : len(found)] = found[order]
    out[1, len(found) :] = -1
    return out


def distinct_spec(ids: Spec) -> Spec:
    check_integer(ids.dtype)
    return Spec((2, int(np.prod(ids.shape, dtype=int))), np.dtype(np.intp))


distinct = Op(distinct_kernel, name="distinct", spec=distinct_spec, kind="other",
              samples=lambda draw: ((draw.ids(draw.shape(0, 2), 5),), {}), doc="""
    The distinct ids among `ids`, which are not negative, and where each is: an array (2, number of ids).

    In its second row are the distinct ids in the order in which they first appear, then -1 up to the end; in its first
    one, for each id, the place of it in the second. There is no gradient. (np.unique with return_inverse=True)

    >>> distinct(np.array([[7, 3], [7, 7]]))
    array([[ 0,  1,  0,  0],
           [ 7,  3, -1, -1]])
    """)
