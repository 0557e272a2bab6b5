"""Split multiplets against dense diagonalisation under measures that are not exchangeable."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from pydoc_data.topics import topics

import numpy as np
import pytest
import sympy

from symrep import block_spectrum, kernels, measures
from symrep.errors import InvalidArgumentError, InvalidTypeError, SizeLimitError
from symrep.measures import hidden_markov, iid, iid_uniform, lazy_chain, log_count_probabilities, shuffled
from symrep.spectra.dense import all_sequences, dense_operator
from symrep.spectra.multiplets import multiplet_functions, overlaps
from symrep.spectra.perturbation import split_multiplets, split_overlaps, truncated_eigenvalues

LINEAR = kernels.serial(
    kernels.TokenEmbedding(1), kernels.Positions(1), kernels.LinearAttention(normalized=True), kernels.MeanPool()
)
RELU = kernels.serial(
    kernels.TokenEmbedding(1),
    kernels.Positions(1),
    kernels.LinearAttention(normalized=True),
    kernels.Relu(),
    kernels.MeanPool(),
)
QUERY = kernels.serial(
    kernels.TokenEmbedding(1),
    kernels.Positions(1),
    kernels.LinearAttention(normalized=True),
    kernels.Relu(),
    kernels.LastToken(),
)
HALF, THIRDS, SIXTHS = ["1/2", "1/2"], ["1/3", "2/3"], ["1/2", "1/3", "1/6"]
WANDERING = hidden_markov(
    ["1/4", "3/4"], [["2/3", "1/3"], ["1/5", "4/5"]], [["1/2", "1/3", "1/6"], ["1/10", "2/5", "1/2"]]
)


def probabilities(measure, x, vocab_size):
    if hasattr(measure, "log_probabilities"):
        return np.exp(measure.log_probabilities(x))
    return np.exp(log_count_probabilities(measure, (x[:, :, None] == np.arange(vocab_size)).sum(axis=1)))


def dense_eigenvalues(net, measure, length):
    """The second route: the operator on all sequences, built entry by entry."""
    x = all_sequences(measure.vocab_size, length)
    return np.linalg.eigvalsh(dense_operator(net.nngp(x), probabilities(measure, x, measure.vocab_size)))[::-1]


@pytest.mark.parametrize(
    "measure, length",
    [(iid(THIRDS), 7), (iid(SIXTHS), 5), (measures.dirichlet_multinomial([1, 2, 3]), 4), (iid_uniform(4), 4)],
)
def test_functions_of_a_multiplet_are_an_orthonormal_basis_of_an_irrep(measure, length):
    vocab_size = measure.vocab_size
    spectrum = block_spectrum(RELU, measure, length)
    x = all_sequences(vocab_size, length)
    weights = probabilities(measure, x, vocab_size)
    together = []
    for block in spectrum.blocks:
        for index in range(min(block.size, 3)):
            values = multiplet_functions(block, index, x)
            together.append(values)
            assert values.shape == (len(x), block.degeneracy)
            # the same space after a permutation: a matrix of the irrep, orthogonal
            moved = multiplet_functions(block, index, np.roll(x, 1, axis=1))
            matrix = (values.T * weights) @ moved
            np.testing.assert_allclose(values @ matrix, moved, atol=1e-10)
    everything = np.hstack(together)
    np.testing.assert_allclose((everything.T * weights) @ everything, np.eye(everything.shape[1]), atol=1e-10)
    # few sequences take the other way of evaluation
    np.testing.assert_allclose(
        multiplet_functions(spectrum.blocks[1], 0, x[5:7]), together[min(3, spectrum.blocks[0].size)][5:7]
    )


@pytest.mark.parametrize(
    "net, reference, measure, length",
    [
        (RELU, iid_uniform(2), lazy_chain("1/3", HALF), 8),
        (LINEAR, iid(SIXTHS), lazy_chain("1/5", SIXTHS), 4),
        (RELU, iid_uniform(3), WANDERING, 4),
        # nearly frozen: far from every exchangeable measure but its symmetric part
        (RELU, iid(THIRDS), lazy_chain("1/100000", THIRDS), 6),
    ],
)
def test_all_multiplets_together_are_exact(net, reference, measure, length):
    dense = dense_eigenvalues(net, measure, length)
    spectrum = block_spectrum(net, reference, length)
    found = truncated_eigenvalues(spectrum, measure)
    np.testing.assert_allclose(found, dense[: len(found)], atol=1e-12 * dense[0])
    # a part of them is a lower bound
    part = truncated_eigenvalues(spectrum, measure, shapes=spectrum.shapes[:2])
    assert (part <= dense[: len(part)] + 1e-12).all() and part[0] > 0.5 * dense[0]


def exponents(net, distribution, length, reference_of, gap):
    """How the largest errors at first and second order fall with delta = 1 - e: slopes in a log-log fit."""
    deltas = 2.0 ** -np.arange(5, 9)
    errors = []
    for delta in deltas:
        chain = lazy_chain(1 - delta, distribution)
        dense = dense_eigenvalues(net, chain, length)
        found = overlaps(block_spectrum(net, reference_of(chain), length), chain)
        split = [split_overlaps(found, order, gap).eigenvalues for order in (1, 2)]
        errors.append([np.abs(values - dense[: len(values)]).max() for values in split])
    return np.polyfit(np.log(deltas), np.log(np.array(errors)), 1)[0]


@pytest.mark.parametrize(
    "net, distribution, length, gap",
    [
        (LINEAR, HALF, 8, 1e-9),
        pytest.param(RELU, HALF, 8, 1e-9, marks=pytest.mark.slow),
        (LINEAR, SIXTHS, 4, 0.05),
        pytest.param(RELU, SIXTHS, 4, 0.1, marks=pytest.mark.slow),
    ],
)
def test_errors_fall_as_the_second_and_third_power(net, distribution, length, gap):
    first, second = exponents(net, distribution, length, lambda chain: iid(distribution), gap)
    assert first == pytest.approx(2, abs=0.1)
    assert second == pytest.approx(3, abs=0.25)


def test_the_symmetric_part_is_a_better_reference():
    """The same orders from the symmetric part, and useful numbers half way to the frozen chain."""
    first, second = exponents(LINEAR, HALF, 6, lambda chain: shuffled(chain, 6), 1e-9)
    assert first == pytest.approx(2, abs=0.1) and second == pytest.approx(3, abs=0.25)
    chain = lazy_chain("1/2", HALF)
    dense = dense_eigenvalues(LINEAR, chain, 6)
    for reference, worst in ((iid(HALF), 0.05), (shuffled(chain, 6), 0.001)):
        found = split_multiplets(block_spectrum(LINEAR, reference, 6), chain).eigenvalues
        assert np.abs(found - dense[: len(found)]).max() == pytest.approx(worst, rel=0.7)


def test_block_spectra_of_symmetric_parts():
    for net, model, length in ((RELU, lazy_chain("1/4", THIRDS), 6), (LINEAR, WANDERING, 4)):
        part = shuffled(model, length)
        spectrum = block_spectrum(net, part, length)
        found = np.sort(np.concatenate([np.repeat(b.eigenvalues, b.degeneracy) for b in spectrum.blocks]))[::-1]
        dense = dense_eigenvalues(net, part, length)
        np.testing.assert_allclose(found, dense, atol=1e-13 * dense[0])
    with pytest.raises(InvalidArgumentError, match="length must be at most 4"):
        block_spectrum(LINEAR, part, 5)


def test_mixing_tells_when_the_expansion_fails_and_the_gap_mends_it():
    """Two standard multiplets of the linear block at SIXTHS are closer than their coupling."""
    chain = lazy_chain("19/20", SIXTHS)
    dense = dense_eigenvalues(LINEAR, chain, 4)
    found = overlaps(block_spectrum(LINEAR, iid(SIXTHS), 4), chain)
    apart, together = split_overlaps(found, 2), split_overlaps(found, 2, gap=0.05)
    assert max(level.mixing for level in apart.levels) > 1 > 0.2 > max(level.mixing for level in together.levels)
    errors = [np.abs(split.eigenvalues - dense[: len(split.eigenvalues)]).max() for split in (apart, together)]
    assert errors[0] > 30 * errors[1]
    assert [level.degeneracy for level in together.levels].count(6) == 1


def test_exactly_degenerate_shapes_are_one_level():
    """A kernel of m alone has one eigenvalue for several shapes: degree j, binomial(L, j) times."""

    def matches(tables):
        return np.exp(np.trace(tables, axis1=1, axis2=2) / 2)

    spectrum = block_spectrum(matches, iid_uniform(2), 5)
    split = split_multiplets(spectrum, lazy_chain("9/10", HALF), order=2)
    assert [level.degeneracy for level in split.levels] == [1, 5, 10, 10, 5, 1]
    assert [len(level.shapes) for level in split.levels] == [1, 2, 3, 3, 2, 1]
    with pytest.raises(InvalidArgumentError, match="shape must be asked of a level with one irrep"):
        split.levels[1].shape
    assert split_multiplets(spectrum, iid_uniform(2)).levels[2].spread < 1e-12


def test_last_tokens_and_chosen_levels():
    spectrum = block_spectrum(QUERY, iid_uniform(2), 5)
    assert spectrum.extra_token is not None
    chain = lazy_chain("9/10", HALF)
    found = overlaps(spectrum, chain, levels=[((4,), 0), ((3, 1), 1)])
    x = all_sequences(2, 5)
    values = np.hstack(
        [multiplet_functions(spectrum.block((4,)), 0, x), multiplet_functions(spectrum.block((3, 1)), 1, x)]
    )
    np.testing.assert_allclose(found.matrix, (values.T * probabilities(chain, x, 2)) @ values, atol=1e-13)
    one_by_one = np.vstack([multiplet_functions(spectrum.block((3, 1)), 1, x[i : i + 1]) for i in range(len(x))])
    np.testing.assert_allclose(one_by_one, values[:, 1:], atol=1e-12)
    dense = dense_eigenvalues(QUERY, chain, 5)
    found_all = truncated_eigenvalues(spectrum, chain)
    np.testing.assert_allclose(found_all, dense[: len(found_all)], atol=1e-13)
    split = split_overlaps(found)
    assert [level.shape.parts for level in split.levels] == [(4,), (3, 1)] and split.levels[1].degeneracy == 3
    np.testing.assert_allclose(
        split.levels[1].predicted.mean(), np.trace(found.matrix[1:, 1:]) / 3 * split.levels[1].eigenvalue
    )


def test_sampled_overlaps_agree_with_enumeration():
    chain = lazy_chain("4/5", THIRDS)
    spectrum = block_spectrum(LINEAR, iid(THIRDS), 6)
    shapes = [(6,), (5, 1)]
    exact = overlaps(spectrum, chain, shapes=shapes)
    generator = np.random.default_rng(3)
    drawn = overlaps(spectrum, chain.sample(generator, 40_000, 6), shapes=shapes, n_blocks=50)
    # from the reference with weights instead
    free = iid(THIRDS).sample(generator, 40_000, 6)
    ratio = chain.log_probabilities(free) - lazy_chain(1, THIRDS).log_probabilities(free)
    weighted = overlaps(spectrum, free, shapes=shapes, log_weights=ratio + 700, n_blocks=50)
    upper = np.triu_indices(len(exact.matrix))
    for found in (drawn, weighted):
        scores = ((found.matrix - exact.matrix) / found.errors)[upper]
        assert np.abs(scores).max() < 5 and 0.6 < np.sqrt((scores**2).mean()) < 1.5
    split, truth = split_overlaps(drawn, 2), split_overlaps(exact, 2)
    for level, wanted in zip(split.levels, truth.levels):
        assert np.abs(level.predicted - wanted.predicted).max() < 6 * level.errors.max() + 0.02 * wanted.eigenvalue
    assert truth.levels[0].errors is None and "largest error" in str(split.table()) and "40000" in str(split.table())
    assert "mixing" in truth.table().to_csv() and "error" not in truth.table().to_csv().splitlines()[0]


def test_repeated_sequences_and_blocks():
    """Distinct sequences are evaluated once: replicates must be those of leaving out the rows of a group."""
    spectrum = block_spectrum(RELU, iid_uniform(2), 4)
    data = lazy_chain("1/2", HALF).sample(np.random.default_rng(0), 60, 4)
    found = overlaps(spectrum, data, shapes=[(3, 1)], n_blocks=3)
    values = np.hstack([multiplet_functions(spectrum.block((3, 1)), i, data) for i in range(3)])
    np.testing.assert_allclose(found.matrix, values.T @ values / 60, atol=1e-12)
    for group, replicate in enumerate(found.replicates):
        kept = np.delete(values, np.s_[20 * group : 20 * group + 20], axis=0)
        np.testing.assert_allclose(replicate, kept.T @ kept / 40, atol=1e-12)


def test_multiplets_that_are_close_and_negative():
    """The formula entry by entry, for clusters of several eigenvalues of either sign."""
    spectrum = block_spectrum(lambda N: 7 - np.exp(np.trace(N, axis1=1, axis2=2) / 2), iid(THIRDS), 4)
    found = overlaps(spectrum, lazy_chain("4/5", THIRDS))
    values, G = found.eigenvalues, found.matrix
    for gap in (1e-9, 0.5):
        split = split_overlaps(found, 2, gap)
        assert split.levels[0].eigenvalue > 0 > split.levels[-1].eigenvalue
        start, order = 0, np.argsort(-values, kind="stable")
        ends = np.cumsum([level.degeneracy for level in split.levels])[:-1]
        distances = -np.diff(values[order]) / np.maximum.reduce(np.abs([values[order][1:], values[order][:-1]]))
        assert set(np.flatnonzero(distances > gap) + 1) == set(ends)
        for level in split.levels:
            inside, start = order[start : start + level.degeneracy], start + level.degeneracy
            matrix = np.zeros((len(inside), len(inside)))
            for (a, i), (b, j) in itertools.product(enumerate(inside), repeat=2):
                outside = [k for k in range(len(values)) if k not in inside]
                second = sum(
                    values[k] * G[i, k] * G[k, j] * (1 / (values[i] - values[k]) + 1 / (values[j] - values[k])) / 2
                    for k in outside
                )
                matrix[a, b] = np.sign(values[i]) * np.sqrt(values[i] * values[j]) * (G[i, j] + second)
            np.testing.assert_allclose(level.predicted, np.linalg.eigvalsh(matrix)[::-1], atol=1e-12)
            assert level.eigenvalue == pytest.approx(values[inside].mean())
            mixing = [
                np.linalg.norm(np.sqrt(np.abs(np.outer(values[inside], values[own]))) * G[np.ix_(inside, own)], 2)
                / np.abs(np.subtract.outer(values[inside], values[own])).min()
                for own in np.split(order, ends)
                if own[0] != inside[0]
            ]
            assert level.mixing == pytest.approx(max(mixing))
    assert len(split.levels) < len(found.levels) - 1


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_kernels_of_any_size(scale):
    """Products of two eigenvalues leave the range of floats; splitting, mixing, spread and errors are linear or ratios."""

    def kernel(tables, factor=1.0):
        return factor * np.exp(np.trace(tables, axis1=1, axis2=2) / 3 - tables[:, 0, 0] ** 2 / 9)

    one, other = (block_spectrum(lambda N: kernel(N, factor), iid(THIRDS), 4) for factor in (1.0, scale))
    chain = lazy_chain("4/5", THIRDS)
    for data in (chain, chain.sample(np.random.default_rng(0), 400, 4)):
        for order in (1, 2):
            plain, scaled = (
                split_multiplets(spectrum, data, order=order, n_blocks=5).levels for spectrum in (one, other)
            )
            assert max(level.mixing for level in plain) > 0.01
            for level, moved in zip(plain, scaled, strict=True):
                np.testing.assert_allclose(moved.predicted / scale, level.predicted, rtol=1e-9, atol=1e-13)
                assert moved.mixing == pytest.approx(level.mixing, rel=1e-7, abs=1e-12)
                assert moved.spread / scale == pytest.approx(level.spread, rel=1e-7, abs=1e-13)
                if level.errors is not None:
                    np.testing.assert_allclose(moved.errors / scale, level.errors, rtol=1e-7, atol=1e-13)


def test_sequences_without_weight_may_be_impossible():
    """Weights minus infinity: impossible under the data's measure, and here under the reference."""
    frozen = block_spectrum(LINEAR, lazy_reference(), 3)
    data = [[0, 0, 0], [1, 1, 1], [0, 1, 0]]
    weighted = overlaps(frozen, data * 4, log_weights=[0, 0, -np.inf] * 4, n_blocks=4)
    np.testing.assert_allclose(weighted.matrix, overlaps(frozen, data[:2] * 4, n_blocks=4).matrix, atol=1e-14)


SPECTRUM = block_spectrum(LINEAR, iid_uniform(2), 4)
DATA = np.array(list(itertools.product(range(2), repeat=4)) * 2)


@pytest.mark.parametrize(
    "build, error, message",
    [
        (lambda: split_multiplets("x", DATA), InvalidTypeError, "spectrum must be a BlockSpectrum"),
        (lambda: split_multiplets(SPECTRUM, DATA[:, :3]), InvalidArgumentError, r"data must have shape \(n, 4\)"),
        (lambda: split_multiplets(SPECTRUM, DATA[:5]), InvalidArgumentError, "at least n_blocks = 20 sequences, got 5"),
        (lambda: split_multiplets(SPECTRUM, DATA + 1), InvalidArgumentError, "data must hold token ids below 2"),
        (lambda: split_multiplets(SPECTRUM, DATA / 2), InvalidTypeError, "data must hold integer"),
        (lambda: split_multiplets(SPECTRUM, WANDERING), InvalidArgumentError, "data must have the 2 tokens"),
        (lambda: split_multiplets(SPECTRUM, kernels), InvalidTypeError, "data must hold integer"),
        (lambda: split_multiplets(SPECTRUM, SPECTRUM), InvalidTypeError, "data must be a measure or an array"),
        (
            lambda: split_multiplets(SPECTRUM, measures.urn([1, 2])),
            InvalidArgumentError,
            "data must have sequences of length 4",
        ),
        (
            lambda: split_multiplets(SPECTRUM, DATA, log_weights="a"),
            InvalidTypeError,
            "log_weights must be an array of real",
        ),
        (lambda: split_multiplets(SPECTRUM, DATA, order=3), InvalidArgumentError, "order must be 1 or 2, got 3"),
        (lambda: split_multiplets(SPECTRUM, DATA, gap=1), InvalidArgumentError, "gap must be a number from 0"),
        (lambda: split_multiplets(SPECTRUM, DATA, gap="a"), InvalidArgumentError, "gap must be a number from 0"),
        (lambda: split_multiplets(SPECTRUM, DATA, n_blocks=1), InvalidArgumentError, "n_blocks must be at least 2"),
        (lambda: split_multiplets(SPECTRUM, DATA, shapes=[(3, 2)]), InvalidArgumentError, "shape must be one of"),
        (lambda: split_multiplets(SPECTRUM, DATA, shapes=5), InvalidTypeError, "shapes must be a sequence"),
        (lambda: split_multiplets(SPECTRUM, DATA, shapes=(3, 1)), InvalidArgumentError, "shapes is not a partition"),
        (lambda: multiplet_functions(5, 0, DATA), InvalidTypeError, "block must be a block of a block spectrum, got 5"),
        (
            lambda: multiplet_functions(SPECTRUM.blocks[0], 0, DATA[:, :3]),
            InvalidArgumentError,
            r"sequences must have shape \(n, 4\), got \(32, 3\)",
        ),
        (lambda: split_multiplets(SPECTRUM, DATA, shapes=[]), InvalidArgumentError, "shapes must hold eigenvalues"),
        (
            lambda: split_multiplets(SPECTRUM, DATA, shapes=[(4,)], levels=[]),
            InvalidArgumentError,
            "levels must not be given",
        ),
        (lambda: split_multiplets(SPECTRUM, DATA, levels=[(4,)]), InvalidArgumentError, "levels must hold pairs"),
        (lambda: split_multiplets(SPECTRUM, DATA, levels=[((4,), 9)]), InvalidArgumentError, "an index below 5"),
        (lambda: split_multiplets(SPECTRUM, DATA, levels=[((4,), 4)]), InvalidArgumentError, "can be told from 0"),
        (
            lambda: split_multiplets(SPECTRUM, DATA, levels=[((4,), 0)] * 2),
            InvalidArgumentError,
            "levels must be distinct",
        ),
        (
            lambda: split_multiplets(SPECTRUM, DATA, log_weights=[0]),
            InvalidArgumentError,
            "log_weights must be 32 numbers",
        ),
        (
            lambda: split_multiplets(SPECTRUM, DATA, log_weights=[0] + [-np.inf] * 31),
            InvalidArgumentError,
            "log_weights must not be carried by one group",
        ),
        (
            lambda: split_multiplets(SPECTRUM, DATA, log_weights=[np.nan] * 32),
            InvalidArgumentError,
            "log_weights must be fin",
        ),
        (
            lambda: split_multiplets(SPECTRUM, lazy_chain(1, HALF), log_weights=[0]),
            InvalidArgumentError,
            "log_weights must be None for a measure",
        ),
        (lambda: split_multiplets(SPECTRUM, DATA, memory_limit=1000), SizeLimitError, "choose fewer shapes or levels"),
        (
            lambda: split_multiplets(
                block_spectrum(LINEAR, iid_uniform(2), 24, shapes=[(24,)]), lazy_chain("1/2", HALF)
            ),
            SizeLimitError,
            r"2\^24 sequences",
        ),
        (
            lambda: split_multiplets(block_spectrum(LINEAR, lazy_reference(), 4), DATA),
            InvalidArgumentError,
            r"must be possible under the reference measure .* got the sequence \(0, 0, 0, 1\)",
        ),
        (
            lambda: multiplet_functions(
                block_spectrum(LINEAR, iid_uniform(2), 24, shapes=[(12, 12)]).blocks[0], 0, [[0] * 24]
            ),
            SizeLimitError,
            "polytabloids of shape",
        ),
    ],
)
def test_errors(build, error, message):
    with pytest.raises(error, match=message):
        build()


def lazy_reference():
    """Frozen: all tokens equal."""
    return measures.frozen_mixture(HALF, [[1, 0], [0, 1]])


def test_real_text_splits_the_multiplets_as_predicted():
    """Words of Python's own help, frequent or not, in windows of eight: the chain of a corpus, not of a model."""
    text = " ".join(topics[name] for name in sorted(topics)).lower()
    words = re.findall(r"[a-z]+", text)
    frequent = {word for word, _ in Counter(words).most_common(20)}
    rare = np.array([word not in frequent for word in words], dtype=int)
    windows = rare[: len(rare) // 8 * 8].reshape(-1, 8)
    q = np.bincount(windows @ 2 ** np.arange(8)[::-1], minlength=256) / len(windows)
    share = sympy.Rational(int(windows.sum()), windows.size)
    for name in ("linear-block", "relu-block"):
        net = kernels.architecture(name, token_variance="1/2", position_variance=1)
        root = np.sqrt(q)
        dense = np.linalg.eigvalsh(root[:, None] * net.nngp(all_sequences(2, 8)) * root)[:-10:-1]
        reference = block_spectrum(net, measures.iid([1 - share, share]), 8)
        errors = []
        for order in (1, 2):
            split = split_multiplets(reference, windows, shapes=[(8,), (7, 1)], order=order)
            predicted = np.sort(np.concatenate([level.predicted for level in split.levels]))[:-10:-1]
            errors.append(np.abs(predicted / dense - 1).max())
        unsplit = [level.eigenvalue for level in reference.levels for _ in range(level.degeneracy)][:9]
        assert np.abs(np.array(unsplit) / dense - 1).max() > 0.3
        assert errors[0] < 5e-3 and errors[1] < 2e-3 and errors[1] < errors[0], (name, errors)
