r"""The overlap ring: polynomials that describe what a polynomial network computes on a pair of sequences.

Two sequences x, y of length L over V tokens meet only through the indicators :math:`e = [x_s = y_t]` and
:math:`d = [s = t]`, with :math:`e^2 = e` and :math:`d^2 = d`. A kernel between position s of x and position t of y is
therefore :math:`c_0 + c_e e + c_d d + c_{ed} ed`, and summing an indicator over all positions gives the counts

.. math:: \sum_{s,t} e = u = \sum_v n_v(x) n_v(y), \qquad \sum_{s,t} d = L, \qquad \sum_{s,t} ed = m = \#\{s : x_s = y_s\}.

Readouts at one token bring one more indicator, :math:`g = [\text{token of } x = \text{token of } y]`, :math:`g^2 = g`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

length_symbol = sympy.Symbol("L", integer=True, positive=True)
vocabulary_symbol = sympy.Symbol("V", integer=True, positive=True)
overlap_symbol = sympy.Symbol("u", integer=True, nonnegative=True)
matches_symbol = sympy.Symbol("m", integer=True, nonnegative=True)
same_token_symbol = sympy.Symbol("g", integer=True, nonnegative=True)

@dataclass(frozen=True)
class OverlapKernel:
    """A kernel between positions, as exact coefficients of ``1, e, d, ed`` (sympy expressions in u, m, L and parameters).

    The index of a coefficient is a bit set: 1 for e, 2 for d.

    >>> a, p = sympy.symbols("a p", positive=True)
    >>> T = OverlapKernel.indicators(e=a, d=p)
    >>> sympy.expand(T.frobenius(T))
    L*p**2 + a**2*u + 2*a*m*p
    """

    coefficients: tuple[sympy.Expr, sympy.Expr, sympy.Expr, sympy.Expr]

    @classmethod
    def indicators(cls, one: Any = 0, e: Any = 0, d: Any = 0, ed: Any = 0) -> OverlapKernel:
        """The kernel with these coefficients."""
        return cls(tuple(sympy.sympify(c) for c in (one, e, d, ed)))

    def add_indicators(self, e: Any = 0, d: Any = 0) -> OverlapKernel:
        """This kernel plus ``e`` times the token indicator plus ``d`` times the position indicator."""
        return self + OverlapKernel.indicators(e=e, d=d)

    def constant(self, value: Any) -> OverlapKernel:
        """The kernel with the same value at every pair of positions."""
        return OverlapKernel.indicators(one=value)

    def __add__(self, other: OverlapKernel) -> OverlapKernel:
        return OverlapKernel(tuple(a + b for a, b in zip(self.coefficients, other.coefficients)))

    def __mul__(self, scalar: Any) -> OverlapKernel:
        """Multiplication by a scalar."""
        return OverlapKernel(tuple(c * scalar for c in self.coefficients))

    def hadamard(self, other: OverlapKernel) -> OverlapKernel:
        """The product at every pair of positions."""
        result = [sympy.Integer(0)] * 4
        for i, a in enumerate(self.coefficients):
            for j, b in enumerate(other.coefficients):
                result[i | j] += a * b
        return OverlapKernel(tuple(result))

    def total(self) -> sympy.Expr:
        """The sum over all pairs of positions."""
        one, e, d, ed = self.coefficients
        return one * length_symbol**2 + e * overlap_symbol + d * length_symbol + ed * matches_symbol

    def frobenius(self, other: OverlapKernel) -> sympy.Expr:
        r"""The Frobenius product :math:`\sum_{st} A_{st} B_{st}`."""
        return self.hadamard(other).total()

    def mean(self) -> sympy.Expr:
        """The mean over all pairs of positions."""
        return self.total() / length_symbol**2

    def diagonal_mean(self) -> sympy.Expr:
        """The mean over equal positions s = t."""
        one, e, d, ed = self.coefficients
        return one + d + (e + ed) * matches_symbol / length_symbol

    def last(self) -> sympy.Expr:
        """The entry at the last position of both sequences; g tells whether their last tokens agree."""
        one, e, d, ed = self.coefficients
        return one + d + (e + ed) * same_token_symbol

    @property
    def length(self) -> sympy.Symbol:
        """The number of positions: the symbol L."""
        return length_symbol


@dataclass(frozen=True)
class ArrayKernel:
    """A kernel between positions on given sequences: ``values`` has shape (n, m, L, L), ``tokens`` says where x_s = y_t."""

    values: np.ndarray
    tokens: np.ndarray

    @classmethod
    def zero(cls, x: np.ndarray, y: np.ndarray) -> ArrayKernel:
        """The zero kernel on the sequences x, of shape (n, L), and y, of shape (m, L)."""
        tokens = (x[:, None, :, None] == y[None, :, None, :]).astype(np.float64)
        return cls(np.zeros_like(tokens), tokens)

    def add_indicators(self, e: float = 0.0, d: float = 0.0) -> ArrayKernel:
        """This kernel plus ``e`` times the token indicator plus ``d`` times the position indicator."""
        return ArrayKernel(self.values + e * self.tokens + d * np.eye(self.length), self.tokens)

    def constant(self, value: Any) -> ArrayKernel:
        """The kernel with one value per pair of sequences at every pair of positions."""
        value = np.broadcast_to(value, self.values.shape[:2])
        return ArrayKernel(np.broadcast_to(value[:, :, None, None], self.values.shape), self.tokens)

    def __add__(self, other: ArrayKernel) -> ArrayKernel:
        return ArrayKernel(self.values + other.values, self.tokens)

    def __mul__(self, scalar: Any) -> ArrayKernel:
        """Multiplication by a number, or by one number per pair of sequences."""
        scalar = np.asarray(scalar)
        if scalar.ndim == 2:
            scalar = scalar[:, :, None, None]
        return ArrayKernel(self.values * scalar, self.tokens)

    def frobenius(self, other: ArrayKernel) -> np.ndarray:
        r"""The Frobenius product :math:`\sum_{st} A_{st} B_{st}`, of shape (n, m)."""
        return np.einsum("xyst,xyst->xy", self.values, other.values)

    def mean(self) -> np.ndarray:
        """The mean over all pairs of positions, of shape (n, m)."""
        return self.values.mean(axis=(2, 3))

    def diagonal_mean(self) -> np.ndarray:
        """The mean over equal positions, of shape (n, m)."""
        return np.einsum("xyss->xy", self.values) / self.length

    def last(self) -> np.ndarray:
        """The entry at the last position of both sequences, of shape (n, m)."""
        return self.values[:, :, -1, -1]

    @property
    def length(self) -> int:
        """The number of positions."""
        return self.values.shape[-1]
