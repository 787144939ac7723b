"""The source of functions, with all that they use, as text that stands alone.

A kernel of the op table calls others: checks, errors, sums. `Helpers` follows the names that a function reads, to
functions, classes and constants, down to NumPy and the standard library, and writes each one down, what is used before
what uses it. Nothing else has a text: the error says what was asked for.
"""

from __future__ import annotations

import ast
import dis
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from itertools import accumulate
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..core.op import Op
from .source import identifier

SMALL = 1000  # elements of an array that is written as text
OURS = {"numpy", *sys.stdlib_module_names}  # what a file may import


class Helpers:
    """What a file has to define so that some values stand in it under their names.

    taken: the names that are used up. texts: the definitions, in order. imports: the lines before them.

    >>> from minigrad.ops.neural import relu
    >>> helpers = Helpers({"np", "relu"})
    >>> helpers.define("relu", relu.kernel, "the op relu")
    >>> print(*helpers.texts)
    def relu(x, *, out=None):
        return np.maximum(x, 0, out=out)
    """

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.texts: list[str] = []
        self.imports: list[str] = []
        self._names: dict[int, str] = {id(np): "np"}
        self._kept: list[Any] = []  # so that no identity is used twice

    def define(self, name: str, value: Any, who: str) -> None:
        """Let a value stand under a name, which is taken for it. TypeError that says `who` uses it: it has no text."""
        self._names[id(value)] = name
        self._kept.append(value)
        known = place(value)
        if known is not None:
            module, words = known
            if module == "numpy":
                self.texts.append(f"{name} = np.{words}")
            else:
                line = f"from {module} import {words}" if words else f"import {module}"
                self.imports.append(line if name == (words or module) else f"{line} as {name}")
        elif isinstance(value, Op):  # of arrays it is its kernel
            self.texts.append(f"{name} = {self._name(value.kernel, value.name, who)}")
        elif isinstance(value, (FunctionType, type)):
            self.texts.append(self._definition(name, value, f"{who}, by way of {value.__qualname__},"))
        else:
            self.texts.append(f"{name} = {plain(value, f'{who} uses {name}')}")

    def _name(self, value: Any, wish: str, who: str) -> str:
        """The name of a value, which is defined now if it is not yet."""
        if id(value) not in self._names:
            name = identifier(wish, self.taken)
            self.taken.add(name)
            self.define(name, value, who)
        return self._names[id(value)]

    def _definition(self, name: str, value: FunctionType | type, who: str) -> str:
        """The source of a function or class under a name; before it, all that it uses."""
        source, tree = found(value, who)
        space = vars(sys.modules[value.__module__]) if isinstance(value, type) else variables(value)
        read = [old for old in names_read(tree) if old in space and not old.startswith("__")]
        used = {old: self._name(space[old], old, who) for old in read}
        other = {old: new for old, new in used.items() if old != new}
        if not other:
            text = textwrap.dedent(" " * tree.col_offset + (ast.get_source_segment(source, tree) or ""))
        else:
            text = ast.unparse(Renamed(other, who).visit(tree))
        if isinstance(tree, ast.Lambda):
            return f"{name} = {text}"
        return re.sub(rf"\b(def|class) {tree.name}\b", rf"\1 {name}", bare(text), count=1)


def place(value: Any) -> tuple[str, str] | None:
    """The module and name under which NumPy or the standard library has a value; no name for a module itself."""
    if isinstance(value, ModuleType):
        root, _, rest = value.__name__.partition(".")
        return (root, rest) if root == "numpy" else (value.__name__, "") if root in OURS else None
    name = getattr(value, "__name__", None)
    if isinstance(name, str) and getattr(np, name, None) is value:
        return "numpy", name
    module = str(getattr(value, "__module__", None))
    if isinstance(name, str) and module.partition(".")[0] in OURS and module in sys.modules:
        return (module, name) if getattr(sys.modules[module], name, None) is value else None
    return None


def found(value: FunctionType | type, who: str) -> tuple[str, ast.FunctionDef | ast.ClassDef | ast.Lambda]:
    """A text that a function or class is in, and its part of the syntax tree."""
    if isinstance(value, type) and "<locals>" in value.__qualname__:
        raise TypeError(f"{who} has no text of its own: the class is made within a function")
    alone = value.__name__ != "<lambda>"
    try:
        source = textwrap.dedent(inspect.getsource(value)) if alone else "".join(inspect.findsource(value)[0])
        nodes = ast.parse(source).body[:1] if alone else ast.walk(ast.parse(source))
    except (OSError, TypeError, SyntaxError):
        raise TypeError(f"{who} has no text: its source is not to be found") from None
    node = next(
        (n for n in nodes if isinstance(n, (ast.FunctionDef, ast.ClassDef, ast.Lambda)) and is_of(n, value)), None
    )
    if node is None:
        raise TypeError(f"{who} has no text: what its file has there is something else")
    if isinstance(node, ast.FunctionDef):
        node.decorator_list = []  # a kernel's own: they register it
    for part in ast.walk(node):
        modules = [a.name for a in part.names] if isinstance(part, ast.Import) else []
        if isinstance(part, ast.ImportFrom):
            modules = ["." * part.level + (part.module or "")]
        if any(m.partition(".")[0] not in OURS for m in modules):
            raise TypeError(f"{who} imports {modules[0] or '.'}, which is neither NumPy nor the standard library")
    return source, node


def variables(value: FunctionType) -> dict[str, Any]:
    """What a function can read: its module, and the variables of the functions that it was made in."""
    cells = value.__closure__ or ()
    return value.__globals__ | dict(zip(value.__code__.co_freevars, (cell.cell_contents for cell in cells)))


def is_of(node: ast.FunctionDef | ast.ClassDef | ast.Lambda, value: Any) -> bool:
    """Whether a part of a syntax tree is that of a function or class. In one line there may be several lambdas."""
    if not isinstance(node, ast.Lambda):
        return node.name == value.__name__
    body = node.body
    returned = body.lineno, body.end_lineno, body.col_offset, body.end_col_offset
    return node.lineno == value.__code__.co_firstlineno and returned in value.__code__.co_positions()


def compiled(tree: ast.FunctionDef | ast.ClassDef | ast.Lambda) -> CodeType:
    """The code of a module that has nothing else in it."""
    statement = ast.Expr(tree) if isinstance(tree, ast.Lambda) else tree
    module = ast.fix_missing_locations(ast.Module([statement], []))
    return compile(module, "<helpers>", "exec", annotations.compiler_flag, True)


def codes(code: CodeType) -> Iterator[CodeType]:
    """A code object and all within it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from codes(const)


def names_read(tree: ast.FunctionDef | ast.ClassDef | ast.Lambda) -> list[str]:
    """The names that a definition reads from its module, annotations left out."""
    read = [
        step.argval
        for code in codes(compiled(tree))
        for step in dis.get_instructions(code)
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    ]
    return list(dict.fromkeys(read))


def bare(text: str) -> str:
    """A definition without annotations, which name types of ours, and without examples.

    >>> print(bare("def f(x: Any, axis: Axes = -1) -> Any:\\n    y: list = [x]  # a comment\\n    return y"))
    def f(x, axis=-1):
        y = [x]  # a comment
        return y
    """
    lines = [line.encode() for line in text.splitlines(keepends=True)]  # the tree counts bytes
    starts = [0, *accumulate(map(len, lines))]
    source = b"".join(lines)

    def at(line: int, column: int) -> int:
        return starts[line - 1] + column

    def end(node: Any) -> int:
        return at(node.end_lineno, node.end_col_offset)

    cuts: list[tuple[int, int, bytes]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.arg) and node.annotation:
            after = end(node)
            default = re.match(rb" = ", source[after:])
            cuts.append(
                (
                    at(node.lineno, node.col_offset) + len(node.arg.encode()),
                    after + (3 if default else 0),
                    b"=" if default else b"",
                )
            )
        elif isinstance(node, ast.AnnAssign) and node.value:
            cuts.append((end(node.target), end(node.annotation), b""))
        elif isinstance(node, ast.FunctionDef) and node.returns:
            arrow = source.rindex(b" ->", 0, at(node.returns.lineno, node.returns.col_offset))
            cuts.append((arrow, end(node.returns), b""))
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ">>>" in (ast.get_docstring(node) or ""):
            last = end(node.body[0])
            first = source.index(b">>>", at(node.body[0].lineno, node.body[0].col_offset), last)
            cuts.append((len(source[:first].rstrip()), last - 3, b"\n" + b" " * node.body[0].col_offset))
    for first, last, new in sorted(cuts, reverse=True):
        source = source[:first] + new + source[last:]
    return source.decode()


class Renamed(ast.NodeTransformer):
    """Gives names of the module other ones."""

    def __init__(self, names: dict[str, str], who: str) -> None:
        self.names = names
        self.who = who

    def visit_Name(self, node: ast.Name) -> ast.Name:
        if node.id in self.names and not isinstance(node.ctx, ast.Load):
            raise TypeError(f"{self.who} has no text of its own: {node.id} is a variable in it and one of its module")
        return ast.Name(self.names.get(node.id, node.id), node.ctx)


def plain(value: Any, who: str) -> str:
    """A constant as text: numbers, strings, dtypes, small arrays, and tuples, lists and dicts of these."""
    if value is None or value is Ellipsis or type(value) in (bool, int, str, bytes):
        return ascii(value)
    if type(value) is float:
        return repr(value) if np.isfinite(value) else f"float('{value}')"
    if type(value) in (tuple, list):
        inner = ", ".join(plain(v, who) for v in value)
        return f"[{inner}]" if type(value) is list else f"({inner}{',' * (len(value) == 1)})"
    if type(value) is dict:
        return "{" + ", ".join(f"{plain(k, who)}: {plain(v, who)}" for k, v in value.items()) + "}"
    if type(value) is slice:
        return f"slice({', '.join(plain(v, who) for v in (value.start, value.stop, value.step))})"
    if isinstance(value, np.dtype) and value.kind in "fiub":
        return f"np.dtype('{value.name}')"
    if isinstance(value, np.generic) and value.dtype.kind in "fiub":
        return f"np.{type(value).__name__}({plain(value.item(), who)})"
    if type(value) is np.ndarray and value.dtype.kind in "fiub" and value.size <= SMALL:
        return f"np.array({plain(value.tolist(), who)}, {plain(value.dtype, who)}).reshape({value.shape})"
    raise TypeError(
        f"{who}, a {type(value).__name__}, which has no text: what a kernel uses must be functions, modules of NumPy "
        "or the standard library, or plain constants"
    )
