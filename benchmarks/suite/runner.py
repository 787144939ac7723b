"""Takes turns with the workers: each framework in a process of its own, round by round."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import IO, Any

from .frameworks import DISTRIBUTIONS, FRAMEWORKS, THREADS, environment
from .workloads import FIRST_STEP, WORKLOADS

PAUSE = 0.2  # seconds before a turn, until the threads of the last one have stopped spinning
START_TOLERANCE, FALL_TOLERANCE = 1e-4, 0.02


class Failed(Exception):
    """A worker ended; the text is the last line it wrote to its error stream."""


class Process:
    """A worker's process."""

    def __init__(self, framework: str, workload: str, **variables: str) -> None:
        self.errors: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in close()
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py")), framework, workload],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
            env=environment(FRAMEWORKS[framework]) | variables,
        )  # fmt: skip

    def ask(self, command: str) -> Any:
        """The answer to one command."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            self.process.wait()
            self.errors.seek(0)
            raise Failed((self.errors.read().strip().splitlines() or ["no message"])[-1])
        return json.loads(answer)

    def close(self) -> None:
        """Let the process end."""
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            if stream:
                stream.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def say(text: str) -> None:
    print(text, flush=True)


def load() -> float:
    """How many programs have wanted a core in the last minute; 0 where the system does not tell."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else 0.0


def measure(workload: str, frameworks: Iterable[str], rounds: int, seconds: float) -> dict[str, dict[str, Any]]:
    """For each framework that took part: microseconds a step in each round, the losses of the check, and what is
    wrong with them (`stray`) if they are not those of the others."""
    processes: dict[str, Process] = {}
    losses: dict[str, list[float] | None] = {}
    times: dict[str, list[float]] = {}

    def drop(name: str, reason: object) -> None:
        say(f"  {name} is left out: {reason}")
        processes.pop(name).close()

    try:
        for name in frameworks:
            processes[name] = Process(name, workload)
            try:
                losses[name] = processes[name].ask("check")
                processes[name].ask("warm")
            except Failed as error:
                drop(name, error)
        strays = disagreeing({n: losses[n] for n in processes})
        for name, reason in strays.items():
            say(f"  {name} trains something else: {reason}")
        for i in range(rounds):
            names = list(processes)
            first = i % max(1, len(names))  # each round begins with another framework
            for name in names[first:] + names[:first]:
                time.sleep(PAUSE)
                try:
                    times.setdefault(name, []).append(processes[name].ask(f"round {seconds}"))
                except Failed as error:
                    drop(name, error)
        return {
            name: {"microseconds": _rounded(times[name]), "losses": losses[name], "stray": strays.get(name)}
            for name in processes
        }
    finally:
        for process in processes.values():
            process.close()


def disagreeing(losses: dict[str, list[float] | None]) -> dict[str, str]:
    """The frameworks that did not train the same model, and how that shows.

    All start from the same weights and see the same batches, so the loss at the start must agree to 1e-4 and its fall
    to 2%. What most do is right.
    """
    compared = {name: found for name, found in losses.items() if found and FRAMEWORKS[name].same_steps}
    reasons = {}
    if compared:
        begin = median(found[0] for found in compared.values())
        fall = median(found[0] - found[-1] for found in compared.values())
        for name, found in compared.items():
            if not abs(found[0] - begin) <= START_TOLERANCE * begin:
                reasons[name] = f"its loss starts at {found[0]:.5g}, that of the others at {begin:.5g}"
            elif not abs(found[0] - found[-1] - fall) <= FALL_TOLERANCE * fall + START_TOLERANCE * begin:
                reasons[name] = f"its loss falls by {found[0] - found[-1]:.4g}, that of the others by {fall:.4g}"
    return reasons


def measure_first_steps(frameworks: Iterable[str], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds from fit to the first finished step, in fresh processes.

    With Numba, minigrad keeps its compiled kernels on disk: `minigrad` starts with that folder empty, `minigrad-warm`
    with what the process before has left there.
    """
    found: dict[str, dict[str, list[float]]] = {}
    for workload in FIRST_STEP:
        row = found.setdefault(workload, {})
        for _ in range(rounds):
            for name in frameworks:
                if not FRAMEWORKS[name].trains or not FRAMEWORKS[name].suits(WORKLOADS[workload]):
                    continue
                with tempfile.TemporaryDirectory() as cache:
                    for label in (name, "minigrad-warm") if name == "minigrad" else (name,):
                        process = Process(name, workload, MINIGRAD_CACHE_DIR=cache)
                        try:
                            row.setdefault(label, []).append(round(process.ask("first"), 4))
                        except Failed as error:
                            say(f"  {label} is left out: {error}")
                        finally:
                            process.close()
    return found


def available(names: Iterable[str]) -> list[str]:
    """Those whose packages are installed; a line about each that is skipped."""
    found = []
    for name in names:
        if missing := FRAMEWORKS[name].missing():
            say(f"{name} is skipped: {' and '.join(missing)} not installed (pip install -r benchmarks/peers.txt)")
        else:
            found.append(name)
    return found


def taking_part(workload: str, installed: Iterable[str], by_name: bool) -> list[str]:
    """The frameworks to measure on a workload: those it suits, and among the dear ones those asked for by name."""
    row = WORKLOADS[workload]
    return [n for n in installed if FRAMEWORKS[n].suits(row) and (by_name or not row.only or n in row.only)]


def surroundings() -> dict[str, Any]:
    """The machine and the versions, without names of hosts or folders."""
    import minigrad

    versions = {"Python": platform.python_version(), "minigrad": minigrad.__version__}
    for title, distribution in DISTRIBUTIONS.items():
        with suppress(PackageNotFoundError):
            versions[title] = version(distribution)
    return {
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "threads": THREADS,
            "system": platform.system(),
        },
        "versions": versions,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _rounded(times: list[float]) -> list[float]:
    return [round(t, 2 if t < 1000 else 0) for t in times]
