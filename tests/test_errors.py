"""The error family: what may be caught as what, and the help for a misspelt name."""

from __future__ import annotations

import pytest

from minigrad import errors

BUILTINS = {
    "ShapeError": ValueError,
    "DTypeError": TypeError,
    "IdError": ValueError,
    "LabelError": ValueError,
    "GraphError": ValueError,
    "GradientError": RuntimeError,
    "TracingError": TypeError,
    "UnknownName": ValueError,
    "NonFiniteError": ArithmeticError,
    "CorruptFile": ValueError,
    "StorageError": OSError,
    "UnsafeFile": ValueError,
    "WeightsError": ValueError,
}


def test_every_error_is_listed_here():
    ours = {n for n in errors.__all__ if isinstance(getattr(errors, n), type)} - {"MinigradError"}
    assert ours == set(BUILTINS)


@pytest.mark.parametrize("name", BUILTINS)
def test_each_is_ours_and_a_builtin(name):
    kind = getattr(errors, name)
    assert issubclass(kind, errors.MinigradError)
    assert issubclass(kind, BUILTINS[name])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("adma", " Did you mean 'adam'?"),
        ("ADAM", " Did you mean 'adam'?"),
        ("rmsprop", " Did you mean 'RMSprop'?"),
        ("zzzzzz", ""),
        (None, ""),
    ],
)
def test_did_you_mean(name, hint):
    assert errors.did_you_mean(name, ["sgd", "adam", "RMSprop"]) == hint


def test_unknown_names_the_kind_the_name_and_what_there_is():
    error = errors.unknown("loss", "msee", {"mse": 1, "mae": 2})
    assert str(error) == "Unknown loss 'msee'. Did you mean 'mse'? Known: mae, mse."


def test_unknown_without_anything_known():
    assert str(errors.unknown("loss", "msee", [])) == "Unknown loss 'msee'."
