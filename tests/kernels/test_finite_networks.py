"""Networks of finite width: the NTK against finite differences, and both kernels against the infinite-width rules."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep.errors import FreeSymbolError, InvalidArchitectureError, InvalidArgumentError, InvalidTypeError
from symrep.kernels import (
    Dense,
    Erf,
    Flatten,
    Gelu,
    LastToken,
    LayerNorm,
    LinearAttention,
    MeanPool,
    Network,
    Polynomial,
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
from symrep.kernels.finite_networks import EmpiricalKernel, empirical_nngp, empirical_ntk, sample_network
from symrep.kernels.layers import Layer

# no two sequences with the same tokens: equal multisets have equal features behind uniform attention, and the NTK of a
# ReLU then converges like width^(-1/2)
X, Y = np.array([[0, 1, 1], [0, 1, 2]]), np.array([[1, 1, 2]])
# the fourth token is the query: different for the first pair, equal for the second
QUERY_X, QUERY_Y = np.array([[0, 1, 1, 2], [0, 1, 2, 0]]), np.array([[1, 1, 2, 0]])

TOKENS = TokenEmbedding("3/2")
CORRELATED = TokenEmbedding("3/2", covariance=[[2, "1/2", 0], ["1/2", 1, "1/3"], [0, "1/3", 1]])
QUERY = QueryToken("5/4", "2/3")
GAUSSIAN = Positions("2/3", covariance="gaussian", length_scale="4/3")
CONCAT = Positions("2/3", combine="concat", share="1/4")
STRONG = {"query_std": "4/5", "key_std": "3/4", "value_std": "5/4", "out_std": "6/5", "bias_std": "1/4"}
WEAK = {"query_std": "1/2", "key_std": "2/3", "value_std": "5/4", "out_std": "6/5", "bias_std": "1/4"}


def softmax(n_samples=4000, **options):
    return SoftmaxAttention(**{**STRONG, **options}, n_samples=n_samples)


def linear(**options):
    return LinearAttention(**{**STRONG, **options})


def tied(activation="softmax", **options):
    return TiedAttention(**{**WEAK, **options}, activation=activation)


def drawn_for_differences(*layers, length=3):
    net = serial(TokenEmbedding("3/2", vocab_size=3), *layers)
    generator = np.random.default_rng(3)
    return sample_network(net, width=4, length=length, heads=2, key_dimension=3, generator=generator)


def numerical_ntk(drawn, sequences, step=1e-5):
    """Every trained weight moved up and down, one by one: (n, n), or (n, n, L, L) without a readout."""
    rows = []
    for weight in drawn.weights():
        for index in np.ndindex(weight.shape):
            value = weight[index]
            weight[index] = value + step
            above = drawn.features(sequences)
            weight[index] = value - step
            below = drawn.features(sequences)
            weight[index] = value
            rows.append((above - below) / (2 * step))
    jacobian = np.array(rows)
    axes = "pnc,pmc->nm" if jacobian.ndim == 3 else "pnsc,pmtc->nmst"
    return np.einsum(axes, jacobian, jacobian) / jacobian.shape[-1]


DIFFERENTIABLE = {
    "embedding": (MeanPool(),),
    "positions": (GAUSSIAN, Flatten()),
    "concat": (CONCAT, Positions("5/4", combine="concat", share="1/2", trainable=False), Dense(2, "1/2"), MeanPool()),
    "dense": (Dense("3/2", "1/2"), Erf(), MeanPool(), Dense(2), Gelu()),
    "relu": (Dense("3/2", "1/2"), Relu(), LayerNorm(), Dense(2), LastToken()),
    "residual": (residual(LayerNorm(), Dense("3/2", "1/2"), Polynomial((1, "1/2", "1/3"))), LastToken()),
    "flatten": (Positions("1/2"), Dense("3/2"), Flatten(), residual(Dense("3/4"), Erf(), Dense("1/2", "1/3"))),
    "linear": (linear(positions=Positions("1/2", trainable=False), positions_on_values=False), MeanPool()),
    "linear normalized": (linear(positions=Positions("1/2"), normalized=True), Flatten()),
    "softmax": (Positions("1/2"), softmax(positions=CONCAT), Flatten()),
    "tied softmax": (tied(positions=CONCAT, positions_on_values=False), Dense(2), MeanPool()),
    "tied identity": (Positions("1/2"), tied("identity"), MeanPool()),
    "tied relu": (tied("relu", positions=Positions("1/3")), MeanPool()),
    "uniform": (Positions("1/2"), UniformAttention("3/2", "1/2", "1/3")),
    "two softmax": (Positions("1/2"), residual(LayerNorm(), softmax()), softmax(bias_std=0)),
}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_the_ntk_of_a_drawn_network_is_that_of_finite_differences(name):
    drawn = drawn_for_differences(*DIFFERENTIABLE[name])
    expected = numerical_ntk(drawn, np.concatenate([X, Y]))
    assert np.allclose(drawn.ntk(X, Y), expected[:2, 2:], rtol=1e-6, atol=1e-7)
    assert np.allclose(drawn.ntk(X), expected[:2, :2], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("attention", [linear(), tied(), softmax(positions=CONCAT, positions_on_values=False)])
def test_the_ntk_with_a_query_is_that_of_finite_differences(attention):
    layers = Positions("2/3"), attention, residual(softmax()), LayerNorm(), QUERY, Dense("3/2", "1/4")
    drawn = drawn_for_differences(*layers)
    expected = numerical_ntk(drawn, np.concatenate([QUERY_X, QUERY_Y]))
    assert np.allclose(drawn.ntk(QUERY_X, QUERY_Y), expected[:2, 2:], rtol=1e-6, atol=1e-6)


def test_correlated_and_fixed_embeddings_in_the_ntk():
    for trainable in (True, False):
        embedding = TokenEmbedding("3/2", covariance=[[2, "1/2"], ["1/2", 1]], trainable=trainable)
        net = serial(embedding, Dense("3/2"), Erf(), MeanPool())
        drawn = sample_network(net, width=4, length=2, generator=np.random.default_rng(0))
        assert len(drawn.weights()) == (3 if trainable else 2)
        expected = numerical_ntk(drawn, [[0, 1], [1, 1]])
        assert np.allclose(drawn.ntk([[0, 1], [1, 1]]), expected, rtol=1e-6)


def test_nothing_attends_to_a_query_and_it_has_no_part_in_the_context():
    net = serial(TokenEmbedding(1, vocab_size=3), softmax(), linear(), QueryToken(1, 1))
    drawn = sample_network(net, width=8, length=3, generator=np.random.default_rng(0))
    features = [np.array([[0, 1, 2, query]]) for query in (0, 1)]
    for layer in drawn.layers[:-1]:
        features = [layer.forward(array)[0] for array in features]
        assert np.allclose(features[0][:, :, :3], features[1][:, :, :3])
        assert not np.allclose(features[0][:, :, 3], features[1][:, :, 3])


def test_concatenated_positions_take_the_place_of_their_share_of_the_channels():
    net = serial(TokenEmbedding(1, vocab_size=1), Positions(1, combine="concat", share="1/4"))
    drawn = sample_network(net, width=16, length=2, generator=np.random.default_rng(0))
    first, second = drawn.features([0, 0])
    assert np.sum(first == second) == 12


def test_layer_norm_divides_by_the_root_mean_square_and_leaves_zeros():
    net = serial(TokenEmbedding(1, vocab_size=40), Dense(), Relu(), LayerNorm())
    drawn = sample_network(net, width=3, length=40, generator=np.random.default_rng(0))
    sizes = np.mean(drawn.features(np.arange(40)) ** 2, axis=-1)
    assert set(sizes.round(12)) == {0.0, 1.0}
    assert np.isfinite(drawn.ntk(np.arange(40))).all()


def converged(net, kernel, *, width, n_draws, seed=0):
    """The extrapolated kernel, its standard error, and the kernel at infinite width."""
    has_query = net.extra_token == "query"
    x, y = (QUERY_X, QUERY_Y) if has_query else (X, Y)
    empirical = empirical_nngp if kernel == "nngp" else empirical_ntk
    # heads and key dimensions grow like the width; dot products over d, not over its root, need a larger d
    sizes = [{"width": w, "heads": w // 4, "key_dimension": w if has_tied(net) else w // 4} for w in (width, 2 * width)]
    narrow, wide = (empirical(net, x, y, **size, n_draws=n_draws, seed=seed + i) for i, size in enumerate(sizes))
    estimate = narrow.extrapolated(wide)
    if net.is_random:
        limit = net.monte_carlo(np.concatenate([x, y]), kernel=kernel, n_replicates=4)
        return estimate.values, np.hypot(estimate.standard_error, limit.standard_error[:2, 2:]), limit.values[:2, 2:]
    return estimate.values, estimate.standard_error, getattr(net, kernel)(x, y)


def has_tied(net):
    return any(isinstance(layer, TiedAttention) for layer in net.layers)


def agrees(estimate, error, limit):
    return bool(np.all(np.abs(estimate - limit) <= 4 * error + 1e-10))


SINGLE = {
    "embedding": (TOKENS, MeanPool()),
    "fixed embedding": (TokenEmbedding("3/2", trainable=False), MeanPool()),
    "scaled embedding": (TokenEmbedding("3/2", scale="1/V", vocab_size=3), MeanPool()),
    "correlated embedding": (CORRELATED, MeanPool()),
    "positions": (TOKENS, Positions("2/3"), Flatten()),
    "fixed positions": (TOKENS, Positions("2/3", trainable=False), Flatten()),
    "gaussian positions": (TOKENS, GAUSSIAN, MeanPool()),
    "concat": (TOKENS, CONCAT, MeanPool()),
    "concat twice": (TOKENS, CONCAT, Positions("5/4", covariance="gaussian", combine="concat"), MeanPool()),
    "dense": (TOKENS, Dense("5/4", "1/2"), LastToken()),
    "dense of L": (TOKENS, Dense("1/L", "L/6"), MeanPool()),
    "relu": (TOKENS, Positions("1/2"), Relu(), MeanPool()),
    "erf": (TOKENS, Positions("1/2"), Erf(), MeanPool()),
    "gelu": (TOKENS, Positions("1/2"), Gelu(), MeanPool()),
    "polynomial": (TOKENS, Positions("1/2"), Polynomial((1, "1/2", "1/3")), MeanPool()),
    "layer norm": (TOKENS, Positions("1/2"), LayerNorm(), MeanPool()),
    "layer norm behind relu": (TOKENS, Positions("1/2"), Relu(), LayerNorm(), Dense("5/4"), MeanPool()),
    "residual": (TOKENS, Positions("1/2"), residual(Dense("5/4", "1/2"), Relu(), Dense("2/3")), MeanPool()),
    "linear": (TokenEmbedding("3/4"), Positions("1/2"), linear(), MeanPool()),
    "linear normalized": (TOKENS, Positions("1/2"), linear(normalized=True), LastToken()),
    "linear of positions": (TokenEmbedding("3/4"), linear(positions=GAUSSIAN, positions_on_values=False), MeanPool()),
    "uniform": (TOKENS, Positions("1/2"), UniformAttention("5/4", "3/4", "1/3"), Flatten()),
    "tied softmax": (TokenEmbedding("3/4"), tied(positions=Positions("2/3")), MeanPool()),
    "tied identity": (TOKENS, tied("identity", positions=GAUSSIAN, positions_on_values=False), Flatten()),
    "tied relu": (TokenEmbedding("3/4"), tied("relu", positions=Positions("2/3", trainable=False)), MeanPool()),
    "softmax": (TOKENS, softmax(positions=CONCAT), MeanPool()),
    "softmax of positions": (TOKENS, Positions(1), softmax(positions=GAUSSIAN, positions_on_values=False), Flatten()),
    "softmax series": (TokenEmbedding("3/4"), SoftmaxAttention(**WEAK, positions=GAUSSIAN, order=4), MeanPool()),
    "query": (TOKENS, Positions("1/2", combine="concat"), Dense("5/4", "1/3"), QUERY),
    "query linear": (TokenEmbedding("3/4"), linear(positions=CONCAT, positions_on_values=False), QUERY),
    "query tied": (TokenEmbedding("3/4"), Dense("4/5", "1/2"), tied(positions=CONCAT), QUERY),
    "query uniform": (TokenEmbedding("3/4"), UniformAttention("5/4", "3/4", "1/3"), QUERY),
    "query softmax": (TOKENS, Dense("4/5", "1/2"), softmax(positions=CONCAT), QUERY),
}


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["nngp", "ntk"])
@pytest.mark.parametrize("name", SINGLE)
def test_single_layers_converge_to_their_kernels(name, kernel):
    assert agrees(*converged(serial(*SINGLE[name]), kernel, width=16, n_draws=1000))


COMPOSED = {
    "two linear blocks": (
        TOKENS,
        Positions("1/2"),
        residual(LayerNorm(), linear(value_std="5/6")),
        Dense("5/4", "1/3"),
        Relu(),
        residual(LayerNorm(), linear(query_std="2/3", value_std="3/4")),
        Dense("3/4"),
        MeanPool(),
    ),
    "tied softmax": (TOKENS, Dense("5/4", "1/3"), tied(positions=Positions("2/3")), Erf(), Dense("3/2"), MeanPool()),
    "tied identity": (
        TokenEmbedding("3/4"),
        LayerNorm(),
        tied("identity", positions=Positions("2/3"), positions_on_values=False),
        Erf(),
        Dense("3/2", "1/3"),
        Flatten(),
    ),
    "tied relu": (
        TokenEmbedding("3/4"),
        Positions("1/3"),
        Dense("5/4", "1/2"),
        LayerNorm(),
        tied("relu"),
        Gelu(),
        Dense("2/3"),
        LastToken(),
    ),
    "softmax": (TOKENS, softmax(positions=Positions("2/3")), Relu(), Dense("3/2", "1/5"), MeanPool()),
    "softmax at a query": (
        TOKENS,
        Positions("1/2"),
        LayerNorm(),
        linear(normalized=True),
        softmax(),
        QUERY,
        Dense("3/4", "1/4"),
        Relu(),
        Dense("4/3"),
    ),
    "tied at a query": (
        TOKENS,
        Dense("5/4", "1/3"),
        tied(positions=Positions("1/2")),
        residual(LayerNorm(), linear(normalized=True)),
        QUERY,
    ),
    "last token": (
        TOKENS,
        Positions("1/2"),
        linear(normalized=True),
        Erf(),
        Dense("5/4"),
        LastToken(),
        Dense("3/4", "1/3"),
    ),
    "dense after flatten": (
        TokenEmbedding("3/2", trainable=False),
        Positions("1/2"),
        UniformAttention("5/4", "3/4", "1/3"),
        residual(Dense("4/5", "1/2"), Relu(), Dense("3/4")),
        Flatten(),
        Dense("3/4", "1/3"),
        Erf(),
        Dense("6/5"),
    ),
    "gaussian positions": (
        TOKENS,
        LayerNorm(),
        linear(positions=GAUSSIAN, positions_on_values=False, normalized=True),
        Relu(),
        Dense("3/2", "1/3"),
        MeanPool(),
    ),
    "concatenated positions": (
        TOKENS,
        Positions("3/4", combine="concat", share="1/4"),
        LayerNorm(),
        linear(positions=Positions("5/4", combine="concat", trainable=False), normalized=True),
        Dense("5/4", "1/4"),
        Relu(),
        Dense("4/5"),
        MeanPool(),
    ),
    "softmax of positions": (
        TOKENS,
        Positions("1/2", covariance="gaussian"),
        softmax(positions=CONCAT, positions_on_values=False),
        residual(Dense("3/4", "1/2"), Relu(), Dense("4/3")),
        Flatten(),
    ),
    "correlated embedding": (
        CORRELATED,
        Dense("5/4"),
        Polynomial((1, "1/2", "1/3")),
        Dense("3/4", "1/2"),
        LayerNorm(),
        MeanPool(),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["nngp", "ntk"])
@pytest.mark.parametrize("name", COMPOSED)
def test_composed_networks_converge_to_their_kernels(name, kernel):
    assert agrees(*converged(serial(*COMPOSED[name]), kernel, width=24, n_draws=1200))


@pytest.mark.parametrize("kernel", ["nngp", "ntk"])
@pytest.mark.parametrize(
    "name, right, wrong",
    [
        ("dense", Dense("5/4", "1/2"), Dense("5/4", "2/3")),
        ("uniform", UniformAttention("5/4", "3/4", "1/3"), UniformAttention("5/4", "3/4", "2/3")),
        ("tied softmax", tied(positions=Positions("2/3")), tied(positions=Positions("2/3"), positions_on_values=False)),
        ("query softmax", softmax(positions=CONCAT), softmax(positions=CONCAT, bias_std=1)),
    ],
)
def test_a_wrong_layer_is_noticed(name, right, wrong, kernel):
    layers = SINGLE[name]
    assert right in layers
    estimate, error, limit = converged(serial(*layers), kernel, width=16, n_draws=1000)
    assert agrees(estimate, error, limit)
    other = converged(serial(*(wrong if layer == right else layer for layer in layers)), kernel, width=16, n_draws=2)[2]
    assert not agrees(estimate, error, other)


@pytest.mark.parametrize("empirical, kernel", [(empirical_nngp, "nngp"), (empirical_ntk, "ntk")])
def test_positions_are_kept_without_a_readout(empirical, kernel):
    net = serial(TOKENS, GAUSSIAN, Dense("5/4", "1/3"), Relu(), Dense("3/2"))
    estimate = empirical(net, X, Y, width=32, n_draws=2000, seed=0)
    limit = getattr(net, kernel)(X, Y)
    assert estimate.values.shape == limit.shape == (2, 1, 3, 3)
    assert agrees(estimate.values, estimate.standard_error, limit)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["nngp", "ntk"])
@pytest.mark.parametrize("attention", [None, linear(normalized=True), tied(), softmax(20000)])
def test_the_mean_squared_deviation_falls_like_one_over_the_width(attention, kernel):
    middle = () if attention is None else (LayerNorm(), attention)
    net = serial(TOKENS, Positions("1/2"), *middle, Dense("5/4", "1/3"), Erf(), Dense("3/2"), MeanPool())
    empirical = empirical_nngp if kernel == "nngp" else empirical_ntk
    limit = getattr(net, kernel)(np.concatenate([X, Y]))[:2, 2:]
    deviations = []
    for seed, width in enumerate((24, 96)):
        estimate = empirical(net, X, Y, width=width, n_draws=400, seed=seed)
        deviations.append(np.sum(400 * estimate.standard_error**2 + (estimate.values - limit) ** 2))
    assert 3 < deviations[0] / deviations[1] < 5.4


@pytest.mark.parametrize("with_query", [False, True])
def test_the_mean_and_its_standard_error_are_those_of_single_draws(with_query, monkeypatch):
    """One draw per chunk takes the weights that sample_network takes, where tokens 5 and 9 become 0 and 1."""
    monkeypatch.setattr("symrep.kernels.finite_networks._CHUNK_BYTES", 1)
    net = serial(TOKENS, CONCAT, linear(), Relu(), QUERY if with_query else MeanPool())
    x, y = np.array([[5, 9, 9], [9, 5, 5]]), np.array([[9, 9, 5]])
    generator = np.random.default_rng(4)
    singles = []
    for _ in range(5):
        drawn = sample_network(net, width=8, length=3 - with_query, vocab_size=2, generator=generator)
        singles.append(drawn.nngp(x // 9, y // 9))
    estimate = empirical_nngp(net, x, y, width=8, n_draws=5, seed=4)
    assert np.allclose(estimate.values, np.mean(singles, axis=0))
    assert np.allclose(estimate.standard_error, np.std(singles, axis=0, ddof=1) / 5**0.5)


def test_random_signs_average_over_the_output_channels():
    """The tangent kernel is the same for all draws here, but not for all output channels of a position."""
    net = serial(TOKENS, Positions("1/2"), Flatten())
    estimates = [empirical_ntk(net, X, Y, width=8, n_draws=400, seed=0, n_probes=probes) for probes in (1, 25)]
    for estimate in estimates:
        assert np.all(np.abs(estimate.values - net.ntk(X, Y)) < 4 * estimate.standard_error)
    assert np.allclose(estimates[0].standard_error / estimates[1].standard_error, 5, rtol=0.2)


SHAPES = [([0, 1, 1], [1, 1, 0]), (X, None), (X, [1, 1, 0]), ([0, 1, 1], X), ([0, 1, 1], None)]


@pytest.mark.parametrize("x, y", SHAPES)
@pytest.mark.parametrize("readout", [(MeanPool(),), ()])
def test_shapes_are_those_of_the_infinite_network(x, y, readout):
    net = serial(TokenEmbedding(1, vocab_size=3), Positions("1/2"), *readout)
    drawn = sample_network(net, width=8, length=3, generator=np.random.default_rng(0))
    estimates = [empirical(net, x, y, width=8, n_draws=2, seed=0) for empirical in (empirical_nngp, empirical_ntk)]
    shape = np.shape(net.nngp(x, y))
    arrays = [drawn.nngp(x, y), drawn.ntk(x, y)]
    arrays += [array for estimate in estimates for array in (estimate.values, estimate.standard_error)]
    for array in arrays:
        assert np.shape(array) == shape
        assert (type(array) is float) == (shape == ())


def test_features_are_those_whose_products_make_the_kernel():
    net = serial(TokenEmbedding(1, vocab_size=3), Positions("1/2"), Dense("5/4", "1/3"), Erf(), Flatten())
    drawn = sample_network(net, width=8, length=3, generator=np.random.default_rng(0))
    features = drawn.features(X)
    assert features.shape == (2, 24) and drawn.features(X[0]).shape == (24,)
    assert np.allclose(drawn.nngp(X), features @ features.T / 24)
    kept = sample_network(Network(net.layers[:-1]), width=8, length=3, generator=np.random.default_rng(0))
    assert np.allclose(kept.features(X).reshape(2, 24), features)
    assert kept.features(X[0]).shape == (3, 8)


def test_results_depend_on_the_seed_only():
    net = serial(TOKENS, CONCAT, softmax(), MeanPool())
    for empirical in (empirical_nngp, empirical_ntk):
        first, again, other = (empirical(net, X, width=8, n_draws=3, seed=seed) for seed in (5, 5, 6))
        assert np.array_equal(first.values, again.values) and np.array_equal(first.standard_error, again.standard_error)
        assert not np.allclose(first.values, other.values)


def test_chunks_do_not_change_the_statistics(monkeypatch):
    net = serial(TOKENS, Dense("5/4"), Erf(), MeanPool())
    whole = empirical_nngp(net, X, Y, width=16, n_draws=2000, seed=0)
    monkeypatch.setattr("symrep.kernels.finite_networks._CHUNK_BYTES", 2**16)
    parts = empirical_nngp(net, X, Y, width=16, n_draws=2000, seed=1)
    assert np.allclose(whole.standard_error, parts.standard_error, rtol=0.15)
    assert np.all(np.abs(whole.values - parts.values) < 4 * np.hypot(whole.standard_error, parts.standard_error))


@settings(deadline=None, max_examples=50)
@given(
    limit=st.floats(-5, 5),
    slope=st.floats(-5, 5),
    width=st.integers(1, 50),
    ratio=st.integers(2, 5),
    errors=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_extrapolation_removes_a_bias_of_one_over_the_width(limit, slope, width, ratio, errors):
    wide = ratio * width
    narrow = EmpiricalKernel(limit + slope / width, errors[0], 7, width)
    result = narrow.extrapolated(EmpiricalKernel(limit + slope / wide, errors[1], 5, wide))
    assert np.isclose(result.values, limit, atol=1e-9)
    assert np.isclose(result.standard_error**2 * (ratio - 1) ** 2, ratio**2 * errors[1] ** 2 + errors[0] ** 2)
    assert (result.n_draws, result.width) == (5, wide)


NET = serial(TOKENS, Dense(2), MeanPool())
SIZES = {"width": 8, "n_draws": 2, "seed": 0}


class Unknown(Layer):
    """A layer that no rule is known for."""


@pytest.mark.parametrize("empirical", [empirical_nngp, empirical_ntk])
@pytest.mark.parametrize(
    "options, error, match",
    [
        ({"n_draws": 1}, InvalidArgumentError, "n_draws must be at least 2, got 1"),
        ({"width": 0}, InvalidArgumentError, "width must be at least 1, got 0"),
        ({"width": 8.0}, InvalidTypeError, "width must be an integer, got 8.0"),
        ({"heads": 0}, InvalidArgumentError, "heads must be at least 1, got 0"),
        ({"key_dimension": 0}, InvalidArgumentError, "key_dimension must be at least 1, got 0"),
        ({"seed": -1}, InvalidArgumentError, "seed must be at least 0, got -1"),
        ({"net": NET.layers}, InvalidTypeError, "net must be a Network made by serial"),
        ({"net": serial(TokenEmbedding(), MeanPool())}, FreeSymbolError, "TokenEmbedding variance must be a number"),
        ({"net": serial(TOKENS, linear(out_std="c"))}, FreeSymbolError, "out_std must be a number here, got c"),
        ({"net": serial(TOKENS, Unknown())}, InvalidArchitectureError, "net must not have Unknown()"),
        ({"net": serial(TOKENS, CONCAT), "width": 6}, InvalidArgumentError, "width must make share 1/4 .* got 6"),
        ({"x": [[0, 1], [2]]}, InvalidArgumentError, "x must be sequences of one length"),
        ({"x": [0.5, 1.0]}, InvalidTypeError, "x must hold integer token ids"),
        ({"y": [0, 1]}, InvalidArgumentError, "y must have sequences of length 3 as x, got 2"),
        ({"net": serial(CORRELATED, MeanPool()), "x": [0, 3]}, InvalidArgumentError, "x must hold token ids below 3"),
        ({"net": serial(TOKENS, QUERY), "x": [0]}, InvalidArgumentError, "x must hold at least one context token"),
    ],
)
def test_refused_arguments_of_the_empirical_kernels(empirical, options, error, match):
    with pytest.raises(error, match=match):
        empirical(**{"net": NET, "x": X, **SIZES, **options})


def test_refused_numbers_of_probes():
    with pytest.raises(InvalidArgumentError, match="n_probes must be at least 1, got 0"):
        empirical_ntk(NET, X, **SIZES, n_probes=0)


@pytest.mark.parametrize(
    "options, error, match",
    [
        ({"net": None}, InvalidTypeError, "net must be a Network made by serial, got None"),
        ({"length": 0}, InvalidArgumentError, "length must be at least 1, got 0"),
        ({"generator": 0}, InvalidTypeError, "generator must be a numpy.random.Generator, got 0"),
        ({"vocab_size": None}, InvalidArgumentError, "vocab_size must be given where TokenEmbedding does not state it"),
        ({"vocab_size": 0}, InvalidArgumentError, "vocab_size must be at least 1, got 0"),
        ({"net": serial(CORRELATED)}, InvalidArgumentError, "vocab_size must be 3, that of TokenEmbedding, got 4"),
        ({"width": True}, InvalidTypeError, "width must be an integer, got True"),
    ],
)
def test_refused_arguments_of_sample_network(options, error, match):
    arguments = {"net": NET, "width": 8, "length": 3, "vocab_size": 4, "generator": np.random.default_rng(0)}
    with pytest.raises(error, match=match):
        sample_network(**{**arguments, **options})


def test_refused_arguments_of_a_drawn_network():
    drawn = sample_network(NET, width=8, length=3, vocab_size=3, generator=np.random.default_rng(0))
    with pytest.raises(InvalidArgumentError, match="x must have sequences of 3 tokens, got 2"):
        drawn.features([0, 1])
    with pytest.raises(InvalidArgumentError, match="y must hold token ids below 3, got 3"):
        drawn.nngp([0, 1, 1], [0, 1, 3])
    narrow = EmpiricalKernel(1.0, 0.1, 2, 8)
    with pytest.raises(InvalidArgumentError, match="wider must have a width above 8, got 8"):
        narrow.extrapolated(narrow)


def test_parameters_of_length_take_the_context_length():
    net = serial(TokenEmbedding(sympy.Symbol("L") * 2), QueryToken("L", 0))
    estimate = empirical_ntk(net, [0, 1, 2, 2], [0, 1, 1, 2], width=8, n_draws=2, seed=0)
    assert np.isclose(estimate.values, 3)
    assert np.isclose(net.ntk([0, 1, 2, 2], [0, 1, 1, 2]), 3)
