"""The symmetry group read off from the layers, against the kernel itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import measures, spectrum, testing
from symrep.errors import NotInvariantError
from symrep.kernels import (
    Dense,
    Flatten,
    LastToken,
    LayerNorm,
    LinearAttention,
    MeanPool,
    Positions,
    QueryToken,
    Relu,
    SoftmaxAttention,
    TiedAttention,
    TokenEmbedding,
    UniformAttention,
    residual,
    serial,
)

TOKENS, POSITIONS = TokenEmbedding(1), Positions("1/2")
COVARIANCE = ((2, 1, 0), (1, 3, "1/2"), (0, "1/2", 1))
DECAY = Positions(1, covariance="gaussian")

CASES = [
    ((TOKENS, POSITIONS, LinearAttention(), MeanPool()), "S_L and S_V"),
    ((TOKENS, LinearAttention(), Relu(), MeanPool()), "S_L x S_L and S_V"),
    ((TOKENS, TiedAttention(), MeanPool()), "S_L x S_L and S_V"),
    ((TOKENS, SoftmaxAttention(order=1, query_std="1/3"), MeanPool()), "S_L x S_L and S_V"),
    ((TOKENS, Positions(0), LinearAttention(), MeanPool()), "S_L x S_L and S_V"),
    ((TOKENS, POSITIONS, MeanPool()), "S_L x S_L and S_V"),
    ((TOKENS, POSITIONS, UniformAttention(), Flatten()), "S_L and S_V"),
    ((TOKENS, POSITIONS, UniformAttention(), MeanPool()), "S_L x S_L and S_V"),
    ((TOKENS, POSITIONS, Relu(), UniformAttention(), MeanPool()), "S_L and S_V"),
    ((TOKENS, POSITIONS, Relu(), MeanPool()), "S_L and S_V"),
    ((TOKENS, LinearAttention(positions=POSITIONS), MeanPool()), "S_L and S_V"),
    ((TOKENS, residual(LinearAttention(positions=POSITIONS)), Dense(2), MeanPool()), "S_L and S_V"),
    ((TOKENS, residual(UniformAttention(), Dense(2)), MeanPool()), "S_L x S_L and S_V"),
    ((TOKENS, POSITIONS, residual(UniformAttention()), Relu(), MeanPool()), "S_L and S_V"),
    ((TOKENS, POSITIONS, residual(UniformAttention()), LinearAttention(), MeanPool()), "S_L and S_V"),
    ((TOKENS, TiedAttention(), POSITIONS, LayerNorm(), MeanPool()), "S_L and S_V"),
    ((TOKENS, Flatten()), "S_L and S_V"),
    ((TOKENS, POSITIONS, LinearAttention(), LastToken()), "S_(L-1) and S_V"),
    ((TOKENS, POSITIONS, LastToken()), "S_(L-1) x S_(L-1) and S_V"),
    ((TOKENS, LinearAttention(), LastToken()), "S_(L-1) x S_(L-1) and S_V"),
    ((TOKENS, LinearAttention(), QueryToken(1, 1)), "S_L x S_L and S_V"),
    ((TOKENS, POSITIONS, LinearAttention(), QueryToken(1, 1)), "S_L and S_V"),
    ((TokenEmbedding(1, covariance=COVARIANCE), POSITIONS, TiedAttention(), Flatten()), "S_L (TokenEmbedding"),
    ((TokenEmbedding(1, covariance=((2, 1), (1, 2))), POSITIONS, LinearAttention(), Flatten()), "S_L and S_V"),
    ((TokenEmbedding(1, covariance=((2, 1), (1, 3))), LinearAttention(), MeanPool()), "S_L x S_L (TokenEmbedding"),
    (
        (TOKENS, DECAY, LinearAttention(), MeanPool()),
        "S_V (Positions(variance=1, covariance='gaussian') tells positions",
    ),
    ((TOKENS, residual(LinearAttention(positions=DECAY)), MeanPool()), "S_V (Positions"),
    ((TokenEmbedding(1, covariance=COVARIANCE), DECAY, MeanPool()), "none (Positions"),
]


@pytest.mark.parametrize(("layers", "expected"), CASES, ids=[str(i) for i in range(len(CASES))])
def test_groups(layers, expected):
    net = serial(*layers)
    assert str(net.invariance()).startswith(expected)
    testing.check_kernel(net, vocab_size=len(net.layers[0].covariance or (0, 1, 2)), length=4)


def gram_changes(net, move):
    x = np.random.default_rng(3).integers(3, size=(12, 5))
    return not np.allclose(
        net.nngp(x), net.nngp(x, move(x)) if move.__name__ == "reverse_second" else net.nngp(move(x))
    )


def reverse_second(x):
    return x[:, ::-1]


def rotate(x):
    return np.roll(x, 1, axis=1)


def exchange_tokens(x):
    return np.array([1, 2, 0])[x]


@pytest.mark.parametrize(
    ("layers", "move"),
    [
        ((TOKENS, POSITIONS, LinearAttention(), MeanPool()), reverse_second),
        ((TOKENS, Flatten()), reverse_second),
        ((TOKENS, POSITIONS, Relu(), LinearAttention(), MeanPool()), reverse_second),
        ((TOKENS, POSITIONS, TiedAttention(), MeanPool()), reverse_second),
        ((TOKENS, POSITIONS, LinearAttention(), LastToken()), rotate),
        ((TOKENS, DECAY, LinearAttention(), MeanPool()), rotate),
        ((TokenEmbedding(1, covariance=COVARIANCE), LinearAttention(), MeanPool()), exchange_tokens),
    ],
)
def test_what_is_not_claimed_does_change_the_kernel(layers, move):
    assert gram_changes(serial(*layers), move)


@given(testing.networks(polynomial=False, max_layers=2), st.integers(0, 2**20))
@settings(max_examples=40, deadline=None)
def test_random_networks_have_the_symmetry_they_claim(net, seed):
    testing.check_kernel(net, vocab_size=3, length=3, seed=seed)


def test_networks_that_tell_positions_apart_have_no_spectrum():
    net = serial(TOKENS, DECAY, LinearAttention(), MeanPool())
    with pytest.raises(
        NotInvariantError, match=r"^net must be symmetric under permutations of the positions, got Positions"
    ):
        spectrum(net, measures.iid_uniform(2), 4)


def test_independent_permutations_are_checked():
    """A kernel that claims too much is caught: x and y together is not x alone."""

    class Careless(type(serial(TOKENS, MeanPool()))):
        def invariance(self):
            return serial(TOKENS, LinearAttention(), MeanPool()).invariance()

    careless = Careless(serial(TOKENS, POSITIONS, LinearAttention(), MeanPool()).layers)
    with pytest.raises(Exception, match="kernel changes when y alone moves by permutation"):
        testing.check_kernel(careless, vocab_size=2, length=4)
