"""Learning rate schedules against their formulas."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import UnknownName
from minigrad.optimizers import schedules
from minigrad.optimizers.schedules import (
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)

steps = st.integers(0, 500)


@given(steps)
def test_exponential_decay(step):
    assert ExponentialDecay(0.1, 30, 0.5)(step) == pytest.approx(0.1 * 0.5 ** (step / 30))
    assert ExponentialDecay(0.1, 30, 0.5, staircase=True)(step) == pytest.approx(0.1 * 0.5 ** (step // 30))


@given(steps)
def test_inverse_time_decay(step):
    assert InverseTimeDecay(0.1, 30, 2.0)(step) == pytest.approx(0.1 / (1 + 2.0 * step / 30))
    assert InverseTimeDecay(0.1, 30, 2.0, staircase=True)(step) == pytest.approx(0.1 / (1 + 2.0 * (step // 30)))


@given(steps)
def test_polynomial_decay(step):
    done = min(step, 100) / 100
    assert PolynomialDecay(0.1, 100, 0.01, power=2.0)(step) == pytest.approx(0.09 * (1 - done) ** 2 + 0.01)


@given(steps)
def test_polynomial_decay_in_cycles(step):
    length = 100 * max(1, math.ceil(step / 100))
    assert PolynomialDecay(0.1, 100, 0.01, cycle=True)(step) == pytest.approx(0.09 * (1 - step / length) + 0.01)


@given(steps)
def test_piecewise_constant_decay(step):
    expected = 1.0 if step <= 10 else 0.5 if step <= 100 else 0.1
    assert PiecewiseConstantDecay([10, 100], [1.0, 0.5, 0.1])(step) == expected


@given(steps)
def test_cosine_decay(step):
    wave = 0.5 * (1 + math.cos(math.pi * min(step, 100) / 100))
    assert CosineDecay(0.1, 100, alpha=0.2)(step) == pytest.approx(0.1 * (0.8 * wave + 0.2))


@given(steps)
def test_cosine_decay_with_warmup(step):
    wave = 0.5 * (1 + math.cos(math.pi * min(max(step - 50, 0), 100) / 100))
    expected = 0.01 + (0.5 - 0.01) * step / 50 if step < 50 else 0.5 * wave
    assert CosineDecay(0.01, 100, warmup_target=0.5, warmup_steps=50)(step) == pytest.approx(expected, abs=1e-15)


MEMBERS = [
    ExponentialDecay(0.1, 30, 0.5, True),
    InverseTimeDecay(0.1, 30, 0.5),
    PolynomialDecay(0.1, 30, 0.01, 2.0, True),
    PiecewiseConstantDecay([10, 100], [1.0, 0.5, 0.1]),
    CosineDecay(0.1, 30, 0.1, warmup_target=0.2, warmup_steps=5),
]


@pytest.mark.parametrize("schedule", MEMBERS)
def test_config_round_trip_through_json(schedule):
    again = schedules.deserialize(json.loads(json.dumps(schedules.serialize(schedule))))
    assert type(again) is type(schedule)
    assert [again(step) for step in range(200)] == [schedule(step) for step in range(200)]


def test_bad_arguments_are_told():
    with pytest.raises(ValueError, match="decay_steps must be above zero"):
        ExponentialDecay(0.1, 0, 0.5)
    with pytest.raises(ValueError, match="one value more"):
        PiecewiseConstantDecay([1, 2], [0.1, 0.2])
    with pytest.raises(ValueError, match="ascend"):
        PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="warm-up needs both"):
        CosineDecay(0.1, 10, warmup_steps=5)
    with pytest.raises(UnknownName, match="Did you mean 'decay_rate'"):
        schedules.deserialize({"class_name": "ExponentialDecay", "config": {"decay_rat": 1}})


def test_a_schedule_without_a_call_says_what_it_needs():
    with pytest.raises(NotImplementedError, match="__call__"):
        LearningRateSchedule()(0)
