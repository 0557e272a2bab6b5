"""Probabilities of the permuted positions beside a last or query token that stays in place."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from symrep.measures import ExchangeableMeasure, log_count_probabilities
from symrep.spectra.count_tables import count_tables


def log_sequence_probabilities(measure: ExchangeableMeasure, counts: np.ndarray, extra: int | None) -> np.ndarray:
    """The logarithm of the probability of one sequence with these token counts, (n, V); an extra token comes on top."""
    if extra is not None:
        counts = counts.copy()
        counts[:, extra] += 1
    return log_count_probabilities(measure, counts)


def log_context_probabilities(measure: ExchangeableMeasure, total: int, extra: int | None) -> np.ndarray:
    """The logarithm of the probability of every count vector of ``total`` positions, together with the extra token."""
    counts = count_tables(total, int(measure.vocab_size))
    log_sequences = gammaln(total + 1) - gammaln(counts + 1).sum(axis=1)
    return log_sequences + log_sequence_probabilities(measure, counts, extra)
