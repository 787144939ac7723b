"""Each Numba kernel of a row beside NumPy's: `python benchmarks/kernels.py`.

Both on the same operands, float32, in turn in one process; the best of many repeats. Then what it costs to compile each
anew, and to load it from the disk.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter
from timeit import Timer
from typing import Any

import numpy as np

from minigrad.core.spec import spec_of
from minigrad.core.symbol import Symbol
from minigrad.core.table import ROWS
from minigrad.program.kernels import finite, kernel_for

SCORES = [(32, 2), (512, 2), (128, 10), (256, 64)]
TABLES = [(16, 8, (256, 1)), (13, 3, (32, 1000)), (1000, 16, (256, 20)), (20_000, 64, (128, 20))]
Case = tuple[str, str, tuple, dict[str, Any]]


def cases() -> Iterator[Case]:
    """(row, size, operands, attributes)"""
    rng = np.random.default_rng(0)
    for shape in SCORES:
        scores = rng.uniform(0.1, 1, shape).astype(np.float32)
        labels = rng.integers(0, shape[-1], shape[0])
        yield "softmax", str(shape), (scores,), {"axis": -1}
        for row in ("softmax_prediction_error", "sparse_softmax_cross_entropy"):
            yield row, str(shape), (scores, labels), {}
        for row in ("sparse_cross_entropy", "sparse_cross_entropy_slope"):
            yield row, str(shape), (scores, labels), {"epsilon": 1e-7}
    for rows, width, places in TABLES:
        table = rng.normal(size=(rows, width)).astype(np.float32)
        ids = rng.integers(0, rows, places).astype(np.int32)
        each = rng.normal(size=(*places, width)).astype(np.float32)
        size = f"{rows} x {width}, ids {places}"
        yield "gather", size, (table, ids), {}
        yield "gather_sum", size, (table, ids), {}
        yield "scatter_add", size, (each, ids), {"shape": table.shape}
        yield "scatter_add", f"{size}, one row", (np.broadcast_to(each[:, :1], each.shape), ids), {"shape": table.shape}
        if rows <= 4 * places[1]:
            yield "counts", size, (ids,), {"rows": rows, "dtype": np.dtype(np.float32)}


def numpy_finite(x: np.ndarray) -> bool:
    return bool(np.isfinite(x).all())


def microseconds(function: Callable[[], Any]) -> float:
    timer = Timer(function)
    number = max(3, int(2e-3 / (timer.timeit(3) / 3)))
    return min(timer.repeat(9, number)) / number * 1e6


def compare() -> None:
    print(f"{'row':30}{'size':40}{'NumPy':>10}{'Numba':>10}{'ratio':>8}   µs")
    for row, size, operands, attrs in sorted(cases(), key=lambda case: case[0]):
        node = ROWS[row](*[Symbol.of(x.shape, x.dtype) for x in operands], **attrs).node
        kernel, out = kernel_for(node), np.empty(node.out[0].shape, node.out[0].dtype)
        assert kernel is not None
        slow = microseconds(partial(ROWS[row].kernel, *operands, **attrs, out=out))
        fast = microseconds(partial(kernel, *operands, **attrs, out=out))
        print(f"{row:30}{size:40}{slow:10.1f}{fast:10.1f}{slow / fast:8.1f}")
    for n in (64, 10_000, 1_000_000):
        x = np.ones(n, np.float32)
        slow, fast = microseconds(partial(numpy_finite, x)), microseconds(partial(finite(spec_of(x)), x))
        print(f"{'finite':30}{n:<40}{slow:10.1f}{fast:10.1f}{slow / fast:8.1f}")


def first_times() -> None:
    """Print how long each kernel takes from the question for it to an answer, the first in the process included."""
    seen = set()
    for row, _, operands, attrs in cases():
        if row not in seen:
            seen.add(row)
            began = perf_counter()
            node = ROWS[row](*[Symbol.of(x.shape, x.dtype) for x in operands], **attrs).node
            kernel = kernel_for(node)
            assert kernel is not None
            kernel(*operands, **attrs)
            print(f"{row} {(perf_counter() - began) * 1e3:.1f}")


def compile_times() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command, own = [sys.executable, __file__, "--first-times"], {**os.environ, "MINIGRAD_CACHE_DIR": folder}
        runs = [subprocess.run(command, env=own, capture_output=True, text=True, check=True).stdout for _ in "12"]
    print(f"\n{'first use in a process, ms':30}{'compiled':>10}{'loaded':>10}")
    for cold, warm in zip(*(run.splitlines() for run in runs), strict=True):
        print(f"{cold.split()[0]:30}{cold.split()[1]:>10}{warm.split()[1]:>10}")


if __name__ == "__main__":
    if "--first-times" in sys.argv:
        first_times()
    else:
        compare()
        compile_times()
