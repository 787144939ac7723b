"""The progress bar: its text, and its manners in a terminal, a log and a notebook."""

from __future__ import annotations

import io
import math
import os
import sys
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.callbacks import CallbackList, displays, progress
from minigrad.callbacks.displays import Log, Notebook, Terminal, clean, pick_display, verbosity
from minigrad.callbacks.progress import Progbar


class Clock:
    """The time, moved by hand."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    for module in ("progress", "displays", "progbar_logger"):
        monkeypatch.setattr(sys.modules[f"minigrad.callbacks.{module}"], "perf_counter", clock)
    return clock


def put_stdout(monkeypatch, stream):
    """Make a stream the standard output of the progress bars (pytest puts back its own between phases)."""
    monkeypatch.setattr(displays, "sys", types.SimpleNamespace(stdout=stream, modules=sys.modules))
    return stream


class Screen(io.StringIO):
    """A terminal of a given width that does what carriage returns and line feeds say."""

    def __init__(self, columns=200):
        super().__init__()
        self.columns = columns
        self.lines = [""]
        self.redraws = 0

    def isatty(self):
        return True

    def fileno(self):
        return 12345

    def write(self, text):
        self.redraws += 1
        for char in text:
            if char == "\n":
                self.lines.append("")
                self.column = 0
            elif char == "\r":
                self.column = 0
            else:
                assert char.isprintable()
                line = self.lines[-1]
                self.lines[-1] = line[: self.column] + char + line[self.column + 1 :]
                self.column += 1
        return super().write(text)

    column = 0


@pytest.fixture
def screen(monkeypatch):
    screen = Screen()
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((screen.columns, 24)))
    put_stdout(monkeypatch, screen)
    monkeypatch.setenv("TERM", "xterm")
    return screen


def run(clock, epochs=2, steps=48, seconds_per_step=0.01, verbose="auto", validate=True, name="loss"):
    callbacks = CallbackList(add_progbar=True, epochs=epochs, steps=steps, verbose=verbose)
    callbacks.on_train_begin()
    for epoch in range(epochs):
        callbacks.on_epoch_begin(epoch)
        for batch in range(steps or 48):
            callbacks.on_train_batch_begin(batch)
            clock.now += seconds_per_step
            callbacks.on_train_batch_end(batch, {name: 0.2886, "accuracy": 0.5})
        logs = {name: 0.2886, "accuracy": 0.5}
        if validate:
            callbacks.on_test_begin()
            clock.now += 0.5
            callbacks.on_test_batch_end(0, {"loss": 9.0})
            callbacks.on_test_end({"loss": 9.0})
            logs["val_loss"] = 9.0
        callbacks.on_epoch_end(epoch, logs)
    callbacks.on_train_end()


DONE = "48/48 [==============================] - 0s 10ms/step - loss: 0.2886 - accuracy: 0.5000"


# Numbers and times.


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.28859, "0.2886"),
        (-0.5, "-0.5000"),
        (123.0, "123.0000"),
        (0.001, "1.0000e-03"),
        (-0.0001, "-1.0000e-04"),
        (0.0, "0.0000e+00"),
        (math.nan, "nan"),
        (math.inf, "inf"),
    ],
)
def test_numbers_are_keras_ones(number, text):
    assert progress._number(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (7.9, "7s"), (59, "59s"), (67, "1:07"), (3607, "1:00:07"), (36000, "10:00:00")],
)
def test_time_left_is_keras_one(seconds, text):
    assert progress._clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.4, "2s"), (0.25, "250ms"), (0.001, "1ms"), (2e-5, "20us"), (0, "0us")]
)
def test_time_per_step(seconds, text):
    assert progress._step_time(seconds) == text


# In a terminal.


def test_a_terminal_shows_the_keras_look(clock, screen):
    run(clock, validate=False)
    assert screen.lines == ["Epoch 1/2", DONE, "Epoch 2/2", DONE, ""]


def test_validation_values_come_at_the_end_and_test_batches_draw_nothing(clock, screen):
    run(clock, epochs=1, seconds_per_step=0.5)
    assert screen.lines[1] == (
        "48/48 [==============================] - 24s 511ms/step - loss: 0.2886 - accuracy: 0.5000 - val_loss: 9.0000"
    )


def test_a_passing_line_shows_the_time_left(clock, screen):
    bar = Progbar(48)
    for step in range(1, 13):
        clock.now += 0.1
        bar.update(step, [("loss", 1.0)], finalize=False)
    assert screen.lines == ["12/48 [======>.......................] - ETA: 3s - loss: 1.0000"]


def test_a_line_is_rewritten_without_leftovers(clock, screen):
    bar = Progbar(1000, stateful_metrics=["loss", "mae"])
    clock.now += 3000
    bar.update(1, {"loss": 1e-9, "mae": 12345678.0})
    clock.now += 1
    bar.update(999, {"loss": 1.0, "mae": 1.0})
    assert screen.lines[-1].rstrip() == (
        " 999/1000 [============================>.] - ETA: 0s - loss: 1.0000 - mae: 1.0000"
    )
    bar.update(1000, {"loss": 1.0, "mae": 1.0})
    assert screen.lines[-2].rstrip() == (
        "1000/1000 [==============================] - 3001s 1ms/step - loss: 1.0000 - mae: 1.0000"
    )


@pytest.mark.parametrize("columns", [20, 40, 60, 80])
@pytest.mark.parametrize("name", ["loss", "平均二乗誤差" * 3])
def test_a_passing_line_fits_the_width(clock, screen, columns, name):
    screen.columns = columns
    bar = Progbar(48)
    for step in range(1, 48):
        clock.now += 1
        bar.update(step, {name: 1.0, "accuracy": 0.5})
        shown = screen.lines[-1].rstrip()
        assert sum(2 if char > "\u1100" else 1 for char in shown) < columns
        assert f"{step}/48 [" in shown


def test_redraws_are_ten_a_second_at_most(clock, screen):
    run(clock, epochs=1, steps=100_000, seconds_per_step=20e-6, validate=False)
    assert clock.now == pytest.approx(102)
    assert 15 <= screen.redraws <= 22


def test_an_unknown_number_of_steps(clock, screen):
    bar = Progbar(None)
    for step in range(1, 11):
        clock.now += 0.5
        bar.update(step, {"loss": 1.0})
    assert screen.lines == ["     10/Unknown - 5s 500ms/step - loss: 1.0000"]
    bar.update(10, finalize=True)
    assert screen.lines[0].rstrip() == ("10/10 [==============================] - 5s 500ms/step - loss: 1.0000")


def test_an_epoch_that_was_cut_short_shows_how_far_it_came(clock, screen):
    callbacks = CallbackList(add_progbar=True, epochs=1, steps=48, verbose=1)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_train_batch_end(11, {"loss": 1.0})
    callbacks.on_epoch_end(0, {"loss": 1.0})
    assert screen.lines[1].startswith("12/48 [======>.......................] - 0s")


def test_control_characters_in_a_name_are_dropped(clock, screen):
    run(clock, epochs=1, name="lo\x1b[31ms\rs\x07\x9b\u202e")
    assert "lo[31mss: 0.2886" in screen.lines[1]


@given(st.text())
def test_clean_text_is_printable(text):
    assert clean(text).isprintable()
    assert clean("loss") == "loss"


# In a log.


@pytest.fixture
def log(monkeypatch):
    stream = io.StringIO()
    put_stdout(monkeypatch, stream)
    return stream


def test_a_log_gets_one_line_an_epoch(clock, log):
    run(clock, validate=False)
    line = "48/48 - 0s 10ms/step - loss: 0.2886 - accuracy: 0.5000"
    assert log.getvalue() == f"Epoch 1/2 - {line}\nEpoch 2/2 - {line}\n"


def test_a_bar_in_a_log_has_no_control_characters_and_few_lines(clock, log):
    run(clock, epochs=1, steps=3600, seconds_per_step=1.0, verbose=1, validate=False)
    text = log.getvalue()
    assert text.replace("\n", "").isprintable()
    lines = text.splitlines()
    assert lines[0] == "Epoch 1/1"
    assert lines[-1].startswith("3600/3600 [==============================] - 3600s 1s/step")
    assert 3 < len(lines) < 12
    assert len(set(lines)) == len(lines)


def test_verbose_0_is_silent(clock, log):
    run(clock, verbose=0)
    assert log.getvalue() == ""


def test_evaluate_and_predict_have_a_bar_of_their_own(clock, log):
    callbacks = CallbackList(add_progbar=True, steps=2, verbose=1)
    callbacks.on_test_begin()
    for batch in range(2):
        clock.now += 0.25
        callbacks.on_test_batch_end(batch, {"loss": 1.0})
    callbacks.on_test_end({"loss": 1.0})
    callbacks.on_predict_begin()
    for batch in range(2):
        clock.now += 0.25
        callbacks.on_predict_batch_end(batch, {"outputs": object()})
    callbacks.on_predict_end({"outputs": object()})
    bar = "2/2 [==============================] - 0s 250ms/step"
    assert log.getvalue() == f"{bar} - loss: 1.0000\n{bar}\n"


def test_a_name_that_the_stream_cannot_write_does_no_harm(clock, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    put_stdout(monkeypatch, stream)
    run(clock, epochs=1, name="ошибка")
    stream.seek(0)
    assert "??????: 0.2886" in stream.read()


def test_no_standard_output_at_all(clock, monkeypatch):
    put_stdout(monkeypatch, None)
    run(clock, verbose=1)


@pytest.mark.parametrize("verbose", [0, 1, 2, True, False])
def test_verbosity_is_what_was_asked(verbose, log):
    assert verbosity(verbose) == int(verbose)


@pytest.mark.parametrize("verbose", [3, -1, "quiet", None, 1.5])
def test_other_verbosities_are_refused(verbose):
    with pytest.raises(ValueError, match=r"verbose is 0 .silent.*got"):
        verbosity(verbose)


def test_auto_is_a_bar_where_somebody_looks(screen, monkeypatch):
    assert verbosity("auto") == 1
    assert isinstance(pick_display(1), Terminal)
    assert isinstance(pick_display(2), Log)
    monkeypatch.setenv("TERM", "dumb")
    assert verbosity("auto") == 2
    assert isinstance(pick_display(1), Log)


# In a notebook.


class Kernel:
    """Enough of IPython: one display function, and what it was given."""

    def __init__(self):
        self.outputs = []

    def display(self, thing, display_id=False):
        assert display_id is True
        states = [repr(thing)]
        self.outputs.append(states)
        return types.SimpleNamespace(update=lambda thing: states.append(repr(thing)))


@pytest.fixture
def kernel(monkeypatch):
    kernel = Kernel()
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    ipython.display = types.ModuleType("IPython.display")
    ipython.display.display = kernel.display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    put_stdout(monkeypatch, stream)
    kernel.stream = stream
    return kernel


def test_a_notebook_has_one_output_that_ends_like_the_terminal(clock, kernel):
    run(clock, epochs=2, validate=False)
    assert len(kernel.outputs) == 1
    assert kernel.outputs[0][-1] == f"Epoch 1/2\n{DONE}\nEpoch 2/2\n{DONE}"
    assert kernel.stream.getvalue() == ""


def test_many_fast_epochs_send_few_messages_and_keep_the_latest_lines(clock, kernel):
    run(clock, epochs=1000, steps=10, seconds_per_step=1e-4, validate=False)
    assert clock.now == pytest.approx(101)
    assert len(kernel.outputs[0]) <= 15
    lines = kernel.outputs[0][-1].splitlines()
    assert len(lines) == 40
    assert lines[-2] == "Epoch 1000/1000"


def test_a_bar_of_ones_own_in_a_notebook_shows_its_last_line(clock, kernel):
    bar = Progbar(3)
    bar.add(3, [("loss", 1.0)])
    assert kernel.outputs[0][-1].startswith("3/3 [==============================] - 0s")


@pytest.mark.parametrize("change", ["no kernel", "redirected"])
def test_ipython_without_a_notebook_is_no_notebook(kernel, monkeypatch, change):
    assert isinstance(pick_display(1), Notebook)
    if change == "no kernel":
        monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: None)
    else:
        put_stdout(monkeypatch, io.StringIO())
    assert isinstance(pick_display(1), Log)


def test_ipython_is_not_imported_to_find_out(monkeypatch, log):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not displays._in_notebook()
    assert "IPython" not in sys.modules


# As keras.utils.Progbar, in a loop of one's own.


def test_values_are_means_over_the_loop_except_stateful_ones(clock, log):
    bar = Progbar(4, stateful_metrics=["last"], unit_name="row")
    bar.add(1, [("loss", 4.0), ("last", 4.0)])
    bar.add(3, [("loss", 0.0), ("last", 0.5)])
    assert log.getvalue().endswith("] - 0s 0us/row - loss: 1.0000 - last: 0.5000\n")


def test_an_interval_of_ones_own(clock, screen):
    bar = Progbar(10, interval=2.0)
    for step in range(1, 10):
        clock.now += 1
        bar.update(step)
    assert screen.redraws == 4


def test_an_update_that_is_not_due_is_cheap():
    import timeit

    callbacks = CallbackList(add_progbar=True, epochs=1, steps=10**9, verbose=1)
    callbacks.callbacks[0]._display = Log(None, interval=1e9)
    callbacks.on_epoch_begin(0)
    logs = {"loss": 1.0, "accuracy": 0.5}
    best = min(timeit.repeat(lambda: callbacks.on_train_batch_end(1, logs), number=2000, repeat=20)) / 2000
    assert best < 2e-6  # 0.2 on an idle machine
