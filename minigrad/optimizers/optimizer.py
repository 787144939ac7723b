"""The optimizer contract: how gradients become new weights, and everything that all optimizers share."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import signature
from typing import Any, TypedDict, TypeVar, Unpack

import numpy as np

from ..core.mode import MODE
from ..core.rows import Table
from ..core.rowsparse import RowSparse
from ..core.tensor import Variable
from ..errors import unknown
from ..registry import Registry, check_names
from . import gradients, schedules
from .arena import Arena
from .deferred import Idle, Lag
from .schedules import InverseTimeDecay, LearningRateSchedule

__all__ = ["Optimizer", "Options", "Rate", "registry"]

ROWS = ("exact", "lazy", "dense")
LARGE = 1 << 20  # numbers in a table, from which on a dense step is worth a word
MOST_DECAY = 0.9  # of a step: a product of more is soon beyond what a float holds
FEW = 4  # rows of a table for each place in a batch, up to which a dense step is as fast as one of rows
Rate = float | Callable[..., float]  # a schedule is a function of the number of steps done
Self = TypeVar("Self", bound="Optimizer")


class Options(TypedDict, total=False):
    """What every optimizer takes besides arguments of its own; None switches an option off."""

    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    name: str | None
    rows: str
    lr: Rate
    decay: float


class Optimizer:
    """Base of all optimizers. A member is `slot_names`, `update` and, where it needs them, `scalars`.

    `update` is NumPy text without in-place writes: it runs on arrays, and draws a program on Symbols.

    Args:
        learning_rate: a number, a schedule, or a function that returns one (of no argument, or of the number
            of steps done). Old spelling: `lr`.
        weight_decay: at each step, weights first shrink by this times the learning rate ("decoupled").
        clipnorm: the greatest norm of each gradient. At most one of the three clips may be given.
        clipvalue: the greatest size of each element of a gradient.
        global_clipnorm: the greatest norm of all gradients together.
        name: by default the class's name in small letters.
        decay: Keras 2's: the learning rate is divided by `1 + decay * steps`.

        rows: what a RowSparse gradient does to the other rows of its table. "exact": what a gradient of zeros does
            (momentum goes on moving them, weights decay), but when they are next read, so that a step costs what its
            rows cost (see deferred.py); where that has no closed form, or the table is small, all rows are moved at
            once. "dense": always all at once. "lazy": nothing; only the rows of a batch move, fade and decay, as in
            what others call sparse or lazy Adam: another algorithm.

    An optimizer of your own:

    >>> from minigrad.core.tensor import Variable
    >>> class SignSGD(Optimizer):
    ...     def update(self, w, g, *, learning_rate):
    ...         return (w - learning_rate * np.sign(g),)
    >>> w = Variable(np.zeros(2, np.float32))
    >>> SignSGD(0.5).apply([np.array([3.0, -4.0])], [w])
    >>> w.numpy()
    array([-0.5,  0.5], dtype=float32)
    """

    slot_names: tuple[str, ...] = ()

    def __init__(self, learning_rate: Rate = 0.001, **options: Unpack[Options]) -> None:
        own = [name for name in signature(type(self)).parameters if name != "options"]
        check_names(options, [*own, *Options.__annotations__], f"argument of {type(self).__name__}")
        self.name = options.get("name") or type(self).__name__.lower()
        self.rows = options.get("rows", "exact")
        if self.rows not in ROWS:
            raise unknown("rows", str(self.rows), ROWS)
        self.weight_decay = options.get("weight_decay")
        self.clipnorm = _limit("clipnorm", options.get("clipnorm"))
        self.clipvalue = _limit("clipvalue", options.get("clipvalue"))
        self.global_clipnorm = _limit("global_clipnorm", options.get("global_clipnorm"))
        if sum(limit is not None for limit in (self.clipnorm, self.clipvalue, self.global_clipnorm)) > 1:
            raise ValueError(
                f"{self.name}: at most one of the three clips can be given, got clipnorm={self.clipnorm}, "
                f"clipvalue={self.clipvalue} and global_clipnorm={self.global_clipnorm}."
            )
        rate = _rate(options.get("lr", learning_rate))
        decay = options.get("decay")
        if decay:
            if not isinstance(rate, float):
                raise ValueError(f"{self.name}: decay= goes with a number for a learning rate, got {rate!r}.")
            rate = InverseTimeDecay(rate, 1, decay)
        self._rate = rate
        self.iterations = 0
        self._slots: dict[Variable, dict[str, np.ndarray]] = {}
        self.tenant: dict[Variable, Arena] = {}  # in whose flat arrays a variable's slots lie (see arena.py)
        self.claims = 0  # how often an arena took slots in
        self._lags: dict[Variable, Lag] = {}
        self._told: set[Variable] = set()  # of which tables was said that steps are dense
        self._undecayed: tuple[set[Variable], tuple[str, ...]] = (set(), ())

    # -- what a member says --------------------------------------------------------------------------

    def update(self, w: Any, g: Any, *slots: Any, **scalars: Any) -> tuple[Any, ...]:
        """Return the new weight and the new slots, in the order of `slot_names`.

        Called with the slots and the scalars by name.
        """
        raise NotImplementedError(f"{type(self).__name__} needs an update(w, g, ...) that returns new values.")

    def scalars(self, step: int, learning_rate: float) -> dict[str, float]:
        """Return the numbers that `update` needs, once for step 1, 2, ... of all variables."""
        return {"learning_rate": learning_rate}

    def slot(self, name: str, variable: Variable, value: float = 0.0) -> np.ndarray:
        """Return a slot's first value: one number everywhere, in the variable's shape and dtype.

        A Table that lies in a file gives one that lies beside it, and goes on with what is there.
        """
        if isinstance(variable, Table):
            return variable.like(f"{type(self).__name__.lower()}.{name}", value)
        return np.full(variable.shape, value, variable.dtype)

    def idle(self) -> Idle | None:
        """What a step with gradient zero does, if there is a closed form for many of them; None if not."""
        return None

    # -- a step --------------------------------------------------------------------------------------

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> int:
        """Do one step with pairs of a gradient and its variable, and return how many steps are done."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self.iterations

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Do one step: clip the gradients, decay, update and constrain the variables.

        The variables may be left out after `build`. Nothing is written unless every gradient fits its
        variable: a missing one is a `GradientError`, a misshapen one a `ShapeError`.
        """
        variables = list(self._slots if trainable_variables is None else trainable_variables)
        grads = gradients.checked(grads, variables)
        if not variables:
            return
        self.build(variables)
        learning_rate = self.learning_rate
        scalars = self.scalars(self.iterations + 1, learning_rate)
        decay = learning_rate * (self.weight_decay or 0.0)
        grads = [gradients.of_movable_rows(g, variable) for g, variable in zip(grads, variables)]
        for g, variable in zip(self.clip(grads), variables):
            self._write(variable, g, scalars, decay if self.decays(variable) else None)
        self.iterations += 1

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the slots of those variables that have none yet. `apply` does it by itself."""
        for variable in variables:
            if variable not in self._slots:
                self._slots[variable] = {name: self.slot(name, variable) for name in self.slot_names}

    @property
    def clips(self) -> bool:
        """Whether `clip` may change a gradient."""
        return any(limit is not None for limit in (self.clipvalue, self.clipnorm, self.global_clipnorm))

    def clip(self, grads: list[Any]) -> list[Any]:
        """Return the gradients as the clip argument leaves them."""
        if self.clipvalue is not None:
            return gradients.by_value(grads, self.clipvalue)
        if self.clipnorm is not None:
            return gradients.by_norm(grads, self.clipnorm)
        if self.global_clipnorm is not None:
            return gradients.by_global_norm(grads, self.global_clipnorm)
        return grads

    def advance(
        self, w: Any, g: Any, slots: Mapping[str, Any], scalars: Mapping[str, Any], decay: Any = None
    ) -> tuple[Any, ...]:
        """Return what one step makes of one weight and its slots: decay, then `update`. NumPy text.

        `decay` is the learning rate times the weight decay, None for a variable that does not decay.
        """
        if decay is not None:
            w = w - w * decay
        return self.update(w, g, **slots, **scalars)

    def _advanced(self, variable: Variable, *words: Any) -> tuple[Any, ...]:
        """`advance`, which a tape of `minigrad.record` writes down op by op."""
        tape = MODE.get().tape
        return self.advance(*words) if tape is None else tape.updated(self, variable, *words)

    def _write(self, variable: Variable, g: Any, scalars: dict[str, float], decay: float | None) -> None:
        if isinstance(g, RowSparse) and self.moves_rows(variable, len(g.ids), decay):
            self._write_rows(variable, g.merged(), scalars, decay)
            return
        self.tell_of_regularizer(variable)
        self.lag_of(variable, False)
        slots = self._slots[variable]
        old = variable.data
        w, *news = self._advanced(variable, old, np.asarray(g), slots, scalars, decay)
        if isinstance(variable, Table) and variable.frozen is not None:
            w = np.where(variable.frozen[:, None], old, w)
        variable.assign(w)
        for slot, new in zip(slots.values(), news, strict=True):
            slot[...] = new
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable.data))

    # -- rows of tables --------------------------------------------------------------------------------

    def moves_rows(self, variable: Variable, places: int, decay: float | None = None) -> bool:
        """Whether a step writes only the rows that a gradient has, for so many places in a batch. Others lag behind,
        if a gradient of zero would move them.
        """
        if self.rows == "dense" or len(variable.shape) != 2:
            return False
        if self.rows == "lazy":
            return True
        idle = self.idle()
        if idle == Idle() and not decay:
            return variable.constraint is None
        if variable.shape[0] <= FEW * places or not isinstance(variable, Table):
            return False
        reason = None
        if variable.constraint is not None:
            reason = "its constraint is for all rows"
        elif idle is None or (self._known_lag(variable, idle) is None and idle.coefficients() is None):
            reason = f"{type(self).__name__} with these settings has no closed form for the steps that a row missed"
        elif decay and decay > MOST_DECAY:
            reason = f"the decay of a step is {decay:g}"
        if reason:
            self._tell_dense(variable, reason)
        return reason is None

    def tell_of_regularizer(self, variable: Variable) -> None:
        """Say, once and of a large table, that it is its regularizer which makes each step a dense one."""
        if isinstance(variable, Table) and variable.regularizer is not None and self.rows != "dense":
            reason = "its regularizer gives every row a gradient; activity_regularizer= is one of the rows in use"
            self._tell_dense(variable, reason)

    def _tell_dense(self, variable: Variable, reason: str) -> None:
        if variable not in self._told and variable.size >= LARGE:
            self._told.add(variable)
            warnings.warn(
                f"{self.name}: each step moves all {variable.shape[0]:,} rows of {variable.name}, also those that the "
                f"batch does not use: {reason}. rows='lazy' moves the batch's rows alone; SGD, RMSprop, Adagrad, Adam "
                "and AdamW put the others off",
                stacklevel=2,
            )

    def lag_of(self, variable: Variable, wanted: bool) -> Lag | None:
        """How far the rows of a table lag behind this optimizer, from now on if that is new; None if they may not
        (`wanted` is False), or if rows with a gradient of zero do not move.
        """
        if not isinstance(variable, Table):
            return None
        idle = self.idle()
        rests = self.rows == "lazy" or (idle == Idle() and not self.decays(variable))
        known = self._known_lag(variable, idle) if wanted and not rests else None
        if known is not None:
            return known
        coefficients = None if rests or idle is None or not wanted else idle.coefficients()
        if idle is None or coefficients is None:
            self._lags.pop(variable, None)
            variable.follow(None)
            return None
        self.build([variable])
        variable.follow(None)
        self._lags[variable] = Lag(self, variable, idle, coefficients)
        variable.follow(self._lags[variable])
        return self._lags[variable]

    def _known_lag(self, variable: Variable, idle: Idle | None) -> Lag | None:
        """The lag that a table follows, if it is this optimizer's with the settings of now."""
        lag = self._lags.get(variable)
        fits = lag is not None and isinstance(variable, Table) and lag is variable.lag and lag.idle == idle
        return lag if fits else None

    def _write_rows(self, variable: Variable, g: RowSparse, scalars: dict[str, float], decay: float | None) -> None:
        """A step for the rows of a merged gradient."""
        lag, slots = self.lag_of(variable, True), self._slots[variable]
        if isinstance(variable, Table):
            variable.catch_up(g.ids)
            old = variable._values[g.ids]
        else:
            old = variable.data[g.ids]
        w, *news = self._advanced(variable, old, g.rows, {name: s[g.ids] for name, s in slots.items()}, scalars, decay)
        if isinstance(variable, Table) and variable.frozen is not None:
            w = np.where(variable.frozen[g.ids, None], old, w)
        tape = MODE.get().tape
        if tape is not None:
            tape.assigned(variable, w, g.ids)
        variable.assign_rows(g.ids, w)
        for slot, new in zip(slots.values(), news, strict=True):
            slot[g.ids] = new
        if lag is not None:
            lag.mark(g.ids)
            lag.tick(scalars, decay)
        if variable.constraint is not None:  # only of lazy steps
            variable.assign(variable.constraint(variable.data))

    def __getstate__(self) -> dict[str, Any]:
        for lag in self._lags.values():
            lag.settle()
        return vars(self) | {"tenant": {}, "_lags": {}}  # a copy's slots lie by themselves, and all rows are current

    # -- weight decay --------------------------------------------------------------------------------

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Spare those variables from weight decay, and those whose name contains one of `var_names`."""
        self._undecayed = (set(var_list or ()), tuple(var_names or ()))

    def decays(self, variable: Variable) -> bool:
        """Return whether weight decay applies to the variable."""
        spared, names = self._undecayed
        is_spared = variable in spared or any(name in variable.name for name in names)
        return bool(self.weight_decay) and not is_spared

    # -- learning rate -------------------------------------------------------------------------------

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step. A number can be assigned, unless a schedule sets it."""
        rate = self._rate
        if isinstance(rate, float):
            return rate
        takes_steps = isinstance(rate, LearningRateSchedule) or signature(rate).parameters
        return float(rate(self.iterations) if takes_steps else rate())

    @learning_rate.setter
    def learning_rate(self, learning_rate: Rate) -> None:
        rate = _rate(learning_rate)
        if isinstance(self._rate, LearningRateSchedule) and isinstance(rate, float):
            raise TypeError(
                f"{self.name}: its learning rate follows a {type(self._rate).__name__}, which a number would "
                "silently end. Make the optimizer with a number, or assign another schedule."
            )
        self._rate = rate

    lr = learning_rate

    # -- state and config ----------------------------------------------------------------------------

    def slots(self, variable: Variable) -> dict[str, np.ndarray]:
        """Return the variable's slots by name: the arrays themselves, not copies."""
        self.build([variable])
        if variable in self._lags:
            self._lags[variable].settle()
        return self._slots[variable]

    @property
    def state(self) -> dict[str, np.ndarray]:
        """All that a resumed run needs, as copies: steps done, learning rate if a number, slots.

        A slot is called by its name and the number of its variable in the order of `build`: `momentum/0`.
        """
        return self._numbers() | {name: slot.copy() for name, slot in self._named_slots()}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over what `state` returned, in an optimizer that is built on the same variables.

        Missing, extra or misshapen arrays are a `ValueError`; then nothing has changed.
        """
        expected = {name: array.shape for name, array in [*self._numbers().items(), *self._named_slots()]}
        found = {name: np.shape(array) for name, array in state.items()}
        if found != expected:
            wrong = sorted(n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n))
            told = "; ".join(
                f"{n}: expected {expected.get(n, 'nothing')}, got {found.get(n, 'nothing')}" for n in wrong
            )
            raise ValueError(f"{self.name}: the state is not this optimizer's. Shapes that differ: {told}.")
        for name, slot in self._named_slots():
            slot[...] = state[name]
        if isinstance(self._rate, float):
            self._rate = float(state["learning_rate"])
        self.iterations = int(state["iterations"])

    def _numbers(self) -> dict[str, np.ndarray]:
        """What of the state is no slot."""
        numbers = {"iterations": np.array(self.iterations)}
        return numbers | ({"learning_rate": np.array(self._rate)} if isinstance(self._rate, float) else {})

    def _named_slots(self) -> Iterable[tuple[str, np.ndarray]]:
        for number, variable in enumerate(self._slots):
            for name, slot in self.slots(variable).items():
                yield f"{name}/{number}", slot

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, as JSON can hold them; the learning rate is the present one."""
        rate = self._rate
        return {
            "name": self.name,
            "learning_rate": rate if isinstance(rate, float) else schedules.serialize(rate),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "rows": self.rows,
        }

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        """Return an optimizer with the arguments in `config`; an unknown one is an error."""
        config = dict(config)
        if isinstance(config.get("learning_rate"), (Mapping, str)):
            config["learning_rate"] = schedules.deserialize(config["learning_rate"])
        return cls(**config)


registry: Registry[Optimizer] = Registry("optimizer", Optimizer)


def _rate(learning_rate: Any) -> Rate:
    """The learning rate as a float, or the function that gives one."""
    if callable(learning_rate):
        return learning_rate
    try:
        rate = float(learning_rate)
    except (TypeError, ValueError):
        rate = math.nan
    if not (math.isfinite(rate) and rate >= 0):
        raise ValueError(
            "learning_rate must be a finite number, zero or above, or a schedule or function that returns "
            f"one, got {learning_rate!r}."
        )
    return rate


def _limit(name: str, value: float | None) -> float | None:
    if value is None:
        return None
    if not value > 0:
        raise ValueError(f"{name} must be above zero, or None for no clipping, got {value!r}.")
    return float(value)
