"""Embed the categories of a real table, train, evaluate on held-out days, leave pictures and weights in a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np

from ..layers import Concatenate, Dense, Embedding, Flatten, Input
from ..models import Model
from ..optimizers import Adam
from ..optimizers.schedules import CosineDecay
from ..random import set_seed
from .data import Table, load_flights, load_weather, r2_score, table_of_means_r2, train_test_split
from .report import write_report

SHOWN = 32  # rows of the batch that is walked through
WIDTH = 3  # of each embedding: enough for the round of a year, few enough to look at


class Plan(NamedTuple):
    """How one data set is trained on."""

    load: Callable[[], Table]
    epochs: int
    batch_size: int


PLANS = {"weather": Plan(load_weather, 15, 256), "flights": Plan(load_flights, 3, 512)}


class Outcome(NamedTuple):
    """What a tour has to show."""

    table: Table
    model: Model
    history: dict[str, list[float]]
    r2: float
    reference: float
    seconds: float
    batch: tuple[dict[str, np.ndarray], np.ndarray]  # inputs and targets of a few rows


def build(table: Table) -> Model:
    """One Input and one Embedding a category, and the day of the month as a number; then two Dense layers."""
    inputs = {name: Input((1,), dtype="int32", name=name) for name in table.features}
    rows = [
        Flatten()(Embedding(len(table.vocabulary[name]), WIDTH, name=f"{name}_embedding")(x))
        for name, x in inputs.items()
    ]
    inputs["day"] = Input((1,), name="day")
    hidden = Dense(32, activation="relu")(Concatenate()([*rows, inputs["day"]]))
    hidden = Dense(16, activation="relu")(hidden)
    return Model(inputs, Dense(1, name=table.target_name)(hidden))


def columns(table: Table) -> dict[str, np.ndarray]:
    """The inputs of the model: each category as a (rows, 1) array of ids, and the day, from -1 to 1."""
    return {name: ids[:, None] for name, ids in table.features.items()} | {"day": table.day_of_month[:, None]}


def run(data: str = "weather", out: str = "out", epochs: int | None = None, seed: int = 1) -> int:
    """The whole tour. Returns the exit status: 0 if the model is as good as the plain table of means, less 0.01."""
    plan = PLANS[data]
    set_seed(seed)
    table = plan.load()
    train, test = train_test_split(table, 0.2, seed=seed)
    categories = ", ".join(f"{name} ({len(words)})" for name, words in table.vocabulary.items())
    print(
        f"{data}: {len(table):,} rows; {categories} and the day of the month -> {table.target_name} in {table.unit}. "
        f"Held out: {len(test):,} rows, whole days.\n"
    )
    model = build(table)
    model.summary()
    began = perf_counter()
    history = learn(model, train, test, epochs or plan.epochs, plan.batch_size)
    seconds = perf_counter() - began
    predicted = predict(model, train, test)
    scores = r2_score(test.target, predicted), table_of_means_r2(train, test)
    some = np.linspace(0, len(train) - 1, SHOWN).astype(int)  # from all the year
    few = {name: column[some] for name, column in columns(train).items()}, standardized(train.target, train)[some]
    outcome = Outcome(table, model, history, *scores, seconds, few)
    error = float(np.sqrt(np.mean((predicted - test.target) ** 2)))
    print(
        f"\nheld-out R2: {outcome.r2:.3f} (error {error:.1f} {table.unit}); the table of means over "
        f"({', '.join(table.features)}): {outcome.reference:.3f}. Trained in {seconds:.1f} s."
    )
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "weights.safetensors"
    model.save_weights(weights)
    for path in [weights, *write_report(outcome, folder)]:
        print(f"wrote {path}")
    return 0 if outcome.r2 >= outcome.reference - 0.01 else 1


def learn(model: Model, train: Table, test: Table, epochs: int, batch_size: int) -> dict[str, list[float]]:
    """Train on the target in units of its spread; the history."""
    steps = -(-len(train) // batch_size) * epochs
    model.compile(Adam(CosineDecay(0.01, steps)), loss="mse")
    history = model.fit(
        columns(train),
        standardized(train.target, train),
        batch_size=batch_size,
        epochs=epochs,
        validation_data=(columns(test), standardized(test.target, train)),
    )
    return history.history


def standardized(target: np.ndarray, train: Table) -> np.ndarray:
    """A target as a column, with the training rows' mean 0 and spread 1."""
    return ((target - train.target.mean()) / train.target.std())[:, None]


def predict(model: Model, train: Table, test: Table) -> np.ndarray:
    """The model's predictions for the held-out rows, in the target's own unit."""
    outputs: np.ndarray = model.predict(columns(test), batch_size=4096, verbose=0)
    return outputs[:, 0] * train.target.std() + train.target.mean()
