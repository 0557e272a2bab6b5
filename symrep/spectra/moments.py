r"""Expectations over an exchangeable sequence y, given the token counts of the sequence x beside it.

Row one of a Young diagram holds ``row_length`` positions. There x has token v exactly :math:`N_v` times, y has it
:math:`n_v` times, and m positions agree. Everything here is a polynomial in the centred counts
:math:`M_v = N_v - \text{row\_length}/V`, v = 0..V-2, because :math:`\sum_v M_v = 0`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, cached_property
from itertools import product
from math import comb, factorial, prod
from typing import Any

import sympy
from sympy.polys.constructor import construct_domain
from sympy.polys.rings import PolyElement, ring

from symrep.measures import ExchangeableMeasure


def compositions(total: int, length: int) -> Iterator[tuple[int, ...]]:
    """Tuples of ``length`` nonnegative integers with the given sum.

    >>> list(compositions(2, 2))
    [(2, 0), (1, 1), (0, 2)]
    """
    if length == 0:
        if total == 0:
            yield ()
        return
    if length == 1:
        yield (total,)
        return
    for first in range(total, -1, -1):
        for rest in compositions(total - first, length - 1):
            yield (first, *rest)


def multinomial(parts: tuple[int, ...]) -> int:
    """The multinomial coefficient of the parts.

    >>> multinomial((2, 1, 1))
    12
    """
    return factorial(sum(parts)) // prod(map(factorial, parts))


@cache
def _stirling(n: int, k: int) -> int:
    """Stirling numbers of the second kind: powers in falling factorials."""
    if n == k:
        return 1
    if k == 0 or k > n:
        return 0
    return k * _stirling(n - 1, k) + _stirling(n - 1, k - 1)


def _coefficient_domain(expressions: list[sympy.Expr]) -> Any:
    """The smallest domain with all rational numbers, the expressions, their sums and products."""
    return construct_domain([sympy.Rational(1, 2), *expressions], extension=True)[0]


class CountExpectations:
    r"""Expectations :math:`E[\prod_w n_w^{\alpha_w}\, m^j\, 1\{\text{given tokens}\} \mid N]` on one row of positions.

    Parameters
    ----------
    measure
        An exchangeable measure over a numeric vocabulary.
    row_length
        The number of positions: an integer or an expression in symbols.

    Notes
    -----
    With falling factorials :math:`(\cdot)_r`, factorial moments are closed forms,

    .. math:: E\Big[\prod_w (n_w)_{r_w} (m)_j \Big| N\Big] = \sum_{|j_v| = j} \binom{j}{j_v} \prod_v (N_v)_{j_v}
        \sum_{i \le r, j_v} \prod_w \binom{r_w}{i_w} (j_w)_{i_w}\, (\text{row} - j)_{|r| - |i|}\, \mu(j_\cdot + r - i),

    where :math:`\mu` is the moment of the measure: choose the j agreeing positions, then the others.
    """

    def __init__(self, measure: ExchangeableMeasure, row_length: Any) -> None:
        self.measure = measure
        self.vocab_size = int(measure.vocab_size)
        self.row_length = sympy.sympify(row_length)
        self.domain = _coefficient_domain([self.row_length, *measure.probabilities])
        self.ring = ring([f"M{v}" for v in range(self.vocab_size - 1)] or ["M0"], self.domain)[0]
        self._cache: dict[Any, PolyElement] = {}

    @cached_property
    def row(self) -> Any:
        """The row length in the coefficient domain."""
        return self.domain.from_sympy(self.row_length)

    @cached_property
    def counts(self) -> tuple[PolyElement, ...]:
        """The polynomials :math:`N_v`, v = 0..V-1, in the centred counts."""
        mean = self.row * self.domain.convert(sympy.QQ(1, self.vocab_size))
        centred = list(self.ring.gens[: self.vocab_size - 1])
        centred.append(-sum(centred, self.ring.zero))
        return tuple(M + mean for M in centred)

    def falling_row(self, start: int, steps: int) -> Any:
        """The coefficient :math:`(\\text{row} - start)_{steps}`."""
        value = self.domain.one
        for step in range(steps):
            value = value * (self.row - self.domain.convert(start + step))
        return value

    def _falling_counts(self, exponents: tuple[int, ...]) -> PolyElement:
        value = self.ring.one
        for N, exponent in zip(self.counts, exponents):
            for step in range(exponent):
                value = value * (N - step)
        return value

    def _moment(self, exponents: tuple[int, ...]) -> Any:
        key = ("moment", exponents)
        if key not in self._cache:
            self._cache[key] = self.domain.from_sympy(sympy.expand(self.measure.moment(exponents)))
        return self._cache[key]

    def factorial_moment(self, r: tuple[int, ...], j: int, given: tuple[int, ...]) -> PolyElement:
        """The polynomial of the notes; ``given`` counts tokens of y at named positions outside the row."""
        total = self.ring.zero
        for agreeing in compositions(j, self.vocab_size):
            coefficient = self.domain.zero
            for among in product(*(range(min(a, b) + 1) for a, b in zip(r, agreeing))):
                ways = prod(comb(a, i) * factorial(b) // factorial(b - i) for a, b, i in zip(r, agreeing, among))
                moment = self._moment(tuple(b + a - i + c for a, b, i, c in zip(r, agreeing, among, given)))
                coefficient += moment * self.falling_row(j, sum(r) - sum(among)) * ways
            total += self._falling_counts(agreeing) * coefficient * multinomial(agreeing)
        return total

    def power_moment(self, exponents: tuple[int, ...], j: int, given: tuple[int, ...]) -> PolyElement:
        r""":math:`E[\prod_w n_w^{\alpha_w} m^j 1\{given\} \mid N]`, cached."""
        key = (exponents, j, given)
        if key not in self._cache:
            total = self.ring.zero
            for r in product(*(range(min(a, 1), a + 1) for a in exponents)):
                for i in range(min(j, 1), j + 1):
                    weight = prod(_stirling(a, b) for a, b in zip(exponents, r)) * _stirling(j, i)
                    total += self.factorial_moment(r, i, given) * weight
            self._cache[key] = total
        return self._cache[key]
