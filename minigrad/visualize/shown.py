"""What notebooks show and files keep: an object with a text, a page and a picture.

JupyterLab shows one part of a bundle only, HTML before Mermaid before SVG. So the HTML holds the picture, and Mermaid
goes only beside HTML. Where a notebook is not trusted, Lab takes the picture and the style out of the HTML: the words
and the tables that are left say the same.
"""

from __future__ import annotations

import os
from typing import Any

Bundle = dict[str, str]

LARGEST = 60_000  # bytes of a whole bundle, which a notebook keeps for each output
LONGEST_PLAIN = 8_000  # characters of its text

# It says only what this needs to be read, in light and in dark, and takes the notebook's own colours where there are
# some. Style of a notebook centres tables, and sets all of their text to the right.
STYLE = """
.minigrad { --f: color-mix(in srgb, currentColor 65%, transparent);
  --r: color-mix(in srgb, currentColor 20%, transparent) }
.minigrad p { margin: .4em 0 }
.minigrad table { margin: .4em 0 .8em; border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
.minigrad td, .minigrad th { text-align: left; vertical-align: top; padding: .25em 1.4em .25em 0; background: none;
  border: 0; border-bottom: 1px solid var(--r); white-space: normal }
.minigrad th { color: var(--f); font-weight: 600 }
.minigrad .number { text-align: right }
.minigrad tr { background: none !important }
.minigrad .wide { overflow-x: auto }
.minigrad .side { display: flex; flex-wrap: wrap; gap: 0 14px }
.minigrad figure { margin: .6em 0 1em }
.minigrad svg { display: block; max-width: 100%; height: auto }
.minigrad figcaption { color: var(--f); font-size: 12px; max-width: 46em }
.minigrad pre { margin: .4em 0; padding: 0; background: none; font-size: 12px; line-height: 1.45; overflow-x: auto }
"""
# MathJax must not look for formulas in names: all generations of it know one of these classes.
CLASSES = "minigrad tex2jax_ignore mathjax_ignore"


def bundle(text: str, html: str, svg: str = "", mermaid: str = "", style: str = "") -> Bundle:
    """What a notebook is given to choose from: plain text, HTML, and the picture where both copies of it fit.

    html: a fragment in which all data is escaped, with the picture inside. style: more of the kind of STYLE.

    >>> sorted(bundle("a text", "<p>a text</p>", "<svg></svg>"))
    ['image/svg+xml', 'text/html', 'text/plain']
    """
    parts = {
        "text/plain": text if len(text) <= LONGEST_PLAIN else text[:LONGEST_PLAIN] + "…",
        "text/html": f'<div class="{CLASSES}"><style>{STYLE}{style}</style>\n{html}\n</div>',
    }
    for kind, part in (("image/svg+xml", svg), ("text/vnd.mermaid", mermaid)):
        if part and size(parts) + size({kind: part}) < LARGEST:
            parts[kind] = part
    return parts


def size(parts: Bundle) -> int:
    """The bytes of a bundle in a file of UTF-8."""
    return sum(len(part.encode("utf-8", "replace")) for part in parts.values())


class Shown:
    """Base of what can be printed, shown in a notebook and saved. A member has `__str__`, `title`, `html` and `svg`."""

    title: str

    def html(self) -> str:
        """A fragment of HTML, in which all data is escaped text."""
        raise NotImplementedError

    def svg(self) -> str:
        """The picture alone."""
        raise NotImplementedError

    def page(self) -> str:
        """A page of HTML that stands alone."""
        from .page import page

        return page(self.title, [("", self.html())])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page ('.html'), the picture ('.svg') or the text ('.txt') to a file, atomically."""
        from ..saving.atomic import atomic_write

        name = os.fspath(path)
        makers: dict[str, Any] = {".html": self.page, ".svg": self.svg, ".txt": self.__str__}
        make = makers.get(os.path.splitext(name)[1].lower())
        if make is None:
            raise ValueError(f"save: {name!r} ends in none of {', '.join(makers)}")
        text = make()
        with atomic_write(name) as file:
            file.write((text.rstrip("\n") + "\n").encode())

    def _repr_html_(self) -> str:
        return self.html()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Bundle:
        return bundle(str(self), self.html())
