"""Nonlinear layers in networks, embeddings and positions: duals at the right variances, exact where they are polynomial."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import testing
from symrep.errors import InvalidArchitectureError, InvalidArgumentError, InvalidTypeError
from symrep.kernels import (
    Dense,
    Erf,
    Flatten,
    Gelu,
    LayerNorm,
    LinearAttention,
    MeanPool,
    Polynomial,
    Positions,
    QueryToken,
    Relu,
    TokenEmbedding,
    residual,
    serial,
)

HEAD = (TokenEmbedding("3/2"), Positions("1/2"))
X, Y = [0, 1, 1, 2], [1, 1, 0, 2]


def entry(function, covariance, nodes=120):
    """E f(U) f(W) by a product quadrature, for a 2 x 2 covariance."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    weights = weights / weights.sum()
    factor = np.linalg.cholesky(covariance)
    u = factor[0, 0] * points[:, None]
    w = factor[1, 0] * points[:, None] + factor[1, 1] * points[None, :]
    return float((weights[:, None] * weights * function(u) * function(w)).sum())


@pytest.mark.parametrize(("layer", "function"), [(Erf(), np.vectorize(math.erf)), (Gelu(), None)], ids=["erf", "gelu"])
def test_smooth_layers_against_quadrature(layer, function):
    """Variances differ between the sequences behind attention, and the kernel of every pair is used."""
    if function is None:
        function = np.vectorize(lambda z: z * 0.5 * (1 + math.erf(z / math.sqrt(2))))
    x, y = [0, 1, 1], [1, 2, 0]
    before = serial(*HEAD, LinearAttention(query_std="1/3"))
    after = serial(*before.layers, layer)
    first, second, pair = before.nngp(x, x), before.nngp(y, y), before.nngp(x, y)
    result = after.nngp(x, y)
    assert first[0, 0] != pytest.approx(second[0, 0])
    for s, t in ((0, 0), (0, 1), (2, 0)):
        covariance = np.array([[first[s, s], pair[s, t]], [pair[s, t], second[t, t]]])
        assert result[s, t] == pytest.approx(entry(function, covariance), rel=1e-9)


def test_relu_of_positions():
    """Equal tokens at different positions correlate by a / (a + p), different ones not at all."""
    kernel = serial(*HEAD, Relu()).nngp([0, 0, 1], [0, 1, 1])
    angle = math.acos(0.75)
    same_token = 2 / (2 * math.pi) * (math.sin(angle) + (math.pi - angle) * 0.75)
    assert kernel[0, 0] == pytest.approx(1.0, rel=1e-14)
    assert kernel[1, 0] == pytest.approx(same_token, rel=1e-14)
    assert kernel[0, 1] == pytest.approx(1 / math.pi, rel=1e-14)


@pytest.mark.parametrize("method", ["positions", "overlaps"])
def test_layer_norm_leaves_unit_variance(method):
    x = np.random.default_rng(0).integers(3, size=(6, 5))
    body = (*HEAD, LinearAttention(), Relu(), residual(LinearAttention(), Dense(2, 1)), LayerNorm())
    diagonal = np.diag(serial(*body, Flatten()).nngp(x, method=method))
    np.testing.assert_allclose(diagonal, 1, rtol=1e-13)
    kernel = serial(*body).nngp(x[0], x[1])
    assert np.abs(kernel).max() <= 1 + 1e-12
    queried = serial(*body, QueryToken(2, 3)).nngp(x, method=method)
    np.testing.assert_allclose(np.diag(queried), 1, rtol=1e-13)


def test_layer_norm_in_the_overlap_ring():
    a, p = sympy.symbols("a p", positive=True)
    net = serial(TokenEmbedding(), Positions(), LayerNorm(), LinearAttention(), MeanPool())
    plain = serial(TokenEmbedding(), Positions(), LinearAttention(), MeanPool())
    assert sympy.simplify(net.overlap_polynomial() - plain.overlap_polynomial() / (a + p) ** 3) == 0
    with pytest.raises(
        InvalidArchitectureError, match=r"must be polynomial for an overlap polynomial, got LayerNorm\(\) of variance"
    ):
        serial(*plain.layers[:3], LayerNorm(), MeanPool()).overlap_polynomial()


def test_layer_norm_needs_variance():
    for net in (serial(TokenEmbedding(0), LayerNorm(), MeanPool()), serial(*HEAD, LayerNorm(), QueryToken(0, 0))):
        with pytest.raises(InvalidArgumentError, match=r"LayerNorm needs positive variances, got 0\.0"):
            net.nngp([X, Y])
    with pytest.raises(InvalidArchitectureError, match="layers must have positive variance before LayerNorm"):
        serial(TokenEmbedding(0), LayerNorm(), MeanPool()).overlap_polynomial()


coefficients = st.lists(st.fractions(-2, 2, max_denominator=3), min_size=1, max_size=4).map(tuple)


@given(coefficients, testing.networks(max_layers=2, max_linear_attentions=1), st.integers(0, 2**20), st.booleans())
@settings(max_examples=40, deadline=None)
def test_polynomials_in_random_networks(values, net, seed, early):
    """Exact values of the overlap ring, floats by overlaps, and floats position by position."""
    split = 1 if early else next(i for i, layer in enumerate(net.layers) if layer.is_readout)
    net = serial(*net.layers[:split], Dense("3/2"), Polynomial(values), Dense(1, "1/2"), *net.layers[split:])
    x, y = np.random.default_rng(seed).integers(3, size=(2, 4))
    exact = net.exact_nngp(x, y)
    assert exact.is_Rational
    scale = max(float(net.exact_nngp(z, z)) for z in (x, y))
    for method in ("positions", "overlaps"):
        assert net.nngp(x, y, method=method) == pytest.approx(float(exact), rel=1e-9, abs=1e-9 * scale)
    assert net.exact_nngp(y, x) == exact


def test_a_polynomial_may_have_symbols():
    net = serial(TokenEmbedding(), Polynomial((0, "c", 1)), MeanPool())
    a, c = sympy.symbols("a c", positive=True)
    assert [symbol.name for symbol in net.parameters()] == ["a", "c"]
    exact = net.exact_nngp([0, 1], [0, 0])
    assert sympy.expand(exact - (a**2 + (c**2 * a + 2 * a**2) / 2)) == 0
    assert net.substitute(a=1, c=2).nngp([0, 1], [0, 0]) == pytest.approx(4.0, rel=1e-14)


def test_one_hot_scale():
    scaled = TokenEmbedding(3, scale="1/V", vocab_size=6)
    assert serial(scaled, MeanPool()).nngp([0, 1], [0, 0]) == pytest.approx(0.25)
    symbolic = serial(TokenEmbedding(scale="1/V"), MeanPool())
    assert str(symbolic.overlap_polynomial()) == "a*u/(L**2*V)"
    assert symbolic.substitute(a=3, V=6).nngp([0, 1], [0, 0]) == pytest.approx(0.25)


def test_length_as_a_parameter():
    net = serial(*HEAD, Dense("1/L"), Flatten())
    assert net.nngp(X) == pytest.approx(2 / 16) and float(net.exact_nngp(X, X)) == 2 / 16


def test_fixed_embeddings_do_not_enter_the_ntk():
    fixed = serial(TokenEmbedding("3/2", trainable=False), Positions("1/2", trainable=False))
    half = serial(TokenEmbedding("3/2"), Positions("1/2", trainable=False))
    assert not fixed.ntk(X, Y).any()
    np.testing.assert_array_equal(half.ntk(X, Y), serial(TokenEmbedding("3/2")).nngp(X, Y))
    concatenated = serial(TokenEmbedding(1), Positions(8, combine="concat", share="1/4", trainable=False))
    np.testing.assert_array_equal(concatenated.ntk(X, Y), 0.75 * serial(TokenEmbedding(1)).nngp(X, Y))
    np.testing.assert_array_equal(concatenated.nngp(X, Y), 0.75 * serial(TokenEmbedding(1)).nngp(X, Y) + 2 * np.eye(4))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: Polynomial("012"),
            InvalidTypeError,
            "Polynomial coefficients must be a sequence of numbers or expressions, got '012'",
        ),
        (lambda: Polynomial(3), InvalidTypeError, "Polynomial coefficients must be a sequence"),
        (lambda: Polynomial(()), InvalidArgumentError, "Polynomial coefficients must not be empty"),
        (lambda: Polynomial((1, float("inf"))), InvalidArgumentError, "Polynomial coefficients must be finite"),
        (lambda: Polynomial((1, "u")), InvalidArgumentError, "Polynomial coefficients must not use the names"),
        (
            lambda: Positions(1, covariance="near"),
            InvalidArgumentError,
            "Positions covariance must be identity or gaussian, got 'near'",
        ),
        (
            lambda: Positions(1, combine="add"),
            InvalidArgumentError,
            "Positions combine must be sum or concat, got 'add'",
        ),
        (lambda: Positions(1, length_scale=0), InvalidArgumentError, "Positions length_scale must be positive, got 0"),
        (lambda: Positions(1, share="3/2"), InvalidArgumentError, "Positions share must be between 0 and 1, got 3/2"),
        (lambda: Positions(1, trainable="no"), InvalidTypeError, "Positions trainable must be True or False, got 'no'"),
        (
            lambda: TokenEmbedding(1, vocab_size=0),
            InvalidArgumentError,
            "TokenEmbedding vocab_size must be at least 1, got 0",
        ),
        (
            lambda: TokenEmbedding(1, covariance=[[1, 2], [2, 1]]),
            InvalidArgumentError,
            "covariance must be positive semidefinite",
        ),
        (lambda: TokenEmbedding(1, covariance=[[1, 0], [2, 4]]), InvalidArgumentError, "covariance must be symmetric"),
        (lambda: TokenEmbedding(1, covariance=[[1, 0]]), InvalidArgumentError, "covariance must be a square matrix"),
        (lambda: TokenEmbedding(1, covariance=3), InvalidArgumentError, "covariance must be a square matrix, got 3"),
        (
            lambda: TokenEmbedding(1, vocab_size=3, covariance=[[1]]),
            InvalidArgumentError,
            "vocab_size must be 1, the size of covariance",
        ),
    ],
)
def test_layer_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_token_ids_outside_the_vocabulary():
    net = serial(TokenEmbedding(1, vocab_size=3), MeanPool())
    assert net.nngp([0, 2], [1, 1]) == 0
    for call in (net.nngp, net.ntk, net.exact_nngp):
        with pytest.raises(InvalidArgumentError, match="^y must hold token ids below 3, got 3"):
            call([0, 1], [3, 1])
