"""The built-in SVG of a drawing: boxes with a title and some lines, frames around groups, edges in layers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from .compound import Rectangle, arrange
from .drawing import KINDS, Box, Drawing, Group, Link
from .layout import Point
from .svg import (
    EDGE,
    FAINT_INK,
    INK,
    LONGEST_TEXT,
    RULE,
    Attribute,
    Element,
    fit,
    flow_path,
    picture,
    straight_path,
    text,
    text_width,
    translate,
)

__all__ = ["KINDS", "Box", "draw", "draw_graph"]

TITLE_SIZE, LINE_SIZE, LEGEND_SIZE, LABEL_SIZE = 13.0, 12.0, 11.0, 10.5
HEADER_HEIGHT, LINE_HEIGHT, PADDING = 26.0, 17.0, 12.0
NARROWEST = 96.0
RANK_GAP = 36.0
ARROW = 7.0
DASHES = "5 4"
HALO: dict[str, Attribute] = {
    "stroke": "#ffffff",
    "stroke_width": 3.0,
    "paint_order": "stroke",
    "stroke_linejoin": "round",
}
KEPT = "kept for the backward pass"


def draw_graph(boxes: Iterable[Box], edges: Iterable[tuple[Hashable, Hashable]], title: str | None = None) -> str:
    """The SVG text of a layered graph; an edge is (key of the box it leaves, key of the box it enters).

    Raises `ValueError` for a key that comes twice, an edge to no box, and a cycle.

    >>> svg = draw_graph([Box("x", "input_1", ["(None, 4)"], "input"), Box("y", "dense_1")], [("x", "y")])
    >>> svg.count('class="box"'), svg.count('class="edge"')
    (2, 1)
    """
    return draw(Drawing(title or "", list(boxes), [Link(*edge) for edge in edges]))


def draw(drawing: Drawing) -> str:
    """The SVG text of a drawing, laid out in plain Python: the same text every time."""
    across = drawing.rankdir in ("LR", "RL")
    labels = max((text_width(link.label, LABEL_SIZE) for link in drawing.links), default=0.0) if across else 0.0
    sizes = {box.key: _size(box, drawing.widest) for box in drawing.boxes}
    plan = arrange(
        drawing,
        lambda box: sizes[box.key],
        lambda title: min(text_width(title, 12), 420.0),
        RANK_GAP + min(labels, 120.0),
    )
    title = drawing.title
    top = 34.0 if title else 0.0
    legend, legend_width = _legend(drawing.kinds(), drawing.keeps)
    bottom = 34.0 if legend else 0.0
    width = max(plan.width, legend_width, min(text_width(title, 15), 600.0) if title else 0.0)
    left = (width - plan.width) / 2

    shapes: list[Element] = []
    if title:
        shapes.append(text(fit(title, 15, width), width / 2, 14, 15, "middle", font_weight=600))
    depths = _depths(drawing.groups)
    shown = [group for group in drawing.groups if group.key in plan.groups]
    graph = [_frame(plan.groups[group.key], depths[group.key]) for group in shown]
    edges = [_edge(route, link, drawing.rankdir) for link, route in zip(drawing.links, plan.routes, strict=True)]
    boxes = [_box(box, plan.boxes[box.key]) for box in drawing.boxes]
    titles = [_group_title(group, plan.groups[group.key]) for group in shown]
    # What is the same for many shapes is said once, around them.
    graph.append(Element("g", *edges, fill="none", stroke=EDGE, stroke_width=1.4))
    graph.append(Element("g", *boxes, text_anchor="middle", font_size=LINE_SIZE, stroke_width=1.2))
    graph.append(Element("g", *titles, font_size=12, font_weight=600, fill=FAINT_INK, **HALO))
    graph.append(Element("g", *_labels(drawing, plan.routes), font_size=LABEL_SIZE, fill=FAINT_INK, **HALO))
    shapes.append(Element("g", *graph, transform=translate(left, top)))
    if legend:
        y = top + plan.height + bottom - 4
        shapes.append(Element("g", *legend, transform=translate((width - legend_width) / 2, y)))
    return picture(width, top + plan.height + bottom, *shapes, title=title or None)


def _size(box: Box, widest: float) -> tuple[float, float]:
    widths = [text_width(box.title, TITLE_SIZE) * 1.06, *(text_width(line, LINE_SIZE) for line in box.lines)]
    width = round(min(max(NARROWEST, max(widths) + 2 * PADDING), widest))
    return float(width), HEADER_HEIGHT + (LINE_HEIGHT * len(box.lines) + PADDING if box.lines else 0.0)


def _box(box: Box, place: Rectangle) -> Element:
    x, y, width, height = place
    dark, light, _ = KINDS[box.kind]
    middle = width / 2
    room = width - 2 * PADDING + 4
    shown = fit(box.title, TITLE_SIZE * 1.06, room)
    lines = [fit(line, LINE_SIZE, room) for line in box.lines]
    dashes = DASHES if box.dashed else None
    frame: dict[str, Attribute] = {"width": width, "height": height, "rx": 6, "stroke": dark}
    shapes = [Element("rect", **frame, fill="#ffffff" if lines else light, stroke_dasharray=dashes)]
    if [shown, *lines] != [box.title, *box.lines]:  # something is cut: hovering tells the whole
        shapes.insert(0, Element("title", "\n".join(part[:LONGEST_TEXT] for part in (box.title, *box.lines))))
    if lines:
        shapes.append(Element("path", d=_header(width), fill=light))
    words: dict[str, Attribute] = {"font_size": TITLE_SIZE, "font_weight": 600, "fill": dark}
    shapes.append(Element("text", shown, x=middle, y=17.5, **words))
    for i, line in enumerate(lines):
        base = HEADER_HEIGHT + 18 + i * LINE_HEIGHT
        shapes.append(Element("text", line, x=middle, y=base, fill=FAINT_INK if i else INK))
    return Element("g", *shapes, class_="box", transform=translate(x, y))


def _header(width: float) -> str:
    """The upper part of a box within its frame, with the two upper corners rounded."""
    right = f"{width - 0.6:g}"
    return f"M.6 {HEADER_HEIGHT:g}V6Q.6 .6 6 .6H{width - 6:g}Q{right} .6 {right} 6V{HEADER_HEIGHT:g}Z"


def _depths(groups: list[Group]) -> dict[Hashable, int]:
    depths: dict[Hashable, int] = {None: -1}
    for group in groups:  # outer ones come first
        depths[group.key] = depths[group.parent] + 1
    return depths


def _frame(place: Rectangle, depth: int) -> Element:
    """The ground of a group: every other depth is tinted."""
    x, y, width, height = place
    fill = "#ffffff" if depth % 2 else "#f6f8fa"
    shape = Element("rect", x=x, y=y, width=width, height=height, rx=9, fill=fill, stroke=RULE)
    return Element("g", shape, class_="group")


def _group_title(group: Group, place: Rectangle) -> Element:
    x, y, width, _ = place
    shown = fit(group.title, 12, width - 20)
    return Element("text", shown, x=x + 11, y=y + 19)


def _edge(route: list[Point], link: Link, rankdir: str) -> Element:
    """The line and its arrow head: every route arrives in the direction of the ranks, so a triangle will do."""
    x, y = route[-1]
    dx, dy = {"TB": (0, 1), "BT": (0, -1), "LR": (1, 0), "RL": (-1, 0)}[rankdir]
    back = (x - dx * ARROW, y - dy * ARROW)
    path = flow_path([*route[:-1], back], upright=bool(dy))
    dashes = DASHES if link.dashed else None
    line = Element("path", d=path, stroke_dasharray=dashes)
    half = 0.55 * ARROW
    corners = [
        (back[0] - half * dy, back[1] - half * dx),
        (back[0] + half * dy, back[1] + half * dx),
        (x - 0.5 * dx, y - 0.5 * dy),
    ]
    head = Element("path", d=straight_path(corners, closed=True), fill=EDGE, stroke="none")
    return Element("g", line, head, class_="edge")


def _labels(drawing: Drawing, routes: list[list[Point]]) -> list[Element]:
    """What flows along the edges, said once where they leave their box."""
    dx, dy = {"TB": (5, 13), "BT": (5, -6), "LR": (5, -5), "RL": (-5, -5)}[drawing.rankdir]
    said: dict[Hashable, int] = {}
    shapes = []
    for link, label, route in zip(drawing.links, drawing.shown_labels(), routes, strict=True):
        if label:
            lines = said[link.source] = said.get(link.source, -1) + 1
            x, y = route[0][0] + dx, route[0][1] + dy + 11 * lines
            rightwards = dx > 0 and abs(dy) > 5 and any(px > route[0][0] for px, _ in route[:3])
            anchor = "end" if drawing.rankdir == "RL" or rightwards else None
            x -= 2 * dx * rightwards  # beside the line, not on it
            shown = fit(label, LABEL_SIZE, 120.0)
            shapes.append(Element("text", shown, x=x, y=y, text_anchor=anchor, class_="label"))
    return shapes


def _legend(kinds: list[str], keeps: bool) -> tuple[list[Element], float]:
    """What the colours mean, where there are two or more, and the dashes; and how wide that is."""
    shapes, x = [], 0.0
    for kind in kinds if len(kinds) > 1 else []:
        dark, light, meaning = KINDS[kind]
        shapes.append(Element("rect", x=x, y=-9, width=10, height=10, rx=2.5, fill=light, stroke=dark))
        shapes.append(text(meaning, x + 15, 0, LEGEND_SIZE, fill=FAINT_INK))
        x += 15 + text_width(meaning, LEGEND_SIZE) + 14
    if keeps:
        line = Element("path", d=f"M{x:g} -4H{x + 22:g}", stroke=FAINT_INK, stroke_width=1.4, stroke_dasharray=DASHES)
        shapes += [line, text(KEPT, x + 28, 0, LEGEND_SIZE, fill=FAINT_INK)]
        x += 28 + text_width(KEPT, LEGEND_SIZE) + 14
    return shapes, max(0.0, x - 14)
