"""Graphviz's programs: the system's `dot`, or that of the package graphviz-pure, which needs no root and no system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

NOT_PURE = ("pdf", "ps", "ps2", "eps")  # what graphviz-pure does not make


def system_dot() -> str | None:
    """The path of the system's `dot`, None if there is none."""
    from shutil import which

    return which("dot") if os.environ.get("PATH") else None


def pure_program() -> str | None:
    """The path of graphviz-pure's program: on the PATH, or where pip puts it, which need not be there."""
    import sysconfig
    from shutil import which

    return which("graphviz-pure") or which("graphviz-pure", path=sysconfig.get_path("scripts"))


def program_found(kind: str) -> str | None:
    """The program that makes pictures in this format; graphviz-pure makes no PDF and no PostScript."""
    return system_dot() or (None if kind in NOT_PURE else pure_program())


def missing(kind: str) -> str:
    """What to do where no engine makes a format."""
    helps = "" if kind in NOT_PURE else " or graphviz-pure (pip install graphviz-pure)"
    return f"{kind.upper()} needs Graphviz's program dot{helps}; SVG needs nothing"


@contextmanager
def pointed_to(program: str | None) -> Iterator[bool]:
    """Let the graphviz package run that program inside; gives whether it is another one than dot."""
    from pathlib import Path

    from graphviz.backend import dot_command  # its one switch, for the whole process: put back afterwards

    if program is None or Path(program).stem.lower() == "dot":
        yield False
        return
    before = dot_command.DOT_BINARY
    dot_command.DOT_BINARY = Path(program)
    try:
        yield True
    finally:
        dot_command.DOT_BINARY = before
