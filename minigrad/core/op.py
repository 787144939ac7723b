"""An op is one row of the table: all that anybody needs to know about it."""

from __future__ import annotations

from collections.abc import Callable
from inspect import CO_VARARGS, Parameter
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..errors import DTypeError, ShapeError
from .anomaly import check_value, note_line
from .legacy import LEGACY, compute
from .mode import MODE, Mode
from .node import Node, Stub
from .rule import Rule
from .spec import Spec, spec_of
from .strings import is_string
from .symbol import Symbol, with_none
from .table import ROWS
from .tensor import Tensor, Variable, wrap

REQUIRED = Parameter.empty  # in place of an attribute's default
KINDS = (
    "elementwise",
    "reduction",
    "view",
    "movement",
    "contraction",
    "gather",
    "scatter",
    "scan",
    "sort",
    "random",
    "other",
)


class Kept(NamedTuple):
    """For one choice of the operands that need a gradient: what a node must hold."""

    live: tuple[int, ...]
    operands: tuple[bool, ...]
    out: bool


class Op:
    """One row of the op table; call it like a function, on arrays, Tensors or Symbols.

    kernel: arrays and attributes -> array. Operands are positional, attributes keyword-only. It never writes to its
        operands. If it takes `out=`, it can fill a buffer.
    spec: operand Specs and attributes -> result Spec. Integer arithmetic alone; it raises ShapeError in words.
    vjp: one rule an operand (None: no gradient for it), or a single rule for all if there is any number of operands;
        None: the op has no derivative. See `minigrad.core.rule` for what the parameters of a rule mean.
    operands: their names; by default those of the kernel's positional parameters. A name with a star: any number.
    kind: one of KINDS, for fusion, pictures and tests.
    samples: `draw -> (operands, attributes)`, an example for the tests (see `minigrad.core.samples`).
    name: by default the kernel's.

    An op of your own, in one row:

    >>> import numpy as np, minigrad as mg
    >>> cube = mg.ops.Op(lambda x: x**3, name="cube", vjp=lambda g, x: 3 * g * x**2, spec=lambda x: x)
    >>> x = mg.Tensor([2.0], requires_grad=True)
    >>> mg.grad(cube(x).sum(), x)
    array([12.], dtype=float32)
    """

    def __init__(
        self,
        kernel: Callable[..., Any],
        *,
        spec: Callable[..., Spec],
        vjp: Any = None,
        operands: str | None = None,
        kind: str = "other",
        samples: Callable[..., Any] | None = None,
        name: str | None = None,
        doc: str | None = None,
    ) -> None:
        positional, defaults = parameters(kernel)
        self.operands = tuple(operands.split()) if operands else positional
        self.variadic = any(o.startswith("*") for o in self.operands)
        self.kernel = kernel
        self.spec = spec
        self.kind = kind
        self.samples = samples
        self.defaults = {k: v for k, v in defaults.items() if k != "out"}
        self.fills = isinstance(kernel, np.ufunc) or "out" in defaults
        self.name = name or kernel.__name__
        if kind not in KINDS:
            raise ValueError(f"op {self.name}: kind={kind!r} is none of {', '.join(KINDS)}")
        formulas = vjp if isinstance(vjp, tuple) else (vjp,)
        if vjp is not None and len(formulas) != len(self.operands):
            raise ValueError(f"op {self.name}: {len(formulas)} rules for {len(self.operands)} operands {self.operands}")
        self.rules = (
            () if vjp is None else tuple(f and Rule(f, self.operands, self.defaults, self.variadic) for f in formulas)
        )
        self.__doc__ = doc or kernel.__doc__
        self._kept: dict[tuple[int, int], Kept] = {}
        ROWS.setdefault(self.name, self)  # a stranger's op of the same name works, but is not the table's

    def rule(self, position: int) -> Rule | None:
        """The rule for the operand at that position."""
        return None if not self.rules else self.rules[0] if self.variadic else self.rules[position]

    def __call__(self, *operands: Any, **attrs: Any) -> Any:
        for name in attrs:
            if name not in self.defaults:  # above all NumPy's where= and dtype=
                raise TypeError(
                    f"{self.name}: takes no argument {name} on Tensors and Symbols; it takes "
                    f"{', '.join(self.defaults) or 'operands only'}"
                )
        arrays = []
        tensors, mask, bit = False, 0, 1
        for x in operands:
            if isinstance(x, Tensor):
                tensors = True
                if x.requires_grad:
                    mask |= bit
                arrays.append(x._data)
            elif isinstance(x, Symbol):
                return self.draw(operands, attrs)
            else:
                arrays.append(x)
            bit <<= 1
        mode = MODE.get()
        if mode.tracing is not None and any(isinstance(x, Variable) for x in operands):
            return self.draw(operands, attrs)
        try:
            out = compute(self, *arrays, **attrs) if LEGACY else self.kernel(*arrays, **attrs)
        except ValueError as error:
            self.explain(arrays, attrs, error)
            raise
        if not tensors:
            return out
        if out.__class__ is not ndarray:
            out = np.asarray(out)
        node = None
        if mask and self.rules and (not mode.pauses or mode.recording):
            node = self.record(operands, attrs, mask, out, mode)
        if mode.anomaly:
            check_value(self, out, arrays, mode)
            note_line(node)
        if mode.tape is not None:
            return mode.tape.computed(self, operands, attrs, wrap(out, node), mode)
        return wrap(out, node)

    def record(self, operands: tuple, attrs: dict[str, Any], mask: int, out: np.ndarray, mode: Mode) -> Node | None:
        kept = self._kept.get((mask, len(operands))) or self._keep(mask, len(operands))
        if not kept.live:
            return None
        inputs = []
        for x, keep in zip(operands, kept.operands):
            if isinstance(x, Tensor):
                if not keep and (x.node is not None or not x.requires_grad):
                    x = Stub(x.shape, x.dtype, x.node)
            elif keep and (isinstance(x, (list, tuple)) or (isinstance(x, np.ndarray) and x.flags.writeable)):
                x = np.array(x)  # a copy: the caller may write to it before the backward pass
            inputs.append(x)
        return Node(self, tuple(inputs), attrs, out if kept.out else None, kept.live, mode.scope)

    def _keep(self, mask: int, n: int) -> Kept:
        live = tuple(i for i in range(n) if mask >> i & 1 and self.rule(i))
        reads = frozenset[str]().union(*(self.rule(i).reads for i in live))  # type: ignore[union-attr]
        names = ["xs"] * n if self.variadic else self.operands
        kept = self._kept[mask, n] = Kept(live, tuple(name in reads for name in names), "out" in reads)
        return kept

    def draw(self, operands: tuple, attrs: dict[str, Any]) -> Symbol:
        """The symbol of this call: no data is touched, the spec rule alone is asked."""
        if any(isinstance(x, Symbol) and is_string(x.dtype) for x in operands):
            raise DTypeError(
                f"{self.name}: cannot compute with strings. Turn words and categories into integer ids first, as with "
                "StringLookup or TextVectorization"
            )
        assigned = MODE.get().tracing
        if assigned:
            operands = tuple(assigned.get(x, x) if isinstance(x, Variable) else x for x in operands)
        # A list or an array becomes a constant of the graph: a copy, that nobody can write to.
        operands = tuple(np.array(x) if isinstance(x, (list, tuple, np.ndarray)) else x for x in operands)
        first = second = self.spec_of_call(operands, attrs, 0)
        if any(isinstance(x, Symbol) and x.specs[0] is not x.specs[1] for x in operands):
            second = self.spec_of_call(operands, attrs, 1)
            second = first if first == second else second
        live = tuple(
            i for i, x in enumerate(operands) if isinstance(x, (Tensor, Symbol)) and x.requires_grad and self.rule(i)
        )
        return Symbol((first, second), Node(self, operands, attrs, (first, second), live, MODE.get().scope))

    def spec_of_call(self, operands: tuple, attrs: dict[str, Any], which: int) -> Spec:
        """The result's spec with open axes at one of their two sizes."""
        specs = [x.specs[which] if isinstance(x, Symbol) else spec_of(x) for x in operands]
        try:
            return self.spec(*specs, **attrs)
        except (ShapeError, IndexError) as error:
            raise type(error)(f"{self.name}: {with_none(str(error))}") from None

    def explain(self, arrays: list, attrs: dict[str, Any], error: Exception) -> None:
        """Raise the spec's error, which is in words, if it sees what the kernel stumbled over."""
        try:
            self.spec(*map(spec_of, arrays), **attrs)
        except ShapeError as better:
            raise ShapeError(f"{self.name}: {better}") from error

    def __deepcopy__(self, memo: dict) -> Op:
        return self  # a row is a fact, not data: copies of a graph share it

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join(self.operands)}), {self.kind}>"


def parameters(kernel: Callable[..., Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The names of a kernel's operands, and its attributes with their defaults."""
    if isinstance(kernel, np.ufunc):
        return ("x", "y", "z")[: kernel.nin], {}
    if not hasattr(kernel, "__code__"):
        raise TypeError(f"Op: the kernel {kernel!r} must be a ufunc or a Python function; wrap it: lambda x: f(x)")
    code = kernel.__code__  # inspect.signature says the same, twenty times slower: there are hundreds of kernels
    n, only = code.co_argcount, code.co_kwonlyargcount
    operands = code.co_varnames[:n]
    if code.co_flags & CO_VARARGS:
        operands += (f"*{code.co_varnames[n + only]}",)
    defaults = kernel.__kwdefaults__ or {}
    return operands, {name: defaults.get(name, REQUIRED) for name in code.co_varnames[n : n + only]}
