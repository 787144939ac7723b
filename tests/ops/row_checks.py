"""What every row of the op table must fulfil, as checks that raise AssertionError.

A check takes a `Case`: an op with one of its own samples. `ALL` lists them.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from minigrad.core import autodiff
from minigrad.core.legacy import LEGACY
from minigrad.core.op import Op
from minigrad.core.rowsparse import RowSparse
from minigrad.core.spec import Spec, spec_of
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Tensor, wrap
from symbol_interpreter import evaluate

COMPLEX_STEP = 1e-20
STEP = 1e-6


@dataclass
class Case:
    """An op, operands, attributes, and what is drawn on top of them."""

    op: Op
    operands: tuple
    attrs: dict[str, Any]
    seed: int
    complex_step: bool = field(default=False, init=False)  # whether the first derivative was seen to be analytic

    def __post_init__(self) -> None:
        self.operands = tuple(map(frozen, self.operands))
        self.rng = np.random.default_rng(self.seed)
        self.floats = [i for i, x in enumerate(self.operands) if spec_of(x).dtype in (float, np.float64)]
        self.out = np.asarray(self.op.kernel(*self.operands, **self.attrs))
        can = self.out.dtype.kind == "f"
        self.live = [i for i in self.floats if can and self.op.rules and self.op.rule(i)]
        self.dead = [i for i in self.floats if can and i not in self.live]
        self.u = frozen(self.draw(self.out.shape))

    @cached_property
    def gradients(self) -> list:
        """The gradients under the upstream u, one for each of `live`."""
        return self.backward(self.u)

    def leaves(self, operands: tuple | None = None, live: list[int] | None = None) -> list:
        """The operands, those of `live` as Tensors that require gradients; nothing in them can be written to."""
        operands = self.operands if operands is None else operands
        live = self.live if live is None else live
        return [wrap_leaf(x) if i in live else frozen(x) for i, x in enumerate(operands)]

    def backward(self, u: Any, operands: tuple | None = None, live: list[int] | None = None) -> list:
        live = self.live if live is None else live
        if not live:
            return []
        leaves = self.leaves(operands, live)
        y = self.op(*leaves, **self.attrs)
        return gradient(y, [leaves[i] for i in live], u)

    def draw(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.asarray(self.rng.standard_normal(shape))


def gradient(y: Tensor, leaves: list, u: Any, **options: Any) -> list:
    """autodiff.grad, with zeros for what a rule leaves out."""
    parts = autodiff.grad(y, leaves, u, allow_unused=True, **options)
    return [np.zeros(x.shape, x.dtype) if g is None else g for g, x in zip(parts, leaves, strict=True)]


def frozen(x: Any) -> Any:
    """A read-only copy."""
    if isinstance(x, np.ndarray):
        x = x.copy(order="K")
        x.flags.writeable = False
    return x


def wrap_leaf(x: Any) -> Tensor:
    """A leaf around a read-only array of the same layout."""
    x = np.asarray(x)
    leaf = wrap(x if x.base is not None and not x.flags.writeable else frozen(x))
    leaf.requires_grad = True
    return leaf


def dense(g: Any) -> np.ndarray:
    return g.dense() if isinstance(g, RowSparse) else g.numpy() if isinstance(g, Tensor) else g


def inner(a: Any, b: Any) -> float:
    return float(np.sum(dense(a) * dense(b)))


def close(got: Any, expected: Any, tolerance: float, what: str) -> None:
    np.testing.assert_allclose(dense(got), dense(expected), rtol=tolerance, atol=tolerance, err_msg=what)


def same(got: Any, expected: Any, what: str) -> None:
    np.testing.assert_array_equal(dense(got), dense(expected), err_msg=what, strict=True)


# -- forward


def spec_is_the_kernels(case: Case) -> None:
    """Shape and dtype by the spec rule are those of the result: in float64, in float32, and with Python scalars."""
    op, attrs = case.op, case.attrs
    variants = [case.operands, narrowed(case.operands)]
    if op.kind == "elementwise" and len(case.floats) > 1:
        scalar = case.floats[case.seed % len(case.floats)]
        number = float(np.append(case.operands[scalar], 1.0)[0])
        variants += [(*v[:scalar], number, *v[scalar + 1 :]) for v in variants]
    for operands in variants:
        out = op(*[Tensor(x) if isinstance(x, np.ndarray) else x for x in operands], **attrs)
        if not isinstance(out, Tensor):
            continue  # only scalars: nothing to record, NumPy's own business
        spec = op.spec(*map(spec_of, operands), **attrs)
        assert type(spec) is Spec
        assert spec == Spec(out.shape, out.dtype), f"spec rule: {spec}, kernel: {spec_of(out)}, operands: {operands}"
        assert all(type(n) is int for n in spec.shape), spec
        assert np.asarray(op(*operands, **attrs)).dtype == out.dtype


def spec_is_the_kernels_for_other_dtypes(case: Case) -> None:
    """The same for float16, integers and booleans. What the kernel refuses for its dtype, the spec refuses too."""
    if case.op.kind == "random":
        return  # drawn in floats
    for dtype in (np.float16, np.int64, np.int32, np.int8, np.uint8, bool):
        operands = tuple(cast(x, dtype) if i in case.floats else x for i, x in enumerate(case.operands))
        specs = [spec_of(x) for x in operands]
        try:
            with np.errstate(all="ignore"):
                out = case.op(*map(Tensor, operands), **case.attrs)
        except TypeError:  # no bits in floats, no floats in bits, no linear algebra in halves
            with pytest.raises(TypeError):
                case.op.spec(*specs, **case.attrs)
        except ValueError:  # no negative power of an integer, no singular matrix
            continue
        else:
            spec = case.op.spec(*specs, **case.attrs)
            assert spec == Spec(out.shape, out.dtype), f"{np.dtype(dtype)}: {spec}, kernel: {spec_of(out)}"


def cast(x: Any, dtype: Any) -> np.ndarray:
    """x in another dtype, without a sign where that has none."""
    return np.asarray(x if np.dtype(dtype).kind in "fi" else np.abs(x)).astype(dtype)


def out_is_filled(case: Case) -> None:
    """With `out=` the kernel writes just what it would have returned."""
    if case.op.fills:
        for operands in (case.operands, narrowed(case.operands)):
            expected = np.asarray(case.op.kernel(*operands, **case.attrs))
            buffer = np.array(~expected) if expected.dtype == bool else np.full_like(expected, 77)
            case.op.kernel(*map(frozen, operands), **case.attrs, out=buffer)
            same(buffer, expected, "out=")


def values_are_left_alone(case: Case) -> None:
    """Operands and upstream are not written to; only a view shares memory with them."""
    before = [np.array(x, copy=True) for x in case.operands]
    operands = [x.copy() if isinstance(x, np.ndarray) else x for x in case.operands]
    out = case.op.kernel(*operands, **case.attrs)
    if case.op.kind != "view":
        assert not any(np.shares_memory(out, x) for x in operands if isinstance(x, np.ndarray)), "kind= must be 'view'"
    if case.live:
        u = case.u.copy()
        leaves = [wrap(x) if i in case.live else x for i, x in enumerate(operands)]
        for i in case.live:
            leaves[i].requires_grad = True
        grads = gradient(case.op(*leaves, **case.attrs), [leaves[i] for i in case.live], u)
        same(u, case.u, "the upstream was changed")
        arrays = [g for g in grads if isinstance(g, np.ndarray)]
        for k, g in enumerate(arrays):
            others = [*operands, u, *arrays[:k]]
            assert not any(np.shares_memory(g, o) for o in others if isinstance(o, np.ndarray)), (
                "a gradient shares memory"
            )
    for x, old in zip(operands, before, strict=True):
        same(np.asarray(x), old, "an operand was changed")


def narrowed(operands: tuple) -> tuple:
    """float64 arrays as float32."""
    return tuple(x.astype(np.float32) if isinstance(x, np.ndarray) and x.dtype == np.float64 else x for x in operands)


# -- gradients


def gradients_fit(case: Case) -> None:
    """A gradient has its operand's shape and dtype, and is an ndarray (or a RowSparse)."""
    for i, g in zip(case.live, case.gradients, strict=True):
        x = np.asarray(case.operands[i])
        assert type(g) in (np.ndarray, RowSparse), type(g)
        assert (g.shape, g.dtype) == (x.shape, x.dtype)
        assert np.isfinite(dense(g)).all()


def gradients_are_right(case: Case) -> None:
    """Against the complex step where the kernel is analytic (1e-8), else against central differences."""
    got = dict(zip(case.live, case.gradients, strict=True))
    for i in case.floats if case.out.dtype.kind == "f" else ():
        if case.op.name == "stop_gradient":
            continue  # the one row whose derivative is not meant to be true
        v = case.draw(np.shape(case.operands[i]))
        expected, analytic = numeric_slope(case, i, v)
        tolerance = 1e-8 if analytic else 1e-5
        case.complex_step |= analytic
        mine = inner(got[i], v) if i in got else 0.0
        scale = 1 + abs(expected) + (np.abs(dense(got[i]) * v).sum() if i in got else 0.0)
        assert abs(mine - expected) <= tolerance * scale, (
            f"operand {i}: slope {mine!r}, expected {expected!r} ({'complex step' if analytic else 'differences'})"
            + ("" if i in got else "; it has no rule, so its gradient would be dropped in silence")
        )


def numeric_slope(case: Case, i: int, v: np.ndarray) -> tuple[float, bool]:
    """d<u, op>/d(operand i) along v, and whether it is by the complex step: only if that agrees with differences."""
    kernel, attrs, operands = case.op.kernel, case.attrs, case.operands

    def at(x: np.ndarray) -> Any:
        return kernel(*operands[:i], x, *operands[i + 1 :], **attrs)

    x = np.asarray(operands[i])
    rough = float(np.sum(case.u * (at(x + STEP * v) - at(x - STEP * v)))) / (2 * STEP)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exact = float(np.sum(case.u * np.imag(at(x + COMPLEX_STEP * 1j * v)))) / COMPLEX_STEP
    except Exception:  # the kernel takes no complex numbers
        return rough, False
    scale = 1 + abs(rough) + np.abs(case.u).sum()
    return (exact, True) if abs(exact - rough) <= 1e-5 * scale else (rough, False)


def second_order_is_right(case: Case) -> None:
    """The derivative of <gradients, w>, in the operands and in the upstream, against differences of gradients."""
    if not case.live:
        return
    points = [np.asarray(case.operands[i]) for i in case.live] + [case.u]
    moves = [case.draw(p.shape) for p in points]
    weights = [case.draw(p.shape) for p in points[:-1]]

    def first_order(step: float) -> float:
        *xs, u = (p + step * m for p, m in zip(points, moves, strict=True))
        operands = list(case.operands)
        for i, x in zip(case.live, xs, strict=True):
            operands[i] = x
        return sum(inner(g, w) for g, w in zip(case.backward(u, tuple(operands)), weights, strict=True))

    rough = (first_order(STEP) - first_order(-STEP)) / (2 * STEP)
    leaves, u = case.leaves(), wrap_leaf(case.u)
    xs = [leaves[i] for i in case.live]
    firsts = autodiff.grad(case.op(*leaves, **case.attrs), xs, u, create_graph=True, allow_unused=True)
    total, scale = 0.0, 1 + abs(rough)
    for g, first, w in zip(firsts, case.gradients, weights, strict=True):
        if g is None:
            continue
        assert isinstance(g, Tensor)
        close(g, first, 1e-12, "create_graph=True changes the value")
        if g.requires_grad:
            for d, move in zip(gradient(g, [*xs, u], w, retain_graph=True), moves, strict=True):
                total += inner(d, move)
                scale += np.abs(dense(d) * move).sum()
    assert abs(total - rough) <= 1e-5 * scale, f"second order: slope {total!r}, expected {rough!r}"


def upstream_may_be_anything(case: Case) -> None:
    """Zero gives exactly zero; strided and broadcast upstreams count as their contiguous copies; vjp is linear in u."""
    if not case.live:
        return
    for g in case.backward(frozen(np.zeros(case.out.shape))):
        assert not dense(g).any(), f"zero upstream gave {g}"
    for u in (strided(case.u), frozen(case.u.T.copy()).T):
        for g, expected in zip(case.backward(u), case.gradients, strict=True):
            close(g, expected, 1e-12, "strided upstream")
    constant = np.broadcast_to(np.float64(0.7), case.out.shape)
    full = case.backward(np.full(case.out.shape, 0.7))
    for g, expected in zip(case.backward(constant), full, strict=True):
        close(g, expected, 1e-12, "broadcast upstream")
    mixed = case.backward(2.5 * case.u - 3 * constant)
    for g, one, two in zip(mixed, case.gradients, full, strict=True):
        scale = 1 + np.abs(dense(one)).max(initial=0) + np.abs(dense(two)).max(initial=0)
        close(dense(g) / scale, (2.5 * dense(one) - 3 * dense(two)) / scale, 1e-10, "not linear in the upstream")


def operands_may_be_anything(case: Case) -> None:
    """Repeats are bit-identical; strided operands, constant ones and repeated ones change nothing."""
    if not case.live:
        return
    for g, expected in zip(case.backward(case.u), case.gradients, strict=True):
        same(g, expected, "a second run differs")
    operands = tuple(strided(x) if i in case.live else x for i, x in enumerate(case.operands))
    for g, expected in zip(case.backward(case.u, operands), case.gradients, strict=True):
        close(g, expected, 1e-9, "strided operands")
    if len(case.live) > 1:
        for live, expected in zip(case.live, case.gradients, strict=True):
            (g,) = case.backward(case.u, live=[live])
            close(g, expected, 1e-12, f"operand {live} with the others constant")
    first = case.live[0]
    x = np.asarray(case.operands[first])
    twins = [i for i in case.live if np.shape(case.operands[i]) == x.shape]
    if len(twins) > 1:
        operands = tuple(x if i in twins else o for i, o in enumerate(case.operands))
        try:
            apart = case.backward(case.u, operands)
        except (ValueError, ArithmeticError):
            return  # not a value for both places
        leaf = wrap_leaf(x)
        y = case.op(*[leaf if i in twins else o for i, o in enumerate(operands)], **case.attrs)
        expected = sum(dense(g) for i, g in zip(case.live, apart, strict=True) if i in twins)
        close(gradient(y, [leaf], case.u)[0], expected, 1e-12, "one tensor as several operands")


def strided(x: Any) -> Any:
    """The same values, not contiguous, walked backwards along the first axis; read-only."""
    x = np.asarray(x)
    if x.ndim == 0:
        return frozen(x)
    wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), np.nan if x.dtype.kind == "f" else 0, x.dtype)[::-1]
    wide[..., ::2] = x
    view = wide[..., ::2]
    view.flags.writeable = False
    return view


def float32_stays(case: Case) -> None:
    """float32 operands give a float32 result and float32 gradients, near the float64 ones."""
    if case.out.dtype != np.float64 or not case.floats or case.attrs.get("dtype") is not None:
        return
    operands = narrowed(case.operands)
    leaves = [wrap_leaf(x) if i in case.live else x for i, x in enumerate(operands)]
    y = case.op(*leaves, **case.attrs)
    assert y.dtype == np.float32, f"float32 operands gave {y.dtype}"
    xs = [leaves[i] for i in case.live]
    u = case.u.astype(np.float32)
    for options in ({}, {"create_graph": True}) if xs else ():
        if not LEGACY or all(np.ndim(x) for x in (u, *operands)):  # there, 0-d arrays widen in every expression
            rules_of(case, y, xs, u)
        for g, expected in zip(gradient(y, xs, u, retain_graph=True, **options), case.gradients, strict=True):
            assert g.dtype == np.float32
            scale = 1 + np.abs(dense(expected)).max(initial=0)
            close(dense(g) / scale, dense(expected) / scale, 2e-3, "float32 gradient")


def rules_of(case: Case, y: Tensor, xs: list, u: np.ndarray) -> None:
    """No rule itself may widen float32: the central cast would only hide what it costs."""
    if y.node is not None:
        for i in y.node.live:
            d = case.op.rule(i).on_arrays(u, y.node, i)
            assert d is None or d.dtype == np.float32, f"the rule for operand {i} gives {d.dtype} for float32"


# -- symbols


def rules_draw(case: Case) -> None:
    """On Symbols the rule draws a program; run, it gives the array's gradient to the bit."""
    symbols = [Symbol.of(np.shape(x), x.dtype) if isinstance(x, np.ndarray) else x for x in case.operands]
    feed = {s: x for s, x in zip(symbols, case.operands, strict=True) if isinstance(s, Symbol)}
    if not feed:
        return
    y = case.op(*symbols, **case.attrs)
    assert isinstance(y, Symbol)
    assert (y.shape, y.dtype) == (case.out.shape, case.out.dtype)
    same(evaluate([y], feed)[0], case.out, "the symbol's value")
    xs = [symbols[i] for i in case.live if isinstance(symbols[i], Symbol)]
    if xs:
        u = Symbol.of(y.shape, y.dtype)
        drawn = autodiff.grad(y, xs, u, allow_unused=True)
        values = evaluate([g for g in drawn if g is not None], {**feed, u: case.u})
        expected = [g for i, g in zip(case.live, case.gradients, strict=True) if isinstance(symbols[i], Symbol)]
        left = iter(values)
        for g, right in zip(drawn, expected, strict=True):
            same(np.zeros(right.shape) if g is None else next(left), right, "the drawn gradient")


ALL = (
    spec_is_the_kernels,
    spec_is_the_kernels_for_other_dtypes,
    out_is_filled,
    values_are_left_alone,
    gradients_fit,
    gradients_are_right,
    second_order_is_right,
    upstream_may_be_anything,
    operands_may_be_anything,
    float32_stays,
    rules_draw,
)


def check_row(case: Case) -> None:
    for check in ALL:
        check(case)
