"""Each optimizer against its formula, written out here in plain loops over scalars, over many steps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minigrad import optimizers
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Variable

STEPS = 40
LR = 0.05


def sgd(w, grads, lr, momentum=0.0, nesterov=False):
    v = 0.0
    for g in grads:
        v = momentum * v - lr * g
        w += momentum * v - lr * g if nesterov else v
    return w


def rmsprop(w, grads, lr, rho=0.9, momentum=0.0, eps=1e-7, centered=False):
    v = mean = m = 0.0
    for g in grads:
        v = rho * v + (1 - rho) * g * g
        mean = rho * mean + (1 - rho) * g
        step = lr * g / math.sqrt(v - (mean * mean if centered else 0) + eps)
        m = momentum * m + step
        w -= m
    return w


def adam(w, grads, lr, b1=0.9, b2=0.999, eps=1e-7, amsgrad=False, decay=0.0):
    m = v = top = 0.0
    for t, g in enumerate(grads, 1):
        w -= w * decay * lr
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        top = max(top, v)
        alpha = lr * math.sqrt(1 - b2**t) / (1 - b1**t)
        w -= alpha * m / (math.sqrt(top if amsgrad else v) + eps)
    return w


def adamax(w, grads, lr, b1=0.9, b2=0.999, eps=1e-7):
    m = u = 0.0
    for t, g in enumerate(grads, 1):
        m = b1 * m + (1 - b1) * g
        u = max(b2 * u, abs(g))
        w -= lr / (1 - b1**t) * m / (u + eps)
    return w


def nadam(w, grads, lr, b1=0.9, b2=0.999, eps=1e-7):
    m = v = 0.0
    product = 1.0
    for t, g in enumerate(grads, 1):
        now = b1 * (1 - 0.5 * 0.96**t)
        after = b1 * (1 - 0.5 * 0.96 ** (t + 1))
        product *= now
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        hat = after * m / (1 - product * after) + (1 - now) * g / (1 - product)
        w -= lr * hat / (math.sqrt(v / (1 - b2**t)) + eps)
    return w


def adagrad(w, grads, lr, start=0.1, eps=1e-7):
    total = start
    for g in grads:
        total += g * g
        w -= lr * g / math.sqrt(total + eps)
    return w


def adadelta(w, grads, lr, rho=0.95, eps=1e-7):
    size = moved = 0.0
    for g in grads:
        size = rho * size + (1 - rho) * g * g
        delta = -math.sqrt(moved + eps) / math.sqrt(size + eps) * g
        moved = rho * moved + (1 - rho) * delta * delta
        w += lr * delta
    return w


def lion(w, grads, lr, b1=0.9, b2=0.99):
    m = 0.0
    for g in grads:
        w -= lr * math.copysign(1.0, b1 * m + (1 - b1) * g)
        m = b2 * m + (1 - b2) * g
    return w


CASES = [
    (optimizers.SGD(LR), sgd, {}),
    (optimizers.SGD(LR, momentum=0.9), sgd, {"momentum": 0.9}),
    (optimizers.SGD(LR, momentum=0.9, nesterov=True), sgd, {"momentum": 0.9, "nesterov": True}),
    (optimizers.RMSprop(LR), rmsprop, {}),
    (optimizers.RMSprop(LR, rho=0.8, momentum=0.5), rmsprop, {"rho": 0.8, "momentum": 0.5}),
    (optimizers.RMSprop(LR, centered=True, epsilon=1e-3), rmsprop, {"centered": True, "eps": 1e-3}),
    (
        optimizers.RMSprop(LR, momentum=0.5, centered=True, epsilon=1e-3),
        rmsprop,
        {"momentum": 0.5, "centered": True, "eps": 1e-3},
    ),
    (optimizers.Adam(LR), adam, {}),
    (optimizers.Adam(LR, 0.8, 0.9, 1e-3), adam, {"b1": 0.8, "b2": 0.9, "eps": 1e-3}),
    (optimizers.Adam(LR, beta_2=0.9, amsgrad=True), adam, {"b2": 0.9, "amsgrad": True}),
    (optimizers.AdamW(LR), adam, {"decay": 0.004}),
    (optimizers.AdamW(LR, 0.1), adam, {"decay": 0.1}),
    (optimizers.Adamax(LR), adamax, {}),
    (optimizers.Nadam(LR), nadam, {}),
    (optimizers.Adagrad(LR), adagrad, {}),
    (optimizers.Adagrad(LR, initial_accumulator_value=1.0, epsilon=0.1), adagrad, {"start": 1.0, "eps": 0.1}),
    (optimizers.Adadelta(1.0, epsilon=1e-4), adadelta, {"lr": 1.0, "eps": 1e-4}),
    (optimizers.Lion(LR), lion, {}),
]


def gradients(dtype=np.float64):
    return np.random.default_rng(3).normal(0, 1, (STEPS, 2, 3)).astype(dtype)


@pytest.mark.parametrize(("optimizer", "formula", "arguments"), CASES)
def test_many_steps_follow_the_formula(optimizer, formula, arguments):
    optimizer = type(optimizer).from_config(optimizer.get_config())
    start = np.random.default_rng(4).normal(0, 1, (2, 3))
    w, grads = Variable(start), gradients()
    for g in grads:
        optimizer.apply([g], [w])
    expected = [formula(start[i], grads[:, i[0], i[1]], **{"lr": LR, **arguments}) for i in np.ndindex(2, 3)]
    np.testing.assert_allclose(w.numpy().ravel(), expected, rtol=1e-10, atol=1e-12)
    assert optimizer.iterations == STEPS


@pytest.mark.parametrize("case", CASES)
def test_float32_stays_float32_and_close(case):
    optimizer = type(case[0]).from_config(case[0].get_config())
    start = np.random.default_rng(4).normal(0, 1, (2, 3)).astype(np.float32)
    narrow, wide = Variable(start), Variable(start.astype(np.float64))
    slots = optimizer.slots(narrow)
    assert all(slot.dtype == np.float32 for slot in slots.values())
    new = optimizer.advance(start, gradients(np.float32)[0], slots, optimizer.scalars(1, LR), decay=0.01)
    assert all(value.dtype == np.float32 for value in new)
    for g in gradients(np.float32):
        optimizer.apply([g, g.astype(np.float64)], [narrow, wide])
    np.testing.assert_allclose(narrow.numpy(), wide.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_update_writes_to_none_of_its_operands(case):
    optimizer = case[0]
    w = Variable(np.ones((2, 3)))
    slots = {name: slot.copy() for name, slot in optimizer.slots(w).items()}
    operands = [np.ones((2, 3)), np.full((2, 3), 0.5), *slots.values()]
    before = [operand.copy() for operand in operands]
    optimizer.advance(operands[0], operands[1], slots, optimizer.scalars(1, LR), decay=0.1)
    for operand, kept in zip(operands, before):
        np.testing.assert_array_equal(operand, kept)


@pytest.mark.parametrize("case", CASES)
def test_update_draws_on_symbols_with_its_scalars_as_inputs(case):
    optimizer = case[0]
    w = Variable(np.ones((2, 3), np.float32))
    like = Symbol.of((2, 3), np.float32)
    scalars = {name: Symbol.of((), np.float32) for name in optimizer.scalars(1, LR)}
    new = optimizer.advance(like, like, dict.fromkeys(optimizer.slots(w), like), scalars, Symbol.of((), np.float32))
    assert len(new) == 1 + len(optimizer.slot_names)
    assert all(isinstance(n, Symbol) and n.shape == (2, 3) and n.dtype == np.float32 for n in new)


def test_nadam_gives_the_same_scalars_in_any_order():
    forward, backward = optimizers.Nadam(), optimizers.Nadam()
    ahead = [forward.scalars(step, LR) for step in range(1, 8)]
    assert [backward.scalars(step, LR) for step in range(7, 0, -1)] == ahead[::-1]
