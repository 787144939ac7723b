"""A chain of ops forward, backward and freed: `python benchmarks/long_chain.py [LENGTH]`, 100,000 by default.

Goal: about 4 s or less for 100,000 on two cores, without recursion; a million does not crash.
"""

from __future__ import annotations

import sys
from time import perf_counter

import numpy as np

import minigrad as mg


def main(length: int) -> None:
    x = mg.Tensor([0.5, 0.25], requires_grad=True)
    begin = perf_counter()
    y = x
    for k in range(length // 2):
        y = y + x if k % 2 else y * 0.5
        y = np.tanh(y)
    recorded = perf_counter()
    y.backward(np.ones(2, np.float32))
    swept = perf_counter()
    y = x
    freed = perf_counter()
    print(
        f"{length:,} ops: forward {recorded - begin:.2f} s, backward {swept - recorded:.2f} s, "
        f"freed {freed - swept:.2f} s; in all {freed - begin:.2f} s"
    )
    y = x
    for _ in range(length):
        y = np.tanh(y)
    begin = perf_counter()
    y = x
    print(f"a chain of {length:,} ops dropped without a backward pass: freed in {perf_counter() - begin:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
