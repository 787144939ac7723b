"""README's code runs, in order, and prints what README says it prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reading import blocks, printed_by

README = Path(__file__).parents[2] / "README.md"
BLOCKS = blocks(README)


@pytest.fixture(scope="module")
def printed(tmp_path_factory) -> list[str]:
    """What each block of Python prints."""
    return printed_by(README, tmp_path_factory.mktemp("reader"))


def test_the_founding_example_prints_its_summary_letter_by_letter(printed):
    position = next(i for i, (language, _) in enumerate(BLOCKS) if language == "python")
    assert printed[0] == BLOCKS[position + 1][1]


def test_the_program_shown_is_the_program_printed(printed):
    position = next(i for i, (language, code) in enumerate(BLOCKS) if language == "python" and ".program(" in code)
    said = printed[sum(language == "python" for language, _ in BLOCKS[:position])]
    assert said == BLOCKS[position + 1][1]


def test_each_print_says_what_its_comment_says(printed):
    promised = [
        comment
        for language, code in BLOCKS
        if language == "python"
        for comment in re.findall(r"^print\(.*?\)\s+# (.*)$", code, re.MULTILINE)
    ]
    said = "".join(printed)
    assert promised
    assert [comment for comment in promised if comment not in said] == []


def test_the_blocks_with_rows_of_the_table_are_the_rows_of_the_table():
    import minigrad.ops.arithmetic
    import minigrad.ops.exponential

    source = "".join(
        Path(module.__file__).read_text() for module in (minigrad.ops.arithmetic, minigrad.ops.exponential)
    )
    rows = [line for _, code in BLOCKS for line in code.splitlines() if "elementwise(np." in line]
    assert len(rows) == 2
    squeezed = re.sub(r"\s+", "", source)
    assert [row for row in rows if re.sub(r"\s+", "", row) not in squeezed] == []
