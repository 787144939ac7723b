"""One case for each layer and each of its arguments that changes the result: the formula, written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.layers import (
    ELU,
    Activation,
    Add,
    Average,
    Concatenate,
    Dense,
    Dot,
    Dropout,
    Embedding,
    EmbeddingBag,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Identity,
    Lambda,
    LeakyReLU,
    Maximum,
    Minimum,
    Multiply,
    Permute,
    PReLU,
    ReLU,
    RepeatVector,
    Reshape,
    Softmax,
    Subtract,
)


class Case(NamedTuple):
    """A layer's class and arguments, the shapes of its inputs with the batch, and what it computes.

    formula: (weights, inputs) -> output, on plain float64 arrays. ids: for a layer of ids, how many there are.
    """

    cls: type
    args: dict[str, Any]
    shapes: list[tuple[int, ...]]
    formula: Callable[..., np.ndarray]
    ids: int | None = None

    def layer(self, **more: Any) -> Any:
        return self.cls(**self.args, **more)

    def arrays(self, seed: int = 0) -> list[np.ndarray]:
        """Inputs away from 0 and 1 and from each other, where activations and maxima have kinks."""
        rng = np.random.default_rng(seed)
        if self.ids is not None:
            return [rng.integers(0, self.ids, shape) for shape in self.shapes]
        total = sum(int(np.prod(s)) for s in self.shapes)
        values = (rng.permutation(total) - total / 2 + 0.35) * 0.13
        parts = np.split(values, np.cumsum([np.prod(s, dtype=int) for s in self.shapes])[:-1])
        return [part.reshape(s) for part, s in zip(parts, self.shapes)]


def doubled(x: Any, training: bool = False) -> Any:
    assert training is False
    return x * 2


def powered(x: Any, n: int) -> Any:
    return x**n


for function in (doubled, powered):
    Lambda.register(function)


def softmax(x: np.ndarray, axis: Any) -> np.ndarray:
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


def unit(x: np.ndarray, axis: int) -> np.ndarray:
    return x / np.linalg.norm(x, axis=axis, keepdims=True)


CASES = [
    Case(Embedding, {"input_dim": 7, "output_dim": 3}, [(2, 5)], lambda w, x: w[0][x], ids=7),
    Case(Embedding, {"input_dim": 7, "output_dim": 1, "input_length": 5}, [(2, 5)], lambda w, x: w[0][x], ids=7),
    Case(Embedding, {"input_dim": 1, "output_dim": 2, "input_length": (2, None)}, [(3, 2, 2)], lambda w, x: w[0][x], 1),
    Case(
        Embedding,
        {"input_dim": 5, "output_dim": 2, "padding_idx": 1, "oov": "last", "max_norm": 3.0, "trainable_rows": [1, 4]},
        [(2, 6)],
        lambda w, x: np.where((x == 1)[..., None], 0, w[0][np.minimum(x, 4)]),
        ids=7,
    ),
    Case(EmbeddingBag, {"input_dim": 7, "output_dim": 3}, [(2, 5)], lambda w, x: w[0][x].sum(1) / 5, ids=7),
    Case(
        EmbeddingBag,
        {"input_dim": 5, "output_dim": 3, "mode": "sum", "oov": "clip", "input_length": 6},
        [(2, 6)],
        lambda w, x: w[0][np.minimum(x, 4)].sum(1),
        ids=7,
    ),
    Case(
        EmbeddingBag,
        {"input_dim": 7, "output_dim": 3, "mode": "mean", "padding_idx": 2, "mask_zero": True},
        [(3, 6)],
        lambda w, x: np.stack([w[0][bag[(bag != 0) & (bag != 2)]].mean(0) for bag in x]),
        ids=7,
    ),
    Case(EmbeddingBag, {"input_dim": 7, "output_dim": 3, "mode": "max"}, [(2, 5)], lambda w, x: w[0][x].max(1), ids=7),
    Case(Dense, {"units": 3}, [(2, 4)], lambda w, x: x @ w[0] + w[1]),
    Case(Dense, {"units": 3, "use_bias": False}, [(2, 4)], lambda w, x: x @ w[0]),
    Case(
        Dense,
        {"units": 2, "activation": "tanh", "bias_initializer": "ones"},
        [(2, 5, 4)],
        lambda w, x: np.tanh(np.einsum("btd,du->btu", x, w[0]) + w[1]),
    ),
    Case(Dense, {"units": 2}, [(2, 3, 2, 4)], lambda w, x: np.einsum("bstd,du->bstu", x, w[0]) + w[1]),
    Case(Activation, {"activation": "sigmoid"}, [(2, 3)], lambda w, x: 1 / (1 + np.exp(-x))),
    Case(Activation, {"activation": None}, [(2, 3)], lambda w, x: x),
    Case(ReLU, {}, [(2, 3)], lambda w, x: np.maximum(x, 0)),
    Case(
        ReLU,
        {"max_value": 0.3, "negative_slope": 0.1, "threshold": 0.1},
        [(2, 6)],
        lambda w, x: np.minimum(np.where(x >= 0.1, x, 0.1 * (x - 0.1)), 0.3),
    ),
    Case(LeakyReLU, {}, [(2, 3)], lambda w, x: np.where(x > 0, x, 0.3 * x)),
    Case(LeakyReLU, {"negative_slope": 0.5}, [(2, 3)], lambda w, x: np.where(x > 0, x, 0.5 * x)),
    Case(ELU, {"alpha": 1.5}, [(2, 3)], lambda w, x: np.where(x > 0, x, 1.5 * (np.exp(x) - 1))),
    Case(PReLU, {"alpha_initializer": "uniform"}, [(2, 3)], lambda w, x: np.where(x > 0, x, w[0] * x)),
    Case(
        PReLU,
        {"alpha_initializer": "ones", "shared_axes": [1]},
        [(2, 3, 2)],
        lambda w, x: np.where(x > 0, x, w[0].reshape(1, 1, 2) * x),
    ),
    Case(Softmax, {}, [(2, 3)], lambda w, x: softmax(x, -1)),
    Case(Softmax, {"axis": 1}, [(2, 3, 4)], lambda w, x: softmax(x, 1)),
    Case(Softmax, {"axis": [1, 2]}, [(2, 3, 4)], lambda w, x: softmax(x, (1, 2))),
    Case(Dropout, {"rate": 0.5}, [(2, 3)], lambda w, x: x),
    Case(Identity, {}, [(2, 3)], lambda w, x: x),
    Case(Lambda, {"function": doubled, "output_shape": (3,)}, [(2, 3)], lambda w, x: 2 * x),
    Case(Lambda, {"function": powered, "arguments": {"n": 2}}, [(2, 3)], lambda w, x: x * x),
    Case(Flatten, {}, [(2, 3, 4)], lambda w, x: x.reshape(2, 12)),
    Case(Flatten, {}, [(2,)], lambda w, x: x.reshape(2, 1)),
    Case(Flatten, {"data_format": "channels_first"}, [(2, 3, 2, 2)], lambda w, x: np.moveaxis(x, 1, -1).reshape(2, 12)),
    Case(Reshape, {"target_shape": (4, 3)}, [(2, 12)], lambda w, x: x.reshape(2, 4, 3)),
    Case(Reshape, {"target_shape": (-1, 2)}, [(2, 4, 3)], lambda w, x: x.reshape(2, 6, 2)),
    Case(Reshape, {"target_shape": ()}, [(2, 1)], lambda w, x: x.reshape(2)),
    Case(Permute, {"dims": (2, 1)}, [(2, 3, 4)], lambda w, x: x.transpose(0, 2, 1)),
    Case(Permute, {"dims": (3, 1, 2)}, [(2, 3, 4, 2)], lambda w, x: x.transpose(0, 3, 1, 2)),
    Case(RepeatVector, {"n": 3}, [(2, 4)], lambda w, x: np.stack([x, x, x], axis=1)),
    Case(Add, {}, [(2, 3), (2, 3), (2, 3)], lambda w, x, y, z: x + y + z),
    Case(Add, {}, [(2, 3)], lambda w, x: x),
    Case(Add, {}, [(2, 3, 4), (2, 1, 4)], lambda w, x, y: x + y),
    Case(Add, {}, [(2, 4), (2, 3, 4)], lambda w, x, y: x[:, None] + y),
    Case(Subtract, {}, [(2, 3), (2, 3)], lambda w, x, y: x - y),
    Case(Multiply, {}, [(2, 3), (2, 3), (2, 1)], lambda w, x, y, z: x * y * z),
    Case(Average, {}, [(2, 3), (2, 3), (2, 3)], lambda w, x, y, z: (x + y + z) / 3),
    Case(Maximum, {}, [(2, 3), (2, 3)], lambda w, x, y: np.where(x > y, x, y)),
    Case(Minimum, {}, [(2, 3), (2, 3)], lambda w, x, y: np.where(x < y, x, y)),
    Case(Concatenate, {}, [(2, 3), (2, 1), (2, 2)], lambda w, *xs: np.hstack(xs)),
    Case(Concatenate, {"axis": 1}, [(2, 3, 4), (2, 1, 4)], lambda w, x, y: np.concatenate([x, y], 1)),
    Case(Dot, {"axes": 1}, [(2, 3), (2, 3)], lambda w, x, y: (x * y).sum(1, keepdims=True)),
    Case(
        Dot,
        {"axes": -1, "normalize": True},
        [(2, 3), (2, 3)],
        lambda w, x, y: (unit(x, 1) * unit(y, 1)).sum(1, keepdims=True),
    ),
    Case(Dot, {"axes": (2, 1)}, [(2, 3, 4), (2, 4, 2)], lambda w, x, y: x @ y),
    Case(
        Dot,
        {"axes": 2, "normalize": True},
        [(2, 3, 4), (2, 2, 4)],
        lambda w, x, y: unit(x, 2) @ unit(y, 2).swapaxes(1, 2),
    ),
    Case(Dot, {"axes": (2, 1)}, [(2, 3, 4), (2, 4)], lambda w, x, y: (x @ y[:, :, None])[:, :, 0]),
    Case(Dot, {"axes": (1, -1)}, [(2, 3, 2, 2), (2, 2, 3)], lambda w, x, y: np.einsum("bkij,bck->bijc", x, y)),
    Case(GlobalAveragePooling1D, {}, [(2, 5, 3)], lambda w, x: x.sum(1) / 5),
    Case(
        GlobalAveragePooling1D,
        {"data_format": "channels_first", "keepdims": True},
        [(2, 3, 5)],
        lambda w, x: x.sum(2, keepdims=True) / 5,
    ),
    Case(GlobalMaxPooling1D, {}, [(2, 5, 3)], lambda w, x: np.sort(x, axis=1)[:, -1]),
    Case(
        GlobalMaxPooling1D,
        {"data_format": "channels_first", "keepdims": True},
        [(2, 3, 5)],
        lambda w, x: np.sort(x, axis=2)[:, :, -1:],
    ),
]
