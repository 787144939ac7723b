"""After a step failed: which layer gave the first value that is not finite, and which row of the batch was at fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.anomaly import first_bad
from ..core.mode import MODE, Scope, no_grad
from ..core.tensor import Tensor
from ..core.tree import map_leaves
from ..errors import DTypeError, IdError, LabelError, NonFiniteError
from .data import Batch


def first_bad_layer(model: Any, x: Any) -> str:
    """A phrase that names the first weight or layer, in graph order, with a value that is not finite for this x."""
    for path, weight in model.named_weights().items():
        if bad := first_bad(weight._data):
            return f"the weight {path} has {bad[0]} at {list(bad[1])} since the step before"
    if model.graph is None:
        return "minigrad.detect_anomaly() finds the op that began it"
    token = MODE.set(MODE.get()._replace(scope=Scope(model, None, training=True)))
    try:
        with no_grad(), np.errstate(all="ignore"):
            found = search(model, map_leaves(model._value, x), "")
    finally:
        MODE.reset(token)
    return found or "run again, all layers' outputs are finite, so it is the loss itself, for these targets and outputs"


def search(model: Any, x: Any, path: str) -> str | None:
    """The first layer whose output is not finite; if it is a model, the layer inside."""
    graph = model.graph
    known = graph.evaluate(model.in_order(x))
    for (node, _), value in known.items():
        bad = first_bad(value._data) if isinstance(value, Tensor) else None
        if not bad:
            continue
        name, inside = path + graph.name(node), None
        if getattr(node.fn, "graph", None) is not None:
            given = map_leaves(lambda s: graph.look_up(s, known), node.attrs["args"][0])
            inside = search(node.fn, given, f"{name}/")
        return inside or f"the first layer with such a value is {name}: {bad[0]} at {list(bad[1])} of its output"
    return None


def row_at_fault(model: Any, batch: Batch, error: Exception) -> int | None:
    """The first row of a batch that raises the same error by itself, or whose loss is not finite; None if none does."""
    kinds = (DTypeError, IdError, LabelError, NonFiniteError)  # that come from a value, not from a shape
    if not isinstance(error, kinds):
        return None

    def fails(part: Batch) -> bool:
        try:
            with no_grad(), np.errstate(all="ignore"):
                y_pred = model(part.x, training=False)
                if part.y is None or model.objective is None:
                    return False
                loss, _ = model.objective.loss(part.y, y_pred, part.sample_weight)
                return isinstance(error, NonFiniteError) and loss is not None and not np.isfinite(float(loss))
        except Exception as other:
            return type(other) is type(error)

    return first_row(batch, fails)


def first_row(batch: Batch, fails: Callable[[Batch], bool]) -> int | None:
    """The first row that fails by itself, found by halving."""
    low, high = 0, batch.size
    while high - low > 1:
        middle = (low + high) // 2
        if fails(batch.take(slice(low, middle))):
            high = middle
        else:
            low = middle
    return low if fails(batch.take(slice(low, high))) else None
