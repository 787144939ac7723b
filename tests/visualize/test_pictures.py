"""Pictures of models: they always draw, say what is true, and cost little."""

import os
import stat
import sys
import time
import warnings
import xml.etree.ElementTree as ET

import graphviz
import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import GradientError, UnknownName
from minigrad.layers import Add, Concatenate, Dense, Dropout, Embedding, GlobalAveragePooling1D, Input
from minigrad.models import Model, Sequential
from minigrad.utils import plot_model
from minigrad.visualize import picture as pictures
from minigrad.visualize.graph import draw
from minigrad.visualize.model import layers

SVG = "{http://www.w3.org/2000/svg}"


def small(compiled=False):
    month, rest = Input((5,), name="month"), Input((4,))
    x = GlobalAveragePooling1D()(Embedding(13, 3)(month))
    x = Dense(8, activation="relu")(Concatenate()([x, rest]))
    model = Model([month, rest], Dense(1, activation="sigmoid")(x), name="small")
    if compiled:
        model.compile("adam", "binary_crossentropy")
    return model


def batch(rows=6):
    rng = np.random.default_rng(0)
    x = [rng.integers(0, 13, (rows, 5)), rng.normal(size=(rows, 4)).astype(np.float32)]
    return x, rng.integers(0, 2, (rows, 1))


@pytest.fixture
def no_programs(monkeypatch, tmp_path):
    """A machine without Graphviz and without graphviz-pure."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(empty))


def program(folder, name, answer):
    """A stand-in for one of Graphviz's programs."""
    path = folder / name
    text = (
        "import sys\n"
        "out = open(sys.argv[sys.argv.index('-O') - 1] + '.svg', 'wb') if '-O' in sys.argv else sys.stdout.buffer\n"
        f"out.write({answer!r})\n"
    )
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def boxes(svg):
    return [g for g in ET.fromstring(svg).iter(SVG + "g") if g.get("class") == "box"]


# -- it always draws --------------------------------------------------------------------------------------------------


def test_without_any_program_the_built_in_layout_draws(no_programs, tmp_path):
    picture = small().plot()
    assert isinstance(picture, graphviz.Digraph)
    assert picture.svg() == picture.svg("builtin") == picture.pipe("svg", encoding="utf-8")
    assert picture.pipe() == picture.svg().encode()
    path = picture.render(tmp_path / "a" / "model")
    assert path == str(tmp_path / "a" / "model.svg")
    assert len(boxes((tmp_path / "a" / "model.svg").read_text())) == 7
    assert (tmp_path / "a" / "model").read_text() == picture.source
    picture.render(outfile=tmp_path / "b.svg", cleanup=True)
    assert sorted(p.name for p in tmp_path.glob("b*")) == ["b.svg"]


def test_an_image_that_no_engine_makes_becomes_an_svg_with_a_warning(no_programs, tmp_path):
    with pytest.warns(UserWarning, match=r"wrote .*model.svg: PNG needs Graphviz's program dot or graphviz-pure"):
        plot_model(small(), tmp_path / "model.png")
    assert [p.name for p in tmp_path.glob("model*")] == ["model.svg"]
    with pytest.raises(RuntimeError, match="PDF needs Graphviz's program dot; SVG needs nothing"):
        small().plot().pipe("pdf")


def test_the_systems_dot_comes_first_and_graphviz_pure_next(no_programs, monkeypatch, tmp_path):
    own, scripts = tmp_path / "bin", tmp_path / "scripts"
    own.mkdir()
    scripts.mkdir()
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(scripts))
    monkeypatch.setenv("PATH", str(own))
    program(scripts, "graphviz-pure", b"<?xml?><svg>pure</svg>")
    picture = small().plot()
    assert picture.svg() == "<svg>pure</svg>"
    assert graphviz.backend.dot_command.DOT_BINARY.name == "dot"  # put back
    picture.to_file(tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes() == b"<?xml?><svg>pure</svg>"
    assert picture.render(tmp_path / "y") == str(tmp_path / "y.svg")
    program(own, "dot", b"<?xml?><svg>dot</svg>")
    assert picture.svg() == picture.svg("dot") == "<svg>dot</svg>"
    assert picture.svg("pure") == "<svg>pure</svg>"
    assert picture.svg("builtin").startswith("<svg xmlns")


@pytest.mark.skipif(not (pictures.system_dot() or pictures.pure_program()), reason="no program of Graphviz here")
@pytest.mark.parametrize("level", ["layers", "ops"])
def test_graphviz_reads_the_dot_text(level):
    svg = small().plot(level).pipe("svg", encoding="utf-8", quiet=True)
    assert "small" in svg


def test_a_digraph_changed_by_hand_needs_graphviz(no_programs):
    picture = small().plot()
    picture.node("more")
    with pytest.raises(ValueError, match="changed by hand"):
        picture.svg("builtin")
    assert "more" in picture.source
    with pytest.raises(graphviz.ExecutableNotFound):
        picture.pipe("svg")


def test_copies_and_subgraphs_are_pictures_too(no_programs):
    picture = small().plot()
    assert picture.copy().svg() == picture.svg()
    with picture.subgraph(name="cluster_more") as more:
        more.node("a")
    assert "cluster_more" in picture.source


@pytest.mark.parametrize("ending", ["svg", "dot", "gv", "mmd", "txt", "html"])
def test_files_go_by_their_ending(no_programs, tmp_path, ending):
    path = tmp_path / f"model.{ending}"
    small().plot(to_file=path)
    text = path.read_text()
    assert "embedding_1" in text
    assert {"svg": "<svg", "dot": "digraph", "gv": "digraph", "mmd": "flowchart", "txt": "small", "html": "<!DOCTYPE"}[
        ending
    ] in text


def test_an_ending_that_says_nothing_is_refused(tmp_path):
    with pytest.raises(UnknownName, match="'pgn'"):
        small().plot(to_file=tmp_path / "model.pgn")
    with pytest.raises(ValueError, match="no ending"):
        small().plot(to_file=tmp_path / "model")
    assert not list(tmp_path.iterdir())


# -- Keras's plot_model -----------------------------------------------------------------------------------------------


def titles(picture):
    return [box.title for box in picture.drawing.boxes]


def lines(picture, title):
    return list(next(box for box in picture.drawing.boxes if box.title == title).lines)


def test_plot_models_options():
    model = small()
    model.get_layer("embedding_1").trainable = False
    plain = plot_model(model, None)
    assert titles(plain)[:2] == ["month", "embedding_1"]
    assert lines(plain, "embedding_1") == ["Embedding"]
    full = plot_model(
        model, None, show_shapes=True, show_dtype=True, show_layer_activations=True, show_trainable=True, rankdir="LR"
    )
    assert lines(full, "embedding_1") == [
        "Embedding", "(None, 5, 3)", "float32", "39 parameters, frozen", "not trainable",
    ]  # fmt: skip
    assert "activation: relu" in lines(full, "dense_1")
    assert full.graph_attr["rankdir"] == "LR"
    assert "Dense" in titles(plot_model(model, None, show_layer_names=False))
    assert titles(plot_model(model, None, layer_range=["dense_1", "dense_2"])) == ["dense_1", "dense_2"]


def test_unknown_arguments_are_told():
    with pytest.raises(TypeError, match="Did you mean 'show_shapes'"):
        plot_model(small(), None, show_shape=True)
    with pytest.raises(TypeError, match="Did you mean 'rankdir'"):
        small().plot(rank_dir="LR")
    with pytest.raises(UnknownName, match="Did you mean 'layers'"):
        small().plot("layer")
    with pytest.raises(ValueError, match="rankdir must be one of TB"):
        small().plot(rankdir="down").svg("builtin")


def test_nested_models_open():
    inner_in = Input((8,))
    inner = Model(inner_in, Dense(8, name="deep")(inner_in), name="inner")
    x = Input((8,))
    model = Model(x, Add()([inner(x), x]))
    assert titles(model.plot()) == ["input_1", "inner", "add_1"]
    opened = model.plot(expand_nested=True)
    assert "deep" in titles(opened)
    assert [group.title for group in opened.drawing.groups] == ["inner"]
    deep = next(box for box in opened.drawing.boxes if box.title == "deep")
    add = next(box for box in opened.drawing.boxes if box.title == "add_1")
    assert deep.key in opened.drawing.sources(add.key)
    assert len(boxes(opened.svg("builtin"))) == 4


# -- ops --------------------------------------------------------------------------------------------------------------


def test_what_backward_keeps_is_dashed():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    drawing = (np.exp(x) + x).sum().graph().drawing
    assert [(box.title, box.dashed) for box in drawing.boxes] == [
        ("tensor", False), ("exp", True), ("add", False), ("sum", False),
    ]  # fmt: skip
    assert not any(link.dashed for link in drawing.links)
    y = (x * mg.Tensor([3.0, 4.0])).sum().graph().drawing
    assert [link.dashed for link in y.links] == [False, True, False]  # x's gradient reads the other factor alone


def test_ops_stand_in_groups_by_layer():
    drawing = small().plot("ops").drawing
    assert [group.title for group in drawing.groups] == [
        "embedding_1", "global_average_pooling1d_1", "concatenate_1", "dense_1", "dense_2",
    ]  # fmt: skip
    closed = small().plot("ops", collapse=True)
    assert titles(closed) == [
        "month", "embedding_1", "global_average_pooling1d_1", "input_1", "concatenate_1", "dense_1", "dense_2",
    ]  # fmt: skip
    assert lines(closed, "dense_1") == ["Dense", "3 ops"]
    one = small().plot("ops", collapse="dense_1")
    assert "dense_1" in titles(one)
    assert "dense_2/kernel" in titles(one)
    with pytest.raises(UnknownName, match="dense_3"):
        small().plot("ops", collapse=["dense_3"])


def test_a_layer_called_twice_is_two_groups():
    x = Input((4,))
    dense = Dense(4)
    model = Model(x, dense(np.tanh(dense(x))))
    assert [group.title for group in model.plot("ops").drawing.groups] == ["dense_1", "dense_1"]


def test_a_freed_graph_says_so():
    x = mg.Tensor([1.0], requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(GradientError, match="freed by backward"):
        y.graph()


def test_a_leaf_has_a_picture_too():
    assert titles(mg.Tensor([1.0]).graph()) == ["tensor"]


def test_second_derivatives_draw():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    g = mg.grad((x**3).sum(), x, create_graph=True)
    picture = (g * g).sum().graph()
    assert len(boxes(picture.svg("builtin"))) == len(picture.drawing.boxes) > 4


def test_a_deep_model_stays_readable():
    y = x = Input((16,))
    for _ in range(500):
        y = Dense(16, activation="relu")(y) + y
    model = Model(x, y)
    whole = model.plot("ops", fold=False, collapse=False).drawing
    assert sum(box.kind == "op" for box in whole.boxes) == 2_000
    picture = model.plot("ops")
    assert len(picture.drawing.boxes) == 7
    assert any("× 500" in group.title for group in picture.drawing.groups)
    assert len(boxes(picture.svg("builtin"))) == 7


# -- with a batch -----------------------------------------------------------------------------------------------------


def test_a_batch_shows_values_gradients_and_times_and_changes_nothing():
    model = small(compiled=True)
    x, y = batch()
    before = [w.copy() for w in model.get_weights()]
    picture = model.plot(x=x, y=y)
    told = " ".join(lines(picture, "dense_1"))
    assert "±" in told
    assert "gradient |" in told
    assert "gradient of weights |" in told
    assert "s" in told
    assert "gradient" not in " ".join(lines(model.plot(x=x), "dense_1"))
    for level in ("ops", "program"):
        model.plot(level, x=x, y=y).svg("builtin")
    for old, new in zip(before, model.get_weights()):
        assert (old == new).all()
    assert model.optimizer.iterations == 0


def test_gradient_norms_are_those_of_autodiff():
    model = small(compiled=True)
    x, y = batch()
    loss = model.compute_loss(x, y, model(x, training=True))
    kernel = model.get_layer("dense_1").kernel
    expected = np.linalg.norm(mg.grad(loss, kernel))
    picture = model.plot("ops", x=x, y=y)
    assert lines(picture, "dense_1/kernel")[-1] == f"gradient |{expected:.3g}|"
    assert lines(picture, "mean")[-1].startswith("gradient |")
    assert any(group.title == "loss" for group in picture.drawing.groups)


def test_dropout_is_not_used_up_by_a_picture():
    x = Input((4,))
    model = Model(x, Dense(1)(Dropout(0.5, seed=1)(x)))
    model.compile("sgd", "mse")
    rows, y = np.ones((3, 4), np.float32), np.ones((3, 1), np.float32)

    def state():
        return [g.bit_generator.state for g in mg.models.untouched.generators(model.get_layer("dropout_1"))]

    before = state()
    for level in ("layers", "ops"):
        model.plot(level, x=rows, y=y)
    assert state() == before


def test_a_call_of_its_own_is_drawn_from_a_batch():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = Dense(3, name="first"), Dense(2, name="second")

        def call(self, inputs):
            return self.second(np.tanh(self.first(inputs)))

    model = Own()
    with pytest.raises(ValueError, match="has no graph to draw"):
        model.plot()
    rows = np.ones((2, 4), np.float32)
    assert {"first", "second", "tanh"} <= set(titles(model.plot(x=rows)))
    assert "matmul" in titles(model.plot("ops", x=rows))


# -- the program ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fused", [False, True])
def test_the_program_in_parts_with_buffers_bytes_and_times(fused):
    if fused:
        pytest.importorskip("numba")
    model = small(compiled=True)
    model.jit_compile = fused
    picture = model.plot("program", batch_size=8, fold=False)
    assert [group.title for group in picture.drawing.groups] == ["forward", "loss", "backward", "update"]
    text = str(picture)
    assert "bytes at" in text
    assert "written in place" in text
    assert " µs" not in text
    assert any(link.dashed for link in picture.drawing.links)
    assert len(boxes(picture.svg("builtin"))) == len(picture.drawing.boxes)
    x, y = batch()
    assert " µs" in str(model.plot("program", x=x, y=y))


def test_a_model_without_a_loss_shows_the_program_that_predicts():
    text = str(small().plot("program", batch_size=4))
    assert "dense_1_matmul" in text
    assert "update" not in text


@pytest.mark.parametrize("fused", [False, True])
def test_rows_of_a_table_that_a_step_writes(fused):
    if fused:
        pytest.importorskip("numba")
    x = Input((3,))
    model = Model(x, Dense(1)(GlobalAveragePooling1D()(Embedding(20_000, 8)(x))))
    model.compile("adam", "mse", jit_compile=fused)
    ids, y = np.array([[1, 2, 3], [4, 5, 6]]), np.ones((2, 1), np.float32)
    drawing = model.plot("program", x=ids, y=y, fold=False).drawing
    box = next(box for box in drawing.boxes if box.title.startswith("rows of "))
    sources = {b.title for b in drawing.boxes if b.key in drawing.sources(box.key)}
    assert {"embedding_1_embeddings", "embeddings_momentum", "embeddings_velocity", "alpha_float32"} <= sources
    assert any(title.startswith("embedding_1_get_item") for title in sources)  # the ids
    assert model.optimizer.iterations == 0


# -- notebooks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["layers", "ops", "program"])
def test_a_notebook_is_given_less_than_sixty_kilobytes(level):
    bundle = small(compiled=True).plot(level)._repr_mimebundle_()
    assert sum(len(part.encode()) for part in bundle.values()) < 60_000
    assert {"text/plain", "text/html"} <= set(bundle)
    assert "<svg" in bundle["text/html"]


def test_a_large_picture_closes_its_groups_for_a_notebook(no_programs):
    bundle = small(compiled=True).plot("ops", x=batch()[0], y=batch()[1])._repr_mimebundle_()
    assert "<svg" in bundle["text/html"]
    y = x = Input((4,))
    for i in range(300):
        y = Dense(4, name=f"a_{'x' * i}")(y)
    bundle = Model(x, y).plot(fold=False)._repr_mimebundle_()
    assert "<svg" not in bundle["text/html"]
    assert sum(len(part.encode()) for part in bundle.values()) < 60_000


# -- speed ------------------------------------------------------------------------------------------------------------


def fastest(call, runs):
    best = float("inf")
    for _ in range(runs):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return best


def test_ten_layers_draw_in_under_five_milliseconds():
    model = Sequential([Input((16,)), *(Dense(16, activation="relu") for _ in range(10))])
    assert fastest(lambda: draw(layers(model)), 20) < 0.005


def test_a_thousand_boxes_draw_in_under_three_tenths_of_a_second():
    y = x = Input((16,))
    for _ in range(500):
        y = Dense(16)(y) + y
    model = Model(x, y)
    assert len(model.graph.nodes) == 1_001
    assert fastest(lambda: draw(layers(model)), 5) < 0.3


def test_nothing_is_imported_until_somebody_looks():
    import subprocess

    code = "import sys, minigrad; print([m for m in sys.modules if 'graphviz' in m or 'visualize' in m])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=True)
    assert run.stdout.strip() == "[]"


def test_no_warning_comes_from_drawing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small(compiled=True).plot("ops", x=batch()[0], y=batch()[1]).svg("builtin")
