"""PyTorch: `nn.Module`, and the training loop that everybody writes by hand.

A step takes its batch by indexing tensors with a part of a permutation, then zero_grad, forward, loss, backward, step;
nothing is logged. That is less than a DataLoader or a trainer costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from .workloads import BETA_1, BETA_2, EPSILON, LEARNING_RATE, Data, Workload, first_weights

ADAM = {"lr": LEARNING_RATE, "betas": (BETA_1, BETA_2), "eps": EPSILON}


class Net(nn.Module):
    """The model of a workload. `bags`: gather and mean in one op, EmbeddingBag; `sparse`: row-sparse gradients."""

    def __init__(self, workload: Workload, bags: bool = False, sparse: bool = False) -> None:
        super().__init__()
        weights = first_weights(workload)
        kind: Any = nn.EmbeddingBag if bags and workload.time > 1 else nn.Embedding
        self.tables = nn.ModuleList(
            kind.from_pretrained(torch.from_numpy(table), freeze=False, sparse=sparse) for table in weights.tables
        )
        layers: list[nn.Module] = []
        for kernel, bias in weights.dense:
            linear = nn.Linear(*kernel.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(kernel.T))
                linear.bias.copy_(torch.from_numpy(bias))
            layers += [linear, nn.ReLU()]
        self.dense = nn.Sequential(*layers[:-1])

    def forward(self, inputs: list[torch.Tensor]) -> torch.Tensor:
        parts = []
        for table, ids in zip(self.tables, inputs):
            rows = table(ids)
            parts.append(rows if rows.ndim == 2 else rows.mean(1) if rows.shape[1] > 1 else rows.squeeze(1))
        parts += inputs[len(self.tables) :]
        return self.dense(parts[0] if len(parts) == 1 else torch.cat(parts, 1))


class Loop:
    """A model with its training loop."""

    def __init__(self, workload: Workload, net: Net, optimizers: list[torch.optim.Optimizer]) -> None:
        self.workload, self.net, self.optimizers = workload, net, optimizers
        self.loss = nn.CrossEntropyLoss() if workload.classes else nn.MSELoss()
        self.forward: Callable[[list[torch.Tensor]], torch.Tensor] = net

    def load(self, data: Data) -> None:
        """Take the rows of the next epochs."""
        self.inputs = [torch.from_numpy(array) for array in data.inputs]
        self.y = torch.from_numpy(data.y)

    def epoch(self, shuffle: bool = True) -> None:
        """Train on all rows once."""
        order = torch.randperm(len(self.y)) if shuffle else torch.arange(len(self.y))
        for rows in order.split(self.workload.batch):
            self.step([array[rows] for array in self.inputs], self.y[rows])

    def step(self, inputs: list[torch.Tensor], y: torch.Tensor) -> None:
        """One step of training."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        self.loss(self.forward(inputs), y).backward()
        for optimizer in self.optimizers:
            optimizer.step()

    def predict(self, data: Data) -> np.ndarray:
        """The outputs, a NumPy array."""
        with torch.inference_mode():
            outputs = self.forward([torch.from_numpy(array) for array in data.inputs])
            return (outputs.softmax(1) if self.workload.classes else outputs).numpy()


def eager(workload: Workload) -> Loop:
    """Plain: nn.Embedding, mean, torch.optim.Adam with its defaults."""
    net = Net(workload)
    return Loop(workload, net, [torch.optim.Adam(net.parameters(), **ADAM)])


def tuned(workload: Workload) -> Loop:
    """What eager PyTorch has for the knowing: EmbeddingBag, and Adam as one fused op."""
    net = Net(workload, bags=True)
    return Loop(workload, net, [torch.optim.Adam(net.parameters(), fused=True, **ADAM)])


def compiled(workload: Workload) -> Loop:
    """torch.compile on model and loss; fused Adam."""
    loop = tuned(workload)
    loop.forward = torch.compile(loop.net)
    return loop


def sparse(workload: Workload) -> Loop:
    """Row-sparse gradients and SparseAdam for the tables: updates of the batch's rows only, another algorithm."""
    net = Net(workload, sparse=True)
    lazy = torch.optim.SparseAdam(list(net.tables.parameters()), **ADAM)
    return Loop(workload, net, [lazy, torch.optim.Adam(net.dense.parameters(), **ADAM)])
