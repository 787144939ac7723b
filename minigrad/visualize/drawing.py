"""What every picture of a graph is made of: boxes, links between them, and groups around them. No geometry, no format.

The three levels (layers, ops, program) make a `Drawing`; SVG, DOT, Mermaid and text are written from it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

# kind: (dark colour, light colour, what the legend says)
KINDS = {
    "input": ("#1a7f37", "#dafbe1", "input"),
    "weights": ("#0a4fa8", "#d6e9ff", "layer with weights"),
    "parameter": ("#0a4fa8", "#d6e9ff", "weights"),
    "plain": ("#59636e", "#eff2f5", "layer without weights"),
    "constant": ("#59636e", "#eff2f5", "constant"),
    "op": ("#9a5b00", "#fff3cf", "operation"),
    "model": ("#7a3bc2", "#f1e4ff", "model"),
    "loss": ("#a0206f", "#ffe3f3", "loss"),
    "backward": ("#b42318", "#ffe7e3", "backward"),
    "update": ("#0b7285", "#d9f4f7", "update"),
}
RANKDIRS = ("TB", "LR", "BT", "RL")


@dataclass(frozen=True)
class Box:
    """One box: `key` is what links name it by; `kind` is a key of `KINDS` and gives the colour.

    dashed: what it makes is kept for the backward pass. group: the key of the group around it.
    alike: what two boxes must share to be drawn as one; by default their lines.
    """

    key: Hashable
    title: str
    lines: Sequence[str] = field(default=())
    kind: str = "plain"
    dashed: bool = False
    group: Hashable = None
    alike: Hashable = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"Box {self.title!r}: unknown kind {self.kind!r}; expected one of {', '.join(KINDS)}")


class Link(NamedTuple):
    """An edge from box to box. label: the shape that flows. dashed: its value is kept for the backward pass."""

    source: Hashable
    target: Hashable
    label: str = ""
    dashed: bool = False


class Group(NamedTuple):
    """A frame around boxes and groups; `parent` is the key of the group around it, None if there is none.

    lines, kind: of the box that stands for it when it is closed.
    """

    key: Hashable
    title: str
    parent: Hashable = None
    lines: Sequence[str] = ()
    kind: str = "plain"


@dataclass
class Drawing:
    """A graph to be drawn. rankdir: where it leads, as in Graphviz. widest: of a box, in pixels.

    >>> Drawing("two", [Box("x", "x"), Box("y", "y")], [Link("x", "y")]).sources("y")
    ['x']
    """

    title: str
    boxes: list[Box]
    links: list[Link]
    groups: list[Group] = field(default_factory=list)
    rankdir: str = "TB"
    widest: float = 300.0

    def sources(self, key: Hashable) -> list[Hashable]:
        """The keys of the boxes that lead into a box, each once."""
        return list(dict.fromkeys(link.source for link in self.links if link.target == key))

    def shown_labels(self) -> list[str]:
        """For each link its label, or "" where another link from the same box already says the same."""
        told: set[tuple[Hashable, str]] = set()
        shown = []
        for link in self.links:
            shown.append("" if (link.source, link.label) in told else link.label)
            told.add((link.source, link.label))
        return shown

    def members(self) -> dict[Hashable, list[Box | Group]]:
        """By group (None: outside of all), the boxes and groups directly in it, in the order of their first boxes.

        Groups without boxes are left out.
        """
        groups = {group.key: group for group in self.groups}
        inside: dict[Hashable, list[Box | Group]] = {None: [], **{key: [] for key in groups}}
        seen: set[Hashable] = set()
        for box in self.boxes:
            item: Box | Group = box
            around = box.group
            inside[around].append(item)
            while around is not None and around not in seen:
                seen.add(around)
                item = groups[around]
                around = item.parent
                inside[around].append(item)
        return inside

    def kinds(self) -> list[str]:
        """The kinds of its boxes, in the legend's order; each meaning once."""
        present = {box.kind for box in self.boxes}
        return [kind for kind in KINDS if kind in present]

    @property
    def keeps(self) -> bool:
        """Whether something in it is marked as kept for the backward pass."""
        return any(box.dashed for box in self.boxes) or any(link.dashed for link in self.links)
