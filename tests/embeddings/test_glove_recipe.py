"""GloVe: counting pairs, what a step minimises, and what is learned."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.embeddings import Cooccurrences, Corpus, cooccurrence, glove_model, glove_recipe, train_glove
from minigrad.embeddings.glove_recipe import Batches
from planted_topics import share_of_kin, topic_lines

LINES = st.lists(st.lists(st.sampled_from("abcde"), max_size=12), min_size=1, max_size=8)


def found_pairs(corpus: Corpus, window: int) -> dict[tuple[str, str], float]:
    with Cooccurrences(corpus, window) as pairs:
        found = {
            tuple(sorted((corpus.words[i], corpus.words[j]))): x
            for part in pairs
            for i, j, x in zip(part.first.tolist(), part.second.tolist(), part.times.tolist())
        }
        assert len(found) == len(pairs)
    return found


def expected_pairs(lines: list[list[str]], window: int) -> Counter:
    pairs: Counter = Counter()
    for line in lines:
        for i, word in enumerate(line):
            for far, other in enumerate(line[i + 1 : i + 1 + window], 1):
                pairs[tuple(sorted((word, other)))] += 1 / far
    return pairs


@settings(max_examples=50)
@given(lines=LINES, window=st.integers(1, 5), block=st.integers(3, 40), size=st.integers(1, 40))
def test_pairs_are_counted_over_blocks_and_merged_over_ranges(lines, window, block, size):
    lines = [*lines, list("ab")]
    with pytest.MonkeyPatch.context() as patch, Corpus([" ".join(line) for line in lines], min_count=1) as corpus:
        patch.setattr(cooccurrence, "BLOCK", block)
        patch.setattr(cooccurrence, "RANGE", size)
        assert found_pairs(corpus, window) == pytest.approx(dict(expected_pairs(lines, window)), rel=1e-5)


def test_parts_are_of_pairs_at_random(monkeypatch):
    monkeypatch.setattr(cooccurrence, "RANGE", 100)
    with Corpus(topic_lines(100), min_count=1) as corpus, Cooccurrences(corpus, 5) as pairs:
        assert pairs.parts > 2
        for part in pairs:
            assert len(set(part.first.tolist())) > 20  # and not one word after another
            assert part.first.dtype == part.second.dtype == np.int32
            assert np.all(part.first <= part.second)


def test_progress_tells_the_words_counted(monkeypatch):
    monkeypatch.setattr(cooccurrence, "BLOCK", 5)
    told = []
    with Corpus(["a b c", "d e f"], min_count=1) as corpus:
        Cooccurrences(corpus, 2, told.append).close()
    assert told[-1] == 6
    assert told == sorted(told)


@pytest.mark.parametrize("batch", [2, 3, 100])
def test_an_epoch_has_each_pair_both_ways(batch, monkeypatch):
    monkeypatch.setattr(glove_recipe, "MOST_PAIRS", batch)
    monkeypatch.setattr(glove_recipe, "LEAST_STEPS", 1)
    with Corpus(["a b c d a", "b a"], min_count=1) as corpus, Cooccurrences(corpus, 3) as pairs:
        found: Counter = Counter()
        made = Batches(pairs, most=2.0, power=0.5, seed=1)
        steps = list(made.epoch(0))
        for step in steps:
            for i, j, logarithm, weight in zip(*step.x, step.y[:, 0], step.sample_weight):
                if weight:
                    found[corpus.words[i], corpus.words[j]] += 1
                    assert weight == pytest.approx(min(np.exp(logarithm) / 2, 1) ** 0.5, rel=1e-5)
        assert {x.shape for step in steps for x in step.x} == {(2 * min(batch, len(pairs)),)}
        assert steps[-1].done == made.length == len(pairs)
        for part in pairs:
            for i, j in zip(part.first, part.second):
                assert found[corpus.words[i], corpus.words[j]] == (1 if i != j else 2)
        assert found.total() == 2 * len(pairs)


def test_a_last_batch_is_filled_with_pairs_that_weigh_nothing(monkeypatch):
    monkeypatch.setattr(glove_recipe, "LEAST_STEPS", 3)
    with Corpus(["a b c d a", "b a e f"], min_count=1) as corpus, Cooccurrences(corpus, 2) as pairs:
        made = Batches(pairs, most=2.0, power=0.5, seed=1)
        assert len(pairs) % made.size
        weights = [step.sample_weight.reshape(2, made.size) for step in made.epoch(0)]
        assert [int((both > 0).sum()) for both in weights[-1]] == [len(pairs) % made.size] * 2
        assert all((both > 0).all() for both in weights[:-1])


def test_an_epoch_follows_from_its_seed_and_number():
    with Corpus(topic_lines(20), min_count=1) as corpus, Cooccurrences(corpus, 5) as pairs:
        one, again, other = (
            [batch.x[0].tolist() for batch in Batches(pairs, 100.0, 0.75, 1).epoch(number)] for number in (0, 0, 1)
        )
    assert one == again
    assert one != other


def test_the_model_is_four_embeddings_and_the_loss_least_squares():
    model = glove_model(20, 3, seed=1)
    assert {name: w.shape for name, w in model.named_weights().items()} == {
        "words/embeddings": (20, 3),
        "contexts/embeddings": (20, 3),
        "word_biases/embeddings": (20, 1),
        "context_biases/embeddings": (20, 1),
    }
    tables = {name.split("/")[0]: w.numpy() for name, w in model.named_weights().items()}
    i, j = np.array([1, 5, 5]), np.array([2, 2, 7])
    expected = (tables["words"][i] * tables["contexts"][j]).sum(axis=1, keepdims=True)
    expected += tables["word_biases"][i] + tables["context_biases"][j]
    np.testing.assert_allclose(model.predict([i, j], verbose=0), expected, rtol=1e-5, atol=1e-6)


def test_a_small_matrix_is_fitted():
    vectors = train_glove(topic_lines(200), width=24, epochs=10, verbose=0)
    assert vectors.width == 24
    assert share_of_kin(vectors) > 0.95


def test_the_same_seed_gives_the_same_vectors():
    one, again, other = (train_glove(topic_lines(60), width=4, epochs=2, seed=seed, verbose=0) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.matrix, again.matrix)
    assert not np.array_equal(one.matrix, other.matrix)


def test_verbose_tells_of_pairs(capsys):
    train_glove(topic_lines(40), width=4, epochs=1, verbose=2)
    told = capsys.readouterr().out
    assert "different pairs within 10 words" in told
    assert "Epoch 1/1" in told


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 0}, "window is a whole number from 1, got 0"),
        ({"x_max": -1}, "x_max is a number above zero, got -1"),
        ({"alpha": "0.75"}, "alpha is a number above zero, got '0.75'"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        train_glove(["a b"] * 9, verbose=0, **options)


def test_a_text_without_pairs_is_refused():
    with pytest.raises(ValueError, match="no two words of the text are on the same line"):
        train_glove(["a", "b"] * 9, verbose=0)
