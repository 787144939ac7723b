"""How weights begin: Keras's initializers, with its names, defaults and rules.

An initializer is called with a shape and a dtype and returns an array. One without a seed draws new numbers
at each call (they follow from the global seed, see `minigrad.random`); one with a seed returns the same
numbers for the same shape, whenever it is called.

>>> Constant(2.0)((2, 3))
array([[2., 2., 2.],
       [2., 2., 2.]], dtype=float32)
>>> get("he_normal").get_config()
{'seed': None}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from operator import index
from typing import Any, TypeVar

import numpy as np

from . import config
from .errors import DTypeError, ShapeError, UnknownName, unknown
from .random import Stream, check_seed
from .registry import Registry, construct

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "deserialize",
    "fill",
    "get",
    "serialize",
]

_TRUNCATED_STDDEV = 0.87962566103423978  # of the standard normal cut off at -2 and 2
_PIECE = 1 << 18  # how many numbers are drawn at a time

Shape = tuple[int, ...]
Self = TypeVar("Self", bound="Initializer")


class Initializer:
    """The contract: `__call__(shape, dtype=None)` returns an array; `get_config` the arguments.

    The dtype is `config.floatx()` where none is given.
    """

    def __call__(self, shape: Shape, dtype: Any = None) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} needs a __call__(shape, dtype=None).")

    def _write(self, out: np.ndarray) -> None:
        """Write the values into an array; see `fill`."""
        out[...] = self(out.shape, out.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, as JSON can hold them."""
        return {}

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        """Return an initializer with the arguments in `config`; an unknown one is an error."""
        return construct(cls, config)


_registry: Registry[Initializer] = Registry("initializer", Initializer, callables=True)


@_registry.register("zeros", "zero")
class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape: Shape, dtype: Any = None) -> np.ndarray:
        return np.zeros(_shape(shape), _dtype(dtype))

    def _write(self, out: np.ndarray) -> None:
        out.fill(0)


@_registry.register("ones", "one")
class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: Shape, dtype: Any = None) -> np.ndarray:
        return np.ones(_shape(shape), _dtype(dtype))

    def _write(self, out: np.ndarray) -> None:
        out.fill(1)


@_registry.register()
class Constant(Initializer):
    """One value everywhere, or the values of an array that has the weight's shape (pretrained vectors)."""

    def __init__(self, value: Any = 0.0) -> None:
        self.value = np.asarray(value)
        if self.value.dtype.kind not in "biuf":
            raise DTypeError(f"Constant needs a number or an array of numbers, got {value!r:.60}.")

    def __call__(self, shape: Shape, dtype: Any = None) -> np.ndarray:
        out = np.empty(_shape(shape), _dtype(dtype))
        self._write(out)
        return out

    def _write(self, out: np.ndarray) -> None:
        if self.value.ndim and self.value.shape != out.shape:
            raise ShapeError(f"Constant holds an array of shape {self.value.shape}, the weight's is {out.shape}.")
        np.copyto(out, self.value, "unsafe")

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value.tolist()}


@_registry.register()
class Identity(Initializer):
    """`gain` times the identity matrix; for weights of rank 2, square or not."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = float(gain)

    def __call__(self, shape: Shape, dtype: Any = None) -> np.ndarray:
        shape = _shape(shape)
        if len(shape) != 2:
            raise ShapeError(f"Identity makes matrices, it cannot fill a weight of shape {shape}.")
        return (self.gain * np.eye(*shape)).astype(_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


class _Random(Initializer):
    """What draws: a seed, and the rule that only floats are drawn."""

    seed: int | None

    def __call__(self, shape: Shape, dtype: Any = None) -> np.ndarray:
        out = np.empty(_shape(shape), _dtype(dtype))
        self._write(out)
        return out

    def _write(self, out: np.ndarray) -> None:
        if out.dtype.kind != "f":
            raise DTypeError(f"{type(self).__name__} draws floats, it cannot fill a weight of dtype {out.dtype}.")
        self._draw(out, Stream(self.seed).generator)

    def _draw(self, out: np.ndarray, random: np.random.Generator) -> None:
        raise NotImplementedError


@_registry.register("random_normal", "normal")
class RandomNormal(_Random):
    """The normal distribution."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev, self.seed = float(mean), float(stddev), check_seed(seed)

    def _draw(self, out: np.ndarray, random: np.random.Generator) -> None:
        _fill(out, lambda n: random.normal(self.mean, self.stddev, n))

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


@_registry.register()
class TruncatedNormal(RandomNormal):
    """The normal distribution without what lies more than two standard deviations from the mean."""

    def _draw(self, out: np.ndarray, random: np.random.Generator) -> None:
        _fill(out, lambda n: self.mean + self.stddev * _truncated(n, random))


@_registry.register("random_uniform", "uniform")
class RandomUniform(_Random):
    """The uniform distribution over [minval, maxval); what Embedding begins with is that over [-0.05, 0.05)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        self.minval, self.maxval, self.seed = float(minval), float(maxval), check_seed(seed)
        if self.minval > self.maxval:
            raise ValueError(f"RandomUniform needs minval <= maxval, got {minval} and {maxval}.")

    def _draw(self, out: np.ndarray, random: np.random.Generator) -> None:
        _fill(out, lambda n: random.uniform(self.minval, self.maxval, n))

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


@_registry.register()
class VarianceScaling(_Random):
    """Numbers of variance `scale / fan`, so that signals keep their size from layer to layer.

    Args:
        scale: a number above zero.
        mode: `'fan_in'`, `'fan_out'` or `'fan_avg'` (their mean); a kernel of shape
            (..., m, n), with p the product of the dots, has the fans m * p and n * p.
        distribution: `'truncated_normal'` (or `'normal'`, the same), `'untruncated_normal'` or
            `'uniform'`.
        seed: None or a whole number from 0.
    """

    MODES = ("fan_in", "fan_out", "fan_avg")
    DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        if not scale > 0:
            raise ValueError(f"The scale of {type(self).__name__} must be above zero, got {scale}.")
        distribution = {"normal": "truncated_normal"}.get(distribution, distribution)
        if mode not in self.MODES:
            raise unknown("mode", mode, self.MODES)
        if distribution not in self.DISTRIBUTIONS:
            raise unknown("distribution", distribution, self.DISTRIBUTIONS)
        self.scale, self.seed = float(scale), check_seed(seed)
        self.mode, self.distribution = mode, distribution

    def _draw(self, out: np.ndarray, random: np.random.Generator) -> None:
        fan_in, fan_out = _fans(out.shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, fan))
        if self.distribution == "uniform":
            limit = math.sqrt(3.0) * stddev
            _fill(out, lambda n: random.uniform(-limit, limit, n))
        elif self.distribution == "untruncated_normal":
            _fill(out, lambda n: random.normal(0.0, stddev, n))
        else:
            _fill(out, lambda n: stddev / _TRUNCATED_STDDEV * _truncated(n, random))

    def get_config(self) -> dict[str, Any]:
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "seed": self.seed,
        }


class _Seeded(VarianceScaling):
    """A `VarianceScaling` of which only the seed is left to choose."""

    SCALE, MODE, DISTRIBUTION = 1.0, "fan_in", "truncated_normal"

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(self.SCALE, self.MODE, self.DISTRIBUTION, seed)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}


@_registry.register()
class GlorotNormal(_Seeded):
    """Truncated normal of variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""

    MODE = "fan_avg"


@_registry.register()
class GlorotUniform(_Seeded):
    """Uniform of variance 2 / (fan_in + fan_out), so within the square root of three times that (Glorot, Bengio, 2010).

    What Dense and add_weight begin with. Keras counterpart: keras.initializers.GlorotUniform.

    >>> bool(np.absolute(GlorotUniform()((20, 4))).max() <= (6 / 24) ** 0.5)
    True
    """

    MODE, DISTRIBUTION = "fan_avg", "uniform"


@_registry.register()
class HeNormal(_Seeded):
    """Truncated normal of variance 2 / fan_in (He et al., 2015)."""

    SCALE = 2.0


@_registry.register()
class HeUniform(_Seeded):
    """Uniform of variance 2 / fan_in, so within sqrt(6 / fan_in) (He et al., 2015)."""

    SCALE, DISTRIBUTION = 2.0, "uniform"


@_registry.register()
class LecunNormal(_Seeded):
    """Truncated normal of variance 1 / fan_in (LeCun et al., 1998)."""


@_registry.register()
class LecunUniform(_Seeded):
    """Uniform of variance 1 / fan_in, so within sqrt(3 / fan_in) (LeCun et al., 1998)."""

    DISTRIBUTION = "uniform"


@_registry.register()
class Orthogonal(_Random):
    """`gain` times a random matrix whose rows or columns are orthonormal (Saxe et al., 2014).

    A weight of more than two dimensions is seen as a matrix of its last dimension against all others.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        self.gain, self.seed = float(gain), check_seed(seed)

    def _draw(self, out: np.ndarray, random: np.random.Generator) -> None:
        if out.ndim < 2:
            raise ShapeError(f"Orthogonal makes matrices, it cannot fill a weight of shape {out.shape}.")
        rows, columns = math.prod(out.shape[:-1]), out.shape[-1]
        q, r = np.linalg.qr(random.standard_normal((max(rows, columns), min(rows, columns))))
        q *= np.where(np.diag(r) < 0, -1.0, 1.0)  # makes the distribution uniform
        out[...] = (self.gain * (q if rows >= columns else q.T)).reshape(out.shape)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, "seed": self.seed}


def get(identifier: Any) -> Any:
    """Return the initializer that a name, config, class, instance or callable stands for; None stays None.

    >>> get("uniform").maxval, get({"class_name": "Constant", "config": {"value": 3}}).value
    (0.05, array(3))
    """
    if isinstance(identifier, np.ndarray):
        raise UnknownName("An array is no initializer. To begin with its values, use Constant(array).")
    return None if identifier is None else _registry.get(identifier)


def fill(initializer: Callable, out: np.ndarray) -> None:
    """Write an initializer's values, those that a call would return, into an array that lies in one piece.

    The initializers of this module, but for Orthogonal and Identity, make no second array for it, so that a table as
    large as the memory, or in a larger file, can be filled.

    >>> array = np.empty((2, 3), np.float32)
    >>> fill(Constant(2.0), array)
    >>> array
    array([[2., 2., 2.],
           [2., 2., 2.]], dtype=float32)
    """
    if type(initializer).__module__ == __name__:
        initializer._write(out)  # type: ignore[attr-defined]
    else:  # a function, or a class of the user's, of which only the call is known
        values = np.asarray(initializer(out.shape, dtype=out.dtype))
        if values.shape != out.shape:
            raise ShapeError(f"The initializer {initializer!r:.80} gave shape {values.shape}, expected {out.shape}.")
        out[...] = values


def serialize(initializer: Any) -> Any:
    """Return `{'class_name': ..., 'config': {...}}` of an initializer, or the name of a function."""
    return _registry.serialize(initializer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the initializer that `serialize` described; `custom_objects` adds the caller's own names."""
    return _registry.deserialize(config, custom_objects)


# Keras 2's second spelling of the classes, as in `initializers.he_normal(seed=1)`.
zeros, ones, constant, identity = Zeros, Ones, Constant, Identity
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
glorot_normal, glorot_uniform, he_normal, he_uniform = GlorotNormal, GlorotUniform, HeNormal, HeUniform
lecun_normal, lecun_uniform, orthogonal = LecunNormal, LecunUniform, Orthogonal


def _shape(shape: Any) -> Shape:
    return tuple(index(size) for size in shape)


def _dtype(dtype: Any) -> np.dtype:
    return np.dtype(config.floatx() if dtype is None else dtype)


def _fans(shape: Shape) -> tuple[int, int]:
    """How many inputs feed one output of a weight, and how many outputs one input feeds, by Keras's rule."""
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    receptive_field = math.prod(shape[:-2])
    return shape[-2] * receptive_field, shape[-1] * receptive_field


def _fill(out: np.ndarray, draw: Callable[[int], np.ndarray]) -> None:
    """Write `draw(size)` into an array, in one piece, bit by bit: a large table needs no float64 twin."""
    flat = out.reshape(-1)
    for start in range(0, flat.size, _PIECE):
        piece = flat[start : start + _PIECE]
        piece[...] = draw(piece.size)


def _truncated(n: int, random: np.random.Generator) -> np.ndarray:
    """Return n standard normal numbers, those beyond 2 in size drawn again."""
    numbers = random.standard_normal(n)
    while (far := np.flatnonzero(np.abs(numbers) > 2)).size:
        numbers[far] = random.standard_normal(far.size)
    return numbers
