"""What an infinitely wide network computes: layers, their covariance kernels, and the overlap ring."""

from symrep.kernels.architectures import ARCHITECTURES, NONLINEAR_ARCHITECTURES, READOUTS, architecture
from symrep.kernels.attention import LinearAttention, TiedAttention, UniformAttention
from symrep.kernels.finite_networks import EmpiricalKernel, FiniteNetwork, empirical_nngp, empirical_ntk, sample_network
from symrep.kernels.invariance import Invariance
from symrep.kernels.joint_counts import JointCountKernel, MatchCountKernel, NetworkKernel
from symrep.kernels.layers import Dense, Layer, Positions, Residual, TokenEmbedding, residual
from symrep.kernels.network import MonteCarloKernel, Network, serial
from symrep.kernels.nonlinearities import Erf, Gelu, LayerNorm, Polynomial, Relu
from symrep.kernels.overlaps import (
    first_overlap_symbol,
    length_symbol,
    matches_symbol,
    overlap_symbol,
    same_token_symbol,
    second_overlap_symbol,
    vocabulary_symbol,
)
from symrep.kernels.readouts import Flatten, LastToken, MeanPool, QueryToken
from symrep.kernels.softmax_attention import SoftmaxAttention

__all__ = [
    "ARCHITECTURES",
    "NONLINEAR_ARCHITECTURES",
    "READOUTS",
    "Dense",
    "EmpiricalKernel",
    "Erf",
    "FiniteNetwork",
    "Flatten",
    "Gelu",
    "Invariance",
    "JointCountKernel",
    "LastToken",
    "Layer",
    "LayerNorm",
    "LinearAttention",
    "MatchCountKernel",
    "MeanPool",
    "MonteCarloKernel",
    "Network",
    "NetworkKernel",
    "Polynomial",
    "Positions",
    "QueryToken",
    "Relu",
    "Residual",
    "SoftmaxAttention",
    "TiedAttention",
    "TokenEmbedding",
    "UniformAttention",
    "architecture",
    "empirical_nngp",
    "empirical_ntk",
    "first_overlap_symbol",
    "length_symbol",
    "matches_symbol",
    "overlap_symbol",
    "residual",
    "same_token_symbol",
    "sample_network",
    "second_overlap_symbol",
    "serial",
    "vocabulary_symbol",
]
