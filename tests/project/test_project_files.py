"""What must hold for every file of the project."""

from __future__ import annotations

import tomllib

import pytest

from project_tree import PACKAGE, ROOT, files

FILES = list(files())

# Put together here, so that this file does not hold what it forbids.
FORBIDDEN = {
    " ".join(["pip", "install", "minigrad"]): "on the public index, that name is a stranger's project",
    "/" + "work" + "/": "a path of one machine",
}


def name(path):
    return path.relative_to(ROOT).as_posix()


def text(path):
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8")


@pytest.mark.parametrize("needle", FORBIDDEN)
def test_no_file_holds_a_forbidden_text(needle):
    found = [name(path) for path in FILES if needle in " ".join(text(path).lower().split(" "))]
    assert found == [], FORBIDDEN[needle]


def test_the_files_are_seen():
    names = {name(path) for path in FILES}
    assert {
        "run",
        ".ci/run",
        "pyproject.toml",
        "README.md",
        "minigrad/__init__.py",
        "tests/conftest.py",
    } <= names
    assert not any(part.startswith(".venv") or part == "__pycache__" for n in names for part in n.split("/"))


def test_no_python_file_is_longer_than_600_lines():
    assert {name(p): n for p in FILES if p.suffix == ".py" and (n := text(p).count("\n")) > 600} == {}


def test_files_of_tests_have_names_of_their_own():
    """pytest imports them by their bare names."""
    names = [
        path.name for path in FILES if "tests" in path.parts and path.suffix == ".py" and path.name != "conftest.py"
    ]
    assert {n for n in names if names.count(n) > 1} == set()


def test_every_module_says_first_what_it_is():
    silent = [name(p) for p in PACKAGE.rglob("*.py") if not text(p).lstrip().startswith(('"""', 'r"""'))]
    assert silent == []


def test_plain_installation_needs_numpy_and_graphviz_only():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {need.partition(">")[0] for need in project["dependencies"]} == {"numpy", "graphviz"}
    assert project["requires-python"] == ">=3.11"
    assert project["name"] == "minigrad-functional"
