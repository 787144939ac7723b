"""An explanation in words: what its text and its page say alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .explain_checks import MOST_CELLS
from .svg import shorten

if TYPE_CHECKING:
    from .explain import Explanation, Row

COMPONENTS = 3  # of a vector that are written out
PLACES = 3  # of those that used a row
LONGEST_NAME = 60
MOST = 40  # rows, however many are asked for


def clean(name: str, length: int = LONGEST_NAME) -> str:
    """A name on one line, cut, without control characters: it is data, and must not steer a terminal."""
    return shorten("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name), length)


def number(value: float) -> str:
    """A number in four digits."""
    return f"{value:.4g}"


def components(vectors: Sequence[np.ndarray], digits: int = 3) -> list[list[str]]:
    """The first numbers of vectors, in as many decimals as the largest needs to have so many digits, if that leaves
    each of them one; and an ellipsis where there are more.
    """
    values = np.array([value for vector in vectors for value in vector[:COMPONENTS]], np.float64)
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    decimals = max(0, digits - 1 - int(np.floor(np.log10(sizes.max(initial=1e-300)))))
    even = sizes.size and sizes.min() >= 0.5 * 10.0**-decimals and sizes.max() < 1e6 and decimals <= 6
    while even and decimals and np.all(values == np.round(values, decimals - 1)):
        decimals -= 1

    def written(value: float) -> str:
        return f"{value:.{decimals}f}" if even and value else f"{value:.{digits}g}"

    return [
        [written(value) for value in vector[:COMPONENTS]] + ["…"] * (len(vector) > COMPONENTS) for vector in vectors
    ]


def headline(e: Explanation) -> str:
    """The table, and how often it was read."""
    rows, width = e.shape
    size = f"{rows:,} rows x {width}, {rows * width:,} parameters"
    if not e.lookups:
        return f"{clean(e.name)}: a table of {size}. No look-up of it leads to the loss, so none sends a gradient."
    places = sum(one.ids.size for one in e.lookups)
    shapes = [
        f"{call_name(e, k)}batch {one.ids.shape[0]:,} x time {one.ids.shape[1]:,}"
        for k, one in enumerate(e.lookups[:3])
    ]
    more = f" and {len(e.lookups) - 3} more calls" if len(e.lookups) > 3 else ""
    return f"{clean(e.name)}: a table of {size}, read at {places:,} places ({', '.join(shapes)}{more})."


def upstream_said(e: Explanation) -> str:
    """Where the gradients come from."""
    frozen = "" if e.trainable else " The layer is frozen (trainable=False): no optimizer applies it."
    if e.trainable and e.frozen:
        frozen = f" {e.frozen:,} of the rows {'is' if e.frozen == 1 else 'are'} frozen: no step moves them."
    return f"Gradient arriving at the output: {e.upstream}.{frozen}"


def place_names(e: Explanation, row: Row, start: int, stop: int) -> list[str]:
    """What the places of a row from one number to another are called: t=3, or batch 3, or (batch, time)."""
    stem = place_stem(e)
    calls = [call_name(e, call) for call in row.calls[start:stop].tolist()]
    return [f"{call}{stem}{place}" for call, place in zip(calls, place_values(e, row, start, stop), strict=True)]


def place_stem(e: Explanation) -> str:
    """What stands before a place: of an axis of size 1 nothing need be said."""
    return "t=" if single(e, 0) else "batch " if single(e, 1) else ""


def place_values(e: Explanation, row: Row, start: int, stop: int) -> list[str]:
    """The places themselves: one number, or (batch, time)."""
    places = row.places[start:stop].tolist()
    axis = 1 if single(e, 0) else 0 if single(e, 1) else None
    return [f"({place[0]}, {place[1]})" if axis is None else str(place[axis]) for place in places]


def call_name(e: Explanation, call: int) -> str:
    """What stands before the places of one call; nothing if there is only one."""
    return f"{clean(e.lookups[call].name, 20)} " if len(e.lookups) > 1 else ""


def single(e: Explanation, axis: int) -> bool:
    """Whether an axis, 0 for the batch and 1 for time, has size 1 in all calls."""
    return all(one.ids.shape[axis] == 1 for one in e.lookups)


def places_said(e: Explanation, row: Row) -> str:
    """The first places that used a row, and how many more there are: `t=3, 17, 42 and 74 more`; call by call."""
    said = []
    calls = np.unique(row.calls)
    for call in calls[:PLACES].tolist():
        start, stop = np.searchsorted(row.calls, [call, call + 1]).tolist()
        most = PLACES if len(calls) == 1 else 2
        first = start + most if stop - start > most + 1 else stop
        more = f" and {stop - first:,} more" if stop > first else ""
        said.append(f"{call_name(e, call)}{place_stem(e)}{', '.join(place_values(e, row, start, first))}{more}")
    return "; ".join(said) + (f"; and in {len(calls) - PLACES} more calls" if len(calls) > PLACES else "")


def folded(e: Explanation) -> str:
    """What is said of the rows that are not listed; empty if all are."""
    parts = []
    listed = e.shown[:MOST]
    rest = ~np.isin(e.ids, listed)
    if rest.any():
        parts.append(f"{int(rest.sum()):,} more rows were used, at {int(e.counts[rest].sum()):,} places")
    hidden = e.untouched - int(np.sum(~np.isin(listed, e.ids)))
    if hidden:
        parts.append(f"{hidden:,} of {e.shape[0]:,} rows were not used: no gradient, and no entry in it")
    return "; ".join(parts)


def example(e: Explanation) -> Row | None:
    """The row whose sum is written out: of those listed, the one that most places used."""
    rows = [e[i] for i in e.shown[:MOST].tolist()]
    return max(rows, key=lambda row: row.count, default=None) if any(row.count for row in rows) else None


def sum_of_rest(row: Row, start: int) -> np.ndarray:
    """What the places after the first sent together."""
    total: np.ndarray = row.sent[start:].sum(axis=0, dtype=np.float64)
    return total


def elsewhere_said(e: Explanation) -> str:
    """What of the gradient came by other ways than look-ups; empty if nothing did."""
    if e.elsewhere is None:
        return ""
    rows = int(np.any(e.elsewhere != 0, axis=1).sum())
    length = float(np.linalg.norm(e.elsewhere.astype(np.float64)))
    return (
        f"Besides, {rows:,} rows get a gradient by other ways than look-ups (a penalty on the table, tied weights, the "
        "maximum of a bag), "
        f"of length {number(length)} in all; the sums above are without it."
    )


def left_out(e: Explanation) -> str:
    """Why there is no comparison with one-hot vectors; empty if there is one."""
    if any("one_hot" in check.one for check in e.checks):
        return ""
    places = sum(one.ids.size for one in e.lookups)
    why = "it is too large" if large(e) else "not all numbers are finite"
    return f"The product with one-hot ids, ({places:,}, {e.shape[0]:,}), is not compared: {why}."


def large(e: Explanation) -> bool:
    """Whether one-hot vectors of the ids are too large to be written out."""
    return sum(one.ids.size for one in e.lookups) * len(e.ids) > MOST_CELLS


def named(row: Row) -> str:
    """A row's id, with its label."""
    return f"row {row.id}" + (f" ({clean(row.label, 30)})" if row.label else "")
