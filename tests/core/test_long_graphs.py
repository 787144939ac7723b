"""Graphs of any length: no recursion, and freed by reference counting alone."""

from __future__ import annotations

import copy
import gc
import pickle
import time
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

import minigrad.ops  # noqa: F401
from minigrad.core.autodiff import grad, history
from minigrad.core.tensor import Tensor, Variable
from minigrad.errors import GradientError


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def chain(x: Tensor, n: int) -> Tensor:
    y = x
    for _ in range(n):
        y = y + x
    return y


def run_chain(n: int) -> None:
    x = Tensor(np.zeros(1), requires_grad=True)
    y = chain(x, n)
    first = weakref.ref(y.node)
    y.backward(np.ones(1))
    assert x.grad.tolist() == [n + 1]
    del y
    assert first() is None


def test_a_chain_of_100_000_ops_runs_and_is_freed(no_collector: None) -> None:
    start = time.perf_counter()
    run_chain(100_000)
    assert time.perf_counter() - start < 20, "about 1 s where nothing else runs"


def test_a_chain_that_never_ran_backward_is_freed_too(no_collector: None) -> None:
    x = Tensor(np.zeros(1), requires_grad=True)
    y = chain(x, 100_000)
    nodes = [weakref.ref(node) for node in history([y.node])]
    assert len(nodes) == 100_000
    del y
    assert not any(node() for node in nodes)


@pytest.mark.slow
def test_a_chain_of_a_million_ops_does_not_crash(no_collector: None) -> None:
    run_chain(1_000_000)


def test_deep_graphs_print_copy_pickle_and_differentiate_again() -> None:
    x = Tensor(np.zeros(1), requires_grad=True)
    y = chain(x, 50_000)
    assert "from=add" in repr(y)
    assert copy.deepcopy(y).tolist() == [0]
    assert pickle.loads(pickle.dumps(y)).tolist() == [0]  # noqa: S301
    assert grad(y, x, create_graph=True).tolist() == [50_001]


def steps(n: int) -> None:
    rng = np.random.default_rng(0)
    w, b = Variable(rng.standard_normal((3, 2))), Variable(np.zeros(2))
    x = rng.standard_normal((4, 3))
    for _ in range(n):
        hidden = np.tanh(x @ w + b)
        hidden.register_hook(lambda g: g * 1)
        hidden.retain_grad()
        loss = (hidden * hidden).sum()
        second = grad(loss, w, create_graph=True)
        (loss + (second * second).sum()).backward()
        for v in (w, b):
            v.assign(v.numpy() - 0.1 * v.grad)
            v.grad = None


def test_a_training_loop_leaves_no_garbage(no_collector: None) -> None:
    steps(2)
    gc.collect()
    steps(5)
    assert gc.collect() == 0


def test_a_training_loop_keeps_no_objects(no_collector: None) -> None:
    def objects_after(n: int) -> int:
        steps(n)
        return len(gc.get_objects())

    objects_after(1)
    assert objects_after(12) == objects_after(2)


def test_a_failed_pass_keeps_nothing_alive(no_collector: None) -> None:
    v = Variable(np.ones(2))
    y = np.tanh(v * v)
    node = weakref.ref(y.node)
    v.assign(np.zeros(2))
    with pytest.raises(GradientError) as caught:
        y.sum().backward()
    del y, caught
    assert node() is None


def test_inputs_that_no_rule_reads_are_not_kept() -> None:
    x = Tensor(np.zeros(3), requires_grad=True)
    big = x * 2
    data = weakref.ref(big)
    y = big + 1
    del big
    assert data() is None
    y.sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


def test_the_backward_pass_frees_as_it_goes() -> None:
    x = Tensor(np.zeros(3), requires_grad=True)
    y = np.tanh(x)
    z = np.exp(y)
    node = z.node
    z.sum().backward()
    assert node.freed
    assert y.node.freed
