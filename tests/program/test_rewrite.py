"""Gathers with pooling over time, drawn anew: the same numbers, without the gathered rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.core.autodiff import grad
from minigrad.core.symbol import Symbol
from minigrad.ops import gather
from minigrad.program import Program, Trace
from minigrad.program.rewrite import FEW, rewrite

BATCH, TIME, WIDTH = 3, 5, 2
FEW_ROWS, MANY_ROWS = FEW * TIME, FEW * TIME + 1


def traced(rows: int, pool: Any, dtype: Any = np.float32) -> Trace:
    """A trace of pooled rows, and of the table's gradient."""
    table, ids = Symbol.of((rows, WIDTH), dtype), Symbol.of((BATCH, TIME), np.int32)
    up = Symbol.of((BATCH, WIDTH), dtype)
    y = pool(gather(table, ids))
    (g,) = grad(y, [table], up)
    return Trace({"table": table, "ids": ids, "up": up}, {"y": y, "g": g})


def arguments(rows: int, dtype: Any = np.float32) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "table": rng.normal(size=(rows, WIDTH)).astype(dtype),
        "ids": rng.integers(0, rows, (BATCH, TIME)).astype(np.int32),
        "up": rng.normal(size=(BATCH, WIDTH)).astype(dtype),
    }


def ops(trace: Trace) -> list[str]:
    return [node.fn.name for node in trace.nodes()]


def same(trace: Trace, rows: int, dtype: Any = np.float32) -> None:
    """The trace and what it is rewritten to give the same."""
    given = arguments(rows, dtype)
    one, other = Program(trace, "as drawn")(**given), Program(rewrite(trace), "rewritten")(**given)
    tolerance = 1e-6 if dtype == np.float32 else 1e-14
    for name in trace.results:
        assert other[name].dtype == one[name].dtype
        np.testing.assert_allclose(other[name], one[name], rtol=tolerance, atol=tolerance)


POOLS = {"mean": lambda x: np.mean(x, axis=1), "sum": lambda x: np.sum(x, axis=1)}


@pytest.mark.parametrize("pool", POOLS)
def test_of_a_table_of_few_rows_the_ids_are_counted(pool):
    trace = traced(FEW_ROWS, POOLS[pool])
    new = ops(rewrite(trace))
    assert new.count("matmul") == new.count("counts") == 2  # which a program computes once
    assert not {"gather", "gather_sum", "scatter_add"} & {*new}
    same(trace, FEW_ROWS)
    assert Program(rewrite(trace), "").source.count("counts(") == 1


@pytest.mark.parametrize("pool", POOLS)
def test_of_a_table_of_many_rows_they_are_added_up(pool):
    trace = traced(MANY_ROWS, POOLS[pool])
    new = ops(rewrite(trace))
    assert "gather_sum" in new
    assert "scatter_add" in new
    assert not {"gather", "counts"} & {*new}
    same(trace, MANY_ROWS)


@pytest.mark.parametrize(
    "pool",
    [
        lambda x: np.max(x, axis=1),
        lambda x: np.mean(x, axis=2),
        lambda x: np.mean(x, axis=(0, 1)),
        lambda x: np.mean(x, axis=1, keepdims=True),
        lambda x: np.mean(x, axis=1) + x[:, 0],
        lambda x: np.mean(np.tanh(x), axis=1),
    ],
    ids=["maximum", "over the width", "over the batch too", "with its axis", "read by others too", "not of rows"],
)
def test_other_uses_of_rows_stay_as_they_are(pool):
    table, ids = Symbol.of((4, WIDTH), np.float32), Symbol.of((BATCH, TIME), np.int32)
    trace = Trace({"table": table, "ids": ids}, {"y": pool(gather(table, ids))})
    assert rewrite(trace) is trace


def test_rows_that_are_a_result_are_made():
    table, ids = Symbol.of((4, WIDTH), np.float32), Symbol.of((BATCH, TIME), np.int32)
    rows = gather(table, ids)
    trace = Trace({"table": table, "ids": ids}, {"rows": rows, "y": np.mean(rows, axis=1)})
    assert rewrite(trace) is trace


def test_the_given_trace_stays_as_it_was():
    trace = traced(FEW_ROWS, POOLS["mean"])
    before, results = ops(trace), dict(trace.results)
    rewrite(trace)
    assert ops(trace) == before
    assert trace.results == results


def test_parts_and_what_comes_after_are_kept():
    table, ids = Symbol.of((4, WIDTH), np.float32), Symbol.of((BATCH, TIME), np.int32)
    trace = Trace({"table": table, "ids": ids}, {})
    trace.begin("first")
    y = np.mean(gather(table, ids), axis=1)
    trace.begin("second")
    trace.results["z"] = np.tanh(y) * 2
    trace.checks.append(trace.results["z"])
    new = rewrite(trace)
    assert [(new.section(n), n.fn.name) for n in new.nodes()] == [
        ("first", "counts"),
        ("first", "matmul"),
        ("first", "divide"),
        ("second", "tanh"),
        ("second", "multiply"),
    ]
    assert new.checks == [new.results["z"]]
    assert rewrite(new) is new


@given(st.integers(1, 30), st.sampled_from(list(POOLS)), st.sampled_from([np.float32, np.float64]))
def test_the_numbers_are_the_same(rows, pool, dtype):
    same(traced(rows, POOLS[pool], dtype), rows, dtype)
