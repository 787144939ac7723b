"""Each metric against its formula over plain numbers, and the examples of Keras's own documentation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import losses, metrics
from minigrad.errors import LabelError, ShapeError

seeds = st.integers(0, 10_000)

# (metric, targets, predictions, result, weights, weighted result), from the documentation of Keras 3
DOCUMENTED = [
    (metrics.Accuracy(), [[1], [2], [3], [4]], [[0], [2], [3], [4]], 0.75, [1, 1, 0, 0], 0.5),
    (metrics.BinaryAccuracy(), [[1], [1], [0], [0]], [[0.98], [1], [0], [0.6]], 0.75, [1, 0, 0, 1], 0.5),
    (metrics.CategoricalAccuracy(), [[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]], 0.5, [0.7, 0.3], 0.3),
    (metrics.SparseCategoricalAccuracy(), [[2], [1]], [[0.1, 0.6, 0.3], [0.05, 0.95, 0]], 0.5, [0.7, 0.3], 0.3),
    (
        metrics.TopKCategoricalAccuracy(k=1),
        [[0, 0, 1], [0, 1, 0]],
        [[0.1, 0.9, 0.8], [0.05, 0.95, 0]],
        0.5,
        [0.7, 0.3],
        0.3,
    ),
    (metrics.SparseTopKCategoricalAccuracy(k=1), [2, 1], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]], 0.5, [0.7, 0.3], 0.3),
    (metrics.CosineSimilarity(), [[0, 1], [1, 1]], [[1, 0], [1, 1]], 0.5, [0.3, 0.7], 0.7),
    (metrics.LogCoshError(), [[0, 1], [0, 0]], [[1, 1], [0, 0]], 0.10844523, [1, 0], 0.21689045),
    (metrics.AUC(num_thresholds=3), [0, 0, 1, 1], [0, 0.5, 0.3, 0.9], 0.75, [1, 0, 0, 1], 1.0),
    (metrics.R2Score(), [[1], [4], [3]], [[2], [4], [4]], 0.57142854, [1, 1, 1], 0.57142854),
]


@pytest.mark.parametrize(("metric", "y_true", "y_pred", "expected", "weights", "weighted"), DOCUMENTED)
def test_the_examples_of_keras(metric, y_true, y_pred, expected, weights, weighted):
    metric.reset_state()
    assert metric(y_true, y_pred) == pytest.approx(expected, abs=1e-6)
    metric.reset_state()
    assert metric(y_true, y_pred, sample_weight=weights) == pytest.approx(weighted, abs=1e-6)


# -- losses as metrics -------------------------------------------------------------------------------------

REAL = [
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "log_cosh",
    "hinge",
    "squared_hinge",
    "categorical_hinge",
    "mean_squared_logarithmic_error",
    "poisson",
    "kl_divergence",
    "binary_crossentropy",
    "categorical_crossentropy",
]


@pytest.mark.parametrize("name", REAL)
@given(seeds)
def test_a_loss_as_a_metric_is_the_mean_of_the_loss(name, seed):
    rng = np.random.default_rng(seed)
    y_true, y_pred = rng.uniform(0.1, 1, (5, 3)), rng.uniform(0.1, 1, (5, 3))
    expected = float(losses.get(name)(y_true, y_pred))
    assert metrics.get(name)(y_true, y_pred) == pytest.approx(expected, rel=1e-12)


def test_sparse_crossentropy_leaves_out_the_ignored_class():
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=-1)
    y_pred = np.array([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]])
    assert metric([1, -1, 0], y_pred) == pytest.approx(-(math.log(0.8) + math.log(0.9)) / 2)


@given(seeds)
def test_root_mean_squared_error(seed):
    rng = np.random.default_rng(seed)
    y_true, y_pred = rng.normal(size=(2, 4, 3))
    expected = math.sqrt(sum((a - b) ** 2 for a, b in zip(y_true.flat, y_pred.flat)) / 12)
    assert metrics.RootMeanSquaredError()(y_true, y_pred) == pytest.approx(expected)


# -- accuracies --------------------------------------------------------------------------------------------


@given(seeds)
def test_accuracies_count_what_is_right(seed):
    rng = np.random.default_rng(seed)
    labels, y_pred = rng.integers(0, 4, (5, 2)), rng.uniform(size=(5, 2, 4))
    right = sum(labels[i] == np.argmax(y_pred[i]) for i in np.ndindex(5, 2)) / 10
    assert metrics.SparseCategoricalAccuracy()(labels, y_pred) == pytest.approx(right)
    assert metrics.SparseCategoricalAccuracy()(labels[..., None], y_pred) == pytest.approx(right)
    assert metrics.CategoricalAccuracy()(np.eye(4)[labels], y_pred) == pytest.approx(right)
    for k in (1, 2, 4):
        within = sum(labels[i] in np.argsort(-y_pred[i])[:k] for i in np.ndindex(5, 2)) / 10
        assert metrics.SparseTopKCategoricalAccuracy(k)(labels, y_pred) == pytest.approx(within)
        assert metrics.TopKCategoricalAccuracy(k)(np.eye(4)[labels], y_pred) == pytest.approx(within)


def test_binary_accuracy_has_a_threshold_and_never_broadcasts():
    y_true, y_pred = [1, 1, 0, 0], [[0.9], [0.4], [0.4], [0.1]]
    assert metrics.BinaryAccuracy()(y_true, y_pred) == 0.75
    assert metrics.BinaryAccuracy(threshold=0.3)(y_true, y_pred) == 0.75
    assert metrics.BinaryAccuracy(threshold=0.05)(y_true, y_pred) == 0.5
    with pytest.raises(ShapeError, match="expected equal shapes"):
        metrics.BinaryAccuracy()(np.zeros((4, 2)), np.zeros((4, 1)))


def test_accuracy_functions_take_lists():
    assert metrics.binary_accuracy([[1, 0]], [[0.9, 0.8]]).tolist() == [0.5]
    assert metrics.sparse_categorical_accuracy([1], [[0.1, 0.9]]).tolist() == [True]
    assert metrics.categorical_accuracy([[0, 1]], [[0.1, 0.9]]).tolist() == [True]


# -- yes or no ---------------------------------------------------------------------------------------------


def outcomes(y_true, y_pred, threshold, weights):
    """Weights of true and false positives, true and false negatives, one by one."""
    kinds = {(True, True): 0, (False, True): 1, (False, False): 2, (True, False): 3}
    found = [0.0] * 4
    for t, p, w in zip(y_true, y_pred, weights):
        found[kinds[bool(t), bool(p > p.dtype.type(threshold))]] += w
    return found


def binary_batch(seed, weighted, n=20):
    rng = np.random.default_rng(seed)
    y_pred = rng.choice([0.0, 0.1, 0.25, 0.5, 0.75, 1.0], n).astype(rng.choice(["f4", "f8"]))
    weights = rng.uniform(0, 2, n) if weighted else None
    return rng.integers(0, 2, n), y_pred, weights


@given(seeds, st.booleans())
def test_counts_at_several_thresholds_in_any_order(seed, weighted):
    y_true, y_pred, weights = binary_batch(seed, weighted)
    limits = [0.5, 0.1, 0.9, 0.1]
    expected = np.array(
        [outcomes(y_true, y_pred, limit, np.ones(20) if weights is None else weights) for limit in limits]
    )
    members = [metrics.TruePositives, metrics.FalsePositives, metrics.TrueNegatives, metrics.FalseNegatives]
    for member, column in zip(members, expected.T):
        np.testing.assert_allclose(member(thresholds=limits)(y_true, y_pred, weights), column)
        assert member()(y_true, y_pred, weights) == pytest.approx(column[0])
    tp, fp, _, fn = expected.T
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(metrics.Precision(limits)(y_true, y_pred, weights), np.nan_to_num(tp / (tp + fp)))
        np.testing.assert_allclose(metrics.Recall(limits)(y_true, y_pred, weights), np.nan_to_num(tp / (tp + fn)))


def test_precision_and_recall_of_the_k_greatest_and_of_one_class():
    y_true, y_pred = [[0, 1, 1], [1, 0, 0]], [[0.9, 0.8, 0.1], [0.3, 0.2, 0.1]]
    assert metrics.Precision(top_k=2)(y_true, y_pred) == 2 / 4
    assert metrics.Recall(top_k=2)(y_true, y_pred) == 2 / 3
    assert metrics.Precision(top_k=1)(y_true, y_pred) == 1 / 2
    assert metrics.Precision(class_id=1)(y_true, y_pred) == 1.0
    assert metrics.Recall(class_id=0)(y_true, y_pred) == 0.0
    assert metrics.Precision(top_k=2, class_id=1)(y_true, y_pred, sample_weight=[1.0, 3.0]) == 0.25


@given(seeds, st.booleans())
def test_auc_is_the_probability_to_rank_a_pair_rightly(seed, weighted):
    y_true, y_pred, weights = binary_batch(seed, weighted)
    w = np.ones(20) if weights is None else weights
    rightly = pairs = 0.0
    for i in np.flatnonzero(y_true):
        for j in np.flatnonzero(1 - y_true):
            pairs += w[i] * w[j]
            rightly += w[i] * w[j] * (0.5 * (y_pred[i] == y_pred[j]) + (y_pred[i] > y_pred[j]))
    expected = rightly / pairs if pairs else 0.0
    assert metrics.AUC()(y_true, y_pred, weights) == pytest.approx(expected, abs=1e-12)


@given(seeds)
def test_auc_methods_bound_each_other_and_logits_are_probabilities(seed):
    y_true, y_pred, _ = binary_batch(seed, False)
    for curve in ("ROC", "PR"):
        low, middle, high = (
            metrics.AUC(30, curve, method)(y_true, y_pred) for method in ("minoring", "interpolation", "majoring")
        )
        assert low <= middle + 1e-12
        assert middle <= high + 1e-12
    inner = np.clip(y_pred, 0.1, 0.9)
    logits = np.log(inner / (1 - inner))
    assert metrics.AUC(from_logits=True)(y_true, logits) == pytest.approx(metrics.AUC()(y_true, inner), abs=1e-6)


def test_precision_recall_area_by_hand():
    # Thresholds -eps, 0.5, 1 + eps. tp = 2, 1, 0; fp = 2, 0, 0; so p = 4, 1, 0.
    # From 0 to 1: slope 1, area 1 * 1 / 2. From 1 to 4: slope 1/3, intercept 2/3, area 1/3 * (1 + 2/3 * log 4) / 2.
    expected = 0.5 + (1 / 3) * (1 + (2 / 3) * math.log(4)) / 2
    assert metrics.AUC(3, "PR")([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]) == pytest.approx(expected)


def test_a_perfect_and_an_empty_auc():
    assert metrics.AUC()([0, 1], [0.0, 1.0]) == 1.0
    assert metrics.AUC(curve="PR")([0, 1], [0.0, 1.0]) == pytest.approx(1.0)
    assert metrics.AUC().result() == metrics.AUC(curve="PR").result() == 0.0


def test_predictions_that_are_logits_are_told():
    with pytest.raises(ValueError, match="from_logits=True"):
        metrics.AUC()([0, 1], [-3.0, 3.0])


def test_targets_other_than_zero_and_one_are_told():
    with pytest.raises(LabelError, match=r"target at \[1\] is 2; expected 0 or 1"):
        metrics.Precision()([0, 2], [0.1, 0.2])


# -- F score and R2 ----------------------------------------------------------------------------------------


@given(seeds, st.sampled_from([0.5, 1.0, 2.0]), st.booleans())
def test_f_score_is_the_harmonic_mean(seed, beta, weighted):
    rng = np.random.default_rng(seed)
    y_true, y_pred = rng.integers(0, 2, (8, 3)), rng.uniform(size=(8, 3))
    weights = rng.uniform(0.1, 2, 8) if weighted else np.ones(8)
    scores, support = [], []
    for column in range(3):
        tp, fp, _, fn = outcomes(y_true[:, column], y_pred[:, column], 0.5, weights)
        precision, recall = tp / (tp + fp) if tp else 0.0, tp / (tp + fn) if tp else 0.0
        scores.append((1 + beta**2) * precision * recall / (beta**2 * precision + recall) if tp else 0.0)
        support.append(tp + fn)
    expected = {None: scores, "macro": np.mean(scores), "weighted": np.dot(scores, support) / max(sum(support), 1e-9)}
    for average, value in expected.items():
        found = metrics.FBetaScore(average, beta, 0.5)(y_true, y_pred, weights if weighted else None)
        np.testing.assert_allclose(found, value, atol=1e-9)


def test_f1_score_of_the_greatest_and_of_all_together():
    y_true, y_pred = np.eye(3)[[0, 1, 2, 0]], np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.7, 0.1, 0.2], [0, 0, 0]])
    # Right: 0 and 1. The third is taken for class 0; the fourth, all zeros, for none.
    assert metrics.F1Score()(y_true, y_pred).tolist() == pytest.approx([0.5, 1.0, 0.0])
    assert metrics.F1Score("micro")(y_true, y_pred) == pytest.approx(2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4))
    with pytest.raises(ShapeError, match="give a threshold"):
        metrics.F1Score()([[1], [0]], [[0.4], [0.6]])
    with pytest.raises(ShapeError, match="batch, classes"):
        metrics.F1Score(threshold=0.5)([1, 0], [0.4, 0.6])


@given(seeds, st.booleans())
def test_r2_is_one_minus_the_unexplained_variance(seed, weighted):
    rng = np.random.default_rng(seed)
    y_true, y_pred = rng.normal(size=(2, 9, 2))
    weights = rng.uniform(0.1, 2, 9) if weighted else np.ones(9)
    mean = np.average(y_true, axis=0, weights=weights)
    spread = np.sum((y_true - mean) ** 2 * weights[:, None], axis=0)
    scores = 1 - np.sum((y_true - y_pred) ** 2 * weights[:, None], axis=0) / spread
    given_weights = weights if weighted else None
    np.testing.assert_allclose(metrics.R2Score(None)(y_true, y_pred, given_weights), scores)
    assert metrics.R2Score()(y_true, y_pred, given_weights) == pytest.approx(scores.mean())
    averaged = metrics.R2Score("variance_weighted_average")(y_true, y_pred, given_weights)
    assert averaged == pytest.approx(np.dot(scores, spread) / spread.sum())
    adjusted = metrics.R2Score(num_regressors=3)(y_true, y_pred, given_weights)
    assert adjusted == pytest.approx(1 - (1 - scores.mean()) * 8 / 5)


def test_r2_far_from_zero_loses_no_digits():
    y_true = np.array([1.0, 2.0, 3.0, 4.0])
    near, far = metrics.R2Score(), metrics.R2Score()
    for part in ([0, 1], [2, 3]):
        near.update_state(y_true[part], y_true[part] + 0.5)
        far.update_state(y_true[part] + 1e9, y_true[part] + 1e9 + 0.5)
    assert far.result() == near.result() == pytest.approx(0.8)


def test_r2_of_equal_targets_and_of_nothing():
    assert metrics.R2Score()([2.0, 2.0], [2.0, 2.0]) == 1.0
    assert metrics.R2Score()([2.0, 2.0], [2.0, 3.0]) == 0.0
    assert metrics.R2Score().result() == 0.0
    with pytest.raises(ValueError, match="needs more than 4 samples"):
        metrics.R2Score(num_regressors=3)([1.0, 2.0], [1.0, 2.0])
