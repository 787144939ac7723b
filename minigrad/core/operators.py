"""Operators and methods that Tensor and Symbol share: each is NumPy's function of that name.

A call of NumPy's own function comes here through its two override protocols, and the op table answers. So there is
one list of functions to know, NumPy's, and it works on arrays, Tensors and Symbols alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import CO_VARKEYWORDS
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from .table import ACCUMULATIONS, FUNCTIONS, REDUCTIONS, UFUNCS, absent

if TYPE_CHECKING:
    from typing import Self

Axis = int | tuple[int, ...] | None
WRITING = ("byteswap", "fill", "partition", "put", "resize", "setfield", "setflags", "sort")

Operator = Callable[[Any, Any], Any]


def binary(ufunc: np.ufunc) -> tuple[Operator, Operator]:
    """An operator and its reflection. They ask the table directly: NumPy's protocol would get there too, later."""

    def operator(self: Any, other: Any) -> Any:
        return UFUNCS[ufunc](self, other)

    def reflected(self: Any, other: Any) -> Any:
        return UFUNCS[ufunc](other, self)

    return operator, reflected


def unary(ufunc: np.ufunc) -> Callable[[Any], Any]:
    return lambda self: UFUNCS[ufunc](self)


def title(function: Any, method: str = "__call__") -> str:
    """`np.linalg.norm`, `np.add.reduce`: what the user wrote."""
    module = "np" if isinstance(function, np.ufunc) else function.__module__.replace("numpy", "np", 1)
    return f"{module}.{function.__name__}" + ("" if method == "__call__" else f".{method}")


def known(front: Callable[..., Any], kwargs: dict[str, Any], *called: Any) -> dict[str, Any]:
    """The keyword arguments that a front takes, less those that are not set; TypeError, with the title of what was
    `called`, for one that has no counterpart here.

    >>> known(lambda a, axis=None: a, {"axis": 0, "out": None}, np.sum)
    {'axis': 0}
    """
    code = getattr(front, "__code__", None)
    if code is None:  # an op, which speaks for itself
        return kwargs
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    for name, value in list(kwargs.items()):
        taken = name in names or code.co_flags & CO_VARKEYWORDS
        if value is np._NoValue or (value is None and not taken):
            del kwargs[name]
        elif not taken:
            hint = {"out": "; they are immutable: use the result", "where": "; for where= use np.where"}.get(name, "")
            raise TypeError(
                f"{title(*called)} with {name}= does not work on Tensors and Symbols, which take "
                f"{', '.join(names)}{hint}"
            )
    return kwargs


class Operators:
    """Base of Tensor and Symbol; they add `shape` and `dtype`."""

    __slots__ = ()

    shape: Any
    dtype: Any

    # -- NumPy's protocols ---------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if kwargs.get("out") is not None:
            raise TypeError(f"np.{ufunc.__name__} with out=: Tensors are immutable; use the result instead")
        if method == "__call__":
            front = UFUNCS.get(ufunc)
            if kwargs:
                raise TypeError(
                    f"np.{ufunc.__name__} with {next(iter(kwargs))}= does not work on Tensors and Symbols; for where= "
                    "use np.where on the result, for dtype= use .astype"
                )
        elif method == "reduce":
            front = REDUCTIONS.get(ufunc)
            kwargs.setdefault("axis", 0)
        elif method == "accumulate":
            front = ACCUMULATIONS.get(ufunc)
            kwargs.setdefault("axis", 0)
        elif method == "outer":
            front = UFUNCS.get(ufunc)
            x, y = (z if hasattr(z, "shape") else np.asarray(z) for z in inputs)
            inputs = (x[(..., *(None,) * y.ndim)], y)
        else:
            front = None
        if front is None:
            raise absent(title(ufunc, method))
        return front(*inputs, **known(front, kwargs, ufunc, method)) if kwargs else front(*inputs)

    def __array_function__(self, func: Callable, types: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        front = FUNCTIONS.get(func)
        if front is None:
            raise absent(title(func))
        return front(*args, **known(front, kwargs, func)) if kwargs else front(*args)

    def __getattr__(self, name: str) -> NoReturn:
        kind = type(self).__name__
        hint = ""
        if name in WRITING:
            hint = f": it is immutable, and ndarray's {name} writes in place. np.{name}(x), if any, makes a new one"
        elif hasattr(np.ndarray, name):
            hint = f". If no gradient is wanted, take x.numpy().{name}"
        raise AttributeError(f"{kind} has no attribute {name!r}{hint}", name=name, obj=self)

    # -- operators ------------------------------------------------------------------------------------------------

    __add__, __radd__ = binary(np.add)
    __sub__, __rsub__ = binary(np.subtract)
    __mul__, __rmul__ = binary(np.multiply)
    __truediv__, __rtruediv__ = binary(np.true_divide)
    __floordiv__, __rfloordiv__ = binary(np.floor_divide)
    __mod__, __rmod__ = binary(np.remainder)
    __pow__, __rpow__ = binary(np.power)
    __matmul__, __rmatmul__ = binary(np.matmul)
    __and__, __rand__ = binary(np.bitwise_and)
    __or__, __ror__ = binary(np.bitwise_or)
    __xor__, __rxor__ = binary(np.bitwise_xor)
    __lt__ = binary(np.less)[0]
    __le__ = binary(np.less_equal)[0]
    __gt__ = binary(np.greater)[0]
    __ge__ = binary(np.greater_equal)[0]
    __eq__ = binary(np.equal)[0]
    __ne__ = binary(np.not_equal)[0]
    __lshift__, __rlshift__ = binary(np.left_shift)
    __rshift__, __rrshift__ = binary(np.right_shift)
    __divmod__, __rdivmod__ = binary(np.divmod)
    __neg__ = unary(np.negative)
    __pos__ = unary(np.positive)
    __abs__ = unary(np.absolute)
    __invert__ = unary(np.invert)

    __hash__ = object.__hash__  # by identity: `==` is elementwise

    def __getitem__(self, key: Any) -> Self:
        return FUNCTIONS["getitem"](self, key)

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is immutable: instead of x[i] = v write np.where(mask, v, x), or build "
            "the parts and np.concatenate them; a Variable has .assign()"
        )

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"len() of a {type(self).__name__} without axes")
        return self.shape[0]

    def __iter__(self) -> Iterator[Self]:
        if not self.shape:
            raise TypeError(f"iteration over a {type(self).__name__} without axes")
        return (self[i] for i in range(len(self)))

    # -- methods, as of ndarray -----------------------------------------------------------------------------------

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def T(self) -> Self:
        """All axes in reverse order."""
        return FUNCTIONS[np.transpose](self)

    @property
    def mT(self) -> Self:
        """The last two axes swapped."""
        return FUNCTIONS[np.swapaxes](self, -1, -2)

    def sum(self, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Self:
        return FUNCTIONS[np.sum](self, axis=axis, dtype=dtype, keepdims=keepdims)

    def mean(self, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Self:
        return FUNCTIONS[np.mean](self, axis=axis, dtype=dtype, keepdims=keepdims)

    def prod(self, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Self:
        return FUNCTIONS[np.prod](self, axis=axis, dtype=dtype, keepdims=keepdims)

    def max(self, axis: Axis = None, keepdims: bool = False) -> Self:
        return FUNCTIONS[np.max](self, axis=axis, keepdims=keepdims)

    def min(self, axis: Axis = None, keepdims: bool = False) -> Self:
        return FUNCTIONS[np.min](self, axis=axis, keepdims=keepdims)

    def var(self, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Self:
        return FUNCTIONS[np.var](self, axis=axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Self:
        return FUNCTIONS[np.std](self, axis=axis, ddof=ddof, keepdims=keepdims)

    def any(self, axis: Axis = None, keepdims: bool = False) -> Self:
        return FUNCTIONS[np.any](self, axis=axis, keepdims=keepdims)

    def all(self, axis: Axis = None, keepdims: bool = False) -> Self:
        return FUNCTIONS[np.all](self, axis=axis, keepdims=keepdims)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Self:
        return FUNCTIONS[np.argmax](self, axis=axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Self:
        return FUNCTIONS[np.argmin](self, axis=axis, keepdims=keepdims)

    def cumsum(self, axis: int | None = None) -> Self:
        return FUNCTIONS[np.cumsum](self, axis=axis)

    def cumprod(self, axis: int | None = None) -> Self:
        return FUNCTIONS[np.cumprod](self, axis=axis)

    def reshape(self, *shape: Any) -> Self:
        return FUNCTIONS[np.reshape](self, shape[0] if len(shape) == 1 else shape)

    def ravel(self) -> Self:
        return FUNCTIONS[np.reshape](self, -1)

    flatten = ravel

    def transpose(self, *axes: Any) -> Self:
        return FUNCTIONS[np.transpose](self, (axes[0] if len(axes) == 1 else axes) or None)

    def swapaxes(self, axis1: int, axis2: int) -> Self:
        return FUNCTIONS[np.swapaxes](self, axis1, axis2)

    def squeeze(self, axis: Axis = None) -> Self:
        return FUNCTIONS[np.squeeze](self, axis=axis)

    def astype(self, dtype: Any) -> Self:
        """Cast; a gradient passes from one float dtype to another and stops at integers."""
        return FUNCTIONS["astype"](self, dtype)

    def clip(self, min: Any = None, max: Any = None) -> Self:
        return FUNCTIONS[np.clip](self, min, max)

    def round(self, decimals: int = 0) -> Self:
        return FUNCTIONS[np.round](self, decimals)

    def dot(self, other: Any) -> Self:
        return FUNCTIONS[np.dot](self, other)

    def take(self, indices: Any, axis: int | None = None) -> Self:
        return FUNCTIONS[np.take](self, indices, axis=axis)

    def repeat(self, repeats: Any, axis: int | None = None) -> Self:
        return FUNCTIONS[np.repeat](self, repeats, axis=axis)

    def argsort(self, axis: int = -1) -> Self:
        return FUNCTIONS[np.argsort](self, axis=axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        return FUNCTIONS[np.diagonal](self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        return FUNCTIONS[np.trace](self, offset, axis1, axis2)

    def detach(self) -> Self:
        """The same value, cut off: no gradient flows back through it."""
        return FUNCTIONS["stop_gradient"](self)
