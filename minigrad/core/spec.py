"""A spec is what is known of an array before it exists: its shape and its dtype."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import ShapeError

Shape = tuple[int, ...]


class Spec(NamedTuple):
    """Shape and dtype of a value. The dtype of a Python scalar is its type: it stays weak, as in NEP 50."""

    shape: Shape
    dtype: Any

    @property
    def ndim(self) -> int:
        return len(self.shape)


def spec_of(value: Any) -> Spec:
    """The spec of an array, a Tensor or a Python scalar.

    >>> spec_of(2.0)
    Spec(shape=(), dtype=<class 'float'>)
    >>> spec_of(np.zeros((2, 3), np.float32))
    Spec(shape=(2, 3), dtype=dtype('float32'))
    """
    if type(value) in (float, int):
        return Spec((), type(value))
    if not hasattr(value, "dtype"):
        value = np.asarray(value)
    return Spec(tuple(value.shape), value.dtype)


def broadcast(*shapes: Shape) -> Shape:
    """The shape that NumPy's broadcasting gives; a ShapeError names the shapes that do not fit together.

    >>> broadcast((2, 1, 3), (4, 1))
    (2, 4, 3)
    """
    ndim = max((len(s) for s in shapes), default=0)
    out = [1] * ndim
    for shape in shapes:
        for axis, n in enumerate(shape, ndim - len(shape)):
            if n != 1:
                if out[axis] not in (1, n):
                    listed = " and ".join(str(s) for s in shapes)
                    raise ShapeError(
                        f"shapes {listed} do not broadcast together: axis {axis - ndim} has sizes "
                        f"{out[axis]} and {n}; they must be equal, or one of them 1"
                    )
                out[axis] = n
    return tuple(out)


def result_dtype(*dtypes: Any) -> np.dtype:
    """NumPy's common dtype of several, with Python scalars weak.

    >>> result_dtype(np.dtype(np.float32), float)
    dtype('float32')
    """
    if len(dtypes) == 1:
        return np.dtype(dtypes[0])
    out = dtypes[0]
    for other in dtypes[1:]:
        out = np.add.resolve_dtypes((out, other, None))[2]
    return np.dtype(out)


def normal_axis(axis: int, ndim: int, name: str = "axis") -> int:
    """A negative axis counted from the front; a ShapeError if there is no such axis.

    >>> normal_axis(-1, 3)
    2
    """
    if not ndim:
        raise ShapeError(f"{name}={axis}, but the value is a single number, without axes")
    if not -ndim <= axis < ndim:
        raise ShapeError(
            f"{name}={axis} is out of range: the value has {ndim} axes, so {name} must lie between "
            f"{-ndim} and {ndim - 1}"
        )
    return int(axis) % ndim


def normal_axes(axis: int | tuple[int, ...] | None, ndim: int) -> tuple[int, ...]:
    """Axes as a sorted tuple counted from the front; None means all of them.

    >>> normal_axes((-1, 0), 3), normal_axes(None, 2)
    ((0, 2), (0, 1))
    """
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    out = tuple(sorted(normal_axis(a, ndim) for a in axes))
    if len(set(out)) != len(out):
        raise ShapeError(f"axis={axis} names an axis twice")
    return out
