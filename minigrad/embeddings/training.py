"""What Word2vec and GloVe have in common: epochs of batches with a progress bar, and a file to go on from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..callbacks.displays import pick_display, verbosity
from ..callbacks.progress import Progbar
from ..errors import WeightsError
from ..models import Model
from ..random import check_seed
from .corpus import Corpus

__all__ = ["Batch", "Batches", "Checkpoint", "Text", "counted", "positive", "read", "say", "seeded", "train"]

Text = str | os.PathLike[str] | Iterable[str]
PREFIXES = ("weights/", "optimizer/")  # of the arrays in a checkpoint
ABOUT = "minigrad.recipe"


class Batch(NamedTuple):
    """What `train_on_batch` takes; how far its epoch is with it, and how many pairs its loss is the sum of."""

    done: int
    pairs: float
    x: list[np.ndarray]
    y: np.ndarray
    sample_weight: np.ndarray | None = None


class Batches(Protocol):
    """What a recipe trains on."""

    length: int  # what `done` counts up to in an epoch
    unit: str  # what it counts

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of that epoch, which follow from a seed and the number alone."""


def train(model: Model, batches: Batches, epochs: int, checkpoint: Checkpoint, verbose: int) -> None:
    """Train a compiled model, from where the checkpoint's file stands, if it is there."""
    for epoch in range(checkpoint.restore(model), epochs):
        say(f"Epoch {epoch + 1}/{epochs}", verbose)
        bar = Progbar(batches.length, verbose=verbose, unit_name=batches.unit)
        has_pairs = False
        for batch in batches.epoch(epoch):
            has_pairs = True
            loss = model.train_on_batch(batch.x, batch.y, batch.sample_weight)
            bar.update(batch.done, {"loss": loss / batch.pairs}, finalize=False)
        if not has_pairs:
            raise ValueError("no two words of the text are on the same line, so there are no pairs to learn from")
        bar.update(batches.length, finalize=True)
        checkpoint.save(model, epoch + 1)


def read(text: Text, min_count: int, verbose: int) -> Corpus:
    """The text as a Corpus, read under a progress bar, if it is a file."""
    if not verbosity(verbose) or not isinstance(text, (str, os.PathLike)):
        return Corpus(text, min_count)
    size = os.path.getsize(text)
    say(f"Reading {os.fsdecode(text)}", verbose)
    bar = Progbar(size, verbose=verbose, unit_name="byte")
    corpus = Corpus(text, min_count, progress=lambda done: bar.update(done, finalize=False))
    bar.update(size)
    say(f"{corpus.read:,} words; {len(corpus.words):,} different ones are there {min_count} times or more", verbose)
    return corpus


def say(line: str, verbose: int) -> None:
    """Show a line where the bars are shown."""
    if verbose:
        display = pick_display(verbose)
        display.keep(line)
        display.flush()


class Checkpoint:
    """A safetensors file with all that a recipe needs to go on after an epoch; with no path, nothing.

    settings: what must be the same for the result to be that of one run.
    """

    def __init__(self, path: str | os.PathLike[str] | None, corpus: Corpus, settings: dict[str, Any]) -> None:
        self.path = path
        told = "\n".join(f"{word} {n}" for word, n in zip(corpus.words, corpus.counts))
        self.settings = settings | {"text": sha256(told.encode()).hexdigest()[:16]}

    def save(self, model: Model, epochs: int) -> None:
        """Write weights, the optimizer's state and how many epochs are done: the old file or the new one, whole."""
        if self.path is None:
            return
        from ..saving import safetensors

        about = {"epochs": epochs, "settings": self.settings}
        parts = ({name: w.numpy() for name, w in model.named_weights().items()}, model.optimizer.state)
        arrays = {prefix + name: array for prefix, part in zip(PREFIXES, parts) for name, array in part.items()}
        safetensors.save(arrays, self.path, {ABOUT: json.dumps(about, default=float)})  # of NumPy's

    def restore(self, model: Model) -> int:
        """Put back what is in the file, if there is one; how many epochs are done.

        Raises WeightsError if it is of another recipe, text or setting; then nothing has changed.
        """
        if self.path is None or not os.path.exists(self.path):
            return 0
        from ..saving import safetensors

        done = self._checked(safetensors.load_metadata(self.path))
        arrays = safetensors.load(self.path)
        weights, state = (
            {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
            for prefix in PREFIXES
        )
        variables = model.named_weights()
        if {name: a.shape for name, a in weights.items()} != {name: v.shape for name, v in variables.items()}:
            raise WeightsError(f"{os.fsdecode(self.path)} does not have the weights of {model.name}")
        model.optimizer.build(model.trainable_weights)
        model.optimizer.load_state(state)
        for name, variable in variables.items():
            variable.assign(weights[name])
        return done

    def _checked(self, metadata: dict[str, str]) -> int:
        """How many epochs are done, if the file is of this run."""
        assert self.path is not None
        path = os.fsdecode(self.path)
        try:
            about = json.loads(metadata[ABOUT])
            done, settings = int(about["epochs"]), dict(about["settings"])
        except (KeyError, TypeError, ValueError):
            raise WeightsError(f"{path} is no checkpoint of a recipe; give another path, or remove it") from None
        for name in sorted(settings.keys() | self.settings.keys()):
            then, now = settings.get(name), self.settings.get(name)
            if then != now:
                what = "another text" if name == "text" else f"{name}={then!r}, and this run has {name}={now!r}"
                raise WeightsError(
                    f"the checkpoint {path} was made with {what}. Give it the same settings to go on with it, or "
                    "remove it to begin anew"
                )
        return done


# -- what is asked for ------------------------------------------------------------------------------------------------


def counted(**numbers: Any) -> None:
    """ValueError unless all of these are whole numbers from 1 on."""
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{name} is a whole number from 1, got {value!r}")


def positive(**numbers: Any) -> None:
    """ValueError unless all of these are finite numbers above zero."""
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < np.inf:
            raise ValueError(f"{name} is a number above zero, got {value!r}")


def seeded(seed: Any) -> int:
    """The seed; ValueError or TypeError if it is none."""
    checked = check_seed(seed)
    if checked is None:
        raise ValueError("seed is a whole number from 0, got None")
    return checked
