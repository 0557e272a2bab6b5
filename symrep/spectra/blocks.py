r"""Spectra of any permutation-symmetric kernel at a finite length, irrep by irrep, without any object of size V^L.

The operator :math:`(K f)(x) = \mathbb{E}_y K(x, y) f(y)` of a kernel :math:`K(x, y) = k(N)`, a function of the joint
counts of tokens, under an exchangeable measure q commutes with S_L. On the multiplicity space of a shape it is a matrix
over the basis of :mod:`symrep.spectra.column_space`, whose entries are sums of antisymmetric differences of k
(:mod:`symrep.spectra.column_differences`) with positive weights.

It is stable in float64. Every block is the restriction of :math:`\sqrt q K \sqrt q` to a subspace, in orthonormal bases; a
difference over a column of height h has h! terms, but the weight of the column is :math:`V^{-2h}` under uniform tokens: at
V = 2 the errors of kernel values reach the eigenvalues of (L-k,k) with a factor :math:`2^{-k}` at most, relative to the
largest. ``NumericBlock.rounding`` is that bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import comb, factorial, prod
from typing import Any

import numpy as np
import sympy
from scipy.special import gammaln

from symrep.combinatorics.partitions import Partition, as_partition, partitions
from symrep.errors import (
    FreeSymbolError,
    InvalidArgumentError,
    InvalidTypeError,
    SizeLimitError,
    require,
    require_integer,
)
from symrep.kernels import Network
from symrep.measures import ExchangeableMeasure, log_count_probabilities
from symrep.spectra.column_differences import column_differences, full_column_difference
from symrep.spectra.column_space import ColumnSpace, column_counts
from symrep.spectra.count_tables import count_tables, number_of_tables, table_numbers
from symrep.spectra.eigenfunctions import Eigenfunction
from symrep.spectra.kernel_values import KernelFunction, as_function, kernel_values, require_few_tables
from symrep.spectra.spectrum import EigenLevel, EvaluatedSpectrum, power_or_number

_MEMORY_LIMIT = 4 * 10**9
_KERNEL_ERROR = 16 * np.finfo(float).eps


@dataclass(frozen=True, eq=False)
class NumericBlock:
    """The operator on the multiplicity space of one irrep, as a symmetric matrix.

    Attributes
    ----------
    shape
        The irrep of the permutations of positions; ``degeneracy`` is its dimension.
    matrix
        In an orthonormal basis; float64, of the size of the multiplicity.
    rounding
        A bound on the error of its eigenvalues, from errors of some units in the last place of the kernel's values and of
        the logarithms of the weights; eigenvalues below it cannot be told from 0.
    """

    shape: Partition
    matrix: np.ndarray
    rounding: float
    space: ColumnSpace
    measure: ExchangeableMeasure
    extra_token: str | None

    @property
    def degeneracy(self) -> int:
        """How often every eigenvalue occurs."""
        return self.shape.dimension

    @property
    def size(self) -> int:
        """The multiplicity of the irrep."""
        return len(self.matrix)

    @cached_property
    def _decomposition(self) -> tuple[np.ndarray, np.ndarray]:
        eigenvalues, vectors = np.linalg.eigh(self.matrix)
        return eigenvalues[::-1], vectors[:, ::-1]

    @property
    def eigenvalues(self) -> np.ndarray:
        """The eigenvalues, largest first."""
        return self._decomposition[0]

    @property
    def resolved(self) -> np.ndarray:
        """The eigenvalues that exceed the rounding errors, largest first."""
        return self.eigenvalues[np.abs(self.eigenvalues) > self.rounding]

    @property
    def trace(self) -> float:
        """The sum of the resolved eigenvalues, each once."""
        return float(self.resolved.sum())

    def eigenfunction(self, index: int) -> Eigenfunction:
        """One eigenfunction of an eigenvalue, normalised under the measure: a function of arrays of sequences.

        The others of the same eigenvalue are its images under permutations of the positions.
        """
        index = require_integer(index, "index", minimum=0)
        require(index < self.size, "index", f"must be below {self.size}", index)
        vector = self._decomposition[1][:, index]
        extra = 1 if self.extra_token is None else self.space.vocab_size
        coefficients = self.space.irreducible @ vector.reshape(extra, -1).T
        return Eigenfunction(self.space, np.ascontiguousarray(coefficients), self.measure, self.extra_token)

    def __repr__(self) -> str:
        return f"NumericBlock({self.shape}, size={self.size})"


@dataclass(frozen=True, eq=False)
class BlockSpectrum:
    """The spectrum of a permutation-symmetric kernel at one length, made by :func:`block_spectrum`."""

    architecture: str
    measure: ExchangeableMeasure
    length: int
    extra_token: str | None
    blocks: tuple[NumericBlock, ...]
    expected_trace: float

    @property
    def vocab_size(self) -> int:
        """The number of tokens."""
        return int(self.measure.vocab_size)

    @property
    def total_dimension(self) -> Any:
        """V^L, the dimension of the space of functions; V^(L + 1) with a query."""
        return power_or_number(self.vocab_size, self.length + (self.extra_token == "query"))

    @property
    def shapes(self) -> tuple[Partition, ...]:
        """The shapes of the blocks."""
        return tuple(block.shape for block in self.blocks)

    @cached_property
    def levels(self) -> tuple[EigenLevel, ...]:
        """The resolved eigenvalues of all blocks, largest first."""
        levels = [EigenLevel(b.shape, float(e), b.degeneracy) for b in self.blocks for e in b.resolved]
        return tuple(sorted(levels, key=lambda level: -level.eigenvalue))

    @property
    def zero_degeneracy(self) -> Any:
        """The dimension of everything else: shapes not asked for, zeros, and what rounding errors hide."""
        return self.evaluate().zero_degeneracy

    def block(self, shape: Any) -> NumericBlock:
        """The block of a shape.

        Raises
        ------
        InvalidArgumentError
            When the shape was not asked for or does not occur.
        """
        wanted = shape if isinstance(shape, Partition) else Partition(shape)
        found = next((block for block in self.blocks if block.shape == wanted), None)
        if found is None:
            raise InvalidArgumentError(f"shape must be one of {', '.join(map(str, self.shapes))}, got {wanted}")
        return found

    def trace(self, shape: Any = None) -> float:
        """The sum of resolved eigenvalue times degeneracy, over all blocks or over that of one shape.

        In long sequences deep shapes hold very many eigenvalues too small to resolve: compare with ``expected_trace``.
        """
        blocks = self.blocks if shape is None else (self.block(shape),)
        return float(sum(block.trace * block.degeneracy for block in blocks))

    def shares(self) -> dict[Partition, float]:
        """The share of every shape in E K(x, x)."""
        require(self.expected_trace != 0, "trace", "must be nonzero to be shared out", self.expected_trace)
        return {block.shape: self.trace(block.shape) / self.expected_trace for block in self.blocks}

    def evaluate(self) -> EvaluatedSpectrum:
        """The levels as those of other spectra in float64."""
        return EvaluatedSpectrum(self.architecture, self.levels, self.total_dimension)

    def __repr__(self) -> str:
        size = f"{len(self.blocks)} blocks, {len(self.levels)} eigenvalues"
        return f"<BlockSpectrum of {self.architecture} under {self.measure!r}, length={self.length}: {size}>"


def block_spectrum(
    kernel: Network | sympy.Expr | KernelFunction,
    measure: ExchangeableMeasure,
    length: int,
    *,
    shapes: Iterable[Any] | None = None,
    memory_limit: int = _MEMORY_LIMIT,
) -> BlockSpectrum:
    r"""The spectrum of any kernel that is symmetric under permutations of positions, at a finite length, in float64.

    Parameters
    ----------
    kernel
        A network with numbers for its parameters; a polynomial in u and m; or a function k of joint count tables: an
        integer array (n, V, V) in, an array (n,) out, with k(N) = k(N^T).
    measure
        An exchangeable measure with numbers.
    length
        The context length L; a last token counts, a query token comes on top.
    shapes
        The irreps wanted, partitions of the number of permuted positions; all with at most V rows unless given.
    memory_limit
        Bytes that the values of the kernel and their differences may take.

    Returns
    -------
    A :class:`BlockSpectrum` of the eigenvalues that float64 resolves.

    Raises
    ------
    InvalidArgumentError
        When the kernel function returns a wrong shape, values that are not finite, or is not symmetric; when a shape is not
        one of the length or has more than V rows.
    NotInvariantError
        When a layer of the network tells the positions apart.
    FreeSymbolError
        When the measure or the network has symbols.
    SizeLimitError
        When the tables of joint counts, or those of columns, do not fit; says how large they are.

    Notes
    -----
    There are :math:`\binom{L + V^2 - 1}{V^2 - 1}` tables, each evaluated once: 1.4 million at V = 2, L = 200, 0.7 million
    at V = 3, L = 16, 0.5 million at V = 4, L = 8. The blocks take a small multiple of that.

    Examples
    --------
    >>> from symrep import kernels, measures
    >>> net = kernels.serial(kernels.TokenEmbedding(1), kernels.Positions(1), kernels.Relu(), kernels.MeanPool())
    >>> s = block_spectrum(net, measures.iid_uniform(2), 20, shapes=[(20,), (19, 1)])
    >>> for level in s.levels:
    ...     print(level.shape, f"{level.eigenvalue:.6f}", level.degeneracy)
    (20) 0.480696 1
    (20) 0.007393 1
    (19,1) 0.000125 19
    """
    length = require_integer(length, "length", minimum=1)
    vocab_size = _vocab_size(measure)
    function, extra_token, architecture = as_function(kernel)
    if measure.maximal_length is not None:
        longest = measure.maximal_length - (extra_token == "query")
        require(length <= longest, "length", f"must be at most {longest} for the tokens of the urn", length)
    if isinstance(kernel, Network):
        consistent = kernel.vocab_size in (None, vocab_size)
        require(consistent, "kernel", f"must have the {vocab_size} tokens of the measure", kernel.vocab_size)
    moving = length - (extra_token == "last")
    memory_limit = require_integer(memory_limit, "memory_limit", minimum=1)
    require_few_tables(moving, vocab_size, 1 if extra_token is None else vocab_size**2, memory_limit)
    wanted = _wanted_shapes(shapes, moving, vocab_size)
    for shape in wanted:
        _require_few_columns(shape, vocab_size, memory_limit)
    values = kernel_values(function, moving, vocab_size, extra_token, memory_limit)
    blocks, largest = {}, float(np.abs(values).max())
    for shape, differences in _by_columns(values, moving, vocab_size, wanted):
        blocks[shape] = _block(ColumnSpace(shape, vocab_size), differences, measure, extra_token, largest)
    trace = _expected_trace(values, moving, vocab_size, measure, extra_token)
    return BlockSpectrum(architecture, measure, length, extra_token, tuple(blocks[shape] for shape in wanted), trace)


def _vocab_size(measure: ExchangeableMeasure) -> int:
    if not isinstance(measure, ExchangeableMeasure):
        raise InvalidTypeError(f"measure must be an exchangeable measure such as iid_uniform(2), got {measure!r}")
    if measure.parameters():
        raise FreeSymbolError(f"measure must have numbers, got symbols {', '.join(map(str, measure.parameters()))}")
    return int(measure.vocab_size)


def _wanted_shapes(shapes: Iterable[Any] | None, degree: int, vocab_size: int) -> list[Partition]:
    if shapes is None:
        return list(partitions(degree, max_length=vocab_size))
    if not isinstance(shapes, Iterable) or isinstance(shapes, str):
        shapes = [shapes]
    wanted = [as_partition(shape, "shapes", size=degree) for shape in shapes]
    require(len(wanted) > 0, "shapes", "must not be empty", wanted)
    for shape in wanted:
        require(shape.length <= vocab_size, "shapes", f"must have at most {vocab_size} rows", shape)
    return list(dict.fromkeys(wanted))


def _require_few_columns(shape: Partition, vocab_size: int, memory_limit: int) -> None:
    for height, count in enumerate(column_counts(shape, vocab_size)[:-1], start=1):
        pairs = comb(vocab_size, height) ** 2
        needed = 8 * number_of_tables(count, pairs) * pairs if count else 0
        if needed > memory_limit:
            raise SizeLimitError(
                f"shape {shape} with {vocab_size} tokens needs {needed / 1e9:.3g} GB for its columns of height {height}, "
                f"more than memory_limit = {memory_limit / 1e9:.3g} GB"
            )


def _by_columns(
    values: np.ndarray, total: int, vocab_size: int, shapes: list[Partition]
) -> Iterator[tuple[Partition, np.ndarray]]:
    """Every shape with the differences of the kernel over its columns; columns of height V are shared by the shapes."""
    pending = sorted(shapes, key=lambda shape: column_counts(shape, vocab_size)[-1])
    done, current = 0, values
    for shape in pending:
        counts = column_counts(shape, vocab_size)
        while done < counts[-1]:
            current = full_column_difference(current, total - vocab_size * done, vocab_size)
            done += 1
        differences, remaining = current, total - vocab_size * done
        for height in range(vocab_size - 1, 1, -1):
            if counts[height - 1] == 0:
                differences = differences[..., None, :]
                continue
            differences = column_differences(differences, remaining, height, counts[height - 1], vocab_size)
            remaining -= height * counts[height - 1]
        if vocab_size == 1:
            differences = differences[..., 0]
        yield shape, differences


def _block(
    space: ColumnSpace, differences: np.ndarray, measure: ExchangeableMeasure, extra_token: str | None, largest: float
) -> NumericBlock:
    vocab_size, dimension = space.vocab_size, space.dimension
    rows, columns, log_weight = _margins(space)
    arrangements = space.log_arrangements
    log_weight = log_weight - (arrangements[rows] + arrangements[columns]) / 2
    extras = 1 if extra_token is None else vocab_size
    basis = space.irreducible
    # what differences of values of size ``largest`` could add up to
    terms = prod(factorial(height) ** count for height, count in enumerate(space.columns, start=1))
    # weights are exponentials of sums of logarithms of factorials
    weight_error = 3 * np.finfo(float).eps * float(gammaln(space.shape.size + 2))
    parts, rounding = [], 0.0
    for v in range(extras):
        for w in range(extras):
            before, after = (_log_probabilities(measure, space.weights, t if extra_token else None) for t in (v, w))
            weights = np.exp(log_weight + (before[rows] + after[columns]) / 2)
            entries = differences[v * extras + w].ravel() * weights
            rounding += _KERNEL_ERROR * largest * terms * float(np.bincount(rows, weights=weights).max())
            rounding += weight_error * float(np.bincount(rows, weights=np.abs(entries)).max())
            matrix = np.bincount(rows * dimension + columns, weights=entries, minlength=dimension**2)
            parts.append(basis.T @ (basis.T @ matrix.reshape(dimension, dimension).T).T)
    size = basis.shape[1]
    matrix = np.array(parts).reshape(extras, extras, size, size).transpose(0, 2, 1, 3).reshape(extras * size, -1)
    return NumericBlock(space.shape, (matrix + matrix.T) / 2, rounding, space, measure, extra_token)


def _margins(space: ColumnSpace) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The basis vectors on both sides of every entry of the differences, and the logarithm of its number of arrangements."""
    rows = columns = np.zeros(1, dtype=np.int64)
    log_weight = np.zeros(1)
    for height, size in zip(space.heights, space.sizes):
        count, subsets = space.columns[height - 1], len(space.subsets(height))
        tables = count_tables(count, subsets**2).reshape(-1, subsets, subsets)
        own_rows, own_columns = (table_numbers(tables.sum(axis=axis)) for axis in (2, 1))
        own_weight = gammaln(count + 1) - gammaln(tables + 1).sum(axis=(1, 2))
        rows = (rows[:, None] * size + own_rows).ravel()
        columns = (columns[:, None] * size + own_columns).ravel()
        log_weight = (log_weight[:, None] + own_weight).ravel()
    return rows, columns, log_weight


def _log_probabilities(measure: ExchangeableMeasure, counts: np.ndarray, extra: int | None) -> np.ndarray:
    """The logarithm of the probability of one sequence with these token counts; an extra token comes on top."""
    if extra is not None:
        counts = counts.copy()
        counts[:, extra] += 1
    return log_count_probabilities(measure, counts)


def _expected_trace(
    values: np.ndarray, total: int, vocab_size: int, measure: ExchangeableMeasure, extra_token: str | None
) -> float:
    counts = count_tables(total, vocab_size)
    tables = np.zeros((len(counts), vocab_size, vocab_size), dtype=np.int64)
    tables[:, np.arange(vocab_size), np.arange(vocab_size)] = counts
    numbers = table_numbers(tables.reshape(len(counts), -1))
    log_sequences = gammaln(total + 1) - gammaln(counts + 1).sum(axis=1)
    trace = 0.0
    for v in range(vocab_size if extra_token else 1):
        weights = np.exp(log_sequences + _log_probabilities(measure, counts, v if extra_token else None))
        trace += float(weights @ values[v * vocab_size + v if extra_token else 0, numbers])
    return trace
