r"""The multiplicity space of one irrep of :math:`S_n \times S_V` inside the functions on sequences, by diagrams.

Take the shapes :math:`(n-k, \mu)` and :math:`(V-q, \nu)`. Name the k positions and q tokens below row one. Diagrams are
symmetric in all that is not named. So a Young symmetrizer of :math:`S_k \times S_q` makes them symmetric within all rows
of both shapes, and antisymmetrising over the columns of the whole shapes carries the result into the irrep. The diagrams
of :meth:`DiagramAlgebra.basis`, multiplied by that small symmetrizer, span the multiplicity space, and a maximal
independent set of the products is a basis of it for all large n and V:

* They span, because antisymmetrising over columns respects the rules of :meth:`DiagramAlgebra.reduced`.
* There are as many as there should be. In positions, :math:`\mathrm{Ind}(S^\lambda \otimes 1)` from
  :math:`S_j \times S_{n-j}` contains :math:`(n-k, \mu)` exactly when :math:`\lambda/\mu` is a horizontal strip (Pieri,
  :math:`n \ge j + \mu_1`), and so often does :math:`S^\mu` occur in the part of :math:`S^\lambda` that is invariant under
  the j - k anonymous positions. In tokens, functions of zero mean of j tokens contain :math:`(V-q, \nu)` once for every
  set partition of the j positions into q blocks that carry :math:`S^\nu` and others of at least two positions
  (:math:`V \ge j + \nu_1`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import permutations, product
from typing import Any

import sympy
from sympy.polys.matrices import DomainMatrix

from symrep.combinatorics.partitions import Partition
from symrep.combinatorics.tableaux import standard_tableaux
from symrep.representations.group_algebra import young_symmetrizer
from symrep.spectra.specht_functions import parity
from symrep.spectra.token_diagrams import (
    Combination,
    Diagram,
    DiagramAlgebra,
    Group,
    Powers,
    add_multiple,
    diagram,
    weights,
)

Assignment = tuple[int, ...]


@dataclass(frozen=True)
class DiagramSpace:
    """Functions in one irrep of the permutations of n positions and of V tokens.

    Parameters
    ----------
    lower, token_lower
        The partitions below row one of the two shapes.
    sizes
        Pairs: how many of the n positions a function may read at once, and whether it reads the last token (1) or not (0).
    has_last
        Whether there is a last token beside the n positions.
    """

    lower: Partition
    token_lower: Partition
    sizes: frozenset[tuple[int, int]]
    has_last: bool

    @cached_property
    def algebra(self) -> DiagramAlgebra:
        """The diagrams that name the boxes below row one."""
        return DiagramAlgebra(self.lower.size, self.token_lower.size, self.has_last)

    @property
    def stable_from(self) -> int:
        """The least number of positions for which the basis is independent: Pieri's rule as in the module's text."""
        return max((count for count, _ in self.sizes), default=0) + max(self.lower.parts, default=0)

    @cached_property
    def _echelon(self) -> tuple[tuple[dict[Diagram, Any], ...], tuple[Diagram, ...]]:
        """Basis functions, each 1 at its own pivot diagram and 0 at the others' pivots."""
        symmetrizers = (_small_symmetrizer(self.lower), _small_symmetrizer(self.token_lower))
        diagrams = self.algebra.basis(self.sizes)
        rows = []
        for source in diagrams:
            row: dict[Diagram, int] = {}
            for (places, sign), (tokens, token_sign) in product(*symmetrizers):
                image = _renamed(source, places, tokens)
                row[image] = row.get(image, 0) + sign * token_sign
            rows.append(row)
        matrix, pivots = _rref([[row.get(d, 0) for d in diagrams] for row in rows], len(diagrams))
        basis = tuple({d: c for d, c in zip(diagrams, row) if c} for row in matrix)
        return basis, tuple(diagrams[i] for i in pivots)

    @property
    def dimension(self) -> int:
        """How often the irrep occurs, for large n and V."""
        return len(self._echelon[0])

    @lru_cache(maxsize=4096)
    def matrix(self, powers: Powers) -> DomainMatrix:
        """The operator whose kernel is a product of powers of u, m, g, u_xx and u_yy, in Q[n, V, 1/V]; columns are images."""
        images = {source: self.algebra.image(powers, source) for function in self._echelon[0] for source in function}
        return self._columns_of(images)

    @cached_property
    def centring(self) -> DomainMatrix:
        r"""The basis functions with :math:`[x_s = v] - 1/V` for every :math:`[x_s = v]`: column j holds the j-th one.

        That changes a function by functions of fewer positions only, so the matrix is unipotent.
        """
        return self._columns_of({d: self.algebra.centred(d) for function in self._echelon[0] for d in function})

    @cached_property
    def inverse_centring(self) -> DomainMatrix:
        """The inverse of ``centring``, as a finite geometric series."""
        one = DomainMatrix.eye(self.dimension, self.centring.domain)
        step = one - self.centring
        total, power = one, step
        while not power.is_zero_matrix:
            total, power = total + power, power * step
        return total

    def _columns_of(self, images: dict[Diagram, Combination]) -> DomainMatrix:
        """The linear map that sends diagrams to these combinations, in the basis."""
        basis, pivots = self._echelon
        columns = []
        for function in basis:
            total: Combination = {}
            for source, coefficient in function.items():
                add_multiple(total, images[source], coefficient)
            columns.append(total)
        rows = [[column.get(pivot, weights.zero) for column in columns] for pivot in pivots]
        return DomainMatrix(rows, (len(pivots), len(pivots)), weights.to_domain())

    def relations(self, n: int) -> tuple[list[list[Any]], tuple[int, ...]]:
        r"""What the basis functions are at a small number n of positions, where they may depend on each other.

        Returns a matrix R and pivots p: function j equals :math:`\sum_i R_{ij} f_{p_i}`, for a large vocabulary. The
        functions are compared by their values on sequences, up to renaming of the tokens that are not named.
        """
        columns = []
        for function in self._echelon[0]:
            vector: dict[Assignment, Any] = {}
            for source, coefficient in function.items():
                add_multiple(vector, self._antisymmetrized(source, n), coefficient)
            columns.append(vector)
        keys = sorted({key for vector in columns for key in vector})
        return _rref([[vector.get(key, 0) for vector in columns] for key in keys], len(columns))

    @cached_property
    def _columns(self) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
        """Columns of both shapes: boxes below row one, numbered row by row, after a box of row one that follows them all."""
        return tuple(
            tuple(
                (lower.size + column, *(i for i, (_, c) in enumerate(lower.cells()) if c == column))
                for column in range(max(lower.parts, default=0))
            )
            for lower in (self.lower, self.token_lower)
        )

    def _antisymmetrized(self, source: Diagram, n: int) -> dict[Assignment, int]:
        """The value at every sequence: the token of every position, those beyond the columns up to renaming."""
        fixed_tokens = self.token_lower.size + len(self._columns[1])
        place_moves = list(_signed_permutations(self._columns[0], n + self.has_last))
        token_moves = list(_signed_permutations(self._columns[1], fixed_tokens))
        vector: dict[Assignment, int] = {}
        for assignment in self._sequences(source, n, fixed_tokens):
            for (places, sign), (tokens, token_sign) in product(place_moves, token_moves):
                moved = [0] * len(assignment)
                for place, token in zip(places, assignment):
                    moved[place] = tokens[token] if token < fixed_tokens else token
                key = _renumbered(moved, fixed_tokens)
                vector[key] = vector.get(key, 0) + sign * token_sign
        return vector

    def _sequences(self, source: Diagram, n: int, fixed_tokens: int) -> Iterator[Assignment]:
        """All sequences with a term of the diagram on them, as often as there are terms."""
        depth, named_tokens = self.lower.size, self.token_lower.size
        groups = (*source.named, *source.anonymous)
        holders = [label for label, (_, count) in enumerate(groups) for _ in range(count)]
        tops = tuple(range(named_tokens, fixed_tokens))
        for names in _distinct_names(len(source.anonymous), tops, fixed_tokens):
            tokens = (*range(named_tokens), *names)
            # in a diagram the last token is called k, here it follows the n positions
            held = {(n if p == depth else p): tokens[i] for i, (positions, _) in enumerate(groups) for p in positions}
            for places in permutations(range(depth, n), len(holders)):
                known = held | {place: tokens[label] for place, label in zip(places, holders)}
                yield from _completions([known.get(place) for place in range(n + self.has_last)], fixed_tokens)


def _small_symmetrizer(shape: Partition) -> list[tuple[tuple[int, ...], int]]:
    """The Young symmetrizer of the tableau filled row by row: permutations in array form, with their coefficients."""
    symmetrizer = young_symmetrizer(next(standard_tableaux(shape)))
    return [(tuple(g.array_form), int(symmetrizer.coefficient(g))) for g in symmetrizer.support]


def _signed_permutations(blocks: tuple[tuple[int, ...], ...], size: int) -> Iterator[tuple[tuple[int, ...], int]]:
    """The permutations in array form that keep every block, with their signs."""
    for orders in product(*(permutations(range(len(block))) for block in blocks)):
        images, sign = list(range(size)), 1
        for block, order in zip(blocks, orders):
            sign *= parity(order)
            for box, image in zip(block, order):
                images[box] = block[image]
        yield tuple(images), sign


def _renamed(source: Diagram, places: tuple[int, ...], tokens: tuple[int, ...]) -> Diagram:
    """Named positions and tokens replaced by their images; the last token, which has no image, stays."""

    def moved(groups: tuple[Group, ...]) -> list[Group]:
        return [(tuple(places[p] if p < len(places) else p for p in positions), count) for positions, count in groups]

    named = [group for _, group in sorted(zip(tokens, moved(source.named)), key=lambda pair: pair[0])]
    return diagram(named, moved(source.anonymous))


def _distinct_names(count: int, tops: tuple[int, ...], first_new: int) -> Iterator[tuple[int, ...]]:
    """Every way to let anonymous tokens be one of the named tops each, or new ones, numbered in order."""
    if count == 0:
        yield ()
        return
    for names in _distinct_names(count - 1, tops, first_new):
        yield from ((*names, top) for top in tops if top not in names)
        yield (*names, max((first_new - 1, *names)) + 1)


def _completions(partial: list[int | None], first_new: int) -> Iterator[Assignment]:
    """Every way to give a token to the positions without one: tokens in use, or new ones, numbered in order."""
    place = next((i for i, token in enumerate(partial) if token is None), None)
    if place is None:
        yield tuple(token for token in partial if token is not None)
        return
    used = max((token for token in partial if token is not None), default=-1)
    for token in range(max(used, first_new - 1) + 2):
        yield from _completions([*partial[:place], token, *partial[place + 1 :]], first_new)


def _renumbered(assignment: list[int], first_new: int) -> Assignment:
    """New tokens numbered in the order of the positions."""
    names: dict[int, int] = {}
    for token in assignment:
        if token >= first_new:
            names.setdefault(token, first_new + len(names))
    return tuple(names.get(token, token) for token in assignment)


def _rref(rows: list[list[int]], width: int) -> tuple[list[list[Any]], tuple[int, ...]]:
    """The nonzero rows of the reduced echelon form over Q, and their pivots."""
    if not rows or not width:
        return [], ()
    reduced, pivots = DomainMatrix([list(map(sympy.QQ, row)) for row in rows], (len(rows), width), sympy.QQ).rref()
    return reduced.to_list()[: len(pivots)], pivots
