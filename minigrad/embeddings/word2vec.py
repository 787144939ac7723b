"""Word2vec: two Embeddings and a dot product, trained to tell the neighbours in a text from words drawn at random.

An Embedding is a table whose rows are learned; it knows nothing of language. Word2vec is a model around it, and here
it is one of the functional API, trained by backpropagation as any other. For a word w and a word c beside it,

    logit = words[w] . contexts[c]

should be large, and small for the words that are drawn in place of c: sigmoid cross-entropy. In the end the table
`words` is what everybody calls word vectors. (Mikolov et al., "Efficient Estimation of Word Representations in Vector
Space" and "Distributed Representations of Words and Phrases and their Compositionality", 2013)

A pair at a time would be slow on plain NumPy, so the text is cut into chunks of 16 words, and one row of a batch is all
that these have to do with each other: their vectors times those of the 26 words in and around the chunk, and of 16
words drawn at random, is one small matrix product. The targets say what each product counts: a pair at distance d as
often as a window drawn from 1 to `window` would reach it, on average; a word drawn at random as often as makes
`negative` of them for each pair; the others nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..initializers import RandomUniform
from ..layers import Dot, Embedding, Input
from ..losses import Loss
from ..models import Model
from ..ops.neural import sigmoid_cross_entropy
from ..optimizers import SGD
from ..optimizers.schedules import PolynomialDecay
from .corpus import LINE_END, Corpus
from .training import Batch, Checkpoint, Text, counted, positive, read, seeded, train
from .vectors import Vectors

__all__ = ["NegativeSampling", "cbow_model", "skip_gram_model", "train_word2vec"]

CHUNK = 16  # words of the text that are a row of a batch
DRAWN = 16  # words drawn at random for each chunk
MOST_CHUNKS = 64  # of a batch
MOST_MOVED = 4.0  # the rate times the pairs, real or drawn, that move one row in a batch: their gradients are added up
NOISE_PLACES = 1 << 22  # of the table that words are drawn from


# -- the models -----------------------------------------------------------------------------------------------------


def skip_gram_model(vocabulary: int, width: int, chunk: int, others: int, seed: int | None = None) -> Model:
    """Each word's vector times those of other words, in and around its chunk or drawn at random.

    Inputs: `centres` (batch, chunk) and `others` (batch, others), ids. Output: logits (batch, chunk, others).

    >>> skip_gram_model(1000, 50, chunk=16, others=42).count_params()
    100000
    """
    centres = Input((chunk,), dtype="int32", name="centres")
    beside = Input((others,), dtype="int32", name="others")
    words = Embedding(vocabulary, width, embeddings_initializer=small(width, seed), name="words")
    contexts = Embedding(vocabulary, width, embeddings_initializer="zeros", name="contexts")
    return Model([centres, beside], Dot(axes=2)([words(centres), contexts(beside)]), name="skip_gram")


def cbow_model(vocabulary: int, width: int, around: int, chunk: int, others: int, seed: int | None = None) -> Model:
    """The mean of the vectors of the words around each word ("continuous bag of words"), times those of other words.

    Inputs: `around` (batch, around), ids of the words in and around a chunk; `shares` (batch, chunk, around), how much
    each of them counts in the mean for each word of the chunk; `others` (batch, others), ids of the words of the chunk
    and of those drawn at random. Output: logits (batch, chunk, others).
    """
    near = Input((around,), dtype="int32", name="around")
    shares = Input((chunk, around), name="shares")
    beside = Input((others,), dtype="int32", name="others")
    words = Embedding(vocabulary, width, embeddings_initializer=small(width, seed), name="words")
    contexts = Embedding(vocabulary, width, embeddings_initializer="zeros", name="contexts")
    means = Dot(axes=(2, 1))([shares, words(near)])
    return Model([near, shares, beside], Dot(axes=2)([means, contexts(beside)]), name="cbow")


def small(width: int, seed: int | None) -> RandomUniform:
    """How word2vec begins: anywhere between -1 / (2 width) and 1 / (2 width)."""
    return RandomUniform(-0.5 / width, 0.5 / width, seed)


class NegativeSampling(Loss):
    """Sigmoid cross-entropy of logits, for targets that say how often a pair counts.

    A target of 0.4 is 0.4 pairs that are in the text, -0.4 are 0.4 that were drawn at random, 0 is no pair. The sum
    over a batch: a step is the sum of what word2vec does one pair after another.

    >>> float(NegativeSampling()(np.array([[1.0, -1.0, 0.0]]), np.array([[0.0, 0.0, 9.0]])))
    1.386294
    """

    def __init__(self, name: str | None = None, reduction: str | None = "sum") -> None:
        super().__init__(name, reduction)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        is_there = (y_true > 0).astype(y_pred.dtype)
        return np.sum(np.abs(y_true) * sigmoid_cross_entropy(y_pred, is_there), axis=-1)


# -- the batches ----------------------------------------------------------------------------------------------------


class Batches:
    """A corpus as batches, all of one size, for either of the models; those of an epoch follow from seed and epoch."""

    unit = "word"

    def __init__(
        self, corpus: Corpus, window: int, negative: int, sample: float, cbow: bool, seed: int, learning_rate: float
    ) -> None:
        self.corpus, self.window, self.negative, self.cbow, self.seed = corpus, window, negative, cbow, seed
        self.length = len(corpus)
        self.keep = chance_to_keep(corpus.counts, sample)
        self.noise = noise(corpus.counts)
        self.reach = reach(window)
        self.around = self.reach.shape[1]
        drawn = np.count_nonzero(self.noise == 0) / NOISE_PLACES  # how often the most frequent word is
        pairs = CHUNK * (1 if cbow else window + 1) * negative * drawn  # that it is in, for each chunk
        self.chunks = int(np.clip(MOST_MOVED / (learning_rate * pairs), 1, MOST_CHUNKS))
        self.steps = max(1, round(corpus.counts @ self.keep / (CHUNK * self.chunks)))  # of an epoch, on average

    def model(self, width: int) -> Model:
        """The model that these batches are for."""
        if self.cbow:
            return cbow_model(len(self.corpus.words), width, self.around, CHUNK, CHUNK + DRAWN, self.seed)
        return skip_gram_model(len(self.corpus.words), width, CHUNK, self.around + DRAWN, self.seed)

    def epoch(self, number: int) -> Iterator[Batch]:
        """All batches of that epoch; how far it is, is told in words of the corpus."""
        random = np.random.default_rng([self.seed, number])
        make = self._cbow if self.cbow else self._skip_gram
        before = 0
        for ids in self.corpus.blocks():
            read = int(np.count_nonzero(ids >= 0))
            centres, beside, alike = self._chunks(*self._thinned(ids, random))
            for start in range(0, len(centres), self.chunks):
                part = slice(start, start + self.chunks)
                pairs = self.reach * alike[part]
                if not pairs.any():  # each word is alone on its line
                    continue
                drawn = self.noise[random.integers(0, NOISE_PLACES, (self.chunks, DRAWN))]
                done = before + read * min(part.stop, len(centres)) // len(centres)
                yield make(done, centres[part], beside[part], pairs, drawn)
            before += read

    def _thinned(self, ids: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The words that are kept, and the number of the line of each."""
        lines = np.cumsum(ids == LINE_END)
        kept = ids >= 0
        kept[kept] = random.random(np.count_nonzero(kept)) < self.keep[ids[kept]]
        return ids[kept], lines[kept]

    def _chunks(self, words: np.ndarray, lines: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Words in chunks (chunks, 16), the words in and around each, and which are on the same line as which.

        As many chunks as whole batches take; behind the last word they are filled with words of no line.
        """
        missing = -len(words) % (CHUNK * self.chunks) if len(words) else CHUNK * self.chunks
        words = np.pad(words, (self.window, missing + self.window))
        lines = np.pad(lines, (self.window, missing + self.window), constant_values=-1)
        beside, near = (np.lib.stride_tricks.sliding_window_view(a, self.around)[::CHUNK] for a in (words, lines))
        centres = beside[:, self.window : -self.window]
        own = near[:, self.window : -self.window, None]
        return centres, beside, (own == near[:, None]) & (own >= 0)

    def _skip_gram(self, done: int, centres: Any, beside: Any, pairs: Any, drawn: Any) -> Batch:
        found = pairs.sum(axis=2, keepdims=True)
        targets = self._targets(pairs, found)
        return Batch(done, found.sum(), [centres, np.concatenate([beside, drawn], axis=1)], targets)

    def _cbow(self, done: int, centres: Any, beside: Any, pairs: Any, drawn: Any) -> Batch:
        total = pairs.sum(axis=2, keepdims=True)
        found = (total > 0).astype(np.float32)  # whether a word has any beside it
        targets = self._targets(found * np.eye(CHUNK, dtype=np.float32), found)
        shares = pairs / (total + (1 - found))
        return Batch(done, found.sum(), [beside, shares, np.concatenate([centres, drawn], axis=1)], targets)

    def _targets(self, pairs: np.ndarray, found: np.ndarray) -> np.ndarray:
        """The targets of the pairs in the text, and behind them those of the words drawn at random."""
        often = found * np.float32(-self.negative / DRAWN)
        return np.concatenate([pairs, often.repeat(DRAWN, axis=2)], axis=2)


def chance_to_keep(counts: np.ndarray, sample: float) -> np.ndarray:
    """For each word, how likely it is kept where it stands: sqrt(sample / f) + sample / f, at most 1, where f is its
    share of the text. With a sample of 0, all are kept.

    >>> chance_to_keep(np.array([900, 99, 1]), 0.01).round(2)
    array([0.12, 0.42, 1.  ])
    """
    if not sample:
        return np.ones(len(counts))
    share = sample * counts.sum() / counts
    return np.minimum(np.sqrt(share) + share, 1)


def noise(counts: np.ndarray) -> np.ndarray:
    """Ids, each as often as a word is to be drawn: in proportion to its count to the power of 3/4."""
    ends = np.cumsum(counts**0.75)
    places = (np.arange(NOISE_PLACES) + 0.5) / NOISE_PLACES
    return np.searchsorted(ends, places * ends[-1]).astype(np.int32)


def reach(window: int) -> np.ndarray:
    """For each word of a chunk, how often a window drawn from 1 to `window` reaches each word in and around the chunk.

    >>> reach(2)[:2, :6]
    array([[0.5, 1. , 0. , 1. , 0.5, 0. ],
           [0. , 0.5, 1. , 0. , 1. , 0.5]], dtype=float32)
    """
    distance = np.abs(np.arange(CHUNK + 2 * window) - window - np.arange(CHUNK)[:, None])
    is_near = (distance > 0) & (distance <= window)
    return (is_near * (window + 1 - distance) / window).astype(np.float32)


# -- the recipe -----------------------------------------------------------------------------------------------------


def train_word2vec(
    text: Text,
    width: int = 100,
    window: int = 5,
    negative: int = 5,
    epochs: int = 5,
    min_count: int = 5,
    sample: float = 1e-3,
    learning_rate: float | None = None,
    cbow: bool = False,
    seed: int = 1,
    checkpoint: str | os.PathLike[str] | None = None,
    verbose: int = 1,
) -> Vectors:
    """Vectors for the words of a text, by skip-gram (or CBOW) with negative sampling.

    Args:
        text: the path of a file in UTF-8, or an iterable of lines; see `Corpus`.
        width: how many numbers a vector has.
        window: how far apart two words may be; near ones count more.
        negative: words drawn at random for each pair, in proportion to their counts to the power of 3/4.
        epochs: how many times to go through the text.
        min_count: rarer words are left out.
        sample: the share of the text from which on words are left out at random; 0 for none.
        learning_rate: where it begins; it falls to 0.0001 in a straight line. By default 0.025, and 0.075 for CBOW.
        cbow: tell a word from the mean of those around it, in place of each of those around it from the word.
        seed: the same seed gives the same vectors, to the bit on the same machine.
        checkpoint: a file to write after each epoch, and to go on from if it is there.
        verbose: 1 for progress bars, 2 for a line an epoch, 0 for nothing.

    The gradient of a CBOW mean is the true one (word2vec.c and gensim leave out the division by how many words there
    are: Irsoy et al., "Corrected CBOW performs as well as skip-gram", 2021), whence its higher rate.
    Counterpart: gensim.models.Word2Vec(sg=1), whose defaults these are.

    >>> lines = ["red green blue green red blue", "one two three one two three"] * 50
    >>> vectors = train_word2vec(lines, width=8, epochs=20, sample=0, verbose=0)
    >>> sorted(word for word, cosine in vectors.nearest("red", n=2))
    ['blue', 'green']
    """
    counted(width=width, window=window, negative=negative, epochs=epochs, min_count=min_count)
    rate = learning_rate if learning_rate is not None else 0.075 if cbow else 0.025
    positive(learning_rate=rate)
    seed = seeded(seed)
    if not 0 <= sample <= 1:
        raise ValueError(f"sample is a share of the text, from 0 (leave out nothing) to 1, got {sample!r}")
    settings = {
        "recipe": "cbow" if cbow else "skip-gram", "width": width, "window": window, "negative": negative,
        "epochs": epochs, "min_count": min_count, "sample": sample, "learning_rate": rate, "seed": seed,
    }  # fmt: skip
    with read(text, min_count, verbose) as corpus:
        batches = Batches(corpus, window, negative, sample, cbow, seed, rate)
        model = batches.model(width)
        schedule = PolynomialDecay(rate, batches.steps * epochs, min(rate, 0.0001))
        model.compile(SGD(schedule), NegativeSampling())
        train(model, batches, epochs, Checkpoint(checkpoint, corpus, settings), verbose)
        return Vectors(corpus.words, model.named_weights()["words/embeddings"].numpy())
