r"""Beta numbers, Frobenius coordinates, cores and quotients: a partition as beads on an abacus.

A partition with parts :math:`\lambda_1 \ge \dots \ge \lambda_r`, padded by zeros to b parts, has the beta numbers
:math:`\lambda_i + b - i`, the places of b beads on a line. Removing a rim hook of size k moves one bead down by k to
an empty place. So with the places sorted by remainder modulo k into k runners, every runner is the bead line of a
partition of its own, and removing a rim hook of size k from :math:`\lambda` removes a cell from one of these.

**Convention.** The number of beads of the abacus is a multiple of k (the least one that is at least the number of
parts), and entry r of the quotient comes from the places that are r modulo k, r = 0, ..., k-1. Then the quotient of the
conjugate is the quotient read backwards, each entry conjugated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symrep.combinatorics.partitions import Partition, as_composition, as_partition
from symrep.errors import InvalidPartitionError, InvalidTypeError, require, require_integer


def bead_mask(parts: Sequence[int]) -> int:
    """The bead set with one bead per part as the set bits of an integer: no checks, for inner loops.

    >>> bin(bead_mask((3, 1, 1)))
    '0b100110'
    """
    return sum(1 << (part + place) for place, part in enumerate(reversed(parts)))


def parts_of_mask(beads: int) -> tuple[int, ...]:
    """The positive parts of the partition of a bead set: the number of empty places below each bead.

    >>> parts_of_mask(0b100110), parts_of_mask(0b10011011)
    ((3, 1, 1), (3, 1, 1))
    """
    parts = []
    places_and_beads = bin(beads)[:1:-1]
    empty = 0
    for place in places_and_beads:
        if place == "0":
            empty += 1
        elif empty:
            parts.append(empty)
    return tuple(reversed(parts))


def beta_numbers(partition: Partition | Iterable[int], length: int | None = None) -> tuple[int, ...]:
    r"""The beta numbers :math:`\lambda_i + b - i` for i = 1, ..., b, strictly decreasing.

    Parameters
    ----------
    partition
        Any partition.
    length
        The number b of beads, at least the number of parts, which is the default.

    Examples
    --------
    >>> beta_numbers((4, 2, 1)), beta_numbers((4, 2, 1), 5)
    ((6, 3, 1), (8, 5, 3, 1, 0))
    """
    partition = as_partition(partition, "partition")
    if length is None:
        length = partition.length
    length = require_integer(length, "length")
    require(length >= partition.length, "length", f"must be at least {partition.length}, the number of parts", length)
    padded = partition.parts + (0,) * (length - partition.length)
    return tuple(part + length - 1 - index for index, part in enumerate(padded))


def partition_from_beta_numbers(numbers: Iterable[int]) -> Partition:
    """The partition with the given beta numbers, distinct nonnegative integers in any order.

    >>> partition_from_beta_numbers((8, 5, 3, 1, 0))
    Partition((4, 2, 1))
    """
    numbers = as_composition(numbers, "numbers")
    require(len(set(numbers)) == len(numbers), "numbers", "must be distinct", numbers)
    return _partition_of_beads(numbers)


def _partition_of_beads(places: Iterable[int]) -> Partition:
    parts = [place - below for below, place in enumerate(sorted(places))]
    return Partition._trusted(tuple(part for part in reversed(parts) if part))


def frobenius_coordinates(partition: Partition | Iterable[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    r"""Arm and leg lengths :math:`(\lambda_i - i,\; \lambda'_i - i)` of the cells of the main diagonal.

    Conjugation exchanges the two.

    >>> frobenius_coordinates((4, 3, 1))
    ((3, 1), (2, 0))
    """
    partition = as_partition(partition, "partition")
    columns = partition.conjugate.parts
    diagonal = sum(part > row for row, part in enumerate(partition.parts))
    arms = tuple(partition.parts[i] - i - 1 for i in range(diagonal))
    return arms, tuple(columns[i] - i - 1 for i in range(diagonal))


def partition_from_frobenius_coordinates(arms: Iterable[int], legs: Iterable[int]) -> Partition:
    """The partition whose main diagonal has these arm and leg lengths, both strictly decreasing and equally many.

    >>> partition_from_frobenius_coordinates((3, 1), (2, 0))
    Partition((4, 3, 1))
    """
    arms, legs = as_composition(arms, "arms"), as_composition(legs, "legs")
    require(len(arms) == len(legs), "legs", f"must be as many as the {len(arms)} arms", legs)
    for lengths, argument in ((arms, "arms"), (legs, "legs")):
        require(all(a > b for a, b in zip(lengths, lengths[1:])), argument, "must be strictly decreasing", lengths)
    # Places below the diagonal are full except for one hole per leg, those above it empty except for one bead per arm.
    below = legs[0] + 1 if legs else 0
    holes = {below - 1 - leg for leg in legs}
    return _partition_of_beads([place for place in range(below) if place not in holes] + [below + arm for arm in arms])


def _require_hook_size(k: int) -> int:
    return require_integer(k, "k", minimum=1)


def _runners(partition: Partition, k: int) -> list[list[int]]:
    """For every runner of the k-abacus the rows of its beads, decreasing; the number of beads is a multiple of k."""
    runners: list[list[int]] = [[] for _ in range(k)]
    for place in beta_numbers(partition, -(-partition.length // k) * k):
        runners[place % k].append(place // k)
    return runners


def _largest_hook(partition: Partition) -> int:
    """The hook length of the corner cell: no rim hook is longer."""
    return partition.parts[0] + partition.length - 1 if partition.parts else 0


def core(partition: Partition | Iterable[int], k: int) -> Partition:
    """The k-core: what is left when rim hooks of size k are removed until there is none; the order does not matter.

    >>> core((5, 4, 2, 1), 3), core((5, 2, 1, 1), 3), core((5, 2, 1, 1), 1)
    (Partition(()), Partition((2, 2, 1, 1)), Partition(()))
    """
    partition, k = as_partition(partition, "partition"), _require_hook_size(k)
    if k > _largest_hook(partition):
        return partition
    runners = _runners(partition, k)
    return _partition_of_beads(k * row + r for r, runner in enumerate(runners) for row in range(len(runner)))


def quotient(partition: Partition | Iterable[int], k: int) -> tuple[Partition, ...]:
    """The k-quotient: k partitions, read off the runners 0, ..., k-1 of an abacus whose number of beads k divides.

    >>> quotient((5, 4, 2, 1), 3)
    (Partition(()), Partition((2,)), Partition((1, 1)))
    >>> quotient((3, 1), 1)
    (Partition((3, 1)),)
    """
    runners = _runners(as_partition(partition, "partition"), _require_hook_size(k))
    return tuple(map(_partition_of_beads, runners))


def weight(partition: Partition | Iterable[int], k: int) -> int:
    """How many rim hooks of size k can be removed one after another: the size of the k-quotient.

    It is also the number of hooks whose length k divides.

    >>> weight((5, 4, 2, 1), 3), weight((5, 2, 1, 1), 3)
    (4, 1)
    """
    partition = as_partition(partition, "partition")
    return (partition.size - core(partition, k).size) // k


def from_core_and_quotient(core_partition: Partition | Iterable[int], quotient_partitions: Sequence) -> Partition:
    """The partition with this k-core and k-quotient, where k is the number of entries of the quotient.

    Raises
    ------
    InvalidPartitionError
        When the first argument has a hook of length k.

    Examples
    --------
    >>> from_core_and_quotient((), [(), (2,), (1, 1)])
    Partition((5, 4, 2, 1))
    """
    core_partition = as_partition(core_partition, "core_partition")
    try:
        entries = tuple(as_partition(entry, "entry of quotient_partitions") for entry in quotient_partitions)
    except TypeError:
        raise InvalidTypeError(
            f"quotient_partitions must be a sequence of partitions, got {quotient_partitions!r}"
        ) from None
    k = len(entries)
    require(k >= 1, "quotient_partitions", "must have at least one entry", entries)
    is_core = core(core_partition, k) == core_partition
    require(is_core, "core_partition", f"must be a {k}-core", core_partition.parts, InvalidPartitionError)
    runners = _runners(core_partition, k)
    missing = max(0, *(entry.length - len(runner) for entry, runner in zip(entries, runners)))
    places = []
    for r, (entry, runner) in enumerate(zip(entries, runners)):
        places += [k * row + r for row in beta_numbers(entry, len(runner) + missing)]
    return _partition_of_beads(places)


def core_sign(partition: Partition | Iterable[int], k: int) -> int:
    r"""The sign :math:`\delta_k(\lambda)` of going to the k-core.

    It is :math:`(-1)` to the sum of the leg lengths of the rim hooks of size k that are removed on the way, whichever
    they are: the sign of the permutation that carries the beads from their order at the start to that at the end.
    When the core is empty, :math:`\chi^\lambda` on the class of w cycles of length k is
    :math:`\delta_k(\lambda)` times the number of standard fillings of the quotient.

    >>> core_sign((2, 2), 2), core_sign((2, 1, 1), 2), core_sign((3, 1), 4)
    (1, -1, -1)
    """
    partition = as_partition(partition, "partition")
    k = _require_hook_size(k)
    if k > _largest_hook(partition):
        return 1
    places = beta_numbers(partition, -(-partition.length // k) * k)
    return sign_to_core(places[::-1], k)


def sign_to_core(increasing_places: Sequence[int], k: int) -> int:
    """The sign of pushing beads down to the k-core, from their increasing places: no checks, for inner loops."""
    filled = [0] * k
    inversions = 0
    arrived = 0
    for place in increasing_places:
        r = place % k
        target = k * filled[r] + r
        filled[r] += 1
        inversions += (arrived >> target).bit_count()
        arrived |= 1 << target
    return -1 if inversions % 2 else 1


def remove_rim_hooks(partition: Partition | Iterable[int], k: int) -> tuple[tuple[Partition, int], ...]:
    r"""What is left after removing one rim hook of size k, with the sign :math:`(-1)^{\text{leg length}}`.

    Parameters
    ----------
    partition
        Any partition.
    k
        At least 1.

    Returns
    -------
    tuple
        Pairs (partition, sign), in the order of the top rows of the hooks, the highest first.

    Examples
    --------
    >>> remove_rim_hooks((4, 2, 1, 1), 2)
    ((Partition((2, 2, 1, 1)), 1), (Partition((4, 2)), -1))
    >>> remove_rim_hooks((3, 1), 4), remove_rim_hooks((2, 2), 4)
    (((Partition(()), -1),), ())
    """
    partition = as_partition(partition, "partition")
    k = _require_hook_size(k)
    places = beta_numbers(partition)
    occupied = set(places)
    removed = []
    for place in places:
        target = place - k
        if target >= 0 and target not in occupied:
            jumped = sum(target < other < place for other in places)
            rest = _partition_of_beads((occupied - {place}) | {target})
            removed.append((rest, -1 if jumped % 2 else 1))
    return tuple(removed)
