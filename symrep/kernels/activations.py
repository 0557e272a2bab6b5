r"""Dual activations: how a nonlinearity acts on the kernel of an infinitely wide network.

For centred Gaussian variables (U, W) with variances :math:`v_x, v_y` and covariance c, the dual of f is
:math:`E[f(U) f(W)]` (the kernel of the network at initialisation) and the derivative dual is
:math:`E[f'(U) f'(W)]` (its factor in the tangent kernel). By Price's theorem the second is the derivative of the first
in c. Both are functions ``(variance_x, variance_y, covariance) -> ndarray`` of float64 that broadcast like numpy.

All closed forms are written with the determinant :math:`\Delta = v_x v_y - c^2` and angles from ``arctan2``, which keep
their digits where the correlation is near 1 or -1; :math:`\Delta` is evaluated without rounding of the products there,
is exactly 0 when :math:`c^2 = v_x v_y`, and is 0 when c exceeds the Cauchy-Schwarz bound by rounding.

Variances are 0 or lie between 1e-140 and 1e150, so that products of two neither overflow nor underflow: larger ones are
refused, smaller ones lose digits. Blocks that fit the cache are worked through one by one, so that the memory used
beyond the result does not grow with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache, partial, wraps
from math import factorial, isfinite
from typing import Any

import numpy as np
import sympy
from numpy.polynomial import polynomial
from numpy.typing import ArrayLike, NDArray

from symrep.errors import InvalidArgumentError, InvalidTypeError, require

Floats = NDArray[np.float64]
Dual = Callable[[ArrayLike, ArrayLike, ArrayLike], Floats]

_BLOCK_ENTRIES = 8192
_LARGEST_VARIANCE = 1e150
_CANCELLATION = 1e-2
_CAUCHY_SCHWARZ_SLACK = 1e-6
_ARCTANGENT_TERMS = 8


def _in_blocks(formula: Callable[[Floats, Floats, Floats], Floats]) -> Dual:
    """The formula, written for valid vectors of equal length, as a public function of arrays that broadcast."""

    @wraps(formula)
    def dual(variance_x: ArrayLike, variance_y: ArrayLike, covariance: ArrayLike) -> Floats:
        named = {"variance_x": variance_x, "variance_y": variance_y, "covariance": covariance}
        arguments = [_as_floats(value, name) for name, value in named.items()]
        shapes = [argument.shape for argument in arguments]
        try:
            np.broadcast_shapes(*shapes)
        except ValueError:
            raise InvalidArgumentError(f"{', '.join(named)} must have shapes that broadcast, got {shapes}") from None
        blocks = np.nditer(
            [*arguments, None],
            flags=["external_loop", "buffered", "zerosize_ok"],
            op_flags=[["readonly"]] * 3 + [["writeonly", "allocate"]],
            op_dtypes=[np.float64] * 4,
            buffersize=_BLOCK_ENTRIES,
        )
        with blocks:
            result = blocks.operands[3]
            for x, y, c, out in blocks:
                _require_variance(x, "variance_x")
                _require_variance(y, "variance_y")
                out[...] = formula(x, y, c)
        return result

    return dual


@_in_blocks
def relu_dual(variance_x: Floats, variance_y: Floats, covariance: Floats) -> Floats:
    r"""The dual of :math:`f(z) = \max(z, 0)`, the arc-cosine kernel of order 1 (Cho and Saul, 2009).

    .. math:: E[f(U) f(W)] = \frac{\sqrt{v_x v_y}}{2\pi} (\sin\theta + (\pi - \theta) \cos\theta),
              \qquad \cos\theta = \frac{c}{\sqrt{v_x v_y}}

    Parameters
    ----------
    variance_x, variance_y
        Variances of U and W, nonnegative: numbers or arrays.
    covariance
        Covariance of U and W, a number or an array.

    Raises
    ------
    InvalidTypeError
        An argument does not hold real numbers.
    InvalidArgumentError
        A variance is outside [0, 1e150], the covariance breaks the Cauchy-Schwarz inequality by more than rounding, or
        the shapes do not broadcast.

    Notes
    -----
    The relative error is small everywhere, also for correlations near -1, where the sum above cancels. Cost: one square
    root and one arctangent per entry.

    Examples
    --------
    >>> relu_dual(2, [2, 2, 2], [2, 0, -2])
    array([1.        , 0.31830989, 0.        ])
    """
    determinant, cancelled = _determinant(variance_x, variance_y, covariance)
    sine = np.sqrt(determinant)
    total = sine + covariance * np.arctan2(sine, -covariance)
    opposite = cancelled[covariance[cancelled] < 0]
    if opposite.size > 0:
        tangent = sine[opposite] / covariance[opposite]
        total[opposite] = sine[opposite] * _arctangent_deficit(np.square(tangent))
    return total * (1 / (2 * np.pi))


@_in_blocks
def relu_derivative_dual(variance_x: Floats, variance_y: Floats, covariance: Floats) -> Floats:
    r"""The dual of the unit step, the arc-cosine kernel of order 0: :math:`E[f'(U) f'(W)] = (\pi - \theta) / (2\pi)`.

    Arguments, errors and :math:`\theta` as in :func:`relu_dual`. At a variance of 0 the correlation is undefined; the
    convention here is :math:`\theta = \pi/2`, that is 1/4.

    >>> relu_derivative_dual([2, 2, 2, 0], [2, 2, 2, 1], [2, 0, -2, 0])
    array([0.5 , 0.25, 0.  , 0.25])
    """
    determinant, cancelled = _determinant(variance_x, variance_y, covariance)
    angle = np.arctan2(np.sqrt(determinant), -covariance)
    undefined = cancelled[(variance_x[cancelled] == 0) | (variance_y[cancelled] == 0)]
    angle[undefined] = np.pi / 2
    return angle * (1 / (2 * np.pi))


@_in_blocks
def erf_dual(variance_x: Floats, variance_y: Floats, covariance: Floats) -> Floats:
    r"""The dual of the error function (Williams, 1997); arguments and errors as in :func:`relu_dual`.

    .. math:: E[f(U) f(W)] = \frac{2}{\pi} \arcsin \frac{2c}{\sqrt{(1 + 2 v_x)(1 + 2 v_y)}}

    >>> erf_dual(0.5, 0.5, [0.5, 0.0, -0.5])
    array([ 0.33333333,  0.        , -0.33333333])
    """
    determinant, _ = _determinant(variance_x, variance_y, covariance)
    return np.arctan2(2 * covariance, np.sqrt(1 + 2 * (variance_x + variance_y + 2 * determinant))) * (2 / np.pi)


@_in_blocks
def erf_derivative_dual(variance_x: Floats, variance_y: Floats, covariance: Floats) -> Floats:
    r"""The derivative dual of the error function; arguments and errors as in :func:`relu_dual`.

    .. math:: E[f'(U) f'(W)] = \frac{4}{\pi} \big((1 + 2 v_x)(1 + 2 v_y) - 4 c^2\big)^{-1/2}

    >>> erf_derivative_dual(0.5, 0.5, [0, 0.5])
    array([0.63661977, 0.73510519])
    """
    determinant, _ = _determinant(variance_x, variance_y, covariance)
    return (4 / np.pi) / np.sqrt(1 + 2 * (variance_x + variance_y + 2 * determinant))


@_in_blocks
def gelu_dual(variance_x: Floats, variance_y: Floats, covariance: Floats) -> Floats:
    r"""The dual of GELU, :math:`f(z) = z \Phi(z)`; arguments and errors as in :func:`relu_dual`.

    With :math:`\Phi, \phi` the normal distribution function and density and :math:`D = (1 + v_x)(1 + v_y) - c^2`,
    integration by parts reduces the dual to :math:`E[\phi(U) \phi(W)] = 1/(2\pi\sqrt D)` and to

    .. math:: E[\Phi(U) \Phi(W)] = \frac14 + \frac1{2\pi} \arcsin\frac{c}{\sqrt{(1 + v_x)(1 + v_y)}}, \\
              E[f(U) f(W)] = c\,E[\Phi(U) \Phi(W)]
              + \frac{1}{2\pi\sqrt D} \Big(v_x v_y - c^2 + \frac{c^2}{1 + v_x} + \frac{c^2}{1 + v_y}\Big)

    >>> gelu_dual(1, 1, [0, 1])
    array([0.07957747, 0.42522148])
    """
    determinant, _ = _determinant(variance_x, variance_y, covariance)
    trace = 1 + variance_x + variance_y
    shifted = trace + determinant
    root = np.sqrt(shifted)
    square = covariance * covariance
    total = (determinant + square / (shifted + square) * (1 + trace)) / root
    total += covariance * np.arctan2(root, -covariance)
    return total * (1 / (2 * np.pi))


@_in_blocks
def gelu_derivative_dual(variance_x: Floats, variance_y: Floats, covariance: Floats) -> Floats:
    r"""The derivative dual of GELU; notation of :func:`gelu_dual`, arguments and errors as in :func:`relu_dual`.

    .. math:: E[f'(U) f'(W)] = E[\Phi(U) \Phi(W)]
              + \frac{c}{2\pi\sqrt D} \Big(\frac{1}{1 + v_x} + \frac{1}{1 + v_y} + \frac{1}{D}\Big)

    It is negative for some negative covariances, since f is not monotone: the dual is not monotone in c there.

    >>> gelu_derivative_dual(4, 4, [4, 0, -4])
    array([ 0.50604476,  0.25      , -0.00604476])
    """
    determinant, _ = _determinant(variance_x, variance_y, covariance)
    trace = 1 + variance_x + variance_y
    shifted = trace + determinant
    root = np.sqrt(shifted)
    total = covariance / root * ((1 + trace) / (shifted + covariance * covariance) + 1 / shifted)
    total += np.arctan2(root, -covariance)
    return total * (1 / (2 * np.pi))


def polynomial_dual(
    coefficients: Sequence[float], variance_x: ArrayLike, variance_y: ArrayLike, covariance: ArrayLike
) -> Floats:
    r"""The dual of :math:`f(z) = \sum_k a_k z^k`, from its Hermite expansion.

    .. math:: E[f(U) f(W)] = \sum_j \frac{c^j}{j!} E[f^{(j)}(U)] E[f^{(j)}(W)]

    The coefficients :math:`a_0, a_1, \dots` are finite real numbers, at least one; the other arguments are as in
    :func:`relu_dual`, but the Cauchy-Schwarz inequality is not checked, since no step needs it. No square root and no
    division by a variance occurs. Cost per entry: quadratic in the degree. Products beyond float64 make numpy warn.

    >>> polynomial_dual([0, 0, 1], 2, 3, [0, 1])
    array([6., 8.])
    """
    floats = _coefficients(coefficients, _as_float)

    @_in_blocks
    def dual(x: Floats, y: Floats, c: Floats) -> Floats:
        total = 0.0
        pairs = list(enumerate(zip(_moments(floats, x), _moments(floats, y))))
        for j, (of_x, of_y) in reversed(pairs):
            total = total * c + of_x * of_y / factorial(j)
        return total

    return dual(variance_x, variance_y, covariance)


def polynomial_derivative_dual(
    coefficients: Sequence[float], variance_x: ArrayLike, variance_y: ArrayLike, covariance: ArrayLike
) -> Floats:
    """The derivative dual of a polynomial, arguments as in :func:`polynomial_dual`.

    >>> polynomial_derivative_dual([0, 0, 1], 2, 3, [0, 1])
    array([0., 4.])
    """
    return polynomial_dual(_derivative(_coefficients(coefficients, _as_float)), variance_x, variance_y, covariance)


def polynomial_moments(coefficients: Sequence[Any], variance: Any) -> tuple[Any, ...]:
    r"""The expected derivatives :math:`E[f^{(j)}(U)]` of :math:`f(z) = \sum_k a_k z^k`, for j from 0 to the degree.

    .. math:: E[f^{(j)}(U)] = \sum_m a_{j+2m} \frac{(j + 2m)!}{2^m m!} v^m

    Parameters
    ----------
    coefficients
        :math:`a_0, a_1, \dots`, at least one.
    variance
        A sympy expression, for exact moments: the coefficients are then ints, fractions or sympy expressions without
        floats. Otherwise a nonnegative float or array, and the coefficients are finite real numbers.

    Returns
    -------
    tuple
        Expressions, not expanded, or floats, or arrays with the shape of ``variance``.

    Raises
    ------
    InvalidTypeError
        Floats among exact values, or values that are not numbers.
    InvalidArgumentError
        No coefficients, one that is not finite, or a variance outside [0, 1e150].

    Examples
    --------
    >>> polynomial_moments([0, 1, 0, sympy.Rational(1, 3)], sympy.Symbol("v"))
    (0, v + 1, 0, 2)
    >>> polynomial_moments([1, 0, 0.5], 4.0)
    (3.0, 0.0, 1.0)
    """
    if isinstance(variance, sympy.Basic):
        return _moments(_coefficients(coefficients, _as_exact), _as_exact(variance, "variance"))
    values = _as_floats(variance, "variance")
    if values.size > 0:
        _require_variance(values, "variance")
    values = values if values.ndim > 0 else values.item()
    return tuple(moment + 0 * values for moment in _moments(_coefficients(coefficients, _as_float), values))


@dataclass(frozen=True)
class DualActivation:
    """A nonlinearity and its derivative, for networks of finite width, with the duals of both.

    The duals are functions ``(variance_x, variance_y, covariance)``; the others act on an array entry by entry, and the
    derivative of ReLU at 0 is 0. The name is what the repr shows.

    >>> RELU, float(RELU.dual(1, 1, 1)), RELU.derivative([-2, 0, 3])
    (DualActivation(name='relu'), 0.5, array([0., 0., 1.]))
    """

    name: str
    dual: Dual = field(repr=False)
    derivative_dual: Dual = field(repr=False)
    function: Callable[[ArrayLike], Floats] = field(repr=False)
    derivative: Callable[[ArrayLike], Floats] = field(repr=False)


def polynomial_activation(coefficients: Sequence[float]) -> DualActivation:
    r"""The activation :math:`f(z) = \sum_k a_k z^k`; equal coefficients give equal activations.

    >>> cubic = polynomial_activation([0, 1, 0, 0.5])
    >>> cubic, cubic.function([2.0]), cubic.derivative([2.0])
    (DualActivation(name='polynomial(0.0, 1.0, 0.0, 0.5)'), array([6.]), array([7.]))
    """
    return _polynomial_activation(_coefficients(coefficients, _as_float))


@lru_cache(maxsize=256)
def _polynomial_activation(coefficients: tuple[float, ...]) -> DualActivation:
    return DualActivation(
        f"polynomial({', '.join(map(repr, coefficients))})",
        partial(polynomial_dual, coefficients),
        partial(polynomial_derivative_dual, coefficients),
        partial(polynomial.polyval, c=coefficients),
        partial(polynomial.polyval, c=_derivative(coefficients)),
    )


def _derivative(coefficients: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(k * a for k, a in enumerate(coefficients))[1:] or (0.0,)


def _relu(z: ArrayLike) -> Floats:
    return np.maximum(_as_floats(z, "z"), 0.0)


def _unit_step(z: ArrayLike) -> Floats:
    return np.where(_as_floats(z, "z") > 0, 1.0, 0.0)


def _erf(z: ArrayLike) -> Floats:
    from scipy import special

    return special.erf(_as_floats(z, "z"))


def _erf_derivative(z: ArrayLike) -> Floats:
    return np.exp(-np.square(_as_floats(z, "z"))) * (2 / np.sqrt(np.pi))


def _gelu(z: ArrayLike) -> Floats:
    from scipy import special

    values = _as_floats(z, "z")
    return values * special.ndtr(values)


def _gelu_derivative(z: ArrayLike) -> Floats:
    from scipy import special

    values = _as_floats(z, "z")
    return special.ndtr(values) + values * np.exp(-0.5 * np.square(values)) / np.sqrt(2 * np.pi)


RELU = DualActivation("relu", relu_dual, relu_derivative_dual, _relu, _unit_step)
ERF = DualActivation("erf", erf_dual, erf_derivative_dual, _erf, _erf_derivative)
GELU = DualActivation("gelu", gelu_dual, gelu_derivative_dual, _gelu, _gelu_derivative)


def _moments(coefficients: tuple[Any, ...], variance: Any) -> tuple[Any, ...]:
    degree = len(coefficients) - 1
    moments = []
    for j in range(degree + 1):
        pairings = [factorial(j + 2 * m) // (2**m * factorial(m)) for m in range((degree - j) // 2 + 1)]
        *lower, total = (a * ways for a, ways in zip(coefficients[j::2], pairings))
        for term in reversed(lower):
            total = total * variance + term
        moments.append(total)
    return tuple(moments)


def _arctangent_deficit(square: Floats) -> Floats:
    """1 - arctan(q)/q as a series in the small square of q."""
    total = np.zeros_like(square)
    for k in reversed(range(_ARCTANGENT_TERMS)):
        total = 1 / (2 * k + 3) - square * total
    return square * total


def _determinant(x: Floats, y: Floats, c: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """x y - c^2, accurate and clipped at 0, and the positions where the difference cancels."""
    product = x * y
    determinant = product - c * c
    # The negation makes a covariance that is not a number count as cancelled, so that it is refused below.
    cancelled = np.flatnonzero(~(determinant > _CANCELLATION * product))
    if cancelled.size > 0:
        x, y, c = x[cancelled], y[cancelled], c[cancelled]
        product, product_error = _product_and_error(x, y)
        square, square_error = _product_and_error(c, c)
        difference = (product - square) + (product_error - square_error)
        refused = ~(difference >= -_CAUCHY_SCHWARZ_SLACK * np.square(0.5 * (x + y)))
        if refused.any():
            rule = "covariance must satisfy covariance^2 <= variance_x variance_y up to rounding"
            raise InvalidArgumentError(f"{rule}, got {c[refused][0]} with {x[refused][0]} and {y[refused][0]}")
        determinant[cancelled] = np.maximum(difference, 0.0)
    return determinant, cancelled


def _product_and_error(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """The rounded product and what rounding took from it (Dekker, 1971)."""
    product = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(a: Floats) -> tuple[Floats, Floats]:
    """The upper half of the significand and the rest, so that products of halves are exact."""
    scaled = a * (2.0**27 + 1)
    high = scaled - (scaled - a)
    return high, a - high


def _as_floats(value: ArrayLike, argument: str) -> Floats:
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise InvalidTypeError(f"{argument} must hold real numbers (ints or floats), got dtype {array.dtype}")
    return array.astype(np.float64, copy=False)


def _require_variance(values: Floats, argument: str) -> None:
    smallest, largest = float(values.min()), float(values.max())
    rule = f"must lie in [0, {_LARGEST_VARIANCE:g}]"
    require(smallest >= 0, argument, rule, smallest)
    require(largest <= _LARGEST_VARIANCE, argument, rule, largest)


def _coefficients(values: Sequence[Any], convert: Callable[[Any, str], Any]) -> tuple[Any, ...]:
    valid = isinstance(values, (Sequence, np.ndarray)) and not isinstance(values, (str, bytes))
    require(valid, "coefficients", "must be a sequence of numbers", values, InvalidTypeError)
    require(len(values) > 0, "coefficients", "must not be empty", values)
    return tuple(convert(value, "coefficients") for value in values)


def _as_float(value: Any, argument: str) -> float:
    array = np.asarray(float(value) if isinstance(value, (Fraction, sympy.Number)) else value)
    require(array.dtype.kind in "iuf" and array.ndim == 0, argument, "must be real numbers", value, InvalidTypeError)
    require(isfinite(array), argument, "must be finite", value)
    return float(array)


def _as_exact(value: Any, argument: str) -> sympy.Expr:
    valid = isinstance(value, (int, Fraction, sympy.Expr)) and not isinstance(value, bool)
    expression = sympy.sympify(value) if valid else sympy.Float(0)
    rule = "must be exact: ints, fractions or sympy expressions without floats"
    require(not expression.has(sympy.Float), argument, rule, value, InvalidTypeError)
    return expression
