"""Questions about arrays: are they close, equal, real; what shape, dtype and text do they have. None has a gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.operators import Operators
from ..core.table import implements
from .arithmetic import positive
from .creation import zeros_like
from .shape import value

__all__ = ["imag", "isclose", "isneginf", "isposinf", "real"]


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether |a - b| <= atol + rtol * |b|, for each element (NumPy's np.isclose)."""
    a, b = value(a), value(b)
    near = (a == b) | (np.isfinite(b) & (np.absolute(a - b) <= atol + rtol * np.absolute(b)))
    return near | (np.isnan(a) & np.isnan(b)) if equal_nan else near


@implements(np.isneginf)
def isneginf(x: Any) -> Any:
    """Whether an element is minus infinity (NumPy's np.isneginf)."""
    return value(x) == -np.inf


@implements(np.isposinf)
def isposinf(x: Any) -> Any:
    """Whether an element is plus infinity (NumPy's np.isposinf)."""
    return value(x) == np.inf


@implements(np.real, np.real_if_close)
def real(val: Any) -> Any:
    """The real part, which is all of it: what has a gradient is real (NumPy's np.real)."""
    return positive(val)


@implements(np.imag)
def imag(val: Any) -> Any:
    """Zeros: what has a gradient is real (NumPy's np.imag)."""
    return zeros_like(val)


# -- NumPy's own answers ----------------------------------------------------------------------------------------------


def as_is(function: Callable[..., Any], of: Callable[[Any], Any]) -> None:
    """NumPy's function answers, about what `of` makes of each Tensor or Symbol."""

    @implements(function)
    def front(*args: Any, **kwargs: Any) -> Any:
        return function(*(of(x) if isinstance(x, Operators) else x for x in args), **kwargs)


_function: Callable[..., Any]
for _function in (np.allclose, np.array_equal, np.array_equiv, np.array_repr, np.array_str, np.array2string):
    as_is(_function, lambda x: x.numpy())  # truth values and texts; of a Symbol, an error that says why not
for _function in (np.iscomplexobj, np.isrealobj, np.result_type, np.common_type):
    as_is(_function, lambda x: np.zeros(1, x.dtype))
for _function in (np.tril_indices_from, np.triu_indices_from, np.diag_indices_from):
    as_is(_function, lambda x: np.empty(x.shape, bool))
