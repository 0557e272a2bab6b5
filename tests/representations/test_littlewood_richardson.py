"""Littlewood-Richardson coefficients: laws, induced characters as a second route, GAP and lrcalc."""

import json
from fractions import Fraction
from itertools import product
from math import comb
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep.combinatorics.partitions import Partition, partitions
from symrep.combinatorics.tableaux import kostka_number
from symrep.errors import InvalidPartitionError
from symrep.representations.characters import character
from symrep.representations.littlewood_richardson import (
    littlewood_richardson_coefficient,
    littlewood_richardson_product,
    skew_schur,
)
from symrep.testing.strategies import partitions_of

ORACLES = Path(__file__).parents[1] / "oracles"
GAP = json.loads((ORACLES / "coefficients_gap.json").read_text())
PACKAGES = json.loads((ORACLES / "coefficients_packages.json").read_text())


def as_terms(pairs):
    return {Partition(shape): number for shape, number in pairs}


def product_of(f, b):
    """A combination of Schur functions times one more."""
    total = {}
    for a, number in f.items():
        for shape, multiplicity in littlewood_richardson_product(a, b).items():
            total[shape] = total.get(shape, 0) + number * multiplicity
    return total


def coefficient_by_induction(outer, a, b):
    """Frobenius reciprocity: the scalar product over S_k x S_l with the restricted character."""
    total = Fraction(0)
    for rho, sigma in product(partitions(a.size), partitions(b.size)):
        joined = Partition(sorted(rho.parts + sigma.parts, reverse=True))
        values = character(a, rho) * character(b, sigma) * character(outer, joined)
        total += Fraction(values, rho.centralizer_order * sigma.centralizer_order)
    return total


@pytest.mark.parametrize("n", range(7))
def test_induced_characters_give_the_same_coefficients(n):
    for k in range(n + 1):
        for a, b in product(partitions(k), partitions(n - k)):
            terms = littlewood_richardson_product(a, b)
            assert terms == {c: x for c in partitions(n) if (x := coefficient_by_induction(c, a, b))}


@pytest.mark.parametrize("n", range(8))
def test_product_skew_function_and_coefficient_agree(n):
    for outer in partitions(n):
        for k in range(n + 1):
            for a in partitions(k):
                skew = skew_schur(outer, a)
                assert list(skew) == [b for b in partitions(n - k) if b in skew]
                for b in partitions(n - k):
                    expected = littlewood_richardson_product(a, b).get(outer, 0)
                    assert littlewood_richardson_coefficient(outer, a, b) == skew.get(b, 0) == expected


def test_against_gap():
    assert len(GAP["littlewood_richardson"]) >= 100
    for a, b, terms in GAP["littlewood_richardson"]:
        assert littlewood_richardson_product(a, b) == as_terms(terms), (a, b)


def test_against_lrcalc():
    for a, b, terms in PACKAGES["products"]:
        assert littlewood_richardson_product(a, b) == as_terms(terms), (a, b)
    for outer, inner, terms in PACKAGES["skew_functions"]:
        assert skew_schur(outer, inner) == as_terms(terms), (outer, inner)
    for outer, a, b, value in PACKAGES["large_coefficients"]:
        assert littlewood_richardson_coefficient(outer, a, b) == value, (outer, a, b)


@given(partitions_of(0, 10), partitions_of(0, 10))
@settings(deadline=None, max_examples=40)
def test_dimensions_and_symmetries_of_products(a, b):
    terms = littlewood_richardson_product(a, b)
    dimension = comb(a.size + b.size, a.size) * a.dimension * b.dimension
    assert sum(shape.dimension * number for shape, number in terms.items()) == dimension
    assert littlewood_richardson_product(b, a) == terms
    conjugates = littlewood_richardson_product(a.conjugate, b.conjugate)
    assert {shape.conjugate: number for shape, number in conjugates.items()} == terms
    assert list(terms) == sorted(terms, key=lambda shape: shape.parts, reverse=True)


@given(partitions_of(0, 5), partitions_of(0, 5), partitions_of(0, 5))
@settings(deadline=None, max_examples=30)
def test_products_are_associative(a, b, c):
    assert product_of(littlewood_richardson_product(a, b), c) == product_of(littlewood_richardson_product(b, c), a)


@given(partitions_of(0, 12), st.integers(0, 6))
@settings(deadline=None, max_examples=40)
def test_products_with_a_row_or_a_column_are_strips(shape, k):
    row, column = Partition((k,) if k else ()), Partition((1,) * k)
    by_row, by_column = littlewood_richardson_product(shape, row), littlewood_richardson_product(shape, column)
    assert set(by_row.values()) == set(by_column.values()) == {1}
    for larger in by_row:
        assert larger.contains(shape) and all(b <= a for a, b in zip(shape.parts, larger.parts[1:]))
    assert len(by_row) == len(littlewood_richardson_product(shape.conjugate, column))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
@settings(deadline=None, max_examples=25)
def test_products_of_rows_are_kostka_numbers(weight):
    terms = {Partition(()): 1}
    for k in weight:
        terms = product_of(terms, Partition((k,)))
    n = sum(weight)
    assert terms == {shape: x for shape in partitions(n) if (x := kostka_number(shape, weight))}


@given(partitions_of(0, 9), partitions_of(0, 5), partitions_of(0, 5))
@settings(deadline=None, max_examples=40)
def test_skewing_is_adjoint_to_multiplication(outer, a, b):
    """Removing a and then b is removing all shapes of the product of a and b."""
    stepwise, at_once = {}, {}
    for middle, number in skew_schur(outer, a).items():
        for shape, multiplicity in skew_schur(middle, b).items():
            stepwise[shape] = stepwise.get(shape, 0) + number * multiplicity
    for inner, number in littlewood_richardson_product(a, b).items():
        for shape, multiplicity in skew_schur(outer, inner).items():
            at_once[shape] = at_once.get(shape, 0) + number * multiplicity
    assert stepwise == at_once


def test_stretched_coefficients_are_a_polynomial():
    """The coefficient of (3,2,1) in the square of (2,1), all parts times k, is k + 1."""
    for k in range(1, 9):
        outer, inner = (3 * k, 2 * k, k), (2 * k, k)
        assert littlewood_richardson_coefficient(outer, inner, inner) == k + 1


def test_empty_and_impossible_shapes():
    assert littlewood_richardson_product((), ()) == {Partition(()): 1} == skew_schur((3, 1), (3, 1))
    assert littlewood_richardson_coefficient((), (), ()) == 1
    assert littlewood_richardson_coefficient((3, 1), (2, 1), (2,)) == 0
    assert littlewood_richardson_coefficient((3, 1), (1, 1, 1), (1,)) == 0
    assert skew_schur((3, 1), (2, 2)) == {}
    assert all(type(x) is int for x in littlewood_richardson_product((3, 2, 1), (2, 2)).values())


def test_errors():
    with pytest.raises(InvalidPartitionError, match="outer is not a partition"):
        littlewood_richardson_coefficient((1, 2), (1,), (2,))
    with pytest.raises(InvalidPartitionError, match="inner_2 is not a partition"):
        littlewood_richardson_coefficient((3,), (1,), (2.0,))
    with pytest.raises(InvalidPartitionError, match="b is not a partition"):
        littlewood_richardson_product((1,), (True,))
    with pytest.raises(InvalidPartitionError, match="inner is not a partition"):
        skew_schur((3,), (0,))
