"""Layers that keep a state: a program updates it as the eager step does, at the end of the step."""

from __future__ import annotations

import numpy as np
import pytest

from agreement import agree, kind, same_state, traced, twins  # noqa: F401 (the fixture)
from minigrad import Input, Model, Sequential
from minigrad.core.tensor import Variable
from minigrad.errors import ShapeError
from minigrad.layers import Dense, Layer

pytestmark = pytest.mark.usefixtures("kind")

rng = np.random.default_rng(0)
X = rng.normal(size=(23, 4)).astype(np.float32)
Y = rng.normal(size=(23, 1)).astype(np.float32)


class Centered(Layer):
    """Less the mean: in training the batch's, which a moving mean follows; else that moving mean."""

    def build(self, input_shape):
        self.mean = self.add_weight(shape=(input_shape[-1],), initializer="zeros", trainable=False, name="mean")
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")

    def call(self, inputs, training=False):
        if not training:
            return inputs - self.mean
        mean = np.mean(inputs, axis=0)
        self.mean.assign(self.mean * 0.9 + mean * 0.1)
        self.count.assign(self.count + 1)
        return inputs - mean


class Counted(Layer):
    """Scales by how often it was called, counting this call: what is assigned is read again."""

    def build(self, input_shape):
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")

    def call(self, inputs):
        self.count.assign(self.count + 1)
        self.count.assign(self.count + 1)
        return inputs / (self.count + 1)


def test_a_moving_mean_and_a_count():
    one, _ = agree(lambda: Sequential([Input((4,)), Dense(3), Centered(name="c"), Dense(1)]), X, Y, optimizer="adam",
                   loss="mse")  # fmt: skip
    layer = one.get_layer("c")
    assert float(layer.count) == 10  # two epochs of five batches; evaluation and prediction change nothing
    assert np.abs(layer.mean.numpy()).max() > 0


def test_what_was_assigned_is_what_is_read_after_it():
    one, _ = agree(lambda: Sequential([Input((4,)), Counted(name="c"), Dense(1)]), X, Y, optimizer="sgd", loss="mse")
    assert float(one.get_layer("c").count) == 2 * (10 + 5 + 5)  # here every mode counts


def test_drawing_the_graph_changes_no_state():
    model = Sequential([Input((4,)), Counted(name="c"), Dense(1)])
    model.summary()
    model.compile("adam", "mse")
    model.program("train", 8)
    assert float(model.get_layer("c").count) == 0


def test_a_shared_layer_is_updated_twice():
    def build():
        a, b = Input((4,)), Input((4,))
        shared = Counted(name="c")
        return Model([a, b], Dense(1)(shared(a) + shared(b)))

    one, _ = agree(build, [X, X], Y, optimizer="sgd", loss="mse")
    assert float(one.get_layer("c").count) == 4 * (10 + 5 + 5)


def test_numbers_and_arrays_can_be_assigned():
    class Marked(Layer):
        def build(self, input_shape):
            self.seen = self.add_weight(shape=(2,), initializer="zeros", trainable=False, name="seen")
            self.last = self.add_weight(shape=(2,), initializer="zeros", trainable=False, name="last")

        def call(self, inputs):
            self.seen.assign([1, 2])
            self.last.assign(self.seen)
            return inputs

    one, other = twins(lambda: Sequential([Input((4,)), Marked(name="m"), Dense(1)]), optimizer=lambda: "sgd",
                       loss=lambda: "mse")  # fmt: skip
    for model in (one, other):
        assert model.get_layer("m").seen.tolist() == [0, 0]
        model.train_on_batch(X, Y)
        assert model.get_layer("m").seen.tolist() == model.get_layer("m").last.tolist() == [1, 2]
    traced(one, "train")
    same_state(one, other, 1e-6)


def test_a_shape_that_does_not_fit_is_an_error_when_the_graph_is_drawn():
    class Wrong(Layer):
        def build(self, input_shape):
            self.state = self.add_weight(shape=(2,), initializer="zeros", trainable=False, name="state")

        def call(self, inputs):
            self.state.assign(np.mean(inputs, axis=0))
            return inputs

    with pytest.raises(ShapeError, match=r"state: assign\(\) got shape \(4,\), expected \(2,\)"):
        Sequential([Input((4,)), Wrong()])


@pytest.mark.parametrize(
    "look",
    [float, bool, np.asarray, Variable.item, Variable.numpy, lambda count: count.data, lambda count: count.tolist()],
)
def test_a_layer_that_looks_at_its_state_in_python_runs_eagerly(look):
    class Looking(Layer):
        def build(self, input_shape):
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")

        def call(self, inputs):
            scale = 1 + float(look(self.count))
            self.count.assign(self.count + 1)
            return inputs * scale

    one, other = twins(lambda: Sequential([Input((4,)), Looking(), Dense(1)]), optimizer=lambda: "sgd",
                       loss=lambda: "mse")  # fmt: skip
    with pytest.warns(UserWarning, match=r"the train step runs eagerly.*looks at the values of the variable .*count"):
        one.train_on_batch(X, Y)
    other.train_on_batch(X, Y)
    for model in (one, other):
        model.train_on_batch(X, Y)
    same_state(one, other)


def test_a_weight_that_is_trained_and_assigned_to_runs_eagerly():
    class Both(Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(), initializer="ones", name="w")

        def call(self, inputs, training=False):
            out = inputs * 1.0 + self.w
            if training:
                self.w.assign(self.w * 0.5)
            return out

    one, _ = twins(lambda: Sequential([Input((4,)), Both()]), optimizer=lambda: "sgd", loss=lambda: "mse")
    with pytest.warns(UserWarning, match="w is both trained and assigned to"):
        one.train_on_batch(X, X)


def test_assign_alone_is_as_before():
    v = Variable(np.zeros(2, np.float32))
    v.assign([1, 2])
    v.assign(v + 1)
    assert v.tolist() == [2, 3]
