"""Vectors of many dimensions seen in two: principal components."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.mode import no_grad
from ..core.tensor import Tensor
from ..ops.gather import gather
from .charts import ACCENT, RING, scatter
from .chosen import Labels, checked_labels, row_ids
from .page import figure
from .shown import Shown

USUAL = 500  # of a larger table, so many rows are shown
CROWD, LARGE = 60, 760.0  # more points than that get a larger picture and smaller dots


class Projection(NamedTuple):
    """`coordinates` of shape (vectors, dimensions), `components` (dimensions, width) with rows of
    length one, and `explained_variance_ratio` (dimensions,): the share of all variance along each
    component."""

    coordinates: NDArray[np.float64]
    components: NDArray[np.float64]
    explained_variance_ratio: NDArray[np.float64]


def pca(vectors: ArrayLike, dimensions: int = 2) -> Projection:
    """Project vectors, of shape (vectors, width), onto the directions in which they differ most.

    Components have the sign that makes their largest weight positive, so that the same vectors always give
    the same picture. Where the vectors span fewer dimensions than asked for, the rest is zeros. Raises
    `ValueError` for anything but a matrix of finite numbers. Source: the singular value decomposition of
    the centred matrix (Pearson 1901, Hotelling 1933); as in scikit-learn's `PCA`.

    >>> found = pca([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    >>> found.coordinates[:, 0].round(6).tolist(), found.explained_variance_ratio.round(6).tolist()
    ([-5.0, 0.0, 5.0], [1.0, 0.0])
    """
    matrix = np.asarray(vectors, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"pca: vectors must have shape (vectors, width), got {matrix.shape}")
    if dimensions < 1:
        raise ValueError(f"pca: dimensions must be at least 1, got {dimensions}")
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise ValueError(f"pca: vector {row} holds {matrix[row, column]} at position {column}; all must be finite")

    count, width = matrix.shape
    coordinates, components = np.zeros((count, dimensions)), np.zeros((dimensions, width))
    ratio = np.zeros(dimensions)
    if matrix.size:
        centred = matrix - matrix.mean(axis=0)
        _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
        spanned = int(np.sum(lengths > np.finfo(np.float64).eps * max(matrix.shape) * np.abs(matrix).max(initial=0.0)))
        used = min(dimensions, spanned)
        components[:used] = _with_fixed_signs(directions[:used])
        coordinates[:, :used] = centred @ components[:used].T
        ratio[:used] = lengths[:used] ** 2 / max(np.sum(lengths**2), np.finfo(np.float64).tiny)
    return Projection(coordinates, components, ratio)


def _with_fixed_signs(directions: NDArray[Any]) -> NDArray[Any]:
    """Each row times 1 or -1, so that the first of its largest weights (up to rounding) is positive."""
    sizes = np.abs(directions)
    largest = np.argmax(sizes >= sizes.max(axis=1, keepdims=True) * (1 - 1e-9), axis=1)
    signs: NDArray[Any] = np.sign(directions[np.arange(len(directions)), largest])
    fixed: NDArray[Any] = directions * signs[:, np.newaxis]
    return fixed


class Plane(Shown):
    """Rows of a table laid into the plane: what `Embedding.project` and `project` return.

    ids: (rows,), which rows. coordinates (rows, 2), components (2, width) and explained_variance_ratio (2,) as in
    `Projection`. `svg()` is the picture; a notebook shows it, and `save("table.svg")` keeps it.
    """

    def __init__(
        self, title: str, ids: NDArray[np.intp], found: Projection, labels: list[str], count: int, ring: bool
    ) -> None:
        self.title, self.ids, self.labels, self.count, self.ring = title, ids, labels, count, ring
        self.coordinates, self.components, self.explained_variance_ratio = found

    def svg(self) -> str:
        """The chart: a dot for each row, with its label where there is room; one unit is as long on both axes."""
        first, second = self.explained_variance_ratio
        many = len(self.ids) > CROWD
        return scatter(
            self.coordinates,
            self.labels,
            title=self.title,
            xlabel=f"first principal axis ({first:.0%} of the variance)",
            ylabel=f"second principal axis ({second:.0%})",
            ring=self.ring,
            size=LARGE if many else 460.0,
            dot=2.5 if many else 4.5,
        )

    def plot(self, ax: Any = None) -> Any:
        """Draw it into axes of matplotlib, by default new ones; returns them."""
        from .figures import as_data, axes

        first, second = self.explained_variance_ratio
        ax = axes(ax, self.title, f"first axis ({first:.0%} of the variance)", f"second axis ({second:.0%})")
        x, y = self.coordinates.T
        if self.ring:
            ax.plot([*x, x[0]], [*y, y[0]], color=RING, zorder=1)
        ax.scatter(x, y, s=20 if len(x) <= CROWD else 8, color=ACCENT)
        for place, label in zip(self.coordinates, self.labels if len(x) <= CROWD else [], strict=False):
            as_data(ax.annotate("", place, (4, 3), textcoords="offset points", fontsize=9), label)
        ax.margins(0.12)
        ax.set_aspect("equal", "datalim")
        return ax

    def html(self) -> str:
        """The picture, and in words what it shows."""
        return figure(self.svg(), f"{self}.")

    def __str__(self) -> str:
        shown = f"{len(self.ids):,} rows" + (f" of {self.count:,}" if len(self.ids) != self.count else "")
        return (
            f"{self.title}: {shown} of {self.components.shape[1]} numbers each, on the two axes along which they "
            f"differ most, with {self.explained_variance_ratio.sum():.0%} of their variance"
        )

    __repr__ = __str__


def project(table: Any, labels: Labels = None, rows: Any = None, title: str = "The table", ring: bool = False) -> Plane:
    """Lay the rows of a table, (rows, width), into the plane by principal components; a `Plane`, to be looked at.

    labels: a name for each row of the table, or a dict by id; by default the ids, while they are few. rows: which rows
    to take, or how many of the first; by default the first 500, which in a vocabulary by frequency are the most
    frequent words. ring: join the rows in their order (months, hours). ValueError for rows that are not finite.

    >>> plane = project([[0.0, 0.0, 1.0], [3.0, 4.0, 1.0], [6.0, 8.0, 1.0]], labels=["a", "b", "c"])
    >>> print(plane)
    The table: 3 rows of 3 numbers each, on the two axes along which they differ most, with 100% of their variance
    """
    table = table if isinstance(table, Tensor) else np.asarray(table)
    if len(table.shape) != 2:
        raise ValueError(f"project: a table has shape (rows, width), got {table.shape}")
    count = table.shape[0]
    names = checked_labels(labels, count)
    ids = chosen(rows, count)
    with no_grad():
        vectors = np.asarray(gather(table, ids))  # these rows alone, of however large a table
    if not np.isfinite(vectors).all():
        row, column = np.argwhere(~np.isfinite(vectors))[0]
        raise ValueError(f"project: row {ids[row]} holds {vectors[row, column]} at position {column}")
    numbered = labels is None and len(ids) <= CROWD
    shown = [str(i) if numbered else names.get(i, "") for i in ids.tolist()]
    return Plane(title, ids, pca(vectors), shown, count, ring)


def project_layer(layer: Any, labels: Labels = None, rows: Any = None) -> Plane:
    """See `Embedding.project`."""
    if not layer.built:
        raise ValueError(
            f"project: {layer.name} was never built, so it has no table yet; call it, or put it into a Model, first"
        )
    return project(layer.embeddings, labels, rows, title=f"The rows of {layer.name}")


def chosen(rows: Any, count: int) -> NDArray[np.intp]:
    """The ids of the rows to project."""
    ids = row_ids(rows, count)
    return np.arange(min(USUAL if rows is None else int(rows), count)) if ids is None else ids
