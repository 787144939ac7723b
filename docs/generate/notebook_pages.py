"""The notebooks as pages, with the outputs that they were saved with."""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
# What a page shows of an output that comes in several forms, the best first.
FORMS = ("text/html", "image/svg+xml", "image/png", "text/plain")
PLACE = '<div class="output" data-of="{}"></div>'
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def pages() -> dict[str, str]:
    """Markdown by the page's place in docs. Outputs are places that `filled` puts the HTML into."""
    return {f"notebooks/{path.stem}.md": markdown(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}


def markdown(path: Path) -> str:
    parts = []
    for c, cell in enumerate(cells(path)):
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(linked(text))
        elif cell["cell_type"] == "code":
            parts.append(f"```python\n{text}\n```")
            parts += [PLACE.format(f"{c}-{o}") for o in range(len(cell["outputs"]))]
    parts.insert(1, f"*This is `notebooks/{path.name}`: `sh ./run notebook` opens it, to be run and changed.*")
    return "\n\n".join(parts) + "\n"


def linked(text: str) -> str:
    """Links to other notebooks and to the guides lead to their pages; other files are not part of the site."""
    text = re.sub(r"\]\((\w+)\.ipynb\)", r"](\1.md)", text)
    text = re.sub(r"\]\(\.\./docs/", "](../", text)
    return re.sub(r"\[([^\]]+)\]\(\.\./(?![\w-]+\.(?:md|svg|json))[^)]+\)", r"\1", text)


def filled(html: str, stem: str) -> str:
    """The page with each output in its place."""
    found = cells(NOTEBOOKS / f"{stem}.ipynb")

    def one(place: re.Match[str]) -> str:
        c, o = int(place[1]), int(place[2])
        return f'<div class="output">{output(found[c]["outputs"][o])}</div>'

    return re.sub(PLACE.format(r"(\d+)-(\d+)"), one, html)


def output(saved: dict[str, Any]) -> str:
    """One output as HTML."""
    if saved["output_type"] == "stream":
        return pre("".join(saved["text"]))
    if saved["output_type"] == "error":
        return pre("\n".join(saved["traceback"]))
    form = next(form for form in FORMS if form in saved["data"])
    data = "".join(saved["data"][form])
    if form == "image/png":
        return f'<img alt="" src="data:image/png;base64,{escape(data)}">'
    return pre(data) if form == "text/plain" else data


def pre(text: str) -> str:
    return f"<pre><code>{escape(COLOURS.sub('', text))}</code></pre>"


def cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]
