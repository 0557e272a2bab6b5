r"""The multiplicity space :math:`W_\lambda` over the rational numbers, and the counts that blocks are summed with.

The basis of :math:`U_\lambda` (see :mod:`symrep.spectra.column_space`) is taken without norms: a function is given by its
values at the sequences whose columns are sorted. Then nothing but integers appears, and the coordinates of a function in
:math:`W_\lambda` are its values at some of those sequences, the pivots of a reduced echelon form.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import factorial, lcm
from typing import Any

import numpy as np
from scipy import sparse
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from symrep.spectra.column_space import ColumnSpace
from symrep.spectra.count_tables import count_tables, table_numbers


@dataclass(frozen=True)
class WeightSpace:
    """The part of one weight: basis vectors of U, those of them that are pivots, and the basis of W as columns."""

    members: np.ndarray
    pivots: np.ndarray
    basis: np.ndarray


@dataclass(frozen=True)
class RationalSubspace:
    r""":math:`W_\lambda` in :math:`U_\lambda`; ``parts`` hold integers over one common ``denominator``."""

    space: ColumnSpace

    @property
    def pivots(self) -> np.ndarray:
        """The basis vectors of U at which the coordinates in W are read off."""
        return np.concatenate([part.pivots for part in self.parts])

    @cached_property
    def denominator(self) -> int:
        """The common denominator of the basis."""
        return lcm(*(int(x.denominator) for _, _, rows in self._reduced for row in rows for x in row))

    @cached_property
    def parts(self) -> tuple[WeightSpace, ...]:
        """The weight spaces that are not 0."""
        parts = []
        for members, pivots, rows in self._reduced:
            scaled = [[int(x.numerator) * (self.denominator // int(x.denominator)) for x in row] for row in rows]
            basis = np.array(scaled, dtype=object).reshape(len(pivots), len(members)).T
            parts.append(WeightSpace(members, members[list(pivots)], basis))
        return tuple(parts)

    @cached_property
    def _reduced(self) -> list[tuple[np.ndarray, tuple[int, ...], list[list[Any]]]]:
        space = self.space
        groups = defaultdict(list)
        for index, weight in enumerate(map(tuple, space.weights.tolist())):
            groups[weight].append(index)
        whole = space.heights in ((), (1,))
        casimir = None if whole else self._casimir()
        parts = (*space.shape.parts, *(0,) * (space.vocab_size - len(space.shape.parts)))
        reduced = []
        for weight, members in groups.items():
            members = np.array(members)
            if whole:
                reduced.append((members, (0,), [[QQ(1)]]))
                continue
            # sum_{v<w} E_wv E_vw on a vector of this weight in W_lambda
            wanted = (_highest_casimir(parts) - _highest_casimir(weight)) // 2
            own = casimir[members][:, members].toarray() - wanted * np.eye(len(members), dtype=np.int64)
            equations = [[QQ(int(x)) for x in row] for row in own]
            kernel = DomainMatrix(equations, (len(members),) * 2, QQ).nullspace()
            if kernel.shape[0]:
                rows, pivots = kernel.rref()
                reduced.append((members, pivots, rows.to_list()))
        return reduced

    def _casimir(self) -> sparse.csr_array:
        tokens = combinations(range(self.space.vocab_size), 2)
        return sum(self._replacing(w, v) @ self._replacing(v, w) for v, w in tokens)

    def _replacing(self, v: int, w: int) -> sparse.csr_array:
        """The generator E_vw of gl_V, which turns a token w into v; integers."""
        space = self.space
        total = sparse.csr_array((space.dimension, space.dimension), dtype=np.int64)
        for axis, height in enumerate(space.heights):
            left = int(np.prod(space.sizes[:axis], dtype=np.int64))
            right = int(np.prod(space.sizes[axis + 1 :], dtype=np.int64))
            own = self._replacing_at(height, v, w)
            identities = [sparse.eye_array(size, dtype=np.int64) for size in (left, right)]
            total = total + sparse.kron(sparse.kron(identities[0], own), identities[1])
        return sparse.csr_array(total)

    def _replacing_at(self, height: int, v: int, w: int) -> sparse.csr_array:
        multisets = self.space.multisets[height]
        total = sparse.csr_array((len(multisets),) * 2, dtype=np.int64)
        for i, j, sign in _replacements(self.space.subsets(height), v, w):
            source = np.flatnonzero(multisets[:, i])
            target = multisets[source].copy()
            target[:, i] -= 1
            target[:, j] += 1
            # as many columns as hold the new tokens may be the one that was changed
            entries = sign * target[:, j], (table_numbers(target), source)
            total = total + sparse.csr_array(entries, shape=total.shape)
        return total


def _highest_casimir(weight: tuple[int, ...]) -> int:
    """The quadratic Casimir element of gl_V on a highest weight vector of this weight."""
    return sum(a * (a + len(weight) - 1 - 2 * i) for i, a in enumerate(weight))


def _replacements(subsets: list[tuple[int, ...]], v: int, w: int) -> Iterator[tuple[int, int, int]]:
    """The subsets with w and without v, those with v in its place, and the sign of sorting them: by numbers."""
    for i, subset in enumerate(subsets):
        if w in subset and v not in subset:
            between = sum(min(v, w) < token < max(v, w) for token in subset)
            yield i, subsets.index(tuple(sorted({*subset, v} - {w}))), (-1) ** between


def column_tables(space: ColumnSpace) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The basis vectors on both sides of every table of column pairs, and the arrangements of y that give it with one x."""
    factorials = np.array([factorial(i) for i in range(max(space.columns) + 1)], dtype=object)
    rows = columns = np.zeros(1, dtype=np.int64)
    arrangements = np.ones(1, dtype=object)
    for height, size in zip(space.heights, space.sizes):
        count, subsets = space.columns[height - 1], len(space.subsets(height))
        tables = count_tables(count, subsets**2).reshape(-1, subsets, subsets)
        of_x, of_y = tables.sum(axis=2), tables.sum(axis=1)
        own = factorials[of_x].prod(axis=1) // factorials[tables].prod(axis=(1, 2))
        rows = (rows[:, None] * size + table_numbers(of_x)).ravel()
        columns = (columns[:, None] * size + table_numbers(of_y)).ravel()
        arrangements = (arrangements[:, None] * own).ravel()
    return rows, columns, arrangements
