"""Text stays text: what names cannot do in a picture or a page."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.visualize.svg import (
    Element,
    escape,
    fit,
    picture,
    shorten,
    smooth_path,
    straight_path,
    text,
    text_width,
)

anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)


@given(anything)
def test_any_string_comes_back_as_text_and_as_attribute(string):
    element = ET.fromstring(str(Element("text", string, fill=string)))
    assert len(element) == 0
    printable = ET.fromstring(f"<t>{escape(string)}</t>").text or ""
    assert (element.text or "") == printable
    assert len(printable.replace("\r\n", "\n")) <= len(string)
    assert set(element.attrib) == {"fill"}


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x7f", "\x9b", "\u202e", "\ud800", "\uffff"])
def test_control_characters_are_replaced(character):
    assert escape(f"a{character}b") == "a\N{REPLACEMENT CHARACTER}b"


@given(anything)
def test_the_text_can_be_written_as_utf_8(string):
    picture(10, 10, text(string, 0, 0), title=string).encode("utf-8")


@pytest.mark.parametrize("tag", ["a", "script", "image", "foreignObject", "style", "text><script"])
def test_only_the_shapes_of_pictures_exist(tag):
    with pytest.raises(ValueError, match="is not one of the elements"):
        Element(tag)


def test_attributes_are_spelt_as_in_svg():
    element = Element("rect", stroke_width=1.5, class_="box", x=10.0, y=1 / 3, fill=None)
    assert str(element) == '<rect stroke-width="1.5" class="box" x="10" y="0.33"/>'


def test_a_picture_names_no_id_and_nothing_from_elsewhere():
    svg = picture(100, 50, text("hello", 0, 0), title="A picture")
    root = ET.fromstring(svg)
    assert root.get("viewBox") == "0 0 140 90"
    assert root.get("aria-label") == "A picture"
    assert not any(name in element.attrib for element in root.iter() for name in ("id", "href", "style"))
    assert svg.count("http") == 1  # the name space


@given(anything, st.integers(1, 30))
def test_shortened_text_is_one_line_of_at_most_so_many_characters(string, length):
    shown = shorten(string, length)
    assert len(shown) <= length
    assert "\n" not in shown
    if len(" ".join(string.split())) <= length:
        assert shown == " ".join(string.split())


def test_cut_text_says_so():
    assert shorten("embedding", 5) == "embe…"
    assert shorten("x" * 1_000_000, 256) == "x" * 255 + "…"


@given(anything, st.floats(30, 300))
def test_fitted_text_is_no_wider_than_asked_for(string, width):
    shown = fit(string, 12, width)
    assert text_width(shown, 12) <= width
    if text_width(shorten(string, 256), 12) <= width:
        assert shown == shorten(string, 256)


def test_wide_characters_count_as_wide():
    assert text_width("月月", 10) > text_width("nn", 10) > text_width("ii", 10)
    assert text_width("e\N{COMBINING ACUTE ACCENT}", 10) == text_width("e", 10)


def test_paths():
    assert smooth_path([(0, 0), (0, 10), (20, 30)]) == "M0 0V10C0 20 20 20 20 30"
    assert straight_path([(0, 0), (1, 2.5)], closed=True) == "M0 0L1 2.5Z"
