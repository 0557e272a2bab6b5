"""The effective ridge: its equation, its limits, two published forms of it, and degeneracies beyond any float."""

from types import SimpleNamespace

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import kernels, measures, spectrum
from symrep.combinatorics.partitions import Partition
from symrep.errors import FreeSymbolError, InvalidArgumentError, InvalidTypeError
from symrep.learning.kappa import THEORIES, effective_modes, effective_ridge, kappa_polynomial, learnabilities
from symrep.learning.modes import Modes, as_modes
from symrep.spectra.spectrum import EigenLevel, EvaluatedSpectrum

LEVELS = st.lists(st.tuples(st.floats(-12, 6).map(lambda e: 10.0**e), st.integers(1, 10**6)), min_size=1, max_size=6)
RIDGES = st.floats(-10, 4).map(lambda e: 10.0**e)


def modes_of(pairs, tail=0.0):
    pairs = sorted(pairs, reverse=True)
    return Modes(tuple(EigenLevel(Partition((1,)), value, count) for value, count in pairs), tail)


@settings(deadline=None)
@given(LEVELS, st.floats(0.1, 1e7), RIDGES)
def test_kappa_solves_its_equation_and_is_bracketed(pairs, n_samples, ridge):
    modes = modes_of(pairs)
    kappa = effective_ridge(modes, n_samples, ridge)
    filled = sum(count * value / (value + kappa) for value, count in pairs)
    assert filled + ridge / kappa == pytest.approx(n_samples, rel=1e-10)
    assert filled <= n_samples * (1 + 1e-12)
    trace = sum(count * value for value, count in pairs)
    assert ridge / n_samples * (1 - 1e-9) <= kappa <= (trace + ridge) / n_samples * (1 + 1e-9)


@settings(deadline=None)
@given(LEVELS, st.floats(0.1, 1e7), RIDGES)
def test_two_published_forms_of_the_equation_agree(pairs, n_samples, ridge):
    kappa = effective_ridge(modes_of(pairs), n_samples, ridge)
    K = n_samples * kappa  # Canatar, Bordelon, Pehlevan: K = ridge + sum K eta / (K + P eta)
    assert ridge + sum(count * K * value / (K + n_samples * value) for value, count in pairs) == pytest.approx(
        K, rel=1e-10
    )


@settings(deadline=None)
@given(LEVELS, st.floats(0.1, 1e5), RIDGES)
def test_theories_are_ordered(pairs, n_samples, ridge):
    modes = modes_of(pairs)
    full, first, zeroth = (effective_ridge(modes, n_samples, ridge, theory) for theory in THEORIES)
    assert zeroth <= first * (1 + 1e-12) and first <= full * (1 + 1e-9)


@settings(deadline=None)
@given(LEVELS, st.floats(0.01, 0.999))
def test_without_ridge_all_modes_are_learned_from_their_number_on(pairs, share):
    modes = modes_of(pairs)
    assert effective_ridge(modes, modes.count, 0) == 0.0
    assert learnabilities(modes, 0.0).tolist() == [1.0] * len(modes)
    kappa = effective_ridge(modes, share * modes.count, 0)
    assert effective_modes(modes, kappa) == pytest.approx(share * modes.count, rel=1e-9)


def test_limits():
    modes = modes_of([(1.0, 3), (0.1, 40)])
    assert effective_ridge(modes, 20, 1e12) == pytest.approx(1e12 / 20)
    assert effective_ridge(modes, 1e12, 0.1) == pytest.approx(0.1e-12)
    assert effective_ridge(modes, 1e-9, 0.1) == pytest.approx((3 + 4 + 0.1) / 1e-9)
    assert effective_ridge(modes, 20, 1e-12) == pytest.approx(effective_ridge(modes, 20, 0), rel=1e-9)


@pytest.mark.parametrize("bits", [60, 900, 1070])
def test_degeneracies_of_any_size(bits):
    # 1/(1 + kappa) + 1/kappa = 2 while kappa is far above the small eigenvalue
    modes = modes_of([(1.0, 1), (2.0**-bits, 2**bits)])
    assert effective_ridge(modes, 2.0, 0.0) == pytest.approx(0.5**0.5, rel=1e-9)


def test_a_tail_of_unresolved_modes_acts_as_ridge():
    many, few = modes_of([(1.0, 2), (1e-9, 10**8)]), modes_of([(1.0, 2)], tail=0.1)
    assert effective_ridge(few, 20, 0.3) == pytest.approx(effective_ridge(many, 20, 0.3), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("vocab_size", [2, 3])
def test_kappa_polynomial_has_kappa_as_its_one_positive_root(vocab_size):
    spec = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(vocab_size), 7)
    numbers = {"a": sympy.Rational(1, 2), "p": 1}
    polynomial = kappa_polynomial(spec, "P", "delta")
    values = {
        symbol: numbers.get(symbol.name, {"P": 30, "delta": sympy.Rational(1, 20)}.get(symbol.name))
        for symbol in polynomial.free_symbols_in_domain
    }
    roots = [
        r for r in sympy.Poly(polynomial.as_expr().subs(values), polynomial.gen).nroots(n=30) if r.is_real and r > 0
    ]
    assert len(roots) == 1
    kappa = effective_ridge(as_modes(spec.substitute(**numbers)), 30, 0.05)
    assert kappa == pytest.approx(float(roots[0]), rel=1e-12)


def test_arrays_broadcast():
    modes = modes_of([(1.0, 3), (0.1, 40)])
    found = effective_ridge(modes, [[4], [8]], [0.1, 0.2, "1/2"])
    assert found.shape == (2, 3)
    assert found[1, 2] == effective_ridge(modes, 8, 0.5)
    assert learnabilities(modes, found).shape == (2, 3, 2)


@pytest.mark.parametrize(
    ("n_samples", "ridge", "theory", "error", "message"),
    [
        (0, 0.1, "self-consistent", InvalidArgumentError, "n_samples must be positive, got 0"),
        ([], 0.1, "self-consistent", InvalidArgumentError, "n_samples must not be empty"),
        (5, -0.1, "self-consistent", InvalidArgumentError, "ridge must not be negative, got -0.1"),
        (5, float("nan"), "self-consistent", InvalidArgumentError, "ridge must be finite"),
        (5, "y", "self-consistent", FreeSymbolError, "ridge"),
        (5, 1j, "self-consistent", InvalidTypeError, "ridge must be numbers"),
        (5, 0.1, "magic", InvalidArgumentError, "theory must be one of"),
    ],
)
def test_errors(n_samples, ridge, theory, error, message):
    with pytest.raises(error, match=message):
        effective_ridge(modes_of([(1.0, 3)]), n_samples, ridge, theory)


def test_modes_refuse_what_is_no_spectrum_of_a_kernel():
    with pytest.raises(InvalidTypeError, match="spec must be a spectrum"):
        as_modes(SimpleNamespace(levels=()))
    negative = EvaluatedSpectrum("x", (EigenLevel(Partition((2,)), 1.0, 1), EigenLevel(Partition((2,)), -0.5, 1)), 4)
    with pytest.raises(InvalidArgumentError, match="must have no negative eigenvalue"):
        as_modes(negative)
    with pytest.raises(InvalidArgumentError, match="must have a positive eigenvalue"):
        as_modes(EvaluatedSpectrum("x", (), 4))
    with pytest.raises(FreeSymbolError):
        as_modes(spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2), 5))
