"""The frameworks that take part: their names, what they need, and where their training loop is."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from .workloads import Workload

THREADS = 2


@dataclass(frozen=True)
class Framework:
    """One column of the tables. `maker` is `module:function` in this folder; `needs` are modules to import."""

    title: str
    maker: str
    needs: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    trains: bool = True  # the floor does not
    same_steps: bool = True  # False: another algorithm, whose losses need not agree
    suits: Callable[[Workload], bool] = lambda workload: True

    def missing(self) -> list[str]:
        """The modules it needs that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]

    def make(self, workload: Workload) -> Any:
        """The trainer, with `load`, `epoch` and `predict`; in a worker's process only."""
        module, function = self.maker.split(":")
        return getattr(import_module(f".{module}", __package__), function)(workload)


def _keras(title: str, backend: str) -> Framework:
    return Framework(f"Keras on {title}", "with_keras:keras", ("keras", backend), {"KERAS_BACKEND": backend})


def _trains(workload: Workload) -> bool:
    return not workload.predict


FRAMEWORKS = {
    "minigrad": Framework("minigrad", "with_keras:minigrad", ("numba",)),
    "minigrad-numpy": Framework("minigrad, NumPy alone", "with_keras:minigrad_numpy"),
    "minigrad-eager": Framework("minigrad, eager", "with_keras:minigrad_eager"),
    "floor": Framework(
        "floor: the matrix products", "with_numpy:Floor", trains=False, suits=lambda w: w.is_mlp and not w.predict
    ),
    "torch": Framework("PyTorch", "with_torch:eager", ("torch",)),
    "torch-tuned": Framework("PyTorch, tuned", "with_torch:tuned", ("torch",)),
    "torch-compile": Framework("PyTorch, compiled", "with_torch:compiled", ("torch",)),
    "torch-sparse": Framework(
        "PyTorch, sparse", "with_torch:sparse", ("torch",), same_steps=False,
        suits=lambda w: bool(w.tables) and not w.predict,
    ),
    "jax": Framework("JAX jit by hand", "with_jax:Loop", ("jax",)),
    "keras-jax": _keras("JAX", "jax"),
    "keras-tensorflow": _keras("TensorFlow", "tensorflow"),
    "keras-torch": _keras("PyTorch", "torch"),
}  # fmt: skip

# What is imported, as the page names it, and the distribution that knows its version.
DISTRIBUTIONS = {
    "NumPy": "numpy", "Numba": "numba", "PyTorch": "torch", "JAX": "jax",
    "Keras": "keras", "TensorFlow": "tensorflow-cpu",
}  # fmt: skip


def environment(framework: Framework) -> dict[str, str]:
    """The environment of a worker: two threads for every library that counts its own, and little chatter."""
    counters = ("OMP", "OPENBLAS", "MKL", "NUMBA", "TF_INTRA", "TF_INTER")
    names = {"TF_INTRA": "TF_NUM_INTRAOP_THREADS", "TF_INTER": "TF_NUM_INTEROP_THREADS"}
    threads = {names.get(counter, f"{counter}_NUM_THREADS"): str(THREADS) for counter in counters}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    return {**os.environ, **threads, **quiet, **framework.environment}
