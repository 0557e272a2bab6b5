r"""Young permutation modules and the homomorphisms from Specht modules into them, by integer matrices.

A tabloid of a composition :math:`\mu` of n distributes the letters 1..n over rows, :math:`\mu_r` of them in row r; it
is stored as its *word*, the row of every letter. :math:`\rho(g)` maps the word w to :math:`w \circ g`, so that a
polytabloid :math:`e_T` goes to :math:`e_{s_i T}` under :math:`s_i`, as in ``specht_module``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations, product
from math import factorial, prod
from typing import Any

import numpy as np
from sympy import ZZ, ImmutableMatrix
from sympy.combinatorics import Permutation
from sympy.polys.matrices import DomainMatrix
from sympy.utilities.iterables import multiset_permutations

from symrep.combinatorics.partitions import Partition, as_composition, partitions
from symrep.combinatorics.tableaux import (
    SemistandardTableau,
    StandardTableau,
    _without_horizontal_strips,
    kostka_number,
)
from symrep.errors import InvalidTableauError, SizeLimitError, require, require_integer
from symrep.representations.coset_order import permutation_index, permutations_in_coset_order
from symrep.representations.permutations import adjacent_transposition, as_permutation
from symrep.representations.representation import IntegerRepresentation, to_immutable_matrix
from symrep.representations.specht import SpechtModule

LARGEST_PERMUTATION_MODULE = 10**6
LARGEST_REGULAR_DEGREE = 6
LARGEST_HOMOMORPHISM = 10**7

Word = tuple[int, ...]
Tabloid = tuple[tuple[int, ...], ...]


class PermutationRepresentation(IntegerRepresentation):
    """A representation that permutes a basis."""

    def images(self, g: Any) -> np.ndarray:
        """The index of the basis vector to which ``matrix(g)`` sends each basis vector."""
        return self._images(as_permutation(g, "g", self.n))

    @abstractmethod
    def _images(self, g: Permutation) -> np.ndarray:
        """``images`` for a permutation of size n."""

    def _integer_rows(self, i: int) -> tuple[dict[int, int], ...]:
        # A generator is an involution: rows and columns agree.
        return tuple({int(image): 1} for image in self._images(adjacent_transposition(i, self.n)))

    def _integer_array(self, g: Permutation) -> np.ndarray:
        matrix = np.zeros((self.dimension, self.dimension), dtype=np.int64)
        matrix[self._images(g), np.arange(self.dimension)] = 1
        return matrix

    def _domain_matrix(self, g: Permutation) -> DomainMatrix:
        rows = {int(row): {column: ZZ(1)} for column, row in enumerate(self._images(g))}
        return DomainMatrix(rows, (self.dimension, self.dimension), ZZ)


@dataclass(frozen=True, repr=False)
class PermutationModule(PermutationRepresentation):
    """The Young permutation module of a composition; made by :func:`permutation_module`."""

    composition: tuple[int, ...]

    @property
    def n(self) -> int:
        """The degree of S_n: the sum of the composition."""
        return sum(self.composition)

    @property
    def dimension(self) -> int:
        """The number of tabloids, a multinomial coefficient."""
        return factorial(self.n) // prod(map(factorial, self.composition))

    @property
    def multiplicities(self) -> dict[Partition, int]:
        r"""The Kostka numbers :math:`K_{\lambda\mu}` that are not 0."""
        return dict(self._known_multiplicities)

    @cached_property
    def _known_multiplicities(self) -> dict[Partition, int]:
        rows = sum(1 for part in self.composition if part)
        numbers = {shape: kostka_number(shape, self.composition) for shape in partitions(self.n, max_length=rows)}
        return {shape: number for shape, number in numbers.items() if number}

    @property
    def basis(self) -> tuple[Tabloid, ...]:
        """The tabloids: for each row its letters in increasing order."""
        return tuple(
            tuple(tuple(letter for letter, own in enumerate(word, start=1) if own == row) for row in self._rows)
            for word in self.words
        )

    @property
    def _rows(self) -> range:
        return range(len(self.composition))

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """For each basis vector the row, from 0, of every letter, in lexicographic order."""
        letters = [row for row, count in enumerate(self.composition) for _ in range(count)]
        return tuple(map(tuple, multiset_permutations(letters)))

    @cached_property
    def _index_of_word(self) -> dict[Word, int]:
        return {word: index for index, word in enumerate(self.words)}

    def _images(self, g: Permutation) -> np.ndarray:
        letters, index_of = g.array_form, self._index_of_word
        moved = (index_of[tuple([word[letter] for letter in letters])] for word in self.words)
        return np.fromiter(moved, dtype=np.int64, count=self.dimension)

    def _latex(self, printer: Any = None) -> str:
        return f"M^{{({','.join(map(str, self.composition))})}}"

    def __repr__(self) -> str:
        return f"permutation_module({self.composition})"


def permutation_module(composition: Iterable[int]) -> PermutationModule:
    r"""The Young permutation module :math:`M^\mu`: S_n acts on the tabloids of a composition.

    It is induced from the trivial representation of :math:`S_{\mu_1} \times S_{\mu_2} \times \dots`, and it is the
    span, among the functions on sequences, of the indicators of the sequences with these token counts.

    Parameters
    ----------
    composition
        Nonnegative integers with sum n, in any order.

    Raises
    ------
    SizeLimitError
        When there are more than 10^6 tabloids.

    Examples
    --------
    >>> module = permutation_module((2, 1))
    >>> module.basis
    (((1, 2), (3,)), ((1, 3), (2,)), ((2, 3), (1,)))
    >>> module.generator(1)
    Matrix([
    [1, 0, 0],
    [0, 0, 1],
    [0, 1, 0]])
    >>> module.multiplicities
    {Partition((3,)): 1, Partition((2, 1)): 1}
    """
    module = PermutationModule(as_composition(composition, "composition"))
    if module.dimension > LARGEST_PERMUTATION_MODULE:
        raise SizeLimitError(
            f"{module!r} would have {module.dimension} basis vectors, the limit is "
            f"{LARGEST_PERMUTATION_MODULE}: kostka_number(shape, composition) needs none of them"
        )
    return module


@dataclass(frozen=True, repr=False)
class RegularRepresentation(PermutationRepresentation):
    """The left regular representation; made by :func:`regular`."""

    n: int

    @property
    def dimension(self) -> int:
        """n!"""
        return factorial(self.n)

    @property
    def multiplicities(self) -> dict[Partition, int]:
        """Every shape as often as its dimension."""
        return {shape: shape.dimension for shape in partitions(self.n)}

    @property
    def basis(self) -> tuple[Permutation, ...]:
        """The permutations, in coset order."""
        return tuple(permutations_in_coset_order(self.n))

    def _images(self, g: Permutation) -> np.ndarray:
        moved = (permutation_index(g * h) for h in permutations_in_coset_order(self.n))
        return np.fromiter(moved, dtype=np.int64, count=self.dimension)

    def _latex(self, printer: Any = None) -> str:
        return rf"\mathbb{{Q}}[S_{{{self.n}}}]"

    def __repr__(self) -> str:
        return f"regular({self.n})"


def regular(n: int) -> RegularRepresentation:
    r"""The regular representation on Q[S_n]: :math:`\rho(g)` sends the basis vector h to g * h.

    The basis is in coset order, that of the arrays that
    :func:`~symrep.representations.fourier.fourier_transform` takes.

    Raises
    ------
    SizeLimitError
        Beyond n = 6.

    Examples
    --------
    >>> regular(3).dimension, regular(3).multiplicities[Partition((2, 1))]
    (6, 2)
    >>> regular(3).images([1, 0, 2]).tolist()
    [1, 0, 4, 5, 2, 3]
    """
    n = require_integer(n, "n", minimum=0)
    if n > LARGEST_REGULAR_DEGREE:
        raise SizeLimitError(
            f"regular({n}) would have {n}! basis vectors, the limit is n = {LARGEST_REGULAR_DEGREE}: "
            f"fourier_transform(f) splits functions on S_n without it"
        )
    return RegularRepresentation(n)


def semistandard_homomorphism(
    tableau: SemistandardTableau | Iterable[Iterable[int]], weight: Iterable[int] | None = None
) -> ImmutableMatrix:
    r"""The homomorphism :math:`\hat\Theta_A: S^\lambda \to M^\mu` of a semistandard tableau A, as an integer matrix.

    A has the shape :math:`\lambda` and :math:`\mu_r` entries r. A tabloid {t} of shape :math:`\lambda` goes to the sum
    of the tabloids that put the letter at each cell of t into the row given there by A', over all fillings A' that
    differ from A by the order inside the rows; the polytabloids of :math:`S^\lambda` are signed sums of such {t}. The
    homomorphisms of all semistandard A are a basis of all homomorphisms :math:`S^\lambda \to M^\mu` (James).

    Parameters
    ----------
    tableau
        A ``SemistandardTableau`` or its rows.
    weight
        The composition :math:`\mu`; unless given, that of the tableau up to its largest entry.

    Returns
    -------
    sympy.ImmutableMatrix
        X with ``X * specht_module(shape).matrix(g) == permutation_module(weight).matrix(g) * X``: rows are the
        tabloids, columns the standard polytabloids.

    Raises
    ------
    InvalidTableauError
        When the rows are not a semistandard tableau, or ``weight`` is not its weight.
    SizeLimitError
        When the matrix would have more than 10^7 entries.

    Notes
    -----
    Only the polytabloid of the last standard tableau is mapped, by its definition; all others are reached from it by
    generators.

    Examples
    --------
    >>> semistandard_homomorphism([(1, 1), (2,)])
    Matrix([
    [ 1,  0],
    [ 0,  1],
    [-1, -1]])
    >>> semistandard_homomorphism([(1, 1, 2)])
    Matrix([
    [1],
    [1],
    [1]])
    """
    if not isinstance(tableau, SemistandardTableau):
        tableau = SemistandardTableau(tableau)
    module = permutation_module(tableau.weight if weight is None else weight)
    trimmed = module.composition[: len(tableau.weight)]
    fits = trimmed == tableau.weight and not any(module.composition[len(trimmed) :])
    require(fits, "weight", f"must be the weight {tableau.weight} of tableau", module.composition, InvalidTableauError)
    return _homomorphism(tableau, module)


def _homomorphism(tableau: SemistandardTableau, module: PermutationModule) -> ImmutableMatrix:
    source = SpechtModule(tableau.shape)
    if source.dimension * module.dimension > LARGEST_HOMOMORPHISM:
        raise SizeLimitError(
            f"the homomorphism of {tableau!r} would be {module.dimension} x {source.dimension}, the "
            f"limit is {LARGEST_HOMOMORPHISM} entries: isotypic_projector(shape, module=module) "
            f"projects vectors without it"
        )
    swaps = [module._images(adjacent_transposition(i, module.n)) for i in range(1, module.n)]
    index_of = {standard: index for index, standard in enumerate(source.basis)}
    columns: list[dict[int, int]] = [{}] * source.dimension
    for index in range(source.dimension - 1, -1, -1):
        standard = source.basis[index]
        i = next((i for i in range(1, module.n) if standard.axial_distance(i) < -1), None)
        if i is None:
            columns[index] = _image_of_polytabloid(standard, tableau, module)
        else:
            later = columns[index_of[standard.swap(i)]]
            columns[index] = {int(swaps[i - 1][place]): number for place, number in later.items()}
    rows: dict[int, dict[int, Any]] = {}
    for column, image in enumerate(columns):
        for row, number in image.items():
            rows.setdefault(row, {})[column] = ZZ(number)
    return to_immutable_matrix(DomainMatrix(rows, (module.dimension, source.dimension), ZZ))


def _image_of_polytabloid(
    standard: StandardTableau, tableau: SemistandardTableau, module: PermutationModule
) -> dict[int, int]:
    """The image of e_T: fillings row-equivalent to the tableau, antisymmetrised along the columns of T."""
    heights = tableau.shape.conjugate.parts
    signed_orders = [[(order, Permutation(order).signature()) for order in permutations(range(h))] for h in heights]
    image: dict[int, int] = {}
    for filling in product(*(list(multiset_permutations(row)) for row in tableau.rows)):
        columns = [[row[j] for row in filling[:height]] for j, height in enumerate(heights)]
        if any(len(set(column)) < len(column) for column in columns):
            continue
        for orders in product(*signed_orders):
            word = [0] * module.n
            for column, (j, (order, _)) in zip(columns, enumerate(orders)):
                for row, source_row in enumerate(order):
                    word[standard.rows[row][j] - 1] = column[source_row] - 1
            place = module._index_of_word[tuple(word)]
            image[place] = image.get(place, 0) + prod(sign for _, sign in orders)
    return {place: number for place, number in image.items() if number}


def semistandard_homomorphisms(composition: Iterable[int]) -> dict[SemistandardTableau, ImmutableMatrix]:
    r"""The homomorphisms of all semistandard tableaux A of a weight: :math:`M^\mu` as a sum of Specht modules.

    Side by side the matrices are square and invertible over Q: :math:`M^\mu = \bigoplus_A S^{\mathrm{shape}(A)}`, and
    ordered by dominance their images filter :math:`M^\mu`. Shapes come in reverse lexicographic order.

    Examples
    --------
    >>> for tableau, matrix in semistandard_homomorphisms((2, 1)).items():
    ...     print(tableau, matrix.T)
    1,1,2 Matrix([[1, 1, 1]])
    1,1/2 Matrix([[1, 0, -1], [0, 1, -1]])
    """
    module = permutation_module(composition)
    return {
        tableau: _homomorphism(tableau, module)
        for shape in module.multiplicities
        for tableau in _tableaux_of_weight(shape, module.composition)
    }


def _tableaux_of_weight(shape: Partition, weight: tuple[int, ...]) -> Iterator[SemistandardTableau]:
    """The semistandard tableaux of a shape and a weight: the largest entries fill a horizontal strip."""
    if not weight:
        if shape.size == 0:
            yield SemistandardTableau._trusted(())
        return
    for smaller in map(Partition._trusted, _without_horizontal_strips(shape.parts, weight[-1])):
        for tableau in _tableaux_of_weight(smaller, weight[:-1]):
            rows = [*tableau.rows, *[()] * (shape.length - smaller.length)]
            filled = (row + (len(weight),) * (part - len(row)) for row, part in zip(rows, shape.parts))
            yield SemistandardTableau._trusted(tuple(filled))
