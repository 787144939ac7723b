"""What was measured, as text for the terminal, as the page docs/benchmarks.md and as its chart; from numbers alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from string import Template
from typing import Any

from .chart import ratio_chart
from .frameworks import FRAMEWORKS
from .workloads import FIRST_STEP_COLD, FIRST_STEP_WARM, WORKLOADS, Aim

Row = Mapping[str, Mapping[str, Any]]  # framework -> {"microseconds": [...], "losses": [...]}

TEMPLATE = Path(__file__).with_name("page.md")

MAIN = ("minigrad", "minigrad-numpy", "floor", "torch", "jax", "keras-jax", "keras-tensorflow", "keras-torch")
CHARTED = ("minigrad-numpy", "torch", "jax", "keras-jax", "keras-tensorflow", "keras-torch", "floor")
BUSY = 0.5  # a load before the measurement from which on the page warns of its own numbers
NONE, STRAY = "–", "†"


def ratios(row: Row, over: str, by: str) -> tuple[float, float, float]:
    """How many times as long `over` took as `by`: the median and the quartiles of the ratios round by round."""
    return spread([a / b for a, b in zip(row[over]["microseconds"], row[by]["microseconds"])])


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """The median and the two quartiles."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, _, high = quantiles(values, n=4, method="inclusive")
    return median(values), low, high


def base_of(row: Row) -> str | None:
    """What a row's ratios refer to."""
    return next((name for name in ("minigrad", "minigrad-numpy") if name in row), None)


def number(value: float) -> str:
    """At most four figures where that is enough.

    >>> [number(v) for v in (3.14159, 42.42, 1704.2, 47162.0)]
    ['3.1', '42.4', '1,704', '47,162']
    """
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def times(ratio: float) -> str:
    """A ratio, as text."""
    return f"{ratio:.2f}" if ratio < 10 else number(ratio)


def as_text(row: Row) -> str:
    """A row for the terminal."""
    base = base_of(row)
    lines = [f"  {'':18}{'median':>10}{'quartiles':>20}{'ratio':>8}   loss before and after the check"]
    for name, cell in row.items():
        middle, low, high = spread(cell["microseconds"])
        ratio = times(ratios(row, name, base)[0]) if base else NONE
        losses = "  ".join(f"{loss:.5f}" for loss in cell["losses"] or ())
        lines.append(f"  {name:18}{number(middle):>10}{f'{number(low)} to {number(high)}':>20}{ratio:>8}   {losses}")
    return "\n".join(lines)


def first_as_text(row: Mapping[str, Sequence[float]]) -> str:
    """The times to the first step, for the terminal."""
    return "\n".join(f"  {label:18}{median(seconds):8.3f} s" for label, seconds in row.items())


def judge(row: Row, aim: Aim) -> tuple[str, str, bool | None]:
    """The aim in words, what was measured, and whether that reaches it (None: not measured)."""
    who = FRAMEWORKS[aim.by].title
    if aim.limit is not None:
        words = f"{who}: under {aim.limit:.0f} µs"
        if aim.by not in row:
            return words, NONE, None
        found = spread(row[aim.by]["microseconds"])[0]
        return words, f"{number(found)} µs", found < aim.limit
    words = f"{who}: {aim.times:.2g} times as fast as {FRAMEWORKS[aim.over].title}"
    if aim.over == "floor":
        words = f"{who}: within {1 / aim.times:.2g} times the floor"
    elif aim.times == 1:
        words = f"{who}: at least as fast as {FRAMEWORKS[aim.over].title}"
    if aim.by not in row or aim.over not in row:
        return words, NONE, None
    found = ratios(row, aim.over, aim.by)[0]
    shown = f"{1 / found:.2f} times the floor" if aim.over == "floor" else f"{times(found)} times as fast"
    return words, shown, found >= aim.times


def write_page(results: Mapping[str, Any], folder: Path) -> None:
    """benchmarks.md and benchmarks.svg."""
    (folder / "benchmarks.md").write_text(page(results), encoding="utf-8")
    (folder / "benchmarks.svg").write_text(chart(results), encoding="utf-8")


def chart(results: Mapping[str, Any]) -> str:
    """Each workload a lane, each framework a dot at its ratio to minigrad."""
    lanes = []
    for name, row in rows(results):
        if base := base_of(row):
            here = f"{WORKLOADS[name].title}: {number(spread(row[base]['microseconds'])[0])} µs"
            lanes.append((here, {other: ratios(row, other, base)[0] for other in CHARTED if other in row}))
    titles = {name: FRAMEWORKS[name].title for name in CHARTED if any(name in lane for _, lane in lanes)}
    return ratio_chart(lanes, titles, "Time of a training step, as multiples of minigrad's")


def rows(results: Mapping[str, Any]) -> Iterable[tuple[str, Row]]:
    """The measured rows, in the order of the table of workloads."""
    return [(name, results["steps"][name]["frameworks"]) for name in WORKLOADS if name in results["steps"]]


def page(results: Mapping[str, Any]) -> str:
    """The text of docs/benchmarks.md."""
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        surroundings=_surroundings(results),
        summary=f"{_summary(results)}\n\n{_strays(results)}".rstrip(),
        aims=_aims(results),
        first=_first(results),
        details="\n\n".join(_details(name, results) for name, _ in rows(results)),
    )


def table(head: Sequence[str], lines: Iterable[Sequence[str]], words: int = 1) -> str:
    """A Markdown table; the first columns hold words, the others are flush right."""
    marks = ["---"] * words + ["---:"] * (len(head) - words)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, marks, *lines))


def _surroundings(results: Mapping[str, Any]) -> str:
    machine = results["machine"]
    days = sorted({measured["date"] for measured in results["steps"].values()})
    warning = ""
    if results["load"] > BUSY:
        warning = (
            f"\n\n**Other programs used the cores meanwhile (load {results['load']}). These numbers are a trial of\n"
            "the suite and say nothing about the frameworks**: whoever waits for a second thread, PyTorch above all,\n"
            "seems many times slower than it is."
        )
    when = " to ".join(days[:: max(1, len(days) - 1)])  # the first and the last
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return (
        f"Measured {when} on {machine['system']}, processor {machine['processor']}, {machine['cores']} cores; "
        f"{machine['threads']} threads for everybody.\n{versions}." + warning
    )


def _summary(results: Mapping[str, Any]) -> str:
    shown = [name for name in MAIN if any(name in row for _, row in rows(results))]
    lines = []
    for name, row in rows(results):
        cells = [_median(row[other]) if other in row else NONE for other in shown]
        lines.append([WORKLOADS[name].title, *cells])
    return table(["microseconds a step", *(FRAMEWORKS[name].title.partition(":")[0] for name in shown)], lines)


def _median(cell: Mapping[str, Any]) -> str:
    return number(spread(cell["microseconds"])[0]) + (STRAY if cell.get("stray") else "")


def _strays(results: Mapping[str, Any]) -> str:
    """Who did not train the same model, and how that showed."""
    found = [
        f"{FRAMEWORKS[other].title} on *{WORKLOADS[name].title}*: {cell['stray']}"
        for name, row in rows(results)
        for other, cell in row.items()
        if cell.get("stray")
    ]
    return f"{STRAY} trains something else. " + "; ".join(found) + "." if found else ""


def _aims(results: Mapping[str, Any]) -> str:
    lines = []
    for name, row in rows(results):
        for aim in WORKLOADS[name].aims:
            words, found, reached = judge(row, aim)
            lines.append([WORKLOADS[name].title, words, found, NONE if reached is None else "yes" if reached else "no"])
    for name, first in results["first"].items():
        for label, limit in (("minigrad", FIRST_STEP_COLD), ("minigrad-warm", FIRST_STEP_WARM)):
            if label in first:
                seconds = median(first[label])
                in_time = "yes" if seconds <= limit else "no"
                words = f"first step within {limit} s, kernel cache {'empty' if label == 'minigrad' else 'filled'}"
                lines.append([WORKLOADS[name].title, words, f"{seconds:.2f} s", in_time])
    return table(["workload", "aim", "measured", "reached"], lines, words=2)


def _first(results: Mapping[str, Any]) -> str:
    if not results["first"]:
        return "Not measured yet."
    labels = dict.fromkeys(label for row in results["first"].values() for label in row)
    lines = []
    for label in labels:
        title = f"{FRAMEWORKS['minigrad'].title}, kernel cache filled" if label == "minigrad-warm" else None
        cells = [f"{median(row[label]):.3f}" if label in row else NONE for row in results["first"].values()]
        lines.append([title or FRAMEWORKS[label].title, *cells])
    return table(["seconds", *(WORKLOADS[name].title for name in results["first"])], lines)


def _details(name: str, results: Mapping[str, Any]) -> str:
    row = results["steps"][name]["frameworks"]
    base = base_of(row)
    lines = []
    for other, cell in row.items():
        _, low, high = spread(cell["microseconds"])
        ratio, least, most = ratios(row, other, base) if base else (0.0, 0.0, 0.0)
        compared = [times(ratio), f"{times(least)} to {times(most)}"] if base and other != base else [NONE, NONE]
        lines.append([FRAMEWORKS[other].title, _median(cell), f"{number(low)} to {number(high)}", *compared])
    rounds = max((len(cell["microseconds"]) for cell in row.values()), default=0)
    head = [f"{rounds} rounds", "median, µs", "quartiles", "× minigrad", "quartiles"]
    return f"### {WORKLOADS[name].title}\n\n" + table(head, lines)
