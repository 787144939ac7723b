"""backward() and grad(): what they give, what they free, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import ops
from minigrad.core.autodiff import grad, history, origin
from minigrad.core.mode import MODE, Scope
from minigrad.core.op import Op
from minigrad.core.rowsparse import RowSparse
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Tensor, Variable
from minigrad.errors import DTypeError, GradientError


def leaf(*values: float) -> Tensor:
    return Tensor(np.array(values, float), requires_grad=True)


class TestBackward:
    def test_adds_to_what_is_there(self):
        x = leaf(1, 2)
        (x * x).sum().backward()
        (x * 3).sum().backward()
        assert x.grad.tolist() == [5, 7]
        assert type(x.grad) is np.ndarray

    def test_leaves_alone_an_earlier_gradient_that_the_user_kept(self):
        x = leaf(1, 2)
        x.sum().backward()
        kept = x.grad
        x.sum().backward()
        assert kept.tolist() == [1, 1]
        assert x.grad.tolist() == [2, 2]

    def test_only_leaves_get_a_gradient(self):
        x = leaf(2)
        y = x * 3
        y.sum().backward()
        assert y.grad is None

    def test_an_explicit_gradient(self):
        for g in ([1.0, 10.0], np.array([1.0, 10.0]), Tensor(np.array([1.0, 10.0]))):
            x = leaf(1, 2)
            (x * 2).backward(g)
            assert x.grad.tolist() == [2, 20]

    @pytest.mark.parametrize("fan_out", range(1, 65))
    def test_any_fan_out(self, fan_out):
        x = leaf(3.0)
        total = x * 1
        for _ in range(fan_out - 1):
            total = total + x * 1
        total.sum().backward()
        assert x.grad.tolist() == [fan_out]

    def test_repeated_operands(self):
        x = leaf(3)
        ((x + x) * x).sum().backward()
        assert x.grad.tolist() == [12]

    def test_a_diamond_of_60_levels(self):
        x = leaf(1)
        y = x
        for _ in range(60):
            y = y + y
        y.sum().backward()
        assert x.grad.tolist() == [2.0**60]

    def test_gradients_share_no_memory(self):
        x, y = leaf(1, 2), leaf(3, 4)
        upstream = np.ones(2)
        (x + y).backward(upstream)
        arrays = [x.grad, y.grad, upstream, x.numpy(), y.numpy()]
        assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])

    def test_of_a_leaf(self):
        x = leaf(5)
        x.backward()
        assert x.grad.tolist() == [1]


class TestRefusals:
    def test_second_backward(self):
        x = leaf(1)
        y = (x * x).sum()
        y.backward()
        with pytest.raises(GradientError, match=r"freed.*retain_graph=True"):
            y.backward()
        assert x.grad.tolist() == [2]

    def test_second_backward_through_a_shared_part(self):
        x = leaf(1)
        shared = x * x
        (shared * 2).sum().backward()
        with pytest.raises(GradientError, match="freed"):
            (shared * 3).sum().backward()

    def test_retain_graph(self):
        x = leaf(3)
        y = (x * x).sum()
        y.backward(retain_graph=True)
        y.backward()
        assert x.grad.tolist() == [12]

    def test_not_a_single_element(self):
        with pytest.raises(GradientError, match=r"shape is \(2,\).*\.sum\(\)"):
            (leaf(1, 2) * 2).backward()

    def test_wrong_shape_of_the_gradient(self):
        with pytest.raises(GradientError, match=r"shape \(3,\), expected .*\(2,\)"):
            (leaf(1, 2) * 2).backward(np.ones(3))

    def test_nothing_to_differentiate(self):
        with pytest.raises(GradientError, match="does not depend on anything"):
            Tensor([1.0]).backward()
        with pytest.raises(GradientError, match="has no gradient"):
            Tensor([1]).backward()

    def test_a_variable_written_after_the_forward_pass(self):
        v, x = Variable(np.array([2.0]), name="kernel"), leaf(3)
        y = (v * x).sum()
        v.assign([5.0])
        with pytest.raises(GradientError, match="kernel was assigned after this graph was recorded"):
            y.backward()

    def test_but_only_if_a_rule_reads_it(self):
        v, x = Variable(np.array([2.0])), leaf(3)
        y = (v + x).sum()
        v.assign([5.0])
        y.backward()
        assert x.grad.tolist() == [1]


class TestGrad:
    def test_a_function_is_no_result(self):
        with pytest.raises(GradientError, match="value_and_grad"):
            grad(lambda x: x, leaf(1))

    def test_behind_a_symbol_all_sizes_must_be_known(self):
        x = Symbol.of((None, 4), np.float32)
        with pytest.raises(GradientError, match=r"operand of sum, .* open shape \(None, 4\)"):
            grad(x.sum(), x)

    def test_the_structure_comes_back(self):
        x, y = leaf(2), leaf(3)
        z = (x * y).sum()
        assert grad(z, x, retain_graph=True).tolist() == [3]
        as_list = grad(z, [x, y], retain_graph=True)
        as_tuple = grad(z, (x, y), retain_graph=True)
        as_dict = grad(z, {"x": x, "y": y})
        assert type(as_list) is list
        assert type(as_tuple) is tuple
        assert [g.tolist() for g in as_list] == [g.tolist() for g in as_tuple] == [[3], [2]]
        assert {k: g.tolist() for k, g in as_dict.items()} == {"x": [3], "y": [2]}

    def test_leaves_grad_alone(self):
        x = leaf(2)
        grad((x * x).sum(), x)
        assert x.grad is None

    def test_of_an_intermediate(self):
        x = leaf(2)
        y = x * 3
        z = y * y
        assert grad(z.sum(), [y, x])[0].tolist() == [12]

    def test_gradients_of_intermediates_share_no_memory(self):
        x, u = leaf(1, 2), np.ones(2)
        y, z = x * 2, x * 3
        arrays = [*grad(y + z, [y, z, x], u), u, grad(x, x, u)]
        assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])

    def test_the_same_x_twice(self):
        x = leaf(2)
        a, b = grad((x * x).sum(), [x, x])
        assert a.tolist() == b.tolist() == [4]

    def test_unused(self):
        x, other = leaf(2), leaf(1)
        with pytest.raises(GradientError, match=r"does not depend on xs\[1\]"):
            grad((x * x).sum(), [x, other])
        assert grad((x * x).sum(), [x, other], allow_unused=True)[1] is None

    def test_xs_must_require_a_gradient(self):
        y = (leaf(2) * 2).sum()
        with pytest.raises(GradientError, match=r"xs\[0\].*integers have no derivative"):
            grad(y, Tensor([1]))
        with pytest.raises(GradientError, match="does not require a gradient"):
            grad(y, Tensor([1.0]))
        with pytest.raises(GradientError, match="ndarray"):
            grad(y, np.ones(1))

    def test_higher_orders(self):
        x = leaf(2)
        y = (x * x * x * x).sum()
        expected = [32, 48, 48, 24]
        for right in expected:
            y = grad(y, x, create_graph=True).sum()
            assert y.item() == right

    def test_without_create_graph_plain_arrays(self):
        x = leaf(2)
        assert type(grad((x * x).sum(), x)) is np.ndarray

    def test_create_graph_keeps_the_graph(self):
        x = leaf(2)
        y = (x * x).sum()
        grad(y, x, create_graph=True)
        y.backward()
        assert x.grad.tolist() == [4]

    def test_gradients_through_the_upstream(self):
        x, u = leaf(2), leaf(5)
        g = grad(x * x, x, u, create_graph=True)
        assert grad(g.sum(), u).tolist() == [4]


class TestHooks:
    def test_a_hook_sees_and_may_replace_the_whole_gradient(self):
        x = leaf(1, 2)
        y = x * 3
        seen = []
        y.register_hook(lambda g: seen.append(np.array(g)))
        y.register_hook(lambda g: g * 10)
        (y.sum() + y.sum()).backward()
        assert [s.tolist() for s in seen] == [[2, 2]]
        assert x.grad.tolist() == [60, 60]

    def test_on_a_leaf_and_taken_away(self):
        x = leaf(1)
        remove = x.register_hook(lambda g: g * 10)
        (x * 2).sum().backward()
        assert x.grad.tolist() == [20]
        x.grad = None
        remove()
        remove()
        (x * 2).sum().backward()
        assert x.grad.tolist() == [2]

    def test_under_create_graph_it_gets_tensors(self):
        x = leaf(2)
        y = x * x
        y.register_hook(lambda g: g * x)
        g = grad(y.sum(), x, create_graph=True)
        assert g.tolist() == [8]
        assert grad(g.sum(), x).tolist() == [8]

    def test_not_without_a_gradient(self):
        with pytest.raises(GradientError, match="takes no gradient"):
            Tensor([1.0]).register_hook(print)

    def test_a_hook_is_a_function_and_keeps_the_shape(self):
        x = leaf(1, 2)
        with pytest.raises(TypeError, match="expected a function of the gradient, got int"):
            x.register_hook(3)
        y = x * 2
        y.register_hook(lambda g: g[:1])
        with pytest.raises(GradientError, match=r"hook <lambda> gave ndarray of shape \(1,\).*\(2,\)"):
            y.sum().backward()

    def test_retain_grad(self):
        x = leaf(1, 2)
        y = x * 3
        y.retain_grad()
        (y * y).sum().backward()
        assert y.grad.tolist() == [6, 12]
        x.retain_grad()


class TestConstants:
    def test_an_array_may_be_written_after_the_forward_pass(self):
        x, buffer = leaf(1, 2), np.ones(2)
        y = x * buffer
        buffer[:] = 100
        y.sum().backward()
        assert x.grad.tolist() == [1, 1]

    def test_detach_and_integers_stop_the_gradient(self):
        x = leaf(1.5, 2.5)
        assert not x.detach().requires_grad
        (x * x.detach()).sum().backward()
        assert x.grad.tolist() == [1.5, 2.5]
        assert not (x > 2).requires_grad
        with pytest.raises((DTypeError, GradientError)):
            (x > 2).backward(np.ones(2))

    def test_a_rule_is_not_asked_for_what_needs_no_gradient(self):
        x, w = leaf(1, 2), Tensor(np.array([3.0, 4.0]))
        (x * w).sum().backward()
        assert w.grad is None


class TestRowSparseInTheSweep:
    def table(self):
        return Tensor(np.arange(8.0).reshape(4, 2), requires_grad=True)

    def test_a_gathered_table_gets_rows(self):
        table = self.table()
        ids = np.array([[1, 3, 1], [1, 0, 0]])
        ops.gather(table, ids).backward(np.arange(12.0).reshape(2, 3, 2))
        expected = np.zeros((4, 2))
        np.add.at(expected, ids, np.arange(12.0).reshape(2, 3, 2))
        assert type(table.grad) is RowSparse
        np.testing.assert_array_equal(table.grad.dense(), expected)

    def test_gathered_twice_and_used_densely(self):
        table = self.table()
        twice = ops.gather(table, [0, 0]).sum() + ops.gather(table, [1]).sum()
        twice.backward(retain_graph=True)
        assert table.grad.dense()[:, 0].tolist() == [2, 1, 0, 0]
        table.grad = None
        (twice + table.sum()).backward()
        np.testing.assert_array_equal(np.asarray(table.grad)[:, 0], [3, 2, 1, 1])
        (table * 1.0).sum().backward()
        np.testing.assert_array_equal(np.asarray(table.grad)[:, 0], [4, 3, 2, 2])


# -- what rules draw belongs to the layer whose gradient it is ---------------------------------------------------------


class Named:
    def __init__(self, name: str) -> None:
        self.name = name


def in_layer(name, function, *values):
    token = MODE.set(MODE.get()._replace(scope=Scope(Named(name), None, False)))
    try:
        return function(*values)
    finally:
        MODE.reset(token)


def behind(x) -> list:
    nodes = history([origin(x)])
    return sorted(nodes, key=lambda node: node.tick)


@pytest.mark.parametrize("kind", ["symbols", "tensors"])
def test_what_a_rule_draws_has_the_scope_of_its_op(kind):
    x = Symbol.of((3,), np.float64) if kind == "symbols" else Tensor(np.ones(3), requires_grad=True)
    h = in_layer("inner", np.exp, x)
    y = in_layer("outer", lambda h: np.sum(h * h), h)
    before = MODE.get()
    g = grad(y, x, create_graph=kind == "tensors")
    assert MODE.get() is before
    drawn = [node for node in behind(g) if node.tick > origin(y).tick]
    assert {node.scope.path() for node in drawn} == {"inner", "outer"}
    assert [node.scope.path() for node in drawn] == sorted((node.scope.path() for node in drawn), reverse=True)


def test_a_drawn_gradient_says_what_it_is_the_gradient_of():
    x = Symbol.of((3,), np.float64)
    w = Symbol.of((3,), np.float64)
    h = np.tanh(x * w)
    g = grad(np.sum(h * 3.0), [x, w])
    of = {node.extra["gradient_of"] for node in behind(g[0]) + behind(g[1]) if node.extra}
    assert {x, w, h.node.inputs[0].node} <= of
    assert g[0].node.extra == {"gradient_of": x}
    assert g[1].node.extra == {"gradient_of": w}


def test_a_gradient_that_is_an_old_value_is_not_marked():
    """Its node would refer to a later one, and the graph would not die by itself."""
    pick = Op(lambda x, y: x * y, name="pick", spec=lambda x, y: x, vjp=(lambda g, y: y, None))
    x, z = Symbol.of((), np.float64), Symbol.of((), np.float64)
    y = np.exp(z)
    g = grad(pick(np.tanh(x), y), x)
    assert y.node in behind(g)
    assert y.node.extra is None


def test_the_scope_comes_back_after_an_error():
    def fails(g):
        raise ValueError("no rule")

    bad = Op(lambda x: x * 1, name="bad", spec=lambda x: x, vjp=fails)
    y = in_layer("layer", bad, Symbol.of((), np.float64))
    before = MODE.get()
    with pytest.raises(ValueError, match="no rule"):
        grad(y, y.node.inputs[0])
    assert MODE.get() is before
