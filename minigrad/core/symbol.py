"""A symbol is a value that does not exist yet: a spec, and the node that will make it."""

from __future__ import annotations

import re
from typing import Any, NoReturn

import numpy as np

from ..errors import TracingError
from .node import Node
from .operators import Operators
from .spec import Spec

# An open axis is tried at two sizes; whatever differs between the two results is open too. Primes that no model
# uses as a width, so that a wrong shape does not fit by accident at both; other ones for each place of an open axis.
SIZES = ((10007, 10009), (10037, 10039), (10061, 10067), (10069, 10079), (10091, 10093), (10099, 10103))


def with_none(text: str) -> str:
    """A message about shapes, with None in place of the sizes that open axes were tried at.

    >>> with_none("(10007, 3) has 30021 elements")
    '(None, 3) has 3 x None elements'
    >>> with_none(f"{10007 * 10037} or 1")
    'None x None or 1'
    """

    def size(found: re.Match) -> str:
        n, nones = int(found[0]), []
        for p in (p for pair in SIZES for p in pair if n):
            while n % p == 0:
                n //= p
                nones.append("None")
        return " x ".join([str(n)] * (n != 1 or not nones) + nones)

    return re.sub(r"\d+", size, text)


class Symbol(Operators):
    """A value of a graph that has not run: `Input(...)` and whatever layers, operators and NumPy functions make
    of it. `shape` has None where the size is open (the batch).

    >>> import numpy as np, minigrad as mg
    >>> x = mg.Input((4,))
    >>> np.tanh(x * 2).sum(axis=-1)
    Symbol(shape=(None,), dtype=float32, from=sum)
    """

    __slots__ = ("dtype", "index", "node", "shape", "specs")

    def __init__(self, specs: tuple[Spec, Spec], node: Node | None = None, index: int = 0) -> None:
        """`specs`: what the value is at each of the two SIZES of its open axes."""
        first, second = specs
        self.specs = specs
        self.shape = (
            first.shape
            if first is second
            else tuple(n if n == m else None for n, m in zip(first.shape, second.shape, strict=True))
        )
        self.dtype = first.dtype
        self.node = node
        self.index = index

    @classmethod
    def of(cls, shape: tuple[int | None, ...], dtype: Any) -> Symbol:
        """A free symbol of that shape, with None for an open axis."""
        first, second = (
            Spec(
                tuple(SIZES[axis % len(SIZES)][k] if n is None else n for axis, n in enumerate(shape)),
                np.dtype(dtype),
            )
            for k in (0, 1)
        )
        return cls((first, second if None in shape else first))

    @property
    def requires_grad(self) -> bool:
        return self.dtype.kind == "f"

    @property
    def mask(self) -> Any:
        """Which time steps count, as a Symbol of booleans, or None. It is kept with the node, as this symbol is one of
        several that may stand for the same value.
        """
        extra = self.node.extra if self.node else None
        return extra["masks"].get(self.index) if extra and "masks" in extra else None

    @mask.setter
    def mask(self, mask: Any) -> None:
        if self.node is None:
            raise ValueError("a free Symbol, which nothing made, carries no mask")
        self.node.extra = self.node.extra or {}
        self.node.extra.setdefault("masks", {})[self.index] = mask

    @property
    def open(self) -> bool:
        """Whether some axis has no size yet."""
        return None in self.shape

    @property
    def size(self) -> int | None:
        """The number of elements, None if an axis is open."""
        return None if self.open else int(np.prod(self.shape, dtype=int))

    def _no_value(self, what: str) -> NoReturn:
        made = f" made by {self.node.fn.name}" if self.node else ""
        raise TracingError(
            f"{what} needs the value of a Symbol of shape {self.shape}{made}, but a Symbol has none until the model "
            "runs. Write the choice with np.where or another op; code that must look at values belongs in a subclassed "
            "Model, which runs eagerly (compile(run_eagerly=True))"
        )

    def __bool__(self) -> bool:
        self._no_value("bool()")

    def __int__(self) -> int:
        self._no_value("int()")

    def __float__(self) -> float:
        self._no_value("float()")

    def __index__(self) -> int:
        self._no_value("an index")

    def item(self) -> Any:
        self._no_value(".item()")

    def numpy(self) -> Any:
        self._no_value(".numpy()")

    def tolist(self) -> Any:
        self._no_value(".tolist()")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        self._no_value("conversion to an array")

    def __len__(self) -> int:
        if self.shape and self.shape[0] is None:
            self._no_value("len() along the open batch axis")
        return super().__len__()

    def __repr__(self) -> str:
        made = f", from={self.node.fn.name}" if self.node else ""
        return f"Symbol(shape={self.shape}, dtype={self.dtype.name}{made})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from ..visualize.displays_of_models import of_symbol

        return of_symbol(self)
