"""A Tensor: what it holds, what it turns into, and that nobody writes to it."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import minigrad.ops  # noqa: F401
from minigrad import config
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Tensor, Variable
from minigrad.errors import DTypeError


@pytest.fixture
def float64_by_default():
    config.set_floatx("float64")
    yield
    config.set_floatx("float32")


class TestConstruction:
    @pytest.mark.parametrize(
        ("data", "dtype"),
        [
            (1.5, np.float32),
            ([1.0, 2.0], np.float32),
            ([[1, 2.5]], np.float32),
            (2, np.int64),
            ([1, 2], np.int64),
            (True, np.bool_),
            (np.float64(1), np.float64),
            (np.zeros(2), np.float64),
            (np.zeros(2, np.float32), np.float32),
            (np.zeros(2, np.float16), np.float16),
            (np.zeros(2, np.int32), np.int32),
            (np.zeros(2, np.uint8), np.uint8),
            (range(3), np.int64),
        ],
    )
    def test_python_floats_become_floatx_and_arrays_keep_their_dtype(self, data, dtype):
        assert Tensor(data).dtype == dtype

    def test_floatx_is_obeyed(self, float64_by_default):
        assert Tensor([1.0]).dtype == np.float64

    def test_dtype_wins(self):
        assert Tensor(np.zeros(2), dtype="float16").dtype == np.float16
        assert Tensor([1, 2], dtype=np.float32, requires_grad=True).requires_grad

    def test_the_data_is_copied(self):
        array = np.ones(2)
        x = Tensor(array)
        array[:] = 5
        assert x.tolist() == [1, 1]

    def test_of_a_tensor(self):
        x = Tensor(np.ones(2), requires_grad=True)
        y = Tensor(x * 1)
        assert y.tolist() == [1, 1]
        assert not y.requires_grad
        assert y.node is None

    @pytest.mark.parametrize("data", ["word", [None], [object()], np.array(["a"]), np.array(["2020"], "M8[D]")])
    def test_what_is_no_number_is_refused(self, data):
        with pytest.raises(DTypeError, match="Tensor: cannot hold"):
            Tensor(data)

    @pytest.mark.parametrize("data", [[1, 2], True, np.zeros(2, np.int8), np.zeros(1, np.complex128)])
    def test_a_gradient_of_integers_is_refused_with_a_remedy(self, data):
        with pytest.raises(DTypeError, match=r"requires_grad=True needs a float dtype, got .*astype"):
            Tensor(data, requires_grad=True)


class TestImmutability:
    def test_no_item_assignment(self):
        with pytest.raises(TypeError, match="immutable"):
            Tensor([1.0])[0] = 2

    def test_the_views_are_read_only(self):
        x = Tensor([1.0, 2.0])
        for view in (x.data, x.numpy()):
            with pytest.raises(ValueError, match="read-only"):
                view[0] = 5

    def test_no_in_place_operators_no_out(self):
        x = Tensor([1.0])
        before = x
        x += 1
        assert x is not before
        assert before.tolist() == [1]
        with pytest.raises(TypeError, match="immutable"):
            np.add(x, 1, out=x)
        with pytest.raises(TypeError):
            np.add(x, 1, out=np.zeros(1, np.float32))

    def test_no_ufunc_at(self):
        with pytest.raises(TypeError, match=r"np\.add\.at"):
            np.add.at(Tensor([1.0]), [0], 1)

    def test_in_place_on_an_array_is_refused_for_a_tensor_operand(self):
        array = np.ones(1)
        with pytest.raises(TypeError):
            array += Tensor([1.0])


class TestConversion:
    def test_numpy_is_a_view_without_history(self):
        x = Tensor([1.0, 2.0], requires_grad=True)
        assert type((x * 2).numpy()) is np.ndarray
        assert (x * 2).numpy().tolist() == [2, 4]

    def test_of_a_variable_it_is_a_copy(self):
        v = Variable(np.zeros(2))
        before = v.numpy()
        v.assign([1, 1])
        assert before.tolist() == [0, 0]

    def test_an_array_is_made_only_where_no_gradient_is_lost(self):
        assert np.asarray(Tensor([1.0])).tolist() == [1]
        with pytest.raises(TypeError, match=r"x\.numpy\(\)"):
            np.asarray(Tensor([1.0], requires_grad=True))
        with pytest.raises(TypeError):
            np.array([Tensor([1.0], requires_grad=True)])

    def test_python_numbers(self):
        x = Tensor([2.5], dtype=np.float64)
        assert x.item() == 2.5
        assert float(Tensor(2.5)) == 2.5
        assert int(Tensor(2.5)) == 2
        assert complex(Tensor(2.5)) == 2.5
        assert [10, 20, 30][Tensor(1)] == 20
        assert f"{Tensor(0.125):.2f}" == "0.12"
        with pytest.raises(TypeError):
            [10, 20][Tensor(1.0)]

    def test_truth_is_numpys(self):
        assert bool(Tensor([1.0]))
        assert not bool(Tensor(0.0))
        with pytest.raises(ValueError, match="ambiguous"):
            bool(Tensor([1.0, 2.0]))

    def test_len_and_iteration_are_over_the_first_axis(self):
        x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        assert len(x) == 2
        rows = list(x)
        assert [type(r) for r in rows] == [Tensor, Tensor]
        (rows[0] * rows[1]).sum().backward()
        assert x.grad.tolist() == [[3, 4], [1, 2]]
        for f in (len, iter):
            with pytest.raises(TypeError, match="without axes"):
                f(Tensor(1.0))

    def test_repr_shows_values_dtype_and_maker(self):
        x = Tensor([1.0, 2.0], requires_grad=True)
        assert repr(x) == "Tensor([1., 2.], dtype=float32, requires_grad=True)"
        assert repr(x * 2) == "Tensor([2., 4.], dtype=float32, from=multiply)"


class TestOperators:
    def test_with_arrays_lists_and_scalars_on_either_side(self):
        x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
        array, scalar = np.array([3.0, 4.0]), np.float64(2)
        for y in (array + x, x + array, scalar * x, x * scalar, [1, 2] + x, x + [1, 2], 1 - x, x - 1):
            assert type(y) is Tensor
            assert y.requires_grad
            assert y.dtype == np.float64

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_python_scalars_are_weak(self, dtype):
        x = Tensor(np.array([1.5], dtype), requires_grad=True)
        for y in (x * 2, 2 * x, x + 1.5, 1.0 - x, x / 3, x**2, 2.0**x, np.maximum(x, 3.1)):
            assert y.dtype == dtype
            y.sum().backward()
            assert x.grad.dtype == dtype

    def test_comparison_is_elementwise_hash_by_identity(self):
        x, y = Tensor([1.0, 2.0]), Tensor([1.0, 3.0])
        assert (x == y).tolist() == [True, False]
        assert (x != y).tolist() == [False, True]
        assert (x < y).tolist() == [False, True]
        assert len({x, y, x}) == 2
        assert {x: "a"}[x] == "a"

    def test_operators_keep_their_own_names(self):
        b = Symbol.of((None, 2), np.float32)
        assert [s.node.fn.name for s in (b > 1, b < 1, b >= 1, b <= 1)] == [
            "greater",
            "less",
            "greater_equal",
            "less_equal",
        ]
        assert [part.tolist() for part in divmod(Tensor([7, 8]), 3)] == [[2, 2], [1, 2]]
        assert (1 << Tensor([1, 2])).tolist() == [2, 4]

    def test_missing_methods_say_what_to_do(self):
        x = Tensor([1.0, 2.0])
        with pytest.raises(AttributeError, match=r"immutable, and ndarray's sort writes in place\. np\.sort"):
            x.sort()
        with pytest.raises(AttributeError, match=r"take x\.numpy\(\)\.tobytes"):
            x.tobytes()
        assert not hasattr(x, "unsqueeze")

    def test_format(self):
        assert f"{Tensor(2.5):.2f}" == "2.50"
        with pytest.raises(TypeError, match="format"):
            f"{Tensor([2.5]):.2f}"

    def test_unknown_numpy_functions_are_named(self):
        x = Tensor([1.0, 2.0])
        with pytest.raises(TypeError, match=r"np\.histogram has no row"):
            np.histogram(x)
        with pytest.raises(TypeError, match=r"np\.fft\.\w*fft has no row|np\.fft.*\.fft has no row"):
            np.fft.fft(x)
        with pytest.raises(TypeError, match=r"np\.isnat has no row"):
            np.isnat(x)
        with pytest.raises(TypeError, match=r"np\.add\.reduceat has no row"):
            np.add.reduceat(x, [0])


class TestCopies:
    def twins(self, x):
        return [copy.copy(x), copy.deepcopy(x), x.copy(), pickle.loads(pickle.dumps(x))]  # noqa: S301

    def test_copy_deepcopy_pickle_keep_values_flag_and_gradient_not_the_graph(self):
        x = Tensor([1.0, 2.0], requires_grad=True)
        (x * x).sum().backward()
        for twin in self.twins(x):
            assert twin.tolist() == [1, 2]
            assert twin.requires_grad
            assert twin.grad.tolist() == [2, 4]
            assert not np.shares_memory(twin.grad, x.grad)
            assert not np.shares_memory(twin.numpy(), x.numpy())
        for twin in self.twins(x * 3):
            assert twin.tolist() == [3, 6]
            assert twin.node is None

    def test_of_a_variable(self):
        v = Variable(np.ones(2, np.float32), name="w", trainable=False)
        for twin in self.twins(v):
            assert type(twin) is Variable
            assert (twin.name, twin.trainable, twin.tolist()) == ("w", False, [1, 1])
            twin.assign([5, 5])
        assert v.tolist() == [1, 1]


class TestVariable:
    def test_assign_casts_and_checks_the_shape(self):
        v = Variable(np.zeros(2, np.float32), name="bias")
        v.assign(Tensor(np.array([1.5, 2.0])))
        assert v.tolist() == [1.5, 2]
        assert v.dtype == np.float32
        with pytest.raises(ValueError, match=r"bias: assign\(\) got shape \(3,\), expected \(2,\)"):
            v.assign(np.zeros(3))
        assert v.tolist() == [1.5, 2]

    def test_trainable_is_requires_grad(self):
        v = Variable(np.zeros(2))
        assert v.requires_grad
        v.trainable = False
        assert not (v * 2).requires_grad

    def test_a_detached_one_does_not_follow_writes(self):
        v = Variable(np.zeros(2))
        before = v.detach()
        v.assign([1, 1])
        assert before.tolist() == [0, 0]
        assert not before.requires_grad


def test_tensors_made_from_a_variable_keep_their_values_when_it_is_assigned():
    variable = Variable(np.arange(6.0).reshape(2, 3))
    views = [variable.T, variable.reshape(6), variable[0], variable.detach()]
    before = [view.numpy().copy() for view in views]
    variable.assign(np.zeros((2, 3)))
    for view, values in zip(views, before, strict=True):
        np.testing.assert_array_equal(view.numpy(), values)


def test_rows_are_written_in_place_unless_a_tensor_is_a_view_of_them():
    variable = Variable(np.zeros((3, 2)))
    array = variable._data.__array_interface__["data"][0]
    variable.assign_rows(np.array([1]), np.ones((1, 2)))
    assert variable._data.__array_interface__["data"][0] == array
    view = variable.T
    variable.assign_rows(np.array([1]), np.full((1, 2), 9.0))
    np.testing.assert_array_equal(view.numpy(), [[0, 1, 0], [0, 1, 0]])
    np.testing.assert_array_equal(variable.numpy(), [[0, 0], [9, 9], [0, 0]])


def test_a_gradient_through_a_view_of_a_variable_is_that_of_the_values_it_had():
    variable = Variable(np.arange(6.0).reshape(2, 3))
    x = Tensor(np.ones((1, 3)), requires_grad=True)
    y = (x @ variable.T).sum()
    variable.assign(np.zeros((2, 3)))
    y.backward()
    np.testing.assert_array_equal(x.grad, [[3.0, 5.0, 7.0]])
