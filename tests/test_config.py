"""The global float type, the small constant, and whether programs are compiled."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from minigrad import config
from minigrad.errors import UnknownName


@pytest.fixture(autouse=True)
def _restored():
    floatx, epsilon, jit_compile = config.snapshot()
    yield
    config.set_floatx(floatx)
    config.set_epsilon(epsilon)
    config.set_jit_compile(jit_compile)


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


def test_jit_compile_is_what_was_set():
    for value in ("auto", False):
        config.set_jit_compile(value)
        assert config.jit_compile() is value
        assert config.snapshot() == (config.floatx(), config.epsilon(), value)


def test_jit_compile_is_auto_unless_somebody_says_otherwise():
    words = [sys.executable, "-c", "from minigrad import config; print(config.jit_compile())"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "auto\n"


@pytest.mark.parametrize("bad", ["on", 1, None, math.nan])
def test_jit_compile_is_auto_true_or_false(bad):
    with pytest.raises(ValueError, match=r"jit_compile must be 'auto', True or False, got"):
        config.set_jit_compile(bad)
    assert config.jit_compile() is False  # as conftest.py set it


def test_compiling_at_any_rate_needs_numba(monkeypatch):
    monkeypatch.setattr(config, "has_numba", lambda: False)
    with pytest.raises(ImportError, match="needs Numba, which is not installed"):
        config.set_jit_compile(True)
    monkeypatch.setattr(config, "has_numba", lambda: True)
    config.set_jit_compile(True)
    assert config.jit_compile() is True
