"""The heat map of an explanation: time-steps across, rows of the table down, coloured by the gradient sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .axes import LABEL_SIZE, TICK_SIZE, TITLE_SIZE, nice_ticks
from .explain_words import clean, number, single
from .svg import FAINT_INK, RULE, Element, fit, picture, text, text_width, translate

if TYPE_CHECKING:
    from .explain import Explanation
    from .explain_trace import Lookup

# From faint to strong, one hue; the first is for places that were used, but sent nothing.
SHADES = ("#e8ebee", "#d3e5f2", "#abcee6", "#7cb2d6", "#4a93c2", "#1f73a9", "#0a5587", "#063a60")
ACROSS, DOWN = 640.0, 22.0  # the width of the map, the height of a row
MOST_ROWS, MOST_CELLS, MOST_CALLS = 24, 80, 4
BAR = 90.0  # the longest bar beside the map
GAP = 18.0  # between two calls
WIDEST_CELL, ABOVE = 40.0, 54.0


def heat_map(e: Explanation) -> str:
    """The picture as SVG text."""
    rows = e.shown[:MOST_ROWS]
    across = 0 if all(one.ids.shape[1] == 1 for one in e.lookups) else 1  # the batch goes across, or time
    height = DOWN * len(rows)
    panels, width = side_by_side(e, rows, across, height)
    names = [fit(f"{row}  {clean(e.labels.get(row, ''), 40)}".strip(), LABEL_SIZE, 150) for row in rows.tolist()]
    left = max([text_width(name, LABEL_SIZE) for name in names], default=0.0) + 12
    full = max(left + width + 16 + 52 + BAR + 8, left + 430)
    title = f"{clean(e.name)}: where the gradient of each row comes from"
    shapes = [
        text(fit(title, TITLE_SIZE, full), -left, -ABOVE + 14, TITLE_SIZE, font_weight=600),
        *(guide(DOWN * (k + 0.5), width) for k in range(len(rows))),
        *(text(name, -10, DOWN * (k + 0.5) + 4, LABEL_SIZE, "end") for k, name in enumerate(names)),
        *panels,
        *beside(e, rows, width + 16),
        text(axis_name(e, across), width / 2, height + 38, LABEL_SIZE, "middle"),
    ]
    whole = Element("g", *shapes, transform=translate(left, ABOVE))
    return picture(full, ABOVE + height + 72, whole, title=title)


def side_by_side(e: Explanation, rows: np.ndarray, across: int, height: float) -> tuple[list[Element], float]:
    """The cells of each call, and what their shades mean; how wide they are."""
    calls = e.lookups[:MOST_CALLS]
    maps = [cells(one, rows, across) for one in calls]
    strongest = max((float(sent.max(initial=0.0)) for _, sent in maps), default=0.0)
    columns = [used.shape[1] for used, _ in maps]
    pitch = min(WIDEST_CELL, (ACROSS - GAP * len(maps)) / max(sum(columns), 1))
    shapes, x = [], 0.0
    for (used, sent), one in zip(maps, calls, strict=True):
        drawn = panel(used, sent, strongest, pitch)
        drawn += time_axis(one.ids.shape[across], used.shape[1] * pitch, height)
        if len(maps) > 1:
            drawn.append(text(fit(clean(one.name), TICK_SIZE, 150), 0, -8, TICK_SIZE, fill=FAINT_INK))
        shapes.append(Element("g", *drawn, transform=translate(x, 0)))
        x += used.shape[1] * pitch + GAP
    return [*shapes, *scale(strongest, height + 60)], x - GAP if maps else ACROSS


def cells(one: Lookup, rows: np.ndarray, across: int) -> tuple[np.ndarray, np.ndarray]:
    """For each (row, column): how many places, and the lengths of the gradients that they sent, added up.

    A column is a time-step; where there are many, several of them.
    """
    steps = one.ids.shape[across]
    columns = min(steps, MOST_CELLS)
    every = -(-steps // columns) if steps else 1
    columns = -(-steps // every)
    order = np.argsort(rows, kind="stable")
    at = np.searchsorted(rows[order], one.ids.reshape(-1))
    at = np.where(at < len(rows), at, 0)
    kept = rows[order][at] == one.ids.reshape(-1) if len(rows) else np.zeros(one.ids.size, bool)
    place = order[at[kept]] * columns + (np.indices(one.ids.shape)[across].reshape(-1) // every)[kept]
    sizes = np.linalg.norm(one.sent.reshape(-1, one.sent.shape[-1])[kept].astype(np.float64), axis=1)
    sizes = np.where(np.isfinite(sizes), sizes, 0.0)
    shape = (len(rows), columns)
    return (
        np.bincount(place, minlength=len(rows) * columns).reshape(shape),
        np.bincount(place, sizes, minlength=len(rows) * columns).reshape(shape),
    )


def panel(used: np.ndarray, sent: np.ndarray, strongest: float, pitch: float) -> list[Element]:
    """The cells of one call: for each shade one path, of a thick stroke for each run of cells."""
    levels = np.where(used > 0, 0, -1)
    if strongest > 0:
        levels = np.where(sent > 0, np.maximum(1, np.ceil(sent / strongest * (len(SHADES) - 1))), levels).astype(int)
    gap = 0.0 if pitch < 12 else 1.5
    out = []
    for level, shade in enumerate(SHADES):
        runs: list[list[int]] = []
        for row, column in np.argwhere(levels == level).tolist():
            if runs and gap == 0 and runs[-1][0] == row and runs[-1][1] + runs[-1][2] == column:
                runs[-1][2] += 1
            else:
                runs.append([row, column, 1])
        path = "".join(
            f"M{place(column * pitch + gap / 2)} {place(DOWN * (row + 0.5))}h{place(length * pitch - gap)}"
            for row, column, length in runs
        )
        if path:
            out.append(Element("path", d=path, stroke=shade, stroke_width=DOWN - 3, fill="none"))
    return out


def place(value: float) -> str:
    return f"{round(value, 1):g}"


def guide(y: float, width: float) -> Element:
    """The line on which the cells of a row lie, to be seen where it was not used."""
    return Element("line", x1=0, x2=width, y1=y, y2=y, stroke=RULE, stroke_width=0.8)


def time_axis(steps: int, width: float, height: float) -> list[Element]:
    """The numbers of the time-steps below the cells."""
    few = max(1, int(width / 60))
    ticks = [0.0] if steps < 2 else [t for t in nice_ticks(0, steps - 1, about=min(few, 10)) if t.is_integer()]
    out = []
    for tick in ticks:
        x = (tick + 0.5) * width / max(steps, 1)
        out.append(Element("line", x1=x, x2=x, y1=height, y2=height + 4, stroke=FAINT_INK))
        out.append(text(f"{tick:g}", x, height + 18, TICK_SIZE, "middle", fill=FAINT_INK))
    return out


def beside(e: Explanation, rows: np.ndarray, x: float) -> list[Element]:
    """To the right of the cells: how often each row was used, and a bar as long as its summed gradient."""
    found = [e[row] for row in rows.tolist()]
    lengths = [float(np.linalg.norm(row.total.astype(np.float64))) for row in found]
    longest = max((size for size in lengths if np.isfinite(size)), default=0.0)
    out = [
        text("used", x + 40, -8, TICK_SIZE, "end", fill=FAINT_INK),
        text("length of the sum", x + 52, -8, TICK_SIZE, fill=FAINT_INK),
    ]
    for k, (row, size) in enumerate(zip(found, lengths, strict=True)):
        y = DOWN * (k + 0.5)
        out.append(text(f"{row.count:,}", x + 40, y + 4, TICK_SIZE, "end", fill=FAINT_INK))
        if longest and np.isfinite(size) and size:
            bar = Element("rect", x=x + 52, y=y - 5, width=max(BAR * size / longest, 1.0), height=10, fill=SHADES[-3])
            out.append(bar)
    return out


def axis_name(e: Explanation, across: int) -> str:
    """What goes across, and what is added up in a cell."""
    if not e.lookups:
        return "no look-up leads to the loss"
    steps = max(one.ids.shape[across] for one in e.lookups)
    every = -(-steps // MOST_CELLS) if steps > MOST_CELLS else 1
    parts = ["time-step" if across else "row of the batch"]
    if every > 1:
        parts.append(f"{every} to a cell")
    if across and not single(e, 0):
        parts.append(f"the batch of {max(one.ids.shape[0] for one in e.lookups):,} added up")
    hidden = len(e.lookups) - MOST_CALLS
    if hidden > 0:
        parts.append(f"{hidden} more calls not drawn")
    return ", ".join(parts)


def scale(strongest: float, y: float) -> list[Element]:
    """What the shades mean."""
    said = "gradient sent from a cell:"
    out = [text(said, 0, y + 4, TICK_SIZE, fill=FAINT_INK)]
    x = text_width(said, TICK_SIZE) + 10
    out.append(Element("rect", x=x, y=y - 6, width=16, height=12, fill=SHADES[0]))
    out.append(text("none", x + 21, y + 4, TICK_SIZE, fill=FAINT_INK))
    if strongest > 0:
        x += 64
        out += [Element("rect", x=x + 16 * k, y=y - 6, width=16, height=12, fill=c) for k, c in enumerate(SHADES[1:])]
        out.append(text(f"up to {number(strongest)}", x + 16 * len(SHADES) - 10, y + 4, TICK_SIZE, fill=FAINT_INK))
    return out
