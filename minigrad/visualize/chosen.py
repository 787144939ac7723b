"""Which rows of a table are shown, and what they are called: the arguments `rows` and `labels`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import IdError

Labels = Sequence[str] | Mapping[int, str] | None


def checked_labels(labels: Labels, count: int) -> dict[int, str]:
    """Labels by id; ValueError if they are not one for each row, or of ids that there are not."""
    if labels is None:
        return {}
    if isinstance(labels, Mapping):
        for i in labels:
            if not is_id(i, count):
                raise ValueError(f"labels: {i!r} is no id of this table; its ids go from 0 to {count - 1}")
        return {int(i): str(label) for i, label in labels.items()}
    if isinstance(labels, str) or len(labels) != count:
        got = "a single string" if isinstance(labels, str) else f"{len(labels)} labels"
        raise ValueError(
            f"labels: got {got} for a table of {count} rows; give one for each row, or a dict {{id: label}}"
        )
    return dict(enumerate(map(str, labels)))


def row_ids(rows: Any, count: int) -> np.ndarray | None:
    """The ids that were asked for, checked; None if `rows` is None or says only how many."""
    if rows is None:
        return None
    ids = np.asarray(rows)
    if (ids.dtype.kind not in "iu" and ids.size) or ids.ndim > 1 or (ids.ndim == 0 and ids < 1):
        raise ValueError(f"rows={rows!r}: expected how many rows to show, or a list of their ids")
    if ids.ndim == 0:
        return None
    wrong = ids[(ids < 0) | (ids >= count)]
    if wrong.size:
        raise IdError(f"rows: {wrong[0]} is no id of this table; its ids go from 0 to {count - 1}")
    return ids.astype(np.intp)


def is_id(value: Any, count: int) -> bool:
    """Whether a value is the id of a row."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and 0 <= int(value) < count
