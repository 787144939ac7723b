"""Figures with matplotlib, each with its picture that needs nothing."""

import builtins
import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import minigrad as mg
from minigrad.layers import Dense, Embedding, GlobalAveragePooling1D
from minigrad.visualize.figures import Confusion, Curves, GradientFlow
from minigrad.visualize.projection import project

HOSTILE = ["_hidden", "$\\frac{$", "<script>alert(1)</script>", "a\nb\x1b[31m"]


def model():
    mg.utils.set_random_seed(0)
    x = mg.Input((5,))
    y = GlobalAveragePooling1D()(Embedding(10, 3, name="words")(x))
    out = mg.Model(x, Dense(1, name="last")(Dense(4, activation="tanh", name="first")(y)), name="m")
    out.compile("sgd", "mse")
    return out


def flow(one=None):
    return GradientFlow(one or model(), np.arange(10).reshape(2, 5) % 4, np.ones((2, 1)))


def figures():
    return {
        "curves": Curves({key: [3.0, np.nan, 1.0] for key in HOSTILE}),
        "confusion": Confusion([0, 1, 2, 3, 3], [0, 1, 2, 3, 1], labels=HOSTILE),
        "flow": flow(),
        "plane": project(np.random.default_rng(0).normal(size=(4, 3)), labels=HOSTILE),
    }


@pytest.mark.parametrize("name", list(figures()))
def test_each_has_its_svg_and_needs_nothing_for_it(name, monkeypatch, tmp_path):
    real = builtins.__import__

    def without(module, *args, **kwargs):
        if module.partition(".")[0] == "matplotlib":
            raise ImportError(module)
        return real(module, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    one = figures()[name]
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(one.svg()).iter()}
    assert tags <= {"svg", "g", "rect", "path", "line", "circle", "text", "title"}
    one.save(tmp_path / "figure.svg")
    assert "<script" not in one.html()
    assert "\x1b" not in one.html() + str(one)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        one.plot()


@pytest.mark.parametrize("name", list(figures()))
def test_each_is_drawn_with_matplotlib_and_names_are_text(name):
    pytest.importorskip("matplotlib")
    ax = figures()[name].plot()
    file = io.BytesIO()
    ax.figure.savefig(file, format="png")
    assert file.getvalue().startswith(b"\x89PNG")
    texts = [t.get_text() for t in ax.figure.findobj(lambda x: hasattr(x, "get_parse_math"))]
    if name != "flow":
        assert {"_hidden", "$\\frac{$", "<script>alert(1)</script>"} <= set(texts)
    else:
        assert {"words/embeddings", "first/kernel", "last/bias"} <= set(texts)


def test_axes_of_ones_own_are_drawn_into():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    assert Curves(mg.callbacks.History()).plot(ax) is ax
    assert Curves({"loss": [2.0, 1.0]}).plot(ax) is ax
    assert ax.lines[0].get_ydata().tolist() == [2.0, 1.0]


def test_confusion_counts():
    one = Confusion([0, 0, 1, 2], [[0.9, 0.1, 0.0], [0.1, 0.8, 0.1], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert one.matrix.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert one.shares[0].tolist() == [0.5, 0.5, 0.0]
    assert str(one) == "3 of 4 right (75.0%); most often wrong: 0 taken for 1, 1"
    assert Confusion([[1], [0]], [1, 0]).matrix.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([0, 1], [0]), "y_true has 2 rows, y_pred 1"),
        (([0, 1.5], [0, 1]), "y_true of shape"),
        (([0, -1], [0, 1]), "y_true of shape"),
        (([0, 1], [0, np.nan]), "y_pred of shape"),
        (([0, 5], [0, 1], ["a", "b"]), "2 labels for 6 classes"),
        (([0, 99], [0, 1]), "100 classes; a picture has room for 30"),
    ],
)
def test_what_is_no_confusion_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        Confusion(*arguments)


def test_gradient_flow_is_that_of_a_training_step_and_changes_nothing():
    one = model()
    before = one.get_weights()
    found = flow(one)
    assert all(np.array_equal(a, b) for a, b in zip(before, one.get_weights(), strict=True))
    x, y = np.arange(10).reshape(2, 5) % 4, np.ones((2, 1))
    loss = one.compute_loss(x, y, one(x, training=True))
    for g, name, mean, most in zip(mg.grad(loss, one.weights), found.names, found.means, found.largest, strict=True):
        dense = np.abs(np.asarray(g))
        assert mean == pytest.approx(dense.mean(), rel=1e-5), name
        assert most == pytest.approx(dense.max(), rel=1e-6), name
