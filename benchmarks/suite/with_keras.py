"""minigrad and Keras 3, through `compile`, `fit` and `predict`: one text for both, since the vocabulary is one."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .workloads import BETA_1, BETA_2, EPSILON, LEARNING_RATE, Data, Workload, build_model, set_first_weights


class Fit:
    """A model trained by its own `fit`.

    An epoch is one call of `fit` on NumPy arrays, with `verbose=0` and no metrics, and so holds all that fit does:
    shuffling, batching, the running loss.
    """

    def __init__(self, workload: Workload, framework: Any, **compile_arguments: Any) -> None:
        self.workload = workload
        self.model, layers = build_model(workload, framework)
        set_first_weights(workload, layers)
        loss = "sparse_categorical_crossentropy" if workload.classes else "mean_squared_error"
        adam = framework.optimizers.Adam(LEARNING_RATE, beta_1=BETA_1, beta_2=BETA_2, epsilon=EPSILON)
        self.model.compile(adam, loss, **compile_arguments)

    def load(self, data: Data) -> None:
        """Take the rows of the next epochs."""
        self.x, self.y = self._inputs(data), data.y

    def epoch(self, shuffle: bool = True) -> None:
        """Train on all rows once."""
        self.model.fit(self.x, self.y, batch_size=self.workload.batch, shuffle=shuffle, verbose=0)

    def predict(self, data: Data) -> np.ndarray:
        """The outputs, a NumPy array."""
        return self.model.predict(self._inputs(data), verbose=0)

    @staticmethod
    def _inputs(data: Data) -> Any:
        return data.inputs if len(data.inputs) > 1 else data.inputs[0]


def keras(workload: Workload) -> Fit:
    """Keras 3 on the backend that the environment names, with its defaults (which compile where the backend can)."""
    import keras

    return Fit(workload, keras)


def minigrad(workload: Workload) -> Fit:
    """minigrad with fused loops by Numba, which it imports by itself when it compiles the first."""
    import minigrad

    return Fit(workload, minigrad)


def minigrad_numpy(workload: Workload) -> Fit:
    """minigrad as it is where Numba is not installed."""
    sys.modules["numba"] = None  # type: ignore[assignment] # what makes an import fail
    import minigrad

    return Fit(workload, minigrad)


def minigrad_eager(workload: Workload) -> Fit:
    """minigrad op by op, with a graph recorded at every step, as while debugging."""
    import minigrad

    return Fit(workload, minigrad, run_eagerly=True)
