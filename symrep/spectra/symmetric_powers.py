r"""How columns see matches: minors of :math:`M_t = J + (t - 1) I`, and their symmetric powers as polynomials.

Between tokens I and J of a column of height h the minor of :math:`M_t` is :math:`(t - 1)^{h - 1} g_{IJ}(t)`:

.. math:: g_{II} = t - 1 + h, \qquad g_{IJ} = \pm 1 \text{ if } |I \cap J| = h - 1, \qquad g_{IJ} = 0 \text{ else.}

The symmetric powers are polynomials in the diagonal :math:`s = t - 1 + h`: powers of t would cancel where s is small.
Coefficients are sums of products of entries of g: never a difference of larger numbers but for the signs of g.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import sparse
from scipy.special import gammaln

from symrep.spectra.count_tables import count_tables, number_of_tables, table_numbers

_COPIED_BYTES = 2**24


def reduced_minors(vocab_size: int, height: int) -> np.ndarray:
    """The minors g at t = 1: the height on the diagonal, signs between subsets that differ in one token.

    >>> reduced_minors(3, 2).tolist()
    [[2, 1, -1], [1, 2, 1], [-1, 1, 2]]
    """
    subsets = list(combinations(range(vocab_size), height))
    number = {subset: i for i, subset in enumerate(subsets)}
    minors = height * np.eye(len(subsets), dtype=np.int64)
    for subset, row in number.items():
        for place, token in enumerate(subset):
            rest = (*subset[:place], *subset[place + 1 :])
            for other in range(vocab_size):
                if other in subset:
                    continue
                own_place = sum(t < other for t in rest)
                column = number[(*rest[:own_place], other, *rest[own_place:])]
                minors[row, column] = (-1) ** (place + own_place)
    return minors


def symmetric_power(minors: np.ndarray, degree: int) -> np.ndarray:
    r"""The symmetric power of g in an orthonormal basis, as polynomials in s: (multisets, degree + 1, multisets).

    The diagonal of the minors is not used. Column a holds the coefficients of :math:`\prod_I (\sum_J g_{IJ} y_J)^{a_I}`, over monomials :math:`y^b / \sqrt{b!}`.
    The columns are in falling lexicographic order, see :func:`lexicographic_places`.
    """
    parts = len(minors)
    # fresh memory costs more than the arithmetic
    buffers = [np.empty(number_of_tables(done, parts) ** 2 * (done + 1)) for done in (max(degree - 1, 0), degree)]
    power = np.ones((1, 1))
    for done in range(1, degree + 1):
        factors = _linear_factors(minors, done)
        shape = (factors[0].shape[0], number_of_tables(done, parts))
        result = buffers[(degree - done + 1) % 2][: shape[0] * shape[1]].reshape(shape)
        step, start = max(1, _COPIED_BYTES // (8 * shape[0])), 0
        for i, factor in enumerate(factors):
            # the columns without the first i parts are the last ones
            tail = power[:, power.shape[1] - number_of_tables(done - 1, parts - i) :]
            for first in range(0, tail.shape[1], step):
                product = factor @ tail[:, first : first + step]
                result[:, start : start + product.shape[1]] = product
                start += product.shape[1]
        power = result
    multisets = count_tables(degree, parts)
    log_factorials = gammaln(multisets + 1.0).sum(axis=1) / 2
    of_columns = np.empty_like(log_factorials)
    of_columns[lexicographic_places(degree, parts)] = log_factorials
    power = power.reshape(len(multisets), degree + 1, len(multisets))
    power *= np.exp(log_factorials[:, None] - of_columns)[:, None, :]
    return power


def lexicographic_places(total: int, parts: int) -> np.ndarray:
    """The place of every composition of ``count_tables`` in falling lexicographic order.

    >>> lexicographic_places(2, 3).tolist()
    [5, 4, 2, 3, 1, 0]
    """
    compositions = count_tables(total, parts)
    places = np.empty(len(compositions), dtype=np.int64)
    places[np.lexsort(-compositions.T[::-1])] = np.arange(len(compositions))
    return places


def _linear_factors(minors: np.ndarray, degree: int) -> list[sparse.csr_array]:
    """Multiplication by every :math:`\\sum_J g_{IJ} y_J`, from polynomials in y and s of degree - 1 to those of the degree."""
    parts = len(minors)
    before = count_tables(degree - 1, parts)
    old = np.arange(len(before) * degree)
    powers_of_s = np.tile(np.arange(degree), len(before))
    new = []
    for j in range(parts):
        after = before.copy()
        after[:, j] += 1
        new.append(np.repeat(table_numbers(after) * (degree + 1), degree) + powers_of_s)
    shape = (number_of_tables(degree, parts) * (degree + 1), len(old))
    factors = []
    for i in range(parts):
        terms = [(new[j], minors[i, j]) for j in np.flatnonzero(minors[i]) if j != i] + [(new[i] + 1, 1)]
        entries = np.concatenate([np.full(len(old), float(value)) for _, value in terms])
        places = (np.concatenate([rows for rows, _ in terms]), np.tile(old, len(terms)))
        factors.append(sparse.csr_array(sparse.coo_array((entries, places), shape=shape)))
    return factors
