"""BLAS uses one thread while a program of small products runs, and as many as before after it."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import Input, Model
from minigrad.core.symbol import Symbol
from minigrad.layers import Dense
from minigrad.program import Program, Trace, threads
from minigrad.program.plan import Plan

threadpoolctl = pytest.importorskip("threadpoolctl")


@pytest.fixture
def two_threads():
    """BLAS on two threads, whatever the tests were started with; says how many it has now."""
    if not threads.pools():
        pytest.skip("this NumPy's BLAS is none that threadpoolctl knows")
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        yield lambda: {pool.get_num_threads() for pool in threads.pools()}


def product(rows: int, columns: int) -> Program:
    x, w = Symbol.of((rows, 64), np.float32), Symbol.of((64, columns), np.float32)
    return Program(Trace({"x": x, "w": w}, {"y": x @ w}), "a product")


def watched(program: Program, now) -> list:
    """How many threads there are while the program runs."""
    seen, step = [], program._step

    class Watched:
        __globals__ = step.__globals__

        def __call__(self, *args):
            seen.append(now())
            return step(*args)

    program._step = Watched()
    program(**{name: np.ones(s.shape, s.dtype) for name, s in program.inputs.items()})
    return seen


@pytest.mark.parametrize(("rows", "columns", "expected"), [(16, 16, 2), (256, 128, 1), (1024, 512, 2)])
def test_products_that_are_too_small_to_share_run_on_one_thread(two_threads, rows, columns, expected):
    assert watched(product(rows, columns), two_threads) == [{expected}]
    assert two_threads() == {2}


def test_an_error_within_gives_the_threads_back(two_threads):
    program = product(256, 128)
    with pytest.raises(TypeError):
        program.run([None, None])
    assert two_threads() == {2}


def test_the_last_one_out_gives_the_threads_back(two_threads):
    first, second = threads.ONE_THREAD, threads.ONE_THREAD  # as two threads of Python enter it
    first.__enter__()
    second.__enter__()
    first.__exit__()
    assert two_threads() == {1}
    second.__exit__()
    assert two_threads() == {2}


def test_one_thread_computes_the_same_bits(two_threads):
    rng = np.random.default_rng(0)
    for _ in range(40):
        m, k, n = rng.integers(8, 200, 3)
        x, y = rng.normal(size=(m, k)).astype(np.float32), rng.normal(size=(k, n)).astype(np.float32)
        with threads.ONE_THREAD:
            one = x @ y
        assert np.array_equal(one, x @ y)


def test_the_largest_product_of_a_model():
    x = Input((64,))
    model = Model(x, Dense(2)(Dense(128, activation="relu")(x)))
    plans = []
    real = Plan.__init__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Plan, "__init__", lambda self, *a: (real(self, *a), plans.append(self))[0])
        model.program("predict", 512)
    assert threads.largest_product(plans[0].steps) == 512 * 64 * 128
