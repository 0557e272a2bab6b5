"""Predictions at sequences of another length, or of probability 0, against the dense operator; last and query tokens."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import block_spectrum, kernels, learning, measures, spectrum
from symrep.errors import InvalidArchitectureError, InvalidArgumentError, SizeLimitError
from symrep.kernels import (
    Dense,
    Flatten,
    LastToken,
    LayerNorm,
    LinearAttention,
    MeanPool,
    Positions,
    QueryToken,
    Relu,
    TiedAttention,
    TokenEmbedding,
    serial,
)
from symrep.learning import extension
from symrep.learning.arrangements import arranged_pairs, match_chances
from symrep.learning.extension import extended_spread
from symrep.learning.invariant_space import InvariantSpace
from symrep.learning.kappa import effective_ridge
from symrep.learning.modes import as_modes
from symrep.spectra.count_tables import count_tables

HEAD = (TokenEmbedding("2/3"), Positions("1/2"))
BODIES = {
    "linear": (LinearAttention(),),
    "relu": (LinearAttention(normalized=True), Relu()),
    "tied": (TiedAttention(), Dense(1, "1/2"), Relu()),
}
READOUTS = {"pool": MeanPool(), "last": LastToken(), "query": QueryToken("1/3", "1/4")}
MIXTURE = measures.frozen_mixture(["1/3", "2/3"], [["1/5", "4/5"], ["3/4", "1/4"]])


def solved(net, measure, length):
    """Closed forms where the kernel is a polynomial, else blocks."""
    polynomial = all(not isinstance(layer, Relu | TiedAttention) for layer in net.layers)
    return spectrum(net, measure, length) if polynomial else block_spectrum(net, measure, length)


def dense(net, measure, length, described, n_samples, ridge, x):
    """Mean, spread and test error at x by linear algebra on all sequences of the measure."""
    entries = length + (net.extra_token == "query")
    X = np.array(list(product(range(measure.vocab_size), repeat=entries)))
    q = np.array([float(measure.probability(row)) for row in X.tolist()])
    X, q = X[q > 0], q[q > 0]
    operator = np.sqrt(q)[:, None] * net.nngp(X) * np.sqrt(q)
    eigenvalues, vectors = np.linalg.eigh(operator)
    kept = eigenvalues > 1e-12 * eigenvalues.max()
    eigenvalues, vectors = eigenvalues[kept], vectors[:, kept]
    low, high = 1e-12, (eigenvalues.sum() + ridge) / n_samples + 1
    for _ in range(200):
        kappa = (low + high) / 2
        low, high = (
            (kappa, high) if (eigenvalues / (eigenvalues + kappa)).sum() + ridge / kappa > n_samples else (low, kappa)
        )
    f = np.sqrt(q) * learning.target(described)(X, measure.vocab_size)
    features = (net.nngp(x, X) * np.sqrt(q)) @ vectors / eigenvalues
    learned = eigenvalues / (eigenvalues + kappa)
    coefficients = vectors.T @ f
    error = ((1 - learned) ** 2 @ coefficients**2 + f @ f - coefficients @ coefficients) / (
        1 - (learned**2).sum() / n_samples
    )
    return features @ (learned * coefficients), features**2 @ learned**2 * error / n_samples


def other(rng, measure, tokens):
    return rng.integers(0, measure.vocab_size, (12, tokens))


CASES = [
    ("linear", "pool", measures.iid(["1/3", "2/3"]), 5, "sigma_1*sigma_2 + S"),
    ("linear", "pool", measures.iid(["1/2", "1/3", "1/6"]), 4, "e_1_0*e_2_2 + n_1"),
    ("linear", "last", measures.iid(["1/3", "2/3"]), 5, "sigma_1 + S*sigma_L"),
    ("linear", "query", MIXTURE, 4, "sigma_1*sigma_L + S"),
    ("relu", "pool", MIXTURE, 5, "(sigma_1 - S/L)*S"),
    ("relu", "pool", measures.iid(["1/2", "1/3", "1/6"]), 4, "e_1_0 - n_2"),
    ("relu", "last", measures.iid(["1/2", "1/3", "1/6"]), 3, "e_L_1*n_0"),
    ("relu", "query", measures.iid(["1/3", "2/3"]), 4, "sigma_L*sigma_1"),
    ("tied", "pool", measures.iid(["1/3", "2/3"]), 4, "sigma_1 + S**3/L"),
    ("tied", "last", MIXTURE, 4, "sigma_1*sigma_L"),
    ("tied", "query", measures.iid(["1/3", "2/3"]), 4, "sigma_1 + sigma_L"),
]


# the one combination that is refused is among the sequences without a prediction, below
CASES_AND_STEPS = [
    pytest.param(*case, step, marks=[] if step == 3 else pytest.mark.slow)
    for case in CASES
    for step in (-1, 0, 1, 3)
    if (*case[:2], step) != ("tied", "last", -1)
]


@pytest.mark.parametrize(("body", "readout", "measure", "length", "described", "step"), CASES_AND_STEPS)
def test_predictions_against_the_dense_operator(body, readout, measure, length, described, step):
    net = serial(*HEAD, *BODIES[body], READOUTS[readout])
    x = other(np.random.default_rng(1), measure, length + step + (readout == "query"))
    mean, variance = dense(net, measure, length, described, 7, 0.03, x)
    found = learning.predicted_output(solved(net, measure, length), described, x, 7, 0.03)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.variance, variance, rtol=1e-8, atol=1e-10)
    assert not found.variance_error.any()
    assert np.ptp(found.mean) > 0.01 and found.variance.max() > 1e-4


@pytest.mark.parametrize("name", ["linear", "relu"])
def test_sequences_of_probability_zero(name):
    net = serial(*HEAD, *BODIES[name], MeanPool())
    measure = measures.urn([3, 3])
    x = np.array([[0] * 5, [1, 1, 1, 1, 0], [0, 1, 0, 1, 0]])
    mean, variance = dense(net, measure, 5, "sigma_1 + S**2", 6, 0.1, x)
    found = learning.predicted_output(solved(net, measure, 5), "sigma_1 + S**2", x, 6, 0.1)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-8)
    np.testing.assert_allclose(found.variance, variance, rtol=1e-8)


def test_both_routes_agree_where_the_measure_draws_the_sequence(monkeypatch):
    """Eigenfunctions by their values, and extended by the kernel."""
    monkeypatch.setattr(extension, "_NEGLIGIBLE", 0.0)
    for spec in (
        spectrum(kernels.architecture("linear-block", token_variance=1, position_variance=1), MIXTURE, 9),
        block_spectrum(serial(*HEAD, *BODIES["relu"], MeanPool()), measures.iid(["1/3", "2/3"]), 7),
        block_spectrum(serial(*HEAD, *BODIES["relu"], LastToken()), measures.iid(["1/3", "2/3"]), 6),
    ):
        length = spec.length
        x = np.random.default_rng(0).integers(0, 2, (9, int(length)))
        found = learning.predicted_output(spec, "sigma_2 + S", x, 5, 0.1)
        spread, missing = extended_spread(spec, float(found.curve.kappa), x)
        np.testing.assert_allclose(spread * found.curve.test_error / 5, found.variance, rtol=1e-8)
        assert not missing.any()


@pytest.mark.slow
@pytest.mark.parametrize("length", [3, 7, 8, 12])
def test_the_bound_on_what_deep_shapes_add_to_the_variance(length, monkeypatch):
    net = serial(*HEAD, *BODIES["relu"], MeanPool())
    spec = block_spectrum(net, measures.iid(["1/3", "2/3"]), 8)
    x = np.random.default_rng(0).integers(0, 2, (20, length))
    kappa = effective_ridge(as_modes(spec), 20, 0.01)
    monkeypatch.setattr(extension, "_FIRST_NAMED", 4)
    whole, nothing = extended_spread(spec, kappa, x)
    assert not nothing.any()
    monkeypatch.setattr(extension, "_FIRST_NAMED", 0)
    for largest in (9, 17, 33):
        part, bound = extended_spread(spec, kappa, x, largest)
        assert bound.max() > 0 and (whole - part).max() > 1e-7
        assert (part <= whole * (1 + 1e-9)).all() and (whole <= (part + bound) * (1 + 1e-9)).all()


def test_longer_and_shorter_sequences_in_simulation():
    net = kernels.architecture("linear-block", token_variance="1/2", position_variance=1)
    spec = spectrum(net, measures.iid_uniform(2), 8)
    rng = np.random.default_rng(5)
    for length in (5, 13):
        x = rng.integers(0, 2, (40, length))
        simulated = learning.simulate(
            net, measures.iid_uniform(2), 8, "S + sigma_1", [48], 0.05, noise=0.05, n_repeats=150, test_sequences=x
        )
        found = learning.predicted_output(spec, "S + sigma_1", x, 48, 0.05, noise=0.05)
        error = simulated.output_errors[0]
        assert np.abs(simulated.outputs[0] - found.mean).max() < 6 * error.max() + 0.03 * np.abs(found.mean).max()
        residual = ((simulated.outputs[0] - found.mean) ** 2).sum() / ((found.mean - found.mean.mean()) ** 2).sum()
        assert residual < 0.01
        assert np.corrcoef(simulated.output_variance[0], found.variance)[0, 1] > 0.6


@pytest.mark.parametrize("readout", ["last", "query"])
def test_learning_curves_with_a_token_in_place_against_simulation(readout):
    net = kernels.architecture("linear-block", readout, token_variance=1, position_variance=1)
    if readout == "query":
        net = net.substitute(a_q=1, p_q=1)
    spec = spectrum(net, measures.iid_uniform(2), 6)
    described = "sigma_L*S/L + sigma_1"
    curve = learning.learning_curve(spec, described, [16, 64], 0.05, noise=0.05)
    found = learning.simulate(net, measures.iid_uniform(2), 6, described, [16, 64], 0.05, noise=0.05, n_repeats=120)
    assert np.abs(curve.learnability - found.learnability).max() < 0.03 + 3 * found.learnability_error.max()
    np.testing.assert_allclose(curve.test_error, found.test_error, rtol=0.15)


@pytest.mark.slow
@given(st.lists(st.integers(0, 3), min_size=2, max_size=3), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_chances_of_matches_by_counting_arrangements(shared, missing):
    unnamed = sum(shared) + missing
    chances = match_chances(tuple(shared), unnamed)
    y = np.repeat(np.arange(len(shared) + 1), [*shared, missing])
    expected = {}
    for x in product(range(len(shared)), repeat=unnamed):
        counts = tuple(np.bincount(np.array(x, dtype=int), minlength=len(shared)))
        expected.setdefault(counts, np.zeros(unnamed + 1))[int((np.array(x) == y).sum()) if unnamed else 0] += 1
    for own, counts in zip(chances, count_tables(unnamed, len(shared))):
        found = expected[tuple(counts)]
        np.testing.assert_allclose(own, found / found.sum(), rtol=1e-12)


SPEC = spectrum(kernels.architecture("linear-block", token_variance=1, position_variance=1), measures.iid_uniform(2), 5)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: (spectrum(serial(*HEAD, Flatten()), measures.iid_uniform(2), 4), [0, 1]),
            InvalidArchitectureError,
            "net must be the same at lengths 4 and 2, but Flatten",
        ),
        (
            lambda: (block_spectrum(lambda N: N[:, 0, 0] + N[:, 1, 1], measures.iid_uniform(2), 4), [0, 1]),
            InvalidArgumentError,
            "spec must have the kernel of a network for such sequences x",
        ),
        (
            lambda: (block_spectrum(serial(*HEAD, TiedAttention(), LastToken()), measures.iid_uniform(2), 4), [0, 1]),
            InvalidArgumentError,
            "x must have at least length 4 for a kernel of whole count tables with a last token, got 2",
        ),
        (lambda: (SPEC, [0, 3]), InvalidArgumentError, "x must hold token ids below 2, got 3"),
        (lambda: (SPEC, [[0, 1], [0]]), InvalidArgumentError, "x must be sequences of one length"),
        (lambda: (SPEC, []), InvalidArgumentError, "x must not be empty"),
    ],
)
def test_sequences_that_have_no_prediction(make, error, message):
    spec, x = make()
    with pytest.raises(error, match=message):
        learning.predicted_output(spec, "e_1_0", x, 5, 0.1)


def test_too_many_arrangements_are_refused_before_work():
    space = InvariantSpace(3, 61, 1, measures.iid_uniform(3))
    counts = np.array([20, 20, 20])
    with pytest.raises(SizeLimitError, match="has .* arrangements beside those of length 61, more than 2000000"):
        next(arranged_pairs(space, np.array([0]), counts, counts + [1, 0, 0], 0))


def test_layer_norm_sees_the_variances_of_both_lengths():
    """Without tokens the features of a position know the length alone, and their variance is 3/2 of it."""
    net = serial(TokenEmbedding(0), Positions(1), LinearAttention(), LayerNorm(), MeanPool())
    assert net.nngp([0, 1], [0, 1, 0, 1, 1]) == pytest.approx(2 * 2 / (10 * 10**0.5))
    assert float(net.overlap_polynomial(lengths=(2, 5))) == pytest.approx(2 * 2 / (10 * 10**0.5))
    spec = spectrum(net, measures.iid_uniform(2), 4)
    short, long = (learning.predicted_output(spec, "n_0", [0] * n, 10, 0.1).mean for n in (4, 8))
    assert long / short == pytest.approx(net.nngp([0] * 8, [0] * 4) / net.nngp([0] * 4, [0] * 4))


def test_what_shapes_that_were_not_asked_for_may_add():
    net = serial(*HEAD, *BODIES["relu"], MeanPool())
    measure = measures.iid(["1/3", "2/3"])
    full, part = block_spectrum(net, measure, 5), block_spectrum(net, measure, 5, shapes=[(5,)])
    kappa = float(learning.learning_curve(full, "S", 20, 0.001).kappa)
    for length in (4, 5, 7):
        x = np.random.default_rng(0).integers(0, 2, (12, length))
        whole, nothing = extended_spread(full, kappa, x)
        found, bound = extended_spread(part, kappa, x)
        assert not nothing.any() and bound.max() > 0 and (whole <= found + bound + 1e-12).all()
    x = [[0, 1, 1, 0, 1], [1, 0, 0, 0, 0]]
    some = learning.predicted_output(part, "S", x, 20, 0.001)
    assert (some.variance_error > 0).all()
    function = block_spectrum(lambda N: net.joint_count_kernel()(N), measure, 5, shapes=[(5,)])
    assert learning.predicted_output(function, "S", x, 20, 0.001).variance_error.tolist() == [np.inf] * 2


@pytest.mark.parametrize("kind", ["nngp", "ntk"])
def test_deep_linear_networks_take_the_route_of_matches(kind):
    """Four layers have a polynomial of degree 40 and more, which takes minutes to expand."""
    layer = LinearAttention(normalized=True)
    net = serial(*HEAD, layer, layer, layer, layer, MeanPool())
    assert net.overlap_degree == 41
    kernel = net.match_kernel(kind)
    spec = block_spectrum(kernel, measures.iid(["1/3", "2/3"]), 5)
    x = np.random.default_rng(0).integers(0, 2, (6, 6))
    found = learning.predicted_output(spec, "S + sigma_1", x, 10, 0.1)
    X = np.array(list(product(range(2), repeat=5)))
    q = np.prod(np.where(X == 0, 1 / 3, 2 / 3), axis=1)
    values = net.ntk if kind == "ntk" else net.nngp
    operator = np.sqrt(q)[:, None] * values(X) * np.sqrt(q) + float(found.curve.kappa) * np.eye(len(X))
    f = learning.target("S + sigma_1")(X, 2)
    expected = values(x, X) * np.sqrt(q) @ np.linalg.solve(operator, np.sqrt(q) * f)
    np.testing.assert_allclose(found.mean, expected, rtol=1e-8)


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("made_by", ["match_kernel", "joint_count_kernel"])
def test_normalised_tangent_kernels(readout, made_by):
    net = serial(*HEAD, LinearAttention(), Relu(), Dense(), READOUTS[readout])
    spec = block_spectrum(getattr(net, made_by)("ntk"), measures.iid(["1/3", "2/3"]), 4)
    scaled = learning.normalized_spectrum(spec)
    entries = 4 + (readout == "query")
    x = np.random.default_rng(0).integers(0, 2, (5, entries + 2))
    for sequences in (x, x[:, :entries]):
        plain = learning.predicted_output(spec, "S", sequences, 6, 0.1 * spec.expected_trace)
        found = learning.predicted_output(scaled, "S", sequences, 6, 0.1)
        np.testing.assert_allclose(found.mean, plain.mean, rtol=1e-9)
        np.testing.assert_allclose(found.variance, plain.variance, rtol=1e-9)


def test_one_token_that_stays_in_place():
    spec = block_spectrum(serial(*HEAD, *BODIES["relu"], LastToken()), measures.iid(["1/3", "2/3"]), 1)
    mean, variance = dense(spec.kernel, spec.measure, 1, "e_L_1", 7, 0.1, np.array([[0, 1], [1, 0]]))
    found = learning.predicted_output(spec, "e_L_1", [[0, 1], [1, 0]], 7, 0.1)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-9)
    np.testing.assert_allclose(found.variance, variance, rtol=1e-9)


def test_zeros_by_symmetry_keep_their_digits():
    net = kernels.architecture("linear-block", token_variance=1, position_variance="1/100")
    spec = spectrum(net, measures.iid_uniform(2), 100)
    found = learning.predicted_output(spec, "(sigma_1 - S/L)*S", [0, 1] * 50, 10**6, 1e-3)
    assert abs(found.mean) < 1e-9


def test_huge_weights_and_short_sequences():
    x = [[0, 1, 0, 1, 1], [1, 1, 0, 0, 1]]
    errors = [learning.out_of_distribution_error(SPEC, "S", x, 4, 0.1, weights=[w, w]) for w in (1, 1e308, 1e-308)]
    assert errors[0] == pytest.approx(errors[1]) == pytest.approx(errors[2]) and errors[0] > 0
    query = spectrum(serial(*HEAD, LinearAttention(), READOUTS["query"]), measures.iid_uniform(2), 3)
    with pytest.raises(InvalidArgumentError, match="x must hold at least 2 tokens, got 1"):
        learning.predicted_output(query, "n_0", [0], 4, 0.1)
    with pytest.raises(InvalidArgumentError, match="target must be a function of sequences of 3 tokens, got index 4"):
        learning.predicted_output(SPEC, lambda tokens: tokens[:, 4], [0, 1, 1], 4, 0.1)


@pytest.mark.parametrize("length", [1, 3])
def test_matches_of_the_last_token_of_the_shorter_sequence(length):
    kernel = serial(*HEAD, LinearAttention(), LastToken()).match_kernel()
    x = np.zeros(length, dtype=int)
    counts = np.bincount(x[:-1], minlength=2), np.bincount([1] * length, minlength=2)
    assert kernel(*counts, 0, [0, 0]) > 0
    with pytest.raises(InvalidArgumentError, match="matches must be between 0 and the number of tokens in common"):
        kernel(*counts, 1, [0, 0])


@pytest.mark.parametrize("length", [3, 4, 6])
def test_powers_of_matches_at_another_length(length):
    """Two layers: matches to the power 5."""
    net = serial(*HEAD, LinearAttention(normalized=True), LinearAttention(normalized=True), MeanPool())
    measure = measures.iid(["1/3", "2/3"])
    x = other(np.random.default_rng(1), measure, length)
    mean, variance = dense(net, measure, 4, "sigma_1*sigma_2 + S", 7, 0.03, x)
    found = learning.predicted_output(block_spectrum(net, measure, 4), "sigma_1*sigma_2 + S", x, 7, 0.03)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.variance, variance, rtol=1e-7, atol=1e-10)
