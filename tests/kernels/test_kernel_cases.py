"""Cases that random networks seldom reach: draws, queries, own overlaps, blocks and bounds, one by one."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from symrep import testing
from symrep.errors import InvalidArchitectureError, InvalidArgumentError, SizeLimitError
from symrep.kernels import (
    Dense,
    Flatten,
    Gelu,
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
    gram,
    joint_counts,
    residual,
    serial,
    softmax_attention,
    softmax_sampling,
)

HEAD = (TokenEmbedding("3/2"), Positions("1/2"))
X, Y = [0, 1, 1, 2], [1, 1, 0, 2]
TOKENS, POSITIONS = TokenEmbedding(1), Positions("1/2")


@pytest.mark.parametrize(
    "between", [(), (Relu(),), (LayerNorm(),), (residual(SoftmaxAttention(n_samples=1)),), (TiedAttention(),)], ids=repr
)
def test_every_random_layer_has_draws_of_its_own(monkeypatch, between):
    seeds, generator_of = [], np.random.default_rng
    monkeypatch.setattr(
        softmax_attention.np.random, "default_rng", lambda seed: seeds.append(tuple(seed)) or generator_of(seed)
    )
    layer = SoftmaxAttention(n_samples=1)
    serial(*HEAD, layer, *between, layer, Flatten()).nngp([[0, 1, 2]])
    assert seeds == [(0, i) for i in range(len(seeds))] and len(seeds) >= 2


@pytest.mark.parametrize("method", ["overlaps", "positions"])
def test_parameters_may_contain_the_length(method):
    layers = (Positions("1/L"), LinearAttention(bias_std="1/L"), Polynomial(("1/L", 1)))
    net = serial(TokenEmbedding("3/(2*L)"), *layers, MeanPool())
    assert net.nngp(X, Y, method=method) == pytest.approx(float(net.exact_nngp(X, Y)), rel=1e-12)


def test_what_is_not_trained_does_not_enter_the_ntk():
    fixed = TokenEmbedding(1, covariance=((2, 1), (1, 3)), trainable=False)
    assert serial(fixed, MeanPool()).ntk([0, 1], [1, 1]) == 0
    places = Positions("1/2", combine="concat", share="1/4", trainable=False)
    tangent = serial(TokenEmbedding("3/2"), places).ntk(X, Y)
    np.testing.assert_allclose(tangent, 0.75 * 1.5 * (np.array(X)[:, None] == np.array(Y)), rtol=1e-12)


@pytest.mark.parametrize("kernel", ["nngp", "ntk"])
def test_a_nonlinear_residual_stays_before_the_readout(kernel):
    inner = residual(Dense(2), UniformAttention())
    with pytest.raises(InvalidArchitectureError, match=r"needs one kernel per pair of positions, but MeanPool\(\)"):
        serial(*HEAD, MeanPool(), inner)


def test_the_vocabulary_size_is_known_in_every_parameter_of_the_embedding():
    assert TokenEmbedding("1/V", vocab_size=3) == TokenEmbedding("1/3", vocab_size=3)
    assert TokenEmbedding(1, scale="1/V", vocab_size=3).scale == sympy.Rational(1, 3)


def test_tokens_with_unequal_covariances_are_told_apart():
    covariance = ((3, 1, 0), (1, 3, 0), (0, 0, 3))  # equal variances
    net = serial(TokenEmbedding(1, covariance=covariance), LinearAttention(), MeanPool())
    assert not net.invariance().tokens
    assert net.nngp([0, 0], [1, 1]) != net.nngp([0, 0], [2, 2])


@pytest.mark.parametrize("kernel", ["nngp", "ntk"])
def test_samples_on_joint_counts_agree_with_the_series(kernel):
    settings = {"query_std": "1/3", "bias_std": "1/5"}
    tables = np.array([[[0, 3], [1, 0]], [[2, 2], [0, 0]], [[1, 0], [2, 1]]])  # none of them symmetric
    sampled, series = (
        serial(*HEAD, SoftmaxAttention(**settings, **how), Relu(), MeanPool()).joint_count_kernel(kernel)(tables)
        for how in ({"n_samples": 4000}, {"order": 3})
    )
    np.testing.assert_allclose(sampled, series, rtol=0.02)


def test_the_rank_of_a_small_kernel():
    factor = np.random.default_rng(0).standard_normal((6, 5, 4))
    kernel = 1e-14 * np.einsum("aik,bjk->aibj", factor, factor)
    assert softmax_sampling._factor(kernel, "rows").shape == (6, 5, 4)


@pytest.mark.parametrize("method", ["overlaps", "positions"])
def test_the_query_is_trained(method):
    net = serial(*HEAD, QueryToken(2, "1/5"), Dense(3))
    assert net.ntk([0, 1], [1, 1], method=method) == pytest.approx(2 * 9 * 2.2)
    assert net.ntk([0, 1], [1, 0], method=method) == pytest.approx(2 * 9 * 0.2)


@pytest.mark.parametrize("method", ["overlaps", "positions"])
def test_a_query_that_is_not_trained(method):
    net = serial(*HEAD, QueryToken(2, "1/5", trainable=False), Dense(3))
    assert net.ntk([0, 1], [1, 1], method=method) == pytest.approx(9 * 2.2)


def test_stacked_pairs_come_apart_again():
    first, second, pair = np.random.default_rng(0).standard_normal((3, 4, 2, 2))
    stacked = softmax_attention._stack(first, second, pair)
    for part, expected in zip(softmax_attention._unstack(stacked, (4,)), (first, second, pair)):
        np.testing.assert_array_equal(part, expected)
    together = stacked[0].reshape(4, 4)
    np.testing.assert_array_equal(together[:2, 2:], together[2:, :2].T)


def test_blocks_respect_the_memory_limit(monkeypatch):
    pairs, values_of = [], gram.values_of
    monkeypatch.setattr(gram, "values_of", lambda *a: pairs.append(a[3] * a[4]) or values_of(*a))
    x = np.random.default_rng(0).integers(3, size=(40, 4))
    for method, cells in (("overlaps", 5), ("positions", 16)):
        pairs.clear()
        serial(*HEAD, LinearAttention(), MeanPool()).nngp(x, memory_limit=64_000, method=method)
        assert max(pairs) * 8 * cells * gram.ARRAYS_AT_ONCE <= 64_000


def test_many_different_tokens(monkeypatch):
    """Counts of tokens are sparse behind 1024 of them."""
    x = np.random.default_rng(0).integers(40, size=(30, 6))
    x[:, 0] = 1
    net = serial(*HEAD, LinearAttention(), Relu(), MeanPool())
    whole = net.nngp(x[:20], x[10:])
    monkeypatch.setattr(gram, "_DENSE_VOCABULARY", 3)
    np.testing.assert_allclose(net.nngp(x[:20], x[10:]), whole, rtol=1e-12)


def test_token_ids_are_bounded():
    net = serial(*HEAD, MeanPool())
    assert net.nngp([0, 2**31 - 1], [0, 0]) == net.nngp([0, 1], [0, 0])
    with pytest.raises(InvalidArgumentError, match=f"^x must hold token ids below {2**31}, got {2**31}"):
        net.nngp([0, 2**31])


def test_token_ids_are_below_the_vocabulary_size():
    net = serial(TokenEmbedding(1, vocab_size=3), MeanPool())
    for method in (net.nngp, net.ntk, net.exact_nngp):
        method([0, 2], [1, 2])
        for x, y, name in (([0, 3], [0, 1], "x"), ([0, 1], [0, 3], "y")):
            with pytest.raises(InvalidArgumentError, match=f"^{name} must hold token ids below 3, got 3"):
                method(x, y)


def test_counts_take_blocks_of_their_own_size(monkeypatch):
    sizes, values_of = [], joint_counts.values_of
    monkeypatch.setattr(joint_counts, "values_of", lambda *a: sizes.append(a[3]) or values_of(*a))
    monkeypatch.setattr(joint_counts, "BLOCK_BYTES", 3 * 8 * 25 * joint_counts.ARRAYS_AT_ONCE)
    tables = np.random.default_rng(1).multinomial(6, [0.25] * 4, size=7).reshape(7, 2, 2)
    serial(*HEAD, TiedAttention(), MeanPool()).joint_count_kernel()(tables)
    assert sizes == [3, 3, 1]


def test_tables_too_large_for_memory():
    """4900 classes of tokens are too many cells, and so are 5000 positions; for few positions there is a third way."""
    net = serial(*HEAD, TiedAttention(), MeanPool())
    tables = np.zeros((70, 70), dtype=int)
    tables[3, 4] = 5000
    with pytest.raises(SizeLimitError, match="a table of 70 x 70 tokens needs 3.07 GB"):
        net.joint_count_kernel()(tables)
    tables[3, 4] = 2
    assert net.joint_count_kernel()(tables) == pytest.approx(net.nngp([3, 3], [4, 4]), rel=1e-12)


@pytest.mark.parametrize("readout", [MeanPool(), QueryToken(2, "1/3"), LastToken()], ids=repr)
def test_two_polynomials_with_different_own_overlaps(readout):
    layer = Polynomial((1, "-1/2", "1/3"))
    net = serial(*HEAD, UniformAttention(), Positions(1), layer, UniformAttention(), layer, readout)
    x, y = [0, 1, 1, 2, 0], [0, 0, 0, 2, 0]  # u_xx = 6 or more, u_yy = 10 or more
    assert net.nngp(x, y) == pytest.approx(float(net.exact_nngp(x, y)), rel=1e-12)
    assert net.nngp(y, x) == pytest.approx(float(net.exact_nngp(y, x)), rel=1e-12)


def test_layer_norm_in_the_overlap_ring_at_a_query():
    net = serial(*HEAD, Dense(2, 1), LayerNorm(), LinearAttention(), QueryToken(3, "1/5"))
    for y in ([1, 1, 0, 2], [1, 1, 0, 0]):
        assert net.nngp(X, y) == pytest.approx(float(net.exact_nngp(X, y)), rel=1e-12)
    everywhere = serial(TokenEmbedding(), LinearAttention(), LayerNorm(), MeanPool())
    query = serial(
        TokenEmbedding(), LinearAttention(), Positions(1, combine="concat", share=1), LayerNorm(), QueryToken()
    )
    for net in (everywhere, query):
        with pytest.raises(
            InvalidArchitectureError, match=r"must be polynomial for an overlap polynomial, got LayerNorm\(\)"
        ):
            net.overlap_polynomial()
    with pytest.raises(
        InvalidArchitectureError, match=r"layers must have positive variance before LayerNorm\(\), got 0"
    ):
        serial(TokenEmbedding(0), LayerNorm(), MeanPool()).overlap_polynomial()
    with pytest.raises(InvalidArgumentError, match="LayerNorm needs positive variances, got 0.0"):
        serial(TokenEmbedding(0), LayerNorm(), MeanPool()).nngp(X)


def test_the_standard_error_of_two_repetitions():
    def net(seed):
        return serial(*HEAD, residual(SoftmaxAttention(n_samples=5, seed=seed)), MeanPool())

    first, second = (net(i).nngp(X, Y) for i in range(2))  # the seeds of two repetitions
    estimate = net(0).monte_carlo(X, Y, n_replicates=2)
    assert estimate.values == pytest.approx((first + second) / 2)
    assert estimate.standard_error == pytest.approx(abs(first - second) / 2)


def test_neighbouring_seeds_share_no_repetition(monkeypatch):
    seeds, generator_of = [], np.random.default_rng
    monkeypatch.setattr(
        softmax_attention.np.random, "default_rng", lambda seed: seeds.append(tuple(seed)) or generator_of(seed)
    )
    for seed in (0, 1, 2):
        serial(*HEAD, SoftmaxAttention(n_samples=1, seed=seed), MeanPool()).monte_carlo([[0, 1]], n_replicates=3)
    assert len(set(seeds)) == 9


@pytest.mark.parametrize("readout", [MeanPool(), Flatten(), LastToken(), QueryToken(1, "1/2")], ids=repr)
def test_joint_counts_behind_two_tied_layers(readout):
    """Classes that no position belongs to have no variance that a nonlinearity could refuse."""
    for body in ((TiedAttention(), TiedAttention(), Relu()), (TiedAttention(), residual(TiedAttention(), Gelu()))):
        net = serial(*HEAD, *body, readout)
        testing.check_kernel(net, vocab_size=3, length=4)


def test_groups_with_layers_behind_the_readout_and_without_readout():
    assert str(serial(TOKENS, POSITIONS, MeanPool(), Relu()).invariance()) == "S_L x S_L and S_V"
    with pytest.raises(InvalidArchitectureError, match="layers must end in a readout"):
        serial(TOKENS).invariance()


@pytest.mark.parametrize(
    "body",
    [
        (Dense(1, 1), Positions(1, combine="concat"), TiedAttention(activation="identity")),
        (TiedAttention(), LinearAttention(normalized=True)),
        (TiedAttention(), UniformAttention()),
    ],
    ids=repr,
)
def test_queries_on_count_cells(body):
    testing.check_kernel(serial(*HEAD, *body, QueryToken(2, "1/3")), vocab_size=2, length=4)


def test_a_covariance_of_tokens_leaves_the_query_alone():
    x = np.random.default_rng(0).integers(3, size=(6, 4))
    body = (Positions(1), TiedAttention(query_std=2), QueryToken(2, "1/3"))
    plain = serial(TokenEmbedding(2), *body).nngp(x)
    np.testing.assert_allclose(serial(TokenEmbedding(2, covariance=np.eye(3)), *body).nngp(x), plain, rtol=1e-12)


def test_huge_logits():
    net = serial(TokenEmbedding(1), TiedAttention(query_std=2000), Flatten())
    assert net.nngp([0, 1], [0, 1]) == 1.0
