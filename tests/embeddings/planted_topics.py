"""A small language: lines about one of several topics, each with words of its own."""

from __future__ import annotations

import numpy as np

from minigrad.embeddings import Vectors

TOPICS = 4
LETTERS = "abcdefghijkl"


def topic_lines(lines: int = 400, words: int = 12, seed: int = 1) -> list[str]:
    """Lines of words such as `zb` and `zf`, those of one line all with the same first letter."""
    random = np.random.default_rng(seed)
    topics = random.integers(0, TOPICS, lines)
    return [" ".join("wxyz"[t] + LETTERS[i] for i in random.integers(0, len(LETTERS), words)) for t in topics]


def share_of_kin(vectors: Vectors, n: int = 5) -> float:
    """Of the nearest words of each word, the share that is of its topic."""
    kin = [near[0] == word[0] for word in vectors for near, _ in vectors.nearest(word, n=n)]
    return sum(kin) / len(kin)
