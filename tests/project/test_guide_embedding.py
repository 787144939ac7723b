"""The guide to embeddings: its code prints what it says, and makes its pictures."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import minigrad
from minigrad.layers import Embedding, EmbeddingBag
from minigrad.layers.layer import signature_of
from reading import printed_by

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "embedding.md"
TEXT = PAGE.read_text(encoding="utf-8")
PICTURES = re.findall(r"!\[[^]]*\]\(([^)]+)\)", TEXT)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """(what each block of Python prints, the folder with its pictures)."""
    folder = tmp_path_factory.mktemp("reader")
    return printed_by(PAGE, folder), folder


def test_each_block_prints_what_stands_under_it(ran):
    under = re.findall(r"^```python\n.*?^```$(?:\n\n```\n(.*?)^```$)?", TEXT, re.MULTILINE | re.DOTALL)
    assert len(under) > 8
    assert under == ran[0]


def test_the_pictures_are_those_that_the_code_makes(ran):
    """After a change that is meant: `python docs/pictures.py embedding.md`, and look at them."""
    assert sorted(PICTURES) == sorted(path.name for path in ran[1].iterdir())
    for name in PICTURES:
        made, kept = ((folder / name).read_text(encoding="utf-8") for folder in (ran[1], DOCS))
        words = [re.findall(r"[A-Za-z]+", "".join(ET.fromstring(svg).itertext())) for svg in (made, kept)]
        assert words[0] == words[1]  # not number by number: another BLAS may round a trained table in its own way


def test_every_argument_and_name_of_the_layer_is_in_the_table():
    rows = "".join(line for line in TEXT.splitlines() if line.startswith("| `"))
    named = set(re.findall(r"`(\w+)`", rows))
    assert set(signature_of(Embedding.__init__)) - {"self", "kwargs", "activity_regularizer"} <= named
    for name in re.findall(r"layer\.(\w+)\(", TEXT) + re.findall(r"Embedding\.(\w+)\(", TEXT):
        assert hasattr(Embedding, name)
    assert issubclass(EmbeddingBag, Embedding)
    assert hasattr(minigrad.Model, "explain")
