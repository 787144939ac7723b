"""Subclassed models, steps of one's own, and freezing."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import Input, Model
from minigrad.layers import Dense
from minigrad.utils import set_random_seed
from training_cases import TwoHeads, X, Y, deep, linear, same


@pytest.mark.parametrize("as_dict", [False, True])
def test_a_subclassed_model_with_several_outputs(as_dict):
    model = TwoHeads(as_dict)
    names = ["a", "b"] if as_dict else ["output_1", "output_2"]
    model.compile("sgd", dict.fromkeys(names, "mse") if as_dict else ["mse", "mse"], metrics=["mae"], run_eagerly=True)
    y = {"a": Y, "b": X[:, :2]} if as_dict else [Y, X[:, :2]]
    history = model.fit(X, y, epochs=2, verbose=0).history
    assert list(history) == [
        "loss", f"{names[0]}_loss", f"{names[1]}_loss", f"{names[0]}_mae", f"{names[1]}_mae"
    ]  # fmt: skip
    assert len(model.weights) == 6


class OwnStep(Model):
    """As in Keras's guides: data is (x, y), and the steps are written out."""

    def train_step(self, data):
        x, y = data
        y_pred = self(x, training=True)
        loss = self.compute_loss(x, y, y_pred)
        gradients = mg.grad(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        return self.compute_metrics(x, y, y_pred)


class OwnLoss(Model):
    def train_step(self, data):
        x, y = data
        loss = ((self(x, training=True) - y) ** 2).mean()
        self.optimizer.apply_gradients(
            zip(mg.grad(loss, self.trainable_variables), self.trainable_variables, strict=True)
        )
        return {"loss": loss}


@pytest.mark.parametrize("kind", [OwnStep, OwnLoss])
def test_a_train_step_of_ones_own(kind):
    expected = linear()
    expected.fit(X, Y, epochs=2, verbose=0)
    set_random_seed(1)
    x = Input((4,))
    model = kind(x, Dense(1)(x))
    model.compile("sgd", "mse")
    history = model.fit(X, Y, epochs=2, verbose=0)
    assert same(expected, model)
    assert type(history.history["loss"][0]) is float


def test_weights_may_be_frozen_between_epochs():
    model = deep()
    before = model.layers[1].get_weights()
    model.layers[1].trainable = False
    model.fit(X, Y, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.layers[1].get_weights(), strict=True))
    model.layers[1].trainable = True
    model.fit(X, Y, verbose=0)
    assert not np.array_equal(before[0], model.layers[1].get_weights()[0])


def test_training_goes_on_after_saving_and_loading_weights(tmp_path):
    model, other = deep(), deep(seed=9)
    model.fit(X, Y, verbose=0)
    model.save_weights(tmp_path / "w.safetensors")
    other.load_weights(tmp_path / "w.safetensors")
    assert same(model, other)
    np.testing.assert_array_equal(model.predict(X, verbose=0), other.predict(X, verbose=0))
