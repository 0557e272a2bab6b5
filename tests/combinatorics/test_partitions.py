"""Partitions: laws, counts by other algorithms, errors."""

from itertools import combinations_with_replacement, product
from math import factorial

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.combinatorics.named_groups import SymmetricGroup

from symrep.combinatorics.partitions import Partition, as_composition, as_partition, number_of_partitions, partitions
from symrep.errors import InvalidArgumentError, InvalidPartitionError, InvalidTypeError

shapes = st.lists(st.integers(1, 6), max_size=6).map(lambda parts: Partition(sorted(parts, reverse=True)))
nonempty_shapes = shapes.filter(lambda shape: shape.size > 0)


def partitions_by_sorting(n):
    """All partitions of n as weakly decreasing tuples, by brute force, lexicographically decreasing."""
    found = {
        tuple(sorted(parts, reverse=True))
        for length in range(n + 1)
        for parts in combinations_with_replacement(range(1, n + 1), length)
        if sum(parts) == n
    }
    return sorted(found, reverse=True)


@pytest.mark.parametrize("n", range(9))
def test_enumeration_agrees_with_brute_force_in_reverse_lexicographic_order(n):
    assert [shape.parts for shape in partitions(n)] == partitions_by_sorting(n)


@pytest.mark.parametrize("n", range(8))
def test_bounds_select_the_partitions_inside_a_box(n):
    for max_part, max_length in product(range(n + 2), repeat=2):
        expected = [p for p in partitions_by_sorting(n) if len(p) <= max_length and max(p, default=0) <= max_part]
        assert [shape.parts for shape in partitions(n, max_part=max_part, max_length=max_length)] == expected


def test_enumeration_is_lazy_and_has_no_depth_limit():
    assert next(partitions(10**5)).parts == (10**5,)
    assert [shape.parts for shape in partitions(5000, max_part=1)] == [(1,) * 5000]


def test_counts_agree_with_sympy_and_with_the_enumeration():
    for n in range(30):
        assert number_of_partitions(n) == sympy.functions.combinatorial.numbers.partition(n)
    assert number_of_partitions(17) == sum(1 for _ in partitions(17)) == 297


@given(shapes)
@settings(deadline=None)
def test_transposing_twice_is_the_identity_and_reflects_the_diagram(shape):
    assert shape.conjugate.conjugate == shape
    assert sorted((column, row) for row, column in shape.cells()) == list(shape.conjugate.cells())


@given(nonempty_shapes, st.data())
@settings(deadline=None)
def test_hooks_by_counting_cells(shape, data):
    cells = set(shape.cells())
    row, column = cell = data.draw(st.sampled_from(sorted(cells)))
    arm = sum(1 for i, j in cells if i == row and j > column)
    leg = sum(1 for i, j in cells if j == column and i > row)
    assert (shape.arm_length(cell), shape.leg_length(cell)) == (arm, leg)
    assert shape.hook_length(cell) == shape.hook_lengths[row][column] == arm + leg + 1
    assert shape.content(cell) == column - row


@given(nonempty_shapes)
@settings(deadline=None)
def test_dimension_is_the_sum_over_removable_cells(shape):
    assert shape.dimension == sum(shape.remove_cell(cell).dimension for cell in shape.removable_cells())
    assert shape.dimension == shape.conjugate.dimension


@pytest.mark.parametrize("n", range(10))
def test_squares_of_dimensions_and_class_sizes_sum_to_the_group_order(n):
    assert sum(shape.dimension**2 for shape in partitions(n)) == factorial(n)
    assert sum(cycle_type.class_size for cycle_type in partitions(n)) == factorial(n)


@pytest.mark.parametrize("n", range(1, 6))
def test_class_sizes_and_signs_by_counting_permutations(n):
    counted, signs = {}, {}
    for g in SymmetricGroup(n).generate():
        cycle_type = tuple(sorted((len(c) for c in g.full_cyclic_form), reverse=True))
        counted[cycle_type] = counted.get(cycle_type, 0) + 1
        signs[cycle_type] = g.signature()
    assert {p.parts: p.class_size for p in partitions(n)} == counted
    assert {p.parts: p.sign for p in partitions(n)} == signs
    assert all(p.class_size * p.centralizer_order == factorial(n) for p in partitions(n))


@given(shapes)
@settings(deadline=None)
def test_adding_and_removing_cells_are_inverse(shape):
    for cell in shape.addable_cells():
        larger = shape.add_cell(cell)
        assert set(larger.cells()) == {*shape.cells(), cell}
        assert cell in larger.removable_cells() and larger.remove_cell(cell) == shape
    assert len(shape.addable_cells()) == len(shape.removable_cells()) + 1


@given(shapes, shapes)
@settings(deadline=None)
def test_containment_is_containment_of_cells(a, b):
    assert a.contains(b) == (set(b.cells()) <= set(a.cells()))


@pytest.mark.parametrize("n", range(1, 8))
def test_dominance_is_reversed_by_transposing(n):
    for a, b in product(partitions(n), repeat=2):
        assert a.dominates(b) == b.conjugate.dominates(a.conjugate)
        assert not (a != b and a.dominates(b) and b.dominates(a))


def test_dominance_is_partial_and_directed():
    assert Partition((4, 2)).dominates((3, 3)) and not Partition((3, 3)).dominates((4, 2))
    assert not Partition((4, 1, 1)).dominates((3, 3)) and not Partition((3, 3)).dominates((4, 1, 1))


def test_value_semantics():
    given_parts = [3, 1]
    shape = Partition(given_parts)
    given_parts.append(1)
    assert shape == Partition(np.array([3, 1])) == Partition((sympy.Integer(3), sympy.Integer(1)))
    assert shape != (3, 1) and hash(shape) == hash(Partition((3, 1)))
    assert eval(repr(shape)) == shape and str(shape) == "(3,1)"
    assert all(type(part) is int for part in Partition(np.array([3, 1])).parts)
    with pytest.raises(AttributeError):
        shape.parts = (4,)


def test_display():
    assert Partition((3, 1)).diagram() == "□□□\n□"
    assert Partition((3, 1))._repr_latex_() == "$(3,1)$"
    assert Partition(()).diagram() == "" and Partition(()).dimension == 1 and Partition(()).conjugate == Partition(())


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((1, 2), "parts must be weakly decreasing, got"),
        ((2, 0), "parts must be positive integers, got"),
        ((2, -1), "parts must be positive integers, got"),
        ((2, True), "parts must be positive integers, got"),
        ((2.0, 1), "parts must be positive integers, got"),
        ("21", r"parts must be integers such as \(4,2,1\), got '21'"),
        ("(2,x)", r"parts must be integers such as \(4,2,1\), got '\(2,x\)'"),
        ("(2,,1)", r"parts must be integers such as \(4,2,1\)"),
        ("", r"parts must be integers such as \(4,2,1\), got ''"),
        ("(1_0)", r"parts must be integers such as \(4,2,1\), got '\(1_0\)'"),
        ("(3,,)", r"parts must be integers such as \(4,2,1\)"),
        ("(+4,2)", r"parts must be integers such as \(4,2,1\)"),
        ("(4 2)", r"parts must be integers such as \(4,2,1\)"),
        ("x" * 1000, r"parts must be integers such as \(4,2,1\), got 'x{190,200}\.\.\.$"),
        ({3: 1, 2: 2}, "parts must be a sequence of positive integers, got {3: 1, 2: 2}"),
        ("(1,2)", "parts must be weakly decreasing, got"),
        ("(2,0)", "parts must be positive integers, got"),
        (7, "parts must be a sequence of positive integers, got 7"),
    ],
)
def test_bad_parts(parts, message):
    with pytest.raises(InvalidPartitionError, match=message):
        Partition(parts)


@given(shapes)
def test_text_of_a_partition_is_read_back(shape):
    assert Partition(str(shape)) == shape == as_partition(str(shape).replace(",", " , "))


def test_as_partition_names_the_argument():
    shape = Partition((2, 1))
    assert as_partition(shape) is shape
    with pytest.raises(InvalidPartitionError, match="^outer is not a partition: parts must be weakly decreasing"):
        as_partition((1, 2), "outer")
    with pytest.raises(InvalidPartitionError, match="^outer must be a partition of 4, got"):
        as_partition((2, 1), "outer", size=4)


@pytest.mark.parametrize("method", ["arm_length", "leg_length", "hook_length", "content"])
@pytest.mark.parametrize("cell", [(1, 1), (2, 0), (-1, 0), (0, -1)])
def test_cells_outside_the_diagram(method, cell):
    with pytest.raises(InvalidArgumentError, match="cell must lie in the diagram"):
        getattr(Partition((2, 1)), method)(cell)


def test_cells_that_are_no_cells():
    shape = Partition((2, 1))
    with pytest.raises(InvalidTypeError, match=r"cell must be a pair \(row, column\), got 3"):
        shape.content(3)
    with pytest.raises(InvalidTypeError, match="cell row must be an integer, got 0.5"):
        shape.hook_length((0.5, 0))
    with pytest.raises(InvalidArgumentError, match="cell must be removable"):
        shape.remove_cell((0, 0))
    with pytest.raises(InvalidArgumentError, match="cell must be addable"):
        shape.add_cell((0, 1))


def test_bad_arguments_of_functions():
    with pytest.raises(InvalidArgumentError, match="n must be at least 0, got -1"):
        partitions(-1)
    with pytest.raises(InvalidTypeError, match="n must be an integer, got 4.0"):
        partitions(4.0)
    with pytest.raises(InvalidArgumentError, match="max_part must be at least 0"):
        partitions(4, max_part=-1)
    with pytest.raises(InvalidArgumentError, match="max_length must be at least 0"):
        partitions(4, max_length=-1)
    with pytest.raises(InvalidArgumentError, match="n must be at least 0"):
        number_of_partitions(-1)
    with pytest.raises(InvalidPartitionError, match="other must be a partition of 3"):
        Partition((2, 1)).dominates((2, 2))


def test_compositions_may_be_partitions_or_any_order():
    from symrep import kostka_number, permutation_character, permutation_module

    assert as_composition((0, 1, 2), "weight") == (0, 1, 2)
    assert kostka_number((2, 1), Partition((1, 1, 1))) == kostka_number((2, 1), (1, 1, 1)) == 2
    assert permutation_module(Partition((2, 1))).dimension == 3
    assert permutation_character(Partition((2, 1))) == permutation_character((1, 2))
    with pytest.raises(InvalidTypeError, match="composition must be a sequence of nonnegative integers, got 3"):
        permutation_module(3)
    with pytest.raises(InvalidArgumentError, match="entry of weight must be at least 0, got -1"):
        kostka_number((2, 1), (4, -1))
