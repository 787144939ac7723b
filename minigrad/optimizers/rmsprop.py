"""Steps measured by the size that gradients had of late."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from .deferred import Idle
from .optimizer import Optimizer, Options, Rate, registry

__all__ = ["RMSprop"]


@registry.register("rmsprop")
class RMSprop(Optimizer):
    """`w -= learning_rate * g / sqrt(velocity + epsilon)`, the velocity a moving average of `g * g`.

    Args:
        learning_rate: a number, a schedule or a function.
        rho: what part of the averages stays from step to step.
        momentum: what part of the step before is taken again.
        epsilon: keeps the division finite.
        centered: whether the average gradient's square is taken off the velocity, which makes it a variance.
        options: see `Optimizer`.

    Source: Hinton, 2012, lecture 6 of "Neural Networks for Machine Learning".
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho, self.momentum = float(rho), float(momentum)
        self.epsilon, self.centered = float(epsilon), centered
        wanted = {"velocity": True, "momentum": self.momentum, "average_gradient": centered}
        self.slot_names = tuple(name for name, needed in wanted.items() if needed)

    def idle(self) -> Idle | None:
        if self.centered:
            return None
        if not self.momentum:
            return Idle({"velocity": self.rho})
        return Idle({"velocity": self.rho, "momentum": self.momentum}, "momentum", scale=-1.0)

    def update(
        self,
        w: Any,
        g: Any,
        velocity: Any,
        momentum: Any = None,
        average_gradient: Any = None,
        *,
        learning_rate: Any,
    ) -> tuple[Any, ...]:
        velocity = self.rho * velocity + (1 - self.rho) * np.square(g)
        size = velocity
        slots = [velocity]
        if self.centered:
            average_gradient = self.rho * average_gradient + (1 - self.rho) * g
            size = velocity - np.square(average_gradient)
        step = learning_rate * g / np.sqrt(size + self.epsilon)
        if self.momentum:
            step = self.momentum * momentum + step
            slots.append(step)
        if self.centered:
            slots.append(average_gradient)
        return w - step, *slots

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
