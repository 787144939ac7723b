"""Lambda: functions with arguments, checked output shapes, and configurations without code."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.errors import GraphError, MinigradError, ShapeError, UnknownName
from minigrad.layers import Input, Lambda


def tripled(x):
    return x * 3


def halves(inputs):
    x, y = inputs
    return [x / 2, y / 2]


def noisy(x, training):
    return x + 100 if training else x


def first_shape(input_shape):
    return input_shape[:1] + (3,)


def test_any_function_of_numpy_text():
    assert Lambda(lambda x: np.tanh(x).sum(axis=-1))(Input((4,))).shape == (None,)
    assert Lambda(np.tanh)(Input((4,))).shape == (None, 4)


def test_several_inputs_and_outputs():
    x, y = Lambda(halves)([Input((4,)), Input((2,))])
    assert (x.shape, y.shape) == ((None, 4), (None, 2))


def test_training_is_passed_to_a_function_that_asks_for_it():
    assert Lambda(noisy)(np.zeros(1)).item() == 0
    assert Lambda(noisy)(np.zeros(1), training=True).item() == 100


@pytest.mark.parametrize("output_shape", [(3,), 3, [3], (None,), first_shape])
def test_a_true_output_shape(output_shape):
    assert Lambda(tripled, output_shape=output_shape)(Input((3,))).shape == (None, 3)


@pytest.mark.parametrize("output_shape", [(4,), (3, 1), (), first_shape])
def test_a_false_output_shape(output_shape):
    with pytest.raises(ShapeError, match=r"^layer lambda \(Lambda\), .*: output_shape says .* returned \(None, 5\)"):
        Lambda(tripled, output_shape=output_shape)(Input((5,)))


def test_a_function_without_return():
    with pytest.raises(GraphError, match="the function returned None"):
        Lambda(lambda x: None)(Input((5,)))


def test_a_configuration_holds_a_name_and_is_looked_up_among_the_registered():
    Lambda.register(tripled)
    Lambda.register(first_shape)
    config = Lambda(tripled, output_shape=first_shape).get_config()
    assert (config["function"], config["output_shape"]) == ("tripled", "first_shape")
    twin = Lambda.from_config(config)
    assert (twin.function, twin.output_shape) == (tripled, first_shape)


def test_a_name_that_was_not_registered():
    config = Lambda(noisy).get_config()
    with pytest.raises(UnknownName, match="Unknown function for Lambda 'noisy'"):
        Lambda.from_config(config)


def test_a_lambda_has_no_configuration():
    with pytest.raises(MinigradError, match="no name"):
        Lambda(lambda x: x).get_config()


def test_what_is_no_function():
    with pytest.raises(UnknownName, match="function for Lambda is meant by 3"):
        Lambda(3)
