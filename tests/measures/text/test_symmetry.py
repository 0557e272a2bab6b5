"""Windows, the symmetry of their covariance, principal components and controls, against dense linear algebra and known measures."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import measures
from symrep.errors import InvalidArgumentError
from symrep.measures.text import (
    Estimate,
    covariance_symmetry,
    markov_windows,
    principal_components,
    read_corpus,
    sampled_windows,
    shuffled_corpus,
    shuffled_windows,
    text_windows,
)
from symrep.measures.text.resampling import chunk_weights, energies, estimate, ratio


@pytest.fixture
def numbered(tmp_path):
    """A text whose n-th word is the number n mod 9."""
    path = tmp_path / "numbers.txt"
    path.write_text(" ".join(str(n % 9) for n in range(1000)), encoding="utf-8")
    return read_corpus(path, vocab_size=10, end_of_line=None)


def test_windows_are_where_they_should_be(numbered):
    for length, stride, spacing in ((3, None, 1), (3, 2, 1), (4, None, 3), (2, 1, 5)):
        windows = text_windows(numbered, length, stride=stride, spacing=spacing, n_chunks=8)
        span = (length - 1) * spacing + 1
        step = span if stride is None else stride
        for k, chunk in enumerate(windows.chunks):
            start, end = 125 * k, 125 * (k + 1)
            expected = [list(range(i, i + span, spacing)) for i in range(start, end - span + 1, step)]
            words = [[int(numbered.vocabulary[number]) for number in row] for row in chunk]
            assert words == [[n % 9 for n in row] for row in expected]
        assert windows.length == length and len(windows) == sum(map(len, windows.chunks))


def test_samples_of_windows(numbered):
    windows = text_windows(numbered, 5, n_chunks=9)
    everything = np.concatenate(windows.chunks)
    found = windows.sample(10**6, np.random.default_rng(0))
    assert found.tolist() == everything.tolist()
    some = windows.sample(30, np.random.default_rng(0))
    assert some.shape == (30, 5) and {tuple(row) for row in some} <= {tuple(row) for row in everything}


def one_hot(x, vocab_size):
    return np.eye(vocab_size)[x].reshape(len(x), -1)


def dense_parts(covariance, length, vocab_size):
    """The blocks (L, L, V, V), and their mean on and off the diagonal."""
    blocks = covariance.reshape(length, vocab_size, length, vocab_size).transpose(0, 2, 1, 3)
    own = np.arange(length)
    diagonal = blocks[own, own].mean(axis=0)
    off = (blocks.sum(axis=(0, 1)) - blocks[own, own].sum(axis=0)) / (length * (length - 1))
    return blocks, diagonal, off


@given(st.integers(2, 5), st.integers(2, 4), st.integers(0, 2**20))
@settings(max_examples=25, deadline=None)
def test_energies_against_dense_covariances_of_chunks(length, vocab_size, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, vocab_size, (90, length))
    x[:, 1:] = np.where(rng.random((90, length - 1)) < 0.5, x[:, :-1], x[:, 1:])
    windows = sampled_windows(x, vocab_size, n_chunks=8)
    found = covariance_symmetry(windows, n_resamples=50)
    mean = one_hot(x, vocab_size).mean(axis=0)
    whole = (one_hot(x, vocab_size) - mean).T @ (one_hot(x, vocab_size) - mean) / len(x)
    blocks, diagonal, off = dense_parts(whole, length, vocab_size)
    np.testing.assert_allclose(found.diagonal_block, diagonal, atol=1e-12)
    np.testing.assert_allclose(found.off_diagonal_block, off, atol=1e-12)
    parts = []
    for chunk in windows.chunks:
        centred, joint = one_hot(chunk, vocab_size), one_hot(chunk, vocab_size)
        covariance = centred.T @ joint / len(chunk)
        own = joint.mean(axis=0)
        parts.append(covariance - np.outer(mean, own) - np.outer(own, mean) + np.outer(mean, mean))
    sizes = windows.sizes
    names = ("off_diagonal", "diagonal", "off_diagonal_mean", "diagonal_mean", "toeplitz")
    expected = {name: 0.0 for name in names}
    by_pair = np.zeros((length, length))
    for i, j in product(range(8), repeat=2):
        if i != j:
            share = sizes[i] * sizes[j] / (sizes.sum() ** 2 - (sizes**2).sum())
            (a, a_own, a_off), (b, b_own, b_off) = (dense_parts(parts[k], length, vocab_size) for k in (i, j))
            energy = (a * b).sum(axis=(2, 3))
            by_pair += share * energy
            expected["diagonal"] += share * np.trace(energy)
            expected["off_diagonal"] += share * (energy.sum() - np.trace(energy))
            expected["diagonal_mean"] += share * length * (a_own * b_own).sum()
            expected["off_diagonal_mean"] += share * length * (length - 1) * (a_off * b_off).sum()
            for lag in range(1, length):
                s = np.arange(length - lag)
                lags = [own[s, s + lag].mean(axis=0) for own in (a, b)]
                expected["toeplitz"] += share * 2 * (length - lag) * (lags[0] * lags[1]).sum()
    for name in names:
        assert found.energy(name).value == pytest.approx(expected[name], rel=1e-9, abs=1e-13)
    np.testing.assert_allclose(found.block_energies, by_pair, atol=1e-12)
    fractions = (expected["off_diagonal_mean"] / expected["off_diagonal"], found.off_diagonal_fraction)
    if fractions[1].is_known:
        assert fractions[1].value == pytest.approx(fractions[0], rel=1e-8)
        gap = (expected["toeplitz"] - expected["off_diagonal_mean"]) / expected["off_diagonal"]
        assert found.toeplitz_gap.value == pytest.approx(gap, rel=1e-8, abs=1e-10)


def lazy_covariance(e, length):
    """The correlation of two positions of a lazy chain."""
    positions = np.arange(length)
    return (1 - e) ** np.abs(positions[:, None] - positions[None, :])


def test_intervals_hold_the_fraction_of_a_lazy_chain():
    """C_st = (1 - e)^|s - t| C, so everything is known; and energies have no bias."""
    length, e = 6, 0.4
    chain = measures.lazy_chain("2/5", ["1/2", "1/3", "1/6"])
    r = lazy_covariance(e, length)[~np.eye(length, dtype=bool)]
    p = np.array([1 / 2, 1 / 3, 1 / 6])
    token = ((np.diag(p) - np.outer(p, p)) ** 2).sum()
    fraction = r.mean() ** 2 / (r**2).mean()
    total = (token * length + fraction * (r**2).sum() * token) / (token * length + (r**2).sum() * token)
    rng = np.random.default_rng(7)
    repeats, inside, biases = 60, 0, []
    for _ in range(repeats):
        found = covariance_symmetry(sampled_windows(chain.sample(rng, 400, length), 3), n_resamples=400)
        share = found.off_diagonal_fraction
        inside += share.low <= fraction <= share.high
        biases.append(found.energy("off_diagonal").value - (r**2).sum() * token)
        assert found.total_fraction.low <= total + 0.05 and found.toeplitz_fraction.high > 0.85
    assert inside >= 0.87 * repeats
    assert abs(np.mean(biases)) < 3.5 * np.std(biases) / repeats**0.5
    # the same with squares of noisy estimates is far too large
    naive = [np.trace(found.grams["off_diagonal"]) / 20 for _ in range(1)]
    assert naive[0] > 1.3 * (r**2).sum() * token


def test_the_standard_multiplet_of_a_lazy_chain():
    length, e = 8, 0.5
    p = np.array([0.5, 0.5])
    chain = measures.lazy_chain("1/2", ["1/2", "1/2"])
    found = covariance_symmetry(sampled_windows(chain.sample(np.random.default_rng(1), 60_000, length), 2))
    centring = np.eye(length) - 1 / length
    eigenvalues = np.linalg.eigvalsh(centring @ lazy_covariance(e, length) @ centring)[1:] * 2 * p[0] * p[1]
    (multiplet,) = found.multiplets
    assert multiplet.mean.value == pytest.approx(eigenvalues.mean(), rel=0.01)
    assert multiplet.spread.value == pytest.approx(eigenvalues.std() / eigenvalues.mean(), rel=0.02)
    exchangeable = measures.dirichlet_multinomial([1, 1]).sample(np.random.default_rng(1), 60_000, length)
    assert covariance_symmetry(sampled_windows(exchangeable, 2)).multiplets[0].spread.value < 0.02


@pytest.mark.parametrize(
    "measure",
    [
        measures.frozen_mixture(["1/3", "2/3"], [["1/5", "4/5"], ["3/4", "1/4"]]),
        measures.dirichlet_multinomial([1, 2, 3]),
        measures.urn([5, 5, 5]),
    ],
    ids=repr,
)
def test_exchangeable_samples_are_symmetric(measure):
    samples = measure.sample(np.random.default_rng(3), 20_000, 6)
    found = covariance_symmetry(sampled_windows(samples, measure.vocab_size))
    share = found.off_diagonal_fraction
    assert share.low - 0.02 <= 1 <= share.high + 0.02 and share.high - share.low < 0.2
    assert abs(found.toeplitz_gap.value) < 0.05
    (first,) = principal_components(sampled_windows(samples, measure.vocab_size), 1)
    assert min(first.trivial_weight, first.standard_weight) < 0.05


def test_components_against_dense_eigenvectors():
    rng = np.random.default_rng(2)
    chain = measures.lazy_chain("1/3", ["1/2", "1/3", "1/6"])
    x = chain.sample(rng, 4000, 5)
    windows = sampled_windows(x, 3, n_chunks=8)
    fitted = np.concatenate(windows.chunks[::2])
    covariance = np.cov(one_hot(fitted, 3).T, bias=True)
    eigenvalues, vectors = np.linalg.eigh(covariance)
    measured = np.concatenate(windows.chunks[1::2])
    components = principal_components(windows, 4)
    for number, component in enumerate(components, start=1):
        expected = vectors[:, -number].reshape(5, 3)
        assert abs((component.vector * expected).sum()) == pytest.approx(1, abs=1e-6)
        trivial = np.linalg.norm(expected.mean(axis=0)) ** 2 * 5
        assert component.trivial_weight == pytest.approx(trivial, abs=1e-6)
        assert component.standard_weight + component.trivial_weight == 1
        scores = one_hot(measured, 3) @ expected.ravel()
        assert component.variance.value == pytest.approx(scores.var(), rel=1e-5)
        assert component.variance.low < component.variance.value < component.variance.high
        assert component.leading_tokens(1) == (int((expected**2).sum(axis=0).argmax()),)


def joint(x, s, t, vocab_size):
    return np.bincount(x[:, s] * vocab_size + x[:, t], minlength=vocab_size**2) / len(x)


def test_controls():
    rng = np.random.default_rng(5)
    chain = measures.lazy_chain("1/3", ["1/2", "1/3", "1/6"])
    x = chain.sample(rng, 30_000, 4)
    windows = sampled_windows(x, 3)
    shuffled = np.concatenate(shuffled_windows(windows, rng).chunks)
    assert np.array_equal(np.sort(shuffled, axis=1), np.sort(x, axis=1)) and not np.array_equal(shuffled, x)
    pairs = [joint(shuffled, s, t, 3) for s, t in ((0, 1), (0, 3), (2, 1))]
    assert max(np.abs(a - b).max() for a, b in product(pairs, repeat=2)) < 0.02
    independent = np.concatenate(shuffled_corpus(windows, rng).chunks)
    frequencies = np.bincount(x.ravel(), minlength=3) / x.size
    assert np.abs(joint(independent, 0, 1, 3) - np.outer(frequencies, frequencies).ravel()).max() < 0.01
    markov = np.concatenate(markov_windows(windows, rng).chunks)
    for s, t in ((0, 1), (2, 3), (0, 3)):
        assert np.abs(joint(markov, s, t, 3) - joint(x, s, t, 3)).max() < 0.012
    assert [control.sizes.tolist() for control in (shuffled_windows(windows, rng), markov_windows(windows, rng))] == [
        windows.sizes.tolist()
    ] * 2


def test_a_markov_control_of_a_chain_that_alternates_or_ends():
    alternating = sampled_windows(np.arange(400).reshape(100, 4) % 2, 2)
    found = np.concatenate(markov_windows(alternating, np.random.default_rng(0)).chunks)
    assert (found[:, 0] != found[:, 1]).all() and 0.3 < found[:, 0].mean() < 0.7
    # token 2 occurs at the end alone: nothing is known of what follows it
    ending = sampled_windows(np.tile([0, 1, 0, 2], (100, 1)), 3)
    assert set(np.unique(np.concatenate(markov_windows(ending, np.random.default_rng(0)).chunks))) == {0, 1, 2}


def test_estimates():
    found = estimate(np.array([1.0, 0.0, 2.0, 4.0]), 5)
    half = 2.7764451 * 2 * (5 / 4) ** 0.5  # Student's t with 4 degrees of freedom
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 1 - half, 1 + half))
    assert str(Estimate(1.0, 0.5, 2.0)) == "1 (0.5 to 2)" and Estimate(1.0, 0.5, 2.0).is_resolved
    unknown = ratio(np.ones(4), np.array([0.1, -1.0, 1.0, 2.0]), 4)
    assert not unknown.is_known and str(unknown) == "not resolved" and "resolved" in unknown._latex()
    gram = np.array([[5.0, 1, 2], [1, 7, 3], [2, 3, 9]])
    weights = np.array([[1.0, 1, 1], [2, 1, 0], [3, 0, 0]])
    assert energies(gram, weights)[:2].tolist() == [2.0, 1.0] and np.isnan(energies(gram, weights)[2])
    drawn = chunk_weights(np.array([10, 20]), 500, np.random.default_rng(0))
    assert drawn.shape == (501, 2) and drawn[0].tolist() == [10, 20]
    assert (drawn / [10, 20]).sum(axis=1).tolist() == [2.0] * 501


def test_the_multiplet_of_independent_tokens_is_no_winner_by_chance():
    x = np.random.default_rng(0).integers(0, 30, (400, 6))
    mean = covariance_symmetry(sampled_windows(x, 30)).multiplets[0].mean
    assert mean.value == pytest.approx(1 / 30, abs=0.006)  # .046 where it is measured on what it was chosen by


def test_few_windows_for_many_tokens_are_refused():
    x = np.random.default_rng(0).integers(0, 50, (499, 4))
    with pytest.raises(InvalidArgumentError, match="windows must be at least 500 for 50 tokens, got 499"):
        covariance_symmetry(sampled_windows(x, 50))
    resolved = []
    for seed in range(20):
        x = np.random.default_rng(seed).integers(0, 50, (500, 4))
        resolved.append(covariance_symmetry(sampled_windows(x, 50)).energy("off_diagonal").is_resolved)
    assert sum(resolved) <= 4


def test_samples_share_no_tokens(numbered):
    windows = text_windows(numbered, 5, stride=2, n_chunks=8)
    assert windows.n_overlapping == 3 and text_windows(numbered, 5).n_overlapping == 1
    assert windows.sample(10**6, np.random.default_rng(0)).tolist() == [
        row for chunk in windows.chunks for row in chunk[::3].tolist()
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: text_windows(c, 1), "length must be at least 2, got 1"),
        (lambda c: text_windows(c, 4, spacing=0), "spacing must be at least 1, got 0"),
        (lambda c: text_windows(c, 4, stride=0), "stride must be at least 1, got 0"),
        (lambda c: text_windows(c, 4, n_chunks=7), "n_chunks must be at least 8, got 7"),
        (
            lambda c: text_windows(c, 40),
            "text must have at least 1600 tokens for two windows in each of 20 chunks, got 1000",
        ),
        (lambda c: sampled_windows([[0, 1]] * 39, 2), "samples must be at least 40 for 20 chunks, got 39"),
        (lambda c: sampled_windows([[0]] * 99, 2), "samples must have at least length 2, got 1"),
        (lambda c: sampled_windows([[0, 2]] * 99, 2), "samples must hold token ids below 2, got 2"),
        (lambda c: principal_components(text_windows(c, 4), 0), "n_components must be at least 1, got 0"),
    ],
)
def test_errors(numbered, call, message):
    with pytest.raises(InvalidArgumentError, match=message):
        call(numbered)


WIKITEXT = Path(__file__).parents[4] / "shared" / "data" / "wikitext-2" / "train.txt"
needs_wikitext = pytest.mark.skipif(not WIKITEXT.exists(), reason="needs WikiText-2 in ../shared/data/wikitext-2")


@pytest.mark.slow
@needs_wikitext
@pytest.mark.parametrize(
    ("vocab_size", "skip", "text", "markov"),
    [(50, 0, (0.110, 0.120), (0.08, 0.09)), (100, 100, (0.6, 0.7), (0.04, 0.13))],
)
def test_wikitext(vocab_size, skip, text, markov):
    windows = text_windows(read_corpus(WIKITEXT, vocab_size=vocab_size, skip=skip), 16)
    rng = np.random.default_rng(0)
    share, chain, shuffled = (
        covariance_symmetry(make(windows)).off_diagonal_fraction
        for make in (lambda w: w, lambda w: markov_windows(w, rng), lambda w: shuffled_windows(w, rng))
    )
    assert text[0] < share.value < text[1] and markov[0] < chain.value < markov[1]
    assert shuffled.low - 0.01 <= 1 <= shuffled.high + 0.01
    first = principal_components(windows, 1)[0]
    assert first.trivial_weight > 0.9 if skip else first.trivial_weight < 0.1
