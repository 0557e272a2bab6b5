"""All Kostka numbers of one size at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import require_integer


def kostka_matrix(n: int) -> dict[Partition, dict[Partition, int]]:
    r"""The nonzero Kostka numbers :math:`K_{\lambda\mu}` of partitions of n, as ``matrix[shape][weight]``.

    :math:`K_{\lambda\mu}` counts semistandard tableaux of shape :math:`\lambda` and weight :math:`\mu`; it is nonzero exactly
    when :math:`\lambda` dominates :math:`\mu`, so in reverse lexicographic order the matrix is unitriangular. Computed by
    Pieri's rule along the parts of the weight, weights with a common beginning sharing its work. Time and memory grow with the
    square of the number of partitions: a second at n = 20, ten at n = 25.

    Raises
    ------
    InvalidTypeError, InvalidArgumentError
        When n is not an integer of at least 0.

    Examples
    --------
    >>> matrix = kostka_matrix(3)
    >>> for shape, row in matrix.items():
    ...     print(shape, {str(weight): number for weight, number in row.items()})
    (3) {'(3)': 1, '(2,1)': 1, '(1,1,1)': 1}
    (2,1) {'(2,1)': 1, '(1,1,1)': 2}
    (1,1,1) {'(1,1,1)': 1}
    """
    n = require_integer(n, "n", minimum=0)
    matrix: dict[Partition, dict[Partition, int]] = {shape: {} for shape in partitions(n)}
    strips = cache(lambda parts, size: tuple(horizontal_strips_added(parts, size)))
    for weight, counts in _schur_expansions((), {(): 1}, n, n, strips):
        for parts, number in counts.items():
            matrix[Partition._trusted(parts)][Partition._trusted(weight)] = number
    return matrix


def _schur_expansions(
    weight: tuple[int, ...], counts: dict[tuple[int, ...], int], rest: int, largest: int, strips: Callable
) -> Iterator[tuple]:
    """Weights that continue ``weight``, with the expansion of their complete homogeneous product in Schur functions."""
    if rest == 0:
        yield weight, counts
        return
    for part in range(min(rest, largest), 0, -1):
        longer: dict[tuple[int, ...], int] = {}
        for shape, number in counts.items():
            for bigger in strips(shape, part):
                longer[bigger] = longer.get(bigger, 0) + number
        yield from _schur_expansions((*weight, part), longer, rest - part, part, strips)


def horizontal_strips_added(parts: tuple[int, ...], size: int) -> Iterator[tuple[int, ...]]:
    """Parts of all partitions that exceed ``parts`` by a horizontal strip: no two new cells in one column.

    >>> list(horizontal_strips_added((2, 1), 2))
    [(4, 1), (3, 2), (3, 1, 1), (2, 2, 1)]
    """
    rows = (*parts, 0)

    def extend(row: int, rest: int) -> Iterator[tuple[int, ...]]:
        if row == len(rows):
            if rest == 0:
                yield ()
            return
        room = rest if row == 0 else min(rest, rows[row - 1] - rows[row])
        for added in range(room, -1, -1):
            for below in extend(row + 1, rest - added):
                yield (rows[row] + added, *below)

    for result in extend(0, size):
        yield result if result[-1] else result[:-1]
