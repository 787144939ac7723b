"""Recipes that are interrupted and go on from their file."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.embeddings import train_glove, train_word2vec
from minigrad.embeddings.training import Checkpoint
from minigrad.errors import CorruptFile, WeightsError
from minigrad.saving import safetensors
from planted_topics import topic_lines

LINES = topic_lines(60)
RECIPES = {
    "skip-gram": (train_word2vec, {"sample": 1e-2}),
    "cbow": (train_word2vec, {"cbow": True}),
    "glove": (train_glove, {}),
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_interrupted_and_resumed_equals_uninterrupted(recipe, tmp_path, monkeypatch):
    train, options = RECIPES[recipe]
    options = options | {"width": 6, "epochs": 4, "verbose": 0}
    expected = train(LINES, **options)
    path, save = tmp_path / "run.safetensors", Checkpoint.save

    def interrupt(self: Checkpoint, model: object, epochs: int) -> None:
        save(self, model, epochs)
        if epochs == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(LINES, checkpoint=path, **options)
    resumed = train(LINES, checkpoint=path, **options)
    np.testing.assert_array_equal(resumed.matrix, expected.matrix)
    finished = train(LINES, checkpoint=path, **options)  # there is nothing left to do
    np.testing.assert_array_equal(finished.matrix, expected.matrix)


def test_a_checkpoint_of_other_settings_is_refused_and_kept(tmp_path):
    path = tmp_path / "run.safetensors"
    train_word2vec(LINES, width=6, epochs=1, checkpoint=path, verbose=0)
    before = path.read_bytes()
    with pytest.raises(WeightsError, match=r"made with epochs=1, and this run has epochs=2\. Give it the same"):
        train_word2vec(LINES, width=6, epochs=2, checkpoint=path, verbose=0)
    with pytest.raises(WeightsError, match="made with another text"):
        train_word2vec(LINES[1:], width=6, epochs=1, checkpoint=path, verbose=0)
    with pytest.raises(WeightsError, match="made with "):
        train_glove(LINES, width=6, epochs=1, checkpoint=path, verbose=0)
    assert path.read_bytes() == before


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    safetensors.save({"a": np.zeros(3, np.float32)}, path)
    with pytest.raises(WeightsError, match=r"other\.safetensors is no checkpoint of a recipe"):
        train_word2vec(LINES, width=6, checkpoint=path, verbose=0)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(CorruptFile):
        train_word2vec(LINES, width=6, checkpoint=path, verbose=0)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    train_word2vec(LINES, width=6, epochs=1, checkpoint=path, verbose=0)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match="SHA-256"):
        train_word2vec(LINES, width=6, epochs=1, checkpoint=path, verbose=0)
