r"""The effective ridge :math:`\kappa`: an eigenfunction with eigenvalue :math:`\lambda` has learnability
:math:`\lambda / (\lambda + \kappa)`.

With P samples and ridge :math:`\delta` the self-consistent theory has

.. math:: \sum_i \frac{\lambda_i}{\lambda_i + \kappa} + \frac{\delta}{\kappa} = P ,

the equivalent kernel :math:`\kappa_0 = \delta / P`, and the next order one step of the iteration that
:math:`P \kappa = \delta + \sum_i \lambda_i \kappa / (\lambda_i + \kappa)` suggests, from :math:`\kappa_0`. The sum falls as
:math:`\kappa` grows, so the root is unique; everything is done with logarithms, so that a degeneracy may have any size.
"""

from __future__ import annotations

from math import exp, inf, log, log1p
from typing import Any

import numpy as np
import sympy
from scipy.optimize import brentq
from scipy.special import logsumexp

from symrep.errors import InvalidArgumentError, InvalidTypeError, SymrepError, require, shown
from symrep.kernels.parameters import as_float, as_parameter
from symrep.learning.modes import Modes
from symrep.learning.scaling import symbolic_effective_modes
from symrep.spectra.spectrum import Spectrum

THEORIES = ("self-consistent", "next-order", "equivalent-kernel")
_SLACK = 1e-9
_COUNTABLE = 2**53
# of these the number of samples follows from kappa without solving anything
DIRECT_THEORIES = ("self-consistent", "equivalent-kernel")
kappa_symbol = sympy.Symbol("kappa", positive=True)


def effective_ridge(modes: Modes, n_samples: Any, ridge: Any, theory: str = "self-consistent") -> Any:
    r""":math:`\kappa` for every number of samples and every ridge.

    Parameters
    ----------
    modes
        The eigenvalues; the tail is counted among the modes that compete, as ridge.
    n_samples
        P > 0, a number or an array; fractions are allowed.
    ridge
        :math:`\delta \ge 0`, a number or an array that broadcasts against ``n_samples``.
    theory
        ``"self-consistent"``, ``"next-order"`` or ``"equivalent-kernel"``.

    Returns
    -------
    float or numpy.ndarray
        One number, or an array of the common shape. 0 means that all modes are learned: without ridge that is so from
        as many samples on as there are modes, where the equation has no positive root.

    Raises
    ------
    InvalidArgumentError
        When a number of samples is not positive, a ridge is negative, or the theory is unknown.

    Examples
    --------
    >>> from symrep import kernels, measures, spectrum
    >>> from symrep.learning.modes import as_modes
    >>> s = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2), 8).substitute(a="1/2", p=1)
    >>> kappa = effective_ridge(as_modes(s), [4, 64], ridge=0.05)
    >>> [f"{value:.6f}" for value in kappa]
    ['0.488182', '0.001050']
    """
    require(theory in THEORIES, "theory", f"must be one of {', '.join(THEORIES)}", theory)
    samples, ridges = as_pairs(n_samples, ridge)
    result = np.empty(samples.shape)
    for index in np.ndindex(samples.shape):
        try:
            result[index] = _KAPPA[theory](modes, float(samples[index]), float(ridges[index]))
        except OverflowError:
            rule = "must not be so small that kappa is beyond float64"
            raise InvalidArgumentError(f"n_samples {rule}, got {samples[index]:g}") from None
    return float(result) if result.ndim == 0 else result


def effective_modes(modes: Modes, kappa: float) -> float:
    r""":math:`\sum_i \lambda_i / (\lambda_i + \kappa)`, the number of modes that are learned; inf beyond float64."""
    with np.errstate(over="ignore"):
        return float(np.exp(logsumexp(_log_terms(modes, np.log(kappa))))) if kappa > 0 else float(modes.count)


def learnabilities(modes: Modes, kappa: Any) -> np.ndarray:
    r""":math:`\lambda / (\lambda + \kappa)` of every level: shape (..., levels) for kappa of shape (...)."""
    kappa = np.asarray(kappa, dtype=np.float64)[..., None]
    return modes.eigenvalues / (modes.eigenvalues + kappa)


def _log_terms(modes: Modes, log_kappa: float) -> np.ndarray:
    log_eigenvalues = np.log(modes.eigenvalues)
    return modes.log_degeneracies + log_eigenvalues - np.logaddexp(log_eigenvalues, log_kappa)


def _self_consistent(modes: Modes, n_samples: float, ridge: float) -> float:
    ridge = ridge + modes.tail
    log_count = log(modes.count)
    if ridge == 0 and log(n_samples) >= log_count:
        return 0.0
    log_samples = log(n_samples)
    log_ridge = log(ridge) if ridge > 0 else -inf
    log_trace = logsumexp([*(modes.log_degeneracies + np.log(modes.eigenvalues)), log_ridge])

    def excess(log_kappa: float) -> float:
        return logsumexp([*_log_terms(modes, log_kappa), log_ridge - log_kappa]) - log_samples

    if 2 * n_samples > modes.count and modes.count < _COUNTABLE:
        return _nearly_all_learned(modes, n_samples, log_ridge)
    if ridge > 0:
        lower = log_ridge - log_samples
    else:  # the smallest eigenvalue in place of all D modes: D l / (l + kappa) = P
        lower = log(modes.eigenvalues[-1]) + log_count + log1p(-exp(log_samples - log_count)) - log_samples
    lower, upper = lower - _SLACK, log_trace - log_samples + _SLACK
    return exp(brentq(excess, lower, upper, xtol=1e-15, rtol=1e-15))


def _nearly_all_learned(modes: Modes, n_samples: float, log_ridge: float) -> float:
    r"""The root by what is not learned, :math:`\sum_i \kappa/(\lambda_i + \kappa) = D - P + \delta/\kappa`, good for P near D.

    All terms are positive once D - P is put on the side where it is.
    """
    missing = modes.count - n_samples
    log_difference = log(abs(missing)) if missing else -inf
    log_eigenvalues = np.log(modes.eigenvalues)

    def excess(log_kappa: float) -> float:
        unlearned = logsumexp(modes.log_degeneracies + log_kappa - np.logaddexp(log_eigenvalues, log_kappa))
        sides = [unlearned], [log_ridge - log_kappa]
        sides[missing >= 0].append(log_difference)
        return logsumexp(sides[0]) - logsumexp(sides[1])

    log_samples, log_ratio = log(n_samples), log_difference - log(n_samples)
    # without ridge the root has learnability P/D of some eigenvalue; each of the two terms on the right alone has a smaller root
    lowest, highest = log_eigenvalues.min(), log_eigenvalues.max()
    log_trace = logsumexp([*(modes.log_degeneracies + log_eigenvalues), log_ridge])
    lower = max(lowest + log_ratio if missing > 0 else -inf, log_ridge - log_samples) - _SLACK
    return exp(
        brentq(excess, lower, max(log_trace - log_samples, highest + log_ratio) + _SLACK, xtol=1e-15, rtol=1e-15)
    )


def _equivalent_kernel(modes: Modes, n_samples: float, ridge: float) -> float:
    return ridge / n_samples


def _next_order(modes: Modes, n_samples: float, ridge: float) -> float:
    first = _equivalent_kernel(modes, n_samples, ridge)
    if first == 0:
        return 0.0
    log_competition = logsumexp(_log_terms(modes, log(first)))
    return first + exp(log(first) + log_competition - log(n_samples)) + modes.tail / n_samples


_KAPPA = {
    "self-consistent": _self_consistent,
    "next-order": _next_order,
    "equivalent-kernel": _equivalent_kernel,
}


def kappa_polynomial(spec: Spectrum, n_samples: Any, ridge: Any) -> sympy.Poly:
    r"""The polynomial in :math:`\kappa` whose one positive root is the self-consistent :math:`\kappa`, with symbols.

    From the characteristic polynomials of the blocks alone: over the roots of :math:`\chi` of degree s,
    :math:`\sum x/(x + \kappa) = s + \kappa \chi'(-\kappa)/\chi(-\kappa)`; its degree is one more than the number of distinct
    nonzero eigenvalues. Without ridge it is that number, and there is a positive root only for fewer samples than modes.

    Parameters
    ----------
    spec
        Any exact spectrum, with or without symbols.
    n_samples, ridge
        Exact numbers, symbols or expressions, but none named kappa; floats are read as decimal fractions.

    Raises
    ------
    InvalidArgumentError
        When the number of samples is not positive, or a ridge is negative, or one of them has a symbol named kappa.

    Examples
    --------
    >>> from symrep import kernels, measures, spectrum
    >>> s = spectrum(kernels.architecture("uniform-block"), measures.iid_uniform(2))
    >>> kappa_polynomial(s, "P", "delta").degree()
    3
    """
    if not isinstance(spec, Spectrum):
        raise InvalidTypeError(f"spec must be a Spectrum, got {shown(spec)}")
    samples, ridge = as_parameter(n_samples, "n_samples"), as_parameter(ridge, "ridge")
    require(samples != 0, "n_samples", "must be positive", samples)
    for argument, value in (("n_samples", samples), ("ridge", ridge)):
        names = {symbol.name for symbol in value.free_symbols}
        require(kappa_symbol.name not in names, argument, "must not have a symbol named kappa", value)
    total = ridge / kappa_symbol - samples
    total += symbolic_effective_modes(spec.blocks, kappa_symbol)
    numerator = sympy.fraction(sympy.together(total))[0]
    return sympy.Poly(sympy.factor(numerator), kappa_symbol)


def as_pairs(n_samples: Any, ridge: Any) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of samples and ridges as arrays of one shape."""
    samples, ridges = as_samples(n_samples), _ridges(ridge)
    try:
        return np.broadcast_arrays(samples, ridges)
    except ValueError:
        rule = f"must broadcast against n_samples of shape {samples.shape}"
        raise InvalidArgumentError(f"ridge {rule}, got shape {ridges.shape}") from None


def as_samples(n_samples: Any) -> np.ndarray:
    """Positive numbers of samples as an array."""
    samples = as_numbers(n_samples, "n_samples")
    require(bool((samples > 0).all()), "n_samples", "must be positive", n_samples)
    return samples


def _ridges(ridge: Any) -> np.ndarray:
    ridges = as_numbers(ridge, "ridge")
    require(bool((ridges >= 0).all()), "ridge", "must not be negative", ridge)
    return ridges


def as_numbers(values: Any, argument: str) -> np.ndarray:
    try:
        numbers = np.asarray(values)
        if numbers.dtype.kind in "OU":
            numbers = np.vectorize(lambda value: as_float(as_parameter(value, argument), argument), otypes=[float])(
                numbers
            )
    except ValueError as error:
        if isinstance(error, SymrepError):
            raise
        raise InvalidArgumentError(f"{argument} must be a number or an array of numbers, got {shown(values)}") from None
    if numbers.dtype.kind not in "fiu":
        raise InvalidTypeError(f"{argument} must be numbers, got {shown(values)}")
    numbers = numbers.astype(np.float64)
    require(bool(np.isfinite(numbers).all()), argument, "must be finite", values)
    require(numbers.size > 0, argument, "must not be empty", values)
    return numbers
