"""Loops as plain Python text, compiled by Numba once on a machine and kept on the disk.

`compiled(text, name)` gives a function of NumPy arrays and numbers. Numba is imported with the first one. Each text is
a file in the folder "kernels" of MINIGRAD_CACHE_DIR, or of the user's folder for caches, and Numba keeps its machine
code beside it. These files can be deleted at any time.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np

from .. import config


@cache
def available(must: bool = False) -> bool:
    """Whether Numba is installed and can be imported. If only the first, that is an error (`must`) or a warning."""
    if not must and not config.has_numba():
        return False
    try:
        import numba  # noqa: F401
    except Exception as error:  # mostly that it does not know this NumPy yet
        if must:
            raise
        warn_once(f"programs run as plain NumPy, without compiled loops, for Numba cannot be imported: {error}")
        return False
    return True


@cache
def compiled(text: str, name: str) -> Callable[..., Any]:
    """The function `name` that `text` defines, as machine code for whatever dtypes and ranks come.

    text: plain functions of arrays and numbers, within what Numba compiles without Python. They know `np` and nothing
    else, write to arrays that they are given, and make none.

    >>> compiled("def double(x):\\n    for i in range(x.size):\\n        x[i] *= 2\\n", "double")  # doctest: +SKIP
    """
    import numba

    path = stored(f"{name}-{sha256(text.encode()).hexdigest()[:24]}.py", text)
    namespace: dict[str, Any] = {"np": np, "__name__": __name__}
    exec(compile(text, path or f"<kernel {name}>", "exec"), namespace)  # noqa: S102 (every word of it is ours)
    return numba.njit(cache=path is not None, error_model="numpy", nogil=True)(namespace[name])


def stored(name: str, text: str) -> str | None:
    """The path of a file with that text; None where none can be kept, after one warning."""
    from ..saving.atomic import atomic_write  # late: who saves looks at that room, and nobody else

    path = os.path.join(folder(), name)
    try:
        os.makedirs(folder(), 0o700, exist_ok=True)
        check_private(folder())
        if not os.path.exists(path):
            with atomic_write(path) as file:
                file.write(text.encode())
        return path
    except OSError as error:
        warn_once(
            f"compiled kernels cannot be kept in {folder()} ({error}), so each process compiles them again: name a "
            "folder of your own in the environment variable MINIGRAD_CACHE_DIR"
        )
        return None


@cache
def warn_once(message: str) -> None:
    warnings.warn(message, stacklevel=4)


def folder() -> str:
    """Where the kernels lie."""
    above = os.environ.get("MINIGRAD_CACHE_DIR")
    if not above:
        home = os.path.expanduser("~")
        if sys.platform == "win32":
            base = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
        elif sys.platform == "darwin":
            base = os.path.join(home, "Library", "Caches")
        else:
            base = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
        above = os.path.join(base, "minigrad")
    return os.path.join(above, "kernels")


def check_private(path: str) -> None:
    """PermissionError if another user owns the folder or may write to it: there is code in it."""
    if os.name == "posix":
        status = os.stat(path)
        if status.st_uid != os.getuid() or status.st_mode & 0o022:
            raise PermissionError("other users can write to it")
