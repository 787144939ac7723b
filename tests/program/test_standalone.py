"""A saved program runs on NumPy alone and goes on with the same numbers, to the bit."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from minigrad import Input, Model, constraints
from minigrad.core.legacy import LEGACY
from minigrad.core.op import Op
from minigrad.core.samples import seeded
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Variable
from minigrad.layers import Dense, Dropout, Embedding, Flatten, GlobalAveragePooling1D
from minigrad.program import Program, Trace
from minigrad.utils import set_random_seed
from test_losses_agree import CASES as LOSSES
from test_losses_agree import model as model_with_loss
from test_optimizers_agree import MEMBERS as OPTIMIZERS
from test_program_source import EVIL

sys.path.insert(0, str(Path(__file__).parents[1] / "ops"))
from all_rows import ROWS

pytestmark = pytest.mark.skipif(LEGACY, reason="old NumPy needs help with dtypes, which is not taken along")

STEPS = 3
# Runs in a process that cannot import minigrad or Numba, in another folder, with nothing of ours on its path.
ALONE = """
import importlib.util, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("minigrad", "numba", "llvmlite"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
import numpy as np

for path in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location("saved", path)
    saved = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(saved)
    with np.load(f"{path}.inputs", allow_pickle=False) as given:
        names = sorted({name.partition("@")[0] for name in given})
        out = {}
        for k in range(STEPS):
            finite, results = saved.step(**{name: given[f"{name}@{k}"] for name in names})
            out |= {f"{i}@{k}": np.array(result) for i, result in enumerate(results)}
            out[f"finite@{k}"] = np.array(finite)
    with open(f"{path}.results", "wb") as file:
        np.savez(file, **out)
    saved.save()
assert not {"minigrad", "numba", "llvmlite"} & set(sys.modules)
""".replace("STEPS", str(STEPS))


def alone(folder: Path, *paths: Path) -> None:
    subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", ALONE, *map(str, paths)], check=True, cwd=folder, env={"PATH": ""}
    )


def given(program: Program, arrays: dict[str, np.ndarray], k: int) -> dict[str, Any]:
    """What a call is given: the arrays, and some numbers for the optimizer's scalars."""
    return {name: arrays[name] if name in arrays else np.float32(0.01 + 0.002 * k) for name in program.inputs}


def save_and_run(program: Program, arrays: dict[str, np.ndarray], path: Path) -> Callable[[], None]:
    """Save a program, run some steps here, and return what compares these with those of the file."""
    program.save(path)
    steps = [given(program, arrays, k) for k in range(STEPS)]
    with open(f"{path}.inputs", "wb") as file:
        np.savez(file, **{f"{name}@{k}": x for k, step in enumerate(steps) for name, x in step.items()})
    ran = [program.run([step[name] for name in program.inputs]) for step in steps]
    expected = {name: x.copy() for name, x in bound(program).items()}

    def compare() -> None:
        with np.load(f"{path}.results") as found:
            for k, (finite, results) in enumerate(ran):
                assert found[f"finite@{k}"] == finite
                for i, result in enumerate(results):
                    assert np.array_equal(found[f"{i}@{k}"], result, equal_nan=True)
        with np.load(path.with_suffix(".npz")) as found:
            for name, array in expected.items():
                assert name not in found or np.array_equal(found[name], array)
            assert set(found) & set(expected) or not expected

    return compare


def bound(program: Program) -> dict[str, np.ndarray]:
    """The arrays that stand in a program under names, weights and slots, as they are now."""
    cells = {name: cell.find() for name, cell in program._cells}
    return cells | {name: variable._data for name, variable in program._variables}


def words_and_numbers(optimizer: Any) -> tuple[Model, dict[str, np.ndarray]]:
    """Embedding, dense, dropout, concatenate and pooling; a part of it is frozen."""
    rng = np.random.default_rng(0)
    size, words = Input((2,), name="size"), Input((3,), dtype="int32", name="words")
    table = Embedding(5, 2, name="table")(words)
    h = np.concatenate([size, Flatten()(table), GlobalAveragePooling1D()(table)], axis=1)
    h = Dense(6, activation="gelu", trainable=False)(Dropout(0.2)(Dense(4, activation="relu")(h)))
    model = Model([size, words], Dense(1)(Dropout(0.3)(h)))
    model.compile(optimizer, "mse", jit_compile=False)
    x = {"x_size": rng.normal(size=(8, 2)).astype("f4"), "x_words": rng.integers(0, 5, (8, 3)).astype("i4")}
    return model, {**x, "y_0": rng.normal(size=(8, 1)).astype("f4")}


# -- the same numbers --------------------------------------------------------------------------------------------------


def test_training_goes_on_with_every_optimizer(tmp_path):
    compare = []
    for name, make in OPTIMIZERS.items():
        model, arrays = words_and_numbers(make(**({"clipnorm": 0.1} if name == "adam" else {})))
        model.train_on_batch([arrays["x_size"], arrays["x_words"]], arrays["y_0"])
        compare.append(save_and_run(model.program("train", batch_size=8), arrays, tmp_path / f"{name}.py"))
    alone(tmp_path, *tmp_path.glob("*.py"))
    for each in compare:
        each()


def test_training_goes_on_with_every_loss(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(7, 4)).astype(np.float32)
    compare = []
    for name, (activation, y, make) in LOSSES.items():
        set_random_seed(1)
        model = model_with_loss(activation)
        model.compile("sgd", make(), jit_compile=False)
        model.train_on_batch(x, y[:7])
        program = model.program("train", batch_size=7)
        dtype = next(s.dtype for n, s in program._trace.inputs.items() if n == "y_0")
        y = y[:7].reshape(program._trace.inputs["y_0"].shape).astype(dtype)
        compare.append(save_and_run(program, {"x_input_1": x, "y_0": y}, tmp_path / f"{name}.py"))
    alone(tmp_path, *tmp_path.glob("*.py"))
    for each in compare:
        each()


@pytest.mark.parametrize("mode", ["test", "predict"])
def test_evaluation_and_prediction(mode, tmp_path):
    model, arrays = words_and_numbers("adam")
    compare = save_and_run(model.program(mode, batch_size=8), arrays, tmp_path / "step.py")
    alone(tmp_path, tmp_path / "step.py")
    compare()


def test_a_fused_program_is_saved_as_plain_numpy(tmp_path):
    pytest.importorskip("numba")
    model, _ = words_and_numbers("adam")
    plain = model.program("train", batch_size=8)
    plain.save(tmp_path / "plain.py")
    model.compile(model.optimizer, "mse", jit_compile=True)
    fused = model.program("train", batch_size=8)
    fused.save(tmp_path / "fused.py")
    assert fused.source != plain.source
    assert (tmp_path / "fused.py").read_text() == (tmp_path / "plain.py").read_text()


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("saved", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_row_can_be_saved(tmp_path):
    for name, op in ROWS.items():
        if not op.samples or op.kind == "random":
            continue
        for seed in range(2):
            operands, attrs = op.samples(seeded(seed))
            arrays = {f"x{i}": x for i, x in enumerate(operands) if isinstance(x, np.ndarray)}
            symbols = {key: Symbol.of(x.shape, x.dtype) for key, x in arrays.items()}
            y = op(*(symbols.get(f"x{i}", x) for i, x in enumerate(operands)), **attrs)
            if symbols:
                program = Program(Trace(symbols, {"y": y}), name)
                program.save(tmp_path / "row.py")
                expected = program(**arrays)["y"]
                _, (result,) = load(tmp_path / "row.py").step(**arrays)
                assert np.array_equal(result, expected, equal_nan=True), name
                assert np.asarray(result).dtype == expected.dtype


def test_what_was_saved_goes_on_where_it_stopped(tmp_path):
    model, arrays = words_and_numbers("adam")
    program = model.program("train", batch_size=8)
    program.save(tmp_path / "step.py")
    first = load(tmp_path / "step.py")
    first.step(**given(program, arrays, 0))
    first.save()
    second = load(tmp_path / "step.py")
    assert np.array_equal(first.weights, second.weights)
    one, other = (each.step(**given(program, arrays, 1))[1] for each in (first, second))
    assert np.array_equal(one[0], other[0])


# -- the file ----------------------------------------------------------------------------------------------------------


def test_the_file_says_what_it_is(tmp_path):
    model, _ = words_and_numbers("adam")
    path = tmp_path / "step.py"
    model.program("train", batch_size=8).save(path)
    ran = subprocess.run([sys.executable, "-I", path], capture_output=True, text=True, check=True, cwd="/")
    assert ran.stdout.startswith("the train step of")
    assert "finite, results = step(x_size=..., x_words=..., y_0=..., alpha_float32=...)" in ran.stdout
    model.program("train", batch_size=8).save(tmp_path / "again.py")
    assert path.read_text() == (tmp_path / "again.py").read_text()
    assert "minigrad" not in path.read_text().replace("Saved by minigrad.", "").replace(
        "raised on purpose by minigrad", ""
    )


def test_arrays_of_another_program_are_refused(tmp_path):
    model, _ = words_and_numbers("adam")
    model.program("train", batch_size=8).save(tmp_path / "one.py")
    model.program("train", batch_size=9).save(tmp_path / "two.py")
    os.replace(tmp_path / "two.npz", tmp_path / "one.npz")
    with pytest.raises(ValueError, match="another program"):
        load(tmp_path / "one.py")


def test_files_are_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    model, arrays = words_and_numbers("adam")
    program = model.program("train", batch_size=8)
    path = tmp_path / "step.py"
    program.save(path)
    program.run(list(given(program, arrays, 0).values()))
    program.save(path)
    assert np.array_equal(load(path).weights, bound(program)["weights"])
    before = path.read_bytes(), path.with_suffix(".npz").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", lambda *args, **arrays: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            program.save(path)
    assert before == (path.read_bytes(), path.with_suffix(".npz").read_bytes())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step.npz", "step.py"]


@pytest.mark.parametrize("name", ["step", "step.npz", "step.txt"])
def test_other_endings_are_refused(name, tmp_path):
    model, _ = words_and_numbers("sgd")
    with pytest.raises(ValueError, match=r"step\.py"):
        model.program("predict", batch_size=8).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_names_from_outside_stay_names(tmp_path):
    """The text parses, has none of the names as code, and runs."""
    x = np.ones((4, 3), np.float32)
    for name in EVIL:

        class Own(Model):
            def __init__(self, name=name):
                super().__init__(name=name)
                self.scale = Variable(np.float32(2), name=name)
                self.dense = Dense(2)

            def call(self, inputs):
                return self.dense(inputs) * self.scale

        model = Own()
        model.compile("sgd", "mse", jit_compile=False)
        model.train_on_batch(x, x[:, :2])
        model.train_on_batch(x, x[:, :2])
        (made,) = model._programs.made.values()
        path = tmp_path / "step.py"
        made.program.save(path)
        tree = ast.parse(path.read_text())
        used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        assert name not in used or name.isidentifier()
        imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        assert imported == {"os", "numpy"}
        arguments = {n: np.float32(0.1) if n.startswith("learning") else x for n in made.program.inputs}
        arguments["y_0"] = x[:, :2]
        finite, (loss, *_) = load(path).step(**arguments)
        assert finite
        assert np.array_equal(loss, made.program.run([arguments[n] for n in made.program.inputs])[1][0])


# -- what cannot be taken along ----------------------------------------------------------------------------------------


class Table:
    """An object."""

    def __init__(self) -> None:
        self.factor = 2.0


TABLE = Table()
SCALES = np.array([0.5, np.inf, 1.0])


def with_object(x):
    return x * TABLE.factor


def with_import(x):
    import minigrad

    return minigrad.ops.relu(x)


def scaled(factor: float) -> Callable[..., Any]:
    return lambda x: np.multiply(x, SCALES) * factor  # constants of the module and of a function


def own(kernel: Callable[..., Any]) -> Program:
    x = Symbol.of((3,), np.float64)
    return Program(Trace({"x": x}, {"y": Op(kernel, name="mine", spec=lambda x: x)(x)}), "own")


@pytest.mark.parametrize(
    ("kernel", "why"),
    [
        (with_object, "uses TABLE, a Table, which has no text"),
        (with_import, "imports minigrad, which is neither NumPy nor the standard library"),
        (scaled(TABLE), "uses factor, a Table, which has no text"),
        (eval("lambda x: x"), "has no text"),  # noqa: S307
    ],
)  # fmt: skip
def test_an_op_without_a_text_is_named(kernel, why, tmp_path):
    with pytest.raises(TypeError, match=rf"^save: the op mine,? .*{why}"):
        own(kernel).save(tmp_path / "step.py")
    assert not list(tmp_path.iterdir())


def test_an_op_of_ones_own_is_taken_along(tmp_path):
    program = own(scaled(3.0))
    program.save(tmp_path / "step.py")
    x = np.array([1.0, 2.0, -1.0])
    assert load(tmp_path / "step.py").step(x)[1][0].tolist() == program(x=x)["y"].tolist() == [1.5, np.inf, -3.0]


def test_a_constraint_is_not_left_out(tmp_path):
    x = Input((4,))
    model = Model(x, Dense(1, kernel_constraint=constraints.NonNeg(), name="out")(x))
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="kernel has a constraint, NonNeg"):
        model.program("train", batch_size=2).save(tmp_path / "step.py")
    model.program("predict", batch_size=2).save(tmp_path / "step.py")


def test_a_trace_kept_for_saving_holds_no_layer():
    import gc
    import weakref

    gc.collect()
    gc.disable()
    try:
        model, _ = words_and_numbers("adam")
        program = model.program("train", batch_size=8)
        layers = [weakref.ref(layer) for layer in (model, *model.layers)]
        del model
        assert not any(layer() for layer in layers)
        assert "# dense_1 (8, 4)" in program.source
    finally:
        gc.enable()
