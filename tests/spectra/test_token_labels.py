"""Irreps of renaming tokens on numeric blocks, against dense numpy, closed forms and characters."""

from __future__ import annotations

import numpy as np
import pytest

from symrep import Partition, block_spectrum, kernels, measures, partitions, restriction_coefficient, spectrum
from symrep.errors import InvalidTypeError, NotInvariantError
from symrep.kernels.overlaps import matches_symbol as m
from symrep.kernels.overlaps import overlap_symbol as u
from symrep.spectra.comparisons import compare_spectra
from symrep.spectra.dense import all_sequences, dense_spectrum
from symrep.spectra.level_lists import level_list
from symrep.spectra.token_labels import token_blocks, token_labelled_levels

READOUTS = ("pool", "flatten", "last")


def token_blind_kernel(seed):
    """A symmetric function of joint counts that ignores the names of the tokens and is no polynomial."""
    c = np.random.default_rng(seed).standard_normal(6)

    def kernel(tables):
        N = tables.astype(float)
        rows, columns, diagonal = N.sum(axis=2), N.sum(axis=1), N.diagonal(axis1=1, axis2=2)
        cubic = np.einsum("ivw,ivw,iv->i", N, N, rows) + np.einsum("ivw,ivw,iw->i", N, N, columns)
        turned = np.einsum("ivw,iwv->i", N, N)
        result = np.sin(c[0] * diagonal.sum(axis=1) + c[1] * (rows * columns).sum(axis=1))
        result += c[2] * np.cos((N**2).sum(axis=(1, 2))) + c[3] * np.tanh(turned / 5)
        return result + c[4] * np.cos(cubic) + c[5] * (diagonal**3).sum(axis=1)

    return kernel


def gram_over_all(kernel, vocab_size, length):
    hot = (all_sequences(vocab_size, length)[:, :, None] == np.arange(vocab_size)).astype(int)
    tables = np.einsum("isv,jsw->ijvw", hot, hot)
    return kernel(tables.reshape(-1, vocab_size, vocab_size)).reshape(len(hot), len(hot))


def symmetric_measures(vocab_size):
    rows = np.full((vocab_size, vocab_size), 1).tolist()
    for v in range(vocab_size):
        rows[v][v] = 3
    rows = [[f"{entry}/{vocab_size + 2}" for entry in row] for row in rows]
    mixture = measures.frozen_mixture([f"1/{vocab_size}"] * vocab_size, rows)
    return [measures.iid_uniform(vocab_size), measures.dirichlet_multinomial([2] * vocab_size), mixture]


def probabilities_of(measure, vocab_size, length):
    return np.array([float(measure.probability(x)) for x in all_sequences(vocab_size, length).tolist()])


@pytest.mark.parametrize(("vocab_size", "length"), [(1, 3), (2, 6), (3, 4), (4, 3)])
@pytest.mark.parametrize("number", range(3))
def test_labels_of_random_kernels_against_dense(vocab_size, length, number):
    measure = symmetric_measures(vocab_size)[number]
    kernel = token_blind_kernel(10 * vocab_size + length)
    blocks = block_spectrum(kernel, measure, length)
    gram, weights = gram_over_all(kernel, vocab_size, length), probabilities_of(measure, vocab_size, length)
    dense = dense_spectrum(gram, vocab_size, length, probabilities=weights, token_symmetry=True)
    for block in blocks.blocks:
        for part in token_blocks(block):
            labels = part.shape, part.token_shape
            levels = [level for level in dense.levels if (level.shape, level.token_shape) == labels]
            expected = np.repeat([x.eigenvalue for x in levels], [x.degeneracy // part.degeneracy for x in levels])
            assert len(expected) == part.size
            assert np.sort(expected)[::-1] == pytest.approx(part.eigenvalues, abs=1e-12 * np.abs(gram).max())
    assert compare_spectra(level_list(blocks, token_labels=True), dense, rtol=1e-12)


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("vocab_size", [2, 3])
def test_labels_of_networks_against_closed_forms(readout, vocab_size):
    net = kernels.architecture("linear-block", readout, token_variance=1, position_variance="1/2")
    uniform = measures.iid_uniform(vocab_size)
    exact, blocks = spectrum(net, uniform, 6), block_spectrum(net, uniform, 6)
    comparison = compare_spectra(exact, level_list(blocks, token_labels=True), rtol=1e-12)
    assert comparison and all(level.token_shape is not None for level in comparison.levels)
    assert sum(level.degeneracy for level in comparison.levels) == sum(level.degeneracy for level in exact.levels)


def test_labels_with_an_extra_token_against_dense():
    net = kernels.serial(kernels.TokenEmbedding(1), kernels.Positions(1), kernels.Relu(), kernels.LastToken())
    blocks = block_spectrum(net, measures.iid_uniform(3), 4)
    dense = dense_spectrum(net, 3, 3, extra_tokens=1, token_symmetry=True)
    comparison = compare_spectra(level_list(blocks, token_labels=True), dense, rtol=1e-12)
    assert comparison and {str(level.token_shape) for level in comparison.levels} >= {"(3)", "(2,1)"}


def test_eigenvalues_of_several_token_shapes_give_a_level_for_each():
    block = block_spectrum(m, measures.iid_uniform(3), 4).block((2, 2))
    assert token_labelled_levels(block) == ()
    block = block_spectrum(m**2, measures.iid_uniform(3), 4).block((2, 2))
    levels = token_labelled_levels(block)
    # functions of two positions: W_(2) of the zero-mean functions of a token
    assert sorted((str(level.token_shape), level.degeneracy) for level in levels) == [("(2,1)", 4), ("(3)", 2)]
    assert [level.eigenvalue for level in levels] == pytest.approx([2 / 9] * 2, abs=1e-14)
    several = token_labelled_levels(block_spectrum(u, measures.iid_uniform(3), 4).block((4,)))
    assert [level.eigenvalue for level in several] == pytest.approx([16 / 3, 4 / 3], abs=1e-13)


@pytest.mark.parametrize(("vocab_size", "length"), [(3, 9), (4, 5)])
def test_multiplicities_are_restriction_coefficients(vocab_size, length):
    shapes = list(partitions(length, max_length=vocab_size))[1::3]
    for block in block_spectrum(m, measures.iid_uniform(vocab_size), length, shapes=shapes).blocks:
        sizes = {part.token_shape: part.size for part in token_blocks(block)}
        for token_shape in partitions(vocab_size):
            assert sizes.get(token_shape, 0) == restriction_coefficient(block.shape, token_shape)


def test_vectors_are_orthonormal_and_invariant():
    block = block_spectrum(token_blind_kernel(1), measures.iid_uniform(3), 8).block((4, 3, 1))
    for part in token_blocks(block):
        assert part.vectors.T @ part.vectors == pytest.approx(np.eye(part.size), abs=1e-12)
        assert block.matrix @ part.vectors == pytest.approx(part.vectors @ part.matrix, abs=1e-12)
        assert part.degeneracy == part.shape.dimension * part.token_shape.dimension


def test_tokens_that_differ_are_refused():
    skew = block_spectrum(u, measures.iid(["1/2", "1/4", "1/4"]), 4).block((4,))
    with pytest.raises(NotInvariantError, match=r"measure must not change when tokens are renamed, got iid\("):
        token_blocks(skew)
    first = block_spectrum(lambda N: N[:, 1, 1] ** 2.0, measures.iid_uniform(3), 4).block((3, 1))
    with pytest.raises(NotInvariantError, match=r"kernel .* a block of \(3,1\) .* when tokens 0 and 1 are exchanged"):
        token_blocks(first)
    last = block_spectrum(lambda N: N[:, 2, 2] ** 2.0, measures.iid_uniform(3), 4).block((3, 1))
    with pytest.raises(NotInvariantError, match="when tokens 1 and 2 are exchanged"):
        token_labelled_levels(last)
    with pytest.raises(InvalidTypeError, match="block must be a block of a block spectrum, got <BlockSpectrum"):
        token_blocks(block_spectrum(u, measures.iid_uniform(2), 2))


def test_repr():
    block = block_spectrum(m, measures.iid_uniform(2), 3).block((2, 1))
    assert repr(token_blocks(block)) == "(TokenBlock((2,1), (2), size=1), TokenBlock((2,1), (1,1), size=1))"
    assert token_blocks(block)[0].shape == Partition((2, 1))
