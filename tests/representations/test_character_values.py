"""Single character values: GAP, closed forms, rim hooks one by one, and laws far beyond any table."""

import json
from itertools import permutations
from math import factorial, prod
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep.combinatorics.cores import bead_mask, core, core_sign, parts_of_mask, quotient, remove_rim_hooks
from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import InvalidPartitionError
from symrep.representations import character_values
from symrep.representations.character_values import character
from symrep.representations.characters import character_table
from symrep.testing.strategies import partitions_of

ORACLE = json.loads((Path(__file__).parents[1] / "oracles" / "characters_gap.json").read_text())


def pairs_of(min_n, max_n):
    return st.integers(min_n, max_n).flatmap(lambda n: st.tuples(partitions_of(n, n), partitions_of(n, n)))


def one_hook_at_a_time(shape, cycles):
    """Murnaghan-Nakayama without merging, hooks removed in the order of the given cycles."""
    if not cycles:
        return 1
    return sum(sign * one_hook_at_a_time(rest, cycles[1:]) for rest, sign in remove_rim_hooks(shape, cycles[0]))


def test_single_values_agree_with_gap():
    oracles = ORACLE["single_values"]
    assert len(oracles) >= 200 and sum(sum(oracle["shape"]) >= 50 for oracle in oracles) >= 50
    for oracle in oracles:
        assert character(oracle["shape"], oracle["cycle_type"]) == oracle["value"], oracle


@pytest.mark.parametrize("n", range(9))
def test_values_are_table_entries(n):
    T = character_table(n)
    assert all(character(shape, mu) == T[shape, mu] for shape in T.shapes for mu in T.cycle_types)


@pytest.mark.parametrize("n", range(6))
def test_hooks_in_any_order(n):
    for shape in partitions(n):
        for cycle_type in partitions(n):
            orders = set(permutations(cycle_type.parts))
            assert {one_hook_at_a_time(shape, order) for order in orders} == {character(shape, cycle_type)}


@given(pairs_of(6, 10), st.integers(0, 100))
@settings(deadline=None, max_examples=40)
def test_hooks_one_by_one(pair, seed):
    shape, cycle_type = pair
    cycles = list(cycle_type.parts)
    Random(seed).shuffle(cycles)
    assert character(shape, cycle_type) == one_hook_at_a_time(shape, tuple(cycles))


@given(pairs_of(1, 24))
@settings(deadline=None, max_examples=60)
def test_any_block_may_come_last(pair):
    shape, cycle_type = pair
    blocks = [(length, cycle_type.parts.count(length)) for length in set(cycle_type.parts)]
    for length, count in blocks:
        coefficients = {bead_mask(shape.parts): 1}
        for block in blocks:
            if block[0] != length:
                coefficients = character_values._remove_block(coefficients, *block)
        value = sum(c * character_values._value_on_equal_cycles(b, length, count) for b, c in coefficients.items())
        assert value == character(shape, cycle_type)


@given(st.integers(1, 8), st.integers(1, 12), st.data())
@settings(deadline=None, max_examples=60)
def test_equal_cycles_by_core_and_quotient(length, count, data):
    shape = data.draw(partitions_of(length * count, length * count))
    value = character(shape, (length,) * count)
    if core(shape, length).size:
        assert value == 0
    else:
        parts = quotient(shape, length)
        fillings = factorial(count) // prod(factorial(part.size) for part in parts)
        assert value == core_sign(shape, length) * fillings * prod(part.dimension for part in parts)


@given(pairs_of(15, 40))
@settings(deadline=None, max_examples=60)
def test_conjugate_shapes_differ_by_the_sign(pair):
    shape, cycle_type = pair
    assert character(shape.conjugate, cycle_type) == cycle_type.sign * character(shape, cycle_type)


@given(pairs_of(15, 40))
@settings(deadline=None, max_examples=60)
def test_restriction_to_a_fixed_point_is_the_branching_rule(pair):
    shape, cycle_type = pair
    with_fixed_point = Partition((*cycle_type.parts, 1))
    expected = sum(character(shape.add_cell(cell), with_fixed_point) for cell in shape.addable_cells())
    fixed_points = with_fixed_point.parts.count(1)
    assert expected == fixed_points * character(shape, cycle_type)


@given(pairs_of(20, 60))
@settings(deadline=None, max_examples=40)
def test_removing_one_cycle_is_a_sum_over_rim_hooks(pair):
    """The shortest cycle first, which the library itself would remove last."""
    shape, cycle_type = pair
    *rest, last = cycle_type.parts
    expected = sum(sign * character(smaller, rest) for smaller, sign in remove_rim_hooks(shape, last))
    assert character(shape, cycle_type) == expected


def test_values_known_in_closed_form():
    for n in (4, 9, 50):
        for cycle_type in (Partition((n,)), Partition((n - 2, 1, 1)), Partition((2, 2, *[1] * (n - 4)))):
            fixed, swapped = cycle_type.parts.count(1), cycle_type.parts.count(2)
            assert character((n - 1, 1), cycle_type) == fixed - 1
            assert character((n - 2, 2), cycle_type) == fixed * (fixed - 3) // 2 + swapped
            assert character((n - 2, 1, 1), cycle_type) == (fixed - 1) * (fixed - 2) // 2 - swapped
    assert character((), ()) == 1
    assert [character((60 - leg, *[1] * leg), (60,)) for leg in range(4)] == [1, -1, 1, -1]
    assert character((100, 100), (1,) * 200) == factorial(200) // (factorial(100) * factorial(101))
    assert character((1,) * 200, (2,) * 99 + (1, 1)) == -1


def test_a_shape_of_one_hundred_cells():
    """The values were confirmed by another program (symfn 0.9)."""
    shape = (20, 16, 13, 11, 9, 8, 7, 5, 4, 3, 2, 1, 1)
    assert character(shape, (5,) * 20) == 0
    assert character(shape, (2,) * 50) == 7266694128148103857241929259364000
    mixed = (9, 8, 7, 7, 6, 6, 5, 5, 4, 4, 4, 3, 3, 3, 3, *[2] * 8, *[1] * 7)
    assert character(shape, mixed) == -23063989
    assert character(shape, (1,) * 100) == Partition(shape).dimension
    assert type(character(shape, mixed)) is int


def test_the_block_of_the_closed_form():
    order = character_values._order_of_blocks
    assert order(Partition((3, 3))) == [(3, 2)]
    # Two fixed points beside many transpositions: those are left to the quotient.
    assert order(Partition((2,) * 30 + (1, 1))) == [(1, 2), (2, 30)]
    assert order(Partition((20, 7) + (1,) * 30)) == [(20, 1), (7, 1), (1, 30)]


@given(partitions_of(0, 20), st.integers(0, 3))
@settings(deadline=None)
def test_bead_sets_with_beads_for_parts_zero(shape, zeros):
    beads = bead_mask(shape.parts)
    assert beads.bit_count() == shape.length
    assert parts_of_mask((beads << zeros) | (2**zeros - 1)) == shape.parts


def test_errors():
    with pytest.raises(InvalidPartitionError, match="shape is not a partition"):
        character((1, 2), (3,))
    with pytest.raises(InvalidPartitionError, match="cycle_type must be a partition of 3, got"):
        character((2, 1), (2, 2))
