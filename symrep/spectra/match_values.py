"""The values of a kernel at all token counts and numbers of matches of two sequences of one length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from symrep.errors import InvalidArgumentError, SizeLimitError
from symrep.measures import ExchangeableMeasure
from symrep.spectra.context_probabilities import log_context_probabilities
from symrep.spectra.count_tables import count_tables, number_of_tables
from symrep.spectra.kernel_values import absolute_error, is_symmetric, real_values

_TRIPLES_AT_ONCE = 2**19
_BYTES_PER_TRIPLE = 600


@dataclass(frozen=True, eq=False)
class MatchValues:
    """The values of a kernel at one length: ``array`` (pairs of extra tokens or 1, counts, counts, matches).

    Token counts are numbered as by ``count_tables(total, vocab_size)``; the value is 0 where no two sequences have these
    counts and matches. ``largest`` is the largest absolute value, ``error`` a bound on the errors of values.
    """

    array: np.ndarray
    vocab_size: int
    extra_token: str | None
    largest: float
    error: float = 0.0

    @property
    def total(self) -> int:
        """The number of permuted positions."""
        return self.array.shape[-1] - 1

    @property
    def extras(self) -> int:
        """The number of extra tokens, or 1."""
        return 1 if self.extra_token is None else self.vocab_size

    def expected_trace(self, measure: ExchangeableMeasure) -> float:
        """E K(x, x) under the measure."""
        own = np.arange(self.array.shape[1])
        trace = 0.0
        for v in range(self.extras):
            weights = np.exp(log_context_probabilities(measure, self.total, None if self.extra_token is None else v))
            trace += float(weights @ self.array[v * self.extras + v, own, own, -1])
        return trace


def possible_matches(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Which numbers of matches occur between sequences with these counts: (n, V) and (k, V) to booleans (n, k, total + 1).

    When token v matches :math:`d_v` times, the others can avoid matches if and only if no token fills more places in both
    sequences than remain: :math:`n_v + n'_v - 2 d_v \\le L - m`.

    >>> counts = np.array([[2, 1, 0]])
    >>> possible_matches(counts, counts).tolist()
    [[[False, True, False, True]]]
    """
    total = int(first[0].sum())
    matches = np.arange(total + 1)
    low = high = np.zeros(1, dtype=np.int64)
    fits = np.ones((len(first), len(second), total + 1), dtype=bool)
    for v in range(first.shape[1]):
        a, b = first[:, None, v, None], second[None, :, v, None]
        least = np.maximum(-((total - a - b - matches) // 2), 0)
        most = np.minimum(a, b)
        fits &= least <= most
        low, high = low + least, high + most
    return fits & (low <= matches) & (matches <= high)


def require_few_matches(total: int, vocab_size: int, pairs: int, memory_limit: int) -> None:
    """Raise SizeLimitError when the values at all counts and matches of this total would not fit."""
    count = number_of_tables(total, vocab_size) ** 2 * (total + 1)
    needed = 8 * count * pairs + _BYTES_PER_TRIPLE * min(count, _TRIPLES_AT_ONCE)
    if needed > memory_limit:
        raise SizeLimitError(
            f"length {total} with {vocab_size} tokens has {count} counts and matches, which need {needed / 1e9:.3g} GB, "
            f"more than memory_limit = {memory_limit / 1e9:.3g} GB"
        )


def match_values(
    function: Callable[..., np.ndarray], total: int, vocab_size: int, extra_token: str | None, progress: bool = False
) -> MatchValues:
    """The kernel at all counts and matches that occur.

    Raises
    ------
    InvalidArgumentError
        When values are of a wrong shape, not finite, or not symmetric; names counts and matches.
    """
    pairs = vocab_size**2 if extra_token is not None else 1
    counts = count_tables(total, vocab_size)
    values, relative_error = np.zeros((pairs, len(counts), len(counts), total + 1)), 0.0
    step = max(1, _TRIPLES_AT_ONCE // (len(counts) * (total + 1)))
    starts = tqdm(range(0, len(counts), step), "kernel", disable=not progress, leave=False, unit=" parts")
    for start in starts:
        x, y, matches = np.nonzero(possible_matches(counts[start : start + step], counts))
        x += start
        for pair in range(pairs):
            tokens = divmod(pair, vocab_size)
            extra = () if extra_token is None else (np.broadcast_to(tokens, (len(x), 2)),)
            found, own_error = _checked(function, counts[x], counts[y], matches, extra)
            values[pair, x, y, matches], relative_error = found, max(relative_error, own_error)
    largest = float(max(values.max(), -values.min()))
    asymmetry = _asymmetry(values, counts, vocab_size, largest, relative_error)
    return MatchValues(values, vocab_size, extra_token, largest, absolute_error(relative_error, largest, asymmetry))


def _checked(
    function: Callable[..., np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    matches: np.ndarray,
    extra: tuple[np.ndarray, ...],
) -> tuple[np.ndarray, float]:
    for array in (x, y, matches):
        array.flags.writeable = False
    found, relative_error = real_values(function(x, y, matches, *extra), len(x))
    wrong = np.flatnonzero(~np.isfinite(found))
    if len(wrong):
        i = wrong[0]
        raise InvalidArgumentError(f"kernel must be finite, got {found[i]} at {_shown_triple(x[i], y[i], matches[i])}")
    return found, relative_error


def _shown_triple(x: np.ndarray, y: np.ndarray, matches: int) -> str:
    return f"counts_x = {x.tolist()}, counts_y = {y.tolist()}, matches = {matches}"


def _asymmetry(values: np.ndarray, counts: np.ndarray, vocab_size: int, largest: float, relative_error: float) -> float:
    worst = 0.0
    for pair, other, i in _row_pairs(len(values), len(counts), vocab_size):
        excess = np.abs(values[pair, i, i:] - values[other, i:, i])
        worst = max(worst, float(excess.max()))
        if not is_symmetric(worst, largest, relative_error):
            j, m = np.unravel_index(excess.argmax(), excess.shape)
            found = values[pair, i, i + j, m], values[other, i + j, i, m]
            at = _shown_triple(counts[i], counts[i + j], m)
            raise InvalidArgumentError(
                f"kernel must be symmetric, got {found[0]:.6g} at {at} and {found[1]:.6g} with x and y exchanged"
            )
    return worst


def _row_pairs(pairs: int, count: int, vocab_size: int) -> Iterator[tuple[int, int, int]]:
    """Pairs of extra tokens with the exchanged pair, for every row."""
    for pair in range(pairs):
        v, w = divmod(pair, vocab_size)
        for i in range(count):
            yield pair, w * vocab_size + v, i
