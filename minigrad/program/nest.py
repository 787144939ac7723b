"""Nests of loops as text: elementwise ops of one shape, and the sums that end them, for Numba to compile.

Each op here has its meaning in the op table; its text computes one element to the same bits. Only a sum over the inner
axes differs, in its last digits, from NumPy's: it is added up in float64. Functions that NumPy has in SIMD form (exp,
log, tanh) are not here: a scalar loop is slower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, count
from typing import Any

import numpy as np

from ..core.op import Op
from ..core.spec import Shape, Spec, normal_axes, spec_of
from ..core.symbol import Symbol
from ..core.table import ROWS
from ..core.tensor import Tensor
from .step import Step

# By the name of a row: one element of its result. {x}, {y} and so on are elements of the operands, in the dtype that
# NumPy computes in; {0} and {1} the numbers 0 and 1 in it. Comparisons are written so that NaN comes out as in NumPy.
EXPRESSIONS = {
    "add": "{x} + {y}",
    "subtract": "{x} - {y}",
    "multiply": "{x} * {y}",
    "divide": "{x} / {y}",
    "negative": "-{x}",
    "positive": "{x}",
    "copy": "{x}",
    "cast": "{x}",
    "square": "{x} * {x}",
    "sqrt": "np.sqrt({x})",
    "reciprocal": "{1} / {x}",
    "absolute": "abs({x})",
    "maximum": "{x} if {x} >= {y} or {x} != {x} else {y}",
    "minimum": "{x} if {x} <= {y} or {x} != {x} else {y}",
    "relu": "{0} if {x} <= {0} else {x}",
    "greater": "{x} > {y}",
    "greater_equal": "{x} >= {y}",
    "less": "{x} < {y}",
    "less_equal": "{x} <= {y}",
    "equal": "{x} == {y}",
    "not_equal": "{x} != {y}",
    "logical_and": "{x} and {y}",
    "logical_or": "{x} or {y}",
    "logical_not": "not {x}",
    "bitwise_and": "{x} and {y}",  # of bools
    "bitwise_or": "{x} or {y}",
    "where": "{x} if {condition} else {y}",
    "leaky_relu": "{x} if {x} > {0} else {slope} * {x}",
    "clip": "{high} if ({low} if {x} < {low} else {x}) > {high} else ({low} if {x} < {low} else {x})",
}
SUMS = ("sum", "mean")
FLOATS = ("float32", "float64")
LETTERS = "abcdefgh"
INDICES = "ijklmn"


def loop_shape(step: Step) -> Shape | None:
    """The shape of the loops that this step can be an op of, or end as a sum; None if it cannot be put into loops."""
    op: Op = step.node.fn
    spec = step.spec
    if ROWS.get(op.name) is not op or len(step.args) == 0:
        return None
    operands = [spec_of_value(a) for a in step.args]
    if op.name in SUMS:
        x = operands[0]
        fits = x.dtype == spec.dtype and str(spec.dtype) in FLOATS and 0 < len(x.shape) <= len(INDICES)
        return x.shape if fits else None
    if op.name not in EXPRESSIONS or not 0 < len(spec.shape) <= len(INDICES):
        return None
    taken = computed_in(op, operands, spec)
    fits = all(map(readable, step.args)) and all(str(t) in (*FLOATS, "bool") for t in (*taken, spec.dtype))
    to_bool = any(str(t) == "bool" != str(x.dtype) for t, x in zip(taken, operands))
    bounds = [number(a) for a in step.args[1:]] if op.name == "clip" else []
    return spec.shape if fits and not to_bool and all(x is not None and x == x for x in bounds) else None


def spec_of_value(x: Any) -> Spec:
    """The spec of an operand of a step."""
    return x.spec if isinstance(x, Step) else x.specs[0] if isinstance(x, Symbol) else spec_of(x)


def readable(x: Any) -> bool:
    """Whether a loop can read an operand: not if it may be a NumPy number, in place of an array without axes."""
    if isinstance(x, Step):
        return bool(x.spec.shape) or x.owns
    return type(x) in (int, float, bool) or hasattr(x, "dtype")


def computed_in(op: Op, operands: list[Spec], result: Spec) -> list[Any]:
    """The dtypes that an op takes its operands in."""
    if isinstance(op.kernel, np.ufunc):
        return list(op.kernel.resolve_dtypes((*(s.dtype for s in operands), None))[:-1])
    if op.name == "where":
        return [np.dtype(bool), result.dtype, result.dtype]
    return [result.dtype] * len(operands)


class Writer:
    """Writes one nest as the `text` of a function called `name`. same_memory: whether a result lies where that operand
    does. arguments: what the function is called with: `operands` of these, then steps for results that lie elsewhere.
    """

    def __init__(self, nest: Any, same_memory: Callable[[Step, Any], bool]) -> None:
        self.nest = nest
        self.arguments: list[Any] = []
        self.parameters: list[str] = []
        self.names: dict[int, str] = {}  # by identity: of a parameter or, of a step within the nest, its local
        self.loops = [axis for axis, n in enumerate(nest.shape) if n != 1]
        own = set(nest.steps)
        for x in (a for step in nest.steps for a in step.args):
            if not (isinstance(x, Step) and x in own) and number(x) is None and id(x) not in self.names:
                self.names[id(x)] = self._parameter(x, LETTERS)
        self.operands = len(self.arguments)
        self.outs: dict[Step, str] = {}
        self.shared: dict[Step, Any] = {}  # by result, the operand that it is written over
        self._results(same_memory)
        ops = [step.node.fn.name for step in nest.steps]
        self.name = "_".join(ops) if len(ops) <= 4 else f"{ops[0]}_to_{ops[-1]}_{len(ops)}"
        head = f"def {self.name}({', '.join(self.parameters)}):"
        self.text = "\n".join([head, *("    " + line for line in self._lines()), ""])

    def _results(self, same_memory: Callable[[Step, Any], bool]) -> None:
        """Find out where the results go."""
        for step in self.nest.outputs:
            shared = next((a for a in self.arguments[: self.operands] if same_memory(step, a)), None)
            if shared is None:
                self.outs[step] = self._parameter(step, ("out",))
            else:
                self.outs[step], self.shared[step] = self.names[id(shared)], shared

    def _parameter(self, x: Any, letters: Sequence[str]) -> str:
        more = (f"{letters[0]}_{k}" for k in count(2))
        name = next(c for c in chain(letters, more) if c not in self.parameters)
        self.parameters.append(name)
        self.arguments.append(x)
        return name

    # -- elements ---------------------------------------------------------------------------------------------------

    def _element(self, x: Any, dtype: Any) -> str:
        """One element of an operand, in a dtype."""
        if number(x) is not None:
            return typed(number(x), dtype)
        own = self.names.get(id(x), "")
        spec = spec_of_value(x)
        if isinstance(x, Step) and x in self.nest.steps:
            text = own
        elif not spec.shape:
            text = own if isinstance(x, Symbol) else f"{own}[()]"
        else:
            text = f"{own}[{self._index_of(x)}]"
        return text if spec.dtype == dtype else f"np.{np.dtype(dtype).name}({text})"

    def _index_of(self, x: Any) -> str:
        """The indices of an operand's element."""
        return self._index(spec_of_value(x).shape)

    def _index(self, shape: Shape, axes: tuple[int, ...] | None = None) -> str:
        """The indices of an array of that shape, whose last axis is the nest's, or whose axes are those of the nest."""
        axes = axes or tuple(range(len(self.nest.shape) - len(shape), len(self.nest.shape)))
        return ", ".join("0" if n == 1 else INDICES[axis] for n, axis in zip(shape, axes))

    def _value(self, step: Step) -> str:
        """One element of a step's result, as an expression."""
        op = step.node.fn
        operands = [spec_of_value(a) for a in step.args]
        dtypes = computed_in(op, operands, step.spec)
        words = {w: self._element(a, t) for w, a, t in zip(op.operands, step.args, dtypes)}
        zero, one = typed(0, dtypes[-1]), typed(1, dtypes[-1])
        words |= {k: typed(v, step.spec.dtype) for k, v in step.node.attrs.items() if number(v) is not None}
        return EXPRESSIONS[op.name].format(zero, one, **words)

    # -- loops --------------------------------------------------------------------------------------------------------

    def _lines(self) -> Iterator[str]:
        self.sums = [Sum(step, self.nest.shape, f"total_{k}" if k else "total") for k, step in enumerate(
            s for s in self.nest.steps if s.node.fn.name in SUMS)]  # fmt: skip
        across = [s for s in self.sums if not s.inner]
        for each in across:
            yield from self._over(each, "= 0")
        yield from self._nested(0)
        for each in across:
            if each.step.node.fn.name == "mean":
                yield from self._over(each, f"/= {self._count(each)}")

    def _over(self, each: Sum, what: str) -> Iterator[str]:
        """Loops over the result of a sum alone."""
        indent = ""
        for axis in each.kept:
            yield f"{indent}for {INDICES[axis]} in range({self._extent(axis)}):"
            indent += "    "
        yield f"{indent}{self._slot(each)} {what}"

    def _nested(self, depth: int) -> Iterator[str]:
        """The loops from this depth on, with the sums that begin and end here."""
        ending = [s for s in self.sums if s.inner and len(s.kept) == depth]
        for each in ending:
            yield f"{each.total} = np.float64(0)"
        if depth < len(self.loops):
            yield f"for {INDICES[self.loops[depth]]} in range({self._extent(self.loops[depth])}):"
            yield from ("    " + line for line in self._nested(depth + 1))
        else:
            yield from self._body()
        for each in ending:
            mean = f" / {self._count(each)}" if each.step.node.fn.name == "mean" and each.reduced else ""
            yield f"{self._slot(each)} = {each.total}{mean}"

    def _body(self) -> Iterator[str]:
        """What is done for one element: all is read and computed before anything is written."""
        used: set[str] = set()
        stores = []
        for step in self.nest.steps:
            each = next((s for s in self.sums if s.step is step), None)
            if each is not None:
                value = self._element(step.args[0], step.spec.dtype)
                stores.append(f"{each.total if each.inner else self._slot(each)} += {value}")
                continue
            local, k = step.node.fn.name, 1
            while local in used or local in self.parameters:
                k += 1
                local = f"{step.node.fn.name}_{k}"
            used.add(local)
            yield f"{local} = {self._value(step)}"
            self.names[id(step)] = local
            if step in self.outs:
                stores.append(f"{self.outs[step]}[{self._index_of(step)}] = {local}")
        yield from stores

    def _slot(self, each: Sum) -> str:
        """Where a sum is stored."""
        return f"{self.outs[each.step]}[{self._index(each.step.spec.shape, each.axes) or '()'}]"

    def _extent(self, axis: int) -> str:
        """The size of an axis of the nest, as text: that of some array which has it."""
        for x, name in zip(self.arguments, self.parameters):
            shape = spec_of_value(x).shape
            is_sum = isinstance(x, Step) and x.node.fn.name in SUMS and x in self.nest.steps
            at = axis - len(self.nest.shape) + len(shape)
            if not is_sum and at >= 0 and shape and shape[at] != 1:
                return f"{name}.shape[{at}]"
        raise AssertionError("some operand has each axis")

    def _count(self, each: Sum) -> str:
        """How many elements go into one sum."""
        sizes = " * ".join(self._extent(axis) for axis in each.reduced) or "1"
        return f"({sizes})" if len(each.reduced) > 1 else sizes


class RowWriter(Writer):
    """Writes the step of a few rows of a table (lines.Touched): what is read and written is the row of each id."""

    def _results(self, same_memory: Callable[[Step, Any], bool]) -> None:
        update = self.nest.update
        self.rows = {id(symbol) for symbol, _ in update.reads}
        where = {id(place): symbol for symbol, place in update.reads}
        for place, new in update.writes:
            symbol = where[id(place)]
            if id(symbol) not in self.names:
                self.names[id(symbol)] = self._parameter(symbol, LETTERS)
            self.outs[new] = self.names[id(symbol)]
        self.ids = self._parameter(update.ids, ("rows",))
        self.seen = [self._parameter(cell.symbol, (name,)) for cell, name in zip(update.seen or (), ("seen", "now"))]
        self.operands = len(self.arguments)
        self.sums = []

    def halved(self) -> tuple[int, list[int]]:
        """Which argument the ids are, and which have a row for each of them."""
        update = self.nest.update
        n = spec_of_value(update.ids).shape[0]
        ids = next(k for k, x in enumerate(self.arguments) if x is update.ids)
        each = [
            k for k, x in enumerate(self.arguments)
            if id(x) not in self.rows and len(spec_of_value(x).shape) == 2 and spec_of_value(x).shape[0] == n
        ]  # fmt: skip
        return ids, each

    def _index_of(self, x: Any) -> str:
        if id(x) in self.rows or (isinstance(x, Step) and x in self.outs):
            return "row, 0" if spec_of_value(x).shape[1] == 1 else "row, j"
        return super()._index_of(x)

    def _lines(self) -> Iterator[str]:
        table = next(iter(self.outs.values()))
        yield f"for i in range({self.ids}.size):"
        yield f"    row = {self.ids}[i]"
        yield "    if row < 0:"
        yield "        break"
        yield f"    for j in range({table}.shape[1]):"
        yield from ("        " + line for line in self._body())
        if self.seen:
            seen, now = self.seen
            yield f"    {seen}[row] = max({seen}[row], {now}[0] + 1)"


class Sum:
    """A sum or mean that ends a nest. reduced, kept: the nest's axes, but for those of size 1. inner: whether all
    kept axes come first, so that it can be added up in one number. axes: by axis of its result, the nest's.
    """

    def __init__(self, step: Step, shape: Shape, total: str) -> None:
        self.step = step
        self.total = total
        gone = normal_axes(step.node.attrs.get("axis"), len(shape))
        self.reduced = [axis for axis in gone if shape[axis] != 1]
        self.kept = [axis for axis, n in enumerate(shape) if axis not in gone and n != 1]
        self.inner = not self.kept or not self.reduced or max(self.kept) < min(self.reduced)
        keepdims = step.node.attrs.get("keepdims", False)
        self.axes = tuple(axis for axis in range(len(shape)) if keepdims or axis not in gone)


def number(x: Any) -> Any:
    """The value of an operand that is one number for good: a Python number, or a constant without axes."""
    if type(x) in (int, float, bool):
        return x
    if type(x) is Tensor:
        x = x._data
    return x.item() if isinstance(x, (np.ndarray, np.generic)) and x.shape == () else None


def typed(value: Any, dtype: Any) -> str:
    """A number in a dtype, as text.

    >>> typed(0.1, np.dtype("float32")), typed(-np.inf, np.dtype("float64"))
    ('np.float32(0.1)', 'np.float64(-np.inf)')
    """
    text = repr(value) if np.isfinite(value) else "np.nan" if value != value else f"{'-' * (value < 0)}np.inf"
    return text if np.dtype(dtype) == bool else f"np.{np.dtype(dtype).name}({text})"
