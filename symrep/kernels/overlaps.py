r"""The overlap ring: polynomials that describe what a polynomial network computes on a pair of sequences.

Two sequences x, y of length L over V tokens meet only through the indicators :math:`e = [x_s = y_t]` and
:math:`d = [s = t]`, with :math:`e^2 = e` and :math:`d^2 = d`. A kernel between position s of x and position t of y is
therefore :math:`c_0 + c_e e + c_d d + c_{ed} ed`, and summing an indicator over all positions gives the counts

.. math:: \sum_{s,t} e = u = \sum_v n_v(x) n_v(y), \qquad \sum_{s,t} d = L, \qquad \sum_{s,t} ed = m = \#\{s : x_s = y_s\}.

Readouts at one token bring one more indicator, :math:`g = [\text{token of } x = \text{token of } y]`, :math:`g^2 = g`.
Nonlinearities bring the counts of each sequence with itself, :math:`u_{xx} = \sum_v n_v(x)^2` and :math:`u_{yy}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import factorial
from typing import Any

import sympy

from symrep.kernels.activations import polynomial_moments

length_symbol = sympy.Symbol("L", integer=True, positive=True)
vocabulary_symbol = sympy.Symbol("V", integer=True, positive=True)
overlap_symbol = sympy.Symbol("u", integer=True, nonnegative=True)
matches_symbol = sympy.Symbol("m", integer=True, nonnegative=True)
same_token_symbol = sympy.Symbol("g", integer=True, nonnegative=True)
first_overlap_symbol = sympy.Symbol("u_xx", integer=True, positive=True)
second_overlap_symbol = sympy.Symbol("u_yy", integer=True, positive=True)

_ZERO, _ONE = sympy.Integer(0), sympy.Integer(1)


@dataclass(frozen=True)
class Overlaps:
    """The counts of a pair of sequences: their overlap, their matches, whether their last or query tokens agree; their lengths."""

    overlap: sympy.Expr = overlap_symbol
    matches: sympy.Expr = matches_symbol
    same_token: sympy.Expr = same_token_symbol
    lengths: tuple[sympy.Expr, sympy.Expr] = (length_symbol, length_symbol)

    @property
    def one_length(self) -> bool:
        """Whether both sequences have the same length."""
        return self.lengths[0] == self.lengths[1]

    @property
    def shared(self) -> sympy.Expr:
        """The number of positions that both sequences have."""
        return self.lengths[0] if self.one_length else sympy.Min(*self.lengths)


def counts_between(length: int, other: int) -> tuple[Overlaps, Overlaps, Overlaps]:
    """The counts of sequences of two lengths, given as numbers: of a pair, and of each with itself."""
    own, others = sympy.Integer(length), sympy.Integer(other)
    first = Overlaps(first_overlap_symbol, own, _ONE, (own, own))
    second = Overlaps(second_overlap_symbol, others, _ONE, (others, others))
    return Overlaps(lengths=(own, others)), first, second


ALL_COUNTS = (
    Overlaps(),
    Overlaps(first_overlap_symbol, length_symbol, _ONE),
    Overlaps(second_overlap_symbol, length_symbol, _ONE),
)
PAIR = ALL_COUNTS[0]


@dataclass(frozen=True)
class OverlapKernel:
    """A kernel between positions, as exact coefficients of ``1, e, d, ed`` (sympy expressions in counts and parameters).

    The index of a coefficient is a bit set: 1 for e, 2 for d. ``query`` is the kernel between query tokens, and
    ``counts`` what the sums over positions become.

    >>> a, p = sympy.symbols("a p", positive=True)
    >>> T = OverlapKernel.indicators(e=a, d=p)
    >>> sympy.expand(T.frobenius(T))
    L*p**2 + a**2*u + 2*a*m*p
    """

    coefficients: tuple[sympy.Expr, sympy.Expr, sympy.Expr, sympy.Expr]
    query: sympy.Expr = _ZERO
    has_query: bool = field(default=False, repr=False)
    counts: Overlaps = field(default=PAIR, repr=False)

    is_exact = True

    @classmethod
    def indicators(cls, one: Any = 0, e: Any = 0, d: Any = 0, ed: Any = 0, counts: Overlaps = PAIR) -> OverlapKernel:
        """The kernel with these coefficients."""
        return cls(tuple(sympy.sympify(c) for c in (one, e, d, ed)), counts=counts)

    def add_tokens(self, variance: sympy.Expr) -> OverlapKernel:
        """This kernel plus the token indicator times its variance."""
        return self + replace(self, coefficients=(_ZERO, variance, _ZERO, _ZERO), query=_ZERO)

    def add_positions(self, variance: sympy.Expr) -> OverlapKernel:
        """This kernel plus the position indicator times its variance."""
        return self + replace(self, coefficients=(_ZERO, _ZERO, variance, _ZERO), query=_ZERO)

    def add_query(self, token_variance: sympy.Expr, position_variance: sympy.Expr) -> OverlapKernel:
        """This kernel plus that of a query token."""
        query = self.query + token_variance * self.counts.same_token + position_variance
        return replace(self, query=query, has_query=True)

    def scale_context(self, scalar: sympy.Expr) -> OverlapKernel:
        """Multiplication by a scalar everywhere but at the query."""
        return replace(self, coefficients=tuple(c * scalar for c in self.coefficients))

    def constant(self, value: Any) -> OverlapKernel:
        """The kernel with the same value at every pair of positions."""
        return replace(self, coefficients=(sympy.sympify(value), _ZERO, _ZERO, _ZERO), query=sympy.sympify(value))

    read = constant

    def __add__(self, other: OverlapKernel) -> OverlapKernel:
        added = tuple(a + b for a, b in zip(self.coefficients, other.coefficients))
        return replace(self, coefficients=added, query=self.query + other.query)

    def __mul__(self, scalar: Any) -> OverlapKernel:
        """Multiplication by a scalar."""
        return replace(self, coefficients=tuple(c * scalar for c in self.coefficients), query=self.query * scalar)

    def hadamard(self, other: OverlapKernel) -> OverlapKernel:
        """The product at every pair of positions."""
        result = [_ZERO] * 4
        for i, a in enumerate(self.coefficients):
            for j, b in enumerate(other.coefficients):
                result[i | j] += a * b
        return replace(self, coefficients=tuple(result), query=self.query * other.query)

    def total(self) -> sympy.Expr:
        """The sum over all pairs of positions, without the query."""
        one, e, d, ed = self.coefficients
        shared = self.counts.shared
        return one * self.position_pairs + e * self.counts.overlap + d * shared + ed * self.counts.matches

    def frobenius(self, other: OverlapKernel) -> sympy.Expr:
        r"""The Frobenius product :math:`\sum_{st} A_{st} B_{st}`."""
        return self.hadamard(other).total()

    def mean(self) -> sympy.Expr:
        """The mean over all pairs of positions."""
        return self.total() / self.position_pairs

    def diagonal_mean(self) -> sympy.Expr:
        """The mean over equal positions s = t, for sequences of one length."""
        one, e, d, ed = self.coefficients
        return one + d + (e + ed) * self.counts.matches / self.counts.lengths[0]

    def last(self) -> sympy.Expr:
        """The entry at the last position of both sequences."""
        one, e, d, ed = self.coefficients
        if not self.counts.one_length:
            return one + e * self.counts.same_token
        return one + d + (e + ed) * self.counts.same_token

    def variance(self) -> sympy.Expr:
        """The variance at a position of the context: the entry where token and position agree."""
        return sympy.Add(*self.coefficients)

    def polynomial_dual(
        self, coefficients: Sequence[sympy.Expr], first: OverlapKernel, second: OverlapKernel
    ) -> OverlapKernel:
        r"""The dual of a polynomial, given the kernels of both sequences with themselves.

        :math:`\sum_j \mathbb{E} f^{(j)}(U) \, \mathbb{E} f^{(j)}(W) \, K^j / j!` with the variances of U and W.
        """
        context = [polynomial_moments(coefficients, side.variance()) for side in (first, second)]
        query = [polynomial_moments(coefficients, side.query) for side in (first, second)]
        result, power = self.constant(0), self.constant(1)
        for j in range(len(coefficients)):
            at_context, at_query = (pair[0][j] * pair[1][j] / factorial(j) for pair in (context, query))
            term = replace(power.scale_context(at_context), query=power.query * at_query)
            result, power = result + term, power.hadamard(self)
        return result

    @property
    def position_pairs(self) -> sympy.Expr:
        """The number of pairs of positions."""
        return self.counts.lengths[0] * self.counts.lengths[1]
