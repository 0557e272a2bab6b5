"""The numpy oracle: diagonalise a kernel on all of [V]^L and label every eigenspace with its irreps.

Nothing here knows a closed form. The operator is built entry by entry, diagonalised whole, and its eigenspaces are
labelled by central elements of the group algebra that act on sequences as index permutations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import sympy

from symrep.combinatorics.partitions import Partition, as_partition, partitions
from symrep.errors import (
    InvalidArgumentError,
    NotInvariantError,
    SizeLimitError,
    VerificationError,
    require,
    require_integer,
)
from symrep.kernels.network import Network
from symrep.spectra.gram_functions import gram_function, real_array, require_finite, shown_pair
from symrep.spectra.kernel_functions import require_room_for_query
from symrep.spectra.level_views import LevelViews

DEFAULT_LIMIT_BYTES = 2_000_000_000
_PAIRS_PER_CALL = 2**20
_LONGEST_SIZE = 10**24


@dataclass(frozen=True)
class DenseLevel:
    """One eigenvalue with one label: ``degeneracy`` is the dimension of the part of the eigenspace with that label.

    ``shape`` labels the irrep of the permutations of positions, ``token_shape`` the irrep of the renamings of tokens
    (None when it was not asked for).
    """

    shape: Partition
    token_shape: Partition | None
    eigenvalue: float
    degeneracy: int


@dataclass(frozen=True)
class DenseSpectrum(LevelViews):
    """The spectrum of an S_L-invariant kernel on [V]^(L + extra tokens), irrep by irrep; see :func:`dense_spectrum`.

    ``levels`` decrease in eigenvalue; levels that agree within the tolerance (accidental degeneracies, and the null
    space) are listed in reverse lexicographic order of their shapes. Degeneracies sum to V^(L + extra tokens).
    """

    vocab_size: int
    length: int
    extra_tokens: int
    levels: tuple[DenseLevel, ...]

    def __repr__(self) -> str:
        extra = f" and {self.extra_tokens} more" if self.extra_tokens else ""
        return f"<DenseSpectrum, V = {self.vocab_size}, L = {self.length}{extra}: {len(self.levels)} levels>"

    def _levels_of(self, shape: Any) -> tuple[DenseLevel, ...]:
        wanted = as_partition(shape, "shape", size=self.length)
        return tuple(level for level in self.levels if level.shape == wanted)

    def eigenvalues(self, shape: Any) -> np.ndarray:
        """Eigenvalues of the block of ``shape``, decreasing, each once per multiplicity (degeneracy over dimension).

        Empty for a shape that does not occur (more than V rows).

        Raises
        ------
        InvalidPartitionError
            When ``shape`` is not a partition of the length.
        """
        levels = self._levels_of(shape)
        repeats = [level.degeneracy // level.shape.dimension for level in levels]
        return np.sort(np.repeat([level.eigenvalue for level in levels], repeats))[::-1]

    def trace(self, shape: Any = None) -> float:
        """The sum of degeneracy times eigenvalue, over all levels or over those of one shape."""
        levels = self.levels if shape is None else self._levels_of(shape)
        return float(sum(level.degeneracy * level.eigenvalue for level in levels))

    def shares(self) -> dict[Partition, float]:
        """The share of the trace of every shape that occurs, in reverse lexicographic order; the shares sum to 1.

        Raises
        ------
        InvalidArgumentError
            When the trace is 0.
        """
        total = self.trace()
        require(total != 0, "trace", "must be nonzero to be shared out", total)
        occurring = sorted({level.shape for level in self.levels}, key=lambda shape: shape.parts, reverse=True)
        return {shape: self.trace(shape) / total for shape in occurring}


def all_sequences(vocab_size: int, length: int, *, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> np.ndarray:
    """All sequences of tokens 0..V-1, one a row, in lexicographic order (the first position changes slowest).

    Parameters
    ----------
    vocab_size, length
        V at least 1 and L at least 0.
    limit_bytes
        Largest size accepted for the dense V^L x V^L matrix of float64 that the sequences index.

    Raises
    ------
    SizeLimitError
        When that matrix would be larger.

    Examples
    --------
    >>> all_sequences(2, 2).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    vocab_size = require_integer(vocab_size, "vocab_size", minimum=1)
    length = require_integer(length, "length", minimum=0)
    limit_bytes = require_integer(limit_bytes, "limit_bytes", minimum=0)
    count = vocab_size**length
    needed = 8 * count**2
    if needed > limit_bytes:
        size = str(needed) if needed < _LONGEST_SIZE else f"about 10^{math.log10(needed):.0f}"
        raise SizeLimitError(
            f"the dense matrix on {vocab_size}^{length} sequences needs {size} bytes, more than limit_bytes = "
            f"{limit_bytes}: raise limit_bytes, or use block spectra, whose cost is polynomial in the length"
        )
    sequences = np.empty((count, length), dtype=np.int64)
    rest = np.arange(count)
    for s in range(length - 1, -1, -1):
        rest, sequences[:, s] = np.divmod(rest, vocab_size)
    return sequences


def dense_operator(kernel: np.ndarray, weights: np.ndarray) -> np.ndarray:
    r"""The symmetric matrix :math:`\sqrt{q}\, K \sqrt{q}` of the integral operator of a Gram matrix under weights q.

    It has the eigenvalues of :math:`(Kf)(x) = \sum_y K(x, y)\, q(y) f(y)`.

    Raises
    ------
    InvalidTypeError
        When an argument is not an array of real numbers.
    InvalidArgumentError
        When the Gram matrix is not square and finite, or the weights are not one number at least 0 for every row.

    Examples
    --------
    >>> dense_operator([[4, 1], [1, 2]], [0.25, 0.75])[0].round(6).tolist()
    [1.0, 0.433013]
    """
    gram = real_array(kernel, "kernel")
    require(gram.ndim == 2 and gram.shape[0] == gram.shape[1], "kernel", "must be a square matrix", gram.shape)
    require(bool(np.isfinite(gram).all()), "kernel", "must be finite", "nan or infinity")
    weights = real_array(weights, "weights")
    require(weights.shape == gram.shape[:1], "weights", f"must have shape {gram.shape[:1]}", weights.shape)
    require(bool((weights >= 0).all()), "weights", "must be at least 0", weights)
    root = np.sqrt(weights)
    operator = root[:, None] * gram * root
    return (operator + operator.T) / 2


def dense_spectrum(
    kernel: Network | Callable[[np.ndarray, np.ndarray], np.ndarray] | np.ndarray,
    vocab_size: int,
    length: int,
    *,
    probabilities: Any = None,
    extra_tokens: int = 0,
    token_symmetry: bool = False,
    tolerance: float = 1e-9,
    limit_bytes: int = DEFAULT_LIMIT_BYTES,
) -> DenseSpectrum:
    r"""Spectrum of :math:`\sqrt{q} K \sqrt{q}` on all functions on sequences, every eigenspace labelled by irreps.

    The symmetric group permutes the first ``length`` positions. An eigenspace is split by the central elements
    :math:`\sum_k J_k^r`, r = 1, 2, ... (power sums of the Jucys-Murphy elements :math:`J_k = \sum_{i<k} (i\,k)`), which
    act on a shape as :math:`\sum_{\text{cells}} \text{content}^r`: as many as separate the shapes with at most V rows.
    An eigenspace that holds several shapes gives one level for each.

    Parameters
    ----------
    kernel
        Takes integer arrays X (n, length + extra_tokens) and Y (m, same) and returns the n x m Gram matrix; or a network
        with numbers, or what else :func:`symrep.block_spectrum` takes; or the Gram matrix over :func:`all_sequences` itself.
    vocab_size, length
        V and L, at least 1.
    probabilities
        None for independent uniform tokens; V numbers for independent tokens with these probabilities; or the
        probability of every sequence (an array, or a function of the array of sequences), exchangeable in the first L
        positions.
    extra_tokens
        Number of further positions that permutations leave alone, for example 1 for a query token.
    token_symmetry
        Label also by the irreps of S_V renaming tokens, which kernel and measure must then ignore.
    tolerance
        Relative to the largest eigenvalue: neighbours in the sorted list that differ by no more are one eigenspace.
        Relative to the largest entry: entries that differ by no more pass the checks of symmetry and invariance.
    limit_bytes
        Largest size accepted for the dense matrix; the peak use of memory is about eight times that matrix.

    Raises
    ------
    SizeLimitError
        When the dense matrix would not fit.
    InvalidArgumentError
        When the Gram matrix has another shape, is not finite or not symmetric, or the probabilities do not sum to 1.
    NotInvariantError
        When kernel or measure changes under a permutation of positions (or a renaming of tokens, if asked for); names
        two sequences and the permutation.
    VerificationError
        When an eigenspace is not a sum of whole irreps: the tolerance is too small, close to the noise of the kernel.

    Notes
    -----
    Cost O(V^(3L)) for the eigenvectors plus O(L^2 V^(2L)) for each central element. No sums over n! permutations.

    Examples
    --------
    Counting the positions where two sequences agree has the constants and the one-position functions as eigenvectors:

    >>> overlap = lambda X, Y: (X[:, None] == Y).sum(axis=2)
    >>> for level in dense_spectrum(overlap, vocab_size=2, length=3).levels[:3]:
    ...     print(level.shape, round(level.eigenvalue, 6), level.degeneracy)
    (3) 1.5 1
    (3) 0.5 1
    (2,1) 0.5 2
    """
    vocab_size = require_integer(vocab_size, "vocab_size", minimum=1)
    length = require_integer(length, "length", minimum=1)
    extra_tokens = require_integer(extra_tokens, "extra_tokens", minimum=0)
    require_room_for_query(kernel, extra_tokens)
    is_fraction = isinstance(tolerance, (int, float)) and 0 < tolerance < 1
    require(is_fraction, "tolerance", "must be a number between 0 and 1", tolerance)
    sequences = all_sequences(vocab_size, length + extra_tokens, limit_bytes=limit_bytes)
    weights = _sequence_probabilities(probabilities, sequences, vocab_size)
    gram = _gram_matrix(kernel, sequences, vocab_size)
    _check_symmetric(gram, sequences, tolerance)

    position_group = _TranspositionAction(length, lambda i, k: _swap_positions(sequences, vocab_size, i, k))
    _check_invariant(gram, weights, sequences, position_group, "positions", tolerance)
    shapes = tuple(partitions(length, max_length=vocab_size))
    if token_symmetry:
        token_group = _TranspositionAction(vocab_size, lambda v, w: _swap_tokens(sequences, vocab_size, v, w))
        _check_invariant(gram, weights, sequences, token_group, "tokens", tolerance)
        token_shapes = tuple(partitions(vocab_size))

    operator = dense_operator(gram, weights)
    levels = []
    for eigenvectors in _eigenspaces(operator, tolerance):
        for shape, vectors in position_group.isotypic_parts(eigenvectors, shapes):
            joint = token_group.isotypic_parts(vectors, token_shapes) if token_symmetry else [(None, vectors)]
            for token_shape, part in joint:
                levels.append(_level(operator, shape, token_shape, part))
    return DenseSpectrum(vocab_size, length, extra_tokens, tuple(levels))


def _level(operator: np.ndarray, shape: Partition, token_shape: Partition | None, vectors: np.ndarray) -> DenseLevel:
    """The level of an orthonormal family; its eigenvalue is the mean Rayleigh quotient, so traces are kept."""
    degeneracy = vectors.shape[1]
    dimension = shape.dimension * (token_shape.dimension if token_shape else 1)
    if degeneracy % dimension:
        label = f"{shape} and token shape {token_shape}" if token_shape else f"{shape}"
        raise VerificationError(
            f"an eigenspace holds {degeneracy} vectors of shape {label}, not a multiple of {dimension}: "
            "the tolerance is too small"
        )
    return DenseLevel(shape, token_shape, float(np.vdot(vectors, operator @ vectors)) / degeneracy, degeneracy)


def _eigenspaces(operator: np.ndarray, tolerance: float) -> Iterator[np.ndarray]:
    """Orthonormal bases of the clusters of eigenvalues, the largest first."""
    eigenvalues, vectors = np.linalg.eigh(operator)
    eigenvalues, vectors = eigenvalues[::-1], vectors[:, ::-1]
    gaps = eigenvalues[:-1] - eigenvalues[1:] > tolerance * np.abs(eigenvalues).max()
    bounds = [0, *(np.flatnonzero(gaps) + 1).tolist(), len(eigenvalues)]
    return (vectors[:, start:stop] for start, stop in zip(bounds, bounds[1:]))


class _TranspositionAction:
    """An action of S_n on functions on sequences, given by what each transposition does to the index of a sequence."""

    def __init__(self, degree: int, index_of_swap: Callable[[int, int], np.ndarray]) -> None:
        self.degree = degree
        self.swaps = {(i, k): index_of_swap(i, k) for i, k in combinations(range(degree), 2)}

    def adjacent(self) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
        return (((i, i + 1), self.swaps[i, i + 1]) for i in range(self.degree - 1))

    def content_power_sum(self, power: int, vectors: np.ndarray) -> np.ndarray:
        """The central element ``sum_k J_k^power`` applied to every column."""
        total = np.zeros_like(vectors)
        for k in range(1, self.degree):
            image = vectors
            for _ in range(power):
                image = sum(image[self.swaps[i, k]] for i in range(k))
            total += image
        return total

    def isotypic_parts(
        self, vectors: np.ndarray, shapes: tuple[Partition, ...], power: int = 1
    ) -> Iterator[tuple[Partition, np.ndarray]]:
        """Split an invariant space (orthonormal columns) by shape, in the order of ``shapes``."""
        if len(shapes) == 1:
            yield shapes[0], vectors
            return
        power_sums = [sum(shape.content(cell) ** power for cell in shape.cells()) for shape in shapes]
        values, rotation = np.linalg.eigh(vectors.T @ self.content_power_sum(power, vectors))
        distance = np.abs(values[:, None] - np.array(power_sums))
        if distance.min(axis=1).max() > 0.1:
            raise VerificationError(
                f"an eigenspace of dimension {vectors.shape[1]} is not invariant: sum of contents^{power} = "
                f"{values[distance.min(axis=1).argmax()]:.6g} belongs to no shape; the tolerance is too small"
            )
        nearest = np.array(power_sums)[distance.argmin(axis=1)]
        found = []
        for value in dict.fromkeys(power_sums):
            if (nearest == value).any():
                candidates = tuple(shape for shape, power_sum in zip(shapes, power_sums) if power_sum == value)
                found.extend(self.isotypic_parts(vectors @ rotation[:, nearest == value], candidates, power + 1))
        yield from sorted(found, key=lambda labelled: labelled[0].parts, reverse=True)


def _index_of(sequences: np.ndarray, vocab_size: int) -> np.ndarray:
    return sequences @ vocab_size ** np.arange(sequences.shape[1])[::-1]


def _swap_positions(sequences: np.ndarray, vocab_size: int, i: int, k: int) -> np.ndarray:
    swapped = sequences.copy()
    swapped[:, [i, k]] = sequences[:, [k, i]]
    return _index_of(swapped, vocab_size)


def _swap_tokens(sequences: np.ndarray, vocab_size: int, v: int, w: int) -> np.ndarray:
    renaming = np.arange(vocab_size)
    renaming[[v, w]] = w, v
    return _index_of(renaming[sequences], vocab_size)


def _gram_matrix(kernel: Any, sequences: np.ndarray, vocab_size: int) -> np.ndarray:
    """The checked Gram matrix over all sequences; a function is called on slices of rows to bound its temporaries."""
    count = len(sequences)
    if callable(kernel) or isinstance(kernel, Network | sympy.Expr | sympy.Poly):
        gram_of = gram_function(kernel, vocab_size)
        rows = max(1, _PAIRS_PER_CALL // count)
        return np.concatenate([gram_of(sequences[i : i + rows], sequences) for i in range(0, count, rows)])
    gram = real_array(kernel, "kernel")
    require(gram.shape == (count, count), "kernel", f"must have shape {(count, count)}", gram.shape)
    require_finite(gram, sequences, sequences)
    return gram


def _array_form(degree: int, i: int, k: int) -> list[int]:
    return [{i: k, k: i}.get(s, s) for s in range(degree)]


def _first_difference(gram: np.ndarray, moved: np.ndarray, tolerance: float) -> tuple[int, int] | None:
    """The first entry where two Gram matrices differ by more than the tolerance times the largest entry."""
    different = np.abs(moved - gram) > tolerance * np.abs(gram).max()
    return divmod(int(different.argmax()), len(gram)) if different.any() else None


def _check_symmetric(gram: np.ndarray, sequences: np.ndarray, tolerance: float) -> None:
    if (witness := _first_difference(gram, gram.T, tolerance)) is not None:
        x, y = witness
        raise InvalidArgumentError(
            f"kernel must be symmetric, got K(x, y) = {gram[x, y]} and K(y, x) = {gram[y, x]} at "
            f"{shown_pair(sequences[x], sequences[y])}"
        )


def _check_invariant(
    gram: np.ndarray,
    weights: np.ndarray,
    sequences: np.ndarray,
    action: _TranspositionAction,
    what: str,
    tolerance: float,
) -> None:
    """Adjacent transpositions generate the group, so they suffice."""
    for transposition, swap in action.adjacent():
        if (witness := _first_difference(gram, gram[np.ix_(swap, swap)], tolerance)) is not None:
            x, y = witness
            raise NotInvariantError(
                f"kernel must not change when {what} {transposition} are exchanged, got K = {gram[x, y]} at "
                f"{shown_pair(sequences[x], sequences[y])} and K = {gram[swap[x], swap[y]]} after the exchange, "
                f"permutation {_array_form(action.degree, *transposition)}"
            )
        different = np.abs(weights[swap] - weights) > tolerance * weights.max()
        if different.any():
            x = int(different.argmax())
            raise NotInvariantError(
                f"probabilities must not change when {what} {transposition} are exchanged, got {weights[x]} at "
                f"x = {tuple(sequences[x].tolist())} and {weights[swap[x]]} after the exchange"
            )


def _sequence_probabilities(probabilities: Any, sequences: np.ndarray, vocab_size: int) -> np.ndarray:
    """The probability of every sequence, checked to be nonnegative and to sum to 1."""
    count = len(sequences)
    if probabilities is None:
        return np.full(count, 1 / count)
    values = real_array(probabilities(sequences) if callable(probabilities) else probabilities, "probabilities")
    allowed = (count,) if callable(probabilities) else (vocab_size, count)
    rule = f"must be {' or '.join(map(str, dict.fromkeys(allowed)))} numbers"
    require(values.ndim == 1 and len(values) in allowed, "probabilities", rule, values.shape)
    require(bool((values >= 0).all()), "probabilities", "must be at least 0", values)
    total = float(values.sum())
    require(abs(total - 1) <= 1e-9, "probabilities", "must sum to 1", total)
    return values if len(values) == count else values[sequences].prod(axis=1)
