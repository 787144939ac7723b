"""The files of a table: what is opened, what is refused, and who may open it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import CorruptFile, MinigradError, StorageError, UnsafeFile, WeightsError
from minigrad.saving.storage import Storage

SHAPE, F4 = (5, 3), np.dtype(np.float32)
VALUES = np.arange(15, dtype=np.float32).reshape(SHAPE)


def first(array):
    array[...] = VALUES


def forbidden(array):
    raise AssertionError("a file that is there is not filled")


def opened(path, fill=forbidden, shape=SHAPE, dtype=F4):
    return Storage(path).array("", shape, dtype, fill)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.npy"


def test_a_new_file_is_filled_and_is_numpys(path):
    storage = Storage(path)
    storage.array("", SHAPE, F4, first)
    storage.close()
    np.testing.assert_array_equal(np.load(path), VALUES)


def test_an_array_is_plain_and_writes_into_its_file(path):
    storage = Storage(path)
    array = storage.array("", SHAPE, F4, first)
    assert type(array) is np.ndarray
    assert array.flags.aligned
    assert array.flags.c_contiguous
    array[1] = 7
    storage.close()
    assert np.load(path)[1].tolist() == [7, 7, 7]


def test_a_file_that_numpy_saved_is_gone_on_with(path):
    np.save(path, VALUES)
    np.testing.assert_array_equal(opened(path), VALUES)


def test_slots_lie_beside_the_table(path):
    storage = Storage(path)
    storage.array("", SHAPE, F4, first)
    storage.array("adam.momentum", SHAPE, F4, lambda array: None)
    storage.close()
    assert sorted(os.listdir(path.parent)) == ["table.adam.momentum.npy", "table.npy"]
    again = Storage(path)
    again.array("", SHAPE, F4, forbidden)
    assert again.array("adam.momentum", SHAPE, F4, forbidden).tolist() == np.zeros(SHAPE).tolist()


def test_slots_of_another_table_are_not_taken_over(path):
    np.save(path.parent / "table.adam.momentum.npy", VALUES)
    storage = Storage(path)
    storage.array("", SHAPE, F4, first)
    with pytest.raises(StorageError, match="delete it"):
        storage.array("adam.momentum", SHAPE, F4, forbidden)


@pytest.mark.parametrize(
    ("saved", "words"),
    [
        (VALUES[:4], r"table.npy holds float32 \(4, 3\), expected float32 \(5, 3\)"),
        (VALUES.astype(np.float64), r"holds float64 \(5, 3\), expected float32 \(5, 3\)"),
        (VALUES.astype(">f4"), r"holds >f4 \(5, 3\), expected float32"),
        (np.asfortranarray(VALUES), r"in Fortran's order, expected"),
        (np.zeros(SHAPE, [("a", "f4")]), r"holds \[\('a', '<f4'\)\]"),
    ],
    ids=["shape", "dtype", "byte order", "fortran", "fields"],
)
def test_a_file_that_does_not_fit_is_refused_and_stays_as_it_is(path, saved, words):
    np.save(path, saved)
    before = path.read_bytes()
    with pytest.raises(WeightsError, match=words):
        opened(path)
    assert path.read_bytes() == before


def test_python_objects_are_refused(path):
    np.save(path, np.full(SHAPE, None), allow_pickle=True)
    with pytest.raises(UnsafeFile, match="Python objects"):
        opened(path)


@pytest.mark.parametrize("change", [-1, -60, 1])
def test_a_file_of_a_wrong_size_is_damaged_and_is_not_made_longer(path, change):
    np.save(path, VALUES)
    content = path.read_bytes()
    content = content[:change] if change < 0 else content + b"\0"
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match=f"has {len(content)} bytes, expected 188"):
        opened(path)
    assert path.read_bytes() == content


@given(st.integers(0, 187), st.integers(1, 255))
def test_a_damaged_header_is_an_error_of_ours_or_changes_nothing(tmp_path_factory, place, change):
    path = tmp_path_factory.mktemp("damaged") / "table.npy"
    np.save(path, VALUES)
    content = bytearray(path.read_bytes())
    content[place] ^= change
    path.write_bytes(content)
    with suppress(MinigradError):
        assert opened(path).shape == SHAPE
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"\x93NUMPY", b"PK\3\4 a zip archive", b"\x93NUMPY\x03\x00" + b"{" * 90])
def test_what_is_no_npy_file_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match=r"damaged or no \.npy file"):
        opened(path)


def test_a_file_whose_filling_failed_leaves_nothing(path):
    def fails(array):
        array[0] = 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opened(path, fails)
    assert os.listdir(path.parent) == []


def test_without_its_header_a_file_is_never_taken_for_a_table(path):
    def killed(array):
        assert path.read_bytes()[:8] == b"\0" * 8

    opened(path, killed)


def test_a_disk_too_full_is_said_before_anything_is_written(path):
    with pytest.raises(OSError, match="bytes are needed"):
        opened(path, shape=(1 << 44, 64))
    assert os.listdir(path.parent) == []


def test_a_name_must_end_in_npy(tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.npy"):
        Storage(tmp_path / "table.bin")


def test_only_a_regular_file_is_a_table(tmp_path):
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(OSError, match="regular file"):
        Storage(tmp_path / "folder.npy")


def test_a_file_is_open_once_in_a_process(path):
    storage = Storage(path)
    storage.array("", SHAPE, F4, first)
    with pytest.raises(StorageError, match=r"table\.npy is in use"):
        Storage(path)
    storage.close()
    opened(path)


def test_a_dropped_storage_lets_go_of_its_file(path):
    Storage(path).array("", SHAPE, F4, first)
    opened(path)


def test_another_process_cannot_open_it(path):
    text = "import sys; from minigrad.saving.storage import Storage; Storage(sys.argv[1])"
    storage = Storage(path)
    storage.array("", SHAPE, F4, first)
    done = subprocess.run([sys.executable, "-c", text, path], capture_output=True, text=True, check=False)
    assert "StorageError" in done.stderr
    assert "in use by another process" in done.stderr
    storage.close()
    subprocess.run([sys.executable, "-c", text, path], check=True)


def test_a_file_larger_than_half_of_the_memory_is_read_by_rows_without_reading_ahead(path, monkeypatch):
    import mmap

    from minigrad.saving import storage as module

    if not hasattr(mmap, "MADV_RANDOM"):
        pytest.skip("the system takes no such advice")
    told = []

    class Mapping(mmap.mmap):
        def madvise(self, advice):
            told.append(advice)
            super().madvise(advice)

    monkeypatch.setattr(mmap, "mmap", Mapping)
    storage = Storage(path)
    storage.array("", SHAPE, F4, first)
    storage.advise(in_order=False)
    assert told == []
    monkeypatch.setattr(module, "memory", lambda: 200)
    storage.advise(in_order=False)
    storage.advise(in_order=False)
    storage.advise(in_order=True)
    assert told == [mmap.MADV_RANDOM, mmap.MADV_NORMAL]


def test_a_file_that_was_not_closed_is_told_of(path):
    storage = Storage(path)
    storage.array("", SHAPE, F4, first)
    storage.mark(behind=True)
    storage.close()  # without `mark(False)`, as a killed process leaves it
    with pytest.warns(UserWarning, match="was not closed"):
        again = Storage(path)
    again.mark(behind=False)
    again.close()
    Storage(path)
