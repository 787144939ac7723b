"""What all optimizers share: learning rate, clipping, decay, constraints, state, names and errors."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import constraints, optimizers
from minigrad.core.tensor import Variable
from minigrad.errors import GradientError, ShapeError, UnknownName
from minigrad.optimizers.schedules import ExponentialDecay, InverseTimeDecay

NAMES = "sgd rmsprop adam adamw adagrad adadelta adamax nadam lion".split()


def variable(values=(1.0, -2.0, 3.0), name="w"):
    return Variable(np.array(values, np.float32), name=name)


# -- learning rate -----------------------------------------------------------------------------------------


def test_learning_rate_is_a_number_that_can_be_assigned():
    optimizer = optimizers.SGD(0.5)
    w = variable([0.0])
    optimizer.apply([np.ones(1)], [w])
    optimizer.learning_rate = 0.25
    optimizer.apply([np.ones(1)], [w])
    assert (w.numpy()[0], optimizer.learning_rate, optimizer.lr) == (-0.75, 0.25, 0.25)


def test_lr_is_the_old_spelling():
    assert optimizers.Adam(lr=0.5).learning_rate == 0.5


def test_a_schedule_is_asked_with_the_steps_done():
    w = variable([0.0])
    optimizer = optimizers.SGD(ExponentialDecay(1.0, 1, 0.5))
    steps = []
    for _ in range(4):
        before = w.numpy()[0]
        optimizer.apply([np.ones(1)], [w])
        steps.append(float(before - w.numpy()[0]))
    assert steps == [1.0, 0.5, 0.25, 0.125]


def test_a_number_does_not_silently_end_a_schedule():
    optimizer = optimizers.SGD(ExponentialDecay(1.0, 1, 0.5))
    with pytest.raises(TypeError, match="ExponentialDecay"):
        optimizer.learning_rate = 0.1
    optimizer.learning_rate = ExponentialDecay(2.0, 1, 0.5)
    assert optimizer.learning_rate == 2.0


def test_functions_of_nothing_and_of_the_step_are_learning_rates():
    assert optimizers.SGD(lambda: 0.3).learning_rate == 0.3
    optimizer = optimizers.SGD(lambda step: 1.0 / (1 + step))
    optimizer.iterations = 3
    assert optimizer.learning_rate == 0.25


def test_decay_of_keras_2_divides_the_learning_rate():
    optimizer = optimizers.SGD(0.1, decay=0.5)
    optimizer.iterations = 4
    assert optimizer.learning_rate == pytest.approx(0.1 / 3)
    assert optimizers.get(optimizers.serialize(optimizer)).learning_rate == 0.1
    with pytest.raises(ValueError, match="decay="):
        optimizers.SGD(InverseTimeDecay(0.1, 1, 1), decay=0.1)


@pytest.mark.parametrize("rate", [-0.1, np.nan, np.inf, "fast", None, [0.1]])
def test_learning_rates_that_are_none_are_told(rate):
    with pytest.raises(ValueError, match="learning_rate"):
        optimizers.SGD(rate)
    with pytest.raises(ValueError, match="learning_rate"):
        optimizers.SGD(0.1).learning_rate = rate


# -- clipping ----------------------------------------------------------------------------------------------


@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_clipnorm_bounds_each_norm_and_keeps_directions(seed, limit):
    rng = np.random.default_rng(seed)
    grads = [rng.normal(0, 2, (3,)), rng.normal(0, 2, (2, 2))]
    for g, clipped in zip(grads, optimizers.SGD(clipnorm=limit).clip(grads)):
        size = np.linalg.norm(g)
        np.testing.assert_allclose(clipped, g * min(1.0, limit / size), rtol=1e-12)


@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_global_clipnorm_bounds_the_norm_of_all(seed, limit):
    rng = np.random.default_rng(seed)
    grads = [rng.normal(0, 2, (3,)), rng.normal(0, 2, (2, 2)).astype(np.float32)]
    size = np.sqrt(sum(np.sum(g.astype(np.float64) ** 2) for g in grads))
    for g, clipped in zip(grads, optimizers.SGD(global_clipnorm=limit).clip(grads)):
        np.testing.assert_allclose(clipped, g * min(1.0, limit / size), rtol=1e-6)
        assert clipped.dtype == g.dtype


def test_clipvalue_bounds_each_element():
    (clipped,) = optimizers.SGD(clipvalue=1.0).clip([np.array([-3.0, 0.5, 2.0])])
    assert clipped.tolist() == [-1.0, 0.5, 1.0]


def test_a_zero_gradient_stays_zero_under_clipping():
    for option in ("clipnorm", "clipvalue", "global_clipnorm"):
        (clipped,) = optimizers.SGD(**{option: 1.0}).clip([np.zeros(3)])
        assert clipped.tolist() == [0, 0, 0]


def test_only_one_clip_and_only_above_zero():
    with pytest.raises(ValueError, match="at most one"):
        optimizers.Adam(clipnorm=1.0, clipvalue=1.0)
    with pytest.raises(ValueError, match="clipvalue must be above zero"):
        optimizers.Adam(clipvalue=0)


# -- decay and constraints ---------------------------------------------------------------------------------


def test_weight_decay_shrinks_before_the_step():
    w = variable([2.0])
    optimizers.SGD(0.5, weight_decay=0.1).apply([np.array([1.0])], [w])
    assert w.numpy()[0] == pytest.approx(2.0 * (1 - 0.5 * 0.1) - 0.5)


def test_variables_are_excluded_from_decay_by_name_or_by_themselves():
    kernel, bias, other = variable(name="dense/kernel"), variable(name="dense/bias"), variable(name="other")
    optimizer = optimizers.AdamW()
    optimizer.exclude_from_weight_decay(var_list=[other], var_names=["bias"])
    assert [optimizer.decays(v) for v in (kernel, bias, other)] == [True, False, False]
    optimizer.apply([np.zeros(3)] * 3, [kernel, bias, other])
    assert kernel.numpy()[0] < 1.0
    assert bias.numpy()[0] == other.numpy()[0] == 1.0


def test_the_constraint_holds_after_the_step():
    w = Variable(np.array([0.5, -0.5]), constraint=constraints.NonNeg())
    optimizers.SGD(1.0).apply([np.array([1.0, -1.0])], [w])
    assert w.numpy().tolist() == [0.0, 0.5]


# -- bad input: an error, and nothing changed --------------------------------------------------------------


@pytest.mark.parametrize(
    ("grads", "error", "words"),
    [
        ([np.ones(3), None], GradientError, "no gradient for the variable bias"),
        ([np.ones(3), np.ones(2)], ShapeError, r"variable bias has shape \(2,\), expected .*\(3,\)"),
        ([np.ones(3)], ValueError, "1 gradients for 2 variables"),
    ],
)
def test_gradients_that_do_not_fit_change_nothing(grads, error, words):
    variables = [variable(name="kernel"), variable(name="bias")]
    optimizer = optimizers.Adam()
    with pytest.raises(error, match=words):
        optimizer.apply(grads, variables)
    assert optimizer.iterations == 0
    for v in variables:
        assert v.numpy().tolist() == [1.0, -2.0, 3.0]


def test_a_variable_given_twice_is_told():
    w = variable()
    with pytest.raises(ValueError, match="1 of them different"):
        optimizers.SGD().apply([np.ones(3), np.ones(3)], [w, w])


# -- names and configs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("spelling", "meant"), [("adma", "adam"), ("sdg", "sgd"), ("rmsporp", "rmsprop")])
def test_misspelt_optimizers_are_told(spelling, meant):
    with pytest.raises(UnknownName, match=f"Did you mean '{meant}'"):
        optimizers.get(spelling)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("learning_rat", "learning_rate"),
        ("beta1", "beta_1"),
        ("clip_norm", "clipnorm"),
        ("weightdecay", "weight_decay"),
    ],
)
def test_misspelt_arguments_are_told(wrong, meant):
    with pytest.raises(UnknownName, match=f"Unknown argument of Adam '{wrong}'. Did you mean '{meant}'"):
        optimizers.Adam(**{wrong: 0.1})
    with pytest.raises(UnknownName, match=f"Did you mean '{meant}'"):
        optimizers.deserialize({"class_name": "Adam", "config": {wrong: 0.1}})


@pytest.mark.parametrize("name", NAMES)
def test_config_round_trip_through_json(name):
    optimizer = optimizers.get(name)
    assert optimizer.name == name
    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()


def test_config_keeps_every_option_and_the_schedule():
    optimizer = optimizers.Adam(
        ExponentialDecay(0.1, 10, 0.5), 0.8, 0.9, 1e-3, True, weight_decay=0.1, clipnorm=2.0, name="mine"
    )
    again = optimizers.get(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert again.get_config() == optimizer.get_config()
    assert (again.learning_rate, again.clipnorm, again.weight_decay, again.name) == (0.1, 2.0, 0.1, "mine")
    assert (again.beta_1, again.amsgrad) == (0.8, True)


def test_defaults_are_those_of_keras():
    assert optimizers.SGD().learning_rate == 0.01
    assert {optimizers.get(name).learning_rate for name in NAMES if name != "sgd"} == {0.001}
    assert optimizers.AdamW().weight_decay == 0.004
    assert optimizers.Adagrad().slots(variable())["accumulator"].tolist() == pytest.approx([0.1] * 3)


# -- state -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_run_is_the_uninterrupted_one(name):
    grads = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    whole, first = variable(), variable()
    one, two = optimizers.get(name), optimizers.get(name)
    for g in grads:
        one.apply([g], [whole])
    for g in grads[:4]:
        two.apply([g], [first])
    second = Variable(first.numpy())
    resumed = optimizers.get(name)
    resumed.build([second])
    resumed.load_state(two.state)
    for g in grads[4:]:
        resumed.apply([g], [second])
    np.testing.assert_array_equal(second.numpy(), whole.numpy())
    assert resumed.iterations == 8


def test_state_is_a_copy_and_keeps_the_assigned_learning_rate():
    optimizer = optimizers.Adam(0.1)
    w = variable()
    optimizer.build([w])
    state = optimizer.state
    optimizer.apply([np.ones(3)])
    assert state["momentum/0"].tolist() == [0, 0, 0]
    assert state["iterations"] == 0
    optimizer.learning_rate = 0.01
    again = optimizers.Adam(0.1)
    again.build([w])
    again.load_state(optimizer.state)
    assert again.learning_rate == 0.01


def test_a_state_that_does_not_fit_is_told_and_changes_nothing():
    optimizer = optimizers.Adam()
    optimizer.build([variable()])
    state = optimizer.state | {"momentum/0": np.ones(4), "velocity/1": np.ones(3)}
    with pytest.raises(ValueError, match=r"momentum/0: expected \(3,\), got \(4,\); velocity/1: expected nothing"):
        optimizer.load_state(state)
    assert optimizer.slots(next(iter(optimizer._slots)))["velocity"].tolist() == [0, 0, 0]


def test_a_variable_that_comes_later_gets_its_slots():
    first, second = variable(), variable()
    optimizer = optimizers.SGD(momentum=0.9)
    optimizer.apply([np.ones(3)], [first])
    optimizer.apply_gradients([(np.ones(3), first), (np.ones(3), second)])
    assert list(optimizer.state) == ["iterations", "learning_rate", "momentum/0", "momentum/1"]
    assert optimizer.iterations == 2
