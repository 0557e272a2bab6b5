"""Standard and semistandard tableaux, Kostka numbers and insertion."""

from itertools import combinations, pairwise, permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.combinatorics import Permutation

from symrep.combinatorics.partitions import Partition, partitions
from symrep.combinatorics.rsk import inverse_robinson_schensted, inverse_rsk, robinson_schensted, rsk
from symrep.combinatorics.tableaux import (
    SemistandardTableau,
    StandardTableau,
    as_standard_tableau,
    kostka_number,
    number_of_semistandard_tableaux,
    semistandard_tableaux,
    standard_tableaux,
)
from symrep.errors import InvalidArgumentError, InvalidPermutationError, InvalidTableauError, InvalidTypeError

small_shapes = st.integers(0, 7).flatmap(lambda n: st.sampled_from(list(partitions(n))))
permutations_up_to_8 = st.integers(1, 8).flatmap(lambda n: st.permutations(range(n)))
words = st.lists(st.integers(1, 5), max_size=10)


@st.composite
def tableaux(draw, smallest=0):
    shape = draw(small_shapes.filter(lambda shape: shape.size >= smallest))
    index = draw(st.integers(0, shape.dimension - 1))
    return next(t for position, t in enumerate(standard_tableaux(shape)) if position == index)


def fillings(shape, entries):
    """The rows of a diagram filled row by row with the given entries."""
    iterator = iter(entries)
    return tuple(tuple(next(iterator) for _ in range(part)) for part in shape.parts)


def is_ordered(rows, rows_strict):
    rows_fine = all(a < b or (a == b and not rows_strict) for row in rows for a, b in pairwise(row))
    return rows_fine and all(a < b for upper, lower in pairwise(rows) for a, b in zip(upper, lower))


def comes_before(first, second):
    """The definition of last-letter order, read literally."""
    for entry in range(first.size, 0, -1):
        if first.position(entry) != second.position(entry):
            return first.position(entry)[0] > second.position(entry)[0]
    return False


def test_last_letter_order_of_3_2():
    assert [tableau.rows for tableau in standard_tableaux((3, 2))] == [
        ((1, 2, 3), (4, 5)),
        ((1, 2, 4), (3, 5)),
        ((1, 3, 4), (2, 5)),
        ((1, 2, 5), (3, 4)),
        ((1, 3, 5), (2, 4)),
    ]


@given(small_shapes)
@settings(deadline=None, max_examples=40)
def test_enumeration_is_in_last_letter_order_and_counted_by_hook_lengths(shape):
    listed = list(standard_tableaux(shape))
    assert len(listed) == shape.dimension
    assert all(comes_before(a, b) for a, b in pairwise(listed))
    assert all(tableau.shape == shape for tableau in listed)
    assert listed[0].rows == fillings(shape, range(1, shape.size + 1))
    assert listed[-1].conjugate.rows == fillings(shape.conjugate, range(1, shape.size + 1))


@pytest.mark.parametrize("n", range(6))
def test_enumeration_finds_all_standard_fillings(n):
    for shape in partitions(n):
        expected = {fillings(shape, p) for p in permutations(range(1, n + 1))}
        listed = [tableau.rows for tableau in standard_tableaux(shape)]
        assert sorted(listed) == sorted(rows for rows in expected if is_ordered(rows, rows_strict=True))


def test_enumeration_is_lazy_and_has_no_depth_limit():
    iterator = standard_tableaux((1500, 1500))
    assert next(iterator).position(1501) == (1, 0)
    assert next(iterator).position(1500) == (1, 0)


@given(tableaux())
@settings(deadline=None)
def test_positions_contents_and_conjugates(tableau):
    for entry in range(1, tableau.size + 1):
        row, column = tableau.position(entry)
        assert tableau.rows[row][column] == tableau.entry((row, column)) == entry
        assert tableau.entry_positions[entry - 1] == (row, column)
        assert tableau.content_vector[entry - 1] == column - row == tableau.shape.content((row, column))
        assert tableau.conjugate.position(entry) == (column, row)
    assert tableau.conjugate.conjugate == tableau
    assert StandardTableau(tableau.conjugate.rows).shape == tableau.shape.conjugate


def test_content_vectors_separate_tableaux():
    for n in range(7):
        listed = [tableau for shape in partitions(n) for tableau in standard_tableaux(shape)]
        assert len({tableau.content_vector for tableau in listed}) == len(listed)


@given(tableaux(smallest=2), st.data())
@settings(deadline=None)
def test_swaps(tableau, data):
    i = data.draw(st.integers(1, tableau.size - 1))
    distance = tableau.axial_distance(i)
    assert distance == tableau.content_vector[i] - tableau.content_vector[i - 1] != 0
    exchanged = tuple(tuple({i: i + 1, i + 1: i}.get(entry, entry) for entry in row) for row in tableau.rows)
    swapped = tableau.swap(i)
    if is_ordered(exchanged, rows_strict=True):
        assert swapped.rows == exchanged and swapped.swap(i) == tableau
        assert swapped.axial_distance(i) == -distance
        assert comes_before(tableau, swapped) == (distance < 0)
    else:
        assert swapped is None and abs(distance) == 1


def test_axial_distances_by_hand():
    tableau = StandardTableau([(1, 2, 5), (3, 4)])
    assert [tableau.axial_distance(i) for i in range(1, 5)] == [1, -2, 1, 2]
    assert tableau.swap(2).rows == ((1, 3, 5), (2, 4)) and tableau.swap(3) is None


@pytest.mark.parametrize("max_entry", range(5))
def test_semistandard_enumeration_finds_all_fillings_in_order(max_entry):
    for shape in [Partition(parts) for parts in [(), (3,), (1, 1, 1), (2, 1), (2, 2), (3, 2), (2, 2, 1), (3, 1, 1)]]:
        candidates = (fillings(shape, f) for f in product(range(1, max_entry + 1), repeat=shape.size))
        expected = [rows for rows in candidates if is_ordered(rows, rows_strict=False)]
        listed = list(semistandard_tableaux(shape, max_entry))
        assert [tableau.rows for tableau in listed] == expected
        assert number_of_semistandard_tableaux(shape, max_entry) == len(expected)
        assert all(SemistandardTableau(tableau.rows) == tableau for tableau in listed)


@given(small_shapes, st.integers(0, 4))
@settings(deadline=None, max_examples=40)
def test_hook_content_formula_counts_the_enumeration(shape, max_entry):
    count = sum(1 for _ in semistandard_tableaux(shape, max_entry))
    assert number_of_semistandard_tableaux(shape, max_entry) == count


@given(small_shapes, st.data())
@settings(deadline=None, max_examples=60)
def test_kostka_numbers_count_tableaux_of_a_weight(shape, data):
    letters = data.draw(st.lists(st.integers(1, 4), min_size=shape.size, max_size=shape.size))
    weight = [letters.count(letter) for letter in range(1, 5)]
    listed = semistandard_tableaux(shape, 4)
    assert kostka_number(shape, weight) == sum([*t.weight, 0, 0, 0, 0][:4] == weight for t in listed)


@pytest.mark.parametrize("n", range(8))
def test_kostka_matrix_is_unitriangular_in_dominance_order(n):
    for shape, weight in product(partitions(n), repeat=2):
        number = kostka_number(shape, weight.parts)
        assert (number > 0) == shape.dominates(weight)
        if shape == weight:
            assert number == 1
    assert all(kostka_number(shape, (1,) * n) == shape.dimension for shape in partitions(n))


def test_large_kostka_number_by_the_determinant_formula():
    # Jacobi-Trudi for two rows: K = number of words with these letter counts in n-k letters minus the same for n-k+1.
    def coefficient(weight, first):
        ways = [1] + [0] * first
        for count in weight:
            ways = [sum(ways[max(0, total - count) : total + 1]) for total in range(first + 1)]
        return ways[first]

    weight = (7, 6, 5, 5, 4, 4, 3, 3, 2, 1)
    assert kostka_number((24, 16), weight) == coefficient(weight, 24) - coefficient(weight, 25) > 10**4


@pytest.mark.parametrize("n", range(6))
def test_robinson_schensted_is_a_bijection_that_turns_inverses_into_swaps(n):
    pairs = set()
    for images in permutations(range(n)):
        p = Permutation(list(images))
        P, Q = robinson_schensted(p)
        assert P.shape == Q.shape and StandardTableau(P.rows) == P and StandardTableau(Q.rows) == Q
        assert robinson_schensted(p**-1) == (Q, P) and robinson_schensted(images) == (P, Q)
        assert inverse_robinson_schensted(P, Q) == p
        pairs.add((P, Q))
    assert len(pairs) == sum(shape.dimension**2 for shape in partitions(n))


@given(permutations_up_to_8)
@settings(deadline=None)
def test_reversing_a_permutation_transposes_its_insertion_tableau(images):
    assert robinson_schensted(images[::-1])[0] == robinson_schensted(images)[0].conjugate


@given(words)
@settings(deadline=None)
def test_rsk_round_trip_and_greene(word):
    P, Q = rsk(word)
    assert SemistandardTableau(P.rows) == P and StandardTableau(Q.rows) == Q and P.shape == Q.shape
    assert inverse_rsk(P, Q) == tuple(word)
    assert sorted(P.reading_word) == sorted(word)
    assert rsk(P.reading_word)[0] == P
    longest = max(
        (size for size in range(len(word) + 1) for c in combinations(word, size) if list(c) == sorted(c)), default=0
    )
    assert (P.shape.parts[0] if word else 0) == longest


@pytest.mark.parametrize("length", range(5))
def test_rsk_counts_words(length):
    pairs = {rsk(word) for word in product(range(1, 4), repeat=length)}
    numbers = [number_of_semistandard_tableaux(shape, 3) * shape.dimension for shape in partitions(length)]
    assert len(pairs) == 3**length == sum(numbers)


def test_rsk_by_hand():
    P, Q = robinson_schensted(Permutation([3, 0, 4, 1, 2]))
    assert P.rows == ((1, 2, 3), (4, 5)) and Q.rows == ((1, 3, 5), (2, 4))


def test_display_and_value_semantics():
    tableau = StandardTableau([[1, 2, 10], [3, 4], [5, 6], [7, 8], [9]])
    assert tableau.diagram().splitlines() == [" 1  2 10", " 3  4", " 5  6", " 7  8", " 9"]
    small = SemistandardTableau([[1, 1], [2]])
    assert small._repr_latex_() == r"$\begin{array}{cc}1&1\\2\end{array}$"
    assert StandardTableau()._repr_latex_() == r"$\varnothing$" and StandardTableau().diagram() == ""
    assert eval(repr(tableau)) == tableau and eval(repr(small)) == small
    assert StandardTableau([[1, 2], [3]]) != SemistandardTableau([[1, 2], [3]])
    assert len({StandardTableau([[1, 2], [3]]), StandardTableau(((1, 2), (3,)))}) == 1
    assert str(small) == "1,1/2" and small.size == 3 and small.weight == (2, 1)
    with pytest.raises(AttributeError):
        small.rows = ()


@pytest.mark.parametrize("kind", [StandardTableau, SemistandardTableau])
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (5, "rows must be a sequence of rows"),
        ([1, 2], "rows must be a sequence of rows"),
        ([[1, 2.0]], "rows must contain positive integers only"),
        ([[True, 2]], "rows must contain positive integers only"),
        ([[0, 1]], "rows must contain positive integers only"),
        ([[1], [2, 3]], "rows must have positive, weakly decreasing lengths"),
        ([[1], []], "rows must have positive, weakly decreasing lengths"),
        ([[2, 1]], "rows must increase (strictly|weakly) from left to right"),
        ([[2], [1]], "rows must increase strictly down every column"),
        ([[1], [1]], "rows must increase strictly down every column"),
    ],
)
def test_bad_rows(kind, rows, message):
    with pytest.raises(InvalidTableauError, match=message):
        kind(rows)


def test_rows_that_are_semistandard_only():
    with pytest.raises(InvalidTableauError, match="rows must increase strictly from left to right"):
        StandardTableau([[1, 1], [2]])
    with pytest.raises(InvalidTableauError, match=r"rows must contain each of 1\.\.3 exactly once"):
        StandardTableau([[1, 2], [4]])


def test_bad_entries():
    tableau = StandardTableau([[1, 2], [3]])
    for call in (tableau.swap, tableau.axial_distance):
        with pytest.raises(InvalidArgumentError, match=r"entry must lie in 1\.\.2, got 3"):
            call(3)
        with pytest.raises(InvalidArgumentError, match=r"entry must lie in 1\.\.2, got 0"):
            call(0)
    with pytest.raises(InvalidArgumentError, match=r"entry must lie in 1\.\.3, got 4"):
        tableau.position(4)
    with pytest.raises(InvalidTypeError, match="entry must be an integer, got 1.0"):
        tableau.position(1.0)
    with pytest.raises(InvalidArgumentError, match="cell must lie in the diagram"):
        tableau.entry((1, 1))


def test_as_standard_tableau_names_the_argument():
    tableau = StandardTableau([[1, 2], [3]])
    assert as_standard_tableau(tableau) is tableau and as_standard_tableau([[1, 2], [3]]) == tableau
    with pytest.raises(InvalidTableauError, match="^left is not a standard tableau: rows must increase"):
        as_standard_tableau([[2, 1]], "left")
    with pytest.raises(InvalidTableauError, match=r"^left must have shape \(3\), got"):
        as_standard_tableau(tableau, "left", shape=Partition((3,)))


def test_bad_arguments_of_functions():
    with pytest.raises(InvalidArgumentError, match="shape is not a partition"):
        standard_tableaux((1, 2))
    with pytest.raises(InvalidArgumentError, match="max_entry must be at least 0"):
        semistandard_tableaux((2, 1), -1)
    with pytest.raises(InvalidArgumentError, match="max_entry must be at least 0"):
        number_of_semistandard_tableaux((2, 1), -1)
    with pytest.raises(InvalidArgumentError, match="weight must sum to 3, the size of the shape, got"):
        kostka_number((2, 1), (2, 2))
    with pytest.raises(InvalidArgumentError, match="entry of weight must be at least 0, got -1"):
        kostka_number((2, 1), (4, -1))
    with pytest.raises(InvalidTypeError, match="weight must be a sequence"):
        kostka_number((2, 1), 3)


def test_bad_arguments_of_insertion():
    with pytest.raises(InvalidPermutationError, match=r"each of 0\.\.n-1 exactly once, got \(1, 2, 3\)"):
        robinson_schensted([1, 2, 3])
    with pytest.raises(InvalidPermutationError, match="list of images"):
        robinson_schensted(5)
    with pytest.raises(InvalidPermutationError, match="list of images"):
        robinson_schensted([0.0, 1.0])
    with pytest.raises(InvalidTypeError, match="word must be a sequence"):
        rsk(7)
    with pytest.raises(InvalidArgumentError, match="letter must be at least 1, got 0"):
        rsk([1, 0])
    with pytest.raises(InvalidTableauError, match=r"Q must have shape \(2,1\)"):
        inverse_robinson_schensted([[1, 2], [3]], [[1, 2, 3]])
    with pytest.raises(InvalidTableauError, match="P is not a standard tableau"):
        inverse_robinson_schensted([[1, 1], [2]], [[1, 2], [3]])
    with pytest.raises(InvalidTableauError, match=r"Q must have shape \(2,1\)"):
        inverse_rsk([[1, 1], [2]], [[1, 2, 3]])
