"""From ids to vectors of zeros and ones, or of counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError

Shape = tuple[int | None, ...]


def encode(ids: np.ndarray, depth: int, mode: str, dtype: Any, weights: np.ndarray | None = None) -> np.ndarray:
    """Ids from 0 to depth - 1 as vectors of that length; -1 leaves no trace.

    'one_hot': one vector for each id, in place of a last axis of size 1 or as a new last axis. 'multi_hot' and 'count':
    one for each row of ids along the last axis, with ones, or with how often (with `weights`: how much) each occurs.

    >>> encode(np.array([[0, 2, 2]]), 3, "count", "float32")
    array([[1., 0., 2.]], dtype=float32)
    """
    if ids.ndim == 0:
        ids = ids[None]
    if mode == "one_hot" and ids.shape[-1] != 1:
        ids = ids[..., None]
    rows = ids.reshape(-1, ids.shape[-1])
    out = np.zeros((len(rows), depth + 1), dtype)  # the last column is for -1
    if mode == "count":
        np.add.at(out, (np.arange(len(rows))[:, None], rows), 1 if weights is None else weights.reshape(rows.shape))
    else:
        out[np.arange(len(rows))[:, None], rows] = 1
    return out[:, :-1].reshape(*ids.shape[:-1], depth)


def encoded_shape(shape: Shape, depth: int, mode: str) -> Shape:
    """The shape of `encode`'s result for ids of that shape, of which the first axis is the batch."""
    if mode == "one_hot":
        return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), depth)
    if len(shape) < 2:
        raise ShapeError(
            f"output_mode={mode!r} makes one vector of each row of values, but {shape} has the batch alone: "
            "use output_mode='one_hot', or give the Input an axis, as in Input((1,))"
        )
    return (*shape[:-1], depth)
