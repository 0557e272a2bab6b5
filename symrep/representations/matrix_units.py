r"""The seminormal matrix units of Q[S_n]: the isomorphism of the group algebra with a product of matrix algebras.

:math:`E^\lambda_{S,T}`, for standard tableaux S and T of one shape, is the element that the seminormal form of
:math:`\lambda` represents by the matrix with a single 1, in row S and column T, and every other irrep by 0. So

.. math:: E_{S,T} E_{U,V} = \delta_{T,U} E_{S,V}, \qquad \sum_{\lambda} \sum_T E^\lambda_{T,T} = 1, \qquad
    X_k = \sum_{\lambda} \sum_T c_T(k)\, E^\lambda_{T,T}

with :math:`c_T(k)` the content of the letter k in T and :math:`X_k` the Jucys-Murphy elements.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import factorial

from sympy import QQ

from symrep.combinatorics.partitions import Partition, as_partition
from symrep.combinatorics.tableaux import StandardTableau, as_standard_tableau, standard_tableaux
from symrep.errors import SizeLimitError
from symrep.representations.fourier import FourierTransform
from symrep.representations.group_algebra import (
    LARGEST_DEGREE_OF_GROUP_ALGEBRA,
    GroupAlgebraElement,
    jucys_murphy,
)

LARGEST_NUMBER_OF_TERMS = 10**7

Tableau = StandardTableau | Iterable[Iterable[int]]


def matrix_unit(row: Tableau, column: Tableau) -> GroupAlgebraElement:
    r"""The seminormal matrix unit :math:`E_{S,T}` for S = ``row`` and T = ``column``.

    Its coefficient at g is :math:`\frac{f^\lambda}{n!} \rho_\lambda(g^{-1})_{T,S}`, and :math:`X_k E_{S,T} = c_S(k)
    E_{S,T}`, :math:`E_{S,T} X_k = c_T(k) E_{S,T}`.

    Parameters
    ----------
    row, column
        Standard tableaux of one shape, n at most 8.

    Raises
    ------
    InvalidTableauError
        When one of them is not a standard tableau or the shapes differ.
    SizeLimitError
        Beyond n = 8.

    Notes
    -----
    One inverse Fourier transform of a single shape: all n! coefficients at once.

    Examples
    --------
    >>> first, second = standard_tableaux((2, 1))
    >>> matrix_unit(first, first)
    GroupAlgebraElement({(0, 1, 2): Fraction(1, 3), (0, 2, 1): Fraction(-1, 6), (1, 0, 2): Fraction(1, 3),
    (1, 2, 0): Fraction(-1, 6), (2, 0, 1): Fraction(-1, 6), (2, 1, 0): Fraction(-1, 6)}, n=3)
    >>> matrix_unit(first, second) * matrix_unit(second, first) == matrix_unit(first, first)
    True
    >>> matrix_unit(first, second) * matrix_unit(first, second)
    GroupAlgebraElement({}, n=3)
    """
    row = as_standard_tableau(row, "row")
    column = as_standard_tableau(column, "column", shape=row.shape)
    _require_size(row.shape)
    basis = list(standard_tableaux(row.shape))
    return _unit(row.shape, basis.index(row), basis.index(column))


def matrix_units(
    shape: Partition | Iterable[int],
) -> dict[tuple[StandardTableau, StandardTableau], GroupAlgebraElement]:
    r"""All matrix units of a shape, by (row, column), rows and columns in last-letter order.

    Raises
    ------
    SizeLimitError
        Beyond n = 8, or when all units together have more than 10^7 coefficients.

    Notes
    -----
    With f the dimension of the irrep, f^2 inverse Fourier transforms and up to f^2 n! coefficients in memory;
    :func:`matrix_unit` makes one of them.

    Examples
    --------
    >>> units = matrix_units((2, 1))
    >>> first, second = standard_tableaux((2, 1))
    >>> units[first, first] + units[second, second]
    GroupAlgebraElement({(0, 1, 2): Fraction(2, 3), (1, 2, 0): Fraction(-1, 3), (2, 0, 1): Fraction(-1, 3)}, n=3)
    """
    shape = as_partition(shape)
    _require_size(shape)
    number_of_terms = shape.dimension**2 * factorial(shape.size)
    if number_of_terms > LARGEST_NUMBER_OF_TERMS:
        raise SizeLimitError(
            f"the matrix units of shape {shape.parts} have up to {number_of_terms} coefficients, the "
            f"limit is {LARGEST_NUMBER_OF_TERMS}: matrix_unit(row, column) makes a single one"
        )
    basis = list(standard_tableaux(shape))
    return {(S, T): _unit(shape, i, j) for i, S in enumerate(basis) for j, T in enumerate(basis)}


def primitive_idempotent(tableau: Tableau) -> GroupAlgebraElement:
    r"""The diagonal matrix unit :math:`E_{T,T}`, as a product of Jucys-Murphy factors along the chain of T.

    .. math:: E_{T,T} = \prod_{k=2}^n \prod_{c \ne c_T(k)} \frac{X_k - c}{c_T(k) - c}

    where c runs over the contents of the cells that can be added to the shape of the letters 1..k-1. No matrix of a
    representation is used, the elements of S_k are reached with the factors of k.

    Raises
    ------
    InvalidTableauError
        When the argument is not a standard tableau.
    SizeLimitError
        Beyond n = 8.

    Examples
    --------
    >>> tableau = StandardTableau([(1, 2), (3,)])
    >>> primitive_idempotent(tableau) == matrix_unit(tableau, tableau)
    True
    """
    tableau = as_standard_tableau(tableau)
    _require_size(tableau.shape)
    n = tableau.size
    one = GroupAlgebraElement({tuple(range(n)): 1}, n)
    result, shape = one, Partition(())
    for k, cell in enumerate(tableau.entry_positions, start=1):
        own = cell[1] - cell[0]
        for row, column in shape.addable_cells():
            content = column - row
            if content != own:
                result = result * (jucys_murphy(k, n) - one * content) * QQ.to_sympy(QQ(1, own - content))
        shape = shape.add_cell(cell)
    return result


def _unit(shape: Partition, row: int, column: int) -> GroupAlgebraElement:
    size = range(shape.dimension)
    matrix = [[int((i, j) == (row, column)) for j in size] for i in size]
    return FourierTransform({shape: matrix}, shape.size).to_group_algebra()


def _require_size(shape: Partition) -> None:
    if shape.size > LARGEST_DEGREE_OF_GROUP_ALGEBRA:
        raise SizeLimitError(
            f"a matrix unit of {shape.parts} has up to {shape.size}! coefficients, the limit is n = "
            f"{LARGEST_DEGREE_OF_GROUP_ALGEBRA}: seminormal(shape) represents the irrep without them"
        )
