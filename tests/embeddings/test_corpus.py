"""Text as ids: words, vocabulary, lines, pieces of long lines, and what is no text."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.embeddings import Corpus, corpus
from minigrad.errors import CorruptFile

WORDS = st.sampled_from("a bb ccc é ñandú 東京 x".split())
LINES = st.lists(st.lists(WORDS, max_size=6).map(" ".join), min_size=1, max_size=8)


def read_back(read: Corpus, size: int = 1 << 18) -> list[list[str]]:
    """The words of each line of a corpus, empty lines left out."""
    lines: list[list[str]] = [[]]
    for ids in read.blocks(size):
        for i in ids:
            if i < 0:
                lines.append([])
            else:
                lines[-1].append(read.words[i])
    return [line for line in lines if line]


def test_a_word_is_a_run_of_letters_in_lower_case():
    text = "Dr. O'Neill's café -- 25% of \u00c9COLE_42b\tend"
    assert corpus.tokenize(text) == ["dr", "o", "neill", "s", "café", "of", "école", "b", "end"]


def test_frequent_words_come_first_and_rare_ones_are_left_out():
    with Corpus(["b a b", "c b a", "d"], min_count=2) as read:
        assert read.words == ["b", "a"]
        assert read.counts.tolist() == [3, 2]
        assert len(read), read.read == (5, 7)
        assert read_back(read) == [["b", "a", "b"], ["b", "a"]]


@given(lines=LINES, min_count=st.integers(1, 3), size=st.integers(1, 9))
def test_blocks_hold_all_that_is_frequent_in_order_and_line_by_line(lines, min_count, size):
    counts = Counter(word for line in lines for word in line.split())
    frequent = {word for word, n in counts.items() if n >= min_count}
    if len(frequent) < 2:
        with pytest.raises(ValueError, match=r"a vocabulary takes two|has no words"):
            Corpus(lines, min_count)
        return
    with Corpus(lines, min_count) as read:
        kept = [[word for word in line.split() if word in frequent] for line in lines]
        assert read_back(read, size) == [line for line in kept if line]
        assert dict(zip(read.words, read.counts.tolist())) == {word: counts[word] for word in frequent}
        assert sorted(read.counts, reverse=True) == read.counts.tolist()


@given(lines=LINES)
def test_a_file_reads_as_its_lines_do_in_pieces_of_any_size(lines, tmp_path_factory):
    lines = [*lines, "ccc bb"]
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n".join(lines), encoding="utf-8", newline="\n")
    with Corpus(lines, min_count=1) as expected, pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "PIECE", 30)  # longer than any word, shorter than many lines
        with Corpus(path, min_count=1) as read:
            assert read.words == expected.words
            assert read_back(read) == read_back(expected)


def test_a_line_without_spaces_is_cut_between_characters(tmp_path, monkeypatch):
    path = tmp_path / "text.txt"
    path.write_bytes(("東京" * 50 + " b").encode())
    monkeypatch.setattr(corpus, "PIECE", 16)
    with Corpus(path, min_count=1) as read:
        assert "".join(word for line in read_back(read) for word in line) == "東京" * 50 + "b"


def test_progress_tells_the_bytes_read(tmp_path):
    path, told = tmp_path / "text.txt", []
    path.write_text("one two\nthree\n", encoding="utf-8")
    Corpus(path, min_count=1, progress=told.append).close()
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


def test_ids_are_small_integers():
    with Corpus(["a b"], min_count=1) as read:
        assert next(read.blocks()).dtype == np.int32
        assert repr(read) == "<Corpus: 2 words, 2 different ones>"


def test_broken_utf8_is_told_with_its_line(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"fine\nalso fine\ncaf\xe9 here\n")
    with pytest.raises(CorruptFile, match=r"latin\.txt, line 3: the byte 0xe9 is no UTF-8"):
        Corpus(path, min_count=1)


@pytest.mark.parametrize(
    ("lines", "min_count", "message"),
    [
        ([], 1, "has no words in it: it is empty, or without letters"),
        (["", " 1234 ... "], 1, "has no words in it"),
        (["one one", "one"], 1, "3 words, 1 different ones, but a single word is there at least min_count=1 times"),
        (["a b c"], 5, "no word is there at least min_count=5 times"),
        (["a b"], 0, "min_count is a whole number from 1, got 0"),
    ],
)
def test_a_text_without_a_vocabulary_is_refused(lines, min_count, message):
    with pytest.raises(ValueError, match=message):
        Corpus(lines, min_count)


def test_a_missing_file_and_lines_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.txt"):
        Corpus(tmp_path / "nowhere.txt")
    with pytest.raises(TypeError, match="line 2 is a list"):
        Corpus(["a", ["b"]])
