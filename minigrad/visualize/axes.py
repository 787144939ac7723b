"""The frame of a chart: axes with round numbers, a title, a legend, and the places of numbers inside."""

from __future__ import annotations

import math

from .svg import FAINT_INK, RULE, Element, fit, picture, text, text_width, translate

Point = tuple[float, float]

TITLE_SIZE, LABEL_SIZE, TICK_SIZE = 15.0, 12.0, 11.0


class Frame:
    """The rectangle of a chart, from (0, 0) to (width, height), and the room around it."""

    def __init__(self, xs: Point, ys: Point, width: float, height: float) -> None:
        self.xs, self.ys, self.width, self.height = xs, ys, width, height
        self.left, self.above, self.below = 0.0, 0.0, 22.0
        self.shapes: list[Element] = []

    def at(self, x: float, y: float) -> Point:
        """The place of a pair of numbers."""
        (x0, x1), (y0, y1) = self.xs, self.ys
        return round((x - x0) / (x1 - x0) * self.width, 2), round((y1 - y) / (y1 - y0) * self.height, 2)

    def axes(self, xlabel: str, ylabel: str, xticks: list[float]) -> None:
        """Lines across, the numbers at both axes and the names of the axes."""
        width, height, draw = self.width, self.height, self.shapes.append
        yticks = nice_ticks(*self.ys, about=max(2, int(height / 60)))
        for tick, name in zip(yticks, _tick_names(yticks), strict=True):
            y = self.at(self.xs[0], tick)[1]
            draw(Element("line", x1=0, x2=width, y1=y, y2=y, stroke=RULE, stroke_width=0.8))
            draw(text(name, -8, y + 4, TICK_SIZE, "end", fill=FAINT_INK))
            self.left = max(self.left, text_width(name, TICK_SIZE) + 12)
        for tick, name in zip(xticks, _tick_names(xticks), strict=True):
            x = self.at(tick, self.ys[0])[0]
            draw(Element("line", x1=x, x2=x, y1=height, y2=height + 4, stroke=FAINT_INK))
            draw(text(name, x, height + 18, TICK_SIZE, "middle", fill=FAINT_INK))
        draw(Element("line", x1=0, x2=width, y1=height, y2=height, stroke=FAINT_INK))
        if xlabel:
            draw(text(fit(xlabel, LABEL_SIZE, width), width / 2, height + 38, LABEL_SIZE, "middle"))
            self.below += 20
        if ylabel:
            upwards = f"{translate(-self.left - 6, height / 2)} rotate(-90)"
            draw(text(fit(ylabel, LABEL_SIZE, height), 0, 0, LABEL_SIZE, "middle", transform=upwards))
            self.left += 20

    def legend(self, entries: list[tuple[str, str]]) -> None:
        """(colour, name) pairs in rows above the rectangle, where they hide nothing."""
        rows: list[list[Element]] = []
        x = self.width
        for colour, name in entries:
            name = fit(name, LABEL_SIZE, self.width - 40)
            wide = text_width(name, LABEL_SIZE) + 40
            if x + wide > self.width:
                rows.append([])
                x = 0.0
            rows[-1].append(Element("line", x1=x, x2=x + 16, y1=-4, y2=-4, stroke=colour, stroke_width=2.5))
            rows[-1].append(text(name, x + 22, 0, LABEL_SIZE))
            x += wide
        for i, row in enumerate(rows):
            self.shapes.append(Element("g", *row, transform=translate(0, -10.0 - 18 * (len(rows) - 1 - i))))
        self.above += 18 * len(rows) + 8 if rows else 0

    def finish(self, title: str, notes: list[str]) -> str:
        """The whole picture; notes say in a corner what could not be drawn."""
        if title:
            middle = self.width / 2
            shown = fit(title, TITLE_SIZE, self.width)
            self.shapes.append(text(shown, middle, -self.above - 16, TITLE_SIZE, "middle", font_weight=600))
            self.above += 30
        if notes:
            note = "; ".join(notes)
            self.shapes.append(text(note, self.width, self.height - 6, TICK_SIZE, "end", fill=FAINT_INK))
        whole = Element("g", *self.shapes, transform=translate(self.left, self.above))
        return picture(self.left + self.width + 6, self.above + self.height + self.below, whole, title=title)


def nice_ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten) from low to high, about so many.

    >>> nice_ticks(0.3, 10.2)
    [2.0, 4.0, 6.0, 8.0, 10.0]
    """
    rough = (high - low) / about
    exponent = math.floor(math.log10(rough))
    step = next(k * 10.0**exponent for k in (1, 2, 5, 10) if k * 10.0**exponent >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, -exponent) for k in range(first, last + 1)]


def _tick_names(ticks: list[float]) -> list[str]:
    """The numbers as short as they stay different."""
    names: list[str] = []
    for digits in (4, 6, 9, 12):
        names = [f"{tick:.{digits}g}".replace("-", "\N{MINUS SIGN}").replace("e+", "e") for tick in ticks]
        if len(set(names)) == len(names):
            break
    return names
