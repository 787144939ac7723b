"""What holds for every layer: its formula, shapes, gradients, configuration, dtypes and misspelt arguments."""

from __future__ import annotations

import json

import numpy as np
import pytest

from layer_cases import CASES, Case
from minigrad import layers
from minigrad.core.autodiff import grad
from minigrad.core.check import check_grads
from minigrad.core.symbol import Symbol
from minigrad.core.tensor import Tensor
from minigrad.layers import Input, InputLayer, Layer
from minigrad.layers.layer import registry
from minigrad.layers.merging import Merge


def over(cases: list[Case]):
    return pytest.mark.parametrize("case", cases, ids=[f"{c.cls.__name__}-{CASES.index(c)}" for c in cases])


every_case = over(CASES)


def argument(values: list):
    """A single input as itself, several as a list; a merging layer always takes a list."""
    return values[0] if len(values) == 1 else values


def call(case: Case, layer, values: list):
    return layer(values if isinstance(layer, Merge) else argument(values))


def built(case: Case, **more):
    """A float64 layer with drawn weights, and its inputs."""
    layer, arrays = case.layer(dtype="float64", **more), case.arrays()
    call(case, layer, arrays)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.uniform(0.2, 0.9, w.shape) for w in layer.get_weights()])
    return layer, arrays


def test_every_public_layer_has_a_case():
    public = {x for x in map(layers.__dict__.get, layers.__all__) if isinstance(x, type)}
    assert public - {Layer, InputLayer} == {case.cls for case in CASES}


def test_every_layer_is_found_by_its_name():
    for case in CASES:
        assert registry.deserialize({"class_name": case.cls.__name__, "config": case.layer().get_config()})


@every_case
def test_eager_result_is_the_formula(case):
    layer, arrays = built(case)
    expected = case.formula(layer.get_weights(), *arrays)
    for inputs in (arrays, [Tensor(a) for a in arrays]):
        result = call(case, layer, inputs)
        assert isinstance(result, Tensor)
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12, atol=1e-12)


@every_case
def test_arrays_are_left_alone(case):
    layer, arrays = built(case)
    before = [a.copy() for a in arrays]
    call(case, layer, arrays)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before))


@every_case
def test_symbol_has_the_shape_and_dtype_of_the_eager_result(case):
    layer, arrays = built(case)
    eager = call(case, layer, arrays)
    fixed = call(case, layer, [Input(batch_shape=a.shape, dtype=a.dtype) for a in arrays])
    open_batch = call(case, layer, [Input(a.shape[1:], dtype=a.dtype) for a in arrays])
    assert (fixed.shape, fixed.dtype) == (eager.shape, eager.dtype)
    assert open_batch.shape == (None, *eager.shape[1:])
    assert open_batch.node.fn is layer


@every_case
def test_compute_output_shape(case):
    layer, arrays = built(case)
    shapes = [a.shape for a in arrays]
    expected = call(case, layer, arrays).shape
    one = not isinstance(layer, Merge) and len(shapes) == 1
    assert layer.compute_output_shape(shapes[0] if one else shapes) == expected


@over([case for case in CASES if case.ids is None])
def test_gradients_of_inputs(case):
    layer, arrays = built(case)
    check_grads(lambda *values: call(case, layer, list(values)) + 0.0, arrays)  # + 0: Identity gives its input itself


@over([case for case in CASES if case.cls in (layers.Embedding, layers.EmbeddingBag, layers.Dense, layers.PReLU)])
def test_gradients_of_weights(case):
    layer, arrays = built(case)
    upstream = np.random.default_rng(2).standard_normal(call(case, layer, arrays).shape)

    def loss():
        return (call(case, layer, arrays) * upstream).sum()

    for variable, gradient in zip(layer.weights, grad(loss(), layer.weights), strict=True):
        numeric, values = np.zeros(variable.shape), variable.numpy()
        for index in np.ndindex(variable.shape):
            step = np.zeros(variable.shape)
            step[index] = 1e-5
            variable.assign(values + step)
            ahead = loss().item()
            variable.assign(values - step)
            numeric[index] = (ahead - loss().item()) / 2e-5
        variable.assign(values)
        np.testing.assert_allclose(np.asarray(gradient), numeric, rtol=1e-7, atol=1e-8)


@every_case
def test_float32_stays_float32(case):
    layer, arrays = case.layer(), case.arrays()
    result = call(case, layer, [a if case.ids else a.astype(np.float32) for a in arrays])
    assert result.dtype == np.float32
    assert all(w.dtype == np.float32 for w in layer.weights)
    symbols = [Input(a.shape[1:], dtype="int32" if case.ids else None) for a in arrays]
    assert call(case, layer, symbols).dtype == np.float32


@every_case
def test_float64_arrays_become_the_dtype_of_the_layer(case):
    assert call(case, case.layer(), case.arrays()).dtype == np.float32


@every_case
def test_config_survives_json_and_makes_an_equal_layer(case):
    layer, arrays = built(case, name="mine", trainable=False)
    config = json.loads(json.dumps(layer.get_config()))
    twin = case.cls.from_config(config)
    assert twin.get_config() == layer.get_config()
    assert (twin.name, twin.trainable, twin.dtype) == ("mine", False, np.float64)
    call(case, twin, arrays)
    twin.set_weights(layer.get_weights())
    assert np.array_equal(call(case, twin, arrays).numpy(), call(case, layer, arrays).numpy())


@every_case
def test_not_trainable_means_no_gradient(case):
    layer, _ = built(case, trainable=False)
    assert layer.trainable_weights == []
    count = len(layer.weights)
    layer.trainable = True
    assert len(layer.trainable_weights) == count


@every_case
def test_misspelt_argument_gets_a_suggestion(case):
    for wrong, right in (("trainabel", "trainable"), ("nme", "name")):
        with pytest.raises(TypeError, match=f"(?s)argument of {case.cls.__name__} '{wrong}'.*Did you mean '{right}'"):
            case.layer(**{wrong: True})


@every_case
def test_penalty_on_the_output(case):
    layer = case.layer(dtype="float64", activity_regularizer="l2")
    result = call(case, layer, case.arrays())
    (penalty,) = layer.losses
    np.testing.assert_allclose(penalty.numpy(), 0.01 * (result.numpy() ** 2).sum())
    assert layer.get_config()["activity_regularizer"]["config"]["l2"] == pytest.approx(0.01)


@every_case
def test_an_empty_batch(case):
    layer, arrays = built(case)
    expected = call(case, layer, arrays).shape[1:]
    empty = [a[:0] for a in arrays]
    assert call(case, layer, empty).shape == (0, *expected)


def test_symbols_of_several_inputs_know_them_all():
    x, y = Input((3,)), Input((3,))
    out = layers.Add()([x, y])
    assert isinstance(out, Symbol)
    assert out.node.inputs == (x, y)
