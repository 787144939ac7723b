"""What arrives at an embedding's table in a backward pass, and from which place in (batch, time) it came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.autodiff import fit, history, origin, sweep
from ..core.mode import MODE
from ..core.tensor import Tensor, Variable
from ..errors import ShapeError
from ..models.data import unpack
from ..models.steps import Steps
from ..models.untouched import untouched
from ..ops.bags import bag_sum
from ..ops.gather import gather, gather_sum

if TYPE_CHECKING:
    from ..core.node import Node
    from ..models.model import Model


class Lookup(NamedTuple):
    """One time that rows of a table were looked up.

    ids: (batch, time); of ids with more axes, time goes over all after the first. sent: (batch, time, width), the
    gradient that each place sends to its row. output: (batch, time, width), the rows that it gave; None if it
    gave only sums over time. name: what it was called on, or else "call 1", "call 2", ...
    """

    ids: np.ndarray
    sent: np.ndarray
    output: np.ndarray | None
    name: str


class Arrived(NamedTuple):
    """All that arrived at one table: from its look-ups, from elsewhere (dense; None if nothing did), and autodiff's own
    sum of it all (None if nothing arrived)."""

    lookups: list[Lookup]
    elsewhere: np.ndarray | None
    gradient: Any


class recording:
    """Inside, everything is recorded, under `no_grad` too; and tables that take no gradient do."""

    def __init__(self, tables: Sequence[Variable]) -> None:
        self.frozen = [table for table in tables if not table.requires_grad]

    def __enter__(self) -> None:
        self.token = MODE.set(MODE.get()._replace(pauses=()))
        for table in self.frozen:
            table.requires_grad = True  # not `trainable`, at which programs would be made anew

    def __exit__(self, *exc: object) -> None:
        for table in self.frozen:
            table.requires_grad = False
        MODE.reset(self.token)


def arrived_at(tables: Sequence[Variable], y: Tensor, seed: np.ndarray) -> list[Arrived]:
    """Send `seed` back from `y`, and see what comes to each of the tables."""
    start = origin(y)
    reads = [
        (table, node, i)
        for node in reversed(history([start]))
        for i in node.live
        for table in tables
        if node.inputs[i] is table
    ]
    wanted: set[Any] = {node for _, node, _ in reads} | set(tables)
    found = sweep(start, seed, wanted, arrays=True, keep=True)
    out = []
    for table in tables:
        lookups: list[Lookup] = []
        elsewhere = None
        for _, node, i in (read for read in reads if read[0] is table and read[1] in found):
            g = np.asarray(found[node])
            if i == 0 and node.fn in SENT:
                lookups.append(lookup(node, g, table, f"call {len(lookups) + 1}"))
            elif (d := node.fn.rule(i).on_arrays(g, node, i)) is not None:
                d = np.asarray(fit(d, table, node))
                elsewhere = d if elsewhere is None else elsewhere + d
        out.append(Arrived(lookups, elsewhere, found.get(table)))
    return out


# For the ops that look rows up: what each place sends, (batch, time, width), of the gradient g of their result.
SENT: dict[Any, Callable[..., np.ndarray]] = {
    gather: lambda g, ids: g,
    gather_sum: lambda g, ids: np.repeat(g[..., None, :], ids.shape[-1], axis=-2),
    bag_sum: lambda g, ids, weights: weights[..., None] * g[..., None, :],
}


def lookup(node: Node, g: np.ndarray, table: Variable, name: str) -> Lookup:
    """What an op looked up, and what each place sends."""
    ids, *others = (x._data if isinstance(x, Tensor) else np.asarray(x) for x in node.inputs[1:])
    places = ids.reshape(len(ids) if ids.ndim else 1, -1).astype(np.intp)
    shape = (*places.shape, table.shape[1])
    read = np.asarray(node.fn(table, ids)._data).reshape(shape) if node.fn is gather else None
    return Lookup(places, SENT[node.fn](g, ids, *others).reshape(shape), read, name)


def as_drawn(lookups: list[Lookup], layer: Any, model: Model) -> list[Lookup]:
    """The look-ups of a layer in the order in which a functional model's graph was drawn, named after what it was
    called on; as they are if they are not the calls in the graph one by one."""
    graph = model.graph
    calls = [node for node in graph.nodes if node.fn is layer] if graph else []  # which is the order they are run in
    if graph is None or len(calls) != len(lookups) or len(calls) < 2:
        return lookups
    names = [" and ".join(graph.name(parent) for parent, _ in graph.parents(node)) for node in calls]
    distinct = len(set(names)) == len(names)
    order = sorted(range(len(calls)), key=lambda k: calls[k].tick)
    return [
        lookups[k]._replace(name=names[k] if distinct else f"call {position + 1}") for position, k in enumerate(order)
    ]


def through_layer(layer: Any, ids: Any, upstream: Any) -> Arrived:
    """What arrives at a layer's table if `upstream` (None: ones) arrives at its output."""
    table = layer.embeddings
    with untouched(layer), recording([table]):
        output = layer(ids)
        seed = np.ones(output.shape, output.dtype) if upstream is None else np.asarray(upstream, output.dtype)
        if seed.shape != output.shape:
            raise ShapeError(
                f"explain: upstream has shape {seed.shape}, expected {output.shape}: it is the gradient of a loss with "
                f"respect to the output of {layer.name}"
            )
        return arrived_at([table], output, seed)[0]


def through_model(
    model: Model, x: Any, y: Any, sample_weight: Any, tables: Sequence[Variable]
) -> tuple[list[Arrived], float]:
    """What arrives at the tables in one eager training step of a model, which changes nothing; and the loss."""
    batch = unpack((x, y, sample_weight))
    with untouched(model), recording(tables):
        y_pred = model(batch.x, training=True)
        if model._told is not None or type(model).compute_loss is not Steps.compute_loss:
            loss = model.compute_loss(batch.x, batch.y, y_pred, batch.sample_weight)
        elif model.losses:  # which layers add, without compile
            loss, _ = model.penalized(None, {})
        else:
            raise RuntimeError(
                f"explain: {model.name} has no loss, so no gradient comes back from it. Call compile(loss=...) first; "
                "or explain a layer by itself, get_layer(name).explain(ids)"
            )
        if not loss.requires_grad:
            return [Arrived([], None, None) for _ in tables], loss.item()
        return arrived_at(tables, loss, np.ones(loss.shape, loss.dtype)), loss.item()
