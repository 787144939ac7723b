"""An array as a heat map: blue below zero, white at zero, red above; what is not finite is dark grey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .axes import TICK_SIZE, TITLE_SIZE
from .svg import FAINT_INK, RULE, Element, fit, picture, text, text_width, translate

# From strongly negative over zero to strongly positive; apart for eyes with any colour vision.
SHADES = (
    "#0a4a7d", "#2f79b0", "#6ba6cf", "#a9cce3", "#dce9f2",
    "#ffffff",
    "#fbe3d4", "#f4bb98", "#e38a60", "#c6553a", "#8f1f24",
)  # fmt: skip
NOT_FINITE = "#3c4149"
MOST_ROWS, MOST_COLUMNS = 24, 40
CELL, WIDEST = 12.0, 300.0
GAP, ABOVE, BELOW = 36.0, 26.0, 34.0


def heat_maps(arrays: Mapping[str, np.ndarray], title: str = "") -> str:
    """The arrays side by side, each under its name and with a scale of its own.

    >>> svg = heat_maps({"values": np.array([[-1.0, 0.0], [0.5, np.nan]])})
    >>> svg.count('class="map"'), SHADES[0] in svg, NOT_FINITE in svg
    (1, True, True)
    """
    shapes: list[Element] = []
    x, height = 0.0, 0.0
    for name, array in arrays.items():
        drawn, width, high = one_map(name, array)
        shapes.append(Element("g", *drawn, class_="map", transform=translate(x, ABOVE if not title else ABOVE + 24)))
        x, height = x + width + GAP, max(height, high)
    full = max(x - GAP, 0.0)
    top = ABOVE + (24 if title else 0)
    if title:
        full = max(full, min(text_width(title, TITLE_SIZE), 400.0))
        shapes.insert(0, text(fit(title, TITLE_SIZE, full), 0, 12, TITLE_SIZE, font_weight=600))
    return picture(full, top + height + BELOW, *shapes, title=title or "heat map")


def one_map(name: str, array: np.ndarray) -> tuple[list[Element], float, float]:
    """The shapes of one map, how wide they are, and how high its cells."""
    cells = pooled(as_matrix(array))
    rows, columns = cells.shape
    pitch = min(CELL * 2, max(5.0, min(CELL, WIDEST / max(columns, 1))))
    width, height = pitch * columns, pitch * rows
    finite = cells[np.isfinite(cells)]
    strongest = float(np.abs(finite).max(initial=0.0))
    shapes = [text(fit(name, TICK_SIZE, max(width, 110.0)), 0, -8, TICK_SIZE, font_weight=600)]
    shapes += strokes(cells, strongest, pitch)
    shapes.append(Element("rect", x=0, y=0, width=width, height=height, fill="none", stroke=RULE))
    shapes.append(scale(strongest, height + 10))
    return shapes, max(width, 150.0, text_width(name, TICK_SIZE) if len(name) < 20 else 0.0), height


def as_matrix(array: Any) -> np.ndarray:
    """The array as (rows, columns) of floats: a single number and a vector are one row, more axes are rows below
    each other."""
    values = np.asarray(array)
    values = np.abs(values) if values.dtype.kind == "c" else values
    columns = values.shape[-1] if values.ndim else 1
    with np.errstate(over="ignore"):
        return values.reshape(-1, columns).astype(np.float64) if values.size else np.zeros((0, 0))


def pooled(matrix: np.ndarray) -> np.ndarray:
    """At most 24 x 40 cells, each the mean of a block of the matrix; a vector is folded into rows before that."""
    if matrix.shape[0] == 1 and matrix.shape[1] > MOST_COLUMNS:
        whole = -(-matrix.shape[1] // MOST_COLUMNS)
        folded = np.full(whole * MOST_COLUMNS, 0.0)
        folded[: matrix.shape[1]] = matrix[0]
        matrix = folded.reshape(whole, MOST_COLUMNS)
    for axis, most in ((0, MOST_ROWS), (1, MOST_COLUMNS)):
        starts = block_starts(matrix.shape[axis], most)
        if len(starts) < matrix.shape[axis]:
            counts = np.diff([*starts, matrix.shape[axis]])
            with np.errstate(over="ignore", invalid="ignore"):
                sums = np.add.reduceat(matrix, starts, axis)
                matrix = sums / (counts[:, None] if axis == 0 else counts)
    return matrix


def block_starts(n: int, most: int) -> list[int]:
    """Where the blocks of an axis begin, all of one size but perhaps the last."""
    return list(range(0, n, -(-n // most))) if n else []


def strokes(cells: np.ndarray, strongest: float, pitch: float) -> list[Element]:
    """For each shade one path, of a thick stroke for each run of cells in a row."""
    middle = len(SHADES) // 2
    with np.errstate(invalid="ignore"):
        levels = np.nan_to_num(np.rint(cells / (strongest or 1.0) * middle)) + middle
    levels = np.where(np.isfinite(cells), np.clip(levels, 0, len(SHADES) - 1), len(SHADES)).astype(int)
    runs: dict[int, list[str]] = {}
    for row, line in enumerate(levels.tolist()):
        start = 0
        for column in range(1, len(line) + 1):
            if column == len(line) or line[column] != line[start]:
                place = f"M{start * pitch:.4g} {(row + 0.5) * pitch:.4g}h{(column - start) * pitch:.4g}"
                runs.setdefault(line[start], []).append(place)
                start = column
    colours = (*SHADES, NOT_FINITE)
    return [
        Element("path", d="".join(places), stroke=colours[level], stroke_width=pitch, fill="none")
        for level, places in sorted(runs.items())
        if level != middle
    ]


def scale(strongest: float, y: float) -> Element:
    """What the shades mean."""
    step = 7.0
    bars = [
        Element("rect", x=i * step, y=0, width=step, height=7, fill=shade, stroke=RULE, stroke_width=0.3)
        for i, shade in enumerate(SHADES)
    ]
    end = f"±{strongest:.3g}" if strongest else "all zero"
    return Element(
        "g", *bars, text(end, len(SHADES) * step + 6, 8, TICK_SIZE - 1, fill=FAINT_INK), transform=translate(0, y)
    )
