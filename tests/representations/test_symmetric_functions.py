"""Symmetric functions: every basis against its definition by monomials, laws, symfn and GAP."""

import json
from collections import Counter
from fractions import Fraction
from itertools import combinations, combinations_with_replacement, permutations, product
from math import prod
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep.combinatorics.partitions import Partition, partitions
from symrep.combinatorics.tableaux import semistandard_tableaux
from symrep.errors import InvalidArgumentError, InvalidPartitionError, InvalidTypeError
from symrep.representations import change_of_basis
from symrep.representations.characters import character, character_table
from symrep.representations.kronecker import kronecker_product
from symrep.representations.littlewood_richardson import littlewood_richardson_product
from symrep.representations.symmetric_functions import (
    BASES,
    SymmetricFunction,
    frobenius_characteristic,
    inverse_frobenius_characteristic,
)
from symrep.testing.strategies import partitions_of

ORACLES = Path(__file__).parents[1] / "oracles"
GAP = json.loads((ORACLES / "coefficients_gap.json").read_text())
PACKAGES = json.loads((ORACLES / "coefficients_packages.json").read_text())


def element(basis, shape):
    return SymmetricFunction(basis, {tuple(shape): 1})


rationals = st.fractions(min_value=-3, max_value=3, max_denominator=4)


@st.composite
def functions(draw, max_degree=5, bases=BASES):
    shapes = draw(st.lists(partitions_of(0, max_degree), max_size=3))
    return SymmetricFunction(draw(st.sampled_from(bases)), {shape: draw(rationals) for shape in shapes})


def one_part(basis, k, variables):
    """The function of one part k as a polynomial: a Counter of exponent vectors."""
    if basis == "p":
        words = [(i,) * k for i in range(variables)]
    else:
        choose = combinations_with_replacement if basis == "h" else combinations
        words = choose(range(variables), k)
    return Counter(tuple(word.count(i) for i in range(variables)) for word in words)


def times(f, g):
    result = Counter()
    for (a, x), (b, y) in product(f.items(), g.items()):
        result[tuple(map(sum, zip(a, b)))] += x * y
    return result


def polynomial(basis, shape, variables):
    """The definition of the element of a basis in finitely many variables."""
    if basis == "s":
        words = ([e for row in t.rows for e in row] for t in semistandard_tableaux(shape, variables))
        return Counter(tuple(word.count(i + 1) for i in range(variables)) for word in words)
    if basis == "m":
        return Counter(set(permutations(shape.parts + (0,) * (variables - shape.length))))
    result = Counter([(0,) * variables])
    for part in shape.parts:
        result = times(result, one_part(basis, part, variables))
    return result


def expanded(f, variables):
    total = {}
    for shape, coefficient in f.coefficients.items():
        for monomial, x in polynomial(f.basis, shape, variables).items():
            total[monomial] = total.get(monomial, 0) + coefficient * x
    return {monomial: x for monomial, x in total.items() if x}


@pytest.mark.parametrize("source", BASES)
@pytest.mark.parametrize("n", range(6))
def test_changes_of_basis_keep_the_polynomial(source, n):
    for shape in partitions(n):
        f = element(source, shape.parts)
        expected = expanded(f, n)
        for target in BASES:
            assert expanded(f.to(target), n) == expected, (source, target, shape)


@given(functions(max_degree=9), st.sampled_from(BASES))
@settings(deadline=None, max_examples=60)
def test_changes_of_basis_are_inverse(f, basis):
    there = f.to(basis)
    back = there.to(f.basis)
    assert back.coefficients == f.coefficients and there == f and hash(there) == hash(f)


def test_conversions_against_symfn():
    for basis, shape, from_schur, to_schur in PACKAGES["expansions"]:
        assert element("s", shape).to(basis) == SymmetricFunction(basis, {tuple(k): v for k, v in from_schur})
        expected = {Partition(k): v for k, v in from_schur}
        assert element("s", shape).to(basis).coefficients == expected
        assert element(basis, shape).to("s").coefficients == {Partition(k): v for k, v in to_schur}


def test_kostka_numbers_against_gap():
    for weight, terms in GAP["kostka"]:
        assert element("h", weight).to("s").coefficients == {Partition(k): v for k, v in terms}
        for shape, number in terms:
            assert element("s", shape).to("m").coefficient(weight) == number


def test_power_sums_beyond_the_kept_tables_add_rim_hooks():
    terms = element("p", (15, 10, 1)).to("s").coefficients
    assert len(terms) > 40
    assert all(value == character(shape, (15, 10, 1)) for shape, value in terms.items())
    dimension_like = sum(value**2 for value in terms.values())
    assert dimension_like == Partition((15, 10, 1)).centralizer_order


@given(partitions_of(1, 8))
@settings(deadline=None, max_examples=30)
def test_rim_hooks_and_tables_agree(rho):
    folded = change_of_basis.fold_products({rho.parts: 1}, Partition(), change_of_basis._times_power_sum)
    assert {a: x for a, x in folded.items() if x} == element("p", rho.parts).to("s").coefficients


@given(functions(4), functions(4), functions(3))
@settings(deadline=None, max_examples=60)
def test_ring_laws(f, g, h):
    assert f + g == g + f and f * g == g * f
    assert (f + g) * h == f * h + g * h and (f * g) * h == f * (g * h)
    assert f - f == SymmetricFunction("s", {}) and f - g == -(g - f)
    assert (f * g).basis == f.basis == (f - g).basis
    assert (f + 1) * (f - 1) == f * f - 1 and 2 * f == f + f == f * sympy.Integer(2)
    assert 1 - f == -(f - 1) and 1 + f == f + 1


@pytest.mark.parametrize("left, right", list(product(BASES, repeat=2)))
def test_products_are_products_of_polynomials(left, right):
    f, g = element(left, (2, 1)), element(right, (2,))
    assert expanded(f * g, 5) == times(expanded(f, 5), expanded(g, 5))


@given(partitions_of(0, 6), partitions_of(0, 6))
@settings(deadline=None, max_examples=30)
def test_products_through_power_sums_are_littlewood_richardson(a, b):
    through_power_sums = element("s", a.parts).to("p") * element("s", b.parts)
    assert through_power_sums.to("s").coefficients == littlewood_richardson_product(a, b)


@given(functions(5), functions(5))
@settings(deadline=None, max_examples=40)
def test_omega_is_an_involution_that_keeps_products_and_scalar_products(f, g):
    assert f.omega().omega() == f and f.omega().basis == f.basis
    assert (f * g).omega() == f.omega() * g.omega()
    assert f.omega().scalar_product(g.omega()) == f.scalar_product(g) == g.scalar_product(f)


@pytest.mark.parametrize("n", range(7))
def test_dual_bases(n):
    for a, b in product(partitions(n), repeat=2):
        equal = int(a == b)
        assert element("s", a.parts).scalar_product(element("s", b.parts)) == equal
        assert element("h", a.parts).scalar_product(element("m", b.parts)) == equal
        assert element("p", a.parts).scalar_product(element("p", b.parts)) == equal * a.centralizer_order
    for a in partitions(n):
        assert element("h", a.parts).omega() == element("e", a.parts)
        assert element("s", a.parts).omega() == element("s", a.conjugate.parts)
        for basis in BASES:
            assert element(basis, a.parts).omega() == element(basis, a.parts).to("s").omega()


@given(functions(5, bases=("p",)), functions(5, bases=("p",)))
@settings(deadline=None, max_examples=40)
def test_scalar_products_of_power_sums_agree_with_schur_functions(f, g):
    assert f.scalar_product(g) == f.to("s").scalar_product(g.to("s"))
    assert f.scalar_product(f) == f.to("s").scalar_product(f)


def test_power_sums_of_large_degree_need_no_schur_functions(monkeypatch):
    def refuse(terms):
        pytest.fail("a change to Schur functions was asked for")

    monkeypatch.setitem(change_of_basis.TO_SCHUR, "p", refuse)
    f, g = element("p", (40, 20, 20)), element("p", (80,))
    assert f.scalar_product(f + g) == 40 * 20**2 * 2 and f.scalar_product(g) == 0
    assert f != element("s", (81,)) and element("h", (3,)) != f and f + 1 != element("m", (80,))


@given(st.integers(1, 8).flatmap(lambda n: st.tuples(partitions_of(n, n), partitions_of(n, n))))
@settings(deadline=None, max_examples=30)
def test_internal_products_of_schur_functions_are_kronecker_products(shapes):
    a, b = shapes
    assert element("s", a.parts).kronecker(element("s", b.parts)).coefficients == kronecker_product(a, b)
    assert element("h", a.parts).kronecker(element("s", (a.size,))).basis == "h"
    assert element("s", a.parts).kronecker(element("s", (1,) * a.size)) == element("s", a.parts).omega()
    assert element("s", a.parts).kronecker(element("s", (a.size + 1,))) == SymmetricFunction("s", {})


@given(functions(2), functions(2), functions(2))
@settings(deadline=None, max_examples=30)
def test_plethysm_is_a_ring_homomorphism_on_the_left_and_associative(f, g, h):
    assert (f + g).plethysm(h) == f.plethysm(h) + g.plethysm(h)
    assert (f * g).plethysm(h) == f.plethysm(h) * g.plethysm(h)
    x = element("s", (1,))
    assert f.plethysm(x) == f == x.plethysm(f)
    p3 = element("p", (3,))
    assert p3.plethysm(f * g) == p3.plethysm(f) * p3.plethysm(g)
    assert element("p", (2,)).plethysm(f.plethysm(g)) == element("p", (2,)).plethysm(f).plethysm(g)


def test_plethysm_of_a_sum_adds_alphabets():
    """h_2[f + g] = h_2[f] + f g + h_2[g], and a constant is its own alphabet: h_2[3] = 6."""
    f, g, h2 = element("s", (2, 1)), element("e", (2,)), element("h", (2,))
    assert h2.plethysm(f + g) == h2.plethysm(f) + f * g + h2.plethysm(g)
    assert h2.plethysm(SymmetricFunction("s", {(): 3})) == SymmetricFunction("s", {(): 6})


@pytest.mark.parametrize("n", range(7))
def test_frobenius_characteristic_takes_irreducible_characters_to_schur_functions(n):
    for shape in partitions(n):
        values = {rho.parts: character(shape, rho) for rho in partitions(n)}
        f = frobenius_characteristic(values)
        assert f.basis == "p" and f == element("s", shape.parts)
        returned = inverse_frobenius_characteristic(element("s", shape.parts))
        assert {rho.parts: value for rho, value in returned.items()} == values


@given(st.integers(1, 6).flatmap(lambda n: st.tuples(st.just(n), st.lists(rationals, min_size=11, max_size=11))))
@settings(deadline=None, max_examples=30)
def test_frobenius_characteristic_is_an_isometry(drawn):
    n, numbers = drawn
    values = dict(zip(partitions(n), [*numbers[:-1], Fraction(1, 3)]))
    values[Partition((n,))] = Fraction(1, 2)
    f = frobenius_characteristic(values)
    norm = sum((x * x / rho.centralizer_order for rho, x in values.items()), Fraction(0))
    assert f.scalar_product(f) == sympy.Rational(norm.numerator, norm.denominator)
    returned = inverse_frobenius_characteristic(f)
    assert {rho: x for rho, x in returned.items() if x} == {
        rho: sympy.Rational(x.numerator, x.denominator) for rho, x in values.items() if x
    }


def test_objects_with_a_degree_and_values_are_class_functions():
    class FixedPoints:
        n = 5

        def __call__(self, cycle_type):
            return cycle_type.parts.count(1)

    class IndexedFixedPoints:
        n = 5

        def __getitem__(self, cycle_type):
            return cycle_type.parts.count(1)

    for fixed_points in (FixedPoints(), IndexedFixedPoints()):
        f = frobenius_characteristic(fixed_points)
        assert f.to("s").coefficients == {Partition((5,)): 1, Partition((4, 1)): 1}
    assert frobenius_characteristic({(2, 1): 6}) == SymmetricFunction("p", {(2, 1): 3})


@pytest.mark.parametrize("n", (0, 1, 5, 12, 22))
def test_pairing_with_characters_is_exact_for_large_weights(n):
    """At n = 22 some columns are too wide for machine integers."""
    table = character_table(n)
    weights = [(-1) ** j * (10**30 + 7919**j % 10**20) for j in range(len(table.shapes))]
    sums = change_of_basis.pair_with_characters(n, weights)
    for index in range(0, len(table.shapes), 1 + len(table.shapes) // 40):
        assert sums[index] == sum(w * x for w, x in zip(weights, table.row(table.shapes[index])))
    assert all(type(total) is int for total in sums)


def test_pairing_does_not_overflow_where_all_terms_have_one_sign():
    """Digits as large as they get, against the character with the largest values outside the wide columns."""
    table = character_table(22)
    narrow = [j for j, rho in enumerate(table.cycle_types) if rho.centralizer_order < 2**56]
    matrix = table.to_numpy()
    narrow_set = set(narrow)
    row = int(np.abs(matrix[:, narrow]).sum(axis=1).argmax())
    values = table.row(table.shapes[row])
    weights = [(1 if value > 0 else -1) * (2**240 - 1) if j in narrow_set else 0 for j, value in enumerate(values)]
    expected = (2**240 - 1) * sum(abs(values[j]) for j in narrow)
    assert change_of_basis.pair_with_characters(22, weights)[row] == expected
    assert change_of_basis.pair_with_characters(22, [-weight for weight in weights])[row] == -expected


def test_pairing_uses_python_integers_for_object_tables(monkeypatch):
    class WideTable:
        cycle_types = tuple(partitions(3))

        def to_numpy(self):
            return character_table(3).to_numpy().astype(object)

    monkeypatch.setattr(change_of_basis, "shared_table", lambda n: WideTable())
    assert change_of_basis.pair_with_characters(3, [2 * 10**40, 3 * 10**40, 10**40]) == [6 * 10**40, 0, 0]


def test_representations_as_text():
    f = SymmetricFunction("h", {(2, 1): Fraction(1, 2), (): -2, (3,): -1})
    assert str(f) == "-2 - h[3] + 1/2*h[2,1]"
    assert f._repr_latex_() == r"$-2 - h_{3} + 1/2\,h_{2,1}$"
    assert eval(repr(f), {"SymmetricFunction": SymmetricFunction, **vars(sympy)}) == f
    assert str(SymmetricFunction("p", {})) == "0" and SymmetricFunction("p", {}).degree == -1
    assert f.degree == 3 and bool(f) and not SymmetricFunction("m", {(1,): 0})
    assert list(f.coefficients) == [Partition(()), Partition((3,)), Partition((2, 1))]
    assert isinstance(f.coefficient((2, 1)), sympy.Rational) and f.coefficient((5,)) == 0


def test_functions_are_immutable_values():
    given_terms = {(2, 1): 1}
    f = SymmetricFunction("s", given_terms)
    given_terms[(3,)] = 5
    f.coefficients[Partition((3,))] = 7
    assert f == element("s", (2, 1)) and f != element("s", (3,)) and f != "s[2,1]"
    with pytest.raises(AttributeError):
        f.basis = "p"
    assert {f: 1}[f.to("m")] == 1
    assert sympy.Rational(1, 2) * f == f * Fraction(1, 2) == SymmetricFunction("s", {(2, 1): sympy.Rational(1, 2)})
    assert SymmetricFunction("s", {Partition((1,)): np.int64(2), (1,): 3}).coefficients == {Partition((1,)): 5}
    assert prod([f, f], start=1) == f * f


def test_errors():
    f = element("s", (2, 1))
    with pytest.raises(InvalidArgumentError, match="basis must be one of s, p, h, e, m, got 'q'"):
        SymmetricFunction("q", {})
    with pytest.raises(InvalidArgumentError, match="basis must be one of"):
        f.to("schur")
    for basis in (None, ["s"], np.array(["s", "p"])):
        for make in (f.to, lambda basis: SymmetricFunction(basis, {})):
            with pytest.raises(InvalidTypeError, match="basis must be a str, one of s, p, h, e, m, got"):
                make(basis)
    with pytest.raises(InvalidTypeError, match="coefficients must be a mapping"):
        SymmetricFunction("s", [(2, 1)])
    with pytest.raises(InvalidPartitionError, match="key of coefficients is not a partition"):
        SymmetricFunction("s", {(1, 2): 1})
    for value in (0.5, True, "1", sympy.Symbol("x")):
        with pytest.raises(InvalidTypeError, match="coefficient must be a rational number"):
            SymmetricFunction("s", {(2, 1): value})
    for operation in (f.scalar_product, f.kronecker, f.plethysm):
        with pytest.raises(InvalidTypeError, match="other must be a symmetric function, got 3"):
            operation(3)
    with pytest.raises(TypeError):
        f + 0.5
    with pytest.raises(TypeError):
        f * "x"
    with pytest.raises(InvalidArgumentError, match="must have cycle types of one size"):
        frobenius_characteristic({(2,): 1, (1,): 1})
    with pytest.raises(InvalidArgumentError, match="must have cycle types of one size"):
        frobenius_characteristic({})
    with pytest.raises(InvalidTypeError, match="must be a mapping from cycle types to numbers or a class function"):
        frobenius_characteristic([1, 2])
    with pytest.raises(InvalidArgumentError, match="function must be homogeneous and not 0"):
        inverse_frobenius_characteristic(f + 1)
    with pytest.raises(InvalidArgumentError, match="function must be homogeneous and not 0"):
        inverse_frobenius_characteristic(f - f)
    with pytest.raises(InvalidArgumentError, match="class_function must give every cycle type once"):
        frobenius_characteristic({(2, 1): 1, Partition((2, 1)): 2})
    with pytest.raises(InvalidTypeError, match="^function must be a symmetric function"):
        inverse_frobenius_characteristic({})
