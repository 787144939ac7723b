"""The page on large tables: its code runs, and its numbers are the recorded ones."""

from __future__ import annotations

import json
from pathlib import Path

import large_tables
import numpy as np

from reading import blocks, printed_by

PAGE = Path(__file__).parents[2] / "docs" / "large-tables.md"


def test_the_code_prints_what_the_page_shows(tmp_path):
    shown = [text for language, text in blocks(PAGE) if not language]
    printed = [text for text in printed_by(PAGE, tmp_path) if text]
    assert printed == shown
    assert np.isfinite(np.load(tmp_path / "words.npy")).all()


def test_the_numbers_are_the_recorded_ones():
    record = json.loads(large_tables.RECORD.read_text(encoding="utf-8"))
    text = PAGE.read_text(encoding="utf-8")
    assert large_tables.page(text, record) == text
    for command in ("steps", "memory", "limit"):
        assert command in record


def test_the_chart_shows_every_measurement():
    found = json.loads(large_tables.RECORD.read_text(encoding="utf-8"))["steps"]
    svg = large_tables.chart(found)
    assert svg.count("<circle") == sum(map(len, found.values()))
    assert svg == large_tables.CHART.read_text(encoding="utf-8")


def test_a_measurement_runs_in_small(tmp_path):
    told = large_tables.in_file(2000, 2, str(tmp_path), None, True, "adam")
    assert told["files"] == 3 * (2000 * 64 * 4 + 128)
    assert told["close"]["RssAnon"] > 0
    assert large_tables.step_time(1000, "numpy") > 0
