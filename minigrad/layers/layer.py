"""The Layer contract: configuration and weights, `build` to make the weights, `call` to use them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Self
from weakref import WeakSet

import numpy as np

from .. import config, constraints, initializers, regularizers
from ..core.mode import MODE, Scope
from ..core.node import Node
from ..core.symbol import Symbol
from ..core.tensor import Tensor, Variable, wrap
from ..core.tree import leaves, map_leaves
from ..errors import GraphError, MinigradError, ShapeError, UnknownName, unknown
from ..registry import Registry, snake_case
from .arguments import as_values
from .blame import blame
from .masking import as_mask, attach, given_mask, mask_of


class Layer:
    """Base of all layers. A layer of your own needs `call`, and `build` if it has weights.

    name: by default the class's name in snake case, numbered by the model that it is in (`dense_1`).
    trainable: False keeps its weights out of training.
    dtype: of its weights; by default `config.floatx()`.
    activity_regularizer: penalty on its output (output -> loss).
    input_shape, batch_input_shape: of a Sequential's first layer, without and with the batch axis.

    Called on Symbols, a layer makes one node of the graph, whose body is what `call` drew. Called on Tensors or
    arrays, it computes. `call` is NumPy text and sees either. Keras counterpart: keras.layers.Layer.

    A value may carry a mask (`x.mask`, booleans): which time steps count. If `call` takes an argument `mask`, it is
    given that of the inputs, or the one that the caller gives. The output's mask is what `compute_mask` returns: the
    input's if the layer says `supports_masking = True`. In any other layer, unless it has layers inside, the mask
    ends, with a warning. What NumPy functions and operators return carries no mask.

    >>> import numpy as np, minigrad as mg
    >>> class Scale(mg.layers.Layer):
    ...     def build(self, input_shape):
    ...         self.scale = self.add_weight(shape=input_shape[-1:], initializer="ones", name="scale")
    ...     def call(self, inputs):
    ...         return np.tanh(inputs * self.scale)
    >>> Scale()(mg.Input((4,)))
    Symbol(shape=(None, 4), dtype=float32, from=scale)
    """

    on_host = False  # whether it needs values, and so runs on arrays before a model's program (see preprocessing)
    input_dtype: Any = None  # of the Input that a Sequential begins with for it; None for floats
    takes_strings = False  # whether its inputs may be strings
    supports_masking = False  # whether the output has the time steps of the input, and so its mask
    _warned_of_mask = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if cls.__module__.startswith(__package__):  # before Python misses `units` when `unit` was given
            refuse_unknown(cls, kwargs)
        return super().__new__(cls)

    def __init__(
        self,
        name: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        activity_regularizer: Any = None,
        input_shape: Any = None,
        batch_input_shape: Any = None,
        **unexpected: Any,
    ) -> None:
        refuse_unknown(type(self), unexpected)
        if name is not None and (not isinstance(name, str) or not name or "/" in name):
            raise ValueError(
                f"{type(self).__name__}: name={name!r}; expected a non-empty string without '/', which "
                "separates the names in a path"
            )
        self._name = name
        self._numbered: str | None = None  # the automatic name, from the first model that the layer is in
        self._trainable = bool(trainable)
        self._own: list[tuple[Variable, bool]] = []  # own weights, and whether each wants a gradient at all
        self._wishes: dict[Variable, bool] = {}  # the same of the weights that are kept as attributes
        self._calls: WeakSet[Node] = WeakSet()  # for .output alone; weak, so that the graph lives for its readers only
        self._losses: list[Any] = []
        self.dtype = self._dtype_of(dtype)
        self.activity_regularizer = regularizers.get(activity_regularizer) if activity_regularizer else None
        self.batch_input_shape = (
            tuple(batch_input_shape)
            if batch_input_shape is not None
            else (None if input_shape is None else (None, *input_shape))
        )
        self.built = False

    # -- what a subclass writes -----------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights. input_shape: a tuple with None for the batch (for several inputs, in their structure)."""

    def call(self, inputs: Any) -> Any:
        """inputs -> outputs, in NumPy text. May also take `training` and `mask`."""
        raise TypeError(f"{type(self).__name__} has no call(self, inputs): write one, it is what the layer does")

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the output, from the inputs and their mask (for several, in their structure); None for none."""
        return mask if self.supports_masking else None

    def add_weight(
        self,
        shape: Any = (),
        initializer: Any = "glorot_uniform",
        dtype: Any = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str = "weight",
    ) -> Variable:
        """A new weight of this layer, as a Variable. Arguments as in Keras."""
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        if None in shape:
            raise ShapeError(
                f"the weight {name} needs a known shape, got {shape}: some axis of the input is open. Give "
                "Input the size of that axis"
            )
        dtype = np.dtype(dtype or self.dtype)
        variable = self._new_weight(
            shape,
            dtype,
            initializers.get(initializer),
            trainable=trainable and self.trainable,
            name=name,
            regularizer=regularizers.get(regularizer) if regularizer else None,
            constraint=constraints.get(constraint) if constraint else None,
        )
        self._own.append((variable, trainable))
        return variable

    def _new_weight(self, shape: tuple[int, ...], dtype: np.dtype, initializer: Any, **options: Any) -> Variable:
        """What add_weight makes; an Embedding makes a Table."""
        return Variable(initializer(shape, dtype=dtype), dtype=dtype, **options)

    def add_loss(self, loss: Any) -> None:
        """Add a penalty, a single number, to the loss of the training step that this call is part of."""
        self._losses.append(loss)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as JSON can hold them: each from the attribute of its name."""
        out: dict[str, Any] = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype.name}
        for name in self._arguments():
            if name in ("kwargs", *signature_of(Layer.__init__)):
                continue
            if not hasattr(self, name):
                raise TypeError(
                    f"{type(self).__name__}.get_config: the argument {name!r} is not kept as an attribute; keep "
                    f"it (self.{name} = {name}) or write get_config"
                )
            out[name] = serialized(getattr(self, name))
        for name in ("activity_regularizer", "batch_input_shape"):  # the base's own, which come through **kwargs
            if getattr(self, name) is not None:
                out[name] = serialized(getattr(self, name))
        return out

    @classmethod
    def _arguments(cls) -> tuple[str, ...]:
        """The names of the constructor's arguments."""
        return signature_of(cls.__init__)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The layer that `get_config` described; its weights are made anew."""
        return cls(**config)

    # -- calling --------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        if "_calls" not in self.__dict__:
            raise RuntimeError(f"{type(self).__name__}: its __init__ must begin with super().__init__()")
        try:
            args = (as_values(args[0], self.takes_strings), *args[1:]) if args else ()
            if kwargs.get("mask") is not None:
                kwargs["mask"] = as_mask(kwargs["mask"])
        except MinigradError as error:
            blame(error, self, ())
            raise
        args, kwargs = map_leaves(self._value, args), {k: map_leaves(self._value, v) for k, v in kwargs.items()}
        if training is not None and self._takes_training():
            kwargs["training"] = training  # said outright, it is part of the call, in a graph too
        mode = MODE.get()
        if mode.scope is None:
            self.clear_losses()
        if training is None:
            training = mode.scope.training if mode.scope else False
        inputs = tuple(x for x in leaves((args, kwargs)) if isinstance(x, (Symbol, Tensor)))
        symbolic = any(isinstance(x, Symbol) for x in inputs)
        drawn = symbolic or (mode.scope is not None and mode.scope.drawn)
        mask, told = given_mask(self, signature_of(type(self).call), args, kwargs)
        token = MODE.set(mode._replace(scope=Scope(self, mode.scope, bool(training), drawn)))
        try:
            result = self._run(args, told, training)
            masks = None
            if mask is not None or self._makes_masks():
                masks = self._output_mask(args, kwargs, mask)
        except MinigradError as error:
            blame(error, self, args)
            raise
        finally:
            MODE.reset(token)
        if symbolic:
            result = self._node(inputs, args, kwargs, result, mode.scope)
        return result if masks is None else attach(result, masks, inputs)

    @classmethod
    def _makes_masks(cls) -> bool:
        """Whether it has a compute_mask of its own."""
        return cls.compute_mask is not Layer.compute_mask

    def _output_mask(self, args: tuple, kwargs: dict[str, Any], mask: Any) -> Any:
        """The mask of what a call with these arguments returned."""
        return as_mask(self.compute_mask(args[0] if args else None, mask))

    def _run(self, args: tuple, kwargs: dict[str, Any], training: bool) -> Any:
        if not self.built:
            self.build(map_leaves(lambda x: x.shape, args[0]) if args else ())
            self.built = True
        if "training" not in kwargs and self._takes_training():
            kwargs = {**kwargs, "training": training}
        result = self.call(*args, **kwargs)
        if self.activity_regularizer is not None:
            self.add_loss(np.sum(self.activity_regularizer(result)))
        return result

    def _node(self, inputs: tuple, args: tuple, kwargs: dict[str, Any], result: Any, scope: Scope | None) -> Any:
        """The symbols of one call in a graph: one node, with what `call` drew as its body."""
        if MODE.get().tracing is None:
            self._losses.clear()  # of a drawing; the losses of a step are made when it runs
        node = Node(self, inputs, {"args": args, "kwargs": kwargs}, None, (), scope, body=tuple(leaves(result)))
        self._calls.add(node)
        try:
            symbols = [Symbol(specs_of(x), node, i) for i, x in enumerate(node.body)]
        except GraphError as error:
            blame(error, self, args)
            raise
        for symbol, x in zip(symbols, node.body):
            if mask_of(x) is not None:  # from a layer inside
                symbol.mask = x.mask
        each = iter(symbols)
        return map_leaves(lambda _: next(each), result)

    def _dtype_of(self, dtype: Any) -> np.dtype:
        """The dtype that was asked for, or else the default; TypeError for what is none."""
        try:
            return np.dtype(dtype or config.floatx())
        except TypeError:
            raise TypeError(
                f"{type(self).__name__}: dtype={dtype!r}; expected one of NumPy's, such as 'int32'"
            ) from None

    @classmethod
    def _takes_training(cls) -> bool:
        """Whether `call` has that argument."""
        return "training" in signature_of(cls.call)

    def _value(self, x: Any) -> Any:
        """An argument as `call` sees it: arrays become Tensors, and their floats the layer's dtype."""
        if isinstance(x, np.ndarray):
            return wrap(np.array(x, self.dtype if x.dtype.kind == "f" else x.dtype))
        return x

    # -- weights --------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The given name, or the automatic one."""
        return self._name or self._numbered or self.name_stem

    @property
    def name_stem(self) -> str:
        """What an automatic name begins with: the class's name in snake case."""
        return snake_case(type(self).__name__)

    @property
    def trainable(self) -> bool:
        """Whether the weights take part in training; setting it sets it for the layers inside, too."""
        return self._trainable

    @trainable.setter
    def trainable(self, flag: bool) -> None:
        self._trainable = bool(flag)
        for variable, wanted in self._own_weights():
            variable.trainable = wanted and self._trainable
        for layer in self.sublayers():
            layer.trainable = flag

    def named_sublayers(self) -> dict[str, Layer]:
        """The layers inside, by path: the attribute that holds them, and the place in a list or dict of them."""
        return dict(held(self, Layer))

    def sublayers(self) -> list[Layer]:
        """The layers inside, each once, in order of assignment."""
        return unique(self.named_sublayers().values())

    def _own_weights(self) -> list[tuple[Variable, bool]]:
        """The weights made by add_weight, then Variables kept as attributes; each with its wish for a gradient."""
        own = list(self._own)
        seen = {id(v) for v, _ in own}
        for _, v in held(self, Variable):
            if id(v) not in seen:
                seen.add(id(v))
                own.append((v, self._wishes.setdefault(v, v.trainable)))
        return own

    def named_weights(self, prefix: str = "") -> dict[str, Variable]:
        """All weights by path (`kernel`, `inner/kernel`): its own, then those of the layers inside; each once."""
        out: dict[str, Variable] = {}
        for variable, _ in self._own_weights():
            out[free_name(prefix + variable.name, out)] = variable
        for path, layer in self.named_sublayers().items():
            out.update(layer.named_weights(f"{prefix}{path}/"))
        first = {id(v): path for path, v in reversed(out.items())}
        return {path: v for path, v in out.items() if first[id(v)] == path}

    @property
    def weights(self) -> list[Variable]:
        """All weights: its own, then those of the layers inside. Freezing some does not change the order."""
        return list(self.named_weights().values())

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that take a gradient."""
        return [v for v in self.weights if v.trainable]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The frozen weights, and state such as moving averages."""
        return [v for v in self.weights if not v.trainable]

    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the values of all weights, in the order of `weights`."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: list[Any]) -> None:
        """Write values in the order of `weights`. ValueError, and nothing changed, if number or shapes differ."""
        own = self.weights
        arrays = [np.asarray(w) for w in weights]
        if len(arrays) != len(own):
            raise ValueError(
                f"{self.name}: set_weights() got {len(arrays)} arrays, expected {len(own)}: "
                + (", ".join(f"{v.name} {v.shape}" for v in own) or "it has no weights")
                + ("" if self.built else "; it is not built yet: they come with its first call")
            )
        for i, (array, v) in enumerate(zip(arrays, own, strict=True)):
            if array.shape != v.shape:
                raise ValueError(
                    f"{self.name}: set_weights() got shape {array.shape} for weights[{i}] ({v.name}), "
                    f"expected {v.shape}"
                )
        for array, v in zip(arrays, own, strict=True):
            v.assign(array)

    def count_params(self) -> int:
        """How many numbers the weights hold."""
        return sum(v.size for v in self.weights)

    @property
    def losses(self) -> list[Any]:
        """The penalties of the last call: from add_loss and activity regularizers, then those of the weights."""
        own = [*self._losses]
        for layer in self.sublayers():
            own += layer.losses
        return own + [v.regularizer(v) for v, _ in self._own_weights() if v.regularizer is not None and v.trainable]

    def clear_losses(self) -> None:
        """Forget the penalties of the last call, here and in the layers inside."""
        self._losses.clear()
        for layer in self.sublayers():
            layer.clear_losses()

    # -- the graph it is in ---------------------------------------------------------------------------------------

    @property
    def output(self) -> Any:
        """The symbol that calling this layer gave, while that graph lives. GraphError if there is none, or several."""
        node = self._only_call("output")
        symbols = [Symbol(specs_of(x), node, i) for i, x in enumerate(node.body)]
        return symbols[0] if len(symbols) == 1 else symbols

    @property
    def input(self) -> Any:
        """The symbol that this layer was called on; as `output`."""
        node = self._only_call("input")
        return node.inputs[0] if len(node.inputs) == 1 else list(node.inputs)

    def _only_call(self, what: str) -> Node:
        """The one call of this layer on symbols; those from within another layer count only if there are no others."""
        calls = [node for node in self._calls if node.scope is None] or list(self._calls)
        if len(calls) != 1:
            raise GraphError(
                f"{self.name} was called {len(calls)} times on symbols; .{what} is clear only for one call. Keep the "
                "symbol that the call returns"
            )
        return calls[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape that a call on inputs of that shape gives (None for an open axis)."""
        is_shape = isinstance(input_shape, tuple) and all(n is None or isinstance(n, int) for n in input_shape)
        shapes = [input_shape] if is_shape else input_shape
        symbols = [Symbol.of(shape, self.dtype) for shape in shapes]
        return map_leaves(lambda x: x.shape, self(symbols[0] if is_shape else symbols))

    def __getstate__(self) -> dict[str, Any]:
        """For copy and pickle: everything but the calls, which belong to graphs. (A model's copy notes its own.)"""
        return {k: v for k, v in vars(self).items() if k != "_calls"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._calls = WeakSet()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}{'' if self.built else ', not built'}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from ..visualize.displays_of_models import of_layer

        return of_layer(self)


registry: Registry[Layer] = Registry("layer", Layer)


@cache
def signature_of(function: Callable | None) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters) if function else ()


def refuse_unknown(cls: type[Layer], given: dict[str, Any]) -> None:
    """TypeError, with what may be meant, for an argument that neither the class nor its bases take."""
    takers = (vars(c).get("__init__") for c in cls.__mro__[:-1])  # all but object
    known = {name for taker in takers for name in signature_of(taker)} - {"self", "kwargs", "unexpected"}
    for name in given:
        if name not in known:
            raise TypeError(str(unknown(f"argument of {cls.__name__}", name, known)))


def specs_of(x: Any) -> Any:
    """The specs of what a `call` returned: a Symbol, or a constant that does not depend on the input."""
    if isinstance(x, Symbol):
        return x.specs
    if isinstance(x, (Tensor, np.ndarray)):
        return Symbol.of(x.shape, x.dtype).specs
    raise GraphError(f"call() returned a {type(x).__name__}, expected symbols (it was called on symbols)")


def serialized(value: Any) -> Any:
    """A configuration value as JSON can hold it."""
    if isinstance(value, np.dtype):
        return value.name
    if hasattr(value, "get_config"):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if callable(value):
        if value.__name__ == "<lambda>":
            raise UnknownName(f"{value!r} cannot be saved: a lambda has no name to find it again by; use def")
        return value.__name__
    return value


def held(layer: Any, kind: type) -> Iterator[tuple[str, Any]]:
    """(path, thing) for each thing of a kind that is an attribute, or in an attribute that is a list, tuple or dict."""
    for attribute, value in vars(layer).items():
        if isinstance(value, kind):
            yield attribute, value
        elif isinstance(value, (list, tuple, dict)) and value:
            for k, x in enumerate(leaves(value)):
                if isinstance(x, kind):
                    yield f"{attribute}/{k}", x


def free_name(name: str, taken: Any) -> str:
    """The name, with _1, _2 ... behind it while it is taken."""
    free, k = name, 0
    while free in taken:
        k += 1
        free = f"{name}_{k}"
    return free


def unique(items: Any) -> list:
    """The items by identity, each once, in order."""
    return list({id(x): x for x in items}.values())
