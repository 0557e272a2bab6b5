r"""Leading behaviour at large L of the roots of a polynomial whose coefficients are rational in L (Newton polygon)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import sympy
from sympy.polys.rings import PolyElement

from symrep.kernels.overlaps import length_symbol
from symrep.spectra.exact_pickles import ExactPickles
from symrep.spectra.roots import (
    OrderedRoot,
    factor_roots,
    irreducible_factors,
    reference_point,
    require_real,
    sign_at_reference,
)


@dataclass(frozen=True)
class LeadingTerm(ExactPickles):
    r"""The statement :math:`x \sim c\,L^{\alpha}` as :math:`L \to \infty`."""

    coefficient: sympy.Expr
    exponent: sympy.Rational

    def as_expression(self) -> sympy.Expr:
        """The monomial :math:`c L^alpha`."""
        return self.coefficient * length_symbol**self.exponent

    def __mul__(self, other: LeadingTerm) -> LeadingTerm:
        return LeadingTerm(sympy.factor(self.coefficient * other.coefficient), self.exponent + other.exponent)

    def __truediv__(self, other: LeadingTerm) -> LeadingTerm:
        return LeadingTerm(sympy.factor(self.coefficient / other.coefficient), self.exponent - other.exponent)

    def plus(self, other: LeadingTerm) -> LeadingTerm:
        """The leading term of a sum of two quantities that do not cancel (both positive, say).

        >>> print(LeadingTerm(sympy.Integer(2), sympy.Integer(1)).plus(LeadingTerm(sympy.Integer(3), sympy.Integer(1))))
        5*L
        """
        if self.coefficient == 0 or other.coefficient == 0:
            return other if self.coefficient == 0 else self
        if self.exponent == other.exponent:
            return LeadingTerm(sympy.factor(self.coefficient + other.coefficient), self.exponent)
        return self if self.exponent > other.exponent else other

    @property
    def limit(self) -> sympy.Expr:
        """The limit as L goes to infinity: 0, the coefficient, or signed infinity."""
        if self.coefficient == 0 or self.exponent < 0:
            return sympy.Integer(0)
        return self.coefficient if self.exponent == 0 else sympy.oo * sympy.sign(self.coefficient)

    def __str__(self) -> str:
        return str(self.as_expression())

    def _latex(self, printer: Any = None) -> str:
        return sympy.latex(self.as_expression())

    def _repr_latex_(self) -> str:
        return f"${self._latex()}$"


def leading_term(expression: Any) -> LeadingTerm:
    """The leading term of a rational function of L; parameters stay symbols. Zero has exponent 0 and coefficient 0.

    >>> a, p, L = sympy.symbols("a p", positive=True) + (length_symbol,)
    >>> leading_term((a * L**2 + p) / (2 * L**3 + 1))
    LeadingTerm(coefficient=a/2, exponent=-1)
    """
    numerator, denominator = sympy.fraction(sympy.cancel(sympy.together(expression)))
    if numerator == 0:
        return LeadingTerm(sympy.Integer(0), sympy.Integer(0))
    top, bottom = sympy.Poly(numerator, length_symbol), sympy.Poly(denominator, length_symbol)
    coefficient = sympy.factor(sympy.cancel(top.LC() / bottom.LC()))
    return LeadingTerm(coefficient, sympy.Integer(top.degree() - bottom.degree()))


def _leading_element(element: Any, domain: Any) -> LeadingTerm:
    """The leading term of a coefficient in its own domain: no expression has to be expanded."""
    if domain.is_FractionField:
        (top, above), (bottom, below) = _leading_part(element.numer), _leading_part(element.denom)
        return LeadingTerm(sympy.factor(top / bottom), sympy.Integer(above - below))
    if domain.is_PolynomialRing:
        top, above = _leading_part(element)
        return LeadingTerm(sympy.factor(top), sympy.Integer(above))
    return leading_term(domain.to_sympy(element))


def _leading_part(element: PolyElement) -> tuple[sympy.Expr, int]:
    """The coefficient of the highest power of L, and that power."""
    symbols = element.ring.symbols
    if length_symbol not in symbols:
        return element.as_expr(), 0
    place = symbols.index(length_symbol)
    degree = max(exponents[place] for exponents in element)
    without = {(*e[:place], 0, *e[place + 1 :]): c for e, c in element.items() if e[place] == degree}
    return element.ring.from_dict(without).as_expr(), degree


def leading_roots(polynomial: sympy.Poly) -> list[LeadingTerm]:
    r"""Leading terms of all roots of a polynomial in x with coefficients in L, with multiplicity, largest first.

    The coefficients of :math:`\sum_i c_i(L) x^i` have degrees :math:`\delta_i`; every edge of the upper hull of the points
    :math:`(i, \delta_i)` from i to j belongs to :math:`j - i` roots of exponent minus its slope, and their coefficients are
    the nonzero roots of the leading coefficients along that edge.

    Where the order of two roots of one exponent depends on the parameters, they are a maximum and a minimum; where the
    sign of a coefficient does, its place is that at the reference point of :func:`symrep.spectra.roots.reference_point`.

    Raises
    ------
    InvalidArgumentError
        When a coefficient is not real at the reference point.

    Examples
    --------
    >>> x, L = sympy.Symbol("x"), length_symbol
    >>> [str(term) for term in leading_roots(sympy.Poly((x - L**2 - 1) * (x - 3 / L), x))]
    ['L**2', '3/L']
    """
    points = []
    for i, element in enumerate(reversed(polynomial.rep.to_list())):
        if element:
            term = _leading_element(element, polynomial.domain)
            points.append((i, term.exponent, term.coefficient))
    hull = _upper_hull(points)
    terms: list[LeadingTerm] = [LeadingTerm(sympy.Integer(0), sympy.Integer(0))] * points[0][0]
    for left, right in zip(hull, hull[1:]):
        slope = sympy.Rational(right[1] - left[1], right[0] - left[0])
        on_edge = [p for p in points if left[0] <= p[0] <= right[0] and p[1] == left[1] + slope * (p[0] - left[0])]
        x = sympy.Dummy("x")
        edge = sympy.Poly(sum(c * x ** (i - left[0]) for i, _, c in on_edge), x)
        terms.extend(LeadingTerm(root, -slope) for root in _largest_first(edge))
    return sorted(terms, key=_size, reverse=True)


def _largest_first(polynomial: sympy.Poly) -> list[sympy.Expr]:
    """The roots in decreasing order; by Max and Min or an ordered root where the order depends on parameters."""
    reference = reference_point(polynomial.free_symbols_in_domain)
    factors = irreducible_factors(polynomial)
    for factor, _ in factors:
        require_real(factor, reference)
    roots = [root for factor, multiplicity in factors for root in factor_roots(factor) for _ in range(multiplicity)]
    roots.sort(key=lambda root: root.subs(reference).evalf(50), reverse=True)
    differences = [sympy.factor(a - b) for a, b in zip(roots, roots[1:])]
    ordered = all(difference.is_nonnegative for difference in differences)
    if ordered or len(factors) == 1 or not reference:
        return roots
    if len(roots) == 2:
        return [sympy.Max(*roots), sympy.Min(*roots)]
    return [OrderedRoot(polynomial.all_coeffs(), index) for index in range(len(roots))]


def _upper_hull(points: list[tuple[int, Any, Any]]) -> list[tuple[int, Any, Any]]:
    def add(hull: list[Any], point: Any) -> list[Any]:
        while len(hull) >= 2:
            (x1, y1, _), (x2, y2, _) = hull[-2:]
            if (y2 - y1) * (point[0] - x1) > (point[1] - y1) * (x2 - x1):
                break
            hull.pop()
        return [*hull, point]

    return reduce(add, points, [])


def _size(term: LeadingTerm) -> tuple[int, Any]:
    """Sort key of the value at large L: positive terms by exponent, then zero, then negative ones in reverse.

    Equal exponents keep their order.
    """
    sign = sign_at_reference(term.coefficient)
    return (sign, sign * term.exponent)
