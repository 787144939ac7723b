"""The page of a tape: alone in the world, names in it are only text, and a step that is tried changes nothing."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.layers import Add, Dense, Dropout, Embedding, Flatten
from minigrad.visualize import view as view_module
from minigrad.visualize.view import View, in_script, program_lines
from minigrad.visualize.view_layers import groups_of

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>",
    '"><img src=x onerror=alert(1)>',
    "</title></style></iframe>",
    "&lt;b&gt; & {braces} {title}",
    "\u2028\u2029\x00\x1b[31m\u202e",
    "$\\href{javascript:alert(1)}$",
    "x" * 100_000,
]


def model_of(name="hidden", optimizer="adam", **arguments):
    mg.utils.set_random_seed(1)
    x = mg.Input((6,))
    h = Dense(4, activation="relu", name=name)(Flatten()(Embedding(13, 3, name="month")(x)))
    model = mg.Model(x, Dense(1, name="out")(Add()([h, Dense(4)(h)])))
    model.compile(optimizer, "mse", jit_compile=False, **arguments)
    return model


def batch():
    rng = np.random.default_rng(0)
    return rng.integers(0, 13, (4, 6)), rng.normal(size=(4, 1)).astype(np.float32)


class Parsed(HTMLParser):
    """What elements and attributes a page has, and the text in its scripts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.scripts = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *attr) for attr in attrs]

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "script":
            self.scripts.append(data)


def data_of(page):
    found = re.findall(r'<script type="application/json" id="tape">(.*?)</script>', page, re.S)
    assert len(found) == 1
    return json.loads(found[0])


def test_the_page_stands_alone():
    page = model_of().view(*batch()).page()
    parsed = Parsed(page)
    assert not {"link", "img", "iframe", "object", "embed", "a", "base", "form"} & set(parsed.tags)
    assert not [a for a in parsed.attributes if a[1] in ("src", "href", "srcset", "action") or a[1].startswith("on")]
    assert "content=\"default-src 'none';" in unescape(page)
    script = Path(view_module.__file__).with_name("view.js").read_text()
    assert script in page
    assert not re.search(r"fetch|XMLHttpRequest|import|eval|innerHTML|insertAdjacentHTML|document\.write", script)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name):
    name = name.replace("/", "\\")  # which a layer's name cannot have
    plain, page = (Parsed(model_of(n).view(*batch()).page()) for n in ("hidden", name))
    assert page.tags == plain.tags
    assert [a[:2] for a in page.attributes] == [a[:2] for a in plain.attributes]
    titles = [layer["title"] for layer in data_of(model_of(name).view(*batch()).page())["layers"]]
    assert len(titles) == 7
    if len(name) < 200:
        assert name in titles


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_of_ops_variables_and_titles_are_text(name):
    def page(name):
        same = mg.custom_vjp(lambda g: g, name=name)(lambda x: x * 1.0)
        v = mg.Variable([1.0, 2.0], name=name)
        with mg.record() as tape:
            g = mg.grad(same(v).sum(), v)
            mg.optimizers.SGD(0.1).apply([g], [v])
        return View(tape, name, f"x = 1  # {name}").page()

    plain, hostile = Parsed(page("plain")), Parsed(page(name))
    assert hostile.tags == plain.tags
    assert [a[:2] for a in hostile.attributes] == [a[:2] for a in plain.attributes]
    assert data_of(page(name))["events"][0]["op"][:200] == name[:200]


@given(st.text())
def test_what_goes_into_a_script_tag_comes_back(text):
    written = in_script({"text": text})
    assert not re.search("[<>&\u2028\u2029]", written)
    assert json.loads(written) == {"text": text}


def test_numbers_that_json_has_not_go_as_text():
    x = mg.Tensor([0.0, 1.0, np.inf], requires_grad=True)
    with mg.record() as tape, np.errstate(all="ignore"):
        (np.log(x) * x).sum().backward()
    first = data_of(tape.page())["events"][0]
    assert first["value"]["first"] == ["-inf", 0, "inf"]
    assert first["value"]["bad"] == 2


def test_the_data_are_those_of_the_tape():
    view = model_of().view(*batch())
    data = data_of(view.page())
    assert [(e["phase"], e["op"]) for e in data["events"]] == [(e.phase, e.op) for e in view.tape]
    assert [layer["title"] for layer in data["layers"]] == [
        "month", "flatten_1", "hidden", "dense_1", "add_1", "out", "loss",
    ]  # fmt: skip
    for told, event in zip(data["events"], view.tape, strict=True):
        assert event.layer.startswith(data["layers"][told["layer"]]["path"])
        if event.phase != "backward":
            assert [o["value"]["shape"] for o in told["operands"]] == [list(o.value.shape) for o in event.operands]
        else:
            assert [o["rule"] for o in told["outgoing"]] == [o.rule for o in event.outgoing]


def test_lines_of_the_program_go_with_their_layers():
    data = data_of(model_of().view(*batch()).page())
    title = {i: layer["title"] for i, layer in enumerate(data["layers"])}
    of = {line["text"].strip().partition("  #")[0]: title.get(line.get("layer")) for line in data["program"]}
    assert of["np.add(hidden_matmul, hidden_bias, out=hidden_add)"] == "hidden"
    assert of["np.add.reduce(grad_out_add, axis=0, out=grad_out_bias)"] == "out"
    assert of["np.multiply(constant, loss_subtract, out=grad_loss_subtract)"] == "loss"
    update = [line for line in data["program"] if "alpha_float32" in line["text"] and "np." in line["text"]]
    assert update
    assert all("layer" not in line for line in update)
    assert program_lines("", []) == []


@pytest.mark.parametrize("optimizer", ["adam", mg.optimizers.SGD(0.1, momentum=0.9, clipnorm=1.0), "adagrad"])
def test_viewing_changes_nothing(optimizer):
    x, y = batch()
    model, twin = (model_of(optimizer=mg.optimizers.get(optimizer).from_config(
        mg.optimizers.get(optimizer).get_config()), metrics=["mae"]) for _ in "12")  # fmt: skip
    for m in (model, twin):
        m.train_on_batch(x, y)
    before = model.metrics_names, model.optimizer.iterations
    view = model.view(x, y)
    assert (model.metrics_names, model.optimizer.iterations) == before
    for _ in range(2):
        assert model.train_on_batch(x, y) == twin.train_on_batch(x, y)
    for a, b in zip(model.weights, twin.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert {e.layer for e in view.tape if e.op == "assign"} == {
        f"model/{path}" for path in ("month/embeddings", "hidden/kernel", "hidden/bias", "dense_1/kernel",
                                     "dense_1/bias", "out/kernel", "out/bias")
    }  # fmt: skip


def test_the_update_that_is_shown_is_the_one_that_training_does():
    x, y = batch()
    model = model_of()
    model.train_on_batch(x, y)
    shown = [e.value.first for e in model.view(x, y).tape if e.op == "assign"]
    model.train_on_batch(x, y)
    for first, weight in zip(shown, model.trainable_weights, strict=True):
        np.testing.assert_allclose(first, weight.numpy().ravel()[: len(first)], rtol=1e-5, atol=1e-7)


def test_viewing_a_table_whose_rows_lag_behind_changes_nothing():
    def trained(view):
        mg.utils.set_random_seed(3)
        model = mg.Sequential([mg.Input((2,)), Embedding(5000, 3), Flatten(), Dense(1)])
        model.compile("adam", "mse", jit_compile=False)
        rng = np.random.default_rng(1)
        for step in range(4):
            x, y = rng.integers(0, 5000, (4, 2)), rng.normal(size=(4, 1))
            model.train_on_batch(x, y)
            if view and step == 1:
                view = model.view(x, y)
                assert any(e.op == "assign" and e.value.shape == (5000, 3) for e in view.tape)
        return [w.numpy() for w in model.weights]

    for a, b in zip(trained(False), trained(True), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_models_of_all_kinds_are_viewed():
    class Own(mg.Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(1)

        def call(self, x):
            return self.dense(x)

    own = Own()
    own.compile("sgd", "mse")
    view = own.view(np.ones((2, 3)), np.ones((2, 1)))
    assert (view.program, [g.title for g in view.groups]) == ("", ["dense", "loss"])
    eager = mg.Sequential([mg.Input((3,)), Dense(1)])
    eager.compile("sgd", "mse", run_eagerly=True)
    assert eager.view(np.ones((2, 3)), np.ones((2, 1))).program == ""
    frozen = mg.Sequential([mg.Input((3,)), Dense(2, trainable=False), Dense(1)])
    frozen.compile("sgd", "mse")
    written = [e.layer for e in frozen.view(np.ones((2, 3)), np.ones((2, 1))).tape if e.op == "assign"]
    assert written == ["sequential/dense_2/kernel", "sequential/dense_2/bias"]
    named = {"a": mg.Input((2,), name="a"), "b": mg.Input((2,), name="b")}
    both = mg.Model(named, Dense(1)(Add()(list(named.values()))))
    both.compile("sgd", "mse")
    x = {"a": np.ones((3, 2)), "b": np.zeros((3, 2))}
    assert "batch" not in both.view(x, np.ones((3, 1))).program
    assert "(3, 2)" in both.view(x, np.ones((3, 1))).program


def test_without_a_loss_the_forward_pass_is_shown():
    x = mg.Input((3,))
    view = mg.Model(x, Dropout(0.5)(Dense(2)(x))).view(np.ones((2, 3)))
    assert {e.phase for e in view.tape} == {"forward"}
    assert "matmul" in view.program or "dot" in view.program


def test_a_model_with_a_train_step_of_its_own_says_how_to_record_it():
    class Own(mg.Model):
        def train_step(self, data):
            return {}

    x = mg.Input((3,))
    model = Own(x, Dense(1)(x))
    with pytest.raises(ValueError, match=r"train_step of its own.*minigrad\.record\(\)"):
        model.view(np.ones((2, 3)))


def test_a_shared_layer_is_one_box_and_a_recurrent_one_is_kept_short():
    x, shared = mg.Input((4,)), Dense(4, name="shared")
    model = mg.Model(x, shared(Dense(4, name="between")(shared(x))))
    with mg.record() as tape:
        model(np.ones((1, 4)))
    groups, own, edges = groups_of(tape, "")
    assert [g.title for g in groups] == ["shared", "between"]
    assert own == [0, 0, 1, 1, 0, 0]
    assert edges == [(0, 1)]
    assert View(tape).page().count('class="box layer"') == 2


def test_an_empty_tape_has_a_page_too():
    with mg.record() as tape:
        pass
    assert data_of(tape.page())["events"] == []


def test_a_long_tape_has_a_page_of_bearable_size():
    x = mg.Tensor(np.ones((10, 10), np.float32), requires_grad=True)
    with mg.record() as tape:
        y = x
        for _ in range(2500):
            y = y * 1.01
        y.sum().backward()
    page = tape.page()
    assert len(tape) == 5002
    assert len(page) < 6_000_000


def test_saving_takes_pages_and_texts(tmp_path):
    with mg.record() as tape:
        mg.Tensor([1.0]) * 2
    for thing in (tape, View(tape, "A title")):
        thing.save(tmp_path / "step.html")
        assert (tmp_path / "step.html").read_text().startswith("<!DOCTYPE html>")
        thing.save(tmp_path / "step.txt")
        assert (tmp_path / "step.txt").read_text().rstrip("\n") == str(tape)
        with pytest.raises(ValueError, match=r"ends in none of \.html, \.txt"):
            thing.save(tmp_path / "step.svg")


def test_a_notebook_shows_the_page_in_a_frame():
    view = model_of().view(*batch())
    frame = Parsed(view.html())
    assert "<iframe" in view._repr_mimebundle_()["text/html"]
    assert frame.tags == ["iframe"]
    assert dict(a[1:] for a in frame.attributes)["srcdoc"] == view.page()
    assert dict(a[1:] for a in frame.attributes)["sandbox"] == "allow-scripts"
