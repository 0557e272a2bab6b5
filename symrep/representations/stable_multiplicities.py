r"""Multiplicities for all large n at once: families of representations of S_n that are written below the first row.

A family is a dictionary ``{lower: multiplicity}``: at degree n it contains :math:`S^{\mu[n]}`,
:math:`\mu[n] = (n-|\mu|, \mu_1, \mu_2, \dots)`, as often as ``lower`` :math:`= \mu` says. Each function states from
which n on this holds; :func:`at_degree` makes the dictionary of one n, and :func:`stable_dimension` the dimension as
a polynomial. All rest on Pieri's rule for :math:`\mathrm{Ind}(S^\nu \otimes 1)` from :math:`S_{|\nu|} \times
S_{n-|\nu|}`: for :math:`n \ge |\nu| + \nu_1` it contains :math:`S^{\mu[n]}` once for every horizontal strip
:math:`\nu/\mu`, and nothing else.

Tensor products of irreducible representations: :func:`stable_kronecker_product`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from math import comb, factorial, prod
from typing import Any

import sympy

from symrep.combinatorics.partitions import Partition, as_partition, partitions
from symrep.errors import InvalidTypeError, require_integer
from symrep.representations.change_of_basis import linear_combination
from symrep.representations.littlewood_richardson import (
    in_reverse_lexicographic_order,
    littlewood_richardson_product,
    skew_schur,
)
from symrep.representations.plethysm import restriction
from symrep.representations.stable import as_degree


def stable_induction(nu: Partition | Iterable[int]) -> dict[Partition, int]:
    r"""The induction of :math:`S^\nu \otimes 1` from :math:`S_{|\nu|} \times S_{n-|\nu|}` to :math:`S_n`.

    Parameters
    ----------
    nu
        A partition of any size.

    Returns
    -------
    dict
        ``{lower: 1}``, valid for :math:`n \ge |\nu| + \nu_1`: by Pieri's rule :math:`\mu[n]/\nu` must be a horizontal
        strip, that is, :math:`\mu \subseteq \nu` and :math:`\nu_{i+1} \le \mu_i`, and the first row must hold it.

    Examples
    --------
    >>> stable_induction((2, 1))
    {Partition((1,)): 1, Partition((2,)): 1, Partition((1, 1)): 1, Partition((2, 1)): 1}
    """
    nu = as_partition(nu, "nu")
    lower_ends = [*nu.parts[1:], 0] if nu.parts else []
    prefixes: list[tuple[int, ...]] = [()]
    for part, least in zip(nu.parts, lower_ends):
        prefixes = [(*prefix, kept) for prefix in prefixes for kept in range(least, part + 1)]
    return in_reverse_lexicographic_order({Partition(filter(None, prefix)): 1 for prefix in prefixes})


def stable_tensor_power(k: int) -> dict[Partition, int]:
    r"""The decomposition of the k-th tensor power of the natural representation :math:`\mathbb{C}^n`.

    Parameters
    ----------
    k
        At least 0.

    Returns
    -------
    dict
        ``{lower: multiplicity}``, valid for :math:`n \ge 2k`: :math:`f^\mu \sum_j S(k, j) \binom{j}{|\mu|}` with
        Stirling numbers of the second kind. The tensors whose k indices coincide as a set partition with j blocks says
        form :math:`\mathrm{Ind}(\mathbb{C}S_j \otimes 1)`, to which every :math:`\nu \vdash j` contributes
        :math:`f^\nu` times its horizontal strips.

    Examples
    --------
    >>> stable_tensor_power(2)
    {Partition(()): 2, Partition((1,)): 3, Partition((2,)): 1, Partition((1, 1)): 1}
    """
    k = require_integer(k, "k", minimum=0)
    stirling = [_stirling(k, j) for j in range(k + 1)]
    strips = [sum(count * comb(j, size) for j, count in enumerate(stirling)) for size in range(k + 1)]
    return {mu: number for size in range(k + 1) for mu in partitions(size) if (number := mu.dimension * strips[size])}


def _stirling(k: int, j: int) -> int:
    """Partitions of a set of k elements into j blocks."""
    return sum((-1) ** i * comb(j, i) * (j - i) ** k for i in range(j + 1)) // factorial(j)


def stable_restriction(shape: Partition | Iterable[int]) -> dict[Partition, int]:
    r"""The restriction of the irreducible representation :math:`W_\lambda` of :math:`GL_n` to permutation matrices.

    Parameters
    ----------
    shape
        The shape :math:`\lambda`.

    Returns
    -------
    dict
        ``{lower: multiplicity}``, valid for :math:`n \ge 2|\lambda|`; the proof is in :func:`restriction`, which gives
        one n, smaller ones included.

    Raises
    ------
    InvalidPartitionError
        When ``shape`` is no partition.
    SizeLimitError
        When :math:`2|\lambda| > 34`: the character table of :math:`S_{2|\lambda|}` is needed.

    Examples
    --------
    >>> stable_restriction((2,))
    {Partition(()): 2, Partition((1,)): 2, Partition((2,)): 1}
    """
    shape = as_partition(shape)
    decomposition = restriction(shape, 2 * shape.size)
    return in_reverse_lexicographic_order({Partition(mu.parts[1:]): number for mu, number in decomposition.items()})


def stable_branching(mu: Partition | Iterable[int]) -> dict[Partition, int]:
    r"""The restriction of :math:`S^{\mu[n]}` from S_n to :math:`S_{n-1}`.

    Parameters
    ----------
    mu
        A partition of any size.

    Returns
    -------
    dict
        ``{lower: 1}`` with shapes of size n - 1: :math:`\mu` itself and :math:`\mu` without one cell, valid for
        :math:`n \ge |\mu| + \mu_1 + 1`, where the first row can lose a cell.

    Examples
    --------
    >>> stable_branching((2, 1))
    {Partition((2,)): 1, Partition((1, 1)): 1, Partition((2, 1)): 1}
    """
    mu = as_partition(mu, "mu")
    return in_reverse_lexicographic_order({mu: 1} | {mu.remove_cell(cell): 1 for cell in mu.removable_cells()})


def stable_young_restriction(mu: Partition | Iterable[int], m: int) -> dict[tuple[Partition, Partition], int]:
    r"""The restriction of :math:`S^{\mu[n]}` from S_n to :math:`S_{n-m} \times S_m`.

    Parameters
    ----------
    mu
        A partition of any size.
    m
        At least 0.

    Returns
    -------
    dict
        ``{(lower, nu): multiplicity}``: :math:`S^{\kappa[n-m]} \otimes S^\nu` with ``lower`` :math:`= \kappa` and
        :math:`\nu \vdash m`, valid for :math:`n \ge |\mu| + \mu_1 + m`. The multiplicity is
        :math:`\langle s_{\mu/\kappa} h_j, s_\nu \rangle` with :math:`j = m - |\mu/\kappa|`: in a Littlewood-Richardson
        filling of :math:`\mu[n]/\kappa[n-m]` the j cells of the first row hold ones and touch no other cell.

    Examples
    --------
    >>> for (lower, nu), multiplicity in stable_young_restriction((1, 1), 2).items():
    ...     print(lower, nu, multiplicity)
    () (1,1) 1
    (1) (2) 1
    (1) (1,1) 1
    (1,1) (2) 1
    """
    mu = as_partition(mu, "mu")
    m = require_integer(m, "m", minimum=0)
    result: dict[tuple[Partition, Partition], int] = {}
    for size in range(max(0, mu.size - m), mu.size + 1):
        free = m - (mu.size - size)
        row = Partition((free,) if free else ())
        for kappa in partitions(size):
            fillings = linear_combination(
                (number, littlewood_richardson_product(shape, row)) for shape, number in skew_schur(mu, kappa).items()
            )
            result |= {(kappa, nu): number for nu, number in in_reverse_lexicographic_order(fillings).items()}
    return result


def stable_functions(degree: int, vocab_size: Any) -> dict[Partition, sympy.Expr]:
    r"""The functions on :math:`[V]^L` of degree at most k: sums of functions of k of the L tokens each.

    Parameters
    ----------
    degree
        k, at least 0.
    vocab_size
        V, at least 1, or a symbol.

    Returns
    -------
    dict
        ``{lower: multiplicity}``, valid for :math:`L \ge 2k`; the multiplicities are polynomials in V. The functions of
        degree exactly j are :math:`\sum_{\nu \vdash j} \mathrm{Ind}(S^\nu \otimes 1) \otimes W_\nu(H)`, H the functions
        of one token with mean zero, of dimension V - 1. Multiplicities 0 are left out.

    Examples
    --------
    >>> V = sympy.Symbol("V")
    >>> stable_functions(1, V)
    {Partition(()): V, Partition((1,)): V - 1}
    >>> stable_functions(2, 2)
    {Partition(()): 3, Partition((1,)): 2, Partition((2,)): 1}
    """
    degree = require_integer(degree, "degree", minimum=0)
    zero_mean = _size(vocab_size, "vocab_size", minimum=1) - 1
    shapes = (nu for j in range(degree + 1) for nu in partitions(j))
    total = linear_combination((_general_linear_dimension(nu, zero_mean), stable_induction(nu)) for nu in shapes)
    factored = {mu: sympy.factor(multiplicity) for mu, multiplicity in total.items()}
    return in_reverse_lexicographic_order({mu: multiplicity for mu, multiplicity in factored.items() if multiplicity})


def multiplicity_in_functions(mu: Partition | Iterable[int], vocab_size: int, length: Any) -> sympy.Expr:
    r"""How often :math:`S^{\mu[L]}` occurs in all functions on :math:`[V]^L`, as a polynomial in L of degree V - 1.

    It is the dimension of :math:`W_{\mu[L]}(\mathbb{C}^V)` (Schur-Weyl duality) by Weyl's formula
    :math:`\prod_{i<j \le V} \frac{\lambda_i - \lambda_j + j - i}{j - i}` with :math:`\lambda_1 = L - |\mu|`, valid for
    :math:`L \ge |\mu| + \mu_1`. For an integer L below that :math:`\mu[L]` is no partition, and the result is 0.

    Parameters
    ----------
    mu
        A partition of any size; with V parts or more it does not occur.
    vocab_size
        V, at least 1.
    length
        L: an integer, a symbol, its name, or an expression.

    Examples
    --------
    >>> L = sympy.Symbol("L")
    >>> multiplicity_in_functions((1,), 2, L), multiplicity_in_functions((2, 1), 3, L)
    (L - 1, (L - 4)*(L - 2))
    >>> multiplicity_in_functions((1,), 3, 4), multiplicity_in_functions((1,), 2, "L")
    (15, L - 1)
    """
    mu = as_partition(mu, "mu")
    vocab_size = require_integer(vocab_size, "vocab_size", minimum=1)
    length = as_degree(length, "length") if isinstance(length, str) else _size(length, "length", minimum=0)
    if mu.length >= vocab_size or (length.is_Integer and length < mu.size + sum(mu.parts[:1])):
        return sympy.Integer(0)
    rows = [length - mu.size, *mu.parts, *[0] * (vocab_size - 1 - mu.length)]
    factors = (sympy.Rational(1, j - i) * (rows[i] - rows[j] + j - i) for i, j in combinations(range(vocab_size), 2))
    return sympy.factor(sympy.prod(factors))


def _size(value: Any, argument: str, minimum: int) -> sympy.Expr:
    """A number of things that may be a symbol."""
    if isinstance(value, sympy.Expr) and not value.is_number:
        return value
    try:
        return sympy.Integer(require_integer(value, argument, minimum=minimum))
    except InvalidTypeError:
        raise InvalidTypeError(f"{argument} must be an integer or a symbol, got {value!r}") from None


def _general_linear_dimension(shape: Partition, size: sympy.Expr) -> sympy.Expr:
    """The dimension of the irreducible representation of GL_size (hook content formula), a polynomial in the size."""
    hooks = prod(hook for row in shape.hook_lengths for hook in row)
    return sympy.Rational(1, hooks) * sympy.prod(size + column - row for row, column in shape.cells())
