"""One framework on one workload, in a process of its own that does what it is told on its input, line by line.

    check           train the first batches in order; the loss before and after
    warm            one epoch that is not counted
    round SECONDS   epochs for at least so long; microseconds a step
    first           the time from the call to the first finished step; before anything else

Each answer is a line of JSON. What libraries print goes to the error stream.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

BENCHMARKS = Path(__file__).resolve().parents[1]


def main(framework_name: str, workload_name: str) -> None:
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        _limit_cores()
        sys.path.insert(0, str(BENCHMARKS))
        from suite.frameworks import FRAMEWORKS
        from suite.workloads import WORKLOADS

        worker = Worker(FRAMEWORKS[framework_name], WORKLOADS[workload_name])
        for line in sys.stdin:
            command, *words = line.split()
            answer = getattr(worker, command)(*map(float, words))
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


def _limit_cores(count: int = 2) -> None:
    """Two cores, also for the libraries that count cores themselves (where the system can do that)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


class Worker:
    """The trainer of one framework, and its commands."""

    def __init__(self, framework: Any, workload: Any) -> None:
        self.framework, self.workload = framework, workload
        self.trainer = framework.make(workload)

    def check(self) -> list[float] | None:
        """The loss on the first batches before and after training on them in order; None for the floor."""
        from suite.workloads import CHECK_STEPS, make_data, mean_loss

        if not self.framework.trains:
            return None
        data = make_data(self.workload, CHECK_STEPS)
        losses = [mean_loss(self.workload, data.y, self.trainer.predict(data))]
        if not self.workload.predict:
            self.trainer.load(data)
            self.trainer.epoch(shuffle=False)
            losses.append(mean_loss(self.workload, data.y, self.trainer.predict(data)))
        return [float(f"{loss:.7g}") for loss in losses]

    def warm(self) -> None:
        """Take the data and go once over it."""
        from suite.workloads import make_data

        data = make_data(self.workload, self.workload.steps)
        if self.workload.predict:
            self.data = data.head(1)
        else:
            self.trainer.load(data)
        self._epoch()

    def round(self, seconds: float) -> float:
        """Microseconds a step."""
        epochs, began = 0, perf_counter()
        while not epochs or perf_counter() - began < seconds:
            self._epoch()
            epochs += 1
        return (perf_counter() - began) / (epochs * self._steps) * 1e6

    def first(self) -> float:
        """Seconds from the call of fit, on one batch, until its step is done."""
        from suite.workloads import make_data

        self.trainer.load(make_data(self.workload, 1))
        began = perf_counter()
        self.trainer.epoch(shuffle=False)
        return perf_counter() - began

    @property
    def _steps(self) -> int:
        # A call of predict may take as long as a thousand steps of the fastest: few are called at a time.
        return 10 if self.workload.predict else self.workload.steps

    def _epoch(self) -> None:
        if self.workload.predict:
            for _ in range(self._steps):
                self.trainer.predict(self.data)
        else:
            self.trainer.epoch()


if __name__ == "__main__":
    main(*sys.argv[1:])
