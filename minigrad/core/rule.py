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
Pull = Callable[[Any, Node, int], Any]


def array(x: Any, node: Node) -> Any:
    """The plain array behind an input that a rule is about to read."""
    if isinstance(x, Tensor):
        if isinstance(x, Variable) and x.written > node.tick:
            raise GradientError(
                f"{node.fn.name}: {x.name} was assigned after this graph was recorded, so its gradient would be "
                "that of other values; call backward() before the optimizer's step, or run the forward pass again"
            )
        return x._data
    return x


def reads_array(i: int) -> Reader:
    """Reads the array of operand i."""

    def read(node: Node, _: int) -> Any:
        x = node.inputs[i]
        return x._data if x.__class__ is Tensor else array(x, node)

    return read


def result(node: Node) -> Any:
    """The result of a node that keeps it, as a Tensor or Symbol with its history."""
    return Symbol(node.out, node) if isinstance(node.out, tuple) else wrap(node.out, node)


class Rule:
    """A formula with readers for its parameters, one set for arrays and one for Tensors and Symbols."""

    __slots__ = ("formula", "on_arrays", "on_values", "reads")

    on_arrays: Pull  # gives the gradient as a plain array
    on_values: Pull  # gives it as a Tensor or Symbol, itself recorded

    def __init__(
        self, formula: Callable[..., Any], operands: tuple[str, ...], defaults: dict[str, Any], variadic: bool
    ) -> None:
        names = formula.__code__.co_varnames[: formula.__code__.co_argcount]
        if not names or names[0] != "g":
            raise TypeError(f"a rule's first parameter is g, the gradient of the result; got {names}")
        found = [readers(name, operands, defaults, variadic) for name in names[1:]]
        self.formula = formula
        self.reads = frozenset(names[1:])
        self.on_arrays = pull(formula, [arrays for arrays, _ in found])
        self.on_values = pull(formula, [values for _, values in found])


def pull(formula: Callable[..., Any], read: list[Reader]) -> Pull:
    """The formula as a function of (g, node, position); spelled out for few parameters, as it is the hottest call."""
    if not read:
        return lambda g, node, position: formula(g)
    if len(read) == 1:
        (one,) = read
        return lambda g, node, position: formula(g, one(node, position))
    if len(read) == 2:
        one, two = read
        return lambda g, node, position: formula(g, one(node, position), two(node, position))
    return lambda g, node, position: formula(g, *[each(node, position) for each in read])


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
        return reads_array(i), (lambda node, _: node.inputs[i])
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
