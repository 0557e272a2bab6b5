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
from itertools import count
from math import lcm
from typing import Any

import sympy
from sympy.polys.fields import FracElement
from sympy.polys.matrices import DomainMatrix
from sympy.polys.rings import PolyRing

from symrep.errors import FreeSymbolError, InvalidTypeError, SizeLimitError, require, require_integer
from symrep.kernels.overlaps import length_symbol
from symrep.kernels.parameters import as_coefficient
from symrep.spectra.asymptotics import LeadingTerm
from symrep.spectra.isotypic_block import Block
from symrep.spectra.roots import factor_roots, irreducible_factors

_LARGEST_PRODUCT = 10_000
_DIGITS = 60
_EQUAL = sympy.Float(10) ** -40

# coefficient of the i-th power of the unknown: {exponent of L: element of the field}
_Series = dict[Fraction, Any]
_Terms = tuple[tuple[Any, Fraction], ...]


@dataclass(frozen=True)
class Expansion:
    r"""The statement :math:`x = \sum_j c_j L^{e_j} + O(L^e)` as :math:`L \to \infty`, with parameters fixed.

    Attributes
    ----------
    terms
        Pairs (coefficient, exponent), exponents strictly decreasing, no coefficient zero.
    is_exact
        Whether the sum is x itself.
    next_exponent
        The exponent e of the first term left out, whose coefficient is not zero; None when the sum is exact.

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
            raise FreeSymbolError(f"evaluate needs numbers for {', '.join(missing)}, got {sorted(values)}")
        return float(expression.subs({symbol: values[name] for name, symbol in symbols.items()}).evalf(_DIGITS))

    def __str__(self) -> str:
        return self._joined(str, "({})", "O({})")

    def _latex(self) -> str:
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

    Coefficients are rational functions or square roots where the irreducible edge polynomials have degree at most two,
    and contain :class:`~symrep.spectra.roots.OrderedRoot` beyond.

    Raises
    ------
    InvalidArgumentError
        When a coefficient is not rational in L with rational numbers, or a root is not real.
    SizeLimitError
        When two coefficients to be multiplied have more than 10 000 pairs of monomials.

    Cost: for degree d, about :math:`d^2 \cdot \text{order}^2` products of rational functions of the parameters.

    >>> x, a, L = sympy.Symbol("x"), sympy.Symbol("a", positive=True), length_symbol
    >>> for expansion in expand_roots(sympy.Poly((x - L) * (x - 1 / L) - a, x), 3):
    ...     print(expansion)
    L + a/L - a*(a - 1)/L**3 + O(L**(-5))
    (1 - a)/L + a*(a - 1)/L**3 - a*(a - 1)*(2*a - 1)/L**5 + O(L**(-7))
    """
    _require_rational(polynomial)
    order = require_integer(order, "order", minimum=1)
    factors = irreducible_factors(polynomial)
    return [expansion for factor, m in factors for expansion in _expand_factor(factor, order) for _ in range(m)]


def expand_rational(expression: Any, order: int) -> Expansion:
    """The expansion of a rational function of L and of parameters: see :func:`expand_roots`.

    >>> print(expand_rational((length_symbol + 1) ** 2 / length_symbol, 5))
    L + 2 + 1/L
    """
    x = sympy.Dummy("x")
    return expand_roots(sympy.Poly(x - sympy.sympify(expression), x), order)[0]


def expand_block(block: Block, order: int) -> list[tuple[Expansion, int]]:
    """The expansions of the eigenvalues of a block, in the order of ``block.eigenvalues``, with their multiplicities.

    >>> from symrep import kernels, measures, spectrum
    >>> block = spectrum(kernels.architecture("linear-block", "pool"), measures.iid_uniform(2)).blocks[2]
    >>> [(str(expansion), multiplicity) for expansion, multiplicity in expand_block(block, 2)]
    [('a**2*p/(2*L) - a**2*p/L**2', 1)]
    """
    if not isinstance(block, Block):
        raise InvalidTypeError(f"block must be a Block, got {type(block).__name__}")
    order = require_integer(order, "order", minimum=1)
    return [(expansion, m) for factor, m in block.factors for expansion in _expand_factor(factor, order)]


def _require_rational(polynomial: Any) -> None:
    if not isinstance(polynomial, sympy.Poly):
        raise InvalidTypeError(f"polynomial must be a sympy Poly, got {type(polynomial).__name__}")
    one_unknown = len(polynomial.gens) == 1 and polynomial.gen != length_symbol and polynomial.degree() >= 1
    require(one_unknown, "polynomial", "must have positive degree in one symbol that is not L", polynomial)
    allowed = (sympy.Symbol, sympy.Rational, sympy.Add, sympy.Mul)
    for coefficient in polynomial.all_coeffs():
        namesakes = {s for s in coefficient.free_symbols if s.name == length_symbol.name} - {length_symbol}
        require(not namesakes, "coefficients", "must write L as symrep.kernels.overlaps.length_symbol", coefficient)
        rational = all(node.exp.is_Integer if node.is_Pow else isinstance(node, allowed)
                       for node in sympy.preorder_traversal(coefficient))
        require(rational, "coefficients", "must be rational in symbols, with rational numbers", coefficient)


@dataclass(frozen=True)
class _Tower:
    r"""The field :math:`K(\theta_1, \dots, \theta_k)`, each theta a root of an irreducible polynomial over the last.

    Elements are those of K when there is no theta, else polynomials in the thetas reduced by the moduli, which are a
    Gröbner basis in lexicographic order: the ring lists the newest theta first, ``thetas`` the oldest.
    """

    ground: Any
    ring: PolyRing | None = None
    moduli: tuple[Any, ...] = ()
    degrees: tuple[int, ...] = ()
    minimal_polynomials: tuple[tuple[sympy.Expr, ...], ...] = ()

    @property
    def thetas(self) -> tuple[sympy.Symbol, ...]:
        return () if self.ring is None else self.ring.symbols[::-1]

    def extended(self, minimal: list[Any]) -> _Tower:
        """The field with one more theta, a root of this monic polynomial (coefficients from the highest down)."""
        thetas = (sympy.Dummy("theta"), *self.thetas[::-1])
        ring = PolyRing(thetas, self.ground, sympy.polys.orderings.lex)
        higher = _Tower(self.ground, ring)
        degree = len(minimal) - 1
        modulus = sum((higher.lift(c) * ring.gens[0] ** (degree - i) for i, c in enumerate(minimal)), ring.zero)
        moduli = (modulus, *(m.set_ring(ring) for m in self.moduli))
        polynomials = (*self.minimal_polynomials, tuple(self.to_sympy(c) for c in minimal))
        return _Tower(self.ground, ring, moduli, (*self.degrees, degree), polynomials)

    def lift(self, element: Any) -> Any:
        """An element of a smaller field of the tower, or an integer, as one of this field."""
        if self.ring is None:
            return self.ground.convert(element)
        return element.set_ring(self.ring) if hasattr(element, "set_ring") else self.ring.ground_new(element)

    def product(self, a: Any, b: Any) -> Any:
        work = _size(a) * _size(b)
        if work > _LARGEST_PRODUCT:
            raise SizeLimitError(f"the expansion needs a product of coefficients with {work} pairs of monomials, the "
                                 f"limit is {_LARGEST_PRODUCT}: use a smaller order or numbers for some parameters")
        return a * b if self.ring is None else (a * b).rem(self.moduli)

    def inverse(self, element: Any) -> Any:
        if self.ring is None:
            return 1 / element
        monomials = [self.ring.one]
        for generator, degree in zip(self.ring.gens, self.degrees[::-1]):
            monomials = [m * generator**k for m in monomials for k in range(degree)]
        images = [self.product(element, m) for m in monomials]
        keys, size = [m.leading_expv() for m in monomials], len(monomials)
        rows = [[image.get(key, self.ground.zero) for image in images] for key in keys]
        unit = DomainMatrix([[self.ground.convert(int(key == keys[0]))] for key in keys], (size, 1), self.ground)
        solution = DomainMatrix(rows, (size, size), self.ground).lu_solve(unit).to_list()
        return sum((m * row[0] for m, row in zip(monomials, solution)), self.ring.zero)

    def to_sympy(self, element: Any) -> sympy.Expr:
        return self.ground.to_sympy(element) if self.ring is None else element.as_expr()

    def from_sympy(self, expression: sympy.Expr) -> Any:
        if self.ring is None:
            return self.ground.from_sympy(expression)
        polynomial = sympy.Poly(expression, *self.ring.symbols, domain=self.ground)
        return self.ring.from_dict(dict(polynomial.rep.to_dict())).rem(self.moduli)

    def factors(self, edge: list[Any]) -> list[tuple[list[Any], int]]:
        """Monic irreducible factors with multiplicities; coefficients from the highest down."""
        z = sympy.Dummy("z")
        if self.ring is None:
            polynomial = sympy.Poly([self.to_sympy(c) for c in edge], z)
            return [([self.from_sympy(c) for c in f.all_coeffs()], m) for f, m in irreducible_factors(polynomial)]
        derivative = [c * (len(edge) - 1 - i) for i, c in enumerate(edge[:-1])]
        reduced = self._divided(edge, self._gcd(edge, derivative))[0]
        expression = sum(self.to_sympy(c) * z ** (len(reduced) - 1 - i) for i, c in enumerate(reduced))
        # Trager: the norm of a shift of the polynomial without repeated factors, factored over K
        for multiple in count():
            shift = sum(multiple**k * theta for k, theta in enumerate(self.thetas, start=1))
            norm = expression.subs(z, z - shift)
            for theta, modulus in zip(self.ring.symbols, self.moduli):
                norm = sympy.resultant(norm, modulus.as_expr(), theta)
            norm_factors = irreducible_factors(sympy.Poly(norm, z))
            if all(multiplicity == 1 for _, multiplicity in norm_factors):
                break
        factors = []
        for factor, _ in norm_factors:
            moved = sympy.Poly(factor.as_expr().subs(factor.gen, z + shift), z).all_coeffs()
            common = self._gcd(reduced, [self.from_sympy(c) for c in moved])
            multiplicity, (rest, remainder) = 0, self._divided(edge, common)
            while not remainder:
                multiplicity, (rest, remainder) = multiplicity + 1, self._divided(rest, common)
            factors.append((common, multiplicity))
        return factors

    def _divided(self, a: list[Any], b: list[Any]) -> tuple[list[Any], list[Any]]:
        """Quotient and remainder, the latter without leading zeros; b is monic."""
        quotient = []
        while len(a) >= len(b):
            quotient.append(a[0])
            a = [c - self.product(a[0], b[i]) if i < len(b) else c for i, c in enumerate(a)][1:]
        while a and not a[0]:
            a = a[1:]
        return quotient, a

    def _gcd(self, a: list[Any], b: list[Any]) -> list[Any]:
        """Monic."""
        while b:
            inverse = self.inverse(b[0])
            monic = [self.product(c, inverse) for c in b]
            a, b = monic, self._divided(a, monic)[1]
        return a


def _expand_factor(factor: sympy.Poly, order: int) -> list[Expansion]:
    """The expansions of the roots of one irreducible factor, largest first at the reference point."""
    polynomial = sympy.Poly(sympy.together(factor.as_expr()).as_numer_denom()[0], factor.gen, length_symbol)
    ground, elements = sympy.construct_domain(polynomial.coeffs(), field=True)
    series: list[_Series] = [{} for _ in range(factor.degree() + 1)]
    for (i, exponent), element in zip(polynomial.monoms(), elements):
        series[i][Fraction(exponent)] = element
    parameters = sorted(factor.free_symbols_in_domain - {length_symbol}, key=lambda symbol: symbol.name)
    reference = {symbol: sympy.Rational(sympy.prime(k), 10) for k, symbol in enumerate(parameters, start=4)}
    found = []
    for tower, branch in _branches(series, factor.degree(), _Tower(ground), (), order):
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
    series: list[_Series], roots: int, tower: _Tower, terms: _Terms, order: int
) -> Iterator[tuple[_Tower, _Terms]]:
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


def _simple_root(series: list[_Series], scale: Fraction, tower: _Tower, number: int) -> _Terms:
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


def _shift(series: list[_Series], root: Any, exponent: Fraction, tower: _Tower, lowest: Fraction | None = None) -> None:
    """Replace the unknown y by root L^exponent + y, in place; powers of L below ``lowest`` are left out."""
    for start in range(len(series) - 1):
        for i in range(len(series) - 2, start - 1, -1):
            row = series[i]
            for e, c in series[i + 1].items():
                if lowest is None or e + exponent >= lowest:
                    row[e + exponent] = row.get(e + exponent, 0) + tower.product(root, c)
            series[i] = {e: c for e, c in row.items() if c}


def _size(element: Any) -> int:
    """The number of monomials in numerators and denominators."""
    if isinstance(element, dict):
        return sum(_size(c) for c in element.values())
    return len(element.numer) + len(element.denom) if isinstance(element, FracElement) else 1


def _conjugates(tower: _Tower, terms: _Terms, reference: dict[Any, Any]) -> Iterator[list[tuple[Any, sympy.Rational]]]:
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
    numeric = sympy.Poly([c.subs(reference).evalf(_DIGITS) for c in coefficients], polynomial.gen)
    imaginary = max(abs(sympy.im(root)) for root in numeric.nroots(n=_DIGITS, maxsteps=500))
    require(bool(imaginary < _EQUAL), "polynomial", "must have only real roots; leading coefficients solve", polynomial)
    if len(minimal) > 3:
        return [(symbol, symbol, root) for root in factor_roots(polynomial)]
    outer, inner = _square_root(coefficients[1] ** 2 - 4 * coefficients[2])
    return [((-minimal[1] + sign * outer * symbol) / 2, symbol, sympy.sqrt(inner)) for sign in (1, -1)]


def _square_root(expression: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """The square root as a rational expression, whose sign may depend on parameters, and what is under the root."""
    numerator, denominator = sympy.fraction(sympy.factor(expression))
    constant, factors = sympy.factor_list(numerator * denominator)
    outer = sympy.Mul(*(f ** (m // 2) for f, m in factors)) / denominator
    inner = sympy.Mul(*(f for f, m in factors if m % 2))
    scale, under = sympy.sqrt(abs(constant)).as_coeff_Mul()
    # the sign goes inside one factor, for sympy takes the square root of a negative factor to be imaginary
    inner = inner if constant > 0 else sympy.expand(-inner)
    return outer * scale, under**2 * inner
