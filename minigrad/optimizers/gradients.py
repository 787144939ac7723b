"""Gradients before the optimizer takes them: checked against their variables, and kept within bounds.

The bounds are NumPy text on a list of gradients, dense or RowSparse. A RowSparse one is merged first, so it
is clipped as the dense array that it stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from ..core.rows import Table
from ..core.rowsparse import RowSparse
from ..core.tensor import Tensor, Variable
from ..errors import GradientError, ShapeError

__all__ = ["by_global_norm", "by_norm", "by_value", "checked", "of_movable_rows"]


def checked(grads: Sequence[Any], variables: Sequence[Variable]) -> list[Any]:
    """Return the gradients as arrays or RowSparse, after checking that each fits its variable."""
    if len(grads) != len(variables) or len(set(variables)) != len(variables):
        raise ValueError(
            f"Got {len(grads)} gradients for {len(variables)} variables, {len(set(variables))} of them "
            "different; expected one gradient for each variable."
        )
    fitting = []
    for g, variable in zip(grads, variables):
        if g is None:
            raise GradientError(
                f"There is no gradient for the variable {variable.name}: the loss does not depend on it. "
                "Leave it out, or set its trainable to False."
            )
        g = g if isinstance(g, RowSparse) else np.asarray(g.data if isinstance(g, Tensor) else g)
        if tuple(g.shape) != variable.shape:
            raise ShapeError(
                f"The gradient for the variable {variable.name} has shape {tuple(g.shape)}, expected the "
                f"variable's, {variable.shape}."
            )
        fitting.append(g)
    return fitting


def of_movable_rows(g: Any, variable: Variable) -> Any:
    """The gradient of a table without that of its frozen rows; any other one as it is."""
    frozen = variable.frozen if isinstance(variable, Table) else None
    if frozen is None:
        return g
    if not isinstance(g, RowSparse):
        return np.where(frozen[:, None], 0, g)
    kept = ~frozen[g.ids]
    return RowSparse(g.ids[kept], g.rows[kept], g.shape, g.unique)


def by_value(grads: list[Any], limit: float) -> list[Any]:
    """Each element between `-limit` and `limit`."""
    return [_on_values(g, lambda values: np.clip(values, -limit, limit)) for g in grads]


def by_norm(grads: list[Any], limit: float) -> list[Any]:
    """Each gradient shrunk, where needed, to a Euclidean norm of `limit`."""
    return [_scale(g, _factor(_squares(g), limit)) for g in map(_merged, grads)]


def by_global_norm(grads: list[Any], limit: float) -> list[Any]:
    """All gradients shrunk by one factor, where needed, so that their common norm is `limit`."""
    grads = [_merged(g) for g in grads]
    factor = _factor(reduce(add, map(_squares, grads)), limit)
    return [_scale(g, factor) for g in grads]


def _merged(g: Any) -> Any:
    return g.merged() if isinstance(g, RowSparse) else g


def _on_values(g: Any, function: Any) -> Any:
    return g.map(function) if isinstance(g, RowSparse) else function(g)


def _squares(g: Any) -> Any:
    values = g.rows if isinstance(g, RowSparse) else g
    return np.add.reduce(np.square(values), axis=None)


def _factor(squares: Any, limit: float) -> Any:
    return limit / np.maximum(np.sqrt(squares), limit)


def _scale(g: Any, factor: Any) -> Any:
    return g * factor.astype(g.dtype)  # cast: the factor of gradients of mixed dtypes must not widen any
