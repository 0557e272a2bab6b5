r"""Spectra by Monte Carlo, for kernels and measures beyond exact methods: Gram matrices of sampled sequences.

The irreps of sampled eigenfunctions are measured without projectors, from values at permuted sequences. For f of shape
components :math:`f_\lambda`, group elements A averaged over conjugates are scalars on each irrep, so for an
exchangeable measure

.. math:: E\,\langle f, A f\rangle
    = \sum_\lambda \frac{\operatorname{tr}_\lambda A}{\dim \lambda}\, \lVert f_\lambda\rVert^2.

With P the average over the Young subgroup :math:`S_{L-k}` that fixes k random positions, :math:`P_\pm` its
(anti)symmetric part under the exchange of two fixed positions, and D the product of :math:`(1 - \tau)/2` over disjoint
transpositions of each fixed position with another one, DP annihilates all irreps but a few, and

============  =======================  ==================================================
shape         A                        :math:`\operatorname{tr}_\lambda A / \dim \lambda`
============  =======================  ==================================================
\(L)          P, k = 0                 1
(L-1, 1)      D P, k = 1               :math:`L / (2 (L-1)^2)`
(L-2, 2)      :math:`D P_+`, k = 2     :math:`(L-1) / (2 L (L-3)^2)`
(L-2, 1, 1)   :math:`D P_-`, k = 2     :math:`L / (2 (L-1) (L-2)^2)`
============  =======================  ==================================================

(norms of the invariant vector and of its image under D, in the permutation modules on positions and on pairs). The
estimates :math:`\langle Df, D\sigma f\rangle` with random :math:`\sigma` are small where their trace is small. Solving
for the weights from :math:`\langle f, \sigma f\rangle` without D has the same expectation, but an error that is larger
by a factor of order L for (L-1, 1) and :math:`L^2` for (L-2, 2) and (L-2, 1, 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import eigh

from symrep.combinatorics.partitions import Partition
from symrep.errors import InvalidArgumentError, InvalidTypeError, require, require_integer, shown
from symrep.kernels.network import Network
from symrep.kernels.sequences import require_memory
from symrep.spectra.gram_functions import GramFunction, gram_function, shown_pair
from symrep.spectra.kernel_functions import require_room_for_query

Sampler = Callable[[np.random.Generator, int], np.ndarray]

MEMORY_LIMIT = 2**31
_MATRICES_AT_ONCE = 4
_PAIRS_PER_CALL = 2**22
_SYMMETRY_TOLERANCE = 1e-9
_NULL_TOLERANCE = 1e-9
_DEEPER = "deeper"


@dataclass(frozen=True, eq=False, repr=False)
class SampledSpectrum:
    """Estimates of the leading eigenvalues and their irreps; made by :func:`sampled_spectrum`, which states the biases.

    Attributes
    ----------
    eigenvalues, standard_error
        Decreasing; mean and standard error over the replicates of the eigenvalues of the Gram matrix over n.
    extrapolated, extrapolated_error
        The same with the bias of order 1/n removed.
    irrep_weights, weight_errors
        One row per eigenvalue, one column per entry of ``shapes``: the share of the squared norm of the sampled
        eigenfunction. The estimates can leave [0, 1] by their error; rows sum to 1. Rows are nan for eigenvalues that
        are not above rounding error in every replicate, and when no test points were asked for.
    shapes
        Partitions of L with at most two boxes below the first row, and ``"deeper"`` for all others (up to L = 4 this is
        a single shape, which is then listed).
    n_samples, n_replicates
        Sequences per Gram matrix, and the number of independent draws.
    trace, trace_error
        Estimate of the sum of all eigenvalues, without bias.
    squared_trace, squared_trace_error
        Estimate of the sum of the squares of all eigenvalues, without bias.
    replicates, extrapolated_replicates
        The eigenvalues of each replicate, one row per replicate.
    """

    eigenvalues: np.ndarray
    standard_error: np.ndarray
    extrapolated: np.ndarray
    extrapolated_error: np.ndarray
    irrep_weights: np.ndarray
    weight_errors: np.ndarray
    shapes: tuple[Partition | str, ...]
    n_samples: int
    n_replicates: int
    trace: float
    trace_error: float
    squared_trace: float
    squared_trace_error: float
    replicates: np.ndarray
    extrapolated_replicates: np.ndarray

    def multiplet_mean(self, start: int, degeneracy: int, *, extrapolated: bool = True) -> tuple[float, float]:
        """Mean and standard error of ``degeneracy`` neighbouring eigenvalues from number ``start`` (from 0) on.

        Sampling splits a degenerate eigenvalue; the mean of its pieces has a bias of order 1/n only, which is removed
        unless ``extrapolated`` is False.

        Raises
        ------
        InvalidArgumentError
            When the multiplet reaches beyond the sampled eigenvalues.
        """
        start = require_integer(start, "start", minimum=0)
        degeneracy = require_integer(degeneracy, "degeneracy", minimum=1)
        stop, count = start + degeneracy, len(self.eigenvalues)
        require(stop <= count, "start + degeneracy", f"must be at most the {count} sampled eigenvalues", stop)
        rows = self.extrapolated_replicates if extrapolated else self.replicates
        mean, error = _mean_and_error(rows[:, start:stop].mean(axis=1))
        return float(mean), float(error)

    def __repr__(self) -> str:
        return (
            f"SampledSpectrum({len(self.eigenvalues)} eigenvalues from {self.eigenvalues[0]:.6g} to "
            f"{self.eigenvalues[-1]:.6g}, trace {self.trace:.6g} +- {self.trace_error:.2g}, "
            f"n_samples={self.n_samples}, n_replicates={self.n_replicates})"
        )


def sampled_spectrum(
    kernel: Network | GramFunction,
    measure_or_sampler: Any,
    length: int,
    *,
    n_samples: int,
    n_eigenvalues: int = 8,
    n_replicates: int = 8,
    n_test_points: int = 400,
    extra_tokens: int = 0,
    seed: int = 0,
    memory_limit: int = MEMORY_LIMIT,
) -> SampledSpectrum:
    r"""Leading eigenvalues of :math:`(Kf)(x) = E_y K(x, y) f(y)` from Gram matrices of sampled sequences, with irreps.

    Every replicate draws n sequences and takes the eigenvalues of :math:`K(x_i, x_j)/n`. An eigenvector v extends to
    the function :math:`f(x) = \frac{1}{n \lambda} \sum_i K(x, x_i) v_i`, whose irrep weights are measured at fresh
    sequences.

    Parameters
    ----------
    kernel
        A network with numbers for its parameters, a function of integer arrays X (n, length + extra_tokens) and Y (m, same)
        that returns the n x m Gram matrix, or any other kernel that :func:`symrep.block_spectrum` takes. It need not be invariant under permutations of positions: the
        weights then show how its eigenfunctions mix irreps (:func:`symrep.find_invariance_witness` tells).
    measure_or_sampler
        An object with ``sample(generator, n_samples, length)``, or a function of ``(generator, n_samples)`` that
        returns an integer array (n_samples, length + extra_tokens). Irrep weights hold for measures that are
        exchangeable in the first L positions, which is not checked; eigenvalues and traces hold for any.
    length
        L, at least 2.
    n_samples
        Sequences per Gram matrix.
    n_eigenvalues
        How many of the largest, at most ``n_samples // 2``.
    n_replicates
        Independent draws, at least 2.
    n_test_points
        Fresh sequences per replicate for the irrep weights, each evaluated in 15 arrangements; 0 omits the weights.
    extra_tokens
        Number of further positions that permutations leave alone, for example 1 for a query token.
    seed
        Seed of the numpy generator; the same seed gives the same numbers.
    memory_limit
        Bytes that a Gram matrix and its copies may take; 2 GiB unless given.

    Raises
    ------
    InvalidTypeError, InvalidArgumentError
        When the kernel returns another shape, numbers that are not finite, or a matrix that is not symmetric; when the
        sampler returns no integer array of the shape asked for; when a number is out of range; or when irreps are asked
        of a network whose kernel is itself a Monte Carlo estimate, which changes from call to call.
    FreeSymbolError
        When the network or the measure holds symbols.
    SizeLimitError
        When the Gram matrix and its copies exceed the memory limit; says how large they are.

    Notes
    -----
    What the standard errors do not show: the sum of the k largest eigenvalues is on average too large (a maximum over
    functions is taken on the sample), by O(1/n) if there is a gap below. A multiplet of d equal eigenvalues is split by
    :math:`O(\lambda \sqrt{d/n})`, so its members are biased by that much and only their mean by O(1/n): see
    :meth:`SampledSpectrum.multiplet_mean`. Extrapolation from n and n/2 (both halves of the same sample) leaves
    :math:`O(n^{-2})` and raises the error slightly. Trace and squared trace, the mean of :math:`K(x_i, x_i)` and of
    :math:`K(x_i, x_j)^2` over :math:`i \ne j`, are unbiased at any n. Weights are ratios of unbiased estimates, with a
    bias of order 1 / n_test_points and, away from (L), a standard error of about 3 to 5 over the root of all test
    points; a sampled eigenfunction also mixes neighbouring levels when n is too small to resolve them.

    Cost per replicate: one Gram matrix, its leading eigenvectors O(n^3), and 15 n_test_points n values of the kernel.

    Examples
    --------
    >>> from symrep import kernels, measures
    >>> net = kernels.architecture("linear-block").substitute(a=1, p=1)
    >>> s = sampled_spectrum(net, measures.iid_uniform(2), 8, n_samples=200, n_eigenvalues=4, n_replicates=4)
    >>> [str(shape) for shape in s.shapes]
    ['(8)', '(7,1)', '(6,2)', '(6,1,1)', 'deeper']
    >>> s.irrep_weights[0].round(1).tolist()[0], s.eigenvalues.shape
    (1.0, (4,))
    """
    length = require_integer(length, "length", minimum=2)
    extra_tokens = require_integer(extra_tokens, "extra_tokens", minimum=0)
    require_room_for_query(kernel, extra_tokens)
    n_samples = require_integer(n_samples, "n_samples", minimum=2)
    n_eigenvalues = require_integer(n_eigenvalues, "n_eigenvalues", minimum=1)
    rule = f"must be at most n_samples // 2 = {n_samples // 2}"
    require(n_eigenvalues <= n_samples // 2, "n_eigenvalues", rule, n_eigenvalues)
    n_replicates = require_integer(n_replicates, "n_replicates", minimum=2)
    n_test_points = require_integer(n_test_points, "n_test_points", minimum=0)
    seed = require_integer(seed, "seed", minimum=0)
    memory_limit = require_integer(memory_limit, "memory_limit", minimum=1)
    what = f"n_samples = {n_samples}: the Gram matrix with its copies"
    require_memory(8 * _MATRICES_AT_ONCE * n_samples**2, memory_limit, what)
    gram_of = _gram_function(kernel, n_test_points, getattr(measure_or_sampler, "vocab_size", None))
    draw = _checked_sampler(measure_or_sampler, length + extra_tokens)

    runs = []
    for generator in np.random.default_rng(seed).spawn(n_replicates):
        samples = draw(generator, n_samples)
        gram = _symmetric_gram(gram_of, samples)
        eigenvalues, vectors = _leading(gram, n_eigenvalues)
        weights = np.full((n_eigenvalues, len(_shapes(length))), np.nan)
        if n_test_points:
            extension = _nystrom_extension(gram_of, samples, vectors)
            products = isotypic_products(extension, draw(generator, n_test_points), length, generator)
            resolved = eigenvalues > _NULL_TOLERANCE * np.abs(eigenvalues).max()
            weights[resolved] = _weights(products[:, resolved])
        runs.append((eigenvalues, _extrapolated(gram, eigenvalues), weights, *_moments(gram)))

    values, limits, weights, traces, squares = (np.stack(quantity) for quantity in zip(*runs))
    arrays = (*_mean_and_error(values), *_mean_and_error(limits), *_mean_and_error(weights))
    moments = map(float, (*_mean_and_error(traces), *_mean_and_error(squares)))
    for array in (*arrays, values, limits):
        array.flags.writeable = False
    return SampledSpectrum(*arrays, _shapes(length), n_samples, n_replicates, *moments, values, limits)


def isotypic_products(
    function: Callable[[np.ndarray], np.ndarray], sequences: np.ndarray, length: int, generator: np.random.Generator
) -> np.ndarray:
    r"""Estimates of :math:`\lVert f\rVert^2` and of :math:`\lVert f_\lambda\rVert^2` for the leading shapes, one per
    sequence.

    Parameters
    ----------
    function
        Takes an integer array of sequences (n, L + extra tokens) and returns the values (n, k) of k functions.
    sequences
        m sequences drawn from a measure that is exchangeable in the first L positions.
    length
        L, the number of positions that are permuted, at least 2.
    generator
        Source of the random permutations.

    Returns
    -------
    numpy.ndarray
        Of shape (m, k, 1 + number of shapes): :math:`f(x)^2`, then (L), (L-1, 1) if L is at least 3, and (L-2, 2),
        (L-2, 1, 1) if L is at least 4. Means over the sequences are unbiased.

    Examples
    --------
    The token at the first of L positions has the weight 1/L in the trivial irrep and the rest in the standard one:

    >>> generator = np.random.default_rng(0)
    >>> spins = lambda x: 2 * x[:, :1] - 1
    >>> products = isotypic_products(spins, generator.integers(0, 2, size=(40000, 4)), 4, generator)
    >>> products.mean(axis=0).round(1).tolist()
    [[1.0, 0.2, 0.7, 0.0, 0.0]]
    """
    count = len(sequences)
    # position number j of a sequence's own frame is places[j], so that fixed frame positions are random positions
    places = _permutations(generator, count, np.arange(length))
    unframe = places.argsort(axis=1)
    framed = np.take_along_axis(sequences[:, :length], places, axis=1)

    def values(arrangement: np.ndarray, swaps: tuple[tuple[int, int], ...] = ()) -> np.ndarray:
        """The function at a rearranged frame and at its images under all products of swaps of tokens."""
        images = [arrangement]
        for swap in swaps:
            relabelled = np.arange(length)
            relabelled[list(swap)] = swap[::-1]
            images += [relabelled[image] for image in images]
        moved = np.tile(sequences, (len(images), 1, 1))
        for image, target in zip(images, moved):
            tokens = np.take_along_axis(framed, image, axis=1)
            target[:, :length] = np.take_along_axis(tokens, unframe, axis=1)
        return function(moved.reshape(-1, sequences.shape[1])).reshape(len(images), count, -1)

    swaps = ((0, 1), (2, 3))[: length - 2]
    identity = np.tile(np.arange(length), (count, 1))
    at_rest = values(identity, swaps)
    products = [at_rest[0] ** 2, at_rest[0] * values(_permutations(generator, count, identity[0]))[0]]
    if length >= 3:
        fixing_one = identity.copy()
        fixing_one[:, 1:] = _permutations(generator, count, np.arange(1, length))
        product = _alternating(at_rest[:2]) * _alternating(values(fixing_one, swaps[:1]))
        products.append(product * (2 * (length - 1) ** 2 / length))
    if length >= 4:
        others = np.array([1, *range(3, length)])
        fixing_two = identity.copy()
        fixing_two[:, others] = _permutations(generator, count, others)
        exchanging_two = fixing_two.copy()
        exchanging_two[:, [0, 2]] = 2, 0
        straight, crossed = (
            _alternating(at_rest) * _alternating(values(arrangement, swaps))
            for arrangement in (fixing_two, exchanging_two)
        )
        products.append((straight + crossed) * (length * (length - 3) ** 2 / (length - 1)))
        products.append((straight - crossed) * ((length - 1) * (length - 2) ** 2 / length))
    return np.stack(products, axis=-1)


def _alternating(images: np.ndarray) -> np.ndarray:
    """The mean over the images under products of swaps, with the signs of the products."""
    signs = np.ones(1)
    while len(signs) < len(images):
        signs = np.concatenate([signs, -signs])
    return np.tensordot(signs, images, axes=1) / len(images)


def _permutations(generator: np.random.Generator, count: int, items: np.ndarray) -> np.ndarray:
    return generator.permuted(np.tile(items, (count, 1)), axis=1)


def _shapes(length: int) -> tuple[Partition | str, ...]:
    leading = [(length,), (length - 1, 1), (length - 2, 2), (length - 2, 1, 1)]
    measured = [Partition(parts) for parts in leading[: {2: 1, 3: 2}.get(length, 4)]]
    return *measured, Partition((1,) * length) if length <= 4 else _DEEPER


def _weights(products: np.ndarray) -> np.ndarray:
    """Shares of the leading shapes, and the rest, one row per function."""
    totals = products.mean(axis=0)
    shares = totals[:, 1:] / totals[:, :1]
    return np.column_stack([shares, 1 - shares.sum(axis=1)])


def _leading(gram: np.ndarray, count: int, vectors: bool = True) -> Any:
    """The largest eigenvalues of a Gram matrix over its size, decreasing, with or without eigenvectors as columns."""
    size = len(gram)
    found = eigh(gram, subset_by_index=[size - count, size - 1], eigvals_only=not vectors)
    return (found[0][::-1] / size, np.ascontiguousarray(found[1][:, ::-1])) if vectors else found[::-1] / size


def _extrapolated(gram: np.ndarray, eigenvalues: np.ndarray) -> np.ndarray:
    """The eigenvalues without their term in 1/n, from the two halves of the sample."""
    size, half = len(gram), len(gram) // 2
    parts = (slice(0, half), slice(half, 2 * half))
    halved = sum(_leading(gram[part, part], len(eigenvalues), vectors=False) for part in parts) / 2
    return (size * eigenvalues - half * halved) / (size - half)


def _moments(gram: np.ndarray) -> tuple[float, float]:
    """Unbiased estimates of the trace and of the trace of the square."""
    size, diagonal = len(gram), gram.diagonal()
    return diagonal.mean(), (np.vdot(gram, gram) - np.vdot(diagonal, diagonal)) / (size * (size - 1))


def _mean_and_error(replicates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return replicates.mean(axis=0), replicates.std(axis=0, ddof=1) / len(replicates) ** 0.5


def _nystrom_extension(
    gram_of: GramFunction, samples: np.ndarray, vectors: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """The eigenfunctions at any sequences, up to a factor."""
    rows = max(1, _PAIRS_PER_CALL // len(samples))

    def extension(sequences: np.ndarray) -> np.ndarray:
        distinct, index = np.unique(sequences, axis=0, return_inverse=True)
        pieces = [distinct[start : start + rows] for start in range(0, len(distinct), rows)]
        return np.concatenate([gram_of(piece, samples) @ vectors for piece in pieces])[index.ravel()]

    return extension


def _symmetric_gram(gram_of: GramFunction, samples: np.ndarray) -> np.ndarray:
    gram = gram_of(samples, samples)
    gap = np.abs(gram - gram.T)
    if (gap > _SYMMETRY_TOLERANCE * np.abs(gram).max()).any():
        i, j = np.unravel_index(gap.argmax(), gap.shape)
        raise InvalidArgumentError(
            f"kernel must be symmetric, got K(x, y) = {gram[i, j]} and K(y, x) = {gram[j, i]} at "
            f"{shown_pair(samples[i], samples[j])}"
        )
    return (gram + gram.T) / 2


def _gram_function(kernel: Any, n_test_points: int, vocab_size: int | None) -> GramFunction:
    if isinstance(kernel, Network) and kernel.is_random and n_test_points:
        raise InvalidArgumentError(
            f"n_test_points must be 0 for a network whose kernel is a Monte Carlo estimate, got {n_test_points}"
        )
    return gram_function(kernel, vocab_size)


def _checked_sampler(measure_or_sampler: Any, width: int) -> Sampler:
    """The measure as a function of generator and number of sequences, whose results are checked."""
    if hasattr(measure_or_sampler, "sample"):

        def sample(generator: np.random.Generator, count: int) -> np.ndarray:
            return measure_or_sampler.sample(generator, count, width)

    elif callable(measure_or_sampler):
        sample = measure_or_sampler
    else:
        raise InvalidTypeError(
            "measure_or_sampler must have a method sample or be a function of a generator and a number, got "
            f"{shown(measure_or_sampler)}"
        )

    def draw(generator: np.random.Generator, count: int) -> np.ndarray:
        sequences = np.asarray(sample(generator, count))
        if sequences.dtype.kind not in "iu":
            raise InvalidTypeError(f"measure_or_sampler must draw integer token ids, got dtype {sequences.dtype}")
        require(sequences.shape == (count, width), "sample", f"must have shape {(count, width)}", sequences.shape)
        return sequences

    return draw
