"""Learning rates that change from step to step: Keras's schedules, with its arguments and formulas.

A schedule is called with the number of steps done and returns a float. Give it to an optimizer in place of
the learning rate.

>>> ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(20)
0.025
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ..registry import Registry, construct

__all__ = [
    "CosineDecay",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

Self = TypeVar("Self", bound="LearningRateSchedule")


class LearningRateSchedule:
    """The contract: `__call__(step)` returns the learning rate when `step` steps are done.

    >>> class Halving(LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.1 / 2**step
    >>> Halving()(1)
    0.05
    """

    def __call__(self, step: int) -> float:
        raise NotImplementedError(f"{type(self).__name__} needs a __call__(step) that returns a float.")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, as JSON can hold them."""
        return {}

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        """Return a schedule with the arguments in `config`; an unknown one is an error."""
        return construct(cls, config)


_registry: Registry[LearningRateSchedule] = Registry("learning rate schedule", LearningRateSchedule)
serialize = _registry.serialize
deserialize = _registry.deserialize


@_registry.register()
class ExponentialDecay(LearningRateSchedule):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`; `staircase` takes a whole exponent."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_rate = float(initial_learning_rate), float(decay_rate)
        self.decay_steps, self.staircase, self.name = _above_zero(decay_steps), staircase, name

    def __call__(self, step: int) -> float:
        return self.initial_learning_rate * self.decay_rate ** self._progress(step)

    def _progress(self, step: int) -> float:
        return step // self.decay_steps if self.staircase else step / self.decay_steps

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


@_registry.register()
class InverseTimeDecay(ExponentialDecay):
    """`initial_learning_rate / (1 + decay_rate * (step / decay_steps))`; `staircase` as above."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: int) -> float:
        return self.initial_learning_rate / (1 + self.decay_rate * self._progress(step))


@_registry.register()
class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[0]` up to and including step `boundaries[0]`, then `values[1]` up to the next, and so on.

    >>> rate = PiecewiseConstantDecay([100, 200], [1.0, 0.5, 0.1])
    >>> rate(100), rate(101), rate(1000)
    (1.0, 0.5, 0.1)
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        self.boundaries, self.values, self.name = list(boundaries), [float(v) for v in values], name
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"PiecewiseConstantDecay needs one value more than boundaries, got {len(self.boundaries)} "
                f"boundaries and {len(self.values)} values."
            )
        if sorted(set(self.boundaries)) != self.boundaries:
            raise ValueError(f"PiecewiseConstantDecay needs boundaries that ascend, got {self.boundaries}.")

    def __call__(self, step: int) -> float:
        return self.values[bisect_left(self.boundaries, step)]

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}


@_registry.register()
class PolynomialDecay(LearningRateSchedule):
    """From one learning rate to another in `decay_steps`, along `(1 - step / decay_steps) ** power`.

    With `cycle`, a schedule that has come to its end goes on over twice, three times ... `decay_steps`.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = float(initial_learning_rate)
        self.end_learning_rate = float(end_learning_rate)
        self.decay_steps, self.power, self.cycle, self.name = _above_zero(decay_steps), power, cycle, name

    def __call__(self, step: int) -> float:
        rounds = max(1, math.ceil(step / self.decay_steps)) if self.cycle else 1
        progress = min(step / (self.decay_steps * rounds), 1.0)
        way = self.initial_learning_rate - self.end_learning_rate
        return float(way * (1 - progress) ** self.power + self.end_learning_rate)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }


@_registry.register()
class CosineDecay(LearningRateSchedule):
    """Half a cosine wave down to `alpha` times the start, if wanted after a straight warm-up.

    Args:
        initial_learning_rate: where it begins.
        decay_steps: how many steps the way down takes.
        alpha: what is left at the end, as a fraction.
        warmup_target: where the warm-up ends and the way down begins; None for no warm-up.
        warmup_steps: how many steps the warm-up takes.

    Source: Loshchilov and Hutter, 2017; the warm-up: Goyal et al., 2017.

    >>> rate = CosineDecay(0.0, decay_steps=10, warmup_target=1.0, warmup_steps=2)
    >>> [round(rate(step), 2) for step in (0, 1, 2, 7, 12, 99)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate, self.decay_steps = float(initial_learning_rate), _above_zero(decay_steps)
        self.alpha, self.name = float(alpha), name
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps
        if warmup_steps < 0 or (warmup_steps and warmup_target is None):
            raise ValueError(
                f"CosineDecay got warmup_steps={warmup_steps} and warmup_target={warmup_target}; "
                "a warm-up needs both, the steps above zero."
            )

    def __call__(self, step: int) -> float:
        start = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return start + (self.warmup_target - start) * step / self.warmup_steps
            start, step = self.warmup_target, step - self.warmup_steps
        wave = 0.5 * (1 + math.cos(math.pi * min(step / self.decay_steps, 1.0)))
        return start * ((1 - self.alpha) * wave + self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


def _above_zero(decay_steps: float) -> float:
    if not decay_steps > 0:
        raise ValueError(f"decay_steps must be above zero, got {decay_steps}.")
    return decay_steps
