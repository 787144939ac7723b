"""The files that word vectors are judged by: pairs with scores, and analogies."""

from __future__ import annotations

import pytest

from minigrad.errors import CorruptFile
from minigrad.saving.word_tests import read_analogies, read_similarities


@pytest.mark.parametrize("content", [
    b"love\tsex\t6.77\nCD\tstock\t1\n",
    b"love,sex,6.77\nCD,stock,1\n",
    b"love sex  6.77\nCD stock 1",
    b"\xef\xbb\xbf# The collection\n# Word 1\tWord 2\tHuman\n\nlove\tsex\t6.77\t9\r\nCD\tstock\t1.0e0\r\n",
    b"Word 1,Word 2,Human (mean)\nlove, sex, 6.77\nCD,stock,1\n",
])  # fmt: skip
def test_pairs_are_read_in_the_ways_they_are_written(tmp_path, content):
    path = tmp_path / "pairs"
    path.write_bytes(content)
    assert read_similarities(path) == [("love", "sex", 6.77), ("CD", "stock", 1.0)]


@pytest.mark.parametrize(("content", "what"), [
    (b"a\tb\t1\na\tb\n", "line 2: expected two words and a number, got 'a"),
    (b"a\tb\t1\n\n#\na\tb\tx\n", "line 4"),
    (b"a\tb\tx\na\tb\ty\n", "line 2"),
    (b"a\tb\t1\na\tb\tnan\n", "line 2"),
    (b"a\tb\t1\na\tb\t1e999\n", "line 2"),
    (b"a\tb\t1\na\tb\t1_0\n", "line 2"),
    (b"a\tb\t1\n\tb\t1\n", "line 2"),
    (b"a\tb\t1\na,b,2\n", "line 2"),
    (b"a b\n", "line 1"),
    (b"a\tb\t1\n\xff\tb\t1\n", r"line 2: expected text in UTF-8"),
    (b"", "holds no pair"),
    (b"# nothing\n", "holds no pair"),
    (b"a,b,score\n", "holds no pair"),
])  # fmt: skip
def test_a_wrong_line_of_pairs_is_named(tmp_path, content, what):
    path = tmp_path / "pairs"
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match=what):
        read_similarities(path)


def test_analogies_are_read_by_section(tmp_path):
    path = tmp_path / "questions"
    path.write_bytes(b"a b c d\n: capital world\nAthens Greece Oslo Norway\r\n\n: empty\n: capital world\n# 1 2 3\n")
    assert read_analogies(path) == [
        ("", ("a", "b", "c", "d")),
        ("capital world", ("Athens", "Greece", "Oslo", "Norway")),
        ("capital world", ("#", "1", "2", "3")),
    ]


@pytest.mark.parametrize(("content", "what"), [
    (b": s\na b c d\na b c\n", "line 3: expected four words, got 'a b c'"),
    (b": s\na b c d e\n", "line 2"),
    (b": s\na b c \xff\n", "line 2: expected text in UTF-8"),
    (b": s\n", "holds no analogy"),
    (b"", "holds no analogy"),
])  # fmt: skip
def test_a_wrong_line_of_analogies_is_named(tmp_path, content, what):
    path = tmp_path / "questions"
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match=what):
        read_analogies(path)


def test_a_file_too_large_to_be_one_is_not_read(tmp_path):
    path = tmp_path / "questions"
    with open(path, "wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(CorruptFile, match="larger than 64 MB"):
        read_analogies(path)
