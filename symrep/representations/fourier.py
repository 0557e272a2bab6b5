r"""The fast Fourier transform on S_n, exact over Q and in floating point, by Clausen's recursion.

The transform of a function f on S_n is :math:`\hat f(\lambda) = \sum_g f(g)\, \rho_\lambda(g)`, one matrix per shape,
in Young's seminormal form for exact values and in Young's orthogonal form for floats. It turns the product of the
group algebra into products of matrices, and

.. math:: f(g) = \frac{1}{n!} \sum_\lambda f^\lambda \operatorname{tr}\bigl(\rho_\lambda(g^{-1}) \hat f(\lambda)\bigr).

Every g is :math:`w_c * h` with :math:`w_c = s_{n-c} * \dots * s_{n-1}`, c = 0..n-1, and h in S_{n-1}, so that
:math:`\hat f(\lambda) = \sum_c \rho_\lambda(w_c)\, \hat f_c(\lambda)` with :math:`f_c(h) = f(w_c * h)`. On the basis in
last-letter order :math:`\hat f_c(\lambda)` is block-diagonal with one block for every cell that can be removed, and a
generator has two entries per row: going up from S_{k-1} to S_k costs O(k^2) operations for each of the n! values.

Arrays of n! values are in the order of :mod:`symrep.representations.coset_order`: every coset :math:`w_c * S_{n-1}` is
contiguous, the identity is first, and S_m is the first m! elements of S_n.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import factorial
from types import MappingProxyType
from typing import Any

import numpy as np
from sympy import QQ, ImmutableMatrix, MatrixBase, Rational
from sympy.polys.matrices import DomainMatrix

from symrep.combinatorics.partitions import Partition, as_partition, partitions
from symrep.errors import InvalidTypeError, require, require_integer
from symrep.representations.coset_order import (
    as_floats,
    images_at,
    permutation_from_index,
    permutation_index,
    permutations_in_coset_order,
    require_listable,
    values_in_coset_order,
)
from symrep.representations.coset_recursion import ExactStack, FloatStack, inverse_transform, transform
from symrep.representations.group_algebra import GroupAlgebraElement, as_fraction, is_exact_rational
from symrep.representations.irreps import OrthogonalForm
from symrep.representations.projectors import fractions_over, integers_over_denominator
from symrep.representations.representation import to_immutable_matrix

__all__ = [
    "FourierTransform",
    "fourier_transform",
    "inverse_fourier_transform",
    "permutation_from_index",
    "permutation_index",
    "permutations_in_coset_order",
]


@dataclass(frozen=True, eq=False, repr=False)
class FourierTransform:
    r"""A matrix for every shape of size n: the transform of a function on S_n, or matrices to be transformed back.

    Parameters
    ----------
    matrices
        ``{shape: square matrix of size f^shape}``; a shape that is left out has the matrix 0. Exact matrices (sympy
        matrices, ``DomainMatrix``, nested ints, Fractions or sympy rationals) refer to the seminormal form, floats to
        the orthogonal form; the two do not mix.
    n
        The degree, at most 10.

    Raises
    ------
    InvalidArgumentError, InvalidTypeError
        When a matrix has another size, or entries that are neither floats nor exact rationals.
    SizeLimitError
        Beyond n = 10.

    Examples
    --------
    >>> fhat = FourierTransform({(2, 1): [[1, 0], [0, 0]]}, n=3)
    >>> fhat, fhat[(2, 1)], fhat[(3,)]
    (FourierTransform(n=3, exact), Matrix([
    [1, 0],
    [0, 0]]), Matrix([[0]]))
    >>> fhat.to_group_algebra().coefficient([0, 2, 1])
    -1/6
    """

    n: int
    is_exact: bool
    _matrices: Mapping[Partition, Any]

    def __init__(self, matrices: Mapping[Any, Any], n: int) -> None:
        n = require_integer(n, "n", minimum=0)
        require(isinstance(matrices, Mapping), "matrices", "must be a dict {shape: matrix}", matrices, InvalidTypeError)
        require_listable(n)
        checked = {}
        for label, matrix in matrices.items():
            shape = as_partition(label, "shape", size=n)
            checked[shape] = _as_matrix(matrix, shape)
        kinds = {isinstance(matrix, DomainMatrix) for matrix in checked.values()}
        require(len(kinds) < 2, "matrices", "must be all exact or all floats", list(checked), InvalidTypeError)
        self._set(n, kinds != {False}, checked)

    def _set(self, n: int, is_exact: bool, matrices: dict[Partition, Any]) -> None:
        object.__setattr__(self, "n", n)
        object.__setattr__(self, "is_exact", is_exact)
        object.__setattr__(self, "_matrices", MappingProxyType(matrices))

    @classmethod
    def _of(cls, n: int, is_exact: bool, matrices: dict[Partition, Any]) -> FourierTransform:
        """From dense matrices over QQ or read-only float arrays that are known to fit."""
        self = object.__new__(cls)
        self._set(n, is_exact, matrices)
        return self

    @property
    def shapes(self) -> tuple[Partition, ...]:
        """The partitions of n, in reverse lexicographic order."""
        return tuple(partitions(self.n))

    def __getitem__(self, shape: Partition | Iterable[int]) -> ImmutableMatrix | np.ndarray:
        """The matrix of a shape: an immutable sympy matrix when exact, else a read-only array."""
        shape = as_partition(shape, "shape", size=self.n)
        matrix = self._matrix(shape)
        return to_immutable_matrix(matrix) if self.is_exact else matrix

    def _matrix(self, shape: Partition) -> Any:
        if shape in self._matrices:
            return self._matrices[shape]
        size = (shape.dimension, shape.dimension)
        return DomainMatrix.zeros(size, QQ).to_dense() if self.is_exact else _read_only(np.zeros(size))

    def domain_matrix(self, shape: Partition | Iterable[int]) -> DomainMatrix:
        """The exact matrix of a shape as a sympy ``DomainMatrix`` (a new object at every call)."""
        require(self.is_exact, "transform", "must be exact to have matrices over Q", self, InvalidTypeError)
        return self._matrix(as_partition(shape, "shape", size=self.n)).copy()

    def __mul__(self, other: Any) -> FourierTransform:
        """Shape by shape the product of the matrices: the transform of the product in the group algebra."""
        if not isinstance(other, FourierTransform):
            return NotImplemented
        self._require_same_kind(other)
        common = [shape for shape in self._matrices if shape in other._matrices]
        if self.is_exact:
            products = {shape: self._matrices[shape] * other._matrices[shape] for shape in common}
        else:
            products = {shape: _read_only(self._matrices[shape] @ other._matrices[shape]) for shape in common}
        return FourierTransform._of(self.n, self.is_exact, products)

    def _require_same_kind(self, other: FourierTransform) -> None:
        rule = f"must be {self._kind} and belong to S_{self.n}"
        require((other.n, other.is_exact) == (self.n, self.is_exact), "other", rule, other)

    def gram_diagonal(self, shape: Partition | Iterable[int]) -> tuple[Rational, ...]:
        r"""The squared lengths :math:`\gamma_T` of the basis vectors for the invariant inner product.

        :math:`\rho(g^{-1}) = \Gamma^{-1} \rho(g)^T \Gamma` with :math:`\Gamma` the diagonal matrix of the
        :math:`\gamma_T`, 1 for the last tableau. In the orthogonal form of a floating transform all are 1.

        >>> FourierTransform({}, n=3).gram_diagonal((2, 1))
        (3/4, 1)
        """
        shape = as_partition(shape, "shape", size=self.n)
        if not self.is_exact:
            return (Rational(1),) * shape.dimension
        return tuple(factor**2 * radicand for factor, radicand in OrthogonalForm(shape).lengths)

    def inner_product(self, other: FourierTransform) -> Rational | float | complex:
        r""":math:`\sum_g \overline{f(g)}\, h(g)` from the transforms of f and h (Plancherel).

        .. math:: \frac{1}{n!} \sum_\lambda f^\lambda
            \operatorname{tr}\bigl(\Gamma^{-1} \hat f(\lambda)^* \Gamma\, \hat h(\lambda)\bigr)

        with :math:`\Gamma` the diagonal matrix of :meth:`gram_diagonal`.

        >>> f, h = fourier_transform([1, 2, 0, 0, 0, 5]), fourier_transform([3, 1, 1, 1, 1, 1])
        >>> f.inner_product(h)
        10
        """
        require(isinstance(other, FourierTransform), "other", "must be a FourierTransform", other, InvalidTypeError)
        self._require_same_kind(other)
        total: Any = 0
        for shape, mine in self._matrices.items():
            theirs = other._matrix(shape)
            if self.is_exact:
                total += shape.dimension * self._weighted_trace(shape, mine, theirs)
            else:
                total += shape.dimension * np.vdot(mine, theirs)
        if self.is_exact:
            return QQ.to_sympy(QQ.convert(total) / factorial(self.n))
        return (total / factorial(self.n)).item() if total else 0.0

    def _weighted_trace(self, shape: Partition, mine: DomainMatrix, theirs: DomainMatrix) -> Any:
        gram = [QQ.from_sympy(square) for square in self.gram_diagonal(shape)]
        total = QQ(0)
        for square, row, other_row in zip(gram, mine.to_list(), theirs.to_list()):
            for column_square, a, b in zip(gram, row, other_row):
                if a and b:
                    total += square / column_square * a * b
        return total

    def to_group_algebra(self) -> GroupAlgebraElement:
        """The exact inverse transform as an element of Q[S_n]."""
        require(self.is_exact, "transform", "must be exact for an element of Q[S_n]", self, InvalidTypeError)
        numerators, denominator = _exact_inverse(self)
        terms = {
            tuple(images_at(index, self.n)): QQ(numerator, denominator)
            for index, numerator in enumerate(numerators.tolist())
            if numerator
        }
        return GroupAlgebraElement._of(self.n, terms)

    @property
    def _kind(self) -> str:
        return "exact" if self.is_exact else "float"

    def __repr__(self) -> str:
        return f"FourierTransform(n={self.n}, {self._kind})"


def _read_only(array: np.ndarray) -> np.ndarray:
    """A view that cannot be made writeable, as long as the array that owns the entries stays read-only."""
    owner = array if array.base is None else array.copy()
    owner.flags.writeable = False
    return owner.view()


def _as_matrix(value: Any, shape: Partition) -> DomainMatrix | np.ndarray:
    """A dense matrix over QQ or a float array, of the size that the shape needs."""
    size = (shape.dimension, shape.dimension)
    if isinstance(value, DomainMatrix):
        rows = value.to_Matrix().tolist()
    else:
        rows = value.tolist() if isinstance(value, (MatrixBase, np.ndarray)) else value
    try:
        entries = np.empty(size, dtype=object)
        lengths = [len(row) for row in rows]
        require(lengths == [size[1]] * size[0], "matrix", f"must be {size[0]} x {size[0]} for {shape}", lengths)
        entries[...] = [list(row) for row in rows]
    except TypeError:
        raise InvalidTypeError(f"matrix must be a matrix or a sequence of rows, got {value!r}") from None
    if all(map(is_exact_rational, entries.flat)):
        exact = [[QQ(int(entry.numerator), int(entry.denominator)) for entry in row] for row in entries.tolist()]
        return DomainMatrix(exact, size, QQ).to_dense()
    return _read_only(as_floats(entries.ravel(), "matrix").reshape(size))


def fourier_transform(f: Any, n: int | None = None, *, exact: bool | None = None) -> FourierTransform:
    r""":math:`\hat f(\lambda) = \sum_g f(g)\, \rho_\lambda(g)` for every shape of size n.

    Parameters
    ----------
    f
        n! values in coset order (an array or a sequence), a dict ``{permutation: value}``, or a
        ``GroupAlgebraElement``; permutations that a dict leaves out have the value 0, the values of keys that mean the
        same permutation are added.
    n
        The degree. Unless given: that of the element, the size of the largest permutation, or read off n!.
    exact
        True for the seminormal form over Q, False for the orthogonal form in float64 (complex128). Unless given:
        exact for integers, Fractions and sympy rationals, floating as soon as a value is a float or complex.

    Raises
    ------
    InvalidArgumentError, InvalidTypeError
        When the number of values is no factorial, a value is no number, floats are to be transformed exactly, or exact
        values beyond the range of float64 in floating point.
    SizeLimitError
        Beyond n = 10.

    Notes
    -----
    About :math:`n^3/6` operations for each of the n! values: on one core 0.3 s for S_9 and 2 s (0.4 GB) for S_10 in
    floating point. Exact transforms keep int64 numerators while that is provably safe: 1 s for S_9, 8 s for S_10 (small
    integers).

    Examples
    --------
    >>> transform = fourier_transform([1, 2, 0, 0, 0, 5])
    >>> transform[(3,)], transform[(2, 1)]
    (Matrix([[8]]), Matrix([
    [  1/2,  -5],
    [-15/4, 3/2]]))
    >>> a, b = (GroupAlgebraElement({g: 1}, 3) for g in ((1, 0, 2), (0, 2, 1)))
    >>> (fourier_transform(a) * fourier_transform(b)).to_group_algebra() == a * b != b * a
    True
    >>> fourier_transform([0.5, 0, 0, 0, 0, 0])[(2, 1)].tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    if n is not None:
        n = require_integer(n, "n", minimum=0)
    values, degree = values_in_coset_order(f, n)
    all_exact = values.dtype.kind in "iu" or values.dtype == object and all(map(is_exact_rational, values.tolist()))
    if exact or exact is None and all_exact:
        require(all_exact, "f", "must have exact rational values to be transformed exactly", values, InvalidTypeError)
        return _exact_transform(*integers_over_denominator(values, "f"), degree)
    return _float_transform(as_floats(values, "f"), degree)


def _cosets_of_small_groups_first(values: np.ndarray, n: int) -> np.ndarray:
    """One row in which c_1 is the slowest index, from coset order, where it is the fastest."""
    return np.ascontiguousarray(values.reshape(range(n, 0, -1)).transpose()).reshape(1, -1)


def _float_transform(values: np.ndarray, n: int) -> FourierTransform:
    if n == 0:
        return FourierTransform._of(0, False, {Partition(()): _read_only(values.reshape(1, 1))})
    stacks = transform(FloatStack(_cosets_of_small_groups_first(values, n)), n)
    return FourierTransform._of(n, False, {shape: _read_only(stack.rows) for shape, stack in stacks.items()})


def _exact_transform(numerators: np.ndarray, denominator: int, n: int) -> FourierTransform:
    if n == 0:
        value = DomainMatrix([[QQ(numerators.item(), denominator)]], (1, 1), QQ)
        return FourierTransform._of(0, True, {Partition(()): value})
    stacks = transform(ExactStack.of_integers(_cosets_of_small_groups_first(numerators, n)), n)
    matrices = {}
    for shape, stack in stacks.items():
        size = (shape.dimension, shape.dimension)
        rows = [
            [QQ(numerator, row_denominator * denominator) for numerator in row]
            for row, row_denominator in zip(stack.rows.tolist(), stack.fractions.denominators)
        ]
        matrices[shape] = DomainMatrix(rows, size, QQ).to_dense()
    return FourierTransform._of(n, True, matrices)


def inverse_fourier_transform(fhat: FourierTransform) -> np.ndarray:
    r""":math:`f(g) = \frac{1}{n!} \sum_\lambda f^\lambda \operatorname{tr}(\rho_\lambda(g^{-1}) \hat f(\lambda))`.

    Parameters
    ----------
    fhat
        Made by :func:`fourier_transform`, as a product of transforms, or from matrices by :class:`FourierTransform`.

    Returns
    -------
    numpy.ndarray
        The n! values in coset order: float64 (complex128), or ``Fraction`` objects when ``fhat`` is exact;
        ``fhat.to_group_algebra()`` makes an element of Q[S_n] of them.

    Raises
    ------
    InvalidTypeError
        When ``fhat`` is no ``FourierTransform``.

    Notes
    -----
    As many operations as the transform; shapes that ``fhat`` leaves out cost nothing.

    Examples
    --------
    >>> print(*inverse_fourier_transform(fourier_transform([1, 2, Fraction(1, 3), 0, 0, 5])))
    1 2 1/3 0 0 5
    >>> print(*inverse_fourier_transform(FourierTransform({(1, 1, 1): [[1]]}, n=3)))
    1/6 -1/6 -1/6 1/6 1/6 -1/6
    """
    require(isinstance(fhat, FourierTransform), "fhat", "must be a FourierTransform", fhat, InvalidTypeError)
    if fhat.is_exact:
        return fractions_over(*_exact_inverse(fhat))
    if not fhat._matrices:
        return np.zeros(factorial(fhat.n))
    if fhat.n == 0:
        return fhat._matrix(Partition(())).reshape(1).copy()
    stacks = {shape: FloatStack(matrix) for shape, matrix in fhat._matrices.items()}
    return _in_coset_order(inverse_transform(stacks, fhat.n).rows, fhat.n)


def _in_coset_order(row: np.ndarray, n: int) -> np.ndarray:
    return row.reshape(range(1, n + 1)).transpose().reshape(-1).copy()


def _exact_inverse(fhat: FourierTransform) -> tuple[np.ndarray, int]:
    """Numerators in coset order and their denominator."""
    if not fhat._matrices:
        return np.zeros(factorial(fhat.n), dtype=object), 1
    stacks, denominators = {}, {}
    for shape, matrix in fhat._matrices.items():
        entries = np.array([[as_fraction(entry) for entry in row] for row in matrix.to_list()], dtype=object)
        numerators, denominators[shape] = integers_over_denominator(entries, "fhat")
        stacks[shape] = ExactStack.of_integers(numerators)
    if fhat.n == 0:
        return stacks[Partition(())].rows.reshape(1), denominators[Partition(())]
    stacks = {shape: stack.scaled(Fraction(1, denominators[shape])) for shape, stack in stacks.items()}
    values = inverse_transform(stacks, fhat.n)
    return _in_coset_order(values.rows, fhat.n), values.fractions.denominators[0]
