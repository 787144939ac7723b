"""Random compositions of ops: what is drawn on Symbols with an open batch is what comes out at any batch size."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.core.symbol import Symbol

# Each takes a value of shape (batch, ...) with two axes or more behind the draws, and keeps the batch in front.
STEPS: dict[str, Callable[[Any], Any]] = {
    "tanh": np.tanh,
    "scale": lambda x: 2.0 * x + 1,
    "relu": mg.ops.relu,
    "softmax": lambda x: mg.ops.softmax(x, axis=-1),
    "center": lambda x: x - x.mean(axis=-1, keepdims=True),
    "standardise": lambda x: (x - x.mean(axis=0)) / (1 + x.std(axis=0)),
    "flatten": lambda x: np.reshape(x, (x.shape[0], -1)),
    "new axis": lambda x: x[:, None],
    "matmul": lambda x: x @ np.ones((x.shape[-1], 3), np.float32),
    "gram": lambda x: np.einsum("b...i,b...j->b...ij", x, x),
    "sum": lambda x: x.sum(axis=-1) if x.ndim > 2 else x,
    "max": lambda x: np.max(x, axis=1, keepdims=True),
    "cumsum": lambda x: np.cumsum(x, axis=-1),
    "sort": lambda x: np.sort(x, axis=-1),
    "median": lambda x: np.median(x, axis=-1, keepdims=True),
    "double": lambda x: np.concatenate([x, x * x], axis=-1),
    "stack": lambda x: np.stack([x, -x], axis=1),
    "repeat": lambda x: np.repeat(x, 2, axis=-1),
    "pad": lambda x: np.pad(x, ((0, 0),) * (x.ndim - 1) + ((1, 2),)),
    "flip": lambda x: np.flip(x, -1),
    "roll batch": lambda x: np.roll(x, 1, axis=0),
    "swap": lambda x: np.swapaxes(x, -1, -2) if x.ndim > 2 else x,
    "slice": lambda x: x[..., ::2],
    "pick": lambda x: x[..., [0, -1]],
    "where": lambda x: np.where(x > 0, x, x**2),
    "broadcast": lambda x: np.broadcast_to(x[:, None], (x.shape[0], 2, *x.shape[1:])),
    "diff": lambda x: np.diff(x, axis=-1, prepend=0.0),
    "over the batch": lambda x: x.sum(axis=0, keepdims=True) * x,
    "doubled batch": lambda x: np.concatenate([x, x], axis=0),
}


@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=6), st.integers(1, 4))
def test_symbols_draw_what_tensors_compute(steps: list[str], width: int) -> None:
    x: Any = Symbol.of((None, width), np.float32)
    values = {n: mg.Tensor(np.linspace(-1, 1, n * width, dtype=np.float32).reshape(n, width)) for n in (1, 5)}
    for step in steps:
        x = STEPS[step](x)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # numbers grow large
            values = {n: STEPS[step](value) for n, value in values.items()}
        if max(value.size for value in values.values()) > 10_000:
            break
    for value in values.values():
        assert value.dtype == x.dtype
        assert value.ndim == x.ndim
        assert all(m in (None, size) for m, size in zip(x.shape, value.shape, strict=True)), (x.shape, value.shape)
    one, five = (value.shape for value in values.values())
    assert x.shape == tuple(n if n == m else None for n, m in zip(one, five, strict=True))
