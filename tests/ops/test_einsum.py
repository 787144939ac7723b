"""einsum against NumPy's, with gradients to second order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.core.symbol import Symbol
from minigrad.errors import ShapeError

rng = np.random.default_rng(0)


@pytest.mark.parametrize("optimize", [False, True, "greedy", "optimal"])
@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("ij,jk", [(2, 3), (3, 4)]),
        ("ba", [(2, 3)]),
        ("ii", [(3, 3)]),
        ("ii->i", [(3, 3)]),
        ("iij->j", [(2, 2, 3)]),
        ("iii->i", [(2, 2, 2)]),
        ("i->", [(3,)]),
        ("->", [()]),
        (",->", [(), ()]),
        ("i,j->", [(2,), (3,)]),
        ("...ij,...jk->...ik", [(2, 1, 2, 3), (4, 3, 2)]),
        ("...ij->...ji", [(2, 2, 3)]),
        ("i...,i...", [(2, 3), (2, 1)]),
        ("...,...", [(3,), (2, 3)]),
        ("i...->...", [(2, 3)]),
        ("...i", [(2, 3)]),
        ("i,i", [(2,), (1,)]),
        ("ij,ij->ij", [(2, 1), (1, 3)]),
        ("bij, bjk -> bki", [(2, 2, 3), (2, 3, 2)]),
        ("i,ij,j", [(2,), (2, 3), (3,)]),
        ("ij,j->i", [(1, 3), (1,)]),
        ("ij,jk->ik", [(2, 0), (0, 3)]),
    ],
    ids=str,
)
def test_like_numpy_to_second_order(subscripts: str, shapes: list, optimize: Any) -> None:
    arrays = [rng.normal(size=s) for s in shapes]
    expected = np.einsum(subscripts, *arrays, optimize=optimize)
    got = np.einsum(subscripts, *map(mg.Tensor, arrays), optimize=optimize)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12, atol=1e-12)
    symbols = [Symbol.of(s, np.float64) for s in shapes]
    assert np.einsum(subscripts, *symbols, optimize=optimize).shape == got.shape == expected.shape
    if optimize in (False, "greedy"):
        mg.check_grads(lambda *xs: np.einsum(subscripts, *xs, optimize=optimize), arrays)


@st.composite
def contractions(draw: Any) -> tuple[str, list[np.ndarray]]:
    sizes = {c: draw(st.integers(1, 3)) for c in "abcd"}
    terms = draw(st.lists(st.text("abcd", max_size=3), min_size=1, max_size=3))
    letters = sorted(set("".join(terms)))
    output = "".join(draw(st.permutations(draw(st.lists(st.sampled_from(letters), unique=True)) if letters else [])))
    arrays = [
        rng.normal(size=tuple(sizes[c] if term.count(c) > 1 or draw(st.integers(0, 4)) else 1 for c in term))
        for term in terms
    ]
    return ",".join(terms) + "->" + output, arrays


@given(contractions())
def test_any_labels(case: tuple) -> None:
    subscripts, arrays = case
    expected = np.einsum(subscripts, *arrays)
    np.testing.assert_allclose(np.einsum(subscripts, *map(mg.Tensor, arrays)).numpy(), expected, rtol=1e-10, atol=1e-10)
    mg.check_grads(lambda *xs: np.einsum(subscripts, *xs), arrays, order=1)


def test_the_special_values_of_einsum() -> None:  # reliability.md 1.3, row 19
    x = mg.Tensor(np.ones((3, 3)), requires_grad=True)
    np.testing.assert_array_equal(mg.grad(np.einsum("ii", x), x), np.eye(3))
    a, b = mg.Tensor([1.0, 2.0], requires_grad=True), mg.Tensor([3.0], requires_grad=True)
    ga, gb = mg.grad(np.einsum("i,i", a, b), [a, b])
    np.testing.assert_array_equal(ga, [3, 3])
    np.testing.assert_array_equal(gb, [3])


def test_float32_stays() -> None:
    x = mg.Tensor(np.ones((2, 2), np.float32), requires_grad=True)
    y = np.einsum("ii,jk->", x, x)
    assert y.dtype == mg.grad(y, x).dtype == np.float32


def test_an_open_batch_stays_open() -> None:
    x = Symbol.of((None, 3), np.float32)
    assert np.einsum("...i,ij->...j", x, np.ones((3, 5), np.float32)).shape == (None, 5)


@pytest.mark.parametrize(
    ("subscripts", "shapes", "words"),
    [
        ("ij,jk", [(2, 3)], "describes 2 operands, got 1"),
        ("ij", [(2,)], "operand 0 has 1 axes"),
        ("i", [(2, 3)], "operand 0 has 2"),
        ("ij,jk", [(2, 3), (4, 5)], "'j'.*stands for 4.*elsewhere for 3"),
        ("ii", [(2, 3)], "'i'.*stands for 3"),
        ("i->ii", [(2,)], "stands there twice"),
        ("i->j", [(2,)], "on no operand"),
        ("i1->i", [(2, 2)], "'1'.*not a letter"),
        ("...i->i", [(2, 3)], "on the left only"),
    ],
    ids=str,
)
def test_subscripts_that_do_not_fit(subscripts: str, shapes: list, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        np.einsum(subscripts, *(mg.Tensor(np.zeros(s)) for s in shapes))
    with pytest.raises(ValueError, match=words):
        np.einsum(subscripts, *(Symbol.of(s, np.float32) for s in shapes))


def test_other_ways_to_call_it_are_refused() -> None:
    x = mg.Tensor(np.ones((2, 2)))
    with pytest.raises(TypeError, match="as a string"):
        np.einsum(x, [0, 0])
    with pytest.raises(TypeError, match="optimize"):
        np.einsum("ij->i", x, optimize=["einsum_path", (0,)])
    with pytest.raises(ShapeError, match="einsum"):
        np.einsum("i,i", x[0], mg.Tensor(np.ones(3)))
