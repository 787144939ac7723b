"""`compile`, and what a model does with one batch: train on it, test on it, predict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import optimizers
from ..core.anomaly import first_bad
from ..core.autodiff import grad
from ..core.mode import no_grad
from ..core.tensor import Tensor
from ..core.tree import leaves, map_leaves
from ..errors import NonFiniteError, ShapeError
from ..utils import unpack_x_y_sample_weight
from .classes import class_weighted
from .data import Batch, unpack
from .diagnose import first_bad_layer
from .objective import Objective
from .spelling import spelled

if TYPE_CHECKING:
    from ..core.tensor import Variable
    from .graph import Graph


class Steps:
    """The part of a Model that learns from one batch.

    A subclass may write its own `train_step`, `test_step` or `predict_step`; `data` is then `(x,)`, `(x, y)` or
    `(x, y, sample_weight)`, of arrays, as in Keras (`minigrad.utils.unpack_x_y_sample_weight` tells them apart):

        def train_step(self, data):
            x, y = data
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred)
            gradients = minigrad.grad(loss, self.trainable_weights)
            self.optimizer.apply(gradients, self.trainable_weights)
            return self.compute_metrics(x, y, y_pred)
    """

    optimizer: Any = None
    objective: Objective | None = None
    _told: dict[str, Any] | None = None  # what compile was told

    if TYPE_CHECKING:
        name: str
        graph: Graph | None

        @property
        def output_names(self) -> list[str]: ...
        @property
        def trainable_weights(self) -> list[Variable]: ...
        @property
        def losses(self) -> list[Any]: ...
        def __call__(self, *args: Any, training: bool | None = None, **kwargs: Any) -> Any: ...
        def named_weights(self, prefix: str = "") -> dict[str, Variable]: ...

    @spelled
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = True,
    ) -> None:
        """Say how to train: optimizer, losses and metrics, by name or as objects; by output in lists or dicts.

        A misspelt name is an error here, not at the first step. metrics: a flat list goes for every output.
        run_eagerly: every step runs op by op, so there is nothing but True yet.
        Keras counterpart: Model.compile. (Keras 3 has loss_weights third and metrics fourth; numbers and names tell
        the two orders apart.)
        """
        if run_eagerly is not True:
            raise ValueError(f"compile: run_eagerly={run_eagerly!r}; steps run eagerly, op by op, so leave it out")
        if metrics is not None and all(isinstance(m, (int, float)) for m in leaves(metrics)):
            metrics, loss_weights = loss_weights, metrics
        names = self.output_names
        told = {"loss": loss, "metrics": metrics, "loss_weights": loss_weights, "weighted_metrics": weighted_metrics}
        # A subclassed model shows its outputs with the first batch; what is told for a single one is checked now.
        objective = None if not names and by_output(told) else Objective(names or ["output_1"], **told)
        self.optimizer, self.objective, self._told = optimizers.get(optimizer), objective, told

    # -- steps ----------------------------------------------------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, Any]:
        """One batch forward, backward and update; the running figures. No update if the loss is not finite."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=True)
        loss = self.compute_loss(x, y, y_pred, sample_weight)
        if np.isfinite(loss._data):
            weights = self.trainable_weights
            self.optimizer.apply(self._gradients(loss, weights), weights)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """One batch forward; the running figures."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self.compute_loss(x, y, y_pred, sample_weight)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """One batch forward; the outputs."""
        return self(data[0], training=False)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None) -> Tensor:
        """The loss of a batch, with the penalties of layers and regularizers. It is noted for the running figures."""
        objective = self._objective_for(y_pred)
        total, parts = objective.loss(y, y_pred, sample_weight)
        for penalty in self.losses:
            if shape := getattr(penalty, "shape", ()):
                raise ShapeError(f"{self.name}: a penalty has shape {shape}; add_loss takes a single number")
            total = penalty if total is None else total + penalty
        if total is None:
            raise ValueError(f"{self.name}: there is nothing to minimise: compile() got no loss, and no layer adds one")
        total = total if isinstance(total, Tensor) else Tensor(total)
        objective.count(rows_of(y_pred), {"loss": total.item(), **parts})
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Take a batch into the metrics; all running figures: the losses noted so far, and the metrics."""
        objective = self._objective_for(y_pred)
        objective.measure(y, y_pred, sample_weight)
        return objective.logs()

    def _objective_for(self, y_pred: Any) -> Objective:
        """What compile was told, for as many outputs as there are."""
        if self._told is None:
            raise RuntimeError(f"{self.name}: call compile(optimizer=..., loss=...) first; it says what to minimise")
        n = sum(1 for _ in leaves(y_pred))
        if self.objective is None or len(self.objective.outputs) != n:
            flat_dict = isinstance(y_pred, dict) and len(y_pred) == n
            names = [str(k) for k in y_pred] if flat_dict else [f"output_{i + 1}" for i in range(n)]
            self.objective = Objective(names, **self._told)
        return self.objective

    def _gradients(self, loss: Tensor, weights: list[Variable]) -> list[Any]:
        """The loss's gradients, zeros where it does not depend on a weight; NonFiniteError if one is not finite."""
        if not weights:
            raise ValueError(f"{self.name}: there is nothing to train: no weight is trainable")
        gradients = grad(loss, weights, allow_unused=True)
        for i, g in enumerate(gradients):
            if g is None:
                gradients[i] = np.zeros(weights[i].shape, weights[i].dtype)
                continue
            values = getattr(g, "rows", g)
            if bad := first_bad(values):
                paths = {id(v): path for path, v in self.named_weights().items()}
                raise NonFiniteError(
                    f"{self.name}: the gradient of {paths[id(weights[i])]} {weights[i].shape} has {bad[0]} at "
                    f"{list(bad[1])}, while the loss is finite ({loss.item():g}). The step was not applied; run it "
                    "inside minigrad.detect_anomaly() to find the op"
                )
        return gradients

    # -- one batch from the user ------------------------------------------------------------------------------------

    @spelled
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One training step on this batch; its figures (a number, a list, or a dict). NonFiniteError as in fit."""
        batch = unpack((x, y, sample_weight))
        self.reset_metrics()
        logs = self._train(batch, class_weight)
        self.refuse_non_finite(logs, batch)
        return figures(logs, return_dict)

    @spelled
    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """The figures of this batch, without training."""
        self.reset_metrics()
        with no_grad():
            return figures(self.test_step(unpack((x, y, sample_weight)).given), return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for this batch, as arrays in the structure of the outputs."""
        with no_grad():
            return map_leaves(plain, self.predict_step(unpack((x,)).given))

    def reset_metrics(self) -> None:
        """Begin the running figures anew."""
        if self.objective is not None:
            self.objective.reset()

    def _train(self, batch: Batch, class_weight: dict[int, float] | None) -> dict[str, Any]:
        logs = self.train_step((class_weighted(batch, class_weight) if class_weight else batch).given)
        return {name: value.item() if isinstance(value, Tensor) else value for name, value in logs.items()}

    def refuse_non_finite(self, logs: dict[str, Any], batch: Batch) -> None:
        """NonFiniteError if the loss among the figures is not finite: which layer began it, and what may help."""
        loss = logs.get("loss", 0.0)
        if not np.isfinite(loss):
            raise NonFiniteError(
                f"{self.name}: the loss became {loss}; {first_bad_layer(self, batch.x)}. The weights are "
                "those of the last finite step. A smaller learning_rate, clipnorm=1.0, or a look at the data there may "
                "help"
            )


def by_output(told: dict[str, Any]) -> bool:
    """Whether something that compile was told goes by output: a dict, a list of losses, or a list of lists."""

    def is_split(name: str, part: Any) -> bool:
        if not isinstance(part, (list, tuple)):
            return isinstance(part, dict)
        return name in ("loss", "loss_weights") or any(isinstance(p, (list, tuple)) for p in part)

    return any(is_split(name, part) for name, part in told.items())


def rows_of(outputs: Any) -> int:
    """The number of rows that outputs are for."""
    shape = next(leaves(outputs)).shape
    return int(shape[0]) if shape else 1


def plain(x: Any) -> np.ndarray:
    """The array behind an output."""
    return x._data if isinstance(x, Tensor) else np.asarray(x)


def figures(logs: dict[str, Any], return_dict: bool) -> Any:
    """Keras's forms of a step's figures: the number if there is one, the list, or the dict."""
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
