"""What one eager op costs on tiny arrays, forward (recorded) and backward: `python benchmarks/eager_cost.py`.

Goal: at most 4 µs an op each way. Chains of a thousand ops on two float32 numbers; the median of the rounds, and
beside it NumPy's own cost for the same function, taken in the same round (the ratio is what carries over to other
machines).
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import minigrad as mg

LENGTH, ROUNDS = 1000, 25

STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "x + a": lambda x, a: x + a,
    "x * a": lambda x, a: x * a,
    "np.tanh(x)": lambda x, a: np.tanh(x),
    "np.maximum(x, a)": lambda x, a: np.maximum(x, a),
    "x @ m": lambda x, a: x @ a,
    "x.reshape(2, 1) and back": lambda x, a: x.reshape(2, 1).reshape(2),
    "x + x.sum()": lambda x, a: x + x.sum(),
}
OPS = {"x.reshape(2, 1) and back": 2, "x + x.sum()": 2}


def chain(step: Callable[[Any, Any], Any], x: Any, a: Any) -> tuple[Any, float]:
    began = perf_counter()
    y = x
    for _ in range(LENGTH):
        y = step(y, a)
    return y, (perf_counter() - began) / LENGTH * 1e6


def main() -> None:
    print(f"{'op':28}{'NumPy':>10}{'forward':>10}{'backward':>10}   µs an op, median of {ROUNDS} rounds")
    totals = []
    for name, step in STEPS.items():
        value = np.full(2, 0.1, np.float32)
        other = np.eye(2, dtype=np.float32) if "@" in name else np.full(2, 0.999, np.float32)
        rounds = []
        for _ in range(ROUNDS):
            _, plain = chain(step, value, other)
            x, a = mg.Tensor(value, requires_grad=True), mg.Tensor(other, requires_grad=True)
            with np.errstate(over="ignore"):
                y, forward = chain(step, x, a)
                began = perf_counter()
                y.backward(np.ones(2, np.float32))
                rounds.append((plain, forward, (perf_counter() - began) / LENGTH * 1e6))
        figures = [median(column) / OPS.get(name, 1) for column in zip(*rounds, strict=True)]
        totals.append(figures)
        print(f"{name:28}" + "".join(f"{f:10.2f}" for f in figures))
    print(f"{'mean':28}" + "".join(f"{np.mean(column):10.2f}" for column in zip(*totals, strict=True)))


if __name__ == "__main__":
    main()
