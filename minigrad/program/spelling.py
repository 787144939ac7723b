"""How a value and an op are spelled in a program: as NumPy where NumPy has an expression for what the op's kernel does.

Each spelling gives the numbers of the kernel, to the bit. What is not here is called by its kernel's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ..core.legacy import kernel_of
from ..core.table import ROWS
from ..core.tensor import Variable
from ..ops.families import reduced_count
from ..ops.index import along_one
from ..ops.shape import SMALL
from .step import Step


class Unspelled(Exception):
    """What was to be spelled has no text: its op is called by name, and the value stands in the namespace."""


# -- values -----------------------------------------------------------------------------------------------------------


def literal(value: Any) -> str | None:
    """A number, a plain string, None, or a tuple or slice of these, as text; None for anything else.

    Of the plain types alone: a NumPy number is strong where a Python number is weak.
    """
    try:
        return plain(value)
    except Unspelled:
        return None


def plain(value: Any) -> str:
    """The same; Unspelled for anything else."""
    if value is None or type(value) in (bool, int):
        return repr(value)
    if type(value) is float:
        return repr(value) if np.isfinite(value) else f"float('{value}')"
    if type(value) is str and re.fullmatch(r"[A-Za-z0-9_,.\->]{0,80}", value):
        return repr(value)
    if value is Ellipsis:
        return "..."
    if isinstance(value, np.dtype):
        return f"np.dtype('{value.name}')"
    if type(value) is slice:
        return f"slice({', '.join(plain(v) for v in (value.start, value.stop, value.step))})"
    if type(value) is tuple:
        return listed([plain(v) for v in value])
    raise Unspelled


def constant(value: Any) -> str | None:
    """A NumPy number, or an array of one and the same number, as text; None for anything else.

    >>> constant(np.float32(0.5)), constant(np.zeros((2, 3))), constant(np.broadcast_to(1.0, 4))
    ('np.float32(0.5)', 'np.full((2, 3), 0.0, np.float64)', 'np.broadcast_to(np.float64(1.0), (4,))')
    """
    dtype = NUMBERS.get(str(getattr(value, "dtype", "")))
    if dtype is None or type(value) not in (np.ndarray, value.dtype.type) or not value.size:
        return None
    first = value.reshape(-1)[0]
    if not (value == first).all() or np.signbit(value).any() != np.signbit(first):
        return None
    text, shape = plain(first.item()), plain(value.shape)
    if type(value) is not np.ndarray:
        return f"{dtype}({text})"
    if value.ndim and not any(value.strides):
        return f"np.broadcast_to({dtype}({text}), {shape})"
    return f"np.full({shape}, {text}, {dtype})"


NUMBERS = {t: f"np.{t}" for t in ("float32", "float64", "int32", "int64")}


def listed(texts: Sequence[str]) -> str:
    """A tuple's text."""
    return f"({', '.join(texts)}{',' * (len(texts) == 1)})"


def index(key: tuple) -> str:
    """What stands between the brackets.

    >>> index((slice(None), slice(2, -1), None, 3, ..., slice(None, None, -1)))
    ':, 2:-1, None, 3, ..., ::-1'
    """
    return ", ".join(map(cut, key)) or "()"


def cut(place: Any) -> str:
    if type(place) is not slice:
        return plain(place)
    start, stop, step = ("" if v is None else plain(v) for v in (place.start, place.stop, place.step))
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"


# -- ops --------------------------------------------------------------------------------------------------------------


def spelled(step: Step, words: list[str], out: str) -> str | None:
    """The expression for a step, from those for its operands and for where the result goes (if it fills a buffer)."""
    op = step.node.fn
    write = SPELLINGS.get(op.name)
    if write is None or ROWS[op.name] is not op or kernel_of(step.node) is not op.kernel:
        return None  # there is another op of that name, or an old NumPy needs help with dtypes
    try:
        return write(step, out, *words)
    except Unspelled:
        return None


Spelling = Callable[..., str]  # of the step, where its result goes, and its operands


def call(function: str, *names: str) -> Spelling:
    """`np.f(x, axis=0, out=...)`: the function called on the operands, and on these attributes."""

    def write(step: Step, out: str, *words: str) -> str:
        attributes = attributes_of(step)
        return joined(function, *words, *(f"{n}={plain(attributes[n])}" for n in names), out and f"out={out}")

    return write


def joined(function: str, *words: str) -> str:
    return f"{function}({', '.join(filter(None, words))})"


def attributes_of(step: Step) -> dict[str, Any]:
    return step.node.fn.defaults | step.node.attrs


def reduce(ufunc: str) -> Spelling:
    """`np.add.reduce(x, axis=0, out=...)`."""

    def write(step: Step, out: str, x: str) -> str:
        return joined(f"np.{ufunc}.reduce", x, *over(step), f"out={out}")

    return write


def over(step: Step) -> list[str]:
    """A reduction's axis and keepdims, as arguments."""
    if np.dtype(step.node.inputs[0].dtype).char == "e":
        raise Unspelled  # float16 is summed in float32
    axis = step.node.attrs.get("axis")
    axis = axis[0] if type(axis) is tuple and len(axis) == 1 else axis
    keepdims = step.node.attrs.get("keepdims", False)
    return [f"axis={plain(axis)}", f"keepdims={plain(keepdims)}" if keepdims else ""]


def mean(step: Step, out: str, x: str) -> str:
    count = reduced_count(step.node.inputs[0].shape, step.node.attrs.get("axis"))
    return f"np.divide({joined('np.add.reduce', x, *over(step))}, {count}, out={out})"


def reshape(step: Step, out: str, x: str) -> str:
    return f"{x}.reshape({', '.join(map(str, step.spec.shape)) or '()'})"


def transpose(step: Step, out: str, x: str) -> str:
    axes = step.node.attrs.get("axes") or tuple(range(len(step.spec.shape)))[::-1]
    reverse = axes == tuple(range(len(axes)))[::-1]
    return f"{x}.T" if reverse else f"{x}.transpose({', '.join(map(plain, axes))})"


def broadcast_to(step: Step, out: str, x: str) -> str:
    if prod(step.spec.shape) <= SMALL:
        raise Unspelled  # np.broadcast_to would take longer than its kernel's copy
    return f"np.broadcast_to({x}, {plain(step.spec.shape)})"


def flip(step: Step, out: str, x: str) -> str:
    axes = step.node.attrs["axis"]
    return f"{x}[{index(tuple(slice(None, None, -1 if a in axes else None) for a in range(len(step.spec.shape))))}]"


def take(step: Step, out: str, x: str, ids: str) -> str:
    axis = along_one(step.node.attrs["key"])
    if axis is None:
        raise Unspelled
    return f"{x}.take({ids}, axis={axis})"


def matmul(step: Step, out: str, x: str, y: str) -> str:
    """np.dot, where it gives the same bits in half the time: on two whole matrices."""
    whole = all(len(a.shape) == 2 and 0 not in a.shape and a.dtype == step.spec.dtype for a in step.node.inputs)
    fast = whole and step.spec.dtype in (np.float32, np.float64) and all(map(packed, step.args))
    return f"np.{'dot' if fast else 'matmul'}({x}, {y}, out={out})"


def packed(x: Any) -> bool:
    """Whether a matrix surely lies in memory without gaps, its rows or its columns one after the other."""
    if isinstance(x, Step):
        return x.owns or (x.node.fn.name in ("transpose", "reshape") and packed(x.args[0]))
    return isinstance(x, Variable)


SPELLINGS: dict[str, Spelling] = {
    # views
    "reshape": reshape, "reshape_rows": reshape, "expand_dims": reshape, "squeeze": reshape,
    "transpose": transpose,
    "get_item": lambda step, out, x: f"{x}[{index(step.node.attrs['key'])}]",
    "flip": flip,
    "broadcast_to": broadcast_to,
    "stop_gradient": call("np.asarray"),
    # elementwise
    "relu": lambda step, out, x: f"np.maximum({x}, 0, out={out})",
    "clip": lambda step, out, x, low, high: f"np.minimum(np.maximum({x}, {low}, out={out}), {high}, out={out})",
    "copy": call("np.positive"),
    "cast": lambda step, out, x: f"np.copyto({out}, {x}, casting='unsafe')",
    "cast_to_integer": lambda step, out, x: f"np.copyto({out}, {x}, casting='unsafe')",
    "full_like": lambda step, out, x: f"{out}.fill({plain(step.node.attrs['value'])})",
    "round": call("np.round", "decimals"),
    "nan_to_num": call("np.nan_to_num", "nan", "posinf", "neginf"),
    # reductions
    "sum": reduce("add"), "prod": reduce("multiply"), "max": reduce("maximum"), "min": reduce("minimum"),
    "any": reduce("logical_or"), "all": reduce("logical_and"),
    "mean": mean,
    "argmax": call("np.argmax", "axis", "keepdims"),
    "argmin": call("np.argmin", "axis", "keepdims"),
    # products
    "matmul": matmul,
    "tensordot": call("np.tensordot", "axes"),
    "convolve": call("np.convolve"),
    # movement
    "concatenate": lambda step, out, *xs: f"np.concatenate({listed(xs)}, axis={plain(axis_of(step))}, out={out})",
    "stack": lambda step, out, *xs: f"np.stack({listed(xs)}, axis={plain(axis_of(step))}, out={out})",
    "roll": call("np.roll", "shift", "axis"),
    "repeat": call("np.repeat", "repeats", "axis"),
    "tile": call("np.tile", "reps"),
    "tril": call("np.tril", "k"), "triu": call("np.triu", "k"),
    # picking and sorting
    "index": take,
    "take_along_axis": call("np.take_along_axis", "axis"),
    "sort": lambda step, out, x: f"np.sort({x}, axis={plain(axis_of(step))}, kind='stable')",
    "argsort": lambda step, out, x: f"np.argsort({x}, axis={plain(axis_of(step))}, kind='stable')",
    "searchsorted": call("np.searchsorted", "side"),
}  # fmt: skip


def axis_of(step: Step) -> Any:
    return attributes_of(step)["axis"]
