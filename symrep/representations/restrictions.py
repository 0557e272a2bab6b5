r"""Restrictions of representations of S_n: to S_m with the branching basis, and to Young subgroups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np
from sympy import ImmutableMatrix
from sympy.combinatorics import Permutation
from sympy.polys.matrices import DomainMatrix

from symrep.combinatorics.partitions import Partition, as_composition, partitions
from symrep.errors import InvalidTypeError, require, require_integer
from symrep.representations.irreps import OrthogonalForm, SeminormalForm
from symrep.representations.littlewood_richardson import skew_schur
from symrep.representations.modules import as_representation, basis_labels
from symrep.representations.permutations import as_permutation
from symrep.representations.representation import Representation, to_immutable_matrix


class BranchingBlock(NamedTuple):
    """A range of the basis on which S_m acts by the irrep of ``shape``; ``cells`` are those of the letters m+1..n."""

    shape: Partition
    start: int
    stop: int
    cells: tuple[tuple[int, int], ...]


@dataclass(frozen=True, repr=False)
class Restriction(Representation):
    """A representation of S_n restricted to S_m; made by :func:`restriction`."""

    representation: Representation
    n: int

    @property
    def dimension(self) -> int:
        """The dimension does not change."""
        return self.representation.dimension

    @property
    def multiplicities(self) -> dict[Partition, int]:
        """The branching rule: remove n - m cells, one at a time, in all ways."""
        return dict(self._known_multiplicities)

    @cached_property
    def _known_multiplicities(self) -> dict[Partition, int]:
        counts = self.representation.multiplicities
        for _ in range(self.representation.n - self.n):
            smaller: dict[Partition, int] = {}
            for shape, count in counts.items():
                for cell in shape.removable_cells():
                    rest = shape.remove_cell(cell)
                    smaller[rest] = smaller.get(rest, 0) + count
            counts = smaller
        return counts

    @property
    def basis(self) -> tuple[Any, ...]:
        """The labels of the larger representation."""
        return basis_labels(self.representation)

    @cached_property
    def blocks(self) -> tuple[BranchingBlock, ...]:
        """The blocks of a seminormal or orthogonal form, whose basis is adapted to S_1 < S_2 < ... < S_n.

        Every ``matrix(g)`` is block-diagonal, and each block is the matrix of g in the same form of a smaller shape.

        Raises
        ------
        InvalidTypeError
            When the restricted representation is of another kind.
        """
        form = self.representation
        rule = "must be a seminormal or orthogonal form to have branching blocks"
        require(isinstance(form, (SeminormalForm, OrthogonalForm)), "representation", rule, form, InvalidTypeError)
        cells = [tableau.entry_positions for tableau in form.basis]
        blocks: list[BranchingBlock] = []
        for index, positions in enumerate(cells):
            upper = positions[self.n :]
            if blocks and blocks[-1].cells == upper:
                blocks[-1] = blocks[-1]._replace(stop=index + 1)
            else:
                shape = reduce(lambda rest, cell: rest.remove_cell(cell), reversed(upper), form.shape)
                blocks.append(BranchingBlock(shape, index, index + 1, upper))
        return tuple(blocks)

    def _generator(self, i: int) -> DomainMatrix:
        return self.representation._generator(i)

    def _domain_matrix(self, g: Permutation) -> DomainMatrix:
        return self.representation.domain_matrix(g)

    def _to_numpy(self, g: Permutation) -> np.ndarray:
        return self.representation.to_numpy(g)

    def character(self, g: Any) -> int:
        """The character of the larger representation."""
        return self.representation.character(as_permutation(g, "g", self.n))

    def _latex(self, printer: Any = None) -> str:
        return rf"\operatorname{{Res}}_{{S_{{{self.n}}}}} \left({self.representation._latex()}\right)"

    def __repr__(self) -> str:
        return f"restriction({self.representation!r}, {self.n})"


def restriction(representation: Representation, m: int | None = None) -> Restriction:
    """The restriction to S_m, the permutations of the first m of the n points; to S_{n-1} unless m is given.

    Raises
    ------
    InvalidArgumentError, InvalidTypeError
        When m is not in 0..n, or the first argument is no representation.

    Examples
    --------
    >>> from symrep.representations.irreps import seminormal
    >>> rho = restriction(seminormal((3, 1)))
    >>> rho.multiplicities
    {Partition((2, 1)): 1, Partition((3,)): 1}
    >>> for block in rho.blocks:
    ...     print(block)
    BranchingBlock(shape=Partition((3,)), start=0, stop=1, cells=((1, 0),))
    BranchingBlock(shape=Partition((2, 1)), start=1, stop=3, cells=((0, 2),))
    """
    n = as_representation(representation).n
    m = max(n - 1, 0) if m is None else require_integer(m, "m")
    require(0 <= m <= n, "m", f"must lie in 0..{n}", m)
    return Restriction(representation, m)


@dataclass(frozen=True, repr=False)
class YoungSubgroupRestriction:
    """A representation of S_n restricted to a Young subgroup; made by :func:`young_subgroup_restriction`."""

    representation: Representation
    composition: tuple[int, ...]

    @property
    def dimension(self) -> int:
        """The dimension does not change."""
        return self.representation.dimension

    @property
    def multiplicities(self) -> dict[tuple[Partition, ...], int]:
        """How often each outer product of irreps occurs, by tuples of shapes: Littlewood-Richardson coefficients."""
        return dict(self._known_multiplicities)

    @cached_property
    def _known_multiplicities(self) -> dict[tuple[Partition, ...], int]:
        total: dict[tuple[Partition, ...], int] = {}
        for shape, count in self.representation.multiplicities.items():
            for shapes, coefficient in _split_shape(shape, self.composition).items():
                total[shapes] = total.get(shapes, 0) + count * coefficient
        return total

    def _embedded(self, elements: tuple[Any, ...]) -> Permutation:
        """The permutation of 0..n-1 that acts by each element on its own interval of points."""
        count = len(self.composition)
        require(len(elements) == count, "elements", f"must be {count} permutations", elements)
        images: list[int] = []
        for degree, g in zip(self.composition, elements):
            start = len(images)
            images += [start + image for image in as_permutation(g, "g", degree).array_form]
        return Permutation(images)

    def matrix(self, *elements: Any) -> ImmutableMatrix:
        """The exact matrix of a tuple of permutations, one for each factor."""
        return to_immutable_matrix(self.representation.domain_matrix(self._embedded(elements)))

    def to_numpy(self, *elements: Any) -> np.ndarray:
        """The matrix of a tuple of permutations in float64."""
        return self.representation.to_numpy(self._embedded(elements))

    def character(self, *elements: Any) -> int:
        """The trace of ``matrix``."""
        return self.representation.character(self._embedded(elements))

    def _repr_latex_(self) -> str:
        subgroup = r" \times ".join(f"S_{{{part}}}" for part in self.composition)
        return rf"$\operatorname{{Res}}_{{{subgroup}}} \left({self.representation._latex()}\right)$"

    def __repr__(self) -> str:
        return f"young_subgroup_restriction({self.representation!r}, {self.composition})"


@lru_cache(maxsize=4096)
def _split_shape(shape: Partition, composition: tuple[int, ...]) -> dict[tuple[Partition, ...], int]:
    """The restriction of an irrep to a Young subgroup, the last factor split off first."""
    if len(composition) <= 1:
        return {(shape,) * len(composition): 1}
    total: dict[tuple[Partition, ...], int] = {}
    *first, last = composition
    for inner in partitions(last, max_part=max(shape.parts, default=0), max_length=shape.length):
        for rest, coefficient in skew_schur(shape, inner).items():
            for shapes, count in _split_shape(rest, tuple(first)).items():
                key = (*shapes, inner)
                total[key] = total.get(key, 0) + coefficient * count
    return total


def young_subgroup_restriction(representation: Representation, composition: Iterable[int]) -> YoungSubgroupRestriction:
    r"""The restriction to :math:`S_{\mu_1} \times S_{\mu_2} \times \dots`, acting on consecutive intervals of points.

    Raises
    ------
    InvalidArgumentError, InvalidTypeError
        When the composition does not sum to n, or the first argument is no representation.

    Examples
    --------
    >>> from symrep.representations.irreps import seminormal
    >>> rho = young_subgroup_restriction(seminormal((2, 2)), (2, 2))
    >>> for shapes, count in rho.multiplicities.items():
    ...     print(*shapes, count)
    (2) (2) 1
    (1,1) (1,1) 1
    >>> rho.matrix([1, 0], [1, 0])
    Matrix([
    [1, 0],
    [0, 1]])
    """
    n = as_representation(representation).n
    parts = as_composition(composition, "composition")
    require(sum(parts) == n, "composition", f"must sum to {n}", parts)
    return YoungSubgroupRestriction(representation, parts)
