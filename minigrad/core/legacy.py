"""NumPy before 2.0. There, a dtype can follow from the value of an operand, if that has no axes (NEP 50 ended this)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .node import Node
from .rowsparse import RowSparse
from .spec import spec_of

LEGACY = np.lib.NumpyVersion(np.__version__) < "2.0.0"


def compute(op: Any, *operands: Any, **attrs: Any) -> Any:
    """The result of an op's kernel, with the dtype that NumPy 2 gives it: that of the spec rule.

    An elementwise kernel computes as in NumPy 2, too: operands without axes get one, which the result loses again.
    Arrays with axes, and Python scalars beside them, promote alike in all versions.
    """
    arrays, bare = operands, False
    if op.kind == "elementwise":
        arrays = tuple(x.reshape(1) if getattr(x, "shape", None) == () else x for x in operands)
        bare = all(np.ndim(x) == 0 for x in operands)
    out = attrs.get("out")
    if out is not None:
        op.kernel(*arrays, **{**attrs, "out": out.reshape(1) if bare else out})
        return out
    made = op.kernel(*arrays, **attrs)
    if isinstance(made, RowSparse):
        return made
    made = np.asarray(made, op.spec(*map(spec_of, operands), **attrs).dtype)
    return made.reshape(()) if bare else made


def kernel_of(node: Node) -> Callable[..., Any]:
    """What computes a node of symbols into a buffer of its dtype, in any version: its op's kernel. Only where operands
    of several dtypes meet, one of them without axes, old NumPy would compute in the wrong one.
    """
    known = [node.out[0], *(x for x in node.inputs if hasattr(x, "dtype"))]
    mixed = any(x.shape == () for x in known) and len({x.dtype for x in known}) > 1
    return partial(compute, node.fn) if LEGACY and mixed else node.fn.kernel
