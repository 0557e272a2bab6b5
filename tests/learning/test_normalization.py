"""Kernels scaled to E K(x, x) = 1."""

import numpy as np
import pytest

from symrep import MatchKernel, block_spectrum, kernels, learning, measures, spectrum
from symrep.errors import InvalidTypeError
from symrep.kernels.overlaps import matches_symbol as m
from symrep.kernels.overlaps import overlap_symbol as u

LINEAR = kernels.architecture("linear-block", token_variance="1/2", position_variance=1)
UNIFORM = measures.iid(["1/3", "2/3"])
KERNELS = {
    "network": LINEAR,
    "polynomial": 3 * u + m**2,
    "matches": MatchKernel(lambda x, y, matches: 2.0 ** (matches - 3)),
    "tables": lambda N: 5.0 + N[:, 0, 0] * N[:, 1, 1],
}


@pytest.mark.parametrize("name", KERNELS)
def test_eigenvalues_and_kernels_are_scaled_together(name):
    plain = block_spectrum(KERNELS[name], UNIFORM, 5)
    scaled = learning.normalized_spectrum(plain)
    assert scaled.expected_trace == 1 and scaled.trace() == pytest.approx(1, rel=1e-12)
    again = block_spectrum(scaled.kernel, UNIFORM, 5)
    assert again.expected_trace == pytest.approx(1, rel=1e-12)
    for before, block, anew in zip(plain.blocks, scaled.blocks, again.blocks):
        np.testing.assert_allclose(block.eigenvalues, before.eigenvalues / plain.expected_trace, rtol=1e-12)
        np.testing.assert_allclose(block.eigenvalues, anew.eigenvalues, atol=1e-13)
        np.testing.assert_allclose(block.matrix * plain.expected_trace, before.matrix, rtol=1e-12)
        assert block.rounding == pytest.approx(before.rounding / plain.expected_trace, rel=1e-12, abs=0)


def test_symbolic_spectra_are_scaled_exactly():
    spec = spectrum(kernels.architecture("linear-block"), UNIFORM, 4)
    scaled = learning.normalized_spectrum(spec)
    assert scaled.trace() == 1
    first = learning.normalized_spectrum(spec.substitute(a="1/2", p=1))
    assert first.levels[0].eigenvalue.evalf() == pytest.approx(
        float(scaled.evaluate(a="1/2", p=1).levels[0].eigenvalue)
    )


def test_other_things_are_refused():
    with pytest.raises(InvalidTypeError, match="spec must be a Spectrum or a BlockSpectrum, got 3"):
        learning.normalized_spectrum(3)
