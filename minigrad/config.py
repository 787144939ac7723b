"""The global settings: the default float type, the small constant, and whether programs are compiled.

Counterpart: `keras.config.floatx`, `keras.config.epsilon` and their setters, with the same meaning. In Keras,
`jit_compile` is an argument of `compile` alone; here its default can be set too.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from .errors import unknown

__all__ = ["epsilon", "floatx", "jit_compile", "set_epsilon", "set_floatx", "set_jit_compile"]

_FLOATS = ("float16", "float32", "float64")

_floatx = "float32"
_epsilon = 1e-7
_jit_compile: bool | str = "auto"


def floatx() -> str:
    """Return the dtype name new weights and inputs get when none is given: `'float32'` unless changed.

    >>> floatx()
    'float32'
    """
    return _floatx


def set_floatx(value: str) -> None:
    """Set the default float dtype to `'float16'`, `'float32'` or `'float64'`.

    Existing weights and models keep theirs. Any other value is an `UnknownName`.
    """
    global _floatx
    if value not in _FLOATS:
        raise unknown("floatx", value, _FLOATS)
    _floatx = str(value)


def epsilon() -> float:
    """Return the small constant that keeps divisions and logarithms finite: 1e-7 unless changed.

    >>> epsilon()
    1e-07
    """
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the small constant. It must be a finite, positive number."""
    global _epsilon
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"epsilon must be a finite number above zero, got {value!r}.")
    _epsilon = number


def jit_compile() -> bool | str:
    """Return what `compile(jit_compile=...)` means when it is left out: `'auto'` unless changed.

    >>> jit_compile() in ("auto", True, False)
    True
    """
    return _jit_compile


def set_jit_compile(value: bool | str) -> None:
    """Set whether the programs of models are fused into loops and compiled with Numba.

    `'auto'`: where Numba is installed. True: an ImportError if it is not. False: plain NumPy. It holds for all models
    that were not told otherwise by `compile(jit_compile=...)`, from their next step on.
    """
    global _jit_compile
    _jit_compile = checked_jit_compile(value)


def checked_jit_compile(value: Any) -> bool | str:
    """The value, if it is one that `jit_compile` can have; ValueError, or ImportError for True without Numba."""
    if value == "auto":
        return "auto"
    if not (value is True or value is False):
        raise ValueError(f"jit_compile must be 'auto', True or False, got {value!r}.")
    if value and not has_numba():
        raise ImportError(
            "jit_compile=True needs Numba, which is not installed: install the numba package, or say "
            "jit_compile='auto', which uses it where it is."
        )
    return value


def has_numba() -> bool:
    """Whether Numba is there to be imported. (None among the modules makes it unimportable.)"""
    from importlib.util import find_spec

    return sys.modules.get("numba", True) is not None and find_spec("numba") is not None


def snapshot() -> tuple[str, float, bool | str]:
    """All settings, for what is kept under them."""
    return _floatx, _epsilon, _jit_compile
