"""The op table as a page: each row's signature, kind, gradient and NumPy counterpart, read from the table itself."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np
from docstrings import Link, escape, fenced, first_line

from minigrad.core.op import REQUIRED, Op
from minigrad.core.table import ACCUMULATIONS, FUNCTIONS, REDUCTIONS, ROWS, UFUNCS

INTRODUCTION = """\
# The op table

Every op of minigrad is one row of one table, and this page is that table, read from the source when the site is built:
{rows} rows. The gradient is the rule's own text: `g` is the gradient of the result, `out` the result, other names are
the op's operands and attributes. What a rule does not name is not kept for the backward pass. Broadcasting is undone
and the operand's dtype restored centrally, so rules do not speak of it. "·" stands for no gradient; a name in place of
a formula for a rule of several lines, which stands below its table.

Rows with a link are public functions of [`minigrad.ops`](ops.md), or lie behind one. The last column says which NumPy
functions lead there when they are called on a Tensor or a Symbol; [all of those](numpy.md) are more than there are
rows.
"""


HEAD = "| row | kind | gradient | NumPy |\n|---|---|---|---|"


def page(link: Link = lambda name: None) -> str:
    """The table, one section for each family."""
    parts = [INTRODUCTION.format(rows=len(ROWS))]
    for module, rows in families().items():
        parts += [f"## {module.__name__.rpartition('.')[2].replace('_', ' ').capitalize()}", first_line(module.__doc__)]
        parts.append(
            "\n".join(["| row | kind | gradient | NumPy |", "|---|---|---|---|", *(line(row, link) for row in rows)])
        )
        long = {rule_name(f): f for row in rows for f in formulas(row) if f and not formula_text(f)}
        parts += [fenced("python", inspect.getsource(f).rstrip().splitlines()) for f in long.values()]
    return "\n\n".join(parts) + "\n"


def families() -> dict[ModuleType, list[Op]]:
    """The rows by the module that they are written in, in the table's order."""
    homes = {}
    for name in sorted(sys.modules):
        if name.startswith("minigrad.") and isinstance(module := sys.modules[name], ModuleType):
            for value in list(vars(module).values()):
                if isinstance(value, Op) and written_in(module, value):
                    homes.setdefault(value.name, module)
    found: dict[ModuleType, list[Op]] = defaultdict(list)
    for row in ROWS.values():  # one without a name of its own lies where its samples lie
        home = homes.get(row.name) or (row.samples and sys.modules[row.samples.__module__])
        if home:  # a row of the user's own, which has no samples, is not the table's
            found[home].append(row)
    return dict(found)


def written_in(module: ModuleType, row: Op) -> bool:
    """Whether the row is assigned to a name at the module's top level, not imported."""
    return any(getattr(module, name, None) is row for name in assigned(module.__file__ or ""))


@cache
def assigned(path: str) -> frozenset[str]:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    targets = [t for node in tree.body if isinstance(node, ast.Assign) for t in node.targets]
    names = [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    return frozenset(names) | {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def line(row: Op, link: Link) -> str:
    """One row as a line of the page."""
    target = link(f"ops.{row.name}")
    name = f"[`{row.name}`]({target})" if target else f"`{row.name}`"
    numpy = ", ".join(f"`{name}`" for name in counterparts(row.name))
    return f"| {name}<br>`({signature(row)})` | {row.kind} | {gradients(row)} | {numpy} |"


def signature(row: Op) -> str:
    """Operands, then attributes: `x, *, axis=None, keepdims=False`."""
    attributes = [name if value is REQUIRED else f"{name}={value!r}" for name, value in row.defaults.items()]
    star = [] if row.variadic or not attributes else ["*"]
    return ", ".join([*row.operands, *star, *attributes])


def gradients(row: Op) -> str:
    """Each operand's rule as text."""
    if not row.rules:
        return "·"
    operands = row.operands[:1] if row.variadic else row.operands
    told = [f"{escape(o)}: {rule_text(f)}" for o, f in zip(operands, formulas(row))]
    return told[0].partition(": ")[2] if len(told) == 1 else "<br>".join(told)


def formulas(row: Op) -> list[Callable[..., Any] | None]:
    return [rule and rule.formula for rule in row.rules]


def rule_text(function: Callable[..., Any] | None) -> str:
    if function is None:
        return "·"
    return f"`{formula_text(function) or rule_name(function)}`"


def rule_name(function: Callable[..., Any]) -> str:
    code = function.__code__
    return f"{function.__name__}({', '.join(code.co_varnames[: code.co_argcount])})"


def formula_text(function: Callable[..., Any]) -> str:
    """What a rule of one line returns, as it is written; empty for one of several lines."""
    path = function.__code__.co_filename
    node = definition(path, function.__code__)
    body = node.body
    if isinstance(body, list):
        statements = [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        if len(statements) != 1 or not isinstance(statements[0], ast.Return) or statements[0].value is None:
            return ""
        body = statements[0].value
    return re.sub(r"\s+", " ", ast.get_source_segment(source(path), body) or "")


def definition(path: str, code: CodeType) -> ast.Lambda | ast.FunctionDef:
    """The lambda or function that this code was made from."""
    here = [
        node for node in callables(path) if node.lineno == code.co_firstlineno or first(node) == code.co_firstlineno
    ]
    names = code.co_varnames[: code.co_argcount]
    here = [node for node in here if tuple(a.arg for a in node.args.args) == names]
    if len(here) > 1:  # several on one line: by the column that the code begins at
        places = [(p[0], p[2]) for p in code.co_positions() if p[0] and p[2]]
        column = min(place for place in places if place[1] is not None)[1]
        here = [node for node in here if node.col_offset <= column < (node.end_col_offset or 0)]
    return here[0]


def first(node: ast.AST) -> int:
    """The line a function begins at, with its decorators."""
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])


@cache
def source(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


@cache
def callables(path: str) -> list[Any]:
    return [node for node in ast.walk(ast.parse(source(path))) if isinstance(node, (ast.Lambda, ast.FunctionDef))]


NUMPY = """\
# NumPy's functions

These {n} functions of NumPy {version} work on Tensors (recorded, with gradients of any order where one exists) and on
Symbols (they make a node of the graph). Operators, indexing and the methods of arrays (`x.sum()`, `x.reshape(...)`) do,
too. Any other function of NumPy raises a TypeError that says what to do: silently dropping a gradient is worse. The
second column is the function of [`minigrad.ops`](ops.md) that answers, with its documentation.

| NumPy | answered by |
|---|---|
"""

# -- NumPy's names ----------------------------------------------------------------------------------------------------


def answered() -> Iterator[tuple[str, str]]:
    """(NumPy's name, the name of what answers it), for all functions, ufuncs and their methods."""
    for function, front in [*UFUNCS.items(), *FUNCTIONS.items()]:
        if not isinstance(function, str):
            yield numpy_name(function), front_name(front)
    for table, method in (REDUCTIONS, "reduce"), (ACCUMULATIONS, "accumulate"):
        for ufunc, front in table.items():
            yield f"np.{ufunc.__name__}.{method}", front_name(front)


def front_name(front: Any) -> str:
    return front.name if isinstance(front, Op) else front.__name__


def numpy_name(function: Any) -> str:
    home = "np.linalg." if getattr(function, "__module__", "").startswith("numpy.linalg") else "np."
    return home + function.__name__


@cache
def by_row() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, front in sorted(set(answered())):
        found[front].append(name)
    return found


def counterparts(row: str) -> list[str]:
    return by_row().get(row, [])


def numpy_page(link: Link) -> str:
    """Which NumPy functions work on Tensors and Symbols."""
    rows = [
        f"| `{name}` | {f'[`ops.{front}`]({target})' if (target := link(f'ops.{front}')) else ''} |"
        for name, front in sorted(set(answered()))
    ]
    return NUMPY.format(n=len(rows), version=np.__version__) + "\n".join([*rows, ""])
