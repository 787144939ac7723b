"""`minigrad.record`: a tape of what happened, op by op, which is plain data, bounded, and changes nothing."""

from __future__ import annotations

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.mode import MODE
from minigrad.layers import Dense, Dropout, Embedding, Flatten
from minigrad.visualize.record_rules import rule_text
from minigrad.visualize.record_tape import Value


def small_model(optimizer="adam", **arguments):
    mg.utils.set_random_seed(1)
    x = mg.Input((6,))
    h = Flatten()(Embedding(13, 3, name="month")(x))
    model = mg.Model(x, Dense(1, name="out")(Dense(8, activation="relu", name="hidden")(h)))
    model.compile(optimizer, "mse", **arguments)
    return model


def batch():
    rng = np.random.default_rng(0)
    return rng.integers(0, 13, (4, 6)), rng.normal(size=(4, 1)).astype(np.float32)


def test_each_op_has_its_operands_its_value_and_both_gradients():
    x = mg.Tensor([0.5, -1.0, 2.0], requires_grad=True)
    with mg.record() as tape:
        y = np.tanh(x) * x
        y.sum().backward()
    tanh, multiply, total, *back = tape
    assert [e.op for e in tape] == ["tanh", "multiply", "sum", "sum", "multiply", "tanh"]
    assert [e.phase for e in tape] == ["forward"] * 3 + ["backward"] * 3
    assert [(o.name, o.made) for o in multiply.operands] == [("x", 0), ("y", None)]
    np.testing.assert_array_equal(multiply.operands[0].value.array, np.tanh(x.numpy()))
    np.testing.assert_array_equal(multiply.value.array, y.numpy())
    np.testing.assert_array_equal(multiply.incoming.array, [1, 1, 1])
    assert [(o.name, o.made) for o in multiply.outgoing] == [("x", 0), ("y", None)]
    np.testing.assert_array_equal(multiply.outgoing[0].gradient.array, x.numpy())
    assert total.value.shape == ()
    assert back[1].partner == 1
    assert multiply.partner == 4
    assert back[1].incoming is multiply.incoming
    sent = tanh.outgoing[0].gradient.array + multiply.outgoing[1].gradient.array
    np.testing.assert_array_equal(sent, x.grad)


def test_the_local_derivative_comes_as_text_and_as_numbers():
    a, b = mg.Tensor([1.0, 2.0], requires_grad=True), mg.Tensor([[3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    with mg.record() as tape:
        ((np.exp(a) @ b) * 3.0).sum().backward()
    exp, matmul, multiply, _ = (e for e in tape if e.phase == "forward")
    assert exp.outgoing[0].rule == "g * out"
    np.testing.assert_allclose(exp.outgoing[0].local.array, np.exp([1.0, 2.0]), rtol=1e-6)
    np.testing.assert_array_equal(multiply.outgoing[0].local.array, [3, 3])
    np.testing.assert_array_equal(matmul.outgoing[0].local.array, b.numpy().T)  # results by operands
    assert matmul.outgoing[1].local.shape == (2, 4)
    g = matmul.incoming.array
    np.testing.assert_allclose(g @ matmul.outgoing[1].local.array, matmul.outgoing[1].gradient.array.ravel())


def test_a_matrix_of_derivatives_that_would_be_large_is_left_out():
    a = mg.Tensor(np.ones((8, 8), np.float32), requires_grad=True)
    with mg.record() as tape:
        (a @ a).sum().backward()
    matmul = next(e for e in tape if e.op == "matmul" and e.phase == "backward")
    assert matmul.outgoing[0].local is None
    assert "swapaxes" in matmul.outgoing[0].rule


def test_what_is_told_of_rules_that_are_functions_and_rules_without_a_source():
    def rule(g, x):
        """Words."""
        return g * np.sign(x)

    assert rule_text(rule) == "g * np.sign(x)"
    made = eval("lambda g: g * 2")  # noqa: S307 (a function whose source nobody has)
    assert rule_text(made) == "<lambda>"
    assert (rule_text(lambda g, x: g + x), rule_text(lambda g, y: g - y)) == ("g + x", "g - y")


@pytest.mark.parametrize("optimizer", ["adam", "sgd", mg.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.01)])
def test_a_step_of_a_model_ends_as_it_would_unrecorded(optimizer):
    x, y = batch()
    config = mg.optimizers.get(optimizer).get_config()
    plain, recorded = (
        small_model(type(mg.optimizers.get(optimizer)).from_config(config), run_eagerly=True) for _ in "12"
    )
    for _ in range(2):
        loss = plain.train_on_batch(x, y)
        with mg.record() as tape:
            assert recorded.train_on_batch(x, y) == loss
    for a, b in zip(plain.weights, recorded.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert {e.phase for e in tape} == {"forward", "backward", "update"}
    written = {e.layer: e for e in tape if e.op == "assign"}
    assert list(written) == [
        "model/month/embeddings", "model/hidden/kernel", "model/hidden/bias", "model/out/kernel", "model/out/bias",
    ]  # fmt: skip
    np.testing.assert_array_equal(written["model/out/bias"].value.array, recorded.weights[-1].numpy())
    assert tape.layers[:4] == ["model/month", "model/flatten_1", "model/hidden", "model/out"]


def test_a_model_that_runs_as_a_program_is_recorded_op_by_op_and_goes_on_as_a_program():
    x, y = batch()
    model = small_model()
    model.train_on_batch(x, y)
    with mg.record() as tape:
        model.fit(x, y, batch_size=2, epochs=1, verbose=0)
    assert sum(e.op == "assign" for e in tape) == 2 * 5
    with mg.record() as nothing:
        pass
    model.train_on_batch(x, y)
    assert len(nothing) == 0


def test_rows_of_a_table_are_told_with_their_number():
    table = mg.layers.Embedding(1000, 2, name="words")
    model = mg.Sequential([mg.Input((3,)), table, Flatten(), Dense(1)])
    model.compile("sgd", "mse")
    with mg.record() as tape:
        model.train_on_batch(np.array([[7, 7, 9]]), np.ones((1, 1)))
    sent = next(e for e in tape if e.op == "gather" and e.phase == "backward").outgoing[0].gradient
    assert (sent.shape, sent.rows) == ((1000, 2), 2)
    written = next(e for e in tape if e.op == "assign" and "words" in e.layer)
    assert written.attrs == {"rows": "7 9"}
    np.testing.assert_array_equal(written.value.array, table.embeddings.numpy()[[7, 9]])


def test_an_update_that_takes_arrays_alone_is_told_by_what_it_writes():
    class Stubborn(mg.optimizers.SGD):
        def update(self, w, g, **scalars):
            w = w.copy()
            np.copyto(w, w - g)
            return (w,)

    v = mg.Variable(np.ones(2, np.float32), name="v")
    with mg.record() as tape:
        Stubborn(1.0).apply([np.array([1.0, 2.0], np.float32)], [v])
    assert [(e.op, e.layer) for e in tape] == [("assign", "v")]
    np.testing.assert_array_equal(v.numpy(), [0, -1])


def test_states_that_a_layer_writes_and_random_layers_are_recorded():
    class Counting(mg.layers.Layer):
        def build(self, input_shape):
            self.seen = self.add_weight((), "zeros", trainable=False, name="seen")

        def call(self, x):
            self.seen.assign(self.seen + 1.0)
            return x

    model = mg.Sequential([mg.Input((4,)), Counting(name="counting"), Dropout(0.5, name="drop"), Dense(1)])
    model.compile("sgd", "mse")
    with mg.record() as tape:
        model.train_on_batch(np.arange(8.0).reshape(2, 4), np.ones((2, 1)))
    written = [e for e in tape if e.op == "assign" and "counting" in e.layer]
    assert [(e.operands[0].value.array, e.value.array) for e in written] == [(0, 1)]
    assert any("drop" in e.layer for e in tape)


def test_the_second_derivative_is_on_the_tape_too():
    x = mg.Tensor([2.0], requires_grad=True)
    with mg.record() as tape:
        g = mg.grad((x**3).sum(), x, create_graph=True)
        second = mg.grad(g.sum(), x)
    np.testing.assert_array_equal(second, [12])
    assert [e.phase for e in tape].count("backward") > 2


def test_two_backward_passes_through_one_graph_are_two():
    x = mg.Tensor([3.0], requires_grad=True)
    with mg.record() as tape:
        y = x * x
        y.backward(retain_graph=True)
        y.backward()
    assert [(e.phase, len(e.outgoing)) for e in tape] == [("forward", 2), ("backward", 2), ("backward", 2)]


def test_a_graph_made_before_is_told_as_far_as_it_is_seen():
    x = mg.Tensor([3.0, 1.0], requires_grad=True)
    y = (x * x).sum()
    with mg.record() as tape:
        y.backward()
    assert [(e.op, e.partner, e.value) for e in tape] == [("sum", None, None), ("multiply", None, None)]
    assert "multiply" in str(tape)


def test_symbols_and_plain_arrays_are_not_recorded():
    with mg.record() as tape:
        mg.Model(x := mg.Input((3,)), Dense(2)(x))
        mg.ops.exp(np.ones(3))
    assert [e.op for e in tape if e.op != "assign"] == []


def test_recording_leaves_late_rows_of_a_table_late():
    model = mg.Sequential([mg.Input((2,)), mg.layers.Embedding(5000, 3), Flatten(), Dense(1)])
    model.compile("adam", "mse", run_eagerly=True)
    model.train_on_batch(np.array([[1, 2]]), np.ones((1, 1)))
    table = model.layers[0].embeddings
    assert table.lag is not None
    before = table._values.copy()
    with mg.record() as tape:
        model.train_on_batch(np.array([[3, 4]]), np.ones((1, 1)))
    assert np.flatnonzero((table._values != before).any(1)).tolist() == [3, 4]
    assert any(e.op == "gather" for e in tape)


def test_what_comes_after_the_limit_is_counted_and_numbers_are_cut():
    x = mg.Tensor(np.arange(1000.0), requires_grad=True)
    with mg.record(limit=3, keep=5) as tape:
        for _ in range(10):
            x = x * 1.0
    assert (len(tape), tape.lost) == (3, 7)
    assert tape[0].value.first.tolist() == [0, 1, 2, 3, 4]
    assert tape[0].value.array is None
    assert str(tape).endswith("and 7 more, which came after the limit of 3")


@pytest.mark.parametrize("arguments", [{"limit": 0}, {"keep": -1}, {"limit": 2.5}, {"keep": True}])
def test_limits_must_be_whole_numbers(arguments):
    with pytest.raises(ValueError, match=r"record: \w+=.*expected a whole number"):
        mg.record(**arguments)


def test_a_tape_holds_no_array_of_the_step():
    with mg.record() as tape:
        x = mg.Tensor(np.ones(1_000_000, np.float32), requires_grad=True)
        y = np.exp(x) * 2
        y.sum().backward()
        gone = [weakref.ref(x), weakref.ref(y)]
        del x, y
        assert [r() for r in gone] == [None, None]
    gc.collect()
    tracemalloc.start()
    copies = [e.value.first.copy() for e in tape if e.value]
    assert tracemalloc.get_traced_memory()[0] < 10_000
    tracemalloc.stop()
    assert all(len(c) <= 64 for c in copies)
    assert all(e.value.first.base is None for e in tape if e.value)


def test_nothing_is_recorded_outside_and_an_error_ends_the_recording():
    x = mg.Tensor([1.0], requires_grad=True)
    with mg.record() as tape:
        x = x * 2
    x = x * 2
    assert len(tape) == 1
    with pytest.raises(ValueError, match="shape"), mg.record() as tape:
        np.ones(3) * (x * np.ones(2))
    x = x * 2
    assert [e.op for e in tape] == ["multiply"]
    assert MODE.get().tape is None


def test_a_tape_within_a_tape_takes_what_is_inside():
    x = mg.Tensor([1.0])
    with mg.record() as outer:
        x = x * 2
        with mg.record() as inner:
            x = x + 1
        x = x - 1
    assert ([e.op for e in outer], [e.op for e in inner]) == (["multiply", "subtract"], ["add"])


def test_the_line_of_the_users_code_is_told():
    x = mg.Tensor([1.0])
    with mg.record() as tape:
        x = np.exp(x)  # this line
    assert tape[0].line.startswith("test_record.py:")
    assert tape[0].code == "x = np.exp(x)  # this line"


@pytest.mark.parametrize(
    ("array", "figures"),
    [
        (np.array([3.0, -4.0]), (5, -4, 3, -0.5, 0)),
        (np.array([1.0, np.nan, np.inf]), (1, 1, 1, 1, 2)),
        (np.array([np.nan]), (0, 0, 0, 0, 1)),
        (np.zeros((0, 3)), (0, 0, 0, 0, 0)),
        (np.array([True, False]), (1, 0, 1, 0.5, 0)),
        (np.array([200, 200], np.uint8), (np.sqrt(80_000), 200, 200, 200, 0)),
    ],
)
def test_the_figures_of_a_value(array, figures):
    v = Value.of(array, 64)
    assert (v.norm, v.low, v.high, v.mean, v.bad) == pytest.approx(figures)
    np.testing.assert_array_equal(v.array, array)


def test_the_figures_of_a_row_sparse_gradient_are_those_of_the_dense_one():
    g = mg.RowSparse(np.array([4, 1, 4]), np.array([[1.0, 2], [3, 4], [5, 6]]), (6, 2))
    sparse, dense = Value.of(g, 64), Value.of(g.dense(), 64)
    for name in ("norm", "low", "high", "mean"):
        assert getattr(sparse, name) == pytest.approx(getattr(dense, name))
    np.testing.assert_array_equal(sparse.array, g.dense())


def test_names_cannot_steer_a_terminal():
    model = mg.Sequential([mg.Input((2,)), Dense(1, name="a\x1b[31m\nb")])
    with mg.record() as tape:
        model(np.ones((1, 2)))
    assert "\x1b" not in str(tape)
    assert len(str(tape).splitlines()) == 3 + len(tape)
