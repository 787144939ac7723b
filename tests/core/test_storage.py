"""A table in a file is a table like any other, as long as it is open; and no table is copied without need."""

from __future__ import annotations

import copy
import gc
import subprocess
import sys

import numpy as np
import pytest

from minigrad import ops, optimizers
from minigrad.core.rows import Table
from minigrad.core.rowsparse import RowSparse
from minigrad.errors import DTypeError, ShapeError, StorageError, WeightsError

ROWS, WIDTH = 400, 4
MAKERS = {
    "sgd": optimizers.SGD,
    "momentum": lambda rate: optimizers.SGD(rate, momentum=0.9),
    "rmsprop": optimizers.RMSprop,
    "adagrad": optimizers.Adagrad,
    "adam": optimizers.Adam,
    "adamw": lambda rate: optimizers.AdamW(rate, weight_decay=0.1),
    "adadelta": optimizers.Adadelta,  # without a closed form: all rows at each step
}


def first(array):
    array[...] = np.random.default_rng(5).uniform(-1, 1, array.shape)


def table_in(path=None):
    return Table.filled(first, (ROWS, WIDTH), np.float32, storage=path)


def gradients(steps=40):
    rng = np.random.default_rng(0)
    for _ in range(steps):
        ids = rng.integers(0, ROWS, 6)
        yield RowSparse(ids, rng.normal(size=(6, WIDTH)).astype(np.float32), (ROWS, WIDTH))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.npy"


@pytest.mark.parametrize("maker", MAKERS)
def test_a_table_in_a_file_learns_as_one_in_memory(maker, path):
    stored, plain = table_in(path), table_in()
    one, other = MAKERS[maker](0.1), MAKERS[maker](0.1)
    for g in gradients():
        one.apply([g], [stored])
        other.apply([g], [plain])
    np.testing.assert_array_equal(stored.numpy(), plain.numpy())
    slots = {name: slot.copy() for name, slot in one.slots(stored).items()}
    stored.close()
    np.testing.assert_array_equal(np.load(path), plain.numpy())
    for name, slot in other.slots(plain).items():
        np.testing.assert_array_equal(slots[name], slot)
        np.testing.assert_array_equal(np.load(path.parent / f"table.{type(one).__name__.lower()}.{name}.npy"), slot)


def test_a_run_in_two_parts_is_a_run_in_one(path):
    whole, steps = table_in(), list(gradients())
    optimizer = optimizers.Adam(0.1)
    for g in steps:
        optimizer.apply([g], [whole])
    for begin, end in ((0, 15), (15, 40)):
        with table_in(path) as table:
            resumed = optimizers.Adam(0.1)
            resumed.iterations = begin
            for g in steps[begin:end]:
                resumed.apply([g], [table])
    np.testing.assert_allclose(np.load(path), whole.numpy(), atol=1e-5)


def test_assigning_writes_into_the_file(path):
    with table_in(path) as table:
        view = table.data
        table.assign(np.full((ROWS, WIDTH), 3.0))
        assert view[0, 0] == 3  # a view of a stored table sees later values
        table.assign_rows(np.array([7]), [[1, 2, 3, 4]])
    assert np.load(path)[[6, 7]].tolist() == [[3, 3, 3, 3], [1, 2, 3, 4]]


def test_assigning_to_a_table_in_memory_keeps_what_others_hold():
    table = table_in()
    place = table._values.ctypes.data
    table.assign(np.zeros((ROWS, WIDTH)))
    assert table._values.ctypes.data == place  # nobody saw it: no second table was made
    view, tensor = table.data, table[:2]
    table.assign(np.ones((ROWS, WIDTH)))
    assert view[0, 0] == 0
    assert tensor.numpy()[0, 0] == 0
    assert table.numpy()[0, 0] == 1


def test_a_closed_table_says_so(path):
    table = table_in(path)
    optimizer = optimizers.Adam(0.1)
    optimizer.apply([next(gradients())], [table])
    table.close()
    table.close()
    for use in (
        table.numpy,
        table.flush,
        lambda: table + 1,
        lambda: ops.gather(table, np.array([1])),
        lambda: table.assign(np.zeros((ROWS, WIDTH))),
        lambda: table.assign_rows(np.array([1]), 0),
        lambda: optimizer.apply([next(gradients())], [table]),
    ):
        with pytest.raises(StorageError, match=r"table\.npy was closed"):
            use()
    assert (table.shape, table.dtype, table.size) == ((ROWS, WIDTH), np.float32, ROWS * WIDTH)


def test_flush_brings_all_rows_up_to_date(path):
    table, optimizer = table_in(path), optimizers.Adam(0.1)
    for g in gradients():
        optimizer.apply([g], [table])
    assert table.lag.behind
    table.flush()
    assert not table.lag.behind
    np.testing.assert_array_equal(np.load(path), table.numpy())


def test_a_dropped_table_is_closed(path):
    table, plain = table_in(path), table_in()
    for each in (table, plain):
        optimizer = optimizers.Adam(0.1)
        for g in gradients():
            optimizer.apply([g], [each])
    del table, each
    np.testing.assert_array_equal(np.load(path), plain.numpy())
    assert not path.with_name("table.behind").exists()


def test_what_is_dropped_in_a_cycle_may_be_behind_and_says_so(path):
    table, optimizer = table_in(path), optimizers.Adam(0.1)
    for g in gradients():
        optimizer.apply([g], [table])
    optimizer.cycle = table.regularizer = [optimizer, table]
    del table, optimizer
    gc.collect()
    with pytest.warns(UserWarning, match="was not closed"):
        table_in(path)


def test_the_end_of_the_program_closes_tables(path):
    text = """
import sys, numpy as np
sys.path.insert(0, sys.argv[2])
from test_storage import gradients, table_in
from minigrad import optimizers
table, optimizer = table_in(sys.argv[1]), optimizers.Adam(0.1)
for g in gradients():
    optimizer.apply([g], [table])
sys.keep = table, optimizer
"""
    here = __file__.rpartition("/")[0]
    subprocess.run([sys.executable, "-c", text, path, here], check=True)
    plain, optimizer = table_in(), optimizers.Adam(0.1)
    for g in gradients():
        optimizer.apply([g], [plain])
    np.testing.assert_array_equal(np.load(path), plain.numpy())
    assert not path.with_name("table.behind").exists()


def test_a_killed_program_leaves_a_mark(path):
    text = """
import os, sys
sys.path.insert(0, sys.argv[2])
from test_storage import gradients, table_in
from minigrad import optimizers
table, optimizer = table_in(sys.argv[1]), optimizers.Adam(0.1)
for g in gradients():
    optimizer.apply([g], [table])
os._exit(0)
"""
    here = __file__.rpartition("/")[0]
    subprocess.run([sys.executable, "-c", text, path, here], check=True)
    with pytest.warns(UserWarning, match="lack the steps that they missed"), table_in(path) as table:
        assert np.isfinite(table.numpy()).all()
    table_in(path)  # without a warning


def test_a_copy_of_a_stored_table_lies_in_memory(path):
    table = table_in(path)
    twin = copy.deepcopy(table)
    twin.assign_rows(np.array([0]), 9)
    assert twin.storage is None
    assert table.numpy()[0, 0] != 9


def test_bad_arguments_make_no_file(path):
    with pytest.raises(DTypeError):
        Table.filled(first, (ROWS, WIDTH), np.int32, storage=path)
    assert not path.exists()
    with pytest.raises(ShapeError):
        Table.filled(lambda a: None, (ROWS, WIDTH), np.float32, frozen=[True])


def test_a_file_that_does_not_fit_is_left_as_it_is_and_not_kept_open(path):
    mark = path.with_name("table.behind")
    mark.write_text("Rows may be behind.")
    np.save(path, np.zeros((2, 2), np.float32))
    with pytest.warns(UserWarning, match="was not closed"), pytest.raises(WeightsError) as error:
        table_in(path)
    assert mark.exists()
    np.save(path, np.zeros((ROWS, WIDTH), np.float32))
    with pytest.warns(UserWarning, match="was not closed"):
        table_in(path)
    assert "table.npy" in str(error.value)  # which is still held, as a notebook holds the last error


def test_rows_are_brought_up_to_date_in_blocks(monkeypatch):
    from minigrad.optimizers import deferred

    tables = table_in(), table_in()
    for table, block in zip(tables, (1 << 16, 32)):
        monkeypatch.setattr(deferred, "BLOCK", block)
        optimizer = optimizers.Adam(0.1)
        for g in gradients():
            optimizer.apply([g], [table])
        table.flush()
    np.testing.assert_array_equal(tables[0].numpy(), tables[1].numpy())
