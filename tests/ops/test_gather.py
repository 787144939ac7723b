"""Rows of a table by id, and the table's gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad.core.symbol import Symbol
from minigrad.errors import DTypeError, IdError, ShapeError


@st.composite
def lookups(draw: Any) -> tuple[np.ndarray, np.ndarray]:
    """A table, and ids among which repeats are likely and rows are missing; sizes of 0 too."""
    rows, width = draw(st.integers(1, 6)), draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3))
    ids = draw(
        hnp.arrays(
            draw(st.sampled_from([np.int64, np.int32, np.uint8])),
            draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=8)),
            elements=st.integers(0, rows - 1),
        )
    )
    return np.random.default_rng(0).normal(size=(rows, *width)), ids


@given(lookups())
def test_the_gradient_of_a_row_is_the_sum_over_all_places_of_its_id(lookup: tuple) -> None:
    table, ids = lookup
    leaf = mg.Tensor(table, requires_grad=True)
    out = mg.ops.gather(leaf, ids)
    np.testing.assert_array_equal(out.numpy(), table[ids], strict=True)
    g = np.random.default_rng(1).normal(size=out.shape)
    expected = np.zeros_like(table)
    for place in np.ndindex(ids.shape):
        expected[ids[place]] += g[place]
    sparse = mg.grad(out, leaf, gradient=g, retain_graph=True)
    assert isinstance(sparse, mg.RowSparse)
    np.testing.assert_allclose(sparse.dense(), expected, rtol=1e-12)
    dense = mg.grad(out, leaf, gradient=g, create_graph=True)
    assert isinstance(dense, mg.Tensor)
    np.testing.assert_allclose(dense.numpy(), expected, rtol=1e-12)


@given(lookups())
def test_scatter_add_is_the_adjoint(lookup: tuple) -> None:
    table, ids = lookup
    rows = np.random.default_rng(2).normal(size=(*ids.shape, *table.shape[1:]))
    left = np.sum(mg.ops.gather(table, ids) * rows)
    right = np.sum(table * mg.ops.scatter_add(rows, ids, shape=table.shape))
    np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-10)


def test_numerical_differentiation_to_third_order() -> None:
    ids = np.array([[0, 2, 2], [3, 0, 2]])
    mg.check_grads(lambda table: mg.ops.gather(table, ids) ** 3, np.linspace(-1, 1, 8).reshape(4, 2) + 0.01, order=3)


def test_one_hot_times_a_matrix_is_the_same() -> None:
    ids, rng = np.array([[1, 4, 1], [0, 4, 4]]), np.random.default_rng(0)
    table, g = rng.normal(size=(5, 3)), rng.normal(size=(2, 3, 3))
    a, b = mg.Tensor(table, requires_grad=True), mg.Tensor(table, requires_grad=True)
    looked_up, multiplied = mg.ops.gather(a, ids), np.eye(5)[ids] @ b
    np.testing.assert_allclose(looked_up.numpy(), multiplied.numpy(), rtol=1e-12)
    np.testing.assert_allclose(
        mg.grad(looked_up, a, gradient=g).dense(), mg.grad(multiplied, b, gradient=g), rtol=1e-12
    )


def test_a_table_that_is_looked_up_twice() -> None:
    table = mg.Tensor(np.ones((3, 2)), requires_grad=True)
    y = mg.ops.gather(table, np.array([0, 1])).sum() + 2 * mg.ops.gather(table, np.array([1, 2])).sum()
    np.testing.assert_array_equal(mg.grad(y, table, retain_graph=True).dense(), [[1, 1], [3, 3], [2, 2]])
    y = y + table.sum()
    np.testing.assert_array_equal(mg.grad(y, table), [[2, 2], [4, 4], [3, 3]])


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ([[0, 1], [7, 3]], [r"id 7 at \[1, 0\]", "input_dim=8"]),
        ([2, -1], [r"id -1 at \[1\]", "negative", "0 to 2"]),
        (5, ["id 5", "0 to 2"]),
    ],
    ids=str,
)
def test_an_id_out_of_range_is_named(ids: Any, words: list[str]) -> None:
    for function in (
        lambda ids: mg.ops.gather(mg.Tensor(np.zeros((3, 2))), ids),
        lambda ids: mg.ops.scatter_add(np.zeros((*np.shape(ids), 2)), ids, shape=(3, 2)),
    ):
        with pytest.raises(IdError) as error:
            function(np.array(ids))
        for word in words:
            assert error.match(word)


@pytest.mark.parametrize("dtype", [np.float32, bool])
def test_ids_are_integers(dtype: Any) -> None:
    with pytest.raises(DTypeError, match="integers"):
        mg.ops.gather(np.zeros((3, 2)), np.zeros(2, dtype))
    with pytest.raises(DTypeError, match="integers"):
        mg.ops.gather(Symbol.of((3, 2), np.float32), Symbol.of((None,), dtype))


def test_rows_that_do_not_fit_the_ids() -> None:
    with pytest.raises(ShapeError, match=r"expected \(2, 5\)"):
        mg.ops.scatter_add(np.zeros((2, 4)), np.array([0, 1]), shape=(3, 5))


def test_lookups_fill_a_buffer() -> None:
    out = np.empty((2, 3), np.float32)
    assert mg.ops.gather.kernel(np.ones((4, 3), np.float32), np.array([1, 3]), out=out) is out
    assert (out == 1).all()
