"""Constraints: what they make of weights, and how they are named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import constraints
from minigrad.errors import UnknownName


def weights(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, (4, 3)).astype(np.float32)


def norms(w: np.ndarray, axis: int) -> np.ndarray:
    return np.sqrt(np.sum(w.astype(np.float64) ** 2, axis=axis))


@given(st.integers(0, 1000), st.sampled_from([0, 1, -1]))
def test_max_norm_shortens_what_is_too_long_and_nothing_else(seed, axis):
    w = weights(seed)
    out = constraints.MaxNorm(4.0, axis)(w)
    np.testing.assert_allclose(norms(out, axis), np.minimum(norms(w, axis), 4.0), rtol=1e-5)
    assert out.dtype == np.float32


@given(st.integers(0, 1000), st.sampled_from([0, 1]))
def test_unit_norm_leaves_the_direction(seed, axis):
    w = weights(seed)
    out = constraints.UnitNorm(axis)(w)
    np.testing.assert_allclose(norms(out, axis), 1.0, rtol=1e-5)
    np.testing.assert_allclose(out * np.expand_dims(norms(w, axis), axis), w, rtol=1e-4)


@given(st.integers(0, 1000), st.floats(0, 1))
def test_min_max_norm_goes_part_of_the_way(seed, rate):
    w = weights(seed)
    out = constraints.MinMaxNorm(3.0, 5.0, rate)(w)
    expected = rate * np.clip(norms(w, 0), 3.0, 5.0) + (1 - rate) * norms(w, 0)
    np.testing.assert_allclose(norms(out, 0), expected, rtol=1e-5)


def test_several_axes_make_one_norm():
    w = np.full((2, 2, 3), 2.0)
    out = constraints.MaxNorm(1.0, axis=[0, 1])(w)
    np.testing.assert_allclose(np.sum(out**2, axis=(0, 1)), 1.0, rtol=1e-6)


def test_non_neg_and_a_zero_vector():
    assert constraints.NonNeg()(np.array([-1.0, 0.0, 2.0])).tolist() == [0, 0, 2]
    assert constraints.UnitNorm()(np.zeros((3, 1))).tolist() == [[0], [0], [0]]


@pytest.mark.parametrize("name", ["max_norm", "NonNeg", "unit_norm", "min_max_norm"])
def test_config_round_trip(name):
    constraint = constraints.get(name)
    again = constraints.deserialize(constraints.serialize(constraint))
    assert type(again) is type(constraint)
    assert again.get_config() == constraint.get_config()


def test_bad_arguments_and_names_are_told():
    with pytest.raises(ValueError, match="min_value <= max_value"):
        constraints.MinMaxNorm(2.0, 1.0)
    with pytest.raises(ValueError, match="max_value"):
        constraints.MaxNorm(-1.0)
    with pytest.raises(UnknownName, match="Did you mean 'max_norm'"):
        constraints.get("maxnrom")
    with pytest.raises(UnknownName, match="Did you mean 'max_value'"):
        constraints.MaxNorm.from_config({"max_valu": 1})
