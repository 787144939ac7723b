"""A loss of predictions that carry a mask is the mean over what is kept, as in Keras 3."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import losses
from minigrad.errors import ShapeError


def carrying(values, mask):
    out = mg.Tensor(values, requires_grad=True)
    out.mask = mg.Tensor(mask)
    return out


@given(
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(0, 2**16),
    st.sampled_from(["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"]),
    st.booleans(),
)
def test_the_values_that_count(batch, time, seed, reduction, weigh):
    rng = np.random.default_rng(seed)
    y, p = rng.normal(size=(2, batch, time, 2))
    mask = rng.random((batch, time)) < 0.6
    w = rng.uniform(0.5, 2, batch) if weigh else None
    own = ((y - p) ** 2).mean(-1)
    heavy = mask * (np.ones((batch, 1)) if w is None else w[:, None])
    kept = max(mask.sum(), 1)
    # Keras 3: weights times mask times (all / valid), summed over all.
    expected = {
        "sum_over_batch_size": (own * heavy).sum() / kept,
        "sum": (own * heavy).sum(),
        "mean_with_sample_weight": (own * heavy).sum() / max(heavy.sum(), 1e-9),
        "none": own * heavy,
    }[reduction]
    loss = losses.MeanSquaredError(reduction=reduction)(y, carrying(p, mask), sample_weight=w)
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-9, atol=1e-12)


def test_what_is_masked_gets_no_gradient():
    mask = np.array([[True, False], [False, False]])
    p = carrying(np.ones((2, 2, 3)), mask)
    g = mg.grad(losses.MeanAbsoluteError()(np.zeros((2, 2, 3)), p), p)
    np.testing.assert_allclose(g, np.broadcast_to(mask[:, :, None] / 3, g.shape))
    assert float(losses.MeanAbsoluteError()(np.zeros((2, 2, 3)), carrying(np.ones((2, 2, 3)), mask & False))) == 0


def test_a_mask_of_fewer_axes_is_for_all_of_them():
    mask = np.array([True, False])
    y, p = np.zeros((2, 3, 1)), np.arange(6.0).reshape(2, 3, 1)
    assert float(losses.MeanAbsoluteError()(y, carrying(p, mask))) == 1.0


def test_it_comes_on_top_of_ignored_classes():
    labels = np.array([[0, 1, -1]])
    p = carrying(np.full((1, 3, 2), 0.5), np.array([[True, False, True]]))
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    assert float(loss(labels, p)) == pytest.approx(np.log(2))


def test_a_mask_that_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"mask of shape \(2, 3\), but the loss has values of shape \(2,\)"):
        losses.MeanSquaredError()(np.zeros((2, 3)), carrying(np.zeros((2, 3)), np.ones((2, 3), bool)))
