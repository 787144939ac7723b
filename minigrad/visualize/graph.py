"""The picture of a graph: boxes with a title and some lines, in layers, with the edges leading downwards."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from .layout import Point, layout
from .svg import (
    FAINT_INK,
    INK,
    LONGEST_TEXT,
    Element,
    fit,
    picture,
    smooth_path,
    straight_path,
    text,
    text_width,
    translate,
)

# kind: (dark colour, light colour, what the legend says)
KINDS = {
    "input": ("#1a7f37", "#dafbe1", "input"),
    "weights": ("#0a4fa8", "#d6e9ff", "layer with weights"),
    "plain": ("#59636e", "#eff2f5", "layer without weights"),
    "op": ("#9a5b00", "#fff3cf", "operation"),
    "model": ("#7a3bc2", "#f1e4ff", "model"),
}
TITLE_SIZE, LINE_SIZE, LEGEND_SIZE = 13.0, 12.0, 11.0
HEADER_HEIGHT, LINE_HEIGHT, PADDING = 26.0, 17.0, 12.0
NARROWEST, WIDEST = 96.0, 300.0
ARROW = 7.0
EDGE = "#8c959f"


@dataclass(frozen=True)
class Box:
    """One box: `key` is what edges name it by; `kind` is a key of `KINDS` and gives the colour."""

    key: Hashable
    title: str
    lines: Sequence[str] = field(default=())
    kind: str = "plain"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"Box {self.title!r}: unknown kind {self.kind!r}; expected one of {', '.join(KINDS)}")

    @property
    def width(self) -> float:
        widths = [
            text_width(self.title, TITLE_SIZE) * 1.06,
            *(text_width(line, LINE_SIZE) for line in self.lines),
        ]
        return round(min(max(NARROWEST, max(widths) + 2 * PADDING), WIDEST))

    @property
    def height(self) -> float:
        return HEADER_HEIGHT + (LINE_HEIGHT * len(self.lines) + PADDING if self.lines else 0.0)


def draw_graph(boxes: Iterable[Box], edges: Iterable[tuple[Hashable, Hashable]], title: str | None = None) -> str:
    """The SVG text of a layered graph; an edge is (key of the box it leaves, key of the box it enters).

    Raises `ValueError` for a key that comes twice, an edge to no box, and a cycle.

    >>> svg = draw_graph([Box("x", "input_1", ["(None, 4)"], "input"), Box("y", "dense_1")], [("x", "y")])
    >>> svg.count('class="box"'), svg.count('class="edge"')
    (2, 1)
    """
    boxes = list(boxes)
    plan = layout([(box.key, box.width, box.height) for box in boxes], edges)
    top = 34.0 if title else 0.0
    legend, legend_width = _legend([kind for kind in KINDS if any(box.kind == kind for box in boxes)])
    bottom = 34.0 if legend else 0.0
    width = max(plan.width, legend_width, min(text_width(title, 15), WIDEST * 2) if title else 0.0)
    left = (width - plan.width) / 2

    shapes: list[Element] = []
    if title:
        shapes.append(text(fit(title, 15, width), width / 2, 14, 15, "middle", font_weight=600))
    graph = [_edge(route) for route in plan.routes]
    graph += [_box(box, *plan.positions[box.key]) for box in boxes]
    shapes.append(Element("g", *graph, transform=translate(left, top)))
    if legend:
        y = top + plan.height + bottom - 4
        shapes.append(Element("g", *legend, transform=translate((width - legend_width) / 2, y)))
    return picture(width, top + plan.height + bottom, *shapes, title=title)


def _box(box: Box, x: float, y: float) -> Element:
    dark, light, _ = KINDS[box.kind]
    middle = box.width / 2
    room = box.width - 2 * PADDING + 4
    shown = fit(box.title, TITLE_SIZE * 1.06, room)
    lines = [fit(line, LINE_SIZE, room) for line in box.lines]
    frame = {"width": box.width, "height": box.height, "rx": 6.0}
    shapes = [Element("rect", **frame, fill="#ffffff" if lines else light)]
    if [shown, *lines] != [box.title, *box.lines]:  # something is cut: hovering tells the whole
        shapes.insert(0, Element("title", "\n".join(part[:LONGEST_TEXT] for part in (box.title, *box.lines))))
    if lines:
        shapes.append(Element("path", d=_header(box.width), fill=light))
    shapes.append(Element("rect", **frame, fill="none", stroke=dark, stroke_width=1.2))
    shapes.append(text(shown, middle, 17.5, TITLE_SIZE, "middle", font_weight=600, fill=dark))
    for i, line in enumerate(lines):
        base = HEADER_HEIGHT + 18 + i * LINE_HEIGHT
        shapes.append(text(line, middle, base, LINE_SIZE, "middle", fill=FAINT_INK if i else INK))
    return Element("g", *shapes, class_="box", transform=translate(x, y))


def _header(width: float) -> str:
    """The upper part of a box, with the two upper corners rounded."""
    return f"M0 {HEADER_HEIGHT:g}V6Q0 0 6 0H{width - 6:g}Q{width:g} 0 {width:g} 6V{HEADER_HEIGHT:g}Z"


def _edge(route: list[Point]) -> Element:
    """The line and its arrow head: every route arrives from above, so a triangle will do."""
    x, y = route[-1]
    path = smooth_path([*route[:-1], (x, y - ARROW)])
    line = Element("path", d=path, fill="none", stroke=EDGE, stroke_width=1.4)
    half = 0.55 * ARROW
    corners = [(x - half, y - ARROW), (x + half, y - ARROW), (x, y - 0.5)]
    head = Element("path", d=straight_path(corners, closed=True), fill=EDGE)
    return Element("g", line, head, class_="edge")


def _legend(kinds: list[str]) -> tuple[list[Element], float]:
    """What the colours mean, where there are two or more; and how wide that is."""
    if len(kinds) < 2:
        return [], 0.0
    shapes, x = [], 0.0
    for kind in kinds:
        dark, light, meaning = KINDS[kind]
        shapes.append(Element("rect", x=x, y=-9, width=10, height=10, rx=2.5, fill=light, stroke=dark))
        shapes.append(text(meaning, x + 15, 0, LEGEND_SIZE, fill=FAINT_INK))
        x += 15 + text_width(meaning, LEGEND_SIZE) + 14
    return shapes, x - 14
