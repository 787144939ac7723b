"""Running a model to look at it: whatever runs inside leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy, deepcopy
from typing import Any

import numpy as np

from ..core.rows import Table
from ..core.tree import leaves
from ..layers.layer import Layer, held, unique
from ..metrics.metric import Metric
from ..random import Stream


@contextmanager
def untouched(layer: Layer) -> Iterator[None]:
    """Inside, a layer or a model may be called, in training too; afterwards all is as it was.

    State that its calls assign, penalties, sources of random numbers, running figures and metrics are put back. Of
    tables there is nothing to put back, and a table with late rows would have to bring them all up to date.
    """
    layers = [layer, *inside(layer)]
    weights = [(v, v._data, v.written) for v in layer.weights if not isinstance(v, Table)]
    penalties = [(x, list(x._losses)) for x in layers]
    sources = [g.bit_generator for x in layers for g in generators(x)]
    states = [source.state for source in sources]
    metrics = [(m, deepcopy(vars(m))) for x in layers for m in metrics_of(x)]
    figures = {name: getattr(layer, name) for name in ("objective", "shown") if hasattr(layer, name)}
    if figures.get("objective") is not None:
        twin = copy(figures["objective"])
        twin._sums = dict(twin._sums)  # in which a step counts
        layer.objective = twin  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for variable, data, written in weights:
            if variable._data is not data:
                variable._data, variable.written = data, written
        for one, losses in penalties:
            one._losses[:] = losses
        for source, state in zip(sources, states, strict=True):
            source.state = state
        for metric, attributes in metrics:
            vars(metric).clear()
            vars(metric).update(attributes)
        for name, value in figures.items():
            setattr(layer, name, value)


def inside(layer: Layer) -> list[Layer]:
    """All layers within a layer, at any depth, each once."""
    found: list[Layer] = []
    for one in layer.sublayers():
        found += [one, *inside(one)]
    return unique(found)


def generators(layer: Layer) -> list[np.random.Generator]:
    """The sources of random numbers that a layer keeps as attributes."""
    streams = [stream.generator for _, stream in held(layer, Stream)]
    return unique([*streams, *(g for _, g in held(layer, np.random.Generator))])


def metrics_of(layer: Layer) -> list[Metric]:
    """The metrics that a layer keeps as attributes, and those that a model was told of."""
    told: Any = getattr(layer, "_told", None) or {}
    kept = getattr(layer, "metrics", None) or []
    given = [m for name in ("metrics", "weighted_metrics") if told.get(name) for m in leaves(told[name])]
    return unique(m for m in [*kept, *given, *(m for _, m in held(layer, Metric))] if isinstance(m, Metric))
