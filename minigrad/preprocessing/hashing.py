"""Words and numbers to a fixed number of bins, without a vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.strings import strings_in
from ..core.symbol import Symbol
from ..core.tensor import Tensor
from ..errors import ShapeError
from ..layers.common import one_of, whole_number
from ..layers.layer import registry
from .encoding import encode, encoded_shape
from .hashes import cat, fingerprint, keyed
from .host import HostLayer, Shape, as_integers

MODES = ("int", "one_hot", "multi_hot", "count")
CROSS_KEY = 956888297470  # what crossing begins with, in TensorFlow and so in Keras


@registry.register()
class Hashing(HostLayer):
    """The bin of each word or integer, by its hash: -> int64 of the same shape, from 0 to num_bins - 1, or vectors.

    mask_value: what goes into bin 0, and nothing else then. salt: an integer, or two, for another distribution. The
    bins are those of Keras: FarmHash's Fingerprint64 of the text (of integers their digits), with a salt SipHash-2-4.
    output_mode: 'int', 'one_hot', 'multi_hot' or 'count'. Keras counterpart: keras.layers.Hashing.

    >>> Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).numpy().ravel()
    array([1, 0, 1, 1, 2])
    """

    def __init__(
        self, num_bins: int, mask_value: Any = None, salt: Any = None, output_mode: str = "int", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_bins = whole_number(self, "num_bins", num_bins, 1 if mask_value is None else 2)
        self.mask_value = mask_value
        self.salt = salt
        self.output_mode = one_of(self, "output_mode", output_mode, MODES)
        self._key: tuple[int, int] | None = None
        if salt is not None:
            first, *more = salt if isinstance(salt, (list, tuple)) else (salt, salt)
            if len(more) != 1 or not all(isinstance(s, (int, np.integer)) for s in (first, *more)):
                raise ValueError(f"Hashing: salt={salt!r}; expected an integer, or two in a list")
            self._key = int(first) % 2**64, int(more[0]) % 2**64

    def accepted(self, values: Any) -> np.ndarray:
        strings = strings_in(values)
        return as_integers(values) if strings is None else strings

    def output_spec(self, shape: Shape) -> tuple[Shape, Any]:
        if self.output_mode == "int":
            return shape, np.dtype(np.int64)
        return encoded_shape(shape, self.num_bins, self.output_mode), self.dtype

    def call(self, inputs: np.ndarray) -> np.ndarray:
        words = inputs.ravel().tolist()
        masked = self.mask_value is not None
        bins = {w: self._hash(str(w).encode()) % (self.num_bins - masked) + masked for w in set(words)}
        if masked:
            bins[self.mask_value] = 0
        ids = np.fromiter(map(bins.__getitem__, words), np.int64, len(words)).reshape(inputs.shape)
        return ids if self.output_mode == "int" else encode(ids, self.num_bins, self.output_mode, self.dtype)

    @property
    def _hash(self) -> Callable[[bytes], int]:
        key = self._key
        return fingerprint if key is None else lambda s: keyed(s, key)


@registry.register()
class HashedCrossing(HostLayer):
    """The bin of each combination of several features: (batch,) or (batch, 1) arrays of words or integers -> int64.

    It is called on a list of them. output_mode: 'int' or 'one_hot'. The bins are those of Keras. Keras counterpart:
    keras.layers.HashedCrossing.

    >>> cross = HashedCrossing(num_bins=5)
    >>> cross([["A", "B", "A", "B", "A"], [101, 101, 101, 102, 102]]).numpy()
    array([1, 4, 1, 1, 3])
    """

    def __init__(self, num_bins: int, output_mode: str = "int", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_bins = whole_number(self, "num_bins", num_bins)
        self.output_mode = one_of(self, "output_mode", output_mode, ("int", "one_hot"))

    def accepted(self, values: Any) -> np.ndarray:
        self._want_several(values)
        columns = []
        for x in values:
            x = x.numpy() if isinstance(x, Tensor) else x
            strings = strings_in(x)
            column = as_integers(x) if strings is None else strings
            self._want_column(column.shape)
            columns.append(column)
        if len({c.shape for c in columns}) > 1:
            raise ShapeError(f"the features have different shapes: {', '.join(str(c.shape) for c in columns)}")
        out = np.empty((len(columns), *columns[0].shape), object)
        for i, column in enumerate(columns):
            out[i] = column
        return out

    def shape_of(self, x: Any) -> Shape:
        self._want_several(x)
        for symbol in x:
            if not isinstance(symbol, Symbol):
                raise ShapeError(f"expected symbols, got a {type(symbol).__name__} among them")
            self._want_column(symbol.shape)
        return x[0].shape

    def _want_several(self, features: Any) -> None:
        if not isinstance(features, (list, tuple)) or len(features) < 2:
            raise ShapeError("expected a list of at least two features to cross")

    def _want_column(self, shape: Shape) -> None:
        if len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
            raise ShapeError(f"expected features of shape (batch,) or (batch, 1), got {shape}")

    def output_spec(self, shape: Shape) -> tuple[Shape, Any]:
        if self.output_mode == "int":
            return shape, np.dtype(np.int64)
        return encoded_shape(shape, self.num_bins, "one_hot"), self.dtype

    def call(self, inputs: np.ndarray) -> np.ndarray:
        columns = [[code(x) for x in column.ravel().tolist()] for column in inputs]
        ids = []
        for row in zip(*columns, strict=True):
            h = CROSS_KEY
            for number in row:
                h = cat(h, number)
            ids.append(h % self.num_bins)
        found = np.array(ids, np.int64).reshape(inputs.shape[1:])
        return found if self.output_mode == "int" else encode(found, self.num_bins, "one_hot", self.dtype)


def code(x: str | int) -> int:
    """A feature as a 64-bit word: a string's fingerprint, an integer itself."""
    return fingerprint(x.encode()) if isinstance(x, str) else x % 2**64
