"""Vectors of many dimensions seen in two: principal components."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


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
