"""An explanation as text: what `print` shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .explain_checks import verdict
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

if TYPE_CHECKING:
    from .explain import Explanation, Row


def as_text(e: Explanation) -> str:
    """The whole text."""
    parts = [f"{headline(e)}\n{upstream_said(e)}", row_lines(e)]
    if row := example(e):
        parts.append(sum_lines(e, row))
    if said := elsewhere_said(e):
        parts.append(said)
    if e.checks:
        left = max(len(check.one) for check in e.checks)
        right = max(len(check.other) for check in e.checks)
        parts.append(
            "Compared, number by number (to multiply one-hot ids by the table is what a Dense layer without bias does):"
            + "".join(f"\n  {check.one:<{left}}  =  {check.other:<{right}}  {verdict(check)}" for check in e.checks)
        )
        parts.append(left_out(e))
    return "\n\n".join(part for part in parts if part)


def row_lines(e: Explanation) -> str:
    """A line for each row that is listed."""
    rows = [e[i] for i in e.shown[:MOST].tolist()]
    if not rows:
        return ""
    labelled = any(row.label for row in rows)
    columns: list[tuple[str, list[str], bool]] = [("id", [str(row.id) for row in rows], True)]
    if labelled:
        columns.append(("label", [clean(row.label, 20) for row in rows], False))
    columns.append(("used", [f"{row.count:,}" for row in rows], True))
    columns.append(("its row", aligned(components([row.values for row in rows])), False))
    sums = aligned(components([row.total if row.count else row.total[:0] for row in rows]))
    columns.append(("sum of what its places sent", sums, False))
    columns.append(
        (
            "its places" + ("" if place_stem(e) else " (batch, time)"),
            [places_said(e, row) if row.count else "none" for row in rows],
            False,
        )
    )
    lines = grid(columns)
    if rest := folded(e):
        lines.append(f"... {rest}")
    return "\n".join(lines)


def sum_lines(e: Explanation, row: Row) -> str:
    """How the gradient of one row comes about, place by place."""
    first = PLACES if row.count > PLACES + 1 else PLACES + 1
    names = place_names(e, row, 0, first)
    sent = list(row.sent[:first])
    if row.count > first:
        names.append(f"{row.count - first:,} more")
        sent.append(sum_of_rest(row, first))
    names.append("their sum")
    lines = aligned(components([*sent, row.total], digits=4))
    wide = max(map(len, names))
    shown = [f"  {name:<{wide}}  {line}" for name, line in zip(names, lines, strict=True)]
    rule = "  " + "-" * (max(map(len, shown)) - 2)
    return "\n".join([f"What each place sends to {named(row)}:", *shown[:-1], rule, shown[-1]])


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Vectors of numbers, each component in a column of its own."""
    count = max((len(row) for row in rows), default=0)
    widths = [max((len(row[k]) for row in rows if k < len(row)), default=0) for k in range(count)]
    return [" ".join(f"{value:>{widths[k]}}" for k, value in enumerate(row)) for row in rows]


def grid(columns: Sequence[tuple[str, list[str], bool]]) -> list[str]:
    """Columns (head, cells, whether to the right) side by side."""
    lines = [""] * (1 + len(columns[0][1]))
    for head, cells, right in columns:
        wide = max(map(len, [head, *cells]))
        for k, cell in enumerate([head, *cells]):
            lines[k] += "  " + (f"{cell:>{wide}}" if right else f"{cell:<{wide}}")
    return [line.rstrip() for line in lines]
