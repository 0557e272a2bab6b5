"""Attention layers against their formulas, summed position by position, and softmax against its limits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy

from symrep.errors import (
    FreeSymbolError,
    InvalidArchitectureError,
    InvalidArgumentError,
    InvalidTypeError,
    SizeLimitError,
)
from symrep.kernels import (
    Dense,
    Flatten,
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
from symrep.kernels.covariances import gaussian_covariance
from symrep.kernels.overlaps import length_symbol, matches_symbol, overlap_symbol
from symrep.kernels.softmax_series import softmax_series, softmax_series_tangent

HEAD = (TokenEmbedding("3/2"), Positions("1/2"))
STDS = {"query_std": "11/10", "key_std": "9/10", "value_std": "6/5", "out_std": "4/5", "bias_std": "3/10"}
LOGITS, OUTPUT, BIAS = 1.1 * 0.9, 1.2 * 0.8, 0.3
X, Y = [0, 1, 1, 2], [1, 1, 0, 2]
PLACES = {
    "none": (None, True),
    "everywhere": (Positions("1/3"), True),
    "queries and keys": (Positions("1/3", trainable=False), False),
    "concatenated": (Positions("1/3", combine="concat", share="1/4"), False),
    "decaying": (Positions("1/3", covariance="gaussian", length_scale=2), True),
}


def token_kernel(x, y):
    return 1.5 * (np.array(x)[:, None] == np.array(y)) + 0.5 * np.eye(len(x))


def with_positions(kernel, place, tangent=False):
    """The kernel at queries and keys, and at values."""
    positions, on_values = PLACES[place]
    if positions is None:
        return kernel, kernel
    covariance = gaussian_covariance(len(kernel), 2.0) if place == "decaying" else np.eye(len(kernel))
    scale, added = (0.75, covariance / 12) if place == "concatenated" else (1.0, covariance / 3)
    moved = scale * kernel + (0 if tangent and not positions.trainable else added)
    return moved, moved if on_values else kernel


def linear_by_sums(place):
    (query_key, values), (query_key_ntk, values_ntk) = (
        with_positions(token_kernel(X, Y), place, tangent) for tangent in (False, True)
    )
    size = range(len(X))
    gain = (LOGITS * OUTPUT) ** 2
    nngp, ntk = np.full((len(X), len(X)), BIAS**2), np.full((len(X), len(X)), BIAS**2)
    for s, t, i, j in itertools.product(size, repeat=4):
        nngp[s, t] += gain * query_key[s, t] * query_key[i, j] * values[i, j]
        # one term for each of the four weights, and one for the features at query, key and value
        ntk[s, t] += 4 * gain * query_key[s, t] * query_key[i, j] * values[i, j]
        ntk[s, t] += gain * query_key_ntk[s, t] * query_key[i, j] * values[i, j]
        ntk[s, t] += gain * query_key[s, t] * query_key_ntk[i, j] * values[i, j]
        ntk[s, t] += gain * query_key[s, t] * query_key[i, j] * values_ntk[i, j]
    return nngp, ntk


@pytest.mark.parametrize("place", PLACES)
def test_linear_attention_by_sums(place):
    positions, on_values = PLACES[place]
    layer = LinearAttention(**STDS, positions=positions, positions_on_values=on_values)
    net = serial(*HEAD, layer)
    nngp, ntk = linear_by_sums(place)
    np.testing.assert_allclose(net.nngp(X, Y), nngp, rtol=1e-12)
    np.testing.assert_allclose(net.ntk(X, Y), ntk, rtol=1e-12)
    pooled = serial(*HEAD, layer, MeanPool())
    assert pooled.ntk(X, Y) == pytest.approx(ntk.mean(), rel=1e-12)


def attention_matrix(x, place, activation):
    logits = LOGITS * with_positions(token_kernel(x, x), place)[0]
    if activation == "identity":
        return logits
    if activation == "relu":
        return np.maximum(logits, 0)
    weights = np.exp(logits)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("activation", ["softmax", "identity", "relu"])
@pytest.mark.parametrize("place", PLACES)
def test_tied_attention_by_sums(place, activation):
    positions, on_values = PLACES[place]
    net = serial(
        *HEAD, TiedAttention(**STDS, positions=positions, positions_on_values=on_values, activation=activation)
    )
    first, second = attention_matrix(X, place, activation), attention_matrix(Y, place, activation)
    values = with_positions(token_kernel(X, Y), place)[1]
    values_ntk = with_positions(token_kernel(X, Y), place, tangent=True)[1]
    attended, attended_ntk = (OUTPUT**2 * first @ kernel @ second.T for kernel in (values, values_ntk))
    np.testing.assert_allclose(net.nngp(X, Y), attended + BIAS**2, rtol=1e-12)
    np.testing.assert_allclose(net.ntk(X, Y), attended_ntk + 2 * attended + BIAS**2, rtol=1e-12)


def test_relu_and_identity_differ_where_logits_are_negative():
    covariance = ((2, -1), (-1, 2))
    nets = [
        serial(TokenEmbedding(1, covariance=covariance), TiedAttention(activation=activation), Flatten())
        for activation in ("identity", "relu")
    ]
    assert nets[0].nngp([0, 1, 1], [0, 0, 1]) != pytest.approx(nets[1].nngp([0, 1, 1], [0, 0, 1]))


def test_uniform_attention_by_sums():
    net = serial(*HEAD, Dense(2), UniformAttention("6/5", "4/5", "3/10"))
    kernel = 4 * token_kernel(X, Y)
    np.testing.assert_allclose(net.nngp(X, Y), OUTPUT**2 * kernel.mean() + BIAS**2, rtol=1e-12)
    tangent = 2 * kernel  # of the embedding, times W^2, and of the weights
    np.testing.assert_allclose(net.ntk(X, Y), OUTPUT**2 * (tangent + 2 * kernel).mean() + BIAS**2, rtol=1e-12)


def test_ntk_polynomials():
    a, p, b = sympy.symbols("a p b", positive=True)
    L, u, m = length_symbol, overlap_symbol, matches_symbol
    square = a**2 * u + 2 * a * p * m + p**2 * L
    pooled = architecture("linear-block").overlap_polynomial("ntk")
    assert sympy.expand(pooled - 7 * (a * u + p * L) * square / L**2) == 0
    fixed = serial(
        TokenEmbedding(trainable=False), Positions(trainable=False), LinearAttention(bias_std="b"), Flatten()
    )
    assert sympy.expand(fixed.overlap_polynomial("ntk") - 4 * (a * m + p * L) * square / L - b**2) == 0


@pytest.mark.parametrize("readout", [MeanPool(), QueryToken(2, "1/3")])
@pytest.mark.parametrize("kernel", ["nngp", "ntk"])
def test_overlap_polynomials_with_own_overlaps(kernel, readout):
    body = (
        LinearAttention(bias_std="1/2"),
        Polynomial((1, "-1/2", "1/3")),
        residual(UniformAttention(), Positions("1/5")),
    )
    net = serial(*HEAD, *body, readout)
    polynomial = net.overlap_polynomial(kernel)
    names = {"u_xx", "u_yy"}
    assert names <= {symbol.name for symbol in polynomial.free_symbols}
    x, y = np.array([*X, 1]), np.array([*Y, 0])
    context = slice(None, -1) if net.extra_token else slice(None)
    first, second = x[context], y[context]
    counts = {
        "u": int((first[:, None] == second).sum()),
        "m": int((first == second).sum()),
        "L": len(first),
        "g": 0,
        "u_xx": int((first[:, None] == first).sum()),
        "u_yy": int((second[:, None] == second).sum()),
    }
    exact = polynomial.subs({symbol: counts[symbol.name] for symbol in polynomial.free_symbols})
    assert exact.is_Rational
    assert getattr(net, kernel)(x, y) == pytest.approx(float(exact), rel=1e-12)
    if kernel == "nngp":
        assert net.exact_nngp(x, y) == exact


def test_softmax_at_vanishing_logits_is_uniform():
    """At order 0, and for logits of standard deviation zero."""
    expected = serial(*HEAD, UniformAttention(bias_std="1/2"), Relu(), MeanPool()).nngp([X, Y])
    for layer in (SoftmaxAttention(bias_std="1/2", order=0), SoftmaxAttention(key_std=0, bias_std="1/2", n_samples=3)):
        net = serial(*HEAD, layer, Relu(), MeanPool())
        np.testing.assert_allclose(net.nngp([X, Y]), expected, rtol=1e-10)


@pytest.mark.parametrize("place", PLACES)
def test_softmax_attention_by_the_series(place):
    """The kernels that the layer hands to the series, its NTK term by term: each of W_Q, W_K, W_V, W_O counts once."""
    positions, on_values = PLACES[place]
    layer = SoftmaxAttention(
        **STDS | {"query_std": "11/50"}, positions=positions, positions_on_values=on_values, order=2
    )
    net, scale = serial(*HEAD, layer), (LOGITS / 5) ** 2
    (first, _), (second, _), (pair, values) = (
        with_positions(token_kernel(*sides), place) for sides in ((X, X), (Y, Y), (X, Y))
    )
    pair_ntk, values_ntk = with_positions(token_kernel(X, Y), place, tangent=True)
    rows = (scale * np.diag(first), scale * np.diag(second), scale * pair)
    attended, attended_ntk = (softmax_series(2, first, second, pair, w, *rows) for w in (values, values_ntk))
    logits = softmax_series_tangent(2, first, second, pair, values, *rows, pair_ntk, scale * (2 * pair + pair_ntk))
    np.testing.assert_allclose(net.nngp(X, Y), OUTPUT**2 * attended + BIAS**2, rtol=1e-12)
    expected = OUTPUT**2 * (attended_ntk + logits + 2 * attended) + BIAS**2
    np.testing.assert_allclose(net.ntk(X, Y), expected, rtol=1e-12)


@pytest.mark.parametrize("kernel", ["nngp", "ntk"])
@pytest.mark.parametrize("readout", [MeanPool(), Flatten(), QueryToken(1, "1/2")], ids=repr)
def test_samples_agree_with_the_series(kernel, readout):
    settings = {
        "query_std": "1/2",
        "key_std": "1/3",
        "out_std": "6/5",
        "bias_std": "1/5",
        "positions": Positions("1/3"),
    }
    x = np.array([[0, 1, 1, 2], [2, 2, 1, 0], [1, 1, 1, 1]])
    sampled = serial(*HEAD, SoftmaxAttention(**settings, n_samples=3000), readout).monte_carlo(x, kernel=kernel)
    series = getattr(serial(*HEAD, SoftmaxAttention(**settings, order=3), readout), kernel)(x)
    assert (sampled.standard_error < 0.02 * np.abs(series)).all() and (sampled.standard_error > 0).all()
    assert (np.abs(sampled.values - series) < 4.5 * sampled.standard_error + 2e-3 * np.abs(series)).all()


def test_a_sampled_gram_matrix_is_a_kernel():
    x = np.random.default_rng(5).integers(3, size=(12, 4))
    net = serial(*HEAD, SoftmaxAttention(n_samples=5), Relu(), SoftmaxAttention(n_samples=4, seed=1), Flatten())
    gram = net.nngp(x)
    np.testing.assert_allclose(gram, gram.T, rtol=1e-12)
    assert np.linalg.eigvalsh(gram)[0] > -1e-12 * gram.max()
    np.testing.assert_array_equal(gram, net.nngp(x))
    assert not np.allclose(
        gram, serial(*net.layers[:2], SoftmaxAttention(n_samples=5, seed=7), *net.layers[3:]).nngp(x)
    )


def test_draws_are_shared_by_rows_and_columns():
    x = np.random.default_rng(6).integers(3, size=(6, 4))
    net = serial(*HEAD, SoftmaxAttention(n_samples=10), Flatten())
    whole = net.nngp(x)
    np.testing.assert_allclose(net.nngp(x, x[[4, 1]]), whole[:, [4, 1]], rtol=1e-12)
    np.testing.assert_allclose(net.nngp(x[2], x), whole[2], rtol=1e-12)


def test_random_layers_draw_independently():
    """Two layers with one seed are not given the same draws."""
    x = [[0, 1, 2, 2]]
    same = serial(*HEAD, SoftmaxAttention(n_samples=1), SoftmaxAttention(n_samples=1), Flatten())
    other = serial(*HEAD, SoftmaxAttention(n_samples=1), SoftmaxAttention(n_samples=1, seed=1), Flatten())
    assert same.nngp(x) != other.nngp(x)
    assert (
        len(set(serial(*HEAD, residual(SoftmaxAttention(n_samples=1)), Flatten()).monte_carlo(x).values.ravel())) == 1
    )


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: SoftmaxAttention(),
            InvalidArchitectureError,
            "needs n_samples .* or order .* one of them, got n_samples=None",
        ),
        (lambda: SoftmaxAttention(n_samples=5, order=1), InvalidArchitectureError, "one of them"),
        (lambda: SoftmaxAttention(n_samples=0), InvalidArgumentError, "SoftmaxAttention n_samples must be at least 1"),
        (lambda: SoftmaxAttention(order=-1), InvalidArgumentError, "SoftmaxAttention order must be at least 0"),
        (lambda: SoftmaxAttention(order=1.0), InvalidTypeError, "SoftmaxAttention order must be an integer"),
        (
            lambda: TiedAttention(activation="gelu"),
            InvalidArgumentError,
            "TiedAttention activation must be softmax, identity or relu",
        ),
        (
            lambda: LinearAttention(positions=3),
            InvalidTypeError,
            "LinearAttention positions must be Positions or None, got 3",
        ),
        (
            lambda: LinearAttention(positions_on_values=1),
            InvalidTypeError,
            "positions_on_values must be True or False, got 1",
        ),
        (
            lambda: LinearAttention(query_std=-1),
            InvalidArgumentError,
            "LinearAttention query_std must not be negative, got -1",
        ),
        (
            lambda: LinearAttention(key_std=float("nan")),
            InvalidArgumentError,
            "LinearAttention key_std must be finite, got nan",
        ),
    ],
)
def test_layer_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("layer", [TiedAttention(), SoftmaxAttention(order=1), Relu()], ids=repr)
def test_layers_without_an_overlap_polynomial(layer):
    net = serial(*HEAD, layer, MeanPool())
    for method in (net.overlap_polynomial, lambda: net.overlap_polynomial("ntk"), lambda: net.exact_nngp(X, Y)):
        with pytest.raises(
            InvalidArchitectureError, match=rf"must be polynomial for an overlap polynomial, got {type(layer).__name__}"
        ):
            method()
    if not isinstance(layer, Relu):
        with pytest.raises(
            InvalidArchitectureError, match="method must be positions for a network that u and m do not"
        ):
            net.nngp(X, Y, method="overlaps")


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("token_variance", [1, 4, 9])
def test_a_series_that_does_not_converge_is_refused(token_variance, order):
    """At logits of variance 4 and more: higher orders are farther off, as the series is asymptotic."""
    net = serial(TokenEmbedding(token_variance), Positions(1), SoftmaxAttention(order=order), MeanPool())
    with pytest.raises(
        InvalidArgumentError,
        match=rf"order must fit the variance of the logits, got order {order}: the logits have the variance .* does not converge",
    ):
        net.nngp(np.random.default_rng(1).integers(3, size=(6, 5)))


def test_orders_beyond_the_series():
    with pytest.raises(
        SizeLimitError, match="SoftmaxAttention order must be at most 5, or n_samples given instead, got 6"
    ):
        SoftmaxAttention(order=6)


def test_monte_carlo_errors():
    net = serial(*HEAD, SoftmaxAttention(n_samples=5), MeanPool())
    with pytest.raises(InvalidArgumentError, match="n_replicates must be at least 2, got 1"):
        net.monte_carlo([X], n_replicates=1)
    with pytest.raises(InvalidArgumentError, match="kernel must be nngp or ntk, got 'gp'"):
        net.monte_carlo([X], kernel="gp")
    with pytest.raises(InvalidArchitectureError, match="net must have a SoftmaxAttention with n_samples"):
        architecture("linear-block", token_variance=1, position_variance=1).monte_carlo([X])
    with pytest.raises(
        SizeLimitError, match=r"Monte Carlo over \d+ different sequences at once needs .* memory_limit = 1 MB"
    ):
        net.nngp(np.random.default_rng(1).integers(50, size=(300, 4)), memory_limit=10**6)
    with pytest.raises(FreeSymbolError, match="SoftmaxAttention query_std must be a number here, got q"):
        serial(*HEAD, SoftmaxAttention(query_std="q", n_samples=5), MeanPool()).nngp(X)
