r"""What the trained network puts out at a given sequence: mean and variance over training sets; in and out of distribution.

With learnabilities :math:`L_i` and the test error E of :mod:`symrep.learning.curves`,

.. math:: \overline{\hat f}(x) = \sum_i L_i g_i \phi_i(x), \qquad
    \operatorname{var} \hat f(x) = \frac{E}{P} \sum_i L_i^2 \phi_i(x)^2 .

The first sum is over the components of the target alone. In the second all eigenfunctions of one eigenvalue add up to a
function of the token counts: for a unit vector v in the multiplicity space of a shape, written by weights (count vectors
n), it is :math:`f^{shape} \lVert v_n \rVert^2 / Q(n)`, Q(n) the probability of the counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from symrep.combinatorics.partitions import Partition
from symrep.errors import InvalidTypeError, require, shown
from symrep.kernels.sequences import as_sequences, token_counts
from symrep.learning.curves import LearningCurve, learning_curve
from symrep.learning.decomposition import rounding_error, sharpened, without_rounding_errors
from symrep.learning.extension import extended_mean, extended_spread, missing_spread
from symrep.learning.invariant_operator import operator_matrix
from symrep.learning.invariant_space import InvariantSpace
from symrep.learning.kappa import as_numbers
from symrep.learning.kernel_means import is_network_kernel
from symrep.spectra.blocks import BlockSpectrum
from symrep.spectra.context_probabilities import log_context_probabilities
from symrep.spectra.count_tables import number_of_tables, table_numbers
from symrep.spectra.kernel_functions import extra_token_of
from symrep.spectra.spectrum import Spectrum


@dataclass(frozen=True, eq=False)
class ModeDensity:
    """For every eigenvalue the sum of the squares of its eigenfunctions, as a function of the token counts.

    Attributes
    ----------
    eigenvalues
        Shape (levels,).
    log_values
        Logarithms, shape (levels, V or 1, count vectors in the order of ``count_tables``); -inf for 0. The second axis is for
        a last or query token that stays in place, and counts are then those of the others.
    """

    eigenvalues: np.ndarray
    log_values: np.ndarray
    vocab_size: int

    def combined(self, factors: np.ndarray, sequences: np.ndarray) -> np.ndarray:
        """The densities times a factor of at least 0 each, summed, at sequences (n, tokens)."""
        with np.errstate(divide="ignore"):
            log_factors = np.log(factors)[:, None]
        extras, moving = 0, sequences
        if self.log_values.shape[1] > 1:
            extras, moving = sequences[:, -1], sequences[:, :-1]
        numbers = table_numbers(token_counts(moving, self.vocab_size))
        return np.exp(log_factors + self.log_values[:, extras, numbers]).sum(axis=0)


def mode_density(spec: Spectrum | BlockSpectrum) -> ModeDensity:
    """The mode densities of all levels of a spectrum at a number L."""
    extra_token, vocab_size = extra_token_of(spec.kernel), int(spec.vocab_size)
    moving = int(spec.length) - (extra_token == "last")
    parts = _from_blocks(spec, moving) if isinstance(spec, BlockSpectrum) else _from_sectors(spec, extra_token)
    tokens = [None] if extra_token is None else range(vocab_size)
    log_probabilities = np.concatenate([log_context_probabilities(spec.measure, moving, token) for token in tokens])
    eigenvalues, rows = [], []
    for shape, own, norms in parts:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = log(shape.dimension) + np.log(norms) - log_probabilities
        rows.append(np.where((norms > 0) & (log_probabilities > -np.inf), values, -np.inf))
        eigenvalues.append(own)
    eigenvalues = np.concatenate(eigenvalues)
    return ModeDensity(eigenvalues, np.concatenate(rows).reshape(len(eigenvalues), len(tokens), -1), vocab_size)


def _from_blocks(spec: BlockSpectrum, moving: int) -> Iterator[tuple[Partition, np.ndarray, np.ndarray]]:
    extras, n_counts = 1 if spec.extra_token is None else spec.vocab_size, number_of_tables(moving, spec.vocab_size)
    for block in spec.blocks:
        eigenvalues = without_rounding_errors(block.eigenvalues, block.rounding)
        vectors = sharpened(block.matrix, block.vectors, eigenvalues)
        tokens = np.repeat(np.arange(extras), len(block.basis_weights) // extras)
        numbers = tokens * n_counts + table_numbers(block.basis_weights)
        yield block.shape, eigenvalues, _by_weight(vectors, numbers, extras * n_counts)


def _from_sectors(spec: Spectrum, extra_token: str | None) -> Iterator[tuple[Partition, np.ndarray, np.ndarray]]:
    """Every shape of a spectrum, with its eigenvalues and the squared norms of eigenvectors by weight.

    Naming as many positions as the deepest shape has boxes below its first row reaches all shapes; of the ways to reach
    a shape one is enough.
    """
    named = max(shape.size - max(shape.parts, default=0) for shape in spec.shapes)
    space = InvariantSpace(int(spec.vocab_size), int(spec.length), named, spec.measure, extra_token)
    matrix = operator_matrix(spec.kernel, space)
    n_counts, rounding = number_of_tables(space.moving, space.vocab_size), rounding_error(matrix)
    moved = space.rest_counts + token_counts(space.tokens[:, :named], space.vocab_size)
    numbers = table_numbers(moved) + (space.tokens[:, -1] * n_counts if space.has_extra else 0)
    n_numbers = n_counts * (space.vocab_size if space.has_extra else 1)
    found = {shape: basis for shape, basis in space.sectors}
    for shape in spec.shapes:
        basis = found[shape]
        reduced = basis.T @ (basis.T @ matrix).T
        eigenvalues, vectors = np.linalg.eigh(reduced)
        eigenvalues = without_rounding_errors(eigenvalues, rounding)
        vectors = sharpened(reduced, vectors, eigenvalues)
        columns = basis.tocsc()
        own = numbers[columns.indices[columns.indptr[:-1]]]
        yield shape, eigenvalues, _by_weight(vectors, own, n_numbers)


def _by_weight(vectors: np.ndarray, numbers: np.ndarray, n_counts: int) -> np.ndarray:
    """The squares of the entries of every column, added up over basis vectors of one count vector."""
    norms = np.zeros((vectors.shape[1], n_counts))
    np.add.at(norms.T, numbers, vectors**2)
    return norms


@dataclass(frozen=True, eq=False)
class PredictedOutput:
    """The output of the trained network at sequences; made by :func:`predicted_output`.

    Attributes
    ----------
    mean
        The mean over training sets.
    variance
        The variance over training sets.
    target
        The target there.
    variance_error
        A bound on what the variance lacks: 0, but for block spectra at sequences that the measure never draws, or without some
        of their shapes.
    curve
        The learning curve of the distribution trained on, at this number of samples and ridge.
    """

    mean: Any
    variance: Any
    target: Any
    variance_error: Any
    curve: LearningCurve

    def __repr__(self) -> str:
        shape = np.shape(self.mean)
        if shape:
            return f"<PredictedOutput of {self.curve.target.name} at {shape[0]} sequences>"
        numbers = f"mean {self.mean:.4g}, variance {self.variance:.3g}, target {self.target:.4g}"
        return f"<PredictedOutput of {self.curve.target.name}: {numbers}>"

    @property
    def squared_error(self) -> Any:
        """The mean squared error over training sets, without noise: squared bias plus variance."""
        return (self.mean - self.target) ** 2 + self.variance


def predicted_output(
    spec: Any,
    target: Any,
    x: Any,
    n_samples: float,
    ridge: float,
    *,
    noise: Any = 0.0,
    theory: str = "self-consistent",
) -> PredictedOutput:
    """The mean and variance of the trained network's output at sequences, over training sets of the measure of a spectrum.

    Parameters
    ----------
    spec, target, n_samples, ridge, noise, theory
        As for :func:`symrep.learning.learning_curve`; one number of samples and one ridge. The equivalent kernel has no
        variance.
    x
        Sequences (n, L'), or one (L',): from any distribution and of any length L', with the query behind them where the
        network has one. A function of count tables in place of a network is known at the length L of the spectrum alone;
        and where the measure gives a sequence no probability the result is then nan.

    Raises
    ------
    InvalidArgumentError, InvalidArchitectureError
        When x has another length, and the kernel is not that of a network or has none between different lengths (Flatten,
        parameters in L, Monte Carlo).

    Examples
    --------
    >>> from symrep import kernels, learning, measures, spectrum
    >>> s = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2), 8).substitute(a="1/2", p=1)
    >>> found = learning.predicted_output(s, "S", [0, 0, 0, 0, 0, 1, 1, 1], n_samples=16, ridge=0.05)
    >>> round(found.mean, 3), found.target
    (1.976, 2.0)
    >>> longer = learning.predicted_output(s, "S", [0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0], n_samples=16, ridge=0.05)
    >>> round(longer.mean, 3), longer.target
    (3.051, 4.0)
    """
    if not isinstance(spec, Spectrum | BlockSpectrum):
        raise InvalidTypeError(f"spec must be a Spectrum or a BlockSpectrum, got {shown(spec)}")
    curve = learning_curve(spec, target, n_samples, ridge, noise=noise, theory=theory)
    require(curve.kappa.ndim == 0, "n_samples and ridge", "must be one number each", (n_samples, ridge))
    vocab_size, entries = int(spec.measure.vocab_size), curve.target.space.entries
    sequences = as_sequences(x, "x", vocab_size)
    rows = np.atleast_2d(sequences)
    mean, spread, missing = (np.full(len(rows), np.nan) for _ in range(3))
    if rows.shape[1] == entries:
        mean = curve.target.combined(curve.target_learnability, rows)
        density = mode_density(spec)
        positive = density.eigenvalues > 0
        shares = density.eigenvalues / np.where(positive, density.eigenvalues + float(curve.kappa), 1.0)
        spread = density.combined(np.where(positive, shares, 0.0) ** 2, rows)
        missing = missing_spread(spec, float(curve.kappa), rows, density.combined(density.eigenvalues, rows))
    if rows.shape[1] != entries:
        least = 1 + (extra_token_of(spec.kernel) == "query")
        require(rows.shape[1] >= least, "x", f"must hold at least {least} tokens", rows.shape[1])
    unseen = np.isnan(mean)
    if unseen.any() and (rows.shape[1] != entries or is_network_kernel(spec.kernel)):
        mean[unseen] = extended_mean(curve, spec.kernel, rows[unseen])
        spread[unseen], missing[unseen] = extended_spread(spec, float(curve.kappa), rows[unseen])
    variance, error = (_amplified(part, curve) for part in (spread, missing))
    variance = np.where(np.isnan(mean), np.nan, variance)
    values = np.atleast_1d(curve.target.target(rows, vocab_size))
    parts = mean, variance, values, error
    if sequences.ndim == 1:
        return PredictedOutput(*(float(part[0]) for part in parts), curve)
    return PredictedOutput(*parts, curve)


def _amplified(spread: np.ndarray, curve: LearningCurve) -> np.ndarray:
    """Times test error over samples; 0 where nothing is learned, however large the error, and without fluctuations."""
    if curve.theory == "equivalent-kernel":
        return np.zeros(spread.shape)
    return np.where(spread > 0, np.where(spread > 0, spread, 1.0) * float(curve.test_error / curve.n_samples), 0.0)


def out_of_distribution_error(
    spec: Any, target: Any, sequences: Any, n_samples: float, ridge: float, *, weights: Any = None, noise: Any = 0.0
) -> float:
    """The predicted mean squared error on sequences from another distribution than the training set's.

    Parameters
    ----------
    sequences
        Drawn from the other distribution, (n, L'), as for :func:`predicted_output`; all of one weight unless ``weights`` (n,)
        are given.

    Examples
    --------
    >>> from symrep import kernels, learning, measures, spectrum
    >>> s = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2), 8).substitute(a="1/2", p=1)
    >>> chain = measures.lazy_chain("1/2", ["1/2", "1/2"]).sample(np.random.default_rng(0), 1000, 8)
    >>> learning.out_of_distribution_error(s, "sigma_1 - S/L", chain, n_samples=16, ridge=0.05) > 0
    True
    """
    rows = np.atleast_2d(as_sequences(sequences, "sequences"))
    found = predicted_output(spec, target, rows, n_samples, ridge, noise=noise)
    own = np.ones(found.mean.shape) if weights is None else as_numbers(weights, "weights")
    fits = own.shape == found.mean.shape and bool((own >= 0).all()) and own.max() > 0
    require(fits, "weights", f"must be {len(found.mean)} numbers of at least 0, not all 0", weights)
    shares = own / own.max()
    return float(np.average(found.squared_error[shares > 0], weights=shares[shares > 0])) + found.curve.noise
