"""Symbolic and exact spectra as tables that fit a page: behaviour at large L first, long square roots by their polynomial."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy

from symrep.display import Column, Equation, Formula, Table
from symrep.spectra.evaluated_spectrum import float_or_none
from symrep.spectra.isotypic_block import Block

_LONGEST_ROOT = 60


def levels_table(spectrum: Any, order: int | None = None) -> Table:
    """Levels: labels, degeneracy, the leading term where L is a symbol (or an expansion to ``order`` terms), eigenvalue.

    Two eigenvalues with symbols that are long square roots are shown by the sum :math:`\\tau` and the product
    :math:`\\Delta` of the pair, roots of higher polynomials by the polynomial, and long roots of numbers by their value; csv
    and json have them in full.
    """
    levels = spectrum.levels
    at_large_length = [level.leading for level in levels] if order is None else spectrum.expansions(order)
    symbolic = any(level.leading is not None for level in levels)
    columns = [Column("shape", "shape")]
    if any(level.token_shape is not None for level in levels):
        columns.append(Column("token_shape", "token shape"))
    if any(level.query_shape is not None for level in levels):
        columns.append(Column("query_shape", "query shape"))
    columns.append(Column("degeneracy", "degeneracy"))
    if symbolic:
        columns.append(Column("leading", "at large L", "at large $L$"))
    columns.append(Column("eigenvalue", "eigenvalue", only="data"))
    columns.append(Column("eigenvalue_shown", "eigenvalue", only="display"))
    if not symbolic and any(float_or_none(level.eigenvalue) is not None for level in levels):
        columns.append(Column("value", "value"))
    rows = []
    shown = list(_shown_eigenvalues(spectrum))
    for level, behaviour, eigenvalue in zip(levels, at_large_length, shown):
        cells = {"shape": level.shape, "token_shape": level.token_shape, "query_shape": level.query_shape}
        cells |= {"eigenvalue": level.eigenvalue, "eigenvalue_shown": eigenvalue, "degeneracy": level.degeneracy}
        cells |= {"leading": behaviour} if symbolic else {"value": float_or_none(level.eigenvalue)}
        rows.append(tuple(cells[column.key] for column in columns))
    notes: list[Any] = [null_space_note(spectrum)]
    if any(cell is None for cell in shown):
        notes.append("Long exact eigenvalues are in the csv and json forms of this table.")
    if any(isinstance(cell, tuple) and len(cell) == 2 for cell in shown):
        notes.append(
            r"Two eigenvalues by their sum $\tau$ and product $\Delta$: $\tau/2 \pm \sqrt{\tau^2/4 - \Delta}$."
        )
    if any(isinstance(cell, tuple) and len(cell) == 1 for cell in shown):
        notes.append(r"Roots of the polynomial $\chi(x)$ from the largest, root 1, downward.")
    return Table("spectrum", ("Spectrum of ", *spectrum.title, "."), tuple(columns), tuple(rows), tuple(notes))


def null_space_note(spectrum: Any) -> tuple[Any, ...]:
    """How many eigenvalues are 0; those of the levels that vanish at some length or value of a symbol come to them there."""
    symbolic = any(level.eigenvalue.free_symbols for level in spectrum.levels)
    if spectrum.zero_degeneracy == 0:
        return (("No eigenvalue is 0, unless one of these vanishes." if symbolic else "No eigenvalue is 0."),)
    end = " (more where one of these vanishes)." if symbolic else "."
    return "Other eigenvalues are 0, with total degeneracy ", spectrum.zero_degeneracy, end


def _shown_eigenvalues(spectrum: Any) -> Iterator[Any]:
    """The eigenvalue of every level as it is displayed: None where the decimal value beside it has to do.

    With symbols left, levels stand block by block and the roots of a factor one behind the other; numbers are sorted.
    """
    is_sorted = not any(level.eigenvalue.free_symbols for level in spectrum.levels)
    for number, place in spectrum.level_places:
        block: Block = spectrum.blocks[number]
        factor, first = _factor_at(block, place)
        root = block.eigenvalues[place][0]
        if factor.degree() == 1 or len(str(root)) <= _LONGEST_ROOT:
            yield root
        elif is_sorted:
            yield None
        elif place > first:
            text = "other root" if factor.degree() == 2 else f"root {place - first + 1}"
            yield Formula(text, rf"\text{{{text}}}")
        elif factor.degree() == 2:
            yield pair_cells(factor)
        else:
            yield (Equation("root 1 of chi(x)", r"\text{root 1 of }\chi(x)", factor.as_expr()),)


def _factor_at(block: Block, place: int) -> tuple[sympy.Poly, int]:
    """The factor that an eigenvalue of a block is a root of, and the place of the first root of it."""
    first = 0
    for factor, _ in block.factors:
        if place < first + factor.degree():
            return factor, first
        first += factor.degree()
    raise IndexError(place)


def pair_cells(factor: sympy.Poly) -> tuple[Equation, Equation]:
    """The sum and the product of the roots of a factor of degree two."""
    _, linear, constant = (sympy.factor(coefficient) for coefficient in factor.all_coeffs())
    return Equation("tau", r"\tau", sympy.factor(-linear)), Equation("Delta", r"\Delta", constant)
