"""Vocabularies: read from a file, checked, and learned by counting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

from ..errors import did_you_mean

SHOWN = 5  # words that a message lists


def read_vocabulary(path: str) -> list[str]:
    """The words of a file in UTF-8, one a line; ValueError for a word that comes twice, with both lines."""
    from pathlib import Path  # late: it brings in much

    file = Path(path)
    if not file.is_file():
        near = [p.name for p in file.parent.iterdir()] if file.parent.is_dir() else []
        raise FileNotFoundError(
            f"vocabulary={path!r}: there is no such file.{did_you_mean(file.name, near)} (A vocabulary given as a "
            "string is a path; words come as a list.)"
        )
    try:
        words = file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}: line {line} is not UTF-8") from None
    words = [] if words == [""] else words
    if "" in words:
        raise ValueError(f"{path}: line {words.index('') + 1} is empty; expected a word")
    refuse_repeats(words, lambda i: f"{path}: line {i + 1}")
    return words


def refuse_repeats(tokens: Sequence[Hashable], place: Any) -> None:
    """ValueError if a token comes twice; `place` says where token i stands."""
    first: dict[Hashable, int] = {}
    repeats = [(i, t) for i, t in enumerate(tokens) if first.setdefault(t, i) != i]
    if repeats:
        listed = "; ".join(f"{place(i)} is {t!r}, as is {place(first[t])}" for i, t in repeats[:SHOWN])
        more = f"; and {len(repeats) - SHOWN} more" if len(repeats) > SHOWN else ""
        raise ValueError(f"the vocabulary has repeated words: {listed}{more}")


def by_frequency(counts: Counter[Any]) -> list[Any]:
    """The tokens, the most frequent first; of equally frequent ones the last in the alphabet first, as in Keras.

    >>> by_frequency(Counter(["b", "a", "c", "b"]))
    ['b', 'c', 'a']
    """
    return [token for _, token in sorted(((n, t) for t, n in counts.items()), reverse=True)]


def listed(tokens: Sequence[Any]) -> str:
    """The first few tokens, for a message."""
    return ", ".join(map(repr, tokens[:SHOWN])) + (", ..." if len(tokens) > SHOWN else "")
