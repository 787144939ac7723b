"""A tape as a page that stands alone: layers, steps and program side by side, walked with the arrow keys.

The page is data in a script tag that no browser runs, a picture, and view.js and view.css as they are. All that the
data say gets into the page as text; a policy in its head keeps it off the network.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .record_tape import Event, Operand, Outgoing, Tape, Value
from .shown import Shown
from .svg import escape
from .view_layers import Group, common_head, draw_groups, draw_ops, groups_of

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
NUMBERS = ((400, 64), (4_000, 16), (math.inf, 4))  # events up to which so many numbers of each value go into the page
NAME, CODE = 256, 400  # characters of a name and of a rule


class View(Shown):
    """A tape to walk: `save("step.html")`, or the last line of a notebook's cell.

    tape: what was recorded. title: the heading. program: the text of the model's program, whose lines go with layers.
    outside: what to call the ops that no layer did.
    """

    def __init__(self, tape: Tape, title: str | None = None, program: str = "", outside: str = "your code") -> None:
        self.tape, self.title, self.program = tape, title or tape.title, program
        self.groups, self._own, self._edges = groups_of(tape, outside)

    def __str__(self) -> str:
        return str(self.tape)

    def __repr__(self) -> str:
        return f"<View of {len(self.tape)} events in {len(self.groups)} layers>"

    def data(self) -> dict[str, Any]:
        """All that the page shows, as JSON can hold it."""
        most = next(numbers for events, numbers in NUMBERS if len(self.tape) <= events)
        return {
            "layers": [{"title": cut(g.title), "path": cut(g.path), "shape": g.shape} for g in self.groups],
            "events": [event_data(e, own, most) for e, own in zip(self.tape, self._own, strict=True)],
            "head": common_head([group.path for group in self.groups]),
            "program": program_lines(self.program, self.groups),
            "lost": self.tape.lost,
        }

    def page(self) -> str:
        """The page."""
        here = Path(__file__)
        return PAGE.format(
            policy=escape(POLICY),
            title=escape(self.title),
            style=here.with_name("view.css").read_text(encoding="utf-8"),
            script=here.with_name("view.js").read_text(encoding="utf-8"),
            picture=draw_groups(self.groups, self._edges),
            ops="".join(f'<div class="ops" hidden>{draw_ops(self.tape, group)}</div>' for group in self.groups),
            data=in_script(self.data()),
        )

    def html(self) -> str:
        """The page in a frame of its own, for a notebook."""
        page = self.page().replace("&", "&amp;").replace("'", "&#39;")  # it has thousands of double quotes
        return (
            f'<iframe title="{escape(self.title)}" sandbox="allow-scripts" '
            'style="width: 100%; height: 44rem; border: 1px solid #8886; border-radius: 8px" '
            f"srcdoc='{page}'></iframe>"
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page ('.html') or the text ('.txt') to a file, atomically."""
        save(path, self.page, self.__str__)


def save(path: str | os.PathLike[str], page: Callable[[], str], text: Callable[[], str]) -> None:
    """Write one of the two, as the name's end says."""
    from ..saving.atomic import atomic_write

    name = os.fspath(path)
    made = {".html": page, ".txt": text}.get(os.path.splitext(name)[1].lower())
    if made is None:
        raise ValueError(f"save: {name!r} ends in none of .html, .txt")
    content = made().rstrip("\n") + "\n"
    with atomic_write(name) as file:
        file.write(content.encode())


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<input id="search" type="search" placeholder="Search: op, layer, weight, code ( / )" aria-label="Search the steps">
<nav aria-label="Walk the tape">
<button id="first" title="First step (Home)" aria-label="First step">&#x21E4;</button>
<button id="back" title="One step back (left arrow)" aria-label="One step back">&#x25C0;&#xFE0E;</button>
<output id="place"></output>
<button id="on" title="One step on (right arrow)" aria-label="One step on">&#x25B6;&#xFE0E;</button>
<button id="last" title="Last step (End)" aria-label="Last step">&#x21E5;</button>
</nav>
<button id="theme" title="Light or dark" aria-label="Light or dark">&#x25D0;</button>
</header>
<main>
<section id="layers" aria-label="Layers"><h2>Layers</h2><div id="picture">{picture}</div>
<div id="ops"><h2></h2>{ops}</div></section>
<section id="steps" aria-label="Steps"><h2>Steps</h2><div id="list"></div></section>
<section id="detail" aria-label="The step" aria-live="polite"></section>
<section id="program" aria-label="Program"><h2>Program</h2><div id="lines"></div></section>
</main>
<div id="tip" role="tooltip" hidden></div>
<script type="application/json" id="tape">{data}</script>
<script>
{script}</script>
</body>
</html>
"""


def in_script(data: Any) -> str:
    """JSON that can stand in a script tag, whatever texts are in it.

    >>> in_script("</script><!-- & \\u2028")
    '"\\\\u003c/script\\\\u003e\\\\u003c!-- \\\\u0026 \\\\u2028"'
    """
    written = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def event_data(event: Event, layer: int, most: int) -> dict[str, Any]:
    """An event; what its partner on the way back knows is told there alone."""
    told: dict[str, Any] = {"phase": event.phase, "op": cut(event.op), "kind": event.kind, "layer": layer}
    if event.partner is not None:
        told["partner"] = event.partner
    if event.phase == "backward":
        if event.incoming is not None:
            told["incoming"] = value_data(event.incoming, most)
        told["outgoing"] = [outgoing_data(out, most) for out in event.outgoing]
        return told
    told |= {"line": cut(event.line), "code": cut(event.code), "attrs": {k: cut(v) for k, v in event.attrs.items()}}
    if event.phase == "update":
        told["weight"] = cut(event.layer)
    told["operands"] = [named(o) | {"value": value_data(o.value, most)} for o in event.operands]
    if event.value is not None:
        told["value"] = value_data(event.value, most)
    return told


def outgoing_data(out: Outgoing, most: int) -> dict[str, Any]:
    """What went to one operand."""
    local = {} if out.local is None else {"local": value_data(out.local, most)}
    return named(out) | {"rule": out.rule[:CODE], "gradient": value_data(out.gradient, most)} | local


def named(x: Operand | Outgoing) -> dict[str, Any]:
    """What an operand is called, and where it is from."""
    made = {} if x.made is None else {"made": x.made}
    return {"name": cut(x.name), "label": cut(x.label)} | made


def value_data(value: Value, most: int) -> dict[str, Any]:
    """A value: figures and first numbers in five digits. A number that is not finite goes as text."""
    told: dict[str, Any] = {
        "shape": list(value.shape),
        "dtype": value.dtype,
        "norm": digits(value.norm),
        "low": digits(value.low),
        "high": digits(value.high),
        "mean": digits(value.mean),
        "first": [digits(v) for v in value.first[:most].tolist()],
    }
    if value.bad:
        told["bad"] = value.bad
    if value.rows is not None:
        told["rows"] = value.rows
    return told


def digits(number: Any) -> Any:
    """A number as JSON has it; text if JSON has none such."""
    if isinstance(number, float):
        return float(f"{number:.5g}") if math.isfinite(number) else str(number)
    return number if isinstance(number, (bool, int)) else str(number)


def program_lines(source: str, groups: list[Group]) -> list[dict[str, Any]]:
    """The lines of a program, and the layer of each, which the comment at its end names. Without a name a line is part
    of the loss, or of the update.
    """
    from ..program.source import comment

    by_name = {comment(inner or outer): i for i, (outer, inner) in enumerate(heads(groups))}
    found: list[dict[str, Any]] = []
    for line in source.splitlines():
        if line == "    # update":
            by_name.pop("", None)
        _, note, said = line.rpartition("  # ")
        layer = by_name.get(said.rpartition("(")[0].rstrip()) if note and "(" in said else None
        found.append({"text": line} | ({} if layer is None else {"layer": layer}))
    return found


def heads(groups: list[Group]) -> list[tuple[str, str]]:
    """(the outermost layer, the path within it) of each."""
    return [(outer, inner) for outer, _, inner in (group.path.partition("/") for group in groups)]


def cut(text: str) -> str:
    """A name, no longer than a page can bear."""
    return text if len(text) <= NAME else text[: NAME - 1] + "…"
