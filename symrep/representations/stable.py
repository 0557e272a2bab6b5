r"""Irreps of S_n with n symbolic: padded shapes :math:`(n-|\mu|, \mu)`, their dimensions and characters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import factorial, prod
from typing import Any

import sympy

from symrep.combinatorics.partitions import Partition, as_partition, partitions
from symrep.errors import InvalidPartitionError, InvalidTypeError, require, require_integer
from symrep.representations.characters import character


@dataclass(frozen=True)
class PaddedShape:
    r"""The family of shapes :math:`\mu[n] = (n-|\mu|, \mu_1, \mu_2, \dots)`, one for every n at least ``minimum_degree``.

    Parameters
    ----------
    lower
        The partition :math:`\mu` below the first row; ``()`` is the trivial representation, ``(1,)`` the standard one.
    degree
        The symbol or expression that stands for n, the degree of the symmetric group; ``L`` unless told.

    Examples
    --------
    >>> standard = PaddedShape((1,))
    >>> standard, standard.dimension, standard.at(5)
    (PaddedShape((1,), L), L - 1, Partition((4, 1)))
    >>> str(PaddedShape((1, 1), sympy.Symbol("L") - 1))
    '(L-3,1,1)'
    """

    lower: Partition
    degree: sympy.Expr

    def __init__(self, lower: Partition | Iterable[int] = (), degree: Any = None) -> None:
        object.__setattr__(self, "lower", as_partition(lower, "lower"))
        object.__setattr__(self, "degree", as_degree("L" if degree is None else degree, "degree"))

    @property
    def depth(self) -> int:
        """The number of cells below the first row."""
        return self.lower.size

    @property
    def minimum_degree(self) -> int:
        r"""The least n for which the shape is a partition: :math:`|\mu| + \mu_1`."""
        return self.lower.size + (self.lower.parts[0] if self.lower.parts else 0)

    def exists(self, n: int) -> bool:
        """Whether the shape is a partition at degree n."""
        return require_integer(n, "n") >= self.minimum_degree

    def at(self, n: int) -> Partition:
        """The partition at degree n.

        Raises
        ------
        InvalidPartitionError
            When n is below ``minimum_degree``.
        """
        n = require_integer(n, "n", minimum=0)
        require(self.exists(n), "n", f"must be at least {self.minimum_degree} for {self}", n, InvalidPartitionError)
        first = n - self.lower.size
        return Partition((first, *self.lower.parts) if first else ())

    @cached_property
    def dimension(self) -> sympy.Expr:
        r"""The dimension as a factored polynomial in the degree, of degree :math:`|\mu|`."""
        return stable_dimension(self.lower, self.degree)

    def __str__(self) -> str:
        first = sympy.expand(self.degree - self.lower.size)
        return "(" + ",".join([str(first).replace(" ", ""), *map(str, self.lower.parts)]) + ")"

    def __repr__(self) -> str:
        return f"PaddedShape({self.lower.parts!r}, {self.degree})"

    def _latex(self, printer: Any = None) -> str:
        first = sympy.latex(sympy.expand(self.degree - self.lower.size))
        return "(" + ",".join([first, *map(str, self.lower.parts)]) + ")"

    def _repr_latex_(self) -> str:
        return f"${self._latex()}$"


def stable_dimension(mu: Partition | Iterable[int], n: Any) -> sympy.Expr:
    r"""The dimension of :math:`S^{(n-|\mu|, \mu)}` as a polynomial in n, by the hook length formula.

    .. math:: f^{\mu[n]} = \frac{f^\mu}{k!} \prod_{i \in \{0..k+\mu_1-1\} \setminus \{k+c-1-\mu'_c\}} (n - i), \qquad k = |\mu|

    Its degree is k and its leading coefficient :math:`f^\mu/k!`. An integer n gives an integer (below the stable
    range the polynomial still has a value, but no representation belongs to it).

    >>> stable_dimension((1, 1), "L")
    (L - 2)*(L - 1)/2
    >>> stable_dimension((3,), 8), stable_dimension((2, 1), 5)
    (28, 5)
    """
    mu, n = as_partition(mu, "mu"), as_degree(n, "n")
    k = mu.size
    columns = mu.conjugate.parts
    hooks = {k + column - height for column, height in enumerate(columns)}
    factors = [n - i for i in range(k + len(columns)) if i not in hooks]
    return sympy.Rational(mu.dimension, factorial(k)) * sympy.prod(factors)


def as_degree(value: Any, argument: str) -> sympy.Expr:
    """A degree as a sympy expression: an integer of at least 0, the name of a symbol, or an expression in symbols."""
    if isinstance(value, str):
        require(value.isidentifier(), argument, "must be an integer, a name or an expression", value, InvalidTypeError)
        return sympy.Symbol(value, integer=True, positive=True)
    if isinstance(value, sympy.Expr) and value.free_symbols:
        return value
    return sympy.Integer(require_integer(value, argument, minimum=0))


def character_polynomial(mu: Partition | Iterable[int]) -> sympy.Expr:
    r"""The character of :math:`S^{(n-|\mu|, \mu)}` as a polynomial in the cycle counts ``a_1, a_2, ...``.

    Expand the Schur function :math:`s_\mu` in power sums, replace :math:`p_i` by :math:`i a_i - 1`, then every power
    :math:`a_i^r` by the falling factorial :math:`a_i (a_i-1) \cdots (a_i-r+1)` (Garsia and Goupil 2009). Its value
    at the cycle counts of a permutation of n points is the character, for every n in the stable range.

    >>> character_polynomial((1,))
    a_1 - 1
    >>> sympy.expand(character_polynomial((1, 1)))
    a_1**2/2 - 3*a_1/2 - a_2 + 1
    """
    mu = as_partition(mu, "mu")
    counts = sympy.symbols(f"a_1:{mu.size + 1}", integer=True, nonnegative=True)
    if not counts:
        return sympy.Integer(1)
    shifted = sympy.Integer(0)
    for rho in partitions(mu.size):
        coefficient = sympy.Rational(character(mu, rho), rho.centralizer_order)
        shifted += coefficient * prod(part * counts[part - 1] - 1 for part in rho.parts)
    polynomial = sympy.Poly(shifted, *counts)
    result = sympy.Integer(0)
    for exponents, coefficient in polynomial.terms():
        result += coefficient * sympy.prod(sympy.ff(a, r) for a, r in zip(counts, exponents))
    return sympy.expand(result)
