r"""Isotypic projectors on functions of a token sequence and on modules, without the n! elements of the group.

S_L acts on functions on :math:`[V]^L` by :math:`(\rho(g) f)(x) = f(x \circ g^{-1})`. The projector to the irreps of one
shape is built along S_1 < S_2 < ... < S_L: where S_{k-1} acts by the irrep :math:`\nu`, the Jucys-Murphy element
:math:`X_k = \sum_{i<k} (i\ k)` has as eigenvalues the contents of the cells that can be added to :math:`\nu`, and the
eigenspace of a cell is where S_k acts by :math:`\nu` with that cell. Shapes with more than V rows do not occur. Any
representation by rational matrices is treated in the same way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import gcd, lcm
from operator import truediv
from typing import Any, ClassVar

import numpy as np
from sympy import QQ, ImmutableMatrix

from symrep.combinatorics.partitions import Partition, as_partition
from symrep.combinatorics.tableaux import number_of_semistandard_tableaux
from symrep.errors import InvalidArgumentError, InvalidTypeError, SizeLimitError, require, require_integer
from symrep.representations.group_algebra import is_exact_rational
from symrep.representations.jucys_murphy_action import SparseRows, jucys_murphy_action
from symrep.representations.permutation_modules import PermutationModule
from symrep.representations.representation import Representation, to_domain_matrix, to_immutable_matrix

LARGEST_EXACT_MATRIX = 1024
LARGEST_FLOAT_MATRIX = 4096


class _ChainProjector(ABC):
    """What the projectors share: the recursion along S_1 < S_2 < ..., on the columns of an array."""

    shape: Partition
    multiplicity: int
    _elements: ClassVar[str]

    @property
    def rank(self) -> int:
        """Dimension of the irrep times its multiplicity."""
        return self.shape.dimension * self.multiplicity

    @property
    @abstractmethod
    def _size(self) -> int:
        """The dimension of the space."""

    @property
    @abstractmethod
    def _max_rows(self) -> int:
        """Shapes with more rows do not occur."""

    @abstractmethod
    def _apply_jucys_murphy(self, k: int, f: np.ndarray) -> np.ndarray:
        """The Jucys-Murphy element X_k times its denominator."""

    def _jucys_murphy_denominator(self, k: int) -> int:
        """A positive integer times which X_k is an integer matrix."""
        return 1

    def _project_columns(self, columns: np.ndarray) -> np.ndarray:
        """The projections of the columns of a matrix: double precision for floats, Fractions for exact values."""
        if columns.dtype.kind in "fc":
            projected, _ = self._project(columns.astype(np.result_type(columns, np.longdouble)), 1)
            return projected.astype(np.result_type(columns, np.float64))
        rule = "must have float or exact rational entries"
        require(columns.dtype.kind in "iuO", "f", rule, columns.dtype, InvalidTypeError)
        return fractions_over(*self._project(*integers_over_denominator(columns, "f")))

    def _project(self, f: np.ndarray, denominator: int) -> tuple[np.ndarray, int]:
        """The projection of ``f / denominator`` as an array over a denominator."""
        if self.multiplicity == 0:
            return f * 0, 1
        if self.shape.size == 0:
            return f, denominator
        components = {Partition((1,)): (f, denominator)}
        for k in range(2, self.shape.size + 1):
            pieces: dict[Partition, list[tuple[np.ndarray, int]]] = {}
            for shape, component in components.items():
                for larger, piece in self._split(shape, component, k):
                    pieces.setdefault(larger, []).append(piece)
            components = {larger: _sum_over_denominators(parts) for larger, parts in pieces.items()}
        return components[self.shape]

    def _split(
        self, shape: Partition, component: tuple[np.ndarray, int], k: int
    ) -> Iterator[tuple[Partition, tuple[np.ndarray, int]]]:
        """The parts of a component of S_{k-1} in the shapes of S_k that lie inside the shape of this projector."""
        cells = [cell for cell in shape.addable_cells() if cell[0] < self._max_rows]
        contents = [column - row for row, column in cells]
        f, denominator = component
        scale = self._jucys_murphy_denominator(k)
        powers = [f]
        for _ in contents[1:]:
            powers.append(self._apply_jucys_murphy(k, powers[-1]))
        for cell, content in zip(cells, contents):
            larger = shape.add_cell(cell)
            if self.shape.contains(larger):
                others = [scale * other for other in contents if other != content]
                coefficients, value = _lagrange_numerator(scale * content, others)
                piece = sum(coefficient * power for coefficient, power in zip(coefficients, powers))
                yield larger, (piece, denominator * value)

    def _require_size(self, limit: int, kind: str) -> None:
        size = self._size
        if size > limit:
            raise SizeLimitError(
                f"the {kind} matrix of {self!r} would be {size} x {size}, the limit is {limit} x "
                f"{limit}: apply(f) projects {self._elements} without it"
            )


def _as_array(f: Any) -> np.ndarray:
    try:
        return np.asarray(f)
    except ValueError:
        raise InvalidArgumentError(f"f must be an array, got ragged {f!r}") from None


@dataclass(frozen=True, repr=False)
class IsotypicProjector(_ChainProjector):
    """The projector to all irreps of one shape in the functions on [V]^L; made by :func:`isotypic_projector`."""

    shape: Partition
    vocab_size: int
    _elements: ClassVar[str] = "functions"

    @property
    def length(self) -> int:
        """L, the size of the shape."""
        return self.shape.size

    @cached_property
    def multiplicity(self) -> int:
        """How many times the irrep occurs: the number of semistandard tableaux of the shape with entries at most V."""
        return number_of_semistandard_tableaux(self.shape, self.vocab_size)

    @property
    def _number_of_sequences(self) -> int:
        return self.vocab_size**self.length

    def apply(self, f: Any) -> np.ndarray:
        """The projection of one function, or of the columns of a matrix of functions.

        Parameters
        ----------
        f
            An array of shape (V, ..., V) with L axes, (V^L,) or (V^L, m), sequences in the order of
            ``itertools.product(range(V), repeat=L)``. Floats (or complex numbers), or exact: integers, or objects that
            are int, Fraction or sympy rationals.

        Returns
        -------
        numpy.ndarray
            An array of the shape of ``f``: float64 (complex128) for floats, ``Fraction`` objects for exact values.

        Raises
        ------
        InvalidArgumentError, InvalidTypeError
            When the shape of ``f`` is another one, or its entries are neither floats nor exact rationals.

        Notes
        -----
        About :math:`V L` transpositions of two axes for every diagram inside the shape. Rounding errors outside the
        eigenspaces grow by about 5 with every second position, so floats are projected in numpy's ``longdouble``: the
        result of a function of size 1 is within 1e-15 of the exact one for V = 2, L = 14, and 1e-12 for L = 20, where
        ``longdouble`` has 64 bits or more of mantissa (within 1e-12 for L = 14 where it is a plain double).
        """
        f = _as_array(f)
        vector_shape = (self._number_of_sequences,)
        accepted = f.shape == vector_shape or f.ndim == 2 and f.shape[:1] == vector_shape
        accepted = accepted or f.shape == (self.vocab_size,) * self.length
        rule = f"must have shape (V,)*L, (V^L,) or (V^L, m) for V = {self.vocab_size} and L = {self.length}"
        require(accepted, "f", rule, f.shape)
        columns = f.reshape(self._number_of_sequences, f.size // self._number_of_sequences)
        return self._project_columns(columns).reshape(f.shape)

    @property
    def _size(self) -> int:
        return self._number_of_sequences

    @property
    def _max_rows(self) -> int:
        return self.vocab_size

    def _apply_jucys_murphy(self, k: int, f: np.ndarray) -> np.ndarray:
        """The sum over i < k of f with the tokens at positions i and k exchanged (positions from 1)."""
        total, v = np.zeros_like(f), self.vocab_size
        for i in range(k - 1):
            axes = (v**i, v, v ** (k - 2 - i), v, f.size // v**k)
            total += f.reshape(axes).swapaxes(1, 3).reshape(f.shape)
        return total

    def _columns(self, convert: Callable[[int, int], Any], dtype: Any) -> Iterator[np.ndarray]:
        """The columns of the matrix, from those of the weakly increasing sequences by the action of S_L."""
        sequences = list(product(range(self.vocab_size), repeat=self.length))
        increasing = [x for x in sequences if list(x) == sorted(x)]
        indicators = np.zeros((len(sequences), len(increasing)), dtype=object)
        for column, x in enumerate(increasing):
            indicators[sequences.index(x), column] = 1
        projected, denominator = self._project(indicators, 1)
        column_of = {}
        for column, x in enumerate(increasing):
            values = [convert(numerator, denominator) for numerator in projected[:, column].tolist()]
            column_of[x] = np.array(values, dtype=dtype)
        for y in sequences:
            places = sorted(range(self.length), key=y.__getitem__)
            column = column_of[tuple(sorted(y))]
            if self.vocab_size > 1:
                mover = np.argsort(places).tolist()
                column = column.reshape((self.vocab_size,) * self.length).transpose(mover).reshape(-1)
            yield column

    def matrix(self) -> ImmutableMatrix:
        """The exact V^L x V^L matrix, sequences in the order of ``itertools.product(range(V), repeat=L)``.

        Raises
        ------
        SizeLimitError
            When V^L is above 1024.
        """
        self._require_size(LARGEST_EXACT_MATRIX, "exact")
        columns = ({x: value for x, value in enumerate(column) if value} for column in self._columns(QQ, object))
        return to_immutable_matrix(to_domain_matrix(columns, self._number_of_sequences, QQ))

    def to_numpy(self) -> np.ndarray:
        """The V^L x V^L matrix in float64: the exact values, rounded.

        Raises
        ------
        SizeLimitError
            When V^L is above 4096.
        """
        self._require_size(LARGEST_FLOAT_MATRIX, "float64")
        matrix = np.empty((self._number_of_sequences,) * 2)
        for index, column in enumerate(self._columns(truediv, np.float64)):
            matrix[index] = column
        return matrix

    def __repr__(self) -> str:
        return f"isotypic_projector({self.shape.parts}, vocab_size={self.vocab_size})"


@dataclass(frozen=True, repr=False)
class ModuleProjector(_ChainProjector):
    """The projector to all irreps of one shape in a representation; made by :func:`isotypic_projector`."""

    shape: Partition
    module: Representation
    _elements: ClassVar[str] = "vectors"

    @cached_property
    def multiplicity(self) -> int:
        """How many times the irrep occurs in the module."""
        return self.module.multiplicities.get(self.shape, 0)

    @property
    def _size(self) -> int:
        return self.module.dimension

    @property
    def _max_rows(self) -> int:
        if isinstance(self.module, PermutationModule):
            return sum(part > 0 for part in self.module.composition)
        return self.module.n

    def apply(self, f: Any) -> np.ndarray:
        """The projection of one vector, or of the columns of a matrix.

        Parameters
        ----------
        f
            An array of shape (d,) or (d, m), d the dimension of the module, of coordinates in its basis. Floats (or
            complex numbers), or exact: integers, or objects that are int, Fraction or sympy rationals.

        Returns
        -------
        numpy.ndarray
            An array of the shape of ``f``: float64 (complex128) for floats, ``Fraction`` objects for exact values.

        Raises
        ------
        InvalidArgumentError, InvalidTypeError
            When the shape of ``f`` is another one, or its entries are neither floats nor exact rationals.
        """
        f = _as_array(f)
        rule = f"must have shape (d,) or (d, m) for d = {self._size}"
        require(f.ndim in (1, 2) and f.shape[0] == self._size, "f", rule, f.shape)
        return self._project_columns(f.reshape(self._size, f.size // self._size)).reshape(f.shape)

    @cached_property
    def _jucys_murphy(self) -> tuple[SparseRows, ...]:
        return jucys_murphy_action(self.module)

    def _apply_jucys_murphy(self, k: int, f: np.ndarray) -> np.ndarray:
        return self._jucys_murphy[k - 2].times(f)

    def _jucys_murphy_denominator(self, k: int) -> int:
        return self._jucys_murphy[k - 2].denominator

    def matrix(self) -> ImmutableMatrix:
        """The exact matrix in the basis of the module.

        Raises
        ------
        SizeLimitError
            When the dimension is above 1024.
        """
        self._require_size(LARGEST_EXACT_MATRIX, "exact")
        rows = self.apply(np.eye(self._size, dtype=object)).tolist()
        exact = ({column: QQ(*value.as_integer_ratio()) for column, value in enumerate(row) if value} for row in rows)
        return to_immutable_matrix(to_domain_matrix(exact, self._size, QQ))

    def to_numpy(self) -> np.ndarray:
        """The matrix in float64.

        Raises
        ------
        SizeLimitError
            When the dimension is above 4096.
        """
        self._require_size(LARGEST_FLOAT_MATRIX, "float64")
        return self.apply(np.eye(self._size))

    def __repr__(self) -> str:
        return f"isotypic_projector({self.shape.parts}, module={self.module!r})"


def _lagrange_numerator(node: int, other_nodes: list[int]) -> tuple[list[int], int]:
    """Coefficients, constant term first, of the product of (X - other), and its value at ``node``."""
    coefficients, value = [1], 1
    for other in other_nodes:
        shifted = [0, *coefficients]
        coefficients = [high - other * low for high, low in zip(shifted, [*coefficients, 0])]
        value *= node - other
    return coefficients, value


def _sum_over_denominators(parts: list[tuple[np.ndarray, int]]) -> tuple[np.ndarray, int]:
    """The sum of arrays over denominators; floats are divided at once, integers are brought to lowest terms."""
    if parts[0][0].dtype != object:
        return sum(numerators / denominator for numerators, denominator in parts), 1
    common = lcm(*(denominator for _, denominator in parts))
    total = sum(numerators * (common // denominator) for numerators, denominator in parts)
    divisor = gcd(common, *total.ravel().tolist())
    return total // divisor, common // divisor


def integers_over_denominator(entries: np.ndarray, argument: str) -> tuple[np.ndarray, int]:
    """Exact rationals as an array of Python ints over one denominator; the errors name ``argument``."""
    values = entries.ravel().tolist()
    for value in values:
        if not is_exact_rational(value):
            raise InvalidTypeError(f"{argument} must have float or exact rational entries, got {value!r}")
    pairs = [(int(value.numerator), int(value.denominator)) for value in values]
    common = lcm(*(denominator for _, denominator in pairs))
    integers = np.empty(len(pairs), dtype=object)
    integers[:] = [numerator * (common // denominator) for numerator, denominator in pairs]
    return integers.reshape(entries.shape), common


def fractions_over(integers: np.ndarray, denominator: int) -> np.ndarray:
    """Integers divided by a denominator, as an array of ``Fraction`` objects."""
    fractions = np.empty(integers.size, dtype=object)
    fractions[:] = [Fraction(integer, denominator) for integer in integers.ravel().tolist()]
    return fractions.reshape(integers.shape)


def isotypic_projector(
    shape: Partition | Iterable[int], *, vocab_size: int | None = None, module: Representation | None = None
) -> IsotypicProjector | ModuleProjector:
    r"""The projector :math:`\frac{f^\lambda}{n!} \sum_g \chi^\lambda(g) \rho(g)`; the sum is never formed.

    Parameters
    ----------
    shape
        A partition of n.
    vocab_size
        V, at least 1: project functions of n tokens, on :math:`[V]^n`, where :math:`\rho(g)` permutes the positions.
    module
        Or a representation of S_n with rational matrices: :math:`\rho(g)` is ``module.matrix(g)``.

    Raises
    ------
    InvalidArgumentError, InvalidTypeError
        When not exactly one of ``vocab_size`` and ``module`` is given, or the module belongs to another S_n.

    Examples
    --------
    >>> projector = isotypic_projector((2, 1), vocab_size=2)
    >>> projector.rank, projector.multiplicity
    (4, 2)
    >>> first_token_is_one = np.arange(8) // 4
    >>> print(*projector.apply(first_token_is_one))
    0 -1/3 -1/3 -2/3 2/3 1/3 1/3 0
    >>> isotypic_projector((1, 1, 1), vocab_size=2).rank
    0
    >>> from symrep.representations.permutation_modules import permutation_module
    >>> print(*isotypic_projector((2, 1), module=permutation_module((1, 2))).apply([1, 0, 0]))
    2/3 -1/3 -1/3
    """
    shape = as_partition(shape)
    if module is None:
        require(vocab_size is not None, "vocab_size", "or module must be given", None)
        return IsotypicProjector(shape, require_integer(vocab_size, "vocab_size", minimum=1))
    require(vocab_size is None, "vocab_size", "must not be given together with module", vocab_size)
    require(isinstance(module, Representation), "module", "must be a representation of S_n", module, InvalidTypeError)
    require(module.n == shape.size, "module", f"must belong to S_{shape.size}", module)
    return ModuleProjector(shape, module)
