"""Hashing and HashedCrossing: the bins of Keras, that is of FarmHash's Fingerprint64 and of SipHash-2-4."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.errors import DTypeError, ShapeError
from minigrad.layers import HashedCrossing, Hashing
from minigrad.preprocessing.hashes import fingerprint, keyed

LETTERS = [["A"], ["B"], ["C"], ["D"], ["E"]]

# Words of 0 to 140 bytes, so that each branch of the hash is taken; their bins in Keras 3.15, TensorFlow 2.21.
WORDS = ["x" * n + str(n) for n in range(0, 140, 3)] + ["é", "日本語" * 20, "", "Keras", "january"]
PLAIN = """
    537292 590671 176739 148313 700602 509826 378025 637914 884638 780698 802050 213530 494808 962086 867267
    794776 124167 142664 449522 984154 511045 299172 80156 213536 420927 300163 691773 944259 394709 177048
    436451 834240 917584 547664 510461 640075 959757 427689 46006 593109 855286 279914 127583 27734 247487
    425036 717870 47472 260828 377723 817064 847881
"""
SALTED = """
    757475 752994 13473 174533 16009 10945 188357 48501 907573 949074 305587 466684 733154 521539 569338
    509677 103102 353900 569720 741061 162123 166744 477029 916042 242632 877932 667147 971575 219631 973242
    988259 785018 757616 327976 758195 230500 26408 353524 930786 419135 89939 395299 30440 364046 84126
    647208 327249 423002 254494 498753 532274 755112
"""


@pytest.mark.parametrize(("salt", "bins"), [(None, PLAIN), (7, SALTED), ([7, 7], SALTED)])
def test_words_of_all_lengths_fall_in_the_bins_of_keras(salt, bins):
    assert Hashing(num_bins=1_000_003, salt=salt)(WORDS).tolist() == list(map(int, bins.split()))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [1, 0, 1, 1, 2]),
        ({"salt": [133, 137]}, [1, 2, 1, 0, 2]),
        ({"salt": 133}, [0, 0, 2, 1, 0]),
    ],
)
def test_the_examples_of_the_documentation(arguments, expected):
    assert Hashing(num_bins=3, **arguments)(LETTERS).numpy().ravel().tolist() == expected


def test_the_mask_value_has_bin_0_for_itself():
    layer = Hashing(num_bins=3, mask_value="")
    assert layer([["A"], ["B"], [""], ["C"], ["D"]]).numpy().ravel().tolist() == [1, 1, 0, 2, 2]


def test_integers_are_hashed_by_their_digits():
    assert Hashing(num_bins=30)([[1], [2], [-3], [100000]]).numpy().ravel().tolist() == [9, 19, 9, 10]
    assert Hashing(num_bins=30, mask_value=2)([1, 2, -3, 100000]).tolist() == [18, 0, 18, 3]


def test_output_modes():
    assert Hashing(num_bins=3, output_mode="one_hot")(["A", "B", "B"]).tolist() == [[0, 1, 0], [1, 0, 0], [1, 0, 0]]
    assert Hashing(num_bins=3, output_mode="count")([["A", "B", "B"]]).tolist() == [[2, 1, 0]]


def test_crossed_features_fall_in_the_bins_of_keras():
    features = [np.array(["A", "B", "A", "B", "A"]), np.array([101, 101, 101, 102, 102])]
    assert HashedCrossing(num_bins=5)(features).tolist() == [1, 4, 1, 1, 3]
    one_hot = HashedCrossing(num_bins=5, output_mode="one_hot")(features)
    np.testing.assert_array_equal(one_hot.numpy(), np.eye(5)[[1, 4, 1, 1, 3]])


def test_the_published_vector_of_siphash():
    key = int.from_bytes(bytes(range(8)), "little"), int.from_bytes(bytes(range(8, 16)), "little")
    assert keyed(bytes(range(15)), key) == 0xA129CA6149BE45E5  # Aumasson and Bernstein, appendix A


def test_fingerprints_have_64_bits():
    assert max(fingerprint(w.encode()) for w in WORDS).bit_length() == 64


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Hashing(num_bins=0), ValueError, "num_bins=0"),
        (lambda: Hashing(num_bins=3, salt="x"), ValueError, "salt='x'; expected an integer, or two"),
        (lambda: Hashing(num_bins=3, salt=[1, 2, 3]), ValueError, "salt="),
        (lambda: Hashing(num_bins=3, output_mode="ints"), ValueError, "Did you mean 'int'"),
        (lambda: Hashing(num_bins=3)([1.5]), DTypeError, r"1\.5 at \[0\] is no whole number"),
        (lambda: HashedCrossing(num_bins=3)(["a"]), ShapeError, "at least two features"),
        (lambda: HashedCrossing(num_bins=3)([["a", "b"], ["a"]]), ShapeError, "different shapes"),
        (lambda: HashedCrossing(num_bins=3)([[["a", "b"]], ["a"]]), ShapeError, r"\(batch, 1\), got \(1, 2\)"),
    ],
)
def test_what_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_config_makes_the_layer_again():
    layer = Hashing(num_bins=50, mask_value="", salt=[1, 2])
    again = Hashing.from_config(layer.get_config())
    assert again(WORDS).tolist() == layer(WORDS).tolist()
