"""Scatter and curves, with numbers of every sort."""

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.visualize.axes import nice_ticks
from minigrad.visualize.charts import curves, scatter
from minigrad.visualize.labels import place_labels

SVG = "{http://www.w3.org/2000/svg}"
MONTHS = "January February March April May June July August September October November December".split()
any_float = st.floats(allow_nan=True, allow_infinity=True)


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(SVG + "text")]


def coordinates(svg):
    """All numbers in attributes that place something."""
    names = ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy")
    return [float(element.get(name)) for element in ET.fromstring(svg).iter() for name in names if element.get(name)]


@given(st.lists(st.tuples(any_float, any_float), max_size=12), st.booleans())
def test_a_scatter_shows_the_finite_points_and_counts_the_others(points, ring):
    svg = scatter(points, [f"p{i}" for i in range(len(points))], ring=ring)
    finite = [point for point in points if all(abs(value) < 1e100 for value in point)]
    root = ET.fromstring(svg)
    assert len(list(root.iter(SVG + "circle"))) == len(finite)
    assert all(map(math.isfinite, coordinates(svg)))
    notes = [note for note in texts(svg) if "points left out" in note]
    assert bool(notes) == (len(finite) < len(points))
    assert ("no data" in texts(svg)) == (not finite)


@given(st.dictionaries(st.text(max_size=5), st.lists(any_float, max_size=9), max_size=4))
def test_curves_show_the_finite_values_and_count_the_others(series):
    svg = curves(series)
    shown = texts(svg)
    assert svg.count('class="curve"') == len(series)
    assert all(map(math.isfinite, coordinates(svg)))
    missing = sum(not abs(value) < 1e100 for data in series.values() for value in data)
    notes = [note for note in shown if note and "values left out" in note]
    assert notes == ([f"values left out, not finite: {missing}"] if missing else [])


def test_a_value_that_is_not_finite_breaks_the_curve():
    svg = curves({"loss": [3.0, 2.0, math.nan, 1.0, math.inf, 0.5, 0.4]})
    curve = next(group for group in ET.fromstring(svg).iter(SVG + "g") if group.get("class") == "curve")
    assert [child.tag.removeprefix(SVG) for child in curve] == ["path", "path", "circle"]


def test_one_epoch_is_one_dot():
    svg = curves({"loss": [0.25]}, "Training", ylabel="loss")
    assert svg.count("<circle") == 1
    assert {"Training", "epoch", "loss", "1"} <= set(texts(svg))


def test_every_curve_has_its_name_in_the_legend():
    names = [f"metric {i}" for i in range(20)]
    shown = texts(curves({name: [1.0, 2.0] for name in names}))
    assert [word for word in shown if word in names] == names


def test_values_that_hardly_differ_get_ticks_that_do():
    ticks = [word for word in texts(curves({"loss": [1e6, 1e6 + 0.5]})) if word.startswith("1")]
    assert len(set(ticks)) == len(ticks) > 2


def test_one_unit_is_as_long_on_both_axes():
    root = ET.fromstring(scatter([(0, 0), (10, 0), (0, 1)]))
    (x0, y0), (x1, _), (_, y2) = [(float(c.get("cx")), float(c.get("cy"))) for c in root.iter(SVG + "circle")]
    assert x1 - x0 == pytest.approx(10 * (y0 - y2), rel=0.01)


def test_points_on_a_line_fill_the_picture():
    root = ET.fromstring(scatter([(5, 0), (5, 0.001)], size=400))
    heights = [float(circle.get("cy")) for circle in root.iter(SVG + "circle")]
    assert max(heights) - min(heights) > 250


def test_a_ring_of_months_is_closed_and_shows_every_label():
    points = [(math.cos(i * math.pi / 6), math.sin(i * math.pi / 6)) for i in range(12)]
    svg = scatter(points, MONTHS, ring=True)
    assert [word for word in texts(svg) if word in MONTHS] == MONTHS
    assert sum(path.get("d").endswith("Z") for path in ET.fromstring(svg).iter(SVG + "path")) == 1


def test_labels_of_a_ring_lie_on_no_dot_and_on_no_other_label():
    dots = [(200 + 150 * math.cos(i * math.pi / 6), 200 + 150 * math.sin(i * math.pi / 6)) for i in range(12)]
    shapes, crowded = place_labels(dots, MONTHS, (0, 0, 400, 400), ring=True)
    assert crowded == 0
    middles = [(shape.attributes["x"], shape.attributes["y"]) for shape in shapes]
    assert all(math.dist(a, b) > 14 for i, a in enumerate(middles) for b in middles[:i])
    assert all(math.dist((x, y - 4), dot) > 10 for x, y in middles for dot in dots)


def test_labels_in_a_crowd_are_left_out_rather_than_piled_up():
    svg = scatter([(0, 0)] * 50 + [(1, 1)], [f"label {i}" for i in range(51)])
    shown = [word for word in texts(svg) if word.startswith("label ")]
    (note,) = [word for word in texts(svg) if "without room" in word]
    assert 1 < len(shown) < 15
    assert note == f"labels without room: {51 - len(shown)}"


def test_names_are_only_text():
    name = "</text><script>alert(1)</script>"
    for svg in (scatter([(0, 0)], [name], name, name, name), curves({name: [1, 2]}, name, name, name)):
        assert {element.tag.removeprefix(SVG) for element in ET.fromstring(svg).iter()} <= {
            "svg", "g", "rect", "path", "line", "circle", "text", "title",
        }  # fmt: skip


def test_labels_must_match_the_points():
    with pytest.raises(ValueError, match="2 labels for 1 points"):
        scatter([(0, 0)], ["a", "b"])


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9))
def test_ticks_are_few_and_inside(low, span):
    ticks = nice_ticks(low, low + span)
    assert 2 <= len(ticks) <= 8
    assert ticks == sorted(ticks)
    assert low - 1e-6 * span <= ticks[0]
    assert ticks[-1] <= low + span + 1e-6 * span
