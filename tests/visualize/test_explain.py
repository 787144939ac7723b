"""Where a table's gradient comes from: one layer, its ids, and an upstream gradient."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import minigrad as mg
from minigrad.core.autodiff import grad
from minigrad.errors import IdError, ShapeError
from minigrad.layers import Dense, Embedding, EmbeddingBag, GlobalAveragePooling1D
from minigrad.visualize.explain_checks import compare_all
from minigrad.visualize.explain_places import Places


def built(rows=5, width=3, seed=0, cls=Embedding, **more):
    values = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    layer = cls(rows, width, weights=[values], **more)
    layer(np.zeros((1, 1), np.int64))
    return layer


ids_of_any_shape = st.integers(1, 3).flatmap(
    lambda axes: arrays(np.int64, st.tuples(*[st.integers(1, 4)] * axes), elements=st.integers(0, 4))
)


@given(ids_of_any_shape, st.integers(0, 2**32 - 1))
def test_the_sums_are_the_gradient_for_any_ids(ids, seed):
    layer = built()
    upstream = np.random.default_rng(seed).normal(size=(*ids.shape, 3)).astype(np.float32)
    found = layer.explain(ids, upstream)
    table = layer.embeddings
    gradient = grad(layer(ids), table, gradient=upstream).dense()
    expected = np.zeros((5, 3))
    np.add.at(expected, ids, upstream)
    for i in range(5):
        np.testing.assert_allclose(found[i].total, gradient[i], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found[i].total, expected[i], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found[i].sent.sum(axis=0), found[i].total, rtol=1e-5, atol=1e-6)
        flat, flat_upstream = ids.reshape(len(ids), -1), upstream.reshape(len(ids), -1, 3)
        assert [tuple(p) for p in found[i].places.tolist()] == list(zip(*np.nonzero(flat == i), strict=True))
        np.testing.assert_array_equal(found[i].sent, flat_upstream[tuple(found[i].places.T)])
        assert found[i].count == np.sum(ids == i)
        np.testing.assert_array_equal(found[i].values, table.numpy()[i])
    assert [row.id for row in found.table] == np.unique(ids).tolist() == found.ids.tolist()
    assert found.counts.sum() == ids.size
    assert found.untouched == 5 - len(np.unique(ids))
    assert len(found.checks) == 4
    assert all(check.holds for check in found.checks)


def test_without_an_upstream_gradient_it_is_ones():
    found = built().explain([[1, 4, 1]])
    assert found[1].total.tolist() == [2.0, 2.0, 2.0]
    assert "all ones, as none was given" in str(found)
    assert "as given" in str(built().explain([[1]], np.zeros((1, 1, 3))))


def test_one_id_and_one_axis_of_ids_are_places_as_well():
    assert built().explain(np.array(3)).ids.tolist() == [3]
    assert built().explain([3, 1, 3])[3].places.tolist() == [[0, 0], [2, 0]]


def test_no_ids_at_all():
    found = built().explain(np.zeros((2, 0), np.int64))
    assert (found.table, found.untouched) == ([], 5)
    assert "read at 0 places" in str(found)
    found.html()


def test_the_layer_stays_as_it_was():
    layer = built(activity_regularizer="l2")
    before, losses = layer.embeddings.numpy(), list(layer.losses)
    layer.explain([[1, 2]])
    np.testing.assert_array_equal(layer.embeddings.numpy(), before)
    assert [loss.item() for loss in layer.losses] == [loss.item() for loss in losses]
    assert layer.embeddings.grad is None


def test_a_frozen_layer_shows_what_it_would_get_and_says_so():
    layer = built(trainable=False)
    revision = mg.Variable.revision
    found = layer.explain([[1, 1]])
    assert found[1].total.tolist() == [2.0, 2.0, 2.0]
    assert "frozen" in str(found)
    assert not layer.embeddings.trainable
    assert mg.Variable.revision == revision  # no program is made anew


def test_it_works_where_nothing_is_recorded():
    with mg.no_grad():
        assert built().explain([[1, 1]])[1].total.tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_a_bag_has_places_though_their_rows_are_never_all_there(mode):
    layer = built(cls=EmbeddingBag, mode=mode)
    ids = np.array([[1, 2, 1], [0, 0, 1]])
    upstream = np.array([[1.0, 0, 0], [10.0, 0, 0]], np.float32)
    found = layer.explain(ids, upstream)
    share = 1.0 if mode == "sum" else 1 / 3
    assert found[1].places.tolist() == [[0, 0], [0, 2], [1, 2]]
    np.testing.assert_allclose(found[1].sent[:, 0], np.array([1.0, 1.0, 10.0]) * share, rtol=1e-6)
    gradient = grad(layer(ids), layer.embeddings, gradient=upstream).dense()
    np.testing.assert_allclose(found[1].total, gradient[1], rtol=1e-6)
    assert all(check.holds for check in found.checks)
    assert [check.other for check in found.checks if "one_hot" in check.one] == ["the sums"]


def test_what_a_bag_leaves_out_sends_nothing():
    found = built(cls=EmbeddingBag, mode="mean", mask_zero=True).explain([[0, 1, 1, 0]], [[2.0, 4.0, 6.0]])
    assert found[0].count == 2
    assert not found[0].total.any()
    np.testing.assert_allclose(found[1].sent, [[1.0, 2.0, 3.0]] * 2)
    assert all(check.holds for check in found.checks)


def test_the_maximum_of_a_bag_goes_column_by_column_and_is_no_look_up():
    layer = built(cls=EmbeddingBag, mode="max")
    found = layer.explain([[1, 2, 1]], [[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(found.elsewhere.sum(axis=0), [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(found.elsewhere, found.gradient.dense())
    assert found.lookups == []
    assert "the maximum of a bag" in str(found)


def test_a_padding_row_is_used_and_gets_nothing():
    found = built(padding_idx=0).explain([[0, 1, 0]])
    assert found[0].count == 2
    assert not found[0].total.any()
    assert "1 of the rows is frozen" in str(found)
    assert all(check.holds for check in found.checks)


def test_gradients_divided_by_how_often_an_id_stands_there_are_shown_so():
    found = built(scale_grad_by_freq=True).explain([[1, 2, 1]])
    np.testing.assert_allclose(found[1].sent, 0.5)
    np.testing.assert_allclose(found[1].total, 1.0)
    assert all(check.holds for check in found.checks)


@pytest.mark.parametrize(("oov", "row"), [("clip", 4), ("last", 4)])
def test_ids_out_of_range_go_where_the_layer_sends_them(oov, row):
    found = built(oov=oov).explain([[1, 70]])
    assert found.ids.tolist() == [1, row]


def test_rows_that_an_optimizer_has_put_off_are_shown_as_they_are():
    mg.utils.set_random_seed(1)
    x = mg.Input((2,), dtype="int32")
    layer = Embedding(50, 3)
    model = mg.Model(x, Dense(1)(GlobalAveragePooling1D()(layer(x))))
    model.compile("adam", "mse")
    for ids in ([[1, 2]], [[3, 3]], [[4, 5]], [[4, 6]]):
        model.train_on_batch(np.array(ids), np.ones((1, 1)))
    found = layer.explain([[1, 4]])
    shown = np.stack([found[1].values, found[4].values])
    np.testing.assert_array_equal(shown, layer.embeddings.numpy()[[1, 4]])


def test_ids_out_of_range_are_for_the_layer_to_complain_of():
    with pytest.raises(IdError, match=r"id 5 at .* is out of range"):
        built().explain([[1, 5]])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"upstream": np.ones((1, 2, 2))}, ShapeError, r"upstream has shape \(1, 2, 2\), expected \(1, 2, 3\)"),
        ({"labels": ["a", "b"]}, ValueError, "got 2 labels for a table of 5 rows"),
        ({"labels": "abcde"}, ValueError, "a single string"),
        ({"labels": {7: "x"}}, ValueError, "7 is no id of this table; its ids go from 0 to 4"),
        ({"rows": [1, 5]}, IdError, "5 is no id of this table"),
        ({"rows": 0}, ValueError, "how many rows to show"),
        ({"rows": ["a"]}, ValueError, "how many rows to show"),
        ({"rows": 1.5}, ValueError, "how many rows to show"),
    ],
)
def test_arguments_that_do_not_fit(arguments, error, message):
    with pytest.raises(error, match=message):
        built().explain([[1, 2]], **arguments)


def test_a_layer_that_was_never_built_has_no_table():
    with pytest.raises(ValueError, match="was never built"):
        Embedding(5, 3).explain([[1]])


def test_rows_of_a_small_table_are_known_whether_used_or_not():
    found = built().explain([[1]], labels=["a", "b", "c", "d", "e"])
    assert (found[2].label, found[2].count, found[2].places.shape, found[2].sent.shape) == ("c", 0, (0, 2), (0, 3))
    assert found[2].total.tolist() == [0, 0, 0]
    with pytest.raises(IdError, match="the ids 0 to 4"):
        found[5]
    assert found.labelled({1: "one"})[1].label == "one"
    assert found[1].label == "b"


def test_of_a_large_table_the_rows_used_and_those_asked_for_are_known():
    found = built(rows=5000, width=2).explain([[7, 9]], rows=[4000])
    assert found[7].count == 1
    assert found[4000].count == 0
    with pytest.raises(KeyError, match=r"ask for rows=\[4001\]"):
        found[4001]
    assert found.untouched == 4998


def test_the_rows_shown_are_those_used_most_or_those_asked_for():
    ids = np.repeat(np.arange(60), np.arange(60) + 1)[None]
    layer = built(rows=100)
    assert layer.explain(ids).shown.tolist() == list(range(59, 43, -1))
    assert layer.explain(ids, rows=2).shown.tolist() == [59, 58]
    assert layer.explain(ids, rows=[3, 90]).shown.tolist() == [3, 90]
    assert layer.explain([[5, 2]]).shown.tolist() == [2, 5]


# -- the checks -------------------------------------------------------------------------------------------------------


def arrived(sent_error=0.0, gradient_error=0.0, output_error=0.0):
    from minigrad.visualize.explain_trace import Arrived, Lookup

    rng = np.random.default_rng(1)
    table, ids = rng.normal(size=(5, 3)), np.array([[1, 2, 1], [3, 1, 1]])
    sent = rng.normal(size=(2, 3, 3))
    gradient = np.zeros((5, 3))
    np.add.at(gradient, ids, sent)
    gradient[1, 0] += gradient_error
    output = table[ids]
    output[0, 0, 0] += output_error
    sent[1, 1, 1] += sent_error
    place = Lookup(ids, sent, output, "call 1")
    found = Arrived([place], None, gradient)
    places = Places([place], 3, np.dtype(np.float64))
    return compare_all(found, places, (5, 3), table[places.ids])


@pytest.mark.parametrize(
    ("planted", "failing"),
    [
        ({}, []),
        ({"sent_error": 1e-3}, [0]),
        ({"gradient_error": 1e-3}, [0]),
        ({"gradient_error": np.nan}, [0]),
        ({"output_error": 1e-9}, [2]),
    ],
)
def test_a_planted_error_is_seen(planted, failing):
    checks = arrived(**planted)
    assert [i for i, check in enumerate(checks) if not check.holds] == failing
    assert ["NO" in str(check) for check in checks] == [i in failing for i in range(4)]


def test_the_one_hot_check_sees_a_wrong_sum(monkeypatch):
    found = built().explain([[1, 2, 1]])
    places = Places(found.lookups, 3, np.dtype(np.float32))
    places.totals[0, 0] += 1
    from minigrad.visualize.explain_trace import Arrived

    checks = compare_all(
        Arrived(found.lookups, None, found.gradient), places, (5, 3), found[1].values + np.zeros((2, 3))
    )
    assert not checks[0].holds
    assert not checks[3].holds


def test_a_gradient_for_a_row_that_nobody_used_is_seen():
    found = built().explain([[1, 2, 1]])
    from minigrad.visualize.explain_trace import Arrived

    gradient = found.gradient.dense()
    gradient[4] = 1
    used = np.stack([found[1].values, found[2].values])
    checks = compare_all(Arrived(found.lookups, None, gradient), found.where, (5, 3), used)
    assert [check.holds for check in checks] == [True, False, True, True]


def test_one_hot_ids_times_the_table_is_what_a_dense_layer_does():
    layer = built()
    ids = np.array([[1, 4, 1, 0]])
    dense = Dense(3, use_bias=False)
    hot = np.eye(5, dtype=np.float32)[ids]
    dense(hot)
    dense.set_weights([layer.embeddings.numpy()])
    upstream = np.random.default_rng(2).normal(size=(1, 4, 3)).astype(np.float32)
    output = dense(hot)
    np.testing.assert_array_equal(output.numpy(), layer(ids).numpy())
    found = layer.explain(ids, upstream)
    gradient = grad(output, dense.kernel, gradient=upstream)
    np.testing.assert_allclose(np.stack([found[i].total for i in range(5)]), gradient, rtol=1e-6)


def test_gradients_that_are_not_finite_are_shown_and_no_product_with_them_is_claimed():
    upstream = np.ones((1, 3, 3), np.float32)
    upstream[0, 1] = np.inf
    found = built().explain([[1, 2, 1]], upstream)
    assert found[2].total.tolist() == [np.inf] * 3
    assert len(found.checks) == 2
    assert all(check.holds for check in found.checks)
    assert "inf" in str(found)
    assert "is not compared: not all numbers are finite" in str(found)
    assert "is not compared: not all numbers are finite" in found.html()
    found.svg()
    upstream[0, 0] = np.nan
    assert all(check.holds for check in built().explain([[1, 2, 1]], upstream).checks)


def test_one_hot_ids_of_a_large_table_are_not_written_out(monkeypatch):
    import minigrad.visualize.explain_checks as checks
    import minigrad.visualize.explain_words as words

    ids = np.arange(5)[None]
    assert "not compared" not in str(built().explain(ids))
    monkeypatch.setattr(checks, "MOST_CELLS", 20)
    monkeypatch.setattr(words, "MOST_CELLS", 20)
    found = built().explain(ids)
    assert len(found.checks) == 2
    assert "The product with one-hot ids, (5, 5), is not compared: it is too large." in str(found)
