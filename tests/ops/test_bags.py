"""Bags of rows, ids brought into range, and gradients scaled on their way: against formulas written out."""

from __future__ import annotations

import tracemalloc
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import DTypeError, IdError, ShapeError
from minigrad.ops import ids as id_ops
from minigrad.ops import spread
from minigrad.ops.bags import bag_argmax, bag_dot, bag_pick, bag_scatter, bag_sum
from minigrad.ops.creation import scale_gradient
from minigrad.ops.gather import gather_sum
from minigrad.ops.ids import ids_within, occurrences

bags = st.tuples(st.integers(1, 6), st.integers(0, 3), st.integers(0, 7), st.integers(1, 5), st.integers(0, 2**16))


def drawn(rows: int, batch: int, time: int, width: int, seed: int):
    """A table, ids with repeats, weights, and something of the shape of a result."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, rows, (batch, time))
    return rng.normal(size=(rows, width)), ids, rng.normal(size=(batch, time)), rng.normal(size=(batch, width))


@pytest.fixture(params=[spread.BLOCK, 5], ids=["at once", "in blocks"], autouse=True, scope="module")
def size_of_blocks(request):
    with pytest.MonkeyPatch.context() as patch:
        in_blocks_of(request.param, patch)
        yield


def in_blocks_of(size: int, patch: pytest.MonkeyPatch) -> None:
    for module in ("spread", "gather"):
        patch.setattr(import_module(f"minigrad.ops.{module}"), "BLOCK", size)


@given(bags)
def test_the_three_slopes_of_the_form(drawing):
    table, ids, weights, x = drawn(*drawing)
    rows = np.eye(len(table))[ids] @ table  # what the ops never make
    np.testing.assert_allclose(bag_sum(table, ids, weights), np.einsum("bt,btw->bw", weights, rows), atol=1e-12)
    np.testing.assert_allclose(bag_dot(table, ids, x), np.einsum("btw,bw->bt", rows, x), atol=1e-12)
    expected = np.zeros_like(table)
    np.add.at(expected, ids, weights[:, :, None] * x[:, None, :])
    np.testing.assert_allclose(bag_scatter(x, ids, weights, shape=table.shape), expected, atol=1e-12)


@given(bags)
def test_gradients_of_sums_are_sparse_and_right(drawing):
    table, ids, weights, up = drawn(*drawing)
    leaf, heavy = mg.Tensor(table, requires_grad=True), mg.Tensor(weights, requires_grad=True)
    for y, each in ((bag_sum(leaf, ids, heavy), weights), (gather_sum(leaf, ids), np.ones_like(weights))):
        found = mg.grad(y, leaf, gradient=up, retain_graph=True)
        assert isinstance(found, mg.RowSparse)
        assert set(found.merged().ids.tolist()) == set(ids.ravel().tolist())
        expected = np.zeros_like(table)
        np.add.at(expected, ids, each[:, :, None] * up[:, None, :])
        np.testing.assert_allclose(found.dense(), expected, atol=1e-12)


def test_all_orders_of_the_derivative():
    table, ids, weights, _ = drawn(4, 2, 3, 2, 0)
    mg.check_grads(lambda t, w: bag_sum(t, ids, w) ** 2, (table, weights), order=3)
    winners = bag_argmax(table, ids)
    mg.check_grads(lambda t: bag_pick(t, winners) ** 3, table, order=3)


@given(bags)
def test_maxima(drawing):
    table, ids, _, up = drawn(*drawing)
    rng = np.random.default_rng(0)
    ids = np.where(rng.random(ids.shape) < 0.3, -1, ids)
    expected, slope = np.zeros(up.shape), np.zeros_like(table)
    for b, j in np.ndindex(up.shape):
        own = [i for i in ids[b] if i >= 0]
        if own:
            winner = max(own, key=lambda i: table[i, j])
            expected[b, j] = table[winner, j]
            slope[winner, j] += up[b, j]
    leaf = mg.Tensor(table, requires_grad=True)
    y = bag_pick(leaf, bag_argmax(leaf, ids))
    np.testing.assert_array_equal(y.numpy(), expected)
    found = mg.grad(y, leaf, gradient=up)
    assert isinstance(found, mg.RowSparse)
    np.testing.assert_allclose(found.dense(), slope, atol=1e-12)
    assert (found.ids >= 0).all()


def test_of_equal_rows_the_first_one_wins():
    assert bag_argmax(np.ones((3, 1)), np.array([[2, 0, 1]])).tolist() == [[2]]


@pytest.mark.parametrize("op", [bag_sum, bag_argmax, gather_sum, bag_dot, bag_pick], ids=lambda op: op.name)
def test_ids_out_of_range_are_named(op):
    table, ids = np.zeros((3, 2)), np.array([[0, 1], [2, 3]])
    rest = {bag_sum: (np.ones((2, 2)),), bag_dot: (np.ones((2, 2)),)}.get(op, ())
    with pytest.raises(IdError, match=r"id 3 at \[1, 1\] is out of range"):
        op(table, ids, *rest)


def test_shapes_that_do_not_fit_are_told_when_drawn():
    table, ids = mg.Input(batch_shape=(3, 2)), mg.Input((4,), dtype="int32")
    with pytest.raises(ShapeError, match=r"weights of shape \(None, 5\) .* expected \(None, 4\)"):
        bag_sum(table, ids, mg.Input((5,)))
    with pytest.raises(ShapeError, match="ids of two axes"):
        bag_argmax(table, mg.Input((4, 4), dtype="int32"))


def test_the_tensor_of_all_rows_is_never_made(monkeypatch):
    in_blocks_of(2**16, monkeypatch)
    table = np.zeros((30, 64), np.float32)
    ids = np.random.default_rng(0).integers(0, 30, (64, 1000))
    leaf = mg.Tensor(table, requires_grad=True)
    weights = np.ones(ids.shape, np.float32)
    whole = ids.size * 64 * 4  # bytes of (batch, time, width)
    for forward in (
        lambda: gather_sum(leaf, ids),
        lambda: bag_sum(leaf, ids, weights),
        lambda: bag_pick(leaf, bag_argmax(leaf, ids)),
    ):
        tracemalloc.start()
        mg.grad(forward().sum(), leaf)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < whole / 2, f"{peak:,} of {whole:,} bytes"


# -- ids --------------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(-9, 20), max_size=8), st.integers(1, 9), st.sampled_from(["int8", "int64", "float32"]))
def test_ids_are_brought_into_range(ids, limit, dtype):
    x = np.array(ids, dtype)
    expected = {
        "clip": [min(max(i, 0), limit - 1) for i in ids],
        "last": [i if 0 <= i < limit else limit - 1 for i in ids],
        "zero": [i if 0 <= i < limit else -1 for i in ids],
    }
    for oov, right in expected.items():
        found = ids_within(x, limit=limit, oov=oov)
        assert found.tolist() == right
        assert found.dtype == np.intp


def test_ids_of_any_size_are_brought_into_range():
    huge = [np.array([2**63], np.uint64), np.array([1e30]), np.array([np.inf]), np.array([2.0**31], np.float32)]
    for x in huge:
        assert ids_within(x, limit=5, oov="clip").tolist() == [4]
    assert ids_within(np.array([-np.inf, -1e30]), limit=5, oov="clip").tolist() == [0, 0]
    assert ids_within(np.array([True, False]), limit=5, oov="zero").tolist() == [1, 0]
    assert ids_within(np.array([200], np.uint8), limit=300, oov="zero").tolist() == [200]


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.array([99.0, 2.5]), r"id 2\.5 at \[1\] is not a whole number"),
        (np.array([99.0, np.nan]), r"id nan at \[1\] is not a whole number"),
        (np.array([2**24 + 2], np.float32), "too large for float32"),
    ],
)
@pytest.mark.parametrize("oov", ["clip", "zero", "last"])
def test_what_is_no_id_stays_an_error(x, words, oov):
    with pytest.raises(IdError, match=words):
        ids_within(x, limit=2**24 + 9 if x.dtype == np.float32 else 5, oov=oov)


def test_raise_is_the_check_of_the_layer():
    with pytest.raises(IdError, match=r"id -1 at \[0\] is negative"):
        ids_within(np.array([-1]), limit=5, oov="raise")
    with pytest.raises(DTypeError, match="ids must be numbers"):
        ids_within(np.array([1j]), limit=5, oov="clip")
    assert id_ops.check_ids(np.array([3]), limit=4).tolist() == [3]


@given(st.lists(st.lists(st.integers(-1, 4), min_size=3, max_size=3), max_size=4))
def test_occurrences(ids):
    ids = np.array(ids, int).reshape(-1, 3)
    expected = [[(ids == i).sum() for i in bag] for bag in ids]
    found = occurrences(ids, dtype=np.dtype(np.float32))
    np.testing.assert_array_equal(found, np.array(expected, np.float32).reshape(-1, 3), strict=True)


# -- scaled gradients -------------------------------------------------------------------------------------------------


def test_a_gradient_is_scaled_and_the_value_is_not():
    x, scale = mg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True), np.float32([[10.0], [0.0]])
    y = scale_gradient(x, scale)
    np.testing.assert_array_equal(y.numpy(), x.numpy())
    (g,) = mg.grad((y**3).sum(), [x], create_graph=True)
    np.testing.assert_allclose(g.numpy(), 3 * x.numpy() ** 2 * scale)
    np.testing.assert_allclose(mg.grad(g.sum(), x), 6 * x.numpy() * scale**2)
    with pytest.raises(ShapeError, match=r"a scale of shape \(4, 2\)"):
        scale_gradient(mg.Input(batch_shape=(1, 2)), np.ones((4, 2)))
