"""A model trained as a program and its twin trained op by op, compared: to the bit, fused ones to rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import Model
from minigrad.core.legacy import LEGACY
from minigrad.core.tensor import Tensor
from minigrad.core.tree import leaves
from minigrad.program import jit
from minigrad.utils import set_random_seed

# Old NumPy computes in float64 where numbers meet arrays without axes; a program's buffers round such values earlier.
ROUNDING = 1e-6 if LEGACY else 0.0
FUSED = False  # whether the programs are (see conftest.py); sums in loops end in other digits than NumPy's


def twins(build: Callable[..., Model], seed: int = 1, **compiled: Any) -> tuple[Model, Model]:
    """(runs as programs, runs eagerly): the same model built twice from one seed. Arguments of compile that make
    objects with a state are given as functions of nothing.
    """
    made = []
    for run_eagerly in (False, True):
        set_random_seed(seed)
        model = build()
        told = {k: v() if callable(v) and not isinstance(v, type) else v for k, v in compiled.items()}
        model.compile(**told, run_eagerly=run_eagerly, jit_compile=FUSED and not run_eagerly)
        made.append(model)
    return made[0], made[1]


def same_state(program: Model, eager: Model, tolerance: float = 0.0) -> None:
    """Weights and the optimizer's state are equal."""
    for one, other in (
        (program.named_weights(), eager.named_weights()),
        (program.optimizer.state, eager.optimizer.state),
    ):
        assert one.keys() == other.keys()
        same_values({k: to_array(v) for k, v in one.items()}, {k: to_array(v) for k, v in other.items()}, tolerance)


def to_array(x: Any) -> np.ndarray:
    return x.numpy() if isinstance(x, Tensor) else np.asarray(x)


def same_values(a: Any, b: Any, tolerance: float = 0.0) -> None:
    """Two structures of arrays or numbers are equal: to the bit, or within a tolerance relative to their size."""
    assert not isinstance(a, dict) or a.keys() == b.keys()
    tolerance = max(tolerance, ROUNDING, FUSED * 3e-6)  # after some epochs; see test_many_steps.py for one step
    for x, y in zip(list(leaves(a)), list(leaves(b)), strict=True):
        x, y = np.asarray(x), np.asarray(y)
        assert x.dtype == y.dtype
        if tolerance:
            size = np.abs(y).max(initial=1e-2 if FUSED else 1e-3)
            np.testing.assert_allclose(x, y, rtol=0, atol=tolerance * size)
        else:
            assert np.array_equal(x, y, equal_nan=True), f"{np.abs(x - y).max()} apart"


def traced(model: Model, modes: str = "train test predict") -> None:
    """The model did run as programs."""
    found = {key[0] for key in model._programs.made}
    assert not model._programs.eager
    assert found >= set(modes.split()), found


def agree(
    build: Callable[..., Model],
    x: Any,
    y: Any,
    *,
    epochs: int = 2,
    batch_size: int = 5,
    sample_weight: Any = None,
    class_weight: Any = None,
    tolerance: float = 0.0,
    **compiled: Any,
) -> tuple[Model, Model]:
    """Train both over epochs with a short last batch, then evaluate and predict: all equal, by default to the bit."""
    one, other = twins(build, **compiled)
    ran = []
    for model in (one, other):
        set_random_seed(2)  # for the shuffles, and for weights that are made with the first batch
        history = model.fit(
            x, y, batch_size, epochs, verbose=0, sample_weight=sample_weight, class_weight=class_weight
        ).history
        figures = model.evaluate(x, y, batch_size, verbose=0, sample_weight=sample_weight, return_dict=True)
        ran.append((history, figures, model.predict(x, batch_size, verbose=0)))
    traced(one)
    same_state(one, other, tolerance)
    same_values(ran[0], ran[1], tolerance)
    return one, other


# -- how the programs run ----------------------------------------------------------------------------------------


def interpreted(text: str, name: str) -> Any:
    """What `compiled` gives, but run by Python."""
    namespace: dict[str, Any] = {"np": np}
    exec(text, namespace)
    loop = namespace[name]

    def run(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return loop(*args)

    return run


@pytest.fixture(params=["plain", "interpreted", pytest.param("compiled", marks=pytest.mark.slow)])
def kind(request, monkeypatch) -> str:
    """How the programs of `twins` run in a test that uses this: plain; fused, with loops that Python itself runs; and
    fused as they are, which is slow, for it compiles.
    """
    if request.param == "compiled":
        pytest.importorskip("numba")
    if request.param == "interpreted":
        monkeypatch.setattr(jit, "compiled", interpreted)
        monkeypatch.setattr(jit, "available", lambda must: True)
        monkeypatch.setattr("minigrad.config.has_numba", lambda: True)
    monkeypatch.setitem(globals(), "FUSED", request.param != "plain")
    return request.param
