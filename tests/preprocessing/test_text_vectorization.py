"""TextVectorization: Keras's words, ids and vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import DTypeError, ShapeError, UnknownName
from minigrad.layers import TextVectorization

TEXTS = ["The cat's HAT, sat.", "", "foo-bar foo_bar it's $5 #x €3 “q”", "  lead trail  "]


def learned(data, **arguments):
    layer = TextVectorization(**arguments)
    layer.adapt(data)
    return layer


def test_words_are_small_letters_without_punctuation_as_in_keras():
    layer = learned(TEXTS)
    assert layer.get_vocabulary() == (
        ["", "[UNK]", "foobar", "€3", "“q”", "x", "trail", "the", "sat", "lead", "its", "hat", "cats", "5"]
    )
    assert layer(TEXTS).tolist() == [
        [7, 12, 11, 8, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
        [2, 2, 10, 13, 5, 3, 4],
        [9, 6, 0, 0, 0, 0, 0],
    ]


@pytest.mark.parametrize(
    ("standardize", "split", "expected"),
    [
        (None, "whitespace", ["It's", "a-B"]),
        ("lower", "whitespace", ["it's", "a-b"]),
        ("strip_punctuation", "whitespace", ["Its", "aB"]),
        ("lower_and_strip_punctuation", None, ["its ab"]),
        (None, None, ["It's a-B"]),
        (None, "character", ["I", "t", "'", "s", " ", "a", "-", "B"]),
        (str.upper, lambda text: text.split("-"), ["IT'S A", "B"]),
    ],
)
def test_standardize_and_split(standardize, split, expected):
    layer = TextVectorization(standardize=standardize, split=split)
    assert layer.words(["It's a-B"]) == [expected]


@pytest.mark.parametrize(
    ("ngrams", "vocabulary", "ids"),
    [
        (2, ["b", "a b", "a", "c", "b c"], [4, 2, 5, 3, 6]),
        ((2,), ["a b", "b c"], [2, 3]),
        ((1, 3), ["b", "a", "c", "a b c"], [3, 2, 4, 5]),
        ([3, 1], ["b", "a", "c", "a b c"], [5, 3, 2, 4]),
    ],
)
def test_ngrams(ngrams, vocabulary, ids):
    layer = learned(["a b c", "a b"], ngrams=ngrams)
    assert layer.get_vocabulary(include_special_tokens=False) == vocabulary
    assert layer(["a b c"]).tolist() == [ids]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("multi_hot", [[0, 1, 1, 0], [1, 0, 1, 0]]),
        ("count", [[0, 2, 1, 0], [1, 0, 1, 0]]),
        ("tf_idf", [[0, 2 * np.log(2), np.log(5 / 3), 0], [0.6323733, 0, np.log(5 / 3), 0]]),
    ],
)
def test_vectors(mode, expected):
    layer = learned(["a b b", "a c"], output_mode=mode)
    assert layer.get_vocabulary() == ["[UNK]", "b", "a", "c"]
    np.testing.assert_allclose(layer(["a b b", "q a"]).numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(layer("a b b").numpy(), expected[0], rtol=1e-6)
    padded = learned(["a b b", "a c"], output_mode=mode, max_tokens=6, pad_to_max_tokens=True)
    np.testing.assert_allclose(padded(["a b b"]).numpy(), [expected[0] + [0, 0]], rtol=1e-6)


def test_the_length_may_be_given():
    layer = TextVectorization(vocabulary=["a", "b"], output_sequence_length=4)
    assert layer(["a b q", "a b a b a b"]).tolist() == [[2, 3, 1, 0], [2, 3, 2, 3]]


def test_texts_may_have_an_axis_of_size_one_or_none():
    layer = TextVectorization(vocabulary=["a", "b"])
    assert layer([["a b"], ["b"]]).tolist() == [[2, 3], [3, 0]]
    assert layer("b q").tolist() == [3, 1]
    with pytest.raises(ShapeError, match=r"expected texts of shape \(batch,\) or \(batch, 1\), got \(1, 2\)"):
        layer([["a", "b"]])
    whole = TextVectorization(vocabulary=["a", "b"], split=None)
    assert whole([["a", "b"]]).tolist() == [[2, 3]]


def test_empty_text_is_padding_alone():
    layer = TextVectorization(vocabulary=["a"])
    assert layer(["", "a a"]).tolist() == [[0, 0], [2, 2]]
    assert layer([""]).shape == (1, 0)


def test_max_tokens_keeps_the_most_frequent():
    assert learned(["a b b", "a c"], max_tokens=3).get_vocabulary() == ["", "[UNK]", "b"]
    assert learned(["a b b", "a c"], max_tokens=3, output_mode="count").get_vocabulary() == ["[UNK]", "b", "a"]


@given(st.lists(st.lists(st.text("ab ", max_size=9), min_size=1, max_size=3), min_size=1, max_size=3))
def test_batches_teach_what_all_texts_at_once_teach(batches):
    together, apart = learned(sum(batches, ["c"])), learned(iter([["c"], *batches]))
    assert together.get_vocabulary() == apart.get_vocabulary()


@given(st.lists(st.text("abcd ", max_size=12), min_size=1, max_size=5), st.integers(1, 6))
def test_ids_are_those_of_the_words_cut_and_padded(texts, length):
    layer = TextVectorization(vocabulary=["a", "b", "ab"], output_sequence_length=length)
    ids = {"a": 2, "b": 3, "ab": 4}
    expected = [([ids.get(w, 1) for w in text.split()] + [0] * length)[:length] for text in texts]
    assert layer(texts).tolist() == expected


def test_a_config_makes_the_layer_again():
    for mode in ("int", "tf_idf"):
        layer = learned(TEXTS, output_mode=mode, ngrams=2, max_tokens=9, standardize="lower", split="whitespace")
        again = TextVectorization.from_config(layer.get_config())
        assert again.get_config() == layer.get_config()
        np.testing.assert_array_equal(again(TEXTS).numpy(), layer(TEXTS).numpy())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"output_mode": "counts"}, UnknownName, "Did you mean 'count'"),
        ({"standardize": "lowr"}, UnknownName, "Did you mean 'lower'"),
        ({"split": "white"}, UnknownName, "Did you mean 'whitespace'"),
        ({"ngrams": "2"}, ValueError, "ngrams='2'"),
        ({"output_sequence_length": 0}, ValueError, "output_sequence_length=0"),
        ({"output_mode": "count", "output_sequence_length": 3}, ValueError, "is for output_mode='int'"),
        ({"vocabulary": ["", "a"]}, ValueError, r"text_vectorization: vocabulary\[0\] is '', the mask_token"),
    ],
)
def test_arguments_that_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        TextVectorization(**arguments)


def test_data_that_is_refused():
    with pytest.raises(ValueError, match="the data has no tokens"):
        TextVectorization().adapt(["", " ,. "])
    with pytest.raises(DTypeError, match="expected strings, got int64"):
        TextVectorization().adapt(np.arange(3))
    with pytest.raises(ValueError, match="has no vocabulary yet"):
        TextVectorization()(["a"])


def test_many_texts_are_read_in_parts(monkeypatch):
    texts = ["a b", "", "c a a", "d", "b"]
    whole = learned(texts)
    monkeypatch.setattr("minigrad.preprocessing.text.CHUNK", 2)
    assert learned(texts).get_vocabulary() == whole.get_vocabulary()
    assert learned(texts)(texts).tolist() == whole(texts).tolist()
