"""Embedding(storage=...): the table lies in a file, and models with it train, save and load."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import random
from minigrad.errors import ShapeError, StorageError, WeightsError
from minigrad.layers import Dense, Embedding, EmbeddingBag, GlobalAveragePooling1D, Input

ROWS, WIDTH = 3000, 4


def model_with(rows=ROWS, eager=False, jit=False, **options):
    random.set_seed(4)
    x = Input((5,), dtype="int32")
    layer = Embedding(rows, WIDTH, **options)
    model = mg.Model(x, Dense(1)(GlobalAveragePooling1D()(layer(x))))
    model.compile("adam", "mse", run_eagerly=eager, jit_compile=jit)
    return model, layer


def data(rows=ROWS, count=256):
    rng = np.random.default_rng(1)
    return rng.integers(0, rows, (count, 5)).astype(np.int32), rng.normal(size=(count, 1)).astype(np.float32)


def fitted(epochs=2, **options):
    model, layer = model_with(**options)
    model.fit(*data(options.get("rows", ROWS)), batch_size=16, epochs=epochs, shuffle=False, verbose=0)
    return model, layer


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.npy"


@pytest.mark.parametrize("eager", [False, True])
def test_training_is_that_of_a_table_in_memory(path, eager):
    stored, layer = fitted(storage=path, eager=eager)
    plain, _ = fitted(eager=eager)
    for one, other in zip(stored.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    x, _ = data()
    np.testing.assert_array_equal(stored.predict(x, verbose=0), plain.predict(x, verbose=0))
    layer.embeddings.close()
    np.testing.assert_array_equal(np.load(path), plain.get_weights()[0])


@pytest.mark.slow
def test_compiled_training_is_that_of_a_table_in_memory(path):
    pytest.importorskip("numba")
    stored, plain = (fitted(jit=True, **options)[0] for options in ({"storage": path}, {}))
    np.testing.assert_array_equal(stored.get_weights()[0], plain.get_weights()[0])


def test_small_tables_whose_steps_are_dense_train_in_files_too(path):
    stored, plain = fitted(storage=path, rows=50)[0], fitted(rows=50)[0]
    np.testing.assert_allclose(stored.get_weights()[0], plain.get_weights()[0], rtol=1e-6, atol=1e-7)


def test_the_next_layer_goes_on_with_the_file(path):
    _, layer = fitted(storage=path)
    values = layer.embeddings.numpy()
    layer.embeddings.close()
    _, again = model_with(storage=path, weights=np.zeros((ROWS, WIDTH)))
    np.testing.assert_array_equal(again.embeddings.numpy(), values)


def test_weights_that_are_given_fill_a_new_file(path):
    table = np.random.default_rng(0).normal(size=(7, 2))
    layer = Embedding.from_pretrained(table, storage=path, padding_idx=3)
    layer([0])
    layer.embeddings.close()
    np.testing.assert_array_equal(np.delete(np.load(path), 3, 0), np.delete(table, 3, 0).astype(np.float32))
    assert not np.load(path)[3].any()


def test_a_bag_takes_it_too(path):
    layer = EmbeddingBag(7, 2, storage=path)
    layer(np.array([[1, 2]]))
    layer.embeddings.close()
    assert np.load(path).shape == (7, 2)


def test_a_file_of_another_shape_is_named_with_the_layer(path):
    np.save(path, np.zeros((5, WIDTH), np.float32))
    with pytest.raises(
        WeightsError, match=r"(?s)Embedding.*table.npy holds float32 \(5, 4\), expected float32 \(3000, 4\)"
    ):
        model_with(storage=path)


def test_two_layers_cannot_share_a_file(path):
    keep = model_with(storage=path)
    with pytest.raises(StorageError, match=r"(?s)Embedding.*in use"):
        model_with(storage=path)
    assert keep


def test_a_model_whose_table_is_closed_cannot_be_used(path):
    model, layer = fitted(storage=path)
    layer.embeddings.close()
    for use in (lambda: model.predict(data()[0], verbose=0), lambda: model.fit(*data(), verbose=0)):
        with pytest.raises(StorageError, match="was closed"):
            use()


def test_the_path_is_no_part_of_the_configuration(path):
    assert "storage" not in Embedding(7, 2, storage=path).get_config()


def test_weights_are_saved_and_loaded(path):
    model, layer = fitted(storage=path)
    saved = path.with_name("model.safetensors")
    values = model.get_weights()[0]
    model.save_weights(saved)
    layer.embeddings.assign(np.zeros((ROWS, WIDTH)))
    model.load_weights(saved)
    layer.embeddings.close()
    np.testing.assert_array_equal(np.load(path), values)


def test_an_initializer_of_the_users_fills_a_table_once_and_lends_no_array(path):
    kept = np.arange(8.0).reshape(4, 2)
    layer = Embedding(4, 2, embeddings_initializer=lambda shape, dtype: kept)
    layer([1])
    layer.embeddings.assign_rows(np.array([0]), 9)
    assert kept[0].tolist() == [0, 1]
    with pytest.raises(ShapeError, match=r"gave shape \(2,\), expected \(4, 2\)"):
        Embedding(4, 2, embeddings_initializer=lambda shape, dtype: np.zeros(2))([1])


# -- memory -----------------------------------------------------------------------------------------------------------


def own_memory(kind="VmHWM"):
    """Bytes of this process: the most that it ever had, or what it has of its own (RssAnon)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(kind))


def life_of_a_large_table(folder):
    """Build, train, save, load: what the test below runs in a process of its own."""
    rows, width = 1_000_000, 32
    table = rows * width * 4
    x = Input((5,), dtype="int32")
    layer = Embedding(rows, width)
    model = mg.Model(x, Dense(1)(GlobalAveragePooling1D()(layer(x))))
    model.compile("adam", "mse", jit_compile=False)
    before = own_memory()
    assert before < 1.7 * table + 100e6, "building made a second table"
    model.fit(*data(rows, 2560), batch_size=256, verbose=0)
    model.summary(print_fn=lambda line: None)
    layer.embeddings.flush()
    model.save_weights(os.path.join(folder, "model.safetensors"))
    anonymous = own_memory("RssAnon")
    assert anonymous < 3 * table + 200e6, "a training made another table"
    model.load_weights(os.path.join(folder, "model.safetensors"))
    layer.set_weights([layer.embeddings.data])
    assert own_memory("RssAnon") < anonymous + 20e6
    assert own_memory() < 4 * table + 250e6, "the table, its two slots, and the file that was mapped"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_memory_is_the_table_and_its_slots(tmp_path):
    import subprocess
    import sys

    text = "import sys; from test_embedding_storage import life_of_a_large_table as life; life(sys.argv[1])"
    subprocess.run([sys.executable, "-c", text, tmp_path], check=True, cwd=Path(__file__).parent)


def train_in_little_memory(path, storage):
    """A table of 256 MB and its slots, in 300 MB of memory of its own: what the tests below run in a process."""
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (300 << 20, 300 << 20))
    rows = 1_000_000
    x = Input((5,), dtype="int32")
    layer = Embedding(rows, 64, embeddings_initializer="zeros", storage=path if storage else None)
    model = mg.Model(x, Dense(1)(GlobalAveragePooling1D()(layer(x))))
    model.compile("adam", "mse", jit_compile=False)
    model.fit(*data(rows, 512), batch_size=64, verbose=0)
    layer.embeddings.close()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the limit is Linux's")
@pytest.mark.parametrize("storage", [True, False])
def test_a_table_larger_than_the_memory_that_a_process_may_have_trains_in_a_file(path, storage):
    import subprocess
    import sys

    text = f"import sys; from test_embedding_storage import train_in_little_memory as t; t(sys.argv[1], {storage})"
    command, here = [sys.executable, "-c", text, path], Path(__file__).parent
    done = subprocess.run(command, capture_output=True, text=True, cwd=here, check=False)
    if storage:
        assert done.returncode == 0, done.stderr
        assert np.load(path, mmap_mode="r").any()
    else:
        assert "MemoryError" in done.stderr
