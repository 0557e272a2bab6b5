"""Hidden Markov models where spectra take them, and why not elsewhere."""

import numpy as np
import pytest

from symrep import block_spectrum, exact_block_spectrum, kernels, learning, measures, spectrum
from symrep.errors import InvalidArgumentError, InvalidTypeError, NotInvariantError

NET = kernels.architecture("linear-block", token_variance=1, position_variance="1/2")
# both states lead to either alike: independent tokens of frequency 13/24
ALIKE = measures.hidden_markov(["1/2", "1/2"], [["1/2", "1/2"]] * 2, [["1/3", "2/3"], ["3/4", "1/4"]])
FROZEN = measures.hidden_markov(["1/3", "2/3"], [[1, 0], [0, 1]], [["1/5", "4/5"], ["3/4", "1/4"]])
CASES = [
    (ALIKE, measures.iid(["13/24", "11/24"])),
    (FROZEN, measures.frozen_mixture(["1/3", "2/3"], [["1/5", "4/5"], ["3/4", "1/4"]])),
]


@pytest.mark.parametrize(("model", "same"), CASES)
@pytest.mark.parametrize("readout", ["pool", "last", "query"])
def test_exchangeable_models_have_the_spectrum_of_what_they_are(model, same, readout):
    net = kernels.architecture("linear-block", readout, token_variance=1, position_variance="1/2")
    if readout == "query":
        net = net.substitute(a_q=1, p_q="1/3")
    for solve in (spectrum, block_spectrum):
        found, expected = solve(net, model, 4), solve(net, same, 4)
        eigenvalues = [np.array([level.eigenvalue for level in s.evaluate().levels]) for s in (found, expected)]
        np.testing.assert_allclose(*eigenvalues, rtol=1e-10, atol=1e-13)
    assert float(spectrum(net, model, 4).expected_trace) == pytest.approx(float(spectrum(net, same, 4).expected_trace))


def test_learning_curves_and_exact_blocks():
    curves = [learning.learning_curve(spectrum(NET, m, 5), "sigma_1 + S", [4, 16], 0.1) for m in (FROZEN, CASES[1][1])]
    np.testing.assert_allclose(curves[0].test_error, curves[1].test_error, rtol=1e-9)
    exact = [exact_block_spectrum(NET, m, 3).trace() for m in (FROZEN, CASES[1][1])]
    assert exact[0] == exact[1]


def test_refusals():
    chain = measures.lazy_chain("1/2", ["1/2", "1/2"])
    told = (
        r"measure must be exchangeable \(measures.shuffled.*not exchangeable: the sequence \(0, 1, 0\) has probability"
    )
    for solve in (spectrum, block_spectrum, exact_block_spectrum):
        with pytest.raises(NotInvariantError, match=told):
            solve(NET, chain, 4)
        with pytest.raises(InvalidTypeError, match="measure must be an exchangeable measure such as iid_uniform"):
            solve(NET, 3, 4)
    with pytest.raises(InvalidArgumentError, match="length must be a number for a hidden Markov model, got L"):
        spectrum(NET, ALIKE)


@pytest.mark.parametrize(
    "measure",
    [
        measures.iid_uniform(),
        measures.iid(["1/3", "2/3"]),
        CASES[1][1],
        measures.dirichlet_multinomial([1, 2]),
        measures.urn([2, 3]),
        measures.shuffled(measures.lazy_chain("1/2", ["1/2", "1/2"]), 3),
    ],
    ids=repr,
)
def test_every_measure_says_whether_it_is_exchangeable(measure):
    assert measure.is_exchangeable() and measures.is_exchangeable(measure)
    assert str(measure.is_exchangeable()) == "exchangeable"
