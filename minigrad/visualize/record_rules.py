"""The text of a rule: what stands in the op's row, read from its source."""

from __future__ import annotations

import ast
import linecache
from functools import lru_cache
from types import CodeType
from typing import Any

LONGEST = 400  # characters of a rule


def rule_text(formula: Any) -> str:
    """The expression of a rule that is a lambda, the body of one that is a function; its name if there is no source.

    >>> rule_text(len)
    'len'
    """
    code = getattr(formula, "__code__", None)
    return _text(code) if code is not None else getattr(formula, "__name__", str(formula))


@lru_cache(maxsize=2048)
def _text(code: CodeType) -> str:
    for tree in _functions(code.co_filename).get(code.co_firstlineno, ()):
        if isinstance(tree, ast.Lambda):
            body = tree.body
            if (body.lineno, body.end_lineno, body.col_offset, body.end_col_offset) in code.co_positions():
                return ast.unparse(body)[:LONGEST]
        elif tree.name == code.co_name:
            documented = ast.get_docstring(tree) is not None
            text = "\n".join(map(ast.unparse, tree.body[documented:]))
            return text.removeprefix("return ")[:LONGEST] if "\n" not in text else text[:LONGEST]
    return code.co_name


@lru_cache(maxsize=64)
def _functions(filename: str) -> dict[int, list[ast.Lambda | ast.FunctionDef]]:
    """The functions of a file by the line that they begin at, with their decorators."""
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except SyntaxError:
        return {}
    found: dict[int, list[ast.Lambda | ast.FunctionDef]] = {}
    for part in ast.walk(tree):
        if isinstance(part, (ast.Lambda, ast.FunctionDef)):
            first = min([part.lineno, *(d.lineno for d in getattr(part, "decorator_list", ()))])
            found.setdefault(first, []).append(part)
    return found


def code_at(filename: str, line: int) -> str:
    """What stands there, on one line."""
    return linecache.getline(filename, line).strip()[:160]
