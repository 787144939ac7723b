"""The global float type and small constant."""

from __future__ import annotations

import math

import pytest

from minigrad import config
from minigrad.errors import UnknownName


@pytest.fixture(autouse=True)
def _restored():
    floatx, epsilon = config.floatx(), config.epsilon()
    yield
    config.set_floatx(floatx)
    config.set_epsilon(epsilon)


def test_defaults_are_keras_ones():
    assert config.floatx() == "float32"
    assert config.epsilon() == 1e-7


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_floatx_is_what_was_set(name):
    config.set_floatx(name)
    assert config.floatx() == name


def test_a_misspelt_float_gets_a_hint_and_changes_nothing():
    with pytest.raises(UnknownName, match=r"'flaot64'.*Did you mean 'float64'"):
        config.set_floatx("flaot64")
    assert config.floatx() == "float32"


def test_integers_are_no_default_float():
    with pytest.raises(UnknownName, match="'int32'"):
        config.set_floatx("int32")


def test_epsilon_is_what_was_set():
    config.set_epsilon(1e-3)
    assert config.epsilon() == 1e-3


@pytest.mark.parametrize("bad", [0, -1e-7, math.nan, math.inf])
def test_epsilon_must_be_a_small_positive_number(bad):
    with pytest.raises(ValueError, match="epsilon must be"):
        config.set_epsilon(bad)
    assert config.epsilon() == 1e-7
