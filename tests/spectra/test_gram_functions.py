"""Kernels of every kind as functions of two arrays of sequences: the same numbers whatever form they come in."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from symrep import MatchKernel, block_spectrum, find_invariance_witness, kernels, learning, measures, sampled_spectrum
from symrep.errors import InvalidArgumentError, InvalidTypeError, VerificationError
from symrep.kernels import matches_symbol as m
from symrep.kernels import overlap_symbol as u
from symrep.spectra.dense import dense_spectrum
from symrep.spectra.gram_functions import gram_function, sees_counts
from symrep.testing import check_kernel

UNIFORM = measures.iid_uniform(3)


def relu(readout):
    return kernels.architecture("relu-block", readout, **numbers(readout))


def numbers(readout):
    query = {"query_token_variance": 2, "query_position_variance": "1/3"} if readout == "query" else {}
    return {"token_variance": 1, "position_variance": "1/2", **query}


def tables_of(x, y, vocab_size):
    found = np.zeros((len(x), len(y), vocab_size, vocab_size), int)
    for i, a in enumerate(x):
        for j, b in enumerate(y):
            for v, w in zip(a, b):
                found[i, j, v, w] += 1
    return found


def sequences(columns, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(3, size=(7, columns)), generator.integers(3, size=(5, columns))


@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize("readout", ["pool", "last", "query"])
def test_counts_of_a_network_are_its_kernel(readout, kind):
    net = relu(readout)
    x, y = sequences(5 + (readout == "query"))
    expected = getattr(net, kind)(x, y)
    for kernel in (net.joint_count_kernel(kind), net.match_kernel(kind)):
        assert gram_function(kernel, 3)(x, y) == pytest.approx(expected, rel=1e-12)
        assert gram_function(kernel)(x, y) == pytest.approx(expected, rel=1e-12)
        check_kernel(kernel, 3, 4)


def test_functions_of_tables_and_of_matches():
    weights = np.array([1.0, 2.0, 5.0])
    x, y = sequences(6)
    tables = tables_of(x, y, 3)
    expected = np.einsum("ijvw,v,w->ij", tables, weights, weights) ** 2

    def of_tables(tables):
        return np.einsum("kvw,v,w->k", tables, weights, weights) ** 2

    assert gram_function(of_tables, 3)(x, y) == pytest.approx(expected, rel=1e-13)
    check_kernel(of_tables, 3, 4)
    agree = (x[:, None] == y[None]).sum(axis=2)
    of_counts = MatchKernel(lambda of_x, of_y, matches: (of_x @ weights) * (of_y @ weights) + matches)
    expected = np.outer(weights[x].sum(axis=1), weights[y].sum(axis=1)) + agree
    assert gram_function(of_counts, 3)(x, y) == pytest.approx(expected, rel=1e-13)
    polynomial = gram_function(u * m + 2)(x, y)
    counts = [(z[:, :, None] == np.arange(3)).sum(axis=1) for z in (x, y)]
    assert polynomial == pytest.approx(counts[0] @ counts[1].T * agree + 2, rel=1e-13)


def test_one_argument_means_tables_and_two_mean_sequences():
    def optional(x, y=None):
        return x @ (x if y is None else y).T

    def starred(*arrays):
        return arrays[0] @ arrays[1].T

    x, y = sequences(4)
    for function in (optional, starred, functools.partial(optional), lambda x, y: x @ y.T):
        assert not sees_counts(function) and (gram_function(function, 3)(x, y) == x @ y.T).all()
    assert sees_counts(lambda tables, *, scale=1: tables) and sees_counts(functools.partial(lambda s, t: s * t, 2.0))
    assert not sees_counts(np.add) and not sees_counts(3)


def test_spectra_witnesses_and_simulations_take_them():
    kernel = MatchKernel(lambda of_x, of_y, matches: 2.0**matches)
    blocks = block_spectrum(kernel, UNIFORM, 4)
    dense = dense_spectrum(kernel, 3, 4)
    assert dense.eigenvalues((3, 1)) == pytest.approx(blocks.block((3, 1)).eigenvalues, rel=1e-12)
    assert dense_spectrum(u + m, 3, 2).trace() == pytest.approx(block_spectrum(u + m, UNIFORM, 2).trace(), rel=1e-12)
    assert find_invariance_witness(kernel, 3, 4) is None
    sampled = sampled_spectrum(kernel, UNIFORM, 4, n_samples=60, n_eigenvalues=2, n_replicates=2)
    assert sampled.trace == pytest.approx(16.0, rel=1e-9)
    found = learning.simulate(kernel, UNIFORM, 4, "n_0 - L/3", [20], 0.1, n_repeats=3)
    as_function = learning.simulate(gram_function(kernel, 3), UNIFORM, 4, "n_0 - L/3", [20], 0.1, n_repeats=3)
    assert (found.outputs == as_function.outputs).all()


def test_false_kernels_of_counts_are_found():
    with pytest.raises(VerificationError, match="kernel is not positive semidefinite"):
        check_kernel(MatchKernel(lambda of_x, of_y, matches: -1.0 * matches), 3, 3)
    with pytest.raises(VerificationError, match=r"not symmetric: K\(x, y\) = "):
        check_kernel(lambda tables: tables[:, 0, 1] + 9.0 * np.trace(tables, axis1=1, axis2=2), 3, 3)
    with pytest.raises(VerificationError, match="kernel is not finite"):
        check_kernel(lambda tables: np.full(len(tables), np.nan), 2, 2)


def test_errors():
    with pytest.raises(InvalidTypeError, match="kernel must be a network, a polynomial .* got 'relu'"):
        gram_function("relu")
    with pytest.raises(InvalidArgumentError, match=r"kernel\(counts\) must have shape \(35,\), got \(35, 3\)"):
        gram_function(lambda tables: tables[:, 0], 3)(*sequences(4))
    with pytest.raises(
        InvalidArgumentError, match="extra_token must be left out or 'last' for this kernel, got 'query'"
    ):
        check_kernel(relu("last").match_kernel(), 3, 3, extra_token="query")


def test_block_spectra_refuse_functions_of_sequences():
    net = relu("pool")
    with pytest.raises(
        InvalidTypeError, match=r"function of one array, the joint count tables .* got one of 2; functions of"
    ):
        block_spectrum(lambda x, y: x @ y.T, UNIFORM, 4)
    for method, kernel in ((net.nngp, net), (net.ntk, net.joint_count_kernel("ntk"))):
        assert block_spectrum(method, UNIFORM, 4).levels == block_spectrum(kernel, UNIFORM, 4).levels
    with_default = block_spectrum(lambda tables, power=2: np.trace(tables, axis1=1, axis2=2) ** power, UNIFORM, 3)
    assert with_default.trace() == pytest.approx(9.0, rel=1e-12)


def test_tables_are_of_x_by_y_and_as_large_as_the_vocabulary():
    x, y = np.array([[0, 1, 1], [0, 0, 0]]), np.array([[1, 0, 1], [1, 1, 1]])
    assert gram_function(lambda tables: tables[:, 0, 1])(x, y).tolist() == [[1, 1], [2, 3]]
    assert gram_function(lambda tables: tables[:, 1, 0])(x, y).tolist() == [[1, 0], [0, 0]]
    weights = np.arange(1.0, 6.0)
    for kernel in (
        MatchKernel(lambda of_x, of_y, matches: (of_x @ weights) * (of_y @ weights)),
        lambda tables: np.einsum("kvw,v,w->k", tables, weights, weights),
    ):
        gram_function(kernel, 5)(x, y)
        with pytest.raises(ValueError):
            gram_function(kernel)(x, y)


def test_many_pairs_come_a_few_rows_at_a_time(monkeypatch):
    from symrep.spectra import gram_functions

    monkeypatch.setattr(gram_functions, "_PAIRS_AT_ONCE", 11)
    net, (x, y) = relu("query"), sequences(6)
    for kernel in (net.joint_count_kernel(), net.match_kernel()):
        assert gram_function(kernel, 3)(x, y) == pytest.approx(net.nngp(x, y), rel=1e-12)
    asked = []
    kernel = MatchKernel(lambda of_x, of_y, matches: asked.append(len(matches)) or 1.0 * matches)
    gram_function(kernel, 3)(x, y)
    assert max(asked) <= 11 and sum(asked) == 35


def test_a_query_has_its_place_behind_the_tokens():
    net = relu("query")
    kernel = net.joint_count_kernel()
    by_network, by_counts = (
        learning.simulate(k, measures.iid_uniform(2), 4, "n_0", [16], 0.1, n_repeats=3) for k in (net, kernel)
    )
    assert by_counts.outputs == pytest.approx(by_network.outputs, rel=1e-9) and by_counts.sequences.shape[1] == 5
    expected = block_spectrum(net, measures.iid_uniform(2), 3)
    dense = dense_spectrum(kernel, 2, 3, extra_tokens=1)
    assert dense.eigenvalues((2, 1)) == pytest.approx(expected.block((2, 1)).eigenvalues, abs=1e-12)
    assert find_invariance_witness(kernel, 2, 4, extra_tokens=1) is None
    for call in (
        lambda: dense_spectrum(kernel, 2, 4),
        lambda: find_invariance_witness(net, 2, 4),
        lambda: sampled_spectrum(kernel, measures.iid_uniform(2), 4, n_samples=20, n_eigenvalues=1, n_replicates=2),
    ):
        with pytest.raises(InvalidArgumentError, match="extra_tokens must be 1 for a kernel with a query, got 0"):
            call()


def test_keywords_that_are_given_leave_two_arrays():
    product = functools.partial(lambda x, y=None, scale=1.0: scale * (x @ y.T), scale=2.0)
    x, y = sequences(4)
    assert not sees_counts(product) and (gram_function(product)(x, y) == 2 * x @ y.T).all()


def test_checks_take_truth_values_and_refuse_complex_numbers():
    check_kernel(lambda x, y: (x[:, None] == y[None]).all(axis=2), 2, 2)
    with pytest.raises(InvalidTypeError, match="must be an array of real numbers, got dtype complex128"):
        check_kernel(lambda x, y: np.where((x[:, None] == y).all(2), 1.0, 0.2j), 2, 2)
    with pytest.raises(InvalidTypeError, match="must be an array of real numbers, got dtype object"):
        check_kernel(lambda x, y: (x[:, None] == y).sum(2).astype(object), 2, 2)
    with pytest.raises(InvalidArgumentError, match="coefficients within the range of float64"):
        check_kernel(10**400 * u, 2, 2)
