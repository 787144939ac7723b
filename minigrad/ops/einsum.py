"""Einstein's summation: any product of arrays, summed over any axes, spelled with one letter for each axis."""

from __future__ import annotations

from functools import lru_cache
from string import ascii_letters
from typing import Any

import numpy as np

from ..core.op import Op
from ..core.samples import Draw
from ..core.spec import Spec, result_dtype
from ..core.table import implements
from ..errors import ShapeError
from .shape import value

__all__ = ["einsum"]


@lru_cache(maxsize=256)
def spelled_out(subscripts: str, ndims: tuple[int, ...]) -> str:
    """Subscripts with a letter for each axis under '...', and with '->'.

    >>> spelled_out("...ij,jk", (3, 2))
    'aij,jk->aik'
    """
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"einsum: {subscripts!r} describes {len(terms)} operands, got {len(ndims)}")
    spare = "".join(c for c in ascii_letters if c not in subscripts)
    dots = ""
    for i, (term, ndim) in enumerate(zip(terms, ndims)):
        hidden = ndim - len(term.replace("...", ""))
        if hidden < 0 or (hidden and "..." not in term):
            raise ShapeError(f"einsum: operand {i} has {ndim} axes, but its subscripts are {term!r}")
        mine = spare[:hidden][::-1]  # aligned at the right, as in broadcasting
        terms[i] = term.replace("...", mine)
        dots = max(dots, mine, key=len)
    letters = "".join(terms)
    if not arrow:
        output = dots + "".join(c for c in sorted(set(letters)) if letters.count(c) == 1 and c not in dots)
    elif "..." in output:
        output = output.replace("...", dots)
    elif dots:
        raise ValueError(f"einsum: {subscripts!r} has '...' on the left only; write it on the right too, "
                         "or name those axes")
    for c in letters + output:
        if c not in ascii_letters:
            raise ValueError(f"einsum: {c!r} in {subscripts!r} is not a letter")
    for c in output:
        if c not in letters or output.count(c) > 1:
            raise ValueError(f"einsum: {c!r} in the output of {subscripts!r} stands there twice, or on no operand")
    return ",".join(terms) + "->" + output


def split_terms(subscripts: str) -> tuple[list[str], str]:
    left, _, output = subscripts.partition("->")
    return left.split(","), output


def einsum_spec(*xs: Spec, subscripts: str, optimize: bool | str = False) -> Spec:
    terms, output = split_terms(subscripts)
    sizes: dict[str, int] = {}
    for i, (term, x) in enumerate(zip(terms, xs, strict=True)):
        own: dict[str, int] = {}
        for c, n in zip(term, x.shape, strict=True):
            known = sizes.get(c, 1)
            if own.setdefault(c, n) != n or (n != known and 1 not in (n, known)):
                raise ShapeError(f"label {c!r} in {subscripts!r} stands for {n} in operand {i} of shape {x.shape}, "
                                 f"and elsewhere for {known if own[c] == n else own[c]}")
            sizes[c] = n if known == 1 else known
    return Spec(tuple(sizes[c] for c in output), result_dtype(*(x.dtype for x in xs)))


def einsum_rule(g: Any, position: int, xs: list, shapes: list, subscripts: str, optimize: bool | str) -> Any:
    """The same einsum with g in the place of the operand, and the operand's labels as the output."""
    terms, output = split_terms(subscripts)
    others = [i for i in range(len(xs)) if i != position]
    factors, labels = [g, *(xs[i] for i in others)], [output, *(terms[i] for i in others)]
    known: dict[str, int] = {}
    for term, shape in zip(labels, [g.shape, *(shapes[i] for i in others)]):
        known.update((c, n) for c, n in zip(term, shape) if known.get(c, 1) == 1)
    spare = iter([c for c in ascii_letters if c not in subscripts])
    target = ""
    for c, n in zip(terms[position], shapes[position]):
        if c in target:  # twice on one operand: a diagonal was read
            twin = next(spare)
            factors.append(np.eye(n, dtype=g.dtype))
            labels.append(c + twin)
            target += twin
            continue
        target += c
        if c not in known or (n != 1 and known[c] != n):  # nothing else extends along this axis
            factors.append(np.ones(n, g.dtype))
            labels.append(c)
    return einsum_row(*factors, subscripts=",".join(labels) + "->" + target, optimize=optimize)


SAMPLES = ("ij,jk->ik", "ij,kj->", "ii->i", "ii->", "ij->j", "iji,i->j", "i,j,ij->ij", "bij,bjk->bki", ",i->i", "i->")


def einsum_samples(draw: Draw) -> Any:
    subscripts = draw.choice(SAMPLES)
    sizes = {c: draw.integer(1, 3) for c in "bijk"}
    thin = draw.flag() and not subscripts.startswith(("ii", "iji"))  # an axis of size 1 broadcasts
    shapes = [tuple(1 if thin and draw.integer(0, 3) == 0 else sizes[c] for c in term)
              for term in split_terms(subscripts)[0]]
    return tuple(map(draw.array, shapes)), {"subscripts": subscripts, "optimize": draw.flag()}


LARGE = 4096  # elements: from here on NumPy's own loops are up to ten times slower than the matrix products that
# optimize=True turns them into, and finding these costs nothing in comparison


def einsum_kernel(*xs: Any, subscripts: str, optimize: bool | str = False, out: Any = None) -> Any:
    if sum(x.size for x in xs) > LARGE and len(xs) > 1 and all(x.dtype.char in "fd" for x in xs):
        plan = as_matmul(subscripts) if len(xs) == 2 else None
        if plan and xs[0].dtype == xs[1].dtype and 1 not in xs[0].shape + xs[1].shape:  # which would broadcast
            left, right, axes, other_axes = plan
            return np.matmul(xs[left].transpose(axes), xs[right].transpose(other_axes), out=out)
        optimize = optimize or True
    y = np.einsum(subscripts, *xs, optimize=optimize, out=out)
    return y.copy() if len(xs) == 1 and np.may_share_memory(y, xs[0]) else y  # of one operand NumPy may give a view


def as_matmul(subscripts: str) -> tuple[int, int, tuple[int, ...], tuple[int, ...]] | None:
    """Of two operands (the left one's number, the right one's, how to order the axes of each) for np.matmul to do it.

    None where it is no product of matrices, or of stacks of matrices, as it is. NumPy's einsum would find this out at
    each call, which takes longer than small products do.

    >>> as_matmul("abz,acz->abc"), as_matmul("ij,ik->kj"), as_matmul("ij,ij->i")
    ((0, 1, (0, 1, 2), (0, 2, 1)), (1, 0, (1, 0), (0, 1)), None)
    """
    terms, output = split_terms(subscripts)
    if len(output) < 2 or any(len(set(term)) < len(term) for term in terms):
        return None
    stack, row, column = output[:-2], output[-2], output[-1]
    left = 0 if row in terms[0] else 1
    first, second = terms[left], terms[1 - left]
    summed = set(first) & set(second) - set(output)
    if len(summed) != 1 or {*first} != {*stack, row, *summed} or {*second} != {*stack, column, *summed}:
        return None
    wanted = (stack + row + min(summed), stack + min(summed) + column)
    axes, other_axes = (tuple(map(term.index, letters)) for term, letters in zip((first, second), wanted))
    return left, 1 - left, axes, other_axes


einsum_row = Op(einsum_kernel, name="einsum", spec=einsum_spec, vjp=einsum_rule, kind="contraction",
                samples=einsum_samples)


@implements(np.einsum)
def einsum(subscripts: str, *operands: Any, optimize: bool | str = False) -> Any:
    """Einstein's summation, by a string: repeated labels, '...' and an implicit output as in np.einsum.

    optimize: False, True, "greedy" or "optimal": how to order the products of three or more operands. Large arrays of
        floats are always multiplied as matrices where that is possible.

    >>> einsum("ij,ij->i", np.ones((2, 3)), np.ones((2, 3)))
    array([3., 3.])
    """
    if not isinstance(subscripts, str):
        raise TypeError(f"einsum: expected the subscripts as a string such as 'ij,jk->ik', got "
                        f"{type(subscripts).__name__}")
    if not isinstance(optimize, (bool, str)):
        raise TypeError(f"einsum: optimize must be True, False, 'greedy' or 'optimal', got {optimize!r}")
    xs = [value(x) for x in operands]
    return einsum_row(*xs, subscripts=spelled_out(subscripts, tuple(x.ndim for x in xs)), optimize=optimize)
