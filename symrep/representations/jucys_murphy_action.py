r"""The Jucys-Murphy elements :math:`X_k = \sum_{i<k} (i\ k)` as sparse matrices of a representation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import lcm

import numpy as np
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from symrep.errors import InvalidTypeError, require
from symrep.representations.permutation_modules import PermutationRepresentation
from symrep.representations.permutations import adjacent_transposition
from symrep.representations.representation import Representation


def jucys_murphy_action(module: Representation) -> tuple[SparseRows, ...]:
    """The matrices of X_2, ..., X_n on a representation by rational matrices.

    >>> from symrep.representations.irreps import seminormal
    >>> jucys_murphy_action(seminormal((2, 1)))[1].times(np.eye(2, dtype=int)).tolist()
    [[-1, 0], [0, 1]]
    """
    if isinstance(module, PermutationRepresentation):
        return tuple(_sums_of_transpositions(module))
    return tuple(map(SparseRows.of_matrix, _jucys_murphy_matrices(module)))


@dataclass(frozen=True)
class SparseRows:
    """A rational matrix: row r of its product with f is the sum over j of ``numbers[j][r] * f[places[j][r]]``.

    The sum is to be divided by ``denominator``; without ``numbers`` all of them are 1.
    """

    places: list[np.ndarray]
    numbers: list[np.ndarray] | None
    denominator: int

    @classmethod
    def of_matrix(cls, matrix: DomainMatrix) -> SparseRows:
        """The rows of a square matrix over QQ."""
        size = matrix.shape[0]
        rows = [list(row.items()) for row in map(matrix.to_sdm().get, range(size), [{}] * size)]
        denominator = lcm(*(int(entry.denominator) for row in rows for _, entry in row))
        width = max(map(len, rows), default=0)
        places = np.zeros((width, size), dtype=np.int64)
        numbers = np.zeros((width, size), dtype=object)
        for r, row in enumerate(rows):
            for j, (column, entry) in enumerate(row):
                places[j, r] = column
                numbers[j, r] = int(entry.numerator) * (denominator // int(entry.denominator))
        return cls(list(places), list(numbers), denominator)

    def times(self, f: np.ndarray) -> np.ndarray:
        """This matrix, without its denominator, times the columns of an array."""
        total = np.zeros_like(f)
        if self.numbers is None:
            for place in self.places:
                total += f[place]
        else:
            for place, number in zip(self.places, self.numbers):
                total += number.astype(f.dtype)[:, None] * f[place]
        return total


def _sums_of_transpositions(module: PermutationRepresentation) -> Iterator[SparseRows]:
    """X_2, X_3, ...: with images of basis vectors, from (i k+1) = s_k (i k) s_k."""
    transpositions: list[np.ndarray] = []
    for k in range(1, module.n):
        swap = module.images(adjacent_transposition(k, module.n))
        transpositions = [swap[images[swap]] for images in transpositions] + [swap]
        yield SparseRows(transpositions, None, 1)


def _jucys_murphy_matrices(module: Representation) -> Iterator[DomainMatrix]:
    """X_2, X_3, ... over Q, by X_{k+1} = s_k X_k s_k + s_k."""
    previous = DomainMatrix.zeros((module.dimension,) * 2, QQ)
    for k in range(1, module.n):
        swap = module._generator(k)
        rule = "must have rational matrices"
        require(swap.domain.is_ZZ or swap.domain.is_QQ, "module", rule, module, InvalidTypeError)
        swap = swap.convert_to(QQ)
        previous = swap * previous * swap + swap
        yield previous
