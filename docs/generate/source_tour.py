"""What a page says about the source, read from the source: files with their lines, functions with their text.

    <!-- files: core/spec.py core/node.py -->    a table: file, lines, what it is in its own words
    <!-- source: core/node.py Node.__init__ -->   the text of a function, a class or a row
    <!-- lines: core -->                          how many lines a file, a folder or (no word) the whole package has
    <!-- lines: listed -->                        how many lines the files of this page's tables have

On GitHub, these comments are invisible; the site shows what they stand for.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from docstrings import escape, fenced, first_line

PACKAGE = Path(__file__).resolve().parents[2] / "minigrad"
MARKER = re.compile(r"<!-- (files|source|lines):([^>]*?)-->")


def expanded(text: str) -> str:
    """The page with every marker replaced by what it stands for."""
    listed = [path for kind, words in MARKER.findall(text) if kind == "files" for path in words.split()]

    def one(found: re.Match[str]) -> str:
        kind, words = found[1], found[2].split()
        if kind == "files":
            return files(words)
        if kind == "source":
            return definition(*words)
        return f"{sum(map(count, listed if words == ['listed'] else [''.join(words)])):,}"

    return MARKER.sub(one, text)


def files(paths: list[str]) -> str:
    rows = [f"| `{path}` | {count(path):,} | {escape(first_line(docstring(path)))} |" for path in paths]
    return "\n".join(["| file | lines | in its own words |", "|---|---:|---|", *rows])


def docstring(path: str) -> str:
    return ast.get_docstring(ast.parse((PACKAGE / path).read_text(encoding="utf-8"))) or ""


def count(path: str) -> int:
    """Lines of a file, or of all Python files in a folder."""
    found = PACKAGE / path
    if not found.exists():
        raise FileNotFoundError(f"minigrad/{path}, which a page of the documentation names")
    every = sorted(found.rglob("*.py")) if found.is_dir() else [found]
    return sum(len(each.read_text(encoding="utf-8").splitlines()) for each in every)


def definition(path: str, name: str) -> str:
    """The text of `function`, `Class`, `Class.method` or `row`."""
    text = (PACKAGE / path).read_text(encoding="utf-8")
    node: ast.AST = ast.parse(text)
    for part in name.split("."):
        node = next((n for n in getattr(node, "body", ()) if part in names(n)), None)  # type: ignore[assignment]
        if node is None:
            raise LookupError(f"minigrad/{path} has no {name}, which a page of the documentation shows")
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    indent = len(lines[0]) - len(lines[0].lstrip())
    return fenced("python", [line[indent:] for line in lines])


def names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Assign):
        return [t.id for t in node.targets if isinstance(t, ast.Name)]
    return [node.name] if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else []
