"""Ops spelled as NumPy give the numbers of their kernels, to the bit."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.core.legacy import LEGACY
from minigrad.core.samples import seeded
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Variable
from minigrad.ops import matmul
from minigrad.program import Program, Trace
from minigrad.program.spelling import SPELLINGS, constant

sys.path.insert(0, str(Path(__file__).parents[1] / "ops"))
from all_rows import ROWS


def program_of(op, operands, attrs) -> tuple[Program, dict[str, np.ndarray]]:
    arrays = {f"x{i}": x for i, x in enumerate(operands) if isinstance(x, np.ndarray)}
    symbols = {key: Symbol.of(x.shape, x.dtype) for key, x in arrays.items()}
    y = op(*(symbols.get(f"x{i}", x) for i, x in enumerate(operands)), **attrs)
    return Program(Trace(symbols, {"y": y}), op.name), arrays


def calls_a_kernel(program: Program) -> bool:
    return any(isinstance(value, FunctionType) for value in program._step.__globals__.values())


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_spelling_is_the_kernel(name):
    spelled = 0
    for seed in range(12):
        operands, attrs = ROWS[name].samples(seeded(seed))
        program, arrays = program_of(ROWS[name], operands, attrs)
        result = program(**arrays)["y"]
        expected = np.asarray(ROWS[name].kernel(*operands, **attrs))
        assert result.dtype == expected.dtype
        assert np.array_equal(result, expected, equal_nan=expected.dtype.kind == "f")
        spelled += not calls_a_kernel(program)
    assert spelled or (name == "broadcast_to" or LEGACY)


def test_what_is_large_is_broadcast_by_numpy():
    program, arrays = program_of(ROWS["broadcast_to"], (np.ones((1, 70)),), {"shape": (70, 70)})
    assert "np.broadcast_to(x0, (70, 70))" in program.source
    assert program(**arrays)["y"].shape == (70, 70)


def test_float16_is_summed_by_the_kernel():
    x = np.ones(10_000, np.float16)
    for name in ("sum", "mean"):
        program, arrays = program_of(ROWS[name], (x,), {})
        assert calls_a_kernel(program)
        assert program(**arrays)["y"] == ROWS[name].kernel(x)


# -- products ----------------------------------------------------------------------------------------------------------


def matrix(rng, m, n, dtype, transposed):
    return rng.normal(size=(n, m)).astype(dtype).T if transposed else rng.normal(size=(m, n)).astype(dtype)


def test_dot_and_matmul_give_the_same_bits():
    """Else `np.dot` could not stand in its place."""
    rng = np.random.default_rng(0)
    sizes = (1, 2, 3, 7, 16, 33, 64, 130)
    for dtype, m, k, n in product((np.float32, np.float64), sizes, sizes, sizes):
        for left, right in product((False, True), repeat=2):
            x, y = matrix(rng, m, k, dtype, left), matrix(rng, k, n, dtype, right)
            one, other = np.empty((m, n), dtype), np.empty((m, n), dtype)
            assert np.array_equal(np.dot(x, y, out=one), np.matmul(x, y, out=other)), (m, k, n)
    x = matrix(rng, 33, 17, np.float32, False)
    assert np.array_equal(np.dot(x.T, x), np.matmul(x.T, x))


def test_dot_is_for_matrices_that_surely_have_no_gaps():
    w, x = Variable(np.ones((3, 4), np.float32), name="w"), Symbol.of((2, 3), np.float32)
    h = np.exp(x)
    results = {
        "buffer": matmul(h, w),
        "transposed": matmul(w, matmul(w.T, h.T) * 2),
        "input": matmul(x, w),
        "part": matmul(h[:, :2], w[:2]),
        "stack": matmul(h.reshape(2, 1, 3), w),
        "vector": matmul(h, w[:, 0]),
        "dtypes": matmul(h, w.astype("float64")),
    }
    for name, y in results.items():
        source = Program(Trace({"x": x}, {"y": y}), name).source
        assert ("np.dot" in source) == (name in ("buffer", "transposed")), source


# -- constants ---------------------------------------------------------------------------------------------------------


@given(
    st.sampled_from([np.float32, np.float64, np.int32, np.int64]),
    st.floats(width=32) | st.integers(-(2**31), 2**31 - 1),
    st.sampled_from([None, (), (1,), (2, 3), (3, 1)]),
    st.booleans(),
)
def test_a_constant_means_what_it_was(dtype, number, shape, repeated):
    if np.dtype(dtype).kind == "i" and not abs(number) < 2**31:
        number = 7
    value = dtype(int(number)) if np.dtype(dtype).kind == "i" else dtype(number)
    if shape is not None:
        value = np.broadcast_to(value, shape) if repeated else np.full(shape, value)
    text = constant(value)
    if text is None:
        assert np.isnan(value).all()
        return
    back = eval(text, {"np": np, "float": float})  # noqa: S307 (that is the test)
    assert type(back) is type(value)
    assert (back.dtype, back.shape) == (value.dtype, value.shape)
    assert np.ascontiguousarray(back).tobytes() == np.ascontiguousarray(value).tobytes()


def test_what_is_no_constant():
    for value in (np.arange(3.0), np.array([0.0, -0.0]), 1.0, "a", np.zeros(0), np.zeros(2, bool), None):
        assert constant(value) is None
