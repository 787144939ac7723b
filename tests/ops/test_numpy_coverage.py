"""Every public function of NumPy, called on Tensors: it works, or says that it does not. Nothing detaches silently."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing.overrides import get_overridable_numpy_array_functions, get_overridable_numpy_ufuncs

from minigrad.core.table import FUNCTIONS, UFUNCS
from minigrad.core.tensor import Tensor

ALL_UFUNCS = sorted(get_overridable_numpy_ufuncs(), key=lambda f: f.__name__)
ALL_FUNCTIONS = sorted(get_overridable_numpy_array_functions(), key=lambda f: (f.__module__, f.__name__))
# What takes text is no ufunc of numpy itself.
NUMERIC = [f for f in ALL_UFUNCS if getattr(np, f.__name__, None) is f]


def tensors(count: int, shape: tuple[int, ...]) -> list[Tensor]:
    rng = np.random.default_rng(0)
    return [Tensor(rng.uniform(0.2, 0.9, shape), requires_grad=True) for _ in range(count)]


def leaves(result: Any) -> list:
    if isinstance(result, (list, tuple)):
        return [x for part in result for x in leaves(part)]
    return [result]


def attempt(function: Callable, *args: Any, says: str = "") -> None:
    """Call it: what it gives is no plain array of floats; it complains of its arguments, or by itself in words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = function(*args)
    except (TypeError, ValueError, IndexError) as error:
        if isinstance(error, TypeError) and says not in str(error):
            raise
    else:
        for x in leaves(result):
            assert not (isinstance(x, (np.ndarray, np.floating)) and x.dtype.kind == "f"), f"detached: {x!r}"


@pytest.mark.parametrize("ufunc", ALL_UFUNCS, ids=lambda f: f.__name__)
def test_ufunc_works_or_says_no(ufunc: np.ufunc) -> None:
    attempt(ufunc, *tensors(ufunc.nin, (2, 2)), says=ufunc.__name__)
    for method in ("reduce", "accumulate", "outer", "reduceat", "at"):
        if ufunc.nin == 2 and ufunc.nout == 1 and ufunc.signature is None:
            x, y = tensors(2, (2, 2))
            args = {"outer": (x, y), "reduceat": (x, [0]), "at": (x, 0, y)}.get(method, (x,))
            attempt(getattr(ufunc, method), *args, says=ufunc.__name__)


@pytest.mark.parametrize("function", [f for f in ALL_FUNCTIONS if f not in FUNCTIONS], ids=lambda f: f.__name__)
def test_function_without_a_row_says_so(function: Callable) -> None:
    (x,) = tensors(1, (3,))
    with pytest.raises(TypeError, match=f"{function.__name__} has no row"):  # as NumPy would ask, for any arguments
        x.__array_function__(function, (Tensor,), (x,), {})


@pytest.mark.parametrize("call", [np.unique, np.histogram, np.linalg.svd, np.fft.fft, lambda x: np.asarray(1, like=x)])
def test_numpy_does_ask(call: Callable) -> None:
    with pytest.raises(TypeError, match="has no row"):
        call(*tensors(1, (2, 2)))


def required(function: Callable) -> int:
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # some of NumPy 1.26 keep theirs to themselves
        return 1
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


@pytest.mark.parametrize("shape", [(3,), (2, 2)], ids=str)
@pytest.mark.parametrize("function", [f for f in ALL_FUNCTIONS if f in FUNCTIONS], ids=lambda f: f.__name__)
def test_function_with_a_row_gives_tensors(function: Callable, shape: tuple[int, ...]) -> None:
    n = required(function)
    for others in (tensors(n, shape)[1:], [0] * (n - 1), [1] * (n - 1)):
        attempt(function, *tensors(1, shape), *others)


def test_how_many_there_are() -> None:
    """R9 of the targets: of the ufuncs all those on numbers, of the functions at least 120."""
    assert {f.__name__ for f in NUMERIC if f not in UFUNCS} == {"isnat"}  # for dates
    assert len(NUMERIC) >= 85
    assert sum(f in FUNCTIONS for f in ALL_FUNCTIONS) >= 120


UNKNOWN = [
    (lambda x: np.sum(x, where=np.array([True, False, True])), "np.sum with where="),
    (lambda x: np.add.reduce(x, initial=2.0), "np.add.reduce with initial="),
    (lambda x: np.sum(x, out=np.zeros(())), "immutable: use the result"),
    (lambda x: np.stack([x, x], dtype=np.float64), "np.stack with dtype=.*take arrays, axis"),
    (lambda x: np.linalg.norm(x, foo=1), "foo"),
]


@pytest.mark.parametrize(("call", "message"), UNKNOWN, ids=[m for _, m in UNKNOWN])
def test_argument_that_has_no_counterpart(call: Callable, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call(*tensors(1, (3,)))


def test_arguments_that_are_not_set_do_no_harm() -> None:
    (x,) = tensors(1, (3,))
    np.testing.assert_array_equal(np.sum(x, out=None, keepdims=np._NoValue).numpy(), x.numpy().sum())
    np.testing.assert_array_equal(np.sort(x, order=None).numpy(), np.sort(x.numpy()))


def test_outer_of_a_ufunc() -> None:
    x, y = tensors(1, (3,)) + tensors(1, (2, 2))
    got = np.subtract.outer(x, y)
    np.testing.assert_array_equal(got.numpy(), np.subtract.outer(x.numpy(), y.numpy()))
    assert got.requires_grad
