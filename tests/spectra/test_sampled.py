"""Sampled spectra against the dense oracle, and the estimates of irrep weights against projectors."""

from __future__ import annotations

import numpy as np
import pytest

from symrep import kernels, measures
from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import FreeSymbolError, InvalidArgumentError, InvalidTypeError, SizeLimitError
from symrep.spectra.dense import all_sequences, dense_spectrum
from symrep.spectra.sampled import isotypic_products, sampled_spectrum

LINEAR = kernels.architecture("linear-block").substitute(a=1, p=1)
RELU = kernels.serial(
    kernels.TokenEmbedding(1),
    kernels.Positions(1),
    kernels.LinearAttention(),
    kernels.Relu(),
    kernels.Dense(),
    kernels.MeanPool(),
)
UNIFORM = measures.iid_uniform(2)
BIASED = measures.iid(["1/4", "3/4"])
MIXTURE = measures.frozen_mixture(["1/3", "2/3"], [["1/4", "3/4"], ["4/5", "1/5"]])
LENGTH = 8


def matches(X, Y):
    return (X[:, None] == Y).sum(axis=2).astype(float)


def uniform_draws(generator, n_samples):
    return generator.integers(0, 2, size=(n_samples, LENGTH))


def probabilities_of(measure):
    return [float(measure.probability(row.tolist())) for row in all_sequences(2, LENGTH)]


def sampled(kernel=matches, measure=UNIFORM, length=LENGTH, **options):
    return sampled_spectrum(kernel, measure, length, **{"n_samples": 40, "n_test_points": 10} | options)


def clusters(spectrum, columns, gap=0.5):
    """Groups of levels that sampling cannot tell apart: degeneracy, mean eigenvalue, and weight of every column."""
    groups = []
    for level in spectrum.levels:
        if not groups or level.eigenvalue < gap * groups[-1][-1].eigenvalue:
            groups.append([])
        groups[-1].append(level)
    for group in groups:
        degeneracy = sum(level.degeneracy for level in group)
        total = sum(level.degeneracy * level.eigenvalue for level in group)
        weights = [sum(level.degeneracy for level in group if level.shape == shape) / degeneracy for shape in columns]
        yield degeneracy, total / degeneracy, weights


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((LINEAR, UNIFORM), id="linear-uniform", marks=pytest.mark.slow),
        pytest.param((LINEAR, BIASED), id="linear-biased"),
        pytest.param((LINEAR, MIXTURE), id="linear-mixture", marks=pytest.mark.slow),
        pytest.param((RELU, UNIFORM), id="relu-uniform", marks=pytest.mark.slow),
        pytest.param((RELU, BIASED), id="relu-biased"),
    ],
)
def case(request):
    net, measure = request.param
    dense = dense_spectrum(lambda x, y: net.nngp(x, y), 2, LENGTH, probabilities=probabilities_of(measure))
    estimate = sampled_spectrum(
        net, measure, LENGTH, n_samples=400, n_eigenvalues=17, n_replicates=16, n_test_points=400, seed=1
    )
    return dense, estimate


def leading_clusters(case):
    dense, estimate = case
    start = 0
    for degeneracy, mean, weights in clusters(dense, estimate.shapes):
        if start + degeneracy > 17:
            assert start >= 9
            return
        yield start, degeneracy, mean, weights
        start += degeneracy


# against the dense oracle


@pytest.mark.slow
def test_multiplet_means_are_the_dense_eigenvalues(case):
    for start, degeneracy, exact, _ in leading_clusters(case):
        raw, raw_error = case[1].multiplet_mean(start, degeneracy, extrapolated=False)
        mean, error = case[1].multiplet_mean(start, degeneracy)
        bias = abs(raw - mean)
        assert abs(mean - exact) < 4 * error + 0.3 * bias
        assert abs(raw - exact) < 4 * raw_error + 2 * bias
        assert raw_error < 0.1 * exact


@pytest.mark.slow
def test_the_sum_of_the_largest_eigenvalues_is_biased_upward(case):
    dense, estimate = case
    exact = np.repeat([level.eigenvalue for level in dense.levels], [level.degeneracy for level in dense.levels])
    for count in range(1, 18):
        mean, error = estimate.multiplet_mean(0, count, extrapolated=False)
        assert mean * count > exact[:count].sum() - 4 * error * count


@pytest.mark.slow
def test_extrapolation_removes_a_visible_bias():
    s = sampled_spectrum(
        matches, UNIFORM, LENGTH, n_samples=60, n_eigenvalues=2, n_replicates=1500, n_test_points=0, seed=2
    )
    exact = LENGTH / 2  # the mean of the kernel, its eigenvalue on constants
    raw, limit = s.eigenvalues[0], s.extrapolated[0]
    assert raw - exact > 5 * s.standard_error[0]
    assert abs(limit - exact) < 4 * s.extrapolated_error[0]
    assert abs(limit - exact) < 0.3 * (raw - exact)


@pytest.mark.slow
def test_traces_are_unbiased(case):
    dense, estimate = case
    squares = sum(level.degeneracy * level.eigenvalue**2 for level in dense.levels)
    assert abs(estimate.trace - dense.trace()) < 4 * estimate.trace_error + 1e-9
    assert abs(estimate.squared_trace - squares) < 4 * estimate.squared_trace_error
    assert estimate.squared_trace_error < 0.1 * squares


@pytest.mark.slow
def test_traces_are_unbiased_at_tiny_samples():
    s = sampled_spectrum(
        LINEAR, BIASED, LENGTH, n_samples=4, n_eigenvalues=1, n_replicates=3000, n_test_points=0, seed=3
    )
    dense = dense_spectrum(lambda x, y: LINEAR.nngp(x, y), 2, LENGTH, probabilities=[0.25, 0.75])
    squares = sum(level.degeneracy * level.eigenvalue**2 for level in dense.levels)
    assert abs(s.trace - dense.trace()) < 4 * s.trace_error < 0.05 * dense.trace()
    assert abs(s.squared_trace - squares) < 4 * s.squared_trace_error < 0.1 * squares


def test_irrep_weights_are_the_dense_labels(case):
    for start, degeneracy, _, exact in leading_clusters(case):
        rows = case[1].irrep_weights[start : start + degeneracy]
        assert np.abs(rows.mean(axis=0)[:4] - exact[:4]).max() < 0.1
        assert abs(rows.mean(axis=0)[4]) < 0.15


@pytest.mark.slow
def test_weights_of_a_deeper_multiplet():
    s = sampled_spectrum(
        RELU, UNIFORM, LENGTH, n_samples=1000, n_eigenvalues=38, n_replicates=3, n_test_points=300, seed=4
    )
    # numbers 17 to 37 are one eigenfunction of (8) and twenty of (6,2)
    weights = s.irrep_weights[17:38].mean(axis=0)
    assert abs(weights[2] - 20 / 21) < 0.1
    assert abs(weights[0] - 1 / 21) < 0.1


def test_a_query_token_is_left_alone():
    net = kernels.architecture("linear-block", "query").substitute(a=1, p=1, a_q=1, p_q="1/2")
    dense = dense_spectrum(lambda x, y: net.nngp(x, y), 2, 5, extra_tokens=1)
    s = sampled_spectrum(net, UNIFORM, 5, n_samples=400, extra_tokens=1, n_eigenvalues=4, n_replicates=6, seed=5)
    # the second function depends on the query alone: permutations that moved it would see a standard part
    for number, level in enumerate(dense.levels[:2]):
        assert (level.shape, level.degeneracy) == (Partition((5,)), 1)
        error = s.extrapolated_error[number] + 1e-3 * level.eigenvalue
        assert abs(s.extrapolated[number] - level.eigenvalue) < 4 * error
        assert abs(s.irrep_weights[number, 0] - 1) < 0.05


# irrep weights of any functions


def exact_energies(values, sequences, weights, vocab_size, length):
    """Squared norms of the isotypic components, from the eigenspaces of the sum of transpositions."""
    index = {tuple(row): number for number, row in enumerate(sequences.tolist())}
    class_sum = np.zeros((len(sequences), len(sequences)))
    for i in range(length):
        for k in range(i):
            order = list(range(length))
            order[i], order[k] = k, i
            moved = [index[tuple(row)] for row in sequences[:, order].tolist()]
            class_sum[np.arange(len(sequences)), moved] += 1
    contents, vectors = np.linalg.eigh(class_sum)
    energies = {}
    for shape in partitions(length, max_length=vocab_size):
        part = vectors[:, np.abs(contents - sum(map(shape.content, shape.cells()))) < 1e-6]
        energies[shape] = weights @ (part @ (part.T @ values)) ** 2
    return energies


@pytest.mark.parametrize(("vocab_size", "length"), [(3, 2), (3, 3), (4, 4), (3, 5)])
def test_isotypic_products_are_unbiased_for_any_function(vocab_size, length):
    rng = np.random.default_rng(length)
    sequences = all_sequences(vocab_size, length)
    # a mixture, so that the tokens are exchangeable but not independent
    rows = rng.dirichlet(np.ones(vocab_size), size=2)
    weights = rows[:, sequences].prod(axis=2).mean(axis=0)
    values = rng.normal(size=(len(sequences), 3)) + sequences[:, :1]
    place = vocab_size ** np.arange(length)[::-1]
    draws = sequences[rng.choice(len(sequences), size=200_000, p=weights)]
    products = isotypic_products(lambda x: values[x @ place], draws, length, rng)

    energies = exact_energies(values, sequences, weights, vocab_size, length)
    leading = [(length,), (length - 1, 1), (length - 2, 2), (length - 2, 1, 1)][: {2: 1, 3: 2}.get(length, 4)]
    expected = np.stack([weights @ values**2, *(energies[Partition(shape)] for shape in leading)], axis=-1)
    assert products.shape == (len(draws), *expected.shape)
    error = products.std(axis=0) / len(draws) ** 0.5
    assert (np.abs(products.mean(axis=0) - expected) < 4 * error).all()
    assert error.max() < 0.15 * expected[:, 0].max()


def test_products_vanish_sample_by_sample_below_their_level():
    rng = np.random.default_rng(6)
    coefficients = rng.normal(size=7)
    draws = rng.integers(0, 3, size=(50, 7))
    linear = isotypic_products(lambda x: (x @ coefficients)[:, None], draws, 7, rng)
    symmetric = isotypic_products(lambda x: (x**2).sum(axis=1, keepdims=True), draws, 7, rng)
    assert np.allclose(linear[:, 0, 0], (draws @ coefficients) ** 2)
    assert np.abs(linear[..., 3:]).max() < 1e-9 < np.abs(linear[..., 2]).max()
    assert np.abs(symmetric[..., 2:]).max() < 1e-9
    assert np.allclose(symmetric[..., 0], symmetric[..., 1])


def test_extra_tokens_keep_their_places_and_values():
    rng = np.random.default_rng(10)
    draws = rng.integers(0, 4, size=(50, 7))
    extra = isotypic_products(lambda x: x[:, 5:] @ [[1.0, 10.0], [5.0, 3.0]], draws, 5, rng)
    squares = (draws[:, 5:] @ [[1.0, 10.0], [5.0, 3.0]]) ** 2
    assert np.allclose(extra[..., 0], squares) and np.allclose(extra[..., 1], squares)
    assert not extra[..., 2:].any()


@pytest.mark.parametrize("length", [12, pytest.param(40, marks=pytest.mark.slow)])
def test_an_antisymmetric_pair_function_has_its_closed_weights(length):
    rng = np.random.default_rng(length)
    draws = rng.integers(0, 3, size=(60_000, length))

    def pair(x):
        s, t = (x == 0) - 1 / 3, (x == 1) - 1 / 3
        return (s[:, 0] * t[:, 1] - t[:, 0] * s[:, 1])[:, None]

    products = isotypic_products(pair, draws, length, rng)[:, 0]
    shares = products.mean(axis=0) / products[:, 0].mean()
    # e_2 h_(L-2) = (L-1,1) + (L-2,1,1), each share being dimension over number of pairs
    pairs = length * (length - 1) / 2
    expected = [1, 0, (length - 1) / pairs, 0, (length - 1) * (length - 2) / 2 / pairs]
    error = products.std(axis=0) / products[:, 0].mean() / len(products) ** 0.5
    assert (np.abs(shares - expected) < 4 * error + 1e-12).all()
    assert error[4] < 0.25


def test_weights_have_a_column_for_the_rest():
    for length, names in [
        (2, ["(2)", "(1,1)"]),
        (3, ["(3)", "(2,1)", "(1,1,1)"]),
        (4, ["(4)", "(3,1)", "(2,2)", "(2,1,1)", "(1,1,1,1)"]),
        (5, ["(5)", "(4,1)", "(3,2)", "(3,1,1)", "deeper"]),
    ]:
        s = sampled(measure=measures.iid_uniform(3), length=length, n_eigenvalues=2)
        assert [str(shape) for shape in s.shapes] == names
        assert s.irrep_weights.shape == s.weight_errors.shape == (2, len(names))
        assert np.allclose(s.irrep_weights.sum(axis=1), 1)


def test_the_sign_of_three_positions_is_the_rest():
    """K(x, y) = f(x) f(y) with f the sign of the order of three tokens."""

    def sign(x):
        return np.sign((x[:, 0] - x[:, 1]) * (x[:, 1] - x[:, 2]) * (x[:, 0] - x[:, 2])).astype(float)

    def kernel(X, Y):
        return np.outer(sign(X), sign(Y))

    s = sampled(kernel, measures.iid_uniform(6), 3, n_eigenvalues=1, n_test_points=3000)
    assert abs(s.irrep_weights[0, 2] - 1) < 0.1


# statistics


def test_errors_fall_with_the_root_of_the_sample_size():
    errors = [
        sampled(LINEAR, BIASED, n_samples=n, n_eigenvalues=1, n_replicates=200, n_test_points=0).standard_error[0]
        for n in (20, 180)
    ]
    assert 3 * 0.75 < errors[0] / errors[1] < 3 * 1.33


@pytest.mark.slow
def test_standard_errors_are_those_of_the_mean():
    few, many = (sampled(LINEAR, BIASED, n_replicates=r, n_eigenvalues=2) for r in (50, 800))
    for name in ("standard_error", "extrapolated_error", "trace_error", "squared_trace_error"):
        ratio = getattr(few, name) / getattr(many, name)
        assert np.all((2.8 < np.atleast_1d(ratio)) & (np.atleast_1d(ratio) < 5.7))
    assert many.weight_errors[0].max() < few.weight_errors[0].max()


def test_a_seed_fixes_every_number():
    first, again, other = (sampled(LINEAR, seed=seed) for seed in (7, 7, 8))
    for name in ("eigenvalues", "extrapolated", "irrep_weights", "weight_errors", "trace", "squared_trace"):
        assert np.array_equal(getattr(first, name), getattr(again, name), equal_nan=True)
    assert not np.array_equal(first.eigenvalues, other.eigenvalues)
    assert len({row[0] for row in first.replicates.tolist()}) == first.n_replicates


def test_a_network_a_function_a_measure_and_a_sampler_agree():
    by_measure = sampled(LINEAR, UNIFORM, seed=9)
    by_function = sampled(
        lambda x, y: LINEAR.nngp(x, y), lambda generator, count: UNIFORM.sample(generator, count, LENGTH), seed=9
    )
    assert np.allclose(by_measure.eigenvalues, by_function.eigenvalues)
    assert np.allclose(by_measure.irrep_weights[:2], by_function.irrep_weights[:2])


def test_the_result_is_consistent_and_frozen():
    s = sampled(LINEAR, n_eigenvalues=5, n_replicates=3)
    assert (np.diff(s.eigenvalues) <= 0).all()
    assert np.allclose(s.replicates.mean(axis=0), s.eigenvalues)
    assert s.multiplet_mean(1, 1) == pytest.approx((s.extrapolated[1], s.extrapolated_error[1]))
    assert (s.n_samples, s.n_replicates, s.replicates.shape) == (40, 3, (3, 5))
    assert type(s.trace) is type(s.squared_trace_error) is type(s.multiplet_mean(0, 2)[0]) is float
    assert repr(s).startswith("SampledSpectrum(5 eigenvalues from ")
    assert repr(s).endswith("n_samples=40, n_replicates=3)")
    with pytest.raises(ValueError, match="read-only"):
        s.eigenvalues[0] = 0
    with pytest.raises(AttributeError):
        s.trace = 0.0


def test_weights_of_null_functions_and_without_test_points_are_nan():
    s = sampled(n_eigenvalues=12)
    assert np.isnan(s.irrep_weights[9:]).all() and np.isfinite(s.irrep_weights[:9]).all()
    assert np.isnan(sampled(n_test_points=0).irrep_weights).all()
    zero = sampled(lambda X, Y: 0 * matches(X, Y))
    assert np.isnan(zero.irrep_weights).all() and not zero.eigenvalues.any() and zero.squared_trace == 0


def test_a_random_network_gives_eigenvalues_only():
    attention = kernels.SoftmaxAttention(n_samples=20)
    net = kernels.serial(kernels.TokenEmbedding(1), kernels.Positions(1), attention, kernels.MeanPool())
    s = sampled(net, length=4, n_samples=20, n_eigenvalues=2, n_replicates=2, n_test_points=0)
    assert s.eigenvalues[0] > s.eigenvalues[1] > 0
    with pytest.raises(InvalidArgumentError, match="n_test_points must be 0 for a network whose kernel"):
        sampled(net, length=4)


# errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 1}, "length must be at least 2, got 1"),
        ({"n_samples": 1}, "n_samples must be at least 2, got 1"),
        ({"n_eigenvalues": 0}, "n_eigenvalues must be at least 1, got 0"),
        ({"n_eigenvalues": 21}, r"n_eigenvalues must be at most n_samples // 2 = 20, got 21"),
        ({"n_replicates": 1}, "n_replicates must be at least 2, got 1"),
        ({"n_test_points": -1}, "n_test_points must be at least 0, got -1"),
        ({"extra_tokens": -1}, "extra_tokens must be at least 0, got -1"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"memory_limit": 0}, "memory_limit must be at least 1, got 0"),
        ({"kernel": lambda X, Y: matches(X, Y)[1:]}, r"kernel\(X, Y\) must have shape \(40, 40\), got \(39, 40\)"),
        ({"kernel": lambda X, Y: matches(X, X)}, r"kernel\(X, Y\) must have shape \(\d+, 40\), got"),
        ({"kernel": lambda X, Y: matches(X, Y) + np.nan}, r"kernel must be finite, got K\(x, y\) = nan at x = \([01]"),
        ({"kernel": lambda X, Y: matches(X, Y) + X[:, :1]}, r"kernel must be symmetric, got K\(x, y\) = .* at x = \("),
        ({"measure": lambda g, n: uniform_draws(g, n)[1:]}, r"sample must have shape \(40, 8\), got \(39, 8\)"),
        ({"measure": uniform_draws, "length": 7}, r"sample must have shape \(40, 7\), got \(40, 8\)"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        sampled(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 8.0}, "length must be an integer, got 8.0"),
        ({"n_samples": True}, "n_samples must be an integer, got True"),
        ({"n_eigenvalues": "3"}, "n_eigenvalues must be an integer, got '3'"),
        ({"n_replicates": None}, "n_replicates must be an integer, got None"),
        ({"seed": 0.5}, "seed must be an integer, got 0.5"),
        (
            {"kernel": np.eye(40)},
            "kernel must be a network, a polynomial in u and m, a MatchKernel, or a function of two .*, got array",
        ),
        ({"kernel": lambda X, Y: matches(X, Y) + 0j}, "must be an array of real numbers, got dtype complex128"),
        ({"measure": [0.5, 0.5]}, r"measure_or_sampler must have a method sample .*, got \[0.5, 0.5\]"),
        ({"measure": lambda g, n: uniform_draws(g, n) / 1}, "must draw integer token ids, got dtype float64"),
    ],
)
def test_bad_types_are_refused(options, message):
    with pytest.raises(InvalidTypeError, match=message):
        sampled(**options)


def test_too_many_samples_are_refused_with_their_size():
    with pytest.raises(SizeLimitError, match=r"n_samples = 100000: the Gram matrix .* needs 320 GB, .* = 2.15 GB"):
        sampled(n_samples=100_000)
    with pytest.raises(SizeLimitError, match="needs 0.0512 MB, more than memory_limit = 0.05 MB"):
        sampled(memory_limit=50_000)


def test_symbols_are_refused():
    with pytest.raises(FreeSymbolError):
        sampled(kernels.architecture("linear-block"))
    with pytest.raises(FreeSymbolError):
        sampled(measure=measures.iid_uniform())


def test_multiplets_beyond_the_sampled_eigenvalues_are_refused():
    s = sampled(n_eigenvalues=4)
    with pytest.raises(InvalidArgumentError, match=r"start \+ degeneracy must be at most the 4 sampled .*, got 5"):
        s.multiplet_mean(2, 3)
    with pytest.raises(InvalidArgumentError, match="degeneracy must be at least 1, got 0"):
        s.multiplet_mean(0, 0)
