"""Derivatives as functions of functions, against formulas and against each other."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad.ops  # noqa: F401
from minigrad.core.autodiff import grad
from minigrad.core.check import check_grads
from minigrad.core.symbol import Symbol
from minigrad.core.table import ROWS
from minigrad.core.tensor import Tensor
from minigrad.core.transforms import (
    custom_vjp,
    hessian,
    hvp,
    jacobian,
    jvp,
    stop_gradient,
    value_and_grad,
    vjp,
)
from minigrad.errors import GradientError

rng = np.random.default_rng(0)
A, X, V = rng.standard_normal((3, 4)), rng.standard_normal(4), rng.standard_normal(4)


def f(x):
    return np.tanh(A @ x)


J = (1 - np.tanh(A @ X) ** 2)[:, None] * A


def g(x):
    """A scalar with a full Hessian."""
    return (np.exp(A @ x) * np.sin(A[0] @ x)).sum()


def close(got, expected):
    np.testing.assert_allclose(got.numpy() if isinstance(got, Tensor) else got, expected, rtol=1e-10, atol=1e-12)


class TestFirstDerivatives:
    def test_jacobian(self):
        close(jacobian(f)(X), J)

    def test_jacobian_of_any_shape(self):
        x = rng.standard_normal((2, 3))
        got = jacobian(lambda x: x.T * 2)(x)
        assert got.shape == (3, 2, 2, 3)
        close(got, np.einsum("ik,jl->jikl", np.eye(2), np.eye(3)) * 2)

    def test_jacobian_of_a_number_is_the_gradient(self):
        close(jacobian(g)(X), grad(g(x := Tensor(X, requires_grad=True)), x))

    def test_jacobian_of_nothing(self):
        assert jacobian(lambda x: x[:0])(X).shape == (0, 4)

    def test_jvp(self):
        y, tangent = jvp(f, [X], [V])
        close(y, f(X))
        close(tangent, J @ V)

    def test_jvp_of_several_arguments(self):
        _, tangent = jvp(lambda x, w: (x * w).sum(), [X, V], [V, X])
        close(tangent, V @ V + X @ X)

    def test_vjp(self):
        u = rng.standard_normal(3)
        y, pull = vjp(f, X)
        close(y, f(X))
        close(pull(u)[0], u @ J)
        close(pull(2 * u)[0], 2 * u @ J)

    def test_jvp_and_vjp_are_adjoint(self):
        u = rng.standard_normal(3)
        close(u @ jvp(f, [X], [V])[1].numpy(), vjp(f, X)[1](u)[0] @ V)

    def test_value_and_grad(self):
        value, gradient = value_and_grad(g)(X)
        close(value, g(X))
        close(gradient, jacobian(g)(X))
        assert not value.requires_grad

    def test_value_and_grad_by_argument(self):
        def loss(w, x, b):
            return (w * x + b).sum()

        assert [a.tolist() for a in value_and_grad(loss, argnums=(0, 2))(X, V, 1.0)[1]] == [V.tolist(), 4.0]
        assert value_and_grad(loss, argnums=1)(X, V, 1.0)[1].tolist() == X.tolist()

    def test_value_and_grad_of_a_tree(self):
        params = {"w": X, "more": [V, np.array(2.0)]}
        _, gs = value_and_grad(lambda p: (p["w"] * p["more"][0]).sum() * p["more"][1])(params)
        close(gs["w"], 2 * V)
        close(gs["more"][0], 2 * X)
        close(gs["more"][1], X @ V)

    def test_what_is_not_used_gets_zeros(self):
        assert not value_and_grad(lambda x, y: x.sum(), argnums=(0, 1))(X, V)[1][1].any()
        assert not vjp(lambda x, y: x, X, V)[1](X)[1].any()

    def test_the_arguments_are_left_alone(self):
        x = Tensor(X)
        value_and_grad(g)(x)
        assert x.grad is None
        assert not x.requires_grad


class TestSecondDerivatives:
    def test_hessian_is_symmetric_and_right(self):
        h = hessian(g)(X)
        close(h, h.T)
        step = 1e-5
        for i, unit in enumerate(np.eye(4) * step):
            column = (jacobian(g)(X + unit) - jacobian(g)(X - unit)) / (2 * step)
            np.testing.assert_allclose(h[i], column, rtol=1e-6, atol=1e-6)

    def test_hessian_of_a_matrix(self):
        x = rng.standard_normal((2, 2))
        close(hessian(lambda x: (x**3).sum())(x), np.einsum("ij,ik,jl->ijkl", 6 * x, np.eye(2), np.eye(2)))

    def test_hessian_of_something_linear(self):
        assert not hessian(lambda x: (3 * x).sum())(X).any()

    def test_hvp(self):
        close(hvp(g, [X], [V])[0], hessian(g)(X) @ V)

    def test_hvp_of_several_arguments(self):
        a, b = hvp(lambda x, y: (x * x * y).sum(), [X, V], [V, X])
        close(a, 2 * V * V + 2 * X * X)
        close(b, 2 * X * V)

    def test_forward_over_reverse_is_reverse_over_reverse(self):
        def gradient(x):
            return grad(g(x), x, create_graph=True)

        close(jvp(gradient, [X], [V])[1], hvp(g, [X], [V])[0])

    def test_they_nest(self):
        close(jacobian(jacobian(f))(X), np.stack([hessian(lambda x, i=i: f(x)[i])(X) for i in range(3)]))
        close(jacobian(lambda x: hvp(g, [x], [V])[0])(X), jacobian(lambda x: jacobian(jacobian(g))(x) @ V)(X))

    def test_a_gradient_penalty_trains(self):
        def penalty(x):
            gradient = value_and_grad(g)(x)[1]
            return (gradient * gradient).sum()

        check_grads(penalty, X)

    def test_jvp_is_differentiable(self):
        check_grads(lambda x, v: jvp(f, [x], [v])[1], [X, V], order=1)


class TestMistakes:
    def test_a_number_is_needed(self):
        with pytest.raises(GradientError, match=r"shape is \(3,\)"):
            value_and_grad(f)(X)

    def test_a_tensor_is_needed(self):
        with pytest.raises(GradientError, match="returned a float"):
            value_and_grad(lambda x: 1.0)(X)

    def test_integers(self):
        with pytest.raises(TypeError, match="int64"):
            value_and_grad(lambda x: x.sum())(np.arange(3))

    def test_tangents(self):
        with pytest.raises(ValueError, match=r"1 args but 2 tangents"):
            jvp(f, [X], [V, V])
        with pytest.raises(ValueError, match=r"tangents\[0\] has shape \(2,\).*\(4,\)"):
            jvp(f, [X], [V[:2]])
        with pytest.raises(ValueError, match=r"1 args but 0 vectors"):
            hvp(g, [X], [])
        with pytest.raises(TypeError, match=r"jvp: args must be a list or tuple .* got ndarray"):
            jvp(f, X, [V])
        with pytest.raises(TypeError, match="hvp: vectors must be"):
            hvp(g, [X], V)

    def test_argnums_name_arguments_of_the_call(self):
        _, (b, a) = value_and_grad(lambda x, y: (x * y * y).sum(), argnums=(-1, 0))(X, V)
        np.testing.assert_allclose(a, V * V)
        np.testing.assert_allclose(b, 2 * X * V)
        with pytest.raises(TypeError, match="argnums=1, but the call has 1 positional"):
            value_and_grad(g, argnums=1)(X)

    def test_a_function_of_plain_numbers_has_no_jacobian(self):
        with pytest.raises(GradientError, match="jacobian: the function returned a float"):
            jacobian(lambda x: 3.0)(X)


class TestStopGradient:
    def test_on_tensors_arrays_and_symbols(self):
        x = Tensor(X, requires_grad=True)
        close(grad((x * stop_gradient(x)).sum(), x), X)
        assert stop_gradient(X) is X
        assert not stop_gradient(Symbol.of((2,), np.int64)).requires_grad

    def test_on_symbols_the_gradient_stops_too(self):
        x = Symbol.of((4,), np.float64)
        with pytest.raises(GradientError, match="does not depend"):
            grad(stop_gradient(x).sum(), x)


class TestCustomVjp:
    @pytest.fixture(autouse=True)
    def table_as_it_was(self):
        before = dict(ROWS)
        yield
        ROWS.clear()
        ROWS.update(before)

    def test_the_rule_is_used(self):
        @custom_vjp(lambda g, x: np.clip(g, -1, 1))
        def clipped(x):
            return x * 1.0

        x = Tensor(X, requires_grad=True)
        assert grad((clipped(x) * 50).sum(), x).tolist() == [1, 1, 1, 1]

    def test_rules_for_several_operands_and_the_result(self):
        @custom_vjp(lambda g, out, y: g * y * out / out, lambda g, x: g * x)
        def product(x, y):
            return x * y

        check_grads(product, [X, V])

    def test_none_stops_the_gradient(self):
        @custom_vjp(lambda g, y: g * y, None)
        def product_2(x, y):
            return x * y

        x, y = Tensor(X, requires_grad=True), Tensor(V, requires_grad=True)
        dx, dy = grad(product_2(x, y).sum(), [x, y], allow_unused=True)
        close(dx, V)
        assert dy is None

    def test_it_sees_plain_arrays(self):
        @custom_vjp(lambda g: g)
        def straight_through(x):
            assert not isinstance(x, Tensor)
            return np.round(x)

        x = Tensor(X, requires_grad=True)
        assert grad(straight_through(x).sum(), x).tolist() == [1, 1, 1, 1]

    def test_on_symbols(self):
        @custom_vjp(lambda g, x: g * x)
        def own(x):
            return (x * x).sum(axis=-1, keepdims=True)

        y = own(Symbol.of((None, 3), np.float32))
        assert (y.shape, y.dtype) == ((None, 1), np.float32)

    def test_mistakes_are_told_at_once(self):
        with pytest.raises(ValueError, match="2 rules for 1 operands"):
            custom_vjp(lambda g: g, lambda g: g)(lambda x: x)
