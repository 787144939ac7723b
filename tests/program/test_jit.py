"""Loops that Numba compiles: what they are kept under, and what happens when that cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from minigrad.program import jit

numba = pytest.importorskip("numba")

SCALE = """
def scale(x, factor):
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] *= factor
"""
PROCESS = """
import sys, time
import numpy as np
from minigrad.program import jit
assert "numba" not in sys.modules
x = np.ones((2, 3), np.float32)
scale = jit.compiled(sys.argv[1], "scale")
scale(x, np.float32(2))
assert x.tolist() == [[2, 2, 2]] * 2
print(sum(scale.stats.cache_hits.values()), sum(scale.stats.cache_misses.values()))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A new folder for kernels."""
    monkeypatch.setenv("MINIGRAD_CACHE_DIR", str(tmp_path))
    jit.compiled.cache_clear()
    jit.warn_once.cache_clear()
    yield tmp_path / "kernels"
    jit.compiled.cache_clear()


def in_a_process() -> tuple[int, int]:
    """(how often machine code was found, how often it was made), in a process that runs one loop."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", PROCESS, SCALE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    hits, misses = map(int, done.stdout.split())
    return hits, misses


def scaled() -> list:
    x = np.arange(6.0).reshape(2, 3)
    jit.compiled(SCALE, "scale")(x, 2.0)
    return x.tolist()


DOUBLED = [[0, 2, 4], [6, 8, 10]]


def test_it_runs_for_all_dtypes_and_layouts_that_come(folder):
    for x in (np.ones((2, 3)), np.ones((2, 3), np.float32), np.ones((4, 6), np.float32)[::2, ::-2], np.ones((3, 2)).T):
        jit.compiled(SCALE, "scale")(x, x.dtype.type(3))
        assert x.tolist() == [[3, 3, 3]] * 2


@pytest.mark.slow
def test_the_next_process_finds_what_the_first_one_compiled(folder):
    assert in_a_process() == (0, 1)
    assert in_a_process() == (1, 0)


@pytest.mark.slow
def test_two_processes_at_once(folder):
    run = [sys.executable, "-W", "error", "-c", PROCESS, SCALE]
    both = [subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        _, error = process.communicate()
        assert process.returncode == 0, error
    assert in_a_process() == (1, 0)


def test_nobody_else_may_write_to_the_folder(folder):
    assert scaled() == DOUBLED
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    jit.compiled.cache_clear()
    with pytest.warns(UserWarning, match="other users can write to it.*MINIGRAD_CACHE_DIR"):
        assert scaled() == DOUBLED
    jit.compiled.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert scaled() == DOUBLED  # one warning is enough


def test_a_folder_that_cannot_be_made(tmp_path, folder, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MINIGRAD_CACHE_DIR", str(tmp_path / "file" / "below"))
    with pytest.warns(UserWarning, match="compiled kernels cannot be kept in .*each process compiles them again"):
        assert scaled() == DOUBLED


def test_the_folder_is_the_users_own_unless_another_is_named(monkeypatch):
    monkeypatch.delenv("MINIGRAD_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    if sys.platform == "linux":
        assert jit.folder() == "/somewhere/minigrad/kernels"
    monkeypatch.setenv("MINIGRAD_CACHE_DIR", "/elsewhere")
    assert jit.folder() == os.path.join("/elsewhere", "kernels")


def test_one_text_is_compiled_once(folder):
    assert jit.compiled(SCALE, "scale") is jit.compiled(SCALE, "scale")
    assert len(list(folder.glob("*.py"))) == 1


def run_fit(preparation: str, jit_compile: object = "auto") -> subprocess.CompletedProcess:
    """A small model trained in a process of its own, after some preparation."""
    code = f"""
import sys
{preparation}
import numpy as np, minigrad as mg
model = mg.Sequential([mg.Input((2,)), mg.layers.Dense(3, activation="relu"), mg.layers.Dense(1)])
model.compile("adam", "mse", jit_compile={jit_compile!r})
model.fit(np.ones((8, 2), np.float32), np.ones((8, 1), np.float32), epochs=2, verbose=0)
print("def add_relu" in model.program("train", 8).source, "numba" in sys.modules)
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_without_numba_programs_are_plain(folder):
    done = run_fit("sys.modules['numba'] = None")
    assert (done.stdout.split()[0], done.stderr) == ("False", "")


def test_numba_is_not_imported_where_it_is_not_wanted(folder):
    done = run_fit("", jit_compile=False)
    assert (done.stdout.split(), done.stderr) == (["False", "False"], "")


BROKEN = """
import os, tempfile
folder = tempfile.mkdtemp()
with open(os.path.join(folder, "numba.py"), "w") as file:
    file.write("raise ImportError('too new')")
sys.path.insert(0, folder)
"""


def test_a_numba_that_cannot_be_imported_is_told_once_and_done_without(folder):
    done = run_fit(BROKEN)
    assert done.stdout.split()[0] == "False"
    assert done.stderr.count("programs run as plain NumPy, without compiled loops, for Numba cannot be imported") == 1
    assert "too new" in done.stderr


def test_a_numba_that_cannot_be_imported_is_an_error_where_it_is_wanted(folder):
    done = run_fit(BROKEN, jit_compile=True)
    assert done.returncode != 0
    assert "ImportError: too new" in done.stderr


@pytest.mark.slow
def test_with_numba_programs_are_fused(folder):
    done = run_fit("")
    assert (done.stdout.split(), done.stderr) == (["True", "True"], "")
