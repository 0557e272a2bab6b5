r"""Learning curves: what Gaussian-process regression with the kernel of a network learns from P samples.

For a target :math:`f = \sum_i g_i \phi_i` and learnabilities :math:`L_i = \lambda_i/(\lambda_i + \kappa)`
(:mod:`symrep.learning.kappa`), averaged over training sets drawn from the measure,

.. math:: E_{test} = E_0 \Big(\sum_i (1 - L_i)^2 g_i^2 + \sigma^2\Big), \qquad E_0 = \frac{P}{P - \sum_i L_i^2},
    \qquad E_{train} = \Big(\frac{\delta}{P \kappa}\Big)^2 E_{test},

where :math:`\sigma^2` is the variance of the noise on the labels, which the test error includes, and :math:`\delta` the ridge.
The equivalent kernel and the next order have the same formulas with their own :math:`\kappa`; the equivalent kernel has
:math:`E_0 = 1`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import exp, inf, log
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from symrep.combinatorics.partitions import Partition
from symrep.display import Column, Table, uncertain_cells, uncertain_columns
from symrep.errors import InvalidArgumentError, InvalidTypeError, require
from symrep.learning.decomposition import TargetModes, decomposed
from symrep.learning.kappa import as_numbers, as_pairs, as_samples, effective_ridge, learnabilities
from symrep.learning.modes import Modes, as_modes, tail_notes

_SAME = 1e-12
_SIMULATED = ("learnability", "test_error", "train_error")


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Learnability and errors over numbers of samples and ridges; made by :func:`learning_curve`.

    Attributes
    ----------
    modes, target
        The eigenvalues, and the target in eigenfunctions.
    n_samples, ridge
        Arrays of one shape.
    noise
        The variance of the noise on the labels.
    theory
        ``"self-consistent"``, ``"next-order"`` or ``"equivalent-kernel"``.
    kappa
        The effective ridge, of the same shape.
    """

    modes: Modes
    target: TargetModes
    n_samples: np.ndarray
    ridge: np.ndarray
    noise: float
    theory: str
    kappa: np.ndarray

    @cached_property
    def level_learnability(self) -> np.ndarray:
        """The learnability of every eigenvalue: shape (..., levels)."""
        return learnabilities(self.modes, self.kappa)

    @cached_property
    def target_learnability(self) -> np.ndarray:
        """The learnability of every component of the target: shape (..., components)."""
        eigenvalues = self.target.eigenvalues
        with np.errstate(invalid="ignore"):
            shares = eigenvalues / (eigenvalues + self.kappa[..., None])
        return np.where(eigenvalues > 0, shares, 0.0)

    @property
    def learnability(self) -> np.ndarray:
        r"""The learnability of the target, :math:`\sum_i L_i g_i^2 / \sum_i g_i^2`, between 0 and 1."""
        return self.target_learnability @ self.target.weights / self.target.norm

    def shape_learnability(self, shape: Any) -> np.ndarray:
        """The learnability of the part of the target in one irrep; refuses a shape that the target has no part in."""
        wanted = shape if isinstance(shape, Partition) else Partition(shape)
        inside = np.array([own == wanted for own in self.target.shapes])
        if not inside.any():
            known = ", ".join(map(str, dict.fromkeys(self.target.shapes)))
            raise InvalidArgumentError(f"shape must be one of {known}, got {wanted}")
        weights = np.where(inside, self.target.weights, 0.0)
        with np.errstate(invalid="ignore"):
            return self.target_learnability @ weights / weights.sum()

    @cached_property
    def learned_modes(self) -> np.ndarray:
        r"""The sum of all learnabilities, :math:`\sum_i L_i`; at most P in the self-consistent theory."""
        return self._summed(1)

    @cached_property
    def overfitting(self) -> np.ndarray:
        r""":math:`E_0 = P / (P - \sum_i L_i^2)`; 1 for the equivalent kernel, inf where all samples are used up."""
        if self.theory == "equivalent-kernel":
            return np.ones(self.kappa.shape)
        rest = self._spare_samples
        return np.where(rest > 0, self.n_samples / np.where(rest > 0, rest, 1.0), np.inf)

    @property
    def _spare_samples(self) -> np.ndarray:
        return self.n_samples - self._summed(2)

    def _summed(self, power: int) -> np.ndarray:
        log_eigenvalues = np.log(self.modes.eigenvalues)
        with np.errstate(divide="ignore", over="ignore"):
            log_kappa = np.log(self.kappa)[..., None]
            log_learned = log_eigenvalues - np.logaddexp(log_eigenvalues, log_kappa)
            return np.exp(logsumexp(self.modes.log_degeneracies + power * log_learned, axis=-1))

    @property
    def bias(self) -> np.ndarray:
        r""":math:`\sum_i (1 - L_i)^2 g_i^2`, the squared error of the mean prediction."""
        return (1 - self.target_learnability) ** 2 @ self.target.weights

    @property
    def test_error(self) -> np.ndarray:
        """The mean squared error on new sequences, label noise included; inf where a theory claims more modes than samples."""
        found = _product(self.overfitting, self.bias + self.noise)
        return found if self.theory == "equivalent-kernel" else np.where(self._spare_samples < 0, np.inf, found)

    @property
    def variance(self) -> np.ndarray:
        """The variance of the prediction over training sets: test error less bias and noise."""
        return self.test_error - self.bias - self.noise

    @property
    def train_error(self) -> np.ndarray:
        """The mean squared error on the training set; without ridge that of least squares where samples outnumber modes."""
        spread = np.maximum(self.n_samples * self.kappa, np.finfo(np.float64).tiny)
        shrinkage = np.where(self.kappa > 0, self.ridge / spread, self._residue_without_ridge)
        return _product(shrinkage**2, self.test_error)

    @property
    def _residue_without_ridge(self) -> np.ndarray:
        r"""The limit of :math:`\delta/(P\kappa)` at :math:`\delta = 0` where all modes are learned."""
        with np.errstate(over="ignore"):
            modes_per_sample = np.exp(logsumexp(self.modes.log_degeneracies) - np.log(self.n_samples))
        if self.theory == "self-consistent":
            return 1 - np.minimum(modes_per_sample, 1.0)
        return 1 / (1 + modes_per_sample) if self.theory == "next-order" else np.ones(self.n_samples.shape)

    def at(self, n_samples: Any) -> LearningCurve:
        """The same target, ridge, noise and theory at other numbers of samples.

        Raises
        ------
        InvalidArgumentError
            When the curve has more than one ridge.
        """
        ridges = np.unique(self.ridge)
        require(len(ridges) == 1, "ridge", "must be one number for other numbers of samples", ridges.tolist())
        return learning_curve(self.modes, self.target, n_samples, ridges[0], noise=self.noise, theory=self.theory)

    def table(self, simulation: Any = None) -> Table:
        """One row for every number of samples and ridge; with the results of :func:`symrep.learning.simulate` beside them.

        Raises
        ------
        InvalidArgumentError
            When the simulation has other numbers of samples, another target, ridge or noise.
        """
        names = {
            "n_samples": ("samples", "samples $P$"),
            "ridge": ("ridge", r"ridge $\delta$"),
            "kappa": ("kappa", r"effective ridge $\kappa$"),
            "learnability": ("learnability", None),
            "test_error": ("test error", None),
            "train_error": ("train error", None),
        }
        if simulation is not None:
            self.require_simulated(simulation)
            same = np.array_equal(np.ravel(self.n_samples), simulation.n_samples)
            require(same, "simulation", "must have the numbers of samples of the curve", simulation.n_samples.tolist())
        columns, arrays = [], []
        for key, (text, latex) in names.items():
            columns.append(Column(key, text, latex) if latex else Column(key, text))
            values = np.ravel(getattr(self, key)).tolist()
            arrays.append([int(p) if p.is_integer() else p for p in values] if key == "n_samples" else values)
            if simulation is not None and key in _SIMULATED:
                columns += uncertain_columns(f"simulated_{key}", "simulated")
                pairs = zip(getattr(simulation, key).tolist(), getattr(simulation, f"{key}_error").tolist())
                arrays += zip(*(uncertain_cells(*pair) for pair in pairs))
        rows = zip(*arrays)
        notes: tuple[str, ...] = (
            f"Theory: {self.theory}; noise variance {self.noise:g}; squared norm of the target {self.target.norm:.6g}.",
        )
        if simulation is not None:
            notes += (f"Simulated: means over {simulation.n_repeats} training sets with their standard errors.",)
        notes += tail_notes(self.modes)
        return Table("curve", ("Learning curve of ", self.target.name, "."), tuple(columns), tuple(rows), notes)

    def require_simulated(self, simulation: Any) -> None:
        """Refuse the results of :func:`symrep.learning.simulate` for another target, ridge or noise.

        Raises
        ------
        InvalidArgumentError
            Names what differs.
        """
        for name, own in (("ridge", np.ravel(self.ridge)), ("noise", np.array([self.noise]))):
            theirs = getattr(simulation, name)
            require(bool((own == theirs).all()), "simulation", f"must have the {name} of the curve, {own[0]:g}", theirs)
        if self.target.space is not None:
            expected = self.target.target(simulation.sequences, self.target.space.vocab_size)
            same = np.allclose(expected, simulation.targets, rtol=1e-9, atol=1e-12)
            require(same, "simulation", f"must be of the target {self.target.name}", simulation)

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Learnability or errors against the number of samples; see :func:`symrep.plots.learning_curve_plot`."""
        from symrep.plots import learning_curve_plot

        if hasattr(ax, "n_repeats"):
            raise InvalidTypeError(
                f"ax must be matplotlib axes: a simulation goes by its name, simulation=..., got {ax!r}"
            )
        return learning_curve_plot(self, ax, **options)

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def __repr__(self) -> str:
        return f"<LearningCurve of {self.target.name}: {_ends(self.n_samples)} samples, learnability {_ends(self.learnability)}>"


def _ends(values: np.ndarray) -> str:
    """The first and the last of an array.

    >>> _ends(np.array([0.25, 0.5, 2 / 3])), _ends(np.array(16.0))
    ('0.25 to 0.667', '16')
    """
    flat = np.ravel(values)
    return f"{flat[0]:.3g}" if len(flat) == 1 else f"{flat[0]:.3g} to {flat[-1]:.3g}"


def learning_curve(
    spec: Any,
    target: Any,
    n_samples: Any,
    ridge: Any,
    *,
    noise: Any = 0.0,
    theory: str = "self-consistent",
    progress: bool = False,
) -> LearningCurve:
    r"""The learning curve of a target under a kernel whose spectrum is known.

    Parameters
    ----------
    spec
        A spectrum with numbers for everything: :class:`Spectrum`, :class:`BlockSpectrum`.
    target
        A :class:`Target`, an expression or text for one (see :func:`symrep.learning.target`), or its decomposition.
    n_samples, ridge
        Positive, and not negative; numbers or arrays that broadcast against each other.
    noise
        The variance of the noise on the labels, not negative.
    theory
        ``"self-consistent"``, ``"next-order"`` or ``"equivalent-kernel"``.
    progress
        Show a bar where the target is decomposed.

    Raises
    ------
    InvalidArgumentError
        When a ridge or the noise is negative, there are no samples, or the target is no function of the sequence.
    FreeSymbolError
        When symbols are left in the spectrum.

    Examples
    --------
    >>> from symrep import kernels, learning, measures, spectrum
    >>> s = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2), 8).substitute(a="1/2", p=1)
    >>> curve = learning.learning_curve(s, "S", n_samples=[4, 16, 64], ridge=0.05)
    >>> curve.learnability.round(3).tolist()
    [0.709, 0.988, 0.999]
    """
    require(isinstance(progress, bool), "progress", "must be True or False", progress, InvalidTypeError)
    noise = as_numbers(noise, "noise")
    require(noise.ndim == 0 and noise >= 0, "noise", "must be one number of at least 0", noise.tolist())
    samples, ridges = as_pairs(n_samples, ridge)
    modes = as_modes(spec)
    kappa = np.asarray(effective_ridge(modes, samples, ridges, theory))
    # last, as it takes longest
    decomposition = decomposed(spec, target, progress)
    return LearningCurve(modes, decomposition, samples, ridges, float(noise), theory, kappa)


def optimal_ridge(spec: Any, target: Any, n_samples: Any, *, noise: Any = 0.0) -> Any:
    r"""The ridge of smallest predicted test error, for every number of samples.

    0 where no ridge is best, inf where it is best to learn nothing: where the error falls with the ridge to the end.

    >>> from symrep import kernels, learning, measures, spectrum
    >>> s = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2), 8).substitute(a="1/2", p=1)
    >>> f"{learning.optimal_ridge(s, 'S', 64, noise=0.1):.4f}"
    '1.1119'
    """
    samples, modes = as_samples(n_samples), as_modes(spec)
    decomposition = decomposed(spec, target)
    best = np.array([_best_ridge(modes, decomposition, p, noise) for p in samples.ravel()]).reshape(samples.shape)
    return float(best) if best.ndim == 0 else best


def _best_ridge(modes: Modes, target: TargetModes, n_samples: float, noise: Any) -> float:
    def error(ridge: float) -> float:
        return float(learning_curve(modes, target, n_samples, ridge, noise=noise).test_error)

    log_trace = logsumexp(modes.log_degeneracies + np.log(modes.eigenvalues)) + log(n_samples)
    grid = np.linspace(log_trace - 60, log_trace + 10, 141)
    errors = [error(exp(value)) for value in grid]
    place = int(np.argmin(errors))
    bounds = grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]
    found = minimize_scalar(lambda value: error(exp(value)), bounds=bounds, method="bounded", options={"xatol": 1e-10})
    least = found.fun * (1 + _SAME)
    nothing_learned = target.norm + float(as_numbers(noise, "noise"))
    if error(0.0) <= least:
        return 0.0
    return inf if nothing_learned <= least else exp(found.x)


def _product(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The product where infinity times zero is zero: nothing is amplified."""
    with np.errstate(invalid="ignore"):
        return np.where((first == 0) | (second == 0), 0.0, first * second)
