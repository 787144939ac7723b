"""Who made the first value that is not finite: the op, the layer and the user's own line."""

from __future__ import annotations

import sys
from os.path import dirname
from typing import Any, NoReturn

import numpy as np

from ..errors import NonFiniteError
from .mode import Mode, Scope
from .node import Node

LARGE = 1 << 22  # elements
PACKAGE = dirname(dirname(__file__))


def users_line() -> str:
    """`file:line` of the innermost running frame that is not minigrad's or NumPy's."""
    frame = sys._getframe(1)
    library = (PACKAGE, dirname(np.__file__))
    while frame.f_back is not None and frame.f_code.co_filename.startswith(library):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def spoken(line: str) -> str:
    """What `users_line` found, for people: for a cell of a notebook, whose file is nobody's, `cell In[3], line 2`."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    filename, _, number = line.rpartition(":")
    cell = shell.compile.format_code_name(filename) if shell else None
    return f"cell {cell[1]}, line {number}" if cell else line


def note_line(node: Node | None) -> None:
    """Remember the line that made a node, for a complaint in the backward pass."""
    if node is not None:
        node.extra = {"line": users_line()}


def first_bad(array: Any) -> tuple[Any, tuple[int, ...]] | None:
    """The first element that is not finite, and its index; None if all are."""
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        return None
    if array.size > LARGE and len(array) > 1:  # in halves, for which there is room
        half = len(array) // 2
        if bad := first_bad(array[:half]):
            return bad
        bad = first_bad(array[half:])
        return bad and (bad[0], (half + bad[1][0], *bad[1][1:]))
    if np.isfinite(array).all():
        return None
    index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    return array[index], index


def check_value(op: Any, out: np.ndarray, arrays: list, mode: Mode) -> None:
    bad = first_bad(out)
    if bad:
        was_bad = any(first_bad(np.asarray(a)) for a in arrays)
        complain(
            f"{op.name} gave",
            bad,
            mode.scope,
            users_line(),
            " (an operand was not finite already)" if was_bad else "",
        )


def check_gradient(node: Node, g: Any, position: int) -> None:
    bad = first_bad(g)
    if bad:
        line = (node.extra or {}).get("line", "an op recorded before detect_anomaly")
        complain(f"the gradient rule of {node.fn.name} for operand {position} gave", bad, node.scope, line)


def complain(what: str, bad: tuple[Any, tuple[int, ...]], scope: Scope | None, line: str, more: str = "") -> NoReturn:
    value, index = bad
    where = f" at {list(index)}" if index else ""
    layer = f", in layer {scope.path()} ({type(scope.layer).__name__})" if scope else ""
    raise NonFiniteError(f"{what} {value}{where}{more}{layer}, called from {spoken(line)}")
