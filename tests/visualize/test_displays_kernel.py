"""Displays, progress and the cell magic in a real kernel, and on a page in a real browser if there is one."""

import pytest

from minigrad.visualize.shown import LARGEST

nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
nbformat = pytest.importorskip("nbformat")

# What the kernel's libraries warn of is not ours.
pytestmark = pytest.mark.filterwarnings("ignore")

MODEL = """
import numpy as np, minigrad as mg
mg.utils.set_random_seed(0)
x = mg.Input((4,))
model = mg.Model(x, mg.layers.Dense(1, name="last")(mg.layers.Dense(8, activation="tanh", name="<b>first</b>"[3:8])(x)))
model.compile("adam", "mse", metrics=["mae"])
data, targets = np.ones((64, 4), np.float32), np.ones((64, 1), np.float32)
"""
CELLS = {
    "set-up": MODEL + "mg.config.set_jit_compile(False)",
    "tensor": "mg.Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])",
    "model": "model",
    "fit": "history = model.fit(data, targets, epochs=5, validation_split=0.5)",
    "history": "history",
    "extension": "%load_ext minigrad",
    "profile": "%%minigrad profile\nmodel.fit(data, targets, verbose=0)\n1 + 1",
    "draw": "%%minigrad draw\nt = mg.Tensor([1.0, 2.0], requires_grad=True)\nnp.tanh(t * 2).sum()",
    "draw model": "%%minigrad draw\nmodel",
    "record": "%%minigrad record\nmg.grad((t * t).sum(), t)",
    "names": "t.shape, history.epoch",
    "misspelt": "%%minigrad profil\n1",
    "fault": "%%minigrad profile\nz = 1\nundefined_name",
    "after": "z",
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """By the name of a cell, what it left in the notebook."""
    cells = [nbformat.v4.new_code_cell(text, metadata={"tags": ["raises-exception"]}) for text in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    folder = str(tmp_path_factory.mktemp("notebook"))
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}
    )
    client.execute()
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def errors(outputs):
    return [f"{output.ename}: {output.evalue}" for output in outputs if output.output_type == "error"]


def only(outputs):
    (output,) = outputs
    assert output.output_type in {"display_data", "execute_result"}, output
    assert sum(len(part) for part in output.data.values()) < LARGEST
    return output.data


def test_what_should_run_runs(outputs):
    failed = {name: errors(found) for name, found in outputs.items() if errors(found)}
    assert set(failed) == {"misspelt", "fault"}, failed


@pytest.mark.parametrize("name", ["tensor", "model", "history"])
def test_objects_show_themselves(outputs, name):
    data = only(outputs[name])
    assert {"text/plain", "text/html"} <= set(data)
    assert "<svg" in data["text/html"]


def test_progress_is_one_output_with_its_curves(outputs):
    data = only(outputs["fit"])
    assert data["text/plain"].startswith("Epoch 1/5\n")
    assert "val_mae" in data["text/plain"].splitlines()[-1]
    assert data["text/html"].count("<svg") == 2
    assert data["text/html"].count('class="curve"') == 4


def test_a_cell_is_profiled(outputs):
    times, value = outputs["profile"]
    assert value.data["text/plain"] == "2"
    assert times.data["text/plain"].startswith("the train step of model, 32 rows: 2 runs, ")
    assert "np.matmul" in times.data["text/html"]


@pytest.mark.parametrize("name", ["draw", "draw model"])
def test_the_graph_of_the_last_line_is_drawn(outputs, name):
    data = only(outputs[name])
    assert "<svg" in data["text/html"]
    assert ("tanh" if name == "draw" else "last") in data["text/html"]


def test_a_cell_is_recorded(outputs):
    tape, value = outputs["record"]
    assert "multiply" in tape.data["text/html"]
    assert "array([2., 4.]" in value.data["text/plain"]


def test_the_cells_names_are_the_notebooks(outputs):
    assert only(outputs["names"])["text/plain"] == "((2,), [0, 1, 2, 3, 4])"
    assert only(outputs["after"])["text/plain"] == "1"


def test_what_is_wrong_is_said(outputs):
    assert "did you mean 'profile'" in errors(outputs["misspelt"])[0].lower()
    (fault,) = errors(outputs["fault"])
    assert fault.startswith("NameError: name 'undefined_name'")
    assert any("----> 2" in line or "undefined_name" in line for line in outputs["fault"][-1].traceback)
