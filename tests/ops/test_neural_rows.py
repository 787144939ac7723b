"""Activations, softmax, one-hot and cross-entropies: against formulas written out here, far out, and with bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import ops
from minigrad.core.autodiff import grad
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Tensor
from minigrad.errors import IdError, LabelError, ShapeError

finite = st.floats(-700, 700)
POINTS = np.array([-3.0, -1.2, -0.1, 0.0, 0.4, 1.0, 3.5])

FORMULAS = {
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x: x if x > 0 else 0.2 * x,
    "elu": lambda x: x if x > 0 else math.exp(x) - 1,
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (math.exp(x) - 1)),
    "hard_sigmoid": lambda x: min(max(x + 3, 0), 6) / 6,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "log_sigmoid": lambda x: -math.log(1 + math.exp(-x)),
    "softplus": lambda x: math.log(1 + math.exp(x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "silu": lambda x: x / (1 + math.exp(-x)),
    "mish": lambda x: x * math.tanh(math.log(1 + math.exp(x))),
    "gelu": lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))),
    "erf": math.erf,
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_activation_is_its_formula_in_its_dtype(name, dtype):
    x = Tensor(POINTS.astype(dtype))
    y = getattr(ops, name)(x)
    assert y.dtype == dtype
    expected = [FORMULAS[name](float(v)) for v in x.numpy()]
    tolerance = {np.float16: 3e-3, np.float32: 2e-6, np.float64: 1e-14}[dtype]
    np.testing.assert_allclose(y.numpy(), expected, rtol=tolerance, atol=tolerance)
    s = getattr(ops, name)(Symbol.of((None, 2), dtype))
    assert (s.shape, s.dtype) == ((None, 2), dtype)


@pytest.mark.parametrize(("name", "at_zero"), [("relu", 0), ("leaky_relu", 0.2), ("elu", 1), ("softsign", 1)])
def test_activation_at_its_kink(name, at_zero):
    x = Tensor(np.zeros(1), requires_grad=True)
    assert grad(getattr(ops, name)(x), x) == at_zero


def test_gelu_by_tanh_is_near_the_exact_one():
    rough, exact = ops.gelu(POINTS, approximate=True), ops.gelu(POINTS)
    np.testing.assert_allclose(rough, exact, atol=1e-3)
    assert np.abs(rough - exact).max() > 1e-5


@given(st.floats(allow_nan=False, width=64))
def test_erf_is_the_standard_librarys(x):
    assert float(ops.erf(np.array(x))) == pytest.approx(math.erf(x), rel=1e-15, abs=5e-324)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_out_nothing_overflows_or_warns(dtype):
    x = Tensor(np.array([-np.inf, -1e4, -1000, 1000, 1e4, np.inf], dtype), requires_grad=True)
    assert ops.sigmoid(x).tolist() == [0, 0, 0, 1, 1, 1]
    assert ops.softplus(x).tolist() == [0, 0, 0, 1000, 1e4, np.inf]
    for f, slopes in [(ops.sigmoid, [0] * 6), (ops.softplus, [0, 0, 0, 1, 1, 1])]:
        assert grad(f(x), x, np.ones(6)).tolist() == slopes


@given(finite)
def test_sigmoid_is_precise_on_both_sides(x):
    expected = 1 / (1 + math.exp(-x))
    assert float(ops.sigmoid(np.array(x))) == pytest.approx(expected, rel=1e-14)


# -- softmax


@pytest.mark.parametrize("axis", [-1, 0, (0, 1), 1])
def test_softmax_is_its_formula(axis):
    x = np.random.default_rng(0).normal(size=(3, 4))
    e = np.exp(x)
    expected = e / e.sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(ops.softmax(Tensor(x), axis=axis).numpy(), expected)
    np.testing.assert_allclose(ops.log_softmax(Tensor(x), axis=axis).numpy(), np.log(expected))


def test_softmax_of_masked_places_and_of_a_wholly_masked_row():
    x = Tensor(np.array([[0.0, -np.inf], [-np.inf, -np.inf], [1.0, 2.0]]), requires_grad=True)
    p, log_p = ops.softmax(x), ops.log_softmax(x)
    np.testing.assert_array_equal(p.numpy()[:2], [[1, 0], [0, 0]])
    np.testing.assert_array_equal(log_p.numpy()[:2], [[0, -np.inf], [-np.inf, -np.inf]])
    g = grad(p, x, np.array([[1.0, 5.0], [1.0, 5.0], [1.0, 0.0]]))
    np.testing.assert_array_equal(g[:2], np.zeros((2, 2)))
    assert np.isfinite(grad(log_p, x, np.ones((3, 2)))).all()


# -- one-hot


def test_one_hot():
    ids = np.array([[0, 2], [1, 1]])
    y = ops.one_hot(ids, 3)
    np.testing.assert_array_equal(y, np.eye(3, dtype=np.float32)[ids], strict=True)
    s = ops.one_hot(Symbol.of((None, 2), np.int64), 3, dtype=np.float64)
    assert (s.shape, s.dtype) == ((None, 2, 3), np.float64)


@pytest.mark.parametrize("bad", [3, -1])
def test_one_hot_refuses_an_id_outside_its_classes(bad):
    with pytest.raises(IdError, match=rf"{bad}.*\[1\]"):
        ops.one_hot(np.array([0, bad]), 3)


# -- cross-entropies


def log_softmax(z):
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def test_the_two_forms_of_softmax_cross_entropy_are_the_formula():
    z = np.random.default_rng(1).normal(size=(2, 3, 4))
    labels = np.array([[0, 3, 1], [2, 2, 0]])
    targets = np.eye(4)[labels]
    expected = -(targets * log_softmax(z)).sum(-1)
    np.testing.assert_allclose(ops.softmax_cross_entropy(z, targets), expected)
    first = np.moveaxis(z, -1, 0), np.moveaxis(targets, -1, 0)
    np.testing.assert_allclose(ops.softmax_cross_entropy(*first, axis=0), expected)
    np.testing.assert_allclose(ops.sparse_softmax_cross_entropy(z, labels), expected)


def test_sigmoid_cross_entropy_is_the_formula():
    z, t = np.random.default_rng(2).normal(size=(2, 5, 3))
    p = 1 / (1 + np.exp(-z))
    np.testing.assert_allclose(ops.sigmoid_cross_entropy(z, t), -t * np.log(p) - (1 - t) * np.log(1 - p))


@pytest.mark.parametrize("far", [1e4, 1e300])
def test_cross_entropies_are_exact_far_out(far):
    z = Tensor(np.array([[far, 0.0]]), requires_grad=True)
    sparse, dense = ops.sparse_softmax_cross_entropy, ops.softmax_cross_entropy
    for loss in (sparse(z, np.array([1])), dense(z, np.array([[0.0, 1.0]]))):
        assert loss.tolist() == [far]
        assert grad(loss, z).tolist() == [[1, -1]]
    loss = ops.sigmoid_cross_entropy(z, np.array([[0.0, 1.0]]))
    assert loss.tolist() == [[far, math.log(2)]]
    assert grad(loss.sum(), z).tolist() == [[1, -0.5]]


def test_a_masked_class_costs_nothing_and_gets_no_gradient():
    z = Tensor(np.array([[-np.inf, 0.0, 0.0]]), requires_grad=True)
    loss = ops.softmax_cross_entropy(z, np.array([[0.0, 1.0, 0.0]]))
    assert loss.item() == pytest.approx(math.log(2))
    np.testing.assert_allclose(grad(loss, z), [[0, -0.5, 0.5]])


@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.bool_])
def test_targets_of_another_dtype_do_not_widen_float32(dtype):
    targets = np.array([[0, 1]], dtype)
    z = Tensor([[1.0, 2.0]], requires_grad=True)
    for f in (ops.softmax_cross_entropy, ops.sigmoid_cross_entropy):
        y = f(z, targets)
        assert y.dtype == np.float32
        assert y.node.fn.rule(0).on_arrays(np.ones(y.shape, np.float32), y.node, 0).dtype == np.float32


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 5], LabelError, r"label 5 at \[1\] is out of range: .* 3 classes, so .* between 0 and 2; .* needs 6"),
        ([-1, 5], LabelError, r"label -1 at \[0\] \(and 1 more\)"),
        ([0.0, 1.0], LabelError, "must be integers, got float64"),
        ([0, 1, 2], ShapeError, r"labels have shape \(3,\), logits \(2, 3\); .* the classes: \(2,\)"),
        ([[0], [1]], ShapeError, r"labels have shape \(2, 1\)"),
    ],
)
def test_bad_labels_are_refused(labels, error, message):
    with pytest.raises(error, match=message):
        ops.sparse_softmax_cross_entropy(Tensor(np.zeros((2, 3))), np.array(labels))


@pytest.mark.parametrize("f", [ops.softmax_cross_entropy, ops.sigmoid_cross_entropy])
@pytest.mark.parametrize("kind", [Tensor, lambda z: Symbol.of(z.shape, z.dtype)], ids=["Tensor", "Symbol"])
def test_targets_are_never_broadcast(f, kind):
    with pytest.raises(ShapeError, match=r"targets have shape \(4,\), logits \(4, 1\)"):
        f(kind(np.zeros((4, 1))), np.zeros(4))
