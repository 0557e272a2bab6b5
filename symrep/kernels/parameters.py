"""Variances and standard deviations of layers: exact numbers, symbols or expressions."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from math import inf, isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np
import sympy

from symrep.errors import FreeSymbolError, InvalidArgumentError, InvalidTypeError, require, require_symbols, shown
from symrep.kernels.overlaps import (
    first_overlap_symbol,
    length_symbol,
    matches_symbol,
    overlap_symbol,
    same_token_symbol,
    second_overlap_symbol,
    vocabulary_symbol,
)

_SHARED = {symbol.name: symbol for symbol in (length_symbol, vocabulary_symbol, overlap_symbol, matches_symbol)}
# the counts of the overlap ring, and the unknown of characteristic polynomials
_COUNTS = (overlap_symbol, matches_symbol, same_token_symbol, first_overlap_symbol, second_overlap_symbol)
RESERVED_NAMES = frozenset({"x", *(symbol.name for symbol in _COUNTS)})
_NOT_NAMES = frozenset({"nan", "inf", "infinity", "oo", "zoo", "I", "E", "pi"})
_LARGEST_EXPONENT = 1000
_LARGEST_BITS = 256
_DOUBLE_BITS = 53
_LINE_ENDS = re.compile(rb"\r\n|\r|\n")
_DECIMAL = re.compile(r"\d+(\.\d*)?([eE][+-]?\d{1,2})?|\.\d+([eE][+-]?\d{1,2})?")


def as_parameter(value: Any, argument: str) -> sympy.Expr:
    """Return ``value`` as an exact sympy expression that is not known to be negative.

    Numbers stay exact. A float is the shortest decimal that it prints as, so that 0.1 is a tenth; write ``"1/3"`` or
    ``Rational(1, 3)`` for a third.
    A string is a number or an expression in positive symbols (see :func:`parse_expression`). The names L and V mean the
    context length and the vocabulary size; u, m, g (counts of the overlap ring) and x (the unknown of characteristic
    polynomials) are refused.

    >>> as_parameter("1/10", "variance"), as_parameter(0.1, "variance"), as_parameter("a", "variance").is_positive
    (1/10, 1/10, True)
    >>> as_parameter(-1, "variance")
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidArgumentError: variance must not be negative, got -1
    """
    expression = as_coefficient(value, argument)
    negative = expression.is_negative or (expression.is_Add and sympy.expand(expression).is_negative)
    require(negative is not True, argument, "must not be negative", value)
    return expression


def as_coefficient(value: Any, argument: str) -> sympy.Expr:
    """Like :func:`as_parameter`, of either sign.

    >>> as_coefficient("-1/2", "coefficients")
    -1/2
    """
    expression = with_shared_symbols(exact_expression(value, argument), argument, RESERVED_NAMES)
    finite = not expression.has(sympy.nan, sympy.oo, -sympy.oo, sympy.zoo) and expression.is_real is not False
    require(finite, argument, "must be a finite real number or an expression", value)
    small = all(_is_short(number) for number in expression.atoms(sympy.Rational))
    require(small, argument, f"must have numerators and denominators of at most {_LARGEST_BITS} bits", value)
    return expression


def _is_short(number: sympy.Rational) -> bool:
    return max(abs(number.p).bit_length(), number.q.bit_length()) <= _LARGEST_BITS


def exact_expression(value: Any, argument: str) -> sympy.Expr:
    """A number, a text or an expression as an exact sympy expression; floats as the shortest decimals that they print as.

    >>> exact_expression(0.1, "value"), exact_expression(np.float32(0.1), "value"), exact_expression(0.3 * sympy.Symbol("a"), "value")
    (1/10, 1/10, 3*a/10)
    """
    if isinstance(value, bool):
        raise InvalidTypeError(f"{argument} must be a number, a symbol or an expression, got {shown(value)}")
    if isinstance(value, str):
        return parse_expression(value, argument)
    if isinstance(value, Integral):
        return sympy.Integer(int(value))
    if isinstance(value, Fraction):
        return sympy.Rational(value.numerator, value.denominator)
    if isinstance(value, sympy.Expr):
        return value.xreplace({number: _shortest_decimal(number) for number in value.atoms(sympy.Float)})
    if isinstance(value, Real | Decimal):
        finite = value.is_finite() if isinstance(value, Decimal) else isfinite(value)
        require(finite, argument, "must be finite", value)
        return sympy.Rational(str(value if isinstance(value, np.floating | Decimal) else float(value)))
    raise InvalidTypeError(f"{argument} must be a number, a symbol or an expression, got {shown(value)}")


def _shortest_decimal(number: sympy.Float) -> sympy.Rational:
    is_double = number._prec == _DOUBLE_BITS and isfinite(float(number)) and float(number) != 0
    return sympy.Rational(str(float(number) if is_double else number))


def with_shared_symbols(expression: sympy.Expr, argument: str, taken: frozenset[str]) -> sympy.Expr:
    """L, V, u and m as the symbols that kernels use, whatever assumptions the caller's have; names in ``taken`` refused."""
    names = {symbol: symbol.name for symbol in expression.free_symbols}
    for name in names.values():
        require(name not in taken, argument, f"must not use the names {', '.join(sorted(taken))}", name)
    return expression.xreplace({symbol: _SHARED[name] for symbol, name in names.items() if name in _SHARED})


def parse_expression(text: str, argument: str) -> sympy.Expr:
    """Read a number or an expression: names, decimal numbers taken exactly, ``+ - * / **``, parentheses, ``sqrt``, ``abs`` and
    ``sign``.

    Nothing is evaluated as code, and no short text makes a huge number: exponents are rational numbers of at most 1000, and
    a power of numbers may have at most 256 bits. Names become positive symbols.

    >>> parse_expression("a**2/(4*L) + 0.1", "entry")
    1/10 + a**2/(4*L)
    >>> parse_expression("__import__('os')", "entry")
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidArgumentError: entry must be a number or an expression in names, + - * / **, sqrt, abs and sign, got "__import__('os')"
    """
    try:
        lines = _LINE_ENDS.split(text.strip().encode())
        expression = _converted(ast.parse(text.strip(), mode="eval").body, lines)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        rule = "must be a number or an expression in names, + - * / **, sqrt, abs and sign"
        hint = next((f": {hint}" for sign, hint in _HINTS.items() if sign in text), "")
        raise InvalidArgumentError(f"{argument} {rule}, got {shown(text)}{hint}") from None
    return expression


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sqrt": sympy.sqrt,
    "abs": sympy.Abs,
    "Abs": sympy.Abs,
    "sign": sympy.sign,
}
_HINTS = {
    "^": "powers are written **",
    "<": "sign(a - b) tells which of two is larger",
    ">": "sign(a - b) tells which of two is larger",
    "==": "1 - abs(sign(a - b)) is 1 where two are equal, else 0",
}
_OPERATIONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}


def _converted(node: ast.AST, lines: list[bytes]) -> sympy.Expr:
    match node:
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            source = lines[node.lineno - 1][node.col_offset : node.end_col_offset]
            literal = source.decode().replace("_", "")
            if _DECIMAL.fullmatch(literal):
                return sympy.Rational(literal)
        case ast.Name(id=name) if name not in _NOT_NAMES and not name.startswith("_"):
            return _SHARED.get(name) or sympy.Symbol(name, positive=True)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_converted(operand, lines)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _converted(operand, lines)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            base, exponent = _converted(left, lines), _converted(right, lines)
            bits = max(abs(base.p).bit_length(), base.q.bit_length()) if base.is_Rational else 1
            if (
                exponent.is_Rational
                and abs(exponent) <= _LARGEST_EXPONENT
                and bits * abs(exponent) <= 4 * _LARGEST_BITS
            ):
                return base**exponent
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATIONS:
            return _OPERATIONS[type(operator)](_converted(left, lines), _converted(right, lines))
        case ast.Call(func=ast.Name(id=name), args=[operand], keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](_converted(operand, lines))
    raise ValueError(ast.dump(node))


def as_float(expression: sympy.Expr, argument: str, owner: str | None = None) -> float:
    """The float64 value of an expression without free symbols; ``owner`` is what ``substitute`` may be called of.

    >>> as_float(sympy.Symbol("a") / 2, "variance", "net")
    Traceback (most recent call last):
    ...
    symrep.errors.FreeSymbolError: variance must be a number here, got a/2: net.substitute(a=...) puts numbers for symbols
    """
    if expression.free_symbols:
        numbers = ", ".join(f"{name}=..." for name in sorted(symbol.name for symbol in expression.free_symbols))
        hint = "" if owner is None else f": {owner}.substitute({numbers}) puts numbers for symbols"
        raise FreeSymbolError(f"{argument} must be a number here, got {expression}{hint}")
    real = expression.is_finite is not False and expression.is_real is not False
    require(real, argument, "must be a finite real number", expression)
    try:
        number = float(expression)
    except (TypeError, OverflowError):
        number = inf
    require(isfinite(number), argument, "must be a number within the range of float64", expression)
    return number


def as_text(expression: sympy.Expr) -> str:
    """An integer as it is, anything else quoted: text that a constructor reads back if its symbols are positive.

    >>> as_text(sympy.Integer(2)), as_text(sympy.Rational(1, 3))
    ('2', "'1/3'")
    """
    return str(expression) if expression.is_Integer else repr(str(expression))


def substitute(expression: Any, /, **values: Any) -> Any:
    """A sympy object with numbers or expressions for its symbols, by name.

    ``expression.subs("L", 10)`` leaves the expression as it is: its L is an integer and positive, the one that sympy reads from
    text is neither. Numbers are read exactly, as everywhere (see :func:`as_parameter`).

    Raises
    ------
    InvalidTypeError
        When it is no sympy object (or text, a number or an expression, which is read as one).
    InvalidArgumentError
        When no symbol of the expression has one of the names.

    Examples
    --------
    >>> from symrep import stable_dimension
    >>> dimension = stable_dimension((2, 1), "L")
    >>> dimension.subs("L", 10), substitute(dimension, L=10)
    (L*(L - 4)*(L - 2)/3, 160)
    """
    if isinstance(expression, str | int | float):
        expression = exact_expression(expression, "expression")
    if not isinstance(expression, sympy.Basic | sympy.MatrixBase):
        raise InvalidTypeError(f"expression must be a sympy object or text, got {shown(expression)}")
    symbols: dict[str, list[sympy.Symbol]] = {}
    for symbol in expression.free_symbols:
        symbols.setdefault(symbol.name, []).append(symbol)
    require_symbols(values, symbols)
    exact = {name: exact_expression(value, name) for name, value in values.items()}
    return expression.subs({symbol: exact[name] for name in exact for symbol in symbols[name]}, simultaneous=True)
