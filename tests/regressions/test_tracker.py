"""Faults that other libraries' trackers tell of, one test each, under the number they have in our list.

Tensors are immutable, so that some of them cannot be written down here at all: then the test says so with the error.
"""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from minigrad import ops
from minigrad.core.autodiff import grad
from minigrad.core.mode import no_grad
from minigrad.core.tensor import Tensor, Variable
from minigrad.errors import DTypeError, GradientError


def leaf(values: object, dtype: type = np.float64) -> Tensor:
    return Tensor(np.array(values, dtype), requires_grad=True)


def immutable() -> pytest.RaisesExc:
    return pytest.raises(TypeError, match="immutable")


def test_A01_in_place_write_corrupts_a_saved_value():
    x = leaf(np.ones((2, 2, 2, 2)))
    with immutable():
        x[0, :, 0, 0] = x[0, :, 0, 0] * 2


def test_A02_version_check_lost_through_a_view():
    x = leaf([1, 2, 3])
    y = np.exp(x[:2])
    with pytest.raises(ValueError, match="read-only"):
        x.numpy()[:2] += 1
    with pytest.raises(ValueError, match="read-only"):
        y.data[:] = 0
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [*np.exp([1, 2]), 0])


def test_A02_a_written_variable_is_noticed():
    w, x = Variable(np.ones(3)), leaf([1, 2, 3])
    y = w[:2] * x[:2]
    w.assign(np.zeros(3))
    y.sum().backward()  # w[:2] was taken before; it must not have changed under our feet
    assert x.grad.tolist() == [1, 1, 0]


def test_A03_the_user_changes_the_array_behind_a_constant():
    x, buffer = leaf([1, 2]), np.ones(2)
    y = x * buffer
    buffer[:] = 100
    y.sum().backward()
    assert x.grad.tolist() == [1, 1]


def test_A03_the_user_changes_the_array_behind_a_tensor():
    buffer = np.ones(2)
    x = Tensor(buffer, requires_grad=True)
    y = x * x
    buffer[:] = 100
    y.sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_A04_chained_views_of_a_split_op():
    x = leaf(np.arange(6).reshape(2, 3))
    first, _ = x
    part = first[0:2]
    part *= 2  # a new tensor under the same name
    assert first.tolist() == [0, 1, 2]
    part.sum().backward()
    assert x.grad.tolist() == [[2, 2, 0], [0, 0, 0]]


def test_A05_view_and_in_place():
    x = leaf([1, 1, 1])
    y = x * 1
    v = y[:2]
    v *= 10
    np.concatenate([v, y[2:]]).sum().backward()
    assert x.grad.tolist() == [10, 10, 1]


def test_A06_an_upstream_shared_by_two():
    x, y = leaf([1, 2]), leaf([3, 5])
    z = x + y
    (x / z).sum().backward()
    total = np.array([4.0, 7.0])
    np.testing.assert_allclose(x.grad, 1 / total - np.array([1, 2]) / total**2)
    np.testing.assert_allclose(y.grad, -np.array([1, 2]) / total**2)


@pytest.mark.parametrize("uses", range(1, 65))
def test_A07_many_accumulations(uses):
    w, b, x = leaf(np.eye(2)), leaf([0, 0]), np.array([[1.0, 2.0]])
    sum(x @ w + b for _ in range(uses)).sum().backward()
    assert b.grad.tolist() == [uses, uses]
    assert w.grad.tolist() == [[uses, uses], [2 * uses, 2 * uses]]


def test_A08_overwrite_instead_of_accumulate():
    x = leaf(3)
    ((x + x) * x).backward()
    assert x.grad == 12


def test_A09_duplicate_fancy_index():
    x = leaf([1, 2])
    x[[0, 0]].sum().backward()
    assert x.grad.tolist() == [2, 0]
    x = leaf([[1, 2], [3, 4]])
    ops.gather(x, [[0, 0], [1, 0]]).sum().backward()
    assert x.grad.dense().tolist() == [[3, 3], [1, 1]]
    x = leaf([[1, 2], [3, 4]])
    x[[0, 0], [1, 1]].sum().backward()
    assert x.grad.tolist() == [[0, 2], [0, 0]]


def test_A10_assignment_with_a_duplicate_index():
    with immutable():
        leaf([1, 2])[[0, 0, 0]] = leaf([1, 2, 3])


@pytest.mark.parametrize(
    "index",
    [
        ([0, 0, 1],),
        (np.array([[0, 0], [1, 1]]),),
        (slice(None), [2, 2]),
        ([0, 1, 0], slice(1, 3)),
        ([-1, 1],),
        (np.array([True, False, True]), [1, 1]),
        ([0, 2, 0], [1, 1, 1]),
        (Ellipsis, [0, 0], slice(None)),
    ],
)
def test_A11_fast_paths_only_where_no_index_repeats(index):
    x = leaf(np.arange(27.0).reshape(3, 3, 3))
    u = np.random.default_rng(0).standard_normal(x.numpy()[index].shape)
    x[index].backward(u)
    expected = np.zeros((3, 3, 3))
    np.add.at(expected, index, u)
    np.testing.assert_allclose(np.asarray(x.grad), expected, atol=1e-15)


@pytest.mark.parametrize(("a", "b"), [((1,), (5, 4)), ((), (3,)), ((4, 1), (1, 3)), ((1, 1), (2, 0, 3)), ((1,), (0,))])
def test_A12_broadcast_is_undone(a, b):
    x, y = leaf(np.ones(a)), leaf(np.ones(b))
    (x * y).sum().backward()
    size = np.broadcast(np.ones(a), np.ones(b)).size
    assert x.grad.shape == a
    assert y.grad.shape == b
    assert x.grad.sum() == y.grad.sum() == size


def test_A13_broadcast_to():
    x = leaf([1, 2, 3])
    np.broadcast_to(x, (4, 3)).sum().backward()
    assert x.grad.tolist() == [4, 4, 4]


def test_A14_the_gradient_of_a_0d_tensor_is_an_array():
    x = leaf(2)
    (x * np.ones(3)).sum().backward()
    assert type(x.grad) is np.ndarray
    assert x.grad.shape == ()
    assert type(grad((x * x), x)) is np.ndarray


def test_A15_indexing_a_0d_tensor():
    x = leaf(2)
    assert x[None].shape == (1,)
    assert x[()].shape == ()
    assert x[...].shape == ()
    (x[None].sum() + x[()] + x[...]).backward()
    assert x.grad == 3


def test_A16_zero_size():
    x = leaf(np.zeros((2, 0)))
    np.cumsum(x, axis=-1).sum().backward()
    assert x.grad.shape == (2, 0)
    x, b = leaf(np.ones((4, 0))), leaf(np.ones(4))
    (x + b[:, None]).sum().backward()
    assert x.grad.shape == (4, 0)
    assert b.grad.tolist() == [0, 0, 0, 0]


def test_A17_division_in_prod():
    x = leaf([0])
    np.prod(x, axis=0).backward()
    assert x.grad.tolist() == [1]


def test_A18_nan_from_the_branch_not_taken():
    x = leaf(100, np.float32)
    y = np.where(x <= 0, np.exp(np.where(x <= 0, x, 0.0)), 1 + x)
    y.backward()
    assert x.grad == 1


def test_A19_norm_at_zero():
    x = leaf([0])
    np.linalg.norm(x).backward()
    assert x.grad.tolist() == [0]


def test_A20_ties_of_max_count_once():
    x = leaf([1, 2], np.float16)
    np.max(np.concatenate([x, x])).backward()
    assert x.grad.tolist() == [0, 1]


def test_A21_dtype_creep():
    x = leaf([1, 2], np.float32)
    np.sum(x**2).backward()
    assert x.grad.dtype == np.float32
    g = grad(np.mean(x**2 * 3.0 + 1), x, create_graph=True)
    assert g.dtype == np.float32


def test_A22_float16_and_a_scalar():
    y = np.maximum(leaf([1, 4], np.float16), 3.1)
    assert y.dtype == np.float16
    y.sum().backward()


def test_A23_float16_overflow_in_reductions():
    x = leaf(np.ones(70_000), np.float16)
    assert np.mean(x) == 1
    with np.errstate(over="ignore"):
        assert np.sum(x) == np.inf  # as in NumPy: the result's dtype is float16, which ends at 65504
    assert np.sum(x, dtype=np.float32) == 70_000


def test_A24_integer_or_bool_leaf():
    for values in ([1, 2], [True]):
        with pytest.raises(DTypeError, match="astype"):
            Tensor(values, requires_grad=True)


def test_A25_recursion_in_backward():
    x = leaf([1])
    y = x
    for _ in range(20_000):
        y = y + x
    y.sum().backward()
    assert x.grad.tolist() == [20_001]


def test_A26_recursion_in_freeing():
    t = leaf([1e-3])
    y = t
    for _ in range(52_330):
        y = y + y * t
    for twin in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):  # noqa: S301
        assert twin.tolist() == y.tolist()
    assert repr(y)
    node = weakref.ref(y.node)
    del y
    assert node() is None


def test_A27_exponential_walk():
    x = leaf(1)
    y = x
    calls = []
    for _ in range(60):
        y = y + y
        y.register_hook(calls.append)
    y.backward()
    assert len(calls) == 60


def test_A28_reference_cycle():
    gc.collect()
    gc.disable()
    try:
        x = leaf([1, 2])
        y = np.exp(np.tanh(x))  # both rules keep their own result
        nodes = [weakref.ref(y.node), weakref.ref(y.node.inputs[0].node)]
        del y
        assert [n() for n in nodes] == [None, None]
        grad(grad(np.exp(x).sum(), x, create_graph=True).sum(), x)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_A29_a_number_keeps_no_graph():
    x = leaf([1, 2])
    total = 0.0
    for _ in range(3):
        loss = (x * x).sum()
        node = weakref.ref(loss.node)
        total += float(loss)
        del loss
        assert node() is None
    assert type(total) is float


def test_A30_grad_mode_and_threads():
    x = leaf([1])
    with no_grad(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: (x * 2).requires_grad).result()
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_A31_no_grad_leaks_out_of_a_generator_or_coroutine():
    x = leaf([1])

    def generator() -> Iterator[bool]:
        with no_grad():
            yield (x * 2).requires_grad

    steps = generator()
    assert next(steps) is False
    assert (x * 2).requires_grad

    async def pausing() -> None:
        with no_grad():
            await asyncio.sleep(0)

    async def main() -> bool:
        task = asyncio.create_task(pausing())
        await asyncio.sleep(0)
        recorded = (x * 2).requires_grad
        await task
        return recorded

    assert asyncio.run(main())


def test_A32_a_fully_masked_softmax_row():
    w = leaf(np.ones((2, 3)))
    mask = np.array([[-np.inf] * 3, [0.0, 0.0, -np.inf]])
    y = ops.softmax(w + mask, axis=-1)
    (y * np.arange(3.0)).sum().backward()
    assert np.isfinite(y.numpy()).all()
    assert np.isfinite(w.grad).all()


def test_A33_minus_infinity_in_softmax():
    x = leaf([0.0, -np.inf, 1.0])
    (ops.softmax(x) * np.array([1.0, 2.0, 3.0])).sum().backward()
    assert np.isfinite(x.grad).all()
    assert x.grad[1] == 0


def test_A34_deepcopy_and_pickle():
    x = leaf([1, 2])
    y = (x * x).sum()
    y.backward(retain_graph=True)
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):  # noqa: S301
        assert twin.requires_grad
        assert twin.grad.tolist() == [2, 4]
    for twin in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):  # noqa: S301
        assert twin.node is None


def test_A35_an_array_on_the_left():
    x = leaf(np.ones((3, 3)))
    for y in (np.eye(3) + x, np.float64(2) * x, [1, 2, 3] + x, np.eye(3) @ x, np.eye(3) == x, 2.0**x, np.eye(3) / x):
        assert type(y) is Tensor


def test_A36_truth_value():
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Tensor([1, 2]))


def test_A37_second_backward():
    y = (leaf([1, 2]) ** 2).sum()
    y.backward()
    with pytest.raises(GradientError, match="retain_graph=True"):
        y.backward()


def test_A38_negative_strides():
    x = leaf([1, 2, 3])
    (x[::-1] * np.array([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [100, 10, 1]
    x = Tensor(np.arange(3.0)[::-1], requires_grad=True)
    (x * x).sum().backward()
    assert x.grad.tolist() == [4, 2, 0]


def test_A39_equality_and_hash():
    x, y = leaf([1, 2]), leaf([1, 2])
    assert (x == y).tolist() == [True, True]
    assert len({x, y}) == 2
    assert {x: 1, y: 2}[y] == 2
    with pytest.raises(ValueError, match="ambiguous"):
        x in [y]  # noqa: B015


def test_A40_iteration():
    rows = list(leaf([[1, 2], [3, 4]]))
    assert [r.tolist() for r in rows] == [[1, 2], [3, 4]]
    assert all(type(r) is Tensor for r in rows)
    with pytest.raises(TypeError):
        iter(leaf(1))
