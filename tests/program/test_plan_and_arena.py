"""What a plan promises: nothing is overwritten that is still to be read, nothing is done twice or for nothing."""

from __future__ import annotations

import sys
import tracemalloc
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreement import twins
from minigrad import Input, Model, ops, random
from minigrad.core import autodiff
from minigrad.core.legacy import LEGACY, compute
from minigrad.core.mode import MODE
from minigrad.core.op import Op
from minigrad.core.samples import seeded
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Tensor, Variable
from minigrad.layers import Dense, Dropout, Embedding, Flatten
from minigrad.program import Cell, Program, Trace
from minigrad.program.lines import Blocks, Nest
from minigrad.program.memory import Memory
from minigrad.program.plan import Plan
from minigrad.program.step import Step, places

sys.path.insert(0, str(Path(__file__).parents[1] / "ops"))
from all_rows import ROWS

F = np.float32


def symbol(*shape: int, dtype=F) -> Symbol:
    return Symbol.of(shape, dtype)


# -- the checker: runs a plan on bytes that say who wrote them -------------------------------------------------------


def lies_in(x: Any) -> list:
    """In what a value may lie, found anew from kinds and operands: owning steps, Variables, Symbols, constants."""
    if not isinstance(x, Step) or (x.node.fn.fills and x.node.fn.kind != "view"):
        return [x]
    return [r for a in x.args for r in lies_in(a)]


def check_plan(plan: Plan) -> None:
    """Walk the lines, checks and writes. Each byte of the arena, and each Variable and Cell, knows who wrote it last;
    whoever reads must find whom he expects.
    """
    writer = np.full(plan.memory, -1)
    number = {step: i for i, step in enumerate(plan.steps)}
    written: dict[int, Any] = {}  # by the identity of what stands for a Variable or Cell: who wrote it

    def span(step: Step) -> slice:
        return slice(step.offset, step.offset + step.nbytes)

    def parts(step: Step) -> list[Step]:
        return [a for a in step.args if step.node.fn.name == "pack" and isinstance(a, Step) and a.buffer is step.buffer]

    def read(values, where: str, within: tuple = ()) -> None:
        for value in values:
            for owner in lies_in(value):
                if not isinstance(owner, Step):
                    assert id(owner) not in written, f"{where} reads {owner}, which is written already"
                elif owner.target is not None:
                    assert written[id(places(owner.target)[0])] is owner
                elif owner not in within:
                    of_packs = [p for p in parts(owner) if (writer[span(p)] == number[p]).all()]
                    seen = writer[span(owner)]
                    for p in of_packs:
                        start = p.offset - owner.offset
                        seen[start : start + p.nbytes] = number[owner]
                    assert (seen == number[owner]).all(), f"{where} reads an overwritten {owner.node}"

    def write(cell, new) -> None:
        assert not any(id(x) in written for x in places(cell))
        assert not plan.checks or checked, "a write before the checks"
        written.update((id(x), new) for x in places(cell))

    checked = False
    for position in range(len(plan.lines) + 1):
        if plan.checks and position == plan.check_at:
            read([*plan.results.values(), *plan.checks], "the check")
            checked = True
        if position == len(plan.lines):
            read(plan.late, "a copy")
        for at, cell, new in plan.writes:
            if at == position:
                if not any(new is x for x in plan.late):
                    read([new], "a write")
                write(cell, new)
        if position == len(plan.lines):
            break
        line = plan.lines[position]
        operands = [a for step in line.steps for a in step.args if not (isinstance(a, Step) and a in line.steps)]
        read(operands, f"line {position}, {[s.node.fn.name for s in line.steps]},")
        for step in line.outputs:
            if step.target is not None:
                write(step.target, step)
            elif step.owns:
                assert step.offset % (4 if step.packed else 64) == 0
                assert not step.packed or isinstance(line, (Step, Nest))
                for owner in (r for a in operands for r in lies_in(a)):
                    # who writes over an operand does so element by element
                    shared = isinstance(owner, Step) and owner.target is None and overlap(span(owner), span(step))
                    if shared and owner not in parts(step):
                        assert step.node.fn.kind == "elementwise"
                        assert isinstance(step.node.fn.kernel, np.ufunc) or isinstance(line, Nest)
                        assert owner.offset == step.offset
                        assert owner.node.out[0] == step.node.out[0]
                        assert line is step or all(a is owner for a in operands if any(owner is r for r in lies_in(a)))
                writer[span(step)] = number[step]
        if isinstance(line, Blocks):  # its scratch memory is nobody else's
            writer[line.scratch : line.scratch + line.scratch_bytes] = -2
            assert all(overlap(span(s), slice(line.scratch, line.scratch + line.scratch_bytes)) is False
                       for s in line.outputs if s.offset is not None)  # fmt: skip
    read([x for x in plan.results.values() if not any(x is y for y in plan.late)], "the end")
    assert {id(x) for cell, _ in plan.updates for x in places(cell)} == set(written)
    ends = [*plan.results.values(), *plan.checks, *(new for _, new in plan.updates)]
    assert set(plan.steps) == set().union(*map(behind, ends)), "dead code"


def overlap(a: slice, b: slice) -> bool:
    return a.start < b.stop and b.start < a.stop


def behind(value) -> set[Step]:
    found, stack = set(), [value]
    while stack:
        x = stack.pop()
        if isinstance(x, Step) and x not in found:
            found.add(x)
            stack += x.args
    return found


def test_the_checker_finds_a_planted_error():
    x = symbol(4)
    a = np.exp(x)
    plan = Plan(Trace({"x": x}, {"y": np.tanh(a) + np.sin(a)}))
    check_plan(plan)
    late = next(s for s in plan.steps if s.node.fn.name == "tanh")
    late.buffer.offset = plan.steps[0].offset
    with pytest.raises(AssertionError):
        check_plan(plan)


# -- graphs at random ------------------------------------------------------------------------------------------------


def drawn_graph(seed: int) -> tuple[dict, list, dict]:
    """Some calls of rows on their samples and on results so far, joined by sums: (inputs, outputs, values)."""
    draw = seeded(seed)
    rng = np.random.default_rng(seed)
    inputs, values, made = {}, {}, []

    def given_input(x, near=True):
        if not isinstance(x, np.ndarray) or draw.integer(0, 9) == 0:
            return x  # a constant
        fitting = [s for s in made if s.shape == x.shape and s.dtype == x.dtype]
        if near and x.dtype.kind == "f" and fitting and draw.integer(0, 2):
            chosen = draw.choice(fitting)
            return np.tanh(chosen) * 0.2 + x  # near the sample, where the op is defined
        name = f"x{len(inputs)}"
        inputs[name] = Symbol.of(x.shape, x.dtype)
        values[name] = x
        return inputs[name]

    names = [n for n, op in ROWS.items() if op.samples and op.kind != "random"]
    for _ in range(draw.integer(2, 8)):
        op = ROWS[draw.choice(names)]
        operands, attrs = op.samples(draw)
        out = op(*(given_input(x, op.name != "ids_of") for x in operands), **attrs)
        if isinstance(out, Symbol):
            made.append(out)
            if draw.flag():  # views and repeats
                made += [out.reshape(-1), out.T, out[..., None]]
            if draw.flag() and out.dtype.kind == "f":
                made.append(out * out + np.sin(out).sum() - 2 * out)
    outputs = [s for s in made if draw.flag()] or made[-1:]
    wanted = [x for x in inputs.values() if x.dtype.kind == "f"]
    floats = [s for s in outputs if s.dtype.kind == "f" and s.size]
    if wanted and floats and draw.flag():
        total = sum((s * rng.normal()).sum() for s in floats)
        outputs += [g for g in autodiff.grad(total, wanted, allow_unused=True) if g is not None]
    return inputs, outputs, values


def eagerly(outputs: list, inputs: dict, values: dict, in_order: bool = True) -> list[np.ndarray]:
    """Node by node, with all results in C order as in a program's buffers: NumPy sums in the order of memory."""
    done: dict = {}
    feed = {symbol: values[name] for name, symbol in inputs.items()}
    trace = Trace(inputs, {f"y{i}": s for i, s in enumerate(outputs)})

    def value(x):
        if isinstance(x, Symbol):
            return feed[x] if x.node is None else done[x.node]
        return x._data if isinstance(x, Tensor) else x

    for node in trace.nodes():
        kernel = partial(compute, node.fn) if LEGACY else node.fn.kernel
        out = np.asarray(kernel(*map(value, node.inputs), **node.attrs))
        owns = node.fn.fills and node.fn.kind != "view"
        done[node] = np.ascontiguousarray(out).reshape(out.shape) if owns else out
    return [np.array(value(s)) for s in outputs]


@given(st.integers(0, 2**32))
def test_random_graphs_run_as_their_ops_do(seed):
    with np.errstate(all="ignore"):
        inputs, outputs, values = drawn_graph(seed)
        if not outputs:
            return
        trace = Trace(inputs, {f"y{i}": s for i, s in enumerate(outputs)})
        check_plan(Plan(trace))
        check_plan(Plan(trace, fused=True))
        program = Program(trace, "random")
        expected = eagerly(outputs, inputs, values)
        before = {k: v.copy() for k, v in values.items()}
        for _ in range(2):  # the second run finds what the first left in the arena
            got = program(**values)
            for i, right in enumerate(expected):
                np.testing.assert_array_equal(got[f"y{i}"], right, strict=True)
        for k, v in values.items():
            np.testing.assert_array_equal(v, before[k])


# -- models ----------------------------------------------------------------------------------------------------------


def small_model() -> Model:
    a, i = Input((4,)), Input((3,), dtype="int32")
    h = np.concatenate([a, Flatten()(Embedding(5, 2)(i))], axis=1)
    return Model([a, i], Dense(3, activation="softmax")(Dropout(0.2)(Dense(6, activation="gelu")(h))))


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("mode", ["train", "test", "predict"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "nadam", "rmsprop", "adadelta", "lion"])
def test_plans_of_models(mode, optimizer, fused, monkeypatch):
    monkeypatch.setattr("minigrad.program.lines.BLOCK", 16)
    plans = []
    real = Plan.__init__
    monkeypatch.setattr(Plan, "__init__", lambda self, trace, fused: (real(self, trace, fused), plans.append(self))[0])
    model = small_model()
    model.compile(optimizer, "sparse_categorical_crossentropy")
    program = model.program(mode, batch_size=8)
    (plan,) = plans
    check_plan(plan)
    assert program.memory == plan.memory
    assert len(plan.steps) == program.ops
    if fused:
        check_plan(Plan(plan.trace, fused=True))


# -- common subexpressions -------------------------------------------------------------------------------------------


def names(*outputs, **inputs) -> list[str]:
    plan = Plan(Trace(inputs, {f"y{i}": y for i, y in enumerate(outputs)}))
    check_plan(plan)
    return [s.node.fn.name for s in plan.steps]


def test_what_is_the_same_is_computed_once():
    x = symbol(3, 4)
    assert names(np.exp(x * 2) + 1, np.exp(x * 2) + 2.0, x=x) == ["multiply", "exp", "add", "add"]


def test_what_differs_in_attributes_is_not_the_same():
    x = symbol(3, 3)
    assert names(x.sum(axis=0), x.sum(axis=1), x[0], x[1], x[:2], x[:3], x=x).count("sum") == 2
    assert names(x.astype("float64"), x.astype("float16"), x=x) == ["cast", "cast"]
    assert names(x * 0.0, x * -0.0, x=x) == ["multiply", "multiply"]
    assert names(x * 1, x * 1.0, x * True, x=x).count("multiply") == 3


def test_long_arrays_are_told_apart():
    """NumPy prints only the ends of a long array."""
    one, other = np.arange(5000), np.arange(5000)
    other[2500] = 0
    weigh = Op(lambda x, *, by: x * by, name="weigh", spec=lambda x, *, by: x)
    x = symbol(5000, dtype=np.float64)
    assert names(weigh(x, by=one), weigh(x, by=other), weigh(x, by=one), x=x) == ["weigh", "weigh"]
    assert names(x[one], x[other], x=x).count("index") == 2


def test_random_numbers_are_drawn_as_often_as_asked():
    x, stream = symbol(50), random.Stream(1)
    one, two = (ops.random.dropout_mask(x, rate=0.5, stream=stream) for _ in range(2))
    program = Program(Trace({"x": x}, {"one": one, "two": two}), "masks")
    out = program(x=np.ones(50, F))
    assert program.ops == 2
    assert not np.array_equal(out["one"], out["two"])
    again = random.Stream(1).generator
    assert np.array_equal(out["one"], (again.random(50, F) >= 0.5) * F(2))


def test_what_nothing_needs_is_not_done():
    x = symbol(4)
    np.exp(x)
    y = np.tanh(x)
    np.sin(y)
    assert names(y, x=x) == ["tanh"]


# -- aliasing --------------------------------------------------------------------------------------------------------


def cell(values) -> tuple[np.ndarray, Cell]:
    array = np.array(values, F)
    return array, Cell(lambda: array, "slot")


def test_cells_can_be_swapped():
    (a, one), (b, two) = cell([1, 2, 3]), cell([4, 5, 6])
    trace = Trace({}, {}, updates=[(one, two.symbol), (two, one.symbol)], cells=[one, two])
    Program(trace, "swap")()
    assert a.tolist() == [4, 5, 6]
    assert b.tolist() == [1, 2, 3]


def test_views_of_what_is_written_keep_the_old_values():
    (a, one), (b, two) = cell([1, 2, 3]), cell([4, 5, 6])
    trace = Trace(
        {},
        {"old": one.symbol[::-1], "same": one.symbol, "sum": one.symbol + two.symbol},
        updates=[(one, one.symbol[::-1]), (two, one.symbol[::-1][:3] * 1)],
        cells=[one, two],
    )
    out = Program(trace, "turn")()
    assert (a.tolist(), b.tolist()) == ([3, 2, 1], [3, 2, 1])
    assert out["old"].tolist() == [3, 2, 1]
    assert out["same"].tolist() == [1, 2, 3]
    assert out["sum"].tolist() == [5, 7, 9]


def test_variables_that_become_each_other():
    v, w = Variable(np.array([1.0, 2.0], F), name="v"), Variable(np.array([3.0, 4.0], F), name="w")
    Program(Trace({}, {"v": v}, updates=[(v, w), (w, v)]), "swap")()
    assert (v.tolist(), w.tolist()) == ([3, 4], [1, 2])


def test_two_results_of_one_value_are_two_arrays():
    x = symbol(3)
    y = np.exp(x)
    out = Program(Trace({"x": x}, {"a": y, "b": y, "c": y[::-1], "x": x}), "twice")(x=(given := np.ones(3, F)))
    arrays = [out[k] for k in "abcx"] + [given]
    assert not any(np.shares_memory(p, q) for i, p in enumerate(arrays) for q in arrays[:i])


def test_an_op_of_ones_own_may_return_its_operand():
    """Its row says nothing of a view; what it returned is kept all the same."""
    same = Op(lambda x: x, name="same_as_given", spec=lambda x: x)
    v = Variable(np.ones(8, F), name="v")
    x = symbol(8)
    held = same(np.exp(x))
    token = MODE.set(MODE.get()._replace(tracing={}))
    try:
        own = same(v)
    finally:
        MODE.reset(token)
    y = np.tanh(np.sin(np.sqrt(x) * 3) + x)
    program = Program(Trace({"x": x}, {"y": y, "held": held, "v": own}, updates=[(v, y)]), "own")
    given = np.linspace(0.1, 1, 8, dtype=F)
    out = program(x=given)
    assert np.array_equal(out["held"], np.exp(given))
    assert np.array_equal(out["v"], np.ones(8, F))


def test_an_operand_read_through_a_view_by_its_own_overwriter():
    x = symbol(5, 5)
    y = np.exp(x)
    z = y + y.T
    given = np.random.default_rng(0).normal(size=(5, 5)).astype(F)
    assert np.array_equal(Program(Trace({"x": x}, {"z": z}), "turned")(x=given)["z"], np.exp(given) + np.exp(given).T)


# -- memory ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 500), st.booleans()), max_size=40))
def test_the_arena_gives_no_byte_twice(orders):
    arena, held = Memory(), []
    for nbytes, give_back in orders:
        if give_back and held:
            arena.give(*held.pop(nbytes % len(held)))
        offset = arena.take(nbytes)
        span = range(offset, offset + max(nbytes, 1))
        assert all(span.stop <= o or o + max(n, 1) <= span.start for o, n in held)
        held.append((offset, nbytes))
        assert span.stop <= arena.size
    for order in held:
        arena.give(*order)
    assert arena.free == ([(0, arena.size)] if held else [])


def mlp() -> Model:
    x = Input((64,))
    return Model(x, Dense(8, activation="softmax")(Dense(128, activation="relu")(Dense(128, activation="relu")(x))))


def test_peak_memory_is_not_above_the_eager_steps():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(512, 64)).astype(F), rng.integers(0, 8, 512)
    peaks = []
    for model in twins(mlp, optimizer=lambda: "adam", loss=lambda: "sparse_categorical_crossentropy"):
        model.predict_on_batch(x[:1])
        tracemalloc.start()
        try:
            model.train_on_batch(x, y)  # the first: a program's buffers are counted, too
            tracemalloc.reset_peak()
            model.train_on_batch(x, y)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[0] <= peaks[1], peaks
