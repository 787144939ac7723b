"""JAX by hand: one jitted function is the whole step, with donated buffers and Adam written out.

A step takes its batch by indexing NumPy arrays with a part of a permutation (faster here than rows on the device that
are gathered inside the step). Nothing is logged. An epoch ends when the last step's weights are there.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .workloads import BETA_1, BETA_2, EPSILON, LEARNING_RATE, Data, Workload, first_weights


class Loop:
    """A jitted training step and the loop around it."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.rng = np.random.default_rng(0)
        weights = first_weights(workload)
        self.weights: Any = jax.device_put((weights.tables, weights.dense))
        zeros = jax.tree.map(jnp.zeros_like, self.weights)
        self.state: Any = (zeros, jax.tree.map(jnp.zeros_like, zeros), jnp.zeros((), jnp.int32))
        self.step = jax.jit(self._step, donate_argnums=(0, 1))
        self.outputs = jax.jit(self._outputs)

    def load(self, data: Data) -> None:
        """Take the rows of the next epochs."""
        self.inputs, self.y = data.inputs, data.y.astype(np.int32 if self.workload.classes else np.float32)

    def epoch(self, shuffle: bool = True) -> None:
        """Train on all rows once."""
        order = self.rng.permutation(len(self.y)) if shuffle else np.arange(len(self.y))
        for start in range(0, len(order), self.workload.batch):
            rows = order[start : start + self.workload.batch]
            inputs = [array[rows] for array in self.inputs]
            self.weights, self.state = self.step(self.weights, self.state, inputs, self.y[rows])
        jax.block_until_ready(self.weights)

    def predict(self, data: Data) -> np.ndarray:
        """The outputs, a NumPy array."""
        return np.asarray(self.outputs(self.weights, data.inputs))

    def _logits(self, weights: Any, inputs: list[jax.Array]) -> jax.Array:
        tables, dense = weights
        parts = [table[ids].mean(1) for table, ids in zip(tables, inputs)] + list(inputs[len(tables) :])
        h = parts[0] if len(parts) == 1 else jnp.concatenate(parts, 1)
        for kernel, bias in dense[:-1]:
            h = jax.nn.relu(h @ kernel + bias)
        kernel, bias = dense[-1]
        return h @ kernel + bias

    def _loss(self, weights: Any, inputs: list[jax.Array], y: jax.Array) -> jax.Array:
        outputs = self._logits(weights, inputs)
        if not self.workload.classes:
            return jnp.square(outputs - y).mean()
        return -jnp.take_along_axis(jax.nn.log_softmax(outputs), y[:, None], 1).mean()

    def _outputs(self, weights: Any, inputs: list[jax.Array]) -> jax.Array:
        outputs = self._logits(weights, inputs)
        return jax.nn.softmax(outputs) if self.workload.classes else outputs

    def _step(self, weights: Any, state: Any, inputs: list[jax.Array], y: jax.Array) -> Any:
        m, v, t = state
        t = t + 1
        g = jax.grad(self._loss)(weights, inputs, y)
        m = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, m, g)
        v = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, v, g)
        rate = LEARNING_RATE * jnp.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + EPSILON), weights, m, v)
        return weights, (m, v, t)
