"""Keras's small helpers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import utils
from minigrad.errors import UnknownName
from minigrad.layers import Dense, Dropout, Input

# -- seeds -------------------------------------------------------------------------------------------------------------


def test_a_seed_fixes_weights_shuffles_and_masks_but_not_numpys_global_state():
    def everything():
        utils.set_random_seed(7)
        x = Input((4,))
        model = mg.Model(x, Dense(2)(Dropout(0.5)(x)))
        mask = model(np.ones((1, 4)), training=True).numpy()
        return [*model.get_weights(), mask, mg.random.permutation(9, None, 0)]

    before = np.random.get_state()[1].copy()  # noqa: NPY002
    for one, other in zip(everything(), everything(), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("seed", [-1, 1.5, None, "1", True])
def test_what_is_no_seed(seed):
    with pytest.raises((TypeError, ValueError), match="whole number"):
        utils.set_random_seed(seed)


# -- one-hot -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 6), max_size=8), st.integers(7, 9))
def test_one_hot_rows_say_their_class(classes, count):
    rows = utils.to_categorical(np.array(classes, int), count)
    assert rows.shape == (len(classes), count)
    assert rows.dtype == np.float32
    assert rows.argmax(-1).tolist() == classes
    assert (rows.sum(-1) == 1).all()


def test_one_hot_of_other_shapes():
    assert utils.to_categorical([1, 0]).tolist() == [[0, 1], [1, 0]]
    assert utils.to_categorical([[1], [0]]).shape == (2, 2)
    assert utils.to_categorical([[1, 2], [0, 1]]).shape == (2, 2, 3)
    assert utils.to_categorical(2).tolist() == [0, 0, 1]
    assert utils.to_categorical([]).shape == (0, 0)
    assert utils.to_categorical([1.0, 0.0]).shape == (2, 2)
    assert utils.to_categorical([True, False]).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("x", "count", "message"),
    [
        ([0, 3], 3, r"class 3 at \[1\] is not a whole number from 0 to 2"),
        ([[0, -1]], None, r"class -1 at \[0, 1\] is not a whole number from 0"),
        ([0.5], None, r"class 0\.5 at \[0\]"),
        ([0, np.nan], 3, r"class nan at \[1\]"),
    ],
)
def test_classes_that_are_none(x, count, message):
    with pytest.raises(ValueError, match=f"to_categorical: {message}"):
        utils.to_categorical(x, count)
    with pytest.raises(TypeError, match="must be whole numbers, got dtype <U1"):
        utils.to_categorical(["a"])


# -- sequences ---------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.lists(st.integers(-9, 9), max_size=5), max_size=5),
    st.none() | st.integers(0, 6),
    st.sampled_from(["pre", "post"]),
    st.sampled_from(["pre", "post"]),
)
def test_padded_sequences_against_plain_lists(sequences, maxlen, padding, truncating):
    length = max(map(len, sequences), default=0) if maxlen is None else maxlen
    expected = []
    for s in sequences:
        s = s[max(0, len(s) - length) :] if truncating == "pre" else s[:length]
        gap = [7] * (length - len(s))
        expected.append(gap + s if padding == "pre" else s + gap)
    got = utils.pad_sequences(sequences, maxlen, padding=padding, truncating=truncating, value=7)
    assert got.tolist() == expected
    assert got.dtype == np.int32
    assert got.shape == (len(sequences), length)


def test_sequences_of_vectors_and_of_floats():
    got = utils.pad_sequences([np.ones((1, 2)), np.ones((3, 2))], dtype="float32", padding="post", value=-1.0)
    assert got.shape == (2, 3, 2)
    assert got[0].tolist() == [[1, 1], [-1, -1], [-1, -1]]
    assert utils.pad_sequences([[0.5], [0.25, 1]], dtype="float64").tolist() == [[0, 0.5], [0.25, 1]]


def test_sequences_that_do_not_fit():
    with pytest.raises(UnknownName, match=r"Unknown padding of pad_sequences 'before'.*Known: post, pre"):
        utils.pad_sequences([[1]], padding="before")
    with pytest.raises(ValueError, match=r"sequences\[1\] is 3, expected a list or an array"):
        utils.pad_sequences([[1], 3])
    with pytest.raises(ValueError, match=r"sequences\[1\] has steps of shape \(3,\), the first of \(2,\)"):
        utils.pad_sequences([np.ones((1, 2)), np.ones((1, 3))])
    with pytest.raises(ValueError, match=r"dtype int32 cannot hold 0\.5 of sequences\[0\]"):
        utils.pad_sequences([[1, 0.5]])


# -- the others --------------------------------------------------------------------------------------------------------


def test_normalize():
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    np.testing.assert_allclose(np.linalg.norm(utils.normalize(x), axis=-1), 1)
    np.testing.assert_allclose(np.abs(utils.normalize(x, axis=1, order=1)).sum(1), 1)
    assert utils.normalize(np.zeros((2, 3))).tolist() == [[0] * 3] * 2
    assert utils.normalize(np.ones(4, np.float32)).dtype == np.float32


def test_is_keras_tensor():
    assert utils.is_keras_tensor(Input((3,)))
    assert utils.is_keras_tensor(Input((3,)) * 2)
    assert not utils.is_keras_tensor(np.ones(3))
    assert not utils.is_keras_tensor(mg.Tensor([1.0]))


def test_packing_and_unpacking_a_batch():
    for parts in (("x",), ("x", "y"), ("x", "y", "w")):
        unpacked = utils.unpack_x_y_sample_weight(parts)
        assert unpacked == (*parts, None, None)[:3]
        assert utils.pack_x_y_sample_weight(*unpacked) == parts
    assert utils.unpack_x_y_sample_weight("x") == ("x", None, None)
    with pytest.raises(ValueError, match="got a tuple of 4"):
        utils.unpack_x_y_sample_weight((1, 2, 3, 4))


def test_a_progress_bar_for_loops_of_ones_own(capsys):
    bar = utils.Progbar(3)
    for _ in range(3):
        bar.add(1, [("loss", 0.5)])
    assert " - loss: 0.5000" in capsys.readouterr().out
