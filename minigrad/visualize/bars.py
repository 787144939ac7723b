"""Bars across, each with its name and what it stands for."""

from __future__ import annotations

from collections.abc import Sequence

from .axes import LABEL_SIZE, TICK_SIZE, TITLE_SIZE
from .charts import ACCENT
from .svg import FAINT_INK, RULE, Element, fit, picture, text, text_width

DOWN, LONGEST, WIDEST_NAME = 22.0, 320.0, 220.0


def bars(entries: Sequence[tuple[str, float, str]], title: str = "") -> str:
    """The SVG of (name, length, what stands behind the bar); lengths that are not finite have no bar.

    >>> bars([("dense_1", 2.0, "2 ms"), ("dense_2", 1.0, "1 ms")]).count('class="bar"')
    2
    """
    lengths = [value if 0 <= value < float("inf") else 0.0 for _, value, _ in entries]
    longest = max(lengths, default=0.0) or 1.0
    names = [fit(name, LABEL_SIZE, WIDEST_NAME) for name, _, _ in entries]
    left = max((text_width(name, LABEL_SIZE) for name in names), default=0.0) + 10
    right = max((text_width(said, TICK_SIZE) for _, _, said in entries), default=0.0) + 10
    top = 30.0 if title else 0.0
    width = left + LONGEST + right
    shapes = [text(fit(title, TITLE_SIZE, width), 0, 14, TITLE_SIZE, font_weight=600)] if title else []
    for k, (name, length, (_, _, said)) in enumerate(zip(names, lengths, entries, strict=True)):
        y, long = top + k * DOWN, LONGEST * length / longest
        shapes.append(text(name, left - 8, y + 15, LABEL_SIZE, "end"))
        shapes.append(
            Element("rect", x=left, y=y + 4, width=max(long, 1.0), height=DOWN - 8, fill=ACCENT, class_="bar")
        )
        shapes.append(text(said, left + long + 6, y + 15, TICK_SIZE, fill=FAINT_INK))
    if not entries:
        shapes.append(text("nothing to show", 0, top + 14, LABEL_SIZE, fill=FAINT_INK))
    height = top + DOWN * max(len(entries), 1)
    shapes.append(Element("line", x1=left, x2=left, y1=top, y2=height, stroke=RULE))
    return picture(width, height, *shapes, title=title or "bars")
