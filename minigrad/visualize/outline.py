"""A drawing as plain text: one line a box, with the numbers of those that lead into it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from .drawing import Box, Drawing
from .svg import LONGEST_TEXT, printable, shorten


def outline(drawing: Drawing) -> str:
    """The text of a drawing.

    >>> from .drawing import Link
    >>> print(outline(Drawing("a model", [Box("x", "x", ["(3,)"]), Box("y", "dense", ["Dense"])], [Link("x", "y")])))
    a model
      1  x      (3,)
      2  dense  Dense  <- 1
    """
    lines = list(_lines(drawing))
    return "\n".join(([clean(drawing.title)] if drawing.title else []) + lines)


def _lines(drawing: Drawing) -> Iterator[str]:
    numbers = {box.key: i + 1 for i, box in enumerate(drawing.boxes)}
    sources: dict[Hashable, list[int]] = {}
    for link in drawing.links:
        if numbers[link.source] not in sources.setdefault(link.target, []):
            sources[link.target].append(numbers[link.source])
    inside = drawing.members()
    wide = len(str(len(numbers)))

    def told(group: Hashable, indent: str) -> Iterator[str]:
        titles = max((len(clean(x.title)) for x in inside[group] if isinstance(x, Box)), default=0)
        for item in inside[group]:
            if isinstance(item, Box):
                words = f"{numbers[item.key]:>{wide}}  {clean(item.title).ljust(min(titles, 40))}"
                words += "  " * bool(item.lines) + " · ".join(map(clean, item.lines))
                words += "  (kept)" * item.dashed
                if item.key in sources:
                    words += f"  <- {', '.join(map(str, sources[item.key]))}"
                yield (indent + words).rstrip()
            else:
                yield f"{indent}{clean(item.title)}:"
                yield from told(item.key, indent + "  ")

    yield from told(None, "  ")


def clean(text: str) -> str:
    """Data on one line, without control characters."""
    return printable(shorten(text, LONGEST_TEXT))
