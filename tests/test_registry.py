"""Names, configs, classes and instances, there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import UnknownName
from minigrad.registry import Registry, construct, snake_case


class Shape:
    def __init__(self, size=1, name="a"):
        self.size, self.name = size, name

    def get_config(self):
        return {"size": self.size, "name": self.name}


class RoundThing(Shape):
    pass


def twice(x):
    return 2 * x


@pytest.fixture
def shapes():
    registry = Registry("shape", Shape)
    registry.register("ball", "sphere")(RoundThing)
    return registry


@pytest.fixture
def anything():
    registry = Registry("function")
    registry.register("double")(twice)
    return registry


@pytest.mark.parametrize("name", ["RoundThing", "round_thing", "roundthing", "ROUND_THING", "ball", "sphere"])
def test_any_spelling_of_a_name_gives_a_fresh_instance(shapes, name):
    assert type(shapes.get(name)) is RoundThing
    assert shapes.get(name) is not shapes.get(name)


def test_classes_are_called_and_instances_come_back(shapes):
    thing = RoundThing(3)
    assert shapes.get(thing) is thing
    assert type(shapes.get(RoundThing)) is RoundThing


def test_functions_come_back_as_they_are(anything):
    assert anything.get("double") is twice
    assert anything.get(twice) is twice
    assert anything.get(np.tanh) is np.tanh


def test_a_misspelt_name_gets_a_hint(shapes):
    with pytest.raises(UnknownName, match=r"Unknown shape 'bal'\. Did you mean 'ball'\? Known: ball, sphere\."):
        shapes.get("bal")


@pytest.mark.parametrize("stranger", [3, None, [], np.zeros(3), object(), twice, object])
def test_what_is_no_member_is_refused(shapes, stranger):
    with pytest.raises(UnknownName, match="Cannot tell which shape"):
        shapes.get(stranger)


@given(st.integers(), st.text())
def test_instances_survive_the_round_trip(size, name):
    shapes = Registry("shape", Shape)
    shapes.register()(RoundThing)
    config = shapes.serialize(RoundThing(size, name))
    assert config == {"class_name": "RoundThing", "config": {"size": size, "name": name}}
    assert shapes.serialize(shapes.deserialize(config)) == config


def test_functions_survive_the_round_trip(anything):
    assert anything.serialize(twice) == "twice"
    assert anything.deserialize("twice") is twice


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"class_name": "RoundThing", "config": {"sise": 2}}, r"RoundThing 'sise'\. Did you mean 'size'"),
        ({"class_name": "RoundThing", "config": 3}, "argument of RoundThing"),
        ({"class_name": "RoundThing", "module": "os"}, "key in the config of shape 'module'"),
        ({"class_name": "round_thing", "config": {}}, "Unknown shape 'round_thing'"),  # exact, in a config
        ({"class_name": "__class__"}, "Unknown shape '__class__'"),
        ({"class_name": 3}, "A shape config is"),
        ({}, "A shape config is"),
        (["RoundThing"], "A shape config is"),
    ],
)
def test_a_wrong_config_says_what_is_wrong(shapes, config, message):
    with pytest.raises(UnknownName, match=message):
        shapes.deserialize(config)


def test_custom_objects_add_names(shapes):
    class Mine(Shape):
        pass

    config = shapes.serialize(Mine(4))
    with pytest.raises(UnknownName, match="Unknown shape 'Mine'"):
        shapes.deserialize(config)
    assert shapes.deserialize(config, {"Mine": Mine}).size == 4


def test_what_cannot_be_found_again_cannot_be_serialized(shapes, anything):
    with pytest.raises(UnknownName, match="has no name"):
        anything.serialize(lambda x: x)
    impostor = type("RoundThing", (Shape,), {})
    with pytest.raises(UnknownName, match="is one of ours"):
        shapes.serialize(impostor())


def test_a_taken_name_and_a_stranger_cannot_be_registered(shapes):
    with pytest.raises(ValueError, match="'ball' is taken by RoundThing"):
        shapes.register("ball")(type("Other", (Shape,), {}))
    with pytest.raises(TypeError, match="it is no Shape"):
        shapes.register()(int)
    with pytest.raises(TypeError, match=r"@register\(\)"):
        shapes.register(RoundThing)
    with pytest.raises(UnknownName):
        shapes.get("Other")  # the failed attempt left nothing behind


def test_the_same_definition_run_again_takes_the_place_of_the_first(shapes):
    again = type("RoundThing", (Shape,), {"__module__": RoundThing.__module__})
    shapes.register("ball")(again)
    assert type(shapes.get("ball")) is again


def test_construct_lets_keyword_catchers_have_their_way():
    class Open:
        def __init__(self, **kwargs):
            self.kwargs = kwargs

    assert construct(Open, {"anything": 1}).kwargs == {"anything": 1}


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Dense", "dense"),
        ("GlobalMaxPooling1D", "global_max_pooling1d"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("SimpleRNN", "simple_rnn"),
        ("LSTM", "lstm"),
        ("ReLU", "re_lu"),
        ("LeakyReLU", "leaky_re_lu"),
        ("PReLU", "p_re_lu"),
        ("CuDNNLSTM", "cu_dnnlstm"),
        ("MultiHeadAttention", "multi_head_attention"),
        ("_Mine", "private__mine"),
    ],
)
def test_snake_case_is_keras_rule(name, snake):
    assert snake_case(name) == snake
