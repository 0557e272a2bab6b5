r"""Columns of a Young diagram as tensor factors: :math:`U_\lambda = \bigotimes_h \mathrm{Sym}^{c_h}(\Lambda^h \mathbb{C}^V)`.

A shape with :math:`c_h` columns of height h puts the L positions into columns. Functions that are antisymmetric within
every column and symmetric under permutations of columns of one height form :math:`U_\lambda`: the image of an idempotent
of the group algebra, so every operator that commutes with S_L maps it to itself. It holds the irreducible
:math:`W_\lambda` of GL_V once, its component of largest Casimir eigenvalue, and :math:`W_\lambda` is the multiplicity
space of the irrep :math:`\lambda` of S_L (Schur-Weyl duality).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from scipy import sparse
from scipy.special import gammaln

from symrep.combinatorics.partitions import Partition
from symrep.spectra.count_tables import count_tables, table_numbers


def column_counts(shape: Partition, vocab_size: int) -> tuple[int, ...]:
    """The number of columns of height 1, 2, ..., V.

    >>> column_counts(Partition((5, 2, 1)), 3)
    (3, 1, 1)
    """
    parts = (*shape.parts, *(0,) * (vocab_size + 1 - len(shape.parts)))
    return tuple(parts[i] - parts[i + 1] for i in range(vocab_size))


@dataclass(frozen=True, eq=False)
class WeightBasis:
    """The part of an irreducible with given token counts: ``vectors`` over the ``members`` of the column space, in columns."""

    weight: tuple[int, ...]
    members: np.ndarray
    vectors: np.ndarray


@dataclass(frozen=True)
class ColumnSpace:
    r"""The basis of :math:`U_\lambda`: for every height h < V a multiset of :math:`c_h` subsets of the tokens.

    Columns of height V are all alike. Basis vectors are numbered height by height, the largest height slowest.
    """

    shape: Partition
    vocab_size: int

    @cached_property
    def columns(self) -> tuple[int, ...]:
        """The number of columns of height 1, ..., V."""
        return column_counts(self.shape, self.vocab_size)

    @cached_property
    def heights(self) -> tuple[int, ...]:
        """The heights below V that occur, largest first."""
        return tuple(h for h in range(self.vocab_size - 1, 0, -1) if self.columns[h - 1])

    def subsets(self, height: int) -> list[tuple[int, ...]]:
        """The sets of tokens that a column of this height may hold."""
        return list(combinations(range(self.vocab_size), height))

    @cached_property
    def multisets(self) -> dict[int, np.ndarray]:
        """For every height the multisets of columns, as counts of the subsets: arrays (number, subsets)."""
        return {h: count_tables(self.columns[h - 1], len(self.subsets(h))) for h in self.heights}

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The number of multisets of every height, largest height first."""
        return tuple(len(self.multisets[h]) for h in self.heights)

    @property
    def dimension(self) -> int:
        """The dimension of the space."""
        return int(np.prod(self.sizes, dtype=np.int64))

    @cached_property
    def weights(self) -> np.ndarray:
        """The token counts of every basis vector, (dimension, V)."""
        result = np.full((1, self.vocab_size), self.columns[-1])
        for h in self.heights:
            holds = np.array(
                [[v in subset for v in range(self.vocab_size)] for subset in self.subsets(h)], dtype=np.int64
            )
            result = (result[:, None] + (self.multisets[h] @ holds)[None]).reshape(-1, self.vocab_size)
        return result

    @cached_property
    def log_arrangements(self) -> np.ndarray:
        """The logarithm of the number of arrangements of the columns of every basis vector."""
        result = np.zeros(1)
        for h in self.heights:
            own = gammaln(self.columns[h - 1] + 1) - gammaln(self.multisets[h] + 1).sum(axis=1)
            result = (result[:, None] + own[None]).ravel()
        return result

    def raising(self, v: int, w: int) -> sparse.csr_array:
        """The generator E_vw of gl_V, which turns a token w into v, in the orthonormal basis."""
        total = sparse.csr_array((self.dimension, self.dimension))
        for axis, h in enumerate(self.heights):
            left = int(np.prod(self.sizes[:axis], dtype=np.int64))
            right = int(np.prod(self.sizes[axis + 1 :], dtype=np.int64))
            own = self._raising_at(h, v, w)
            total = total + sparse.kron(sparse.kron(sparse.eye_array(left), own), sparse.eye_array(right))
        return sparse.csr_array(total)

    def _raising_at(self, height: int, v: int, w: int) -> sparse.coo_array:
        multisets, subsets = self.multisets[height], self.subsets(height)
        number = {subset: i for i, subset in enumerate(subsets)}
        rows, columns, values = [], [], []
        for i, subset in enumerate(subsets):
            if w not in subset or v in subset:
                continue
            replaced = [v if token == w else token for token in subset]
            sign = (-1) ** sum(a > b for k, a in enumerate(replaced) for b in replaced[k + 1 :])
            j = number[tuple(sorted(replaced))]
            source = np.flatnonzero(multisets[:, i])
            target = multisets[source].copy()
            target[:, i] -= 1
            target[:, j] += 1
            rows.append(table_numbers(target))
            columns.append(source)
            values.append(sign * np.sqrt(multisets[source, i] * target[:, j]))
        shape = (len(multisets),) * 2
        if not rows:
            return sparse.coo_array(shape)
        return sparse.coo_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)

    @cached_property
    def weight_bases(self) -> tuple[WeightBasis, ...]:
        r"""Orthonormal bases of the weight spaces of :math:`W_\lambda`, those that are not 0."""
        weights, group_of, sizes = np.unique(self.weights, axis=0, return_inverse=True, return_counts=True)
        group_of = group_of.ravel()
        order = np.argsort(group_of, kind="stable")
        starts = np.cumsum(sizes) - sizes
        members = np.split(order, starts[1:])
        if self.heights in ((), (1,)):
            bases = (np.ones((1, 1)) for _ in members)
        else:
            bases = self._casimir_bases(weights, group_of, order, starts, sizes)
        found = (WeightBasis(tuple(weight), own, basis) for weight, own, basis in zip(weights.tolist(), members, bases))
        return tuple(basis for basis in found if basis.vectors.shape[1])

    def _casimir_bases(
        self, weights: np.ndarray, group_of: np.ndarray, order: np.ndarray, starts: np.ndarray, sizes: np.ndarray
    ) -> Iterator[np.ndarray]:
        casimir = sparse.csr_array((self.dimension, self.dimension))
        for v, w in combinations(range(self.vocab_size), 2):
            raising = self.raising(v, w)
            casimir = casimir + raising.T @ raising
        entries = casimir.tocoo()
        place = np.empty(self.dimension, dtype=np.int64)
        place[order] = np.arange(self.dimension) - np.repeat(starts, sizes)
        ends = np.cumsum(sizes**2)
        # the Casimir element keeps the weight: its blocks one behind the other
        flat = np.zeros(int(ends[-1]))
        own = group_of[entries.row]
        flat[(ends - sizes**2)[own] + place[entries.row] * sizes[own] + place[entries.col]] = entries.data
        parts = (*self.shape.parts, *(0,) * (self.vocab_size - len(self.shape.parts)))
        for weight, size, end in zip(weights.tolist(), sizes, ends):
            eigenvalues, vectors = np.linalg.eigh(flat[end - size**2 : end].reshape(size, size))
            # sum_{v<w} E_wv E_vw on a vector of this weight in W_lambda
            wanted = (_casimir_diagonal(parts) - _casimir_diagonal(weight)) / 2
            yield vectors[:, np.abs(eigenvalues - wanted) < 0.5]

    @cached_property
    def irreducible(self) -> sparse.csr_array:
        r"""An orthonormal basis of :math:`W_\lambda`, one weight at a time: columns in :math:`U_\lambda`."""
        rows, columns, values, start = [], [], [], 0
        for basis in self.weight_bases:
            size = basis.vectors.shape[1]
            rows.append(np.repeat(basis.members, size))
            columns.append(np.tile(np.arange(start, start + size), len(basis.members)))
            values.append(basis.vectors.ravel())
            start += size
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return sparse.csr_array(sparse.coo_array(entries, shape=(self.dimension, start)))


def _casimir_diagonal(weight: Sequence[int]) -> int:
    """The quadratic Casimir element on a highest weight vector of this weight."""
    spread = sum(a - b for i, a in enumerate(weight) for b in weight[i + 1 :])
    return sum(a * a for a in weight) + spread
