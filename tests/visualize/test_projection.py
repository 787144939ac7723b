"""Principal components, against their definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigrad.visualize.projection import pca

matrices = arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(1, 6)), elements=st.integers(-50, 50).map(float))


@given(matrices, st.integers(1, 7))
def test_components_are_orthonormal_and_give_the_coordinates(vectors, dimensions):
    coordinates, components, ratio = pca(vectors, dimensions)
    assert coordinates.shape == (len(vectors), dimensions)
    assert components.shape == (dimensions, vectors.shape[1])
    used = int(np.sum(np.abs(components).sum(axis=1) > 0))
    np.testing.assert_allclose(components[:used] @ components[:used].T, np.eye(used), atol=1e-9)
    np.testing.assert_allclose(coordinates, (vectors - vectors.mean(axis=0)) @ components.T, atol=1e-9)
    assert not coordinates[:, used:].any()
    assert not ratio[used:].any()


@given(matrices)
def test_all_components_keep_all_distances_and_all_variance(vectors):
    coordinates, _, ratio = pca(vectors, dimensions=6)
    centred = vectors - vectors.mean(axis=0)
    np.testing.assert_allclose(coordinates @ coordinates.T, centred @ centred.T, atol=1e-6)
    assert ratio.sum() == pytest.approx(1.0 if np.abs(centred).max() > 1e-9 else 0.0)
    assert np.all(np.diff(ratio) <= 1e-12)


def test_the_ratio_is_the_share_of_the_eigenvalues():
    vectors = np.random.default_rng(0).normal(size=(50, 4)) * [4, 3, 2, 1]
    eigenvalues = np.linalg.eigvalsh(np.cov(vectors.T))[::-1]
    np.testing.assert_allclose(pca(vectors).explained_variance_ratio, eigenvalues[:2] / eigenvalues.sum())


@given(matrices)
def test_the_largest_weight_of_each_component_is_positive(vectors):
    for component in pca(vectors, dimensions=2).components:
        assert component[np.argmax(np.abs(component))] >= 0 or np.isclose(component.max(), -component.min())


def test_the_order_of_the_vectors_does_not_turn_the_picture():
    vectors = np.random.default_rng(1).normal(size=(12, 3))
    np.testing.assert_allclose(pca(vectors[::-1]).coordinates[::-1], pca(vectors).coordinates, atol=1e-12)


def test_one_vector_and_equal_vectors_lie_in_the_middle():
    assert not pca([[1.0, 2.0, 3.0]]).coordinates.any()
    assert not pca(np.full((5, 3), 0.1)).coordinates.any()
    assert pca(np.zeros((0, 3))).coordinates.shape == (0, 2)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.zeros(3), r"must have shape \(vectors, width\), got \(3,\)"),
        ([[0.0, np.nan], [1.0, 2.0]], "vector 0 holds nan at position 1"),
        ([[0.0, 1.0], [np.inf, 2.0]], "vector 1 holds inf at position 0"),
    ],
)
def test_what_has_no_components_is_refused(vectors, message):
    with pytest.raises(ValueError, match=message):
        pca(vectors)


def test_no_dimensions_are_refused():
    with pytest.raises(ValueError, match="dimensions must be at least 1, got 0"):
        pca([[1.0, 2.0]], dimensions=0)
