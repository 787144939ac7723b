"""StringLookup and IntegerLookup: Keras's results, vocabularies given and learned, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.core.tensor import Tensor
from minigrad.errors import DTypeError, IdError, UnknownName, UnsafeFile
from minigrad.layers import IntegerLookup, StringLookup

LETTERS = ["a", "b", "c", "d"]
DATA = [["a", "c", "d"], ["d", "z", "b"]]

words = st.lists(st.text(max_size=4), min_size=1, max_size=20)


def values(x):
    assert isinstance(x, Tensor)
    return x.numpy()


def learned(layer, data):
    layer.adapt(data)
    return layer


# The expected numbers are those of Keras 3.15 for the same calls.


def test_words_become_ids_and_unknown_ones_share_an_id():
    ids = values(StringLookup(vocabulary=LETTERS)(DATA))
    assert ids.dtype == np.int64
    assert ids.tolist() == [[1, 3, 4], [4, 0, 2]]


def test_an_unknown_word_falls_in_the_bin_of_its_hash():
    assert values(StringLookup(vocabulary=LETTERS, num_oov_indices=2)([["a", "c", "d"], ["m", "z", "b"]])).tolist() == [
        [2, 4, 5],
        [0, 1, 3],
    ]
    lookup = StringLookup(vocabulary=["a"], num_oov_indices=5, mask_token="")
    assert values(lookup(["q", "w", "e", "r", "t", "y"])).tolist() == [4, 5, 2, 4, 2, 1]


def test_unknown_integers_fall_in_the_bin_of_their_remainder():
    lookup = IntegerLookup(vocabulary=[12, 36, 1138, 42], num_oov_indices=2)
    assert values(lookup([[12, 1138, 42], [37, 1000, 36]])).tolist() == [[2, 4, 5], [1, 0, 3]]
    assert values(IntegerLookup(vocabulary=[1], num_oov_indices=5)([-3, 7])).tolist() == [2, 2]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("multi_hot", [[0, 1, 0, 1, 1], [1, 0, 1, 0, 1]]),
        ("count", [[0, 1, 0, 1, 1], [1, 0, 1, 0, 1]]),
        ("one_hot", [np.eye(5)[[1, 3, 4]].tolist(), np.eye(5)[[4, 0, 2]].tolist()]),
    ],
)
def test_output_modes(mode, expected):
    out = values(StringLookup(vocabulary=LETTERS, output_mode=mode)(DATA))
    assert out.dtype == np.float32
    assert out.tolist() == expected


def test_a_mask_token_is_id_0_and_leaves_no_trace_in_vectors():
    assert values(StringLookup(vocabulary=LETTERS, mask_token="")(["a", "", "z"])).tolist() == [2, 0, 1]
    counts = StringLookup(vocabulary=LETTERS, mask_token="", output_mode="count")
    assert values(counts(["a", "", "z"])).tolist() == [1, 1, 0, 0, 0]
    assert values(IntegerLookup(vocabulary=[12, 36], mask_token=0)([0, 12, 36, 5])).tolist() == [0, 2, 3, 1]


def test_tf_idf_with_given_weights():
    lookup = StringLookup(vocabulary=LETTERS, idf_weights=[0.25, 0.75, 0.6, 0.4], output_mode="tf_idf")
    out = values(lookup([["a", "c", "d", "d"], ["d", "z", "b", "z"]]))
    np.testing.assert_allclose(out, [[0, 0.25, 0, 0.6, 0.8], [1, 0, 0.75, 0, 0.4]], rtol=1e-6)
    lookup = StringLookup(vocabulary=["[UNK]", *LETTERS], idf_weights=[0.9, 0.25, 0.75, 0.6, 0.4], output_mode="tf_idf")
    assert values(lookup([["z", "z"]]))[0, 0] == np.float32(1.8)


def test_learned_tf_idf_weights_are_those_of_the_documents():
    lookup = learned(StringLookup(output_mode="tf_idf"), [["a", "c", "d", "a"], ["d", "z", "b", "a"]])
    assert lookup.get_vocabulary() == ["[UNK]", "a", "d", "z", "c", "b"]
    expected = np.log(1 + 2 / (1 + np.array([2, 2, 1, 1, 1])))
    np.testing.assert_allclose(lookup.idf_weights, [expected.mean(), *expected], rtol=1e-6)


def test_vectors_may_be_padded_to_max_tokens():
    lookup = StringLookup(vocabulary=LETTERS, max_tokens=8, pad_to_max_tokens=True, output_mode="multi_hot")
    assert values(lookup(DATA)).tolist() == [[0, 1, 0, 1, 1, 0, 0, 0], [1, 0, 1, 0, 1, 0, 0, 0]]


def test_the_learned_vocabulary_is_ordered_by_frequency_then_backwards():
    assert learned(StringLookup(), DATA).get_vocabulary() == ["[UNK]", "d", "z", "c", "b", "a"]
    assert learned(IntegerLookup(), [[12, 1138, 42], [42, 1000, 36]]).get_vocabulary() == [-1, 42, 1138, 1000, 36, 12]
    lookup = learned(StringLookup(max_tokens=4, mask_token=""), ["b", "b", "a", "c", "", "[UNK]", "é", "Z"])
    assert lookup.get_vocabulary() == ["", "[UNK]", "b", "é"]
    assert lookup.get_vocabulary(include_special_tokens=False) == ["b", "é"]
    assert lookup.vocabulary_size() == 4


def test_ids_turn_back_into_words():
    back = StringLookup(vocabulary=LETTERS, invert=True, mask_token="")
    assert back([[1, 3, 4], [4, 0, 9]]).tolist() == [["[UNK]", "b", "c"], ["c", "", "[UNK]"]]
    assert values(IntegerLookup(vocabulary=[12, 36], invert=True)([1, 2, 0])).tolist() == [12, 36, -1]


@given(words)
def test_what_was_learned_comes_back_from_its_ids(texts):
    lookup = learned(StringLookup(mask_token=None), texts + ["x"])
    back = StringLookup(vocabulary=lookup.get_vocabulary(), invert=True)
    known = [t for t in texts if t != "[UNK]"]
    assert back(lookup(np.array(known, object))).tolist() == known


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=20))
def test_integers_come_back_from_their_ids(numbers):
    lookup = learned(IntegerLookup(oov_token=-(2**63)), numbers)
    back = IntegerLookup(vocabulary=lookup.get_vocabulary(), invert=True, oov_token=-(2**63))
    assert values(back(lookup(numbers))).tolist() == numbers


@given(st.lists(words, min_size=1, max_size=4))
def test_batches_teach_what_all_data_at_once_teaches(batches):
    together = learned(StringLookup(), sum(batches, ["x"]))
    apart = learned(StringLookup(), iter([["x"], *batches]))
    assert together.get_vocabulary() == apart.get_vocabulary()


def test_adapt_forgets_what_was_learned_before_and_fails_without_a_change():
    lookup = learned(StringLookup(), ["a"])
    lookup.adapt(["b"])
    assert lookup.get_vocabulary() == ["[UNK]", "b"]
    with pytest.raises(ValueError, match="string_lookup: the data has no tokens"):
        lookup.adapt(["[UNK]"])
    assert lookup.get_vocabulary() == ["[UNK]", "b"]


def test_adapt_reads_as_many_batches_as_it_is_told():
    lookup = StringLookup()
    lookup.adapt(iter([["a"], ["b"], ["c"]]), steps=2)
    assert lookup.get_vocabulary() == ["[UNK]", "b", "a"]
    with pytest.raises(ValueError, match="steps=2 is for an iterable of batches"):
        lookup.adapt(["a"], steps=2)
    with pytest.raises(ValueError, match="the data has no batches"):
        lookup.adapt(iter([]))


@pytest.mark.parametrize(
    "data",
    [
        ["feb", "jan"],
        ("feb", "jan"),
        np.array(["feb", "jan"]),
        np.array(["feb", "jan"], object),
        np.array([b"feb", b"jan"]),
        [b"feb", "jan"],
    ],
    ids=repr,
)
def test_strings_come_in_many_forms(data):
    assert values(StringLookup(vocabulary=["jan", "feb"])(data)).tolist() == [2, 1]


def test_a_single_word_has_a_single_id():
    found = StringLookup(vocabulary=["jan"])("jan")
    assert found.shape == ()
    assert found.item() == 1


def test_a_config_makes_the_layer_again():
    for lookup in (
        StringLookup(vocabulary=LETTERS, num_oov_indices=2, mask_token="", name="letters"),
        learned(StringLookup(max_tokens=3, output_mode="tf_idf"), DATA),
        learned(StringLookup(max_tokens=9, pad_to_max_tokens=True, output_mode="count"), DATA),
    ):
        again = StringLookup.from_config(lookup.get_config())
        assert again.get_config() == lookup.get_config()
        np.testing.assert_array_equal(values(again(DATA)), values(lookup(DATA)))


def test_a_config_opens_no_file(tmp_path):
    (tmp_path / "words.txt").write_text("a\nb\n")
    config = StringLookup(vocabulary=str(tmp_path / "words.txt")).get_config()
    assert config["vocabulary"] == ["a", "b"]
    with pytest.raises(UnsafeFile, match="a config names a file"):
        StringLookup.from_config({**config, "vocabulary": str(tmp_path / "words.txt")})


def test_a_vocabulary_file_has_a_word_on_each_line(tmp_path):
    path = tmp_path / "words.txt"

    def read(text, layer=StringLookup):
        path.write_bytes(text.encode("latin-1"))
        return layer(vocabulary=str(path)).get_vocabulary()

    assert read("jan\nnew york\n") == ["[UNK]", "jan", "new york"]
    assert read("7\n-3", IntegerLookup) == [-1, 7, -3]
    for text, message in [
        ("jan\nfeb\njan\n", "line 3 is 'jan', as is .*words.txt: line 1"),
        ("jan\n\nfeb", "line 2 is empty"),
        ("", "the vocabulary is empty"),
        ("jan\nm\xe4rz\n", "line 2 is not UTF-8"),
    ]:
        with pytest.raises(ValueError, match=message):
            read(text)
    with pytest.raises(ValueError, match="line 2 is 'x', expected a whole number"):
        read("7\nx", IntegerLookup)
    with pytest.raises(FileNotFoundError, match=r"Did you mean 'words.txt'"):
        StringLookup(vocabulary=str(tmp_path / "word.txt"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocabulary": []}, "the vocabulary is empty"),
        ({"vocabulary": ["[UNK]"]}, "the vocabulary is empty"),
        ({"vocabulary": ["a", "b", "a"]}, r"vocabulary\[2\] is 'a', as is vocabulary\[0\]"),
        ({"vocabulary": ["a", ""], "mask_token": ""}, r"vocabulary\[1\] is '', the mask_token"),
        ({"vocabulary": ["a", "[UNK]"], "invert": True}, r"vocabulary\[1\] is '\[UNK\]', the oov_token"),
        ({"vocabulary": ["a", "b"], "max_tokens": 2}, "has 3 ids with the special tokens, more than max_tokens=2"),
        ({"max_tokens": 1}, "max_tokens=1; expected a whole number from 2"),
        ({"num_oov_indices": -1}, "num_oov_indices=-1"),
        ({"pad_to_max_tokens": True}, "needs max_tokens="),
        ({"idf_weights": [1.0]}, "idf_weights= goes with vocabulary="),
        ({"output_mode": "tf_idf", "vocabulary": ["a"]}, "needs idf_weights="),
        ({"output_mode": "tf_idf", "vocabulary": ["a"], "idf_weights": [1, 2]}, r"shape \(2,\), the vocabulary 1"),
        ({"idf_weights": [1.0], "vocabulary": ["a"]}, "idf_weights= is for output_mode='tf_idf', not 'int'"),
        ({"invert": True, "output_mode": "count"}, "output_mode must be 'int', not 'count'"),
    ],
)
def test_contradictory_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        StringLookup(**arguments)


def test_misspelt_arguments_are_guessed():
    with pytest.raises(UnknownName, match=r"output_mode of StringLookup 'onehot'. Did you mean 'one_hot'"):
        StringLookup(output_mode="onehot")
    with pytest.raises(TypeError, match="Did you mean 'vocabulary'"):
        StringLookup(vocabular=["a"])


def test_an_unknown_word_without_an_id_for_it_is_an_error_with_its_place():
    lookup = StringLookup(vocabulary=["january", "february"], num_oov_indices=0)
    with pytest.raises(IdError, match=r"'janury' at \[1, 0\] is not in .* Did you mean 'january'\? 1 of 2 values"):
        lookup([["january"], ["janury"]])
    with pytest.raises(IdError, match=r"7 at \[1\] is not in the vocabulary of 1 \(5\)"):
        IntegerLookup(vocabulary=[5], num_oov_indices=0)([5, 7])


def test_wrong_values_are_refused():
    lookup = StringLookup(vocabulary=["a"])
    with pytest.raises(DTypeError, match=r"string_lookup .*expected strings, got int64"):
        lookup(np.array([1, 2]))
    with pytest.raises(DTypeError, match=r"nan at \[1\] is a float among strings"):
        lookup(np.array(["a", float("nan")], object))
    with pytest.raises(DTypeError, match=r"36\.5 at \[1\] is no whole number"):
        IntegerLookup(vocabulary=[12])([12.0, 36.5])
    with pytest.raises(DTypeError, match="expected numbers, got dtype <U1"):
        IntegerLookup(vocabulary=[12])(["a"])


def test_without_a_vocabulary_there_are_no_ids():
    with pytest.raises(ValueError, match=r"string_lookup has no vocabulary yet: call adapt\(data\) first"):
        StringLookup()(["a"])


def test_a_given_vocabulary_is_not_replaced():
    with pytest.raises(ValueError, match=r"adapt\(\) would replace the vocabulary that was given"):
        StringLookup(vocabulary=["a"]).adapt(["b"])
