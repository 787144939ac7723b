"""Rows that lag behind are, whenever anybody looks, where dense steps would have moved them."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import constraints, ops, optimizers, regularizers
from minigrad.core.autodiff import grad
from minigrad.core.rows import Table
from minigrad.core.rowsparse import RowSparse
from minigrad.core.tensor import Variable

ROWS, WIDTH = 300, 3
MAKERS = {
    "sgd": optimizers.SGD,
    "momentum": lambda rate, **o: optimizers.SGD(rate, momentum=0.9, **o),
    "nesterov": lambda rate, **o: optimizers.SGD(rate, momentum=0.8, nesterov=True, **o),
    "rmsprop": optimizers.RMSprop,
    "rmsprop with momentum": lambda rate, **o: optimizers.RMSprop(rate, momentum=0.7, **o),
    "adagrad": optimizers.Adagrad,
    "adam": optimizers.Adam,
    "adam without momentum": lambda rate, **o: optimizers.Adam(rate, beta_1=0.0, **o),
    "adam with other betas": lambda rate, **o: optimizers.Adam(rate, beta_1=0.8, beta_2=0.99, **o),
    "adamw": optimizers.AdamW,
}
OPTIONS = {
    "plain": {},
    "clipnorm": {"clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.3},
    "global_clipnorm": {"global_clipnorm": 0.5},
    "weight_decay": {"weight_decay": 0.1},
}


def first_values():
    return np.random.default_rng(9).uniform(-0.05, 0.05, (ROWS, WIDTH)).astype(np.float32)


def zipf(rng, n):
    return np.minimum(rng.zipf(1.3, n), ROWS) - 1


def uniform(rng, n):
    return rng.integers(0, ROWS, n)


def gradients(draw_ids, steps, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        ids = draw_ids(rng, 6)
        scale = 10.0 ** rng.uniform(-6, 0)  # small ones make the root of the velocity as small as epsilon
        yield RowSparse(ids, (rng.normal(size=(6, WIDTH)) * scale).astype(np.float32), (ROWS, WIDTH))


@pytest.mark.parametrize("draw_ids", [zipf, pytest.param(uniform, marks=pytest.mark.slow)])
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("maker", MAKERS)
def test_after_500_steps_the_table_is_the_dense_one(maker, option, draw_ids):
    options = OPTIONS[option]
    schedule = optimizers.schedules.ExponentialDecay(0.1, 100, 0.8)
    deferred, dense = MAKERS[maker](schedule, **options), MAKERS[maker](schedule, rows="dense", **options)
    one, other = Table(first_values()), Table(first_values())
    twin = Table(first_values())  # which is looked at now and then
    looked_at = MAKERS[maker](schedule, **options)
    for step, g in enumerate(gradients(draw_ids, 500)):
        deferred.apply([g], [one])
        looked_at.apply([g], [twin])
        dense.apply([g], [other])
        if step % 97 == 3:
            agree(twin.numpy(), other.numpy())
    agree(one.numpy(), other.numpy())
    for name, slot in dense.slots(other).items():
        np.testing.assert_allclose(deferred.slots(one)[name], slot, rtol=1e-3, atol=1e-5 * np.abs(slot).max())


def agree(one, other):
    movement = np.abs(other - first_values()).max()
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * movement)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_step_writes_the_batch_s_rows_alone(maker):
    optimizer, table = MAKERS[maker](0.1), Table(first_values())
    for ids in ([1, 2], [3], [4, 4]):
        before = table._values.copy()
        optimizer.apply([RowSparse(np.array(ids), np.ones((len(ids), WIDTH), np.float32), (ROWS, WIDTH))], [table])
        changed = np.flatnonzero((table._values != before).any(axis=1))
        assert changed.tolist() == sorted(set(ids))


def test_a_gather_reads_current_rows_and_leaves_the_others_behind():
    optimizer, table, other = optimizers.Adam(0.1), Table(first_values()), Variable(first_values())
    dense = optimizers.Adam(0.1, rows="dense")
    for g in gradients(uniform, 20):
        optimizer.apply([g], [table])
        dense.apply([g], [other])
    before = table._values.copy()
    ids = np.array([[5, 7], [7, 9]])
    read = ops.gather(table, ids)
    np.testing.assert_allclose(read.numpy(), other.numpy()[ids], rtol=1e-5)
    changed = np.flatnonzero((table._values != before).any(axis=1))
    assert set(changed) <= {5, 7, 9}
    g = grad(read.sum(), table)
    assert sorted(g.ids.tolist()) == [5, 7, 7, 9]


def test_whoever_writes_the_table_writes_the_current_one():
    optimizer, table = optimizers.SGD(0.1, momentum=0.9), Table(first_values())
    g = RowSparse(np.array([0]), np.ones((1, WIDTH), np.float32), (ROWS, WIDTH))
    elsewhere = RowSparse(np.array([1]), np.ones((1, WIDTH), np.float32), (ROWS, WIDTH))
    optimizer.apply([g], [table])
    optimizer.apply([elsewhere], [table])
    table.assign(np.zeros((ROWS, WIDTH)))
    assert not table.numpy().any()
    optimizer.apply([elsewhere], [table])
    np.testing.assert_allclose(table.numpy()[0], -0.1 * 0.9**2, rtol=1e-6)  # the velocity goes on


def test_a_view_of_the_values_stays_as_it_was():
    optimizer, table = optimizers.Adam(0.1), Table(first_values())
    for g in gradients(uniform, 3):
        optimizer.apply([g], [table])
    view = table.data
    kept = view.copy()
    for g in gradients(uniform, 5, seed=1):
        optimizer.apply([g], [table])
    table.numpy()
    np.testing.assert_array_equal(view, kept)


def test_another_optimizer_takes_over_a_current_table():
    def train(rows):
        table = Table(first_values())
        first, second = optimizers.Adam(0.1, rows=rows), optimizers.SGD(0.1, momentum=0.9, rows=rows)
        for optimizer in (first, second, first):
            for g in gradients(zipf, 7, seed=id(optimizer) % 3 * 0):
                optimizer.apply([g], [table])
        return table.numpy()

    np.testing.assert_allclose(train("exact"), train("dense"), atol=1e-5)


def test_a_dense_gradient_in_between_is_a_dense_step():
    def train(rows):
        table, optimizer = Table(first_values()), optimizers.Adam(0.1, rows=rows)
        for step, g in enumerate(gradients(zipf, 30)):
            optimizer.apply([g if step % 7 else g.dense()], [table])
        return table.numpy()

    np.testing.assert_allclose(train("exact"), train("dense"), atol=1e-5)


def test_copies_and_states_are_current():
    optimizer, dense = optimizers.Adam(0.1), optimizers.Adam(0.1, rows="dense")
    table, other = Table(first_values()), Table(first_values())
    for g in gradients(uniform, 9):
        optimizer.apply([g], [table])
        dense.apply([g], [other])
    twin = copy.deepcopy({"optimizer": optimizer, "table": table})
    np.testing.assert_allclose(twin["table"]._values, other.numpy(), atol=1e-6)
    for name, array in dense.state.items():
        np.testing.assert_allclose(optimizer.state[name], array, rtol=1e-4, atol=1e-7)
    again = optimizers.Adam(0.1)
    again.build([table])
    again.load_state(optimizer.state)
    for g in gradients(uniform, 9, seed=4):
        again.apply([g], [table])
        dense.apply([g], [other])
    np.testing.assert_allclose(table.numpy(), other.numpy(), atol=1e-5)


def test_the_history_begins_anew_before_it_is_longer_than_the_table():
    optimizer, dense = optimizers.AdamW(0.1, weight_decay=0.5), optimizers.AdamW(0.1, weight_decay=0.5, rows="dense")
    small = np.ones((40, 2), np.float32)
    table, other = Table(small), Table(small)
    rng = np.random.default_rng(0)
    for _ in range(4500):  # 0.95**4500 is nothing, too
        g = RowSparse(rng.integers(0, 40, 1), rng.normal(size=(1, 2)).astype(np.float32), (40, 2))
        optimizer.apply([g], [table])
        dense.apply([g], [other])
    assert table.lag.now < 4500
    np.testing.assert_allclose(table.numpy(), other.numpy(), atol=1e-4)


def test_frozen_rows_never_move():
    frozen = np.arange(ROWS) % 2 == 0
    for rows in optimizers.optimizer.ROWS:
        table = Table(first_values(), frozen=frozen)
        optimizer = optimizers.AdamW(0.1, weight_decay=0.1, rows=rows)
        for g in gradients(uniform, 20):
            optimizer.apply([g], [table])
        np.testing.assert_array_equal(table.numpy()[frozen], first_values()[frozen])
        assert (table.numpy()[~frozen] != first_values()[~frozen]).any()


def test_lazy_steps_leave_all_other_rows_as_they_are():
    optimizer, table = optimizers.Adam(0.1, rows="lazy"), Table(first_values())
    optimizer.apply([RowSparse(np.array([1]), np.ones((1, WIDTH), np.float32), (ROWS, WIDTH))], [table])
    first = table.numpy()[1]
    optimizer.apply([RowSparse(np.array([2]), np.ones((1, WIDTH), np.float32), (ROWS, WIDTH))], [table])
    np.testing.assert_array_equal(table.numpy()[1], first)
    assert optimizers.get("lazyadam").rows == "lazy"


@pytest.mark.parametrize(
    ("optimizer", "constraint", "why"),
    [
        (optimizers.Nadam(0.1), None, "no closed form"),
        (optimizers.Adam(0.1, beta_1=0.99, beta_2=0.5), None, "no closed form"),
        (optimizers.Adam(0.1), constraints.NonNeg(), "its constraint is for all rows"),
        (optimizers.AdamW(1.0, weight_decay=0.95), None, "the decay of a step is 0.95"),
    ],
)
def test_steps_that_have_to_be_dense_are_said_to_be_once(optimizer, constraint, why):
    table = Table(np.ones((2**19, 2), np.float32), constraint=constraint)
    g = RowSparse(np.array([1]), np.ones((1, 2), np.float32), table.shape)
    with pytest.warns(UserWarning, match=rf"moves all 524,288 rows of embeddings.*{why}"):
        optimizer.apply([g], [table])
    optimizer.apply([g], [table])


def test_a_regularizer_of_the_whole_table_is_said_to_make_steps_dense():
    table = Table(np.ones((2**19, 2), np.float32), regularizer=regularizers.L2(0.1))
    optimizer = optimizers.Adam(0.1)
    with pytest.warns(UserWarning, match="every row a gradient; activity_regularizer"):
        optimizer.apply([np.ones(table.shape, np.float32)], [table])


def test_settings_that_change_hold_from_then_on():
    def train(rows):
        table, optimizer = Table(first_values()), optimizers.Adam(0.1, rows=rows)
        for step, g in enumerate(gradients(zipf, 40)):
            if step == 15:
                optimizer.beta_1, optimizer.epsilon = 0.5, 1e-3
            optimizer.apply([g], [table])
        return table.numpy()

    np.testing.assert_allclose(train("exact"), train("dense"), atol=1e-5)


@pytest.mark.parametrize("decay", [1.0, 1.5])
def test_a_decay_of_all_the_weights_and_more(monkeypatch, decay):
    """Programs were made before a schedule went so far."""
    monkeypatch.setattr(optimizers.optimizer, "MOST_DECAY", 10)

    def train(rows):
        table, optimizer = Table(first_values()), optimizers.AdamW(0.1, weight_decay=10 * decay, rows=rows)
        for g in gradients(uniform, 12):
            optimizer.apply([g], [table])
        return table.numpy()

    dense = train("dense")
    np.testing.assert_allclose(train("exact"), dense, atol=1e-5 * np.abs(dense).max())


def test_rows_is_checked():
    with pytest.raises(ValueError, match="Did you mean 'lazy'"):
        optimizers.Adam(rows="lasy")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(0, 49), min_size=1, max_size=4), st.booleans()), max_size=30))
def test_reading_at_any_time_changes_nothing(steps):
    one, other = Table(np.ones((50, 2), np.float32)), Table(np.ones((50, 2), np.float32))
    a, b = optimizers.Adam(0.1), optimizers.Adam(0.1)
    for seed, (ids, look) in enumerate(steps):
        g = RowSparse(np.array(ids), np.random.default_rng(seed).normal(size=(len(ids), 2)).astype(np.float32), (50, 2))
        a.apply([g], [one])
        b.apply([g], [other])
        if look:
            ops.gather(one, np.arange(seed % 50))
            one.numpy()
    np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-5)
