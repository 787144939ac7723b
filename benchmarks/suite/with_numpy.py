"""The floor: NumPy's matrix products of a training step and nothing else, into buffers made beforehand."""

from __future__ import annotations

import numpy as np

from .workloads import Data, Workload, first_weights


class Floor:
    """x @ w for each layer; x.T @ g for each kernel; g @ w.T for each layer but the first. It trains nothing."""

    def __init__(self, workload: Workload) -> None:
        batch = workload.batch
        self.kernels = [kernel for kernel, _ in first_weights(workload).dense]
        widths = [self.kernels[0].shape[0], *(kernel.shape[1] for kernel in self.kernels)]
        rng = np.random.default_rng(0)
        self.values = [rng.standard_normal((batch, width), dtype=np.float32) for width in widths]
        self.gradients = [np.empty((batch, width), np.float32) for width in widths]
        self.gradients[-1] = rng.standard_normal((batch, widths[-1]), dtype=np.float32)
        self.kernel_gradients = [np.empty_like(kernel) for kernel in self.kernels]
        self.batch = batch

    def load(self, data: Data) -> None:
        """Take the number of steps."""
        self.steps = len(data) // self.batch

    def epoch(self, shuffle: bool = True) -> None:
        """The products of so many steps. (`shuffle` has nothing to shuffle.)"""
        products = [*zip(self.values, self.kernels, self.values[1:])]
        last = len(self.kernels) - 1
        for i in range(last, -1, -1):
            products.append((self.values[i].T, self.gradients[i + 1], self.kernel_gradients[i]))
            if i:
                products.append((self.gradients[i + 1], self.kernels[i].T, self.gradients[i]))
        for _ in range(self.steps):
            for a, b, out in products:
                np.matmul(a, b, out=out)
