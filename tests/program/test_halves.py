"""Work shared out between two threads: the same results as one thread gives, and its errors."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from agreement import interpreted
from minigrad.core.rows import Table
from minigrad.core.rowsparse import RowSparse
from minigrad.optimizers import Adam
from minigrad.program import halves, jit, kernels


@pytest.fixture
def always(monkeypatch):
    """Two threads, however few rows and cores there are."""
    monkeypatch.setattr(halves, "pays", lambda numbers: True)
    monkeypatch.setattr(kernels, "pays", lambda numbers: True)


def test_both_halves_run_the_second_on_another_thread():
    ran = {}
    halves.in_halves(lambda: ran.update(first=threading.get_ident()), lambda: ran.update(second=threading.get_ident()))
    assert ran["first"] == threading.get_ident() != ran["second"]


@pytest.mark.parametrize("which", [0, 1])
def test_an_error_of_either_half_comes_out(which):
    def fail() -> None:
        raise ZeroDivisionError

    functions = [lambda: None, lambda: None]
    functions[which] = fail
    with pytest.raises(ZeroDivisionError):
        halves.in_halves(*functions)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8])
@pytest.mark.usefixtures("always")
def test_a_loop_over_ids_does_each_of_them_once(count):
    def loop(table, g, rows):
        for i, row in enumerate(rows):
            if row < 0:
                break
            table[row] += g[i]

    ids = np.full(8, -1)
    ids[:count] = np.random.default_rng(0).permutation(20)[:count]
    g = np.arange(16.0).reshape(8, 2)
    table, expected = np.zeros((20, 2)), np.zeros((20, 2))
    expected[ids[:count]] = g[:count]
    halves.by_rows(loop, 2, [1])(table, g, ids)
    np.testing.assert_array_equal(table, expected)


@pytest.mark.usefixtures("always")
def test_rows_that_lag_behind_are_caught_up_with_by_two_threads(monkeypatch):
    monkeypatch.setattr(jit, "compiled", interpreted)
    tables = [Table(np.ones((300, 2), np.float32)) for _ in range(2)]
    both = [Adam(0.1), Adam(0.1)]
    rng = np.random.default_rng(0)
    for step in range(6):
        ids, rows = rng.integers(0, 300, 9), rng.normal(size=(9, 2)).astype(np.float32)
        for optimizer, table in zip(both, tables):
            optimizer.apply([RowSparse(ids, rows, (300, 2))], [table])
        if step == 1:
            kernels.compile_lag(tables[0])
    np.testing.assert_allclose(tables[0].numpy(), tables[1].numpy(), rtol=1e-6)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_a_thread_of_its_own():
    halves.in_halves(lambda: None, lambda: None)
    child = os.fork()
    if child == 0:
        halves.in_halves(lambda: None, lambda: os._exit(0))
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
