"""Tables of counts in a fixed order: compositions of n into p parts, numbered, with the number of every one computed.

A composition with partial sums :math:`S_1, ..., S_{p-1}` is the subset :math:`b_j = S_j + j - 1` of
:math:`\\{0, ..., n + p - 2\\}`, and has the number :math:`\\sum_j \\binom{b_j}{j}` in colexicographic order.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np


@lru_cache(maxsize=64)
def _binomials(largest: int, parts: int) -> np.ndarray:
    """binomial(b, j) for b up to ``largest`` and j from 0 to ``parts``, as int64."""
    table = np.zeros((largest + 1, parts + 1), dtype=np.int64)
    table[:, 0] = 1
    for j in range(1, parts + 1):
        table[1:, j] = np.cumsum(table[:-1, j - 1])
    table.flags.writeable = False
    return table


def number_of_tables(total: int, parts: int) -> int:
    """The number of compositions of ``total`` into ``parts`` parts of at least 0.

    >>> number_of_tables(4, 3)
    15
    """
    return comb(total + parts - 1, parts - 1) if parts else int(total == 0)


def count_tables(total: int, parts: int) -> np.ndarray:
    """All compositions of ``total`` into ``parts`` parts, one a row, in colexicographic order of their partial sums.

    >>> count_tables(2, 3).tolist()
    [[0, 0, 2], [0, 1, 1], [1, 0, 1], [0, 2, 0], [1, 1, 0], [2, 0, 0]]
    """
    count = number_of_tables(total, parts)
    if parts == 0:
        return np.zeros((count, 0), dtype=np.int64)
    sums = np.full((count, parts), total, dtype=np.int64)
    rest = np.arange(count)
    for j in range(parts - 1, 0, -1):
        # the largest b with binomial(b, j) <= rest; b - (j - 1) is the partial sum
        starts = np.array([comb(b, j) for b in range(j - 1, total + j)], dtype=np.int64)
        sums[:, j - 1] = np.searchsorted(starts, rest, side="right") - 1
        rest = rest - starts[sums[:, j - 1]]
    return np.diff(sums, axis=1, prepend=0)


def table_numbers(tables: np.ndarray) -> np.ndarray:
    """The numbers of compositions (..., p) in the order of :func:`count_tables`; the last part does not matter.

    >>> table_numbers(count_tables(2, 3)).tolist()
    [0, 1, 2, 3, 4, 5]
    """
    parts = tables.shape[-1]
    numbers = np.zeros(tables.shape[:-1], dtype=np.int64)
    if parts < 2:
        return numbers
    positions = np.cumsum(tables[..., :-1], axis=-1) + np.arange(parts - 1)
    binomials = _binomials(int(positions.max(initial=0)), parts)
    for j in range(parts - 1):
        numbers += binomials[positions[..., j], j + 1]
    return numbers


def pair_tables(x: np.ndarray, y: np.ndarray, vocab_size: int) -> np.ndarray:
    """The joint count tables of all pairs of sequences (n, L) and (m, L): (n, m, V, V).

    >>> pair_tables(np.array([[0, 1, 1]]), np.array([[1, 0, 1]]), 2).tolist()
    [[[[0, 1], [1, 1]]]]
    """
    of_x, of_y = ((z[:, :, None] == np.arange(vocab_size)).astype(np.float64) for z in (x, y))
    # one product of matrices, exact in float64
    left = of_x.transpose(0, 2, 1).reshape(len(x) * vocab_size, x.shape[1])
    right = of_y.transpose(1, 0, 2).reshape(x.shape[1], len(y) * vocab_size)
    tables = (left @ right).astype(np.int64).reshape(len(x), vocab_size, len(y), vocab_size)
    return tables.transpose(0, 2, 1, 3)
