"""A drawing as Graphviz DOT: names are quoted text, and nothing else of them gets in; node ids are numbers."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from .drawing import KINDS, Box, Drawing
from .svg import EDGE, FAINT_INK, INK, LONGEST_TEXT, RULE, printable, shorten

FONT = "Helvetica"


def quoted(*lines: str) -> str:
    """Lines of text as one DOT string, each cut to 256 characters: no escape of DOT's, no HTML, no end of the string.

    >>> print(quoted('a "b" <i>', "back\\\\slash"))
    "a \\"b\\" <i>\\nback\\\\slash"
    """
    cleaned = (printable(shorten(line, LONGEST_TEXT)) for line in lines)
    return '"' + "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in cleaned) + '"'


def graph_attributes(drawing: Drawing) -> dict[str, str]:
    """The attributes of the whole graph, but for the title, which is data."""
    return {"rankdir": drawing.rankdir, "fontname": FONT, "nodesep": "0.3", "ranksep": "0.45"}


NODE = {"shape": "box", "style": "rounded,filled", "fontname": FONT, "fontsize": "11", "margin": "0.14,0.07"}
LINK = {"color": EDGE, "fontname": FONT, "fontsize": "9", "fontcolor": FAINT_INK, "arrowsize": "0.7"}


def body(drawing: Drawing) -> Iterator[str]:
    """The statements of a drawing, for between the braces of a digraph."""
    if drawing.title:
        yield f"\tlabel={quoted(drawing.title)} labelloc=t\n"
    ids = {box.key: f"n{i}" for i, box in enumerate(drawing.boxes)}
    clusters = {group.key: f"cluster_{i}" for i, group in enumerate(drawing.groups)}
    inside = drawing.members()

    def statements(group: Hashable, indent: str) -> Iterator[str]:
        for item in inside[group]:
            if isinstance(item, Box):
                dark, light, _ = KINDS[item.kind]
                dashed = ' style="rounded,filled,dashed"' if item.dashed else ""
                label = quoted(item.title, *item.lines)
                yield f'{indent}{ids[item.key]} [label={label} color="{dark}" fillcolor="{light}"{dashed}]\n'
            else:
                yield f"{indent}subgraph {clusters[item.key]} {{\n"
                yield f'{indent}\tlabel={quoted(item.title)} labeljust=l style=rounded color="{RULE}" '
                yield f'fontname={FONT} fontsize=11 fontcolor="{INK}"\n'
                yield from statements(item.key, indent + "\t")
                yield f"{indent}}}\n"

    yield from statements(None, "\t")
    for link, label in zip(drawing.links, drawing.shown_labels(), strict=True):
        words = [f"label={quoted(label)}"] * bool(label) + ["style=dashed"] * link.dashed
        attributes = f" [{' '.join(words)}]" if words else ""
        yield f"\t{ids[link.source]} -> {ids[link.target]}{attributes}\n"
