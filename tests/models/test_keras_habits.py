"""Lines that people from Keras write out of habit, and the mistakes that go with them."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.callbacks import EarlyStopping
from minigrad.layers import Dense, Input
from minigrad.losses import MeanSquaredError
from minigrad.metrics import Mean, MeanAbsoluteError, Metric
from minigrad.models import Model, Sequential

X = np.linspace(-1, 1, 32).reshape(8, 4)
Y = X.sum(1, keepdims=True)


def compiled(*args, **kwargs):
    model = Sequential([Input((4,)), Dense(1)])
    model.compile(*args, **kwargs)
    return model


class Subclassed(Model):
    def __init__(self):
        super().__init__()
        self.towers = [Dense(3, activation="relu"), Dense(1)]

    def call(self, x):
        for layer in self.towers:
            x = layer(x)
        return x


def test_metrics_names_are_those_of_the_figures():
    x = Input((4,))
    model = Model(x, {"a": Dense(1, name="a")(x), "b": Dense(1, name="b")(x)})
    model.compile("sgd", {"a": "mse", "b": "mae"}, metrics={"a": ["mae", "accuracy"], "b": "mae"})
    names = ["loss", "a_loss", "b_loss", "a_mae", "a_accuracy", "b_mae"]
    assert model.metrics_names == names
    assert list(model.evaluate(X, {"a": Y, "b": Y}, verbose=0, return_dict=True)) == names == model.metrics_names
    assert [m.name for m in model.metrics] == ["mae", "accuracy", "mae"]


def test_no_metrics_and_loss_weights():
    x = Input((4,))
    model = Model(x, [Dense(1)(x), Dense(1)(x)])
    model.compile("sgd", ["mse", "mse"], metrics=[], loss_weights=[1.0, 0.0])
    total, first, _ = model.evaluate(X, [Y, Y], verbose=0)
    assert total == pytest.approx(first)


class Tracked(Model):
    """The pattern of Keras's guide: a train_step of one's own, with metrics kept as attributes."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_tracker = Mean("loss")
        self.error = MeanAbsoluteError("mae")

    def train_step(self, data):
        x, y = data
        y_pred = self(x, training=True)
        loss = MeanSquaredError()(y, y_pred)
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(mg.grad(loss, weights), weights, strict=True))
        self.loss_tracker.update_state(loss)
        self.error.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_metrics_kept_as_attributes_begin_anew_with_each_epoch():
    x = Input((4,))
    model = Tracked(x, Dense(1)(x))
    model.compile("sgd")
    assert model.metrics == [model.loss_tracker, model.error]
    history = model.fit(X, Y, batch_size=2, epochs=3, verbose=0).history
    assert list(history) == ["loss", "mae"]
    assert model.loss_tracker.count == 4  # batches of the last epoch alone


class Largest(Metric):
    """A metric as one writes it for Keras, with its state as a variable."""

    def __init__(self, name="largest", **kwargs):
        super().__init__(name=name, **kwargs)
        self.largest = self.add_weight(name="largest", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.largest.assign(np.maximum(self.largest, np.max(np.absolute(y_true - y_pred))))

    def result(self):
        return self.largest


def test_a_metric_with_weights_of_its_own():
    model = compiled("sgd", "mse", metrics=[Largest()])
    expected = np.absolute(model.predict(X, verbose=0) - Y).max()
    for _ in range(2):
        value = model.evaluate(X, Y, batch_size=3, verbose=0)[1]
        assert type(value) is float
        assert value == pytest.approx(expected)
    assert model.fit(X[:1], Y[:1], verbose=0).history["largest"][0] <= expected + 1e-6
    model.reset_metrics()
    assert model.metrics[0].result().item() == 0.0


def test_a_subclassed_model_is_built_from_a_shape(tmp_path):
    first, second = Subclassed(), Subclassed()
    first.build((None, 4))
    second.build((None, 4))
    assert [w.shape for w in first.weights] == [(4, 3), (3,), (3, 1), (1,)]
    first.save_weights(tmp_path / "w.safetensors")
    second.load_weights(tmp_path / "w.safetensors")
    assert np.array_equal(first.predict(X, verbose=0), second.predict(X, verbose=0))


@pytest.mark.parametrize("model", [Subclassed(), Sequential([Dense(2)])])
def test_weights_on_disk_want_a_built_model(model, tmp_path):
    path = tmp_path / "w.safetensors"
    with pytest.raises(ValueError, match=r"save_weights: \w+ has no weights yet: .* build\(input_shape\)"):
        model.save_weights(path)
    assert not path.exists()
    with pytest.raises(ValueError, match=r"load_weights: \w+ has no weights yet"):
        model.load_weights(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"callbacks": "EarlyStopping"}, "callback is an instance of Callback, got 'EarlyStopping'"),
        ({"callbacks": 3}, "callback is an instance of Callback, got 3"),
        ({"callbacks": EarlyStopping}, "It is a class: call it"),
        ({"batch_size": [1]}, r"batch_size must be a whole number from 1, got \[1\]"),
        ({"batch_size": float("nan")}, "batch_size must be a whole number from 1, got nan"),
        ({"epochs": None}, "epochs must be a whole number from 0, got None"),
        ({"validation_split": "a"}, "validation_split='a'; expected a fraction"),
    ],
)
def test_arguments_of_another_type(arguments, message):
    model = compiled("sgd", "mse")
    before = model.get_weights()
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit(X, Y, verbose=0, **arguments)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_several_inputs_as_lists_of_lists():
    a, b = Input((1,)), Input((2,))
    model = Model([a, b], Dense(1)(np.concatenate([a, b], axis=1)))
    with pytest.raises(ValueError, match=r"x: the list does not make one array: .*make an array of each"):
        model.predict([[[1], [2]], [[1, 2], [3, 4]]], verbose=0)
