"""The command line, and the tour it runs."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from minigrad.__main__ import main
from minigrad.saving import safetensors
from minigrad.tour import run

FILES = {
    "gradient.svg", "index.html", "model.svg", "months.svg", "program.svg", "step.html", "training.svg",
    "weights.safetensors",
}  # fmt: skip


def test_a_short_tour_leaves_its_files_and_tells_of_them(tmp_path, capsys):
    status = main(["tour", "--epochs", "1", "--out", str(tmp_path / "new" / "out")])
    assert status in (0, 1)  # one epoch may be too little
    assert {path.name for path in (tmp_path / "new" / "out").iterdir()} == FILES
    printed = capsys.readouterr().out
    assert "month_embedding (Embedding)" in printed
    assert "held-out R2: " in printed
    assert printed.count("wrote ") == len(FILES)
    assert "\x1b" not in printed
    weights = safetensors.load(tmp_path / "new" / "out" / "weights.safetensors")
    assert weights["month_embedding/embeddings"].shape[0] == 12
    page = (tmp_path / "new" / "out" / "index.html").read_text()
    assert page.count("<svg") == 4
    assert page.count('href="step.html"') == page.count('href="program.svg"') == 1


def test_the_same_seed_gives_the_same_weights(tmp_path):
    found = []
    for seed in (1, 1, 2):
        run("weather", str(tmp_path), epochs=1, seed=seed)
        found.append(safetensors.load(tmp_path / "weights.safetensors"))
    one, again, other = found
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the following arguments are required: command"),
        (["tuor"], "invalid choice: 'tuor' (choose from"),
        (["tour", "--data", "wether"], "invalid choice: 'wether' (choose from"),
        (["tour", "--epochs", "0"], "argument --epochs: invalid positive value: '0'"),
        (["tour", "--epochs", "many"], "argument --epochs: invalid positive value: 'many'"),
    ],
)
def test_what_the_command_line_does_not_know(words, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_told_without_a_traceback(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert main(["tour", "--epochs", "1", "--out", str(tmp_path / "file")]) == 2
    assert "minigrad tour: " in capsys.readouterr().err


def test_as_a_program():
    done = subprocess.run([sys.executable, "-m", "minigrad", "tour", "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "--data {weather,flights}" in done.stdout


@pytest.mark.slow
def test_the_whole_tour_is_as_good_as_the_table_of_means(tmp_path):
    assert run("weather", str(tmp_path)) == 0
