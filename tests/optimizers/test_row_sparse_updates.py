"""A RowSparse gradient moves a table exactly as the dense array it stands for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import constraints, optimizers
from minigrad.core.rowsparse import RowSparse
from minigrad.core.tensor import Variable

ROWS, WIDTH = 7, 3
MAKERS = {
    "sgd": lambda **o: optimizers.SGD(0.1, **o),
    "momentum": lambda **o: optimizers.SGD(0.1, momentum=0.9, **o),
    "adagrad": lambda **o: optimizers.Adagrad(0.1, **o),
    "rmsprop": lambda **o: optimizers.RMSprop(0.1, **o),
    "adam": lambda **o: optimizers.Adam(0.1, **o),
    "adamw": lambda **o: optimizers.AdamW(0.1, **o),
    "lion": lambda **o: optimizers.Lion(0.1, **o),
}
OPTIONS = [{}, {"clipnorm": 0.5}, {"clipvalue": 0.3}, {"global_clipnorm": 0.5}, {"weight_decay": 0.1}]


def row_sparse(ids, seed):
    rows = np.random.default_rng(seed).normal(size=(len(ids), WIDTH)).astype(np.float32)
    return RowSparse(np.array(ids, np.int64), rows, (ROWS, WIDTH))


def table(**keywords):
    return Variable(np.random.default_rng(9).normal(size=(ROWS, WIDTH)).astype(np.float32), **keywords)


batches = st.lists(st.lists(st.integers(0, ROWS - 1), max_size=9), min_size=1, max_size=5)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("option", OPTIONS, ids=lambda o: next(iter(o), "plain"))
@settings(max_examples=25)
@given(batches)
def test_row_sparse_equals_dense(maker, option, steps):
    if maker == "adamw" and "weight_decay" in option:
        option = {}
    sparse, dense = MAKERS[maker](**option), MAKERS[maker](**option)
    one, other = table(), table()
    bias_one, bias_other = Variable(np.ones(2)), Variable(np.ones(2))
    for seed, ids in enumerate(steps):
        g, more = row_sparse(ids, seed), np.array([0.1, -0.2])
        sparse.apply([g, more], [one, bias_one])
        dense.apply([g.dense(), more], [other, bias_other])
    np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(bias_one.numpy(), bias_other.numpy(), rtol=1e-6)


@pytest.mark.parametrize("maker", ["sgd", "adagrad"])
def test_only_the_rows_named_are_computed(maker, monkeypatch):
    optimizer = MAKERS[maker]()
    monkeypatch.setattr(RowSparse, "dense", lambda self: pytest.fail("made dense"))
    w = table()
    before = w.numpy()
    optimizer.apply([row_sparse([5, 2, 5], 0)], [w])
    changed = np.any(w.numpy() != before, axis=1)
    assert np.flatnonzero(changed).tolist() == [2, 5]


@pytest.mark.parametrize("maker", ["momentum", "adam", "rmsprop", "lion"])
def test_optimizers_with_memory_move_rows_that_have_no_gradient_now(maker):
    optimizer = MAKERS[maker]()
    w = table()
    optimizer.apply([row_sparse([1], 0)], [w])
    before = w.numpy()
    slots = {name: slot.copy() for name, slot in optimizer.slots(w).items()}
    optimizer.apply([row_sparse([2], 1)], [w])
    moved = np.any(w.numpy()[1] != before[1])
    remembered = any(np.any(slot[1] != slots[name][1]) for name, slot in optimizer.slots(w).items())
    assert moved or remembered


def test_an_empty_gradient_changes_nothing():
    w = table()
    before = w.numpy()
    optimizers.SGD(0.1).apply([row_sparse([], 0)], [w])
    np.testing.assert_array_equal(w.numpy(), before)


def test_a_constraint_sees_the_whole_table():
    w = table(constraint=constraints.MaxNorm(1.0, axis=0))
    optimizers.SGD(0.1).apply([row_sparse([3], 0)], [w])
    np.testing.assert_array_less(np.linalg.norm(w.numpy(), axis=0), 1.0 + 1e-6)


def test_writing_rows_counts_as_writing_the_variable():
    w = table()
    before = w.written
    optimizers.SGD(0.1).apply([row_sparse([3], 0)], [w])
    assert w.written > before
