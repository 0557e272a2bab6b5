"""Learning where it is easy to get wrong: rare and impossible sequences, no ridge, signs under roots, arguments of any kind."""

from itertools import product

import numpy as np
import pytest
import sympy

from symrep import block_spectrum, kernels, learning, measures, spectrum
from symrep.combinatorics.partitions import Partition
from symrep.errors import FreeSymbolError, InvalidArgumentError, InvalidTypeError, SizeLimitError
from symrep.learning.modes import Modes
from symrep.learning.outputs import mode_density
from symrep.plots import learning_curve_plot, outputs_plot
from symrep.spectra.spectrum import EigenLevel

NET = kernels.architecture("linear-block", token_variance="1/2", position_variance=1)
COIN = measures.iid_uniform(2)
SPEC = spectrum(NET, COIN, 6)


def modes_of(*pairs, tail=0.0):
    return Modes(tuple(EigenLevel(Partition((1,)), value, count) for value, count in pairs), tail)


def all_sequences(vocab_size, length):
    return np.array(list(product(range(vocab_size), repeat=length)))


@pytest.mark.parametrize("text", ["sqrt(S**2)", "sqrt(S**2 * sigma_1**2)", "(S**4)**(1/4)"])
def test_roots_of_squares_are_absolute_values(text):
    x = all_sequences(2, 5)
    assert learning.target(text)(x, 2) == pytest.approx(abs((1 - 2 * x).sum(axis=1)))
    with pytest.raises(InvalidArgumentError, match="target must be a polynomial"):
        learning.symbolic_target(spectrum(NET, COIN), text)


def test_a_symbol_is_known_by_its_name():
    twice = sympy.Symbol("S") + sympy.Symbol("S", positive=True)
    assert learning.target(twice)([1, 1, 1], 2) == -6


@pytest.mark.parametrize(
    ("description", "error", "message"),
    [
        ("sqrt(S)", InvalidArgumentError, "target must be finite"),
        ("1/n_0", InvalidArgumentError, "target must be finite"),
        ("S + S_down", InvalidArgumentError, "target must use the symbols .* got S_down"),
        (sympy.I * sympy.Symbol("S"), InvalidTypeError, "target must have real values"),
        (
            sympy.Function("f")(sympy.Symbol("S")),
            InvalidArgumentError,
            "target must be an expression of known functions",
        ),
        (lambda x: x.sum(axis=1) - x.mean(), InvalidArgumentError, "target must be a function of the sequence"),
        (lambda x: x.sum(axis=1).cumsum(), InvalidArgumentError, "target must be a function of the sequence"),
    ],
)
def test_targets_refused(description, error, message):
    with pytest.raises(error, match=message):
        learning.target(description)(all_sequences(2, 3), 2)


def test_a_target_need_not_be_defined_where_the_measure_gives_no_probability():
    never_empty = measures.urn([2, 2])
    found = learning.decompose_target(NET, never_empty, 4, "1/n_0")
    assert found.norm == pytest.approx(1 / 4)


def test_without_ridge_more_samples_than_modes_are_least_squares():
    samples = np.array([16.0, 40.0, 100.0])
    for theory in learning.THEORIES:
        none, little = (
            learning.learning_curve(SPEC, "S", samples, ridge, noise=0.3, theory=theory) for ridge in (0, 1e-11)
        )
        assert none.train_error == pytest.approx(little.train_error, rel=1e-6)
    modes = learning.as_modes(SPEC).count
    exact = learning.learning_curve(SPEC, "S", samples, 0, noise=0.3)
    assert exact.train_error == pytest.approx(0.3 * (1 - modes / samples), rel=1e-9)


@pytest.mark.parametrize("pairs", [((2.0, 3), (0.5, 61)), ((10.0, 1),), ((1e-6, 10**4), (1e-7, 10**9))])
@pytest.mark.parametrize("missing", [1e-3, 1e-6])
def test_almost_as_many_samples_as_modes(pairs, missing):
    modes = modes_of(*pairs)
    samples = modes.count - missing
    slope = sum(count / value for value, count in pairs)
    assert learning.effective_ridge(modes, samples, 0) * slope == pytest.approx(modes.count - samples, rel=2e-3)


def test_what_a_spectrum_lacks_competes_and_is_no_ridge_of_the_equivalent_kernel():
    whole, part = modes_of((1.0, 2), (1e-9, 10**8)), modes_of((1.0, 2), tail=0.1)
    for theory in learning.THEORIES:
        expected = learning.effective_ridge(whole, 20, 0.3, theory)
        assert learning.effective_ridge(part, 20, 0.3, theory) == pytest.approx(expected, rel=1e-6)
    relu = kernels.architecture("relu-block", token_variance="1/2", position_variance=1)
    full, some = (block_spectrum(relu, COIN, 8, shapes=shapes) for shapes in (None, [(8,), (7, 1)]))
    for theory in ("self-consistent", "equivalent-kernel"):
        expected, found = (learning.samples_to_learn(s, "sigma_1", 0.3, theory=theory) for s in (full, some))
        assert found == pytest.approx(expected, rel=1e-3)
    assert "it counts as ridge" in str(learning.learning_curve(some, "S", 4, 0.3).table())


@pytest.mark.parametrize("length", [6, 200, 300])
def test_mode_densities_make_up_the_kernel_at_rare_sequences_too(length):
    density = mode_density(spectrum(NET, COIN, length))
    ones = np.array([0, 1, length // 20, length // 10, length // 2])
    x = (np.arange(length) < ones[:, None]).astype(int)
    found = density.combined(density.eigenvalues, x)
    assert found == pytest.approx(np.diag(NET.nngp(x, x)), rel=1e-9)


def test_predictions_at_rare_sequences_are_those_of_the_kernel():
    # sum_i L_i f_i(x) is E[K(x, y) h(y)] with h the components over lambda + kappa, a sum over counts for a kernel of counts
    length = 300
    kernel = 3 * sympy.Symbol("u") ** 2 / length**2 + sympy.Symbol("u") / length
    found = learning.decompose_target(kernel, COIN, length, "S + S**3/L**2")
    rate = np.where(found.eigenvalues > 0, 1 / (found.eigenvalues + 0.01), 0.0)
    ones = np.array([0, 1, length // 20, length // 2 - 1])
    x = (np.arange(length) < ones[:, None]).astype(int)
    counts = np.stack([length - ones, ones], axis=1)
    values = sympy.lambdify(sympy.Symbol("u"), kernel)((counts @ found.space.counts.T).astype(float))
    expected = (values * np.exp(found.space.log_probabilities / 2)) @ (found.components @ rate)
    assert found.combined(found.eigenvalues * rate, x) == pytest.approx(expected, rel=1e-9)


def test_errors_elsewhere_ignore_sequences_without_weight():
    spec = block_spectrum(lambda N: NET.joint_count_kernel()(N), measures.urn([3, 3]), 6)
    possible, impossible = [0, 1, 0, 1, 0, 1], [0] * 6
    arguments = spec, "sigma_1", [possible, impossible], 4, 0.1
    expected = learning.out_of_distribution_error(spec, "sigma_1", [possible], 4, 0.1, noise=0.25)
    assert learning.out_of_distribution_error(*arguments, weights=[2, 0], noise="1/4") == pytest.approx(expected)
    assert np.isnan(learning.out_of_distribution_error(*arguments))


def test_spectra_refused_where_their_kernel_is_needed():
    evaluated, found = SPEC.evaluate(), learning.decompose(SPEC, "S")
    for spec in (evaluated, learning.as_modes(SPEC)):
        with pytest.raises(InvalidTypeError, match="spec must be a Spectrum or a BlockSpectrum where"):
            learning.learning_curve(spec, "S", 4, 0.1)
        with pytest.raises(InvalidTypeError, match="spec must be a Spectrum or a BlockSpectrum, got"):
            learning.predicted_output(spec, found, [0] * 6, 4, 0.1)
        assert learning.learning_curve(spec, found, 4, 0.1).learnability > 0
    with pytest.raises(InvalidArgumentError, match="target must be decomposed under the length 7, got 6"):
        learning.learning_curve(spectrum(NET, COIN, 7), found, 4, 0.1)


@pytest.mark.parametrize(
    ("kernel", "measure", "length", "error", "message"),
    [
        (kernels.architecture("linear-block"), COIN, 4, FreeSymbolError, "kernel must be made of numbers"),
        (1 / (1 + sympy.Symbol("u")), COIN, 4, InvalidArgumentError, "kernel must be a polynomial in u and m"),
        (NET, None, 4, InvalidTypeError, "measure must be an exchangeable measure"),
        (NET, measures.iid_uniform("V"), 4, InvalidTypeError, "vocab_size must be an integer"),
        (NET, COIN, 4.0, InvalidTypeError, "length must be an integer"),
    ],
)
def test_decompositions_refused(kernel, measure, length, error, message):
    with pytest.raises(error, match=message):
        learning.decompose_target(kernel, measure, length, "n_0")


def gram(value):
    return lambda x, y: np.full((len(x), len(y)), value)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"n_samples": []}, InvalidArgumentError, "n_samples must be one integer or a list"),
        ({"n_samples": [[1, 2], [3]]}, InvalidArgumentError, "n_samples must be one integer or a list"),
        ({"n_samples": 10**7}, SizeLimitError, "n_samples must leave Gram matrices"),
        ({"measure": None}, InvalidTypeError, "measure must be a measure"),
        ({"kernel": lambda x, y: np.ones(3)}, InvalidArgumentError, r"kernel\(X, Y\) must have shape"),
        ({"kernel": gram(np.nan)}, InvalidArgumentError, "kernel must be finite"),
        ({"kernel": gram(1j)}, InvalidTypeError, r"kernel\(X, Y\) must be an array of real numbers"),
        ({"kernel": gram(-1.0)}, InvalidArgumentError, "kernel must be positive semidefinite"),
        ({"kernel": gram(-1.0), "ridge": 0}, InvalidArgumentError, "kernel must be positive semidefinite"),
    ],
)
def test_simulations_refused(changes, error, message):
    arguments = {"kernel": NET, "measure": COIN, "length": 4, "target": "S", "n_samples": 4, "ridge": 0.1}
    with pytest.raises(error, match=message):
        learning.simulate(**{**arguments, **changes})


def test_a_ridge_too_small_to_count_is_no_ridge():
    # 20 samples of 3 tokens each repeat: the Gram matrix is singular
    none, tiny = (learning.simulate(NET, COIN, 3, "S", [20], ridge, n_repeats=3) for ridge in (0, 1e-25))
    assert tiny.test_error == pytest.approx(none.test_error, rel=1e-6, abs=1e-12)


def test_plots_refused_and_without_positive_errors():
    curve = learning.learning_curve(SPEC, "S", [4, 8], 0)
    assert curve.plot(quantity="train_error").get_yscale() == "linear"
    with pytest.raises(InvalidTypeError, match="curve must be a learning curve"):
        learning_curve_plot(5)
    with pytest.raises(InvalidTypeError, match="simulation must be the result of simulate"):
        curve.plot(simulation=5)
    with pytest.raises(InvalidArgumentError, match="simulated must be finite"):
        outputs_plot([1.0], [np.nan])
    with pytest.raises(InvalidArgumentError, match="predicted must be an array of numbers"):
        outputs_plot("a", [1.0])
    with pytest.raises(InvalidArgumentError, match="errors must not be negative"):
        outputs_plot([1.0], [1.0], errors=[-1.0])
    with pytest.raises(InvalidArgumentError, match="errors must have shape"):
        outputs_plot([1.0], [1.0], errors=[1.0, 1.0])


def test_samples_too_few_for_a_float():
    with pytest.raises(InvalidArgumentError, match="n_samples must not be so small"):
        learning.effective_ridge(learning.as_modes(SPEC), 5e-324, 0)


@pytest.mark.slow
def test_samples_needed_are_infinite_where_the_share_outside_the_null_space_is_too_small():
    """The share depends on L: .459 at L = 8, above 1/2 at shorter and at longer sequences."""
    found = learning.symbolic_target(spectrum(NET, COIN), "S/5 + sigma_1*sigma_2")
    needed = found.samples_needed("1/10")
    for length in (4, 6, 8, 9, 20, 100):
        expected = learning.samples_to_learn(spectrum(NET, COIN, length), "S/5 + sigma_1*sigma_2", 0.1)
        value = needed.subs({symbol: length for symbol in needed.free_symbols})
        assert (value == sympy.oo) if expected == np.inf else (float(value) == pytest.approx(expected, rel=1e-9))
    assert needed.subs({symbol: 8 for symbol in needed.free_symbols}) == sympy.oo
    small = kernels.architecture("linear-block", "last", token_variance="5/2", position_variance="1/3")
    with pytest.raises(
        InvalidArgumentError, match="the share of the target outside the null space at large L, got 1/2"
    ):
        learning.symbolic_target(spectrum(small, COIN), "4/5*S*S - 2/5*n_0").samples_needed()


def test_eigenvalues_below_rounding_errors_are_not_taken_for_zero():
    spec = spectrum(kernels.architecture("linear-block", token_variance=1, position_variance="1/1000000000"), COIN, 200)
    with pytest.raises(InvalidArgumentError, match=r"part in \(199,1\), where the eigenvalue 5e-10 is below rounding"):
        learning.samples_to_learn(spec, "(sigma_1 - S/L)*S", 0.05)
    assert learning.samples_to_learn(spec, "S", 0.05) < 10
    assert float(learning.symbolic_target(spec, "(sigma_1 - S/L)*S").samples_needed("1/20")) > 1e5


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (spectrum(NET, measures.iid(["1/3", "2/3"]), 6), "target must be decomposed under the measure iid"),
        (spectrum(NET.substitute(), COIN, 7), "target must be decomposed under the length 7, got 6"),
        (spectrum(kernels.serial(NET, kernels.Dense(2)), COIN, 6), "target must be decomposed under the kernel serial"),
    ],
)
def test_decompositions_under_another_spectrum(spec, message):
    found = learning.decompose(SPEC, "S")
    for call in (
        lambda: learning.learning_curve(spec, found, 4, 0.1),
        lambda: learning.samples_to_learn(spec, found, 0.1),
        lambda: learning.optimal_ridge(spec, found, 4),
        lambda: learning.overlap_bound(spec, found, [[0] * 6], [1.0], 0.1),
        lambda: learning.predicted_output(spec, found, [0] * 6, 4, 0.1),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            call()


def test_a_target_in_a_shape_that_was_not_asked_for():
    relu = kernels.architecture("relu-block", token_variance="1/2", position_variance=1)
    some = block_spectrum(relu, COIN, 6, shapes=[(5, 1)])
    assert learning.learning_curve(some, "sigma_1 - S/L", 8, 0.01).learnability > 0
    with pytest.raises(InvalidArgumentError, match="spec must have the shapes of the target, which has a part in"):
        learning.learning_curve(some, "S", 8, 0.01)


@pytest.mark.slow
def test_the_ends_of_the_range_of_ridges():
    assert learning.optimal_ridge(SPEC, "S", [2, 4, 8]).tolist() == [0, 0, 0]
    unlearnable = "(sigma_1 - sigma_2)*(sigma_3 - sigma_4)"
    assert learning.optimal_ridge(SPEC, unlearnable, [8, 80, 1000], noise=0.1).tolist() == [np.inf] * 3
    # little to learn beside the noise: any ridge helps
    ridge = learning.optimal_ridge(SPEC, "S/10", 16, noise=1)
    errors = [
        float(learning.learning_curve(SPEC, "S/10", 16, r, noise=1).test_error) for r in (ridge / 2, ridge, 2 * ridge)
    ]
    assert 0 < ridge < np.inf and errors[1] < min(errors[0], errors[2])


def test_next_order_without_ridge_claims_more_modes_than_samples():
    curve = learning.learning_curve(SPEC, "S", [4, 13, 20], 0, theory="next-order")
    assert curve.test_error.tolist() == [np.inf, 0, 0]
    assert learning.learning_curve(SPEC, "S", 4, 1e-12, theory="next-order").test_error == np.inf


@pytest.mark.parametrize("ridge", [1e-3, 1e-12, 1e-30, 1e-100, 1e-250])
@pytest.mark.parametrize("n_samples", [6.5, 7, 12, 12.999999999, 13, 13.000000001, 14, 40])
def test_kappa_keeps_its_digits_at_tiny_ridges(n_samples, ridge):
    modes = learning.as_modes(SPEC)
    kappa = learning.effective_ridge(modes, n_samples, ridge)
    exact, root = [sympy.Rational(float(value)) for value in modes.eigenvalues], sympy.Rational(float(kappa))
    competing = sum(d * root / (value + root) for value, d in zip(exact, modes.degeneracies))
    missing = sum(modes.degeneracies) - sympy.Rational(n_samples) + sympy.Rational(ridge) / root
    slope = sum(d * value * root / (value + root) ** 2 for value, d in zip(exact, modes.degeneracies))
    error = (competing - missing) / (slope + sympy.Rational(ridge) / root)
    assert abs(float(error)) < 1e-10


def test_learned_modes_of_astronomical_degeneracies():
    modes = modes_of((1.0, 1), (1e-200, 10**400))
    curve = learning.learning_curve(modes, learning.decompose(SPEC, "S"), 2, 0.1)
    assert curve.learned_modes == pytest.approx(2, rel=1e-9)
    assert curve.train_error == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: learning.target("1/0"), InvalidArgumentError, "target must be finite, got '1/0'"),
        (lambda: learning.target("S/0"), InvalidArgumentError, "target must be finite, got 'S/0'"),
        (lambda: learning.decompose(SPEC, "S**200"), InvalidArgumentError, "squared norm between 1e-250 and 1e.250"),
        (lambda: learning.decompose(SPEC, "S*10**-170"), InvalidArgumentError, "squared norm between 1e-250 and"),
        (lambda: learning.optimal_ridge(SPEC, "S", 0), InvalidArgumentError, "n_samples must be positive, got 0"),
        (
            lambda: learning.learning_curve(SPEC, "S", [4, 5], [0.1, 0.2, 0.3]),
            InvalidArgumentError,
            r"ridge must broadcast against n_samples of shape \(2,\), got shape \(3,\)",
        ),
        (
            lambda: learning.out_of_distribution_error(SPEC, "S", [[0] * 6, [0]], 4, 0.1),
            InvalidArgumentError,
            "sequences must be sequences of one length, got ragged",
        ),
        (
            lambda: learning.learning_curve(SPEC, "S", [4, 5], 0.1).plot(quantity=[]),
            InvalidArgumentError,
            "quantity must be one of learnability",
        ),
        (
            lambda: learning.simulate(NET, COIN, 4, "S", [4], 0.1, n_test=-5),
            InvalidArgumentError,
            "n_test must be at least 1, got -5",
        ),
        (
            lambda: learning.kappa_polynomial(spectrum(NET, COIN), "kappa", "delta"),
            InvalidArgumentError,
            "n_samples must not have a symbol named kappa",
        ),
        (
            lambda: learning.kappa_polynomial(spectrum(NET, COIN), 0, "delta"),
            InvalidArgumentError,
            "n_samples must be positive, got 0",
        ),
        (
            lambda: learning.learning_curve(SPEC, "S", 4, 0.1).shape_learnability((5, 1)),
            InvalidArgumentError,
            r"shape must be one of \(6\), got \(5,1\)",
        ),
    ],
)
def test_arguments_that_gave_errors_of_other_libraries(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_predictions_without_ridge_and_with_more_samples_than_modes():
    assert learning.predicted_output(SPEC, "S", [0] * 6, 50, 0).mean == pytest.approx(6)
    bound = learning.overlap_bound(learning.as_modes(SPEC), learning.decompose(SPEC, "S"), [[0] * 6], [1.0], 0.1)
    assert bound == learning.overlap_bound(SPEC, "S", [[0] * 6], [1.0], 0.1)


def test_a_position_named_from_both_ends():
    found = learning.decompose(spectrum(NET, COIN, 4), "sigma_4*sigma_L + 2*sigma_1*sigma_L")
    same = learning.decompose(spectrum(NET, COIN, 4), "1 + 2*sigma_1*sigma_4")
    assert found.norm == pytest.approx(same.norm) and found.shape_weights == pytest.approx(same.shape_weights)
    x = [[0, 1, 1, 0], [1, 0, 0, 0]]
    np.testing.assert_allclose(found.combined(found.eigenvalues, x), same.combined(same.eigenvalues, x))


def test_curves_and_simulations_in_one_table():
    curve = learning.learning_curve(SPEC, "S", [4, 16], 0.1)
    simulation = learning.simulate(NET, COIN, 6, "S", [4, 16], 0.1, n_repeats=5)
    table = curve.table(simulation)
    keys = [column.key for column in table.columns]
    place = keys.index("simulated_test_error")
    assert [row[place] for row in table.rows] == simulation.test_error.tolist()
    assert [row[place + 1] for row in table.rows] == simulation.test_error_error.tolist()
    assert keys[place - 1] == "test_error" and "5 training sets" in str(table)
    with pytest.raises(InvalidArgumentError, match="simulation must have the numbers of samples of the curve, got"):
        learning.learning_curve(SPEC, "S", [4, 32], 0.1).table(simulation)


def test_the_equivalent_kernel_has_no_variance():
    found = learning.predicted_output(SPEC, "S", [0] * 6, 8, 0.1, theory="equivalent-kernel")
    assert found.variance == 0 and found.curve.variance == pytest.approx(0)
    # elsewhere the mean over sequences is the variance of the curve
    x = np.array(list(product(range(2), repeat=6)))
    for theory in ("self-consistent", "next-order"):
        found = learning.predicted_output(SPEC, "S", x, 40, 0.1, theory=theory)
        assert found.variance.mean() == pytest.approx(found.curve.variance)
