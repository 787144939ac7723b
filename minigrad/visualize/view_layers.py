"""The layers of a tape: who computed what, and pictures of them and of its ops, whose boxes a page can react to."""

from __future__ import annotations

from dataclasses import dataclass, field

from .layout import layout
from .record_tape import Tape
from .svg import FONT, LONGEST_TEXT, Element, fit, smooth_path, straight_path, text, text_width, translate

HEIGHT, NARROWEST, WIDEST, ARROW = 44.0, 110.0, 190.0, 6.0
MOST_OPS = 120  # that a picture of one layer may show


@dataclass
class Group:
    """The events of one layer. path: '' for what no layer did; title: how it is shown; shape: of its last result."""

    path: str
    title: str
    shape: str = ""
    events: list[int] = field(default_factory=list)


def groups_of(tape: Tape, outside: str) -> tuple[list[Group], list[int], list[tuple[int, int]]]:
    """(the groups in the order in which they begin, the group of each event, the edges between groups).

    An update belongs to the layer whose weight it is of. outside: the title for what no layer did.
    """
    groups: dict[str, Group] = {}
    common = common_head([event.layer for event in tape if event.phase == "forward"])
    own: list[int] = []
    edges: dict[tuple[int, int], None] = {}
    for event in tape:
        path = event.layer if event.phase != "update" else nearest(event.layer, groups)
        if path not in groups:
            groups[path] = Group(path, path.removeprefix(common) or outside)
        group = groups[path]
        own.append(list(groups).index(path))
        group.events.append(event.index)
        if event.phase == "forward":
            group.shape = str(event.value.shape) if event.value else ""
            edges |= {(own[o.made], own[-1]): None for o in event.operands if o.made is not None}
    return list(groups.values()), own, [(a, b) for a, b in edges if a < b]  # a shared layer would close a circle


def nearest(path: str, groups: dict[str, Group]) -> str:
    """The group that a weight belongs to: the longest path that its own begins with."""
    while path and path not in groups:
        path = path.rpartition("/")[0]
    return path


def common_head(paths: list[str]) -> str:
    """The model that all layers are in, with a slash; '' if there is none."""
    heads = {path.partition("/")[0] for path in paths if path}
    inside = all("/" in path for path in paths if path)
    return f"{heads.pop()}/" if len(heads) == 1 and inside else ""


def draw_groups(groups: list[Group], edges: list[tuple[int, int]]) -> str:
    """The picture of the layers: boxes of class `layer`."""
    return draw([(i, group.title, group.shape) for i, group in enumerate(groups)], edges, "layer")


def draw_ops(tape: Tape, group: Group) -> str:
    """The picture of what a layer computes, boxes of class `op`; '' if that is nothing, or too much for a picture."""
    events = [tape[i] for i in group.events if tape[i].phase == "forward"]
    if not 0 < len(events) <= MOST_OPS:
        return ""
    own = {event.index for event in events}
    edges = {(o.made, e.index): None for e in events for o in e.operands if o.made in own and o.made is not None}
    return draw([(e.index, e.op, str(e.value.shape) if e.value else "") for e in events], list(edges), "op")


def draw(boxes: list[tuple[int, str, str]], edges: list[tuple[int, int]], kind: str) -> str:
    """The SVG of boxes, each a number, a title and a line; `data-key` is the number, the class `box` and the kind."""
    widths = {
        key: round(min(max(NARROWEST, text_width(title, 13) + 24, text_width(line, 11) + 24), WIDEST))
        for key, title, line in boxes
    }
    plan = layout([(key, width, HEIGHT) for key, width in widths.items()], edges, gap=18.0, rank_gap=26.0)
    shapes: list[Element] = []
    for route in plan.routes:
        x, y = route[-1]
        head = straight_path([(x - 3.5, y - ARROW), (x + 3.5, y - ARROW), (x, y - 0.5)], closed=True)
        way = Element("path", d=smooth_path([*route[:-1], (x, y - ARROW)]), fill="none")
        shapes.append(Element("g", way, Element("path", d=head, class_="head"), class_="edge"))
    for key, title, line in boxes:
        middle, room = widths[key] / 2, widths[key] - 16.0
        shapes.append(
            Element(
                "g",
                Element("title", f"{title}\n{line}"[:LONGEST_TEXT]),
                Element("rect", width=widths[key], height=HEIGHT, rx=7),
                text(fit(title, 13, room), middle, 19, 13, "middle", class_="name"),
                text(fit(line, 11, room), middle, 35, 11, "middle", class_="shape"),
                class_=f"box {kind}",
                data_key=str(key),
                tabindex="0",
                role="button",
                transform=translate(*plan.positions[key]),
            )
        )
    width, height = plan.width + 8, plan.height + 8
    body = Element("g", *shapes, transform=translate(4, 4))
    view_box = f"0 0 {width:g} {height:g}"
    return str(Element("svg", body, viewBox=view_box, width=width, height=height, font_family=FONT, role="group"))
