"""x[key] against NumPy over many patterns of keys, and its gradient against counting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad.core.symbol import Symbol
from minigrad.errors import TracingError

shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


@st.composite
def mixed_keys(draw: Any, shape: tuple[int, ...]) -> tuple:
    """Ints, slices, None, Ellipsis, index arrays that broadcast together, and masks, in any order."""
    drawn = draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=3))
    key: list[Any] = []
    axis, open_end = 0, False
    while axis < len(shape) and draw(st.integers(0, 5)):
        n = shape[axis]
        kind = draw(st.sampled_from(["slice", "int", "ids", "ids", "mask", "none", "ellipsis"]))
        if kind == "slice":
            key.append(draw(st.slices(n)))
        elif kind == "none":
            key.append(None)
            continue
        elif kind == "ellipsis":
            if not open_end:
                key.append(Ellipsis)
                open_end = True
            continue
        elif kind == "mask" and not open_end:
            key.append(draw(hnp.arrays(bool, shape[axis : axis + draw(st.integers(1, len(shape) - axis))])))
            axis += key[-1].ndim - 1
        elif n and not open_end:
            ids = draw(hnp.arrays(np.int64, drawn if kind == "ids" else (), elements=st.integers(-n, n - 1)))
            key.append(ids if kind == "ids" else int(np.ravel(ids)[0]))
        else:
            key.append(slice(None))
        axis += 1
    return tuple(key)


def agrees_with_numpy(shape: tuple[int, ...], key: Any) -> None:
    x = np.arange(np.prod(shape, dtype=int), dtype=np.float64).reshape(shape)
    try:
        expected = x[key]
    except IndexError:
        with pytest.raises(IndexError):
            mg.Tensor(x)[key]
        return
    leaf = mg.Tensor(x, requires_grad=True)
    got = leaf[key]
    np.testing.assert_array_equal(got.numpy(), expected, strict=True)
    g = np.random.default_rng(0).normal(size=expected.shape)
    counted = np.zeros(shape)
    np.add.at(counted, key, g)
    np.testing.assert_allclose(mg.grad(got, leaf, gradient=g), counted, rtol=1e-12)
    symbol = Symbol.of(shape, np.float64)[key]
    assert (symbol.shape, symbol.dtype) == (expected.shape, expected.dtype)


@given(data=st.data())
def test_basic_keys(data: Any) -> None:
    shape = data.draw(shapes)
    agrees_with_numpy(shape, data.draw(hnp.basic_indices(shape, allow_newaxis=True)))


@given(data=st.data())
def test_integer_arrays(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
    agrees_with_numpy(shape, data.draw(hnp.integer_array_indices(shape)))


@given(data=st.data())
def test_masks(data: Any) -> None:
    shape = data.draw(shapes)
    axes = data.draw(st.integers(0, len(shape)))
    agrees_with_numpy(shape, data.draw(hnp.arrays(bool, shape[:axes])))


@given(data=st.data())
def test_mixtures(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4))
    key = data.draw(mixed_keys(shape))
    assume(sum(isinstance(k, np.ndarray) and k.dtype == bool for k in key) <= 1)  # else they need not broadcast
    agrees_with_numpy(shape, key)


@pytest.mark.parametrize(
    "key",
    [
        [0, 2, 0],
        ([1, 0], [2, 2]),
        [],
        (slice(None), [1]),
        [True, False],
        np.uint8([1, 1]),
        True,
        False,
        np.True_,
        (..., [0, 0]),
        (None, [1], 0),
        ([1], slice(None), None),
        (True, [1]),
    ],
    ids=str,
)
def test_lists_and_truth_values(key: Any) -> None:
    agrees_with_numpy((2, 3), key)


def test_an_empty_ellipsis_between_index_arrays_sends_their_axes_to_the_front() -> None:
    agrees_with_numpy((5, 3, 4), (slice(None), [0, 1], ..., [0, 1]))


@pytest.mark.parametrize("key", [(), None, ..., (None, ...), (..., None), np.True_])
def test_a_number_takes_keys_that_pick_nothing(key: Any) -> None:  # reliability.md A15
    agrees_with_numpy((), key)


# -- repeats


def test_repeated_indices_add_up() -> None:  # reliability.md A9
    x = mg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    np.testing.assert_array_equal(mg.grad(x[[0, 0]].sum(), x), [2, 0, 0])
    table = mg.Tensor(np.ones((3, 2)), requires_grad=True)
    np.testing.assert_array_equal(mg.grad(table[np.array([[2, 0], [2, -1]])].sum(), table), [[1, 1], [0, 0], [3, 3]])


def test_repeats_to_second_order() -> None:
    ids, rows = np.array([0, 2, 2, 0]), np.array([[0], [1]])
    mg.check_grads(lambda x: x[ids] ** 3, np.array([0.3, 1.2, -0.7]))
    mg.check_grads(lambda x: x[rows, ids] ** 3, np.arange(6.0).reshape(2, 3) / 5)


def test_tensors_of_integers_are_index_arrays() -> None:
    x = mg.Tensor(np.arange(12.0).reshape(3, 4), requires_grad=True)
    ids = mg.Tensor(np.array([2, 0, 2]))
    np.testing.assert_array_equal(x[ids, mg.Tensor(1)].numpy(), [9, 1, 9])
    np.testing.assert_array_equal(mg.grad(x[:, ids].sum(), x), [[1, 0, 2, 0]] * 3)
    np.testing.assert_array_equal(x[x > 5].numpy(), np.arange(6, 12))
    np.testing.assert_array_equal(x[ids].numpy(), x.numpy()[[2, 0, 2]])
    assert x[mg.Tensor(1)].shape == (4,)


# -- errors


def has_a_list(key: Any) -> bool:
    return isinstance(key, list) or (isinstance(key, tuple) and any(isinstance(k, list) for k in key))


@pytest.mark.parametrize("key", [3, -4, (0, 5), [0, 3], (0, 0, 0), (slice(None), [4])], ids=str)
def test_out_of_range_is_an_index_error_on_tensors_and_symbols(key: Any) -> None:
    with pytest.raises(IndexError):
        mg.Tensor(np.zeros((3, 4)))[key]
    if not has_a_list(key):  # whose values a Symbol does not look at
        with pytest.raises(IndexError, match=r"axis|axes"):
            Symbol.of((3, 4), np.float32)[key]


@pytest.mark.parametrize("key", [1.0, [0.5], "a", np.array([1.0])], ids=str)
def test_what_is_no_index_is_named(key: Any) -> None:
    with pytest.raises(IndexError, match="must be an integer"):
        mg.Tensor(np.zeros(3))[key]


def test_a_float_tensor_is_no_index() -> None:
    with pytest.raises(IndexError, match="float32"):
        mg.Tensor(np.zeros(3))[mg.Tensor([1.0])]


def test_a_mask_of_the_wrong_shape() -> None:
    with pytest.raises(IndexError, match=r"axis 1 of \(2, 3\) has size 3"):
        mg.Tensor(np.zeros((2, 3)))[np.zeros((2, 2), bool)]


def test_index_arrays_that_do_not_broadcast() -> None:
    with pytest.raises(IndexError, match="do not fit together"):
        mg.Tensor(np.zeros((3, 4)))[[0, 1, 2], [0, 1]]


def test_a_symbolic_mask_has_no_shape() -> None:
    x = Symbol.of((None, 3), np.float32)
    with pytest.raises(TracingError, match="run_eagerly=True"):
        x[x > 0]
    with pytest.raises(TracingError, match="run_eagerly=True"):
        np.nonzero(x)


def test_symbols_keep_the_open_batch() -> None:
    x, ids = Symbol.of((None, 5, 3), np.float32), Symbol.of((None, 7), np.int64)
    assert x[:, 1].shape == (None, 3)
    assert x[..., None].shape == (None, 5, 3, 1)
    assert x[:, [0, 0, 1, 4]].shape == (None, 4, 3)
    assert x[0][ids].shape == (None, 7, 3)
    assert x[ids, ids].shape == (None, 7, 3)


# -- NumPy's functions


@given(data=st.data())
def test_take(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=4))
    axis = data.draw(st.one_of(st.none(), st.integers(-len(shape), len(shape) - 1)))
    n = np.prod(shape) if axis is None else shape[axis]
    mode = data.draw(st.sampled_from(["raise", "wrap", "clip"]))
    reach = n if mode == "raise" else 3 * n
    ids = data.draw(
        hnp.arrays(np.int64, hnp.array_shapes(min_dims=0, max_dims=2), elements=st.integers(-reach, reach - 1))
    )
    x = np.arange(np.prod(shape, dtype=float)).reshape(shape)
    got = np.take(mg.Tensor(x), ids, axis=axis, mode=mode)
    np.testing.assert_array_equal(got.numpy(), np.take(x, ids, axis=axis, mode=mode), strict=True)


def test_take_counts_booleans_as_numbers() -> None:
    np.testing.assert_array_equal(np.take(mg.Tensor([5.0, 6.0]), [True, True, False]).numpy(), [6, 6, 5])


def test_compress_and_where_elements_are() -> None:
    x = np.array([[0.0, 3.0], [4.0, 0.0]])
    t = mg.Tensor(x)
    np.testing.assert_array_equal(np.compress([True, False], t, axis=1).numpy(), x[:, :1])
    np.testing.assert_array_equal(np.argwhere(t).numpy(), np.argwhere(x))
    np.testing.assert_array_equal(np.flatnonzero(t).numpy(), np.flatnonzero(x))
    np.testing.assert_array_equal(t[np.nonzero(t)].numpy(), [3, 4])
    assert isinstance(mg.ops.nonzero(x)[0], np.ndarray)
