"""The two global settings that Keras has too: the default float type and the small constant.

Counterpart: `keras.config.floatx`, `keras.config.epsilon` and their setters, with the same meaning.
"""

from __future__ import annotations

import math

from .errors import unknown

__all__ = ["epsilon", "floatx", "set_epsilon", "set_floatx"]

_FLOATS = ("float16", "float32", "float64")

_floatx = "float32"
_epsilon = 1e-7


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
