"""Cores and quotients: the bijection, signs along random removals, and diagrams as a second route."""

from math import factorial, prod
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep.combinatorics.cores import (
    beta_numbers,
    core,
    core_sign,
    frobenius_coordinates,
    from_core_and_quotient,
    partition_from_beta_numbers,
    partition_from_frobenius_coordinates,
    quotient,
    remove_rim_hooks,
    weight,
)
from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import InvalidArgumentError, InvalidPartitionError, InvalidTypeError
from symrep.testing.strategies import partitions_of

shapes = partitions_of(0, 30)
hook_sizes = st.integers(1, 7)


def rim_hooks_of_diagram(shape, k):
    """Every smaller diagram that a connected strip without a 2 by 2 square completes, with the sign of its height."""
    found = {}
    for smaller in partitions(shape.size - k) if k <= shape.size else ():
        if shape.contains(smaller):
            cells = set(shape.cells()) - set(smaller.cells())
            contents = sorted(column - row for row, column in cells)
            if contents == list(range(contents[0], contents[0] + k)):
                found[smaller] = -1 if len({row for row, _ in cells}) % 2 == 0 else 1
    return found


@pytest.mark.parametrize("n", range(1, 9))
def test_rim_hooks_by_diagrams(n):
    for shape in partitions(n):
        for k in range(1, n + 2):
            removed = remove_rim_hooks(shape, k)
            assert dict(removed) == rim_hooks_of_diagram(shape, k)
            assert len(removed) == sum(hook == k for row in shape.hook_lengths for hook in row)


def test_rim_hooks_come_from_the_top():
    for shape in partitions(9):
        assert [rest for rest, _ in remove_rim_hooks(shape, 1)] == [
            shape.remove_cell(cell) for cell in shape.removable_cells()
        ]
    assert [rest.parts for rest, _ in remove_rim_hooks((6, 4, 2), 2)] == [(4, 4, 2), (6, 2, 2), (6, 4)]


@given(shapes, st.integers(0, 4))
@settings(deadline=None)
def test_beta_numbers_and_back(shape, zeros):
    numbers = beta_numbers(shape, shape.length + zeros)
    assert len(numbers) == shape.length + zeros and numbers[shape.length :] == tuple(range(zeros))[::-1]
    assert list(numbers) == sorted(set(numbers), reverse=True)
    assert partition_from_beta_numbers(numbers) == partition_from_beta_numbers(numbers[::-1]) == shape


@given(shapes)
@settings(deadline=None)
def test_frobenius_coordinates_and_back(shape):
    arms, legs = frobenius_coordinates(shape)
    assert partition_from_frobenius_coordinates(arms, legs) == shape
    assert frobenius_coordinates(shape.conjugate) == (legs, arms)
    assert sum(arms) + sum(legs) + len(arms) == shape.size
    for place, (arm, leg) in enumerate(zip(arms, legs)):
        assert shape.arm_length((place, place)) == arm and shape.leg_length((place, place)) == leg


@given(shapes, hook_sizes)
@settings(deadline=None)
def test_core_and_quotient_determine_the_partition(shape, k):
    smallest, parts = core(shape, k), quotient(shape, k)
    assert len(parts) == k and from_core_and_quotient(smallest, parts) == shape
    assert shape.size == smallest.size + k * sum(part.size for part in parts)
    assert core(smallest, k) == smallest and quotient(smallest, k) == (Partition(()),) * k
    divisible = sum(hook % k == 0 for row in shape.hook_lengths for hook in row)
    assert weight(shape, k) == sum(part.size for part in parts) == divisible


@given(shapes, hook_sizes)
@settings(deadline=None)
def test_conjugation_reads_the_quotient_backwards(shape, k):
    assert core(shape.conjugate, k) == core(shape, k).conjugate
    assert quotient(shape.conjugate, k) == tuple(part.conjugate for part in reversed(quotient(shape, k)))


@given(st.lists(partitions_of(0, 5), min_size=1, max_size=5), shapes)
@settings(deadline=None)
def test_every_core_and_quotient_occur(parts, shape):
    k = len(parts)
    made = from_core_and_quotient(core(shape, k), parts)
    assert quotient(made, k) == tuple(parts) and core(made, k) == core(shape, k)


@pytest.mark.parametrize("k", range(1, 5))
def test_the_bijection_is_onto(k):
    """As many partitions of n as pairs of a core and a quotient of the right sizes."""
    for n in range(13):
        labels = {(core(shape, k), quotient(shape, k)) for shape in partitions(n)}
        assert len(labels) == sum(1 for _ in partitions(n))
        for smallest, _ in labels:
            assert all(hook % k for row in smallest.hook_lengths for hook in row)


@given(shapes, hook_sizes, st.integers(0, 1000))
@settings(deadline=None)
def test_any_removal_leads_to_the_core_with_one_sign(shape, k, seed):
    random, rest, sign, steps = Random(seed), shape, 1, 0
    while removed := remove_rim_hooks(rest, k):
        rest, factor = random.choice(removed)
        sign, steps = sign * factor, steps + 1
    assert (rest, sign, steps) == (core(shape, k), core_sign(shape, k), weight(shape, k))


@given(shapes, st.integers(1, 4))
@settings(deadline=None, max_examples=50)
def test_a_rim_hook_is_a_cell_of_the_quotient(shape, k):
    """The quotients after a removal are the quotient without one cell, each once."""
    parts = quotient(shape, k)
    smaller = [
        (*parts[:r], part.remove_cell(cell), *parts[r + 1 :])
        for r, part in enumerate(parts)
        for cell in part.removable_cells()
    ]
    assert {quotient(rest, k) for rest, _ in remove_rim_hooks(shape, k)} == set(smaller)
    assert len(remove_rim_hooks(shape, k)) == len(smaller)


def number_of_removals(shape, k, known):
    if shape not in known:
        known[shape] = sum(number_of_removals(rest, k, known) for rest, _ in remove_rim_hooks(shape, k)) or 1
    return known[shape]


@pytest.mark.parametrize("k", [2, 3])
def test_sequences_of_removals_are_fillings_of_the_quotient(k):
    known = {}
    for shape in partitions(11):
        parts = quotient(shape, k)
        orders = factorial(weight(shape, k)) // prod(factorial(part.size) for part in parts)
        assert number_of_removals(shape, k, known) == orders * prod(part.dimension for part in parts)


def test_known_cores():
    staircases = {core(shape, 2) for n in range(12) for shape in partitions(n)}
    assert staircases == {Partition(tuple(range(m, 0, -1))) for m in range(5)}
    assert beta_numbers(()) == () and beta_numbers((), 2) == (1, 0)
    assert quotient((), 3) == (Partition(()),) * 3 and core((), 3) == Partition(()) and core_sign((), 3) == 1
    assert frobenius_coordinates(()) == ((), ()) and partition_from_frobenius_coordinates((), ()) == Partition(())
    # beads 10, 8, 5, 3, 1, 0: rows 1, 0 on runner 0, rows 3, 0 on runner 1, rows 2, 1 on runner 2
    assert [part.parts for part in quotient((5, 4, 2, 1), 3)] == [(), (2,), (1, 1)]


def test_errors():
    with pytest.raises(InvalidArgumentError, match="length must be at least 3, the number of parts, got 2"):
        beta_numbers((4, 2, 1), 2)
    with pytest.raises(InvalidTypeError, match="length must be an integer, got 3.0"):
        beta_numbers((4, 2, 1), 3.0)
    with pytest.raises(InvalidArgumentError, match=r"numbers must be distinct, got \(3, 1, 3\)"):
        partition_from_beta_numbers([3, 1, 3])
    with pytest.raises(InvalidArgumentError, match="entry of numbers must be at least 0, got -1"):
        partition_from_beta_numbers([3, -1])
    with pytest.raises(InvalidTypeError, match="numbers must be a sequence of nonnegative integers, got 3"):
        partition_from_beta_numbers(3)
    with pytest.raises(InvalidArgumentError, match=r"legs must be as many as the 2 arms, got \(1,\)"):
        partition_from_frobenius_coordinates((2, 0), (1,))
    with pytest.raises(InvalidArgumentError, match=r"arms must be strictly decreasing, got \(2, 2\)"):
        partition_from_frobenius_coordinates((2, 2), (1, 0))
    with pytest.raises(InvalidArgumentError, match=r"legs must be strictly decreasing, got \(0, 1\)"):
        partition_from_frobenius_coordinates((2, 1), (0, 1))
    for function in (core, quotient, weight, core_sign, remove_rim_hooks):
        with pytest.raises(InvalidArgumentError, match="k must be at least 1, got 0"):
            function((2, 1), 0)
        with pytest.raises(InvalidPartitionError, match="partition is not a partition"):
            function((1, 2), 2)
    with pytest.raises(InvalidPartitionError, match=r"core_partition must be a 2-core, got \(2, 2\)"):
        from_core_and_quotient((2, 2), [(), ()])
    with pytest.raises(InvalidPartitionError, match="entry of quotient_partitions is not a partition"):
        from_core_and_quotient((), [(1, 2)])
    with pytest.raises(InvalidArgumentError, match="quotient_partitions must have at least one entry"):
        from_core_and_quotient((), [])
    with pytest.raises(InvalidTypeError, match="quotient_partitions must be a sequence of partitions, got 5"):
        from_core_and_quotient((), 5)
