"""Variances and standard deviations of layers: exact numbers, symbols or expressions."""

from __future__ import annotations

from fractions import Fraction
from numbers import Integral, Real
from typing import Any

import sympy

from symrep.errors import FreeSymbolError, InvalidTypeError, require


def as_parameter(value: Any, argument: str) -> sympy.Expr:
    """Return ``value`` as an exact sympy expression that is not known to be negative.

    Numbers stay exact: a float is taken at its binary value, so write ``"1/10"`` or ``Rational(1, 10)`` for a tenth.
    A string is a number or an expression in positive symbols.

    >>> as_parameter("1/10", "variance"), as_parameter(0.5, "variance"), as_parameter("a", "variance").is_positive
    (1/10, 1/2, True)
    >>> as_parameter(-1, "variance")
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidArgumentError: variance must not be negative, got -1
    """
    expression = _exact(value, argument)
    finite = not expression.has(sympy.nan, sympy.oo, -sympy.oo, sympy.zoo, sympy.I)
    require(finite, argument, "must be a finite real number or an expression", value)
    require(expression.is_negative is not True, argument, "must not be negative", value)
    return expression


def _exact(value: Any, argument: str) -> sympy.Expr:
    if isinstance(value, bool):
        raise InvalidTypeError(f"{argument} must be a number, a symbol or an expression, got {value!r}")
    if isinstance(value, str):
        return _parsed(value, argument)
    if isinstance(value, Integral):
        return sympy.Integer(int(value))
    if isinstance(value, Fraction):
        return sympy.Rational(value.numerator, value.denominator)
    if isinstance(value, sympy.Expr):
        return sympy.nsimplify(value, rational=True) if value.has(sympy.Float) else value
    if isinstance(value, Real):
        number = float(value)
        require(number == number and abs(number) != float("inf"), argument, "must be finite", value)
        return sympy.Rational(number)
    raise InvalidTypeError(f"{argument} must be a number, a symbol or an expression, got {value!r}")


def _parsed(text: str, argument: str) -> sympy.Expr:
    from sympy.parsing.sympy_parser import parse_expr, rationalize, standard_transformations

    allowed = set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_+-*/(). ")
    require(bool(text.strip()) and set(text) <= allowed and "__" not in text, argument, "must be a number or an expression", text)
    try:
        parsed = parse_expr(text, transformations=(*standard_transformations, rationalize))
        expression = sympy.Expr() + parsed if not isinstance(parsed, sympy.Expr) else parsed
    except Exception:
        raise InvalidTypeError(f"{argument} must be a number or an expression, got {text!r}") from None
    positive = {s: sympy.Symbol(s.name, positive=True) for s in expression.free_symbols}
    return expression.xreplace(positive)


def as_float(expression: sympy.Expr, argument: str) -> float:
    """The float64 value of an expression without free symbols.

    >>> as_float(sympy.Symbol("a") / 2, "variance")
    Traceback (most recent call last):
    ...
    symrep.errors.FreeSymbolError: variance must be a number here, got a/2
    """
    if expression.free_symbols:
        raise FreeSymbolError(f"{argument} must be a number here, got {expression}")
    return float(expression)
