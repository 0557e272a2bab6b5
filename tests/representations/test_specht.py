"""Specht modules: straightening against explicit sums of tabloids, and the intertwiners between the three models."""

from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import diag, eye
from sympy.combinatorics import Permutation

from symrep.combinatorics.partitions import partitions
from symrep.combinatorics.tableaux import StandardTableau, standard_tableaux
from symrep.errors import InvalidArgumentError, InvalidTableauError, InvalidTypeError
from symrep.representations.irreps import natural, orthogonal, seminormal, standard
from symrep.representations.specht import garnir_straighten, intertwiner, specht_module

MAKERS = (specht_module, seminormal, orthogonal)
SHAPES_UP_TO_5 = [shape for n in range(1, 6) for shape in partitions(n)]


def fill(shape, entries):
    """Rows of the shape filled with the entries in reading order."""
    entries = iter(entries)
    return tuple(tuple(next(entries) for _ in range(part)) for part in shape.parts)


def polytabloid(rows):
    """The polytabloid as {tabloid: coefficient}, from the definition."""
    columns = [[row[j] for row in rows if j < len(row)] for j in range(len(rows[0]))]
    expansion = {}
    for choice in product(*(permutations(range(len(column))) for column in columns)):
        sign = 1
        tabloid = [set() for _ in rows]
        for column, order in zip(columns, choice):
            sign *= Permutation(list(order)).signature()
            for row, place in enumerate(order):
                tabloid[row].add(column[place])
        key = tuple(map(frozenset, tabloid))
        expansion[key] = expansion.get(key, 0) + sign
    return expansion


def combine(expansion):
    """The tabloid expansion of a combination of standard polytabloids."""
    total = {}
    for tableau, coefficient in expansion.items():
        for tabloid, value in polytabloid(tableau.rows).items():
            total[tabloid] = total.get(tabloid, 0) + coefficient * value
    return {tabloid: value for tabloid, value in total.items() if value}


def fillings(degree):
    return st.sampled_from(list(partitions(degree))).flatmap(
        lambda shape: st.permutations(range(1, degree + 1)).map(lambda entries: fill(shape, entries))
    )


@pytest.mark.parametrize("shape", [shape for n in range(1, 5) for shape in partitions(n)], ids=str)
def test_straightening_of_every_filling_against_tabloids(shape):
    for entries in permutations(range(1, shape.size + 1)):
        rows = fill(shape, entries)
        assert combine(garnir_straighten(rows)) == polytabloid(rows)


@settings(deadline=None, max_examples=80)
@given(st.integers(5, 7).flatmap(fillings))
def test_straightening_of_larger_fillings_against_tabloids(rows):
    expansion = garnir_straighten(rows)
    assert all(isinstance(tableau, StandardTableau) and type(value) is int for tableau, value in expansion.items())
    assert combine(expansion) == polytabloid(rows)


@pytest.mark.parametrize("shape", SHAPES_UP_TO_5, ids=str)
def test_generators_against_tabloids(shape):
    rho = specht_module(shape)
    for i in range(1, shape.size):
        exchanged = {i: i + 1, i + 1: i}
        for column, tableau in enumerate(rho.basis):
            moved = tuple(tuple(exchanged.get(entry, entry) for entry in row) for row in tableau.rows)
            coefficients = {t: int(value) for t, value in zip(rho.basis, rho.generator(i).col(column))}
            assert combine(coefficients) == polytabloid(moved)


@pytest.mark.parametrize("shape", [(3, 1), (2, 2), (3, 2), (2, 2, 1)])
def test_matrices_permute_the_letters_by_the_inverse(shape):
    rho = specht_module(shape)
    p = Permutation([1, 3, 0, 2, *range(4, rho.n)])
    assert p != ~p
    for column, tableau in enumerate(rho.basis):
        moved = tuple(tuple((~p)(entry - 1) + 1 for entry in row) for row in tableau.rows)
        expected = garnir_straighten(moved)
        assert [expected.get(t, 0) for t in rho.basis] == list(rho.matrix(p).col(column))


def test_standard_fillings_are_kept():
    for tableau in standard_tableaux((3, 2, 1)):
        assert garnir_straighten(tableau) == {tableau: 1}
    assert garnir_straighten(()) == {StandardTableau(()): 1}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (3, r"^tableau must be a sequence of rows, got 3$"),
        ([3, 4], r"^tableau must be a sequence of rows, got \[3, 4\]$"),
        ([(1,), (2, 3)], r"^tableau must have rows of decreasing lengths, got \(\(1,\), \(2, 3\)\)$"),
        ([(1, 2), ()], r"^tableau must have rows of decreasing lengths"),
        ([(1, 2), (2,)], r"^tableau must contain each of 1\.\.3 exactly once, got \(\(1, 2\), \(2,\)\)$"),
        ([(True, 2), (3,)], r"^tableau must contain each of 1\.\.3 exactly once"),
        ([(1.0, 2), (3,)], r"^tableau must contain each of 1\.\.3 exactly once"),
    ],
)
def test_straightening_refuses_other_fillings(rows, message):
    with pytest.raises(InvalidTableauError, match=message):
        garnir_straighten(rows)


@pytest.mark.parametrize("source", MAKERS)
@pytest.mark.parametrize("target", MAKERS)
@pytest.mark.parametrize("shape", [*SHAPES_UP_TO_5, (4, 2, 1), (3, 2, 1, 1)], ids=str)
def test_intertwiners_intertwine(source, target, shape):
    source, target = source(shape), target(shape)
    x = intertwiner(source, target)
    assert x[source.dimension - 1, target.dimension - 1] == 1
    for i in range(1, source.n):
        assert x * source.generator(i) == target.generator(i) * x


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_intertwiners_intertwine_whole_permutations(data):
    shape = data.draw(st.sampled_from(list(partitions(6))))
    p = data.draw(st.permutations(range(6)).map(Permutation))
    source, target = (data.draw(st.sampled_from(MAKERS))(shape) for _ in range(2))
    x = intertwiner(source, target)
    assert x * source.matrix(p) == target.matrix(p) * x


@pytest.mark.parametrize("shape", [(3, 2), (3, 1, 1), (2, 2, 1), (4, 2, 1)])
def test_structure_of_intertwiners(shape):
    specht, young, unitary = (make(shape) for make in MAKERS)
    to_young = intertwiner(specht, young)
    assert to_young.is_lower and not to_young.is_diagonal()
    assert all(to_young[k, k] == 1 for k in range(specht.dimension))
    assert to_young * intertwiner(young, specht) == eye(specht.dimension)
    lengths = intertwiner(young, unitary)
    assert lengths == diag(*lengths.diagonal())
    assert intertwiner(young, young) == eye(specht.dimension)
    assert intertwiner(specht, unitary) == lengths * to_young


def test_intertwiner_errors():
    rule = r"must be a Specht module, a seminormal or an orthogonal form"
    with pytest.raises(InvalidTypeError, match=rf"^source {rule}, got natural\(3\)$"):
        intertwiner(natural(3), seminormal((2, 1)))
    with pytest.raises(InvalidTypeError, match=rf"^target {rule}, got standard\(3\)$"):
        intertwiner(seminormal((2, 1)), standard(3))
    message = r"^target must have the shape \(2, 1\) of source, got seminormal\(\(3,\)\)$"
    with pytest.raises(InvalidArgumentError, match=message):
        intertwiner(specht_module((2, 1)), seminormal((3,)))


def test_exchanging_columns_of_one_height_keeps_the_polytabloid():
    one = garnir_straighten([(3, 1, 5), (6, 2, 4)])
    assert one == garnir_straighten([(1, 5, 3), (2, 4, 6)]) == garnir_straighten([(5, 3, 1), (4, 6, 2)])
    wide = garnir_straighten([range(16, 8, -1), range(8, 0, -1)])
    assert len(wide) == 1 and set(wide.values()) <= {1, -1}
