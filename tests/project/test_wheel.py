"""The wheel: pure Python, small, and with all that the package needs at run time."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest

from project_tree import PACKAGE, ROOT

pytestmark = pytest.mark.slow  # builds in an environment of its own, from the package index


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    words = [
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--wheel-dir",
        folder,
        ROOT,
    ]
    subprocess.run([sys.executable, *words], check=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def members(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_is_pure_python(wheel, members):
    assert wheel.name.startswith("minigrad_functional-")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert not [member for member in members if member.endswith((".so", ".pyd", ".dll", ".dylib", ".pyc"))]


def test_the_wheel_is_smaller_than_650_kB(wheel):
    assert wheel.stat().st_size < 650_000


def test_the_wheel_holds_the_package_and_nothing_else(members):
    package = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"minigrad/py.typed", "minigrad/tour/data/weather.npz"} <= package
    assert {member for member in members if ".dist-info/" not in member} == package


def test_the_wheel_carries_the_licence(members):
    assert any(member.endswith("/LICENSE") for member in members)
