"""Randomness that can be repeated: every generator derives from one seed.

Nothing here touches NumPy's global random state. `set_seed` fixes the global seed (else it is drawn from
the operating system, once); all that was not given a seed of its own then follows from it by
`numpy.random.SeedSequence`, so the same script gives the same weights, masks and shuffles.

>>> set_seed(1)
>>> a = Stream().generator.random()
>>> set_seed(1)
>>> a == Stream().generator.random()
True
"""

from __future__ import annotations

from itertools import count
from typing import Any
from zlib import crc32

import numpy as np

from .errors import CorruptFile

__all__ = ["Stream", "check_seed", "generator", "get_seed", "permutation", "set_seed"]

# The first word of each spawn key, so that the three uses of the global seed never meet.
_STREAMS, _KEYS, _SHUFFLES = range(3)

_seed: int | None = None
_streams = count()  # how many streams took their seed from the global one


def set_seed(seed: int) -> None:
    """Set the global seed, and start again with the first of the streams derived from it."""
    global _seed, _streams
    checked = check_seed(seed)
    if checked is None:
        raise ValueError("The global seed must be a whole number, got None.")
    _seed, _streams = checked, count()


def get_seed() -> int:
    """Return the global seed; where none was set, one is drawn from the operating system and kept."""
    global _seed
    if _seed is None:
        _seed = int(np.random.SeedSequence().entropy)  # type: ignore[arg-type]
    return _seed


def generator(*key: int | str) -> np.random.Generator:
    """Return a new generator that depends on nothing but the global seed and `key`.

    >>> set_seed(1)
    >>> generator("negatives", 3).random() == generator("negatives", 3).random()
    True
    """
    words = [crc32(part.encode()) if isinstance(part, str) else part for part in key]
    return _derived(get_seed(), _KEYS, *words)


def permutation(n: int, seed: int | None, epoch: int) -> np.ndarray:
    """Return the order in which `epoch` visits `n` rows: a function of `seed` and `epoch` alone.

    So a training run that starts again in the middle sees the rows it would have seen. A seed of None
    stands for the global seed.

    >>> first, second = permutation(100, seed=7, epoch=0), permutation(100, seed=7, epoch=1)
    >>> bool((first == second).all()), bool((first == permutation(100, seed=7, epoch=0)).all())
    (False, True)
    """
    seed = check_seed(seed)
    return _derived(get_seed() if seed is None else seed, _SHUFFLES, epoch).permutation(n)


class Stream:
    """A source of random numbers for one layer, whose state can be saved and put back.

    Counterpart: `keras.random.SeedGenerator`.

    Args:
        seed: a whole number from 0, for the numbers of `np.random.default_rng(seed)`; None for the next
            of the streams that derive from the global seed.
    """

    generator: np.random.Generator

    def __init__(self, seed: int | None = None) -> None:
        self.seed = check_seed(seed)
        if self.seed is None:
            self.generator = _derived(get_seed(), _STREAMS, next(_streams))
        else:
            self.generator = np.random.default_rng(self.seed)

    def get_state(self) -> dict[str, str]:
        """Return the state as JSON can hold it: PCG64's 128-bit integers as decimal strings."""
        state: Any = self.generator.bit_generator.state
        return {
            "state": str(state["state"]["state"]),
            "inc": str(state["state"]["inc"]),
            "has_uint32": str(state["has_uint32"]),
            "uinteger": str(state["uinteger"]),
        }

    def set_state(self, state: object) -> None:
        """Put back what `get_state` returned; a damaged state is a `CorruptFile` and changes nothing."""
        bits = {"state": 128, "inc": 128, "has_uint32": 1, "uinteger": 32}
        if not isinstance(state, dict) or state.keys() != bits.keys():
            raise CorruptFile(f"A random state has the keys {', '.join(bits)}, got {state!r:.200}.")
        numbers = {key: _natural(state[key], below=1 << width, what=key) for key, width in bits.items()}
        self.generator.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": numbers["state"], "inc": numbers["inc"]},
            "has_uint32": numbers["has_uint32"],
            "uinteger": numbers["uinteger"],
        }


def check_seed(seed: object) -> int | None:
    """Return `seed` as an int, or None as None; 0 is a seed like any other."""
    if seed is None:
        return None
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"A seed is a whole number from 0 or None, got {seed!r} (a {type(seed).__name__}).")
    if seed < 0:
        raise ValueError(f"A seed is a whole number from 0 or None, got {seed}.")
    return int(seed)


def _derived(seed: int, *key: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def _natural(text: object, below: int, what: str) -> int:
    """Read a whole number that a file gives as text."""
    digits = isinstance(text, str) and len(text) < 40 and text.isascii() and text.isdigit()
    if digits and (number := int(str(text))) < below:
        return number
    raise CorruptFile(f"{what!r} in a random state must be a whole number below {below}, got {text!r:.60}.")
