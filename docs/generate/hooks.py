"""What MkDocs calls while it builds the site: it adds the pages that are made from the source."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import notebook_pages
import op_table
import reference
import source_tour
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]


def pages() -> dict[str, str]:
    """The generated pages, by their place in docs."""
    made = {f"reference/{reference.page_name(path)}": reference.page(path) for path in reference.MODULES}
    made["reference/index.md"] = reference.overview()
    made["reference/op-table.md"] = op_table.page(reference.link)
    made["reference/numpy.md"] = op_table.numpy_page(reference.link)
    made |= notebook_pages.pages()
    for name in ("CONTRIBUTING", "CHANGELOG"):
        made[f"{name.lower()}.md"] = (ROOT / f"{name}.md").read_text(encoding="utf-8")
    return made


def on_files(files: Files, config: Any) -> Files:
    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Markers become what they stand for; links to files outside docs, which the site does not have, become text."""
    if "/" in page.file.src_uri:  # made from the source
        return markdown
    return re.sub(r"\[([^\]]+)\]\(\.\./[^)]+\)", r"\1", source_tour.expanded(markdown))


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """A notebook's outputs come in where Markdown is done, so that none of it is taken for Markdown."""
    folder, _, name = page.file.src_uri.rpartition("/")
    return notebook_pages.filled(html, name.removesuffix(".md")) if folder == "notebooks" else html
