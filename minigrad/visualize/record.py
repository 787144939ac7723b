"""`minigrad.record`: what the core tells a tape while code runs inside it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from ..core.anomaly import spoken, users_line
from ..core.autodiff import fit
from ..core.mode import MODE, Mode
from ..core.node import Node
from ..core.rows import Table
from ..core.symbol import Symbol
from ..core.tensor import Tensor, Variable, wrap
from .record_rules import code_at
from .record_tape import Event, Operand, Outgoing, Tape, Value, short

if TYPE_CHECKING:
    from ..core.op import Op
    from ..core.rule import Rule
    from ..optimizers.optimizer import Optimizer


class Recording:
    """A context manager that gives its tape, and the three hooks of the core: `computed`, `pulled`, and `updated` with
    `assigned`. It holds no array of the step: what it keeps are summaries, ticks of nodes and weak references.
    """

    def __init__(self, limit: int = 10_000, keep: int = 64) -> None:
        for name, value in (("limit", limit), ("keep", keep)):
            if type(value) is not int or value < 1:
                raise ValueError(f"record: {name}={value!r}; expected a whole number, 1 or above")
        self.tape = Tape()
        self.limit, self.keep = limit, keep
        self._nodes: dict[int, int] = {}  # by tick, the event that recorded it
        self._pulls: dict[int, int] = {}  # by tick, the last event that went back through it
        self._made: dict[int, tuple[ref[Tensor], str, int | None]] = {}  # by id: what a Tensor is, and who made it
        self._updating = ""  # the path of the weight that is being updated

    def __enter__(self) -> Tape:
        self._token = MODE.set(MODE.get()._replace(tape=self))
        return self.tape

    def __exit__(self, *exc: object) -> None:
        MODE.reset(self._token)

    # -- what the core calls ------------------------------------------------------------------------------------------

    def computed(self, op: Op, operands: tuple[Any, ...], attrs: dict[str, Any], result: Tensor, mode: Mode) -> Tensor:
        """An op made a Tensor, which comes back."""
        layer = self._updating or (mode.scope.path() if mode.scope else "")
        line, code = where()
        event = self._add("update" if self._updating else "forward", op.name, op.kind, layer, line, code)
        if event is not None:
            names = operand_names(op, len(operands))
            if mode.scope and not self._updating:
                self._note_weights(operands, layer)
            event.operands = tuple(self._operand(name, x) for name, x in zip(names, operands, strict=True))
            event.attrs = {name: str(value)[:200] for name, value in attrs.items()}
            event.value = Value.of(result, self.keep)
            self._note(result, "", event.index)
            if result.node is not None:
                self._nodes[result.node.tick] = event.index
        return result

    def pulled(self, node: Node, position: int, g: Any, d: Any) -> None:
        """The rule of a node for one operand made the gradient d of the gradient g."""
        if isinstance(g, Symbol):
            return
        op = node.fn
        name = operand_names(op, len(node.inputs))[position]
        event = self._pull(node, g, name)
        if event is None:
            return
        rule, x = op.rule(position), node.inputs[position]
        label, made = self._known(x)
        out = Outgoing(name, Value.of(d, self.keep), self._local(node, position, rule, g), rule.formula, label, made)
        event.outgoing.append(out)
        if event.partner is not None:
            forward = self.tape.events[event.partner]
            forward.partner, forward.incoming, forward.outgoing = event.index, event.incoming, event.outgoing

    def updated(
        self, optimizer: Optimizer, variable: Variable, w: Any, g: Any, slots: Any, scalars: Any, decay: Any
    ) -> tuple[Any, ...]:
        """An optimizer's `advance`, on Tensors, so that its ops come by; the new arrays."""
        before, events = self._updating, len(self.tape)
        self._updating = self._path(variable)
        try:
            w, g, slots = wrap(w), wrap(g), {name: wrap(slot) for name, slot in slots.items()}
            for label, x in (("weight", w), ("gradient", g), *slots.items()):
                self._note(x, label)
            try:
                news = optimizer.advance(w, g, slots, scalars, decay)
            except (
                Exception
            ):  # an update of the user's own that takes arrays alone: what it assigns is told all the same
                del self.tape.events[events:]
                news = optimizer.advance(w._data, g._data, {n: s._data for n, s in slots.items()}, scalars, decay)
            return tuple(x._data if isinstance(x, Tensor) else x for x in news)
        finally:
            self._updating = before

    def assigned(self, variable: Variable, value: Any, rows: np.ndarray | None = None) -> None:
        """A variable, or some rows of it, is about to be written."""
        event = self._add("update", "assign", "assign", self._path(variable), *where())
        if event is not None:
            old = variable._values if isinstance(variable, Table) else variable._data
            old = old if rows is None else old[rows]
            event.operands = (Operand("before", Value.of(old, self.keep)), Operand("after", Value.of(value, self.keep)))
            event.attrs = {} if rows is None else {"rows": " ".join(map(str, rows[: self.keep].tolist()))}
            event.value = Value.of(value, self.keep)

    # -- what it knows ------------------------------------------------------------------------------------------------

    def _add(self, phase: str, op: str, kind: str, layer: str, line: str = "", code: str = "") -> Event | None:
        """A new event on the tape; None if it is full."""
        if len(self.tape.events) >= self.limit:
            self.tape.lost += 1
            return None
        event = Event(len(self.tape.events), phase, op, kind, layer, line, code)
        self.tape.events.append(event)
        return event

    def _pull(self, node: Node, g: Any, name: str) -> Event | None:
        """The event of the way back through a node: the one that is being written, or a new one."""
        last = self._pulls.get(node.tick)
        if last is not None and all(out.name != name for out in self.tape.events[last].outgoing):
            return self.tape.events[last]
        event = self._add("backward", node.fn.name, node.fn.kind, node.scope.path() if node.scope else "")
        if event is not None:
            self._pulls[node.tick] = event.index
            event.incoming = Value.of(g, self.keep)
            event.partner = self._nodes.get(node.tick)
            if event.partner is not None:
                forward = self.tape.events[event.partner]
                event.operands, event.attrs, event.value = forward.operands, forward.attrs, forward.value
                event.line, event.code = forward.line, forward.code
        return event

    def _local(self, node: Node, position: int, rule: Rule, g: Any) -> Value | None:
        """The derivative of the result in an operand, where it is small enough to be told."""
        g = np.asarray(g._data if isinstance(g, Tensor) else g)
        x = node.inputs[position]
        size = int(np.prod(np.shape(x) if isinstance(x, list) else x.shape, dtype=int))
        with np.errstate(all="ignore"):
            if node.fn.kind == "elementwise":
                d = rule.on_arrays(np.ones_like(g), node, position)
                return Value.of(np.broadcast_to(np.asarray(d), g.shape), self.keep)
            if g.size * size > self.keep:
                return None
            like = x._data if isinstance(x, Tensor) else x
            matrix = np.zeros((g.size, size), g.dtype)
            for k in range(g.size):
                unit = np.zeros(g.size, g.dtype)
                unit[k] = 1
                matrix[k] = np.asarray(fit(rule.on_arrays(unit.reshape(g.shape), node, position), like, node)).ravel()
        return Value.of(matrix, self.keep)

    def _note(self, x: Tensor, label: str, made: int | None = None) -> None:
        self._made[id(x)] = ref(x), label, made

    def _note_weights(self, operands: tuple[Any, ...], layer: str) -> None:
        """A weight is called after the layer that first uses it."""
        for x in operands:
            if isinstance(x, Variable) and not self._label(x):
                self._note(x, f"{layer}/{x.name.rpartition('/')[2]}")

    def _label(self, x: Tensor) -> str:
        known = self._made.get(id(x))
        return known[1] if known is not None and known[0]() is x else ""

    def _path(self, variable: Variable) -> str:
        return self._label(variable) or variable.name

    def _known(self, x: Any) -> tuple[str, int | None]:
        """(what a value is called, the event that made it)."""
        node = getattr(x, "node", None)
        if node is not None and node.tick in self._nodes:
            return "", self._nodes[node.tick]
        if isinstance(x, Tensor):
            known = self._made.get(id(x))
            if known is not None and known[0]() is x:
                return known[1], known[2]
            return (x.name if isinstance(x, Variable) else ""), None
        return (short(x) if isinstance(x, (bool, int, float)) else ""), None

    def _operand(self, name: str, x: Any) -> Operand:
        return Operand(name, Value.of(x, self.keep), *self._known(x))


def operand_names(op: Op, count: int) -> list[str]:
    """The names of an op's operands in a call; those of a variadic op are numbered."""
    if not op.variadic:
        return list(op.operands)[:count]
    stem = op.operands[0].lstrip("*")
    return [f"{stem}[{i}]" for i in range(count)]


def where() -> tuple[str, str]:
    """(`file:line` without folders, or the cell of a notebook; what stands there) of the user's code that runs."""
    found = users_line()
    filename, _, line = found.rpartition(":")
    said = spoken(found)
    return said if said != found else f"{os.path.basename(filename)}:{line}", code_at(filename, int(line))
