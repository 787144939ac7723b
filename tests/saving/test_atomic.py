"""A save is the old file or the new one, whole, whatever happens."""

from __future__ import annotations

import os
import random
import re
import signal
import stat
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from minigrad.saving import atomic, safetensors
from minigrad.saving.atomic import atomic_write

posix = pytest.mark.skipif(os.name != "posix", reason="permissions, links and signals of POSIX")


def write(path, content=b"new"):
    with atomic_write(path) as file:
        file.write(content)


def temporaries(folder):
    return [entry for entry in os.listdir(folder) if entry.startswith(".minigrad-tmp-")]


def test_a_new_file_and_a_replaced_one(tmp_path):
    path = tmp_path / "file"
    write(path, b"old")
    assert path.read_bytes() == b"old"
    write(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


def test_the_old_file_stands_until_the_end(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
        assert len(temporaries(tmp_path)) == 1
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, SystemExit])
def test_after_an_error_all_is_as_it_was(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def failing_save():
        with atomic_write(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        failing_save()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod", "fdopen"])
def test_a_failing_system_call_leaves_the_old_file(tmp_path, monkeypatch, call):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        write(path)
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_the_bytes_reach_the_disk_before_the_name_and_the_name_before_the_end(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(descriptor):
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def recorded_replace(*paths):
        calls.append("rename")
        replace(*paths)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    write(tmp_path / "file")
    assert calls == (["file", "rename", "folder"] if os.name == "posix" else ["file", "rename"])


@posix
def test_new_files_follow_the_umask_and_old_ones_keep_their_mode(tmp_path):
    path = tmp_path / "file"
    before = os.umask(0o027)
    try:
        write(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@posix
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "file", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert temporaries(tmp_path) == []


def test_a_folder_is_no_target_and_a_missing_one_is_named(tmp_path):
    with pytest.raises(IsADirectoryError, match=re.escape(str(tmp_path))):
        write(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no such folder to save into.*nowhere"):
        write(tmp_path / "nowhere" / "file")
    assert os.listdir(tmp_path) == []


@posix
def test_a_device_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        write(tmp_path / "pipe")


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_write_protection_is_respected(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="write-protected"):
        write(path)
    path.chmod(0o644)
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError):
        write(path)
    tmp_path.chmod(0o755)
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("name", ["x" * 255, "ünïcode", " ", "-rf", "%s", "a\nb"])
def test_unusual_names(tmp_path, name):
    write(tmp_path / name)
    assert os.listdir(tmp_path) == [name]


@posix
def test_a_name_in_bytes_that_are_no_text(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff\xfe"
    write(path)
    assert os.listdir(os.fsencode(tmp_path)) == [b"\xff\xfe"]


def test_a_name_without_a_folder_is_one_of_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("file")
    assert (tmp_path / "file").read_bytes() == b"new"


@posix
def test_orphans_of_the_dead_are_swept_and_nothing_else(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    other_machine = "0" * 8 if atomic._machine() != "0" * 8 else "1" * 8
    dead = f".minigrad-tmp-{child.pid}-{atomic._machine()}-01234567"
    others = [
        f".minigrad-tmp-{os.getpid()}-{atomic._machine()}-01234567",  # in work
        f".minigrad-tmp-{child.pid}-{other_machine}-01234567",  # of another machine
        f".minigrad-tmp-{child.pid}-notes.txt",  # of somebody else
    ]
    for name in (dead, *others):
        (tmp_path / name).write_bytes(b"")
    write(tmp_path / "file")
    assert sorted(os.listdir(tmp_path)) == sorted([*others, "file"])


def test_writers_at_once_never_mix(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([number]) * 20_000 for number in range(4)]
    write(path, contents[0])
    seen = set()

    def writer(content):
        for _ in range(10):
            write(path, content)

    threads = [threading.Thread(target=writer, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.add(path.read_bytes())
    for thread in threads:
        thread.join()
    assert seen <= set(contents)
    assert os.listdir(tmp_path) == ["file"]


SAVER = """
import sys
import numpy as np
from minigrad.saving import safetensors
while True:
    for value in (1.0, 2.0):
        safetensors.save({"x": np.full(500_000, value)}, sys.argv[1])
        print("saved", flush=True)
"""


@posix
@pytest.mark.slow
def test_a_kill_during_a_save_leaves_one_whole_file(tmp_path):
    path = tmp_path / "weights.safetensors"
    for trial in range(25):
        child = subprocess.Popen([sys.executable, "-c", SAVER, str(path)], stdout=subprocess.PIPE)
        try:
            assert child.stdout.readline() == b"saved\n"
            time.sleep(random.Random(trial).uniform(0, 0.1))
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
            child.stdout.close()
        loaded = safetensors.load(path)["x"]
        assert loaded.shape == (500_000,)
        assert loaded[0] in (1.0, 2.0)
        assert (loaded == loaded[0]).all()
    safetensors.save({"x": np.zeros(1)}, path)
    assert os.listdir(tmp_path) == [path.name]
