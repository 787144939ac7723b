"""Nothing is left behind: no garbage, no objects, no model after its last user."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import Input, Model, Sequential
from minigrad.callbacks import EarlyStopping
from minigrad.layers import Dense, Dropout, Embedding, Flatten
from training_cases import TwoHeads, X, Y, deep, linear


def test_training_leaves_no_garbage_and_no_objects_behind():
    ids = np.arange(32).reshape(16, 2) % 5
    x = Input((2,), dtype="int32")
    model = Model(x, Dense(1)(Dropout(0.1)(Flatten()(Embedding(5, 3)(x)))))
    model.compile("adam", "mse", metrics=["mae"])
    y = np.ones((16, 1))

    def work():
        model.train_on_batch(ids, y)
        model.fit(ids, y, batch_size=4, validation_split=0.25, verbose=0)
        model.evaluate(ids, y, verbose=0)
        model.predict(ids, verbose=0)
        with pytest.raises(mg.errors.IdError):
            model.fit(ids + 4, y, verbose=0)

    for _ in range(5):
        work()
    gc.collect()
    gc.disable()
    try:
        work()
        before = len(gc.get_objects())
        for _ in range(10):
            work()
        grown = len(gc.get_objects()) - before
        assert gc.collect() == 0
    finally:
        gc.enable()
    assert grown <= 0


def test_a_trained_model_is_freed_at_once():
    gc.collect()
    gc.disable()
    try:
        for build in (linear, deep, lambda: Sequential([Dense(2), Dense(1)]), lambda: TwoHeads()):
            model = build()
            own = isinstance(model, TwoHeads)
            model.compile("adam", ["mse", "mse"] if own else "mse", run_eagerly=own)
            model.fit(
                X, [Y, X[:, :2]] if isinstance(model, TwoHeads) else Y, verbose=0, callbacks=[EarlyStopping("loss")]
            )
            gone = weakref.ref(model)
            del model
            assert gone() is None
        assert gc.collect() == 0
    finally:
        gc.enable()
