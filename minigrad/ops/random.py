"""Random numbers as ops: each call draws the next ones of a layer's own stream."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from ..core.op import Op
from ..core.samples import Draw
from ..core.spec import Spec
from ..errors import DTypeError, ShapeError

NoiseShape = tuple[int | None, ...] | None


class Source(Protocol):
    """Where the numbers come from: a `minigrad.random.Stream`, or what has its `generator`."""

    @property
    def generator(self) -> np.random.Generator: ...


def draw_mask(x: np.ndarray, *, rate: float, stream: Source, noise_shape: NoiseShape = None,
              out: np.ndarray | None = None) -> np.ndarray:
    """0 with probability `rate`, else 1 / (1 - rate): what dropout multiplies `x` by, so that its mean stays.

    Of x's shape and dtype; with noise_shape, of that shape, where None stands for x's own size of that axis.
    (Srivastava et al., 2014.)

    >>> import minigrad as mg
    >>> draw_mask(np.zeros((2, 3), np.float32), rate=0.5, stream=mg.random.Stream(1), noise_shape=(None, 1))
    array([[0.],
           [2.]], dtype=float32)
    """
    if out is None:
        out = np.empty(mask_shape(x.shape, noise_shape), x.dtype)
    if out.dtype in (np.float32, np.float64) and out.flags.c_contiguous:
        stream.generator.random(out=out, dtype=out.dtype)
        np.greater_equal(out, rate, out=out)
    else:
        np.greater_equal(stream.generator.random(out.shape, np.float32), rate, out=out)
    return np.multiply(out, 1 / (1 - rate) if rate < 1 else 0, out=out)


def mask_shape(shape: tuple[int, ...], noise_shape: NoiseShape) -> tuple[int, ...]:
    """The shape of the mask, checked: it must broadcast to x's."""
    if noise_shape is None:
        return shape
    if len(noise_shape) != len(shape) or any(n not in (None, 1, m) for n, m in zip(noise_shape, shape)):
        raise ShapeError(f"noise_shape={noise_shape} does not fit the input's shape {shape}: it needs {len(shape)} "
                         "sizes, each 1 (one draw for the whole axis), the input's own, or None for that")
    return tuple(m if n is None else n for n, m in zip(noise_shape, shape))


def mask_spec(x: Spec, *, rate: float, stream: Source, noise_shape: NoiseShape = None) -> Spec:
    if np.dtype(x.dtype).kind != "f":
        raise DTypeError(f"dropout needs floats, got dtype {x.dtype}")
    return Spec(mask_shape(x.shape, noise_shape), x.dtype)


class Repeating:
    """A source that starts again at each use, so that tests can compare two calls."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    @property
    def generator(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)


def mask_samples(draw: Draw) -> Any:
    x = draw.array(draw.shape())
    noise_shape = tuple(draw.choice([None, 1]) for _ in x.shape) if draw.flag() else None
    stream = Repeating(draw.integer(0, 99))
    return (x,), {"rate": draw.integer(0, 10) / 10, "stream": stream, "noise_shape": noise_shape}


dropout_mask = Op(draw_mask, spec=mask_spec, name="dropout_mask", kind="random", samples=mask_samples)
