"""What `compile` was told: for each output of a model its loss, the loss's weight, and its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from .. import losses, metrics
from ..core.tensor import Tensor
from ..core.tree import leaves
from ..errors import ShapeError, unknown
from ..layers.layer import free_name
from ..losses.loss import Loss, fit_weights
from ..metrics.metric import Metric, plain


class Objective:
    """Losses and metrics by output, and their means over all batches since the last `reset`, in float64."""

    def __init__(self, outputs: Sequence[str], loss: Any, metrics: Any, loss_weights: Any, weighted_metrics: Any):
        self.outputs = list(outputs)
        self.losses: list[Loss | None] = [None if x is None else losses.get(x) for x in self._each(loss, "loss")]
        self.scales = [1.0 if w is None else float(w) for w in self._each(loss_weights, "loss_weights")]
        used: set[int] = set()
        # For each output its metrics, and whether they are given the sample weights.
        self.metrics: list[list[tuple[Any, bool]]] = [
            [(m, False) for m in own_metrics(plain, used)] + [(m, True) for m in own_metrics(weighted, used)]
            for plain, weighted in zip(
                self._each(metrics, "metrics", several=True),
                self._each(weighted_metrics, "weighted_metrics", several=True),
            )
        ]
        self.measures = any(self.metrics)  # whether it reads the outputs
        self.reset()

    def _each(self, given: Any, what: str, several: bool = False) -> list[Any]:
        """One entry an output, from a single entry for all, a list, or a dict by name.

        several: an entry may be a list itself; a list with none inside is for every output, as in Keras 2.
        """
        n = len(self.outputs)
        if isinstance(given, dict) and "class_name" not in given:
            return self.by_name(given, what)
        if not isinstance(given, (list, tuple)):
            return [given] * n
        nested = any(isinstance(x, (list, tuple)) for x in given)
        if several and not nested:
            return [given] * n
        return self.in_order(given, what, "entries")

    def align(self, structure: Any, what: str) -> list[Any]:
        """Targets or sample weights in the order of the outputs."""
        n = len(self.outputs)
        if isinstance(structure, dict):
            return self.by_name(structure, what)
        if isinstance(structure, (list, tuple)):
            return self.in_order(structure, what, "arrays")
        if structure is not None and n > 1 and what == "y":
            raise ValueError(f"y is a single array for {n} outputs ({', '.join(self.outputs)}); give a list or a dict")
        return [structure] * n

    def by_name(self, given: dict, what: str) -> list[Any]:
        """The entries of a dict in the order of the outputs, None where it has none."""
        for name in given:
            if name not in self.outputs:
                raise unknown(f"output in {what}", name, self.outputs)
        return [given.get(name) for name in self.outputs]

    def in_order(self, given: Sequence[Any], what: str, of: str) -> list[Any]:
        """The entries of a list, one an output."""
        n = len(self.outputs)
        if len(given) != n:
            raise ValueError(f"{what} has {len(given)} {of} for {n} outputs: {', '.join(self.outputs)}")
        return list(given)

    # -- loss -----------------------------------------------------------------------------------------------------

    def loss(self, targets: Any, outputs: Any, sample_weight: Any = None) -> tuple[Any, dict[str, Any]]:
        """The weighted sum of the outputs' losses (None if there is none), and their values by name if there are
        several outputs. Targets are checked first, and never broadcast.
        """
        total: Any = None
        parts: dict[str, Any] = {}
        ys, weights = self.align(targets, "y"), self.align(sample_weight, "sample_weight")
        for name, loss, scale, y, prediction, weight in zip(
            self.outputs, self.losses, self.scales, ys, leaves(outputs), weights
        ):
            if loss is None:
                continue
            if y is None:
                raise ValueError(f"y is missing: the output {name!r} has a loss, {loss.name}, which needs a target")
            value = loss.compute(loss.accept(y, prediction, f"the target of {name!r}"), prediction, weight)
            if value.shape:
                raise ShapeError(
                    f"the loss {loss.name} of {name!r} gave an array of shape {value.shape}, but training needs a "
                    f"single number; its reduction is {loss.reduction!r}"
                )
            parts[f"{name}_loss"] = value
            value = value if scale == 1.0 else value * scale
            total = value if total is None else total + value
        return total, parts if len(self.outputs) > 1 else {}

    def check(self, targets: Any, outputs: Any) -> None:
        """The checks of all targets that have a loss; `loss` makes them by itself."""
        for name, loss, y, prediction in zip(self.outputs, self.losses, self.align(targets, "y"), leaves(outputs)):
            if loss is not None and y is not None:
                loss.check(y, prediction.shape, f"the target of {name!r}")

    # -- running figures ------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Begin the means anew."""
        self._sums: dict[str, float] = {}
        self._rows = 0
        for own in self.metrics:
            for metric, _ in own:
                if isinstance(metric, Metric):
                    metric.reset_state()

    def count(self, rows: int, losses: Iterable[tuple[str, Any]]) -> None:
        """Take a batch's losses, by name, into the means."""
        self._rows += rows
        for name, value in losses:
            self._sums[name] = self._sums.get(name, 0.0) + rows * float(value)

    def measure(self, targets: Any, outputs: Any, sample_weight: Any) -> None:
        """Take a batch into the metrics. 'accuracy' becomes one of the accuracies with the first shapes it sees."""
        self.measure_each(self.align(targets, "y"), leaves(outputs), self.align(sample_weight, "sample_weight"))

    def measure_each(self, ys: Iterable[Any], outputs: Iterable[Any], sample_weights: Iterable[Any]) -> None:
        """The same for targets, outputs and weights in the order of the outputs."""
        for i, (y, prediction, weight) in enumerate(zip(ys, outputs, sample_weights)):
            for k, (metric, is_weighted) in enumerate(self.metrics[i]):
                if y is None:
                    raise ValueError(f"y is missing: the output {self.outputs[i]!r} has metrics, which need a target")
                values = prediction._data if isinstance(prediction, Tensor) else np.asarray(prediction)
                weights = weighted(prediction, weight if is_weighted else None)
                if isinstance(metric, str):
                    metric = metrics.get(metric, y.shape, values.shape, self.losses[i])
                    self.metrics[i][k] = metric, is_weighted
                metric.update_state(y, values, sample_weight=weights)

    def logs(self) -> dict[str, Any]:
        """The means by name: `loss`, `out_loss` where there are several outputs, then the metrics."""
        out: dict[str, Any] = {name: total / self._rows for name, total in self._sums.items()}
        for name, metric in self._named_metrics(out):
            if isinstance(metric, Metric):
                value = metric.result()
                out[name] = value.item() if isinstance(value, Tensor) else value
        return out

    def names(self) -> list[str]:
        """The names of `logs`, in its order, also before there is any data."""
        several = len(self.outputs) > 1
        parts = [f"{name}_loss" for name, loss in zip(self.outputs, self.losses) if several and loss is not None]
        out = dict.fromkeys(["loss", *parts])
        for name, _ in self._named_metrics(out):
            out[name] = None
        return list(out)

    def _named_metrics(self, taken: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """(name, metric) for each metric; a name is told apart from those in `taken`, where the reader puts it."""
        for output, own in zip(self.outputs, self.metrics):
            for metric, _ in own:
                name = metric if isinstance(metric, str) else metric.name
                yield free_name(name if len(self.outputs) == 1 else f"{output}_{name}", taken), metric


def weighted(prediction: Any, weight: Any) -> Any:
    """The sample weights for a metric, 0 where the prediction's mask says that a step does not count."""
    if not isinstance(prediction, Tensor) or prediction.mask is None:
        return weight
    kept = prediction.mask._data.astype(prediction.dtype)
    return kept if weight is None else kept * fit_weights(plain(weight), kept)


def own_metrics(given: Any, used: set[int]) -> list[Any]:
    """Metrics as they were named; an object that serves an earlier output already is copied.

    'accuracy' stays a word until the first shapes say which one is meant.
    """
    own: list[Any] = []
    for m in given if isinstance(given, (list, tuple)) else [] if given is None else [given]:
        metric = m if isinstance(m, str) and m.lower() in ("accuracy", "acc") else metrics.get(m)
        own.append(deepcopy(metric) if id(metric) in used and isinstance(metric, Metric) else metric)
        used.add(id(metric))
    return own
