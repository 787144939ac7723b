"""A model's weights, saved and loaded strictly."""

from __future__ import annotations

import os

import numpy as np
import pytest

from minigrad.errors import CorruptFile, WeightsError
from minigrad.saving import load_weights, safetensors, save_weights


class Weight:
    def __init__(self, array):
        self.array = np.asarray(array)
        self.assigned = 0

    shape = property(lambda self: self.array.shape)
    dtype = property(lambda self: self.array.dtype)
    data = property(lambda self: self.array)

    def assign(self, array):
        self.array = np.array(array)
        self.assigned += 1


class Model:
    def __init__(self, **arrays):
        self.weights = {name.replace("__", "/"): Weight(array) for name, array in arrays.items()}

    def named_weights(self):
        return self.weights


def model(fill=0.0, **more):
    f4 = {"dense_1__kernel": (3, 2), "dense_2__kernel": (2, 1), "dense_1__bias": (2,)}
    return Model(**{name: np.full(shape, fill, "f4") for name, shape in f4.items()}, **more)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def test_weights_come_back(path):
    saved, loaded = model(1.5, seed__state=np.arange(3)), model(0.0, seed__state=np.zeros(3, int))
    save_weights(saved, path)
    load_weights(loaded, path)
    for name, weight in loaded.weights.items():
        assert weight.assigned == 1
        assert weight.array.tolist() == saved.weights[name].array.tolist()
        assert weight.dtype == saved.weights[name].dtype


def test_the_file_is_a_safetensors_file_with_the_models_names(path):
    save_weights(model(), path)
    assert set(safetensors.load(path)) == {"dense_1/kernel", "dense_2/kernel", "dense_1/bias"}
    assert safetensors.load_metadata(path)["format"] == "np"


def test_all_differences_are_listed_at_once_and_nothing_is_loaded(path):
    saved = Model(
        dense_1__kernel=np.ones((3, 2), "f8"),
        dense_2__kernel=np.ones((1, 2), "f4"),
        dense_1__bais=np.ones(2, "f4"),
    )
    save_weights(saved, path)
    loaded = model()
    with pytest.raises(WeightsError) as caught:
        load_weights(loaded, path)
    first, *others = str(caught.value).splitlines()
    assert first == f"{path} does not fit the model; nothing was loaded:"
    assert [line.strip() for line in others] == [
        "extra: 'dense_1/bais', float32 (2,)",
        "different: dense_1/kernel is float32 (3, 2) in the model, float64 (3, 2) in the file",
        "different: dense_2/kernel is float32 (2, 1) in the model, float32 (1, 2) in the file",
        "missing: dense_1/bias, float32 (2,). Did you mean 'dense_1/bais'?",
    ]
    assert not any(weight.assigned for weight in loaded.weights.values())


@pytest.mark.parametrize("more", [{"extra__x": np.zeros(1)}, {}])
def test_one_weight_too_many_on_either_side_is_an_error(path, more):
    missing = {"extra__x": np.zeros(1)} if not more else {}
    save_weights(model(**more), path)
    with pytest.raises(WeightsError, match="extra: 'extra/x'" if more else "missing: extra/x"):
        load_weights(model(**missing), path)


def test_a_long_list_of_differences_is_cut(path):
    save_weights(Model(**{f"w{i}": np.zeros(1) for i in range(100)}), path)
    with pytest.raises(WeightsError, match="and 83 more") as caught:
        load_weights(model(), path)
    assert len(str(caught.value).splitlines()) == 22


def test_a_damaged_file_changes_nothing(path):
    save_weights(model(1.0), path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    loaded = model()
    with pytest.raises(CorruptFile, match="SHA-256"):
        load_weights(loaded, path)
    assert not any(weight.assigned for weight in loaded.weights.values())


def test_a_failing_save_keeps_the_old_file(path, monkeypatch):
    save_weights(model(1.0), path)
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_weights(model(2.0), path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("name", ["w.h5", "w.weights.H5", "w.hdf5", "w.keras"])
def test_endings_of_other_formats_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="safetensors, not as"):
        save_weights(model(), tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_text_paths_and_weights_that_are_not_finite(tmp_path):
    save_weights(Model(w=np.array([np.nan, np.inf, -0.0])), str(tmp_path / "w"))
    loaded = Model(w=np.zeros(3))
    load_weights(loaded, str(tmp_path / "w"))
    assert loaded.weights["w"].array.tobytes() == np.array([np.nan, np.inf, -0.0]).tobytes()
