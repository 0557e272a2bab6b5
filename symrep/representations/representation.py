r"""What every representation of S_n by matrices offers, and the machinery of those with integer generators.

Every object here is immutable and satisfies ``rho.matrix(p * q) == rho.matrix(p) * rho.matrix(q)`` for sympy's product
(first p, then q). The generator :math:`s_i`, i = 1..n-1, swaps the 0-based points i - 1 and i. Matrices act on columns
of coordinates.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
from sympy import ZZ, ImmutableMatrix
from sympy.combinatorics import Permutation
from sympy.polys.matrices import DomainMatrix

from symrep.combinatorics.partitions import Partition
from symrep.combinatorics.tableaux import StandardTableau, standard_tableaux
from symrep.errors import require, require_integer
from symrep.representations.characters import character
from symrep.representations.permutations import as_permutation, cycle_type, reduced_word

INT64_SAFE = 2**62


def to_domain_matrix(rows: Iterable[dict[int, Any]], dimension: int, domain: Any) -> DomainMatrix:
    """A square sparse ``DomainMatrix`` from rows ``{column: element of domain}``."""
    return DomainMatrix({i: row for i, row in enumerate(rows) if row}, (dimension, dimension), domain)


def to_immutable_matrix(matrix: DomainMatrix) -> ImmutableMatrix:
    """A sympy matrix that keeps the domain matrix inside, so that arithmetic on it stays fast."""
    return matrix.to_Matrix().as_immutable()


class Representation(ABC):
    """A representation of S_n by matrices. Compare :func:`seminormal`, :func:`natural`, ``specht_module``.

    Attributes
    ----------
    n
        The degree of S_n.
    dimension
        The size of the matrices.
    multiplicities
        ``{Partition: int}``: how many times each irrep occurs.
    """

    n: int
    dimension: int
    multiplicities: dict[Partition, int]

    @abstractmethod
    def _generator(self, i: int) -> DomainMatrix:
        """The exact matrix of s_i, sparse."""

    @abstractmethod
    def _domain_matrix(self, g: Permutation) -> DomainMatrix:
        """The exact matrix of a permutation of size n."""

    @abstractmethod
    def _to_numpy(self, g: Permutation) -> np.ndarray:
        """The float64 matrix of a permutation of size n."""

    def generator(self, i: int) -> ImmutableMatrix:
        """The exact matrix of :math:`s_i`, which swaps the points i - 1 and i, for i = 1..n-1; stored sparsely."""
        i = require_integer(i, "i")
        require(1 <= i < self.n, "i", f"must lie in 1..{self.n - 1}", i)
        return to_immutable_matrix(self._generator(i))

    def matrix(self, g: Any) -> ImmutableMatrix:
        """The exact matrix of a permutation: a sympy ``Permutation`` or its array form.

        Sparse generators are applied to an integer array along a reduced word: at most n(n-1)/2 steps of
        O(dimension^2) integer operations for the seminormal form.
        """
        return to_immutable_matrix(self.domain_matrix(g))

    def domain_matrix(self, g: Any) -> DomainMatrix:
        """The exact matrix of a permutation as a sympy ``DomainMatrix`` (a new object at every call)."""
        return self._domain_matrix(as_permutation(g, "g", self.n))

    def to_numpy(self, g: Any) -> np.ndarray:
        """The matrix of a permutation in float64."""
        return self._to_numpy(as_permutation(g, "g", self.n))

    def character(self, g: Any) -> int:
        """The trace of ``matrix(g)``, from the cycle type of g alone (Murnaghan-Nakayama rule)."""
        type_of_g = cycle_type(g, self.n)
        return sum(count * character(shape, type_of_g) for shape, count in self.multiplicities.items())

    def _latex(self, printer: Any = None) -> str:
        terms = (f"{count if count > 1 else ''} S^{{{shape}}}".strip() for shape, count in self.multiplicities.items())
        return r" \oplus ".join(terms)

    def _repr_latex_(self) -> str:
        return f"${self._latex()}$"


class IrreducibleRepresentation(Representation):
    """A representation with one ``shape`` and a ``basis`` labelled by standard tableaux in last-letter order."""

    shape: Partition

    @property
    def n(self) -> int:
        """The degree of S_n: the size of the shape."""
        return self.shape.size

    @property
    def dimension(self) -> int:
        """The number of standard tableaux of the shape."""
        return self.shape.dimension

    @property
    def multiplicities(self) -> dict[Partition, int]:
        """The shape, once."""
        return {self.shape: 1}

    @cached_property
    def basis(self) -> tuple[StandardTableau, ...]:
        """The standard tableaux that label rows and columns."""
        return tuple(standard_tableaux(self.shape))


class IntegerRepresentation(Representation):
    """A representation whose generators are given as sparse integer rows."""

    @abstractmethod
    def _integer_rows(self, i: int) -> tuple[dict[int, int], ...]:
        """Row by row the nonzero entries of s_i."""

    def _generator(self, i: int) -> DomainMatrix:
        rows = ({column: ZZ(entry) for column, entry in row.items()} for row in self._integer_rows(i))
        return to_domain_matrix(rows, self.dimension, ZZ)

    def _integer_array(self, g: Permutation) -> np.ndarray:
        """The matrix as an integer array, int64 while that is provably safe, else Python ints."""
        matrix, bound = np.eye(self.dimension, dtype=np.int64), 1
        for i in reversed(reduced_word(g)):
            rows = self._integer_rows(i)
            growth = max((sum(map(abs, row.values())) for row in rows), default=1)
            if bound * growth > INT64_SAFE and matrix.dtype != object:
                bound = int(np.abs(matrix).max())
                if bound * growth > INT64_SAFE:
                    matrix = matrix.astype(object)
            matrix = _apply_rows(rows, matrix)
            bound *= growth
        return matrix

    def _domain_matrix(self, g: Permutation) -> DomainMatrix:
        rows = ({j: ZZ(x) for j, x in enumerate(row) if x} for row in self._integer_array(g).tolist())
        return to_domain_matrix(rows, self.dimension, ZZ)

    def _to_numpy(self, g: Permutation) -> np.ndarray:
        return self._integer_array(g).astype(np.float64)


def _apply_rows(rows: tuple[dict[int, int], ...], matrix: np.ndarray) -> np.ndarray:
    """Sparse rows times a dense array."""
    result = np.zeros_like(matrix)
    for i, row in enumerate(rows):
        for column, entry in row.items():
            result[i] += entry * matrix[column]
    return result
