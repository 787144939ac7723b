"""Where a table's gradient comes from in a whole model, and that looking changes nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import Input, Model, grad
from minigrad.errors import UnknownName
from minigrad.layers import (
    Add,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Layer,
)
from minigrad.metrics import Mean
from minigrad.utils import set_random_seed


def founding(seed=1, **how):
    """The founding document's model with a head to train."""
    set_random_seed(seed)
    x = Input((20,), dtype="int32")
    model = Model(x, Dense(1)(GlobalAveragePooling1D()(Embedding(12 + 1, 3, name="months")(x))))
    model.compile(**{"optimizer": "adam", "loss": "mse", **how})
    return model


def data(rows=8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(1, 13, (rows, 20)), rng.normal(size=(rows, 1)).astype(np.float32)


def gradient_of(model, x, y, table, sample_weight=None):
    """The gradient of the step's loss, by its own way."""
    losses, _ = model.objective.loss(y, model(x, training=True), sample_weight)
    total, _ = model.penalized(losses, {})
    return np.asarray(grad(total, table))


def dense(found):
    out = np.zeros(found.shape)
    out[found.ids] = found.totals
    return out


def test_the_founding_model():
    x, y = data()
    model = founding()
    found = model.explain(x, y)
    table = model.get_layer("months").embeddings
    np.testing.assert_allclose(dense(found), gradient_of(model, x, y, table), rtol=1e-5, atol=1e-8)
    assert found.counts.sum() == 160
    assert [check.holds for check in found.checks] == [True] * 4
    assert found.loss == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)
    # The mean over time sends the same gradient to every place of one row of the batch.
    row = found.table[0]
    for batch in set(row.places[:, 0].tolist()):
        assert len(np.unique(row.sent[row.places[:, 0] == batch], axis=0)) == 1


@given(st.data())
@settings(max_examples=25)
def test_a_layer_that_is_called_twice_gets_the_sum_of_both_calls(drawn):
    ids = [np.array(drawn.draw(st.lists(st.integers(0, 3), min_size=6, max_size=6))).reshape(3, 2) for _ in range(2)]
    set_random_seed(drawn.draw(st.integers(0, 99)))
    a, b = Input((2,), dtype="int32", name="a"), Input((2,), dtype="int32", name="b")
    shared = Embedding(4, 2, name="shared")
    model = Model([a, b], Dense(1)(Concatenate()([Flatten()(shared(a)), Flatten()(np.tanh(shared(b)))])))
    model.compile("sgd", "mse")
    y = np.array([[0.0], [1.0], [2.0]])
    found = model.explain(ids, y)
    assert len(found.lookups) == 2
    for k in range(2):
        np.testing.assert_array_equal(found.lookups[k].ids, ids[k])
    np.testing.assert_allclose(dense(found), gradient_of(model, ids, y, shared.embeddings), rtol=1e-4, atol=1e-7)
    assert all(check.holds for check in found.checks)
    for row in found.table:
        where = [np.argwhere(ids[k] == row.id) for k in range(2)]
        np.testing.assert_array_equal(row.places, np.concatenate(where))
        np.testing.assert_array_equal(row.calls, np.repeat([0, 1], [len(w) for w in where]))
    assert [one.name for one in found.lookups] == ["a", "b"]
    assert "(a batch 3 x time 2, b batch 3 x time 2)" in str(found)


def test_several_embeddings_come_by_name_and_one_can_be_asked_for():
    set_random_seed(1)
    month, hour = Input((1,), name="month"), Input((1,), name="hour")
    tables = [Embedding(13, 3, name="month_embedding"), Embedding(24, 2, name="hour_embedding")]
    rows = [Flatten()(table(x)) for table, x in zip(tables, (month, hour), strict=True)]
    model = Model({"month": month, "hour": hour}, Dense(1)(Concatenate()(rows)))
    model.compile("sgd", "mse")
    x = {"month": np.array([[1], [2], [1]]), "hour": np.array([[0], [5], [23]])}
    y = np.ones((3, 1))
    found = model.explain(x, y)
    assert list(found) == ["month_embedding", "hour_embedding"]
    for table, one in zip(tables, found.values(), strict=True):
        np.testing.assert_allclose(dense(one), gradient_of(model, x, y, table.embeddings), rtol=1e-5, atol=1e-7)
    for asked in ("hour_embedding", tables[1]):
        assert model.explain(x, y, layer=asked).ids.tolist() == [0, 5, 23]
    with pytest.raises(UnknownName, match="hour_embedding"):
        model.explain(x, y, layer="hour_embeding")
    with pytest.raises(ValueError, match="is no Embedding in"):
        model.explain(x, y, layer="dense_1")


def test_sample_weights_weigh_the_gradients():
    x, y = data()
    weight = np.arange(8.0)
    model = founding()
    found = model.explain(x, y, weight)
    table = model.get_layer("months").embeddings
    np.testing.assert_allclose(dense(found), gradient_of(model, x, y, table, weight), rtol=1e-5, atol=1e-8)
    sent = found.lookups[0].sent
    assert not sent[0].any()
    assert sent[1].any()


def test_a_penalty_on_the_table_is_told_apart_from_the_look_ups():
    x, y = data()
    set_random_seed(1)
    symbol = Input((20,), dtype="int32")
    embedding = Embedding(13, 3, embeddings_regularizer="l2")
    model = Model(symbol, Dense(1)(GlobalAveragePooling1D()(embedding(symbol))))
    model.compile("sgd", "mse")
    found = model.explain(x, y)
    np.testing.assert_allclose(found.elsewhere, 0.02 * embedding.embeddings.numpy(), rtol=1e-5)
    whole = gradient_of(model, x, y, embedding.embeddings)
    np.testing.assert_allclose(dense(found) + found.elsewhere, whole, rtol=1e-5, atol=1e-8)
    assert all(check.holds for check in found.checks)
    assert "what came from elsewhere" in str(found.checks[0])
    assert "13 rows get a gradient by other ways" in str(found)


class Tied(Model):
    """A subclassed model, whose output weights are the table."""

    def __init__(self):
        super().__init__()
        self.words = Embedding(6, 4)

    def call(self, inputs):
        return np.matmul(self.words(inputs), self.words.embeddings.T)


def test_a_subclassed_model_with_tied_weights():
    set_random_seed(3)
    model = Tied()
    model.build((None, 5))
    model.compile("sgd", "mse")
    x = np.array([[0, 1, 1, 2, 5]])
    y = np.ones((1, 5, 6))
    found = model.explain(x, y)
    total = np.mean((model(x) - y) ** 2)
    whole = np.asarray(grad(total, model.words.embeddings))
    np.testing.assert_allclose(dense(found) + found.elsewhere, whole, rtol=1e-4, atol=1e-7)
    assert found.elsewhere[3].any()
    assert found[3].count == 0
    assert all(check.holds for check in found.checks)


def test_embeddings_in_models_inside_are_found_by_their_path():
    set_random_seed(1)
    inner_x = Input((4,), dtype="int32")
    inner = Model(inner_x, Flatten()(Embedding(5, 2, name="ids")(inner_x)), name="encoder")
    x = Input((4,), dtype="int32")
    model = Model(x, Dense(1)(Add()([inner(x), inner(x)])), name="outer")
    model.compile("sgd", "mse")
    found = model.explain(np.array([[1, 2, 3, 3]]), np.ones((1, 1)))
    assert found.name == "encoder/ids"
    assert [one.name for one in found.lookups] == ["call 1", "call 2"]
    assert model.explain(np.array([[1, 2, 3, 3]]), np.ones((1, 1)), layer="encoder/ids").name == "encoder/ids"


def test_a_look_up_that_does_not_lead_to_the_loss_is_said_to():
    a, b = Input((2,), dtype="int32"), Input((2,))
    model = Model([a, b], [Flatten(name="idle")(Embedding(5, 2)(a)), Dense(1, name="out")(b)])
    model.compile("sgd", {"out": "mse"})
    found = model.explain([np.array([[1, 2]]), np.ones((1, 2))], {"out": np.ones((1, 1))})
    assert found.lookups == []
    assert found.table == []
    assert "No look-up of it leads to the loss" in str(found)
    assert found.checks == []
    found.svg()
    found._repr_html_()


class Penalty(Layer):
    def call(self, inputs):
        self.add_loss(np.sum(inputs * inputs))
        return inputs


def test_a_loss_that_layers_add_needs_no_compile():
    x = Input((2,), dtype="int32")
    embedding = Embedding(5, 2)
    model = Model(x, Penalty()(embedding(x)))
    found = model.explain(np.array([[1, 1]]))
    np.testing.assert_allclose(found[1].total, 4 * embedding.embeddings.numpy()[1], rtol=1e-6)


def test_without_a_loss_it_says_what_to_do():
    x = Input((2,), dtype="int32")
    model = Model(x, Embedding(5, 2)(x))
    with pytest.raises(RuntimeError, match=r"has no loss.*compile\(loss=...\)"):
        model.explain(np.array([[1, 1]]))
    model.compile("sgd")
    with pytest.raises(ValueError, match="nothing to minimise"):
        model.explain(np.array([[1, 1]]))
    assert model.losses == []


def test_models_without_a_table_are_refused():
    x = Input((2,))
    model = Model(x, Dense(1)(x))
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="there is no Embedding in"):
        model.explain(np.ones((1, 2)), np.ones((1, 1)))
    unbuilt = Tied()
    unbuilt.compile("sgd", "mse")
    with pytest.raises(ValueError, match="has no weights yet"):
        unbuilt.explain(np.array([[1]]))


def test_missing_targets_and_misspelt_arguments_are_errors():
    model = founding()
    with pytest.raises(ValueError, match="y is missing"):
        model.explain(data()[0])
    with pytest.raises(TypeError, match="sample_weight"):
        model.explain(*data(), sample_weights=1)


# -- nothing changes --------------------------------------------------------------------------------------------------


class Moving(Layer):
    """State that a call in training assigns, and a random source of NumPy's own."""

    def build(self, input_shape):
        self.mean = self.add_weight((), "zeros", trainable=False, name="mean")
        self.noise = np.random.default_rng(5)

    def call(self, inputs, training=False):
        if training:
            self.mean.assign(self.mean * 0.9 + np.mean(inputs) * 0.1)
            self.add_loss(0.1 * np.sum(inputs * inputs))
        return inputs * float(self.noise.random())


class Own(Model):
    """A subclassed model with a compute_loss, which counts into a metric of its own."""

    def __init__(self):
        super().__init__()
        self.embedding, self.dropout, self.moving = Embedding(13, 3), Dropout(0.5), Moving()
        self.mean, self.out = GlobalAveragePooling1D(), Dense(1)
        self.seen = Mean(name="seen")

    def call(self, inputs, training=False):
        h = self.moving(self.dropout(self.embedding(inputs), training=training), training=training)
        return self.out(self.mean(h))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        loss = super().compute_loss(x, y, y_pred, sample_weight)
        self.seen.update_state(loss.numpy())
        return loss


def functional(seed):
    set_random_seed(seed)
    x = Input((20,), dtype="int32")
    h = Dropout(0.5)(Embedding(13, 3)(x))
    model = Model(x, Dense(1)(GlobalAveragePooling1D()(h)))
    model.compile("adam", "mse", metrics=["mae"])
    return model


def subclassed(seed):
    set_random_seed(seed)
    model = Own()
    model.build((None, 20))
    model.compile("adam", "mse", metrics=["mae"], run_eagerly=True)
    return model


@pytest.mark.parametrize("make", [functional, subclassed])
def test_a_training_with_looks_inside_is_the_training_without(make):
    x, y = data()
    plain, looked_at = make(7), make(7)
    for step in range(4):
        one = plain.train_on_batch(x, y, return_dict=True)
        if step != 2:
            looked_at.explain(x, y)
        other = looked_at.train_on_batch(x, y, return_dict=True)
        assert one == other
    for a, b in zip(plain.get_weights(), looked_at.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("make", [functional, subclassed])
def test_one_look_changes_nothing(make):
    x, y = data()
    model = make(7)
    model.train_on_batch(x, y)
    objective, losses = model.objective, [float(loss.item()) for loss in model.losses]

    def state():
        metrics = [m.result() for m in model.metrics]
        return metrics, dict(objective._sums), objective._rows, model.optimizer.iterations

    before, weights, written = state(), model.get_weights(), [v.written for v in model.weights]
    assert before[0]
    model.explain(x, y)
    assert state() == before
    assert model.objective is objective
    assert [float(loss.item()) for loss in model.losses] == losses
    assert [v.written for v in model.weights] == written
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_look_before_the_first_step_leaves_the_outputs_unseen():
    model = subclassed(7)
    model.explain(*data())
    assert model.objective is None or model.objective._rows == 0
    assert model.shown is False
    assert model.seen.result() == 0.0


def test_an_error_on_the_way_changes_nothing_either():
    x, y = data()
    model = subclassed(7)
    weights = model.get_weights()
    with pytest.raises(ValueError):
        model.explain(x, y[:, [0, 0]])
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_frozen_embedding_stays_frozen():
    model = founding()
    model.get_layer("months").trainable = False
    found = model.explain(*data())
    assert found.totals.any()
    assert "frozen" in str(found)
    assert [v.name for v in model.trainable_weights] == ["kernel", "bias"]
