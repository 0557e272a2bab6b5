r"""Tests of exchangeability from samples: position means, and moments of two and of three positions.

Under the hypothesis that sequences are exchangeable, permuting the tokens of every sequence at random changes nothing in
distribution. So the rank of a statistic among its values on permuted samples gives a p-value that is exact for any number of
samples. The statistics measure how much moments differ between positions:

.. math:: T_1 = \sum_s |m_s - \bar m|^2, \qquad T_2 = \sum_{s < t} |M_{st} - \bar M|^2, \qquad
    T_3 = \sum_{s < t < u} |M_{stu} - \bar M|^2,

the means of products of token features at one, two and three different positions. The features are those of largest variance
within sequences, which permutations do not change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from symrep.errors import SizeLimitError, require, require_integer
from symrep.kernels.sequences import as_sequences

_FEATURES = 4
_ROUNDING = 1e-10
_MOST_PERMUTATIONS = 10**6
_LARGEST_PRODUCTS = 2 * 10**8


@dataclass(frozen=True)
class ExchangeabilityTest:
    """The result of :func:`exchangeability_test`.

    Attributes
    ----------
    order
        The number of positions in the moments.
    statistic
        T of the samples.
    null
        T on permuted samples.
    p_value
        The share of permuted samples, the sample itself among them, whose T is at least as large.
    """

    order: int
    statistic: float
    null: np.ndarray = field(repr=False)
    p_value: float

    @property
    def excess(self) -> float:
        """How many standard deviations T lies above its mean on permuted samples."""
        spread = float(self.null.std(ddof=1))
        return (self.statistic - float(self.null.mean())) / spread if spread > 0 else 0.0


def exchangeability_test(
    samples: object, *, order: int = 2, n_permutations: int = 199, seed: int = 0, vocab_size: int | None = None
) -> ExchangeabilityTest:
    """Test whether sequences were drawn from an exchangeable measure.

    Parameters
    ----------
    samples
        Independent sequences of token ids (n, L); windows of a text that do not overlap.
    order
        1, 2 or 3: the number of positions whose moments are compared. Order 3 needs at least four positions, for below there is
        one triple.
    n_permutations
        The smallest p-value is one over one more than this.
    seed
        Of the permutations.
    vocab_size
        V, where larger than the largest id + 1.

    Raises
    ------
    InvalidArgumentError
        When there are fewer than two sequences, or too few positions for the order.

    Notes
    -----
    Cost: for every permutation n L^(order) up to a factor. A large p-value is no proof: the test sees moments up to its order
    alone, and what the number of samples resolves.

    Examples
    --------
    >>> from symrep import measures
    >>> generator = np.random.default_rng(0)
    >>> chain, urn = measures.lazy_chain("1/2", ["1/2", "1/2"]), measures.urn([9, 9])
    >>> [exchangeability_test(m.sample(generator, 500, 8)).p_value < 0.01 for m in (chain, urn)]
    [True, False]
    """
    order = require_integer(order, "order", minimum=1)
    require(order <= 3, "order", "must be 1, 2 or 3", order)
    n_permutations = require_integer(n_permutations, "n_permutations", minimum=19)
    require(
        n_permutations <= _MOST_PERMUTATIONS, "n_permutations", f"must be at most {_MOST_PERMUTATIONS}", n_permutations
    )
    rows = np.atleast_2d(as_sequences(samples, "samples", vocab_size))
    n_samples, length = rows.shape
    require(n_samples >= 2, "samples", "must be at least 2 sequences", n_samples)
    fewest = order + (order > 1)
    require(
        length >= max(fewest, 2), "samples", f"must have at least length {max(fewest, 2)} for order {order}", length
    )
    products = max(n_samples * length ** max(order - 1, 1), length**3 if order == 3 else 0)
    if products > _LARGEST_PRODUCTS:
        raise SizeLimitError(f"samples must be fewer at length {length} and order {order}, got {n_samples}")
    features = _features(rows)
    generator = np.random.default_rng(require_integer(seed, "seed", minimum=0))
    statistic = _STATISTICS[order]
    observed = statistic(features[rows])
    null = np.array([statistic(features[generator.permuted(rows, axis=1)]) for _ in range(n_permutations)])
    # permutations that change nothing give the statistic itself up to rounding
    as_large = int((null >= observed * (1 - 1e-9)).sum())
    return ExchangeabilityTest(order, float(observed), null, (1 + as_large) / (1 + n_permutations))


def _features(rows: np.ndarray) -> np.ndarray:
    """Functions of the tokens, (V, d), of mean 0 and of the largest variance within sequences."""
    n_samples, length = rows.shape
    vocab_size = int(rows.max()) + 1
    places = np.arange(n_samples)[:, None] * vocab_size + rows
    counts = np.bincount(places.ravel(), minlength=n_samples * vocab_size).reshape(n_samples, -1).astype(np.float64)
    frequencies = counts.sum(axis=0) / rows.size
    # A - B: the covariance of a token about the mean of its sequence
    within = (np.diag(frequencies) - (counts.T @ counts) / (n_samples * length**2)) * length / (length - 1)
    variances, axes = np.linalg.eigh(within)
    kept = np.arange(vocab_size)[::-1][: min(_FEATURES, max(vocab_size - 1, 1))]
    chosen = axes[:, kept]
    centred = chosen - frequencies @ chosen
    # what is constant within every sequence is no feature, only the rounding errors of one
    varies = variances[kept] > _ROUNDING * max(variances.max(), 0.0)
    return centred[:, varies] / np.sqrt(variances[kept][varies])


def _first(values: np.ndarray) -> float:
    means = values.mean(axis=0)
    return float(((means - means.mean(axis=0)) ** 2).sum())


def _second(values: np.ndarray) -> float:
    n_samples, length, n_features = values.shape
    flat = values.reshape(n_samples, -1)
    moments = (flat.T @ flat / n_samples).reshape(length, n_features, length, n_features)
    first, second = np.triu_indices(length, 1)
    # both orders of a pair: the mean is symmetric in the features
    found = np.concatenate([moments[first, :, second], moments[second, :, first]])
    return float(((found - found.mean(axis=0)) ** 2).sum() / 2)


def _third(values: np.ndarray) -> float:
    length = values.shape[1]
    first, second = np.triu_indices(length, 1)
    later = np.arange(length)[None, :] > second[:, None]
    total = 0.0
    for k in range(values.shape[2]):
        own = np.ascontiguousarray(values[:, :, k], dtype=np.float32)
        moments = ((own[:, first] * own[:, second]).T @ own)[later].astype(np.float64) / len(own)
        total += float(((moments - moments.mean()) ** 2).sum())
    return total


_STATISTICS: dict[int, Callable[[np.ndarray], float]] = {1: _first, 2: _second, 3: _third}
