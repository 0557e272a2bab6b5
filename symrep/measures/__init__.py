"""Measures on token sequences: symmetric under permutations of the positions, or hidden Markov models, which need not be."""

from symrep.measures.exchangeability import Exchangeability, is_exchangeable
from symrep.measures.exchangeable import FrozenMixture, UniformTokens, frozen_mixture, iid, iid_uniform
from symrep.measures.hidden_markov import HiddenMarkov, hidden_markov, lazy_chain, mixture
from symrep.measures.symmetric_part import SymmetricPart, as_exchangeable, shuffled
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
    "Exchangeability",
    "ExchangeableMeasure",
    "FrozenMixture",
    "HiddenMarkov",
    "SymmetricPart",
    "UniformTokens",
    "Urn",
    "as_exchangeable",
    "count_probabilities",
    "dirichlet_multinomial",
    "frozen_mixture",
    "hidden_markov",
    "iid",
    "iid_uniform",
    "is_exchangeable",
    "lazy_chain",
    "log_count_probabilities",
    "mixture",
    "shuffled",
    "urn",
]
