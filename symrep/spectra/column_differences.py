r"""A kernel of joint counts between columns: antisymmetric differences, one column of a Young diagram at a time.

Between two columns of height h that hold the tokens I and J, antisymmetric in both, the kernel k(N) becomes

.. math:: (\Delta_{IJ} k)(N) = \sum_\pi \mathrm{sgn}(\pi)\, k\Big(N + \sum_a E_{I_a J_{\pi(a)}}\Big),

a function of the joint counts N of the positions outside the columns. Differences are all that is needed to reach the
irreps of any shape, and they are sums of kernel values with signs: nothing is divided, and nothing grows but through
weights that are probabilities.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, permutations

import numpy as np

from symrep.spectra.count_tables import count_tables, number_of_tables, table_numbers


def full_column_difference(values: np.ndarray, total: int, vocab_size: int) -> np.ndarray:
    """The difference over one column of height V: values at tables of ``total`` to values at tables of ``total - V``.

    ``values`` has the tables on its last axis, in the order of ``count_tables(total, V**2)``.
    """
    tables = count_tables(total - vocab_size, vocab_size**2)
    everything = tuple(range(vocab_size))
    return _difference(lambda numbers: values[..., numbers], tables, everything, everything, vocab_size)


def _difference(
    values_at: Callable[[np.ndarray], np.ndarray],
    tables: np.ndarray,
    rows: tuple[int, ...],
    columns: tuple[int, ...],
    vocab_size: int,
) -> np.ndarray:
    total = None
    for order in permutations(range(len(columns))):
        sign = (-1) ** sum(a > b for a, b in combinations(order, 2))
        moved = tables.copy()
        for a, b in enumerate(order):
            moved[:, rows[a] * vocab_size + columns[b]] += 1
        term = values_at(table_numbers(moved))
        if total is None:
            total = term.copy() if sign > 0 else -term
        elif sign > 0:
            total += term
        else:
            total -= term
    return total


def column_differences(values: np.ndarray, total: int, height: int, count: int, vocab_size: int) -> np.ndarray:
    """Differences over ``count`` columns of one height, for all tables T of subset pairs: an axis for T before the last.

    ``values`` (..., tables of ``total``) becomes (..., tables T of ``count`` over pairs of subsets, tables of
    ``total - height * count``).
    """
    subsets = list(combinations(range(vocab_size), height))
    pairs = len(subsets) ** 2
    current = values[..., None, :]
    for done in range(1, count + 1):
        targets = count_tables(done, pairs)
        remaining = total - height * done
        tables = count_tables(remaining, vocab_size**2)
        result = np.empty((*values.shape[:-1], len(targets), number_of_tables(remaining, vocab_size**2)), values.dtype)
        first = (targets > 0).argmax(axis=1)
        for pair in range(pairs):
            members = np.flatnonzero(first == pair)
            if not len(members):
                continue
            before = targets[members]
            before[:, pair] -= 1
            source = current[..., table_numbers(before), :]
            rows, columns = subsets[pair // len(subsets)], subsets[pair % len(subsets)]
            result[..., members, :] = _difference(lambda n: source[..., n], tables, rows, columns, vocab_size)
        current = result
    return current
