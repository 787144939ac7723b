"""Flat arrays: the values of several Variables end to end, and so their slots, for one pass to update them all."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING
from weakref import ref

import numpy as np

from ..core.autodiff import history, origin
from ..core.rows import Table
from ..core.spec import Shape
from ..core.symbol import Symbol
from ..core.tensor import Variable

if TYPE_CHECKING:
    from .optimizer import Optimizer

__all__ = ["Arena", "arenas", "is_elementwise"]

LINE = 64  # bytes of a cache line
LARGE = 1 << 22  # elements, from which on a variable is worth passes of its own, and no copy
LANE = 16  # elements of a vector register: what has a multiple of them keeps the next one aligned


class Arena:
    """Variables of one dtype, and their slots in an optimizer: each kind of array lies in one flat array.

    A Variable that was assigned since, or is seen through some other array (`w.T`, a tensor's history), is dealt with
    by `weights`: the first is moved in, before the second all of them move out. variables: in the order in which
    they lie. places: their parts of the flat arrays.

    >>> from minigrad.optimizers import SGD
    >>> w, b = Variable(np.ones((2, 16), np.float32)), Variable(np.zeros(2, np.float32))
    >>> arena = Arena(SGD(0.1, momentum=0.9), [b, w])
    >>> float(arena.weights().sum()), sorted(arena.slots)
    (32.0, ['momentum'])
    >>> arena.weights()[:] = 7.0
    >>> b.numpy()
    array([7., 7.], dtype=float32)
    """

    def __init__(self, optimizer: Optimizer, variables: Iterable[Variable]) -> None:
        self._optimizer = ref(optimizer)  # which holds this arena
        self.variables = sorted(variables, key=lambda v: v.size % LANE != 0)
        ends = np.cumsum([v.size for v in self.variables]).tolist()
        self.places = [slice(end - v.size, end) for v, end in zip(self.variables, ends)]
        self.size = ends[-1]
        self.dtype = self.variables[0].dtype
        self._claims = 0
        self.slots = {name: self._empty() for name in optimizer.slot_names}
        self._claim_slots(optimizer)
        self._move()

    def _empty(self) -> np.ndarray:
        """Memory that begins with a cache line."""
        more = np.empty(self.size + LINE // self.dtype.itemsize, self.dtype)
        return more[-more.ctypes.data % LINE // self.dtype.itemsize :][: self.size]

    def _views(self, flat: np.ndarray) -> list[np.ndarray]:
        return [flat[place].reshape(v.shape) for v, place in zip(self.variables, self.places)]

    def _move(self) -> None:
        """Into new flat weights, which nobody else can see."""
        self._weights = self._empty()
        self._own = self._views(self._weights)
        self._settle()

    def _settle(self) -> None:
        for variable, view in zip(self.variables, self._own):
            if variable._data is not view:
                view[...] = variable._data
                variable._data = view

    def weights(self) -> np.ndarray:
        """The flat values, in which all of the Variables lie now, and nothing else: they may be written in place."""
        optimizer = self._optimizer()
        if optimizer is not None and self._claims != optimizer.claims:
            if any(optimizer.tenant[v] is not self for v in self.variables):
                self._claim_slots(optimizer)
            self._claims = optimizer.claims
        self._settle()
        # References to a part: the Variable's, ours, the loop's and the call's. To the memory, which is the base of
        # every view: the parts', that of the whole, and the call's.
        seen = any(sys.getrefcount(view) > 4 for view in self._own)
        if seen or sys.getrefcount(self._weights.base) > len(self._own) + 2:
            self._move()
        return self._weights

    def _claim_slots(self, optimizer: Optimizer) -> None:
        """Let the optimizer's slots of these Variables lie here."""
        for name, flat in self.slots.items():
            for variable, view in zip(self.variables, self._views(flat)):
                slots = optimizer.slots(variable)
                view[...] = slots[name]
                slots[name] = view
        optimizer.tenant.update(dict.fromkeys(self.variables, self))
        optimizer.claims += 1
        self._claims = optimizer.claims


def arenas(optimizer: Optimizer, variables: Iterable[Variable]) -> list[Arena]:
    """The arenas of those variables: one for each dtype, and for those that decay and those that do not.

    None at all for an optimizer whose update is not elementwise; and none for a variable with slots of other shapes.
    """

    def kind(variable: Variable) -> tuple[str, bool]:
        return variable.dtype.name, optimizer.decays(variable)

    def fits(variable: Variable) -> bool:
        slots = optimizer.slots(variable).values()
        if isinstance(variable, Table) and (variable.frozen is not None or variable.storage is not None):
            return False
        if variable.size > LARGE:
            return False
        return variable.size > 0 and all((s.shape, s.dtype) == (variable.shape, variable.dtype) for s in slots)

    made = []
    for (_, decays), group in groupby(sorted(filter(fits, variables), key=kind), kind):
        own = list(group)
        if not is_elementwise(optimizer, {v.shape for v in own}, own[0].dtype, decays):
            continue
        known = optimizer.tenant.get(own[0])
        same = known is not None and set(map(id, known.variables)) == set(map(id, own))
        made.append(known if known is not None and same else Arena(optimizer, own))
    return made


def is_elementwise(optimizer: Optimizer, shapes: set[Shape], dtype: np.dtype, decays: bool) -> bool:
    """Whether the update of an element reads that element alone: drawn for weights of these shapes and for flat ones of
    two sizes, it is the same elementwise ops.
    """

    def drawn(shape: Shape) -> list[tuple]:
        names = optimizer.slot_names
        w, g, *slots = (Symbol.of(shape, dtype) for _ in range(2 + len(names)))
        scalars = {name: Symbol.of((), dtype) for name in optimizer.scalars(1, 1.0)}
        decay = Symbol.of((), dtype) if decays else None
        news = optimizer.advance(w, g, dict(zip(names, slots)), scalars, decay)
        nodes = history(origin(new) for new in news if isinstance(new, Symbol))
        return [(n.fn, *(x for x in n.inputs if not isinstance(x, Symbol)), *n.attrs.items()) for n in nodes]

    ops = [drawn(shape) for shape in shapes]
    try:
        ops += [drawn((2,)), drawn((3,))]
    except Exception:  # an update that minds the shape, whatever it says of one that it was not written for
        return False
    return len(set(map(repr, ops))) == 1 and all(fn.kind == "elementwise" for fn, *_ in ops[0])
