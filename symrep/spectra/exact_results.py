"""Exact block spectra as results: rational blocks with certain eigenvalues, of all shapes or of those asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import lcm
from typing import Any

import sympy
from sympy.polys.matrices import DomainMatrix

from symrep.combinatorics.partitions import Partition
from symrep.display import Table
from symrep.errors import require
from symrep.spectra.exact_roots import IsolatedRoot, rational_factors
from symrep.spectra.isotypic_block import Block, Shape, eigenvalue_symbol
from symrep.spectra.roots import factor_roots
from symrep.spectra.spectrum import EvaluatedSpectrum, Spectrum

_LARGEST_SYMPY_DEGREE = 4
_CANCELLED_DIGITS = 50


@dataclass(frozen=True, repr=False)
class ExactBlock(Block):
    """A block with rational numbers, of any size.

    Attributes
    ----------
    sequences
        One per row: the coordinates of a function are its values at these sequences, whose positions fill the columns of
        the shape from left to right, every column from top to bottom; an extra token comes last.
    """

    sequences: tuple[tuple[int, ...], ...]

    @cached_property
    def characteristic_polynomial(self) -> sympy.Poly:
        """det(x - matrix) as a polynomial in x over the rational numbers."""
        denominator = lcm(*(int(entry.q) for entry in self.matrix))
        integers = [[sympy.ZZ(int(entry * denominator)) for entry in row] for row in self.matrix.tolist()]
        coefficients = DomainMatrix(integers, self.matrix.shape, sympy.ZZ).charpoly()
        exact = [sympy.Rational(int(c), denominator**i) for i, c in enumerate(coefficients)]
        return sympy.Poly(exact, eigenvalue_symbol, domain=sympy.QQ)

    @cached_property
    def factors(self) -> tuple[tuple[sympy.Poly, int], ...]:
        """The monic irreducible factors of the characteristic polynomial over the rational numbers."""
        return tuple(rational_factors(self.characteristic_polynomial))

    @cached_property
    def eigenvalues(self) -> tuple[tuple[sympy.Expr, int], ...]:
        """Eigenvalues and how often the matrix has them, zero included; factor by factor, largest first in each.

        Numbers of sympy for factors of degree at most four, :class:`~symrep.spectra.exact_roots.IsolatedRoot` beyond.
        """
        return tuple((root, power) for factor, power in self.factors for root in _roots(factor))


@dataclass(frozen=True)
class EvaluatedBlocks(EvaluatedSpectrum):
    """The levels of an :class:`ExactBlockSpectrum` in float64.

    ``expected_trace`` is E K(x, x), whatever the shapes; ``covered`` the shapes that were asked for, None for all.
    """

    expected_trace: float
    covered: tuple[Partition, ...] | None


@dataclass(frozen=True, repr=False)
class ExactBlockSpectrum(Spectrum):
    """The exact spectrum of all shapes, or of some. Made by :func:`exact_block_spectrum`.

    Attributes
    ----------
    covered
        The shapes that were asked for, None for all. ``trace()`` and the levels are those of these shapes, ``expected_trace``
        is E K(x, x), and ``zero_degeneracy`` counts all other shapes.
    """

    covered: tuple[Partition, ...] | None = None

    def trace(self, shape: Any = None) -> sympy.Expr:
        """The sum of eigenvalue times degeneracy, over all blocks or those of one shape that was asked for; exact."""
        if shape is not None and self.covered is not None:
            wanted = self._label(shape, "shape", symbolic=False)
            rule = f"must be one that was asked for, {self._listed(self.covered)}"
            require(wanted in self.covered, "shape", rule, wanted)
        return super().trace(shape)

    def shares(self) -> dict[Shape, sympy.Expr]:
        """The share of every shape in E K(x, x)."""
        require(self.expected_trace != 0, "trace", "must be nonzero to be shared out", self.expected_trace)
        return {shape: self.trace(shape) / self.expected_trace for shape in self.shapes}

    def evaluate(self, **values: Any) -> EvaluatedBlocks:
        """The spectrum in float64, every eigenvalue correctly rounded (but for ties). There are no symbols to name."""
        found, trace = super().evaluate(**values), float(self.expected_trace.evalf(30))
        numbers = found.architecture, found.levels, found.total_dimension
        return EvaluatedBlocks(*numbers, trace, self.covered, title=self.title)

    def to_dict(self, order: int | None = None) -> dict[str, Any]:
        """The content of ``to_json``: that of other spectra, and ``shapes`` where only some were asked for."""
        some = {} if self.covered is None else {"shapes": [list(shape.parts) for shape in self.covered]}
        return super().to_dict(order) | some

    def table(self, order: int | None = None) -> Table:
        """Levels as a table: labels, eigenvalue, degeneracy and value."""
        table = super().table(order)
        if self.covered is None:
            return table
        asked = f"Shapes asked for: {self._listed(self.covered)}."
        rest = ("Their zeros and all other shapes have the total degeneracy ", self.zero_degeneracy, ".")
        return replace(table, notes=(asked, rest))


def _roots(factor: sympy.Poly) -> list[sympy.Expr]:
    coefficients = factor.all_coeffs()
    # the smaller root would be a difference that cancels more digits than sympy evaluates
    cancelling = factor.degree() == 2 and abs(coefficients[2]) * 10**_CANCELLED_DIGITS < coefficients[1] ** 2
    if factor.degree() <= _LARGEST_SYMPY_DEGREE and not cancelling:
        return factor_roots(factor)
    return [IsolatedRoot(coefficients, index) for index in range(factor.degree())]
