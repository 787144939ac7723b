"""What is said of an embedding, compared number by number."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..core.rowsparse import RowSparse
from .explain_places import Places
from .explain_trace import Arrived, Lookup

MOST_CELLS = 2**25  # of a one-hot matrix that is written out


class Check(NamedTuple):
    """One comparison: two things said to be equal, the largest difference, whether rounding accounts for it."""

    one: str
    other: str
    difference: float
    holds: bool

    def __str__(self) -> str:
        return f"{self.one} = {self.other}: {verdict(self)}"


def verdict(check: Check) -> str:
    """What came of a comparison, in words."""
    if check.holds:
        return "exactly" if check.difference == 0 else f"but for rounding (at most {check.difference:.2g})"
    return f"NO: they differ by up to {check.difference:.2g}"


def compare(one: str, other: str, a: np.ndarray, b: np.ndarray, allowed: Any) -> Check:
    """a with b, element by element; NaN equals NaN."""
    with np.errstate(invalid="ignore", over="ignore"):
        differences = np.abs(a.astype(np.float64) - b.astype(np.float64))
    differences[(a == b) | (np.isnan(a) & np.isnan(b))] = 0.0
    holds = bool(np.all((differences == 0) | (differences <= allowed)))
    return Check(one, other, float(differences.max(initial=0.0)), holds)


def compare_all(arrived: Arrived, places: Places, shape: tuple[int, int], table_rows: np.ndarray) -> list[Check]:
    """The sums against autodiff's gradient, then a Dense layer on one-hot ids against the look-up, both ways.

    table_rows: the values of the rows that were used. What is allowed is the rounding of a sum of as many terms.
    """
    if arrived.gradient is None or not arrived.lookups:
        return []
    dtype = table_rows.dtype
    sizes = places.sums(np.abs(places.sent)) + (
        0 if arrived.elsewhere is None else np.abs(arrived.elsewhere[places.ids])
    )
    allowed = np.finfo(dtype).eps * (places.counts[:, None] + 4.0) * sizes
    said = "the sums"
    sums, gradient = places.totals, rows_of(arrived.gradient, places.ids)
    if arrived.elsewhere is not None:
        sums, said = sums + arrived.elsewhere[places.ids], "the sums, and what came from elsewhere,"
    out = [compare(said, "the gradient that minigrad.grad gives", sums, gradient, allowed)]
    if arrived.elsewhere is None:
        out += nothing_else(arrived.gradient, places.ids)
    if np.isfinite(places.sent).all() and np.isfinite(table_rows).all():
        out += one_hot_checks(arrived.lookups, places, shape, table_rows, allowed)
    return out


def rows_of(gradient: Any, ids: np.ndarray) -> np.ndarray:
    """Some rows of a table's gradient."""
    if not isinstance(gradient, RowSparse):
        return np.asarray(gradient)[ids]
    merged = gradient.merged()
    found: np.ndarray = merged.rows[np.searchsorted(merged.ids, ids)]
    return found


def nothing_else(gradient: Any, ids: np.ndarray) -> list[Check]:
    """That rows which no place used get nothing."""
    if isinstance(gradient, RowSparse):
        others = gradient.merged()
        rest = others.rows[~np.isin(others.ids, ids)]
    else:
        rest = np.delete(np.asarray(gradient), ids, axis=0)
    return [compare("the gradient of the rows that nobody used", "0", rest, np.zeros_like(rest), 0.0)]


def one_hot_checks(
    lookups: list[Lookup], places: Places, shape: tuple[int, int], table_rows: np.ndarray, allowed: np.ndarray
) -> list[Check]:
    """A Dense layer without bias on one-hot ids: output and gradient. Columns of ids that nobody used are left out:
    they hold zeros, and zeros they add."""
    ids = np.concatenate([one.ids.reshape(-1) for one in lookups])
    if ids.size * len(places.ids) > MOST_CELLS:
        return []
    one_hot = (ids[:, None] == places.ids).astype(np.float64)
    size, turned = f"({ids.size:,}, {shape[0]:,})", f"({shape[0]:,}, {ids.size:,})"
    out = []
    if all(one.output is not None for one in lookups):
        output = np.concatenate([one.output.reshape(-1, shape[1]) for one in lookups if one.output is not None])
        dense = one_hot @ table_rows.astype(np.float64)
        out.append(
            compare(f"one_hot(ids) {size} @ table ({shape[0]:,}, {shape[1]})", "the rows looked up", dense, output, 0.0)
        )
    sent = np.concatenate([one.sent.reshape(-1, shape[1]) for one in lookups]).astype(np.float64)
    back = one_hot.T @ sent
    out.append(compare(f"one_hot(ids).T {turned} @ what they sent", "the sums", back, places.totals, allowed))
    return out
