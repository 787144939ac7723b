"""Softmax, its logarithm, and the cross-entropies from logits.

These are exact, with their gradients, where a softmax and then a logarithm are not.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ..core.op import Op
from ..core.samples import Draw, Sample
from ..core.spec import Spec, normal_axis
from ..errors import LabelError, ShapeError
from .families import Axes, clean_axis, float_dtype, float_scan_spec, floats, scan, unreduced

__all__ = ["log_softmax", "softmax", "softmax_cross_entropy", "sparse_softmax_cross_entropy"]


def shifted_exp(x: Any, axis: Axes) -> tuple[Any, Any, Any]:
    """x less its maximum, the exp of that, and the sum of that. Rows that are all -inf stay -inf and sum to 1."""
    x = floats(x)
    lowest = np.finfo(x.dtype).min  # in place of -inf, for -inf - -inf is NaN
    x = x - np.maximum.reduce(x, axis=axis, keepdims=True, initial=lowest)
    e = np.exp(x)
    return x, e, np.maximum(np.add.reduce(e, axis=axis, keepdims=True), 1)  # at least 1, for the maximum gives exp(0)


def softmax_kernel(x: Any, *, axis: Axes = -1, out: Any = None) -> Any:
    """exp(x) / sum(exp(x)) along an axis."""
    _, e, total = shifted_exp(x, axis)
    return np.divide(e, total, out=e if out is None else out)


def log_softmax_kernel(x: Any, *, axis: Axes = -1, out: Any = None) -> Any:
    """log(softmax(x)) along an axis."""
    x, _, total = shifted_exp(x, axis)
    return np.subtract(x, np.log(total), out=x if out is None else out)


soft_row = scan(softmax_kernel, name="softmax", spec=float_scan_spec, vjp=lambda g, out, axis: out * (
    g - np.add.reduce(g * out, axis=axis, keepdims=True)))
log_soft_row = scan(log_softmax_kernel, name="log_softmax", spec=float_scan_spec, vjp=lambda g, out, axis: (
    g - np.exp(out) * np.add.reduce(g, axis=axis, keepdims=True)))


def softmax(x: Any, axis: Axes = -1) -> Any:
    """exp(x) / sum(exp(x)) along an axis, or over several (keras.ops.softmax).

    A place with -inf gets 0 and no gradient. Where a whole row is -inf (all masked), its result and gradient are 0.

    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    return soft_row(x, axis=clean_axis(axis))


def log_softmax(x: Any, axis: Axes = -1) -> Any:
    """log(softmax(x)), without its loss of precision (keras.ops.log_softmax). A row that is all -inf stays so."""
    return log_soft_row(x, axis=clean_axis(axis))


def same_shapes(logits: Any, targets: Any) -> None:
    if targets.shape != logits.shape:
        raise ShapeError(f"targets have shape {targets.shape}, logits {logits.shape}; they must be equal (nothing is "
                         "broadcast). Class numbers in place of distributions go to the sparse form")


# -- cross-entropy with distributions over the classes ----------------------------------------------------------------


def softmax_cross_entropy_kernel(logits: Any, targets: Any, *, axis: int = -1) -> Any:
    """-sum(targets * log(softmax(logits))) along an axis."""
    logits = floats(logits)
    targets = np.asarray(targets, logits.dtype)
    same_shapes(logits, targets)
    shifted, _, total = shifted_exp(logits, axis)
    terms = np.zeros_like(logits)
    np.multiply(targets, np.log(total) - shifted, out=terms, where=targets != 0)  # 0 * inf is 0: a masked class
    return np.add.reduce(terms, axis=axis)


def softmax_cross_entropy_spec(logits: Spec, targets: Spec, *, axis: int = -1) -> Spec:
    same_shapes(logits, targets)
    axis = normal_axis(axis, logits.ndim)
    return Spec(logits.shape[:axis] + logits.shape[axis + 1:], float_dtype(logits.dtype))


def logits_rule(g: Any, logits: Any, logits_shape: Any, targets: Any, axis: int) -> Any:
    """softmax * (the mass of the targets) - targets."""
    targets = targets.astype(g.dtype)
    mass = np.add.reduce(targets, axis=axis, keepdims=True)
    return unreduced(g, logits_shape, axis, False) * (soft_row(logits, axis=axis) * mass - targets)


def targets_rule(g: Any, logits: Any, logits_shape: Any, axis: int) -> Any:
    return -unreduced(g, logits_shape, axis, False) * log_soft_row(logits, axis=axis)


def softmax_samples(draw: Draw) -> Sample:
    shape = draw.shape(min_ndim=1)
    return (draw.array(shape), draw.array(shape, 0, 1)), {"axis": draw.axis(len(shape))}


dense_row = Op(
    softmax_cross_entropy_kernel, name="softmax_cross_entropy", spec=softmax_cross_entropy_spec, kind="other",
    vjp=(logits_rule, targets_rule), samples=softmax_samples)


def softmax_cross_entropy(logits: Any, targets: Any, axis: int = -1) -> Any:
    """-sum(targets * log(softmax(logits))) along an axis: the loss of each example.

    targets: of the shape of the logits, usually a distribution along the axis; also differentiable. A class with
    target 0 may have the logit -inf. Raises ShapeError if the shapes differ.
    (keras.ops.categorical_crossentropy, from_logits=True)

    >>> softmax_cross_entropy(np.array([[0.0, 0.0], [1e4, 0.0]]), np.array([[0.5, 0.5], [1.0, 0.0]]))
    array([0.69314718, 0.        ])
    """
    return dense_row(logits, targets, axis=axis)


# -- cross-entropy with class numbers ---------------------------------------------------------------------------------


def checked_labels(labels: Any, scores: np.ndarray, what: str = "logits") -> np.ndarray:
    """The labels as indices in one row, after checking shape, kind and range. what: how the user calls the scores."""
    labels = np.asarray(labels)
    fitting_labels(scores.shape, labels.shape, what)
    if labels.dtype.kind not in "iu":
        raise LabelError(f"labels must be integers, got {labels.dtype}; distributions over the classes go to "
                         "softmax_cross_entropy")
    flat = labels.reshape(-1).astype(np.intp, copy=False)
    # Seen as unsigned, a negative label is a huge one: one pass finds both.
    if np.maximum.reduce(flat.view(np.uintp), initial=0) >= max(scores.shape[-1], 1):
        complain(labels, scores.shape[-1], what)
    return flat


def fitting_labels(scores: tuple[int, ...], labels: tuple[int, ...], what: str = "logits") -> None:
    if not scores or labels != scores[:-1]:
        raise ShapeError(f"labels have shape {labels}, {what} {scores}; labels must have the shape of the {what} "
                         f"without the last axis, the classes{f': {scores[:-1]}' if scores else ''}")


def complain(labels: np.ndarray, classes: int, what: str) -> NoReturn:
    bad = (labels < 0) | (labels >= classes)
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    more = f" (and {bad.sum() - 1} more)" if bad.sum() > 1 else ""
    where = f" at {list(index)}" if index else ""
    raise LabelError(f"label {labels[index]}{where}{more} is out of range: the {what} have {classes} classes, "
                     f"so labels must lie between 0 and {classes - 1}; the largest here needs {int(labels.max()) + 1}")


def filled(out: Any, made: np.ndarray) -> np.ndarray:
    """What was made, in `out` if that is given."""
    if out is None:
        return made
    np.copyto(out, made)
    return out


def sparse_kernel(logits: Any, labels: Any, *, out: Any = None) -> Any:
    """-log(softmax(logits)[label]) along the last axis."""
    logits = floats(logits)
    labels = checked_labels(labels, logits)
    shifted, _, total = shifted_exp(logits.reshape(len(labels), logits.shape[-1]), -1)
    losses = np.log(total[:, 0]) - shifted[np.arange(len(labels)), labels]
    return filled(out, losses.reshape(logits.shape[:-1]))


def sparse_spec(logits: Spec, labels: Spec) -> Spec:
    fitting_labels(logits.shape, labels.shape)
    return Spec(logits.shape[:-1], float_dtype(logits.dtype))


def error_kernel(logits: Any, labels: Any, *, out: Any = None) -> Any:
    """softmax(logits) less the one-hot labels, without making these: the slope of the sparse cross-entropy."""
    logits = floats(logits)
    labels = checked_labels(labels, logits)
    _, e, total = shifted_exp(logits.reshape(len(labels), logits.shape[-1]), -1)
    e /= total
    e[np.arange(len(labels)), labels] -= 1
    return filled(out, e.reshape(logits.shape))


def softmax_rule(g: Any, logits: Any) -> Any:
    p = soft_row(logits, axis=-1)
    return p * (g - np.add.reduce(g * p, axis=-1, keepdims=True))


def sparse_samples(draw: Draw) -> Sample:
    shape = draw.shape(min_ndim=1)
    return (draw.array(shape), draw.ids(shape[:-1], shape[-1])), {}


prediction_error = Op(
    error_kernel, name="softmax_prediction_error", kind="other", samples=sparse_samples, vjp=(softmax_rule, None),
    spec=lambda logits, labels: Spec(logits.shape, float_dtype(logits.dtype)))

sparse_row = Op(
    sparse_kernel, name="sparse_softmax_cross_entropy", spec=sparse_spec, kind="other", samples=sparse_samples,
    vjp=(lambda g, logits, labels: g.reshape((*g.shape, 1)) * prediction_error(logits, labels), None))


def sparse_softmax_cross_entropy(logits: Any, labels: Any) -> Any:
    """-log(softmax(logits)[label]) along the last axis: the loss of each example.

    labels: integers, of the shape of the logits without the last axis. Raises LabelError for a label outside the
    classes (value, place, valid range), ShapeError for another shape.
    (keras.ops.sparse_categorical_crossentropy, from_logits=True)

    >>> sparse_softmax_cross_entropy(np.array([[1e4, 0.0]]), np.array([1]))
    array([10000.])
    """
    return sparse_row(logits, labels)
