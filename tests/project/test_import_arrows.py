"""Imports point one way, from the rooms that users see down to the op table, and never in a circle."""

from __future__ import annotations

from pathlib import Path

import pytest

from project_tree import Import, find_cycle, imports

# For each room, the rooms it may import. `errors` imports nothing of ours; everybody may use it and `config`.
BASE = {"errors", "config"}
TABLE = BASE | {"registry", "core", "ops"}
NAMED = {"initializers", "regularizers", "constraints", "activations"}  # what a layer's arguments name
ROOMS = {
    "errors": set(),
    "config": {"errors"},
    "registry": BASE,
    "random": BASE,
    "core": BASE,
    "ops": BASE | {"core"},
    "program": BASE | {"core", "ops"},
    "initializers": BASE | {"registry", "random"},
    "regularizers": TABLE,
    "constraints": TABLE,
    "activations": TABLE,
    "layers": TABLE | NAMED | {"random"},
    "losses": TABLE,
    "metrics": TABLE | {"losses", "initializers"},
    "optimizers": TABLE,
    "callbacks": TABLE,
    "utils": TABLE | {"random", "callbacks"},
}
ROOMS["preprocessing"] = ROOMS["layers"] | {"layers"}
ROOMS["models"] = set(ROOMS) - {"preprocessing"}  # which knows its layers by what they say of themselves
ROOMS["embeddings"] = set(ROOMS)
# These look at all the others, and nobody looks at them, except late: in a function that draws or saves.
ONLOOKERS = {"visualize", "saving", "tour"}
ROOMS |= {
    "visualize": set(ROOMS),
    "saving": set(ROOMS),
    "tour": set(ROOMS) | {"visualize", "saving", ""},
    "__main__": {"tour", "embeddings", ""},
    "": set(ROOMS),  # minigrad/__init__.py, the public face
}
MAY_DRAW_OR_SAVE = {"", "callbacks", "core", "embeddings", "layers", "models", "program", "utils", "visualize"}


def room(module: str) -> str:
    return (module.split(".") + [""])[1]


def is_allowed(found: Import) -> bool:
    source, target = room(found.source), room(found.target)
    if source == target:
        return True
    if source not in ROOMS:
        pytest.fail(f"room {source!r} is new: say in ROOMS what it may import")
    late_look = found.late and source in MAY_DRAW_OR_SAVE and target in ONLOOKERS - {"tour"}
    as_in_keras = found.late and (source, target) == ("layers", "preprocessing")  # minigrad.layers.StringLookup
    return target in ROOMS[source] or late_look or as_in_keras


def circle(found: list[Import]) -> list[str]:
    graph: dict[str, set[str]] = {}
    for one in found:
        if not one.late:
            graph.setdefault(one.source, set()).add(one.target)
    return find_cycle(graph)


def test_imports_follow_the_arrows():
    assert [str(found) for found in imports() if not is_allowed(found)] == []


def test_no_module_is_imported_in_a_circle():
    assert circle(imports()) == []


def test_the_table_of_rooms_has_no_circle():
    assert find_cycle({name: allowed - {name} for name, allowed in ROOMS.items()}) == []


def planted(folder: Path, **sources: str) -> list[Import]:
    """The imports of a small package `minigrad` whose modules hold these texts."""
    for name, text in {"__init__": "", "errors": "", **sources}.items():
        path = (folder / "minigrad" / name.replace("__in__", "/")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return imports(folder / "minigrad")


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("import minigrad.errors", True),
        ("from .. import errors", True),
        ("from ..errors import ShapeError", True),
        ("from minigrad import models", False),
        ("from ..models import Model", False),
        ("import minigrad.models", False),
        ("from minigrad import Model", False),
        ("from .. import saving", False),
        ("try:\n    from ..models import Model\nexcept ImportError:\n    pass", False),
        ("def late():\n    from ..models import Model", False),
        ("def late():\n    from ..saving import save", True),
        ("def late():\n    from ..tour import main", False),
        ("if TYPE_CHECKING:\n    from ..models import Model", True),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    from ..models import Model", False),
    ],
)
def test_the_check_sees_a_planted_arrow(tmp_path, text, allowed):
    found = planted(tmp_path, core__in__tensor=text, models="", saving="", tour="")
    assert all(is_allowed(one) for one in found) == allowed


def test_the_check_sees_a_planted_circle(tmp_path):
    straight = planted(tmp_path, core__in__a="from .b import x", core__in__b="def f():\n    from .a import y")
    assert circle(straight) == []
    bent = planted(tmp_path, core__in__a="from .b import x", core__in__b="from . import a")
    assert circle(bent) == ["minigrad.core.a", "minigrad.core.b", "minigrad.core.a"]
