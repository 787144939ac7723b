"""Metrics of yes-or-no predictions: what is true or false, above a threshold or below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import config
from ..errors import LabelError, unknown
from ..losses.checks import first_where
from ..losses.loss import fit_weights
from ..ops.neural import sigmoid
from .metric import Metric, plain, registry, same_shape

__all__ = ["AUC", "FalseNegatives", "FalsePositives", "Precision", "Recall", "TrueNegatives", "TruePositives"]


class Counts(NamedTuple):
    """How many predictions, or how much weight, is of each kind; an array over thresholds."""

    tp: Any
    fp: Any
    tn: Any
    fn: Any

    @classmethod
    def zero(cls, thresholds: np.ndarray) -> Counts:
        return cls(*np.zeros((4, len(thresholds)), np.int64))

    def plus(self, other: Counts) -> Counts:
        return Counts(*(mine + theirs for mine, theirs in zip(self, other)))


def count(y_true: np.ndarray, y_pred: np.ndarray, thresholds: np.ndarray, weights: np.ndarray | None) -> Counts:
    """Count at all (ascending) thresholds at once: by how many of them each prediction exceeds."""
    exceeds = np.searchsorted(thresholds.astype(y_pred.dtype), y_pred, side="left")
    true = y_true.astype(bool)

    def histogram(of: np.ndarray) -> np.ndarray:
        return np.bincount(exceeds[of], None if weights is None else weights[of], len(thresholds) + 1)

    positives, negatives = histogram(true), histogram(~true)
    tp, fp = (h[::-1].cumsum()[::-1][1:] for h in (positives, negatives))  # those that exceed one more, and on
    return Counts(tp, fp, negatives.sum() - fp, positives.sum() - tp)


def flat_batch(
    y_true: Any, y_pred: Any, sample_weight: Any, where: str, class_id: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """A batch as three flat arrays, after checking that shapes are equal and targets are 0 or 1."""
    y_true, y_pred = same_shape(y_true, y_pred, where)
    if class_id is not None:
        y_true, y_pred = y_true[..., class_id], y_pred[..., class_id]
    place = first_where((y_true != 0) & (y_true != 1))
    if place is not None:
        raise LabelError(f"{where}: the target at {place} is {y_true[tuple(place)]}; expected 0 or 1.")
    if sample_weight is None:
        return y_true.ravel(), y_pred.ravel(), None
    weights = fit_weights(plain(sample_weight).astype(np.float64), y_pred.astype(np.float64))
    return y_true.ravel(), y_pred.ravel(), np.broadcast_to(weights, y_pred.shape).ravel()


class _Thresholded(Metric):
    """What the counting metrics share; a member says what it makes of the counts.

    With several thresholds, the result is an array in their order.
    """

    default = 0.5

    def __init__(self, thresholds: float | Sequence[float] | None = None, name: str | None = None) -> None:
        super().__init__(name)
        self.thresholds = thresholds
        wanted = self.default if thresholds is None else thresholds
        self._ascending = np.unique(np.asarray(wanted, np.float64))
        self._places = np.searchsorted(self._ascending, wanted)  # where in the counts each threshold's are
        self.reset_state()

    def reset_state(self) -> None:
        self.counts = Counts.zero(self._ascending)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        true, predicted, weights = flat_batch(y_true, y_pred, sample_weight, self.name)
        self.counts = self.counts.plus(count(true, predicted, self._ascending, weights))

    def result(self) -> Any:
        found = np.asarray(self.of(self.counts), np.float64)[self._places]
        return found if np.ndim(found) else float(found)

    def of(self, counts: Counts) -> Any:
        """What this metric makes of the counts."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {"thresholds": self.thresholds, "name": self.name}


@registry.register()
class TruePositives(_Thresholded):
    """How many predictions exceed the threshold (0.5), rightly."""

    def of(self, counts: Counts) -> Any:
        return counts.tp


@registry.register()
class FalsePositives(_Thresholded):
    """How many predictions exceed the threshold (0.5), wrongly."""

    def of(self, counts: Counts) -> Any:
        return counts.fp


@registry.register()
class TrueNegatives(_Thresholded):
    """How many predictions do not exceed the threshold (0.5), rightly."""

    def of(self, counts: Counts) -> Any:
        return counts.tn


@registry.register()
class FalseNegatives(_Thresholded):
    """How many predictions do not exceed the threshold (0.5), wrongly."""

    def of(self, counts: Counts) -> Any:
        return counts.fn


class _Rate(_Thresholded):
    """What precision and recall share.

    Args:
        thresholds: one or several; 0.5, or with top_k none, if not given.
        top_k: count only the k greatest predictions along the last axis as positive.
        class_id: look at this place of the last axis only.
        name: by default the class's name in small letters.
    """

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        self.top_k, self.class_id = top_k, class_id
        self.default = 0.5 if top_k is None else -np.inf
        super().__init__(thresholds, name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = same_shape(y_true, y_pred, self.name)
        if self.top_k is not None:
            order = np.argsort(-y_pred, axis=-1, kind="stable")
            y_pred = y_pred.astype(np.result_type(y_pred, np.float16))
            np.put_along_axis(y_pred, order[..., self.top_k :], -np.inf, axis=-1)
        true, predicted, weights = flat_batch(y_true, y_pred, sample_weight, self.name, self.class_id)
        self.counts = self.counts.plus(count(true, predicted, self._ascending, weights))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"top_k": self.top_k, "class_id": self.class_id}


@registry.register()
class Precision(_Rate):
    """What part of the positive predictions is right; 0 if there are none. For the arguments see `Recall`.

    >>> Precision()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])
    0.6666666
    """

    def of(self, counts: Counts) -> Any:
        return ratio(counts.tp, counts.tp + counts.fp)


@registry.register()
class Recall(_Rate):
    """What part of the true samples is found; 0 if there are none.

    Args:
        thresholds: what positive predictions exceed: one or several; 0.5 (none with top_k) if not given.
        top_k: if given, only the k greatest predictions along the last axis can be positive.
        class_id: if given, only this place of the last axis is looked at.
        name: by default the class's name in small letters.
    """

    def of(self, counts: Counts) -> Any:
        return ratio(counts.tp, counts.tp + counts.fn)


@registry.register()
class AUC(Metric):
    """The area under the ROC or the precision-recall curve, from counts at many thresholds.

    Args:
        num_thresholds: how many thresholds, evenly from 0 to 1.
        curve: `'ROC'` or `'PR'`.
        summation_method: `'interpolation'`, or `'minoring'` and `'majoring'` for bounds. On the PR
            curve, interpolation is that of Davis and Goadrich, 2006.
        name: by default `'auc'`.
        thresholds: thresholds of your own between 0 and 1.
        from_logits: whether the predictions are logits; else they must lie between 0 and 1.

    >>> AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
    0.75
    """

    CURVES = ("ROC", "PR")
    METHODS = ("interpolation", "minoring", "majoring")

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        thresholds: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name)
        if curve not in self.CURVES:
            raise unknown("curve", curve, self.CURVES)
        if summation_method not in self.METHODS:
            raise unknown("summation_method", summation_method, self.METHODS)
        if thresholds is None and num_thresholds < 2:
            raise ValueError(f"AUC needs num_thresholds of 2 or more, got {num_thresholds}.")
        self.num_thresholds, self.curve, self.summation_method = num_thresholds, curve, summation_method
        self.thresholds, self.from_logits = thresholds, from_logits
        inner = np.linspace(0, 1, num_thresholds)[1:-1] if thresholds is None else np.unique(thresholds)
        # The outermost are beyond 0 and 1, so that these lie between.
        self._ascending = np.concatenate([[-config.epsilon()], inner, [1 + config.epsilon()]])
        self.reset_state()

    def reset_state(self) -> None:
        self.counts = Counts.zero(self._ascending)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        true, predicted, weights = flat_batch(y_true, y_pred, sample_weight, self.name)
        if self.from_logits:
            predicted = sigmoid(predicted)
        place = first_where(~((predicted >= 0) & (predicted <= 1)))
        if place is not None:
            raise ValueError(
                f"{self.name}: the predictions hold {predicted[tuple(place)]}; expected probabilities from 0 to 1. "
                "For logits, use AUC(from_logits=True)."
            )
        self.counts = self.counts.plus(count(true, predicted, self._ascending, weights))

    def result(self) -> float:
        tp, fp, tn, fn = self.counts
        recall = ratio(tp, tp + fn)
        if self.curve == "PR":
            if self.summation_method == "interpolation":
                return self._interpolated_precision()
            return self._area(recall, ratio(tp, tp + fp))
        return self._area(ratio(fp, fp + tn), recall)

    def _area(self, x: np.ndarray, y: np.ndarray) -> float:
        """The sum of rectangles; x descends, as thresholds ascend."""
        height = {
            "interpolation": (y[:-1] + y[1:]) / 2,
            "minoring": np.minimum(y[:-1], y[1:]),
            "majoring": np.maximum(y[:-1], y[1:]),
        }[self.summation_method]
        return float(np.sum((x[:-1] - x[1:]) * height))

    def _interpolated_precision(self) -> float:
        """The integral of tp / positives, where both grow evenly from one threshold to the next.

        With slope = dtp / dp, tp = slope * p + intercept, so the integral of tp / p is dtp + intercept * log(p1 / p0).
        """
        tp, fp, _, fn = self.counts
        p = tp + fp
        dtp, slope = tp[:-1] - tp[1:], ratio(tp[:-1] - tp[1:], p[:-1] - p[1:])
        intercept = tp[1:] - slope * p[1:]
        growth = np.where(p[1:] > 0, ratio(p[:-1], p[1:]), 1.0)
        return float(np.sum(ratio(slope * (dtp + intercept * np.log(growth)), tp[1:] + fn[1:])))

    def get_config(self) -> dict[str, Any]:
        return {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "name": self.name,
            "thresholds": self.thresholds,
            "from_logits": self.from_logits,
        }


def ratio(part: Any, whole: Any) -> Any:
    """part / whole, and 0 where whole is 0."""
    return np.where(whole != 0, part / np.where(whole != 0, whole, 1), 0.0)
