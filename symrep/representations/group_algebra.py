r"""The group algebra Q[S_n]: elements, Young symmetrizers, Jucys-Murphy elements, and its centre.

Products follow sympy: the product of the group elements p and q is ``p * q``, first p, then q. Tableau letters 1..n are
the points 0..n-1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import permutations, product
from math import factorial, prod
from numbers import Rational as RationalNumber
from typing import Any, ClassVar

from sympy import QQ, ImmutableMatrix, Rational
from sympy.combinatorics import Permutation
from sympy.polys.matrices import DomainMatrix

from symrep.combinatorics.partitions import Partition, as_partition, partitions
from symrep.combinatorics.tableaux import StandardTableau
from symrep.errors import InvalidTypeError, SizeLimitError, require, require_integer
from symrep.representations.characters import character, character_table
from symrep.representations.permutations import as_permutation, cycle_type
from symrep.representations.representation import IrreducibleRepresentation, Representation, to_immutable_matrix

LARGEST_DEGREE_OF_GROUP_ALGEBRA = 8
LARGEST_SYMMETRIZER = 10**6

Images = tuple[int, ...]


def is_exact_rational(value: Any) -> bool:
    """Whether a number is an int, a Fraction or a sympy rational (bools and floats are not)."""
    return isinstance(value, (RationalNumber, Rational)) and not isinstance(value, bool)


def _as_rational(value: Any, argument: str) -> Any:
    """The element of QQ of an int, a Fraction or a sympy rational."""
    if not is_exact_rational(value):
        raise InvalidTypeError(f"{argument} must be an exact rational number, got {value!r}")
    return QQ(int(value.numerator), int(value.denominator))


def as_fraction(value: Any) -> Fraction:
    """A ``Fraction`` from a rational number of any kind, an element of QQ included."""
    return Fraction(int(value.numerator), int(value.denominator))


def _shown(value: Any) -> int | Fraction:
    """A rational that ``repr`` writes as Python reads it."""
    fraction = as_fraction(value)
    return fraction.numerator if fraction.denominator == 1 else fraction


@dataclass(frozen=True, init=False, eq=False, repr=False)
class _RationalCombination(ABC):
    """Immutable formal rational combinations of hashable labels: what both algebras below share."""

    n: int
    _terms: dict[Any, Any]

    _reverse: ClassVar[bool] = False

    def _set_terms(self, n: int, terms: dict[Any, Any]) -> None:
        ordered = {label: terms[label] for label in sorted(terms, reverse=self._reverse) if terms[label]}
        object.__setattr__(self, "n", n)
        object.__setattr__(self, "_terms", ordered)

    def _require_same_algebra(self, other: Any) -> None:
        require(other.n == self.n, "other", f"must belong to S_{self.n}", other)

    def __add__(self, other: Any) -> Any:
        if type(other) is not type(self):
            return NotImplemented
        self._require_same_algebra(other)
        terms = dict(self._terms)
        for label, coefficient in other._terms.items():
            terms[label] = terms.get(label, QQ(0)) + coefficient
        return self._of(self.n, terms)

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + other * -1 if type(other) is type(self) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        if type(other) is type(self):
            self._require_same_algebra(other)
            return self._times(other)
        if not is_exact_rational(other):
            return NotImplemented
        scalar = _as_rational(other, "other")
        return self._of(self.n, {label: coefficient * scalar for label, coefficient in self._terms.items()})

    def __rmul__(self, other: Any) -> Any:
        return self * other if is_exact_rational(other) else NotImplemented

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.n == other.n and self._terms == other._terms

    def __hash__(self) -> int:
        return hash((type(self), self.n, frozenset(self._terms.items())))

    @classmethod
    def _of(cls, n: int, terms: dict[Any, Any]) -> Any:
        """From labels and elements of QQ that are known to be valid."""
        self = object.__new__(cls)
        self._set_terms(n, terms)
        return self

    @abstractmethod
    def _times(self, other: Any) -> Any:
        """The product of two elements of the same algebra."""

    def __repr__(self) -> str:
        terms = {label: _shown(coefficient) for label, coefficient in self._terms.items()}
        return f"{type(self).__name__}({terms!r}, n={self.n})"

    def _repr_latex_(self) -> str:
        terms = [f"{_shown(c)} \\, {self._label_latex(label)}" for label, c in self._terms.items()]
        return "$" + (" + ".join(terms) or "0").replace("+ -", "- ") + "$"

    @staticmethod
    @abstractmethod
    def _label_latex(label: Any) -> str:
        """The LaTeX of one label."""


class GroupAlgebraElement(_RationalCombination):
    r"""An element :math:`\sum_g c_g\, g` of Q[S_n], immutable.

    Parameters
    ----------
    coefficients
        ``{permutation: rational}``; a permutation is a sympy ``Permutation`` or its array form as a tuple.
    n
        The degree.

    Raises
    ------
    InvalidPermutationError, InvalidTypeError
        When ``coefficients`` is no mapping, a key no permutation of 0..n-1 or a value no exact rational number.

    Notes
    -----
    A product takes one step for every pair of permutations in the two supports, up to (n!)^2. For large supports
    multiply transforms instead, see :func:`symrep.representations.fourier.fourier_transform`.

    Examples
    --------
    >>> p, q = (GroupAlgebraElement({images: 1}, n=3) for images in ((1, 0, 2), (0, 2, 1)))
    >>> p * q
    GroupAlgebraElement({(2, 0, 1): 1}, n=3)
    >>> (p + q) * (p - q) == q * p - p * q
    True
    """

    def __init__(self, coefficients: Mapping[Any, Any], n: int) -> None:
        n = require_integer(n, "n", minimum=0)
        rule = "must be a dict {permutation: rational}"
        require(isinstance(coefficients, Mapping), "coefficients", rule, coefficients, InvalidTypeError)
        terms: dict[Images, Any] = {}
        for g, value in coefficients.items():
            images = tuple(as_permutation(g, "g", n).array_form)
            terms[images] = terms.get(images, QQ(0)) + _as_rational(value, "coefficient")
        self._set_terms(n, terms)

    @staticmethod
    def _label_latex(label: Images) -> str:
        cycles = ["(" + r"\,".join(map(str, cycle)) + ")" for cycle in Permutation(list(label)).cyclic_form]
        return "".join(cycles) or "e"

    @property
    def support(self) -> tuple[Permutation, ...]:
        """The permutations with a nonzero coefficient, ordered by array form."""
        return tuple(Permutation(list(images)) for images in self._terms)

    def coefficient(self, g: Any) -> Rational:
        """The coefficient of a permutation."""
        images = tuple(as_permutation(g, "g", self.n).array_form)
        return QQ.to_sympy(self._terms.get(images, QQ(0)))

    def _times(self, other: GroupAlgebraElement) -> GroupAlgebraElement:
        terms: dict[Images, Any] = {}
        for p, left in self._terms.items():
            for q, right in other._terms.items():
                images = tuple([q[i] for i in p])
                terms[images] = terms.get(images, 0) + left * right
        return self._of(self.n, terms)


def jucys_murphy(k: int, n: int) -> GroupAlgebraElement:
    r"""The Jucys-Murphy element :math:`X_k = \sum_{i<k} (i\ k)` of the letters 1..n; :math:`X_1 = 0`.

    >>> jucys_murphy(3, 3)
    GroupAlgebraElement({(0, 2, 1): 1, (2, 1, 0): 1}, n=3)
    """
    n = require_integer(n, "n", minimum=1)
    k = require_integer(k, "k")
    require(1 <= k <= n, "k", f"must lie in 1..{n}", k)
    return GroupAlgebraElement({Permutation([[i, k - 1]], size=n): 1 for i in range(k - 1)}, n)


def young_symmetrizer(tableau: StandardTableau) -> GroupAlgebraElement:
    r"""The Young symmetrizer :math:`c_T = a_T\, b_T` (first the rows) in sympy's product.

    :math:`a_T` is the sum of the permutations that keep every row of T, :math:`b_T` the signed sum of those that keep
    every column. With f the dimension of the irrep, :math:`c_T^2 = (n!/f)\, c_T`.

    Raises
    ------
    SizeLimitError
        When the product of the orders of the two groups, the number of terms, is above 10^6.

    Examples
    --------
    >>> young_symmetrizer(StandardTableau([(1, 2), (3,)]))
    GroupAlgebraElement({(0, 1, 2): 1, (1, 0, 2): 1, (1, 2, 0): -1, (2, 1, 0): -1}, n=3)
    """
    require(isinstance(tableau, StandardTableau), "tableau", "must be a StandardTableau", tableau, InvalidTypeError)
    n, columns = tableau.shape.size, tableau.conjugate.rows
    number_of_terms = prod(factorial(len(line)) for line in tableau.rows + columns)
    if number_of_terms > LARGEST_SYMMETRIZER:
        raise SizeLimitError(
            f"the Young symmetrizer of {tableau.shape.parts} has {number_of_terms} terms, "
            f"the limit is {LARGEST_SYMMETRIZER}: seminormal(shape) represents the irrep without it"
        )
    rows_sum = {images: QQ(1) for images, _ in _line_group(tableau.rows, n)}
    columns_sum = {images: QQ(sign) for images, sign in _line_group(columns, n)}
    return GroupAlgebraElement._of(n, rows_sum) * GroupAlgebraElement._of(n, columns_sum)


def _line_group(lines: Iterable[tuple[int, ...]], n: int) -> Iterator[tuple[Images, int]]:
    """The permutations that keep every line, with their signs."""
    lines = tuple(lines)
    for choice in product(*(permutations(line) for line in lines)):
        images = list(range(n))
        for line, image in zip(lines, choice):
            for letter, moved in zip(line, image):
                images[letter - 1] = moved - 1
        yield tuple(images), Permutation(images).signature()


class CentralElement(_RationalCombination):
    r"""An element :math:`\sum_\mu z_\mu \sum_{g \in C_\mu} g` of the centre of Q[S_n], immutable: a rational per class.

    Parameters
    ----------
    coefficients
        ``{cycle type: rational}``, the coefficient of every permutation with that cycle type.
    n
        The degree.

    Notes
    -----
    Products go through the central characters: one character table of S_n and :math:`O(p(n)^2)` operations.

    Examples
    --------
    >>> transpositions = class_sum((2, 1, 1))
    >>> transpositions * transpositions
    CentralElement({(3, 1): 3, (2, 2): 2, (1, 1, 1, 1): 6}, n=4)
    >>> transpositions.central_character((3, 1))
    2
    """

    _reverse: ClassVar[bool] = True

    def __init__(self, coefficients: Mapping[Any, Any], n: int) -> None:
        n = require_integer(n, "n", minimum=0)
        rule = "must be a dict {cycle type: rational}"
        require(isinstance(coefficients, Mapping), "coefficients", rule, coefficients, InvalidTypeError)
        terms: dict[tuple[int, ...], Any] = {}
        for label, value in coefficients.items():
            parts = as_partition(label, "cycle_type", size=n).parts
            terms[parts] = terms.get(parts, QQ(0)) + _as_rational(value, "coefficient")
        self._set_terms(n, terms)

    @staticmethod
    def _label_latex(label: tuple[int, ...]) -> str:
        return f"K_{{{label}}}".replace(" ", "")

    def coefficient(self, cycle_type: Partition | Iterable[int]) -> Rational:
        """The coefficient of every permutation with this cycle type."""
        parts = as_partition(cycle_type, "cycle_type", size=self.n).parts
        return QQ.to_sympy(self._terms.get(parts, QQ(0)))

    @cached_property
    def _central_characters(self) -> tuple[Any, ...]:
        """The scalars on all irreps, in the order of ``partitions(n)``."""
        table = character_table(self.n)
        weighted = [(parts, value * Partition._trusted(parts).class_size) for parts, value in self._terms.items()]
        index_of = {mu.parts: index for index, mu in enumerate(table.cycle_types)}
        scalars = []
        for shape in table.shapes:
            row = table.row(shape)
            scalars.append(sum((value * row[index_of[parts]] for parts, value in weighted), QQ(0)) / shape.dimension)
        return tuple(scalars)

    def central_character(self, shape: Partition | Iterable[int]) -> Rational:
        """The scalar by which this element acts on the irrep of a shape."""
        shape = as_partition(shape, "shape", size=self.n)
        total = QQ(0)
        for parts, value in self._terms.items():
            total += value * Partition._trusted(parts).class_size * character(shape, parts)
        return QQ.to_sympy(total / shape.dimension)

    def _times(self, other: CentralElement) -> CentralElement:
        table = character_table(self.n)
        totals = [QQ(0)] * len(table.shapes)
        for shape, left, right in zip(table.shapes, self._central_characters, other._central_characters):
            weight = left * right * shape.dimension / factorial(self.n)
            if weight:
                totals = [total + weight * value for total, value in zip(totals, table.row(shape))]
        return self._of(self.n, {mu.parts: total for mu, total in zip(table.cycle_types, totals)})

    def to_group_algebra(self) -> GroupAlgebraElement:
        """The element with its n! coefficients written out, for n at most 8.

        Raises
        ------
        SizeLimitError
            Beyond n = 8.
        """
        if self.n > LARGEST_DEGREE_OF_GROUP_ALGEBRA:
            raise SizeLimitError(
                f"an element of Q[S_{self.n}] has {factorial(self.n)} coefficients, the limit is "
                f"n = {LARGEST_DEGREE_OF_GROUP_ALGEBRA}: central_character(shape) gives its action"
            )
        terms = {}
        for images in permutations(range(self.n)):
            value = self._terms.get(cycle_type(Permutation(list(images)), self.n).parts)
            if value is not None:
                terms[images] = value
        return GroupAlgebraElement._of(self.n, terms)


def class_sum(cycle_type: Partition | Iterable[int]) -> CentralElement:
    """The sum of all permutations with a cycle type (fixed points included).

    >>> class_sum((2, 1))
    CentralElement({(2, 1): 1}, n=3)
    """
    mu = as_partition(cycle_type, "cycle_type")
    return CentralElement({mu: 1}, mu.size)


def central_idempotent(shape: Partition | Iterable[int]) -> CentralElement:
    r"""The projector :math:`\frac{f^\lambda}{n!} \sum_g \chi^\lambda(g)\, g` to the irreps of a shape.

    >>> central_idempotent((2, 1))
    CentralElement({(3,): Fraction(-1, 3), (1, 1, 1): Fraction(2, 3)}, n=3)
    """
    shape = as_partition(shape)
    n = shape.size
    scale = QQ(shape.dimension, factorial(n))
    return CentralElement._of(n, {mu.parts: scale * character(shape, mu) for mu in partitions(n)})


def represent(rho: Representation, element: GroupAlgebraElement | CentralElement) -> ImmutableMatrix:
    r"""The exact matrix :math:`\sum_g c_g\, \rho(g)`.

    A central element acts on an irrep as its central character; else the cost is one matrix per element of the support.

    Raises
    ------
    InvalidTypeError, InvalidArgumentError
        When ``element`` is no element of a group algebra, or of another S_n than ``rho``.
    SizeLimitError
        For a central element on a reducible representation beyond n = 8.

    Examples
    --------
    >>> from symrep.representations.irreps import seminormal
    >>> represent(seminormal((2, 1)), jucys_murphy(3, 3))
    Matrix([
    [-1, 0],
    [ 0, 1]])
    """
    kinds = (GroupAlgebraElement, CentralElement)
    require(isinstance(element, kinds), "element", "must belong to a group algebra", element, InvalidTypeError)
    require(isinstance(rho, Representation), "rho", "must be a representation", rho, InvalidTypeError)
    require(element.n == rho.n, "element", f"must belong to S_{rho.n}", element)
    if isinstance(element, CentralElement):
        if isinstance(rho, IrreducibleRepresentation):
            scalar = _as_rational(element.central_character(rho.shape), "scalar")
            return to_immutable_matrix(DomainMatrix.eye(rho.dimension, QQ) * scalar)
        element = element.to_group_algebra()
    total = DomainMatrix.zeros((rho.dimension, rho.dimension), QQ)
    for images, coefficient in element._terms.items():
        matrix = rho.domain_matrix(images)
        domain = QQ.unify(matrix.domain)
        total = total.convert_to(domain) + matrix.convert_to(domain) * domain.convert_from(coefficient, QQ)
    return to_immutable_matrix(total)
