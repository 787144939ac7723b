"""The loss contract: check the targets, bring them into shape, compare, reduce to one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from .. import config
from ..core.symbol import Symbol
from ..core.tensor import Tensor
from ..errors import DTypeError, ShapeError, unknown
from ..registry import Registry, construct, snake_case
from .checks import Shape, check_finite, same_sizes

__all__ = [
    "REDUCTIONS",
    "FunctionLoss",
    "Loss",
    "SameShapeLoss",
    "as_value",
    "fit_weights",
    "function_form",
    "registry",
]

REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none")

Self = TypeVar("Self", bound="Loss")


class Loss:
    """Base of all losses. A member is `call` and, where targets must be of a kind, the checks of that.

    `call` is NumPy text: it runs on arrays, is differentiated on Tensors and drawn on Symbols.

    Args:
        name: by default the class's name in snake case.
        reduction: what becomes of the values, one for each sample (or time step):
            `'sum_over_batch_size'` and `'mean'`: their sum (weighted), divided by how many there are;
            `'mean_with_sample_weight'`: divided by the sum of the weights; `'sum'`; `'none'` or None.

    A loss of your own takes targets that have as many samples as the predictions; to ask for more, override
    `check_shape` and `check_values`.

    >>> class Pinball(Loss):
    ...     def call(self, y_true, y_pred):
    ...         error = y_true - y_pred
    ...         return np.mean(np.maximum(0.9 * error, -0.1 * error), axis=-1)
    >>> float(Pinball()(np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]])))
    0.5
    """

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size") -> None:
        if reduction not in (None, *REDUCTIONS):
            raise unknown("reduction", reduction, REDUCTIONS)
        self.name = name or snake_case(type(self).__name__)
        self.reduction = reduction or "none"

    # -- what a member says ------------------------------------------------------------------------------

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one value for each sample (or time step): the shape of `y_pred` without its last axis."""
        raise NotImplementedError(f"{type(self).__name__} needs a call(y_true, y_pred) that returns the values.")

    def check_shape(self, y_true_shape: Shape, y_pred_shape: Shape, where: str) -> None:
        """Raise a `ShapeError` unless targets of that shape go with the predictions."""
        if not y_true_shape or not y_pred_shape or not same_sizes(y_true_shape[:1], y_pred_shape[:1]):
            raise ShapeError(
                f"{where}: targets of shape {y_true_shape} for predictions of shape {y_pred_shape}; expected as "
                "many samples (first axis) in both."
            )

    def check_values(self, y_true: np.ndarray, y_pred_shape: Shape, where: str) -> None:
        """Raise an error unless the targets hold values that this loss can compare with.

        Each value counts by itself: `fit` gives the targets of one batch, or, if they are arrays, those of many rows at
        once, and not again until the next epoch.
        """
        check_finite(y_true, where)

    def prepare(self, y_true: Any, y_pred_shape: Shape, dtype: Any = None) -> Any:
        """Return checked targets as `call` expects them: here, of the predictions' rank and dtype.

        A last axis of size 1 is added or taken away, where that makes the ranks equal. The dtype is
        `config.floatx()` if none is given.
        """
        y_true = y_true.astype(np.dtype(dtype or config.floatx()))
        if len(y_true.shape) + 1 == len(y_pred_shape) and y_pred_shape[-1] == 1:
            return np.expand_dims(y_true, -1)
        if len(y_true.shape) == len(y_pred_shape) + 1 and y_true.shape[-1] == 1:
            return np.squeeze(y_true, -1)
        return y_true

    def example(self, y_pred_shape: tuple[int, ...]) -> np.ndarray:
        """Return targets that go with predictions of that shape: zeros, for drawing a program without data."""
        return np.zeros(y_pred_shape, config.floatx())

    def mask(self, y_true: Any) -> Any:
        """Return which of the values count, as booleans of their shape; None if all do."""
        return None

    # -- how it is used ----------------------------------------------------------------------------------

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Check, prepare and compare: the loss of a batch, or of whatever is given."""
        y_pred = as_value(y_pred)
        y_true = self.accept(y_true, y_pred, self.name)
        return self.compute(y_true, y_pred, sample_weight)

    def accept(self, y_true: Any, y_pred: Any, where: str) -> Any:
        """Return targets ready for `call`, after all checks that can be made."""
        y_true = y_true if isinstance(y_true, (Tensor, Symbol)) else np.asarray(y_true)
        if isinstance(y_true, Symbol):
            self.check_shape(y_true.shape, y_pred.shape, where)
        else:
            self.check(y_true.data if isinstance(y_true, Tensor) else y_true, y_pred.shape, where)
        return self.prepare(y_true, y_pred.shape, y_pred.dtype)

    def check(self, y_true: np.ndarray, y_pred_shape: Shape, where: str) -> None:
        """Raise an error that begins with `where` unless the targets go with the predictions.

        `ShapeError` (nothing is ever broadcast), `DTypeError`, `NonFiniteError` or `LabelError`.
        """
        self.check_shape(y_true.shape, y_pred_shape, where)
        if y_true.dtype.kind not in "biuf":
            raise DTypeError(f"{where}: targets of dtype {y_true.dtype}; expected numbers.")
        self.check_values(y_true, y_pred_shape, where)

    def compute(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the reduced loss of prepared targets: what a training step calls. A mask of the predictions counts."""
        values, mask = self.per_sample(y_true, y_pred), self.mask(y_true)
        if isinstance(y_pred, (Tensor, Symbol)) and y_pred.mask is not None:
            kept = fit_mask(y_pred.mask, values)
            mask = kept if mask is None else np.logical_and(mask, kept)
        return self.reduce(values, sample_weight, mask)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the values before reduction; predictions of shape (batch,) count as (batch, 1)."""
        if len(y_pred.shape) == 1:
            y_pred = np.expand_dims(y_pred, -1)
            y_true = np.expand_dims(y_true, -1) if len(y_true.shape) == 1 else y_true
        return self.call(y_true, y_pred)

    def reduce(self, values: Any, sample_weight: Any = None, mask: Any = None) -> Any:
        """Reduce values to the loss. Masked values have no part in it, nor in the number to divide by."""
        weights = None if sample_weight is None else fit_weights(sample_weight, values)
        if mask is not None:
            counted = mask.astype(values.dtype)
            weights = counted if weights is None else weights * counted
        if weights is not None:
            values = values * weights
        if self.reduction == "none":
            return values
        if self.reduction == "sum":
            return np.sum(values)
        if self.reduction == "mean_with_sample_weight" and weights is not None:
            return _divide(np.sum(values), np.sum(weights + np.zeros_like(values)))
        return np.mean(values) if mask is None else _divide(np.sum(values), np.sum(counted))

    # -- config ------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, as JSON can hold them."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        """Return a loss with the arguments in `config`; an unknown one is an error."""
        return construct(cls, config)


class SameShapeLoss(Loss):
    """Base of the losses that compare element with element: targets must have the predictions' shape.

    A last axis of size 1 may be missing in either, as in Keras: targets (batch,) go with predictions
    (batch, 1).
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = None) -> None:
        super().__init__(name, reduction)  # Keras's order in the members, which is not that of the base

    def check_shape(self, y_true_shape: Shape, y_pred_shape: Shape, where: str) -> None:
        longer, shorter = sorted((y_true_shape, y_pred_shape), key=len, reverse=True)
        if len(longer) == len(shorter) + 1 and longer[-1] == 1:
            longer = longer[:-1]
        if not shorter or not same_sizes(longer, shorter):
            raise ShapeError(
                f"{where}: targets of shape {y_true_shape} for predictions of shape {y_pred_shape}; "
                f"{type(self).__name__} needs equal shapes and never broadcasts."
            )


class FunctionLoss(Loss):
    """A plain function `fn(y_true, y_pred) -> values` as a loss, named after it."""

    def __init__(
        self,
        fn: Callable[[Any, Any], Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(name or getattr(fn, "__name__", type(fn).__name__).strip("<>"), reduction)
        self.fn = fn

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.fn(y_true, y_pred)


registry: Registry[Loss] = Registry("loss", Loss, callables=True)


def function_form(member: type[Loss]) -> Callable[..., Any]:
    """Return a loss class as Keras's function: `fn(y_true, y_pred, **arguments)` gives the values, not reduced."""

    def fn(y_true: Any, y_pred: Any, **arguments: Any) -> Any:
        loss = member(**arguments)
        y_pred = as_value(y_pred)
        return loss.call(loss.accept(y_true, y_pred, loss.name), y_pred)

    fn.__name__ = fn.__qualname__ = snake_case(member.__name__)
    fn.__doc__ = f"`{member.__name__}` without the reduction; takes its arguments by name."
    fn.__module__ = member.__module__
    fn.form_of = member  # type: ignore[attr-defined] # so that the function stands for the class in compile
    return fn


def as_value(y: Any) -> Any:
    """Predictions as they are if arrays, Tensors or Symbols of floats; anything else as an array of floats."""
    y = y if isinstance(y, (Tensor, Symbol, np.ndarray)) else np.asarray(y, config.floatx())
    return y if y.dtype.kind == "f" else y.astype(config.floatx())


def fit_weights(weights: Any, values: Any) -> Any:
    """Return weights with the dtype of `values` and a shape that multiplies them sample by sample.

    Weights of shape (batch,) or (batch, 1) weigh whole samples, also where a sample has several values.

    >>> fit_weights([1, 2], np.ones((2, 3))).tolist()
    [[1.0], [2.0]]
    """
    weights = weights if isinstance(weights, (Tensor, Symbol)) else np.asarray(weights)
    if weights.dtype != values.dtype:
        weights = weights.astype(values.dtype)
    given = weights.shape
    while len(weights.shape) > len(values.shape) and weights.shape[-1] == 1:
        weights = np.squeeze(weights, -1)
    samples, fits = weights.shape[:1], all(w in (1, v) for w, v in zip(weights.shape[1:], values.shape[1:]))
    if len(weights.shape) > len(values.shape) or not (fits and same_sizes(samples, values.shape[: len(samples)])):
        raise ShapeError(
            f"Sample weights of shape {given} do not fit values of shape {values.shape}; expected one weight for "
            "each sample, or one for each of its values."
        )
    while weights.shape and len(weights.shape) < len(values.shape):
        weights = np.expand_dims(weights, -1)
    return weights


def fit_mask(mask: Any, values: Any) -> Any:
    """Return a mask of predictions for the values of a loss, in their shape; ShapeError if it has none of theirs."""
    shape = values.shape
    if not mask.shape or not same_sizes(mask.shape, shape[: len(mask.shape)]):
        raise ShapeError(
            f"The predictions carry a mask of shape {mask.shape}, but the loss has values of shape {shape}; expected "
            "one for each time step that the mask tells of, so predictions with an axis more than the mask."
        )
    missing = tuple(range(len(mask.shape), len(shape)))
    return np.logical_and(np.expand_dims(mask, missing), np.ones_like(values)) if missing else mask


def _divide(total: Any, count: Any) -> Any:
    """total / count, and 0 where nothing counts."""
    return total / np.where(count == 0, 1, count) * (count != 0)
