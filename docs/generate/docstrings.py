"""Docstrings as this project writes them, turned into Markdown.

What stands in them: paragraphs; `name: what it is` for parameters, several to a line or one; blocks headed `Args:`;
indented formulas; and examples, which begin with `>>>`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterator

# A line this much shorter than the margin, though the next word would have fitted, was ended on purpose.
FULL_LINE = 108

Link = Callable[[str], str | None]  # a name -> where it is documented, if it is


def to_markdown(doc: str | None, parameters: Collection[str] = (), link: Link = lambda name: None) -> str:
    """The docstring as Markdown; `parameters` are set in bold where they are explained.

    >>> print(to_markdown("Double it.\\n\\nx: a number.\\n\\n>>> 1 + 1\\n2", ["x"]))
    Double it.
    <BLANKLINE>
    - **x**: a number.
    <BLANKLINE>
    ```pycon
    >>> 1 + 1
    2
    ```
    """
    parts = []
    for block in blocks(inspect.cleandoc(doc or "")):
        if block[0].startswith(">>>"):
            parts.append(fenced("pycon", block))
        elif all(line.startswith("    ") for line in block):
            parts.append(fenced("text", [line[4:] for line in block]))
        else:
            parts.append(paragraph(block, parameters, link))
    return "\n\n".join(parts)


def first_line(doc: str | None) -> str:
    """The first sentence or line of a docstring, on one line."""
    block = next(blocks(inspect.cleandoc(doc or "")), [""])
    text = " ".join(line.strip() for line in block)
    return re.split(r"(?<=[.!?])\s+(?=[A-Z`])", text)[0]


def blocks(text: str) -> Iterator[list[str]]:
    """What blank lines separate; an indented block keeps the blank lines within."""
    for chunk in re.split(r"\n\s*\n", text.strip("\n")):
        if lines := [line.rstrip() for line in chunk.splitlines() if line.strip()]:
            yield lines


def fenced(language: str, lines: list[str]) -> str:
    return "\n".join([f"```{language}", *lines, "```"])


def paragraph(lines: list[str], parameters: Collection[str], link: Link) -> str:
    """Prose; where it explains parameters, a list of them."""
    if re.fullmatch(r"(Args|Arguments|Returns|Raises|Yields|Attributes):", lines[0]):
        rest = inspect.cleandoc("\n".join(["", *lines[1:]])).splitlines()
        named = {m[1] for line in rest if (m := re.match(r"(\w+): ", line))}
        return f"**{lines[0][:-1]}**\n\n{paragraph(rest, {*parameters, *named}, link)}" if rest else f"**{lines[0]}**"
    out, is_list = [], False
    for piece in (part for whole in pieces(lines, parameters) for part in one_each(whole, parameters)):
        item = bool(explains(piece, parameters))
        if out:
            out.append("\n" if item and is_list else "\n\n")
        out.append(f"{'- ' if item else ''}{inline(piece, parameters, link)}")
        is_list = item
    return "".join(out)


def pieces(lines: list[str], parameters: Collection[str]) -> Iterator[str]:
    """The paragraph, cut before each line that explains a parameter and after each line that ended on purpose."""
    piece: list[str] = []
    for line in lines:
        starts = explains(line, parameters) or (piece and ended(piece[-1], line))
        if piece and starts:
            yield " ".join(part.strip() for part in piece)
            piece = []
        piece.append(line)
    if piece:
        yield " ".join(part.strip() for part in piece)


def one_each(piece: str, parameters: Collection[str]) -> list[str]:
    """An item that explains several parameters, as one for each."""
    if not explains(piece, parameters):
        return [piece]
    starts = [m.start() for m in re.finditer(r"(?<=[.;] )\*{0,2}\w", piece) if explains(piece[m.start() :], parameters)]
    return [piece[a:b].strip() for a, b in zip([0, *starts], [*starts, len(piece)])]


def explains(line: str, parameters: Collection[str]) -> re.Match[str] | None:
    """`units: the size` or `x, y: arrays`, of parameters of the function."""
    found = re.match(r"\*{0,2}(\w+(?:, \*{0,2}\w+)*): ", line)
    return found if found and all(name.strip("*") in parameters for name in found[1].split(", ")) else None


def ended(line: str, following: str) -> bool:
    word = following.split(maxsplit=1)[0]
    return line.endswith(".") and word[0].isupper() and len(line) + 1 + len(word) < FULL_LINE


def inline(text: str, parameters: Collection[str], link: Link) -> str:
    """Prose with its code spans kept, all else taken literally, and parameters in bold where they are explained."""
    return "".join(
        code(part, link) if i % 2 else prose(part, parameters, link)
        for i, part in enumerate(re.split(r"(`+[^`]+`+)", text))
    )


def code(span: str, link: Link) -> str:
    target = link(span.strip("`"))
    return f"[{span}]({target})" if target else span


def prose(text: str, parameters: Collection[str], link: Link) -> str:
    names = "|".join(sorted(map(re.escape, parameters), key=len, reverse=True)) or r"(?!)"
    explained = re.compile(rf"(?:(?<=^)|(?<=[.;] ))((?:{names})(?:, (?:{names}))*)(?=: )")
    out, at = [], 0
    for found in explained.finditer(text):
        out += [words(text[at : found.start()], link), f"**{escape(found[1])}**"]
        at = found.end()
    return "".join([*out, words(text[at:], link)])


def words(text: str, link: Link) -> str:
    """Prose without code spans: names of functions elsewhere become code, our errors and guides become links."""
    return "".join(word(part, link) if i % 2 else escape(part) for i, part in enumerate(NAMED.split(text)))


NAMED = re.compile(
    r"(\bdocs/[\w-]+\.md\b|\b(?:flax|jax|keras|nnx|np|numpy|scipy|torch)(?:\.\w+)+|\b[A-Z]\w+(?:Error|Name|File)\b)"
)


def word(name: str, link: Link) -> str:
    if name.startswith("docs/"):
        return f"[{name}](../{name.removeprefix('docs/')})"
    target = link(name)
    return f"[`{name}`]({target})" if target else f"`{name}`"


def escape(text: str) -> str:
    return re.sub(r"([\\*_<>\[\]{}#|])", r"\\\1", text)
