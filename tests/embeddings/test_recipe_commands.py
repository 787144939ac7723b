"""`python -m minigrad word2vec` and `python -m minigrad glove`."""

from __future__ import annotations

import pytest

from minigrad import embeddings
from minigrad.__main__ import main
from minigrad.embeddings.training import Checkpoint
from planted_topics import share_of_kin, topic_lines


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "topics.txt"
    path.write_text("\n".join(topic_lines(200)), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("ending", [".txt", ".npy"])
@pytest.mark.parametrize(
    "words", [["word2vec", "--sample", "0"], ["word2vec", "--sample", "0", "--cbow"], ["glove", "--epochs", "40"]]
)
def test_a_text_becomes_a_file_of_vectors(words, ending, text, tmp_path, capsys):
    out = tmp_path / f"vectors{ending}"
    assert main([*words, text, "--width", "12", "--learning-rate", "0.05", "--verbose", "2", "--out", str(out)]) == 0
    assert f"wrote {out}: 48 words, width 12" in capsys.readouterr().out
    vectors = embeddings.load(out, progress=False)
    assert len(vectors) == 48
    assert share_of_kin(vectors) > 0.9


def test_quiet_and_with_a_checkpoint(text, tmp_path, capsys):
    out, checkpoint = tmp_path / "vectors.vec", tmp_path / "run.safetensors"
    words = ["word2vec", text, "--epochs", "1", "--verbose", "0", "--out", str(out), "--checkpoint", str(checkpoint)]
    assert main(words) == 0
    assert capsys.readouterr().out == ""
    assert checkpoint.exists()
    assert main(words) == 0
    assert main([*words, "--window", "2"]) == 2
    assert "made with window=5, and this run has window=2" in capsys.readouterr().err


def test_the_help_tells_the_defaults(capsys):
    for command, told in {"word2vec": "default: 0.025, for CBOW 0.075", "glove": "default: 100.0"}.items():
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert told in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere.txt"], "No such file or directory: 'nowhere.txt'"),
        (["{text}", "--width", "0"], "width is a whole number from 1, got 0"),
        (["{text}", "--min-count", "1000000"], "no word is there at least min_count=1000000 times"),
        (["{text}", "--out", "vectors.doc"], "vectors.doc must end in .txt"),
        (["{text}", "--out", "no/such/folder/vectors.txt"], "No such file or directory"),
    ],
)
@pytest.mark.parametrize("command", ["word2vec", "glove"])
def test_what_cannot_be_done_is_told_without_a_traceback(command, words, message, text, capsys):
    assert main([command, *(word.format(text=text) for word in words), "--verbose", "0"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"minigrad {command}: ")
    assert message in told


def test_a_text_that_is_not_utf8(tmp_path, capsys):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"caf\xe9 au lait\n")
    assert main(["glove", str(path)]) == 2
    assert "latin.txt, line 1: the byte 0xe9 is no UTF-8" in capsys.readouterr().err


def test_a_misspelt_option_is_refused(text, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["word2vec", text, "--widht", "5"])
    assert stop.value.code == 2
    assert "--widht" in capsys.readouterr().err


def test_an_interrupted_command_says_how_it_goes_on(text, tmp_path, monkeypatch, capsys):
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", interrupt)
    out, run = str(tmp_path / "vectors.txt"), str(tmp_path / "run.safetensors")
    assert main(["word2vec", text, "--verbose", "0", "--out", out, "--checkpoint", run]) == 130
    assert f"interrupted; the same command goes on from {run}" in capsys.readouterr().err
