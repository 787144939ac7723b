"""What a batch shows: values, gradients and times of a model's layers or ops. Nothing of the model is changed."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.autodiff import origin, sweep
from ..core.mode import MODE, Scope
from ..core.symbol import Symbol
from ..core.tensor import Tensor, Variable
from ..core.tree import leaves, map_leaves
from ..models.data import unpack
from ..models.host import Prepared
from ..models.programs import StepProgram, arguments
from ..models.steps import Steps
from ..models.untouched import untouched
from .code import duration
from .explain_trace import recording
from .operations import is_op, names_in, nodes_behind, opened

if TYPE_CHECKING:
    from ..models.model import Model

Measured = dict[Any, list[str]]


def has_loss(model: Model) -> bool:
    """Whether a loss can be computed from a model's outputs and targets."""
    return model._told is not None or type(model).compute_loss is not Steps.compute_loss


def measure_layers(model: Model, x: Any, y: Any = None, sample_weight: Any = None) -> Measured:
    """For each node of a functional model's graph, lines on its time, values and gradients in one training step."""
    graph = model.graph
    assert graph is not None
    batch = unpack((x, y, sample_weight))
    out: Measured = {}
    with untouched(model), recording([]):
        token = MODE.set(MODE.get()._replace(scope=Scope(model, None, training=True)))
        try:
            values = model.in_order(batch.x)
            if isinstance(values, Prepared):
                known = {(n, i): v for (n, i, _), v in zip(graph.host.begin, values)}
                nodes = graph.host.rest
            else:
                known, nodes = {(n, 0): v for n, v in zip(graph.sources.values(), values)}, graph.nodes
            for node in nodes:
                start = perf_counter()
                graph.evaluate_nodes(known, [node])
                if node.inputs:
                    out.setdefault(node, []).append(duration(perf_counter() - start))
            y_pred = map_leaves(lambda s: graph.look_up(s, known), graph.outputs)
        finally:
            MODE.reset(token)
        for (node, _), value in known.items():
            out.setdefault(node, []).append(figures(value))
        if batch.y is not None and has_loss(model):
            loss = model.compute_loss(batch.x, batch.y, y_pred, batch.sample_weight)
            tensors = {key: v for key, v in known.items() if isinstance(v, Tensor)}
            weights = {w for node in graph.nodes for w in getattr(node.fn, "weights", ()) if w.trainable}
            found = gradients(loss, [*tensors.values(), *weights])
            for (node, _), value in tensors.items():
                out[node] += norm(found, origin(value), "gradient")
            for node in graph.nodes:
                of_weights = [found[w] for w in getattr(node.fn, "weights", ()) if w in found]
                if of_weights:
                    out.setdefault(node, []).append(f"gradient of weights |{norm_of(of_weights):.3g}|")
    return out


def measure_ops(model: Model, x: Any, y: Any = None, sample_weight: Any = None) -> tuple[list[Any], dict[str, Any]]:
    """The ops of one training step's forward pass and loss for a batch: (the traced results, arguments for
    `operations`)."""
    batch = unpack((x, y, sample_weight))
    with untouched(model), recording([]):
        arrays = arguments(model, batch)
        mode: Any = "predict" if batch.y is None or not has_loss(model) else "train"
        if mode == "predict":
            arrays = {k: a for k, a in arrays.items() if k.startswith("x_")}
        trace = StepProgram(model, mode, batch, arrays).traced[0]
        roots = [trace.results["loss"]] if "loss" in trace.results else list(trace.results.values())
        inputs = {id(symbol): arrays[name] for name, symbol in trace.inputs.items() if name in arrays}
        names = {id(symbol): name.removeprefix("x_") for name, symbol in trace.inputs.items()}
        about = {"measured": replayed(roots, inputs), "names": names_in(model) | names, "within": model}
        return roots, about | {"section": trace.section}


def replayed(roots: list[Any], inputs: dict[int, np.ndarray]) -> Measured:
    """Run the ops behind some symbols on Tensors, each with a clock; lines on time, values and gradients."""
    values: dict[Any, Tensor] = {}
    out: Measured = {}

    def value_of(x: Any) -> Any:
        x = opened(x)
        if is_op(x):
            return values[x.node]
        return Tensor(inputs[id(x)]) if isinstance(x, Symbol) else x

    nodes = sorted(nodes_behind(map(opened, roots)), key=lambda n: n.tick)
    for node in nodes:
        operands = list(map(value_of, node.inputs))
        start = perf_counter()
        result = node.fn(*operands, **node.attrs)
        seconds = perf_counter() - start
        values[node] = result if isinstance(result, Tensor) else Tensor(result)
        out[node] = [duration(seconds), figures(values[node])]
    root = values[opened(roots[0]).node] if is_op(opened(roots[0])) else None
    if root is not None and root.size == 1 and root.requires_grad:
        weights = {x for node in nodes for x in node.inputs if isinstance(x, Variable) and x.requires_grad}
        found = gradients(root, [*values.values(), *weights])
        for node, value in values.items():
            out[node] += norm(found, origin(value), "gradient")
        for w in weights:
            out[w] = norm(found, w, "gradient")
    return out


def gradients(loss: Tensor, values: list[Any]) -> dict[Any, Any]:
    """The gradients of a loss with respect to values, by what they come from."""
    if not loss.requires_grad:
        return {}
    return sweep(origin(loss), np.ones(loss.shape, loss.dtype), set(map(origin, values)), arrays=True, keep=True)


def norm(found: dict[Any, Any], source: Any, what: str) -> list[str]:
    """A line on the norm of a gradient, if there is one."""
    return [f"{what} |{norm_of([found[source]]):.3g}|"] if source in found else []


def norm_of(gradients: list[Any]) -> float:
    """The norm of all numbers in gradients, RowSparse or arrays."""
    return float(
        np.sqrt(sum(float(np.square(np.asarray(getattr(g, "rows", g)), dtype=float).sum()) for g in gradients))
    )


def figures(value: Any) -> str:
    """What the numbers of a value are like: the one number, or mean and spread of floats, or the range of others."""
    data = np.asarray(value._data if isinstance(value, Tensor) else next(leaves(value)))
    if data.size == 0:
        return "no values"
    if data.dtype.kind not in "fiub":
        return f"{data.dtype} values"
    if data.size == 1:
        return f"value {data.item():.4g}"
    if data.dtype.kind != "f":
        return f"{data.min()} to {data.max()}"
    with np.errstate(all="ignore"):
        bad = int(data.size - np.isfinite(data).sum())
        text = f"{data.mean(dtype=float):.3g} ± {data.std(dtype=float):.3g}"
    return f"{bad:,} not finite" if bad else text
