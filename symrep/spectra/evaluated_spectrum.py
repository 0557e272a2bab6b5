"""Levels of spectra, and spectra in floating point."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sympy

from symrep.display import Code, Column, Table
from symrep.spectra.asymptotics import LeadingTerm
from symrep.spectra.exact_pickles import ExactPickles
from symrep.spectra.isotypic_block import Shape
from symrep.spectra.level_views import LevelViews

_LARGEST_BITS = 10_000


@dataclass(frozen=True)
class EigenLevel(ExactPickles):
    """One eigenvalue: the irreps that carry it, and the dimension of its eigenspace within them.

    ``shape`` labels the permutations of positions; ``token_shape`` and ``query_shape`` the renaming of tokens and of the
    query token where the operator was split by them. ``leading`` is the leading term at large L, None where L is a number.
    """

    shape: Shape
    eigenvalue: Any
    degeneracy: Any
    token_shape: Shape | None = None
    query_shape: Shape | None = None
    leading: LeadingTerm | None = field(default=None, compare=False)

    @property
    def labels(self) -> tuple[Shape, ...]:
        """The irreps that are known."""
        return tuple(label for label in (self.shape, self.token_shape, self.query_shape) if label is not None)


@dataclass(frozen=True)
class EvaluatedSpectrum(LevelViews):
    """A spectrum in floating point: levels with float eigenvalues and integer degeneracies, largest first.

    ``title`` is what captions call it, the architecture unless given.
    """

    architecture: str
    levels: tuple[EigenLevel, ...]
    total_dimension: Any
    title: tuple[Any, ...] = field(default=(), kw_only=True, compare=False)

    def __repr__(self) -> str:
        return f"<EvaluatedSpectrum of {self.architecture}: {len(self.levels)} nonzero levels>"

    def table(self) -> Table:
        """Levels as a table: labels, eigenvalue, degeneracy."""
        keys = ["shape", *(key for key in ("token_shape", "query_shape") if any(getattr(v, key) for v in self.levels))]
        columns = [Column(key, key.replace("_", " ")) for key in (*keys, "eigenvalue", "degeneracy")]
        rows = tuple((*(getattr(v, key) for key in keys), v.eigenvalue, v.degeneracy) for v in self.levels)
        notes = (("Other eigenvalues are 0, with total degeneracy ", self.zero_degeneracy, "."),)
        title = self.title or (Code(self.architecture),)
        return Table("spectrum", ("Spectrum of ", *title, "."), tuple(columns), rows, notes)

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    @property
    def eigenvalues(self) -> list[float]:
        """The eigenvalue of every level."""
        return [level.eigenvalue for level in self.levels]

    @property
    def degeneracies(self) -> list[int]:
        """The degeneracy of every level, as Python integers of any size."""
        return [level.degeneracy for level in self.levels]

    @property
    def zero_degeneracy(self) -> Any:
        """The dimension of the null space."""
        return without(self.total_dimension, sum(self.degeneracies))

    def trace(self) -> float:
        """The sum of eigenvalue times degeneracy."""
        return float(sum(level.eigenvalue * level.degeneracy for level in self.levels))


def power_or_number(base: Any, exponent: Any) -> Any:
    """``base**exponent``: an integer where it has at most some thousand digits, else the power left as it is."""
    base, exponent = sympy.sympify(base), sympy.sympify(exponent)
    if base.is_Integer and exponent.is_Integer:
        bits = int(base).bit_length() * int(exponent)
        return int(base) ** int(exponent) if bits <= _LARGEST_BITS else sympy.Pow(base, exponent, evaluate=False)
    return base**exponent


def without(total: Any, part: Any) -> Any:
    """total - part; a power that was left as it is stays so."""
    if isinstance(total, sympy.Pow) and total.base.is_Integer and total.exp.is_Integer:
        return sympy.Add(total, -part, evaluate=False)
    rest = total - part
    return int(rest) if getattr(rest, "is_Integer", True) else sympy.expand(rest)


def float_or_none(value: Any) -> float | None:
    """The float of an expression without symbols."""
    return None if value.free_symbols else float(value.evalf(20))
