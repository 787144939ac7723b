"""The layout of boxes within groups, and folding: what must hold for every graph."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.visualize.compound import arrange
from minigrad.visualize.drawing import RANKDIRS, Box, Drawing, Group, Link
from minigrad.visualize.folding import collapsed, folded, repeats
from minigrad.visualize.graph import draw

NEAR = 0.05


@st.composite
def drawings(draw_, most=10):
    """Boxes in order, in groups that are stretches of them (within groups that are), and edges forwards."""
    count = draw_(st.integers(1, most))
    outer = sorted(draw_(st.lists(st.integers(0, count), min_size=2, max_size=2)))
    inner = sorted(draw_(st.lists(st.integers(*outer), min_size=2, max_size=2)))
    groups = [Group("outer", "an outer group"), Group("inner", "inner", "outer"), Group("empty", "empty")]

    def group(i):
        return "inner" if inner[0] <= i < inner[1] else "outer" if outer[0] <= i < outer[1] else None

    boxes = [Box(i, f"b{i}", group=group(i)) for i in range(count)]
    pair = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda p: p[0] != p[1])
    pairs = draw_(st.lists(pair, max_size=2 * count)) if count > 1 else []
    links = [Link(min(p), max(p)) for p in pairs]
    return Drawing("", boxes, links, groups, draw_(st.sampled_from(RANKDIRS)))


def size(box):
    return 40.0 + 7 * (box.key % 3), 20.0


def apart(a, b):
    return (
        a[0] + a[2] <= b[0] + NEAR
        or b[0] + b[2] <= a[0] + NEAR
        or a[1] + a[3] <= b[1] + NEAR
        or b[1] + b[3] <= a[1] + NEAR
    )


def holds(outer, inner):
    return (
        outer[0] <= inner[0] + NEAR
        and outer[1] <= inner[1] + NEAR
        and outer[0] + outer[2] >= inner[0] + inner[2] - NEAR
        and outer[1] + outer[3] >= inner[1] + inner[3] - NEAR
    )


@given(drawings())
def test_boxes_lie_in_their_groups_and_apart(drawing):
    plan = arrange(drawing, size, lambda title: 7.0 * len(title))
    outer = {group.key: group.parent for group in drawing.groups}
    for box in drawing.boxes:
        assert plan.boxes[box.key][2:] == pytest.approx(size(box))
        around = set()
        group = box.group
        while group is not None:
            assert holds(plan.groups[group], plan.boxes[box.key])
            around.add(group)
            group = outer[group]
        for key, place in plan.groups.items():
            assert key in around or apart(place, plan.boxes[box.key])
        assert holds((0, 0, plan.width, plan.height), plan.boxes[box.key])
    for a, b in combinations(plan.boxes.values(), 2):
        assert apart(a, b)


@given(drawings())
def test_edges_touch_their_own_boxes_alone(drawing):
    plan = arrange(drawing, size)
    for link, route in zip(drawing.links, plan.routes, strict=True):
        for end, point in ((link.source, route[0]), (link.target, route[-1])):
            assert holds(plan.boxes[end], (*point, 0, 0))
        for (x0, y0), (x1, y1) in pairwise(route):
            for key, (x, y, width, height) in plan.boxes.items():
                if key not in link[:2]:  # the curve between two points stays inside their rectangle
                    assert (
                        max(x0, x1) < x + NEAR
                        or min(x0, x1) > x + width - NEAR
                        or max(y0, y1) < y + NEAR
                        or min(y0, y1) > y + height - NEAR
                    )


@given(drawings())
def test_closing_groups_leaves_what_is_outside(drawing):
    small = collapsed(drawing)
    assert not [group for group in small.groups if group.key in ("outer", "inner")]
    outside = [box.key for box in drawing.boxes if box.group is None]
    assert [box.key for box in small.boxes if isinstance(box.key, int)] == outside
    draw(small)


@given(drawings())
def test_folding_any_drawing_gives_one_that_draws(drawing):
    small = folded(drawing)
    assert {box.key for box in small.boxes} <= {box.key for box in drawing.boxes}
    assert draw(small) == draw(small)


@given(st.lists(st.sampled_from("ab"), max_size=30))
def test_repeats_are_repeats(marks):
    end = 0
    for start, period, count in repeats(marks):
        assert start >= end
        end = start + period * count
        assert count >= 3
        assert marks[start:end] == marks[start : start + period] * count


def test_parallel_repeats_fold_with_all_that_leads_to_them():
    towers = [Box(("in", i), f"input_{i}", kind="input") for i in range(5)]
    towers += [Box(("e", i), f"embedding_{i}") for i in range(5)]
    links = [Link(("in", i), ("e", i)) for i in range(5)] + [Link(("e", i), "join") for i in range(5)]
    small = folded(Drawing("", [*towers, Box("join", "join")], links))
    assert [box.title for box in small.boxes] == ["input_0", "embedding_0", "join"]
    assert [(link.source, link.target) for link in small.links] == [(("in", 0), ("e", 0)), (("e", 0), "join")]
    assert [group.title for group in small.groups] == ["input_0 … input_4  × 5", "embedding_0 … embedding_4  × 5"]


def test_what_differs_is_not_folded():
    boxes = [Box(i, f"dense_{i}", [f"{i} units"]) for i in range(6)]
    links = [Link(i, i + 1) for i in range(5)]
    assert folded(Drawing("", boxes, links)).boxes == boxes


def test_a_skip_from_outside_of_a_run_stays():
    boxes = [Box("x", "x"), *(Box(i, f"dense_{i}") for i in range(4)), Box("add", "add")]
    links = [Link("x", 0), Link(0, 1), Link(1, 2), Link(2, 3), Link(3, "add"), Link("x", "add")]
    small = folded(Drawing("", boxes, links))
    assert {(link.source, link.target) for link in small.links} == {("x", 0), (0, "add"), ("x", "add")}
