"""The page docs/sentiment.md: its code prints what its comments say, and each of its goals was reached."""

from __future__ import annotations

import re
from pathlib import Path

from sentiment import BEGIN, END, GOALS, SECONDS

from reading import blocks, printed_by

PAGE = Path(__file__).parents[2] / "docs" / "sentiment.md"


def test_each_print_says_what_its_comment_says(tmp_path):
    code = "".join(text for language, text in blocks(PAGE) if language == "python")
    promised = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert len(promised) == code.count("print(") > 3
    assert "".join(printed_by(PAGE, tmp_path)).splitlines() == promised


def test_each_kind_reached_its_goal():
    measured = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    rows = re.findall(r"^\| (\w+) \| ([\d.]+) \| ([\d.]+) \| (\d+) \|", measured, re.MULTILINE)
    assert {kind: float(goal) for kind, _, goal, _ in rows} == GOALS
    assert all(float(accuracy) >= float(goal) for _, accuracy, goal, _ in rows)
    assert all(int(seconds) <= SECONDS for *_, seconds in rows)
