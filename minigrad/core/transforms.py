"""Functions of functions: derivatives of `f`, a function of Tensors, in the forms that mathematics has for them.

All are made from the one sweep of `autodiff`, so an op's single rule serves forward mode and higher orders too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import GradientError
from .autodiff import grad
from .mode import no_grad
from .op import Op
from .spec import Spec
from .symbol import Symbol
from .tensor import Tensor, wrap
from .tree import leaves, map_leaves


def leaf(x: Any) -> Any:
    """A leaf with the values of x that takes a gradient; under another differentiation x itself, in its graph."""
    if isinstance(x, Tensor) and x.requires_grad:
        return x + 0.0 if x.node is None else x
    tensor = x if isinstance(x, Tensor) else Tensor(x)
    return Tensor(tensor, requires_grad=True)


def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Tensor, Any]]:
    """The function that gives (f(*args), gradient of f with respect to the arguments `argnums`).

    f must return a single number. An argument may be a list or dict of arrays; its gradient has the same structure.
    JAX counterpart: jax.value_and_grad.

    >>> value, g = value_and_grad(lambda w, x: ((w * x) ** 2).sum())(np.array([1.0, 2.0]), 3.0)
    >>> value.item(), g
    (45.0, array([18., 36.]))
    """

    def both(*args: Any, **kwargs: Any) -> tuple[Tensor, Any]:
        numbers = [argnums] if isinstance(argnums, int) else list(argnums)
        if any(not -len(args) <= n < len(args) for n in numbers):
            raise TypeError(f"value_and_grad: argnums={argnums}, but the call has {len(args)} positional arguments")
        numbers = [n % len(args) for n in numbers]
        made = [map_leaves(leaf, a) if i in numbers else a for i, a in enumerate(args)]
        value = f(*made, **kwargs)
        wanted = [x for i in numbers for x in leaves(made[i])]
        found = iter(gradients(value, wanted, None, create_graph=recorded(args)))
        gs = [map_leaves(lambda _: next(found), made[i]) for i in numbers]
        return value.detach() if not recorded(args) else value, gs[0] if isinstance(argnums, int) else gs

    return both


def recorded(args: Any) -> bool:
    """Whether some argument is part of an outer differentiation, so that this one has to be recorded."""
    return any(isinstance(x, Tensor) and x.requires_grad for x in leaves(list(args)))


def gradients(y: Any, xs: list[Tensor], gradient: Any, create_graph: bool) -> list[Any]:
    """As grad, with zeros where y does not depend on an x."""
    if not (isinstance(y, Tensor) and y.requires_grad):
        if not isinstance(y, Tensor):
            raise GradientError(f"the function returned a {type(y).__name__}, expected a Tensor")
        found: list[Any] = [None] * len(xs)
    else:
        found = grad(y, xs, gradient, create_graph, retain_graph=True, allow_unused=True)
    zeros = [np.zeros(x.shape, x.dtype) for x in xs]
    return [(wrap(z) if create_graph else z) if g is None else g for g, z in zip(found, zeros, strict=True)]


def vjp(f: Callable[..., Any], *args: Any) -> tuple[Tensor, Callable[[Any], tuple]]:
    """(f(*args), pull), where pull(u) is the gradient of sum(u * f) with respect to each argument, as arrays.

    JAX counterpart: jax.vjp.

    >>> y, pull = vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pull(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    xs = [leaf(a) for a in args]
    y = f(*xs)

    def pull(u: Any) -> tuple:
        again = recorded((*args, u))
        return tuple(gradients(y, xs, u if isinstance(u, Tensor) else np.asarray(u, y.dtype), again))

    return (y if recorded(args) else y.detach()), pull


def jvp(f: Callable[..., Any], args: Sequence[Any], tangents: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """(f(*args), its derivative along the tangents): forward mode, by differentiating a vjp in its upstream gradient.

    JAX counterpart: jax.jvp.

    >>> jvp(lambda x: x**2, [np.array([1.0, 2.0])], [np.array([1.0, 0.5])])[1]
    Tensor([2., 2.], dtype=float64)
    """
    paired("jvp", args, "tangents", tangents)
    xs = [leaf(a) for a in args]
    for i, (x, t) in enumerate(zip(xs, tangents, strict=True)):
        if np.shape(t) != x.shape:
            raise ValueError(f"jvp: tangents[{i}] has shape {np.shape(t)}, expected that of the argument, {x.shape}")
    y = f(*xs)
    u = Tensor(np.zeros(y.shape, y.dtype), requires_grad=True)
    total: Any = None
    for g, t in zip(gradients(y, xs, u, create_graph=True), tangents, strict=True):
        part = (g * (t if isinstance(t, Tensor) else np.asarray(t, g.dtype))).sum()
        total = part if total is None else total + part
    (tangent,) = gradients(total, [u], None, create_graph=recorded((*args, *tangents)))
    outer = recorded(args)
    return (y if outer else y.detach()), tangent if isinstance(tangent, Tensor) else wrap(tangent)


def paired(who: str, args: Any, name: str, vectors: Any) -> None:
    """TypeError or ValueError unless both are sequences of as many arrays."""
    for what, xs in (("args", args), (name, vectors)):
        if not isinstance(xs, (list, tuple)):
            raise TypeError(
                f"{who}: {what} must be a list or tuple with one array for each argument of the function, got "
                f"{type(xs).__name__}"
            )
    if len(args) != len(vectors):
        raise ValueError(f"{who}: {len(args)} args but {len(vectors)} {name}; each argument needs one, of its shape")


def jacobian(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function that gives all first derivatives of f: x of shape X -> array of shape f(x).shape + X.

    One backward pass for each element of f(x). HIPS autograd counterpart: autograd.jacobian.

    >>> jacobian(lambda x: x[:2] * x[1])(np.array([1.0, 2.0, 3.0]))
    array([[2., 1., 0.],
           [0., 4., 0.]])
    """

    def at(x: Any) -> Any:
        outer = recorded([x])
        x = leaf(x)
        y = f(x)
        if not isinstance(y, Tensor):
            raise GradientError(f"jacobian: the function returned a {type(y).__name__}, expected a Tensor")
        rows = []
        for k in range(y.size):
            unit = np.zeros(y.size, y.dtype)
            unit[k] = 1
            (g,) = gradients(y, [x], unit.reshape(y.shape), create_graph=outer)
            rows.append(g if outer else np.asarray(g))
        if not rows:
            return np.zeros(y.shape + x.shape, x.dtype)
        return np.stack(rows).reshape(y.shape + x.shape)

    return at


def hessian(f: Callable[[Any], Any]) -> Callable[[Any], np.ndarray]:
    """The function that gives all second derivatives of f, which returns a single number: x -> array of shape X + X.

    >>> hessian(lambda x: (x**3).sum())(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """

    def gradient(x: Any) -> Tensor:
        return gradients(f(x), [x], None, create_graph=True)[0]

    return jacobian(gradient)


def hvp(f: Callable[..., Any], args: Sequence[Any], vectors: Sequence[Any]) -> tuple:
    """The product of f's Hessian with a vector (one array an argument), at the price of two backward passes.

    >>> hvp(lambda x: (x**3).sum(), [np.array([1.0, 2.0])], [np.array([1.0, 1.0])])
    (array([ 6., 12.]),)
    """
    paired("hvp", args, "vectors", vectors)
    xs = [leaf(a) for a in args]
    first = gradients(f(*xs), xs, None, create_graph=True)
    product: Any = sum((g * np.asarray(v, g.dtype)).sum() for g, v in zip(first, vectors, strict=True))
    return tuple(gradients(product, xs, None, create_graph=recorded(args)))


def stop_gradient(x: Any) -> Any:
    """The same value, through which no gradient flows back. Keras counterpart: keras.ops.stop_gradient.

    >>> x = Tensor([3.0], requires_grad=True)
    >>> grad((x * stop_gradient(x)).sum(), x)
    array([3.], dtype=float32)
    """
    return x.detach() if isinstance(x, (Tensor, Symbol)) else x


def custom_vjp(*rules: Any, name: str | None = None) -> Callable[[Callable[..., Any]], Op]:
    """Decorator: differentiate this function by the given rules, one a parameter, in place of those of its parts.

    A rule has the form of a row's (see `minigrad.core.rule`): its parameters are g, then any of out, the function's own
    parameters, and their shapes (`x_shape`). The function sees plain arrays. None as a rule: no gradient.

    >>> @custom_vjp(lambda g, x: np.clip(g, -1, 1))
    ... def clipped(x):
    ...     return x * 1.0
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> grad((clipped(x) * 50).sum(), x)
    array([1., 1.], dtype=float32)
    """

    def decorate(f: Callable[..., Any]) -> Op:
        def spec(*operands: Spec, **attrs: Any) -> Spec:
            with no_grad():  # its shape rule is the function itself, drawn on symbols
                drawn = f(*(Symbol((s, s)) for s in operands), **attrs)
            return drawn.specs[0]

        return Op(f, spec=spec, vjp=rules if len(rules) > 1 else rules[0], name=name or f.__name__, kind="other")

    return decorate


__all__ = ["custom_vjp", "hessian", "hvp", "jacobian", "jvp", "stop_gradient", "value_and_grad", "vjp"]
