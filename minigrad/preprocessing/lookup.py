"""What lookups share: a vocabulary that is given or learned, and the way through it from tokens to ids and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from ..core.strings import STRING
from ..errors import IdError, UnsafeFile, did_you_mean
from ..layers.common import one_of, whole_number
from .encoding import encode, encoded_shape
from .host import Adapts, HostLayer, Shape, as_integers
from .vocabulary import by_frequency, listed, refuse_repeats

MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
NOTHING, MISSING = -1, -2  # in place of an id: of the mask token where it leaves no trace; of an unknown token
MOST_COMPARED = 10_000  # words of a vocabulary that is searched for a "did you mean"


class Lookup(Adapts, HostLayer):
    """What StringLookup and IntegerLookup share: the vocabulary, and what becomes of the ids.

    Ids begin with 0 for the mask token, if there is one and output_mode is 'int'; then come num_oov_indices ids for
    unknown tokens ("out of vocabulary"), then the vocabulary in its order.
    """

    key_dtype: Any  # of the tokens

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any,
        idf_weights: Any,
        invert: bool,
        output_mode: str,
        pad_to_max_tokens: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_tokens = None if max_tokens is None else whole_number(self, "max_tokens", max_tokens, 2)
        self.num_oov_indices = whole_number(self, "num_oov_indices", num_oov_indices, 0)
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert = bool(invert)
        self.output_mode = one_of(self, "output_mode", output_mode, MODES)
        self.pad_to_max_tokens = bool(pad_to_max_tokens)
        kind = type(self).__name__
        if self.invert and output_mode != "int":
            raise ValueError(f"{kind}: invert=True gives tokens, so output_mode must be 'int', not {output_mode!r}")
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError(f"{kind}: pad_to_max_tokens=True needs max_tokens=")
        self.input_dtype = "int64" if self.invert or self.key_dtype != STRING else "string"
        self._tokens: list[Any] | None = None  # the vocabulary, without special tokens
        self._weights: np.ndarray | None = None  # of tf_idf, one for each id
        self._given = False  # whether the vocabulary was, and is not learned
        self.reset_state()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
        elif idf_weights is not None:
            raise ValueError(f"{kind}: idf_weights= goes with vocabulary=")

    # -- the vocabulary -------------------------------------------------------------------------------------------

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Use this vocabulary; `adapt` is an error from then on.

        vocabulary: a list or array of tokens, each once, with or without the special tokens in front; or the path of a
        file with one a line. idf_weights: one for each token, with output_mode='tf_idf' alone.
        """
        tokens = self._checked(vocabulary)
        special, given = self._special_tokens(), len(tokens)
        with_special = tokens[: len(special)] == special
        if with_special:
            tokens = tokens[len(special) :]
        if not tokens:
            raise ValueError(f"{self.name}: the vocabulary is empty")
        front = given - len(tokens)
        refuse_repeats(tokens, lambda i: f"vocabulary[{i + front}]")
        reserved = {"mask_token": self.mask_token} | ({"oov_token": self.oov_token} if self.invert else {})
        for argument, token in reserved.items():
            if token is not None and token in tokens:
                raise ValueError(
                    f"{self.name}: vocabulary[{tokens.index(token) + front}] is {token!r}, the {argument}. Leave it "
                    f"out, or begin the vocabulary with all special tokens in this order: {special}"
                )
        if self.max_tokens is not None and len(special) + len(tokens) > self.max_tokens:
            raise ValueError(
                f"{self.name}: the vocabulary has {len(special) + len(tokens)} ids with the special tokens, more than "
                f"max_tokens={self.max_tokens}"
            )
        self._set(tokens, self._all_weights(idf_weights, given, with_special))
        self._given = True

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their ids."""
        special = self._special_tokens() if include_special_tokens else []
        return [*special, *(self._tokens or ())]

    def vocabulary_size(self) -> int:
        """The number of ids, with those of the special tokens: what Embedding takes as input_dim."""
        return len(self._special_tokens()) + len(self._tokens or ())

    @property
    def vocabulary(self) -> list[Any] | None:
        """The vocabulary without special tokens; None if there is none yet."""
        return None if self._tokens is None else list(self._tokens)

    def _special_tokens(self) -> list[Any]:
        return [self.mask_token] * self._first_oov + [self.oov_token] * self.num_oov_indices

    @property
    def _first_oov(self) -> int:
        """The first id for unknown tokens: 0 is the mask token's, if it has one."""
        return int(self.mask_token is not None and self.output_mode == "int")

    def _checked(self, vocabulary: Any) -> list[Any]:
        """A vocabulary as a list of tokens."""
        raise NotImplementedError

    def _set(self, tokens: list[Any], weights: np.ndarray | None) -> None:
        self._tokens, self._weights = tokens, weights
        start = len(self._special_tokens())
        self._table = {token: i for i, token in enumerate(tokens, start)}
        if self.mask_token is not None:
            self._table[self.mask_token] = 0 if self.output_mode == "int" else NOTHING

    def _all_weights(self, given: Any, count: int, with_special: bool) -> np.ndarray | None:
        """The idf weight of each id, from those of `count` tokens; unknown tokens get the mean."""
        if (given is None) == (self.output_mode == "tf_idf"):
            raise ValueError(
                f"{self.name}: output_mode='tf_idf' needs idf_weights= with the vocabulary"
                if given is None
                else f"{self.name}: idf_weights= is for output_mode='tf_idf', not {self.output_mode!r}"
            )
        if given is None:
            return None
        weights = np.asarray(given, self.dtype)
        if weights.shape != (count,):
            raise ValueError(f"{self.name}: idf_weights has shape {weights.shape}, the vocabulary {count} tokens")
        return self._padded(weights, 0 if with_special else self.num_oov_indices)

    def _padded(self, weights: np.ndarray, front: int) -> np.ndarray:
        out = np.concatenate([np.full(front, weights.mean()), weights])
        return np.pad(out, (0, self._depth(len(out)) - len(out))).astype(self.dtype)

    # -- learning it ----------------------------------------------------------------------------------------------

    def reset_state(self) -> None:
        """Forget the tokens counted so far; the vocabulary stays until `finalize_state` makes another."""
        self._counts: Counter[Any] = Counter()
        self._documents: Counter[Any] = Counter()  # in how many of them each token is
        self._rows = 0

    def update_state(self, data: Any) -> None:
        """Count the tokens of a batch. For tf_idf each row (a vector as a whole) is one document."""
        tokens = self._keys(data)
        self.count(tokens.ravel().tolist(), np.atleast_2d(tokens).reshape(-1, (tokens.shape or (1,))[-1]).tolist())

    def count(self, tokens: Iterable[Any], documents: Sequence[Iterable[Any]]) -> None:
        """Count tokens, and the documents that each is in."""
        if self._given:
            raise ValueError(
                f"{self.name}: adapt() would replace the vocabulary that was given; make a layer without vocabulary="
            )
        self._counts.update(tokens)
        if self.output_mode == "tf_idf":
            self._rows += len(documents)
            for document in documents:
                self._documents.update(set(document))

    def finalize_state(self) -> None:
        """Make the vocabulary: the most frequent tokens first, of equally frequent ones the last in the alphabet."""
        for token in (self.mask_token, self.oov_token):
            self._counts.pop(token, None)
        special = len(self._special_tokens())
        most = None if self.max_tokens is None else self.max_tokens - special
        tokens = by_frequency(self._counts)[:most]
        if not tokens:
            raise ValueError(f"{self.name}: the data has no tokens to make a vocabulary of")
        weights = None
        if self.output_mode == "tf_idf":
            documents = np.array([self._documents[t] for t in tokens])
            weights = self._padded(np.log(1 + self._rows / (1 + documents)), special)
        self._set(tokens, weights)
        self.reset_state()

    # -- using it -------------------------------------------------------------------------------------------------

    def accepted(self, values: Any) -> np.ndarray:
        return as_integers(values) if self.invert else self._keys(values)

    def _keys(self, values: Any) -> np.ndarray:
        """The values as an array of tokens."""
        raise NotImplementedError

    def output_spec(self, shape: Shape) -> tuple[Shape, Any]:
        if self.output_mode == "int":
            return shape, self.key_dtype if self.invert else np.dtype(np.int64)
        self._want_vocabulary()
        return encoded_shape(shape, self._depth(self.vocabulary_size()), self.output_mode), self.dtype

    def _depth(self, size: int) -> int:
        return self.max_tokens if self.pad_to_max_tokens and self.max_tokens else size

    def call(self, inputs: np.ndarray) -> np.ndarray:
        self._want_vocabulary()
        if self.invert:
            return self._tokens_of(inputs)
        ids = self.ids_of(inputs.ravel().tolist(), inputs.shape).reshape(inputs.shape)
        return ids if self.output_mode == "int" else self.encoded(ids)

    def encoded(self, ids: np.ndarray) -> np.ndarray:
        """The vectors that output_mode asks for."""
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        out = encode(ids, self._depth(self.vocabulary_size()), mode, self.dtype)
        return out if self._weights is None else out * self._weights

    def _want_vocabulary(self) -> None:
        if self._tokens is None:
            raise ValueError(f"{self.name} has no vocabulary yet: call adapt(data) first, or give vocabulary=[...]")

    def ids_of(self, tokens: list[Any], shape: tuple[int, ...] | None = None) -> np.ndarray:
        """The id of each token of a list, which an array of that shape was."""
        self._want_vocabulary()
        ids = np.fromiter(map(self._table.get, tokens, repeat(MISSING)), np.int64, len(tokens))
        missing = np.flatnonzero(ids == MISSING)
        if len(missing):
            if not self.num_oov_indices:
                at = np.unravel_index(missing[0], shape or (len(tokens),)) if shape != () else ()
                self._refuse(tokens[missing[0]], [int(i) for i in at], f"{len(missing)} of {len(tokens)}")
            ids[missing] = self._first_oov + self._bins([tokens[i] for i in missing] if self.num_oov_indices > 1 else 0)
        return ids

    def _bins(self, tokens: Any) -> Any:
        """Which of the num_oov_indices ids each unknown token has, from 0; 0 is the bin of all, if there is one."""
        raise NotImplementedError

    def _refuse(self, token: Any, place: list[int], how_many: str) -> None:
        words = self._tokens or []
        near = did_you_mean(token, words) if isinstance(token, str) and len(words) <= MOST_COMPARED else ""
        raise IdError(
            f"{token!r}{f' at {place}' if place else ''} is not in the vocabulary of {len(words)} ({listed(words)})."
            f"{near} {how_many} values are not. With num_oov_indices=0 unknown ones are errors; 1 gives them an id"
        )

    def _tokens_of(self, ids: np.ndarray) -> np.ndarray:
        """The token of each id; the oov_token for an id that has none."""
        tokens = np.array([*self.get_vocabulary(), self.oov_token], self.key_dtype)
        known = (ids >= 0) & (ids < len(tokens) - 1)
        return tokens[np.where(known, ids, len(tokens) - 1)]

    # -- configuration --------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self._weights is not None:  # one for each id, so that the ids of unknown tokens have theirs
            config["vocabulary"] = self.get_vocabulary()
            config["idf_weights"] = self._weights[: self.vocabulary_size()].tolist()
        return config

    @property
    def idf_weights(self) -> np.ndarray | None:
        """The weight of each id in 'tf_idf' mode: log(1 + documents / (1 + documents with the token))."""
        return self._weights

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        refuse_path(cls, config)
        return cls(**config)


def refuse_path(cls: type, config: dict[str, Any]) -> None:
    """UnsafeFile for a config whose vocabulary is a path: what is found in a file opens no other file."""
    if isinstance(config.get("vocabulary"), str):
        raise UnsafeFile(f"{cls.__name__}: a config names a file as its vocabulary; it must hold the words")
