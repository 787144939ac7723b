"""Example operands for an op, drawn from whatever makes the choices: Hypothesis in the tests, a seed elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


class Draw:
    """Draws shapes, axes and arrays from one source of integers, `integer(low, high)` with both ends included."""

    def __init__(self, integer: Callable[[int, int], int]) -> None:
        self.integer = integer
        self.drawn = 0

    def generator(self) -> np.random.Generator:
        """A generator of its own for each array: two that the source chose alike must not tie."""
        self.drawn += 1
        return np.random.default_rng((self.drawn, self.integer(0, 2**16)))

    def choice(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.integer(0, len(options) - 1)]

    def flag(self) -> bool:
        """True or False."""
        return bool(self.integer(0, 1))

    def shape(self, min_ndim: int = 0, max_ndim: int = 3, min_size: int = 1, max_size: int = 4) -> tuple[int, ...]:
        """A shape; with min_size=0 an axis may be empty."""
        ndim = self.integer(min_ndim, max_ndim)
        return tuple(self.integer(min_size, max_size) for _ in range(ndim))

    def axis(self, ndim: int) -> int:
        """An axis, from the front or from the back."""
        return self.integer(-ndim, ndim - 1)

    def axes(self, ndim: int) -> int | tuple[int, ...] | None:
        """None, one axis, or several."""
        if ndim == 0 or self.integer(0, 3) == 0:
            return None
        if self.flag():
            return self.axis(ndim)
        return tuple(a - ndim * self.integer(0, 1) for a in range(ndim) if self.flag())

    def array(self, shape: tuple[int, ...], low: float = -3.0, high: float = 3.0) -> np.ndarray:
        """float64 values in (low, high); away from integers, where functions like to have kinks, and all distinct."""
        rng = self.generator()
        x = rng.uniform(low, high, shape)
        near = np.abs(x - np.round(x)) < 0.02
        return np.where(near, x + np.where(x > (low + high) / 2, -0.04, 0.04), x)

    def spread(self, shape: tuple[int, ...]) -> np.ndarray:
        """float64 values at least 0.1 apart, in random order: for maxima, sorting and medians."""
        rng = self.generator()
        size = int(np.prod(shape, dtype=int))
        return np.asarray((rng.permutation(size).reshape(shape) - size / 2 + 0.35) * 0.1)

    def ids(self, shape: tuple[int, ...], high: int) -> np.ndarray:
        """Integers in [0, high)."""
        return self.generator().integers(0, high, shape)

    def broadcastable(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts to `shape`."""
        kept = shape[self.integer(0, len(shape)) :]
        return tuple(1 if self.integer(0, 3) == 0 else n for n in kept)


Sample = tuple[tuple[Any, ...], dict[str, Any]]
Samples = Callable[[Draw], Sample]


def seeded(seed: int) -> Draw:
    """A Draw from a seed.

    >>> seeded(0).shape() == seeded(0).shape()
    True
    """
    rng = np.random.default_rng(seed)
    return Draw(lambda low, high: int(rng.integers(low, high, endpoint=True)))


def elementwise_samples(operands: int, low: float, high: float) -> Samples:
    """Arrays of shapes that broadcast together, one of them of the full shape."""

    def samples(draw: Draw) -> Sample:
        shape = draw.shape()
        full = draw.integer(0, operands - 1)
        shapes = [shape if i == full else draw.broadcastable(shape) for i in range(operands)]
        return tuple(draw.array(s, low, high) for s in shapes), {}

    return samples
