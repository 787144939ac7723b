"""The checker that users get: what it takes, what it finds, what it says."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad.ops  # noqa: F401
from minigrad.core.autodiff import grad
from minigrad.core.check import check_grads, check_op
from minigrad.core.op import Op
from minigrad.core.spec import Spec
from minigrad.core.table import ROWS
from minigrad.core.tensor import Tensor
from minigrad.errors import GradientError, ShapeError

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((2, 3)), rng.standard_normal(3)


@pytest.fixture
def row():
    """Makes rows, and takes them out of the table again."""
    made = []

    def make(*args, **columns):
        made.append(Op(*args, **columns))
        return made[-1]

    yield make
    for op in made:
        del ROWS[op.name]


def wrong_square(row, vjp):
    return row(
        lambda x: x * x, name="wrong_square", spec=lambda x: x, vjp=vjp, samples=lambda draw: ((draw.array((2,)),), {})
    )


class TestTakes:
    def test_returns_none_where_all_is_well(self):
        assert check_grads(lambda x, y: np.tanh(x * y) @ y, [X, Y]) is None

    def test_one_argument_without_a_list(self):
        check_grads(np.tanh, X)

    def test_scalars_tensors_and_float32(self):
        check_grads(lambda x, y: x * y, [2.5, Tensor(X.astype(np.float32), requires_grad=True)])

    def test_integers_are_passed_through(self):
        def gather(table, ids, name):
            assert isinstance(ids, np.ndarray)
            assert name == "rows"
            return np.take(table, ids, axis=0)

        check_grads(gather, [X, np.array([1, 0, 1]), "rows"])

    def test_order_3(self):
        check_grads(lambda x: np.tanh(x) * x, [Y], order=3)

    def test_linear_functions(self):
        check_grads(lambda x: x * 3 + 1, [Y])

    def test_zero_size(self):
        check_grads(lambda x: np.tanh(x), [np.zeros((0, 3))])

    def test_a_function_that_differentiates(self):
        def hvp(x, v):
            g = grad((x * x * x).sum(), x, create_graph=True)
            return grad((g * v).sum(), x, create_graph=True)

        check_grads(hvp, [Y, Y + 1])


class TestFinds:
    def test_a_wrong_rule_and_says_where(self, row):
        op = wrong_square(row, lambda g, x: 2 * g * x + g * np.array([0.0, 0.5]))
        with pytest.raises(GradientError, match=r"d result\[1\] / d argument 0\[1\]: expected (4|3\.99)\d*, got 4\.5"):
            check_grads(op, np.array([1.0, 2.0]))
        with pytest.raises(GradientError, match=r"wrong_square, sample 0 .*d result\[1\] / d argument 0\[1\]"):
            check_op(op)

    def test_the_argument(self, row):
        op = row(
            lambda x, y: x * y,
            name="wrong_product",
            spec=lambda x, y: x,
            vjp=(lambda g, y: g * y, lambda g, x: 2 * g * x),
        )
        with pytest.raises(GradientError, match=r"/ d argument 1\["):
            check_grads(op, [np.array([1.0, 2.0]), np.array([3.0, 4.0])])

    def test_a_relative_error_of_a_thousandth(self, row):
        with pytest.raises(GradientError):
            check_grads(wrong_square(row, lambda g, x: 2.002 * g * x), np.array([1.0, 2.0]))

    def test_a_second_order_that_is_cut_off(self, row):
        op = wrong_square(row, lambda g, x: 2 * g * (x.detach() if isinstance(x, Tensor) else x))
        check_grads(op, np.array([1.0, 2.0]), order=1)
        with pytest.raises(
            GradientError, match=r"d gradient of argument 0\[(\d)\] / d argument 0\[\1\]: expected .*, got 0"
        ):
            check_grads(op, np.array([1.0, 2.0]))

    def test_a_second_order_that_is_cut_off_from_the_upstream(self, row):
        op = row(
            lambda x: 3 * x,
            name="triple",
            spec=lambda x: x,
            vjp=lambda g: 3 * (g.detach() if isinstance(g, Tensor) else g),
        )
        check_grads(op, np.array([1.0]), order=1)
        with pytest.raises(
            GradientError, match=r"d gradient of argument 0\[0\] / d upstream of result\[0\]: expected [23]\S*, got 0"
        ):
            check_grads(op, np.array([1.0]))

    def test_randomness(self):
        generator = np.random.default_rng(0)
        with pytest.raises(GradientError, match="two results"):
            check_grads(lambda x: x * generator.uniform(), Y)

    def test_nan(self, row):
        with pytest.raises(GradientError, match="nan"):
            check_grads(wrong_square(row, lambda g, x: g * np.nan), Y)

    def test_a_result_that_does_not_depend(self):
        with pytest.raises(GradientError, match="depends on no float argument"):
            check_grads(lambda x: x.detach() * 1, Y)
        with pytest.raises(GradientError, match="depends on no float argument"):
            check_grads(lambda x: Tensor(np.ones(1)), np.array([1]))

    def test_a_result_of_another_kind(self):
        with pytest.raises(GradientError, match="ndarray"):
            check_grads(lambda x: x.numpy(), Y)
        with pytest.raises(GradientError, match="dtype float32"):
            check_grads(lambda x: x.astype(np.float32), Y)


class TestCheckOp:
    def test_spec_against_kernel(self, row):
        op = row(
            lambda x: x.sum(),
            name="wrong_spec",
            spec=lambda x: Spec(x.shape, x.dtype),
            samples=lambda draw: ((draw.array((2,)),), {}),
        )
        with pytest.raises(ShapeError, match=r"wrong_spec, sample 0.*the spec rule says.*\(2,\).*the kernel gave"):
            check_op(op)

    def test_out(self, row):
        op = row(
            lambda x, *, out=None: x + 1,
            name="wrong_out",
            spec=lambda x: x,
            samples=lambda draw: ((draw.array((2,)),), {}),
        )
        with pytest.raises(ValueError, match="with out= the kernel wrote something else"):
            check_op(op)

    def test_needs_samples(self, row):
        with pytest.raises(ValueError, match="no_samples has no samples"):
            check_op(row(lambda x: x, name="no_samples", spec=lambda x: x))
