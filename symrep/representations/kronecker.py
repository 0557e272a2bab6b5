r"""Kronecker coefficients: tensor products of irreducible representations of S_n, at one n and for all large n.

.. math:: g_{abc} = \frac{1}{n!} \sum_\rho |C_\rho|\, \chi^a(\rho) \chi^b(\rho) \chi^c(\rho)

is the multiplicity of :math:`S^c` in :math:`S^a \otimes S^b`, symmetric in its three arguments. Two routes lead to it.

**Characters.** The sum, for all c at once, is one exact product with the character table.

**Below the first row.** Write a shape as :math:`\mu[n] = (n-|\mu|, \mu)` and :math:`\langle\mu\rangle` for the
character polynomial that gives its character for every n (see :func:`character_polynomial`). Then (Littlewood 1958;
in this form Butler and King 1973)

.. math:: \langle\mu\rangle \langle\nu\rangle = \sum_{\rho, \sigma, \tau}
          \langle\, s_{\mu/(\rho\sigma)} \cdot s_{\nu/(\rho\tau)} \cdot (s_\sigma * s_\tau) \,\rangle

with :math:`s_{\mu/(\rho\sigma)}` skew by the product :math:`s_\rho s_\sigma` and :math:`|\sigma| = |\tau|`. It involves
no n. At an n for which some :math:`\lambda[n]` is no partition, :math:`\langle\lambda\rangle` is plus or minus another
irreducible character, or 0 (:func:`at_degree`): both sides are polynomials in the numbers of cycles, so the identity
holds for every n once it holds for all large n.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import factorial
from typing import Any

import sympy

from symrep.combinatorics.partitions import Partition, as_partition, partitions
from symrep.errors import InvalidTypeError, SizeLimitError, require_integer
from symrep.representations.change_of_basis import linear_combination, pair_with_characters, shared_table
from symrep.representations.littlewood_richardson import (
    in_reverse_lexicographic_order,
    littlewood_richardson_coefficient,
    littlewood_richardson_product,
    skew_schur,
)

_LARGEST_EASY_TABLE = 20
_LARGEST_TABLE = 32
_EASY_DEPTHS = 10
_LARGEST_DEPTHS = 20
# A product with so few cells is fast whatever the size of the other shape.
_EASY_SIZE = 3


def kronecker_coefficient(
    a: Partition | Iterable[int], b: Partition | Iterable[int], c: Partition | Iterable[int]
) -> int:
    r"""The Kronecker coefficient :math:`g_{abc}`, the multiplicity of :math:`S^c` in :math:`S^a \otimes S^b`.

    Parameters
    ----------
    a, b, c
        Partitions of the same n.

    Raises
    ------
    InvalidPartitionError
        When one of them is no partition or the sizes differ.
    SizeLimitError
        When n > 32 and any two shapes have more than 20 cells outside the longer of first row and first column.

    Notes
    -----
    Either the sum over classes, or the product of the two shapes with the longest first rows or columns; see
    :func:`kronecker_product` for which and for the cost.

    Examples
    --------
    >>> kronecker_coefficient((3, 2), (3, 1, 1), (2, 2, 1)), kronecker_coefficient((4, 2), (4, 2), (4, 2))
    (1, 2)
    >>> kronecker_coefficient((96, 3, 1), (95, 4, 1), (94, 4, 2))
    27
    """
    a = as_partition(a, "a")
    b, c = as_partition(b, "b", size=a.size), as_partition(c, "c", size=a.size)
    factor_1, factor_2, term = sorted((a, b, c), key=_depth)
    if not _has_easy_table(factor_1, factor_2):
        return kronecker_product(factor_1, factor_2).get(term, 0)
    table = shared_table(a.size)
    rows = (table.class_sizes, table.row(a), table.row(b), table.row(c))
    return sum(size * x * y * z for size, x, y, z in zip(*rows)) // factorial(a.size)


def kronecker_product(a: Partition | Iterable[int], b: Partition | Iterable[int]) -> dict[Partition, int]:
    r"""The irreducible representations in :math:`S^a \otimes S^b` with multiplicities, reverse lexicographic.

    Parameters
    ----------
    a, b
        Partitions of the same n.

    Raises
    ------
    InvalidPartitionError
        When one of them is no partition or the sizes differ.
    SizeLimitError
        When n > 32 and the shapes have more than 20 cells outside the longer of first row and first column.

    Notes
    -----
    Let d be the number of cells of a and of b outside the longer of their first rows and first columns. The characters
    are multiplied for n up to 20, and for n up to 32 when d > 10: :math:`p(n)^2` machine operations per digit, 0.04 s
    at n = 20 and 2 to 4 s at n = 30. Otherwise the shapes are multiplied below their first rows,
    at a cost that grows with d and does not depend on n: about 1 s for d = 14 and 30 s for d = 20.

    Examples
    --------
    >>> kronecker_product((3, 1), (2, 1, 1))
    {Partition((3, 1)): 1, Partition((2, 2)): 1, Partition((2, 1, 1)): 1, Partition((1, 1, 1, 1)): 1}
    >>> kronecker_product((59, 1), (59, 1))
    {Partition((60,)): 1, Partition((59, 1)): 1, Partition((58, 2)): 1, Partition((58, 1, 1)): 1}
    """
    a = as_partition(a, "a")
    b = as_partition(b, "b", size=a.size)
    if _has_easy_table(a, b):
        return _product_of_characters(a, b)
    tall = [_is_tall(a), _is_tall(b)]
    lower_a, lower_b = (_without_first_row(x.conjugate if t else x) for x, t in zip((a, b), tall))
    product = at_degree(_stable_product(lower_a, lower_b), a.size)
    if tall[0] == tall[1]:
        return product
    return in_reverse_lexicographic_order({shape.conjugate: number for shape, number in product.items()})


def _has_easy_table(a: Partition, b: Partition) -> bool:
    """Whether to multiply characters; refuses shapes that are too large for either route."""
    n, depths = a.size, _depth(a) + _depth(b)
    if n > _LARGEST_TABLE and depths > _LARGEST_DEPTHS:
        raise SizeLimitError(
            f"two shapes of size {n} must have at most {_LARGEST_DEPTHS} cells outside first rows or columns, got "
            f"{depths} in {a} and {b}: the character table of S_{n} is too large, and so is a product of lower rows"
        )
    return n <= _LARGEST_EASY_TABLE or (n <= _LARGEST_TABLE and depths > _EASY_DEPTHS)


def _product_of_characters(a: Partition, b: Partition) -> dict[Partition, int]:
    table = shared_table(a.size)
    weights = [size * x * y for size, x, y in zip(table.class_sizes, table.row(a), table.row(b))]
    order = factorial(a.size)
    return {shape: total // order for shape, total in zip(table.shapes, pair_with_characters(a.size, weights)) if total}


def _depth(shape: Partition) -> int:
    """The number of cells outside the first row or outside the first column, whichever is less."""
    return shape.size - max(shape.length, *shape.parts[:1], 0)


def _is_tall(shape: Partition) -> bool:
    return shape.length > shape.parts[0]


def _without_first_row(shape: Partition) -> Partition:
    return Partition._trusted(shape.parts[1:])


def reduced_kronecker_coefficient(
    a: Partition | Iterable[int], b: Partition | Iterable[int], c: Partition | Iterable[int]
) -> int:
    r"""The value of :math:`g_{a[n]\,b[n]\,c[n]}` for all large n, where :math:`a[n] = (n-|a|, a_1, a_2, \dots)`.

    Parameters
    ----------
    a, b, c
        Partitions of any sizes: what lies below the first rows. Symmetric in the three.

    Raises
    ------
    InvalidPartitionError
        When one of them is no partition.
    SizeLimitError
        When the largest size is less than the sum of the others, and these two are beyond the limit of
        :func:`stable_kronecker_product`.

    Notes
    -----
    Constant from :math:`n = |a| + |b| + a_1 + b_1` on (see :func:`stable_kronecker_product`), hence, by symmetry, from
    the least of the three such numbers on, when all three shapes are partitions. For :math:`|a| + |b| = |c|` it is
    the Littlewood-Richardson coefficient :math:`c^c_{ab}` (Murnaghan 1938, Littlewood 1958) and is computed so; for
    :math:`|a| + |b| < |c|` it is 0.

    Examples
    --------
    >>> reduced_kronecker_coefficient((2, 1), (2, 1), (2, 1))
    9
    >>> reduced_kronecker_coefficient((2, 1), (2, 1), (3, 2, 1))
    2
    """
    shapes = (as_partition(a, "a"), as_partition(b, "b"), as_partition(c, "c"))
    factor_1, factor_2, term = sorted(shapes, key=lambda shape: shape.size)
    if factor_1.size + factor_2.size < term.size:
        return 0
    if factor_1.size + factor_2.size == term.size:
        return littlewood_richardson_coefficient(term, factor_1, factor_2)
    _require_small_sizes("the two smallest of a, b, c", factor_1, factor_2)
    return _stable_product(factor_1, factor_2).get(term, 0)


def stable_kronecker_product(mu: Partition | Iterable[int], nu: Partition | Iterable[int]) -> dict[Partition, int]:
    r"""The decomposition of :math:`S^{\mu[n]} \otimes S^{\nu[n]}` for all large n.

    Parameters
    ----------
    mu, nu
        Partitions of any sizes: what lies below the first rows.

    Returns
    -------
    dict
        ``{lower: multiplicity}``: :math:`S^{\lambda[n]}` occurs as often as ``lower`` :math:`= \lambda` says, for every
        :math:`n \ge |\mu| + |\nu| + \mu_1 + \nu_1`. For a smaller n pass the result to :func:`at_degree`.

    Raises
    ------
    InvalidPartitionError
        When one of them is no partition.
    SizeLimitError
        When :math:`|\mu| + |\nu| > 20` and both sizes are greater than 3.

    Notes
    -----
    The cost is that of :func:`kronecker_product` with :math:`d = |\mu| + |\nu|`.

    The bound: :math:`\lambda` in the formula above satisfies :math:`|\lambda| = |\mu| + |\nu| - 2|\rho| - |\sigma|` and
    :math:`\lambda_1 \le \mu_1 + \nu_1 + |\sigma|`, so that all :math:`\lambda[n]` are partitions from there on. It is
    the least one possible (Briand, Orellana and Rosas 2011).

    Examples
    --------
    >>> stable_kronecker_product((1,), (1,))
    {Partition(()): 1, Partition((1,)): 1, Partition((2,)): 1, Partition((1, 1)): 1}
    """
    mu, nu = as_partition(mu, "mu"), as_partition(nu, "nu")
    _require_small_sizes("mu and nu", mu, nu)
    return dict(_stable_product(mu, nu))


def _require_small_sizes(arguments: str, mu: Partition, nu: Partition) -> None:
    if min(mu.size, nu.size) > _EASY_SIZE and mu.size + nu.size > _LARGEST_DEPTHS:
        raise SizeLimitError(
            f"{arguments} must have at most {_LARGEST_DEPTHS} cells together or one of them at most {_EASY_SIZE}, got "
            f"{mu.size} + {nu.size} cells: the product has too many terms"
        )


@lru_cache(maxsize=256)
def _stable_product(mu: Partition, nu: Partition) -> dict[Partition, int]:
    """Littlewood's formula, with the skewing by rho s_sigma done one after the other."""
    if mu.size > nu.size:
        mu, nu = nu, mu
    product: dict[Partition, int] = {}
    for common in range(mu.size + 1):
        for rho in partitions(common):
            if mu.contains(rho) and nu.contains(rho):
                rests = skew_schur(mu, rho), skew_schur(nu, rho)
                product = linear_combination([(1, product), (1, _product_without_common(*rests))])
    return in_reverse_lexicographic_order(product)


def _product_without_common(mus: dict[Partition, int], nus: dict[Partition, int]) -> dict[Partition, int]:
    r"""The sum over sigma, tau of :math:`s_{\mu/\sigma} s_{\nu/\tau} (s_\sigma * s_\tau)`."""
    largest = min(max(shape.size for shape in mus), max(shape.size for shape in nus))
    summands = []
    for size in range(largest + 1):
        quotients_mu, quotients_nu = _quotients(mus, size), _quotients(nus, size)
        for sigma, mu_rest in quotients_mu.items():
            for tau, nu_rest in quotients_nu.items():
                factors = _times(mu_rest, nu_rest)
                summands.append((1, _times(factors, kronecker_product(sigma, tau))))
    return linear_combination(summands)


def _quotients(schur: dict[Partition, int], size: int) -> dict[Partition, dict[Partition, int]]:
    """The nonzero skew functions by all partitions of ``size``."""
    quotients = {}
    for sigma in partitions(size):
        rest = linear_combination((number, skew_schur(shape, sigma)) for shape, number in schur.items())
        if rest:
            quotients[sigma] = rest
    return quotients


def _times(f: dict[Partition, int], g: dict[Partition, int]) -> dict[Partition, int]:
    """The product of two combinations of Schur functions."""
    return linear_combination((x * y, littlewood_richardson_product(a, b)) for a, x in f.items() for b, y in g.items())


def at_degree(multiplicities: Mapping[Partition, Any], n: int) -> dict[Partition, Any]:
    r"""The decomposition at one n of a family given below the first row, for small n too.

    Where :math:`\lambda[n] = (n-|\lambda|, \lambda)` is no partition, its character polynomial is straightened by
    :math:`s_{(\dots, p, q, \dots)} = -s_{(\dots, q-1, p+1, \dots)}`: it is plus or minus a character of S_n, or 0.

    Parameters
    ----------
    multiplicities
        ``{lower: multiplicity}``, as :func:`stable_kronecker_product` returns; the multiplicities are integers or
        exact sympy expressions.
    n
        At least 0. That the result is a representation is up to the family.

    Raises
    ------
    InvalidTypeError
        When ``multiplicities`` is no mapping, a multiplicity is neither an integer nor an exact sympy expression, or n
        is no integer.
    InvalidPartitionError
        When a key is no partition.
    InvalidArgumentError
        When n is negative.

    Examples
    --------
    >>> family = stable_kronecker_product((1,), (1,))
    >>> at_degree(family, 4)
    {Partition((4,)): 1, Partition((3, 1)): 1, Partition((2, 2)): 1, Partition((2, 1, 1)): 1}
    >>> at_degree(family, 2)
    {Partition((2,)): 1}
    """
    n = require_integer(n, "n", minimum=0)
    if not isinstance(multiplicities, Mapping):
        raise InvalidTypeError(f"multiplicities must be a mapping from partitions to numbers, got {multiplicities!r}")
    total: dict[Partition, Any] = {}
    for lower, number in multiplicities.items():
        lower, number = as_partition(lower, "lower"), _exact_multiplicity(number)
        beads = [part + place for place, part in enumerate(reversed(lower.parts))]
        first = n - lower.size + lower.length
        if first < 0 or first in beads:
            continue
        sign = -1 if sum(bead > first for bead in beads) % 2 else 1
        parts = (bead - place for place, bead in enumerate(sorted([*beads, first])))
        shape = Partition._trusted(tuple(part for part in parts if part)[::-1])
        total[shape] = total.get(shape, 0) + sign * number
    return in_reverse_lexicographic_order({shape: number for shape, number in total.items() if number})


def _exact_multiplicity(value: Any) -> Any:
    if isinstance(value, sympy.Expr) and not value.has(sympy.Float):
        return value
    try:
        return require_integer(value, "multiplicity")
    except InvalidTypeError:
        rule = "must be an integer or an exact sympy expression"
        raise InvalidTypeError(f"value of multiplicities {rule}, got {value!r}") from None
