"""Models that take words and texts: eagerly, and as programs that begin where the words are numbers."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import DTypeError, IdError, ShapeError
from minigrad.layers import (
    CategoryEncoding,
    Concatenate,
    Dense,
    Discretization,
    Embedding,
    GlobalAveragePooling1D,
    Hashing,
    Input,
    IntegerLookup,
    StringLookup,
    TextVectorization,
)
from minigrad.models import Model, Sequential

MONTHS = ["jan", "feb", "mar", "apr"]
WORDS = np.array(MONTHS * 20)
TARGETS = np.arange(80.0) % 4


@pytest.fixture(autouse=True)
def seeded():
    mg.random.set_seed(3)


def months(**compiled):
    mg.random.set_seed(3)
    x = Input((), dtype="string", name="month")
    lookup = StringLookup(vocabulary=MONTHS)
    y = Dense(1)(Embedding(lookup.vocabulary_size(), 3)(lookup(x)))
    model = Model(x, y)
    model.compile("adam", "mse", **compiled)
    return model


def test_a_symbol_of_strings_says_so():
    x = Input((), dtype="string")
    assert repr(x) == "Symbol(shape=(None,), dtype=str, from=input)"
    assert x.node.fn.get_config()["dtype"] == "string"
    ids = StringLookup(vocabulary=MONTHS)(x)
    assert (ids.shape, ids.dtype) == ((None,), np.int64)
    assert TextVectorization(vocabulary=MONTHS)(x).shape == (None, None)
    assert TextVectorization(vocabulary=MONTHS, output_sequence_length=7)(x).shape == (None, 7)
    assert StringLookup(vocabulary=MONTHS, output_mode="one_hot")(x).shape == (None, 5)


def test_words_train_as_their_ids_would_eagerly_and_as_a_program():
    program, eager = months(), months(run_eagerly=True)
    history = [m.fit(WORDS, TARGETS, epochs=4, verbose=0).history["loss"] for m in (program, eager)]
    np.testing.assert_allclose(history[0], history[1], rtol=1e-5)
    assert history[0][-1] < history[0][0]
    np.testing.assert_allclose(program.predict(WORDS, verbose=0), eager.predict(WORDS, verbose=0), rtol=1e-5)
    assert program.evaluate(WORDS, TARGETS, verbose=0) == pytest.approx(eager.evaluate(WORDS, TARGETS, verbose=0))
    np.testing.assert_allclose(program(WORDS).numpy(), program.predict(WORDS, verbose=0), rtol=1e-6)
    assert not program.runs_eagerly("train")


def test_the_program_begins_with_the_ids():
    source = months().program("predict", 4).source
    assert "def step(x_string_lookup_1):" in source


@pytest.mark.parametrize(
    "words",
    [list(WORDS), np.array(WORDS, object), {"month": WORDS}, np.array([w.encode() for w in WORDS])],
    ids=["list", "objects", "dict", "bytes"],
)
def test_words_come_in_many_forms(words):
    model = months()
    expected = model.predict(WORDS, verbose=0)
    np.testing.assert_array_equal(model.predict(words, verbose=0), expected)
    model.fit(words, TARGETS, validation_split=0.25, verbose=0)
    model.train_on_batch(words, TARGETS)


def test_words_may_come_from_a_generator():
    model, other = months(), months()
    model.fit(((WORDS[i : i + 20], TARGETS[i : i + 20]) for i in range(0, 80, 20)), verbose=0)
    other.fit(WORDS, TARGETS, batch_size=20, shuffle=False, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], other.get_weights()[0], rtol=1e-5)


def mixed():
    """Words, a text of open length, numbers in bins, categories in several columns, and plain numbers."""
    month = Input((), dtype="string", name="month")
    text = Input((1,), dtype="string", name="text")
    age = Input((1,), name="age")
    tags = Input((3,), dtype="int64", name="tags")
    plain = Input((2,), name="plain")
    vectorize = TextVectorization(vocabulary=["good", "bad", "ugly"])
    parts = [
        StringLookup(vocabulary=MONTHS, output_mode="one_hot")(month),
        GlobalAveragePooling1D()(Embedding(vectorize.vocabulary_size(), 3)(vectorize(text))),
        CategoryEncoding(3, output_mode="one_hot")(Discretization([20.0, 40.0])(age)),
        IntegerLookup(vocabulary=[7, 8, 9], output_mode="count")(tags),
        Dense(2)(plain),
    ]
    return Model([month, text, age, tags, plain], Dense(1)(Dense(4, activation="tanh")(Concatenate()(parts))))


def mixed_data(rows=24):
    rng = np.random.default_rng(5)
    texts = [["good bad good"], ["ugly"], ["good unheard"]]
    return {
        "month": rng.choice(MONTHS, rows),
        "text": [texts[i] for i in rng.integers(0, 3, rows)],
        "age": rng.uniform(0, 60, rows),
        "tags": rng.integers(6, 11, (rows, 3)),
        "plain": rng.normal(size=(rows, 2)),
    }


def test_all_kinds_of_columns_in_one_model_eagerly_and_as_a_program():
    data, y = mixed_data(), np.random.default_rng(1).normal(size=24)
    results = []
    for eager in (False, True):
        mg.random.set_seed(3)
        model = mixed()
        model.compile("sgd", "mse", run_eagerly=eager)
        history = model.fit(data, y, batch_size=8, epochs=3, verbose=0)
        results.append([history.history["loss"], model.predict(data, batch_size=8, verbose=0).ravel()])
        assert model.runs_eagerly("train") == eager
    for program, eagerly in zip(*results, strict=True):
        np.testing.assert_allclose(program, eagerly, rtol=1e-4)


def test_texts_of_a_batch_are_padded_to_the_longest_among_them():
    x = Input((), dtype="string")
    model = Model(x, TextVectorization(vocabulary=["a", "b"])(x))
    assert model.predict_on_batch(np.array(["a", "a b"])).tolist() == [[2, 0], [2, 3]]
    assert model.predict_on_batch(np.array(["a"])).tolist() == [[2]]


def test_a_vocabulary_learned_after_the_model_was_built_is_used():
    x, lookup = Input((), dtype="string"), StringLookup()
    model = Model(x, Embedding(5, 2)(lookup(x)))
    with pytest.raises(ValueError, match=r"string_lookup_1 has no vocabulary yet: call adapt\(data\) first"):
        model.predict(WORDS, verbose=0)
    lookup.adapt(WORDS)
    first = model.predict(WORDS[:4], verbose=0)
    np.testing.assert_array_equal(first, model.layers[-1].get_weights()[0][lookup(WORDS[:4]).numpy()])
    lookup.adapt(WORDS[:2])
    assert not np.array_equal(model.predict(WORDS[:4], verbose=0), first)


def test_a_sequential_model_may_begin_with_text():
    for layers in ([Input((), dtype="string")], []):
        vectorize = TextVectorization(output_sequence_length=3)
        vectorize.adapt(["a b", "b c"])
        model = Sequential([*layers, vectorize, Embedding(5, 2), GlobalAveragePooling1D(), Dense(1)])
        model.compile("sgd", "mse")
        model.fit(["a b", "c", "b b b b"], np.arange(3.0), epochs=2, verbose=0)
        assert model.predict(["a", "b"], verbose=0).shape == (2, 1)


def test_a_model_of_preprocessing_alone_is_part_of_what_runs_first():
    x = Input((2,), dtype="string")
    inner = Model(x, Hashing(num_bins=5)(x), name="words")
    assert inner.predict(np.array([["a", "b"]]), verbose=0).tolist() == Hashing(num_bins=5)([["a", "b"]]).tolist()
    y = Input((2,), dtype="string")
    model = Model(y, Dense(1)(GlobalAveragePooling1D()(Embedding(5, 2)(inner(y)))))
    model.compile("sgd", "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(np.array([["a", "b"], ["c", "d"]]), np.arange(2.0), epochs=2, verbose=0)
    assert not model.runs_eagerly("train")


def test_a_model_of_ones_own_may_look_words_up_and_runs_eagerly():
    class Months(Model):
        def __init__(self):
            super().__init__()
            self.lookup = StringLookup(vocabulary=MONTHS)
            self.table = Embedding(5, 1)

        def call(self, inputs):
            return self.table(self.lookup(inputs))

    model = Months()
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="only layers next to the Inputs of a functional model"):
        model.fit(WORDS, TARGETS, epochs=2, verbose=0)
    assert model(WORDS[:3]).shape == (3, 1)


def test_what_depends_on_weights_cannot_run_before_the_program():
    x = Input((2,))
    bins = Discretization([0.0], output_mode="one_hot")(Dense(1)(x))
    model = Model(x, Dense(1)(bins))
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="discretization_1 needs values .* on what layers with weights made"):
        model.fit(np.ones((4, 2)), np.ones(4), verbose=0)


def test_a_model_may_end_with_words():
    x = Input((4,))
    best = np.argmax(x * 1.0, axis=-1)
    words = StringLookup(vocabulary=MONTHS, invert=True, num_oov_indices=0)(best)
    model = Model(x, words)
    with pytest.warns(UserWarning, match="a program holds numbers, no strings"):
        assert model.predict(np.eye(4)[[2, 0]], verbose=0).tolist() == ["mar", "jan"]
    assert model(np.eye(4)[[1]]).tolist() == ["feb"]


def test_all_rows_are_prepared_once_if_they_fit(monkeypatch):
    calls = []
    monkeypatch.setattr(StringLookup, "call", lambda self, x, original=StringLookup.call: (
        calls.append(len(x)), original(self, x))[1])  # fmt: skip
    months().fit(WORDS, TARGETS, epochs=3, verbose=0)
    assert calls == [80]
    monkeypatch.setattr("minigrad.models.host.MOST_BYTES", 100)
    calls.clear()
    months().fit(WORDS, TARGETS, epochs=2, verbose=0)
    assert calls == [32, 32, 16] * 2


def test_what_looks_from_row_to_row_runs_batch_by_batch():
    x = Input((1,))
    model = Model(x, Discretization([-0.5, 0.5])(x - np.mean(x, axis=0)))
    rows = np.arange(8.0)[:, None]
    expected = [[0], [1], [2], [2]] * 2
    assert model.predict(rows, batch_size=4, verbose=0).tolist() == expected


def test_a_copied_model_looks_words_up():
    model = months()
    again = copy.deepcopy(model)
    again.fit(WORDS, TARGETS, verbose=0)
    assert not np.array_equal(again.predict(WORDS, verbose=0), model.predict(WORDS, verbose=0))
    np.testing.assert_array_equal(months().predict(WORDS, verbose=0), model.predict(WORDS, verbose=0))


def test_an_unknown_word_is_an_error_with_its_row():
    x = Input((), dtype="string")
    lookup = StringLookup(vocabulary=MONTHS, num_oov_indices=0)
    model = Model(x, Embedding(4, 1)(lookup(x)))
    model.compile("sgd", "mse")
    before = model.get_weights()[0]
    words = WORDS.astype(object)
    words[41] = "juni"
    with pytest.raises(IdError, match=r"string_lookup_1 .*'juni' at \[41\] is not in the vocabulary"):
        model.fit(words, TARGETS, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before)


def test_words_where_numbers_belong_and_numbers_where_words_do():
    model = months()
    with pytest.raises(DTypeError, match="month takes strings, got int64"):
        model.predict(np.arange(3), verbose=0)
    with pytest.raises(DTypeError, match="month takes strings, got float32"):
        model(np.ones(3, np.float32))
    x = Input((2,))
    numeric = Model(x, Dense(1)(x))
    with pytest.raises(DTypeError, match=r"input_1: cannot compute with dtype <U1 \(strings such as 'a'\)"):
        numeric.predict(np.array([["a", "b"]]), verbose=0)
    with pytest.raises(ShapeError, match="month expects"):
        model.predict(np.array([["a", "b"]]), verbose=0)
    with pytest.raises(TypeError, match="y: cannot compute with dtype <U3"):
        model.fit(WORDS, WORDS, verbose=0)


def test_ops_and_layers_refuse_a_symbol_of_strings():
    x = Input((3,), dtype="string")
    for use in (np.tanh, lambda s: s + 1, lambda s: s[0], Dense(2), Embedding(3, 2)):
        with pytest.raises(DTypeError, match=r"cannot compute with strings.*StringLookup|ids must be numbers"):
            use(x)
    with pytest.raises(DTypeError, match=r"string_lookup .*expected strings, got a symbol of dtype float32"):
        StringLookup(vocabulary=["a"])(Input((3,)))
    with pytest.raises(DTypeError, match="expected numbers, got a symbol of dtype str"):
        IntegerLookup(vocabulary=[1])(x)
    with pytest.raises(ShapeError, match="has the batch alone"):
        StringLookup(vocabulary=["a"], output_mode="multi_hot")(Input((), dtype="string"))


def test_the_mask_of_padded_text():
    vectorize = TextVectorization(vocabulary=["a", "b"], output_sequence_length=3)
    x = Input((), dtype="string")
    embedded = Embedding(4, 2, mask_zero=True)(vectorize(x))
    model = Model(x, GlobalAveragePooling1D()(embedded))
    table = model.layers[2].get_weights()[0]
    np.testing.assert_allclose(model.predict(["a b", "b"], verbose=0), [table[[2, 3]].mean(0), table[3]], rtol=1e-6)
