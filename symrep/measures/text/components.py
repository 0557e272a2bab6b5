r"""Principal components of token windows, and the irreps they belong to.

Under permutations of the positions one-hot vectors of windows split into the trivial irrep, functions that are the same at all
positions, and V copies of the standard irrep (L-1, 1), functions that sum to zero over the positions. In an exchangeable text
every component lies in one of the two.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigsh

from symrep.errors import require_integer
from symrep.measures.text.resampling import Estimate, chunk_weights, estimate
from symrep.measures.text.windows import Windows

_MOST_WINDOWS = 200_000


@dataclass(frozen=True, eq=False)
class PrincipalComponent:
    """A principal component of the one-hot vectors of windows.

    Attributes
    ----------
    vector
        (L, V), of norm 1.
    variance
        The variance of the windows along it, on the half of the chunks that it was not fitted to.
    trivial_weight
        The part of its squared norm that is the same at all positions; the rest is standard.
    """

    vector: np.ndarray = field(repr=False)
    variance: Estimate
    trivial_weight: float

    @property
    def standard_weight(self) -> float:
        """The part of its squared norm that sums to zero over the positions."""
        return 1.0 - self.trivial_weight

    def leading_tokens(self, n_tokens: int = 3) -> tuple[int, ...]:
        """The tokens of the largest entries over all positions."""
        strength = (self.vector**2).sum(axis=0)
        return tuple(int(token) for token in np.argsort(-strength, kind="stable")[:n_tokens])


def principal_components(
    windows: Windows, n_components: int = 6, *, n_resamples: int = 1000, seed: int = 0
) -> tuple[PrincipalComponent, ...]:
    """The leading principal components, fitted on every other chunk and measured on the rest.

    Parameters
    ----------
    windows
        From :func:`text_windows` or :func:`sampled_windows`; at most 200,000 of them are used.
    n_components
        How many, at most L V - 1.
    n_resamples, seed
        For the intervals.

    Notes
    -----
    Lanczos on sparse one-hot vectors: no matrix of L V x L V. Cost: L times the number of windows, some hundred times.

    Examples
    --------
    >>> from symrep import measures
    >>> from symrep.measures.text import sampled_windows
    >>> mixture = measures.frozen_mixture(["1/2", "1/2"], [["1/5", "4/5"], ["4/5", "1/5"]])
    >>> x = mixture.sample(np.random.default_rng(0), 4000, 6)
    >>> first, second = principal_components(sampled_windows(x, 2), 2)
    >>> first.trivial_weight > 0.99, second.trivial_weight < 0.01
    (True, True)
    """
    n_components = require_integer(n_components, "n_components", minimum=1)
    generator = np.random.default_rng(seed)
    stride = max(1, -(-len(windows) // _MOST_WINDOWS))
    chunks = [_one_hot(chunk[::stride], windows.vocab_size) for chunk in windows.chunks]
    fitted = sparse.vstack(chunks[::2], format="csr")
    size = fitted.shape[1]
    number = min(n_components, size - 1)
    means = np.asarray(fitted.mean(axis=0)).ravel()
    n_windows = fitted.shape[0]

    def covariance(vector: np.ndarray) -> np.ndarray:
        vector = vector.ravel()
        return fitted.T @ (fitted @ vector) / n_windows - means * (means @ vector)

    operator = LinearOperator((size, size), matvec=covariance, dtype=np.float64)
    start = generator.standard_normal(size)
    _, vectors = eigsh(operator, k=number, v0=start, tol=1e-8)
    measured = chunks[1::2]
    weights = chunk_weights(np.array([chunk.shape[0] for chunk in measured]), n_resamples, generator)
    return tuple(_component(vector, measured, weights, windows.length) for vector in vectors.T[::-1])


def _one_hot(chunk: np.ndarray, vocab_size: int) -> sparse.csr_array:
    n_windows, length = chunk.shape
    places = (np.arange(length, dtype=np.int32) * vocab_size + chunk.astype(np.int32)).ravel()
    rows = np.arange(0, n_windows * length + 1, length, dtype=np.int32)
    return sparse.csr_array((np.ones(len(places)), places, rows), shape=(n_windows, length * vocab_size))


def _component(
    vector: np.ndarray, chunks: list[sparse.csr_array], weights: np.ndarray, length: int
) -> PrincipalComponent:
    scores = [chunk @ vector for chunk in chunks]
    centre = np.concatenate(scores).mean()
    variances = np.array([np.mean((own - centre) ** 2) for own in scores])
    shaped = vector.reshape(length, -1)
    # the sign of an eigenvector means nothing: its largest entry is positive
    shaped = shaped * np.sign(shaped.ravel()[np.abs(shaped).argmax()])
    trivial = float(length * (shaped.mean(axis=0) ** 2).sum())
    variance = estimate(weights @ variances / weights.sum(axis=1), len(chunks))
    return PrincipalComponent(shaped, variance, min(trivial, 1.0))
