"""Kernels as functions of joint counts, and the three ways of laying out a kernel over pairs of positions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import testing
from symrep.errors import InvalidArchitectureError, InvalidArgumentError, InvalidTypeError, NotInvariantError
from symrep.kernels import (
    Dense,
    Flatten,
    Gelu,
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
    architecture,
    joint_counts,
    residual,
    serial,
)
from symrep.kernels.cells import CountCells, PositionCells

HEAD = (TokenEmbedding("3/2"), Positions("1/2"))
STDS = {"query_std": "11/10", "key_std": "9/10", "value_std": "6/5", "out_std": "4/5", "bias_std": "3/10"}
READOUTS = (MeanPool(), Flatten(), LastToken(), QueryToken(2, "1/3"))
BODIES = {
    "linear": (LinearAttention(**STDS, positions=Positions("1/3"), positions_on_values=False),),
    "normalised": (LinearAttention(**STDS), residual(Dense(2, 1), LayerNorm()), Gelu()),
    "tied softmax": (TiedAttention(**STDS, positions=Positions("1/3", combine="concat", share="1/4")), Relu()),
    "tied relu": (Relu(), TiedAttention(**STDS, activation="relu"), LayerNorm(), TiedAttention(activation="identity")),
    "softmax series": (LayerNorm(), SoftmaxAttention(query_std="1/3", bias_std="1/2", order=2), Relu()),
}


def joint_tables(x, y, vocab_size):
    """Tables (n, m, V, V) of all pairs, by counting one position at a time."""
    tables = np.zeros((len(x), len(y), vocab_size, vocab_size), dtype=int)
    for i, first in enumerate(x):
        for j, second in enumerate(y):
            for v, w in zip(first, second):
                tables[i, j, v, w] += 1
    return tables


def by_joint_counts(net, kernel, x, y, vocab_size):
    if net.extra_token is None:
        return net.joint_count_kernel(kernel)(joint_tables(x, y, vocab_size))
    extra = np.array([[(first[-1], second[-1]) for second in y] for first in x])
    return net.joint_count_kernel(kernel)(joint_tables(x[:, :-1], y[:, :-1], vocab_size), extra)


@pytest.mark.parametrize("kernel", ["nngp", "ntk"])
@pytest.mark.parametrize("readout", READOUTS, ids=repr)
@pytest.mark.parametrize("body", BODIES)
def test_counts_and_overlaps_agree_with_positions(body, readout, kernel):
    rng = np.random.default_rng(len(body))
    x, y = rng.integers(3, size=(5, 5)), rng.integers(3, size=(4, 5))
    net = serial(*HEAD, *BODIES[body], readout, Dense("3/2"), Relu(), Dense(2, "1/2"))
    gram = getattr(net, kernel)
    expected = gram(x, y, method="positions")
    assert np.ptp(expected) > 0.05 * np.abs(expected).max()
    np.testing.assert_allclose(gram(x, y), expected, rtol=1e-12)
    np.testing.assert_allclose(gram(y, x).T, expected, rtol=1e-12)
    np.testing.assert_allclose(by_joint_counts(net, kernel, x, y, 3), expected, rtol=1e-12)


@given(testing.networks(polynomial=False), st.integers(2, 4), st.data())
@settings(max_examples=50, deadline=None)
def test_random_networks_on_three_layouts(net, length, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**20)))
    x, y = rng.integers(3, size=(3, length)), rng.integers(3, size=(2, length))
    for kernel in ("nngp", "ntk"):
        gram = getattr(net, kernel)
        expected = gram(x, y, method="positions")
        scale = np.abs(expected).max()
        np.testing.assert_allclose(gram(x, y), expected, rtol=1e-9, atol=1e-9 * scale)
        np.testing.assert_allclose(by_joint_counts(net, kernel, x, y, 3), expected, rtol=1e-9, atol=1e-9 * scale)


def test_long_sequences_of_few_tokens():
    """Two hundred positions in sixteen cells, against all forty thousand."""
    rng = np.random.default_rng(0)
    x = (rng.random((3, 200)) < [[0.2], [0.5], [0.9]]).astype(int)
    net = serial(*HEAD, TiedAttention(**STDS), Relu(), TiedAttention(query_std="1/2"), MeanPool())
    np.testing.assert_allclose(by_joint_counts(net, "nngp", x, x, 2), net.nngp(x), rtol=1e-11)


def test_shapes_of_tables():
    kernel = architecture("linear-block", token_variance=1, position_variance="1/2").joint_count_kernel()
    tables = np.array([[[1, 0], [2, 1]], [[4, 0], [0, 0]], [[0, 2], [2, 0]]])
    values = kernel(tables)
    assert values.shape == (3,) and type(kernel(tables[0])) is float
    assert kernel(tables[0]) == values[0]
    assert kernel(tables.reshape(3, 1, 2, 2)).shape == (3, 1)


def test_blocks_do_not_change_the_values(monkeypatch):
    net = serial(*HEAD, TiedAttention(), MeanPool())
    tables = np.random.default_rng(1).multinomial(6, [0.25] * 4, size=20).reshape(20, 2, 2)
    whole = net.joint_count_kernel()(tables)
    monkeypatch.setattr(joint_counts, "BLOCK_BYTES", 3 * 8 * 25 * joint_counts.ARRAYS_AT_ONCE)
    np.testing.assert_array_equal(net.joint_count_kernel()(tables), whole)


def test_blocks_of_counts_and_matches(monkeypatch):
    kernel = architecture("relu-block", token_variance=1, position_variance=1).match_kernel()
    sizes, values_of = [], joint_counts.values_of
    tables = np.random.default_rng(1).multinomial(6, [0.25] * 4, size=20).reshape(20, 2, 2)
    of_both = tables.sum(axis=2), tables.sum(axis=1), np.trace(tables, axis1=1, axis2=2)
    whole = kernel(*of_both)
    monkeypatch.setattr(joint_counts, "BLOCK_BYTES", 3 * 8 * 5 * joint_counts.ARRAYS_AT_ONCE)
    monkeypatch.setattr(joint_counts, "values_of", lambda *args: sizes.append(args[-1]) or values_of(*args))
    np.testing.assert_array_equal(kernel(*of_both), whole)
    assert sizes == [3] * 6 + [2]


def test_token_covariances_on_counts():
    covariance = [[2, 1, 0], [1, 3, "1/2"], [0, "1/2", 1]]
    net = serial(TokenEmbedding("1/2", covariance=covariance), Positions(1), TiedAttention(), Flatten())
    x = np.random.default_rng(2).integers(3, size=(6, 4))
    np.testing.assert_allclose(by_joint_counts(net, "nngp", x, x, 3), net.nngp(x), rtol=1e-12)
    position = serial(TokenEmbedding("1/2", covariance=covariance)).nngp([0, 1, 2], [1, 1, 2])
    np.testing.assert_allclose(position, 0.5 * np.array([[1, 1, 0], [3, 3, 0.5], [0.5, 0.5, 1]]), rtol=1e-15)


def dense_of(cells, values, classes):
    """The kernel between positions that the values over count cells stand for."""
    matrix = np.empty((len(classes), len(classes)))
    size = len(cells.counts)
    for s, c in enumerate(classes):
        for t, d in enumerate(classes):
            matrix[s, t] = values[size**2 + c, 0] if s == t else values[c * size + d, 0]
    return matrix


@given(st.lists(st.integers(0, 3), min_size=3, max_size=3).filter(any), st.integers(0, 2**20), st.booleans())
@settings(max_examples=60, deadline=None)
def test_products_and_softmax_over_classes(counts, seed, has_query):
    """Empty classes, classes of one position, and a query, against matrices between positions."""
    rng = np.random.default_rng(seed)
    counts = [*counts, 1] if has_query else counts
    classes = np.repeat(np.arange(len(counts)), counts)
    tokens = np.arange(len(counts))[:, None]
    cells = CountCells.from_classes(tokens, tokens, np.array(counts)[:, None], has_query)
    plain = PositionCells.from_tokens(classes[:, None], classes[:, None], has_query)
    left, right = (rng.standard_normal((cells.size, 1)) for _ in range(2))

    def position_values(values):
        return dense_of(cells, values, classes).reshape(-1, 1)

    def same(values, expected):
        np.testing.assert_allclose(position_values(values), expected, rtol=1e-10, atol=1e-12)

    attended, expected = cells.softmax(left), plain.softmax(position_values(left))
    same(attended, expected)
    np.testing.assert_allclose(plain.matrices(expected).sum(axis=-1), 1, rtol=1e-12)
    same(cells.mask_keys(left), plain.mask_keys(position_values(left)))
    attended = cells.attend(right, attended, cells.mask_keys(left))
    same(attended, plain.attend(position_values(right), expected, plain.mask_keys(position_values(left))))
    matrices = (
        plain.matrices(values) for values in (expected, position_values(right), plain.mask_keys(position_values(left)))
    )
    first, middle, last = matrices
    np.testing.assert_allclose(
        plain.matrices(position_values(attended)), first @ middle @ np.swapaxes(last, 1, 2), rtol=1e-10, atol=1e-12
    )
    total = np.einsum("c...,c...->...", cells.weights, right)
    assert total == pytest.approx(
        np.einsum("c...,c...->...", plain.weights, position_values(right)), rel=1e-10, abs=1e-10
    )


@pytest.mark.parametrize(
    ("tables", "error", "message"),
    [
        ([[1.0, 0], [0, 1]], InvalidTypeError, "^N must hold integers, got entries of type float64"),
        ([1, 2], InvalidArgumentError, r"^N must be of shape \(..., V, V\), got \(2,\)"),
        ([[1, 2, 0], [1, 0, 0]], InvalidArgumentError, r"^N must be of shape \(..., V, V\), got \(2, 3\)"),
        ([[1, -1], [1, 1]], InvalidArgumentError, "^N must hold counts of at least 0, got -1"),
        ([[0, 0], [0, 0]], InvalidArgumentError, "^N must count at least 1 positions"),
        ([[[1, 0], [0, 0]], [[1, 1], [0, 0]]], InvalidArgumentError, r"^N must have tables of one sum, got \[1, 2\]"),
    ],
)
def test_table_errors(tables, error, message):
    kernel = architecture("linear-block", token_variance=1, position_variance=1).joint_count_kernel()
    with pytest.raises(error, match=message):
        kernel(tables)


def test_extra_token_errors():
    pooled = architecture("linear-block", token_variance=1, position_variance=1).joint_count_kernel()
    last = architecture("linear-block", "last", token_variance=1, position_variance=1).joint_count_kernel()
    tables = [[1, 0], [2, 1]]
    with pytest.raises(InvalidArgumentError, match="extra must be left out"):
        pooled(tables, [0, 1])
    with pytest.raises(InvalidArgumentError, match="extra must hold the last tokens of both sequences"):
        last(tables)
    with pytest.raises(InvalidArgumentError, match=r"extra must be of shape \(2,\), got \(1, 2\)"):
        last(tables, [[0, 1]])
    with pytest.raises(InvalidArgumentError, match="extra must hold token ids below 2"):
        last(tables, [0, 2])
    # 5 positions: x = 0 1 1 1 | 0, y = 0 0 0 1 | 1
    assert last(tables, [0, 1]) == pytest.approx(
        architecture("linear-block", "last", token_variance=1, position_variance=1).nngp(
            [0, 1, 1, 1, 0], [0, 0, 0, 1, 1]
        )
    )


def test_networks_without_joint_counts():
    with pytest.raises(
        NotInvariantError, match=r"net must be symmetric .* Positions\(variance=1, covariance='gaussian'\) tells"
    ):
        serial(TokenEmbedding(1), Positions(1, covariance="gaussian"), MeanPool()).joint_count_kernel()
    with pytest.raises(InvalidArchitectureError, match="must end in a readout"):
        serial(TokenEmbedding(1)).joint_count_kernel()
    with pytest.raises(InvalidArgumentError, match="kernel must be nngp or ntk, got 'gp'"):
        architecture("linear-block").joint_count_kernel("gp")
    with pytest.raises(InvalidArgumentError, match=r"N must have tables of 3 x 3 tokens, got \(2, 2\)"):
        serial(TokenEmbedding(1, vocab_size=3), MeanPool()).joint_count_kernel()([[1, 0], [0, 1]])
