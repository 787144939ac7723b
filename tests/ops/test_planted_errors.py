"""The checks are checked: an error planted in a rule, a spec, a kernel or the sweep must not pass them.

A planted error that changes no value on any sample (the flip of a gradient that is the same everywhere) is no error,
and is counted apart. All others must be found: found / planted is 1.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import row_checks
from all_rows import NAMES, ROWS
from minigrad.core import autodiff
from minigrad.core.check import check_op
from minigrad.core.legacy import LEGACY
from minigrad.core.op import Op
from minigrad.core.rowsparse import RowSparse
from minigrad.core.samples import seeded
from minigrad.core.spec import Spec
from minigrad.core.tensor import Tensor
from minigrad.errors import GradientError
from row_checks import Case, check_row, dense

SAMPLES = 60

# -- errors in a rule: each takes the right gradient d and the upstream g


def scaled(d: Any, g: Any) -> Any:
    return d * 1.001


def wrong_axis(d: Any, g: Any) -> Any:
    if isinstance(d, RowSparse):
        return RowSparse(d.shape[0] - 1 - d.ids, d.rows, d.shape)
    return d[::-1] if d.shape else d


def wrong_sign(d: Any, g: Any) -> Any:
    return d * -1.0


def not_linear(d: Any, g: Any) -> Any:
    return d if isinstance(d, RowSparse) else d + 1e-3


def detached(d: Any, g: Any) -> Any:
    return Tensor(d.numpy()) if isinstance(d, Tensor) else d


def looks_at_values(d: Any, g: Any) -> Any:
    return d if isinstance(d, RowSparse) or d.sum() < 1e9 else d * 2


def writes_upstream(d: Any, g: Any) -> Any:
    if isinstance(g, np.ndarray):
        g *= 1.0
    return d


def widens(d: Any, g: Any) -> Any:
    return d.astype(np.float64)


IN_VALUE = [scaled, wrong_axis, wrong_sign, not_linear, detached]
IN_RULES = [*IN_VALUE, looks_at_values, writes_upstream, widens]


def with_rule(op: Op, position: int, plant: Callable) -> Op:
    """The row with an error in the rule at that position."""
    twin, rule = copy.copy(op), copy.copy(op.rules[position])

    def wronged(right: Callable) -> Callable:
        def wrong(g: Any, node: Any, place: int) -> Any:
            d = right(g, node, place)
            return d if d is None else plant(d, g)

        return wrong

    rule.on_arrays, rule.on_values = wronged(rule.on_arrays), wronged(rule.on_values)
    twin.rules = (*op.rules[:position], rule, *op.rules[position + 1 :])
    return twin


def mutants(plant: Callable) -> Iterator[tuple[Op, int, Op]]:
    for op in ROWS.values():
        for position, rule in enumerate(op.rules):
            if rule:
                yield op, position, with_rule(op, position, plant)


def sample(op: Op, seed: int) -> Case:
    return Case(op, *op.samples(seeded(seed)), seed=seed)


def found_by_checks(op: Op, wrong: Op) -> bool:
    """Whether the checks complain of the wrong row; on the same sample they must not complain of the right one."""
    for seed in range(SAMPLES):
        try:
            check_row(sample(wrong, seed))
        except Exception:
            check_row(sample(op, seed))
            return True
    return False


def found_by_check_op(op: Op, wrong: Op) -> bool:
    try:
        check_op(wrong, samples=SAMPLES)
    except GradientError:
        return True
    return False


def changes_nothing(plant: Callable, op: Op, position: int, wrong: Op) -> bool:
    """Whether no sample's gradient is another for it; where the error is in the history, whether all are zero."""
    for seed in range(SAMPLES):
        case, other = sample(op, seed), sample(wrong, seed)
        if plant is widens and case.attrs.get("dtype") is not None:
            continue  # a cast: its gradients are cast back
        for i, g, h in zip(case.live, case.gradients, other.gradients, strict=True):
            wrong_here = dense(g).any() if plant not in IN_VALUE[:-1] else not np.array_equal(dense(g), dense(h))
            if wrong_here and (i == position or op.variadic):
                return False
    return True


def score(plant: Callable, found: Callable[[Op, Op], bool]) -> None:
    planted, survivors, harmless = 0, [], []
    for op, position, wrong in mutants(plant):
        planted += 1
        if not found(op, wrong):
            (harmless if changes_nothing(plant, op, position, wrong) else survivors).append(f"{op.name}[{position}]")
    planted -= len(harmless)
    print(f"{plant.__name__}: found {planted - len(survivors)} of {planted}; harmless: {harmless}")
    assert planted
    assert survivors == []


@pytest.mark.parametrize("name", NAMES)
def test_the_right_rows_pass_the_public_checker(name: str) -> None:
    check_op(ROWS[name])


@pytest.mark.parametrize("plant", IN_RULES, ids=lambda p: p.__name__)
def test_errors_in_rules_are_found(plant: Callable) -> None:
    score(plant, found_by_checks)


@pytest.mark.parametrize("plant", IN_VALUE, ids=lambda p: p.__name__)
def test_errors_in_rules_are_found_by_the_public_checker(plant: Callable) -> None:
    score(plant, found_by_check_op)


# -- errors in the other columns


def wrong_shape(op: Op) -> Op:
    right = op.spec
    op.spec = lambda *s, **a: Spec((*right(*s, **a).shape, 1), right(*s, **a).dtype)
    return op


def wrong_dtype(op: Op) -> Op:
    right = op.spec
    op.spec = lambda *s, **a: Spec(right(*s, **a).shape, np.dtype(np.int8))
    return op


def always_float64(op: Op) -> Op:
    right = op.kernel
    op.kernel = lambda *xs, **a: np.asarray(right(*xs, **a), np.float64)
    op.fills = False
    return op


def writes_operand(op: Op) -> Op:
    right = op.kernel

    def kernel(*xs: Any, **attrs: Any) -> Any:
        out = np.array(right(*xs, **attrs))
        for x in xs:
            if isinstance(x, np.ndarray):
                x[...] = 0
        return out

    op.kernel = kernel
    op.fills = False
    return op


def forgets_out(op: Op) -> Op:
    right = op.kernel
    op.kernel = lambda *xs, out=None, **a: right(*xs, **a)
    return op


def applies(plant: Callable, op: Op) -> bool:
    case = sample(op, 0)
    if plant is forgets_out:
        return op.fills
    if plant is always_float64:  # in old NumPy results are cast to what the spec says
        return not LEGACY and case.out.dtype.kind == "f" and bool(case.floats) and case.attrs.get("dtype") is None
    if plant is writes_operand:
        return any(isinstance(x, np.ndarray) and x.size for x in case.operands)
    return True


@pytest.mark.parametrize(
    "plant", [wrong_shape, wrong_dtype, always_float64, writes_operand, forgets_out], ids=lambda p: p.__name__
)
def test_errors_in_kernel_and_spec_are_found(plant: Callable) -> None:
    planted = [op for op in ROWS.values() if applies(plant, op)]
    survivors = [op.name for op in planted if not found_by_checks(op, plant(copy.copy(op)))]
    print(f"{plant.__name__}: found {len(planted) - len(survivors)} of {len(planted)}")
    assert survivors == []


# -- errors in the sweep itself

IN_SWEEP = {
    "+= replaced by =": [("total = prior + d", "total = d"), ("np.add(prior, d, out=prior)", "pending[target] = d")],
    "leading axes not summed": [("g = np.add.reduce(g, axis=tuple(range(extra)))", "g = g[(0,) * extra]")],
    "repeated axes not summed": [
        (
            "np.add.reduce(g, axis=axes, keepdims=True) if axes",
            "g[tuple(slice(1) if i in axes else slice(None) for i in range(len(shape)))] if axes",
        )
    ],
    "gradient not unbroadcast": [("d = unbroadcast(d, x.shape)", "d = d")],
    "gradient shared with the upstream": [("pending[target] = d.copy()", "pending[target] = d")],
}


@pytest.mark.parametrize("plant", IN_SWEEP)
def test_errors_in_the_sweep_are_found(plant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = inspect.getsource(autodiff)
    for right, wrong in IN_SWEEP[plant]:
        assert right in source, f"the sweep has changed; plant {plant!r} anew"
        source = source.replace(right, wrong)
    twin = type(autodiff)(autodiff.__name__)
    twin.__package__ = autodiff.__package__
    exec(compile(source, "autodiff with a planted error", "exec"), twin.__dict__)
    monkeypatch.setattr(row_checks, "autodiff", twin)
    with pytest.raises((AssertionError, GradientError)):
        check_samples(ROWS["add"])
    monkeypatch.undo()
    check_samples(ROWS["add"])


def check_samples(op: Op) -> None:
    for seed in range(SAMPLES):
        check_row(sample(op, seed))
