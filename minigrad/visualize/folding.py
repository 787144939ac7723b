"""Large drawings made small: groups closed to one box each, and repeats folded into one ("× 12")."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Sequence
from dataclasses import replace

from .drawing import Box, Drawing, Group, Link

LONGEST_PERIOD = 24
FEWEST = 3  # repeats that are worth folding


def collapsed(drawing: Drawing, titles: Collection[str] | None = None) -> Drawing:
    """The drawing with groups closed: those of these titles or, by default, the outermost ones.

    >>> inner = [Box("a", "matmul", group="g"), Box("b", "add", group="g")]
    >>> drawing = Drawing("", inner, [Link("a", "b")], [Group("g", "dense_1")])
    >>> [(box.title, box.lines) for box in collapsed(drawing).boxes]
    [('dense_1', ('2 ops',))]
    """
    outer = {group.key: group for group in drawing.groups}
    closed: dict[Hashable, Group] = {}

    def closing(key: Hashable) -> Group | None:
        """The outermost group around a place that is closed."""
        found = None
        while key is not None:
            group = outer[key]
            if titles is None or group.title in titles:
                found = group
            key = group.parent
        return found

    boxes: list[Box] = []
    stands_for: dict[Hashable, Hashable] = {}
    counts: dict[Hashable, int] = {}
    for box in drawing.boxes:
        group = closing(box.group)
        if group is None:
            boxes.append(box)
            continue
        stands_for[box.key] = key = ("closed", group.key)
        if key not in closed:
            closed[key] = group
            boxes.append(Box(key, group.title, (), group.kind, group=group.parent))
        counts[key] = counts.get(key, 0) + (box.kind not in ("parameter", "constant", "input"))
    shown = [
        replace(box, lines=(*closed[box.key].lines, many(counts[box.key], "op"))) if box.key in closed else box
        for box in boxes
    ]
    inner = {group.key for group in drawing.groups if closing(group.key) is not None}
    groups = [group for group in drawing.groups if group.key not in inner]
    return replace(drawing, boxes=shown, links=relinked(drawing.links, stands_for), groups=groups)


def relinked(links: Sequence[Link], stands_for: dict[Hashable, Hashable]) -> list[Link]:
    """The links between what stands for boxes; each once where one end changed."""
    out: list[Link] = []
    same = [link for link in links if link.source not in stands_for and link.target not in stands_for]
    seen = {(link.source, link.target) for link in same}
    for link in links:
        source = stands_for.get(link.source, link.source)
        target = stands_for.get(link.target, link.target)
        if (source, target) == (link.source, link.target):
            out.append(link)
        elif source != target and (source, target) not in seen:
            seen.add((source, target))
            out.append(link._replace(source=source, target=target))
    return out


def folded(drawing: Drawing) -> Drawing:
    """The drawing with each run of three or more alike parts drawn once, in a group that says how often it comes.

    Parts are alike if their boxes are (`Box.alike`), and if what leads into them stands as far before them.

    >>> boxes = [Box(i, f"dense_{i}") for i in range(12)]
    >>> small = folded(Drawing("", boxes, [Link(i, i + 1) for i in range(11)]))
    >>> [box.title for box in small.boxes], [group.title for group in small.groups]
    (['dense_0', 'dense_1'], ['dense_1 … dense_11  × 11'])
    """
    levels: list[Hashable] = [None, *(group.key for group in drawing.groups)]
    for level in levels:
        if any(group.key == level for group in drawing.groups) or level is None:
            drawing = _fold_level(drawing, level)
    return drawing


def _fold_level(drawing: Drawing, level: Hashable) -> Drawing:
    members = drawing.members()
    items = members[level]
    if len(items) < FEWEST:
        return drawing
    place: dict[Hashable, int] = {}  # by box, the number of the item that it is, or is in
    groups: dict[Hashable, int] = {}
    for i, item in enumerate(items):
        for box in _boxes(item, members, groups, i):
            place[box.key] = i
    above: list[set[Hashable]] = [set() for _ in items]
    for link in drawing.links:
        at = place.get(link.target)
        if at is not None and place.get(link.source) != at:
            source = place.get(link.source)
            above[at].add(("outside", link.source) if source is None else at - source)
    marks = [(signature(item, members), frozenset(up)) for item, up in zip(items, above, strict=True)]
    runs = list(repeats(marks))
    if not runs:
        return drawing
    return _without(drawing, level, items, place, groups, runs)


def _without(
    drawing: Drawing,
    level: Hashable,
    items: list[Box | Group],
    place: dict[Hashable, int],
    groups: dict[Hashable, int],
    runs: list[tuple[int, int, int]],
) -> Drawing:
    """The drawing with the runs (start, period, count) of the items of a level folded."""
    frames: list[Group] = []
    frame_of: dict[int, Hashable] = {}
    kept_as: dict[int, int] = {}
    run_of: dict[int, int] = {}
    for start, period, count in runs:
        first, last = items[start], items[start + count * period - 1]
        frame = Group(("fold", level, start), f"{first.title} … {last.title}  × {count}", level)
        frames.append(frame)
        for i in range(start, start + count * period):
            run_of[i] = start
            kept_as[i] = start + (i - start) % period
            frame_of[i] = frame.key
    dropped = {i for i, k in kept_as.items() if i != k}
    twins = _twins(drawing, items, dropped, kept_as, place)

    def around(item_number: int | None, own: Hashable) -> Hashable:
        return frame_of.get(item_number, own) if item_number is not None and own == level else own

    boxes = [
        replace(box, group=around(place.get(box.key), box.group))
        for box in drawing.boxes
        if place.get(box.key) not in dropped
    ]
    shown = [
        g._replace(parent=around(groups.get(g.key), g.parent))
        for g in drawing.groups
        if groups.get(g.key) not in dropped
    ]
    at = next((i + 1 for i, group in enumerate(shown) if group.key == level), 0)
    links = []
    for link in drawing.links:
        source, target = place.get(link.source), place.get(link.target)
        again = target in dropped and (
            source == target or (source is not None and run_of.get(source) == run_of[target])
        )
        if not again:
            links.append(link)
    return replace(drawing, boxes=boxes, groups=[*shown[:at], *frames, *shown[at:]], links=relinked(links, twins))


def _twins(
    drawing: Drawing,
    items: list[Box | Group],
    dropped: set[int],
    kept_as: dict[int, int],
    place: dict[Hashable, int],
) -> dict[Hashable, Hashable]:
    """For each box of a dropped item, the one at the same place in the item that stands for it."""
    own: dict[int, list[Hashable]] = {}
    for key, i in place.items():
        if i in kept_as:
            own.setdefault(i, []).append(key)
    return {a: b for i in dropped for a, b in zip(own[i], own[kept_as[i]], strict=True)}


def _boxes(
    item: Box | Group, members: dict[Hashable, list[Box | Group]], groups: dict[Hashable, int], number: int
) -> list[Box]:
    """The boxes in an item, in order; notes the groups in it."""
    if isinstance(item, Box):
        return [item]
    groups[item.key] = number
    return [box for inner in members[item.key] for box in _boxes(inner, members, groups, number)]


def signature(item: Box | Group, members: dict[Hashable, list[Box | Group]]) -> tuple:
    """What two items have in common that are alike."""
    if isinstance(item, Box):
        return stem(item.title), item.kind, item.dashed, tuple(item.lines) if item.alike is None else item.alike
    return stem(item.title), tuple(signature(inner, members) for inner in members[item.key])


def stem(title: str) -> str:
    """A name without its numbers."""
    return re.sub(r"\d+", "", title)


def repeats(marks: Sequence[Hashable]) -> list[tuple[int, int, int]]:
    """The runs (start, period, count) of repeats in a sequence, that cover most, from the left.

    >>> repeats("xababababy"), repeats("aaab"), repeats("abcd")
    ([(1, 2, 4)], [(0, 1, 3)], [])
    """
    found = []
    start = 0
    while start < len(marks):
        best = (0, 0, 0)
        for period in range(1, min(LONGEST_PERIOD, (len(marks) - start) // FEWEST) + 1):
            stop = start + period
            while stop < len(marks) and marks[stop] == marks[stop - period]:
                stop += 1
            count = (stop - start) // period
            if count >= FEWEST and count * period > best[0]:
                best = (count * period, period, count)
        if best[0]:
            found.append((start, best[1], best[2]))
        start += best[0] or 1
    return found


def many(count: int, what: str) -> str:
    """A count with its noun.

    >>> many(1, "op"), many(1200, "op")
    ('1 op', '1,200 ops')
    """
    return f"{count:,} {what}{'s' * (count != 1)}"
