"""The layout of boxes within groups: each group is laid out by itself, and is then one box of what is around it.

An edge that crosses the frame of a group enters or leaves at a port: a point in the group's first or last rank that the
layouts on both sides agree on, so that the parts of the edge meet, and no part touches a box that it passes by.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from .drawing import RANKDIRS, Box, Drawing
from .layout import Layout, Point, layout

Rectangle = tuple[float, float, float, float]  # left, top, width, height
Size = tuple[float, float]

PORT = 6.0  # width of a port
HEADER, MARGIN = 30.0, 14.0  # of a group: above its boxes, where the title stands, and on the other sides


class Placed(NamedTuple):
    """Where all boxes and groups are, and the points of each link, in a picture from (0, 0) to (width, height)."""

    boxes: dict[Hashable, Rectangle]
    groups: dict[Hashable, Rectangle]
    routes: list[list[Point]]
    width: float
    height: float


def arrange(
    drawing: Drawing,
    size: Callable[[Box], Size],
    title_width: Callable[[str], float] = len,
    rank_gap: float = 36.0,
) -> Placed:
    """Place a drawing's boxes, of the sizes that `size` gives; groups are as wide as their titles at least."""
    if drawing.rankdir not in RANKDIRS:
        raise ValueError(f"rankdir must be one of {', '.join(RANKDIRS)}, got {drawing.rankdir!r}")
    nest = _Nest(drawing, size, title_width, rank_gap)
    plan = nest.lay_out(None)
    boxes: dict[Hashable, Rectangle] = {}
    groups: dict[Hashable, Rectangle] = {}
    parts: dict[Any, list[Point]] = {}
    nest.collect(None, 0.0, 0.0, boxes, groups, parts)
    routes = [_joined([parts[part] for part in path]) for path in nest.paths]
    turn = _turn(drawing.rankdir, plan.width, plan.height)
    across = drawing.rankdir in ("LR", "RL")
    width, height = (plan.height, plan.width) if across else (plan.width, plan.height)
    return Placed(
        {key: _turned(turn, place) for key, place in boxes.items()},
        {key: _turned(turn, place) for key, place in groups.items()},
        [[turn(point) for point in route] for route in routes],
        width,
        height,
    )


class _Nest:
    """The groups of a drawing with what is directly in each: boxes, groups, ports, and parts of links.

    Everything is laid out from above to below here; `arrange` turns the result.
    """

    def __init__(
        self, drawing: Drawing, size: Callable[[Box], Size], title_width: Callable[[str], float], rank_gap: float
    ) -> None:
        self.rank_gap = rank_gap
        self.across = drawing.rankdir in ("LR", "RL")
        # (left, top, right, bottom) of a group, in the unturned direction: the title stands above in the picture
        self.frame = {
            "TB": (MARGIN, HEADER, MARGIN, MARGIN),
            "BT": (MARGIN, MARGIN, MARGIN, HEADER),
            "LR": (HEADER, MARGIN, MARGIN, MARGIN),
            "RL": (HEADER, MARGIN, MARGIN, MARGIN),
        }[drawing.rankdir]
        self.title_width = title_width
        self.titles = {group.key: group.title for group in drawing.groups}
        self.outer = {group.key: group.parent for group in drawing.groups}
        self.items: dict[Hashable, dict[Any, Size]] = {None: {}, **{key: {} for key in self.titles}}
        self.parts: dict[Hashable, dict[Any, tuple[Any, Any, Hashable]]] = {key: {} for key in self.items}
        self.plans: dict[Hashable, tuple[Layout, float, float]] = {}
        self.place: dict[Hashable, list[Hashable]] = {}  # by box, the groups around it, the outermost first
        for box in drawing.boxes:
            if box.key in self.place:
                raise ValueError("layout: two boxes have the same id")
            if box.group not in self.items:
                raise ValueError(f"layout: the box {box.title!r} is in {box.group!r}, which is no group")
            width, height = size(box)
            self.items[box.group]["box", box.key] = (height, width) if self.across else (width, height)
            self.place[box.key] = self._around(box.group)
        inhabited = {key for groups in self.place.values() for key in groups}
        for group in drawing.groups:
            if group.key in inhabited:
                self.items[group.parent]["group", group.key] = (0.0, 0.0)  # until it is laid out
        self.paths = [self._path(i, link.source, link.target) for i, link in enumerate(drawing.links)]

    def _around(self, group: Hashable) -> list[Hashable]:
        groups: list[Hashable] = []
        while group is not None:
            groups.append(group)
            group = self.outer[group]
        return groups[::-1]

    def _path(self, number: int, source: Hashable, target: Hashable) -> list[tuple[Hashable, Any]]:
        """The parts of a link, as (group, key), with its ports made."""
        for key in (source, target):
            if key not in self.place:
                raise ValueError(f"layout: an edge names {key!r}, which is no box")
        up, down = self.place[source], self.place[target]
        common = 0
        while common < min(len(up), len(down)) and up[common] == down[common]:
            common += 1
        path: list[tuple[Hashable, Any]] = []
        at: Any = ("box", source)
        for group in reversed(up[common:]):
            port = ("out", group, source)
            path.append(self._part(group, at, port, source, (at, port)))
            at = ("group", group)
        inner = down[common:]
        last = ("group", inner[0]) if inner else ("box", target)
        alone = at[0] == last[0] == "box"  # the same operand twice is two lines; into a group it is one
        around = up[common - 1] if common else None
        path.append(self._part(around, at, last, source, (number,) if alone else (at, last, source)))
        for i, group in enumerate(inner):
            port = ("in", group, source)
            end = ("group", inner[i + 1]) if i + 1 < len(inner) else ("box", target)
            path.append(self._part(group, port, end, source, (port, end)))
        return path

    def _part(self, group: Hashable, start: Any, end: Any, source: Hashable, key: Any) -> tuple[Hashable, Any]:
        for item in (start, end):
            if item[0] in ("in", "out"):
                self.items[group][item] = (PORT, 0.0)
        self.parts[group][key] = (start, end, source)
        return group, key

    def lay_out(self, group: Hashable) -> Layout:
        """Lay out the groups within a group, then itself."""
        items = self.items[group]
        for item in items:
            if item[0] == "group":
                items[item] = self._framed(item[1])
        links = list(self.parts[group].values())
        plan = layout(
            [(item, *size) for item, size in items.items()],
            [(a, b) for a, b, _ in links],
            rank_gap=self.rank_gap,
            first={item for item in items if item[0] == "in"},
            last={item for item in items if item[0] == "out"},
            exits={i: self._port("out", a[1], source) for i, (a, _, source) in enumerate(links) if a[0] == "group"},
            entries={i: self._port("in", b[1], source) for i, (_, b, source) in enumerate(links) if b[0] == "group"},
        )
        self.plans[group] = plan, 0.0, 0.0
        return plan

    def _framed(self, group: Hashable) -> Size:
        """The size of a group with its frame, and where in it its boxes begin."""
        plan = self.lay_out(group)
        left, top, right, bottom = self.frame
        width, height = plan.width + left + right, plan.height + top + bottom
        wanted = self.title_width(self.titles[group]) + 2 * MARGIN
        short = max(0.0, wanted - (height if self.across else width))
        if self.across:
            height, top = height + short, top + short / 2
        else:
            width, left = width + short, left + short / 2
        self.plans[group] = plan, left, top
        return width, height

    def _port(self, side: str, group: Hashable, source: Hashable) -> float:
        """How far from a group's left side the value of a box outside enters it, or of one inside leaves it."""
        plan, left, _ = self.plans[group]
        return left + plan.positions[side, group, source][0] + PORT / 2

    def collect(
        self,
        group: Hashable,
        x: float,
        y: float,
        boxes: dict[Hashable, Rectangle],
        groups: dict[Hashable, Rectangle],
        parts: dict[Any, list[Point]],
    ) -> None:
        """All places within a group whose boxes begin at (x, y), in the whole picture."""
        plan, _, top = self.plans[group]
        height = self.items[self.outer[group]]["group", group][1] if group is not None else plan.height
        for item, (width, tall) in self.items[group].items():
            dx, dy = plan.positions[item]
            if item[0] == "box":
                boxes[item[1]] = (x + dx, y + dy, width, tall)
            elif item[0] == "group":
                groups[item[1]] = (x + dx, y + dy, width, tall)
                _, inner_left, inner_top = self.plans[item[1]]
                self.collect(item[1], x + dx + inner_left, y + dy + inner_top, boxes, groups, parts)
        for (key, (start, end, _)), route in zip(self.parts[group].items(), plan.routes, strict=True):
            points = [(x + px, y + py) for px, py in route]
            if start[0] == "in":
                points.insert(0, (points[0][0], y - top))
            if end[0] == "out":
                points.append((points[-1][0], y - top + height))
            parts[group, key] = points


def _joined(parts: list[list[Point]]) -> list[Point]:
    """One line out of parts that meet."""
    points = list(parts[0])
    for part in parts[1:]:
        points += [(points[-1][0], part[0][1]), *part[1:]] if part[0][1] != points[-1][1] else part[1:]
    return points


def _turn(rankdir: str, width: float, height: float) -> Callable[[Point], Point]:
    """From a picture that leads downwards to one that leads elsewhere."""
    return {
        "TB": lambda p: p,
        "BT": lambda p: (p[0], height - p[1]),
        "LR": lambda p: (p[1], p[0]),
        "RL": lambda p: (height - p[1], p[0]),
    }[rankdir]


def _turned(turn: Callable[[Point], Point], place: Rectangle) -> Rectangle:
    x, y, width, height = place
    (x0, y0), (x1, y1) = turn((x, y)), turn((x + width, y + height))
    return min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0)
