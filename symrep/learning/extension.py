r"""Predictions at sequences that the measure never draws: of another length, or of probability 0.

An eigenfunction of the operator extends to any sequence y that the network takes,

.. math:: \phi_i(y) = \lambda_i^{-1}\, E_x[K(y, x)\, \phi_i(x)],

and regression on training sets from the measure gives there, as everywhere,

.. math:: \overline{\hat f}(y) = \sum_i L_i g_i \phi_i(y) = E_x\Big[K(y, x) \sum_i \frac{g_i \phi_i(x)}{\lambda_i + \kappa}\Big],
    \qquad \operatorname{var} \hat f(y) = \frac{E}{P} \sum_i L_i^2 \phi_i(y)^2.

In the variance the squares of all eigenfunctions of one irrep add up to :math:`f^{shape}` times the mean of the squares of one
row of them over the permutations of y. A row that names as many positions as the shape has boxes below its first row is
enough, and the permutations then only decide which tokens of y stand there.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from symrep.combinatorics.partitions import Partition, partitions
from symrep.kernels.joint_counts import NetworkKernel
from symrep.kernels.sequences import token_counts
from symrep.learning.curves import LearningCurve
from symrep.learning.decomposition import rounding_error, without_rounding_errors
from symrep.learning.invariant_operator import operator_matrix
from symrep.learning.invariant_space import InvariantSpace
from symrep.learning.kernel_means import NOTHING, OtherSequences, is_network_kernel, kernel_means, other_sequences
from symrep.spectra.blocks import BlockSpectrum
from symrep.spectra.count_tables import number_of_tables
from symrep.spectra.kernel_functions import extra_token_of

_LARGEST_DIMENSION = 1500
_FIRST_NAMED = 2
_NEGLIGIBLE = 1e-4


def extended_mean(curve: LearningCurve, kernel: Any, sequences: np.ndarray) -> np.ndarray:
    """The mean prediction at sequences (n, tokens) of any length."""
    target = curve.target
    rates = np.where(target.eigenvalues > 0, 1 / (target.eigenvalues + float(curve.kappa)), 0.0)
    means = kernel_means(kernel, target.space, other_sequences(target.space, target.places, sequences))
    weights = np.exp(target.space.log_probabilities / 2) * (target.components @ rates)
    return weights @ means


def extended_spread(
    spec: Any, kappa: float, sequences: np.ndarray, largest_dimension: int = _LARGEST_DIMENSION
) -> tuple[np.ndarray, np.ndarray]:
    r""":math:`\sum_i L_i^2 \phi_i(y)^2` at sequences (n, tokens) of any length, and a bound on what is missing.

    Nothing is missing for closed-form spectra. For block spectra the shapes with many boxes below the first row are left out
    where they add less than a ten-thousandth, or where naming as many positions would need matrices above ``largest_dimension``.
    What they add is positive, and at most :math:`\lambda/(\lambda + \kappa)^2` times the part of K(y, y) that the others
    leave, for their largest eigenvalue.
    """
    depths = {shape: shape.size - max(shape.parts, default=0) for shape in spec.shapes}
    deepest = max(depths.values())
    if not isinstance(spec, BlockSpectrum):
        return _spread_of(spec, kappa, sequences, list(depths), deepest)[0], np.zeros(len(sequences))
    named = min(_FIRST_NAMED, deepest)
    while True:
        shapes = [shape for shape, depth in depths.items() if depth <= named]
        spread, held = _spread_of(spec, kappa, sequences, shapes, named)
        missing = missing_spread(spec, kappa, sequences, held, shapes)
        if (
            named == deepest
            or (missing <= _NEGLIGIBLE * spread).all()
            or _dimension(spec, named + 1) > largest_dimension
        ):
            return spread, missing
        named += 1


def missing_spread(
    spec: Any, kappa: float, sequences: np.ndarray, held: np.ndarray, shapes: list[Partition] | None = None
) -> np.ndarray:
    """A bound on what shapes beyond ``shapes`` (those of the spectrum unless given) add at sequences whose K(y, y) the others hold."""
    largest = (
        _largest_beyond(spec, spec.shapes if shapes is None else shapes) if isinstance(spec, BlockSpectrum) else 0.0
    )
    if largest == 0:
        return np.zeros(len(sequences))
    if not is_network_kernel(spec.kernel):
        return np.full(len(sequences), np.inf)
    return np.maximum(_variances(spec.kernel, sequences, int(spec.vocab_size)) - held, 0.0) * _largest_rate(
        largest, kappa
    )


def _largest_beyond(spec: BlockSpectrum, shapes: Any) -> float:
    """A bound on the eigenvalues of all shapes but these; of those that were not asked for the trace is all that is known."""
    known = [float(spec.block(shape).eigenvalues.max(initial=0.0)) for shape in spec.shapes if shape not in set(shapes)]
    moving = spec.length - (spec.extra_token == "last")
    unknown = [s.dimension for s in partitions(moving, max_length=spec.vocab_size) if s not in set(spec.shapes)]
    if unknown:
        known.append(max(spec.expected_trace - spec.trace(), 0.0) / min(unknown))
    return max(known, default=0.0)


def _spread_of(
    spec: Any, kappa: float, sequences: np.ndarray, shapes: list[Partition], named: int
) -> tuple[np.ndarray, np.ndarray]:
    """The sums over the modes of some shapes of the squares times L^2, and times lambda: the variance that they hold."""
    space = InvariantSpace(int(spec.vocab_size), int(spec.length), named, spec.measure, extra_token_of(spec.kernel))
    matrix = operator_matrix(spec.kernel, space)
    bases, rounding = dict(space.sectors), rounding_error(matrix)
    own, index, chances = _permuted(space, sequences)
    means = np.exp(space.log_probabilities / 2)[:, None] * kernel_means(spec.kernel, space, own)
    spread, held = np.zeros(len(sequences)), np.zeros(len(sequences))
    for shape in shapes:
        basis = bases[shape]
        eigenvalues, vectors = np.linalg.eigh(basis.T @ (basis.T @ matrix).T)
        positive = without_rounding_errors(eigenvalues, rounding) > 0
        squares = (vectors[:, positive].T @ (basis.T @ means)) ** 2
        for total, rates in ((spread, 1 / (eigenvalues[positive] + kappa) ** 2), (held, 1 / eigenvalues[positive])):
            total += shape.dimension * np.bincount(index, weights=rates @ squares * chances, minlength=len(sequences))
    return spread, held


def _largest_rate(largest: float, kappa: float) -> float:
    """The maximum of lambda / (lambda + kappa)^2 up to the largest lambda."""
    if largest < kappa:
        return largest / (largest + kappa) ** 2
    return 1 / (4 * kappa) if kappa > 0 else np.inf


def _dimension(spec: BlockSpectrum, named: int) -> int:
    """The size of the matrices where so many positions are named."""
    extras = 1 if spec.extra_token is None else spec.vocab_size
    moving = spec.length - (spec.extra_token == "last")
    return extras * spec.vocab_size**named * number_of_tables(moving - named, spec.vocab_size)


def _permuted(space: InvariantSpace, sequences: np.ndarray) -> tuple[OtherSequences, np.ndarray, np.ndarray]:
    """All ways to put tokens of y at the named positions: for each the number of its sequence, and its probability."""
    query = space.extra_token == "query"
    context = sequences[:, :-1] if query else sequences
    fixed = np.full((len(sequences), int(space.extra_token == "last")), NOTHING)
    if space.extra_token == "last" and context.shape[1] >= space.length:
        fixed[:, 0] = context[:, space.length - 1]
    extra = sequences[:, -1] if space.has_extra else np.zeros(len(sequences), dtype=np.int64)
    moving = token_counts(context[:, : space.moving], space.vocab_size)
    missing = space.moving - moving.sum(axis=1)
    with_nothing = np.concatenate([moving, missing[:, None]], axis=1)
    parts, index, chances = [], [], []
    for word in product(range(space.vocab_size + 1), repeat=space.named):
        left, chance = with_nothing.copy(), np.ones(len(sequences))
        for place, token in enumerate(word):
            chance *= left[:, token] / (space.moving - place)
            left[:, token] -= 1
        possible = np.flatnonzero(chance > 0)
        tokens = np.array([NOTHING if token == space.vocab_size else token for token in word], dtype=np.int64)
        at_named = np.concatenate([np.tile(tokens, (len(possible), 1)), fixed[possible]], axis=1)
        parts.append((at_named, left[possible, :-1]))
        index.append(possible)
        chances.append(chance[possible])
    rows = np.concatenate(index)
    at_named, shared = (np.concatenate(part) for part in zip(*parts))
    counts = token_counts(context, space.vocab_size)[rows]
    return OtherSequences(context.shape[1], at_named, shared, counts, extra[rows]), rows, np.concatenate(chances)


def _variances(kernel: Any, sequences: np.ndarray, vocab_size: int) -> np.ndarray:
    """K(y, y) of every sequence."""
    net, tangent = getattr(kernel, "net", kernel), getattr(kernel, "tangent", False)
    values = net.ntk if tangent else net.nngp
    different, index = np.unique(sequences, axis=0, return_inverse=True)
    own = np.array([values(row, row) for row in different])[index.ravel()]
    if not isinstance(kernel, NetworkKernel):
        return own
    length = sequences.shape[1] - (net.extra_token == "query")
    return kernel.factor(length, vocab_size) * own
