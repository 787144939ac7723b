"""Many batches: fit, evaluate and predict."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..callbacks import CallbackList, History, TerminateOnNaN
from ..core.mode import no_grad
from ..core.tree import leaves, map_leaves
from ..errors import MinigradError, ShapeError
from ..losses import BinaryCrossentropy, SparseCategoricalCrossentropy
from .classes import warn_of_unseen_classes
from .data import ArrayData, Batch, Data, StreamData, data_from, is_stream, whole
from .diagnose import row_at_fault
from .spelling import spelled
from .steps import Steps, figures, plain


class Training(Steps):
    """The part of a Model that goes through data."""

    history: History | None = None
    stop_training = False

    @spelled
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
    ) -> History:
        """Train for some epochs; the History of its figures. Arguments and defaults as in Keras.

        x, y: arrays, lists of arrays, dicts by input and output name; or x alone, a generator or iterable of batches.
        validation_split: this share of the rows, the last ones, is held out. shuffle: a new order each epoch, made from
        the seed and the number of the epoch alone.
        A loss that stops being finite raises NonFiniteError, which names the batch and the first layer at fault, and
        leaves the weights of the last finite step (a TerminateOnNaN callback ends the training quietly instead).
        """
        data = data_from(x, y, sample_weight, batch_size, shuffle, steps_per_epoch)
        held_out = validation(validation_data, validation_batch_size or batch_size, validation_steps)
        if validation_split and held_out is None:
            if not isinstance(data, ArrayData):
                raise ValueError("validation_split needs arrays, not a generator; give validation_data instead")
            first, held_out = data.split(validation_split, validation_batch_size, validation_steps)
            self._compare_classes(first, held_out.batch)
            data = ArrayData(first, batch_size, shuffle, steps_per_epoch)
        numbers = range(whole(initial_epoch, "initial_epoch", 0), whole(epochs, "epochs", 0))
        every = whole(validation_freq, "validation_freq")
        before = self.history
        self.stop_training = False
        try:
            params = {"verbose": verbose, "epochs": numbers.stop, "steps": data.steps}
            run = CallbackList(callbacks, add_history=True, add_progbar=True, model=self, **params)
            self._train_epochs(numbers, data, held_out, every, class_weight, run)
            assert self.history is not None
            return self.history
        finally:
            if self.history is not None and not self.history.epoch:  # nothing was trained, so nothing is told
                self.history = before

    def _train_epochs(
        self,
        numbers: Iterable[int],
        data: Data,
        held_out: Data | None,
        every: int,
        class_weight: dict[int, float] | None,
        run: CallbackList,
    ) -> None:
        run.on_train_begin()
        logs: dict[str, Any] = {}
        for epoch in numbers:
            run.on_epoch_begin(epoch)
            logs = self._train_epoch(data, epoch, class_weight, run)
            if held_out is not None and (epoch + 1) % every == 0 and not self.stop_training:
                logs |= {f"val_{k}": v for k, v in self._test_epoch(held_out, run).items()}
            run.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        run.on_train_end(logs)

    def _train_epoch(
        self, data: Data, epoch: int, class_weight: dict[int, float] | None, run: CallbackList
    ) -> dict[str, Any]:
        quiet = any(isinstance(c, TerminateOnNaN) for c in run.callbacks)

        def train(batch: Batch) -> dict[str, Any]:
            logs = self._train(batch, class_weight)
            if not quiet:
                self.refuse_non_finite(logs, batch)
            return logs

        self.reset_metrics()
        logs: dict[str, Any] = {}
        for step, batch in enumerate(data.epoch(epoch)):
            run.on_train_batch_begin(step)
            logs = self._placed(train, batch, data, step, epoch)
            run.on_train_batch_end(step, logs)
            if self.stop_training:
                break
        return logs

    def _test_epoch(self, data: Data, run: CallbackList) -> dict[str, Any]:
        self.reset_metrics()
        logs: dict[str, Any] = {}
        run.on_test_begin()
        with no_grad():
            for step, batch in enumerate(data.epoch(0)):
                run.on_test_batch_begin(step)
                logs = self._placed(self._test, batch, data, step)
                run.on_test_batch_end(step, logs)
        run.on_test_end(logs)
        return logs

    @spelled
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and metrics on this data: a number, a list, or with return_dict a dict."""
        data = data_from(x, y, sample_weight, batch_size, steps=steps)
        run = CallbackList(callbacks, add_progbar=True, model=self, verbose=verbose, epochs=1, steps=data.steps)
        return figures(self._test_epoch(data, run), return_dict)

    @spelled
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for all rows, as arrays in the structure of the outputs."""
        data = data_from(x, batch_size=batch_size, steps=steps)
        run = CallbackList(callbacks, add_progbar=True, model=self, verbose=verbose, epochs=1, steps=data.steps)
        run.on_predict_begin()
        parts: list[list[np.ndarray]] = []
        outputs: Any = None
        with no_grad():
            for step, batch in enumerate(data.epoch(0)):
                run.on_predict_batch_begin(step)
                outputs = self._placed(self._predict, batch, data, step)
                parts.append([plain(t) for t in leaves(outputs)])
                run.on_predict_batch_end(step, {"outputs": outputs})
        run.on_predict_end()
        if any(not part.shape for part in parts[0]):
            raise ShapeError(
                f"{self.name}: an output has no batch axis, so predict cannot give a row of it for each row"
            )
        joined = iter([np.concatenate(column) for column in zip(*parts, strict=True)])
        return map_leaves(lambda _: next(joined), outputs)

    def _placed(
        self, step_on: Callable[[Batch], Any], batch: Batch, data: Data, step: int, epoch: int | None = None
    ) -> Any:
        """A step, whose errors also say which batch it was and, if a value is to blame, which row."""
        try:
            return step_on(batch)
        except MinigradError as error:
            k = row_at_fault(self, batch, error)
            row = None if k is None else data.row(epoch or 0, step, k)
            place = f"in batch {step + 1}" + ("" if epoch is None else f" of epoch {epoch + 1}")
            if k is not None:
                place += f", row {k} of the batch" + ("" if row is None else f", which is row {row} of the data")
            error.args = (f"{error}\n  {place}", *error.args[1:])
            raise

    def _compare_classes(self, training: Batch, held_out: Batch) -> None:
        """Warn if a split by position leaves whole classes to validation."""
        losses = self.objective.losses if self.objective else []
        if len(losses) == 1 and isinstance(losses[0], (BinaryCrossentropy, SparseCategoricalCrossentropy)):
            for y, later in zip(leaves(training.y), leaves(held_out.y)):
                if y is not None and y.size == len(y):
                    warn_of_unseen_classes(y, later)


def validation(given: Any, batch_size: int | None, steps: int | None) -> Data | None:
    """The data behind validation_data: (x, y), (x, y, sample_weight), or an iterable of batches."""
    if given is None:
        return None
    if is_stream(given):
        return StreamData(given, steps, goes_on=False)  # the same batches each time
    if not isinstance(given, (tuple, list)):
        given = (given,)
    if not 1 <= len(given) <= 3:
        raise ValueError(f"validation_data must be (x, y) or (x, y, sample_weight); got {len(given)} parts")
    return ArrayData(Batch(*given), batch_size, steps=steps)
