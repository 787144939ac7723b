"""A stack of layers, each fed by the one before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..core.mode import MODE
from ..core.symbol import Symbol
from ..layers.input import Input, InputLayer
from ..layers.layer import Layer
from .graph import Graph
from .model import Model


class Sequential(Model):
    """Layers in a row. With an Input first, or a first layer that has input_shape, the graph is there at once; else
    with the first data. Keras counterpart: keras.Sequential.

    >>> from minigrad.layers import Dense, Input
    >>> model = Sequential([Input((4,)), Dense(8, activation="relu"), Dense(1)])
    >>> model.output_shape, model.count_params()
    ((None, 1), 49)
    """

    lists_inputs = False

    def __init__(self, layers: Iterable[Any] | None = None, name: str | None = None, trainable: bool = True) -> None:
        super().__init__(name=name)
        self._stack: list[Any] = []
        for layer in layers or ():
            self._stack.append(self._fitting(layer))
        self._draw()
        if not trainable:
            self.trainable = False

    def add(self, layer: Any) -> None:
        """Put a layer on top. TypeError if it is none."""
        self._stack.append(self._fitting(layer))
        try:
            self._draw()
        except Exception:
            self._stack.pop()
            raise

    def _fitting(self, layer: Any) -> Layer:
        """What can be put on top: a layer that is not in the stack, an Input only if the stack is empty."""
        if isinstance(layer, Symbol) and layer.node is not None and isinstance(layer.node.fn, InputLayer):
            layer = layer.node.fn
        if not isinstance(layer, Layer):
            raise TypeError(f"Sequential: expected a layer, got {type(layer).__name__}")
        if layer in self._stack:
            raise ValueError(f"Sequential: the layer {layer.name} is in the stack already; each stands in it once")
        if isinstance(layer, InputLayer) and self._stack:
            raise ValueError("Sequential: an Input can only come first")
        return layer

    def pop(self) -> Layer:
        """Take the topmost layer off and return it."""
        if not self._stack:
            raise ValueError("Sequential: there is no layer to pop")
        layer, shape = self._stack.pop(), self.input_shape if self.graph else None
        self.graph, self.built = None, False
        self._draw(shape)
        return layer

    def build(self, input_shape: Any) -> None:
        """Draw the graph for inputs of that shape, the batch first, unless it is there."""
        if not self._stack:
            raise ValueError(f"{self.name}: there are no layers yet; add some first")
        if self.graph is None:
            self._draw((None, *input_shape[1:]))

    def _draw(self, batch_shape: Any = None) -> None:
        """Draw the graph, as soon as the input's shape is known and there is a layer to feed."""
        if not self._stack:
            return
        first = self._stack[0]
        shape = batch_shape or first.batch_input_shape
        if self.graph is not None:
            source, x, rest = self.graph.inputs, self.graph.outputs, self._stack[-1:]
        elif isinstance(first, InputLayer):
            source = x = first.symbol()
            rest = self._stack[1:]
        elif shape is not None:
            source = x = Input(batch_shape=shape, dtype=first.input_dtype)
            rest = self._stack
        else:
            return
        mode = MODE.get()
        token = MODE.set(mode._replace(scope=None))  # the graph is this model's own, whoever called it to be drawn
        try:
            for layer in rest:
                x = layer(x)
        finally:
            MODE.reset(token)
        self.use_graph(Graph(source, x))

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, without the Input."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    def named_sublayers(self) -> dict[str, Layer]:
        if self.graph is None:
            return {f"{layer.name}_{k}": layer for k, layer in enumerate(self._stack, 1)}
        return super().named_sublayers()
