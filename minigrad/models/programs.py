"""A model's steps as programs: what is traced, and how a batch becomes a program's arguments."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import config
from ..core.autodiff import grad
from ..core.mode import MODE
from ..core.node import Stub
from ..core.rows import Table
from ..core.strings import is_string
from ..core.symbol import Symbol
from ..core.tensor import Tensor, Variable, wrap
from ..core.tree import leaves, map_leaves
from ..errors import MinigradError, TracingError
from ..layers.layer import Layer
from ..ops.join import pack
from ..optimizers.arena import Arena, arenas
from ..program import Cell, Program, Trace, jit
from .data import Batch
from .host import Prepared, example, is_raw, plain
from .row_steps import row_update, rows_of_gradient

if TYPE_CHECKING:
    from ..optimizers.deferred import Lag
    from ..optimizers.optimizer import Optimizer
    from .model import Model

Mode = Literal["train", "test", "predict"]


MOST = 16  # programs kept for a model; with more shapes than that the oldest go
DECAY = "rate_times_weight_decay"  # a program's input beside the optimizer's own scalars
SETTING = {float, int, bool, str, type(None)}
NO_SETTING = {"_rate", "iterations", "claims"}  # an optimizer's rate, which is an input, and its counters
KINDS = ("y", "sample_weight")  # of arrays that go with an output, by which a program's inputs are named
MANY = 6  # programs for one mode, from which on the user is told that shapes keep changing


class Programs:
    """The programs of a model, by mode and by the specs of a batch; made at the first such batch.

    A program is kept under what it was traced from: the graph, the global settings, and for training the optimizer with
    its settings and the trainable weights. It holds all of these objects, so that no other one has the id of one of
    them while the program is kept.
    """

    def __init__(self) -> None:
        self.made: dict[Any, StepProgram] = {}
        self.eager: set[str] = set()  # modes that cannot be traced
        self.warned = False
        self._revision = -1
        self._trainable: tuple[int, ...] = ()
        self._lags: tuple[int, ...] = ()

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
        if self._revision != Variable.revision:
            self._revision, weights = Variable.revision, model.weights
            self._trainable = tuple(id(w) for w in weights if w.trainable)
            self._lags = tuple(id(w.lag) for w in weights if isinstance(w, Table) and w.lag is not None)
        common = id(model.graph), model.jit_compile, config.snapshot(), self._lags
        if mode != "train":
            return common
        return *common, *settings(model.optimizer), self._trainable

    def _trace(self, model: Model, mode: Mode, batch: Batch, arrays: dict[str, np.ndarray]) -> StepProgram | None:
        """A new program; None, after a warning, if the step looks at values or does what Symbols cannot."""
        try:
            step = StepProgram(model, mode, batch, arrays)
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
        step.program = Program(*step.traced)  # not within the `try`: a fault here is not the model's
        del step.traced
        return step

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
    """What of an optimizer is written into a program."""
    values = vars(optimizer)
    return id(optimizer), id(optimizer._undecayed), *[(k, values[k]) for k in setting_names(optimizer)]


def setting_names(optimizer: Any) -> list[str]:
    """The names of an optimizer's numbers and switches."""
    return [k for k, v in vars(optimizer).items() if type(v) in SETTING and k not in NO_SETTING]


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
        self.lags: list[tuple[Variable, Lag | None]] = []
        self.masked: list[int] = []  # the outputs whose masks the program returns as well, for metrics
        self.scalars: dict[str, tuple[str, Any]] = {}  # by input: the hyper-parameter's name, and what makes its dtype
        optimizer = model.optimizer if mode == "train" else None
        self.origin = (model.graph, optimizer, optimizer and optimizer._undecayed)  # see Programs
        assigned: dict[Variable, Any] = {}
        token = MODE.set(MODE.get()._replace(tracing=assigned, scope=None))
        try:
            trace = self._trace(model, batch, arrays)
            for variable, value in assigned.items():
                if variable in {*self.weights}:
                    raise TracingError(f"{variable.name} is both trained and assigned to")
                trace.updates.append((variable, value))
        finally:
            MODE.reset(token)
            model.clear_losses()
        names = {v: path.replace("/", "_") for path, v in model.named_weights().items()}
        rows = next(iter(trace.inputs.values())).shape[0]
        fused = model.jit_compile is not False and jit.available(must=model.jit_compile is True)
        self.traced = trace, f"the {mode} step of {model.name}, {rows} rows", names, fused
        self.program: Program

    # -- tracing --------------------------------------------------------------------------------------------------

    def _trace(self, model: Model, batch: Batch, arrays: dict[str, np.ndarray]) -> Trace:
        trace = Trace({name: Symbol.of(a.shape, a.dtype) for name, a in arrays.items()}, {})
        trace.begin("forward")
        x = [trace.inputs[name] for name in input_names(model, batch.x)]
        self.outputs = model(as_given(model, batch.x, x), training=self.mode == "train")
        self.weights = model.weights_to_train() if self.mode == "train" else []
        if self.mode != "predict":
            trace.begin("loss")
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
        if model.reads_outputs(self.mode):
            outputs = dict(enumerate(leaves(self.outputs)))
            self.masked = [i for i, y in outputs.items() if self.mode != "predict" and y.mask is not None]
            trace.results |= {f"output_{i}": y for i, y in outputs.items()}
            trace.results |= {f"mask_{i}": outputs[i].mask for i in self.masked}
        self.results = len(trace.results)
        self.outputs = map_leaves(lambda y: Stub(y.shape, y.dtype, None), self.outputs)  # the nodes hold the model
        self.rows = rows_of(self.outputs)
        return trace

    def _trace_update(self, trace: Trace, optimizer: Optimizer, total: Any) -> None:
        optimizer.build(self.weights)
        trace.begin("backward")
        gradients = grad(total, self.weights, allow_unused=True)
        gradients = [np.zeros(w.shape, w.dtype) if g is None else g for w, g in zip(self.weights, gradients)]
        touched = {}  # by table of which a step writes a few rows alone: their ids
        for i, (w, g) in enumerate(zip(self.weights, gradients)):
            found = rows_of_gradient(optimizer, w, g)
            if found is not None:
                touched[w], gradients[i] = found
            elif isinstance(w, Table) and w.frozen is not None:
                gradients[i] = np.where(w.frozen[:, None], 0, g)
        self.lags = [(w, optimizer.lag_of(w, w in touched)) for w in self.weights]
        if optimizer.clips:
            trace.begin("clip")
        clipped = dict(zip(self.weights, optimizer.clip(gradients)))
        flat = arenas(optimizer, [w for w in self.weights if w not in touched])
        packs = [pack(*map(clipped.__getitem__, arena.variables)) for arena in flat]
        together = {w for arena in flat for w in arena.variables}
        alone = [w for w in self.weights if w not in together]
        self.watched: list[Arena | Variable] = [*self.weights]  # what each check but the first is the gradient of
        if optimizer.clips:
            trace.checks += gradients
        else:
            self.watched = [*flat, *alone]
            trace.checks += [*packs, *map(clipped.__getitem__, alone)]
        trace.begin("update")
        for arena, g in zip(flat, packs):
            cell = Cell(arena.weights, "weights", tuple(arena.variables))
            slots = {name: Cell(partial(arena.slots.__getitem__, name), name) for name in arena.slots}
            self._trace_advance(trace, optimizer, arena.variables[0], cell, g, slots)
        for w, ids in touched.items():
            update, cells = row_update(optimizer, w, ids, clipped[w], *self._scalars_of(trace, optimizer, w))
            trace.row_updates.append(update)
            trace.cells += cells
        for w in alone:
            if w in touched:
                continue
            held = optimizer.slots(w)
            slots = {name: Cell(partial(held.__getitem__, name), f"{w.name}_{name}") for name in held}
            self._trace_advance(trace, optimizer, w, w, clipped[w], slots)

    def _scalars_of(self, trace: Trace, optimizer: Optimizer, w: Variable) -> tuple[dict[str, Any], Any]:
        """The hyper-parameters of an update, and the decay if there is one, in the variable's dtype."""
        scalars = {name: self._scalar(trace, name, w) for name in optimizer.scalars(1, 1.0)}
        return scalars, self._scalar(trace, DECAY, w) if optimizer.decays(w) else None

    def _trace_advance(
        self, trace: Trace, optimizer: Optimizer, like: Variable, w: Variable | Cell, g: Any, slots: dict[str, Cell]
    ) -> None:
        """The update of one array of weights, whose dtype and decay are those of `like`, and of its slots."""
        scalars, decay = self._scalars_of(trace, optimizer, like)
        old = w.symbol if isinstance(w, Cell) else w
        new, *news = optimizer.advance(old, g, {name: slot.symbol for name, slot in slots.items()}, scalars, decay)
        if isinstance(like, Table) and like.frozen is not None:
            new = np.where(like.frozen[:, None], old, new)
        trace.updates += [(w, new), *zip(slots.values(), news)]
        trace.cells += [*([w] if isinstance(w, Cell) else []), *slots.values()]

    def _gradients(self, checked: list[np.ndarray]) -> list[np.ndarray]:
        """The gradient of each of `weights`, from what a call that was not finite returned of them."""
        parts: dict[Variable, np.ndarray] = {}
        for what, g in zip(self.watched, checked):
            if isinstance(what, Variable):
                parts[what] = g
            else:
                parts |= {w: g[place].reshape(w.shape) for w, place in zip(what.variables, what.places)}
        return [parts[w] for w in self.weights]

    def _scalar(self, trace: Trace, name: str, w: Variable) -> Symbol:
        """The input for a hyper-parameter, in the variable's dtype, as a Python number beside it would be."""
        key = f"{name}_{w.dtype.name}"
        self.scalars[key] = name, w.dtype.type
        return trace.inputs.setdefault(key, Symbol.of((), w.dtype))

    # -- running --------------------------------------------------------------------------------------------------

    def run(self, arrays: list[np.ndarray], optimizer: Optimizer | None) -> tuple[bool, list[np.ndarray]]:
        """(whether all was finite, and so applied; the program's values).

        arrays: those of a batch, with which the program's inputs begin. The values are the losses, then the outputs if
        anybody reads them, and if not all was finite what should have been: the loss and the gradients.
        """
        if optimizer is None:
            return self.program.run([*arrays])
        rate = optimizer.learning_rate
        scalars = optimizer.scalars(optimizer.iterations + 1, rate)
        if optimizer.weight_decay:
            scalars = {**scalars, DECAY: rate * optimizer.weight_decay}
        finite, values = self.program.run([*arrays, *[dtype(scalars[name]) for name, dtype in self.scalars.values()]])
        if finite:
            optimizer.iterations += 1
            for w, lag in self.lags:
                if lag is not None:
                    lag.tick(scalars, scalars[DECAY] if optimizer.decays(w) else None)
            for w in self.weights:
                if w.constraint is not None:
                    w.assign(w.constraint(w.data))
        return finite, values

    def outputs_of(self, values: list[np.ndarray]) -> Any:
        """The outputs among a run's values, in their structure; stubs if the program does not return them.

        Arrays; for metrics, an output with a mask is a Tensor that carries it.
        """
        given = iter(values[len(self.losses) : self.results])
        outputs: list[Any] = [next(given, stub) for stub in leaves(self.outputs)]
        for i, mask in zip(self.masked, given):
            outputs[i] = wrap(outputs[i])
            outputs[i].mask = wrap(mask)
        each = iter(outputs)
        return map_leaves(lambda _: next(each), self.outputs)

    def refused(self, values: list[np.ndarray]) -> Iterator[tuple[Variable, np.ndarray]]:
        """Of a run that was not finite, each weight with its gradient."""
        return zip(self.weights, self._gradients(values[self.results + 1 :]))


def rows_of(outputs: Any) -> int:
    """The number of rows that outputs are for."""
    shape = next(leaves(outputs)).shape
    return int(shape[0]) if shape else 1


def input_names(model: Model, x: Any) -> list[str]:
    """A name for each array of x."""
    if model.graph is not None:
        return [f"x_{name}" for name in model.graph.host.names(model.graph)]
    return [f"x_{i}" for i, _ in enumerate(leaves(x))]


def as_given(model: Model, x: Any, values: list[Any]) -> Any:
    """Values in the structure that the model's call takes: of a functional model a list, else that of x."""
    if any(is_string(value.dtype) for value in values):
        raise TracingError(
            "a program holds numbers, no strings; only layers next to the Inputs of a functional model turn words into "
            "numbers before it"
        )
    if model.graph is not None:
        return Prepared(values) if model.graph.host.nodes else values
    each = iter(values)
    return map_leaves(lambda _: next(each), x)


def arguments(model: Model, batch: Batch) -> dict[str, np.ndarray]:
    """The arrays of a batch by the names of a program's inputs: checked, and in the dtypes that the model takes."""
    if model.graph is not None:
        xs = [batch.x] if isinstance(batch.x, np.ndarray) else batch.x
        if is_raw(model, xs) or not (isinstance(xs, list) and all_fit(xs, model.graph.host.symbols)):
            xs = [plain(value) for value in model.in_order(batch.x)]
    else:
        xs = [x._data if isinstance(x, Tensor) else x for x in map(model._value, leaves(batch.x))]
    named = dict(zip(input_names(model, batch.x), xs)) | targets(model, batch)
    return {name: a if lies_plainly(a) else a.astype(a.dtype.newbyteorder("=")) for name, a in named.items()}


def lies_plainly(array: np.ndarray) -> bool:
    """Whether compiled loops can read an array where it lies: aligned, and in this machine's byte order."""
    return array.flags.aligned and array.dtype.isnative


def given_arrays(model: Model, batch: Batch) -> dict[str, np.ndarray]:
    """The same arrays as they were given."""
    is_list = model.graph is None or isinstance(batch.x, Prepared)
    xs = leaves(batch.x) if is_list else model.listed(batch.x)
    return dict(zip(input_names(model, batch.x), xs)) | targets(model, batch)


def targets(model: Model, batch: Batch) -> dict[str, np.ndarray]:
    """Targets and sample weights by the names of a program's inputs."""
    if batch.y is None:
        return {}
    objective = model.objective_for(model.output) if model.graph else model.objective
    return {
        f"{kind}_{i}": array
        for kind, given in zip(KINDS, (batch.y, batch.sample_weight))
        for i, array in enumerate(objective.align(given, kind) if objective else ())
        if array is not None
    }


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

    x = example(model.graph, sized)
    if mode == "predict":
        return Batch(x)
    losses = model.objective_for(model.output).losses
    return Batch(x, [loss and loss.example(sized(y.shape)) for loss, y in zip(losses, model.outputs)])
