"""Rows of arrays go straight into programs: nobody can tell, but by the time that it takes."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from agreement import same_state, same_values, twins
from minigrad import Input, Model, Tensor, config
from minigrad.callbacks import Callback, LambdaCallback, TerminateOnNaN
from minigrad.errors import DTypeError, IdError, LabelError, NonFiniteError
from minigrad.layers import Dense, Dropout, Embedding, Flatten
from minigrad.metrics import Metric
from minigrad.models.objective import Objective
from minigrad.optimizers import SGD
from minigrad.utils import set_random_seed

X = np.random.default_rng(0).normal(size=(48, 4)).astype(np.float32)
Y = (X @ np.array([[1.0], [-2.0], [0.5], [0.0]]) + 0.3).astype(np.float32)
KIND = np.arange(48) % 3
IDS = np.arange(96).reshape(48, 2) % 10


def net():
    x = Input((4,))
    return Model(x, Dense(1)(Dropout(0.2)(Dense(8, activation="tanh", name="hidden")(x))))


def words():
    x = Input((2,), dtype="int32", name="words")
    return Model(x, Dense(3, activation="softmax", name="kind")(Flatten()(Embedding(10, 3, name="table")(x))))


def two_headed():
    a, b = Input((2,), name="a"), Input((2,), name="b")
    h = Dense(4, activation="tanh")(np.concatenate([a, b], axis=1))
    return Model([a, b], [Dense(1, name="price")(h), Dense(3, activation="softmax", name="kind")(h)])


def linear(**compiled):
    set_random_seed(1)
    x = Input((4,))
    model = Model(x, Dense(1)(x))
    model.compile("sgd", "mse", **compiled)
    return model


def pair(build=net, **compiled):
    """The same model as programs, and op by op."""
    return twins(build, **{"optimizer": lambda: "adam", "loss": lambda: "mse"} | compiled)


def both(models, run):
    """What `run` gives for each model, after which both are in the same state."""
    given = []
    for m in models:
        set_random_seed(2)
        given.append(run(m))
    same_state(*models)
    return given


@pytest.fixture
def general(monkeypatch):
    """The sizes of the batches that took the general way."""
    seen = []
    for name in ("_train", "_test", "_predict"):
        plain = getattr(Model, name)

        def count(self, batch, *more, plain=plain):
            seen.append(batch.size)
            return plain(self, batch, *more)

        monkeypatch.setattr(Model, name, count)
    return seen


# -- which way is taken -----------------------------------------------------------------------------------------------


def test_only_the_first_batch_of_each_size_takes_the_general_way(general):
    model = linear(metrics=["mae"])
    model.fit(X, Y, batch_size=5, epochs=3, validation_data=(X, Y), verbose=0)
    assert general == [5, 3, 5, 3]
    model.evaluate(X, Y, batch_size=7, verbose=0)
    model.predict(X, batch_size=7, verbose=0)
    assert general[4:] == [7, 6] * 2


class Own(Model):
    def train_step(self, data):
        return {"loss": float(np.mean(data[0]))}


def test_what_is_no_array_or_no_program_takes_it_always(general):
    linear().fit(((X[k : k + 16], Y[k : k + 16]) for k in (0, 16, 32)), verbose=0)
    linear(run_eagerly=True).fit(X, Y, batch_size=16, verbose=0)
    x = Input((4,))
    own = Own(x, Dense(1)(x))
    own.compile("sgd", "mse")
    own.fit(X, Y, batch_size=16, verbose=0)
    assert general == [16] * 9


# -- the same numbers -------------------------------------------------------------------------------------------------

FORMS = {
    "float64": X.astype(np.float64),
    "float16": X.astype(np.float16),
    "ints": (X * 10).astype(np.int64),
    "bools": X > 0,
    "columns": np.asfortranarray(X),
    "columns of float64": np.asfortranarray(X.astype(np.float64)),
    "every other": np.repeat(X, 2, axis=0)[::2],
    "backwards": X[::-1],
    "other byte order": X.astype(X.dtype.newbyteorder()),
    "unaligned": np.frombuffer(b"-" + X.tobytes(), np.float32, offset=1).reshape(X.shape),
}


@pytest.mark.parametrize("x", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("shuffle", [True, False])
def test_arrays_in_any_form(x, shuffle, general):
    before = x.copy()
    models = pair(metrics=lambda: ["mae"], weighted_metrics=lambda: ["mse"])
    w = np.linspace(0, 2, 48)

    def run(m):
        history = m.fit(x, Y, 5, 3, shuffle=shuffle, sample_weight=w, validation_split=0.2, verbose=0).history
        return history, m.evaluate(x, Y, 5, sample_weight=w, verbose=0), m.predict(x, 5, verbose=0)

    same_values(*both(models, run))
    assert len(general) < 5 * 3 * 10
    assert np.array_equal(x, before)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8, np.float64, np.float32])
def test_ids_in_any_dtype(dtype):
    models = pair(words, loss=lambda: "sparse_categorical_crossentropy", metrics=lambda: ["accuracy"])
    same_values(*both(models, lambda m: m.fit(IDS.astype(dtype), KIND.astype(dtype), 5, 3, verbose=0).history))


def test_an_axis_of_size_one_may_be_missing():
    def build():
        x = Input((1,))
        return Model(x, Dense(1)(x))

    both(pair(build), lambda m: m.fit(X[:, 0], Y[:, 0], 5, 3, verbose=0))


def test_arrays_that_cannot_be_written_to():
    x, y = X.copy(), Y.copy()
    x.flags.writeable = y.flags.writeable = False
    for shuffle in (True, False):
        both(pair(), lambda m, s=shuffle: m.fit(x, y, 5, 3, shuffle=s, verbose=0))


@pytest.mark.parametrize(
    "given", [([X[:, :2], X[:, 2:]], [Y, KIND]), ({"b": X[:, 2:], "a": X[:, :2]}, {"kind": KIND, "price": Y})]
)
def test_several_inputs_and_outputs(given):
    losses = {"price": "mse", "kind": "sparse_categorical_crossentropy"}
    models = pair(two_headed, loss=lambda: dict(losses), metrics=lambda: {"kind": ["accuracy"]})
    w = {"price": np.linspace(0, 1, 48)}
    histories = both(models, lambda m: m.fit(*given, 5, 3, sample_weight=w, verbose=0).history)
    same_values(*histories)
    assert list(histories[0]) == ["loss", "price_loss", "kind_loss", "kind_accuracy"]


def test_class_weights_of_arrays_are_those_of_batches():
    weights = {0: 1.0, 1: 10.0, 2: 0.5}

    def run(stream):
        set_random_seed(1)
        model = words()
        model.compile(SGD(0.1), "sparse_categorical_crossentropy")
        parts = [slice(k, k + 16) for k in range(0, 48, 16)]
        data = ([(IDS[p], KIND[p]) for p in parts].__iter__(),) if stream else (IDS, KIND)
        history = model.fit(*data, batch_size=None if stream else 16, shuffle=False, class_weight=weights, verbose=0)
        return history.history, model.get_weights()

    same_values(run(True), run(False))


def test_one_row_is_predicted_as_among_others():
    model, _ = pair()
    rows = model.predict(X, verbose=0)
    for k in (0, 17):
        one = model.predict(X[k : k + 1], verbose=0)
        assert one.shape == (1, 1)
        np.testing.assert_allclose(one, rows[k : k + 1], rtol=1e-5, atol=1e-6)


class OwnFigures(Model):
    """Its compute_metrics keeps what it is given."""

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        values = y_pred.numpy() if isinstance(y_pred, Tensor) else y_pred
        self.kept = [*getattr(self, "kept", []), (x, y, values)]
        return {**super().compute_metrics(x, y, y_pred, sample_weight), "batches": float(len(self.kept))}


def test_figures_of_ones_own_are_computed_at_each_step():
    def build():
        x = Input((4,))
        return OwnFigures(x, Dense(1)(x))

    def run(m):
        history = m.fit(X, Y, 8, 2, verbose=0).history
        assert history["batches"] == [6.0, 12.0]
        return history, [list(k) for k in m.kept]

    for metrics in (None, ["mae"]):
        same_values(*both(pair(build, metrics=lambda given=metrics: given), run))


# -- what the user may keep -------------------------------------------------------------------------------------------


class Keeps(Metric):
    """Keeps what it is given, as it is."""

    def __init__(self):
        super().__init__("kept")
        self.kept = []

    def reset_state(self):
        self.kept = []

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.kept.append((y_true, y_pred, sample_weight))

    def result(self):
        return float(len(self.kept))


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_metric_may_keep_what_it_is_given(shuffle):
    kept = []

    def run(m):
        m.fit(X, Y, 8, 2, shuffle=shuffle, sample_weight=np.arange(48.0), verbose=0)
        kept.append(m.objective.metrics[0][0][0].kept)

    both(pair(metrics=lambda: None, weighted_metrics=lambda: [Keeps()]), run)
    same_values([list(k) for k in kept[0]], [list(k) for k in kept[1]])
    assert len({w[0] for _, _, w in kept[0]}) == 6


def test_outputs_of_each_batch_may_be_kept():
    model, kept = linear(), []
    whole = model.predict(X, batch_size=8, verbose=0, callbacks=LambdaCallback(
        on_predict_batch_end=lambda batch, logs: kept.append(logs["outputs"]),
    ))  # fmt: skip
    assert np.array_equal(np.concatenate(kept), whole)


def test_the_data_are_read_at_each_step():
    """A callback may change them in place."""
    for shuffle in (True, False):
        x = X.copy()

        def change(batch, logs, x=x):
            x[:] = X * (batch + 1)

        told = [LambdaCallback(on_train_batch_begin=change)]
        both(pair(), lambda m, x=x, s=shuffle, t=told: m.fit(x, Y, 8, 2, shuffle=s, callbacks=t, verbose=0))


# -- changes on the way -----------------------------------------------------------------------------------------------


def freeze(m):
    m.get_layer("hidden").trainable = False


def set_rate(m):
    m.optimizer.learning_rate = 0.1


def set_decay(m):
    m.optimizer.weight_decay = 1  # not a float


def set_beta(m):
    m.optimizer.beta_1 = 0.5


def spare(m):
    m.optimizer.weight_decay = 0.1
    m.optimizer.exclude_from_weight_decay(var_names=["bias"])


def replace(m):
    m.optimizer = SGD(0.1, momentum=0.9)


def compile_anew(m):
    m.compile("rmsprop", "mae", metrics=["mse"], run_eagerly=m.run_eagerly)


def set_weights(m):
    m.set_weights([w * 0.5 for w in m.get_weights()])


@pytest.mark.parametrize(
    "change",
    [freeze, set_rate, set_decay, set_beta, spare, replace, compile_anew, set_weights],
    ids=lambda f: f.__name__,
)
def test_a_change_in_mid_epoch_holds_from_the_next_step_on(change):
    def run(m):
        def look(batch, logs):
            if batch == 4:
                change(m)

        return m.fit(X, Y, 5, 2, callbacks=LambdaCallback(on_train_batch_end=look), verbose=0).history

    same_values(*both(pair(), run))


def test_a_whole_number_among_the_settings_is_noticed():
    models = pair()
    for value in (1, 2, 3):
        for m in models:
            m.optimizer.weight_decay = value
        both(models, lambda m: m.fit(X, Y, 8, verbose=0))


def test_steps_may_become_eager(general):
    model = linear()

    def look(batch, logs):
        model.run_eagerly = batch >= 4

    model.fit(X, Y, batch_size=8, callbacks=LambdaCallback(on_train_batch_end=look), verbose=0)
    assert general == [8, 8]


def test_the_small_constant_is_part_of_a_program():
    models = pair(words, loss=lambda: "categorical_crossentropy")
    before = config.epsilon()
    try:
        for epsilon in (1e-7, 1e-2):
            config.set_epsilon(epsilon)
            both(models, lambda m: m.fit(IDS, np.eye(3)[KIND], 8, 2, verbose=0))
    finally:
        config.set_epsilon(before)


# -- errors -----------------------------------------------------------------------------------------------------------


def spoilt(values, row, value, dtype=None):
    values = np.array(values, dtype)
    values[row] = value
    return values


BAD = {
    "id": (spoilt(IDS, (37, 1), 10), KIND, IdError, "layer table.* id 10 at"),
    "negative id": (spoilt(IDS, (37, 1), -1), KIND, IdError, "is negative"),
    "half an id": (spoilt(IDS, (37, 1), 3.5, float), KIND, DTypeError, r"cannot hold 3\.5"),
    "no id": (spoilt(IDS, (37, 1), np.nan, float), KIND, DTypeError, "cannot hold nan"),
    "huge id": (spoilt(IDS, (37, 1), 2**32), KIND, DTypeError, "cannot hold 4294967296"),
    "label": (IDS, spoilt(KIND, 37, 3), LabelError, "the target of 'kind': the label at .* is 3"),
    "half a label": (IDS, spoilt(KIND, 37, 0.5, float), LabelError, "expected whole numbers"),
}


@pytest.mark.parametrize(("x", "y", "error", "message"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("shuffle", [True, False])
def test_a_bad_row_is_found_after_the_batches_before_it(x, y, error, message, shuffle):
    def run(m):
        with pytest.raises(error, match=message) as caught:
            m.fit(x, y, 5, shuffle=shuffle, verbose=0)
        text = str(caught.value)
        assert "which is row 37 of the data" in text
        if not shuffle:
            assert "in batch 8 of epoch 1, row 2 of the batch" in text
            assert m.optimizer.iterations == 7
        return text.replace("layer model (Model), called on (5, 2): ", "")

    program, eager = both(pair(words, loss=lambda: "sparse_categorical_crossentropy"), run)
    assert program == eager


def test_labels_that_a_callback_spoils_are_found_in_the_next_epoch():
    def run(m):
        y = KIND.copy()

        def spoil(epoch, logs):
            y[11] = 7

        with pytest.raises(LabelError, match=r"is 7; .*\n  in batch \d of epoch 2, row .*row 11 of the data") as caught:
            m.fit(IDS, y, 8, 3, callbacks=LambdaCallback(on_epoch_end=spoil), verbose=0)
        return str(caught.value)

    program, eager = both(pair(words, loss=lambda: "sparse_categorical_crossentropy"), run)
    assert program == eager


def test_targets_are_checked_in_pieces(monkeypatch):
    monkeypatch.setattr("minigrad.models.runner.CHUNK", 7)
    test_a_bad_row_is_found_after_the_batches_before_it(*BAD["label"], False)
    linear().fit(X, Y, batch_size=8, verbose=0)


def test_targets_that_no_step_sees_do_no_harm(general):
    model = pair(words, loss=lambda: "sparse_categorical_crossentropy")[0]
    model.evaluate(IDS, spoilt(KIND, 37, 9), batch_size=6, steps=6, verbose=0)
    assert general == [6]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("quiet", [False, True])
def test_a_loss_that_stops_being_finite(quiet, capsys):
    x = spoilt(X, (37, 0), np.nan)

    def run(m):
        told = [TerminateOnNaN()] if quiet else []
        if quiet:
            m.fit(x, Y, 5, 2, shuffle=False, callbacks=told, verbose=0)
            return capsys.readouterr().out
        with pytest.raises(
            NonFiniteError, match="in batch 8 of epoch 1, row 2 of the batch, which is row 37"
        ) as caught:
            m.fit(x, Y, 5, 2, shuffle=False, callbacks=told, verbose=0)
        return str(caught.value)

    program, eager = both(pair(), run)
    assert program == eager


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_gradient_that_stops_being_finite():
    def build():
        x = Input((1,))
        return Model(x, np.sqrt(Dense(1, kernel_initializer="ones")(x)))

    def run(m):
        with pytest.raises(
            NonFiniteError, match=r"the gradient of .*while the loss is finite.*\n  in batch 4"
        ) as caught:
            m.fit(spoilt(np.ones((48, 1)), 18, 0.0), np.zeros(48), 5, shuffle=False, verbose=0)
        return str(caught.value)

    program, eager = both(pair(build, optimizer=lambda: SGD(0.0)), run)
    assert program == eager


# -- what callbacks are told ------------------------------------------------------------------------------------------


class Tells(Callback):
    """Notes all that it is told."""

    def __init__(self):
        self.told = []

    def on_train_batch_begin(self, batch, logs=None):
        self.told.append(("begin", batch, dict(logs)))

    def on_train_batch_end(self, batch, logs=None):
        assert type(logs) is dict
        assert all(type(v) is float for v in logs.values())
        self.told.append(("end", batch, dict(logs)))
        logs["own"] = float(batch)

    def on_test_batch_end(self, batch, logs=None):
        self.told.append(("test", batch, dict(logs)))

    def on_epoch_end(self, epoch, logs=None):
        self.told.append(("epoch", epoch, dict(logs)))


def test_callbacks_are_told_what_eager_steps_would_tell():
    def run(m):
        tells = Tells()
        m.fit(X, Y, 5, 2, callbacks=tells, validation_data=(X, Y), verbose=0)
        return tells.told

    program, eager = both(pair(metrics=lambda: ["mae"]), run)
    assert program == eager
    assert [t[:2] for t in program[:4]] == [("begin", 0), ("end", 0), ("begin", 1), ("end", 1)]
    assert program[-1][2]["own"] == 9.0  # what the last batch's hook adds is part of the epoch's logs


def test_figures_are_made_only_for_those_who_ask(monkeypatch):
    made, plain = [], Objective.logs
    monkeypatch.setattr(Objective, "logs", lambda self: made.append(1) or plain(self))
    model = linear()
    model.fit(X, Y, batch_size=4, epochs=3, verbose=0)
    assert len(made) == 1 + 3  # the first step's, and those of the epochs' ends
    made.clear()
    model.fit(X, Y, batch_size=4, verbose=0, callbacks=[Tells(), Tells()])
    assert len(made) == 12


def test_a_fast_epochs_bar_ends_complete(capsys):
    model = linear()
    model.fit(X, Y, batch_size=1, epochs=2, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("]")[0] for line in lines] == ["Epoch 1/2", "48/48 [" + "=" * 30] + [
        "Epoch 2/2", "48/48 [" + "=" * 30
    ]  # fmt: skip
    assert f"loss: {model.history.history['loss'][-1]:.4f}" in lines[-1]


# -- threads ----------------------------------------------------------------------------------------------------------


def test_threads_predict_with_one_model():
    model, _ = pair()
    inputs = [np.random.default_rng(k).normal(size=(40, 4)).astype(np.float64) for k in range(4)]
    right = [model.predict(x, batch_size=4, verbose=0) for x in inputs]
    wrong = []

    def predict(k):
        given = [model.predict(inputs[k], batch_size=4, verbose=0) for _ in range(20)]
        wrong.extend(k for y in given if not np.array_equal(y, right[k]))

    threads = [threading.Thread(target=predict, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


# -- jit_compile ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["yes", "True", 1, 0, np.True_, "Auto"])
def test_jit_compile_is_auto_true_or_false(value):
    model = linear()
    with pytest.raises(ValueError, match=r"jit_compile must be 'auto', True or False, got"):
        model.compile("sgd", "mse", jit_compile=value)
    with pytest.raises(ValueError, match="jit_compile must be"):
        model.jit_compile = value
    assert model.jit_compile is False


def test_jit_compile_goes_without_numba_but_not_when_it_must(monkeypatch):
    monkeypatch.setattr(config, "has_numba", lambda: False)
    model = linear(jit_compile="auto")
    assert model.jit_compile == "auto"
    with pytest.raises(ImportError, match="jit_compile=True needs Numba, which is not installed"):
        model.compile("sgd", "mse", jit_compile=True)
    monkeypatch.setattr(config, "has_numba", lambda: True)
    model.compile("sgd", "mse", jit_compile=True)
    assert model.jit_compile is True
    with pytest.raises(ValueError, match="with run_eagerly=True there are none"):
        model.compile("sgd", "mse", jit_compile=True, run_eagerly=True)


def test_jit_compile_is_the_configs_unless_compile_said_it():
    x = Input((4,))
    never, told, untold = Model(x, Dense(1)(x)), linear(jit_compile=False), linear()
    assert (never.jit_compile, told.jit_compile, untold.jit_compile) == (False, False, False)
    config.set_jit_compile("auto")
    try:
        assert (never.jit_compile, told.jit_compile, untold.jit_compile) == ("auto", False, "auto")
    finally:
        config.set_jit_compile(False)


def test_another_jit_compile_makes_another_program():
    model = linear()
    model.predict(X, verbose=0)
    model.predict(X, verbose=0)
    assert len(model._programs.made) == 2  # 32 rows, and 16
    model.jit_compile = "auto"
    model.predict(X, verbose=0)
    assert len(model._programs.made) == 4
