"""Adam and its relatives: moving averages of the gradient and of its size, corrected for their start."""

from __future__ import annotations

import math
from typing import Any, Unpack

import numpy as np

from .deferred import Idle
from .optimizer import Optimizer, Options, Rate, registry

__all__ = ["Adam", "AdamW", "Adamax", "LazyAdam", "Nadam"]


class _Moments(Optimizer):
    """What the family shares: the two decay rates, epsilon, and a slot for each average."""

    slot_names: tuple[str, ...] = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        if not (0 <= beta_1 < 1 and 0 <= beta_2 < 1):
            raise ValueError(f"{self.name} needs 0 <= beta < 1, got beta_1={beta_1} and beta_2={beta_2}.")
        self.beta_1, self.beta_2, self.epsilon = float(beta_1), float(beta_2), float(epsilon)

    def moments(self, g: Any, momentum: Any, velocity: Any) -> tuple[Any, Any]:
        """The two averages, after the gradient `g`."""
        momentum = momentum + (g - momentum) * (1 - self.beta_1)
        velocity = velocity + (np.square(g) - velocity) * (1 - self.beta_2)
        return momentum, velocity

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}


@registry.register()
class Adam(_Moments):
    """`w -= alpha * momentum / (sqrt(velocity) + epsilon)`, alpha the learning rate with the correction.

    Args:
        learning_rate: a number, a schedule or a function.
        beta_1: what part of the average gradient (momentum) stays from step to step.
        beta_2: what part of the average square (velocity) stays.
        epsilon: keeps the division finite; the paper's "epsilon hat".
        amsgrad: whether to divide by the greatest velocity so far (Reddi et al., 2018).
        options: see `Optimizer`.

    Source: Kingma and Ba, 2014.

    >>> from minigrad.core.tensor import Variable
    >>> w = Variable(np.zeros(2, np.float32))
    >>> Adam(0.1).apply([np.array([3.0, -0.01])], [w])
    >>> w.numpy().round(3)
    array([-0.1,  0.1], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)
        self.amsgrad = amsgrad
        self.slot_names = ("momentum", "velocity", *["velocity_hat"] * bool(amsgrad))

    def scalars(self, step: int, learning_rate: float) -> dict[str, float]:
        return {"alpha": learning_rate * math.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)}

    def idle(self) -> Idle | None:
        if self.amsgrad:
            return None
        fades = {"momentum": self.beta_1, "velocity": self.beta_2}
        return Idle(fades, "momentum", "velocity", "alpha", self.epsilon)

    def update(
        self, w: Any, g: Any, momentum: Any, velocity: Any, velocity_hat: Any = None, *, alpha: Any
    ) -> tuple[Any, ...]:
        momentum, velocity = self.moments(g, momentum, velocity)
        if not self.amsgrad:
            return w - alpha * momentum / (np.sqrt(velocity) + self.epsilon), momentum, velocity
        velocity_hat = np.maximum(velocity_hat, velocity)
        return w - alpha * momentum / (np.sqrt(velocity_hat) + self.epsilon), momentum, velocity, velocity_hat

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"amsgrad": self.amsgrad}


@registry.register("adamw")
class AdamW(Adam):
    """Adam with weight decay, which is not scaled by the velocity (Loshchilov and Hutter, 2019).

    Its arguments are `Adam`'s, with `weight_decay` second.
    """

    def __init__(  # type: ignore[misc] # weight_decay has a place of its own, as in Keras
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[Options],
    ) -> None:
        options["weight_decay"] = weight_decay
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, **options)


@registry.register()
class Adamax(_Moments):
    """Adam with the greatest size, fading by `beta_2`, in place of the average square (same paper)."""

    slot_names = ("momentum", "largest")

    def scalars(self, step: int, learning_rate: float) -> dict[str, float]:
        return {"alpha": learning_rate / (1 - self.beta_1**step)}

    def update(self, w: Any, g: Any, momentum: Any, largest: Any, *, alpha: Any) -> tuple[Any, ...]:
        momentum = momentum + (g - momentum) * (1 - self.beta_1)
        largest = np.maximum(self.beta_2 * largest, np.absolute(g))
        return w - alpha * momentum / (largest + self.epsilon), momentum, largest


@registry.register()
class Nadam(_Moments):
    """Adam with Nesterov's momentum, and a momentum that warms up (Dozat, 2016)."""

    _product = (0, 1.0)  # a step, and the product of the momenta up to it

    def _momentum(self, step: int) -> float:
        return self.beta_1 * (1 - 0.5 * 0.96**step)

    def _product_of_momenta(self, step: int) -> float:
        done, product = self._product if self._product[0] <= step else (0, 1.0)
        for i in range(done + 1, step + 1):
            product *= self._momentum(i)
        self._product = step, product
        return product

    def scalars(self, step: int, learning_rate: float) -> dict[str, float]:
        now, following = self._momentum(step), self._momentum(step + 1)
        product = self._product_of_momenta(step)
        return {
            "momentum_scale": learning_rate * following / (1 - product * following),
            "gradient_scale": learning_rate * (1 - now) / (1 - product),
            "velocity_scale": 1 / (1 - self.beta_2**step),
        }

    def update(
        self,
        w: Any,
        g: Any,
        momentum: Any,
        velocity: Any,
        *,
        momentum_scale: Any,
        gradient_scale: Any,
        velocity_scale: Any,
    ) -> tuple[Any, ...]:
        momentum, velocity = self.moments(g, momentum, velocity)
        step = momentum_scale * momentum + gradient_scale * g
        return w - step / (np.sqrt(velocity_scale * velocity) + self.epsilon), momentum, velocity


@registry.register("lazyadam")
class LazyAdam(Adam):
    """Adam with `rows="lazy"`: a step moves, of a table, the rows of the batch alone.

    What others call sparse or lazy Adam. It is another algorithm than Adam: the other rows' momentum does not go on
    moving them, nor fade. Adam itself costs about the same here, and needs no such choice (see deferred.py).
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[Options],
    ) -> None:
        options.setdefault("rows", "lazy")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, **options)
