"""A drawing as Mermaid text, which GitHub and JupyterLab draw; names are quoted, all but plain letters are codes."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator

from .drawing import KINDS, Box, Drawing
from .svg import LONGEST_TEXT, printable, shorten

_UNSAFE = re.compile(r"[^\w .,:()+*/=|×·…→←-]")


def coded(*lines: str) -> str:
    """Lines of text as one Mermaid string; whatever could be markup, a link or Markdown becomes a character code.

    >>> coded("a <b>", "(None, 3)")
    '"a #60;b#62;<br/>(None, 3)"'
    """
    cleaned = (printable(shorten(line, LONGEST_TEXT)) for line in lines)
    return '"' + "<br/>".join(_UNSAFE.sub(lambda c: f"#{ord(c[0])};", line) for line in cleaned) + '"'


def mermaid(drawing: Drawing) -> str:
    """The text of a flowchart.

    >>> from .drawing import Link
    >>> print(mermaid(Drawing("", [Box("x", "x", kind="input"), Box("y", "y")], [Link("x", "y", "(3,)")])))
    flowchart TB
      n0["x"]:::input
      n1["y"]:::plain
      n0 -->|"(3,)"| n1
      classDef input fill:#dafbe1,stroke:#1a7f37,color:#1f2328
      classDef plain fill:#eff2f5,stroke:#59636e,color:#1f2328
    <BLANKLINE>
    """
    return "\n".join(_lines(drawing)) + "\n"


def _lines(drawing: Drawing) -> Iterator[str]:
    ids = {box.key: f"n{i}" for i, box in enumerate(drawing.boxes)}
    groups = {group.key: f"g{i}" for i, group in enumerate(drawing.groups)}
    inside = drawing.members()

    def statements(group: Hashable, indent: str) -> Iterator[str]:
        for item in inside[group]:
            if isinstance(item, Box):
                yield f"{indent}{ids[item.key]}[{coded(item.title, *item.lines)}]:::{item.kind}"
            else:
                yield f"{indent}subgraph {groups[item.key]}[{coded(item.title)}]"
                yield from statements(item.key, indent + "  ")
                yield f"{indent}end"

    yield f"flowchart {drawing.rankdir}"
    yield from statements(None, "  ")
    for link, label in zip(drawing.links, drawing.shown_labels(), strict=True):
        arrow = "-.->" if link.dashed else "-->"
        said = f"|{coded(label)}|" if label else ""
        yield f"  {ids[link.source]} {arrow}{said} {ids[link.target]}"
    for kind in drawing.kinds():
        dark, light, _ = KINDS[kind]
        yield f"  classDef {kind} fill:{light},stroke:{dark},color:#1f2328"
    kept = [ids[box.key] for box in drawing.boxes if box.dashed]
    if kept:
        yield "  classDef kept stroke-dasharray:5 4"
        yield f"  class {','.join(kept)} kept"
