"""Steps put off: what dense steps do to the rows of a table that a batch did not use, applied when a row is next read.

A row whose gradient is zero still moves under an optimizer with memory. What k such steps do to it has a closed form,
so a row remembers the step after which it was last up to date, and no more. With w, m, v its weights and slots then
(m fades by b1 a step and v by b2), and a_j what scales step j, the missed steps j = s+1 .. t have moved it by

    sum over j of  a_j * m * b1**k / (sqrt(v * b2**k) + epsilon)        where k = j - s

Let d_k = 1 - b2**(k/2), c = 1 / (sqrt(v) + epsilon) and x = sqrt(v) * c, which is between 0 and 1. Then

    1 / (sqrt(v) * (1 - d_k) + epsilon) = c / (1 - x * d_k) = c * (1 + x * d_k + (x * d_k)**2 + ...)

so the row has moved by  m * c * (M_0 + x * M_1 + x**2 * M_2 + ...)  with  M_p = sum over j of a_j * b1**k * d_k**p,
numbers that depend on s and t alone. They are kept for each s, and after each step only those of the last few hundred
s change, for b1**k is nothing by then. (Do not expand in epsilon: averaged losses make sqrt(v) as small as that.)

Weight decay shrinks all weights by 1 - lambda_j before step j. With C_t the product of these factors up to t, the M_p
are kept divided by the C of their step, and multiplied by C_t when they are read.

Related: Carpenter, "Lazy sparse stochastic gradient descent for regularized multinomial logistic regression" (2008).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from ..core.rows import Table

if TYPE_CHECKING:
    from .optimizer import Optimizer

__all__ = ["Idle", "Lag"]

MOST_TERMS = 12  # of the series; betas that want more have no closed form worth the name
MOST_STEPS = 10_000  # until a push has faded
FADED = 1e-9  # what is left of it then
PRECISION = 1e-8  # of a movement
BLOCK = 1 << 16  # numbers
NEVER = np.iinfo(np.int32).max  # when a frozen row is behind
LEAST = 1e-60  # of a product of decays, below which its history begins anew


@dataclass(frozen=True)
class Idle:
    """What a step with gradient zero does to a weight and its slots: nothing, or

        w += scale * push / (sqrt(over) + epsilon)      after each slot was multiplied by its factor in `fades`

    fades: by slot, the factor. push: the slot along which a weight goes on moving, None if it rests. over: the slot
    whose root divides it, if any. scale: a number, or the name of one of the optimizer's scalars, which is subtracted.
    """

    fades: dict[str, float] = field(default_factory=dict)
    push: str | None = None
    over: str | None = None
    scale: float | str = 1.0
    epsilon: float = 0.0

    def coefficients(self) -> np.ndarray | None:
        """(terms, steps): b1**k * d_k**p for k = 1, 2, ...; None if a push fades too slowly, or the series does."""
        b1 = self.fades[self.push] if self.push else 0.0
        steps = 1 if b1 == 0 else MOST_STEPS + 1 if b1 >= 1 else int(np.log(FADED) / np.log(b1)) + 1
        if steps > MOST_STEPS:
            return None
        k = np.arange(1, steps + 1)
        fades = b1**k
        if self.over is None:
            return fades[None]
        b2 = self.fades[self.over]
        if b2 <= 0:
            return None
        d = -np.expm1(k * np.log(b2) / 2)
        for p in range(1, MOST_TERMS + 1):
            with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
                rest = fades * d**p / (1 - d)
            if rest.sum() <= PRECISION * fades.sum() or b1 == 0:
                return fades * d ** np.arange(p)[:, None]
        return None


class Lag:
    """How far the rows of one table are behind one optimizer's steps, and what these would have done to them.

    now: steps since the history began. seen: for each row, the step after which it was last up to date. sums: (terms,
    steps), the M_p by step s, in units of the product of decays at that time; `products` are those.
    loop: what brings rows up to date, in place of NumPy, if somebody has compiled it (see `row_loops.catch_up`).
    """

    def __init__(self, optimizer: Optimizer, table: Table, idle: Idle, coefficients: np.ndarray) -> None:
        self._table, self.idle = ref(table), idle  # weak, for the table holds its lag
        self.slots = optimizer.slots(table)
        self.coefficients = coefficients[:, ::-1]  # the latest step last, as in `sums`
        self.clock = np.zeros(1, np.int32)
        self.seen = np.zeros(table.shape[0], np.int32)
        if table.frozen is not None:
            self.seen[table.frozen] = NEVER
        self.sums = np.zeros((len(coefficients), 256))
        self.products = np.ones(256)
        self.loop: Callable[[np.ndarray], Any] | None = None
        self._block = max(1, BLOCK // table.shape[1])  # rows that NumPy takes at once
        self._whole = 0  # the step after which all rows were up to date

    @property
    def table(self) -> Table | None:
        return self._table()

    @property
    def now(self) -> int:
        return int(self.clock[0])

    def tick(self, scalars: dict[str, float], decay: float | None) -> None:
        """A step was done: each row but those that are then marked as seen is one more step behind."""
        product = self.products[self.now] * (1 - (decay or 0.0))
        if product < LEAST or self.now >= max(4096, len(self.seen) // 8):
            self._restart()
            product = 1 - (decay or 0.0) or LEAST  # where nothing is left of a weight, next to nothing
        self.clock += 1
        now = self.now
        if now == self.products.size:
            self.sums = np.concatenate([self.sums, np.zeros_like(self.sums)], axis=1)
            self.products = np.concatenate([self.products, np.ones_like(self.products)])
        self.products[now] = product
        scale = self.idle.scale
        amount = (-scalars[scale] if isinstance(scale, str) else scale) / product
        steps = min(now, self.coefficients.shape[1])
        self.sums[:, now] = 0.0
        self.sums[:, now - steps : now] += self.coefficients[:, self.coefficients.shape[1] - steps :] * amount

    def mark(self, ids: np.ndarray) -> None:
        """These rows have what the next `tick` counts."""
        self.seen[ids] = np.maximum(self.seen[ids], self.now + 1)

    @property
    def behind(self) -> bool:
        """Whether any row may be."""
        return self._whole != self.now

    def settle(self, ids: np.ndarray | None = None) -> None:
        if ids is None:
            if not self.behind:
                return
            for start in range(0, len(self.seen), BLOCK):
                self._settle(start + np.flatnonzero(self.seen[start : start + BLOCK] < self.now))
            self._whole = self.now
        else:
            self._settle(ids.reshape(-1))

    def _settle(self, ids: np.ndarray) -> None:
        if self.loop is not None:
            self.loop(ids)
            return
        ids = np.unique(ids[(ids >= 0) & (ids < len(self.seen))])
        stale = ids[self.seen[ids] < self.now]
        step = self._block
        for start in range(0, len(stale), step):
            self._bring(stale[start : start + step])

    def _bring(self, rows: np.ndarray) -> None:
        """Bring distinct rows up to date."""
        table = self.table
        assert table is not None, "a lag is asked by its table"
        since, now, idle, w = self.seen[rows], self.now, self.idle, table._values
        kind = w.dtype.type
        new = w[rows] * (self.products[now] / self.products[since]).astype(kind)[:, None]
        if idle.push is not None:
            sums = (self.sums[:, since] * self.products[now]).astype(kind)[:, :, None]
            moved = self.slots[idle.push][rows]
            if idle.over is None:
                new += moved * sums[0]
            else:
                root = np.sqrt(self.slots[idle.over][rows])
                c = 1 / (root + idle.epsilon)
                new += moved * c * horner(sums, root * c)
        w[rows] = new
        for name, fade in idle.fades.items():
            self.slots[name][rows] *= faded(fade, now - since).astype(kind)[:, None]
        self.seen[rows] = now

    def _restart(self) -> None:
        """Begin the history anew: all rows are brought to the present step, but for those marked for the next."""
        self.settle()
        for start in range(0, len(self.seen), BLOCK):
            seen = self.seen[start : start + BLOCK]
            seen[...] = np.where(seen == NEVER, NEVER, np.maximum(seen - self.now, 0))
        self.sums[...], self.products[...], self.clock[...], self._whole = 0, 1, 0, 0


def horner(coefficients: np.ndarray, x: np.ndarray) -> np.ndarray:
    """c[0] + c[1] * x + c[2] * x**2 + ..."""
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total


def faded(fade: float, steps: np.ndarray) -> np.ndarray:
    """fade**steps, and 0 in place of numbers so small that they would only make subnormal ones, which are slow."""
    left = np.power(fade, steps)
    return np.where(left < 1e-30, 0.0, left)
