"""The Kostka matrix against single numbers and against characters."""

import pytest

from symrep.combinatorics.kostka import horizontal_strips_added, kostka_matrix
from symrep.combinatorics.partitions import partitions
from symrep.combinatorics.tableaux import kostka_number
from symrep.errors import InvalidArgumentError, InvalidTypeError


@pytest.mark.parametrize("n", range(9))
def test_entries_are_the_single_numbers(n):
    matrix = kostka_matrix(n)
    assert list(matrix) == list(partitions(n))
    for shape, row in matrix.items():
        assert row == {w: k for w in partitions(n) if (k := kostka_number(shape, w.parts))}


@pytest.mark.parametrize("n", range(1, 11))
def test_unitriangular_and_the_robinson_schensted_count(n):
    matrix = kostka_matrix(n)
    assert all(row[shape] == 1 for shape, row in matrix.items())
    assert all(shape.dominates(weight) for shape, row in matrix.items() for weight in row)
    ones = next(reversed(matrix))
    assert {shape: row[ones] for shape, row in matrix.items()} == {shape: shape.dimension for shape in matrix}


def test_strips_by_definition():
    for parts in [(), (1,), (3, 1), (2, 2, 1)]:
        for size in range(4):
            expected = []
            for bigger in partitions(sum(parts) + size):
                padded = parts + (0,) * (bigger.length - len(parts))
                interlace = len(padded) == bigger.length and all(a >= b for a, b in zip(bigger.parts, padded))
                if interlace and all(a >= b for a, b in zip(padded, bigger.parts[1:])):
                    expected.append(bigger.parts)
            assert sorted(horizontal_strips_added(parts, size)) == sorted(expected)


def test_errors():
    with pytest.raises(InvalidArgumentError, match="n must be at least 0, got -1"):
        kostka_matrix(-1)
    with pytest.raises(InvalidTypeError, match="n must be an integer, got 2.0"):
        kostka_matrix(2.0)
