"""The checkout as the tests of this folder see it: its files, its modules and who imports whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "minigrad"

_MADE_BY_TOOLS = {"__pycache__", "build", "dist", "out"}
_TYPES_ONLY = {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file somebody wrote: not git's, not a tool's, not those of a virtual environment."""
    for path in sorted(folder.iterdir()):
        if path.is_file():
            yield path
        elif path.name == ".ci" or not (
            path.name.startswith(".") or path.name in _MADE_BY_TOOLS or (path / "pyvenv.cfg").exists()
        ):
            yield from files(path)


@dataclass(frozen=True)
class Import:
    """One import: module `source`, at `line`, reaches for module `target`; `late` inside a function."""

    source: str
    target: str
    line: int
    late: bool

    def __str__(self) -> str:
        return f"{self.source}, line {self.line}: imports {self.target}{' (late)' if self.late else ''}"


def imports(package: Path = PACKAGE) -> list[Import]:
    """All imports within a package, but for those that only the type checker sees."""
    paths = {_module_name(path, package): path for path in sorted(package.rglob("*.py"))}
    found = []
    for name, path in paths.items():
        home = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node, late in _import_nodes(ast.parse(path.read_text(encoding="utf-8"))):
            targets = {_known(target, paths) for target in _targets(node, home, paths)} - {None}
            found += [Import(name, target, node.lineno, late) for target in sorted(targets)]
    return found


def _module_name(path: Path, package: Path) -> str:
    return ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")


def _import_nodes(node: ast.AST, late: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node, late
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.If) and ast.unparse(node.test) in _TYPES_ONLY and child in node.body:
            continue
        yield from _import_nodes(child, late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _targets(node: ast.Import | ast.ImportFrom, home: str, paths: dict[str, Path]) -> Iterator[str]:
    """The full names an import statement asks for: a submodule where there is one, else the module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        above = home.split(".")[: len(home.split(".")) - node.level + 1]
        base = ".".join([*above, *([base] if base else [])])
    for alias in node.names:
        yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in paths else base


def _known(target: str, paths: dict[str, Path]) -> str | None:
    return target if target in paths else None


def find_cycle(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one circle of imports, its first once more at the end; empty when there is none."""
    finished: set[str] = set()

    def follow(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in finished:
            return []
        for target in sorted(graph.get(module, ())):
            if circle := follow(target, [*path, module]):
                return circle
        finished.add(module)
        return []

    for start in sorted(graph):
        if circle := follow(start, []):
            return circle
    return []
