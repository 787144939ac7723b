"""The text of a program: the same each time, readable, and nobody's but ours."""

from __future__ import annotations

import ast
import io
import keyword
import os
import subprocess
import sys
import tokenize
import traceback
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import Input, Model, Sequential, errors
from minigrad.core.op import Op
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Variable
from minigrad.layers import Dense, Dropout, Embedding, Flatten
from minigrad.program import Program, Trace
from minigrad.program.source import comment, identifier
from minigrad.program.spelling import literal
from minigrad.utils import set_random_seed

GOLDEN = Path(__file__).parent / "golden"


def small(optimizer="adam") -> Model:
    set_random_seed(1)
    a, i = Input((2,), name="size"), Input((3,), dtype="int32", name="words")
    h = np.concatenate([a, Flatten()(Embedding(5, 2, name="table")(i))], axis=1)
    model = Model([a, i], Dense(1, name="price")(Dropout(0.2)(Dense(4, activation="relu", name="hidden")(h))), name="m")
    model.compile(optimizer, "mse")
    return model


@pytest.mark.parametrize(
    ("mode", "optimizer"), [("train", "sgd"), ("train", "adam"), ("test", "sgd"), ("predict", "sgd")]
)
def test_the_text_is_as_it_was(mode, optimizer):
    """A change of the text is fine, but is looked at: write the new text into the file."""
    text = small(optimizer).program(mode, batch_size=8).source
    assert text == (GOLDEN / f"{mode}_{optimizer}.txt").read_text()


def test_the_text_is_the_same_in_another_process():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import minigrad; minigrad.config.set_jit_compile(False)\n"
        "from test_program_source import small\n"
        "sys.stdout.write(small('nadam').program('train', batch_size=4).source)"
    )
    ran = [
        subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(GOLDEN.parents[2])},
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert ran[0] == ran[1] == small("nadam").program("train", batch_size=4).source


def test_a_program_can_be_printed(capsys):
    model = small()
    print(model.program("train", batch_size=32))
    assert capsys.readouterr().out == model.program("train", batch_size=32).source + "\n"


# -- names from outside ------------------------------------------------------------------------------------------------

EVIL = [
    "dense\nimport os",
    'a\'"""; raise SystemExit',
    "x\\",
    "\r\nprint(1)",
    "\u2028print(1)",
    "Größe 木 \N{GREEK SMALL LETTER ALPHA}",
    "{}",
    "%s{0}",
    "# comment",
    "for",
    "None",
    "match",
    "np",
    "step",
    "arena",
    "finite",
    "copy",
    "bool",
    "float",
    "slice",
    "buffer_0",
    "gather",
    "__debug__",
    "__import__('os')",
    "x" * 200,
    "1",
    " ",
    "\x00\x1b[31m",
]


def checked_text(program: Program, *words: str) -> None:
    """The text parses; outside of comments and strings it has none of the words; comments keep to one line."""
    tree = ast.parse(program.source)
    kinds = [type(n) for n in tree.body]
    assert kinds == [ast.Expr, ast.Import, *[ast.Assign] * (len(kinds) - 3), ast.FunctionDef]
    assert program.source.isascii()
    assert set(program.source) - set("\n") <= set(map(chr, range(32, 127)))
    tokens = list(tokenize.generate_tokens(io.StringIO(program.source).readline))
    silent = (tokenize.COMMENT, tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.STRING, tokenize.NUMBER)
    code = [t.string for t in tokens if t.type not in silent]
    assert max(map(len, code)) < 60
    for word in words:
        if not word.isidentifier():
            assert word not in code
    calls = {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    names = program._step.__globals__
    local = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for call in calls:
        head = call.partition(".")[0]
        assert head in {"np", "bool", "float", "slice"} | local or head in names or call.endswith(".all"), call
    assert not any(isinstance(n, (ast.Import, ast.ImportFrom)) for n in ast.walk(tree.body[-1]))


@pytest.mark.parametrize("name", EVIL)
def test_a_layer_may_be_called_anything(name):
    class Own(Model):
        def __init__(self):
            super().__init__(name=name)
            self.dense = Dense(2)
            self.scale = Variable(np.float32(2), name=name)

        def call(self, inputs):
            return self.dense(inputs) * self.scale

    x, y = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)
    for build in (
        lambda: Sequential([Input((3,)), Dense(2, name=name)], name="m"),
        lambda: Sequential([Input((3,), name=name), Dense(2)], name=name),
        Own,
    ):
        try:
            results = []
            for run_eagerly in (True, False):
                set_random_seed(1)
                model = build()
                model.compile("adam", "mse", run_eagerly=run_eagerly)
                for _ in range(3):
                    model.train_on_batch(x, y)
                results.append(model.get_weights())
        except ValueError:
            continue  # a name that layers do not take
        assert all(map(np.array_equal, *results))
        assert not model._programs.eager
        for made in model._programs.made.values():
            checked_text(made.program, name)


@given(st.text(), st.sets(st.sampled_from(["a", "a_2", "for_", "value"])))
def test_any_wish_becomes_a_free_identifier(wish, taken):
    name = identifier(wish, taken)
    assert name.isidentifier()
    assert name.isascii()
    assert not keyword.iskeyword(name)
    assert name not in taken
    assert len(name) <= 60


@given(st.text())
def test_any_comment_stays_in_its_line(text):
    shown = comment(text)
    assert len(shown) <= 80
    source = f'"""{shown}"""\nx = 1  # {shown}\n'
    assert len(source.splitlines()) == 2
    assert len(ast.parse(source).body) == 2


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.just(...)
    | st.sampled_from([slice(1, None)]),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
)


@given(plain)
def test_a_literal_means_what_it_was(value):
    text = literal(value)
    if text is not None:
        assert text.isascii()
        back = eval(text, {"__builtins__": {"float": float, "slice": slice}})  # noqa: S307 (that is the test)
        assert repr(back) == repr(value)


def test_numbers_of_numpy_are_no_literals():
    """They are strong where Python's are weak."""
    for value in (np.float64(0.5), np.float64("inf"), np.float32(0.1), np.int64(3), np.bool_(True)):
        assert literal(value) is None
    x = Symbol.of((2,), np.float32)
    out = Program(Trace({"x": x}, {"y": x * np.float64(0.1), "z": x * 0.1}), "strong")(x=np.ones(2, np.float32))
    assert (out["y"].dtype, out["z"].dtype) == (np.float64, np.float32)


def test_a_ufunc_that_is_not_numpys():
    halve = np.frompyfunc(lambda x: x / 2, 1, 1)
    op = Op(lambda x: halve(x).astype(x.dtype), name="halve\n", spec=lambda x: x)
    x = Symbol.of((2,), np.float64)
    program = Program(Trace({"x": x}, {"y": op(x)}), "own op")
    assert program(x=np.ones(2))["y"].tolist() == [0.5, 0.5]
    raw = Op(np.frompyfunc(lambda x: x / 2, 1, 1), name="raw", spec=lambda x: x)
    assert "np.<" not in Program(Trace({"x": x}, {"y": raw(x)}), "raw").source


# -- errors ------------------------------------------------------------------------------------------------------------


def test_a_traceback_shows_the_line_of_the_program():
    x, ids = Symbol.of((4, 2), np.float32), Symbol.of((3,), np.int64)
    from minigrad.ops import gather

    program = Program(Trace({"x": x, "ids": ids}, {"y": gather(x, ids)}), "rows")
    with pytest.raises(errors.IdError) as caught:
        program(x=np.zeros((4, 2), np.float32), ids=np.array([0, 4, 1]))
    text = "".join(traceback.format_exception(caught.value))
    assert "<minigrad program" in text
    assert "gather_2(x, ids, out=buffer_0)  # (3, 2)" in text or "gather(x, ids" in text


def test_the_lines_are_forgotten_with_their_program():
    import linecache

    x = Symbol.of((2,), np.float32)
    program = Program(Trace({"x": x}, {"y": np.exp(x)}), "short-lived")
    filename = program._step.__code__.co_filename
    assert linecache.getline(filename, 1).startswith('"""short-lived')
    del program
    assert filename not in linecache.cache
