"""NumPy's composite functions on arrays, Tensors and Symbols: NumPy's values, shapes and dtypes, and true gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.symbol import Symbol
from minigrad.errors import ShapeError, TracingError

X = np.random.default_rng(0).normal(size=(4, 5))
HOLES = np.where(np.random.default_rng(1).random((4, 5)) < 0.3, np.nan, X)
HOLES[:, 3] = np.nan


def parts(result: Any) -> tuple:
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def check(function: Callable[[Any], Any], x: np.ndarray = X) -> None:
    """Against NumPy's own values; a Symbol's shape and dtype; gradients to second order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's about slices of NaN alone
        expected, got = parts(function(x)), parts(function(mg.Tensor(x)))
        drawn = parts(function(Symbol.of(x.shape, x.dtype)))
        if x.dtype.kind == "f":  # nothing needs a plain array on the way
            function(mg.Tensor(x, requires_grad=True))
    assert len(got) == len(expected) == len(drawn)
    for g, e, s in zip(got, expected, drawn, strict=True):
        assert (g.shape, g.dtype) == (np.shape(e), np.asarray(e).dtype)
        np.testing.assert_allclose(g.numpy(), e, rtol=1e-12, atol=1e-12)
        assert (s.shape, s.dtype) == (g.shape, g.dtype)
    if x.dtype.kind == "f" and not np.isnan(x).any():
        for i, g in enumerate(got):
            if g.dtype.kind == "f":
                mg.check_grads(lambda x, i=i: parts(function(x))[i], x)


NAN = [np.nansum, np.nanprod, np.nanmean, np.nanmax, np.nanmin, np.nanvar, np.nanstd]


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)], ids=str)
@pytest.mark.parametrize("x", [X, HOLES], ids=["whole", "holes"])
@pytest.mark.parametrize("function", NAN, ids=lambda f: f.__name__)
def test_what_passes_over_nan(function: Callable, x: np.ndarray, axis: Any) -> None:
    check(lambda x: function(x, axis=axis), x)
    check(lambda x: function(x, axis=axis, keepdims=True), x)


def test_holes_get_no_gradient() -> None:
    x = mg.Tensor([[1.0, np.nan, 3.0]], requires_grad=True)
    for function, expected in ((np.nansum, [1, 0, 1]), (np.nanmean, [0.5, 0, 0.5]), (np.nanvar, [-1, 0, 1])):
        np.testing.assert_array_equal(mg.grad(function(x), x), np.float32([expected]))
    check(lambda x: np.nancumsum(x, axis=1), HOLES)
    check(lambda x: np.nancumprod(x), HOLES)
    assert np.nanmean(mg.Tensor(np.arange(4, dtype=np.int32))).item() == 1.5
    same = mg.Tensor([2.0, 2.0], requires_grad=True)
    np.testing.assert_array_equal(mg.grad(np.nanstd(same), same), [0, 0])


@pytest.mark.parametrize("axis", [None, 0, (1, 0), -1], ids=str)
@pytest.mark.parametrize("q", [0.3, 0, 1.0, [0.1, 0.5], np.array([[0.2], [0.9]])], ids=str)
def test_quantiles(q: Any, axis: Any) -> None:
    for x in (X, HOLES, np.arange(20).reshape(4, 5)):
        check(lambda x: np.quantile(x, q, axis=axis), x)
        check(lambda x: np.quantile(x, q, axis=axis, keepdims=True), x)
    check(lambda x: np.percentile(x, np.multiply(q, 100), axis=axis))
    assert np.quantile(mg.Tensor(X.astype(np.float32)), 0.3).dtype == np.float32


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "cov": np.cov,
    "cov of columns": lambda x: np.cov(x, rowvar=False),
    "cov of two": lambda x: np.cov(x[0], x[1], bias=True),
    "cov with ddof": lambda x: np.cov(x, ddof=2),
    "variance": lambda x: np.cov(x[0]),
    "corrcoef": lambda x: np.corrcoef(x),
    "gradient": lambda x: np.gradient(x),
    "gradient with steps": lambda x: np.gradient(x, 2.0, 3.0),
    "gradient along an axis": lambda x: np.gradient(x, 2.0, axis=-1),
    "trapezoid": getattr(np, "trapezoid", getattr(np, "trapz", None)),
    "ediff1d": lambda x: np.ediff1d(x, to_end=[1.0, 2.0], to_begin=x[0, 0]),
    "diff between numbers": lambda x: np.diff(x, prepend=0.5, append=2),
    "diff between arrays": lambda x: np.diff(x, n=2, prepend=x[:, :2], axis=-1),
    "diff of truth values": lambda x: np.diff(x > 0),
    "interp": lambda x: np.interp(x, [-1.0, 0.2, 1.0], [3.0, 4.0, 9.0]),
    "interp of values": lambda x: np.interp([0.3, -5.0, 1.9, 7.0], np.arange(5.0), x[0], left=-1.0),
    "polyval": lambda x: np.polyval([1.0, 2.0, 3.0], x),
    "polyval of coefficients": lambda x: np.polyval(x[0], 2.0 + np.arange(3.0)),
    "meshgrid": lambda x: np.meshgrid(x[0], x[1, :2], x[2, :3]),
    "meshgrid ij": lambda x: np.meshgrid(x[0], x[1, :2], indexing="ij", sparse=True),
    "delete": lambda x: np.delete(x, [0, 2], axis=-1),
    "delete a slice": lambda x: np.delete(x, slice(1, 3)),
    "extract": lambda x: np.extract(np.arange(20).reshape(4, 5) % 3 == 0, x),
    "apply_along_axis": lambda x: np.apply_along_axis(lambda v: v[:2] * v.sum(), 0, x),
    "apply_along_axis, more axes": lambda x: np.apply_along_axis(lambda v: v[:, None] * v, -1, x),
    "select": lambda x: np.select([x > 0, x < -0.5], [x**2, x], 3.0),
    "digitize": lambda x: np.digitize(x, [-1.0, 0.0, 2.0], right=True),
    "isclose": lambda x: np.isclose(x, x + 1e-9),
    "isposinf": lambda x: np.isposinf(x / 1),
    "real": lambda x: np.real(x) * 1,
    "divmod": lambda x: np.divmod(x, 0.7),
    "modf": np.modf,
    "frexp": np.frexp,
    "outer": lambda x: np.multiply.outer(x[0], x),
    "full_like": lambda x: np.full_like(np.zeros(3), 2.0) + np.full_like(x, x[0, 0])[0, :3],
    "average": lambda x: np.average(x, axis=1, weights=[1.0, 2.0, 3.0, 4.0, 5.0]),
    "shift": lambda x: ((x * 9).astype(np.int64) + 50 << 2) >> 1,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name: str) -> None:
    check(FUNCTIONS[name])


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (5, 2), (5, 3), (2, 5), (4, 4), (3, 6)])
def test_convolutions(n: int, m: int, mode: Any) -> None:
    check(lambda x: np.convolve(x[:n], x[n:], mode), np.ravel(X)[: n + m])
    check(lambda x: np.correlate(x[:n], x[n:], mode), np.ravel(X)[: n + m])


@pytest.mark.skipif(not hasattr(np, "cumulative_sum"), reason="came with NumPy 2.1")
def test_cumulative() -> None:
    check(lambda x: np.cumulative_sum(x, axis=1, include_initial=True))
    check(lambda x: np.cumulative_prod(x, axis=-2))
    check(lambda x: np.cumulative_prod(x[0], include_initial=True))
    with pytest.raises(ShapeError, match="needs axis="):
        np.cumulative_sum(mg.Tensor(X))


def test_partition_puts_the_kth_in_its_place() -> None:
    x = mg.Tensor(X, requires_grad=True)
    np.testing.assert_array_equal(np.partition(x, 2, axis=1).numpy()[:, 2], np.partition(X, 2, axis=1)[:, 2])
    np.testing.assert_array_equal(np.argpartition(x, 2).numpy(), np.argsort(X))


def test_questions_get_plain_answers() -> None:
    x = mg.Tensor(X, requires_grad=True)
    assert np.allclose(x, X) is True
    assert np.array_equal(x, X)
    assert not np.array_equiv(x, X + 1)
    assert np.array_repr(x) == np.array_repr(X)
    assert np.array2string(x, precision=2) == np.array2string(X, precision=2)
    assert np.result_type(x, np.float32) == np.float64
    assert np.isrealobj(x)
    assert [i.tolist() for i in np.tril_indices_from(x[:2, :2])] == [[0, 1, 1], [0, 0, 1]]
    assert np.iscomplexobj(Symbol.of((None, 2), np.float32)) is False
    with pytest.raises(TracingError):
        np.allclose(Symbol.of((None, 2), np.float32), 1.0)


def test_where_with_a_condition_alone_finds_the_places() -> None:
    x = mg.Tensor(X)
    assert [i.tolist() for i in np.where(x > 1)] == [i.tolist() for i in np.where(X > 1)]
    with pytest.raises(TracingError, match="how many"):
        np.where(Symbol.of((3,), np.float32) > 1)


REFUSED = [
    (lambda x: np.gradient(x, [0.0, 1.0, 3.0, 4.0], axis=0), TypeError, "one number"),
    (lambda x: np.gradient(x[:1], axis=0), ShapeError, "fewer than 2"),
    (lambda x: np.quantile(x, 1.5), ValueError, r"\[0, 1\]"),
    (lambda x: np.quantile(x, 0.5, method="nearest"), TypeError, "only 'linear'"),
    (lambda x: np.interp(x, [1.0, 2.0], [1.0]), ShapeError, "as many points"),
    (lambda x: np.convolve(x, x[0]), ShapeError, "two vectors"),
    (lambda x: np.select([x > 0], [x, x]), ValueError, "1 conditions for 2 choices"),
    (lambda x: np.diff(x, n=-1), ValueError, "n=-1"),
    (lambda x: np.diff(x, axis=2), ShapeError, "axis=2"),
    (lambda x: np.split(x, 0), ValueError, "must be positive"),
    (lambda x: np.prod(x[0, 0], axis=0), ShapeError, "without axes"),
    (lambda x: np.linalg.inv(x[:4, :4].astype(np.float16)), TypeError, "no float16"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED, ids=[w for _, _, w in REFUSED])
def test_what_does_not_fit_is_named(call: Callable, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        call(mg.Tensor(X))
