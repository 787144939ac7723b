"""Reverse-mode differentiation: one sweep over the nodes, newest first.

The same sweep serves three kinds of value. On arrays it computes gradients at NumPy's speed. On Tensors
(`create_graph=True`) the rules are recorded, and so can be differentiated again. On Symbols the rules draw the backward
program.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import numpy as np

from ..errors import GradientError
from .anomaly import check_gradient
from .mode import MODE
from .node import Node
from .rowsparse import RowSparse
from .symbol import Symbol
from .tensor import Tensor, wrap

Origin = Node | Tensor | Symbol


def origin(x: Any) -> Origin:
    """Where a gradient for `x` goes: to the node that made it or, if it is a leaf, to itself.

    A layer's node is looked through, to the op that made its result.
    """
    node = x.node
    if node is None:
        return x
    while node.body:
        x = node.body[x.index]
        node = x.node
        if node is None:
            return x
    return node


def history(starts: Iterable[Origin]) -> list[Node]:
    """All nodes that `starts` depend on through live operands, newest first. Iterative."""
    stack = [node for node in starts if type(node) is Node]
    seen = set(stack)
    while stack:
        node = stack.pop()
        inputs = node.inputs
        if inputs is None:
            raise GradientError(
                f"the graph behind {node.fn.name} was freed by an earlier backward(); call it there with "
                "retain_graph=True, or run the forward pass again"
            )
        for i in node.live:
            parent = origin(inputs[i])
            if type(parent) is Node and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=attrgetter("tick"), reverse=True)


def leading_to(wanted: set[Origin], nodes: list[Node]) -> set[Origin]:
    """Those of the nodes that something wanted lies behind, and the wanted themselves."""
    useful = set(wanted)
    for node in reversed(nodes):
        if any(origin(node.inputs[i]) in useful for i in node.live):
            useful.add(node)
    return useful


def sweep(start: Origin, seed: Any, wanted: set[Origin] | None, arrays: bool, keep: bool) -> dict[Origin, Any]:
    """Send `seed` backwards from `start`; the gradients of the wanted (None: of all leaves).

    arrays: compute on plain arrays, not on Tensors or Symbols. keep: do not free the graph on the way.
    """
    nodes = history([start])
    useful = None if wanted is None else leading_to(wanted, nodes)
    mode = MODE.get()
    anomaly, tape = mode.anomaly, mode.tape
    pending: dict[Origin, Any] = {start: seed.copy() if arrays and type(start) is not Node else seed}
    owned: set[Origin] = set()  # whose pending gradient is ours to add to in place
    found: dict[Origin, Any] = {}
    for node in nodes:
        g = pending.pop(node, None)
        if g is not None:
            if not arrays:
                enter(node, g, nodes[0])
            if node.extra:
                g = run_hooks(node.extra.get("hooks", ()), g)
            if wanted is not None and node in wanted:
                found[node] = g.copy() if arrays else g
            if g.__class__ is RowSparse:
                g = g.dense()
            op, inputs = node.fn, node.inputs
            for i in node.live:
                x = inputs[i]
                target = origin(x)
                if useful is not None and target not in useful:
                    continue
                rule = op.rules[0] if op.variadic else op.rules[i]
                d = rule.on_arrays(g, node, i) if arrays else rule.on_values(g, node, i)
                if d is None:
                    continue
                like = x._data if x.__class__ is Tensor else x  # of a Table, the values may not be current
                if d.shape != like.shape or d.dtype is not like.dtype:
                    d = fit(d, like, node)
                if anomaly:
                    check_gradient(node, d, i)
                if tape is not None:
                    tape.pulled(node, i, g, d)
                if target in pending:
                    accumulate(pending, owned, target, d, arrays)
                elif arrays and type(target) is not Node and (d is g or getattr(d, "base", None) is not None):
                    pending[target] = d.copy()  # a leaf's gradient is the user's own, shared with nobody
                else:
                    pending[target] = d
        if not keep:
            node.free()
    found.update(
        (leaf, run_hooks(leaf._hooks or (), g) if isinstance(leaf, Tensor) else g) for leaf, g in pending.items()
    )
    if not arrays and nodes:
        for source, g in found.items():
            mark(g, source, nodes[0])
    return found


def drawing_sweep(start: Origin, seed: Any, wanted: set[Origin], keep: bool) -> dict[Origin, Any]:
    """A sweep on Tensors or Symbols."""
    token = MODE.set(MODE.get())  # it goes through the scopes of the nodes
    try:
        return sweep(start, seed, wanted, arrays=False, keep=keep)
    finally:
        MODE.reset(token)


def enter(node: Node, g: Any, newest: Node) -> None:
    """What the rules of a node draw belongs to the layer call that the node is from."""
    MODE.set(MODE.get()._replace(scope=node.scope))
    mark(g, node, newest)


def mark(g: Any, source: Origin, newest: Node) -> None:
    """Remember of a gradient that was drawn what it is the gradient of; if of several values, of the first."""
    if isinstance(g, Symbol) and g.node is not None and g.node.tick > newest.tick:
        g.node.extra = {"gradient_of": source, **(g.node.extra or {})}


def accumulate(pending: dict[Origin, Any], owned: set[Origin], target: Origin, d: Any, arrays: bool) -> None:
    """Add one more gradient to a pending one. The first that came is borrowed, so the second makes a new array; it is
    then our own, and the others are added to it in place."""
    prior = pending[target]
    if target in owned and d.__class__ is np.ndarray:
        np.add(prior, d, out=prior)
        return
    total = prior + d
    pending[target] = total
    if arrays and total.__class__ is np.ndarray:
        owned.add(target)


def run_hooks(hooks: Iterable[Any], g: Any) -> Any:
    for hook in tuple(hooks):
        changed = hook(g)
        if changed is not None:
            if getattr(changed, "shape", None) != g.shape:
                raise GradientError(
                    f"the hook {getattr(hook, '__name__', hook)} gave {type(changed).__name__} of shape "
                    f"{np.shape(changed)} in place of a gradient of shape {g.shape}"
                )
            g = changed
    return g


def fit(d: Any, x: Any, node: Node) -> Any:
    """A rule's gradient brought to its operand's shape and dtype: broadcasting is undone here, once for all rules."""
    if d.shape != x.shape:
        d = unbroadcast(d, x.shape)
        if d.shape != x.shape:
            raise GradientError(
                f"a rule of {node.fn.name} gave a gradient of shape {d.shape} for an operand of shape {x.shape}"
            )
    return d if d.dtype == x.dtype else d.astype(x.dtype)


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum over the axes along which NumPy's broadcasting had repeated an operand of `shape`.

    >>> unbroadcast(np.ones((5, 2, 3)), (2, 1))
    array([[15.],
           [15.]])
    """
    extra = len(g.shape) - len(shape)
    if extra > 0:
        g = np.add.reduce(g, axis=tuple(range(extra)))
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return np.add.reduce(g, axis=axes, keepdims=True) if axes else g


def seed_for(y: Any, gradient: Any, what: str) -> Any:
    """The upstream gradient to begin with, checked against `y`."""
    if not isinstance(y, (Tensor, Symbol)):
        raise GradientError(f"{what}: expected a Tensor or a Symbol, got {type(y).__name__}")
    if isinstance(y, Symbol) and y.open:
        raise GradientError(
            f"{what}: the symbol's shape {y.shape} is open; a gradient needs Input(batch_shape=...) or batch_size=..."
        )
    if y.dtype.kind != "f":
        raise GradientError(f"{what}: a value of dtype {y.dtype} has no gradient")
    if not y.requires_grad:
        raise GradientError(
            f"{what}: this tensor does not depend on anything that requires a gradient (was it made under "
            "no_grad, detached, or from plain arrays only?)"
        )
    if gradient is None:
        if y.size != 1:
            raise GradientError(
                f"{what}: the shape is {y.shape}; only a single element has an obvious gradient. Reduce it, "
                "say with .sum() or .mean(), or pass gradient= of that shape"
            )
        return np.ones(y.shape, y.dtype)
    if tuple(gradient.shape if hasattr(gradient, "shape") else np.shape(gradient)) != y.shape:
        raise GradientError(f"{what}: gradient has shape {np.shape(gradient)}, expected that of the tensor, {y.shape}")
    return gradient if isinstance(gradient, (Tensor, Symbol)) else np.asarray(gradient, y.dtype)


def check_closed(y: Symbol) -> None:
    """A rule computes with sizes: GradientError if one behind y is not known."""
    for node in history([origin(y)]):
        for x in node.inputs:
            if isinstance(x, Symbol) and x.open:
                raise GradientError(
                    f"grad(): an operand of {node.fn.name}, a symbol behind y, has the open shape {x.shape}; a "
                    "gradient needs Input(batch_shape=...) or batch_size=..."
                )


def backward(y: Tensor, gradient: Any = None, retain_graph: bool = False) -> None:
    """`y.backward()`: add plain-array gradients to `.grad` of all leaves behind y."""
    seed = seed_for(y, gradient, "backward()")
    if isinstance(seed, Tensor):
        seed = seed._data
    for leaf, g in sweep(origin(y), seed, None, arrays=True, keep=retain_graph).items():
        if isinstance(leaf, Tensor) and leaf.requires_grad:
            leaf.grad = owned_array(g if leaf.grad is None else leaf.grad + g)


def owned_array(g: Any) -> Any:
    return g if isinstance(g, RowSparse) else np.asarray(g)


def grad(
    y: Any,
    xs: Any,
    gradient: Any = None,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    allow_unused: bool = False,
) -> Any:
    """The gradient of `y` with respect to `xs`: one value, or a list, tuple or dict of them; the same comes back.

    On Tensors the result is plain arrays (RowSparse for a table that was gathered from); with create_graph=True
    Tensors, which can be differentiated again. On Symbols it is Symbols: the backward graph.

    gradient: the upstream gradient, of y's shape; may be left out for a single element (then 1).
    retain_graph: keep the graph for another pass; by default as create_graph.
    allow_unused: give None for an x that y does not depend on, instead of a GradientError.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> (g,) = grad((x**3).sum(), [x], create_graph=True)
    >>> grad(g.sum(), x)
    array([ 6., 12.], dtype=float32)
    """
    if callable(y):
        raise GradientError("grad() takes a result, not a function; value_and_grad(f) is made of functions")
    if isinstance(xs, dict):
        values = grad(y, list(xs.values()), gradient, create_graph, retain_graph, allow_unused)
        return dict(zip(xs, values, strict=True))
    if not isinstance(xs, (list, tuple)):
        return grad(y, [xs], gradient, create_graph, retain_graph, allow_unused)[0]
    for i, x in enumerate(xs):
        if not isinstance(x, (Tensor, Symbol)):
            raise GradientError(
                f"grad(): xs[{i}] is a {type(x).__name__}; expected a Tensor (requires_grad=True) or a Symbol"
            )
        if not x.requires_grad:
            raise GradientError(
                f"grad(): xs[{i}] of dtype {x.dtype} does not require a gradient"
                + ("" if x.dtype.kind == "f" else ": integers have no derivative")
            )
    seed = seed_for(y, gradient, "grad()")
    symbolic = isinstance(y, Symbol)
    if symbolic:
        check_closed(y)
    arrays = not create_graph and not symbolic
    if arrays and isinstance(seed, Tensor):
        seed = seed._data
    elif not arrays and not isinstance(seed, (Tensor, Symbol)):  # a rule takes an array for the eager pass
        seed = wrap(seed)
    wanted = [origin(x) for x in xs]
    keep = create_graph if retain_graph is None else retain_graph
    if arrays:
        found = sweep(origin(y), seed, set(wanted), arrays, keep)
    else:
        found = drawing_sweep(origin(y), seed, set(wanted), keep or symbolic)
    missing = [i for i, key in enumerate(wanted) if key not in found]
    if missing and not allow_unused:
        raise GradientError(
            f"grad(): y does not depend on xs[{missing[0]}]; leave it out, or pass allow_unused=True to get None for it"
        )
    out = [found.get(key) for key in wanted]
    if arrays:
        out = [g if g is None else owned_array(g) for g in out]
    return tuple(out) if isinstance(xs, tuple) else out
