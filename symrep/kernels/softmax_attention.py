"""Softmax attention at infinite width: Monte Carlo over its Gaussian logits, or a series in their variance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from symrep.errors import InvalidArchitectureError, InvalidArgumentError, SizeLimitError, require_integer
from symrep.kernels.attention import LOGITS, OUTPUT, Attention, require_arrays
from symrep.kernels.cells import CellKernel
from symrep.kernels.layers import POSITIONS
from symrep.kernels.softmax_sampling import softmax_monte_carlo
from symrep.kernels.softmax_series import MAXIMAL_ORDER, softmax_series, softmax_series_tangent
from symrep.kernels.state import KernelState

_ROUNDING = 1e-9
_LAST_TERM = 0.1


@dataclass(frozen=True, repr=False)
class SoftmaxAttention(Attention):
    r"""Softmax attention with independent queries and keys and logits scaled by :math:`1/\sqrt{d}`.

    The logits stay Gaussian at infinite width, with covariance
    :math:`(\sigma_Q \sigma_K)^2 \tilde K_{st} \tilde K_{s't'}`, and the kernel

    .. math:: K'_{st} = (\sigma_O \sigma_V)^2 \sum_{s't'} \mathbb{E}[\zeta_{ss'}(x)\, \zeta_{tt'}(y)]\, K_{V, s't'} + b^2

    has no closed form: give ``n_samples`` or ``order``.

    Parameters
    ----------
    query_std, key_std, value_std, out_std, bias_std, positions, positions_on_values
        As for :class:`LinearAttention`.
    n_samples
        Number of draws of a Monte Carlo estimate over the logits. They are shared by all sequences of a call, so that the
        Gram matrix is positive semidefinite, and they depend on which sequences these are: ask for training and test
        sequences together. :meth:`Network.monte_carlo` states the standard error.
    order
        Order of the series in the variance of the logits instead: deterministic, good for variances well below 1. It is
        asymptotic and is refused where its last term is not small; cut off, it need not be positive semidefinite.
    seed
        Of the draws.

    Raises
    ------
    InvalidArchitectureError
        When neither or both of ``n_samples`` and ``order`` are given.
    """

    n_samples: int | None = None
    order: int | None = None
    seed: int = 0
    needs_variances: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.n_samples is None) == (self.order is None):
            reason = "needs n_samples (Monte Carlo) or order (series in the logit variance), one of them"
            raise InvalidArchitectureError(
                f"SoftmaxAttention {reason}, got n_samples={self.n_samples}, order={self.order}"
            )
        for name, minimum in (("n_samples", 1), ("order", 0), ("seed", 0)):
            if name == "seed" or getattr(self, name) is not None:
                object.__setattr__(self, name, require_integer(getattr(self, name), self._argument(name), minimum))

        if self.order is not None and self.order > MAXIMAL_ORDER:
            raise SizeLimitError(
                f"SoftmaxAttention order must be at most {MAXIMAL_ORDER}, or n_samples given instead, got {self.order}"
            )

    @property
    def layouts(self) -> tuple[str, ...]:
        return (POSITIONS,)

    def overlap_degree(self, before: int) -> int | None:
        return None

    @property
    def is_random(self) -> bool:
        """Whether the kernel is a Monte Carlo estimate."""
        return self.n_samples is not None

    def apply(self, state: KernelState) -> KernelState:
        require_arrays(state, self)
        expected = self._sampled(state) if self.is_random else self._series(state)
        gain, bias = self._square(state, OUTPUT), self._value(state, "bias_std") ** 2

        def weighted(kernel: CellKernel, matrices: np.ndarray) -> CellKernel:
            return replace(kernel, values=gain * kernel.cells.from_matrices(matrices))

        def rule(kernel: CellKernel, matrices: np.ndarray) -> CellKernel:
            return weighted(kernel, matrices) + kernel.constant(bias)

        pair = rule(state.pair, expected.pair)
        tangent = None
        if state.tangent is not None:
            tangent = weighted(state.tangent, expected.tangent) + pair * 2 + pair.constant(-bias)
        first, second = rule(state.first, expected.first), rule(state.second, expected.second)
        return KernelState(pair, first, second, tangent, state.draws + 1)

    def _logits(self, kernel: CellKernel, state: KernelState) -> tuple[np.ndarray, np.ndarray]:
        """The kernels between rows of logits, with the scale of the logits, and between keys."""
        matrices = kernel.cells.matrices(self._query_key(kernel, state).values)
        return self._square(state, LOGITS) * matrices, _keys(matrices, kernel)

    def _value_keys(self, kernel: CellKernel, state: KernelState) -> np.ndarray:
        return _keys(kernel.cells.matrices(self._values(kernel, state).values), kernel)

    def _tangent_logits(self, state: KernelState) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The tangent kernels of the logits' two factors, where the queries' and keys' own weights count once each, and of values."""
        kernels = self._tangents(state)
        query_key, values = (state.pair.cells.matrices(kernel.values) for kernel in kernels)
        rows = self._logits(state.pair, state)[0]
        return (
            2 * rows + self._square(state, LOGITS) * query_key,
            _keys(query_key, state.pair),
            _keys(values, state.pair),
        )

    def _series(self, state: KernelState) -> _Expected:
        sides = (state.first, state.second, state.pair)
        rows, keys = zip(*(self._logits(side, state) for side in sides))
        variances = [np.diagonal(matrix, axis1=-2, axis2=-1) for matrix in rows[:2]]

        def side(i: int, j: int, pair: int, values: np.ndarray) -> np.ndarray:
            return softmax_series(
                self.order, keys[i], keys[j], keys[pair], values, variances[i], variances[j], rows[pair]
            )

        values = [self._value_keys(side, state) for side in sides]
        first, second, pair = (side(i, j, k, values[k]) for i, j, k in ((0, 0, 0), (1, 1, 1), (0, 1, 2)))
        if self.order > 0:
            lower = softmax_series(self.order - 1, *keys, values[2], *variances, rows[2])
            self._require_convergence(pair, lower, values[2], _largest_variance(variances, keys))
        if state.tangent is None:
            return _Expected(first, second, pair)
        row_dot, key_dot, value_dot = self._tangent_logits(state)
        logits = softmax_series_tangent(self.order, *keys, values[2], *variances, rows[2], key_dot, row_dot)
        return _Expected(first, second, pair, side(0, 1, 2, value_dot) + logits)

    def _require_convergence(self, series: np.ndarray, lower: np.ndarray, values: np.ndarray, variance: float) -> None:
        """Weights are not negative and add up to 1, so values bound the mean; the last term must be a small part of them."""
        largest = np.abs(values).max(axis=(-2, -1), keepdims=True) * (1 + _ROUNDING)
        bounded = (np.abs(series) <= largest).all() and (np.abs(series - lower) <= _LAST_TERM * largest).all()
        if not bounded:
            reason = f"the logits have the variance {variance:.3g}, at which the series to this order does not converge"
            rule = f"SoftmaxAttention order must fit the variance of the logits, got order {self.order}: {reason}"
            raise InvalidArgumentError(
                f"{rule}; smaller query_std or key_std make it smaller, n_samples needs no series"
            )

    def _sampled(self, state: KernelState) -> _Expected:
        generator = np.random.default_rng([self.seed, state.draws])
        sides = (state.first, state.second, state.pair)
        rows, keys = zip(*(self._logits(side, state) for side in sides))
        values = [self._value_keys(side, state) for side in sides]
        stacked = [_stack(*parts) for parts in (rows, keys, values)]
        if state.tangent is None:
            expected, moved = softmax_monte_carlo(*stacked, self.n_samples, generator), None
        else:
            dots = tuple(
                _stack(0 * side[0], 0 * side[1], dot)
                for side, dot in zip((rows, keys, values), self._tangent_logits(state))
            )
            expected, *parts = softmax_monte_carlo(*stacked, self.n_samples, generator, tangents=dots)
            moved = _unstack(sum(parts), state.pair.cells.batch)[2]
        return _Expected(*_unstack(expected, state.pair.cells.batch), moved)


@dataclass(frozen=True)
class _Expected:
    """Expected values between attention outputs of unit weights, as matrices between positions."""

    first: np.ndarray
    second: np.ndarray
    pair: np.ndarray
    tangent: np.ndarray | None = None


def _largest_variance(rows: list[np.ndarray], keys: tuple[np.ndarray, ...]) -> float:
    return max(float(row.max() * np.diagonal(key, axis1=-2, axis2=-1).max()) for row, key in zip(rows, keys))


def _keys(matrices: np.ndarray, kernel: CellKernel) -> np.ndarray:
    rows, columns = kernel.lengths
    return matrices[..., :rows, :columns]


def _stack(first: np.ndarray, second: np.ndarray, pair: np.ndarray) -> np.ndarray:
    """Kernels of groups of sequences, (groups, N, positions, N, positions): one group of all, or one for every pair."""
    if pair.ndim == 4:
        return np.swapaxes(pair, 1, 2)[None]
    rows = [np.stack([first, pair], axis=2), np.stack([np.swapaxes(pair, -1, -2), second], axis=2)]
    return np.stack(rows, axis=1)


def _unstack(stacked: np.ndarray, batch: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if len(batch) == 2:
        pair = np.swapaxes(stacked[0], 1, 2)
        own = np.arange(len(pair))
        return pair[own, own][:, None], pair[own, own][None], pair
    return stacked[:, 0, :, 0], stacked[:, 1, :, 1], stacked[:, 0, :, 1]
