"""The text of a program: one line an op, named after the layer that it is from and, if a gradient, what it is that of.

Nothing from outside enters the text: names become identifiers of plain letters, attributes are spelled by `spelling` or
stand in the namespace under a name of ours.
"""

from __future__ import annotations

import builtins
import keyword
import re
import textwrap
from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

import numpy as np

from ..core.legacy import kernel_of
from ..core.node import Node
from ..core.rows import Table
from ..core.spec import Spec
from ..core.tensor import Tensor, Variable
from ..ops.gather import Lookup
from ..ops.join import pack
from . import kernels
from .lines import Blocks, Nest, Touched
from .memory import ALIGNMENT
from .nest import RowWriter, Writer, spec_of_value
from .plan import Line, Plan
from .spelling import constant, literal, spelled
from .step import Step, places, shape_of
from .trace import Cell

OWN = {  # names that the text itself uses, here and in a saved file
    "BESIDE", "DIGEST", "Path", "allow_pickle", "arena", "arrays", "arrays_now", "count", "file", "finite", "go_on",
    "i", "n", "np", "os", "rows", "save", "start", "state_of", "step",
}  # fmt: skip


class Source:
    """The text of a plan and the namespace that it runs in.

    The function takes the trace's inputs. A buffer stands in the namespace under the name of the result that is made in
    it. The arrays of `bound`, Variables and Cells by name, stand there too; whoever runs the function puts them there.
    """

    def __init__(self, plan: Plan, title: str, variable_names: dict[Variable, str], saved: bool = False) -> None:
        self.plan = plan
        self.saved = saved  # for a file: all rows of all tables are up to date there
        self.namespace: dict[str, Any] = {"np": np}
        self.names: dict[Any, str] = {}  # by identity of Step, Symbol, Variable, Cell or constant
        self.copies: dict[int, str] = {}
        self.kept: list[Any] = []  # so that no identity is used twice
        self.scratch: dict[Any, str] = {}  # by offset, size and dtype: names of blocks' scratch memory
        self.taken = set(OWN)
        self.nests: dict[Nest | Touched, Writer] = {}
        self.loops: dict[str, Writer] = {}  # by the name of a function in the text, what Numba compiles for it
        self.functions: dict[str, str] = {}  # by the text of such a function, its name
        self._all_finite: Any = None  # the loop that looks for a number that is not
        self.kernels: dict[Any, Any] = {}  # by op, attributes and specs, what computes it
        self.constants: dict[str, str] = {}  # those that the text shows: by name, the value
        self.arguments = {self._named(symbol, name): symbol for name, symbol in plan.trace.inputs.items()}
        self.bound: dict[str, Variable | Cell] = {}
        for variable in used_variables(plan):
            self.bound[self._named(variable, variable_names.get(variable, variable.name))] = variable
        for cell in plan.trace.cells:
            self.names[id(cell)] = name = self._named(cell.symbol, cell.name)
            self.bound[name] = cell
        for symbol, place in (read for update in plan.trace.row_updates for read in update.reads):
            self.names[id(symbol)] = self.names[id(place)]
        self.current: set[tuple[int, int]] = set()  # (table, ids) of which the rows are up to date
        self._functions()
        body = list(self._body())
        self.text = "\n".join([
            f'"""{comment(title)}: {len(plan.steps)} ops, {plan.memory:,} bytes of buffers.', "",
            *self._explained(), '"""', "",
            "import numpy as np", "",
            *(f"{name} = {value}" for name, value in self.constants.items()), *[""] * bool(self.constants), "",
            *self._loops(),
            f"def step({', '.join(self.arguments)}):",
            *("    " * bool(line) + line for line in body), "",
        ])  # fmt: skip

    # -- names --------------------------------------------------------------------------------------------------------

    def _named(self, thing: Any, wish: str) -> str:
        self.names[id(thing)] = name = self._free(wish)
        self.kept.append(thing)
        return name

    def _free(self, wish: str) -> str:
        name = identifier(wish, self.taken)
        self.taken.add(name)
        return name

    def _functions(self) -> None:
        """Give kernels and loops their names, before a result takes one."""
        for line in self.plan.lines:
            if isinstance(line, Nest) or (isinstance(line, Touched) and self.plan.fused):
                kind = RowWriter if isinstance(line, Touched) else Writer
                self.nests[line] = written = kind(line, self._same_memory)
                if written.text not in self.functions:
                    self.functions[written.text] = name = self._free(written.name)
                    self.loops[name] = written
            elif isinstance(line, Step) and line.node.fn is not pack and not spelled(line, ["x"] * len(line.args), "y"):
                self._function(line.node)

    def _wish(self, step: Step) -> str:
        """What a result is called: after its layer and op or, if a gradient, what it is the gradient of."""
        if step.node.fn is pack:
            return "gradients"
        source: Any = (step.node.extra or {}).get("gradient_of")
        if source is not None:
            source = self.plan.by_node.get(source, source)
            if id(source) in self.names or isinstance(source, Step):
                return f"grad_{self.names.get(id(source)) or self._wish(source)}"
        outer, _, layer = path(step.node).rpartition("/")
        op = step.node.fn.name.removesuffix("_rows")
        if outer:
            stem = layer.rstrip("_0123456789")  # concatenate_1, not concatenate_1_concatenate
            op = op[len(stem) :] if op == stem or op.startswith(f"{stem}_") else f"_{op}"
            return layer + op
        section = self.plan.trace.section(step.node)
        if section in ("loss", "backward"):
            return next((name for name, x in self.plan.results.items() if x is step), f"loss_{op}")
        return op

    def _constant(self, value: Any, wish: str) -> str:
        """The name under which a value stands in the namespace."""
        if id(value) not in self.names:
            name = self._named(value, wish)
            self.namespace[name] = value
            text = constant(value)
            if text:
                self.constants[name] = text
        return self.names[id(value)]

    def _text(self, x: Any) -> str:
        """An operand as text."""
        if id(x) in self.names:
            return self.names[id(x)]
        if isinstance(x, Tensor):
            return self._constant(x._data, "constant")
        return literal(x) or self._constant(x, "constant")

    def _buffer(self, step: Step) -> str:
        """The name of where a step's result goes, which it then has."""
        if step.target is not None:
            self.names[id(step)] = self.names[id(step.target)]
        else:
            name = self._named(step, self._wish(step))
            self.namespace[name] = np.ndarray(step.spec.shape, step.spec.dtype, self.arena, step.offset or 0)
        return self.names[id(step)]

    @property
    def arena(self) -> np.ndarray:
        """The bytes that all buffers lie in."""
        if "arena" not in self.namespace:
            bytes_ = np.zeros(self.plan.memory + ALIGNMENT, np.uint8)
            start = -bytes_.ctypes.data % ALIGNMENT
            self.namespace["arena"] = bytes_[start : start + self.plan.memory]
        return self.namespace["arena"]

    # -- lines --------------------------------------------------------------------------------------------------------

    def _explained(self) -> Iterator[str]:
        """What the function takes and gives."""
        for name, symbol in self.arguments.items():
            yield f"{name}: {symbol.shape} {symbol.dtype}"
        results = comment(", ".join(self.plan.results))
        checked = "whether all is finite that must be (else nothing was written)" if self.plan.checks else "True"
        yield from ("", f"Returns {checked}, and ({results}).")
        if self.bound:
            yield "Weights and the optimizer's slots go by their names."
        if self.plan.memory:
            yield "What `out=` names is a buffer; buffers share one memory."

    def _body(self) -> Iterator[str]:
        """The lines of the plan, with the checks and the updates between them; at last the results."""
        plan = self.plan
        titles = ["", *(title for _, title in plan.trace.sections)]
        section = ""
        for position in range(len(plan.lines) + 1):
            if plan.checks and position == plan.check_at:
                yield from self._checks()
            if position == len(plan.lines):
                for x in {id(x): x for x in plan.late}.values():
                    self.copies[id(x)] = name = self._free("copy")
                    yield f"{name} = np.array({self._text(x)})"
            for at, cell, new in plan.writes:
                if at == position:
                    yield f"np.copyto({self.names[id(cell)]}, {self._end(new)})"
            if position < len(plan.lines):
                texts = list(self._texts(plan.lines[position]))
                begun = plan.trace.section(plan.lines[position].steps[0].node)
                if texts and len(titles) > 2 and titles.index(begun) > titles.index(section):
                    yield from [""] * bool(section)
                    yield f"# {comment(begun)}"
                    section = begun
                yield from texts
        yield from self._return("True")

    def _texts(self, line: Line) -> Iterator[str]:
        """The text of one line of the plan."""
        if isinstance(line, Nest):
            yield from self._nest(line)
        elif isinstance(line, Blocks):
            yield from self._blocks(line)
        elif isinstance(line, Touched):
            yield from self._touched(line)
        elif line.node.fn is pack:
            yield from self._pack(line)
        else:
            yield from self._line(line)

    def _line(self, step: Step) -> Iterator[str]:
        """What fills a buffer names it; a view or a new array is given a name.

        The transpose of a matrix has no line: it is spelled where it is read.
        """
        words = list(map(self._text, step.args))
        yield from self._catch_up(step, words)
        out = self._buffer(step) if step.owns else ""
        text = spelled(step, words, out) or self._call(step, words, out)
        if words and text == f"{words[0]}.T":
            self.names[id(step)] = text
        else:
            yield f"{text if out else f'{self._named(step, self._wish(step))} = {text}'}{note(step)}"

    def _catch_up(self, step: Step, words: list[str]) -> Iterator[str]:
        """Before rows are looked up in a table that may lag behind its optimizer, what brings these up to date."""
        table = step.args[0] if isinstance(step.node.fn, Lookup) else None
        if isinstance(table, Table) and table.lag is not None and not self.saved:
            read = id(table), id(step.args[1])
            if read not in self.current:
                self.current.add(read)
                if self.plan.fused:
                    kernels.compile_lag(table)
                yield f"{self._constant(table.lag.settle, f'catch_up_{words[0]}')}({words[1]})  # rows that lag behind"

    def _call(self, step: Step, words: list[str], out: str) -> str:
        """A call of the kernel."""
        words = words + [f"{name}={literal(v) or self._constant(v, name)}" for name, v in step.node.attrs.items()]
        return f"{self._function(step.node)}({', '.join([*words, f'out={out}'] if out else words)})"

    def _function(self, node: Node) -> str:
        """The name of a kernel."""
        kernel: Any = self._kernel(node)
        name = getattr(kernel, "__name__", "")
        if isinstance(kernel, np.ufunc) and getattr(np, name, None) is kernel:
            return f"np.{name}"
        return self._constant(kernel, node.fn.name)

    def _kernel(self, node: Node) -> Any:
        """What computes a node: in a fused program a loop, if its op has one for such operands."""
        if not self.plan.fused:
            return kernel_of(node)
        like = node.fn, *map(spec_of_value, node.inputs), node.out[0], repr(sorted(node.attrs.items()))
        if like not in self.kernels:
            self.kernels[like] = kernels.kernel_for(node) or kernel_of(node)
        return self.kernels[like]

    def _nest(self, nest: Nest) -> Iterator[str]:
        """The call of a nest's function, which fills its results; one that lies in an operand gets its name after."""
        written = self.nests[nest]
        for step in written.arguments[written.operands :]:
            self._buffer(step)
        words = map(self._text, written.arguments)
        yield f"{self.functions[written.text]}({', '.join(words)}){note(nest.outputs[-1])}"
        for step, operand in written.shared.items():
            if step.target is not None:
                self.names[id(step)] = self.names[id(step.target)]
            else:
                yield f"{self._named(step, self._wish(step))} = {self._text(operand)}"

    def _same_memory(self, step: Step, operand: Any) -> bool:
        """Whether a step's result goes where an operand lies."""
        if step.target is not None:
            return any(operand is x for x in places(step.target))
        return isinstance(operand, Step) and operand.offset == step.offset is not None and operand.spec == step.spec

    def _loops(self) -> Iterator[str]:
        """The functions of the nests."""
        for name, written in self.loops.items():
            yield from [*written.text.replace(f"def {written.name}(", f"def {name}(", 1).splitlines(), "", ""]

    def _blocks(self, blocks: Blocks) -> Iterator[str]:
        """A loop over blocks of flat arrays; a result that only the block needs lies in the scratch memory."""
        size = blocks.steps[0].spec.shape[0]
        for step in blocks.outputs:
            self._buffer(step)
        yield f"for start in range(0, {size}, {blocks.size}):  # blocks that stay in the cache"
        yield f"    i = slice(start, min(start + {blocks.size}, {size}))"
        yield "    n = i.stop - start"
        local: dict[int, str] = {}
        for step in blocks.steps:
            words = [local.get(id(a)) or self._text(a) + "[i]" * bool(shape_of(a)) for a in step.args]
            whole = step in blocks.outputs
            out = f"{self.names[id(step)]}[i]" if whole else f"{self._block(step, blocks)}[:n]"
            local[id(step)] = name = self._free(self._wish(step))
            yield f"    {name} = {spelled(step, words, out) or self._call(step, words, out)}"

    def _block(self, step: Step, blocks: Blocks) -> str:
        """The name of the scratch memory for one block of a result."""
        place = blocks.scratch + blocks.slot[step] * blocks.piece, blocks.size, step.spec.dtype
        if place not in self.scratch:
            self.scratch[place] = name = self._free(f"block_{blocks.slot[step]}")
            self.namespace[name] = np.ndarray((blocks.size,), step.spec.dtype, self.arena, place[0])
        return self.scratch[place]

    def _touched(self, line: Touched) -> Iterator[str]:
        """The update of a few rows of a table."""
        update, name = line.update, self.names[id(line.update.writes[0][0])]
        if self.plan.fused:
            written = self.nests[line]
            called = ", ".join(map(self._text, written.arguments))
            yield f"{self.functions[written.text]}({called})  # {name}: the rows of the batch"
            return
        ids = self._text(update.ids)
        yield f"count = np.count_nonzero({ids} >= 0)"
        yield f"for start in range(0, count, {line.block}):  # {name}: the rows of the batch"
        yield f"    i = slice(start, min(start + {line.block}, count))"
        yield f"    rows = {ids}[i]"
        local = {}
        for symbol, place in update.reads:
            local[id(symbol)] = found = self._free(f"{self.names[id(place)]}_rows")
            yield f"    {found} = {self.names[id(place)]}[rows]"
        for step in line.steps:
            sliced = ["[i]" * (shape_of(a)[:1] == line.shape[:1] and len(shape_of(a)) == 2) for a in step.args]
            words = [local.get(id(a)) or self._text(a) + end for a, end in zip(step.args, sliced)]
            local[id(step)] = made = self._free(self._wish(step))
            yield f"    {made} = {spelled(step, words, '') or self._call(step, words, '')}"
        for place, new in update.writes:
            yield f"    {self.names[id(place)]}[rows] = {local[id(new)]}"
        if update.seen:
            seen, now = (self.names[id(cell)] for cell in update.seen)
            yield f"    {seen}[rows] = np.maximum({seen}[rows], {now} + 1)"

    def _pack(self, step: Step) -> Iterator[str]:
        """What does not lie in a pack's buffer yet is copied there."""
        name = self._buffer(step)
        parts = ", ".join(self._text(a) for a in step.args)
        yield from textwrap.wrap(f"{name}: end to end {parts}", WIDTH, initial_indent="# ", subsequent_indent="# ")
        start = 0
        for a in step.args:
            stop = start + prod(shape_of(a))
            begins = start * np.dtype(step.spec.dtype).itemsize
            if not (isinstance(a, Step) and a.buffer is step.buffer and a.start == begins):
                yield f"{name}[{start}:{stop}] = {self._text(a)}.reshape(-1)"
            start = stop

    def _checks(self) -> Iterator[str]:
        checks = list(map(self._text, self.plan.checks))
        each = " and ".join(self._finite(x) for x in {id(x): x for x in self.plan.checks}.values())
        yield from wrapped("finite = bool(", each, ")")
        yield "if not finite:"
        for line in self._return("finite", checks):
            yield f"    {line}"

    def _finite(self, x: Any) -> str:
        """The text that tells whether a value is finite."""
        text, shape = self._text(x), shape_of(x)
        if self.plan.fused and shape and isinstance(x, Step) and x.owns:
            self._all_finite = self._all_finite or kernels.finite(Spec((1,), x.spec.dtype))
            return f"{self._constant(self._all_finite, 'all_finite')}({text}{'.reshape(-1)' * (len(shape) > 1)})"
        return f"np.isfinite({text}).all()" if shape else f"np.isfinite({text})"

    def _return(self, finite: str, more: Iterable[str] = ()) -> Iterator[str]:
        words = [*map(self._end, self.plan.results.values()), *more]
        yield from wrapped(f"return {finite}, (", ", ".join(words) + "," * (len(words) == 1), ")")

    def _end(self, x: Any) -> str:
        """A value as text at the end, where some are read from their copies."""
        return self.copies.get(id(x)) or self._text(x)


def used_variables(plan: Plan) -> list[Variable]:
    """The Variables that a plan reads or writes, in order."""
    found = [a for step in plan.steps for a in step.args] + [cell for cell, _ in plan.updates]
    found += [place for update in plan.trace.row_updates for place, _ in update.writes]
    found += [*plan.results.values(), *plan.checks, *(new for _, new in plan.updates)]
    return list({id(v): v for v in found if isinstance(v, Variable)}.values())


def path(node: Node) -> str:
    """Where in the model a node was drawn: the names of the layers, the outermost first."""
    return node.scope.path() if node.scope else ""


def note(step: Step) -> str:
    """The comment after a step: its layer, without the model around it, and its shape."""
    outer, _, inner = path(step.node).partition("/")
    return f"  # {comment(inner or outer)} {step.spec.shape}" if outer else f"  # {step.spec.shape}"


def wrapped(head: str, text: str, tail: str) -> Iterator[str]:
    """What stands between brackets, in one line or, if that were long, in several."""
    if len(head + text + tail) <= WIDTH:
        yield f"{head}{text}{tail}"
    else:
        yield head
        yield from textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ")
        yield tail


WIDTH = 110  # of lines that can be broken


def identifier(wish: str, taken: set[str]) -> str:
    """A free Python name of plain letters and digits, as near to the wish as that allows.

    >>> identifier("dense_1/kernel", set()), identifier("1; import os", {"n1__import_os"}), identifier("for", set())
    ('dense_1_kernel', 'n1__import_os_2', 'for_')
    """
    name = re.sub(r"\W", "_", wish, flags=re.ASCII)[:48] or "value"
    if name[0].isdigit():
        name = f"n{name}"
    free, k = name + "_" * (keyword.iskeyword(name) or hasattr(builtins, name)), 1
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
