"""Nests of loops compute what their ops do: each expression against its row, and random nests against the plain plan.

The text of a nest is Python, so it is run as it is here; what Numba makes of it is compared in test_kernels.py and by
the slow half of the tests that compare with eager execution.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import ops
from minigrad.core.legacy import compute
from minigrad.core.spec import spec_of
from minigrad.core.symbol import Symbol
from minigrad.core.table import ROWS
from minigrad.program import Trace
from minigrad.program.lines import Nest
from minigrad.program.nest import EXPRESSIONS, SUMS, Writer, loop_shape
from minigrad.program.plan import Plan
from minigrad.program.step import Step

SPECIAL = np.array([0.0, -0.0, 1.0, -1.5, 2.0, np.nan, np.inf, -np.inf, 1e30, -1e-30])
ATTRS: dict[str, dict[str, Any]] = {"leaky_relu": {"slope": 0.2}, "cast": {"dtype": np.dtype("float32")}}


def run(writer: Writer, values: dict[Any, np.ndarray]) -> None:
    """The function that a writer wrote, on arrays by argument."""
    namespace: dict[str, Any] = {"np": np}
    exec(writer.text, namespace)
    with np.errstate(all="ignore"):
        namespace[writer.name](*(values[a] for a in writer.arguments))


def nest_of(steps: list[Step], outputs: list[Step]) -> Nest:
    (shape,) = {loop_shape(s) for s in steps}
    assert shape is not None
    nest = Nest(shape)
    nest.steps, nest.outputs = steps, outputs
    return nest


def alone(op: Any, *operands: np.ndarray, **attrs: Any) -> np.ndarray:
    """An op as a nest of its own."""
    symbols = [Symbol.of(x.shape, x.dtype) if isinstance(x, np.ndarray) else x for x in operands]
    inputs = {f"x{i}": s for i, s in enumerate(symbols) if isinstance(s, Symbol)}
    (step,) = Plan(Trace(inputs, {"y": op(*symbols, **attrs)})).steps
    writer = Writer(nest_of([step], [step]), lambda result, operand: False)
    out = np.full(step.spec.shape, 7, step.spec.dtype)
    run(writer, {step: out, **{s: x for s, x in zip(symbols, operands) if isinstance(s, Symbol)}})
    return out


def of_dtype(name: str, place: int, dtype: str) -> str:
    """The dtype of an operand that an op is tried with."""
    logical = name.startswith(("logical", "bitwise")) or (name == "where" and place == 0)
    return "bool" if logical else dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_each_expression_gives_the_bits_of_its_row(name, dtype):
    op, rng = ROWS[name], np.random.default_rng(0)
    for shapes in ([(10, 10)] * 3, [(10, 1), (1, 10), (10,)], [(10, 10), (10,), (1, 1)], [(1,), (1,), (1,)]):
        operands = []
        for place, shape in enumerate(shapes[: len(op.operands)]):
            values = rng.permutation(np.resize(SPECIAL, np.prod(shape))).reshape(shape)
            operands.append(values.astype(of_dtype(name, place, dtype)))
        if name == "clip":
            operands[1:] = [-0.5, 1.5]
        with np.errstate(all="ignore"):
            expected = op.kernel(*operands, **ATTRS.get(name, {}))
        got = alone(op, *operands, **ATTRS.get(name, {}))
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, np.broadcast_to(expected, got.shape))


def test_operands_of_other_dtypes_and_numbers_are_taken_as_numpy_takes_them():
    x = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)
    for op, operands in (
        (ops.multiply, (x, x > 0)),
        (ops.multiply, (x, 3)),
        (ops.add, (0.1, x)),
        (ops.multiply, (x, np.float32(0.1))),
        (ops.add, (x, x.astype(np.float64))),
        (ops.add, (x, np.arange(4, dtype=np.int8))),
        (ops.greater, (x, 0)),
        (ROWS["where"], (x > 0, x, 0.5)),
        (ROWS["cast"], (x > 0,)),
    ):
        attrs = {"dtype": np.dtype("float64")} if op is ROWS["cast"] else {}
        expected = op.kernel(*operands, **attrs)
        got = alone(op, *operands, **attrs)
        np.testing.assert_array_equal(got, expected, strict=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("shape", [(3, 4), (3, 1, 4), (1, 1), (5,), (2, 3, 1, 2), (0, 3), (3, 0)])
def test_sums_over_any_axes(name, shape, keepdims, dtype):
    x = np.random.default_rng(1).normal(size=shape).astype(dtype)
    axes = [None, *range(len(shape)), *[(0, len(shape) - 1)] * (len(shape) > 1)]
    for axis in axes:
        with np.errstate(all="ignore"):
            expected = compute(ROWS[name], x, axis=axis, keepdims=keepdims)  # in NumPy 2's dtype
        got = alone(ROWS[name], x, axis=axis, keepdims=keepdims)
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


def test_a_sum_over_many_numbers_is_not_less_exact_than_numpys():
    x = np.full(100_000, 0.1, np.float32)
    assert abs(float(alone(ROWS["sum"], x, axis=None, keepdims=False)) - 10_000) < 1e-2


@pytest.mark.parametrize(
    "refused",
    [
        lambda x: np.exp(x),  # NumPy's own is faster
        lambda x: x.astype("float16") * 2,
        lambda x: np.floor_divide(x, 2),
        lambda x: (x > 0) | (x < 1),
        lambda x: np.clip(x, float("nan"), 1),
        lambda x: x.reshape(-1)[0] * 2,  # a number, not an array with axes
    ],
)
def test_what_loops_do_not_do_exactly_or_not_well_is_left_to_numpy(refused):
    x = Symbol.of((3, 4), np.float32)
    step = Plan(Trace({"x": x}, {"y": refused(x)})).steps[-1]
    assert loop_shape(step) is None or step.node.fn.name == "bitwise_or"


# -- plans -------------------------------------------------------------------------------------------------------------

UNARY = [lambda x: x * 2, np.negative, np.square, lambda x: np.maximum(x, 0.1), lambda x: x + 1, np.exp, np.tanh]


@given(st.integers(0, 2**32))
def test_random_nests_compute_what_the_plain_plan_does(seed):
    """Elementwise ops, sums, products and views of a few shapes, with some results read twice."""
    rng = np.random.default_rng(seed)
    inputs = {f"x{i}": Symbol.of(s, np.float32) for i, s in enumerate([(3, 4), (4,), (3, 1), (3, 4)])}
    made: list[Any] = list(inputs.values())
    for _ in range(rng.integers(3, 14)):
        x, y = (made[i] for i in rng.integers(0, len(made), 2))
        kind = rng.integers(0, 8)
        if kind < 3:
            made.append(UNARY[rng.integers(len(UNARY))](x))
        elif kind < 6 and spec_fits(x, y):
            made.append([np.add, np.multiply, np.subtract, np.greater][rng.integers(4)](x, y) * np.float32(1))
        elif kind == 6 and x.shape:
            made.append(x.sum(axis=int(rng.integers(len(x.shape))), keepdims=bool(rng.integers(2))))
        elif x.shape == (3, 4):
            made.append([lambda x: x.T @ x, lambda x: x.reshape(4, 3).T[:, :], lambda x: x[::-1]][rng.integers(3)](x))
    outputs = {f"y{i}": y for i, y in enumerate(made[4:]) if rng.integers(2) or y is made[-1]}
    trace = Trace(inputs, outputs)
    values = {s: rng.normal(size=s.shape).astype(np.float32) for s in inputs.values()}
    one, other = interpreted(Plan(trace), values), interpreted(Plan(trace, fused=True), values)
    for name in outputs:
        assert (one[name].dtype, one[name].shape) == (other[name].dtype, other[name].shape)
        np.testing.assert_allclose(one[name], other[name], rtol=1e-5, atol=1e-5)


def spec_fits(x: Any, y: Any) -> bool:
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return False
    return True


def interpreted(plan: Plan, values: dict[Any, np.ndarray]) -> dict[str, np.ndarray]:
    """A plan's results, line by line, each result in an array of its own: of the order of lines, not of the memory."""
    done: dict[Any, Any] = dict(values)

    def value(x: Any) -> Any:
        return done[x] if isinstance(x, (Step, Symbol)) else getattr(x, "_data", x)

    with np.errstate(all="ignore"):
        for line in plan.lines:
            if isinstance(line, Nest):
                writer = Writer(line, lambda result, operand: False)
                done.update({s: np.empty(s.spec.shape, s.spec.dtype) for s in line.outputs})
                run(writer, {a: value(a) if isinstance(a, (Step, Symbol)) else a for a in writer.arguments})
            else:
                for s in line.steps:
                    done[s] = np.asarray(s.node.fn.kernel(*map(value, s.args), **s.node.attrs))
    return {name: np.array(value(x)) for name, x in plan.results.items()}


def test_a_nest_reads_each_operand_once_and_stores_what_others_read():
    x, w = Symbol.of((8, 4), np.float32), Symbol.of((4, 4), np.float32)
    h = np.maximum(x @ w + 1, 0)
    plan = Plan(Trace({"x": x, "w": w}, {"y": h @ w, "bias": (h * 2).sum(axis=0)}), fused=True)
    (nest,) = [line for line in plan.lines if isinstance(line, Nest)]
    assert [s.node.fn.name for s in nest.steps] == ["add", "maximum", "multiply", "sum"]
    assert [s.node.fn.name for s in nest.outputs] == ["maximum", "sum"]
    assert spec_of(np.zeros((8, 4), np.float32)) == nest.outputs[0].spec


def test_a_nest_does_not_wait_for_itself():
    """h is read by the product, and by the sum that needs the product: h and the sum cannot be one nest."""
    x = Symbol.of((4, 4), np.float32)
    h = x * 2 + 1
    total = (h * (h @ x)).sum(axis=0)
    plan = Plan(Trace({"x": x}, {"y": total}), fused=True)
    assert [type(line).__name__ for line in plan.lines] == ["Nest", "Step", "Nest"]
