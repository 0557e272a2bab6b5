"""Named presets: the simplified transformer blocks whose spectra the tables list."""

from __future__ import annotations

from typing import Any

import sympy

from symrep.errors import InvalidArchitectureError
from symrep.kernels.attention import LinearAttention, TiedAttention, UniformAttention
from symrep.kernels.layers import Dense, Positions, TokenEmbedding
from symrep.kernels.network import Network, serial
from symrep.kernels.nonlinearities import Erf, Relu
from symrep.kernels.readouts import Flatten, LastToken, MeanPool, QueryToken

READOUTS = ("pool", "flatten", "last", "query")
ARCHITECTURES = ("linear-block", "uniform-block")
NONLINEAR_ARCHITECTURES = ("relu-block", "erf-block", "softmax-block")
_IN_WORDS = {
    "linear-block": "linear block",
    "uniform-block": "uniform attention",
    "relu-block": "linear attention and ReLU",
    "erf-block": "linear attention and erf",
    "softmax-block": "tied softmax attention and ReLU",
    "pool": "mean pool",
    "flatten": "flatten",
    "last": "last token",
    "query": "query token",
}


def in_words(name: str, readout: str) -> str:
    """A preset as captions call it.

    >>> in_words("linear-block", "pool")
    'linear block, mean pool'
    """
    return f"{_IN_WORDS[name]}, {_IN_WORDS[readout]}"


def _symbol(name: str) -> sympy.Symbol:
    return sympy.Symbol(name, positive=True)


def architecture(
    name: str,
    readout: str = "pool",
    *,
    token_variance: Any = _symbol("a"),
    position_variance: Any = _symbol("p"),
    query_token_variance: Any = _symbol("a_q"),
    query_position_variance: Any = _symbol("p_q"),
) -> Network:
    """A named transformer block: embedding, positions, one attention layer, perhaps a nonlinearity, and a readout.

    Parameters
    ----------
    name
        ``"linear-block"`` (linear attention; its weights divided by L when a query reads it) or ``"uniform-block"``; or one
        of those without closed forms: ``"relu-block"`` and ``"erf-block"`` (linear attention divided by L, then the
        nonlinearity), ``"softmax-block"`` (softmax attention with tied queries and keys, then a layer of weights and ReLU),
        which have a layer of weights behind the readout. All weights are trained: attention has those of queries, keys,
        values and outputs.
    readout
        ``"pool"``, ``"flatten"``, ``"last"`` or ``"query"``.
    token_variance, position_variance, query_token_variance, query_position_variance
        Exact numbers or symbols; the last two matter only for the query readout.

    Raises
    ------
    InvalidArchitectureError
        When the name or the readout is unknown.

    Examples
    --------
    >>> architecture("linear-block", "flatten").overlap_polynomial()
    (L*p + a*m)*(L*p**2 + a**2*u + 2*a*m*p)/L
    >>> architecture("linear-block", "query").overlap_polynomial()
    (a_q*g + p_q)*(L*p**2 + a**2*u + 2*a*m*p)/L**2
    """
    known = ARCHITECTURES + NONLINEAR_ARCHITECTURES
    if name not in known:
        raise InvalidArchitectureError(f"architecture must be one of {', '.join(known)}, got {name!r}")
    if readout not in READOUTS:
        raise InvalidArchitectureError(f"readout must be one of {', '.join(READOUTS)}, got {readout!r}")
    middle = {
        "linear-block": (LinearAttention(normalized=readout == "query"),),
        "uniform-block": (UniformAttention(),),
        "relu-block": (LinearAttention(normalized=True), Relu()),
        "erf-block": (LinearAttention(normalized=True), Erf()),
        "softmax-block": (TiedAttention(), Dense(), Relu()),
    }
    readouts = {"pool": MeanPool, "flatten": Flatten, "last": LastToken}
    if readout == "query":
        last_layer = QueryToken(query_token_variance, query_position_variance)
    else:
        last_layer = readouts[readout]()
    # attention ends in weights of its own, a nonlinearity does not: outputs are to be Gaussian of mean 0
    weights = (Dense(),) if name in NONLINEAR_ARCHITECTURES else ()
    return serial(TokenEmbedding(token_variance), Positions(position_variance), *middle[name], last_layer, *weights)
