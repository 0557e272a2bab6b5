r"""Representations made of others, direct sums and tensor products, and the decomposition of any representation."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property, reduce
from math import factorial, prod
from typing import Any

import numpy as np
from sympy import ZZ
from sympy.combinatorics import Permutation
from sympy.polys.matrices import DomainMatrix

from symrep.combinatorics.partitions import Partition
from symrep.errors import InvalidTypeError, VerificationError, require, require_integer
from symrep.representations.characters import character_table
from symrep.representations.permutations import permutation_of_cycle_type
from symrep.representations.representation import Representation


def basis_labels(rho: Representation) -> tuple[Any, ...]:
    """The basis of a representation, by numbers where it has no labels."""
    return tuple(getattr(rho, "basis", range(rho.dimension)))


def _same_domain(matrices: list[DomainMatrix]) -> tuple[list[dict[int, dict[int, Any]]], Any]:
    """The rows of matrices over a common domain, and that domain."""
    domain = reduce(lambda known, matrix: known.unify(matrix.domain), matrices, ZZ)
    return [matrix.convert_to(domain).to_sdm() for matrix in matrices], domain


def _direct_sum_matrix(matrices: list[DomainMatrix]) -> DomainMatrix:
    blocks, domain = _same_domain(matrices)
    rows: dict[int, dict[int, Any]] = {}
    start = 0
    for block, matrix in zip(blocks, matrices):
        for i, row in block.items():
            rows[start + i] = {start + j: entry for j, entry in row.items()}
        start += matrix.shape[0]
    return DomainMatrix(rows, (start, start), domain)


def _kronecker(left: DomainMatrix, right: DomainMatrix) -> DomainMatrix:
    (left_rows, right_rows), domain = _same_domain([left, right])
    size = right.shape[0]
    rows = {
        i * size + k: {j * size + m: a * b for j, a in left_row.items() for m, b in right_row.items()}
        for i, left_row in left_rows.items()
        for k, right_row in right_rows.items()
    }
    return DomainMatrix(rows, (left.shape[0] * size,) * 2, domain)


class _Composed(Representation):
    """What sums and products of representations of one S_n share."""

    parts: tuple[Representation, ...]

    @property
    def n(self) -> int:
        """The degree of S_n."""
        return self.parts[0].n

    @abstractmethod
    def _exact(self, matrices: list[DomainMatrix]) -> DomainMatrix:
        """The exact matrix from those of the parts."""

    def _generator(self, i: int) -> DomainMatrix:
        return self._exact([part._generator(i) for part in self.parts])

    def _domain_matrix(self, g: Permutation) -> DomainMatrix:
        return self._exact([part._domain_matrix(g) for part in self.parts])

    def _arguments(self) -> str:
        return ", ".join(map(repr, self.parts))


@dataclass(frozen=True, repr=False)
class DirectSum(_Composed):
    """A direct sum of representations; made by :func:`direct_sum`."""

    parts: tuple[Representation, ...]

    @property
    def dimension(self) -> int:
        """The sum of the dimensions."""
        return sum(part.dimension for part in self.parts)

    @property
    def multiplicities(self) -> dict[Partition, int]:
        """The sums of the multiplicities."""
        return dict(self._known_multiplicities)

    @cached_property
    def _known_multiplicities(self) -> dict[Partition, int]:
        total: dict[Partition, int] = {}
        for part in self.parts:
            for shape, count in part.multiplicities.items():
                total[shape] = total.get(shape, 0) + count
        return total

    @property
    def basis(self) -> tuple[tuple[int, Any], ...]:
        """Pairs (number of the summand, label in its basis)."""
        return tuple((k, label) for k, part in enumerate(self.parts) for label in basis_labels(part))

    def _exact(self, matrices: list[DomainMatrix]) -> DomainMatrix:
        return _direct_sum_matrix(matrices)

    def _to_numpy(self, g: Permutation) -> np.ndarray:
        matrix, start = np.zeros((self.dimension, self.dimension)), 0
        for part in self.parts:
            stop = start + part.dimension
            matrix[start:stop, start:stop] = part._to_numpy(g)
            start = stop
        return matrix

    def character(self, g: Any) -> int:
        """The sum of the characters."""
        return sum(part.character(g) for part in self.parts)

    def _latex(self, printer: Any = None) -> str:
        return r" \oplus ".join(part._latex() for part in self.parts)

    def __repr__(self) -> str:
        return f"direct_sum({self._arguments()})"


@dataclass(frozen=True, repr=False)
class TensorProduct(_Composed):
    """A tensor product of representations; made by :func:`tensor_product`."""

    parts: tuple[Representation, ...]

    @property
    def dimension(self) -> int:
        """The product of the dimensions."""
        return prod(part.dimension for part in self.parts)

    @property
    def multiplicities(self) -> dict[Partition, int]:
        """From the product of the characters: for irreps these are the Kronecker coefficients."""
        return dict(self._known_multiplicities)

    @cached_property
    def _known_multiplicities(self) -> dict[Partition, int]:
        types = character_table(self.n).cycle_types
        return _multiplicities([self.character(permutation_of_cycle_type(mu)) for mu in types], self.n)

    @property
    def basis(self) -> tuple[tuple[Any, ...], ...]:
        """Tuples of labels, the last factor fastest."""
        tuples: list[tuple[Any, ...]] = [()]
        for part in self.parts:
            tuples = [(*head, label) for head in tuples for label in basis_labels(part)]
        return tuple(tuples)

    def _exact(self, matrices: list[DomainMatrix]) -> DomainMatrix:
        return reduce(_kronecker, matrices)

    def _to_numpy(self, g: Permutation) -> np.ndarray:
        return reduce(np.kron, [part._to_numpy(g) for part in self.parts])

    def character(self, g: Any) -> int:
        """The product of the characters."""
        return prod(part.character(g) for part in self.parts)

    def _latex(self, printer: Any = None) -> str:
        return r" \otimes ".join(map(_latex_in_product, self.parts))

    def __repr__(self) -> str:
        return f"tensor_product({self._arguments()})"


def _latex_in_product(part: Representation) -> str:
    latex = part._latex()
    return rf"\left({latex}\right)" if r"\oplus" in latex else latex


def as_representation(representation: Any) -> Representation:
    """Return the argument, or raise when it is no representation of S_n."""
    rule = "must be a representation of S_n"
    require(isinstance(representation, Representation), "representation", rule, representation, InvalidTypeError)
    return representation


def _checked_parts(parts: tuple[Any, ...]) -> tuple[Representation, ...]:
    require(len(parts) > 0, "representations", "must be at least one", parts)
    for part in parts:
        require(
            isinstance(part, Representation),
            "representation",
            "must be a representation of S_n",
            part,
            InvalidTypeError,
        )
        require(part.n == parts[0].n, "representation", f"must belong to S_{parts[0].n} like the first one", part)
    return parts


def direct_sum(*representations: Representation) -> DirectSum:
    """The direct sum of representations of one S_n: block-diagonal matrices.

    Raises
    ------
    InvalidArgumentError, InvalidTypeError
        Without arguments, or when one of them is no representation or belongs to another S_n.

    Examples
    --------
    >>> from symrep.representations.irreps import natural, seminormal
    >>> rho = direct_sum(seminormal((2, 1)), natural(3))
    >>> rho.dimension, rho.multiplicities
    (5, {Partition((2, 1)): 2, Partition((3,)): 1})
    """
    return DirectSum(_checked_parts(representations))


def tensor_product(*representations: Representation) -> TensorProduct:
    r"""The tensor product of representations of one S_n: Kronecker products of the matrices, as ``numpy.kron``.

    Raises
    ------
    InvalidArgumentError, InvalidTypeError
        Without arguments, or when one of them is no representation or belongs to another S_n.

    Examples
    --------
    >>> from symrep.representations.irreps import seminormal
    >>> square = tensor_product(seminormal((2, 1)), seminormal((2, 1)))
    >>> square.multiplicities
    {Partition((3,)): 1, Partition((2, 1)): 1, Partition((1, 1, 1)): 1}
    >>> square.matrix([1, 0, 2])
    Matrix([
    [1,  0,  0, 0],
    [0, -1,  0, 0],
    [0,  0, -1, 0],
    [0,  0,  0, 1]])
    """
    return TensorProduct(_checked_parts(representations))


def decompose(representation: Representation) -> dict[Partition, int]:
    """The multiplicity of every irrep that occurs, from the traces of the exact matrices of one element per class.

    Parameters
    ----------
    representation
        Any representation of S_n, also one of your own: only its exact matrices are asked for, not what it says about
        its multiplicities.

    Raises
    ------
    VerificationError
        When the traces are not those of a representation.
    InvalidTypeError
        When the argument is no representation.

    Examples
    --------
    >>> from symrep.representations.irreps import natural
    >>> decompose(tensor_product(natural(3), natural(3)))
    {Partition((3,)): 2, Partition((2, 1)): 3, Partition((1, 1, 1)): 1}
    """
    n = as_representation(representation).n
    types = character_table(n).cycle_types
    traces = [_trace(representation.domain_matrix(permutation_of_cycle_type(mu))) for mu in types]
    try:
        return _multiplicities([require_integer(trace, "trace") for trace in traces], n)
    except InvalidTypeError:
        raise VerificationError(f"{representation!r} has the traces {traces}, which are no integers") from None


def _trace(matrix: DomainMatrix) -> Any:
    """The trace, an int when it is integral."""
    total = sum((row.get(i, matrix.domain.zero) for i, row in matrix.to_sdm().items()), matrix.domain.zero)
    value = matrix.domain.to_sympy(total)
    return int(value) if value.is_Integer else value


def _multiplicities(values: list[int], n: int) -> dict[Partition, int]:
    """Inner products of a character, given on all cycle types, with the irreducible ones; zeros are left out."""
    table = character_table(n)
    weighted = [size * value for size, value in zip(table.class_sizes, values)]
    result = {}
    for shape in table.shapes:
        count, remainder = divmod(sum(w * value for w, value in zip(weighted, table.row(shape))), factorial(n))
        if remainder or count < 0:
            raise VerificationError(
                f"{values} are no values of a character of S_{n}: the product with {shape} is no nonnegative integer"
            )
        if count:
            result[shape] = count
    return result
