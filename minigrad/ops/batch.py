"""Reshaping within the batch: axis 0 stays, whatever its size."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..core.samples import Draw
from ..core.spec import Spec
from ..errors import ShapeError
from .shape import view


def target(shape: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes after axis 0, with a -1 worked out; ShapeError if the numbers of elements differ."""
    have, known = prod(shape[1:]), prod(n for n in wanted if n != -1)
    if -1 in wanted and known and have % known == 0:
        return tuple(have // known if n == -1 else n for n in wanted)
    if -1 in wanted or have != known:
        raise ShapeError(f"each row of the batch has {have} elements {shape[1:]}; they do not fit the shape {wanted}, "
                         + (f"{known} times a whole number" if -1 in wanted else f"which takes {known}"))
    return wanted


def reshape_each(x: np.ndarray, *, shape: tuple[int, ...]) -> np.ndarray:
    """Give each row of `x` another shape: the result is (len(x), *shape). One size may be -1, what is left.

    Unlike np.reshape it needs no size for the batch, so that an open axis besides it can be worked out.

    >>> reshape_each(np.zeros((2, 4, 3)), shape=(-1,)).shape
    (2, 12)
    """
    return x.reshape(x.shape[0], *target(x.shape, shape))


def rows_spec(x: Spec, *, shape: tuple[int, ...]) -> Spec:
    return Spec((x.shape[0], *target(x.shape, shape)), x.dtype)


def rows_samples(draw: Draw) -> Any:
    x = draw.array(draw.shape(1, 4))
    inner = x.shape[1:]
    return (x,), {"shape": draw.choice([(-1,), inner[::-1], (1, *inner), (-1, *inner[1:])])}


reshape_rows = view(reshape_each, name="reshape_rows", spec=rows_spec, samples=rows_samples,
                    vjp=lambda g, x_shape: g.reshape(x_shape))
