"""A program's source as HTML: Python with its words in colours, and beside each line what it took."""

from __future__ import annotations

import io
import keyword
import tokenize
from collections.abc import Mapping

from .svg import escape

# The classes of words; the colours are readable on white and on black.
CODE_STYLE = """
.minigrad .k { color: #a347c0 } .minigrad .s { color: #2c8a4b } .minigrad .n { color: #b5631b }
.minigrad .c { color: var(--f); font-style: italic } .minigrad .d { color: #2677c9; font-weight: 600 }
.minigrad .t { color: var(--f) } .minigrad .h { color: #d0453a; font-weight: 600 }
"""


def highlighted(source: str) -> list[str]:
    """The lines of a Python source, each as HTML of its own.

    >>> highlighted("x = 1  # < one")
    ['x = <span class="n">1</span>  <span class="c"># &lt; one</span>']
    """
    lines = source.split("\n")
    marks: list[list[tuple[int, int, str]]] = [[] for _ in lines]
    before = ""
    for token in tokens(source):
        kind = kind_of(token, before)
        before = token.string
        if not kind:
            continue
        (row, start), (last, end) = token.start, token.end
        for r in range(row, last + 1):
            marks[r - 1].append((start if r == row else 0, end if r == last else len(lines[r - 1]), kind))
    return [marked(line, own) for line, own in zip(lines, marks, strict=True)]


def tokens(source: str) -> list[tokenize.TokenInfo]:
    """The tokens of a source; of one that is no Python those before the place where it stops to be."""
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            found.append(token)  # noqa: PERF402 (what comes before an error is kept)
    except (tokenize.TokenError, SyntaxError):
        pass
    return found


def kind_of(token: tokenize.TokenInfo, before: str) -> str:
    """The class of a token, or nothing."""
    if token.type == tokenize.NAME:
        return "d" if before == "def" else "k" if keyword.iskeyword(token.string) else ""
    return {tokenize.STRING: "s", tokenize.NUMBER: "n", tokenize.COMMENT: "c"}.get(token.type, "")


def marked(line: str, marks: list[tuple[int, int, str]]) -> str:
    parts, at = [], 0
    for start, end, kind in marks:
        parts += [escape(line[at:start]), f'<span class="{kind}">{escape(line[start:end])}</span>']
        at = end
    return "".join([*parts, escape(line[at:])])


def listing(
    source: str, seconds: Mapping[int, float] | None = None, first: int = 1, most: int = 30_000
) -> tuple[str, int]:
    """(the source as HTML, how many of its lines were left out at the end, so that it has at most so many bytes).

    seconds: by the number of the line, from `first`, what it took; the lines that took most are marked.
    """
    lines = highlighted(source.rstrip("\n"))
    total = sum(seconds.values()) if seconds else 0.0
    shown: list[str] = []
    used = 0
    for number, line in enumerate(lines, start=first):
        if seconds:
            line = beside(seconds.get(number), total) + line
        used += len(line.encode()) + 1
        if used > most:
            break
        shown.append(line)
    return "<pre>\n" + "\n".join(shown) + "</pre>", len(lines) - len(shown)


def beside(seconds: float | None, total: float) -> str:
    """What stands before a line: its time and its share; nothing for a line that did not run."""
    if seconds is None:
        return " " * 15
    share = seconds / total if total else 0.0
    return f'<span class="{"h" if share >= 0.1 else "t"}">{duration(seconds):>8} {share:>4.0%}</span>  '


def duration(seconds: float) -> str:
    """A time with three digits at most.

    >>> duration(2.5), duration(0.0123), duration(4.2e-6)
    ('2.50 s', '12.3 ms', '4.20 µs')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{three(seconds / size)} {unit}"
    return f"{three(seconds * 1e6)} µs"


def three(number: float) -> str:
    """The number with three digits."""
    return f"{number:.2f}" if number < 10 else f"{number:.1f}" if number < 100 else f"{number:,.0f}"
