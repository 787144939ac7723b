"""A function as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ..core.tree import map_leaves
from ..errors import GraphError, ShapeError
from ..registry import Registry
from .layer import Layer, registry

functions: Registry[Callable[..., Any]] = Registry("function for Lambda")


@registry.register()
class Lambda(Layer):
    """A function of NumPy text as a layer without weights. Running the function finds the output's shape.

    function: inputs -> outputs; also called with `training` if it has that argument. output_shape: checked, if given:
    the shape without the batch axis, or a function input shape -> output shape, both with it. arguments: a dict of
    further keyword arguments for the function. Keras counterpart: keras.layers.Lambda.

    A configuration holds the function's name, never its code: `get_config` needs a function made with `def`, and
    `from_config` one that was registered.

    >>> import numpy as np, minigrad as mg
    >>> @Lambda.register
    ... def scaled(x, by):
    ...     return np.tanh(x * by)
    >>> layer = Lambda(scaled, arguments={"by": 2})
    >>> layer(mg.Input((4,))).shape, layer.get_config()["function"]
    ((None, 4), 'scaled')
    """

    def __init__(
        self, function: Any, output_shape: Any = None, arguments: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.function = functions.get(function)
        if isinstance(output_shape, str):
            output_shape = functions.get(output_shape)
        self.output_shape = tuple(output_shape) if isinstance(output_shape, list) else output_shape
        self.arguments = dict(arguments or {})

    @staticmethod
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        """Decorator: `from_config` finds this function by its name."""
        return functions.register()(function)

    def call(self, inputs: Any, training: bool = False) -> Any:
        arguments = self.arguments
        if "training" in parameters(self.function):
            arguments = {"training": training, **arguments}
        outputs = self.function(inputs, **arguments)
        if outputs is None:
            raise GraphError("the function returned None; a function made with def needs a return")
        if self.output_shape is not None:
            self._check(inputs, outputs)
        return outputs

    def _check(self, inputs: Any, outputs: Any) -> None:
        """ShapeError unless the output is of the output_shape that was promised."""
        if callable(self.output_shape):
            expected = tuple(self.output_shape(map_leaves(lambda x: x.shape, inputs)))
        else:
            sizes = (self.output_shape,) if isinstance(self.output_shape, int) else self.output_shape
            expected = (None, *sizes)
        got = outputs.shape
        if len(got) != len(expected) or any(n != m for n, m in zip(got, expected) if None not in (n, m)):
            raise ShapeError(
                f"output_shape says {expected}, but the function returned {got}; correct output_shape, "
                "or leave it out: the shape is found by running the function"
            )

    def get_config(self) -> dict[str, Any]:
        named = {
            name: functions.serialize(value)
            for name, value in vars(self).items()
            if name in ("function", "output_shape") and callable(value)
        }
        return {**super().get_config(), **named}


def parameters(function: Callable[..., Any]) -> Any:
    """The names of a function's parameters; none for NumPy's functions written in C."""
    try:
        return inspect.signature(function).parameters
    except ValueError:
        return ()
