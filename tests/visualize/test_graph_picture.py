"""The picture of a graph: as many boxes and edges as given, and nothing else."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.visualize.graph import KINDS, Box, draw_graph

SVG = "{http://www.w3.org/2000/svg}"
SHAPES = {SVG + tag for tag in ("svg", "g", "rect", "path", "text", "title")}
HOSTILE = [
    'x"]; pwn [URL="javascript:alert(1)"]; y ["',
    '<<TABLE><TR><TD HREF="javascript:alert(1)">x</TD></TR></TABLE>>',
    "<img src=x onerror=alert(1)>",
    "</text></svg><script>alert(1)</script>",
    "]]><script/>",
    "&lt;script&gt;",
    "trailing \\",
    r"\N \G \l",
    "nul\0inside",
    "\x1b]8;;https://example.org\x07link",
    "$\\href{javascript:alert(1)}$",
    "x" * 1_000_000,
]


def groups(root, name):
    return [group for group in root.iter(SVG + "g") if group.get("class") == name]


def texts(group):
    return [element.text for element in group.iter(SVG + "text")]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_text(name):
    boxes = [Box(0, name, [name, "(None, 3)"], "input"), Box(1, name, kind="model"), Box(2, "end", [name])]
    svg = draw_graph(boxes, [(0, 1), (1, 2)], title=name)
    root = ET.fromstring(svg)
    assert {element.tag for element in root.iter()} <= SHAPES
    assert len(groups(root, "box")) == 3
    assert len(groups(root, "edge")) == 2
    assert len(svg) < 20_000


def test_every_line_of_a_box_is_shown():
    root = ET.fromstring(draw_graph([Box("e", "embedding_1", ["Embedding", "(None, 1000, 3)", "39 parameters"])], []))
    (box,) = groups(root, "box")
    assert texts(box) == ["embedding_1", "Embedding", "(None, 1000, 3)", "39 parameters"]
    assert not list(box.iter(SVG + "title"))


def test_a_long_name_is_cut_and_told_on_hovering():
    name = "embedding_with_a_name_that_is_much_longer_than_any_box_should_become"
    root = ET.fromstring(draw_graph([Box("e", name, ["Embedding"])], []))
    (box,) = groups(root, "box")
    shown = texts(box)[0]
    assert shown.endswith("…")
    assert name.startswith(shown[:-1])
    assert box.find(SVG + "title").text == f"{name}\nEmbedding"


def test_boxes_stand_at_different_places():
    root = ET.fromstring(draw_graph([Box(i, f"box {i}", ["a", "b"]) for i in range(4)], [(0, 1), (0, 2), (1, 3)]))
    moves = [group.get("transform") for group in groups(root, "box")]
    assert len(set(moves)) == 4


@given(st.lists(st.sampled_from(sorted(KINDS)), max_size=6))
def test_the_legend_tells_the_kinds_apart_where_there_are_several(kinds):
    root = ET.fromstring(draw_graph([Box(i, "name", kind=kind) for i, kind in enumerate(kinds)], []))
    said = [word for word in texts(root) if word != "name"]
    assert said == (
        [meaning for kind, (_, _, meaning) in KINDS.items() if kind in kinds] if len(set(kinds)) > 1 else []
    )


def test_the_same_graph_is_the_same_text():
    boxes, edges = [Box(i, f"box {i}") for i in range(9)], [(i // 2, i) for i in range(1, 9)]
    assert draw_graph(boxes, edges) == draw_graph(boxes, edges)


def test_an_operand_used_twice_is_two_edges():
    root = ET.fromstring(draw_graph([Box("x", "x"), Box("square", "multiply")], [("x", "square")] * 2))
    paths = {edge[0].get("d") for edge in groups(root, "edge")}
    assert len(paths) == 2


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="unknown kind 'inptu'; expected one of input"):
        Box("x", "x", kind="inptu")
