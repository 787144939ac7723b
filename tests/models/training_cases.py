"""Data and small models that the tests of training share."""

from __future__ import annotations

import numpy as np

from minigrad import Input, Model
from minigrad.layers import Dense, Dropout
from minigrad.utils import set_random_seed

X = np.random.default_rng(0).normal(size=(48, 4)).astype(np.float32)
Y = (X @ np.array([[1.0], [-2.0], [0.5], [0.0]]) + 0.3).astype(np.float32)
A, B = X[:, :2], X[:, 2:]
KIND = np.arange(48) % 3


def linear(seed=1, **how):
    set_random_seed(seed)
    x = Input((4,))
    model = Model(x, Dense(1)(x))
    model.compile(**{"optimizer": "sgd", "loss": "mse", **how})
    return model


def deep(seed=1, **how):
    set_random_seed(seed)
    x = Input((4,))
    model = Model(x, Dense(1)(Dropout(0.2)(Dense(8, activation="tanh")(x))))
    model.compile(**{"optimizer": "adam", "loss": "mse", **how})
    return model


def same(one, other):
    """Bit for bit the same weights."""
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


def two_headed(**how):
    set_random_seed(1)
    a, b = Input((2,), name="a"), Input((2,), name="b")
    h = Dense(4, activation="tanh")(np.concatenate([a, b], axis=1))
    model = Model([a, b], [Dense(1, name="price")(h), Dense(3, activation="softmax", name="kind")(h)])
    model.compile(**{"optimizer": "sgd", "loss": ["mse", "sparse_categorical_crossentropy"], **how})
    return model


def batches(n=3, with_weight=False):
    for k in range(n):
        part = slice(16 * k, 16 * (k + 1))
        yield (X[part], Y[part], np.ones(16)) if with_weight else (X[part], Y[part])


class Indexable:
    """Batches by index, such as Keras's PyDataset or Sequence."""

    def __init__(self, n=3):
        self.n = n
        self.asked = []
        self.epochs = 0

    def __len__(self):
        return self.n

    def __getitem__(self, k):
        self.asked.append(k)
        return X[16 * k : 16 * (k + 1)], Y[16 * k : 16 * (k + 1)]

    def on_epoch_end(self):
        self.epochs += 1


class Iterable:
    def __iter__(self):
        return batches()


class TwoHeads(Model):
    def __init__(self, as_dict=False):
        super().__init__()
        self.hidden, self.a, self.b = Dense(4, activation="tanh"), Dense(1), Dense(2)
        self.drop = Dropout(0.5)
        self.as_dict = as_dict

    def call(self, inputs, training=False):
        h = self.drop(self.hidden(inputs))
        if float(h.sum()) > 1e9:  # it may look at values: it runs eagerly
            h = h * 0
        return {"a": self.a(h), "b": self.b(h)} if self.as_dict else [self.a(h), self.b(h)]
