r"""Blocks of kernels that depend on the token counts of two sequences and the number of their matches, :math:`k(n, n', m)`.

The operator with kernel :math:`\prod_s M_t[x_s, y_s]`, :math:`M_t = J + (t - 1) I` with J all ones, counts matches by
powers of t and acts on the column space :math:`U_\lambda = \bigotimes_h \mathrm{Sym}^{c_h}(\Lambda^h \mathbb{C}^V)` through
the minors of :math:`M_t` (:mod:`symrep.spectra.symmetric_powers`): as :math:`F(t) Q(t)`, with the number
:math:`F = (t-1)^{\sum_h (h-1) c_h} (t-1+V)^{c_V}` and the tensor product Q of the symmetric powers of g. So the block of the
kernel between weights n and n' is, with sums over the roots of unity t of order L + 1,

.. math:: \sqrt{q(n) q(n')} \sum_t \kappa_{nn'}(t)\, Q(t), \qquad
   \kappa_{nn'}(t) = \frac{F(t)}{L+1} \sum_m t^{-m} k(n, n', m).

At :math:`|t| = 1` this is stable for every measure: a column of height h contributes the norm of
:math:`(t - 1)^{h-1} |g|` weighted by probabilities, at V = 3 and uniform tokens at most 1, 0.58 and 0.20 for heights 1, 2, 3.

Only the irreducible :math:`W_\lambda \subset U_\lambda` is wanted. With an orthonormal basis w of it, and rows s of w that
determine it, the block X has :math:`A w = w X`, so :math:`X = w_s^{-1} A_s w` takes few rows of the operator A on
:math:`U_\lambda`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import comb

import numpy as np
from scipy import linalg
from scipy.special import gammaln

from symrep.combinatorics.partitions import Partition
from symrep.errors import SizeLimitError
from symrep.measures import ExchangeableMeasure
from symrep.spectra.column_space import ColumnSpace, WeightBasis, column_counts
from symrep.spectra.context_probabilities import log_sequence_probabilities
from symrep.spectra.count_tables import number_of_tables, table_numbers
from symrep.spectra.match_values import MatchValues
from symrep.spectra.symmetric_powers import (
    lexicographic_places,
    reduced_minors,
    symmetric_power,
)

_KERNEL_ERROR = 16 * np.finfo(float).eps
_CACHED_BYTES = 2**21
_TABLE_BYTES = 2**26


@dataclass(frozen=True, eq=False)
class SolvedBlock:
    """The eigenvalues of a block, largest first, and a bound on their errors; its matrix with its basis where it is kept."""

    eigenvalues: np.ndarray
    rounding: float
    matrix: np.ndarray | None = None
    bases: tuple[WeightBasis, ...] | None = None


def solve_match_block(shape: Partition, values: MatchValues, measure: ExchangeableMeasure) -> SolvedBlock:
    """The eigenvalues of one block: a function of its arguments alone, which can be pickled, so that shapes may run apart."""
    work = _Work(ColumnSpace(shape, values.vocab_size), values, measure)
    matrix, largest = work.matrix()
    rounding = work.rounding(largest)
    return SolvedBlock(linalg.eigvalsh(matrix, overwrite_a=True, check_finite=False)[::-1], rounding)


def match_block_matrix(shape: Partition, values: MatchValues, measure: ExchangeableMeasure) -> np.ndarray:
    """The block of one shape over the basis of :class:`ColumnSpace`, extra tokens slowest."""
    return _Work(ColumnSpace(shape, values.vocab_size), values, measure).matrix()[0]


def require_small_block(shape: Partition, vocab_size: int, extras: int, memory_limit: int) -> None:
    """Raise SizeLimitError when the work on one shape would not fit."""
    size, counts = multiplicity(shape, vocab_size), column_counts(shape, vocab_size)[:-1]
    needed, dimension = 8 * (1 + 2 * extras**2) * size**2, 1
    for height, count in enumerate(counts, start=1):
        if count:
            subsets = comb(vocab_size, height)
            multisets = number_of_tables(count, subsets)
            one_point = 32 * multisets * max(size, multisets)
            tables = max(one_point, min(one_point * shape.size, 2 * _TABLE_BYTES))
            needed += 16 * (count + 1) * multisets**2 + 8 * subsets**2 + tables
            dimension *= multisets
    # the Casimir element on all weight spaces of the columns
    needed += 100 * dimension**2 // number_of_tables(shape.size, vocab_size)
    if needed > memory_limit:
        raise SizeLimitError(
            f"shape {shape} with {vocab_size} tokens has a block of size {extras * size}, whose work needs "
            f"{needed / 1e9:.3g} GB, more than memory_limit = {memory_limit / 1e9:.3g} GB"
        )


def multiplicity(shape: Partition, vocab_size: int) -> int:
    """The dimension of the irreducible of GL_V, by Weyl's formula.

    >>> multiplicity(Partition((27, 13)), 3)
    3045
    """
    parts = (*shape.parts, *(0,) * (vocab_size - len(shape.parts)))
    above = below = 1
    for i in range(vocab_size):
        for j in range(i + 1, vocab_size):
            above *= parts[i] - parts[j] + j - i
            below *= j - i
    return above // below


@dataclass(frozen=True, eq=False)
class _Work:
    """Everything about one block: ``space`` holds the columns, ``values`` the kernel."""

    space: ColumnSpace
    values: MatchValues
    measure: ExchangeableMeasure

    @cached_property
    def starts(self) -> np.ndarray:
        """Where the basis vectors of every weight start, and their number at the end."""
        return np.cumsum([0] + [basis.vectors.shape[1] for basis in self.space.weight_bases])

    @property
    def size(self) -> int:
        return int(self.starts[-1])

    @cached_property
    def weights(self) -> np.ndarray:
        return np.array([basis.weight for basis in self.space.weight_bases])

    @cached_property
    def rows(self) -> np.ndarray:
        """As many vectors of the column space of every weight as the irreducible has, and which determine it well."""
        chosen = []
        for basis in self.space.weight_bases:
            _, pivots = linalg.qr(basis.vectors.T, mode="r", pivoting=True, check_finite=False)
            chosen.append(basis.members[np.sort(pivots[: basis.vectors.shape[1]])])
        return np.concatenate(chosen)

    @cached_property
    def inverses(self) -> list[np.ndarray]:
        """The inverse of the basis at the chosen rows, weight by weight."""
        found = []
        for basis, start, stop in zip(self.space.weight_bases, self.starts, self.starts[1:]):
            places = np.searchsorted(basis.members, self.rows[start:stop])
            found.append(linalg.inv(basis.vectors[places], check_finite=False))
        return found

    @property
    def order(self) -> int:
        return self.space.shape.size + 1

    @cached_property
    def turns(self) -> np.ndarray:
        """The roots of unity in the upper half plane, as multiples of the first, without zeros of F."""
        turns = np.arange(self.order // 2 + 1)
        return turns[np.abs(self.common_factor(turns)) > 0]

    def roots(self, turns: np.ndarray) -> np.ndarray:
        # multiples reduced first: large angles lose digits
        return np.exp(2j * np.pi * (turns % self.order) / self.order)

    def diagonals(self, turns: np.ndarray, height: int) -> np.ndarray:
        """The diagonal minor t - 1 + h at roots of unity."""
        # accurate where t + 1 is small
        half = np.pi * (turns % self.order) / self.order
        return height - 2 + 2 * np.cos(half) * np.exp(1j * half)

    def common_factor(self, turns: np.ndarray) -> np.ndarray:
        """F at roots of unity."""
        columns, vocab_size = self.space.columns, self.space.vocab_size
        ones, t = sum((h - 1) * c for h, c in enumerate(columns, start=1)), self.roots(turns)
        # |t - 1| by the sine, accurate near t = 1
        distance = 2 * np.sin(np.pi * (turns % self.order) / self.order)
        return (1j * distance * np.exp(1j * np.pi * turns / self.order)) ** ones * (t - 1 + vocab_size) ** columns[-1]

    def transform(self, turns: np.ndarray) -> np.ndarray:
        """The matrix (matches, 2 points) from a kernel to the real and imaginary parts of kappa, complex pairs added up."""
        paired = np.where((turns == 0) | (2 * turns == self.order), 1.0, 2.0) / self.order
        matrix = self.roots(-np.outer(np.arange(self.order), turns)) * (paired * self.common_factor(turns))
        return np.concatenate([matrix.real, matrix.imag], axis=1)

    @cached_property
    def powers(self) -> list[np.ndarray]:
        """The symmetric power of every height, as polynomials in the diagonal minor."""
        vocab_size, columns = self.space.vocab_size, self.space.columns
        return [symmetric_power(reduced_minors(vocab_size, h), columns[h - 1]) for h in self.space.heights]

    def tables(self, turns: np.ndarray) -> list[np.ndarray]:
        """The symmetric powers at roots of unity, between all vectors and the chosen rows: (multisets, points, rows)."""
        result = []
        rows = np.unravel_index(self.rows, self.space.sizes) if self.space.sizes else ()
        for height, power, own in zip(self.space.heights, self.powers, rows):
            chosen = self._places(height)[own]
            points = np.vander(self.diagonals(turns, height), power.shape[1], increasing=True)
            table = np.empty((len(power), len(turns), len(own)), dtype=complex)
            table.real = (points.real @ power)[:, :, chosen]
            table.imag = (points.imag @ power)[:, :, chosen]
            result.append(table)
        return result

    def _places(self, height: int) -> np.ndarray:
        return lexicographic_places(self.space.columns[height - 1], comb(self.space.vocab_size, height))

    def matrix(self) -> tuple[np.ndarray, np.ndarray]:
        """The block, and the largest absolute value of kappa at every root of unity."""
        values, bases, size, extras = self.values, self.space.weight_bases, self.size, self.values.extras
        pairs = [(v, w) for v in range(extras) for w in range(v, extras)]
        # w^T A at the chosen rows; a block without extra tokens is symmetric, and needs one half of them
        sums = np.zeros((len(pairs), size, size))
        weight_of = np.repeat(np.arange(len(bases)), np.diff(self.starts))
        numbers, probabilities = table_numbers(self.weights), self._square_roots()
        largest, step = [], self._points_at_once()
        for turns in (self.turns[i : i + step] for i in range(0, len(self.turns), step)):
            transform, tables = self.transform(turns), self.tables(turns)
            heights = np.zeros(len(turns))
            for g, basis in enumerate(bases):
                own, first = slice(self.starts[g], self.starts[g + 1]), g if extras == 1 else 0
                projected = self._projected(tables, g, self.starts[first], len(turns))
                columns = weight_of[self.starts[first] :] - first
                for p, (v, w) in enumerate(pairs):
                    kappa = values.array[v * extras + w, numbers[g], numbers[first:]] @ transform
                    kappa = kappa[:, : len(turns)].T + 1j * kappa[:, len(turns) :].T
                    heights = np.maximum(heights, np.abs(kappa).max(axis=1))
                    kappa *= probabilities[v, g] * probabilities[w, first:]
                    sums[p, own, self.starts[first] :] += (projected * kappa[:, columns]).real.sum(axis=1)
            largest.append(heights)
        return self._assembled(sums, pairs), np.concatenate(largest)

    def _projected(self, tables: list[np.ndarray], group: int, first: int, points: int) -> np.ndarray:
        """Q(t) from the basis vectors of one weight to the chosen rows from the first on: (vectors, points, rows)."""
        basis = self.space.weight_bases[group]
        operator = np.ones((len(basis.members), points, self.size - first), dtype=complex)
        for table, own in zip(tables, np.unravel_index(basis.members, self.space.sizes) if tables else ()):
            operator *= table[own, :, first:]
        projected = basis.vectors.T @ operator.view(float).reshape(len(operator), -1)
        return projected.view(complex).reshape(-1, points, self.size - first)

    def _assembled(self, sums: np.ndarray, pairs: list[tuple[int, int]]) -> np.ndarray:
        size, extras = self.size, self.values.extras
        matrix = np.empty((extras, size, extras, size))
        for own, (v, w) in zip(sums, pairs):
            for start, stop, inverse in zip(self.starts, self.starts[1:], self.inverses):
                until = stop if extras == 1 else size
                own[:until, start:stop] = own[:until, start:stop] @ inverse.T
            if extras == 1:
                own = np.triu(own) + np.triu(own, 1).T
            elif v == w:
                own = (own + own.T) / 2
            matrix[v, :, w], matrix[w, :, v] = own, own.T
        return matrix.reshape(extras * size, extras * size)

    def _square_roots(self) -> np.ndarray:
        """The square root of the probability of one sequence of every weight: (extra tokens or 1, weights)."""
        tokens = range(self.values.extras)
        return np.array([np.exp(self._log_probabilities(self.weights, token) / 2) for token in tokens])

    def _log_probabilities(self, counts: np.ndarray, token: int) -> np.ndarray:
        extra = None if self.values.extra_token is None else token
        return log_sequence_probabilities(self.measure, counts, extra)

    def _points_at_once(self) -> int:
        """As many roots of unity as stay in the cache."""
        members = max(len(basis.members) for basis in self.space.weight_bases)
        tables = sum(multisets * max(multisets, self.size) for multisets in self.space.sizes)
        return max(1, min(_CACHED_BYTES // (16 * members * self.size), _TABLE_BYTES // (16 * max(tables, 1))))

    def rounding(self, largest: np.ndarray) -> float:
        r"""A bound on the error of eigenvalues, from the largest value of kappa at every root of unity.

        Errors of the kernel's values meet the coefficients of the minors, without signs. Q(t) and kappa are found to some
        units in the last place of the same sums without signs.
        """
        columns, vocab_size, eps = self.space.columns, self.space.vocab_size, np.finfo(float).eps
        # the sums of absolute coefficients of (t - 1)^(h - 1) (t - 1 + h)
        sizes = {h: float(np.abs(np.poly([1] * (h - 1) + [1 - h])).sum()) for h in range(1, vocab_size + 1)}
        scale = sizes[vocab_size] ** columns[-1] * 2.0 ** sum((h - 1) * columns[h - 1] for h in self.space.heights)
        bound = max(_KERNEL_ERROR * self.values.largest, self.values.error) * scale
        bound *= self._norm({h: sizes[h] / 2 ** (h - 1) for h in self.space.heights})
        units = eps * (2 * self.order + 3 * float(gammaln(self.order + 1)))
        factors = np.abs(self.common_factor(self.turns)) * self.values.largest
        diagonals = {h: np.abs(self.diagonals(self.turns, h)) for h in self.space.heights}
        for point, (kappa, factor) in enumerate(zip(largest, factors)):
            error = units * float(kappa) + _KERNEL_ERROR * float(factor)
            bound += error * self._norm({h: diagonals[h][point] for h in self.space.heights})
        return float(bound * max(np.linalg.norm(inverse, 2) for inverse in self.inverses))

    @cached_property
    def _absolute_powers(self) -> list[np.ndarray]:
        """The symmetric powers of the minors without their signs, as polynomials in their diagonal."""
        found = []
        for height, power in zip(self.space.heights, self.powers):
            minors = reduced_minors(self.space.vocab_size, height)
            if (minors < 0).any():
                power = symmetric_power(np.abs(minors), self.space.columns[height - 1])
            if height == 1:
                # the absolute value of t is always 1
                power = power.sum(axis=1, keepdims=True)
            found.append(power[:, :, self._places(height)])
        return found

    @cached_property
    def _column_probabilities(self) -> list[np.ndarray]:
        tokens = range(self.values.extras)
        return [np.exp(self._log_probabilities(self.space.weights, token)) for token in tokens]

    def _norm(self, diagonals: dict[int, float]) -> float:
        """A bound on the norm of symmetric powers without signs, weighted by probabilities, by their action on these.

        By Schur's test; ``diagonals`` has the absolute value of the diagonal minors of every height.
        """
        powers = []
        for height, power in zip(self.space.heights, self._absolute_powers):
            powers.append(np.tensordot(diagonals[height] ** np.arange(power.shape[1]), power, axes=(0, 1)))
        arrangements, result = np.exp(self.space.log_arrangements / 2), 0.0
        for before in self._column_probabilities:
            for after in self._column_probabilities:
                vector = (arrangements * after).reshape(self.space.sizes)
                for axis, power in enumerate(powers):
                    vector = np.moveaxis(np.tensordot(power, vector, axes=(1, axis)), 0, axis)
                result += float(np.where(before > 0, vector.ravel() / arrangements, 0.0).max())
        return result
