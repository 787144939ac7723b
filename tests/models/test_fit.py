"""What fit learns, how it repeats itself, what it tells callbacks, the history and the screen."""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

from minigrad import Input, Model, Tensor
from minigrad.callbacks import Callback, EarlyStopping, LambdaCallback, TerminateOnNaN
from minigrad.layers import Dense, Embedding, Flatten, Layer
from minigrad.optimizers import SGD
from minigrad.utils import set_random_seed
from training_cases import KIND, Indexable, Iterable, X, Y, deep, linear, same

# -- learning ----------------------------------------------------------------------------------------------------------


def test_a_regression_is_learned():
    model = linear(optimizer=SGD(0.1))
    history = model.fit(X, Y, epochs=60, batch_size=16, verbose=0)
    assert history.history["loss"][-1] < 1e-4
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(kernel.ravel(), [1, -2, 0.5, 0], atol=0.02)
    np.testing.assert_allclose(bias, [0.3], atol=0.02)
    np.testing.assert_allclose(model.predict(X, verbose=0), Y, atol=0.1)


def test_a_classification_is_learned():
    set_random_seed(2)
    ids = np.arange(200).reshape(100, 2) % 7
    labels = (ids.sum(axis=1) % 3).astype(np.int64)
    x = Input((2,), dtype="int32")
    model = Model(x, Dense(3, activation="softmax")(Dense(32, activation="relu")(Flatten()(Embedding(7, 8)(x)))))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(ids, labels, epochs=60, verbose=0)
    assert history.history["accuracy"][-1] == 1.0
    assert model.evaluate(ids, labels, verbose=0, return_dict=True)["accuracy"] == 1.0
    assert (model.predict(ids, verbose=0).argmax(-1) == labels).all()


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam", "adamw", "adagrad"])
def test_each_optimizer_by_name_makes_the_loss_smaller(name):
    model = deep(optimizer=name)
    losses = model.fit(X, Y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_one_step_of_sgd_is_its_formula():
    model = linear(optimizer=SGD(0.1))
    w, b = model.get_weights()
    loss = model.train_on_batch(X, Y)
    error = X @ w + b - Y
    assert loss == pytest.approx((error**2).mean(), rel=1e-5)
    np.testing.assert_allclose(model.get_weights()[0], w - 0.1 * 2 * X.T @ error / len(X), rtol=1e-4)
    np.testing.assert_allclose(model.get_weights()[1], b - 0.1 * 2 * error.mean(), rtol=1e-4)


# -- the same again ----------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_weights_bit_for_bit():
    one, other, third = deep(), deep(), deep(seed=2)
    for model in (one, other, third):
        model.fit(X, Y, epochs=3, batch_size=7, verbose=0)
    assert same(one, other)
    assert not same(one, third)


TRAIN_AND_TELL = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from training_cases import X, Y, deep
model = deep()
model.fit(X, Y, epochs=3, verbose=0)
print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
"""


def test_the_weights_are_the_same_in_another_process_whatever_its_hashes():
    found = set()
    for hashes in ("0", "1"):
        words = [sys.executable, "-c", TRAIN_AND_TELL, str(Path(__file__).parent)]
        environment = {**os.environ, "PYTHONHASHSEED": hashes}
        found.add(subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout)
    assert len(found) == 1


def test_an_epochs_shuffle_depends_on_the_seed_and_its_number_only():
    whole, halves = linear(), linear()
    whole.fit(X, Y, epochs=4, verbose=0, batch_size=5)
    halves.fit(X, Y, epochs=2, verbose=0, batch_size=5)
    history = halves.fit(X, Y, epochs=4, initial_epoch=2, verbose=0, batch_size=5)
    assert same(whole, halves)
    assert history.epoch == [2, 3]


def batches_seen(**how):
    seen = []

    class Look(Layer):
        def call(self, inputs, training=False):
            if isinstance(inputs, Tensor) and training:
                seen.append(inputs.numpy().ravel().tolist())
            return inputs

    set_random_seed(3)
    x = Input((1,))
    model = Model(x, Dense(1)(Look()(x)))
    model.compile("sgd", "mse", run_eagerly=True)  # the layer looks at the values in Python
    rows = np.arange(10.0)[:, None]
    model.fit(rows, rows * 0, verbose=0, batch_size=4, **how)
    return seen


def test_shuffle_takes_each_row_once_an_epoch_in_a_new_order():
    assert batches_seen(shuffle=False) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    seen = batches_seen(epochs=2)
    first, second = ([row for batch in seen[k : k + 3] for row in batch] for k in (0, 3))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second != list(range(10))
    assert [len(batch) for batch in seen] == [4, 4, 2] * 2


def test_steps_per_epoch_of_arrays():
    assert [len(b) for b in batches_seen(steps_per_epoch=2, epochs=2)] == [4, 4, 4, 4]
    with pytest.raises(ValueError, match=r"4 steps were asked for, but 10 rows in batches of 4 make 3"):
        batches_seen(steps_per_epoch=4)


# -- validation --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", [(X, Y), [X, Y], (X, Y, np.ones(48)), Iterable(), Indexable()], ids=["xy", "list", "xyw", "iter", "index"]
)
def test_validation_data(given):
    model = linear()
    history = model.fit(X, Y, validation_data=given, epochs=2, batch_size=16, verbose=0).history
    assert list(history) == ["loss", "val_loss"]
    assert history["val_loss"][-1] == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-5)


def test_validation_takes_the_same_steps_of_an_iterable_each_time():
    model = linear(optimizer=SGD(0.0))
    values = model.fit(X, Y, epochs=2, validation_data=Iterable(), validation_steps=2, verbose=0).history["val_loss"]
    assert values[0] == values[1] == pytest.approx(model.evaluate(X[:32], Y[:32], verbose=0), rel=1e-6)


def test_validation_data_with_weights():
    model, w = linear(), np.arange(48.0)
    history = model.fit(X, Y, validation_data=(X, Y, w), verbose=0).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(X, Y, sample_weight=w, verbose=0), rel=1e-5)
    assert history["val_loss"][0] != pytest.approx(model.evaluate(X, Y, verbose=0))


def test_validation_split_takes_the_last_rows_before_shuffling():
    split, given = linear(), linear()
    w = np.linspace(1, 2, 48)
    one = split.fit(X, Y, validation_split=0.25, epochs=3, verbose=0, sample_weight=w)
    other = given.fit(
        X[:36], Y[:36], validation_data=(X[36:], Y[36:], w[36:]), epochs=3, verbose=0, sample_weight=w[:36]
    )
    assert same(split, given)
    assert one.history == other.history


@pytest.mark.parametrize("n", range(1, 6))
@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.99])
def test_no_split_leaves_one_side_empty(n, share):
    cut = int(n * (1 - share))
    if cut in (0, n):
        with pytest.raises(ValueError, match=f"validation_split={share} of {n} rows leaves nothing to"):
            linear().fit(X[:n], Y[:n], validation_split=share, verbose=0)
    else:
        assert "val_loss" in linear().fit(X[:n], Y[:n], validation_split=share, verbose=0).history


@pytest.mark.parametrize("share", [1.0, -0.5, 7])
def test_a_split_is_a_share(share):
    with pytest.raises(ValueError, match="expected a fraction between 0 and 1"):
        linear().fit(X, Y, validation_split=share, verbose=0)


def test_a_split_of_sorted_labels_is_pointed_out():
    set_random_seed(1)
    x = Input((4,))
    model = Model(x, Dense(3, activation="softmax")(x))
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.warns(UserWarning, match=r"have classes that the training rows lack: 2\. If the rows are sorted"):
        model.fit(X, np.arange(48) // 16, validation_split=0.4, verbose=0)
    model.fit(X, KIND, validation_split=0.2, verbose=0)


def test_validation_every_few_epochs_and_for_a_few_steps():
    history = linear().fit(X, Y, validation_data=(X, Y), epochs=5, validation_freq=2, verbose=0).history
    assert len(history["loss"]) == 5
    assert len(history["val_loss"]) == 2
    model = linear(optimizer=SGD(0.0))
    history = model.fit(
        X, Y, validation_data=(X, Y), validation_batch_size=8, validation_steps=2, epochs=1, verbose=0
    ).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(X[:16], Y[:16], verbose=0), rel=1e-6)


# -- callbacks and history ---------------------------------------------------------------------------------------------


def test_the_history_outlives_its_model():
    model = linear()
    history = model.fit(X, Y, epochs=2, validation_data=(X, Y), verbose=0)
    assert model.history is history
    gone = weakref.ref(model)
    del model
    assert gone() is None
    assert list(history.history) == ["loss", "val_loss"]
    assert history.epoch == [0, 1]
    assert history.params == {"verbose": 0, "epochs": 2, "steps": 2}
    assert all(type(v) is float for values in history.history.values() for v in values)


def test_hooks_come_in_order():
    seen = []

    class Tell(Callback):
        def on_train_begin(self, logs=None):
            seen.append("begin")

        def on_epoch_begin(self, epoch, logs=None):
            seen.append(epoch)

        def on_train_batch_end(self, batch, logs=None):
            seen.append((batch, sorted(logs)))

        def on_test_batch_end(self, batch, logs=None):
            seen.append(("test", batch))

        def on_epoch_end(self, epoch, logs=None):
            seen.append(sorted(logs))

        def on_train_end(self, logs=None):
            seen.append("end")

    linear().fit(X, Y, batch_size=24, validation_data=(X, Y), callbacks=Tell(), verbose=0)
    batch = [(0, ["loss"]), (1, ["loss"])]
    assert seen == ["begin", 0, *batch, ("test", 0), ("test", 1), ["loss", "val_loss"], "end"]


def test_a_callback_stops_after_the_batch():
    model = linear()
    seen = []

    def stop(batch, logs):
        seen.append(batch)
        model.stop_training = batch == 1

    history = model.fit(X, Y, batch_size=8, epochs=3, callbacks=[LambdaCallback(on_train_batch_end=stop)], verbose=0)
    assert seen == [0, 1]
    assert history.epoch == [0]
    assert len(model.fit(X, Y, epochs=2, verbose=0).epoch) == 2


def test_early_stopping_puts_the_best_weights_back():
    model = linear(optimizer=SGD(0.1))
    kept = []

    def spoil(epoch, logs):
        kept.append(model.get_weights())
        model.set_weights([w + 1 for w in model.get_weights()])

    stop = EarlyStopping("loss", patience=2, restore_best_weights=True)
    history = model.fit(X, Y, epochs=20, callbacks=[stop, LambdaCallback(on_epoch_end=spoil)], verbose=0)
    assert len(history.epoch) == 3
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), kept[stop.best_epoch], strict=True))


def test_terminate_on_nan_ends_quietly(capsys):
    model = linear(optimizer=SGD(1e18))
    with np.errstate(all="ignore"):
        history = model.fit(X, Y, epochs=5, callbacks=[TerminateOnNaN()], verbose=0)
    assert len(history.epoch) < 5
    assert "Invalid loss" in capsys.readouterr().out


# -- what is printed ---------------------------------------------------------------------------------------------------


def test_output_in_a_pipe(capsys):
    model = linear()
    for verbose, expected in ((0, 0), (2, 2), ("auto", 2)):
        model.fit(X, Y, epochs=2, verbose=verbose)
        out = capsys.readouterr().out
        assert len(out.splitlines()) == expected
        assert "\r" not in out
        assert "\x1b" not in out
    model.fit(X, Y, verbose=1)
    first, second = capsys.readouterr().out.splitlines()
    assert first == "Epoch 1/1"
    assert second.startswith("2/2 [==============================] - 0s ")
    assert " - loss: " in second
    model.evaluate(X, Y)
    assert capsys.readouterr().out.startswith("2/2 - 0s ")
    model.predict(X, verbose=0)
    assert capsys.readouterr().out == ""
