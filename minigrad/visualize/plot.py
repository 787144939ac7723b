"""`Model.plot`, `Tensor.graph` and `utils.plot_model`: which zoom, what is folded, and where the picture goes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import unknown
from .drawing import Drawing
from .folding import collapsed, folded, many
from .model import layers
from .operations import model_operations, operations
from .picture import Picture, picture_of

if TYPE_CHECKING:
    from ..models.model import Model

LEVELS = ("layers", "ops", "program")
MANY = 40  # boxes, from which on repeats are folded
TOO_MANY = 250  # boxes, from which on groups are closed


def plot(
    model: Model,
    level: str = "layers",
    to_file: Any = None,
    *,
    x: Any = None,
    y: Any = None,
    sample_weight: Any = None,
    rankdir: str = "TB",
    fold: bool | None = None,
    collapse: bool | str | Collection[str] | None = None,
    batch_size: int = 32,
    dpi: int | None = 96,
    title: str | None = None,
    **options: Any,
) -> Picture:
    """The picture of a model; see `Model.plot`."""
    if level not in LEVELS:
        raise unknown("level of plot", level, LEVELS)
    named = model.name if title is None else title
    if level == "layers":
        drawing = _layers(model, named, x, y, sample_weight, rankdir, options)
    elif level == "ops":
        drawing = _operations(model, named, x, y, sample_weight, rankdir, options)
    else:
        drawing = _program(model, named, x, y, sample_weight, rankdir, batch_size)
    picture = picture_of(readable(drawing, fold, collapse), dpi)
    if to_file is not None:
        picture.to_file(to_file)
    return picture


def _layers(model: Model, title: str, x: Any, y: Any, sample_weight: Any, rankdir: str, options: Any) -> Drawing:
    if model.graph is None and x is not None:  # a call of its own: its layers as they were called
        return collapsed(_operations(model, title, x, y, sample_weight, rankdir, {}))
    measured = {}
    if x is not None:
        from .measure import measure_layers

        measured = measure_layers(model, x, y, sample_weight)
    count = many(sum(v.size for v in model.weights), "parameter")
    shown = f"{title}: {count}" if title and model.weights else title
    return layers(model, shown, rankdir=rankdir, measured=measured, **options)


def _operations(model: Model, title: str, x: Any, y: Any, sample_weight: Any, rankdir: str, options: Any) -> Drawing:
    kept = {name: options[name] for name in ("show_shapes", "show_dtype") if name in options}
    if x is None:
        drawing = model_operations(model, rankdir=rankdir, **kept)
    else:
        from .measure import measure_ops

        roots, about = measure_ops(model, x, y, sample_weight)
        drawing = operations(roots, rankdir=rankdir, **about, **kept)
    count = sum(box.kind in ("op", "loss") for box in drawing.boxes)
    drawing.title = f"{title}: {many(count, 'op')}" if title else ""
    return drawing


def _program(model: Model, title: str, x: Any, y: Any, sample_weight: Any, rankdir: str, batch_size: int) -> Drawing:
    from ..models.data import unpack
    from ..models.programs import DECAY
    from .steps import program_drawing

    mode = "train" if model._told is not None else "predict"
    if x is None:
        return program_drawing(model.program(mode, batch_size), title, rankdir=rankdir)  # type: ignore[arg-type]
    if y is None:
        mode = "predict"
    found = model._program(mode, unpack((x, y, sample_weight) if mode == "train" else (x,)))  # type: ignore[arg-type]
    if found is None:
        raise ValueError(f"{model.name}: the {mode} step has no program: it runs eagerly, or is the model's own")
    step, arrays = found
    if mode == "train":
        optimizer = model.optimizer
        scalars = optimizer.scalars(optimizer.iterations + 1, optimizer.learning_rate)
        if optimizer.weight_decay:
            scalars = {**scalars, DECAY: optimizer.learning_rate * optimizer.weight_decay}
        arrays = arrays | {name: dtype(scalars[of]) for name, (of, dtype) in step.scalars.items()}
    return program_drawing(step.program, title, arrays, rankdir)


def readable(drawing: Drawing, fold: bool | None, collapse: bool | str | Collection[str] | None) -> Drawing:
    """The drawing with groups closed and repeats folded as asked; None: as its size wants it."""
    if collapse is True:
        drawing = collapsed(drawing)
    elif collapse:
        wanted = [collapse] if isinstance(collapse, str) else list(collapse)
        titles = [group.title for group in drawing.groups]
        for name in wanted:
            if name not in titles:
                raise unknown("group to collapse", name, titles)
        drawing = collapsed(drawing, wanted)
    large = len(drawing.boxes) > MANY
    if fold or (fold is None and large):
        drawing = folded(drawing)
    if collapse is None and len(drawing.boxes) > TOO_MANY:
        drawing = collapsed(drawing)
        drawing = folded(drawing) if fold is None else drawing
    return drawing


def graph_of(tensor: Any, rankdir: str = "TB", fold: bool | None = None, collapse: Any = None) -> Picture:
    """The picture of the ops that made a tensor or a symbol; see `Tensor.graph`."""
    drawing = operations([tensor], rankdir=rankdir)
    drawing.title = many(sum(box.kind == "op" for box in drawing.boxes), "op")
    return picture_of(readable(drawing, fold, collapse))


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int | None = 96,
    layer_range: Sequence[str] | None = None,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> Picture:
    """Draw a model's layers to a file, and give the picture; see `minigrad.utils.plot_model`."""
    return plot(
        model, "layers", to_file, rankdir=rankdir, dpi=dpi, show_shapes=show_shapes, show_dtype=show_dtype,
        show_layer_names=show_layer_names, expand_nested=expand_nested, layer_range=layer_range,
        show_layer_activations=show_layer_activations, show_trainable=show_trainable, show_params=show_shapes,
    )  # fmt: skip
