"""Kernels between sequences of different lengths."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep.errors import InvalidArchitectureError, InvalidArgumentError
from symrep.kernels import (
    Dense,
    Erf,
    Flatten,
    LastToken,
    LayerNorm,
    LinearAttention,
    MeanPool,
    Polynomial,
    Positions,
    QueryToken,
    Relu,
    SoftmaxAttention,
    TiedAttention,
    TokenEmbedding,
    UniformAttention,
    architecture,
    residual,
    serial,
)
from symrep.kernels.overlaps import (
    first_overlap_symbol,
    matches_symbol,
    overlap_symbol,
    same_token_symbol,
    second_overlap_symbol,
)

HEAD = (TokenEmbedding("2/3"), Positions("1/2"))
SYMBOLS = (overlap_symbol, matches_symbol, same_token_symbol, first_overlap_symbol, second_overlap_symbol)


def indicators(x, y, a=2 / 3, p=1 / 2):
    """The token kernel written out: shape (len(x), len(y))."""
    equal = np.equal.outer(np.asarray(x), np.asarray(y))
    return a * equal + p * np.eye(len(x), len(y))


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def relu_dual(kxx, kyy, kxy):
    """By quadrature over the angle of the plane of two standard normal variables; the radius integrates to 1."""
    angle = np.arccos(np.clip(kxy / np.sqrt(kxx * kyy), -1, 1))
    turns, weights = np.polynomial.legendre.leggauss(60)
    # both are positive between angle - pi/2 and pi/2
    middle, half = angle / 2, (np.pi - angle) / 2
    values = np.cos(middle + half * turns) * np.cos(middle + half * turns - angle)
    return np.sqrt(kxx * kyy) * half * (weights @ values) / np.pi


def linear_block(x, y):
    T = indicators(x, y)
    return (T**2).sum() * T


def normalized_block(x, y):
    T = indicators(x, y)
    return (T**2).sum() * T / (len(x) * len(y)) + 0.25


def tied_block(x, y):
    T = indicators(x, y)
    return softmax(indicators(x, x)) @ T @ softmax(indicators(y, y)).T


CASES = {
    "linear": (LinearAttention(), linear_block),
    "normalized": (LinearAttention(normalized=True, bias_std="1/2"), normalized_block),
    "uniform": (UniformAttention(), lambda x, y: np.full((len(x), len(y)), indicators(x, y).mean())),
    "tied": (TiedAttention(), tied_block),
}
PAIRS = [([0, 1, 1], [1, 1, 0, 2, 1]), ([2, 0, 1, 1, 0], [0, 0]), ([1], [2, 1, 1]), ([0, 1, 2], [2, 1, 0])]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("x", "y"), PAIRS)
def test_layers_against_their_formulas_written_out(name, x, y):
    layer, formula = CASES[name]
    positions = formula(x, y)
    np.testing.assert_allclose(serial(*HEAD, layer).nngp(x, y), positions, rtol=1e-12)
    np.testing.assert_allclose(serial(*HEAD, layer, MeanPool()).nngp(x, y), positions.mean(), rtol=1e-12)
    np.testing.assert_allclose(serial(*HEAD, layer, LastToken()).nngp(x, y), positions[-1, -1], rtol=1e-12)


@pytest.mark.parametrize(("x", "y"), PAIRS)
def test_nonlinearities_see_the_variances_of_their_own_sequences(x, y):
    between, first, second = linear_block(x, y), linear_block(x, x), linear_block(y, y)
    expected = [[relu_dual(first[s, s], second[t, t], between[s, t]) for t in range(len(y))] for s in range(len(x))]
    net = serial(*HEAD, LinearAttention(), Relu(), MeanPool())
    np.testing.assert_allclose(net.nngp(x, y), np.mean(expected), rtol=1e-7)
    normal = serial(*HEAD, LinearAttention(), LayerNorm(), MeanPool())
    scaled = between / np.sqrt(np.outer(np.diag(first), np.diag(second)))
    np.testing.assert_allclose(normal.nngp(x, y), scaled.mean(), rtol=1e-12)


def test_the_tangent_kernel_of_linear_attention_written_out():
    x, y = [0, 1, 1], [1, 1, 0, 2, 1]
    T = indicators(x, y)
    overlap = (T**2).sum()
    expected = (4 * overlap + 2 * overlap) * T + overlap * T
    np.testing.assert_allclose(serial(*HEAD, LinearAttention()).ntk(x, y), expected, rtol=1e-12)


def test_a_query_is_the_last_entry_of_both():
    uniform = serial(*HEAD, UniformAttention(), QueryToken("1/3", "1/5"))
    x, y = [0, 1, 1, 2], [1, 1, 2]
    query_key = 1 / 3 + 1 / 5
    linear = serial(*HEAD, LinearAttention(), QueryToken("1/3", "1/5"))
    overlap = (indicators(x[:-1], y[:-1]) ** 2).sum()
    np.testing.assert_allclose(linear.nngp(x, y), overlap * query_key, rtol=1e-12)
    np.testing.assert_allclose(linear.nngp(x, [*y[:-1], 0]), overlap / 5, rtol=1e-12)
    np.testing.assert_allclose(uniform.nngp(x, y), indicators(x[:-1], y[:-1]).mean(), rtol=1e-12)


POLYNOMIAL_BODIES = [
    (LinearAttention(),),
    (LinearAttention(normalized=True), Dense(2, "1/2")),
    (UniformAttention(),),
    (LinearAttention(), Polynomial((0, 1, "1/2"))),
    (residual(LinearAttention(positions=Positions("1/3"))), LinearAttention()),
    (LayerNorm(), LinearAttention()),
]
OTHER_BODIES = [(Relu(),), (LinearAttention(), Erf()), (LinearAttention(), LayerNorm(), Dense(), Relu())]
READOUTS = [MeanPool(), LastToken(), QueryToken("1/3", "1/5")]
sequences_of = st.integers(2, 6).flatmap(lambda n: st.lists(st.integers(0, 2), min_size=n, max_size=n))


@given(
    st.sampled_from(POLYNOMIAL_BODIES + OTHER_BODIES),
    st.sampled_from(READOUTS),
    sequences_of,
    sequences_of,
    st.sampled_from(["nngp", "ntk"]),
)
@settings(max_examples=150, deadline=None)
def test_overlaps_positions_polynomials_and_matches_agree(body, readout, x, y, kind):
    net = serial(*HEAD, *body, readout)
    kernel = getattr(net, kind)
    found = kernel(x, y, method="overlaps")
    assert found == pytest.approx(kernel(x, y, method="positions"), rel=1e-11)
    assert found == pytest.approx(kernel(y, x), rel=1e-11)
    query, last = (net.extra_token == token for token in ("query", "last"))
    context = [own[:-1] if query else own for own in (x, y)]
    counted = np.array([np.bincount(own, minlength=3) for own in context])
    matches = sum(s == t for s, t in zip(*context))
    if body in POLYNOMIAL_BODIES:
        numbers = (counted[0] @ counted[1], matches, int(x[-1] == y[-1]), *(own @ own for own in counted))
        polynomial = net.overlap_polynomial(kind, lengths=tuple(map(len, context)))
        value = polynomial.xreplace({symbol: sympy.Integer(int(n)) for symbol, n in zip(SYMBOLS, numbers)})
        assert found == pytest.approx(float(value), rel=1e-11)
    if last:
        counted = np.array([np.bincount(own[:-1], minlength=3) for own in (x, y)])
        matches -= len(x) == len(y) and x[-1] == y[-1]
    extra = None if net.extra_token is None else [x[-1], y[-1]]
    assert found == pytest.approx(net.match_kernel(kind)(*counted, matches, extra), rel=1e-11)


def test_gram_matrices_in_blocks():
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 3, (7, 4)), rng.integers(0, 3, (5, 9))
    for layer in (LinearAttention(), TiedAttention()):
        net = serial(*HEAD, layer, MeanPool())
        whole = net.nngp(x, y)
        assert whole.shape == (7, 5)
        single = [[net.nngp(a, b) for b in y] for a in x]
        np.testing.assert_allclose(whole, single, rtol=1e-12)
        np.testing.assert_allclose(net.nngp(x, y, memory_limit=30_000), whole, rtol=1e-12)
        together = np.block([[net.nngp(x), whole], [whole.T, net.nngp(y)]])
        assert np.linalg.eigvalsh(together).min() > -1e-9
    assert serial(*HEAD, LinearAttention()).nngp(x, y).shape == (7, 5, 4, 9)


@pytest.mark.parametrize("kind", ["identity", "gaussian"])
def test_positions_are_counted_from_the_first(kind):
    net = serial(TokenEmbedding(1), Positions(1, covariance=kind, length_scale=2))
    s, t = np.arange(3)[:, None], np.arange(5)[None, :]
    covariance = (s == t) if kind == "identity" else np.exp(-((s - t) ** 2) / 8)
    np.testing.assert_allclose(net.nngp([0] * 3, [1] * 5), covariance, rtol=1e-12)


def sampled_softmax(x, y, variance, n_samples, rng):
    """The mean over Gaussian logits, drawn for both sequences at once."""
    both = np.concatenate([x, y])
    positions = np.concatenate([np.arange(len(x)), np.arange(len(y))])
    kernel = 2 / 3 * np.equal.outer(both, both) + 1 / 2 * np.equal.outer(positions, positions)
    factor = np.linalg.cholesky(kernel + 1e-12 * np.eye(len(both)))
    logits = variance**0.5 * factor @ rng.standard_normal((n_samples, len(both), len(both))) @ factor.T
    first, second = (softmax(own) for own in (logits[:, : len(x), : len(x)], logits[:, len(x) :, len(x) :]))
    values = first @ indicators(x, y) @ np.swapaxes(second, 1, 2)
    return values.mean(axis=0), values.std(axis=0) / n_samples**0.5


@pytest.mark.slow
@pytest.mark.parametrize(("x", "y"), PAIRS[:2])
def test_the_softmax_series_against_drawn_logits(x, y):
    series, lower = (serial(*HEAD, SoftmaxAttention(query_std="1/3", order=order)).nngp(x, y) for order in (5, 0))
    mean, error = sampled_softmax(x, y, 1 / 9, 400_000, np.random.default_rng(0))
    np.testing.assert_array_less(np.abs(series - mean), 5 * error + 1e-5)
    assert np.abs(lower - mean).max() > 10 * error.max()


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (serial(*HEAD, LinearAttention(), Flatten()), "^net must be the same at lengths 2 and 3, but Flatten"),
        (serial(TokenEmbedding("1/L"), MeanPool()), "^net must be .* but its parameters depend on L"),
        (serial(*HEAD, SoftmaxAttention(n_samples=9), MeanPool()), "^net must be .* but Monte Carlo draws are shared"),
    ],
)
def test_networks_of_one_length(net, message):
    with pytest.raises(InvalidArchitectureError, match=message):
        net.nngp([0, 1], [0, 1, 1])
    if not net.is_random:
        with pytest.raises(InvalidArchitectureError, match=message):
            net.overlap_polynomial(lengths=(2, 3))
        with pytest.raises(InvalidArchitectureError, match=message):
            net.match_kernel()([1, 1], [1, 2], 1)
        assert net.overlap_polynomial(lengths=(3, 3)).has(matches_symbol) or net.layers[-1] == MeanPool()


@pytest.mark.parametrize("lengths", [(0, 3), (2, "a"), (2.5, 3), 5, (2,), (2, 3, 4), {2, 3}])
def test_lengths_are_positive_integers(lengths):
    with pytest.raises((InvalidArgumentError, TypeError), match="^lengths must be"):
        architecture("linear-block").overlap_polynomial(lengths=lengths)
