"""Steps measured by all gradients so far: rare features take large steps, frequent ones small."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from ..core.tensor import Variable
from .deferred import Idle
from .optimizer import Optimizer, Options, Rate, registry

__all__ = ["Adadelta", "Adagrad"]


@registry.register()
class Adagrad(Optimizer):
    """`w -= learning_rate * g / sqrt(accumulator + epsilon)`, the accumulator the sum of all `g * g`.

    Args:
        learning_rate: a number, a schedule or a function.
        initial_accumulator_value: where the sum begins.
        epsilon: keeps the division finite.
        options: see `Optimizer`.

    A RowSparse gradient costs what its rows cost. Source: Duchi et al., 2011.
    """

    slot_names = ("accumulator",)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value, self.epsilon = float(initial_accumulator_value), float(epsilon)

    def slot(self, name: str, variable: Variable, value: float = 0.0) -> np.ndarray:
        return super().slot(name, variable, self.initial_accumulator_value)

    def idle(self) -> Idle:
        return Idle()  # a gradient of zero adds nothing to the sum, and is no step

    def update(self, w: Any, g: Any, accumulator: Any, *, learning_rate: Any) -> tuple[Any, ...]:
        accumulator = accumulator + np.square(g)
        return w - learning_rate * g / np.sqrt(accumulator + self.epsilon), accumulator

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }


@registry.register()
class Adadelta(Optimizer):
    """Adagrad with a moving average in place of the sum, and steps in the unit of the weights (Zeiler, 2012).

    Args:
        learning_rate: a number, a schedule or a function; the paper has 1.
        rho: what part of the averages stays from step to step.
        epsilon: keeps the division finite.
        options: see `Optimizer`.
    """

    slot_names = ("accumulated_grad", "accumulated_delta_var")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho, self.epsilon = float(rho), float(epsilon)

    def update(
        self, w: Any, g: Any, accumulated_grad: Any, accumulated_delta_var: Any, *, learning_rate: Any
    ) -> tuple[Any, ...]:
        rho, epsilon = self.rho, self.epsilon
        accumulated_grad = rho * accumulated_grad + (1 - rho) * np.square(g)
        delta = -np.sqrt(accumulated_delta_var + epsilon) * g / np.sqrt(accumulated_grad + epsilon)
        accumulated_delta_var = rho * accumulated_delta_var + (1 - rho) * np.square(delta)
        return w + learning_rate * delta, accumulated_grad, accumulated_delta_var

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"rho": self.rho, "epsilon": self.epsilon}
