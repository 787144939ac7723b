"""Every loss, with weights of samples, classes and outputs: a program's step is the eager step, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from agreement import agree, kind  # noqa: F401 (the fixture)
from minigrad import Input, Model, losses
from minigrad.layers import Dense, Dropout
from minigrad.losses.loss import Loss, registry

pytestmark = pytest.mark.usefixtures("kind")

N = 23
rng = np.random.default_rng(0)
X = rng.normal(size=(N, 4)).astype(np.float32)
REAL = rng.normal(size=(N, 3)).astype(np.float32)
SHARE = rng.dirichlet(np.ones(3), N).astype(np.float32)
BITS = rng.integers(0, 2, (N, 3)).astype(np.float32)
KIND = rng.integers(0, 3, N)
ONE_HOT = np.eye(3, dtype=np.float32)[KIND]
WEIGHT = rng.uniform(0.1, 2, N)

# name: (the model's last activation, its targets, the loss)
CASES = {
    "mse": (None, REAL, losses.MeanSquaredError),
    "mae": (None, REAL, losses.MeanAbsoluteError),
    "mape": (None, REAL, losses.MeanAbsolutePercentageError),
    "msle": ("softplus", SHARE, losses.MeanSquaredLogarithmicError),
    "huber": (None, REAL, lambda: losses.Huber(0.5)),
    "log_cosh": (None, REAL, losses.LogCosh),
    "poisson": ("softplus", SHARE, losses.Poisson),
    "cosine": (None, REAL, losses.CosineSimilarity),
    "hinge": (None, BITS, losses.Hinge),
    "squared_hinge": (None, BITS, losses.SquaredHinge),
    "categorical_hinge": (None, ONE_HOT, losses.CategoricalHinge),
    "kl": ("softmax", SHARE, losses.KLDivergence),
    "binary": ("sigmoid", BITS, losses.BinaryCrossentropy),
    "binary_logits": (None, BITS, lambda: losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)),
    "focal": ("sigmoid", BITS, lambda: losses.BinaryFocalCrossentropy(apply_class_balancing=True)),
    "focal_logits": (None, BITS, lambda: losses.BinaryFocalCrossentropy(from_logits=True)),
    "categorical": ("softmax", ONE_HOT, losses.CategoricalCrossentropy),
    "categorical_logits": (None, SHARE, lambda: losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)),
    "sparse": ("softmax", KIND, losses.SparseCategoricalCrossentropy),
    "sparse_logits": (None, KIND, lambda: losses.SparseCategoricalCrossentropy(from_logits=True)),
    "sparse_floats": ("softmax", KIND.astype(np.float32)[:, None], losses.SparseCategoricalCrossentropy),
    "sparse_ignore": (None, KIND, lambda: losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1)),
    "sum": (None, REAL, lambda: losses.MeanSquaredError(reduction="sum")),
    "weighted_mean": (None, REAL, lambda: losses.MeanSquaredError(reduction="mean_with_sample_weight")),
    "function": (None, REAL, lambda: losses.get(lambda y, p: np.mean(np.abs(y - p) ** 1.5, axis=-1))),
}
each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def test_every_loss_is_here():
    members = {x for x in map(losses.__dict__.get, losses.__all__) if isinstance(x, type) and x is not Loss}
    assert {type(make()) for *_, make in CASES.values()} == members
    assert registry


def model(activation):
    x = Input((4,))
    return Model(x, Dense(3, activation=activation)(Dropout(0.1)(Dense(5, activation="sigmoid")(x))))


@each
@pytest.mark.parametrize("weight", [None, WEIGHT, WEIGHT.astype(np.float32)[:, None]], ids=["none", "64", "column"])
def test_alone_and_with_sample_weights(case, weight):
    activation, y, make = case
    agree(lambda: model(activation), X, y, optimizer="adam", loss=make, sample_weight=weight)


@pytest.mark.parametrize("name", ["sparse", "categorical", "sparse_logits"])
def test_with_class_weights(name):
    activation, y, make = CASES[name]
    weights = {0: 1.0, 1: 2.5, 2: 0.3}
    agree(lambda: model(activation), X, y, optimizer="sgd", loss=make, class_weight=weights)
    agree(lambda: model(activation), X, y, optimizer="sgd", loss=make, class_weight=weights, sample_weight=WEIGHT)


@pytest.mark.parametrize("y", [REAL.astype(np.float64), np.round(REAL).astype(int), REAL > 0])
def test_targets_of_other_dtypes(y):
    agree(lambda: model(None), X, y, optimizer="adam", loss="mse")


def two_headed():
    x = Input((4,))
    h = Dense(4, activation="tanh")(x)
    return Model(x, {"kind": Dense(3, activation="softmax")(h), "size": Dense(3)(h)})


@pytest.mark.parametrize("weights", [None, {"kind": 0.3, "size": 2.0}, [1.0, 0.5]])
@pytest.mark.parametrize("sample_weight", [None, {"kind": WEIGHT}, {"kind": WEIGHT, "size": WEIGHT[::-1]}])
def test_several_outputs(weights, sample_weight):
    agree(
        two_headed,
        X,
        {"kind": KIND, "size": REAL},
        optimizer="rmsprop",
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights=weights,
        sample_weight=sample_weight,
        metrics={"kind": ["accuracy"], "size": ["mae", "mse"]},
        weighted_metrics={"kind": ["accuracy"], "size": ["mae"]},
    )


def test_an_output_without_a_loss():
    agree(two_headed, X, {"kind": KIND}, optimizer="sgd", loss={"kind": "sparse_categorical_crossentropy"})


@pytest.mark.parametrize("name", ["accuracy", "mae", "mse", "auc", "r2_score", "cosine_similarity"])
def test_metrics(name):
    agree(lambda: model("sigmoid"), X, BITS, optimizer="sgd", loss="binary_crossentropy", metrics=[name])
