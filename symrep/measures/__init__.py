"""Measures on token sequences that are symmetric under permutations of the positions."""

from symrep.measures.exchangeable import (
    ExchangeableMeasure,
    FrozenMixture,
    UniformTokens,
    frozen_mixture,
    iid,
    iid_uniform,
)

__all__ = ["ExchangeableMeasure", "FrozenMixture", "UniformTokens", "frozen_mixture", "iid", "iid_uniform"]
