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
from .classes import class_weighted, warn_of_unseen_classes
from .data import ArrayData, Batch, Data, Rows, StreamData, data_from, is_stream, whole
from .diagnose import row_at_fault
from .runner import Runner
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
        if class_weight and isinstance(data, ArrayData):
            data.batch, class_weight = class_weighted(data.batch, class_weight), None
        numbers = range(whole(initial_epoch, "initial_epoch", 0), whole(epochs, "epochs", 0))
        every = whole(validation_freq, "validation_freq")
        before = self.history
        self.stop_training = False
        try:
            params = {"verbose": verbose, "epochs": numbers.stop, "steps": data.steps}
            run = CallbackList(callbacks, add_history=True, add_progbar=True, model=self, **params)
            quiet = any(isinstance(c, TerminateOnNaN) for c in run.callbacks)
            training = Runner(self, "train", data, class_weight, quiet)
            testing = Runner(self, "test", held_out) if held_out is not None else None
            self._train_epochs(numbers, training, testing, every, run)
            assert self.history is not None
            return self.history
        finally:
            if self.history is not None and not self.history.epoch:  # nothing was trained, so nothing is told
                self.history = before

    def _train_epochs(
        self,
        numbers: Iterable[int],
        training: Runner,
        testing: Runner | None,
        every: int,
        run: CallbackList,
    ) -> None:
        run.on_train_begin()
        logs: dict[str, Any] = {}
        for epoch in numbers:
            run.on_epoch_begin(epoch)
            logs = self._train_epoch(training, epoch, run)
            if testing is not None and (epoch + 1) % every == 0 and not self.stop_training:
                logs |= {f"val_{k}": v for k, v in self._test_epoch(testing, run).items()}
            run.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        run.on_train_end(logs)

    def _train_epoch(self, runner: Runner, epoch: int, run: CallbackList) -> dict[str, Any]:
        runner.begin_epoch()
        for step, part in enumerate(runner.data.epoch(epoch)):
            run.on_train_batch_begin(step)
            self._placed(runner.step, part, runner.data, step, epoch)
            run.on_train_batch_end(step, runner.logs)
            if self.stop_training:
                break
        return runner.logs()

    def _test_epoch(self, runner: Runner, run: CallbackList) -> dict[str, Any]:
        runner.begin_epoch()
        run.on_test_begin()
        with no_grad():
            for step, part in enumerate(runner.data.epoch(0)):
                run.on_test_batch_begin(step)
                self._placed(runner.step, part, runner.data, step)
                run.on_test_batch_end(step, runner.logs)
        run.on_test_end(runner.logs())
        return runner.logs()

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
        return figures(self._test_epoch(Runner(self, "test", data), run), return_dict)

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
        runner = Runner(self, "predict", data)
        with no_grad():
            for step, part in enumerate(data.epoch(0)):
                run.on_predict_batch_begin(step)
                outputs = self._placed(runner.outputs, part, data, step)
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
        self, step_on: Callable[[Any], Any], part: Rows | Batch, data: Data, step: int, epoch: int | None = None
    ) -> Any:
        """A step, whose errors also say which batch it was and, if a value is to blame, which row."""
        try:
            return step_on(part)
        except MinigradError as error:
            k = row_at_fault(self, data.take(part), error)
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
