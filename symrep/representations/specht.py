r"""Specht modules: integer matrices in the basis of standard polytabloids, and the maps to the forms of Young.

For a tableau T (any filling of the shape with 1..n) the polytabloid is
:math:`e_T = \sum_{\pi \in C_T} \mathrm{sgn}(\pi) \{\pi T\}`, with :math:`C_T` the permutations that keep every column
of T and {T} the tabloid, T up to the order inside its rows. The module is spanned by the :math:`e_T` with T standard.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from sympy import QQ, ImmutableMatrix, Rational, sqrt
from sympy.polys.domains import EXRAW

from symrep.combinatorics.partitions import Partition, as_partition
from symrep.combinatorics.tableaux import StandardTableau
from symrep.errors import InvalidTableauError, InvalidTypeError, require
from symrep.representations.irreps import OrthogonalForm, SeminormalForm
from symrep.representations.representation import (
    IntegerRepresentation,
    IrreducibleRepresentation,
    to_domain_matrix,
    to_immutable_matrix,
)

Columns = tuple[tuple[int, ...], ...]


class GarnirStraightener:
    """Writes polytabloids in standard ones; every polytabloid met on the way is remembered."""

    def __init__(self) -> None:
        self._known: dict[Columns, dict[Columns, int]] = {}

    def straighten(self, columns: Columns) -> dict[Columns, int]:
        """The coefficients of the standard polytabloids in the polytabloid of a tableau given by its columns."""
        ordered = tuple(tuple(sorted(column)) for column in columns)
        expansion = self._straighten_ordered(ordered)
        if sum(map(_number_of_inversions, columns)) % 2 == 0:
            return dict(expansion)
        return {standard: -coefficient for standard, coefficient in expansion.items()}

    def _straighten_ordered(self, columns: Columns) -> dict[Columns, int]:
        # exchanging columns of one height changes neither the rows as sets nor the column group, so neither the polytabloid
        columns = tuple(sorted(columns, key=lambda column: (-len(column), column)))
        if columns not in self._known:
            descent = _first_row_descent(columns)
            if descent is None:
                self._known[columns] = {columns: 1}
            else:
                total: dict[Columns, int] = {}
                for other, coefficient in _garnir_terms(columns, *descent):
                    for standard, factor in self._straighten_ordered(other).items():
                        total[standard] = total.get(standard, 0) + coefficient * factor
                self._known[columns] = {standard: number for standard, number in total.items() if number}
        return self._known[columns]


def _number_of_inversions(word: tuple[int, ...]) -> int:
    return sum(a > b for a, b in combinations(word, 2))


def _first_row_descent(columns: Columns) -> tuple[int, int] | None:
    """(row, column) of a cell with a smaller entry to its right."""
    for column, (left, right) in enumerate(zip(columns, columns[1:])):
        for row, (a, b) in enumerate(zip(left, right)):
            if a > b:
                return row, column
    return None


def _garnir_terms(columns: Columns, row: int, column: int) -> Iterator[tuple[Columns, int]]:
    """The other terms of the Garnir relation at a descent, moved to the right side, with columns sorted.

    The entries from ``row`` down in ``column`` and from ``row`` up in the next column are shuffled in all ways.
    """
    left, right = columns[column], columns[column + 1]
    kept_left, kept_right = left[:row], right[row + 1 :]
    moving = left[row:] + right[: row + 1]
    identity_sign = _number_of_inversions(left + right)
    for chosen in combinations(moving, len(left) - row):
        if chosen == left[row:]:
            continue
        rest = tuple(entry for entry in moving if entry not in chosen)
        new_left, new_right = kept_left + chosen, rest + kept_right
        sorted_left, sorted_right = tuple(sorted(new_left)), tuple(sorted(new_right))
        # Shuffling and sorting together permute the two columns; the sign compares both fillings with the sorted one.
        odd = (_number_of_inversions(sorted_left + sorted_right) - identity_sign) % 2
        yield columns[:column] + (sorted_left, sorted_right) + columns[column + 2 :], 1 if odd else -1


def _columns(rows: tuple[tuple[int, ...], ...]) -> Columns:
    return tuple(tuple(row[j] for row in rows if j < len(row)) for j in range(len(rows[0]) if rows else 0))


def garnir_straighten(tableau: StandardTableau | Iterable[Iterable[int]]) -> dict[StandardTableau, int]:
    r"""The polytabloid of any filling in the basis of standard polytabloids.

    Columns are sorted with a sign; while an entry is larger than its right neighbour, the Garnir relation of that pair
    of columns replaces the polytabloid by others, whose left column has a smaller sum.

    Parameters
    ----------
    tableau
        A ``StandardTableau`` or rows of decreasing lengths that contain 1..n once each.

    Raises
    ------
    InvalidTableauError
        When the rows are not such a filling.

    Examples
    --------
    >>> garnir_straighten([(2, 1), (3,)]) == {
    ...     StandardTableau([(1, 2), (3,)]): 1, StandardTableau([(1, 3), (2,)]): -1}
    True
    """
    rows = tableau.rows if isinstance(tableau, StandardTableau) else _checked_filling(tableau)
    expansion = GarnirStraightener().straighten(_columns(rows))
    return {StandardTableau(_columns(columns)): number for columns, number in expansion.items()}


def _checked_filling(rows: Any) -> tuple[tuple[int, ...], ...]:
    try:
        checked = tuple(tuple(row) for row in rows)
    except TypeError:
        raise InvalidTableauError(f"tableau must be a sequence of rows, got {rows!r}") from None
    shape = [len(row) for row in checked]
    require(
        0 not in shape and shape == sorted(shape, reverse=True),
        "tableau",
        "must have rows of decreasing lengths",
        checked,
        InvalidTableauError,
    )
    entries = [entry for row in checked for entry in row]
    integral = all(isinstance(entry, int) and not isinstance(entry, bool) for entry in entries)
    require(
        integral and sorted(entries) == list(range(1, len(entries) + 1)),
        "tableau",
        f"must contain each of 1..{len(entries)} exactly once",
        checked,
        InvalidTableauError,
    )
    return checked


@dataclass(frozen=True, repr=False)
class SpechtModule(IntegerRepresentation, IrreducibleRepresentation):
    """The Specht module of a shape; made by :func:`specht_module`."""

    shape: Partition

    @cached_property
    def _generator_rows(self) -> tuple[tuple[dict[int, int], ...], ...]:
        """For i = 1..n-1 (entry i - 1) the sparse rows of s_i: column T expands the polytabloid of s_i T."""
        straightener = GarnirStraightener()
        columns_of_basis = [_columns(tableau.rows) for tableau in self.basis]
        index_of = {columns: index for index, columns in enumerate(columns_of_basis)}
        generators = []
        for i in range(1, self.n):
            swapped = {i: i + 1, i + 1: i}
            rows: tuple[dict[int, int], ...] = tuple({} for _ in self.basis)
            for index, columns in enumerate(columns_of_basis):
                moved = tuple(tuple(swapped.get(entry, entry) for entry in column) for column in columns)
                for standard, coefficient in straightener.straighten(moved).items():
                    rows[index_of[standard]][index] = coefficient
            generators.append(rows)
        return tuple(generators)

    def _integer_rows(self, i: int) -> tuple[dict[int, int], ...]:
        return self._generator_rows[i - 1]

    def __repr__(self) -> str:
        return f"specht_module({self.shape.parts})"


def specht_module(shape: Partition | Iterable[int]) -> SpechtModule:
    r"""The Specht module: integer matrices on the standard polytabloids :math:`e_T` in last-letter order.

    :math:`s_i e_T = e_{s_i T}`, where :math:`s_i T` has the letters i and i + 1 swapped; when it is not standard, the
    Garnir relations expand it.

    Parameters
    ----------
    shape
        A partition of n, n at least 0.

    Notes
    -----
    Only the n - 1 generators are straightened, once per object; ``matrix(g)`` applies them along a reduced word to an
    integer array.

    Examples
    --------
    >>> rho = specht_module((2, 1))
    >>> rho.basis
    (StandardTableau(((1, 2), (3,))), StandardTableau(((1, 3), (2,))))
    >>> rho.generator(1), rho.generator(2)
    (Matrix([
    [ 1,  0],
    [-1, -1]]), Matrix([
    [0, 1],
    [1, 0]]))
    """
    return SpechtModule(as_partition(shape))


def intertwiner(source: IrreducibleRepresentation, target: IrreducibleRepresentation) -> ImmutableMatrix:
    r"""The exact matrix X with ``X * source.matrix(g) == target.matrix(g) * X`` for every g.

    ``source`` and ``target`` are Specht modules, seminormal or orthogonal forms of one shape. X keeps the last basis
    vector, that of the tableau filled column by column: in all three models it spans the line on which the column group
    of that tableau acts by the sign. So X is diagonal between the forms of Young and lower unitriangular
    between the Specht module and the seminormal form.

    Parameters
    ----------
    source, target
        Made by ``specht_module``, ``seminormal`` or ``orthogonal``.

    Raises
    ------
    InvalidTypeError
        When one of them is another kind of representation.
    InvalidArgumentError
        When the shapes differ.

    Notes
    -----
    No linear system is solved: if T is standard with i + 1 below i, then U = T.swap(i) comes later,
    :math:`e_T = s_i e_U` and :math:`v_T = s_i v_U - v_U / r_U`; each basis vector costs one sparse generator.

    Examples
    --------
    >>> from symrep.representations.irreps import orthogonal, seminormal
    >>> intertwiner(specht_module((2, 1)), seminormal((2, 1)))
    Matrix([
    [  1, 0],
    [1/2, 1]])
    >>> intertwiner(seminormal((2, 1)), orthogonal((2, 1)))
    Matrix([
    [sqrt(3)/2, 0],
    [        0, 1]])
    """
    kinds = (SpechtModule, SeminormalForm, OrthogonalForm)
    for argument, rho in (("source", source), ("target", target)):
        rule = "must be a Specht module, a seminormal or an orthogonal form"
        require(isinstance(rho, kinds), argument, rule, rho, InvalidTypeError)
    require(source.shape == target.shape, "target", f"must have the shape {source.shape.parts} of source", target)
    rows = _rational_intertwiner(isinstance(source, SpechtModule), isinstance(target, SpechtModule), source.shape)
    if not isinstance(source, OrthogonalForm) and not isinstance(target, OrthogonalForm):
        return to_immutable_matrix(to_domain_matrix(rows, source.dimension, QQ))
    lengths = [factor * sqrt(radicand) for factor, radicand in OrthogonalForm(source.shape).lengths]
    row_scale = lengths if isinstance(target, OrthogonalForm) else [Rational(1)] * source.dimension
    column_scale = lengths if isinstance(source, OrthogonalForm) else [Rational(1)] * source.dimension
    scaled = (
        {column: scale * QQ.to_sympy(entry) / column_scale[column] for column, entry in row.items()}
        for scale, row in zip(row_scale, rows)
    )
    return to_immutable_matrix(to_domain_matrix(scaled, source.dimension, EXRAW))


def _rational_intertwiner(from_specht: bool, to_specht: bool, shape: Partition) -> list[dict[int, Any]]:
    """Rows of the intertwiner between the Specht module and the seminormal form (or of the identity)."""
    seminormal, specht = SeminormalForm(shape), SpechtModule(shape)
    dimension = shape.dimension
    if from_specht == to_specht:
        return [{index: QQ(1)} for index in range(dimension)]
    target = specht if to_specht else seminormal
    generator_columns = [target._generator(i).convert_to(QQ).transpose().to_sdm() for i in range(1, shape.size)]
    index_of = {tableau: index for index, tableau in enumerate(seminormal.basis)}
    images: list[dict[int, Any]] = [{}] * (dimension - 1) + [{dimension - 1: QQ(1)}]
    for index in range(dimension - 2, -1, -1):
        tableau = seminormal.basis[index]
        i = next(i for i in range(1, shape.size) if tableau.axial_distance(i) < -1)
        later = images[index_of[tableau.swap(i)]]
        image = _times_generator(generator_columns[i - 1], later)
        if to_specht:
            for k, coefficient in later.items():
                image[k] = image.get(k, QQ(0)) + coefficient / tableau.axial_distance(i)
        images[index] = {k: coefficient for k, coefficient in image.items() if coefficient}
    rows: list[dict[int, Any]] = [{} for _ in range(dimension)]
    for column, image in enumerate(images):
        for k, coefficient in image.items():
            rows[k][column] = coefficient
    return rows


def _times_generator(columns: dict[int, dict[int, Any]], vector: dict[int, Any]) -> dict[int, Any]:
    """The generator with these sparse columns applied to a sparse vector."""
    image: dict[int, Any] = {}
    for k, coefficient in vector.items():
        for row, entry in columns[k].items():
            image[row] = image.get(row, QQ(0)) + entry * coefficient
    return image
