"""Dual activations against quadrature, exact Gaussian moments, and the laws that every dual obeys."""

from __future__ import annotations

import itertools
import math
import pickle
from fractions import Fraction
from functools import lru_cache

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep.errors import InvalidArgumentError, InvalidTypeError
from symrep.kernels.activations import (
    ERF,
    GELU,
    RELU,
    polynomial_activation,
    polynomial_derivative_dual,
    polynomial_dual,
    polynomial_moments,
    relu_derivative_dual,
    relu_dual,
)

CUBIC = polynomial_activation([0.3, -1.0, 0.5, 0.25])
ACTIVATIONS = {"relu": RELU, "erf": ERF, "gelu": GELU, "cubic": CUBIC}
DUALS = [dual for f in (RELU, ERF, GELU) for dual in (f.dual, f.derivative_dual)]
VARIANCES = [1e-6, 0.01, 0.3, 1.0, 2.25, 7.0, 25.0]
CORRELATIONS = [-1.0, -0.999999, -0.99, -0.9, -0.4, 0.0, 0.2, 0.8, 0.995, 0.999999, 1.0]
GRID = list(itertools.product(VARIANCES, VARIANCES, CORRELATIONS))

every_activation = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
variances = st.floats(1e-3, 30.0)
correlations = st.floats(-0.999, 0.999)


def covariance_of(vx, vy, correlation):
    return correlation * np.sqrt(vx) * np.sqrt(vy)


def root_determinant(vx, vy, covariance):
    """The root of vx vy - c^2 for the floats as they are, with enough digits, clipped at 0."""
    difference = mpmath.mpf(vx) * mpmath.mpf(vy) - mpmath.mpf(covariance) ** 2
    return mpmath.sqrt(max(difference, mpmath.mpf(0)))


STANDARD_NODES, STEP = np.linspace(-12, 12, 321, retstep=True)
STANDARD_WEIGHTS = STEP * np.exp(-0.5 * STANDARD_NODES**2) / np.sqrt(2 * np.pi)


def trapezoid_mean(f, vx, vy, covariance):
    """E f(U) f(W) by the trapezoidal rule in both directions, spectrally accurate for entire integrands."""
    with mpmath.workdps(40):
        rest = float(root_determinant(vx, vy, covariance)) / np.sqrt(vx)
    means = covariance / np.sqrt(vx) * STANDARD_NODES
    inner = f(means[:, None] + rest * STANDARD_NODES[None, :]) @ STANDARD_WEIGHTS
    return STANDARD_WEIGHTS @ (f(np.sqrt(vx) * STANDARD_NODES) * inner)


def root_mean_square(f, variance):
    return np.sqrt(STANDARD_WEIGHTS @ f(np.sqrt(variance) * STANDARD_NODES) ** 2)


@lru_cache
def radial_moment(power):
    return mpmath.quad(lambda r: r ** (1 + 2 * power) * mpmath.exp(-(r**2) / 2), [0, 2, 6, 20])


def polar_mean(vx, vy, covariance, power):
    """E (U)_+^power (W)_+^power in polar coordinates: a radial moment times an integral over angles.

    U = sqrt(vx) r cos(phi) and W = (c cos(phi) + rest sin(phi)) r / sqrt(vx) are both positive for phi between
    atan2(rest, c) - pi/2 and pi/2.
    """
    with mpmath.workdps(40):
        c, rest = mpmath.mpf(covariance), root_determinant(vx, vy, covariance)
        first, last = mpmath.atan2(rest, c) - mpmath.pi / 2, mpmath.pi / 2
        angular = mpmath.quad(
            lambda phi: (mpmath.cos(phi) * (c * mpmath.cos(phi) + rest * mpmath.sin(phi))) ** power, [first, last]
        )
        return float(radial_moment(power) * angular / (2 * mpmath.pi))


def isserlis(a, b, vx, vy, c):
    """E U^a W^b by integrating one factor U by parts."""
    if a == 0:
        return 0 if b % 2 else sympy.factorial2(b - 1) * vy ** (b // 2)
    pairs_with_u = (a - 1) * vx * isserlis(a - 2, b, vx, vy, c) if a > 1 else 0
    pairs_with_w = b * c * isserlis(a - 1, b - 1, vx, vy, c) if b > 0 else 0
    return pairs_with_u + pairs_with_w


def isserlis_dual(coefficients, vx, vy, c):
    terms = itertools.product(enumerate(coefficients), repeat=2)
    return sympy.expand(sum(p * q * isserlis(a, b, vx, vy, c) for (a, p), (b, q) in terms))


def differentiated(coefficients):
    return [k * a for k, a in enumerate(coefficients)][1:]


@pytest.mark.slow
def test_relu_duals_against_polar_integration():
    for vx, vy, correlation in GRID[::3] + [(v, v, r) for v in (0.3, 7.0) for r in CORRELATIONS]:
        c = covariance_of(vx, vy, correlation)
        dual, derivative = float(relu_dual(vx, vy, c)), float(relu_derivative_dual(vx, vy, c))
        assert dual == pytest.approx(polar_mean(vx, vy, c, 1), rel=1e-12, abs=1e-30)
        assert derivative == pytest.approx(polar_mean(vx, vy, c, 0), rel=1e-12, abs=1e-30)


@pytest.mark.parametrize("distance", [0.006, 0.0051, 0.00505, 0.005, 0.00495, 0.004, 1e-3, 1e-6, 1e-9, 1e-12, 1e-15])
@pytest.mark.parametrize("sign", [1, -1])
def test_relu_duals_keep_their_digits_at_small_angles(sign, distance):
    vx, vy = 1.7, 0.6
    c = sign * math.sqrt(vx * vy) * (1 - distance)
    assert float(relu_dual(vx, vy, c)) == pytest.approx(polar_mean(vx, vy, c, 1), rel=1e-12, abs=0)
    assert float(relu_derivative_dual(vx, vy, c)) == pytest.approx(polar_mean(vx, vy, c, 0), rel=1e-12, abs=0)


@pytest.mark.parametrize("activation", [ERF, GELU, CUBIC], ids=["erf", "gelu", "cubic"])
def test_smooth_duals_against_quadrature(activation):
    for vx, vy, correlation in GRID[::2] + [(v, v, r) for v in (0.3, 7.0) for r in CORRELATIONS]:
        c = covariance_of(vx, vy, correlation)
        for dual, f in [(activation.dual, activation.function), (activation.derivative_dual, activation.derivative)]:
            scale = root_mean_square(f, vx) * root_mean_square(f, vy)
            expected = pytest.approx(trapezoid_mean(f, vx, vy, c), rel=1e-12, abs=2e-15 * scale)
            assert float(dual(vx, vy, c)) == expected


@pytest.mark.parametrize("activation", [ERF, GELU], ids=["erf", "gelu"])
def test_gauss_hermite_agrees_at_moderate_variance(activation):
    nodes, weights = np.polynomial.hermite_e.hermegauss(90)
    weights = weights / weights.sum()
    vx, vy, c = 0.8, 0.5, -0.37
    w = c / vx * np.sqrt(vx) * nodes[:, None] + np.sqrt(vy - c * c / vx) * nodes[None, :]
    expected = weights @ (activation.function(np.sqrt(vx) * nodes) * (activation.function(w) @ weights))
    assert float(activation.dual(vx, vy, c)) == pytest.approx(expected, rel=1e-12, abs=0)


def taylor(name, degree=13):
    z = sympy.Symbol("z")
    f = {"erf": sympy.erf(z), "gelu": z * (1 + sympy.erf(z / sympy.sqrt(2))) / 2}[name]
    series = sympy.series(f, z, 0, degree + 1).removeO()
    return [float(series.coeff(z, k)) for k in range(degree + 1)]


@pytest.mark.parametrize("name", ["erf", "gelu"])
@pytest.mark.parametrize("variance", [1e-8, 1e-4, 1e-3])
def test_small_variances_against_the_taylor_series(name, variance):
    activation, series = ACTIVATIONS[name], taylor(name)
    correlation = np.array([-1.0, -0.7, 0.0, 0.4, 1.0])
    arguments = (variance, 2 * variance, correlation * np.sqrt(2) * variance)
    np.testing.assert_allclose(activation.dual(*arguments), polynomial_dual(series, *arguments), rtol=1e-12)
    np.testing.assert_allclose(
        activation.derivative_dual(*arguments), polynomial_derivative_dual(series, *arguments), rtol=1e-12
    )


rationals = st.fractions(-2, 2, max_denominator=6)


@given(st.lists(rationals, min_size=1, max_size=6), st.tuples(rationals, rationals, rationals))
@settings(deadline=None, max_examples=60)
def test_polynomial_moments_give_isserlis_moments_exactly(coefficients, numbers):
    exact = [sympy.Rational(a) for a in coefficients]
    vx, vy, c = (sympy.Rational(value) for value in numbers)
    pairs = zip(polynomial_moments(coefficients, vx), polynomial_moments(coefficients, vy))
    total = sum(of_x * of_y * c**j / sympy.factorial(j) for j, (of_x, of_y) in enumerate(pairs))
    assert total == isserlis_dual(exact, vx, vy, c)


def test_polynomial_moments_in_symbols():
    vx, vy, c, t = sympy.symbols("v_x v_y c t")
    coefficients = [sympy.Rational(1, 3), t, Fraction(-2, 5), 1, 0, sympy.sqrt(2)]
    exact = list(map(sympy.sympify, coefficients))
    pairs = list(zip(polynomial_moments(coefficients, vx), polynomial_moments(coefficients, vy)))
    assert len(pairs) == 6
    total = sum(of_x * of_y * c**j / sympy.factorial(j) for j, (of_x, of_y) in enumerate(pairs))
    assert sympy.expand(total - isserlis_dual(exact, vx, vy, c)) == 0
    derivative = sum(of_x * of_y * c ** (j - 1) / sympy.factorial(j - 1) for j, (of_x, of_y) in enumerate(pairs) if j)
    assert sympy.expand(derivative - isserlis_dual(differentiated(exact), vx, vy, c)) == 0


def test_numeric_polynomial_duals_against_exact_ones():
    coefficients = [sympy.Rational(k, 8) for k in (2, -12, 4, 5, -1)]
    slopes = differentiated(coefficients)
    for arguments in [("2", "3", "-1"), ("1/2", "4", "5/4"), ("0", "3", "0"), ("4", "4", "4"), ("1", "1", "-1")]:
        exact = list(map(sympy.Rational, arguments))
        floats = list(map(float, exact))
        expected, slope = float(isserlis_dual(coefficients, *exact)), float(isserlis_dual(slopes, *exact))
        assert float(polynomial_dual(coefficients, *floats)) == pytest.approx(expected, rel=1e-13, abs=0)
        assert float(polynomial_derivative_dual(coefficients, *floats)) == pytest.approx(slope, rel=1e-13, abs=0)


def test_numeric_moments_have_the_type_and_shape_of_the_variance():
    variance = np.array([[0.0, 1.0, 2.5]])
    moments = polynomial_moments([1, 2, 3, 4], variance)
    assert [moment.shape for moment in moments] == [(1, 3)] * 4
    np.testing.assert_allclose(np.concatenate(moments), [1 + 3 * variance[0], 2 + 12 * variance[0], [6] * 3, [24] * 3])
    assert polynomial_moments([1, 2, 3, 4], 2.5) == (8.5, 32.0, 6.0, 24.0)
    assert all(type(moment) is float for moment in polynomial_moments([1, 2], 1))
    assert polynomial_moments([1, 2], np.zeros((0, 2)))[0].shape == (0, 2)


@given(st.floats(-3, 3), st.floats(-3, 3), variances, variances, correlations)
@settings(deadline=None)
def test_affine_activations_only_scale_and_shift_the_covariance(shift, slope, vx, vy, correlation):
    c = covariance_of(vx, vy, correlation)
    expected = pytest.approx(shift**2 + slope**2 * c, rel=1e-14, abs=1e-13)
    assert float(polynomial_dual([shift, slope], vx, vy, c)) == expected
    assert float(polynomial_derivative_dual([shift, slope], vx, vy, c)) == pytest.approx(slope**2, rel=1e-15, abs=0)
    assert float(polynomial_derivative_dual([shift], vx, vy, c)) == 0


@every_activation
@given(variances, variances, correlations)
@settings(deadline=None)
def test_swapping_the_inputs_changes_nothing(activation, vx, vy, correlation):
    c = covariance_of(vx, vy, correlation)
    for dual in (activation.dual, activation.derivative_dual):
        assert float(dual(vx, vy, c)) == pytest.approx(float(dual(vy, vx, c)), rel=1e-14, abs=1e-15)


@every_activation
@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_gram_matrices_stay_positive_semidefinite(activation, rank, seed):
    features = np.random.default_rng(seed).normal(size=(9, rank))
    features[7], features[8] = features[0], -2 * features[1]
    gram = features @ features.T
    diagonal = np.diag(gram)
    for dual in (activation.dual, activation.derivative_dual):
        image = dual(diagonal[:, None], diagonal[None, :], gram)
        assert image.shape == (9, 9)
        eigenvalues = np.linalg.eigvalsh((image + image.T) / 2)
        # The angle between parallel inputs carries the root of the rounding of their covariance.
        tolerance = 1e-7 if dual is relu_derivative_dual else 1e-13
        assert eigenvalues[0] >= -tolerance * eigenvalues[-1]
        assert eigenvalues[-1] > 0


@given(variances, variances, correlations, st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
@settings(deadline=None)
def test_relu_is_homogeneous(vx, vy, correlation, s, t):
    c = covariance_of(vx, vy, correlation)
    scaled = (s * s * vx, t * t * vy, s * t * c)
    assert float(relu_dual(*scaled)) == pytest.approx(s * t * float(relu_dual(vx, vy, c)), rel=1e-11, abs=0)
    unscaled = float(relu_derivative_dual(vx, vy, c))
    assert float(relu_derivative_dual(*scaled)) == pytest.approx(unscaled, rel=1e-12, abs=0)


@pytest.mark.parametrize("activation, lowest", [(RELU, -1), (ERF, -1), (GELU, 0)], ids=["relu", "erf", "gelu"])
@given(variances, variances)
@settings(deadline=None)
def test_duals_grow_with_the_covariance(activation, lowest, vx, vy):
    values = activation.dual(vx, vy, covariance_of(vx, vy, np.linspace(lowest, 1, 60)))
    assert (np.diff(values) > 0).all()


def test_the_gelu_dual_is_not_monotone_at_negative_covariance():
    values = GELU.dual(4, 4, np.array([-4.0, -3.98]))
    assert values[1] < values[0]
    assert float(GELU.derivative_dual(4, 4, -4)) < 0


@every_activation
@given(variances, variances, st.floats(-0.95, 0.95), st.floats(-0.95, 0.95))
@settings(deadline=None)
def test_the_derivative_dual_is_the_derivative_in_the_covariance(activation, vx, vy, start, end):
    """Price's theorem, integrated: no step size to choose."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    start, end = covariance_of(vx, vy, start), covariance_of(vx, vy, end)
    half = (end - start) / 2
    integral = half * (weights @ activation.derivative_dual(vx, vy, (start + end) / 2 + half * nodes))
    difference = float(activation.dual(vx, vy, end)) - float(activation.dual(vx, vy, start))
    scale = float(np.sqrt(activation.dual(vx, vx, vx) * activation.dual(vy, vy, vy)))
    assert difference == pytest.approx(integral, rel=1e-9, abs=1e-11 * scale)


@given(st.floats(1e-130, 1e130))
@settings(deadline=None)
def test_equal_inputs_are_exact_for_relu(v):
    assert float(relu_dual(v, v, v)) == pytest.approx(v / 2, rel=2.3e-16, abs=0)
    assert float(relu_derivative_dual(v, v, v)) == 0.5
    assert float(relu_dual(v, v, -v)) == 0
    assert float(relu_derivative_dual(v, v, -v)) == 0


@pytest.mark.parametrize("sign", [1, -1])
def test_covariances_beyond_the_bound_by_rounding_count_as_on_it(sign):
    bound = math.sqrt(2.0) * math.sqrt(3.0)
    c = sign * np.array([bound * (1 + k * 2.0**-52) for k in range(1, 40)])
    on_it = sign > 0
    np.testing.assert_allclose(relu_dual(2, 3, c), on_it * bound / 2, rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(relu_derivative_dual(2, 3, c), on_it * 0.5)
    for dual in (ERF.dual, ERF.derivative_dual, GELU.dual, GELU.derivative_dual):
        expected = float(dual(2, 3, sign * bound))
        np.testing.assert_allclose(dual(2, 3, c), expected, rtol=1e-12)


@pytest.mark.parametrize("vx, vy", [(0, 0), (0, 3), (3, 0)])
def test_zero_variance(vx, vy):
    assert float(relu_dual(vx, vy, 0)) == 0
    assert float(relu_derivative_dual(vx, vy, 0)) == float(relu_derivative_dual(vx, vy, -0.0)) == 0.25
    assert float(ERF.dual(vx, vy, 0)) == float(GELU.dual(vx, vy, 0)) == 0
    assert float(ERF.derivative_dual(vx, vy, 0)) == pytest.approx(4 / math.pi / math.sqrt(1 + 2 * (vx + vy)), rel=1e-15)
    assert float(GELU.derivative_dual(vx, vy, 0)) == 0.25
    assert float(polynomial_dual([2, 1, 1], vx, vy, 0)) == (2 + vx) * (2 + vy)


@pytest.mark.parametrize("dual", DUALS)
def test_no_warnings_at_extreme_values(dual):
    v = np.array([0.0, 5e-324, 1e-200, 1e-160, 1e-140, 1e-20, 1.0, 1e20, 1e140, 1e150])
    for c in (v, -v, 0 * v, 0.5 * v):
        assert np.isfinite(dual(v, v, c)).all()


def test_derivative_duals_at_large_variance_keep_the_determinant():
    vx, vy = 3e7, 7e7
    c = math.sqrt(vx * vy) * (1 - 1e-13)
    with mpmath.workdps(50):
        x, y, z = map(mpmath.mpf, (vx, vy, c))
        expected = 4 / mpmath.pi / mpmath.sqrt((1 + 2 * x) * (1 + 2 * y) - 4 * z * z)
    assert float(ERF.derivative_dual(vx, vy, c)) == pytest.approx(float(expected), rel=1e-13, abs=0)


@pytest.mark.parametrize("dual", [*DUALS, CUBIC.dual, CUBIC.derivative_dual])
def test_broadcasting_over_several_blocks_equals_entry_by_entry(dual):
    rng = np.random.default_rng(5)
    vx, vy = rng.uniform(0, 3, size=(173, 1)), rng.uniform(0, 3, size=(1, 301))
    c = rng.uniform(-1, 1, size=(301, 173)).T * np.sqrt(vx * vy)
    c[:, 7] = np.sqrt(vx[:, 0] * vy[0, 7])
    result = dual(vx, vy, c)
    assert result.shape == (173, 301) and result.dtype == np.float64
    for s, t in [(0, 0), (172, 300), (40, 7), (100, 7), (171, 2), (0, 299)]:
        assert float(result[s, t]) == pytest.approx(float(dual(vx[s, 0], vy[0, t], c[s, t])), rel=1e-13, abs=1e-15)
    full = dual(*np.broadcast_arrays(vx, vy, c))
    np.testing.assert_allclose(result, full, rtol=1e-13, atol=1e-15)
    assert dual(1.0, 1.0, 0.5).shape == ()
    assert dual(np.ones((0, 3)), 1.0, 0.5).shape == (0, 3)
    assert dual(np.float32(1), 1, np.array([0, 1])).dtype == np.float64


def test_arguments_are_left_alone():
    arrays = [np.array([2.0, 2.0, 0.0]), np.array([2.0, 3.0, 1.0]), np.array([-2.0, 1.0, 0.0])]
    kept = [array.copy() for array in arrays]
    for dual in (*DUALS, CUBIC.dual):
        dual(*arrays)
    for array, copy in zip(arrays, kept):
        np.testing.assert_array_equal(array, copy)


@every_activation
def test_the_derivative_is_that_of_the_function(activation):
    z = np.array([-3.0, -1.1, -0.2, 0.4, 2.3])
    h = 1e-5
    slope = (activation.function(z + h) - activation.function(z - h)) / (2 * h)
    np.testing.assert_allclose(activation.derivative(z), slope, rtol=1e-8, atol=1e-9)


def test_activation_functions_at_known_points():
    assert RELU.function([-1, 0, 2]).tolist() == [0, 0, 2]
    assert RELU.derivative([-1, 0, 2]).tolist() == [0, 0, 1]
    np.testing.assert_allclose(ERF.function([-0.3, 1.0]), [math.erf(-0.3), math.erf(1.0)], rtol=1e-15)
    np.testing.assert_allclose(GELU.function([-0.3, 1.0]), [-0.3 * 0.3820885778110474, 0.8413447460685429], rtol=1e-14)
    np.testing.assert_allclose(CUBIC.function([2.0]), [0.3 - 2 + 2 + 2])
    assert GELU.function(np.zeros((2, 3))).shape == (2, 3)


def test_records_are_values():
    same = polynomial_activation(np.array([0, 1, 0.5]))
    assert same == polynomial_activation((0.0, 1.0, Fraction(1, 2))) != polynomial_activation((0, 1))
    assert repr(same) == "DualActivation(name='polynomial(0.0, 1.0, 0.5)')"
    assert pickle.loads(pickle.dumps(RELU)) == RELU
    assert pickle.loads(pickle.dumps(same)).dual(1, 1, 1) == same.dual(1, 1, 1)
    with pytest.raises(AttributeError):
        RELU.name = "other"


@pytest.mark.parametrize("dual", [*DUALS, CUBIC.dual, CUBIC.derivative_dual])
def test_variances_outside_the_range_are_refused(dual):
    with pytest.raises(InvalidArgumentError, match=r"variance_x must lie in \[0, 1e\+150\], got -0.5"):
        dual([1.0, -0.5], 1.0, 0.0)
    with pytest.raises(InvalidArgumentError, match=r"variance_y must lie in \[0, 1e\+150\], got inf"):
        dual(1.0, [np.inf, 1.0], 0.0)
    with pytest.raises(InvalidArgumentError, match="variance_x must lie in .*, got nan"):
        dual([1.0, np.nan], 1.0, 0.0)


@pytest.mark.parametrize("dual", DUALS)
@pytest.mark.parametrize("covariance", [2.6, -2.6, np.nan])
def test_impossible_covariances_are_refused(dual, covariance):
    with pytest.raises(InvalidArgumentError, match=r"covariance must satisfy .*, got (-?2.6|nan) with 2.0 and 3.0"):
        dual(2.0, 3.0, [1.0, covariance])


def test_shapes_that_do_not_broadcast_are_refused():
    with pytest.raises(InvalidArgumentError, match=r"must have shapes that broadcast, got \[\(2,\), \(3,\), \(\)\]"):
        relu_dual([1, 1], [1, 1, 1], 0)


@pytest.mark.parametrize("value", [1j, "1", True, sympy.Symbol("v"), None])
def test_arguments_that_are_not_real_numbers_are_refused(value):
    with pytest.raises(InvalidTypeError, match="covariance must hold real numbers"):
        ERF.dual(1.0, 1.0, value)
    with pytest.raises(InvalidTypeError, match="z must hold real numbers"):
        GELU.function(value)


@pytest.mark.parametrize("coefficient", [1j, "1", True, np.True_, sympy.Symbol("t"), None, [1.0]])
def test_coefficients_that_are_not_real_numbers_are_refused(coefficient):
    for use in (polynomial_activation, lambda a: polynomial_dual(a, 1, 1, 0), lambda a: polynomial_moments(a, 1.0)):
        with pytest.raises(InvalidTypeError, match="coefficients must be real numbers"):
            use([1.0, coefficient])


@pytest.mark.parametrize("coefficient", [np.nan, np.inf, -np.inf])
def test_coefficients_that_are_not_finite_are_refused(coefficient):
    with pytest.raises(InvalidArgumentError, match="coefficients must be finite, got"):
        polynomial_activation([1.0, coefficient])


@pytest.mark.parametrize("coefficients", [3.0, "12", {1.0}, None])
def test_coefficients_that_are_not_a_sequence_are_refused(coefficients):
    with pytest.raises(InvalidTypeError, match="coefficients must be a sequence of numbers"):
        polynomial_activation(coefficients)


def test_empty_coefficients_are_refused():
    for use in (polynomial_activation, lambda a: polynomial_moments(a, sympy.Symbol("v"))):
        with pytest.raises(InvalidArgumentError, match="coefficients must not be empty"):
            use([])


@pytest.mark.parametrize("coefficient", [0.5, np.float64(0.5), True, "1", sympy.Symbol("t") + 0.5, None])
def test_exact_moments_refuse_floats(coefficient):
    with pytest.raises(InvalidTypeError, match="coefficients must be exact"):
        polynomial_moments([1, coefficient], sympy.Symbol("v"))


def test_moments_refuse_float_symbols_and_negative_variances():
    with pytest.raises(InvalidTypeError, match="variance must be exact"):
        polynomial_moments([1, 2], sympy.Symbol("v") + 0.5)
    with pytest.raises(InvalidArgumentError, match="variance must lie in .*, got -1.0"):
        polynomial_moments([1, 2], -1)
