"""A model is a layer with a graph, or with a `call` of its own, that can be trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.mode import MODE
from ..core.strings import is_string, strings_in
from ..core.symbol import Symbol
from ..core.tensor import Tensor, Variable, wrap
from ..core.tree import leaves
from ..errors import DTypeError, ShapeError, unknown
from ..layers.layer import Layer, free_name
from .graph import Graph
from .host import Prepared, on_host, prepared
from .spelling import spelled
from .summary import print_summary
from .training import Training


class Model(Training, Layer):
    """A functional model, `Model(inputs, outputs)`; or subclass it and write `call`.

    inputs, outputs: Symbols, or lists, tuples or dicts of them. Any symbols: a model between two inner symbols of
    another shares its layers. Keras counterpart: keras.Model.

    >>> from minigrad.layers import Dense, Input
    >>> x = Input((4,))
    >>> model = Model(x, Dense(3)(x))
    >>> model.count_params(), [layer.name for layer in model.layers]
    (15, ['input_1', 'dense_1'])
    """

    graph: Graph | None = None
    takes_strings = True  # for layers that do
    lists_inputs = True  # in the summary

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        name: str | None = None,
        trainable: bool = True,
        **layer_arguments: Any,
    ) -> None:
        Layer.__init__(self, name=name, trainable=True, **layer_arguments)
        if (inputs is None) != (outputs is None):
            raise TypeError("Model: give both inputs and outputs, or, in a subclass with its own call, neither")
        if inputs is not None:
            self.use_graph(Graph(inputs, outputs))
        if not trainable:
            self.trainable = False

    def use_graph(self, graph: Graph) -> None:
        self.graph = graph
        self.built = True

    @property
    def name_stem(self) -> str:
        return "model" if type(self) is Model else super().name_stem

    # -- running --------------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights, which a subclassed model has otherwise from its first call on; the batch comes first.

        It is called on symbols of that shape (a list or dict of shapes, if it takes several inputs).
        """
        scope = MODE.get().scope
        if self.graph is None and (scope is None or scope.layer is not self):  # else, the first call is under way
            self.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        if self.graph is None:
            return super().call(inputs)
        return self.graph.run(self.in_order(inputs))

    def in_order(self, inputs: Any) -> list[Any]:
        """Values for the inputs of the graph, in its order, checked against the Inputs' shapes; or, if layers of it run
        on the host, what they made of such values.
        """
        assert self.graph is not None
        if isinstance(inputs, Prepared):
            return inputs
        named = zip(self.input_names, self.graph.flat_inputs, self.listed(inputs), strict=True)
        return prepared(self.graph, [as_input(name, value, symbol) for name, symbol, value in named])

    def listed(self, inputs: Any) -> list[Any]:
        """Values for the inputs of the graph, in its order, as they are; ValueError if they are not as many.

        Of a dict, the keys are those of the model's inputs, if they are a dict, or the names of the Inputs.
        """
        assert self.graph is not None
        names = self.input_names
        if isinstance(inputs, dict):
            values = by_name(self.name, inputs, names, self.graph.inputs)
        else:
            values = list(leaves(inputs))
        if len(values) != len(names):
            hint = "; a list of arrays is a list of inputs, np.stack makes one array of it" if len(names) == 1 else ""
            raise ValueError(f"{self.name}: got {len(values)} inputs, expected {len(names)}: {', '.join(names)}{hint}")
        return values

    def _value(self, x: Any) -> Any:
        """Arrays as Tensors, but for strings; in a functional model the Inputs say which dtype."""
        if isinstance(x, np.ndarray) and x.dtype.kind in "UO":
            return x
        return Tensor(x) if self.graph is not None and isinstance(x, np.ndarray) else super()._value(x)

    # -- what is in it --------------------------------------------------------------------------------------------

    @property
    def on_host(self) -> bool:  # type: ignore[override]
        """Whether all that it does is the work of layers on the host."""
        return self.graph is not None and all(on_host(self.graph.made_by(x)[0]) for x in self.graph.flat_outputs)

    @property
    def layers(self) -> list[Layer]:
        """The layers, in graph order; of a subclassed model those that it holds."""
        return self.graph.layers if self.graph else super().sublayers()

    def named_sublayers(self) -> dict[str, Layer]:
        if self.graph is None:
            return super().named_sublayers()
        return {self.graph.names[layer]: layer for layer in self.graph.layers}

    def _own_weights(self) -> list[tuple[Variable, bool]]:
        if self.graph is None:
            return super()._own_weights()
        return self.graph.variables

    @property
    def inputs(self) -> list[Symbol]:
        """The input symbols, as a flat list."""
        return list(self.graph.flat_inputs) if self.graph else []

    @property
    def outputs(self) -> list[Symbol]:
        """The output symbols, as a flat list."""
        return list(self.graph.flat_outputs) if self.graph else []

    @property
    def input(self) -> Any:
        """The input symbols, in their structure."""
        return self.graph.inputs if self.graph else super().input

    @property
    def output(self) -> Any:
        """The output symbols, in their structure."""
        return self.graph.outputs if self.graph else super().output

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or a list of shapes."""
        return one_or_list([x.shape for x in self.inputs])

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or a list of shapes."""
        return one_or_list([x.shape for x in self.outputs])

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs, in order."""
        assert self.graph is not None
        return [self.graph.names[node.fn] for node in self.graph.sources.values()]

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs, in order: of a dict its keys, else of the layers that made them, each once."""
        if self.graph is None:
            return []
        outputs = self.graph.outputs
        if isinstance(outputs, dict) and len(outputs) == len(self.graph.flat_outputs):
            return [str(k) for k in outputs]
        names: list[str] = []
        for x in self.graph.flat_outputs:
            names.append(free_name(self.graph.name(self.graph.made_by(x)[0]), names))
        return names

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name, or at that index. `outer/inner/dense_1` finds a layer within models within this."""
        if (name is None) == (index is None):
            raise TypeError("get_layer: give either name= or index=")
        if index is not None:
            return self.layers[index]
        assert name is not None
        layer: Layer = self
        for part in name.split("/"):
            inside = {**{x.name: x for x in layer.sublayers()}, **layer.named_sublayers()}
            if part not in inside:
                raise unknown(f"layer in {layer.name}", part, inside)
            layer = inside[part]
        return layer

    @spelled
    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
    ) -> None:
        """Print the layers with their output shapes and parameter counts, as Keras 2 does.

        print_fn: called with each line, in place of print. positions: column ends, absolute or as fractions.
        expand_nested: show the layers of models inside. show_trainable: one more column.
        """
        print_summary(self, line_length, positions, print_fn or print, expand_nested, show_trainable)

    @spelled
    def explain(self, x: Any, y: Any = None, sample_weight: Any = None, layer: Any = None) -> Any:
        """How the gradients of the embeddings come about in one training step, which is tried and changes nothing.

        Of one Embedding its `Explanation` (see `Embedding.explain`), of several a dict by name. layer: one of them, by
        name or itself. ValueError if there is none, RuntimeError if the model has no loss.
        """
        from ..visualize.explain import explain_model

        return explain_model(self, x, y, sample_weight, layer)

    @spelled
    def view(self, x: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """One training step on this batch, tried without changing anything, as a page to walk through: `View`.

        Its layers, its ops with values and gradients, the lines of its program: `model.view(x, y).save("step.html")`.
        A model that was told no loss shows its forward pass alone. ValueError if it has a train_step of its own, which
        `with minigrad.record() as tape:` records as it runs.
        """
        from ..visualize.view_model import view_model

        return view_model(self, x, y, sample_weight)

    @spelled
    def plot(
        self,
        level: str = "layers",
        to_file: Any = None,
        *,
        x: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        show_shapes: bool = True,
        show_dtype: bool = False,
        show_layer_names: bool = True,
        show_layer_activations: bool = False,
        show_trainable: bool = False,
        rankdir: str = "TB",
        expand_nested: bool = False,
        layer_range: Any = None,
        dpi: int | None = 96,
        fold: bool | None = None,
        collapse: Any = None,
        batch_size: int = 32,
        title: str | None = None,
    ) -> Any:
        """The picture of this model, which notebooks show: a `graphviz.Digraph` that draws without Graphviz, too.

        level: 'layers'; 'ops', what the layers do, in groups; or 'program', the lines of the training step that runs,
        with their buffers. to_file: also write it, by its ending: .svg, .png, .pdf, .dot, .mmd (Mermaid), .txt, .html.
        x, y, sample_weight: a batch, for values, gradient norms and times; one step is tried and changes nothing.
        rankdir: 'TB', 'LR', 'BT' or 'RL'. fold: draw repeats once; by default in large pictures. collapse: True closes
        all groups, names close these; by default in very large ones. batch_size: of the program. Others: see
        `minigrad.utils.plot_model`. ValueError if there is no graph, as before the first call of a subclass.

        >>> from minigrad.layers import Dense, Input
        >>> inputs = Input((4,))
        >>> print(Model(inputs, Dense(2)(inputs)).plot(title="a layer"))
        a layer: 10 parameters
          1  input_1  InputLayer · (None, 4)
          2  dense_1  Dense · (None, 2) · 10 parameters  <- 1
        """
        from ..visualize.plot import plot

        return plot(
            self, level, to_file, x=x, y=y, sample_weight=sample_weight, rankdir=rankdir, fold=fold, collapse=collapse,
            batch_size=batch_size, dpi=dpi, title=title, show_shapes=show_shapes, show_dtype=show_dtype,
            show_layer_names=show_layer_names, show_layer_activations=show_layer_activations,
            show_trainable=show_trainable, expand_nested=expand_nested, layer_range=layer_range,
        )  # fmt: skip

    # -- weights on disk ------------------------------------------------------------------------------------------

    def save_weights(self, path: Any) -> None:
        """Write all weights to one file in the safetensors layout, atomically: the old file or the new, no part."""
        from ..saving.weights import save_weights

        self._want_weights("save_weights")
        save_weights(self, path)

    def load_weights(self, path: Any) -> None:
        """Read what save_weights wrote. Missing, extra or misshapen tensors are an error, and change nothing."""
        from ..saving.weights import load_weights

        self._want_weights("load_weights")
        load_weights(self, path)

    def _want_weights(self, what: str) -> None:
        if not self.built:
            raise ValueError(
                f"{what}: {self.name} has no weights yet: they come with its first call, or with build(input_shape), "
                "the batch in front, as in build((None, 4))"
            )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for node in self.graph.nodes if self.graph else ():
            if isinstance(node.fn, Layer):
                node.fn._calls.add(node)

    def get_config(self) -> dict[str, Any]:
        if self.graph is not None:
            raise TypeError(
                f"{self.name}: a functional model's graph has no config yet; save_weights keeps its weights"
            )
        return super().get_config()

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.name}: {self.input_shape} -> {self.output_shape}>"
            if self.graph
            else (super().__repr__())
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from ..visualize.displays_of_models import of_model

        return of_model(self)


def by_name(model: str, given: dict, names: list[str], inputs: Any) -> list[Any]:
    """The values of a dict in the order of the inputs; each goes by its key among `inputs`, if a dict, or its name."""
    keys = list(inputs) if isinstance(inputs, dict) and len(inputs) == len(names) else names
    for key in given:
        if key not in keys and key not in names:
            raise unknown("input", key, keys)
    values = [given.get(key, given.get(name)) for key, name in zip(keys, names)]
    for key, value in zip(keys, values):
        if value is None:
            raise ValueError(f"{model}: the input {key!r} is missing; got {', '.join(map(repr, given)) or 'none'}")
    return values


def as_input(name: str, value: Any, symbol: Symbol) -> Any:
    """The value, checked, and cast to the Input's dtype; an error where the cast would change numbers that matter.

    For an Input of shape (None, 1), values of shape (rows,) get their axis of size 1, as in Keras.
    """
    value = of_its_kind(name, value, symbol)
    if len(value.shape) == 1 and len(symbol.shape) == 2 and symbol.shape[-1] == 1:
        value = np.expand_dims(value, -1)
    check_shape(name, value.shape, symbol)
    if is_string(symbol.dtype) or isinstance(value, Symbol) or value.requires_grad or value.dtype == symbol.dtype:
        return value
    data = value._data
    with np.errstate(invalid="ignore"):  # NaN as an integer is no NaN, which comparing finds
        cast = data.astype(symbol.dtype)
    floats = data.dtype.kind == symbol.dtype.kind == "f"
    if not (floats or np.array_equal(cast, data)):
        at = tuple(int(i) for i in np.argwhere(cast != data)[0])
        raise DTypeError(
            f"{name} has dtype {symbol.dtype}, which cannot hold {data[at]} (at {list(at)}, given as "
            f"{data.dtype}). Give such numbers, or make it Input(..., dtype={data.dtype.name!r})"
        )
    return wrap(cast)


def of_its_kind(name: str, value: Any, symbol: Symbol) -> Any:
    """A Tensor or Symbol of numbers, or for an Input of strings an array or Symbol of these; else DTypeError."""
    wanted = is_string(symbol.dtype)
    if isinstance(value, Symbol):
        if is_string(value.dtype) != wanted:
            raise DTypeError(f"{name} has dtype {symbol.dtype.name}, but was given a symbol of {value.dtype.name}")
        return value
    strings = None if isinstance(value, Tensor) else strings_in(value)
    if wanted and strings is None:
        raise DTypeError(f"{name} takes strings, got {getattr(value, 'dtype', type(value).__name__)}")
    if strings is not None and not wanted:
        first = str(strings.flat[0]) if strings.size else ""
        raise DTypeError(
            f"{name}: cannot compute with dtype {strings.dtype} (strings such as {first!r}); expected numbers. Turn "
            "words and categories into integer ids first, as with StringLookup; behind Input(..., dtype='string') it "
            "can be part of the model"
        )
    if wanted:
        return strings
    return value if isinstance(value, Tensor) else Tensor(value)


def check_shape(name: str, got: tuple[int | None, ...], symbol: Symbol) -> None:
    """ShapeError unless the shape fits the Input's; in the user's terms, with the axis at fault."""
    if len(got) != len(symbol.shape):
        raise ShapeError(
            f"{name} expects {symbol.shape}, {len(symbol.shape)} axes with the batch first, but got "
            f"{got}, {len(got)} axes"
        )
    for axis, (n, expected) in enumerate(zip(got, symbol.shape, strict=True)):
        if expected is not None and n is not None and n != expected:
            what = "the batch size" if axis == 0 else f"axis {axis} of {name}"
            raise ShapeError(f"{name} expects {symbol.shape}, got {got}: {what} must be {expected}, not {n}")


def one_or_list(items: list) -> Any:
    return items[0] if len(items) == 1 else items
