"""SVG as a tree of elements in which text stays text: a name from a user or a file cannot become markup.

Only the shapes below exist; there is no link, script, image, style or foreign object to be smuggled in, and
no id either, so that any number of pictures can stand in one page. Pictures bring a white card along and so
read the same in light and in dark pages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

Attribute: TypeAlias = str | float
Child: TypeAlias = "Element | str"

TAGS = frozenset({"svg", "g", "rect", "path", "line", "circle", "text", "title"})
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
INK, FAINT_INK, RULE, EDGE = "#1f2328", "#59636e", "#d1d9e0", "#8c959f"
CARD_MARGIN = 20.0
LONGEST_TEXT = 256

# What XML forbids, further control characters, and those that reorder the text around them.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)

_PLAIN = re.compile(r"[\w .,:()/#+*=-]*", re.ASCII)  # most of what is escaped is

_NARROW = frozenset(" iIjlrtf.,:;'|!()[]")
_WIDE = frozenset("mwMW@%—…")


class Element:
    """One SVG element. Attributes are keyword arguments: `stroke_width=2` is `stroke-width="2"`.

    >>> print(Element("text", "a < b", x=1.0, font_weight="bold"))
    <text x="1" font-weight="bold">a &lt; b</text>
    """

    def __init__(self, tag: str, *children: Child, **attributes: Attribute | None) -> None:
        if tag not in TAGS:
            raise ValueError(f"svg: <{tag}> is not one of the elements that pictures are made of: {sorted(TAGS)}")
        self.tag = tag
        self.children = children
        self.attributes = {name: value for name, value in attributes.items() if value is not None}

    def __str__(self) -> str:
        names = "".join([
            f' {_spelled(name)}="{escape(value) if isinstance(value, str) else _number(value)}"'
            for name, value in self.attributes.items()
        ])  # fmt: skip
        content = "".join([escape(child) if isinstance(child, str) else str(child) for child in self.children])
        return f"<{self.tag}{names}>{content}</{self.tag}>" if content else f"<{self.tag}{names}/>"


def picture(width: float, height: float, *children: Child, title: str | None = None) -> str:
    """The text of a whole picture: the children on a white card with a margin."""
    full_width, full_height = width + 2 * CARD_MARGIN, height + 2 * CARD_MARGIN
    card = Element(
        "rect", x=0.5, y=0.5, width=full_width - 1, height=full_height - 1, rx=10, fill="#ffffff", stroke=RULE
    )
    body = Element("g", *children, transform=translate(CARD_MARGIN, CARD_MARGIN))
    root = Element(
        "svg",
        card,
        body,
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        aria_label=shorten(title, LONGEST_TEXT) if title else None,
        viewBox=f"0 0 {_number(full_width)} {_number(full_height)}",
        width=full_width,
        height=full_height,
        font_family=FONT,
    )
    return str(root)


def text(
    string: str, x: float, y: float, size: float = 12, anchor: str = "start", **attributes: Attribute | None
) -> Element:
    """A line of text, cut to 256 characters; `y` is its base line, `x` its start, middle or end."""
    anchor_attribute = {} if anchor == "start" else {"text_anchor": anchor}
    return Element(
        "text",
        shorten(string, LONGEST_TEXT),
        **{"x": x, "y": y, "font_size": size, "fill": INK, **anchor_attribute, **attributes},
    )


def translate(x: float, y: float) -> str:
    """The transformation that moves a group."""
    return f"translate({_number(x)} {_number(y)})"


def smooth_path(points: Sequence[tuple[float, float]]) -> str:
    """The path along points: between two that do not stand above each other an S, upright at both ends."""
    return flow_path(points, upright=True)


def flow_path(points: Sequence[tuple[float, float]], upright: bool) -> str:
    """The path along points, straight on where it can, else in an S; upright at all points, or level at all."""
    (x, y), *rest = points
    parts = [f"M{_number(x)} {_number(y)}"]
    for to_x, to_y in rest:
        end = f"{_number(to_x)} {_number(to_y)}"
        if upright:
            middle = _number((y + to_y) / 2)
            straight, bend = f"V{_number(to_y)}", f"C{_number(x)} {middle} {_number(to_x)} {middle} {end}"
        else:
            middle = _number((x + to_x) / 2)
            straight, bend = f"H{_number(to_x)}", f"C{middle} {_number(y)} {middle} {_number(to_y)} {end}"
        parts.append(straight if (x == to_x if upright else y == to_y) else bend)
        x, y = to_x, to_y
    return "".join(parts)


def straight_path(points: Sequence[tuple[float, float]], closed: bool = False) -> str:
    """The path along points in straight lines."""
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points) + ("Z" if closed else "")


def escape(data: str) -> str:
    """Data as XML and HTML text or attribute value; control characters become the replacement character."""
    if _PLAIN.fullmatch(data):
        return data
    import html

    return html.escape(printable(data), quote=True)


def printable(data: str) -> str:
    """Data with the replacement character in place of control characters and of those that reorder text."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", data)


def shorten(string: str, length: int) -> str:
    """The string on one line, cut to so many characters, the last one an ellipsis."""
    start = " ".join(string[: 8 * length].split())
    complete = len(start) <= length and len(string) <= 8 * length
    return start if complete else start[: length - 1].rstrip() + "…"


@lru_cache(maxsize=4096)  # names come again and again, and are measured twice
def text_width(string: str, size: float) -> float:
    """About how wide the first 256 characters are in a sans-serif font, rather too wide than too narrow."""
    from unicodedata import combining, east_asian_width

    def width(character: str) -> float:
        if character in _NARROW:
            return 0.36
        if character in _WIDE:
            return 0.92
        if ord(character) > 0x2FF and (east_asian_width(character) in "WF" or ord(character) > 0xFFFF):
            return 1.1
        if combining(character):
            return 0.0
        return 0.69 if character.isupper() else 0.6

    return size * sum(map(width, string[:LONGEST_TEXT]))


def fit(string: str, size: float, width: float) -> str:
    """The string, cut with an ellipsis until it is no wider than the width."""
    string = shorten(string, LONGEST_TEXT)
    while len(string) > 1 and text_width(string, size) > width:
        string = string.removesuffix("…")[:-1].rstrip() + "…"
    return string


@lru_cache(maxsize=256)
def _spelled(name: str) -> str:
    """The name of a keyword argument as SVG spells it, `stroke_width` as `stroke-width`."""
    return escape(name.rstrip("_").replace("_", "-"))


def _number(value: float) -> str:
    return f"{round(float(value), 2):.12g}"
