"""A RowSparse behaves as the dense array that it stands for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.core.rowsparse import RowSparse, add_rows, sum_rows


@st.composite
def rowsparse(draw: Any, shape: tuple[int, ...] | None = None) -> RowSparse:
    """Any number of rows, ids repeated or not; whole numbers, so that sums are exact in any order."""
    if shape is None:
        shape = (draw(st.integers(1, 40)), *draw(st.sampled_from([(), (1,), (3,), (12,), (2, 2)])))
    n = draw(st.integers(0, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    rows = rng.integers(-9, 10, (n, *shape[1:])).astype(dtype)
    return RowSparse(rng.integers(0, shape[0], n), rows, shape)


def spelled_out(g: RowSparse) -> np.ndarray:
    out = np.zeros(g.shape, g.dtype)
    for row, values in zip(g.ids, g.rows, strict=True):
        out[row] += values
    return out


def same(got: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(got, expected, strict=True)


@given(g=rowsparse())
def test_dense_and_array_spell_it_out(g: RowSparse) -> None:
    same(g.dense(), spelled_out(g))
    same(np.asarray(g), spelled_out(g))
    same(np.asarray(g, np.float64), spelled_out(g).astype(np.float64))
    assert (g.shape, g.dtype, g.ndim) == (g.dense().shape, g.dense().dtype, g.dense().ndim)


@given(g=rowsparse())
def test_merged_has_each_id_once_in_order(g: RowSparse) -> None:
    m = g.merged()
    assert m.unique
    same(m.ids, np.unique(g.ids))
    same(m.dense(), g.dense())
    assert m.dtype == g.dtype
    assert m.merged() is m


@given(g=rowsparse())
def test_merging_gives_the_same_bits_each_time(g: RowSparse) -> None:
    same(g.merged().rows, g.merged().rows)


@given(data=st.data())
def test_sums_are_those_of_the_dense_arrays(data: st.DataObject) -> None:
    a = data.draw(rowsparse())
    b = data.draw(rowsparse(a.shape))
    other = np.arange(float(a.dense().size), dtype=a.dtype).reshape(a.shape)
    assert type(a + b) is RowSparse
    same((a + b).dense(), a.dense() + b.dense())
    same(a + other, a.dense() + other)
    same(other + a, a.dense() + other)
    same((sum([a, b])).dense(), a.dense() + b.dense())


@given(g=rowsparse(), scale=st.sampled_from([0, 1, 2, -0.5, np.float32(4)]))
def test_scaling(g: RowSparse, scale: float) -> None:
    for got in (g * scale, scale * g):
        assert type(got) is RowSparse
        np.testing.assert_array_equal(got.dense(), g.dense() * scale)
    same((-g).dense(), -g.dense() + 0)
    same((g / 2).dense(), g.dense() / 2)


@given(g=rowsparse())
def test_scaling_by_python_numbers_keeps_the_dtype(g: RowSparse) -> None:
    assert (g * 0.5).dtype == (g / 3).dtype == (-g).dtype == g.dtype


@given(g=rowsparse())
def test_map_sees_summed_rows(g: RowSparse) -> None:
    same(g.map(lambda rows: np.clip(rows, -5, 5)).dense(), np.clip(g.dense(), -5, 5))


@given(g=rowsparse())
def test_nothing_is_written_to_the_operands(g: RowSparse) -> None:
    before = g.copy()
    for _ in (g.dense(), g.merged(), g + g, g + g.dense(), g * 2, g.astype(np.float64), repr(g)):
        pass
    same(g.rows, before.rows)
    same(g.ids, before.ids)
    assert not np.shares_memory(g.copy().rows, g.rows)


@given(g=rowsparse())
def test_add_rows_adds_in_place(g: RowSparse) -> None:
    out = np.ones(g.shape, g.dtype)
    add_rows(out, g.ids, g.rows)
    same(out, g.dense() + np.ones((), g.dtype))


def test_both_ways_of_summing_agree() -> None:
    """Narrow rows are counted, wide ones sorted; the threshold must not show."""
    rng = np.random.default_rng(0)
    for width in range(1, 16):
        ids, rows = rng.integers(0, 50, 300), rng.integers(-99, 99, (300, width)).astype(float)
        distinct, sums = sum_rows(ids, rows, (50, width))
        expected = np.zeros((50, width))
        np.add.at(expected, ids, rows)
        same(distinct, np.unique(ids))
        same(sums, expected[distinct])


def test_ids_of_any_shape_are_taken_flat() -> None:
    g = RowSparse(np.array([[0, 1], [1, 1]]), np.ones((2, 2, 3)), (4, 3))
    assert g.ids.shape == (4,)
    assert g.rows.shape == (4, 3)
    assert g.dense()[:, 0].tolist() == [1, 3, 0, 0]


def test_it_says_how_much_it_touches() -> None:
    g = RowSparse(np.array([2, 2, 0]), np.ones((3, 2), np.float32), (1000, 2))
    assert repr(g) == "RowSparse(2 of 1000 rows, shape=(1000, 2), dtype=float32)"
    assert g.nbytes == g.ids.nbytes + 24


def test_what_does_not_fit_is_refused() -> None:
    g = RowSparse(np.array([0]), np.ones((1, 2)), (4, 2))
    with pytest.raises(ValueError, match=r"\(4, 2\) \+ RowSparse of shape \(3, 2\)"):
        g + RowSparse(np.array([0]), np.ones((1, 2)), (3, 2))
    with pytest.raises(ValueError, match=r"array of shape \(2,\)"):
        g + np.ones(2)
    with pytest.raises(TypeError, match="numbers only"):
        g * np.ones((4, 2))
    with pytest.raises(TypeError):
        np.exp(g)
