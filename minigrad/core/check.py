"""Gradients against numerical differentiation, for users' functions and users' rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GradientError, ShapeError
from .autodiff import grad
from .samples import seeded
from .spec import Spec, spec_of
from .tensor import Tensor

if TYPE_CHECKING:
    from .op import Op


def check_grads(
    fn: Callable[..., Tensor],
    args: Any,
    order: int = 2,
    eps: float = 1e-6,
    atol: float = 1e-6,
    rtol: float = 1e-5,
    seed: int = 0,
) -> None:
    """Compare reverse-mode gradients of `fn(*args)` with central differences; return None if they agree.

    fn: Tensors -> a Tensor of any shape.
    args: arrays or Tensors, one or a sequence; floats are taken as float64 and differentiated, everything else
        is passed as it is. Stay away from kinks: |x| has no gradient at 0.
    order: with 2, the gradient function is checked in the same way (create_graph=True), and so on.
    eps: the step.
    atol, rtol: along a random direction, |got - expected| may be atol + rtol·|expected|.

    Raises GradientError: the argument, the entry of the Jacobian that is most wrong, what was expected, what came.
    Counterparts: `jax.test_util.check_grads`, `torch.autograd.gradcheck`.

    >>> import minigrad as mg
    >>> check_grads(lambda x, y: np.tanh(x * y), [np.array([0.5, -1.0]), np.array([2.0, 3.0])])
    >>> @mg.custom_vjp(lambda g, x: 3 * g * x)
    ... def wrongly(x):
    ...     return x * x
    >>> check_grads(wrongly, np.array([1.0]))
    Traceback (most recent call last):
        ...
    minigrad.errors.GradientError: check_grads: d result[0] / d argument 0[0]: expected ..., got 3
    """
    values = [widened(a) for a in (args if isinstance(args, (list, tuple)) else [args])]
    names = [f"argument {i}" for i in range(len(values))]
    problem = Problem(lambda *xs: [fn(*xs)], values, names, ["result"])
    rng = np.random.default_rng(seed)
    while True:
        problem.check(eps, atol, rtol, rng)
        if problem.order >= order:
            return
        problem = problem.differentiated(rng)


def check_op(op: Op, samples: int = 20, order: int = 2) -> None:
    """Check a row of the op table by its own samples: gradients, spec against kernel, `out=` against plain.

    Raises GradientError or ShapeError; the message says which sample failed.

    >>> import minigrad as mg
    >>> check_op(mg.ops.tanh)
    """
    if op.samples is None:
        raise ValueError(
            f"check_op: {op.name} has no samples; give the row samples=lambda draw: (operands, attributes)"
        )
    for k in range(samples):
        operands, attrs = op.samples(seeded(k))
        where = f"{op.name}, sample {k} (shapes {[np.shape(x) for x in operands]}, {attrs})"
        out = np.asarray(op.kernel(*operands, **attrs))
        spec = op.spec(*map(spec_of, operands), **attrs)
        if spec != Spec(out.shape, out.dtype):
            raise ShapeError(f"check_op: {where}: the spec rule says {spec}, the kernel gave {spec_of(out)}")
        if op.fills:
            buffer = np.empty_like(out)
            op.kernel(*operands, **attrs, out=buffer)
            if not np.array_equal(buffer, out, equal_nan=out.dtype.kind == "f"):
                raise ValueError(f"check_op: {where}: with out= the kernel wrote something else")
        live = [i for i, x in enumerate(operands) if is_float(x) and op.rule(i)]
        if not live or out.dtype.kind != "f":
            continue

        def call(*xs: Any, operands: Any = operands, attrs: Any = attrs, live: Any = live) -> Tensor:
            full = list(operands)
            for i, x in zip(live, xs, strict=True):
                full[i] = x
            return op(*full, **attrs)

        try:
            check_grads(call, [operands[i] for i in live], order)
        except GradientError as error:
            raise GradientError(f"check_op: {where}, arguments being the operands {live}: {error}") from error


@dataclass
class Problem:
    """A function to check, and where: at order 1 the user's own, at order 2 its gradient, and so on.

    fn: Tensors (and whatever else the user passes) -> a list of Tensors. values: float64 arrays for the Tensors.
    names, results: what to call the values, and what fn gives.
    """

    fn: Callable[..., list]
    values: list
    names: list[str]
    results: list[str]
    order: int = 1

    def __post_init__(self) -> None:
        self.leaves, self.outs = self.run(self.values)
        self.live = [i for i, leaf in enumerate(self.leaves) if isinstance(leaf, Tensor)]
        again = self.run(self.values)[1]
        if not all(np.array_equal(y.numpy(), z.numpy(), True) for y, z in zip(self.outs, again, strict=True)):
            raise GradientError(
                "check_grads: fn gave two results for the same arguments; fix its seed, or switch its dropout off"
            )

    def run(self, values: list) -> tuple[list, list[Tensor]]:
        """Fresh leaves for the float64 arrays, and what `fn` makes of them."""
        leaves = [Tensor(v, requires_grad=True) if is_float(v) else v for v in values]
        outs = self.fn(*leaves)
        for y in outs:
            if not isinstance(y, Tensor) or y.dtype != np.float64:
                came = f"a Tensor of dtype {y.dtype}" if isinstance(y, Tensor) else type(y).__name__
                raise GradientError(f"check_grads: fn gave {came}; expected a float64 Tensor, as its arguments are")
            if self.order == 1 and not y.requires_grad:
                raise GradientError("check_grads: fn's result depends on no float argument (was it detached?)")
        return leaves, outs

    def slopes(self, i: int, direction: np.ndarray, eps: float) -> list[np.ndarray]:
        """The derivatives of all results as value i moves along a direction, by central differences."""
        ahead, behind = (
            self.run([*self.values[:i], self.values[i] + h * direction, *self.values[i + 1 :]])[1] for h in (eps, -eps)
        )
        return [(a.numpy() - b.numpy()) / (2 * eps) for a, b in zip(ahead, behind, strict=True)]

    def check(self, eps: float, atol: float, rtol: float, rng: np.random.Generator) -> None:
        """Raise GradientError unless each value's gradient fits the differences along a random direction."""
        upstreams = random_like(self.outs, rng)
        gradients = reverse(self.outs, [self.leaves[i] for i in self.live], upstreams, create_graph=False)
        for i, g in zip(self.live, gradients, strict=True):
            (direction,) = random_like([g], rng)
            expected = sum(inner(u, s) for u, s in zip(upstreams, self.slopes(i, direction, eps), strict=True))
            got = inner(g, direction)
            if not abs(got - expected) <= atol + rtol * abs(expected):
                where = self.worst_entry(i, eps) or (
                    f"d (a random sum of it) / d {self.names[i]} (along a random direction): "
                    f"expected {expected:.9g}, got {got:.9g}"
                )
                raise GradientError(f"check_grads: {where}")

    def worst_entry(self, i: int, eps: float) -> str:
        """The entry of the Jacobian of value i that is most wrong, looking at no more than 100 by 100."""
        worst, found = 1e-6, ""
        for column in islice(np.ndindex(self.values[i].shape), 100):
            slopes = self.slopes(i, unit(self.values[i].shape, column), eps)
            for y, name, slope in zip(self.outs, self.results, slopes, strict=True):
                for row in islice(np.ndindex(y.shape), 100):
                    (g,) = reverse([y], [self.leaves[i]], [unit(y.shape, row)], create_graph=False)
                    expected, got = float(slope[row]), float(g[column])
                    error = abs(got - expected) / (1 + abs(expected))
                    if not error <= worst:  # so that NaN is worse than anything
                        places = f"d {name}{list(row) or ''} / d {self.names[i]}{list(column) or ''}"
                        worst, found = error, f"{places}: expected {expected:.9g}, got {got:.9g}"
        return found

    def differentiated(self, rng: np.random.Generator) -> Problem:
        """(values, upstream gradients of the results) -> the gradients of the values, themselves to be checked."""
        n, live, fn = len(self.values), self.live, self.fn

        def gradients(*xs: Any) -> list:
            return reverse(fn(*xs[:n]), [xs[i] for i in live], list(xs[n:]), create_graph=True)

        return Problem(
            gradients,
            self.values + random_like(self.outs, rng),
            self.names + [f"upstream of {name}" for name in self.results],
            [f"gradient of {self.names[i]}" for i in live],
            self.order + 1,
        )


def reverse(outs: list[Tensor], leaves: list[Tensor], upstreams: list, create_graph: bool) -> list:
    """The gradient of Σ <upstream, out> for each leaf; zeros where nothing arrives."""
    totals: list[Any] = [Tensor(np.zeros(x.shape)) if create_graph else np.zeros(x.shape) for x in leaves]
    for y, u in zip(outs, upstreams, strict=True):
        if y.requires_grad:
            parts = grad(y, leaves, u, create_graph=create_graph, retain_graph=True, allow_unused=True)
            totals = [t if part is None else t + part for t, part in zip(totals, parts, strict=True)]
    return totals


def random_like(values: list, rng: np.random.Generator) -> list[np.ndarray]:
    """For each value an array of its shape."""
    return [np.asarray(rng.standard_normal(v.shape)) for v in values]


def inner(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sum(a * b))


def unit(shape: tuple[int, ...], index: tuple[int, ...]) -> np.ndarray:
    """Zeros but for a one."""
    out = np.zeros(shape)
    out[index] = 1
    return out


def widened(x: Any) -> Any:
    """A float array or scalar as a float64 array; anything else as it came."""
    if isinstance(x, Tensor):
        x = x.numpy()
    return np.array(x, np.float64) if is_float(x) else x


def is_float(x: Any) -> bool:
    """Whether something can be differentiated by: a float array or number."""
    return isinstance(x, float) or getattr(getattr(x, "dtype", None), "kind", "") == "f"
