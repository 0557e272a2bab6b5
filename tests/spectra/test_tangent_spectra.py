"""Spectra of neural tangent kernels: closed form = block = exact = dense, for every readout, scaled or not."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from symrep import block_spectrum, compare_spectra, exact_block_spectrum, kernels, learning, measures, spectrum
from symrep.errors import FreeSymbolError, InvalidArchitectureError, InvalidArgumentError, InvalidTypeError
from symrep.kernels.overlaps import length_symbol, vocabulary_symbol
from symrep.testing import check_spectrum

UNEVEN = measures.iid(["1/3", "2/3"])
NUMBERS = dict(zip(("a", "p", "a_q", "p_q"), map(sympy.Rational, ("2/3", "1", "4/3", "5/3"))))


def numbers_of(net):
    return {symbol.name: NUMBERS[symbol.name] for symbol in net.parameters()}


@pytest.mark.slow
@pytest.mark.parametrize("readout", kernels.READOUTS)
@pytest.mark.parametrize("normalized", [False, True])
def test_every_route_gives_the_same(readout, normalized):
    net = kernels.architecture("linear-block", readout)
    closed = spectrum(net.joint_count_kernel("ntk"), measures.iid_uniform(2))
    closed = learning.normalized_spectrum(closed) if normalized else closed
    check_spectrum(closed, closed.kernel, L=4, **numbers_of(net))
    at_four = closed.substitute(L=4, **numbers_of(net))
    assert compare_spectra(at_four, block_spectrum(at_four.kernel, measures.iid_uniform(2), 4))
    assert not normalized or (closed.trace() == 1 and at_four.trace() == 1)
    plain = spectrum(net, measures.iid_uniform(2), 4).substitute(**numbers_of(net))
    assert not compare_spectra(at_four, plain)


@pytest.mark.parametrize("readout", kernels.READOUTS)
def test_exact_blocks_under_an_uneven_measure(readout):
    net = kernels.architecture("linear-block", readout).substitute(
        **numbers_of(kernels.architecture("linear-block", readout))
    )
    exact = exact_block_spectrum(net.match_kernel("ntk"), UNEVEN, 4)
    assert compare_spectra(exact, spectrum(net.joint_count_kernel("ntk"), UNEVEN, 4))
    assert compare_spectra(exact, block_spectrum(net.joint_count_kernel("ntk"), UNEVEN, 4, method="tables"))
    assert exact.trace() == exact.expected_trace


def test_learning_with_the_tangent_kernel():
    net = kernels.architecture("linear-block")
    closed = spectrum(net.joint_count_kernel("ntk"), measures.iid_uniform(2))
    eight = closed.substitute(L=8, a="1/2", p=1)
    share = learning.symbolic_target(closed, "sigma_1 - S/L").learnability()
    curve = learning.learning_curve(eight, "sigma_1 - S/L", [24], 0.05)
    numbers = {"L": 8, "a": 0.5, "p": 1, "kappa": float(curve.kappa[0])}
    expected = float(share.subs({symbol: numbers[symbol.name] for symbol in share.free_symbols}))
    assert curve.learnability[0] == pytest.approx(expected, rel=1e-12)
    scaled = learning.normalized_spectrum(eight)
    assert float(scaled.kernel.factor(8, 2)) * float(eight.trace()) == pytest.approx(1, rel=1e-14)
    x = np.array([[0, 1, 1, 0, 1, 0, 0, 0, 1, 1]])  # longer than the sequences it was trained on
    outputs = [learning.predicted_output(s, "sigma_1 - S/L", x, n_samples=32, ridge=r) for s, r in
               ((eight, 0.05 * float(eight.trace())), (scaled, 0.05))]  # fmt: skip
    assert outputs[0].mean == pytest.approx(outputs[1].mean, rel=1e-10)


def test_texts_of_kernels_read_back_and_parameters_are_replaced():
    net = kernels.serial(kernels.TokenEmbedding(), kernels.UniformAttention(), kernels.MeanPool())
    for kernel in (net.match_kernel("ntk"), net.joint_count_kernel()):
        assert eval(repr(kernel), vars(kernels)) == kernel
    scaled = kernels.JointCountKernel(net, True, scale=3 / sympy.Symbol("a", positive=True) / length_symbol)
    assert repr(scaled).endswith(".joint_count_kernel('ntk') * (3/(L*a))")
    halved = scaled.substitute(a="1/2")
    assert halved([[1, 1], [0, 2]]) == pytest.approx(6 / 4 * net.substitute(a="1/2").ntk([0, 0, 1, 1], [0, 1, 1, 1]))
    assert kernels.MatchCountKernel(net.substitute(a=1), scale=0.25).overlap_polynomial() == sympy.sympify("u/L**2/4").subs(
        {"u": kernels.overlap_symbol, "L": length_symbol}
    )  # fmt: skip
    with pytest.raises(InvalidArgumentError, match="symbol must be one of L, a, got 'b'"):
        scaled.substitute(b=1)
    with pytest.raises(FreeSymbolError, match=r"scale must be a number here, got 3/\(2\*a\)"):
        kernels.JointCountKernel(net.substitute(a=1), scale=scaled.scale)([[1, 0], [0, 1]])
    between = kernels.MatchCountKernel(net.substitute(a=1), scale=1 / vocabulary_symbol)
    assert between([1, 1], [2, 1], 1) == pytest.approx(net.substitute(a=1).nngp([0, 1], [0, 0, 1]) / 2)


@pytest.mark.parametrize(
    ("measure", "values"),
    [
        (measures.dirichlet_multinomial(["al", "al"]), {"al": 2}),
        (measures.iid(["q", "1 - q"]), {"q": "1/3"}),
        (measures.iid_uniform(), {"V": 3}),
    ],
)
def test_symbols_of_measures_in_the_scale_are_replaced(measure, values):
    net = kernels.serial(kernels.TokenEmbedding(), kernels.UniformAttention(), kernels.MeanPool())
    normalized = learning.normalized_spectrum(spectrum(net.joint_count_kernel("ntk"), measure))
    at = normalized.substitute(L=4, a=1, **values)
    assert at.trace() == 1 and not at.free_symbols() and not at.kernel.parameters()
    check_spectrum(normalized, normalized.kernel, L=4, a=1, **values)
    assert (
        learning.scaling_law(normalized).substitute(L=4, a=1, **values)[0].level.eigenvalue == at.levels[0].eigenvalue
    )


def test_normalised_first_and_numbers_after():
    closed = spectrum(kernels.architecture("linear-block").joint_count_kernel("ntk"), measures.iid_uniform(2))
    numbers = {"L": 8, "a": "1/2", "p": 1}
    first = learning.normalized_spectrum(closed).substitute(**numbers)
    last = learning.normalized_spectrum(closed.substitute(**numbers))
    twice = learning.normalized_spectrum(last)
    x = np.array([[0, 1, 1, 0, 1, 0, 0, 0, 1, 1]])
    outputs = [learning.predicted_output(s, "sigma_1 - S/L", x, n_samples=32, ridge=0.05) for s in (first, last, twice)]
    assert outputs[0].mean == pytest.approx(outputs[1].mean, rel=1e-12) == outputs[2].mean
    assert twice.trace() == 1


def test_scales_of_block_spectra():
    net = kernels.architecture("relu-block", token_variance=1, position_variance=1)
    plain, scaled = (
        block_spectrum(kernel, measures.iid_uniform(2), 8, shapes=[(8,), (7, 1)])
        for kernel in (
            net.joint_count_kernel("ntk"),
            kernels.JointCountKernel(net, True, scale=1 / (3 * length_symbol)),
        )
    )
    assert scaled.expected_trace == pytest.approx(plain.expected_trace / 24, rel=1e-12)
    x = np.array([[0, 1, 1, 0, 1, 0, 0, 1]])
    outputs = [
        learning.predicted_output(s, "sigma_1", x, n_samples=16, ridge=ridge)
        for s, ridge in ((plain, 2.4), (scaled, 0.1))
    ]
    assert outputs[0].variance_error == pytest.approx(outputs[1].variance_error, rel=1e-9)
    assert outputs[0].mean == pytest.approx(outputs[1].mean, rel=1e-9)
    for own in (plain, scaled):
        normalized = learning.normalized_spectrum(own)
        assert normalized.expected_trace == 1 and normalized.kernel.factor(8, 2) > 0
        again = block_spectrum(normalized.kernel, measures.iid_uniform(2), 8, shapes=[(8,), (7, 1)])
        assert again.expected_trace == pytest.approx(1, rel=1e-12)
    with pytest.raises(FreeSymbolError, match="scale must be a number here"):
        learning.predicted_output(scaled, "sigma_1", np.array([[0] * 9]), n_samples=16, ridge=0.1)
    with pytest.raises(FreeSymbolError, match="scale must be a number here"):
        kernels.MatchCountKernel(net, scale=length_symbol)([1, 1], [2, 1], 1)


@pytest.mark.parametrize(
    ("scale", "error", "message"),
    [
        (None, InvalidTypeError, "scale must be a number"),
        (float("nan"), InvalidArgumentError, "scale must be finite, got nan"),
        (sympy.I, InvalidArgumentError, "scale must be real, got I"),
        (kernels.overlap_symbol, InvalidArgumentError, "scale must not use the names g, m, u"),
    ],
)
def test_scales_are_checked(scale, error, message):
    with pytest.raises(error, match=message):
        kernels.JointCountKernel(kernels.architecture("linear-block"), scale=scale)


def test_scales_are_read_like_other_numbers():
    net = kernels.serial(kernels.TokenEmbedding(1), kernels.UniformAttention(), kernels.MeanPool())
    for scale in ("3/L", 3 / sympy.Symbol("L")):
        assert kernels.JointCountKernel(net, scale=scale).scale == 3 / length_symbol
    with pytest.raises(InvalidArgumentError, match="kernel must have the 2 tokens of the measure, got 3"):
        three = kernels.serial(kernels.TokenEmbedding(covariance=np.eye(3)), kernels.MeanPool())
        block_spectrum(three.joint_count_kernel("ntk"), measures.iid_uniform(2), 3)


def test_parameters_that_a_spectrum_does_not_have_are_given_to_the_kernel_alone():
    net = kernels.serial(
        kernels.TokenEmbedding("a"), kernels.LinearAttention(key_std="k", query_std="k"), kernels.MeanPool()
    )
    normalized = learning.normalized_spectrum(spectrum(net.joint_count_kernel("ntk"), measures.iid_uniform(2)))
    assert "k" not in {symbol.name for symbol in normalized.free_symbols()}
    check_spectrum(normalized, normalized.kernel, L=3, a=1, k=2)


def test_networks_without_a_polynomial_are_sent_on():
    with pytest.raises(InvalidArchitectureError, match="block_spectrum takes it at a finite length, in float64"):
        spectrum(kernels.architecture("relu-block").joint_count_kernel("ntk"), measures.iid_uniform(2))
