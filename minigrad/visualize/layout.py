"""A layered layout of a directed acyclic graph: pure geometry, plain Python, the same picture every time.

The four steps of Sugiyama, Tagawa and Toda (1981): give every box a rank, lead long edges through bends on
the ranks between, order each rank so that few edges cross (all in layering.py), then move the boxes sideways
until the edges are straight (placement.py). Boxes and bends are integers there: the boxes come first.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .layering import Ranked, ranks
from .placement import place_sideways, spread

Point = tuple[float, float]

BEND_WIDTH = 6.0
PORT_GAP = 14.0  # between the ends of two edges that enter the same box


@dataclass(frozen=True)
class Layout:
    """Where everything is, in a picture that reaches from (0, 0) to (width, height), y downwards."""

    positions: dict[Hashable, Point]
    """The upper left corner of each box."""
    routes: list[list[Point]]
    """One for each edge, in the order given: from the lower side of its source to the upper side of its
    target. Two neighbouring points either stand above each other or on two sides of the free band between
    two ranks."""
    width: float
    height: float


def layout(
    boxes: Iterable[tuple[Hashable, float, float]],
    edges: Iterable[tuple[Hashable, Hashable]],
    *,
    gap: float = 28.0,
    rank_gap: float = 36.0,
    first: Collection[Hashable] = (),
    last: Collection[Hashable] = (),
    exits: Mapping[int, float] | None = None,
    entries: Mapping[int, float] | None = None,
) -> Layout:
    """Place boxes, given as (id, width, height), so that every edge (source id, target id) leads downwards.

    Boxes of a rank are `gap` apart or more, ranks `rank_gap`; edges never touch a box other than their
    own two. The same edge may come twice. `first` and `last`: what stays in the first and the last rank, out of
    boxes that no edge enters or leaves. `exits`, `entries`: by number of an edge, how far from its box's left side it
    starts or ends, where that is given. Raises `ValueError` for a repeated or unknown id and a cycle.

    >>> picture = layout([("x", 40, 20), ("y", 60, 20)], [("x", "y")])
    >>> picture.positions, picture.routes
    ({'x': (10.0, 0.0), 'y': (0.0, 56.0)}, [[(30.0, 20.0), (30.0, 56.0)]])
    """
    boxes = list(boxes)
    place = {key: i for i, (key, _, _) in enumerate(boxes)}
    if len(place) < len(boxes):
        raise ValueError("layout: two boxes have the same id")
    try:
        links = [(place[source], place[target]) for source, target in edges]
    except KeyError as error:
        raise ValueError(f"layout: an edge names {error.args[0]!r}, which is no box") from None
    if not boxes:
        return Layout({}, [], 0.0, 0.0)

    exits, entries = exits or {}, entries or {}
    rank = ranks(len(boxes), links, {place[k] for k in first}, {place[k] for k in last})
    graph = Ranked(rank, links, [(source, exits.get(e)) for e, (source, _) in enumerate(links)])
    graph.reduce_crossings()
    widths = [float(width) for _, width, _ in boxes] + [BEND_WIDTH] * graph.bends
    heights = [float(height) for _, _, height in boxes] + [0.0] * graph.bends
    centres = place_sideways(graph, widths, gap)
    left = min(x - w / 2 for x, w in zip(centres, widths, strict=True))
    centres = [x - left for x in centres]
    tops, bottoms = _bands(graph, centres, heights, rank_gap)

    corners = [(centres[i] - widths[i] / 2, tops[graph.rank[i]]) for i in range(len(boxes))]
    starts = {e: centres[links[e][0]] - widths[links[e][0]] / 2 + x for e, x in exits.items()}
    ends = {e: centres[links[e][1]] - widths[links[e][1]] / 2 + x for e, x in entries.items()}
    routes = _routes(graph, links, centres, widths, heights, tops, bottoms, starts, ends)
    width = max(x + w / 2 for x, w in zip(centres, widths, strict=True))
    return Layout({key: corners[i] for key, i in place.items()}, routes, width, bottoms[-1])


def _bands(
    graph: Ranked, centres: list[float], heights: list[float], rank_gap: float
) -> tuple[list[float], list[float]]:
    """The upper and lower end of each rank; below it is more room where edges lead far to the side."""
    tops, bottoms, y = [], [], 0.0
    for row in graph.rows:
        tops.append(y)
        bottoms.append(y + max(heights[item] for item in row))
        aside = max((abs(centres[item] - centres[n]) for item in row for n in graph.below[item]), default=0.0)
        y = bottoms[-1] + rank_gap + min(rank_gap, aside / 12)
    return tops, bottoms


def _routes(
    graph: Ranked,
    links: Sequence[tuple[int, int]],
    centres: list[float],
    widths: list[float],
    heights: list[float],
    tops: list[float],
    bottoms: list[float],
    starts: dict[int, float],
    given_ends: dict[int, float],
) -> list[list[Point]]:
    """The points of each edge from above: two at each rank that it passes, where it stands upright."""
    entering: dict[int, list[int]] = {}
    for edge, (_, target) in enumerate(links):
        entering.setdefault(target, []).append(edge)
    ends: dict[int, float] = {}
    for target, arrivals in entering.items():
        origins = {edge: centres[(graph.chains[edge] or [links[edge][0]])[-1]] for edge in arrivals}
        ends.update(_ports(centres[target], widths[target], origins))
    ends.update(given_ends)

    routes = []
    for edge, (source, target) in enumerate(links):
        level, x = graph.rank[source], starts.get(edge, centres[source])
        route = [(x, tops[level] + heights[source]), (x, bottoms[level])]
        for bend in graph.chains[edge]:
            level, x = graph.rank[bend], centres[bend]
            route += [(x, tops[level]), (x, bottoms[level])]
        route.append((ends[edge], tops[graph.rank[target]]))
        routes.append([point for i, point in enumerate(route) if i == 0 or point != route[i - 1]])
    return routes


def _ports(centre: float, width: float, origins: dict[int, float]) -> dict[int, float]:
    """Where on a box's upper side each edge arrives: towards where it comes from, apart from the others."""
    edges = sorted(origins, key=origins.__getitem__)
    reach = width / 4
    wishes = [min(max(origins[e], centre - reach), centre + reach) for e in edges]
    distance = min(PORT_GAP, 2 * reach / max(1, len(edges) - 1))
    found = spread(wishes, [1.0] * len(edges), [distance] * (len(edges) - 1))
    return {e: round(min(max(x, centre - 2 * reach), centre + 2 * reach), 2) for e, x in zip(edges, found, strict=True)}
