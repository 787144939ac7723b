"""Numbers shifted and scaled to mean 0 and variance 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import config
from ..core.mode import MODE
from ..core.spec import normal_axes
from ..core.tensor import Tensor
from ..errors import NonFiniteError, ShapeError
from ..layers.common import Shape, SingleInput, as_float
from ..layers.layer import registry
from .host import Adapts, as_numbers


@registry.register()
class Normalization(Adapts, SingleInput):
    """`(inputs - mean) / sqrt(variance)`, with a mean and a variance for each place along some axes.

    axis: these axes, by default the last one, the features; None for one mean of all. The batch, axis 0, cannot be
    among them. mean, variance: numbers or arrays, if they are known; else `adapt` learns them, as weights that are not
    trained: `mean`, `variance` and `count`, the number of rows. invert: back again, `inputs * sqrt(variance) + mean`.
    A variance below 1e-14 counts as that. Keras counterpart: keras.layers.Normalization.

    >>> layer = Normalization()
    >>> layer.adapt([[0.0, 7.0], [2.0, 9.0]])
    >>> layer([[1.0, 9.0]]).numpy()
    array([[0., 1.]], dtype=float32)
    """

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis = () if axis is None else tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
        if not all(isinstance(a, (int, np.integer)) and a for a in self.axis):
            raise ValueError(
                f"Normalization: axis={axis!r}; expected axes other than 0, which is the batch, or None for one mean "
                "of all"
            )
        if (mean is None) != (variance is None):
            raise ValueError("Normalization: give both mean= and variance=, or neither, and call adapt(data)")
        self.invert = bool(invert)
        self._given = None if mean is None else (np.asarray(mean, self.dtype), np.asarray(variance, self.dtype))
        if self._given is not None and not (self._given[1] >= 0).all():
            raise ValueError(f"Normalization: variance={variance!r} is negative, or no number")
        self.reset_state()

    def build(self, input_shape: Shape) -> None:
        self._wide = self._broadcast(input_shape)
        if self._given is None:
            sizes = self._kept(input_shape)
            self._mean = self.add_weight(sizes, "zeros", trainable=False, name="mean")
            self._variance = self.add_weight(sizes, "ones", trainable=False, name="variance")
            self._count = self.add_weight((), "zeros", np.int64, trainable=False, name="count")

    def _axes(self, ndim: int) -> tuple[int, ...]:
        axes = normal_axes(self.axis, ndim) if self.axis else ()
        if 0 in axes:
            raise ShapeError(
                f"axis={self.axis[0]} is the batch, for the input has {ndim} axes alone. Use axis=None for one mean of "
                "all values, or give the input an axis of features, as in x[:, None]"
            )
        return axes

    def _kept(self, shape: Shape) -> Shape:
        """The shape of mean and variance as weights."""
        return tuple(shape[a] for a in self._axes(len(shape)))

    def _broadcast(self, shape: Shape) -> Shape:
        """Their shape beside an input."""
        axes = self._axes(len(shape))
        wide = tuple(n if a in axes else 1 for a, n in enumerate(shape))
        if None in wide:
            raise ShapeError(f"axis {wide.index(None)} of {shape} is open, but each place along it has a mean")
        return wide

    # -- learning -------------------------------------------------------------------------------------------------

    def reset_state(self) -> None:
        """Forget the batches seen so far; mean and variance stay until `finalize_state` makes others."""
        self._seen: tuple[int, Any, Any] = (0, 0.0, 0.0)  # rows, mean, and sum of squared distances from it

    def update_state(self, data: Any) -> None:
        """Take a batch into account; NonFiniteError, with the place, if it has a NaN or an infinity."""
        if self._given is not None:
            raise ValueError(f"{self.name}: adapt() learns mean and variance, but they were given")
        values = as_numbers(data.numpy() if isinstance(data, Tensor) else data)
        finite = np.isfinite(values)
        if not finite.all():
            at = tuple(int(i) for i in np.argwhere(~finite)[0])
            raise NonFiniteError(
                f"{self.name}.adapt: the value at {list(at)} is {values[at]} ({(~finite).sum()} of {values.size} are "
                "not finite); fill or drop them first"
            )
        if not values.size:
            return
        if not self.built:
            self.build(values.shape)
            self.built = True
        if self._kept(values.shape) != self._mean.shape:
            raise ShapeError(f"{self.name}.adapt: data of shape {values.shape} for a mean of {self._mean.shape}")
        others = tuple(a for a in range(values.ndim) if a not in self._axes(values.ndim))
        weight = values.size // max(1, self._mean.size)
        mean = values.mean(others, np.float64)
        spread = values.var(others, np.float64) * weight
        before, old_mean, old_spread = self._seen  # joined as in Chan, Golub and LeVeque, 1979
        total, apart = before + weight, mean - old_mean
        self._seen = (
            total,
            old_mean + apart * (weight / total),
            old_spread + spread + apart**2 * (before * weight / total),
        )

    def finalize_state(self) -> None:
        """Write mean and variance."""
        count, mean, spread = self._seen
        if not count:
            raise ValueError(f"{self.name}: the data has no values")
        self._mean.assign(np.asarray(mean))
        self._variance.assign(np.asarray(spread / count))
        self._count.assign(np.asarray(count))
        self.reset_state()

    # -- using ----------------------------------------------------------------------------------------------------

    @property
    def mean(self) -> Any:
        """The mean, in a shape that broadcasts with inputs; None before the layer is built."""
        return self._statistics()[0] if self.built else None

    @property
    def variance(self) -> Any:
        """The variance, in a shape that broadcasts with inputs; None before the layer is built."""
        return self._statistics()[1] if self.built else None

    def _statistics(self) -> tuple[Any, Any]:
        if self._given is None:
            return self._mean.reshape(self._wide), self._variance.reshape(self._wide)
        mean, variance = self._given
        sizes = self._wide if mean.size > 1 else ()
        return mean.reshape(sizes), variance.reshape(sizes if variance.size > 1 else ())

    def call(self, inputs: Any) -> Any:
        mode = MODE.get()
        drawing = mode.tracing is None and mode.scope is not None and mode.scope.drawn  # a graph, adapted later
        if not drawing and self._knows_nothing():
            raise ValueError(f"{self.name} has no mean and variance yet: call adapt(data) first, or give both")
        if self._broadcast(inputs.shape) != self._wide:
            raise ShapeError(f"expected an input whose means broadcast as {self._wide}, got shape {inputs.shape}")
        mean, variance = self._statistics()
        deviation = np.maximum(np.sqrt(variance), config.epsilon())
        values = as_float(inputs, self.dtype)
        return values * deviation + mean if self.invert else (values - mean) / deviation

    def _knows_nothing(self) -> bool:
        """Whether mean and variance are neither given, learned nor set. (`_data`: a program's drawing asks, too.)"""
        if self._given is not None or self._count._data:
            return False
        return bool((self._mean._data == 0).all() and (self._variance._data == 1).all())

    def get_config(self) -> dict[str, Any]:
        given = self._given or (None, None)
        plain = [None if a is None else a.tolist() for a in given]
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": self.dtype.name,
            "axis": list(self.axis) or None,
            "mean": plain[0],
            "variance": plain[1],
            "invert": self.invert,
        }
