"""The pages in docs: their code runs and prints what they say, and what they name exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import median

import pytest

from reading import blocks, printed_by

DOCS = Path(__file__).parents[2] / "docs"

# Pages whose prints say what they print: each in a comment, or the block behind them.
COMMENTED = [
    "coming-from-keras.md",
    "coming-from-pytorch.md",
    "inside.md",
    "preprocessing.md",
    "quick-start.md",
    "seeing.md",
    "word-vectors.md",
]
# Pages that are run elsewhere, and where.
RUN_BY = {
    "index.md": "test_docs.py",
    "programs.md": "test_docs.py",
    "embedding.md": "test_guide_embedding.py",
    "large-tables.md": "test_large_tables_page.py",
    "sentiment.md": "test_sentiment_page.py",
}
# Pages that are not run, and why.
NOT_RUN = {"benchmarks.md": "it has no code: a script writes it"}


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda p: p.name)
def test_every_page_is_run_or_says_why_not(page):
    if page.name in NOT_RUN:
        assert "python" not in [language for language, _ in blocks(page)]
    elif page.name not in COMMENTED:
        assert page.name in (Path(__file__).with_name(RUN_BY[page.name])).read_text(encoding="utf-8")


def test_no_page_is_listed_that_is_gone():
    assert {*COMMENTED, *RUN_BY, *NOT_RUN} == {page.name for page in DOCS.glob("*.md")}


def test_the_first_page_shows_the_summary_that_is_printed(tmp_path):
    shown = [text for language, text in blocks(DOCS / "index.md") if not language]
    assert printed_by(DOCS / "index.md", tmp_path) == shown


def test_the_page_on_programs_shows_the_program_that_is_printed(tmp_path, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setenv("MINIGRAD_CACHE_DIR", str(tmp_path / "cache"))
    page = DOCS / "programs.md"
    said = printed_by(page, tmp_path)
    shown = [text for language, text in blocks(page) if not language]
    assert said[0].rstrip() == shown[0].rstrip()
    assert (tmp_path / "step.py").exists()


def test_the_page_on_programs_names_every_file_of_its_room():
    page = (DOCS / "programs.md").read_text(encoding="utf-8")
    room = DOCS.parent / "minigrad" / "program"
    assert {p.name for p in room.glob("*.py")} - set(re.findall(r"\w+\.py", page)) == {"__init__.py"}


@pytest.mark.parametrize("name", COMMENTED)
def test_each_print_of_a_page_says_what_its_comment_says(name, tmp_path):
    """Or else the block behind it shows all that is printed."""
    page = DOCS / name
    found = blocks(page)
    promised = []
    for (language, code), (following, shown) in zip(found, [*found[1:], ("none", "")]):
        if language == "python":
            comments = re.findall(r"^ *print\(.*\)  # (.*)$", code, re.MULTILINE)
            if len(comments) < code.count("print("):
                assert (comments, following) == ([], "")
                comments = shown.splitlines()
            promised += comments
    assert promised or "print(" not in "".join(code for _, code in found)
    assert "".join(printed_by(page, tmp_path)).splitlines() == promised


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page):
    """To files, or to pages that the site makes from the source (of which its own tests see the anchors, too)."""
    made = set(re.findall(r"\S+\.md$", (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    strays = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert [link for link in strays if link not in made] == []


def test_the_readmes_times_are_the_recorded_ones():
    from suite.report import number
    from suite.workloads import WORKLOADS

    steps = json.loads((DOCS / "benchmarks.json").read_text(encoding="utf-8"))["steps"]
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    titles = {WORKLOADS[name].title: row["frameworks"] for name, row in steps.items()}
    rows = [row for row in re.findall(r"^\| (.*) \|$", readme, re.MULTILINE) if row.split(" | ")[0] in titles]
    assert len(rows) > 4
    for title, *times in (row.split(" | ") for row in rows):
        names = ("minigrad", "minigrad-numpy", "torch", "jax", "keras-jax")
        assert times == [number(median(titles[title][name]["microseconds"])) for name in names]
