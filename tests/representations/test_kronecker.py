"""Kronecker coefficients: laws, explicit matrices and character sums as further routes, GAP and symfn."""

import json
from fractions import Fraction
from itertools import combinations_with_replacement, permutations, product
from math import factorial
from pathlib import Path

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.combinatorics import SymmetricGroup

from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import InvalidArgumentError, InvalidPartitionError, InvalidTypeError, SizeLimitError
from symrep.representations import kronecker
from symrep.representations.characters import character
from symrep.representations.irreps import seminormal
from symrep.representations.kronecker import (
    at_degree,
    kronecker_coefficient,
    kronecker_product,
    reduced_kronecker_coefficient,
    stable_kronecker_product,
)
from symrep.representations.littlewood_richardson import littlewood_richardson_coefficient
from symrep.testing.strategies import partitions_of

ORACLES = Path(__file__).parents[1] / "oracles"
GAP = json.loads((ORACLES / "coefficients_gap.json").read_text())
PACKAGES = json.loads((ORACLES / "coefficients_packages.json").read_text())


def as_terms(pairs):
    return {Partition(shape): number for shape, number in pairs}


def padded(lower, n):
    return Partition(filter(None, (n - lower.size, *lower.parts)))


def below_first_row(shape):
    return Partition(shape.parts[1:])


def first(shape):
    return shape.parts[0] if shape.parts else 0


def tuples_of_one_size(count, largest):
    return st.integers(1, largest).flatmap(lambda n: st.tuples(*[partitions_of(n, n)] * count))


@pytest.mark.parametrize("n", range(6))
def test_coefficients_are_character_sums(n):
    for a, b, c in product(partitions(n), repeat=3):
        total = sum(
            Fraction(character(a, rho) * character(b, rho) * character(c, rho), rho.centralizer_order)
            for rho in partitions(n)
        )
        assert kronecker_coefficient(a, b, c) == total == kronecker_product(a, b).get(c, 0)


def test_coefficients_are_dimensions_of_invariants():
    """The trace of the averaging projector on the tensor product of three seminormal forms of S_4."""
    group = [g for g in SymmetricGroup(4).elements]
    traces = {c: [seminormal(c).matrix(g).trace() for g in group] for c in partitions(4)}
    for a, b, c in combinations_with_replacement(traces, 3):
        invariants = sum(x * y * z for x, y, z in zip(traces[a], traces[b], traces[c])) / 24
        assert kronecker_coefficient(a, b, c) == invariants


@pytest.mark.parametrize("n", range(1, 8))
def test_both_routes_agree_at_every_degree(n):
    """Also below the stable range, where shapes are straightened."""
    for a, b in combinations_with_replacement(partitions(n), 2):
        stable = stable_kronecker_product(below_first_row(a), below_first_row(b))
        assert at_degree(stable, n) == kronecker_product(a, b), (a, b)


@given(tuples_of_one_size(2, 13))
@settings(deadline=None, max_examples=15)
def test_both_routes_agree(shapes):
    a, b = (shape.conjugate if shape.length > shape.parts[0] else shape for shape in shapes)
    stable = stable_kronecker_product(below_first_row(a), below_first_row(b))
    assert at_degree(stable, a.size) == kronecker_product(a, b)


@pytest.mark.parametrize(
    "a, b", [((18, 3), (17, 2, 2)), ((2, 2, 2, *[1] * 16), (18, 2, 1, 1)), ((1,) * 22, (19, 2, 1))]
)
def test_the_route_for_large_degrees_agrees_with_characters(a, b):
    a, b = Partition(a), Partition(b)
    assert not kronecker._has_easy_table(a, b)
    by_characters = kronecker._product_of_characters(a, b)
    assert kronecker_product(a, b) == by_characters
    for c in list(by_characters)[::5]:
        assert kronecker_coefficient(c, a, b) == by_characters[c]


def test_deep_shapes_beyond_the_kept_tables_use_characters():
    a, b, c = Partition((7, 6, 5, 4)), Partition((8, 6, 4, 4)), Partition((9, 5, 4, 2, 2))
    assert kronecker._has_easy_table(a, b)
    table = kronecker.shared_table(22)
    rows = table.class_sizes, table.row(a), table.row(b), table.row(c)
    value = Fraction(sum(w * x * y * z for w, x, y, z in zip(*rows)), factorial(22))
    assert kronecker_coefficient(a, b, c) == value == kronecker_product(a, b)[c] > 0


def test_against_gap():
    assert len(GAP["kronecker"]) >= 100
    for a, b, terms in GAP["kronecker"]:
        assert kronecker_product(a, b) == as_terms(terms), (a, b)


def test_against_symfn():
    for a, b, terms in PACKAGES["kronecker_products"]:
        assert kronecker_product(a, b) == as_terms(terms), (a, b)
    for a, b, c, value in PACKAGES["kronecker_coefficients"]:
        assert kronecker_coefficient(a, b, c) == value, (a, b, c)
    for mu, nu, terms in PACKAGES["reduced_products"]:
        assert stable_kronecker_product(mu, nu) == as_terms(terms), (mu, nu)


@given(tuples_of_one_size(3, 12))
@settings(deadline=None, max_examples=30)
def test_symmetries(shapes):
    a, b, c = shapes
    value = kronecker_coefficient(a, b, c)
    assert value == kronecker_coefficient(c, a, b) == kronecker_coefficient(b, a, c)
    assert value == kronecker_coefficient(a.conjugate, b, c.conjugate)
    assert type(value) is int and value <= min(a.dimension, b.dimension, c.dimension)


@given(tuples_of_one_size(2, 20))
@settings(deadline=None, max_examples=30)
def test_dimensions_of_products_and_trivial_and_sign_factors(shapes):
    a, b = shapes
    terms = kronecker_product(a, b)
    assert sum(shape.dimension * number for shape, number in terms.items()) == a.dimension * b.dimension
    assert list(terms) == sorted(terms, key=lambda shape: shape.parts, reverse=True)
    n = a.size
    assert kronecker_product(a, (n,)) == {a: 1} and kronecker_product((1,) * n, a) == {a.conjugate: 1}
    assert kronecker_coefficient(a, b, (n,)) == (a == b) and kronecker_coefficient(a, b, (1,) * n) == (a.conjugate == b)


@given(tuples_of_one_size(3, 8))
@settings(deadline=None, max_examples=20)
def test_products_are_associative(shapes):
    def times(f, b):
        total = {}
        for a, number in f.items():
            for shape, multiplicity in kronecker_product(a, b).items():
                total[shape] = total.get(shape, 0) + number * multiplicity
        return total

    a, b, c = shapes
    assert times(kronecker_product(a, b), c) == times(kronecker_product(b, c), a)


@given(partitions_of(2, 20) | partitions_of(0, 8).map(lambda lower: padded(lower, 60)))
@settings(deadline=None, max_examples=30)
def test_tensoring_with_the_standard_representation_moves_one_cell(shape):
    """S^a times the natural representation is induced from the restriction to S_(n-1)."""
    n = shape.size
    moved = {}
    for cell in shape.removable_cells():
        smaller = shape.remove_cell(cell)
        for place in smaller.addable_cells():
            moved[smaller.add_cell(place)] = moved.get(smaller.add_cell(place), 0) + 1
    moved[shape] -= 1
    assert kronecker_product(shape, (n - 1, 1)) == {a: number for a, number in moved.items() if number}


@pytest.mark.parametrize("total", range(6))
def test_reduced_coefficients_are_values_at_large_degrees(total):
    for k in range(total + 1):
        for a, b in product(partitions(k), partitions(total - k)):
            start = total + first(a) + first(b)
            stable = stable_kronecker_product(a, b)
            for n in (start, start + 1):
                assert kronecker_product(padded(a, n), padded(b, n)) == {padded(c, n): x for c, x in stable.items()}
            for c in stable:
                assert reduced_kronecker_coefficient(a, c, b) == stable[c]


@pytest.mark.parametrize("mu, nu", [((1,), (1,)), ((2,), (1,)), ((2, 1), (2,)), ((1, 1), (1, 1)), ((3,), (2, 1))])
def test_the_stable_range_is_sharp(mu, nu):
    mu, nu = Partition(mu), Partition(nu)
    start = mu.size + nu.size + first(mu) + first(nu)
    stable = stable_kronecker_product(mu, nu)
    assert max(c.size + first(c) for c in stable) == start
    assert len(kronecker_product(padded(mu, start - 1), padded(nu, start - 1))) < len(stable)


@given(partitions_of(0, 4), partitions_of(0, 4), partitions_of(0, 8))
@settings(deadline=None, max_examples=60)
def test_reduced_coefficients_of_top_degree_are_littlewood_richardson(a, b, c):
    value = reduced_kronecker_coefficient(a, b, c)
    assert value == reduced_kronecker_coefficient(c, b, a) == reduced_kronecker_coefficient(b, c, a)
    if a.size + b.size == c.size:
        assert value == littlewood_richardson_coefficient(c, a, b)
    if a.size + b.size < c.size:
        assert value == 0


def test_reduced_coefficients_of_top_degree_need_no_product(monkeypatch):
    def refuse(mu, nu):
        pytest.fail(f"the product of {mu} and {nu} was asked for")

    monkeypatch.setattr(kronecker, "_stable_product", refuse)
    a, b, c = (8, 4, 2), (7, 3, 2), (12, 7, 5, 2)
    value = littlewood_richardson_coefficient(c, a, b)
    assert value > 1
    assert all(reduced_kronecker_coefficient(*shapes) == value for shapes in permutations((a, b, c)))
    assert all(reduced_kronecker_coefficient(*shapes) == 0 for shapes in permutations((a, b, (27,))))


def test_small_factors_are_not_limited():
    lower = Partition((8, 7, 6, 4, 3, 2))
    assert lower.size > 20
    moved = {}
    for smaller in [lower, *map(lower.remove_cell, lower.removable_cells())]:
        for larger in [smaller, *map(smaller.add_cell, smaller.addable_cells())]:
            moved[larger] = moved.get(larger, 0) + 1
    moved[lower] -= 1
    assert stable_kronecker_product(lower, (1,)) == moved


def test_known_values():
    assert kronecker_product((5, 1), (5, 1)) == as_terms([((6,), 1), ((5, 1), 1), ((4, 2), 1), ((4, 1, 1), 1)])
    assert [kronecker_coefficient((k, k), (k, k), (k, k)) for k in range(1, 9)] == [0, 1, 0, 1, 0, 1, 0, 1]
    assert kronecker_product((997, 3), (999, 1)) == as_terms(
        [((998, 2), 1), ((997, 3), 1), ((997, 2, 1), 1), ((996, 4), 1), ((996, 3, 1), 1)]
    )
    assert kronecker_coefficient((11, 10, 10, 10, 10), (50, 1), (49, 2)) == 0
    assert kronecker_product((), ()) == {Partition(()): 1} and kronecker_coefficient((), (), ()) == 1


def test_at_degree_straightens():
    row = {Partition((2,)): 1}
    assert [at_degree(row, n) for n in range(4)] == [{}, {Partition((1,)): -1}, {Partition((1, 1)): -1}, {}]
    assert at_degree({Partition((3,)): 5}, 3) == {Partition((2, 1)): -5}
    assert at_degree({Partition((3,)): 5}, 4) == {Partition((2, 2)): -5}
    x = sympy.Symbol("x")
    assert at_degree({(2,): x, (1,): sympy.Rational(1, 2)}, 2) == {Partition((1, 1)): sympy.Rational(1, 2) - x}
    assert at_degree({Partition((1, 1)): 1}, 0) == {Partition(()): 1}
    assert at_degree({Partition((2, 1)): 3, Partition(()): 1}, 5) == as_terms([((5,), 1), ((2, 2, 1), 3)])


def test_errors():
    with pytest.raises(InvalidPartitionError, match="b must be a partition of 3"):
        kronecker_coefficient((2, 1), (4,), (3,))
    with pytest.raises(InvalidPartitionError, match="c must be a partition of 3"):
        kronecker_coefficient((2, 1), (3,), (2,))
    with pytest.raises(InvalidPartitionError, match="a is not a partition"):
        kronecker_product((1, 2), (3,))
    with pytest.raises(InvalidPartitionError, match="nu is not a partition"):
        stable_kronecker_product((1,), (1, 2))
    with pytest.raises(InvalidPartitionError, match="c is not a partition"):
        reduced_kronecker_coefficient((1,), (1,), (-1,))
    with pytest.raises(InvalidArgumentError, match="n must be at least 0"):
        at_degree({}, -1)
    with pytest.raises(InvalidTypeError, match="n must be an integer"):
        at_degree({}, 2.0)
    with pytest.raises(InvalidTypeError, match="multiplicities must be a mapping from partitions to numbers"):
        at_degree([((1,), 1)], 3)
    for value in (0.5, True, "1", None, sympy.Symbol("x") * 0.5):
        with pytest.raises(InvalidTypeError, match="value of multiplicities must be an integer or an exact sympy"):
            at_degree({Partition((1,)): value}, 3)
    with pytest.raises(SizeLimitError, match=r"mu and nu must have at most 20 cells .* got 17 \+ 4 cells"):
        stable_kronecker_product((5, 4, 4, 4), (2, 2))
    with pytest.raises(SizeLimitError, match=r"two smallest of a, b, c must .* got 10 \+ 11 cells"):
        reduced_kronecker_coefficient((5, 5), (20,), (6, 5))
    with pytest.raises(SizeLimitError, match="at most 20 cells outside first rows or columns, got 60"):
        kronecker_product((10,) * 4, (10,) * 4)
    with pytest.raises(SizeLimitError, match="character table of S_40"):
        kronecker_coefficient((10,) * 4, (10,) * 4, (10,) * 4)
