r"""Scaling laws of block spectra: the same bounds and samples in float64, for kernels without closed forms.

What a block spectrum does not resolve, and shapes that it was not asked for, count as that much more ridge, as in learning
curves (see :class:`~symrep.learning.modes.Modes`); the trace of the operator is known all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import exp, log
from typing import Any

import sympy

from symrep.errors import FreeSymbolError, require, require_symbols
from symrep.kernels.parameters import substitute
from symrep.learning.kappa import effective_modes
from symrep.learning.modes import Modes, as_modes, tail_notes
from symrep.learning.scaling import ScalingLaw, ScalingLaws, read_goal
from symrep.spectra.block_results import BlockSpectrum


@dataclass(frozen=True, repr=False)
class NumericScalingLaw(ScalingLaw):
    """A scaling law in float64; the ridge alone may be a symbol."""

    @cached_property
    def dimension_bound(self) -> float:
        """E K(x, x) / dimension: no eigenvalue of the irrep is larger, whatever the kernel."""
        return _quotient(self.mean_diagonal, self.dimension)

    @cached_property
    def trace_bound(self) -> float:
        """tr(P K) / dimension, with the resolved eigenvalues of the block."""
        return _quotient(self.shape_trace, self.dimension)

    @property
    def normalized(self) -> float:
        """The eigenvalue over E K(x, x)."""
        return self.level.eigenvalue / self.mean_diagonal

    @property
    def tightness(self) -> float:
        """eigenvalue / dimension bound, at most 1."""
        return self.level.eigenvalue / self.dimension_bound

    @property
    def trace_tightness(self) -> float:
        """eigenvalue / trace bound, at most 1."""
        return self.level.eigenvalue / self.trace_bound

    @property
    def _odds(self) -> float:
        return float(self.learnability / (1 - self.learnability))

    def samples(self, method: str = "self-consistent") -> Any:
        """As :meth:`ScalingLaw.samples`: a float, or an expression in the symbol of the ridge."""
        if method == "self-consistent":
            kappa = self.level.eigenvalue / self._odds
            return self._competing(kappa) + _number(self.ridge / kappa)
        return _number(self.ridge * self._odds / self._bound(method))

    def crossover_ridge(self) -> float:
        """As :meth:`ScalingLaw.crossover_ridge`."""
        kappa = self.level.eigenvalue / self._odds
        return kappa * self._competing(kappa)

    def _competing(self, kappa: float) -> float:
        return effective_modes(self._modes, kappa) + self._modes.tail / kappa

    @cached_property
    def _modes(self) -> Modes:
        return as_modes(self.spectrum)


@dataclass(frozen=True, repr=False)
class NumericScalingLaws(ScalingLaws):
    """The scaling laws of the resolved eigenvalues of a block spectrum."""

    def select(self, shape: Any, token_shape: Any = None, query_shape: Any = None) -> NumericScalingLaws:
        """The laws of one shape; blocks are not split by irreps of token renaming."""
        for name, value in (("token_shape", token_shape), ("query_shape", query_shape)):
            require(value is None, name, "must be left out for a block spectrum", value)
        wanted = self.spectrum.block(shape).shape
        return replace(self, laws=tuple(law for law in self if law.level.shape == wanted))

    def with_token_labels(self) -> NumericScalingLaws:
        """The laws of the levels that are labelled by irreps of token renaming too, each multiplet of them once.

        Raises
        ------
        NotInvariantError
            When the measure or the kernel does not treat all tokens alike.
        """
        of_shape = {law.level.shape: law for law in self}
        levels = [level for level in self.spectrum.token_levels if level.shape in of_shape and level.eigenvalue > 0]
        return replace(self, laws=tuple(replace(of_shape[level.shape], level=level) for level in levels))

    def notes(self) -> tuple[Any, ...]:
        """What the eigenvalues that the spectrum lacks mean for the samples."""
        return tail_notes(as_modes(self.spectrum))

    def substitute(self, **values: Any) -> ScalingLaws:
        """The laws at a number for the symbol of the ridge."""
        require_symbols(values, {symbol.name for symbol in self.ridge.free_symbols})
        goal = read_goal(substitute(self.ridge, **values), self.learnability)
        found = numeric_scaling_laws(self.spectrum, *goal)
        if any(law.level.token_shape is not None for law in self):
            found = found.with_token_labels()
        self.require_whole_irreps(law.level for law in found)
        kept = {law.level.shape for law in self}
        return replace(found, laws=tuple(law for law in found if law.level.shape in kept))


def numeric_scaling_laws(spec: BlockSpectrum, ridge: sympy.Expr, learnability: sympy.Expr) -> NumericScalingLaws:
    """What :func:`symrep.learning.scaling_law` returns for a block spectrum.

    Examples
    --------
    >>> from symrep import block_spectrum, kernels, learning, measures
    >>> relu = kernels.architecture("relu-block", token_variance=1, position_variance=1)
    >>> laws = learning.scaling_law(block_spectrum(relu, measures.iid_uniform(2), 20), ridge="1/10")
    >>> standard = laws.select((19, 1))[0]
    >>> f"{standard.level.eigenvalue:.3g} of at most {standard.trace_bound:.3g}, {standard.samples():.3g} samples"
    '0.000521 of at most 0.000552, 206 samples'
    """
    if learnability.free_symbols:
        raise FreeSymbolError(f"learnability must be a number for a block spectrum, got {learnability}")
    as_modes(spec)
    mean, traces = float(spec.expected_trace), {shape: spec.trace(shape) for shape in spec.shapes}
    laws = tuple(
        NumericScalingLaw(spec, level, level.shape.dimension, mean, traces[level.shape], ridge, learnability)
        for level in spec.levels
        if level.eigenvalue > 0
    )
    return NumericScalingLaws(spec, laws, ridge, learnability)


def _quotient(value: float, dimension: int) -> float:
    """A positive number over an integer of any size."""
    return exp(log(value) - log(dimension))


def _number(expression: sympy.Expr) -> Any:
    return expression if expression.free_symbols else float(expression)
