"""Measures on token sequences that are symmetric under permutations of the positions."""

from symrep.measures.exchangeable import FrozenMixture, UniformTokens, frozen_mixture, iid, iid_uniform
from symrep.measures.urns import (
    DirichletMultinomial,
    ExchangeableMeasure,
    Urn,
    count_probabilities,
    dirichlet_multinomial,
    log_count_probabilities,
    urn,
)

__all__ = [
    "DirichletMultinomial",
    "ExchangeableMeasure",
    "FrozenMixture",
    "UniformTokens",
    "Urn",
    "count_probabilities",
    "dirichlet_multinomial",
    "frozen_mixture",
    "iid",
    "iid_uniform",
    "log_count_probabilities",
    "urn",
]
