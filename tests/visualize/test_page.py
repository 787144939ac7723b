"""The page: alone in the world, and data in it is only text."""

from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.visualize.graph import Box, draw_graph
from minigrad.visualize.page import figure, page, paragraph, preformatted, table
from minigrad.visualize.svg import escape

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</pre><script>alert(1)</script>",
    "&lt;",
    '"><a href="javascript:1">',
]


class Reader(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.texts, self.open = [], [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def whole_page(name):
    svg = draw_graph([Box(0, name)], [], title=name)
    sections = [
        ("", paragraph(name)),
        (name, preformatted(name)),
        ("Table", table([(name, 1.5)], (name, "R²"))),
        ("Figure", figure(svg, name)),
    ]
    return page(name, sections)


@pytest.mark.parametrize("name", HOSTILE)
def test_data_is_only_text(name):
    read = Reader(whole_page(name))
    assert [tag for tag, _ in read.tags] == [tag for tag, _ in Reader(whole_page("harmless")).tags]
    assert not read.open
    shown = [text.strip() for text in read.texts]
    assert shown.count(name) >= 8  # titles, headings, texts, head and cell of the table, box, caption


def test_nothing_comes_from_the_network_and_nothing_runs():
    read = Reader(whole_page("name"))
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & {tag for tag, _ in read.tags}
    for _, attributes in read.tags:
        assert not {"href", "src", "srcset"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in whole_page("name")
    assert "@import" not in whole_page("name")


def test_the_page_knows_light_and_dark():
    source = page("Title", [])
    assert "prefers-color-scheme: dark" in source
    assert "color-scheme: light dark" in source
    assert source.startswith("<!DOCTYPE html>")


@given(st.text(st.characters(exclude_characters="\r"), max_size=30))
def test_preformatted_text_keeps_its_lines_and_spaces(text):
    printable = "".join(Reader(f"<b>{escape(text)}</b>").texts)
    assert len(printable) == len(text)
    assert "".join(Reader(preformatted(text)).texts) == "\n" + printable


@pytest.mark.parametrize(
    ("value", "shown"),
    [(26114, "26,114"), (np.int64(1234567), "1,234,567"), (0.815270, "0.8153"), (np.float32(0.5), "0.5"),
     (12345.678, "12,346"), (float("nan"), "nan"), (float("inf"), "inf"), (-1e20, "-1e+20")],
)  # fmt: skip
def test_numbers_in_tables(value, shown):
    assert f'<td class="number">{shown}</td>' in table([(value,)])


def test_words_and_truths_are_no_numbers():
    assert "<td>3 rows</td><td>True</td>" in table([("3 rows", True)])


def test_a_row_that_does_not_fit_the_header_is_refused():
    with pytest.raises(ValueError, match="the header has 2 columns, but a row has 1"):
        table([("a", "b"), ("c",)], header=("x", "y"))
