"""How batches become steps: rows of arrays go straight into a program's arguments, all else goes batch by batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.node import Stub
from ..core.tree import leaves
from .data import ArrayData, Batch, Data, Rows
from .feed import Feed
from .host import ahead, is_raw
from .programs import Mode, StepProgram

CHUNK = 1 << 16  # rows whose targets are checked at once: not so many that the checks need much memory


class Runner:
    """The steps of a model over the batches of its data, epoch after epoch, and the running figures.

    The first batch of each size takes the general way, with all its checks; on it the program is made, if the step can
    be one. From the second on, rows of arrays are fed to that program, as long as what it was made from stays as it is.
    The targets are checked once an epoch then. If something is wrong with them, the general way goes on, which trains
    on the batches before it and tells the place.

    class_weight: for the batches of a stream. quiet: leave a loss that is not finite to a callback.
    """

    def __init__(
        self,
        model: Any,
        mode: Mode,
        data: Data,
        class_weight: Mapping[int, float] | None = None,
        quiet: bool = True,
    ) -> None:
        self.model, self.mode, self.data = model, mode, ahead(model, mode, data)
        self.class_weight, self.quiet = class_weight, quiet
        self._feeds: dict[int, Feed | None] = {}  # by the number of rows; None after the first such batch
        self._sound: bool | None = None  # whether all targets of the epoch are as they must be, once that is known
        self._logs: dict[str, Any] | None = {}

    def begin_epoch(self) -> None:
        """Begin the figures anew."""
        self.model.reset_metrics()
        self._logs, self._sound = {}, None

    def step(self, part: Rows | Batch) -> None:
        """Train or test on a batch."""
        feed = self._feed(part)
        if feed is None:
            batch, train = self.data.take(part), self.mode == "train"
            self._logs = self.model._train(batch, self.class_weight) if train else self.model._test(batch)
            if not self.quiet:
                self.model.refuse_non_finite(self._logs, batch)
            return
        arrays, finite, values = self._run(feed, part)
        self._logs = None
        self.model._count(feed.program, finite, values)
        feed.measure(arrays, values)
        if not (finite or self.quiet):
            self.model.refuse_non_finite(self.logs(), self.data.take(part))

    def outputs(self, part: Rows | Batch) -> Any:
        """Predict for a batch."""
        feed = self._feed(part)
        if feed is None:
            return self.model._predict(self.data.take(part))
        return feed.program.outputs_of(self._run(feed, part)[2])

    def logs(self) -> dict[str, Any]:
        """The figures after the last step: made when they are asked for, and one dict until the next step."""
        if self._logs is None:
            self._logs = self.model.objective.logs()
        return self._logs

    # -- feeding programs -----------------------------------------------------------------------------------------

    def _run(self, feed: Feed, rows: Any) -> tuple[list[np.ndarray], bool, list[np.ndarray]]:
        """(the program's arrays, whether all was finite, its values)."""
        try:
            arrays = feed.take(rows)
            return arrays, *feed.program.run(arrays, feed.optimizer)
        except Exception:  # then nothing was written: what the general way says about such inputs, or the eager step
            batch = self.data.take(rows)
            self.model._program(self.mode, batch)
            self.model._explain(self.mode, batch)
            raise

    def _feed(self, part: Any) -> Feed | None:
        """What feeds a program with so many rows; None if this batch has to take the general way."""
        n = part.stop - part.start if isinstance(part, slice) else len(part)
        feed = self._feeds.get(n)
        if feed is None:
            feed = self._new_feed(n, part)
        elif feed.state(self.model) != feed.origin:
            feed = self._feeds[n] = None
        if feed is not None and self._sound is None:
            self._sound = self.mode == "predict" or self._check_targets(feed.program)
        return feed if self._sound else None

    def _new_feed(self, n: int, part: Any) -> Feed | None:
        """One for arrays, from the second batch of n rows on, if the step is a program."""
        data, model, first = self.data, self.model, n not in self._feeds
        self._feeds.setdefault(n, None)
        by_itself = model.runs_eagerly(self.mode) or (model.has_own_metrics() and self.mode != "predict")
        if first or by_itself or self._sound is False or not isinstance(data, ArrayData):
            return None
        if is_raw(model, data.batch.x):
            return None
        found = model._program(self.mode, data.take(part))
        if found is not None:
            self._feeds[n] = Feed(model, data, *found)
        return self._feeds[n]

    def _check_targets(self, program: StepProgram) -> bool:
        """Whether the targets of all rows that an epoch may see pass the checks that each batch would make."""
        assert isinstance(self.data, ArrayData)
        for start in range(0, self.data.reach, CHUNK):
            part = self.data.take(slice(start, min(start + CHUNK, self.data.reach)))
            outputs = [Stub((part.size, *y.shape[1:]), y.dtype, None) for y in leaves(program.outputs)]
            try:
                self.model.objective.check(part.y, outputs)
            except Exception:
                return False
        return True
