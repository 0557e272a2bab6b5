"""The exact oracle for tiny sizes: the block of an irrep as a rational matrix, from the Gram matrix of all sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product
from math import prod
from numbers import Rational
from typing import Any

from sympy import QQ, Poly, Symbol
from sympy.polys.matrices import DomainMatrix

from symrep.combinatorics.partitions import Partition, as_partition
from symrep.errors import (
    InvalidArgumentError,
    InvalidTypeError,
    NotInvariantError,
    SizeLimitError,
    require,
    require_integer,
)

Tokens = tuple[int, ...]
DEFAULT_LIMIT_PAIRS = 1_000_000


def exact_block(
    kernel_exact: Callable[[Tokens, Tokens], Any],
    vocab_size: int,
    length: int,
    shape: Any,
    probabilities: Any = None,
    *,
    extra_tokens: int = 0,
    limit_pairs: int = DEFAULT_LIMIT_PAIRS,
) -> DomainMatrix:
    r"""The matrix over QQ of :math:`(Kf)(x) = \sum_y K(x, y)\, q(y) f(y)` on the multiplicity space of ``shape``.

    The multiplicity space is realised as the functions f with :math:`J_k f = c_k f` for every Jucys-Murphy element
    :math:`J_k = \sum_{i<k} (i\,k)` of the first L positions, where c lists the contents of the standard tableau of
    ``shape`` whose rows are filled one after the other. The basis of that space is in reduced echelon form on every
    orbit of sequences, which makes coordinates the values at the pivot sequences. It is not orthonormal: the matrix is
    similar to a symmetric one, not symmetric. Its eigenvalues are those of the block, once per multiplicity.

    Parameters
    ----------
    kernel_exact
        ``kernel_exact(x, y)`` is an int, Fraction or sympy Rational for tuples of tokens x and y.
    vocab_size, length
        V and L, at least 1.
    shape
        A partition of the length.
    probabilities
        None for independent uniform tokens; V rationals for independent tokens; or a function from a sequence (a
        tuple) to its probability, exchangeable in the first L positions.
    extra_tokens
        Number of further positions that permutations leave alone.
    limit_pairs
        Largest number of pairs of sequences at which the kernel may be evaluated.

    Raises
    ------
    InvalidTypeError
        When a value of the kernel or a probability is not an exact rational.
    InvalidPartitionError
        When ``shape`` is not a partition of the length.
    InvalidArgumentError
        When the kernel is not symmetric, or the probabilities are negative or do not sum to 1.
    NotInvariantError
        When kernel or measure changes under an exchange of positions.
    SizeLimitError
        When there are more than ``limit_pairs`` pairs of sequences.

    Notes
    -----
    Cost: V^(2(L + extra tokens)) exact evaluations, and a null space over QQ on every orbit.

    Examples
    --------
    >>> overlap = lambda x, y: sum(s == t for s, t in zip(x, y))
    >>> exact_block(overlap, vocab_size=2, length=3, shape=(2, 1)).to_Matrix().eigenvals()
    {1/2: 1, 0: 1}
    """
    vocab_size = require_integer(vocab_size, "vocab_size", minimum=1)
    length = require_integer(length, "length", minimum=1)
    extra_tokens = require_integer(extra_tokens, "extra_tokens", minimum=0)
    limit_pairs = require_integer(limit_pairs, "limit_pairs", minimum=0)
    shape = as_partition(shape, "shape", size=length)
    pairs = vocab_size ** (2 * (length + extra_tokens))
    if pairs > limit_pairs:
        raise SizeLimitError(
            f"the exact Gram matrix has {pairs} entries, more than limit_pairs = {limit_pairs}: "
            "raise limit_pairs, or use dense_spectrum or block spectra"
        )
    sequences = list(product(range(vocab_size), repeat=length + extra_tokens))
    weights = _exact_probabilities(probabilities, sequences, vocab_size)
    gram = [[_fraction(kernel_exact(x, y), "kernel_exact(x, y)") for y in sequences] for x in sequences]
    _check_exact(gram, weights, sequences, length)

    basis, pivots = _multiplicity_basis(sequences, length, shape)
    weighted_rows = [[_to_qq(value * weight) for value, weight in zip(gram[pivot], weights)] for pivot in pivots]
    return DomainMatrix(weighted_rows, (len(pivots), len(sequences)), QQ) * basis


def exact_characteristic_polynomial(
    kernel_exact: Callable[[Tokens, Tokens], Any],
    vocab_size: int,
    length: int,
    shape: Any,
    probabilities: Any = None,
    *,
    variable: Symbol = Symbol("x"),
    extra_tokens: int = 0,
    limit_pairs: int = DEFAULT_LIMIT_PAIRS,
) -> Poly:
    """``det(variable - block)`` over QQ of :func:`exact_block`; the same parameters, errors and cost.

    Its degree is the multiplicity of ``shape``: the constant 1 for a shape with more than V rows.

    Examples
    --------
    >>> overlap = lambda x, y: sum(s == t for s, t in zip(x, y))
    >>> exact_characteristic_polynomial(overlap, vocab_size=2, length=3, shape=(3,))
    Poly(x**4 - 2*x**3 + 3/4*x**2, x, domain='QQ')
    """
    block = exact_block(
        kernel_exact, vocab_size, length, shape, probabilities, extra_tokens=extra_tokens, limit_pairs=limit_pairs
    )
    return Poly([QQ.to_sympy(coefficient) for coefficient in block.charpoly()], variable, domain=QQ)


def _fraction(value: Any, argument: str) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, Rational):
        raise InvalidTypeError(f"{argument} must be an int, Fraction or sympy Rational, got {value!r}")
    return Fraction(int(value.numerator), int(value.denominator))


def _to_qq(value: Fraction) -> Any:
    return QQ(value.numerator, value.denominator)


def _exact_probabilities(probabilities: Any, sequences: list[Tokens], vocab_size: int) -> list[Fraction]:
    if callable(probabilities):
        weights = [_fraction(probabilities(x), "probabilities(x)") for x in sequences]
    elif probabilities is None:
        weights = [Fraction(1, len(sequences))] * len(sequences)
    else:
        tokens = [_fraction(value, "probabilities") for value in probabilities]
        require(len(tokens) == vocab_size, "probabilities", f"must be {vocab_size} numbers", len(tokens))
        require(sum(tokens) == 1, "probabilities", "must sum to 1", sum(tokens))
        weights = [prod((tokens[token] for token in x), start=Fraction(1)) for x in sequences]
    require(min(weights) >= 0, "probabilities", "must be at least 0", min(weights))
    require(sum(weights) == 1, "probabilities", "must sum to 1", sum(weights))
    return weights


def _exchanged(x: Tokens, i: int, k: int) -> Tokens:
    swapped = list(x)
    swapped[i], swapped[k] = x[k], x[i]
    return tuple(swapped)


def _check_exact(gram: list[list[Fraction]], weights: list[Fraction], sequences: list[Tokens], length: int) -> None:
    index_of = {x: index for index, x in enumerate(sequences)}
    for a, x in enumerate(sequences):
        for b in range(a):
            if gram[a][b] != gram[b][a]:
                raise InvalidArgumentError(
                    f"kernel_exact must be symmetric, got {gram[a][b]} at x = {x}, y = {sequences[b]} "
                    f"and {gram[b][a]} at y, x"
                )
    for i in range(length - 1):
        moved = [index_of[_exchanged(x, i, i + 1)] for x in sequences]
        for a, x in enumerate(sequences):
            if weights[moved[a]] != weights[a]:
                raise NotInvariantError(
                    f"probabilities must not change when positions {(i, i + 1)} are exchanged, got {weights[a]} at "
                    f"x = {x} and {weights[moved[a]]} after the exchange"
                )
            for b, y in enumerate(sequences):
                if gram[moved[a]][moved[b]] != gram[a][b]:
                    raise NotInvariantError(
                        f"kernel_exact must not change when positions {(i, i + 1)} are exchanged, got {gram[a][b]} at "
                        f"x = {x}, y = {y} and {gram[moved[a]][moved[b]]} after the exchange"
                    )


def _multiplicity_basis(sequences: list[Tokens], length: int, shape: Partition) -> tuple[DomainMatrix, list[int]]:
    """Columns spanning the joint Jucys-Murphy eigenspace, and the sequences at which they form an identity matrix."""
    contents = [shape.content(cell) for cell in shape.cells()]
    index_of = {x: index for index, x in enumerate(sequences)}
    columns, pivots = [], []
    for orbit in _orbits(sequences, length):
        reduced, local_pivots = _joint_eigenvectors(orbit, contents)
        for row, pivot in zip(reduced, local_pivots):
            columns.append({index_of[x]: value for x, value in zip(orbit, row) if value})
            pivots.append(index_of[orbit[pivot]])
    dense = [[column.get(index, QQ(0)) for column in columns] for index in range(len(sequences))]
    return DomainMatrix(dense, (len(sequences), len(columns)), QQ), pivots


def _orbits(sequences: list[Tokens], length: int) -> Iterator[list[Tokens]]:
    orbits: dict[tuple[Tokens, Tokens], list[Tokens]] = {}
    for x in sequences:
        orbits.setdefault((tuple(sorted(x[:length])), x[length:]), []).append(x)
    return iter(orbits.values())


def _joint_eigenvectors(orbit: list[Tokens], contents: list[int]) -> tuple[list[list[Any]], tuple[int, ...]]:
    """Reduced echelon basis (rows) and pivots of the functions on an orbit with ``J_k f = contents[k] f`` for all k."""
    index_of = {x: index for index, x in enumerate(orbit)}
    size = len(orbit)
    equations = []
    for k in range(1, len(contents)):
        for x in orbit:
            equation = [QQ(0)] * size
            equation[index_of[x]] -= contents[k]
            for i in range(k):
                equation[index_of[_exchanged(x, i, k)]] += 1
            equations.append(equation)
    if not equations:
        return DomainMatrix.eye(size, QQ).to_list(), tuple(range(size))
    basis = DomainMatrix(equations, (len(equations), size), QQ).nullspace()
    if basis.shape[0] == 0:
        return [], ()
    reduced, pivots = basis.rref()
    return reduced.to_list(), pivots
