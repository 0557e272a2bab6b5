r"""Plethysm of Schur functions, and the restriction of irreducible representations of GL_V to permutation matrices.

**Plethysm.** :math:`s_a[s_b]` is the character of the composition of Schur functors: the general linear group acts on
:math:`W_a(W_b(\mathbb{C}^V))`. With :math:`s_a = \sum_\rho \chi^a(\rho) p_\rho / z_\rho` and
:math:`p_k[p_\nu] = p_{k\nu}` it is a polynomial in power sums, whose Schur functions come from the character table.

**Restriction.** A permutation matrix of cycle type :math:`\rho` has the power sums of eigenvalues
:math:`p_k = \sum_{i | k} i\, m_i(\rho)`; the character of :math:`W_\lambda` there is :math:`s_\lambda` at these values.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import factorial, prod

import numpy as np

from symrep.combinatorics.partitions import Partition, as_partition, partitions
from symrep.errors import SizeLimitError, require_integer
from symrep.representations.change_of_basis import Terms, compose_power_sums, pair_with_characters, shared_table
from symrep.representations.characters import character
from symrep.representations.kronecker import at_degree

_LARGEST_EASY_TABLE = 24
# Up to here all values of a character table are machine integers, and a table takes at most 1.5 GB.
_LARGEST_DEGREE = 34
# One coefficient needs single characters only: 10 s at this N.
_LARGEST_DEGREE_OF_A_COEFFICIENT = 48


def plethysm_coefficient(
    outer: Partition | Iterable[int], inner: Partition | Iterable[int], result: Partition | Iterable[int]
) -> int:
    r"""The multiplicity :math:`\langle s_c, s_a[s_b] \rangle` of :math:`W_c` in :math:`W_a(W_b)`.

    Parameters
    ----------
    outer, inner
        The shapes a and b.
    result
        The shape c; the coefficient is 0 unless :math:`|c| = |a||b|`.

    Raises
    ------
    InvalidPartitionError
        When one of them is no partition.
    SizeLimitError
        When :math:`|c| = N = |a||b| > 48` and both :math:`|a|, |b| \ge 2`.

    Notes
    -----
    At most p(N) character values: from one row of the table up to N = 24, one by one beyond:
    2 s at N = 40, 10 s at N = 48. None for :math:`|a| \le 1` or :math:`|b| \le 1`.

    Examples
    --------
    >>> plethysm_coefficient((2, 1), (2, 1), (4, 3, 2)), plethysm_coefficient((2,), (2,), (3, 1))
    (3, 0)
    """
    outer, inner, result = as_partition(outer, "outer"), as_partition(inner, "inner"), as_partition(result, "result")
    n = outer.size * inner.size
    if result.size != n:
        return 0
    if outer.size <= 1 or inner.size <= 1:
        return _plethysm_with_at_most_one_cell(outer, inner).get(result, 0)
    _require_degree(outer, inner, _LARGEST_DEGREE_OF_A_COEFFICIENT)
    numerators, denominator = _power_sum_plethysm(outer, inner)
    if n <= _LARGEST_EASY_TABLE:
        table = shared_table(n)
        values = dict(zip(table.cycle_types, table.row(result)))
        total = sum(numerator * values[rho] for rho, numerator in numerators.items())
    else:
        total = sum(numerator * character(result, rho) for rho, numerator in numerators.items())
    return total // denominator


def plethysm(outer: Partition | Iterable[int], inner: Partition | Iterable[int]) -> dict[Partition, int]:
    r"""The Schur functions in :math:`s_a[s_b]` with their multiplicities, in reverse lexicographic order.

    Parameters
    ----------
    outer, inner
        The shapes a and b.

    Raises
    ------
    InvalidPartitionError
        When one of them is no partition.
    SizeLimitError
        When :math:`N = |a||b| > 34` and both :math:`|a|, |b| \ge 2`: the character table of :math:`S_N` is needed.

    Notes
    -----
    :math:`p(N)^2` machine operations per digit of the integers that occur, :math:`N = |a||b|`: 0.04 s at N = 20, 1.4 s
    at N = 30, 5 s and 1.7 GB at N = 34. No table for :math:`|a| \le 1` or :math:`|b| \le 1`.

    Examples
    --------
    >>> plethysm((2,), (3,))
    {Partition((6,)): 1, Partition((4, 2)): 1}
    >>> plethysm((1, 1), (2, 1))
    {Partition((4, 1, 1)): 1, Partition((3, 3)): 1, Partition((3, 2, 1)): 1, Partition((2, 2, 1, 1)): 1}
    """
    outer, inner = as_partition(outer, "outer"), as_partition(inner, "inner")
    if outer.size <= 1 or inner.size <= 1:
        return _plethysm_with_at_most_one_cell(outer, inner)
    _require_degree(outer, inner, _LARGEST_DEGREE)
    n = outer.size * inner.size
    numerators, denominator = _power_sum_plethysm(outer, inner)
    labels = list(partitions(n))
    sums = pair_with_characters(n, [numerators.get(rho, 0) for rho in labels])
    return {shape: total // denominator for shape, total in zip(labels, sums) if total}


def _require_degree(outer: Partition, inner: Partition, largest: int) -> None:
    n = outer.size * inner.size
    if n > largest:
        raise SizeLimitError(
            f"outer and inner must have sizes with product at most {largest}, got {outer.size} * {inner.size} "
            f"= {n}: the characters of S_{n} are needed"
        )


def _plethysm_with_at_most_one_cell(outer: Partition, inner: Partition) -> dict[Partition, int]:
    r""":math:`s_\emptyset[g] = 1`, :math:`s_1[g] = g`, :math:`f[s_1] = f`, and f[1] is f at one variable 1."""
    if outer.size == 1 and inner.size:
        return {inner: 1}
    if inner.size == 1 and outer.size:
        return {outer: 1}
    return {Partition(): 1} if outer.length <= 1 else {}


def _power_sum_plethysm(outer: Partition, inner: Partition) -> tuple[Terms, int]:
    r"""Integer numerators of :math:`s_a[s_b]` in power sums, and the denominator :math:`|a|!\,(|b|!)^{|a|}`."""
    scale = factorial(inner.size)
    outer_terms = {rho: value * scale ** (outer.size - rho.length) for rho, value in _class_weights(outer).items()}
    return compose_power_sums(outer_terms, _class_weights(inner)), factorial(outer.size) * scale**outer.size


def _class_weights(shape: Partition) -> dict[Partition, int]:
    """The nonzero numerators, over n!, of a Schur function in power sums: class sizes times character values."""
    table = shared_table(shape.size)
    weights = zip(table.cycle_types, table.class_sizes, table.row(shape))
    return {rho: size * value for rho, size, value in weights if value}


def restriction_coefficient(shape: Partition | Iterable[int], mu: Partition | Iterable[int]) -> int:
    r"""The multiplicity of :math:`S^\mu` in the restriction of :math:`W_\lambda` from :math:`GL_V` to :math:`S_V`.

    Parameters
    ----------
    shape
        The shape :math:`\lambda` of the representation of :math:`GL_V`; it is 0 when there are more than V parts.
    mu
        A partition of V, the irreducible representation of the permutation matrices.

    Raises
    ------
    InvalidPartitionError
        When one of them is no partition.
    SizeLimitError
        As for :func:`restriction`, with V the size of ``mu``.

    Examples
    --------
    >>> restriction_coefficient((2,), (3, 1)), restriction_coefficient((1, 1), (3, 1))
    (2, 1)
    """
    shape, mu = as_partition(shape), as_partition(mu, "mu")
    return restriction(shape, mu.size).get(mu, 0)


def restriction(shape: Partition | Iterable[int], vocab_size: int) -> dict[Partition, int]:
    r"""The decomposition of :math:`W_\lambda(\mathbb{C}^V)` under the permutations of the V basis vectors.

    Parameters
    ----------
    shape
        The shape :math:`\lambda`.
    vocab_size
        V, at least 0.

    Raises
    ------
    InvalidPartitionError
        When ``shape`` is no partition.
    SizeLimitError
        When :math:`\lambda` has at most V parts and :math:`N = \max(|\lambda|, \min(V, 2|\lambda|)) > 34`.

    Notes
    -----
    Two character tables are made, of :math:`S_{|\lambda|}` and of :math:`S_m`, m the lesser of V and
    :math:`2|\lambda|`; none when :math:`\lambda` has more than V parts, where the representation is 0.

    :math:`\sum_V \mathrm{ch}(\mathrm{Res}\, W_\lambda(\mathbb{C}^V)) = \sum_\nu d_{\lambda\nu}\, s_\nu \sum_j h_j` with
    :math:`d_{\lambda\nu} = \langle s_\lambda, s_\nu[h_1 + h_2 + \dots] \rangle`, so that :math:`|\nu| \le |\lambda|`
    (Cauchy's identity for :math:`h_V[Y (1 + h_1 + h_2 + \dots)[X]]`). By Pieri the multiplicity of
    :math:`S^{(V-|\mu|, \mu)}` does not depend on V as soon as :math:`V \ge |\nu| + \nu_1`, hence for
    :math:`V \ge 2|\lambda|`: a larger V costs no more.

    Examples
    --------
    >>> restriction((2,), 4)
    {Partition((4,)): 2, Partition((3, 1)): 2, Partition((2, 2)): 1}
    >>> restriction((1, 1), 100)
    {Partition((99, 1)): 1, Partition((98, 1, 1)): 1}
    """
    shape = as_partition(shape)
    vocab_size = require_integer(vocab_size, "vocab_size", minimum=0)
    if shape.length > vocab_size:
        return {}
    n = max(shape.size, min(vocab_size, 2 * shape.size))
    if n > _LARGEST_DEGREE:
        raise SizeLimitError(
            f"shape of size {shape.size} needs the character table of S_{n} for its restriction to S_V with "
            f"V = {vocab_size}, the limit is n = {_LARGEST_DEGREE}"
        )
    if vocab_size < 2 * shape.size:
        return dict(_restriction_by_characters(shape, vocab_size))
    stable = _restriction_by_characters(shape, 2 * shape.size)
    return at_degree({Partition._trusted(mu.parts[1:]): number for mu, number in stable.items()}, vocab_size)


@lru_cache(maxsize=256)
def _restriction_by_characters(shape: Partition, vocab_size: int) -> dict[Partition, int]:
    cycle_types = list(partitions(vocab_size))
    power_sums = {
        k: np.array([sum(part for part in rho.parts if k % part == 0) for rho in cycle_types], dtype=object)
        for k in range(1, shape.size + 1)
    }
    values = np.zeros(len(cycle_types), dtype=object)
    for tau, weight in _class_weights(shape).items():
        values += weight * prod(power_sums[part] for part in tau.parts)
    weights = [rho.class_size * value for rho, value in zip(cycle_types, values.tolist())]
    order = factorial(vocab_size) * factorial(shape.size)
    sums = pair_with_characters(vocab_size, weights)
    return {mu: total // order for mu, total in zip(cycle_types, sums) if total}
