r"""Single values of the irreducible characters of the symmetric groups, at any n.

Rim hooks are removed from bead sets (the Murnaghan-Nakayama rule), one block of equal cycles after another, except for
one block, which a closed form covers: when all m cycles that are left have length k,

.. math::
    \chi^\lambda(k^m) = \delta_k(\lambda) \binom{m}{m_0, \dots, m_{k-1}} \prod_r f^{\lambda^{(r)}},
    \qquad m_r = |\lambda^{(r)}|,

with :math:`\lambda^{(0)}, \dots, \lambda^{(k-1)}` the k-quotient and :math:`\delta_k` the sign of going to the k-core,
and 0 unless that core is empty (James and Kerber 1981, 2.7.32). For k = 1 it is the hook length formula.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, factorial, lgamma, log, pi, prod, sqrt

from symrep.combinatorics.cores import bead_mask, sign_to_core
from symrep.combinatorics.partitions import Partition, as_partition

Block = tuple[int, int]  # a cycle length and how many cycles have it


def character(shape: Partition | Iterable[int], cycle_type: Partition | Iterable[int]) -> int:
    r"""The value :math:`\chi^\lambda(\mu)` of the irreducible character of a shape on permutations of a cycle type.

    Parameters
    ----------
    shape
        A partition of n, any n.
    cycle_type
        A partition of n, fixed points (parts 1) included.

    Raises
    ------
    InvalidPartitionError
        When one of them is no partition or the sizes differ.

    Notes
    -----
    One block of equal cycles, fixed points or others, is left to a closed form in the quotient of the shape, of cost
    O(b^2) for b parts; so any value on m equal cycles is immediate. For the other blocks rim hooks are removed, the
    longest first; diagrams that are reached in several ways are merged, so that only one layer of them is kept and
    its size never exceeds the number of partitions of what is left. The block left out is the one for which the
    layers promise to be smallest.

    Examples
    --------
    >>> character((4, 2, 1), (3, 2, 2)), character((4, 2, 1), (1,) * 7)
    (-1, 35)
    >>> character((30, 20, 10), (15, 15, 10, 10, 5, 1, 1, 1, 1, 1))
    -14
    >>> character((20, 16, 13, 11, 9, 8, 7, 5, 4, 3, 2, 1, 1), (2,) * 50)
    7266694128148103857241929259364000
    """
    shape = as_partition(shape)
    cycle_type = as_partition(cycle_type, "cycle_type", size=shape.size)
    if not shape.parts:
        return 1
    sign = 1
    if shape.length > shape.parts[0]:
        # Fewer beads: all costs below grow with their number.
        shape, sign = shape.conjugate, cycle_type.sign
    *first_blocks, (length, count) = _order_of_blocks(cycle_type)
    coefficients = {bead_mask(shape.parts): sign}
    for block in first_blocks:
        coefficients = _remove_block(coefficients, *block)
    return sum(
        coefficient * _value_on_equal_cycles(beads, length, count)
        for beads, coefficient in coefficients.items()
        if coefficient
    )


def _remove_block(coefficients: dict[int, int], length: int, count: int) -> dict[int, int]:
    """Remove ``count`` rim hooks of one length from a combination of bead sets."""
    for _ in range(count):
        merged: dict[int, int] = {}
        for beads, coefficient in coefficients.items():
            movable = (beads & ~(beads << length)) >> length
            while movable:
                target = movable & -movable
                jumped = beads & ((target << length) - target)
                moved = beads ^ (target << length) ^ target
                signed = -coefficient if jumped.bit_count() % 2 else coefficient
                merged[moved] = merged.get(moved, 0) + signed
                movable ^= target
        coefficients = merged
    return coefficients


def _value_on_equal_cycles(beads: int, length: int, count: int) -> int:
    """The value on ``count`` cycles of one length, of the character of a bead set of the right size."""
    runners: list[list[int]] = [[] for _ in range(length)]
    places = []
    while beads:
        lowest = beads & -beads
        places.append(lowest.bit_length() - 1)
        beads ^= lowest
    for place in places:
        runners[place % length].append(place // length)
    full, rest = divmod(len(places), length)
    if any(len(runner) != full + (r < rest) for r, runner in enumerate(runners)):
        return 0
    # f / size! is the product of the differences of beta numbers over the product of their factorials.
    fillings, hooks = factorial(count), 1
    for rows in runners:
        fillings *= prod(high - low for i, high in enumerate(rows) for low in rows[:i])
        hooks *= prod(map(factorial, rows))
    return sign_to_core(places, length) * (fillings // hooks)


def _order_of_blocks(cycle_type: Partition) -> list[Block]:
    """Blocks of equal cycles in the order of removal: the longest cycles first, but the closed form's block last."""
    lengths = sorted(set(cycle_type.parts), reverse=True)
    blocks = [(length, cycle_type.parts.count(length)) for length in lengths]
    if len(blocks) == 1:
        return blocks
    orders = [[*blocks[:i], *blocks[i + 1 :], blocks[i]] for i in range(len(blocks) - 1, -1, -1)]
    return min(orders, key=lambda order: _estimated_cost(order, cycle_type.size))


# orders this costly are all out of reach, and exp would overflow soon after
_LARGEST_LOG = 600.0


def _estimated_cost(order: list[Block], size: int) -> float:
    """About how many diagrams the removal of all blocks but the last one meets.

    A layer has at most as many diagrams as there are partitions of its size (Hardy and Ramanujan's estimate), and at
    most as many as there are choices of hooks, of which a diagram has about sqrt(size), at most size / length.
    """
    cost, log_choices = 0.0, 0.0
    for length, count in order[:-1]:
        hooks = max(1.0, min(size / length, sqrt(size)))
        for removed in range(1, count + 1):
            size -= length
            of_block = lgamma(hooks + removed) - lgamma(hooks) - lgamma(removed + 1)
            log_partitions = pi * sqrt(2 * size / 3) - log(4 * sqrt(3) * size)
            cost += exp(min(log_choices + of_block, log_partitions, _LARGEST_LOG))
        log_choices += of_block
    return cost
