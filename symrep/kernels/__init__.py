"""What an infinitely wide network computes: layers, their covariance kernels, and the overlap ring."""

from symrep.kernels.architectures import ARCHITECTURES, READOUTS, architecture
from symrep.kernels.layers import (
    Dense,
    Flatten,
    LastToken,
    Layer,
    LinearAttention,
    MeanPool,
    Positions,
    QueryToken,
    Residual,
    TokenEmbedding,
    UniformAttention,
    residual,
)
from symrep.kernels.network import Network, serial

__all__ = [
    "ARCHITECTURES",
    "READOUTS",
    "Dense",
    "Flatten",
    "LastToken",
    "Layer",
    "LinearAttention",
    "MeanPool",
    "Network",
    "Positions",
    "QueryToken",
    "Residual",
    "TokenEmbedding",
    "UniformAttention",
    "architecture",
    "residual",
    "serial",
]
