"""When training stops by itself, and with which weights."""

from __future__ import annotations

import math
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.callbacks import EarlyStopping, TerminateOnNaN
from minigrad.errors import NonFiniteError, UnknownName


class Model:
    """Weights that tell the epoch they were made in."""

    def __init__(self):
        self.stop_training = False
        self.weights = None

    def get_weights(self):
        return [self.weights]

    def set_weights(self, weights):
        (self.weights,) = weights


def fit(callback, values, monitor="val_loss"):
    """Return the number of epochs that ran, and the epoch of the weights at the end."""
    model = Model()
    callback.set_model(model)
    callback.on_train_begin()
    ran = 0
    for epoch, value in enumerate(values):
        model.weights = epoch
        callback.on_epoch_end(epoch, {"loss": 0.0, monitor: value})
        ran += 1
        if model.stop_training:
            break
    callback.on_train_end()
    return ran, model.weights


@pytest.mark.parametrize(
    ("arguments", "values", "ran"),
    [
        ({}, [3, 2, 1, 1, 0], 4),
        ({}, [1, 2, 0], 2),
        ({"patience": 2}, [3, 2, 2, 2, 0], 4),
        ({"patience": 2}, [3, 2, 2, 1, 1, 1], 6),
        ({"patience": 2, "min_delta": 0.5}, [3, 2.8, 2.6, 1], 3),
        ({"patience": 2, "min_delta": -0.5}, [3, 2.8, 2.6, 1], 3),
        ({"start_from_epoch": 3}, [1, 2, 3, 4, 5, 6], 5),
        ({"mode": "max"}, [1, 2, 3, 2, 4], 4),
        ({"patience": 3, "baseline": 1.0}, [5, 4, 3, 2, 0.5], 5),
        ({"patience": 3, "baseline": 1.0}, [5, 4, 3, 3, 0.5], 4),
        ({"patience": 2}, [math.nan, math.nan, math.nan], 2),
        ({"patience": 2}, [math.nan, 2.0, 1.0, 0.5], 4),
        ({"patience": 9}, [3, 3, 3], 3),
    ],
)
def test_it_stops_after_patience_is_over(arguments, values, ran):
    assert fit(EarlyStopping(**arguments), values)[0] == ran


@pytest.mark.parametrize(
    "name",
    ["acc", "val_accuracy", "auc", "auc_1", "val_precision_2", "recall", "f1_score", "top_k_accuracy"],
)
def test_auto_means_max_where_more_is_better(name):
    assert fit(EarlyStopping(name), [1, 2, 3, 2, 4], name)[0] == 4


@pytest.mark.parametrize("name", ["loss", "val_loss", "mae", "val_mean_squared_error"])
def test_auto_means_min_for_all_else(name):
    assert fit(EarlyStopping(name), [3, 2, 1, 2, 0], name)[0] == 4


@given(st.lists(st.floats(0, 10), min_size=1, max_size=12), st.integers(0, 4))
def test_the_best_weights_come_back_stopped_or_not(values, patience):
    callback = EarlyStopping(patience=patience, restore_best_weights=True)
    ran, weights = fit(callback, values)
    best = min(values[:ran])
    assert callback.best == best
    assert weights == callback.best_epoch == values.index(best)


def test_without_restoring_the_last_weights_stay():
    assert fit(EarlyStopping(), [1, 2, 3]) == (2, 1)


def test_an_instance_can_be_used_again():
    callback = EarlyStopping(restore_best_weights=True)
    fit(callback, [5, 4, 6])
    assert fit(callback, [9, 8, 9]) == (3, 1)
    assert callback.stopped_epoch == 2


def test_verbose_says_when_it_stopped_and_what_it_restored(capsys):
    fit(EarlyStopping(verbose=1, restore_best_weights=True), [2, 1, 3])
    assert capsys.readouterr().out == (
        "Epoch 3: early stopping\nRestoring model weights from the end of the best epoch: 2.\n"
    )


def test_a_missing_metric_is_told_once_with_what_there_is():
    callback = EarlyStopping("val_los")
    with pytest.warns(UserWarning, match=r"watches 'val_los'.*Did you mean 'val_loss'.*loss, val_loss"):
        assert fit(callback, [3, 4])[0] == 2
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(callback, [3, 4, 5])
    assert len(caught) == 1


def test_a_misspelt_mode_is_refused():
    with pytest.raises(UnknownName, match=r"'mni'.*Did you mean 'min'"):
        EarlyStopping(mode="mni")


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_ends_training(loss, capsys):
    callback = TerminateOnNaN()
    callback.set_model(Model())
    callback.on_train_batch_end(6, {"loss": 1.0})
    callback.on_train_batch_end(6, {})
    assert not callback.model.stop_training
    callback.on_train_batch_end(7, {"loss": loss})
    assert callback.model.stop_training
    assert capsys.readouterr().out == f"Batch 7: Invalid loss ({loss}), terminating training\n"


def test_or_raises_if_asked_to():
    with pytest.raises(NonFiniteError, match="Batch 7: Invalid loss"):
        TerminateOnNaN(raise_error=True).on_train_batch_end(7, {"loss": math.nan})
