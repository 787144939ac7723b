"""Losses, metrics, weights of samples and classes, penalties: against formulas."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import Input, Model
from minigrad.layers import Dense, Layer
from minigrad.optimizers import SGD
from minigrad.utils import set_random_seed
from training_cases import KIND, A, B, X, Y, linear, two_headed

# -- losses, weights and metrics ---------------------------------------------------------------------------------------


def test_several_losses_add_up_with_their_weights():
    model = two_headed(loss_weights=[2.0, 0.5], optimizer=SGD(0.0))
    logs = model.evaluate([A, B], [Y, KIND], verbose=0, return_dict=True)
    assert list(logs) == ["loss", "price_loss", "kind_loss"]
    assert logs["loss"] == pytest.approx(2 * logs["price_loss"] + 0.5 * logs["kind_loss"], rel=1e-6)
    price, kind = model.predict([A, B], verbose=0)
    assert logs["price_loss"] == pytest.approx(((price - Y) ** 2).mean(), rel=1e-5)
    assert logs["kind_loss"] == pytest.approx(-np.log(kind[np.arange(48), KIND]).mean(), rel=1e-5)
    by_name = two_headed(loss_weights={"kind": 0.5, "price": 2.0}, optimizer=SGD(0.0))
    assert by_name.evaluate([A, B], [Y, KIND], verbose=0, return_dict=True) == pytest.approx(logs)


def test_an_output_without_a_loss_needs_no_target():
    model = two_headed(loss={"price": "mse"})
    assert list(model.fit([A, B], {"price": Y}, verbose=0).history) == ["loss", "price_loss"]


def test_compile_knows_keras_2s_order_from_keras_3s():
    two, three = two_headed(), two_headed()
    two.compile("sgd", ["mse", "sparse_categorical_crossentropy"], {"price": "mae"}, [1.0, 3.0])
    three.compile("sgd", ["mse", "sparse_categorical_crossentropy"], [1.0, 3.0], {"price": "mae"})
    assert two.evaluate([A, B], [Y, KIND], verbose=0, return_dict=True) == three.evaluate(
        [A, B], [Y, KIND], verbose=0, return_dict=True
    )


@pytest.mark.parametrize(
    "given",
    [
        {"price": ["mae"], "kind": ["accuracy"]},
        {"price": "mae", "kind": "accuracy"},
        [["mae"], ["accuracy"]],
        ["mae", ["accuracy"]],
    ],
)
def test_metrics_by_output(given):
    history = two_headed(metrics=given).fit([A, B], [Y, KIND], verbose=0, validation_data=([A, B], [Y, KIND])).history
    names = ["loss", "price_loss", "kind_loss", "price_mae", "kind_accuracy"]
    assert list(history) == names + [f"val_{name}" for name in names]


def test_a_flat_list_of_metrics_is_for_every_output_and_an_object_is_not_shared():
    x = Input((4,))
    model = Model(x, [Dense(1, name="a")(x), Dense(1, name="b")(x)])
    metric = mg.metrics.MeanAbsoluteError(name="mae")
    model.compile("sgd", "mse", metrics=[metric, "mse"])
    logs = model.evaluate(X, [Y, Y * 100], verbose=0, return_dict=True)
    assert list(logs)[3:] == ["a_mae", "a_mse", "b_mae", "b_mse"]
    assert logs["b_mae"] > 10 * logs["a_mae"]
    assert logs["a_mae"] == metric.result()


def test_two_metrics_of_one_name_are_told_apart():
    model = linear(metrics=["mae", mg.metrics.MeanAbsoluteError(name="mae")])
    assert list(model.fit(X, Y, verbose=0).history) == ["loss", "mae", "mae_1"]


@pytest.mark.parametrize("batch_size", [1, 5, 32, 48])
def test_figures_do_not_depend_on_the_batches(batch_size):
    x = Input((1,))
    model = Model(x, x * 1)
    model.compile("sgd", "mse", ["mae", "mse", mg.metrics.R2Score()], weighted_metrics=["mae"])
    w = np.linspace(0, 2, 48)
    one = model.evaluate(X[:, :1], Y, batch_size=48, sample_weight=w, verbose=0)
    many = model.evaluate(X[:, :1], Y, batch_size=batch_size, sample_weight=w, verbose=0)
    assert many[1:] == pytest.approx(one[1:], rel=1e-12)
    assert many[0] == pytest.approx(one[0], rel=1e-6)


def test_sample_weights_against_the_formula():
    model = linear(metrics=["mae"], weighted_metrics=["mse"], optimizer=SGD(0.0))
    w = np.linspace(0, 3, 48)
    squares = (model.predict(X, verbose=0) - Y)[:, 0] ** 2
    logs = model.evaluate(X, Y, sample_weight=w, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx((w * squares).mean(), rel=1e-5)
    assert logs["mse"] == pytest.approx((w * squares).sum() / w.sum(), rel=1e-5)
    assert logs["mae"] == pytest.approx(np.sqrt(squares).mean(), rel=1e-5)
    assert model.train_on_batch(X, Y, sample_weight=w[:, None])[0] == pytest.approx(logs["loss"], rel=1e-5)


def test_sample_weights_by_output_and_by_time_step():
    model = two_headed(optimizer=SGD(0.0))
    w = np.linspace(0, 3, 48)
    price, _ = model.predict([A, B], verbose=0)
    plain = model.evaluate([A, B], [Y, KIND], verbose=0, return_dict=True)
    for weights in ({"price": w}, [w, None]):
        logs = model.test_on_batch([A, B], [Y, KIND], sample_weight=weights, return_dict=True)
        assert logs["price_loss"] == pytest.approx((w * (price - Y)[:, 0] ** 2).mean(), rel=1e-5)
        assert logs["kind_loss"] == pytest.approx(plain["kind_loss"], rel=1e-5)
    steps = Input((3, 4))
    model = Model(steps, Dense(2)(steps))
    model.compile(SGD(0.0), "mse")
    x, y, w = X[:36].reshape(12, 3, 4), np.zeros((12, 3, 2)), np.arange(36.0).reshape(12, 3)
    expected = (w * (model.predict(x, verbose=0) ** 2).mean(-1)).mean()
    assert model.evaluate(x, y, sample_weight=w, verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("form", ["labels", "column", "one_hot"])
def test_class_weights_against_the_formula(form):
    set_random_seed(1)
    x = Input((4,))
    model = Model(x, Dense(3, activation="softmax")(x))
    model.compile(SGD(0.0), ("sparse_" if form != "one_hot" else "") + "categorical_crossentropy")
    y = {"labels": KIND, "column": KIND[:, None], "one_hot": np.eye(3)[KIND]}[form]
    weights = {0: 1.0, 1: 10.0, 2: 0.5}
    own = np.linspace(0, 1, 48)
    each = -np.log(model.predict(X, verbose=0)[np.arange(48), KIND])
    by_class = np.array([weights[k] for k in KIND])
    assert model.train_on_batch(X, y, class_weight=weights) == pytest.approx((by_class * each).mean(), rel=1e-5)
    for shape in ((48,), (48, 1)):
        history = model.fit(X, y, class_weight=weights, sample_weight=own.reshape(shape), batch_size=48, verbose=0)
        assert history.history["loss"][0] == pytest.approx((by_class * own * each).mean(), rel=1e-5)


def test_class_weights_that_do_not_fit():
    model = two_headed()
    with pytest.raises(ValueError, match="class_weight needs a single output with one class for each row"):
        model.fit([A, B], [Y, KIND], class_weight={0: 1}, verbose=0)
    x = Input((4,))
    model = Model(x, Dense(3, activation="softmax")(x))
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(TypeError, match=r"class_weight must be a dict, class -> weight, got \[1, 2, 3\]"):
        model.fit(X, KIND, class_weight=[1, 2, 3], verbose=0)
    with pytest.raises(ValueError, match=r"class_weight has no weight for class 2; it has weights for \[0, 1\]"):
        model.fit(X, KIND, class_weight={0: 1, 1: 2}, verbose=0)


class Penalised(Layer):
    def call(self, inputs):
        self.add_loss(0.1 * np.sum(inputs * inputs))
        return inputs


def test_regularizers_and_added_losses_are_part_of_the_loss():
    set_random_seed(1)
    x = Input((4,))
    model = Model(x, Penalised()(Dense(1, kernel_regularizer="l2", activity_regularizer="l1")(x)))
    model.compile(SGD(0.0), "mse")
    out, kernel = model.predict(X, verbose=0), model.get_weights()[0]
    expected = ((out - Y) ** 2).mean() + 0.1 * (out**2).sum() + 0.01 * np.abs(out).sum() + 0.01 * (kernel**2).sum()
    assert model.train_on_batch(X, Y) == pytest.approx(expected, rel=1e-4)
    assert model.evaluate(X, Y, batch_size=48, verbose=0) == pytest.approx(expected, rel=1e-4)


def test_a_loss_of_the_layers_alone_needs_no_target():
    x = Input((4,))
    model = Model(x, Penalised()(Dense(2)(x)))
    model.compile(SGD(0.01))
    losses = model.fit(X, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_penalties_are_those_of_the_last_call():
    x = Input((4,))
    model = Model(x, Penalised()(Dense(2, activity_regularizer="l2")(x)))
    for _ in range(3):
        model(X)
        model.predict(X, verbose=0)
    assert len(model.losses) == 2


def test_constraints_hold_after_training():
    x = Input((4,))
    model = Model(x, Dense(1, kernel_constraint="non_neg")(x))
    model.compile(SGD(0.1), "mse")
    model.fit(X, Y, epochs=5, verbose=0)
    assert (model.get_weights()[0] >= 0).all()
    assert (model.get_weights()[0] == 0).any()


def test_losses_and_metrics_of_ones_own():
    def cubed(y_true, y_pred):
        return np.mean(np.absolute(y_true - y_pred) ** 3, axis=-1)

    model = linear(loss=cubed, metrics=[cubed])
    logs = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert list(logs) == ["loss", "cubed"]
    assert logs["loss"] == pytest.approx(logs["cubed"], rel=1e-5)
    assert model.fit(X, Y, epochs=3, verbose=0).history["loss"][-1] < logs["loss"]


# -- one batch ---------------------------------------------------------------------------------------------------------


def test_one_batch_at_a_time():
    model, whole = linear(metrics=["mae"]), linear(metrics=["mae"])
    loss, mae = model.train_on_batch(X, Y)
    assert whole.fit(X, Y, batch_size=48, shuffle=False, verbose=0).history == {"loss": [loss], "mae": [mae]}
    assert model.test_on_batch(X, Y, return_dict=True) == whole.evaluate(
        X, Y, batch_size=48, verbose=0, return_dict=True
    )
    np.testing.assert_array_equal(model.predict_on_batch(X), whole.predict(X, batch_size=48, verbose=0))


def test_forms_of_figures():
    assert isinstance(linear().evaluate(X, Y, verbose=0), float)
    assert len(linear(metrics=["mae"]).evaluate(X, Y, verbose=0)) == 2
    assert list(linear(metrics=["mae"]).evaluate(X, Y, verbose=0, return_dict=True)) == ["loss", "mae"]


@pytest.mark.parametrize("batch_size", [None, 1, 7, 48, 1000])
def test_predict_gives_a_row_for_each_row(batch_size):
    model = linear()
    assert model.predict(X, batch_size=batch_size, verbose=0).shape == (48, 1)
    np.testing.assert_allclose(
        model.predict(X, batch_size=batch_size, verbose=0), model(X).numpy(), rtol=1e-5, atol=1e-6
    )
    assert model.predict(X, batch_size=4, steps=3, verbose=0).shape == (12, 1)


def test_predict_needs_no_compile():
    x = Input((4,))
    assert Model(x, {"a": x, "b": [x, x]}).predict(X, verbose=0)["b"][1].shape == (48, 4)
