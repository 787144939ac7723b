"""Each option of Embedding and EmbeddingBag in training: a program's step is the eager step, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from agreement import agree, kind  # noqa: F401 (the fixture)
from minigrad import Input, Model
from minigrad.layers import Dense, Embedding, EmbeddingBag, Flatten, GlobalAveragePooling1D

pytestmark = pytest.mark.usefixtures("kind")

rng = np.random.default_rng(0)
FEW, MANY = 6, 4000
IDS = {n: (n * rng.random((23, 5)) ** 2).astype(int) for n in (FEW, MANY)}
Y = rng.normal(size=(23, 1)).astype(np.float32)
WEIGHTS = rng.normal(size=(23, 5)).astype(np.float32)

OPTIONS = [
    {"padding_idx": 0},
    {"padding_idx": -1, "embeddings_regularizer": "l2"},
    {"max_norm": 0.06},
    {"scale_grad_by_freq": True},
    {"oov": "clip"},
    {"oov": "zero", "padding_idx": 1, "scale_grad_by_freq": True},
    {"oov": "last"},
    {"trainable_rows": [0, 2, 3]},
]


def ids_for(options, rows):
    return IDS[rows] * (3 if "oov" in options else 1) - (1 if "oov" in options else 0)


@pytest.mark.parametrize("rows", [FEW, MANY])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_lookups(options, optimizer, rows):
    def build():
        x = Input((5,), dtype="int32")
        return Model(x, Dense(1)(Flatten()(Embedding(rows, 9, **options)(x))))

    agree(build, ids_for(options, rows), Y, optimizer=optimizer, loss="mse", tolerance=2e-6)


@pytest.mark.parametrize("rows", [FEW, MANY])
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("options", [{}, {"mask_zero": True}, {"oov": "zero", "padding_idx": 1}], ids=str)
def test_bags(options, mode, rows):
    def build():
        x = Input((5,), dtype="int32")
        return Model(x, Dense(1)(EmbeddingBag(rows, 9, mode, **options)(x)))

    agree(build, ids_for(options, rows), Y, optimizer="adam", loss="mse", tolerance=2e-6)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_with_frozen_rows(mode):
    def build():
        x = Input((5,), dtype="int32")
        return Model(x, Dense(1)(EmbeddingBag(FEW, 9, mode, trainable_rows=[0, 2, 3])(x)))

    agree(build, IDS[FEW], Y, optimizer="adam", loss="mse", tolerance=2e-6)


@pytest.mark.parametrize("rows", [FEW, MANY])
def test_weighted_bags(rows):
    def build():
        x, w = Input((5,), dtype="int32"), Input((5,))
        return Model([x, w], Dense(1)(EmbeddingBag(rows, 9, "sum")(x, per_sample_weights=Dense(5)(w))))

    agree(build, [IDS[rows], WEIGHTS], Y, optimizer="adam", loss="mse", tolerance=1e-5)


@pytest.mark.parametrize("padding_idx", [None, 2])
def test_tied_weights(padding_idx):
    """The table gets rows from the lookup and all of it from attend; the two are added in another order."""

    def build():
        x = Input((5,), dtype="int32")
        table = Embedding(FEW, 4, padding_idx=padding_idx)
        return Model(x, Dense(1)(table.attend(GlobalAveragePooling1D()(table(x)))))

    agree(build, IDS[FEW], Y, optimizer="adam", loss="mse", tolerance=2e-6)
