"""Arithmetic where formulas break: kinks, zeros, ties, steps, and NumPy's less used arguments."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import ops
from minigrad.core.autodiff import grad
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Tensor, Variable


def slope(f, *values, dtype=np.float64):
    """The gradients of f's sum, one for each value."""
    xs = [Tensor(np.array(v, dtype), requires_grad=True) for v in values]
    gradients = grad(f(*xs).sum(), xs)
    return gradients if len(xs) > 1 else gradients[0]


# -- powers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("exponent", "expected"), [(0, [0, 0, 0]), (0.0, [0, 0, 0]), (1, [1, 1, 1]), (2.0, [0, -2, 6]), (3, [0, 3, 27])]
)
def test_power_by_a_number_at_zero_and_below(exponent, expected, dtype):
    g = slope(lambda x: x**exponent, [0.0, -1.0, 3.0], dtype=dtype)
    assert g.dtype == dtype
    np.testing.assert_array_equal(g, expected)


def test_power_by_an_array_at_zero_and_below():
    base, exponent = slope(np.power, [0.0, 0.0, -1.0, 2.0], [0.0, 2.0, 2.0, 0.0])
    np.testing.assert_array_equal(base, [0, 0, -2, 0])
    np.testing.assert_allclose(exponent, [0, 0, 0, np.log(2)])


def test_second_order_of_a_power_with_exponent_zero():
    """d/dy of y * x**(y - 1) is 1/x at y = 0: masking y alone would lose it."""
    x, y = (Tensor(np.array(v), requires_grad=True) for v in (2.0, 0.0))
    along_x = grad(x**y, x, create_graph=True)
    assert grad(along_x, y) == pytest.approx(0.5)


@pytest.mark.parametrize(("base", "expected"), [(2.0, np.log(2) * 8), (0.0, 0.0), (-2.0, 0.0)])
def test_a_number_to_the_power_of_a_tensor(base, expected):
    np.testing.assert_allclose(slope(lambda y: base**y, [3.0]), expected)


def test_float_power_computes_in_float64_and_gives_its_gradient_in_float32():
    x = Tensor(np.array([4.0], np.float32), requires_grad=True)
    y = np.float_power(x, 0.5)
    assert y.dtype == np.float64
    g = grad(y, x)
    assert g.dtype == np.float32
    assert g[0] == np.float32(0.25)


# -- kinks and ties


@pytest.mark.parametrize("f", [np.maximum, np.minimum, np.fmax, np.fmin])
def test_extrema_of_two_share_a_tie(f):
    a, b = slope(f, [1.0, 2.0], [1.0, 3.0])
    assert (a[0], b[0]) == (0.5, 0.5)
    assert {a[1], b[1]} == {0.0, 1.0}
    np.testing.assert_array_equal(slope(lambda x: f(x, x), [1.0, -2.0]), [1, 1])


def test_fmax_gives_the_gradient_past_a_nan():
    a, b = slope(np.fmax, [np.nan, 1.0], [2.0, np.nan])
    np.testing.assert_array_equal((a, b), [[0, 1], [1, 0]])


def test_hypot_at_zero():
    np.testing.assert_array_equal(slope(np.hypot, [0.0], [0.0]), [[0], [0]])


@pytest.mark.parametrize(
    "clip",
    [
        lambda x: np.clip(x, -1, 1),
        lambda x: np.clip(x, a_min=-1, a_max=1),
        lambda x: x.clip(-1, 1),
        lambda x: ops.clip(x, min=-1, max=1),
    ],
)
def test_clip_passes_the_gradient_inside_and_on_the_bounds(clip):
    np.testing.assert_array_equal(slope(clip, [-2.0, -1.0, 0.0, 1.0, 2.0]), [0, 1, 1, 1, 0])


def test_clip_gives_the_gradient_to_the_bound_that_holds():
    x, low, high = slope(np.clip, [-2.0, 0.0, 2.0, 0.0], [-1.0, -1.0, -1.0, 5.0], [1.0, 1.0, 1.0, 1.0])
    np.testing.assert_array_equal(x, [0, 1, 0, 0])
    np.testing.assert_array_equal(low, [1, 0, 0, 0])
    np.testing.assert_array_equal(high, [0, 0, 1, 1])  # where low > high, NumPy takes high


@pytest.mark.parametrize("bounds", [(None, 1), (-1, None), (-1, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_clip_open_on_one_side_keeps_the_dtype(bounds, dtype):
    x = np.array([-3, 0, 3], dtype)
    y = np.clip(Tensor(x), *bounds)
    np.testing.assert_array_equal(y.numpy(), np.clip(x, *bounds), strict=True)


def test_clip_refuses_a_bound_twice():
    with pytest.raises(TypeError, match="not as both"):
        ops.clip(Tensor([1.0]), 0, min=0)


# -- steps


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated")  # since NumPy 2.5
@pytest.mark.parametrize("f", [np.floor, np.ceil, np.trunc, np.rint, np.sign, np.round, getattr(np, "fix", np.trunc)])
def test_the_gradient_of_a_step_is_zero_even_where_the_upstream_is_infinite(f):
    x = Tensor(np.array([0.3, -1.7]), requires_grad=True)
    y = f(x)
    np.testing.assert_array_equal(y.numpy(), f(x.numpy()))
    np.testing.assert_array_equal(grad(y, x, np.array([np.inf, np.nan])), [0, 0])


def test_round_to_decimals():
    x = np.array([0.126, -1.255])
    np.testing.assert_array_equal(np.round(Tensor(x), 2).numpy(), np.round(x, 2))
    np.testing.assert_array_equal(Tensor(x).round(1).numpy(), np.round(x, 1))


def test_nan_to_num_lets_gradients_through_finite_numbers_only():
    x = [np.nan, np.inf, -np.inf, 2.0]
    np.testing.assert_array_equal(slope(np.nan_to_num, x), [0, 0, 0, 1])
    given = {"nan": 1.0, "posinf": 5.0, "neginf": -5.0}
    np.testing.assert_array_equal(np.nan_to_num(Tensor(np.array(x)), **given).numpy(), [1, 5, -5, 2])


# -- sinc's derivatives cancel near 0


@pytest.mark.parametrize("x", [0.0, 1e-9, 1e-3, 0.1, 0.299, 0.301, 2.0])
def test_sinc_to_second_order_near_zero(x):
    """Against its power series in exact steps: sinc = sum of (-1)^k (pi x)^2k / (2k+1)!."""
    from math import factorial, pi

    def series(order):
        return sum(
            (-1) ** k
            * pi ** (2 * k)
            * factorial(2 * k)
            / factorial(2 * k - order)
            / factorial(2 * k + 1)
            * x ** (2 * k - order)
            for k in range((order + 1) // 2, 30)
        )

    t = Tensor(np.array(x), requires_grad=True)
    first = grad(np.sinc(t), t, create_graph=True)
    assert first.item() == pytest.approx(series(1), rel=1e-12, abs=1e-15)
    assert grad(first, t) == pytest.approx(series(2), rel=1e-10)


# -- arguments


@pytest.mark.parametrize("value", [Tensor([1.0]), Symbol.of((None, 2), np.float32)], ids=["Tensor", "Symbol"])
@pytest.mark.parametrize("given", [{"where": True}, {"dtype": np.float64}, {"casting": "no"}], ids=str)
def test_ufunc_arguments_without_a_meaning_here_are_refused(value, given):
    name = next(iter(given))
    with pytest.raises(TypeError, match=f"np.add with {name}="):
        np.add(value, 1, **given)
    with pytest.raises(TypeError, match=f"add: takes no argument {name}"):
        ops.add(value, 1, **given)


def test_two_names_of_one_function_are_one_row():
    assert ops.divide is ops.true_divide
    assert ops.mod is ops.remainder


# -- copies and casts


def test_a_cast_passes_gradients_between_floats_and_stops_them_at_integers():
    x = Tensor([1.5, -2.5], requires_grad=True)
    wide = x.astype(np.float64)
    assert wide.dtype == np.float64
    assert grad(wide.sum(), x).dtype == np.float32
    cut = x.astype(np.int32)
    assert (cut.tolist(), cut.requires_grad, cut.node) == ([1, -2], False, None)
    assert x.astype(np.float32) is x


def test_a_cast_of_a_variable_does_not_follow_it():
    v = Variable(np.zeros(2, np.float32))
    before = v.astype(np.float32)
    v.assign([1, 1])
    assert before.tolist() == [0, 0]


def test_what_depends_on_the_shape_alone_is_a_constant():
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    for y, value in [(np.zeros_like(x), 0), (np.ones_like(x), 1), (np.full_like(x, 7), 7)]:
        assert (y.shape, y.dtype, y.requires_grad) == ((1, 2), np.float32, False)
        assert (y.numpy() == value).all()
    assert np.zeros_like(x, dtype=np.int64).dtype == np.int64
    s = Symbol.of((None, 2), np.float32)
    assert np.ones_like(s).shape == np.shape(s) == (None, 2)
    assert (np.ndim(s), np.size(s), np.size(s, 1)) == (2, None, 2)


def test_a_copy_passes_the_gradient_and_a_detached_tensor_does_not():
    x = Tensor([3.0], requires_grad=True)
    assert grad(np.copy(x) * x.detach(), x) == 3
    assert not x.detach().requires_grad
