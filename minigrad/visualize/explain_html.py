"""An explanation as HTML: tables and the picture, all data in it as escaped text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .explain_checks import verdict
from .explain_svg import heat_map
from .explain_words import (
    MOST,
    PLACES,
    clean,
    components,
    elsewhere_said,
    example,
    folded,
    headline,
    left_out,
    named,
    place_names,
    place_stem,
    places_said,
    sum_of_rest,
    upstream_said,
)
from .page import figure, paragraph, table

if TYPE_CHECKING:
    from .explain import Explanation, Row

CAPTION = (
    "Each line is a row of the table. A cell is dark where much gradient came from, empty where nobody used the row."
)


def as_html(e: Explanation) -> str:
    """The fragment: what the text says, with the heat map."""
    parts = [paragraph(f"{headline(e)} {upstream_said(e)}")]
    if len(e.shown):
        parts.append(figure(heat_map(e), CAPTION))
        parts.append(row_table(e))
    if rest := folded(e):
        parts.append(paragraph(f"{rest}."))
    if row := example(e):
        parts += [paragraph(f"What each place sends to {named(row)}:"), sum_table(row, e)]
    if said := elsewhere_said(e):
        parts.append(paragraph(said))
    if e.checks:
        parts.append(paragraph("Compared, number by number:"))
        parts.append(table([(check.one, "=", check.other, verdict(check)) for check in e.checks]))
        parts += [paragraph(said)] if (said := left_out(e)) else []
    return "\n".join(parts)


def row_table(e: Explanation) -> str:
    """A line for each row that is listed."""
    rows = [e[i] for i in e.shown[:MOST].tolist()]
    values, sums = components([row.values for row in rows]), components([row.total for row in rows])
    labelled = any(row.label for row in rows)
    lines = [
        (
            row.id,
            *([clean(row.label, 30)] if labelled else []),
            row.count,
            vector(value),
            vector(total) if row.count else "",
            unbroken(places_said(e, row)) if row.count else "none",
        )
        for row, value, total in zip(rows, values, sums, strict=True)
    ]
    places = "its places" + ("" if place_stem(e) else " (batch, time)")
    label = ["label"] if labelled else []
    return table(lines, ["id", *label, "used", "its row", "sum of what its places sent", places])


def sum_table(row: Row, e: Explanation) -> str:
    """How the gradient of one row comes about."""
    first = PLACES if row.count > PLACES + 1 else PLACES + 1
    names, sent = place_names(e, row, 0, first), list(row.sent[:first])
    if row.count > first:
        names.append(f"{row.count - first:,} more")
        sent.append(sum_of_rest(row, first))
    written = components([*sent, row.total], digits=4)
    return table([(name, vector(one)) for name, one in zip([*names, "their sum"], written, strict=True)])


def unbroken(places: str) -> str:
    """Places among which a line may break, but not within `(batch, time)`."""
    return re.sub(r"(\(\d+,) ", "\\1\N{NO-BREAK SPACE}", places)


def vector(written: list[str]) -> str:
    """A vector on one line."""
    return "\N{NO-BREAK SPACE}".join(written)
