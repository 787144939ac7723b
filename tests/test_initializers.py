"""Keras's initializers: distributions, fans, seeds, names."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad import initializers, random
from minigrad.errors import DTypeError, ShapeError, UnknownName
from minigrad.initializers import (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Identity,
    Initializer,
    LecunNormal,
    LecunUniform,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
)

RANDOM = [
    RandomNormal,
    TruncatedNormal,
    RandomUniform,
    VarianceScaling,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
]
PLAIN = [Zeros, Ones, Constant, Identity]


@pytest.fixture(autouse=True)
def _seeded():
    random.set_seed(11)


@pytest.mark.parametrize("cls", RANDOM + PLAIN)
@pytest.mark.parametrize("dtype", [None, "float64", "float16"])
def test_shape_and_dtype_are_as_asked(cls, dtype):
    array = cls()((3, 4), dtype)
    assert array.shape == (3, 4)
    assert array.dtype == (dtype or "float32")
    assert array.flags.c_contiguous
    assert array.flags.writeable


@pytest.mark.parametrize("cls", RANDOM)
def test_a_seed_gives_the_same_numbers_at_every_call_and_dtype(cls):
    one = cls(seed=0)
    assert (one((5, 6)) == one((5, 6))).all()
    assert (one((5, 6)) == cls(seed=0)((5, 6))).all()
    assert (one((5, 6), "float64").astype("float32") == one((5, 6))).all()
    assert (one((5, 6)) != cls(seed=1)((5, 6))).any()


@pytest.mark.parametrize("cls", RANDOM)
def test_without_a_seed_each_call_draws_anew_from_the_global_one(cls):
    one = cls()
    first, second = one((5, 6)), one((5, 6))
    assert (first != second).any()
    random.set_seed(11)
    assert (cls()((5, 6)) == first).all()


@pytest.mark.parametrize("cls", RANDOM)
def test_only_floats_are_drawn(cls):
    with pytest.raises(DTypeError, match=rf"{cls.__name__} draws floats.*int32"):
        cls()((2, 2), "int32")


def test_plain_ones_fill_any_dtype():
    assert Zeros()((2,), "int64").tolist() == [0, 0]
    assert Ones()((2,), "bool").tolist() == [True, True]
    assert Constant(3)((2,), "int32").tolist() == [3, 3]
    assert Identity(2.0)((2, 3)).tolist() == [[2, 0, 0], [0, 2, 0]]


def test_defaults_are_keras_ones():
    assert RandomUniform().get_config() == {"minval": -0.05, "maxval": 0.05, "seed": None}
    assert RandomNormal().get_config() == {"mean": 0.0, "stddev": 0.05, "seed": None}
    assert TruncatedNormal().get_config() == {"mean": 0.0, "stddev": 0.05, "seed": None}
    assert Constant().get_config() == {"value": 0.0}
    assert Orthogonal().get_config() == {"gain": 1.0, "seed": None}
    assert VarianceScaling().get_config() == {
        "scale": 1.0,
        "mode": "fan_in",
        "distribution": "truncated_normal",
        "seed": None,
    }


N = 400_000


@pytest.mark.parametrize(
    ("initializer", "mean", "stddev", "limit"),
    [
        (RandomNormal(1.0, 2.0, seed=1), 1.0, 2.0, None),
        (TruncatedNormal(1.0, 2.0, seed=1), 1.0, 2.0 * 0.8796256610342398, 4.0),
        (RandomUniform(-1.0, 3.0, seed=1), 1.0, 4 / math.sqrt(12), 2.0),
    ],
)
def test_plain_distributions(initializer, mean, stddev, limit):
    x = initializer((N,), "float64")
    assert x.mean() == pytest.approx(mean, abs=0.01)
    assert x.std() == pytest.approx(stddev, rel=0.01)
    if limit is not None:
        far = np.abs(x - mean).max()
        assert limit * 0.999 < far <= limit


# For a kernel of shape (2, 250, 400): fan_in 500, fan_out 800.
SCALED = [
    (GlorotNormal, 2 / 1300, "truncated"),
    (GlorotUniform, 2 / 1300, "uniform"),
    (HeNormal, 2 / 500, "truncated"),
    (HeUniform, 2 / 500, "uniform"),
    (LecunNormal, 1 / 500, "truncated"),
    (LecunUniform, 1 / 500, "uniform"),
    (lambda seed: VarianceScaling(3.0, "fan_out", "untruncated_normal", seed), 3 / 800, "normal"),
    (lambda seed: VarianceScaling(3.0, "fan_avg", "normal", seed), 3 / 650, "truncated"),
]


@pytest.mark.parametrize(("make", "variance", "kind"), SCALED)
def test_scaled_distributions(make, variance, kind):
    x = make(seed=3)((2, 250, 400), "float64")
    stddev = math.sqrt(variance)
    assert x.mean() == pytest.approx(0.0, abs=0.01 * stddev * 2)
    assert x.std() == pytest.approx(stddev, rel=0.01)
    farthest = np.abs(x).max() / stddev
    if kind == "uniform":
        assert 0.99 * math.sqrt(3) < farthest <= math.sqrt(3)
    elif kind == "truncated":
        assert 2.2 < farthest <= 2 / 0.87962566103423978
    else:
        assert farthest > 4


@pytest.mark.parametrize(
    ("shape", "fans"),
    [((), (1, 1)), ((7,), (7, 7)), ((3, 5), (3, 5)), ((2, 3, 5), (6, 10)), ((0, 5), (0, 5))],
)
def test_fans_follow_keras_rule(shape, fans):
    assert initializers._fans(shape) == fans
    for mode, fan in zip(("fan_in", "fan_out"), fans, strict=True):
        array = VarianceScaling(1.0, mode, "uniform", 1)(shape)
        assert array.shape == shape
        assert (np.abs(array) <= math.sqrt(3 / max(1, fan))).all()


@given(hnp.array_shapes(min_dims=2, max_dims=4, max_side=6), st.floats(0.1, 3))
def test_orthogonal_is_orthonormal_times_gain(shape, gain):
    matrix = Orthogonal(gain, seed=1)(shape, "float64").reshape(-1, shape[-1])
    if matrix.shape[0] < matrix.shape[1]:
        matrix = matrix.T
    np.testing.assert_allclose(matrix.T @ matrix, gain**2 * np.eye(matrix.shape[1]), atol=1e-12)


def test_matrices_only():
    with pytest.raises(ShapeError, match=r"Orthogonal.*\(3,\)"):
        Orthogonal()((3,))
    with pytest.raises(ShapeError, match=r"Identity.*\(2, 2, 2\)"):
        Identity()((2, 2, 2))


def test_constant_takes_an_array_of_the_weights_shape_and_no_other():
    vectors = np.arange(6.0).reshape(3, 2)
    made = Constant(vectors)((3, 2))
    assert made.tolist() == vectors.tolist()
    assert not np.shares_memory(made, vectors)
    with pytest.raises(ShapeError, match=r"\(3, 2\).*\(2, 3\)"):
        Constant(vectors)((2, 3))
    with pytest.raises(DTypeError, match="Constant needs a number"):
        Constant("1")


def test_large_weights_are_drawn_in_pieces_of_one_sequence(monkeypatch):
    whole = RandomNormal(seed=1)((40, 5), "float64")
    monkeypatch.setattr(initializers, "_PIECE", 7)
    assert (RandomNormal(seed=1)((40, 5), "float64") == whole).all()


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("zeros", Zeros),
        ("zero", Zeros),
        ("ones", Ones),
        ("one", Ones),
        ("uniform", RandomUniform),
        ("random_uniform", RandomUniform),
        ("normal", RandomNormal),
        ("random_normal", RandomNormal),
        ("truncated_normal", TruncatedNormal),
        ("glorot_uniform", GlorotUniform),
        ("GlorotUniform", GlorotUniform),
        ("he_normal", HeNormal),
        ("lecun_uniform", LecunUniform),
        ("orthogonal", Orthogonal),
        ("identity", Identity),
        ("variance_scaling", VarianceScaling),
    ],
)
def test_names(name, cls):
    assert type(initializers.get(name)) is cls


def test_the_other_identifiers():
    def mine(shape, dtype=None):
        return np.full(shape, 7, dtype)

    assert initializers.get(None) is None
    assert initializers.get(mine) is mine
    assert type(initializers.get(HeNormal)) is HeNormal
    assert type(initializers.get(initializers.he_normal)) is HeNormal
    with pytest.raises(UnknownName, match=r"Constant\(array\)"):
        initializers.get(np.zeros((2, 2)))
    with pytest.raises(UnknownName, match="Did you mean 'glorot_uniform'"):
        initializers.get("glorot_unifrom")
    with pytest.raises(UnknownName, match=r"argument of RandomNormal 'sttdev'\. Did you mean 'stddev'"):
        initializers.get({"class_name": "RandomNormal", "config": {"sttdev": 1}})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: VarianceScaling(mode="fan_inn"), "Unknown mode 'fan_inn'. Did you mean 'fan_in'"),
        (lambda: VarianceScaling(distribution="unform"), "Did you mean 'uniform'"),
        (lambda: VarianceScaling(0), "scale of VarianceScaling must be above zero"),
        (lambda: VarianceScaling(math.nan), "scale of VarianceScaling must be above zero"),
        (lambda: RandomUniform(1, 0), "minval <= maxval"),
        (lambda: HeNormal(seed=-1), "A seed is"),
    ],
)
def test_bad_arguments_are_told(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("cls", RANDOM)
@settings(max_examples=10)
@given(seed=st.none() | st.integers(0, 2**63))
def test_configs_survive_json(cls, seed):
    one = cls(seed=seed)
    config = json.loads(json.dumps(initializers.serialize(one)))
    other = initializers.deserialize(config)
    assert type(other) is cls
    assert initializers.serialize(other) == initializers.serialize(one)
    if seed is not None:
        assert (other((3, 4)) == one((3, 4))).all()


def test_constant_arrays_survive_json():
    config = json.loads(json.dumps(initializers.serialize(Constant([[1.5, 2.0]]))))
    assert initializers.deserialize(config)((1, 2)).tolist() == [[1.5, 2.0]]


def test_ones_own_class_needs_a_call_and_comes_back_through_custom_objects():
    class Sevens(Initializer):
        def __call__(self, shape, dtype=None):
            return np.full(shape, 7, dtype)

    config = initializers.serialize(Sevens())
    assert initializers.deserialize(config, {"Sevens": Sevens})((1,)).tolist() == [7]
    with pytest.raises(NotImplementedError, match="__call__"):
        Initializer()((1,))
