"""What turns raw columns into ids and floats: lookups, hashes, text, bins, normalization; with Keras's names.

Each is a layer: it may be called on its own, on lists and arrays (of strings, where it takes them), or stand in a
functional model, next to its Inputs. Layers with `adapt` learn from data. They are found in `minigrad.layers` as well.

>>> lookup = StringLookup(vocabulary=["jan", "feb"])
>>> lookup(["feb", "jan"]).numpy()
array([2, 1])
"""

from __future__ import annotations

from .category_encoding import CategoryEncoding
from .discretization import Discretization
from .hashing import HashedCrossing, Hashing
from .integer_lookup import IntegerLookup
from .normalization import Normalization
from .string_lookup import StringLookup
from .text import TextVectorization

__all__ = [
    "CategoryEncoding",
    "Discretization",
    "HashedCrossing",
    "Hashing",
    "IntegerLookup",
    "Normalization",
    "StringLookup",
    "TextVectorization",
]
