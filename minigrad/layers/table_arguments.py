"""What an Embedding's arguments must be, and what max_norm does."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from .common import Shape, whole_number


def lengths_of(owner: Any, given: Any) -> Any:
    """input_length: None, a whole number, or a tuple of them, with None for an axis of any length."""
    if isinstance(given, (tuple, list)):
        return tuple(None if n is None else whole_number(owner, "input_length", n, 0) for n in given)
    return None if given is None else whole_number(owner, "input_length", given, 0)


def check_lengths(given: Any, lengths: Shape, sizes: Shape) -> None:
    """ShapeError unless the sizes of the axes after the batch are the lengths that were given."""
    if len(sizes) != len(lengths):
        raise ShapeError(
            f"input_length={given} is for inputs of {len(lengths) + 1} axes (the batch first), but the input has "
            f"{len(sizes) + 1}"
        )
    for axis, (n, length) in enumerate(zip(sizes, lengths), 1):
        if None not in (n, length) and n != length:
            raise ShapeError(
                f"input_length={given}, but axis {axis} of the input has size {n}: "
                "give the Input that length, or leave input_length out"
            )


def row_number(owner: Any, padding_idx: Any, rows: int) -> int:
    """padding_idx as the number of a row; one below zero counts from the last row, as in PyTorch."""
    row = whole_number(owner, "padding_idx", padding_idx, -rows)
    if row >= rows:
        raise ValueError(f"{type(owner).__name__}: padding_idx={row}; expected the number of a row, 0 to {rows - 1}")
    return row % rows


def row_numbers(owner: Any, trainable_rows: Any, rows: int) -> list[int]:
    """trainable_rows as ids in order, from ids or from one boolean a row."""
    given = np.asarray(trainable_rows)
    if given.dtype == bool and given.shape == (rows,):
        given = np.flatnonzero(given)
    whole = given.ndim == 1 and (given.size == 0 or given.dtype.kind in "iu")
    ids = given.astype(np.intp) if whole else np.zeros(0, np.intp)
    outside = ids[(ids < 0) | (ids >= rows)]
    if not whole or outside.size:
        raise ValueError(
            f"{type(owner).__name__}: trainable_rows is {given.dtype} of shape {given.shape}"
            + (f", among them {outside[0]}" if outside.size else "")
            + f"; expected ids of rows, from 0 to {rows - 1}, or {rows} booleans, one for each row"
        )
    return [int(i) for i in np.unique(ids)]


def first_table(owner: Any, weights: Any, shape: tuple[int, int]) -> np.ndarray:
    """The values given as `weights`, a table or a list of one, checked."""
    table = np.asarray(weights[0] if isinstance(weights, (list, tuple)) and len(weights) == 1 else weights)
    if table.shape != shape:
        raise ShapeError(
            f"{type(owner).__name__}: weights has shape {table.shape}, expected (input_dim, output_dim) = {shape}"
        )
    return table


def positive_number(owner: Any, argument: str, value: Any) -> float:
    """A constructor's argument that must be a number above zero."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not value > 0:
        raise ValueError(f"{type(owner).__name__}: {argument}={value!r}; expected a number above zero")
    return float(value)


def at_most(rows: Any, norm: float, order: float, first: Any = None) -> Any:
    """The rows, after what comes first, those of a greater norm scaled down to it, as PyTorch does it."""
    rows = rows if first is None else first(rows)
    norms = np.linalg.norm(rows, order, axis=1, keepdims=True)
    return rows * np.where(norms > norm, norm / (norms + 1e-7), 1)
