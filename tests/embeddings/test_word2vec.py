"""Word2vec: what its batches hold, what a step does, and what is learned."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.embeddings import Corpus, cbow_model, skip_gram_model, train_word2vec, word2vec
from minigrad.embeddings.word2vec import CHUNK, DRAWN, Batches, NegativeSampling
from minigrad.optimizers import SGD
from planted_topics import share_of_kin, topic_lines

LINES = st.lists(st.lists(st.sampled_from("abcde"), max_size=40), min_size=2, max_size=5)


@contextmanager
def batches(lines: list[str], window: int = 3, sample: float = 0.0, cbow: bool = False, **more) -> Iterator[Batches]:
    with Corpus(lines, min_count=1) as corpus:
        yield Batches(corpus, window, 5, sample, cbow, **{"seed": 1, "learning_rate": 0.025} | more)


def expected_pairs(lines: list[list[str]], window: int) -> Counter:
    """How often each pair counts, one pair after another."""
    pairs: Counter = Counter()
    for line in lines:
        for i, word in enumerate(line):
            for j, other in enumerate(line):
                if 0 < abs(i - j) <= window:
                    pairs[word, other] += (window + 1 - abs(i - j)) / window
    return pairs


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@settings(max_examples=25)
@given(lines=LINES, window=st.integers(1, 6))
def test_batches_hold_each_pair_as_often_as_a_random_window_reaches_it(lines, window):
    lines = [*lines, list("ab")]
    with batches([" ".join(line) for line in lines], window) as made:
        words, found = made.corpus.words, Counter()
        drawn = 0.0
        for batch in made.epoch(0):
            centres, others = batch.x
            assert batch.pairs == pytest.approx(batch.y[batch.y > 0].sum(), abs=1e-3)
            for chunk, i, k in np.argwhere(batch.y > 0):
                found[words[centres[chunk, i]], words[others[chunk, k]]] += batch.y[chunk, i, k]
            drawn -= batch.y[batch.y < 0].sum()
        expected = expected_pairs(lines, window)
        assert found.keys() == expected.keys()
        assert all(found[pair] == pytest.approx(expected[pair], rel=1e-4) for pair in expected)
        assert drawn == pytest.approx(5 * sum(expected.values()), rel=1e-4)


@settings(max_examples=25)
@given(lines=LINES, window=st.integers(1, 4))
def test_cbow_means_are_over_the_words_around(lines, window):
    lines = [*lines, list("ab")]
    with batches([" ".join(line) for line in lines], window, cbow=True) as made:
        found = []
        for batch in made.epoch(0):
            around, shares, others = batch.x
            for chunk, i in np.argwhere(np.diagonal(batch.y[:, :, :CHUNK], axis1=1, axis2=2)):
                mean = Counter()
                for word, share in zip(around[chunk], shares[chunk, i]):
                    mean[made.corpus.words[word]] += float(share)
                found.append((made.corpus.words[others[chunk, i]], {w: round(s, 4) for w, s in mean.items() if s}))
        expected = []
        for line in lines:
            for i, word in enumerate(line):
                near = {j: window + 1 - abs(i - j) for j in range(len(line)) if 0 < abs(i - j) <= window}
                mean = Counter()
                for j, often in near.items():
                    mean[line[j]] += often / sum(near.values())
                if near:
                    expected.append((word, {w: round(s, 4) for w, s in mean.items()}))
        assert len(found) == len(expected)
        for (word, mean), (other, other_mean) in zip(found, expected):
            assert word == other
            assert mean == pytest.approx(other_mean, abs=2e-4)


@pytest.mark.parametrize("eager", [False, True])
def test_a_step_is_the_sum_of_the_steps_of_word2vec(eager):
    with batches(["the cat sat on the mat", "a dog and a cat"] * 9) as made:
        model = made.model(8)
        model.compile(SGD(0.1), NegativeSampling(), run_eagerly=eager)
        words, contexts = model.weights
        contexts.assign(np.random.default_rng(1).normal(size=contexts.shape).astype(np.float32))
        u, v = words.numpy().astype(np.float64), contexts.numpy().astype(np.float64)
        batch = next(made.epoch(0))
        new_u, new_v, loss = u.copy(), v.copy(), 0.0
        for chunk, i, k in np.argwhere(batch.y):
            word, other, often = batch.x[0][chunk, i], batch.x[1][chunk, k], abs(batch.y[chunk, i, k])
            is_there = batch.y[chunk, i, k] > 0
            chance = sigmoid(u[word] @ v[other])
            loss -= often * np.log(chance if is_there else 1 - chance)
            step = 0.1 * often * (is_there - chance)
            new_u[word] += step * v[other]
            new_v[other] += step * u[word]
        assert model.train_on_batch(batch.x, batch.y) == pytest.approx(loss, rel=1e-4)
        np.testing.assert_allclose(words.numpy(), new_u, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(contexts.numpy(), new_v, rtol=1e-3, atol=1e-4)


def test_frequent_words_are_thinned_out_and_all_batches_have_one_shape():
    with batches(["common " * 40 + f"rare{chr(97 + i)} x" for i in range(20)], sample=1e-2) as made:
        share = made.corpus.counts / made.corpus.counts.sum()
        expected = np.minimum(1, np.sqrt(1e-2 / share) + 1e-2 / share)
        np.testing.assert_allclose(made.keep, expected)
        kept, shapes = np.zeros(len(share)), set()
        for epoch in range(30):
            for batch in made.epoch(epoch):
                shapes.add((batch.x[0].shape, batch.x[1].shape, batch.y.shape))
                np.add.at(kept, batch.x[0][batch.y.max(axis=2) > 0], 1)
        assert len(shapes) == 1
        common = made.corpus.words.index("common")
        assert kept[common] / 30 / made.corpus.counts[common] == pytest.approx(expected[common], rel=0.1)


def test_drawn_words_follow_the_counts_to_the_power_of_three_quarters():
    with batches(["a " * 600 + "b " * 200 + "c"]) as made:
        shares = np.bincount(made.noise) / len(made.noise)
        powers = np.array([600.0, 200.0, 1.0]) ** 0.75
        np.testing.assert_allclose(shares, powers / powers.sum(), atol=1e-4)


def test_an_epoch_follows_from_its_seed_and_number():
    def ids(seed: int, epoch: int) -> list:
        with batches(topic_lines(20), sample=1e-2, seed=seed) as made:
            return [batch.x[1].tolist() for batch in made.epoch(epoch)]

    assert ids(1, 2) == ids(1, 2)
    assert ids(1, 2) != ids(1, 3)
    assert ids(1, 2) != ids(2, 2)


def test_a_frequent_word_makes_batches_small():
    pairs = [" ".join(a + b for a in "abcdefghijklmnopqrst" for b in "abcdefghijklmnopqrst")]
    with batches(pairs) as many, batches(["a b c d"] * 100) as few:
        assert few.chunks < many.chunks
    with batches(["a b c d"] * 100, learning_rate=1e-4) as slow:
        assert slow.chunks > few.chunks


@pytest.mark.parametrize("cbow", [False, True])
def test_words_of_one_topic_become_neighbours(cbow):
    vectors = train_word2vec(topic_lines(), width=16, epochs=5, sample=0, cbow=cbow, verbose=0)
    assert len(vectors) == 48
    assert vectors.width == 16
    assert share_of_kin(vectors) > 0.95


def test_the_same_seed_gives_the_same_vectors():
    one, again, other = (train_word2vec(topic_lines(60), width=4, epochs=1, seed=seed, verbose=0) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.matrix, again.matrix)
    assert not np.array_equal(one.matrix, other.matrix)


def test_the_models_are_two_embeddings():
    for model in (skip_gram_model(100, 8, 4, 10), cbow_model(100, 8, 6, 4, 10)):
        assert sorted(model.named_weights()) == ["contexts/embeddings", "words/embeddings"]
        assert model.output_shape == (None, 4, 10)


def test_verbose_tells_of_the_text_and_of_each_epoch(tmp_path, capsys):
    path = tmp_path / "topics.txt"
    path.write_text("\n".join(topic_lines(40)), encoding="utf-8")
    train_word2vec(path, width=4, epochs=2, verbose=2)
    told = capsys.readouterr().out
    assert "topics.txt" in told
    assert re.search(r"480 words; \d+ different ones are there 5 times or more", told)
    assert "Epoch 2/2" in told
    assert "loss: " in told
    assert DRAWN == word2vec.DRAWN
    train_word2vec(path, width=4, epochs=1, verbose=0)
    assert capsys.readouterr().out == ""


def test_lines_of_one_word_teach_nothing():
    with pytest.raises(ValueError, match="no two words of the text are on the same line"):
        train_word2vec(["a", "b"] * 9, verbose=0)


def test_blocks_of_which_nothing_is_kept_are_passed_over():
    with batches(["a b"] * 3) as made:
        made.keep[:] = 0
        assert list(made.epoch(0)) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "width is a whole number from 1, got 0"),
        ({"window": 2.5}, "window is a whole number from 1, got 2.5"),
        ({"negative": 0}, "negative is a whole number from 1"),
        ({"epochs": True}, "epochs is a whole number from 1, got True"),
        ({"sample": 2}, "sample is a share of the text"),
        ({"learning_rate": 0}, "learning_rate is a number above zero, got 0"),
        ({"learning_rate": float("nan")}, "learning_rate is a number above zero, got nan"),
        ({"seed": -1}, "seed"),
        ({"verbose": 7}, r"verbose is 0 \(silent\), 1 \(a bar\)"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        train_word2vec(["a b"] * 9, **{"verbose": 0} | options)


@pytest.mark.slow
def test_compiled_programs_learn_the_same():
    vectors = {}
    for jit_compile in (False, True):
        with batches(topic_lines(100)) as made:
            model = made.model(8)
            start = np.random.default_rng(1)
            for w in model.weights:
                w.assign(start.normal(size=w.shape, scale=0.1).astype(np.float32))
            model.compile(SGD(0.025), NegativeSampling(), jit_compile=jit_compile)
            for batch in made.epoch(0):
                model.train_on_batch(batch.x, batch.y)
            vectors[jit_compile] = model.weights[0].numpy()
    np.testing.assert_allclose(vectors[True], vectors[False], atol=1e-4)
