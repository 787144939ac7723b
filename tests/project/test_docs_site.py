"""The documentation site: what is generated from the source, the tables for newcomers, and the built pages."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import numpy as np
import pytest

import minigrad as mg
from project_tree import ROOT

DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "generate"))

import docstrings  # noqa: E402
import notebook_pages  # noqa: E402
import op_table  # noqa: E402
import reference  # noqa: E402
import source_tour  # noqa: E402

# -- coming from Keras and PyTorch: what stands in the second column exists ------------------------------------------

NEWCOMERS = ["coming-from-keras.md", "coming-from-pytorch.md"]
KNOWN = {
    "mg": mg,
    "minigrad": mg,
    "np": np,
    "model": mg.Model,
    "layer": mg.layers.Embedding,
    "tensor": mg.Tensor,
    "optimizer": mg.optimizers.Optimizer,
    **{
        name: getattr(mg, name)
        for name in "callbacks initializers layers losses metrics models ops optimizers utils".split()
    },
}


def rows(page: str, absent: bool) -> list[list[str]]:
    """The cells of all rows of a page's tables: of those under "Not there yet", or of the others."""
    there, _, missing = (DOCS / page).read_text(encoding="utf-8").partition("## Not there yet")
    lines = re.findall(r"^\| (.+) \|$", missing if absent else there, re.MULTILINE)
    return [line.split(" | ") for line in lines]


def claims(page: str, absent: bool) -> list[str]:
    return [span for cells in rows(page, absent)[1:] for span in re.findall(r"`([^`]+)`", cells[1])]


def names_in(span: str) -> list[tuple[ast.expr, ast.Call | None]]:
    """Each dotted name that begins with a known one, with the call that it is the function of."""
    tree = ast.parse(span, mode="eval")
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    chains = [node for node in ast.walk(tree) if isinstance(node, (ast.Attribute, ast.Name)) and id(node) not in inner]
    return [(node, calls.get(id(node))) for node in chains if ast.unparse(node).partition(".")[0] in KNOWN]


def find(path: str):
    first, *rest = path.split(".")
    found = KNOWN[first]
    for name in rest:
        found = getattr(found, name)
    return found


CLAIMS = [(page, span) for page in NEWCOMERS for span in claims(page, absent=False) if re.match(r"\w+\.", span)]


@pytest.mark.parametrize(("page", "span"), CLAIMS, ids=lambda text: text.removesuffix(".md"))
def test_what_a_newcomer_is_told_exists(page, span):
    found = names_in(span)
    assert found
    for node, call in found:
        thing = find(ast.unparse(node))
        if call and call.keywords and not isinstance(thing, np.ufunc):
            taken = inspect.signature(thing).parameters
            open_ended = any(p.kind is p.VAR_KEYWORD for p in taken.values())
            assert [k.arg for k in call.keywords if k.arg not in taken and not open_ended] == []


@pytest.mark.parametrize("page", NEWCOMERS)
def test_what_is_said_to_be_missing_is_missing(page):
    missing = [span for span in claims(page, absent=True) if span.partition(".")[0] in KNOWN]
    assert missing

    def exists(path: str) -> bool:
        try:
            find(path)
        except AttributeError:
            return False
        return True

    assert [path for path in missing if exists(path)] == []


# -- docstrings ------------------------------------------------------------------------------------------------------


def test_parameters_become_a_list_and_are_set_in_bold():
    text = docstrings.to_markdown("Do it.\n\nx: a number. y: another,\n    of its kind.\nz: a third.", ["x", "y", "z"])
    assert text == "Do it.\n\n- **x**: a number.\n- **y**: another, of its kind.\n- **z**: a third."


def test_what_looks_like_markup_is_text():
    text = docstrings.to_markdown("Not <b>bold</b>, *nor* [a](link) __this__ | that; but `<b>` is code.")
    assert re.search(r"(?<!\\)[<*\[|_]", text.replace("`<b>`", "")) is None
    assert "`<b>`" in text


def test_a_block_of_arguments_and_an_example():
    text = docstrings.to_markdown("A.\n\nArgs:\n    rate: how fast,\n        or slow.\n\n>>> 1\n1\n")
    assert text == "A.\n\n**Args**\n\n- **rate**: how fast, or slow.\n\n```pycon\n>>> 1\n1\n```"


def test_errors_lead_to_their_documentation():
    assert reference.link("ShapeError") == "errors.md#minigrad.errors.ShapeError"
    assert "](errors.md#minigrad.errors.IdError)" in reference.page("minigrad.layers")


# -- the reference -----------------------------------------------------------------------------------------------------


def test_every_public_name_is_in_the_reference():
    missing = []
    for path in reference.MODULES:
        module = sys.modules[path]
        known = {e.name for e in reference.entries()[path]} | {n for e in reference.entries()[path] for n in e.others}
        missing += [f"{path}.{n}" for n, v in reference.public(module) if n not in known and callable(v)]
    assert missing == []
    modules = {f"minigrad.{n}" for n in mg.__all__ if inspect.ismodule(getattr(mg, n))}
    assert modules - set(reference.MODULES) == set()


def test_a_page_of_the_reference_says_how_to_call_and_what_for():
    text = reference.page("minigrad.layers")
    assert "## Dense { #minigrad.layers.Dense" in text
    assert "    units: int,\n    activation=None,\n    use_bias: bool = True," in text
    assert "- **units**: size of the new last axis.\n- **activation**: a name" in text


def test_every_page_of_the_reference_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [p for p in reference.MODULES if f": reference/{reference.page_name(p)}\n" not in navigation] == []


# -- the op table ------------------------------------------------------------------------------------------------------


def test_the_table_shows_the_rules_as_they_are_written():
    lines = {m[1]: m[0] for m in re.finditer(r"^\| `(\w+)`<br>.*$", op_table.page(), re.MULTILINE)}
    assert lines["exp"] == "| `exp`<br>`(x)` | elementwise | `g * out` | `np.exp` |"
    assert "x: `g * y`<br>y: `g * x`" in lines["multiply"]
    assert "`np.sum`" in lines["sum"]
    assert "`np.add.reduce`" in lines["sum"]
    assert "[`exp`](ops.md#minigrad.ops.exp)" in op_table.page(reference.link)


def test_every_rule_of_every_row_has_its_text():
    ours = [row for rows in op_table.families().values() for row in rows if row.kernel.__module__ != __name__]
    assert len(ours) > 150
    for row in ours:
        for rule in op_table.formulas(row):
            if rule is not None:
                text = op_table.formula_text(rule)
                names = rule.__code__.co_varnames[1 : rule.__code__.co_argcount]
                assert not text or all(re.search(rf"\b{name}\b", text) for name in names), (row, text)


def test_numpys_functions_lead_to_ours():
    page = op_table.numpy_page(reference.link)
    assert "| `np.linalg.norm` | [`ops.norm`](ops.md#minigrad.ops.norm) |" in page
    assert "| `np.exp` | [`ops.exp`](ops.md#minigrad.ops.exp) |" in page


# -- the notebooks -----------------------------------------------------------------------------------------------------


def test_an_output_of_a_notebook_is_shown_in_its_best_form_and_text_as_text():
    both = {"output_type": "display_data", "data": {"text/plain": ["t"], "text/html": ["<b>", "h</b>"]}}
    assert notebook_pages.output(both) == "<b>h</b>"
    said = {"output_type": "stream", "name": "stdout", "text": ["<script>", "\x1b[31mred\x1b[0m"]}
    assert notebook_pages.output(said) == "<pre><code>&lt;script&gt;red</code></pre>"


def test_links_of_notebooks_lead_to_pages():
    text = notebook_pages.linked("[a](01_x.ipynb) [b](../docs/programs.md) [c](../minigrad/core/op.py)")
    assert text == "[a](01_x.md) [b](../programs.md) c"


def test_every_notebook_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [page for page in notebook_pages.pages() if f": {page}\n" not in navigation] == []


# -- what pages say of the source --------------------------------------------------------------------------------------


def test_lines_are_counted_and_not_typed():
    spec = (ROOT / "minigrad/core/spec.py").read_text(encoding="utf-8")
    text = source_tour.expanded("<!-- files: core/spec.py --> <!-- lines: listed --> <!-- lines: core/spec.py -->")
    n = spec.count("\n")
    assert text.endswith(f" {n} {n}")
    assert f"| `core/spec.py` | {n} | A spec is what is known of an array before it exists" in text


def test_excerpts_are_the_source():
    assert "vjp=lambda g, out: g * out" in source_tour.expanded("<!-- source: ops/exponential.py exp -->")
    assert "def call(self, inputs" in source_tour.expanded("<!-- source: layers/dense.py Dense.call -->")
    with pytest.raises(LookupError, match=r"Dense\.cull"):
        source_tour.expanded("<!-- source: layers/dense.py Dense.cull -->")
    with pytest.raises(FileNotFoundError):
        source_tour.expanded("<!-- files: core/gone.py -->")


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda p: p.name)
def test_what_a_page_shows_of_the_source_is_there(page):
    source_tour.expanded(page.read_text(encoding="utf-8"))


# -- the built site ----------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """The links of a page, what it loads, and its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.anchors |= {given[k] for k in ("id", "name") if given.get(k)}
        if tag == "a" and given.get("href"):
            self.links.add(given["href"])
        self.loads |= {given[k] for k in ("src", "href") if tag != "a" and given.get(k)}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("material", reason="the extra `docs`")
    folder = tmp_path_factory.mktemp("site")
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    words = ["-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", ROOT / "mkdocs.yml", "--site-dir", folder]
    done = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        env={**os.environ, **nowhere, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return {path: Page(path) for path in folder.rglob("*.html")}


@pytest.mark.slow
def test_the_site_builds_offline_without_a_warning_and_loads_nothing_from_elsewhere(site):
    assert len(site) > 30
    outside = {(path.name, url) for path, page in site.items() for url in page.loads if "://" in url or url[:2] == "//"}
    assert outside == set()


@pytest.mark.slow
def test_every_link_of_the_site_leads_somewhere(site):
    broken = []
    for path, page in site.items():
        if path.name == "404.html":  # its links are meant from the server's top
            continue
        for url in page.links:
            if re.match(r"[a-z]+:", url):
                continue
            there, anchor = urldefrag(unquote(url))
            target = (path.parent / there).resolve() if there else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists() or (anchor and target in site and anchor not in site[target].anchors):
                broken.append(f"{path.name}: {url}")
    assert broken == []


@pytest.mark.slow
def test_no_marker_is_left_over(site):
    for path in site:
        assert "<!-- files" not in path.read_text(encoding="utf-8")
        assert "data-of=" not in path.read_text(encoding="utf-8")
