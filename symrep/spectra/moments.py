r"""Expectations over an exchangeable sequence y, given the token counts of the sequence x beside it.

Row one of a Young diagram holds ``row_length`` positions. There x has token v exactly :math:`N_v` times, y has it
:math:`n_v` times, and m positions agree. Everything here is a polynomial in the centred counts
:math:`M_v = N_v - \text{row\_length}/V`, v = 0..V-2, because :math:`\sum_v M_v = 0`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, cached_property, lru_cache
from itertools import product
from math import comb, factorial, prod
from typing import Any

import sympy
from sympy.polys.constructor import construct_domain
from sympy.polys.domains import PolynomialRing
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
def stirling(n: int, k: int) -> int:
    """Stirling numbers of the second kind: powers in falling factorials.

    >>> [stirling(4, k) for k in range(5)]
    [0, 1, 7, 6, 1]
    """
    if n == k:
        return 1
    if k == 0 or k > n:
        return 0
    return k * stirling(n - 1, k) + stirling(n - 1, k - 1)


def _coefficient_domain(expressions: list[sympy.Expr]) -> Any:
    """The smallest domain with all rational numbers, the expressions, their sums and products."""
    domain = construct_domain([sympy.Rational(1, 2), *expressions], extension=True)[0]
    symbols = sorted(set().union(*(expression.free_symbols for expression in expressions)), key=str)
    if domain.is_EX and symbols and all(expression.is_polynomial(*symbols) for expression in expressions):
        # sympy has no domain of its own choice for symbols beside roots, and its expressions are too slow
        numbers = [c for expression in expressions for c in sympy.Poly(expression, *symbols).coeffs()]
        field = construct_domain([sympy.Rational(1, 2), *numbers], extension=True)[0]
        return field if field.is_EX else field.poly_ring(*symbols)
    return domain


class CountExpectations:
    r"""Expectations :math:`E[\prod_w n_w^{\alpha_w}\, m^j\, 1\{\text{given tokens}\} \mid N]` on one row of positions.

    Parameters
    ----------
    measure
        An exchangeable measure over a numeric vocabulary.
    row_length
        The number of positions: an integer or an expression in symbols.

    Attributes
    ----------
    domain
        The coefficients of polynomials in the counts: rational numbers, or rational functions of the symbols.
    ring
        The ring to calculate in: polynomials in the centred counts and, where no symbol is divided by, in the symbols
        too, which is several times as fast as polynomials with polynomial coefficients.
    count_ring
        Polynomials in the centred counts alone, over ``domain``.

    Notes
    -----
    With falling factorials :math:`(\cdot)_r`, factorial moments are closed forms,

    .. math:: E\Big[\prod_w (n_w)_{r_w} (m)_j \Big| N\Big] = \sum_{|j_v| = j} \binom{j}{j_v} \prod_v (N_v)_{j_v}
        \sum_{i \le r, j_v} \prod_w \binom{r_w}{i_w} (j_w)_{i_w}\, (\text{row} - j)_{|r| - |i|}\, \mu(j_\cdot + r - i),

    where :math:`\mu` is the moment of the measure: choose the j agreeing positions, then the others. Terms that need more
    positions than the row has are left out, for the measure may have no such moment.
    """

    def __init__(self, measure: ExchangeableMeasure, row_length: Any) -> None:
        self.measure = measure
        self.vocab_size = int(measure.vocab_size)
        self.row_length = sympy.sympify(row_length)
        self.domain = _coefficient_domain([self.row_length, *measure.probabilities])
        names = [sympy.Symbol(f"M{v}") for v in range(max(self.vocab_size - 1, 1))]
        self.count_ring = ring(names, self.domain)[0]
        self._is_flat = isinstance(self.domain, PolynomialRing) and self.domain.domain == sympy.QQ
        self.ring = ring([*names, *self.domain.symbols], sympy.QQ)[0] if self._is_flat else self.count_ring
        self._cache: dict[Any, PolyElement] = {}

    def constant(self, element: Any) -> PolyElement:
        """An element of the domain as a polynomial that does not depend on the counts."""
        if not self._is_flat:
            return self.ring.ground_new(element)
        no_counts = (0,) * self.count_ring.ngens
        return self.ring.from_dict({no_counts + exponents: c for exponents, c in element.items()})

    def by_counts(self, polynomial: PolyElement) -> PolyElement:
        """An element of ``ring`` as one of ``count_ring``."""
        if not self._is_flat:
            return polynomial
        counts = self.count_ring.ngens
        grouped: dict[tuple[int, ...], dict[tuple[int, ...], Any]] = {}
        for exponents, coefficient in polynomial.items():
            grouped.setdefault(exponents[:counts], {})[exponents[counts:]] = coefficient
        return self.count_ring.from_dict({key: self.domain.ring.from_dict(part) for key, part in grouped.items()})

    def coefficients(self, polynomial: PolyElement) -> Iterator[tuple[tuple[int, ...], PolyElement]]:
        """The monomials in the counts with their coefficients, which are elements of ``ring`` without counts."""
        for exponents, coefficient in self.by_counts(polynomial).items():
            yield exponents, self.constant(coefficient)

    @cached_property
    def row(self) -> PolyElement:
        """The row length."""
        return self.constant(self.domain.from_sympy(self.row_length))

    @cached_property
    def mean(self) -> PolyElement:
        """The row length over V, which centres the counts."""
        return self.row * sympy.QQ(1, self.vocab_size)

    @cached_property
    def counts(self) -> tuple[PolyElement, ...]:
        """The polynomials :math:`N_v`, v = 0..V-1, in the centred counts."""
        centred = list(self.ring.gens[: self.vocab_size - 1])
        centred.append(-sum(centred, self.ring.zero))
        return tuple(M + self.mean for M in centred)

    def _falling_row(self, start: int, steps: int) -> PolyElement:
        """The falling factorial of the row length less ``start``, of so many steps."""
        key = ("row", start, steps)
        if key not in self._cache:
            one_less = self._falling_row(start, steps - 1) if steps else self.ring.one
            self._cache[key] = one_less * (self.row - (start + steps - 1)) if steps else one_less
        return self._cache[key]

    def _falling_counts(self, exponents: tuple[int, ...]) -> PolyElement:
        key = ("counts", exponents)
        if key not in self._cache:
            value = self.ring.one
            for N, exponent in zip(self.counts, exponents):
                for step in range(exponent):
                    value = value * (N - step)
            self._cache[key] = value
        return self._cache[key]

    def _moment(self, exponents: tuple[int, ...]) -> PolyElement:
        key = ("moment", exponents)
        if key not in self._cache:
            moment = self.domain.from_sympy(sympy.expand(self.measure.moment(exponents)))
            self._cache[key] = self.constant(moment)
        return self._cache[key]

    def factorial_moment(self, r: tuple[int, ...], j: int, given: tuple[int, ...]) -> PolyElement:
        """The polynomial of the notes; ``given`` counts tokens of y at named positions outside the row."""
        total = self.ring.zero
        if self.row_length.is_Integer and j > self.row_length:
            return total
        for agreeing in compositions(j, self.vocab_size):
            coefficient = self.ring.zero
            for among in product(*(range(min(a, b) + 1) for a, b in zip(r, agreeing))):
                ways = prod(comb(a, i) * factorial(b) // factorial(b - i) for a, b, i in zip(r, agreeing, among))
                other_places = self._falling_row(j, sum(r) - sum(among))
                if other_places:
                    moment = self._moment(tuple(b + a - i + c for a, b, i, c in zip(r, agreeing, among, given)))
                    coefficient += moment * other_places * ways
            total += self._falling_counts(agreeing) * coefficient * multinomial(agreeing)
        return total

    def power_moment(self, exponents: tuple[int, ...], j: int, given: tuple[int, ...]) -> PolyElement:
        r""":math:`E[\prod_w n_w^{\alpha_w} m^j 1\{given\} \mid N]`, cached."""
        key = (exponents, j, given)
        if key not in self._cache:
            total = self.ring.zero
            for r in product(*(range(min(a, 1), a + 1) for a in exponents)):
                for i in range(min(j, 1), j + 1):
                    weight = prod(stirling(a, b) for a, b in zip(exponents, r)) * stirling(j, i)
                    total += self.factorial_moment(r, i, given) * weight
            self._cache[key] = total
        return self._cache[key]


@lru_cache(maxsize=64)
def count_expectations(measure: ExchangeableMeasure, row_length: sympy.Expr) -> CountExpectations:
    """The expectations of a measure on a row, with the moments that were needed before."""
    return CountExpectations(measure, row_length)
