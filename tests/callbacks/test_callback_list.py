"""Hooks: who is called, when, with what."""

from __future__ import annotations

import gc
import weakref

import pytest

from minigrad.callbacks import Callback, CallbackList, History, LambdaCallback, ProgbarLogger
from minigrad.errors import UnknownName

HOOKS = [
    *(f"on_{run}_{end}" for run in ("train", "test", "predict") for end in ("begin", "end")),
    *(f"on_{run}_batch_{end}" for run in ("train", "test", "predict") for end in ("begin", "end")),
    "on_epoch_begin",
    "on_epoch_end",
]


class Model:
    stop_training = False


def arguments_of(hook):
    return (3, {"loss": 1.0}) if "batch" in hook or "epoch" in hook else ({"loss": 1.0},)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_reaches_every_callback_in_order(hook):
    calls = []

    def recorder(name):
        return LambdaCallback(**{hook: lambda *args: calls.append((name, *args))})

    callbacks = CallbackList([recorder("a"), Callback(), recorder("b")])
    getattr(callbacks, hook)(*arguments_of(hook))
    assert calls == [("a", *arguments_of(hook)), ("b", *arguments_of(hook))]
    for other in set(HOOKS) - {hook}:
        getattr(callbacks, other)(*arguments_of(other))
    assert len(calls) == 2


def test_the_older_batch_names_are_called_too():
    calls = []

    class Old(Callback):
        def on_batch_begin(self, batch, logs=None):
            calls.append(("begin", batch, logs))

        def on_batch_end(self, batch, logs=None):
            calls.append(("end", batch, logs))

    callbacks = CallbackList(Old())
    callbacks.on_train_batch_begin(1)
    callbacks.on_train_batch_end(1, {"loss": 2.0})
    callbacks.on_test_batch_end(1)
    assert calls == [("begin", 1, {}), ("end", 1, {"loss": 2.0})]


def test_logs_are_one_dict_that_callbacks_pass_on():
    class Adds(Callback):
        def on_epoch_end(self, epoch, logs):  # without a default, as many write it
            logs["learning_rate"] = 0.5

    history = History()
    callbacks = CallbackList([Adds(), history])
    callbacks.on_epoch_end(0)
    assert history.history == {"learning_rate": [0.5]}


@pytest.mark.parametrize("hook", [h for h in HOOKS if "batch" in h])
def test_logs_given_as_a_function_are_made_once_for_those_who_read_them(hook):
    made, seen = [], []

    def logs():
        made.append({"loss": 1.0})
        return made[-1]

    class Waits(Callback):
        lazy_logs = True

    waits = Waits()
    setattr(waits, hook, lambda batch, logs: seen.append(logs))
    reads = LambdaCallback(**{hook: lambda batch, logs: seen.append(logs)})
    for callbacks in ([], [Callback()], [waits], [CallbackList([waits])]):
        getattr(CallbackList(callbacks), hook)(0, logs)
    assert not made
    assert seen == [logs, logs]
    getattr(CallbackList([waits, CallbackList([waits, reads]), reads, waits]), hook)(0, logs)
    assert len(made) == 2  # a list within a list makes its own
    assert seen[2:] == [logs, logs, {"loss": 1.0}, {"loss": 1.0}, {"loss": 1.0}]


def test_a_bar_reads_logs_when_it_draws_only():
    made = []
    callbacks = CallbackList(add_progbar=True, epochs=1, steps=1000, verbose=1)
    callbacks.on_epoch_begin(0)
    for batch in range(1000):
        callbacks.on_train_batch_end(batch, lambda: made.append(1) or {"loss": 2.0})
    callbacks.on_epoch_end(0, {"loss": 2.0})
    assert len(made) < 20


def test_no_bar_is_added_where_nothing_is_to_be_shown():
    assert CallbackList(add_progbar=True, verbose=0).callbacks == []
    assert [type(c) for c in CallbackList(add_progbar=True, verbose=2).callbacks] == [ProgbarLogger]
    own = ProgbarLogger()
    assert CallbackList(own, add_progbar=True, verbose=0).callbacks == [own]
    with pytest.raises(ValueError, match="verbose is 0"):
        CallbackList(add_progbar=True, verbose=5)


def test_model_and_params_reach_all_even_late_comers():
    model, early, late = Model(), Callback(), Callback()
    callbacks = CallbackList([early], model=model, epochs=2, steps=5, verbose=0)
    callbacks.append(late)
    for callback in (early, late):
        assert callback.model is model
        assert callback.params == {"epochs": 2, "steps": 5, "verbose": 0}


def test_a_callback_may_forget_the_base_class_in_its_init():
    class Forgetful(Callback):
        def __init__(self, note):
            self.note = note

    callback = Forgetful("x")
    assert (callback.model, callback.params) == (None, {})
    CallbackList(callback, model=Model(), epochs=3)
    assert callback.params == {"epochs": 3}
    assert Callback.params == {}


def test_a_late_comer_is_called():
    calls = []
    callbacks = CallbackList()
    callbacks.append(LambdaCallback(on_train_begin=calls.append))
    callbacks.on_train_begin()
    assert calls == [{}]


def test_history_and_progress_are_added_once_and_after_the_users():
    mine = Callback()
    added = CallbackList([mine], add_history=True, add_progbar=True).callbacks
    assert [type(callback) for callback in added] == [Callback, ProgbarLogger, History]
    own = [History(), ProgbarLogger()]
    assert CallbackList(own, add_history=True, add_progbar=True).callbacks == own
    assert CallbackList().callbacks == []


def test_lists_nest():
    calls = []
    inner = CallbackList(LambdaCallback(on_epoch_end=lambda epoch, logs: calls.append(epoch)))
    CallbackList([inner]).on_epoch_end(4)
    assert calls == [4]


@pytest.mark.parametrize("stranger", [[3], [None], ["EarlyStopping"]])
def test_strangers_are_refused(stranger):
    with pytest.raises(TypeError, match="A callback is an instance of Callback, got"):
        CallbackList(stranger)


@pytest.mark.parametrize("given", [History, [History]])
def test_a_class_that_was_not_called_is_told_so(given):
    with pytest.raises(TypeError, match="It is a class: call it"):
        CallbackList(given)


def test_lambda_callback_knows_its_hooks():
    with pytest.raises(UnknownName, match=r"'on_epoch_edn'.*Did you mean 'on_epoch_end'"):
        LambdaCallback(on_epoch_edn=print)
    with pytest.raises(TypeError, match="needs a function for on_epoch_end"):
        LambdaCallback(on_epoch_end=3)
    LambdaCallback(on_epoch_end=None).on_epoch_end(0, {})


def test_history_records_epochs_and_starts_afresh():
    history = History()
    model = Model()
    history.set_model(model)
    for _ in range(2):
        history.on_train_begin()
        history.on_epoch_end(0, {"loss": 2.0, "val_loss": 3.0})
        history.on_epoch_end(1, {"loss": 1.0, "val_loss": 2.5})
        assert history.history == {"loss": [2.0, 1.0], "val_loss": [3.0, 2.5]}
        assert history.epoch == [0, 1]
    assert model.history is history
    assert history.model.stop_training is False


def test_a_model_dies_with_its_last_user():
    model = Model()
    callbacks = CallbackList(add_history=True, add_progbar=True, model=model, verbose=0)
    gone = weakref.ref(model)
    gc.disable()
    try:
        del model, callbacks
        assert gone() is None
    finally:
        gc.enable()
