"""The layout: geometry that must hold for every graph."""

import time
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.visualize import layering
from minigrad.visualize.layout import Layout, layout
from minigrad.visualize.placement import spread

NEAR = 0.05  # places are rounded to hundredths

ROUNDING = 1e-9  # of sums of places


@st.composite
def graphs(draw, most=14):
    """Boxes of many sizes and edges from lower to higher numbers, in any order, some of them twice."""
    count = draw(st.integers(1, most))
    size = st.integers(1, 200)
    boxes = [(f"box {i}", draw(size), draw(size)) for i in range(count)]
    edge = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] != pair[1])
    pairs = draw(st.lists(edge, max_size=3 * count)) if count > 1 else []
    shuffled = draw(st.permutations(boxes))
    return shuffled, [(f"box {min(pair)}", f"box {max(pair)}") for pair in pairs]


def rectangles(boxes, plan: Layout):
    return {key: (*plan.positions[key], plan.positions[key][0] + w, plan.positions[key][1] + h) for key, w, h in boxes}


@given(graphs())
def test_boxes_keep_their_gap(graph):
    boxes, edges = graph
    plan = layout(boxes, edges, gap=28, rank_gap=36)
    for a, b in combinations(rectangles(boxes, plan).values(), 2):
        beside = a[2] + 28 - NEAR <= b[0] or b[2] + 28 - NEAR <= a[0]
        above = a[3] + 36 - NEAR <= b[1] or b[3] + 36 - NEAR <= a[1]
        assert beside or above


@given(graphs())
def test_every_edge_leads_down_from_the_lower_side_of_its_source_to_the_upper_side_of_its_target(graph):
    boxes, edges = graph
    plan = layout(boxes, edges)
    places = rectangles(boxes, plan)
    assert len(plan.routes) == len(edges)
    for (source, target), route in zip(edges, plan.routes, strict=True):
        assert all(upper[1] < lower[1] for upper, lower in pairwise(route))
        (x0, y0), (x1, y1) = route[0], route[-1]
        assert y0 == pytest.approx(places[source][3])
        assert places[source][0] - ROUNDING <= x0 <= places[source][2] + ROUNDING
        assert y1 == pytest.approx(places[target][1])
        assert places[target][0] - ROUNDING <= x1 <= places[target][2] + ROUNDING


@given(graphs())
def test_edges_touch_no_box_but_their_own(graph):
    boxes, edges = graph
    plan = layout(boxes, edges)
    places = rectangles(boxes, plan)
    for edge, route in zip(edges, plan.routes, strict=True):
        for (x0, y0), (x1, y1) in pairwise(route):
            for key, (left, top, right, bottom) in places.items():
                if key not in edge:  # the curve between two points stays inside their rectangle
                    beside = max(x0, x1) < left + ROUNDING or min(x0, x1) > right - ROUNDING
                    assert beside or y1 <= top + ROUNDING or y0 >= bottom - ROUNDING


@given(graphs())
def test_everything_lies_inside_the_picture(graph):
    boxes, edges = graph
    plan = layout(boxes, edges)
    corners = [
        (x, y)
        for left, top, right, bottom in rectangles(boxes, plan).values()
        for x, y in [(left, top), (right, bottom)]
    ]
    for x, y in corners + [point for route in plan.routes for point in route]:
        assert -NEAR <= x <= plan.width + NEAR
        assert -NEAR <= y <= plan.height + NEAR


@given(graphs())
def test_the_same_graph_gives_the_same_picture(graph):
    boxes, edges = graph
    assert layout(boxes, edges) == layout(list(boxes), list(edges))


@given(graphs())
def test_edges_into_one_box_arrive_at_different_points(graph):
    boxes, edges = graph
    plan = layout(boxes, edges)
    arrivals = [(target, route[-1]) for (_, target), route in zip(edges, plan.routes, strict=True)]
    widths = {key: width for key, width, _ in boxes}
    wide = [arrival for arrival in arrivals if widths[arrival[0]] > 20]
    assert len(set(wide)) == len(wide)


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(0.1, 10)), min_size=1, max_size=8), st.floats(0, 20))
def test_spread_keeps_the_gaps_and_the_balance(items, gap):
    wishes, weights = [wish for wish, _ in items], [weight for _, weight in items]
    places = spread(wishes, weights, [gap] * (len(items) - 1))
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(places))
    moved = sum(weight * (place - wish) for place, wish, weight in zip(places, wishes, weights, strict=True))
    assert moved == pytest.approx(0, abs=1e-6)  # what the least squares of a free row must satisfy


def test_spread_grants_wishes_that_are_far_apart():
    assert spread([0.0, 50.0, 90.0], [1.0, 2.0, 3.0], [10.0, 10.0]) == [0.0, 50.0, 90.0]


def test_a_chain_is_straight():
    plan = layout([(i, 40 + 10 * i, 20) for i in range(6)], [(i, i + 1) for i in range(5)])
    assert len({x for route in plan.routes for x, _ in route}) == 1


def test_a_skip_edge_leaves_the_chain_straight_and_goes_around_it():
    boxes = [(name, 80, 40) for name in ("x", "dense_1", "dense_2", "add")]
    edges = [("x", "dense_1"), ("dense_1", "dense_2"), ("dense_2", "add"), ("x", "add")]
    plan = layout(boxes, edges)
    assert len({x for x, _ in plan.positions.values()}) == 1
    assert len({x for route in plan.routes[:3] for x, _ in route}) == 1
    around = {x for x, _ in plan.routes[3][2:-1]}
    assert len(around) == 1
    assert around.pop() > plan.positions["dense_1"][0] + 80


def test_inputs_stand_right_above_their_first_user():
    boxes = [(name, 50, 20) for name in ("a", "b", "c", "late", "late embedding", "join")]
    edges = [("a", "b"), ("b", "c"), ("c", "join"), ("late", "late embedding"), ("late embedding", "join")]
    y = {key: position[1] for key, position in layout(boxes, edges).positions.items()}
    assert y["late embedding"] == y["c"]
    assert y["late"] == y["b"]


def test_crossings_that_can_be_avoided_are():
    boxes = [(name, 30, 20) for name in "abcdef"]
    plan = layout(boxes, [("a", "f"), ("b", "e"), ("c", "d")])
    assert [route[0][0] - route[-1][0] for route in plan.routes] == [0, 0, 0]


def test_nothing_is_a_picture_of_no_size():
    assert layout([], []) == Layout({}, [], 0.0, 0.0)


@pytest.mark.parametrize(
    ("boxes", "edges", "message"),
    [
        ([("x", 1, 1), ("x", 1, 1)], [], "two boxes have the same id"),
        ([("x", 1, 1)], [("x", "y")], "'y', which is no box"),
        ([("x", 1, 1)], [("x", "x")], "cycle"),
        ([("x", 1, 1), ("y", 1, 1)], [("x", "y"), ("y", "x")], "cycle"),
    ],
)
def test_what_is_no_graph_of_boxes_is_refused(boxes, edges, message):
    with pytest.raises(ValueError, match=message):
        layout(boxes, edges)


def test_past_the_limit_of_bends_the_longest_edges_run_straight(monkeypatch):
    monkeypatch.setattr(layering, "BEND_LIMIT", 3)
    boxes, chain = [(i, 30, 20) for i in range(8)], [(i, i + 1) for i in range(7)]
    plan = layout(boxes, [*chain, (0, 7), (2, 4)])
    assert len(plan.routes[-2]) == 2
    assert len(plan.routes[-1]) == 4


def test_a_chain_of_ten_thousand_needs_no_recursion():
    plan = layout([(i, 30, 20) for i in range(10_000)], [(i, i + 1) for i in range(9_999)])
    assert plan.width == 30


def test_a_thousand_boxes_are_placed_fast():
    boxes = [(i, 80, 40) for i in range(1000)]
    edges = [(i - 1 - i * i % 7, i) for i in range(7, 1000)] + [(i - 1 - i % 5, i) for i in range(7, 1000)]
    start = time.perf_counter()
    layout(boxes, edges)
    assert time.perf_counter() - start < 1.0  # about 0.1 s on an idle core
