"""The text of a program: one line an op, named and commented after the layer that it is from.

Nothing from outside enters the text: names become identifiers of plain letters, attributes are spelled by `literal` or
stand in the namespace under a name of ours.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..core.legacy import kernel_of
from ..core.node import Node
from ..core.tensor import Tensor, Variable
from .plan import ALIGNMENT, Plan, Step


class Source:
    """The text of a plan and the namespace that it runs in. `arguments` are what the function takes, in order."""

    def __init__(self, plan: Plan, title: str, variable_names: dict[Variable, str]) -> None:
        self.plan = plan
        self.namespace: dict[str, Any] = {"np": np}
        self.names: dict[Any, str] = {}  # by identity of Step, Symbol, Variable, Cell or constant
        self.copies: dict[int, str] = {}
        self.kept: list[Any] = []  # so that no identity is used twice
        self.taken = {"np", "arena", "step", "finite", "bool", "float", "slice"}  # what the text itself means by these
        self.arguments: list[Any] = []
        for name, symbol in plan.trace.inputs.items():
            self._argument(symbol, name)
        for variable in used_variables(plan):
            self._argument(variable, variable_names.get(variable, variable.name))
        for cell in plan.trace.cells:
            self.names[id(cell)] = self._argument(cell.symbol, cell.name)
        body = list(self._body())
        self.text = "\n".join([
            f'"""{comment(title)}: {len(plan.steps)} ops, {plan.memory:,} bytes of buffers."""', "",
            "import numpy as np", "", "",
            f"def step({', '.join(self.names[id(a)] for a in self.arguments)}):",
            *("    " + line for line in body), "",
        ])  # fmt: skip

    def _argument(self, thing: Any, name: str) -> str:
        self.arguments.append(thing)
        return self._named(thing, name)

    def _named(self, thing: Any, wish: str) -> str:
        self.names[id(thing)] = name = self._free(wish)
        self.kept.append(thing)
        return name

    def _free(self, wish: str) -> str:
        name = identifier(wish, self.taken)
        self.taken.add(name)
        return name

    def _constant(self, value: Any, wish: str) -> str:
        """The name under which a value stands in the namespace."""
        if id(value) not in self.names:
            self.namespace[self._named(value, wish)] = value
        return self.names[id(value)]

    def _text(self, x: Any) -> str:
        """An operand as text."""
        if id(x) in self.names:
            return self.names[id(x)]
        if isinstance(x, Tensor):
            return self._constant(x._data, "constant")
        return literal(x) or self._constant(x, "constant")

    def _line(self, step: Step) -> str:
        node, op = step.node, step.node.fn
        words = [self._text(a) for a in step.args]
        words += [f"{name}={literal(v) or self._constant(v, name)}" for name, v in node.attrs.items()]
        if step.owns:
            words.append(f"out={self._buffer(step) if step.target is None else self.names[id(step.target)]}")
        path = node.scope.path() if node.scope else ""
        name = self._named(step, f"{path.rpartition('/')[2]}_{op.name}" if path else op.name)
        note = f"  # {comment(path)} {node.out[0].shape}" if path else f"  # {node.out[0].shape}"
        return f"{name} = {self._function(node)}({', '.join(words)}){note}"

    def _function(self, node: Node) -> str:
        kernel = kernel_of(node)
        if isinstance(kernel, np.ufunc) and getattr(np, kernel.__name__, None) is kernel:
            return f"np.{kernel.__name__}"
        return self._constant(kernel, node.fn.name)

    def _buffer(self, step: Step) -> str:
        spec = step.node.out[0]
        array = np.ndarray(spec.shape, spec.dtype, self.arena, step.offset or 0)
        return self._constant(array, f"buffer_{step.offset}")

    @property
    def arena(self) -> np.ndarray:
        """The bytes that all buffers lie in."""
        if "arena" not in self.namespace:
            bytes_ = np.zeros(self.plan.memory + ALIGNMENT, np.uint8)
            start = -bytes_.ctypes.data % ALIGNMENT
            self.namespace["arena"] = bytes_[start : start + self.plan.memory]
        return self.namespace["arena"]

    def _body(self) -> Iterator[str]:
        """The steps, with the checks and the updates between them; at last the results."""
        plan = self.plan
        for position in range(len(plan.steps) + 1):
            if plan.checks and position == plan.check_at:
                yield from self._checks()
            if position == len(plan.steps):
                for x in {id(x): x for x in plan.late}.values():
                    self.copies[id(x)] = name = self._free("copy")
                    yield f"{name} = np.array({self._text(x)})"
            for at, cell, new in plan.writes:
                if at == position:
                    yield f"np.copyto({self.names[id(cell)]}, {self._end(new)})"
            if position < len(plan.steps):
                yield self._line(plan.steps[position])
        yield f"return True, {self._results()}"

    def _checks(self) -> Iterator[str]:
        checks = list(map(self._text, self.plan.checks))
        finite = " and ".join(f"np.isfinite({check}).all()" for check in dict.fromkeys(checks))
        yield f"finite = bool({finite})"
        yield "if not finite:"
        yield f"    return finite, {self._results(checks)}"

    def _results(self, more: Iterable[str] = ()) -> str:
        return listed([*map(self._end, self.plan.results.values()), *more])

    def _end(self, x: Any) -> str:
        """A value as text at the end, where some are read from their copies."""
        return self.copies.get(id(x)) or self._text(x)


def listed(texts: list[str]) -> str:
    """A tuple's text."""
    return f"({', '.join(texts)}{',' * (len(texts) == 1)})"


def used_variables(plan: Plan) -> list[Variable]:
    """The Variables that a plan reads or writes, in order."""
    found = [a for step in plan.steps for a in step.args] + [cell for cell, _ in plan.updates]
    return list({id(v): v for v in found if isinstance(v, Variable)}.values())


def identifier(wish: str, taken: set[str]) -> str:
    """A free Python name of plain letters and digits, as near to the wish as that allows.

    >>> identifier("dense_1/kernel", set()), identifier("1; import os", {"n1__import_os"}), identifier("for", set())
    ('dense_1_kernel', 'n1__import_os_2', 'for_')
    """
    name = re.sub(r"\W", "_", wish, flags=re.ASCII)[:48] or "value"
    if name[0].isdigit():
        name = f"n{name}"
    if keyword.iskeyword(name) or name == "__debug__":  # which nobody may assign to either
        name += "_"
    free, k = name, 1
    while free in taken:
        k += 1
        free = f"{name}_{k}"
    return free


def comment(text: str) -> str:
    """Text that stays within a one-line comment or docstring, whatever is in it.

    >>> comment("dense_1\\nimport os")
    'dense_1?import os'
    """
    return re.sub(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]", "?", text)[:80]


def literal(value: Any) -> str | None:
    """A number, a plain string, None, or a tuple or slice of these, as text; None for anything else.

    Of the plain types alone: a NumPy number is strong where a Python number is weak.
    """
    if value is None or type(value) in (bool, int):
        return repr(value)
    if type(value) is float:
        return repr(value) if np.isfinite(value) else f"float('{value}')"
    if type(value) is str:
        return repr(value) if re.fullmatch(r"[A-Za-z0-9_,.\->]{0,80}", value) else None
    if value is Ellipsis:
        return "..."
    if isinstance(value, np.dtype):
        return f"np.dtype('{value.name}')"
    if type(value) is slice:
        parts = [literal(v) for v in (value.start, value.stop, value.step)]
        return None if None in parts else f"slice({', '.join(parts)})"  # type: ignore[arg-type]
    if type(value) is tuple:
        parts = [literal(v) for v in value]
        return None if None in parts else listed(parts)  # type: ignore[arg-type]
    return None
