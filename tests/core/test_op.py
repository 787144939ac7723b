"""A row is checked as it is made, and called it tells in words what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

import minigrad.ops  # noqa: F401
from minigrad.core.autodiff import grad
from minigrad.core.op import Op
from minigrad.core.spec import Spec, broadcast, normal_axes, normal_axis, result_dtype
from minigrad.core.symbol import Symbol
from minigrad.core.table import ROWS
from minigrad.core.tensor import Tensor
from minigrad.errors import GradientError, ShapeError


@pytest.fixture(autouse=True)
def table_as_it_was() -> Iterator[None]:
    before = dict(ROWS)
    yield
    ROWS.clear()
    ROWS.update(before)


def same(x: Spec, **attrs: object) -> Spec:
    return x


class TestARowOfOnesOwn:
    def test_works_on_arrays_tensors_and_symbols(self) -> None:
        cube = Op(lambda x: x**3, name="cube", spec=same, vjp=lambda g, x: 3 * g * x**2)
        x = Tensor(np.array([2.0]), requires_grad=True)
        assert cube(np.array([2.0])).tolist() == [8]
        g = grad(cube(x).sum(), x, create_graph=True)
        assert g.tolist() == [12]
        assert grad(g.sum(), x).tolist() == [12]
        assert cube(Symbol.of((None, 2), np.float32)).shape == (None, 2)

    def test_attributes_reach_rules_with_their_defaults(self) -> None:
        def kernel(x: np.ndarray, *, k: float = 2.0) -> np.ndarray:
            return x * k

        times = Op(kernel, name="times", spec=same, vjp=lambda g, k: g * k)
        x = Tensor(np.array([1.0]), requires_grad=True)
        assert grad(times(x).sum(), x).tolist() == [2]
        assert grad(times(x, k=5.0).sum(), x).tolist() == [5]

    def test_any_number_of_operands(self) -> None:
        total = Op(
            lambda *xs: sum(xs),
            name="total",
            spec=lambda x, *more: x,
            vjp=lambda g, position, xs, shapes: g * (position + 1) * len(shapes) * len(xs),
        )
        x, y = (Tensor(np.array([v]), requires_grad=True) for v in (1.0, 2.0))
        assert [g.tolist() for g in grad(total(x, y).sum(), [x, y])] == [[4], [8]]

    def test_a_rule_of_the_wrong_shape_is_named(self) -> None:
        op = Op(lambda x: x * 1, name="misshapen", spec=same, vjp=lambda g: g[:1])
        x = Tensor(np.ones(3), requires_grad=True)
        with pytest.raises(GradientError, match=r"a rule of misshapen gave a gradient of shape \(1,\).*\(3,\)"):
            grad(op(x).sum(), x)

    def test_no_rule_no_gradient(self) -> None:
        op = Op(lambda x: x * 1, name="flat", spec=same)
        assert not op(Tensor(np.ones(3), requires_grad=True)).requires_grad


class TestMistakes:
    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ({"kind": "elementary"}, "kind='elementary' is none of elementwise"),
            ({"vjp": (lambda g: g, lambda g: g)}, r"2 rules for 1 operands \('x',\)"),
            ({"vjp": lambda g, z: g}, "a rule reads 'z', which is neither g, out, an operand"),
            ({"vjp": lambda x: x}, "first parameter is g"),
        ],
    )
    def test_are_told_as_the_row_is_made(self, columns: dict, message: str) -> None:
        with pytest.raises((TypeError, ValueError), match=message):
            Op(lambda x: x, **{"name": "wrong", "spec": same, **columns})

    @pytest.mark.parametrize(
        "call",
        [
            lambda x: x + np.zeros(4),
            lambda x: x @ np.zeros((4, 2)),
            lambda x: x.sum(axis=5),
            lambda x: x.reshape(7),
            lambda x: np.concatenate([x, np.zeros((3, 3))], axis=1),
        ],
    )
    @pytest.mark.parametrize("kind", ["tensor", "symbol"])
    def test_shapes_that_do_not_fit_are_told_alike_eager_and_drawn(self, call: Callable, kind: str) -> None:
        x = Tensor(np.zeros((2, 3))) if kind == "tensor" else Symbol.of((2, 3), np.float64)
        with pytest.raises((ShapeError, ValueError), match=r"\(|axis"):
            call(x)


class TestSpecArithmetic:
    def test_broadcast(self) -> None:
        for shapes in [((),), ((3,), ()), ((2, 1), (1, 3)), ((0,), (1,)), ((2, 0, 3), (3,)), ((4, 1), (1,), (5, 1, 3))]:
            assert broadcast(*shapes) == np.broadcast_shapes(*shapes)
        for shapes in [((2,), (3,)), ((0,), (2,)), ((2, 3), (2, 1, 4))]:
            with pytest.raises(ShapeError, match="do not broadcast together: axis -1"):
                broadcast(*shapes)

    def test_result_dtype_keeps_python_scalars_weak(self) -> None:
        f2, f4, f8, i8 = (np.dtype(t) for t in "f2 f4 f8 i8".split())
        assert result_dtype(f2, float) == f2
        assert result_dtype(float, f4, int) == f4
        assert result_dtype(f4, f8) == f8
        assert result_dtype(i8, f4) == f8
        assert result_dtype(float, float) == f8

    def test_axes(self) -> None:
        assert normal_axis(-1, 3) == 2
        assert normal_axes((-1, 0), 3) == (0, 2)
        assert normal_axes((), 3) == ()
        for bad in (3, -4):
            with pytest.raises(ShapeError, match=f"axis={bad} is out of range"):
                normal_axis(bad, 3)
        with pytest.raises(ShapeError, match="twice"):
            normal_axes((0, -3), 3)
