"""Layers that make one tensor of several."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import index
from typing import Any

import numpy as np

from .. import config
from ..core.spec import normal_axis
from ..errors import ShapeError
from .common import Shape, as_float
from .layer import Layer, registry


class Merge(Layer):
    """Base of the elementwise merging layers: a list of tensors, broadcast together, becomes one.

    An axis of size 1 is repeated to fit the others. An input with fewer axes gets new ones behind the batch.
    """

    def call(self, inputs: Any) -> Any:
        want_list(self, inputs)
        shapes = [x.shape for x in inputs]
        check_batch(shapes)
        ndim = max(map(len, shapes))
        for axis in range(1, ndim):
            sizes = {s[axis - ndim] for s in shapes if len(s) - 1 >= ndim - axis} - {1, None}
            if len(sizes) > 1:
                raise ShapeError(
                    f"the inputs have the shapes {listed(shapes)}; along axis {axis - ndim} the sizes are "
                    f"{listed(sorted(sizes))}, but must be equal, or 1 to be repeated"
                )
        aligned = [x if len(x.shape) == ndim else behind_batch(x, ndim) for x in inputs]
        return self.merge(of_one_kind(aligned, self.dtype))

    def merge(self, inputs: Sequence[Any]) -> Any:
        """One tensor of several, all of the same number of axes."""
        raise NotImplementedError(f"{type(self).__name__} needs a merge(self, inputs)")


@registry.register()
class Add(Merge):
    """The sum of a list of tensors. Keras counterpart: keras.layers.Add.

    >>> Add()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])]).numpy()
    array([[11., 22.]], dtype=float32)
    """

    def merge(self, inputs: Sequence[Any]) -> Any:
        return reduce(np.add, inputs)


@registry.register()
class Subtract(Merge):
    """The first tensor less the second; takes two. Keras counterpart: keras.layers.Subtract."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        want_two(self, inputs)
        return inputs[0] - inputs[1]


@registry.register()
class Multiply(Merge):
    """The product of a list of tensors, element by element. Keras counterpart: keras.layers.Multiply."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        return reduce(np.multiply, inputs)


@registry.register()
class Average(Merge):
    """The mean of a list of tensors. Keras counterpart: keras.layers.Average."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        return as_float(reduce(np.add, inputs), self.dtype) / len(inputs)


@registry.register()
class Maximum(Merge):
    """The larger of each element of a list of tensors. Keras counterpart: keras.layers.Maximum."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        return reduce(np.maximum, inputs)


@registry.register()
class Minimum(Merge):
    """The smaller of each element of a list of tensors. Keras counterpart: keras.layers.Minimum."""

    def merge(self, inputs: Sequence[Any]) -> Any:
        return reduce(np.minimum, inputs)


@registry.register()
class Concatenate(Layer):
    """A list of tensors, one behind the other along `axis`; all other sizes must match.

    Keras counterpart: keras.layers.Concatenate.

    >>> import minigrad as mg
    >>> Concatenate()([mg.Input((2,)), mg.Input((3,))]).shape
    (None, 5)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = index(axis)

    def call(self, inputs: Any) -> Any:
        want_list(self, inputs)
        shapes = [x.shape for x in inputs]
        first = shapes[0]
        axis = normal_axis(self.axis, len(first))
        for shape in shapes:
            if len(shape) != len(first) or any(
                n != m for i, (n, m) in enumerate(zip(shape, first)) if i != axis and None not in (n, m)
            ):
                raise ShapeError(
                    f"the inputs have the shapes {listed(shapes)}; all sizes but those along "
                    f"axis={self.axis} must be equal"
                )
        return np.concatenate(of_one_kind(inputs, self.dtype), axis=axis)


@registry.register()
class Dot(Layer):
    """The dot product of two tensors along one axis of each, for each row of the batch.

    axes: that axis of both, or a pair; axis 0 is the batch. normalize: scale both to length 1 along it first,
    which makes the result the cosine of their angle. (batch, a, k) and (batch, b, k) with axes=2 -> (batch,
    a, b); two of (batch, k) with axes=1 -> (batch, 1). Keras counterpart: keras.layers.Dot.

    >>> Dot(axes=1)([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).numpy()
    array([[11.]], dtype=float32)
    """

    def __init__(self, axes: int | tuple[int, int] | list[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = axes if isinstance(axes, (list, tuple)) else [axes, axes]
        if len(pair) != 2 or not all(isinstance(a, int) for a in pair):
            raise TypeError(f"Dot: axes={axes!r}; expected a whole number, or two, one for each input")
        self.axes = tuple(axes) if isinstance(axes, list) else axes
        self.normalize = bool(normalize)

    def call(self, inputs: Any) -> Any:
        want_list(self, inputs)
        want_two(self, inputs)
        shapes = [x.shape for x in inputs]
        check_batch(shapes)
        pair = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        axes = [normal_axis(a, len(s), "axes") for a, s in zip(pair, shapes)]
        if 0 in axes:
            raise ShapeError(f"axes={self.axes} names axis 0 of an input, the batch; count the others from 1")
        n, m = (s[a] for s, a in zip(shapes, axes))
        if n != m and None not in (n, m):
            raise ShapeError(
                f"the inputs have the shapes {listed(shapes)}; along axes={self.axes} the sizes are {n} "
                f"and {m}, but must be equal"
            )
        x, y = (unit(x, a) if self.normalize else x for x, a in zip(of_one_kind(inputs, self.dtype), axes))
        if len(x.shape) == len(y.shape) == 2:
            return np.sum(x * y, axis=1, keepdims=True)
        return np.einsum(subscripts(len(x.shape), len(y.shape), *axes), x, y, optimize=True)


def subscripts(ndim: int, other_ndim: int, axis: int, other_axis: int) -> str:
    """einsum's text for a dot product within the batch, `a`, along the axis `z`.

    >>> subscripts(3, 2, 2, 1)
    'abz,az->ab'
    """
    letters = iter("bcdefghijklmnopqrstuvwxy")
    x, y = (
        ["a", *("z" if i == summed else next(letters) for i in range(1, n))]
        for n, summed in ((ndim, axis), (other_ndim, other_axis))
    )
    out = [c for c in x + y[1:] if c != "z"]
    return f"{''.join(x)},{''.join(y)}->{''.join(out)}"


def unit(x: Any, axis: int) -> Any:
    """`x` scaled to length 1 along an axis; what is shorter than epsilon stays short."""
    squares = np.sum(x * x, axis=axis, keepdims=True)
    return x / np.sqrt(np.maximum(squares, config.epsilon() ** 2))


def of_one_kind(inputs: Sequence[Any], dtype: np.dtype) -> list[Any]:
    """Integers among floats become floats of the layer's dtype; NumPy would widen all to float64."""
    mixed = any(x.dtype.kind == "f" for x in inputs)
    return [as_float(x, dtype) for x in inputs] if mixed else list(inputs)


def behind_batch(x: Any, ndim: int) -> Any:
    """New axes of size 1 behind the batch, up to ndim."""
    return x[(slice(None), *[None] * (ndim - len(x.shape)))]


def want_list(layer: Layer, inputs: Any) -> None:
    if not isinstance(inputs, (list, tuple)) or not inputs:
        got = "an empty one" if isinstance(inputs, (list, tuple)) else type(inputs).__name__
        raise ShapeError(f"expected a list of tensors, as in {type(layer).__name__}()([x, y]), got {got}")


def want_two(layer: Layer, inputs: Sequence[Any]) -> None:
    if len(inputs) != 2:
        raise ShapeError(f"{type(layer).__name__} takes exactly two inputs, got {len(inputs)}")


def check_batch(shapes: list[Shape]) -> None:
    """ShapeError unless all have a batch axis, of the same size where that is known."""
    if not all(shapes):
        raise ShapeError(f"the inputs have the shapes {listed(shapes)}; each needs a batch axis")
    if len({s[0] for s in shapes} - {None}) > 1:
        raise ShapeError(f"the inputs have the shapes {listed(shapes)}; the batch, axis 0, must be the same")


def listed(things: Sequence[Any]) -> str:
    return " and ".join(map(str, things))
