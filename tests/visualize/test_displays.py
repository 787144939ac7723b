"""What notebooks are given for each kind of object: it is there, it is small, and names are data in it."""

import re
import time
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import minigrad as mg
from minigrad.layers import Dense, Embedding, Flatten
from minigrad.visualize.bars import bars
from minigrad.visualize.charts import curves
from minigrad.visualize.code import highlighted, listing
from minigrad.visualize.heat import MOST_COLUMNS, MOST_ROWS, heat_maps, pooled
from minigrad.visualize.profile import Profile
from minigrad.visualize.shown import LARGEST, bundle, size

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    '<img src=x onerror=alert(1)></text></td><script>alert("\x1b[31m\u202e")</script>' + "long " * 100,
    "</pre><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "&lt;b&gt;",
    "$\\href{javascript:alert(1)}{x}$",
    "]]>",
    'x"]; pwn [URL="javascript:alert(1)"]; y ["',
    "\x1b]8;;http://x\x07",
    "\ud800",
    "a\nb\r\nc",
]
# What JupyterLab keeps of a notebook that is not trusted; `svg` and `style`, with all inside, it takes away.
KEPT = {"div", "p", "table", "tr", "td", "th", "figure", "figcaption", "pre", "span", "details", "summary"}
TAKEN = {"svg", "style"}
PLAIN = {"g", "rect", "path", "line", "circle", "text", "title"}


class Reader(HTMLParser):
    """The elements of a fragment, its attributes, and the text that is left in a notebook that is not trusted."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.attributes, self.open, self.kept = [], set(), [], []
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not TAKEN & set(self.open):
            self.kept.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.kept).split())


def things(name="words"):
    """One of each kind, from a model whose layers have that name."""
    mg.utils.set_random_seed(1)
    safe = name.replace("/", "|")
    x = mg.Input((10,), name=safe + "x")
    table = Embedding(13, 3, name=safe)
    y = Dense(8, activation="relu", name=safe + "y")(Flatten(name=safe + "f")(table(x)))
    model = mg.Model(x, Dense(1, name=safe + "z")(y), name=safe + "m")
    model.compile("adam", "mse", metrics=["mae"])
    ids, targets = np.arange(640).reshape(64, 10) % 13, np.linspace(0, 1, 64)[:, None]
    history = model.fit(ids, targets, epochs=3, validation_split=0.5, verbose=0)
    with Profile() as profile:
        model.fit(ids, targets, verbose=0)
        model.layers[-1](np.ones((2, 8), np.float32))
    tensor = mg.Tensor(np.linspace(-1, 2, 360).reshape(12, 30), requires_grad=True)
    (tensor * tensor).sum().backward()
    history.history[name] = history.history["loss"]
    return {
        "Tensor": tensor,
        "made": np.tanh(tensor),
        "scalar": mg.Tensor(3.5),
        "Variable": mg.Variable(np.ones((3, 4)), name=name),
        "RowSparse": mg.grad(table(np.array([[1, 2, 2, 5]])).sum() * 2.0, table.embeddings),
        "Symbol": y,
        "Layer": model.layers[-1],
        "Embedding": table,
        "Model": model,
        "History": history,
        "Program": model.program("train"),
        "Profile": profile,
    }


NAMES = list(things())


@pytest.fixture(scope="module")
def plain():
    return {name: thing._repr_mimebundle_() for name, thing in things().items()}


@pytest.mark.parametrize("name", NAMES)
def test_each_has_text_and_html_that_holds_its_picture(plain, name):
    parts = plain[name]
    assert set(parts) <= {"text/plain", "text/html", "image/svg+xml", "text/vnd.mermaid"}
    if name not in {"History", "Profile"}:
        assert parts["text/plain"] == repr(things()[name])
    if "image/svg+xml" in parts:
        assert parts["image/svg+xml"] in parts["text/html"]
    pictured = "<svg" in parts["text/html"]
    assert pictured == (name not in {"scalar", "Layer", "Program", "Profile"})
    assert ("text/vnd.mermaid" in parts) == (name in {"Symbol", "Model"})
    assert size(parts) < LARGEST


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Tensor", "Tensor of shape (12, 30), float64, takes a gradient. smallest largest mean norm not finite"),
        ("made", "made by tanh"),
        ("scalar", "values: 3.5"),
        ("Variable", "Variable words of shape (3, 4)"),
        ("RowSparse", "3 of 13 rows got something, from 4 places; 80 bytes, where the dense array has 156."),
        ("RowSparse", "row places norm its gradient 2 2 6.928 4 4 4"),
        ("Symbol", "Symbol of shape (None, 8), float32, made by wordsy. It has values when a model runs."),
        ("Symbol", "wordsf Flatten (None, 30)"),
        ("Layer", "Dense wordsz, float32: 9 parameters. weight shape numbers smallest largest mean norm not finite"),
        ("Layer", "kernel (8, 1) 8"),
        ("Layer", "Dense(units=1, activation='linear'"),
        ("Embedding", "Embedding words, float32: 39 parameters."),
        ("Embedding", "The nearest rows, and the cosine: row nearest 0 "),
        ("Model", "Model wordsm: 296 parameters. Compiled with Adam. layer kind output shape parameters"),
        ("Model", "words Embedding (None, 10, 3) 39"),
        ("History", "3 epochs of training. first lowest highest last loss "),
        ("Program", "the train step of wordsm, 32 rows: "),
        ("Program", "gather( words_embeddings"),
        ("Profile", "the train step of wordsm, 32 rows: 2 runs, "),
        ("Profile", "wordsz matmul forward 1"),
    ],
)
def test_without_its_picture_the_html_says_what_matters(plain, name, said):
    """As in a notebook that is not trusted, where Lab takes pictures and style away."""
    read = Reader(plain[name]["text/html"])
    words = said.replace("gather( ", "gather(")
    assert words in read.text
    assert set(read.tags) <= KEPT | TAKEN | PLAIN


def test_the_nearest_rows_are_the_nearest():
    layer = Embedding.from_pretrained([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [-1.0, 0.0]])
    layer(np.array([0]))
    text = Reader(layer._repr_mimebundle_()["text/html"]).text
    assert "0 2 (1.00), 1 (0.00), 3 (-1.00) 1 2 (0.10)" in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_names_are_only_text(plain, hostile):
    for name, thing in things(hostile).items():
        parts = thing._repr_mimebundle_()
        html = parts["text/html"]
        assert size(parts) < LARGEST
        assert not {"\x1b", "\u202e", "\ud800", "\x07"} & set(html)
        read, before = Reader(html), Reader(plain[name]["text/html"])
        allowed = {"class", "style", "role", "aria-label", "xmlns"} | before.attributes
        assert set(read.tags) <= KEPT | TAKEN | PLAIN
        assert read.attributes <= allowed
        if name in {"Symbol", "Layer", "Embedding", "Model", "Variable"}:
            assert Reader(html).tags.count("tr") == before.tags.count("tr")
        for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
            found = {element.tag.removeprefix(SVG) for element in ET.fromstring(svg).iter()}
            assert found <= PLAIN | {"svg"}
        assert "tex2jax_ignore mathjax_ignore" in html.partition(">")[0]


def test_the_source_on_the_page_is_the_source(plain):
    source = things()["Program"].source
    step = source[source.index("\ndef step(") + 1 :].rstrip("\n")
    code = re.search(r"<pre>\n(.*?)</pre>", plain["Program"]["text/html"], re.DOTALL)[1]
    shown = "".join(Reader(f"<pre>{code}</pre>").kept)
    assert shown == step
    with_times = "".join(Reader(listing(step, {2: 0.5, 3: 1e-6}, first=1)[0]).kept).lstrip("\n").split("\n")
    assert [line[15:] for line in with_times] == step.split("\n")
    assert with_times[1].startswith("  500 ms 100%")


@given(st.text(max_size=60))
def test_any_text_is_highlighted_line_by_line_without_change(source):
    lines = highlighted(source)
    assert len(lines) == source.count("\n") + 1
    for line, was in zip(lines, source.split("\n"), strict=True):
        read = Reader(f"<div>{line}</div>")
        assert set(read.tags) <= {"div", "span"}
        if was.isascii() and was.isprintable():
            assert "".join(read.kept) == was


# -- sizes ------------------------------------------------------------------------------------------------------------


def deep(layers):
    x = y = mg.Input((8,))
    for i in range(layers):
        y = Dense(8, name=f"a_layer_with_quite_a_long_name_{i}", activation=["relu", "tanh"][i % 2])(y)
        y = mg.layers.add([x, y])
    return mg.Model(x, y), y


def noisy(epochs, names):
    history = mg.callbacks.History()
    rng = np.random.default_rng(0)
    history.history = {f"figure_{i}": rng.normal(size=epochs).tolist() for i in range(names)}
    history.epoch = list(range(epochs))
    return history


@pytest.mark.parametrize(
    "make",
    [
        lambda: mg.Tensor(np.random.default_rng(0).normal(size=(1000, 1000)), requires_grad=True),
        lambda: mg.Tensor(np.random.default_rng(0).normal(size=(5000, 1000)).astype(np.float32)),
        lambda: mg.Tensor(np.random.default_rng(0).normal(size=(7, 8, 9, 10)) * 1e300),
        lambda: deep(12)[0],
        lambda: deep(150)[0],
        lambda: deep(150)[1],
        lambda: noisy(5000, 2),
        lambda: noisy(1000, 30),
        lambda: Embedding(50_000, 100),
        lambda: deep(60)[0].layers[5],
    ],
)
def test_large_things_are_small_on_the_page(make):
    thing = make()
    if isinstance(thing, Embedding):
        thing(np.array([3]))
    if isinstance(thing, mg.Tensor) and thing.requires_grad:
        (thing * np.ones(thing.shape)).sum().backward()
    start = time.perf_counter()
    parts = thing._repr_mimebundle_()
    assert size(parts) < LARGEST
    assert time.perf_counter() - start < 5
    Reader(parts["text/html"])


def test_the_program_of_a_large_model_says_what_it_leaves_out():
    model, _ = deep(100)
    model.compile("adam", "mse")
    parts = model.program("train")._repr_mimebundle_()
    assert size(parts) < LARGEST
    assert re.search(r"[\d,]+ more lines: print\(program\) shows them all\.", parts["text/html"])
    with Profile() as profile:
        model.train_on_batch(np.ones((32, 8)), np.ones((32, 8)))
    assert size(profile._repr_mimebundle_()) < LARGEST


def test_a_copy_of_a_picture_that_does_not_fit_is_left_out():
    parts = bundle("t", "<p></p>", "<svg>" + "x" * LARGEST + "</svg>", "graph TD")
    assert sorted(parts) == ["text/html", "text/plain", "text/vnd.mermaid"]


# -- what is odd ------------------------------------------------------------------------------------------------------


@given(
    npst.arrays(
        st.sampled_from([np.float32, np.float64, np.int64, np.bool_]),
        npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9),
    )
)
def test_any_array_is_shown(array):
    parts = mg.Tensor(array)._repr_mimebundle_()
    assert size(parts) < LARGEST
    assert f"of shape {array.shape}" in Reader(parts["text/html"]).text


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308, 5e-324, 0.0])
def test_numbers_at_the_ends_are_shown(value):
    tensor = mg.Tensor(np.full((3, 4), value))
    assert Reader(tensor._repr_mimebundle_()["text/html"]).text.count("12" if not np.isfinite(value) else " 0") >= 1
    layer = Embedding.from_pretrained(np.full((4, 2), 1e38 if value == 1e308 else value))
    layer(np.array([0]))
    text = Reader(layer._repr_mimebundle_()["text/html"]).text
    assert ("holds" in text) == (not np.isfinite(value))


def test_what_is_not_ready_says_so():
    for thing, said in [
        (Dense(3), "not built yet"),
        (Embedding(3, 2), "not built yet"),
        (mg.Sequential([Dense(3)]), "not built yet"),
        (mg.callbacks.History(), "0 epochs"),
        (mg.Symbol.of((None, 3), np.float32), "a free symbol"),
        (mg.RowSparse(np.array([], int), np.zeros((0, 2)), (5, 2)), "0 of 5 rows"),
    ]:
        assert said in Reader(thing._repr_mimebundle_()["text/html"]).text


def test_a_subclassed_model_and_one_inside_another_are_shown():
    class Own(mg.Model):
        def __init__(self):
            super().__init__()
            self.inner = Dense(2)

        def call(self, inputs):
            return self.inner(inputs)

    own = Own()
    assert "inner Dense" in Reader(own._repr_mimebundle_()["text/html"]).text
    x = mg.Input((3,))
    inner = mg.Model(x, Dense(2)(x), name="inside")
    outer = mg.Model(x, inner(x))
    assert "inside Model (None, 2) 8" in Reader(outer._repr_mimebundle_()["text/html"]).text


def test_a_callback_may_log_what_it_likes():
    history = mg.callbacks.History()
    history.history = {"loss": [1.0, np.float32(0.5)], "note": ["a", "b"], "rows": [[1, 2], [3]], "half": [1.0]}
    history.epoch = [0, 1]
    text = Reader(history._repr_mimebundle_()["text/html"]).text
    assert "loss 1 0.5 in epoch 2 1 in epoch 1 0.5" in text
    assert "2 more are in history.history." in text


def test_looking_changes_nothing():
    found = things()
    model, tensor = found["Model"], found["Tensor"]
    before = [w.numpy() for w in model.weights], tensor.grad.copy(), model.optimizer.iterations
    made = len(model._programs.made) if hasattr(model, "_programs") else 0
    for thing in found.values():
        thing._repr_mimebundle_()
    assert all(np.array_equal(a, b) for a, b in zip(before[0], model.get_weights(), strict=True))
    assert np.array_equal(before[1], tensor.grad)
    assert before[2] == model.optimizer.iterations
    assert made == (len(model._programs.made) if hasattr(model, "_programs") else 0)


def test_a_display_does_not_number_layers():
    y = Dense(2)(mg.Input((3,)))
    y._repr_mimebundle_()
    y.node.fn._repr_mimebundle_()
    assert y.node.fn._numbered is None


# -- the pictures -----------------------------------------------------------------------------------------------------


@given(npst.arrays(np.float64, npst.array_shapes(min_dims=2, max_dims=2, max_side=120), elements=st.floats(-9, 9)))
def test_cells_hold_the_means_of_blocks(matrix):
    cells = pooled(matrix)
    if matrix.shape[0] > 1 or matrix.shape[1] <= MOST_COLUMNS:
        assert cells.shape[0] <= MOST_ROWS
        assert cells.shape[1] <= MOST_COLUMNS
        down, across = (-(-n // most) for n, most in zip(matrix.shape, (MOST_ROWS, MOST_COLUMNS), strict=True))
        assert cells[0, 0] == pytest.approx(matrix[:down, :across].mean(), abs=1e-9)
        rest = matrix[(cells.shape[0] - 1) * down :, (cells.shape[1] - 1) * across :]
        assert cells[-1, -1] == pytest.approx(rest.mean(), abs=1e-9)


def test_a_map_draws_each_cell_in_its_shade():
    svg = heat_maps({"values": np.array([[-1.0, 0.0, 1.0], [1.0, np.nan, 1.0]])})
    drawn = {p.get("stroke"): p.get("d") for p in ET.fromstring(svg).iter(SVG + "path")}
    assert drawn == {
        "#0a4a7d": "M0 6h12",
        "#8f1f24": "M24 6h12M0 18h12M24 18h12",
        "#3c4149": "M12 18h12",
    }


def test_bars_are_as_long_as_their_numbers():
    svg = bars([("a", 2.0, "two"), ("b", 1.0, "one"), ("c", float("nan"), "none")])
    widths = [float(r.get("width")) for r in ET.fromstring(svg).iter(SVG + "rect") if r.get("class") == "bar"]
    assert widths == [320.0, 160.0, 1.0]
    assert "nothing to show" in bars([])


def test_a_long_curve_keeps_its_peaks():
    values = np.zeros(100_000)
    values[[777, 50_001]] = 5.0, -3.0
    svg = curves({"loss": values.tolist()})
    assert len(svg) < 30_000
    (path,) = [p for p in ET.fromstring(svg).iter(SVG + "path") if p.get("stroke") == "#0072b2"]
    heights = {float(y) for _, y in re.findall(r"([\d.]+) ([\d.-]+)", path.get("d"))}
    assert len(heights) == 3


# -- times ------------------------------------------------------------------------------------------------------------


def test_a_profile_has_each_line_that_ran_and_where_its_time_went():
    model = things()["Model"]
    with Profile() as profile:
        model.fit(np.ones((64, 10), int), np.ones((64, 1), np.float32), batch_size=32, verbose=0)
    (one,) = profile.programs
    assert one.runs == 2
    lines = one.source.split("\n")
    assert all(lines[n - 1].startswith("    ") for n in one.seconds)
    assert sum(one.seconds.values()) <= profile.seconds
    by_layer = one.by_layer()
    assert sum(by_layer.values()) == pytest.approx(sum(one.seconds.values()))
    assert {"forward", "backward", "update", "loss"} <= {part for part, _ in by_layer}
    assert {("forward", "words"), ("backward", "wordsy")} <= set(by_layer)
    assert "Before each line what it took in 2 runs" in model.program("train")._repr_mimebundle_()["text/html"]
    assert ET.fromstring(profile.svg()) is not None


def test_a_profile_has_eager_ops_and_rules_by_layer():
    layer = Dense(3, name="own", activation="tanh")
    layer(np.ones((2, 4), np.float32))
    with Profile() as profile:
        layer(np.ones((2, 4), np.float32)).sum().backward()
    counts = {key: count for key, (count, _) in profile.ops.items()}
    assert counts["own", "matmul", "forward"] == 1
    assert counts["own", "tanh", "backward"] == 1
    assert counts["", "sum", "forward"] == 1
    assert "own" in str(profile)


def test_a_profile_leaves_tracing_as_it_was_and_changes_no_number():
    import sys

    before = sys.gettrace()
    with pytest.raises(ZeroDivisionError), Profile():
        1 / 0  # noqa: B018
    assert sys.gettrace() is before
    assert str(Profile()).startswith("No op of minigrad ran")

    def trained(profiled):
        mg.utils.set_random_seed(1)
        x = mg.Input((4,))
        model = mg.Model(x, Dense(2)(x))
        model.compile("sgd", "mse")
        if profiled:
            with Profile():
                model.fit(np.ones((64, 4)), np.ones((64, 2)), verbose=0)
        else:
            model.fit(np.ones((64, 4)), np.ones((64, 2)), verbose=0)
        return model.get_weights()

    assert all(np.array_equal(a, b) for a, b in zip(trained(False), trained(True), strict=True))


# -- progress ---------------------------------------------------------------------------------------------------------


def test_progress_has_the_figures_of_all_epochs_each_in_its_place():
    from minigrad.callbacks.displays import Notebook, _Progress

    display = Notebook()
    for figures in [{"loss": 2.0}, {"loss": np.float32(1.0), "val_loss": 3.0, "\x1b[31mnote": "x"}, {"loss": 0.5}]:
        display.note(figures)
    assert display._history["loss"] == [2.0, 1.0, 0.5]
    np.testing.assert_array_equal(display._history["val_loss"], [np.nan, 3.0])
    assert set(display._history) == {"loss", "val_loss"}
    parts = _Progress(["Epoch 3/3", "</pre><script>"], display._history)._repr_mimebundle_()
    assert parts["text/plain"] == "Epoch 3/3\n</pre><script>"
    assert "script" not in Reader(parts["text/html"]).tags
    assert parts["text/html"].count('class="curve"') == 2


def test_progress_of_very_many_epochs_stays_small():
    from minigrad.callbacks.displays import _Progress

    history = {
        name: np.random.default_rng(0).random(20_000).tolist() for name in ("loss", "mae", "val_loss", "val_mae")
    }
    assert size(_Progress(["a line"] * 40, history)._repr_mimebundle_()) < LARGEST


def test_sums_that_overflow_both_ways_are_shown():
    values = np.full((33, 87), 1.79e308)
    values[::2] *= -1
    assert size(mg.Tensor(values)._repr_mimebundle_()) < LARGEST


def test_a_table_in_a_file_shows_its_first_rows_and_when_closed_that_it_is(tmp_path):
    layer = Embedding(1000, 8, storage=tmp_path / "table.npy")
    layer(np.array([1]))
    assert "values, first 24 rows" in layer.embeddings._repr_mimebundle_()["text/html"]
    assert "120 rows of 1,000" in layer._repr_mimebundle_()["text/html"]
    layer.embeddings.close()
    assert "was closed" in layer._repr_mimebundle_()["text/html"]
    assert "lie in a file, which was closed" in layer.embeddings._repr_mimebundle_()["text/html"]
