"""Class functions: group elements, explicit matrices and branching as second routes, reciprocity as a law."""

from collections import Counter
from fractions import Fraction
from itertools import combinations, combinations_with_replacement, permutations
from math import factorial, prod

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep.combinatorics.partitions import Partition, partitions
from symrep.combinatorics.tableaux import kostka_number
from symrep.errors import InvalidArgumentError, InvalidPartitionError, InvalidTypeError
from symrep.representations.character_values import character
from symrep.representations.class_functions import (
    ClassFunction,
    ProductClassFunction,
    class_function,
    irreducible_character,
    permutation_character,
    regular_character,
)
from symrep.testing.strategies import partitions_of

values = st.one_of(st.integers(-4, 4), st.fractions(-3, 3, max_denominator=4))


def class_functions_of(n):
    return st.tuples(*(values for _ in partitions(n))).map(lambda drawn: ClassFunction(n, drawn))


def virtual_characters_of(n):
    """Integer combinations of irreducible characters, few of them, with the coefficients."""
    return st.dictionaries(partitions_of(n, n), st.integers(-3, 3), max_size=4)


def combination(n, coefficients):
    return sum((count * irreducible_character(s) for s, count in coefficients.items()), start=0 * regular_character(n))


def cycle_type_of(images):
    lengths, seen = [], set()
    for start in range(len(images)):
        length, place = 0, start
        while place not in seen:
            seen.add(place)
            place = images[place]
            length += 1
        if length:
            lengths.append(length)
    return Partition(sorted(lengths, reverse=True))


def composed(g, times):
    images = tuple(range(len(g)))
    for _ in range(times):
        images = tuple(g[i] for i in images)
    return images


def nonzero(coefficients):
    return {label: count for label, count in coefficients.items() if count}


@pytest.mark.parametrize("n", range(7))
def test_irreducible_characters_are_orthonormal(n):
    irreducible = {shape: irreducible_character(shape) for shape in partitions(n)}
    for shape, chi in irreducible.items():
        assert chi.decomposition() == {shape: 1} and chi.is_character()
        assert chi.frobenius_schur_indicator() == 1
        assert chi.degree == shape.dimension
        assert all(chi[mu] == character(shape, mu) for mu in chi.cycle_types)
        assert [chi.inner_product(other) for other in irreducible.values()] == [s == shape for s in irreducible]
    assert regular_character(n).decomposition() == {shape: shape.dimension for shape in irreducible}
    assert regular_character(n) == sum((s.dimension * chi for s, chi in irreducible.items()), 0 * regular_character(n))


@pytest.mark.parametrize("n", range(1, 6))
def test_sums_over_the_group(n):
    """Inner products, indicators and Adams operations by group elements."""
    group = list(permutations(range(n)))
    f = class_function(n, lambda mu: mu.length**2 - 3 * mu.parts[0])
    g = class_function(n, lambda mu: Fraction(mu.parts[-1], 1 + mu.parts.count(1)))
    value = {element: (f[cycle_type_of(element)], g[cycle_type_of(element)]) for element in group}
    assert f.inner_product(g) == Fraction(sum(a * b for a, b in value.values()), factorial(n))
    squares = sum(value[composed(element, 2)][0] for element in group)
    assert f.frobenius_schur_indicator() == Fraction(squares, factorial(n))
    for k in (2, 3, 4, 6):
        powers = f.adams_operation(k)
        assert all(powers[cycle_type_of(element)] == value[composed(element, k)][0] for element in group)


@pytest.mark.parametrize("n", range(1, 7))
def test_branching_rule(n):
    for shape in partitions(n):
        chi = irreducible_character(shape)
        assert chi.restrict_once().decomposition() == {shape.remove_cell(cell): 1 for cell in shape.removable_cells()}
        assert chi.induce_once().decomposition() == {shape.add_cell(cell): 1 for cell in shape.addable_cells()}
        assert chi.induce(irreducible_character((1,))) == chi.induce_once()
        restricted = chi.restrict(n - 1, 1)
        assert restricted == chi.restrict_once().outer(irreducible_character((1,)))
        assert {mu for mu, _ in restricted.decomposition()} == set(chi.restrict_once().decomposition())


@pytest.mark.parametrize("n", range(7))
def test_frobenius_reciprocity_of_irreducible_characters(n):
    """Restriction and induction have the same coefficients, and these are symmetric."""
    for first in range(n + 1):
        irreducible = {shape: irreducible_character(shape) for shape in partitions(n)}
        restricted = {shape: chi.restrict(first, n - first).decomposition() for shape, chi in irreducible.items()}
        for mu in partitions(first):
            for nu in partitions(n - first):
                induced = irreducible_character(mu).induce(irreducible_character(nu))
                assert induced.decomposition() == nonzero({s: row.get((mu, nu), 0) for s, row in restricted.items()})
                assert induced == irreducible_character(nu).induce(irreducible_character(mu))


@given(st.integers(0, 4), st.integers(0, 5), st.data())
@settings(deadline=None, max_examples=40)
def test_frobenius_reciprocity(first, second, data):
    f = data.draw(class_functions_of(first + second))
    left, right = data.draw(class_functions_of(first)), data.draw(class_functions_of(second))
    product = left.outer(right)
    assert product.induce() == left.induce(right)
    assert f.inner_product(product.induce()) == f.restrict(first, second).inner_product(product)


@given(st.integers(1, 9), st.data())
@settings(deadline=None, max_examples=40)
def test_decomposition_gives_the_coefficients_back(n, data):
    coefficients = nonzero(data.draw(virtual_characters_of(n)))
    f = combination(n, coefficients)
    assert f.decomposition() == coefficients
    assert list(f.decomposition()) == [shape for shape in partitions(n) if shape in coefficients]
    assert f.is_character() == all(count > 0 for count in coefficients.values())
    assert f.inner_product(f) == sum(count**2 for count in coefficients.values())
    third = f * Fraction(1, 3)
    assert third.decomposition() == {shape: Fraction(count, 3) for shape, count in coefficients.items()}
    assert f.frobenius_schur_indicator() == sum(
        count * irreducible_character(shape).frobenius_schur_indicator() for shape, count in coefficients.items()
    )


@given(st.integers(1, 9), st.data())
@settings(deadline=None, max_examples=40)
def test_square_and_ring_laws(n, data):
    f, g = data.draw(class_functions_of(n)), data.draw(class_functions_of(n))
    assert f.symmetric_power(2) + f.exterior_power(2) == f * f
    assert f.symmetric_power(2) - f.exterior_power(2) == f.adams_operation(2)
    assert (f + g).symmetric_power(3) == sum(
        (f.symmetric_power(i) * g.symmetric_power(3 - i) for i in range(4)), start=0 * f
    )
    assert (f + g).exterior_power(3) == sum(
        (f.exterior_power(i) * g.exterior_power(3 - i) for i in range(4)), start=0 * f
    )
    assert f * (g - f) == f * g - f * f and f - g == -(g - f) and 2 * f == f + f == f * 2
    assert f.adams_operation(2).adams_operation(3) == f.adams_operation(6)
    assert (f * g).adams_operation(2) == f.adams_operation(2) * g.adams_operation(2)
    assert f.restrict_once().inner_product(g.restrict_once()) == f.inner_product(g.restrict_once().induce_once())
    # projection formula
    assert f.restrict_once().induce_once() == f * permutation_character((n - 1, 1))


@pytest.mark.parametrize("n", range(1, 7))
def test_powers_of_the_permutation_of_points(n):
    """S_n permutes the subsets and multisets of points: fixed ones are counted, with signs of orders for subsets."""
    natural = permutation_character((n - 1, 1))
    for k in range(4):
        multisets = list(combinations_with_replacement(range(n), k))
        subsets = list(combinations(range(n), k))
        for mu in partitions(n):
            images, start = [], 0
            for part in mu.parts:
                images += [start + (i + 1) % part for i in range(part)]
                start += part
            fixed = sum(Counter(images[i] for i in word) == Counter(word) for word in multisets)
            assert natural.symmetric_power(k)[mu] == fixed
            signed = sum(
                (-1) ** sum(images[i] > images[j] for i, j in combinations(word, 2))
                for word in subsets
                if {images[i] for i in word} == set(word)
            )
            assert natural.exterior_power(k)[mu] == signed
    hooks = [irreducible_character((n - 1, 1)).exterior_power(k) for k in range(n)] if n > 1 else []
    assert hooks == [irreducible_character((n - k, *[1] * k)) for k in range(n)][: len(hooks)]


@given(st.lists(st.integers(0, 4), max_size=4))
@settings(deadline=None, max_examples=40)
def test_permutation_characters_by_kostka_numbers(composition):
    f = permutation_character(composition)
    n = sum(composition)
    assert f.decomposition() == nonzero({shape: kostka_number(shape, composition) for shape in partitions(n)})
    assert f.degree == factorial(n) // prod(map(factorial, composition))
    assert all(value >= 0 for value in f.values)


@given(st.integers(0, 4), st.integers(0, 4), st.data())
@settings(deadline=None, max_examples=30)
def test_product_class_functions(first, second, data):
    left, right = data.draw(virtual_characters_of(first)), data.draw(virtual_characters_of(second))
    f = combination(first, left).outer(combination(second, right))
    expected = nonzero({(mu, nu): a * b for mu, a in left.items() for nu, b in right.items()})
    assert f.decomposition() == expected
    again = ProductClassFunction((first, second), f.values)
    assert f == again and hash(f) == hash(again)
    for mu in partitions(first):
        for nu in partitions(second):
            assert f[mu, nu] == combination(first, left)[mu] * combination(second, right)[nu]


def test_large_degrees_need_no_table():
    shape = (9, 5, 3, 1)
    chi = irreducible_character(shape)
    assert chi.n == 18 and chi.decomposition() == {Partition(shape): 1}
    assert all(type(value) is int for value in chi.values)
    two_rows = [(18,), (17, 1), (16, 2), (15, 3)]
    assert permutation_character((15, 3)).decomposition() == {Partition(parts): 1 for parts in two_rows}


def test_values_are_exact_and_normal():
    f = ClassFunction(3, [Fraction(4, 2), np.int64(3), sympy.Rational(1, 2)])
    assert f.values == (2, 3, Fraction(1, 2)) and [type(value) for value in f.values] == [int, int, Fraction]
    assert f == ClassFunction(3, (2, 3, Fraction(1, 2))) and hash(f) == hash(ClassFunction(3, (2, 3, Fraction(1, 2))))
    assert f != ClassFunction(3, (2, 3, 1)) and f != "f" and len({f, f + f, f * 1}) == 2
    assert repr(f) == "ClassFunction(n=3, values=(2, 3, Fraction(1, 2)))" and eval(repr(f)) == f
    assert [type(value) for value in (f * 2).values] == [int, int, int]
    assert f * sympy.Rational(1, 3) == sympy.Rational(1, 3) * f == Fraction(1, 3) * f
    assert np.int64(2) * f == f + f and isinstance(np.int64(2) * f, ClassFunction)
    assert f.inner_product(f) == Fraction(47, 8) and type((12 * f).inner_product(f * 2)) is int
    assert class_function(3, (2, 3, 5)) == class_function(3, {(2, 1): 3, (1, 1, 1): 5, (3,): 2})
    assert class_function(0, [7]).degree == 7 and regular_character(0).values == (1,)
    with pytest.raises(AttributeError):
        f.n = 4


def test_errors():
    f, g = irreducible_character((2, 1)), irreducible_character((2, 2))
    with pytest.raises(InvalidArgumentError, match="values must be 3, one per cycle type of S_3, got"):
        ClassFunction(3, (1, 2))
    with pytest.raises(InvalidTypeError, match="entry of values must be an integer or a fraction, got 0.5"):
        ClassFunction(3, (1, 2, 0.5))
    with pytest.raises(InvalidTypeError, match="entry of values must be an integer or a fraction, got True"):
        class_function(3, lambda mu: mu.length == 1)
    with pytest.raises(InvalidTypeError, match="values must be a sequence of exact numbers, got 5"):
        class_function(3, 5)
    with pytest.raises(InvalidArgumentError, match="values must have every cycle type of S_3, got"):
        class_function(3, {(3,): 1})
    with pytest.raises(InvalidPartitionError, match="cycle_type must be a partition of 3"):
        class_function(3, {(2,): 1})
    for operation in (lambda: f + g, lambda: f - g, lambda: f * g, lambda: f.inner_product(g)):
        with pytest.raises(InvalidArgumentError, match="other must be a class function of S_3, got"):
            operation()
    for operation in (lambda: f + 1, lambda: f - 1, lambda: f * 0.5, lambda: 0.5 * f):
        with pytest.raises(TypeError, match="unsupported operand"):
            operation()
    for operation in (f.inner_product, f.outer, f.induce):
        with pytest.raises(InvalidTypeError, match="other must be a class function, got 2"):
            operation(2)
    with pytest.raises(InvalidPartitionError, match="cycle_type must be a partition of 3"):
        f[(2,)]
    with pytest.raises(InvalidArgumentError, match=r"first \+ second must be 3, got 4"):
        f.restrict(2, 2)
    with pytest.raises(InvalidArgumentError, match="second must be at least 0, got -1"):
        f.restrict(4, -1)
    with pytest.raises(InvalidArgumentError, match="n must be at least 1, got 0"):
        regular_character(0).restrict_once()
    with pytest.raises(InvalidArgumentError, match="k must be at least 1, got 0"):
        f.adams_operation(0)
    with pytest.raises(InvalidArgumentError, match="k must be at least 0, got -1"):
        f.symmetric_power(-1)
    with pytest.raises(InvalidArgumentError, match="entry of composition must be at least 0, got -1"):
        permutation_character((3, -1))
    with pytest.raises(InvalidTypeError, match="composition must be a sequence of nonnegative integers, got 3"):
        permutation_character(3)


def test_errors_of_product_class_functions():
    f = irreducible_character((2, 1)).restrict(2, 1)
    with pytest.raises(InvalidArgumentError, match="values must be 2 rows of 1, one value per pair of cycle types"):
        ProductClassFunction((2, 1), [[1, 2]])
    with pytest.raises(InvalidTypeError, match="degrees must be a pair of integers, got 3"):
        ProductClassFunction(3, [[1]])
    with pytest.raises(InvalidTypeError, match="values must be a sequence of rows of exact numbers, got 1"):
        ProductClassFunction((1, 1), 1)
    with pytest.raises(InvalidTypeError, match="index must be a pair of cycle types, got 1"):
        f[1]
    with pytest.raises(InvalidTypeError, match="other must be a class function of a product, got 1"):
        f.inner_product(1)
    with pytest.raises(InvalidArgumentError, match=r"other must have the degrees \(2, 1\), got \(1, 2\)"):
        f.inner_product(irreducible_character((2, 1)).restrict(1, 2))


def test_html_has_a_column_per_cycle_type():
    shown = irreducible_character((2, 1))._repr_html_()
    assert shown.count("<th>") == 3 and "<td>-1</td><td>0</td><td>2</td>" in shown
