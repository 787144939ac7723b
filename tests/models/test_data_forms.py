"""Arrays, lists, dicts, tables, generators: the forms in which data comes."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import Input, Model, Tensor
from minigrad.layers import Dense
from training_cases import KIND, A, B, Indexable, Iterable, X, Y, batches, linear, same, two_headed


class Frame:
    """What a table of another library offers."""

    def __init__(self, values):
        self.values = values

    def to_numpy(self):
        return self.values


class FakeTensor:
    """An array of another library."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


@pytest.mark.parametrize(
    "form", [np.asarray, np.ndarray.tolist, Tensor, Frame, FakeTensor, lambda a: [a], lambda a: a.astype("f8")]
)
def test_one_input_in_many_forms(form):
    expected, model = linear(), linear()
    expected.fit(X, Y, verbose=0)
    model.fit(form(X), form(Y), verbose=0)
    assert same(expected, model)
    assert np.array_equal(model.predict(form(X), verbose=0), model.predict(X, verbose=0))
    assert model.evaluate(form(X), form(Y), verbose=0) == expected.evaluate(X, Y, verbose=0)


def test_lists_of_numbers():
    x = Input((1,))
    model = Model(x, Dense(1)(x))
    model.compile("sgd", "mse")
    model.fit([1, 2, 3, 4], [2, 4, 6, 8], verbose=0)
    assert model.predict([1, 2, 3], verbose=0).shape == (3, 1)


def test_several_inputs_and_outputs_as_lists_tuples_and_dicts():
    first = two_headed()
    first.fit([A, B], [Y, KIND], verbose=0)
    for x, y in (
        ((A, B), (Y, KIND)),
        ({"a": A, "b": B}, {"kind": KIND, "price": Y}),
        ({"b": B, "a": A}, [Y, KIND]),
    ):
        model = two_headed(loss={"kind": "sparse_categorical_crossentropy", "price": "mse"})
        model.fit(x, y, verbose=0)
        assert same(first, model)
        assert model.evaluate(x, y, verbose=0) == first.evaluate([A, B], [Y, KIND], verbose=0)


def test_generators_iterables_and_indexables_are_as_arrays():
    expected = linear()
    expected.fit(X, Y, batch_size=16, shuffle=False, verbose=0)
    for form in (batches, lambda: batches(with_weight=True), Iterable, Indexable):
        model = linear()
        model.fit(form(), shuffle=False, verbose=0)
        assert same(expected, model)
        assert model.evaluate(form(), verbose=0) == pytest.approx(expected.evaluate(X, Y, verbose=0), rel=1e-6)
        np.testing.assert_array_equal(model.predict(form(), verbose=0), expected.predict(X, verbose=0))


def test_an_iterable_starts_anew_each_epoch_and_a_generator_cannot():
    model = linear()
    assert len(model.fit(Iterable(), epochs=3, verbose=0).history["loss"]) == 3
    message = r"the data ran out in epoch 2, after 0 batches: a generator gives its batches only once"
    with pytest.raises(ValueError, match=message):
        model.fit(batches(), epochs=2, verbose=0)
    with pytest.raises(ValueError, match="ran out in epoch 1, after 0 batches"):
        model.evaluate(iter(()), verbose=0)


def test_a_generator_goes_on_where_the_last_epoch_stopped():
    model, seen = linear(), []

    def endless():
        while True:
            for k, batch in enumerate(batches()):
                seen.append(k)
                yield batch

    history = model.fit(endless(), steps_per_epoch=2, epochs=3, verbose=0)
    assert seen == [0, 1, 2, 0, 1, 2]
    assert len(history.history["loss"]) == 3
    assert len(model.fit(Iterable(), steps_per_epoch=4, epochs=2, verbose=0).history["loss"]) == 2
    with pytest.raises(ValueError, match=r"ran out in epoch 1, after 3 batches"):
        model.fit(batches(), steps_per_epoch=4, verbose=0)


def test_an_indexable_is_shuffled_by_batches_and_told_of_each_epochs_end():
    data = Indexable()
    linear().fit(data, epochs=8, verbose=0)
    passes = [data.asked[3 * k : 3 * k + 3] for k in range(8)]
    assert all(sorted(p) == [0, 1, 2] for p in passes)
    assert len({tuple(p) for p in passes}) > 1
    assert data.epochs == 8
    data = Indexable()
    linear().fit(data, epochs=2, shuffle=False, verbose=0)
    assert data.asked == [0, 1, 2] * 2


@pytest.mark.parametrize("argument", ["y", "batch_size", "sample_weight"])
def test_what_does_not_go_with_a_stream(argument):
    with pytest.raises(ValueError, match=rf"{argument}= does not go with a generator"):
        linear().fit(batches(), **{argument: 4}, verbose=0)
    with pytest.raises(ValueError, match="validation_split needs arrays, not a generator"):
        linear().fit(batches(), validation_split=0.5, verbose=0)
