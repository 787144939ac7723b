"""The first half of a layered layout: which rank each box stands in, and in which order within the rank."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Collection, Hashable, Sequence
from itertools import pairwise

ORDER_SWEEPS = 8
BEND_LIMIT = 20_000  # bends in all; beyond it the longest edges run straight, behind the boxes


def ranks(
    count: int,
    links: Sequence[tuple[int, int]],
    first: Collection[int] = (),
    last: Collection[int] = (),
) -> list[int]:
    """Each box one rank below its lowest source; what starts beside the rest is pulled down to its user.

    first, last: what stays in the first rank, and what is moved to the last.
    """
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for source, target in links:
        above[target].append(source)
        below[source].append(target)

    waiting = [len(sources) for sources in above]
    order = [i for i in range(count) if not above[i]]
    for box in order:  # grows while it is read
        for target in below[box]:
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    if len(order) < count:
        raise ValueError("layout: the edges form a cycle")

    rank = [0] * count
    users = [len(set(targets)) for targets in below]
    hangs = [False] * count  # nothing above this box has another user, so all of it can move down together
    for box in order:
        rank[box] = max((rank[source] + 1 for source in above[box]), default=0)
        hangs[box] = box not in first and all(hangs[source] and users[source] == 1 for source in above[box])
    for box in reversed(order):
        if hangs[box] and below[box]:
            rank[box] = min(rank[target] for target in below[box]) - 1
    lowest = max(rank, default=0)
    for box in last:
        rank[box] = lowest
    return rank


class Ranked:
    """Boxes and the bends of long edges in ranks. Edges with one origin (by default their source) share their bends."""

    def __init__(
        self, rank: list[int], links: Sequence[tuple[int, int]], origins: Sequence[Hashable] | None = None
    ) -> None:
        self.rank = list(rank)
        self.boxes = len(rank)
        self.chains: list[list[int]] = [[] for _ in links]  # the bends of each edge, from above
        self.above: list[list[int]] = [[] for _ in rank]
        self.below: list[list[int]] = [[] for _ in rank]
        shared: dict[tuple[Hashable, int], int] = {}
        origins = origins or [source for source, _ in links]
        for edge in sorted(range(len(links)), key=lambda e: rank[links[e][1]] - rank[links[e][0]]):
            source, target = links[edge]
            previous = source
            if len(shared) + rank[target] - rank[source] <= BEND_LIMIT:
                for level in range(rank[source] + 1, rank[target]):
                    bend = shared.get((origins[edge], level))
                    if bend is None:
                        bend = shared[origins[edge], level] = self._add_bend(level)
                        self._join(previous, bend)
                    self.chains[edge].append(bend)
                    previous = bend
            if self.rank[target] == self.rank[previous] + 1:
                self._join(previous, target)
        self.bends = len(shared)
        self.rows: list[list[int]] = self._first_order()

    def _add_bend(self, level: int) -> int:
        self.rank.append(level)
        self.above.append([])
        self.below.append([])
        return len(self.rank) - 1

    def _join(self, upper: int, lower: int) -> None:
        self.below[upper].append(lower)
        self.above[lower].append(upper)

    def _first_order(self) -> list[list[int]]:
        """Depth first from above, so that what belongs together starts together."""
        rows: list[list[int]] = [[] for _ in range(max(self.rank) + 1)]
        seen = [False] * len(self.rank)
        for root in range(self.boxes):
            stack = [] if self.above[root] else [root]
            while stack:
                item = stack.pop()
                if not seen[item]:
                    seen[item] = True
                    rows[self.rank[item]].append(item)
                    stack.extend(reversed(self.below[item]))
        return rows

    def reduce_crossings(self) -> None:
        """Sort each rank by its neighbours' places, downwards and upwards in turn; keep the best order."""
        best, fewest = self.rows, self._crossings()
        rows = [list(row) for row in best]
        for sweep in range(ORDER_SWEEPS):
            if not fewest:
                break
            down = sweep % 2 == 0
            for level in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
                neighbours = self.above if down else self.below
                place = {item: i for i, item in enumerate(rows[level - 1 if down else level + 1])}
                rows[level] = _by_middle(rows[level], neighbours, place)
            self.rows = rows
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(row) for row in rows], crossings
        self.rows = best

    def _crossings(self) -> int:
        """Pairs of edges that cross, over all pairs of neighbouring ranks."""
        crossings = 0
        for upper, lower in pairwise(self.rows):
            place = {item: i for i, item in enumerate(lower)}
            ends: list[int] = []
            for item in upper:
                targets = sorted(place[n] for n in self.below[item])
                crossings += sum(len(ends) - bisect_right(ends, t) for t in targets)
                for target in targets:
                    insort(ends, target)
        return crossings


def _by_middle(row: list[int], neighbours: list[list[int]], place: dict[int, int]) -> list[int]:
    """The row sorted by the mean place of each item's neighbours; items without any keep their place."""
    middle = {}
    for i, item in enumerate(row):
        found = [place[n] for n in neighbours[item]]
        middle[item] = sum(found) / len(found) if found else float(i)
    return sorted(row, key=middle.__getitem__)
