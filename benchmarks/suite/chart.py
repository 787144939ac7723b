"""A chart of ratios: one lane for each workload, a dot for each framework, on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10

from minigrad.visualize.axes import Frame
from minigrad.visualize.charts import COLOURS
from minigrad.visualize.svg import FAINT_INK, INK, RULE, Element, text

WIDTH, LANE, DOT = 720.0, 46.0, 5.5
TICKS = [k * 10.0**e for e in range(-3, 6) for k in (1, 2, 5)]


def ratio_chart(lanes: Sequence[tuple[str, Mapping[str, float]]], titles: Mapping[str, str], title: str) -> str:
    """SVG text. `lanes`: (text, ratio by framework) from above; `titles`: the frameworks' names in the legend."""
    found = [ratio for _, lane in lanes for ratio in lane.values()] + [0.8, 2.0]
    span = (log10(min(found)) - 0.08, log10(max(found)) + 0.08)
    frame = Frame(span, (0.0, float(max(1, len(lanes)))), WIDTH, LANE * max(1, len(lanes)))
    draw = frame.shapes.append
    for tick in TICKS:
        if span[0] <= log10(tick) <= span[1]:
            x = frame.at(log10(tick), 0.0)[0]
            ours = tick == 1
            colour, wide = (INK, 1.6) if ours else (RULE, 0.8)
            draw(Element("line", x1=x, x2=x, y1=0, y2=frame.height, stroke=colour, stroke_width=wide))
            draw(text(f"{tick:g}×", x, frame.height + 18, 11, "middle", fill=INK if ours else FAINT_INK))
    colours = dict(zip(titles, COLOURS))
    for i, (name, lane) in enumerate(lanes):
        draw(text(name, 4, LANE * i + 15, 11.5, stroke="#ffffff", stroke_width=3, paint_order="stroke"))
        for framework, ratio in sorted(lane.items(), key=lambda item: -item[1]):
            x = frame.at(log10(ratio), 0.0)[0]
            hover = Element("title", f"{titles[framework]}: {ratio:.2f}")
            fill, edge = colours[framework], "#ffffff"
            draw(Element("circle", hover, cx=x, cy=LANE * i + 30, r=DOT, fill=fill, stroke=edge, stroke_width=1.2))
        draw(Element("line", x1=0, x2=WIDTH, y1=LANE * (i + 1), y2=LANE * (i + 1), stroke=RULE, stroke_width=0.8))
    frame.legend([(colours[name], shown) for name, shown in titles.items()])
    middle = frame.at(0.0, 0.0)[0]
    draw(text("← faster", middle - 12, frame.height + 38, 11, "end", fill=FAINT_INK))
    draw(text("slower than minigrad →", middle + 12, frame.height + 38, 11, fill=FAINT_INK))
    frame.below += 20
    return frame.finish(title, [])
