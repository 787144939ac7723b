"""Dense: its weights, and what it says about inputs that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.errors import ShapeError, UnknownName
from minigrad.layers import Dense, Embedding, Flatten, Input


def test_keras_defaults():
    layer = Dense(30)
    layer(np.zeros((1, 70)))
    kernel, bias = layer.get_weights()
    limit = np.sqrt(6 / (30 + 70))  # glorot_uniform
    assert kernel.shape == (70, 30)
    assert 0.95 * limit < np.abs(kernel).max() <= limit
    assert np.array_equal(bias, np.zeros(30))
    assert [w.name for w in layer.weights] == ["kernel", "bias"]


def test_integers_are_taken_as_floats_of_the_layer():
    assert Dense(2)(np.ones((1, 3), np.int64)).dtype == np.float32
    assert Dense(2)(Input((3,), dtype="int32")).dtype == np.float32


def test_a_function_as_activation():
    layer = Dense(2, activation=np.exp, kernel_initializer="zeros")
    np.testing.assert_array_equal(layer(np.ones((1, 3))).numpy(), [[1, 1]])


def test_regularizers_and_constraints_reach_their_weights():
    layer = Dense(
        2, kernel_regularizer="l1", bias_regularizer="l2", kernel_constraint="non_neg", bias_constraint="max_norm"
    )
    layer(np.zeros((1, 3)))
    assert layer.kernel.regularizer is layer.kernel_regularizer
    assert layer.bias.regularizer is layer.bias_regularizer
    assert layer.kernel.constraint is layer.kernel_constraint
    assert layer.bias.constraint is layer.bias_constraint
    assert len(layer.losses) == 2


@pytest.mark.parametrize("units", [0, -1, 2.0, True, None])
def test_units_must_be_a_positive_whole_number(units):
    with pytest.raises(ValueError, match=f"Dense: units={units!r}; expected a positive whole number"):
        Dense(units)


def test_misspelt_names_get_suggestions():
    with pytest.raises(UnknownName, match="Did you mean 'relu'"):
        Dense(2, activation="rleu")
    with pytest.raises(UnknownName, match="Did you mean 'glorot_uniform'"):
        Dense(2, kernel_initializer="glorot_unifrom")
    with pytest.raises(TypeError, match=r"argument of Dense 'kernel_initialiser'.*Did you mean 'kernel_initializer'"):
        Dense(2, kernel_initialiser="zeros")


def test_no_axis_of_features():
    with pytest.raises(ShapeError) as caught:
        Dense(2)(Input(()))
    assert str(caught.value) == (
        "layer dense (Dense), called on (None,): expected at least 2 axes (batch, ..., features), got 1: (None,). "
        "There is no axis of features to multiply with the kernel; give the Input one, as in Input((4,))\n"
        "  its input comes from input (None,)"
    )


def test_an_open_axis_is_traced_to_its_input():
    x = Flatten()(Embedding(7, 3)(Input((None,), name="words")))
    with pytest.raises(ShapeError) as caught:
        Dense(2, name="score")(x)
    assert str(caught.value) == (
        "layer score (Dense), called on (None, None): the last axis of (None, None) is open, but the kernel needs its "
        "size\n"
        "  its input comes from words (None, None) -> embedding (None, None, 3) -> flatten (None, None)\n"
        "  axis 1 of words is open: give that Input its size"
    )


def test_a_width_other_than_at_first():
    layer = Dense(2)
    layer(Input((4,)))
    message = r"called on \(1, 5\): expected a last axis of size 4, for which the kernel \(4, 2\) was made, got 5"
    with pytest.raises(ShapeError, match=message):
        layer(np.zeros((1, 5)))
    with pytest.raises(ShapeError, match=r"its input comes from input \(None, 5\)"):
        layer(Input((5,)))


def test_a_failed_call_leaves_the_layer_unbuilt():
    layer = Dense(2)
    with pytest.raises(ShapeError):
        layer(Input(()))
    assert layer(Input((4,))).shape == (None, 2)
