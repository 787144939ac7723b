"""Category numbers to ids and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layers.layer import registry
from .host import as_integers
from .lookup import Lookup
from .vocabulary import read_vocabulary


@registry.register()
class IntegerLookup(Lookup):
    """Ids of category numbers, which may be any integers: -> int64 of the same shape, or vectors.

    Arguments as of StringLookup; mask_token and oov_token are integers. With several num_oov_indices, the remainder
    chooses. Keras counterpart: keras.layers.IntegerLookup.

    >>> zips = IntegerLookup()
    >>> zips.adapt([90210, 10001, 10001])
    >>> zips([10001, 90210, 7]).numpy(), zips.get_vocabulary()
    (array([1, 2, 0]), [-1, 10001, 90210])
    """

    key_dtype = np.dtype(np.int64)

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode,
            pad_to_max_tokens, **kwargs,
        )  # fmt: skip

    def _checked(self, vocabulary: Any) -> list[int]:
        if isinstance(vocabulary, str):
            words = read_vocabulary(vocabulary)
            for line, word in enumerate(words, 1):
                if not word.strip().removeprefix("-").isdecimal():
                    raise ValueError(f"{vocabulary}: line {line} is {word!r}, expected a whole number")
            return list(map(int, words))
        return as_integers(vocabulary).ravel().tolist()

    def _keys(self, values: Any) -> np.ndarray:
        return as_integers(values)

    def _bins(self, tokens: Any) -> Any:
        return tokens and np.array(tokens) % self.num_oov_indices
