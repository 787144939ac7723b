"""What is trained: sizes, data and first weights from seeded NumPy, so that every framework gets the very same.

All models have one form. Columns of integer ids go through embedding tables, each read once per time-step and averaged
over time; the rows stand side by side, then the numbers; dense layers with relu follow, the last one plain. With
`classes` the loss is sparse categorical cross-entropy over softmax, else the mean squared error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

# Adam's defaults, but for epsilon: so small that it does not matter where in the formula a framework adds it.
LEARNING_RATE, BETA_1, BETA_2, EPSILON = 0.001, 0.9, 0.999, 1e-9

# Batches of the check that all train the same model. One table of a million rows is dear to those who update all of it.
CHECK_STEPS = 30


@dataclass(frozen=True)
class Aim:
    """How many times faster than `over` minigrad is to be; with `limit`, at most so many microseconds instead."""

    over: str = ""
    times: float = 1.0
    by: str = "minigrad"
    limit: float | None = None


@dataclass(frozen=True)
class Workload:
    """One row of the table. `only`: measured for these frameworks unless others are asked for by name."""

    title: str
    batch: int
    steps: int  # in an epoch of the measurement
    widths: tuple[int, ...]
    tables: tuple[tuple[int, int], ...] = ()
    numbers: int = 0
    time: int = 1
    classes: bool = False
    zipf: bool = False
    predict: bool = False  # one row at a time, instead of training
    aims: tuple[Aim, ...] = ()
    only: tuple[str, ...] = ()

    @property
    def is_mlp(self) -> bool:
        """Whether its work is matrix products, so that the floor of its products says something."""
        return not self.tables


NUMPY_AHEAD = Aim("torch", by="minigrad-numpy")
FLIGHTS = tuple((rows, 8) for rows in (16, 3, 105, 12, 31, 24))  # carrier, origin, destination, month, day, hour
LARGE = ("minigrad", "torch", "torch-sparse", "jax", "keras-jax")

WORKLOADS = {
    "mlp-small": Workload(
        "MLP 16-64-32-2, batch 32", 32, 1000, (64, 32, 2), numbers=16, classes=True,
        aims=(Aim("jax"), Aim("torch", 5), NUMPY_AHEAD),
    ),
    "mlp-middle": Workload(
        "MLP 64-128-64-2, batch 512", 512, 200, (128, 64, 2), numbers=64, classes=True,
        aims=(Aim("jax", 1.3), NUMPY_AHEAD),
    ),
    "mlp-large": Workload(
        "MLP 784-512-256-10, batch 128", 128, 100, (512, 256, 10), numbers=784, classes=True,
        aims=(Aim("floor", 1 / 1.1), NUMPY_AHEAD),
    ),
    "flights": Workload(
        "flights, batch 256", 256, 200, (128, 64, 1),
        tables=FLIGHTS, numbers=3, aims=(Aim("jax", 1.3), Aim("keras-jax", 1.8), NUMPY_AHEAD),
    ),
    "embedding-13": Workload(
        "Embedding(13, 3) × 1,000, batch 32", 32, 200, (1,),
        tables=((13, 3),), time=1000, aims=(Aim("jax", 1.7),),
    ),
    "predict": Workload(
        "MLP 16-64-32-2, predict of one row", 1, 200, (64, 32, 2), numbers=16, classes=True, predict=True,
        aims=(Aim(limit=100.0),),
    ),
    "embedding-20k": Workload(
        "Embedding(20,000, 16) × 200, batch 32", 32, 200, (1,),
        tables=((20_000, 16),), time=200, aims=(Aim("torch", 2), Aim("jax", 2.5)),
    ),
    "embedding-1m": Workload(
        "Embedding(1,000,000, 64) × 50, batch 256", 256, 5, (1,),
        tables=((1_000_000, 64),), time=50, aims=(Aim("torch-sparse", 1.5), Aim("jax", 15)), only=LARGE,
    ),
    "embedding-1m-zipf": Workload(
        "Embedding(1,000,000, 64) × 50, Zipf ids, batch 256", 256, 5, (1,), zipf=True,
        tables=((1_000_000, 64),), time=50, aims=(Aim("torch-sparse", 2.5), Aim("jax", 50)), only=LARGE,
    ),
}  # fmt: skip

# The table above is measured by default but for the largest tables, which take gigabytes for each framework.
BY_DEFAULT = [name for name, workload in WORKLOADS.items() if not workload.only]

# Time from `fit` to the first finished step: seconds allowed with an empty and with a filled kernel cache.
FIRST_STEP = ("mlp-small", "flights")
FIRST_STEP_COLD, FIRST_STEP_WARM = 2.0, 0.3


@dataclass(frozen=True)
class Data:
    """Rows to train on: ids as one int32 array (rows, time) for each table, numbers and targets."""

    ids: list[np.ndarray]
    numbers: np.ndarray | None
    y: np.ndarray

    @property
    def inputs(self) -> list[np.ndarray]:
        """What a model with one input per column of ids, and one for the numbers, is called with."""
        return [*self.ids, *([] if self.numbers is None else [self.numbers])]

    def __len__(self) -> int:
        return len(self.y)

    def head(self, rows: int) -> Data:
        """The first rows."""
        numbers = None if self.numbers is None else self.numbers[:rows]
        return Data([ids[:rows] for ids in self.ids], numbers, self.y[:rows])


def make_data(workload: Workload, steps: int) -> Data:
    """So many batches that can be learned: the targets follow from the inputs by a hidden linear rule."""
    rng = np.random.default_rng(1)
    rows, outputs = workload.batch * steps, workload.widths[-1]
    columns, score = [], np.full((rows, outputs), 0.0 if workload.classes else 1.0, np.float32)
    for size, _ in workload.tables:
        column = _draw_ids(rng, workload, size, (rows, workload.time))
        effect = rng.normal(size=size).astype(np.float32)
        score += (effect[column].sum(axis=1, keepdims=True) / np.sqrt(workload.time)).astype(np.float32)
        columns.append(column)
    numbers = None
    if workload.numbers:
        numbers = rng.standard_normal((rows, workload.numbers), dtype=np.float32)
        score += numbers @ rng.standard_normal((workload.numbers, outputs), dtype=np.float32)
    return Data(columns, numbers, score.argmax(axis=1) if workload.classes else score)


def _draw_ids(rng: np.random.Generator, workload: Workload, size: int, shape: tuple[int, int]) -> np.ndarray:
    if not workload.zipf:
        return rng.integers(0, size, shape, dtype=np.int32)
    frequency = np.cumsum(1.0 / np.arange(1, size + 1))
    return np.searchsorted(frequency, rng.random(shape) * frequency[-1]).astype(np.int32)


@dataclass(frozen=True)
class Weights:
    """The weights before the first step: the tables, and (kernel, bias) of each dense layer."""

    tables: list[np.ndarray]
    dense: list[tuple[np.ndarray, np.ndarray]]


def first_weights(workload: Workload) -> Weights:
    """Keras's defaults: tables uniform in ±0.05, kernels Glorot uniform, biases zero."""
    rng = np.random.default_rng(2)
    tables = [rng.uniform(-0.05, 0.05, shape).astype(np.float32) for shape in workload.tables]
    inputs = sum(width for _, width in workload.tables) + workload.numbers
    dense = []
    for outputs in workload.widths:
        limit = np.sqrt(6 / (inputs + outputs))
        dense.append((rng.uniform(-limit, limit, (inputs, outputs)).astype(np.float32), np.zeros(outputs, np.float32)))
        inputs = outputs
    return Weights(tables, dense)


def mean_loss(workload: Workload, y: np.ndarray, predicted: np.ndarray) -> float:
    """The loss in double precision, from a framework's predictions (probabilities for classes)."""
    predicted = predicted.astype(np.float64)
    if workload.classes:
        return float(-np.log(predicted[np.arange(len(y)), y]).mean())
    return float(np.square(predicted - y).mean())


def build_model(workload: Workload, framework: Any) -> tuple[Any, Any]:
    """The model in Keras's functional API, and its layers with weights in the order of `Weights`.

    `framework` is the module `keras` or `minigrad`: the text is the same for both.
    """
    layers = framework.layers
    inputs, parts, owners = [], [], []
    for rows, width in workload.tables:
        ids = layers.Input((workload.time,), dtype="int32")
        table = layers.Embedding(rows, width)
        pooled = layers.Flatten() if workload.time == 1 else layers.GlobalAveragePooling1D()
        inputs.append(ids)
        owners.append(table)
        parts.append(pooled(table(ids)))
    if workload.numbers:
        numbers = layers.Input((workload.numbers,))
        inputs.append(numbers)
        parts.append(numbers)
    hidden = parts[0] if len(parts) == 1 else layers.Concatenate()(parts)
    last = "softmax" if workload.classes else None
    for i, width in enumerate(workload.widths, 1):
        layer = layers.Dense(width, activation="relu" if i < len(workload.widths) else last)
        hidden = layer(hidden)
        owners.append(layer)
    return framework.Model(inputs if len(inputs) > 1 else inputs[0], hidden), owners


def set_first_weights(workload: Workload, owners: Any) -> None:
    """Give the layers that `build_model` lists their first weights."""
    weights = first_weights(workload)
    for layer, values in zip(owners, [[table] for table in weights.tables] + [list(pair) for pair in weights.dense]):
        layer.set_weights(values)
