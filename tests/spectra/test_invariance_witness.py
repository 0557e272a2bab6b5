"""Counterexamples to invariance are counterexamples, and are found where they can be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.combinatorics import Permutation

from symrep import kernels
from symrep.errors import InvalidArgumentError, InvalidTypeError, NotInvariantError, SizeLimitError
from symrep.spectra.dense import all_sequences, dense_spectrum
from symrep.spectra.invariance_witness import find_invariance_witness, require_invariant


def equal_tokens(at):
    return lambda X, Y: 1.0 * (X[:, None, at] == Y[None, :, at])


def neighbours(X, Y):
    """Equal pairs of neighbouring tokens: unchanged when all positions are reversed."""
    return 1.0 * ((X[:, None, 1:] == Y[None, :, 1:]) & (X[:, None, :-1] == Y[None, :, :-1])).sum(axis=2)


def values_at(kernel, witness, length):
    g = witness.permutation
    moved = [[*(row[g(s)] for s in range(length)), *row[length:]] for row in (witness.x, witness.y)]
    return tuple(kernel(np.array([x]), np.array([y]))[0, 0] for x, y in ((witness.x, witness.y), moved))


@given(
    st.integers(2, 60),
    st.integers(3, 12),
    st.integers(0, 1),
    st.sampled_from([equal_tokens(0), equal_tokens(2), neighbours, lambda X, Y: np.cos(neighbours(X, Y))]),
)
@settings(max_examples=60, deadline=None)
def test_witnesses_are_counterexamples(vocab_size, length, extra_tokens, kernel):
    witness = find_invariance_witness(kernel, vocab_size, length, extra_tokens=extra_tokens)
    before, after = values_at(kernel, witness, length)
    assert before != after and len(witness.x) == len(witness.y) == length + extra_tokens
    # an exchange of neighbours
    assert isinstance(witness.permutation, Permutation) and witness.permutation.inversions() == 1
    assert witness.permutation.size == length


@pytest.mark.parametrize(("vocab_size", "length"), [(1, 100), (2, 6), (3, 20), (50_000, 8)])
def test_invariant_kernels_have_none(vocab_size, length):
    net = kernels.architecture("linear-block", token_variance=1, position_variance="1/2")
    for kernel in (net, net.nngp, lambda X, Y: np.cos(X.sum(axis=1)[:, None] + Y.sum(axis=1))):
        assert find_invariance_witness(kernel, vocab_size, length) is None
        require_invariant(kernel, vocab_size, length)


def test_one_token_is_invariant_at_any_length():
    assert find_invariance_witness(lambda X, Y: np.ones((len(X), len(Y))), 1, 100_000) is None


def test_positions_that_stay_in_place():
    assert find_invariance_witness(equal_tokens(-1), 4, 6, extra_tokens=1) is None
    assert find_invariance_witness(equal_tokens(-1), 4, 7) is not None


def test_networks_that_tell_positions_apart():
    decaying = kernels.Positions(1, covariance="gaussian")
    net = kernels.serial(kernels.TokenEmbedding(1), decaying, kernels.LinearAttention(), kernels.MeanPool())
    with pytest.raises(NotInvariantError, match="kernel must not change when positions are permuted"):
        require_invariant(net, 4, 6)


def test_shared_tokens_are_tried_in_large_vocabularies():
    assert find_invariance_witness(equal_tokens(3), 50_000, 16, np.random.default_rng(1)) is not None


def test_the_error_names_kernel_rule_and_witness():
    message = (
        r"^kernel must not change when positions are permuted, got K\(x, y\) = 1 at x = \(0, 0, 0\), y = \(0, 1, 0\) "
        r"and K\(x o g, y o g\) = 0 for g = \[1, 0, 2\]$"
    )
    with pytest.raises(NotInvariantError, match=message):
        require_invariant(equal_tokens(0), 2, 3)


def test_the_dense_oracle_names_a_witness():
    with pytest.raises(NotInvariantError) as caught:
        dense_spectrum(equal_tokens(2), 2, 3)
    assert str(caught.value).endswith(
        "got K = 0.0 at x = (0, 0, 0), y = (0, 0, 1) and K = 1.0 after the exchange, permutation [0, 2, 1]"
    )


def test_sizes_beyond_memory_are_stated_however_large():
    with pytest.raises(SizeLimitError, match=r"50\^2000 sequences needs about 10\^6797 bytes"):
        dense_spectrum(equal_tokens(0), 50, 2000)
    assert all_sequences(1, 100).shape == (1, 100)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: find_invariance_witness(3, 2, 3),
            InvalidTypeError,
            "kernel must be a network, a polynomial in u and m, a MatchKernel",
        ),
        (lambda: find_invariance_witness(equal_tokens(0), 0, 3), InvalidArgumentError, "vocab_size must be at least 1"),
        (lambda: find_invariance_witness(equal_tokens(0), 2, 3, 7), InvalidTypeError, "generator must be a numpy"),
        (
            lambda: find_invariance_witness(equal_tokens(0), 2, 3, tolerance=-1),
            InvalidArgumentError,
            "tolerance must be a number of at least 0",
        ),
        (
            lambda: find_invariance_witness(lambda X, Y: np.ones(3), 2, 3),
            InvalidArgumentError,
            r"kernel\(X, Y\) must have shape \(8, 8\), got \(3,\)",
        ),
        (
            lambda: find_invariance_witness(lambda X, Y: np.full((8, 8), np.nan), 2, 3),
            InvalidArgumentError,
            r"kernel must be finite, got K\(x, y\) = nan at x = \(",
        ),
        (
            lambda: find_invariance_witness(lambda X, Y: np.ones((8, 8)) * 1j, 2, 3),
            InvalidTypeError,
            "must be an array of real numbers, got dtype complex128",
        ),
    ],
)
def test_arguments_are_checked(call, error, message):
    with pytest.raises(error, match=message):
        call()
