"""Every layer in a small model, and what layers may hang on weights: a program's step is the eager step, to the bit."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from agreement import agree, kind, same_state, same_values, traced, twins  # noqa: F401 (the fixture)
from minigrad import Input, Model, Sequential, constraints, ops, regularizers
from minigrad.core.tensor import Variable
from minigrad.layers import Dense, Dot, Dropout, Embedding, Flatten, GlobalAveragePooling1D, Layer

sys.path.insert(0, str(Path(__file__).parents[1] / "layers"))
from layer_cases import CASES, Case, doubled

pytestmark = pytest.mark.usefixtures("kind")

rng = np.random.default_rng(0)
X = rng.normal(size=(23, 4)).astype(np.float32)
Y = rng.normal(size=(23, 1)).astype(np.float32)
IDS = rng.integers(0, 6, (23, 3))


CASES = [case for case in CASES if case.args.get("function") is not doubled]  # which refuses to be trained


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=[f"{c.cls.__name__}-{i}" for i, c in enumerate(CASES)])
def test_every_layer(case: Case, dtype: str):
    """Before it, Dense for each input of floats, so that gradients flow through it; after it, Dense again."""
    wide = [rng.normal(size=(11, *s[1:])).astype(dtype) for s in case.shapes]
    if case.ids is not None:
        wide = [rng.integers(0, case.ids, (11, *s[1:])) for s in case.shapes]

    def build():
        inputs = [Input(a.shape[1:], dtype=a.dtype.name) for a in wide]
        hs = [x if case.ids or not x.shape[1:] else Dense(x.shape[-1], dtype=dtype)(x) for x in inputs]
        merged = len(hs) > 1 or case.cls.__module__.endswith("merging")
        h = case.layer(dtype=dtype)(hs if merged else hs[0])
        h = Flatten()(h) if len(h.shape) != 2 else h
        return Model(inputs, Dense(2, dtype=dtype)(h))

    # einsum's results lie transposed in memory: see the test of transposed values
    loose = {"float32": 2e-6, "float64": 1e-14}[dtype] if case.cls is Dot and len(case.shapes[1]) > 2 else 0.0
    y = rng.normal(size=(11, 2))
    agree(build, wide, y, batch_size=4, epochs=3, optimizer="adam", loss="mse", tolerance=loose)


@pytest.mark.parametrize("name", ["L1", "L2", "L1L2"])
def test_regularizers(name):
    how = getattr(regularizers, name)

    def build():
        x = Input((4,))
        h = Dense(5, kernel_regularizer=how(0.01), bias_regularizer=how(0.02), activity_regularizer=how(0.03))(x)
        return Model(x, Dense(1, kernel_regularizer=lambda w: 0.1 * np.mean(w**4))(h))

    agree(build, X, Y, optimizer="adam", loss="mse")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_regularizer_on_a_table(optimizer):
    def build():
        x = Input((3,), dtype="int32")
        return Model(x, Dense(1)(Flatten()(Embedding(6, 2, embeddings_regularizer="l2")(x))))

    # The penalty's gradient meets that of the rows in another order; both are sums of two numbers, which commute.
    agree(build, IDS, Y, optimizer=optimizer, loss="mse")


@pytest.mark.parametrize("name", ["MaxNorm", "NonNeg", "UnitNorm", "MinMaxNorm"])
def test_constraints(name):
    how = getattr(constraints, name)

    def build():
        x = Input((4,))
        return Model(x, Dense(1)(Dense(5, kernel_constraint=how(), bias_constraint=lambda b: np.clip(b, 0, 0.1))(x)))

    agree(build, X, Y, optimizer="adam", loss="mse")


class Penalty(Layer):
    def build(self, input_shape):
        self.scale = self.add_weight((), name="scale", initializer="ones")

    def call(self, inputs):
        self.add_loss(0.01 * np.sum(np.square(inputs)))
        self.add_loss(self.scale)  # the Variable itself: its value is that before the step
        return inputs * self.scale


def test_add_loss():
    agree(lambda: Sequential([Input((4,)), Penalty(), Dense(1)]), X, Y, optimizer="adam", loss="mse")


def test_penalties_alone():
    one, _ = agree(lambda: Sequential([Input((4,)), Penalty()]), X, None, optimizer="sgd")
    assert one.layers[-1].scale.numpy() != 1


class RowSums(Layer):
    """Its gradient does not depend on any value but the ids: constant in the trace, or even all of it."""

    def build(self, input_shape):
        self.table = self.add_weight((6, 2), name="table", initializer="normal")

    def call(self, inputs):
        self.add_loss(0.1 * np.sum(ops.gather(self.table, inputs)))
        self.add_loss(np.sum(ops.gather(self.table, np.array([1, 1, 4]))))
        return ops.gather(self.table, inputs)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_gradients_that_are_constants(optimizer):
    agree(lambda: Sequential([Input((3,), dtype="int32"), RowSums()]), IDS, None, optimizer=optimizer)


class OnlyItsWeight(Layer):
    """Its penalty is a Variable: the loss of a step is the value from before it."""

    def build(self, input_shape):
        self.cost = self.add_weight((), name="cost", initializer="ones")

    def call(self, inputs):
        self.add_loss(self.cost)
        return inputs * 2


def test_a_loss_that_is_a_variable_is_the_value_before_the_step():
    one, other = twins(lambda: Sequential([Input((4,)), OnlyItsWeight()]), optimizer=lambda: "sgd")
    assert one.train_on_batch(X) == other.train_on_batch(X) == 1.0
    assert one.train_on_batch(X) == other.train_on_batch(X) != 1.0


class Rows(Layer):
    """Gives rows of its weight away: a view."""

    def build(self, input_shape):
        self.rows = self.add_weight((8, 4), name="rows", initializer="normal")

    def call(self, inputs):
        return self.rows[: inputs.shape[0]]


def test_an_output_that_is_a_view_of_a_weight_has_the_values_before_the_step():
    def build():
        x = Input(batch_shape=(5, 4))
        return Model(x, Rows()(x))

    agree(build, X[:20], X[:20], optimizer=lambda: "sgd", loss="mse", metrics=["mae"])


@pytest.mark.parametrize("dtype", ["float32", "int64", "int8"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adagrad"])
def test_ids_of_any_dtype_and_repeats(dtype, optimizer):
    def build():
        x = Input((3,), dtype=dtype)
        return Model(x, Dense(1)(GlobalAveragePooling1D()(Embedding(6, 9)(x))))

    ids = np.where(rng.random((23, 3)) < 0.5, 2, IDS).astype(dtype)
    agree(build, ids, Y, optimizer=optimizer, loss="mse")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_shared_layers(optimizer):
    def build():
        a, b = Input((4,)), Input((4,))
        hidden = Dense(4, activation="tanh")
        return Model([a, b], Dense(1)(hidden(hidden(a)) * hidden(b)))

    agree(build, [X, X[::-1]], Y, optimizer=optimizer, loss="mse")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_table_that_is_used_twice(optimizer):
    """Eagerly the rows of both uses are joined and then summed, one after the other; a program sums two tables that
    each was summed for itself. Sums in two orders: float32 rounds them apart.
    """

    def build():
        a, b = Input((3,), dtype="int32"), Input((3,), dtype="int32")
        table = Embedding(6, 4)
        return Model([a, b], Dense(1)(Flatten()(table(a) * table(b))))

    agree(build, [IDS, IDS[::-1]], Y, optimizer=optimizer, loss="mse", tolerance=2e-6)


def nested():
    inner = Sequential([Input((4,)), Dense(6, activation="relu"), Dropout(0.3), Dense(4)])
    x = Input((4,))
    return Model(x, Dense(1)(inner(inner(x)) + x))


def test_nested_models():
    agree(nested, X, Y, optimizer="nadam", loss="mse")


class Own(Model):
    """Two inputs in a dict, two outputs in a list, and a layer made with the first call."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.drop = Dense(4, activation="tanh"), Dense(1), Dropout(0.4)
        self.scale = Variable(np.float32(1.5), name="scale")

    def call(self, inputs, training=False):
        h = self.drop(self.a(np.concatenate([inputs["p"], inputs["q"]], axis=1)))
        return [self.b(h) * self.scale, np.exp(h if training else -h)]


def test_a_subclassed_model():
    x = {"p": X[:, :1], "q": X[:, 1:]}
    agree(Own, x, [Y, np.abs(X)], optimizer="adam", loss=["mse", "mae"], metrics=["mae"])


def test_random_numbers_are_drawn_in_the_same_order():
    one, other = twins(nested, optimizer=lambda: "sgd", loss=lambda: "mse")
    for step in range(4):
        same_values(one.train_on_batch(X[step:], Y[step:]), other.train_on_batch(X[step:], Y[step:]))
        same_values(one.predict_on_batch(X), other.predict_on_batch(X))
        same_values(one(X, training=True).numpy(), other(X, training=True).numpy())


def test_reductions_of_transposed_values():
    """Eagerly the product of transposed arrays stays transposed in memory, while a program's buffers have their axes in
    order; NumPy sums in the order of memory, so that the two round apart.
    """

    class Turned(Layer):
        def call(self, inputs):
            turned = np.swapaxes(inputs, 1, 2) * 1.1
            return np.sum(np.exp(turned), axis=2) / (1 + np.mean(turned * turned, axis=1).sum(axis=-1, keepdims=True))

    x = rng.normal(size=(23, 17, 19)).astype(np.float32)
    agree(
        lambda: Sequential([Input((17, 19)), Dense(19), Turned(), Dense(1)]),
        x,
        Y,
        optimizer="adam",
        loss="mse",
        tolerance=5e-6,
    )


def test_float64_inside_float32():
    def build():
        x = Input((4,))
        return Model(x, Dense(1)(Dense(5, dtype="float64", activation="gelu")(x)))

    one, _ = agree(build, X, Y, optimizer="adam", loss="mse")
    assert {w.dtype.name for w in one.weights} == {"float32", "float64"}


def test_where_and_comparisons():
    class Steps(Layer):
        def call(self, inputs):
            return np.where(inputs > 0, ops.stop_gradient(inputs) * inputs, np.minimum(inputs, -0.1))

    agree(lambda: Sequential([Input((4,)), Dense(4), Steps(), Dense(1)]), X, Y, optimizer="adam", loss="mae")


def test_predict_and_evaluate_without_training():
    one, other = twins(nested, optimizer=lambda: "sgd", loss=lambda: "mse")
    for rows in (1, 7, 23):
        same_values(one.predict(X[:rows], verbose=0), other.predict(X[:rows], verbose=0))
        same_values(*(m.evaluate(X[:rows], Y[:rows], verbose=0) for m in (one, other)))
    traced(one, "test predict")
    same_state(one, other)
