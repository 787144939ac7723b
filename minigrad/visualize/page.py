"""A page of HTML that stands alone: no script, nothing from the network, readable in light and in dark.

The helpers make fragments out of data, escaped; `page` puts together what comes from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral, Real

from .svg import FONT, escape

STYLE = """
:root { color-scheme: light dark;
        --ink: #1f2328; --faint: #59636e; --ground: #ffffff; --tint: #f6f8fa; --rule: #d1d9e0 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --faint: #9aa4af; --ground: #14171b; --tint: #1d2126; --rule: #363d45 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 17px/1.6 FONT;
       -webkit-text-size-adjust: 100% }
main { max-width: 47rem; margin: 0 auto; padding: 3.5rem 1.25rem 5rem }
h1 { font-size: 2.1rem; line-height: 1.2; letter-spacing: -0.02em; margin: 0 0 1.5rem; text-wrap: balance }
h2 { font-size: 1.3rem; line-height: 1.3; letter-spacing: -0.01em; margin: 3rem 0 0.75rem;
     padding-top: 1.5rem; border-top: 1px solid var(--rule) }
p { margin: 0 0 1rem; max-width: 40rem; text-wrap: pretty; overflow-wrap: anywhere }
pre { margin: 0 0 1.25rem; padding: 1rem 1.2rem; overflow-x: auto; background: var(--tint);
      border: 1px solid var(--rule); border-radius: 8px;
      font: 13.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
figure { margin: 1.5rem 0 2rem }
figure svg { display: block; max-width: 100%; height: auto; margin: 0 auto }
figcaption { margin-top: 0.6rem; color: var(--faint); font-size: 0.9rem; text-align: center;
             text-wrap: balance }
.wide { overflow-x: auto; margin: 0 0 1.5rem }
table { border-collapse: collapse; font-size: 0.95rem; font-variant-numeric: tabular-nums }
th { text-align: left; font-weight: 600; color: var(--faint) }
th, td { padding: 0.4rem 1.25rem 0.4rem 0; border-bottom: 1px solid var(--rule); vertical-align: top }
.number { text-align: right }
@media print { h2 { break-after: avoid } figure, pre, tr { break-inside: avoid } }
""".replace("FONT", FONT)


def page(title: str, sections: Iterable[tuple[str, str]]) -> str:
    """The text of a page: sections are (heading, fragment of HTML), and a heading may be empty.

    >>> "<h2>Loss</h2>" in page("Training", [("Loss", paragraph("It fell."))])
    True
    """
    body = "\n".join((f"<h2>{escape(heading)}</h2>\n" if heading else "") + fragment for heading, fragment in sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
"""


def paragraph(text: str) -> str:
    """A paragraph of plain text.

    >>> paragraph("1 < 2")
    '<p>1 &lt; 2</p>'
    """
    return f"<p>{escape(text)}</p>"


def preformatted(text: str) -> str:
    """Text with its spaces and line ends, in a fixed-width face: a summary, a program."""
    return f"<pre>\n{escape(text)}</pre>"  # browsers drop the first line end after the tag


def table(rows: Iterable[Sequence[object]], header: Sequence[str] | None = None) -> str:
    """A table of texts and numbers; counts keep all digits, other numbers four.

    >>> print(table([("weather", 26114, 0.81527)], header=("set", "rows", "R²")).splitlines()[2])
    <tr><td>weather</td><td class="number">26,114</td><td class="number">0.8153</td></tr>
    """
    rows = [tuple(row) for row in rows]
    wrong = next((row for row in rows if header is not None and len(row) != len(header)), None)
    if header is not None and wrong is not None:
        raise ValueError(f"table: the header has {len(header)} columns, but a row has {len(wrong)}: {wrong!r}")
    lines = []
    if header is not None:
        first = rows[0] if rows else header
        lines.append([_cell("th", name, _is_number(value)) for name, value in zip(header, first, strict=True)])
    lines += [[_cell("td", _shown(value), _is_number(value)) for value in row] for row in rows]
    body = "".join(f"<tr>{''.join(cells)}</tr>\n" for cells in lines)
    return f'<div class="wide"><table>\n{body}</table></div>'


def figure(svg: str, caption: str = "") -> str:
    """A picture, as the drawing functions return it, with a caption of plain text under it."""
    under = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{svg}{under}</figure>"


def _cell(tag: str, shown: str, number: bool) -> str:
    return f'<{tag} class="number">{escape(shown)}</{tag}>' if number else f"<{tag}>{escape(shown)}</{tag}>"


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _shown(value: object) -> str:
    if isinstance(value, Real) and not isinstance(value, bool):
        if isinstance(value, Integral):
            return f"{int(value):,}"
        return f"{float(value):,.0f}" if 1e3 <= abs(float(value)) < 1e15 else f"{float(value):.4g}"
    return str(value)
