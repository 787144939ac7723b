"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from typing import Any, Unpack

from .deferred import Idle
from .optimizer import Optimizer, Options, Rate, registry

__all__ = ["SGD"]


@registry.register()
class SGD(Optimizer):
    """`w -= learning_rate * g`; or, with momentum, steps that remember the steps before.

    Args:
        learning_rate: a number, a schedule or a function.
        momentum: what part of the step before is taken again, from 0 to 1.
        nesterov: whether the gradient is taken as if that part were already gone (Nesterov, 1983).
        options: see `Optimizer`.

    Without momentum, a RowSparse gradient costs what its rows cost. Keras counterpart: keras.optimizers.SGD.

    >>> import numpy as np, minigrad as mg
    >>> w = mg.Variable(np.zeros(2))
    >>> SGD(0.1).apply([np.array([1.0, -2.0])], [w])
    >>> w.numpy()
    array([-0.1,  0.2])
    """

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        if not 0 <= momentum <= 1:
            raise ValueError(f"SGD needs a momentum between 0 and 1, got {momentum}.")
        self.momentum, self.nesterov = float(momentum), nesterov
        self.slot_names = ("momentum",) if momentum else ()

    def idle(self) -> Idle:
        if not self.momentum:
            return Idle()
        return Idle({"momentum": self.momentum}, "momentum", scale=self.momentum if self.nesterov else 1.0)

    def update(self, w: Any, g: Any, momentum: Any = None, *, learning_rate: Any) -> tuple[Any, ...]:
        step = -learning_rate * g
        if not self.momentum:
            return (w + step,)
        momentum = self.momentum * momentum + step
        return w + (self.momentum * momentum + step if self.nesterov else momentum), momentum

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"momentum": self.momentum, "nesterov": self.nesterov}
