"""Models as graphs: what can be an input, an output, a layer or a node between them, and what it computes."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import Input, Model, Sequential, Variable
from minigrad.errors import GraphError, UnknownName
from minigrad.layers import Add, Dense, Dropout, Embedding, Flatten, Lambda, Layer

RNG = np.random.default_rng(0)


def data(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def run(model, x):
    return model.predict(x, verbose=0)


def layer_names(model):
    return [layer.name for layer in model.layers]


# -- inputs and outputs ------------------------------------------------------------------------------------------------


def test_one_input_one_output():
    x = Input((4,))
    model = Model(x, Dense(3, activation="tanh")(x))
    kernel, bias = model.get_weights()
    a = data(5, 4)
    np.testing.assert_allclose(run(model, a), np.tanh(a @ kernel + bias), rtol=1e-6)
    assert model.input_shape == (None, 4)
    assert model.output_shape == (None, 3)
    assert model.input is x
    assert repr(model) == "<Model model: (None, 4) -> (None, 3)>"


@pytest.mark.parametrize("container", [list, tuple])
def test_several_inputs_and_outputs_keep_their_container(container):
    a, b = Input((2,)), Input((2,))
    model = Model(container([a, b]), container([a + b, a - b]))
    u, v = data(3, 2), data(3, 2)
    out = run(model, [u, v])
    assert type(out) is container
    np.testing.assert_array_equal(out[0], u + v)
    np.testing.assert_array_equal(out[1], u - v)
    assert model.input_shape == [(None, 2), (None, 2)]
    assert [s.shape for s in model.inputs] == [(None, 2), (None, 2)]


def test_dict_of_outputs():
    x = Input((2,))
    model = Model(x, {"twice": x * 2, "half": x / 2})
    out = run(model, np.ones((1, 2)))
    assert {k: v.tolist() for k, v in out.items()} == {"twice": [[2, 2]], "half": [[0.5, 0.5]]}
    assert model.output_names == ["twice", "half"]


def test_nested_structures_of_inputs_and_outputs():
    a, b, c = Input((2,)), Input((2,)), Input((2,))
    model = Model([a, {"b": b, "c": c}], {"first": [a + b, b], "second": c})
    u, v, w = data(3, 2), data(3, 2), data(3, 2)
    out = run(model, [u, {"b": v, "c": w}])
    np.testing.assert_array_equal(out["first"][0], u + v)
    np.testing.assert_array_equal(out["second"], w)


def test_inputs_are_given_by_key_or_by_name():
    month, hour = Input((1,), name="month_id"), Input((1,), name="hour_id")
    model = Model({"month": month, "hour": hour}, month * 10 + hour)
    m, h = np.full((2, 1), 3.0), np.full((2, 1), 4.0)
    for data_given in ({"month": m, "hour": h}, {"hour": h, "month": m}, {"month_id": m, "hour_id": h}):
        assert run(model, data_given).tolist() == [[34], [34]]
    listed = Model([month, hour], month * 10 + hour)
    assert run(listed, {"hour_id": h, "month_id": m}).tolist() == [[34], [34]]
    assert run(listed, [m, h]).tolist() == [[34], [34]]


def test_a_missing_or_unknown_input_is_named():
    a, b = Input((1,), name="month"), Input((1,), name="hour")
    model = Model([a, b], a + b)
    with pytest.raises(UnknownName, match=r"Unknown input 'mouth'\. Did you mean 'month'\?"):
        run(model, {"mouth": np.ones((1, 1)), "hour": np.ones((1, 1))})
    with pytest.raises(ValueError, match=r"model: the input 'hour' is missing; got 'month'"):
        run(model, {"month": np.ones((1, 1))})
    with pytest.raises(ValueError, match=r"model: got 3 inputs, expected 2: month, hour"):
        run(model, [np.ones((1, 1))] * 3)


def test_outputs_that_are_inputs_and_the_same_output_twice():
    x = Input((3,))
    h = Dense(2)(x)
    model = Model(x, [x, h, h])
    a = data(4, 3)
    same, one, two = run(model, a)
    np.testing.assert_array_equal(same, a)
    np.testing.assert_array_equal(one, two)
    assert model.output_names == ["input_1", "dense_1", "dense_1_1"]


def test_a_model_takes_arrays_tensors_lists_and_symbols():
    x = Input((2,))
    model = Model(x, x * 2)
    for data_given in (np.ones((1, 2)), np.ones((1, 2), np.int64), mg.Tensor(np.ones((1, 2))), [[1, 1]]):
        out = model(data_given)
        assert out.numpy().tolist() == [[2, 2]]
        assert out.dtype == np.float32
    assert model(Input((2,))).shape == (None, 2)


def test_arrays_are_not_kept_hold_of():
    x = Input((2,))
    model = Model(x, Dense(1)(x))
    a = data(3, 2)
    loss = model(a).sum()
    before = a.copy()
    a[:] = 0
    (g,) = mg.grad(loss, [model.weights[0]])
    np.testing.assert_allclose(g[:, 0], before.sum(0), rtol=1e-6)


def test_rows_without_an_axis_go_with_an_input_of_one_column():
    x = Input((1,), dtype="int32")
    model = Model(x, Embedding(4, 2)(x))
    assert run(model, np.array([1, 2, 3])).shape == (3, 1, 2)
    assert run(model, [1, 2, 3]).shape == (3, 1, 2)


def test_dtype_of_the_input_is_that_of_the_computation():
    x = Input((2,), dtype="float64")
    model = Model(x, x * 3.0)
    third = np.full((1, 2), 1 / 3)
    assert run(model, third)[0, 0] == 1.0  # float32 in between would give 1.0000000298
    assert run(model, third).dtype == np.float64


# -- operators and functions -------------------------------------------------------------------------------------------


def test_operators_indexing_and_numpy_functions_are_nodes():
    a, b = Input((3,)), Input((3,))
    w = np.arange(6, dtype=np.float32).reshape(3, 2)
    outputs = [
        np.maximum(a, 0) + np.exp(-b),
        a[:, 0],
        a @ w,
        np.concatenate([a, b], axis=1),
        np.where(a > b, a, b),
        np.stack([a, b, a], axis=-1).mean(axis=-1),
        np.sum(a * b, axis=-1, keepdims=True) ** 2,
        a[:, ::-1][..., None],
        np.einsum("bi,bj->bij", a, b),
        a.reshape(-1, 3, 1).sum(axis=1),
        1.0 - a / 2,
        np.float32(2) * a,
        np.split(a, 3, axis=1)[1],
    ]
    model = Model([a, b], outputs)
    u, v = data(4, 3), data(4, 3)
    expected = [
        np.maximum(u, 0) + np.exp(-v),
        u[:, 0],
        u @ w,
        np.concatenate([u, v], axis=1),
        np.maximum(u, v),
        (2 * u + v) / 3,
        np.sum(u * v, axis=-1, keepdims=True) ** 2,
        u[:, ::-1][..., None],
        u[:, :, None] * v[:, None],
        u.sum(1, keepdims=True),
        1 - u / 2,
        2 * u,
        u[:, 1:2],
    ]
    for got, wanted, symbol in zip(run(model, [u, v]), expected, outputs, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)
        assert got.dtype == np.float32
        assert symbol.shape[1:] == wanted.shape[1:]


UNARY = [np.tanh, np.negative, lambda x: x[:, ::-1], lambda x: x * 2 + 1, lambda x: x.T.T, lambda x: np.abs(x) ** 0.5]
BINARY = [np.add, np.subtract, np.maximum, lambda x, y: np.where(x > y, x, y * 2), lambda x, y: x @ (y.T @ y) / 9]


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=12))
def test_any_graph_computes_what_the_same_text_does_on_arrays(plan):
    def text(*values):
        values = list(values)
        for k, i, j in plan:
            x, y = values[i % len(values)], values[j % len(values)]
            values.append(UNARY[k](x) if k < len(UNARY) else BINARY[k - len(UNARY)](x, y))
        return values

    a, b = (np.linspace(-1, 1, 6).reshape(2, 3).astype(np.float32), np.full((2, 3), 0.5, np.float32))
    inputs = [Input((3,)), Input((3,))]
    for got, wanted in zip(run(Model(inputs, text(*inputs)), [a, b]), text(a, b), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


def test_a_function_of_a_list_has_the_symbols_as_its_inputs():
    a, b = Input((2,)), Input((3,))
    joined = np.concatenate([a, b], axis=1)
    model = Model([a, b], joined)
    node = model.graph.made_by(joined)[0]
    assert [parent.fn for parent, _ in model.graph.parents(node)] == [a.node.fn, b.node.fn]


def test_ids_from_a_symbol_index_an_array():
    ids = Input((2,), dtype="int32")
    table = np.arange(12, dtype=np.float32).reshape(4, 3)
    out = np.take(mg.Tensor(table), ids, axis=0)
    np.testing.assert_array_equal(run(Model(ids, out), [[1, 3]]), table[[[1, 3]]])


def test_a_variable_in_a_graph_is_a_weight_of_the_model():
    x = Input((3,))
    w = Variable(data(3, 2), name="w")
    fixed = Variable(data(2), trainable=False, name="fixed")
    model = Model(x, x @ w + fixed)
    assert list(model.named_weights()) == ["w", "fixed"]
    assert model.trainable_weights == [w]
    assert model.count_params() == 8
    model.compile("sgd", "mse")
    before = w.numpy()
    model.train_on_batch(data(4, 3), data(4, 2))
    assert not np.array_equal(w.numpy(), before)
    model.trainable = False
    assert model.trainable_weights == []
    model.trainable = True
    assert model.trainable_weights == [w]


def test_a_constant_tensor_in_a_graph_stays_what_it_is():
    x = Input((3,))
    c = mg.Tensor(np.array([1.0, 2.0, 3.0], np.float32))
    model = Model(x, x * c)
    assert model.weights == []
    assert run(model, np.ones((1, 3))).tolist() == [[1, 2, 3]]


# -- layers ------------------------------------------------------------------------------------------------------------


def test_a_shared_layer_is_two_nodes_and_one_set_of_weights():
    a, b = Input((3,)), Input((3,))
    shared = Dense(2)
    model = Model([a, b], [shared(a), shared(b)])
    assert [n.fn for n in model.graph.nodes].count(shared) == 2
    assert model.layers.count(shared) == 1
    assert len(model.weights) == 2
    assert model.count_params() == 8


def test_gradients_of_a_shared_layer_add_up():
    a, b = Input((3,)), Input((3,))
    shared = Dense(2, use_bias=False)
    model = Model([a, b], shared(a) + 2 * shared(b))
    u, v = data(4, 3), data(4, 3)
    g = mg.grad(model([u, v]).sum(), shared.weights[0])
    np.testing.assert_allclose(g, np.repeat((u + 2 * v).sum(0)[:, None], 2, 1), rtol=1e-5)


def test_a_layer_may_be_called_on_its_own_output():
    x = Input((3,))
    layer = Dense(3, use_bias=False)
    model = Model(x, layer(layer(x)))
    a, w = data(2, 3), layer.get_weights()[0]
    np.testing.assert_allclose(run(model, a), a @ w @ w, rtol=1e-5)


class SumAndDifference(Layer):
    def call(self, a, b=None):
        return {"sum": a + b, "difference": a - b}


class TwoOutputs(Layer):
    def call(self, inputs):
        return np.minimum(inputs, 0), np.maximum(inputs, 0)


def test_a_layer_with_keyword_symbols_and_a_dict_of_outputs():
    a, b = Input((2,)), Input((2,))
    out = SumAndDifference()(a, b=b)
    model = Model([a, b], {"d": out["difference"], "s": out["sum"]})
    u, v = data(3, 2), data(3, 2)
    got = run(model, [u, v])
    np.testing.assert_array_equal(got["d"], u - v)
    np.testing.assert_array_equal(got["s"], u + v)
    assert [s.shape for s in model.outputs] == [(None, 2), (None, 2)]


def test_only_the_second_of_two_outputs():
    x = Input((2,))
    _, positive = TwoOutputs()(x)
    assert run(Model(x, positive * 2), [[-1.0, 3.0]]).tolist() == [[0, 6]]


def test_training_reaches_dropout_in_nested_models_in_fit_only():
    x = Input((64,))
    inner = Model(x, Dropout(0.5, seed=1)(x), name="inner")
    y = Input((64,))
    model = Model(y, Sequential([Input((64,)), inner])(y))
    ones = np.ones((1, 64), np.float32)
    assert (run(model, ones) == 1).all()
    assert (model(ones).numpy() == 1).all()
    assert set(model(ones, training=True).numpy().ravel().tolist()) == {0.0, 2.0}
    model.compile("sgd", "mse")
    assert model.test_on_batch(ones, ones) == 0
    with pytest.raises(ValueError, match="no weight is trainable"):
        model.train_on_batch(ones, ones)


def test_training_said_outright_in_the_graph_stays():
    x = Input((64,))
    model = Model(x, Dropout(0.5, seed=1)(x, training=True))
    assert (run(model, np.ones((1, 64))) == 0).any()


# -- models within models ----------------------------------------------------------------------------------------------


def encoder(name=None):
    x = Input((4,))
    return Model(x, Dense(2)(Dense(3, activation="relu")(x)), name=name)


def test_a_model_is_a_layer_and_may_be_one_twice():
    inner = encoder()
    a, b = Input((4,)), Input((4,))
    model = Model([a, b], inner(a) - inner(b))
    u, v = data(3, 4), data(3, 4)
    np.testing.assert_allclose(run(model, [u, v]), run(inner, u) - run(inner, v), atol=1e-6)
    assert len(model.weights) == 4
    g = mg.grad(model([u, u]).sum(), model.trainable_weights)
    assert all(np.allclose(x, 0, atol=1e-5) for x in g)


def test_a_model_with_several_inputs_inside_another():
    a, b = Input((2,), name="a"), Input((2,), name="b")
    inner = Model({"a": a, "b": b}, {"sum": a + b, "both": [a, b]})
    x = Input((2,))
    out = inner({"a": x, "b": x * 10})
    model = Model(x, [out["sum"], out["both"][1]])
    got = run(model, np.ones((1, 2)))
    assert [g.tolist() for g in got] == [[[11, 11]], [[10, 10]]]


def test_layers_inside_models_by_path():
    inner = encoder("inner")
    x = Input((4,))
    middle = Model(x, inner(x), name="middle")
    y = Input((4,))
    model = Model(y, Dense(1)(middle(y)))
    assert model.get_layer("middle/inner/dense_1") is inner.layers[1]
    assert model.get_layer("middle").get_layer("inner") is inner
    assert list(model.named_weights()) == [
        "middle/inner/dense_1/kernel", "middle/inner/dense_1/bias", "middle/inner/dense_2/kernel",
        "middle/inner/dense_2/bias", "dense_1/kernel", "dense_1/bias",
    ]  # fmt: skip
    with pytest.raises(UnknownName, match=r"Unknown layer in inner 'dense_7'\. Did you mean 'dense_"):
        model.get_layer("middle/inner/dense_7")


def test_get_layer_by_name_and_index():
    model = encoder()
    assert model.get_layer("dense_1") is model.get_layer(index=1) is model.layers[1]
    with pytest.raises(UnknownName, match=r"Did you mean 'dense_1'\?"):
        model.get_layer("dens_1")
    with pytest.raises(TypeError, match="give either name= or index="):
        model.get_layer()


def test_sub_models_between_any_two_symbols_share_the_layers():
    x = Input((4,))
    h = Dense(3, activation="relu", name="hidden")(x)
    y = Dense(2, name="out")(h)
    whole = Model(x, y)
    front = Model(whole.input, whole.get_layer("hidden").output)
    back = Model(h, y)
    a = data(5, 4)
    np.testing.assert_array_equal(run(back, run(front, a)), run(whole, a))
    assert layer_names(back) == ["input_1", "out"]
    assert back.weights == whole.get_layer("out").weights
    assert front.count_params() == 15


def test_a_layers_output_is_clear_although_its_model_is_a_layer_elsewhere():
    inner = encoder()
    x = Input((4,))
    outer = Model(x, inner(x))
    features = Model(inner.input, inner.get_layer("dense_1").output)
    a = data(2, 4)
    np.testing.assert_array_equal(
        run(Model(inner.get_layer("dense_1").output, inner.output), run(features, a)), run(outer, a)
    )


def test_an_input_in_the_middle_of_one_of_two_ways():
    x = Input((2,))
    h = x * 2
    model = Model([x, h], h + x)  # h is given, not computed
    assert run(model, [np.ones((1, 2)), np.full((1, 2), 10.0)]).tolist() == [[11, 11]]


def test_transfer_freeze_and_grow():
    base = encoder("base")
    base.trainable = False
    model = Model(base.input, Dense(1, name="head")(base.output))
    assert [v.name for v in model.trainable_weights] == ["kernel", "bias"]
    model.compile("sgd", "mse")
    before = base.get_weights()
    head = model.get_layer("head").get_weights()
    model.fit(data(8, 4), data(8, 1), verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, base.get_weights(), strict=True))
    assert not np.array_equal(head[0], model.get_layer("head").get_weights()[0])
    base.trainable = True
    assert len(model.trainable_weights) == 6


# -- names -------------------------------------------------------------------------------------------------------------


def build_for_names():
    a, b = Input((3,)), Input((4,))
    x = Dense(2)(a) + Dense(2, name="mine")(b)
    return Model([a, b], Dense(1)(np.tanh(x)))


def test_names_are_numbered_from_1_within_the_model_and_again_the_same():
    expected = ["input_1", "input_2", "dense_1", "mine", "dense_2"]
    for _ in range(2):
        model = build_for_names()
        assert layer_names(model) == expected
        assert {"add_1", "tanh_1"} < set(model.graph.names.values())
        assert list(model.named_weights())[-1] == "dense_2/bias"


def test_inputs_are_numbered_in_the_order_given():
    a, b = Input((1,)), Input((1,))
    model = Model([a, b], a + np.exp(np.exp(b)))
    assert model.input_names == ["input_1", "input_2"]
    assert run(model, {"input_1": np.ones((1, 1)), "input_2": np.zeros((1, 1))})[0, 0] == pytest.approx(1 + np.e)


def test_a_given_name_is_passed_over_by_the_numbers():
    x = Input((2,))
    y = Dense(2, name="dense_1")(Dense(2)(x))
    assert layer_names(Model(x, Dense(2)(y))) == ["input_1", "dense_2", "dense_1", "dense_3"]


def test_a_name_given_twice_is_an_error():
    x = Input((2,))
    with pytest.raises(GraphError, match=r"two layers are named 'twin'; names must be unique within a model"):
        Model(x, Dense(2, name="twin")(Dense(2, name="twin")(x)))


def test_the_same_names_in_a_model_inside_are_no_clash():
    inner, x = encoder("inner"), Input((4,))
    model = Model(x, Dense(2, name="dense_1")(inner(x)))
    assert "inner/dense_1/kernel" in model.named_weights()
    assert "dense_1/kernel" in model.named_weights()


def test_ops_are_named_as_well():
    a = Input((3,))
    model = Model(a, np.tanh(a) + np.tanh(a * 2))
    assert sorted(model.graph.names.values()) == ["add_1", "input_1", "multiply_1", "tanh_1", "tanh_2"]


# -- what cannot be a model --------------------------------------------------------------------------------------------


def test_a_disconnected_graph_names_the_tensor_and_the_missing_input():
    a, b = Input((3,), name="month"), Input((2,), name="hour")
    y = Dense(1, name="out")(Add()([Dense(2)(a), Dense(2, name="late")(b)]))
    message = (
        r"the graph is disconnected: the output made by out depends on hour \(None, 2\), through hour -> late -> add_1 "
        r"-> out, but the inputs are only: month \(None, 3\)\. Add that Input to inputs="
    )
    with pytest.raises(GraphError, match=message):
        Model(a, y)
    assert layer_names(Model([a, b], y))[:2] == ["month", "hour"]


def test_unnamed_inputs_are_told_apart_when_one_is_missing():
    a, b = Input((3,)), Input((3,))
    with pytest.raises(
        GraphError, match=r"depends on input_2 \(None, 3\), through input_2 -> add_1, .* input_1 \(None, 3\)"
    ):
        Model(a, a + b)


def test_what_is_no_symbol_is_refused():
    x = Input((3,))
    with pytest.raises(GraphError, match=r"outputs\[0\] is a Dense, expected a Symbol"):
        Model(x, Dense(2))
    with pytest.raises(GraphError, match=r"inputs\[1\] is a tuple|inputs\[1\] is a int"):
        Model([x, 3], x * 2)
    with pytest.raises(GraphError, match="inputs is empty"):
        Model([], x)
    with pytest.raises(GraphError, match="the same symbol stands twice among the inputs"):
        Model([x, x], x * 2)
    with pytest.raises(TypeError, match="give both inputs and outputs"):
        Model(x)
    with pytest.raises(TypeError, match=r"'output'\. Did you mean 'outputs'\?"):
        Model(inputs=x, output=x * 2)


def test_a_layer_that_uses_a_symbol_it_was_not_called_on():
    a, b = Input((3,)), Input((3,))
    with pytest.raises(
        GraphError, match=r"lambda_1 uses a symbol of shape \(None, 3\), made by input_2, that it was not"
    ):
        Model([a, b], Lambda(lambda t: t + b)(a))
    c = a * 2
    with pytest.raises(GraphError, match=r"lambda_1 uses a symbol .* pass it as an argument"):
        Model(a, Lambda(lambda t: t + c)(a) + c)


# -- size --------------------------------------------------------------------------------------------------------------


def test_a_deep_graph_needs_no_recursion():
    x = Input((2,))
    y = x
    for i in range(2000):
        y = y * 1.001 if i % 2 else Dense(2, kernel_initializer="identity")(y)
    model = Model(x, y)
    assert len(model.layers) == 1001
    model.compile("sgd", "mse")
    loss = model.train_on_batch(np.ones((1, 2)), np.ones((1, 2)))
    assert loss == pytest.approx((1.001**1000 - 1) ** 2, rel=1e-3)
    lines = []
    model.summary(print_fn=lines.append)
    assert len(lines) == 3 + 2 * 2001 + 4


def test_a_model_is_freed_with_its_last_reader():
    gc.collect()
    gc.disable()
    try:
        for build in (encoder, build_for_names, lambda: Sequential([Dense(3), Flatten(), Dense(2)])):
            model = build()
            if isinstance(model, Sequential):
                model(np.ones((2, 4)))
            x = Input(model.input_shape[1:]) if not isinstance(model.input_shape, list) else None
            if x is not None:
                model(x)
                Model(x, model(x))
            del model, x
            assert gc.collect() == 0
    finally:
        gc.enable()
