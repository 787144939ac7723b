"""A model's weights in a file: `save_weights` and `load_weights`.

All that is asked of a model is `named_weights()`: its variables by unique, path-like names such as
`embedding_1/embeddings`, each with `data` (a view of its values), `assign(array)`, `shape` and `dtype`.
Both ways, the values go straight from where they lie to where they belong: a large table is not copied.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ..errors import WeightsError, did_you_mean
from . import safetensors

__all__ = ["load_weights", "save_weights"]

_MOST_LISTED = 20


def save_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model's weights to a safetensors file: the old file or the new one, whole, whatever happens."""
    ending = os.path.splitext(os.fsdecode(path))[1].lower()
    if ending in (".h5", ".hdf5", ".keras"):
        raise ValueError(f"Weights are saved as safetensors, not as {ending}: end the name in .safetensors.")
    safetensors.save({name: weight.data for name, weight in model.named_weights().items()}, path)


def load_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Read a model's weights from a safetensors file.

    The file must hold exactly the model's weights: each by its name, of its shape and dtype, and no others.
    If not, a `WeightsError` lists all that is wrong, and no weight is changed.
    """
    weights = model.named_weights()
    tensors = safetensors.load(path, mmap=True, verify=True)
    wrong = _differences(weights, tensors)
    if wrong:
        listed = wrong[:_MOST_LISTED]
        more = [f"and {len(wrong) - len(listed)} more"] if len(wrong) > len(listed) else []
        lines = "\n  ".join(listed + more)
        raise WeightsError(f"{os.fsdecode(path)} does not fit the model; nothing was loaded:\n  {lines}")
    for name, weight in weights.items():
        weight.assign(tensors[name])


def _differences(weights: dict[str, Any], tensors: dict[str, np.ndarray]) -> list[str]:
    """Return a line for each weight or tensor that has no match."""
    extra = [name for name in tensors if name not in weights]
    wrong = [f"extra: {name!r}, {_described(tensors[name])}" for name in extra]
    for name, weight in weights.items():
        wanted = _described(weight)
        if name not in tensors:
            wrong.append(f"missing: {name}, {wanted}.{did_you_mean(name, extra)}")
        elif (found := _described(tensors[name])) != wanted:
            wrong.append(f"different: {name} is {wanted} in the model, {found} in the file")
    return wrong


def _described(array: Any) -> str:
    return f"{np.dtype(array.dtype)} {tuple(array.shape)}"
