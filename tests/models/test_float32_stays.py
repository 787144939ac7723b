"""A float32 model stays float32, weights without axes and Python numbers included, in every NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import Input, Model, grad, losses
from minigrad.layers import Activation, Dense, Lambda, Layer
from training_cases import X, Y

OPTIMIZERS = "sgd rmsprop adam adamw adagrad adadelta adamax nadam lion".split()


class Gain(Layer):
    """One number for all; with a penalty, and a state that follows the mean."""

    def build(self, input_shape):
        self.gain = self.add_weight(shape=(), initializer="ones", regularizer="l2", name="gain")
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")

    def call(self, inputs):
        y = inputs * (0.5 + self.gain) / 1.5
        self.add_loss(0.01 * np.mean(y) ** 2)
        return y + 0.1 * self.seen


def model(**how):
    x = Input((4,))
    h = Gain()(Dense(3, kernel_regularizer="l1", bias_regularizer="l2")(x))
    h = Lambda(lambda t: t * 0.3 + 1)(Activation("gelu")(h) - h.mean(axis=1, keepdims=True))
    made = Model(x, Dense(1)(h) * 2.0)
    made.compile(**{"optimizer": "sgd", "loss": "mse", **how})
    return made


def test_forward_loss_and_gradients():
    net = model()
    y = net(X)
    loss = losses.MeanSquaredError()(Y, y) + sum(net.losses)
    assert y.dtype == loss.dtype == net.predict(X, verbose=0).dtype == np.float32
    grads = grad(loss, net.trainable_weights)
    assert [(g.shape, g.dtype) for g in grads] == [(w.shape, np.float32) for w in net.trainable_weights]
    assert all(type(g) is np.ndarray for g in grads)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training(optimizer):
    net = model(optimizer=optimizer)
    before = net.get_weights()
    net.fit(X, Y, epochs=2, verbose=0)
    assert {w.dtype for w in net.weights} == {np.dtype(np.float32)}
    slots = {name: value.dtype for name, value in net.optimizer.state.items() if "/" in name}
    assert set(slots.values()) <= {np.dtype(np.float32)}
    assert any(not np.array_equal(a, b) for a, b in zip(before, net.get_weights()))
