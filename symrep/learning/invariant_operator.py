r"""The operator of a kernel on the functions of the tokens at named positions and of the counts of the others.

Between two classes A, B of sequences (tokens at the named positions, counts of the others) the matrix entry is
:math:`\sqrt{Q(A) Q(B)}\; E[K(x, y)]`, the mean over arrangements of the unnamed tokens. A polynomial in u and m needs only
the factorial moments of the number m of matches (:mod:`symrep.learning.kernel_means`). A kernel that
counts and matches determine needs the distribution of m, which grows position by position,
:math:`p_{n + e_v}(n' + e_w, m + [v = w]) \leftarrow p_n(n', m)`, a sum of positive terms; any other kernel its values at all
joint count tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from scipy.special import gammaln

from symrep.errors import FreeSymbolError, InvalidArgumentError, require, shown
from symrep.kernels import Network
from symrep.kernels.overlaps import length_symbol, vocabulary_symbol
from symrep.kernels.sequences import token_counts
from symrep.learning.invariant_space import InvariantSpace
from symrep.learning.kernel_means import OVERLAP_GENERATORS, has_short_polynomial, own_classes, polynomial_means
from symrep.spectra.count_tables import count_tables, pair_tables, table_numbers
from symrep.spectra.kernel_functions import as_symmetric_kernel, extra_token_of
from symrep.spectra.kernel_values import kernel_values
from symrep.spectra.match_values import match_values, require_few_matches

_MEMORY_LIMIT = 4 * 10**9
_FEWEST_TOKENS_OF_MATCHES = 3
_CELLS_AT_ONCE = 4_000_000


def operator_matrix(
    kernel: Any, space: InvariantSpace, memory_limit: int = _MEMORY_LIMIT, *, progress: bool = False
) -> np.ndarray:
    """The symmetric matrix of a kernel (as for :func:`symrep.block_spectrum`) on an invariant space.

    Cost: the square of the dimension for polynomial kernels, times the length for kernels of counts and matches at V > 2; else
    the number of joint count tables of the unnamed positions times :math:`V^{2k}`. ``progress`` shows a bar.

    Raises
    ------
    InvalidArgumentError
        When the kernel has another last or query token than the space.
    SizeLimitError
        When there are too many joint count tables.
    """
    own = extra_token_of(kernel)
    require(own == space.extra_token, "kernel", f"must have the extra token {space.extra_token}", own)
    polynomial = _polynomial(kernel, space.length, space.vocab_size)
    if polynomial is not None:
        weights = np.exp(space.log_probabilities / 2)
        means = polynomial_means(polynomial, space, own_classes(space), progress=progress)
        return weights[:, None] * means * weights[None, :]
    symmetric = as_symmetric_kernel(kernel)
    if symmetric.of_matches is not None and space.vocab_size >= _FEWEST_TOKENS_OF_MATCHES:
        pairs = space.vocab_size**2 if space.has_extra else 1
        require_few_matches(space.moving, space.vocab_size, 1 + pairs, memory_limit)
        values = match_values(symmetric.of_matches, space.moving, space.vocab_size, space.extra_token, progress)
        return _match_matrix(values.array, space)
    values, _ = kernel_values(
        symmetric.of_tables, space.moving, space.vocab_size, space.extra_token, memory_limit, progress
    )
    return _table_matrix(values, space) if space.unnamed or not space.named else _named_matrix(values, space)


def _polynomial(kernel: Any, length: int, vocab_size: int) -> sympy.Poly | None:
    """The kernel as a polynomial in the overlaps with numbers for coefficients, where it is one."""
    if isinstance(kernel, Network):
        if not has_short_polynomial(kernel, length):
            return None
        kernel = kernel.overlap_polynomial()
    if not isinstance(kernel, sympy.Expr):
        return None
    names = {symbol.name: symbol for symbol in OVERLAP_GENERATORS}
    known = {symbol: names[symbol.name] for symbol in kernel.free_symbols if symbol.name in names}
    numbers = {length_symbol.name: length, vocabulary_symbol.name: vocab_size}
    given = {symbol: numbers[symbol.name] for symbol in kernel.free_symbols if symbol.name in numbers}
    free = sorted(symbol.name for symbol in kernel.free_symbols - known.keys() - given.keys())
    require(not free, "kernel", "must be made of numbers and u, m, u_xx, u_yy, L, V", kernel, FreeSymbolError)
    try:
        return sympy.Poly(sympy.expand(kernel.xreplace(known).subs(given)), *OVERLAP_GENERATORS)
    except sympy.PolynomialError:
        raise InvalidArgumentError(f"kernel must be a polynomial in u and m, got {shown(kernel)}") from None


def _match_matrix(values: np.ndarray, space: InvariantSpace) -> np.ndarray:
    """From the kernel at pairs of extra tokens, counts of x, counts of y and matches of the positions that are permuted."""
    unnamed, rest, moving = space.unnamed, space.rest, space.words[:, : space.named]
    arrangements = _arrangements(space.vocab_size, unnamed)
    arrangements /= np.exp(space.log_sizes[: len(rest)])[:, None]
    whole = [table_numbers(rest + counts) for counts in token_counts(moving, space.vocab_size)]
    matrix = np.empty((len(moving), len(rest), len(moving), len(rest)))
    for i, word in enumerate(moving):
        for j, other in enumerate(moving[: i + 1]):
            matches = int((word == other).sum())
            own = values[_extra_pair(space, i, j)]
            kernel = own[whole[i]][:, whole[j], matches : matches + unnamed + 1]
            matrix[i, :, j] = np.einsum("xym,xym->xy", kernel, arrangements)
            matrix[j, :, i] = matrix[i, :, j].T
    weights = np.exp(space.log_probabilities / 2)
    return weights[:, None] * matrix.reshape((space.dimension,) * 2) * weights[None, :]


def _extra_pair(space: InvariantSpace, i: int, j: int) -> int:
    """The number of the pair of extra tokens of two words; 0 without extra tokens."""
    return int(space.words[i, -1] * space.vocab_size + space.words[j, -1]) if space.has_extra else 0


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


def _named_matrix(values: np.ndarray, space: InvariantSpace) -> np.ndarray:
    """Where all positions are named: the joint count tables of all pairs of sequences, some rows at a time."""
    V, moving, count = space.vocab_size, space.words[:, : space.named], len(space.words)
    matrix, rows = np.empty((count, count)), max(1, _CELLS_AT_ONCE // (count * V * V))
    for start in range(0, count, rows):
        part = slice(start, start + rows)
        tables = pair_tables(moving[part], moving, V).reshape(-1, count, V * V)
        extra = space.words[part, -1, None] * V + space.words[:, -1] if space.has_extra else 0
        matrix[part] = values[extra, table_numbers(tables)]
    weights = np.exp(space.log_probabilities / 2 - space.log_sizes)
    return weights[:, None] * matrix * weights


def _table_matrix(values: np.ndarray, space: InvariantSpace) -> np.ndarray:
    V, unnamed, moving = space.vocab_size, space.unnamed, space.words[:, : space.named]
    tables = count_tables(unnamed, V * V).reshape(-1, V, V)
    log_ways = gammaln(unnamed + 1) - gammaln(tables + 1).sum(axis=(1, 2))
    rest_rows, rest_columns = (table_numbers(tables.sum(axis=axis)) for axis in (2, 1))
    n_rest = len(space.rest)
    scale = space.log_probabilities / 2 - space.log_sizes
    matrix = np.empty((len(moving), n_rest, len(moving), n_rest))
    for i, word in enumerate(moving):
        for j, other in enumerate(moving[: i + 1]):
            moved = tables.copy()
            for v, w in zip(word, other):
                moved[:, v, w] += 1
            own = values[_extra_pair(space, i, j), table_numbers(moved.reshape(len(moved), -1))]
            rows, columns = i * n_rest + rest_rows, j * n_rest + rest_columns
            entries = own * np.exp(log_ways + scale[rows] + scale[columns])
            block = np.bincount(rest_rows * n_rest + rest_columns, weights=entries, minlength=n_rest**2)
            matrix[i, :, j] = block.reshape(n_rest, n_rest)
            matrix[j, :, i] = matrix[i, :, j].T
    return matrix.reshape(space.dimension, space.dimension)
