"""Random models with random losses and optimizers, over a hundred steps: programs give the eager numbers, to the bit;
fused ones to 1e-6 after one step, and to what a hundred steps make of that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agreement
from agreement import interpreted, same_values, to_array, traced, twins
from minigrad import Input, Model, optimizers
from minigrad.layers import (
    Activation,
    Add,
    Average,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Multiply,
)
from minigrad.program import jit

ROWS, STEPS = 16, 100
ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu", "softplus", "selu", None)
OPTIMIZERS = ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "AdamW", "Adamax", "Nadam", "Lion")
HEADS = {  # by loss: the last layer's width and activation
    "mse": (2, None),
    "mae": (2, None),
    "huber": (1, "tanh"),
    "binary_crossentropy": (3, "sigmoid"),
    "categorical_crossentropy": (3, "softmax"),
    "sparse_categorical_crossentropy": (4, "softmax"),
}


def targets(loss: str, rng: np.random.Generator) -> np.ndarray:
    width = HEADS[loss][0]
    if loss.startswith("sparse"):
        return rng.integers(0, width, ROWS)
    if loss == "categorical_crossentropy":
        return np.eye(width, dtype=np.float32)[rng.integers(0, width, ROWS)]
    values = rng.normal(size=(ROWS, width)).astype(np.float32)
    return (values > 0).astype(np.float32) if loss == "binary_crossentropy" else values


def model_of(seed: int, loss: str) -> Model:
    """Numbers and ids, some layers that are joined at times, and a head that fits the loss."""
    rng = np.random.default_rng(seed)
    numbers, ids = Input((3,)), Input((5,), dtype="int32")
    rows = Embedding(7, 4)(ids)
    pool = [GlobalAveragePooling1D(), GlobalMaxPooling1D(), Flatten()][rng.integers(3)]
    made: list[Any] = [Dense(4)(numbers), Dense(4)(pool(rows))]
    for _ in range(rng.integers(1, 5)):
        x, y = (made[i] for i in rng.integers(0, len(made), 2))
        kind = rng.integers(0, 5)
        if kind == 0:
            made.append([Add(), Average(), Multiply()][rng.integers(3)]([x, y]))
        elif kind == 1:
            made.append(Dropout(0.25)(x))
        elif kind == 2:
            made.append(Activation(ACTIVATIONS[rng.integers(6)])(x))
        else:
            made.append(Dense(4, activation=ACTIVATIONS[rng.integers(7)], use_bias=bool(rng.integers(2)))(x))
    width, activation = HEADS[loss]
    return Model([numbers, ids], Dense(width, activation=activation)(Concatenate()([made[-1], made[-2], made[0]])))


def optimizer_of(rng: np.random.Generator) -> Any:
    name = OPTIMIZERS[rng.integers(len(OPTIMIZERS))]
    options: dict[str, Any] = [{}, {"clipnorm": 0.5}, {"global_clipnorm": 1.0}, {"clipvalue": 0.1}][rng.integers(4)]
    rate = optimizers.schedules.ExponentialDecay(0.01, 20, 0.9) if rng.integers(2) else 0.01
    return lambda: getattr(optimizers, name)(rate, **options)


def train_and_compare(seed: int) -> None:
    rng = np.random.default_rng(seed)
    loss = list(HEADS)[rng.integers(len(HEADS))]
    x = [rng.normal(size=(ROWS, 3)).astype(np.float32), rng.integers(0, 7, (ROWS, 5)).astype(np.int32)]
    y = targets(loss, rng)
    pair = twins(lambda: model_of(seed, loss), seed=seed, optimizer=optimizer_of(rng), loss=lambda: loss)
    for step in range(STEPS):
        figures = [model.train_on_batch(x, y) for model in pair]
        loose = agreement.FUSED * (1e-6 if step == 0 else 1e-3)
        same_values(figures[0], figures[1], loose)
        if step in (0, STEPS - 1):
            one, other = ({k: to_array(v) for k, v in model.named_weights().items()} for model in pair)
            for name in one:
                assert one[name].dtype == other[name].dtype == np.float32
                np.testing.assert_allclose(
                    one[name], other[name], rtol=0, atol=loose * np.abs(other[name]).max(initial=0.01)
                )
    traced(pair[0], "train")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
@pytest.mark.parametrize("fused", [False, True])
def test_random_models_over_a_hundred_steps(fused, seed, monkeypatch):
    monkeypatch.setattr(agreement, "FUSED", fused)
    monkeypatch.setattr(jit, "compiled", interpreted)
    monkeypatch.setattr(jit, "available", lambda must: True)
    monkeypatch.setattr("minigrad.config.has_numba", lambda: True)
    train_and_compare(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_compiled_models_over_a_hundred_steps(seed, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(agreement, "FUSED", True)
    train_and_compare(seed)
