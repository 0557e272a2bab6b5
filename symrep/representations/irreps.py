r"""Irreducible representations of S_n by explicit matrices: Young's seminormal and orthogonal forms, and small ones.

On a basis labelled by standard tableaux the generator :math:`s_i` swaps the letters i and i + 1, and the entries of the
two forms of Young come from the axial distance :math:`r_T = \mathrm{content}_T(i + 1) - \mathrm{content}_T(i)`. The
basis is in last-letter order, so that when ``T.swap(i)`` is standard the one with r < 0 comes first.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from math import gcd, lcm
from typing import Any

import numpy as np
from sympy import QQ, Integer, Rational, sqrt
from sympy.combinatorics import Permutation
from sympy.polys.domains import EXRAW
from sympy.polys.matrices import DomainMatrix

from symrep.combinatorics.partitions import Partition, as_partition
from symrep.representations import representation
from symrep.representations.elementary import natural, sign, standard, trivial
from symrep.representations.permutations import coset_steps
from symrep.representations.representation import IrreducibleRepresentation, to_domain_matrix

__all__ = ["OrthogonalForm", "SeminormalForm", "natural", "orthogonal", "seminormal", "sign", "standard", "trivial"]

COLUMNS_IN_CACHE = 64


@dataclass(frozen=True)
class _Fractions:
    """A square block of rationals: integer numerators, one denominator per row, a bound on |numerator| per row."""

    numerators: np.ndarray
    denominators: list[int]
    bounds: list[int]

    def reduced(self) -> _Fractions:
        """The same rationals with the common factor of every row removed."""
        common = [gcd(int(g), d) for g, d in zip(np.gcd.reduce(self.numerators, axis=1), self.denominators)]
        divisors = np.array(common, dtype=self.numerators.dtype)
        numerators = self.numerators // divisors[:, None]
        bounds = [int(bound) for bound in np.abs(numerators).max(axis=1)]
        return _Fractions(numerators, [d // g for d, g in zip(self.denominators, common)], bounds)


class _YoungForm(IrreducibleRepresentation):
    """What the seminormal and the orthogonal form share: at most two entries per row of a generator."""

    @cached_property
    def _row_of_letter(self) -> np.ndarray:
        """The row of letter k + 1 in every basis tableau, as an array [tableau, k]."""
        rows = np.empty((self.dimension, self.n), dtype=np.int64)
        for word, tableau in zip(rows, self.basis):
            for row, letters in enumerate(tableau.rows):
                word[[letter - 1 for letter in letters]] = row
        return rows

    @cached_property
    def _content_of_letter(self) -> np.ndarray:
        rows = self._row_of_letter
        contents = np.empty_like(rows)
        for k in range(self.n):
            contents[:, k] = (rows[:, :k] == rows[:, k : k + 1]).sum(axis=1) - rows[:, k]
        return contents

    def _axial_distances(self, i: int) -> np.ndarray:
        return self._content_of_letter[:, i] - self._content_of_letter[:, i - 1]

    @cached_property
    def _partners(self) -> tuple[np.ndarray, ...]:
        """For i = 1..n-1 (entry i - 1) the index of the tableau with i and i + 1 swapped, or of the tableau itself."""
        words = self._row_of_letter.astype(np.uint16)
        index_of_word = {word.tobytes(): index for index, word in enumerate(words)}
        partners = []
        for i in range(1, self.n):
            swapped = words.copy()
            swapped[:, [i - 1, i]] = words[:, [i, i - 1]]
            found = [index_of_word.get(word.tobytes(), index) for index, word in enumerate(swapped)]
            partners.append(np.array(found, dtype=np.int64))
        return tuple(partners)

    def _children(self, start: int, stop: int, k: int) -> list[tuple[int, int]]:
        """The ranges of a range of the basis, fixed beyond letter k, on which the position of letter k is constant."""
        rows = self._row_of_letter[start:stop, k - 1]
        cuts = [start, *(start + 1 + np.flatnonzero(np.diff(rows))).tolist(), stop]
        return list(zip(cuts, cuts[1:]))

    def _along_restriction(self, assemble: Callable[[int, int, int, list[Any]], Any]) -> Any:
        """Fold ``assemble(start, stop, k, blocks of S_{k-1})`` over S_1 < ... < S_n, once per shape inside the shape.

        In last-letter order the matrix of an element of S_{k-1} is block-diagonal, with blocks that depend on the
        smaller shape alone.
        """
        finished: dict[bytes, Any] = {}

        def fold(start: int, stop: int, k: int) -> Any:
            smaller_shape = np.bincount(self._row_of_letter[start, :k], minlength=1).tobytes()
            if smaller_shape not in finished:
                ranges = self._children(start, stop, k) if k > 1 else []
                finished[smaller_shape] = assemble(start, stop, k, [(a, b, fold(a, b, k - 1)) for a, b in ranges])
            return finished[smaller_shape]

        return fold(0, self.dimension, self.n)

    @abstractmethod
    def _off_diagonal_floats(self, distances: np.ndarray) -> np.ndarray:
        """The entry of s_i in the row of each tableau and the column of its partner (0 without a partner)."""

    @abstractmethod
    def _from_fractions(self, rows: Iterable[dict[int, tuple[int, int]]]) -> DomainMatrix:
        """The matrix in this form of what has these nonzero entries (numerator, denominator) in the seminormal form."""

    def _generator(self, i: int) -> DomainMatrix:
        rows = []
        others, distances = self._partners[i - 1].tolist(), self._axial_distances(i).tolist()
        for index, (other, distance) in enumerate(zip(others, distances)):
            row = {index: (1, distance)}
            if other != index:
                row[other] = _off_diagonal_fraction(distance)
            rows.append(row)
        return self._from_fractions(rows)

    def _domain_matrix(self, g: Permutation) -> DomainMatrix:
        fractions = self._seminormal_fractions(g).reduced()
        return self._from_fractions(
            {column: (entry, denominator) for column, entry in enumerate(row) if entry}
            for row, denominator in zip(fractions.numerators.tolist(), fractions.denominators)
        )

    def _to_numpy(self, g: Permutation) -> np.ndarray:
        steps = coset_steps(g.array_form)

        def assemble(start: int, stop: int, k: int, blocks: list[tuple[int, int, np.ndarray]]) -> np.ndarray:
            if not blocks:
                return np.ones((1, 1))
            matrix = np.zeros((stop - start, stop - start))
            for a, b, block in blocks:
                matrix[a - start : b - start, a - start : b - start] = block
            factors = []
            for i in reversed(steps[k - 2]):
                distances = self._axial_distances(i)[start:stop]
                off_diagonal = self._off_diagonal_floats(distances)[:, None]
                factors.append((1 / distances[:, None], off_diagonal, self._partners[i - 1][start:stop] - start))
            for first in range(0, stop - start, COLUMNS_IN_CACHE):
                columns = matrix[:, first : first + COLUMNS_IN_CACHE]
                result = columns
                for diagonal, off_diagonal, partner in factors:
                    result = diagonal * result + off_diagonal * result[partner]
                columns[...] = result
            return matrix

        return self._along_restriction(assemble)

    def _seminormal_fractions(self, g: Permutation) -> _Fractions:
        """The exact matrix of g in the seminormal form."""
        steps = coset_steps(g.array_form)

        def assemble(start: int, stop: int, k: int, blocks: list[tuple[int, int, _Fractions]]) -> _Fractions:
            if not blocks:
                return _Fractions(np.ones((1, 1), dtype=np.int64), [1], [1])
            dtype = np.result_type(*(block.numerators.dtype for _, _, block in blocks))
            numerators = np.zeros((stop - start, stop - start), dtype=dtype)
            for a, b, block in blocks:
                numerators[a - start : b - start, a - start : b - start] = block.numerators
            denominators = [d for _, _, block in blocks for d in block.denominators]
            matrix = _Fractions(numerators, denominators, [bound for _, _, block in blocks for bound in block.bounds])
            for i in reversed(steps[k - 2]):
                partner = self._partners[i - 1][start:stop] - start
                matrix = _apply_seminormal_generator(self._axial_distances(i)[start:stop].tolist(), partner, matrix)
            return matrix

        return self._along_restriction(assemble)


def _off_diagonal_fraction(distance: int) -> tuple[int, int]:
    """Numerator and denominator of the seminormal entry in the row of a tableau and the column of its partner."""
    if abs(distance) == 1:
        return 0, 1
    return (1, 1) if distance < 0 else (distance**2 - 1, distance**2)


def _apply_seminormal_generator(distances: list[int], partner: np.ndarray, matrix: _Fractions) -> _Fractions:
    """The generator with these axial distances times ``matrix``; Python integers as soon as int64 might not do."""
    own_factors, partner_factors, denominators, bounds = _row_factors(distances, partner, matrix)
    if max(bounds) > representation.INT64_SAFE:
        matrix = matrix.reduced()
        own_factors, partner_factors, denominators, bounds = _row_factors(distances, partner, matrix)
    dtype = object if max(bounds) > representation.INT64_SAFE else matrix.numerators.dtype
    numerators = matrix.numerators.astype(dtype, copy=False)
    own = np.array(own_factors, dtype=dtype)[:, None]
    others = np.array(partner_factors, dtype=dtype)[:, None]
    return _Fractions(own * numerators + others * numerators[partner], denominators, bounds)


def _row_factors(
    distances: list[int], partner: np.ndarray, matrix: _Fractions
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Row by row: the integer factors of the row and of its partner, the new denominator and the new bound."""
    own_factors, partner_factors, denominators, bounds = [], [], [], []
    for distance, other, own_denominator, own_bound in zip(
        distances, partner.tolist(), matrix.denominators, matrix.bounds
    ):
        numerator, denominator = _off_diagonal_fraction(distance)
        own_denominator *= abs(distance)
        other_denominator = denominator * matrix.denominators[other]
        common = lcm(own_denominator, other_denominator) if numerator else own_denominator
        own_factor = common // own_denominator if distance > 0 else -(common // own_denominator)
        partner_factor = numerator * (common // other_denominator) if numerator else 0
        own_factors.append(own_factor)
        partner_factors.append(partner_factor)
        denominators.append(common)
        # The bound also covers the factors, which must themselves fit.
        bounds.append(abs(own_factor) * max(own_bound, 1) + partner_factor * max(matrix.bounds[other], 1))
    return own_factors, partner_factors, denominators, bounds


@dataclass(frozen=True, repr=False)
class SeminormalForm(_YoungForm):
    """Young's seminormal form; made by :func:`seminormal`."""

    shape: Partition

    def _off_diagonal_floats(self, distances: np.ndarray) -> np.ndarray:
        return np.where(distances < -1, 1.0, 1 - 1 / distances**2) * (np.abs(distances) > 1)

    def _from_fractions(self, rows: Iterable[dict[int, tuple[int, int]]]) -> DomainMatrix:
        exact = ({column: QQ.dtype(*entry) for column, entry in row.items()} for row in rows)
        return to_domain_matrix(exact, self.dimension, QQ)

    def __repr__(self) -> str:
        return f"seminormal({self.shape.parts})"


@dataclass(frozen=True, repr=False)
class OrthogonalForm(_YoungForm):
    """Young's orthogonal form; made by :func:`orthogonal`."""

    shape: Partition

    def _off_diagonal_floats(self, distances: np.ndarray) -> np.ndarray:
        return np.sqrt(1 - 1 / distances**2)

    @cached_property
    def lengths(self) -> tuple[tuple[Rational, int], ...]:
        r"""The norms of the seminormal basis vectors as pairs (q, d): :math:`q \sqrt{d}`, q rational, d squarefree.

        The last tableau has norm 1, and a tableau T with axial distance r < -1 to a later one has
        :math:`\sqrt{1 - 1/r^2}` times the norm of that one.
        """
        lengths: list[tuple[Rational, int]] = [(Rational(1), 1)] * self.dimension
        distances = [self._axial_distances(i).tolist() for i in range(1, self.n)]
        for index in range(self.dimension - 2, -1, -1):
            i = next(i for i in range(self.n - 1) if distances[i][index] < -1)
            square, distance = distances[i][index] ** 2, -distances[i][index]
            factor, radicand = lengths[self._partners[i][index]]
            root, squarefree = _square_root(square - 1)
            common = gcd(squarefree, radicand)
            lengths[index] = (factor * Rational(root * common, distance), squarefree * radicand // common**2)
        return tuple(lengths)

    def _from_fractions(self, rows: Iterable[dict[int, tuple[int, int]]]) -> DomainMatrix:
        lengths = self.lengths
        roots: dict[int, Any] = {}
        surds = []
        for (row_factor, row_radicand), row in zip(lengths, rows):
            surd_row = {}
            for column, entry in row.items():
                factor, radicand = lengths[column]
                common = gcd(row_radicand, radicand)
                inner = row_radicand * radicand // common**2
                if inner not in roots:
                    roots[inner] = sqrt(Integer(inner))
                surd_row[column] = Rational(*entry) * row_factor * common / (factor * radicand) * roots[inner]
            surds.append(surd_row)
        return to_domain_matrix(surds, self.dimension, EXRAW)

    def __repr__(self) -> str:
        return f"orthogonal({self.shape.parts})"


def _square_root(square: int) -> tuple[int, int]:
    """(a, d) with a^2 d = square and d squarefree, for small positive integers."""
    root = next(a for a in range(int(square**0.5) + 1, 0, -1) if square % (a * a) == 0)
    return root, square // root**2


def seminormal(shape: Partition | Iterable[int]) -> SeminormalForm:
    r"""Young's seminormal form: rational matrices on the basis :math:`v_T` of standard tableaux in last-letter order.

    With :math:`r = \mathrm{content}_T(i + 1) - \mathrm{content}_T(i)` and U = T.swap(i),

    .. math::
        s_i v_T = \frac{1}{r} v_T
        + \begin{cases} v_U & r > 1 \\ (1 - 1/r^2)\, v_U & r < -1 \\ 0 & |r| = 1. \end{cases}

    The Jucys-Murphy element :math:`X_k = \sum_{i<k} (i\ k)` multiplies :math:`v_T` by the content of k in T.

    Parameters
    ----------
    shape
        A partition of n, n at least 0.

    Notes
    -----
    ``matrix(g)`` works with integers over one denominator per row, along the chain S_1 < ... < S_n: about n/2 steps of
    O(dimension^2) int64 operations for the whole matrix and less for its blocks. ``to_numpy(g)`` does the same with
    float64.

    Examples
    --------
    >>> rho = seminormal((2, 1))
    >>> rho.basis
    (StandardTableau(((1, 2), (3,))), StandardTableau(((1, 3), (2,))))
    >>> rho.generator(2)
    Matrix([
    [-1/2,   1],
    [ 3/4, 1/2]])
    >>> rho.character([1, 2, 0]), rho.matrix([1, 2, 0]).trace()
    (-1, -1)
    """
    return SeminormalForm(as_partition(shape))


def orthogonal(shape: Partition | Iterable[int]) -> OrthogonalForm:
    r"""Young's orthogonal form: orthogonal matrices on the basis :math:`w_T` of standard tableaux in last-letter order.

    With :math:`r = \mathrm{content}_T(i + 1) - \mathrm{content}_T(i)`,

    .. math:: s_i w_T = \frac{1}{r} w_T + \sqrt{1 - 1/r^2}\, w_{T.swap(i)}.

    Exact matrices are computed as :math:`D \rho D^{-1}` from the seminormal ones, D diagonal: every entry is a rational
    number times the square root of a squarefree integer, and sums and products of these matrices simplify on their own.
    ``domain_matrix`` has sympy's domain EXRAW of expressions. ``to_numpy`` is float64 from the start.

    Parameters
    ----------
    shape
        A partition of n, n at least 0.

    Examples
    --------
    >>> orthogonal((2, 1)).generator(2)
    Matrix([
    [     -1/2, sqrt(3)/2],
    [sqrt(3)/2,       1/2]])
    >>> orthogonal((2, 1)).to_numpy([0, 2, 1]).round(3)
    array([[-0.5  ,  0.866],
           [ 0.866,  0.5  ]])
    """
    return OrthogonalForm(as_partition(shape))
