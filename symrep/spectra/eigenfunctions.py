"""Eigenfunctions of block spectra as functions that can be evaluated on sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln

from symrep.errors import require
from symrep.kernels.sequences import as_sequences, token_counts
from symrep.measures import ExchangeableMeasure, log_count_probabilities
from symrep.spectra.column_space import ColumnSpace
from symrep.spectra.count_tables import table_numbers


@dataclass(frozen=True, eq=False)
class Eigenfunction:
    r"""A function of sequences in one irrep, of norm 1 under the measure, and 0 on sequences of probability 0.

    Where only sequences of probability 0 have its eigenvalue 0, it vanishes.

    The positions fill the columns of the shape from left to right, each column from top to bottom; the function is
    antisymmetric within columns. ``coefficients`` has shape (basis vectors of the column space, extra tokens or 1).
    """

    space: ColumnSpace
    coefficients: np.ndarray
    measure: ExchangeableMeasure
    extra_token: str | None = None

    def __call__(self, x: Any) -> Any:
        """The values at sequences (n, L), or a float for one sequence; with a query (n, L + 1)."""
        sequences = as_sequences(x, "x", self.space.vocab_size)
        degree = self.space.shape.size
        expected = degree + (self.extra_token is not None)
        require(sequences.shape[-1] == expected, "x", f"must have sequences of length {expected}", sequences.shape[-1])
        rows = np.atleast_2d(sequences)
        numbers, amplitude = self._column_basis(rows[:, :degree])
        extra = rows[:, degree] if self.extra_token is not None else np.zeros(len(rows), dtype=np.int64)
        log_probability = self._log_probability(rows)
        possible = log_probability > -np.inf
        scale = np.exp(-np.where(possible, log_probability, 0.0) / 2)
        values = np.where(possible, amplitude * self.coefficients[numbers, extra] * scale, 0.0)
        return values if sequences.ndim == 2 else float(values[0])

    def __repr__(self) -> str:
        extra = "" if self.extra_token is None else f", extra_token={self.extra_token!r}"
        return f"Eigenfunction({self.space.shape}, measure={self.measure!r}{extra})"

    def _column_basis(self, context: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The basis vector that a sequence belongs to, and the value of that vector on it."""
        space, start = self.space, 0
        sign, log_size = np.ones(len(context)), np.zeros(len(context))
        counts = {
            height: np.zeros((len(context), len(space.subsets(height))), dtype=np.int64) for height in space.heights
        }
        for height in range(space.vocab_size, 0, -1):
            if not space.columns[height - 1]:
                continue
            powers = space.vocab_size ** np.arange(height)[::-1]
            subsets = np.array(space.subsets(height)) @ powers
            for _ in range(space.columns[height - 1]):
                column = context[:, start : start + height]
                start += height
                ordered = np.sort(column, axis=1)
                inversions = sum(column[:, a] > column[:, b] for a in range(height) for b in range(a + 1, height))
                distinct = (np.diff(ordered, axis=1) > 0).all(axis=1)
                sign *= np.where(distinct, (-1.0) ** inversions, 0.0)
                log_size -= gammaln(height + 1) / 2
                if height < space.vocab_size:
                    # columns that repeat a token find some subset, and have the sign 0
                    index = np.minimum(np.searchsorted(subsets, ordered @ powers), len(subsets) - 1)
                    counts[height][np.arange(len(context)), index] += 1
        numbers = np.zeros(len(context), dtype=np.int64)
        for height, size in zip(space.heights, space.sizes):
            numbers = numbers * size + table_numbers(counts[height])
        return numbers, sign * np.exp(log_size - space.log_arrangements[numbers] / 2)

    def _log_probability(self, rows: np.ndarray) -> np.ndarray:
        counts = token_counts(rows, self.space.vocab_size)
        return log_count_probabilities(self.measure, counts)
