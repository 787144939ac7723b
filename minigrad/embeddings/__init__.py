"""Word vectors: existing ones read, looked at, judged and put into a model."""

from __future__ import annotations

from .alignment import Alignment
from .cooccurrence import Cooccurrences
from .corpus import Corpus
from .evaluation import AnalogyResult, AnalogyScore, SimilarityResult
from .glove_recipe import glove_model, train_glove
from .pretrained import glove, load
from .vectors import UnknownWord, Vectors
from .word2vec import cbow_model, skip_gram_model, train_word2vec

__all__ = [
    "Alignment",
    "AnalogyResult",
    "AnalogyScore",
    "Cooccurrences",
    "Corpus",
    "SimilarityResult",
    "UnknownWord",
    "Vectors",
    "cbow_model",
    "glove",
    "glove_model",
    "load",
    "skip_gram_model",
    "train_glove",
    "train_word2vec",
]
