"""The pages in docs: their code runs and prints what they say, and what they name exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import median

import pytest

from reading import blocks, printed_by

DOCS = Path(__file__).parents[2] / "docs"


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


@pytest.mark.parametrize("name", ["preprocessing.md", "word-vectors.md"])
def test_each_print_of_a_page_says_what_its_comment_says(name, tmp_path):
    page = DOCS / name
    code = "".join(text for language, text in blocks(page) if language == "python")
    promised = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert len(promised) == code.count("print(")
    assert "".join(printed_by(page, tmp_path)).splitlines() == promised


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


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
