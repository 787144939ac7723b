"""What all losses share: the checks of targets, weights, reductions, masks, names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import losses
from minigrad.core.tensor import Tensor
from minigrad.errors import DTypeError, LabelError, MinigradError, NonFiniteError, ShapeError, UnknownName

SAME_SHAPE = [
    losses.MeanSquaredError(),
    losses.Huber(),
    losses.BinaryCrossentropy(),
    losses.KLDivergence(),
    losses.Hinge(),
]


# -- shapes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", SAME_SHAPE)
@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [((96, 3), (96, 1)), ((4,), (4, 2)), ((4, 1), (4, 3)), ((3, 1), (4, 1)), ((1, 1), (4, 1)), ((), (4, 1)), ((), ())],
)
def test_nothing_is_broadcast(loss, y_true, y_pred):
    with pytest.raises(ShapeError, match="targets of shape"):
        loss(np.zeros(y_true), np.full(y_pred, 0.5))


@pytest.mark.parametrize("loss", SAME_SHAPE)
def test_only_a_last_axis_of_one_may_be_missing(loss):
    y_true, y_pred = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.2, 0.9, 0.4, 0.5])
    expected = loss(y_true[:, None], y_pred[:, None])
    assert loss(y_true, y_pred[:, None]) == expected
    assert loss(y_true[:, None], y_pred) == expected
    assert loss(y_true, y_pred) == expected


def test_predictions_without_a_last_axis_are_one_sample_each():
    values = losses.MeanSquaredError(reduction="none")([1.0, 2.0], [1.0, 4.0])
    assert values.tolist() == [0.0, 4.0]
    assert losses.MeanSquaredError()([1.0, 2.0], [1.0, 4.0], sample_weight=[1.0, 0.5]) == 1.0


def test_check_takes_a_batch_that_is_not_known_yet():
    losses.MeanSquaredError().check(np.zeros((5, 2)), (None, 2), "y")
    with pytest.raises(ShapeError, match=r"^y of the output 'price': targets of shape \(5, 3\)"):
        losses.MeanSquaredError().check(np.zeros((5, 3)), (None, 2), "y of the output 'price'")


@pytest.mark.parametrize(
    ("labels", "y_pred"), [((4,), (4, 3)), ((4, 1), (4, 3)), ((4, 2), (4, 2, 3)), ((4, 2, 1), (4, 2, 3))]
)
def test_sparse_labels_have_an_axis_less_or_one_of_size_one(labels, y_pred):
    values = losses.SparseCategoricalCrossentropy(reduction="none")(np.zeros(labels, int), np.full(y_pred, 1 / 3))
    assert values.shape == y_pred[:-1]


def test_one_hot_and_class_numbers_are_told_apart():
    with pytest.raises(ShapeError, match="one-hot, use CategoricalCrossentropy"):
        losses.SparseCategoricalCrossentropy()(np.eye(3), np.eye(3))
    with pytest.raises(ShapeError, match="use SparseCategoricalCrossentropy"):
        losses.CategoricalCrossentropy()([0, 1, 2], np.eye(3))


@pytest.mark.parametrize("loss", [losses.CategoricalCrossentropy(), losses.SparseCategoricalCrossentropy()])
@pytest.mark.parametrize("shape", [(4, 1), (4,)])
def test_one_class_is_no_choice(loss, shape):
    with pytest.raises(ShapeError, match="use BinaryCrossentropy"):
        loss(np.zeros(4, int), np.ones(shape))


# -- values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (5, r"label at \[1\] is 5; the predictions have 3 classes.*from 0 to 2.*needs 6 units"),
        (-1, r"label at \[1\] is -1; the predictions have 3 classes.*from 0 to 2\.$"),
        (1.5, r"label at \[1\] is 1.5; expected whole numbers"),
        (np.nan, r"label at \[1\] is nan; expected whole numbers"),
        (np.inf, r"label at \[1\] is inf; expected whole numbers"),
    ],
)
@pytest.mark.parametrize("from_logits", [False, True])
def test_labels_that_are_no_classes_are_told(label, words, from_logits):
    with pytest.raises(LabelError, match=words):
        losses.SparseCategoricalCrossentropy(from_logits)(np.array([0, label, 2]), np.full((3, 3), 1 / 3))


@given(st.integers(-5, 8), st.booleans())
def test_a_label_is_accepted_if_and_only_if_it_is_a_class(label, as_float):
    labels = np.array([label], float if as_float else int)
    try:
        losses.SparseCategoricalCrossentropy()(labels, np.full((1, 3), 1 / 3))
        accepted = True
    except LabelError:
        accepted = False
    assert accepted == (0 <= label < 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_targets_that_are_not_finite_are_told(bad):
    with pytest.raises(NonFiniteError, match=r"the target at \[1, 0\] is"):
        losses.MeanSquaredError()([[0.0], [bad]], [[0.0], [0.0]])


def test_targets_outside_the_range_of_the_loss_are_told():
    with pytest.raises(LabelError, match=r"target at \[1, 0\] is -1.0; expected numbers from 0 to 1"):
        losses.BinaryCrossentropy()([[1.0], [-1.0]], [[0.5], [0.5]])
    with pytest.raises(LabelError, match=r"from -1 to 1"):
        losses.Hinge()([[1.0], [2.0]], [[0.5], [0.5]])


def test_targets_that_are_no_numbers_are_told():
    with pytest.raises(DTypeError, match="expected numbers"):
        losses.MeanSquaredError()(np.array([["a"]]), [[0.0]])


def test_targets_may_be_tensors_and_are_differentiated():
    y_true = Tensor([[1.0, 2.0]], requires_grad=True)
    losses.MeanSquaredError()(y_true, np.zeros((1, 2), np.float32)).backward()
    assert y_true.grad.tolist() == [[1.0, 2.0]]


def test_the_callers_arrays_are_left_alone():
    y_true, y_pred = np.array([[0, 1]]), np.array([[0.2, 0.7]])
    losses.BinaryCrossentropy(label_smoothing=0.1)(y_true, y_pred)
    assert (y_true.tolist(), y_pred.tolist()) == ([[0, 1]], [[0.2, 0.7]])


# -- reductions and weights --------------------------------------------------------------------------------

Y_TRUE, Y_PRED = np.zeros((2, 3, 2)), np.arange(12.0).reshape(2, 3, 2)
VALUES = np.mean(Y_PRED**2, axis=-1)


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("sum_over_batch_size", VALUES.mean()),
        ("mean", VALUES.mean()),
        ("mean_with_sample_weight", VALUES.mean()),
        ("sum", VALUES.sum()),
        ("none", VALUES),
        (None, VALUES),
    ],
)
def test_reduction_counts_every_time_step(reduction, expected):
    np.testing.assert_allclose(losses.MeanSquaredError(reduction=reduction)(Y_TRUE, Y_PRED), expected)


@pytest.mark.parametrize(
    "weights",
    [np.array([1.0, 3.0]), np.array([[1.0], [3.0]]), np.array([[1.0, 0.0, 2.0], [0.5, 0.0, 1.0]]), np.array(2.0)],
)
def test_weights_multiply_values_and_only_one_reduction_divides_by_them(weights):
    wide = np.broadcast_to(weights[:, None] if weights.ndim == 1 else weights, VALUES.shape)
    expected = {
        "sum_over_batch_size": (VALUES * wide).sum() / 6,
        "sum": (VALUES * wide).sum(),
        "mean_with_sample_weight": (VALUES * wide).sum() / wide.sum(),
        "none": VALUES * wide,
    }
    for reduction, value in expected.items():
        found = losses.MeanSquaredError(reduction=reduction)(Y_TRUE, Y_PRED, sample_weight=weights)
        np.testing.assert_allclose(found, value)


@pytest.mark.parametrize("shape", [(3,), (2, 2), (2, 3, 2), (1, 3)])
def test_weights_that_do_not_fit_are_told(shape):
    with pytest.raises(ShapeError, match="Sample weights of shape"):
        losses.MeanSquaredError()(Y_TRUE, Y_PRED, sample_weight=np.ones(shape))


def test_weights_of_zero_divide_by_nothing():
    loss = losses.MeanSquaredError(reduction="mean_with_sample_weight")
    assert loss([[1.0], [2.0]], [[0.0], [0.0]], sample_weight=[0.0, 0.0]) == 0.0


@given(st.lists(st.sampled_from([0, 1, 2, 255]), min_size=1, max_size=8), st.booleans())
def test_an_ignored_class_has_no_part_in_the_loss(labels, from_logits):
    labels = np.array(labels)
    y_pred = np.random.default_rng(1).uniform(0.1, 1, (len(labels), 3))
    loss = losses.SparseCategoricalCrossentropy(from_logits, ignore_class=255)
    kept = labels != 255
    expected = loss(labels[kept], y_pred[kept]) if kept.any() else 0.0
    assert loss(labels, y_pred) == pytest.approx(expected)
    weights = np.arange(1.0, len(labels) + 1)
    expected = loss(labels[kept], y_pred[kept], weights[kept]) if kept.any() else 0.0
    assert loss(labels, y_pred, weights) == pytest.approx(expected)


def test_an_ignored_class_gets_no_gradient():
    x = Tensor(np.zeros((2, 3), np.float32), requires_grad=True)
    losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)([-1, 0], x).backward()
    assert x.grad[0].tolist() == [0, 0, 0]
    assert x.grad[1, 0] == pytest.approx(-2 / 3)


# -- names, classes, functions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("mse", losses.MeanSquaredError),
        ("MSE", losses.MeanSquaredError),
        ("mean_squared_error", losses.MeanSquaredError),
        ("MeanSquaredError", losses.MeanSquaredError),
        ("mae", losses.MeanAbsoluteError),
        ("mape", losses.MeanAbsolutePercentageError),
        ("msle", losses.MeanSquaredLogarithmicError),
        ("kld", losses.KLDivergence),
        ("bce", losses.BinaryCrossentropy),
        ("logcosh", losses.LogCosh),
        ("sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy),
        (losses.mean_squared_error, losses.MeanSquaredError),
        (losses.Huber, losses.Huber),
    ],
)
def test_names_classes_and_function_forms_stand_for_the_loss(name, member):
    assert type(losses.get(name)) is member


def test_names_of_losses_are_those_of_keras():
    names = [type(losses.get(n))().name for n in ("mse", "kld", "log_cosh", "sparse_categorical_crossentropy")]
    assert names == ["mean_squared_error", "kl_divergence", "log_cosh", "sparse_categorical_crossentropy"]


@pytest.mark.parametrize(("wrong", "meant"), [("msee", "mse"), ("binary_crossentrop", "binary_crossentropy")])
def test_misspelt_losses_are_told(wrong, meant):
    with pytest.raises(UnknownName, match=f"Did you mean '{meant}'"):
        losses.get(wrong)


def test_misspelt_arguments_are_told():
    with pytest.raises(UnknownName, match="Did you mean 'from_logits'"):
        losses.deserialize({"class_name": "BinaryCrossentropy", "config": {"from_logit": True}})
    with pytest.raises(UnknownName, match="Unknown reduction 'avg'"):
        losses.MeanSquaredError(reduction="avg")
    with pytest.raises(ValueError, match="label_smoothing must be from 0 to 1"):
        losses.BinaryCrossentropy(label_smoothing=1.5)


def within_one(y_true, y_pred):
    return np.mean(np.maximum(np.absolute(y_true - y_pred) - 1, 0), axis=-1)


def test_a_function_becomes_a_loss_and_its_targets_are_aligned():
    loss = losses.get(within_one)
    assert loss.name == "within_one"
    assert loss([0.0, 0.0], [[1.5], [3.0]]) == 1.25  # and not the mean of a (2, 2) of all differences
    again = losses.deserialize(losses.serialize(loss), {"within_one": within_one})
    assert again([0.0, 0.0], [[1.5], [3.0]]) == 1.25


def test_a_function_may_take_wider_predictions_than_targets_but_not_fewer_samples():
    def quantiles(y_true, y_pred):
        error = y_true - y_pred
        return np.mean(np.maximum(0.1 * error, -0.9 * error), axis=-1)

    assert losses.get(quantiles)(np.zeros((4, 1)), np.ones((4, 3))) == pytest.approx(0.9)
    with pytest.raises(ShapeError, match="as many samples"):
        losses.get(quantiles)(np.zeros((1, 1)), np.ones((4, 3)))


def test_a_loss_of_the_users_needs_a_call_alone():
    class Cubic(losses.Loss):
        def call(self, y_true, y_pred):
            return np.mean(np.absolute(y_true - y_pred) ** 3, axis=-1)

    loss = losses.get(Cubic())
    assert (loss.name, float(loss([[0.0]], [[2.0]]))) == ("cubic", 8.0)
    with pytest.raises(NotImplementedError, match="needs a call"):
        losses.Loss()([[0.0]], [[2.0]])


def test_every_error_of_a_loss_is_one_of_ours():
    assert all(issubclass(e, MinigradError) for e in (ShapeError, LabelError, NonFiniteError, DTypeError))
