"""Files of word vectors, written here byte by byte: each format read, each kind of damage found, round trips."""

from __future__ import annotations

import gzip
import re
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.errors import CorruptFile, DTypeError, MinigradError, ShapeError, UnknownName, UnsafeFile
from minigrad.saving import safetensors, vector_source
from minigrad.saving.vectors import FORMATS, load, save

WORDS = ["the", "über", "."]
MATRIX = np.array([[0.5, -1.25], [3, 1e-3], [-0.0, 2e10]], np.float32)
ROWS = "the 0.5 -1.25\nüber 3 1e-3\n. -0 2E+10\n".encode()
PACKED = [struct.pack("<2f", *row) for row in MATRIX.tolist()]
CONTENT = {
    "glove": ROWS,
    "word2vec": b"3 2\n" + ROWS,
    "fasttext": b"3 2\n" + ROWS.replace(b"\n", b" \n"),  # as fastText ends its lines
    "word2vec-binary": b"3 2\n" + b"".join(w.encode() + b" " + row + b"\n" for w, row in zip(WORDS, PACKED)),
}


@pytest.fixture
def file(tmp_path):
    """Write a file of this content, and say where."""

    def write(content: bytes, name: str = "vectors"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


def assert_whole(read):
    words, matrix = read
    assert words == WORDS
    assert matrix.dtype == np.float32
    assert matrix.tobytes() == MATRIX.tobytes()


# --- what is right ---


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", CONTENT)
def test_each_format_is_read_named_or_guessed_plain_or_packed(file, name, packed):
    path = file(gzip.compress(CONTENT[name]) if packed else CONTENT[name])
    assert_whole(load(path))
    assert_whole(load(path, name))


@pytest.mark.parametrize("change", [
    lambda text: text.replace(b"\n", b"\r\n"),
    lambda text: text.replace(b" ", b"\t"),
    lambda text: text[:-1],
    lambda text: text + b"\n\n",
    lambda text: text.replace(b"\n", b"\n\n", 2),
    lambda text: b"\xef\xbb\xbf" + text,
    lambda text: text.replace(b" ", b"  "),
])  # fmt: skip
@pytest.mark.parametrize("name", ["glove", "word2vec", "fasttext"])
def test_text_may_come_from_other_editors(file, name, change):
    assert_whole(load(file(change(CONTENT[name])), name))


def test_binary_vectors_may_follow_each_other_without_line_ends(file):
    content = b"3 2\n" + b"".join(word.encode() + b" " + row for word, row in zip(WORDS, PACKED))
    assert_whole(load(file(content)))


def test_a_binary_file_with_no_odd_byte_is_known_by_its_name(file):
    content = b"1 1\nto " + b"abcd"
    words, matrix = load(file(content, "v.bin"))
    assert (words, matrix.tobytes()) == (["to"], b"abcd")


def test_a_brace_in_a_text_does_not_make_it_another_format(file):
    assert load(file(b"a 1 2\n\xc2\xa9{ 3 4\n"))[0] == ["a", "©{"]
    assert load(file(b"ab 1.25\n{ 3\n"))[0] == ["ab", "{"]


def test_words_with_blanks_inside_are_words(file):
    words, matrix = load(file(b"the 1 2\n. . . 3 4\nat name@domain.com 5 6\n\xc2\xa0 7 8\n"))
    assert words == ["the", ". . .", "at name@domain.com", "\u00a0"]
    assert matrix.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]


@pytest.mark.parametrize("name", CONTENT)
@pytest.mark.parametrize(("limit", "kept"), [(1, 1), (2, 2), (3, 3), (4, 3), (np.int64(2), 2)])
def test_a_limit_keeps_the_first_words(file, name, limit, kept):
    words, matrix = load(file(CONTENT[name]), name, limit=limit)
    assert words == WORDS[:kept]
    assert matrix.tobytes() == MATRIX[:kept].tobytes()


def test_beyond_the_limit_nothing_is_looked_at(file):
    assert load(file(b"a 1 2\nb 3 4\nc x y z\n"), limit=2)[0] == ["a", "b"]
    assert load(file(b"3 1\na 1\nb 2\n\xff\n"), limit=2)[0] == ["a", "b"]


@pytest.mark.parametrize("name", ["glove", "word2vec", "word2vec-binary"])
def test_files_of_many_chunks_are_read_as_they_are(file, monkeypatch, name):
    monkeypatch.setattr(vector_source, "CHUNK", 7)
    assert_whole(load(file(CONTENT[name]), name))
    assert_whole(load(file(gzip.compress(CONTENT[name])), name))


def test_a_matrix_stays_in_its_file(file, tmp_path):
    np.save(tmp_path / "v.npy", MATRIX)
    file("the\nüber\n.\n".encode(), "v.words.txt")
    words, matrix = load(tmp_path / "v.npy")
    assert_whole((words, matrix))
    assert isinstance(matrix, np.memmap)
    assert load(tmp_path / "v.npy", limit=2)[0] == WORDS[:2]
    assert_whole(load(tmp_path / "v.npy", words=WORDS))
    assert_whole(load(tmp_path / "v.npy", words=file("the\r\nüber\r\n.".encode(), "list")))


@pytest.mark.parametrize("dtype", [">f4", "f8", ">f8"])
def test_a_matrix_of_other_floats_is_converted(tmp_path, dtype):
    np.save(tmp_path / "v.npy", MATRIX.astype(dtype))
    assert_whole(load(tmp_path / "v.npy", words=WORDS))


def test_a_safetensors_file_has_its_words_inside_or_beside(tmp_path, file):
    path, text = tmp_path / "v.safetensors", "the\nüber\n."
    safetensors.save({"any": MATRIX, "words": np.frombuffer(text.encode(), np.uint8)}, path)
    assert_whole(load(path))
    safetensors.save({"any": MATRIX}, path, {"words": text})
    assert_whole(load(path))
    safetensors.save({"any": MATRIX}, path)
    assert_whole(load(path, words=WORDS))
    file(text.encode(), "v.words.txt")
    assert_whole(load(path))
    assert not load(path)[1].flags.owndata


@pytest.mark.parametrize("name", ["glove", "word2vec-binary", "npy"])
def test_large_files_show_a_bar(tmp_path, monkeypatch, capsys, file, name):
    monkeypatch.setattr(vector_source, "CHUNK", 9)
    path = file(CONTENT.get(name, b""))
    words = None
    if name == "npy":
        np.save(path.with_suffix(".npy"), MATRIX)
        path, words = path.with_suffix(".npy"), WORDS
    load(path, name, words=words)
    assert re.search(r"0/0 \[=+\] - 0s .*/kB\n$", capsys.readouterr().out)
    load(path, name, words=words, progress=False)
    assert capsys.readouterr().out == ""


# --- what came twice ---


@pytest.mark.parametrize(("name", "content", "places"), [
    ("glove", b"a 1\nb 2\na 3\n\nb 4\na 5\n", "'a' (line 3), 'b' (line 5), 'a' (line 6)"),
    ("word2vec", b"5 1\na 1\nb 2\na 3\n\nb 4\na 5\n", "'a' (line 4), 'b' (line 6), 'a' (line 7)"),
    ("word2vec-binary", b"5 1\n" + b"".join(w + b" " + struct.pack("<f", x)
        for w, x in zip([b"a", b"b", b"a", b"b", b"a"], [1, 2, 3, 4, 5])),
        "'a' (word 3), 'b' (word 4), 'a' (word 5)"),
])  # fmt: skip
def test_the_first_of_a_repeated_word_is_kept_and_it_is_said_once(file, name, content, places):
    with pytest.warns(UserWarning, match="left out") as said:
        words, matrix = load(file(content), name)
    assert (words, matrix.tolist()) == (["a", "b"], [[1], [2]])
    assert len(said) == 1
    assert "3 vectors were left out" in str(said[0].message)
    assert places in str(said[0].message)


def test_repeated_words_of_a_matrix_are_said_too(tmp_path):
    np.save(tmp_path / "v.npy", np.arange(8, dtype=np.float32).reshape(4, 2))
    with pytest.warns(UserWarning, match=r"v\.npy: 2 vectors were left out.*'a' \(row 1\), 'a' \(row 3\)"):
        words, matrix = load(tmp_path / "v.npy", words=["a", "a", "b", "a"])
    assert (words, matrix.tolist()) == (["a", "b"], [[0, 1], [4, 5]])


# --- what is wrong ---

WRONG_TEXT = {
    b"": "line 1: expected a word and its vector, got ''",
    b"\n\n": "line 1: expected a word and its vector",
    b"the\n": "line 1: expected a word and its vector, got 'the'",
    b"the 1 x\n": "line 1: expected a word and its vector, got 'the 1 x'",
    b"a 1 2\nb 3\n": "line 2: 1 numbers, expected a word and 2, in 'b 3'",
    b"a 1 2\nb 3 4 5\n": "line 2: more than 2 numbers, in 'b 3 4 5'",
    b"a 1 2\nb 3 4 5\nc 6\n": "line 2: more than 2 numbers",  # five numbers too, all in all
    b"a 1 2\n\nb 3 4,5\n": "line 3: number 2 of the vector is '4,5'",
    b"a 1 2\nb 3 1_000\n": "line 2: number 2 of the vector is '1_000'",
    b"a 1 2\nb nan 4\n": "line 2: number 1 of the vector is 'nan', not a finite float32",
    b"a 1 2\nb 3 -inf\n": "line 2: number 2 of the vector is '-inf', not a finite float32",
    b"a 1 2\nb 3 1e39\n": "line 2: number 2 of the vector is '1e39', not a finite float32",
    b"a 1 2\nb\xff 3 4\n": r"line 2: the word 'b\xff' is not UTF-8 (invalid start byte, its byte 2)",
    b"a 1 2\nb 3 \xff\n": r"line 2: number 2 of the vector is '\xff'",
    b"a 1 2\n \n": "line 2: 0 numbers",
    b"a 1 2\n 1 2\n": "line 2: 1 numbers",
}  # fmt: skip


@pytest.mark.parametrize(("content", "what"), WRONG_TEXT.items())
def test_a_malformed_line_is_reported_by_its_number(file, content, what):
    path = file(content)
    with pytest.raises(CorruptFile) as error:
        load(path)
    assert str(error.value).startswith(f"{path}, {what}")


@pytest.mark.parametrize(("content", "what"), [
    (b"2 2\na 1 2\n", "line 3: the file ends after 1 of the 2 words"),
    (b"2 2\na 1 2\nb 1 2\n\nc 1 2\n", "line 5: more words than the 2 that line 1 announces"),
    (b"2 2\na 1 2\nb 1\n", "line 3: 1 numbers, expected a word and 2"),
    (b"2 2\na 1 2 3\nb 1 2 3\n", "line 2: more than 2 numbers"),
    (b"2 3\na 1 2\nb 1 2\n", "line 2: 2 numbers, expected a word and 3"),
    (b"0 2\n", "line 1: expected the number of words and the width"),
    (b"2 0\na\nb\n", "line 1: expected the number of words and the width"),
    (b"a 1 2\n", "line 1: expected the number of words and the width of their vectors, got 'a 1 2'"),
    (b"99999999999999 99999999\na 1\n", "line 1: expected the number of words and the width"),
    (b"99999999999999 300\na 1\n", "line 1: 99999999999999 words of 300 numbers are announced, 23 bytes cannot hold"),
    (b"", "line 1: expected the number of words and the width of their vectors, got ''"),
])  # fmt: skip
def test_a_heading_that_lies_is_found_out(file, content, what):
    with pytest.raises(CorruptFile, match=re.escape(what)):
        load(file(content), "word2vec")


@pytest.mark.parametrize(("content", "what"), [
    (b"2 1\na \0\0\0\0b \0\0", "word 2: the file ends in or before this one of the 2 words"),
    (b"2 1\na \0\0\0\0\n", "word 2: the file ends"),
    (b"1 1\na \0\0\0\0\nb \0\0\0\0", "after word 1: there is more"),
    (b"2 1\na \0\0\0\0b\xff \0\0\0\0", "word 2: b'b\\xff' is not UTF-8 (invalid start byte, its byte 2)"),
    (b"2 1\na \0\0\0\0b \0\0\xc0\x7f", "word 2: the vector of 'b' holds a NaN or an infinity"),
    (b"2 1\na \0\0\0\0 \0\0\0\0\0", "word 2: it is empty"),
    (b"1 1\n" + b"a" * 70_000 + b" \0\0\0\0", "word 1: no blank within 65536 bytes"),
    (b"1000 100\na \0\0\0\0", "line 1: 1000 words of 100 numbers are announced"),
    (b"a 1\n\0", "line 1: expected the number of words"),
])  # fmt: skip
def test_a_damaged_binary_file_is_reported_by_its_word(file, content, what):
    with pytest.raises(CorruptFile, match=re.escape(what)):
        load(file(content), "word2vec-binary")


@pytest.mark.parametrize("content", CONTENT.values())
@given(data=st.data())
def test_a_damaged_file_is_an_error_of_ours_or_whole(tmp_path_factory, content, data):
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    path = tmp_path_factory.mktemp("damaged") / "v"
    path.write_bytes(data.draw(st.sampled_from([damaged, gzip.compress(damaged), gzip.compress(content)[:-5]])))
    try:
        words, matrix = load(path)
    except MinigradError as error:
        assert str(path) in str(error)  # noqa: PT017
    except UserWarning as warning:  # the damage made two words the same
        assert "left out" in str(warning)  # noqa: PT017
    else:
        assert len(set(words)) == len(words) == len(matrix) > 0
        assert np.isfinite(matrix).all()


def test_gzip_that_is_cut_short_or_damaged_is_said_to_be(file):
    packed = gzip.compress(CONTENT["glove"])
    with pytest.raises(CorruptFile, match="packed by gzip, and damaged or cut short"):
        load(file(packed[:-9]))
    with pytest.raises(CorruptFile, match="packed by gzip, and damaged"):
        load(file(packed[:-8] + b"\0" * 8))


def test_a_small_packed_file_cannot_ask_for_much_memory(file):
    tracemalloc.start()
    with pytest.raises(CorruptFile, match="line 3: the file ends after 1 of the 999999999999 words"):
        load(file(gzip.compress(b"999999999999 1048576\na" + b" 0" * 1048576 + b"\n")), "word2vec")
    with pytest.raises(CorruptFile, match="a line of more than"):
        load(file(gzip.compress(b"a 1\n" + b"0" * (40 << 20))))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400 << 20


@pytest.mark.parametrize(("content", "error", "what"), [
    (b"PK\x03\x04....", CorruptFile, "a zip archive"),
    (b"BZh91AY", CorruptFile, "bzip2"),
    (b"\xba\x16O/\x0c\0\0\0", CorruptFile, "a fastText model"),
    (b"\x80\x04\x95\0\0\0\0\0\0\0\x00cgensim", UnsafeFile, "a pickle, which is never read"),
    (b"\x93NUMPY\x01\0", CorruptFile, r"damaged or no \.npy file"),
    (b"\x02\0\0\0\0\0\0\0{}", ShapeError, "must hold one matrix.*it holds: nothing"),
    (b"\xff\0\0\0\0\0\0\0{}", CorruptFile, "safetensors"),
])  # fmt: skip
def test_other_files_are_named_for_what_they_are(file, content, error, what):
    with pytest.raises(error, match=what):
        load(file(content), words=None)


@pytest.mark.parametrize(("matrix", "error", "what"), [
    (np.arange(6).reshape(3, 2), DTypeError, "has dtype int64, expected float32"),
    (np.ones((3, 2), complex), DTypeError, "has dtype complex128"),
    (np.ones(3, np.float32), ShapeError, r"has shape \(3,\), expected \(words, width\)"),
    (np.ones((3, 0), np.float32), ShapeError, r"has shape \(3, 0\)"),
    (np.ones((4, 2), np.float32), ShapeError, "has 4 rows, but there are 3 words"),
    (np.where(MATRIX == 3, np.nan, MATRIX), CorruptFile, r"row 1 \('über'\): the vector holds a NaN"),
    (np.where(MATRIX == 3, 1e39, MATRIX.astype("f8")), CorruptFile, "row 1"),
])  # fmt: skip
def test_a_matrix_of_another_kind_is_refused(tmp_path, matrix, error, what):
    np.save(tmp_path / "v.npy", matrix)
    with pytest.raises(error, match=what):
        load(tmp_path / "v.npy", words=WORDS)
    if matrix.ndim == 2 and matrix.dtype != complex:  # which safetensors has not, or which is no matrix there
        safetensors.save({"v": matrix}, tmp_path / "v")
        with pytest.raises(error, match=what):
            load(tmp_path / "v", words=WORDS)


def test_objects_in_a_npy_file_are_not_read(tmp_path):
    np.save(tmp_path / "v.npy", np.array([["a"]], object))
    with pytest.raises(UnsafeFile, match="holds Python objects"):
        load(tmp_path / "v.npy", words=["a"])


def test_a_word_list_is_checked(tmp_path, file):
    np.save(tmp_path / "v.npy", MATRIX)
    with pytest.raises(FileNotFoundError, match=r"no list of words, .*v\.words\.txt"):
        load(tmp_path / "v.npy")
    with pytest.raises(CorruptFile, match=r"list, line 2: b'\\xff' is not UTF-8"):
        load(tmp_path / "v.npy", words=file(b"a\n\xff\nc\n", "list"))
    with pytest.raises(ShapeError, match=r"has 3 rows, but .*list has 2 words"):
        load(tmp_path / "v.npy", words=file(b"a\nb\n", "list"))
    with pytest.raises(TypeError, match="number 1 is 7"):
        load(tmp_path / "v.npy", words=["a", 7, "c"])


def test_several_matrices_are_not_chosen_from(tmp_path):
    safetensors.save({"u": MATRIX, "v": MATRIX}, tmp_path / "v")
    with pytest.raises(ShapeError, match=r"one matrix.*it holds: u \(3, 2\), v \(3, 2\)"):
        load(tmp_path / "v", words=WORDS)


def test_arguments_that_do_not_fit_are_refused(file, tmp_path):
    path = file(CONTENT["glove"])
    with pytest.raises(UnknownName, match="Did you mean 'glove'"):
        load(path, "glov")
    for limit in (0, -1, 2.0, True):
        with pytest.raises(ValueError, match="limit must be a whole number from 1"):
            load(path, limit=limit)
    with pytest.raises(ValueError, match="brings its own words"):
        load(path, words=WORDS)
    np.save(tmp_path / "v.npy", MATRIX)
    with pytest.raises(CorruptFile, match="packed: unpack it first"):
        load(file(gzip.compress((tmp_path / "v.npy").read_bytes()), "v.npy.gz"), words=WORDS)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing")


# --- written ---

VECTORS = st.integers(1, 4).flatmap(lambda n: hnp.arrays(
    np.float32, st.tuples(st.just(n), st.integers(1, 3)),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
))  # fmt: skip
PLAIN = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=6)


@pytest.mark.parametrize("name", ["word2vec", "fasttext", "word2vec-binary", "npy", "safetensors"])
@given(matrix=VECTORS, data=st.data())
def test_what_is_written_is_read(tmp_path_factory, name, matrix, data):
    words = data.draw(st.lists(PLAIN, min_size=len(matrix), max_size=len(matrix), unique=True))
    path = tmp_path_factory.mktemp("round") / "vectors"
    save(words, matrix, path, name)
    again, read = load(path, name)
    assert again == words
    assert read.dtype == np.float32
    assert read.tobytes() == matrix.tobytes()


@pytest.mark.parametrize("name", ["word2vec", "word2vec-binary", "npy", "safetensors"])
@given(matrix=VECTORS, data=st.data())
def test_any_word_is_written_as_it_is_or_refused(tmp_path_factory, name, matrix, data):
    text = st.text(st.characters() | st.sampled_from(" 1\n\t\ufeff"), max_size=4)
    words = data.draw(st.lists(text, min_size=len(matrix), max_size=len(matrix), unique=True))
    path = tmp_path_factory.mktemp("round") / "vectors"
    try:
        save(words, matrix, path, name)
    except ValueError as error:
        assert "The word" in str(error)  # noqa: PT017
        assert not path.exists()
    else:
        assert load(path, name)[0] == words


@pytest.mark.parametrize("ending", [".txt", ".vec", ".bin", ".npy", ".safetensors"])
def test_the_name_says_the_format_both_ways(tmp_path, ending):
    save(WORDS, MATRIX, tmp_path / f"v{ending}")
    assert_whole(load(tmp_path / f"v{ending}"))


def test_the_formats_are_those_that_others_write(tmp_path):
    save(["a", "b"], [[1, 0.5], [-2, 1e10]], tmp_path / "v.txt")
    assert (tmp_path / "v.txt").read_bytes() == b"2 2\na 1 0.5\nb -2 1e+10\n"
    save(["a", "b"], [[1], [2]], tmp_path / "v.bin")
    assert (tmp_path / "v.bin").read_bytes() == b"2 1\na \0\0\x80\x3f\nb \0\0\0\x40\n"
    save(["a", "b"], [[1], [2]], tmp_path / "v.npy")
    assert np.load(tmp_path / "v.npy").tolist() == [[1], [2]]
    assert (tmp_path / "v.words.txt").read_bytes() == b"a\nb\n"


@pytest.mark.parametrize(("words", "matrix", "what"), [
    (["a"], [[1], [2]], r"1 words need a matrix of shape \(1, width\), got \(2, 1\)"),
    ([], np.empty((0, 2)), "0 words need"),
    (["a"], [1], "need a matrix"),
    (["a", "a"], [[1], [2]], "more than once"),
    (["a"], [[np.nan]], "NaN, an infinity"),
    (["a"], [[np.inf]], "NaN, an infinity"),
    (["a"], [[1e300]], "what is no float32"),
    (["\ud800"], [[1]], "cannot be written"),
])  # fmt: skip
def test_what_cannot_be_written_leaves_the_old_file(tmp_path, words, matrix, what):
    path = tmp_path / "v.txt"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match=what):
        save(words, matrix, path)
    assert [p.name for p in tmp_path.iterdir()] == ["v.txt"]
    assert path.read_bytes() == b"old"


def test_a_format_that_is_not_written_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.txt, \.vec"):
        save(WORDS, MATRIX, tmp_path / "v.gz")
    with pytest.raises(UnknownName, match="Unknown format of word vectors 'glove'"):
        save(WORDS, MATRIX, tmp_path / "v.txt", "glove")
    assert set(FORMATS) > {"glove", "npy"}
