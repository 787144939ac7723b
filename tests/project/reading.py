"""Pages with code: their blocks, and what the Python in them prints."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path


def blocks(page: Path) -> list[tuple[str, str]]:
    """(language, text) of each fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def printed_by(page: Path, folder: Path) -> list[str]:
    """What each block of Python prints, all run in one namespace and one folder as a reader would."""
    namespace: dict = {}
    outputs = []
    before = os.getcwd()
    os.chdir(folder)
    try:
        for language, code in blocks(page):
            if language == "python":
                with contextlib.redirect_stdout(io.StringIO()) as output:
                    exec(compile(code, page.name, "exec"), namespace)
                outputs.append(output.getvalue())
    finally:
        os.chdir(before)
    return outputs
