"""Seminormal matrix units: the multiplication law, and the same elements without any Fourier transform."""

from math import factorial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import QQ, ImmutableMatrix, Rational, zeros
from sympy.combinatorics import Permutation

from symrep.combinatorics.partitions import partitions
from symrep.combinatorics.tableaux import StandardTableau, standard_tableaux
from symrep.errors import InvalidTableauError, SizeLimitError
from symrep.representations.coset_order import permutations_in_coset_order
from symrep.representations.group_algebra import GroupAlgebraElement, central_idempotent, jucys_murphy, represent
from symrep.representations.irreps import seminormal
from symrep.representations.matrix_units import matrix_unit, matrix_units, primitive_idempotent


def tableaux_of_size(n):
    return [tableau for shape in partitions(n) for tableau in standard_tableaux(shape)]


def one(n):
    return GroupAlgebraElement({tuple(range(n)): 1}, n)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_multiplication_law(n):
    units = {labels: unit for shape in partitions(n) for labels, unit in matrix_units(shape).items()}
    assert len(units) == factorial(n)
    zero = GroupAlgebraElement({}, n)
    for (s, t), left in units.items():
        for (u, v), right in units.items():
            assert left * right == (units[s, v] if t == u else zero)


@pytest.mark.slow
@settings(deadline=None, max_examples=8)
@given(st.integers(5, 6).flatmap(lambda n: st.sampled_from([s for s in partitions(n) if s.dimension > 1])), st.data())
def test_multiplication_law_in_larger_groups(shape, data):
    basis = list(standard_tableaux(shape))
    s, t, u = (data.draw(st.sampled_from(basis)) for _ in range(3))
    assert matrix_unit(s, t) * matrix_unit(t, u) == matrix_unit(s, u)
    if t != u:
        assert matrix_unit(s, t) * matrix_unit(u, s) == GroupAlgebraElement({}, shape.size)


@pytest.mark.parametrize("shape", [(2, 1), (3, 1), (2, 2), (2, 1, 1)])
def test_coefficients_are_the_inversion_formula(shape):
    rho = seminormal(shape)
    group = list(permutations_in_coset_order(rho.n))
    inverses = {g: rho.matrix(g**-1) for g in group}
    for i, s in enumerate(rho.basis):
        for j, t in enumerate(rho.basis):
            unit = matrix_unit(s, t)
            for g in group:
                assert unit.coefficient(g) == Rational(rho.dimension, factorial(rho.n)) * inverses[g][j, i]


@pytest.mark.parametrize("shape", [(3, 1), (2, 2)])
def test_representations_by_unit_matrices(shape):
    for (s, t), unit in matrix_units(shape).items():
        for other in partitions(4):
            rho = seminormal(other)
            expected = zeros(rho.dimension).as_mutable()
            if other.parts == shape:
                expected[rho.basis.index(s), rho.basis.index(t)] = 1
            assert represent(rho, unit) == ImmutableMatrix(expected)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_products_of_jucys_murphy_factors(n):
    total = GroupAlgebraElement({}, n)
    for tableau in tableaux_of_size(n):
        idempotent = primitive_idempotent(tableau)
        assert idempotent == matrix_unit(tableau, tableau)
        total += idempotent
    assert total == one(n)


@pytest.mark.parametrize("n", [3, 4, 5])
def test_jucys_murphy_elements_are_diagonal_with_contents(n):
    diagonal = {tableau: primitive_idempotent(tableau) for tableau in tableaux_of_size(n)}
    for k in range(1, n + 1):
        expected = GroupAlgebraElement({}, n)
        for tableau, unit in diagonal.items():
            expected += unit * tableau.content_vector[k - 1]
        assert jucys_murphy(k, n) == expected


def test_jucys_murphy_elements_act_by_contents_on_both_sides():
    for (s, t), unit in matrix_units((3, 2)).items():
        for k in range(2, 6):
            x = jucys_murphy(k, 5)
            assert x * unit == unit * s.content_vector[k - 1]
            assert unit * x == unit * t.content_vector[k - 1]


@pytest.mark.parametrize("shape", [(3, 2), (3, 1, 1), (2, 2, 1), (3, 2, 1)])
def test_diagonal_units_sum_to_the_central_idempotent(shape):
    total = GroupAlgebraElement({}, sum(shape))
    for tableau in standard_tableaux(shape):
        total += primitive_idempotent(tableau)
    assert total == central_idempotent(shape).to_group_algebra()


def test_a_group_element_is_the_sum_of_its_matrix_entries():
    g = Permutation([2, 0, 3, 1])
    total = GroupAlgebraElement({}, 4)
    for shape in partitions(4):
        rho = seminormal(shape)
        matrix, units = rho.matrix(g), matrix_units(shape)
        for i, s in enumerate(rho.basis):
            for j, t in enumerate(rho.basis):
                total += units[s, t] * matrix[i, j]
    assert total == GroupAlgebraElement({g: 1}, 4)


def test_extreme_sizes():
    assert matrix_unit((), ()) == GroupAlgebraElement({(): 1}, 0) == primitive_idempotent(())
    assert matrix_units((1,)) == {(StandardTableau([(1,)]), StandardTableau([(1,)])): one(1)}
    tableau = StandardTableau([(1, 3, 4), (2, 6), (5, 7)])
    unit = matrix_unit(tableau, tableau)
    assert unit == primitive_idempotent(tableau)
    assert unit.coefficient(range(7)) == QQ.to_sympy(QQ(21, factorial(7)))


def test_errors():
    with pytest.raises(InvalidTableauError, match=r"^row is not a standard tableau: rows must"):
        matrix_unit([(2, 1)], [(1, 2)])
    with pytest.raises(InvalidTableauError, match=r"^column must have shape \(2,1\), got \(\(1, 2, 3\),\)$"):
        matrix_unit([(1, 2), (3,)], [(1, 2, 3)])
    with pytest.raises(InvalidTableauError, match=r"^tableau is not a standard tableau: rows must"):
        primitive_idempotent([(2, 1)])
    message = r"^a matrix unit of \(9,\) has up to 9! coefficients, the limit is n = 8: seminormal\(shape\) represents"
    for call in (
        lambda: matrix_units((9,)),
        lambda: primitive_idempotent([range(1, 10)]),
        lambda: matrix_unit([range(1, 10)], [range(1, 10)]),
    ):
        with pytest.raises(SizeLimitError, match=message):
            call()


def test_all_units_of_a_large_shape_are_refused():
    message = r"^the matrix units of shape \(6, 1, 1\) have up to 17781120 coefficients, the limit is 10000000: m"
    with pytest.raises(SizeLimitError, match=message):
        matrix_units((6, 1, 1))
