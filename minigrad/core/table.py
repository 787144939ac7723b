"""The op table: every row by name, and the NumPy functions that it answers to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from .op import Op

ROWS: dict[str, Op] = {}
UFUNCS: dict[Any, Callable[..., Any]] = {}
REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {}  # what np.add.reduce and its kin mean
ACCUMULATIONS: dict[np.ufunc, Callable[..., Any]] = {}  # what np.add.accumulate and its kin mean
FUNCTIONS: dict[Any, Callable[..., Any]] = {}  # by function; by name where NumPy has a method only

Front = TypeVar("Front", bound=Callable[..., Any])


def implements(*functions: Any) -> Callable[[Front], Front]:
    """Decorator: this function answers when those NumPy functions are called on Tensors or Symbols."""

    def register(front: Front) -> Front:
        for function in functions:
            (UFUNCS if isinstance(function, np.ufunc) else FUNCTIONS)[function] = front
        return front

    return register


def absent(name: str) -> TypeError:
    return TypeError(
        f"{name} has no row in minigrad's op table, so it cannot be used on a Tensor or a Symbol (it would drop the "
        f"gradient). Compose it from functions that have one (minigrad.ops), add a row of your own "
        f"(minigrad.ops.Op), or, if no gradient is wanted, call it on tensor.numpy()"
    )
