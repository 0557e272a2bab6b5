r"""Spectra of any permutation-symmetric kernel at a finite length, irrep by irrep, without any object of size V^L.

The operator :math:`(K f)(x) = \mathbb{E}_y K(x, y) f(y)` of a kernel :math:`K(x, y) = k(N)`, a function of the joint
counts of tokens, under an exchangeable measure q commutes with S_L. On the multiplicity space of a shape it is a matrix
over the basis of :mod:`symrep.spectra.column_space`, whose entries are sums of antisymmetric differences of k
(:mod:`symrep.spectra.column_differences`) with positive weights.

It is stable in float64. Every block is the restriction of :math:`\sqrt q K \sqrt q` to a subspace, in orthonormal bases; a
difference over a column of height h has h! terms, but the weight of the column is :math:`V^{-2h}` under uniform tokens: at
V = 2 the errors of kernel values reach the eigenvalues of (L-k,k) with a factor :math:`2^{-k}` at most, relative to the
largest. ``NumericBlock.rounding`` is that bound.

Kernels that the token counts of both sequences and the number of their matches determine reach much further, by
:mod:`symrep.spectra.match_blocks`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import partial
from math import comb, factorial, prod
from typing import Any

import numpy as np
import sympy
from scipy.special import gammaln

from symrep.combinatorics.partitions import Partition
from symrep.errors import InvalidArgumentError, SizeLimitError, require, require_integer
from symrep.kernels import Network, NetworkKernel
from symrep.measures import ExchangeableMeasure, as_exchangeable
from symrep.spectra.block_arguments import numeric_vocab_size, wanted_shapes
from symrep.spectra.block_results import BlockSpectrum, NumericBlock
from symrep.spectra.block_runs import RunOptions, Task, kept_blocks, solve_blocks, space_of
from symrep.spectra.column_differences import column_differences, full_column_difference
from symrep.spectra.column_space import ColumnSpace, column_counts
from symrep.spectra.context_probabilities import log_context_probabilities, log_sequence_probabilities
from symrep.spectra.count_tables import count_tables, number_of_tables, table_numbers
from symrep.spectra.kernel_functions import (
    KernelFunction,
    MatchKernel,
    SymmetricKernel,
    as_symmetric_kernel,
    extra_token_of,
)
from symrep.spectra.kernel_values import kernel_values, require_few_tables
from symrep.spectra.match_blocks import (
    SolvedBlock,
    match_block_matrix,
    multiplicity,
    require_small_block,
    solve_match_block,
)
from symrep.spectra.match_values import MatchValues, match_values, require_few_matches

_MEMORY_LIMIT = 4 * 10**9
_FEWEST_TOKENS_OF_MATCHES = 3


def block_spectrum(
    kernel: Network | sympy.Expr | MatchKernel | KernelFunction,
    measure: ExchangeableMeasure,
    length: int,
    *,
    shapes: Iterable[Any] | None = None,
    method: str = "auto",
    memory_limit: int = _MEMORY_LIMIT,
    n_jobs: int | None = None,
    progress: bool = False,
    cache: str | os.PathLike[str] | None = None,
) -> BlockSpectrum:
    r"""The spectrum of any kernel that is symmetric under permutations of positions, at a finite length, in float64.

    Parameters
    ----------
    kernel
        A network with numbers for its parameters (its NNGP kernel; for the NTK ``net.joint_count_kernel("ntk")``); a
        polynomial in u and m; a :class:`~symrep.spectra.kernel_functions.MatchKernel`; or a function k of joint count tables: an integer array
        (n, V, V) in, an array (n,) out, with k(N) = k(N^T).
    measure
        An exchangeable measure with numbers; a hidden Markov model where it is exchangeable.
    length
        The context length L; a last token counts, a query token comes on top.
    shapes
        The irreps wanted, partitions of the number of permuted positions; all with at most V rows unless given.
    method
        ``"matches"`` for kernels that token counts and the number of matches determine: polynomials in u and m, match
        kernels, and networks without softmax attention, last and query tokens included. ``"tables"`` for all. ``"auto"``
        takes matches where it can and there are three tokens or more; with two the tables are as few.
    memory_limit
        Bytes that the values of the kernel, and the work on one shape, may take; there is work on ``n_jobs`` shapes at a time.
    n_jobs
        How many blocks joblib solves at a time, each by its own process unless ``joblib.parallel_config`` says otherwise; -1
        for all processors. None for what ``parallel_config`` says, one without it: inside
        ``with joblib.parallel_config(backend="dask"):`` a Dask cluster solves the blocks.
    progress
        Whether to show on stderr which part of the kernel values, and then of the expected work on blocks, is done.
    cache
        A directory, made if missing, that keeps every block in a file of its own as soon as it is finished. The next call
        with the same kernel values, measure, length and method takes blocks from there, also after an interrupt. Files
        that are damaged or hold anything else count as missing. None keeps nothing.

    Returns
    -------
    BlockSpectrum
        The eigenvalues that float64 resolves, shape by shape.

    Raises
    ------
    InvalidArgumentError
        When the kernel function returns a wrong shape, values that are not finite, or is not symmetric; when a shape is not
        one of the length or has more than V rows; when counts and matches do not determine the kernel and the method is
        matches; when ``n_jobs`` is 0, or nothing can be written into ``cache``.
    NotInvariantError
        When a layer of the network tells the positions apart.
    FreeSymbolError
        When the measure or the network has symbols.
    SizeLimitError
        When the values of the kernel, or the work on a shape, do not fit; says how large they are.

    Notes
    -----
    There are :math:`\binom{L + V^2 - 1}{V^2 - 1}` tables, each evaluated once: 1.4 million at V = 2, L = 200, 0.7 million
    at V = 3, L = 16, 0.5 million at V = 4, L = 8. The blocks take a small multiple of that. Counts and matches are
    :math:`\binom{L + V - 1}{V - 1}^2 (L + 1)` at most: 30 million at V = 3, L = 40, where the largest of 154 blocks has
    size 3825 (minutes, and 1.1 GB).

    This process alone evaluates the kernel, and takes the differences over columns of height V that shapes share: a quarter
    of the work on tables at V = 2, little beyond. Processes take a second or two to start, once. Blocks are the same to the
    last bit however many are solved at a time, provided that BLAS has as many threads in every process (set
    OPENBLAS_NUM_THREADS=1 or the like), and else up to rounding: processes that joblib starts give it their share of the
    processors, workers of Dask one thread.

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
    measure = as_exchangeable(measure, length + (extra_token_of(kernel) == "query"))
    vocab_size = numeric_vocab_size(measure)
    known = ("auto", "tables", "matches")
    require(isinstance(method, str) and method in known, "method", f"must be one of {', '.join(known)}", method)
    form = as_symmetric_kernel(kernel)
    extra_token = form.extra_token
    if measure.maximal_length is not None:
        longest = measure.maximal_length - (extra_token == "query")
        require(length <= longest, "length", f"must be at most {longest} for this measure", length)
    if isinstance(kernel, Network | NetworkKernel):
        consistent = kernel.vocab_size in (None, vocab_size)
        require(consistent, "kernel", f"must have the {vocab_size} tokens of the measure", kernel.vocab_size)
    if method == "matches" and form.of_matches is None:
        raise InvalidArgumentError(
            "method must be tables for a kernel that counts and matches do not determine, got matches"
        )
    if method == "auto":
        few = form.of_matches is None or vocab_size < _FEWEST_TOKENS_OF_MATCHES
        method = "tables" if few else "matches"
    moving = length - (extra_token == "last")
    memory_limit = require_integer(memory_limit, "memory_limit", minimum=1)
    options = RunOptions(n_jobs, progress, cache)
    solve = _from_tables if method == "tables" else _from_matches
    blocks, trace = solve(form, measure, moving, shapes, memory_limit, options)
    return BlockSpectrum(form.name, measure, length, extra_token, tuple(blocks), trace, kernel)


def _from_tables(
    form: SymmetricKernel,
    measure: ExchangeableMeasure,
    total: int,
    shapes: Iterable[Any] | None,
    memory_limit: int,
    options: RunOptions,
) -> tuple[list[NumericBlock], float]:
    vocab_size, extra_token = int(measure.vocab_size), form.extra_token
    require_few_tables(total, vocab_size, 1 if extra_token is None else vocab_size**2, memory_limit)
    wanted = wanted_shapes(shapes, total, vocab_size)
    for shape in wanted:
        _require_few_columns(shape, vocab_size, memory_limit)
    values, error = kernel_values(form.of_tables, total, vocab_size, extra_token, memory_limit, options.progress)

    def tasks(missing: list[Partition]) -> Iterator[Task]:
        for shape, differences in _by_full_columns(values, total, missing, costs, vocab_size):
            yield _solve_table_block, shape, differences, measure, extra_token, error

    costs = {shape: _table_cost(shape, vocab_size) for shape in wanted}
    kept = kept_blocks(options, "tables", values, error, measure, total, extra_token)
    solved = solve_blocks(tasks, costs, options, kept)
    blocks = []
    for shape in wanted:
        own = solved[shape]
        space, make_matrix = space_of(own, shape, vocab_size), partial(_same, own.matrix)
        blocks.append(NumericBlock(shape, own.eigenvalues, own.rounding, make_matrix, space, measure, extra_token))
    return blocks, _expected_trace(values, total, vocab_size, measure, extra_token)


def _from_matches(
    form: SymmetricKernel,
    measure: ExchangeableMeasure,
    total: int,
    shapes: Iterable[Any] | None,
    memory_limit: int,
    options: RunOptions,
) -> tuple[list[NumericBlock], float]:
    vocab_size, extra_token = int(measure.vocab_size), form.extra_token
    extras = 1 if extra_token is None else vocab_size
    require_few_matches(total, vocab_size, extras**2, memory_limit)
    wanted = wanted_shapes(shapes, total, vocab_size)
    for shape in wanted:
        require_small_block(shape, vocab_size, extras, memory_limit)
    values = match_values(form.of_matches, total, vocab_size, extra_token, options.progress)

    def tasks(missing: list[Partition]) -> Iterator[Task]:
        for shape in sorted(missing, key=costs.__getitem__, reverse=True):
            yield (
                _solve_match_block,
                shape,
                values.array,
                vocab_size,
                extra_token,
                values.largest,
                values.error,
                measure,
            )

    costs = {shape: multiplicity(shape, vocab_size) ** 2 for shape in wanted}
    kept = kept_blocks(options, "matches", values.array, values.error, measure, total, extra_token)
    solved = solve_blocks(tasks, costs, options, kept)
    blocks = []
    for shape in wanted:
        own, make_matrix = solved[shape], partial(match_block_matrix, shape, values, measure)
        space = ColumnSpace(shape, vocab_size)
        blocks.append(NumericBlock(shape, own.eigenvalues, own.rounding, make_matrix, space, measure, extra_token))
    return blocks, values.expected_trace(measure)


def _solve_match_block(
    shape: Partition,
    array: np.ndarray,
    vocab_size: int,
    extra_token: str | None,
    largest: float,
    error: float,
    measure: ExchangeableMeasure,
) -> SolvedBlock:
    return solve_match_block(shape, MatchValues(array, vocab_size, extra_token, largest, error), measure)


def _require_few_columns(shape: Partition, vocab_size: int, memory_limit: int) -> None:
    for height, count in enumerate(column_counts(shape, vocab_size)[:-1], start=1):
        pairs = comb(vocab_size, height) ** 2
        needed = 8 * number_of_tables(count, pairs) * pairs if count else 0
        if needed > memory_limit:
            raise SizeLimitError(
                f"shape {shape} with {vocab_size} tokens needs {needed / 1e9:.3g} GB for its columns of height {height}, "
                f"more than memory_limit = {memory_limit / 1e9:.3g} GB"
            )


def _table_cost(shape: Partition, vocab_size: int) -> int:
    """The relative cost of a block: all differences on the way to those over its columns, the last of which are used more."""
    counts = column_counts(shape, vocab_size)
    remaining, fixed, cost = shape.size - vocab_size * counts[-1], 1, 0
    for height in range(vocab_size - 1, 0, -1):
        pairs = comb(vocab_size, height) ** 2
        for done in range(1, counts[height - 1] + 1) if height > 1 else ():
            rest = number_of_tables(remaining - height * done, vocab_size**2)
            cost += fixed * number_of_tables(done, pairs) * rest
        fixed *= number_of_tables(counts[height - 1], pairs)
        remaining -= height * counts[height - 1]
    return cost + 3 * fixed


def _by_full_columns(
    values: np.ndarray, total: int, shapes: list[Partition], costs: dict[Partition, int], vocab_size: int
) -> Iterator[tuple[Partition, np.ndarray]]:
    """Every shape with the differences of the kernel over its columns of height V, which shapes share; costly ones first."""
    done, current = 0, values
    for shape in sorted(shapes, key=lambda shape: (column_counts(shape, vocab_size)[-1], -costs[shape])):
        while done < column_counts(shape, vocab_size)[-1]:
            current = full_column_difference(current, total - vocab_size * done, vocab_size)
            done += 1
        yield shape, current


def _solve_table_block(
    shape: Partition, differences: np.ndarray, measure: ExchangeableMeasure, extra_token: str | None, error: float
) -> SolvedBlock:
    """The block of one shape from the differences over its columns of height V: a function of its arguments alone."""
    space = ColumnSpace(shape, int(measure.vocab_size))
    return _solve(space, _over_other_columns(differences, space), measure, extra_token, error)


def _over_other_columns(differences: np.ndarray, space: ColumnSpace) -> np.ndarray:
    vocab_size, counts = space.vocab_size, space.columns
    remaining = space.shape.size - vocab_size * counts[-1]
    for height in range(vocab_size - 1, 1, -1):
        if counts[height - 1] == 0:
            differences = differences[..., None, :]
            continue
        differences = column_differences(differences, remaining, height, counts[height - 1], vocab_size)
        remaining -= height * counts[height - 1]
    return differences[..., 0] if vocab_size == 1 else differences


def _solve(
    space: ColumnSpace, differences: np.ndarray, measure: ExchangeableMeasure, extra_token: str | None, error: float
) -> SolvedBlock:
    vocab_size, dimension = space.vocab_size, space.dimension
    rows, columns, log_weight = _margins(space)
    arrangements = space.log_arrangements
    log_weight = log_weight - (arrangements[rows] + arrangements[columns]) / 2
    extras = 1 if extra_token is None else vocab_size
    basis = space.irreducible
    # what differences of errors of values could add up to
    terms = prod(factorial(height) ** count for height, count in enumerate(space.columns, start=1))
    # weights are exponentials of sums of logarithms of factorials
    weight_error = 3 * np.finfo(float).eps * float(gammaln(space.shape.size + 2))
    parts, rounding = [], 0.0
    for v in range(extras):
        for w in range(extras):
            before, after = (
                log_sequence_probabilities(measure, space.weights, t if extra_token else None) for t in (v, w)
            )
            weights = np.exp(log_weight + (before[rows] + after[columns]) / 2)
            entries = differences[v * extras + w].ravel() * weights
            rounding += error * terms * float(np.bincount(rows, weights=weights).max())
            rounding += weight_error * float(np.bincount(rows, weights=np.abs(entries)).max())
            matrix = np.bincount(rows * dimension + columns, weights=entries, minlength=dimension**2)
            parts.append(basis.T @ (basis.T @ matrix.reshape(dimension, dimension).T).T)
    size = basis.shape[1]
    matrix = np.array(parts).reshape(extras, extras, size, size).transpose(0, 2, 1, 3).reshape(extras * size, -1)
    matrix = (matrix + matrix.T) / 2
    eigenvalues = np.linalg.eigvalsh(matrix)[::-1]
    return SolvedBlock(eigenvalues, float(rounding), matrix, space.weight_bases)


def _same(matrix: np.ndarray) -> np.ndarray:
    return matrix


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


def _expected_trace(
    values: np.ndarray, total: int, vocab_size: int, measure: ExchangeableMeasure, extra_token: str | None
) -> float:
    counts = count_tables(total, vocab_size)
    tables = np.zeros((len(counts), vocab_size, vocab_size), dtype=np.int64)
    tables[:, np.arange(vocab_size), np.arange(vocab_size)] = counts
    numbers = table_numbers(tables.reshape(len(counts), -1))
    trace = 0.0
    for v in range(vocab_size if extra_token else 1):
        weights = np.exp(log_context_probabilities(measure, total, v if extra_token else None))
        trace += float(weights @ values[v * vocab_size + v if extra_token else 0, numbers])
    return trace
