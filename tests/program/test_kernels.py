"""Kernels for rows of the op table against the rows' NumPy kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.core.op import Op
from minigrad.core.samples import Draw
from minigrad.core.spec import Spec
from minigrad.core.symbol import Symbol
from minigrad.core.table import ROWS
from minigrad.errors import IdError, LabelError
from minigrad.program.kernels import KERNELS, finite, kernel_for

pytest.importorskip("numba")

ROWS_WITH_KERNELS = {op.name: op for op in KERNELS}
EPSILON = {"epsilon": 1e-7}


@pytest.fixture(autouse=True)
def kept_between_runs(request, monkeypatch):
    """Machine code lies where pytest keeps what is for its next run."""
    monkeypatch.setenv("MINIGRAD_CACHE_DIR", str(request.config.cache.mkdir("minigrad")))


def drawn(op: Op, operands: tuple, attrs: dict[str, Any]) -> Any:
    """The node of an op drawn on symbols like these operands."""
    return op(*[Symbol.of(x.shape, x.dtype) for x in operands], **attrs).node


def agree(op: Op, operands: tuple, attrs: dict[str, Any], given: tuple | None = None) -> None:
    """The kernel made for operands gives what NumPy's does, on those or on others of the same specs."""
    given = tuple(x if x is None else frozen(x) for x in (given or operands))
    before = [x.copy() for x in given]
    with np.errstate(all="ignore"):
        expected = op.kernel(*operands, **attrs)
    kernel = kernel_for(drawn(op, operands, attrs))
    assert kernel is not None
    out = np.full_like(expected, 77)
    assert kernel(*given, **attrs, out=out) is out
    tolerance = 1e-6 if expected.dtype == np.float32 else 1e-12
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=1.0)  # of what it is computed from
    np.testing.assert_allclose(out, expected, rtol=tolerance, atol=tolerance * scale)
    np.testing.assert_array_equal(kernel(*given, **attrs), out, strict=True)
    for x, old in zip(given, before, strict=True):
        np.testing.assert_array_equal(x, old, strict=True)


def frozen(x: np.ndarray) -> np.ndarray:
    x = x.view()
    x.flags.writeable = False
    return x


def strided(x: np.ndarray) -> np.ndarray:
    """The same values with gaps between them, walked backwards along the first axis."""
    if x.ndim == 0:
        return x
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)[::-1]
    wide[..., ::2] = x
    return wide[..., ::2]


def in_dtypes(operands: tuple, floats: Any, ids: Any) -> tuple:
    return tuple(x.astype(floats if x.dtype.kind == "f" else ids) for x in operands)


# -- each row ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROWS_WITH_KERNELS)
@given(data=st.data())
def test_it_agrees_with_numpys(name, data):
    op = ROWS_WITH_KERNELS[name]
    operands, attrs = op.samples(Draw(lambda low, high: data.draw(st.integers(low, high))))
    floats = data.draw(st.sampled_from([np.float32, np.float64]))
    operands = in_dtypes(operands, floats, data.draw(st.sampled_from([np.int32, np.int64])))
    if kernel_for(drawn(op, operands, attrs)):
        agree(op, operands, attrs)
        agree(op, operands, attrs, tuple(map(strided, operands)))


SHAPES = [(1, 1), (3, 2), (2, 3), (1, 4), (5, 7), (2, 9), (40, 10), (3, 64), (2, 2, 5), (7,), (0, 3), (2, 0, 4)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", [n for n in ROWS_WITH_KERNELS if "soft" in n or "cross" in n])
def test_scores_of_all_sizes(name, shape):
    op, rng = ROWS_WITH_KERNELS[name], np.random.default_rng(0)
    scores = rng.uniform(0.01, 1, shape).astype(np.float32)
    labels = rng.integers(0, shape[-1], shape[:-1])
    agree(op, (scores,) if name == "softmax" else (scores, labels), EPSILON if "cross_entropy" in name[:20] and
          "softmax" not in name else {})  # fmt: skip


@pytest.mark.parametrize("width", [0, 1, 3, 8, 17])
@pytest.mark.parametrize("places", [(), (0,), (5,), (4, 6), (2, 0), (2, 3, 4), (2, 1, 2, 3)], ids=str)
@pytest.mark.parametrize("ids_dtype", [np.int32, np.int64])
def test_tables_of_all_widths_and_ids_of_all_ranks(places, width, ids_dtype):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(6, width)).astype(np.float32)
    ids = np.asarray(rng.integers(0, 6, places), ids_dtype)
    rows = rng.normal(size=(*places, width)).astype(np.float32)
    agree(ROWS["gather"], (table, ids), {})
    agree(ROWS["scatter_add"], (rows, ids), {"shape": table.shape})
    agree(ROWS["scatter_add"], (rows.astype(np.float64), ids), {"shape": table.shape})
    if len(places) == 2:
        agree(ROWS["gather_sum"], (table, ids), {})
        agree(ROWS["counts"], (ids,), {"rows": 6, "dtype": np.dtype(np.float32)})


@pytest.mark.parametrize("places", [(5,), (4, 6), (2, 3, 4)], ids=str)
def test_rows_that_are_added_may_be_a_view(places):
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 6, places)
    beside = rng.normal(size=(*places, 9)).astype(np.float32)
    one = rng.normal(size=(*places[:-1], 1, 3)).astype(np.float32)
    number = np.float32(0.5)
    across = rng.normal(size=(3, *places)).astype(np.float32)
    for rows in (
        beside[..., 2:5],
        beside[..., ::3],
        np.broadcast_to(one, (*places, 3)),
        np.broadcast_to(number, (*places, 3)),
        np.moveaxis(across, 0, -1),
    ):
        agree(ROWS["scatter_add"], (rows, ids), {"shape": (6, 3)})


@pytest.mark.parametrize("rows", [13, 20_000])
def test_long_sums(rows):
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 13, (32, 1000)).astype(np.int32)
    agree(ROWS["scatter_add"], (rng.uniform(size=(32, 1000, 3)).astype(np.float32), ids), {"shape": (rows, 3)})
    agree(ROWS["counts"], (ids,), {"rows": rows, "dtype": np.dtype(np.float32)})


@pytest.mark.parametrize("special", [np.inf, -np.inf, np.nan, 1e30, -1e30, -3.4028235e38, 1e-40, 0.0, 200.0])
def test_special_values(special):
    scores = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)
    scores[1, 2] = special
    scores[2] = special
    for op, operands, attrs in (
        (ROWS["softmax"], (scores,), {}),
        (ROWS["softmax_prediction_error"], (scores, np.array([0, 1, 2])), {}),
        (ROWS["sparse_softmax_cross_entropy"], (scores, np.array([0, 1, 2])), {}),
        (ROWS["sparse_softmax_cross_entropy"], (scores, np.array([0, 2, 2])), {}),
        (ROWS["sparse_cross_entropy"], (scores, np.array([0, 1, 2])), EPSILON),
        (ROWS["sparse_cross_entropy"], (scores, np.array([0, 2, 2])), EPSILON),
        (ROWS["sparse_cross_entropy_slope"], (scores, np.array([0, 2, 2])), EPSILON),
    ):
        agree(op, operands, attrs)


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("wrong", [-1, 3, 1000, np.iinfo(np.int32).min, np.iinfo(np.int32).max])
@pytest.mark.parametrize("name", [n for n in ROWS_WITH_KERNELS if n not in ("softmax", "distinct")])
def test_a_wrong_id_or_label_is_the_error_that_numpys_kernel_raises(name, wrong, dtype):
    op = ROWS_WITH_KERNELS[name]
    ids = np.array([[0, 1, 2], [2, wrong, 0]], dtype)
    operands, attrs = {
        "gather": ((np.ones((3, 2)), ids), {}),
        "gather_sum": ((np.ones((3, 2)), ids), {}),
        "scatter_add": ((np.ones((2, 3, 2)), ids), {"shape": (3, 2)}),
        "bag_sum": ((np.ones((3, 2)), ids, np.ones((2, 3))), {}),
        "bag_scatter": ((np.ones((2, 2)), ids, np.ones((2, 3))), {"shape": (3, 2)}),
        "counts": ((ids,), {"rows": 3, "dtype": np.dtype(np.float32)}),
        "softmax_prediction_error": ((np.ones((2, 3, 3), np.float32), ids), {}),
        "sparse_softmax_cross_entropy": ((np.ones((2, 3, 3), np.float32), ids), {}),
        "sparse_cross_entropy": ((np.ones((2, 3, 3)), ids), EPSILON),
        "sparse_cross_entropy_slope": ((np.ones((2, 3, 3)), ids), EPSILON),
    }[name]
    with pytest.raises((IdError, LabelError)) as expected:
        op.kernel(*operands, **attrs)
    kernel = kernel_for(drawn(op, operands, attrs))
    with pytest.raises(expected.type) as got:
        kernel(*operands, **attrs)
    assert str(got.value) == str(expected.value)
    assert f"{wrong} at [1, 1]" in str(got.value)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_distinct_ids_far_apart_and_many(dtype):
    rng = np.random.default_rng(0)
    ids = np.concatenate([rng.integers(0, 2**31 - 1, 3000), np.arange(0, 2**31, 2**15)[:3000], np.arange(500)])
    agree(ROWS["distinct"], (rng.choice(ids, (90, 100)).astype(dtype),), {})
    with pytest.raises(IdError, match="id -3 is negative"):
        kernel_for(drawn(ROWS["distinct"], (ids.astype(dtype),), {}))(np.array([1, -3] + [0] * (ids.size - 2), dtype))


# -- where there is none -----------------------------------------------------------------------------------------------


def test_other_rows_and_other_operands_have_none():
    x = np.ones((3, 4), np.float32)
    table, ids = np.ones((5, 2)), np.array([1, 2])
    for op, operands, attrs in (
        (ROWS["add"], (x, x), {}),
        (ROWS["softmax"], (x,), {"axis": 0}),
        (ROWS["softmax"], (x,), {"axis": (0, 1)}),
        (ROWS["softmax"], (np.ones((2, 1000), np.float32),), {"axis": -1}),
        (ROWS["softmax"], (x.astype(np.float16),), {"axis": -1}),
        (ROWS["gather"], (table.astype(np.float16), ids), {}),
        (ROWS["gather"], (table, ids.astype(np.uint8)), {}),
        (ROWS["gather"], (table[0], ids), {}),
    ):
        assert kernel_for(drawn(op, operands, attrs)) is None


def test_softmax_has_one_for_its_last_axis_by_either_name():
    x = np.ones((3, 4), np.float32)
    for axis in (-1, 1):
        agree(ROWS["softmax"], (x,), {"axis": axis})


# -- checks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (1,), (7,), (33,), (3, 50), (2, 3, 4), (0,)], ids=str)
def test_finite_finds_each_number_that_is_not(shape, dtype):
    check = finite(Spec(shape, np.dtype(dtype)))
    x = np.asarray(np.random.default_rng(0).normal(size=shape) * (np.finfo(dtype).max / 100), dtype)
    assert check(x) == 1
    for place in np.ndindex(shape):
        for bad in (np.nan, np.inf, -np.inf):
            y = x.copy()
            y[place] = bad
            assert check(y) == 0
