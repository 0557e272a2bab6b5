"""Tests of exchangeability: their statistics summed by hand, their calibration, and what they find."""

from itertools import combinations

import numpy as np
import pytest

from symrep import measures
from symrep.errors import InvalidArgumentError, InvalidTypeError, SizeLimitError
from symrep.measures.text import exchangeability_test
from symrep.measures.text.permutation_tests import _features, _first, _second, _third


def test_statistics_summed_by_hand():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((40, 5, 2))
    means = values.mean(axis=0)
    assert _first(values) == pytest.approx(((means - means.mean(axis=0)) ** 2).sum())
    pairs = [
        np.mean([np.outer(row[s], row[t]) for row in values], axis=0) for s in range(5) for t in range(5) if s != t
    ]
    assert _second(values) == pytest.approx(((np.array(pairs) - np.mean(pairs, axis=0)) ** 2).sum() / 2)
    total = 0.0
    for k in range(2):
        triples = [
            np.mean(values[:, s, k] * values[:, t, k] * values[:, u, k]) for s, t, u in combinations(range(5), 3)
        ]
        total += ((np.array(triples) - np.mean(triples)) ** 2).sum()
    assert _third(values) == pytest.approx(total, rel=1e-5)


def test_features_are_centred_and_do_not_see_order():
    rng = np.random.default_rng(1)
    x = measures.lazy_chain("1/2", ["1/2", "1/3", "1/6"]).sample(rng, 500, 6)
    features = _features(x)
    frequencies = np.bincount(x.ravel(), minlength=3) / x.size
    assert features.shape == (3, 2) and np.abs(frequencies @ features).max() < 1e-12
    np.testing.assert_allclose(_features(rng.permuted(x, axis=1)), features, atol=1e-5)
    within = features[x] - features[x].mean(axis=1, keepdims=True)
    np.testing.assert_allclose((within**2).sum(axis=1).mean(axis=0) / 5, 1, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2, 3])
def test_p_values_are_uniform_on_exchangeable_samples(order):
    rng = np.random.default_rng(order)
    measure = measures.frozen_mixture(["1/3", "2/3"], [["1/5", "1/5", "3/5"], ["3/4", "1/8", "1/8"]])
    found = []
    for seed in range(300):
        samples = measure.sample(rng, 60, 6)
        found.append(exchangeability_test(samples, order=order, n_permutations=99, seed=seed).p_value)
    found = np.array(found)
    for level in (0.05, 0.1, 0.25, 0.5, 0.75):
        error = (level * (1 - level) / len(found)) ** 0.5
        assert abs((found <= level).mean() - level) < 3.5 * error


def test_lazy_chains_fail_increasingly():
    rng = np.random.default_rng(3)
    excesses = []
    for e in ("1", "7/8", "3/4", "1/2"):
        samples = measures.lazy_chain(e, ["1/2", "1/3", "1/6"]).sample(rng, 1500, 8)
        excesses.append(exchangeability_test(samples, order=2))
    assert excesses[0].p_value > 0.01 and [test.p_value for test in excesses[1:]] == [0.005] * 3
    assert all(a.excess < b.excess for a, b in zip(excesses, excesses[1:]))


def test_only_triples_see_a_dependence_of_three_positions():
    """Three of the four tokens multiply to 1, any two are independent."""
    rng = np.random.default_rng(4)
    x = rng.integers(0, 2, (2000, 4))
    x[:, 2] = x[:, 0] ^ x[:, 1]
    assert exchangeability_test(x, order=1).p_value > 0.01
    assert exchangeability_test(x, order=2).p_value > 0.01
    assert exchangeability_test(x, order=3).p_value == 0.005
    assert exchangeability_test(rng.permuted(x, axis=1), order=3).p_value > 0.01


def test_position_means():
    rng = np.random.default_rng(5)
    x = (rng.random((800, 5)) < [0.5, 0.5, 0.5, 0.5, 0.6]).astype(int)
    assert exchangeability_test(x, order=1).p_value == 0.005
    assert exchangeability_test(x, order=1, n_permutations=39).p_value == 1 / 40


def test_samples_that_permutations_do_not_change():
    for order in (1, 2, 3):
        found = exchangeability_test(np.zeros((50, 5), dtype=int), order=order, n_permutations=19)
        assert found.p_value == 1 and found.excess == 0
        assert exchangeability_test([[0] * 5, [1] * 5] * 9, order=order, n_permutations=19).p_value == 1


def test_the_seed_decides():
    x = measures.lazy_chain("15/16", ["1/2", "1/2"]).sample(np.random.default_rng(0), 300, 6)
    first, second, third = (exchangeability_test(x, seed=seed) for seed in (0, 0, 1))
    assert first.null.tolist() == second.null.tolist() != third.null.tolist()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ([[[0, 1]]], {}, InvalidArgumentError, "samples must be at least 2 sequences, got 1"),
        ([[[0, 1]] * 9], {"order": 2}, InvalidArgumentError, "samples must have at least length 3 for order 2, got 2"),
        (
            [[[0, 1, 0]] * 9],
            {"order": 3},
            InvalidArgumentError,
            "samples must have at least length 4 for order 3, got 3",
        ),
        ([[[0, 1, 0]] * 9], {"order": 4}, InvalidArgumentError, "order must be 1, 2 or 3, got 4"),
        ([[[0, 1, 0]] * 9], {"order": 0}, InvalidArgumentError, "order must be at least 1, got 0"),
        ([[[0, 1, 0]] * 9], {"n_permutations": 5}, InvalidArgumentError, "n_permutations must be at least 19, got 5"),
        ([[[0, 1, 2]] * 9], {"vocab_size": 2}, InvalidArgumentError, "samples must hold token ids below 2, got 2"),
        ([[[0, 1.5, 2]] * 9], {}, InvalidTypeError, "samples must hold integer token ids"),
        ([np.zeros((10**6, 20), dtype=int)], {"order": 3}, SizeLimitError, "samples must be fewer at length 20"),
    ],
)
def test_errors(arguments, options, error, message):
    with pytest.raises(error, match=message):
        exchangeability_test(*arguments, **options)


def test_two_languages_do_not_hide_their_order():
    """What is constant within every sequence, here the language, has no variance there: no feature but rounding errors."""
    rng = np.random.default_rng(0)
    x = (rng.integers(0, 2, (3000, 1)) + np.arange(7)) % 2 + 2 * rng.integers(0, 2, (3000, 1))
    assert [exchangeability_test(x, n_permutations=39, seed=seed).p_value for seed in range(8)] == [1 / 40] * 8
    assert np.abs(_features(x)).max() < 100
