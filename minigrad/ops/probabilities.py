"""The cross-entropy of probabilities with class numbers, and its slope: a row each, in place of some twenty."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import config
from ..core.op import Op
from ..core.samples import Draw, Sample
from ..core.spec import Spec
from .families import float_dtype, floats
from .logits import checked_labels, filled, fitting_labels
from .neural import one_hot

__all__ = ["sparse_cross_entropy"]


def chances(p: np.ndarray, labels: Any, epsilon: float) -> tuple[np.ndarray, ...]:
    """Of each example: its label, the sum of its row, the label's part of that sum, and the same clipped."""
    labels = checked_labels(labels, p, "predictions")
    rows = p.reshape(len(labels), p.shape[-1])
    total = np.add.reduce(rows, axis=-1)
    chance = rows[np.arange(len(labels)), labels] / total
    return labels, total, chance, np.clip(chance, epsilon, 1 - epsilon)


def cross_entropy_kernel(probabilities: Any, labels: Any, *, epsilon: float, out: Any = None) -> Any:
    """-log(clip(p[label] / sum(p), epsilon, 1 - epsilon)) along the last axis."""
    p = floats(probabilities)
    clipped = chances(p, labels, epsilon)[-1].reshape(p.shape[:-1])
    return np.negative(np.log(clipped), out=out)


def slope_kernel(probabilities: Any, labels: Any, *, epsilon: float, out: Any = None) -> Any:
    """(1 - one-hot label / clipped chance) / sum(p): the slope of that in each probability; 0 where it is clipped."""
    p = floats(probabilities)
    labels, total, chance, clipped = chances(p, labels, epsilon)
    steep = (chance == clipped) / total
    made = np.empty((len(labels), p.shape[-1]), p.dtype)
    made[...] = steep[:, None]
    made[np.arange(len(labels)), labels] -= steep / clipped
    return filled(out, made.reshape(p.shape))


def slope_rule(g: Any, probabilities: Any, labels: Any, epsilon: float) -> Any:
    """one-hot label * g / p[label]**2 - sum(g) / sum(p)**2, where nothing is clipped."""
    right = one_hot(labels, probabilities.shape[-1], probabilities.dtype)
    total = np.add.reduce(probabilities, axis=-1, keepdims=True)
    chance = np.add.reduce(probabilities * right, axis=-1, keepdims=True) / total
    clipped = np.clip(chance, epsilon, 1 - epsilon)
    steep = (chance == clipped) / total
    return steep / total * (right * g / np.square(clipped) - np.add.reduce(g, axis=-1, keepdims=True))


def cross_entropy_spec(probabilities: Spec, labels: Spec, *, epsilon: float) -> Spec:
    fitting_labels(probabilities.shape, labels.shape, "predictions")
    return Spec(labels.shape, float_dtype(probabilities.dtype))


def cross_entropy_samples(draw: Draw) -> Sample:
    shape = draw.shape(min_ndim=1)
    return (draw.array(shape, 0.1, 1), draw.ids(shape[:-1], shape[-1])), {"epsilon": draw.choice([1e-7, 0.3])}


slope_row = Op(
    slope_kernel, name="sparse_cross_entropy_slope", kind="other", samples=cross_entropy_samples,
    vjp=(slope_rule, None), spec=lambda p, labels, *, epsilon: Spec(p.shape, float_dtype(p.dtype)))

loss_row = Op(
    cross_entropy_kernel, name="sparse_cross_entropy", kind="other", samples=cross_entropy_samples,
    spec=cross_entropy_spec, vjp=(lambda g, probabilities, labels, epsilon: (
        g.reshape((*g.shape, 1)) * slope_row(probabilities, labels, epsilon=epsilon)), None))


def sparse_cross_entropy(probabilities: Any, labels: Any) -> Any:
    """-log(p[label] / sum(p)) along the last axis: the loss of each example.

    The quotient is kept `config.epsilon()` away from 0 and 1; where it is beyond, the gradient is 0. labels: integers,
    of the shape of the probabilities without the last axis. Raises LabelError for a label outside the classes (value,
    place, valid range), ShapeError for another shape. (keras.ops.sparse_categorical_crossentropy)

    >>> sparse_cross_entropy(np.array([[0.25, 0.75], [1.0, 0.0]]), np.array([1, 1]))
    array([ 0.28768207, 16.11809565])
    """
    return loss_row(probabilities, labels, epsilon=config.epsilon())
