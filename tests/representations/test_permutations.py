"""Permutations: conversions, words, and the two actions on sequences and on functions of sequences."""

from functools import reduce
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import eye
from sympy.combinatorics import Permutation

from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import InvalidArgumentError, InvalidPermutationError, InvalidTypeError
from symrep.representations.irreps import natural
from symrep.representations.permutations import (
    act_on_positions,
    act_on_sequence,
    adjacent_transposition,
    as_permutation,
    coset_steps,
    cycle_type,
    permutation_of_cycle_type,
    reduced_word,
)


def symmetric_group(n):
    return [Permutation(list(images)) for images in permutations(range(n))]


def pairs_of_permutations(max_degree):
    return st.integers(1, max_degree).flatmap(
        lambda n: st.tuples(st.permutations(range(n)), st.permutations(range(n))).map(
            lambda pair: (Permutation(pair[0]), Permutation(pair[1]))
        )
    )


def test_the_product_is_first_p_then_q():
    p, q = Permutation([1, 2, 0, 3]), Permutation([0, 3, 1, 2])
    assert p * q != q * p
    assert (p * q).array_form == [q(p(i)) for i in range(4)]


def test_as_permutation_embeds_smaller_permutations_as_sympy_products_do():
    p, q = Permutation(0, 1), Permutation([0, 1, 3, 2])
    assert as_permutation(p, "p", 4) * q == p * q
    assert as_permutation(p, "p", 4).array_form == [1, 0, 2, 3]
    assert as_permutation(np.array([2, 0, 1]), "p", 3) == Permutation([2, 0, 1])
    assert as_permutation((1, 0), "p") == Permutation([1, 0])
    assert as_permutation([], "p", 0).size == 0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Permutation([1, 0, 2, 3]), r"^element must permute at most the points 0\.\.2, got \[1, 0, 2, 3\]$"),
        ([1, 0], r"^element must list the images of 0\.\.2, got \[1, 0\]$"),
        ([1, 1, 0], r"^element must list the images of 0\.\.2, got \[1, 1, 0\]$"),
        ([True, 0, 2], r"^element must be a sympy Permutation or a sequence of integers, got \[True, 0, 2\]$"),
        ([1.0, 0, 2], r"^element must be a sympy Permutation or a sequence of integers"),
        (3, r"^element must be a sympy Permutation or a sequence of integers, got 3$"),
        ("102", r"^element must be a sympy Permutation or a sequence of integers, got '102'$"),
    ],
)
def test_as_permutation_refuses(value, message):
    with pytest.raises(InvalidPermutationError, match=message):
        as_permutation(value, "element", 3)


@pytest.mark.parametrize("n", range(1, 6))
def test_cycle_types_count_the_classes(n):
    types = [cycle_type(g, n) for g in symmetric_group(n)]
    assert {shape: types.count(shape) for shape in types} == {shape: shape.class_size for shape in partitions(n)}
    assert all(cycle_type(permutation_of_cycle_type(shape)) == shape for shape in partitions(n))
    assert permutation_of_cycle_type([n]) == Permutation([*range(1, n), 0])


def test_cycle_type_counts_the_fixed_points_beyond_the_permutation():
    assert cycle_type(Permutation([1, 0]), 5) == Partition((2, 1, 1, 1))


@pytest.mark.parametrize("n", range(1, 6))
def test_reduced_words_are_words_and_reduced(n):
    for g in symmetric_group(n):
        word = reduced_word(g)
        assert reduce(lambda p, i: p * adjacent_transposition(i, n), word, Permutation(n - 1)) == g
        assert len(word) == g.inversions()


@pytest.mark.parametrize("n", range(2, 6))
def test_coset_steps_climb_the_chain_of_subgroups(n):
    for g in symmetric_group(n):
        partial = Permutation(n - 1)
        for k, step in enumerate(coset_steps(g.array_form), start=1):
            assert not step or step[-1] == k
            partial = reduce(lambda p, i: p * adjacent_transposition(i, n), step, Permutation(n - 1)) * partial
            assert partial.array_form[k + 1 :] == list(range(k + 1, n))
        assert partial == g


@pytest.mark.parametrize("i", [0, 4, -1])
def test_adjacent_transposition_refuses_an_index_outside(i):
    with pytest.raises(InvalidArgumentError, match=rf"^i must lie in 1\.\.3, got {i}$"):
        adjacent_transposition(i, 4)


def test_adjacent_transposition_refuses_a_float():
    with pytest.raises(InvalidTypeError, match=r"^i must be an integer, got 1\.0$"):
        adjacent_transposition(1.0, 4)


@settings(deadline=None)
@given(pairs_of_permutations(6))
def test_sequences_are_composed_with_the_inverse(pair):
    p, q = pair
    x = "abcdef"[: p.size]
    inverse = (~p).array_form
    assert act_on_sequence(p, x) == tuple(x[inverse[i]] for i in range(p.size))
    assert act_on_sequence(p * q, x) == act_on_sequence(q, act_on_sequence(p, x))


@pytest.mark.parametrize(("vocab_size", "length"), [(2, 4), (3, 3)])
def test_functions_carry_a_representation_for_sympys_product(vocab_size, length):
    f = np.random.default_rng(0).integers(0, 10**6, (vocab_size,) * length)
    group = symmetric_group(length)
    moved = {p: act_on_positions(p, f) for p in group}
    for p in group:
        for x in product(range(vocab_size), repeat=length):
            assert moved[p][x] == f[act_on_sequence(p, x)]
        for q in group:
            assert np.array_equal(act_on_positions(p, act_on_positions(q, f)), act_on_positions(p * q, f))


def test_vectors_are_functions_in_the_order_of_itertools_product():
    p = Permutation([1, 2, 0])
    f = np.arange(27)
    expected = act_on_positions(p, f.reshape(3, 3, 3)).reshape(27)
    assert np.array_equal(act_on_positions(p, f, vocab_size=3), expected)
    smaller = Permutation([1, 0])
    embedded = act_on_positions(smaller, f, vocab_size=3)
    assert np.array_equal(embedded, f.reshape(3, 3, 3).transpose(1, 0, 2).reshape(27))
    assert np.array_equal(act_on_positions(p, np.array([7]), vocab_size=1), [7])


@pytest.mark.parametrize("f", [np.zeros(8), np.zeros((3, 3)), np.zeros(3)])
def test_vectors_of_another_size_are_refused(f):
    with pytest.raises(InvalidArgumentError, match=r"^f must be a vector of 3\^L values, L at least the size of g"):
        act_on_positions(Permutation([1, 0]), f, vocab_size=3)


def test_the_action_on_functions_agrees_with_the_natural_representation():
    length, p = 4, Permutation([1, 3, 0, 2])
    assert p != ~p
    for j in range(length):
        indicator = np.array([x[j] for x in product(range(2), repeat=length)])
        image = np.array([x[(~p)(j)] for x in product(range(2), repeat=length)])
        assert np.array_equal(act_on_positions(p, indicator, vocab_size=2), image)
        assert natural(length).matrix(p) * eye(length).col(j) == eye(length).col((~p)(j))
