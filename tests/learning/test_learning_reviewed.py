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
    assert "it acts as ridge" in str(learning.learning_curve(some, "S", 4, 0.3).table())


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
    with pytest.raises(InvalidArgumentError, match="target must be decomposed at 2 tokens and length 7, got"):
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
