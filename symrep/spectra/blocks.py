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

from collections.abc import Iterable, Iterator
from functools import partial
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
from symrep.measures import ExchangeableMeasure, HiddenMarkov, log_count_probabilities
from symrep.spectra.block_results import BlockSpectrum, NumericBlock
from symrep.spectra.column_differences import column_differences, full_column_difference
from symrep.spectra.column_space import ColumnSpace, column_counts
from symrep.spectra.count_tables import count_tables, number_of_tables, table_numbers
from symrep.spectra.kernel_functions import KernelFunction, MatchKernel, SymmetricKernel, as_symmetric_kernel
from symrep.spectra.kernel_values import kernel_values, require_few_tables
from symrep.spectra.match_blocks import match_block_matrix, require_small_block, solve_match_block
from symrep.spectra.match_values import match_values, require_few_matches

_MEMORY_LIMIT = 4 * 10**9
_KERNEL_ERROR = 16 * np.finfo(float).eps
_FEWEST_TOKENS_OF_MATCHES = 3


def block_spectrum(
    kernel: Network | sympy.Expr | MatchKernel | KernelFunction,
    measure: ExchangeableMeasure,
    length: int,
    *,
    shapes: Iterable[Any] | None = None,
    method: str = "auto",
    memory_limit: int = _MEMORY_LIMIT,
) -> BlockSpectrum:
    r"""The spectrum of any kernel that is symmetric under permutations of positions, at a finite length, in float64.

    Parameters
    ----------
    kernel
        A network with numbers for its parameters (its NNGP kernel; for the NTK ``net.joint_count_kernel("ntk")``); a
        polynomial in u and m; a :class:`~symrep.spectra.kernel_functions.MatchKernel`; or a function k of joint count tables: an integer array
        (n, V, V) in, an array (n,) out, with k(N) = k(N^T).
    measure
        An exchangeable measure with numbers.
    length
        The context length L; a last token counts, a query token comes on top.
    shapes
        The irreps wanted, partitions of the number of permuted positions; all with at most V rows unless given.
    method
        ``"matches"`` for kernels that token counts and the number of matches determine: polynomials in u and m, match
        kernels, and networks without softmax attention, last and query tokens included. ``"tables"`` for all. ``"auto"``
        takes matches where it can and there are three tokens or more; with two the tables are as few.
    memory_limit
        Bytes that the values of the kernel, and the work on one shape, may take.

    Returns
    -------
    A :class:`BlockSpectrum` of the eigenvalues that float64 resolves.

    Raises
    ------
    InvalidArgumentError
        When the kernel function returns a wrong shape, values that are not finite, or is not symmetric; when a shape is not
        one of the length or has more than V rows; when counts and matches do not determine the kernel and the method is
        matches.
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
    known = ("auto", "tables", "matches")
    require(method in known, "method", f"must be one of {', '.join(known)}", method)
    form = as_symmetric_kernel(kernel)
    extra_token = form.extra_token
    if measure.maximal_length is not None:
        longest = measure.maximal_length - (extra_token == "query")
        require(length <= longest, "length", f"must be at most {longest} for this measure", length)
    if isinstance(kernel, Network):
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
    solve = _from_tables if method == "tables" else _from_matches
    wanted, blocks, trace = solve(form, measure, moving, shapes, memory_limit)
    ordered = tuple(blocks[shape] for shape in wanted)
    return BlockSpectrum(form.name, measure, length, extra_token, ordered, trace, kernel)


Solved = tuple[list[Partition], dict[Partition, NumericBlock], float]


def _from_tables(
    form: SymmetricKernel, measure: ExchangeableMeasure, total: int, shapes: Iterable[Any] | None, memory_limit: int
) -> Solved:
    vocab_size, extra_token = int(measure.vocab_size), form.extra_token
    require_few_tables(total, vocab_size, 1 if extra_token is None else vocab_size**2, memory_limit)
    wanted = _wanted_shapes(shapes, total, vocab_size)
    for shape in wanted:
        _require_few_columns(shape, vocab_size, memory_limit)
    values = kernel_values(form.of_tables, total, vocab_size, extra_token, memory_limit)
    blocks, largest = {}, float(np.abs(values).max())
    for shape, differences in _by_columns(values, total, vocab_size, wanted):
        blocks[shape] = _block(ColumnSpace(shape, vocab_size), differences, measure, extra_token, largest)
    return wanted, blocks, _expected_trace(values, total, vocab_size, measure, extra_token)


def _from_matches(
    form: SymmetricKernel, measure: ExchangeableMeasure, total: int, shapes: Iterable[Any] | None, memory_limit: int
) -> Solved:
    vocab_size, extra_token = int(measure.vocab_size), form.extra_token
    extras = 1 if extra_token is None else vocab_size
    require_few_matches(total, vocab_size, extras**2, memory_limit)
    wanted = _wanted_shapes(shapes, total, vocab_size)
    for shape in wanted:
        require_small_block(shape, vocab_size, extras, memory_limit)
    values, blocks = match_values(form.of_matches, total, vocab_size, extra_token), {}
    for shape in wanted:
        solved = solve_match_block(shape, values, measure)
        again = partial(match_block_matrix, shape, values, measure)
        space = ColumnSpace(shape, vocab_size)
        blocks[shape] = NumericBlock(shape, solved.eigenvalues, solved.rounding, again, space, measure, extra_token)
    return wanted, blocks, values.expected_trace(measure)


def _vocab_size(measure: ExchangeableMeasure) -> int:
    if not isinstance(measure, ExchangeableMeasure):
        hint = " (measures.shuffled(measure, length) is one)" if isinstance(measure, HiddenMarkov) else ""
        raise InvalidTypeError(f"measure must be an exchangeable measure such as iid_uniform(2), got {measure!r}{hint}")
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
    matrix = (matrix + matrix.T) / 2
    eigenvalues = np.linalg.eigvalsh(matrix)[::-1]
    return NumericBlock(space.shape, eigenvalues, rounding, partial(_same, matrix), space, measure, extra_token)


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
