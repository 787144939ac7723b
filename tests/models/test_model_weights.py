"""Weights of whole models: their order, their paths, and files of them."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import Input, Model, Sequential, Variable
from minigrad.errors import CorruptFile, WeightsError
from minigrad.layers import Dense, Embedding, Flatten
from minigrad.saving import safetensors


def functional(units=3):
    x = Input((2,))
    return Model(x, Dense(2)(Flatten()(Embedding(5, units, name="words")(x))))


def shared():
    a, b = Input((3,)), Input((3,))
    layer = Dense(3)
    return Model([a, b], layer(layer(a)) + layer(b))


def nested():
    x, y = Input((3,)), Input((3,))
    inner = Model(x, Dense(2)(x), name="inner")
    return Model(y, Dense(1)(inner(y)))


def sequential():
    return Sequential([Input((3,)), Dense(2), Dense(2)])


class Own(Model):
    def __init__(self):
        super().__init__()
        self.table = Embedding(4, 2)
        self.towers = [Dense(2), Dense(3)]
        self.scale = Variable(np.ones(2, np.float32), name="scale")

    def call(self, ids):
        return [tower(self.table(ids) * self.scale) for tower in self.towers]


def own():
    model = Own()
    model(np.zeros((1, 2), int))
    return model


def with_variable():
    x = Input((3,))
    return Model(x, Dense(2)(x * Variable(np.ones(3, np.float32), name="gain")))


PATHS = {
    functional: ["words/embeddings", "dense_1/kernel", "dense_1/bias"],
    shared: ["dense_1/kernel", "dense_1/bias"],
    nested: ["inner/dense_1/kernel", "inner/dense_1/bias", "dense_1/kernel", "dense_1/bias"],
    sequential: ["dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias"],
    own: ["scale", "table/embeddings", "towers/0/kernel", "towers/0/bias", "towers/1/kernel", "towers/1/bias"],
    with_variable: ["gain", "dense_1/kernel", "dense_1/bias"],
}
BUILDERS = pytest.mark.parametrize("build", list(PATHS))


@BUILDERS
def test_paths(build):
    model = build()
    assert list(model.named_weights()) == PATHS[build]
    assert model.weights == list(model.named_weights().values())
    assert model.count_params() == sum(w.size for w in model.weights)


@BUILDERS
def test_weights_in_a_file_and_back(build, tmp_path):
    saved, loaded = build(), build()
    saved.set_weights([np.random.default_rng(1).normal(size=w.shape) for w in saved.weights])
    path = tmp_path / "weights.safetensors"
    saved.save_weights(path)
    loaded.load_weights(path)
    for one, other in zip(saved.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert set(safetensors.load(path)) == set(PATHS[build])


@BUILDERS
def test_freezing_does_not_change_the_order(build):
    model = build()
    before = model.weights
    model.layers[-1].trainable = False
    assert model.weights == before
    model.set_weights(model.get_weights())
    model.trainable = False
    assert model.weights == before
    assert model.trainable_weights == []
    model.trainable = True
    assert model.trainable_weights == before


def test_missing_extra_and_misshapen_weights_change_nothing(tmp_path):
    path = tmp_path / "weights.safetensors"
    functional(units=4).save_weights(path)
    model = functional()
    before = model.get_weights()
    with pytest.raises(
        WeightsError, match=r"different: words/embeddings is float32 \(5, 3\) in the model, float32 \(5, 4\)"
    ):
        model.load_weights(path)
    nested().save_weights(path)
    with pytest.raises(WeightsError, match="missing: words/embeddings"):
        model.load_weights(path)
    with pytest.raises(WeightsError, match="extra: 'inner/dense_1/kernel'"):
        model.load_weights(path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CorruptFile):
        model.load_weights(path)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_set_weights_checks_before_it_writes():
    model = nested()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"set_weights\(\) got 1 arrays, expected 4: kernel \(3, 2\)"):
        model.set_weights(before[:1])
    wrong = [w + 1 for w in before]
    wrong[3] = np.zeros(7)
    with pytest.raises(ValueError, match=r"got shape \(7,\) for weights\[3\] \(bias\), expected \(1,\)"):
        model.set_weights(wrong)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_get_weights_are_copies():
    model = functional()
    model.get_weights()[0][:] = 7
    assert not (model.get_weights()[0] == 7).any()


def test_a_nested_model_shares_its_weights_with_its_own_self():
    x, y = Input((3,)), Input((3,))
    inner = Model(x, Dense(2)(x))
    outer = Model(y, inner(y))
    outer.set_weights([np.ones((3, 2)), np.zeros(2)])
    assert inner.predict(np.ones((1, 3)), verbose=0).tolist() == [[3, 3]]


def test_the_same_name_as_its_number_when_a_layer_is_in_two_models():
    x = Input((3,))
    first = Dense(3)(x)
    second = Dense(2)(first)
    whole = Model(x, second)
    tail = Model(first, second)
    assert list(tail.named_weights()) == ["dense_1/kernel", "dense_1/bias"]  # within the tail it is the first
    assert whole.layers[2].name == "dense_2"
    assert tail.get_layer("dense_1") is whole.get_layer("dense_2")
