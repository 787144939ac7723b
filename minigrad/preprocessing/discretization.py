"""Numbers to the bins that they lie in."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import NonFiniteError
from ..layers.common import one_of, whole_number
from ..layers.layer import registry
from .encoding import encode, encoded_shape
from .host import Adapts, HostLayer, Shape, as_numbers


@registry.register()
class Discretization(Adapts, HostLayer):
    """The bin of each number: 0 below the first boundary, 1 from it on, and so on: -> int32 of the same shape.

    bin_boundaries: the boundaries, ascending; or num_bins: how many bins `adapt` learns, of about equally many values
    each. epsilon: how coarse the summary of the data is that it learns from, as a share of the values. output_mode:
    'int', 'one_hot', 'multi_hot' or 'count'. Raises NonFiniteError for NaN. There is no gradient. Keras counterpart:
    keras.layers.Discretization.

    >>> Discretization(bin_boundaries=[0.0, 1.0, 2.0])([[-1.5, 1.0, 3.4, 0.5]]).numpy()
    array([[0, 2, 3, 1]], dtype=int32)
    """

    input_dtype = "float32"

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError("Discretization: give either bin_boundaries=, or num_bins= and adapt(data)")
        self.num_bins = None if num_bins is None else whole_number(self, "num_bins", num_bins, 2)
        if not 0 < epsilon < 1:
            raise ValueError(f"Discretization: epsilon={epsilon!r}; expected a number between 0 and 1")
        self.epsilon = epsilon
        self.output_mode = one_of(self, "output_mode", output_mode, ("int", "one_hot", "multi_hot", "count"))
        self._boundaries = None if bin_boundaries is None else self._checked(bin_boundaries)
        self.reset_state()

    def _checked(self, boundaries: Any) -> np.ndarray:
        array = np.asarray(boundaries, np.float64)
        if array.ndim != 1 or not array.size or not (np.diff(array) > 0).all():  # NaN is not greater
            raise ValueError(f"Discretization: bin_boundaries={boundaries!r}; expected ascending numbers in a list")
        return array

    @property
    def bin_boundaries(self) -> list[float] | None:
        """The boundaries, given or learned; None before `adapt`."""
        return None if self._boundaries is None else self._boundaries.tolist()

    # -- learning -------------------------------------------------------------------------------------------------

    def reset_state(self) -> None:
        """Forget the values seen so far; the boundaries stay until `finalize_state` makes others."""
        self._summary = np.empty((2, 0))

    def update_state(self, data: Any) -> None:
        """Take the values of a batch, of any shape, into the summary."""
        if self.num_bins is None:
            raise ValueError(f"{self.name}: adapt() learns boundaries, but bin_boundaries= were given")
        values = np.sort(self.accepted(data).ravel().astype(np.float64))
        self._summary = merged(sampled(values, self.epsilon), self._summary, self.epsilon)

    def finalize_state(self) -> None:
        """Make the boundaries."""
        if not self._summary.size:
            raise ValueError(f"{self.name}: the data has no values to make bins of")
        assert self.num_bins is not None
        found = compressed(self._summary, 1 / self.num_bins)[0][: self.num_bins - 1]
        self._boundaries = found.astype(np.float32).astype(np.float64)
        self.reset_state()

    # -- using ----------------------------------------------------------------------------------------------------

    def accepted(self, values: Any) -> np.ndarray:
        array = as_numbers(values)
        if np.isnan(array).any():
            at = [int(i) for i in np.argwhere(np.isnan(array))[0]]
            raise NonFiniteError(f"the value at {at} is nan, which lies in no bin")
        return array

    def output_spec(self, shape: Shape) -> tuple[Shape, Any]:
        if self.output_mode == "int":
            return shape, np.dtype(np.int32)
        return encoded_shape(shape, self._bins(), self.output_mode), self.dtype

    def _bins(self) -> int:
        return self.num_bins or len(self.bin_boundaries or ()) + 1

    def call(self, inputs: np.ndarray) -> np.ndarray:
        if self._boundaries is None:
            raise ValueError(f"{self.name} has no bins yet: call adapt(data) first, or give bin_boundaries=[...]")
        bins = np.searchsorted(self._boundaries, inputs, side="right").astype(np.int32)
        return bins if self.output_mode == "int" else encode(bins, self._bins(), self.output_mode, self.dtype)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        learned = config["bin_boundaries"] if config.get("num_bins") else None
        layer = cls(**(config if learned is None else {**config, "bin_boundaries": None}))
        if learned is not None:
            layer._boundaries = layer._checked(learned)
        return layer


# A summary of numbers is (values, weights): some of them in order, and for how many each stands. (Keras's method.)


def sampled(values: np.ndarray, epsilon: float) -> np.ndarray:
    """The summary of sorted values: the last one of each share epsilon of them."""
    step = max(len(values) * epsilon, 1)
    kept = values[int(step - 1) :: int(step)]
    return np.stack([kept, np.full(len(kept), step)])


def merged(summary: np.ndarray, other: np.ndarray, epsilon: float) -> np.ndarray:
    """Two summaries as one, of about 1 / epsilon values."""
    both = np.concatenate([summary, other], axis=1)
    return compressed(both[:, np.argsort(both[0])], epsilon)


def compressed(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """A summary of the values at the shares epsilon, 2 epsilon ..., between whose neighbours they are interpolated."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    reached = summary[1].cumsum()
    values, until = (np.interp(shares, reached / reached[-1], of) for of in (summary[0], reached))
    return np.stack([values, np.diff(until, prepend=0.0)]).astype(np.float32)
