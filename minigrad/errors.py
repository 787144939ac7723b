"""Every error minigrad raises on purpose, and the "did you mean" that goes with a misspelt name.

Each class is both a `MinigradError` and the builtin a Python user would expect to catch, so that
`except ValueError` keeps working and `except MinigradError` catches only what we meant to say.

>>> issubclass(ShapeError, ValueError) and issubclass(ShapeError, MinigradError)
True
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "CorruptFile",
    "DTypeError",
    "GradientError",
    "GraphError",
    "IdError",
    "LabelError",
    "MinigradError",
    "NonFiniteError",
    "ShapeError",
    "StorageError",
    "TracingError",
    "UnknownName",
    "UnsafeFile",
    "WeightsError",
    "did_you_mean",
    "unknown",
]


class MinigradError(Exception):
    """The base of all errors raised on purpose by minigrad."""


class ShapeError(MinigradError, ValueError):
    """Shapes that do not fit each other, or do not fit the layer, target or weight they were given to."""


class DTypeError(MinigradError, TypeError):
    """A dtype that cannot be used here, such as an integer tensor that is asked for a gradient."""


class IdError(MinigradError, ValueError):
    """Ids that are out of range, negative or not whole numbers."""


class LabelError(MinigradError, ValueError):
    """Class labels that are out of range."""


class GraphError(MinigradError, ValueError):
    """A graph that does not hold together: disconnected tensors, missing inputs, duplicate names."""


class GradientError(MinigradError, RuntimeError):
    """A gradient that cannot be computed, such as a second backward through a freed graph."""


class TracingError(MinigradError, TypeError):
    """A value was looked at in Python (`if`, `float`, iteration) while it was still symbolic."""


class UnknownName(MinigradError, ValueError):
    """A name that stands for nothing we know; the message says what it may have been meant to be."""


class NonFiniteError(MinigradError, ArithmeticError):
    """A NaN or an infinity appeared where it would have done silent harm."""


class CorruptFile(MinigradError, ValueError):
    """A file that is cut short, damaged or not in the format it claims."""


class StorageError(MinigradError, OSError):
    """A table's file that is in use elsewhere, or was closed."""


class WeightsError(MinigradError, ValueError):
    """Saved weights that do not fit the model: missing, extra, of another shape or of another dtype."""


class UnsafeFile(MinigradError, ValueError):
    """A file that asks for what no model file may: code, imports, foreign paths, absurd sizes."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return `" Did you mean 'adam'?"`, or `""` when nothing in `known` is close to `name`.

    >>> did_you_mean("adma", ["sgd", "adam"])
    " Did you mean 'adam'?"
    >>> did_you_mean("banana", ["sgd", "adam"])
    ''
    """
    from difflib import get_close_matches

    by_lower = {word.lower(): word for word in known}
    wanted = str(name).lower()
    close = get_close_matches(wanted, by_lower, n=3)
    close.sort(key=lambda word: sorted(word) != sorted(wanted))  # first what has the same letters: adma, adam
    return f" Did you mean {by_lower[close[0]]!r}?" if close else ""


def unknown(kind: str, name: object, known: Iterable[str]) -> UnknownName:
    """Build (not raise) the error for a `name` that is none of the `known` names of its `kind`.

    >>> unknown("optimizer", "adma", ["sgd", "adam"])
    UnknownName("Unknown optimizer 'adma'. Did you mean 'adam'? Known: adam, sgd.")
    """
    names = sorted(known)
    listed = f" Known: {', '.join(names)}." if names else ""
    return UnknownName(f"Unknown {kind} {name!r}.{did_you_mean(name, names)}{listed}")
