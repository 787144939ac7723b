"""What a notebook shows for symbols, layers, models and their histories. As in displays, which has the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.node import Node
from ..core.rows import Table
from ..core.symbol import Symbol
from ..errors import StorageError
from ..layers.input import InputLayer
from ..layers.layer import Layer
from ..models.summary import Row, kind_of, summary_rows
from .charts import curves
from .displays import NAME, figures, values_of
from .drawing import Box, Drawing, Link
from .folding import folded
from .graph import draw
from .mermaid import mermaid
from .model import layers
from .page import figure, paragraph, preformatted, table
from .projection import project_layer
from .shown import Bundle, bundle
from .svg import shorten

if TYPE_CHECKING:
    from ..callbacks.history import History
    from ..layers.embedding import Embedding
    from ..models.model import Model

MOST_BOXES = 32  # of a picture in a notebook
MOST_LINES = 40  # of a table
MOST_CURVES = 12
PROJECTED = 120  # rows of a table in its picture
BASE = ("name", "trainable", "dtype")  # arguments of every layer, which are told otherwise
LOOKED_UP, NEIGHBOURS, COMPARED = 6, 4, 20_000


def of_symbol(symbol: Symbol) -> Bundle:
    """A Symbol: what it will be, and the calls that it comes from."""
    made = f", made by {shorten(symbol.node.fn.name, NAME)}" if symbol.node else ", made by nothing: a free symbol"
    parts = [paragraph(f"Symbol of shape {symbol.shape}, {symbol.dtype.name}{made}. It has values when a model runs.")]
    drawing, left_out = behind(symbol)
    if drawing is None:
        return bundle(repr(symbol), parts[0])
    lines = [(shorten(one.title, NAME), *one.lines) for one in drawing.boxes]
    parts.append(table(lines, ("from", "kind", "shape")))
    return with_drawing(repr(symbol), parts, drawing, f"{left_out:,} more calls before these." if left_out else "")


def of_layer(layer: Layer) -> Bundle:
    """A Layer: its weights, what they hold, and the arguments that make it again."""
    return bundle(repr(layer), "\n".join(facts_of(layer)))


def of_embedding(layer: Embedding) -> Bundle:
    """An Embedding: a layer, with its rows in the plane and the nearest neighbours of the first ones."""
    parts, svg = facts_of(layer), ""
    if layer.built:
        try:
            plane = project_layer(layer, rows=PROJECTED)
        except (ValueError, StorageError) as error:  # a row that is not finite, a file that was closed
            parts.append(paragraph(str(error)))
        else:
            svg = plane.svg()
            parts += [figure(svg, f"{plane}."), *neighbours(layer)]
    return bundle(repr(layer), "\n".join(parts), svg)


def of_model(model: Model) -> Bundle:
    """A Model: the summary as a table, and the picture of its layers."""
    rows = list(summary_rows(model))
    trainable, frozen = sizes(model.trainable_weights), sizes(model.non_trainable_weights)
    optimizer = getattr(model, "optimizer", None)
    said = f"Compiled with {type(optimizer).__name__}." if optimizer is not None else "Not compiled."
    total = f"{trainable + frozen:,} parameters" + (f", {frozen:,} of them not trainable" if frozen else "")
    kind = type(model).__name__
    parts = [paragraph(f"{kind} {shorten(model.name, NAME)}: {total if model.built else 'not built yet'}. {said}")]
    parts.append(summary_table(rows))
    if model.graph is None:
        return bundle(repr(model), "\n".join(parts))
    drawing = folded(layers(model, show_edges=False))
    if len(drawing.boxes) > MOST_BOXES:
        parts.append(paragraph(f"Its graph has {len(model.graph.nodes):,} calls: model.plot() draws them."))
        return bundle(repr(model), "\n".join(parts))
    return with_drawing(repr(model), parts, drawing)


def of_history(history: History) -> Bundle:
    """A History: the curves, and for each of them the first, the best and the last value."""
    series = numeric(history.history)
    epochs = len(history.epoch)
    text = f"<History: {epochs} epochs of {', '.join(map(repr, history.history)) or 'nothing'}>"
    parts = [paragraph(f"{epochs:,} epoch{'s' * (epochs != 1)} of training.")]
    shown = dict(list(series.items())[:MOST_CURVES])
    parts.append(
        table([line_of(name, values) for name, values in shown.items()], ("", "first", "lowest", "highest", "last"))
    )
    if len(shown) < len(history.history):
        parts.append(paragraph(f"{len(history.history) - len(shown)} more are in history.history."))
    pictures = curves_of(shown)
    parts.append(side_by_side(pictures))
    return bundle(text, "\n".join(parts), pictures[0] if len(pictures) == 1 else "")


def of_progress(lines: str, history: Mapping[str, list[float]]) -> Bundle:
    """The progress of a training: the latest lines, and below them the curves so far."""
    shown = dict(list(history.items())[:MOST_CURVES])
    return bundle(lines, "\n".join([preformatted(lines), side_by_side(curves_of(shown))]))


# -- histories --------------------------------------------------------------------------------------------------------


def numeric(history: Mapping[str, Any]) -> dict[str, list[float]]:
    """Those of the lists that hold numbers."""
    out: dict[str, list[float]] = {}
    for name, values in history.items():
        try:
            out[str(name)] = [float(value) for value in values]
        except (TypeError, ValueError):  # a callback may log what it likes
            continue
    return out


def line_of(name: str, values: list[float]) -> tuple[object, ...]:
    """A curve as a line of a table."""
    finite = [v for v in values if np.isfinite(v)]
    if not finite:
        return (shorten(name, NAME), *values[:1], "", "", *values[-1:]) if values else (shorten(name, NAME), *[""] * 4)
    lowest, highest = (f"{v:.4g} in epoch {values.index(v) + 1}" for v in (min(finite), max(finite)))
    return shorten(name, NAME), values[0], lowest, highest, values[-1]


def curves_of(series: Mapping[str, list[float]], width: float = 350.0, height: float = 210.0) -> list[str]:
    """A picture of the losses, and one of all else, which is of another size."""
    losses = {name: values for name, values in series.items() if name.endswith("loss")}
    others = {name: values for name, values in series.items() if name not in losses}
    kinds = [kind for kind in (losses, others) if any(kind.values())]
    return [curves(kind, width=width, height=height) for kind in kinds]


def side_by_side(pictures: list[str]) -> str:
    """The pictures in one line where there is room."""
    return f'<div class="side">{"".join(map(figure, pictures))}</div>'


# -- layers -----------------------------------------------------------------------------------------------------------


def facts_of(layer: Layer) -> list[str]:
    """What there is to say of any layer."""
    weights = layer.named_weights()
    kind = type(layer).__name__
    state = f"{layer.count_params():,} parameters" if layer.built else "not built yet: its weights come with a call"
    frozen = "" if layer.trainable else ", frozen"
    parts = [paragraph(f"{kind} {shorten(layer.name, NAME)}, {layer.dtype.name}: {state}{frozen}.")]
    if weights:
        lines = []
        for path, v in list(weights.items())[:MOST_LINES]:
            values, whole = values_of(v)
            lines.append((shorten(path, NAME), str(v.shape), v.size, *(figures(values) if whole else [""] * 5)))
        parts.append(table(lines, ("weight", "shape", "numbers", "smallest", "largest", "mean", "norm", "not finite")))
        if len(weights) > MOST_LINES:
            parts.append(paragraph(f"{len(weights) - MOST_LINES:,} more weights."))
    inside = layer.named_sublayers()
    if inside:
        lines = [
            (shorten(path, NAME), type(x).__name__, x.count_params()) for path, x in list(inside.items())[:MOST_LINES]
        ]
        parts.append(table(lines, ("inside", "kind", "parameters")))
    if arguments := configured(layer):
        said = ", ".join(f"{name}={value}" for name, value in arguments[:MOST_LINES])
        parts.append(paragraph(f"{kind}({said})"))
    return parts


def configured(layer: Layer) -> list[tuple[str, str]]:
    """The arguments of a layer that it was given, and their values as text; none for a layer that has no config."""
    try:
        config = layer.get_config()
    except (TypeError, ValueError):  # it keeps no attribute of that name, or an argument has no name
        return []
    own = {name: value for name, value in config.items() if name not in BASE and value is not None}
    return [(name, shorten(short(value), 2 * NAME)) for name, value in own.items()]


def short(value: Any) -> str:
    """A value of a config, with the arguments of an object in it behind its class."""
    if isinstance(value, Mapping) and set(value) == {"class_name", "config"}:
        inner = ", ".join(f"{k}={v!r}" for k, v in dict(value["config"]).items())
        return f"{value['class_name']}({inner})"
    return repr(value)


def neighbours(layer: Embedding) -> list[str]:
    """The rows nearest to each of the first ones, by the cosine of their angle."""
    found = table_rows(layer.embeddings)
    if len(found) < 2 or not np.isfinite(found).all():
        return []
    units = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    cosines = units[:LOOKED_UP] @ units.T
    lines = []
    for k, row in enumerate(cosines):
        row[k] = -np.inf
        near = np.argsort(-row, kind="stable")[: min(NEIGHBOURS, len(found) - 1)]
        lines.append(
            (str(k), ",\N{NO-BREAK SPACE} ".join(f"{i}\N{NO-BREAK SPACE}({row[i]:.2f})" for i in near.tolist()))
        )
    of = "" if len(found) == layer.input_dim else f", among the first {len(found):,}"
    return [paragraph(f"The nearest rows, and the cosine{of}:"), table(lines, ("row", "nearest"))]


def table_rows(embeddings: Any) -> np.ndarray:
    """The rows to compare, float64: of a large table, or one in a file, a few."""
    if isinstance(embeddings, Table) and (embeddings.size > 8_000_000 or embeddings.storage is not None):
        return values_of(embeddings)[0].astype(np.float64)
    return embeddings.numpy()[:COMPARED].astype(np.float64)


# -- graphs -----------------------------------------------------------------------------------------------------------


def summary_table(rows: list[Row]) -> str:
    """The lines of a summary as a table."""
    shown = rows if len(rows) <= MOST_LINES else [*rows[: MOST_LINES - 10], None, *rows[-9:]]
    connected = any(len(row.connections) > 1 for row in rows)
    lines = [
        ("…", f"{len(rows) - MOST_LINES + 1:,} more", "", "", *([""] if connected else []))
        if row is None
        else (
            shorten(row.name, NAME),
            row.kind,
            row.shape,
            int(row.params) if row.params.isdigit() else row.params,
            *([shorten(", ".join(row.connections), 2 * NAME)] if connected else []),
        )
        for row in shown
    ]
    return table(lines, ("layer", "kind", "output shape", "parameters", *(["connected to"] if connected else [])))


def with_drawing(text: str, parts: list[str], drawing: Drawing, said: str = "") -> Bundle:
    """The bundle of something whose picture is a graph."""
    svg = draw(drawing)
    html = "\n".join([*parts, figure(svg), *([paragraph(said)] if said else [])])
    return bundle(text, html, svg, mermaid(drawing))


def behind(symbol: Symbol) -> tuple[Drawing | None, int]:
    """(the calls that a symbol comes from, how many earlier ones are left out)."""
    if symbol.node is None:
        return None, 0
    nodes, stack = {symbol.node}, [symbol.node]
    while stack:
        for parent in parents(stack.pop()):
            if parent not in nodes:
                nodes.add(parent)
                stack.append(parent)
    shown = sorted(nodes, key=lambda node: node.tick)[-MOST_BOXES:]
    kept = set(shown)
    links = [Link(parent, node) for node in shown for parent in parents(node) if parent in kept]
    return Drawing("", [call(node) for node in shown], links), len(nodes) - len(shown)


def parents(node: Node) -> list[Node]:
    """The nodes that a node's inputs come from."""
    return list(dict.fromkeys(x.node for x in node.inputs if isinstance(x, Symbol) and x.node is not None))


def call(node: Node) -> Box:
    """The box of a call that is in no model yet."""
    kind = "input" if isinstance(node.fn, InputLayer) else "op"
    if isinstance(node.fn, Layer) and kind == "op":
        kind = "model" if getattr(node.fn, "graph", None) else "weights" if node.fn.weights else "plain"
    shapes = [x.shape for x in node.body] if node.body else [Symbol(node.out, node).shape]
    return Box(node, node.fn.name, (kind_of(node), str(shapes[0] if len(shapes) == 1 else shapes)), kind)


def sizes(weights: list[Any]) -> int:
    return sum(v.size for v in weights)
