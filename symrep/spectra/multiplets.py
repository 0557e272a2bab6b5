r"""The eigenfunctions of a multiplet, all of them; and their overlaps under a measure that is not exchangeable."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import permutations, product
from math import factorial, prod
from typing import Any

import numpy as np
from scipy import linalg, sparse

from symrep.combinatorics.partitions import Partition, as_partition
from symrep.combinatorics.tableaux import standard_tableaux
from symrep.errors import InvalidArgumentError, InvalidTypeError, SizeLimitError, require, require_integer, shown
from symrep.kernels.sequences import as_sequences, require_memory
from symrep.measures import ExchangeableMeasure, log_count_probabilities
from symrep.spectra.blocks import BlockSpectrum, NumericBlock

_MEMORY_LIMIT = 2 * 10**9
_LARGEST_ENUMERATION = 2**22
_LARGEST_EXPANSION = 2**23
_ENTRIES_AT_ONCE = 2**23
_N_BLOCKS = 20


@dataclass(frozen=True, eq=False)
class Overlaps:
    """The matrix G of :func:`overlaps`.

    Attributes
    ----------
    spectrum
        The reference.
    levels
        (shape, index) of every multiplet, in the order of its functions in the matrix; index counts the eigenvalues of the
        block, largest first.
    matrix
        G, symmetric.
    replicates
        G with each of some groups of consecutive sequences left out, (groups, D, D); None for an enumerated measure.
    n_sequences
        The number of sequences given, or of all sequences.
    """

    spectrum: BlockSpectrum
    levels: tuple[tuple[Partition, int], ...]
    matrix: np.ndarray
    replicates: np.ndarray | None
    n_sequences: int

    @cached_property
    def level_eigenvalues(self) -> np.ndarray:
        """The reference eigenvalue of every multiplet."""
        return np.array([self.spectrum.block(shape).eigenvalues[index] for shape, index in self.levels])

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """The reference eigenvalue of every function."""
        return np.repeat(self.level_eigenvalues, [shape.dimension for shape, _ in self.levels])

    @cached_property
    def errors(self) -> np.ndarray | None:
        """The standard errors of the entries of G (jackknife over groups of sequences), or None."""
        return None if self.replicates is None else jackknife_errors(self.replicates)

    @cached_property
    def deviation(self) -> float:
        """The largest eigenvalue of G - 1 in absolute value, the small number of the expansion."""
        return float(np.abs(np.linalg.eigvalsh(self.matrix) - 1).max())

    @cached_property
    def places(self) -> list[np.ndarray]:
        """The rows of every multiplet in the matrix."""
        ends = np.cumsum([shape.dimension for shape, _ in self.levels])
        return [np.arange(end - shape.dimension, end) for (shape, _), end in zip(self.levels, ends)]

    def __repr__(self) -> str:
        return (
            f"<Overlaps of {len(self.levels)} multiplets, {len(self.matrix)} functions, {self.n_sequences} sequences>"
        )


def overlaps(
    spectrum: BlockSpectrum,
    data: Any,
    *,
    shapes: Iterable[Any] | None = None,
    levels: Iterable[Any] | None = None,
    log_weights: Any = None,
    n_blocks: int = _N_BLOCKS,
    memory_limit: int = _MEMORY_LIMIT,
) -> Overlaps:
    r""":math:`G_{ij} = \mathbb{E}_q\, \phi_i \phi_j` of eigenfunctions; parameters and errors of :func:`split_multiplets`."""
    if not isinstance(spectrum, BlockSpectrum):
        raise InvalidTypeError(f"spectrum must be a BlockSpectrum, got {shown(spectrum)}")
    chosen = _chosen_levels(spectrum, shapes, levels)
    size = sum(shape.dimension for shape, _ in chosen)
    enumerated = hasattr(data, "vocab_size")
    n_blocks = require_integer(n_blocks, "n_blocks", minimum=2)
    needed = 8 * size**2 * (3 if enumerated else n_blocks + 3)
    require_memory(needed, memory_limit, f"the overlap matrix of {size} functions (choose fewer shapes or levels)")
    if enumerated:
        require(log_weights is None, "log_weights", "must be None for a measure", log_weights)
        sequences, weights = _enumerated(spectrum, data)
    else:
        sequences, weights = _given_sequences(spectrum, data, log_weights, n_blocks)
    _require_possible(spectrum, sequences)
    sums = np.zeros((len(weights), size, size))
    evaluators = [_evaluator(spectrum.block(shape), index, sequences.shape) for shape, index in chosen]
    rows = max(1, _ENTRIES_AT_ONCE // size)
    for start in range(0, len(sequences), rows):
        piece, own = sequences[start : start + rows], weights[:, start : start + rows]
        values = np.hstack([evaluate(piece) for evaluate in evaluators])
        for block, weight in enumerate(own):
            used = np.flatnonzero(weight)
            sums[block] += values[used].T @ (values[used] * weight[used, None])
    total, total_weight = sums.sum(axis=0), weights.sum()
    replicates = None
    if not enumerated:
        rest = total_weight - weights.sum(axis=1)
        replicates = (total - sums) / rest[:, None, None]
    count = len(sequences) if enumerated else len(np.asarray(data))
    return Overlaps(spectrum, chosen, total / total_weight, replicates, count)


def multiplet_functions(block: NumericBlock, index: int, sequences: Any) -> np.ndarray:
    r"""All eigenfunctions of one eigenvalue at sequences: an array (n, f), orthonormal under the measure of the block.

    Parameters
    ----------
    block, index
        A block and the number of one of its eigenvalues, largest first.
    sequences
        An integer array (n, L), with a last or query token in its last column.

    Raises
    ------
    InvalidTypeError, InvalidArgumentError
        When it is no block of a block spectrum; when the sequences have another length, or there is no such eigenvalue.
    SizeLimitError
        When the polytabloids of the shape have more than 8 million terms together.

    Notes
    -----
    ``block.eigenfunction(index)`` is one function :math:`\phi`, antisymmetric within the columns of the tableau
    :math:`T_0` that holds the positions column by column, in an irreducible space M of functions. In an irreducible module
    of this shape such vectors are unique up to a factor (their number is the Kostka number
    :math:`K_{\lambda' \lambda'} = 1`), and the polytabloid of :math:`T_0` is one. So the isomorphism from the Specht module
    to M sends :math:`e_{T_0}` to a multiple of :math:`\phi`, and, as it commutes with permutations, every :math:`e_T` to
    the same multiple of :math:`\phi_T(x) = \phi(x_{T(1)} \dots x_{T(L)})`, with T read column by column. The
    :math:`\phi_T` of standard T are therefore a basis of M. Permutations preserve the inner product of an exchangeable
    measure, and on an irreducible module there is one invariant inner product up to a factor (Schur), so

    .. math:: \mathbb{E}_{\bar q}\, \phi_T \phi_U = \frac{\langle e_T, e_U \rangle}{\langle e_T, e_T \rangle},

    integers over :math:`\prod_j \lambda'_j!`, with polytabloids as vectors of tabloids. With C the Cholesky factor of this
    matrix, the functions returned are :math:`C^{-1} \phi_T`. The condition number of the matrix is below 2e7 up to
    f = 4000, so they are orthonormal to about 1e-9.
    """
    if not isinstance(block, NumericBlock):
        raise InvalidTypeError(f"block must be a block of a block spectrum, got {shown(block)}")
    x = np.atleast_2d(as_sequences(sequences, "sequences", block.space.vocab_size))
    width = block.shape.size + (block.extra_token is not None)
    require(x.shape[1] == width, "sequences", f"must have shape (n, {width})", x.shape)
    return _evaluator(block, index, x.shape)(x)


def _evaluator(block: NumericBlock, index: int, shape: tuple[int, int]) -> Callable[[np.ndarray], np.ndarray]:
    """:func:`multiplet_functions` for an array of sequences of this shape, all of it or piece by piece."""
    function, (orders, factor) = block.eigenfunction(index), _orthonormalisation(block.shape)
    (count, width), degree, vocab_size = shape, block.shape.size, block.space.vocab_size
    number = vocab_size**width
    if number <= count * len(orders):
        # every sequence once instead of every arrangement of every sequence
        powers = vocab_size ** np.arange(width)[::-1]
        known = function(np.indices((vocab_size,) * width).reshape(width, number).T)

        def values(x: np.ndarray, order: np.ndarray) -> np.ndarray:
            return known[x[:, order] @ powers[:degree] + x[:, degree:] @ powers[degree:]]

    else:

        def values(x: np.ndarray, order: np.ndarray) -> np.ndarray:
            return function(np.hstack([x[:, order], x[:, degree:]]))

    return lambda x: linalg.solve_triangular(factor, np.stack([values(x, order) for order in orders]), lower=True).T


@lru_cache(maxsize=64)
def _orthonormalisation(shape: Partition) -> tuple[np.ndarray, np.ndarray]:
    """The standard tableaux read column by column, entries from 0, and the Cholesky factor of their Gram matrix."""
    heights = shape.conjugate.parts
    n_terms = prod(map(factorial, heights))
    if shape.dimension * n_terms > _LARGEST_EXPANSION:
        raise SizeLimitError(
            f"the polytabloids of shape {shape} have {shape.dimension} x {n_terms} terms, more than {_LARGEST_EXPANSION}"
        )
    orders = np.array(
        [
            [row[j] - 1 for j in range(len(heights)) for row in tableau.rows if j < len(row)]
            for tableau in standard_tableaux(shape)
        ]
    )
    words, signs = _column_arrangements(heights)
    tabloids = np.empty((len(orders), n_terms, shape.size), dtype=np.int8)
    for number, order in enumerate(orders):
        tabloids[number][:, order] = words
    tabloids = tabloids.reshape(-1, shape.size)
    if shape.length**shape.size < 2**63:
        _, columns = np.unique(tabloids @ shape.length ** np.arange(shape.size), return_inverse=True)
    else:
        _, columns = np.unique(tabloids, axis=0, return_inverse=True)
    rows = np.repeat(np.arange(len(orders)), n_terms)
    expansion = sparse.csr_array((np.tile(signs, len(orders)), (rows, columns.ravel())))
    gram = (expansion @ expansion.T).toarray()
    factor = np.linalg.cholesky(gram / n_terms)
    for array in (orders, factor):
        array.flags.writeable = False
    return orders, factor


def _column_arrangements(heights: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """For every permutation within columns the rows of the entries, read column by column; and its sign."""
    words, signs = [], []
    for orders in product(*(permutations(range(height)) for height in heights)):
        words.append([row for order in orders for row in order])
        inversions = sum(a > b for order in orders for i, a in enumerate(order) for b in order[i + 1 :])
        signs.append((-1) ** inversions)
    return np.array(words, dtype=np.int8), np.array(signs, dtype=np.int64)


def _chosen_levels(spectrum: BlockSpectrum, shapes: Any, levels: Any) -> tuple[tuple[Partition, int], ...]:
    require(shapes is None or levels is None, "levels", "must not be given together with shapes", levels)
    if levels is None:
        wanted = (
            spectrum.shapes
            if shapes is None
            else [spectrum.block(as_partition(shape, "shapes")).shape for shape in _listed(shapes, "shapes")]
        )
        blocks = [spectrum.block(shape) for shape in dict.fromkeys(wanted)]
        chosen = [(b.shape, int(i)) for b in blocks for i in np.flatnonzero(np.abs(b.eigenvalues) > b.rounding)]
    else:
        chosen = []
        for pair in _listed(levels, "levels"):
            rule = "must hold pairs (shape, index)"
            require(isinstance(pair, (tuple, list)) and len(pair) == 2, "levels", rule, pair)
            block = spectrum.block(as_partition(pair[0], "levels"))
            index = require_integer(pair[1], "levels", minimum=0)
            require(index < block.size, "levels", f"must have an index below {block.size} for {block.shape}", index)
            resolved = abs(block.eigenvalues[index]) > block.rounding
            require(resolved, "levels", "must be eigenvalues that can be told from 0", (block.shape, index))
            chosen.append((block.shape, index))
        require(len(set(chosen)) == len(chosen), "levels", "must be distinct", chosen)
    require(len(chosen) > 0, "shapes" if levels is None else "levels", "must hold eigenvalues other than 0", shapes)
    return tuple(chosen)


def _listed(values: Any, argument: str) -> list[Any]:
    if isinstance(values, (str, Partition)) or not isinstance(values, Iterable):
        raise InvalidTypeError(f"{argument} must be a sequence, got {shown(values)}")
    return list(values)


def _width(spectrum: BlockSpectrum) -> int:
    return spectrum.length + (spectrum.extra_token == "query")


def _enumerated(spectrum: BlockSpectrum, measure: Any) -> tuple[np.ndarray, np.ndarray]:
    """All sequences of positive probability, and their probabilities as one row."""
    width, vocab_size = _width(spectrum), spectrum.vocab_size
    require(measure.vocab_size == vocab_size, "data", f"must have the {vocab_size} tokens of the spectrum", measure)
    longest = getattr(measure, "maximal_length", None)
    if longest is not None:
        require(width <= longest, "data", f"must have sequences of length {width}", measure)
    if vocab_size**width > _LARGEST_ENUMERATION:
        raise SizeLimitError(
            f"data has {vocab_size}^{width} sequences, more than {_LARGEST_ENUMERATION}: give sequences drawn from the "
            "measure instead, measure.sample(generator, n, length)"
        )
    sequences = np.indices((vocab_size,) * width).reshape(width, -1).T
    if hasattr(measure, "log_probabilities"):
        logarithms = measure.log_probabilities(sequences)
    elif isinstance(measure, ExchangeableMeasure):
        logarithms = log_count_probabilities(measure, _token_counts(sequences, vocab_size))
    else:
        raise InvalidTypeError(f"data must be a measure or an array of sequences, got {shown(measure)}")
    probabilities = np.exp(logarithms)
    possible = probabilities > 0
    return sequences[possible], probabilities[possible][None]


def _given_sequences(
    spectrum: BlockSpectrum, data: Any, log_weights: Any, n_blocks: int
) -> tuple[np.ndarray, np.ndarray]:
    """The distinct sequences, and their weights in every group."""
    given = as_sequences(data, "data", spectrum.vocab_size)
    width = _width(spectrum)
    require(given.ndim == 2 and given.shape[1] == width, "data", f"must have shape (n, {width})", given.shape)
    require(len(given) >= n_blocks, "data", f"must hold at least n_blocks = {n_blocks} sequences", len(given))
    weights = np.ones(len(given))
    if log_weights is not None:
        logarithms = np.asarray(log_weights)
        if logarithms.dtype.kind not in "iuf":
            raise InvalidTypeError(f"log_weights must be an array of real numbers, got {shown(log_weights)}")
        require(logarithms.shape == weights.shape, "log_weights", f"must be {len(given)} numbers", logarithms.shape)
        usable = bool((logarithms < np.inf).all()) and bool(np.isfinite(logarithms).any())
        require(usable, "log_weights", "must be finite numbers or minus infinity, not all infinite", log_weights)
        weights = np.exp(logarithms - logarithms.max())
    distinct, number = np.unique(given, axis=0, return_inverse=True)
    group = np.arange(len(given)) * n_blocks // len(given)
    cells = group * len(distinct) + number.ravel()
    summed = np.bincount(cells, weights=weights, minlength=n_blocks * len(distinct)).reshape(n_blocks, -1)
    rest = summed.sum() - summed.sum(axis=1)
    require(bool((rest > 0).all()), "log_weights", "must not be carried by one group of sequences", log_weights)
    # sequences without weight may be impossible under the reference
    carried = summed.any(axis=0)
    return distinct[carried], summed[:, carried]


def _require_possible(spectrum: BlockSpectrum, sequences: np.ndarray) -> None:
    logarithms = log_count_probabilities(spectrum.measure, _token_counts(sequences, spectrum.vocab_size))
    if not (logarithms > -np.inf).all():
        impossible = tuple(sequences[int(np.argmin(logarithms))].tolist())
        raise InvalidArgumentError(
            f"data must be possible under the reference measure {shown(spectrum.measure)}, got the sequence {impossible}: "
            "take the symmetric part of the data's measure, or independent tokens, for a reference"
        )


def _token_counts(sequences: np.ndarray, vocab_size: int) -> np.ndarray:
    return np.stack([(sequences == v).sum(axis=1) for v in range(vocab_size)], axis=1)


def jackknife_errors(replicates: np.ndarray) -> np.ndarray:
    """The standard errors of estimates that were repeated with each of some equal groups left out."""
    groups = len(replicates)
    deviations = replicates - replicates.mean(axis=0)
    # squares may be beyond the range of floats where the deviations are not
    scale = float(np.abs(deviations).max(initial=0.0)) or 1.0
    return scale * np.sqrt((groups - 1) / groups * ((deviations / scale) ** 2).sum(axis=0))
