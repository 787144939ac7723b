"""Names are data: whatever a layer is called, a picture has as many boxes as the model has layers, and nothing else."""

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.layers import Dense, Input
from minigrad.models import Model
from minigrad.visualize import picture as pictures
from minigrad.visualize.dot import quoted
from minigrad.visualize.drawing import Box, Drawing, Group, Link
from minigrad.visualize.mermaid import coded
from minigrad.visualize.outline import outline
from minigrad.visualize.picture import picture_of

SVG = "{http://www.w3.org/2000/svg}"
SHAPES = {SVG + tag for tag in ("svg", "g", "rect", "path", "text", "title")}
HTML_TAGS = {"figure", "details", "summary", "pre", "svg", "g", "rect", "path", "text", "title"}
HOSTILE = [
    'x"]; pwn [URL="javascript:alert(1)"]; y ["',
    '<<TABLE><TR><TD HREF="javascript:alert(1)">x</TD></TR></TABLE>>',
    "<img src=x onerror=alert(1)>",
    "</text></svg><script>alert(1)</script>",
    "</pre><script>alert(1)</script>",
    "]]><script/>",
    "&lt;script&gt;",
    "trailing \\",
    r"\N \G \l",
    "nul\0inside",
    "\x1b]8;;https://example.org\x07link",
    "$\\href{javascript:alert(1)}$",
    'a"] --> b[click n0 "javascript:alert(1)"]',
    "`**[x](javascript:alert(1))**` %%{init: {}}%%",
    "x" * 1_000_000,
]
anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)


def drawing(name):
    """Two boxes in a group, one outside; the name is everywhere that a name can be."""
    boxes = [Box(0, name, [name], "input"), Box(1, name, [name], "op", True, "g"), Box(2, "end", [name], group="g")]
    return Drawing(name, boxes, [Link(0, 1, name), Link(1, 2, name, True)], [Group("g", name)])


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.fixture
def builtin(monkeypatch):
    monkeypatch.setattr(pictures, "program_found", lambda kind: None)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.usefixtures("builtin")
def test_hostile_names_draw_as_text_in_every_format(name):
    picture = picture_of(drawing(name))
    root = ET.fromstring(picture.svg())
    assert {element.tag for element in root.iter()} <= SHAPES
    assert len([g for g in root.iter(SVG + "g") if g.get("class") == "box"]) == 3
    parsed = Tags(picture.html())
    assert parsed.tags <= HTML_TAGS
    assert not any(attribute.startswith("on") or "href" in attribute for attribute in parsed.attributes)
    text = str(picture)
    assert len(text.splitlines()) == 5  # title, box, group, two boxes
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    mermaid = picture.mermaid()
    assert len(re.findall(r"^ +n\d+\[", mermaid, re.M)) == 3
    assert len(mermaid) < 20_000
    # without what is in quotes, only our own words are left
    bare = re.sub(r'"[^"\n]*"', '""', mermaid)
    assert not re.search(r"click|href|script|init|pwn", bare)
    assert set(re.findall(r"[<>`&\\%$]", mermaid.replace("<br/>", "").replace("-->", "").replace("-.->", ""))) == set()
    source = re.sub(r'"(?:[^"\\]|\\.)*"', '""', "".join(picture.body))
    assert set(re.findall(r"[A-Za-z_]\w*", source)) <= {
        "label", "labelloc", "t", "n0", "n1", "n2", "color", "fillcolor", "style", "subgraph", "cluster_0", "labeljust",
        "l", "rounded", "fontname", "Helvetica", "fontsize", "fontcolor", "dashed",
    }  # fmt: skip


@pytest.mark.skipif(not (pictures.system_dot() or pictures.pure_program()), reason="no program of Graphviz here")
@pytest.mark.parametrize("name", HOSTILE)
def test_graphviz_draws_hostile_names_as_text(name):
    root = ET.fromstring(picture_of(drawing(name)).svg())
    assert len([g for g in root.iter(SVG + "g") if g.get("class") == "node"]) == 3
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert not tags & {"a", "script", "image", "foreignObject"}


@pytest.mark.parametrize("name", [name for name in HOSTILE if "/" not in name])
@pytest.mark.usefixtures("builtin")
def test_a_model_with_a_hostile_layer_has_as_many_boxes_as_layers(name):
    x = Input((4,))
    try:
        model = Model(x, Dense(2, name=name)(x), name=name)
    except ValueError:
        return  # such a name is refused at once, which is safe too
    for level in ("layers", "ops", "program"):
        root = ET.fromstring(model.plot(level, batch_size=2).svg())
        assert {element.tag for element in root.iter()} <= SHAPES
    root = ET.fromstring(model.plot(x=np.ones((2, 4), np.float32)).svg())
    assert len([g for g in root.iter(SVG + "g") if g.get("class") == "box"]) == 2


@given(anything)
def test_no_text_ends_a_dot_string(name):
    assert re.fullmatch(r'"(?:[^"\\\n]|\\["\\n])*"', quoted(name, name))


@given(anything)
def test_no_text_ends_a_mermaid_string(name):
    assert re.fullmatch(r'"(?:[\w .,:()+*/=|×·…→←-]|#\d+;|<br/>)*"', coded(name, name))


@given(anything)
def test_text_has_one_line_a_box(name):
    assert len(outline(Drawing("", [Box(0, name, [name])], [])).split("\n")) == 1
