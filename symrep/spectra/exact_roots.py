r"""Roots of polynomials with rational coefficients and real roots only, to any precision, by exact counting.

The number of roots above a is the number of sign changes among the Taylor coefficients at a (Budan and Fourier; an equality
because no root is complex). Counts at dyadic points separate the roots, on a logarithmic scale first, since eigenvalues
of one block may differ by many orders of magnitude; exact signs then halve the brackets. Nothing is ever rounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import sympy
from sympy import ZZ
from sympy.external.gmpy import GROUND_TYPES
from sympy.polys.galoistools import gf_ddf_zassenhaus, gf_degree, gf_from_int_poly, gf_monic, gf_sqf_p

from symrep.errors import require
from symrep.spectra.roots import OrderedRoot

_LONGEST_TEXT = 400
_ONLY_REAL = "must have distinct and real roots only"
# factoring 60 degrees takes pure Python minutes, python-flint a fraction of a second
_SLOW_DEGREE = 12 if GROUND_TYPES != "flint" else 10**9
_FIRST_PRIME, _PRIMES = 211, 12


class _Bracket(NamedTuple):
    """A root in sign * (start, start + 1) / 2^bits."""

    sign: int
    start: int
    bits: int


class IsolatedRoot(OrderedRoot):
    """The k-th largest root of an irreducible polynomial with rational coefficients whose roots are all real.

    An :class:`~symrep.spectra.roots.OrderedRoot` that any degree and any size of the coefficients leaves fast to evaluate:
    every digit of ``evalf`` is certain. Other polynomials raise ``InvalidArgumentError`` when they are evaluated.

    >>> root = IsolatedRoot((1, 0, -15, 0, 60, 0, -50), 2)
    >>> root.evalf(40)
    1.061610405842267125815953494251656828866
    >>> abs(root.polynomial.eval(root.evalf(60))) < 1e-55
    True
    """

    def _eval_evalf(self, precision: int) -> sympy.Expr:
        start, bits = _refined(self.args[0], int(self.args[1]), precision + 2)
        return sympy.Float(sympy.Rational(start, 2**bits), precision=precision)

    def _sympystr(self, printer: Any) -> str:
        text = super()._sympystr(printer)
        return (
            text if len(text) <= _LONGEST_TEXT else f"{self.evalf(15)} (root {self.args[1]} of degree {self._degree})"
        )

    def _latex(self, printer: Any) -> str:
        text = super()._latex(printer)
        short = rf"\operatorname{{root}}_{{{int(self.args[1]) + 1}}}\left[p_{{{self._degree}}}\right]"
        return text if len(text) <= _LONGEST_TEXT else short

    @property
    def _degree(self) -> int:
        return len(self.args[0]) - 1


def rational_factors(polynomial: sympy.Poly) -> list[tuple[sympy.Poly, int]]:
    """The monic irreducible factors over the rational numbers, with multiplicities; the factor x comes first.

    >>> x = sympy.Symbol("x")
    >>> [(factor.as_expr(), power) for factor, power in rational_factors(sympy.Poly(x**3 * (2 * x - 1) * (x**2 - 2), x))]
    [(x, 3), (x - 1/2, 1), (x**2 - 2, 1)]
    """
    coefficients = polynomial.all_coeffs()
    zeros = next(i for i, c in enumerate(reversed(coefficients)) if c)
    x = polynomial.gen
    rest = sympy.Poly(coefficients[: len(coefficients) - zeros], x, domain=sympy.QQ)
    found = [(sympy.Poly(x, x, domain=sympy.QQ), zeros)] if zeros else []
    if rest.degree() >= _SLOW_DEGREE and is_surely_irreducible([int(c) for c in rest.clear_denoms()[1].all_coeffs()]):
        return [*found, (rest.monic(), 1)]
    return found + [(factor.monic(), power) for factor, power in rest.factor_list()[1]]


def is_surely_irreducible(coefficients: list[int]) -> bool:
    """Whether the degrees of the factors modulo some primes rule out any factor over the rational numbers.

    False where they do not, even if there is none. Coefficients highest first.

    >>> is_surely_irreducible([1, 0, 0, -1, -1]), is_surely_irreducible([1, 0, 0, 0, 1]), is_surely_irreducible([1, 0, -1])
    (True, False, False)
    """
    degree = len(coefficients) - 1
    # bit d is set while a factor of degree d is possible
    possible, prime = 2 ** (degree + 1) - 1, _FIRST_PRIME
    for _ in range(_PRIMES):
        reduced = gf_from_int_poly([ZZ(c) for c in coefficients], prime)
        if gf_degree(reduced) == degree:
            monic = gf_monic(reduced, prime, ZZ)[1]
            if gf_sqf_p(monic, prime, ZZ):
                sums = 1
                for product, d in gf_ddf_zassenhaus(monic, prime, ZZ):
                    for _ in range(gf_degree(product) // d):
                        sums |= sums << d
                possible &= sums
        if possible == 1 | 1 << degree:
            return True
        prime = sympy.nextprime(prime)
    return False


def number_of_roots_above(coefficients: Sequence[int], numerator: int, bits: int = 0) -> int:
    """How many roots exceed numerator / 2^bits, with multiplicity; all roots must be real. Coefficients highest first.

    >>> [number_of_roots_above((1, 0, -3, 1), a) for a in (-2, -1, 0, 1, 2)]
    [3, 2, 2, 1, 0]
    """
    current = [c << (bits * i) for i, c in enumerate(coefficients)]
    signs = []
    while current:
        current = list(accumulate(current, lambda total, c: total * numerator + c))
        last = current.pop()
        if last:
            signs.append(last > 0)
    return sum(a != b for a, b in pairwise(signs))


@lru_cache(maxsize=256)
def _brackets(coefficients: sympy.Tuple) -> tuple[tuple[int, ...], list[_Bracket]]:
    """Integer coefficients, and disjoint brackets of all roots, largest first. No root is rational."""
    denominator = sympy.ilcm(*(c.q for c in coefficients))
    integers = tuple(int(c * denominator) for c in coefficients)
    mirrored = _mirrored(integers)
    positive = list(_positive_brackets(integers))
    negative = [_Bracket(-1, start, bits) for _, start, bits in _positive_brackets(mirrored)]
    all_found = len(positive) + len(negative) == len(integers) - 1
    require(all_found, "polynomial", _ONLY_REAL, integers)
    return integers, positive + negative[::-1]


def _mirrored(coefficients: Sequence[int]) -> tuple[int, ...]:
    return tuple(-c if i % 2 else c for i, c in enumerate(coefficients))


def _positive_brackets(coefficients: tuple[int, ...]) -> Iterator[_Bracket]:
    top, bottom = _exponent_bound(coefficients), -_exponent_bound(coefficients[::-1])
    for octave, below, above in _octaves(coefficients, bottom, top, number_of_roots_above(coefficients, 0), 0):
        start = 2 ** max(octave, 0)
        yield from _within_octave(coefficients, start, max(-octave, 0), start, below, above)


def _exponent_bound(coefficients: tuple[int, ...]) -> int:
    """An exponent of two that no root reaches in absolute value (Fujiwara)."""
    lead = coefficients[0].bit_length()
    return 1 + max(-((lead - 1 - c.bit_length()) // k) for k, c in enumerate(coefficients) if k and c)


def _octaves(
    coefficients: tuple[int, ...], bottom: int, top: int, below: int, above: int
) -> Iterator[tuple[int, int, int]]:
    """The powers of two with roots between them and the next, and how many roots exceed either; largest first."""
    if below == above:
        return
    if top == bottom + 1:
        yield bottom, below, above
        return
    middle = (bottom + top) // 2
    count = number_of_roots_above(coefficients, 2 ** max(middle, 0), max(-middle, 0))
    yield from _octaves(coefficients, middle, top, count, above)
    yield from _octaves(coefficients, bottom, middle, below, count)


def _within_octave(
    coefficients: tuple[int, ...], start: int, bits: int, width: int, below: int, above: int
) -> Iterator[_Bracket]:
    """The roots in (start, start + width) / 2^bits, given how many exceed either end."""
    # a stack, since every bit that two roots share is one level deeper
    pending, deepest = [(start, bits, width, below, above)], _separating_bits(coefficients)
    while pending:
        start, bits, width, below, above = pending.pop()
        if below == above:
            continue
        if width == 1 and below == above + 1:
            yield _Bracket(1, start, bits)
            continue
        if width == 1:
            start, bits, width = 2 * start, bits + 1, 2
            require(bits <= deepest, "polynomial", _ONLY_REAL, coefficients)
        half = width // 2
        count = number_of_roots_above(coefficients, start + half, bits)
        pending.append((start, bits, half, below, count))
        pending.append((start + half, bits, width - half, count, above))


def _separating_bits(coefficients: tuple[int, ...]) -> int:
    """Distinct roots are further apart than 2^-bits (Mahler: sqrt(3) n^(-(n + 2) / 2) |p|^(1 - n) with the 2-norm)."""
    degree, largest = len(coefficients) - 1, max(c.bit_length() for c in coefficients)
    return (degree + 2) * degree.bit_length() + (degree - 1) * (largest + degree.bit_length())


@lru_cache(maxsize=4096)
def _refined(coefficients: sympy.Tuple, index: int, precision: int) -> tuple[int, int]:
    """The middle of a bracket of relative width below 2^-precision, as numerator and exponent of the denominator."""
    integers, brackets = _brackets(coefficients)
    sign, start, bits = brackets[index]
    if sign < 0:
        integers = _mirrored(integers)
    at_start = _is_positive(integers, start, bits)
    while start.bit_length() <= precision + 1:
        start, bits = 2 * start, bits + 1
        if _is_positive(integers, start + 1, bits) == at_start:
            start += 1
    return sign * (2 * start + 1), bits + 1


def _is_positive(coefficients: tuple[int, ...], numerator: int, bits: int) -> bool:
    total, shift = 0, 0
    for c in coefficients:
        total = total * numerator + (c << shift)
        shift += bits
    return total > 0
