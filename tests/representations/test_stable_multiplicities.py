"""Stable families: every one evaluated at its bound and beyond by finite n code, sharpness, symbolic dimensions."""

from collections import Counter
from fractions import Fraction
from itertools import combinations, product

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Symbol, binomial, expand, expand_func

from symrep.combinatorics.partitions import Partition, partitions
from symrep.combinatorics.tableaux import number_of_semistandard_tableaux
from symrep.errors import InvalidArgumentError, InvalidPartitionError, InvalidTypeError, SizeLimitError
from symrep.representations.characters import character
from symrep.representations.kronecker import at_degree, kronecker_product, stable_kronecker_product
from symrep.representations.littlewood_richardson import (
    littlewood_richardson_coefficient,
    littlewood_richardson_product,
)
from symrep.representations.permutations import permutation_of_cycle_type
from symrep.representations.plethysm import restriction
from symrep.representations.stable import stable_dimension
from symrep.representations.stable_multiplicities import (
    multiplicity_in_functions,
    stable_branching,
    stable_functions,
    stable_induction,
    stable_restriction,
    stable_tensor_power,
    stable_young_restriction,
)
from symrep.representations.symmetric_functions import SymmetricFunction
from symrep.testing.strategies import partitions_of

L, V = Symbol("L"), Symbol("V")


def first(shape):
    return shape.parts[0] if shape.parts else 0


def padded(lower, n):
    return Partition(filter(None, (n - lower.size, *lower.parts)))


def dimension(family):
    """The dimension of a family as a polynomial in L."""
    return expand(sum(number * stable_dimension(mu, L) for mu, number in family.items()))


def falling_binomial(n, k):
    return expand_func(binomial(n, k)) if k else sympy.Integer(1)


@given(partitions_of(0, 6))
@settings(deadline=None, max_examples=40)
def test_induction_is_pieri_from_its_bound_on_and_not_below(nu):
    start = nu.size + first(nu)
    family = stable_induction(nu)
    for n in (start, start + 1, start + 5):
        row = Partition(filter(None, (n - nu.size,)))
        assert at_degree(family, n) == littlewood_richardson_product(nu, row)
    if nu.size:
        row = Partition(filter(None, (start - 1 - nu.size,)))
        assert len(littlewood_richardson_product(nu, row)) < len(family)
    assert dimension(family) == expand(nu.dimension * falling_binomial(L, nu.size))


@pytest.mark.parametrize("nu", [(2,), (1, 1), (2, 1), (3, 1), (2, 2, 1)])
def test_families_straighten_to_the_truth_below_their_bound(nu):
    """Induction and restriction are polynomial in cycle counts, so at_degree is right for all n."""
    nu = Partition(nu)
    for n in range(nu.size, nu.size + first(nu)):
        row = Partition(filter(None, (n - nu.size,)))
        assert at_degree(stable_induction(nu), n) == littlewood_richardson_product(nu, row)
    for n in range(2 * nu.size):
        assert at_degree(stable_restriction(nu), n) == restriction(nu, n)


@pytest.mark.parametrize("k", range(6))
def test_tensor_powers_are_iterated_products(k):
    for n in (2 * k, 2 * k + 1):
        natural = {padded(Partition(()), n): 1} | ({padded(Partition((1,)), n): 1} if n > 1 else {})
        power = Counter({padded(Partition(()), n): 1})
        for _ in range(k):
            larger = Counter()
            for shape, number in power.items():
                for factor in natural:
                    for term, multiplicity in kronecker_product(shape, factor).items():
                        larger[term] += number * multiplicity
            power = larger
        assert at_degree(stable_tensor_power(k), n) == power
    assert dimension(stable_tensor_power(k)) == L**k


@pytest.mark.parametrize("k", range(6))
def test_tensor_powers_split_by_schur_weyl_duality(k):
    total = Counter()
    for shape in partitions(k):
        for mu, number in stable_restriction(shape).items():
            total[mu] += shape.dimension * number
    assert total == stable_tensor_power(k)


@pytest.mark.parametrize("shape", [(), (1,), (2,), (1, 1), (3,), (2, 1), (1, 1, 1), (2, 2), (3, 1, 1)])
def test_stable_restriction(shape):
    shape = Partition(shape)
    family = stable_restriction(shape)
    for n in range(2 * shape.size, 2 * shape.size + 3):
        assert at_degree(family, n) == restriction(shape, n)
    contents = [column - row for row, column in shape.cells()]
    weyl = sympy.prod(L + content for content in contents) * Fraction(shape.dimension, sympy.factorial(shape.size))
    assert dimension(family) == expand(sympy.nsimplify(weyl))


@pytest.mark.parametrize("d", range(5))
def test_stable_restriction_is_induced_from_plethysms(d):
    """sum over nu of <s_lambda, s_nu[h_1 + h_2 + ...]> times the induced representation of nu."""
    positive = SymmetricFunction("h", {(k,): 1 for k in range(1, d + 1)})
    totals = {shape: Counter() for shape in partitions(d)}
    for j in range(d + 1):
        for nu in partitions(j):
            composed = SymmetricFunction("s", {nu: 1}).plethysm(positive)
            for shape, total in totals.items():
                for mu in stable_induction(nu):
                    total[mu] += int(composed.coefficient(shape))
    for shape, total in totals.items():
        assert {mu: number for mu, number in total.items() if number} == stable_restriction(shape)


@given(partitions_of(0, 9))
@settings(deadline=None, max_examples=40)
def test_branching_removes_one_cell(mu):
    start = mu.size + first(mu) + 1
    for n in (start, start + 3):
        shape = padded(mu, n)
        smaller = {shape.remove_cell(cell): 1 for cell in shape.removable_cells()}
        assert at_degree(stable_branching(mu), n - 1) == smaller
    shape = padded(mu, start - 1)
    assert len(shape.removable_cells()) < len(stable_branching(mu))
    assert dimension(stable_branching(mu)) == expand(stable_dimension(mu, L).subs(L, L + 1))


@given(partitions_of(0, 4), st.integers(0, 4))
@settings(deadline=None, max_examples=25)
def test_restriction_to_young_subgroups_is_littlewood_richardson(mu, m):
    family = stable_young_restriction(mu, m)
    start = mu.size + first(mu) + m
    for n in (start, start + 2):
        expected = {
            (kappa, nu): number
            for kappa in partitions(n - m)
            for nu in partitions(m)
            if (number := littlewood_richardson_coefficient(padded(mu, n), kappa, nu))
        }
        assert {(padded(kappa, n - m), nu): number for (kappa, nu), number in family.items()} == expected
    total = sum(x * nu.dimension * stable_dimension(kappa, L - m) for (kappa, nu), x in family.items())
    assert expand(total) == expand(stable_dimension(mu, L))


def test_restriction_to_young_subgroups_contains_branching():
    for mu in partitions(4):
        assert {kappa: x for (kappa, _), x in stable_young_restriction(mu, 1).items()} == stable_branching(mu)


@pytest.mark.parametrize("degree", range(5))
def test_functions_of_bounded_degree_have_the_right_dimension(degree):
    """sum_j C(L, j) (V-1)^j, identically in L and V."""
    expected = sum(falling_binomial(L, j) * (V - 1) ** j for j in range(degree + 1))
    assert expand(dimension(stable_functions(degree, V)) - expected) == 0


@pytest.mark.parametrize(
    "degree, vocab_size, length", [(1, 3, 2), (1, 2, 4), (2, 2, 4), (2, 2, 5), (2, 3, 4), (2, 4, 5)]
)
def test_functions_of_bounded_degree_by_fixed_monomials(degree, vocab_size, length):
    """Products of distinct orthogonal functions of single tokens, permuted by S_L, form a basis."""
    traces = {}
    for rho in partitions(length):
        g = permutation_of_cycle_type(rho)
        fixed = 0
        for j in range(degree + 1):
            for places in combinations(range(length), j):
                for labels in product(range(vocab_size - 1), repeat=j):
                    monomial = set(zip(places, labels))
                    fixed += {(g(place), label) for place, label in monomial} == monomial
        traces[rho] = fixed
    expected = {
        mu: total
        for mu in partitions(length)
        if (total := sum(Fraction(x * character(mu, rho), rho.centralizer_order) for rho, x in traces.items()))
    }
    assert at_degree(stable_functions(degree, vocab_size), length) == expected


@given(st.integers(0, 4), st.integers(1, 5))
@settings(deadline=None, max_examples=20)
def test_symbolic_vocabularies_evaluate(degree, vocab_size):
    numbers = {mu: x.subs(V, vocab_size) for mu, x in stable_functions(degree, V).items()}
    assert {mu: x for mu, x in numbers.items() if x} == stable_functions(degree, vocab_size)


@given(partitions_of(0, 5), st.integers(1, 5), st.integers(0, 6))
@settings(deadline=None, max_examples=40)
def test_multiplicity_in_all_functions_is_a_polynomial_in_the_length(mu, vocab_size, more):
    n = mu.size + first(mu) + more
    polynomial = multiplicity_in_functions(mu, vocab_size, L)
    expected = number_of_semistandard_tableaux(padded(mu, n), vocab_size)
    assert polynomial.subs(L, n) == expected == multiplicity_in_functions(mu, vocab_size, n)
    if mu.length < vocab_size:
        assert sympy.Poly(polynomial, L).degree() == vocab_size - 1


@pytest.mark.parametrize("vocab_size, length", [(2, 4), (3, 3)])
def test_all_functions_are_those_of_full_degree(vocab_size, length):
    everything = at_degree(stable_functions(length, vocab_size), length)
    for shape in partitions(length):
        assert everything.get(shape, 0) == multiplicity_in_functions(shape.parts[1:], vocab_size, length)


def test_stable_products_have_the_product_of_dimensions():
    for mu, nu in product([Partition(p) for p in [(1,), (2,), (1, 1), (2, 1)]], repeat=2):
        total = dimension(stable_kronecker_product(mu, nu))
        assert total == expand(stable_dimension(mu, L) * stable_dimension(nu, L))


def test_multiplicity_in_functions_is_zero_where_there_is_no_such_shape():
    for mu in map(Partition, [(2,), (2, 1), (3, 1, 1)]):
        for length in range(mu.size + first(mu)):
            assert multiplicity_in_functions(mu, 4, length) == 0, (mu, length)
        assert multiplicity_in_functions(mu, 4, mu.size + first(mu)) > 0
    assert multiplicity_in_functions((), 3, 0) == 1


def test_known_families():
    assert stable_tensor_power(3) == {
        Partition(()): 5,
        Partition((1,)): 10,
        Partition((2,)): 6,
        Partition((1, 1)): 6,
        Partition((3,)): 1,
        Partition((2, 1)): 2,
        Partition((1, 1, 1)): 1,
    }
    assert [stable_tensor_power(k)[Partition(())] for k in range(7)] == [1, 1, 2, 5, 15, 52, 203]
    assert stable_restriction((1, 1)) == {Partition((1,)): 1, Partition((1, 1)): 1}
    assert multiplicity_in_functions((), 3, L) == (L + 1) * (L + 2) / 2
    assert multiplicity_in_functions((1, 1), 2, L) == 0 == multiplicity_in_functions((1,), 1, L)
    assert stable_functions(3, 1) == {Partition(()): 1}


def test_results_are_exact_integers():
    families = stable_induction((2, 1)), stable_tensor_power(3), stable_restriction((2, 1)), stable_branching((2,))
    for family in families:
        assert all(type(number) is int for number in family.values())
    assert all(x.is_Integer for x in stable_functions(2, 3).values())
    assert all(isinstance(x, sympy.Expr) for x in stable_functions(2, V).values())
    assert multiplicity_in_functions((1,), 3, 5).is_Integer


def test_errors():
    with pytest.raises(InvalidArgumentError, match="k must be at least 0"):
        stable_tensor_power(-1)
    with pytest.raises(InvalidTypeError, match="k must be an integer"):
        stable_tensor_power(2.0)
    with pytest.raises(InvalidPartitionError, match="nu is not a partition"):
        stable_induction((1, 2))
    with pytest.raises(InvalidPartitionError, match="mu is not a partition"):
        stable_branching((1, 2))
    with pytest.raises(SizeLimitError, match="shape of size 18 needs the character table of S_36"):
        stable_restriction((10, 8))
    with pytest.raises(InvalidArgumentError, match="m must be at least 0"):
        stable_young_restriction((1,), -1)
    with pytest.raises(InvalidArgumentError, match="degree must be at least 0"):
        stable_functions(-1, 2)
    with pytest.raises(InvalidArgumentError, match="vocab_size must be at least 1"):
        stable_functions(1, 0)
    for value in (2.0, True, "V", sympy.Float(2)):
        with pytest.raises(InvalidTypeError, match="vocab_size must be an integer or a symbol"):
            stable_functions(1, value)
    with pytest.raises(InvalidTypeError, match="vocab_size must be an integer"):
        multiplicity_in_functions((1,), V, 3)
    with pytest.raises(InvalidArgumentError, match="length must be at least 0"):
        multiplicity_in_functions((1,), 2, -3)
    with pytest.raises(InvalidTypeError, match="length must be an integer or a symbol"):
        multiplicity_in_functions((1,), 2, sympy.Rational(1, 2))
