r"""Class functions of the symmetric groups: the ring of virtual characters, its operations and its decompositions.

A class function of S_n is stored by its values on the cycle types in reverse lexicographic order, the order of
:func:`~symrep.combinatorics.partitions.partitions`. Values are exact: Python ints, or Fractions that are no integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import factorial
from operator import mul
from typing import Any

from symrep.combinatorics.partitions import Partition, as_composition, as_partition, number_of_partitions, partitions
from symrep.errors import InvalidTypeError, require, require_integer
from symrep.representations.class_values import (
    Value,
    classes_of,
    exact_value,
    exact_values,
    over_common_denominator,
    power,
    reduced,
    rows_of_table,
    union,
)


@dataclass(frozen=True)
class ClassFunction:
    r"""A function on the conjugacy classes of S_n with exact rational values.

    Parameters
    ----------
    n
        The degree, at least 0.
    values
        One integer or fraction for every cycle type, in reverse lexicographic order.

    Notes
    -----
    ``+``, ``-`` and ``*`` are those of functions: ``*`` is the tensor product of characters, or a multiple when one
    factor is a number. All of them cost p(n) operations, p(n) the number of partitions of n.

    Examples
    --------
    >>> chi = irreducible_character((3, 1))
    >>> chi, chi[(2, 1, 1)], chi.degree
    (ClassFunction(n=4, values=(-1, 0, -1, 1, 3)), 1, 3)
    >>> (chi * chi).decomposition() == {Partition(shape): 1 for shape in [(4,), (3, 1), (2, 2), (2, 1, 1)]}
    True
    >>> chi.symmetric_power(2) + chi.exterior_power(2) == chi * chi
    True
    """

    n: int
    values: tuple[Value, ...]

    def __init__(self, n: int, values: Iterable[Any]) -> None:
        n = require_integer(n, "n", minimum=0)
        checked = exact_values(values, "values")
        count = number_of_partitions(n)
        require(len(checked) == count, "values", f"must be {count}, one per cycle type of S_{n}", checked)
        object.__setattr__(self, "n", n)
        object.__setattr__(self, "values", checked)

    @classmethod
    def _trusted(cls, n: int, values: Iterable[Value]) -> ClassFunction:
        """A class function from exact values of the right number (only reduced to ints where they are integers)."""
        self = object.__new__(cls)
        object.__setattr__(self, "n", n)
        object.__setattr__(self, "values", tuple(map(reduced, values)))
        return self

    def _repr_html_(self) -> str:
        types = "".join(f"<th>{cycle_type}</th>" for cycle_type in partitions(self.n))
        values = "".join(f"<td>{value}</td>" for value in self.values)
        return f"<table><tr>{types}</tr><tr>{values}</tr></table>"

    @property
    def cycle_types(self) -> tuple[Partition, ...]:
        """The labels of the values, reverse lexicographic."""
        return classes_of(self.n).cycle_types

    def __getitem__(self, cycle_type: Partition | Iterable[int]) -> Value:
        return self.values[classes_of(self.n).index[as_partition(cycle_type, "cycle_type", size=self.n)]]

    @property
    def degree(self) -> Value:
        """The value on the identity: the dimension, for the character of a representation."""
        return self.values[-1]

    def _require_same_n(self, other: ClassFunction) -> None:
        require(self.n == other.n, "other", f"must be a class function of S_{self.n}", other)

    def __add__(self, other: ClassFunction) -> ClassFunction:
        if not isinstance(other, ClassFunction):
            return NotImplemented
        self._require_same_n(other)
        return ClassFunction._trusted(self.n, (a + b for a, b in zip(self.values, other.values)))

    def __sub__(self, other: ClassFunction) -> ClassFunction:
        if not isinstance(other, ClassFunction):
            return NotImplemented
        return self + -other

    def __neg__(self) -> ClassFunction:
        return ClassFunction._trusted(self.n, (-value for value in self.values))

    def __mul__(self, other: ClassFunction | int | Fraction) -> ClassFunction:
        if isinstance(other, ClassFunction):
            self._require_same_n(other)
            return ClassFunction._trusted(self.n, (a * b for a, b in zip(self.values, other.values)))
        try:
            factor = exact_value(other, "factor")
        except InvalidTypeError:
            return NotImplemented
        return ClassFunction._trusted(self.n, (factor * value for value in self.values))

    __rmul__ = __mul__
    __array_ufunc__ = None  # or a numpy integer on the left would take the product over

    def inner_product(self, other: ClassFunction) -> Value:
        r""":math:`\langle f, g \rangle = \sum_\mu f(\mu) g(\mu) / z_\mu`. Cost: p(n) operations.

        >>> irreducible_character((3, 1)).inner_product(permutation_character((2, 2)))
        1
        """
        if not isinstance(other, ClassFunction):
            raise InvalidTypeError(f"other must be a class function, got {other!r}")
        self._require_same_n(other)
        total = sum(size * a * b for size, a, b in zip(classes_of(self.n).sizes, self.values, other.values))
        return reduced(Fraction(total) / factorial(self.n))

    def decomposition(self) -> dict[Partition, Value]:
        r"""The coefficients :math:`\langle f, \chi^\lambda \rangle \ne 0`, shapes in reverse lexicographic order.

        Cost: p(n)^2 operations and, for n > 16, the character table row by row; 0.2 s for n = 20, 3 s for n = 30.

        >>> (2 * irreducible_character((2, 1)) - irreducible_character((3,))).decomposition()
        {Partition((3,)): -1, Partition((2, 1)): 2}
        """
        weights, denominator = over_common_denominator(
            size * value for size, value in zip(classes_of(self.n).sizes, self.values)
        )
        coefficients = {}
        for shape, row in rows_of_table(self.n):
            total = sum(map(mul, weights, row))
            if total:
                coefficients[shape] = reduced(Fraction(total, denominator * factorial(self.n)))
        return coefficients

    def is_character(self) -> bool:
        """Whether it is the character of a representation (that of dimension 0 included). Cost: a decomposition.

        >>> chi = irreducible_character((2, 1))
        >>> chi.is_character(), (-chi).is_character(), (chi * Fraction(1, 2)).is_character()
        (True, False, False)
        """
        return all(isinstance(count, int) and count > 0 for count in self.decomposition().values())

    def restrict(self, first: int, second: int) -> ProductClassFunction:
        r"""The restriction to the Young subgroup S_first x S_second, first + second = n. Cost: p(first) p(second).

        >>> restricted = irreducible_character((2, 2)).restrict(2, 2)
        >>> {tuple(map(str, labels)): count for labels, count in restricted.decomposition().items()}
        {('(2)', '(2)'): 1, ('(1,1)', '(1,1)'): 1}
        """
        first = require_integer(first, "first", minimum=0)
        second = require_integer(second, "second", minimum=0)
        require(first + second == self.n, "first + second", f"must be {self.n}", first + second)
        index = classes_of(self.n).index
        values = [
            [self.values[index[union(left, right)]] for right in classes_of(second).cycle_types]
            for left in classes_of(first).cycle_types
        ]
        return ProductClassFunction._trusted((first, second), values)

    def outer(self, other: ClassFunction) -> ProductClassFunction:
        r"""The outer tensor product :math:`f \boxtimes g` on the product of the two groups. Cost: p(n) p(m)."""
        if not isinstance(other, ClassFunction):
            raise InvalidTypeError(f"other must be a class function, got {other!r}")
        return ProductClassFunction._trusted((self.n, other.n), [[a * b for b in other.values] for a in self.values])

    def induce(self, other: ClassFunction) -> ClassFunction:
        r"""The induction product: :math:`f \boxtimes g` of S_n x S_m induced to S_{n+m}. Cost: p(n) p(m).

        Its coefficients at irreducible characters are Littlewood-Richardson coefficients.

        >>> irreducible_character((2,)).induce(irreducible_character((1, 1))).decomposition()
        {Partition((3, 1)): 1, Partition((2, 1, 1)): 1}
        """
        return self.outer(other).induce()

    def restrict_once(self) -> ClassFunction:
        """The restriction to S_{n-1}, the permutations that fix the last letter. Cost: p(n-1).

        >>> irreducible_character((3, 1)).restrict_once().decomposition()
        {Partition((3,)): 1, Partition((2, 1)): 1}
        """
        require(self.n >= 1, "n", "must be at least 1", self.n)
        index = classes_of(self.n).index
        smaller = classes_of(self.n - 1).cycle_types
        values = (self.values[index[Partition._trusted((*cycle_type.parts, 1))]] for cycle_type in smaller)
        return ClassFunction._trusted(self.n - 1, values)

    def induce_once(self) -> ClassFunction:
        """The induction to S_{n+1}: multiply by the number of fixed points and forget one of them. Cost: p(n+1).

        >>> irreducible_character((2, 1)).induce_once().decomposition()
        {Partition((3, 1)): 1, Partition((2, 2)): 1, Partition((2, 1, 1)): 1}
        """
        index = classes_of(self.n).index
        values = []
        for cycle_type in classes_of(self.n + 1).cycle_types:
            fixed = cycle_type.parts.count(1)
            values.append(fixed * self.values[index[Partition._trusted(cycle_type.parts[:-1])]] if fixed else 0)
        return ClassFunction._trusted(self.n + 1, values)

    def adams_operation(self, k: int) -> ClassFunction:
        r""":math:`(\psi^k f)(g) = f(g^k)`. Cost: p(n).

        >>> irreducible_character((2, 1)).adams_operation(2)
        ClassFunction(n=3, values=(-1, 2, 2))
        """
        k = require_integer(k, "k", minimum=1)
        index = classes_of(self.n).index
        return ClassFunction._trusted(self.n, (self.values[index[power(mu, k)]] for mu in self.cycle_types))

    def symmetric_power(self, k: int) -> ClassFunction:
        r"""The character of the k-th symmetric power, by Newton's identity. Cost: k^2 p(n).

        .. math:: k\, h_k = \sum_{i=1}^k \psi^i(f)\, h_{k-i}

        >>> irreducible_character((2, 1)).symmetric_power(3).decomposition()
        {Partition((3,)): 1, Partition((2, 1)): 1, Partition((1, 1, 1)): 1}
        """
        return self._newton(k, sign=1)

    def exterior_power(self, k: int) -> ClassFunction:
        r"""The character of the k-th exterior power, by Newton's identity with alternating signs. Cost: k^2 p(n).

        >>> irreducible_character((3, 1)).exterior_power(2) == irreducible_character((2, 1, 1))
        True
        """
        return self._newton(k, sign=-1)

    def _newton(self, k: int, sign: int) -> ClassFunction:
        k = require_integer(k, "k", minimum=0)
        adams = [self.adams_operation(i) for i in range(1, k + 1)]
        powers = [ClassFunction._trusted(self.n, (1 for _ in self.values))]
        for j in range(1, k + 1):
            total = 0 * self
            for i in range(1, j + 1):
                total += sign ** (i - 1) * adams[i - 1] * powers[j - i]
            powers.append(total * Fraction(1, j))
        return powers[k]

    def frobenius_schur_indicator(self) -> Value:
        r""":math:`\frac{1}{n!} \sum_g f(g^2)`: 1 for every irreducible character of S_n. Cost: p(n).

        >>> irreducible_character((3, 2)).frobenius_schur_indicator()
        1
        """
        return self.adams_operation(2).inner_product(ClassFunction._trusted(self.n, (1 for _ in self.values)))


@dataclass(frozen=True)
class ProductClassFunction:
    r"""A class function of a product of two symmetric groups; made by :meth:`ClassFunction.restrict` and ``outer``.

    ``values[i][j]`` is the value on the i-th cycle type of the first group and the j-th of the second, both in reverse
    lexicographic order.

    Examples
    --------
    >>> f = irreducible_character((2, 1)).outer(irreducible_character((2,)))
    >>> f, f[(3,), (2,)]
    (ProductClassFunction(degrees=(3, 2), values=((-1, -1), (0, 0), (2, 2))), -1)
    """

    degrees: tuple[int, int]
    values: tuple[tuple[Value, ...], ...]

    def __init__(self, degrees: tuple[int, int], values: Iterable[Iterable[Any]]) -> None:
        try:
            first, second = degrees
        except (TypeError, ValueError):
            raise InvalidTypeError(f"degrees must be a pair of integers, got {degrees!r}") from None
        first = require_integer(first, "first degree", minimum=0)
        second = require_integer(second, "second degree", minimum=0)
        try:
            rows = tuple(exact_values(row, "row of values") for row in values)
        except TypeError:
            raise InvalidTypeError(f"values must be a sequence of rows of exact numbers, got {values!r}") from None
        height, width = number_of_partitions(first), number_of_partitions(second)
        fits = len(rows) == height and all(len(row) == width for row in rows)
        require(fits, "values", f"must be {height} rows of {width}, one value per pair of cycle types", rows)
        object.__setattr__(self, "degrees", (first, second))
        object.__setattr__(self, "values", rows)

    @classmethod
    def _trusted(cls, degrees: tuple[int, int], values: Iterable[Iterable[Value]]) -> ProductClassFunction:
        self = object.__new__(cls)
        object.__setattr__(self, "degrees", degrees)
        object.__setattr__(self, "values", tuple(tuple(map(reduced, row)) for row in values))
        return self

    def __getitem__(self, labels: tuple[Partition | Iterable[int], Partition | Iterable[int]]) -> Value:
        if not isinstance(labels, tuple) or len(labels) != 2:
            raise InvalidTypeError(f"index must be a pair of cycle types, got {labels!r}")
        row, column = (
            classes_of(degree).index[as_partition(label, "cycle_type", size=degree)]
            for degree, label in zip(self.degrees, labels)
        )
        return self.values[row][column]

    def inner_product(self, other: ProductClassFunction) -> Value:
        r""":math:`\sum_{\alpha, \beta} f(\alpha, \beta) g(\alpha, \beta) / (z_\alpha z_\beta)`."""
        if not isinstance(other, ProductClassFunction):
            raise InvalidTypeError(f"other must be a class function of a product, got {other!r}")
        require(self.degrees == other.degrees, "other", f"must have the degrees {self.degrees}", other.degrees)
        left_sizes, right_sizes = (classes_of(degree).sizes for degree in self.degrees)
        total = sum(
            left * right * a * b
            for left, row, other_row in zip(left_sizes, self.values, other.values)
            for right, a, b in zip(right_sizes, row, other_row)
        )
        first, second = self.degrees
        return reduced(Fraction(total) / (factorial(first) * factorial(second)))

    def decomposition(self) -> dict[tuple[Partition, Partition], Value]:
        r"""The coefficients at :math:`\chi^\mu \boxtimes \chi^\nu` that are not 0, by pairs (mu, nu).

        Cost: p(a) p(b) (p(a) + p(b)) operations for degrees a and b, and both character tables.
        """
        first, second = self.degrees
        by_first: dict[Partition, list[Value]] = {}
        columns = list(zip(*self.values))
        partial = [ClassFunction._trusted(first, column).decomposition() for column in columns]
        for j, coefficients in enumerate(partial):
            for mu, coefficient in coefficients.items():
                by_first.setdefault(mu, [0] * len(columns))[j] = coefficient
        return {
            (mu, nu): coefficient
            for mu in classes_of(first).cycle_types
            if mu in by_first
            for nu, coefficient in ClassFunction._trusted(second, by_first[mu]).decomposition().items()
        }

    def induce(self) -> ClassFunction:
        r"""The induction to the symmetric group on all letters.

        .. math:: (\mathrm{Ind} f)(\mu) = \sum_{\alpha \cup \beta = \mu} \frac{z_\mu}{z_\alpha z_\beta} f(\alpha, \beta)
        """
        first, second = self.degrees
        classes = classes_of(first + second)
        totals: list[Value] = [0] * len(classes.cycle_types)
        for left, row in zip(classes_of(first).cycle_types, self.values):
            for right, value in zip(classes_of(second).cycle_types, row):
                mu = union(left, right)
                ways = mu.centralizer_order // (left.centralizer_order * right.centralizer_order)
                totals[classes.index[mu]] += ways * value
        return ClassFunction._trusted(first + second, totals)


def class_function(n: int, values: Any) -> ClassFunction:
    """A class function from a function of the cycle type, a mapping by cycle types, or a sequence of values.

    Parameters
    ----------
    n
        At least 0.
    values
        A callable of a :class:`Partition`, a mapping from all cycle types to values, or the values in reverse
        lexicographic order of the cycle types. Values are integers or fractions (sympy's too); floats are refused.

    Examples
    --------
    >>> class_function(4, lambda cycle_type: cycle_type.parts.count(1) - 1) == irreducible_character((3, 1))
    True
    >>> class_function(2, {(2,): -1, (1, 1): 1})
    ClassFunction(n=2, values=(-1, 1))
    """
    n = require_integer(n, "n", minimum=0)
    if isinstance(values, Mapping):
        by_type = {as_partition(label, "cycle_type", size=n): value for label, value in values.items()}
        require(all(mu in by_type for mu in partitions(n)), "values", f"must have every cycle type of S_{n}", values)
        return ClassFunction(n, (by_type[mu] for mu in partitions(n)))
    return ClassFunction(n, map(values, partitions(n)) if callable(values) else values)


def irreducible_character(shape: Partition | Iterable[int]) -> ClassFunction:
    """The irreducible character of a shape. Cost: a row of the character table, 3 s for n = 36.

    >>> irreducible_character((2, 1))
    ClassFunction(n=3, values=(-1, 0, 2))
    """
    shape = as_partition(shape)
    ((_, row),) = rows_of_table(shape.size, (shape,))
    return ClassFunction._trusted(shape.size, row)


def permutation_character(composition: Iterable[int]) -> ClassFunction:
    r"""The character of S_n on words with ``composition[i]`` letters i, the cosets of a Young subgroup.

    Its coefficients at irreducible characters are Kostka numbers. It is induced from the trivial character one letter
    after another, each at the cost of :meth:`ClassFunction.induce`.

    Parameters
    ----------
    composition
        Nonnegative integers with sum n, in any order.

    Examples
    --------
    >>> permutation_character((2, 1, 1)).decomposition()
    {Partition((4,)): 1, Partition((3, 1)): 2, Partition((2, 2)): 1, Partition((2, 1, 1)): 1}
    """
    induced = ClassFunction._trusted(0, (1,))
    for count in sorted(as_composition(composition, "composition"), reverse=True):
        trivial = ClassFunction._trusted(count, (1 for _ in classes_of(count).cycle_types))
        induced = induced.induce(trivial)
    return induced


def regular_character(n: int) -> ClassFunction:
    """The character of S_n on its group algebra: n! at the identity, else 0.

    >>> regular_character(3).decomposition()
    {Partition((3,)): 1, Partition((2, 1)): 2, Partition((1, 1, 1)): 1}
    """
    n = require_integer(n, "n", minimum=0)
    return ClassFunction._trusted(n, (0,) * (number_of_partitions(n) - 1) + (factorial(n),))
