"""Layers that move or pool elements: open axes, empty ones, and inputs that do not fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import ShapeError, UnknownName
from minigrad.layers import (
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Input,
    Permute,
    RepeatVector,
    Reshape,
)

sizes = st.lists(st.integers(1, 4), min_size=1, max_size=3)


@given(st.integers(0, 3), sizes, st.randoms())
def test_reshaping_to_any_order_of_the_same_sizes(batch, shape, random):
    x = np.random.default_rng(0).standard_normal((batch, *shape)).astype(np.float32)
    wanted = random.sample(shape, len(shape))
    for target in (wanted, [-1, *wanted[1:]], [1, *wanted]):
        layer = Reshape(target)
        expected = [n if n != -1 else wanted[0] for n in target]
        np.testing.assert_array_equal(layer(x).numpy(), x.reshape(batch, *expected))
        assert layer(Input(shape)).shape == (None, *expected)


def test_an_open_axis_besides_the_batch():
    assert Flatten()(Input((None, 3))).shape == (None, None)
    assert Reshape((-1, 2))(Input((None, 4))).shape == (None, None, 2)
    assert Permute((2, 1))(Input((None, 4))).shape == (None, 4, None)
    assert GlobalAveragePooling1D()(Input((None, 4))).shape == (None, 4)
    assert RepeatVector(3)(Input((None,))).shape == (None, 3, None)


def test_an_axis_without_elements():
    assert Flatten()(np.zeros((2, 0, 3))).shape == (2, 0)
    assert Reshape((3, 0))(np.zeros((2, 0))).shape == (2, 3, 0)


def test_keepdims():
    assert GlobalMaxPooling1D(keepdims=True)(Input((5, 3))).shape == (None, 1, 3)
    assert GlobalAveragePooling1D("channels_first", keepdims=True)(Input((3, 5))).shape == (None, 3, 1)


def test_the_mean_of_integers_is_a_float_of_the_layer():
    mean = GlobalAveragePooling1D()(np.array([[[1], [2]]]))
    assert (mean.item(), mean.dtype) == (1.5, np.float32)


BAD = [
    (Reshape((5, 2)), Input((12,)), r"has 12 elements \(12,\); they do not fit the shape \(5, 2\), which takes 10"),
    (Reshape((5, -1)), Input((4, 3)), r"has 12 elements \(4, 3\); they do not fit .*\(5, -1\), 5 times a whole number"),
    (Reshape((-1, 0)), Input((4,)), r"has 4 elements"),
    (Permute((2, 1)), Input((4,)), r"expected 3 axes \(the batch, and those that dims=\(2, 1\) names\), got 2: \(None"),
    (RepeatVector(2), Input((4, 3)), r"expected 2 axes \(batch, features\), got 3: \(None, 4, 3\)"),
    (GlobalMaxPooling1D(), Input((4,)), r"expected 3 axes \(batch, time, features\), got 2"),
    (GlobalAveragePooling1D("channels_first"), Input((4,)), r"expected 3 axes \(batch, features, time\), got 2"),
    (Flatten(), Input(batch_shape=()), "expected at least the batch axis"),
]


@pytest.mark.parametrize(("layer", "x", "message"), BAD)
def test_inputs_that_do_not_fit(layer, x, message):
    with pytest.raises(ShapeError, match=rf"layer {layer.name} \({type(layer).__name__}\), called on .*: .*{message}"):
        layer(x)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="more than one -1"):
        Reshape((-1, -1))
    with pytest.raises(ValueError, match="target_shape=-2; expected a whole number from 0"):
        Reshape((-2, 3))
    with pytest.raises(ValueError, match=r"dims=\(1, 3\); expected each of 1 to 2 once"):
        Permute((1, 3))
    with pytest.raises(ValueError, match="n=0; expected a positive whole number"):
        RepeatVector(0)
    for layer in (Flatten, GlobalMaxPooling1D, GlobalAveragePooling1D):
        with pytest.raises(UnknownName, match=f"data_format of {layer.__name__} .*Did you mean 'channels_last'"):
            layer(data_format="chanels_last")
