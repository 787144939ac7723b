"""Where the labels of points stand, so that each can be read."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .svg import Element, text, text_width

Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]  # left, top, right, bottom

SIZE, HEIGHT, DOT = 12.0, 14.0, 5.0
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
CROWDED = 0.25  # a label that would lie on others with more than this part of itself is left out


def place_labels(
    dots: Sequence[Point], names: Sequence[str], bounds: Rectangle, ring: bool = False
) -> tuple[list[Element], int]:
    """The labels, each at the best of twelve places around its dot, and how many found no room.

    Best is: not on other labels, dots or the border, then not on the ring, then away from the middle of all
    dots.
    """
    middle_x = sum(x for x, _ in dots) / max(1, len(dots))
    middle_y = sum(y for _, y in dots) / max(1, len(dots))
    taken = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in dots]
    line = _along_ring(dots) if ring else []
    shapes: list[Element] = []
    crowded = 0
    for (x, y), name in zip(dots, names, strict=True):
        if not name:
            continue
        half = 0.5 * text_width(name, SIZE)
        outward = math.atan2(y - middle_y, x - middle_x)
        choices = []
        for turn in TURNS:
            across, down = math.cos(outward + turn * math.pi / 6), math.sin(outward + turn * math.pi / 6)
            reach = (across**4 + down**4) ** -0.25  # around the dot on a rounded rectangle, which the label clears
            cx, cy = x + across * reach * (half + 8), y + down * reach * (HEIGHT / 2 + 7)
            place = (cx - half, cy - HEIGHT / 2, cx + half, cy + HEIGHT / 2)
            covered = 1 - _overlap(place, bounds) / (2 * half * HEIGHT)
            covered += sum(_overlap(place, other) for other in taken) / (2 * half * HEIGHT)
            on_line = sum(place[0] < px < place[2] and place[1] < py < place[3] for px, py in line)
            choices.append((covered + 0.03 * (on_line + abs(turn)), covered, place))
        _, covered, place = min(choices)
        if covered > CROWDED:
            crowded += 1
            continue
        taken.append(place)
        shapes.append(text(name, (place[0] + place[2]) / 2, place[1] + 11, SIZE, "middle"))
    return shapes, crowded


def _along_ring(dots: Sequence[Point]) -> list[Point]:
    """Points along the lines between the dots, dense enough to tell what covers a line."""
    pairs = zip(dots, [*dots[1:], dots[0]], strict=True) if dots else ()
    return [(x0 + (x1 - x0) * t / 12, y0 + (y1 - y0) * t / 12) for (x0, y0), (x1, y1) in pairs for t in range(1, 12)]


def _overlap(a: Rectangle, b: Rectangle) -> float:
    """The area that two rectangles share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
