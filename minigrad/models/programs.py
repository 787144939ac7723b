"""A model's steps as programs: what is traced, and how a batch becomes a program's arguments."""

from __future__ import annotations

import sys
import warnings
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..core.autodiff import grad
from ..core.mode import MODE
from ..core.node import Stub
from ..core.symbol import Symbol
from ..core.tensor import Tensor, Variable
from ..core.tree import leaves, map_leaves
from ..errors import MinigradError, TracingError
from ..layers.layer import Layer
from ..program import Cell, Program, Trace
from .data import Batch

if TYPE_CHECKING:
    from ..optimizers.optimizer import Optimizer
    from .model import Model

Mode = Literal["train", "test", "predict"]


MOST = 16  # programs kept for a model; with more shapes than that the oldest go
DECAY = "rate_times_weight_decay"  # a program's input beside the optimizer's own scalars
SETTING = {float, bool, type(None)}
MANY = 6  # programs for one mode, from which on the user is told that shapes keep changing


class Programs:
    """The programs of a model, by mode and by the specs of a batch; made at the first such batch.

    A program is kept under what it was traced from: the graph, and for training the optimizer with its settings and the
    trainable weights. It holds all of these, so that no other object has the id of one while the program is kept.
    """

    def __init__(self) -> None:
        self.made: dict[Any, StepProgram] = {}
        self.eager: set[str] = set()  # modes that cannot be traced
        self.warned = False
        self._revision = -1
        self._trainable: tuple[int, ...] = ()

    def __reduce__(self) -> tuple:
        return Programs, ()  # a copied or unpickled model makes its own

    def find(self, model: Model, mode: Mode, batch: Batch) -> tuple[StepProgram, dict[str, np.ndarray]] | None:
        """The program for a batch like this one and its arguments; None if that step has to run eagerly."""
        if mode in self.eager or not (model.graph or model.shown):
            return None
        arrays = arguments(model, batch)
        key = (mode, self._origin(model, mode), *[(name, a.shape, a.dtype) for name, a in arrays.items()])
        program = self.made.get(key)
        if program is None:
            program = self._trace(model, mode, batch, arrays)
            if program is None:
                return None
            self._revision = -1  # a subclassed model makes its weights with the first trace
            key = (mode, self._origin(model, mode), *key[2:])
            self._keep(key, program, model, mode)
        return program, arrays

    def _origin(self, model: Model, mode: Mode) -> tuple:
        """What a program is traced from, besides the batch."""
        if mode != "train":
            return (id(model.graph),)
        if self._revision != Variable.revision:
            self._revision, self._trainable = Variable.revision, tuple(map(id, model.trainable_weights))
        return id(model.graph), *settings(model.optimizer), self._trainable

    def _trace(self, model: Model, mode: Mode, batch: Batch, arrays: dict[str, np.ndarray]) -> StepProgram | None:
        """A new program; None, after a warning, if the step looks at values or does what Symbols cannot."""
        try:
            return StepProgram(model, mode, batch, arrays)
        except (TracingError, AttributeError, TypeError) as error:
            if isinstance(error, MinigradError) and not isinstance(error, TracingError):
                raise  # about the data
            self.eager.add(mode)
            warnings.warn(
                f"{model.name}: the {mode} step runs eagerly, op by op, because it cannot be traced: {error}"
                + line(error),
                stacklevel=callers_level(),
            )
            return None

    def _keep(self, key: Any, program: StepProgram, model: Model, mode: Mode) -> None:
        self.made[key] = program
        if len(self.made) > MOST:
            del self.made[next(iter(self.made))]
        shapes = sorted({str(k[2][1]) for k in self.made if k[0] == mode})
        if not self.warned and len(shapes) >= MANY:
            self.warned = True
            warnings.warn(
                f"{model.name}: a {mode} program was made for each of {len(shapes)} input shapes, {', '.join(shapes)}; "
                "each costs some milliseconds. Pad the data to few shapes, or compile(run_eagerly=True)",
                stacklevel=callers_level(),
            )


def settings(optimizer: Any) -> tuple:
    """What of an optimizer is written into a program: its numbers and switches, but for the learning rate."""
    plain = [v for k, v in vars(optimizer).items() if type(v) in SETTING and k != "_rate"]
    return id(optimizer), id(optimizer._undecayed), *plain


def ours(frame: FrameType) -> bool:
    """Whether a frame runs minigrad's own code."""
    return frame.f_globals.get("__name__", "").partition(".")[0] == __name__.partition(".")[0]


def callers_level() -> int:
    """How far up the stack the user's own code is, for a warning by the function that asks."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and ours(frame):
        level, frame = level + 1, frame.f_back
    return level


def line(error: BaseException) -> str:
    """Where an error arose: the last line that is not minigrad's own, and the layer that it belongs to."""
    place, traceback = "", error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if not ours(frame):
            owner = frame.f_locals.get("self")
            of = f", layer {owner.name}" if isinstance(owner, Layer) else ""
            place = f"\n  in {frame.f_code.co_filename}, line {traceback.tb_lineno}{of}"
        traceback = traceback.tb_next
    return place


class StepProgram:
    """One step of a model, for batches of one size and dtype: forward, and in training backward and update.

    The program is traced from the same text that runs eagerly: layers, losses, regularizers, gradient rules, clipping
    and the optimizer's update. Its hyper-parameters are inputs, so that a schedule needs no new trace.
    """

    def __init__(self, model: Model, mode: Mode, batch: Batch, arrays: dict[str, np.ndarray]) -> None:
        self.mode = mode
        self.scalars: dict[str, tuple[str, Any]] = {}  # by input: the hyper-parameter's name, and what makes its dtype
        optimizer = model.optimizer if mode == "train" else None
        self.origin = (model.graph, optimizer, optimizer and optimizer._undecayed)  # see Programs
        token = MODE.set(MODE.get()._replace(tracing=True, scope=None))
        try:
            trace = self._trace(model, batch, arrays)
        finally:
            MODE.reset(token)
            model.clear_losses()
        names = {v: path.replace("/", "_") for path, v in model.named_weights().items()}
        rows = next(iter(trace.inputs.values())).shape[0]
        self.program = Program(trace, f"the {mode} step of {model.name}, {rows} rows", names)

    # -- tracing --------------------------------------------------------------------------------------------------

    def _trace(self, model: Model, batch: Batch, arrays: dict[str, np.ndarray]) -> Trace:
        trace = Trace({name: Symbol.of(a.shape, a.dtype) for name, a in arrays.items()}, {})
        x = [trace.inputs[name] for name in input_names(model, batch.x)]
        self.outputs = model(as_given(model, batch.x, x), training=self.mode == "train")
        self.weights = model.weights_to_train() if self.mode == "train" else []
        if self.mode != "predict":
            objective = model.objective_for(self.outputs)
            ys, ws = (
                [trace.inputs.get(f"{kind}_{i}") for i, _ in enumerate(objective.outputs)]
                for kind in ("y", "sample_weight")
            )
            total, parts = model.penalized(*objective.loss(ys, self.outputs, ws))
            trace.results |= {"loss": total, **parts}
            if self.mode == "train":
                trace.checks.append(total)
                self._trace_update(trace, model.optimizer, total)
        self.losses = list(trace.results)
        trace.results |= {f"output_{i}": y for i, y in enumerate(leaves(self.outputs))}
        self.outputs = map_leaves(lambda y: Stub(y.shape, y.dtype, None), self.outputs)  # the nodes hold the model
        return trace

    def _trace_update(self, trace: Trace, optimizer: Optimizer, total: Any) -> None:
        optimizer.build(self.weights)
        gradients = grad(total, self.weights, allow_unused=True)
        gradients = [np.zeros(w.shape, w.dtype) if g is None else g for w, g in zip(self.weights, gradients)]
        trace.checks += gradients
        for w, g in zip(self.weights, optimizer.clip(gradients)):
            held = optimizer.slots(w)
            cells = {name: Cell(partial(held.__getitem__, name), f"{w.name}_{name}") for name in held}
            scalars = {name: self._scalar(trace, name, w) for name in optimizer.scalars(1, 1.0)}
            decay = self._scalar(trace, DECAY, w) if optimizer.decays(w) else None
            slots = {name: cell.symbol for name, cell in cells.items()}
            new, *news = optimizer.advance(w, g, slots, scalars, decay)
            trace.updates += [(w, new), *zip(cells.values(), news)]
            trace.cells += cells.values()

    def _scalar(self, trace: Trace, name: str, w: Variable) -> Symbol:
        """The input for a hyper-parameter, in the variable's dtype, as a Python number beside it would be."""
        key = f"{name}_{w.dtype.name}"
        self.scalars[key] = name, w.dtype.type
        return trace.inputs.setdefault(key, Symbol.of((), w.dtype))

    # -- running --------------------------------------------------------------------------------------------------

    def run(self, arrays: dict[str, np.ndarray], optimizer: Optimizer | None) -> tuple[Any, dict[str, Any], list[Any]]:
        """(the outputs in their structure, the losses by name, nothing if all was finite and so applied, else what
        should have been: the loss, and the gradient of each of `weights`).
        """
        arguments = list(arrays.values())  # the program's inputs begin with them, in this order
        if optimizer:
            rate = optimizer.learning_rate
            scalars = {
                **optimizer.scalars(optimizer.iterations + 1, rate),
                DECAY: rate * (optimizer.weight_decay or 0.0),
            }
            arguments += [dtype(scalars[name]) for name, dtype in self.scalars.values()]
        finite, values = self.program.run(arguments)
        if finite and optimizer:
            optimizer.iterations += 1
            for w in self.weights:
                if w.constraint is not None:
                    w.assign(w.constraint(w.data))
        losses = dict(zip(self.losses, values))
        outputs = iter(values[len(losses) :])
        return map_leaves(lambda _: next(outputs), self.outputs), losses, [] if finite else list(outputs)


def input_names(model: Model, x: Any) -> list[str]:
    """A name for each array of x."""
    if model.graph is not None:
        return [f"x_{name}" for name in model.input_names]
    return [f"x_{i}" for i, _ in enumerate(leaves(x))]


def as_given(model: Model, x: Any, values: list[Any]) -> Any:
    """Values in the structure that the model's call takes: of a functional model a list, else that of x."""
    if model.graph is not None:
        return values
    each = iter(values)
    return map_leaves(lambda _: next(each), x)


def arguments(model: Model, batch: Batch) -> dict[str, np.ndarray]:
    """The arrays of a batch by the names of a program's inputs: checked, and in the dtypes that the model takes."""
    if model.graph is not None:
        xs = [batch.x] if isinstance(batch.x, np.ndarray) else batch.x
        if not (isinstance(xs, list) and all_fit(xs, model.graph.flat_inputs)):
            xs = [value._data for value in model.in_order(batch.x)]
    else:
        xs = [x._data if isinstance(x, Tensor) else x for x in map(model._value, leaves(batch.x))]
    out = dict(zip(input_names(model, batch.x), xs))
    if batch.y is not None:
        objective = model.objective_for(model.output) if model.graph else model.objective
        for kind, given in (("y", batch.y), ("sample_weight", batch.sample_weight)):
            for i, array in enumerate(objective.align(given, kind) if objective else ()):
                if array is not None:
                    out[f"{kind}_{i}"] = array
    return out


def all_fit(xs: list[Any], symbols: list[Symbol]) -> bool:
    """Whether the values are arrays that can be taken as they are: they are neither copied nor cast then."""
    return len(xs) == len(symbols) and all(
        type(x) is np.ndarray
        and x.dtype == symbol.dtype
        and x.ndim == len(symbol.shape)
        and all(m is None or m == n for n, m in zip(x.shape, symbol.shape))
        for x, symbol in zip(xs, symbols)
    )


def example_batch(model: Model, mode: Mode, batch_size: int) -> Batch:
    """A batch of zeros for a functional model: inputs, and targets as its losses take them."""

    def sized(shape: tuple[int | None, ...]) -> tuple[int, ...]:
        if None in shape[1:]:
            raise ValueError(f"{model.name}: an axis besides the batch is open, {shape}; a program needs its size")
        return tuple(batch_size if n is None else n for n in shape)

    x = [np.zeros(sized(symbol.shape), symbol.dtype) for symbol in model.inputs]
    if mode == "predict":
        return Batch(x)
    losses = model.objective_for(model.output).losses
    return Batch(x, [loss and loss.example(sized(y.shape)) for loss, y in zip(losses, model.outputs)])
