"""Normalization, Discretization and CategoryEncoding: Keras's results, learning in batches, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.errors import DTypeError, IdError, NonFiniteError, ShapeError, UnknownName
from minigrad.layers import CategoryEncoding, Discretization, Input, Normalization
from minigrad.models import Model

ROWS = np.array([[0.0, 7.0, 4.0], [2.0, 9.0, 6.0], [0.0, 7.0, 4.0], [2.0, 9.0, 6.0]])

tables = hnp.arrays(
    np.float64, st.tuples(st.integers(2, 30), st.integers(1, 4)), elements=st.integers(-500, 500).map(lambda n: n / 8)
)


def learned(layer, data):
    layer.adapt(data)
    return layer


# -- Normalization ----------------------------------------------------------------------------------------------------


def test_normalization_as_in_keras():
    layer = learned(Normalization(), ROWS)
    np.testing.assert_allclose(layer(ROWS).numpy(), [[-1] * 3, [1] * 3] * 2)
    assert layer.mean.tolist() == [[1, 8, 5]]
    assert [(w.name, w.shape, w.trainable) for w in layer.weights] == [
        ("mean", (3,), False),
        ("variance", (3,), False),
        ("count", (), False),
    ]
    given_both = Normalization(mean=3.0, variance=2.0)
    np.testing.assert_allclose(given_both([[1.0], [2.0], [3.0]]).numpy(), [[-1.4142135], [-0.70710677], [0]])
    assert given_both.weights == []


def test_normalization_along_other_axes():
    data = np.arange(24.0).reshape(4, 3, 2)
    np.testing.assert_allclose(learned(Normalization(axis=(1, 2)), data)(data).numpy()[0], -1.3416408, rtol=1e-6)
    assert learned(Normalization(axis=1), data).mean.tolist() == [[[9.5], [11.5], [13.5]]]
    single = learned(Normalization(axis=None), [1.0, 2, 3, 4, 5])
    np.testing.assert_allclose(single([1.0, 2, 3]).numpy(), [-1.4142135, -0.70710677, 0])


@given(tables)
def test_its_own_data_gets_mean_0_and_variance_1(data):
    layer = learned(Normalization(dtype="float64"), data)
    out = layer(data).numpy()
    constant = np.ptp(data, axis=0) == 0
    np.testing.assert_allclose(out.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(out.var(0), np.where(constant, 0, 1), atol=1e-9)
    back = Normalization(mean=layer.mean.numpy()[0], variance=layer.variance.numpy()[0], invert=True, dtype="float64")
    np.testing.assert_allclose(back(out).numpy(), data, atol=1e-9)


@given(tables, st.integers(1, 5))
def test_batches_teach_the_same_mean_and_variance(data, size):
    together = learned(Normalization(dtype="float64"), data)
    apart = learned(Normalization(dtype="float64"), iter([data[i : i + size] for i in range(0, len(data), size)]))
    for a, b in zip(together.get_weights(), apart.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def test_a_constant_feature_is_not_divided_by_zero():
    assert learned(Normalization(), [[1.0], [1.0]])([[1.0], [2.0]]).tolist() == [[0], [1e7]]


def test_integers_may_be_normalized():
    np.testing.assert_allclose(learned(Normalization(), ROWS)(ROWS.astype(int)).numpy()[0], -1)


def test_normalization_is_an_ordinary_layer_of_a_program():
    layer, x = Normalization(), Input((3,))
    model = Model(x, layer(x))
    with pytest.raises(ValueError, match=r"normalization_1 has no mean and variance yet: call adapt\(data\) first"):
        model.predict(ROWS, verbose=0)
    layer.adapt(ROWS)
    np.testing.assert_allclose(model.predict(ROWS, verbose=0)[:2], [[-1] * 3, [1] * 3])
    layer.adapt(ROWS + 1)  # the program reads the weights as they are
    np.testing.assert_allclose(model.predict(ROWS, verbose=0)[:2], [[-2] * 3, [0] * 3])


def test_normalization_is_learned_or_set_or_given():
    layer = Normalization()
    with pytest.raises(ValueError, match="normalization has no mean and variance yet"):
        layer(ROWS)
    layer.set_weights([[1, 8, 5], [1, 1, 1], 4])
    np.testing.assert_allclose(layer(ROWS).numpy()[0], -1)
    with pytest.raises(ValueError, match="give both mean= and variance="):
        Normalization(mean=1.0)
    with pytest.raises(ValueError, match="but they were given"):
        Normalization(mean=1.0, variance=1.0).adapt(ROWS)
    with pytest.raises(ValueError, match=r"variance=-1.0 is negative"):
        Normalization(mean=1.0, variance=-1.0)


def test_values_that_are_not_finite_teach_nothing():
    layer = learned(Normalization(), ROWS)
    for bad in (np.nan, np.inf):
        with pytest.raises(NonFiniteError, match=rf"normalization.adapt: the value at \[1, 2\] is {bad} \(1 of 12"):
            layer.adapt(np.where(np.arange(12).reshape(4, 3) == 5, bad, ROWS))
    assert layer.mean.tolist() == [[1, 8, 5]]
    with pytest.raises(ValueError, match="the data has no values"):
        layer.adapt(np.zeros((0, 3)))
    with pytest.raises(DTypeError, match="expected numbers, got dtype <U1"):
        layer.adapt(np.array(["a"]))


def test_the_batch_is_no_axis_of_features():
    with pytest.raises(ShapeError, match=r"is the batch, for the input has 1 axes alone. Use axis=None"):
        Normalization().adapt([1.0, 2.0])
    with pytest.raises(ValueError, match="axes other than 0"):
        Normalization(axis=0)
    with pytest.raises(ShapeError, match=r"axis 1 of .* is open"):
        Normalization()(Input((None,)))
    with pytest.raises(ShapeError, match=r"expected an input whose means broadcast as \(1, 3\), got shape \(4, 2\)"):
        learned(Normalization(), ROWS)(ROWS[:, :2])


def test_configs_make_the_layers_again():
    for layer in (Normalization(axis=(1, 2)), Normalization(axis=None), Normalization(mean=[1.0, 2.0], variance=3.0)):
        assert Normalization.from_config(layer.get_config()).get_config() == layer.get_config()
    for layer in (Discretization([0.0, 1.0]), learned(Discretization(num_bins=3), ROWS), Discretization(num_bins=3)):
        assert Discretization.from_config(layer.get_config()).get_config() == layer.get_config()
    layer = CategoryEncoding(4, output_mode="count")
    assert CategoryEncoding.from_config(layer.get_config()).get_config() == layer.get_config()


# -- Discretization ---------------------------------------------------------------------------------------------------


def test_bins_as_in_keras():
    out = Discretization(bin_boundaries=[0.0, 1.0, 2.0])([[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]]).numpy()
    assert out.dtype == np.int32
    assert out.tolist() == [[0, 2, 3, 1], [1, 3, 2, 1]]
    counts = Discretization(bin_boundaries=[0.0, 1.0, 2.0], output_mode="count")
    assert counts([[0.0, 3.0, 1.3, 0.0]]).tolist() == [[0, 2, 1, 1]]


@pytest.mark.parametrize(
    ("bins", "epsilon", "expected"),
    [
        (4, 0.01, [-0.6853942, -0.0281142, 0.6780394]),
        (7, 0.003, [-1.0631099, -0.5856784, -0.2150114, 0.1656041, 0.5623889, 1.0734168]),
    ],
)
def test_learned_boundaries_are_those_of_keras(bins, epsilon, expected):
    data = np.random.default_rng(0).normal(size=5000)
    layer = learned(Discretization(num_bins=bins, epsilon=epsilon), data)
    np.testing.assert_allclose(layer.bin_boundaries, expected, atol=2e-6)


def test_boundaries_learned_in_batches_are_those_of_keras():
    data = np.random.default_rng(0).normal(size=5000)
    layer = learned(Discretization(num_bins=4), iter(data.reshape(5, 1000)))
    np.testing.assert_allclose(layer.bin_boundaries, [-0.6556674, -0.0176299, 0.6991473], atol=2e-6)


@given(st.integers(2, 6), st.integers(300, 900))
def test_learned_bins_have_about_equally_many_values(bins, size):
    data = np.random.default_rng(size).gamma(2.0, size=size)
    layer = learned(Discretization(num_bins=bins), data)
    shares = np.bincount(layer(data).numpy(), minlength=bins) / size
    assert len(shares) == bins
    np.testing.assert_allclose(shares, 1 / bins, atol=0.03)


def test_bins_that_are_refused():
    with pytest.raises(ValueError, match="give either bin_boundaries=, or num_bins="):
        Discretization()
    with pytest.raises(ValueError, match=r"bin_boundaries=\[2.0, 1.0\]; expected ascending"):
        Discretization(bin_boundaries=[2.0, 1.0])
    with pytest.raises(ValueError, match="num_bins=1"):
        Discretization(num_bins=1)
    with pytest.raises(ValueError, match="epsilon=0"):
        Discretization(num_bins=2, epsilon=0)
    with pytest.raises(UnknownName, match="Did you mean 'one_hot'"):
        Discretization([1.0], output_mode="onehot")
    with pytest.raises(ValueError, match=r"discretization has no bins yet: call adapt\(data\) first"):
        Discretization(num_bins=3)([1.0])
    with pytest.raises(NonFiniteError, match=r"the value at \[1\] is nan, which lies in no bin"):
        Discretization([0.0])([1.0, np.nan])
    with pytest.raises(ValueError, match="the data has no values"):
        Discretization(num_bins=3).adapt(np.zeros(0))
    with pytest.raises(ValueError, match="bin_boundaries= were given"):
        Discretization([0.0]).adapt([1.0])


# -- CategoryEncoding -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "ids", "expected"),
    [
        ("one_hot", [3, 2, 0, 1], np.eye(4)[[3, 2, 0, 1]]),
        ("one_hot", [[3], [1]], np.eye(4)[[3, 1]]),
        ("one_hot", [[0, 1], [0, 0]], np.eye(4)[[[0, 1], [0, 0]]]),
        ("one_hot", 2, np.eye(4)[2]),
        ("multi_hot", [[0, 1], [0, 0], [3, 1]], [[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 1]]),
        ("multi_hot", [3, 1], [0, 1, 0, 1]),
        ("count", [[0, 1], [0, 0], [3, 1]], [[1, 1, 0, 0], [2, 0, 0, 0], [0, 1, 0, 1]]),
        ("count", [[[0, 1], [2, 2]]], [[[1, 1, 0, 0], [0, 0, 2, 0]]]),
    ],
)
def test_categories_as_in_keras(mode, ids, expected):
    np.testing.assert_array_equal(CategoryEncoding(num_tokens=4, output_mode=mode)(ids).numpy(), expected)


def test_counts_may_be_weighted():
    layer = CategoryEncoding(4, output_mode="count")
    out = layer([[0, 1], [0, 0]], count_weights=np.array([[0.1, 0.2], [0.1, 0.3]]))
    np.testing.assert_allclose(out.numpy(), [[0.1, 0.2, 0, 0], [0.4, 0, 0, 0]], rtol=1e-6)
    with pytest.raises(ValueError, match="count_weights= is for output_mode='count'"):
        CategoryEncoding(4)([[0, 1]], count_weights=[[1.0, 2.0]])
    with pytest.raises(ShapeError, match=r"count_weights has shape \(1,\), the ids \(1, 2\)"):
        layer([[0, 1]], count_weights=[1.0])


def test_categories_that_are_refused():
    with pytest.raises(IdError, match=r"id 4 at \[0, 1\] is out of range: num_tokens is 4"):
        CategoryEncoding(4)([[0, 4]])
    with pytest.raises(IdError, match="is negative"):
        CategoryEncoding(4)([[-1]])
    with pytest.raises(IdError, match="is not a whole number"):
        CategoryEncoding(4)([[0.5]])
    with pytest.raises(UnknownName, match="Did you mean 'count'"):
        CategoryEncoding(4, output_mode="counts")
    with pytest.raises(ValueError, match="num_tokens=0"):
        CategoryEncoding(0)
