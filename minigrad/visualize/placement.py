"""The second half of a layered layout: how far to the side each box and each bend stands."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .layering import Ranked

PLACE_SWEEPS = 12
BEND_PULL, END_PULL = 64.0, 0.05  # between two bends, and between a box and a bend; between two boxes it is 1


def place_sideways(graph: Ranked, widths: list[float], gap: float) -> list[float]:
    """The middle of each item: as near to its neighbours above and below as the gaps beside it allow."""
    centres = [0.0] * len(widths)
    gaps = [
        [(widths[a] + widths[b]) / 2 + gap * (0.5 if max(a, b) >= graph.boxes else 1.0) for a, b in pairwise(row)]
        for row in graph.rows
    ]
    for row, row_gaps in zip(graph.rows, gaps, strict=True):
        for (a, b), distance in zip(pairwise(row), row_gaps, strict=True):
            centres[b] = centres[a] + distance
    both = [above + below for above, below in zip(graph.above, graph.below, strict=True)]
    levels, pulls = range(len(graph.rows)), (1.0, END_PULL, BEND_PULL)
    for sweep in range(PLACE_SWEEPS):
        settling = sweep >= PLACE_SWEEPS - 4
        neighbours = both if settling else graph.above if sweep % 2 == 0 else graph.below
        for level in levels if sweep % 2 == 0 else reversed(levels):
            row = graph.rows[level]
            wishes, weights = [], []
            for item in row:
                total, weight = 0.0, 0.0
                for other in neighbours[item]:
                    pull = pulls[(item >= graph.boxes) + (other >= graph.boxes)]
                    total += pull * centres[other]
                    weight += pull
                wishes.append(total / weight if weight else centres[item])
                weights.append(weight or 0.01)
            for item, x in zip(row, spread(wishes, weights, gaps[level]), strict=True):
                centres[item] = x
    for _ in range(2):
        _straighten(graph, centres, gaps)
    return [round(x, 2) for x in centres]


def _straighten(graph: Ranked, centres: list[float], gaps: list[list[float]]) -> None:
    """Line up what should be one vertical line, as far as the items beside it leave room."""
    place = {item: i for row in graph.rows for i, item in enumerate(row)}

    def room(item: int) -> tuple[float, float]:
        level, i = graph.rank[item], place[item]
        row, row_gaps = graph.rows[level], gaps[level]
        low = centres[row[i - 1]] + row_gaps[i - 1] if i else float("-inf")
        return low, centres[row[i + 1]] - row_gaps[i] if i + 1 < len(row) else float("inf")

    for run in _runs(graph):
        while run:
            line = run[:1]
            low, high = room(run[0])
            for item in run[1:]:
                item_low, item_high = room(item)
                if max(low, item_low) > min(high, item_high):
                    break
                low, high = max(low, item_low), min(high, item_high)
                line.append(item)
            near = {n for item in line for n in (*graph.above[item], *graph.below[item]) if n < graph.boxes}
            wishes = [centres[n] for n in near.difference(line) or line]
            x = min(max(sum(wishes) / len(wishes), low), high)
            for item in line:
                centres[item] = x
            run = run[len(line) :]


def _runs(graph: Ranked) -> list[list[int]]:
    """What should stand in one line: boxes that have only each other, the bends of an edge."""

    def only(items: list[int], bends: bool) -> int | None:
        alike = {item for item in items if (item >= graph.boxes) == bends}
        return alike.pop() if len(alike) == 1 else None

    following: dict[int, int] = {}
    for item in range(len(graph.rank)):
        bends = item >= graph.boxes
        below = only(graph.below[item], bends)
        if below is not None and only(graph.above[below], bends) == item:
            following[item] = below
    runs = []
    for start in sorted(following.keys() - following.values()):
        run = [start]
        while run[-1] in following:
            run.append(following[run[-1]])
        runs.append(run)
    return runs


def spread(wishes: Sequence[float], weights: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """The places nearest to the wishes (weighted least squares) that keep the order and the gaps.

    Without the gaps it is isotonic regression, solved by pooling neighbours that are in each other's way.
    """
    offsets = [0.0]
    for distance in gaps:
        offsets.append(offsets[-1] + distance)
    pools: list[list[float]] = []  # [mean wish, weight, how many]
    for wish, weight, offset in zip(wishes, weights, offsets, strict=True):
        pools.append([wish - offset, weight, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, heavy, count = pools.pop()
            last = pools[-1]
            last[0] = (last[0] * last[1] + mean * heavy) / (last[1] + heavy)
            last[1] += heavy
            last[2] += count
    shared = [mean for mean, _, count in pools for _ in range(int(count))]
    return [x + offset for x, offset in zip(shared, offsets, strict=True)]
