"""`%%minigrad` in a notebook: the cell below it, profiled, drawn or recorded. `%load_ext minigrad` brings it.

%%minigrad profile
model.fit(x, y)
"""

from __future__ import annotations

import ast
from typing import Any

from ..core.symbol import Symbol
from ..core.tensor import Tensor
from ..errors import unknown
from ..layers.layer import Layer
from ..models.model import Model
from ..program import Program
from .profile import Profile

WORDS = {
    "profile": "where the time went, by line of the programs and by op",
    "draw": "the graph of the last line's value: of a Tensor, a Symbol or a Model",
    "record": "every op of the cell, with values and gradients, to walk through",
}


def load(ipython: Any) -> None:
    """Register the magic with a shell."""

    def minigrad(line: str, cell: str) -> Any:
        return magic(ipython, line, cell)

    minigrad.__doc__ = usage()
    ipython.register_magic_function(minigrad, "cell", "minigrad")


def magic(ipython: Any, line: str, cell: str) -> Any:
    """Run the cell as the word in the line says; returns what the notebook shows last."""
    from IPython.display import display

    show: Any = display
    word = line.strip()
    if not word:
        raise ValueError(usage())
    if word not in WORDS:
        raise unknown("word after %%minigrad", word, WORDS)
    if word == "draw":
        return drawn(run(ipython, cell))
    if word == "record":
        from ..core.mode import record

        with record() as tape:
            value = run(ipython, cell)
        show(tape)
        return value
    with Profile() as profile:
        value = run(ipython, cell)
    show(profile)
    return value


def run(ipython: Any, cell: str) -> Any:
    """Run the user's cell in the user's names; the value of its last line, if that is an expression."""
    tree = ast.parse(ipython.transform_cell(cell))
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    name = ipython.compile.cache(cell)  # so that a traceback shows the cell's lines
    exec(compile(tree, name, "exec"), ipython.user_ns)  # noqa: S102 (the cell that the user runs)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), name, "eval"), ipython.user_ns)  # noqa: S307 (its last line)


def drawn(value: Any) -> Any:
    """The picture of a value's graph."""
    if isinstance(value, Model) and value.graph is not None:
        return value.plot()
    if isinstance(value, Tensor | Symbol):
        from .plot import graph_of

        return graph_of(value)
    if isinstance(value, Layer | Program):
        return value  # which shows itself
    raise TypeError(
        f"%%minigrad draw: the last line of the cell gave a {type(value).__name__}; expected a Tensor, a Symbol, a "
        "Model, a layer or a Program"
    )


def usage() -> str:
    """What may stand behind the magic."""
    return "\n".join(["%%minigrad takes one of these words:", *(f"  {word:8} {says}" for word, says in WORDS.items())])
