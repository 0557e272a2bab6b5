"""The conventions, one asymmetric example each: a wrong order or a transposed matrix makes one of these fail."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy
from sympy.combinatorics import Permutation

import symrep
from symrep import (
    Partition,
    StandardTableau,
    natural,
    orthogonal,
    partitions,
    seminormal,
    specht_module,
    standard_tableaux,
)
from symrep.representations.permutations import act_on_positions, act_on_sequence, adjacent_transposition, cycle_type

P = Permutation([1, 2, 0, 3])  # 0 -> 1 -> 2 -> 0
Q = Permutation([0, 3, 1, 2])  # 1 -> 3 -> 2 -> 1
FORMS = [specht_module, seminormal, orthogonal]
SHAPES = [(3, 1), (2, 1, 1)]


def test_sympy_multiplies_from_left_to_right():
    assert P * Q != Q * P
    assert [(P * Q)(i) for i in range(4)] == [Q(P(i)) for i in range(4)] == [3, 1, 0, 2]
    assert (P * Q).array_form == [3, 1, 0, 2]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("make", FORMS)
def test_representations_follow_sympys_product(make, shape):
    rho = make(shape)
    product = (rho.matrix(P) * rho.matrix(Q)).applyfunc(sympy.expand)
    assert product == rho.matrix(P * Q)
    assert product != rho.matrix(Q * P)
    np.testing.assert_allclose(rho.to_numpy(P) @ rho.to_numpy(Q), rho.to_numpy(P * Q), atol=1e-12)


def test_the_natural_representation_follows_sympys_product():
    rho = natural(4)
    assert rho.matrix(P) * rho.matrix(Q) == rho.matrix(P * Q) != rho.matrix(Q * P)


@pytest.mark.parametrize("g", [P, Q])
def test_the_natural_representation_acts_as_indexing(g):
    v = sympy.Matrix([10, 20, 30, 40])
    assert list(natural(4).matrix(g) * v) == [v[i] for i in g.array_form]
    np.testing.assert_array_equal(natural(4).to_numpy(g) @ [10, 20, 30, 40], np.array([10, 20, 30, 40])[g.array_form])
    assert natural(4).matrix(P)[0, 1] == 1 and natural(4).matrix(P)[1, 0] == 0


def test_generators_swap_neighbours_counted_from_one():
    assert adjacent_transposition(1, 4).array_form == [1, 0, 2, 3]
    assert adjacent_transposition(3, 4).array_form == [0, 1, 3, 2]
    for make, shape in itertools.product(FORMS, SHAPES):
        assert make(shape).generator(3) == make(shape).matrix([0, 1, 3, 2])


def test_explicit_matrices_at_degree_four():
    assert seminormal((2, 1, 1)).generator(1).is_diagonal()
    assert [seminormal((2, 1, 1)).generator(1)[i, i] for i in range(3)] == [1, -1, -1]
    assert seminormal((2, 1, 1)).generator(3)[0, 0] == -1
    assert seminormal((3, 1)).generator(3) == sympy.Matrix([["-1/3", 1, 0], ["8/9", "1/3", 0], [0, 0, 1]])
    assert orthogonal((3, 1)).generator(3)[0, 1] == sympy.sqrt(8) / 3
    assert specht_module((3, 1)).generator(1) == sympy.Matrix([[1, 0, 0], [0, 1, 0], [-1, -1, -1]])


def test_content_is_column_minus_row():
    assert Partition((3, 1)).content((0, 2)) == 2
    assert Partition((3, 1)).content((1, 0)) == -1
    assert StandardTableau([(1, 2, 4), (3,)]).content_vector == (0, 1, -1, 2)


def test_partitions_are_in_reverse_lexicographic_order():
    assert [shape.parts for shape in partitions(6)][:8] == [
        (6,),
        (5, 1),
        (4, 2),
        (4, 1, 1),
        (3, 3),
        (3, 2, 1),
        (3, 1, 1, 1),
        (2, 2, 2),
    ]


def test_standard_tableaux_are_in_last_letter_order():
    rows = [tableau.rows for tableau in standard_tableaux((3, 2))]
    assert rows == [
        ((1, 2, 3), (4, 5)),
        ((1, 2, 4), (3, 5)),
        ((1, 3, 4), (2, 5)),
        ((1, 2, 5), (3, 4)),
        ((1, 3, 5), (2, 4)),
    ]
    assert tuple(standard_tableaux((3, 2))) == seminormal((3, 2)).basis == specht_module((3, 2)).basis


def test_cycle_types_are_partitions_of_the_degree():
    assert cycle_type(Permutation(0, 1), 5) == Partition((2, 1, 1, 1))
    assert seminormal((3, 1)).character(P) == 0 and seminormal((2, 2)).character(P) == -1
    assert symrep.character((3, 1), (2, 1, 1)) == 1 and symrep.character((2, 1, 1), (2, 1, 1)) == -1


def test_the_token_at_i_moves_to_position_g_of_i():
    assert act_on_sequence(P, ("a", "b", "c", "d")) == ("c", "a", "b", "d")
    assert act_on_sequence(P * Q, "abcd") == act_on_sequence(Q, act_on_sequence(P, "abcd"))


def test_functions_on_sequences():
    f = np.arange(3**4).reshape((3,) * 4)
    moved = act_on_positions(P, f)
    assert moved[0, 1, 2, 0] == f[2, 0, 1, 0] != f[1, 2, 0, 0]
    for x in itertools.product(range(3), repeat=4):
        assert moved[x] == f[act_on_sequence(P, x)] == f[tuple(x[(P**-1)(j)] for j in range(4))]
    np.testing.assert_array_equal(act_on_positions(P * Q, f), act_on_positions(P, act_on_positions(Q, f)))
    assert not np.array_equal(act_on_positions(P * Q, f), act_on_positions(Q, act_on_positions(P, f)))


def test_indicators_move_like_the_natural_representation():
    def indicator(j):
        f = np.zeros((2,) * 4)
        f[tuple(1 if axis == j else slice(None) for axis in range(4))] = 1
        return f

    for j in range(4):
        image = natural(4).matrix(P) * sympy.eye(4)[:, j]
        expected = sum(int(image[i]) * indicator(i) for i in range(4))
        np.testing.assert_array_equal(act_on_positions(P, indicator(j)), expected)
