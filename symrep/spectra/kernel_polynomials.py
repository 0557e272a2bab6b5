"""Polynomial kernels by their monomials in the counts of a pair of sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sympy

from symrep.errors import InvalidArgumentError, require
from symrep.kernels.overlaps import (
    first_overlap_symbol,
    matches_symbol,
    overlap_symbol,
    same_token_symbol,
    second_overlap_symbol,
)

Monomial = tuple[int, int, int]
OwnPowers = tuple[int, int]
_COUNTS = (overlap_symbol, matches_symbol, same_token_symbol, first_overlap_symbol, second_overlap_symbol)


@dataclass(frozen=True)
class KernelPolynomial:
    """A kernel as a sum of monomials in u, m and g, some of them times powers of u_xx and u_yy.

    Attributes
    ----------
    terms
        Pairs ((power of u, power of m, power of g), coefficient): the part without u_xx and u_yy.
    own_terms
        Triples (powers as in ``terms``, (power of u_xx, power of u_yy), coefficient): the rest.
    """

    terms: tuple[tuple[Monomial, sympy.Expr], ...]
    own_terms: tuple[tuple[Monomial, OwnPowers, sympy.Expr], ...] = ()

    @classmethod
    def from_expression(cls, expression: sympy.Expr) -> KernelPolynomial:
        """Read a polynomial in u, m, g, u_xx and u_yy; :math:`g^2 = g` is applied.

        Raises
        ------
        InvalidArgumentError
            When the expression is not polynomial in them, or changes when u_xx and u_yy are exchanged.

        Examples
        --------
        >>> K = KernelPolynomial.from_expression(first_overlap_symbol * second_overlap_symbol + overlap_symbol**2)
        >>> K.terms, K.own_terms
        ((((2, 0, 0), 1),), (((0, 0, 0), (1, 1), 1),))
        """
        try:
            polynomial = sympy.Poly(sympy.expand(expression), *_COUNTS)
        except sympy.PolynomialError:
            raise InvalidArgumentError(f"kernel must be a polynomial in u, m and g, got {expression}") from None
        leftover = any(set(_COUNTS) & c.free_symbols for c in polynomial.coeffs())
        require(not leftover, "kernel", "must be a polynomial in u, m and g", expression)
        terms: dict[tuple[Monomial, OwnPowers], sympy.Expr] = {}
        for (i, j, l, *own), coefficient in polynomial.terms():
            key = ((i, j, min(l, 1)), tuple(own))
            terms[key] = terms.get(key, 0) + coefficient
        terms = {key: sympy.factor(c) for key, c in terms.items()}
        for (monomial, own), coefficient in terms.items():
            mirrored = terms.get((monomial, own[::-1]), sympy.Integer(0))
            symmetric = own[0] == own[1] or sympy.cancel(coefficient - mirrored) == 0
            require(symmetric, "kernel", "must not change when u_xx and u_yy are exchanged", expression)
        return cls._from_terms((monomial, own, c) for (monomial, own), c in terms.items())

    @classmethod
    def _from_terms(cls, terms: Any) -> KernelPolynomial:
        present = sorted((term for term in terms if term[2] != 0), key=lambda term: term[:2])
        plain = tuple((monomial, c) for monomial, own, c in present if not any(own))
        return cls(plain, tuple(term for term in present if any(term[1])))

    def all_terms(self) -> Iterator[tuple[Monomial, OwnPowers, sympy.Expr]]:
        """Monomials in u, m and g, powers of u_xx and u_yy, coefficients."""
        for monomial, coefficient in self.terms:
            yield monomial, (0, 0), coefficient
        yield from self.own_terms

    def map_coefficients(self, function: Callable[[sympy.Expr], sympy.Expr]) -> KernelPolynomial:
        """The kernel with a function applied to every coefficient; terms that become 0 are dropped."""
        return self._from_terms((monomial, own, function(c)) for monomial, own, c in self.all_terms())

    def for_query(self, mean_same_token: sympy.Expr, keeps_constant: bool) -> KernelPolynomial:
        """The kernel with g replaced by a number, and without its terms free of g unless ``keeps_constant``."""
        terms: dict[Any, sympy.Expr] = {}
        for (i, j, l), own, coefficient in self.all_terms():
            if l or keeps_constant:
                key = ((i, j, 0), own)
                terms[key] = terms.get(key, 0) + (coefficient * mean_same_token if l else coefficient)
        return self._from_terms((monomial, own, sympy.factor(c)) for (monomial, own), c in terms.items())

    @property
    def match_degree(self) -> int:
        """The degree r in m: the largest depth of a shape that the kernel reaches."""
        return max((j for (_, j, _), _, _ in self.all_terms()), default=0)

    @property
    def has_same_token(self) -> bool:
        """Whether g occurs."""
        return any(l for (_, _, l), _, _ in self.all_terms())

    def row_degree(self, depth: int) -> int:
        """The largest degree in the counts of row one that the kernel leaves on shapes of this depth.

        u is of degree 1 in the counts of x, m of degree 1 less one for every box below row one, and u_xx of degree 2.
        """
        return max((i + j - depth + 2 * k for (i, j, _), (k, _), _ in self.all_terms() if j >= depth), default=0)
