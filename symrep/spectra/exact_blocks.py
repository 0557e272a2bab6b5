r"""Exact spectra of permutation-symmetric kernels with rational values at a finite length, irrep by irrep.

The same mathematics as :mod:`symrep.spectra.blocks`, in a basis without norms. A function on the columns of a shape is given
by its values F(S) at the sequences whose columns are sorted, S a multiset of column contents for every height; there

.. math:: (K F)(S) = \sum_T q(T) F(T) \sum_R \frac{\prod_I S_I!}{\prod_{IJ} R_{IJ}!} (\Delta_R k),

over the tables R of column pairs with margins S and T, with the differences of the kernel
(:mod:`symrep.spectra.column_differences`). All of it is integers over one common denominator. The multiplicity space is a
rational subspace (:mod:`symrep.spectra.exact_column_space`), and the matrix is read off at its pivots.

Characteristic polynomials are exact and factored over the rational numbers. Roots of factors of degree at most four are
numbers of sympy, all others :class:`~symrep.spectra.exact_roots.IsolatedRoot`, separated by exact counts: every digit that
they are evaluated to is certain, so ``evaluate()`` gives the eigenvalues correctly rounded to float64 (but for ties), the
smallest as well as the largest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from math import comb, factorial, lcm, prod
from typing import Any

import numpy as np
import sympy

from symrep.combinatorics.partitions import Partition
from symrep.errors import InvalidArgumentError, SizeLimitError, require, require_integer
from symrep.kernels import Network
from symrep.kernels.joint_counts import NetworkKernel
from symrep.measures import ExchangeableMeasure, as_exchangeable
from symrep.spectra.block_arguments import numeric_vocab_size, wanted_shapes
from symrep.spectra.column_differences import column_differences, full_column_difference
from symrep.spectra.column_space import ColumnSpace, column_counts
from symrep.spectra.count_tables import count_tables, number_of_tables, table_numbers
from symrep.spectra.exact_column_space import RationalSubspace, column_tables
from symrep.spectra.exact_kernel_values import exact_values, require_exact_kernel
from symrep.spectra.exact_results import ExactBlock, ExactBlockSpectrum
from symrep.spectra.isotypic_block import Block
from symrep.spectra.kernel_functions import extra_token_of
from symrep.spectra.spectrum import power_or_number

_LIMIT_NUMBERS = 4_000_000
_INT64_BITS = 62


def exact_block_spectrum(
    kernel: Network | sympy.Expr | Callable[..., Any],
    measure: ExchangeableMeasure,
    length: int,
    *,
    shapes: Iterable[Any] | None = None,
    limit_numbers: int = _LIMIT_NUMBERS,
) -> ExactBlockSpectrum:
    r"""The exact spectrum of a permutation-symmetric kernel with rational values, at a finite length.

    Parameters
    ----------
    kernel
        A network whose kernel is a polynomial with rational coefficients, a last or query token included; a polynomial in
        u, m, u_xx, u_yy and L; or a function k of joint count tables with k(N) = k(N^T): an integer array (n, V, V) in, n
        ints, Fractions or sympy Rationals out; or one table in, as a tuple of tuples or an array, and one number out.
    measure
        An exchangeable measure with rational numbers: iid, a mixture, Dirichlet-multinomial or an urn.
    length
        The context length L; a last token counts, a query token comes on top.
    shapes
        The irreps wanted, partitions of the number of permuted positions; all with at most V rows unless given.
    limit_numbers
        The most numbers that the kernel's values, or their differences for one shape, may be.

    Returns
    -------
    ExactBlockSpectrum
        A :class:`~symrep.spectra.spectrum.Spectrum` of :class:`ExactBlock`, without those whose eigenvalues are all 0,
        that knows which shapes were asked for. Blocks are not split by the renaming of tokens: characteristic
        polynomials factor instead.

    Raises
    ------
    InvalidTypeError
        When the kernel returns a float or anything else that is no exact rational.
    InvalidArgumentError
        When the kernel is not symmetric or has irrational coefficients, when the measure is irrational, or when a shape is
        not one of the length or has more than V rows.
    NotInvariantError
        When a layer of the network tells the positions apart.
    InvalidArchitectureError
        When the kernel of the network is no polynomial.
    FreeSymbolError
        When the measure or the network has symbols.
    SizeLimitError
        When there are more numbers than ``limit_numbers``; says how many.

    Notes
    -----
    There are :math:`\binom{L + V^2 - 1}{V^2 - 1}` tables, each evaluated once, and a small multiple of that in additions and
    multiplications of long integers: two to five seconds for all blocks at V = 2, L = 60; at V = 3, L = 10; at V = 4, L = 6.
    Eigenvalues are made when asked for: a characteristic polynomial of degree n, its factors, and some ten counts of
    :math:`n^2/2` additions for every root. ``evaluate()`` of all these blocks takes ten to twenty seconds with python-flint
    installed. Without it V = 2, L = 60 takes 40 seconds where the polynomials are irreducible, and many minutes where they
    have several factors of a high degree, as those of kernels that ignore the names of tokens do under uniform tokens.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from symrep import measures
    >>> def kernel(N):
    ...     return Fraction(1, 1 + N[0][1] + N[1][0])
    >>> s = exact_block_spectrum(kernel, measures.iid(["1/4", "3/4"]), 4, shapes=[(2, 2), (3, 1)])
    >>> s.block((2, 2)).matrix, s.block((2, 2)).sequences
    (Matrix([[3/160]]), ((0, 1, 0, 1),))
    >>> s.block((3, 1)).characteristic_polynomial
    Poly(x**3 - 17/160*x**2 + 14481/6553600*x - 9477/1048576000, x, domain='QQ')
    >>> [f"{level.eigenvalue:.12g}" for level in s.evaluate().levels]
    ['0.0800606536111', '0.020748522649', '0.01875', '0.00544082373993']
    """
    length = require_integer(length, "length", minimum=1)
    limit_numbers = require_integer(limit_numbers, "limit_numbers", minimum=1)
    measure = as_exchangeable(measure, length + (extra_token_of(kernel) == "query"))
    vocab_size = _rational_vocab_size(measure)
    require_exact_kernel(kernel, vocab_size)
    extra_token = extra_token_of(kernel)
    columns = length + (extra_token == "query")
    if measure.maximal_length is not None:
        longest = measure.maximal_length - (extra_token == "query")
        require(length <= longest, "length", f"must be at most {longest} for this measure", length)
    moving = length - (extra_token == "last")
    require(moving >= 1, "length", "must be at least 2 for a last-token readout", length)
    pairs = 1 if extra_token is None else vocab_size**2
    _require_few_values(moving, vocab_size, pairs, limit_numbers)
    wanted = wanted_shapes(shapes, moving, vocab_size)
    _require_few_differences(wanted, vocab_size, pairs, limit_numbers)
    values, denominator = exact_values(kernel, length, vocab_size)
    largest = max(map(abs, values.ravel().tolist()))
    fits = max(map(_terms, wanted)) * largest < 2**_INT64_BITS
    short = values.astype(np.int64) if fits else values
    blocks = {
        shape: _block(RationalSubspace(ColumnSpace(shape, vocab_size)), differences, denominator, measure, extra_token)
        for shape, differences in _differences_by_shape(short, moving, vocab_size, wanted)
    }
    covered = None if shapes is None else tuple(wanted)
    return ExactBlockSpectrum(
        architecture=repr(kernel)
        if isinstance(kernel, Network | NetworkKernel)
        else getattr(kernel, "__name__", str(kernel)),
        measure=measure,
        length=length,
        blocks=tuple(blocks[shape] for shape in wanted if _has_eigenvalues(blocks[shape])),
        total_dimension=power_or_number(vocab_size, columns),
        expected_trace=_expected_trace(values, denominator, moving, measure, extra_token),
        solve=partial(_solve_again, kernel, measure, length, covered, limit_numbers),
        whole_block=_no_block,
        covered=covered,
    )


def _solve_again(
    kernel: Any, measure: Any, length: int, shapes: Any, limit_numbers: int, values: dict[str, Any]
) -> ExactBlockSpectrum:
    """No symbols are left to substitute, and ``Spectrum`` lets no others through."""
    return exact_block_spectrum(kernel, measure, length, shapes=shapes, limit_numbers=limit_numbers)


def _no_block(shape: Any) -> Block:
    raise InvalidArgumentError(f"shape must be one of the blocks of the spectrum, got {shape}")


def _rational_vocab_size(measure: ExchangeableMeasure) -> int:
    vocab_size = numeric_vocab_size(measure)
    rational = all(probability.is_Rational for probability in measure.probabilities)
    require(rational, "measure", "must have rational numbers (block_spectrum takes others)", measure)
    return vocab_size


def _differences_by_shape(
    values: np.ndarray, total: int, vocab_size: int, shapes: list[Partition]
) -> Iterator[tuple[Partition, np.ndarray]]:
    """Every shape with the differences of the kernel over its columns, (pairs, tables); full columns are shared."""
    done, current = 0, values
    for shape in sorted(shapes, key=lambda shape: column_counts(shape, vocab_size)[-1]):
        counts = column_counts(shape, vocab_size)
        while done < counts[-1] and vocab_size > 1:
            current = full_column_difference(current, total - vocab_size * done, vocab_size)
            done += 1
        differences, remaining = current, total - vocab_size * done
        for height in range(vocab_size - 1, 1, -1):
            if counts[height - 1]:
                differences = column_differences(differences, remaining, height, counts[height - 1], vocab_size)
                remaining -= height * counts[height - 1]
        yield shape, differences.reshape(len(values), -1)


def _terms(shape: Partition) -> int:
    """The number of kernel values that a difference over the columns of a shape adds and subtracts."""
    return prod(factorial(height) for height in shape.conjugate.parts)


def _require_few_values(total: int, vocab_size: int, pairs: int, limit_numbers: int) -> None:
    count = pairs * number_of_tables(total, vocab_size**2)
    if count > limit_numbers:
        raise SizeLimitError(
            f"length {total} with {vocab_size} tokens has {count} values of the kernel, "
            f"more than limit_numbers = {limit_numbers}: raise it, or use block_spectrum"
        )


def _require_few_differences(shapes: list[Partition], vocab_size: int, pairs: int, limit_numbers: int) -> None:
    for shape in shapes:
        count = pairs * _most_differences(shape, vocab_size)
        if count > limit_numbers:
            raise SizeLimitError(
                f"shape {shape} with {vocab_size} tokens needs {count} differences of the kernel, "
                f"more than limit_numbers = {limit_numbers}: raise it, leave out the shape, or use block_spectrum"
            )


def _most_differences(shape: Partition, vocab_size: int) -> int:
    """The length of the longest array on the way to the differences of a shape."""
    counts = column_counts(shape, vocab_size)
    remaining, fixed, largest = shape.size - vocab_size * counts[-1], 1, 0
    for height in range(vocab_size - 1, 1, -1):
        subset_pairs, count = comb(vocab_size, height) ** 2, counts[height - 1]
        for done in range(1, count + 1):
            rest = number_of_tables(remaining - height * done, vocab_size**2)
            largest = max(largest, fixed * number_of_tables(done, subset_pairs) * rest)
        fixed *= number_of_tables(count, subset_pairs)
        remaining -= height * count
    return largest


def _block(
    subspace: RationalSubspace,
    differences: np.ndarray,
    kernel_denominator: int,
    measure: ExchangeableMeasure,
    extra_token: str | None,
) -> ExactBlock:
    space, pivots = subspace.space, subspace.pivots
    vocab_size = space.vocab_size
    extras = 1 if extra_token is None else vocab_size
    row_of = np.full(space.dimension, -1)
    row_of[pivots] = np.arange(len(pivots))
    rows, columns, arrangements = column_tables(space)
    kept = np.flatnonzero(row_of[rows] >= 0)
    rows, columns, arrangements = row_of[rows[kept]], columns[kept], arrangements[kept]
    after = [_probabilities(measure, space.weights, w if extra_token else None) for w in range(extras)]
    denominator = lcm(*(int(p.q) for probabilities in after for p in probabilities))
    matrix = np.zeros((extras, len(pivots), extras, len(pivots)), dtype=object)
    for w, probabilities in enumerate(after):
        scaled = np.array([int(p.p) * (denominator // int(p.q)) for p in probabilities], dtype=object)
        for v in range(extras):
            own = differences[v * extras + w].reshape(-1)[kept].astype(object) * arrangements
            sums = np.zeros((len(pivots), space.dimension), dtype=object)
            np.add.at(sums, (rows, columns), own)
            sums = sums * scaled
            start = 0
            for part in subspace.parts:
                stop = start + len(part.pivots)
                matrix[v, :, w, start:stop] = sums[:, part.members] @ part.basis
                start = stop
    size = extras * len(pivots)
    common = kernel_denominator * denominator * subspace.denominator
    entries = [sympy.Rational(int(entry), common) for entry in matrix.reshape(-1)]
    return ExactBlock(
        shape=space.shape,
        token_shape=None,
        query_shape=None,
        matrix=sympy.ImmutableMatrix(size, size, entries),
        basis=(),
        degeneracy=space.shape.dimension,
        sequences=tuple(_sequences(space, pivots, extra_token)),
    )


def _probabilities(measure: ExchangeableMeasure, counts: np.ndarray, extra: int | None) -> list[sympy.Rational]:
    """The probabilities of single sequences with these token counts; an extra token comes on top."""
    known: dict[tuple[int, ...], sympy.Rational] = {}
    result = []
    for row in counts.tolist():
        if extra is not None:
            row[extra] += 1
        key = tuple(row)
        if key not in known:
            known[key] = sympy.sympify(measure.moment(key))
        result.append(known[key])
    return result


def _sequences(space: ColumnSpace, pivots: np.ndarray, extra_token: str | None) -> list[tuple[int, ...]]:
    found = []
    for pivot in pivots.tolist():
        sequence = list(range(space.vocab_size)) * space.columns[-1]
        for height, number in zip(space.heights, np.unravel_index(pivot, space.sizes) if space.sizes else ()):
            for subset, count in zip(space.subsets(height), space.multisets[height][number].tolist()):
                sequence += list(subset) * count
        found.append(tuple(sequence))
    if extra_token is None:
        return found
    return [(*sequence, v) for v in range(space.vocab_size) for sequence in found]


def _has_eigenvalues(block: ExactBlock) -> bool:
    """The sum of the squares of the eigenvalues, which are real, is not 0."""
    matrix = block.matrix
    return any(matrix) and sum(matrix[i, j] * matrix[j, i] for i in range(block.size) for j in range(block.size)) != 0


def _expected_trace(
    values: np.ndarray, denominator: int, total: int, measure: ExchangeableMeasure, extra_token: str | None
) -> sympy.Expr:
    vocab_size = int(measure.vocab_size)
    counts = count_tables(total, vocab_size)
    tables = np.zeros((len(counts), vocab_size, vocab_size), dtype=np.int64)
    tables[:, np.arange(vocab_size), np.arange(vocab_size)] = counts
    numbers = table_numbers(tables.reshape(len(counts), -1))
    arrangements = [factorial(total) // prod(map(factorial, row)) for row in counts.tolist()]
    trace = sympy.Integer(0)
    for v in range(vocab_size if extra_token else 1):
        weights = _probabilities(measure, counts, v if extra_token else None)
        own = values[v * vocab_size + v if extra_token else 0, numbers].tolist()
        trace += sum(p * (n * value) for p, n, value in zip(weights, arrangements, own))
    return trace / denominator
