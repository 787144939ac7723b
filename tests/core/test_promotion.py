"""A dtype follows from dtypes alone, in every NumPy: never from values, nor from an array's having no axes (NEP 50)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import ops
from minigrad.core.autodiff import grad
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Tensor
from minigrad.program import Program, Trace

F4 = np.dtype(np.float32)
TWO_OPERANDS = [
    np.add, np.subtract, np.multiply, np.true_divide, np.maximum, np.less, np.equal, np.arctan2, np.logaddexp,
]  # fmt: skip
numbers = st.sampled_from([0.1, 0.75, 1.0, 3.0, 100.0])


@st.composite
def values(draw: Any) -> np.ndarray:
    """One or two numbers of any dtype, with an axis or without one."""
    shape = draw(st.sampled_from([(), (1,), (2,)]))
    return np.full(shape, draw(numbers)).astype(draw(st.sampled_from("i1 i8 f2 f4 f8".split())))


def with_an_axis(x: Any) -> Any:
    return np.atleast_1d(x) if isinstance(x, np.ndarray) else x


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # by zero
@pytest.mark.parametrize("f", TWO_OPERANDS, ids=lambda f: f.__name__)
@given(x=values(), y=values() | numbers, turned=st.booleans())
def test_no_axes_are_as_one_axis(f: Callable, x: np.ndarray, y: Any, turned: bool) -> None:
    def both(left: Any, right: Any) -> Any:
        return f(right, left) if turned else f(left, right)

    expected = both(with_an_axis(x), with_an_axis(y))
    got = both(Tensor(x), Tensor(y) if isinstance(y, np.ndarray) else y)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got.numpy(), expected.reshape(got.shape))
    arrays = {name: a for name, a in {"x": x, "y": y}.items() if isinstance(a, np.ndarray)}
    symbols = {name: Symbol.of(a.shape, a.dtype) for name, a in arrays.items()}
    program = Program(Trace(symbols, {"result": both(symbols["x"], symbols.get("y", y))}), f.__name__)
    ran = program(**arrays)["result"]
    assert ran.dtype == expected.dtype
    np.testing.assert_allclose(ran, got.numpy(), rtol=1e-3 if ran.dtype == np.float16 else 1e-6)


# -- float32 stays

ONE_STEP: list[Callable[[Any], Any]] = [
    lambda x: x * 0.1,
    lambda x: 2 / (x * x + 1),
    lambda x: 0.3**x,
    lambda x: abs(x) ** 1.5,
    lambda x: np.where(x > 0.1, x, 0.1 * x),
    lambda x: np.clip(x, -0.9, 0.9),
    lambda x: x + x.mean(),
    lambda x: x * x.sum() / x.size,
    lambda x: x / (x.std() + 1e-3),
    lambda x: (x - x.max()) * 0.5,
    lambda x: ops.relu(x - 0.1) + ops.softplus(x),
    lambda x: np.sqrt(x * x + 1.0) - np.exp(-x * x),
    lambda x: np.tanh(x.reshape(-1)).reshape(x.shape),
    lambda x: x * np.linalg.norm(np.reshape(x, (-1,)) + 3.0),
    lambda x: np.stack([x, x * 2.0]).mean(axis=0),
    lambda x: np.einsum("...,...->...", x, x) * 0.1,
]


@given(
    start=st.sampled_from([(), (1,), (3,), (2, 3)]),
    steps=st.lists(st.sampled_from(ONE_STEP), min_size=1, max_size=5),
    create_graph=st.booleans(),
)
def test_float32_stays_with_python_numbers_and_without_axes(
    start: tuple, steps: list[Callable], create_graph: bool
) -> None:
    x = Tensor(np.full(start, 0.7, F4), requires_grad=True)
    y = x
    for step in steps:
        y = step(y)
        assert (y.shape, y.dtype) == (x.shape, F4)
    g = grad(y.mean() * 0.5, x, create_graph=create_graph)
    assert (g.shape, g.dtype) == (x.shape, F4)


@pytest.mark.parametrize("backward_twice", [False, True])
def test_grad_of_a_leaf_without_axes_is_a_float32_array(backward_twice: bool) -> None:
    x = Tensor(np.array(0.7, F4), requires_grad=True)
    for _ in range(1 + backward_twice):
        (np.sin(x) * 0.1 + x**2).backward()
    assert type(x.grad) is np.ndarray
    assert x.grad.dtype == F4
