r"""Energies without bias and their intervals, from the inner products between estimates of independent chunks.

An estimate :math:`C_i` from chunk i has noise, so :math:`|C_i|^2` is larger than the energy :math:`|C|^2` it estimates;
:math:`\langle C_i, C_j\rangle` of two chunks is not. With sizes :math:`n_i`

.. math:: \widehat{|C|^2} = \sum_{i \ne j} n_i n_j \langle C_i, C_j \rangle \Big/ \sum_{i \ne j} n_i n_j ,

the mean over all ways to split the chunks into pairs of halves. Intervals are those of Student's t with the standard error
from drawing chunks with replacement, one degree of freedom less than there are chunks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from symrep.display import float_latex

_COVERAGE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    @property
    def is_resolved(self) -> bool:
        """Whether the interval lies on one side of 0."""
        return self.low > 0 or self.high < 0

    @property
    def is_known(self) -> bool:
        """Whether there is a number: a quotient has none where what it is a share of is not told apart from 0."""
        return self.value == self.value

    def __str__(self) -> str:
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})" if self.is_known else "not resolved"

    def _latex(self, printer: Any = None) -> str:
        value, low, high = (float_latex(float(f"{number:.3g}")) for number in (self.value, self.low, self.high))
        return rf"{value}\;({low}\text{{ to }}{high})" if self.is_known else r"\text{not resolved}"

    def _repr_latex_(self) -> str:
        return f"${self._latex()}$"


def chunk_weights(sizes: np.ndarray, n_resamples: int, generator: np.random.Generator) -> np.ndarray:
    """The sizes themselves in row 0, then sizes times how often every chunk is drawn: (n_resamples + 1, chunks)."""
    n_chunks = len(sizes)
    drawn = generator.multinomial(n_chunks, np.full(n_chunks, 1 / n_chunks), size=n_resamples)
    return np.concatenate([np.ones((1, n_chunks)), drawn]) * sizes


def energies(gram: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The energy for every row of weights, without the terms of a chunk with itself.

    >>> energies(np.array([[9.0, 1.0], [1.0, 7.0]]), np.ones((1, 2))).tolist()
    [1.0]
    """
    pairs = weights.sum(axis=1) ** 2 - (weights**2).sum(axis=1)
    totals = np.einsum("ri,ij,rj->r", weights, gram, weights) - weights**2 @ np.diag(gram)
    return np.where(pairs > 0, totals / np.where(pairs > 0, pairs, 1.0), np.nan)


def estimate(values: np.ndarray, n_chunks: int) -> Estimate:
    """The first value, with an interval from the spread of the others, those of resampled chunks."""
    others = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or len(others) < 2:
        return Estimate(float("nan"), float("nan"), float("nan"))
    # resampling n chunks has the spread of n - 1 of them
    error = float(others.std(ddof=1)) * (n_chunks / (n_chunks - 1)) ** 0.5
    half = float(student.ppf((1 + _COVERAGE) / 2, n_chunks - 1)) * error
    return Estimate(float(values[0]), float(values[0]) - half, float(values[0]) + half)


def ratio(top: np.ndarray, bottom: np.ndarray, n_chunks: int) -> Estimate:
    """A quotient of two energies; nan where the one below is not told apart from 0."""
    if not estimate(bottom, n_chunks).is_resolved:
        return Estimate(float("nan"), float("nan"), float("nan"))
    with np.errstate(divide="ignore", invalid="ignore"):
        return estimate(top / bottom, n_chunks)
