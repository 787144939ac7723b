"""A tensor is an immutable array that remembers how it was made."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import config
from ..errors import DTypeError, GradientError, ShapeError, TracingError
from .mode import MODE
from .node import Node, next_tick
from .operators import Operators
from .spec import Shape


class Tensor(Operators):
    """An n-dimensional array with reverse-mode automatic differentiation.

    data: anything that np.array takes; copied. Floats without a dtype of their own (Python numbers, lists) become
        `config.floatx()`; arrays keep theirs.
    requires_grad: a leaf whose gradient `.backward()` leaves in `.grad`. Needs a float dtype.

    Raises DTypeError when a gradient is asked of integers.

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4., 6.], dtype=float32)
    """

    __slots__ = ("__weakref__", "_data", "_hooks", "grad", "mask", "node", "requires_grad")

    _hooks: list | None
    _data: np.ndarray
    node: Node | None
    grad: Any
    mask: Any  # which time steps count, as a Tensor of booleans, or None: layers make it, read it and pass it on
    requires_grad: bool

    def __init__(self, data: Any, requires_grad: bool = False, dtype: Any = None) -> None:
        if isinstance(data, Tensor):
            data = data._data
        array = np.array(data, dtype=dtype)
        if dtype is None and not hasattr(data, "dtype") and array.dtype == np.float64:
            array = array.astype(config.floatx())
        if array.dtype.kind not in "fiubc":
            raise DTypeError(
                f"Tensor: cannot hold {array.dtype} (from {type(data).__name__}); expected numbers or booleans"
            )
        if requires_grad and array.dtype.kind != "f":
            raise DTypeError(
                f"Tensor: requires_grad=True needs a float dtype, got {array.dtype}: integers have no "
                "derivative. Use .astype(np.float32), or leave requires_grad out"
            )
        self._data = array
        self.node = None
        self.grad = None
        self.mask = None
        self.requires_grad = requires_grad
        self._hooks = None

    # -- what it is -----------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        """The sizes of the axes."""
        return self._data.shape

    @property
    def dtype(self) -> np.dtype:
        """The element type."""
        return self._data.dtype

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size

    def _read(self) -> np.ndarray:
        """The values, for code that looks at them."""
        return self._data

    @property
    def data(self) -> np.ndarray:
        """The values, as a read-only view."""
        view = self._read().view()
        view.flags.writeable = False
        return view

    def numpy(self) -> np.ndarray:
        """The values as a plain array, cut off from the graph: a read-only view (of a Variable, a copy)."""
        return self.data

    def item(self) -> Any:
        """The value of a one-element tensor, as a Python number."""
        return self._read().item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self._read().tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.requires_grad:
            raise TypeError(
                "a Tensor that requires a gradient does not turn into an array by itself, for its gradient "
                "would be lost without a word; join several with np.stack, or say x.numpy() where the loss is meant"
            )
        return np.array(self._read(), dtype=dtype)

    def __bool__(self) -> bool:
        return bool(self._read())

    def __int__(self) -> int:
        return int(self._read())

    def __float__(self) -> float:
        return float(self._read())

    def __complex__(self) -> complex:
        return complex(self._read())

    def __index__(self) -> int:
        return self._read().__index__()

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else str(self)

    def __repr__(self) -> str:
        body = np.array2string(self._data, separator=", ", prefix="Tensor(", threshold=200)
        made = f", from={self.node.fn.name}" if self.node else ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({body}, dtype={self.dtype}{made})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from ..visualize.displays import of_tensor

        return of_tensor(self)

    def graph(self, rankdir: str = "TB", fold: bool | None = None, collapse: Any = None) -> Any:
        """The picture of the ops that this tensor was made by, in groups by layer; dashed is what backward keeps.

        A `graphviz.Digraph` that shows itself in notebooks; `to_file` writes it. fold, collapse: see `Model.plot`.
        GradientError if a backward pass has freed the graph.

        >>> x = Tensor([1.0, 2.0], requires_grad=True)
        >>> print((x * 3).sum().graph())
        2 ops
          1  tensor    (2,) · requires_grad
          2  multiply  3 · (2,)  <- 1
          3  sum       ()  <- 2
        """
        from ..visualize.plot import graph_of

        return graph_of(self, rankdir, fold, collapse)

    # -- gradients ------------------------------------------------------------------------------------------------

    def backward(self, gradient: Any = None, retain_graph: bool = False) -> None:
        """Add the gradient of this tensor to `.grad` of every leaf that it was made from.

        gradient: the upstream gradient, of this shape; may be left out for a single element (then 1).
        The graph is freed; a second backward through it raises GradientError, unless retain_graph=True.
        """
        from .autodiff import backward  # late: autodiff is built on Tensor

        backward(self, gradient, retain_graph)

    def retain_grad(self) -> None:
        """Make `.backward()` leave this intermediate tensor's gradient in its `.grad` too."""
        if self.node is not None:
            from weakref import (
                ref,
            )  # the hook must not keep the tensor alive: it hangs on the tensor's own node

            me = ref(self)

            def keep(g: Any) -> None:
                tensor = me()
                if tensor is not None:
                    g = g.numpy() if isinstance(g, Tensor) else g
                    tensor.grad = np.array(g if tensor.grad is None else tensor.grad + g)

            self.register_hook(keep)

    def register_hook(self, hook: Callable[[Any], Any]) -> Callable[[], None]:
        """Call `hook(gradient)` when the backward pass has this tensor's whole gradient; what it returns, if not
        None, takes the gradient's place. Returns a function that takes the hook away again.

        >>> x = Tensor([1.0, 2.0], requires_grad=True)
        >>> remove = x.register_hook(lambda g: g * 10)
        >>> x.sum().backward(); x.grad
        array([10., 10.], dtype=float32)
        """
        if not callable(hook):
            raise TypeError(f"register_hook: expected a function of the gradient, got {type(hook).__name__}")
        if not self.requires_grad:
            raise GradientError(
                "register_hook: this tensor takes no gradient (requires_grad is False), so the hook "
                "would never be called"
            )
        hooks = self.hooks
        hooks.append(hook)
        return lambda: hooks.remove(hook) if hook in hooks else None

    @property
    def hooks(self) -> list:
        if self.node is None:
            if self._hooks is None:
                self._hooks = []
            return self._hooks
        if self.node.extra is None:
            self.node.extra = {}
        return self.node.extra.setdefault("hooks", [])

    # -- copies: values, gradient and flag; never the graph -------------------------------------------------------

    def __copy__(self) -> Tensor:
        return self.__deepcopy__({})

    def copy(self) -> Tensor:
        """A new leaf with the same values."""
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: dict) -> Tensor:
        twin = Tensor(self._data, requires_grad=self.requires_grad)
        twin.grad = None if self.grad is None else self.grad.copy()
        return twin

    def __reduce__(self) -> tuple:
        return _restore, (self._data, self.requires_grad, self.grad)


def _restore(data: np.ndarray, requires_grad: bool, grad: Any) -> Tensor:
    tensor = Tensor(data, requires_grad)
    tensor.grad = grad
    return tensor


_new = object.__new__


def wrap(data: np.ndarray, node: Node | None = None) -> Tensor:
    """A Tensor around an array that nobody else will write to; no copy."""
    tensor = _new(Tensor)
    tensor._data = data
    tensor.node = node
    tensor.grad = None
    tensor.mask = None
    tensor.requires_grad = node is not None
    tensor._hooks = None
    return tensor


class Variable(Tensor):
    """A tensor that may be written, through `assign` alone: a layer's weight or state.

    value: the initial values; copied. trainable: whether it takes a gradient.
    `regularizer` (value -> penalty) and `constraint` (value -> value) are applied by training.

    >>> v = Variable(np.zeros(3, np.float32), name="bias")
    >>> v.assign([1, 2, 3])
    >>> v.numpy()
    array([1., 2., 3.], dtype=float32)
    """

    __slots__ = ("constraint", "name", "regularizer", "written")

    revision = 0  # how often, anywhere, a Variable was made or its `trainable` set: what is kept by weights may be old

    def __init__(
        self,
        value: Any,
        trainable: bool = True,
        dtype: Any = None,
        name: str = "variable",
        regularizer: Callable | None = None,
        constraint: Callable | None = None,
    ) -> None:
        super().__init__(value, requires_grad=trainable, dtype=dtype)
        self.name = name
        self.regularizer = regularizer
        self.constraint = constraint
        Variable.revision += 1
        self.written = 0  # the tick of the last write: a graph recorded before it must not be used any more

    @property
    def trainable(self) -> bool:
        """Whether the variable takes a gradient."""
        return self.requires_grad

    @trainable.setter
    def trainable(self, flag: bool) -> None:
        Variable.revision += 1
        self.requires_grad = bool(flag)

    def _read(self) -> np.ndarray:
        if MODE.get().tracing is not None:
            raise TracingError(
                f"code looks at the values of the variable {self.name}; in a program these would be what they are now, "
                "at every step"
            )
        return self._data

    def numpy(self) -> np.ndarray:
        """A copy of the values: the variable itself may change later."""
        return self._read().copy()

    def assign(self, value: Any) -> None:
        """Write new values of the same shape, cast to the variable's dtype. ShapeError on another shape.

        The variable gets a new array; tensors made from it before keep the values that they had. While a program is
        traced, the program will do it at the end of each step; while a graph is drawn, there is nothing to do.
        """
        if not isinstance(value, (Tensor, Operators)):
            value = np.asarray(value)
        if value.shape != self.shape:
            raise ShapeError(f"{self.name}: assign() got shape {value.shape}, expected {self.shape}")
        if value.dtype.kind not in "biuf":
            raise DTypeError(f"{self.name}: assign() got dtype {value.dtype}, expected numbers")
        mode = MODE.get()
        if mode.tracing is not None:
            mode.tracing[self] = value.astype(self.dtype)
        elif mode.scope is None or not mode.scope.drawn:
            if mode.tape is not None:
                mode.tape.assigned(self, value)
            self._put(value._data if isinstance(value, Tensor) else value)
            self.written = next_tick()

    def _put(self, values: Any) -> None:
        self._data = np.array(values, self.dtype)

    def assign_rows(self, ids: np.ndarray, rows: Any) -> None:
        """Write `rows[k]` to row `ids[k]`, for distinct ids: in place, at the price of these rows alone.

        Only if some tensor is a view of the values (`table.T`, `table[:9]`) they are copied first, for its sake.
        """
        self.own()
        self._data[ids] = rows
        self.touch()

    def own(self) -> None:
        """Before a write in place: if some tensor is a view of the values, leave it these and go on with a copy."""
        if sys.getrefcount(self._data) > 2:  # one reference is ours, one the call's own
            self._data = self._data.copy()

    def touch(self) -> None:
        """After a write in place: graphs recorded before it are stale."""
        self.written = next_tick()

    def __deepcopy__(self, memo: dict) -> Variable:
        return Variable(self._data, self.trainable, None, self.name, self.regularizer, self.constraint)

    def __reduce__(self) -> tuple:
        return Variable, (self._data, self.trainable, None, self.name, self.regularizer, self.constraint)

    def __repr__(self) -> str:
        return f"<Variable {self.name} {self.shape} {self.dtype}{'' if self.trainable else ', not trainable'}>"
