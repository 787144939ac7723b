"""A training step eagerly and as a program: `python benchmarks/programs.py`.

Through `fit`, Adam, float32; both ways in turn in one process, the median of the rounds. Absolute times drift with the
machine; the ratio is what counts. Peers are not in this benchmark yet.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np

import minigrad as mg
from minigrad.layers import Concatenate, Dense, Embedding, Flatten, GlobalAveragePooling1D, Input

ROUNDS, STEPS = 7, 100
Workload = tuple[Callable[[], mg.Model], Callable[[np.random.Generator, int], tuple], int, str]


def mlp(*widths: int) -> Callable[[], mg.Model]:
    def build() -> mg.Model:
        x = h = Input((widths[0],))
        for width in widths[1:-1]:
            h = Dense(width, activation="relu")(h)
        return mg.Model(x, Dense(widths[-1], activation="softmax")(h))

    return build


def classes(features: int, labels: int) -> Callable[[np.random.Generator, int], tuple]:
    return lambda rng, n: (rng.normal(size=(n, features)).astype(np.float32), rng.integers(0, labels, n))


def flights() -> mg.Model:
    """Six embeddings of width 8 and three numbers, Dense 128, 64, 1."""
    ids = [Input((1,), dtype="int32") for _ in range(6)]
    numbers = Input((3,))
    rows = [Flatten()(Embedding(size, 8)(x)) for size, x in zip((16, 3, 105, 12, 31, 24), ids, strict=True)]
    h = Dense(128, activation="relu")(Concatenate()([*rows, numbers]))
    return mg.Model([*ids, numbers], Dense(1)(Dense(64, activation="relu")(h)))


def flights_data(rng: np.random.Generator, n: int) -> tuple:
    ids = [rng.integers(0, size, (n, 1)).astype(np.int32) for size in (16, 3, 105, 12, 31, 24)]
    return [*ids, rng.normal(size=(n, 3)).astype(np.float32)], rng.normal(size=(n, 1)).astype(np.float32)


def founding() -> mg.Model:
    """The founding document's table over 1,000 time-steps, their mean, and Dense(1)."""
    x = Input((1000,), dtype="int32")
    return mg.Model(x, Dense(1)(GlobalAveragePooling1D()(Embedding(13, 3)(x))))


def founding_data(rng: np.random.Generator, n: int) -> tuple:
    return rng.integers(0, 13, (n, 1000)).astype(np.int32), rng.normal(size=(n, 1)).astype(np.float32)


WORKLOADS: dict[str, Workload] = {
    "MLP 16-64-32-2, batch 32": (mlp(16, 64, 32, 2), classes(16, 2), 32, "sparse_categorical_crossentropy"),
    "MLP 64-128-64-2, batch 512": (mlp(64, 128, 64, 2), classes(64, 2), 512, "sparse_categorical_crossentropy"),
    "MLP 784-512-256-10, batch 128": (
        mlp(784, 512, 256, 10),
        classes(784, 10),
        128,
        "sparse_categorical_crossentropy",
    ),
    "flights, batch 256": (flights, flights_data, 256, "mse"),
    "Embedding(13, 3) x 1,000 steps, batch 32": (founding, founding_data, 32, "mse"),
}


def main() -> None:
    print(f"{'workload':42}{'eager':>9}{'program':>9}{'ratio':>7}   µs a step, median of {ROUNDS} rounds")
    for name, (build, data, batch, loss) in WORKLOADS.items():
        x, y = data(np.random.default_rng(0), batch * STEPS)
        models = []
        for eagerly in (True, False):
            mg.utils.set_random_seed(0)
            model = build()
            model.compile("adam", loss, run_eagerly=eagerly)
            model.fit(x, y, batch_size=batch, verbose=0)
            models.append(model)
        rounds = []
        for _ in range(ROUNDS):
            times = []
            for model in models:
                began = perf_counter()
                model.fit(x, y, batch_size=batch, verbose=0)
                times.append((perf_counter() - began) / STEPS * 1e6)
            rounds.append(times)
        eager, program = (median(column) for column in zip(*rounds, strict=True))
        print(f"{name:42}{eager:9.0f}{program:9.0f}{eager / program:7.1f}")


if __name__ == "__main__":
    main()
