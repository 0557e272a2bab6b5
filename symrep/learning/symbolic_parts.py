r"""The spectral measure of a function of one shape under a kernel, exact and without eigenvalues.

For the part f of a target in one shape, with :math:`\chi` the product of the different irreducible factors (other than
x) of the characteristic polynomial of its block, of degree s, the moments :math:`\mu_j = \langle f, K^j f \rangle` for
:math:`j \le s` give everything:

.. math:: \sum_i \frac{g_i^2 \lambda_i}{z - \lambda_i} = \sum_{j \ge 1} \mu_j z^{-j} = \frac{N(z)}{\chi(z)},

where N is the polynomial part of :math:`\chi(z) \sum_j \mu_j z^{-j}`. Partial fractions over the factors of :math:`\chi`
are all that learnability, :math:`\sum_i g_i^2 \lambda_i/(\lambda_i + \kappa)`, needs: put :math:`z = -\kappa`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import sympy

from symrep.learning.polynomial_targets import Values
from symrep.learning.symbolic_operator import SymbolicOperator
from symrep.spectra.isotypic_block import Block, Shape
from symrep.spectra.roots import factor_roots, horner

unknown_kappa = sympy.Dummy("kappa", positive=True)


@dataclass(frozen=True, eq=False)
class TargetPart:
    """The part of a target at the eigenvalues that are the roots of one irreducible polynomial, in one shape.

    Attributes
    ----------
    shape
        The irrep.
    factor
        A monic irreducible polynomial in x with the eigenvalues as roots.
    numerator
        The polynomial n with :math:`\\sum_i g_i^2 \\lambda_i / (x - \\lambda_i) = n(x)/factor(x)`.
    """

    shape: Shape
    factor: sympy.Poly
    numerator: sympy.Poly

    @cached_property
    def weight(self) -> sympy.Expr:
        """The squared norm of the part, the sum of :math:`g_i^2` over all its eigenvalues."""
        return sympy.factor(-self.numerator.eval(0) / self.factor.eval(0))

    @cached_property
    def fraction(self) -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
        r"""Expressions c, n, q with :math:`c\,n/q = \sum_i g_i^2 \lambda_i/(\lambda_i + \kappa)`, n and q polynomials in kappa."""
        above, top = self.numerator.clear_denoms(convert=True)
        content, top = top.primitive()
        below, bottom = self.factor.clear_denoms(convert=True)
        (above_again, numerator), (below_again, denominator) = (_at_minus_kappa(own) for own in (top, bottom))
        scale = content * above_again * below / (above * below_again)
        return sympy.factor(-scale * (-1) ** (top.degree() + bottom.degree())), numerator, denominator

    @property
    def eigenvalue_or_polynomial(self) -> sympy.Expr:
        """The eigenvalue where it is one, else the polynomial."""
        return factor_roots(self.factor)[0] if self.factor.degree() == 1 else self.factor.as_expr()

    @cached_property
    def components(self) -> tuple[tuple[sympy.Expr, sympy.Expr], ...]:
        """Pairs (eigenvalue, squared coefficient), largest eigenvalue first."""
        if self.factor.degree() == 1:
            return ((factor_roots(self.factor)[0], self.weight),)
        slope = self.factor.diff()
        roots = factor_roots(self.factor)
        return tuple((root, horner(self.numerator, root) / (root * horner(slope, root))) for root in roots)


def target_parts(
    shape: Shape, blocks: list[Block], operator: SymbolicOperator, vector: Values, denominator: sympy.Expr
) -> list[TargetPart]:
    """The parts of a function of one shape, given times a denominator."""
    factors: list[sympy.Poly] = []
    for factor, _ in (pair for block in blocks for pair in block.factors):
        if factor.as_expr() != factor.gen and not any((factor - known).is_zero for known in factors):
            factors.append(factor)
    if not factors:
        return []
    field = reduce(lambda one, other: one.unify(other), (f.domain for f in factors), operator.domain).get_field()
    factors = [factor.set_domain(field) for factor in factors]
    whole = reduce(lambda one, other: one * other, factors)
    numerator, denominator = _polynomial_part(whole, operator, vector, denominator)
    parts = []
    for factor in factors:
        # the residue modulo one factor of the numerator over the other factors
        scale, inverse = whole.quo(factor).invert(factor).clear_denoms(convert=True)
        cleared = factor.clear_denoms(convert=True)[1]
        product = numerator * inverse
        steps = max(product.degree() - cleared.degree() + 1, 0)
        residue = product.prem(cleared)
        known = denominator * scale * cleared.LC() ** steps
        if not residue.is_zero:
            domain = residue.domain
            coefficients = [_fraction(domain.convert(c), known, domain, field) for c in residue.rep.to_list()]
            parts.append(TargetPart(shape, factor, sympy.Poly.from_list(coefficients, whole.gen, domain=field)))
    return parts


def _polynomial_part(
    whole: sympy.Poly, operator: SymbolicOperator, vector: Values, denominator: sympy.Expr
) -> tuple[sympy.Poly, sympy.Expr]:
    r"""The polynomial part of :math:`\chi(z) \sum_j \mu_j z^{-j}`, times a denominator, and that denominator."""
    degree = whole.degree()
    scale, cleared = whole.clear_denoms(convert=True)
    ring = cleared.domain.unify(operator.domain)
    chi = [ring.convert_from(c, cleared.domain) for c in reversed(cleared.rep.to_list())]
    kernel_denominator = ring.from_sympy(operator.denominator)
    moments = [
        ring.convert_from(moment, operator.domain) * kernel_denominator ** (degree - j)
        for j, moment in enumerate(_moments(operator, vector, degree), start=1)
    ]
    totals = [sum((c * m for c, m in zip(chi[power + 1 :], moments)), ring.zero) for power in range(degree)]
    known = denominator**2 * operator.denominator**degree * scale
    return sympy.Poly.from_list(totals[::-1], whole.gen, domain=ring), known


def _moments(operator: SymbolicOperator, vector: Values, count: int) -> list[Any]:
    r"""The moments :math:`\langle f, K^j f\rangle` for j from 1 to ``count``, times denominators."""
    images = [vector]
    while 2 * len(images) < count + 2:
        images.append(operator.apply(images[-1]))
    return [operator.inner(images[j // 2], images[j - j // 2]) for j in range(1, count + 1)]


def _fraction(top: Any, bottom: sympy.Expr, ring: Any, field: Any) -> Any:
    """The quotient in lowest terms, by division by the factors of the denominator: gcds of large polynomials are slow."""
    if not ring.is_PolynomialRing:
        return field.convert_from(top, ring) / field.from_sympy(bottom)
    constant, factors = sympy.factor_list(bottom)
    rest = field.from_sympy(constant)
    for factor, power in factors:
        divisor = ring.from_sympy(factor)
        for _ in range(power):
            quotient, remainder = divmod(top, divisor)
            if remainder:
                rest = rest * field.convert_from(divisor, ring)
            else:
                top = quotient
    numerator = field.convert_from(top, ring)
    return field.field.raw_new(numerator.numer * rest.denom, numerator.denom * rest.numer) if top else field.zero


def _at_minus_kappa(polynomial: sympy.Poly) -> tuple[sympy.Rational, sympy.Expr]:
    """The value at minus kappa, times the sign that keeps the leading one, as a rational number and a primitive polynomial."""
    sign = (-1) ** polynomial.degree()
    return sympy.expand(sign * polynomial.as_expr().subs(polynomial.gen, -unknown_kappa)).primitive()
