"""A "did you mean" for a misspelt argument of a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from ..errors import unknown

P = ParamSpec("P")
R = TypeVar("R")


def spelled(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: an argument that the function does not have is a TypeError that says which one was meant.

    >>> @spelled
    ... def fit(epochs=1): ...
    >>> fit(epoch=2)
    Traceback (most recent call last):
    TypeError: Unknown argument of fit() 'epoch'. Did you mean 'epochs'? Known: epochs.
    """
    names = [name for name in inspect.signature(function).parameters if name != "self"]

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in names:
                raise TypeError(str(unknown(f"argument of {function.__name__}()", name, names)))
        return function(*args, **kwargs)

    return checked
