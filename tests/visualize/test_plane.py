"""A table laid into the plane: coordinates, labels, rows chosen, and the picture."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import minigrad as mg
from minigrad.errors import IdError
from minigrad.layers import Embedding
from minigrad.visualize.labels import place_labels
from minigrad.visualize.projection import project

SVG = "{http://www.w3.org/2000/svg}"
GOLDEN = Path(__file__).with_name("plane_golden.svg")
MONTHS = "January February March April May June July August September October November December".split()

tables = arrays(np.float64, st.tuples(st.integers(2, 9), st.integers(2, 5)), elements=st.floats(-100, 100, width=16))


def words(count, width=20, seed=0):
    return np.random.default_rng(seed).normal(size=(count, width)) * np.linspace(3, 0.3, width)


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(SVG + "text")]


@given(tables)
def test_it_is_numpys_singular_value_decomposition_up_to_signs_that_are_fixed(table):
    plane = project(table)
    u, lengths, directions = np.linalg.svd(table - table.mean(axis=0), full_matrices=False)
    clear = lengths[:2] > 1e-3 * max(1.0, lengths[0])
    clear &= np.abs(np.diff(np.append(lengths, 0.0)))[:2] > 1e-3 * max(1.0, lengths[0])
    clear[1] &= clear[0]
    total = np.sum(lengths**2)
    for k in np.flatnonzero(clear):
        expected = u[:, k] * lengths[k]
        sign = np.sign(plane.components[k] @ directions[k])
        np.testing.assert_allclose(plane.coordinates[:, k], sign * expected, atol=1e-6 * max(1.0, lengths[0]))
        weights = plane.components[k]
        assert weights[np.argmax(np.abs(weights) > np.abs(weights).max() * (1 - 1e-6))] > 0
        assert plane.explained_variance_ratio[k] == pytest.approx(lengths[k] ** 2 / total)
    np.testing.assert_array_equal(project(table).coordinates, plane.coordinates)


def golden():
    """Twelve months on a circle that lies askew in three dimensions."""
    angle = np.arange(12) * np.pi / 6
    table = np.stack([2 * np.cos(angle), np.sin(angle), 0.5 * np.cos(angle)], axis=1)
    return project(table, MONTHS, title="The months", ring=True)


def test_the_picture_is_the_golden_one():
    """After a change that is meant: look at the new picture, then `golden().save(GOLDEN)`."""
    assert golden().svg() + "\n" == GOLDEN.read_text(encoding="utf-8")


def test_the_axes_say_how_much_of_the_variance_they_show():
    shown = texts(golden().svg())
    assert "first principal axis (81% of the variance)" in shown
    assert "second principal axis (19%)" in shown
    assert str(golden()).endswith("with 100% of their variance")


def test_a_layer_shows_its_table():
    layer = Embedding(12, 3, name="months", weights=[words(12, 3)])
    with pytest.raises(ValueError, match="months was never built"):
        layer.project()
    layer(mg.Input((1,)))
    plane = layer.project(MONTHS)
    np.testing.assert_allclose(plane.coordinates, project(words(12, 3).astype(np.float32)).coordinates)
    assert [word for word in texts(plane.svg()) if word in MONTHS] == MONTHS
    assert "The rows of months" in texts(plane.svg())


def test_few_rows_without_labels_are_numbered_and_many_are_not():
    assert {"0", "1", "2", "3", "4"} <= set(project(words(5)).labels)
    assert set(project(words(100)).labels) == {""}


def test_of_a_large_table_some_rows_are_taken_and_that_is_said():
    table = words(3000)
    assert project(table).ids.tolist() == list(range(500))
    assert str(project(table)).startswith("The table: 500 rows of 3,000 of 20 numbers each")
    assert project(table, rows=7).ids.tolist() == list(range(7))
    few = project(table, {2000: "two thousand", 9: "nine"}, rows=[2000, 9, 5])
    assert (few.ids.tolist(), few.labels) == ([2000, 9, 5], ["two thousand", "nine", ""])
    np.testing.assert_array_equal(few.coordinates, project(table[[2000, 9, 5]]).coordinates)


def test_rows_that_are_not_asked_for_are_not_read():
    table = words(30)
    table[20:] = np.nan
    assert np.isfinite(project(table, rows=20).coordinates).all()
    with pytest.raises(ValueError, match="row 20 holds nan at position 0"):
        project(table, rows=[3, 20])


def rectangles(svg, height):
    """Where each label of the points stands, at least."""
    group = max(ET.fromstring(svg).iter(SVG + "g"), key=lambda g: len(g.findall(SVG + "text")))
    found = [t for t in group.findall(SVG + "text") if (t.text or "").startswith("w")]
    return [(t.text, float(t.get("x")), float(t.get("y"))) for t in found]


def test_many_labels_do_not_lie_on_each_other():
    plane = project(words(300), [f"w{i}" for i in range(300)])
    labels = rectangles(plane.svg(), 10)
    assert len(labels) > 100
    boxes = [(x - 3.0 * len(name), y - 8, x + 3.0 * len(name), y) for name, x, y in labels]
    overlaps = [
        (a, b)
        for k, a in enumerate(boxes)
        for b in boxes[:k]
        if min(a[2], b[2]) - max(a[0], b[0]) > 2 and min(a[3], b[3]) - max(a[1], b[1]) > 2
    ]
    assert overlaps == []
    assert any(f"labels without room: {300 - len(labels)}" == text for text in texts(plane.svg()))


def test_the_first_rows_come_first_where_there_is_no_room_for_all():
    shapes, without = place_labels([(50.0, 50.0)] * 40, [f"w{i}" for i in range(40)], (0, 0, 100, 100), crowded=0.05)
    shown = [shape.children[0] for shape in shapes if shape.tag == "text"]
    assert shown[0] == "w0"
    assert len(shown) + without == 40
    assert without > 20


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"labels": ["a"]}, ValueError, "got 1 labels for a table of 4 rows"),
        ({"rows": [4]}, IdError, "4 is no id of this table; its ids go from 0 to 3"),
        ({"rows": 0}, ValueError, "how many rows to show, or a list of their ids"),
    ],
)
def test_arguments_that_do_not_fit(arguments, error, message):
    with pytest.raises(error, match=message):
        project(np.eye(4), **arguments)


def test_what_is_no_table_is_refused():
    with pytest.raises(ValueError, match=r"a table has shape \(rows, width\), got \(3,\)"):
        project(np.zeros(3))


def test_it_is_shown_and_saved(tmp_path):
    plane = golden()
    bundle = plane._repr_mimebundle_()
    assert bundle["text/plain"] == str(plane)
    assert plane.html() in bundle["text/html"]
    assert plane.svg() in plane.html()
    for name in ("plane.svg", "plane.html", "plane.txt"):
        plane.save(tmp_path / name)
    assert (tmp_path / "plane.svg").read_text() == plane.svg() + "\n"
    assert plane.svg() in (tmp_path / "plane.html").read_text()


def test_names_are_only_text():
    name = "</text><script>alert(1)</script>"
    plane = project(np.eye(3), [name] * 3, title=name)
    tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(plane.svg()).iter()}
    assert tags <= {"svg", "g", "rect", "path", "line", "circle", "text", "title"}
    assert "<script" not in plane.page()
