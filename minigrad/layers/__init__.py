"""Layers, with Keras's names, arguments and defaults: one small file for each family.

A layer is configuration and weights. Called on Symbols it makes a node of the graph; called on Tensors or
arrays it computes.

>>> import minigrad as mg
>>> x = mg.Input((1000,))
>>> Embedding(13, 3)(x)
Symbol(shape=(None, 1000, 3), dtype=float32, from=embedding)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from .dense import Dense
from .dropout import Dropout
from .embedding import Embedding
from .embedding_bag import EmbeddingBag
from .functional import add, average, concatenate, dot, maximum, minimum, multiply, subtract
from .identity import Identity
from .input import Input, InputLayer
from .lambda_layer import Lambda
from .layer import Layer
from .merging import Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract
from .pooling import GlobalAveragePooling1D, GlobalMaxPooling1D
from .reshaping import Flatten, Permute, RepeatVector, Reshape

if TYPE_CHECKING:
    from ..preprocessing import (
        CategoryEncoding,
        Discretization,
        HashedCrossing,
        Hashing,
        IntegerLookup,
        Normalization,
        StringLookup,
        TextVectorization,
    )

__all__ = [
    "Layer",
    "Input",
    "InputLayer",
    "Embedding",
    "EmbeddingBag",
    "Dense",
    "Dropout",
    "Identity",
    "Lambda",
    "Activation",
    "ReLU",
    "LeakyReLU",
    "ELU",
    "PReLU",
    "Softmax",
    "Flatten",
    "Reshape",
    "Permute",
    "RepeatVector",
    "Add",
    "Subtract",
    "Multiply",
    "Average",
    "Maximum",
    "Minimum",
    "Concatenate",
    "Dot",
    "add",
    "subtract",
    "multiply",
    "average",
    "maximum",
    "minimum",
    "concatenate",
    "dot",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "CategoryEncoding",
    "Discretization",
    "HashedCrossing",
    "Hashing",
    "IntegerLookup",
    "Normalization",
    "StringLookup",
    "TextVectorization",
]


def __getattr__(name: str) -> Any:
    """The layers of `minigrad.preprocessing`, which are built on those of this room; Keras has them here."""
    if name in __all__:
        from .. import preprocessing

        return getattr(preprocessing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
