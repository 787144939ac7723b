"""What all metrics share: batches do not matter, names, configs, and what stands for a metric."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import losses, metrics
from minigrad.core.tensor import Tensor
from minigrad.errors import ShapeError, UnknownName

BINARY = {
    "BinaryAccuracy": metrics.BinaryAccuracy(),
    "TruePositives": metrics.TruePositives(thresholds=[0.2, 0.6]),
    "FalsePositives": metrics.FalsePositives(),
    "TrueNegatives": metrics.TrueNegatives(),
    "FalseNegatives": metrics.FalseNegatives(),
    "Precision": metrics.Precision([0.3, 0.5]),
    "Recall": metrics.Recall(top_k=2),
    "AUC": metrics.AUC(num_thresholds=20),
    "AUC_PR": metrics.AUC(curve="PR"),
    "F1Score": metrics.F1Score(threshold=0.4),
    "FBetaScore": metrics.FBetaScore("weighted", 2.0),
    "R2Score": metrics.R2Score(),
    "BinaryCrossentropy": metrics.BinaryCrossentropy(label_smoothing=0.1),
    "CategoricalCrossentropy": metrics.CategoricalCrossentropy(),
    "KLDivergence": metrics.KLDivergence(),
    "MeanSquaredError": metrics.MeanSquaredError(),
    "RootMeanSquaredError": metrics.RootMeanSquaredError(),
    "MeanAbsoluteError": metrics.MeanAbsoluteError(),
    "MeanAbsolutePercentageError": metrics.MeanAbsolutePercentageError(),
    "MeanSquaredLogarithmicError": metrics.MeanSquaredLogarithmicError(),
    "LogCoshError": metrics.LogCoshError(),
    "CosineSimilarity": metrics.CosineSimilarity(),
    "Poisson": metrics.Poisson(),
    "CategoricalHinge": metrics.CategoricalHinge(),
    "Accuracy": metrics.Accuracy(),
    "CategoricalAccuracy": metrics.CategoricalAccuracy(),
    "TopKCategoricalAccuracy": metrics.TopKCategoricalAccuracy(k=2),
    "LossMetric": metrics.LossMetric(losses.Huber(0.5)),
}
SPARSE = {
    "SparseCategoricalAccuracy": metrics.SparseCategoricalAccuracy(),
    "SparseTopKCategoricalAccuracy": metrics.SparseTopKCategoricalAccuracy(k=2),
    "SparseCategoricalCrossentropy": metrics.SparseCategoricalCrossentropy(ignore_class=0),
}
ALL = BINARY | SPARSE


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(1, 29), max_size=4), weighted=st.booleans())
def test_many_batches_equal_one(name, seed, cuts, weighted):
    rng = np.random.default_rng(seed)
    y_pred = rng.uniform(0.01, 0.99, (30, 3)).astype(np.float32)
    y_true = rng.integers(0, 3, 30) if name in SPARSE else rng.integers(0, 2, (30, 3))
    weights = rng.uniform(0.1, 2.0, 30) if weighted else None
    whole, parts = fresh(ALL[name]), fresh(ALL[name])
    whole.update_state(y_true, y_pred, weights)
    for part in np.split(np.arange(30), sorted(set(cuts))):
        parts.update_state(y_true[part], y_pred[part], None if weights is None else weights[part])
    np.testing.assert_allclose(parts.result(), whole.result(), rtol=1e-12, atol=1e-12)
    parts.reset_state()
    parts.update_state(y_true, y_pred, weights)
    np.testing.assert_array_equal(parts.result(), whole.result())


def fresh(metric):
    return type(metric).from_config(metric.get_config())


@pytest.mark.parametrize("name", ALL)
def test_config_round_trip_through_json(name):
    metric = ALL[name]
    again = metrics.deserialize(json.loads(json.dumps(metrics.serialize(metric))))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()


@pytest.mark.parametrize("name", ALL)
def test_weights_of_two_count_a_sample_twice(name):
    rng = np.random.default_rng(1)
    y_pred = rng.uniform(0.01, 0.99, (6, 3))
    y_true = rng.integers(0, 3, 6) if name in SPARSE else rng.integers(0, 2, (6, 3))
    doubled = np.repeat(np.arange(6), [1, 2, 1, 2, 1, 1])
    weighted = fresh(ALL[name])(y_true, y_pred, sample_weight=[1.0, 2.0, 1.0, 2.0, 1.0, 1.0])
    np.testing.assert_allclose(weighted, fresh(ALL[name])(y_true[doubled], y_pred[doubled]), rtol=1e-12, atol=1e-12)


def test_counts_do_not_stop_where_float32_does():
    mean = metrics.Mean()
    mean.total, mean.count = float(2**24), 2**24
    for _ in range(50):
        mean.update_state([3.0])
    assert (mean.count, mean.total) == (2**24 + 50, 2.0**24 + 150)


def test_mean_and_sum_of_values_with_weights():
    assert metrics.Mean()([1, 3, 5, 7]) == 4.0
    assert metrics.Mean()([1, 3, 5, 7], sample_weight=[1, 1, 0, 0]) == 2.0
    assert metrics.Sum()([1, 3, 5, 7], sample_weight=[1, 1, 0, 0]) == 4.0
    assert metrics.Mean().result() == 0.0
    assert metrics.Mean()(2.5) == 2.5


def test_tensors_are_taken_as_their_values():
    y_pred = Tensor([[0.5], [1.0]], requires_grad=True)
    assert metrics.MeanAbsoluteError()([[0.0], [0.0]], y_pred) == 0.75
    assert metrics.BinaryAccuracy()([1, 1], y_pred) == 0.5


@pytest.mark.parametrize("name", [n for n in ALL if n != "SparseTopKCategoricalAccuracy"])
def test_shapes_that_do_not_fit_are_told(name):
    with pytest.raises(ShapeError, match="of shape"):
        fresh(ALL[name])(np.zeros((4, 2), int), np.full((4, 3), 0.5))


# -- what stands for a metric ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identifier", "member", "name"),
    [
        ("mse", metrics.MeanSquaredError, "mse"),
        ("MSE", metrics.MeanSquaredError, "MSE"),
        ("mean_squared_error", metrics.MeanSquaredError, "mean_squared_error"),
        ("MeanSquaredError", metrics.MeanSquaredError, "mean_squared_error"),
        ("mae", metrics.MeanAbsoluteError, "mae"),
        ("AUC", metrics.AUC, "auc"),
        ("auc", metrics.AUC, "auc"),
        ("kld", metrics.KLDivergence, "kld"),
        ("binary_accuracy", metrics.BinaryAccuracy, "binary_accuracy"),
        (metrics.Recall, metrics.Recall, "recall"),
        (metrics.F1Score(), metrics.F1Score, "f1_score"),
        (losses.Huber(), metrics.LossMetric, "huber"),
        (losses.mean_squared_error, metrics.LossMetric, "mean_squared_error"),
        (metrics.binary_accuracy, metrics.MeanMetricWrapper, "binary_accuracy"),
    ],
)
def test_names_classes_losses_and_functions_stand_for_a_metric(identifier, member, name):
    found = metrics.get(identifier)
    assert type(found) is member
    assert found.name == name


def test_names_of_metrics_are_those_of_keras():
    expected = {
        "TopKCategoricalAccuracy": "top_k_categorical_accuracy",
        "RootMeanSquaredError": "root_mean_squared_error",
        "KLDivergence": "kl_divergence",
        "LogCoshError": "logcosh",
        "FBetaScore": "fbeta_score",
        "R2Score": "r2_score",
        "TruePositives": "true_positives",
    }
    assert {name: getattr(metrics, name)().name for name in expected} == expected


def off_by_one(y_true, y_pred):
    return np.absolute(y_true - y_pred) > 1


def worst(y_true, y_pred):
    return np.max(np.absolute(y_true - y_pred))


def test_a_function_is_a_metric_of_aligned_targets():
    metric = metrics.get(off_by_one)
    metric.update_state([0.0, 0.0, 0.0], [[0.5], [3.0], [0.0]])
    assert (metric.name, metric.result()) == ("off_by_one", pytest.approx(1 / 3))
    again = metrics.deserialize(metrics.serialize(metric), {"off_by_one": off_by_one})
    assert again([0.0], [2.0]) == 1.0
    assert metrics.get(lambda y_true, y_pred: y_true == y_pred).name == "lambda"


def test_a_function_with_one_number_counts_for_the_whole_batch():
    metric = metrics.get(worst)
    metric.update_state(np.zeros(3), np.full(3, 2.0))
    metric.update_state(np.zeros(1), np.full(1, 6.0))
    assert metric.result() == (3 * 2.0 + 6.0) / 4


@pytest.mark.parametrize(("wrong", "meant"), [("presicion", "precision"), ("maee", "mae"), ("f1_scor", "f1_score")])
def test_misspelt_metrics_are_told(wrong, meant):
    with pytest.raises(UnknownName, match=f"Did you mean '{meant}'"):
        metrics.get(wrong)


def test_misspelt_arguments_are_told():
    with pytest.raises(UnknownName, match="Did you mean 'from_logits'"):
        metrics.BinaryCrossentropy(from_logit=True)
    with pytest.raises(UnknownName, match="Did you mean 'threshold'"):
        metrics.deserialize({"class_name": "BinaryAccuracy", "config": {"treshold": 0.5}})
    with pytest.raises(UnknownName, match="Did you mean 'ROC'"):
        metrics.AUC(curve="roc")
    with pytest.raises(UnknownName, match="Did you mean 'macro'"):
        metrics.F1Score(average="makro")


# -- 'accuracy' --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y_true", "y_pred", "loss", "member"),
    [
        ((None,), (None, 1), None, metrics.BinaryAccuracy),
        ((None, 1), (None, 1), None, metrics.BinaryAccuracy),
        ((None,), (None,), None, metrics.BinaryAccuracy),
        ((None,), (None, 10), None, metrics.SparseCategoricalAccuracy),
        ((None, 1), (None, 10), None, metrics.SparseCategoricalAccuracy),
        ((None, 10), (None, 10), None, metrics.CategoricalAccuracy),
        ((None, 5), (None, 5, 10), None, metrics.SparseCategoricalAccuracy),
        ((None, 5, 10), (None, 5, 10), None, metrics.CategoricalAccuracy),
        ((None, 10), (None, 10), losses.BinaryCrossentropy(), metrics.BinaryAccuracy),
        ((None, 10), (None, 10), losses.CategoricalCrossentropy(from_logits=True), metrics.CategoricalAccuracy),
        ((None,), (None, 10), losses.SparseCategoricalCrossentropy(), metrics.SparseCategoricalAccuracy),
    ],
)
def test_accuracy_is_resolved_by_loss_and_shapes(y_true, y_pred, loss, member):
    assert type(metrics.resolve_accuracy(y_true, y_pred, loss)()) is member
    found = metrics.get("acc", y_true, y_pred, loss)
    assert (type(found), found.name) == (member, "acc")


def test_accuracy_of_logits_is_taken_at_zero():
    loss = losses.BinaryCrossentropy(from_logits=True)
    metric = metrics.get("accuracy", (None, 1), (None, 1), loss)
    assert (metric.name, metric([[1.0], [0.0]], [[0.2], [-0.2]])) == ("accuracy", 1.0)


def test_accuracy_without_shapes_is_told():
    with pytest.raises(ValueError, match="'binary_accuracy'"):
        metrics.get("accuracy")


def test_a_metric_without_methods_says_what_it_needs():
    with pytest.raises(NotImplementedError, match="update_state"):
        metrics.Metric("mine")([1.0], [1.0])
