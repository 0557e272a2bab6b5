"""Real roots of polynomials with symbolic coefficients, largest first: radicals up to degree two, implicit beyond."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy

from symrep.errors import require
from symrep.kernels.overlaps import length_symbol

_DIGITS = 60
_EQUAL = sympy.Float(10) ** -40


class OrderedRoot(sympy.Expr):
    r"""The k-th largest root (k from 0) of a polynomial all of whose roots are real, given by its coefficients.

    It stands for an eigenvalue of a block for which no short closed form exists. Numbers for all symbols make it a number.

    >>> a = sympy.Symbol("a", positive=True)
    >>> root = OrderedRoot((1, 0, -3 * a, 1), 0)
    >>> root.subs(a, 1).evalf(12)
    1.53208888624
    >>> root.free_symbols
    {a}
    """

    is_commutative = True
    is_extended_real = True

    def __new__(cls, coefficients: Any, index: Any) -> OrderedRoot:
        coefficients = tuple(coefficients)
        inside = 0 <= index < len(coefficients) - 1
        require(bool(inside), "index", f"must be at least 0 and below the degree {len(coefficients) - 1}", index)
        return sympy.Expr.__new__(cls, sympy.Tuple(*coefficients), sympy.Integer(index))

    @property
    def polynomial(self) -> sympy.Poly:
        """The polynomial, in the symbol x."""
        return sympy.Poly.from_list(list(self.args[0]), sympy.Symbol("x"))

    def doit(self, **hints: Any) -> sympy.Expr:
        """The root as an algebraic number of sympy when the coefficients are rational numbers, else itself."""
        if not all(coefficient.is_Rational for coefficient in self.args[0]):
            return self
        return real_roots(self.polynomial)[int(self.args[1])]

    def _eval_evalf(self, precision: int) -> sympy.Expr:
        if self.free_symbols:
            return self
        if all(coefficient.is_Rational for coefficient in self.args[0]):
            return self.doit()._eval_evalf(precision)
        digits = int(precision / 3) + 10
        roots = sorted((sympy.re(root) for root in self.polynomial.nroots(n=digits, maxsteps=200)), reverse=True)
        return roots[int(self.args[1])]._eval_evalf(precision)

    def _eval_is_negative(self) -> bool | None:
        return None if self.free_symbols else bool(self.evalf(20) < 0)

    def _sympystr(self, printer: Any) -> str:
        return f"OrderedRoot({printer._print(self.args[0])}, {self.args[1]})"

    def _latex(self, printer: Any) -> str:
        return rf"\operatorname{{root}}_{{{int(self.args[1]) + 1}}}\left[{printer._print(self.polynomial.as_expr())}\right]"


def real_roots(polynomial: sympy.Poly) -> list[sympy.Expr]:
    """All roots of a polynomial that has only real ones, with multiplicity, largest first within each irreducible factor.

    Rational coefficients give rational numbers, square roots, or sympy's real algebraic numbers, sorted as a whole.

    >>> x, a = sympy.symbols("x a", positive=True)
    >>> real_roots(sympy.Poly(x**2 - 2 * a * x + a**2 - 2, x))
    [a + sqrt(2), a - sqrt(2)]
    >>> real_roots(sympy.Poly((x - 1) * (x - 3) * (x - 2), x))
    [3, 2, 1]
    """
    roots: list[sympy.Expr] = []
    for factor, multiplicity in irreducible_factors(polynomial):
        roots.extend(root for root in factor_roots(factor) for _ in range(multiplicity))
    if not polynomial.free_symbols_in_domain:
        roots.sort(key=lambda root: root.evalf(50), reverse=True)
    return roots


def irreducible_factors(polynomial: sympy.Poly) -> list[tuple[sympy.Poly, int]]:
    """Monic irreducible factors over the field of the coefficients, with multiplicities."""
    if polynomial.domain.is_FractionField or polynomial.domain.is_PolynomialRing:
        cleared = polynomial.clear_denoms(convert=True)[1]
        return [(factor.to_field().monic(), multiplicity) for factor, multiplicity in cleared.factor_list()[1]]
    x = polynomial.gen
    numerator = sympy.together(polynomial.as_expr()).as_numer_denom()[0]
    factors = []
    for factor, multiplicity in sympy.factor_list(numerator, extension=None)[1]:
        if factor.has(x):
            poly = sympy.Poly(factor, x)
            factors.append((sympy.Poly([sympy.factor(c / poly.LC()) for c in poly.all_coeffs()], x), multiplicity))
    return factors


def factor_roots(factor: sympy.Poly) -> list[sympy.Expr]:
    """The real roots of one monic irreducible factor, largest first."""
    coefficients = factor.all_coeffs()
    if factor.degree() == 1:
        return [sympy.factor(-coefficients[1])]
    if factor.degree() == 2:
        return _quadratic_roots(-coefficients[1], coefficients[2])
    if all(coefficient.is_Rational for coefficient in coefficients):
        return list(reversed(factor.real_roots()))
    return [OrderedRoot(coefficients, index) for index in range(factor.degree())]


def _quadratic_roots(trace: sympy.Expr, determinant: sympy.Expr) -> list[sympy.Expr]:
    """The roots of x^2 - trace x + determinant, larger first, with common factors taken out.

    A square under the root whose sign depends on the parameters is taken as at the reference point and large L, without
    an absolute value: the roots stay rational in the parameters and one surd.
    """
    square_root = sympy.sqrt(sympy.factor(trace**2 - 4 * determinant))
    square_root = square_root.replace(sympy.Abs, lambda inside: inside * sign_at_reference(inside))
    surds = [f for f in sympy.Mul.make_args(square_root) if f.is_Pow and not f.exp.is_Integer]
    surd = sympy.Mul(*surds)
    rational = square_root / surd
    trace_top, trace_bottom = sympy.fraction(sympy.factor(trace))
    rational_top, rational_bottom = sympy.fraction(sympy.factor(rational))
    common = sympy.factor(sympy.gcd(trace_top, rational_top) / sympy.lcm(trace_bottom, rational_bottom) / 2)
    half_sum, half_difference = (sympy.cancel(part / common / 2) for part in (trace, rational))
    sums = [half_sum + sign * half_difference * surd for sign in (1, -1)]
    if common.is_Rational and surd.free_symbols:
        # sympy would multiply a bare number into the sum and lose the common denominator
        return [sympy.Mul(common, total, evaluate=common == 1) for total in sums]
    return [common * total for total in sums]


def horner(polynomial: sympy.Poly, point: sympy.Expr) -> sympy.Expr:
    """The value at a point, not simplified: simplifying nested square roots would take longer than all the rest."""
    value = sympy.Integer(0)
    for coefficient in polynomial.all_coeffs():
        value = value * point + coefficient
    return value


def reference_point(symbols: Iterable[sympy.Symbol]) -> dict[sympy.Symbol, sympy.Rational]:
    """Numbers for the parameters (all symbols but L): 7/10, 11/10, 13/10 and so on, in the order of their names.

    What depends on the parameters and has to be decided, such as the order of two roots, is decided there.
    """
    parameters = sorted(set(symbols) - {length_symbol}, key=lambda symbol: symbol.name)
    return {symbol: sympy.Rational(sympy.prime(k), 10) for k, symbol in enumerate(parameters, start=4)}


def sign_at_reference(expression: sympy.Expr) -> int:
    """The sign at the reference point, for all large L; 0 where it vanishes there.

    >>> a, p = sympy.symbols("a p", positive=True)
    >>> sign_at_reference(a - p), sign_at_reference(length_symbol * (p - a) - 7)
    (-1, 1)
    """
    known = expression.is_positive, expression.is_negative
    if any(known):
        return 1 if known[0] else -1
    there = expression.subs(reference_point(expression.free_symbols))
    if there.has(length_symbol):
        top, bottom = (sympy.Poly(part, length_symbol).LC() for part in sympy.fraction(sympy.together(there)))
        there = top * bottom
    value = there.evalf(_DIGITS)
    return 0 if abs(value) < _EQUAL else 1 if value > 0 else -1


def require_real(polynomial: sympy.Poly, reference: dict[sympy.Symbol, sympy.Rational]) -> None:
    """Raise InvalidArgumentError unless all roots are real at the reference point."""
    numeric = sympy.Poly([c.subs(reference).evalf(_DIGITS) for c in polynomial.all_coeffs()], polynomial.gen)
    imaginary = max(abs(sympy.im(root)) for root in numeric.nroots(n=_DIGITS, maxsteps=500))
    require(bool(imaginary < _EQUAL), "polynomial", "must have only real roots; leading coefficients solve", polynomial)


def rational_square_root(expression: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """The square root as a rational expression, whose sign may depend on parameters, and what is under the root."""
    numerator, denominator = sympy.fraction(sympy.factor(expression))
    constant, factors = sympy.factor_list(numerator * denominator)
    outer = sympy.Mul(*(f ** (m // 2) for f, m in factors)) / denominator
    inner = sympy.Mul(*(f for f, m in factors if m % 2))
    scale, under = sympy.sqrt(abs(constant)).as_coeff_Mul()
    # the sign goes inside one factor, for sympy takes the square root of a negative factor to be imaginary
    inner = inner if constant > 0 else sympy.expand(-inner)
    return outer * scale, under**2 * inner
