"""A rule is one line of NumPy: the gradient of an operand from the gradient of the result.

The names of its parameters say what it reads, and so what a node has to keep:

    g               the gradient of the result
    out             the result
    x, y, table ... an operand, under the name that the row gives it
    x_shape         that operand's shape alone; the data may go
    axis, ...       an attribute of the call

In an op of any number of operands (concatenate, einsum) a single rule serves all: `position` is the operand that the
gradient is for, `xs` are the operands, `shapes` their shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import GradientError
from .node import Node
from .symbol import Symbol
from .tensor import Tensor, Variable, wrap

Reader = Callable[[Node, int], Any]


def array(x: Any, node: Node) -> Any:
    """The plain array behind an input that a rule is about to read."""
    if isinstance(x, Tensor):
        if x.__class__ is Variable and x.written > node.tick:
            raise GradientError(
                f"{node.fn.name}: {x.name} was assigned after this graph was recorded, so its gradient would be "
                "that of other values; call backward() before the optimizer's step, or run the forward pass again"
            )
        return x._data
    return x


def result(node: Node) -> Any:
    """The result of a node that keeps it, as a Tensor or Symbol with its history."""
    return Symbol(node.out, node) if isinstance(node.out, tuple) else wrap(node.out, node)


class Rule:
    """A formula with readers for its parameters, one set for arrays and one for Tensors and Symbols."""

    __slots__ = ("arrays", "formula", "reads", "values")

    def __init__(
        self, formula: Callable[..., Any], operands: tuple[str, ...], defaults: dict[str, Any], variadic: bool
    ) -> None:
        names = formula.__code__.co_varnames[: formula.__code__.co_argcount]
        if not names or names[0] != "g":
            raise TypeError(f"a rule's first parameter is g, the gradient of the result; got {names}")
        self.formula = formula
        self.reads = frozenset(names[1:])
        self.arrays, self.values = [], []
        for name in names[1:]:
            on_arrays, on_values = readers(name, operands, defaults, variadic)
            self.arrays.append(on_arrays)
            self.values.append(on_values)

    def on_arrays(self, g: Any, node: Node, position: int) -> Any:
        """The gradient as a plain array."""
        return self.formula(g, *[read(node, position) for read in self.arrays])

    def on_values(self, g: Any, node: Node, position: int) -> Any:
        """The gradient as a Tensor or Symbol, itself recorded."""
        return self.formula(g, *[read(node, position) for read in self.values])


def readers(name: str, operands: tuple[str, ...], defaults: dict[str, Any], variadic: bool) -> tuple[Reader, Reader]:
    """How to find one parameter of a rule in a node: on arrays, and on Tensors or Symbols."""
    if name == "out":
        return (lambda node, _: node.out), (lambda node, _: result(node))
    if variadic:
        if name == "position":
            return (lambda node, position: position,) * 2
        if name == "xs":
            return (lambda node, _: [array(x, node) for x in node.inputs]), (lambda node, _: list(node.inputs))
        if name == "shapes":
            return (lambda node, _: [shape(x) for x in node.inputs],) * 2
    elif name in operands:
        i = operands.index(name)
        return (lambda node, _: array(node.inputs[i], node)), (lambda node, _: node.inputs[i])
    elif name.endswith("_shape") and name[:-6] in operands:
        i = operands.index(name[:-6])
        return (lambda node, _: shape(node.inputs[i]),) * 2
    if name not in defaults:
        raise TypeError(
            f"a rule reads {name!r}, which is neither g, out, an operand ({', '.join(operands)}), a shape of "
            f"one, nor an attribute ({', '.join(defaults)})"
        )
    default = defaults[name]
    return (lambda node, _: node.attrs.get(name, default),) * 2


def shape(x: Any) -> tuple[int, ...]:
    try:
        return x.shape
    except AttributeError:
        return np.shape(x)
