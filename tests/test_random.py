"""The same seed gives the same numbers: streams, keyed generators, shuffles."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import random
from minigrad.errors import CorruptFile
from minigrad.random import Stream

SCRIPT = """
from minigrad import random
random.set_seed(3)
print([s.generator.random() for s in (random.Stream(), random.Stream(), random.Stream(5))],
      random.generator("a", 1).random(), random.permutation(5, None, 2).tolist())
"""


@pytest.fixture(autouse=True)
def _unseeded(monkeypatch):
    monkeypatch.setattr(random, "_seed", None)


def first(stream):
    return stream.generator.random(4).tolist()


def test_set_seed_starts_the_streams_again():
    random.set_seed(1)
    before = [first(Stream()) for _ in range(3)]
    random.set_seed(1)
    assert [first(Stream()) for _ in range(3)] == before
    assert len(set(map(tuple, before))) == 3
    random.set_seed(2)
    assert first(Stream()) not in before


def test_a_seeded_stream_is_numpys_and_takes_no_turn():
    random.set_seed(1)
    expected = [first(Stream()), first(Stream())]
    random.set_seed(1)
    got = [first(Stream())]
    assert first(Stream(0)) == np.random.default_rng(0).random(4).tolist()
    assert [*got, first(Stream())] == expected


def test_without_a_seed_the_systems_entropy_is_drawn_once():
    seed = random.get_seed()
    assert seed > 1 << 32
    assert random.get_seed() == seed


def test_numpys_global_state_is_left_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    random.set_seed(1)
    first(Stream())
    random.permutation(10, 1, 1)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_generators_depend_on_seed_and_key_alone():
    random.set_seed(1)
    keys = [(), (0,), (1,), (0, 1), (1, 0), ("a",), ("b",), ("a", 0)]
    numbers = [random.generator(*key).random() for key in keys]
    assert len(set(numbers)) == len(keys)
    first(Stream())
    assert [random.generator(*key).random() for key in keys] == numbers


@given(st.integers(0, 50), st.integers(0, 2**64), st.integers(0, 1000))
def test_permutations_are_permutations_and_repeat(n, seed, epoch):
    order = random.permutation(n, seed, epoch)
    assert sorted(order) == list(range(n))
    assert order.tolist() == random.permutation(n, seed, epoch).tolist()


def test_epochs_and_seeds_differ_and_none_is_the_global_seed():
    orders = {tuple(random.permutation(20, seed, epoch)) for seed in range(5) for epoch in range(5)}
    assert len(orders) == 25
    random.set_seed(4)
    assert random.permutation(20, None, 3).tolist() == random.permutation(20, 4, 3).tolist()


@given(st.integers(0, 100), st.sampled_from(["random", "standard_normal"]))
def test_a_stream_goes_on_where_its_state_was_saved(seed, method):
    stream = Stream(seed)
    stream.generator.integers(0, 10, 3, dtype=np.int32)  # leaves half a word behind
    state = json.loads(json.dumps(stream.get_state()))
    expected = getattr(stream.generator, method)(5).tolist()
    other = Stream(seed + 1)
    other.set_state(state)
    assert getattr(other.generator, method)(5).tolist() == expected
    assert all(isinstance(value, str) for value in state.values())  # 128 bits do not fit a JSON float


@pytest.mark.parametrize(
    "damage",
    [
        {"state": "x"},
        {"state": str(1 << 128)},
        {"inc": "-1"},
        {"inc": 3},
        {"has_uint32": "2"},
        {"uinteger": "٣"},
        {"state": "9" * 10_000},
        {"more": "1"},
    ],
)
def test_a_damaged_state_is_refused_and_changes_nothing(damage):
    stream = Stream(1)
    before = stream.get_state()
    with pytest.raises(CorruptFile, match="random state"):
        stream.set_state(before | damage)
    with pytest.raises(CorruptFile, match="random state"):
        stream.set_state(None)
    assert stream.get_state() == before


@pytest.mark.parametrize("seed", [1.0, "1", True, [1]])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(TypeError, match="A seed is a whole number"):
        Stream(seed)


def test_a_seed_is_not_negative_and_the_global_one_not_none():
    with pytest.raises(ValueError, match="got -1"):
        Stream(-1)
    with pytest.raises(ValueError, match="got None"):
        random.set_seed(None)
    assert Stream(np.int64(3)).seed == 3


def test_two_processes_agree_whatever_the_hash_seed():
    runs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1")
    ]
    assert runs[0] == runs[1]
    assert runs[0]
