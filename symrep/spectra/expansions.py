r"""Puiseux expansions at large L of the roots of a polynomial in x whose coefficients are rational in L.

A root is :math:`x = \sum_j c_j L^{e_j}` with rational :math:`e_0 > e_1 > \dots`. The Newton polygon gives the first
exponent, the polynomial on an edge the first coefficients, and :math:`x = c L^e + y` starts anew with the polynomial of
y, of which as many roots matter as the edge root had multiplicity. Once that is one, every further term is a division.
A root of an irreducible factor q of an edge polynomial is the class of z in :math:`K[z]/(q)`: one calculation serves
all conjugates and stays exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key
from math import lcm
from typing import Any

import sympy

from symrep.errors import FreeSymbolError, InvalidTypeError, require, require_integer
from symrep.kernels.overlaps import length_symbol
from symrep.kernels.parameters import as_coefficient
from symrep.spectra.asymptotics import LeadingTerm
from symrep.spectra.exact_pickles import ExactPickles
from symrep.spectra.field_towers import FieldTower
from symrep.spectra.roots import factor_roots, irreducible_factors, rational_square_root, reference_point, require_real

_DIGITS = 60
_EQUAL = sympy.Float(10) ** -40

# coefficient of the i-th power of the unknown: {exponent of L: element of the field}
_Series = dict[Fraction, Any]
_Terms = tuple[tuple[Any, Fraction], ...]


@dataclass(frozen=True)
class Expansion(ExactPickles):
    r"""The statement :math:`x = \sum_j c_j L^{e_j} + O(L^e)` as :math:`L \to \infty`, with parameters fixed.

    Attributes
    ----------
    terms
        Pairs (coefficient, exponent), exponents strictly decreasing, no coefficient zero.
    is_exact
        Whether the sum is x itself.
    next_exponent
        The exponent e of the first term left out, whose coefficient is not zero; None when the sum is exact.

    Examples
    --------
    >>> print(expand_rational(length_symbol**2 / (length_symbol + 2), 3))
    L - 2 + 4/L + O(L**(-2))
    """

    terms: tuple[tuple[sympy.Expr, sympy.Rational], ...]
    is_exact: bool
    next_exponent: sympy.Rational | None = None

    def __post_init__(self) -> None:
        exponents = [e for _, e in self.terms] + ([] if self.next_exponent is None else [self.next_exponent])
        decreasing = all(a > b for a, b in zip(exponents, exponents[1:]))
        require(decreasing, "exponents", "must strictly decrease", exponents)
        fits = self.is_exact == (self.next_exponent is None)
        require(fits, "next_exponent", f"must be None exactly when is_exact ({self.is_exact})", self.next_exponent)

    @property
    def leading(self) -> LeadingTerm:
        """The first term; zero has coefficient and exponent 0."""
        return LeadingTerm(*(self.terms[0] if self.terms else (sympy.Integer(0), sympy.Integer(0))))

    def as_expression(self) -> sympy.Expr:
        """The sum of the terms, without the rest."""
        return sympy.Add(*(coefficient * length_symbol**exponent for coefficient, exponent in self.terms))

    def evaluate(self, **numbers: Any) -> float:
        """The sum of the terms in float64, at numbers for L and all parameters by name.

        Raises
        ------
        FreeSymbolError
            When a symbol is left without a number.
        InvalidArgumentError
            When no symbol has one of the names.

        Examples
        --------
        >>> expand_rational(length_symbol**2 / (length_symbol + 2), 3).evaluate(L=10)
        8.4
        """
        expression = self.as_expression()
        values = {name: as_coefficient(value, name) for name, value in numbers.items()}
        symbols = {symbol.name: symbol for symbol in expression.free_symbols}
        unknown = sorted(set(values) - set(symbols) - {length_symbol.name})
        require(not unknown, "numbers", f"must be for {sorted(symbols)}", unknown)
        missing = sorted(name for name in symbols if name not in values or values[name].free_symbols)
        if missing:
            given = ", ".join(sorted(values)) or "none"
            raise FreeSymbolError(f"evaluate needs numbers for {', '.join(missing)}, got {given}")
        return float(expression.subs({symbol: values[name] for name, symbol in symbols.items()}).evalf(_DIGITS))

    def __str__(self) -> str:
        return self._joined(str, "({})", "O({})")

    def _latex(self, printer: Any = None) -> str:
        return self._joined(sympy.latex, r"\left({}\right)", r"O\left({}\right)")

    def _repr_latex_(self) -> str:
        return f"${self._latex()}$"

    def _joined(self, printed: Any, bracket: str, rest: str) -> str:
        monomials = [coefficient * length_symbol**exponent for coefficient, exponent in self.terms]
        alone = len(monomials) == 1 and self.is_exact
        parts = [bracket.format(printed(m)) if m.is_Add and not alone else printed(m) for m in monomials]
        if not self.is_exact:
            parts.append(rest.format(printed(length_symbol**self.next_exponent)))
        return " + ".join(parts or ["0"]).replace("+ -", "- ")


def expand_roots(polynomial: sympy.Poly, order: int) -> list[Expansion]:
    r"""The expansions at :math:`L \to \infty` of all roots of a polynomial in x that has only real ones.

    They come factor by factor in the order of :func:`~symrep.spectra.roots.irreducible_factors`, with multiplicity, and
    in each factor largest first for all large L, at the point where the parameters, sorted by name, are 7/10, 11/10,
    13/10 and so on through the primes. Where the order at large L depends on the parameters (leading coefficients a and
    p, say) place k has the k-th largest root only where they are ordered as at that point. Roots that agree in all
    terms shown are ordered by the terms left out.

    Parameters
    ----------
    polynomial
        In one symbol that is not L; coefficients rational in L and in parameters, which stand for positive numbers.
    order
        The number of nonzero terms, at least 1; fewer come back only where a root is a finite sum.

    Returns
    -------
    list
        One :class:`Expansion` per root. Coefficients are rational functions or square roots where the irreducible edge
        polynomials have degree at most two, and contain :class:`~symrep.spectra.roots.OrderedRoot` beyond.

    Raises
    ------
    InvalidArgumentError
        When a coefficient is not rational in L with rational numbers, or a root is not real.
    SizeLimitError
        When two coefficients to be multiplied have more than 10 000 pairs of monomials.

    Notes
    -----
    The cost for degree d is about :math:`d^2 \cdot \text{order}^2` products of rational functions of the parameters.

    Examples
    --------
    >>> x, a, L = sympy.Symbol("x"), sympy.Symbol("a", positive=True), length_symbol
    >>> for expansion in expand_roots(sympy.Poly((x - L) * (x - 1 / L) - a, x), 3):
    ...     print(expansion)
    L + a/L - a*(a - 1)/L**3 + O(L**(-5))
    (1 - a)/L + a*(a - 1)/L**3 - a*(a - 1)*(2*a - 1)/L**5 + O(L**(-7))
    """
    _require_rational(polynomial)
    order = require_integer(order, "order", minimum=1)
    factors = irreducible_factors(polynomial)
    return [expansion for factor, m in factors for expansion in expand_factor(factor, order) for _ in range(m)]


def expand_rational(expression: Any, order: int) -> Expansion:
    """The expansion of a rational function of L and of parameters: see :func:`expand_roots`.

    >>> print(expand_rational((length_symbol + 1) ** 2 / length_symbol, 5))
    L + 2 + 1/L
    """
    x = sympy.Dummy("x")
    return expand_roots(sympy.Poly(x - sympy.sympify(expression), x), order)[0]


def expand_block(block: Any, order: int) -> list[tuple[Expansion, int]]:
    """The expansions of the eigenvalues of a block, in the order of ``block.eigenvalues``, with their multiplicities.

    The same as :meth:`symrep.spectra.isotypic_block.Block.expand`.

    >>> from symrep import kernels, measures, spectrum
    >>> block = spectrum(kernels.architecture("linear-block", "pool"), measures.iid_uniform(2)).blocks[2]
    >>> [(str(expansion), multiplicity) for expansion, multiplicity in expand_block(block, 2)]
    [('a**2*p/(2*L) - a**2*p/L**2', 1)]
    """
    from symrep.spectra.isotypic_block import Block

    if not isinstance(block, Block):
        raise InvalidTypeError(f"block must be a Block, got {type(block).__name__}")
    return list(block.expand(order))


def _require_rational(polynomial: Any) -> None:
    if not isinstance(polynomial, sympy.Poly):
        raise InvalidTypeError(f"polynomial must be a sympy Poly, got {type(polynomial).__name__}")
    one_unknown = len(polynomial.gens) == 1 and polynomial.gen != length_symbol and polynomial.degree() >= 1
    require(one_unknown, "polynomial", "must have positive degree in one symbol that is not L", polynomial)
    allowed = (sympy.Symbol, sympy.Rational, sympy.Add, sympy.Mul)
    for coefficient in polynomial.all_coeffs():
        namesakes = {s for s in coefficient.free_symbols if s.name == length_symbol.name} - {length_symbol}
        require(not namesakes, "coefficients", "must write L as symrep.kernels.overlaps.length_symbol", coefficient)
        rational = all(
            node.exp.is_Integer if node.is_Pow else isinstance(node, allowed)
            for node in sympy.preorder_traversal(coefficient)
        )
        require(rational, "coefficients", "must be rational in symbols, with rational numbers", coefficient)


def expand_factor(factor: sympy.Poly, order: int) -> list[Expansion]:
    """The expansions of the roots of one monic irreducible factor, largest first at the reference point."""
    polynomial = sympy.Poly(sympy.together(factor.as_expr()).as_numer_denom()[0], factor.gen, length_symbol)
    ground, elements = sympy.construct_domain(polynomial.coeffs(), field=True)
    series: list[_Series] = [{} for _ in range(factor.degree() + 1)]
    for (i, exponent), element in zip(polynomial.monoms(), elements):
        series[i][Fraction(exponent)] = element
    reference = reference_point(factor.free_symbols_in_domain)
    found = []
    for tower, branch in _branches(series, factor.degree(), FieldTower(ground), (), order):
        for terms in _conjugates(tower, branch, reference):
            values = {exponent: coefficient.subs(reference).evalf(_DIGITS) for coefficient, exponent in terms}
            is_exact = len(terms) <= order
            found.append((values, Expansion(tuple(terms[:order]), is_exact, None if is_exact else terms[order][1])))
    found.sort(key=cmp_to_key(lambda one, other: _sign_of_difference(other[0], one[0])))
    return [expansion for _, expansion in found]


def _sign_of_difference(one: dict[Any, sympy.Expr], other: dict[Any, sympy.Expr]) -> int:
    for exponent in sorted({*one, *other}, reverse=True):
        a, b = one.get(exponent, 0), other.get(exponent, 0)
        if abs(a - b) > _EQUAL * (abs(a) + abs(b)):
            return 1 if a > b else -1
    return 0


def _branches(
    series: list[_Series], roots: int, tower: FieldTower, terms: _Terms, order: int
) -> Iterator[tuple[FieldTower, _Terms]]:
    """The field and the terms of each class of conjugate roots: all terms, or more than ``order``.

    ``series`` is the polynomial in what is left of x after ``terms``; its smallest roots, so many, continue them.
    """
    first = 0
    if not series[0]:
        yield tower, terms
        first = 1
    while first < roots:
        heights = {i: max(series[i]) for i in range(first, roots + 1) if series[i]}
        slope, last = max((Fraction(heights[i] - heights[first], i - first), i) for i in heights if i > first)
        edge = [series[i].get(heights[first] + slope * (i - first), tower.lift(0)) for i in range(last, first - 1, -1)]
        for minimal, multiplicity in tower.factors(edge):
            field = tower if len(minimal) == 2 else tower.extended(minimal)
            root = -minimal[1] if field is tower else field.ring.gens[0]
            moved = [{e: field.lift(c) for e, c in row.items()} for row in series]
            _shift(moved, root, -slope, field)
            longer = (*((field.lift(c), e) for c, e in terms), (root, -slope))
            if multiplicity == 1:
                yield field, (*longer, *_simple_root(moved, -slope, field, max(order - len(longer), 0) + 1))
            else:
                yield from _branches(moved, multiplicity, field, longer, order)
        first = last


def _simple_root(series: list[_Series], scale: Fraction, tower: FieldTower, number: int) -> _Terms:
    """So many terms of the one root below ``scale``, or all where these are fewer.

    In units of L^scale and divided by the leading part of the linear coefficient, the polynomial has no positive powers
    of L, and the next term is minus the leading term of the constant coefficient.
    """
    top = max(series[1])
    inverse = tower.inverse(series[1][top])
    exact = [{e + scale * (i - 1) - top: tower.product(c, inverse) for e, c in r.items()} for i, r in enumerate(series)]
    step = Fraction(1, lcm(*(e.denominator for row in exact for e in row)))
    window = (number + 1) * step
    terms: _Terms = ()
    while exact[0]:
        lowest = max(exact[0]) - window
        window *= 2
        work = [{e: c for e, c in row.items() if e >= lowest} for row in exact]
        known = len(terms)
        while work[0]:
            exponent = max(work[0])
            terms = (*terms, (-work[0][exponent], exponent + scale))
            if len(terms) == number:
                return terms
            _shift(work, terms[-1][0], exponent, tower, lowest)
        for coefficient, exponent in terms[known:]:
            _shift(exact, coefficient, exponent - scale, tower)
    return terms


def _shift(
    series: list[_Series], root: Any, exponent: Fraction, tower: FieldTower, lowest: Fraction | None = None
) -> None:
    """Replace the unknown y by root L^exponent + y, in place; powers of L below ``lowest`` are left out."""
    for start in range(len(series) - 1):
        for i in range(len(series) - 2, start - 1, -1):
            row = series[i]
            for e, c in series[i + 1].items():
                if lowest is None or e + exponent >= lowest:
                    row[e + exponent] = row.get(e + exponent, 0) + tower.product(root, c)
            series[i] = {e: c for e, c in row.items() if c}


def _conjugates(
    tower: FieldTower, terms: _Terms, reference: dict[Any, Any]
) -> Iterator[list[tuple[Any, sympy.Rational]]]:
    """The terms for every choice of the roots that the thetas of the tower stand for."""
    expressions = [(tower.to_sympy(c), sympy.Rational(e.numerator, e.denominator)) for c, e in terms]
    choices: list[tuple[dict[Any, Any], dict[Any, Any]]] = [({}, {})]
    for theta, minimal in zip(tower.thetas, tower.minimal_polynomials):
        choices = [
            ({**meaning, theta: expression}, {**surds, surd: value})
            for meaning, surds in choices
            for expression, surd, value in _roots([c.xreplace(meaning) for c in minimal], surds, reference)
        ]
    for meaning, surds in choices:
        yield [(sympy.factor(c.xreplace(meaning)).xreplace(surds), e) for c, e in expressions]


def _roots(
    minimal: list[sympy.Expr], surds: dict[Any, Any], reference: dict[Any, Any]
) -> list[tuple[sympy.Expr, sympy.Symbol, sympy.Expr]]:
    """The roots of a monic polynomial as rational expressions in a new symbol, the symbol, and what it stands for."""
    symbol = sympy.Dummy("surd")
    coefficients = [c.xreplace(surds) for c in minimal]
    polynomial = sympy.Poly(coefficients, sympy.Dummy("z"))
    require_real(polynomial, reference)
    if len(minimal) > 3:
        return [(symbol, symbol, root) for root in factor_roots(polynomial)]
    outer, inner = rational_square_root(coefficients[1] ** 2 - 4 * coefficients[2])
    return [((-minimal[1] + sign * outer * symbol) / 2, symbol, sympy.sqrt(inner)) for sign in (1, -1)]
