"""Text to ids of its words."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..layers.common import one_of, whole_number
from ..layers.layer import registry
from .encoding import encoded_shape
from .host import Adapts, HostLayer, Shape, as_strings
from .lookup import refuse_path
from .string_lookup import StringLookup

MODES = ("int", "multi_hot", "count", "tf_idf")
CHUNK = 1000  # texts whose words are in memory at once
NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def strip_punctuation(text: str) -> str:
    """The text without ASCII's punctuation."""
    return text.translate(NO_PUNCTUATION)


def lower_and_strip_punctuation(text: str) -> str:
    """The text in small letters, without ASCII's punctuation."""
    return text.lower().translate(NO_PUNCTUATION)


STANDARDIZE: dict[Any, Callable[[str], str]] = {
    "lower_and_strip_punctuation": lower_and_strip_punctuation,
    "lower": str.lower,
    "strip_punctuation": strip_punctuation,
}
SPLIT: dict[Any, Callable[[str], list[str]]] = {"whitespace": str.split, "character": list}


@registry.register()
class TextVectorization(Adapts, HostLayer):
    """Texts to ids of their words: strings of shape (batch,) or (batch, 1) -> int64 (batch, words), or vectors.

    max_tokens: most ids, special ones included. standardize: 'lower_and_strip_punctuation', 'lower',
    'strip_punctuation', None, or a function of a string. split: 'whitespace', 'character', None (each string is one
    word), or a function from a string to a list. ngrams: also sequences of up to so many words; a tuple for these
    lengths alone. output_mode: 'int', ids padded with 0 to the longest text, or cut and padded to
    output_sequence_length; 'multi_hot', 'count', 'tf_idf': a vector for each text, of length max_tokens with
    pad_to_max_tokens. In 'int' mode id 0 is padding, 1 unknown words. vocabulary: the words, or the path of a file with
    one a line; else `adapt` learns them.

    Small letters and white space are Unicode's (Keras: ASCII's). Keras counterpart: keras.layers.TextVectorization.

    >>> vectorize = TextVectorization()
    >>> vectorize.adapt(["The cat sat.", "The dog ran, the cat sat!"])
    >>> vectorize(["A cat sat", "the end"]).numpy()
    array([[1, 4, 3],
           [2, 1, 0]])
    >>> vectorize.get_vocabulary()
    ['', '[UNK]', 'the', 'sat', 'cat', 'ran', 'dog']
    """

    input_dtype = "string"

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: Any = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.standardize = self._function("standardize", standardize, STANDARDIZE)
        self.split = self._function("split", split, SPLIT)
        self.ngrams = self._lengths(ngrams)
        self.output_mode = one_of(self, "output_mode", output_mode, MODES)
        self.output_sequence_length = (
            None
            if output_sequence_length is None
            else whole_number(self, "output_sequence_length", output_sequence_length)
        )
        if output_sequence_length is not None and output_mode != "int":
            raise ValueError(
                f"TextVectorization: output_sequence_length= is for output_mode='int'; {output_mode!r} gives vectors"
            )
        self.lookup = StringLookup(
            max_tokens=max_tokens,
            mask_token="",
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            name=self.name,
            dtype=self.dtype,
        )

    def _function(self, argument: str, value: Any, known: dict[Any, Any]) -> Any:
        return value if value is None or callable(value) else one_of(self, argument, value, tuple(known))

    def _lengths(self, ngrams: Any) -> Any:
        """The argument checked: None, a number, or a tuple of numbers."""
        if isinstance(ngrams, (list, tuple)) and ngrams:
            return tuple(whole_number(self, "ngrams", n) for n in ngrams)
        return None if ngrams is None else whole_number(self, "ngrams", ngrams)

    # -- words ----------------------------------------------------------------------------------------------------

    def words(self, texts: Iterable[str]) -> list[list[str]]:
        """The words of each text, standardized, and with ngrams= joined."""
        standardize = STANDARDIZE.get(self.standardize, self.standardize)
        split = SPLIT.get(self.split, self.split)
        if standardize is not None:
            texts = map(standardize, texts)
        found = [[text] for text in texts] if split is None else list(map(split, texts))
        if self.ngrams is None:
            return found
        lengths = self.ngrams if isinstance(self.ngrams, tuple) else range(1, self.ngrams + 1)
        return [list(chain.from_iterable(map(partial(joined, words), lengths))) for words in found]

    # -- the vocabulary, which the lookup has -----------------------------------------------------------------------

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The words in the order of their ids."""
        return self.lookup.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """The number of ids: what Embedding takes as input_dim."""
        return self.lookup.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Use this vocabulary, as StringLookup.set_vocabulary."""
        self.lookup.set_vocabulary(vocabulary, idf_weights)

    def update_state(self, data: Any) -> None:
        """Count the words of a batch of texts."""
        texts = self.accepted(data).ravel().tolist()
        for start in range(0, len(texts), CHUNK):
            documents = self.words(texts[start : start + CHUNK])
            self.lookup.count(chain.from_iterable(documents), documents)

    def finalize_state(self) -> None:
        """Make the vocabulary, the most frequent words first."""
        self.lookup.finalize_state()

    def reset_state(self) -> None:
        """Forget the words counted so far."""
        self.lookup.reset_state()

    # -- using it -------------------------------------------------------------------------------------------------

    def accepted(self, values: Any) -> np.ndarray:
        texts = as_strings(values)
        self._output_shape(texts.shape)
        return texts

    def _output_shape(self, shape: Shape) -> Shape:
        """The shape of ids; ShapeError unless there is one text for each row, where texts are split."""
        if self.split is None:
            return shape
        if len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
            raise ShapeError(f"expected texts of shape (batch,) or (batch, 1), got {shape}; with split=None any shape")
        return (*shape[:1], self.output_sequence_length)

    def output_spec(self, shape: Shape) -> tuple[Shape, Any]:
        ids = self._output_shape(shape)
        if self.output_mode == "int":
            return ids, np.dtype(np.int64)
        self.lookup._want_vocabulary()
        return encoded_shape(ids, self.lookup._depth(self.vocabulary_size()), self.output_mode), self.dtype

    def call(self, inputs: np.ndarray) -> np.ndarray:
        texts = inputs.ravel().tolist()
        parts, lengths = [np.empty(0, np.int64)], []
        for start in range(0, len(texts), CHUNK):
            documents = self.words(texts[start : start + CHUNK])
            parts.append(self.lookup.ids_of(list(chain.from_iterable(documents))))
            lengths += list(map(len, documents))
        flat = np.concatenate(parts)
        if self.split is None and self.ngrams is None:
            ids = flat.reshape(inputs.shape)
            return ids if self.output_mode == "int" else self.lookup.encoded(ids)
        padding = 0 if self.output_mode == "int" else -1
        ids = padded(flat, lengths, self.output_sequence_length, padding)
        if self.output_mode != "int":
            ids = self.lookup.encoded(ids)
        return ids if inputs.ndim else ids[0]

    def get_config(self) -> dict[str, Any]:
        own = super().get_config()
        inner = self.lookup.get_config()
        return own | {key: inner[key] for key in ("vocabulary", "idf_weights")}

    max_tokens = property(lambda self: self.lookup.max_tokens)
    pad_to_max_tokens = property(lambda self: self.lookup.pad_to_max_tokens)
    vocabulary = property(lambda self: self.lookup.vocabulary)
    idf_weights = property(lambda self: None)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        refuse_path(cls, config)
        return cls(**config)


def joined(words: list[str], n: int) -> Iterable[str]:
    """All runs of n words, each as one string."""
    return words if n == 1 else map(" ".join, zip(*(words[i:] for i in range(n))))


def padded(flat: np.ndarray, lengths: list[int], width: int | None, value: int) -> np.ndarray:
    """Rows of those lengths, one after the other in `flat`, as an array (rows, width or the longest)."""
    count = np.array(lengths, np.int64)
    width = int(count.max(initial=0)) if width is None else width
    row = np.repeat(np.arange(len(count)), count)
    column = np.arange(len(flat)) - np.repeat(count.cumsum() - count, count)
    out = np.full((len(count), width), value, np.int64)
    kept = column < width
    out[row[kept], column[kept]] = flat[kept]
    return out
