"""Where the labels of points stand, so that each can be read."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Sequence
from itertools import product

from .svg import FAINT_INK, Element, text, text_width

Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]  # left, top, right, bottom

SIZE, DOT = 12.0, 4.5
TURNS = (
    0,
    1,
    -1,
    2,
    -2,
    3,
    -3,
    4,
    -4,
    5,
    -5,
    6,
)  # twelfths of a circle, from the direction away from the middle
FAR = 13.0  # how much further off a label may stand that finds no place beside its dot
CROWDED = 0.25  # a label that would lie on others with more than this part of itself is left out


def place_labels(
    dots: Sequence[Point],
    names: Sequence[str],
    bounds: Rectangle,
    ring: bool = False,
    size: float = SIZE,
    dot: float = DOT,
    crowded: float = CROWDED,
) -> tuple[list[Element], int]:
    """The labels, each at the best of twelve places around its dot, and how many found no room.

    Best is: not on other labels, dots or the border, then not on the ring, then near, then away from the middle of all
    dots. `dot` is the radius of a dot, `crowded` the part of a label that may lie on others. Where there is no ring,
    a label may also stand further off, at the end of a line.
    """
    height = size + 2
    middle_x = sum(x for x, _ in dots) / max(1, len(dots))
    middle_y = sum(y for _, y in dots) / max(1, len(dots))
    edge = dot + 0.5
    taken = [(x - edge, y - edge, x + edge, y + edge) for x, y in dots]
    line = _along_ring(dots) if ring else []
    shapes: list[Element] = []
    without = 0
    for (x, y), name in zip(dots, names, strict=True):
        if not name:
            continue
        half = 0.5 * text_width(name, size)
        outward = math.atan2(y - middle_y, x - middle_x)
        wide, high = 2 * half + FAR + 16, 2 * height + FAR
        near = [r for r in taken if r[0] < x + wide and x - wide < r[2] and r[1] < y + high and y - high < r[3]]
        choices: list[tuple[bool, float, Rectangle, float]] = []
        for away, turn in product((0.0,) if ring else (0.0, FAR), TURNS):
            if away and not choices[0][0]:
                break  # there is room beside the dot
            across, down = math.cos(outward + turn * math.pi / 6), math.sin(outward + turn * math.pi / 6)
            reach = (across**4 + down**4) ** -0.25  # around the dot on a rounded rectangle, which the label clears
            cx = x + across * reach * (half + dot + 3.5 + away)
            cy = y + down * reach * (height / 2 + dot + 2.5 + away)
            place = (cx - half, cy - height / 2, cx + half, cy + height / 2)
            covered = 1 - _overlap(place, bounds) / (2 * half * height)
            covered += sum(_overlap(place, other) for other in near) / (2 * half * height)
            on_line = sum(place[0] < px < place[2] and place[1] < py < place[3] for px, py in line)
            insort(choices, (covered > crowded, covered + 0.03 * (on_line + abs(turn)), place, away))
        hidden, _, place, away = choices[0]
        if hidden:
            without += 1
            continue
        taken.append(place)
        if away:
            shapes.append(_leader((x, y), place))
        shapes.append(text(name, (place[0] + place[2]) / 2, place[1] + size - 1, size, "middle"))
    return shapes, without


def _leader(dot: Point, place: Rectangle) -> Element:
    """The line from a dot to its label."""
    x, y = min(max(dot[0], place[0]), place[2]), min(max(dot[1], place[1]), place[3])
    return Element("line", x1=dot[0], y1=dot[1], x2=x, y2=y, stroke=FAINT_INK, stroke_width=0.7)


def _along_ring(dots: Sequence[Point]) -> list[Point]:
    """Points along the lines between the dots, dense enough to tell what covers a line."""
    pairs = zip(dots, [*dots[1:], dots[0]], strict=True) if dots else ()
    return [(x0 + (x1 - x0) * t / 12, y0 + (y1 - y0) * t / 12) for (x0, y0), (x1, y1) in pairs for t in range(1, 12)]


def _overlap(a: Rectangle, b: Rectangle) -> float:
    """The area that two rectangles share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
