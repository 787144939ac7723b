"""Sums of rows by id that never make one row for each place in (batch, time): helpers of kernels and rules."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from ..core.rowsparse import RowSparse, sum_rows
from ..core.spec import Shape

BLOCK = 1 << 18  # numbers that are made at a time, in place of the (batch, time, width) of a whole batch


def blocks(ids: np.ndarray, width: int) -> Iterator[slice]:
    """Parts of the first axis of ids (batch, time) for each of which it is cheap to gather the rows."""
    step = max(1, BLOCK // max(1, ids.shape[1] * width))
    return (slice(start, start + step) for start in range(0, len(ids), step))


def spread_rows(g: Any, ids: np.ndarray, weights: Any, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """(the distinct ids, in order; for each the sum of weights[b, t] * g[b] over all its places [b, t]).

    g: (batch, width). weights: (batch, time), or None for ones. rows: how many there are in the table.
    """
    time, width = ids.shape[1], g.shape[1]
    flat, heavy = ids.reshape(-1), None if weights is None else weights.reshape(-1, 1)
    if flat.size * width <= BLOCK:
        each = np.broadcast_to(g[:, None, :], (len(g), time, width)).reshape(flat.size, width)
        return sum_rows(flat, each if heavy is None else each * heavy, (rows, width))
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    group = np.concatenate([[0], np.cumsum(ordered[1:] != ordered[:-1])])
    sums = np.zeros((group[-1] + 1, width), g.dtype if heavy is None else np.result_type(g, heavy))
    step = max(1, BLOCK // width)
    for start in range(0, flat.size, step):
        places, own = order[start : start + step], group[start : start + step]
        each = g[places // time] if heavy is None else g[places // time] * heavy[places]
        first = np.flatnonzero(np.diff(own, prepend=-1))
        sums[own[first]] += np.add.reduceat(each, first, axis=0)
    return ordered[np.flatnonzero(np.diff(group, prepend=-1))], sums


def spread_gradient(g: np.ndarray, ids: Any, weights: Any, shape: Shape) -> RowSparse:
    """The gradient of a table of that shape whose rows were added up over the last axis of the ids: g (..., width)."""
    ids = np.asarray(ids)
    bags = ids.reshape(prod(ids.shape[:-1]), ids.shape[-1])
    found, sums = spread_rows(g.reshape(len(bags), prod(shape[1:])), bags, weights, shape[0])
    return RowSparse(found, sums, shape, unique=True)
