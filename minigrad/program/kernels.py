"""Kernels for whole rows of the op table: loops of row_loops.py in place of NumPy's kernels, where they are faster.

A kernel takes what the row's NumPy kernel takes (operands, attributes by name, `out`) and agrees with it, but for
the last digits of sums. Where it finds a wrong id or label, it has the NumPy kernel say so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import getsource
from math import prod
from typing import Any
from weakref import ref

import numpy as np

from ..core.node import Node
from ..core.op import Op
from ..core.spec import Shape, Spec, spec_of
from ..core.symbol import Symbol
from ..ops.bags import bag_scatter, bag_sum
from ..ops.distinct import distinct
from ..ops.gather import counts, gather, gather_sum, scatter_add
from ..ops.logits import prediction_error, soft_row, sparse_row
from ..ops.probabilities import loss_row, slope_row
from . import jit, row_loops
from .halves import in_halves, pays

Kernel = Callable[..., Any]
Maker = Callable[[Node], Kernel | None]
KERNELS: dict[Op, Maker] = {}  # what makes the kernel for a node of that row; None where NumPy is as fast

FLOATS = (np.float32, np.float64)
IDS = (np.int32, np.int64)


def kernel_for(node: Node) -> Kernel | None:
    """The kernel for a node that was drawn on Symbols; None if its row has none, or none for such operands."""
    maker = KERNELS.get(node.fn)
    return maker(node) if maker else None


def kernel(row: Op) -> Callable[[Maker], Maker]:
    """Decorator: this makes the kernels of that row."""

    def register(maker: Maker) -> Maker:
        KERNELS[row] = maker
        return maker

    return register


def finite(x: Spec) -> Kernel:
    """A function of an array of floats of this spec: 1 if all of them are finite, else 0.

    Of 64 numbers it takes 0.1 µs, where NumPy takes 1.3; of a million as long as NumPy.
    """
    return bound(row_loops.finite, (x, 1))


# -- softmax and cross-entropy ----------------------------------------------------------------------------------------

MOST_CLASSES = 64  # with more NumPy's reductions, which are SIMD code, are as fast


@kernel(soft_row)
def make_softmax(node: Node) -> Kernel | None:
    (x,) = specs(node)
    if not is_narrow(x) or node.attrs.get("axis", -1) not in (-1, x.ndim - 1):
        return None
    powers, divide = powers_of(x)[0], bound(row_loops.divide, (x, 2))

    def softmax(x: Any, *, axis: int = -1, out: Any = None) -> Any:
        out = np.empty(x.shape, x.dtype) if out is None else out
        powers(x, out)
        divide(out)
        return out

    return softmax


@kernel(prediction_error)
def make_prediction_error(node: Node) -> Kernel | None:
    x, labels = specs(node)
    if not is_narrow(x) or labels.dtype not in IDS:
        return None
    powers, divide = powers_of(x)[0], bound(row_loops.divide, (x, 2))
    less_one = bound(row_loops.less_one, (labels, 1), (x, 2))

    def run(x: Any, labels: Any, out: Any) -> int:
        powers(x, out)
        divide(out)
        return less_one(labels, out)

    return checking(node, run)


@kernel(sparse_row)
def make_sparse_softmax_cross_entropy(node: Node) -> Kernel | None:
    x, labels = specs(node)
    if not is_narrow(x) or labels.dtype not in IDS:
        return None
    powers, tops = powers_of(x)
    log_loss = bound(row_loops.log_loss, (x, 2), (x, 2), (spec_of(tops), 1), (labels, 1), (node.out[0], 1))
    e = np.empty(x.shape, x.dtype)

    def run(x: Any, labels: Any, out: Any) -> int:
        powers(x, e)
        return log_loss(x, e, tops, labels, out)

    return checking(node, run)


def powers_of(x: Spec) -> tuple[Kernel, np.ndarray]:
    """A function of x and `out`, for e**(x - the greatest of its row), and where it leaves the greatest."""
    tops = np.empty(prod(x.shape[:-1]), x.dtype)
    lowest = np.finfo(x.dtype).min
    shift = bound(row_loops.shift, type(lowest), (x, 2), (x, 2), (spec_of(tops), 1))

    def powers(x: Any, out: Any) -> None:
        shift(lowest, x, out, tops)
        np.exp(out, out)

    return powers, tops


@kernel(loss_row)
def make_sparse_cross_entropy(node: Node) -> Kernel | None:
    return clipped(node, row_loops.sparse_cross_entropy, (node.out[0], 1))


@kernel(slope_row)
def make_slope(node: Node) -> Kernel | None:
    return clipped(node, row_loops.sparse_cross_entropy_slope, (node.out[0], 2))


def clipped(node: Node, function: Kernel, out: tuple[Spec, int]) -> Kernel | None:
    """The kernel of a row that clips probabilities; `function` has the limits as its first arguments."""
    p, labels = specs(node)
    if not is_narrow(p) or labels.dtype not in IDS:
        return None
    limits = [p.dtype.type(node.attrs["epsilon"]), p.dtype.type(1 - node.attrs["epsilon"])]
    return checking(node, partial(bound(function, *map(type, limits), (p, 2), (labels, 1), out), *limits))


def is_narrow(x: Spec) -> bool:
    """Whether the loops over classes take such scores."""
    return x.dtype in FLOATS and x.shape[-1] <= MOST_CLASSES


# -- rows of tables ---------------------------------------------------------------------------------------------------


@kernel(gather)
def make_gather(node: Node) -> Kernel | None:
    table, ids = specs(node)
    if not is_lookup(table, ids):
        return None
    return checking(node, bound(row_loops.gather, (table, 2), (ids, 1), (node.out[0], 2)))


@kernel(gather_sum)
def make_gather_sum(node: Node) -> Kernel | None:
    table, ids = specs(node)
    if not is_lookup(table, ids):
        return None
    return checking(node, on_zeros(bound(row_loops.gather_sum, (table, 2), (ids, 2), (node.out[0], 2))))


@kernel(bag_sum)
def make_bag_sum(node: Node) -> Kernel | None:
    table, ids, weights = specs(node)
    if not is_lookup(table, ids) or weights.dtype != table.dtype:
        return None
    loop = bound(row_loops.bag_sum, (table, 2), (ids, 2), (weights, 2), (node.out[0], 2))
    return checking(node, on_zeros(loop))


@kernel(bag_scatter)
def make_bag_scatter(node: Node) -> Kernel | None:
    x, ids, weights = specs(node)
    if not is_lookup(node.out[0], ids) or not x.dtype == weights.dtype == node.out[0].dtype:
        return None
    loop = bound(row_loops.bag_scatter, (x, 2), (ids, 2), (weights, 2), (node.out[0], 2))
    return checking(node, on_zeros(loop))


SMALL, LONG = 2**15, 512  # a table of so many numbers is summed up in float64 if there are more ids than this


@kernel(scatter_add)
def make_scatter_add(node: Node) -> Kernel | None:
    """The rows may be a view, with steps between them or the same memory for several: they are read where they lie."""
    rows, ids = specs(node)
    table = node.out[0]
    if not is_lookup(table, ids):
        return None
    if ids.ndim > 2:  # two axes at most; reshape makes a copy only if it must
        ids = Spec((prod(ids.shape[:-1]), ids.shape[-1]), ids.dtype)
        run = summing(Spec((*ids.shape, table.shape[1]), rows.dtype), ids, table)
        return checking(node, lambda r, i, out: run(r.reshape(*ids.shape, table.shape[1]), i.reshape(ids.shape), out))
    return checking(node, summing(rows, ids, table))


def summing(rows: Spec, ids: Spec, table: Spec) -> Kernel:
    """A function of rows, ids and the table of their sums."""
    if table.dtype == np.float64 or prod(table.shape) > SMALL or prod(ids.shape) <= LONG:
        return on_zeros(bound(row_loops.scatter_add, (rows, 3), (ids, 2), (table, 2)))
    sums = np.empty(table.shape)
    run = bound(row_loops.scatter_add, (rows, 3), (ids, 2), (spec_of(sums), 2))

    def add(rows: Any, ids: Any, out: Any) -> int:
        sums.fill(0)
        wrong = run(rows, ids, sums)
        np.copyto(out, sums, "same_kind")
        return wrong

    return add


@kernel(counts)
def make_counts(node: Node) -> Kernel | None:
    (ids,) = specs(node)
    if ids.dtype not in IDS or node.out[0].dtype not in FLOATS:
        return None
    return checking(node, on_zeros(bound(row_loops.counts, (ids, 2), (node.out[0], 2))))


@kernel(distinct)
def make_distinct(node: Node) -> Kernel | None:
    (ids,) = specs(node)
    if ids.dtype not in IDS:
        return None
    room = np.empty((2, 1 << max(4, 2 * prod(ids.shape) - 1).bit_length()), np.int64)
    loop = bound(row_loops.distinct, (ids, 1), (node.out[0], 2), (spec_of(room[0]), 1), (spec_of(room[1]), 1))
    return checking(node, lambda ids, out: loop(ids, out, room[0], room[1]))


def compile_lag(table: Any) -> None:
    """Let a loop bring the rows of a table that lags behind up to date, if none does it yet."""
    lag = table.lag
    if lag.loop is not None:
        return
    loop = jit.compiled(getsource(row_loops.catch_up), "catch_up")
    idle, dtype, owner = lag.idle, table.dtype, ref(table)
    none, room = np.empty((0, 0), dtype), np.empty((2, 3, table.shape[1]), dtype)
    over = idle.over
    rest = next((name for name in idle.fades if name not in (idle.push, over)), None)
    fades = [np.log(max(idle.fades[name], 1e-300)) if name else 0.0 for name in (idle.push, over, rest)]

    def run(ids: np.ndarray) -> None:
        table = owner()
        assert table is not None
        slots = [lag.slots[name] if name else none for name in (idle.push, over, rest)]
        known = lag.now, lag.seen, lag.products, lag.sums, dtype.type(idle.epsilon), table._values, *slots, *fades
        if pays(ids.size * table.shape[1]):
            in_halves(lambda: loop(ids, 0, 2, *known, *room[0]), lambda: loop(ids, 1, 2, *known, *room[1]))
        else:
            loop(ids, 0, 1, *known, *room[0])

    lag.loop = run


def on_zeros(run: Kernel) -> Kernel:
    """The function that adds to its last argument, to zeros."""

    def run_on_zeros(*arguments: Any) -> int:
        arguments[-1].fill(0)
        return run(*arguments)

    return run_on_zeros


def is_lookup(table: Spec, ids: Spec) -> bool:
    """Whether the loops take such a table and ids."""
    return table.ndim == 2 and table.dtype in FLOATS and ids.dtype in IDS


# -- making kernels ---------------------------------------------------------------------------------------------------


def checking(node: Node, run: Kernel) -> Kernel:
    """The kernel that calls `run(*operands, out)`; if it says that something is wrong, NumPy's has to say what."""
    numpy_kernel, (shape, dtype) = node.fn.kernel, node.out[0]

    def call(*operands: Any, out: Any = None, **attrs: Any) -> Any:
        out = np.empty(shape, dtype) if out is None else out
        if run(*operands, out):
            return numpy_kernel(*operands, **attrs, out=out)
        return out

    return call


def specs(node: Node) -> list[Spec]:
    """The specs of a node's operands."""
    return [x.specs[0] if isinstance(x, Symbol) else spec_of(x) for x in node.inputs]


def bound(function: Kernel, *arguments: Any) -> Kernel:
    """A loop of row_loops.py for such arguments: types of numbers, and for arrays (spec, how many axes the loop sees).

    Of more axes the first ones are seen as one; where there are fewer, axes of size 1 come before them.
    """
    loop = jit.compiled(getsource(function), function.__name__)
    shapes = [None if isinstance(a, type) or a[0].ndim == a[1] else seen_as(a[0].shape, a[1]) for a in arguments]
    if not any(shapes):
        return loop

    def call(*values: Any) -> int:
        return loop(*[x if shape is None else x.reshape(shape) for x, shape in zip(values, shapes)])

    return call


def seen_as(shape: Shape, axes: int) -> Shape:
    """
    >>> seen_as((2, 3, 4), 2), seen_as((4,), 2)
    ((6, 4), (1, 4))
    """
    more = len(shape) - axes
    return (prod(shape[: more + 1]), *shape[more + 1 :]) if more > 0 else (1,) * -more + shape
