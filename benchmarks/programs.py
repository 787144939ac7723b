"""A training step eagerly and as a program: `python benchmarks/programs.py`.

Through `fit`, Adam, float32; both ways in turn in one process, the median of the rounds. Absolute times drift with the
machine; the ratio is what counts. `benchmarks/peers.py` measures the same workloads beside other frameworks.
"""

from __future__ import annotations

from statistics import median
from time import perf_counter

from suite.with_keras import Fit
from suite.workloads import BY_DEFAULT, WORKLOADS, make_data

import minigrad

ROUNDS, STEPS = 7, 100


def main() -> None:
    print(f"{'workload':78}{'eager':>9}{'program':>9}{'ratio':>7}   µs a step, median of {ROUNDS} rounds")
    for workload in (WORKLOADS[name] for name in BY_DEFAULT if not WORKLOADS[name].predict):
        data = make_data(workload, STEPS)
        trainers = [Fit(workload, minigrad, run_eagerly=eagerly) for eagerly in (True, False)]
        for trainer in trainers:
            trainer.load(data)
            trainer.epoch()
        rounds = []
        for _ in range(ROUNDS):
            times = []
            for trainer in trainers:
                began = perf_counter()
                trainer.epoch()
                times.append((perf_counter() - began) / STEPS * 1e6)
            rounds.append(times)
        eager, program = (median(column) for column in zip(*rounds))
        print(f"{workload.title:78}{eager:9.0f}{program:9.0f}{eager / program:7.1f}")


if __name__ == "__main__":
    main()
