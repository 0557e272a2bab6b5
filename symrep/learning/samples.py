r"""How many samples a target needs.

The learnability of a target, :math:`\sum_i g_i^2 \lambda_i/(\lambda_i+\kappa)` over its squared norm, falls as :math:`\kappa`
grows; the :math:`\kappa` at which it has a given value is found first, and the number of samples follows without solving
anything: :math:`P = \sum_i \lambda_i/(\lambda_i+\kappa) + \delta/\kappa`.
"""

from __future__ import annotations

from math import exp, inf, log
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from symrep.errors import InvalidArgumentError, require
from symrep.learning.decomposition import TargetModes, decomposed
from symrep.learning.kappa import DIRECT_THEORIES, as_numbers, effective_modes
from symrep.learning.modes import as_modes


def samples_to_learn(
    spec: Any, target: Any, ridge: Any, *, learnability: Any = 0.5, theory: str = "self-consistent"
) -> Any:
    r"""The number of samples at which a target reaches a learnability; inf where it never does.

    Parameters
    ----------
    spec
        A spectrum with numbers for everything.
    target
        As for :func:`symrep.learning.target`, or its decomposition.
    ridge
        :math:`\delta \ge 0`.
    learnability
        Strictly between 0 and 1; a number or an array.
    theory
        ``"self-consistent"``, or ``"equivalent-kernel"``, a lower bound.

    Examples
    --------
    How many samples until the token at position 1 is half learned, at length 1000?

    >>> from symrep import kernels, learning, measures, spectrum
    >>> net = kernels.architecture("linear-block", token_variance="1/2", position_variance=1)
    >>> s = spectrum(net, measures.iid_uniform(2), 1000)
    >>> round(learning.samples_to_learn(s, "S", ridge=0.05), 2), round(learning.samples_to_learn(s, "sigma_1 - S/L", ridge=0.05))
    (3.48, 503)
    """
    require(theory in DIRECT_THEORIES, "theory", f"must be one of {', '.join(DIRECT_THEORIES)}", theory)
    ridges = as_numbers(ridge, "ridge")
    require(ridges.ndim == 0 and ridges >= 0, "ridge", "must be one number of at least 0", ridge)
    wanted = as_numbers(learnability, "learnability")
    if not ((wanted > 0) & (wanted < 1)).all():
        raise InvalidArgumentError(f"learnability must be strictly between 0 and 1, got {learnability}")
    modes, found = as_modes(spec), decomposed(spec, target)
    needed = np.empty(wanted.shape)
    for index in np.ndindex(wanted.shape):
        kappa = _kappa_at(found, float(wanted[index]))
        if kappa == 0:
            needed[index] = inf
            continue
        competing = effective_modes(modes, kappa) + modes.tail / kappa if theory == "self-consistent" else 0.0
        needed[index] = competing + float(ridges) / kappa
    return float(needed) if needed.ndim == 0 else needed


def _kappa_at(target: TargetModes, learnability: float) -> float:
    """The effective ridge at which the target has a learnability; 0 where no ridge is small enough."""
    positive = target.eigenvalues > 0
    eigenvalues, weights = target.eigenvalues[positive], target.weights[positive]
    if weights.sum() <= learnability * target.norm:
        return 0.0

    def excess(log_kappa: float) -> float:
        return float(weights @ expit(np.log(eigenvalues) - log_kappa)) / target.norm - learnability

    # learnability is at least that of all weight at the smallest, at most that of all weight at the largest eigenvalue
    learnable = float(weights.sum()) / target.norm
    odds = log(learnable - learnability) - log(learnability)
    lower, upper = log(eigenvalues.min()) + odds - 1e-9, log(eigenvalues.max()) + odds + 1e-9
    return exp(brentq(excess, lower, upper, xtol=1e-14, rtol=1e-14))
