r"""The operator of a kernel on the functions of the tokens at named positions and of the counts of the others.

Between two classes A, B of sequences (tokens at the named positions, counts of the others) the matrix entry is
:math:`\sqrt{Q(A) Q(B)}\; E[K(x, y)]`, the mean over arrangements of the unnamed tokens. A polynomial in u and m needs only
the factorial moments of the number m of matches,

.. math:: E[(m)_j] = \frac{j!}{(n)_j} \sum_{|r| = j} \prod_v \frac{(n_v)_{r_v} (n'_v)_{r_v}}{r_v!},

for n unnamed positions. A kernel that counts and matches determine needs the distribution of m, which grows position by
position, :math:`p_{n + e_v}(n' + e_w, m + [v = w]) \leftarrow p_n(n', m)`, a sum of positive terms; any other kernel its values
at all joint count tables.
"""

from __future__ import annotations

from math import comb, factorial
from typing import Any

import numpy as np
import sympy
from scipy.special import gammaln

from symrep.errors import FreeSymbolError, InvalidArchitectureError, InvalidArgumentError, require, shown
from symrep.kernels import Network
from symrep.kernels.overlaps import (
    first_overlap_symbol,
    length_symbol,
    matches_symbol,
    overlap_symbol,
    second_overlap_symbol,
    vocabulary_symbol,
)
from symrep.learning.invariant_space import InvariantSpace
from symrep.spectra.count_tables import count_tables, table_numbers
from symrep.spectra.kernel_functions import as_symmetric_kernel
from symrep.spectra.kernel_values import kernel_values
from symrep.spectra.match_values import match_values, require_few_matches
from symrep.spectra.moments import compositions, stirling

_GENERATORS = (overlap_symbol, first_overlap_symbol, second_overlap_symbol, matches_symbol)
_MEMORY_LIMIT = 4 * 10**9
_FEWEST_TOKENS_OF_MATCHES = 3


def operator_matrix(kernel: Any, space: InvariantSpace, memory_limit: int = _MEMORY_LIMIT) -> np.ndarray:
    """The symmetric matrix of a kernel (as for :func:`symrep.block_spectrum`) on an invariant space.

    Cost: the square of the dimension for polynomial kernels, times the length for kernels of counts and matches at V > 2; else
    the number of joint count tables of the unnamed positions times :math:`V^{2k}`.

    Raises
    ------
    InvalidArgumentError
        When the kernel has a last or query token.
    SizeLimitError
        When there are too many joint count tables.
    """
    polynomial = _polynomial(kernel, space.length, space.vocab_size)
    if polynomial is not None:
        return _polynomial_matrix(polynomial, space)
    symmetric = as_symmetric_kernel(kernel)
    if symmetric.extra_token is not None:
        raise InvalidArgumentError(f"kernel must treat all positions alike, got a {symmetric.extra_token} token")
    if symmetric.of_matches is not None and space.vocab_size >= _FEWEST_TOKENS_OF_MATCHES:
        require_few_matches(space.length, space.vocab_size, 2, memory_limit)
        values = match_values(symmetric.of_matches, space.length, space.vocab_size, None)
        return _match_matrix(values.array[0], space)
    values, _ = kernel_values(symmetric.of_tables, space.length, space.vocab_size, None, memory_limit)
    return _table_matrix(values[0], space)


def _polynomial(kernel: Any, length: int, vocab_size: int) -> sympy.Poly | None:
    """The kernel as a polynomial in the overlaps with numbers for coefficients, where it is one."""
    if isinstance(kernel, Network):
        if kernel.extra_token is not None:
            return None
        try:
            kernel = kernel.overlap_polynomial()
        except InvalidArchitectureError:
            return None
    if not isinstance(kernel, sympy.Expr):
        return None
    names = {symbol.name: symbol for symbol in _GENERATORS}
    known = {symbol: names[symbol.name] for symbol in kernel.free_symbols if symbol.name in names}
    numbers = {length_symbol.name: length, vocabulary_symbol.name: vocab_size}
    given = {symbol: numbers[symbol.name] for symbol in kernel.free_symbols if symbol.name in numbers}
    free = sorted(symbol.name for symbol in kernel.free_symbols - known.keys() - given.keys())
    require(not free, "kernel", "must be made of numbers and u, m, u_xx, u_yy, L, V", kernel, FreeSymbolError)
    try:
        return sympy.Poly(sympy.expand(kernel.xreplace(known).subs(given)), *_GENERATORS)
    except sympy.PolynomialError:
        raise InvalidArgumentError(f"kernel must be a polynomial in u and m, got {shown(kernel)}") from None


def _polynomial_matrix(polynomial: sympy.Poly, space: InvariantSpace) -> np.ndarray:
    counts = space.counts.astype(np.float64)
    own = (counts**2).sum(axis=1)
    overlaps = counts @ counts.T, own[:, None], own[None, :]
    powers_of_m = _powers_of_matches(space, max(j for *_, j in polynomial.monoms()))
    total = np.zeros((space.dimension,) * 2)
    for (*exponents, j), coefficient in polynomial.terms():
        term = float(coefficient) * powers_of_m[j]
        for base, exponent in zip(overlaps, exponents):
            if exponent:
                term = term * base**exponent
        total += term
    weights = np.exp(space.log_probabilities / 2)
    return weights[:, None] * total * weights[None, :]


def _powers_of_matches(space: InvariantSpace, degree: int) -> list[np.ndarray]:
    """The means of m^0, ..., m^degree over arrangements of the unnamed tokens, for every pair of classes."""
    falling = [_falling_matches(space, i) for i in range(degree + 1)]
    rest = [sum(stirling(j, i) * falling[i] for i in range(j + 1)) for j in range(degree + 1)]
    agreeing = (space.tokens[:, None] == space.tokens[None]).sum(axis=2).astype(np.float64)
    return [sum(comb(j, i) * agreeing ** (j - i) * rest[i] for i in range(j + 1)) for j in range(degree + 1)]


def _falling_matches(space: InvariantSpace, order: int) -> np.ndarray:
    unnamed = space.length - space.named
    if order > unnamed:
        return np.zeros((space.dimension,) * 2)
    falling = np.ones((order + 1, *space.rest_counts.shape))
    for r in range(order):
        falling[r + 1] = falling[r] * (space.rest_counts - r)
    total = np.zeros((space.dimension,) * 2)
    for exponents in compositions(order, space.vocab_size):
        products = np.prod([falling[r, :, v] for v, r in enumerate(exponents)], axis=0)
        total += np.outer(products, products) / float(np.prod([factorial(r) for r in exponents]))
    ways = np.prod([unnamed - i for i in range(order)], dtype=np.float64)
    return total * (factorial(order) / ways)


def _match_matrix(values: np.ndarray, space: InvariantSpace) -> np.ndarray:
    """From the kernel at counts of x, counts of y and matches of the whole sequences."""
    unnamed, words = space.length - space.named, space.words
    rest = count_tables(unnamed, space.vocab_size)
    arrangements = _arrangements(space.vocab_size, unnamed)
    arrangements /= np.exp(space.log_sizes[: len(rest)])[:, None]
    own = [(word[:, None] == np.arange(space.vocab_size)).sum(axis=0) for word in words]
    whole = [table_numbers(rest + counts) for counts in own]
    matrix = np.empty((len(words), len(rest), len(words), len(rest)))
    for i, word in enumerate(words):
        for j, other in enumerate(words[: i + 1]):
            matches = int((word == other).sum())
            kernel = values[whole[i]][:, whole[j], matches : matches + unnamed + 1]
            matrix[i, :, j] = np.einsum("xym,xym->xy", kernel, arrangements)
            matrix[j, :, i] = matrix[i, :, j].T
    weights = np.exp(space.log_probabilities / 2)
    return weights[:, None] * matrix.reshape((space.dimension,) * 2) * weights[None, :]


def _arrangements(vocab_size: int, length: int) -> np.ndarray:
    """How many sequences with counts n' match one with counts n at m places: shape (counts, counts, length + 1)."""
    found = np.ones((1, 1, 1))
    for total in range(1, length + 1):
        before, after = count_tables(total - 1, vocab_size), count_tables(total, vocab_size)
        token = (after > 0).argmax(axis=1)
        predecessor = after.copy()
        predecessor[np.arange(len(after)), token] -= 1
        shorter = found[table_numbers(predecessor)]
        found = np.zeros((len(after), len(after), total + 1))
        for w in range(vocab_size):
            longer = before.copy()
            longer[:, w] += 1
            columns = table_numbers(longer)
            for same in (False, True):
                rows = np.flatnonzero((token == w) == same)
                found[np.ix_(rows, columns, np.arange(total) + same)] += shorter[rows]
    return found


def _table_matrix(values: np.ndarray, space: InvariantSpace) -> np.ndarray:
    V, unnamed, words = space.vocab_size, space.length - space.named, space.words
    tables = count_tables(unnamed, V * V).reshape(-1, V, V)
    log_ways = gammaln(unnamed + 1) - gammaln(tables + 1).sum(axis=(1, 2))
    rest_rows, rest_columns = (table_numbers(tables.sum(axis=axis)) for axis in (2, 1))
    n_rest = space.dimension // len(words)
    scale = space.log_probabilities / 2 - space.log_sizes
    matrix = np.empty((len(words), n_rest, len(words), n_rest))
    for i, word in enumerate(words):
        for j, other in enumerate(words[: i + 1]):
            moved = tables.copy()
            for v, w in zip(word, other):
                moved[:, v, w] += 1
            own = values[table_numbers(moved.reshape(len(moved), -1))]
            rows, columns = i * n_rest + rest_rows, j * n_rest + rest_columns
            entries = own * np.exp(log_ways + scale[rows] + scale[columns])
            block = np.bincount(rest_rows * n_rest + rest_columns, weights=entries, minlength=n_rest**2)
            matrix[i, :, j] = block.reshape(n_rest, n_rest)
            matrix[j, :, i] = matrix[i, :, j].T
    return matrix.reshape(space.dimension, space.dimension)
