r"""The one-hot covariance of token windows, and how much of it is symmetric under permutations of the positions.

With :math:`C_{st} = E[e(x_s) e(x_t)^\top] - m_s m_t^\top`, e(x) the one-hot vector of a token, an exchangeable measure has
:math:`C_{ss} = A` and :math:`C_{st} = B` for all :math:`s \ne t`. The mean blocks A and B are the projection of C on the matrices
that commute with permutations of the positions (the commutant), the means along diagonals :math:`s - t` that on block-Toeplitz
matrices, which hold all of C for any stationary text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from symrep.errors import require
from symrep.kernels.sequences import require_memory
from symrep.measures.text.resampling import Estimate, chunk_weights, energies, estimate, ratio
from symrep.measures.text.windows import Windows

_MULTIPLETS = 3
_WINDOWS_PER_TOKEN = 10
_ARRAYS_AT_ONCE = 6
_MEMORY_LIMIT = 4 * 10**9


@dataclass(frozen=True)
class Multiplet:
    """The L - 1 eigenvalues that would be one in an exchangeable text: their mean, and their spread over the mean."""

    mean: Estimate
    spread: Estimate


@dataclass(frozen=True, eq=False)
class CovarianceSymmetry:
    """How symmetric the covariance of windows is; made by :func:`covariance_symmetry`.

    Attributes
    ----------
    grams
        Inner products between the estimates of chunks, (chunks, chunks), of the parts ``diagonal`` and ``off_diagonal`` blocks
        and their projections ``diagonal_mean``, ``off_diagonal_mean`` and ``toeplitz``.
    diagonal_block, off_diagonal_block
        A and B, (V, V).
    block_energies
        The energy of every block without bias, (L, L).
    weights
        Of chunks: row 0 for the text, the others for the bootstrap.
    multiplets
        The leading multiplets of the standard irrep (L-1, 1).
    """

    grams: dict[str, np.ndarray]
    diagonal_block: np.ndarray
    off_diagonal_block: np.ndarray
    block_energies: np.ndarray
    weights: np.ndarray
    multiplets: tuple[Multiplet, ...]

    def __repr__(self) -> str:
        return f"<CovarianceSymmetry: {self.off_diagonal_fraction} of the covariance between different positions is symmetric>"

    @property
    def n_chunks(self) -> int:
        """The number of chunks."""
        return self.weights.shape[1]

    @cached_property
    def _energies(self) -> dict[str, np.ndarray]:
        return {name: energies(gram, self.weights) for name, gram in self.grams.items()}

    def energy(self, part: str) -> Estimate:
        """The energy of a part, the sum of the squares of its entries, without bias."""
        return estimate(self._energies[part], self.n_chunks)

    @property
    def off_diagonal_fraction(self) -> Estimate:
        """The share of the energy between different positions that is symmetric: 1 for exchangeable text."""
        return ratio(self._energies["off_diagonal_mean"], self._energies["off_diagonal"], self.n_chunks)

    @property
    def total_fraction(self) -> Estimate:
        """The same with the blocks of equal positions, which are symmetric in every stationary text."""
        found = self._energies
        return ratio(
            found["off_diagonal_mean"] + found["diagonal_mean"],
            found["off_diagonal"] + found["diagonal"],
            self.n_chunks,
        )

    @property
    def toeplitz_fraction(self) -> Estimate:
        """The share of the energy between different positions that depends on their distance alone: 1 for stationary text."""
        return ratio(self._energies["toeplitz"], self._energies["off_diagonal"], self.n_chunks)

    @property
    def toeplitz_gap(self) -> Estimate:
        """What stationarity allows beyond exchangeability: the Toeplitz fraction less the symmetric one."""
        found = self._energies
        return ratio(found["toeplitz"] - found["off_diagonal_mean"], found["off_diagonal"], self.n_chunks)


def covariance_symmetry(windows: Windows, *, n_resamples: int = 1000, seed: int = 0) -> CovarianceSymmetry:
    """Measure the symmetry of the one-hot covariance of windows.

    Parameters
    ----------
    windows
        From :func:`text_windows` or :func:`sampled_windows`.
    n_resamples
        Of the chunks, for the intervals.
    seed
        Of the generator.

    Notes
    -----
    Cost: :math:`L^2/2` times the number of windows, and :math:`K V^2` numbers in memory for K chunks. Estimates of chunks are taken
    about the means of the whole text, so that what changes slowly through a text counts as covariance. These means leave a bias
    of the order of V over the number of windows, of the energy that pure noise has: so ten times V windows are asked for.
    Multiplets are chosen on every other chunk and measured on the rest.

    Examples
    --------
    >>> from symrep import measures
    >>> from symrep.measures.text import sampled_windows
    >>> urns = measures.dirichlet_multinomial([1, 1, 1]).sample(np.random.default_rng(0), 5000, 6)
    >>> found = covariance_symmetry(sampled_windows(urns, 3))
    >>> found.off_diagonal_fraction.low < 1 < found.off_diagonal_fraction.high
    True
    """
    V, n_chunks = windows.vocab_size, len(windows.chunks)
    rule = f"must be at least {_WINDOWS_PER_TOKEN * V} for {V} tokens"
    require(len(windows) >= _WINDOWS_PER_TOKEN * V, "windows", rule, len(windows))
    require_memory(
        8 * n_chunks * V**2 * _ARRAYS_AT_ONCE, _MEMORY_LIMIT, f"the covariance of {V} tokens in {n_chunks} chunks"
    )
    columns = tuple(windows.columns())
    weights = chunk_weights(windows.sizes, n_resamples, np.random.default_rng(seed))
    pairs = _PairCovariances(columns, windows.vocab_size, windows.sizes)
    grams, diagonal, off_diagonal, block_energies = _projections(pairs, windows.length, weights[:1])
    multiplets = _multiplets(columns, windows.vocab_size, n_resamples, seed)
    return CovarianceSymmetry(grams, diagonal, off_diagonal, block_energies, weights, multiplets)


class _PairCovariances:
    """Covariances of the tokens at two positions in every chunk, about the means of all windows: (chunks, V^2)."""

    def __init__(self, columns: tuple[np.ndarray, ...], vocab_size: int, sizes: np.ndarray):
        self.columns, self.vocab_size, self.sizes = columns, vocab_size, sizes
        length = len(columns[0])
        counts = [[np.bincount(own[s], minlength=vocab_size) for own in columns] for s in range(length)]
        self.frequencies = np.array(counts) / sizes[:, None]
        self.means = np.array(counts).sum(axis=1) / sizes.sum()

    def __call__(self, s: int, t: int) -> np.ndarray:
        V = self.vocab_size
        joint = np.empty((len(self.columns), V, V))
        for own, columns in zip(joint, self.columns):
            own[:] = np.bincount(columns[s] * V + columns[t], minlength=V * V).reshape(V, V)
        joint /= self.sizes[:, None, None]
        joint -= self.means[s][None, :, None] * self.frequencies[t][:, None, :]
        joint -= (self.frequencies[s] - self.means[s])[:, :, None] * self.means[t][None, None, :]
        return joint


def _projections(
    pairs: _PairCovariances, length: int, weights: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    n_chunks, V = len(pairs.columns), pairs.vocab_size
    grams = {name: np.zeros((n_chunks, n_chunks)) for name in ("diagonal", "off_diagonal", "toeplitz")}
    block_energies = np.zeros((length, length))
    whole = np.zeros((n_chunks, V, V))
    for lag in range(length):
        along = np.zeros((n_chunks, V, V))
        for s in range(length - lag):
            found = pairs(s, s + lag)
            along += found
            gram = _gram(found)
            block_energies[s, s + lag] = block_energies[s + lag, s] = energies(gram, weights)[0]
            grams["off_diagonal" if lag else "diagonal"] += gram * (2 if lag else 1)
        if lag == 0:
            grams["diagonal_mean"] = _gram(along) / length
            diagonal = along
        else:
            grams["toeplitz"] += 2 * _gram(along) / (length - lag)
            whole += along + np.swapaxes(along, 1, 2)
    grams["off_diagonal_mean"] = _gram(whole) / (length * (length - 1))
    shares = (pairs.sizes / pairs.sizes.sum())[:, None, None]
    blocks = (shares * diagonal).sum(axis=0) / length, (shares * whole).sum(axis=0) / (length * (length - 1))
    return grams, *blocks, block_energies


def _gram(covariances: np.ndarray) -> np.ndarray:
    flat = covariances.reshape(len(covariances), -1)
    return flat @ flat.T


def _multiplets(columns: tuple[np.ndarray, ...], vocab_size: int, n_resamples: int, seed: int) -> tuple[Multiplet, ...]:
    """Functions of the tokens of largest variance within windows in every other chunk, measured on the rest."""
    fitted = np.concatenate(columns[::2], axis=1)
    length, n_windows = fitted.shape
    places = np.arange(n_windows, dtype=np.int64)[None, :] * vocab_size + fitted
    ones = np.ones(length * n_windows)
    counts = sparse.csr_array((ones, np.divmod(places.ravel(), vocab_size)), shape=(n_windows, vocab_size))
    frequencies = np.asarray(counts.sum(axis=0)).ravel() / (n_windows * length)
    within = np.diag(frequencies) - (counts.T @ counts).toarray() / (n_windows * length**2)
    _, axes = np.linalg.eigh(within)
    measured = columns[1::2]
    weights = chunk_weights(np.array([own.shape[1] for own in measured]), n_resamples, np.random.default_rng(seed))
    leading = axes[:, ::-1][:, : min(_MULTIPLETS, vocab_size - 1)]
    return tuple(_multiplet(measured, axis, weights) for axis in leading.T)


def _multiplet(columns: Sequence[np.ndarray], axis: np.ndarray, weights: np.ndarray) -> Multiplet:
    """The covariance of one function of the tokens, without its mean over positions: L - 1 eigenvalues and their spread."""
    features = [axis[own] for own in columns]
    sizes = weights[0]
    means = sum(own.sum(axis=1) for own in features) / sizes.sum()
    centred = [own - means[:, None] for own in features]
    differences = [own - own.mean(axis=0) for own in centred]
    covariances = np.array([own @ own.T / own.shape[1] for own in differences])
    free = len(means) - 1
    traces = np.trace(covariances, axis1=1, axis2=2) / free
    squares = energies(_gram(covariances), weights) / free
    squared_mean = energies(np.outer(traces, traces), weights)
    with np.errstate(invalid="ignore"):
        spread = np.sqrt(np.maximum(squares - squared_mean, 0.0) / squared_mean)
    mean, width = (estimate(own, len(columns)) for own in (weights @ traces / weights.sum(axis=1), spread))
    return Multiplet(mean, Estimate(width.value, max(width.low, 0.0), width.high))
