"""The group algebra and its centre: laws, and central products against explicit convolution."""

from fractions import Fraction
from itertools import permutations
from math import factorial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, diag, eye, zeros
from sympy.combinatorics import Permutation

from symrep.combinatorics.partitions import Partition, partitions
from symrep.combinatorics.tableaux import StandardTableau, standard_tableaux
from symrep.errors import (
    InvalidArgumentError,
    InvalidPartitionError,
    InvalidPermutationError,
    InvalidTypeError,
    SizeLimitError,
)
from symrep.representations.group_algebra import (
    CentralElement,
    GroupAlgebraElement,
    central_idempotent,
    class_sum,
    jucys_murphy,
    represent,
    young_symmetrizer,
)
from symrep.representations.irreps import natural, orthogonal, seminormal
from symrep.representations.permutations import cycle_type
from symrep.representations.specht import specht_module

IRREPS_OF_S4 = [make(shape) for make in (seminormal, specht_module, orthogonal) for shape in partitions(4)]
SHAPES_UP_TO_5 = [shape for n in range(1, 6) for shape in partitions(n)]


def rationals():
    return st.fractions(min_value=-3, max_value=3, max_denominator=6)


def elements(n):
    return st.dictionaries(st.permutations(range(n)).map(tuple), rationals(), max_size=4).map(
        lambda coefficients: GroupAlgebraElement(coefficients, n)
    )


def central_elements(n):
    return st.dictionaries(st.sampled_from([mu.parts for mu in partitions(n)]), rationals()).map(
        lambda coefficients: CentralElement(coefficients, n)
    )


def test_products_follow_sympy():
    p, q = Permutation([1, 2, 0, 3]), Permutation([0, 3, 1, 2])
    assert p * q != q * p
    product = GroupAlgebraElement({p: 2}, 4) * GroupAlgebraElement({q: Rational(3, 4)}, 4)
    assert product == GroupAlgebraElement({p * q: Fraction(3, 2)}, 4)
    assert product.support == (p * q,)
    assert product.coefficient(p * q) == Rational(3, 2) and product.coefficient(q * p) == 0


@settings(deadline=None)
@given(elements(4), elements(4), elements(4), rationals())
def test_ring_laws(a, b, c, scalar):
    assert (a * b) * c == a * (b * c)
    assert a * (b + c) == a * b + a * c and (a + b) * c == a * c + b * c
    assert a - b == a + -b and a - a == GroupAlgebraElement({}, 4)
    assert scalar * a == a * scalar == a * GroupAlgebraElement({(0, 1, 2, 3): scalar}, 4)
    assert hash(a + b) == hash(b + a) and a + b == b + a


@settings(deadline=None)
@given(elements(4), central_elements(4))
def test_repr_is_the_value(a, z):
    assert eval(repr(a)) == a
    assert eval(repr(z)) == z


def test_elements_are_immutable_and_zero_terms_vanish():
    coefficients = {(1, 0): 1, (0, 1): 0}
    a = GroupAlgebraElement(coefficients, 2)
    coefficients[(0, 1)] = 5
    with pytest.raises(AttributeError, match="cannot assign to field 'n'"):
        a.n = 3
    assert a.support == (Permutation([1, 0]),)
    assert a != GroupAlgebraElement({(1, 0, 2): 1}, 3)
    assert a != class_sum((2,)) and a == class_sum((2,)).to_group_algebra()


@pytest.mark.parametrize(("algebra", "key"), [(GroupAlgebraElement, "permutation"), (CentralElement, "cycle type")])
def test_coefficients_are_a_mapping(algebra, key):
    with pytest.raises(InvalidTypeError, match=rf"^coefficients must be a dict \{{{key}: rational\}}, got \[1\]$"):
        algebra([1], 3)


def test_the_cost_of_products_names_the_transform():
    assert "fourier_transform" in GroupAlgebraElement.__doc__ and "(n!)^2" in GroupAlgebraElement.__doc__


@pytest.mark.parametrize("value", [0.5, True, "1", None])
def test_coefficients_are_exact_rationals(value):
    with pytest.raises(InvalidTypeError, match=r"^coefficient must be an exact rational number, got"):
        GroupAlgebraElement({(1, 0): value}, 2)
    with pytest.raises(InvalidTypeError, match=r"^coefficient must be an exact rational number, got"):
        CentralElement({(2,): value}, 2)
    with pytest.raises(TypeError, match="unsupported operand|can't multiply"):
        GroupAlgebraElement({(1, 0): 1}, 2) * value


def test_elements_of_different_groups_do_not_mix():
    a, b = GroupAlgebraElement({(1, 0): 1}, 2), GroupAlgebraElement({(1, 0, 2): 1}, 3)
    for combine in (lambda: a + b, lambda: a - b, lambda: a * b):
        with pytest.raises(InvalidArgumentError, match=r"^other must belong to S_2, got GroupAlgebraElement"):
            combine()
    with pytest.raises(TypeError, match="unsupported operand"):
        a + class_sum((2,))
    with pytest.raises(InvalidPermutationError, match=r"^g must list the images of 0\.\.2"):
        GroupAlgebraElement({(1, 0): 1}, 3)
    with pytest.raises(InvalidPartitionError, match=r"^cycle_type must be a partition of 3"):
        CentralElement({(2,): 1}, 3)


@pytest.mark.parametrize("shape", SHAPES_UP_TO_5, ids=str)
def test_young_symmetrizers_square_to_a_multiple(shape):
    scale = Rational(factorial(shape.size), shape.dimension)
    for tableau in standard_tableaux(shape):
        symmetrizer = young_symmetrizer(tableau)
        assert symmetrizer * symmetrizer == scale * symmetrizer
        assert symmetrizer.coefficient(list(range(shape.size))) == 1


def test_young_symmetrizer_is_rows_first():
    tableau = StandardTableau([(1, 3), (2,)])
    identity = (0, 1, 2)
    rows = GroupAlgebraElement({identity: 1, (2, 1, 0): 1}, 3)
    columns = GroupAlgebraElement({identity: 1, (1, 0, 2): -1}, 3)
    assert rows * columns != columns * rows
    assert young_symmetrizer(tableau) == rows * columns


@pytest.mark.parametrize("n", [3, 4])
def test_young_symmetrizers_have_rank_one_in_their_irrep_and_vanish_in_others(n):
    for shape in partitions(n):
        for tableau in standard_tableaux(shape):
            for other in partitions(n):
                matrix = represent(seminormal(other), young_symmetrizer(tableau))
                assert matrix.rank() == (1 if other == shape else 0)


def test_young_symmetrizer_errors():
    with pytest.raises(InvalidTypeError, match=r"^tableau must be a StandardTableau, got \(\(1, 2\),\)$"):
        young_symmetrizer(((1, 2),))
    with pytest.raises(SizeLimitError, match=r"^the Young symmetrizer of \(10,\) has 3628800 terms, the limit is 10"):
        young_symmetrizer(StandardTableau([range(1, 11)]))


@pytest.mark.parametrize("shape", SHAPES_UP_TO_5, ids=str)
def test_jucys_murphy_elements_act_by_contents(shape):
    rho = seminormal(shape)
    for k in range(1, rho.n + 1):
        contents = [tableau.content_vector[k - 1] for tableau in rho.basis]
        assert represent(rho, jucys_murphy(k, rho.n)) == diag(*contents)


def test_jucys_murphy_elements_commute_and_sum_to_the_class_of_transpositions():
    x = [jucys_murphy(k, 5) for k in range(1, 6)]
    assert x[3] * x[4] == x[4] * x[3] and x[2] * x[4] == x[4] * x[2]
    assert x[0] + x[1] + x[2] + x[3] + x[4] == class_sum((2, 1, 1, 1)).to_group_algebra()
    with pytest.raises(InvalidArgumentError, match=r"^k must lie in 1\.\.5, got 6$"):
        jucys_murphy(6, 5)


@settings(deadline=None, max_examples=30)
@given(central_elements(4), central_elements(4))
def test_central_products_are_convolutions(z, w):
    assert (z * w).to_group_algebra() == z.to_group_algebra() * w.to_group_algebra()
    assert (z + w).to_group_algebra() == z.to_group_algebra() + w.to_group_algebra()
    assert (z - w * 3).to_group_algebra() == z.to_group_algebra() - 3 * w.to_group_algebra()


@settings(deadline=None, max_examples=30)
@given(elements(4), central_elements(4))
def test_central_elements_commute_with_everything(a, z):
    assert a * z.to_group_algebra() == z.to_group_algebra() * a


@pytest.mark.parametrize("n", range(1, 8))
def test_central_idempotents(n):
    idempotents = [central_idempotent(shape) for shape in partitions(n)]
    zero = CentralElement({}, n)
    for i, e in enumerate(idempotents):
        for j, other in enumerate(idempotents):
            assert e * other == (e if i == j else zero)
    assert sum(idempotents, zero) == CentralElement({(1,) * n: 1}, n)


@pytest.mark.parametrize("shape", [(3, 1), (2, 2), (3, 1, 1), (3, 2)])
def test_central_idempotent_is_the_character_formula(shape):
    shape = Partition(shape)
    written_out = central_idempotent(shape).to_group_algebra()
    rho = seminormal(shape)
    for images in permutations(range(shape.size)):
        trace = rho.matrix(images).trace()
        assert written_out.coefficient(images) == trace * Rational(shape.dimension, factorial(shape.size))


@pytest.mark.parametrize("n", [4, pytest.param(5, marks=pytest.mark.slow)])
def test_central_characters(n):
    for shape in partitions(n):
        e = central_idempotent(shape)
        assert [e.central_character(other) for other in partitions(n)] == [other == shape for other in partitions(n)]
        contents = sum(column - row for row, column in shape.cells())
        assert class_sum((2, *[1] * (n - 2))).central_character(shape) == contents
        for mu in partitions(n):
            class_on_irrep = represent(orthogonal(shape), class_sum(mu).to_group_algebra())
            assert class_on_irrep == eye(shape.dimension) * class_sum(mu).central_character(shape)


def test_central_elements_of_large_groups():
    e = central_idempotent((5, 4, 2, 1))
    assert e * e == e and e * central_idempotent((6, 6)) == CentralElement({}, 12)
    assert e.coefficient((1,) * 12) == Rational(Partition((5, 4, 2, 1)).dimension ** 2, factorial(12))
    with pytest.raises(SizeLimitError, match=r"^an element of Q\[S_12\] has 479001600 coefficients, the limit is n = "):
        e.to_group_algebra()


@settings(deadline=None, max_examples=30)
@given(elements(4), elements(4), st.sampled_from(IRREPS_OF_S4))
def test_represent_is_a_homomorphism_of_algebras(a, b, rho):
    assert represent(rho, a * b) == represent(rho, a) * represent(rho, b)
    assert represent(rho, a + b) == represent(rho, a) + represent(rho, b)


def test_represent_single_permutations_and_reducible_representations():
    p = Permutation([2, 0, 3, 1])
    assert represent(natural(4), GroupAlgebraElement({p: 1}, 4)) == natural(4).matrix(p)
    mean = represent(natural(4), central_idempotent((4,)))
    assert mean == (eye(4) * 0).applyfunc(lambda _: Rational(1, 4))
    assert represent(natural(4), central_idempotent((3, 1))) == eye(4) - mean
    assert represent(natural(4), central_idempotent((2, 2))) == zeros(4)
    assert represent(seminormal((2, 2)), central_idempotent((3, 1))) == zeros(2)


def test_represent_errors():
    with pytest.raises(InvalidArgumentError, match=r"^element must belong to S_4, got CentralElement"):
        represent(natural(4), class_sum((2, 1)))
    with pytest.raises(InvalidTypeError, match=r"^element must belong to a group algebra, got 3$"):
        represent(natural(4), 3)
    with pytest.raises(InvalidTypeError, match=r"^rho must be a representation, got 'natural'$"):
        represent("natural", class_sum((2, 1)))


def test_class_sums_have_the_size_of_the_class():
    written_out = class_sum((3, 1)).to_group_algebra()
    assert {cycle_type(g, 4) for g in written_out.support} == {Partition((3, 1))}
    assert len(written_out.support) == 8


def test_latex_shows_cycles_and_classes():
    element = GroupAlgebraElement({(1, 0, 2): 1, (1, 2, 0): -1, (0, 1, 2): Fraction(1, 2)}, 3)
    assert element._repr_latex_() == r"$1/2 \, e + 1 \, (0\,1) - 1 \, (0\,1\,2)$"
    assert class_sum((2, 1))._repr_latex_() == r"$1 \, K_{(2,1)}$"
    assert GroupAlgebraElement({}, 3)._repr_latex_() == "$0$"
