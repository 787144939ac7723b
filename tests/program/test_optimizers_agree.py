"""Every optimizer, with every option: a program's step is the eager step, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from agreement import agree, kind  # noqa: F401 (the fixture)
from minigrad import Input, Model, optimizers
from minigrad.layers import Dense, Dropout, Embedding, Flatten
from minigrad.optimizers import schedules

pytestmark = pytest.mark.usefixtures("kind")

MEMBERS = {
    "sgd": lambda **o: optimizers.SGD(0.05, **o),
    "momentum": lambda **o: optimizers.SGD(0.05, momentum=0.9, **o),
    "nesterov": lambda **o: optimizers.SGD(0.05, momentum=0.8, nesterov=True, **o),
    "rmsprop": lambda **o: optimizers.RMSprop(0.01, **o),
    "rmsprop_momentum": lambda **o: optimizers.RMSprop(0.01, momentum=0.5, **o),
    "rmsprop_centered": lambda **o: optimizers.RMSprop(0.01, centered=True, **o),
    "rmsprop_all": lambda **o: optimizers.RMSprop(0.01, momentum=0.5, centered=True, **o),
    "adam": lambda **o: optimizers.Adam(0.01, **o),
    "amsgrad": lambda **o: optimizers.Adam(0.01, amsgrad=True, **o),
    "adamw": lambda **o: optimizers.AdamW(0.01, **o),
    "adagrad": lambda **o: optimizers.Adagrad(0.1, **o),
    "adadelta": lambda **o: optimizers.Adadelta(1.0, **o),
    "adamax": lambda **o: optimizers.Adamax(0.01, **o),
    "nadam": lambda **o: optimizers.Nadam(0.01, **o),
    "lazyadam": lambda **o: optimizers.LazyAdam(0.1, **o),
    "lion": lambda **o: optimizers.Lion(0.003, **o),
}
OPTIONS = {
    "plain": {},
    "weight_decay": {"weight_decay": 0.03},
    "clipnorm": {"clipnorm": 0.05},
    "clipvalue": {"clipvalue": 0.02},
    "global_clipnorm": {"global_clipnorm": 0.1},
    "decay": {"decay": 0.1},
    "schedule": {"lr": schedules.ExponentialDecay(0.05, 3, 0.7)},
    "function": {"lr": lambda: 0.02},
}

rng = np.random.default_rng(0)
X = rng.normal(size=(53, 4)).astype(np.float32)
Y = (np.arange(53) % 3).astype(np.int64)
IDS = rng.integers(0, 6, (53, 3))


def dense() -> Model:
    x = Input((4,))
    return Model(x, Dense(3, activation="softmax")(Dropout(0.1)(Dense(7, activation="tanh")(x))))


def embedded() -> Model:
    x = Input((3,), dtype="int64")
    return Model(x, Dense(3, activation="softmax")(Flatten()(Embedding(6, 2)(x))))


def test_every_optimizer_is_here():
    members = {x for x in map(optimizers.__dict__.get, optimizers.__all__) if isinstance(x, type)}
    assert {type(make()) for make in MEMBERS.values()} == members - {optimizers.Optimizer}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("make", MEMBERS.values(), ids=MEMBERS)
def test_a_dense_model(make, options):
    one, _ = agree(
        dense, X, Y, optimizer=lambda: make(**options), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    assert one.optimizer.iterations == 22


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("make", MEMBERS.values(), ids=MEMBERS)
def test_a_model_with_an_embedding(make, options):
    """A norm is a sum of squares: eagerly over the rows that occur, in a program over all, zeros included. NumPy sums
    pairwise, so that the zeros change the order, and float32 rounds the two apart.
    """
    tolerance = 5e-6 if {"clipnorm", "global_clipnorm"} & options.keys() else 0.0
    agree(
        embedded, IDS, Y, optimizer=lambda: make(**options), loss="sparse_categorical_crossentropy", tolerance=tolerance
    )
