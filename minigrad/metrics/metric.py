"""The metric contract, and the metrics that are a sum or a mean: of values, or of a function's values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from .. import initializers
from ..core.tensor import Tensor, Variable
from ..errors import ShapeError
from ..losses.loss import fit_weights
from ..registry import Registry, construct, snake_case

__all__ = ["Mean", "MeanMetricWrapper", "Metric", "Sum", "aligned", "plain", "registry", "same_shape"]

Self = TypeVar("Self", bound="Metric")


class Metric:
    """Base of all metrics: batches come in by `update_state`, and `result` tells about all of them.

    A member sets its state in `reset_state`, which its constructor calls too. Sums are float64 and counts whole
    numbers, so that the result does not depend on how the data were cut into batches, nor on how many there were.

    A metric of your own:

    >>> class Worst(Metric):
    ...     def __init__(self, name=None):
    ...         super().__init__(name)
    ...         self.reset_state()
    ...     def reset_state(self):
    ...         self.worst = 0.0
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.worst = max(self.worst, float(np.max(np.absolute(y_true - y_pred))))
    ...     def result(self):
    ...         return self.worst
    >>> Worst()(np.array([1.0, 2.0]), np.array([1.5, 2.0]))
    0.5
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name or snake_case(type(self).__name__)
        self._state: list[tuple[Variable, np.ndarray]] = []  # what add_weight made, and its first values

    def add_weight(
        self, shape: Any = (), initializer: Any = "zeros", dtype: Any = None, name: str = "variable"
    ) -> Variable:
        """A piece of state as a Variable, to be written with `assign`; `reset_state` brings it back, as in Keras."""
        first = initializers.get(initializer)((shape,) if isinstance(shape, int) else tuple(shape), dtype=dtype)
        self._state.append((Variable(first, trainable=False, name=name), np.array(first)))
        return self._state[-1][0]

    add_variable = add_weight

    def reset_state(self) -> None:
        """Forget all batches."""
        if not self._state:
            raise NotImplementedError(f"{type(self).__name__} needs a reset_state(), or state made by add_weight().")
        for variable, first in self._state:
            variable.assign(first)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch: targets, predictions and, if samples do not count alike, their weights."""
        raise NotImplementedError(f"{type(self).__name__} needs an update_state(y_true, y_pred, sample_weight=None).")

    def result(self) -> Any:
        """Return the metric of all batches since `reset_state`: a float, or an array where a member says so."""
        raise NotImplementedError(f"{type(self).__name__} needs a result().")

    def __call__(self, *batch: Any, **named: Any) -> Any:
        """Take in a batch and return the result so far."""
        self.update_state(*batch, **named)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, as JSON can hold them."""
        return {"name": self.name}

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        """Return a metric with the arguments in `config`; an unknown one is an error."""
        return construct(cls, config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}={self.result()}>"


registry: Registry[Metric] = Registry("metric", Metric, callables=True)


@registry.register()
class Sum(Metric):
    """The sum of all values, each times its weight."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.reset_state()

    def reset_state(self) -> None:
        self.total = 0.0

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        values = plain(values)
        if sample_weight is None and values.dtype == bool:
            self.total += float(np.count_nonzero(values))
            return
        values = np.asarray(values, np.float64)
        if sample_weight is not None:
            values = values * fit_weights(plain(sample_weight), values)
        self.total += float(values.sum())

    def result(self) -> float:
        return self.total


@registry.register()
class Mean(Sum):
    """The mean of all values, weighted; 0 as long as there are none.

    >>> Mean()([1, 2, 6])
    3.0
    """

    def reset_state(self) -> None:
        super().reset_state()
        self.count: float = 0

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        values = plain(values)
        super().update_state(values, sample_weight)
        if sample_weight is None:
            self.count += values.size
        else:
            weights = fit_weights(plain(sample_weight), np.asarray(values, np.float64))
            self.count += float(np.sum(np.broadcast_to(weights, values.shape)))

    def result(self) -> float:
        return self.total / self.count if self.count else 0.0


class MeanMetricWrapper(Mean):
    """The mean of `fn(y_true, y_pred, **kwargs)`, named after the function.

    The function gets arrays with equally many samples and returns one value for each (or for each time step). If it
    returns a single number, that counts for all samples of the batch.

    >>> def within_one(y_true, y_pred):
    ...     return np.absolute(y_true - y_pred) <= 1
    >>> MeanMetricWrapper(within_one)([1, 2], [1.5, 4.0])
    0.5
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name or getattr(fn, "__name__", type(fn).__name__).strip("<>"))
        self.fn, self.kwargs = fn, kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        y_true, y_pred = aligned(y_true, y_pred, self.name)
        values = np.asarray(self.fn(y_true, y_pred, **self.kwargs))
        super().update_state(values if values.shape else np.full(len(y_pred), values), sample_weight)

    def get_config(self) -> dict[str, Any]:
        own = {} if type(self) is not MeanMetricWrapper else {"fn": registry.serialize(self.fn)}
        return own | super().get_config() | self.kwargs


def plain(y: Any) -> Any:
    """Values as an array: of a Tensor the data, of lists and numbers what NumPy makes of them."""
    return y.data if isinstance(y, Tensor) else np.asarray(y)


def aligned(y_true: Any, y_pred: Any, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions as arrays of equal rank, if it is only a last axis of size 1 that is missing in one.

    Raises ShapeError if they do not have equally many samples.
    """
    y_true, y_pred = plain(y_true), plain(y_pred)
    if y_true.ndim + 1 == y_pred.ndim and y_pred.shape[-1] == 1:
        y_true = y_true[..., None]
    elif y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        y_pred = y_pred[..., None]
    if not y_true.ndim or not y_pred.ndim or len(y_true) != len(y_pred):
        raise ShapeError(
            f"{where}: targets of shape {y_true.shape} for predictions of shape {y_pred.shape}; expected as many "
            "samples (first axis) in both."
        )
    return y_true, y_pred


def same_shape(y_true: Any, y_pred: Any, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions, aligned; raises ShapeError unless their shapes are equal then."""
    y_true, y_pred = aligned(y_true, y_pred, where)
    if y_true.shape != y_pred.shape:
        raise ShapeError(
            f"{where}: targets of shape {y_true.shape} for predictions of shape {y_pred.shape}; expected equal shapes."
        )
    return y_true, y_pred
