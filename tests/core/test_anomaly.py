"""detect_anomaly names the op, the place, and the line of the user's own code."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.autodiff import grad
from minigrad.core.mode import MODE, detect_anomaly
from minigrad.core.op import Op
from minigrad.core.table import ROWS
from minigrad.core.tensor import Tensor
from minigrad.errors import NonFiniteError


def here(offset: int = 0) -> str:
    frame = inspect.currentframe().f_back
    return re.escape(f"{frame.f_code.co_filename}:{frame.f_lineno + offset}")


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


def test_forward_names_op_value_place_and_line() -> None:
    x = Tensor(np.array([[1.0, 2.0], [3.0, 0.0]]), requires_grad=True)
    with detect_anomaly(), pytest.raises(NonFiniteError) as caught:
        np.log(x)
    assert re.search(rf"log gave -inf at \[1, 1\], called from {here(-1)}", str(caught.value))


def test_it_says_when_an_operand_was_bad_already() -> None:
    x = Tensor(np.array([np.inf]))
    with detect_anomaly(), pytest.raises(NonFiniteError, match="an operand was not finite already"):
        x - x


def test_backward_names_the_rule_and_the_line_of_the_forward_call() -> None:
    x = Tensor(np.array([0.0, 1.0]), requires_grad=True)
    with detect_anomaly():
        y = np.sqrt(x)
        line = here(-1)
        with pytest.raises(NonFiniteError, match=rf"rule of sqrt for operand 0 gave inf at \[0\].*{line}"):
            y.sum().backward()


def test_create_graph_is_watched_too() -> None:
    x = Tensor(np.array([0.0]), requires_grad=True)
    with detect_anomaly(), pytest.raises(NonFiniteError, match=r"sqrt|divide|multiply"):
        grad(np.sqrt(x).sum(), x, create_graph=True)


class Encoder(mg.layers.Layer):
    def __init__(self, inner: mg.layers.Layer, **options: object) -> None:
        super().__init__(**options)
        self.inner = inner

    def call(self, x: Tensor) -> Tensor:
        return self.inner(x + 1) * 2


def test_the_layer_is_named_forward_and_backward() -> None:
    x = Tensor(np.array([0.0, 1.0]), requires_grad=True)
    with detect_anomaly():
        with pytest.raises(NonFiniteError, match=r"log gave -inf at \[0\], in layer logs \(Lambda\), called from"):
            mg.layers.Lambda(np.log, name="logs")(x)
        y = mg.layers.Lambda(np.sqrt, name="roots")(x)
        with pytest.raises(NonFiniteError, match=r"rule of sqrt .* in layer roots \(Lambda\), called from"):
            y.sum().backward()


def test_a_layer_inside_a_layer_is_named_by_its_path() -> None:
    encoder = Encoder(mg.layers.Lambda(np.log, name="logs"), name="encoder")
    with detect_anomaly(), pytest.raises(NonFiniteError, match=r"in layer encoder/logs \(Lambda\)"):
        encoder(Tensor(np.array([-1.0])))
    assert MODE.get().scope is None


def test_a_graph_from_before_is_told_apart() -> None:
    x = Tensor(np.array([0.0]), requires_grad=True)
    y = np.sqrt(x).sum()
    with detect_anomaly(), pytest.raises(NonFiniteError, match="recorded before detect_anomaly"):
        y.backward()


def test_outside_nothing_is_checked() -> None:
    with detect_anomaly():
        pass
    assert np.log(Tensor(0.0)).item() == -np.inf


def test_finite_values_and_integers_pass() -> None:
    x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    with detect_anomaly():
        (np.exp(x) * np.array([1, 2])).sum().backward()
        assert (x > 1).tolist() == [False, True]


def test_hooks_work_inside() -> None:
    x = Tensor(np.array([1.0]), requires_grad=True)
    with detect_anomaly():
        y = x * 2
        y.register_hook(lambda g: g * 10)
        y.sum().backward()
    assert x.grad.tolist() == [20]


def test_a_users_own_op() -> None:
    before = dict(ROWS)
    try:
        op = Op(lambda x: x * 1, name="poison", spec=lambda x: x, vjp=lambda g: g * np.nan)
        x = Tensor(np.array([1.0]), requires_grad=True)
        with detect_anomaly(), pytest.raises(NonFiniteError, match="rule of poison for operand 0 gave nan"):
            op(x).sum().backward()
    finally:
        ROWS.clear()
        ROWS.update(before)
