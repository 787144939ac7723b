"""Each loss against its formula, written out here over plain floats; values of Keras's own documentation."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import losses
from minigrad.core.autodiff import grad
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Tensor

EPS = 1e-7


def mean(values):
    return sum(values) / len(values)


def clip(p):
    return min(max(p, EPS), 1 - EPS)


def bce(t, p):
    return -(t * math.log(clip(p)) + (1 - t) * math.log(1 - clip(p)))


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def softmax(z):
    e = [math.exp(v - max(z)) for v in z]
    return [v / sum(e) for v in e]


def categorical(t, p):
    return -sum(a * math.log(clip(b / sum(p))) for a, b in zip(t, p))


def cosine(t, p):
    return -sum(a * b for a, b in zip(t, p)) / math.sqrt(sum(a * a for a in t) * sum(b * b for b in p))


def huber(e, delta):
    return 0.5 * e * e if abs(e) <= delta else delta * abs(e) - 0.5 * delta * delta


def focal(t, p, alpha=None):
    right = t * p + (1 - t) * (1 - p)
    weight = 1 if alpha is None else t * alpha + (1 - t) * (1 - alpha)
    return weight * (1 - right) ** 2 * bce(t, p)


# name: (loss, formula of one sample's targets and predictions, kinds of targets and predictions)
CASES = {
    "mse": (losses.MeanSquaredError(), lambda t, p: mean([(a - b) ** 2 for a, b in zip(t, p)]), "real", "real"),
    "mae": (losses.MeanAbsoluteError(), lambda t, p: mean([abs(a - b) for a, b in zip(t, p)]), "real", "real"),
    "mape": (
        losses.MeanAbsolutePercentageError(),
        lambda t, p: 100 * mean([abs(a - b) / abs(a) for a, b in zip(t, p)]),
        "real",
        "real",
    ),
    "msle": (
        losses.MeanSquaredLogarithmicError(),
        lambda t, p: mean([(math.log(a + 1) - math.log(b + 1)) ** 2 for a, b in zip(t, p)]),
        "probability",
        "probability",
    ),
    "huber": (losses.Huber(), lambda t, p: mean([huber(a - b, 1.0) for a, b in zip(t, p)]), "real", "real"),
    "huber_delta": (losses.Huber(0.3), lambda t, p: mean([huber(a - b, 0.3) for a, b in zip(t, p)]), "real", "real"),
    "log_cosh": (
        losses.LogCosh(),
        lambda t, p: mean([math.log(math.cosh(a - b)) for a, b in zip(t, p)]),
        "real",
        "real",
    ),
    "cosine": (losses.CosineSimilarity(), cosine, "real", "real"),
    "poisson": (
        losses.Poisson(),
        lambda t, p: mean([b - a * math.log(b + EPS) for a, b in zip(t, p)]),
        "count",
        "probability",
    ),
    "kld": (
        losses.KLDivergence(),
        lambda t, p: sum(a * math.log(a / b) for a, b in zip(t, p)),
        "probability",
        "probability",
    ),
    "bce": (
        losses.BinaryCrossentropy(),
        lambda t, p: mean([bce(a, b) for a, b in zip(t, p)]),
        "binary",
        "probability",
    ),
    "bce_logits": (
        losses.BinaryCrossentropy(from_logits=True),
        lambda t, p: mean([bce(a, sigmoid(b)) for a, b in zip(t, p)]),
        "binary",
        "real",
    ),
    "bce_smooth": (
        losses.BinaryCrossentropy(label_smoothing=0.2),
        lambda t, p: mean([bce(a * 0.8 + 0.1, b) for a, b in zip(t, p)]),
        "binary",
        "probability",
    ),
    "focal": (
        losses.BinaryFocalCrossentropy(),
        lambda t, p: mean([focal(a, b) for a, b in zip(t, p)]),
        "binary",
        "probability",
    ),
    "focal_balanced_logits": (
        losses.BinaryFocalCrossentropy(apply_class_balancing=True, from_logits=True),
        lambda t, p: mean([focal(a, sigmoid(b), 0.25) for a, b in zip(t, p)]),
        "binary",
        "real",
    ),
    "categorical": (losses.CategoricalCrossentropy(), categorical, "onehot", "probability"),
    "categorical_logits": (
        losses.CategoricalCrossentropy(from_logits=True),
        lambda t, p: categorical(t, softmax(p)),
        "onehot",
        "real",
    ),
    "categorical_smooth": (
        losses.CategoricalCrossentropy(label_smoothing=0.3),
        lambda t, p: categorical([a * 0.7 + 0.1 for a in t], p),
        "onehot",
        "probability",
    ),
    "sparse": (
        losses.SparseCategoricalCrossentropy(),
        lambda t, p: categorical([i == t for i in range(3)], p),
        "label",
        "probability",
    ),
    "sparse_logits": (
        losses.SparseCategoricalCrossentropy(from_logits=True),
        lambda t, p: categorical([i == t for i in range(3)], softmax(p)),
        "label",
        "real",
    ),
    "hinge": (
        losses.Hinge(),
        lambda t, p: mean([max(1 - a * b, 0) for a, b in zip(t, p)]),
        "sign",
        "real",
    ),
    "squared_hinge": (
        losses.SquaredHinge(),
        lambda t, p: mean([max(1 - a * b, 0) ** 2 for a, b in zip(t, p)]),
        "sign",
        "real",
    ),
    "categorical_hinge": (
        losses.CategoricalHinge(),
        lambda t, p: max(max((1 - a) * b for a, b in zip(t, p)) - sum(a * b for a, b in zip(t, p)) + 1, 0),
        "onehot",
        "real",
    ),
}


def values(kind: str, rng: np.random.Generator, n: int) -> np.ndarray:
    return {
        "real": lambda: rng.uniform(0.1, 2.0, (n, 3)) * rng.choice([-1, 1], (n, 3)),
        "probability": lambda: rng.uniform(0.05, 0.95, (n, 3)),
        "binary": lambda: rng.integers(0, 2, (n, 3)),
        "sign": lambda: np.concatenate([[[1, -1, 1]], rng.choice([-1, 1], (n - 1, 3))]),
        "count": lambda: rng.integers(0, 5, (n, 3)),
        "onehot": lambda: np.eye(3)[rng.integers(0, 3, n)],
        "label": lambda: rng.integers(0, 3, n),
    }[kind]()


def batch(name: str, seed: int, n: int = 4):
    rng = np.random.default_rng(seed)
    return values(CASES[name][2], rng, n), values(CASES[name][3], rng, n)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_values_are_those_of_the_formula(name, seed):
    loss, formula, *_ = CASES[name]
    y_true, y_pred = batch(name, seed)
    expected = [formula(t.tolist(), p.tolist()) for t, p in zip(y_true, y_pred)]
    found = loss.per_sample(loss.accept(y_true, y_pred, "test"), y_pred)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    assert loss(y_true, y_pred) == pytest.approx(mean(expected), rel=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_gradient_on_tensors_is_the_slope(name):
    loss, *_ = CASES[name]
    y_true, y_pred = batch(name, 5)
    x = Tensor(y_pred, requires_grad=True)
    g = grad(loss(y_true, x), x)
    h = 1e-6
    for i in np.ndindex(y_pred.shape):
        step = np.zeros_like(y_pred)
        step[i] = h
        slope = (loss(y_true, y_pred + step) - loss(y_true, y_pred - step)) / (2 * h)
        assert g[i] == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_float32_stays_float32(name):
    loss, *_ = CASES[name]
    y_true, y_pred = batch(name, 6)
    narrow = loss(y_true, y_pred.astype(np.float32))
    assert narrow.dtype == np.float32
    assert narrow == pytest.approx(loss(y_true, y_pred), rel=1e-4)


@pytest.mark.parametrize("name", CASES)
def test_a_loss_draws_on_symbols_with_an_open_batch(name):
    loss, *_ = CASES[name]
    sparse = CASES[name][2] == "label"
    y_true = Symbol.of((None,), np.int64) if sparse else Symbol.of((None, 3), np.float32)
    y_pred, weights = Symbol.of((None, 3), np.float32), Symbol.of((None,), np.float32)
    drawn = loss(y_true, y_pred, weights)
    assert isinstance(drawn, Symbol)
    assert (drawn.shape, drawn.dtype) == ((), np.float32)
    assert loss.per_sample(loss.prepare(y_true, y_pred.shape), y_pred).shape == (None,)


@pytest.mark.parametrize("name", CASES)
def test_config_round_trip_through_json(name):
    loss, *_ = CASES[name]
    again = losses.deserialize(json.loads(json.dumps(losses.serialize(loss))))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    y_true, y_pred = batch(name, 7)
    assert again(y_true, y_pred) == loss(y_true, y_pred)


@pytest.mark.parametrize(
    ("function", "y_true", "y_pred", "expected"),
    [
        (losses.categorical_crossentropy, [[0, 1, 0], [0, 0, 1]], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]], [0.0513, 2.303]),
        (losses.sparse_categorical_crossentropy, [1, 2], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]], [0.0513, 2.303]),
        (losses.binary_crossentropy, [[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]], [0.916, 0.714]),
        (losses.binary_focal_crossentropy, [[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]], [0.330, 0.206]),
        (losses.cosine_similarity, [[0, 1], [1, 1], [1, 1]], [[1, 0], [1, 1], [-1, -1]], [0, -1, 1]),
    ],
)
def test_function_forms_give_the_values_in_the_documentation_of_keras(function, y_true, y_pred, expected):
    np.testing.assert_allclose(function(np.array(y_true, np.float32), y_pred), expected, atol=1e-3)


def test_the_losses_in_the_documentation_of_keras():
    assert losses.Huber()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]]) == pytest.approx(0.155)
    assert losses.LogCosh()([[0, 1], [0, 0]], [[1, 1], [0, 0]]) == pytest.approx(0.10844523)


# -- where formulas go wrong --------------------------------------------------------------------------------


def test_certain_and_wrong_probabilities_give_the_clipped_value_of_keras():
    assert losses.BinaryCrossentropy()([[1.0]], [[0.0]]) == pytest.approx(16.118, abs=1e-3)
    assert losses.BinaryCrossentropy()([[1.0]], [[1.0]]) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("size", [30.0, 1000.0])
def test_large_logits_neither_overflow_nor_lose_their_gradient(size):
    z = Tensor([[size]], requires_grad=True)
    loss = losses.BinaryCrossentropy(from_logits=True)([[0.0]], z)
    assert float(loss) == pytest.approx(size)
    assert grad(loss, z).tolist() == [[1.0]]
    z = Tensor([[size, 0.0]], requires_grad=True)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)([1], z)
    assert float(loss) == pytest.approx(size)
    assert grad(loss, z).tolist() == [[1.0, -1.0]]


def test_log_cosh_of_large_errors_is_a_straight_line():
    assert losses.LogCosh()([[0.0], [0.0]], [[1e4], [-1e4]]) == pytest.approx(1e4 - math.log(2))


def test_a_vector_of_zeros_has_similarity_zero_and_a_finite_gradient():
    x = Tensor([[0.0, 0.0]], requires_grad=True)
    loss = losses.CosineSimilarity()([[3.0, 4.0]], x)
    assert float(loss) == 0.0
    assert np.all(np.isfinite(grad(loss, x)))


def test_percentage_error_at_zero_divides_by_epsilon():
    assert losses.MeanAbsolutePercentageError()([[0.0]], [[1.0]]) == pytest.approx(1e9, rel=1e-5)


def test_hinges_take_zero_and_one_for_minus_and_plus_one():
    y_pred = np.array([[0.3, -0.4], [2.0, 0.1]])
    for loss in (losses.Hinge(), losses.SquaredHinge()):
        assert loss([[0, 1], [1, 0]], y_pred) == loss([[-1, 1], [1, -1]], y_pred)


def test_categorical_crossentropy_along_another_axis():
    rng = np.random.default_rng(0)
    y_true, y_pred = np.eye(3)[rng.integers(0, 3, (2, 4))], rng.uniform(0.1, 1, (2, 4, 3))
    for from_logits in (False, True):
        last = losses.CategoricalCrossentropy(from_logits)(y_true, y_pred)
        other = losses.CategoricalCrossentropy(from_logits, axis=1)(y_true.swapaxes(1, 2), y_pred.swapaxes(1, 2))
        assert other == pytest.approx(last)
