"""Indexing: x[...] as NumPy has it, and what goes the other way, from the picked elements into zeros.

Two pairs of rows, each the other's adjoint. Slices and integers pick a view: `get_item` and `place`. Integer arrays
pick copies, repeats included: `index` and `index_add`. A key is an attribute; index arrays are an operand, and IDS
stands in the key where they go.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..core.op import Op
from ..core.rowsparse import add_rows
from ..core.samples import Draw
from ..core.spec import Shape, Spec
from ..core.symbol import Symbol
from ..core.table import implements
from ..core.tensor import Tensor
from ..errors import ShapeError, TracingError
from .shape import broadcast_arrays, expand_dims, value

__all__ = ["getitem"]

IDS = "ids"
UNKNOWN = ("is not known until the model runs. Multiply by the mask or use np.where, which keep the shape; or call "
           "this code in a subclassed Model with compile(run_eagerly=True)")
Key = tuple[Any, ...]  # of ints, slices, None, Ellipsis and IDS


# -- what both pairs share ------------------------------------------------------------------------------------------


def picked_shape(shape: Shape, key: Key, drawn: Shape = ()) -> Shape:
    """The shape of x[key] for an x of this shape; `drawn` is the shape that the index arrays share.

    >>> picked_shape((4, 5, 6), (slice(1, None), None, 0)), picked_shape((4, 5), (IDS, IDS), (7,))
    ((3, 1, 6), (7,))
    """
    used = sum(k is not None and k is not Ellipsis for k in key)
    if used > len(shape):
        raise IndexError(f"too many indices: the shape {shape} has {len(shape)} axes, and {used} are indexed")
    if Ellipsis not in key:
        key = (*key, Ellipsis)
    advanced = IDS in key
    out: list[int] = []
    spots: list[int] = []  # of the key, where integers and index arrays stand
    axis = first = 0
    for spot, k in enumerate(key):
        if k is None:
            out.append(1)
        elif k is Ellipsis:
            out.extend(shape[axis:axis + len(shape) - used])
            axis += len(shape) - used
        else:
            if isinstance(k, slice):
                out.append(len(range(shape[axis])[k]))
            else:
                if k != IDS and not -shape[axis] <= k < shape[axis]:
                    raise IndexError(f"index {k} is out of range: axis {axis} of {shape} has size {shape[axis]}")
                first = first if spots else len(out)
                spots.append(spot)
            axis += 1
    if advanced:  # between slices, index arrays' axes come first; side by side, they stay in their place
        out[(first if spots[-1] - spots[0] < len(spots) else 0):0] = drawn
    return tuple(out)


def zeros(shape: Shape, dtype: Any, out: Any) -> Any:
    if out is None:
        return np.zeros(shape, dtype)
    out.fill(0)
    return out


# -- slices and integers --------------------------------------------------------------------------------------------


def place_kernel(x: Any, *, key: Key, shape: Shape, out: Any = None) -> Any:
    out = zeros(shape, x.dtype, out)
    out[key] = x
    return out


def place_spec(x: Spec, *, key: Key, shape: Shape) -> Spec:
    if x.shape != picked_shape(shape, key):
        raise ShapeError(f"x[{key}] of shape {shape} has shape {picked_shape(shape, key)}; got {x.shape} to put there")
    return Spec(shape, x.dtype)


def key_samples(draw: Draw) -> Any:
    x = draw.array(draw.shape(0, 3))
    slices = [slice(None), slice(None, None, -1), slice(1, None), slice(0, 3, 2)]

    def keys(sizes: Shape) -> list[Any]:
        return [draw.choice([*slices, draw.integer(-n, n - 1)]) for n in sizes]

    first = draw.integer(0, x.ndim)
    entries = keys(x.shape[:first])
    if draw.flag():
        entries += [Ellipsis, *keys(x.shape[draw.integer(first, x.ndim):])]
    if draw.flag():
        entries.insert(draw.integer(0, len(entries)), None)
    return (x,), {"key": tuple(entries)}


def place_samples(draw: Draw) -> Any:
    (x,), attrs = key_samples(draw)
    return (draw.array(picked_shape(x.shape, **attrs)),), {"shape": x.shape, **attrs}


getitem_row: Op = Op(lambda x, *, key: x[key], name="get_item", kind="view", samples=key_samples,
                     spec=lambda x, *, key: Spec(picked_shape(x.shape, key), x.dtype),
                     vjp=lambda g, x_shape, key: place(g, key=key, shape=x_shape),
                     doc="x[key] with slices and integers: a view.")

place: Op = Op(place_kernel, name="place", kind="movement", samples=place_samples, spec=place_spec,
               vjp=lambda g, key: g[key],
               doc="Zeros of `shape` but for x at `key`: the adjoint of x[key] with slices and integers.")


# -- index arrays ---------------------------------------------------------------------------------------------------


def filled_in(key: Key, ids: Any) -> Key:
    """The key with the index arrays in it: `ids` itself, or its parts along axis 0 if there are several."""
    arrays = iter((ids,) if key.count(IDS) == 1 else ids)
    return tuple(next(arrays) if k == IDS else k for k in key)


def drawn_shape(key: Key, ids: Spec) -> Shape:
    return ids.shape if key.count(IDS) == 1 else ids.shape[1:]


def along_one(key: Key) -> int | None:
    """The axis, if the key is one index array along it and nothing else."""
    return len(key) - 1 if key[-1] == IDS and all(k == slice(None) for k in key[:-1]) else None


def index_kernel(x: Any, ids: Any, *, key: Key) -> Any:
    axis = along_one(key)
    if axis is not None:
        return x.take(ids, axis)  # several times as fast
    y = x[filled_in(key, ids)]
    return y.copy() if np.may_share_memory(y, x) else y  # of single indices NumPy gives a view


def index_add_kernel(x: Any, ids: Any, *, key: Key, shape: Shape, out: Any = None) -> Any:
    out = zeros(shape, x.dtype, out)
    axis = along_one(key)
    if axis is not None:
        rows = x.reshape(*shape[:axis], ids.size, *shape[axis + 1:])
        add_rows(np.moveaxis(out, axis, 0), ids.reshape(-1) % max(shape[axis], 1), np.moveaxis(rows, axis, 0))
    else:
        np.add.at(out, filled_in(key, ids), x)
    return out


def index_add_spec(x: Spec, ids: Spec, *, key: Key, shape: Shape) -> Spec:
    expected = picked_shape(shape, key, drawn_shape(key, ids))
    if x.shape != expected:
        raise ShapeError(f"a value of shape {shape} indexed by {key} has shape {expected}; got {x.shape} to add there")
    return Spec(shape, x.dtype)


def index_samples(draw: Draw) -> Any:
    shape = draw.shape(1, 3)
    places = draw.choice([(0,), (len(shape) - 1,), tuple(range(len(shape))), (0, len(shape) - 1)])
    others = [slice(None), slice(None, None, -1), 0]
    key: list[Any] = [IDS if a in places else draw.choice(others) for a in range(len(shape))]
    if draw.flag():
        key.insert(draw.integer(0, len(key)), None)
    count = key.count(IDS)
    drawn = draw.shape(0, 2)
    ids = draw.ids(drawn if count == 1 else (count, *drawn), min(shape))  # repeats are likely
    return (draw.array(shape), ids - draw.flag()), {"key": tuple(key)}


def index_add_samples(draw: Draw) -> Any:
    (x, ids), attrs = index_samples(draw)
    shape = picked_shape(x.shape, attrs["key"], drawn_shape(attrs["key"], Spec(ids.shape, ids.dtype)))
    return (draw.array(shape), ids), {"shape": x.shape, **attrs}


index_row: Op = Op(index_kernel, name="index", kind="gather", samples=index_samples,
                   spec=lambda x, ids, *, key: Spec(picked_shape(x.shape, key, drawn_shape(key, ids)), x.dtype),
                   vjp=(lambda g, ids, x_shape, key: index_add(g, ids, key=key, shape=x_shape), None))

index_add: Op = Op(index_add_kernel, name="index_add", kind="scatter", samples=index_add_samples, spec=index_add_spec,
                   vjp=(lambda g, ids, key: index_row(g, ids, key=key), None),
                   doc="Zeros of `shape` with x added at the index arrays `ids`, repeats too: the adjoint of x[ids].")


# -- x[key] ---------------------------------------------------------------------------------------------------------


def entry(k: Any) -> Any:
    """One part of a key in its plain form: int, slice, None, Ellipsis or an array of integers or booleans."""
    if k is None or k is Ellipsis:
        return k
    if isinstance(k, slice):
        return slice(*(v if v is None else operator.index(v) for v in (k.start, k.stop, k.step)))
    if isinstance(k, (int, np.integer)) and not isinstance(k, bool):
        return int(k)
    array = k if isinstance(k, (Tensor, Symbol)) else np.asarray(k)
    if isinstance(k, (list, tuple)) and array.size == 0:
        array = array.astype(np.intp)
    if array.dtype.kind not in "iub":
        raise IndexError(f"an index must be an integer, a slice, None, ..., or an array of integers or booleans; got "
                         f"{type(k).__name__}" + (f" of dtype {array.dtype}" if hasattr(k, "dtype") else f" {k!r}"))
    if array.dtype.kind == "b":
        if isinstance(array, Symbol):
            raise TracingError(
                f"a boolean mask of shape {array.shape} was used as an index, but it is a Symbol: how many elements it "
                f"picks, and so the shape of the result, {UNKNOWN}")
        return array.numpy() if isinstance(array, Tensor) else array
    return array


@implements("getitem")
def getitem(x: Any, key: Any) -> Any:
    """x[key], with NumPy's basic and advanced indexing. An element picked several times gets the sum of the gradients.

    key: integers, slices, None, ..., arrays, lists or Tensors of integers, boolean masks, and tuples of these.

    Raises IndexError as NumPy does. On Symbols a mask must be a plain array: its result has no shape otherwise.

    >>> getitem(np.arange(10), slice(2, 8, 3))
    array([2, 5])
    """
    x = value(x)
    entries = [entry(k) for k in key] if isinstance(key, tuple) else [entry(key)]
    if not any(hasattr(k, "dtype") for k in entries):
        return getitem_row(x, key=tuple(entries))
    used = sum(k.ndim if is_mask(k) else k is not None and k is not Ellipsis for k in entries)
    plain: list[Any] = []
    arrays: list[Any] = []
    axis = 0
    for k in entries:
        if k is Ellipsis:
            axis += x.ndim - used
        elif is_mask(k):
            if k.ndim == 0:  # one truth value: an axis of its own, with one element or none
                x = expand_dims(x, axis)
                k = k[None]
            check_mask(k, x.shape, axis)
            arrays += k.nonzero()
            plain += [IDS] * k.ndim
            axis += k.ndim
            continue
        elif hasattr(k, "dtype"):
            arrays.append(k)
            k = IDS
        plain.append(k)
        axis += k is not None and k is not Ellipsis
    return index_row(x, arrays[0] if len(arrays) == 1 else together(arrays), key=tuple(plain))


def is_mask(k: Any) -> bool:
    return hasattr(k, "dtype") and k.dtype.kind == "b"


def check_mask(mask: np.ndarray, shape: tuple, axis: int) -> None:
    for i, (n, m) in enumerate(zip(mask.shape, shape[axis:]), axis):
        if m is not None and n != m:
            raise IndexError(f"a boolean mask of shape {mask.shape} does not fit: axis {i} of {shape} has size {m}")


def together(arrays: list) -> Any:
    """Several index arrays, broadcast, as one: along axis 0."""
    from .join import stack  # late: splitting, in that room, is slicing

    arrays = [a.astype(np.intp) if isinstance(a, np.ndarray) else a for a in arrays]
    try:
        return stack(broadcast_arrays(*arrays))
    except ShapeError as error:
        raise IndexError(f"index arrays that do not fit together: {error}") from error
