"""A Symbol: specs in place of values, an open batch, and clear words where a value is asked for."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad.ops  # noqa: F401
from minigrad.core.autodiff import grad
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Tensor
from minigrad.errors import GradientError, ShapeError, TracingError


def batch(*shape: int, dtype: type = np.float32) -> Symbol:
    return Symbol.of((None, *shape), dtype)


class TestShapes:
    @pytest.mark.parametrize(
        ("function", "shape"),
        [
            (lambda x: x * 2, (None, 4)),
            (lambda x: np.tanh(x) + np.ones(4, np.float32), (None, 4)),
            (lambda x: x.sum(), ()),
            (lambda x: x.sum(axis=-1), (None,)),
            (lambda x: x.mean(axis=0), (4,)),
            (lambda x: x.mean(axis=1, keepdims=True), (None, 1)),
            (lambda x: x @ np.zeros((4, 7), np.float32), (None, 7)),
            (lambda x: x.T, (4, None)),
            (lambda x: x.reshape(-1), (None,)),
            (lambda x: x.reshape(-1, 2, 2), (None, 2, 2)),
            (lambda x: x.reshape((-1, 2)), (None, 2)),
            (lambda x: x[:, 0], (None,)),
            (lambda x: x[:, 1:3], (None, 2)),
            (lambda x: x[..., None], (None, 4, 1)),
            (lambda x: x[0], (4,)),
            (lambda x: x[:2], (2, 4)),
            (lambda x: x[1:], (None, 4)),
            (lambda x: np.concatenate([x, x], axis=1), (None, 8)),
            (lambda x: np.concatenate([x, x]), (None, 4)),
            (lambda x: np.stack([x, x], axis=1), (None, 2, 4)),
            (lambda x: np.expand_dims(x, 1), (None, 1, 4)),
            (lambda x: x - x.max(axis=-1, keepdims=True), (None, 4)),
            (lambda x: np.where(x > 0, x, 0), (None, 4)),
            (lambda x: x[:, None, :] - x[:, :, None], (None, 4, 4)),
            (lambda x: x @ x.T, (None, None)),
        ],
    )
    def test_of_results(self, function, shape):
        y = function(batch(4))
        assert y.shape == shape
        assert y.dtype == np.float32
        assert y.ndim == len(shape)

    def test_the_batch_broadcasts_only_with_itself_and_one(self):
        assert (batch(4) + batch(1)).shape == (None, 4)
        assert (batch(4) + np.zeros((1, 4))).shape == (None, 4)
        with pytest.raises(ShapeError):
            batch(4) + np.zeros((3, 4))

    def test_dtypes_follow_numpy(self):
        x = batch(2)
        assert (x * 2.5).dtype == np.float32
        assert (x + np.zeros(2)).dtype == np.float64
        assert (x > 0).dtype == np.bool_
        assert Symbol.of((3,), np.int64).requires_grad is False
        assert x.requires_grad

    def test_sizes(self):
        assert batch(4).open
        assert batch(4).size is None
        assert Symbol.of((2, 3), np.float32).size == 6
        assert not Symbol.of((), np.float32).open

    def test_len(self):
        assert len(Symbol.of((3, 2), np.float32)) == 3
        with pytest.raises(TracingError, match="open batch axis"):
            len(batch(2))
        with pytest.raises(TypeError, match="without axes"):
            len(Symbol.of((), np.float32))

    def test_iteration_over_a_known_axis(self):
        assert [row.shape for row in Symbol.of((2, 3), np.float32)] == [(3,), (3,)]
        with pytest.raises(TracingError):
            list(batch(2))

    def test_wrong_shapes_are_told_in_words(self):
        with pytest.raises(ShapeError, match=r"\(.*4\) and \(.*3\) do not broadcast"):
            batch(4) + batch(3)
        with pytest.raises(ShapeError, match="axis"):
            batch(4).sum(axis=2)


class TestNoValue:
    @pytest.mark.parametrize(
        "look",
        [
            bool,
            int,
            float,
            np.asarray,
            np.array,
            range,
            lambda x: x.item(),
            lambda x: x.numpy(),
            lambda x: x.tolist(),
            lambda x: [1, 2][x],
            lambda x: 1 if x > 0 else 2,
            lambda x: x.any() and x,
        ],
    )
    def test_looking_at_a_value_is_an_error_that_says_what_to_do(self, look):
        with pytest.raises(TracingError, match=r"needs the value of a Symbol.*run_eagerly=True"):
            look(Symbol.of((), np.float32))

    def test_the_error_names_the_maker(self):
        with pytest.raises(TracingError, match="made by tanh"):
            bool(np.tanh(batch(1)))

    def test_unknown_numpy_functions_are_named(self):
        with pytest.raises(TypeError, match=r"np\.histogram has no row"):
            np.histogram(batch(2))
        with pytest.raises(TypeError, match=r"np\.isnat has no row"):
            np.isnat(batch(2))

    def test_it_is_immutable(self):
        with pytest.raises(TypeError, match="immutable"):
            batch(2)[0] = 1

    def test_repr(self):
        assert repr(batch(2) * 2) == "Symbol(shape=(None, 2), dtype=float32, from=multiply)"
        assert repr(batch(2)) == "Symbol(shape=(None, 2), dtype=float32)"

    def test_equality_is_elementwise_hash_by_identity(self):
        x = batch(2)
        assert isinstance(x == x, Symbol)
        assert len({x, batch(2), x}) == 2


class TestNodes:
    def test_with_tensors_and_arrays_on_either_side(self):
        x, w = batch(3), Tensor(np.ones((3, 2), np.float32), requires_grad=True)
        for y in (x @ w, np.ones((2, 3), np.float32) @ x.T, w.T @ x.T, np.add(np.float32(1), x), [1, 2, 3] + x):
            assert isinstance(y, Symbol)
        y = x @ w
        assert y.node.inputs[0] is x
        assert y.node.inputs[1] is w
        assert y.node.fn.name == "matmul"

    def test_no_data_is_touched(self):
        huge = Symbol.of((10**6, 10**6), np.float64)
        assert (huge @ huge + 1).sum(axis=0).shape == (10**6,)


class TestGradients:
    def test_are_symbols(self):
        x = Symbol.of((5, 3), np.float32)
        w = Symbol.of((3, 2), np.float32)
        dx, dw = grad(np.tanh(x @ w).sum(), [x, w])
        assert isinstance(dx, Symbol)
        assert (dx.shape, dw.shape) == ((5, 3), (3, 2))
        assert dw.dtype == np.float32

    def test_second_order(self):
        x = Symbol.of((3,), np.float32)
        g = grad((x * x * x).sum(), x)
        assert grad(g.sum(), x).shape == (3,)

    def test_of_an_open_batch_need_a_size(self):
        x = batch(3)
        with pytest.raises(GradientError, match="open"):
            grad((x * x), x)

    def test_with_respect_to_a_variable(self):
        x, w = Symbol.of((5, 3), np.float32), Tensor(np.ones((3, 2), np.float32), requires_grad=True)
        assert grad((x @ w).sum(), w).shape == (3, 2)
