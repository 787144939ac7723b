"""The places that used a table, sorted by the row that they used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .explain_trace import Lookup


class Places:
    """All places of some look-ups, those of one id together, in the order of look-up, batch and time.

    ids: (k,), the distinct ids, ascending. counts: (k,), how many places each has. totals: (k, width), the sum of what
    these sent, added up in float64. Of all n places: calls (n,), where (n, 2), sent (n, width).
    """

    def __init__(self, lookups: Sequence[Lookup], width: int, dtype: np.dtype) -> None:
        every = joined([one.ids.reshape(-1) for one in lookups], np.zeros(0, np.intp))
        order = np.argsort(every, kind="stable")
        calls = np.repeat(np.arange(len(lookups)), [one.ids.size for one in lookups])
        where = joined([np.indices(one.ids.shape).reshape(2, -1).T for one in lookups], np.zeros((0, 2), np.intp))
        sent = joined([one.sent.reshape(-1, width) for one in lookups], np.zeros((0, width), dtype))
        self.calls, self.where, self.sent = calls[order], where[order], sent[order]
        self.ids, first, self.counts = np.unique(every[order], return_index=True, return_counts=True)
        self.ends = np.append(first, len(order))
        self.totals = self.sums(self.sent).astype(dtype)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sum of something over the places of each id, in float64."""
        if not len(self.ids):
            return np.zeros((0, *values.shape[1:]))
        return np.add.reduceat(values.astype(np.float64), self.ends[:-1], axis=0)

    def position(self, row: int) -> int | None:
        """Where an id stands among the distinct ones; None if no place used it."""
        at = int(np.searchsorted(self.ids, row))
        return at if at < len(self.ids) and self.ids[at] == row else None

    def of(self, row: int) -> slice:
        """Which places used a row."""
        at = self.position(row)
        return slice(0, 0) if at is None else slice(int(self.ends[at]), int(self.ends[at + 1]))


def joined(parts: list[np.ndarray], empty: np.ndarray) -> np.ndarray:
    return np.concatenate(parts) if parts else empty
