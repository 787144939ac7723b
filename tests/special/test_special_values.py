"""Where the textbook's formula gives NaN, or the wrong side of a kink: the value and the gradient that we promise.

Numbered as in the table of special values that they come from; what the naive form of an expression gives is kept
here too, so that its documentation stays true.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from minigrad import ops
from minigrad.core.autodiff import grad
from minigrad.core.tensor import Tensor
from minigrad.errors import GradientError

inf = np.inf


def gradient(f: Callable, *values: object, dtype: type = np.float64) -> np.ndarray | list[np.ndarray]:
    """The gradient of the sum of f, without a warning on the way."""
    xs = [Tensor(np.array(v, dtype), requires_grad=True) for v in values]
    gs = grad(f(*xs).sum(), xs)
    assert all(g.dtype == dtype and type(g) is np.ndarray for g in gs)
    return gs[0] if len(gs) == 1 else gs


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_01_norm_at_zero(shape, dtype):
    assert not gradient(np.linalg.norm, np.zeros(shape), dtype=dtype).any()
    if shape:
        assert not gradient(lambda x: np.linalg.norm(x, axis=-1), np.zeros(shape), dtype=dtype).any()


def test_01_norm_at_zero_in_one_row_only():
    g = gradient(lambda x: np.linalg.norm(x, axis=1), [[0, 0], [3, 4]])
    np.testing.assert_allclose(g, [[0, 0], [0.6, 0.8]], rtol=1e-15)


def test_02_std_of_a_constant():
    assert not gradient(np.std, [2.0, 2.0, 2.0]).any()
    assert not gradient(lambda x: x.std(axis=0), np.ones((3, 2))).any()
    assert not gradient(np.var, [2.0, 2.0]).any()


def test_03_sqrt_of_a_sum_of_squares_at_zero_is_the_honest_chain_rule():
    with np.errstate(all="ignore"):
        assert not np.isfinite(gradient(lambda x: np.sqrt((x * x).sum()), [0.0, 0.0])).any()


def test_04_where_with_the_argument_masked_too():
    def safe_log(x):
        positive = x > 0
        return np.where(positive, np.log(np.where(positive, x, 1.0)), 0.0)

    def safe_exp(x):
        negative = x <= 0
        return np.where(negative, np.exp(np.where(negative, x, 0.0)), 1 + x)

    assert gradient(safe_log, [0.0, 2.0]).tolist() == [0, 0.5]
    assert gradient(safe_exp, 1000.0) == 1
    assert gradient(safe_exp, [100.0, -1.0], dtype=np.float32).tolist() == [1, np.exp(np.float32(-1))]


def test_04_where_alone_poisons_with_the_branch_not_taken():
    with np.errstate(all="ignore"):
        assert np.isnan(gradient(lambda x: np.where(x > 0, np.log(x), 0.0), 0.0))


@pytest.mark.parametrize(
    ("x", "right"), [([2.0, 0, 3], [0, 6, 0]), ([0.0, 0, 3], [0, 0, 0]), ([2.0, 3], [3, 2]), ([0.0], [1]), ([], [])]
)
def test_05_prod_with_zeros(x, right):
    assert gradient(np.prod, x).tolist() == right
    assert gradient(lambda x: np.prod(x, axis=0, keepdims=True), x).tolist() == right


def test_05_prod_with_zeros_twice():
    x = Tensor(np.array([2.0, 0, 3]), requires_grad=True)
    g = grad(np.prod(x), x, create_graph=True)
    assert grad(g.sum(), x).tolist() == [3, 5, 2]


def test_06_cumprod_with_zeros():
    assert gradient(np.cumprod, [2.0, 0, 3, 4]).tolist() == [1, 32, 0, 0]
    assert gradient(np.cumprod, [0.0, 0, 3]).tolist() == [1, 0, 0]


def test_07_ties_of_max_share_one():
    for f in (np.max, np.min):
        g = gradient(f, [1.0, 1, 1])
        assert g.sum() == 1
    assert gradient(np.max, [1.0, 1, 0]).sum() == 1
    g = gradient(lambda x: np.max(x, axis=1), [[1.0, 1, 0], [2, 3, 3]])
    assert g.sum(axis=1).tolist() == [1, 1]


def test_07_ties_of_max_are_split_evenly():
    assert gradient(np.max, [1.0, 1, 0]).tolist() == [0.5, 0.5, 0]


def test_08_maximum_of_a_tensor_with_itself():
    for f in (np.maximum, np.minimum, np.fmax, np.fmin):
        assert gradient(lambda x, f=f: f(x, x), [1.0, 0.0]).tolist() == [1, 1]


def test_09_abs_at_zero():
    assert gradient(np.abs, [0.0, -0.0]).tolist() == [0, 0]
    assert gradient(np.sign, 0.0) == 0


def test_10_powers_at_zero_and_below():
    assert gradient(lambda x: x**0, [0.0, -1.0]).tolist() == [0, 0]
    assert gradient(lambda x: x**0.0, [0.0, -1.0]).tolist() == [0, 0]
    assert gradient(lambda x: x**2.0, [0.0, -1.0]).tolist() == [0, -2]
    assert gradient(lambda x: x**1, [0.0, -1.0]).tolist() == [1, 1]
    assert gradient(lambda x: x**3, [0.0, -2.0]).tolist() == [0, 12]


def test_10_power_in_both_operands_at_zero():
    base, exponent = gradient(np.power, [0.0, 0.0, 2.0], [2.0, 1.0, 3.0])
    assert base.tolist() == [0, 1, 12]
    np.testing.assert_allclose(exponent, [0, 0, 8 * np.log(2)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_11_softplus_far_out(dtype):
    assert gradient(ops.softplus, [1000.0, 0.0, -1000.0], dtype=dtype).tolist() == [1, 0.5, 0]
    assert gradient(lambda x: np.logaddexp(x, 0.0), [1000.0, 0.0], dtype=dtype).tolist() == [1, 0.5]


def test_12_logsumexp_far_apart():
    assert gradient(ops.logsumexp, [1000.0, 0.0]).tolist() == [1, 0]
    assert ops.logsumexp(Tensor(np.array([1e4, 1e4]))).item() == pytest.approx(1e4 + np.log(2))
    assert ops.logsumexp(Tensor(np.array([-inf, 0.0]))).item() == 0


def test_13_logaddexp_of_minus_infinity():
    x, y = gradient(np.logaddexp, [-inf, -inf, 0.0], [-inf, 0.0, -inf])
    assert np.isfinite([*x, *y]).all()
    assert x.tolist()[1:] == [0, 1]
    assert y.tolist()[1:] == [1, 0]


@pytest.mark.parametrize("f", ["softmax", "log_softmax", "logsumexp"])
def test_14_a_fully_masked_row_poisons_no_other(f):
    rows = [[-inf, -inf, -inf], [0.0, 1.0, -inf]]
    weights = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 0.0]])

    def masked(x):
        y = getattr(ops, f)(x, axis=-1)
        if f == "softmax":
            return y * weights
        return np.where(np.isfinite(y.detach()), y, 0.0)

    g = gradient(masked, rows)
    assert np.isfinite(g[1]).all()
    assert g[1, 2] == 0


def test_14_softmax_of_a_fully_masked_row_is_finite():
    x = Tensor(np.array([[-inf, -inf], [0.0, 0.0]]), requires_grad=True)
    y = ops.softmax(x, axis=-1)
    assert np.isfinite(y.numpy()).all()
    assert y.numpy()[1].tolist() == [0.5, 0.5]
    assert np.isfinite(grad((y * np.array([1.0, 2.0])).sum(), x)).all()


def test_15_cross_entropy_from_logits_far_apart():
    logits = Tensor(np.array([[1e4, 0.0]]), requires_grad=True)
    loss = ops.sparse_softmax_cross_entropy(logits, np.array([1])).sum()
    assert loss.item() == 1e4
    assert grad(loss, logits).tolist() == [[1, -1]]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_16_sigmoid_far_out_without_a_warning(dtype):
    assert ops.sigmoid(Tensor(np.array([-1000, 1000], dtype))).tolist() == [0, 1]
    assert gradient(ops.sigmoid, [-1000.0, 1000.0, 0.0], dtype=dtype).tolist() == [0, 0, 0.25]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_17_the_gradient_of_max_keeps_the_dtype(dtype):
    for f in (np.max, np.min, np.mean, np.var, np.std, np.prod, np.sum, ops.logsumexp):
        gradient(lambda x, f=f: f(x, axis=0), [[1.0, 2.0], [3.0, 0.5]], dtype=dtype)


def test_18_an_integer_asked_for_a_gradient():
    with pytest.raises(TypeError, match="int64"):
        Tensor([1, 2], requires_grad=True)
    with pytest.raises(GradientError, match="int64"):
        grad(Tensor([1.0], requires_grad=True).sum(), Tensor([1]))


def test_19_einsum_with_a_repeated_index():
    assert gradient(lambda x: np.einsum("ii", x), np.ones((3, 3))).tolist() == np.eye(3).tolist()
    assert gradient(lambda x: np.einsum("ii->i", x), np.ones((3, 3))).tolist() == np.eye(3).tolist()


def test_19_einsum_with_broadcasting():
    a, b = gradient(lambda a, b: np.einsum("i,i", a, b), [1.0, 2.0], [3.0])
    assert a.tolist() == [3, 3]
    assert b.tolist() == [3]


def test_20_a_chain_of_100_000_ops():
    x = Tensor(np.ones(1), requires_grad=True)
    start = time.perf_counter()
    y = x
    for _ in range(100_000):
        y = y * 1.0
    y.sum().backward()
    del y
    assert x.grad.tolist() == [1]
    assert time.perf_counter() - start < 20, "about 1 s on an idle machine"


def test_21_a_diamond_of_60_levels():
    x = Tensor(np.ones(()), requires_grad=True)
    y = x
    for _ in range(60):
        y = y + y
    start = time.perf_counter()
    y.backward()
    assert x.grad == 2**60
    assert time.perf_counter() - start < 1
