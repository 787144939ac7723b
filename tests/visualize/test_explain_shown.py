"""An explanation as text, as HTML and as a picture: readable, small, and safe with any name."""

import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.layers import Dense, Embedding, Flatten, GlobalAveragePooling1D
from minigrad.visualize.explain_words import components

SVG = "{http://www.w3.org/2000/svg}"
GOLDEN = Path(__file__).with_name("explain_golden.svg")
MONTHS = ["none", *"January February March April May June July August September October November December".split()]
HOSTILE = '<img src=x onerror=alert(1)></text></td><script>alert("\x1b[31m\u202e")</script>' + "long " * 100

SMALL = """\
embedding: a table of 4 rows x 2, 8 parameters, read at 3 places (batch 1 x time 3).
Gradient arriving at the output: as given.

  id  used  its row  sum of what its places sent  its places
   0     0  0 0                                   none
   1     1  1 1       5.0 5.0                     t=1
   2     0  2 2                                   none
   3     2  3 3      11.5   0                     t=0, 2

What each place sends to row 3:
  t=0         1.5 0
  t=2        10.0 0
  -----------------
  their sum  11.5 0

Compared, number by number (to multiply one-hot ids by the table is what a Dense layer without bias does):
  the sums                                   =  the gradient that minigrad.grad gives  exactly
  the gradient of the rows that nobody used  =  0                                      exactly
  one_hot(ids) (3, 4) @ table (4, 2)         =  the rows looked up                     exactly
  one_hot(ids).T (4, 3) @ what they sent     =  the sums                               exactly"""


def small():
    layer = Embedding(4, 2, weights=[np.arange(4.0)[:, None] * [1, 1]])
    layer(mg.Input((3,)))
    return layer.explain([[3, 1, 3]], upstream=[[[1.5, 0.0], [5.0, 5.0], [10.0, 0.0]]])


def founding(batch, labels=None):
    mg.utils.set_random_seed(1)
    x = mg.Input((1000,))
    layer = Embedding(12 + 1, 3, input_length=1000)
    model = mg.Model(x, Dense(1)(GlobalAveragePooling1D()(layer(x))))
    model.compile("adam", "mse")
    ids = np.random.default_rng(0).integers(1, 13, (batch, 1000))
    return model.explain(ids, np.ones((batch, 1))).labelled(labels)


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(SVG + "text")]


class Reader(HTMLParser):
    """The tags of a page, each closed, and its text."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.data, self.open = [], [], []
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.data.append(data)


def test_the_text_of_a_small_one_letter_by_letter():
    assert str(small()) == SMALL


@pytest.mark.parametrize("batch", [1, 32])
def test_the_founding_model_is_readable(batch):
    found = founding(batch, MONTHS)
    lines = str(found).splitlines()
    assert len(lines) < 35
    assert max(map(len, lines)) < 130
    assert f"a table of 13 rows x 3, 39 parameters, read at {batch * 1000:,} places" in lines[0]
    (march,) = [line for line in lines if "March" in line]
    first = " t=8, 31, 93 and 74 more" if batch == 1 else " (0, 8), (0, 31), (0, 93) and 2,628 more"
    assert march.endswith(first)
    assert len(found._repr_html_()) < 30_000
    bundle = found._repr_mimebundle_()
    assert bundle["text/plain"] == str(found)
    assert found.html() in bundle["text/html"]


def test_what_is_left_out_is_counted():
    layer = Embedding(1000, 2)
    layer(mg.Input((3,)))
    ids = np.repeat(np.arange(50), np.arange(50) + 1)[None]
    said = str(layer.explain(ids))
    assert "... 34 more rows were used, at 595 places; 950 of 1,000 rows were not used" in said
    many = layer.explain(ids, rows=list(range(1000)))
    assert str(many).count("\n") < 60
    assert "10 more rows were used, at 455 places" in str(many)
    assert len(many._repr_html_()) < 60_000
    assert len(texts(many.svg())) < 100


def test_the_largest_page_is_small_enough():
    layer = Embedding(50_000, 300, name=HOSTILE.replace("/", ""))
    layer(mg.Input((3,)))
    ids = np.random.default_rng(0).integers(0, 50_000, (7, 2000))
    upstream = np.random.default_rng(1).normal(size=(*ids.shape, 300)).astype(np.float32)
    ids[:, :1200] = ids[:, :1200] % 40
    found = layer.explain(ids, upstream, labels=dict.fromkeys(range(40), HOSTILE), rows=40)
    assert len(found._repr_html_().encode()) < 60_000


@pytest.mark.parametrize("name", [HOSTILE, "&lt;b&gt;", "]]>", "\ud800"])
def test_names_are_only_text(name):
    def pages(name):
        mg.utils.set_random_seed(1)
        a, b = mg.Input((3,), name=name.replace("/", "") + "a"), mg.Input((3,), name=name.replace("/", "") + "b")
        layer = Embedding(4, 2, name=name.replace("/", ""))
        model = mg.Model([a, b], Dense(1)(Flatten()(layer(a) + layer(b))))
        model.compile("sgd", "mse")
        found = model.explain([np.array([[1, 2, 2]])] * 2, np.ones((1, 1))).labelled([name] * 4)
        return found.html(), found.page(), found.svg(), str(found)

    for source, plain in zip(pages(name)[:2], pages("plain")[:2], strict=True):
        assert Reader(source).tags == Reader(plain).tags
    svg, text = pages(name)[2:]
    tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(svg).iter()}
    assert tags <= {"svg", "g", "rect", "path", "line", "text"}
    assert not {"\x1b", "\u202e", "\ud800"} & set(text)
    assert max(map(len, text.splitlines())) < 300


def test_it_is_saved_as_page_picture_and_text(tmp_path):
    found = small()
    for name in ("explain.html", "explain.svg", "explain.txt"):
        found.save(tmp_path / name)
    page = (tmp_path / "explain.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert found.svg() in page
    assert (tmp_path / "explain.svg").read_text(encoding="utf-8") == found.svg() + "\n"
    assert (tmp_path / "explain.txt").read_text(encoding="utf-8") == SMALL + "\n"
    with pytest.raises(ValueError, match=r"ends in none of .html, .svg, .txt"):
        found.save(tmp_path / "explain.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["explain.html", "explain.svg", "explain.txt"]


# -- the picture ------------------------------------------------------------------------------------------------------


def golden():
    """Four rows, six time-steps: row 1 is used again and again, with more gradient the later it is; row 3 never."""
    layer = Embedding(4, 2, weights=[np.arange(8.0).reshape(4, 2)], name="words")
    layer(mg.Input((6,)))
    upstream = np.zeros((1, 6, 2))
    upstream[0, :, 0] = [0, 1, 2, 3, 4, 5]
    return layer.explain([[0, 1, 2, 1, 2, 1]], upstream, labels=["a", "the", "cat", "unused"])


def test_the_picture_is_the_golden_one():
    """After a change that is meant: look at the new picture, then `golden().save(GOLDEN)`."""
    assert golden().svg() + "\n" == GOLDEN.read_text(encoding="utf-8")


def strokes(svg):
    """(shade, the runs of cells) of each path."""
    paths = list(ET.fromstring(svg).iter(SVG + "path"))
    return {path.get("stroke"): path.get("d").split("M")[1:] for path in paths}


def test_each_used_cell_is_drawn_once_and_the_strongest_is_darkest():
    from minigrad.visualize.explain_svg import SHADES

    drawn = strokes(golden().svg())
    assert sum(map(len, drawn.values())) == 6
    assert drawn[SHADES[0]] == ["0.8 11h38.5"]  # time-step 0, row 0: used, and it sent nothing
    assert drawn[SHADES[-1]] == ["200.8 33h38.5"]  # time-step 5, row 1
    assert [level for level in SHADES if level in drawn] == list(drawn)


@given(st.lists(st.integers(0, 29), min_size=1, max_size=300), st.integers(1, 3))
def test_the_cells_hold_all_the_gradient_of_the_rows_that_are_drawn(ids, batch):
    from minigrad.visualize.explain_svg import cells
    from minigrad.visualize.explain_trace import Lookup

    ids = np.tile(np.array(ids), (batch, 1))
    sent = np.random.default_rng(0).normal(size=(*ids.shape, 2))
    rows = np.array([7, 3, 12])
    for across in (0, 1):
        used, sizes = cells(Lookup(ids, sent, None, "call 1"), rows, across)
        assert used.shape == sizes.shape
        assert used.shape[0] == 3
        assert used.shape[1] <= 80
        for k, row in enumerate(rows):
            assert used[k].sum() == np.sum(ids == row)
            assert sizes[k].sum() == pytest.approx(np.linalg.norm(sent[ids == row], axis=1).sum())
    steps = -(-ids.shape[1] // used.shape[1])
    for t in range(ids.shape[1]):
        for k, row in enumerate(rows):
            assert not (ids[:, t] == row).any() or used[k, t // steps] > 0


def test_what_does_not_go_along_time_goes_along_the_batch():
    layer = Embedding(4, 2)
    layer(mg.Input((1,)))
    assert "row of the batch" in texts(layer.explain([[1], [2], [1]]).svg())
    assert "time-step" in texts(layer.explain([[1, 2, 1]]).svg())
    assert "time-step, 13 to a cell, the batch of 32 added up" in texts(founding(32).svg())


@given(
    st.lists(st.floats(-1e30, 1e30) | st.sampled_from([0.0, 1.0, 1e-300, np.inf, np.nan]), min_size=1, max_size=5),
    st.integers(1, 5),
)
def test_written_numbers_are_the_numbers(values, digits):
    (written,) = components([np.array(values)], digits)
    assert len(written) == min(len(values), 3) + (len(values) > 3)
    largest = max((abs(v) for v in values[:3] if np.isfinite(v)), default=0)
    for value, text in zip(values[:3], written, strict=False):
        if np.isfinite(value):
            assert float(text) == pytest.approx(value, rel=10.0 ** -(digits - 1), abs=10.0 ** -(digits - 1) * largest)
            assert value == 0 or float(text) != 0
        else:
            assert text == f"{value:g}"
