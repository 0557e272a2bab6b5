"""Irreps by matrices: laws exhaustively for small n, hypothesis beyond, and independent routes between the forms."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import ImmutableMatrix, Matrix, Rational, eye, sqrt
from sympy.combinatorics import Permutation

from symrep.combinatorics.partitions import Partition, partitions
from symrep.combinatorics.tableaux import StandardTableau, standard_tableaux
from symrep.errors import InvalidArgumentError, InvalidPartitionError, InvalidPermutationError, InvalidTypeError
from symrep.representations import representation
from symrep.representations.irreps import natural, orthogonal, seminormal, sign, standard, trivial
from symrep.representations.permutations import adjacent_transposition
from symrep.representations.specht import specht_module

MAKERS = (seminormal, orthogonal, specht_module)
SHAPES_UP_TO_5 = [shape for n in range(6) for shape in partitions(n)]


def symmetric_group(n):
    return [Permutation(list(images)) for images in permutations(range(n))]


def all_irreps(n):
    return [make(shape) for make in MAKERS for shape in partitions(n)]


def small_representations(n):
    return [natural(n), standard(n), trivial(n), sign(n)]


def shapes_and_pairs(min_degree, max_degree):
    return st.integers(min_degree, max_degree).flatmap(
        lambda n: st.tuples(
            st.sampled_from(list(partitions(n))),
            st.permutations(range(n)).map(Permutation),
            st.permutations(range(n)).map(Permutation),
        )
    )


@pytest.mark.parametrize("rho", all_irreps(4) + small_representations(4), ids=repr)
def test_homomorphism_for_all_pairs(rho):
    group = symmetric_group(4)
    matrices = {g: rho.matrix(g) for g in group}
    for p in group:
        assert matrices[p].trace() == rho.character(p)
        for q in group:
            assert matrices[p] * matrices[q] == matrices[p * q]


@settings(deadline=None, max_examples=60)
@given(shapes_and_pairs(5, 7), st.sampled_from(MAKERS))
def test_homomorphism_and_characters_beyond(shape_and_pair, make):
    shape, p, q = shape_and_pair
    rho = make(shape)
    assert rho.matrix(p * q) == rho.matrix(p) * rho.matrix(q)
    assert rho.matrix(p).trace() == rho.character(p)
    assert type(rho.character(p)) is int


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("shape", [*SHAPES_UP_TO_5, Partition((4, 2, 1)), Partition((3, 2, 1, 1))], ids=str)
def test_coxeter_relations(make, shape):
    rho = make(shape)
    identity, s = eye(rho.dimension), [rho.generator(i) for i in range(1, rho.n)]
    for i, first in enumerate(s):
        assert first * first == identity
        for j, second in enumerate(s[:i]):
            if i - j == 1:
                assert first * second * first == second * first * second
            else:
                assert first * second == second * first


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("shape", SHAPES_UP_TO_5, ids=str)
def test_shape_basis_and_generators(make, shape):
    rho = make(shape.parts)
    assert (rho.shape, rho.n, rho.dimension) == (shape, shape.size, shape.dimension)
    assert rho.basis == tuple(standard_tableaux(shape))
    assert rho.multiplicities == {shape: 1}
    assert repr(rho) == f"{make.__name__}({shape.parts})"
    assert rho == make(shape) and hash(rho) == hash(make(shape))
    assert rho.matrix(list(range(rho.n))) == eye(rho.dimension)
    for i in range(1, rho.n):
        assert rho.generator(i) == rho.matrix(adjacent_transposition(i, rho.n))


def test_forms_of_one_shape_differ():
    assert seminormal((2, 1)) != orthogonal((2, 1)) and seminormal((2, 1)) != specht_module((2, 1))


@pytest.mark.parametrize("shape", [(3, 2), (3, 1, 1), (4, 2, 1)])
def test_seminormal_generators_are_the_stated_formula(shape):
    rho = seminormal(shape)
    index_of = {tableau: index for index, tableau in enumerate(rho.basis)}
    for i in range(1, rho.n):
        expected = Matrix.zeros(rho.dimension)
        for tableau, column in index_of.items():
            r = tableau.axial_distance(i)
            expected[column, column] = Rational(1, r)
            if tableau.swap(i) is not None:
                expected[index_of[tableau.swap(i)], column] = 1 if r > 1 else 1 - Rational(1, r**2)
        assert rho.generator(i) == expected


@pytest.mark.parametrize("shape", [(3, 2), (3, 1, 1), (4, 2, 1)])
def test_orthogonal_generators_are_the_stated_formula(shape):
    rho = orthogonal(shape)
    index_of = {tableau: index for index, tableau in enumerate(rho.basis)}
    for i in range(1, rho.n):
        expected = Matrix.zeros(rho.dimension)
        for tableau, column in index_of.items():
            r = tableau.axial_distance(i)
            expected[column, column] = Rational(1, r)
            if tableau.swap(i) is not None:
                expected[index_of[tableau.swap(i)], column] = sqrt(1 - Rational(1, r**2))
        assert rho.generator(i) == expected


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(shapes_and_pairs(4, 7))
def test_orthogonal_matrices_are_orthogonal(shape_and_pair):
    shape, p, _ = shape_and_pair
    matrix = orthogonal(shape).matrix(p)
    assert matrix * matrix.T == eye(shape.dimension)


@settings(deadline=None, max_examples=50)
@given(shapes_and_pairs(2, 7), st.sampled_from(MAKERS))
def test_floats_are_the_exact_values(shape_and_pair, make):
    shape, p, _ = shape_and_pair
    rho = make(shape)
    floats = rho.to_numpy(p)
    assert floats.dtype == np.float64
    assert np.abs(floats - np.array(rho.matrix(p), dtype=np.float64)).max() < 1e-13


@pytest.mark.slow
def test_floats_wider_than_one_chunk_of_columns():
    rho, p = orthogonal((4, 3, 2)), Permutation([3, 8, 1, 5, 0, 7, 2, 4, 6])
    floats = rho.to_numpy(p)
    assert rho.dimension == 168
    assert np.abs(floats - np.array(rho.matrix(p).evalf(20), dtype=np.float64)).max() < 1e-13


@pytest.mark.parametrize("limit", [1, 40, 4000])
def test_python_integers_take_over_where_int64_might_not_do(monkeypatch, limit):
    p = Permutation([4, 6, 1, 3, 5, 0, 2])
    shapes = [(4, 2, 1), (3, 2, 2)]
    expected = {(make, shape): make(shape).matrix(p) for make in MAKERS for shape in shapes}
    monkeypatch.setattr(representation, "INT64_SAFE", limit)
    for (make, shape), matrix in expected.items():
        assert make(shape).matrix(p) == matrix
    if limit == 1:
        assert seminormal((4, 2, 1))._seminormal_fractions(p).numerators.dtype == object
        assert specht_module((4, 2, 1))._integer_array(p).dtype == object


def test_large_denominators_stay_exact():
    rho, p = seminormal((8, 8)), Permutation([15, 2, 9, 4, 13, 6, 11, 8, 1, 10, 3, 12, 5, 14, 7, 0])
    fractions = rho._seminormal_fractions(p)
    trace = sum(Rational(fractions.numerators[k, k], d) for k, d in enumerate(fractions.denominators))
    assert max(fractions.denominators) > 2**40
    assert trace == rho.character(p)


def test_matrices_are_immutable_and_of_the_right_kind():
    matrix = seminormal((3, 2)).matrix([1, 2, 0, 4, 3])
    assert isinstance(matrix, ImmutableMatrix)
    assert all(entry.is_Rational for entry in matrix)
    assert specht_module((3, 2)).domain_matrix([1, 2, 0, 4, 3]).domain.is_ZZ


def test_natural_representation_indexes():
    p = Permutation([2, 0, 3, 1])
    v = Matrix([5, 6, 7, 8])
    assert list(natural(4).matrix(p) * v) == [v[i] for i in p.array_form]
    assert np.array_equal(natural(4).to_numpy(p) @ np.arange(4.0), p.array_form)
    assert natural(4).multiplicities == {Partition((4,)): 1, Partition((3, 1)): 1}
    assert natural(1).multiplicities == {Partition((1,)): 1} and natural(1).character([0]) == 1
    assert natural(4).character(p) == 0 and natural(4).character([0, 2, 1, 3]) == 2


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_standard_representation_is_what_its_basis_says(n):
    vectors = []
    for tableau in standard(n).basis:
        vector = [0] * n
        vector[tableau.rows[1][0] - 1], vector[0] = 1, -1
        vectors.append(vector)
    basis = Matrix(vectors).T
    for p in symmetric_group(n):
        assert natural(n).matrix(p) * basis == basis * standard(n).matrix(p)
    assert all(standard(n).generator(i) == specht_module((n - 1, 1)).generator(i) for i in range(1, n))


def test_trivial_and_sign():
    odd = Permutation([1, 2, 3, 0])
    assert trivial(4).matrix(odd) == Matrix([[1]]) and sign(4).matrix(odd) == Matrix([[-1]])
    assert sign(4).basis == (StandardTableau(((1,), (2,), (3,), (4,))),)
    assert [repr(rho) for rho in small_representations(4)] == ["natural(4)", "standard(4)", "trivial(4)", "sign(4)"]
    assert trivial(1) != sign(1)


@pytest.mark.parametrize("make", MAKERS)
def test_errors_name_the_argument(make):
    with pytest.raises(InvalidPartitionError, match=r"^shape is not a partition: parts must be weakly decreasing"):
        make((1, 2))
    rho = make((3, 1))
    with pytest.raises(InvalidArgumentError, match=r"^i must lie in 1\.\.3, got 4$"):
        rho.generator(4)
    with pytest.raises(InvalidArgumentError, match=r"^i must lie in 1\.\.3, got 0$"):
        rho.generator(0)
    for method in (rho.matrix, rho.domain_matrix, rho.to_numpy, rho.character):
        with pytest.raises(InvalidPermutationError, match=r"^g must permute at most the points 0\.\.3"):
            method(Permutation([1, 0, 2, 3, 4]))


def test_errors_of_the_small_representations():
    with pytest.raises(InvalidArgumentError, match=r"^n must be at least 2, got 1$"):
        standard(1)
    with pytest.raises(InvalidArgumentError, match=r"^n must be at least 1, got 0$"):
        natural(0)
    with pytest.raises(InvalidTypeError, match=r"^n must be an integer, got 2\.0$"):
        sign(2.0)
    with pytest.raises(InvalidTypeError, match=r"^n must be an integer, got True$"):
        trivial(True)
