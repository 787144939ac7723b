"""Layers of a user's own: only call, build with weights, layers inside, and mistakes."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.errors import MinigradError, TracingError
from minigrad.layers import Dense, Dropout, Embedding, Input, Layer


class Squared(Layer):
    def call(self, inputs):
        return inputs * inputs


class Scaled(Layer):
    def __init__(self, power=1, **kwargs):
        super().__init__(**kwargs)
        self.power = power

    def build(self, input_shape):
        self.scale = self.add_weight(shape=input_shape[-1:], initializer="ones", name="scale")
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")

    def call(self, inputs):
        return inputs * self.scale**self.power


class Tower(Layer):
    """Layers in an attribute, a list and a dict."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.table = Embedding(5, 4)
        self.stack = [Dense(3, activation="tanh"), Dropout(0.5), Dense(2)]
        self.heads = {"out": Scaled()}

    def call(self, ids):
        x = self.table(ids)
        for layer in self.stack:
            x = layer(x)
        return self.heads["out"](x)


def test_only_call():
    np.testing.assert_array_equal(Squared()(np.array([3.0])).numpy(), [9])
    assert Squared()(Input((4,))).shape == (None, 4)
    assert Squared().compute_output_shape((None, 4)) == (None, 4)
    assert Squared(name="mine").get_config() == {"name": "mine", "trainable": True, "dtype": "float32"}


def test_build_makes_weights_once():
    layer = Scaled()
    layer(Input((4,)))
    layer(np.ones((1, 4)))
    assert [w.shape for w in layer.weights] == [(4,), ()]
    assert [w.name for w in layer.trainable_weights] == ["scale"]
    assert [w.name for w in layer.non_trainable_weights] == ["seen"]
    assert layer.count_params() == 5


def test_weights_of_layers_inside_are_found_and_named():
    tower = Tower()
    assert tower(Input((6,), dtype="int32")).shape == (None, 6, 2)
    paths = [path.split("/") for path in tower.named_weights()]
    assert [f"{path[0]} {path[-1]}" for path in paths] == [
        "table embeddings", "stack kernel", "stack bias", "stack kernel", "stack bias", "heads scale", "heads seen",
    ]  # fmt: skip
    assert tower.count_params() == 20 + 15 + 8 + 3


def test_freezing_reaches_the_layers_inside_and_comes_back():
    tower = Tower()
    tower(Input((6,), dtype="int32"))
    tower.trainable = False
    assert tower.trainable_weights == []
    tower.trainable = True
    assert len(tower.trainable_weights) == 6
    assert [w.name for w in tower.non_trainable_weights] == ["seen"]


def test_frozen_before_it_is_built():
    layer = Scaled(trainable=False)
    layer(Input((4,)))
    assert layer.trainable_weights == []


def test_a_shared_layer_counts_once():
    class Twice(Layer):
        def __init__(self):
            super().__init__()
            self.first = Dense(3)
            self.second = self.first

        def call(self, inputs):
            return self.second(self.first(inputs))

    layer = Twice()
    layer(Input((3,)))
    assert layer.count_params() == 12


def test_float64():
    layer = Scaled(dtype="float64")
    assert layer(np.ones((1, 4), np.float32)).dtype == np.float64
    assert layer.scale.dtype == np.float64


def test_config_round_trip():
    layer = Scaled(power=3, name="cube", dtype="float64")
    twin = Scaled.from_config(layer.get_config())
    assert (twin.power, twin.name, twin.dtype) == (3, "cube", np.float64)


def test_an_argument_that_is_not_kept():
    class Forgetful(Layer):
        def __init__(self, units):
            super().__init__()

    with pytest.raises(TypeError, match="the argument 'units' is not kept as an attribute"):
        Forgetful(3).get_config()


def test_the_innermost_layer_is_blamed():
    class Outer(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Embedding(5, 2, name="words")

        def call(self, inputs):
            return self.inner(inputs)

    with pytest.raises(MinigradError, match=r"^layer words \(Embedding\), called on \(1, 1\): id 9 at \[0, 0\]"):
        Outer()(np.array([[9]]))


def test_numpy_errors_are_told_in_the_layers_terms():
    class Bad(Layer):
        def call(self, inputs):
            return inputs @ np.ones((7, 2), np.float32)

    with pytest.raises(MinigradError, match=r"layer bad \(Bad\), called on \(None, 4\): .*4.*7"):
        Bad()(Input((4,)))
    with pytest.raises(MinigradError, match=r"layer bad \(Bad\), called on \(1, 4\): .*4.*7"):
        Bad()(np.ones((1, 4)))


def test_looking_at_values_cannot_be_drawn():
    class Chooser(Layer):
        def call(self, inputs):
            return inputs if inputs.sum() > 0 else -inputs

    with pytest.raises(TracingError, match=r"layer chooser \(Chooser\).*np\.where"):
        Chooser()(Input((4,)))
    assert Chooser()(np.array([-1.0])).item() == 1


def test_a_layer_without_call():
    with pytest.raises(TypeError, match=r"Layer has no call\(self, inputs\)"):
        Layer()(np.ones(3))


def test_mistakes_in_the_name():
    for name in ("", "a/b", 3):
        with pytest.raises(ValueError, match="expected a non-empty string without '/'"):
            Dense(2, name=name)


def test_a_misspelt_argument_is_named_although_another_is_then_missing():
    with pytest.raises(TypeError, match=r"Unknown argument of Dense 'unit'\. Did you mean 'units'\?"):
        Dense(unit=3)


def test_a_layer_of_ones_own_may_take_arguments_out_of_its_keywords():
    class Mine(Layer):
        def __init__(self, **kwargs):
            self.width = kwargs.pop("width")
            super().__init__(**kwargs)

    assert Mine(width=3, name="mine").width == 3
