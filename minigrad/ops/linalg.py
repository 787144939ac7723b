"""Linear algebra: inverses, determinants and the Cholesky factor, for stacks of matrices.

Sources of the rules: M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008); I. Murray, "Differentiation of the Cholesky decomposition" (2016).
"""

from __future__ import annotations

from collections.abc import Callable
from string import ascii_lowercase
from typing import Any

import numpy as np

from ..core.legacy import LEGACY
from ..core.op import Op
from ..core.samples import Draw
from ..core.spec import Spec, broadcast, result_dtype
from ..core.table import implements
from ..errors import DTypeError, ShapeError
from .einsum import einsum
from .families import float_dtype
from .shape import swapaxes, value

__all__ = ["cholesky", "det", "inv", "matrix_power", "multi_dot", "slogdet", "solve"]


def mT(x: Any) -> Any:
    """The last two axes exchanged (ndarray.mT, which came with NumPy 2)."""
    return x.swapaxes(-1, -2)


# -- what the rows share --------------------------------------------------------------------------------------------


def square(x: Spec) -> Spec:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"expected square matrices along the last two axes, got shape {x.shape}")
    if x.dtype == np.float16:
        raise DTypeError("np.linalg has no float16; use .astype(np.float32)")
    return Spec(x.shape, float_dtype(x.dtype))


def scalar(x: Spec) -> Spec:
    """One number for each square matrix."""
    return Spec(square(x).shape[:-2], float_dtype(x.dtype))


def regular(draw: Draw) -> np.ndarray:
    """Square matrices far from singular."""
    n = draw.integer(1, 3)
    return 0.2 * draw.array((*draw.shape(0, 1), n, n)) + draw.choice([1.5, -2.0]) * np.eye(n)


def one(draw: Draw) -> Any:
    return (regular(draw),), {}


def matrix_row(kernel: Callable[[Any], Any], *, spec: Callable[..., Spec], vjp: Any = None, samples: Any = one,
               name: str | None = None, doc: str | None = None) -> Op:
    """A row for a function of square matrices."""

    def run(x: Any) -> Any:
        square(Spec(x.shape, x.dtype))  # NumPy's own complaint is a LinAlgError without the shape
        return kernel(x)

    return Op(run, name=name or kernel.__name__, spec=spec, vjp=vjp, kind="other", samples=samples, doc=doc)


# -- inverse and solve ----------------------------------------------------------------------------------------------

inv_row = matrix_row(np.linalg.inv, spec=square, vjp=lambda g, out: -(mT(out) @ g @ mT(out)))


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    """The inverse of square matrices. As np.linalg.inv; LinAlgError if one is singular."""
    return inv_row(value(a))


def solve_kernel(x: Any, y: Any) -> Any:
    solve_spec(Spec(x.shape, x.dtype), Spec(y.shape, y.dtype))
    return np.linalg.solve(x, y.reshape((1,) * (x.ndim - y.ndim) + y.shape))


def solve_spec(x: Spec, y: Spec) -> Spec:
    square(x)
    if y.ndim < 2 or y.shape[-2] != x.shape[-1]:
        raise ShapeError(f"matrices of shape {x.shape} and right sides of shape {y.shape} do not fit: "
                         f"expected {x.shape[-1]} rows")
    shape = broadcast(x.shape[:-2], y.shape[:-2]) + y.shape[-2:]
    return Spec(shape, result_dtype(float_dtype(x.dtype), float_dtype(y.dtype)))


def solve_samples(draw: Draw) -> Any:
    x = regular(draw)
    return (x, draw.array((*draw.broadcastable(x.shape[:-2]), x.shape[-1], draw.integer(1, 2)))), {}


solve_row: Op = Op(solve_kernel, name="solve", spec=solve_spec, kind="other", samples=solve_samples,
                   vjp=(lambda g, x, out: -(solve_row(mT(x), g) @ mT(out)), lambda g, x: solve_row(mT(x), g)))


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """The x of a @ x = b. As np.linalg.solve of the NumPy that is installed: in NumPy 2, b is one vector if it has one
    axis; before, vectors if it has one axis less than a."""
    a, b = value(a), value(b)
    if b.ndim == (a.ndim - 1 if LEGACY else 1):
        return solve_row(a, b[..., None])[..., 0]
    return solve_row(a, b)


# -- determinants ---------------------------------------------------------------------------------------------------

MINORS = 4  # up to this size the gradient of a determinant is made of minors, and right for singular matrices


def cofactors(x: Any) -> Any:
    """The derivative of the determinant: the determinants of what is left without a row and a column."""
    n = x.shape[-1]
    others = np.array([[j for j in range(n) if j != i] for i in range(n)], np.intp).reshape(n, max(n - 1, 0))
    minors = x[..., others[:, None, :, None], others[None, :, None, :]]
    signs = (-1) ** np.add.outer(np.arange(n), np.arange(n))
    return det_row(minors) * signs.astype(x.dtype)


def det_rule(g: Any, x: Any, out: Any) -> Any:
    if x.shape[-1] <= MINORS:
        return g[..., None, None] * cofactors(x)
    return (g * out)[..., None, None] * mT(inv_row(x))


def determinant_samples(draw: Draw) -> Any:
    x = regular(draw)
    if draw.flag():
        x[..., 0] = 0  # singular
    return (x,), {}


det_row = matrix_row(np.linalg.det, spec=scalar, vjp=det_rule, samples=determinant_samples)
sign_row = matrix_row(lambda x: np.linalg.slogdet(x)[0], name="slogdet_sign", spec=scalar,
                      doc="The determinant's sign.")
logabsdet_row = matrix_row(lambda x: np.linalg.slogdet(x)[1], name="slogdet_logabsdet", spec=scalar,
                           vjp=lambda g, x: g[..., None, None] * mT(inv_row(x)),
                           doc="The logarithm of the determinant's size.")


@implements(np.linalg.det)
def det(a: Any) -> Any:
    """The determinant. As np.linalg.det.

    The gradient is right for singular matrices up to 4 by 4; of larger singular ones it is a LinAlgError.

    >>> float(det(np.array([[1.0, 2.0], [3.0, 4.0]])))
    -2.0
    """
    return det_row(value(a))


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """The determinant's sign, and the logarithm of its size, as the named tuple of np.linalg.slogdet."""
    a = value(a)
    result = type(np.linalg.slogdet(np.ones((1, 1))))
    return result(sign_row(a), logabsdet_row(a))


# -- Cholesky -------------------------------------------------------------------------------------------------------


def cholesky_rule(g: Any, out: Any) -> Any:
    """Murray's formula, folded onto the lower triangle: NumPy reads no other elements."""
    p = mT(out) @ g
    p = (np.tril(p) + np.tril(p, -1)) * 0.5
    s = solve_row(mT(out), mT(solve_row(mT(out), mT(p))))
    return np.tril(s + mT(s)) - np.tril(np.triu(s))


def definite(draw: Draw) -> Any:
    x = regular(draw)
    return (x @ mT(x),), {}


cholesky_row = matrix_row(np.linalg.cholesky, spec=square, vjp=cholesky_rule, samples=definite)


@implements(np.linalg.cholesky)
def cholesky(a: Any, *, upper: bool = False) -> Any:
    """The lower triangular L with L @ L.T = a, or the upper L.T. As np.linalg.cholesky.

    Only that triangle of `a` is read, so the gradient is zero in the other one.
    """
    a = value(a)
    return swapaxes(cholesky_row(swapaxes(a, -1, -2)), -1, -2) if upper else cholesky_row(a)


# -- powers and products --------------------------------------------------------------------------------------------


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """A square matrix times itself, n times; of the inverse if n is negative. As np.linalg.matrix_power."""
    a = value(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"matrix_power: expected square matrices along the last two axes, got shape {a.shape}")
    if n == 0:
        return np.zeros_like(a) + np.eye(a.shape[-1], dtype=a.dtype)
    if n < 0:
        a, n = inv(a), -n
    half = matrix_power(a, n // 2) if n > 1 else None
    if half is None:
        return a
    return half @ half @ a if n % 2 else half @ half


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any) -> Any:
    """Several matrices multiplied in the cheapest order; first and last may be vectors. As np.linalg.multi_dot."""
    xs = [value(x) for x in arrays]
    ends = (1, 2)
    if len(xs) < 2 or any(x.ndim not in (ends if i in (0, len(xs) - 1) else (2,)) for i, x in enumerate(xs)):
        raise ShapeError(f"multi_dot: expected two or more matrices, vectors only first and last; got shapes "
                         f"{[x.shape for x in xs]}")
    terms = [ascii_lowercase[i:i + 2] for i in range(len(xs))]
    terms[0], terms[-1] = terms[0][-xs[0].ndim:], terms[-1][:xs[-1].ndim]
    output = terms[0][:xs[0].ndim - 1] + terms[-1][1:]
    return einsum(",".join(terms) + "->" + output, *xs, optimize="optimal")
