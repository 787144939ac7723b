"""GloVe: four Embeddings whose products and biases fit the logarithms of how often words are near each other.

As Word2vec, it is a model around the layer, and not the layer:

    words[i] . contexts[j] + word_biases[i] + context_biases[j]  =  log x_ij, about

where x_ij is how often the words i and j are near each other, a weighted least squares problem over all pairs that are.
A bias is an Embedding of width 1. (Pennington et al., "GloVe: Global Vectors for Word Representation", 2014)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..callbacks.progress import Progbar
from ..initializers import RandomUniform
from ..layers import Add, Dot, Embedding, Input
from ..losses import MeanSquaredError
from ..models import Model
from ..optimizers import Adagrad
from .cooccurrence import Cooccurrences
from .corpus import Corpus
from .training import Batch, Checkpoint, Text, counted, positive, read, say, seeded, train
from .vectors import Vectors

__all__ = ["glove_model", "train_glove"]

MOST_PAIRS = 1 << 14  # of a batch, each taken both ways
LEAST_STEPS = 64  # of an epoch: of few pairs, batches are smaller


def glove_model(vocabulary: int, width: int, seed: int | None = None) -> Model:
    """The logarithm of how often two words are near each other. Inputs: `words` and `contexts`, ids (batch,).

    >>> glove_model(1000, 50).count_params()
    102000
    """
    i = Input((), dtype="int32", name="words_in")
    j = Input((), dtype="int32", name="contexts_in")
    seeds = np.random.SeedSequence(seed).generate_state(4) if seed is not None else [None] * 4

    def table(size: int, name: str, seed: Any) -> Embedding:
        small = RandomUniform(-0.5 / width, 0.5 / width, seed)
        return Embedding(vocabulary, size, embeddings_initializer=small, name=name)

    words, contexts = table(width, "words", seeds[0]), table(width, "contexts", seeds[1])
    word_biases, context_biases = table(1, "word_biases", seeds[2]), table(1, "context_biases", seeds[3])
    product = Dot(axes=1)([words(i), contexts(j)])
    return Model([i, j], Add()([product, word_biases(i), context_biases(j)]), name="glove")


class Batches:
    """Pairs in batches, each pair both ways; in a new order each epoch, which follows from seed and epoch.

    most: the count from which on a pair weighs 1. One of x weighs (x / most) ** power below.
    """

    unit = "pair"

    def __init__(self, pairs: Cooccurrences, most: float, power: float, seed: int) -> None:
        self.pairs, self.most, self.power, self.seed = pairs, most, power, seed
        self.length = len(pairs)
        self.size = min(max(len(pairs) // LEAST_STEPS, 1), MOST_PAIRS)

    def epoch(self, number: int) -> Iterator[Batch]:
        """All batches of that epoch. The last one of a part is filled with pairs that weigh nothing."""
        random = np.random.default_rng([self.seed, number])
        before = 0
        for part in random.permutation(self.pairs.parts):
            first, second, times = self.pairs.part(part)
            order = random.permutation(len(first))
            for start in range(0, len(order), self.size):
                rows = order[start : start + self.size]
                n = len(rows)
                weights = np.minimum(times[rows] / self.most, 1) ** self.power
                if n < self.size:
                    rows, weights = np.resize(rows, self.size), np.pad(weights, (0, self.size - n))
                i, j = first[rows], second[rows]
                x = [np.concatenate([i, j]), np.concatenate([j, i])]
                target = np.log(times[rows])
                yield Batch(before + start + n, 2.0 * n, x, twice(target)[:, None], twice(weights))
            before += len(order)


def twice(a: np.ndarray) -> np.ndarray:
    """An array, and the same again behind it."""
    return np.concatenate([a, a])


def train_glove(
    text: Text,
    width: int = 100,
    window: int = 10,
    epochs: int = 15,
    min_count: int = 5,
    x_max: float = 100.0,
    alpha: float = 0.75,
    learning_rate: float = 0.05,
    seed: int = 1,
    checkpoint: str | os.PathLike[str] | None = None,
    verbose: int = 1,
) -> Vectors:
    """Vectors for the words of a text, by GloVe: for each word the sum of its vectors as a word and as a context.

    Args:
        text: the path of a file in UTF-8, or an iterable of lines; see `Corpus`.
        width: how many numbers a vector has.
        window: how far apart two words may be; at distance d they count 1 / d.
        epochs: how many times to go through the pairs.
        min_count: rarer words are left out.
        x_max, alpha: a pair with the count x weighs (x / x_max) ** alpha, and 1 from x_max on.
        learning_rate: of AdaGrad.
        seed: the same seed gives the same vectors, to the bit on the same machine.
        checkpoint: a file to write after each epoch, and to go on from if it is there.
        verbose: 1 for progress bars, 2 for a line an epoch, 0 for nothing.

    The defaults are those of the paper and its program, but for the number of epochs, which they give as 50 and 15.

    >>> lines = ["red green blue green red blue", "one two three one two three"] * 20
    >>> vectors = train_glove(lines, width=8, epochs=60, verbose=0)
    >>> sorted(word for word, cosine in vectors.nearest("red", n=2))
    ['blue', 'green']
    """
    counted(width=width, window=window, epochs=epochs, min_count=min_count)
    positive(x_max=x_max, alpha=alpha, learning_rate=learning_rate)
    seed = seeded(seed)
    settings = {
        "recipe": "glove", "width": width, "window": window, "epochs": epochs, "min_count": min_count,
        "x_max": x_max, "alpha": alpha, "learning_rate": learning_rate, "seed": seed,
    }  # fmt: skip
    with read(text, min_count, verbose) as corpus, near(corpus, window, verbose) as pairs:
        model = glove_model(len(corpus.words), width, seed)
        model.compile(
            Adagrad(learning_rate, initial_accumulator_value=1.0, epsilon=0.0), MeanSquaredError(reduction="sum")
        )
        train(model, Batches(pairs, x_max, alpha, seed), epochs, Checkpoint(checkpoint, corpus, settings), verbose)
        weights = model.named_weights()
        return Vectors(corpus.words, weights["words/embeddings"].numpy() + weights["contexts/embeddings"].numpy())


def near(corpus: Corpus, window: int, verbose: int) -> Cooccurrences:
    """The pairs of a corpus, counted under a progress bar."""
    say("Counting pairs", verbose)
    bar = Progbar(len(corpus), verbose=verbose, unit_name="word")
    pairs = Cooccurrences(corpus, window, bar.update)
    say(f"{len(pairs):,} different pairs within {window} words", verbose)
    return pairs
