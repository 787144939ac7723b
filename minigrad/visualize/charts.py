"""Two charts as SVG text: points with labels, and curves over steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .axes import Frame, nice_ticks
from .labels import CROWDED, DOT, SIZE, place_labels
from .svg import FAINT_INK, Element, shorten, straight_path, text

# Okabe and Ito's colours, which stay apart for eyes with any colour vision, darkened for thin lines on white.
COLOURS = ("#0072b2", "#d55e00", "#00866a", "#b5548c", "#8a7500", "#3f8fc4", "#444444")
ACCENT, RING = COLOURS[0], "#9cc3dd"
MOST_POINTS = 1200  # of all curves of a chart: there are no more pixels across
DRAWABLE = 1e100  # beyond it, arithmetic on the axes would overflow: such values are left out like NaN


def scatter(
    points: Iterable[Sequence[float]],
    labels: Sequence[str] | None = None,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    *,
    ring: bool = False,
    size: float = 460.0,
    dot: float = DOT,
) -> str:
    """A square chart of points (x, y); one unit is as long on both axes, so distances are as they look.

    `ring` joins the points in their order by a closed line (the twelve months). A point that is not finite
    is left out, and so is a label that finds no free place; the picture then says how many. Each dot, of radius
    `dot`, shows its label on hovering; smaller dots than usual have smaller labels.

    >>> svg = scatter([(0, 0), (1, 2)], ["here", "there"], title="Two points")
    >>> svg.count("<circle"), ">there</text>" in svg
    (2, True)
    """
    everything = [(float(x), float(y)) for x, y in points]
    if labels is not None and len(labels) != len(everything):
        raise ValueError(f"scatter: {len(labels)} labels for {len(everything)} points; expected one for each")
    names = [""] * len(everything) if labels is None else [shorten(label, 40) for label in labels]
    kept = [i for i, point in enumerate(everything) if all(map(_drawable, point))]
    xs, ys = [everything[i][0] for i in kept], [everything[i][1] for i in kept]

    half = 0.66 * _span(xs, ys)
    frame = Frame(_around(_middle(xs), half), _around(_middle(ys), half), size, size)
    frame.axes(xlabel, ylabel, nice_ticks(*frame.xs))
    dots = [frame.at(x, y) for x, y in zip(xs, ys, strict=True)]
    if ring and len(dots) > 1:
        frame.shapes.append(_line(dots, RING, 1.6, closed=True))
    for i, (x, y) in zip(kept, dots, strict=True):
        hover = [Element("title", names[i])] if names[i] else []
        circle = Element("circle", *hover, cx=x, cy=y, r=dot, fill=ACCENT, stroke="#ffffff", stroke_width=1.2)
        frame.shapes.append(circle)
    label_size, leeway = SIZE if dot >= DOT else SIZE - 2, CROWDED if ring else 0.05
    bounds = (0.0, 0.0, size, size)
    placed, crowded = place_labels(dots, [names[i] for i in kept], bounds, ring, label_size, dot, leeway)
    frame.shapes += placed
    notes = _not_finite("points", len(everything) - len(kept))
    if crowded:
        notes.append(f"labels without room: {crowded}")
    return _finish(frame, title, notes, empty=not kept)


def curves(
    series: Mapping[str, Sequence[float]],
    title: str = "",
    xlabel: str = "epoch",
    ylabel: str = "",
    *,
    width: float = 620.0,
    height: float = 320.0,
) -> str:
    """A chart of named curves whose values stand at 1, 2, 3, ...: the history of a training.

    A value that is not finite leaves a gap in its curve; the picture says how many there are. Of more values than can
    be told apart, the smallest and the largest of each few are drawn.

    >>> svg = curves({"loss": [3.0, 2.0, 1.5], "val_loss": [3.1, 2.4, 2.2]}, "Training")
    >>> svg.count('class="curve"'), ">val_loss</text>" in svg
    (2, True)
    """
    values = {name: [float(value) for value in data] for name, data in series.items()}
    shown = [value for data in values.values() for value in data if _drawable(value)]
    steps = max([2, *map(len, values.values())])
    frame = Frame((1.0, float(steps)), _around(_middle(shown), 0.55 * _span(shown)), width, height)
    frame.axes(xlabel, ylabel, [tick for tick in nice_ticks(*frame.xs) if tick.is_integer()])
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(values))]
    frame.legend(list(zip(colours, values, strict=True)))
    most = max(60, MOST_POINTS // max(len(values), 1))
    for colour, data in zip(colours, values.values(), strict=True):
        runs = [[frame.at(step, value) for step, value in _thinned(run, most)] for run in _runs(data)]
        lines = [_line(dots, colour, 2) for dots in runs if len(dots) > 1]
        alone = [Element("circle", cx=d[0][0], cy=d[0][1], r=3.5, fill=colour) for d in runs if len(d) == 1]
        frame.shapes.append(Element("g", *lines, *alone, class_="curve"))
    missing = sum(map(len, values.values())) - len(shown)
    return _finish(frame, title, _not_finite("values", missing), empty=not shown)


def _line(dots: Sequence[tuple[float, float]], colour: str, width: float, closed: bool = False) -> Element:
    path = straight_path(dots, closed)
    return Element("path", d=path, fill="none", stroke=colour, stroke_width=width, stroke_linejoin="round")


def _finish(frame: Frame, title: str, notes: list[str], empty: bool) -> str:
    if empty:
        frame.shapes.append(text("no data", frame.width / 2, frame.height / 2, 14, "middle", fill=FAINT_INK))
    return frame.finish(title, notes)


def _not_finite(things: str, count: int) -> list[str]:
    return [f"{things} left out, not finite: {count}"] if count else []


def _runs(data: Sequence[float]) -> list[list[tuple[int, float]]]:
    """The (step, value) pairs between the gaps."""
    runs: list[list[tuple[int, float]]] = [[]]
    for step, value in enumerate(data, start=1):
        if _drawable(value):
            runs[-1].append((step, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _thinned(run: list[tuple[int, float]], most: int) -> list[tuple[int, float]]:
    """At most so many of the pairs: of each few that follow each other those with the smallest and largest value."""
    if len(run) <= most:
        return run
    few = -(-len(run) // (most // 2 - 1))
    kept = {0, len(run) - 1}
    for start in range(0, len(run), few):
        part = range(start, min(start + few, len(run)))
        kept |= {min(part, key=lambda i: run[i][1]), max(part, key=lambda i: run[i][1])}
    return [run[i] for i in sorted(kept)]


def _middle(values: Sequence[float]) -> float:
    return (min(values) + max(values)) / 2 if values else 0.5


def _span(*columns: Sequence[float]) -> float:
    """The largest distance within a column; where all numbers are nearly the same, one that can be drawn."""
    distance = max((max(column) - min(column) for column in columns if column), default=0.0)
    size = max((abs(value) for column in columns for value in column), default=0.0)
    span = max(distance, 1e-6 * size)
    return span if span > 1 / DRAWABLE else 1.0


def _around(middle: float, half: float) -> tuple[float, float]:
    return middle - half, middle + half


def _drawable(value: float) -> bool:
    return abs(value) < DRAWABLE  # False for NaN
