"""Steps of one size: the sign of the momentum is all that counts."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from .optimizer import Optimizer, Options, Rate, registry

__all__ = ["Lion"]


@registry.register()
class Lion(Optimizer):
    """`w -= learning_rate * sign(beta_1 * momentum + (1 - beta_1) * g)` (Chen et al., 2023).

    Args:
        learning_rate: a number, a schedule or a function; a third to a tenth of what Adam takes.
        beta_1: what part the momentum has in the sign.
        beta_2: what part of the momentum stays from step to step.
        options: see `Optimizer`.
    """

    slot_names = ("momentum",)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        if not (0 < beta_1 <= 1 and 0 <= beta_2 < 1):
            raise ValueError(f"Lion needs 0 < beta_1 <= 1 and 0 <= beta_2 < 1, got {beta_1} and {beta_2}.")
        self.beta_1, self.beta_2 = float(beta_1), float(beta_2)

    def update(self, w: Any, g: Any, momentum: Any, *, learning_rate: Any) -> tuple[Any, ...]:
        step = learning_rate * np.sign(self.beta_1 * momentum + (1 - self.beta_1) * g)
        return w - step, self.beta_2 * momentum + (1 - self.beta_2) * g

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"beta_1": self.beta_1, "beta_2": self.beta_2}
