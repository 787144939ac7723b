"""`compile`, and what a model does with one batch: train on it, test on it, predict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import config, optimizers
from ..core.anomaly import first_bad
from ..core.autodiff import grad
from ..core.mode import MODE, no_grad
from ..core.tensor import Tensor
from ..core.tree import leaves, map_leaves
from ..errors import NonFiniteError, ShapeError, unknown
from ..layers.layer import held, unique
from ..metrics.metric import Metric
from ..utils import unpack_x_y_sample_weight
from .classes import class_weighted
from .data import Batch, unpack, whole
from .diagnose import first_bad_layer
from .objective import Objective
from .programs import Mode, Programs, StepProgram, example_batch, rows_of
from .spelling import spelled

if TYPE_CHECKING:
    from ..core.tensor import Variable
    from ..program import Program
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
    run_eagerly = False
    shown = False  # whether a subclassed model has shown, with a first eager step, how many outputs it has
    _told: dict[str, Any] | None = None  # what compile was told
    _jit_compile: bool | str | None = None
    _programs: Programs | None = None

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
        run_eagerly: bool = False,
        jit_compile: bool | str | None = None,
    ) -> None:
        """Say how to train: optimizer, losses and metrics, by name or as objects; by output in lists or dicts.

        A misspelt name is an error here, not at the first step. metrics: a flat list goes for every output.
        run_eagerly: run steps op by op, instead of as programs (see `program`): for debugging, and for layers that
        look at values in Python.
        jit_compile: 'auto': programs are fused into loops and compiled with Numba where that is installed; True: an
        ImportError if it is not; False: plain NumPy. By default as `config.jit_compile()` says, which is 'auto'.
        Keras counterpart: Model.compile. (Keras 3 has loss_weights third and metrics fourth; numbers and names tell
        the two orders apart.)
        """
        if not isinstance(run_eagerly, (bool, np.bool_)):
            raise ValueError(f"compile: run_eagerly={run_eagerly!r}; expected True or False")
        if jit_compile is not None:
            jit_compile = config.checked_jit_compile(jit_compile)
        if run_eagerly and jit_compile is True:
            raise ValueError("compile: jit_compile=True compiles programs, but with run_eagerly=True there are none")
        if metrics and all(isinstance(m, (int, float)) for m in leaves(metrics)):
            metrics, loss_weights = loss_weights, metrics
        names = self.output_names
        told = {"loss": loss, "metrics": metrics, "loss_weights": loss_weights, "weighted_metrics": weighted_metrics}
        # A subclassed model shows its outputs with the first batch; what is told for a single one is checked now.
        objective = None if not names and by_output(told) else Objective(names or ["output_1"], **told)
        self.optimizer, self.objective, self._told = optimizers.get(optimizer), objective, told
        self.run_eagerly, self._jit_compile, self._programs = run_eagerly, jit_compile, Programs()

    @property
    def jit_compile(self) -> bool | str:
        """Whether programs are compiled: 'auto', True or False, as `compile` was told, or as the config says."""
        return config.jit_compile() if self._jit_compile is None else self._jit_compile

    @jit_compile.setter
    def jit_compile(self, value: bool | str) -> None:
        self._jit_compile = config.checked_jit_compile(value)

    # -- steps ----------------------------------------------------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, Any]:
        """One batch forward, backward and update; the running figures. No update if the loss is not finite."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=True)
        loss = self.compute_loss(x, y, y_pred, sample_weight)
        if np.isfinite(loss._data):
            weights = self.weights_to_train()
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
        objective = self.objective_for(y_pred)
        total, parts = self.penalized(*objective.loss(y, y_pred, sample_weight))
        total = total if isinstance(total, Tensor) else Tensor(total)
        objective.count(rows_of(y_pred), {"loss": total, **parts}.items())
        return total

    def penalized(self, total: Any, parts: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """A loss with the penalties of layers and regularizers added, and its parts as they are."""
        for penalty in self.losses:
            if shape := getattr(penalty, "shape", ()):
                raise ShapeError(f"{self.name}: a penalty has shape {shape}; add_loss takes a single number")
            total = penalty if total is None else total + penalty
        if total is None:
            raise ValueError(f"{self.name}: there is nothing to minimise: compile() got no loss, and no layer adds one")
        return total, parts

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Take a batch into the metrics; all running figures: the losses noted so far, and the metrics."""
        objective = self.objective_for(y_pred)
        objective.measure(y, y_pred, sample_weight)
        return objective.logs()

    def objective_for(self, y_pred: Any) -> Objective:
        """What compile was told, for as many outputs as there are."""
        if self._told is None:
            raise RuntimeError(f"{self.name}: call compile(optimizer=..., loss=...) first; it says what to minimise")
        n = sum(1 for _ in leaves(y_pred))
        if self.objective is None or len(self.objective.outputs) != n:
            flat_dict = isinstance(y_pred, dict) and len(y_pred) == n
            names = [str(k) for k in y_pred] if flat_dict else [f"output_{i + 1}" for i in range(n)]
            self.objective = Objective(names, **self._told)
        self.shown = True
        return self.objective

    def weights_to_train(self) -> list[Variable]:
        """The trainable weights; ValueError if there are none."""
        weights = self.trainable_weights
        if not weights:
            raise ValueError(f"{self.name}: there is nothing to train: no weight is trainable")
        return weights

    def _gradients(self, loss: Tensor, weights: list[Variable]) -> list[Any]:
        """The loss's gradients, zeros where it does not depend on a weight; NonFiniteError if one is not finite."""
        gradients = grad(loss, weights, allow_unused=True)
        for i, g in enumerate(gradients):
            if g is None:
                gradients[i] = np.zeros(weights[i].shape, weights[i].dtype)
            else:
                self._refuse_gradient(weights[i], getattr(g, "rows", g), loss.item())
        return gradients

    def _refuse_gradient(self, weight: Variable, g: np.ndarray, loss: float) -> None:
        """NonFiniteError if a gradient is not finite."""
        if bad := first_bad(g):
            paths = {id(v): path for path, v in self.named_weights().items()}
            raise NonFiniteError(
                f"{self.name}: the gradient of {paths[id(weight)]} {weight.shape} has {bad[0]} at {list(bad[1])}, "
                f"while the loss is finite ({loss:g}). The step was not applied; run it inside "
                "minigrad.detect_anomaly() to find the op"
            )

    # -- programs -------------------------------------------------------------------------------------------------

    def program(self, mode: Mode = "train", batch_size: int = 32) -> Program:
        """The NumPy program that a step of this model runs as, for batches of that size; `print` shows its text, and
        its `save("step.py")` writes it to a file that runs on NumPy alone.

        mode: 'train', 'test' or 'predict'. Data of other dtypes than the model's own, or with sample weights, has
        programs of its own. ValueError if the model has no graph, or its step runs eagerly.

        >>> from minigrad.layers import Dense, Input
        >>> from minigrad.models import Sequential
        >>> model = Sequential([Input((4,)), Dense(2, activation="tanh", name="hidden")])
        >>> model.jit_compile = False
        >>> print(model.program("predict", batch_size=8).source.partition("def ")[2])
        step(x_input_1):
            np.matmul(x_input_1, hidden_kernel, out=hidden_matmul)  # hidden (8, 2)
            np.add(hidden_matmul, hidden_bias, out=hidden_add)  # hidden (8, 2)
            np.tanh(hidden_add, out=hidden_tanh)  # hidden (8, 2)
            return True, (hidden_tanh,)
        """
        if mode not in ("train", "test", "predict"):
            raise unknown("mode", mode, ("train", "test", "predict"))
        if self.graph is None:
            raise ValueError(f"{self.name} has no graph yet, so the shapes of its inputs are not known; fit it first")
        found = self._program(mode, example_batch(self, mode, whole(batch_size, "batch_size")))  # type: ignore[arg-type]
        if found is None:
            raise ValueError(f"{self.name}: the {mode} step has no program: it runs eagerly, or is the model's own")
        return found[0].program

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
            return figures(self._test(unpack((x, y, sample_weight))), return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for this batch, as arrays in the structure of the outputs."""
        with no_grad():
            return map_leaves(plain, self._predict(unpack((x,))))

    @property
    def metrics(self) -> list[Metric]:
        """The metrics that compile was told, and those kept as attributes; all begin anew with each epoch."""
        told = [m for own in self.objective.metrics for m, _ in own] if self.objective else []
        kept = [m for _, m in held(self, Metric)]
        return unique(m for m in [*told, *kept] if isinstance(m, Metric))

    @property
    def metrics_names(self) -> list[str]:
        """What the figures of `evaluate` and `train_on_batch` are called, in their order."""
        return self.objective.names() if self.objective else ["loss"]

    def reset_metrics(self) -> None:
        """Begin the running figures and all metrics anew."""
        if self.objective is not None:
            self.objective.reset()
        for metric in self.metrics:
            metric.reset_state()

    def _train(self, batch: Batch, class_weight: Mapping[int, float] | None) -> dict[str, Any]:
        batch = class_weighted(batch, class_weight) if class_weight else batch
        logs = self._by_program("train", batch) or self.train_step(batch.given)
        return {name: value.item() if isinstance(value, Tensor) else value for name, value in logs.items()}

    def _test(self, batch: Batch) -> dict[str, Any]:
        return self._by_program("test", batch) or self.test_step(batch.given)

    def _predict(self, batch: Batch) -> Any:
        found = self._program("predict", batch)
        if found is None:
            return self.predict_step(batch.given)
        program, arrays = found
        try:
            return program.outputs_of(program.run([*arrays.values()], None)[1])
        except Exception:
            self._explain("predict", batch)
            raise

    def _by_program(self, mode: Mode, batch: Batch) -> dict[str, Any] | None:
        """A training or test step as a program; None if it has to run eagerly."""
        found = self._program(mode, batch)
        if found is None:
            return None
        program, arrays = found
        optimizer = self.optimizer if mode == "train" else None
        try:
            self.objective_for(program.outputs).check(batch.y, program.outputs)
            finite, values = program.run([*arrays.values()], optimizer)
        except Exception:
            self._explain(mode, batch)
            raise
        self._count(program, finite, values)
        x, y, sample_weight = batch
        return self.compute_metrics(x, y, program.outputs_of(values), sample_weight)

    def _count(self, program: StepProgram, finite: bool, values: list[np.ndarray]) -> None:
        """Take a program's losses into the running figures; NonFiniteError if a gradient alone was not finite."""
        if not finite and np.isfinite(values[0]):
            for w, g in program.refused(values):
                self._refuse_gradient(w, g, values[0].item())
        assert self.objective is not None
        self.objective.count(program.rows, zip(program.losses, values))

    def _explain(self, mode: Mode, batch: Batch) -> None:
        """After an error in a program, which wrote nothing: go forward eagerly, which names the layer at fault."""
        x, y, sample_weight = batch
        y_pred = self(x, training=mode == "train")
        if mode != "predict":
            self.compute_loss(x, y, y_pred, sample_weight)

    def _program(self, mode: Mode, batch: Batch) -> tuple[StepProgram, dict[str, Any]] | None:
        """The program for such a batch and its arguments; None if the step has to run eagerly."""
        if self.runs_eagerly(mode):
            return None
        if self._programs is None:
            self._programs = Programs()
        return self._programs.find(self, mode, batch)  # type: ignore[arg-type]

    def runs_eagerly(self, mode: Mode) -> bool:
        """Whether a step is known not to be a program: compile said so, it is the user's own, or tracing it failed."""
        kind = type(self)
        own = getattr(kind, f"{mode}_step") is not getattr(Steps, f"{mode}_step")
        own = own or kind.compute_loss is not Steps.compute_loss
        failed = self._programs is not None and mode in self._programs.eager
        told = MODE.get()
        return self.run_eagerly or own or failed or told.anomaly or told.tape is not None

    def reads_outputs(self, mode: Mode) -> bool:
        """Whether anybody reads the outputs of a step: who predicts, a metric, or a compute_metrics of the user's."""
        return mode == "predict" or self.has_own_metrics() or bool(self.objective and self.objective.measures)

    def has_own_metrics(self) -> bool:
        """Whether compute_metrics is the user's own."""
        return type(self).compute_metrics is not Steps.compute_metrics

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


def plain(x: Any) -> np.ndarray:
    """The array behind an output."""
    return x._data if isinstance(x, Tensor) else np.asarray(x)


def figures(logs: dict[str, Any], return_dict: bool) -> Any:
    """Keras's forms of a step's figures: the number if there is one, the list, or the dict."""
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
