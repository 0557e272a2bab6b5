"""Kernels with rational values: at all joint count tables of one length, as integers over a common denominator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import lcm
from numbers import Rational
from typing import Any

import numpy as np
import sympy

from symrep.errors import (
    FreeSymbolError,
    InvalidArgumentError,
    InvalidTypeError,
    NotInvariantError,
    require,
    shown,
)
from symrep.kernels import Network
from symrep.kernels.joint_counts import NetworkKernel
from symrep.kernels.overlaps import (
    first_overlap_symbol,
    length_symbol,
    matches_symbol,
    overlap_symbol,
    same_token_symbol,
    second_overlap_symbol,
)
from symrep.kernels.parameters import exact_expression
from symrep.spectra.count_tables import count_tables, table_numbers
from symrep.spectra.kernel_functions import extra_token_of
from symrep.spectra.solver_arguments import overlap_polynomial

_COUNTS = (overlap_symbol, matches_symbol, first_overlap_symbol, second_overlap_symbol, same_token_symbol)
_ALLOWED = {symbol.name: symbol for symbol in (*_COUNTS[:-1], length_symbol)}


def exact_values(kernel: Any, length: int, vocab_size: int) -> tuple[np.ndarray, int]:
    """The kernel at all joint count tables of the permuted positions: integers (pairs of extra tokens or 1, tables).

    Returns
    -------
    tuple
        Python integers in an object array, and their common denominator.

    Raises
    ------
    InvalidTypeError, InvalidArgumentError
        When a value is not an exact rational, or the kernel is not symmetric: names the table.
    """
    is_network, extra_token = isinstance(kernel, Network | NetworkKernel), extra_token_of(kernel)
    total = length - (extra_token == "last")
    tables = count_tables(total, vocab_size**2).reshape(-1, vocab_size, vocab_size)
    tables.flags.writeable = False
    if callable(kernel) and not is_network and not isinstance(kernel, sympy.Expr):
        values, denominator = _function_values(kernel, tables)
    else:
        polynomial = overlap_polynomial(kernel) if is_network else _own_polynomial(kernel)
        values, denominator = _polynomial_values(polynomial, tables, length, extra_token)
    _require_symmetric(values, tables, denominator)
    return values, denominator


def require_exact_kernel(kernel: Any, vocab_size: int) -> None:
    """Raise unless the kernel is of a kind that may have rational values."""
    if isinstance(kernel, Network | NetworkKernel):
        invariance = kernel.invariance()
        if invariance.positions == "none":
            raise NotInvariantError(
                f"kernel must be symmetric under permutations of the positions, got {invariance.reason}"
            )
        if kernel.parameters():
            names = ", ".join(map(str, kernel.parameters()))
            raise FreeSymbolError(f"kernel must have numbers for its parameters, got the symbols {names}")
        consistent = kernel.vocab_size in (None, vocab_size)
        require(consistent, "kernel", f"must have the {vocab_size} tokens of the measure", kernel.vocab_size)
    elif not isinstance(kernel, sympy.Expr) and not callable(kernel):
        raise InvalidTypeError(
            f"kernel must be a network, a polynomial in u and m or a function of joint counts, got {shown(kernel)}"
        )


def _own_polynomial(kernel: sympy.Expr) -> sympy.Expr:
    by_name = {symbol.name: symbol for symbol in kernel.free_symbols}
    unknown = sorted(by_name.keys() - _ALLOWED.keys())
    require(not unknown, "kernel", "must have no symbols but u, m, u_xx, u_yy and L", unknown)
    return exact_expression(kernel, "kernel").xreplace({symbol: _ALLOWED[name] for name, symbol in by_name.items()})


def _polynomial_values(
    polynomial: sympy.Expr, tables: np.ndarray, length: int, extra_token: str | None
) -> tuple[np.ndarray, int]:
    at_length = polynomial.subs(length_symbol, length)
    require(not at_length.has(sympy.zoo, sympy.nan), "length", "must not be a pole of the kernel", length)
    require(bool(at_length.is_polynomial(*_COUNTS)), "kernel", "must be a polynomial in u and m", polynomial)
    terms = sympy.Poly(at_length, *_COUNTS).terms()
    rational = all(coefficient.is_Rational for _, coefficient in terms)
    require(rational, "kernel", "must have rational coefficients (block_spectrum takes others in float64)", polynomial)
    denominator = lcm(*(int(coefficient.q) for _, coefficient in terms))
    integers = [(powers, int(c.p) * (denominator // int(c.q))) for powers, c in terms]
    vocab_size = tables.shape[-1]
    result = []
    for v, w in [(0, 0)] if extra_token is None else np.ndindex(vocab_size, vocab_size):
        moved = tables
        if extra_token == "last":
            moved = tables.copy()
            moved[:, v, w] += 1
        of_x, of_y = moved.sum(axis=2), moved.sum(axis=1)
        matches = np.trace(moved, axis1=1, axis2=2)
        counts = [(of_x * of_y).sum(axis=1), matches, (of_x**2).sum(axis=1), (of_y**2).sum(axis=1)]
        counts.append(np.full(len(tables), int(v == w)))
        distinct, number = np.unique(np.stack(counts, axis=1), axis=0, return_inverse=True)
        total = np.zeros(len(distinct), dtype=object)
        for powers, coefficient in integers:
            factors = [distinct[:, i].astype(object) ** power for i, power in enumerate(powers) if power]
            total = total + np.multiply.reduce([np.full(len(distinct), coefficient, dtype=object), *factors])
        result.append(total[number.reshape(-1)])
    return np.array(result, dtype=object).reshape(-1, len(tables)), denominator


def _function_values(function: Callable[..., Any], tables: np.ndarray) -> tuple[np.ndarray, int]:
    found = _call_with_all(function, tables)
    if isinstance(found, np.ndarray) and found.dtype.kind == "f":
        raise InvalidTypeError(
            f"kernel must return exact integers or fractions, got entries of type {found.dtype}; block_spectrum takes floats"
        )
    fractions = [_as_fraction(value, table) for value, table in zip(found, tables)]
    denominator = lcm(*(value.denominator for value in fractions))
    integers = [value.numerator * (denominator // value.denominator) for value in fractions]
    return np.array([integers], dtype=object), denominator


def _call_with_all(function: Callable[..., Any], tables: np.ndarray) -> Any:
    """The values at all tables: by one call, or else by one call for every table.

    Python integers first, which cannot overflow; int64 for functions that index with them.
    """
    failures: list[Exception] = []
    for numbers in (object, np.int64):
        given = tables.astype(numbers)
        given.flags.writeable = False
        try:
            found = np.asarray(function(given))
        except Exception as error:  # whatever a function of one table does with many
            failures.append(error)
            continue
        if found.shape == (len(tables),):
            return found
        rule = f"kernel must return an array of shape ({len(tables)},), or one number for one table, got shape {found.shape}"
        failures.append(InvalidArgumentError(rule))
    singles: Iterable[Callable[[np.ndarray], Any]] = (_as_tuples, lambda table: table)
    for convert in singles:
        try:
            first = function(convert(tables[0]))
        except Exception as error:
            failures[-1].add_note(f"Called with the one table {convert(tables[0])} the kernel raised {error!r}.")
            continue
        if np.ndim(first) == 0:
            return [function(convert(table)) for table in tables]
    raise failures[-1]


def _as_tuples(table: np.ndarray) -> tuple[tuple[int, ...], ...]:
    return tuple(map(tuple, table.tolist()))


def _as_fraction(value: Any, table: np.ndarray) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, Rational):
        raise InvalidTypeError(
            f"kernel must return ints, Fractions or sympy Rationals, got {shown(value)} at N = {table.tolist()}; "
            "block_spectrum takes floats"
        )
    return Fraction(int(value.numerator), int(value.denominator))


def _require_symmetric(values: np.ndarray, tables: np.ndarray, denominator: int) -> None:
    vocab_size = tables.shape[-1]
    transposed = table_numbers(np.swapaxes(tables, 1, 2).reshape(len(tables), -1))
    pairs = np.arange(len(values))
    if len(values) > 1:
        pairs = pairs.reshape(vocab_size, -1).T.ravel()
    wrong = np.argwhere(values != values[pairs][:, transposed])
    if len(wrong):
        pair, number = wrong[0]
        N, other = tables[number].tolist(), tables[transposed[number]].tolist()
        found = values[pair, number], values[pairs[pair], transposed[number]]
        here, there = (shown(sympy.Rational(int(value), denominator)) for value in found)
        raise InvalidArgumentError(f"kernel must be symmetric, got {here} at N = {N} and {there} at N = {other}")
