"""Words to ids and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.strings import STRING
from ..layers.layer import registry
from .hashes import fingerprint
from .host import as_strings
from .lookup import Lookup
from .vocabulary import read_vocabulary


@registry.register()
class StringLookup(Lookup):
    """Ids of words: strings of any shape -> int64 of that shape, or vectors.

    max_tokens: most ids, special tokens included. num_oov_indices: ids for unknown words; with several, a word's hash
    chooses; with 0, an unknown word is an IdError. mask_token: the word of id 0. oov_token: what an id of unknown words
    turns into. vocabulary: the words, or the path of a file with one a line; else `adapt` learns them. invert: ids to
    words. output_mode: 'int'; 'one_hot', a vector for each word; 'multi_hot', 'count', 'tf_idf', one for each row.
    pad_to_max_tokens: vectors of length max_tokens. Keras counterpart: keras.layers.StringLookup.

    >>> months = StringLookup(vocabulary=["jan", "feb", "mar"])
    >>> months(["feb", "jan", "never"]).numpy()
    array([2, 1, 0])
    >>> StringLookup(vocabulary=months.get_vocabulary(), invert=True)([2, 1, 0])
    array(['feb', 'jan', '[UNK]'], dtype='<U5')
    """

    key_dtype = STRING

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
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

    def _checked(self, vocabulary: Any) -> list[str]:
        if isinstance(vocabulary, str):
            return read_vocabulary(vocabulary)
        return [] if not len(vocabulary) else as_strings(vocabulary).ravel().tolist()

    def _keys(self, values: Any) -> np.ndarray:
        return as_strings(values)

    def _bins(self, tokens: Any) -> Any:
        return tokens and np.array([fingerprint(word.encode()) % self.num_oov_indices for word in tokens])
